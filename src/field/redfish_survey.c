/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_survey.c: one BMC for a tool: opened, walked, asked and given back, each call
 * running an event base of its own until it is done.
 *
 * Owns that base, its HTTP client and a struct redfish without a configured device
 * behind it. Any one thread; writes only in redfish_probe_write().
 */
#include "busbar/redfish_survey.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapter.h"
#include "redfish_bmc.h"
#include "redfish_discover.h"
#include "redfish_limit.h"

#include "busbar/clock.h"

#define REDFISH_SURVEY_TIMEOUT_US ((int64_t)10000000)
#define REDFISH_SURVEY_LIMIT_US   ((int64_t)600000000)
#define REDFISH_SURVEY_LOGOUT_US  ((int64_t)3000000)
#define REDFISH_SURVEY_AGAIN_US   ((int64_t)1000000) /* a parent's end comes as one, too     */
#define REDFISH_SURVEY_STEP_US    ((int64_t)100000) /* between two looks            */
#define REDFISH_SURVEY_BODY_MAX   ((size_t)16 << 20)

struct redfish_probe {
    struct redfish_survey_options opt;
    struct event_base *base;
    struct http_client *client;
    struct conf conf;
    struct conf_bus bus;
    struct adapter adapter;
    struct conf_device *device;
    struct redfish *bmc;
    struct event *alarm;
    bool late, over, greeted, walking;
    struct event *signals[2];
    int64_t signal_us;
    int signal; /* that came: the session is given back, then it is raised again */
    enum status status;
    char why[REDFISH_SURVEY_WHY_MAX];
    char *body; /* of the last answer                                */
    struct redfish_probe_answer answer;
    char etag[REDFISH_ETAG_MAX];
};

/* ---- opening ---- */

static void redfish_probe_on_alarm(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    ((struct redfish_probe *)arg)->late = true;
}

/* The first ends a walk; single questions have their time-outs. Who cannot wait sends another
 * a second later. */
static void redfish_probe_on_signal(evutil_socket_t number, short what, void *arg)
{
    struct redfish_probe *probe = arg;

    (void)what;
    if (probe->signal && clock_now_us() - probe->signal_us > REDFISH_SURVEY_AGAIN_US) {
        (void)signal((int)number, SIG_DFL);
        (void)raise((int)number);
    }
    if (!probe->signal)
        probe->signal_us = clock_now_us();
    probe->signal = (int)number;
    probe->late = probe->late || probe->walking;
}

static enum status redfish_probe_catch(struct redfish_probe *probe)
{
    static const int numbers[] = { SIGINT, SIGTERM };

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        probe->signals[i] = evsignal_new(probe->base, numbers[i], redfish_probe_on_signal, probe);
        if (!probe->signals[i] || evsignal_add(probe->signals[i], NULL) != 0)
            return ST_NOMEM;
    }
    return ST_OK;
}

/* Runs the base until *over, or for `limit_us`. */
static void redfish_probe_run(struct redfish_probe *probe, const bool *over, int64_t limit_us)
{
    probe->late = false;
    redfish_timer(probe->alarm, limit_us);
    while (!*over && !probe->late)
        if (event_base_loop(probe->base, EVLOOP_ONCE) != 0)
            break;
    (void)event_del(probe->alarm);
}

static bool redfish_probe_copy(const char *from, char *to, size_t room)
{
    if (from && strlen(from) >= room)
        return false;
    (void)snprintf(to, room, "%s", from ? from : "");
    return true;
}

static enum status redfish_probe_device(struct redfish_probe *probe, const struct redfish_survey_options *opt)
{
    struct conf_device *device = probe->device;

