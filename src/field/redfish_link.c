/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_link.c: one question to a BMC: who asks, as whom, and what a 401 means.
 *
 * Runs on the event base's thread; never asks two things on one lane, never follows a
 * URL to another host. The session is redfish_session.c's.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redfish_bmc.h"
#include "redfish_retry.h"
#include "redfish_session.h"

#include "busbar/check.h"
#include "busbar/clock.h"
#include "busbar/log.h"

#define REDFISH_LINK_TRIES     5                 /* 401s before one is believed  */
#define REDFISH_LINK_PAUSE_US  ((int64_t)100000) /* before the fourth try, then double */
#define REDFISH_LINK_LOGOUT_US ((int64_t)2000000)

static void redfish_link_on_answer(const struct http_response *response, void *arg);

/* ---- reading replies ---- */

enum status redfish_link_judge(const struct redfish_reply *reply)
{
    if (reply->status != ST_OK)
        return reply->status;
    if (reply->code >= 200 && reply->code < 300)
        return ST_OK;
    if (reply->code == 404)
        return ST_ABSENT;
    if (reply->code == 429 || reply->code == 503)
        return ST_BUSY;
    if (reply->code >= 400 && reply->code < 500)
        return ST_REFUSED;
    return reply->code >= 500 ? ST_NACK : ST_CORRUPT;
}

const char *redfish_link_redirect(const struct redfish_reply *reply)
{
    return reply->response && reply->code >= 300 && reply->code < 400
               ? http_response_header(reply->response, "Location")
               : NULL;
}

void redfish_link_why(const struct redfish *bmc, const struct redfish_reply *reply,
                      char why[REDFISH_JSON_TEXT_MAX])
{
    const char *elsewhere = redfish_link_redirect(reply);

    if (elsewhere)
        (void)snprintf(why, REDFISH_JSON_TEXT_MAX, "HTTP %d: it redirects to %.120s", reply->code, elsewhere);
    else if (reply->status == ST_OK)
        redfish_json_error(reply->body, reply->size, why);
    else if (reply->dispatched_us == 0 && !reply->body[0]) /* not asked: the login came to nothing */
        (void)snprintf(why, REDFISH_JSON_TEXT_MAX, "%s%s%.120s",
                       bmc->session.failures > 0 ? "it does not take our login" : "",
                       bmc->session.failures > 0 && bmc->session.why[0] ? ": " : "", bmc->session.why);
    else
        (void)snprintf(why, REDFISH_JSON_TEXT_MAX, "%.*s", REDFISH_JSON_TEXT_MAX - 1, reply->body);
    if (!why[0] && reply->status == ST_OK)
        (void)snprintf(why, REDFISH_JSON_TEXT_MAX, "HTTP %d", reply->code);
    else if (!why[0])
        (void)snprintf(why, REDFISH_JSON_TEXT_MAX, "%s", status_label(reply->status));
}

int64_t redfish_link_retry_after_us(const struct redfish_reply *reply, int64_t most_us)
{
    const char *header = reply->response ? http_response_header(reply->response, "Retry-After") : NULL;

    if (!reply->response)
        return 0;
    return redfish_retry_us(header, reply->body, reply->size, clock_wall_us(), most_us);
}

/* ---- one request ---- */

/* Ids may hold spaces and '#': percent-encodes what no URL may contain. `slashed`: the path,
 * without its query, ends in a slash. */
static char *redfish_link_url(const struct redfish *bmc, const char *path, bool slashed)
{
    size_t size = strlen(bmc->url), end = strcspn(path, "?"), room = size + strlen(path) * 3 + 2;
    char *to = malloc(room);

    if (!to)
        return NULL;
    memcpy(to, bmc->url, size);
    slashed = slashed && end > 0 && path[end - 1] != '/';
    for (const unsigned char *at = (const unsigned char *)path;; at++) {
        if (slashed && at == (const unsigned char *)path + end)
            to[size++] = '/';
        if (!*at)
            break;
        if (*at <= 0x20 || *at >= 0x7f || strchr("\"#<>\\^`{|}", *at))
            size += (size_t)snprintf(to + size, room - size, "%%%02X", *at);
        else
            to[size++] = (char)*at;
    }
    to[size] = '\0';
    return to;
}

static void redfish_link_finish(struct redfish_lane *lane, const struct redfish_reply *reply)
{
    lane->busy = false;
    lane->parked = false;
    lane->ask.done(lane->bmc, reply);
}

