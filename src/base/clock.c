/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c: the only file that reads a clock. Any thread; holds nothing. */
#include "busbar/clock.h"

#include <errno.h>
#include <time.h>

#include "busbar/check.h"

#define CLOCK_US_PER_S  1000000
#define CLOCK_NS_PER_US 1000

static int64_t clock_read_us(clockid_t id)
{
    struct timespec ts;

    CHECK(clock_gettime(id, &ts) == 0);
    return (int64_t)ts.tv_sec * CLOCK_US_PER_S + (int64_t)ts.tv_nsec / CLOCK_NS_PER_US;
}

int64_t clock_now_us(void)
{
    return clock_read_us(CLOCK_MONOTONIC);
}

int64_t clock_wall_us(void)
{
    return clock_read_us(CLOCK_REALTIME);
}

void clock_sleep_until_us(int64_t until_us)
{
    struct timespec ts;

    if (until_us <= 0)
        return;
    ts.tv_sec = (time_t)(until_us / CLOCK_US_PER_S);
    ts.tv_nsec = (long)(until_us % CLOCK_US_PER_S) * CLOCK_NS_PER_US;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
        ;
}
