/* SPDX-License-Identifier: Apache-2.0 */
/* api.c: the HTTP API: routes to the snapshot, and wishes to the daemon.
 *
 * Main thread. Each request is checked (who is it?), given one consistent
 * snapshot and answered before the handler returns, but for a wish for power
 * (api_tokens.c). Never talks to a device and never waits. docs/api.md describes every route; a test holds it to this table.
 */
#include "api_request.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "busbar/clock.h"
#include "metrics.h"
#include "snapshot_json.h"

#define API_JSON "application/json"
#define API_METRICS "text/plain; version=0.0.4; charset=utf-8"
#define API_BYTES "application/octet-stream"
#define API_SECONDS_MAX 86400
#define API_US_PER_S 1000000
#define API_CLOCK_SET_US (30 * (int64_t)API_US_PER_S) /* so far apart: one of two clocks was set */

enum api_needs {
    API_NEEDS_NOTHING,
    API_NEEDS_STATS,
    API_NEEDS_SNAPSHOT,     /* names, outputs, stats    */
    API_NEEDS_DEVICES,      /* and every device's state */
};

struct api_route {
    const char *name;       /* "GET /v1/status" */
    const char *method, *path;
    enum api_needs needs;
    void (*answer)(struct api_request *request);
};

/* ---- replies ---- */

void api_refuse(struct api_request *request, int code, const char *format, ...)
{
    struct json_object *to = json_object_new_object();
    char text[512];
    const char *body;
    size_t size;
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    answer_text(to, "error", text);
    body = json_object_to_json_string_length(to, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &size);
    http_exchange_reply(request->exchange, code, API_JSON, body ? body : "", body ? size : 0);
    json_object_put(to);
}

void api_reply(struct api_request *request, struct json_object *json)
{
    const char *body = NULL;
    size_t size = 0;

    if (json)
        body = json_object_to_json_string_length(json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &size);
    if (body)
        http_exchange_reply(request->exchange, 200, API_JSON, body, size);
    else
        api_refuse(request, 500, "out of memory");
    json_object_put(json);
}

/* A whole number in the query, 0 to `max`. False: refused already. */
static bool api_query_count(struct api_request *request, const char *key, uint64_t max, uint64_t *ret)
{
    const char *text = http_exchange_query(request->exchange, key);
    char *end = NULL;
    uint64_t value;

    if (!text)
        return true; /* *ret keeps its preset */
    errno = 0;
    value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || value > max) {
        api_refuse(request, 400, "%s: must be a whole number, 0 to %" PRIu64, key, max);
        return false;
    }
    *ret = value;
    return true;
}

/* ---- what is there ---- */

static void api_status(struct api_request *request)
{
    api_reply(request, snapshot_json_status(&request->snap, BUSBAR_VERSION));
}

static void api_forecast(struct api_request *request)
{
    api_reply(request, forecast_json(&request->snap));
}

static void api_limits(struct api_request *request)
{
    api_reply(request, snapshot_json_limits(&request->snap));
}

static void api_nodes(struct api_request *request)
{
    api_reply(request, snapshot_json_nodes(&request->snap));
}

static void api_devices(struct api_request *request)
{
    const char *name = http_exchange_query(request->exchange, "name");
    uint64_t readings = 1;

    if (!api_query_count(request, "readings", 1, &readings))
        return;
    if (name && snapshot_json_find_device(&request->snap, name) == CORE_NONE)
        api_refuse(request, 404, "there is no device '%s'", name);
    else
        api_reply(request, snapshot_json_devices(&request->snap, name, readings == 1));
}

static void api_levers(struct api_request *request)
{
    const char *name = http_exchange_query(request->exchange, "name");

    if (name && snapshot_json_find_lever(&request->snap, name) == CORE_NONE)
        api_refuse(request, 404, "there is no lever '%s'", name);
    else
        api_reply(request, snapshot_json_levers(&request->snap, name));
}

static void api_why(struct api_request *request)
{
    const char *name = http_exchange_query(request->exchange, "lever");
    int32_t lever = name ? snapshot_json_find_lever(&request->snap, name) : CORE_NONE;

    if (!name)
        api_refuse(request, 400, "lever: must name a lever, as in /v1/why?lever=NAME");
    else if (lever == CORE_NONE)
        api_refuse(request, 404, "there is no lever '%s'", name);
    else
        api_reply(request, why_json(&request->snap, lever));
}