/* Ends an ask that was not sent (again). */
void redfish_link_drop(struct redfish_lane *lane, enum status status)
{
    struct redfish_reply reply = { .status = status, .body = "", .done_us = clock_now_us() };

    redfish_link_finish(lane, &reply);
}

char *redfish_link_target(const struct redfish *bmc, const char *path)
{
    return redfish_link_url(bmc, path, bmc->slashes);
}

const char *redfish_link_login_header(const struct redfish *bmc)
{
    const struct redfish_session *session = &bmc->session;

    if (!bmc->device->username[0])
        return "";
    if (session->token_header && session->step == REDFISH_SESSION_REST)
        return session->token_header;
    return session->basic ? session->basic_header : NULL;
}

/* The header that says who we are; NULL for nobody. */
static const char *redfish_link_identity(struct redfish_lane *lane)
{
    struct redfish_session *session = &lane->bmc->session;
    bool login = lane == &lane->bmc->lanes[REDFISH_LANE_SESSION] && session->step == REDFISH_SESSION_LOGIN;

    lane->generation = session->generation;
    if (lane->ask.open && !(login && session->login_with_basic))
        return NULL;
    return session->token_header && !login ? session->token_header : session->basic_header;
}

void redfish_link_dispatch(struct redfish_lane *lane)
{
    struct redfish *bmc = lane->bmc;
    char *url = redfish_link_url(bmc, lane->ask.path, lane->slashed || bmc->slashes), match[REDFISH_ETAG_MAX + 16];
    const char *identity = redfish_link_identity(lane);
    const char *headers[6] = { "Accept: application/json", "OData-Version: 4.0" };
    size_t count = 2;
    struct http_request request = {
        .method = lane->ask.method,
        .url = url,
        .headers = headers,
        .body = lane->ask.body,
        .ca_file = bmc->device->ca_file[0] ? bmc->device->ca_file : NULL,
        .fresh_connection = lane->ask.once,
        .pin = bmc->device->pin[0] ? bmc->device->pin : NULL,
        .timeout_us =
            bmc->session.step == REDFISH_SESSION_LOGOUT && bmc->bus->timeout_us > REDFISH_LINK_LOGOUT_US
                ? REDFISH_LINK_LOGOUT_US
                : bmc->bus->timeout_us,
    };
    enum status st = ST_NOMEM;

    if (identity && identity[0])
        headers[count++] = identity;
    if (lane->ask.etag) {
        (void)snprintf(match, sizeof match, "If-Match: %s", lane->ask.etag);
        headers[count++] = match;
    }
    headers[count] = NULL;
    if (url)
        st = http_client_send(bmc->opt.client, &request, redfish_link_on_answer, lane);
    free(url);
    if (st != ST_OK)
        redfish_link_drop(lane, st);
}

/* ---- asking ---- */

/* Sends what the lane asks, now or after a login, or not at all. */
void redfish_link_go(struct redfish_lane *lane)
{
    struct redfish *bmc = lane->bmc;
    struct redfish_session *session = &bmc->session;
    int64_t now_us = clock_now_us();

    if (bmc->stopping) {
        redfish_link_drop(lane, ST_REFUSED);
        return;
    }
    if (session->basic && now_us >= session->basic_until_us)
        session->basic = false;
    if (lane->ask.open || !bmc->device->username[0] || session->basic ||
        (session->token_header && session->step != REDFISH_SESSION_REPLACE)) {
        redfish_link_dispatch(lane);
        return;
    }
    if (session->step == REDFISH_SESSION_REST && now_us < session->login_after_us) {
        redfish_link_drop(lane, ST_REFUSED);
        return;
    }
    lane->parked = true;
    if (session->step == REDFISH_SESSION_REST)
        redfish_session_renew(bmc);
}

static void redfish_link_on_retry(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    redfish_link_go(arg);
}

/* Good logins get a 401 now and then, so one is believed after five: one of
 * them brings a new session (the second, or the first after the pause between
 * two logins), the others a repetition. */
