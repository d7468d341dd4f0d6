/* SPDX-License-Identifier: Apache-2.0 */
/* test_snapshot_json.c: the shapes of the API's answers, without a server. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <json-c/json.h>

#include "operator/snapshot_json.h"
#include "fake_operator.h"

struct bench {
    struct fake fake;
    struct snapshot_device devices[FAKE_DEVICES];
    struct snapshot snap;
};

static int bench_setup(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);

    assert_non_null(bench);
    fake_init(&bench->fake);
    for (int i = 0; i < FAKE_DEVICES; i++)
        bench->devices[i].known = fake_call_device(&bench->fake, i, &bench->devices[i].state);
    bench->snap = (struct snapshot){ .names = &fake_names, .outputs = bench->fake.out, .stats = &bench->fake.stats,
                                     .devices = bench->devices, .mode_wanted = CORE_WANT_CONTROL, .now_us = FAKE_NOW_US,
                                     .wall_us = INT64_C(1700000000000000) };
    *state = bench;
    return 0;
}

static int bench_teardown(void **state)
{
    struct bench *bench = *state;

    fake_done(&bench->fake);
    free(bench);
    return 0;
}

static struct json_object *key(struct json_object *of, const char *name)
{
    struct json_object *found = NULL;

    if (!json_object_object_get_ex(of, name, &found))
        fail_msg("no key '%s' in %s", name, json_object_to_json_string(of));
    return found;
}

static struct json_object *item(struct json_object *of, const char *list, size_t i)
{
    return json_object_array_get_idx(key(of, list), i);
}

static const char *text(struct json_object *of, const char *name)
{
    return json_object_get_string(key(of, name));
}

static double number(struct json_object *of, const char *name)
{
    assert_true(json_object_is_type(key(of, name), json_type_double) || json_object_is_type(key(of, name), json_type_int));
    return json_object_get_double(key(of, name));
}

static void status_names_mode_counts_and_envelope(void **state)
{
    struct bench *bench = *state;
    struct json_object *to = snapshot_json_status(&bench->snap, "1.2.3"), *envelope = key(to, "envelope");

    assert_string_equal(text(to, "rack"), "r17");
    assert_string_equal(text(to, "version"), "1.2.3");
    assert_string_equal(text(to, "mode"), "normal");
    assert_string_equal(text(to, "mode_wanted"), "control");
    assert_string_equal(json_object_get_string(item(to, "reasons", 0)), "operator");
    assert_int_equal(json_object_array_length(key(to, "reasons")), 1);
    assert_true(json_object_get_boolean(key(to, "armed")));
    assert_true(json_object_get_boolean(key(to, "realtime")));
    assert_true(number(to, "uptime_s") == 120);
    assert_true(number(to, "step") == 12345);
    assert_true(number(to, "period_ms") == 10);
    assert_true(number(to, "ticks") == 12000);
    assert_true(number(to, "ticks_missed") == 2);
    assert_true(number(to, "exceeded") == 0);
    assert_true(number(key(to, "devices"), "good") == 2);
    assert_true(number(key(to, "devices"), "stale") == 0);
    assert_true(number(key(to, "devices"), "unread") == 1);
    assert_true(number(key(to, "orders"), "written") == 42);
    assert_true(number(key(to, "orders"), "refused") == 1);
    assert_true(number(key(to, "orders"), "failed") == 2);
    /* 23 700 of 29 000 W, its window not full, is nearer than 23 650 of 30 000 W */
    assert_string_equal(text(envelope, "node"), "rack");
    assert_true(number(envelope, "limit_w") == 29000);
    assert_true(number(envelope, "window_ms") == 10000);
    assert_true(number(envelope, "power_w") == 23700);
    assert_null(key(envelope, "mean_w"));
    json_object_put(to);
}

