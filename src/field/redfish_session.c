/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_session.c: logs in, goes on with a session that was kept, gives it back.
 *
 * Owns the session: one a BMC, made when first needed. Never logs in twice without a
 * pause. What waits for a login is parked on its lane and sent from here.
 */
#include "redfish_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redfish_token.h"

#include "busbar/clock.h"
#include "busbar/log.h"

#define REDFISH_SESSION_PATH            "/redfish/v1/SessionService/Sessions"
#define REDFISH_SESSION_HEADER          "X-Auth-Token: "
#define REDFISH_SESSION_LOGIN_WAIT_US   ((int64_t)5000000)  /* after a login not taken, then double */
#define REDFISH_SESSION_LOGIN_DOUBLINGS 4                   /* 80 s at most                 */
#define REDFISH_SESSION_LOGIN_GAP_US    ((int64_t)1000000)  /* between any two logins       */
#define REDFISH_SESSION_BASIC_US        ((int64_t)60000000) /* then a session is asked for again */
#define REDFISH_SESSION_JITTER          0.2

static void redfish_session_on_answer(struct redfish *bmc, const struct redfish_reply *reply);

static struct redfish_token redfish_session_kept(const struct redfish *bmc)
{
    return (struct redfish_token){ .state_dir = bmc->opt.conf->state_dir,
                                   .device = bmc->device->name,
                                   .url = bmc->url };
}

/* Its token is gone from memory: who has it may act as us. Its URI stays until the next one's: it
 * may be on its way out in a DELETE. */
static void redfish_session_drop(struct redfish *bmc)
{
    struct redfish_session *session = &bmc->session;

    if (session->token_header)
        explicit_bzero(session->token_header, strlen(session->token_header));
    free(session->token_header);
    session->token_header = NULL;
}

static void redfish_session_forget(struct redfish *bmc)
{
    redfish_session_drop(bmc);
    free(bmc->session.uri);
    bmc->session.uri = NULL;
}

void redfish_session_done(struct redfish *bmc)
{
    redfish_session_forget(bmc);
    explicit_bzero(&bmc->session, sizeof bmc->session);
}

/* `uri` NULL: it is not told; given to us. False: no memory, and there is no session. */
static bool redfish_session_take(struct redfish *bmc, const char *token, char *uri)
{
    struct redfish_session *session = &bmc->session;

    redfish_session_forget(bmc);
    session->uri = uri;
    if (asprintf(&session->token_header, REDFISH_SESSION_HEADER "%s", token) < 0) {
        session->token_header = NULL;
        return false;
    }
    session->generation++;
    return true;
}

static void redfish_session_ask(struct redfish *bmc, enum redfish_session_step step,
                                const struct redfish_ask *ask)
{
    struct redfish_lane *lane = &bmc->lanes[REDFISH_LANE_SESSION];

    bmc->session.step = step;
    lane->ask = *ask;
    lane->ask.done = redfish_session_on_answer;
    lane->busy = true;
    lane->slashed = false;
    redfish_link_dispatch(lane);
}

static void redfish_session_login(struct redfish *bmc)
{
    struct redfish_session *session = &bmc->session;
    const char *path = session->login_path[0] ? session->login_path : REDFISH_SESSION_PATH;
    struct redfish_ask ask = { .method = "POST", .path = path, .body = session->login_body, .open = true };
    struct redfish_token kept = redfish_session_kept(bmc);

    redfish_token_forget(&kept);
    redfish_session_forget(bmc);
    session->login_after_us = clock_now_us() + REDFISH_SESSION_LOGIN_GAP_US;
    redfish_session_ask(bmc, REDFISH_SESSION_LOGIN, &ask);
}

/* A new session; the old one is given back first, slots are few. */
void redfish_session_renew(struct redfish *bmc)
{
    struct redfish_ask ask = { .method = "DELETE", .path = bmc->session.uri };

    if (bmc->session.token_header && bmc->session.uri)
        redfish_session_ask(bmc, REDFISH_SESSION_REPLACE, &ask);
    else
        redfish_session_login(bmc);
}

