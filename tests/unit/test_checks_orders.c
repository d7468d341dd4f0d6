/* SPDX-License-Identifier: Apache-2.0 */
/* The same of orders: what stands, leases, what is allowed, calm. */
#include "checks_rig.h"

/* ---- standing ---- */

static void what_is_on_its_way_counts(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig_arm(rig);
    /* all to 1000 W stand for 5824 W: fits 6000 W */
    for (int32_t i = 0; i < GPUS; i++) {
        rig->out.levers[i].state = CORE_LEVER_SENT;
        rig->out.levers[i].sent = 1000.0;
        rig->out.levers[i].number = 2;
    }
    rig_run(rig, 1.0);
    assert_true(checks_ok(rig->checks));
    NEAR(rig_result(rig, CHECKS_STANDING).value, (4400.0 + 1200.0) * 1.04, 1e-6);
    rig_free(rig);

    rig = rig_new();
    checks_armed(rig->checks, 5200.0);
    rig_run(rig, 0.1);
    assert_true(checks_ok(rig->checks));
    rig->out.levers[0].state = CORE_LEVER_SENT;
    rig->out.levers[0].sent = 1000.0;
    rig->out.levers[0].number = 2;
    rig->out.levers[1] = rig->out.levers[0]; /* 5366 W */
    rig->out.levers[1].state = CORE_LEVER_UNKNOWN;
    rig_run(rig, 0.02);
    rig_only(rig, CHECKS_STANDING, "limits");
    NEAR(rig_result(rig, CHECKS_STANDING).value, STANDING_W + 2 * 220.0 * 1.04, 1e-6);
    rig_free(rig);
}

/* It was told to go down, reads back so, and is not there yet: another one was
 * raised too early. */
static void a_limit_counts_until_the_gpu_follows_it(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    checks_armed(rig->checks, 5000.0);
    rig->plant.gpus[0].limit_w = 400.0;
    rig->plant.gpus[1].limit_w = rig->plant.gpus[1].limit_active_w = 1000.0;
    for (int32_t i = 0; i < 2; i++) {
        rig->out.levers[i].sent = rig->out.levers[i].in_force = rig->plant.gpus[i].limit_w;
        rig->out.levers[i].number = 2;
    }
    rig->out.head.now_us = 0;
    checks_core(rig->checks, &rig->out.head); /* both were ordered */
    rig_run(rig, 0.1);
    rig_only(rig, CHECKS_STANDING, "limits");
    rig_free(rig);

    rig = rig_new();
    checks_armed(rig->checks, 5000.0);
    rig->plant.gpus[0].limit_w = rig->plant.gpus[0].limit_active_w = 400.0;
    rig->plant.gpus[1].limit_w = rig->plant.gpus[1].limit_active_w = 1000.0;
    rig_run(rig, 10.0);
    assert_true(rig_ok(rig, CHECKS_STANDING));
    rig_free(rig);
}

static void an_order_of_a_dead_daemon_counts_as_long_as_it_may_arrive(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    checks_armed(rig->checks, 5050.0);
    rig_run(rig, 0.1);
    rig->out.levers[0].state = CORE_LEVER_SENT;
    rig->out.levers[0].sent = 1000.0;
    rig->out.levers[0].number = 2;
    rig_run(rig, 0.02); /* 5095 W */
    assert_false(rig_ok(rig, CHECKS_STANDING));
    rig_free(rig);

    rig = rig_new();
    checks_armed(rig->checks, 6000.0);
    rig->out.levers[0].state = CORE_LEVER_SENT;
    rig->out.levers[0].sent = 1000.0;
    rig->out.levers[0].number = 2;
    rig_run(rig, 0.1);
    checks_core(rig->checks, NULL);
    rig->out.head.lever_count = 0; /* it is dead */
    rig_run(rig, 1.02 + 0.1);      /* what was on the wire has landed */
    /* lost by now: what stands is all there is */
    checks_armed(rig->checks, 5000.0);
    rig_run(rig, GRACE_S + 0.1);
    assert_true(rig_ok(rig, CHECKS_STANDING));
    rig_free(rig);

    rig = rig_new();
    checks_armed(rig->checks, 5050.0);
    rig_run(rig, 0.1);
    rig->out.levers[0].state = CORE_LEVER_SENT;
    rig->out.levers[0].sent = 1000.0;
    rig->out.levers[0].number = 2;
    rig->out.head.now_us = rig->plant.now_us;
    checks_core(rig->checks, &rig->out.head);
    checks_core(rig->checks, NULL); /* dead before the next look */
    rig->out.head.lever_count = 0;
    rig_run(rig, 0.1);
    assert_false(rig_ok(rig, CHECKS_STANDING));
    rig_free(rig);
}

