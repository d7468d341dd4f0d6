/* SPDX-License-Identifier: Apache-2.0 */
/* curve.c: protective devices, and protection first.
 *
 * Owns curves[]: one a node. A device is modelled as its maker's curve says:
 * thermal with memory (IEC 60255-149) or an electronic release with long,
 * short and instantaneous stages (IEC 60947-2); the ground stage of LSIG sees a
 * residual current that nobody here measures, so LSIG is LSI. What flows
 * through it is the upper bound of its node's power, so a reading that is
 * missing makes it trip earlier in these eyes, never later; and a sensor that
 * says less than the readings below it add up to is not believed.
 *
 * The equipment's own windowed limits are deadlines as well: a supply's second,
 * a UPS's ten. Limits that only the plan sets are not: nothing trips there. A
 * window no longer than the levers' delay cannot be kept by throttling; caps
 * and stored energy carry it, and it is left out here.
 *
 * When orders would hardly be in force before the trip, everything below that
 * node, and nothing else, goes to its base.
 */
#include "curve.h"

#include "guard.h"
#include "outputs.h"
#include "zone.h"

#include <math.h>

#define CURVE_START_HEAT  0.64              /* of rated squared: 80 % of the rating for long   */
#define CURVE_LONG_AT     36.0              /* the long stage's time is quoted at 6 times rated */
#define CURVE_SHORT_AT    100.0             /* the I2t short stage's at 10 times               */
#define CURVE_RELEASE     2.0               /* times the need: so far away it lets go          */
#define CURVE_PATIENCE_US INT64_C(30000000) /* a part that is not read by then counts */

static bool curve_is_thermal(const struct core_config_curve *conf)
{
    return conf->kind == CORE_CURVE_THERMAL;
}

/* What `heat` must reach to trip. */
static double curve_full(const struct core_config_curve *conf)
{
    return curve_is_thermal(conf) ? conf->trip_ratio * conf->trip_ratio : CURVE_LONG_AT * conf->long_s;
}

static double curve_short_s(const struct core_config_curve *conf, double i)
{
    return conf->short_i2t ? conf->short_s * CURVE_SHORT_AT / (i * i) : conf->short_s;
}

/* The part that is left of a difference after dt_s. */
static double curve_left(double dt_s, double tau_s)
{
    return tau_s > 0.0 ? exp(-dt_s / tau_s) : 0.0;
}

void curve_start(struct curve *curve, const struct core_config_curve *conf, double i)
{
    double full = curve_full(conf);

    /* Nobody knows of an overload that is over. The electronic release forgets
     * below its pick-up, so there the part is assumed that a thermal one has. */
    if (curve_is_thermal(conf))
        curve->heat = i * i > CURVE_START_HEAT ? i * i : CURVE_START_HEAT;
    else
        curve->heat = i > conf->trip_ratio ? full : CURVE_START_HEAT * full;
    if (curve->heat > full) /* or it would have tripped */
        curve->heat = full;
    curve->short_part = 0.0;
    curve->last = i;
}

void curve_advance(struct curve *curve, const struct core_config_curve *conf, double i, double dt_s)
{
    double i2 = i * i, full = curve_full(conf);

    if (curve_is_thermal(conf))
        curve->heat =
            i2 + (curve->heat - i2) * curve_left(dt_s, i2 > curve->heat ? conf->heat_s : conf->cool_s);
    else if (i > conf->trip_ratio)
        curve->heat += i2 * dt_s;
    else
        curve->heat *= curve_left(dt_s, conf->cool_s);
    if (curve->heat > full) /* what still carries current has not tripped */
        curve->heat = full;
    if (!(conf->short_ratio > 0.0) || i <= conf->short_ratio)
        curve->short_part = 0.0;
    else
        curve->short_part += dt_s / curve_short_s(conf, i);
    if (curve->short_part > 1.0)
        curve->short_part = 1.0;
    curve->last = i;
}

double curve_trip_s(const struct curve *curve, const struct core_config_curve *conf, double i)
{
    double i2 = i * i, full = curve_full(conf), trip_s = __builtin_inf();

    if (conf->instant_ratio > 0.0 && i >= conf->instant_margin_ratio * conf->instant_ratio)
        return 0.0;
    if (conf->short_ratio > 0.0 && i > conf->short_ratio)
        trip_s = (1.0 - curve->short_part) * curve_short_s(conf, i);
    if (i > conf->trip_ratio) {
        double long_s = (full - curve->heat) / i2;

        if (curve_is_thermal(conf))
            long_s = conf->heat_s * log((i2 - curve->heat) / (i2 - full));
        trip_s = long_s < trip_s ? long_s : trip_s;
    }
    return trip_s > 0.0 ? trip_s : 0.0;
}

