/* SPDX-License-Identifier: Apache-2.0 */
/* What is throttled before a protective device acts, in a rack that obeys late. The
 * breakers and supplies are the test's own. */
#include "core_rig.h"

#include "core/block.h"
#include "core/curve.h"
#include "core/guard.h"

static const struct core_config_curve thermal_600 = {
    .kind = CORE_CURVE_THERMAL,
    .rated_w = 1000.0,
    .trip_ratio = 1.05,
    .heat_s = 600.0,
    .cool_s = 600.0,
};

static void assert_close(double is, double should, double within)
{
    if (!(fabs(is - should) <= within))
        fail_msg("%.4f should be %.4f", is, should);
}

/* ---- a rack that obeys 0.9 s late ---- */

#define LEVERS  4
#define LATE_US INT64_C(900000)

struct late {
    struct rig *rig;
    int32_t rack, sensor;
    double demand_w[LEVERS], held[LEVERS], next[LEVERS];
    int64_t lands_us[LEVERS];
    double heat, tau_s;     /* of the true breaker                        */
    double true_w, fan_w;   /* the second that no cap holds               */
    double ring[100];       /* of the true supplies: 1 s in 10 ms         */
    int32_t at, told, over; /* steps until the first EV_PROTECTION, EV_PROTECTION_OVER */
    double worst_mean_w;
    bool tripped;
};

/* A rack of four leaves of 300 to 1200 W that go to 400 in an emergency, behind
 * a breaker of 3000 W; no limit in the plan. */
static void late_new(struct late *late, const struct core_config_curve *curve, double limit_w)
{
    struct rig *rig = late->rig = rig_new();

    late->rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);
    if (curve)
        rig->nodes[late->rack].curve = *curve;
    if (limit_w > 0.0) {
        rig->nodes[late->rack].limit_count = 1;
        rig->nodes[late->rack].limit[0] = (struct core_limit){ .window_us = 1000000, .limit_w = limit_w };
    }
    for (int32_t l = 0; l < LEVERS; l++) {
        rig_gpu(rig, late->rack, 300, 1200);
        rig->levers[l].base = 400.0;
        rig->levers[l].delay_worst_us = LATE_US;
        late->held[l] = 1200.0;
        late->lands_us[l] = CORE_FOREVER;
    }
    late->sensor = rig_sensor(rig, late->rack, 0.0);
    rig_start(rig);
    rig->plan->protection.enabled = true;
    rig->plan->band.cap_ratio = 100.0; /* bands would act as well, and are not what is tested */
    late->told = late->over = -1;
}

static void late_world(struct late *late)
{
    struct rig *rig = late->rig;

    late->true_w = late->fan_w;
    for (int32_t l = 0; l < LEVERS; l++) {
        if (rig->now_us >= late->lands_us[l]) {
            late->held[l] = late->next[l];
            *rig_held(rig, l) = late->held[l];
            late->lands_us[l] = CORE_FOREVER;
            rig->acks[rig->ack_count++] = (struct core_ack){ .lever = l,
                                                             .status = ST_OK,
                                                             .number = rig_view(rig, l)->number,
                                                             .readback = late->held[l],
                                                             .dispatched_us = rig->now_us - LATE_US,
                                                             .done_us = rig->now_us };
        }
        late->true_w += fmin(late->demand_w[l], late->held[l]);
    }
    if (late->tau_s > 0.0) {
        double i = late->true_w / rig->nodes[late->rack].curve.rated_w;

        late->heat += (i * i - late->heat) * (1.0 - exp(-0.01 / late->tau_s));
        late->tripped = late->tripped || late->heat >= 1.05 * 1.05;
    }
    late->ring[late->at++ % 100] = late->true_w;
    if (late->at >= 100) {
        double sum = 0.0;

        for (int32_t k = 0; k < 100; k++)
            sum += late->ring[k];
        late->worst_mean_w = fmax(late->worst_mean_w, sum / 100.0);
    }
}

