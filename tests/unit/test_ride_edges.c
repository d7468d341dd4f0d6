/* SPDX-License-Identifier: Apache-2.0 */
/* Riding through with less to go by: other sensors, no classes, no batteries. */
#include "ride_rig.h"

static struct ride_rig *ready(bool keeps)
{
    struct ride_rig *r = ride_rig_new(keeps);

    ride_rig_run(r, 3.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    return r;
}

static void the_split_is_trimmed_by_input_power_or_current_too(void **state)
{
    (void)state;
    static const enum signal signals[] = { SIGNAL_PSU_INPUT_W, SIGNAL_PSU_INPUT_A };

    for (size_t k = 0; k < 2; k++)
        for (int32_t flat = 0; flat < 2; flat++) {
            struct ride_rig *r = ride_rig_make(true, true, signals[k]);
            double before_ma;

            r->psu_droop_v = flat ? 0.6 : 1.5;
            ride_rig_run(r, 3.0);
            before_ma = r->most_ma;
            ride_rig_input(r, 0.8);
            ride_rig_run(r, 2.0);
            assert_int_equal(ride_rig_state(r), CORE_RIDE_SUPPORT);
            assert_true(r->most_ma <= before_ma);
            assert_true(r->most_ma >= 0.85 * before_ma);
            ride_rig_free(r);
        }
}

static void without_output_readings_supplies_are_off_by_their_books(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_make(true, true, SIGNAL_PSU_INLET_C);

    ride_rig_run(r, 3.0);
    ride_rig_freeze(r, 0.1, 0.0);
    ride_rig_run(r, 0.03);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SAG);
    ride_rig_run(r, 0.05);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_OUTAGE);
    ride_rig_free(r);
}

static void without_output_readings_shelves_are_back_by_their_books(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new_apart(SIGNAL_PSU_INLET_C);

    for (int32_t s = 0; s < RIDE_RIG_SHELVES; s++)
        r->extra_s[s] = 0.5 + 0.2 * s;
    ride_rig_run(r, 3.0);
    ride_rig_input(r, 0.0);
    ride_rig_run(r, 0.4);
    ride_rig_input(r, 1.0);
    ride_rig_run(r, 4.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_RETURN);
    RIG_NEAR(ride_rig_setpoint(r, 0), 48.0);
    ride_rig_run(r, 4.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    RIG_NEAR(ride_rig_setpoint(r, 0), RIDE_RIG_TARGET_V);
    ride_rig_free(r);
}

/* So light a load hardly shows at each supply, so they are taken as back by their books. */
static void shelves_that_carry_next_to_nothing_are_back_by_their_books(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new_apart(SIGNAL_PSU_OUTPUT_W);
    struct core_config_source sources[2 * RIDE_RIG_SHELVES];

    memcpy(sources, r->rig->config.sources, sizeof sources);
    for (int32_t s = 0; s < RIDE_RIG_SHELVES; s++)
        sources[ride_rig_batteries(s)].rated_w = 500.0; /* light is the load by what supplies could give */
    r->rig->config.sources = sources;
    ride_rig_restart(r);
    r->load_w = 700.0; /* 1.06 % of what they could */
    ride_rig_run(r, 6.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    ride_rig_input(r, 0.0);
    ride_rig_run(r, 0.4);
    ride_rig_input(r, 1.0);
    ride_rig_run(r, 3.5);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_RETURN); /* 2.5 s to ready, 60 ms to walk in, 2 s more */
    ride_rig_run(r, 3.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    RIG_NEAR(ride_rig_setpoint(r, 0), RIDE_RIG_TARGET_V);
    ride_rig_free(r);
}

static void a_sag_that_ends_in_nothing_is_an_outage(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);

    ride_rig_input(r, 0.8);
    ride_rig_run(r, 0.05);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SAG);
    ride_rig_input(r, 0.0);
    ride_rig_run(r, 0.1);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_OUTAGE);
    ride_rig_free(r);
}

