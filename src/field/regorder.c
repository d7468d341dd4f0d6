/* SPDX-License-Identifier: Apache-2.0 */
/* regorder.c: orders to a register device.
 *
 * Owns nothing. Runs on the line's worker; an order takes some ten transactions at
 * most and stops at the first that is not answered. An acknowledgement says one of
 * three things: the value was read back; it certainly was not taken (ST_BUSY,
 * ST_REFUSED, ST_RANGE, ST_NACK, ST_STALE); or nobody knows (ST_TIMEOUT,
 * ST_CORRUPT, ST_MISMATCH, ST_SYS), and then the larger value counts.
 */
#include "regorder.h"

#include <math.h>

#include "pmbus_setup.h"
#include "regmirror.h"
#include "regorder_put.h"
#include "regorder_rows.h"

static int64_t regorder_now_us(const struct regdev *dev)
{
    return dev->io->ops->now_us(dev->io->arg);
}

static void regorder_settling(struct regdev *dev, struct regdev_lever *l, bool settling)
{
    dev->settling += (int32_t)settling - (int32_t)l->settling;
    l->settling = settling;
}

/* ---- set ---- */

/* From the value's write on it may be in force whatever comes after. */
static enum status regorder_doubt(enum status st)
{
    return st == ST_OK || st == ST_TIMEOUT || st == ST_CORRUPT || st == ST_SYS ? st : ST_MISMATCH;
}

/* Before that write the value certainly is what it was. */
static enum status regorder_certain(enum status st)
{
    return st == ST_OK || st == ST_REFUSED || st == ST_RANGE || st == ST_NACK || st == ST_STALE ? st : ST_BUSY;
}

/* The value as its raw form holds it: a field of a word is one only in its place there. */
static enum status regorder_sent(const struct regdev *dev, const struct profile_row *row, const struct regmap_raw *raw,
                                 double *ret)
{
    struct regmap_raw word = { .count = raw->count };

    if (row->bit_count == 0)
        return regmap_decode(row, raw->words, dev->vout_exponent, ret);
    regmap_merge(row, raw, 0, word.words);
    return regmap_decode(row, word.words, dev->vout_exponent, ret);
}

/* One order to set a value, on its way. */
struct regorder_set {
    struct regdev *dev;
    int32_t lever;
    const struct device_order *order;
    struct regorder_rows rows;
    struct regmap_raw raw;
};

static struct regorder_set regorder_set_of(struct regdev *dev, int32_t lever)
{
    return (struct regorder_set){
        .dev = dev, .lever = lever, .order = &dev->adapter->orders.levers[lever], .rows = regorder_rows(dev, lever),
    };
}

/* All that comes before the value: until here it certainly is what it was. */
static enum status regorder_prepare(struct regorder_set *set)
{
    struct regdev *dev = set->dev;
    struct regdev_lever *l = &dev->levers[set->lever];
    enum status st = regmap_encode(set->rows.value, set->order->value, dev->vout_exponent, &set->raw);

    if (st == ST_OK)
        st = regorder_sent(dev, set->rows.value, &set->raw, &l->sent);
    if (st == ST_OK)
        st = regorder_record(dev, &set->rows, set->lever);
    if (st != ST_OK)
        return regorder_certain(st);
    l->dispatched_us = regorder_now_us(dev);
    if (l->dispatched_us >= set->order->lease_end_us)
        return ST_STALE;
    st = regorder_put_gate(dev, set->lever, set->rows.gate); /* the time-out may be behind it too */
    if (st == ST_OK && set->rows.timeout && set->order->timeout_us > 0)
        st = regorder_put_timeout(dev, set->rows.timeout, set->order->timeout_us);
    return regorder_certain(st);
}

/* What comes after the value was written with outcome `st`. */
static enum status regorder_finish(const struct regorder_set *set, enum status st)
{
    if (st == ST_NACK && set->dev->levers[set->lever].gate_believed)
        st = regorder_put_again(set->dev, set->lever, &set->rows, &set->raw);
    if (st == ST_OK)
        st = regorder_put_switch(set->dev, set->rows.enable, 1);
    else if (st == ST_NACK || st == ST_REFUSED)
        return st;
    if (st == ST_OK && set->rows.timeout && set->order->timeout_us > 0)
        st = regorder_put_timeout_again(set->dev, set->rows.timeout, set->order->timeout_us);
    return regorder_doubt(st);
}

