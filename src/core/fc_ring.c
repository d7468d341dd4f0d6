/* SPDX-License-Identifier: Apache-2.0 */
/* fc_ring.c: a ring of samples in one piece, with maxima over groups of them. */
#include "fc_ring.h"

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
    int32_t at = ring->head + young, end = ring->head + old, mask = ring->size - 1;
    float w = value[at];

    while (at <= end) {
        /* a whole group is never the one that is half old, half new: that is longer than the ring */
        if (at % FC_RING_GROUP == 0 && at + FC_RING_GROUP - 1 <= end) {
            float group_w = top[(at & mask) / FC_RING_GROUP];

            w = group_w > w ? group_w : w;
            at += FC_RING_GROUP;
        } else {
            w = value[at] > w ? value[at] : w;
            at++;
        }
    }
    return w;
}
