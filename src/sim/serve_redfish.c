/* SPDX-License-Identifier: Apache-2.0 */
/* serve_redfish.c: owns the simulated BMCs: their HTTP servers, connections, how
 * late each answer is and what is broken. Runs on the base it is given; never
 * blocks.
 *
 * A request is worked on when its answer is due, so a client that gave up
 * waiting for a PATCH finds it executed all the same.
 */
#include "serve_redfish_events.h"
#include "serve_redfish_extra.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <json-c/json.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "busbar/check.h"
#include "busbar/clock.h"
#include "busbar/log.h"
#include "serve_wire.h"

#define REDFISH_ROOT     "/redfish/v1"
#define REDFISH_SESSIONS REDFISH_ROOT "/SessionService/Sessions"
#define REDFISH_BODY_MAX 65536
#define REDFISH_HEAD_MAX 16384
#define REDFISH_IDLE_S   900    /* of a connection, as bmcweb              */
#define REDFISH_SWEEP_US 200000 /* how soon a client that left is noticed  */
#define REDFISH_STREAM   103

/* A request that waits for its time. */
struct redfish_pending {
    TAILQ_ENTRY(redfish_pending) entry;
    struct serve_redfish_bmc *bmc;
    struct evhttp_request *request;
    struct evhttp_connection *connection;
    int64_t due_us; /* INT64_MAX: it will never be answered    */
    bool dropped;   /* its connection is one too many          */
};

struct serve_redfish {
    struct serve_redfish_options opt;
    struct rng rng;
    double mu, sigma; /* of the answer's delay in ms, log-normal */
    int64_t timeout_us;
    struct serve_wire_timer *timer, *sweep;
    TAILQ_HEAD(redfish_pendings, redfish_pending) pendings;
    struct serve_redfish_bmc bmcs[PLANT_NODES_MAX];
};

struct plant *serve_redfish_plant(const struct serve_redfish_bmc *bmc)
{
    return bmc->redfish->opt.plant;
}

struct faults *serve_redfish_faults(const struct serve_redfish_bmc *bmc)
{
    return bmc->redfish->opt.faults;
}

int64_t serve_redfish_timeout_us(const struct serve_redfish_bmc *bmc)
{
    return bmc->redfish->timeout_us;
}

struct rng *serve_redfish_rng(struct serve_redfish_bmc *bmc)
{
    return &bmc->redfish->rng;
}

static struct fault *serve_redfish_fault(struct serve_redfish_bmc *bmc, enum fault_kind kind)
{
    struct faults *faults = bmc->redfish->opt.faults;

    return faults ? faults_hit(faults, FAULT_BMC, bmc->node, kind) : NULL;
}

/* ---- latency ---- */

/* The log-normal whose median is p50 and that meets p95 and p99 best (least
 * squares over their logarithms; 1.6449 and 2.3263 are the normal's quantiles). */
static void serve_redfish_fit(struct serve_redfish *redfish)
{
    static const double z95 = 1.6448536269514722, z99 = 2.3263478740408408;
    const struct serve_redfish_options *opt = &redfish->opt;

    if (opt->p50_ms <= 0.0)
        return;
    redfish->mu = log(opt->p50_ms);
    redfish->sigma = (z95 * log(fmax(opt->p95_ms, opt->p50_ms) / opt->p50_ms) +
                      z99 * log(fmax(opt->p99_ms, opt->p50_ms) / opt->p50_ms)) /
                     (z95 * z95 + z99 * z99);
}

static int64_t serve_redfish_delay_us(struct serve_redfish_bmc *bmc)
{
    struct serve_redfish *redfish = bmc->redfish;
    struct fault *slow = serve_redfish_fault(bmc, FAULT_SLOW);
    double ms = 0.0;

    if (redfish->opt.p50_ms > 0.0)
        ms = exp(redfish->mu + redfish->sigma * serve_wire_normal(&redfish->rng));
    if (slow)
        ms += faults_value(slow, FAULT_SLOW);
    return (int64_t)(ms * 1000.0);
}

/* ---- answering ---- */