static enum status regorder_set(struct regdev *dev, int32_t lever)
{
    struct regorder_set set = regorder_set_of(dev, lever);
    enum status st = regorder_prepare(&set);

    return st == ST_OK ? regorder_finish(&set, regorder_put_value(dev, set.rows.value, &set.raw)) : st;
}

/* ---- release ---- */

/* Nothing was ever written: then what is there is the original. */
static enum status regorder_release_unknown(struct regdev *dev, const struct regorder_rows *rows, int32_t lever,
                                            const struct device_order *order)
{
    uint16_t words[REGMAP_WORDS_MAX];
    enum status st = regdev_read(dev, rows->readback, words, &dev->levers[lever].sent);

    if (st != ST_OK)
        return regorder_certain(st);
    if (!regmap_same(rows->value, order->value, rows->readback, dev->levers[lever].sent, dev->vout_exponent))
        return ST_REFUSED;
    return ST_OK;
}

static enum status regorder_put_original(struct regdev *dev, const struct regorder_rows *rows,
                                         const struct original *original, const struct regmap_raw *raw)
{
    struct regmap_raw timeout;
    enum status st = regorder_put_switch(dev, rows->gate, 1);

    if (st == ST_OK && original->enable == 0) /* off first: the values under it act no more */
        st = regorder_put_switch(dev, rows->enable, 0);
    if (st == ST_OK)
        st = regorder_put_value(dev, rows->value, raw);
    if (st == ST_OK && original->enable == 1)
        st = regorder_put_switch(dev, rows->enable, 1);
    if (st == ST_OK && rows->timeout && !isnan(original->timeout)) {
        st = regmap_encode_any(rows->timeout, original->timeout, dev->vout_exponent, &timeout);
        if (st == ST_OK)
            st = regorder_put(dev, rows->timeout, &timeout);
    }
    if (st == ST_OK)
        st = regorder_put_switch(dev, rows->gate, original->gate);
    return st;
}

static enum status regorder_release(struct regdev *dev, int32_t lever, const struct device_order *order)
{
    struct regorder_rows rows = regorder_rows(dev, lever);
    struct regdev_lever *l = &dev->levers[lever];
    struct original original;
    struct regmap_raw raw;
    enum status st;

    l->dispatched_us = regorder_now_us(dev);
    if (!regorder_find(dev, rows.value, &original))
        return regorder_release_unknown(dev, &rows, lever, order);
    st = regmap_encode_any(rows.value, original.value, dev->vout_exponent, &raw);
    if (st == ST_OK)
        st = regorder_sent(dev, rows.value, &raw, &l->sent);
    if (st != ST_OK)
        return st;
    return regorder_doubt(regorder_put_original(dev, &rows, &original, &raw));
}

/* ---- the life of an order ---- */

static void regorder_done(struct regdev *dev, int32_t lever, enum status st, double readback)
{
    struct regdev_lever *l = &dev->levers[lever];
    int64_t now_us = regorder_now_us(dev);
    struct device_ack ack = {
        .number = l->number,
        .status = st,
        .readback = readback,
        .dispatched_us = l->dispatched_us,
        .done_us = now_us,
    };

    regorder_settling(dev, l, false);
    if (l->number < dev->adapter->done[lever])
        return; /* a later order was answered already */
    if (st == ST_OK) {
        histogram_add(&dev->io->stats.dispatch, l->dispatched_us - l->taken_us);
        histogram_add(&dev->io->stats.device, now_us - l->dispatched_us);
    } else if (st == ST_REFUSED || st == ST_RANGE || st == ST_STALE) {
        dev->io->stats.refused++;
        dev->adapter->state.refused++;
    }
    adapter_ack(dev->adapter, lever, &ack);
    adapter_publish(dev->adapter);
}

/* Accepted, and changed nothing, behind a gate that was not looked at: written again. True:
 * it is to be read back once more. */