static void batteries_that_still_discharge_after_a_sag_are_waited_for(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);

    ride_rig_freeze(r, 0.85, 0.0);
    ride_rig_run(r, 0.05);
    ride_rig_freeze(r, 1.0, -40.0);
    ride_rig_run(r, 0.08);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_RETURN);
    ride_rig_freeze(r, 1.0, 0.0);
    ride_rig_run(r, 0.3);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    ride_rig_free(r);
}

/* Half of them fall silent with that word: a second after the others said better it is old. */
static void what_silent_batteries_said_last_is_old_once_others_say_better(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);

    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        r->rig->points[r->bbu[i].current].stale_after_us = 20000000;
    ride_rig_restart(r);
    ride_rig_run(r, 3.0);
    ride_rig_freeze(r, 0.85, 0.0);
    ride_rig_run(r, 0.05);
    ride_rig_freeze(r, 1.0, -40.0);
    ride_rig_run(r, 0.08);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_RETURN);
    for (int32_t i = 0; i < RIDE_RIG_COUNT / 2; i++)
        r->rig->silent[r->bbu[i].device] = true;
    ride_rig_freeze(r, 1.0, 0.0);
    ride_rig_run(r, 0.9);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_RETURN);
    ride_rig_run(r, 0.5);
    assert_true(ride_rig_state(r) != CORE_RIDE_RETURN);
    ride_rig_free(r);
}

static void a_sag_that_nobody_reads_any_more_is_forgotten(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);

    ride_rig_freeze(r, 0.85, 0.0);
    ride_rig_run(r, 0.05);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SAG);
    ride_rig_freeze(r, NAN, 0.0);
    ride_rig_run(r, 9.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SAG);
    ride_rig_run(r, 1.5);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_OFF);
    ride_rig_free(r);
}

static void a_return_that_nobody_reads_is_forgotten_too(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);

    ride_rig_input(r, 0.0);
    ride_rig_run(r, 0.3);
    ride_rig_input(r, 1.0);
    ride_rig_run(r, 0.08);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_RETURN);
    ride_rig_freeze(r, NAN, 0.0);
    ride_rig_run(r, 12.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_OFF);
    ride_rig_free(r);
}

/* Batteries rest and nobody answers: supplies must be back. */
static void an_outage_ends_when_batteries_rest(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);

    ride_rig_input(r, 0.0);
    ride_rig_run(r, 0.3);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_OUTAGE);
    ride_rig_freeze(r, NAN, 0.0);
    ride_rig_run(r, 0.4);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_OUTAGE);
    ride_rig_run(r, 0.3);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_RETURN);
    ride_rig_free(r);
}

static void an_input_that_sags_on_the_way_back_is_supported(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);

    ride_rig_input(r, 0.0);
    ride_rig_run(r, 0.2);
    ride_rig_input(r, 1.0);
    ride_rig_run(r, 0.08);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_RETURN);
    ride_rig_input(r, 0.85);
    ride_rig_run(r, 1.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SAG); /* batteries were only just relieved */
    ride_rig_run(r, 2.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SUPPORT);
    ride_rig_input(r, 1.0);
    ride_rig_run(r, 1.5);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    ride_rig_free(r);
}

static void without_classes_an_outage_of_more_than_ten_seconds_is_long(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);

    r->rig->plan->ride.start_count = 0;
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        rig_want(r->rig, r->psu[i].start)->target = 0.3;
    ride_rig_run(r, 3.0);
    RIG_NEAR(*rig_held(r->rig, r->psu[0].start), 0.3); /* the plan's own value */
    ride_rig_input(r, 0.0);
    ride_rig_run(r, 9.5);
    RIG_NEAR(ride_rig_setpoint(r, 0), RIDE_RIG_TARGET_V);
    ride_rig_run(r, 1.0);
    RIG_NEAR(ride_rig_setpoint(r, 0), 48.0);
    RIG_NEAR(*rig_held(r->rig, r->psu[0].start), 0.3);
    ride_rig_input(r, 1.0);
    ride_rig_run(r, 30.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    ride_rig_free(r);
}

