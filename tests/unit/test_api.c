/* SPDX-License-Identifier: Apache-2.0 */
/* test_api.c: the HTTP API over a real UNIX socket, and who may use it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <event2/event.h>
#include <json-c/json.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "operator/access.h"
#include "operator/api.h"
#include "busbar/http.h"
#include "fake_operator.h"
#include "source_dir.h"

struct bench {
    struct fake fake;
    struct event_base *base;
    struct http_client *client;
    struct operator *op;
    char dir[64], socket[96];
    /* the last answer */
    bool done;
    int code;
    char type[96];
    char *body;
    size_t size;
    struct json_object *json;   /* NULL where it is none */
};

static int bench_setup(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    struct http_client_options client = { .host_connections_max = 2, .body_max = 1 << 22 };
    struct operator_options opt = { .group = "busbar" };

    assert_non_null(bench);
    fake_init(&bench->fake);
    (void)snprintf(bench->dir, sizeof bench->dir, "/tmp/busbar-api-XXXXXX");
    assert_non_null(mkdtemp(bench->dir));
    (void)snprintf(bench->socket, sizeof bench->socket, "%s/busbar.sock", bench->dir);
    bench->base = event_base_new();
    assert_non_null(bench->base);
    client.base = opt.base = bench->base;
    opt.socket = bench->socket;
    opt.calls = fake_calls(&bench->fake);
    assert_int_equal(http_client_new(&client, &bench->client), ST_OK);
    assert_int_equal(operator_new(&opt, &bench->op), ST_OK);
    operator_set_names(bench->op, &fake_names);
    *state = bench;
    return 0;
}

static int bench_teardown(void **state)
{
    struct bench *bench = *state;

    json_object_put(bench->json);
    free(bench->body);
    operator_free(bench->op);
    assert_int_not_equal(access(bench->socket, F_OK), 0);
    http_client_free(bench->client);
    event_base_free(bench->base);
    assert_int_equal(rmdir(bench->dir), 0);
    fake_done(&bench->fake);
    free(bench);
    return 0;
}

static void bench_answered(const struct http_response *response, void *arg)
{
    struct bench *bench = arg;
    const char *type = http_response_header(response, "content-type");

    bench->done = true;
    assert_int_equal(response->status, ST_OK);
    bench->code = response->code;
    (void)snprintf(bench->type, sizeof bench->type, "%s", type ? type : "");
    bench->size = response->body_size;
    bench->body = malloc(response->body_size + 1);
    assert_non_null(bench->body);
    memcpy(bench->body, response->body, response->body_size + 1);
    if (strcmp(bench->type, "application/json") == 0) {
        bench->json = json_tokener_parse(bench->body);
        assert_non_null(bench->json);
    }
}

/* One exchange; gives the code, the answer stays in the bench. */
static int ask(struct bench *bench, const char *method, const char *path, const char *body)
{
    char url[256];
    struct http_request request = { .method = method, .url = url, .unix_socket = bench->socket, .body = body,
                                    .timeout_us = 20000000 };

    json_object_put(bench->json);
    free(bench->body);
    bench->json = NULL;
    bench->body = NULL;
    bench->done = false;
    (void)snprintf(url, sizeof url, "http://busbar%s", path);
    assert_int_equal(http_client_send(bench->client, &request, bench_answered, bench), ST_OK);
    while (!bench->done)
        assert_true(event_base_loop(bench->base, EVLOOP_ONCE) >= 0);
    return bench->code;
}

static const char *text(struct bench *bench, const char *name)
{
    struct json_object *found = NULL;

    if (!json_object_object_get_ex(bench->json, name, &found))
        fail_msg("no key '%s' in %s", name, bench->body);
    return json_object_get_string(found);
}

static size_t length(struct bench *bench, const char *name)
{
    struct json_object *found = NULL;

    assert_true(json_object_object_get_ex(bench->json, name, &found));
    return json_object_array_length(found);
}

