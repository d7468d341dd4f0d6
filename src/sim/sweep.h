/* SPDX-License-Identifier: Apache-2.0 */
/* sweep.h: random racks on one scenario: how they are drawn, what became of them.
 *
 * Rack k of a sweep with seed S is rack 0 of the sweep with seed S + k, so one
 * command repeats it.
 */
#ifndef BUSBAR_SIM_SWEEP_H
#define BUSBAR_SIM_SWEEP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "scenario.h"
#include "study.h"

/* The feasible set: no longer busbar than this, and a hand-over in time, or bridged. */
#define SWEEP_RESISTANCE_MAX_OHM 0.0005
#define SWEEP_BUS_MIN_V          46.0

/* Scenarios as loaded, one a kind of rack: what is drawn replaces their numbers. */
struct sweep_base {
    struct scenario scenario[PLANT_KIND_COUNT];
};

/* The rack of a seed on that scenario; *ret_load_w: the DC load at its start. */
void sweep_draw(const struct sweep_base *base, uint64_t seed, struct scenario *ret, double *ret_load_w);

struct sweep_side { /* of one controller                                     */
    bool ran;
    double it_lost, bus_min_v, capable, before_w, recovery_s;
};

struct sweep_rack { /* a plain struct: a worker sends it                      */
    uint64_t seed;
    int32_t kind, shelves;
    double nominal_v, load_w, load_ratio, resistance_ohm, capacitance_f, holdup_j, health_ratio;
    double margin_s, bridge_f; /* of the rule, along this scenario's voltages            */
    bool trips, speaks, carries, steady, feasible; /* steady: carried at the worst, as it stands */
    struct sweep_side side[VIRTUAL_CONTROLLER_COUNT];
};

struct sweep_sum {
    uint64_t racks, died, feasible, feasible_kept;
    uint64_t rule_cases, rule_agrees;             /* where the rule speaks at all          */
    uint64_t outside, lowered, reported, neither; /* infeasible racks, under busbar         */
    uint64_t none_kept, busbar_kept;              /* of all racks                          */
    double bus_min_v;                             /* of feasible ones, under busbar        */
};

bool sweep_kept(const struct sweep_side *side);   /* no IT lost, busbar in its band       */
bool sweep_agrees(const struct sweep_rack *rack); /* or the rule does not speak of it     */
bool sweep_reported(const struct sweep_rack *rack);
void sweep_add(struct sweep_sum *sum, const struct sweep_rack *rack);
bool sweep_holds(const struct sweep_sum *sum);

/* The racks that are worst off, kept sorted. */
#define SWEEP_WORST_MAX 5
struct sweep_worst {
    int32_t count;
    double score[SWEEP_WORST_MAX];
    struct sweep_rack rack[SWEEP_WORST_MAX];
};
void sweep_worst_add(struct sweep_worst *worst, const struct sweep_rack *rack);

struct sweep_report {
    const char *scenario;
    uint64_t seed;
    double wall_s;
    struct sweep_sum sum;
    struct sweep_worst worst;
};
bool sweep_print(const struct sweep_report *report);
bool sweep_json(const struct sweep_report *report);
void sweep_csv_head(FILE *to);
void sweep_csv_rack(FILE *to, const struct sweep_rack *rack);

#endif
