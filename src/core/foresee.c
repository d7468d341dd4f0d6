/* SPDX-License-Identifier: Apache-2.0 */
/* foresee.c: forecasters in the core's block: who takes which reading, who may be
 * listened to.
 *
 * Owns foresees[] and the forecasters behind them (fc.h): the rack's first, then
 * one a LIMIT lever whose leaf is measured. A leaf's forecaster is moved only by a
 * new reading, a few leaves a step, so that a BMC's report of all of them does not
 * make one step long. A forecaster whose bounds do not hold as often as they say
 * loses its vote and begins anew, and must be right for longer before the next.
 * Without a vote forecast.c does what it does without forecasters. Never moves a
 * limit, a lease or a band.
 */
#include "foresee.h"

#include "busbar/fc.h"
#include "outputs.h"
#include "quality.h"
#include "zone.h"

#include <string.h>

#define FORESEE_LEAF_GRID_US    INT64_C(1000000)
#define FORESEE_LEAF_HORIZON_US INT64_C(10000000) /* a cap that is moved now is in force by then   */
#define FORESEE_LEAF_EVENT_W    100.0
#define FORESEE_RACK_GRID_US    INT64_C(100000)
#define FORESEE_RACK_HORIZON_US INT64_C(5000000) /* charging that is stopped now is off by then    */
#define FORESEE_RACK_EVENT_W    2000.0
#define FORESEE_LEAVES_A_STEP   2
#define FORESEE_HINTS_A_STEP    16   /* more are somebody's mistake, or worse                       */
#define FORESEE_SOON            0.75 /* of the grid: a reading that comes sooner is left out        */
#define FORESEE_GAP             12   /* slots without a reading: what is in between is not made up  */
#define FORESEE_NEED            30   /* readings                                                    */
#define FORESEE_FIRST           10   /* what was said before that is not judged                     */
#define FORESEE_NEED_MOST       (16 * FORESEE_NEED)
#define FORESEE_NEW             0.85 /* share of judged forecasts that held, of one without a past  */
#define FORESEE_LOST            0.70 /* that costs the vote...                                      */
#define FORESEE_BACK            0.87 /* ...and that it takes                                        */
#define FORESEE_HELD            0.05 /* of that share, a judgement                                  */
#define FORESEE_ERROR           0.1  /* of the mean error, a judgement                              */

_Static_assert((int)FC_LEVELS == CORE_FORECAST_LEVELS, "views carry every level");
_Static_assert((int)CORE_MARK_STEP == (int)FC_MARK_STEP && (int)CORE_MARK_RUNNING == (int)FC_MARK_RUNNING &&
                   (int)CORE_MARK_WILL == (int)FC_MARKS,
               "marks are the same words");

static void foresee_options(bool rack, struct fc_options *ret)
{
    *ret = (struct fc_options){
        .kind = rack ? FC_RACK : FC_GPU,
        .grid_us = rack ? FORESEE_RACK_GRID_US : FORESEE_LEAF_GRID_US,
        .horizon_count = 1,
        .horizon_us = { rack ? FORESEE_RACK_HORIZON_US : FORESEE_LEAF_HORIZON_US },
        .event_w = rack ? FORESEE_RACK_EVENT_W : FORESEE_LEAF_EVENT_W,
    };
}

static size_t foresee_size(bool rack)
{
    struct fc_options opt;

    foresee_options(rack, &opt);
    return fc_size(&opt);
}

static struct fc *foresee_fc(const struct block *b, int32_t f)
{
    size_t at = f == 0 ? 0 : foresee_size(true) + (size_t)(f - 1) * foresee_size(false);

    return (struct fc *)(void *)(b->fcs + at);
}

static bool foresee_has(const struct core_config_lever *conf)
{
    return conf->use == CORE_LEVER_LIMIT && conf->demand_point != CORE_NONE;
}