static void serve_redfish_headers(struct evhttp_request *request, const struct serve_redfish_answer *answer,
                                  const char *etag)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    char text[16];

    evhttp_add_header(headers, "OData-Version", "4.0");
    if (answer->body)
        evhttp_add_header(headers, "Content-Type", "application/json");
    if (etag[0] != '\0')
        evhttp_add_header(headers, "ETag", etag);
    if (answer->location[0] != '\0')
        evhttp_add_header(headers, "Location", answer->location);
    if (answer->token[0] != '\0')
        evhttp_add_header(headers, "X-Auth-Token", answer->token);
    if (answer->allow[0] != '\0')
        evhttp_add_header(headers, "Allow", answer->allow);
    if (answer->challenge)
        evhttp_add_header(headers, "WWW-Authenticate", "Basic realm=\"Redfish\"");
    if (answer->retry_after_s > 0) {
        (void)snprintf(text, sizeof text, "%d", answer->retry_after_s);
        evhttp_add_header(headers, "Retry-After", text);
    }
}

static const char *serve_redfish_reason(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 201:
        return "Created";
    case 202:
        return "Accepted";
    case 204:
        return "No Content";
    case 304:
        return "Not Modified";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 412:
        return "Precondition Failed";
    default:
        return "Service Unavailable";
    }
}

static void serve_redfish_send(struct evhttp_request *request, struct serve_redfish_answer *answer)
{
    const char *none_match = evhttp_find_header(evhttp_request_get_input_headers(request), "If-None-Match");
    bool get = evhttp_request_get_command(request) == EVHTTP_REQ_GET;
    struct evbuffer *body = evbuffer_new();
    char etag[24] = "";

    if (answer->body && answer->status == 200) {
        serve_redfish_etag(answer->body, etag);
        if (get && none_match && strcmp(none_match, etag) == 0) {
            json_object_put(answer->body);
            answer->body = NULL;
            answer->status = 304;
        }
    }
    if (answer->body && body)
        evbuffer_add_printf(body, "%s",
                            json_object_to_json_string_ext(answer->body, JSON_C_TO_STRING_PLAIN |
                                                                             JSON_C_TO_STRING_NOSLASHESCAPE));
    serve_redfish_headers(request, answer, etag);
    evhttp_send_reply(request, answer->status, serve_redfish_reason(answer->status), body);
    if (body)
        evbuffer_free(body);
    json_object_put(answer->body);
}

static void serve_redfish_get(struct serve_redfish_bmc *bmc, const struct serve_redfish_request *request,
                              struct serve_redfish_answer *answer)
{
    if (serve_redfish_has_extras(bmc) && serve_redfish_task_get(bmc, request, answer))
        return;
    answer->stream = serve_redfish_has_extras(bmc) && strcmp(request->path, SERVE_REDFISH_SSE) == 0;
    if (answer->stream) {
        answer->status = 200;
        return;
    }
    answer->body = serve_redfish_resource(bmc, request->path, request->now_us);
    answer->status = 200;
    if (!answer->body)
        serve_redfish_error(answer, 404, "ResourceMissingAtURI", "There is no resource at this URI.");
}

static void serve_redfish_not_allowed(struct serve_redfish_bmc *bmc,
                                      const struct serve_redfish_request *request,
                                      struct serve_redfish_answer *answer)
{
    struct json_object *there = serve_redfish_resource(bmc, request->path, request->now_us);

    if (there) {
        serve_redfish_error(answer, 405, "OperationNotAllowed", "The resource does not allow this.");
        (void)snprintf(answer->allow, sizeof answer->allow, "GET");
    } else {
        serve_redfish_error(answer, 404, "ResourceMissingAtURI", "There is no resource at this URI.");
    }
    json_object_put(there);
}

static bool serve_redfish_open_to_all(enum evhttp_cmd_type command, const char *path)
{
    if (command == EVHTTP_REQ_POST)
        return strcmp(path, REDFISH_SESSIONS) == 0;
    return command == EVHTTP_REQ_GET && (strcmp(path, "/redfish") == 0 || strcmp(path, REDFISH_ROOT) == 0);
}

