/* SPDX-License-Identifier: Apache-2.0 */
/* link_fault.c: what is wrong with which device, and what a transaction comes to.
 *
 * Owns the table of faults. Pure but for its own random numbers. What it never
 * does: make a device do what no worst delay covers. Writes executed late land
 * within the lever's worst delay, for after that no controller can promise
 * anything; whoever else writes limits only lowers them, for the same reason.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "busbar/check.h"
#include "link_parts.h"

#define LINK_FAULT_STORM_SLOWER 10.0

static const struct {
    const char *word;
    double value; /* where none is given                                  */
} link_fault_words[LINK_FAULT_COUNT] = {
    [LINK_LOSS] = { "loss", 0.1 },
    [LINK_LATE] = { "late", 1.0 },
    [LINK_DUPLICATE] = { "duplicate", 0.2 },
    [LINK_STALE] = { "stale", 0.0 },
    [LINK_LIE] = { "lie", 0.8 },
    [LINK_DEAD] = { "dead", 0.0 },
    [LINK_STORM] = { "storm", 0.0 },
    [LINK_IGNORE] = { "ignore", 0.0 },
    [LINK_LATE_WRITE] = { "late_write", 1.0 },
    [LINK_MEDDLER] = { "meddler", 10.0 }, /* mean seconds between two writes */
};

enum link_fault link_fault_find(const char *word)
{
    for (int f = 0; f < LINK_FAULT_COUNT; f++)
        if (strcmp(link_fault_words[f].word, word) == 0)
            return (enum link_fault)f;
    return LINK_FAULT_COUNT;
}

const char *link_fault_word(enum link_fault fault)
{
    return fault >= 0 && fault < LINK_FAULT_COUNT ? link_fault_words[fault].word : "unknown";
}

/* ---- the table ---- */

bool link_fault_init(struct link *link)
{
    struct link_faults *faults = &link->faults;
    size_t devices = (size_t)link->conf->core.device_count, points = (size_t)link->conf->core.point_count;

    faults->active = calloc(devices, sizeof *faults->active);
    faults->slot = calloc(devices * LINK_FAULT_COUNT, sizeof *faults->slot);
    faults->frozen = calloc(points, sizeof *faults->frozen);
    faults->meddle_us = calloc(devices, sizeof *faults->meddle_us);
    faults->next_meddle_us = LINK_NEVER;
    return faults->active && faults->slot && faults->frozen && faults->meddle_us;
}

void link_fault_done(struct link *link)
{
    free(link->faults.active);
    free(link->faults.slot);
    free(link->faults.frozen);
    free(link->faults.meddle_us);
}

static struct link_fault_slot *link_fault_slot(const struct link *link, int32_t device, enum link_fault fault)
{
    return &link->faults.slot[device * LINK_FAULT_COUNT + (int32_t)fault];
}

static bool link_fault_is(struct link *link, int32_t device, enum link_fault fault)
{
    uint32_t bit = UINT32_C(1) << fault;

    if (!(link->faults.active[device] & bit))
        return false;
    if (link_fault_slot(link, device, fault)->until_us > link->now_us)
        return true;
    link->faults.active[device] &= ~bit;
    return false;
}

bool link_fault_hit(struct link *link, int32_t device, enum link_fault fault, double *ret_value)
{
    struct link_fault_slot *slot = link_fault_slot(link, device, fault);

    if (!link_fault_is(link, device, fault))
        return false;
    *ret_value = slot->value;
    return ++slot->asked % slot->every == 0;
}

static void link_fault_one(struct link *link, int32_t device, enum link_fault fault,
                           const struct link_fault_slot *slot)
{
    const struct link_conf_device *conf = &link->conf->devices[device];

    *link_fault_slot(link, device, fault) = *slot;
    link->faults.active[device] |= UINT32_C(1) << fault;
    if (fault == LINK_STALE) {
        int32_t end =
            device + 1 < link->conf->core.device_count ? conf[1].first_point : link->conf->core.point_count;

        for (int32_t p = conf->first_point; p < end; p++)
            link->faults.frozen[p] = NAN;
    }
    if (fault == LINK_MEDDLER) {
        link->faults.meddle_us[device] =
            link->now_us + 1 + (int64_t)(rng_exponential(&link->rng, slot->value) * LINK_US_PER_S);
        link->faults.next_meddle_us =
            link_earlier(link->faults.next_meddle_us, link->faults.meddle_us[device]);
        *link_later_due(link) = link_earlier(*link_later_due(link), link->faults.next_meddle_us);
        link->next_us = link_earlier(link->next_us, *link_later_due(link));
    }
}

void link_fault(struct link *link, int32_t device, enum link_fault fault, double value, int64_t until_us,
                int32_t every)
{
    const struct link_conf *conf = link->conf;
    struct link_fault_slot slot = { .value = value, .until_us = until_us, .every = every > 1 ? every : 1 };

    CHECK(fault >= 0 && fault < LINK_FAULT_COUNT);
    CHECK(device >= CORE_NONE && device < conf->core.device_count);
    if (!(value > 0.0))
        slot.value = fault == LINK_LIE && value >= 0.0 ? 0.0 : link_fault_words[fault].value;
    link->faults.any = true;
    for (int32_t d = 0; d < conf->core.device_count; d++) {
        bool line = device != CORE_NONE && fault == LINK_DEAD && conf->devices[device].shelf != CORE_NONE &&
                    conf->devices[d].shelf == conf->devices[device].shelf;

        if (device == CORE_NONE || device == d || line)
            link_fault_one(link, d, fault, &slot);
    }
}

