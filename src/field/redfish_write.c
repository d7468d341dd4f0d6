/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_write.c: works off one order: read, record, set, read back.
 *
 * Owns the write lane. Runs on the event base's thread and never waits: while a
 * device takes its time over one lever the lane serves the others, but a lever has
 * one write in flight at most. Writes nothing without a record of what was there,
 * no limit that is not in its unit, and believes no answer until the value was read
 * back. Which order is next is redfish_order.c's.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "redfish_bmc.h"
#include "redfish_value.h"
#include "redfish_write.h"

#include "busbar/clock.h"
#include "busbar/log.h"

#include "originals.h"

#define REDFISH_WRITE_READBACKS   4                  /* the first at once             */
#define REDFISH_WRITE_LATE_US     ((int64_t)2000000) /* how late a limit may be applied */
#define REDFISH_WRITE_LATE_SHARE  0.4                /* of the time-out, if that is less */
#define REDFISH_WRITE_LOOKS       30                 /* at a task                     */
#define REDFISH_WRITE_LOOK_US     ((int64_t)1000000) /* between two, unless it says   */
#define REDFISH_WRITE_LOOK_MAX_US ((int64_t)10000000)

static void redfish_write_set(struct redfish *bmc, int32_t l);

struct redfish_place *redfish_write_place(const struct redfish *bmc, int32_t l)
{
    return &bmc->places[redfish_place_of_lever(bmc, l)];
}

enum conf_knob redfish_write_knob(const struct redfish *bmc, int32_t l)
{
    return bmc->device->levers[l].knob;
}

/* ---- the outcome ---- */

/* One line when a lever stops obeying, one when it obeys again. */
static void redfish_write_note(struct redfish *bmc, int32_t l, enum status st, const char *why)
{
    struct redfish_lever *lever = &bmc->levers[l];
    const char *name = bmc->device->levers[l].name;

    if (st != ST_OK && !lever->complained)
        LOG(WARNING, name, "order %" PRIu64 " not done: %s%s%s", lever->order.number, status_label(st),
            why[0] ? ": " : "", why);
    else if (st == ST_OK && lever->complained)
        LOG(NOTICE, name, "order %" PRIu64 " done: it obeys again", lever->order.number);
    lever->complained = st != ST_OK;
}

void redfish_write_end(struct redfish *bmc, int32_t l, enum status st, double readback, const char *why)
{
    struct redfish_lever *lever = &bmc->levers[l];
    int64_t now_us = clock_now_us();
    struct device_ack ack = {
        .number = lever->order.number,
        .status = st,
        .readback = readback,
        .dispatched_us = lever->dispatched_us > 0 ? lever->dispatched_us : now_us,
        .done_us = now_us,
    };

    lever->step = REDFISH_LEVER_IDLE;
    redfish_write_note(bmc, l, st, why);
    if (st == ST_OK) {
        histogram_add(&bmc->stats.dispatch, lever->dispatched_us - lever->published_us);
        histogram_add(&bmc->stats.device, now_us - lever->dispatched_us);
        if (lever->order.op == DEVICE_OP_RELEASE)
            lever->recorded = false; /* whoever sees it restored may strike it from the record */
    }
    /* A newer order may have run out of its lease meanwhile: its answer stays. */
    if (bmc->adapter->state.acks[l].number <= ack.number) {
        adapter_ack(bmc->adapter, l, &ack);
        adapter_publish(bmc->adapter);
    }
}

/* ---- what may be written ---- */

static struct original redfish_write_original(const struct redfish *bmc, int32_t l)
{
    const struct conf_lever *conf = &bmc->device->levers[l];
    const struct redfish_spot_doc *doc = &redfish_write_place(bmc, l)->doc;
    struct original original = {
        .index = conf->row,
        .value = redfish_knob_value(conf->knob, doc),
        .gate = -1,
        .enable = conf->knob != CONF_KNOB_LIMIT          ? -1
                  : redfish_knob_is_off(conf->knob, doc) ? 0
                                                         : 1,
        .timeout = NAN,
    };

    (void)snprintf(original.device, sizeof original.device, "%s", bmc->device->name);
    (void)snprintf(original.serial, sizeof original.serial, "%s", bmc->adapter->state.serial);
    (void)snprintf(original.signal, sizeof original.signal, "%s", signal_name(conf->signal));
    return original;
}

