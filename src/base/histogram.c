/* SPDX-License-Identifier: Apache-2.0 */
/* histogram.c: durations counted in buckets that grow by 2^(1/8).
 *
 * Bucket 0 holds 0 and 1 us; bucket i holds what is above the edge of i - 1 and
 * not above its own, 2^(i/8) us; the last one also holds everything longer.
 * Any thread, one at a time for one histogram. Never allocates.
 */
#include "busbar/histogram.h"

#include <string.h>

#include "busbar/check.h"

#define HISTOGRAM_PER_OCTAVE 8

/* 2^(k/8): written out so that this folder needs no libm. */
static const double histogram_steps[HISTOGRAM_PER_OCTAVE] = {
    1.0,
    1.0905077326652577,
    1.189207115002721,
    1.2968395546510096,
    1.4142135623730951,
    1.5422108254079408,
    1.681792830507429,
    1.8340080864093424,
};

double histogram_edge_us(int bucket)
{
    CHECK(bucket >= 0 && bucket < HISTOGRAM_BUCKETS);
    return histogram_steps[bucket % HISTOGRAM_PER_OCTAVE] *
           (double)(INT64_C(1) << (bucket / HISTOGRAM_PER_OCTAVE));
}

static int histogram_bucket(int64_t value_us)
{
    int octave, bucket;

    if (value_us <= 1)
        return 0;
    octave = 63 - __builtin_clzll((unsigned long long)value_us);
    bucket = octave * HISTOGRAM_PER_OCTAVE;
    while (bucket < HISTOGRAM_BUCKETS && histogram_edge_us(bucket) < (double)value_us)
        bucket++;
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

void histogram_add(struct histogram *h, int64_t value_us)
{
    if (value_us < 0)
        value_us = 0;
    h->bucket[histogram_bucket(value_us)]++;
    h->count++;
    h->sum_us += (double)value_us;
    if (value_us > h->max_us)
        h->max_us = value_us;
}

int64_t histogram_quantile_us(const struct histogram *h, double q)
{
    double want = (double)h->count * (q < 0.0 ? 0.0 : q > 1.0 ? 1.0 : q);
    double seen = 0.0;

    if (h->count == 0)
        return 0;
    for (int i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
        seen += (double)h->bucket[i];
        if (h->bucket[i] > 0 && seen >= want) {
            int64_t edge_us = (int64_t)histogram_edge_us(i);

            return edge_us < h->max_us ? edge_us : h->max_us;
        }
    }
    return h->max_us; /* the last bucket has no upper edge but the longest value */
}

struct histogram histogram_since(const struct histogram *now, const struct histogram *before)
{
    struct histogram diff;
    int highest = -1;

    memset(&diff, 0, sizeof diff);
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        diff.bucket[i] = now->bucket[i] - before->bucket[i];
        if (diff.bucket[i] > 0)
            highest = i;
    }
    diff.count = now->count - before->count;
    diff.sum_us = now->sum_us - before->sum_us;
    if (highest == HISTOGRAM_BUCKETS - 1)
        diff.max_us = now->max_us;
    else if (highest >= 0)
        diff.max_us = (int64_t)histogram_edge_us(highest);
    if (diff.max_us > now->max_us)
        diff.max_us = now->max_us;
    return diff;
}