void link_clear(struct link *link)
{
    memset(link->faults.active, 0, (size_t)link->conf->core.device_count * sizeof *link->faults.active);
    link->faults.any = false;
    link->faults.next_meddle_us = LINK_NEVER;
}

/* ---- transactions ---- */

struct link_fate link_fault_fate(struct link *link, int32_t device, bool write, struct rng *rng)
{
    struct link_fate fate = { .executes = true, .answered = true, .slower = 1.0 };
    double value;

    if (!link->faults.any || link->faults.active[device] == 0)
        return fate;
    if (link_fault_hit(link, device, LINK_STORM, &value)) {
        fate.slower = LINK_FAULT_STORM_SLOWER;
        fate.refused = link_fault_slot(link, device, LINK_STORM)->asked % 2 == 0;
        fate.executes = !fate.refused;
    }
    if (link_fault_hit(link, device, LINK_LATE, &value))
        fate.more_us = (int64_t)(rng_uniform(rng, 0.0, value) * LINK_US_PER_S);
    if (write && link_fault_hit(link, device, LINK_IGNORE, &value))
        fate.executes = false;
    if (write && link_fault_hit(link, device, LINK_LATE_WRITE, &value)) {
        fate.late_s = rng_uniform(rng, 0.0, value);
        fate.executes = fate.answered = false;
    }
    if (link_fault_hit(link, device, LINK_LOSS, &value) && rng_uniform(rng, 0.0, 1.0) < value) {
        fate.answered = false; /* the answer is lost, or the question was */
        fate.executes = fate.executes && rng_uniform(rng, 0.0, 1.0) < 0.5;
    }
    if (link_fault_hit(link, device, LINK_DEAD, &value)) {
        fate.executes = fate.answered = false;
        fate.late_s = 0.0;
    }
    return fate;
}

/* Settings show what they are; of what is measured, power lies and all may stand still. */
double link_fault_value(struct link *link, int32_t point, double value)
{
    const struct core_config_point *conf = &link->conf->points[point];
    enum signal signal = conf->signal;
    double factor;

    if (!link->faults.any || link->faults.active[conf->device] == 0 ||
        signal == SIGNAL_PSU_OUTPUT_SETPOINT_V || signal == SIGNAL_PSU_START_DELAY_S ||
        signal == SIGNAL_BBU_CHARGE_LIMIT_A || signal == SIGNAL_GPU_POWER_LIMIT_W)
        return value;
    if ((signal == SIGNAL_PSU_INPUT_W || signal == SIGNAL_PSU_OUTPUT_W || signal == SIGNAL_GPU_POWER_W) &&
        link_fault_hit(link, conf->device, LINK_LIE, &factor))
        value *= factor;
    if (link_fault_hit(link, conf->device, LINK_STALE, &factor)) {
        if (isnan(link->faults.frozen[point]))
            link->faults.frozen[point] = value;
        value = link->faults.frozen[point];
    }
    return value;
}

/* ---- somebody else ---- */

static void link_fault_meddle_with(struct link *link, int32_t device)
{
    const struct link_conf_device *conf = &link->conf->devices[device];
    const struct link_conf_lever *lever =
        &link->conf
             ->lever_of[conf->first_lever + (int32_t)(rng_u64(&link->rng) % (uint64_t)conf->lever_count)];
    double part = rng_uniform(&link->rng, 0.6, 1.0);
    struct plant *plant = link->plant;

    if (lever->kind == LINK_LEVER_LIMIT) {
        double limit_w = floor(plant->gpus[lever->index].limit_w * part);

        plant_gpu_set_limit(plant, lever->index, fmax(limit_w, plant->gpus[lever->index].limit_min_w));
    } else if (lever->kind == LINK_LEVER_CHARGE && plant->bbus[lever->index].override_on) {
        plant->bbus[lever->index].override_a *= part;
    }
}

void link_fault_meddle(struct link *link, int64_t now_us)
{
    struct link_faults *faults = &link->faults;

    if (faults->next_meddle_us > now_us)
        return;
    faults->next_meddle_us = LINK_NEVER;
    for (int32_t d = 0; d < link->conf->core.device_count; d++) {
        double mean_s;

        if (!link_fault_is(link, d, LINK_MEDDLER))
            continue;
        if (faults->meddle_us[d] <= now_us) {
            if (link_fault_hit(link, d, LINK_MEDDLER, &mean_s))
                link_fault_meddle_with(link, d);
            faults->meddle_us[d] =
                now_us + 1 + (int64_t)(rng_exponential(&link->rng, mean_s) * LINK_US_PER_S);
        }
        faults->next_meddle_us = link_earlier(faults->next_meddle_us, faults->meddle_us[d]);
    }
}
