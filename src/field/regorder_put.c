/* SPDX-License-Identifier: Apache-2.0 */
/* regorder_put.c: the writes that an order is made of, each with the reads that make
 * it sure. Owns nothing. Runs on the line's worker.
 */
#include "regorder_put.h"

#define REGORDER_PUT_US_PER_S 1e6

/* Bits of this register that must go out as 0, whichever row says so. */
static uint32_t regorder_put_cleared(const struct regdev *dev, const struct profile_row *row)
{
    uint32_t bits = 0;

    for (int32_t i = 0; i < dev->profile->row_count; i++) {
        const struct profile_row *other = &dev->profile->rows[i];

        if (other->table == row->table && other->address == row->address && other->command == row->command)
            bits |= other->self_clearing;
    }
    return bits;
}

/* Writes. Where the answer is lost, reads what the device holds before it writes again. */
enum status regorder_put(struct regdev *dev, const struct profile_row *row, const struct regmap_raw *raw)
{
    uint16_t words[REGMAP_WORDS_MAX];
    bool lost = false;
    enum status st;

    for (int32_t again = dev->io->bus->retry_max;; again--) {
        double wanted, held;

        st = regdev_write(dev, row, raw);
        if (st != ST_TIMEOUT && st != ST_CORRUPT)
            return lost && st != ST_OK ? ST_TIMEOUT : st; /* the first one may land yet */
        lost = true;
        if (regdev_read(dev, row, words, &held) != ST_OK ||
            regmap_decode(row, raw->words, dev->vout_exponent, &wanted) != ST_OK)
            return st;
        if (regmap_same(row, wanted, row, held, dev->vout_exponent))
            return ST_OK;
        if (again <= 0)
            return st;
    }
}

/* One field of a word that holds others too: read, changed, written, read again, with
 * nothing else of ours in between. `always`: also where it is so already. */
static enum status regorder_put_bits(struct regdev *dev, const struct profile_row *row,
                                     const struct regmap_raw *field, bool always)
{
    struct regmap_raw raw = { .count = regmap_words(row) };
    double wanted, held;
    enum status st = regdev_read(dev, row, raw.words, &held);

    if (st != ST_OK)
        return st;
    regmap_merge(row, field, regorder_put_cleared(dev, row), raw.words);
    if (regmap_decode(row, raw.words, dev->vout_exponent, &wanted) != ST_OK)
        return ST_RANGE;
    if (!always && regmap_same(row, wanted, row, held, dev->vout_exponent))
        return ST_OK;
    st = regorder_put(dev, row, &raw);
    if (st == ST_OK)
        st = regdev_read(dev, row, raw.words, &held);
    if (st == ST_OK && !regmap_same(row, wanted, row, held, dev->vout_exponent))
        st = ST_MISMATCH;
    return st;
}

/* A gate or an enable, and only where it is not so already. A row without bits is one
 * as a whole. */
enum status regorder_put_switch(struct regdev *dev, const struct profile_row *row, int32_t on)
{
    struct regmap_raw raw;
    uint16_t words[REGMAP_WORDS_MAX];
    double held;
    enum status st;

    if (!row || on < 0)
        return ST_OK;
    st = regmap_encode_any(row, (double)on, dev->vout_exponent, &raw);
    if (st != ST_OK)
        return st;
    if (row->bit_count > 0)
        return regorder_put_bits(dev, row, &raw, false);
    st = regdev_read(dev, row, words, &held);
    if (st != ST_OK || (held != 0.0) == (on != 0))
        return st;
    st = regorder_put(dev, row, &raw);
    if (st == ST_OK)
        st = regdev_read(dev, row, words, &held);
    return st == ST_OK && (held != 0.0) != (on != 0) ? ST_MISMATCH : st;
}

/* Was the gate seen open, not long ago, and has the device answered ever since? */
static bool regorder_put_gate_seen(const struct regdev *dev, const struct profile_row *gate)
{
    for (int32_t i = 0; i < dev->row_count && !dev->identify; i++) {
        const struct regdev_row *r = &dev->rows[i];
        const struct device_reading *seen =
            &dev->adapter->state.readings[r->reading == CORE_NONE ? 0 : r->reading];

        if (r->row == gate && r->reading != CORE_NONE)
            return seen->status == ST_OK && seen->value == 1.0 &&
                   dev->io->ops->now_us(dev->io->arg) - seen->taken_us <= 2 * dev->io->bus->slow_us;
    }
    return false;
}

/* The value goes out in the very next transaction where the gate is known to be open. If it was
 * not, the value is refused or reads back as another one, and then the gate is looked at. */
enum status regorder_put_gate(struct regdev *dev, int32_t lever, const struct profile_row *gate)
{
    struct regdev_lever *l = &dev->levers[lever];

    l->gate_believed = gate && regorder_put_gate_seen(dev, gate);
    return l->gate_believed ? ST_OK : regorder_put_switch(dev, gate, 1);
}

enum status regorder_put_value(struct regdev *dev, const struct profile_row *row,
                               const struct regmap_raw *raw)
{
    return row->bit_count > 0 ? regorder_put_bits(dev, row, raw, true) : regorder_put(dev, row, raw);
}

/* The gate was closed after all: once more, with a look at it. */
enum status regorder_put_again(struct regdev *dev, int32_t lever, const struct regorder_rows *rows,
                               const struct regmap_raw *raw)
{
    enum status st;

    dev->levers[lever].gate_believed = false;
    st = regorder_put_switch(dev, rows->gate, 1);
    return st == ST_OK ? regorder_put_value(dev, rows->value, raw) : st;
}

/* ---- the time-out ---- */

/* The device's own time-out, and that it took it: without it no value is safe. */
enum status regorder_put_timeout(struct regdev *dev, const struct profile_row *row, int64_t timeout_us)
{
    uint16_t words[REGMAP_WORDS_MAX];
    struct regmap_raw raw;
    double wanted, held;
    enum status st = regmap_encode(row, (double)timeout_us / REGORDER_PUT_US_PER_S, dev->vout_exponent, &raw);

    if (st == ST_OK)
        st = regmap_decode(row, raw.words, dev->vout_exponent, &wanted);
    if (st == ST_OK)
        st = regorder_put(dev, row, &raw);
    if (st == ST_OK)
        st = regdev_read(dev, row, words, &held);
    if (st == ST_OK && !(held > 0.0 && held <= wanted)) /* it may count down already */
        st = ST_MISMATCH;
    return st;
}

/* A device that forgot everything between these writes now holds a value for ever. */
enum status regorder_put_timeout_again(struct regdev *dev, const struct profile_row *row, int64_t timeout_us)
{
    uint16_t words[REGMAP_WORDS_MAX];
    double held;
    enum status st = regdev_read(dev, row, words, &held);

    return st == ST_OK && !(held > 0.0) ? regorder_put_timeout(dev, row, timeout_us) : st;
}
