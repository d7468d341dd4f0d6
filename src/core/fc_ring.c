/* SPDX-License-Identifier: Apache-2.0 */
/* fc_ring.c: a ring of samples in one piece, with maxima over groups of them. */
#include "fc_ring.h"

#include "fc_lanes.h"

void fc_ring_fill(struct fc_ring *ring, float *value, float *top, float w)
{
    for (int32_t i = 0; i < 2 * ring->size; i++)
        value[i] = w;
    for (int32_t i = 0; i < ring->size / FC_RING_GROUP; i++)
        top[i] = w;
    ring->head = 0;
    ring->count = 0;
}

/* The head moves downwards, so that older samples lie at higher places. Group g
 * of the maxima covers the places g * GROUP to g * GROUP + GROUP - 1: samples of
 * the same age only once the group is full, so a group is begun anew at its end. */
void fc_ring_put(struct fc_ring *ring, float *value, float *top, float w)
{
    int32_t group;

    ring->head = (ring->head + ring->size - 1) & (ring->size - 1);
    value[ring->head] = w;
    value[ring->head + ring->size] = w;
    group = ring->head / FC_RING_GROUP;
    if (ring->head % FC_RING_GROUP == FC_RING_GROUP - 1 || w > top[group])
        top[group] = w;
    ring->count++;
}

float fc_ring_top(const struct fc_ring *ring, const float *value, const float *top, int32_t young,
                  int32_t old)
{
    int32_t at = ring->head + young, end = ring->head + old + 1, groups = ring->size / FC_RING_GROUP;
    int32_t first = (at + FC_RING_GROUP - 1) / FC_RING_GROUP, last = end / FC_RING_GROUP;
    fc_lanes most = fc_lanes_all(value[at]);

    if (first >= last)
        return fc_lanes_highest(fc_lanes_raise(most, &value[at], end - at));
    /* a whole group is never the one that is half old, half new: that is longer than the ring */
    most = fc_lanes_raise(most, &value[at], first * FC_RING_GROUP - at);
    if (first < groups && last > groups) {
        most = fc_lanes_raise(most, &top[first], groups - first);
        first = groups;
    }
    most = fc_lanes_raise(most, &top[first & (groups - 1)], last - first);
    return fc_lanes_highest(fc_lanes_raise(most, &value[last * FC_RING_GROUP], end - last * FC_RING_GROUP));
}
