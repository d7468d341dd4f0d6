/* SPDX-License-Identifier: Apache-2.0 */
/* reglat.c: how long one device takes to answer. Pure: owns nothing, reads no clock. */
#include "reglat.h"

#include <stdlib.h>
#include <string.h>

#define REGLAT_EVERY     16 /* answers between two looks at the percentile       */
#define REGLAT_MARGIN_US 20000

static int reglat_order(const void *left, const void *right)
{
    int32_t a = *(const int32_t *)left, b = *(const int32_t *)right;

    return (a > b) - (a < b);
}

static void reglat_look(struct reglat *lat)
{
    int32_t sorted[REGLAT_KEPT];
    int32_t at = lat->count - 1 - lat->count / 100;

    memcpy(sorted, lat->kept_us, (size_t)lat->count * sizeof *sorted);
    qsort(sorted, (size_t)lat->count, sizeof *sorted, reglat_order);
    lat->p99_us = sorted[at];
    lat->since = 0;
}

void reglat_add(struct reglat *lat, int64_t took_us, int64_t wire_us)
{
    int64_t own_us = took_us > wire_us ? took_us - wire_us : 0;

    lat->kept_us[lat->next] = own_us < INT32_MAX ? (int32_t)own_us : INT32_MAX;
    lat->next = (lat->next + 1) % REGLAT_KEPT;
    lat->count += lat->count < REGLAT_KEPT;
    if (++lat->since >= REGLAT_EVERY || own_us > lat->p99_us)
        reglat_look(lat);
}

void reglat_forget(struct reglat *lat)
{
    memset(lat, 0, sizeof *lat);
}

int64_t reglat_wait_us(const struct reglat *lat, const struct reglat_bounds *bounds, int64_t wire_us)
{
    int64_t margin_us = lat->p99_us / 2 > REGLAT_MARGIN_US ? lat->p99_us / 2 : REGLAT_MARGIN_US;
    int64_t wait_us = lat->p99_us + margin_us;

    if (lat->count < (bounds->few ? 1 : REGLAT_LEAST))
        return wire_us + bounds->most_us;
    if (wait_us < bounds->least_us)
        wait_us = bounds->least_us;
    return wire_us + (wait_us < bounds->most_us ? wait_us : bounds->most_us);
}