static void api_events(struct api_request *request)
{
    uint64_t since = 0;

    if (api_query_count(request, "since", UINT64_MAX - 1, &since))
        api_reply(request, snapshot_json_events(&request->op->history, since));
}

static void api_stats(struct api_request *request)
{
    uint64_t raw = 0;

    if (api_query_count(request, "raw", 1, &raw))
        api_reply(request, stats_json(request->snap.stats, raw == 1));
}

static void api_metrics(struct api_request *request)
{
    char *text = NULL;
    size_t size = 0;

    if (metrics_write(&request->snap, &text, &size) == ST_OK)
        http_exchange_reply(request->exchange, 200, API_METRICS, text, size);
    else
        api_refuse(request, 500, "out of memory");
    free(text);
}

static void api_record(struct api_request *request)
{
    const struct operator_calls *calls = &request->op->calls;
    uint64_t seconds = 0;
    void *block = NULL;
    size_t size = 0;
    enum status st;

    if (!api_query_count(request, "seconds", API_SECONDS_MAX, &seconds))
        return;
    /* Without a length: all that is kept. */
    st = calls->record(calls->arg, seconds > 0 ? (int64_t)seconds * API_US_PER_S : INT64_MAX, &block, &size);
    if (st == ST_OK)
        http_exchange_reply(request->exchange, 200, API_BYTES, block, size);
    else
        api_refuse(request, 503, "there is no recording to give: %s", status_label(st));
    if (st == ST_OK)
        free(block);
}

/* ---- what is wanted ---- */

struct json_object *api_body(struct api_request *request)
{
    struct json_tokener *tokener = json_tokener_new_ex(4);
    struct json_object *body = NULL;
    size_t size;
    const char *text = http_exchange_body(request->exchange, &size);

    if (tokener) {
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
        body = json_tokener_parse_ex(tokener, text, (int)size + 1); /* with its NUL: a whole document */
        if (json_tokener_get_error(tokener) != json_tokener_success || !json_object_is_type(body, json_type_object)) {
            json_object_put(body);
            body = NULL;
        }
    }
    json_tokener_free(tokener);
    return body;
}

/* The mode a body asks for. False: refused already. */
static bool api_mode_read(struct api_request *request, enum core_mode_wanted *ret)
{
    static const enum core_mode_wanted modes[] = { CORE_WANT_OBSERVE, CORE_WANT_CONTROL, CORE_WANT_EMERGENCY };
    struct json_object *body = api_body(request), *mode = NULL;
    bool found = false;

    if (body && json_object_object_get_ex(body, "mode", &mode) &&
        json_object_is_type(mode, json_type_string)) {
        for (size_t i = 0; i < sizeof modes / sizeof *modes && !found; i++) {
            found = strcmp(json_object_get_string(mode), core_mode_wanted_label(modes[i])) == 0;
            *ret = modes[i];
        }
    }
    json_object_put(body);
    if (!found)
        api_refuse(request, 400, "the body must be {\"mode\": \"observe\"}, \"control\" or \"emergency\"");
    return found;
}

static void api_mode(struct api_request *request)
{
    const struct operator_calls *calls = &request->op->calls;
    enum core_mode_wanted mode;
    struct json_object *to;
    char who[64];
    enum status st;

    if (!api_mode_read(request, &mode))
        return;
    access_who(http_exchange_peer(request->exchange), who, sizeof who);
    st = calls->set_mode(calls->arg, mode, who);
    if (st != ST_OK) {
        api_refuse(request, 409, "the daemon does not change to '%s' now (%s): `busbarctl events` says why",
                   core_mode_wanted_label(mode), status_label(st));
        return;
    }
    to = json_object_new_object();
    answer_text(to, "mode_wanted", core_mode_wanted_label(calls->mode_wanted(calls->arg)));
    api_reply(request, to);
}

