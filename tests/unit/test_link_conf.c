/* SPDX-License-Identifier: Apache-2.0 */
/* The core's configuration of a virtual rack: whole, consistent, and from books alone. */
#include <math.h>

#include "sim_rig.h"

#include "sim/link.h"
#include "sim/link_conf.h"

#define PERIOD_US 10000

static struct link_conf *conf_of(const struct rack *rack, enum plant_start_kind start)
{
    struct plant_params books;
    struct link_conf *conf = NULL;

    plant_params_preset(&books, plant_kind_find(rack->kind), start);
    assert_int_equal(link_conf_new(rack, &books, PERIOD_US, 1, &conf), ST_OK);
    return conf;
}

static struct link_conf *conf_named(const char *name, enum plant_start_kind start)
{
    struct rack rack;

    sim_rack(name, &rack);
    return conf_of(&rack, start);
}

static struct core_plan *plan_of(const struct link_conf *conf, double envelope_w)
{
    struct core_plan *plan = calloc(1, core_plan_size(link_conf_core(conf)));

    assert_non_null(plan);
    link_conf_plan(conf, envelope_w, plan);
    return plan;
}

static int32_t count_ride(const struct core_config *core, enum core_lever_ride ride)
{
    int32_t count = 0;

    for (int32_t l = 0; l < core->lever_count; l++)
        count += core->levers[l].ride == ride;
    return count;
}

static void the_default_rack_has_every_device_point_and_lever(void **state)
{
    struct link_conf *conf = conf_named("hpr", PLANT_START_STOCK);
    const struct core_config *core = link_conf_core(conf);
    int32_t limits = 0, charges = 0;

    (void)state;
    assert_int_equal(core->device_count, 24 + 24 + 18);
    assert_int_equal(core->point_count, 24 * 4 + 24 * 4 + 72 * 2);
    assert_int_equal(core->lever_count, 24 + 24 + 72);
    assert_int_equal(core->node_count, 1 + 4 + 1 + 18 + 24 + 72);
    assert_int_equal(core->source_count, 8);
    assert_int_equal(core->request_max, 8);
    for (int32_t l = 0; l < core->lever_count; l++) {
        limits += core->levers[l].use == CORE_LEVER_LIMIT;
        charges += core->levers[l].use == CORE_LEVER_CHARGE;
    }
    assert_int_equal(limits, 72);
    assert_int_equal(charges, 24);
    assert_int_equal(count_ride(core, CORE_LEVER_RIDE_OUTPUT_V), 24);
    link_conf_free(conf);
}

/* A lever is read back on its own device, in its own signal, and lies where the plan says. */
static void every_index_means_what_it_says(void **state)
{
    struct link_conf *conf = conf_named("orv3", PLANT_START_KEPT_ALIVE);
    const struct core_config *core = link_conf_core(conf);
    static const enum signal signals[] = { SIGNAL_PSU_OUTPUT_SETPOINT_V, SIGNAL_PSU_START_DELAY_S,
                                           SIGNAL_BBU_CHARGE_LIMIT_A, SIGNAL_GPU_POWER_LIMIT_W };

    (void)state;
    for (int32_t l = 0; l < core->lever_count; l++) {
        const struct core_config_lever *lever = &core->levers[l];
        const struct core_config_point *back = &core->points[lever->readback_point];

        assert_int_equal(back->device, lever->device);
        assert_int_equal(back->signal, signals[conf->lever_of[l].kind]);
        assert_int_equal(conf->lever_of[l].device, lever->device);
        assert_true(lever->base >= lever->min && lever->base <= lever->max);
        if (lever->use == CORE_LEVER_LIMIT)
            assert_int_equal(core->points[lever->demand_point].node, lever->node);
        if (lever->ride != CORE_LEVER_RIDE_NONE)
            assert_int_equal(core->sources[lever->source].kind, CORE_SOURCE_PSU);
    }
    for (int32_t p = 0; p < core->point_count; p++) {
        const struct core_config_point *point = &core->points[p];

        assert_true(point->min < point->max && point->stale_after_us > 0);
        if (point->source == CORE_NONE)
            continue;
        assert_true(point->source < core->source_count);
        assert_int_equal(core->sources[point->source].kind == CORE_SOURCE_PSU,
                         conf->devices[point->device].kind == LINK_PSU);
    }
    link_conf_free(conf);
}

