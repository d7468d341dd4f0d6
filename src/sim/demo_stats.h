/* SPDX-License-Identifier: Apache-2.0 */
/* demo_stats.h: the daemon's counters, as its API gives them (GET
 * /v1/stats?raw=1), and what came between two answers. Pure. */
#ifndef BUSBAR_SIM_DEMO_STATS_H
#define BUSBAR_SIM_DEMO_STATS_H

#include <stdint.h>

#include "busbar/histogram.h"
#include "busbar/status.h"

#define DEMO_STATS_PROTOCOLS 3
extern const char *const demo_stats_protocols[DEMO_STATS_PROTOCOLS]; /* redfish, modbus, smbus */

struct demo_stats_latency {
    struct histogram detect, decide, dispatch, device, total, event_to_order;
};

struct demo_stats {
    uint64_t ticks, ticks_missed, orders_written, orders_refused, orders_failed;
    struct histogram tick_lateness;
    struct histogram transaction[DEMO_STATS_PROTOCOLS];
    struct demo_stats_latency latency[DEMO_STATS_PROTOCOLS];
};

/* ST_CORRUPT: not such an answer. */
NODISCARD enum status demo_stats_parse(const char *body, struct demo_stats *ret);

void demo_stats_since(const struct demo_stats *now, const struct demo_stats *before, struct demo_stats *ret);

#endif
