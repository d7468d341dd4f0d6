/* SPDX-License-Identifier: Apache-2.0 */
/* fc_lanes.h: four floats at once, for loops over many samples.
 *
 * Each lane does what a scalar would: results are the same bit for bit.
 */
#ifndef BUSBAR_CORE_FC_LANES_H
#define BUSBAR_CORE_FC_LANES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define FC_LANES 4

typedef float fc_lanes __attribute__((vector_size(16)));
typedef int32_t fc_lanes_mask __attribute__((vector_size(16))); /* -1: true */

/* Four in a row, wherever they lie. */
static inline fc_lanes fc_lanes_load(const float *from)
{
    fc_lanes ret;

    memcpy(&ret, from, sizeof ret);
    return ret;
}

static inline void fc_lanes_store(float *to, fc_lanes w)
{
    memcpy(to, &w, sizeof w);
}

static inline fc_lanes fc_lanes_all(float w)
{
    return (fc_lanes){ w, w, w, w };
}

static inline fc_lanes fc_lanes_max(fc_lanes a, fc_lanes b)
{
    fc_lanes_mask more = a > b;

    return (fc_lanes)(((fc_lanes_mask)a & more) | ((fc_lanes_mask)b & ~more));
}

static inline fc_lanes fc_lanes_min(fc_lanes a, fc_lanes b)
{
    fc_lanes_mask less = a < b;

    return (fc_lanes)(((fc_lanes_mask)a & less) | ((fc_lanes_mask)b & ~less));
}

static inline bool fc_lanes_any(fc_lanes_mask mask)
{
    int64_t half[2];

    memcpy(half, &mask, sizeof half);
    return (half[0] | half[1]) != 0;
}

/* `most`, raised to the highest of `count` floats: each stands in some lane. */
static inline fc_lanes fc_lanes_raise(fc_lanes most, const float *w, int32_t count)
{
    if (count < FC_LANES) {
        for (int32_t i = 0; i < count; i++)
            most = fc_lanes_max(fc_lanes_all(w[i]), most);
        return most;
    }
    for (int32_t i = 0; i < count - FC_LANES; i += FC_LANES)
        most = fc_lanes_max(fc_lanes_load(&w[i]), most);
    return fc_lanes_max(fc_lanes_load(&w[count - FC_LANES]), most); /* some for a second time */
}

static inline float fc_lanes_lowest(fc_lanes w)
{
    w = fc_lanes_min(w, __builtin_shufflevector(w, w, 2, 3, 0, 1));
    w = fc_lanes_min(w, __builtin_shufflevector(w, w, 1, 0, 3, 2));
    return w[0];
}

static inline float fc_lanes_highest(fc_lanes w)
{
    w = fc_lanes_max(w, __builtin_shufflevector(w, w, 2, 3, 0, 1));
    w = fc_lanes_max(w, __builtin_shufflevector(w, w, 1, 0, 3, 2));
    return w[0];
}

#endif
