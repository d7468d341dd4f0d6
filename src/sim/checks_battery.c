/* SPDX-License-Identifier: Apache-2.0 */
/* checks_battery.c: what batteries keep for an outage, and what our orders wear off them.
 *
 * Reserve: a battery that has given energy while the input was good must still
 * hold enough for an outage at the load that is there. One that is as full as it
 * ever was since the last event is excused, whatever that is: no order took it.
 * Wear: discharge that no event of the grid explains. The plant's thread.
 */
#include <math.h>

#include "checks_parts.h"

#define CHECKS_INPUT_BAD   0.9              /* of nominal, lowest phase                         */
#define CHECKS_INPUT_GONE  0.75             /* under it no order supports: the hardware does    */
#define CHECKS_AFTER_US    INT64_C(2000000) /* until supplies carry all of it again  */
#define CHECKS_GIVEN_RATIO 0.005            /* of full: less is standing by                      */
#define CHECKS_US_PER_DAY  86400e6

static bool checks_battery_healthy(const struct plant_bbu *bbu)
{
    return bbu->present && !bbu->failed && bbu->energy_full_j > 0.0;
}

void checks_battery_init(struct checks *c)
{
    c->mark[CHECKS_RESERVE].limit = c->opt.reserve_s;
    c->mark[CHECKS_WEAR].limit = c->opt.wear_cycles_per_day;
    c->excused_until_us = CHECKS_NEVER;
    for (int32_t i = 0; i < c->plant->bbu_count; i++) {
        c->bbu[i].discharged_j = c->plant->bbus[i].discharged_j;
        c->bbu[i].reference_j = c->plant->bbus[i].energy_j;
    }
}

/* A supply that should carry and does not, for the grid's sake: a broken one, or
 * one that is switched off, never will. */
static bool checks_supplies_busy(const struct plant *plant)
{
    for (int32_t i = 0; i < plant->psu_count; i++) {
        const struct plant_psu *psu = &plant->psus[i];

        if (psu->present && psu->on && !psu->failed && psu->state != PLANT_PSU_ON &&
            psu->state != PLANT_PSU_LATCHED)
            return true;
    }
    return false;
}

static double checks_load_w(const struct plant *plant)
{
    double sum_w = plant->switch_w;

    for (int32_t i = 0; i < plant->node_count; i++)
        sum_w += plant->node_w[i];
    return sum_w;
}

static void checks_reserve(struct checks *c, const struct plant *plant, bool excused)
{
    int32_t healthy = 0;
    double share_w;

    for (int32_t i = 0; i < plant->bbu_count; i++)
        healthy += checks_battery_healthy(&plant->bbus[i]);
    share_w = healthy > 0 ? checks_load_w(plant) / healthy : 0.0;
    for (int32_t i = 0; i < plant->bbu_count; i++) {
        const struct plant_bbu *bbu = &plant->bbus[i];
        struct checks_bbu *seen = &c->bbu[i];
        double held_s = share_w > 0.0 ? bbu->energy_j / share_w : INFINITY;
        bool given, enough = held_s >= c->opt.reserve_s;

        if (excused || !checks_battery_healthy(bbu) || bbu->energy_j > seen->reference_j)
            seen->reference_j = bbu->energy_j;
        given = seen->reference_j - bbu->energy_j > CHECKS_GIVEN_RATIO * bbu->energy_full_j;
        if (excused || !checks_battery_healthy(bbu) || !(given || enough) || isinf(held_s))
            continue;
        checks_note(c, CHECKS_RESERVE,
                    &(struct checks_seen){ .ok = enough,
                                           .value = held_s,
                                           .limit = c->opt.reserve_s,
                                           .margin = held_s - c->opt.reserve_s,
                                           .about = checks_of(CHECKS_BBU, i, "holds, J", bbu->energy_j) });
    }
}

/* In equivalent full cycles of all batteries together. A swapped one starts anew. */
static void checks_wear(struct checks *c, const struct plant *plant, bool excused)
{
    double given_j = 0.0, full_j = 0.0, allowed;

    for (int32_t i = 0; i < plant->bbu_count; i++) {
        const struct plant_bbu *bbu = &plant->bbus[i];

        given_j += fmax(0.0, bbu->discharged_j - c->bbu[i].discharged_j);
        c->bbu[i].discharged_j = bbu->discharged_j;
        full_j += bbu->energy_full_j;
    }
    if (!(full_j > 0.0))
        return;
    if (!excused)
        c->spent_cycles += given_j / full_j;
    allowed = c->opt.wear_cycles_per_day * (1.0 + (double)c->now_us / CHECKS_US_PER_DAY);
    checks_note(c, CHECKS_WEAR,
                &(struct checks_seen){ .ok = c->spent_cycles <= allowed,
                                       .value = c->spent_cycles,
                                       .limit = allowed,
                                       .margin = allowed - c->spent_cycles,
                                       .about = { .what = "batteries give, W", .number = plant->bbu_w } });
}

void checks_battery_step(struct checks *c, const struct plant *plant)
{
    double ratio = checks_input_ratio(plant);
    bool busy = checks_supplies_busy(plant);

    if (busy || ratio < CHECKS_INPUT_GONE)
        c->excused_until_us = c->now_us + CHECKS_AFTER_US;
    checks_wear(c, plant, c->now_us < c->excused_until_us);
    checks_reserve(c, plant, c->now_us < c->excused_until_us || ratio < CHECKS_INPUT_BAD);
}
