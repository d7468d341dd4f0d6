/* SPDX-License-Identifier: Apache-2.0 */
/* pmbus_energy.h: READ_EIN and READ_EOUT: energy and mean power from counters that wrap. Pure.
 *
 * The device adds its power, sample by sample, into an accumulator of 15 or 16 bits,
 * counts how often that rolled over in 8 bits, and the samples in 24. Between two
 * reads the difference of the sums over that of the samples is the mean power; that
 * times our own time is energy, for the device says nothing about its sample rate.
 */
#ifndef BUSBAR_FIELD_PMBUS_ENERGY_H
#define BUSBAR_FIELD_PMBUS_ENERGY_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/device.h"
#include "busbar/status.h"

#define PMBUS_ENERGY_BYTES 6

/* One answer. */
struct pmbus_energy_count {
    uint16_t accumulator;
    uint8_t rollover;
    uint32_t samples; /* 24 bits                                             */
};

/* How to read it: from the profile's row. */
struct pmbus_energy_scale {
    double wrap;              /* counts a roll-over: 32768 or 65536                  */
    struct row_direct direct; /* of one sample; m 0: one count is one watt           */
    double scale, offset;     /* on top, as for any row                              */
    double power_max_w;       /* no mean can be above: how far apart reads may be    */
};

/* What was added up so far. All zero at the start. */
struct pmbus_energy {
    bool known; /* `last` is one                                       */
    struct pmbus_energy_count last;
    int64_t taken_us;
    double samples_per_us; /* as last seen; 0: not yet                            */
    double joules;         /* since the first answer                              */
    double mean_w;         /* between the last two; NAN: there were none          */
};

/* The six bytes of the block. ST_CORRUPT: not six. */
NODISCARD enum status pmbus_energy_parse(const uint8_t *bytes, int32_t count, struct pmbus_energy_count *ret);

/* Takes one answer. ST_OK: `joules` and `mean_w` are new. ST_NONE: it is the first, there
 * is nothing to compare it with. ST_STALE: no sample since. ST_RANGE: so long after the
 * last one that a counter may have gone round unseen (the next one is compared with this),
 * or the accumulator is above its wrap. Time goes on with `taken_us`. */
NODISCARD enum status pmbus_energy_step(struct pmbus_energy *energy, const struct pmbus_energy_scale *scale,
                                        const struct pmbus_energy_count *now, int64_t taken_us);

#endif
