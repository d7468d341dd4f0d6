/* SPDX-License-Identifier: Apache-2.0 */
/* speed.c: the price of a cap, from measured jobs. Pure; any thread.
 *
 * Source: Zeus (You et al., NSDI 2023), measured epochs of training jobs under
 * each power limit of two boards. A point is the median, over all jobs that
 * draw more than 70 % of the board's largest limit when they may, of {average
 * power over the same job's uncapped average power, its speed over uncapped
 * speed}. V100: 35 jobs a point; A40: 19 to 24. The A40's knee is sharper.
 */
#include "speed.h"

#include <stddef.h>
#include <string.h>

struct speed_point {
    double ratio, speed;
};

#define SPEED_POINTS 9

static const struct speed_point speed_points[SPEED_KNEE_COUNT][SPEED_POINTS] = {
    [SPEED_V100] = {
        { .ratio = 0.454, .speed = 0.627 }, { .ratio = 0.551, .speed = 0.800 },
        { .ratio = 0.655, .speed = 0.874 }, { .ratio = 0.747, .speed = 0.914 },
        { .ratio = 0.833, .speed = 0.952 }, { .ratio = 0.930, .speed = 0.981 },
        { .ratio = 1.000, .speed = 1.000 },
    },
    [SPEED_A40] = {
        { .ratio = 0.414, .speed = 0.298 }, { .ratio = 0.511, .speed = 0.408 },
        { .ratio = 0.590, .speed = 0.608 }, { .ratio = 0.665, .speed = 0.836 },
        { .ratio = 0.739, .speed = 0.923 }, { .ratio = 0.819, .speed = 0.969 },
        { .ratio = 0.888, .speed = 0.983 }, { .ratio = 0.952, .speed = 0.995 },
        { .ratio = 1.000, .speed = 1.000 },
    },
};

double speed_at(enum speed_knee knee, double ratio)
{
    const struct speed_point *p = speed_points[knee];
    double speed;

    if (!(ratio < 1.0))
        return 1.0;
    /* Left of the first point the first segment is drawn on: it ends near the
     * power of an idle board. */
    for (int i = 1; i < SPEED_POINTS - 1 && ratio > p[1].ratio; i++)
        p++;
    speed = p[0].speed + (ratio - p[0].ratio) * (p[1].speed - p[0].speed) / (p[1].ratio - p[0].ratio);
    return speed > SPEED_MIN ? speed : SPEED_MIN;
}

enum speed_knee speed_find(const char *word)
{
    if (strcmp(word, "v100") == 0)
        return SPEED_V100;
    return strcmp(word, "a40") == 0 ? SPEED_A40 : SPEED_KNEE_COUNT;
}