static void a_failure_word_or_a_worn_pack_forbids_support(void **state)
{
    (void)state;

    for (int32_t k = 0; k < 3; k++) {
        struct ride_rig *r = ride_rig_new(true);
        int32_t source = RIDE_RIG_SHELVES, device = r->bbu[0].device;
        int32_t failures = ride_rig_point(r->rig, device, source, SIGNAL_BBU_FAILURES);
        int32_t full = ride_rig_point(r->rig, device, source, SIGNAL_BBU_FULL_AH);
        int32_t pack = ride_rig_point(r->rig, device, source, SIGNAL_BBU_PACK_V);

        r->rig->value[failures] = k == 1 ? 4.0 : 0.0;
        r->rig->value[full] = k == 2 ? 3.0 : 6.0; /* under the books' end of life: 3.4 Ah */
        r->rig->value[pack] = 45.0;
        rig_boot(r->rig);
        ride_rig_run(r, 3.0);
        ride_rig_input(r, 0.8);
        ride_rig_run(r, 0.5);
        assert_int_equal(ride_rig_state(r), k == 0 ? CORE_RIDE_SUPPORT : CORE_RIDE_SAG);
        ride_rig_free(r);
    }
}

static void devices_that_cannot_go_low_enough_are_left_alone(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);

    r->rig->levers[r->psu[3].setpoint].min = 49.5;
    rig_boot(r->rig);
    ride_rig_run(r, 3.0);
    ride_rig_input(r, 0.8);
    ride_rig_run(r, 0.5);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SAG);
    RIG_NEAR(ride_rig_setpoint(r, 0), RIDE_RIG_TARGET_V);
    ride_rig_free(r);
}

static void supplies_that_cannot_be_told_forbid_support(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);

    r->frozen = true;
    for (int64_t end_us = r->rig->now_us + 1500000; r->rig->now_us < end_us;) {
        r->rig->silent[r->psu[0].device] = r->rig->silent[r->psu[1].device] = true;
        r->rig->now_us += r->rig->step_us;
        rig_step_with(r->rig, rig_readings(r->rig));
    }
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        r->rig->value[r->psu[i].input] = 0.8 * RIDE_RIG_NOMINAL_V;
    for (int64_t end_us = r->rig->now_us + 500000; r->rig->now_us < end_us;) {
        r->rig->now_us += r->rig->step_us;
        rig_step_with(r->rig, rig_readings(r->rig));
    }
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SAG);
    ride_rig_free(r);
}

static void nothing_is_trimmed_before_orders_are_done(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);
    double first_v;

    r->psu_droop_v = 1.6; /* the first order is far too low */
    ride_rig_run(r, 3.0);
    ride_rig_input(r, 0.8);
    ride_rig_run(r, 0.1);
    r->rig->deaf = true;
    ride_rig_run(r, 0.05);
    first_v = rig_view(r->rig, r->psu[0].setpoint)->wanted;
    ride_rig_run(r, 0.5);
    RIG_NEAR(rig_view(r->rig, r->psu[0].setpoint)->wanted, first_v);
    ride_rig_free(r);
}

static void a_set_point_that_belongs_to_no_source_is_held_as_planned(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);

    r->rig->levers[r->psu[2].setpoint].source = CORE_NONE;
    rig_boot(r->rig);
    ride_rig_run(r, 3.0);
    ride_rig_input(r, 0.8);
    ride_rig_run(r, 0.5);
    RIG_NEAR(ride_rig_setpoint(r, 2), RIDE_RIG_TARGET_V);
    ride_rig_free(r);
}

static void a_rack_without_batteries_is_never_ready(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);

    r->rig->config.source_count = RIDE_RIG_SHELVES;
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        r->rig->points[r->bbu[i].soc].source = r->rig->points[r->bbu[i].current].source =
            r->rig->points[r->bbu[i].bus].source = r->rig->points[r->bbu[i].status].source = CORE_NONE;
    rig_boot(r->rig);
    ride_rig_run(r, 10.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_UNARMED);
    RIG_NEAR(r->rig->out->ride.capable_w, 0.0);
    assert_int_equal(r->rig->events[EV_RIDE_NOT_CAPABLE], 1);
    ride_rig_input(r, 0.8);
    ride_rig_run(r, 0.5);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SAG);
    ride_rig_free(r);
}