static void forecasts_say_how_far_they_are_to_be_believed(void **state)
{
    struct bench *bench = *state;
    struct json_object *to = snapshot_json_status(&bench->snap, "1.2.3"), *sum = key(to, "forecast"), *row;

    assert_true(number(sum, "forecasters") == 2 && number(sum, "voting") == 1);
    assert_true(number(sum, "coverage") == 0.985);
    assert_true(number(sum, "resets") == 3);
    assert_false(json_object_get_boolean(key(sum, "armed_ahead")));
    assert_null(key(sum, "armed_ahead_s"));
    json_object_put(to);
    bench->fake.out->armed_ahead = true;
    bench->fake.out->armed_ahead_us = FAKE_NOW_US - 12500000;
    to = snapshot_json_status(&bench->snap, "1.2.3");
    assert_true(json_object_get_boolean(key(key(to, "forecast"), "armed_ahead")));
    assert_true(number(key(to, "forecast"), "armed_ahead_s") == 12.5);
    json_object_put(to);
    to = forecast_json(&bench->snap);
    assert_true(json_object_get_boolean(key(to, "armed_ahead")) && number(to, "armed_ahead_s") == 12.5);
    row = item(to, "forecasts", 0);
    assert_string_equal(text(row, "node"), "rack");
    assert_null(key(row, "lever"));
    assert_true(json_object_get_boolean(key(row, "votes")));
    assert_true(number(key(row, "upper_w"), "p99") == 25000);
    assert_true(number(key(row, "coverage"), "p90") == 0.91);
    assert_true(number(row, "period_s") == 2.5 && number(row, "horizon_ms") == 5000);
    row = item(to, "forecasts", 1);
    assert_string_equal(text(row, "lever"), "bmc-1.gpu-0");
    assert_null(key(row, "expected_w"));
    assert_null(key(row, "period_s"));
    json_object_put(to);
    bench->fake.out->forecast_count = 0;
    to = snapshot_json_status(&bench->snap, "1.2.3");
    assert_null(key(key(to, "forecast"), "coverage"));
    json_object_put(to);
}

static void the_envelope_is_a_roots_tightest_limit(void **state)
{
    struct bench *bench = *state;
    struct operator_names names = fake_names;
    int32_t parents[FAKE_NODES] = { CORE_NONE, CORE_NONE, 1, 2, 3, 3 };
    struct snapshot_envelope envelope;

    fake_node(&bench->fake, 1)->limit_count = 1;
    fake_node(&bench->fake, 1)->limit[0] = (struct core_limit_view){ .window_us = 1000, .limit_w = 23000, .mean_w = 22900 };
    envelope = snapshot_envelope(&bench->snap);
    assert_int_equal(envelope.node, 0); /* shelf-1 is no root */
    names.node_parents = parents;
    bench->snap.names = &names;
    envelope = snapshot_envelope(&bench->snap);
    assert_int_equal(envelope.node, 1);
    assert_true(envelope.limit->limit_w == 23000);
    names.node_parents = NULL; /* then node 0 is the only root */
    assert_int_equal(snapshot_envelope(&bench->snap).node, 0);
    fake_node(&bench->fake, 0)->limit_count = 0;
    assert_null(snapshot_envelope(&bench->snap).limit);
}

static void a_rack_without_limits_has_a_power_and_no_limit(void **state)
{
    struct bench *bench = *state;
    struct json_object *to, *envelope;

    fake_node(&bench->fake, 0)->limit_count = 0;
    to = snapshot_json_status(&bench->snap, "1");
    envelope = key(to, "envelope");
    assert_null(key(envelope, "limit_w"));
    assert_null(key(envelope, "window_ms"));
    assert_true(number(envelope, "power_w") == 23700);
    json_object_put(to);
}

static void status_says_where_the_rack_stands_towards_the_grid(void **state)
{
    struct bench *bench = *state;
    struct json_object *to = snapshot_json_status(&bench->snap, "1"), *ride = key(to, "ride");

    assert_string_equal(text(ride, "state"), "ready");
    assert_true(number(ride, "since_s") == 7);
    assert_true(number(ride, "input_ratio") == 0.98);
    assert_true(json_object_get_boolean(key(ride, "capable")));
    assert_true(number(ride, "capable_w") == 30500);
    assert_true(number(ride, "margin_ms") == 5.3);
    assert_true(number(ride, "energy_j") == 2.5e6);
    assert_true(number(ride, "reserve_j") == 2.1e6);
    assert_true(number(ride, "wear_left_cycles") == 0.75);
    assert_true(number(ride, "writes") == 12);
    json_object_put(to);
    bench->fake.out->ride.state = CORE_RIDE_OFF;
    to = snapshot_json_status(&bench->snap, "1");
    ride = key(to, "ride");
    assert_string_equal(text(ride, "state"), "off");
    assert_null(key(ride, "capable"));
    assert_null(key(ride, "capable_w"));
    assert_null(key(ride, "energy_j"));
    json_object_put(to);
}

