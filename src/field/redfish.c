/* SPDX-License-Identifier: Apache-2.0 */
/* redfish.c: polls one BMC and keeps the device's state.
 *
 * Owns a struct redfish and its timers. Runs on the event base's thread and never
 * waits. One GET is out at a time: the place whose turn is first; a turn that is late
 * is not queued. Errands (what is to be found, reports to be tried) fill the gaps. A
 * BMC that does not answer is asked less and less often, but often enough to be found
 * again before a quarter of the stale time has gone.
 */
#include "redfish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redfish_bmc.h"
#include "redfish_stream.h"

#include "busbar/clock.h"
#include "busbar/log.h"

#define REDFISH_ROOT              "/redfish/v1/"
#define REDFISH_ROOT_BARE         "/redfish/v1"
#define REDFISH_BACKOFF_MAX_US    ((int64_t)30000000)
#define REDFISH_BACKOFF_DOUBLINGS 8
#define REDFISH_STALE_SHARE       4 /* probes in a stale time, at least     */
#define REDFISH_BAD_AFTER         2 /* failures in a row                    */
#define REDFISH_JITTER            0.25
#define REDFISH_MOMENTS           32               /* in a fast period                     */
#define REDFISH_ERRAND_EVERY      8                  /* polls, where there is never a gap    */
#define REDFISH_LOOK_US           ((int64_t)1000000) /* for errands that wait for a time   */

/* ---- small things ---- */

static uint64_t redfish_random(struct redfish *bmc)
{
    bmc->random ^= bmc->random << 13;
    bmc->random ^= bmc->random >> 7;
    bmc->random ^= bmc->random << 17;
    return bmc->random;
}

/* 0 to 1, 1 left out. */
static double redfish_random_share(struct redfish *bmc)
{
    return (double)(redfish_random(bmc) >> 11) * 0x1p-53;
}

int64_t redfish_jitter_us(struct redfish *bmc, int64_t value_us, double spread)
{
    return (int64_t)((double)value_us * (1.0 + spread * (2.0 * redfish_random_share(bmc) - 1.0)));
}

void redfish_timer(struct event *timer, int64_t wait_us)
{
    struct timeval tv = { .tv_sec = wait_us > 0 ? wait_us / REDFISH_US_PER_S : 0,
                          .tv_usec = wait_us > 0 ? wait_us % REDFISH_US_PER_S : 0 };

    (void)event_add(timer, &tv);
}

void redfish_count(struct redfish *bmc, const struct redfish_reply *reply)
{
    struct device_state *state = &bmc->adapter->state;
    struct field_bus_stats *stats = &bmc->stats;

    stats->transactions++;
    stats->timeouts += reply->status == ST_TIMEOUT;
    stats->nacks += reply->status == ST_NACK;
    stats->corrupt += reply->status == ST_CORRUPT;
    stats->refused += reply->code >= 400;
    if (reply->status == ST_OK && reply->dispatched_us > 0)
        histogram_add(&stats->latency, reply->done_us - reply->dispatched_us);
    state->transactions = stats->transactions;
    state->timeouts = stats->timeouts;
    state->nacks = stats->nacks;
    state->corrupt = stats->corrupt;
    state->refused = stats->refused;
    state->reachable = reply->status == ST_OK;
}

void redfish_stats(const struct redfish *bmc, struct field_bus_stats *ret)
{
    *ret = bmc->stats;
    ret->open = bmc->stats.transactions > 0 && !bmc->bad && bmc->failures == 0;
}

/* ---- outages ---- */

bool redfish_is_outage(const struct redfish_reply *reply)
{
    return reply->status != ST_OK || reply->code == 401 || reply->code == 403 || reply->code == 429 ||
           reply->code >= 500;
}

