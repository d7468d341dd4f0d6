/* SPDX-License-Identifier: Apache-2.0 */
/* fc_sensor.c: what power a reading stands for.
 *
 * A running mean over n periods changes by (new - the one n ago) / n, so the new
 * part is the one n ago plus n times the change. Noise of the readings would walk
 * away in that sum, so each part is drawn a little towards the reading, and takes
 * over some of what the parts' mean is then off.
 */
#include "fc_sensor.h"

#include <math.h>
#include <string.h>

#define FC_SENSOR_LEAN  0.5  /* share of the mean's error that a new part takes     */
#define FC_SENSOR_LEAK  0.05 /* of a part's distance from the reading              */
#define FC_SENSOR_STUCK 50   /* readings: shorter standstill is nothing unusual     */
#define FC_SENSOR_ROWS  4    /* times the longest row before                        */
#define FC_SENSOR_MOVES 20   /* a sensor that never moved is not stuck, but steady  */

void fc_sensor_init(struct fc_sensor *sensor, int64_t window_us, int64_t period_us)
{
    int64_t parts = period_us > 0 ? (window_us + period_us / 2) / period_us : 1;

    memset(sensor, 0, sizeof *sensor);
    sensor->parts = parts < 1 ? 1 : parts > FC_SENSOR_PARTS ? FC_SENSOR_PARTS : (int32_t)parts;
    sensor->last_w = NAN;
}

static void fc_sensor_watch(struct fc_sensor *sensor, double reading_w)
{
    if (memcmp(&reading_w, &sensor->last_w, sizeof reading_w) == 0) {
        if (sensor->same < INT32_MAX / (2 * FC_SENSOR_ROWS))
            sensor->same++;
        return;
    }
    if (sensor->same > sensor->longest)
        sensor->longest = sensor->same;
    sensor->same = 0;
    if (sensor->moves < INT32_MAX)
        sensor->moves++;
}

static double fc_sensor_clip(double w, double cap_w)
{
    return w < 0.0 ? 0.0 : w > cap_w ? cap_w : w;
}

double fc_sensor_power(struct fc_sensor *sensor, double reading_w, double cap_w)
{
    double before_w = sensor->last_w, power_w = reading_w, mean_w = 0.0;
    int32_t n = sensor->parts;

    fc_sensor_watch(sensor, reading_w);
    sensor->last_w = reading_w;
    if (n == 1)
        return reading_w;
    if (sensor->filled < n) { /* what came before it was like the first reading */
        for (int32_t i = 0; i < n; i++)
            sensor->part_w[i] = reading_w;
        sensor->filled = n;
        return reading_w;
    }
    power_w = sensor->part_w[sensor->oldest] + n * (reading_w - before_w);
    power_w = fc_sensor_clip(power_w + FC_SENSOR_LEAK * (reading_w - power_w), cap_w);
    sensor->part_w[sensor->oldest] = power_w;
    for (int32_t i = 0; i < n; i++)
        mean_w += sensor->part_w[i] / n;
    power_w = fc_sensor_clip(power_w + FC_SENSOR_LEAN * n * (reading_w - mean_w), cap_w);
    sensor->part_w[sensor->oldest] = power_w;
    sensor->oldest = (sensor->oldest + 1) % n;
    return power_w;
}

bool fc_sensor_stuck(const struct fc_sensor *sensor)
{
    int32_t usual = sensor->longest * FC_SENSOR_ROWS;

    return sensor->moves >= FC_SENSOR_MOVES && sensor->same >= FC_SENSOR_STUCK && sensor->same > usual;
}