static void start_delays_are_levers_of_hypothetical_hardware_only(void **state)
{
    static const int32_t expected[PLANT_START_COUNT] = { 0, 6, 6 };

    (void)state;
    for (int start = 0; start < PLANT_START_COUNT; start++) {
        struct link_conf *conf = conf_named("orv3", (enum plant_start_kind)start);
        const struct core_config *core = link_conf_core(conf);

        assert_int_equal(count_ride(core, CORE_LEVER_RIDE_START_S), expected[start]);
        assert_int_equal(core->sources[0].keeps_settings, start == PLANT_START_KEPT_ALIVE);
        link_conf_free(conf);
    }
}

static void a_busbar_of_more_than_four_shelves_has_four_parents_that_carry_it(void **state)
{
    struct rack rack;
    struct rack_limit bears[RACK_SHELF_LIMITS_MAX];

    (void)state;
    sim_rack("hpr", &rack);
    (void)rack_shelf_limits(&rack, bears);
    for (int shelves = 1; shelves <= 7; shelves++) {
        struct link_conf *conf;
        const struct core_config_node *bus;
        double share = 0.0, bears_w = 0.0;

        rack.shelf_count = shelves;
        conf = conf_of(&rack, PLANT_START_STOCK);
        bus = &conf->core.nodes[conf->bus_node];
        assert_int_equal(bus->parent_count, shelves < 4 ? shelves : 4);
        for (int32_t p = 0; p < bus->parent_count; p++) {
            share += bus->share[p];
            bears_w += conf->core.nodes[bus->parent[p]].limit[0].limit_w;
        }
        SIM_NEAR(share, shelves == 1 ? 1.0 : 1.05, 1e-9);
        SIM_NEAR(bears_w, shelves * bears[0].limit_w, 1e-3);
        link_conf_free(conf);
    }
}

static void sources_are_the_books_and_batteries_count_at_their_end_of_life(void **state)
{
    struct link_conf *conf = conf_named("orv3", PLANT_START_SHORT_BOOT);
    const struct core_config *core = link_conf_core(conf);

    (void)state;
    SIM_NEAR(core->sources[0].holdup_j, 60.0, 1e-9);
    SIM_NEAR(core->sources[0].handover_step_v, 3.0, 1e-9);
    assert_int_equal(core->sources[0].input_off_us, 20000);
    assert_int_equal(core->sources[0].node, conf->shelf_node);
    SIM_NEAR(core->sources[1].energy_j, 0.375 * 720000.0, 1e-6);
    assert_int_equal(core->sources[1].trigger_us + core->sources[1].start_us, 4000);
    assert_int_equal(core->sources[1].node, conf->bus_node);
    SIM_NEAR(core->bus.nominal_input_v, 240.0, 1e-9);
    link_conf_free(conf);
    conf = conf_named("hpr", PLANT_START_STOCK);
    assert_true(conf->core.sources[0].handover_step_v <= 0.0 &&
                conf->core.sources[0].handover_v_per_s <= 0.0);
    link_conf_free(conf);
}