int32_t foresee_count(const struct core_config *config)
{
    int32_t count = 1;

    if (config->forecast == CORE_FORECAST_OFF || config->node_count == 0)
        return 0;
    for (int32_t l = 0; l < config->lever_count; l++)
        count += foresee_has(&config->levers[l]);
    return count;
}

size_t foresee_bytes(int32_t count)
{
    return count > 0 ? foresee_size(true) + (size_t)(count - 1) * foresee_size(false) : 0;
}

/* ---- beginning ---- */

static void foresee_unknown(struct foresee *f)
{
    f->expected_w = f->peak_w = __builtin_nan("");
    for (int32_t k = 0; k < CORE_FORECAST_LEVELS; k++)
        f->upper_w[k] = f->coverage[k] = __builtin_nan("");
    f->due_us = INT64_MIN;
    f->held = FORESEE_NEW;
    f->votes = 0;
    f->readings = 0;
    f->period_us = 0;
}

static void foresee_begin(struct block *b, int32_t f)
{
    struct fc_options opt;

    foresee_options(f == 0, &opt);
    fc_init(foresee_fc(b, f), &opt);
    foresee_unknown(&b->foresees[f]);
}

/* The rack, or whatever stands at the top. */
static int32_t foresee_rack(const struct block *b)
{
    for (int32_t n = 0; n < b->core->node_count; n++)
        if (b->nodes[n].kind == CORE_NODE_RACK)
            return n;
    return 0;
}

static void foresee_one(struct block *b, int32_t f, int32_t lever, int32_t node)
{
    struct foresee *one = &b->foresees[f];

    one->lever = lever;
    one->node = node;
    one->need = FORESEE_NEED;
    one->taken_us = INT64_MIN;
    one->error_w = __builtin_nan("");
    one->horizon_us = f == 0 ? FORESEE_RACK_HORIZON_US : FORESEE_LEAF_HORIZON_US;
    foresee_begin(b, f);
}

void foresee_init(struct block *b)
{
    int32_t at = 1;

    if (b->core->foresee_count == 0)
        return;
    foresee_one(b, 0, CORE_NONE, foresee_rack(b));
    for (int32_t l = 0; l < b->core->lever_count; l++) {
        b->foresee_of[l] = CORE_NONE;
        if (!foresee_has(&b->levers_conf[l]))
            continue;
        b->foresee_of[l] = at;
        foresee_one(b, at++, l, b->levers_conf[l].node);
    }
    CHECK(at == b->core->foresee_count);
}

static void foresee_take_over(struct block *b, int32_t f, const struct block *from, int32_t old)
{
    int32_t lever = b->foresees[f].lever, node = b->foresees[f].node;

    memcpy(foresee_fc(b, f), foresee_fc(from, old), foresee_size(f == 0));
    memcpy(&b->foresees[f], &from->foresees[old], sizeof b->foresees[f]);
    b->foresees[f].lever = lever;
    b->foresees[f].node = node;
}

void foresee_adopt(struct block *b, const struct block *from, const struct core_map *map)
{
    if (b->core->foresee_count == 0 || from->core->foresee_count == 0)
        return;
    if (map->node[b->foresees[0].node] == from->foresees[0].node)
        foresee_take_over(b, 0, from, 0);
    for (int32_t l = 0; l < b->core->lever_count; l++) {
        int32_t old = map->lever[l] == CORE_NONE ? CORE_NONE : from->foresee_of[map->lever[l]];

        if (b->foresee_of[l] != CORE_NONE && old != CORE_NONE)
            foresee_take_over(b, b->foresee_of[l], from, old);
    }
}

/* ---- a vote ---- */

static void foresee_event(struct block *b, const struct foresee *f, enum ev event, double held)
{
    if (f->lever != CORE_NONE)
        outputs_lever_event(b, event, f->lever, held, FORESEE_LOST);
    else
        outputs_zone_event(b, event, f->node, held, FORESEE_LOST);
}

/* Judged are forecasts that do not overlap: one edge that nothing announced makes all
 * that were made within a horizon miss, and counts once. */
