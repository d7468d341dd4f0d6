/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's counters, read back from its JSON and subtracted; the verdict on two halves. */
#include "sim_rig.h"

#include <json-c/json.h>

#include "sim/demo_report.h"
#include "sim/demo_stats.h"

/* An answer of GET /v1/stats?raw=1 in which every histogram holds `n` values of one bucket. */
static char *answer(int ticks, int orders, int n)
{
    static const char *const parts[] = { "detect", "decide", "dispatch", "device", "total", "event_to_order" };
    struct json_object *doc = json_object_new_object(), *transaction = json_object_new_object();
    struct json_object *latency = json_object_new_object();
    char h[200], *text;

    (void)snprintf(h, sizeof h, "{\"count\":%d,\"p50_us\":9,\"p99_us\":9,\"max_us\":1000,\"sum_us\":%d.0,"
                   "\"buckets\":[[80,%d]]}", n, n * 1000, n);
    json_object_object_add(doc, "ticks", json_object_new_int(ticks));
    json_object_object_add(doc, "ticks_missed", json_object_new_int(ticks / 100));
    json_object_object_add(doc, "orders_written", json_object_new_int(orders));
    json_object_object_add(doc, "orders_refused", json_object_new_int(1));
    json_object_object_add(doc, "tick_lateness", json_tokener_parse(h));
    for (int p = 0; p < DEMO_STATS_PROTOCOLS; p++) {
        struct json_object *one = json_object_new_object();

        json_object_object_add(transaction, demo_stats_protocols[p], json_tokener_parse(h));
        for (int i = 0; i < 6; i++)
            json_object_object_add(one, parts[i], json_tokener_parse(h));
        json_object_object_add(latency, demo_stats_protocols[p], one);
    }
    json_object_object_add(doc, "transaction", transaction);
    json_object_object_add(doc, "latency", latency);
    text = strdup(json_object_to_json_string(doc));
    json_object_put(doc);
    return text;
}

static void two_answers_give_what_came_between(void **state)
{
    char *first = answer(1000, 5, 3), *second = answer(3000, 25, 10);
    struct demo_stats a, b, since;

    (void)state;
    assert_int_equal(demo_stats_parse(first, &a), ST_OK);
    assert_int_equal(demo_stats_parse(second, &b), ST_OK);
    demo_stats_since(&b, &a, &since);
    assert_int_equal(since.ticks, 2000);
    assert_int_equal(since.ticks_missed, 20);
    assert_int_equal(since.orders_written, 20);
    assert_int_equal(since.orders_refused, 0);
    assert_int_equal(since.tick_lateness.count, 7);
    assert_int_equal(since.latency[1].device.bucket[80], 7);
    assert_int_equal(since.transaction[2].count, 7);
    SIM_NEAR(since.latency[0].event_to_order.sum_us, 7000.0, 1e-9);
    free(first);
    free(second);
}

static void other_answers_are_corrupt(void **state)
{
    static const char *const cuts[] = { "ticks", "tick_lateness", "transaction", "latency", "orders_written" };
    struct demo_stats stats;
    char *good = answer(1, 1, 1);

    (void)state;
    assert_int_equal(demo_stats_parse("", &stats), ST_CORRUPT);
    assert_int_equal(demo_stats_parse("[]", &stats), ST_CORRUPT);
    assert_int_equal(demo_stats_parse("{\"ticks\":\"many\"}", &stats), ST_CORRUPT);
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        struct json_object *doc = json_tokener_parse(good);

        json_object_object_del(doc, cuts[i]);
        assert_int_equal(demo_stats_parse(json_object_to_json_string(doc), &stats), ST_CORRUPT);
        json_object_put(doc);
    }
    memcpy(strstr(good, "buckets"), "baskets", 7);
    assert_int_equal(demo_stats_parse(good, &stats), ST_CORRUPT);
    free(good);
}