static void every_route_answers(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(ask(bench, "GET", "/v1/status", NULL), 200);
    assert_string_equal(text(bench, "mode"), "normal");
    assert_int_equal(ask(bench, "GET", "/v1/devices", NULL), 200);
    assert_int_equal(length(bench, "devices"), FAKE_DEVICES);
    assert_int_equal(ask(bench, "GET", "/v1/limits", NULL), 200);
    assert_int_equal(length(bench, "limits"), 3);
    assert_int_equal(ask(bench, "GET", "/v1/nodes", NULL), 200);
    assert_int_equal(length(bench, "nodes"), FAKE_NODES);
    assert_int_equal(ask(bench, "GET", "/v1/levers", NULL), 200);
    assert_int_equal(length(bench, "levers"), FAKE_LEVERS);
    assert_int_equal(ask(bench, "GET", "/v1/why?lever=psu-1-1.psu_output_setpoint_v", NULL), 200);
    assert_non_null(strstr(text(bench, "sentence"), "50.25 V"));
    assert_int_equal(ask(bench, "GET", "/v1/stats", NULL), 200);
    assert_null(strstr(bench->body, "buckets"));
    assert_int_equal(ask(bench, "GET", "/v1/stats?raw=1", NULL), 200);
    assert_non_null(strstr(bench->body, "buckets"));
    assert_int_equal(ask(bench, "GET", "/metrics", NULL), 200);
    assert_string_equal(bench->type, "text/plain; version=0.0.4; charset=utf-8");
    assert_non_null(strstr(bench->body, "busbar_node_power_watts"));
}

static void started_of(const struct bench *bench, char ret[64])
{
    const char *at = strstr(bench->body, "\nprocess_start_time_seconds ");

    assert_non_null(at);
    (void)snprintf(ret, 64, "%.*s", (int)strcspn(at + 1, "\n"), at + 1);
}

/* Alerts count the changes of this number as restarts. */
static void the_start_of_the_process_is_the_same_in_every_answer(void **state)
{
    struct bench *bench = *state;
    char first[64], next[64];

    assert_int_equal(ask(bench, "GET", "/metrics", NULL), 200);
    started_of(bench, first);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(ask(bench, "GET", "/metrics", NULL), 200);
        started_of(bench, next);
        assert_string_equal(next, first);
    }
    bench->fake.stats.started_us -= 3600000000; /* the wall clock was set */
    assert_int_equal(ask(bench, "GET", "/metrics", NULL), 200);
    started_of(bench, next);
    assert_string_not_equal(next, first);
}

static void names_select_and_unknown_ones_are_refused(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(ask(bench, "GET", "/v1/devices?name=psu-1-1&readings=0", NULL), 200);
    assert_int_equal(length(bench, "devices"), 1);
    assert_null(strstr(bench->body, "readings"));
    assert_int_equal(ask(bench, "GET", "/v1/levers?name=bmc-1.gpu-1", NULL), 200);
    assert_int_equal(length(bench, "levers"), 1);
    assert_int_equal(ask(bench, "GET", "/v1/devices?name=psu-9", NULL), 404);
    assert_string_equal(text(bench, "error"), "there is no device 'psu-9'");
    assert_int_equal(ask(bench, "GET", "/v1/levers?name=x", NULL), 404);
    assert_int_equal(ask(bench, "GET", "/v1/why?lever=x%22y", NULL), 404);
    assert_string_equal(text(bench, "error"), "there is no lever 'x\"y'");
    assert_int_equal(ask(bench, "GET", "/v1/why", NULL), 400);
    assert_int_equal(ask(bench, "GET", "/v1/devices?readings=2", NULL), 400);
    assert_int_equal(ask(bench, "GET", "/v1/stats?raw=yes", NULL), 400);
    assert_int_equal(ask(bench, "GET", "/v1/events?since=-1", NULL), 400);
    assert_int_equal(ask(bench, "GET", "/v1/nothing", NULL), 404);
    assert_int_equal(ask(bench, "POST", "/v1/status", "{}"), 405);
}

