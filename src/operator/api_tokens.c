/* SPDX-License-Identifier: Apache-2.0 */
/* api_tokens.c: wishes for power, and their answers.
 *
 * Main thread. A wish is in a table by the time its request waits; the core
 * answers it in one of the next steps, which a timer looks for while anybody
 * waits. Owns the exchanges that wait. Never waits itself.
 */
#include <event2/event.h>
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "api_request.h"
#include "busbar/clock.h"
#include "snapshot_json.h"

#define API_TOKENS_LOOK_US     2000    /* between two looks for answers               */
#define API_TOKENS_WAIT_MIN_US 2000000 /* longest wait, where it is not four periods  */
#define API_TOKENS_AMOUNT_MAX  1e8
#define API_TOKENS_DURATION_MAX_MS 86400000.0
#define API_TOKENS_PRIORITY    4

struct api_waiting {
    struct http_exchange *exchange;  /* held */
    struct operator_token token;
    int64_t end_us;
    struct api_waiting *next;
};

/* ---- answers ---- */

static const struct core_token_view *api_tokens_find(const struct core_outputs *out, const struct operator_token *token)
{
    for (int32_t i = 0; i < out->token_count; i++) {
        const struct core_token_view *view = &core_outputs_tokens(out)[i];

        if (view->client == token->client && view->version >= token->version)
            return view;
    }
    return NULL;
}

/* True: it was answered. */
static bool api_tokens_answer(struct operator *op, const struct api_waiting *waiting, int64_t now_us)
{
    struct api_request request = { .op = op, .exchange = waiting->exchange };
    const struct core_outputs *out = op->calls.outputs(op->calls.arg);
    const struct core_token_view *view = out ? api_tokens_find(out, &waiting->token) : NULL;
    struct json_object *to;

    /* The whole snapshot only now: it counts more than an answer needs 500 times a second. */
    if (view)
        view = api_snapshot(&request) ? NULL : api_tokens_find(request.snap.outputs, &waiting->token);
    if (view) {
        to = json_object_new_object();
        tokens_json_one(&request.snap, view, to);
        api_reply(&request, to);
    } else if (now_us >= waiting->end_us) {
        api_refuse(&request, 503, "not answered yet: GET /v1/tokens shows what becomes of it");
    } else {
        return false;
    }
    return true;
}

static void api_tokens_arm(struct operator *op)
{
    struct timeval look = { .tv_usec = API_TOKENS_LOOK_US };

    if (op->waiting)
        (void)evtimer_add(op->waiting_timer, &look);
}

static void api_tokens_look(evutil_socket_t fd, short what, void *arg)
{
    struct operator *op = arg;
    struct api_waiting **at = &op->waiting;
    int64_t now_us = clock_now_us();

    (void)fd;
    (void)what;
    while (*at) {
        struct api_waiting *waiting = *at;

        if (!api_tokens_answer(op, waiting, now_us)) {
            at = &waiting->next;
            continue;
        }
        *at = waiting->next;
        free(waiting);
    }
    api_tokens_arm(op);
}

static void api_tokens_wait(struct api_request *request, const struct operator_token *token)
{
    struct operator *op = request->op;
    struct api_waiting *waiting = calloc(1, sizeof *waiting);
    int64_t most_us = 4 * request->snap.stats->period_us;

    if (!op->waiting_timer)
        op->waiting_timer = evtimer_new(op->base, api_tokens_look, op);
    if (waiting && op->waiting_timer)
        waiting->exchange = http_exchange_hold(request->exchange);
    if (!waiting || !waiting->exchange) {
        free(waiting);
        api_refuse(request, 500, "out of memory");
        return;
    }
    waiting->token = *token;
    waiting->end_us = clock_now_us() + (most_us > API_TOKENS_WAIT_MIN_US ? most_us : API_TOKENS_WAIT_MIN_US);
    waiting->next = op->waiting;
    op->waiting = waiting;
    api_tokens_arm(op);
}

void api_tokens_end(struct operator *op)
{
    while (op->waiting) {
        struct api_waiting *waiting = op->waiting;
        struct api_request request = { .op = op, .exchange = waiting->exchange };

        op->waiting = waiting->next;
        api_refuse(&request, 503, "the daemon stops");
        free(waiting);
    }
    if (op->waiting_timer)
        event_free(op->waiting_timer);
    op->waiting_timer = NULL;
}

/* ---- wishes ---- */

