/* SPDX-License-Identifier: Apache-2.0 */
/* test_eventlog.c: every event of the core becomes a line about the right thing. */
#include <event2/event.h>

#include "busbar/log.h"
#include "busbar/operator.h"
#include "daemon/eventlog.h"
#include "daemon_bench.h"
#include "operator/api.h"

#define MANY 700 /* what a rack's levers can all say in one tick; GET /v1/events keeps 1000 */

static void text_of(const struct bench *bench, enum ev event, int32_t node, double value, double bound, char *ret, size_t room)
{
    struct rig_event about = { .event = { .event = event, .device = CORE_NONE, .node = node, .lever = CORE_NONE,
                                          .group = CORE_NONE, .value = value, .bound = bound } };

    eventlog_text(bench->rig->names, &about, ret, room);
}

static void grid_events_speak_in_percent_and_watts(void **state)
{
    struct bench bench;
    char text[256];

    (void)state;
    bench_new_with(&bench, CORE_WANT_CONTROL, 1 << 20, bench_power_yaml);
    text_of(&bench, EV_RIDE_SAG, 0, 0.62, 0.9, text, sizeof text);
    assert_string_equal(text, "the AC input is at 62 %, below 90 %: the hardware carries it");
    text_of(&bench, EV_RIDE_SUPPORT, 0, 0.8, 0.9, text, sizeof text);
    assert_string_equal(text, "the AC input stays at 80 %: batteries take part of the load");
    text_of(&bench, EV_RIDE_OUTAGE, 0, 0, 0.9, text, sizeof text);
    assert_string_equal(text, "the AC input is at 0 %: batteries carry the busbar");
    text_of(&bench, EV_RIDE_RETURN, 0, 0.97, 0.9, text, sizeof text);
    assert_string_equal(text, "the AC input is at 97 % again: supplies take the load back");
    text_of(&bench, EV_RIDE_OVER, 0, 0.97, 0.9, text, sizeof text);
    assert_string_equal(text, "supplies carry the load again, the AC input is at 97 %");
    text_of(&bench, EV_RIDE_NOT_CAPABLE, 0, 14000, 12500, text, sizeof text);
    assert_string_equal(text, "draws 14000 W; at most at 12500 W would it ride through a loss of input");
    text_of(&bench, EV_RIDE_CAPABLE, 0, 12000, 12500, text, sizeof text);
    assert_string_equal(text, "draws 12000 W and would ride through a loss of input up to 12500 W");
    bench_free(&bench);
}

static void protection_and_tokens_say_what_to_expect(void **state)
{
    struct bench bench;
    char text[256];

    (void)state;
    bench_new_with(&bench, CORE_WANT_CONTROL, 1 << 20, bench_power_yaml);
    text_of(&bench, EV_PROTECTION, 0, 3.25, 6.5, text, sizeof text);
    assert_string_equal(text, "would trip in 3.25 s, orders need 6.5 s: everything below goes to its base");
    text_of(&bench, EV_PROTECTION_OVER, 0, INFINITY, 6.5, text, sizeof text);
    assert_string_equal(text, "is out of danger: limits are given back");
    text_of(&bench, EV_SWING, 0, 310, 200, text, sizeof text);
    assert_string_equal(text, "own orders swing by 310 W, above 200 W: power is given back more slowly");
    text_of(&bench, EV_SWING_OVER, 0, 90, 200, text, sizeof text);
    assert_string_equal(text, "own orders are calm again (90 W)");
    text_of(&bench, EV_TOKEN_REFUSED, 0, 5000, 1200, text, sizeof text);
    assert_string_equal(text, "a token for 5000 W was refused; 1200 W would be granted");
    text_of(&bench, EV_TOKEN_REFUSED, CORE_NONE, 5000, 0, text, sizeof text);
    assert_string_equal(text, "a token for 5000 W was refused: no pool covers that node");
    text_of(&bench, EV_TOKENS_REVOKED, CORE_NONE, 7000, 3, text, sizeof text);
    assert_string_equal(text, "tokens for 7000 W of 3 clients are taken back");
    bench_free(&bench);
}

static void a_foreseen_peak_says_how_high_and_how_long_ago(void **state)
{
    struct bench bench;
    char text[256];

    (void)state;
    bench_new_with(&bench, CORE_WANT_CONTROL, 1 << 20, bench_power_yaml);
    text_of(&bench, EV_PEAK_ARMED, 0, 11800, 12000, text, sizeof text);
    assert_string_equal(text, "up to 11800 W are foreseen, the limit is 12000 W: set-points with an armed value get it");
    text_of(&bench, EV_PEAK_OVER, 0, 30.02, 0, text, sizeof text);
    assert_string_equal(text, "no peak is foreseen any more, the last was 30 s ago: armed values are held no longer");
    bench_free(&bench);
}

