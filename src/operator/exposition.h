/* SPDX-License-Identifier: Apache-2.0 */
/* exposition.h: writes the Prometheus text format: families, samples, histograms.
 *
 * A family is begun with exposition_family() and every sample after that is of
 * it; it is announced with its first sample, so an empty one leaves no trace. A
 * sample that is NaN or infinite is left out.
 */
#ifndef OPERATOR_EXPOSITION_H
#define OPERATOR_EXPOSITION_H

#include <stdint.h>
#include <stdio.h>

#include "busbar/histogram.h"

struct exposition {
    FILE *to;
    const char *name, *type, *help;   /* of the family; borrowed until the next one */
    int announced;
};

/* Labels of one sample: name, value, name, value ..., NULL. */
#define EXPOSITION_LABELS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define EXPOSITION_NONE ((const char *const[]){ NULL })

/* `type` is "gauge", "counter" or "histogram". */
void exposition_family(struct exposition *ex, const char *name, const char *type, const char *help);
void exposition_number(struct exposition *ex, const char *const *labels, double value);
void exposition_count(struct exposition *ex, const char *const *labels, uint64_t value);

/* Buckets end at 2^first us, 2^(first + step) us ... up to 2^last us, exactly on
 * edges of the histogram, and are given in seconds. */
struct exposition_octaves {
    int first, last, step;
};
void exposition_histogram(struct exposition *ex, const char *const *labels, const struct histogram *h,
                          struct exposition_octaves octaves);

#endif
