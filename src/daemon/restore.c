/* SPDX-License-Identifier: Apache-2.0 */
/* restore.c: `busbard --restore`.
 *
 * Main thread, with the daemon's own tick thread and field beside it: this file
 * gives the core its targets as devices are identified, waits until the core
 * says that nothing more can be put back, and verifies with readings. It never
 * writes to a device itself.
 */
#include "restore.h"

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "app.h"
#include "busbar/clock.h"
#include "busbar/log.h"
#include "eventlog.h"
#include "loop.h"
#include "rig.h"
#include "state.h"
#include "tick.h"

#define RESTORE_TURN_US 100000
#define RESTORE_TELL_US 1000000
#define RESTORE_IDENTIFY_US 20000000   /* a device that is silent so long is left      */
#define RESTORE_SETTLE_US 6000000      /* for readings after the last write            */
#define RESTORE_LIMIT_US 60000000      /* and twice the worst delay of a lever         */
#define RESTORE_LIMIT_MAX_US 150000000 /* under the unit's TimeoutStopSec              */

struct restore {
    const struct restore_options *opt;
    struct restore_list list;
    double *originals;                 /* one a lever                                  */
    int state_fd;
    struct loop *loop;
    struct rig *rig;
    struct field *field;
    struct tick *tick;
    int64_t started_us, limit_us;
    int64_t settled_us;                /* since when the core has nothing left to do   */
    int32_t told;                      /* items done when that was last said           */
    int64_t told_us;
    bool interrupted;
    bool over;                         /* field_free() runs the base once more         */
};

/* ---- one look, each RESTORE_TURN_US ---- */

static void restore_leave(struct restore_item *item, const char *reason)
{
    item->fate = RESTORE_LEFT;
    (void)snprintf(item->reason, sizeof item->reason, "%s", reason);
}

/* Gives the core the targets of devices that turned out to be the right ones.
 * False: some are still waited for. */
static bool restore_aim(struct restore *restore, int64_t now_us)
{
    bool changed = false, complete = true;

    for (int32_t i = 0; i < restore->list.count; i++) {
        struct restore_item *item = &restore->list.items[i];
        struct device_state state;

        if (item->fate != RESTORE_WAITING)
            continue;
        if (field_device(restore->field, item->device, &state) && restore_identify(item, &state)) {
            if (item->fate != RESTORE_WANTED)
                continue;
            core_plan_levers(restore->rig->plan)[item->lever].target = item->original.value;
            changed = true;
        } else if (now_us - restore->started_us >= RESTORE_IDENTIFY_US) {
            restore_leave(item, "the device does not answer, or is not the model it should be");
        } else {
            complete = false;
        }
    }
    if (changed)
        rig_plan_put(restore->rig);
    return complete;
}

/* How many originals are verified; the rest is looked at again. */
static int32_t restore_count_done(struct restore *restore)
{
    int32_t done = 0;

    for (int32_t i = 0; i < restore->list.count; i++) {
        struct restore_item *item = &restore->list.items[i];
        struct device_state state;

        if (item->fate == RESTORE_WANTED && field_device(restore->field, item->device, &state) &&
            restore_verify(item, &state, &restore->rig->config.levers[item->lever], restore->started_us))
            done++;
    }
    return done;
}

static int32_t restore_count(const struct restore *restore, enum restore_fate fate)
{
    int32_t count = 0;

    for (int32_t i = 0; i < restore->list.count; i++)
        count += restore->list.items[i].fate == fate;
    return count;
}

/* At most once a second: under systemd each is a line of the journal. */
static void restore_tell(struct restore *restore, int32_t done, int64_t now_us)
{
    if (done == restore->told || now_us - restore->told_us < RESTORE_TELL_US)
        return;
    restore->told = done;
    restore->told_us = now_us;
    (void)fprintf(stderr, "busbard: %d of %d levers hold their original value\n", (int)done,
                  (int)restore->list.count);
}

static void restore_turn(void *arg)
{
    struct restore *restore = arg;
    int64_t now_us = clock_now_us();
    const struct core_outputs *out;
    bool aimed;
    int32_t done;

    if (restore->over)
        return;
    aimed = restore_aim(restore, now_us);
    out = rig_outputs(restore->rig);
    done = restore_count_done(restore);
    eventlog_core(NULL, NULL, restore->rig);
    restore_tell(restore, done, now_us);
    if (!aimed || !out || !out->restored || out->plan_version != restore->rig->plan->version)
        restore->settled_us = 0;
    else if (restore->settled_us == 0)
        restore->settled_us = now_us;
    if ((restore->settled_us > 0 && done == restore_count(restore, RESTORE_WANTED)) ||
        (restore->settled_us > 0 && now_us - restore->settled_us >= RESTORE_SETTLE_US) ||
        now_us - restore->started_us >= restore->limit_us)
        loop_break(restore->loop);
}