static void serve_redfish_refuse(struct serve_redfish_bmc *bmc, struct serve_redfish_answer *answer)
{
    serve_redfish_error(answer, 401, "ResourceAtUriUnauthorized", "Log in first.");
    answer->challenge = true;
    bmc->counts.unauthorised++;
}

bool serve_redfish_has_extras(const struct serve_redfish_bmc *bmc)
{
    return bmc->redfish->opt.extras;
}

void serve_redfish_answer_done(struct serve_redfish_answer *answer)
{
    json_object_put(answer->body);
    answer->body = NULL;
}

void serve_redfish_write(struct serve_redfish_bmc *bmc, const struct serve_redfish_request *request,
                         struct serve_redfish_answer *answer)
{
    bool extras = serve_redfish_has_extras(bmc);

    if (!request->post && serve_redfish_gpu(bmc, request->path) >= 0)
        serve_redfish_patch(bmc, request, answer);
    else if (!(extras && request->post && serve_redfish_extra_post(bmc, request, answer)) &&
             !(extras && !request->post && serve_redfish_extra_patch(bmc, request, answer)))
        serve_redfish_not_allowed(bmc, request, answer);
}

static void serve_redfish_act(struct serve_redfish_bmc *bmc, enum evhttp_cmd_type command,
                              const struct serve_redfish_request *request,
                              struct serve_redfish_answer *answer)
{
    struct fault *busy = serve_redfish_fault(bmc, FAULT_HTTP_503);

    if (busy) {
        serve_redfish_error(answer, 503, "ServiceTemporarilyUnavailable", "The service is busy.");
        answer->retry_after_s = (int32_t)fmin(fmax(faults_value(busy, FAULT_HTTP_503), 1.0), 86400.0);
        return;
    }
    if (serve_redfish_fault(bmc, FAULT_HTTP_401)) {
        serve_redfish_forget(bmc);
        serve_redfish_refuse(bmc, answer);
        return;
    }
    if (!serve_redfish_open_to_all(command, request->path) && !serve_redfish_allowed(bmc, request)) {
        serve_redfish_refuse(bmc, answer);
        return;
    }
    serve_redfish_task_run(bmc, request->now_us);
    if (command == EVHTTP_REQ_GET)
        serve_redfish_get(bmc, request, answer);
    else if (command == EVHTTP_REQ_POST && strcmp(request->path, REDFISH_SESSIONS) == 0)
        serve_redfish_login(bmc, request, answer);
    else if (command == EVHTTP_REQ_PATCH && serve_redfish_has_extras(bmc) &&
             serve_redfish_task_take(bmc, request, answer))
        return;
    else if (command == EVHTTP_REQ_PATCH || command == EVHTTP_REQ_POST)
        serve_redfish_write(bmc, request, answer);
    else if (command == EVHTTP_REQ_DELETE &&
             strncmp(request->path, REDFISH_SESSIONS "/", strlen(REDFISH_SESSIONS "/")) == 0)
        serve_redfish_logout(bmc, request, answer);
    else
        serve_redfish_not_allowed(bmc, request, answer);
    if (answer->status == 401)
        bmc->counts.unauthorised++;
}

/* A path without query and without a trailing slash. False: too long to exist. */
static bool serve_redfish_path(const struct evhttp_request *request, char *path, size_t room)
{
    const char *uri = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));
    size_t size = uri ? strlen(uri) : 0;

    while (size > 1 && uri[size - 1] == '/')
        size--;
    if (size >= room)
        return false;
    memcpy(path, uri ? uri : "", size);
    path[size] = '\0';
    return true;
}

static void serve_redfish_answer(struct serve_redfish_bmc *bmc, struct evhttp_request *request,
                                 struct serve_redfish_answer *answer)
{
    struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    struct evbuffer *input = evhttp_request_get_input_buffer(request);
    size_t size = evbuffer_get_length(input);
    char path[SERVE_REDFISH_TEXT];
    char *body = calloc(1, size + 1);
    struct serve_redfish_request seen = {
        .path = path,
        .body = body,
        .token = evhttp_find_header(headers, "X-Auth-Token"),
        .authorization = evhttp_find_header(headers, "Authorization"),
        .if_match = evhttp_find_header(headers, "If-Match"),
        .post = evhttp_request_get_command(request) == EVHTTP_REQ_POST,
        .now_us = clock_now_us(),
    };
    uint32_t resets = bmc->redfish->opt.plant->bmc_resets[bmc->node];