static bool regorder_repeat(struct regdev *dev, int32_t lever, const struct regorder_rows *rows)
{
    struct regdev_lever *l = &dev->levers[lever];
    struct regmap_raw raw;

    if (regmap_encode_any(rows->value, l->sent, dev->vout_exponent, &raw) != ST_OK ||
        regorder_put_again(dev, lever, rows, &raw) != ST_OK)
        return false;
    regorder_settling(dev, l, true);
    l->verify_at_us = regorder_now_us(dev) + rows->value->write.settle_us;
    return true;
}

static void regorder_verify(struct regdev *dev, int32_t lever)
{
    struct regorder_rows rows = regorder_rows(dev, lever);
    struct regdev_lever *l = &dev->levers[lever];
    uint16_t words[REGMAP_WORDS_MAX];
    double held = NAN;
    enum status st = dev->owed ? regdev_identify(dev) : ST_OK; /* a late answer is none to this */

    if (st == ST_OK)
        st = regdev_read(dev, rows.readback, words, &held);
    if (st == ST_OK && !regmap_same(rows.value, l->sent, rows.readback, held, dev->vout_exponent))
        st = ST_MISMATCH;
    if (st == ST_MISMATCH && l->gate_believed && regorder_repeat(dev, lever, &rows))
        return;
    regorder_done(dev, lever, regorder_doubt(st), held);
}

/* May this device be written to at all, now? */
static enum status regorder_allowed(struct regdev *dev, int64_t now_us)
{
    enum status st;

    if (dev->adapter->read_only)
        return ST_REFUSED;
    st = regdev_wake(dev, now_us);
    if (st == ST_OK && (dev->identify || !dev->adapter->state.identified))
        st = regdev_identify(dev);
    return regorder_certain(st);
}

/* Will it take more than one write, or reading what was there before? Then the shelf controller
 * leaves the module alone meanwhile. */
static bool regorder_is_long(const struct regdev *dev, const struct regorder_rows *rows,
                             const struct device_order *order)
{
    struct original known;

    return dev->mirror && (order->op == DEVICE_OP_RELEASE || rows->timeout || rows->enable ||
                           !regorder_find(dev, rows->value, &known));
}

/* Takes the lever's order up; may it be carried out? */
static enum status regorder_take(struct regdev *dev, int32_t lever, int64_t now_us)
{
    const struct device_order *order = &dev->adapter->orders.levers[lever];
    enum status st;

    dev->adapter->done[lever] = order->number; /* ours now, even if its lease ends on the way */
    dev->levers[lever] = (struct regdev_lever){ .number = order->number, .taken_us = now_us, .dispatched_us = now_us };
    st = regorder_allowed(dev, now_us);
    if (st == ST_OK && dev->pmbus)
        st = regorder_certain(pmbus_setup_writable(dev, regorder_rows(dev, lever).value));
    return st;
}

/* Written, or not: then it is read back, or said. */
static void regorder_settle(struct regdev *dev, int32_t lever, enum status st)
{
    struct regdev_lever *l = &dev->levers[lever];
    int64_t settle_us = regorder_rows(dev, lever).value->write.settle_us;

    if (st != ST_OK) {
        regorder_done(dev, lever, st, NAN);
        return;
    }
    regorder_settling(dev, l, true);
    l->verify_at_us = regorder_now_us(dev) + settle_us;
    if (settle_us <= 0)
        regorder_verify(dev, lever);
    else
        adapter_publish(dev->adapter);
}

static void regorder_begin(struct regdev *dev, int32_t lever, int64_t now_us)
{
    const struct device_order *order = &dev->adapter->orders.levers[lever];
    struct regorder_rows rows = regorder_rows(dev, lever);
    enum status st = regorder_take(dev, lever, now_us);

    if (st == ST_OK && regorder_is_long(dev, &rows, order))
        regmirror_pause(dev);
    if (st == ST_OK)
        st = order->op == DEVICE_OP_RELEASE ? regorder_release(dev, lever, order) : regorder_set(dev, lever);
    regmirror_resume(dev);
    regorder_settle(dev, lever, st);
}

/* ---- several devices at once ---- */

bool regorder_is_group(const struct regdev *dev, int32_t lever)
{
    const struct profile_row *row = &dev->profile->rows[dev->adapter->device->levers[lever].row];

    return dev->profile->group && dev->io->ops->write_group && row->bit_count == 0 && !row->paged &&
           dev->adapter->orders.levers[lever].op == DEVICE_OP_SET;
}