static void events_come_in_order_and_since_leaves_out_the_known(void **state)
{
    struct bench *bench = *state;

    operator_event(bench->op, EV_STARTED, "busbard", "runs");
    operator_event(bench->op, EV_DEVICE_STALE, "psu-1-1", "no answer for 2.0 s");
    assert_int_equal(ask(bench, "GET", "/v1/events", NULL), 200);
    assert_int_equal(length(bench, "events"), 2);
    assert_non_null(strstr(bench->body, "no answer for 2.0 s"));
    assert_int_equal(ask(bench, "GET", "/v1/events?since=1", NULL), 200);
    assert_int_equal(length(bench, "events"), 1);
    assert_null(strstr(bench->body, "started"));
    assert_int_equal(ask(bench, "GET", "/v1/events?since=2", NULL), 200);
    assert_int_equal(length(bench, "events"), 0);
    assert_string_equal(text(bench, "last"), "2");
}

static void a_mode_is_asked_for_by_name(void **state)
{
    struct bench *bench = *state;
    char who[64];

    assert_int_equal(ask(bench, "POST", "/v1/mode", "{\"mode\": \"emergency\"}"), 200);
    assert_string_equal(text(bench, "mode_wanted"), "emergency");
    assert_int_equal(bench->fake.wanted, CORE_WANT_EMERGENCY);
    access_who(&(struct http_peer){ .uid = (int32_t)geteuid() }, who, sizeof who);
    assert_string_equal(bench->fake.who, who);
    assert_int_equal(ask(bench, "POST", "/v1/mode", "{\"mode\": \"observe\"}"), 200);
    assert_int_equal(bench->fake.wanted, CORE_WANT_OBSERVE);
    assert_int_equal(ask(bench, "POST", "/v1/mode", "{\"mode\": \"control\"}"), 200);
    assert_int_equal(bench->fake.wanted, CORE_WANT_CONTROL);
}

static void a_bad_body_changes_nothing(void **state)
{
    static const char *const bodies[] = { "", "{", "control", "\"control\"", "[]", "{\"mode\": 1}", "{\"mode\": null}",
                                          "{\"mode\": \"restore\"}", "{\"mode\": \"Control\"}", "{\"mode\": \"emergency\"} x",
                                          "{'mode': 'emergency'}", "{\"mode\": {\"a\": {\"b\": {\"c\": {\"d\": 1}}}}}" };
    struct bench *bench = *state;

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        assert_int_equal(ask(bench, "POST", "/v1/mode", bodies[i]), 400);
        assert_non_null(strstr(text(bench, "error"), "observe"));
        assert_int_equal(bench->fake.wanted, CORE_WANT_CONTROL);
    }
}

static void a_lever_is_told_what_to_hold_and_a_refusal_says_why(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(ask(bench, "PUT", "/v1/levers/bmc-1.gpu-1", "{\"value\": 500.5}"), 200);
    assert_int_equal(bench->fake.held, 1);
    assert_float_equal(bench->fake.held_value, 500.5, 1e-9);
    assert_string_equal(text(bench, "lever"), "bmc-1.gpu-1");
    assert_int_equal(ask(bench, "PUT", "/v1/levers/nothing", "{\"value\": 5}"), 404);
    assert_int_equal(ask(bench, "PUT", "/v1/levers/bmc-1.gpu-1", "{\"value\": \"5\"}"), 400);
    assert_int_equal(ask(bench, "PUT", "/v1/levers/bmc-1.gpu-1", "{\"value\": 5, \"more\": 1}"), 400);
    assert_int_equal(ask(bench, "PUT", "/v1/levers/bmc-1.gpu-1", "{}"), 400);
    bench->fake.refuse = true;
    assert_int_equal(ask(bench, "PUT", "/v1/levers/bmc-1.gpu-1", "{\"value\": 5}"), 409);
    assert_non_null(strstr(text(bench, "error"), "not while it rains"));
}

