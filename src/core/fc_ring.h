/* SPDX-License-Identifier: Apache-2.0 */
/* fc_ring.h: the newest samples of one channel, newest first, without a seam.
 *
 * The samples' memory is the caller's: 2 * size floats (each sample stands twice,
 * so that any `size` of them lie in one piece) and size / FC_RING_GROUP maxima.
 */
#ifndef BUSBAR_CORE_FC_RING_H
#define BUSBAR_CORE_FC_RING_H

#include <stdint.h>

#define FC_RING_GROUP 16 /* samples under one maximum */

struct fc_ring {
    int32_t size; /* a power of two, FC_RING_GROUP or more     */
    int32_t head; /* the newest is value[head]                 */
    int64_t count;
};

/* The past before the first sample is taken to have been like it. */
void fc_ring_fill(struct fc_ring *ring, float *value, float *top, float w);
void fc_ring_put(struct fc_ring *ring, float *value, float *top, float w);

/* The sample `age` slots ago, 0 to size - 1. */
static inline float fc_ring_at(const struct fc_ring *ring, const float *value, int32_t age)
{
    return value[ring->head + age];
}

/* The highest of the samples aged young to old, both included, 0 <= young <= old < size. */
float fc_ring_top(const struct fc_ring *ring, const float *value, const float *top, int32_t young,
                  int32_t old);

#endif