double curve_heat_ratio(const struct curve *curve, const struct core_config_curve *conf)
{
    return curve->heat / curve_full(conf);
}

/* ---- windows ---- */

struct curve_piece {
    double span_s, power_w;
};

/* What a window holds, from its oldest part on. What it does not know yet counts
 * as at its limit: the equipment bore it. */
static void curve_pieces(const struct window *window, double limit_w, int64_t now_us, struct curve_piece *ret)
{
    bool started = window->start_us != INT64_MIN;
    int64_t known = started ? (window->at_us - window->start_us) / window->bucket_us : 0;
    double bucket_s = (double)window->bucket_us * 1e-6;
    double head_s = started ? (double)(now_us - window->at_us) * 1e-6 : 0.0;

    for (int32_t k = 0; k < BLOCK_BUCKETS; k++) {
        int32_t at = (window->head + 1 + k) % (BLOCK_BUCKETS + 1);

        ret[k].span_s = bucket_s;
        ret[k].power_w = BLOCK_BUCKETS - k <= known ? window->bucket_j[at] / bucket_s : limit_w;
    }
    ret[0].span_s = bucket_s - head_s; /* the rest of it has left already */
    ret[BLOCK_BUCKETS].span_s = head_s;
    ret[BLOCK_BUCKETS].power_w = head_s > 0.0 ? window->bucket_j[window->head] / head_s : limit_w;
}

/* As each part leaves the window the new power takes its place. */
double curve_window_s(const struct window *window, double limit_w, double power_w, int64_t now_us)
{
    struct curve_piece piece[BLOCK_BUCKETS + 1];
    double room_j = 0.0, at_s = 0.0;

    if (!(power_w > limit_w))
        return __builtin_inf();
    curve_pieces(window, limit_w, now_us, piece);
    for (int32_t k = 0; k <= BLOCK_BUCKETS; k++)
        room_j += (limit_w - piece[k].power_w) * piece[k].span_s;
    for (int32_t k = 0; k <= BLOCK_BUCKETS && room_j > 0.0; k++) {
        double more_w = power_w - piece[k].power_w;

        if (more_w * piece[k].span_s >= room_j)
            return at_s + room_j / more_w;
        room_j -= more_w * piece[k].span_s;
        at_s += piece[k].span_s;
    }
    return at_s;
}

/* ---- nodes ---- */

/* The node's sensor, unless what was read below adds up to more; where nothing
 * is known, what is counted. */
static double curve_bound(const struct block *b, int32_t n)
{
    const struct core_config_node *conf = &b->nodes[n];
    const struct zone *zone = &b->zones[n];
    double bound_w = zone->high_w;
    double below_w = (b->sums[n].low_w + conf->static_w) * (1.0 + conf->loss_ratio) + conf->loss_w;

    if (below_w > bound_w)
        bound_w = below_w;
    if (!block_is_number(zone->power_w) && zone->counted_w > bound_w)
        bound_w = zone->counted_w;
    return bound_w;
}

/* While devices are read for the first time their levers count at the most they
 * could be: no overload, and no history. */
static bool curve_read(const struct block *b, int32_t n)
{
    return block_is_number(b->zones[n].power_w) || b->core->now_us - b->core->first_us >= CURVE_PATIENCE_US;
}

/* Between two steps flowed the larger of their bounds. */
static void curve_memory(struct block *b, int32_t n)
{
    const struct core_config_curve *conf = &b->nodes[n].curve;
    struct curve *curve = &b->curves[n];
    double i = curve->bound_w / conf->rated_w;
    double dt_s = (double)(b->core->now_us - b->core->last_us) * 1e-6;

    if (!curve->known) {
        curve_start(curve, conf, i);
    } else {
        curve_advance(curve, conf, i > curve->last ? i : curve->last, dt_s);
        curve->last = i;
    }
    curve->trip_s = curve_trip_s(curve, conf, i);
}

/* Windows are moved on after this: theirs is the moment of the last step. */
static void curve_windows(struct block *b, int32_t n)
{
    const struct core_config_node *conf = &b->nodes[n];
    const struct zone *zone = &b->zones[n];
    struct curve *curve = &b->curves[n];
    double late_s = (double)(b->core->now_us - b->core->last_us) * 1e-6;

    for (int32_t k = 0; k < conf->limit_count; k++) {
        const struct core_limit *limit = &conf->limit[k];
        const struct window *window = NULL;
        double trip_s;

        for (int32_t w = 0; w < zone->window_count; w++)
            if (b->windows[n * CORE_LIMITS_MAX + w].window_us == limit->window_us)
                window = &b->windows[n * CORE_LIMITS_MAX + w];
        if (!window || limit->window_us <= zone->delay_us + b->core->period_us)
            continue;
        trip_s = curve_window_s(window, limit->limit_w, curve->bound_w, b->core->last_us) - late_s;
        trip_s = trip_s > 0.0 ? trip_s : 0.0;
        if (trip_s < curve->trip_s) {
            curve->trip_s = trip_s;
            curve->window_us = limit->window_us;
        }
    }
}

