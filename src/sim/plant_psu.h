/* SPDX-License-Identifier: Apache-2.0 */
/* plant_psu.h: power supplies: PFC, hold-up, hand-over, start, overload. For
 * plant*.c alone. Pure. */
#ifndef BUSBAR_SIM_PLANT_PSU_H
#define BUSBAR_SIM_PLANT_PSU_H

#include <stdbool.h>

#include "plant.h"

/* On, warm, with tolerances of its own. */
void plant_psu_start(struct plant *plant, int32_t psu);

/* The phases' voltages or the frequency are others: what PFCs can do at them. */
void plant_psu_input(struct plant *plant);

/* Each supply's line for the step of dt_s that comes. */
void plant_psu_offer(struct plant *plant, double dt_s);

/* The step is over, currents are known: energies, timers, transitions, shelf sums. */
void plant_psu_step(struct plant *plant, double dt_s);

/* Temperatures, which nothing fast depends on. */
void plant_psu_warm(struct plant *plant, double dt_s);

/* Something moves within milliseconds: small steps are needed. */
bool plant_psu_stirred(const struct plant *plant);

/* At this busbar voltage it would. */
bool plant_psu_would_stir(const struct plant *plant, double bus_v);

/* Until a hold-up energy that drains slowly is down to where things change. */
double plant_psu_drain_s(const struct plant *plant, double most_s);

/* Until its next timer ends; at most `most_s`. */
double plant_psu_next_s(const struct plant *plant, double most_s);

/* Gives current, or would at a lower voltage. */
bool plant_psu_carries(const struct plant_psu *psu);

/* At psu_rated_w. */
double plant_psu_rated_a(const struct plant *plant, const struct plant_psu *psu);

#endif