static void the_nearest_protective_device_is_named(void **state)
{
    struct bench *bench = *state;
    struct json_object *to = snapshot_json_status(&bench->snap, "1"), *protection = key(to, "protection"), *nodes;

    assert_string_equal(text(protection, "node"), "rack");
    assert_true(number(protection, "heat_ratio") == 0.625);
    assert_true(number(protection, "trip_s") == 840);
    assert_false(json_object_get_boolean(key(protection, "engaged")));
    json_object_put(to);
    fake_node(&bench->fake, 1)->heat_ratio = 0.1; /* cooler, and sooner */
    fake_node(&bench->fake, 1)->trip_s = 3.5;
    bench->fake.out->reasons = UINT32_C(1) << CORE_REASON_PROTECTION;
    to = snapshot_json_status(&bench->snap, "1");
    protection = key(to, "protection");
    assert_string_equal(text(protection, "node"), "shelf-1");
    assert_true(json_object_get_boolean(key(protection, "engaged")));
    json_object_put(to);
    fake_node(&bench->fake, 0)->trip_s = fake_node(&bench->fake, 1)->trip_s = INFINITY; /* then the hotter one */
    assert_int_equal(snapshot_protection(bench->fake.out).node, 0);
    nodes = snapshot_json_nodes(&bench->snap);
    assert_true(number(item(nodes, "nodes", 0), "heat_ratio") == 0.625);
    assert_null(key(item(nodes, "nodes", 0), "trip_s"));
    assert_true(number(item(nodes, "nodes", 0), "damping_ratio") == 0.5);
    assert_null(key(item(nodes, "nodes", 3), "heat_ratio"));
    assert_null(key(item(nodes, "nodes", 3), "trip_s"));
    json_object_put(nodes);
    fake_node(&bench->fake, 0)->heat_ratio = fake_node(&bench->fake, 1)->heat_ratio = NAN;
    to = snapshot_json_status(&bench->snap, "1");
    assert_null(key(to, "protection"));
    json_object_put(to);
}

static const char *job(void *arg, uint64_t client)
{
    return client == 5 ? arg : NULL;
}

static void tokens_give_what_is_held_and_why_not(void **state)
{
    struct bench *bench = *state;
    struct json_object *to = tokens_json(&bench->snap), *first, *second;
    char name[] = "job-7";

    assert_int_equal(json_object_array_length(key(to, "tokens")), 0); /* free slots are none */
    json_object_put(to);
    bench->snap.client = job;
    bench->snap.client_arg = name;
    *fake_token(&bench->fake, 0) = (struct core_token_view){ .client = 5, .version = 3, .state = CORE_TOKEN_GRANTED, .node = 3,
                                                             .granted_w = 4000, .expires_us = FAKE_NOW_US + 2500000 };
    *fake_token(&bench->fake, 1) = (struct core_token_view){ .client = 6, .version = 9, .state = CORE_TOKEN_REFUSED,
                                                             .reason = CORE_TOKEN_REASON_CURVE, .node = CORE_NONE,
                                                             .alternative_w = 1200, .retry_after_us = 100000 };
    to = tokens_json(&bench->snap);
    first = item(to, "tokens", 0);
    second = item(to, "tokens", 1);
    assert_string_equal(text(first, "client"), "job-7");
    assert_true(number(first, "version") == 3);
    assert_string_equal(text(first, "state"), "granted");
    assert_string_equal(text(first, "node"), "node-1");
    assert_true(number(first, "granted_w") == 4000);
    assert_true(number(first, "expires_in_ms") == 2500);
    assert_null(key(first, "alternative_w"));
    assert_null(key(first, "retry_after_ms"));
    assert_null(key(second, "client")); /* nobody knows its name */
    assert_null(key(second, "node"));
    assert_string_equal(text(second, "reason"), "curve");
    assert_string_equal(text(second, "text"), core_token_reason_text(CORE_TOKEN_REASON_CURVE));
    assert_true(number(second, "alternative_w") == 1200);
    assert_true(number(second, "retry_after_ms") == 100);
    assert_null(key(second, "expires_in_ms"));
    json_object_put(to);
    to = snapshot_json_status(&bench->snap, "1");
    assert_true(number(key(to, "tokens"), "clients") == 2);
    assert_true(number(key(to, "tokens"), "granted") == 1);
    assert_true(number(key(to, "tokens"), "granted_w") == 4000);
    json_object_put(to);
}