/* The value of a body; NAN: refused already. */
static double api_hold_read(struct api_request *request)
{
    struct json_object *body = api_body(request), *value = NULL;
    double number = NAN;

    if (body && json_object_object_length(body) == 1 && json_object_object_get_ex(body, "value", &value) &&
        (json_object_is_type(value, json_type_int) || json_object_is_type(value, json_type_double)))
        number = json_object_get_double(value);
    json_object_put(body);
    if (!isfinite(number)) {
        number = NAN;
        api_refuse(request, 400, "the body must be {\"value\": NUMBER}, in the lever's unit");
    }
    return number;
}

static void api_hold(struct api_request *request)
{
    const struct operator_calls *calls = &request->op->calls;
    const char *name = http_exchange_rest(request->exchange), *why = "";
    int32_t lever = snapshot_json_find_lever(&request->snap, name);
    struct json_object *to;
    double value;
    char who[64];

    if (lever == CORE_NONE) {
        api_refuse(request, 404, "there is no lever '%s': the daemon writes only the levers of its configuration", name);
        return;
    }
    value = api_hold_read(request);
    if (isnan(value))
        return;
    access_who(http_exchange_peer(request->exchange), who, sizeof who);
    if (calls->hold(calls->arg, lever, value, who, &why) != ST_OK) {
        api_refuse(request, 409, "%s: %s", name, why);
        return;
    }
    to = json_object_new_object();
    answer_text(to, "lever", name);
    answer_text(to, "unit", request->snap.names->lever_units[lever]);
    answer_number(to, "before", core_outputs_levers(request->snap.outputs)[lever].in_force);
    answer_number(to, "value", value);
    api_reply(request, to);
}

static void api_reload(struct api_request *request)
{
    const struct operator_calls *calls = &request->op->calls;
    enum status st = calls->reload(calls->arg);
    struct json_object *to;

    if (st == ST_BUSY) {
        api_refuse(request, 409, "a reload is under way already: ask again when it is over");
        return;
    }
    if (st != ST_OK) {
        api_refuse(request, 409, "the new configuration was refused (%s), the old one stays: `busbarctl events` says why",
                   status_label(st));
        return;
    }
    to = json_object_new_object();
    answer_bool(to, "accepted", true);
    api_reply(request, to);
}

/* ---- from a request to its answer ---- */

static const struct api_route api_routes[] = {
    { "GET /v1/status", "GET", "/v1/status", API_NEEDS_SNAPSHOT, api_status },
    { "GET /v1/devices", "GET", "/v1/devices", API_NEEDS_DEVICES, api_devices },
    { "GET /v1/events", "GET", "/v1/events", API_NEEDS_NOTHING, api_events },
    { "POST /v1/mode", "POST", "/v1/mode", API_NEEDS_NOTHING, api_mode },
    { "GET /v1/limits", "GET", "/v1/limits", API_NEEDS_SNAPSHOT, api_limits },
    { "GET /v1/forecast", "GET", "/v1/forecast", API_NEEDS_SNAPSHOT, api_forecast },
    { "POST /v1/hints", "POST", "/v1/hints", API_NEEDS_SNAPSHOT, api_hints },
    { "GET /v1/levers", "GET", "/v1/levers", API_NEEDS_SNAPSHOT, api_levers },
    { "PUT /v1/levers/NAME", "PUT", "/v1/levers/", API_NEEDS_SNAPSHOT, api_hold },
    { "GET /v1/why", "GET", "/v1/why", API_NEEDS_SNAPSHOT, api_why },
    { "GET /v1/nodes", "GET", "/v1/nodes", API_NEEDS_SNAPSHOT, api_nodes },
    { "GET /v1/stats", "GET", "/v1/stats", API_NEEDS_STATS, api_stats },
    { "GET /v1/record", "GET", "/v1/record", API_NEEDS_NOTHING, api_record },
    { "GET /v1/tokens", "GET", "/v1/tokens", API_NEEDS_SNAPSHOT, api_tokens_list },
    { "PUT /v1/tokens/CLIENT", "PUT", "/v1/tokens/", API_NEEDS_SNAPSHOT, api_tokens_put },
    { "DELETE /v1/tokens/CLIENT", "DELETE", "/v1/tokens/", API_NEEDS_SNAPSHOT, api_tokens_delete },
    { "POST /v1/reload", "POST", "/v1/reload", API_NEEDS_NOTHING, api_reload },
    { "GET /metrics", "GET", "/metrics", API_NEEDS_DEVICES, api_metrics },
};

