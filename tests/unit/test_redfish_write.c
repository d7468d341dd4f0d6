/* SPDX-License-Identifier: Apache-2.0 */
/* test_redfish_write.c: the Redfish adapter works off orders, against a BMC that
 * refuses, lies, delays and hangs up.
 */
#include "unit/redfish_bench.h"

static void an_order_is_recorded_written_read_back_and_released(void **state)
{
    struct original original;
    struct field_bus_stats stats;
    struct device_ack *ack;
    struct bench bench;

    (void)state;
    bench_init(&bench);
    bench.bmc.limit_w[2] = 931;
    bench_start(&bench, false);
    UNTIL(&bench, bench_reads(&bench, ST_OK));
    bench_ordered(&bench, 2, DEVICE_OP_SET, 700.0, ST_OK);
    ack = &bench.state.acks[2];
    assert_int_equal(bench.bmc.limit_w[2], 700);
    assert_true(ack->readback > 699.9 && ack->readback < 700.1);
    assert_true(ack->dispatched_us > 0 && ack->dispatched_us <= ack->done_us);
    assert_true(fabs(bench_reading(&bench, 2, 1)->value - 700.0) < 1e-9); /* not only at the next poll */
    assert_true(originals_find(bench.conf->state_dir, "bmc-1", bench.state.serial, "gpu_power_limit_w", 2,
                               &original));
    assert_true(fabs(original.value - 931.0) < 1e-9);
    bench_ordered(&bench, 2, DEVICE_OP_SET, 650.75, ST_OK); /* whole watts, rounded down */
    assert_int_equal(bench.bmc.limit_w[2], 650);
    bench_ordered(&bench, 2, DEVICE_OP_RELEASE, 0.0, ST_OK);
    assert_int_equal(bench.bmc.limit_w[2], 931);
    bench_ordered(&bench, 0, DEVICE_OP_RELEASE, 800.0, ST_ABSENT); /* never ours */
    assert_int_equal(bench.bmc.limit_w[0], 1000);
    assert_int_equal(bench.bmc.wrong_bodies, 0);
    redfish_stats(bench.redfish, &stats);
    assert_int_equal(stats.writes, 3);
    assert_int_equal(stats.dispatch.count, 3);
    assert_int_equal(stats.device.count, 3);
    bench_done(&bench);
}

/* Looked at once a second; what reads back before it is over is no mismatch. */
static void a_task_that_says_that_it_runs_is_waited_for(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench);
    bench_start(&bench, false);
    UNTIL(&bench, bench_reads(&bench, ST_OK));
    bench.bmc.looks = 3;
    bench_ordered(&bench, 1, DEVICE_OP_SET, 700.0, ST_OK);
    assert_int_equal(bench.bmc.limit_w[1], 700);
    assert_int_equal(bench.bmc.patches, 1);
    bench_done(&bench);
}

static void polling_and_writing_share_two_connections_and_one_session(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench);
    bench_start(&bench, false);
    UNTIL(&bench, bench_reads(&bench, ST_OK));
    for (int round = 0; round < 10; round++) {
        for (int g = 0; g < FAKE_GPUS; g++)
            bench_order(&bench, g, DEVICE_OP_SET, 500.0 + 10 * round + g);
        UNTIL(&bench, bench_acked(&bench, 0) && bench_acked(&bench, 1) && bench_acked(&bench, 2) &&
                          bench_acked(&bench, 3));
    }
    for (int g = 0; g < FAKE_GPUS; g++) {
        assert_int_equal(bench.state.acks[g].status, ST_OK);
        assert_int_equal(bench.bmc.limit_w[g], 590 + g);
    }
    assert_int_equal(bench.bmc.patches, 40);
    assert_true(bench.bmc.connections <= 2);
    assert_int_equal(bench.bmc.logins, 1);
    assert_int_equal(bench.bmc.sessions_most, 1);
    bench_done(&bench);
}