/* What nobody caps counts as it draws; empty batteries carry nothing for long. */
static void loads_that_nobody_caps_and_energy_bound_what_can_be_carried(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);
    int32_t leaf = rig_node(r->rig, CORE_NODE_LOAD, r->busbar);

    (void)rig_sensor(r->rig, leaf, 30000.0);
    rig_boot(r->rig);
    free(r->rig->plan);
    free(r->rig->out);
    r->rig->plan = calloc(1, core_plan_size(&r->rig->config));
    r->rig->out = calloc(1, core_outputs_size(&r->rig->config));
    assert_non_null(r->rig->plan);
    assert_non_null(r->rig->out);
    core_plan_init(r->rig->plan, &r->rig->config);
    core_outputs_init(r->rig->out, &r->rig->config);
    r->rig->plan->mode_wanted = CORE_WANT_CONTROL;
    ride_rig_plan(r);
    core_plan_nodes(r->rig->plan)[r->rack].limit_count = 0;
    ride_rig_run(r, 5.0);
    /* 30.6 kW and four times 12 kW are more than 66 kW */
    assert_true(rig_zone(r->rig, r->busbar)->counted_w <= 66000.0 + 1.0);
    assert_int_equal(rig_view(r->rig, r->gpu[0])->why.rule, CORE_RULE_CAPABLE);
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        r->bbu[i].energy_j = 0.1 * RIDE_RIG_ENERGY_J; /* 10 s at 31 kW by the books */
    ride_rig_run(r, 2.0);
    assert_true(r->rig->out->ride.capable_w < 35000.0);
    assert_false(r->rig->out->ride.capable);
    ride_rig_free(r);
}

static void a_capacitor_shelf_bridges(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);
    static struct core_config_source sources[2 * RIDE_RIG_SHELVES + 1];

    memcpy(sources, r->rig->config.sources, 2 * RIDE_RIG_SHELVES * sizeof *sources);
    for (int32_t s = 0; s < RIDE_RIG_SHELVES; s++)
        sources[s].holdup_j = 10.0;
    sources[2 * RIDE_RIG_SHELVES] = (struct core_config_source){
        .kind = CORE_SOURCE_CAPACITOR,
        .node = r->busbar,
        .module_count = 1,
        .rated_w = 100000.0,
        .output_v = 48.5,
        .energy_j = 20000.0,
    };
    r->rig->config.sources = sources;
    r->rig->config.source_count = 2 * RIDE_RIG_SHELVES + 1;
    rig_boot(r->rig);
    ride_rig_run(r, 3.0);
    RIG_NEAR(r->rig->out->ride.capable_w, 66000.0);
    assert_true(r->rig->out->ride.margin_s < 0.0);
    ride_rig_free(r);
}

/* ---- supplies that do not carry ---- */

static double limits_w(struct ride_rig *r)
{
    double sum_w = 0.0;

    for (int32_t g = 0; g < RIDE_RIG_GPUS; g++)
        sum_w += *rig_held(r->rig, r->gpu[g]);
    return sum_w;
}

static void tell_outputs(struct ride_rig *r, int32_t carry)
{
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        r->rig->value[r->psu[i].output] = i < carry ? r->load_w / carry : 40.0; /* of 5500: noise */
}

