/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_discover.c: what the model wants asked, asked; what comes, given to the model. */
#include "redfish_discover.h"

#include <stdio.h>
#include <string.h>

#include "busbar/clock.h"

#define REDFISH_DISCOVER_TRIES    3                 /* of one resource                  */
#define REDFISH_DISCOVER_WAIT_US  ((int64_t)500000) /* for a busy BMC that says nothing */
#define REDFISH_DISCOVER_PAUSE_US ((int64_t)200000) /* after a connection was refused  */
#define REDFISH_DISCOVER_MOST_US  ((int64_t)10000000)

static void redfish_discover_ask(struct redfish_discover *discover);

static void redfish_discover_end(struct redfish_discover *discover, enum status status, const char *why)
{
    discover->item = -1;
    discover->bmc->discover = NULL;
    redfish_model_finish(&discover->model, clock_now_us());
    if (discover->model.no_memory && status == ST_OK)
        status = ST_NOMEM;
    discover->done(discover, status, why);
}

/* Asks for the current item, now or later, or when its turn comes. */
static void redfish_discover_go(struct redfish_discover *discover, int64_t wait_us)
{
    if (discover->background)
        discover->ready_us = clock_now_us() + wait_us;
    else if (wait_us > 0)
        redfish_timer(discover->timer, wait_us);
    else
        redfish_discover_ask(discover);
}

static void redfish_discover_next(struct redfish_discover *discover)
{
    discover->tries = 0;
    discover->item = redfish_model_next(&discover->model, discover->target, sizeof discover->target);
    if (discover->item < 0)
        redfish_discover_end(discover, ST_OK, "");
    else
        redfish_discover_go(discover, 0);
}

static void redfish_discover_count(struct redfish_discover *discover, const struct redfish_reply *reply)
{
    struct redfish_survey_answer answer = {
        .code = reply->code,
        .latency_us = reply->done_us - (reply->dispatched_us > 0 ? reply->dispatched_us : reply->done_us),
        .bytes = reply->size,
    };

    discover->asked++;
    if (reply->status == ST_OK)
        redfish_model_answer(&discover->model, discover->item, &answer);
    if (discover->progress)
        discover->progress(discover);
}

/* Another try of the same, now or after a pause; false: enough of them. */
static bool redfish_discover_retry(struct redfish_discover *discover, const struct redfish_reply *reply,
                                   enum status st)
{
    int64_t wait_us = redfish_link_retry_after_us(reply, REDFISH_DISCOVER_MOST_US);

    if (++discover->tries >= REDFISH_DISCOVER_TRIES)
        return false;
    if (discover->item == 0 && !discover->login_wanted && (reply->code == 401 || reply->code == 403) &&
        discover->bmc->device->username[0]) {
        discover->login_wanted = true;
        redfish_discover_go(discover, 0);
        return true;
    }
    if (st != ST_BUSY && st != ST_TIMEOUT && st != ST_CORRUPT && !(st == ST_NACK && reply->code == 0))
        return false;
    if (st == ST_NACK)
        wait_us = REDFISH_DISCOVER_PAUSE_US;
    else if (st != ST_BUSY)
        wait_us = 0;
    else if (wait_us == 0)
        wait_us = REDFISH_DISCOVER_WAIT_US;
    redfish_discover_go(discover, redfish_jitter_us(discover->bmc, wait_us, 0.2));
    return true;
}

/* Our login is not taken, and never was: nothing below the root will be answered. */
static bool redfish_discover_is_shut_out(const struct redfish_discover *discover,
                                         const struct redfish_reply *reply)
{
    return !discover->background && !discover->let_in && discover->bmc->device->username[0] &&
           discover->bmc->session.failures > 0 && redfish_link_judge(reply) == ST_REFUSED;
}

