/* SPDX-License-Identifier: Apache-2.0 */
/* test_recorder.c: ticks through tap and ring to a file, run again by replay. */
#include "daemon/tokens.h"
#include "daemon_bench.h"
#include "sim/replay.h"

#define RING ((size_t)4 << 20)

static struct replay_result recorder_replay(struct bench *bench, int64_t last_us)
{
    struct replay_options opt = { .from_start = false };
    struct replay_result result;
    size_t size;
    void *data = bench_save(bench, last_us, &size);
    enum status st = replay_bytes(data, size, &opt, &result);

    free(data);
    if (st != ST_OK)
        print_message("%s\n", result.trouble);
    assert_int_equal(st, ST_OK);
    if (result.different > 0)
        print_message("%s\n", result.first);
    return result;
}

static void a_recording_gives_the_same_orders_again(void **state)
{
    struct bench bench;
    struct replay_result result;

    (void)state;
    bench_new(&bench, CORE_WANT_CONTROL, RING);
    bench_run(&bench, 500);
    result = recorder_replay(&bench, 0);
    assert_true(bench.orders > 0);
    assert_int_equal(result.ticks, 500);
    assert_int_equal(result.orders, bench.orders);
    assert_int_equal(result.different, 0);
    assert_int_equal(result.gaps, 0);
    assert_int_equal(result.recorded_us, 499 * BENCH_PERIOD_US);
    assert_true(result.same_build);
    assert_string_equal(result.rack, "bench");
    bench_free(&bench);
}

/* Riding through, protection and tokens: all that version 2 of the form added. The
 * readings make the input come and go, and clients change their minds. */
static void a_rack_that_rides_and_leases_gives_the_same_orders_again(void **state)
{
    struct operator_wish wish = { .client = "job-7", .duration_us = 3000000, .priority = 4 };
    struct operator_token token;
    struct tokens *tokens = NULL;
    struct bench bench;
    struct replay_result result;
    int taken = 0;

    (void)state;
    bench_new_with(&bench, CORE_WANT_CONTROL, RING, bench_power_yaml);
    assert_true(bench.rig->plan->ride.enabled && bench.rig->plan->protection.enabled);
    assert_int_equal(tokens_new(&tokens), ST_OK);
    bench_run(&bench, 300);
    for (int i = 0; i < 40; i++) {
        wish.client = i % 3 ? "job-7" : "job-8";
        wish.node = i % 4;
        wish.amount_w = 100.0 * (i % 7);
        taken += tokens_put(tokens, bench.rig, &wish, &token) == ST_OK;
        bench_run(&bench, 50);
    }
    assert_true(taken >= 38); /* the first ones of each may ask for nothing */
    result = recorder_replay(&bench, 0);
    assert_int_equal(result.ticks, 2300);
    assert_true(bench.orders > 0);
    assert_int_equal(result.orders, bench.orders);
    assert_int_equal(result.different, 0);
    assert_int_equal(result.blocks, 2); /* at 10 and 20 s */
    assert_int_equal(result.blocks_different, 0);
    result = recorder_replay(&bench, 2000000); /* from 20 s on: the table comes with its first tick */
    assert_int_equal(result.ticks, 300);
    assert_int_equal(result.different, 0);
    tokens_free(tokens);
    bench_free(&bench);
}

/* Every 10 s, and when the plan changes; each equals what replay comes to by itself. */
static void copies_of_the_core_are_where_replay_arrives(void **state)
{
    struct bench bench;
    struct replay_result result;

    (void)state;
    bench_new(&bench, CORE_WANT_OBSERVE, RING);
    bench_run(&bench, 1500);
    bench.rig->plan->mode_wanted = CORE_WANT_CONTROL;
    rig_plan_put(bench.rig);
    bench_run(&bench, 1500);
    result = recorder_replay(&bench, INT64_MAX);
    assert_int_equal(result.ticks, 3000);
    assert_true(result.orders > 0);
    assert_int_equal(result.different, 0);
    assert_int_equal(result.blocks, 3); /* at 10 s, at 15 s for the plan, at 25 s */
    assert_int_equal(result.blocks_different, 0);
    bench_free(&bench);
}