/* A third of them carries while batteries rest: they must not have more than they bear. */
static void limits_follow_the_supplies_that_carry(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);

    r->load_w = 18000.0;
    ride_rig_run(r, 3.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    assert_true(limits_w(r) > 40000.0);
    r->frozen = true;
    tell_outputs(r, 4);
    ride_rig_run(r, 2.0);
    assert_true(limits_w(r) <= 4 * RIDE_RIG_RATED_W);
    assert_true(limits_w(r) > 0.9 * 4 * RIDE_RIG_RATED_W);
    assert_int_equal(rig_view(r->rig, r->gpu[0])->why.rule, CORE_RULE_CAPABLE);
    tell_outputs(r, RIDE_RIG_COUNT);
    ride_rig_run(r, 3.0);
    assert_true(limits_w(r) > 40000.0);

    r->load_w = 3000.0; /* so little hardly shows at each of them */
    tell_outputs(r, 4);
    for (int32_t g = 0; g < RIDE_RIG_GPUS; g++)
        r->rig->value[r->rig->levers[r->gpu[g]].demand_point] = 0.0;
    ride_rig_run(r, 2.0);
    assert_true(limits_w(r) > 40000.0);
    ride_rig_free(r);
}

/* A daemon that died on the way up: its successor goes on from there, in steps. */
static void a_new_core_goes_on_with_a_rise_from_where_it_stands(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);
    double low_v = 48.9, before_v;

    ride_rig_run(r, 3.0);
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        *rig_held(r->rig, r->psu[i].setpoint) = i == 7 ? low_v : 49.0;
    ride_rig_restart(r);
    before_v = 49.0;
    for (int32_t k = 0; k < 600; k++) {
        double high_v = 0.0;

        ride_rig_step(r);
        for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
            high_v = fmax(high_v, ride_rig_setpoint(r, i));
        if (high_v - before_v > 0.67) /* what one shelf bears at this load */
            fail_msg("from %.3f V to %.3f V at once", before_v, high_v);
        before_v = high_v;
    }
    assert_int_equal(r->rig->events[EV_RIDE_RETURN], 1);
    RIG_NEAR(ride_rig_setpoint(r, 0), RIDE_RIG_TARGET_V);
    assert_true(ride_rig_spread(r) < 1e-9);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    ride_rig_free(r);
}

/* One that somebody set lower is none of many. */
static void one_lower_set_point_is_just_put_back(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);

    ride_rig_run(r, 3.0);
    *rig_held(r->rig, r->psu[3].setpoint) = 49.0;
    ride_rig_restart(r);
    ride_rig_run(r, 4.0);
    assert_int_equal(r->rig->events[EV_RIDE_RETURN], 0);
    RIG_NEAR(ride_rig_setpoint(r, 3), RIDE_RIG_TARGET_V);
    ride_rig_free(r);
}

/* While shelves are told one after the other, the rest must bear what may be drawn. */
static void support_needs_shelves_that_bear_one_less(void **state)
{
    (void)state;

    for (int32_t may = 0; may < 2; may++) {
        struct ride_rig *r = ride_rig_new(true);
        struct core_config_node *node = &r->rig->nodes[r->rack];

        node->kind = CORE_NODE_SHELF;
        node->limit_count = 1;
        node->limit[0] =
            (struct core_limit){ .window_us = 100000,
                                 .limit_w = (may ? 1.2 : 0.9) * RIDE_RIG_COUNT * RIDE_RIG_RATED_W };
        ride_rig_restart(r);
        ride_rig_run(r, 4.0);
        ride_rig_input(r, 0.82);
        ride_rig_run(r, 3.0);
        assert_int_equal(r->rig->events[EV_RIDE_SUPPORT], may);
        ride_rig_free(r);
    }
}

/* One quantity of one battery that is not known is enough: no energy is given away. */
static void nothing_is_given_away_by_batteries_of_which_one_is_in_doubt(void **state)
{
    (void)state;

    for (int32_t doubt = 0; doubt < 3; doubt++) {
        struct ride_rig *r = ride_rig_new(true);
        int32_t point = doubt == 1 ? r->bbu[5].soc : r->bbu[5].current;

        if (doubt)
            r->rig->points[point].max = -2000.0; /* nothing it says is plausible */
        ride_rig_restart(r);
        ride_rig_run(r, 4.0);
        ride_rig_input(r, 0.82);
        ride_rig_run(r, 3.0);
        assert_int_equal(r->rig->events[EV_RIDE_SUPPORT], doubt == 0);
        ride_rig_free(r);
    }
}

