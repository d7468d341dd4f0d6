/* SPDX-License-Identifier: Apache-2.0 */
/* checks.c: the judges' bench: who looks when, and what is kept of it.
 *
 * Owns struct checks, one heap block and its windows. One thread, the plant's.
 * Reads plant and outputs; changes neither, and calls nothing of src/core.
 */
#include "checks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "busbar/check.h"
#include "checks_parts.h"

#define CHECKS_SLOW_US  1000 /* settings change once a control period at most, and that is no shorter */
#define CHECKS_US_PER_S 1e6

struct checks_row {
    const char *name, *unit, *text;
};

#define CHECKS_ROW(kind, id, in, must) [kind] = { .name = id, .unit = in, .text = must },
static const struct checks_row checks_rows[CHECKS_COUNT] = { CHECKS_LIST(CHECKS_ROW) };

static void checks_copy_lever(struct checks *c, const struct core_config_lever *from, int32_t charge)
{
    struct checks_lever *lever = &c->lever[c->lever_count++];

    *lever = (struct checks_lever){
        .use = from->use,
        .index = from->use == CORE_LEVER_LIMIT ? c->gpu_levers : charge,
        .min = from->min,
        .max = from->max,
        .delay_us = from->delay_worst_us,
        .timeout_us = from->timeout_us,
    };
    if (from->use == CORE_LEVER_LIMIT)
        c->gpu_levers++;
}

/* Of the way up to a root that loses most. Parents stand before their children. */
static double checks_loss_ratio(const struct core_config *config, int32_t node)
{
    double factor = 1.0;

    while (node >= 0 && node < config->node_count) {
        const struct core_config_node *at = &config->nodes[node];
        int32_t parent = CORE_NONE;

        for (int32_t k = 0; k < at->parent_count; k++)
            if (parent == CORE_NONE ||
                config->nodes[at->parent[k]].loss_ratio > config->nodes[parent].loss_ratio)
                parent = at->parent[k];
        factor *= 1.0 + at->loss_ratio;
        node = parent;
    }
    return factor - 1.0;
}

/* The levers of GPUs and of batteries stand in the plant's order. */
static void checks_copy_config(struct checks *c, const struct core_config *config)
{
    int64_t delay_us = 0, stale_us = 0;
    int32_t charge = 0;

    CHECK(config->lever_count <= CHECKS_LEVERS_MAX);
    c->control = true;
    for (int32_t l = 0; l < config->lever_count; l++) {
        const struct core_config_lever *from = &config->levers[l];

        checks_copy_lever(c, from, charge);
        if (from->use == CORE_LEVER_CHARGE && charge < c->plant->bbu_count) {
            c->bbu[charge].volts = from->watts_per_unit;
            c->bbu[charge++].fallback_w = from->fallback * from->watts_per_unit;
        }
        if (from->use != CORE_LEVER_LIMIT)
            continue;
        c->loss_ratio = fmax(c->loss_ratio, checks_loss_ratio(config, from->node));
        if (from->delay_worst_us > delay_us)
            delay_us = from->delay_worst_us;
        if (from->readback_point >= 0 && config->points[from->readback_point].stale_after_us > stale_us)
            stale_us = config->points[from->readback_point].stale_after_us;
    }
    CHECK(c->gpu_levers == 0 || c->gpu_levers == c->plant->gpu_count);
    /* a write that is under way may have to fail before the next one can begin */
    c->grace_us = 2 * delay_us + 2 * config->period_us;
    c->lands_us = delay_us + 2 * config->period_us; /* what it had not sent died with it */
    c->foreign_us = c->grace_us + stale_us;
}

enum status checks_new(const struct checks_options *opt, struct checks **ret)
{
    struct checks *c = calloc(1, sizeof *c);
    enum status st = ST_NOMEM;

    if (!c)
        return st;
    CHECK(opt->window_count >= 0 && opt->window_count <= CHECKS_RACK_WINDOWS_MAX);
    c->plant = opt->plant;
    c->bus_j = 0.5 * opt->plant->params.bus_capacitance_f * opt->plant->bus_v * opt->plant->bus_v;
    c->opt = *opt;
    c->start_us = opt->plant->now_us;
    c->slow_us = CHECKS_SLOW_US; /* the first step is looked at whole */
    for (int k = 0; k < CHECKS_COUNT; k++)
        c->mark[k].margin = INFINITY;
    if (opt->config)
        checks_copy_config(c, opt->config);
    st = checks_power_init(c);
    if (st != ST_OK)
        goto fail;
    checks_orders_init(c);
    checks_settings_init(c);
    checks_calm_init(c);
    checks_battery_init(c);
    checks_original_init(c, opt->first ? opt->first : opt->plant);
    checks_views_init(c, opt->config);
    *ret = c;
    return ST_OK;
fail:
    checks_free(c);
    return st;
}

struct checks *checks_free(struct checks *checks)
{
    if (checks)
        checks_power_done(checks);
    free(checks);
    return NULL;
}

double checks_input_ratio(const struct plant *plant)
{
    return plant->nominal_v > 0.0 ? plant->ac_v / plant->nominal_v : 1.0;
}

void checks_note(struct checks *c, enum checks_kind kind, const struct checks_seen *seen)
{
    struct checks_mark *mark = &c->mark[kind];
    bool first = !mark->looked, fails = !seen->ok && !mark->failed;

    if (c->beyond)
        return;
    mark->looked = true;
    mark->looks++;
    if (first || seen->margin < mark->margin) {
        mark->value = seen->value;
        mark->limit = seen->limit;
        mark->margin = seen->margin;
        if (!mark->failed) {
            mark->at_us = c->now_us;
            mark->about = seen->about;
        }
    }
    if (fails) {
        mark->failed = true;
        mark->at_us = c->now_us;
        mark->about = seen->about;
    }
}

