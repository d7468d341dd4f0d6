/* SPDX-License-Identifier: Apache-2.0 */
/* allocate.c: divides every budget, fairly, between the LIMIT levers below it.
 *
 * First everybody's minimum; then what is expected to be drawn, priority by
 * priority; then what is left, up to everybody's maximum, so that no cap is low
 * unless somebody else needs the watts. Each stage is weighted max-min fair
 * over all nodes and groups at once (fill.c). A lever whose device is stale
 * stands: what it counts for is taken off first.
 *
 * The result depends on `inputs` and `row_budget` alone; while those stay the
 * same the last result stands.
 */
#include "allocate.h"

#include "curve.h"
#include "fill.h"
#include "lever.h"
#include "outputs.h"
#include "quality.h"
#include "zone.h"

#include <string.h>

#define ALLOCATE_ROUNDING 1e-9 /* of a step: this close below it is the next one  */

double allocate_round(const struct core_config_lever *conf, double value)
{
    if (conf->step > 0.0)
        value = __builtin_floor(value / conf->step + ALLOCATE_ROUNDING) * conf->step;
    if (value < conf->min)
        value = conf->step > 0.0 ? __builtin_ceil(conf->min / conf->step - ALLOCATE_ROUNDING) * conf->step
                                 : conf->min;
    return value > conf->max ? conf->max : value;
}

/* The record behind a change of the inputs: the last one that arrived. */
struct allocate_news {
    bool changed, known;
    struct core_cause cause;
};

static void allocate_heard(struct allocate_news *news, int64_t taken_us, int64_t arrived_us)
{
    if (news->known && news->cause.arrived_us > arrived_us)
        return;
    news->known = true;
    block_cause(&news->cause, CORE_CAUSE_READING, taken_us, arrived_us);
}

static bool allocate_differs(const struct allocate_in *a, const struct allocate_in *b)
{
    return a->device_min < b->device_min || a->device_min > b->device_min || a->plan_min < b->plan_min ||
           a->plan_min > b->plan_min || a->demand < b->demand || a->demand > b->demand || a->max < b->max ||
           a->max > b->max || a->weight < b->weight || a->weight > b->weight || a->priority != b->priority ||
           a->fixed != b->fixed || a->rule != b->rule || a->node != b->node || a->token != b->token;
}

static void allocate_input(struct block *b, int32_t l, struct allocate_news *news)
{
    const struct core_config_lever *conf = &b->levers_conf[l];
    const struct core_plan_lever *plan = &b->plan_levers[l];
    const struct lever *lever = &b->levers[l];
    double min = conf->min, max = plan->max < conf->max ? plan->max : conf->max;
    int32_t over = curve_over(b, l);
    struct allocate_in in;

    memset(&in, 0, sizeof in);
    in.rule = max < conf->max ? CORE_RULE_PLAN_MAX : CORE_RULE_DEVICE_MAX;
    in.node = CORE_NONE;
    if ((b->core->base_all || over != CORE_NONE) && conf->base < max) {
        max = conf->base;
        in.rule = over != CORE_NONE ? CORE_RULE_PROTECTION : CORE_RULE_BASE;
        in.node = over;
    } else if (b->core->ride.shed && conf->base < max) {
        max = conf->base; /* the batteries' energy runs out */
        in.rule = CORE_RULE_RIDE;
    }
    if (!(max > conf->min)) {
        max = conf->min;
        in.rule = CORE_RULE_DEVICE_MIN;
    }
    if (conf->timeout_us > 0 && conf->fallback > min) /* it counts for that anyhow */
        min = conf->fallback;
    if (max < min)
        max = min;
    in.device_min = min * conf->watts_per_unit;
    in.plan_min = (plan->min > min ? plan->min : min) * conf->watts_per_unit;
    in.max = max * conf->watts_per_unit;
    in.token = b->promises[l] > in.plan_min;
    in.plan_min = in.token ? b->promises[l] : in.plan_min;
    in.plan_min = in.plan_min < in.max ? in.plan_min : in.max;
    in.demand = lever->demand_held_w > in.plan_min ? lever->demand_held_w : in.plan_min;
    in.demand = in.demand < in.max ? in.demand : in.max;
    in.weight = plan->weight;
    in.priority = plan->priority;
    in.fixed = b->devices[conf->device].quality == CORE_DEVICE_STALE;
    if (!allocate_differs(&in, &b->inputs[l]))
        return;
    news->changed = true;
    b->inputs[l] = in;
    if (conf->demand_point != CORE_NONE && quality_new(b, conf->demand_point))
        allocate_heard(news, b->points[conf->demand_point].taken_us,
                       b->points[conf->demand_point].arrived_us);
}

/* Watts that a source takes whatever allocation does; *ret_standing_w of them
 * would stand alone. */
