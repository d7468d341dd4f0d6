/* SPDX-License-Identifier: Apache-2.0 */
/* campaign.h: random racks in random trouble, each from one seed.
 *
 * A seed draws a rack, its load, grid events and faults; the run is played with
 * every checker of checks.h looking on. A case is a plain struct: what of it is
 * left out is chosen by a mask, so a failure can be made smaller and repeated.
 */
#ifndef BUSBAR_SIM_CAMPAIGN_H
#define BUSBAR_SIM_CAMPAIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "checks.h"
#include "link.h"
#include "plant.h"
#include "rack.h"
#include "virtual.h"

#define CAMPAIGN_TROUBLES_MAX 12

/* What happens to a run beside the faults of the links (link.h). */
#define CAMPAIGN_TROUBLE_LIST(X)                                                              \
    X(CAMPAIGN_LINK, "link")               /* one of link.h's                              */ \
    X(CAMPAIGN_SAG, "sag")                 /* the input sags                               */ \
    X(CAMPAIGN_INTERRUPTION, "interruption")                                                  \
    X(CAMPAIGN_PSU_FAIL, "psu_fail")                                                          \
    X(CAMPAIGN_BBU_FAIL, "bbu_fail")                                                          \
    X(CAMPAIGN_SWAP, "swap")               /* another module, with its defaults            */ \
    X(CAMPAIGN_RESET, "reset")             /* a supply or battery forgets its settings     */ \
    X(CAMPAIGN_CRASH, "crash")                                                                \
    X(CAMPAIGN_PAUSE, "pause")             /* ticks are lost, the clock steps              */ \
    X(CAMPAIGN_RELOAD, "reload")                                                              \
    X(CAMPAIGN_SECOND, "second_daemon")                                                       \
    X(CAMPAIGN_PLAN, "plan")               /* the envelope is lowered, raised or lent      */ \
    X(CAMPAIGN_OVERLOAD, "overload")       /* too few supplies are left for the load       */
#define CAMPAIGN_ENUM(name, word) name,
enum campaign_trouble_kind { CAMPAIGN_TROUBLE_LIST(CAMPAIGN_ENUM) CAMPAIGN_TROUBLE_COUNT };
#undef CAMPAIGN_ENUM

struct campaign_trouble {
    enum campaign_trouble_kind kind;
    enum link_fault fault;     /* LINK                                                      */
    double at_s, for_s;        /* for_s INFINITY: lasts                                     */
    double value;              /* fault's own; SAG: residual pu; PLAN: new envelope          */
    int32_t device;            /* LINK: core device; modules: plant index; CORE_NONE: all    */
    enum plant_grid_phases phases;
    bool wye;
    bool lends;                /* PLAN: for for_s only, then the old one again              */
};

struct campaign_case {
    uint64_t seed;
    struct rack rack;
    struct plant_params params;
    struct load_options load;
    double envelope_w, seconds, baud;
    double charge_ratio;       /* batteries begin with: under 0.95 they want to charge      */
    double shift_s;            /* an operator moves power between accelerators so often...   */
    double shift_part;         /* ...down to that part of their range; INFINITY: never       */
    int64_t period_us;
    enum core_forecast forecast; /* TOLD: nonsense, anew each second                        */
    bool arms;                   /* LEARN: supplies' set-points are armed for a foreseen peak */
    int32_t trouble_count;
    struct campaign_trouble trouble[CAMPAIGN_TROUBLES_MAX];
};

/* The case of a seed; `words` says it in one line for people. */
void campaign_draw(uint64_t seed, struct campaign_case *ret);
void campaign_describe(const struct campaign_case *c, char *ret, int room);
const char *campaign_trouble_word(enum campaign_trouble_kind kind);

struct campaign_result {
    uint64_t seed;
    bool ok, beyond;           /* beyond: of what orders can help; played so far only */
    double sim_s;
    uint64_t steps, orders, plant_steps;
    int32_t armed_steps;
    uint32_t faults[CAMPAIGN_TROUBLE_COUNT + LINK_FAULT_COUNT]; /* how often each was played */
    struct {
        bool looked, ok;
        uint64_t looks;
        double value, limit, margin, at_s;
    } check[CHECKS_COUNT];
    char detail[96];           /* of the first check that failed                             */
};

/* Plays it; bit k of `without` leaves trouble k out. ST_NOMEM. */
NODISCARD enum status campaign_play(const struct campaign_case *c, uint32_t without, struct campaign_result *ret);

/* Leaves out what it can while the same check still fails, and shortens the run.
 * Changes c->seconds; returns the mask. */
uint32_t campaign_shrink(struct campaign_case *c, const struct campaign_result *failed);

#endif