static void checks_step(void *arg, const struct plant *plant, int64_t dt_us)
{
    struct checks *c = arg;
    int64_t slow_us;

    c->now_us = plant->now_us - c->start_us;
    checks_power_step(c, plant, dt_us);
    c->slow_us += dt_us;
    if (c->slow_us < CHECKS_SLOW_US)
        return;
    slow_us = c->slow_us;
    c->slow_us = 0;
    checks_orders_step(c, plant);
    checks_original_step(c, plant);
    checks_views_step(c, plant);
    checks_settings_step(c, plant, (double)slow_us / CHECKS_US_PER_S);
    checks_battery_step(c, plant);
    checks_calm_step(c, plant);
    checks_power_slow(c);
}

struct plant_watch checks_watch(struct checks *checks)
{
    return (struct plant_watch){ .step = checks_step, .arg = checks };
}

void checks_core(struct checks *checks, const struct core_outputs *out)
{
    if (!out) {
        if (!checks->dead)
            checks->dead_us = checks->now_us;
        checks->dead = true;
        checks_views_dead(checks);
        return;
    }
    checks->dead = false;
    checks_orders_core(checks, out);
    checks_calm_plan(checks, out->plan_version);
    checks_views_core(checks, out);
}

void checks_armed(struct checks *checks, double envelope_w)
{
    checks->envelope_w = envelope_w;
    checks_power_armed(checks, envelope_w);
    if (!checks->armed)
        checks->envelope = (struct checks_bound){ .limit_w = envelope_w, .asked_w = envelope_w };
    else
        checks_bound_set(checks, &checks->envelope, envelope_w, 0);
    checks->armed = true;
}

void checks_ended(struct checks *checks, double envelope_w)
{
    checks->envelope_w = envelope_w;
    checks->envelope = (struct checks_bound){ .limit_w = envelope_w, .asked_w = envelope_w };
    for (int32_t i = 0; i < checks->rack_window_count; i++) {
        struct checks_window *at = &checks->window[i];
        struct window_result now;

        window_result(at->window, &now); /* a mean still holds what was lent */
        at->bound.asked_w = envelope_w;
        at->bound.due_us = checks->now_us + now.window_us;
    }
}

/* ---- results ---- */

static void checks_name(const struct checks *c, const struct checks_about *about, char *ret, size_t size)
{
    const struct plant *plant = c->plant;
    int32_t i = about->index, shelf, slot = 0;

    ret[0] = '\0';
    switch (about->part) {
    case CHECKS_PSU:
    case CHECKS_BBU:
        shelf = about->part == CHECKS_PSU ? plant->psus[i].shelf : plant->bbus[i].shelf;
        slot = i - (about->part == CHECKS_PSU ? plant->shelves[shelf].psu_first
                                              : plant->shelves[shelf].bbu_first);
        (void)snprintf(ret, size, "%s-%d-%d: ", about->part == CHECKS_PSU ? "psu" : "bbu", shelf + 1,
                       slot + 1);
        return;
    case CHECKS_GPU:
        while (i - slot > 0 && plant->gpus[i - slot - 1].node == plant->gpus[i].node)
            slot++;
        (void)snprintf(ret, size, "gpu-%d-%d: ", plant->gpus[i].node + 1, slot + 1);
        return;
    case CHECKS_LEVER:
        (void)snprintf(ret, size, "lever %d: ", i);
        return;
    case CHECKS_NODE:
        (void)snprintf(ret, size, "node %d: ", i);
        return;
    case CHECKS_PHASE:
        (void)snprintf(ret, size, "phase %c: ", 'A' + i);
        return;
    case CHECKS_NOTHING:
        return;
    }
}

static void checks_sentence(const struct checks *c, const struct checks_about *about, char *ret, size_t size)
{
    char name[32];

    checks_name(c, about, name, sizeof name);
    if (!about->what)
        ret[0] = '\0';
    else if (isnan(about->number))
        (void)snprintf(ret, size, "%s%s", name, about->what);
    else
        (void)snprintf(ret, size, "%s%s %.6g", name, about->what, about->number);
}

void checks_result(const struct checks *checks, enum checks_kind kind, struct checks_result *ret)
{
    const struct checks_mark *mark = &checks->mark[kind];
    const struct checks_row *row = &checks_rows[kind];

    *ret = (struct checks_result){
        .name = row->name,
        .unit = row->unit,
        .text = row->text,
        .ok = !mark->failed,
        .looked = mark->looked,
        .looks = mark->looks,
        .value = mark->value,
        .limit = mark->limit,
        .margin = mark->margin,
        .at_s = (double)mark->at_us / CHECKS_US_PER_S,
    };
    checks_sentence(checks, &mark->about, ret->detail, sizeof ret->detail);
    if (kind == CHECKS_LIMITS)
        checks_limits_result(checks, ret);
}

bool checks_beyond(const struct checks *checks)
{
    return checks->beyond;
}

bool checks_ok(const struct checks *checks)
{
    bool ok = checks_limits_ok(checks);

    for (int k = 0; k < CHECKS_COUNT; k++)
        ok = ok && !checks->mark[k].failed;
    return ok;
}