static void a_write_does_not_wait_behind_a_poll(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench);
    bench.conf->buses[0].timeout_us = HELD_US;
    bench_start(&bench, false);
    UNTIL(&bench, bench_reads(&bench, ST_OK));
    bench.bmc.hold = 1;
    UNTIL(&bench, bench.bmc.hold == 0); /* a poll is out and stays out for long */
    for (int g = 0; g < FAKE_GPUS; g++)
        bench_order(&bench, g, DEVICE_OP_SET, 500.0 + g);
    UNTIL(&bench, bench_acked(&bench, 0) && bench_acked(&bench, 1) && bench_acked(&bench, 2) &&
                      bench_acked(&bench, 3));
    assert_int_equal(bench.state.timeouts, 0); /* of the poll: still out */
    for (int g = 0; g < FAKE_GPUS; g++)
        assert_int_equal(bench.state.acks[g].status, ST_OK);
    assert_int_equal(bench.bmc.connections, 2);
    assert_int_equal(bench.bmc.logins, 1);
    bench_done(&bench);
}

static void a_bmc_that_accepts_and_changes_nothing_is_seen_through(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench);
    bench.bmc.lie = true;
    bench_start(&bench, false);
    UNTIL(&bench, bench_reads(&bench, ST_OK));
    bench_ordered(&bench, 0, DEVICE_OP_SET, 700.0, ST_MISMATCH);
    assert_true(fabs(bench.state.acks[0].readback - 1000.0) < 1e-9);
    assert_int_equal(bench.bmc.patches, 1); /* looked again, not written again */
    bench_done(&bench);
}

static void a_limit_applied_late_is_waited_for_while_others_are_served(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench);
    bench.conf->buses[0].timeout_us = HELD_US; /* and so the longest wait for a late limit */
    bench.bmc.late_ms = 700;                   /* longer than a machine stalls */
    bench_start(&bench, false);
    UNTIL(&bench, bench_reads(&bench, ST_OK));
    bench_order(&bench, 0, DEVICE_OP_SET, 700.0);
    bench_order(&bench, 1, DEVICE_OP_SET, 600.0);
    UNTIL(&bench, bench.bmc.patches == 2);
    assert_false(bench_acked(&bench, 0)); /* the second left before the first was in force */
    UNTIL(&bench, bench_acked(&bench, 0) && bench_acked(&bench, 1));
    assert_int_equal(bench.state.acks[0].status, ST_OK);
    assert_int_equal(bench.state.acks[1].status, ST_OK);
    bench_done(&bench);
}

static void a_connection_cut_after_the_patch_is_settled_by_reading_back(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench);
    bench_start(&bench, false);
    UNTIL(&bench, bench_reads(&bench, ST_OK));
    bench.bmc.cut = true;
    bench_ordered(&bench, 3, DEVICE_OP_SET, 700.0, ST_OK); /* it was executed */
    bench.bmc.cut = false;
    bench.bmc.cut_unapplied = true;
    bench_ordered(&bench, 3, DEVICE_OP_SET, 500.0, ST_TIMEOUT); /* it was not, or not yet */
    assert_true(fabs(bench.state.acks[3].readback - 700.0) < 1e-9);
    bench.bmc.cut_unapplied = false;
    bench_ordered(&bench, 3, DEVICE_OP_SET, 400.0, ST_OK);
    bench_done(&bench);
}

/* One time-out is enough: whoever was away may be another one. */
static void one_that_was_away_is_asked_who_it_is_before_it_is_written_to(void **state)
{
    static const char *const uuids[] = {"0badcafe-0000-1111-2222-333344440001", "0badcafe-0000-1111-2222-333344440002",
                                        "0badcafe-0000-1111-2222-333344440003"};
    struct bench bench;

    (void)state;
    bench_init(&bench);
    bench.conf->buses[0].timeout_us = SHORT_US;
    bench_start(&bench, false);
    UNTIL(&bench, bench_reads(&bench, ST_OK));
    bench_ordered(&bench, 1, DEVICE_OP_SET, 700.0, ST_OK);
    for (int i = 0; i < 3; i++) {
        uint64_t before = bench.state.timeouts;

        bench.bmc.hang = true;
        UNTIL(&bench, bench.state.timeouts > before);
        bench.bmc.uuid = uuids[i];
        bench.bmc.unknown_yet = true;
        bench.bmc.hang = false;
        bench_ordered(&bench, 1, DEVICE_OP_SET, 600.0 - 10.0 * i, ST_OK);
        assert_int_equal(bench.bmc.blind, 0);
    }
    bench_done(&bench);
}