static void redfish_link_refused(struct redfish_lane *lane, const struct redfish_reply *reply)
{
    struct redfish *bmc = lane->bmc;
    struct redfish_session *session = &bmc->session;
    bool outdated = lane->generation != session->generation;
    char why[REDFISH_JSON_TEXT_MAX];

    lane->refusals++;
    if (lane->refusals >= REDFISH_LINK_TRIES) {
        redfish_json_error(reply->body, reply->size, why);
        if (!outdated)
            redfish_session_back_off(bmc, why);
        redfish_link_finish(lane, reply);
        return;
    }
    if (lane->refusals >= 2 && !lane->renewed && !outdated && !session->basic &&
        session->step == REDFISH_SESSION_REST && reply->done_us >= session->login_after_us) {
        lane->renewed = true;
        lane->parked = true;
        redfish_session_renew(bmc);
        return;
    }
    if (lane->refusals <= 2 || outdated)
        redfish_link_go(lane);
    else
        redfish_timer(lane->retry, REDFISH_LINK_PAUSE_US << (lane->refusals - 3));
}

/* Some send whoever leaves out the slash at a path's end to the path with it: the same
 * place, asked for once more in their way. Nothing was done on the first. */
static bool redfish_link_wants_slash(struct redfish_lane *lane, const struct redfish_reply *reply)
{
    struct redfish *bmc = lane->bmc;
    const char *to = redfish_link_redirect(reply), *scheme = to ? strstr(to, "://") : NULL;
    size_t end = strcspn(lane->ask.path, "?");
    char *url;
    bool same;

    if (scheme)
        to = strchr(scheme + 3, '/');
    if (end == 0 || lane->ask.path[end - 1] == '/')
        return false; /* it has one: this leads elsewhere */
    if (!to || reply->code == 303 || lane->slashed || bmc->slashes ||
        (bmc->stopping && lane != &bmc->lanes[REDFISH_LANE_SESSION]))
        return false;
    url = redfish_link_url(bmc, lane->ask.path, true);
    same = url && strcmp(url + strlen(bmc->url), to) == 0;
    free(url);
    if (!same)
        return false;
    lane->slashed = true;
    bmc->slashes = strcmp(lane->ask.method, "GET") == 0; /* of the login alone it says nothing */
    redfish_link_dispatch(lane);
    return true;
}

static void redfish_link_on_answer(const struct http_response *response, void *arg)
{
    struct redfish_lane *lane = arg;
    struct redfish *bmc = lane->bmc;
    bool identified =
        !lane->ask.open && bmc->device->username[0] && lane != &bmc->lanes[REDFISH_LANE_SESSION];
    struct redfish_reply reply = {
        .status = response->status,
        .code = response->status == ST_OK ? response->code : 0,
        .body = response->body,
        .size = response->body_size,
        .dispatched_us = response->dispatched_us,
        .done_us = response->done_us,
        .response = response->status == ST_OK ? response : NULL,
    };

    redfish_count(bmc, &reply);
    if (reply.status != ST_OK)
        bmc->rooted = false; /* when it answers again it may be another one */
    if (redfish_link_wants_slash(lane, &reply))
        return;
    if (identified && reply.code == 401 && !bmc->stopping) {
        redfish_link_refused(lane, &reply);
        return;
    }
    if (identified && reply.status == ST_OK && reply.code != 401 && bmc->session.failures > 0) {
        LOG(NOTICE, bmc->device->name, "takes our login again");
        bmc->session.failures = 0;
        bmc->session.complained = false;
    }
    redfish_link_finish(lane, &reply);
}

void redfish_link_ask(struct redfish *bmc, enum redfish_lane_id id, const struct redfish_ask *ask)
{
    struct redfish_lane *lane = &bmc->lanes[id];

    CHECK(!lane->busy);
    lane->ask = *ask;
    lane->busy = true;
    lane->renewed = false;
    lane->slashed = false;
    lane->refusals = 0;
    redfish_link_go(lane);
}

/* ---- start ---- */

enum status redfish_link_init(struct redfish *bmc)
{
    for (int i = 0; i < REDFISH_LANES; i++) {
        bmc->lanes[i].bmc = bmc;
        bmc->lanes[i].retry = evtimer_new(bmc->opt.base, redfish_link_on_retry, &bmc->lanes[i]);
        if (!bmc->lanes[i].retry)
            return ST_NOMEM;
    }
    return redfish_session_init(bmc);
}

void redfish_link_done(struct redfish *bmc)
{
    for (int i = 0; i < REDFISH_LANES; i++) {
        http_client_cancel(bmc->opt.client, &bmc->lanes[i]);
        if (bmc->lanes[i].retry)
            event_free(bmc->lanes[i].retry);
    }
    redfish_session_done(bmc);
}