static void limits_list_nodes_and_groups(void **state)
{
    struct bench *bench = *state;
    struct json_object *to, *last;

    fake_group(&bench->fake, 0)->limit[0].exceeded = true;
    fake_group(&bench->fake, 0)->limit[0].violations = 7;
    to = snapshot_json_limits(&bench->snap);
    assert_int_equal(json_object_array_length(key(to, "limits")), 3);
    assert_string_equal(text(item(to, "limits", 0), "node"), "rack");
    assert_false(json_object_get_boolean(key(item(to, "limits", 0), "group")));
    assert_true(number(item(to, "limits", 0), "worst_w") == 29120);
    assert_null(key(item(to, "limits", 1), "worst_w")); /* NaN */
    last = item(to, "limits", 2);
    assert_string_equal(text(last, "node"), "job-a");
    assert_true(json_object_get_boolean(key(last, "group")));
    assert_true(number(last, "window_ms") == 100);
    assert_true(number(last, "violations") == 7);
    assert_true(json_object_get_boolean(key(last, "exceeded")));
    assert_int_equal(snapshot_exceeded(&bench->snap), 1);
    json_object_put(to);
}

static void what_is_unknown_is_null_and_never_nan(void **state)
{
    struct bench *bench = *state;
    struct json_object *to;

    fake_node(&bench->fake, 0)->power_w = NAN;
    fake_node(&bench->fake, 0)->low_w = INFINITY;
    fake_node(&bench->fake, 0)->high_w = -INFINITY;
    to = snapshot_json_nodes(&bench->snap);
    assert_null(key(item(to, "nodes", 0), "power_w"));
    assert_null(key(item(to, "nodes", 0), "low_w"));
    assert_null(key(item(to, "nodes", 0), "high_w"));
    assert_null(key(item(to, "nodes", 0), "parent"));
    assert_string_equal(text(item(to, "nodes", 4), "parent"), "node-1");
    assert_string_equal(text(item(to, "nodes", 4), "kind"), "load");
    assert_true(number(item(to, "nodes", 4), "counted_w") == 1090);
    assert_null(strstr(json_object_to_json_string(to), "nan"));
    assert_null(strstr(json_object_to_json_string(to), "NaN"));
    assert_null(strstr(json_object_to_json_string(to), "nfinity"));
    json_object_put(to);
}

static void devices_give_their_readings(void **state)
{
    struct bench *bench = *state;
    struct json_object *to = snapshot_json_devices(&bench->snap, NULL, true), *bmc = item(to, "devices", 0),
                       *psu = item(to, "devices", 1), *absent = item(to, "devices", 2);

    assert_int_equal(json_object_array_length(key(to, "devices")), 3);
    assert_string_equal(text(bmc, "kind"), "redfish");
    assert_string_equal(text(bmc, "quality"), "good");
    assert_true(number(bmc, "age_ms") == 120);
    assert_true(number(bmc, "timeouts") == 3);
    assert_string_equal(text(item(bmc, "readings", 0), "signal"), "gpu_power_w");
    assert_true(number(item(bmc, "readings", 0), "value") == 790.5);
    assert_true(number(item(bmc, "readings", 0), "age_ms") == 150);
    assert_string_equal(text(item(bmc, "readings", 0), "unit"), "W");
    assert_null(key(item(bmc, "readings", 1), "value")); /* timed out */
    assert_string_equal(text(item(bmc, "readings", 1), "status"), "timeout");
    assert_true(number(item(bmc, "readings", 1), "index") == 1);
    assert_null(key(item(psu, "readings", 1), "value")); /* NaN, though said to be good */
    assert_null(key(item(psu, "readings", 3), "value")); /* a text */
    assert_string_equal(text(psu, "serial"), "a?\"\\b");  /* 0xff is no UTF-8 */
    assert_null(key(psu, "firmware"));
    assert_string_equal(text(absent, "quality"), "unread");
    assert_null(key(absent, "age_ms"));
    assert_string_equal(text(item(absent, "readings", 0), "status"), "none");
    assert_null(key(item(absent, "readings", 0), "age_ms"));
    json_object_put(to);
}