static void charging_batteries_count(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    checks_armed(rig->checks, 6200.0);
    for (int32_t i = 0; i < MODULES; i++)
        rig->plant.bbus[i].charging = true; /* 250 W each */
    rig_run(rig, 0.1);
    NEAR(rig_result(rig, CHECKS_STANDING).value, STANDING_W + 6 * 250.0 * 1.04, 1e-6);
    assert_false(rig_ok(rig, CHECKS_STANDING));
    rig_free(rig);

    rig = rig_new();
    checks_armed(rig->checks, 6200.0);
    for (int32_t i = 0; i < 3; i++) {
        rig->plant.bbus[i].charging = true;
        rig->plant.bbus[i].override_on = i == 0; /* back at 5 A when its lease ends */
        rig->plant.bbus[i].override_a = 1.0;
        rig->plant.bbus[i].override_timeout_s = rig->plant.bbus[i].override_left_s = 120.0;
    }
    rig_run(rig, 0.1);
    NEAR(rig_result(rig, CHECKS_STANDING).value, STANDING_W + 3 * 250.0 * 1.04, 1e-6);
    assert_true(checks_ok(rig->checks));
    rig_free(rig);
}

/* Batteries at rest may begin to charge at any time: by the controller's own books. */
static void chargers_at_rest_count_by_the_books(void **state)
{
    struct rig *rig = rig_fill();

    (void)state;
    for (int32_t l = GPUS; l < LEVERS; l++) {
        rig->levers[l].fallback = 5.0;
        rig->levers[l].watts_per_unit = 40.0;
    }
    rig->plant.bbus[0].present = false;
    rig->plant.bbus[1].failed = true;
    rig->plant.bbus[2].charging = true;    /* 250 W it takes */
    rig->plant.bbus[3].override_on = true; /* 300 W it may */
    rig->plant.bbus[3].override_a = 6.0;
    rig->plant.bbus[3].override_timeout_s = rig->plant.bbus[3].override_left_s = 120.0;
    rig_begin(rig);
    checks_armed(rig->checks, STANDING_W + 900.0);
    rig_run(rig, 0.1);
    NEAR(rig_result(rig, CHECKS_STANDING).value, STANDING_W + (3 * 200.0 + 240.0) * 1.04, 1e-6);
    assert_true(rig_ok(rig, CHECKS_STANDING));
    rig->plant.bbus[0].present = true;
    rig_run(rig, 0.1);
    assert_false(rig_ok(rig, CHECKS_STANDING));
    rig_free(rig);
}

/* A supply that loses less than the controller's books say makes no room. */
static void losses_count_by_the_books_or_the_truth(void **state)
{
    struct core_config_node nodes[] = {
        { .kind = CORE_NODE_RACK, .loss_ratio = 0.02 },
        { .kind = CORE_NODE_SHELF, .parent_count = 1, .parent = { 0 } },
        { .kind = CORE_NODE_SHELF, .parent_count = 1, .parent = { 0 }, .loss_ratio = 0.05 },
        { .kind = CORE_NODE_BUSBAR, .parent_count = 2, .parent = { 1, 2 } },
        { .kind = CORE_NODE_LOAD, .parent_count = 1, .parent = { 3 } },
    };
    const double dc_w = STANDING_W / 1.04;

    (void)state;
    for (int k = 0; k < 2; k++) {
        struct rig *rig = rig_fill();

        rig->config.nodes = nodes;
        rig->config.node_count = 5;
        rig->plant.psu_loss_ratio = k == 0 ? 0.04 : 0.10;
        for (int32_t l = 0; l < GPUS; l++)
            rig->levers[l].node = 4;
        rig_begin(rig);
        checks_armed(rig->checks, 6000.0);
        rig_run(rig, 0.1);
        NEAR(rig_result(rig, CHECKS_STANDING).value, dc_w * (k == 0 ? 1.02 * 1.05 : 1.10), 1e-6);
        rig_free(rig);
    }
}

static void self_acting_storage_helps_as_long_as_it_lasts(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig->plant.params.cap_power_w = 2000.0;
    rig->plant.cap_j = 1000.0 * GRACE_S;
    checks_armed(rig->checks, STANDING_W - 990.0);
    rig->plant.ac_w = 3000.0;
    rig_run(rig, 0.1);
    assert_true(rig_ok(rig, CHECKS_STANDING));
    rig->plant.cap_j = 980.0 * GRACE_S;
    rig_run(rig, 0.1);
    assert_false(rig_ok(rig, CHECKS_STANDING));
    rig_free(rig);
}

