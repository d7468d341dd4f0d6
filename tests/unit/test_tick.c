/* SPDX-License-Identifier: Apache-2.0 */
/* test_tick.c: turns of the tick without its thread, and the hand-over with it. */
#include "busbar/clock.h"
#include "daemon/tick.h"
#include "daemon/tokens.h"
#include "daemon_bench.h"

#define TICK_TEST_LOOKS 10000 /* of a millisecond: a sanitized thread on a busy machine takes its time */

/* Those after the next turn, where its thread has not finished one since they were asked for. */
static struct tick_stats tick_test_stats(struct tick *tick)
{
    struct tick_stats stats;
    bool found = tick_stats_get(tick, &stats);

    for (int look = 0; !found && look < TICK_TEST_LOOKS; look++) {
        (void)usleep(1000);
        found = tick_stats_get(tick, &stats);
    }
    assert_true(found);
    return stats;
}

static void missed_periods_are_counted_and_phase_is_kept(void **state)
{
    struct bench bench;
    struct tick_work work = { .field = NULL };
    struct tick *tick = NULL;
    struct tick_stats stats;

    (void)state;
    bench_new(&bench, CORE_WANT_OBSERVE, 1 << 20);
    work.rig = bench.rig;
    assert_int_equal(tick_new(&work, &tick), ST_OK);
    tick_turn(tick, 10100, 1);           /* scheduled at 10 000 */
    tick_turn(tick, 20200, 1);
    stats = tick_test_stats(tick);
    assert_int_equal(stats.ticks, 2);
    assert_int_equal(stats.missed, 0);
    assert_int_equal(stats.lateness.max_us, 200);
    tick_turn(tick, 55000, 3);           /* 30 000, 40 000 and 50 000 at once */
    stats = tick_test_stats(tick);
    assert_int_equal(stats.ticks, 3);
    assert_int_equal(stats.missed, 2);
    assert_int_equal(stats.lateness.max_us, 25000);
    tick_turn(tick, 60050, 1);           /* phase is what it was */
    stats = tick_test_stats(tick);
    assert_int_equal(stats.lateness.count, 4);
    assert_int_equal(stats.lateness.max_us, 25000);
    assert_int_equal(stats.core_step.count, 4);
    tick_free(tick);
    bench_free(&bench);
}

static void the_latest_plan_is_taken_and_told(void **state)
{
    struct bench bench;
    struct tick_work work = { .field = NULL };
    struct tick *tick = NULL;
    const struct core_outputs *out;
    struct rig_event event;
    size_t size;

    (void)state;
    bench_new(&bench, CORE_WANT_OBSERVE, 1 << 20);
    work.rig = bench.rig;
    assert_int_equal(tick_new(&work, &tick), ST_OK);
    assert_null(rig_outputs(bench.rig));
    tick_turn(tick, 10000, 1);
    out = rig_outputs(bench.rig);
    assert_non_null(out);
    assert_int_equal(out->mode, CORE_MODE_OBSERVE);
    assert_int_equal(out->plan_version, 1);
    bench.rig->plan->mode_wanted = CORE_WANT_CONTROL;
    rig_plan_put(bench.rig);
    bench.rig->plan->mode_wanted = CORE_WANT_EMERGENCY;
    rig_plan_put(bench.rig);
    tick_turn(tick, 20000, 1);
    out = rig_outputs(bench.rig);
    assert_int_equal(out->mode, CORE_MODE_EMERGENCY);
    assert_int_equal(out->plan_version, 3);
    assert_int_equal(out->step, 2);
    assert_true(queue_get(bench.rig->events, &event, sizeof event, &size));
    assert_int_equal(event.event.event, EV_MODE_CHANGED);
    assert_int_equal(event.mode, CORE_MODE_EMERGENCY);
    tick_free(tick);
    bench_free(&bench);
}