static void redfish_describe(const struct redfish_reply *reply, char *to, size_t room)
{
    char why[REDFISH_JSON_TEXT_MAX];

    if (reply->status != ST_OK) {
        (void)snprintf(to, room, "%s%s%.120s", status_label(reply->status), reply->body[0] ? ": " : "",
                       reply->body);
        return;
    }
    redfish_json_error(reply->body, reply->size, why);
    if (redfish_link_redirect(reply))
        (void)snprintf(why, sizeof why, "it redirects to %.120s", redfish_link_redirect(reply));
    (void)snprintf(to, room, "HTTP %d%s%s", reply->code, why[0] ? ": " : "", why);
}

/* Counts a poll's outcome; says the edges. Returns how long to wait before the
 * next try, 0 after a good answer. */
static int64_t redfish_note(struct redfish *bmc, const struct redfish_reply *reply)
{
    int64_t most_us = bmc->bus->stale_us / REDFISH_STALE_SHARE, wait_us;
    int32_t doublings = bmc->failures < REDFISH_BACKOFF_DOUBLINGS ? bmc->failures : REDFISH_BACKOFF_DOUBLINGS;
    char why[REDFISH_JSON_TEXT_MAX + 16];

    if (!redfish_is_outage(reply)) {
        if (bmc->bad)
            LOG(NOTICE, bmc->device->name, "answers again");
        bmc->bad = false;
        bmc->failures = 0;
        return 0;
    }
    if (most_us > REDFISH_BACKOFF_MAX_US)
        most_us = REDFISH_BACKOFF_MAX_US;
    bmc->failures++;
    if (bmc->failures == REDFISH_BAD_AFTER) {
        redfish_describe(reply, why, sizeof why);
        LOG(WARNING, bmc->device->name, "does not answer well: %s", why);
        bmc->bad = true;
    }
    if (bmc->bad) {
        redfish_place_fail(bmc, CORE_NONE, reply->status == ST_NACK ? ST_TIMEOUT : redfish_link_judge(reply),
                           reply);
        bmc->rooted = false; /* as after a time-out (redfish_link.c) */
    }
    wait_us = redfish_link_retry_after_us(reply, bmc->bus->stale_us);
    if (wait_us > 0) { /* no earlier than asked for, and not with all others */
        wait_us = redfish_jitter_us(bmc, wait_us + wait_us / 8, 1.0 / 9.0);
    } else {
        wait_us = bmc->bus->fast_us << doublings;
        wait_us = redfish_jitter_us(bmc, wait_us < most_us ? wait_us : most_us, REDFISH_JITTER);
    }
    return wait_us > 0 ? wait_us : 1;
}

/* ---- polling ---- */

static void redfish_on_root(struct redfish *bmc, const struct redfish_reply *reply);

static void redfish_on_place(struct redfish *bmc, const struct redfish_reply *reply)
{
    (void)redfish_take(bmc, bmc->place, reply);
    redfish_polled(bmc, reply);
}

static void redfish_ask_root(struct redfish *bmc)
{
    struct redfish_ask ask = { .method = "GET",
                               .path = bmc->root_bare ? REDFISH_ROOT_BARE : REDFISH_ROOT,
                               .open = true,
                               .done = redfish_on_root };

    redfish_link_ask(bmc, REDFISH_LANE_POLL, &ask);
}

static void redfish_ask_place(struct redfish *bmc, int32_t place, int64_t now_us)
{
    struct redfish_ask ask = { .method = "GET", .path = bmc->places[place].path, .done = redfish_on_place };

    bmc->place = place;
    bmc->since++;
    redfish_place_asked(bmc, place, now_us);
    redfish_link_ask(bmc, REDFISH_LANE_POLL, &ask);
}

/* Something besides the polls is to be asked, and it is its turn. */
static bool redfish_ask_errand(struct redfish *bmc, bool idle, int64_t now_us)
{
    if (!idle && bmc->since < REDFISH_ERRAND_EVERY)
        return false;
    if (redfish_find_wants(bmc, now_us))
        redfish_find_ask(bmc);
    else if (redfish_bulk_wants(bmc, now_us))
        redfish_bulk_ask(bmc);
    bmc->since = 0;
    return bmc->lanes[REDFISH_LANE_POLL].busy;
}