static void a_hint_is_passed_on_or_refused(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(ask(bench, "POST", "/v1/hints", "{\"mark\": \"stop\", \"node\": \"shelf-1\"}"), 200);
    assert_int_equal(bench->fake.hint.mark, CORE_MARK_STOP);
    assert_int_equal(bench->fake.hint.node, 1);
    assert_true(bench->fake.hint.at_us > 0);
    assert_string_equal(text(bench, "mark"), "stop");
    assert_int_equal(ask(bench, "POST", "/v1/hints", "{\"mark\": \"queue\", \"value\": 12}"), 200);
    assert_int_equal(bench->fake.hint.node, CORE_NONE);
    assert_float_equal(bench->fake.hint.value, 12.0, 1e-9);
    assert_int_equal(ask(bench, "POST", "/v1/hints", "{\"mark\": \"will\"}"), 400); /* the simulator's alone */
    assert_int_equal(ask(bench, "POST", "/v1/hints", "{\"mark\": \"step\", \"node\": \"nowhere\"}"), 400);
    assert_int_equal(ask(bench, "POST", "/v1/hints", "{\"mark\": \"queue\", \"value\": -1}"), 400);
    assert_int_equal(ask(bench, "POST", "/v1/hints", "{\"mark\": \"queue\"}"), 400); /* not: none waits */
    assert_int_equal(ask(bench, "POST", "/v1/hints", "{\"mark\": \"running\", \"node\": \"shelf-1\"}"), 400);
    assert_int_equal(ask(bench, "POST", "/v1/hints", "{\"mark\": \"step\", \"more\": 1}"), 400);
    assert_int_equal(ask(bench, "POST", "/v1/hints", "{}"), 400);
    assert_int_equal(ask(bench, "POST", "/v1/hints", "[]"), 400);
    assert_int_equal(bench->fake.hints, 2);
    assert_int_equal(ask(bench, "POST", "/v1/hints", "{\"mark\": \"step\"}"), 200);
    assert_int_equal(ask(bench, "POST", "/v1/hints", "{\"mark\": \"step\"}"), 503); /* the queue is full */
    bench->fake.refuse = true;
    assert_int_equal(ask(bench, "POST", "/v1/hints", "{\"mark\": \"step\"}"), 409);
    assert_non_null(strstr(text(bench, "error"), "control.forecast.learn"));
}

static void forecasts_are_listed(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(ask(bench, "GET", "/v1/forecast", NULL), 200);
}

static void what_the_daemon_refuses_is_a_conflict(void **state)
{
    struct bench *bench = *state;

    bench->fake.refuse = true;
    assert_int_equal(ask(bench, "POST", "/v1/mode", "{\"mode\": \"emergency\"}"), 409);
    assert_non_null(strstr(text(bench, "error"), "emergency"));
    assert_int_equal(ask(bench, "POST", "/v1/reload", NULL), 409);
    assert_non_null(strstr(text(bench, "error"), "the old one stays"));
    assert_int_equal(ask(bench, "GET", "/v1/record", NULL), 503);
    bench->fake.refuse = false;
    assert_int_equal(ask(bench, "POST", "/v1/reload", ""), 200);
    assert_string_equal(text(bench, "accepted"), "true");
    assert_int_equal(bench->fake.reloads, 2);
}

static void a_recording_comes_as_it_is(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(ask(bench, "GET", "/v1/record?seconds=30", NULL), 200);
    assert_string_equal(bench->type, "application/octet-stream");
    assert_int_equal(bench->size, sizeof FAKE_RECORD);
    assert_memory_equal(bench->body, FAKE_RECORD, sizeof FAKE_RECORD);
    assert_true(bench->fake.record_us == 30000000);
    assert_int_equal(ask(bench, "GET", "/v1/record", NULL), 200);
    assert_true(bench->fake.record_us == INT64_MAX);
    assert_int_equal(ask(bench, "GET", "/v1/record?seconds=86401", NULL), 400);
    assert_int_equal(ask(bench, "GET", "/v1/record?seconds=1x", NULL), 400);
}