static void riding_that_is_switched_off_leaves_nothing_behind(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);

    ride_rig_run(r, 3.0);
    rig_want(r->rig, r->gpu[0])->weight = 2.0;
    r->rig->plan->ride.enabled = false;
    ride_rig_run(r, 2.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_OFF);
    assert_false(r->rig->out->ride.capable);
    assert_false(rig_reason(r->rig, CORE_REASON_NOT_CAPABLE));
    for (int32_t g = 0; g < RIDE_RIG_GPUS; g++)
        RIG_NEAR(*rig_held(r->rig, r->gpu[g]), 12000.0);
    ride_rig_free(r);
}

/* A long outage's return goes slowly, unless there is no energy for it. */
static void a_rise_without_energy_goes_at_once(void **state)
{
    (void)state;

    for (int32_t little = 0; little < 2; little++) {
        struct ride_rig *r = ride_rig_new(true);

        ride_rig_run(r, 3.0);
        ride_rig_input(r, 0.0);
        ride_rig_run(r, 12.0);
        RIG_NEAR(ride_rig_setpoint(r, 0), 48.0);
        ride_rig_input(r, 1.0);
        ride_rig_run(r, 1.0);
        assert_int_equal(ride_rig_state(r), CORE_RIDE_RETURN);
        RIG_NEAR(ride_rig_setpoint(r, 0), 48.0); /* its place in the row is not yet come */
        for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
            r->bbu[i].energy_j *= little ? 0.02 : 1.0;
        ride_rig_run(r, 0.5);
        if (little ? ride_rig_setpoint(r, 0) < 49.99 : ride_rig_setpoint(r, 0) > 49.9)
            fail_msg("%s energy: %.3f V", little ? "little" : "enough", ride_rig_setpoint(r, 0));
        ride_rig_free(r);
    }
}

/* It heard of batteries that discharge and of supplies that are off, once, from before:
 * what carries the load now is not lowered away from it. */
static void a_core_that_has_just_begun_lowers_nothing_in_a_return(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new_apart(SIGNAL_PSU_OUTPUT_W);

    ride_rig_run(r, 3.0);
    ride_rig_input(r, 0.0);
    ride_rig_run(r, 0.1);
    ride_rig_restart(r);
    ride_rig_run(r, 0.05);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_OUTAGE);
    r->frozen = true; /* nothing new is heard of batteries and supplies... */
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        r->rig->value[r->psu[i].input] = RIDE_RIG_NOMINAL_V; /* ...but that the input is good */
    ride_rig_run(r, 2.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_RETURN);
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        RIG_NEAR(ride_rig_setpoint(r, i), RIDE_RIG_TARGET_V);
    ride_rig_free(r);
}

/* The same in the outage itself, whether the shelves come back apart or it lasts: it hears
 * for a while whether batteries discharge, then supplies are put where they share. */
static void a_core_that_has_just_begun_lowers_nothing_in_an_outage(void **state)
{
    (void)state;

    for (int32_t together = 0; together < 2; together++) {
        struct ride_rig *r = together ? ride_rig_new(true) : ride_rig_new_apart(SIGNAL_PSU_OUTPUT_W);

        ride_rig_run(r, 3.0);
        ride_rig_input(r, 0.0);
        ride_rig_run(r, together ? 12.0 : 0.1); /* more than 10 s are long */
        for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
            *rig_held(r->rig, r->psu[i].setpoint) = RIDE_RIG_TARGET_V;
        ride_rig_restart(r);
        for (int32_t k = 0; k < 480; k++) { /* 4.8 s: past what is only watched, and no order has come */
            ride_rig_step(r);
            for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
                RIG_NEAR(ride_rig_setpoint(r, i), RIDE_RIG_TARGET_V);
        }
        assert_int_equal(ride_rig_state(r), CORE_RIDE_OUTAGE);
        ride_rig_run(r, 0.7);
        assert_int_equal(ride_rig_state(r), CORE_RIDE_OUTAGE);
        for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
            RIG_NEAR(ride_rig_setpoint(r, i), 48.0);
        ride_rig_free(r);
    }
}