/* Moments that all BMCs share, close together: what is due at one is asked in one go, and
 * the processor sleeps between. Which of them is a BMC's own was drawn at its start. */
static int64_t redfish_together_us(const struct redfish *bmc, int64_t due_us)
{
    int64_t grid_us = bmc->bus->fast_us / REDFISH_MOMENTS;

    return grid_us > 0 ? (due_us + grid_us - 1) / grid_us * grid_us : due_us;
}

void redfish_poll(struct redfish *bmc)
{
    int64_t now_us = clock_now_us(), due_us;
    int32_t place;

    if (bmc->stopping || bmc->waiting || bmc->lanes[REDFISH_LANE_POLL].busy)
        return;
    if (!bmc->rooted) {
        redfish_ask_root(bmc);
        return;
    }
    place = redfish_place_next(bmc);
    due_us = place == CORE_NONE ? INT64_MAX : bmc->places[place].due_us;
    if (redfish_bulk_due_us(bmc) <= now_us && redfish_bulk_due_us(bmc) <= due_us) {
        redfish_bulk_ask(bmc);
        return;
    }
    if (redfish_ask_errand(bmc, due_us > now_us, now_us))
        return;
    if (due_us <= now_us) {
        redfish_ask_place(bmc, place, now_us);
        return;
    }
    due_us = redfish_bulk_due_us(bmc) < due_us ? redfish_bulk_due_us(bmc) : due_us;
    due_us = due_us < now_us + REDFISH_LOOK_US ? due_us : now_us + REDFISH_LOOK_US;
    redfish_timer(bmc->poll_timer, redfish_together_us(bmc, due_us) - now_us);
}

void redfish_polled(struct redfish *bmc, const struct redfish_reply *reply)
{
    int64_t wait_us = redfish_note(bmc, reply);

    bmc->waiting = wait_us > 0;
    if (bmc->waiting)
        redfish_timer(bmc->poll_timer, wait_us);
    else
        redfish_poll(bmc);
    redfish_write_turn(bmc);
}

static void redfish_on_poll_timer(evutil_socket_t fd, short what, void *arg)
{
    struct redfish *bmc = arg;

    (void)fd;
    (void)what;
    bmc->waiting = false;
    redfish_poll(bmc);
}

/* Who is this? Originals are kept by it. */
static void redfish_identify(struct redfish *bmc, const struct redfish_json_root *root)
{
    struct device_state *state = &bmc->adapter->state;
    const char *serial = root->uuid[0] ? root->uuid : REDFISH_SERIAL_NONE;

    if (state->identified && strncmp(state->serial, serial, sizeof state->serial - 1) != 0) {
        for (int32_t i = 0; i < bmc->device->lever_count; i++)
            bmc->levers[i].recorded = false;
        redfish_find_forget(bmc);
        redfish_bulk_forget(bmc);
        bmc->slashes = false;
    }
    (void)snprintf(state->serial, sizeof state->serial, "%.*s", DEVICE_TEXT_MAX - 1, serial);
    (void)snprintf(state->model, sizeof state->model, "%.*s", DEVICE_TEXT_MAX - 1, root->product);
    (void)snprintf(state->firmware, sizeof state->firmware, "Redfish %.*s", DEVICE_TEXT_MAX - 10,
                   root->version[0] ? root->version : "?");
    (void)snprintf(bmc->session.login_path, sizeof bmc->session.login_path, "%s",
                   root->sessions[0] == '/' ? root->sessions : "");
    state->identified = true;
    bmc->rooted = true;
    adapter_publish(bmc->adapter);
}

