/* SPDX-License-Identifier: Apache-2.0 */
/* demo_run.c: the demo as a list of steps. Each step sends one request to the
 * daemon, or waits for the load to end; the answer decides the next.
 *
 * On the event base's thread. Talks to the daemon through its HTTP API alone,
 * like any client; the load and the meter are the served rack's.
 */
#include "demo_run.h"

#include <errno.h>
#include <event2/event.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "busbar/clock.h"
#include "busbar/http.h"

#define DEMO_RUN_TURN_US          50000
#define DEMO_RUN_PROGRESS_US      1000000
#define DEMO_RUN_PROGRESS_LINE_US 5000000 /* where lines pile up            */
#define DEMO_RUN_UP_US            20000000
#define DEMO_RUN_GOOD_US          90000000
#define DEMO_RUN_ARM_US           120000000
#define DEMO_RUN_ANSWER_US        10000000
#define DEMO_RUN_BODY_MAX         (256u * 1024 * 1024)

enum demo_step {
    DEMO_UP,      /* the daemon answers                                    */
    DEMO_GOOD,    /* every device was read                                 */
    DEMO_BEFORE,  /* counters before a half                                */
    DEMO_PLAY,    /* until the alarm                                       */
    DEMO_AFTER,   /* counters after it                                     */
    DEMO_DEVICES, /* how the devices are                                   */
    DEMO_CONTROL, /* asked for                                             */
    DEMO_ARM,     /* until every first limit is read back                  */
    DEMO_RECORD,
    DEMO_END
};

struct demo_run {
    struct demo_run_options opt;
    struct http_client *http;
    struct event *timer;
    enum demo_step step;
    int half;        /* 0: observe, 1: control                 */
    bool busy;       /* a request is under way                 */
    int64_t step_us; /* when this step began                   */
    int64_t progress_us;
    bool terminal, drawn;
    struct demo_stats before;
    char why[256];
};

static struct demo_half *demo_run_half(struct demo_run *run)
{
    return run->half == 0 ? &run->opt.report->observe : &run->opt.report->control;
}

static void demo_run_go(struct demo_run *run, enum demo_step step)
{
    run->step = step;
    run->step_us = clock_now_us();
}

__attribute__((format(printf, 2, 3))) static void demo_run_fail(struct demo_run *run, const char *format, ...)
{
    va_list args;

    if (run->why[0] == '\0') {
        va_start(args, format);
        (void)vsnprintf(run->why, sizeof run->why, format, args);
        va_end(args);
    }
    (void)event_base_loopbreak(run->opt.base);
}

/* ---- halves ---- */

/* In the millisecond the half is full: nothing after it is measured. */
static void demo_run_alarm(void *arg)
{
    struct demo_run *run = arg;

    demo_report_half(demo_run_half(run), run->opt.serve->meter, &run->opt.serve->workload);
    workload_stop(&run->opt.serve->workload);
    demo_run_go(run, DEMO_AFTER);
}

static void demo_run_play(struct demo_run *run)
{
    struct serve *serve = run->opt.serve;

    serve->alarm_s = run->opt.half_s;
    serve->alarm = demo_run_alarm;
    serve->alarm_arg = run;
    meter_reset(serve->meter);
    workload_play(&serve->workload, run->opt.start_s);
    demo_run_go(run, DEMO_PLAY);
}

/* ---- answers ---- */

struct demo_run_status {
    bool armed;
    int32_t good, stale, unread;
};

static bool demo_run_read_status(const char *body, struct demo_run_status *ret)
{
    struct json_object *doc = json_tokener_parse(body), *devices, *value;
    bool good = doc && json_object_object_get_ex(doc, "devices", &devices) &&
                json_object_is_type(devices, json_type_object);

    *ret = (struct demo_run_status){ .armed = false };
    if (good) {
        ret->armed = json_object_object_get_ex(doc, "armed", &value) && json_object_get_boolean(value);
        ret->good = json_object_object_get_ex(devices, "good", &value) ? json_object_get_int(value) : 0;
        ret->stale = json_object_object_get_ex(devices, "stale", &value) ? json_object_get_int(value) : 0;
        ret->unread = json_object_object_get_ex(devices, "unread", &value) ? json_object_get_int(value) : 0;
    }
    json_object_put(doc);
    return good;
}