static void late_run(struct late *late, int64_t span_us)
{
    struct rig *rig = late->rig;

    for (int64_t end_us = rig->now_us + span_us; rig->now_us < end_us;) {
        rig->now_us += rig->step_us;
        late_world(late);
        rig->value[late->sensor] = late->true_w;
        rig_step_with(rig, rig_readings(rig));
        if (rig_event(rig, EV_PROTECTION) && late->told < 0)
            late->told = late->at;
        if (rig_event(rig, EV_PROTECTION_OVER) && late->over < 0)
            late->over = late->at;
        for (int32_t o = 0; o < rig->out->order_count; o++) {
            const struct core_order *order = &core_outputs_orders(rig->out)[o];

            late->next[order->lever] = order->value;
            late->lands_us[order->lever] = rig->now_us + LATE_US;
        }
    }
}

static void late_draw(struct late *late, double each_w)
{
    for (int32_t l = 0; l < LEVERS; l++)
        late->demand_w[l] = each_w;
}

static void late_trips(double load_ratio, bool protect, struct late *late)
{
    struct core_config_curve curve = thermal_600;

    curve.heat_s = curve.cool_s = 20.0;
    curve.rated_w = 4000.0 / load_ratio;
    *late = (struct late){ .tau_s = 20.0, .heat = 0.3 };
    late_new(late, &curve, 0.0);
    late->rig->plan->protection.enabled = protect;
    late_draw(late, 400.0);
    late_run(late, 2000000);
    assert_int_equal(late->told, -1);
    late_draw(late, 1000.0);
    late_run(late, 30000000);
}

static void an_overload_is_throttled_in_time(void **state)
{
    (void)state;
    static const double ratios[] = { 1.35, 2.0 };

    for (size_t k = 0; k < 2; k++) {
        struct late late;

        late_trips(ratios[k], false, &late);
        assert_true(late.tripped); /* or there was nothing to protect from */
        rig_free(late.rig);
        late_trips(ratios[k], true, &late);
        assert_false(late.tripped);
        assert_true(late.told > 200);
        rig_free(late.rig);
    }
}

static void protection_sends_what_is_below_to_its_base_and_nothing_else(void **state)
{
    (void)state;
    struct core_config_curve curve = thermal_600;
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE), sensor;
    int32_t tray[2] = { rig_node(rig, CORE_NODE_TRAY, rack), rig_node(rig, CORE_NODE_TRAY, rack) };

    rig->nodes[tray[0]].curve = curve;
    for (int32_t l = 0; l < 4; l++) {
        rig_gpu(rig, tray[l / 2], 100, 1200);
        rig->levers[l].base = 300.0;
    }
    sensor = rig_sensor(rig, tray[0], 500.0);
    rig_sensor(rig, tray[1], 2400.0);
    rig_start(rig);
    rig->plan->protection.enabled = true;
    rig_run(rig, 500000);
    assert_int_equal(rig->out->mode, CORE_MODE_NORMAL);
    rig->value[sensor] = 99000.0; /* trips within the delay */
    rig_step(rig);
    assert_int_equal(rig->out->mode, CORE_MODE_EMERGENCY);
    assert_true(rig_reason(rig, CORE_REASON_PROTECTION));
    assert_int_equal(rig_event_of(rig, EV_PROTECTION)->node, tray[0]);
    assert_true(rig_event_of(rig, EV_PROTECTION)->value < rig_event_of(rig, EV_PROTECTION)->bound);
    for (int32_t l = 0; l < 4; l++) {
        RIG_NEAR(rig_view(rig, l)->wanted, l < 2 ? 300.0 : 1200.0);
        assert_int_equal(rig_view(rig, l)->why.rule, l < 2 ? CORE_RULE_PROTECTION : CORE_RULE_DEVICE_MAX);
        assert_true((rig_order(rig, l) != NULL) == (l < 2));
    }
    assert_int_equal(rig_view(rig, 0)->why.node, tray[0]);
    assert_int_equal(rig->events[EV_PROTECTION], 1);
    rig_free(rig);
}

