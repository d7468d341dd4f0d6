/* SPDX-License-Identifier: Apache-2.0 */
/* guard.c: windowed limits: means, violations, and the three bands.
 *
 * A window is a ring of buckets of energy; its mean takes the share of the
 * oldest bucket that is still inside, so it slides evenly. Before the first
 * full length it has no mean. A violation is one maximal interval in which the
 * mean is more than half a watt above the limit.
 *
 * The bands act on measured power: above the first the budget that allocation
 * divides is cut, below the last it is given back slowly, with jitter, so that
 * racks that were cut together do not come back together.
 */
#include "guard.h"

#include "outputs.h"
#include "zone.h"

#include <string.h>

#define GUARD_ABOVE_W 0.5

/* ---- windows ---- */

static void guard_mid(struct window *window)
{
    int32_t oldest = (window->head + 1) % (BLOCK_BUCKETS + 1);

    window->mid_j = 0.0;
    for (int32_t k = 0; k <= BLOCK_BUCKETS; k++)
        if (k != window->head && k != oldest)
            window->mid_j += window->bucket_j[k];
}

static void guard_fill(struct window *window, double power_w, int64_t now_us)
{
    for (int32_t k = 0; k <= BLOCK_BUCKETS; k++)
        window->bucket_j[k] = power_w * (double)window->bucket_us * 1e-6;
    window->bucket_j[window->head] = 0.0;
    window->at_us = now_us;
    guard_mid(window);
}

static void guard_mean(struct window *window, double power_w, int64_t now_us)
{
    int32_t oldest = (window->head + 1) % (BLOCK_BUCKETS + 1);
    double inside = 1.0 - (double)(now_us - window->at_us) / (double)window->bucket_us;
    double energy_j = window->bucket_j[window->head] + window->mid_j + inside * window->bucket_j[oldest];
    double length_s = (double)window->bucket_us * BLOCK_BUCKETS * 1e-6;

    if (now_us - window->start_us < window->window_us)
        return; /* not full yet */
    window->mean_w = energy_j / length_s;
    /* rounding must not turn a constant load into a violation */
    if (__builtin_fabs(window->mean_w - power_w) < 1e-9 * __builtin_fabs(power_w))
        window->mean_w = power_w;
    if (!(window->worst_w >= window->mean_w))
        window->worst_w = window->mean_w;
}

void guard_window(struct window *window, double power_w, int64_t last_us, int64_t now_us)
{
    int64_t span_us = now_us - last_us;
    bool turned = false;

    if (window->start_us == INT64_MIN) {
        window->start_us = span_us > 0 ? last_us : now_us;
        window->at_us = window->start_us;
        memset(window->bucket_j, 0, sizeof window->bucket_j);
        guard_mid(window);
    }
    if (span_us <= 0)
        return;
    if (span_us >= window->bucket_us * (BLOCK_BUCKETS + 1)) {
        guard_fill(window, power_w, now_us);
        guard_mean(window, power_w, now_us);
        return;
    }
    while (last_us < now_us) {
        int64_t end_us = window->at_us + window->bucket_us;

        end_us = end_us < now_us ? end_us : now_us;
        window->bucket_j[window->head] += power_w * (double)(end_us - last_us) * 1e-6;
        last_us = end_us;
        if (end_us < window->at_us + window->bucket_us)
            break;
        window->head = (window->head + 1) % (BLOCK_BUCKETS + 1);
        window->bucket_j[window->head] = 0.0;
        window->at_us = end_us;
        turned = true;
    }
    if (turned)
        guard_mid(window);
    guard_mean(window, power_w, now_us);
}

static void guard_windows(struct block *b, int32_t z)
{
    struct zone *zone = &b->zones[z];

    if (block_is_number(zone->power_w))
        zone->last_w = zone->power_w;
    else if (b->windows[z * CORE_LIMITS_MAX].start_us == INT64_MIN)
        return; /* never known yet */
    for (int32_t k = 0; k < zone->window_count; k++) {
        struct window *window = &b->windows[z * CORE_LIMITS_MAX + k];
        bool was = window->exceeded;

        guard_window(window, zone->last_w, b->core->last_us, b->core->now_us);
        window->exceeded = window->mean_w > window->limit_w + GUARD_ABOVE_W;
        b->core->exceeded += window->exceeded;
        if (window->exceeded && !was)
            window->violations++;
        if (window->exceeded != was)
            outputs_window_event(b, was ? EV_LIMIT_RESPECTED : EV_LIMIT_EXCEEDED, z, window);
    }
}