/* A login that was not taken: the next one waits 5 s, 10 s, 20 s ... */
void redfish_session_back_off(struct redfish *bmc, const char *why)
{
    struct redfish_session *session = &bmc->session;
    int32_t doublings = session->failures < REDFISH_SESSION_LOGIN_DOUBLINGS ? session->failures
                                                                            : REDFISH_SESSION_LOGIN_DOUBLINGS;
    int64_t wait_us = REDFISH_SESSION_LOGIN_WAIT_US << doublings;

    session->failures++;
    redfish_session_drop(bmc);
    (void)snprintf(session->why, sizeof session->why, "%s", why);
    session->login_after_us = clock_now_us() + redfish_jitter_us(bmc, wait_us, REDFISH_SESSION_JITTER);
    if (!session->complained)
        LOG(WARNING, bmc->device->name, "does not take our login: %s", why[0] ? why : "no reason given");
    session->complained = true;
}

void redfish_session_never(struct redfish *bmc)
{
    bmc->session.basic = bmc->session.complained = true;
    bmc->session.basic_until_us = INT64_MAX;
}

static void redfish_session_use_basic(struct redfish *bmc, int64_t until_us, const char *why)
{
    struct redfish_session *session = &bmc->session;

    if (!session->complained)
        LOG(NOTICE, bmc->device->name, "gives us no session (%s): Basic authentication instead", why);
    session->complained = true;
    session->basic = true;
    session->basic_until_us = until_us;
}

/* A session URI as a path: a whole URL's host is not ours to follow. NULL: it is none. */
static char *redfish_session_path(const char *uri)
{
    const char *scheme = strstr(uri, "://");
    const char *path = scheme ? strchr(scheme + 3, '/') : uri;

    return path && path[0] == '/' ? strdup(path) : NULL;
}

static void redfish_session_on_token(struct redfish *bmc, const struct redfish_reply *reply,
                                     const char *token)
{
    struct redfish_session *session = &bmc->session;
    const char *location = http_response_header(reply->response, "Location");
    struct redfish_token kept = redfish_session_kept(bmc);
    char *id = location ? NULL : redfish_json_id(reply->body, reply->size);
    char *uri = location ? redfish_session_path(location) : id ? redfish_session_path(id) : NULL;

    free(id);
    if (!redfish_session_take(bmc, token, uri)) {
        redfish_session_back_off(bmc, status_label(ST_NOMEM));
        return;
    }
    redfish_token_save(&kept, token, session->uri ? session->uri : "");
    session->basic = false;
    if (session->complained && session->failures == 0) {
        LOG(NOTICE, bmc->device->name, "gives us a session again");
        session->complained = false;
    }
}

/* The login itself wants Basic authentication, and did not have it: once more, with it. */
static bool redfish_session_wants_basic(const struct redfish *bmc, const struct redfish_reply *reply)
{
    const char *challenge =
        reply->response ? http_response_header(reply->response, "WWW-Authenticate") : NULL;

    return reply->code == 401 && challenge && strcasestr(challenge, "basic") &&
           !bmc->session.login_with_basic && bmc->session.failures == 0;
}

static void redfish_session_on_login(struct redfish *bmc, const struct redfish_reply *reply)
{
    struct redfish_session *session = &bmc->session;
    const char *token = reply->response ? http_response_header(reply->response, "X-Auth-Token") : NULL;
    int64_t wait_us = redfish_link_retry_after_us(reply, 10 * REDFISH_SESSION_BASIC_US);
    enum status st = redfish_link_judge(reply);
    char why[REDFISH_JSON_TEXT_MAX];

    redfish_json_error(reply->body, reply->size, why);
    if (reply->status != ST_OK) { /* the BMC is away: polling sees to that */
        (void)snprintf(session->why, sizeof session->why, "%.*s", REDFISH_JSON_TEXT_MAX - 1, reply->body);
        return;
    }
    if (st == ST_OK && token && token[0])
        redfish_session_on_token(bmc, reply, token);
    else if (st == ST_BUSY || redfish_json_sessions_full(reply->body, reply->size))
        redfish_session_use_basic(
            bmc, reply->done_us + (wait_us > REDFISH_SESSION_BASIC_US ? wait_us : REDFISH_SESSION_BASIC_US),
            why[0] ? why : "no slot is free");
    else if (st == ST_OK || st == ST_ABSENT || reply->code == 405 || reply->code == 501)
        redfish_session_use_basic(bmc, INT64_MAX, "it has no session service");
    else {
        if (reply->code == 401)
            session->login_with_basic = !session->login_with_basic;
        redfish_session_back_off(bmc, why);
    }
}