static void an_order_just_sent_does_not_hold_protection_up_for_its_interval(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE), sensor;

    rig->nodes[rack].curve = thermal_600;
    rig_gpu(rig, rack, 100, 1200);
    rig->levers[0].base = 1100.0;
    rig->levers[0].interval_min_us = 60000000;
    rig->levers[0].deadband = 200.0;
    sensor = rig_sensor(rig, rack, 500.0);
    rig_start(rig);
    rig->plan->protection.enabled = true;
    rig_limit(rig, rack, 1190.0);
    rig_run(rig, 300000);
    assert_int_equal(rig->orders[0], 1);
    rig->value[sensor] = 99000.0;
    rig_step(rig);
    assert_int_equal(rig->orders[0], 2);
    rig_free(rig);
}

static void protection_lets_go_when_it_is_quiet_and_gives_back_slowly(void **state)
{
    (void)state;
    struct late late;
    int32_t told;

    late_trips(2.0, true, &late);
    told = late.told;
    assert_true(told > 0 && late.over > told + 1000); /* 10 s quiet, after it was in force */
    late_draw(&late, 300.0);
    late_run(&late, 40000000);
    assert_int_equal(late.rig->out->mode, CORE_MODE_NORMAL);
    assert_false(rig_reason(late.rig, CORE_REASON_PROTECTION));
    for (int32_t l = 0; l < LEVERS; l++)
        RIG_NEAR(late.held[l], 1200.0);
    rig_free(late.rig);
}

static void what_protection_took_comes_back_at_the_pace_of_a_release(void **state)
{
    (void)state;
    struct core_config_curve curve = thermal_600;
    struct late late = { .tau_s = 0.0 };

    curve.rated_w = 1000.0;
    curve.heat_s = curve.cool_s = 5.0;
    late_new(&late, &curve, 0.0);
    late.rig->plan->band.cap_ratio = 0.99;
    late.rig->plan->band.release_jitter_ratio = 0.0;
    rig_limit(late.rig, late.rack, 4800.0);
    late_draw(&late, 200.0);
    late_run(&late, 1000000);
    late_draw(&late, 1200.0);
    late_run(&late, 3000000);
    assert_true(late.told > 0);
    late_draw(&late, 100.0);
    while (late.over < 0)
        late_run(&late, 10000);
    RIG_NEAR(late.held[0], 400.0);
    late_run(&late, 5000000); /* half of ten seconds */
    assert_true(late.held[0] > 500.0 && late.held[0] < 1000.0);
    late_run(&late, 8000000);
    RIG_NEAR(late.held[0], 1200.0);
    rig_free(late.rig);
}

/* So long may pass until the breaker trips, at twice its rating: its memory is what makes it so. */
static void trips_in(struct rig *rig, int32_t rack, double trip_s, int64_t span_us)
{
    const struct core_config_curve *conf = &rig->nodes[rack].curve;
    struct block b = block_open(rig->core);

    for (int64_t end_us = rig->now_us + span_us; rig->now_us < end_us;) {
        b.curves[rack].heat = 4.0 - (4.0 - conf->trip_ratio * conf->trip_ratio) * exp(trip_s / conf->heat_s);
        rig_step(rig);
    }
}

/* Orders are in force after 0.1 s: at 0.7 of the time to the trip it takes hold under that, and lets
 * go above twice that, when it was so for ten seconds on end. */
