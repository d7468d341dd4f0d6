/* SPDX-License-Identifier: Apache-2.0 */
/* meter.h: the simulator's own judge: sliding means of true power, every 1 ms.
 *
 * A violation is one maximal interval with a mean above limit + 0.5 W. Sums are
 * whole milliwatts, so they never drift. A window that is longer than what was
 * measured is pre-filled with the idle power and marked partial. Plain struct
 * around one heap block; one thread.
 */
#ifndef BUSBAR_SIM_METER_H
#define BUSBAR_SIM_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/status.h"

#define METER_NODES_MAX     20
#define METER_LIMITS_MAX    64
#define METER_NAME_MAX      24
#define METER_WINDOW_MAX_MS 60000

struct meter_node {
    char name[METER_NAME_MAX];
    double idle_w; /* for windows that are not full                   */
};

struct meter_limit {
    int32_t node;      /* index                                           */
    int32_t window_ms; /* 1 to METER_WINDOW_MAX_MS                        */
    double limit_w;
};

struct meter;

struct meter_options {
    int32_t node_count, limit_count;
    const struct meter_node *nodes;   /* copied                                    */
    const struct meter_limit *limits; /* copied                                    */
};

NODISCARD enum status meter_new(const struct meter_options *opt, struct meter **ret);
struct meter *meter_free(struct meter *meter);

/* Starts over: sums, worst means, violations, mean, peak, energy. */
void meter_reset(struct meter *meter);

/* One millisecond: the mean power of each node in it. */
void meter_step(struct meter *meter, const double *node_w);

/* From here on this watts for every limit of that node. */
void meter_set_limit(struct meter *meter, int32_t node, double limit_w);

struct meter_result {
    struct meter_limit limit;
    const char *node;
    double worst_w; /* highest full-window mean; partial: with the idle before */
    int64_t violations;
    bool partial;
};
int32_t meter_limit_count(const struct meter *meter);
void meter_result(const struct meter *meter, int32_t limit, struct meter_result *ret);

struct meter_total {
    int64_t measured_ms;
    double mean_w, peak_w, energy_j; /* of the first node; peak over 1 ms          */
    double now_w;
};
void meter_total(const struct meter *meter, struct meter_total *ret);

#endif
