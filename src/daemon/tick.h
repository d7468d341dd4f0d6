/* SPDX-License-Identifier: Apache-2.0 */
/* tick.h: the one fixed-rate loop: collect, core_step(), publish.
 *
 * tick_start() runs tick_turn() on a thread of its own at the configuration's
 * period; everything else here is for the main thread.
 */
#ifndef BUSBAR_DAEMON_TICK_H
#define BUSBAR_DAEMON_TICK_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/core.h"
#include "busbar/field.h"
#include "busbar/histogram.h"
#include "busbar/status.h"
#include "latency.h"
#include "rig.h"

struct tick;

struct tick_stats {
    uint64_t ticks, missed;
    int64_t period_us;
    uint64_t unrecorded;            /* ticks that found no room in the recording       */
    uint64_t events_lost;
    struct histogram lateness;      /* of waking up after the scheduled time           */
    struct histogram core_step;
    struct latency latency;
};

/* What the tick thread works on; borrowed until the next hand-over was taken. */
struct tick_work {
    struct rig *rig;
    struct field *field;            /* NULL: no readings, and orders go nowhere        */
    const struct core_map *map;     /* from the rig before; NULL where it is the same  */
};

NODISCARD enum status tick_new(const struct tick_work *work, struct tick **ret);

struct tick_priority {
    int32_t fifo;                   /* SCHED_FIFO priority; 0: do not ask              */
    int32_t cpu;                    /* -1: any                                         */
};

/* Starts the thread. A priority or CPU that is refused is no failure:
 * tick_realtime() tells, and *ret_errno says why (0: nothing was refused). */
NODISCARD enum status tick_start(struct tick *tick, const struct tick_priority *priority, int *ret_errno);
bool tick_realtime(const struct tick *tick);

/* Lets the current turn end and joins the thread. Takes NULL; returns NULL. */
struct tick *tick_free(struct tick *tick);

/* Changes over between two ticks and waits until that is done, at most five
 * seconds: ST_TIMEOUT says that the thread does not tick. */
NODISCARD enum status tick_hand_over(struct tick *tick, const struct tick_work *work);

/* The latest counters; false when there are none newer than at the last call. */
bool tick_stats_get(struct tick *tick, struct tick_stats *ret);

/* One turn at `woke_us`, `expirations` (1 or more) periods after the last. For
 * the thread, and for tests without one. */
void tick_turn(struct tick *tick, int64_t woke_us, uint64_t expirations);

#endif