static void protection_lets_go_at_twice_the_time_that_orders_need(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE), sensor;
    const double need_s = 0.11 / 0.7; /* and a step */

    rig_gpu(rig, rack, 100, 3000);
    rig->nodes[rack].curve = thermal_600;
    sensor = rig_sensor(rig, rack, 500.0);
    rig_start(rig);
    rig->plan->protection.enabled = true;
    rig->plan->band.cap_ratio = 100.0;
    rig_run(rig, 500000);
    rig->value[sensor] = 2000.0;
    trips_in(rig, rack, need_s + 0.03, 2000000);
    assert_int_equal(rig->events[EV_PROTECTION], 0);
    trips_in(rig, rack, need_s - 0.01, 20000);
    assert_int_equal(rig->events[EV_PROTECTION], 1);
    trips_in(rig, rack, 1.9 * need_s, 15000000);
    assert_int_equal(rig->events[EV_PROTECTION_OVER], 0);
    trips_in(rig, rack, 2.3 * need_s, 9000000);
    trips_in(rig, rack, 1.9 * need_s, 20000); /* not yet quiet, so from the beginning */
    trips_in(rig, rack, 2.3 * need_s, 9000000);
    assert_int_equal(rig->events[EV_PROTECTION_OVER], 0);
    trips_in(rig, rack, 2.3 * need_s, 1500000);
    assert_int_equal(rig->events[EV_PROTECTION_OVER], 1);
    assert_int_equal(rig->events[EV_PROTECTION], 1);
    rig_free(rig);
}

/* Supplies of 3000 W for a second; caps keep to that, and fans that no cap holds
 * start on top: from 400 W to 3020 W it is over after 0.993 s, and the levers
 * need 0.9. */
static void a_supplys_second_is_a_deadline(void **state)
{
    (void)state;

    for (int32_t k = 0; k < 2; k++) {
        struct late late = { .tau_s = 0.0 };

        late_new(&late, NULL, 3000.0);
        late.rig->plan->protection.enabled = k == 0;
        late_draw(&late, 100.0);
        late_run(&late, 4000000);
        assert_int_equal(late.told, -1);
        late_draw(&late, 750.0);
        late.fan_w = 20.0;
        late_run(&late, 2000000);
        if (k == 0) {
            assert_int_equal(late.told, 401); /* at the first reading of it */
            assert_true(late.worst_mean_w <= 3000.0);
        } else {
            assert_true(late.worst_mean_w > 3000.0);
        }
        rig_free(late.rig);
    }
}

static void a_window_that_is_over_before_levers_act_is_left_to_the_hardware(void **state)
{
    (void)state;
    struct late late = { .tau_s = 0.0 };

    late_new(&late, NULL, 3000.0);
    late.rig->nodes[late.rack].limit[0].window_us = 50000;
    rig_boot(late.rig);
    late_run(&late, 2000000);
    late_draw(&late, 750.0);
    late.fan_w = 100.0;
    late_run(&late, 2000000);
    assert_int_equal(late.told, -1);
    assert_true(rig_reason(late.rig, CORE_REASON_EXCEEDED)); /* but it is told */
    rig_free(late.rig);
}

static void a_budget_of_the_plan_trips_nothing(void **state)
{
    (void)state;
    struct late late = { .tau_s = 0.0 };

    late_new(&late, NULL, 0.0);
    rig_limit(late.rig, late.rack, 4800.0);
    late_run(&late, 3000000);
    rig_limit(late.rig, late.rack, 1000.0);
    late_draw(&late, 1000.0);
    late_run(&late, 3000000);
    assert_int_equal(late.told, -1);
    rig_free(late.rig);
}

/* The rack's own sensor says 1 kW; what is read below it adds up to 4. */
static void a_sensor_that_lies_low_is_not_believed(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);
    int32_t point[4];

    rig->nodes[rack].curve = thermal_600;
    rig->nodes[rack].curve.rated_w = 2000.0;
    rig->nodes[rack].curve.heat_s = 20.0;
    for (int32_t l = 0; l < 4; l++) {
        rig_gpu(rig, rack, 100, 1200);
        rig->levers[l].base = 100.0;
        point[l] = rig_measure(rig, l, 200.0);
    }
    rig_sensor(rig, rack, 1000.0);
    rig_start(rig);
    rig->plan->protection.enabled = true;
    rig_run(rig, 1000000);
    assert_true(isinf(rig_zone(rig, rack)->trip_s));
    for (int32_t l = 0; l < 4; l++)
        rig->value[point[l]] = 1000.0;
    rig_step(rig);
    assert_close(rig_zone(rig, rack)->trip_s, 20.0 * log((4.0 - 0.64) / (4.0 - 1.1025)), 0.1);
    rig_run(rig, 4000000);
    assert_int_equal(rig->events[EV_PROTECTION], 1);
    rig_free(rig);
}

