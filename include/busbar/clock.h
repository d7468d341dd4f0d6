/* clock.h: the only way to the time. Nothing outside base/clock.c reads a clock. */
#ifndef BUSBAR_CLOCK_H
#define BUSBAR_CLOCK_H

#include <stdint.h>

/* Monotonic microseconds (CLOCK_MONOTONIC): never goes back, arbitrary zero. */
int64_t clock_now_us(void);

/* Wall-clock microseconds since 1970 (CLOCK_REALTIME), for people and device
 * clocks only: it may jump. */
int64_t clock_wall_us(void);

/* Sleeps until clock_now_us() reaches `until_us`. For tests and simulators. */
void clock_sleep_until_us(int64_t until_us);

#endif