/* The calls that set the lever's target, into the lever. False: there are none. */
static bool redfish_write_plan(struct redfish *bmc, int32_t l)
{
    const struct redfish_place *place = redfish_write_place(bmc, l);
    struct redfish_lever *lever = &bmc->levers[l];
    const struct redfish_knob_want want = {
        .knob = redfish_write_knob(bmc, l),
        .target = lever->target,
        .turn = lever->turn,
        .path = place->path,
        .manual = strcmp(bmc->kind, "xcc") == 0 ? "Manual" : NULL,
    };

    lever->call = lever->call_count = 0;
    while (lever->call_count < REDFISH_KNOB_CALLS_MAX &&
           redfish_knob_call(&want, &place->doc, lever->call_count, &lever->calls[lever->call_count]))
        lever->call_count++;
    return lever->call_count > 0;
}

/* What is to be written, into the lever. */
static enum status redfish_write_target(struct redfish *bmc, int32_t l)
{
    struct redfish_lever *lever = &bmc->levers[l];
    const struct conf_lever *conf = &bmc->device->levers[l];
    const struct redfish_spot_doc *doc = &redfish_write_place(bmc, l)->doc;
    double value = lever->order.value;
    struct original original;

    lever->turn = redfish_knob_is_off(conf->knob, doc) ? REDFISH_KNOB_ON : REDFISH_KNOB_KEEP;
    if (lever->order.op == DEVICE_OP_RELEASE) {
        if (!originals_find(bmc->opt.conf->state_dir, bmc->device->name, bmc->adapter->state.serial,
                            signal_name(conf->signal), conf->row, &original))
            return ST_ABSENT;
        value = original.value + redfish_knob_near(conf->knob, doc); /* to the nearest */
        if (original.enable == 0)
            lever->turn = REDFISH_KNOB_OFF;
    }
    lever->target = redfish_knob_round(conf->knob, doc, value);
    if (!redfish_knob_allows(conf->knob, doc, lever->target))
        return ST_RANGE;
    return ST_OK;
}

static bool redfish_write_agrees(const struct redfish *bmc, int32_t l);

/* The resource is fresh: everything that must hold before it is written to. */
void redfish_write_prepare(struct redfish *bmc, int32_t l)
{
    struct redfish_lever *lever = &bmc->levers[l];
    enum conf_knob knob = redfish_write_knob(bmc, l);
    const char *forbidden =
        redfish_knob_forbidden(knob, &redfish_write_place(bmc, l)->doc, bmc->device->hard_power_off_ok);
    struct original original = redfish_write_original(bmc, l);
    enum status st;

    if (!lever->recorded && isnan(original.value)) {
        redfish_write_end(bmc, l, ST_ABSENT, NAN, "it does not show what it holds");
        return;
    }
    if (forbidden) {
        redfish_write_end(bmc, l, isnan(original.value) ? ST_ABSENT : ST_REFUSED, original.value, forbidden);
        return;
    }
    st = redfish_write_target(bmc, l);
    if (st != ST_OK) {
        redfish_write_end(bmc, l, st, original.value,
                          st == ST_RANGE ? "outside what the device allows"
                                         : "its original is not on record");
        return;
    }
    if (!lever->recorded && originals_record(bmc->opt.conf->state_dir, &original) != ST_OK) {
        redfish_write_end(bmc, l, ST_REFUSED, original.value, "its original cannot be recorded");
        return;
    }
    lever->recorded = true;
    if (lever->order.lease_end_us <= clock_now_us()) {
        redfish_write_end(bmc, l, ST_STALE, original.value, "its lease ran out");
        return;
    }
    if (!bmc->rooted) { /* it was away since this was begun */
        redfish_write_end(bmc, l, ST_BUSY, original.value, "who is there now is not known yet");
        return;
    }
    if (redfish_write_plan(bmc, l)) {
        redfish_write_set(bmc, l);
        return;
    }
    /* No call would change it: it is there already, or cannot be had. */
    lever->dispatched_us = clock_now_us();
    redfish_write_end(bmc, l, redfish_write_agrees(bmc, l) ? ST_OK : ST_REFUSED, original.value,
                      "there is no call that sets it");
}

/* ---- asking ---- */

static void redfish_write_ask(struct redfish *bmc, int32_t l, enum redfish_lever_step step,
                              const struct redfish_ask *ask)
{
    bmc->levers[l].step = step;
    bmc->writing = l;
    redfish_link_ask(bmc, REDFISH_LANE_WRITE, ask);
}

/* The lever whose answer has come; the lane is free again. */
static int32_t redfish_write_answered(struct redfish *bmc)
{
    int32_t l = bmc->writing;

    bmc->writing = CORE_NONE;
    return l;
}

static void redfish_write_keep_etag(struct redfish *bmc, int32_t l, const struct redfish_reply *reply)
{
    struct redfish_lever *lever = &bmc->levers[l];
    const char *etag = reply->response ? http_response_header(reply->response, "ETag") : NULL;

    if (!etag || strlen(etag) >= sizeof lever->etag)
        etag = "*";
    else if (bmc->etag == REDFISH_ETAG_STRONG && strncmp(etag, "W/", 2) == 0)
        etag += 2;
    (void)snprintf(lever->etag, sizeof lever->etag, "%s", etag);
}