/* The client of the path; NULL: refused already. */
static const char *api_tokens_client(struct api_request *request)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:@";
    const char *client = http_exchange_rest(request->exchange);
    size_t length = strlen(client);

    if (length > 0 && length < OPERATOR_CLIENT_MAX && strspn(client, letters) == length)
        return client;
    api_refuse(request, 400, "the client must be a name of 1 to %d letters, digits, - _ . : @", OPERATOR_CLIENT_MAX - 1);
    return NULL;
}

static int32_t api_tokens_node(const struct api_request *request, const char *name)
{
    for (int32_t n = 0; n < request->snap.names->node_count; n++)
        if (strcmp(request->snap.names->nodes[n], name) == 0)
            return n;
    return CORE_NONE;
}

static double api_tokens_number(struct json_object *value)
{
    bool number = json_object_is_type(value, json_type_int) || json_object_is_type(value, json_type_double);

    return number ? json_object_get_double(value) : NAN;
}

/* One key of the body into the wish; NULL: well, else what it must be. */
static const char *api_tokens_key(const struct api_request *request, const char *key, struct json_object *value,
                                  struct operator_wish *wish)
{
    double number = api_tokens_number(value);

    if (strcmp(key, "node") == 0) {
        wish->node = json_object_is_type(value, json_type_string)
                         ? api_tokens_node(request, json_object_get_string(value)) : CORE_NONE;
        return wish->node == CORE_NONE ? "must name a node: see GET /v1/nodes" : NULL;
    }
    if (strcmp(key, "amount_w") == 0) {
        wish->amount_w = number;
        return number >= 0.0 && number <= API_TOKENS_AMOUNT_MAX ? NULL : "must be a number of watts, 0 to 1e8";
    }
    if (strcmp(key, "duration_ms") == 0) {
        wish->duration_us = number >= 1.0 && number <= API_TOKENS_DURATION_MAX_MS ? llround(number * 1e3) : 0;
        return wish->duration_us > 0 ? NULL : "must be a number of milliseconds, 1 to 86400000";
    }
    if (strcmp(key, "priority") == 0) {
        bool good = number == floor(number) && number >= 0.0 && number < CORE_PRIORITIES;

        wish->priority = good ? (int32_t)number : 0;
        return good ? NULL : "must be a whole number, 0 (first to lose) to 7";
    }
    return "is no key of this body: node, amount_w, duration_ms, priority";
}

/* False: refused already. */
static bool api_tokens_read(struct api_request *request, struct operator_wish *wish)
{
    struct json_object *body = api_body(request);
    const char *wrong = NULL;

    if (!body) {
        api_refuse(request, 400, "the body must be {\"node\": \"NAME\", \"amount_w\": W, \"duration_ms\": MS, \"priority\": 0 to 7}");
        return false;
    }
    json_object_object_foreach(body, key, value) {
        wrong = api_tokens_key(request, key, value, wish);
        if (wrong) {
            api_refuse(request, 400, "%s: %s", key, wrong);
            break;
        }
    }
    json_object_put(body);
    if (wrong)
        return false;
    if (wish->node != CORE_NONE && !isnan(wish->amount_w) && (wish->duration_us > 0 || wish->amount_w == 0.0))
        return true;
    api_refuse(request, 400, "%s is missing",
               wish->node == CORE_NONE ? "node" : isnan(wish->amount_w) ? "amount_w" : "duration_ms");
    return false;
}

static void api_tokens_ask(struct api_request *request, const struct operator_wish *wish)
{
    const struct operator_calls *calls = &request->op->calls;
    struct operator_token token;
    enum status st = calls->token(calls->arg, wish, &token);

    if (st == ST_OK)
        api_tokens_wait(request, &token);
    else if (st == ST_NONE)
        api_refuse(request, 404, "client '%s' holds nothing and asked for nothing", wish->client);
    else
        api_refuse(request, 409, "there is no room for another client (%s): tokens.clients_max", status_label(st));
}

void api_tokens_put(struct api_request *request)
{
    struct operator_wish wish = { .node = CORE_NONE, .priority = API_TOKENS_PRIORITY, .amount_w = NAN };

    wish.client = api_tokens_client(request);
    if (wish.client && api_tokens_read(request, &wish))
        api_tokens_ask(request, &wish);
}

void api_tokens_delete(struct api_request *request)
{
    struct operator_wish wish = { .priority = API_TOKENS_PRIORITY };

    wish.client = api_tokens_client(request);
    if (wish.client)
        api_tokens_ask(request, &wish);
}

void api_tokens_list(struct api_request *request)
{
    api_reply(request, tokens_json(&request->snap));
}
