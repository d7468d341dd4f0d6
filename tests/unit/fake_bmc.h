/* SPDX-License-Identifier: Apache-2.0 */
/* fake_bmc.h: a BMC with four GPUs on a test's own event base, made to misbehave.
 *
 * It counts what it was asked and by whom: connections, logins, living sessions.
 * Its JSON is written here by hand, not by the code under test.
 */
#ifndef TEST_FAKE_BMC_H
#define TEST_FAKE_BMC_H

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <event2/event.h>

#define FAKE_GPUS 4
#define FAKE_PATH "/redfish/v1/Systems/HGX_Baseboard_0/Processors/GPU %d/EnvironmentMetrics"

#define FAKE_TASK "/redfish/v1/TaskService/Tasks/1"

struct fake_late {
    struct fake_bmc *bmc;
    int gpu, limit_w;
    struct event *event;
};

struct fake_bmc {
    struct event_base *base;
    struct evhttp *http;
    char url[64];
    /* what it is */
    int limit_w[FAKE_GPUS], min_w, max_w;
    bool disabled[FAKE_GPUS];
    const char *extra; /* more members of PowerLimitWatts               */
    const char *uuid;
    bool unknown_yet; /* swapped, and nobody asked who it is             */
    /* how it behaves */
    bool hang;      /* answers nothing at all                        */
    bool slow_gpus; /* answers everything but GPUs                   */
    int hold;       /* answers so many GETs of a GPU never           */
    int refuse;     /* so many 401s to good tokens                   */
    int get_code, patch_code, login_code;
    const char *body, *retry_after; /* of an answer with one of these codes          */
    bool no_location;
    int padding;        /* so much longer are tokens and sessions' names   */
    bool lie;           /* accepts and changes nothing                   */
    bool cut;           /* closes once it has read a PATCH               */
    bool cut_unapplied; /*   and leaves things as they are               */
    int late_ms;        /* applies so much later                         */
    int looks;          /* answers a PATCH with a task, and so many looks at it that it runs */
    int task_gpu, task_w;
    int etag;           /* 1: wants it as given; 2: without W/           */
    /* what it saw */
    int connections, logins, logouts, basics, gets, patches, unknown, wrong_bodies;
    int blind; /* PATCHes to one that is `unknown_yet`           */
    int sessions, sessions_most;
    int token; /* number in the valid token; 0: none            */
    struct fake_late late[16];
    int late_count;
};

static inline void fake_send(struct evhttp_request *request, int code, const char *body)
{
    struct evbuffer *buffer = evbuffer_new();

    (void)evbuffer_add_printf(buffer, "%s", body);
    (void)evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", "application/json");
    evhttp_send_reply(request, code, NULL, buffer);
    evbuffer_free(buffer);
}

static inline void fake_send_trouble(struct fake_bmc *bmc, struct evhttp_request *request, int code)
{
    if (bmc->retry_after)
        (void)evhttp_add_header(evhttp_request_get_output_headers(request), "Retry-After", bmc->retry_after);
    fake_send(request, code, bmc->body ? bmc->body : "{\"error\":{\"code\":\"Base.1.0.GeneralError\"}}");
}

static inline const char *fake_header(struct evhttp_request *request, const char *name)
{
    const char *value = evhttp_find_header(evhttp_request_get_input_headers(request), name);

    return value ? value : "";
}

static inline void fake_body(struct evhttp_request *request, char *to, size_t room)
{
    struct evbuffer *input = evhttp_request_get_input_buffer(request);
    ev_ssize_t size = evbuffer_copyout(input, to, room - 1);

    to[size > 0 ? size : 0] = '\0';
}

#define FAKE_TEXT_MAX 8192

/* Something's name and number, as long as this BMC makes them. */
static inline const char *fake_long(const struct fake_bmc *bmc, const char *name, char text[FAKE_TEXT_MAX])
{
    int size = snprintf(text, FAKE_TEXT_MAX, "%s%d", name, bmc->token);

    memset(text + size, 'x', (size_t)bmc->padding);
    text[size + bmc->padding] = '\0';
    return text;
}

/* "token-3" of a living session, or root:secret in Basic. */
static inline bool fake_known(struct fake_bmc *bmc, struct evhttp_request *request)
{
    char want[FAKE_TEXT_MAX];

    if (strcmp(fake_header(request, "Authorization"), "Basic cm9vdDpzZWNyZXQ=") == 0) {
        bmc->basics++;
        return true;
    }
    return bmc->token > 0 && strcmp(fake_header(request, "X-Auth-Token"), fake_long(bmc, "token-", want)) == 0;
}