/* Until base values ordered now are in force below this node, at worst: one
 * order a lever is in flight at a time, so the last one comes first. NAN: no
 * lever below would help. */
static double curve_need_s(const struct block *b, int32_t n)
{
    const struct zone *zone = &b->zones[n];
    int64_t need_us = INT64_MIN;

    for (int32_t e = 0; e < zone->entry_count; e++) {
        int32_t l = b->entries[zone->entry_first + e].source;
        int64_t lands_us;

        if (l >= b->core->lever_count || b->levers_conf[l].use != CORE_LEVER_LIMIT)
            continue;
        lands_us = b->levers_conf[l].delay_worst_us;
        if (b->levers[l].state == CORE_LEVER_SENT) {
            int64_t left_us = b->levers[l].sent_us + lands_us - b->core->now_us;

            lands_us += left_us > 0 ? left_us : 0;
        }
        need_us = lands_us > need_us ? lands_us : need_us;
    }
    return need_us == INT64_MIN ? __builtin_nan("") : (double)(need_us + b->core->period_us) * 1e-6;
}

static void curve_tell(struct block *b, int32_t n, enum ev event, double need_s)
{
    struct outputs_about about = OUTPUTS_ABOUT_NOTHING;

    about.node = n;
    about.value = b->curves[n].trip_s;
    about.bound = need_s / b->core->plan.protection.deadline_ratio;
    about.window_us = b->curves[n].window_us;
    outputs_event(b, event, &about);
}

static void curve_let_go(struct block *b, int32_t n, double need_s)
{
    struct curve *curve = &b->curves[n];
    double part_s = b->core->plan.protection.deadline_ratio * curve->trip_s;

    need_s = block_is_number(need_s) ? need_s : 0.0;
    if (!(part_s > CURVE_RELEASE * need_s)) {
        curve->calm_us = CORE_FOREVER;
        return;
    }
    if (curve->calm_us == CORE_FOREVER)
        curve->calm_us = b->core->now_us;
    if (b->core->now_us < block_later(curve->calm_us, b->core->plan.protection.release_us))
        return;
    curve->engaged = 0;
    curve_tell(b, n, EV_PROTECTION_OVER, need_s);
    guard_return(b, n);
}

static void curve_protect(struct block *b, int32_t n)
{
    struct curve *curve = &b->curves[n];
    double need_s;

    if (!curve->engaged && !block_is_number(curve->trip_s))
        return;
    need_s = curve_need_s(b, n);
    if (curve->engaged)
        curve_let_go(b, n, need_s);
    else if (b->core->plan.protection.deadline_ratio * curve->trip_s < need_s) {
        curve->engaged = 1;
        curve->calm_us = CORE_FOREVER;
        curve_tell(b, n, EV_PROTECTION, need_s);
    }
    b->core->protecting += curve->engaged;
}

void curve_step(struct block *b)
{
    enum core_mode_wanted wanted = b->core->plan.mode_wanted;
    bool may =
        b->core->plan.protection.enabled && (wanted == CORE_WANT_CONTROL || wanted == CORE_WANT_EMERGENCY);

    b->core->protecting = 0;
    if (b->core->curve_count == 0 && !may)
        return;
    for (int32_t n = 0; n < b->core->node_count; n++) {
        struct curve *curve = &b->curves[n];

        curve->trip_s = __builtin_inf();
        curve->window_us = 0;
        if (!may)
            curve->engaged = 0;
        if (b->nodes[n].curve.kind == CORE_CURVE_NONE && (!may || b->nodes[n].limit_count == 0))
            continue;
        if (!curve->known && !curve_read(b, n))
            continue;
        curve->bound_w = curve_bound(b, n);
        if (b->nodes[n].curve.kind != CORE_CURVE_NONE)
            curve_memory(b, n);
        curve->known = 1;
        if (!may)
            continue;
        curve_windows(b, n);
        curve_protect(b, n);
    }
}

int32_t curve_over(const struct block *b, int32_t l)
{
    const struct entry *entry;

    if (b->core->protecting == 0)
        return CORE_NONE;
    for (int32_t k = 0; (entry = zone_path(b, l, k)); k++)
        if (entry->zone < b->core->node_count && b->curves[entry->zone].engaged)
            return entry->zone;
    return CORE_NONE;
}