static void a_window_begins_at_the_copy_before_it(void **state)
{
    struct bench bench;
    struct replay_result result;

    (void)state;
    bench_new(&bench, CORE_WANT_CONTROL, RING);
    bench_run(&bench, 2500); /* copies at 0, 10 and 20 s */
    result = recorder_replay(&bench, 3000000);
    assert_int_equal(result.ticks, 500);
    assert_int_equal(result.different, 0);
    result = recorder_replay(&bench, 6000000);
    assert_int_equal(result.ticks, 1500);
    assert_int_equal(result.different, 0);
    bench_free(&bench);
}

/* What left the ring took configuration and plan along: they are kept aside. */
static void an_old_ring_still_carries_configuration_and_plan(void **state)
{
    struct bench bench;
    struct replay_result result;
    size_t ring;

    (void)state;
    bench_new(&bench, CORE_WANT_CONTROL, RING);
    ring = 3 * core_block_size(bench.rig->core) + 300000;
    recorder_free(bench.recorder);
    assert_int_equal(recorder_new(ring, &bench.recorder), ST_OK);
    recorder_config(bench.recorder, bench.rig->conf, bench.rig->names);
    for (int i = 0; i < 20; i++) {
        bench_run(&bench, 1000);
        recorder_drain(bench.recorder, bench.rig->tap);
    }
    result = recorder_replay(&bench, 0);
    assert_true(result.ticks >= 1000 && result.ticks < 20000);
    assert_int_equal(result.different, 0);
    assert_int_equal(result.blocks_different, 0);
    bench_free(&bench);
}

/* Nobody drains: the queue fills. What is lost is marked, and what comes later can be followed. */
static void a_full_queue_leaves_a_gap_and_goes_on(void **state)
{
    struct bench bench;
    struct replay_result result;
    uint64_t lost;

    (void)state;
    bench_new(&bench, CORE_WANT_CONTROL, RING);
    while (tap_lost(bench.rig->tap) < 50)
        bench_run(&bench, 50);
    recorder_drain(bench.recorder, bench.rig->tap);
    lost = tap_lost(bench.rig->tap);
    bench_run(&bench, 100);
    assert_int_equal(tap_lost(bench.rig->tap), lost);
    result = recorder_replay(&bench, 0);
    assert_int_equal(result.gaps, 1);
    assert_int_equal(result.lost, lost);
    assert_int_equal(result.different, 0);
    assert_true(result.ticks > 100);
    bench_free(&bench);
}

static void nothing_recorded_is_nothing_to_save(void **state)
{
    struct bench bench;
    void *data = NULL;
    size_t size = 0;

    (void)state;
    bench_new(&bench, CORE_WANT_OBSERVE, RING);
    assert_int_equal(recorder_save(bench.recorder, 0, &data, &size), ST_NONE);
    assert_null(data);
    bench_free(&bench);
}

/* A second configuration in the same recording, as after a reload. */
static void a_recording_crosses_a_reload(void **state)
{
    struct rig_options opt = { .mode_wanted = CORE_WANT_CONTROL, .plan_version = 2 };
    struct bench bench;
    struct replay_result result;
    struct core_map map;
    void *block = NULL;
    struct rig *next = NULL;

    (void)state;
    bench_new(&bench, CORE_WANT_CONTROL, RING);
    bench_run(&bench, 300);
    recorder_drain(bench.recorder, bench.rig->tap);
    opt.conf = bench_conf(&bench);
    assert_int_equal(rig_new(&opt, &next), ST_OK);
    assert_int_equal(conf_map(next->conf, bench.rig->conf, &map, &block), ST_OK);
    core_adopt(next->core, bench.rig->core, &map);
    rig_plan_follow(next, bench.rig);
    recorder_config(bench.recorder, next->conf, next->names);
    rig_free(bench.rig);
    bench.rig = next;
    bench.ack_count = 0;
    bench_run(&bench, 300);
    result = recorder_replay(&bench, 0);
    assert_int_equal(result.ticks, 600);
    assert_int_equal(result.different, 0);
    assert_int_equal(result.skipped, 0);
    free(block);
    bench_free(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recording_gives_the_same_orders_again),
        cmocka_unit_test(a_rack_that_rides_and_leases_gives_the_same_orders_again),
        cmocka_unit_test(copies_of_the_core_are_where_replay_arrives),
        cmocka_unit_test(a_window_begins_at_the_copy_before_it),
        cmocka_unit_test(an_old_ring_still_carries_configuration_and_plan),
        cmocka_unit_test(a_full_queue_leaves_a_gap_and_goes_on),
        cmocka_unit_test(nothing_recorded_is_nothing_to_save),
        cmocka_unit_test(a_recording_crosses_a_reload),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