static double allocate_taken(const struct block *b, int32_t s, double *ret_standing_w)
{
    const struct source *source = &b->sources[s];
    const struct core_config_lever *conf = &b->levers_conf[s];

    *ret_standing_w = source->standing_w;
    if (s >= b->core->lever_count || conf->use != CORE_LEVER_CHARGE ||
        !block_is_number(b->levers[s].wanted) || b->devices[conf->device].quality == CORE_DEVICE_STALE)
        return source->now_w;

    double value = b->levers[s].wanted;

    if (conf->timeout_us > 0)
        value = value > conf->fallback ? value : conf->fallback;
    else
        *ret_standing_w = value * block_unit_w(conf);
    return value * block_unit_w(conf);
}

/* The devices' own minimums below a zone. */
static double allocate_least_w(const struct block *b, const struct zone *zone)
{
    const struct entry *entry = &b->entries[zone->entry_first];
    double least_w = 0.0;

    for (int32_t e = 0; e < zone->entry_count; e++)
        if (fill_moves(b, entry[e].source))
            least_w += fill_coef(b, &entry[e]) * b->inputs[entry[e].source].device_min;
    return least_w;
}

static void allocate_row(struct block *b, int32_t z, const double *taken_w, const double *taken_standing_w,
                         struct allocate_news *news)
{
    const struct zone *zone = &b->zones[z];
    double left_w = __builtin_inf();

    if (block_is_number(zone->standing_w)) {
        double now_left_w = zone->budget_w - zone_sum(b, zone, zone->fixed_w, taken_w);
        double standing_left_w = zone->standing_w - zone_sum(b, zone, zone->fixed_w, taken_standing_w);
        double cut_w = (1.0 - zone->trim) * zone->budget_w;

        left_w = now_left_w < standing_left_w ? now_left_w : standing_left_w;
        if (cut_w > 0.0) { /* never under the minimums */
            double least_w = allocate_least_w(b, zone);

            if (left_w > least_w)
                left_w = left_w - cut_w > least_w ? left_w - cut_w : least_w;
        }
    }
    if (!(left_w < b->row_budget[z] || left_w > b->row_budget[z]))
        return;
    b->row_budget[z] = left_w;
    news->changed = true;
    if (zone->news_step == b->core->step)
        allocate_heard(news, zone->news_taken_us, zone->news_arrived_us);
}

static bool allocate_inputs(struct block *b, struct allocate_news *news)
{
    int32_t sources = b->core->lever_count + b->core->loose_count;
    double *taken_w = b->scratch, *taken_standing_w = b->scratch + sources;

    if (!b->core->allocated)
        news->changed = true;
    for (int32_t l = 0; l < b->core->lever_count; l++)
        if (b->levers_conf[l].use == CORE_LEVER_LIMIT) {
            allocate_input(b, l, news);
            b->vars[l].moves = !b->inputs[l].fixed;
        }
    for (int32_t s = 0; s < sources; s++) {
        taken_w[s] = taken_standing_w[s] = 0.0;
        if (!fill_moves(b, s))
            taken_w[s] = allocate_taken(b, s, &taken_standing_w[s]);
    }
    for (int32_t z = 0; z < b->core->zone_count; z++)
        allocate_row(b, z, taken_w, taken_standing_w, news);
    b->core->allocated = 1;
    return news->changed;
}

/* ---- minimums ---- */

/* Slack with every var at x; the zone that lacks most, or CORE_NONE. */
static int32_t allocate_slack(struct block *b)
{
    int32_t worst = CORE_NONE;

    for (int32_t z = 0; z < b->core->zone_count; z++) {
        const struct entry *entry = &b->entries[b->zones[z].entry_first];
        struct fill_row *row = &b->rows[z];

        row->slack_w = b->row_budget[z];
        if (!block_is_number(row->slack_w))
            continue;
        for (int32_t e = 0; e < b->zones[z].entry_count; e++)
            if (fill_moves(b, entry[e].source))
                row->slack_w -= fill_coef(b, &entry[e]) * b->vars[entry[e].source].x;
        if (row->slack_w < -BLOCK_SUM_SLACK_W &&
            (worst == CORE_NONE || row->slack_w < b->rows[worst].slack_w))
            worst = z;
    }
    return worst;
}

static void allocate_shed(struct block *b, int32_t priority)
{
    for (int32_t l = 0; l < b->core->lever_count; l++) {
        const struct entry *entry;

        if (!fill_moves(b, l) || b->inputs[l].priority != priority)
            continue;
        for (int32_t k = 0; (entry = zone_path(b, l, k)); k++)
            if (b->rows[entry->zone].slack_w < -BLOCK_SUM_SLACK_W)
                b->vars[l].x = b->inputs[l].device_min;
    }
}