static void redfish_on_root(struct redfish *bmc, const struct redfish_reply *reply)
{
    struct redfish_json_root root = { .uuid = "" };

    /* Some want a login even here: the GPUs' answers will show whether it is well. */
    if (reply->status == ST_OK && (reply->code == 401 || reply->code == 403)) {
        redfish_identify(bmc, &root);
        redfish_poll(bmc);
        return;
    }
    if (reply->status == ST_OK && reply->code == 404 && !bmc->root_bare) {
        bmc->root_bare = true;
        redfish_poll(bmc);
        return;
    }
    if (redfish_is_outage(reply)) {
        redfish_polled(bmc, reply);
        return;
    }
    if (redfish_link_judge(reply) == ST_OK && redfish_json_root(reply->body, reply->size, &root) != ST_OK)
        root = (struct redfish_json_root){ .uuid = "" };
    redfish_identify(bmc, &root);
    redfish_poll(bmc);
    redfish_write_turn(bmc);
}

/* ---- life ---- */

static void redfish_on_write_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    redfish_write_turn(arg);
}

void redfish_orders(struct redfish *bmc)
{
    redfish_write_turn(bmc);
}

void redfish_logout(struct redfish *bmc)
{
    struct redfish_lane *poll = &bmc->lanes[REDFISH_LANE_POLL];

    bmc->stopping = true;
    redfish_stream_stop(bmc);
    (void)event_del(bmc->poll_timer);
    (void)event_del(bmc->write_timer);
    (void)event_del(poll->retry);
    /* Its connection is free for the farewell; a PATCH that is out is left alone. */
    http_client_cancel(bmc->opt.client, poll);
    redfish_session_logout(bmc);
}

static enum status redfish_start(struct redfish *bmc)
{
    size_t size = strlen(bmc->device->url);

    while (size > 0 && bmc->device->url[size - 1] == '/')
        size--;
    (void)snprintf(bmc->url, sizeof bmc->url, "%.*s", (int)size, bmc->device->url);
    bmc->levers = calloc((size_t)bmc->device->lever_count + 1, sizeof *bmc->levers);
    bmc->poll_timer = evtimer_new(bmc->opt.base, redfish_on_poll_timer, bmc);
    bmc->write_timer = evtimer_new(bmc->opt.base, redfish_on_write_timer, bmc);
    if (!bmc->levers || !bmc->poll_timer || !bmc->write_timer || redfish_places_init(bmc) != ST_OK ||
        redfish_stream_init(bmc) != ST_OK || redfish_bulk_init(bmc) != ST_OK ||
        redfish_find_init(bmc) != ST_OK)
        return ST_NOMEM;
    return redfish_link_init(bmc);
}

enum status redfish_new(const struct redfish_options *opt, struct redfish **ret)
{
    struct redfish *bmc = calloc(1, sizeof *bmc);
    enum status st;

    if (!bmc)
        return ST_NOMEM;
    bmc->opt = *opt;
    bmc->adapter = opt->adapter;
    bmc->device = opt->adapter->device;
    bmc->bus = &opt->conf->buses[bmc->device->bus];
    bmc->writing = CORE_NONE;
    bmc->write_tokens = (double)bmc->device->lever_count;
    bmc->write_filled_us = clock_now_us();
    bmc->random =
        ((uint64_t)clock_now_us() ^ ((uint64_t)opt->adapter->index + 1) * UINT64_C(0x9e3779b97f4a7c15)) | 1;
    st = redfish_start(bmc);
    if (st != ST_OK) {
        redfish_free(bmc);
        return st;
    }
    if (bmc->place_count > 0)
        redfish_timer(bmc->poll_timer, (int64_t)((double)bmc->bus->fast_us * redfish_random_share(bmc)));
    *ret = bmc;
    return ST_OK;
}

struct redfish *redfish_free(struct redfish *bmc)
{
    if (!bmc)
        return NULL;
    redfish_stream_done(bmc);
    redfish_find_done(bmc);
    redfish_bulk_done(bmc);
    redfish_link_done(bmc);
    redfish_places_done(bmc);
    if (bmc->poll_timer)
        event_free(bmc->poll_timer);
    if (bmc->write_timer)
        event_free(bmc->write_timer);
    free(bmc->levers);
    free(bmc);
    return NULL;
}
