/* SPDX-License-Identifier: Apache-2.0 */
/* plant_rig.h: shelves of six supplies and six batteries on one busbar with a load
 * that stands still, for tests of the power path. */
#ifndef TEST_PLANT_RIG_H
#define TEST_PLANT_RIG_H

#include <math.h>

#include "sim_rig.h"

#define PLANT_RIG_SHELF 6

/* `load_w` is drawn by switch trays: it never wanders. */
static inline struct plant *plant_rig(enum plant_kind kind, int32_t shelves, double load_w)
{
    struct plant *plant = calloc(1, sizeof *plant);
    static const double rated_w[PLANT_KIND_COUNT] = { 3000.0, 5500.0, 12000.0 };

    assert_non_null(plant);
    plant->shelf_count = shelves;
    plant->psu_count = plant->bbu_count = shelves * PLANT_RIG_SHELF;
    plant->switch_w = load_w;
    plant->limit_delay_us = 60000;
    for (int32_t s = 0; s < shelves; s++) {
        plant->shelves[s] = (struct plant_shelf){ .kind = kind,
                                                  .psu_first = s * PLANT_RIG_SHELF,
                                                  .psu_count = PLANT_RIG_SHELF,
                                                  .bbu_first = s * PLANT_RIG_SHELF,
                                                  .bbu_count = PLANT_RIG_SHELF,
                                                  .psu_rated_w = rated_w[kind] };
        for (int32_t i = 0; i < PLANT_RIG_SHELF; i++)
            plant->psus[s * PLANT_RIG_SHELF + i].shelf = plant->bbus[s * PLANT_RIG_SHELF + i].shelf = s;
    }
    plant_params_preset(&plant->params, kind, PLANT_START_STOCK);
    plant_start(plant, 1);
    return plant;
}

/* With other parameters: it starts anew. */
static inline void plant_rig_set(struct plant *plant, const char *key, double value)
{
    const struct plant_param *row = plant_param_find(key);

    assert_non_null(row);
    plant_param_set(&plant->params, row, value);
    plant_start(plant, plant->seed);
}

static inline void plant_rig_no_batteries(struct plant *plant)
{
    for (int32_t i = 0; i < plant->bbu_count; i++)
        plant->bbus[i].failed = true;
}

static inline int plant_rig_count(const struct plant *plant, enum plant_psu_state state)
{
    int count = 0;

    for (int32_t i = 0; i < plant->psu_count; i++)
        count += plant->psus[i].state == state;
    return count;
}

static inline uint32_t plant_rig_trips(const struct plant *plant)
{
    uint32_t trips = 0;

    for (int32_t i = 0; i < plant->psu_count; i++)
        trips += plant->psus[i].trips;
    return trips;
}

static inline double plant_rig_now_s(const struct plant *plant)
{
    return (double)plant->now_us / 1e6;
}

/* Runs until so many supplies are in a state, in steps of step_us; returns how
 * long it took, or fails after most_s. */
static inline double plant_rig_until(struct plant *plant, enum plant_psu_state state, int count,
                                     int64_t step_us, double most_s)
{
    double from_s = plant_rig_now_s(plant);

    while (plant_rig_count(plant, state) < count) {
        if (plant_rig_now_s(plant) - from_s > most_s)
            fail_msg("state %d was not reached by %d supplies within %g s", (int)state, count, most_s);
        plant_run(plant, step_us, NULL);
    }
    return plant_rig_now_s(plant) - from_s;
}

#endif