static void the_first_plan_holds_every_window_and_rides(void **state)
{
    struct link_conf *conf = conf_named("hpr", PLANT_START_KEPT_ALIVE);
    struct core_plan *plan = plan_of(conf, 90000.0);
    const struct core_plan_node *rack = &core_plan_nodes(plan)[conf->rack_node];

    (void)state;
    assert_int_equal(plan->mode_wanted, CORE_WANT_CONTROL);
    assert_int_equal(rack->limit_count, 3);
    for (int32_t i = 0; i < rack->limit_count; i++) {
        SIM_NEAR(rack->limit[i].limit_w, 90000.0, 1e-9);
        assert_int_equal(rack->limit[i].expires_us, CORE_FOREVER);
    }
    assert_int_equal(rack->limit[2].window_us, 10000000);
    assert_true(plan->ride.enabled && plan->protection.enabled && plan->damping.turns_max > 0);
    assert_int_equal(plan->tokens.zone_count, 0);
    assert_int_equal(plan->ride.start_count, 3);
    assert_int_equal(plan->ride.start[0].window_us, 200000);
    for (int32_t l = 0; l < conf->core.lever_count; l++)
        if (conf->lever_of[l].kind == LINK_LEVER_SETPOINT)
            SIM_NEAR(core_plan_levers(plan)[l].target, 50.1,
                     1e-9); /* just off its default: so it is written */
    free(plan);
    link_conf_free(conf);
}

/* Where the campaign has a foreseen peak arm them; nothing else is another. */
static void set_points_that_are_armed_do_not_ride_through(void **state)
{
    static const char *const names[] = { "hpr", "orv3" };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct link_conf *conf = conf_named(names[i], PLANT_START_KEPT_ALIVE);
        struct core_plan *plan = plan_of(conf, 90000.0);
        const struct core_plan_lever *lever = core_plan_levers(plan);

        for (int32_t l = 0; l < conf->core.lever_count; l++)
            assert_true(isnan(lever[l].armed));
        free(plan);
        link_conf_arm(conf);
        plan = plan_of(conf, 90000.0);
        lever = core_plan_levers(plan);
        for (int32_t l = 0; l < conf->core.lever_count; l++) {
            bool setpoint = conf->lever_of[l].kind == LINK_LEVER_SETPOINT;

            assert_true(setpoint == !isnan(lever[l].armed));
            assert_true(!setpoint || conf->levers[l].ride == CORE_LEVER_RIDE_NONE);
            assert_true(!setpoint || (lever[l].armed > lever[l].target && lever[l].armed <= conf->levers[l].max));
            assert_true(conf->lever_of[l].kind != LINK_LEVER_START ||
                        conf->levers[l].ride == CORE_LEVER_RIDE_START_S);
        }
        free(plan);
        link_conf_free(conf);
    }
}

/* The core itself takes it: its own checks run in core_init(). */
static void the_core_takes_it_and_steps(void **state)
{
    static const char *const names[] = { "hpr", "orv3" };

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct link_conf *conf = conf_named(names[i], PLANT_START_STOCK);
        const struct core_config *config = link_conf_core(conf);
        struct core_plan *plan = plan_of(conf, conf->rack.envelope_w);
        struct core *core = calloc(1, core_size(config));
        struct core_outputs *out = calloc(1, core_outputs_size(config));
        struct core_inputs in = { .now_us = PERIOD_US, .plan = plan };

        assert_true(core && out);
        core_init(core, config);
        core_outputs_init(out, config);
        core_step(core, &in, out);
        assert_int_equal(out->lever_count, config->lever_count);
        assert_false(out->armed);
        assert_int_equal(out->reasons & (1u << CORE_REASON_INFEASIBLE), 0);
        free(out);
        free(core);
        free(plan);
        link_conf_free(conf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_rack_has_every_device_point_and_lever),
        cmocka_unit_test(every_index_means_what_it_says),
        cmocka_unit_test(start_delays_are_levers_of_hypothetical_hardware_only),
        cmocka_unit_test(a_busbar_of_more_than_four_shelves_has_four_parents_that_carry_it),
        cmocka_unit_test(sources_are_the_books_and_batteries_count_at_their_end_of_life),
        cmocka_unit_test(the_first_plan_holds_every_window_and_rides),
        cmocka_unit_test(set_points_that_are_armed_do_not_ride_through),
        cmocka_unit_test(the_core_takes_it_and_steps),
    };

    return cmocka_run_group_tests_name("link_conf", tests, NULL, NULL);
}
