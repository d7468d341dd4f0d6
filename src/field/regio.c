/* SPDX-License-Identifier: Apache-2.0 */
/* regio.c: single transactions on a line of register devices.
 *
 * Owns the line's counters and its rest. Runs on the line's worker; blocks for
 * one transaction and the rest before it, never longer.
 */
#include "regio.h"

bool regio_is_unnumbered(const struct regio *io)
{
    return io->bus->kind == CONF_BUS_MODBUS_RTU;
}

bool regio_is_silence(const struct regio *io, enum status st)
{
    return st == ST_TIMEOUT || st == ST_CORRUPT || (st == ST_NACK && io->ops->nack_is_silence);
}

static void regio_count(struct regio *io, struct device_state *state, enum status st, int64_t began_us,
                        int64_t done_us)
{
    struct field_bus_stats *s = &io->stats;

    s->transactions++;
    state->transactions++;
    if (st == ST_TIMEOUT) {
        s->timeouts++;
        state->timeouts++;
    } else if (st == ST_CORRUPT) {
        s->corrupt++;
        state->corrupt++;
    } else if (st == ST_NACK || st == ST_ABSENT) {
        s->nacks++;
        state->nacks++;
    }
    histogram_add(&s->latency, done_us - began_us);
    if (!regio_is_silence(io, st) && st != ST_SYS && st != ST_BUSY && st != ST_REFUSED)
        io->answered_us = done_us;
}

static int64_t regio_wire_us(const struct regio *io, const struct regio_target *target, bool writing)
{
    return io->ops->wire_us ? io->ops->wire_us(io->arg, target->words, writing) : 0;
}

/* As long as this device is worth it, and the frames take. */
static int64_t regio_wait_us(const struct regio *io, const struct regio_target *target, int64_t wire_us)
{
    struct reglat_bounds bounds = { .least_us = io->bus->timeout_min_us, .most_us = io->bus->timeout_us,
                                    .few = target->probe };

    if (!target->lat || bounds.least_us <= 0 || bounds.least_us >= bounds.most_us)
        return wire_us + io->bus->timeout_us;
    return reglat_wait_us(target->lat, &bounds, wire_us);
}

/* An exception is no measure: it is shorter than what was asked for. */
static void regio_learn(const struct regio_target *target, enum status st, int64_t took_us, int64_t wire_us)
{
    if (target->lat && st == ST_OK)
        reglat_add(target->lat, took_us, wire_us);
}

/* What this device needs after a transaction, beyond what the line does. */
static int64_t regio_gap_us(const struct regio_target *target, bool write)
{
    const struct profile *p = target->profile;

    return write && p->write_gap_us > p->gap_us ? p->write_gap_us : p->gap_us;
}

int64_t regio_rest_until_us(const struct regio *io, int32_t unit)
{
    return io->unit_rest_until_us[unit & (REGIO_UNITS - 1)];
}

static void regio_wait(struct regio *io, const struct regio_target *target)
{
    int64_t until_us = io->rest_until_us, unit_us = regio_rest_until_us(io, target->unit);

    io->ops->sleep_until_us(io->arg, unit_us > until_us ? unit_us : until_us);
}

/* After a failure too: devices need it then most. */
static void regio_rest(struct regio *io, const struct regio_target *target, bool write, int64_t done_us)
{
    int64_t gap_us = regio_gap_us(target, write);

    if (io->ops->rest_by_unit)
        io->unit_rest_until_us[target->unit & (REGIO_UNITS - 1)] = done_us + gap_us;
    if (io->ops->rest_by_unit || gap_us < io->gap_min_us)
        gap_us = io->gap_min_us;
    io->rest_until_us = done_us + gap_us;
}

static void regio_check_line(struct regio *io, enum status st)
{
    if (st != ST_SYS)
        return;
    io->open = false;
    io->ops->close(io->arg);
}

static enum status regio_turn(struct regio *io, struct device_state *state, const struct regio_target *target,
                              uint16_t *in, const uint16_t *out, int64_t *ret_began_us)
{
    int64_t wire_us = regio_wire_us(io, target, out != NULL), done_us;
    struct regio_target timed = *target;
    enum status st;

    timed.timeout_us = regio_wait_us(io, target, wire_us);
    if (!io->open)
        return ST_SYS;
    regio_wait(io, target);
    *ret_began_us = io->ops->now_us(io->arg);
    st = out ? io->ops->write(io->arg, &timed, out) : io->ops->read(io->arg, &timed, in);
    done_us = io->done_us = io->ops->now_us(io->arg);
    regio_rest(io, target, out != NULL, done_us);
    regio_count(io, state, st, *ret_began_us, done_us);
    regio_learn(target, st, done_us - *ret_began_us, wire_us);
    regio_check_line(io, st);
    return st;
}

enum status regio_read(struct regio *io, struct device_state *state, const struct regio_target *target,
                       int32_t retries, uint16_t *words, int64_t *ret_taken_us)
{
    bool again = false;
    int64_t first_us = 0;
    enum status st;

    for (;;) {
        st = regio_turn(io, state, target, words, NULL, ret_taken_us);
        if (!again)
            first_us = *ret_taken_us;
        if (!regio_is_silence(io, st) || retries-- <= 0 ||
            (st == ST_TIMEOUT && target->answered && regio_is_unnumbered(io)))
            break;
        again = true;
    }
    io->in_doubt = again && st == ST_OK && regio_is_unnumbered(io);
    if (io->in_doubt)
        *ret_taken_us = first_us;
    return st;
}

enum status regio_write(struct regio *io, struct device_state *state, const struct regio_target *target,
                        const uint16_t *words)
{
    int64_t began_us;
    enum status st = regio_turn(io, state, target, NULL, words, &began_us);

    io->stats.writes++;
    return st == ST_ABSENT ? ST_NACK : st;
}

enum status regio_write_group(struct regio *io, struct device_state *const *states, const struct regio_target *targets,
                              const uint16_t *const *words, int32_t count)
{
    int64_t began_us, done_us;
    enum status st;

    if (!io->open)
        return ST_SYS;
    if (!io->ops->write_group)
        return ST_REFUSED;
    for (int32_t i = 0; i < count; i++)
        regio_wait(io, &targets[i]);
    began_us = io->ops->now_us(io->arg);
    st = io->ops->write_group(io->arg, targets, words, count);
    done_us = io->ops->now_us(io->arg);
    for (int32_t i = 0; i < count; i++) {
        regio_rest(io, &targets[i], true, done_us);
        states[i]->transactions++;
    }
    io->stats.transactions++;
    io->stats.writes++;
    histogram_add(&io->stats.latency, done_us - began_us);
    if (st == ST_OK)
        io->answered_us = done_us;
    regio_check_line(io, st);
    return st;
}

enum status regio_alert(struct regio *io, int32_t *ret_unit)
{
    enum status st;

    if (!io->ops->alert)
        return ST_REFUSED;
    if (!io->open)
        return ST_SYS;
    io->ops->sleep_until_us(io->arg, io->rest_until_us);
    st = io->ops->alert(io->arg, ret_unit);
    io->stats.transactions++;
    regio_check_line(io, st);
    return st;
}