    if (strncasecmp(opt->url, "http://", 7) != 0 && strncasecmp(opt->url, "https://", 8) != 0)
        return ST_RANGE;
    if (!redfish_probe_copy(opt->url, device->url, sizeof device->url) ||
        !redfish_probe_copy(opt->username, device->username, sizeof device->username) ||
        !redfish_probe_copy(opt->password, device->password, sizeof device->password) ||
        !redfish_probe_copy(opt->ca_file, device->ca_file, sizeof device->ca_file) ||
        !redfish_probe_copy(opt->pin, device->pin, sizeof device->pin))
        return ST_RANGE;
    (void)snprintf(device->name, sizeof device->name, "%.47s", strstr(opt->url, "://") + 3);
    probe->bus = (struct conf_bus){
        .kind = CONF_BUS_REDFISH,
        .timeout_us = opt->timeout_us > 0 ? opt->timeout_us : REDFISH_SURVEY_TIMEOUT_US,
        .fast_us = REDFISH_US_PER_S,
        .stale_us = 8 * REDFISH_US_PER_S,
    };
    probe->conf.buses = &probe->bus;
    probe->adapter.conf = &probe->conf;
    probe->adapter.device = device;
    return ST_OK;
}

static enum status redfish_probe_start(struct redfish_probe *probe, const struct redfish_survey_options *opt)
{
    struct http_client_options client = { .host_connections_max = opt->guest ? 1 : 2,
                                          .body_max = REDFISH_SURVEY_BODY_MAX };
    struct redfish_options redfish;
    enum status st;

    probe->device = calloc(1, sizeof *probe->device);
    probe->base = client.base = event_base_new();
    probe->alarm = probe->base ? evtimer_new(probe->base, redfish_probe_on_alarm, probe) : NULL;
    if (!probe->device || !probe->alarm)
        return ST_NOMEM;
    st = redfish_probe_device(probe, opt);
    if (st == ST_OK && opt->signals && opt->username)
        st = redfish_probe_catch(probe);
    if (st == ST_OK)
        st = http_client_new(&client, &probe->client);
    redfish = (struct redfish_options){ .base = probe->base,
                                        .client = probe->client,
                                        .conf = &probe->conf,
                                        .adapter = &probe->adapter,
                                        .read_only = true,
                                        .arg = probe };
    if (st == ST_OK)
        st = redfish_new(&redfish, &probe->bmc);
    if (st == ST_OK && opt->guest)
        redfish_session_never(probe->bmc);
    return st;
}

enum status redfish_probe_new(const struct redfish_survey_options *opt, struct redfish_probe **ret, char *why)
{
    struct redfish_probe *probe = calloc(1, sizeof *probe);
    enum status st = ST_NOMEM;

    if (probe) {
        probe->opt = *opt;
        st = redfish_probe_start(probe, opt);
    }
    if (st != ST_OK) {
        if (why)
            (void)snprintf(why, REDFISH_SURVEY_WHY_MAX, "%s",
                           st == ST_RANGE
                               ? "the URL must begin with http:// or https://, and texts have their limits"
                               : status_label(st));
        redfish_probe_free(probe);
        return st;
    }
    *ret = probe;
    return ST_OK;
}

static void redfish_probe_logout(struct redfish_probe *probe)
{
    redfish_logout(probe->bmc);
    probe->late = false;
    redfish_timer(probe->alarm, REDFISH_SURVEY_LOGOUT_US);
    while (!probe->late && redfish_busy(probe->bmc))
        if (event_base_loop(probe->base, EVLOOP_ONCE) != 0)
            break;
}

struct redfish_probe *redfish_probe_free(struct redfish_probe *probe)
{
    int number;

    if (!probe)
        return NULL;
    if (probe->bmc)
        redfish_probe_logout(probe);
    for (size_t i = 0; i < sizeof probe->signals / sizeof probe->signals[0]; i++)
        if (probe->signals[i])
            event_free(probe->signals[i]);
    number = probe->signal;
    redfish_free(probe->bmc);
    http_client_free(probe->client);
    if (probe->alarm)
        event_free(probe->alarm);
    if (probe->base)
        event_base_free(probe->base);
    if (probe->device)
        explicit_bzero(probe->device->password, sizeof probe->device->password);
    free(probe->device);
    free(probe->body);
    free(probe);
    if (number)
        (void)raise(number);
    return NULL;
}

/* ---- the survey ---- */

static void redfish_probe_on_done(struct redfish_discover *discover, enum status status, const char *why)
{
    struct redfish_probe *probe = discover->arg;

    probe->over = true;
    probe->status = status;
    (void)snprintf(probe->why, sizeof probe->why, "%s", why);
}