/* Until it trips, with a sensor that says half of what is drawn below. */
static double lying_trip_s(double loss_ratio, double each_w)
{
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE), point[4];
    double trip_s;

    rig->nodes[rack].curve = thermal_600;
    rig->nodes[rack].curve.rated_w = 2000.0;
    rig->nodes[rack].loss_ratio = loss_ratio;
    for (int32_t l = 0; l < 4; l++) {
        rig_gpu(rig, rack, 100, 1200);
        point[l] = rig_measure(rig, l, 100.0);
    }
    rig_sensor(rig, rack, 1600.0);
    rig_start(rig);
    rig_run(rig, 1000000);
    for (int32_t l = 0; l < 4; l++)
        rig->value[point[l]] = each_w;
    rig_step(rig);
    trip_s = rig_zone(rig, rack)->trip_s;
    rig_free(rig);
    return trip_s;
}

static void what_is_lost_on_the_way_counts_as_well(void **state)
{
    (void)state;
    assert_true(isfinite(lying_trip_s(0.1, 1000.0)));
    assert_true(lying_trip_s(0.1, 1000.0) < lying_trip_s(0.0, 1000.0));
    RIG_NEAR(lying_trip_s(0.1, 1000.0), lying_trip_s(0.0, 1100.0));
}

/* A leaf that falls silent counts at its cap. */
static void what_is_not_read_counts_at_what_it_may_draw(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);

    rig->nodes[rack].curve = thermal_600;
    rig->nodes[rack].curve.rated_w = 800.0;
    rig_gpu(rig, rack, 100, 1200);
    rig_measure(rig, 0, 200.0);
    rig_start(rig);
    rig_run(rig, 1000000);
    assert_true(isinf(rig_zone(rig, rack)->trip_s));
    rig->silent[0] = true;
    rig_run(rig, 1500000);
    assert_close(rig_zone(rig, rack)->trip_s, 203.2, 1.0); /* 1200 W of 800: 1.5 */
    rig_free(rig);
}

static void nothing_is_protected_while_observing_or_without_being_asked(void **state)
{
    (void)state;

    for (int32_t k = 0; k < 2; k++) {
        struct late late = { .tau_s = 0.0 };

        late_new(&late, &thermal_600, 0.0);
        if (k == 0)
            rig_mode(late.rig, CORE_WANT_OBSERVE);
        else
            late.rig->plan->protection.enabled = false;
        late_draw(&late, 1200.0);
        late_run(&late, 3000000);
        assert_int_equal(late.told, -1);
        assert_close(rig_zone(late.rig, late.rack)->trip_s, 0.0, 0.0); /* but it is seen */
        assert_close(rig_zone(late.rig, late.rack)->heat_ratio, 1.0, 0.0);
        rig_free(late.rig);
    }
}

static void a_part_that_is_never_read_counts_in_the_end(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);

    rig->nodes[rack].curve = thermal_600;
    rig->nodes[rack].curve.rated_w = 800.0;
    rig_gpu(rig, rack, 100, 1200); /* its draw is not measured at all */
    rig_start(rig);
    rig->plan->protection.enabled = true;
    rig_run(rig, 20000000);
    assert_true(isnan(rig_zone(rig, rack)->heat_ratio));
    assert_true(isinf(rig_zone(rig, rack)->trip_s));
    rig_run(rig, 11000000); /* 1.5 times the rating, for how long nobody knows */
    assert_close(rig_zone(rig, rack)->heat_ratio, 1.0, 0.0);
    assert_int_equal(rig->events[EV_PROTECTION], 1);
    rig_free(rig);
}

