/* histogram.h: a distribution of durations in fixed room.
 *
 * Buckets grow by 2^(1/8) (9 %) from 1 us to 2^27 us (134 s), so a quantile is
 * right within 9 %; the maximum is exact. A plain struct: copy it, subtract
 * an earlier copy, put it in a mailbox. Not for two threads at once.
 */
#ifndef BUSBAR_HISTOGRAM_H
#define BUSBAR_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BUCKETS 217

struct histogram {
    uint64_t bucket[HISTOGRAM_BUCKETS];
    uint64_t count;
    int64_t max_us;
    double sum_us;
};

/* Adds one duration; below 0 counts as 0. */
void histogram_add(struct histogram *h, int64_t value_us);

/* The duration that a share `q` (0 to 1) of the values does not exceed: the
 * upper edge of its bucket, never above max_us. 0 when empty. */
int64_t histogram_quantile_us(const struct histogram *h, double q);

/* Upper edge of a bucket in us. */
double histogram_edge_us(int bucket);

/* a - b, bucket by bucket: what came between two copies of one histogram. The
 * maximum of the difference is its highest bucket's upper edge. */
struct histogram histogram_since(const struct histogram *now, const struct histogram *before);

#endif