static void an_event_is_about_its_thing_or_the_rack(void **state)
{
    struct core_event event = { .event = EV_TOKENS_REVOKED, .device = CORE_NONE, .node = CORE_NONE, .lever = CORE_NONE,
                                .group = CORE_NONE };
    struct bench bench;

    (void)state;
    bench_new(&bench, CORE_WANT_CONTROL, 1 << 20);
    assert_string_equal(eventlog_who(bench.rig->names, &event), "bench");
    event.node = 0;
    assert_string_equal(eventlog_who(bench.rig->names, &event), "rack");
    event.node = 4000;
    assert_string_equal(eventlog_who(bench.rig->names, &event), "?");
    bench_free(&bench);
}

static void no_line(enum log_level level, const char *who, const char *line, void *arg)
{
    (void)level;
    (void)who;
    (void)line;
    (void)arg;
}

static void a_burst_of_the_core_is_handed_on_whole(void **state)
{
    struct operator_options opt = { .base = event_base_new() };
    struct rig_event event = { .event = { .event = EV_DEVICE_STALE, .device = 0, .node = CORE_NONE,
                                          .lever = CORE_NONE, .group = CORE_NONE } };
    struct operator *op = NULL;
    struct eventlog *log = NULL;
    const struct history_entry *entry;
    char socket[96];
    struct bench bench;

    (void)state;
    bench_new(&bench, CORE_WANT_OBSERVE, 1 << 20);
    (void)snprintf(socket, sizeof socket, "%s/socket", bench.dir);
    opt.socket = socket;
    assert_int_equal(operator_new(&opt, &op), ST_OK);
    assert_int_equal(eventlog_new(&log), ST_OK);
    log_set_line_sink(no_line, NULL);
    event.event.event = EV_ARMED;
    assert_true(queue_put(bench.rig->events, &event, sizeof event, NULL, 0));
    event.event.event = EV_DEVICE_STALE;
    for (int i = 1; i < MANY; i++)
        assert_true(queue_put(bench.rig->events, &event, sizeof event, NULL, 0));
    eventlog_core(log, op, bench.rig);
    eventlog_drain(log, op);
    entry = history_after(&op->history, 0);
    assert_non_null(entry);
    assert_int_equal(entry->event, EV_ARMED);
    assert_int_equal(op->history.last, MANY);
    assert_int_equal(eventlog_lost(log), 0);
    for (int i = 0; i < MANY; i++) /* from another thread, while the main one is busy */
        EVENT(EV_DEVICE_WELL, "x", "is read again");
    eventlog_drain(log, op);
    assert_int_equal(op->history.last + eventlog_lost(log), 2 * MANY);
    assert_true(eventlog_lost(log) > 0);
    log_set_line_sink(NULL, NULL);
    eventlog_free(log);
    operator_free(op);
    event_base_free(opt.base);
    bench_free(&bench);
}

/* One client that asks again at once would drive every other event out of the last 1000. */
static void refusals_of_tokens_go_out_once_a_second_about_each_node(void **state)
{
    struct operator_options opt = { .base = event_base_new() };
    struct rig_event event = { .event = { .event = EV_TOKEN_REFUSED, .device = CORE_NONE, .node = 0,
                                          .lever = CORE_NONE, .group = CORE_NONE, .value = 90000 } };
    struct operator *op = NULL;
    struct eventlog *log = NULL;
    uint64_t held = 0;
    char socket[96];
    struct bench bench;

    (void)state;
    bench_new(&bench, CORE_WANT_OBSERVE, 1 << 20);
    (void)snprintf(socket, sizeof socket, "%s/socket", bench.dir);
    opt.socket = socket;
    assert_int_equal(operator_new(&opt, &op), ST_OK);
    assert_int_equal(eventlog_new(&log), ST_OK);
    log_set_line_sink(no_line, NULL);
    for (int i = 0; i < 500; i++) {
        event.event.node = i % 2;
        assert_true(queue_put(bench.rig->events, &event, sizeof event, NULL, 0));
    }
    eventlog_core(log, op, bench.rig);
    assert_in_range(op->history.last, 2, 20); /* 2, where no second passes meanwhile */
    log_set_line_sink(NULL, NULL);
    assert_false(eventlog_repeats(log, EV_TOKEN_REFUSED, "shelf", 5000000, &held));
    assert_true(eventlog_repeats(log, EV_TOKEN_REFUSED, "shelf", 5400000, &held));
    assert_true(eventlog_repeats(log, EV_TOKEN_REFUSED, "shelf", 5999999, &held));
    assert_false(eventlog_repeats(log, EV_PLAN_REFUSED, "shelf", 5999999, &held));
    assert_false(eventlog_repeats(log, EV_TOKEN_REFUSED, "other", 5999999, &held));
    assert_false(eventlog_repeats(log, EV_TOKEN_REFUSED, "shelf", 6000000, &held));
    assert_int_equal(held, 2);
    eventlog_free(log);
    operator_free(op);
    event_base_free(opt.base);
    bench_free(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grid_events_speak_in_percent_and_watts),
        cmocka_unit_test(protection_and_tokens_say_what_to_expect),
        cmocka_unit_test(a_foreseen_peak_says_how_high_and_how_long_ago),
        cmocka_unit_test(a_burst_of_the_core_is_handed_on_whole),
        cmocka_unit_test(refusals_of_tokens_go_out_once_a_second_about_each_node),
        cmocka_unit_test(an_event_is_about_its_thing_or_the_rack),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