static void before_the_first_step_only_what_needs_none_is_answered(void **state)
{
    struct bench *bench = *state;

    bench->fake.before_first_step = true;
    assert_int_equal(ask(bench, "GET", "/v1/status", NULL), 503);
    assert_non_null(strstr(text(bench, "error"), "not stepped yet"));
    assert_int_equal(ask(bench, "GET", "/metrics", NULL), 503);
    assert_int_equal(ask(bench, "GET", "/v1/events", NULL), 200);
    assert_int_equal(ask(bench, "GET", "/v1/stats", NULL), 200);
    assert_int_equal(ask(bench, "POST", "/v1/mode", "{\"mode\": \"observe\"}"), 200);
}

static void names_of_another_configuration_are_never_mixed_in(void **state)
{
    struct bench *bench = *state;
    struct operator_names names = fake_names;

    names.node_count--;
    operator_set_names(bench->op, &names);
    assert_int_equal(ask(bench, "GET", "/v1/nodes", NULL), 503);
    assert_non_null(strstr(text(bench, "error"), "being exchanged"));
    operator_set_names(bench->op, &fake_names);
    assert_int_equal(ask(bench, "GET", "/v1/nodes", NULL), 200);
    operator_set_names(bench->op, NULL);
    assert_int_equal(ask(bench, "GET", "/v1/nodes", NULL), 503);
}

/* ---- tokens ---- */

static const char wish[] = "{\"node\": \"node-1\", \"amount_w\": 4000, \"duration_ms\": 2500, \"priority\": 6}";

static void a_wish_is_answered_once_the_core_has_decided(void **state)
{
    struct bench *bench = *state;

    bench->fake.late = 5; /* some looks later */
    assert_int_equal(ask(bench, "PUT", "/v1/tokens/job-7", wish), 200);
    assert_true(bench->fake.late < 0);
    assert_string_equal(text(bench, "client"), "job-7");
    assert_string_equal(text(bench, "state"), "granted");
    assert_string_equal(text(bench, "node"), "node-1");
    assert_string_equal(text(bench, "granted_w"), "4000");
    assert_string_equal(text(bench, "expires_in_ms"), "2500");
    assert_int_equal(bench->fake.wish.node, 3);
    assert_int_equal(bench->fake.wish.priority, 6);
    assert_int_equal(bench->fake.wish.duration_us, 2500000);
    assert_int_equal(ask(bench, "GET", "/v1/tokens", NULL), 200);
    assert_int_equal(length(bench, "tokens"), 1);
}

static void a_refusal_is_an_answer_with_its_reason(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(ask(bench, "PUT", "/v1/tokens/job-7", "{\"node\": \"rack\", \"amount_w\": 9e3, \"duration_ms\": 1}"), 200);
    assert_string_equal(text(bench, "state"), "refused");
    assert_string_equal(text(bench, "reason"), "pool");
    assert_string_equal(text(bench, "alternative_w"), "5000");
    assert_string_equal(text(bench, "retry_after_ms"), "250");
    assert_int_equal(bench->fake.wish.priority, 4);
}

static void what_is_given_back_is_returned(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(ask(bench, "DELETE", "/v1/tokens/job-7", NULL), 404);
    assert_non_null(strstr(text(bench, "error"), "'job-7' holds nothing"));
    assert_int_equal(ask(bench, "PUT", "/v1/tokens/job-7", wish), 200);
    assert_int_equal(ask(bench, "DELETE", "/v1/tokens/job-7", NULL), 200);
    assert_string_equal(text(bench, "state"), "returned");
    assert_int_equal(ask(bench, "PUT", "/v1/tokens/job-7", wish), 200);
    assert_int_equal(ask(bench, "PUT", "/v1/tokens/job-7", "{\"node\": \"rack\", \"amount_w\": 0}"), 200);
    assert_string_equal(text(bench, "state"), "returned");
}