static inline void fake_on_login(struct fake_bmc *bmc, struct evhttp_request *request)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    char body[FAKE_TEXT_MAX + 64], text[FAKE_TEXT_MAX], name[FAKE_TEXT_MAX];

    bmc->logins++;
    fake_body(request, body, sizeof body);
    if (bmc->login_code) {
        fake_send_trouble(bmc, request, bmc->login_code);
        return;
    }
    if (strcmp(body, "{\"UserName\":\"root\",\"Password\":\"secret\"}") != 0) {
        fake_send(request, 401, "{\"error\":{\"message\":\"no such user\"}}");
        return;
    }
    bmc->token = bmc->logins;
    bmc->sessions++;
    if (bmc->sessions > bmc->sessions_most)
        bmc->sessions_most = bmc->sessions;
    (void)evhttp_add_header(headers, "X-Auth-Token", fake_long(bmc, "token-", text));
    (void)fake_long(bmc, "/redfish/v1/SessionService/Sessions/", name);
    (void)snprintf(text, sizeof text, "%.64s%.8000s", bmc->url, name);
    if (!bmc->no_location)
        (void)evhttp_add_header(headers, "Location", text);
    (void)snprintf(body, sizeof body, "{\"@odata.id\":\"%s\"}", name);
    fake_send(request, bmc->no_location ? 200 : 201, body);
}

static inline void fake_on_logout(struct fake_bmc *bmc, struct evhttp_request *request, const char *path)
{
    char name[FAKE_TEXT_MAX];

    if (!fake_known(bmc, request) || strcmp(strrchr(path, '/'), fake_long(bmc, "/", name)) != 0) {
        fake_send(request, 401, "{}");
        return;
    }
    bmc->logouts++;
    bmc->sessions--;
    bmc->token = 0;
    fake_send(request, 204, "");
}

static inline void fake_on_get(struct fake_bmc *bmc, struct evhttp_request *request, int gpu)
{
    char body[640], etag[40];

    bmc->gets++;
    if (bmc->hold > 0) {
        bmc->hold--;
        return; /* kept until the server is freed */
    }
    (void)snprintf(etag, sizeof etag, "W/\"%d\"", bmc->limit_w[gpu]);
    if (bmc->etag)
        (void)evhttp_add_header(evhttp_request_get_output_headers(request), "ETag", etag);
    if (bmc->get_code) {
        fake_send_trouble(bmc, request, bmc->get_code);
        return;
    }
    (void)snprintf(
        body, sizeof body,
        "{\"PowerWatts\":{\"Reading\":%d.5},\"EnergyJoules\":{\"Reading\":1000},\"PowerLimitWatts\":{"
        "\"SetPoint\":%d,\"AllowableMin\":%d,\"AllowableMax\":%d,\"ControlMode\":\"%s\"%s}}",
        100 + gpu, bmc->limit_w[gpu], bmc->min_w, bmc->max_w, bmc->disabled[gpu] ? "Disabled" : "Automatic",
        bmc->extra ? bmc->extra : "");
    fake_send(request, 200, body);
}

static inline void fake_on_late(evutil_socket_t fd, short what, void *arg)
{
    struct fake_late *late = arg;

    (void)fd;
    (void)what;
    late->bmc->limit_w[late->gpu] = late->limit_w;
}

static inline void fake_apply(struct fake_bmc *bmc, int gpu, int limit_w)
{
    struct timeval wait = {.tv_sec = bmc->late_ms / 1000, .tv_usec = bmc->late_ms % 1000 * 1000};
    struct fake_late *late = &bmc->late[bmc->late_count % 16];

    if (bmc->lie || bmc->cut_unapplied)
        return;
    if (bmc->late_ms == 0) {
        bmc->limit_w[gpu] = limit_w;
        return;
    }
    bmc->late_count++;
    *late = (struct fake_late){.bmc = bmc, .gpu = gpu, .limit_w = limit_w};
    late->event = evtimer_new(bmc->base, fake_on_late, late);
    (void)event_add(late->event, &wait);
}

static inline bool fake_etag_ok(const struct fake_bmc *bmc, struct evhttp_request *request, int gpu)
{
    char want[40];

    (void)snprintf(want, sizeof want, "%s\"%d\"", bmc->etag == 1 ? "W/" : "", bmc->limit_w[gpu]);
    return bmc->etag == 0 || strcmp(fake_header(request, "If-Match"), want) == 0;
}