/* Shelves come back as one only if every supply of every shelf waits as it should: one that
 * does not would be alone with the load, so all are put where they share with the batteries. */
static void one_supply_that_would_not_wait_is_enough_to_come_back_apart(void **state)
{
    (void)state;

    for (int32_t odd = -1; odd < 2 * RIDE_RIG_COUNT; odd++) {
        int32_t which = odd % RIDE_RIG_COUNT;
        struct ride_rig *r;

        ride_rig_batteries_first = odd >= RIDE_RIG_COUNT; /* the last lever is one of theirs, or not */
        r = ready(true);
        ride_rig_batteries_first = false;
        if (odd >= 0)
            *rig_held(r->rig, r->psu[which].start) = 7.0;
        ride_rig_input(r, 0.0);
        ride_rig_run(r, 2.0);
        assert_int_equal(ride_rig_state(r), CORE_RIDE_OUTAGE);
        for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
            RIG_NEAR(ride_rig_setpoint(r, i), odd >= 0 ? 48.0 : RIDE_RIG_TARGET_V);
        ride_rig_free(r);
    }
}

/* What an outage must last before anything is written: as long as the first class of starts, and
 * as long as a sag that is supported. */
static void an_outage_of_the_first_class_is_only_watched(void **state)
{
    (void)state;
    static const int64_t first_us[] = { 200000, 1500000, 12000000, 300000 };

    for (int32_t k = 0; k < 4; k++) {
        struct ride_rig *r = ride_rig_new_apart(SIGNAL_PSU_OUTPUT_W);
        struct core_plan_ride *plan = &r->rig->plan->ride;
        double quiet_s = fmin((double)first_us[k] * 1e-6, 10.0); /* after ten seconds none is short */

        if (k == 3) {
            plan->support_after_us = 2000000;
            quiet_s = 2.0;
        }
        plan->start[0].outage_us = first_us[k];
        plan->start[1].outage_us = 20000000;
        ride_rig_run(r, 6.0);
        ride_rig_input(r, 0.0);
        ride_rig_run(r, quiet_s - 0.05);
        for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
            RIG_NEAR(ride_rig_setpoint(r, i), RIDE_RIG_TARGET_V);
        ride_rig_run(r, 0.6);
        for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
            RIG_NEAR(ride_rig_setpoint(r, i), 48.0);
        ride_rig_free(r);
    }
}

/* Supplies that come back share with all batteries, those of the lowest voltage included. */
static void supplies_share_at_the_lowest_voltage_of_any_battery(void **state)
{
    (void)state;

    for (int32_t lowest = 0; lowest < 2 * RIDE_RIG_SHELVES; lowest++) {
        struct core_config_source sources[2 * RIDE_RIG_SHELVES];
        struct ride_rig *r;

        ride_rig_batteries_first = lowest >= RIDE_RIG_SHELVES;
        r = ride_rig_new_apart(SIGNAL_PSU_OUTPUT_W);
        memcpy(sources, r->rig->config.sources, sizeof sources);
        sources[ride_rig_batteries(lowest % RIDE_RIG_SHELVES)].output_v = 47.6;
        sources[ride_rig_supplies(lowest % RIDE_RIG_SHELVES)].output_v =
            47.2; /* what supplies are built for is nothing to share at */
        r->rig->config.sources = sources;
        ride_rig_restart(r);
        ride_rig_run(r, 6.0);
        ride_rig_input(r, 0.0);
        ride_rig_run(r, 2.0);
        assert_int_equal(ride_rig_state(r), CORE_RIDE_OUTAGE);
        for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
            RIG_NEAR(ride_rig_setpoint(r, i), 47.6);
        ride_rig_free(r);
        ride_rig_batteries_first = false;
    }
}