static void demo_run_save_record(struct demo_run *run, const struct http_response *response)
{
    FILE *file = fopen(run->opt.record, "we");
    bool good = file && fwrite(response->body, 1, response->body_size, file) == response->body_size;

    if (file && fclose(file) != 0)
        good = false;
    if (good)
        demo_run_go(run, DEMO_END);
    else
        demo_run_fail(run, "%.150s: %s", run->opt.record, strerror(errno));
}

static void demo_run_on_status(struct demo_run *run, const struct http_response *response)
{
    int64_t waited_us = clock_now_us() - run->step_us;
    struct demo_run_status status;
    bool read = response->code == 200 && demo_run_read_status(response->body, &status);

    if (!read) {
        /* 503: the control loop has not stepped yet */
        if (waited_us > DEMO_RUN_UP_US)
            demo_run_fail(run, "GET /v1/status: answer %d, %s", response->code,
                          status_label(response->status));
    } else if (run->step == DEMO_UP) {
        demo_run_go(run, DEMO_GOOD);
    } else if (run->step == DEMO_GOOD) {
        if (status.good > 0 && status.stale == 0 && status.unread == 0)
            demo_run_go(run, DEMO_BEFORE);
        else if (waited_us > DEMO_RUN_GOOD_US)
            demo_run_fail(run, "not every device could be read: %d good, %d stale, %d unread", status.good,
                          status.stale, status.unread);
    } else if (run->step == DEMO_DEVICES) {
        demo_run_half(run)->devices_good = status.good;
        demo_run_half(run)->devices_stale = status.stale + status.unread;
        if (run->half == 0)
            demo_run_go(run, DEMO_BEFORE);
        else
            demo_run_go(run, run->opt.record ? DEMO_RECORD : DEMO_END);
        run->half = 1;
    } else if (status.armed) {
        run->opt.report->arming_ms = (double)waited_us / 1000.0;
        demo_run_play(run);
    } else if (waited_us > DEMO_RUN_ARM_US) {
        demo_run_fail(run, "the limits were not armed within %d s", DEMO_RUN_ARM_US / 1000000);
    }
}

static void demo_run_on_stats(struct demo_run *run, const struct http_response *response)
{
    struct demo_stats stats;

    if (response->code != 200 || demo_stats_parse(response->body, &stats) != ST_OK) {
        demo_run_fail(run, "GET /v1/stats?raw=1: answer %d, %s", response->code,
                      status_label(response->status));
    } else if (run->step == DEMO_BEFORE) {
        run->before = stats;
        if (run->half == 0)
            demo_run_play(run);
        else
            demo_run_go(run, DEMO_CONTROL); /* its first orders count too */
    } else {
        demo_stats_since(&stats, &run->before, &demo_run_half(run)->stats);
        demo_run_go(run, DEMO_DEVICES);
    }
}

static void demo_run_answer(const struct http_response *response, void *arg)
{
    struct demo_run *run = arg;

    run->busy = false;
    switch (run->step) {
    case DEMO_UP:
    case DEMO_GOOD:
    case DEMO_DEVICES:
    case DEMO_ARM:
        demo_run_on_status(run, response);
        break;
    case DEMO_BEFORE:
    case DEMO_AFTER:
        demo_run_on_stats(run, response);
        break;
    case DEMO_CONTROL:
        if (response->code == 200)
            demo_run_go(run, DEMO_ARM);
        else
            demo_run_fail(run, "POST /v1/mode: answer %d, %s", response->code, response->body);
        break;
    case DEMO_RECORD:
        if (response->code == 200)
            demo_run_save_record(run, response);
        else
            demo_run_fail(run, "GET /v1/record: answer %d, %s", response->code,
                          status_label(response->status));
        break;
    case DEMO_PLAY:
    case DEMO_END:
        break;
    }
    if (run->step == DEMO_END)
        (void)event_base_loopbreak(run->opt.base);
}

/* ---- turns ---- */

static void demo_run_ask(struct demo_run *run)
{
    static const char *const asks[] = {
        [DEMO_UP] = "/v1/status",
        [DEMO_GOOD] = "/v1/status",
        [DEMO_BEFORE] = "/v1/stats?raw=1",
        [DEMO_AFTER] = "/v1/stats?raw=1",
        [DEMO_DEVICES] = "/v1/status",
        [DEMO_CONTROL] = "/v1/mode",
        [DEMO_ARM] = "/v1/status",
        [DEMO_RECORD] = "/v1/record",
        [DEMO_PLAY] = NULL,
        [DEMO_END] = NULL,
    };
    static const char *const headers[] = { "Content-Type: application/json", NULL };
    char url[64];
    const struct http_request request = {
        .method = run->step == DEMO_CONTROL ? "POST" : "GET",
        .url = url,
        .unix_socket = run->opt.socket,
        .headers = run->step == DEMO_CONTROL ? headers : NULL,
        .body = run->step == DEMO_CONTROL ? "{\"mode\": \"control\"}" : NULL,
        .timeout_us = DEMO_RUN_ANSWER_US,
    };

    if (!asks[run->step] || run->busy)
        return;
    (void)snprintf(url, sizeof url, "http://localhost%s", asks[run->step]);
    if (http_client_send(run->http, &request, demo_run_answer, run) != ST_OK)
        demo_run_fail(run, "%s could not be asked for", asks[run->step]);
    else
        run->busy = true;
}