static void a_bucket_that_is_none_is_corrupt(void **state)
{
    struct demo_stats stats;
    char *text = answer(1, 1, 1), *at = strstr(text, "80");

    (void)state;
    assert_non_null(at);
    memcpy(at, "-1", 2);
    assert_int_equal(demo_stats_parse(text, &stats), ST_CORRUPT);
    free(text);
}

/* Halves for which everything holds. */
static void good_report(struct demo_report *report)
{
    const struct meter_result rack = { .limit = { .window_ms = 1000, .limit_w = 100.0 }, .node = "rack" };

    *report = (struct demo_report){ .rack = "r", .trace = "t" };
    report->observe.limit_count = report->control.limit_count = 1;
    report->observe.limits[0] = report->control.limits[0] = rack;
    report->observe.limits[0].violations = 2;
    report->observe.stats.ticks = report->control.stats.ticks = 1000;
    report->control.stats.orders_written = 10;
}

static void the_verdict_names_what_does_not_hold(void **state)
{
    struct demo_report *report = calloc(1, sizeof *report);
    char why[512];

    (void)state;
    assert_non_null(report);
    good_report(report);
    assert_true(demo_report_holds(report, why, sizeof why));
    assert_string_equal(why, "");

    report->observe.limits[0].violations = 0;
    assert_false(demo_report_holds(report, why, sizeof why));
    assert_non_null(strstr(why, "never exceeded the envelope"));

    good_report(report);
    report->observe.limits[0].node = "shelf-1"; /* a shelf is not the envelope */
    assert_false(demo_report_holds(report, why, sizeof why));

    good_report(report);
    report->control.limits[0].violations = 3;
    assert_false(demo_report_holds(report, why, sizeof why));
    assert_non_null(strstr(why, "control: rack exceeded 100 W over 1000 ms 3 times"));

    good_report(report);
    report->observe.stats.orders_written = 1;
    report->control.stats.orders_written = 0;
    assert_false(demo_report_holds(report, why, sizeof why));
    assert_non_null(strstr(why, "observe: 1 orders were written; control: no order was written"));

    good_report(report);
    report->control.stats.ticks_missed = 10;
    assert_true(demo_report_holds(report, why, sizeof why));
    report->control.stats.ticks_missed = 11;
    assert_false(demo_report_holds(report, why, sizeof why));
    assert_non_null(strstr(why, "11 of 1011 ticks missed"));
    free(report);
}

static void the_document_has_the_agreed_keys(void **state)
{
    static const char *const keys[] = { "limits", "mean_power_w", "peak_power_w", "served_work", "slowdown_p95",
                                        "energy_j", "orders_written", "orders_refused", "ticks", "ticks_missed",
                                        "tick_lateness_us", "latency_ms", "event_to_order_ms",
                                        "event_to_in_force_ms", "devices" };
    struct demo_report *report = calloc(1, sizeof *report);
    struct json_object *doc, *half, *value;
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);

    (void)state;
    assert_non_null(report);
    assert_non_null(to);
    good_report(report);
    histogram_add(&report->control.stats.latency[1].device, 20000);
    demo_report_json(report, to);
    assert_int_equal(fclose(to), 0);
    doc = json_tokener_parse(text);
    assert_non_null(doc);
    assert_true(json_object_object_get_ex(doc, "control", &half));
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        assert_true(json_object_object_get_ex(half, keys[i], &value));
    assert_true(json_object_object_get_ex(half, "event_to_in_force_ms", &value));
    assert_true(json_object_object_get_ex(value, "modbus", &value));
    assert_true(json_object_object_get_ex(value, "device", &half));
    SIM_NEAR(json_object_get_double(half), 20.0, 2.0);
    assert_true(json_object_object_get_ex(value, "total", &half));
    assert_null(half); /* nothing was measured */
    json_object_put(doc);
    free(text);
    free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_answers_give_what_came_between),
        cmocka_unit_test(other_answers_are_corrupt),
        cmocka_unit_test(a_bucket_that_is_none_is_corrupt),
        cmocka_unit_test(the_verdict_names_what_does_not_hold),
        cmocka_unit_test(the_document_has_the_agreed_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