/* Three volts down from a lowered set-point is where IT gear resets: batteries come later. */
static void support_needs_a_busbar_that_bridges_a_step_from_down_there(void **state)
{
    (void)state;

    for (int32_t may = 0; may < 2; may++) {
        struct ride_rig *r = ride_rig_new(true);
        struct core_config_source sources[2 * RIDE_RIG_SHELVES];

        memcpy(sources, r->rig->config.sources, sizeof sources);
        for (int32_t s = 0; s < RIDE_RIG_SHELVES; s++) {
            sources[s].handover_step_v = 3.0;
            sources[s].handover_v_per_s = 3000.0;
        }
        r->rig->config.sources = sources;
        /* 48 kW for 4 ms from 48.5 V to 46 V */
        r->rig->config.bus.capacitance_f =
            (may ? 1.1 : 0.9) * 48000.0 * 0.004 * 2.0 / (48.5 * 48.5 - 46.0 * 46.0);
        ride_rig_restart(r);
        ride_rig_run(r, 4.0);
        ride_rig_input(r, 0.82);
        ride_rig_run(r, 3.0);
        assert_int_equal(r->rig->events[EV_RIDE_SUPPORT], may);
        ride_rig_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_split_is_trimmed_by_input_power_or_current_too),
        cmocka_unit_test(without_output_readings_supplies_are_off_by_their_books),
        cmocka_unit_test(without_output_readings_shelves_are_back_by_their_books),
        cmocka_unit_test(shelves_that_carry_next_to_nothing_are_back_by_their_books),
        cmocka_unit_test(a_sag_that_ends_in_nothing_is_an_outage),
        cmocka_unit_test(batteries_that_still_discharge_after_a_sag_are_waited_for),
        cmocka_unit_test(what_silent_batteries_said_last_is_old_once_others_say_better),
        cmocka_unit_test(a_sag_that_nobody_reads_any_more_is_forgotten),
        cmocka_unit_test(a_return_that_nobody_reads_is_forgotten_too),
        cmocka_unit_test(an_outage_ends_when_batteries_rest),
        cmocka_unit_test(an_input_that_sags_on_the_way_back_is_supported),
        cmocka_unit_test(without_classes_an_outage_of_more_than_ten_seconds_is_long),
        cmocka_unit_test(a_failure_word_or_a_worn_pack_forbids_support),
        cmocka_unit_test(devices_that_cannot_go_low_enough_are_left_alone),
        cmocka_unit_test(supplies_that_cannot_be_told_forbid_support),
        cmocka_unit_test(nothing_is_trimmed_before_orders_are_done),
        cmocka_unit_test(a_set_point_that_belongs_to_no_source_is_held_as_planned),
        cmocka_unit_test(a_rack_without_batteries_is_never_ready),
        cmocka_unit_test(loads_that_nobody_caps_and_energy_bound_what_can_be_carried),
        cmocka_unit_test(a_capacitor_shelf_bridges),
        cmocka_unit_test(limits_follow_the_supplies_that_carry),
        cmocka_unit_test(a_new_core_goes_on_with_a_rise_from_where_it_stands),
        cmocka_unit_test(one_lower_set_point_is_just_put_back),
        cmocka_unit_test(support_needs_shelves_that_bear_one_less),
        cmocka_unit_test(nothing_is_given_away_by_batteries_of_which_one_is_in_doubt),
        cmocka_unit_test(riding_that_is_switched_off_leaves_nothing_behind),
        cmocka_unit_test(a_rise_without_energy_goes_at_once),
        cmocka_unit_test(a_core_that_has_just_begun_lowers_nothing_in_a_return),
        cmocka_unit_test(a_core_that_has_just_begun_lowers_nothing_in_an_outage),
        cmocka_unit_test(one_supply_that_would_not_wait_is_enough_to_come_back_apart),
        cmocka_unit_test(an_outage_of_the_first_class_is_only_watched),
        cmocka_unit_test(supplies_share_at_the_lowest_voltage_of_any_battery),
        cmocka_unit_test(support_needs_a_busbar_that_bridges_a_step_from_down_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