static void demo_run_progress(struct demo_run *run)
{
    static const char *const words[] = {
        [DEMO_UP] = "waiting for busbard",
        [DEMO_GOOD] = "reading every device",
        [DEMO_ARM] = "arming the limits",
        [DEMO_CONTROL] = "asking for control",
        [DEMO_RECORD] = "saving the record",
        [DEMO_END] = "",
        [DEMO_BEFORE] = "",
        [DEMO_PLAY] = "",
        [DEMO_AFTER] = "",
        [DEMO_DEVICES] = "",
    };
    const struct serve *serve = run->opt.serve;
    int64_t now_us = clock_now_us();
    char what[64], line[160];

    if (now_us - run->progress_us < (run->terminal ? DEMO_RUN_PROGRESS_US : DEMO_RUN_PROGRESS_LINE_US))
        return;
    run->progress_us = now_us;
    if (run->step == DEMO_PLAY)
        (void)snprintf(what, sizeof what, "%s, %.0f s left", run->half == 0 ? "observe" : "control",
                       run->opt.half_s - serve->workload.elapsed_s);
    else
        (void)snprintf(what, sizeof what, "%s", words[run->step]);
    (void)snprintf(line, sizeof line, "%-28s %7.1f kW of %.1f kW", what, serve->plant.ac_w / 1000.0,
                   serve->envelope_w / 1000.0);
    (void)fprintf(stderr, run->terminal ? "\r%-60s" : "%s\n", line);
    run->drawn = run->terminal;
}

static void demo_run_turn(evutil_socket_t fd, short what, void *arg)
{
    struct demo_run *run = arg;

    (void)fd;
    (void)what;
    demo_run_progress(run);
    if (!demo_daemon_runs(run->opt.daemon)) {
        demo_run_fail(run, "busbard ended by itself");
        return;
    }
    /* Not there yet is not an error of the first step. */
    if (run->step == DEMO_UP && access(run->opt.socket, F_OK) != 0) {
        if (clock_now_us() - run->step_us > DEMO_RUN_UP_US)
            demo_run_fail(run, "busbard did not open %.150s", run->opt.socket);
        return;
    }
    demo_run_ask(run);
}

enum status demo_run_new(const struct demo_run_options *opt, struct demo_run **ret)
{
    const struct timeval period = { .tv_usec = DEMO_RUN_TURN_US };
    struct http_client_options http = { .base = opt->base,
                                        .host_connections_max = 1,
                                        .body_max = DEMO_RUN_BODY_MAX };
    struct demo_run *run = calloc(1, sizeof *run);
    enum status st = ST_NOMEM;

    if (!run)
        return st;
    run->opt = *opt;
    run->terminal = isatty(STDERR_FILENO) != 0;
    st = http_client_new(&http, &run->http);
    if (st != ST_OK)
        goto fail;
    st = ST_NOMEM;
    run->timer = event_new(opt->base, -1, EV_PERSIST, demo_run_turn, run);
    if (!run->timer || event_add(run->timer, &period) != 0)
        goto fail;
    demo_run_go(run, DEMO_UP);
    *ret = run;
    return ST_OK;

fail:
    demo_run_free(run);
    return st;
}

struct demo_run *demo_run_free(struct demo_run *run)
{
    if (!run)
        return NULL;
    if (run->drawn)
        (void)fprintf(stderr, "\r%-60s\r", "");
    run->opt.serve->alarm_s = 0.0;
    if (run->timer)
        event_free(run->timer);
    run->http = http_client_free(run->http);
    free(run);
    return NULL;
}

bool demo_run_done(const struct demo_run *run, const char **why)
{
    *why = run->why[0] ? run->why : "interrupted";
    return run->step == DEMO_END && run->why[0] == '\0';
}