static int32_t alarms_say(enum signal signal, double value, const char *ret[])
{
    if (signal != SIGNAL_GPU_POWER_W)
        return -1;
    assert_true(value == 790.5);
    ret[0] = "too_warm";
    return 1;
}

static void a_status_names_what_it_says(void **state)
{
    struct bench *bench = *state;
    struct operator_names names = fake_names;
    struct json_object *to, *bmc;

    names.faults = alarms_say;
    bench->snap.names = &names;
    to = snapshot_json_devices(&bench->snap, NULL, true);
    bmc = item(to, "devices", 0);
    assert_int_equal(json_object_array_length(key(item(bmc, "readings", 0), "faults")), 1);
    assert_string_equal(json_object_get_string(item(item(bmc, "readings", 0), "faults", 0)), "too_warm");
    assert_false(json_object_object_get_ex(item(bmc, "readings", 1), "faults", NULL)); /* not read */
    assert_false(json_object_object_get_ex(item(bmc, "readings", 2), "faults", NULL)); /* no status */
    json_object_put(to);
}

static void one_device_can_be_asked_for_without_readings(void **state)
{
    struct bench *bench = *state;
    struct json_object *to = snapshot_json_devices(&bench->snap, "psu-1-1", false);

    assert_int_equal(json_object_array_length(key(to, "devices")), 1);
    assert_string_equal(text(item(to, "devices", 0), "name"), "psu-1-1");
    assert_false(json_object_object_get_ex(item(to, "devices", 0), "readings", NULL));
    assert_int_equal(snapshot_json_find_device(&bench->snap, "psu-1-2"), 2);
    assert_int_equal(snapshot_json_find_device(&bench->snap, "psu"), CORE_NONE);
    json_object_put(to);
}

static void why_says_what_bound_a_lever(void **state)
{
    struct bench *bench = *state;
    struct json_object *to = why_json(&bench->snap, 0), *why = key(to, "why"), *cause = key(to, "cause");

    assert_string_equal(text(to, "lever"), "bmc-1.gpu-0");
    assert_string_equal(text(to, "device"), "bmc-1");
    assert_string_equal(text(to, "unit"), "W");
    assert_true(number(to, "in_force") == 812);
    assert_string_equal(text(why, "rule"), "limit");
    assert_string_equal(text(why, "node"), "rack");
    assert_true(number(why, "window_ms") == 1000);
    assert_true(number(why, "bound_w") == 30000);
    assert_string_equal(text(cause, "kind"), "reading");
    assert_true(number(cause, "taken_age_ms") == 60);
    assert_true(number(cause, "arrived_age_ms") == 35);
    assert_string_equal(text(to, "sentence"),
                        "bmc-1.gpu-0 holds 812 W because rack's 1 s limit of 30 000 W is shared out fairly. Its last "
                        "order, number 41, was due to a reading that arrived 35 ms ago.");
    json_object_put(to);
}

static void why_of_a_lever_that_was_never_ordered_has_no_cause(void **state)
{
    struct bench *bench = *state;
    struct json_object *to = why_json(&bench->snap, 1);

    assert_null(key(to, "cause"));
    assert_null(key(to, "in_force"));
    assert_string_equal(text(key(to, "why"), "node"), "job-a"); /* a group */
    assert_string_equal(text(to, "sentence"),
                        "bmc-1.gpu-1 has not been read yet and counts as 1200 W; it is to hold 700 W because group "
                        "job-a's 100 ms limit of 2000 W is shared out fairly. No order was given yet.");
    json_object_put(to);
}

