/* SPDX-License-Identifier: Apache-2.0 */
/* regorder_rows.c: the rows that one lever is about, and what they held before the first write.
 *
 * Owns nothing: records are originals.c's. Runs on the line's worker, and waits for the reads
 * of one record at most.
 */
#include "regorder_rows.h"

#include <math.h>
#include <string.h>

#include "originals.h"

static const struct profile_row *regorder_row(const struct regdev *dev, int32_t row)
{
    return row == ROW_NONE ? NULL : &dev->profile->rows[row];
}

struct regorder_rows regorder_rows(const struct regdev *dev, int32_t lever)
{
    const struct profile_row *value = &dev->profile->rows[dev->adapter->device->levers[lever].row];
    struct regorder_rows rows = {
        .value = value,
        .gate = regorder_row(dev, value->write.gate),
        .enable = regorder_row(dev, value->write.enable),
        .timeout = regorder_row(dev, value->write.timeout),
        .readback = regorder_row(dev, value->write.readback),
    };

    if (!rows.readback)
        rows.readback = value;
    return rows;
}

/* ---- originals ---- */

static enum status regorder_read_original(struct regdev *dev, const struct regorder_rows *rows,
                                          struct original *ret)
{
    uint16_t words[REGMAP_WORDS_MAX];
    double value;
    enum status st = regdev_read(dev, rows->value, words, &ret->value);

    if (st == ST_OK && rows->gate && ret->gate < 0) {
        st = regdev_read(dev, rows->gate, words, &value);
        ret->gate = st == ST_OK ? value != 0.0 : -1;
    }
    if (st == ST_OK && rows->enable && ret->enable < 0) {
        st = regdev_read(dev, rows->enable, words, &value);
        ret->enable = st == ST_OK ? value != 0.0 : -1;
    }
    if (st == ST_OK && rows->timeout && isnan(ret->timeout))
        st = regdev_read(dev, rows->timeout, words, &ret->timeout);
    return st;
}

/* Another lever behind the same gate may have opened it before: what was before us is
 * in that lever's record. */
static void regorder_shared(const struct regdev *dev, const struct regorder_rows *rows, int32_t lever,
                            struct original *ret)
{
    const struct conf_device *device = dev->adapter->device;
    struct original other;

    for (int32_t l = 0; l < device->lever_count; l++) {
        struct regorder_rows theirs = regorder_rows(dev, l);

        if (l == lever ||
            !originals_find(dev->adapter->conf->state_dir, device->name, dev->adapter->state.serial,
                            signal_name(theirs.value->signal), theirs.value->index, &other))
            continue;
        if (rows->gate && theirs.gate == rows->gate)
            ret->gate = other.gate;
        if (rows->enable && theirs.enable == rows->enable)
            ret->enable = other.enable;
        if (rows->timeout && theirs.timeout == rows->timeout)
            ret->timeout = other.timeout;
    }
}

bool regorder_find(const struct regdev *dev, const struct profile_row *row, struct original *ret)
{
    return originals_find(dev->adapter->conf->state_dir, dev->adapter->device->name, dev->adapter->state.serial,
                          signal_name(row->signal), row->index, ret);
}

enum status regorder_record(struct regdev *dev, const struct regorder_rows *rows, int32_t lever)
{
    struct original original;
    enum status st;

    if (regorder_find(dev, rows->value, &original))
        return ST_OK;
    memset(&original, 0, sizeof original);
    original.gate = original.enable = -1;
    original.timeout = NAN;
    original.index = rows->value->index;
    memcpy(original.device, dev->adapter->device->name, sizeof original.device);
    memcpy(original.serial, dev->adapter->state.serial, sizeof original.serial);
    (void)strncpy(original.signal, signal_name(rows->value->signal), sizeof original.signal - 1);
    regorder_shared(dev, rows, lever, &original);
    st = regorder_read_original(dev, rows, &original);
    if (st != ST_OK)
        return st;
    return originals_record(dev->adapter->conf->state_dir, &original) == ST_OK ? ST_OK : ST_REFUSED;
}