static void redfish_session_on_answer(struct redfish *bmc, const struct redfish_reply *reply)
{
    struct redfish_session *session = &bmc->session;
    enum redfish_session_step step = session->step;

    session->step = REDFISH_SESSION_REST;
    if (step == REDFISH_SESSION_LOGOUT || bmc->stopping) {
        if (step == REDFISH_SESSION_LOGIN) {
            redfish_session_on_login(bmc, reply);
            redfish_session_logout(bmc); /* what was just given */
        } else {
            struct redfish_token kept = redfish_session_kept(bmc);

            if (reply->status == ST_OK) /* else it may live on, and the next of us goes on with it */
                redfish_token_forget(&kept);
            redfish_session_drop(bmc);
        }
        return;
    }
    if (step == REDFISH_SESSION_REPLACE) {
        redfish_session_login(bmc);
        return;
    }
    if (redfish_session_wants_basic(bmc, reply)) {
        session->login_with_basic = true;
        redfish_session_login(bmc);
        return;
    }
    redfish_session_on_login(bmc, reply);
    for (int i = 0; i < REDFISH_LANES; i++) {
        struct redfish_lane *lane = &bmc->lanes[i];

        if (!lane->parked)
            continue;
        lane->parked = false;
        if (session->token_header || session->basic)
            redfish_link_go(lane);
        else
            redfish_link_drop(lane, reply->status != ST_OK ? reply->status : ST_REFUSED);
    }
}

void redfish_session_logout(struct redfish *bmc)
{
    struct redfish_session *session = &bmc->session;
    struct redfish_ask ask = { .method = "DELETE", .path = session->uri };

    if (session->step != REDFISH_SESSION_REST)
        return; /* when that is over, redfish_session_on_answer() sees that we stop */
    if (session->token_header && session->uri)
        redfish_session_ask(bmc, REDFISH_SESSION_LOGOUT, &ask);
}

/* "Authorization: Basic " and base64 of "user:password". */
static void redfish_session_basic(const char *username, const char *password, char *to, size_t room)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char plain[2 * CONF_NAME_MAX];
    size_t size = (size_t)snprintf(plain, sizeof plain, "%s:%s", username, password);
    size_t at = (size_t)snprintf(to, room, "Authorization: Basic ");

    for (size_t i = 0; i < size && at + 5 < room; i += 3) {
        unsigned a = (unsigned char)plain[i];
        unsigned b = i + 1 < size ? (unsigned char)plain[i + 1] : 0;
        unsigned c = i + 2 < size ? (unsigned char)plain[i + 2] : 0;
        unsigned word = a << 16 | b << 8 | c;

        to[at++] = digits[word >> 18];
        to[at++] = digits[word >> 12 & 63];
        to[at++] = i + 1 < size ? digits[word >> 6 & 63] : '=';
        to[at++] = i + 2 < size ? digits[word & 63] : '=';
    }
    to[at] = '\0';
    explicit_bzero(plain, sizeof plain);
}

enum status redfish_session_init(struct redfish *bmc)
{
    struct redfish_session *session = &bmc->session;
    const struct conf_device *device = bmc->device;
    struct redfish_token kept = redfish_session_kept(bmc);
    char *token, *uri;

    if (!redfish_json_login(device->username, device->password, session->login_body,
                            sizeof session->login_body))
        return ST_NOMEM;
    redfish_session_basic(device->username, device->password, session->basic_header,
                          sizeof session->basic_header);
    if (device->username[0] && redfish_token_load(&kept, &token, &uri)) {
        (void)redfish_session_take(bmc, token, uri); /* no memory: then there is a new one */
        explicit_bzero(token, strlen(token));
        free(token);
    }
    return ST_OK;
}

bool redfish_busy(const struct redfish *bmc)
{
    return bmc->session.step != REDFISH_SESSION_REST;
}