    if (resets != bmc->resets_seen) { /* it started anew: nobody is logged in */
        bmc->resets_seen = resets;
        serve_redfish_forget(bmc);
    }
    if (!body || !serve_redfish_path(request, path, sizeof path)) {
        serve_redfish_error(answer, 404, "ResourceMissingAtURI", "There is no resource at this URI.");
    } else {
        evbuffer_copyout(input, body, size);
        serve_redfish_act(bmc, evhttp_request_get_command(request), &seen, answer);
    }
    free(body);
}

/* ---- requests that wait ---- */

static void serve_redfish_arm(struct serve_redfish *redfish)
{
    const struct redfish_pending *pending;
    int64_t first_us = INT64_MAX;

    TAILQ_FOREACH(pending, &redfish->pendings, entry)
    {
        if (pending->due_us < first_us)
            first_us = pending->due_us;
    }
    if (first_us == INT64_MAX)
        serve_wire_timer_stop(redfish->timer);
    else
        serve_wire_timer_at(redfish->timer, first_us);
}

static void serve_redfish_finish(struct redfish_pending *pending)
{
    struct serve_redfish_answer answer = {.status = 500};
    struct serve_redfish_bmc *bmc = pending->bmc;
    struct evhttp_request *request = pending->request;
    struct evhttp_connection *connection = pending->connection;
    bool dropped = pending->dropped;

    TAILQ_REMOVE(&bmc->redfish->pendings, pending, entry);
    free(pending);
    if (!dropped)
        serve_redfish_answer(bmc, request, &answer);
    if (dropped || serve_redfish_fault(bmc, FAULT_DROP)) { /* it acted, and nobody is told */
        json_object_put(answer.body);
        evhttp_connection_free(connection);
        return;
    }
    if (answer.status == 200 && answer.stream) {
        json_object_put(answer.body);
        answer = (struct serve_redfish_answer){.status = 503};
        if (serve_redfish_events_begin(bmc, request))
            return;
    }
    serve_redfish_send(request, &answer);
}

static void serve_redfish_due(void *arg)
{
    struct serve_redfish *redfish = arg;
    int64_t now_us = clock_now_us();
    struct redfish_pending *pending, *next;

    for (pending = TAILQ_FIRST(&redfish->pendings); pending; pending = next) {
        next = TAILQ_NEXT(pending, entry);
        if (pending->due_us <= now_us)
            serve_redfish_finish(pending);
    }
    serve_redfish_arm(redfish);
}