static void redfish_probe_on_progress(struct redfish_discover *discover)
{
    const struct redfish_probe *probe = discover->arg;

    if (probe->opt.progress)
        probe->opt.progress(probe->opt.arg, discover->asked, discover->model.walk.waiting);
}

/* Where no limit stands, and from where nothing leads to one. */
static uint64_t redfish_probe_limits_scope(void)
{
    return ~(REDFISH_MODEL_SCOPE(REDFISH_SENSOR) | REDFISH_MODEL_SCOPE(REDFISH_SUPPLY_METRICS) |
             REDFISH_MODEL_SCOPE(REDFISH_BATTERY) | REDFISH_MODEL_SCOPE(REDFISH_BATTERY_METRICS) |
             REDFISH_MODEL_SCOPE(REDFISH_DISTRIBUTION_METRICS) | REDFISH_MODEL_SCOPE(REDFISH_CIRCUIT) |
             REDFISH_MODEL_SCOPE(REDFISH_OUTLET) | REDFISH_MODEL_SCOPE(REDFISH_OUTLET_GROUP) |
             REDFISH_MODEL_SCOPE(REDFISH_TELEMETRY) | REDFISH_MODEL_SCOPE(REDFISH_REPORT) |
             REDFISH_MODEL_SCOPE(REDFISH_EVENTS) | REDFISH_MODEL_SCOPE(REDFISH_SESSIONS) |
             REDFISH_MODEL_SCOPE(REDFISH_UPDATES) | REDFISH_MODEL_SCOPE(REDFISH_FIRMWARE) |
             REDFISH_MODEL_SCOPE(REDFISH_TASKS) | REDFISH_MODEL_SCOPE(REDFISH_TASK) |
             REDFISH_MODEL_SCOPE(REDFISH_WORKLOAD) | REDFISH_MODEL_SCOPE(REDFISH_SMOOTHING));
}

/* `scope`: as a redfish_discover's. */
static enum status redfish_probe_walk(struct redfish_probe *probe, uint64_t scope, struct redfish_survey *ret, char *why)
{
    struct redfish_discover discover = { .done = redfish_probe_on_done,
                                         .progress = redfish_probe_on_progress,
                                         .arg = probe,
                                         .scope = scope };
    int64_t started_us = clock_now_us();
    enum status st = redfish_discover_start(&discover, probe->bmc, ret, probe->opt.gets_max);

    probe->over = false;
    probe->walking = true;
    if (st == ST_OK) {
        redfish_probe_run(probe, &probe->over,
                          probe->opt.limit_us > 0 ? probe->opt.limit_us : REDFISH_SURVEY_LIMIT_US);
        redfish_discover_stop(&discover);
        st = probe->signal ? ST_TIMEOUT : probe->status;
        if (probe->signal)
            (void)snprintf(probe->why, sizeof probe->why, "interrupted");
    }
    probe->walking = false;
    redfish_discover_done(&discover);
    ret->took_us = clock_now_us() - started_us;
    if (st != ST_OK) {
        redfish_survey_done(ret);
        if (why)
            (void)snprintf(why, REDFISH_SURVEY_WHY_MAX, "%s", probe->why[0] ? probe->why : status_label(st));
    }
    return st;
}

enum status redfish_probe_survey(struct redfish_probe *probe, struct redfish_survey *ret, char *why)
{
    return redfish_probe_walk(probe, 0, ret, why);
}

enum status redfish_probe_survey_limits(struct redfish_probe *probe, struct redfish_survey *ret, char *why)
{
    return redfish_probe_walk(probe, redfish_probe_limits_scope(), ret, why);
}

enum status redfish_survey(const struct redfish_survey_options *opt, struct redfish_survey *ret, char *why)
{
    struct redfish_probe *probe;
    enum status st = redfish_probe_new(opt, &probe, why);

    if (st != ST_OK)
        return st;
    st = redfish_probe_survey(probe, ret, why);
    redfish_probe_free(probe);
    return st;
}

void redfish_survey_done(struct redfish_survey *survey)
{
    free(survey->readings);
    free(survey->limits);
    free(survey->supplies);
    free(survey->batteries);
    free(survey->settings);
    free(survey->processors);
    free(survey->reports);
    free(survey->managers);
    free(survey->firmwares);
    free(survey->endpoints);
    free(survey->absents);
    free(survey->errors);
    free(survey->answers);
    memset(survey, 0, sizeof *survey);
}