#define API_ROUTE_COUNT ((int)(sizeof api_routes / sizeof *api_routes))
_Static_assert(sizeof api_routes / sizeof *api_routes <= API_ROUTES_MAX, "more routes than bindings");

const char *api_route_path(int index)
{
    return index >= 0 && index < API_ROUTE_COUNT ? api_routes[index].name : NULL;
}

/* Between a reload's two halves names and outputs may belong to two configurations. */
static bool api_counts_agree(const struct operator_names *names, const struct core_outputs *out)
{
    return names->node_count == out->node_count && names->lever_count == out->lever_count &&
           names->device_count == out->device_count && names->group_count >= out->group_count;
}

static bool api_gather_devices(struct operator *op)
{
    size_t count = (size_t)op->names->device_count;

    if (!op->devices)
        op->devices = calloc(count > 0 ? count : 1, sizeof *op->devices);
    if (!op->devices)
        return false;
    for (size_t i = 0; i < count; i++)
        op->devices[i].known = op->calls.device(op->calls.arg, (int32_t)i, &op->devices[i].state);
    return true;
}

/* Two clocks are never read at one time: worked out anew it would be another start with each
 * answer, and whoever counts its changes counts restarts. Only a clock that was set moves it. */
static int64_t api_started_wall_us(struct operator *op, int64_t wall_us)
{
    int64_t started_us = wall_us - (op->stats.now_us - op->stats.started_us);

    if (llabs(started_us - op->started_wall_us) >= API_CLOCK_SET_US)
        op->started_wall_us = started_us;
    return op->started_wall_us;
}

const char *api_snapshot(struct api_request *request)
{
    struct operator *op = request->op;
    struct snapshot *snap = &request->snap;

    op->calls.stats(op->calls.arg, &op->stats);
    snap->stats = &op->stats;
    snap->names = op->names;
    snap->outputs = op->calls.outputs(op->calls.arg);
    snap->mode_wanted = op->calls.mode_wanted(op->calls.arg);
    snap->now_us = op->stats.now_us;
    snap->wall_us = clock_wall_us();
    snap->started_wall_us = api_started_wall_us(op, snap->wall_us);
    snap->client = op->calls.client;
    snap->client_arg = op->calls.arg;
    if (!snap->names || !snap->outputs)
        return "the control loop has not stepped yet: ask again";
    if (!api_counts_agree(snap->names, snap->outputs))
        return "the configuration is being exchanged: ask again";
    return NULL;
}

/* Fills request->snap as far as the route needs it. False: refused already. */
static bool api_gather(struct api_request *request, enum api_needs needs)
{
    struct operator *op = request->op;
    struct snapshot *snap = &request->snap;
    const char *why;

    if (needs == API_NEEDS_NOTHING)
        return true;
    if (needs == API_NEEDS_STATS) {
        op->calls.stats(op->calls.arg, &op->stats);
        snap->stats = &op->stats;
        return true;
    }
    why = api_snapshot(request);
    if (why) {
        api_refuse(request, 503, "%s", why);
        return false;
    }
    if (needs == API_NEEDS_DEVICES) {
        if (!api_gather_devices(op)) {
            api_refuse(request, 500, "out of memory");
            return false;
        }
        snap->devices = op->devices;
    }
    return true;
}

static void api_handle(struct http_exchange *exchange, void *arg)
{
    struct api_binding *binding = arg;
    struct api_request request = { .op = binding->op, .exchange = exchange };
    struct access *access = &binding->op->access;

    if (!access_allowed(access, http_exchange_peer(exchange), clock_now_us())) {
        api_refuse(&request, 403, "only root, the daemon's own user and members of group '%s' may use this socket",
                   access->group[0] ? access->group : "(none)");
        return;
    }
    if (api_gather(&request, binding->route->needs))
        binding->route->answer(&request);
}

enum status api_start(struct operator *op)
{
    for (int i = 0; i < API_ROUTE_COUNT; i++) {
        const struct api_route *route = &api_routes[i];
        enum status st;

        op->bindings[i] = (struct api_binding){ .op = op, .route = route };
        st = http_server_route(op->server, route->method, route->path, api_handle, &op->bindings[i]);
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}