static bool serve_redfish_left(struct evhttp_connection *connection)
{
    int fd = bufferevent_getfd(evhttp_connection_get_bufferevent(connection));
    char byte;

    return fd >= 0 && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* evhttp does not read a connection while its request waits, so a client that
 * left goes unseen. What would write is worked on all the same; a connection
 * that is never answered goes. */
static void serve_redfish_sweep(void *arg)
{
    struct serve_redfish *redfish = arg;
    struct redfish_pending *pending, *next;

    for (pending = TAILQ_FIRST(&redfish->pendings); pending; pending = next) {
        next = TAILQ_NEXT(pending, entry);
        bool reads = evhttp_request_get_command(pending->request) == EVHTTP_REQ_GET;

        if ((reads || pending->due_us == INT64_MAX) && serve_redfish_left(pending->connection))
            evhttp_connection_free(pending->connection); /* its close call-back forgets the request */
    }
    for (int32_t node = 0; redfish->opt.extras && node < redfish->opt.plant->node_count; node++) {
        serve_redfish_task_run(&redfish->bmcs[node], clock_now_us());
        serve_redfish_events_run(&redfish->bmcs[node], clock_now_us());
    }
    serve_wire_timer_at(redfish->sweep, clock_now_us() + REDFISH_SWEEP_US);
}

/* ---- connections ---- */

static void serve_redfish_closed(struct evhttp_connection *connection, void *arg)
{
    struct serve_redfish_bmc *bmc = arg;
    struct redfish_pending *pending, *next;

    serve_redfish_events_closed(bmc, connection);
    for (int32_t i = 0; i < SERVE_REDFISH_CONNECTIONS; i++) {
        if (bmc->connections[i] == connection) {
            bmc->connections[i] = NULL;
            bmc->counts.connections--;
        }
    }
    for (pending = TAILQ_FIRST(&bmc->redfish->pendings); pending; pending = next) {
        next = TAILQ_NEXT(pending, entry);
        if (pending->connection != connection)
            continue;
        TAILQ_REMOVE(&bmc->redfish->pendings, pending, entry);
        free(pending);
    }
}

/* A connection counts from its first request, which is when evhttp first shows
 * it. False: it is one too many. */
static bool serve_redfish_admit(struct serve_redfish_bmc *bmc, struct evhttp_connection *connection)
{
    struct evhttp_connection **slot = NULL;

    for (int32_t i = 0; i < SERVE_REDFISH_CONNECTIONS; i++) {
        if (bmc->connections[i] == connection)
            return true;
        if (!bmc->connections[i] && !slot)
            slot = &bmc->connections[i];
    }
    if (!slot) {
        bmc->counts.connections_refused++;
        return false;
    }
    *slot = connection;
    evhttp_connection_set_closecb(connection, serve_redfish_closed, bmc);
    bmc->counts.connections++;
    if (bmc->counts.connections > bmc->counts.connections_max)
        bmc->counts.connections_max = bmc->counts.connections;
    return true;
}

static void serve_redfish_count(struct serve_redfish_bmc *bmc, enum evhttp_cmd_type command)
{
    bmc->counts.gets += command == EVHTTP_REQ_GET ? 1 : 0;
    bmc->counts.patches += command == EVHTTP_REQ_PATCH ? 1 : 0;
    bmc->counts.posts += command == EVHTTP_REQ_POST ? 1 : 0;
    bmc->counts.deletes += command == EVHTTP_REQ_DELETE ? 1 : 0;
}

static void serve_redfish_request(struct evhttp_request *request, void *arg)
{
    struct serve_redfish_bmc *bmc = arg;
    struct redfish_pending *pending = calloc(1, sizeof *pending);

    if (!pending) {
        evhttp_send_error(request, 503, NULL);
        return;
    }
    pending->bmc = bmc;
    pending->request = request;
    pending->connection = evhttp_request_get_connection(request);
    pending->dropped = !serve_redfish_admit(bmc, pending->connection);
    if (!pending->dropped) {
        serve_redfish_count(bmc, evhttp_request_get_command(request));
        pending->due_us =
            serve_redfish_fault(bmc, FAULT_SILENT) ? INT64_MAX : clock_now_us() + serve_redfish_delay_us(bmc);
    }
    TAILQ_INSERT_TAIL(&bmc->redfish->pendings, pending, entry);
    serve_redfish_arm(bmc->redfish);
}

/* ---- BMCs ---- */

static enum status serve_redfish_bind(struct serve_redfish_bmc *bmc)
{
    int32_t first = bmc->redfish->opt.first_port;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    struct evhttp_bound_socket *bound;
    int yes = 1;
    int fd;

    bound =
        evhttp_bind_socket_with_handle(bmc->http, "127.0.0.1", (uint16_t)(first > 0 ? first + bmc->node : 0));
    if (!bound) {
        LOG(ERR, "serve_redfish", "cannot listen for node %d: %s", bmc->node + 1, strerror(errno));
        return ST_SYS;
    }
    fd = evhttp_bound_socket_get_fd(bound);
    /* Inherited by what it accepts: else every answer waits for an ACK. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return ST_SYS;
    bmc->port = ntohs(address.sin_port);
    return ST_OK;
}

static enum status serve_redfish_bmc(struct serve_redfish *redfish, int32_t node)
{
    struct serve_redfish_bmc *bmc = &redfish->bmcs[node];
    const struct plant *plant = redfish->opt.plant;

    bmc->redfish = redfish;
    bmc->node = node;
    bmc->resets_seen = plant->bmc_resets[node];
    bmc->node_limit_w = (double)NAN;
    for (int32_t n = 0; n < SERVE_REDFISH_GPUS_MAX; n++)
        bmc->extras[n] = (struct serve_redfish_extra){
            .edpp = 100.0,
            .ramps = {.floor_percent = 60.0, .up_w_s = 100.0, .down_w_s = 100.0, .hysteresis_s = 1.0},
            .overrides = {.floor_percent = 60.0, .up_w_s = 100.0, .down_w_s = 100.0, .hysteresis_s = 1.0}};
    for (int32_t i = 0; i < plant->gpu_count; i++) {
        if (plant->gpus[i].node == node && bmc->gpu_count < SERVE_REDFISH_GPUS_MAX)
            bmc->gpus[bmc->gpu_count++] = i;
    }
    bmc->http = evhttp_new(redfish->opt.base);
    if (!bmc->http)
        return ST_NOMEM;
    evhttp_set_allowed_methods(bmc->http,
                               EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_PATCH | EVHTTP_REQ_DELETE);
    evhttp_set_max_body_size(bmc->http, REDFISH_BODY_MAX);
    evhttp_set_max_headers_size(bmc->http, REDFISH_HEAD_MAX);
    evhttp_set_timeout(bmc->http, REDFISH_IDLE_S);
    evhttp_set_default_content_type(bmc->http, NULL);
    evhttp_set_gencb(bmc->http, serve_redfish_request, bmc);
    return serve_redfish_bind(bmc);
}

enum status serve_redfish_new(const struct serve_redfish_options *opt, struct serve_redfish **ret)
{
    enum status st;
    struct serve_redfish *redfish = calloc(1, sizeof *redfish);

    if (!redfish)
        return ST_NOMEM;
    CHECK(opt->base && opt->plant && opt->plant->node_count <= PLANT_NODES_MAX);
    TAILQ_INIT(&redfish->pendings);
    redfish->opt = *opt;
    redfish->timeout_us = INT64_C(1800000000);
    rng_init(&redfish->rng, opt->seed, REDFISH_STREAM);
    serve_redfish_fit(redfish);
    st = serve_wire_timer_new(opt->base, serve_redfish_due, redfish, &redfish->timer);
    if (st == ST_OK)
        st = serve_wire_timer_new(opt->base, serve_redfish_sweep, redfish, &redfish->sweep);
    for (int32_t node = 0; node < opt->plant->node_count && st == ST_OK; node++)
        st = serve_redfish_bmc(redfish, node);
    if (st != ST_OK) {
        serve_redfish_free(redfish);
        return st;
    }
    serve_redfish_sweep(redfish);
    *ret = redfish;
    return ST_OK;
}

struct serve_redfish *serve_redfish_free(struct serve_redfish *redfish)
{
    if (!redfish)
        return NULL;
    for (int32_t node = 0; node < PLANT_NODES_MAX; node++) {
        if (redfish->bmcs[node].http)
            evhttp_free(redfish->bmcs[node].http); /* closes connections, and so forgets what waits */
    }
    serve_wire_timer_free(redfish->timer);
    serve_wire_timer_free(redfish->sweep);
    free(redfish);
    return NULL;
}

int serve_redfish_port(const struct serve_redfish *redfish, int32_t node)
{
    CHECK(node >= 0 && node < redfish->opt.plant->node_count);
    return redfish->bmcs[node].port;
}

struct serve_redfish_counts serve_redfish_counts(const struct serve_redfish *redfish, int32_t node)
{
    struct serve_redfish_counts counts;

    CHECK(node >= 0 && node < redfish->opt.plant->node_count);
    counts = redfish->bmcs[node].counts;
    counts.sessions = serve_redfish_sessions(&redfish->bmcs[node], clock_now_us());
    return counts;
}

void serve_redfish_session_timeout(struct serve_redfish *redfish, double seconds)
{
    redfish->timeout_us = (int64_t)(seconds * 1e6);
}