static void somebody_elses_limit_is_excused_until_it_could_be_undone(void **state)
{
    const double excused_s = GRACE_S + STALE_US / 1e6;
    struct rig *rig = rig_new();

    (void)state;
    checks_armed(rig->checks, 5000.0);
    rig_run(rig, 2.0);
    rig->plant.gpus[3].limit_w = rig->plant.gpus[3].limit_active_w = 1000.0; /* nobody ordered it */
    rig->plant.gpus[3].power_w = 1100.0;
    rig->plant.ac_w = 5100.0; /* 220 W above what 800 W let through, with losses 229 W */
    rig_run(rig, excused_s - 0.1);
    assert_true(checks_ok(rig->checks));
    rig_run(rig, 0.2);
    assert_false(rig_ok(rig, CHECKS_STANDING));
    rig_run(rig, 1.0);
    assert_false(rig_ok(rig, CHECKS_LIMITS));
    rig_free(rig);

    rig = rig_new(); /* the same by our own order, executed late */
    checks_armed(rig->checks, 5000.0);
    rig_run(rig, 2.0);
    rig->out.levers[3].sent = 1000.0;
    rig->out.levers[3].number = 2;
    rig_run(rig, 0.02);
    rig->out.levers[3].sent = 800.0;
    rig->out.levers[3].number = 3;
    rig_run(rig, 0.02);
    rig->plant.gpus[3].limit_w = rig->plant.gpus[3].limit_active_w = 1000.0;
    rig_run(rig, 0.02);
    rig_only(rig, CHECKS_STANDING, "limits");
    rig_free(rig);
}

static void a_bmc_that_was_reset_is_excused_as_well(void **state)
{
    struct rig *rig = rig_fill();

    (void)state;
    for (int32_t i = 0; i < GPUS; i++) {
        rig->plant.gpus[i].limit_w = rig->plant.gpus[i].limit_active_w = i < 2 ? 1000.0 : 600.0;
        rig->out.levers[i].sent = rig->out.levers[i].in_force = i < 2 ? 1000.0 : 600.0;
    }
    rig_begin(rig);
    checks_armed(rig->checks, 5000.0);
    rig_run(rig, 1.0);
    rig->plant.bmc_resets[1]++; /* the second node's GPUs are at their most */
    rig->plant.gpus[2].limit_w = rig->plant.gpus[3].limit_w = 1000.0;
    rig_run(rig, GRACE_S);
    assert_true(checks_ok(rig->checks));
    rig->plant.gpus[2].limit_w = rig->plant.gpus[3].limit_w = 600.0;
    rig_run(rig, 10.0);
    assert_true(checks_ok(rig->checks));
    rig_free(rig);
}

/* ---- leases ---- */

static void an_override_needs_a_time_out(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig->plant.bbus[2].override_on = true;
    rig->plant.bbus[2].override_a = 2.0;
    rig_run(rig, 0.5); /* written to again by then, if its module forgot */
    assert_true(checks_ok(rig->checks));
    rig_run(rig, 1.0);
    rig_only(rig, CHECKS_LEASES, "bbu-1-3: override without a time-out, A 2");
    rig_free(rig);
}

static void an_override_ends_when_its_time_is_over(void **state)
{
    struct rig *rig = rig_new();
    struct plant_bbu *bbu = &rig->plant.bbus[0];

    (void)state;
    bbu->override_timeout_s = 5.0;
    for (int k = 0; k < 3; k++) { /* refreshed at half of it */
        bbu->override_on = true;
        bbu->override_left_s = 5.0;
        rig_run(rig, 2.5);
        bbu->override_left_s = 2.5;
        rig_run(rig, 0.01);
    }
    rig_run(rig, 2.4);
    bbu->override_on = false;
    rig_run(rig, 20.0);
    assert_true(checks_ok(rig->checks));
    bbu->override_on = true;
    bbu->override_left_s = 5.0; /* a countdown that never counts */
    rig_run(rig, 5.1);
    assert_true(checks_ok(rig->checks));
    rig_run(rig, 0.2);
    rig_only(rig, CHECKS_LEASES, "bbu-1-1: override outlives its time-out");
    rig_free(rig);

    rig = rig_new();
    bbu = &rig->plant.bbus[0];
    bbu->override_on = true;
    bbu->override_timeout_s = 5.0;
    bbu->override_left_s = 60.0;
    rig_run(rig, 0.01);
    rig_only(rig, CHECKS_LEASES, "lasts longer than was written");
    rig_free(rig);
}