/* The lowest priority loses its wanted minimum first; the devices' own stay. */
static void allocate_minimums(struct block *b)
{
    bool was = b->core->infeasible;
    int32_t worst;

    for (int32_t l = 0; l < b->core->lever_count; l++)
        if (fill_moves(b, l)) {
            b->vars[l].x = b->inputs[l].plan_min;
            b->vars[l].weight = b->inputs[l].weight;
            b->vars[l].row = FILL_STAYS;
        }
    worst = allocate_slack(b);
    for (int32_t priority = 0; worst != CORE_NONE && priority < CORE_PRIORITIES; priority++) {
        allocate_shed(b, priority);
        worst = allocate_slack(b);
    }
    b->core->infeasible = worst != CORE_NONE;
    if (b->core->infeasible && !was)
        outputs_zone_event(b, EV_INFEASIBLE, worst, b->zones[worst].standing_w - b->rows[worst].slack_w,
                           b->zones[worst].standing_w);
    else if (was && !b->core->infeasible)
        outputs_zone_event(b, EV_FEASIBLE, CORE_NONE, 0.0, 0.0);
    for (int32_t z = 0; z < b->core->zone_count; z++)
        if (b->rows[z].slack_w < 0.0)
            b->rows[z].slack_w = 0.0;
}

/* ---- stages ---- */

static void allocate_demands(struct block *b, int32_t priority)
{
    bool any = false;

    for (int32_t l = 0; l < b->core->lever_count; l++) {
        if (!fill_moves(b, l))
            continue;

        struct fill_var *var = &b->vars[l];

        var->lo = var->hi = var->x;
        if (b->inputs[l].priority == priority && b->inputs[l].demand > var->x) {
            var->hi = b->inputs[l].demand;
            any = true;
        }
    }
    if (any)
        fill_run(b);
}

static void allocate_rest(struct block *b)
{
    for (int32_t l = 0; l < b->core->lever_count; l++)
        if (fill_moves(b, l)) {
            b->vars[l].lo = b->vars[l].x;
            b->vars[l].hi = b->inputs[l].max > b->vars[l].x ? b->inputs[l].max : b->vars[l].x;
        }
    fill_run(b);
}

/* ---- results ---- */

static void allocate_why(struct block *b, int32_t l)
{
    const struct fill_var *var = &b->vars[l];
    const struct allocate_in *in = &b->inputs[l];
    struct core_why *why = &b->levers[l].why;
    int32_t group = var->row - b->core->node_count;

    if (var->row < 0) {
        block_why(why, in->rule, in->node, 0, in->max);
        return;
    }

    const struct zone *zone = &b->zones[var->row];
    bool wanted_min = var->x > in->device_min;

    if (var->x <= in->plan_min)
        block_why(why,
                  !wanted_min ? CORE_RULE_DEVICE_MIN
                  : in->token ? CORE_RULE_TOKEN
                              : CORE_RULE_PLAN_MIN,
                  group < 0 ? var->row : CORE_NONE, zone->bound_window_us, zone->bound_w);
    else if (zone->trim < 1.0 && group < 0)
        block_why(why, CORE_RULE_BAND, var->row, zone->bound_window_us, zone->bound_w * zone->trim);
    else if (zone->capable && group < 0)
        block_why(why, b->core->ride.lean_w <= zone->bound_w ? CORE_RULE_RIDE : CORE_RULE_CAPABLE, var->row,
                  0, zone->bound_w);
    else
        block_why(why, group < 0 ? CORE_RULE_LIMIT : CORE_RULE_GROUP, group < 0 ? var->row : group,
                  zone->bound_window_us, zone->bound_w);
}

/* Every step, solved anew or not: what is left of the last step must not tell. */
static void allocate_result(struct block *b, int32_t l, const struct allocate_news *news)
{
    const struct core_config_lever *conf = &b->levers_conf[l];
    struct lever *lever = &b->levers[l];
    double wanted = lever->wanted;

    if (!fill_moves(b, l)) {
        lever->wanted = lever_counted(b, l);
        block_why(&lever->why, CORE_RULE_IN_FLIGHT, CORE_NONE, 0, lever->wanted * conf->watts_per_unit);
        return;
    }
    lever->wanted = allocate_round(conf, b->vars[l].x / conf->watts_per_unit);
    allocate_why(b, l);
    if (lever->wanted <= wanted && lever->wanted >= wanted)
        return;
    if (b->core->plan_step == b->core->step)
        lever_due(b, l, CORE_CAUSE_PLAN, b->core->now_us, b->core->now_us);
    else if (news->known)
        lever_due(b, l, news->cause.kind, news->cause.taken_us, news->cause.arrived_us);
}

static void allocate_solve(struct block *b)
{
    allocate_minimums(b);
    for (int32_t priority = CORE_PRIORITIES - 1; priority >= 0; priority--)
        allocate_demands(b, priority);
    allocate_rest(b);
}

void allocate_step(struct block *b)
{
    struct allocate_news news = { .changed = false };

    if (allocate_inputs(b, &news))
        allocate_solve(b);
    for (int32_t l = 0; l < b->core->lever_count; l++)
        if (b->levers_conf[l].use == CORE_LEVER_LIMIT)
            allocate_result(b, l, &news);
}