static void foresee_vote(struct block *b, int32_t at, bool stuck)
{
    struct foresee *f = &b->foresees[at];

    if (f->held < FORESEE_LOST) {
        if (f->votes)
            foresee_event(b, f, EV_FORECAST_LOST, f->held);
        f->told |= f->votes;
        f->resets++;
        f->need = 2 * f->need < FORESEE_NEED_MOST ? 2 * f->need : FORESEE_NEED_MOST;
        foresee_begin(b, at);
        return;
    }
    /* A stuck sensor says nothing of what will be; it costs the vote alone. */
    if (stuck) {
        f->votes = 0;
    } else if (!f->votes && f->readings >= (uint64_t)f->need && f->held >= FORESEE_BACK) {
        f->votes = 1;
        if (f->told)
            foresee_event(b, f, EV_FORECAST_BACK, f->held);
        f->told = 0;
    }
}

/* ---- readings ---- */

static void foresee_judge(struct foresee *f, int64_t taken_us, double w)
{
    double error_w = __builtin_fabs(w - f->due_w);
    bool held;

    if (f->due_us == INT64_MIN)
        return;
    f->due_top_w = w > f->due_top_w ? w : f->due_top_w;
    if (taken_us < f->due_us)
        return;
    held = f->due_top_w <= f->due_upper_w;
    f->held += FORESEE_HELD * ((held ? 1.0 : 0.0) - f->held);
    f->error_w = block_is_number(f->error_w) ? f->error_w + FORESEE_ERROR * (error_w - f->error_w) : error_w;
    f->due_us = INT64_MIN;
}

static void foresee_heard(struct block *b, int32_t at, int64_t taken_us, double w, double cap_w)
{
    struct foresee *f = &b->foresees[at];
    int64_t grid_us = at == 0 ? FORESEE_RACK_GRID_US : FORESEE_LEAF_GRID_US;
    struct fc_forecast said;

    if (f->readings > 0 && taken_us - f->taken_us > FORESEE_GAP * grid_us)
        foresee_begin(b, at);
    foresee_judge(f, taken_us, w);
    fc_put(foresee_fc(b, at), taken_us, w, cap_w);
    fc_get(foresee_fc(b, at), taken_us, &said);
    f->taken_us = taken_us;
    if (!said.known)
        return;
    f->readings++;
    f->expected_w = said.ahead[0].expected_w;
    f->peak_w = said.ahead[0].peak_w;
    for (int32_t k = 0; k < CORE_FORECAST_LEVELS; k++) {
        f->upper_w[k] = said.ahead[0].upper_w[k];
        f->coverage[k] = said.coverage[k];
    }
    f->period_us = said.period_us;
    if (f->due_us == INT64_MIN && f->readings >= FORESEE_FIRST) {
        f->due_us = taken_us + f->horizon_us;
        f->due_w = f->expected_w;
        f->due_upper_w = f->upper_w[FC_99];
        f->due_top_w = w;
    }
    foresee_vote(b, at, said.stuck != 0);
}

static bool foresee_due(const struct foresee *f, int64_t taken_us, int64_t grid_us)
{
    return f->taken_us == INT64_MIN || (double)(taken_us - f->taken_us) >= FORESEE_SOON * (double)grid_us;
}

static void foresee_step_rack(struct block *b)
{
    struct foresee *f = &b->foresees[0];
    const struct zone *zone = &b->zones[f->node];

    if (zone->news_step != b->core->step || !zone->fresh || !block_is_number(zone->power_w) ||
        !foresee_due(f, zone->news_taken_us, FORESEE_RACK_GRID_US))
        return;
    /* What is counted is a limit where nothing draws that has none. */
    f->unbound |= f->counted_w > 0.0 && zone->power_w > f->counted_w;
    f->counted_w = zone->counted_w;
    foresee_heard(b, 0, zone->news_taken_us, zone->power_w, f->unbound ? __builtin_inf() : zone->counted_w);
}

/* ---- hints ---- */