static void why_says_that_observe_writes_nothing(void **state)
{
    struct bench *bench = *state;
    struct json_object *to;

    bench->fake.out->mode = CORE_MODE_OBSERVE;
    to = why_json(&bench->snap, 2);
    assert_string_equal(text(to, "sentence"),
                        "psu-1-1.psu_output_setpoint_v holds 50.25 V because the configuration names that value. Nothing "
                        "is written in observe mode. Its last order, number 1, was due to a change of the plan 90 s ago.");
    json_object_put(to);
}

/* Whatever the core says, there is a sentence, and it is a whole one. */
static void every_state_rule_and_cause_has_its_words(void **state)
{
    struct bench *bench = *state;
    struct core_lever_view *lever = fake_lever(&bench->fake, 0);

    for (int s = CORE_LEVER_UNREAD; s <= CORE_LEVER_UNKNOWN; s++) {
        for (int r = 0; r < CORE_RULE_COUNT; r++) {
            for (int c = CORE_CAUSE_TIME; c <= CORE_CAUSE_PLAN; c++) {
                struct json_object *to;
                const char *sentence;

                lever->state = (enum core_lever_state)s;
                lever->why.rule = (enum core_rule)r;
                lever->why.node = r == CORE_RULE_GROUP ? 0 : r % 2 ? 3 : CORE_NONE;
                lever->cause.kind = (enum core_cause_kind)c;
                to = why_json(&bench->snap, 0);
                sentence = text(to, "sentence");
                assert_true(strncmp(sentence, "bmc-1.gpu-0 ", 12) == 0);
                assert_int_equal(sentence[strlen(sentence) - 1], '.');
                assert_null(strstr(sentence, ".."));
                assert_null(strstr(sentence, "  "));
                assert_true(strstr(sentence, " because ") != NULL || r == CORE_RULE_NONE);
                json_object_put(to);
            }
        }
    }
}

static void levers_can_be_listed_or_asked_for_by_name(void **state)
{
    struct bench *bench = *state;
    struct json_object *all = snapshot_json_levers(&bench->snap, NULL);
    struct json_object *one = snapshot_json_levers(&bench->snap, "bmc-1.gpu-1");

    assert_int_equal(json_object_array_length(key(all, "levers")), 3);
    assert_int_equal(json_object_array_length(key(one, "levers")), 1);
    assert_string_equal(text(item(one, "levers", 0), "state"), core_lever_state_label(CORE_LEVER_UNREAD));
    assert_true(number(item(all, "levers", 2), "failures") == 2);
    assert_int_equal(snapshot_json_find_lever(&bench->snap, "bmc-1.gpu-1"), 1);
    assert_int_equal(snapshot_json_find_lever(&bench->snap, ""), CORE_NONE);
    json_object_put(all);
    json_object_put(one);
}

static void stats_have_the_agreed_keys(void **state)
{
    static const char *const parts[] = { "detect", "decide", "dispatch", "device", "total", "event_to_order" };
    static const char *const protocols[] = { "redfish", "modbus", "smbus" };
    struct bench *bench = *state;
    struct json_object *to = stats_json(&bench->fake.stats, false), *late = key(to, "tick_lateness");

    assert_true(number(to, "ticks") == 12000);
    assert_true(number(to, "period_us") == 10000);
    assert_true(number(to, "rss_bytes") == 52428800);
    assert_true(number(to, "records_dropped") == 5);
    assert_true(number(to, "events_dropped") == 6);
    assert_true(number(late, "count") == 1000);
    assert_true(number(late, "max_us") == 100);
    assert_true(number(late, "p50_us") >= 45 && number(late, "p50_us") <= 60);
    assert_false(json_object_object_get_ex(late, "buckets", NULL));
    assert_true(number(key(to, "core_step"), "count") == 0);
    for (size_t p = 0; p < 3; p++) {
        (void)number(key(key(to, "transaction"), protocols[p]), "p99_us");
        for (size_t i = 0; i < 6; i++)
            (void)number(key(key(key(to, "latency"), protocols[p]), parts[i]), "max_us");
    }
    json_object_put(to);
}