static void redfish_discover_take(struct redfish *bmc, const struct redfish_reply *reply)
{
    struct redfish_discover *discover = bmc->discover;
    enum status st = redfish_link_judge(reply);
    char why[REDFISH_JSON_TEXT_MAX];
    struct redfish_model_doc doc = {
        .item = discover->item,
        .body = reply->body,
        .size = reply->size,
        .allow = reply->response ? http_response_header(reply->response, "Allow") : NULL,
        .taken_us = reply->dispatched_us > 0 ? reply->dispatched_us : reply->done_us,
        .done_us = reply->done_us,
        .wall_us = clock_wall_us(),
    };
    struct redfish_model_miss miss = {
        .item = discover->item, .status = st, .code = reply->code, .text = why
    };
    int32_t errors = discover->model.survey->error_count;

    redfish_discover_count(discover, reply);
    discover->let_in |= discover->item > 0 && reply->status == ST_OK && reply->code != 401;
    if (st == ST_OK) {
        redfish_model_take(&discover->model, &doc);
        if (discover->item == 0 && discover->model.sessions[0] == '/')
            (void)snprintf(bmc->session.login_path, sizeof bmc->session.login_path, "%s",
                           discover->model.sessions);
        (void)snprintf(why, sizeof why, "it is no Redfish service: its root is no JSON object");
        if (discover->item == 0 && discover->model.survey->error_count > errors) {
            redfish_discover_end(discover, ST_CORRUPT, why);
            return;
        }
    } else {
        if (redfish_discover_retry(discover, reply, st))
            return;
        redfish_link_why(bmc, reply, why);
        if (redfish_discover_is_shut_out(discover, reply) ||
            (!redfish_model_miss(&discover->model, &miss) && discover->item == 0)) {
            redfish_discover_end(discover, st, why);
            return;
        }
    }
    redfish_discover_next(discover);
}

static void redfish_discover_on_answer(struct redfish *bmc, const struct redfish_reply *reply)
{
    bool background = bmc->discover->background;
    struct redfish_reply as_errand = *reply;

    redfish_discover_take(bmc, reply); /* it may be over now */
    if (!background)
        return;
    if (reply->status == ST_OK && reply->code >= 500 && reply->code != 503)
        as_errand.code = 404; /* one resource's trouble is not the BMC's */
    redfish_polled(bmc, &as_errand);
}

void redfish_discover_step(struct redfish_discover *discover)
{
    if (discover->item < 0)
        redfish_discover_next(discover);
    if (discover->item >= 0)
        redfish_discover_ask(discover);
}

static void redfish_discover_ask(struct redfish_discover *discover)
{
    struct redfish_ask ask = {
        .method = "GET",
        .path = discover->target,
        .open = discover->item == 0 && !discover->login_wanted,
        .done = redfish_discover_on_answer,
    };

    redfish_link_ask(discover->bmc, REDFISH_LANE_POLL, &ask);
}

static void redfish_discover_on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    redfish_discover_ask(arg);
}

/* The first question is asked from the base, so that `done` never comes from within
 * redfish_discover_start(). */
static void redfish_discover_on_first(evutil_socket_t fd, short what, void *arg)
{
    struct redfish_discover *discover = arg;

    (void)fd;
    (void)what;
    if (discover->item < 0)
        redfish_discover_next(discover);
    else
        redfish_discover_on_timer(fd, what, arg);
}

enum status redfish_discover_start(struct redfish_discover *discover, struct redfish *bmc,
                                   struct redfish_survey *survey, int32_t gets_max)
{
    discover->bmc = bmc;
    discover->item = -1;
    discover->timer = evtimer_new(bmc->opt.base, redfish_discover_on_first, discover);
    redfish_model_init(&discover->model, survey, gets_max);
    discover->model.scope = discover->scope;
    if (!discover->timer || discover->model.no_memory)
        return ST_NOMEM;
    bmc->discover = discover;
    if (discover->background)
        discover->ready_us = 0;
    else
        redfish_timer(discover->timer, 0);
    return ST_OK;
}

void redfish_discover_stop(struct redfish_discover *discover)
{
    if (discover->bmc->discover != discover)
        return;
    (void)event_del(discover->timer);
    http_client_cancel(discover->bmc->opt.client, &discover->bmc->lanes[REDFISH_LANE_POLL]);
    discover->bmc->lanes[REDFISH_LANE_POLL].busy = false;
    discover->bmc->lanes[REDFISH_LANE_POLL].parked = false;
    discover->model.cut = true;
    redfish_discover_end(
        discover, discover->model.survey->redfish_version[0] || discover->asked > 1 ? ST_OK : ST_TIMEOUT,
        "time ran out");
}

void redfish_discover_done(struct redfish_discover *discover)
{
    if (discover->bmc && discover->bmc->discover == discover)
        discover->bmc->discover = NULL;
    if (discover->timer)
        event_free(discover->timer);
    discover->timer = NULL;
    redfish_model_done(&discover->model);
}
