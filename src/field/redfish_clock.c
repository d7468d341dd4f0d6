/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_clock.c: the tightest bound on a clock's offset over two windows. Pure. */
#include "redfish_clock.h"

#define REDFISH_CLOCK_WINDOW_US ((int64_t)120000000)
#define REDFISH_CLOCK_BACK_US   ((int64_t)2000000) /* so far back is a clock that was set  */

static void redfish_clock_reset(struct redfish_clock *clock, int64_t offset_us, int64_t arrived_us)
{
    clock->known = true;
    clock->offset_us[0] = clock->offset_us[1] = offset_us;
    clock->since_us = arrived_us;
}

void redfish_clock_see(struct redfish_clock *clock, int64_t device_us, int64_t arrived_us)
{
    int64_t offset_us = device_us - arrived_us;

    if (!clock->known || device_us < clock->newest_us - REDFISH_CLOCK_BACK_US) {
        redfish_clock_reset(clock, offset_us, arrived_us);
        clock->newest_us = device_us;
        return;
    }
    if (device_us > clock->newest_us)
        clock->newest_us = device_us;
    if (arrived_us - clock->since_us > REDFISH_CLOCK_WINDOW_US) {
        clock->offset_us[1] = clock->offset_us[0];
        clock->offset_us[0] = offset_us;
        clock->since_us = arrived_us;
    }
    if (offset_us > clock->offset_us[0])
        clock->offset_us[0] = offset_us;
}

int64_t redfish_clock_local_us(const struct redfish_clock *clock, int64_t device_us)
{
    int64_t offset_us = clock->offset_us[0] > clock->offset_us[1] ? clock->offset_us[0] : clock->offset_us[1];

    return device_us - offset_us;
}
