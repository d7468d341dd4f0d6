/* SPDX-License-Identifier: Apache-2.0 */
/* regline.c: all register devices of one blocking bus, and whose turn it is.
 *
 * Owns the worker, the devices' schedules and the bus's counters. Everything but
 * regline_new(), regline_start() and regline_free() runs on the worker. A bus that
 * goes away is closed, said so once, and opened again every second.
 */
#include "regline.h"

#include <stdlib.h>

#include "busbar/log.h"
#include "busbar/worker.h"
#include "regdev.h"
#include "regmirror.h"
#include "regorder.h"
#include "regpoll.h"

#define REGLINE_REOPEN_US INT64_C(1000000)
#define REGLINE_STATS_US INT64_C(100000)   /* the counters reach main so often      */
#define REGLINE_LATELY_US INT64_C(5000000) /* a bus with an answer this young is up */
#define REGLINE_ORDERS_MAX 8               /* orders in a row while polls are due   */

struct regline {
    struct regio io;
    struct mailbox *stats;
    struct worker *worker;
    bool down;                 /* said so                                            */
    int64_t reopen_at_us;
    int64_t stats_at_us;
    int64_t alert_at_us;       /* when SMBALERT# is asked after next                 */
    int32_t orders_in_a_row;
    int32_t next_order, next_poll;   /* devices take turns                           */
    int32_t device_count;
    struct regdev *devices;
};

static int64_t regline_now_us(const struct regline *line)
{
    return line->io.ops->now_us(line->io.arg);
}

/* ---- the bus comes and goes: the transport has said why ---- */

static void regline_lost(struct regline *line)
{
    int64_t now_us = regline_now_us(line);

    line->down = true;
    line->reopen_at_us = now_us + REGLINE_REOPEN_US;
    for (int32_t i = 0; i < line->device_count; i++)
        regdev_lost(&line->devices[i], now_us);
}

static enum status regline_open(struct regline *line)
{
    enum status st = line->io.ops->open(line->io.arg);
    int64_t now_us = regline_now_us(line);

    if (st != ST_OK) {
        line->reopen_at_us = now_us + REGLINE_REOPEN_US;
        return st;
    }
    if (line->down)
        LOG(NOTICE, line->io.bus->name, "the bus is open again");
    line->down = false;
    line->io.open = true;
    line->io.rest_until_us = now_us;
    for (int32_t i = 0; i < line->device_count; i++)
        regdev_start(&line->devices[i], now_us);
    return ST_OK;
}

static int64_t regline_closed_turn(struct regline *line, int64_t now_us)
{
    if (now_us >= line->reopen_at_us && regline_open(line) == ST_OK)
        return now_us;
    for (int32_t i = 0; i < line->device_count; i++)
        regorder_refuse(&line->devices[i], now_us);
    return line->reopen_at_us;
}

/* ---- whose turn ---- */

/* Read-backs first: what they confirm may let others be ordered. */
static bool regline_read_back(struct regline *line, int64_t now_us)
{
    for (int32_t i = 0; i < line->device_count; i++) {
        int32_t lever = regorder_settled(&line->devices[i], now_us);

        if (lever == CORE_NONE)
            continue;
        regorder_step(&line->devices[i], lever, now_us);
        return true;
    }
    return false;
}

/* Others that are to get the same row now, for one write to all; the first is in already. */
static int32_t regline_gather(struct regline *line, struct regdev **devs, int32_t *levers, int64_t now_us)
{
    const struct profile *profile = devs[0]->adapter->profile;
    int32_t row = devs[0]->adapter->device->levers[levers[0]].row, count = 1;

    for (int32_t i = 0; i < line->device_count && count < REGORDER_GROUP_MAX; i++) {
        struct regdev *dev = &line->devices[i];
        int32_t lever = dev == devs[0] || dev->adapter->profile != profile ? CORE_NONE : regorder_next(dev, now_us);

        if (lever == CORE_NONE || dev->adapter->device->levers[lever].row != row || !regorder_is_group(dev, lever))
            continue;
        devs[count] = dev;
        levers[count++] = lever;
    }
    return count;
}

static void regline_step_order(struct regline *line, struct regdev *dev, int32_t lever, int64_t now_us)
{
    struct regdev *devs[REGORDER_GROUP_MAX] = { dev };
    int32_t levers[REGORDER_GROUP_MAX] = { lever }, count = 1;

    if (regorder_is_group(dev, lever))
        count = regline_gather(line, devs, levers, now_us);
    if (count > 1)
        regorder_step_group(devs, levers, count, now_us);
    else
        regorder_step(dev, lever, now_us);
}

static bool regline_order(struct regline *line, int64_t now_us)
{
    for (int32_t n = 0; n < line->device_count; n++) {
        int32_t i = (line->next_order + n) % line->device_count;
        int32_t lever = regorder_next(&line->devices[i], now_us);

        if (lever == CORE_NONE)
            continue;
        line->next_order = i + 1;
        regline_step_order(line, &line->devices[i], lever, now_us);
        return true;
    }
    return false;
}

/* The most urgent device that does not rest, or NULL; *ret_next_us: when one wants the line next. */
static struct regdev *regline_urgent(struct regline *line, int64_t now_us, int64_t *ret_next_us)
{
    int64_t earliest_us = INT64_MAX;
    struct regdev *urgent = NULL;

