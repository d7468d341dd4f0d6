/* SPDX-License-Identifier: Apache-2.0 */
/* mbus.c: all Modbus devices of one line.
 *
 * Owns the port (mbus_port.c). Runs on the line's worker, but for the first open. What
 * is read and written, and when, is regline.c's business. No call blocks longer than
 * the bus's time-out and what a trickling answer adds to it.
 */
#include "mbus.h"

#include <inttypes.h>
#include <stdlib.h>

#include "busbar/clock.h"
#include "busbar/log.h"
#include "mbus_port.h"
#include "regline.h"

struct mbus {
    const struct conf_bus *bus;
    struct mbus_port port;
    bool said; /* why it cannot be opened, or was lost       */
    struct regline *line;
};

/* The first failure of several is said. */
static void mbus_say(struct mbus *mbus, const char *after)
{
    if (!mbus->said)
        LOG(ERR, mbus->bus->name, "%s%s", mbus->port.error, after);
    mbus->said = true;
}

static void mbus_close(void *arg)
{
    struct mbus *mbus = arg;

    mbus_port_close(&mbus->port);
}

static enum status mbus_start(void *arg)
{
    struct mbus *mbus = arg;
    enum status st = mbus_port_open(&mbus->port);

    if (st != ST_OK)
        mbus_say(mbus, "");
    else
        mbus->said = false;
    return st;
}

/* ---- transactions ---- */

static struct mbus_port_ask mbus_ask(const struct mbus *mbus, const struct regio_target *target)
{
    return (struct mbus_port_ask){
        .unit = target->unit,
        .input = target->row->table == ROW_INPUT,
        .address = target->address,
        .count = target->words,
        .timeout_us = target->timeout_us > 0 ? target->timeout_us : mbus->bus->timeout_us,
    };
}

static enum status mbus_done(struct mbus *mbus, enum status st)
{
    if (st == ST_SYS)
        mbus_say(mbus, mbus->line ? ": trying to open it again every second" : "");
    return st == ST_RANGE ? ST_REFUSED : st;
}

static enum status mbus_read(void *arg, const struct regio_target *target, uint16_t *words)
{
    struct mbus *mbus = arg;
    struct mbus_port_ask ask = mbus_ask(mbus, target);

    return mbus_done(mbus, mbus_port_read(&mbus->port, &ask, words, NULL));
}

static enum status mbus_write(void *arg, const struct regio_target *target, const uint16_t *words)
{
    struct mbus *mbus = arg;
    struct mbus_port_ask ask = mbus_ask(mbus, target);

    return mbus_done(mbus, mbus_port_write(&mbus->port, &ask, words, NULL));
}

/* Request and answer of a read, or of a write of so many words. */
static int64_t mbus_wire_us(void *arg, int32_t words, bool writing)
{
    const struct mbus *mbus = arg;
    size_t bytes = !writing ? 13 + 2 * (size_t)words : words == 1 ? 16 : 17 + 2 * (size_t)words;

    return mbus_port_wire_us(&mbus->port, bytes);
}

static int64_t mbus_now_us(void *arg)
{
    (void)arg;
    return clock_now_us();
}

static int64_t mbus_wall_us(void *arg)
{
    (void)arg;
    return clock_wall_us();
}

static void mbus_sleep_until_us(void *arg, int64_t until_us)
{
    (void)arg;
    if (until_us > clock_now_us())
        clock_sleep_until_us(until_us);
}

#define MBUS_OPS                                                                        \
    .open = mbus_start, .close = mbus_close, .read = mbus_read, .write = mbus_write,    \
    .wire_us = mbus_wire_us, .now_us = mbus_now_us, .wall_us = mbus_wall_us,            \
    .sleep_until_us = mbus_sleep_until_us, .spans = true

static const struct regio_ops mbus_line_ops = { MBUS_OPS };
static const struct regio_ops mbus_gateway_ops = { MBUS_OPS, .rest_by_unit = true };

/* A gateway keeps the silences of its own line; what is left to us is the rest of the device that
 * was asked. A converter that takes serial frames passes bytes on and keeps nothing. */
static const struct regio_ops *mbus_ops(const struct conf_bus *bus)
{
    return bus->kind == CONF_BUS_MODBUS_TCP && !bus->rtu_framing ? &mbus_gateway_ops : &mbus_line_ops;
}

/* ---- start and end ---- */

enum status mbus_new(const struct mbus_options *opt, struct mbus **ret)
{
    enum status st = ST_NOMEM;
    struct mbus *mbus = calloc(1, sizeof *mbus);
    struct regline_options line = { .ops = mbus_ops(opt->bus), .arg = mbus, .bus = opt->bus, .stats = opt->stats };

    if (!mbus)
        return ST_NOMEM;
    mbus->bus = opt->bus;
    mbus_port_init(&mbus->port, opt->bus);
    line.adapters = opt->adapters;
    line.adapter_count = opt->adapter_count;
    line.gap_min_us = mbus_port_gap_us(&mbus->port);
    st = regline_new(&line, &mbus->line);
    if (st == ST_OK)
        st = regline_start(mbus->line);
    if (st != ST_OK)
        goto fail;
    *ret = mbus;
    return ST_OK;

fail:
    mbus_free(mbus);
    return st;
}

enum status mbus_new_idle(const struct conf_bus *bus, struct mbus **ret)
{
    struct mbus *mbus = calloc(1, sizeof *mbus);

    if (!mbus)
        return ST_NOMEM;
    mbus->bus = bus;
    mbus_port_init(&mbus->port, bus);
    *ret = mbus;
    return ST_OK;
}

const struct regio_ops *mbus_io(const struct mbus *mbus, int64_t *ret_gap_us)
{
    *ret_gap_us = mbus_port_gap_us(&mbus->port);
    return mbus_ops(mbus->bus);
}

struct mbus *mbus_free(struct mbus *mbus)
{
    if (!mbus)
        return NULL;
    regline_free(mbus->line);
    free(mbus);
    return NULL;
}