static void redfish_write_on_read(struct redfish *bmc, const struct redfish_reply *reply)
{
    int32_t l = redfish_write_answered(bmc);
    enum status st = redfish_take(bmc, redfish_place_of_lever(bmc, l), reply);

    redfish_write_keep_etag(bmc, l, reply);
    if (st == ST_OK)
        redfish_write_prepare(bmc, l);
    else /* nothing was written, so nothing is in doubt */
        redfish_write_end(bmc, l, st == ST_REFUSED || st == ST_BUSY || st == ST_ABSENT ? st : ST_NACK, NAN,
                          "its limit cannot be read first");
    redfish_write_turn(bmc);
}

void redfish_write_read(struct redfish *bmc, int32_t l)
{
    struct redfish_ask ask = { .method = "GET",
                               .path = redfish_write_place(bmc, l)->path,
                               .done = redfish_write_on_read };

    redfish_write_ask(bmc, l, REDFISH_LEVER_READ, &ask);
}

/* 412 or 428: the next rung of the ladder, from what is there now. False at its end. */
static bool redfish_write_climb(struct redfish *bmc, int32_t l)
{
    struct redfish_lever *lever = &bmc->levers[l];

    bmc->etag = (bmc->etag + 1) % REDFISH_ETAG_RUNGS;
    if (++lever->climbs >= REDFISH_ETAG_RUNGS)
        return false;
    lever->dispatched_us = 0;
    redfish_write_read(bmc, l);
    return true;
}

/* A path of a header, of this host; false: it has none that we would follow. */
static bool redfish_write_location(const struct redfish_reply *reply, char ret[REDFISH_JSON_PATH_MAX])
{
    const char *location = reply->response ? http_response_header(reply->response, "Location") : NULL;
    const char *scheme = location ? strstr(location, "://") : NULL;

    return redfish_value_path(scheme ? strchr(scheme + 3, '/') : location, ret, REDFISH_JSON_PATH_MAX);
}

/* It is done later: looked at until it is, or for long enough. */
static void redfish_write_follow(struct redfish *bmc, int32_t l, const struct redfish_reply *reply)
{
    struct redfish_lever *lever = &bmc->levers[l];
    int64_t wait_us = redfish_link_retry_after_us(reply, REDFISH_WRITE_LOOK_MAX_US);

    lever->step = REDFISH_LEVER_TASK;
    lever->due_us = clock_now_us() + (wait_us > 0 ? wait_us : REDFISH_WRITE_LOOK_US);
}

static void redfish_write_next(struct redfish *bmc, int32_t l, const struct redfish_reply *reply)
{
    struct redfish_lever *lever = &bmc->levers[l];

    if (reply->status == ST_OK && bmc->rooted && ++lever->call < lever->call_count) {
        redfish_write_set(bmc, l);
        return;
    }
    /* Taken, or nobody knows: what is there now decides. */
    lever->otherwise = reply->status == ST_OK ? ST_MISMATCH : ST_TIMEOUT;
    lever->readbacks = 0;
    redfish_write_verify(bmc, l);
}

static void redfish_write_on_look(struct redfish *bmc, const struct redfish_reply *reply)
{
    int32_t l = redfish_write_answered(bmc);
    struct redfish_lever *lever = &bmc->levers[l];
    bool still = reply->status != ST_OK || reply->code == 202 || redfish_link_judge(reply) == ST_BUSY ||
                 (reply->code == 200 && redfish_json_task_runs(reply->body, reply->size));

    if (still && ++lever->looks < REDFISH_WRITE_LOOKS) {
        redfish_write_follow(bmc, l, reply);
        redfish_write_turn(bmc);
        return;
    }
    redfish_write_next(bmc, l, reply); /* done, gone (404), or given up: read back */
}

void redfish_write_look(struct redfish *bmc, int32_t l)
{
    struct redfish_ask ask = { .method = "GET", .path = bmc->levers[l].task, .done = redfish_write_on_look };

    bmc->levers[l].due_us = 0;
    redfish_write_ask(bmc, l, REDFISH_LEVER_TASK, &ask);
}

