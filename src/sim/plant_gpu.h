/* SPDX-License-Identifier: Apache-2.0 */
/* plant_gpu.h: what nodes draw: GPUs, their limits and sensors, static parts.
 * For plant*.c alone. Pure. */
#ifndef BUSBAR_SIM_PLANT_GPU_H
#define BUSBAR_SIM_PLANT_GPU_H

#include <stdint.h>

#include "plant.h"

#define PLANT_AMBIENT_C  27.0
#define PLANT_TEMP_TAU_S 20.0

/* Idle, at its highest limit, with a sensor of its own. */
void plant_gpu_start(struct plant *plant, int32_t gpu);

/* All nodes over dt_us that end now: sets load_w. */
void plant_gpu_step(struct plant *plant, int64_t dt_us);

/* By how much the load will rise at once, with demand and limits as they stand. */
double plant_gpu_rise_w(const struct plant *plant);

/* Until the next limit is in force; at most `most_us`. */
int64_t plant_gpu_next_us(const struct plant *plant, int64_t most_us);

#endif