static void restore_stop(void *arg)
{
    struct restore *restore = arg;

    restore->interrupted = !restore->over;
    loop_break(restore->loop);
}

/* ---- the end ---- */

/* Why a lever that was wanted back is not. */
static void restore_blame(const struct restore *restore, struct restore_item *item,
                          const struct device_state *state)
{
    const struct device_ack *ack = &state->acks[item->place];

    if (restore->interrupted)
        restore_leave(item, "interrupted");
    else if (!state->reachable)
        restore_leave(item, "the device does not answer");
    else if (ack->number > 0 && ack->status != ST_OK)
        (void)snprintf(item->reason, sizeof item->reason, "the device did not take it: %s",
                       status_label(ack->status));
    else if (restore->settled_us > 0 && ack->number == 0)
        restore_leave(item, "raising it would exceed the envelope: --anyway does it");
    else
        restore_leave(item, "time ran out");
    item->fate = RESTORE_LEFT;
}

static void restore_judge(struct restore *restore)
{
    const struct conf *conf = restore->rig->conf;

    for (int32_t i = 0; i < restore->list.count; i++) {
        struct restore_item *item = &restore->list.items[i];
        struct device_state state = { .reachable = false };

        if (item->fate == RESTORE_WAITING)
            restore_leave(item, restore->interrupted ? "interrupted" : "time ran out");
        if (item->fate != RESTORE_WANTED)
            continue;
        (void)field_device(restore->field, item->device, &state);
        if (!restore_verify(item, &state, &restore->rig->config.levers[item->lever], restore->started_us)) {
            restore_blame(restore, item, &state);
            continue;
        }
        item->fate = RESTORE_DONE;
        if (field_original_forget(conf->state_dir, &item->original) != ST_OK)
            LOG(WARNING, item->name, "holds its original again, but stays in the list of originals");
    }
}

static struct json_object *restore_item_json(const struct restore_item *item)
{
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "lever", json_object_new_string(item->name));
    json_object_object_add(object, "value", isnan(item->value) ? NULL : json_object_new_double(item->value));
    json_object_object_add(object, "original",
                           isnan(item->original.value) ? NULL : json_object_new_double(item->original.value));
    if (item->fate == RESTORE_LEFT)
        json_object_object_add(object, "reason", json_object_new_string(item->reason));
    return object;
}

static void restore_print_json(const struct restore_list *list)
{
    struct json_object *document = json_object_new_object();
    struct json_object *restored = json_object_new_array(), *left = json_object_new_array();

    for (int32_t i = 0; i < list->count; i++)
        json_object_array_add(list->items[i].fate == RESTORE_DONE ? restored : left,
                              restore_item_json(&list->items[i]));
    json_object_object_add(document, "restored", restored);
    json_object_object_add(document, "left", left);
    (void)puts(json_object_to_json_string_ext(document, JSON_C_TO_STRING_PRETTY));
    json_object_put(document);
}

static void restore_print(const struct restore_list *list)
{
    int32_t left = 0;

    for (int32_t i = 0; i < list->count; i++) {
        const struct restore_item *item = &list->items[i];

        if (item->fate == RESTORE_DONE)
            continue;
        left++;
        if (isnan(item->original.value)) /* a file, not a lever */
            (void)printf("left: %s: %s\n", item->name, item->reason);
        else
            (void)printf("left: %s: reads %g, its original is %g: %s\n", item->name, item->value,
                         item->original.value, item->reason);
    }
    (void)printf("%d restored, %d left\n", (int)(list->count - left), (int)left);
}

/* ---- the whole ---- */

static enum status restore_start(struct restore *restore)
{
    struct field_options field = { .conf = restore->rig->conf, .base = loop_base(restore->loop),
                                   .tick_notify_fd = -1 };
    struct tick_work work = { .rig = restore->rig };
    struct tick_priority priority = { .fifo = 0, .cpu = -1 };
    int64_t worst_us = 0;
    int refused;
    enum status st = field_new(&field, &restore->field);

