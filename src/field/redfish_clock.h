/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_clock.h: a device's timestamps in our monotonic time. Pure.
 *
 * A value cannot have been taken after it arrived, so each arrival bounds how far the
 * device's clock is behind ours; the tightest bound of the last minutes is used. Clocks
 * that drift are followed, one that is set anew is noticed. What comes out is never
 * younger than the value can be. Private to src/field.
 */
#ifndef BUSBAR_FIELD_REDFISH_CLOCK_H
#define BUSBAR_FIELD_REDFISH_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct redfish_clock {
    bool known;
    int64_t offset_us[2]; /* largest of (device - arrival): this window's, the last one's */
    int64_t since_us;     /* our time at which this window began                          */
    int64_t newest_us;    /* latest device time seen                                      */
};

/* A value with this timestamp arrived. */
void redfish_clock_see(struct redfish_clock *clock, int64_t device_us, int64_t arrived_us);

/* That timestamp in our time. Only after at least one redfish_clock_see(). */
int64_t redfish_clock_local_us(const struct redfish_clock *clock, int64_t device_us);

#endif