static void an_order_carries_its_lease(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig_run(rig, 0.1);
    rig_order(rig, GPUS, 3.0, 60.0);
    rig->out.orders[0].timeout_us = 0;
    rig_run(rig, 0.02);
    rig_only(rig, CHECKS_LEASES, "lever 4: ordered without a time-out");
    rig_free(rig);

    rig = rig_new();
    rig_run(rig, 0.1);
    rig_order(rig, 0, 700.0, 0.0);
    rig_run(rig, 0.02);
    rig_only(rig, CHECKS_LEASES, "lever 0: ordered with a lease that is over");
    rig_free(rig);

    rig = rig_new(); /* putting an original back is no override */
    rig_run(rig, 0.1);
    rig_order(rig, GPUS, 9.0, 60.0);
    rig->out.orders[0].timeout_us = 0;
    rig->out.orders[0].release = true;
    rig_run(rig, 0.02);
    assert_true(checks_ok(rig->checks));
    rig_free(rig);
}

/* ---- allowed ---- */

static void a_set_point_outside_its_book_fails(void **state)
{
    static const struct {
        enum plant_kind kind;
        double setpoint_v;
        bool ok;
    } rows[] = { { PLANT_ORV3, 51.5, true },   { PLANT_ORV3, 51.6, false },  { PLANT_ORV3, 48.0, true },
                 { PLANT_ORV3, 47.9, false },  { PLANT_HPR, 50.5, true },    { PLANT_HPR, 50.6, false },
                 { PLANT_HPR_V2, 51.0, true }, { PLANT_HPR_V2, 51.1, false } };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig *rig = rig_fill();

        rig->plant.shelves[0].kind = rows[i].kind;
        rig->plant.psus[5].setpoint_v = 49.0;
        rig_begin(rig);
        rig_run(rig, 0.1);
        rig->plant.psus[5].setpoint_v = rows[i].setpoint_v;
        rig_run(rig, 0.1);
        if (rows[i].ok)
            assert_true(checks_ok(rig->checks));
        else
            rig_only(rig, CHECKS_ALLOWED, "psu-1-6: set-point, V");
        rig_free(rig);
    }
}

static void what_a_device_brought_along_nobody_wrote(void **state)
{
    struct rig *rig = rig_fill();

    (void)state;
    rig->plant.psus[0].setpoint_v = 53.0;
    rig_begin(rig);
    rig_run(rig, 0.1);
    rig->plant.psus[1].setpoint_v = 53.0; /* back at its own after a power loss */
    rig->plant.psus[1].resets++;
    rig_run(rig, 0.1);
    assert_true(checks_ok(rig->checks));
    rig->plant.psus[1].setpoint_v = 53.1;
    rig_run(rig, 0.1);
    assert_false(rig_ok(rig, CHECKS_ALLOWED));
    rig_free(rig);
}

static void other_settings_outside_fail(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig_run(rig, 0.1);
    rig->plant.psus[0].start_delay_s = 15.0;
    rig_run(rig, 0.1);
    assert_true(checks_ok(rig->checks));
    rig->plant.psus[0].start_delay_s = 15.5;
    rig_run(rig, 0.1);
    rig_only(rig, CHECKS_ALLOWED, "psu-1-1: start delay, s 15.5");
    rig_free(rig);

    rig = rig_new();
    rig->plant.gpus[3].limit_w = 199.0;
    rig_run(rig, 0.1);
    rig_only(rig, CHECKS_ALLOWED, "gpu-2-2: limit, W 199");
    rig_free(rig);

    rig = rig_new();
    rig->plant.gpus[2].limit_w = 1001.0;
    rig_run(rig, 0.1);
    rig_only(rig, CHECKS_ALLOWED, "gpu-2-1: limit, W 1001");
    rig_free(rig);

    rig = rig_new();
    rig->plant.bbus[1].override_on = true;
    rig->plant.bbus[1].override_timeout_s = rig->plant.bbus[1].override_left_s = 60.0;
    rig->plant.bbus[1].override_a = 6.5;
    rig_run(rig, 0.1);
    rig_only(rig, CHECKS_ALLOWED, "bbu-1-2: charge override, A 6.5");
    rig_free(rig);
}

static void an_order_outside_its_levers_range_fails(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig_run(rig, 0.1);
    rig_order(rig, 1, 1000.0, 60.0);
    rig_run(rig, 0.02);
    assert_true(checks_ok(rig->checks));
    rig_order(rig, 1, 1000.1, 60.0);
    rig_run(rig, 0.02);
    rig_only(rig, CHECKS_ALLOWED, "lever 1: ordered 1000.1");
    rig_free(rig);
}

