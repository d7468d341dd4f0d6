/* SPDX-License-Identifier: Apache-2.0 */
/* pmbus_energy.c: energy and mean power from counters that wrap.
 *
 * Pure: the state is the caller's. A difference that could as well be one more turn of
 * a counter is refused rather than guessed.
 */
#include "pmbus_energy.h"

#include <math.h>

#define PMBUS_ENERGY_ROLLOVERS    256.0
#define PMBUS_ENERGY_SAMPLES_MASK 0xFFFFFFu
#define PMBUS_ENERGY_SAMPLES_WRAP 16777216.0
#define PMBUS_ENERGY_SAMPLES_SAFE 0.9 /* of a turn: our clock is not the device's    */
#define PMBUS_ENERGY_US_PER_S     1e6

enum status pmbus_energy_parse(const uint8_t *bytes, int32_t count, struct pmbus_energy_count *ret)
{
    if (count != PMBUS_ENERGY_BYTES)
        return ST_CORRUPT;
    *ret = (struct pmbus_energy_count){
        .accumulator = (uint16_t)(bytes[0] | (uint32_t)bytes[1] << 8),
        .rollover = bytes[2],
        .samples = bytes[3] | (uint32_t)bytes[4] << 8 | (uint32_t)bytes[5] << 16,
    };
    return ST_OK;
}

static double pmbus_energy_watts(const struct pmbus_energy_scale *scale, double counts)
{
    const struct row_direct *direct = &scale->direct;

    if (direct->m != 0.0)
        counts = (counts * pow(10.0, (double)-direct->r) - direct->b) / direct->m;
    return counts * scale->scale + scale->offset;
}

static double pmbus_energy_sum(const struct pmbus_energy_scale *scale, const struct pmbus_energy_count *count)
{
    return (double)count->rollover * scale->wrap + (double)count->accumulator;
}

enum status pmbus_energy_step(struct pmbus_energy *energy, const struct pmbus_energy_scale *scale,
                              const struct pmbus_energy_count *now, int64_t taken_us)
{
    struct pmbus_energy before = *energy;
    double turn = PMBUS_ENERGY_ROLLOVERS * scale->wrap, elapsed_us = (double)(taken_us - before.taken_us);
    double samples = (double)((now->samples - before.last.samples) & PMBUS_ENERGY_SAMPLES_MASK), sum, mean_w;

    if ((double)now->accumulator >= scale->wrap) {
        energy->known = false;
        return ST_RANGE;
    }
    if (before.known && samples == 0.0 && now->accumulator == before.last.accumulator)
        return ST_STALE;
    energy->known = true;
    energy->last = *now;
    energy->taken_us = taken_us;
    energy->mean_w = NAN;
    if (!before.known)
        return ST_NONE;
    sum = pmbus_energy_sum(scale, now) - pmbus_energy_sum(scale, &before.last);
    sum += sum < 0.0 ? turn : 0.0;
    if (samples == 0.0 || elapsed_us <= 0.0 ||
        elapsed_us * before.samples_per_us > PMBUS_ENERGY_SAMPLES_SAFE * PMBUS_ENERGY_SAMPLES_WRAP ||
        fabs(pmbus_energy_watts(scale, turn / samples)) <= scale->power_max_w)
        return ST_RANGE;
    mean_w = pmbus_energy_watts(scale, sum / samples);
    if (!(fabs(mean_w) <= scale->power_max_w))
        return ST_RANGE; /* counters that were reset look like this */
    energy->samples_per_us = samples / elapsed_us;
    energy->mean_w = mean_w;
    energy->joules += mean_w * elapsed_us / PMBUS_ENERGY_US_PER_S;
    return ST_OK;
}