static void what_the_bmc_refuses_is_refused(void **state)
{
    static const int codes[] = {400, 403, 405, 503};
    struct bench bench;

    (void)state;
    bench_init(&bench);
    bench_start(&bench, false);
    UNTIL(&bench, bench_reads(&bench, ST_OK));
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        bench.bmc.patch_code = codes[i];
        bench_ordered(&bench, 0, DEVICE_OP_SET, 700.0, ST_REFUSED);
    }
    bench.bmc.patch_code = 500; /* says nothing of what was done */
    bench_ordered(&bench, 0, DEVICE_OP_SET, 700.0, ST_MISMATCH);
    assert_int_equal(bench.bmc.limit_w[0], 1000);
    bench.bmc.patch_code = 0;
    bench_ordered(&bench, 0, DEVICE_OP_SET, 700.0, ST_OK);
    bench_done(&bench);
}

static void what_must_not_be_written_never_leaves(void **state)
{
    static const char *const extras[] = {
        ",\"SetPointUnits\":\"%\"",
        ",\"LimitException\":\"HardPowerOff\"",
        ",\"DataSourceUri\":\"/redfish/v1/Controls/EDPpPowerNonvolatile_0\"",
    };
    struct bench bench;

    (void)state;
    bench_init(&bench);
    bench_start(&bench, false);
    UNTIL(&bench, bench_reads(&bench, ST_OK));
    bench_ordered(&bench, 0, DEVICE_OP_SET, 199.0, ST_RANGE);
    bench_ordered(&bench, 0, DEVICE_OP_SET, 1201.0, ST_RANGE);
    bench_ordered(&bench, 0, DEVICE_OP_SET, NAN, ST_RANGE);
    for (size_t i = 0; i < sizeof extras / sizeof extras[0]; i++) {
        bench.bmc.extra = extras[i];
        bench_ordered(&bench, 1, DEVICE_OP_SET, 700.0, ST_REFUSED);
    }
    bench.bmc.extra = NULL;
    redfish_free(bench.redfish);
    (void)snprintf(bench.conf->devices[0].gpus[2].path, 64, "/redfish/v1/Chassis/Nonvolatile_0");
    bench_start(&bench, false);
    bench_ordered(&bench, 2, DEVICE_OP_SET, 700.0, ST_REFUSED);
    assert_int_equal(bench.bmc.patches, 0);
    bench_done(&bench);
}

static void without_a_record_a_name_or_leave_nothing_is_written(void **state)
{
    struct bench bench;
    char away[CONF_PATH_MAX];
    int logins;

    (void)state;
    bench_init(&bench);
    bench_start(&bench, false);
    UNTIL(&bench, bench_reads(&bench, ST_OK));
    memcpy(away, bench.conf->state_dir, sizeof away);
    (void)snprintf(bench.conf->state_dir, sizeof bench.conf->state_dir, "/nonexistent/busbar");
    bench_ordered(&bench, 0, DEVICE_OP_SET, 700.0, ST_REFUSED);
    memcpy(bench.conf->state_dir, away, sizeof away);
    bench_ordered(&bench, 0, DEVICE_OP_SET, 700.0, ST_OK);
    assert_int_equal(bench.bmc.patches, 1);

    redfish_free(bench.redfish);
    bench_start(&bench, true);
    bench_ordered(&bench, 0, DEVICE_OP_SET, 600.0, ST_REFUSED);
    redfish_free(bench.redfish);
    bench.conf->devices[0].username[0] = '\0';
    logins = bench.bmc.logins;
    bench_start(&bench, false);
    UNTIL(&bench, bench_reads(&bench, ST_REFUSED)); /* this one shows nothing to strangers */
    bench_ordered(&bench, 0, DEVICE_OP_SET, 600.0, ST_REFUSED);
    assert_int_equal(bench.bmc.patches, 1);
    assert_int_equal(bench.bmc.logins, logins);
    bench_done(&bench);
}