/* ---- calm ---- */

/* The sum goes to and fro by `by_w`; every order is ours. */
static void rig_swing(struct rig *rig, int turns, double by_w, double each_s)
{
    for (int k = 0; k < turns; k++) {
        double limit_w = 800.0 + (k % 2 ? 0.0 : by_w);

        rig->out.levers[0].wanted = rig->out.levers[0].sent = limit_w;
        rig->out.levers[0].number++;
        rig_run(rig, 0.01);
        rig->plant.gpus[0].limit_w = rig->plant.gpus[0].limit_active_w = limit_w;
        rig_run(rig, each_s - 0.01);
    }
}

static void going_to_and_fro_fails(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig_arm(rig);
    rig_swing(rig, 7, 70.0, 1.0); /* six turns: the first move is none */
    assert_true(checks_ok(rig->checks));
    NEAR(rig_result(rig, CHECKS_CALM).value, 6.0, 0.0);
    rig_free(rig);

    rig = rig_new();
    rig_arm(rig);
    rig_swing(rig, 8, 70.0, 1.0);
    rig_only(rig, CHECKS_CALM, "turns of the summed limits");
    rig_free(rig);

    rig = rig_new();
    rig_arm(rig);
    rig_swing(rig, 40, 55.0, 0.5); /* under 1 % of the envelope */
    rig_swing(rig, 20, 70.0, 2.0); /* five in 10 s */
    assert_true(checks_ok(rig->checks));
    rig_free(rig);
}

/* Down here first, up there later, and back again: what is wanted in all stays. */
static void watts_that_change_hands_are_no_turns(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig_arm(rig);
    for (int k = 0; k < 20; k++) {
        int from = k % 2, to = 1 - from;

        rig->out.levers[from].wanted = 800.0;
        rig->out.levers[to].wanted = 900.0;
        rig_run(rig, 0.1);
        rig->out.levers[from].sent = rig->plant.gpus[from].limit_w = rig->plant.gpus[from].limit_active_w =
            800.0;
        rig_run(rig, 0.3);
        rig->out.levers[to].sent = 900.0;
        rig_run(rig, 0.01);
        rig->plant.gpus[to].limit_w = rig->plant.gpus[to].limit_active_w = 900.0;
        rig_run(rig, 0.4);
    }
    NEAR(rig_result(rig, CHECKS_CALM).value, 0.0, 0.0);
    rig_free(rig);
}

static void answers_to_plan_and_grid_are_no_turns(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig_arm(rig);
    rig->out.head.plan_version = 2;
    rig_swing(rig, 18, 70.0, 0.5);
    assert_true(checks_ok(rig->checks));
    rig_run(rig, 10.0);
    rig->plant.ac_v = 200.0;
    rig_swing(rig, 18, 70.0, 0.5);
    assert_true(checks_ok(rig->checks));
    rig_run(rig, 10.0);
    rig_swing(rig, 18, 70.0, 0.5);
    rig_only(rig, CHECKS_CALM, "turns of the summed limits");
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_on_its_way_counts),
        cmocka_unit_test(a_limit_counts_until_the_gpu_follows_it),
        cmocka_unit_test(an_order_of_a_dead_daemon_counts_as_long_as_it_may_arrive),
        cmocka_unit_test(charging_batteries_count),
        cmocka_unit_test(chargers_at_rest_count_by_the_books),
        cmocka_unit_test(losses_count_by_the_books_or_the_truth),
        cmocka_unit_test(self_acting_storage_helps_as_long_as_it_lasts),
        cmocka_unit_test(somebody_elses_limit_is_excused_until_it_could_be_undone),
        cmocka_unit_test(a_bmc_that_was_reset_is_excused_as_well),
        cmocka_unit_test(an_override_needs_a_time_out),
        cmocka_unit_test(an_override_ends_when_its_time_is_over),
        cmocka_unit_test(an_order_carries_its_lease),
        cmocka_unit_test(a_set_point_outside_its_book_fails),
        cmocka_unit_test(what_a_device_brought_along_nobody_wrote),
        cmocka_unit_test(other_settings_outside_fail),
        cmocka_unit_test(an_order_outside_its_levers_range_fails),
        cmocka_unit_test(going_to_and_fro_fails),
        cmocka_unit_test(watts_that_change_hands_are_no_turns),
        cmocka_unit_test(answers_to_plan_and_grid_are_no_turns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
