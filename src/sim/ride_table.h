/* SPDX-License-Identifier: Apache-2.0 */
/* ride_table.h: the ride-through table and map, from their runs to their reports. */
#ifndef BUSBAR_SIM_RIDE_TABLE_H
#define BUSBAR_SIM_RIDE_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "scenario.h"
#include "study.h"

#define RIDE_TABLE_VECTORS_MAX  16
#define RIDE_TABLE_NOMINALS_MAX 8

/* One run, as a worker sends it. */
struct ride_table_cell {
    bool loaded;     /* false: `failed` says why                              */
    bool ok;         /* every check of the run held                            */
    bool kept;       /* at least: IT gear kept, busbar in its band             */
    bool rule_trips; /* what the 20 ms / 175 V rule says                       */
    char failed[96]; /* the first check that did not hold                      */
    double pfc_trips, recovery_s, it_lost, bus_min_v, overshoot_ratio, recharge_peak_w;
};

struct ride_table {
    uint64_t seed;
    struct study_words vectors, nominals, starts;
    double nominal_v[RIDE_TABLE_NOMINALS_MAX];
    enum plant_start_kind start[PLANT_START_COUNT];
    struct ride_table_cell *cell; /* vector, nominal, start, controller; the last fastest   */
    uint64_t died;
    double wall_s;
};

struct ride_table_key {
    int32_t vector, nominal, start;
    enum virtual_controller controller;
};
uint64_t ride_table_count(const struct ride_table *table);
struct ride_table_key ride_table_key(const struct ride_table *table, uint64_t index);
const struct ride_table_cell *ride_table_at(const struct ride_table *table, int32_t vector, int32_t nominal,
                                            int32_t start, enum virtual_controller controller);

struct ride_table_summary {
    int32_t runs, promised, held; /* under busbar: every run is promised something   */
    int32_t other;                /* held, and yet another check of the run did not   */
    int32_t rule_cases, rule_agrees;
    struct {
        int32_t runs, ok, it_kept, back; /* back: at 90 % before the run ended             */
        double recovery_worst_s, overshoot_worst, recharge_peak_w;
    } group[PLANT_START_COUNT][VIRTUAL_CONTROLLER_COUNT]; /* by place in `starts`           */
};
void ride_table_sum(const struct ride_table *table, struct ride_table_summary *ret);

/* With Busbar: on stock supplies IT gear and busbar are kept, for no software brings
 * the PFC back sooner; on the others every check holds, the deadline among them. */
bool ride_table_held(enum plant_start_kind start, const struct ride_table_cell *cell);

/* Reports; false: one line on standard error said why. */
bool ride_table_print(const struct ride_table *table, const struct ride_table_summary *sum);
bool ride_table_json(const struct ride_table *table, const struct ride_table_summary *sum);
bool ride_table_svg(const struct ride_table *table, const struct ride_table_summary *sum, const char *path);

/* The map: residual voltage against duration. Exit status. */
struct ride_map_options {
    const char *path;
    uint64_t seed;
    int32_t points; /* each way                                             */
    bool json;
};
int ride_map(const struct ride_map_options *opt);

#endif
