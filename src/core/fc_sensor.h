/* SPDX-License-Identifier: Apache-2.0 */
/* fc_sensor.h: what power a reading stands for, and whether the sensor is alive.
 *
 * A reading that is a mean over several periods lags and hides peaks; the part that
 * is new in it can be worked out. One that sees a short window of each period
 * aliases: it is taken as it is, and how little it sees widens the bounds (fc_bound.c).
 */
#ifndef BUSBAR_CORE_FC_SENSOR_H
#define BUSBAR_CORE_FC_SENSOR_H

#include <stdbool.h>
#include <stdint.h>

#define FC_SENSOR_PARTS 32

struct fc_sensor {
    int32_t parts; /* periods in a window; 1: a reading is taken as it is     */
    int32_t filled, oldest;
    double part_w[FC_SENSOR_PARTS];
    double last_w;   /* reading                                                 */
    int32_t same;    /* times in a row that it has read the same                */
    int32_t longest; /* of such rows before                                     */
    int32_t moves;   /* times it has read another value                         */
};

void fc_sensor_init(struct fc_sensor *sensor, int64_t window_us, int64_t period_us);

/* A reading of a new slot: the power of that slot, between 0 and `cap_w` where it
 * had to be worked out. */
double fc_sensor_power(struct fc_sensor *sensor, double reading_w, double cap_w);

/* It reads the same for much longer than it ever did, to the last bit. */
bool fc_sensor_stuck(const struct fc_sensor *sensor);

#endif