/* One order a lever is in flight at a time, so the last one is waited for. */
static void an_order_in_flight_makes_protection_earlier(void **state)
{
    (void)state;
    double trip_s[2];

    for (int32_t k = 0; k < 2; k++) {
        struct core_config_curve curve = thermal_600;
        struct rig *rig = rig_new();
        int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE), sensor;

        curve.heat_s = 20.0;
        rig->nodes[rack].curve = curve;
        rig_gpu(rig, rack, 100, 1200);
        rig->levers[0].delay_worst_us = LATE_US;
        sensor = rig_sensor(rig, rack, 500.0);
        rig_start(rig);
        rig->plan->protection.enabled = true;
        rig->plan->band.cap_ratio = 100.0;
        rig_run(rig, 1000000);
        rig->value[sensor] = 2000.0;
        rig->deaf = true;
        while (rig->events[EV_PROTECTION] == 0) {
            trip_s[k] = rig_zone(rig, rack)->trip_s;
            if (k == 1 && trip_s[k] < 2.0 && rig->orders[0] == 0)
                rig_limit(rig, rack, 1000.0); /* an order just before */
            rig_step(rig);
        }
        rig_free(rig);
    }
    assert_close(trip_s[0], 0.91 / 0.7, 0.02);
    assert_true(trip_s[1] > trip_s[0] + 0.2);
}

static void nobody_is_protected_who_has_no_lever_below(void **state)
{
    (void)state;
    struct core_config_curve curve = thermal_600;
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE), fan = rig_node(rig, CORE_NODE_LOAD, rack);

    rig->nodes[fan].curve = curve;
    rig_gpu(rig, rack, 100, 1200);
    rig_sensor(rig, fan, 90000.0);
    rig_start(rig);
    rig->plan->protection.enabled = true;
    rig_run(rig, 1000000);
    assert_close(rig_zone(rig, fan)->trip_s, 0.0, 0.0);
    assert_int_equal(rig->events[EV_PROTECTION], 0);
    assert_int_equal(rig->out->mode, CORE_MODE_NORMAL);
    rig_free(rig);
}

/* Batteries do not charge behind a device in danger. */
static void charging_stops_below_as_well(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE), charger, sensor;

    rig->nodes[rack].curve = thermal_600;
    rig_gpu(rig, rack, 100, 1200);
    charger = rig_lever(rig, CORE_LEVER_CHARGE, rig_device(rig), rig_node(rig, CORE_NODE_LOAD, rack));
    rig->levers[charger].max = 8.0;
    rig->levers[charger].watts_per_unit = 50.0;
    *rig_held(rig, charger) = 0.0;
    sensor = rig_sensor(rig, rack, 500.0);
    rig_start(rig);
    rig->plan->protection.enabled = true;
    rig_run(rig, 500000);
    RIG_NEAR(*rig_held(rig, charger), 8.0);
    rig->value[sensor] = 99000.0;
    rig_run(rig, 50000);
    RIG_NEAR(*rig_held(rig, charger), 0.0);
    rig_free(rig);
}

static void an_operators_emergency_is_for_everybody(void **state)
{
    (void)state;
    struct late late = { .tau_s = 0.0 };

    late_new(&late, &thermal_600, 0.0);
    rig_mode(late.rig, CORE_WANT_EMERGENCY);
    late_draw(&late, 1200.0);
    late_run(&late, 2000000);
    assert_true(late.told > 0); /* and protection is on the watch in it */
    assert_int_equal(late.rig->out->mode, CORE_MODE_EMERGENCY);
    assert_true(rig_reason(late.rig, CORE_REASON_OPERATOR));
    assert_true(rig_reason(late.rig, CORE_REASON_PROTECTION));
    rig_mode(late.rig, CORE_WANT_OBSERVE);
    late_run(&late, 10000);
    assert_int_equal(late.rig->out->mode, CORE_MODE_OBSERVE);
    assert_false(rig_reason(late.rig, CORE_REASON_PROTECTION));
    rig_free(late.rig);
}