static inline void fake_on_patch(struct fake_bmc *bmc, struct evhttp_request *request, int gpu)
{
    char body[256], mode[32] = "";
    int limit_w = -1, fields;

    bmc->patches++;
    bmc->blind += bmc->unknown_yet;
    fake_body(request, body, sizeof body);
    fields = sscanf(body, "{\"PowerLimitWatts\":{\"SetPoint\":%d,\"ControlMode\":\"%31[A-Za-z]\"}}", &limit_w,
                    mode);
    if (fields < 1 || strcmp(body + strlen(body) - 2, "}}") != 0)
        bmc->wrong_bodies++;
    if (bmc->patch_code) {
        fake_send_trouble(bmc, request, bmc->patch_code);
        return;
    }
    if (!fake_etag_ok(bmc, request, gpu)) {
        fake_send(request, 412, "{}");
        return;
    }
    if (bmc->looks > 0) {
        bmc->task_gpu = gpu;
        bmc->task_w = limit_w;
        (void)evhttp_add_header(evhttp_request_get_output_headers(request), "Location", FAKE_TASK);
        fake_send(request, 202, "{}");
        return;
    }
    fake_apply(bmc, gpu, limit_w);
    if (mode[0])
        bmc->disabled[gpu] = strcmp(mode, "Disabled") == 0;
    if (bmc->cut || bmc->cut_unapplied) {
        struct evhttp_connection *connection = evhttp_request_get_connection(request);

        (void)shutdown(bufferevent_getfd(evhttp_connection_get_bufferevent(connection)), SHUT_RDWR);
    }
    fake_send(request, 204, "");
}

static inline void fake_on_gpu(struct fake_bmc *bmc, struct evhttp_request *request, int gpu)
{
    if (bmc->slow_gpus)
        return; /* kept until the server is freed */
    if (!fake_known(bmc, request)) {
        fake_send(request, 401, "{}");
        return;
    }
    if (bmc->refuse > 0) {
        bmc->refuse--;
        fake_send(request, 401, "{\"error\":{\"message\":\"try again\"}}");
        return;
    }
    if (evhttp_request_get_command(request) == EVHTTP_REQ_PATCH)
        fake_on_patch(bmc, request, gpu);
    else
        fake_on_get(bmc, request, gpu);
}

static inline void fake_on_request(struct evhttp_request *request, void *arg)
{
    const char *raw = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));
    char *path = evhttp_uridecode(raw, 0, NULL), gpu_path[128], body[160];
    enum evhttp_cmd_type command = evhttp_request_get_command(request);
    struct fake_bmc *bmc = arg;
    int gpu = FAKE_GPUS;

    for (int i = 0; i < FAKE_GPUS; i++) {
        (void)snprintf(gpu_path, sizeof gpu_path, FAKE_PATH, i);
        if (strcmp(path, gpu_path) == 0)
            gpu = i;
    }
    if (bmc->hang) {
        free(path);
        return;
    }
    if (gpu < FAKE_GPUS) {
        fake_on_gpu(bmc, request, gpu);
    } else if (strcmp(path, FAKE_TASK) == 0) {
        if (--bmc->looks == 0)
            fake_apply(bmc, bmc->task_gpu, bmc->task_w);
        fake_send(request, 200, bmc->looks > 0 ? "{\"TaskState\":\"Running\"}" : "{\"TaskState\":\"Completed\"}");
    } else if (strcmp(path, "/redfish/v1/") == 0) {
        (void)snprintf(body, sizeof body,
                       "{\"UUID\":\"%s\",\"Vendor\":\"Fake\",\"RedfishVersion\":\"1.15.0\"}", bmc->uuid);
        bmc->unknown_yet = false;
        fake_send(request, 200, body);
    } else if (command == EVHTTP_REQ_POST && strcmp(path, "/redfish/v1/SessionService/Sessions") == 0) {
        fake_on_login(bmc, request);
    } else if (command == EVHTTP_REQ_DELETE &&
               strncmp(path, "/redfish/v1/SessionService/Sessions/", 36) == 0) {
        fake_on_logout(bmc, request, path);
    } else {
        bmc->unknown++;
        fake_send(request, 404, "");
    }
    free(path);
}

static inline struct bufferevent *fake_on_connection(struct event_base *base, void *arg)
{
    ((struct fake_bmc *)arg)->connections++;
    return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
}

static inline void fake_bmc_init(struct fake_bmc *bmc, struct event_base *base)
{
    struct evhttp_bound_socket *bound;
    struct sockaddr_in address;
    socklen_t size = sizeof address;

    *bmc = (struct fake_bmc){
        .base = base, .min_w = 200, .max_w = 1200, .uuid = "0badcafe-0000-1111-2222-333344445555"};
    for (int i = 0; i < FAKE_GPUS; i++)
        bmc->limit_w[i] = 1000;
    bmc->http = evhttp_new(base);
    evhttp_set_allowed_methods(bmc->http,
                               EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_PATCH | EVHTTP_REQ_DELETE);
    evhttp_set_gencb(bmc->http, fake_on_request, bmc);
    evhttp_set_bevcb(bmc->http, fake_on_connection, bmc);
    bound = evhttp_bind_socket_with_handle(bmc->http, "127.0.0.1", 0);
    assert_non_null(bound);
    assert_int_equal(getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &size), 0);
    (void)snprintf(bmc->url, sizeof bmc->url, "http://127.0.0.1:%d", ntohs(address.sin_port));
}

static inline void fake_bmc_done(struct fake_bmc *bmc)
{
    evhttp_free(bmc->http);
    for (int i = 0; i < 16; i++)
        if (bmc->late[i].event)
            event_free(bmc->late[i].event);
}

#endif