static void redfish_write_on_set(struct redfish *bmc, const struct redfish_reply *reply)
{
    int32_t l = redfish_write_answered(bmc);
    struct redfish_lever *lever = &bmc->levers[l];
    enum status st = redfish_link_judge(reply);
    char why[REDFISH_JSON_TEXT_MAX];

    if (lever->call == 0)
        lever->dispatched_us = reply->dispatched_us;
    bmc->stats.writes += reply->dispatched_us > 0;
    if (reply->status == ST_OK && (reply->code == 412 || reply->code == 428) && redfish_write_climb(bmc, l))
        return;
    /* After a first call that was taken, a refused second one leaves it half done. */
    if (lever->call == 0 &&
        (reply->dispatched_us == 0 ||
         (reply->status == ST_OK && (st == ST_REFUSED || st == ST_ABSENT || st == ST_BUSY)))) {
        redfish_json_error(reply->body, reply->size, why);
        redfish_write_end(bmc, l, st == ST_ABSENT || st == ST_BUSY || st == ST_REFUSED ? ST_REFUSED : ST_NACK,
                          NAN, why);
        redfish_write_turn(bmc);
        return;
    }
    if (reply->status == ST_OK && reply->code == 202 && redfish_write_location(reply, lever->task)) {
        lever->looks = 0;
        redfish_write_follow(bmc, l, reply);
        redfish_write_turn(bmc);
        return;
    }
    redfish_write_next(bmc, l, reply);
}

static void redfish_write_set(struct redfish *bmc, int32_t l)
{
    struct redfish_lever *lever = &bmc->levers[l];
    const struct redfish_knob_call *call = &lever->calls[lever->call];
    bool action = strcmp(call->method, "POST") == 0;
    struct redfish_ask ask = {
        .method = call->method,
        .path = call->path,
        .body = call->body,
        .etag = action || bmc->etag == REDFISH_ETAG_NONE ? NULL : lever->etag,
        .once = action, /* libcurl repeats what a dying connection swallowed: good for set-points only */
        .done = redfish_write_on_set,
    };

    bmc->write_tokens -= 1.0;
    redfish_write_ask(bmc, l, REDFISH_LEVER_SET, &ask);
}

/* ---- reading back ---- */

/* Is what was ordered in force? */
static bool redfish_write_agrees(const struct redfish *bmc, int32_t l)
{
    const struct redfish_lever *lever = &bmc->levers[l];
    enum conf_knob knob = redfish_write_knob(bmc, l);
    const struct redfish_spot_doc *doc = &redfish_write_place(bmc, l)->doc;

    if (redfish_knob_is_off(knob, doc) != (lever->turn == REDFISH_KNOB_OFF))
        return false;
    return lever->turn == REDFISH_KNOB_OFF ||
           fabs(redfish_knob_value(knob, doc) - lever->target) < redfish_knob_near(knob, doc);
}

/* What it holds, as the core counts it. */
static double redfish_write_readback(const struct redfish *bmc, int32_t l)
{
    return redfish_knob_value(redfish_write_knob(bmc, l), &redfish_write_place(bmc, l)->doc);
}

/* Some apply a limit a while after they accepted it: up to three more looks. */
static int64_t redfish_write_wait_us(const struct redfish *bmc, int32_t readbacks)
{
    static const double share[REDFISH_WRITE_READBACKS] = { 0.0, 0.15, 0.30, 0.55 };
    int64_t late_us = (int64_t)((double)bmc->bus->timeout_us * REDFISH_WRITE_LATE_SHARE);

    return (int64_t)((double)(late_us < REDFISH_WRITE_LATE_US ? late_us : REDFISH_WRITE_LATE_US) *
                     share[readbacks]);
}

static void redfish_write_on_verify(struct redfish *bmc, const struct redfish_reply *reply)
{
    int32_t l = redfish_write_answered(bmc);
    struct redfish_lever *lever = &bmc->levers[l];
    bool read = redfish_take(bmc, redfish_place_of_lever(bmc, l), reply) == ST_OK;

    if (read && redfish_write_agrees(bmc, l))
        redfish_write_end(bmc, l, ST_OK,
                          lever->turn == REDFISH_KNOB_OFF ? redfish_write_readback(bmc, l) : lever->target,
                          "");
    else if (++lever->readbacks < REDFISH_WRITE_READBACKS)
        lever->due_us = clock_now_us() + redfish_write_wait_us(bmc, lever->readbacks);
    else if (read)
        redfish_write_end(bmc, l, lever->otherwise, redfish_write_readback(bmc, l),
                          "it reads back another value");
    else
        redfish_write_end(bmc, l, ST_TIMEOUT, NAN, "it cannot be read back");
    redfish_write_turn(bmc);
}

void redfish_write_verify(struct redfish *bmc, int32_t l)
{
    struct redfish_ask ask = { .method = "GET",
                               .path = redfish_write_place(bmc, l)->path,
                               .done = redfish_write_on_verify };

    bmc->levers[l].due_us = 0;
    redfish_write_ask(bmc, l, REDFISH_LEVER_VERIFY, &ask);
}