static void a_wish_that_is_none_is_refused_before_it_is_kept(void **state)
{
    static const char *const bodies[][2] = {
        { "", "the body must be" }, { "[]", "the body must be" }, { "{\"node\": \"rack\"} x", "the body must be" },
        { "{}", "node is missing" }, { "{\"node\": \"rack\"}", "amount_w is missing" },
        { "{\"node\": \"rack\", \"amount_w\": 5}", "duration_ms is missing" },
        { "{\"node\": \"rock\", \"amount_w\": 5, \"duration_ms\": 5}", "node: must name a node" },
        { "{\"node\": 7}", "node: must name a node" }, { "{\"node\": \"rack\", \"amount_w\": -1}", "amount_w: must be" },
        { "{\"node\": \"rack\", \"amount_w\": 1e9}", "amount_w: must be" }, { "{\"amount_w\": \"5\"}", "amount_w: must be" },
        { "{\"amount_w\": NaN}", "" }, { "{\"duration_ms\": 0}", "duration_ms: must be" },
        { "{\"duration_ms\": 86400001}", "duration_ms: must be" }, { "{\"priority\": 8}", "priority: must be" },
        { "{\"priority\": 1.5}", "priority: must be" }, { "{\"priority\": null}", "priority: must be" },
        { "{\"priorty\": 1}", "priorty: is no key" },
    };
    struct bench *bench = *state;

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        assert_int_equal(ask(bench, "PUT", "/v1/tokens/job-7", bodies[i][0]), 400);
        if (!strstr(text(bench, "error"), bodies[i][1]))
            fail_msg("%s: %s", bodies[i][0], text(bench, "error"));
    }
    assert_int_equal(ask(bench, "PUT", "/v1/tokens/a%20b", wish), 400);
    assert_int_equal(ask(bench, "PUT", "/v1/tokens/a/b", wish), 400);
    assert_int_equal(ask(bench, "PUT", "/v1/tokens/12345678901234567890123456789012345678901234567890", wish), 400);
    assert_int_equal(ask(bench, "PUT", "/v1/tokens/", wish), 404);
    assert_int_equal(ask(bench, "PUT", "/v1/tokens", wish), 405);
    assert_int_equal(ask(bench, "POST", "/v1/tokens/job-7", wish), 405);
    assert_int_equal(bench->fake.version, 0);
    bench->fake.refuse = true;
    assert_int_equal(ask(bench, "PUT", "/v1/tokens/job-7", wish), 409);
    assert_non_null(strstr(text(bench, "error"), "clients_max"));
}

static void a_core_that_does_not_answer_ends_the_wait(void **state)
{
    struct bench *bench = *state;

    bench->fake.silent = true;
    assert_int_equal(ask(bench, "PUT", "/v1/tokens/job-7", wish), 503);
    assert_non_null(strstr(text(bench, "error"), "not answered yet"));
    assert_int_equal(bench->fake.version, 1); /* the wish stands all the same */
    bench->fake.silent = false;
    assert_int_equal(ask(bench, "GET", "/v1/tokens", NULL), 200);
    assert_int_equal(length(bench, "tokens"), 1);
}

static void cut_short(const struct http_response *response, void *arg)
{
    (void)response;
    (void)arg;
    fail_msg("nobody answers a client that is gone");
}

/* One exchange waits when its client goes, one when the daemon stops. */
static void exchanges_that_wait_do_no_harm_when_they_end(void **state)
{
    struct bench *bench = *state;
    struct http_request request = { .method = "PUT", .url = "http://busbar/v1/tokens/job-7", .unix_socket = bench->socket,
                                    .body = wish, .timeout_us = 20000000 };
    uint64_t version;

    bench->fake.silent = true;
    for (int i = 0; i < 2; i++) {
        version = bench->fake.version;
        assert_int_equal(http_client_send(bench->client, &request, cut_short, bench), ST_OK);
        while (bench->fake.version == version)
            assert_true(event_base_loop(bench->base, EVLOOP_ONCE) >= 0);
        http_client_cancel(bench->client, bench);
    }
    bench->fake.silent = false; /* the next look answers what is left of the first two */
    assert_int_equal(ask(bench, "GET", "/v1/tokens", NULL), 200);
    assert_int_equal(ask(bench, "PUT", "/v1/tokens/job-7", wish), 200);
    bench->fake.silent = true;
    version = bench->fake.version;
    assert_int_equal(http_client_send(bench->client, &request, cut_short, bench), ST_OK);
    while (bench->fake.version == version)
        assert_true(event_base_loop(bench->base, EVLOOP_ONCE) >= 0);
    http_client_cancel(bench->client, bench); /* the teardown stops the daemon with it */
}