/* A wish goes into the table, to the tick, to the core, and its answer comes back. */
static void a_wish_for_power_is_answered_by_the_next_tick(void **state)
{
    const struct operator_wish wish = { .client = "job-7", .node = 0, .priority = 4, .amount_w = 100, .duration_us = 5000000 };
    struct tick_work work = { .field = NULL };
    struct operator_token token;
    struct tokens *tokens = NULL;
    struct tick *tick = NULL;
    const struct core_outputs *out;
    const struct core_token_view *view = NULL;
    struct bench bench;

    (void)state;
    bench_new(&bench, CORE_WANT_OBSERVE, 1 << 20);
    work.rig = bench.rig;
    assert_int_equal(tokens_new(&tokens), ST_OK);
    assert_int_equal(tick_new(&work, &tick), ST_OK);
    tick_turn(tick, 10000, 1);
    assert_int_equal(tokens_put(tokens, bench.rig, &wish, &token), ST_OK);
    tick_turn(tick, 20000, 1);
    out = rig_outputs(bench.rig);
    for (int32_t i = 0; i < out->token_count; i++)
        if (core_outputs_tokens(out)[i].client == token.client)
            view = &core_outputs_tokens(out)[i];
    assert_non_null(view);
    assert_true(view->version == token.version);
    assert_int_equal(view->state, CORE_TOKEN_REFUSED); /* nothing is leased in observe */
    assert_int_not_equal(view->reason, CORE_TOKEN_REASON_NONE);
    tokens_free(tokens);
    tick_free(tick);
    bench_free(&bench);
}

static void every_tick_is_in_the_recording(void **state)
{
    struct bench bench;
    struct tick_work work = { .field = NULL };
    struct tick *tick = NULL;
    const void *record;
    size_t size;
    int ticks = 0, cores = 0, plans = 0;

    (void)state;
    bench_new(&bench, CORE_WANT_OBSERVE, 1 << 20);
    work.rig = bench.rig;
    assert_int_equal(tick_new(&work, &tick), ST_OK);
    for (int i = 1; i <= 20; i++)
        tick_turn(tick, i * BENCH_PERIOD_US, 1);
    for (enum record_type type; (type = tap_get(bench.rig->tap, &record, &size)) != RECORD_NONE;) {
        ticks += type == RECORD_TICK;
        cores += type == RECORD_CORE;
        plans += type == RECORD_PLAN;
    }
    assert_int_equal(ticks, 20);
    assert_int_equal(cores, 1);
    assert_int_equal(plans, 1);
    assert_int_equal(tick_test_stats(tick).unrecorded, 0);
    tick_free(tick);
    bench_free(&bench);
}

/* Waits for the thread, never for time. */
static void a_running_tick_changes_over_to_another_rig(void **state)
{
    struct tick_priority priority = { .fifo = 0, .cpu = -1 };
    struct rig_options opt = { .mode_wanted = CORE_WANT_OBSERVE, .plan_version = 1 };
    struct bench bench;
    struct tick_work work = { .field = NULL };
    struct tick *tick = NULL;
    struct rig *next = NULL;
    struct core_map map;
    void *block = NULL;
    const struct core_outputs *out;
    uint64_t ticks, unrecorded;
    int refused = -1;

    (void)state;
    bench_new(&bench, CORE_WANT_OBSERVE, 1 << 20);
    opt.conf = bench_conf(&bench);
    assert_int_equal(rig_new(&opt, &next), ST_OK);
    assert_int_equal(conf_map(next->conf, bench.rig->conf, &map, &block), ST_OK);
    work.rig = bench.rig;
    assert_int_equal(tick_new(&work, &tick), ST_OK);
    do { /* nobody empties the recording: a time comes when ticks find no room in it */
        tick_turn(tick, clock_now_us(), 1);
        unrecorded = tick_test_stats(tick).unrecorded;
    } while (unrecorded == 0);
    assert_int_equal(tick_start(tick, &priority, &refused), ST_OK);
    assert_int_equal(refused, 0);
    assert_false(tick_realtime(tick));
    assert_int_equal(tick_hand_over(tick, &work), ST_OK); /* the same again: a field came or went */
    rig_plan_follow(next, bench.rig);
    work = (struct tick_work){ .rig = next, .map = &map };
    assert_int_equal(tick_hand_over(tick, &work), ST_OK);
    ticks = tick_test_stats(tick).ticks; /* the old rig is ours again from here on */
    bench.rig = rig_free(bench.rig);
    assert_int_equal(tick_hand_over(tick, &work), ST_OK); /* the first has stepped since */
    out = rig_outputs(next);
    assert_non_null(out);
    assert_int_equal(out->plan_version, 2);
    assert_true(tick_test_stats(tick).unrecorded >= unrecorded); /* a counter never falls */
    tick_free(tick);
    assert_true(ticks >= 1);
    free(block);
    rig_free(next);
    bench_free(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missed_periods_are_counted_and_phase_is_kept),
        cmocka_unit_test(the_latest_plan_is_taken_and_told),
        cmocka_unit_test(a_wish_for_power_is_answered_by_the_next_tick),
        cmocka_unit_test(every_tick_is_in_the_recording),
        cmocka_unit_test(a_running_tick_changes_over_to_another_rig),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