/* One write for all of them. Where that failed each is written to alone: nobody knows who
 * took it, and the same value again does no harm. */
static void regorder_put_group(struct regorder_set *const *sets, int32_t count)
{
    struct regio_target targets[REGORDER_GROUP_MAX];
    struct device_state *states[REGORDER_GROUP_MAX];
    const uint16_t *words[REGORDER_GROUP_MAX];
    enum status st = ST_REFUSED;

    for (int32_t i = 0; i < count; i++) {
        struct regdev *dev = sets[i]->dev;
        const struct profile_row *row = sets[i]->rows.value;

        targets[i] = (struct regio_target){
            .unit = dev->adapter->device->address, .profile = dev->profile, .row = row, .address = row->command,
            .words = regmap_words(row),
        };
        states[i] = &dev->adapter->state;
        words[i] = sets[i]->raw.words;
        dev->levers[sets[i]->lever].dispatched_us = regorder_now_us(dev);
    }
    if (count > 1)
        st = regio_write_group(sets[0]->dev->io, states, targets, words, count);
    for (int32_t i = 0; i < count; i++) {
        enum status one = st;

        if (one != ST_OK)
            one = regorder_put_value(sets[i]->dev, sets[i]->rows.value, &sets[i]->raw);
        regorder_settle(sets[i]->dev, sets[i]->lever, regorder_finish(sets[i], one));
    }
}

void regorder_step_group(struct regdev *const *devs, const int32_t *levers, int32_t count, int64_t now_us)
{
    struct regorder_set sets[REGORDER_GROUP_MAX], *ready[REGORDER_GROUP_MAX];
    int32_t ready_count = 0;

    for (int32_t i = 0; i < count; i++) {
        enum status st = regorder_take(devs[i], levers[i], now_us);

        sets[i] = regorder_set_of(devs[i], levers[i]);
        if (st == ST_OK)
            st = regorder_prepare(&sets[i]);
        if (st == ST_OK)
            ready[ready_count++] = &sets[i];
        else
            regorder_settle(devs[i], levers[i], st);
    }
    for (int32_t i = ready_count - 1; i >= 0; i--) { /* preparing the others took its time */
        if (ready[i]->order->lease_end_us > regorder_now_us(ready[i]->dev))
            continue;
        regorder_settle(ready[i]->dev, ready[i]->lever, ST_STALE);
        ready[i] = ready[--ready_count];
    }
    if (ready_count > 0)
        regorder_put_group(ready, ready_count);
}

/* ---- what the line asks and does ---- */

int32_t regorder_next(struct regdev *dev, int64_t now_us)
{
    return adapter_next_order(dev->adapter, 0, now_us);
}

int32_t regorder_settled(const struct regdev *dev, int64_t now_us)
{
    for (int32_t i = 0; dev->settling > 0 && i < dev->adapter->state.lever_count; i++)
        if (dev->levers[i].settling && dev->levers[i].verify_at_us <= now_us)
            return i;
    return CORE_NONE;
}

int64_t regorder_due_us(const struct regdev *dev)
{
    int64_t due_us = INT64_MAX;

    for (int32_t i = 0; dev->settling > 0 && i < dev->adapter->state.lever_count; i++)
        if (dev->levers[i].settling && dev->levers[i].verify_at_us < due_us)
            due_us = dev->levers[i].verify_at_us;
    return due_us;
}

void regorder_step(struct regdev *dev, int32_t lever, int64_t now_us)
{
    if (dev->adapter->orders.levers[lever].number > dev->adapter->done[lever])
        regorder_begin(dev, lever, now_us);
    else
        regorder_verify(dev, lever);
}

void regorder_refuse(struct regdev *dev, int64_t now_us)
{
    int32_t lever;

    while ((lever = regorder_settled(dev, now_us)) != CORE_NONE)
        regorder_done(dev, lever, ST_SYS, NAN); /* written, and cannot be read back */
    while ((lever = regorder_next(dev, now_us)) != CORE_NONE) {
        dev->levers[lever].number = dev->adapter->orders.levers[lever].number;
        dev->levers[lever].dispatched_us = now_us;
        regorder_done(dev, lever, dev->adapter->read_only ? ST_REFUSED : ST_BUSY, NAN);
    }
}