/* ---- who may ---- */

/* Somebody who is neither root nor us: the tests may run as nobody. */
static int32_t nobody(void)
{
    return geteuid() == 65534 ? 65533 : 65534;
}

static void root_the_own_user_and_the_group_are_let_in_and_nobody_else(void **state)
{
    struct access_rules rules = { .own_uid = 990, .group_known = true, .group = 980 };
    const gid_t with[] = { 100, 980 }, without[] = { 100, 981 };

    (void)state;
    assert_true(access_decide(&rules, &(struct http_peer){ .uid = 0, .gid = 0 }, NULL, 0));
    assert_true(access_decide(&rules, &(struct http_peer){ .uid = 990, .gid = 5 }, NULL, 0));
    assert_true(access_decide(&rules, &(struct http_peer){ .uid = 1000, .gid = 980 }, NULL, 0));
    assert_true(access_decide(&rules, &(struct http_peer){ .uid = 1000, .gid = 100 }, with, 2));
    assert_false(access_decide(&rules, &(struct http_peer){ .uid = 1000, .gid = 100 }, without, 2));
    assert_false(access_decide(&rules, &(struct http_peer){ .uid = 1000, .gid = 100 }, with, 1));
    assert_false(access_decide(&rules, &(struct http_peer){ .uid = -1, .gid = -1 }, with, 2));
    rules.group_known = false; /* group 0 must not stand in for it */
    rules.group = 0;
    assert_false(access_decide(&rules, &(struct http_peer){ .uid = 1000, .gid = 0 }, with, 2));
}

static void a_group_that_does_not_exist_lets_nobody_in(void **state)
{
    struct access access;

    (void)state;
    access_init(&access, "no-such-group-here");
    assert_false(access_allowed(&access, &(struct http_peer){ .uid = nobody(), .gid = nobody() }, 1));
    assert_true(access_allowed(&access, &(struct http_peer){ .uid = (int32_t)geteuid(), .gid = 0 }, 1));
    access_init(&access, NULL);
    assert_false(access_allowed(&access, &(struct http_peer){ .uid = nobody(), .gid = nobody() }, 1));
}

static void members_of_the_group_are_found_by_their_user(void **state)
{
    struct access access;

    (void)state;
    access_init(&access, "daemon"); /* user 1 of every Debian is in it, primarily */
    assert_true(access_allowed(&access, &(struct http_peer){ .uid = 1, .gid = 77 }, 1));
    assert_false(access_allowed(&access, &(struct http_peer){ .uid = 2, .gid = 77 }, 1));
}

static void an_answer_about_a_user_is_kept_for_a_while(void **state)
{
    struct access access;
    struct http_peer peer = { .uid = nobody(), .gid = nobody() };

    (void)state;
    access_init(&access, "daemon");
    assert_false(access_allowed(&access, &peer, 0));
    access.kept[0].allowed = true; /* as if the user had been in the group then */
    assert_true(access_allowed(&access, &peer, ACCESS_KEEP_US - 1));
    assert_false(access_allowed(&access, &peer, ACCESS_KEEP_US));
    for (int32_t uid = 70000; uid < 70000 + 3 * ACCESS_KEPT; uid++)
        assert_false(access_allowed(&access, &(struct http_peer){ .uid = uid, .gid = 70000 }, ACCESS_KEEP_US));
}

