/* SPDX-License-Identifier: Apache-2.0 */
/* plant_bus.h: the busbar between its sources and the IT gear. For plant*.c alone. Pure.
 *
 * Supplies, batteries and the capacitor shelf offer lines (struct plant_sources);
 * the bus finds voltage and currents: by steps of its capacitance, or where
 * nothing moves any more, at once.
 */
#ifndef BUSBAR_SIM_PLANT_BUS_H
#define BUSBAR_SIM_PLANT_BUS_H

#include <stdbool.h>

#include "plant.h"

/* The capacitor shelf's line; and what it draws to recharge. After the batteries' offer. */
void plant_bus_offer(struct plant *plant, double dt_s);

/* One step of dt_s of bus capacitance and current loops: bus_v, sources.a. */
void plant_bus_move(struct plant *plant, double dt_s);

/* Where the bus settles under load_w. False: nowhere. */
bool plant_bus_level(const struct plant *plant, double load_w, double *ret_v);

/* It has settled there. */
void plant_bus_settle(struct plant *plant, double bus_v);

/* After the sources' currents are known: sums, IT gear, capacitor energy. */
void plant_bus_step(struct plant *plant, double dt_s);

/* IT gear's or the capacitors' timers run: small steps are needed. */
bool plant_bus_stirred(const struct plant *plant);

/* At this voltage and load they would. */
bool plant_bus_would_stir(const struct plant *plant, double bus_v, double load_w);

/* What the busbar draws at rated voltage: IT gear and chargers. */
double plant_bus_load_w(const struct plant *plant);

/* Of rated current, all supplies: what 20 % of it means. */
double plant_bus_rated_w(const struct plant *plant);

#endif