static void memory_survives_a_reload(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE), zero[8] = { 0, 1, 2, 3, 4, 5, 6, 7 };
    struct core_map map = { .node = zero, .point = zero, .lever = zero, .device = zero };
    struct core *old;
    double heat;

    rig->nodes[rack].curve = thermal_600;
    rig_sensor(rig, rack, 1040.0);
    rig_start(rig);
    rig_run(rig, 20000000);
    heat = rig_zone(rig, rack)->heat_ratio;
    old = rig->core;
    rig->core = NULL;
    rig_boot(rig);
    core_adopt(rig->core, old, &map);
    free(old);
    rig->value[0] = 500.0;
    rig_step(rig);
    assert_close(rig_zone(rig, rack)->heat_ratio, heat, 1e-3);
    assert_true(heat > 0.95);
    rig_free(rig);
}

/* Windows stand where the last step left them: what passed since is gone already. */
static void a_window_runs_out_from_now_not_from_the_last_step(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t shelf = rig_node(rig, CORE_NODE_SHELF, CORE_NONE), sensor;

    (void)rig_gpu(rig, shelf, 100.0, 1000.0);
    rig->nodes[shelf].limit_count = 1;
    rig->nodes[shelf].limit[0] = (struct core_limit){ .window_us = 2000000, .limit_w = 1000.0 };
    sensor = rig_sensor(rig, shelf, 500.0);
    rig->config.period_us = rig->step_us = 200000;
    rig_start(rig);
    rig->plan->protection.enabled = true;
    rig_run(rig, 5000000);
    rig->value[sensor] = 1500.0; /* half a window of it makes the mean 1000 W */
    rig_step(rig);
    assert_true(fabs(rig_zone(rig, shelf)->trip_s - 0.8) < 0.06);
    rig_step(rig);
    assert_true(fabs(rig_zone(rig, shelf)->trip_s - 0.6) < 0.06);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_overload_is_throttled_in_time),
        cmocka_unit_test(protection_sends_what_is_below_to_its_base_and_nothing_else),
        cmocka_unit_test(an_order_just_sent_does_not_hold_protection_up_for_its_interval),
        cmocka_unit_test(protection_lets_go_when_it_is_quiet_and_gives_back_slowly),
        cmocka_unit_test(protection_lets_go_at_twice_the_time_that_orders_need),
        cmocka_unit_test(what_protection_took_comes_back_at_the_pace_of_a_release),
        cmocka_unit_test(a_supplys_second_is_a_deadline),
        cmocka_unit_test(a_window_that_is_over_before_levers_act_is_left_to_the_hardware),
        cmocka_unit_test(a_budget_of_the_plan_trips_nothing),
        cmocka_unit_test(a_sensor_that_lies_low_is_not_believed),
        cmocka_unit_test(what_is_lost_on_the_way_counts_as_well),
        cmocka_unit_test(what_is_not_read_counts_at_what_it_may_draw),
        cmocka_unit_test(nothing_is_protected_while_observing_or_without_being_asked),
        cmocka_unit_test(a_part_that_is_never_read_counts_in_the_end),
        cmocka_unit_test(an_order_in_flight_makes_protection_earlier),
        cmocka_unit_test(nobody_is_protected_who_has_no_lever_below),
        cmocka_unit_test(charging_stops_below_as_well),
        cmocka_unit_test(an_operators_emergency_is_for_everybody),
        cmocka_unit_test(memory_survives_a_reload),
        cmocka_unit_test(a_window_runs_out_from_now_not_from_the_last_step),
    };

    return cmocka_run_group_tests_name("protection", tests, NULL, NULL);
}