/* In a child: asks as nobody, and passes on all that came. */
static void stranger(const char *socket_path, int to)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    static const char request[] = "GET /v1/status HTTP/1.0\r\n\r\n";
    char got[4096];
    ssize_t size;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path);
    if (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0 || fd < 0 ||
        connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        write(fd, request, sizeof request - 1) != (ssize_t)sizeof request - 1)
        _exit(1);
    while ((size = read(fd, got, sizeof got)) > 0) {
        if (write(to, got, (size_t)size) != size)
            _exit(1);
    }
    _exit(0);
}

static void a_stranger_gets_403_and_is_told_why(void **state)
{
    struct bench *bench = *state;
    char got[4096] = "";
    size_t used = 0;
    int pipes[2], rc;
    pid_t pid;

    if (geteuid() != 0) {
        print_message("skip: only root can be somebody else\n");
        skip();
    }
    assert_int_equal(chmod(bench->dir, 0755), 0);
    assert_int_equal(chmod(bench->socket, 0666), 0);
    assert_int_equal(pipe(pipes), 0);
    pid = fork();
    if (pid == 0)
        stranger(bench->socket, pipes[1]);
    assert_true(pid > 0);
    (void)close(pipes[1]);
    for (;;) {
        struct pollfd ready = { .fd = pipes[0], .events = POLLIN };
        ssize_t size;

        (void)event_base_loop(bench->base, EVLOOP_NONBLOCK);
        if (poll(&ready, 1, 5) <= 0)
            continue;
        size = read(pipes[0], got + used, sizeof got - 1 - used);
        if (size <= 0)
            break;
        used += (size_t)size;
    }
    (void)close(pipes[0]);
    assert_int_equal(waitpid(pid, &rc, 0), pid);
    assert_int_equal(rc, 0);
    assert_non_null(strstr(got, " 403 "));
    assert_non_null(strstr(got, "application/json"));
    assert_non_null(strstr(got, "group 'busbar'"));
    assert_null(strstr(got, "r17"));
}

static void every_route_is_in_the_documentation(void **state)
{
    char *page = source_read("docs/api.md");
    int routes = 0;

    (void)state;
    for (const char *name; (name = api_route_path(routes)) != NULL; routes++) {
        char title[64];

        (void)snprintf(title, sizeof title, "## %s\n", name);
        if (!strstr(page, title))
            fail_msg("docs/api.md has no section '%s'", name);
    }
    assert_int_equal(routes, 18);
    free(page);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_route_answers),
        TEST(the_start_of_the_process_is_the_same_in_every_answer),
        TEST(names_select_and_unknown_ones_are_refused),
        TEST(events_come_in_order_and_since_leaves_out_the_known),
        TEST(a_mode_is_asked_for_by_name),
        TEST(a_bad_body_changes_nothing),
        TEST(a_lever_is_told_what_to_hold_and_a_refusal_says_why),
        TEST(a_hint_is_passed_on_or_refused),
        TEST(forecasts_are_listed),
        TEST(what_the_daemon_refuses_is_a_conflict),
        TEST(a_recording_comes_as_it_is),
        TEST(before_the_first_step_only_what_needs_none_is_answered),
        TEST(names_of_another_configuration_are_never_mixed_in),
        TEST(a_wish_is_answered_once_the_core_has_decided),
        TEST(a_refusal_is_an_answer_with_its_reason),
        TEST(what_is_given_back_is_returned),
        TEST(a_wish_that_is_none_is_refused_before_it_is_kept),
        TEST(a_core_that_does_not_answer_ends_the_wait),
        TEST(exchanges_that_wait_do_no_harm_when_they_end),
        cmocka_unit_test(root_the_own_user_and_the_group_are_let_in_and_nobody_else),
        cmocka_unit_test(a_group_that_does_not_exist_lets_nobody_in),
        cmocka_unit_test(members_of_the_group_are_found_by_their_user),
        cmocka_unit_test(an_answer_about_a_user_is_kept_for_a_while),
        TEST(a_stranger_gets_403_and_is_told_why),
        cmocka_unit_test(every_route_is_in_the_documentation),
    };

    (void)signal(SIGPIPE, SIG_IGN); /* as the daemon: libevent writes to closed sockets */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