/* ---- single questions ---- */

static struct redfish_probe *redfish_probe_of(struct redfish *bmc)
{
    return bmc->opt.arg;
}

bool redfish_probe_is_interrupted(const struct redfish_probe *probe)
{
    return probe->signal != 0;
}

bool redfish_probe_is_reached(const struct redfish_probe *probe)
{
    return probe->adapter.state.reachable;
}

static void redfish_probe_on_answer(struct redfish *bmc, const struct redfish_reply *reply)
{
    struct redfish_probe *probe = redfish_probe_of(bmc);
    const char *etag = reply->response ? http_response_header(reply->response, "ETag") : NULL;

    probe->over = true;
    free(probe->body);
    probe->body = malloc(reply->size + 1);
    if (probe->body) {
        memcpy(probe->body, reply->body, reply->size);
        probe->body[reply->size] = '\0';
    }
    (void)snprintf(probe->etag, sizeof probe->etag, "%s",
                   etag && strlen(etag) < sizeof probe->etag ? etag : "");
    probe->answer = (struct redfish_probe_answer){
        .status = probe->body ? reply->status : ST_NOMEM,
        .code = reply->code,
        .body = probe->body ? probe->body : "",
        .size = probe->body ? reply->size : 0,
        .latency_us = reply->dispatched_us > 0 ? reply->done_us - reply->dispatched_us : 0,
    };
    if (redfish_link_judge(reply) != ST_OK)
        redfish_link_why(bmc, reply, probe->answer.why);
}

static void redfish_probe_on_root(struct redfish *bmc, const struct redfish_reply *reply)
{
    struct redfish_json_root root;

    redfish_probe_of(bmc)->over = true;
    if (redfish_link_judge(reply) == ST_OK && redfish_json_root(reply->body, reply->size, &root) == ST_OK &&
        root.sessions[0] == '/')
        (void)snprintf(bmc->session.login_path, sizeof bmc->session.login_path, "%s", root.sessions);
}

/* Where one logs in is the service root's to say, and a survey may not have asked it. */
static void redfish_probe_greet(struct redfish_probe *probe)
{
    struct redfish_ask ask = {
        .method = "GET", .path = "/redfish/v1/", .open = true, .done = redfish_probe_on_root
    };

    if (probe->greeted || !probe->device->username[0] || probe->bmc->session.token_header ||
        probe->bmc->session.login_path[0])
        return;
    probe->greeted = true;
    probe->over = false;
    redfish_link_ask(probe->bmc, REDFISH_LANE_WRITE, &ask);
    redfish_probe_run(probe, &probe->over, REDFISH_SURVEY_LIMIT_US);
}

/* Asks on the write lane and waits. */
static void redfish_probe_ask(struct redfish_probe *probe, const struct redfish_ask *ask)
{
    redfish_probe_greet(probe);
    probe->over = false;
    probe->answer = (struct redfish_probe_answer){ .status = ST_TIMEOUT, .body = "" };
    redfish_link_ask(probe->bmc, REDFISH_LANE_WRITE, ask);
    redfish_probe_run(probe, &probe->over, REDFISH_SURVEY_LIMIT_US);
}

void redfish_probe_get(struct redfish_probe *probe, const char *path, struct redfish_probe_answer *ret)
{
    struct redfish_ask ask = { .method = "GET", .path = path, .done = redfish_probe_on_answer };

    redfish_probe_ask(probe, &ask);
    *ret = probe->answer;
}

static enum status redfish_probe_judge(const struct redfish_probe_answer *answer)
{
    struct redfish_reply reply = { .status = answer->status, .code = answer->code };

    return redfish_link_judge(&reply);
}

enum status redfish_probe_limit(struct redfish_probe *probe, struct redfish_survey_limit *limit)
{
    char path[REDFISH_SURVEY_PATH_MAX];
    struct redfish_probe_answer answer;
    enum status st;

    redfish_limit_resource(limit, path);
    redfish_probe_get(probe, path, &answer);
    st = redfish_probe_judge(&answer);
    return st == ST_OK ? redfish_limit_reread(limit, answer.body, answer.size, NULL) : st;
}

