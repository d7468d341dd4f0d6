/* SPDX-License-Identifier: Apache-2.0 */
/* plant_bbu.h: battery modules: trigger, line, energy, charger. For plant*.c alone. Pure. */
#ifndef BUSBAR_SIM_PLANT_BBU_H
#define BUSBAR_SIM_PLANT_BBU_H

#include <stdbool.h>

#include "plant.h"

/* As good as full and at rest. */
void plant_bbu_start(struct plant *plant, int32_t bbu);

/* What depends on the parameters alone. */
void plant_bbu_gain(struct plant *plant);

/* Each module's line for the step that comes; chargers: sets charge_w. */
void plant_bbu_offer(struct plant *plant);

/* The step is over, currents are known: energies, triggers, timers. */
void plant_bbu_step(struct plant *plant, double dt_s);

bool plant_bbu_stirred(const struct plant *plant);
bool plant_bbu_would_stir(const struct plant *plant, double bus_v);
double plant_bbu_next_s(const struct plant *plant, double most_s);

/* At bbu_rated_w. */
double plant_bbu_rated_a(const struct plant *plant);

/* Is there, whole, and holds energy. */
bool plant_bbu_able(const struct plant_bbu *bbu);

#endif