    if (st != ST_OK)
        return st;
    for (int32_t l = 0; l < restore->rig->config.lever_count; l++)
        if (restore->rig->config.levers[l].delay_worst_us > worst_us)
            worst_us = restore->rig->config.levers[l].delay_worst_us;
    restore->limit_us = RESTORE_LIMIT_US + 2 * worst_us;
    if (restore->limit_us > RESTORE_LIMIT_MAX_US)
        restore->limit_us = RESTORE_LIMIT_MAX_US;
    restore->started_us = clock_now_us();
    work.field = restore->field;
    st = tick_new(&work, &restore->tick);
    if (st == ST_OK)
        st = loop_on_signal(restore->loop, SIGTERM, restore_stop, restore);
    if (st == ST_OK)
        st = loop_on_signal(restore->loop, SIGINT, restore_stop, restore);
    if (st == ST_OK)
        st = loop_every(restore->loop, RESTORE_TURN_US, restore_turn, restore);
    return st == ST_OK ? tick_start(restore->tick, &priority, &refused) : st;
}

/* One number a lever: its original, or NAN. Two records of one lever: two
 * devices in one place; the range takes both. */
static enum status restore_originals(struct restore *restore, const struct conf *conf)
{
    int32_t count = conf->core.lever_count;

    restore->originals = calloc((size_t)count + 1, sizeof *restore->originals);
    if (!restore->originals)
        return ST_NOMEM;
    for (int32_t l = 0; l < count; l++)
        restore->originals[l] = NAN;
    for (int32_t i = 0; i < restore->list.count; i++) {
        const struct restore_item *item = &restore->list.items[i];

        if (item->lever != CORE_NONE && !(restore->originals[item->lever] > item->original.value))
            restore->originals[item->lever] = item->original.value;
    }
    return ST_OK;
}

/* Takes the configuration into a rig, and the state directory's lock. */
static enum status restore_prepare(struct restore *restore)
{
    struct rig_options rig = { .conf = restore->opt->conf, .mode_wanted = CORE_WANT_RESTORE,
                               .plan_version = 1, .unlimited = restore->opt->anyway };
    const char *dir = rig.conf->state_dir;
    enum status st = restore_originals(restore, rig.conf);

    if (st == ST_OK && state_lock(dir, &restore->state_fd) != ST_OK)
        st = ST_BUSY;
    if (st == ST_OK)
        st = loop_new(&restore->loop);
    if (st != ST_OK) {
        conf_free(rig.conf);
        return st;
    }
    rig.originals = restore->originals;
    return rig_new(&rig, &restore->rig);
}

static void restore_done(struct restore *restore)
{
    tick_free(restore->tick);
    field_free(restore->field);
    rig_free(restore->rig);
    loop_free(restore->loop);
    if (restore->state_fd >= 0)
        (void)close(restore->state_fd);
    free(restore->originals);
    restore_list_done(&restore->list);
}

static int restore_run(struct restore *restore)
{
    enum status st = restore_prepare(restore);

    if (st == ST_OK)
        st = restore_start(restore);
    if (st == ST_OK)
        st = loop_run(restore->loop);
    if (st == ST_BUSY)
        (void)fprintf(stderr, "busbard: a daemon is running on this configuration: stop it first\n");
    else if (st != ST_OK)
        (void)fprintf(stderr, "busbard: cannot restore: %s\n", status_label(st));
    if (st != ST_OK)
        return 2;
    restore->over = true;
    restore_judge(restore);
    return restore_count(restore, RESTORE_LEFT) > 0 ? 1 : 0;
}

int restore_main(const struct restore_options *opt)
{
    struct restore restore = { .opt = opt, .state_fd = -1 };
    int exit_status = 0;

    if (app_socket_answers(opt->conf->socket)) {
        (void)fprintf(stderr, "busbard: %s: a daemon is running: stop it first\n", opt->conf->socket);
        conf_free(opt->conf);
        return 2;
    }
    if (restore_list_read(opt->conf, &restore.list) != ST_OK) {
        (void)fprintf(stderr, "busbard: %s: the originals cannot be read\n", opt->conf->state_dir);
        conf_free(opt->conf);
        return 2;
    }
    (void)fprintf(stderr, "busbard: %d original values are recorded\n", (int)restore.list.count);
    if (restore.list.count > 0)
        exit_status = restore_run(&restore);
    else
        conf_free(opt->conf);
    if (exit_status != 2 && opt->json)
        restore_print_json(&restore.list);
    else if (exit_status != 2)
        restore_print(&restore.list);
    restore_done(&restore);
    return exit_status;
}
