/* SPDX-License-Identifier: Apache-2.0 */
/* latency.h: how long it takes from a sample to the order it caused, and on to
 * that order being in force. Pure; the tick thread owns it.
 */
#ifndef BUSBAR_DAEMON_LATENCY_H
#define BUSBAR_DAEMON_LATENCY_H

#include <stdint.h>

#include "busbar/core.h"
#include "busbar/operator.h"

/* The last order of one lever. */
struct latency_lever {
    uint64_t number;              /* 0: none that is waited for                     */
    int64_t published_us;
    int64_t taken_us, arrived_us; /* of its cause; published_us when time or plan   */
    int32_t protocol;             /* index of operator_stats' arrays                */
    bool caused;                  /* a reading or an acknowledgement caused it      */
};

struct latency {
    uint64_t written, refused, failed;   /* orders, by how they ended               */
    struct operator_latency protocol[OPERATOR_PROTOCOLS];
};

/* An order was handed to the field at `published_us`. */
void latency_order(struct latency *latency, struct latency_lever *lever, const struct core_order *order,
                   int64_t published_us);

/* Its outcome. Only a confirmed order has a duration. */
void latency_ack(struct latency *latency, struct latency_lever *lever, const struct core_ack *ack);

#endif