/* ---- writing ---- */

const char *redfish_probe_refusal(const struct redfish_probe *probe,
                                         const struct redfish_survey_limit *limit, double value)
{
    if (!probe->device->username[0])
        return "no username is given";
    if (!limit->writable)
        return limit->why ? limit->why : "it may not be written";
    if (strcmp(limit->exception, "HardPowerOff") == 0)
        return "its host is switched off when it is exceeded";
    if (!(value >= 0.0 && value <= 1e6) || value < limit->min || value > limit->max)
        return "the value is outside what the device allows";
    if (strcmp(limit->unit, "V") != 0 && value != floor(value))
        return "the value must be a whole number";
    return NULL;
}

static void redfish_probe_readback(struct redfish_probe *probe, const struct redfish_survey_limit *limit,
                                   double value, int64_t window_us, struct redfish_probe_write *ret)
{
    struct redfish_survey_limit now = *limit;
    int64_t started_us = clock_now_us();
    double near = strcmp(limit->unit, "V") == 0 ? 0.005 : 0.5;
    bool never = false;

    do {
        ret->status = redfish_probe_limit(probe, &now);
        ret->readback = ret->status == ST_OK ? now.value : NAN;
        ret->readback_us = clock_now_us() - started_us;
        if (ret->status == ST_OK && fabs(now.value - value) <= near)
            return;
        if (ret->readback_us < window_us)
            redfish_probe_run(probe, &never, REDFISH_SURVEY_STEP_US);
    } while (ret->readback_us < window_us);
    if (ret->status == ST_OK) {
        ret->status = ST_MISMATCH;
        (void)snprintf(ret->why, sizeof ret->why, "it reads back %g", now.value);
    } else {
        (void)snprintf(ret->why, sizeof ret->why, "it cannot be read back: %s", status_label(ret->status));
    }
}

/* Sent without an ETag; where one is wanted, with that of what is there, as given and then
 * as a strong one. */
static void redfish_probe_patch(struct redfish_probe *probe, struct redfish_ask *ask)
{
    char etag[REDFISH_ETAG_MAX];

    redfish_probe_ask(probe, ask);
    for (int rung = REDFISH_ETAG_AS_GIVEN; rung <= REDFISH_ETAG_STRONG; rung++) {
        struct redfish_probe_answer answer;

        if (probe->answer.code != 412 && probe->answer.code != 428)
            return;
        redfish_probe_get(probe, ask->path, &answer);
        (void)snprintf(etag, sizeof etag, "%s", probe->etag[0] ? probe->etag : "*");
        ask->etag = rung == REDFISH_ETAG_STRONG && strncmp(etag, "W/", 2) == 0 ? etag + 2 : etag;
        redfish_probe_ask(probe, ask);
    }
}

void redfish_probe_write(struct redfish_probe *probe, const struct redfish_survey_limit *limit, double value,
                         int64_t window_us, struct redfish_probe_write *ret)
{
    const char *refusal = redfish_probe_refusal(probe, limit, value);
    struct redfish_limit_set set = { .value = value };
    char path[REDFISH_SURVEY_PATH_MAX], body[REDFISH_LIMIT_BODY_MAX];
    struct redfish_ask ask = {
        .method = "PATCH", .path = path, .body = body, .done = redfish_probe_on_answer
    };
    enum status st;

    *ret = (struct redfish_probe_write){ .status = ST_REFUSED, .readback = NAN };
    if (!refusal && !redfish_limit_body(limit, &set, body, sizeof body))
        refusal = "this kind of limit is not written";
    if (refusal) {
        (void)snprintf(ret->why, sizeof ret->why, "%s", refusal);
        return;
    }
    redfish_limit_resource(limit, path);
    redfish_probe_patch(probe, &ask);
    ret->code = probe->answer.code;
    ret->set_us = probe->answer.latency_us;
    st = redfish_probe_judge(&probe->answer);
    if (st == ST_REFUSED || st == ST_ABSENT || st == ST_BUSY) {
        ret->status = st;
        (void)snprintf(ret->why, sizeof ret->why, "%s", probe->answer.why);
        return;
    }
    redfish_probe_readback(probe, limit, value, window_us, ret); /* taken, or nobody knows */
}