static void the_etag_ladder_is_climbed_once_and_remembered(void **state)
{
    (void)state;
    for (int kind = 1; kind <= 2; kind++) {
        struct bench bench;
        int patches;

        bench_init(&bench);
        bench.bmc.etag = kind;
        bench_start(&bench, false);
        UNTIL(&bench, bench_reads(&bench, ST_OK));
        bench_ordered(&bench, 0, DEVICE_OP_SET, 700.0, ST_OK);
        patches = bench.bmc.patches;
        assert_int_equal(patches, 1 + kind); /* without, as given, and then without W/ */
        bench_ordered(&bench, 1, DEVICE_OP_SET, 600.0, ST_OK);
        assert_int_equal(bench.bmc.patches, patches + 1);
        bench_done(&bench);
    }
}

static void a_disabled_limit_is_switched_on_and_off_again_at_release(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench);
    bench.bmc.disabled[0] = true;
    bench_start(&bench, false);
    UNTIL(&bench, bench_reads(&bench, ST_OK));
    assert_true(fabs(bench_reading(&bench, 0, 1)->value - 1200.0) < 1e-9); /* the maximum is in force */
    bench_ordered(&bench, 0, DEVICE_OP_SET, 700.0, ST_OK);
    assert_false(bench.bmc.disabled[0]);
    assert_int_equal(bench.bmc.limit_w[0], 700);
    bench_ordered(&bench, 0, DEVICE_OP_RELEASE, 0.0, ST_OK);
    assert_true(bench.bmc.disabled[0]);
    bench_done(&bench);
}

static void an_order_past_its_lease_is_not_sent(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench);
    bench_start(&bench, false);
    UNTIL(&bench, bench_reads(&bench, ST_OK));
    bench.orders.levers[1] =
        (struct device_order){.number = 1, .op = DEVICE_OP_SET, .value = 700.0, .lease_end_us = 1};
    mailbox_put(bench.adapter.from_tick, &bench.orders);
    redfish_orders(bench.redfish);
    UNTIL(&bench, bench_acked(&bench, 1));
    assert_int_equal(bench.state.acks[1].status, ST_STALE);
    assert_int_equal(bench.bmc.patches, 0);
    bench_done(&bench);
}

static void freeing_in_the_midst_of_everything_is_fine(void **state)
{
    (void)state;
    for (int turns = 0; turns < 40; turns += 3) {
        struct bench bench;

        bench_init(&bench);
        bench_start(&bench, false);
        for (int g = 0; g < FAKE_GPUS; g++)
            bench_order(&bench, g, DEVICE_OP_SET, 500.0 + g);
        for (int i = 0; i < turns; i++)
            event_base_loop(bench.base, EVLOOP_ONCE);
        bench_done(&bench);
    }
    assert_null(redfish_free(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_is_recorded_written_read_back_and_released),
        cmocka_unit_test(a_task_that_says_that_it_runs_is_waited_for),
        cmocka_unit_test(polling_and_writing_share_two_connections_and_one_session),
        cmocka_unit_test(a_write_does_not_wait_behind_a_poll),
        cmocka_unit_test(a_bmc_that_accepts_and_changes_nothing_is_seen_through),
        cmocka_unit_test(a_limit_applied_late_is_waited_for_while_others_are_served),
        cmocka_unit_test(a_connection_cut_after_the_patch_is_settled_by_reading_back),
        cmocka_unit_test(one_that_was_away_is_asked_who_it_is_before_it_is_written_to),
        cmocka_unit_test(what_the_bmc_refuses_is_refused),
        cmocka_unit_test(what_must_not_be_written_never_leaves),
        cmocka_unit_test(without_a_record_a_name_or_leave_nothing_is_written),
        cmocka_unit_test(the_etag_ladder_is_climbed_once_and_remembered),
        cmocka_unit_test(a_disabled_limit_is_switched_on_and_off_again_at_release),
        cmocka_unit_test(an_order_past_its_lease_is_not_sent),
        cmocka_unit_test(freeing_in_the_midst_of_everything_is_fine),
    };

    (void)signal(SIGPIPE, SIG_IGN); /* as every program of ours: libevent writes to closed sockets */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
