/* SPDX-License-Identifier: Apache-2.0 */
/* reglat.h: how long one device takes to answer, and how long it is worth waiting. Pure.
 *
 * Keeps the last answers' times without their time on the wire: what is left is the
 * device's own, whatever was asked. The wait is their 99th percentile and half of it
 * (20 ms at least) on top, within bounds. A device that was lost and is back is learned
 * anew, so one that got slower is found by the longest wait and kept.
 */
#ifndef BUSBAR_FIELD_REGLAT_H
#define BUSBAR_FIELD_REGLAT_H

#include <stdbool.h>
#include <stdint.h>

#define REGLAT_KEPT  256 /* answers that count                                  */
#define REGLAT_LEAST 32  /* so many are needed before a wait gets shorter       */

struct reglat {
    int32_t count, next; /* answers kept, and where the next one goes           */
    int32_t since;       /* answers since the percentile was worked out        */
    int64_t p99_us;
    int32_t kept_us[REGLAT_KEPT];
};

struct reglat_bounds {
    int64_t least_us, most_us; /* of a wait, the wire's time not counted             */
    bool few;                  /* what little is known will do, where anything is    */
};

/* An answer came after `took_us`, `wire_us` of them on the wire. */
void reglat_add(struct reglat *lat, int64_t took_us, int64_t wire_us);

/* Another device, a new firmware, or one that was away: what was learned is forgotten. */
void reglat_forget(struct reglat *lat);

/* How long to wait for an answer that takes `wire_us` on the wire. */
int64_t reglat_wait_us(const struct reglat *lat, const struct reglat_bounds *bounds, int64_t wire_us);

#endif