/* ---- bands ---- */

/* The least a zone's budget may be cut to: what the levers' minimums need. */
static double guard_floor(const struct block *b, const struct zone *zone)
{
    double floor_w = zone->fixed_w;

    for (int32_t e = 0; e < zone->entry_count; e++) {
        const struct entry *entry = &b->entries[zone->entry_first + e];
        int32_t s = entry->source;

        if (s < b->core->lever_count && b->levers_conf[s].use == CORE_LEVER_LIMIT)
            floor_w += entry->coef * b->levers_conf[s].min * block_unit_w(&b->levers_conf[s]);
        else
            floor_w += entry->coef * b->sources[s].now_w;
    }
    return floor_w;
}

/* Racks that were cut at the same moment are to come back at a pace of their own:
 * what is drawn anew each step averages out. */
static double guard_pace(struct block *b)
{
    return 1.0 + b->core->plan.band.release_jitter_ratio * (2.0 * block_random(b->core) - 1.0);
}

/* One measurement is acted on once: the next cut waits until the last one is in
 * force and was measured. */
static void guard_cut(struct block *b, int32_t z)
{
    struct zone *zone = &b->zones[z];
    double ratio = b->core->plan.band.target_ratio * zone->budget_w / zone->high_w;
    double least = guard_floor(b, zone) / zone->budget_w;
    double trim = zone->trim * (ratio < 1.0 ? ratio : 1.0);

    if (zone->cut_us != INT64_MIN && zone->taken_us < block_later(zone->cut_us, zone->delay_us))
        return;
    trim = trim > least ? trim : least;
    if (trim >= zone->trim)
        return;
    zone->trim = trim;
    zone->depth = 1.0 - trim;
    zone->pace = guard_pace(b);
    zone->cut_us = b->core->now_us;
    if (!zone->cut)
        outputs_zone_event(b, EV_BAND_CUT, z, zone->high_w, zone->budget_w);
    zone->cut = 1;
}

static void guard_release(struct block *b, int32_t z)
{
    struct zone *zone = &b->zones[z];
    const struct core_plan_band *band = &b->core->plan.band;
    double span_s = (double)(b->core->now_us - b->core->last_us) * 1e-6;
    double jitter = 1.0 + band->release_jitter_ratio * (2.0 * block_random(b->core) - 1.0);

    zone->trim += zone->depth * band->release_gain_per_s * span_s * jitter * zone->pace * b->damps[z].gain;
    if (zone->trim < 1.0)
        return;
    zone->trim = 1.0;
    zone->depth = 0.0;
    zone->cut = 0;
    outputs_zone_event(b, EV_BAND_RELEASED, z, zone->high_w, zone->budget_w);
}

void guard_return(struct block *b, int32_t z)
{
    struct zone *zone = &b->zones[z];
    double least, trim;

    if (!block_is_number(zone->budget_w) || !(zone->budget_w > 0.0) || !block_is_number(zone->high_w))
        return;
    least = guard_floor(b, zone) / zone->budget_w;
    trim = zone->high_w / zone->budget_w;
    trim = trim > least ? trim : least;
    if (trim >= zone->trim)
        return;
    zone->trim = trim;
    zone->depth = 1.0 - trim;
    zone->pace = guard_pace(b);
    zone->cut_us = b->core->now_us;
    zone->cut = 1;
    outputs_zone_event(b, EV_BAND_CUT, z, zone->high_w, zone->budget_w);
}

static void guard_band(struct block *b, int32_t z)
{
    struct zone *zone = &b->zones[z];
    const struct core_plan_band *band = &b->core->plan.band;

    if (b->core->mode == CORE_MODE_OBSERVE) {
        zone->trim = 1.0;
        zone->cut = 0;
        return;
    }
    /* what is not read now is in high_w at what it is counted for */
    if (!block_is_number(zone->power_w) || !block_is_number(zone->high_w) || !(zone->budget_w > 0.0))
        return;
    if (zone->high_w > band->cap_ratio * zone->budget_w) {
        /* While the sum itself is too large, lower limits are on their way already. */
        if (zone->news_step == b->core->step && !zone_over(zone))
            guard_cut(b, z);
    } else if (zone->cut && zone->high_w < band->release_ratio * zone->budget_w)
        guard_release(b, z);
}

void guard_step(struct block *b)
{
    b->core->exceeded = 0;
    for (int32_t z = 0; z < b->core->zone_count; z++) {
        if (b->zones[z].window_count == 0)
            continue;
        guard_windows(b, z);
        guard_band(b, z);
    }
}