static bool foresee_under(const struct block *b, int32_t lever, int32_t node)
{
    const struct entry *entry;

    for (int32_t k = 0; (entry = zone_path(b, lever, k)); k++)
        if (entry->zone == node)
            return true;
    return node == CORE_NONE;
}

/* Outside input: what makes no sense is left out. */
static void foresee_hint(struct block *b, const struct core_hint *hint)
{
    if ((int)hint->mark < 0 || hint->mark >= CORE_MARK_WILL || !block_is_number(hint->value) ||
        hint->node < CORE_NONE || hint->node >= b->core->node_count)
        return;
    if (hint->node == CORE_NONE || hint->node == b->foresees[0].node)
        fc_hint(foresee_fc(b, 0), hint->at_us, (enum fc_mark)hint->mark, hint->value);
    for (int32_t f = 1; f < b->core->foresee_count; f++)
        if (foresee_under(b, b->foresees[f].lever, hint->node))
            fc_hint(foresee_fc(b, f), hint->at_us, (enum fc_mark)hint->mark, hint->value);
}

static void foresee_told(struct block *b, const struct core_hint *hint)
{
    int32_t at =
        hint->lever >= 0 && hint->lever < b->core->lever_count ? b->foresee_of[hint->lever] : CORE_NONE;
    struct foresee *f = &b->foresees[at == CORE_NONE ? 0 : at];

    if (at == CORE_NONE || hint->mark != CORE_MARK_WILL || !(hint->value >= 0.0))
        return;
    f->votes = 1;
    f->taken_us = b->core->now_us;
    f->readings++;
    f->expected_w = f->peak_w = hint->value;
    for (int32_t k = 0; k < CORE_FORECAST_LEVELS; k++)
        f->upper_w[k] = hint->value;
}

static void foresee_hints(struct block *b)
{
    bool told = b->core->forecast == CORE_FORECAST_TOLD;
    int32_t most = told ? CORE_HINTS_MAX : FORESEE_HINTS_A_STEP;

    for (int32_t h = 0; h < b->in->hint_count && h < most; h++)
        if (told)
            foresee_told(b, &b->in->hints[h]);
        else
            foresee_hint(b, &b->in->hints[h]);
}

static bool foresee_step_leaf(struct block *b, int32_t at)
{
    const struct foresee *f = &b->foresees[at];
    int32_t p = b->levers_conf[f->lever].demand_point;

    if (!quality_good(b, p) || !foresee_due(f, b->points[p].taken_us, FORESEE_LEAF_GRID_US))
        return false;
    foresee_heard(b, at, b->points[p].taken_us, b->points[p].value, b->sources[f->lever].now_w);
    return true;
}

void foresee_step(struct block *b)
{
    int32_t leaves = b->core->foresee_count - 1, first = b->core->foresee_turn, taken = 0;

    if (leaves < 0)
        return;
    foresee_hints(b);
    if (b->core->forecast == CORE_FORECAST_TOLD)
        return;
    foresee_step_rack(b);
    for (int32_t i = 0; i < leaves && taken < FORESEE_LEAVES_A_STEP; i++) {
        int32_t leaf = (first + i) % leaves;

        if (foresee_step_leaf(b, 1 + leaf)) {
            taken++;
            b->core->foresee_turn = leaf + 1; /* who comes after it is next */
        }
    }
}

/* ---- asking ---- */

static bool foresee_young(const struct block *b, const struct foresee *f)
{
    return f->votes && b->core->now_us - f->taken_us <= f->horizon_us;
}

const struct foresee *foresee_lever(const struct block *b, int32_t lever)
{
    int32_t at = b->core->foresee_count > 0 ? b->foresee_of[lever] : CORE_NONE;

    return at != CORE_NONE && foresee_young(b, &b->foresees[at]) ? &b->foresees[at] : NULL;
}

const struct foresee *foresee_zone(const struct block *b, int32_t zone)
{
    return b->core->foresee_count > 0 && b->foresees[0].node == zone && foresee_young(b, &b->foresees[0])
               ? &b->foresees[0]
               : NULL;
}