    *ret_next_us = INT64_MAX;
    for (int32_t n = 0; n < line->device_count; n++) {
        int32_t i = (line->next_poll + n) % line->device_count;
        int64_t deadline_us, next_us = regpoll_next(&line->devices[i], now_us, &deadline_us);
        int64_t settled_us = regorder_due_us(&line->devices[i]), rest_us;

        if (next_us <= now_us) {
            rest_us = regio_rest_until_us(&line->io, line->devices[i].adapter->device->address);
            next_us = rest_us > now_us ? rest_us : next_us;
        }
        if (next_us <= now_us && deadline_us < earliest_us) {
            earliest_us = deadline_us;
            urgent = &line->devices[i];
        }
        next_us = next_us < settled_us ? next_us : settled_us;
        *ret_next_us = next_us < *ret_next_us ? next_us : *ret_next_us;
    }
    return urgent;
}

static void regline_publish(struct regline *line, int64_t now_us)
{
    if (now_us < line->stats_at_us)
        return;
    line->stats_at_us = now_us + REGLINE_STATS_US;
    line->io.stats.open = line->io.open && now_us - line->io.answered_us < REGLINE_LATELY_US;
    mailbox_put(line->stats, &line->io.stats);
}

/* Who calls for attention is read next. Each that answers lets go of the line, so the next
 * one can; one that keeps calling does not hold up the others. */
static void regline_alert(struct regline *line, int64_t now_us)
{
    int32_t unit = 0;

    if (!line->io.bus->alert || now_us < line->alert_at_us)
        return;
    line->alert_at_us = now_us + line->io.bus->fast_us;
    for (int32_t n = 0; n < line->device_count && regio_alert(&line->io, &unit) == ST_OK; n++)
        for (int32_t i = 0; i < line->device_count; i++)
            if (line->devices[i].adapter->device->address == unit)
                regdev_alert(&line->devices[i], now_us);
}

static int64_t regline_open_turn(struct regline *line, int64_t now_us)
{
    int64_t next_us;
    struct regdev *urgent;

    regline_alert(line, now_us);
    urgent = regline_urgent(line, now_us, &next_us);

    if ((!urgent || line->orders_in_a_row < REGLINE_ORDERS_MAX) &&
        (regline_read_back(line, now_us) || regline_order(line, now_us))) {
        line->orders_in_a_row++;
        next_us = line->io.rest_until_us;
    } else if (urgent) {
        line->orders_in_a_row = 0;
        line->next_poll = (int32_t)(urgent - line->devices) + 1;
        regpoll_step(urgent, now_us);
        next_us = line->io.rest_until_us;
    }
    if (!line->io.open) {
        regline_lost(line);
        next_us = line->reopen_at_us;
    } else if (line->io.bus->alert && line->alert_at_us < next_us) {
        next_us = line->alert_at_us;
    }
    return next_us;
}

/* Modules that their mirror told of. */
static void regline_tell(struct regline *line)
{
    line->io.told = false;
    for (int32_t i = 0; i < line->device_count; i++) {
        if (line->devices[i].publish)
            adapter_publish(line->devices[i].adapter);
        line->devices[i].publish = false;
    }
}

int64_t regline_turn(void *arg, int64_t now_us)
{
    struct regline *line = arg;
    int64_t next_us = line->io.open ? regline_open_turn(line, now_us) : regline_closed_turn(line, now_us);

    if (line->io.told)
        regline_tell(line);
    regline_publish(line, now_us);
    return next_us;
}

/* ---- start and end ---- */

enum status regline_new(const struct regline_options *opt, struct regline **ret)
{
    enum status st = ST_NOMEM;
    struct regline *line = calloc(1, sizeof *line);

    if (!line)
        return ST_NOMEM;
    line->io = (struct regio){
        .ops = opt->ops,
        .arg = opt->arg,
        .bus = opt->bus,
        .gap_min_us = opt->gap_min_us,
        .answered_us = INT64_MIN / 2,
    };
    line->stats = opt->stats;
    line->devices = calloc((size_t)opt->adapter_count + 1, sizeof *line->devices);
    if (!line->devices)
        goto fail;
    for (int32_t i = 0; i < opt->adapter_count; i++) {
        st = regdev_init(&line->devices[i], &line->io, opt->adapters[i]);
        if (st != ST_OK)
            goto fail;
        line->device_count++;
    }
    regmirror_link(line->devices, line->device_count);
    st = regline_open(line);
    if (st == ST_BUSY)
        goto fail; /* open() has said who and what */
    if (st != ST_OK)
        regline_lost(line);
    *ret = line;
    return ST_OK;

fail:
    regline_free(line);
    return st;
}

enum status regline_start(struct regline *line)
{
    enum status st = worker_new(line->io.bus->name, regline_turn, line, &line->worker);

    for (int32_t i = 0; i < line->device_count && st == ST_OK; i++)
        mailbox_set_notify(line->devices[i].adapter->from_tick, worker_wake_fd(line->worker));
    return st;
}

struct regline *regline_free(struct regline *line)
{
    if (!line)
        return NULL;
    worker_free(line->worker);
    for (int32_t i = 0; i < line->device_count && line->io.open; i++)
        regmirror_stop(&line->devices[i]);
    for (int32_t i = 0; i < line->device_count; i++)
        regdev_done(&line->devices[i]);
    if (line->io.open)
        line->io.ops->close(line->io.arg);
    free(line->devices);
    free(line);
    return NULL;
}