static void raw_stats_give_back_the_histogram(void **state)
{
    struct bench *bench = *state;
    struct json_object *to = stats_json(&bench->fake.stats, true), *late = key(to, "tick_lateness");
    struct json_object *buckets = key(late, "buckets");
    struct histogram got = { .count = 0 };

    assert_true(number(late, "sum_us") == bench->fake.stats.tick_lateness.sum_us);
    for (size_t i = 0; i < json_object_array_length(buckets); i++) {
        struct json_object *pair = json_object_array_get_idx(buckets, i);
        int index = json_object_get_int(json_object_array_get_idx(pair, 0));

        assert_in_range(index, 0, HISTOGRAM_BUCKETS - 1);
        got.bucket[index] = (uint64_t)json_object_get_int64(json_object_array_get_idx(pair, 1));
    }
    assert_memory_equal(got.bucket, bench->fake.stats.tick_lateness.bucket, sizeof got.bucket);
    json_object_put(to);
}

static void events_are_numbered_and_the_oldest_make_room(void **state)
{
    struct history *history = calloc(1, sizeof *history);
    struct json_object *to;

    (void)state;
    assert_non_null(history);
    to = snapshot_json_events(history, 0);
    assert_int_equal(json_object_array_length(key(to, "events")), 0);
    assert_true(number(to, "last") == 0);
    json_object_put(to);
    for (int i = 1; i <= HISTORY_ROOM + 5; i++) {
        char message[32];

        (void)snprintf(message, sizeof message, "message %d", i);
        history_put(history, EV_DEVICE_STALE, "psu-1-1", message, INT64_C(1700000000123000) + i);
    }
    to = snapshot_json_events(history, 0);
    assert_int_equal(json_object_array_length(key(to, "events")), HISTORY_ROOM);
    assert_true(number(item(to, "events", 0), "n") == 6);
    assert_string_equal(text(item(to, "events", 0), "message"), "message 6");
    assert_string_equal(text(item(to, "events", 0), "at"), "2023-11-14T22:13:20.123Z");
    assert_string_equal(text(item(to, "events", 0), "id"), "device_stale");
    assert_string_equal(text(item(to, "events", 0), "severity"), "warning");
    assert_string_equal(text(item(to, "events", 0), "who"), "psu-1-1");
    assert_string_equal(text(item(to, "events", 0), "advice"), ev_advice(EV_DEVICE_STALE));
    json_object_put(to);
    to = snapshot_json_events(history, HISTORY_ROOM + 3);
    assert_int_equal(json_object_array_length(key(to, "events")), 2);
    assert_string_equal(text(item(to, "events", 1), "message"), "message 1005");
    assert_true(number(to, "last") == HISTORY_ROOM + 5);
    json_object_put(to);
    to = snapshot_json_events(history, UINT64_MAX - 1);
    assert_int_equal(json_object_array_length(key(to, "events")), 0);
    json_object_put(to);
    free(history);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(status_names_mode_counts_and_envelope),
        TEST(forecasts_say_how_far_they_are_to_be_believed),
        TEST(the_envelope_is_a_roots_tightest_limit),
        TEST(a_rack_without_limits_has_a_power_and_no_limit),
        TEST(status_says_where_the_rack_stands_towards_the_grid),
        TEST(the_nearest_protective_device_is_named),
        TEST(tokens_give_what_is_held_and_why_not),
        TEST(limits_list_nodes_and_groups),
        TEST(what_is_unknown_is_null_and_never_nan),
        TEST(devices_give_their_readings),
        TEST(a_status_names_what_it_says),
        TEST(one_device_can_be_asked_for_without_readings),
        TEST(why_says_what_bound_a_lever),
        TEST(why_of_a_lever_that_was_never_ordered_has_no_cause),
        TEST(why_says_that_observe_writes_nothing),
        TEST(every_state_rule_and_cause_has_its_words),
        TEST(levers_can_be_listed_or_asked_for_by_name),
        TEST(stats_have_the_agreed_keys),
        TEST(raw_stats_give_back_the_histogram),
        cmocka_unit_test(events_are_numbered_and_the_oldest_make_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
