/* SPDX-License-Identifier: Apache-2.0 */
/* window.c: a sliding sum over a ring of steps, in whole milliwatts and microseconds.
 *
 * Owns the ring. One thread; the one heap block is made by window_new(). Sums are
 * integers, so they never drift. When the ring is full, short neighbours become
 * one entry that leaves the window late rather than early: a mean is then never
 * too low, and too high by at most 4 / WINDOW_RING_MAX of the span between the
 * highest and the lowest power within any 4 / WINDOW_RING_MAX of the window.
 */
#include "window.h"

#include <math.h>
#include <stdlib.h>

#include "busbar/check.h"
#include "plant.h"

#define WINDOW_RING_MIN     256
#define WINDOW_TOLERANCE_MW 500
#define WINDOW_POWER_MAX_W  1e8
#define WINDOW_US_MAX       INT64_C(86400000000)

__extension__ typedef __int128 window_sum; /* mW times us: a day of 100 MW does not fit 64 bits */

/* Leaves the window at rate_mw while dt_us pass, and late_mw_us at their end. */
struct window_entry {
    int64_t dt_us, rate_mw, late_mw_us;
};

struct window {
    int64_t window_us, now_us, merge_us;
    double limit_w;
    window_sum limit_sum;   /* above it is a violation                          */
    window_sum sum;         /* of the last window_us                            */
    window_sum worst, peak; /* since the start; since the limit is what it is   */
    int64_t worst_at_us, violated_at_us, violations;
    double margin_w, margin_limit_w; /* under limits that were                      */
    bool above;
    int32_t room, first, count; /* of the ring                                      */
    struct window_entry ring[];
};

static int64_t window_mw(double w)
{
    CHECK(fabs(w) <= WINDOW_POWER_MAX_W);
    return llround(w * 1000.0);
}

static double window_mean_w(const struct window *window, window_sum sum)
{
    return (double)sum / (double)window->window_us / 1000.0;
}

static struct window_entry *window_entry(struct window *window, int32_t index)
{
    int32_t at = window->first + index;

    return &window->ring[at < window->room ? at : at - window->room];
}

static void window_judge(struct window *window)
{
    bool above = window->sum > window->limit_sum;

    if (above && window->violations == 0)
        window->violated_at_us = window->now_us;
    window->violations += above && !window->above;
    window->above = above;
    if (window->sum > window->peak)
        window->peak = window->sum;
    if (window->sum > window->worst) {
        window->worst = window->sum;
        window->worst_at_us = window->now_us;
    }
}

static double window_margin_w(const struct window *window)
{
    return window->limit_w - window_mean_w(window, window->peak);
}

static void window_take_limit(struct window *window, double limit_w)
{
    window->limit_w = limit_w;
    if (limit_w < WINDOW_POWER_MAX_W)
        window->limit_sum = (window_sum)(window_mw(limit_w) + WINDOW_TOLERANCE_MW) * window->window_us;
    else
        window->limit_sum = (window_sum)INT64_MAX * INT64_MAX; /* never reached */
}

enum status window_new(int64_t window_us, double limit_w, double before_w, struct window **ret)
{
    int64_t room = window_us / PLANT_FAST_US + 3;
    struct window *window;

    CHECK(window_us >= 1 && window_us <= WINDOW_US_MAX);
    room = room < WINDOW_RING_MIN ? WINDOW_RING_MIN : room > WINDOW_RING_MAX ? WINDOW_RING_MAX : room;
    window = calloc(1, sizeof *window + (size_t)room * sizeof window->ring[0]);
    if (!window)
        return ST_NOMEM;
    window->window_us = window_us;
    window->merge_us = 4 * window_us / room;
    window->room = (int32_t)room;
    window->ring[0] = (struct window_entry){ .dt_us = window_us, .rate_mw = window_mw(before_w) };
    window->count = 1;
    window->sum = (window_sum)window->ring[0].rate_mw * window_us;
    window_take_limit(window, limit_w);
    window_reset(window);
    *ret = window;
    return ST_OK;
}

struct window *window_free(struct window *window)
{
    free(window);
    return NULL;
}

void window_reset(struct window *window)
{
    window->worst = window->peak = window->sum;
    window->worst_at_us = window->now_us;
    window->margin_w = INFINITY;
    window->violations = 0;
    window->violated_at_us = -1;
    window->above = false;
    window_judge(window);
}

void window_limit(struct window *window, double limit_w)
{
    double margin_w = window_margin_w(window);

    if (margin_w < window->margin_w) {
        window->margin_w = margin_w;
        window->margin_limit_w = window->limit_w;
    }
    window->peak = window->sum;
    window_take_limit(window, limit_w);
    window_judge(window);
}

/* One entry of two neighbours, `a` the older. The energy that has left the window
 * by any moment is at most what really has: the rate is the lowest mean of any
 * beginning of the two, which lies at the start of `a` or at the end of `b`. */
static void window_merge(struct window_entry *a, const struct window_entry *b)
{
    int64_t dt_us = a->dt_us + b->dt_us;
    int64_t whole = a->rate_mw * a->dt_us + a->late_mw_us + b->rate_mw * b->dt_us + b->late_mw_us;
    int64_t by_end = a->rate_mw * a->dt_us + a->late_mw_us + b->rate_mw * b->dt_us;
    int64_t rate_mw = by_end / dt_us - (by_end % dt_us < 0); /* rounded down */

    if (a->rate_mw < rate_mw)
        rate_mw = a->rate_mw;
    *a = (struct window_entry){ .dt_us = dt_us, .rate_mw = rate_mw, .late_mw_us = whole - rate_mw * dt_us };
}

/* Any two neighbours that stay apart are longer than merge_us together, so half
 * of the ring is free afterwards. */
static void window_compact(struct window *window)
{
    int32_t kept = 0;

    for (int32_t i = 1; i < window->count; i++) {
        struct window_entry *last = window_entry(window, kept);
        const struct window_entry *next = window_entry(window, i);

        if (last->dt_us + next->dt_us <= window->merge_us)
            window_merge(last, next);
        else
            *window_entry(window, ++kept) = *next;
    }
    window->count = kept + 1;
}

static void window_put(struct window *window, int64_t rate_mw, int64_t dt_us)
{
    struct window_entry *last = window->count > 0 ? window_entry(window, window->count - 1) : NULL;

    if (last && last->rate_mw == rate_mw && last->late_mw_us == 0) {
        last->dt_us += dt_us;
        return;
    }
    if (window->count == window->room)
        window_compact(window);
    CHECK(window->count < window->room);
    *window_entry(window, window->count++) = (struct window_entry){ .dt_us = dt_us, .rate_mw = rate_mw };
}

void window_step(struct window *window, double power_w, int64_t dt_us)
{
    int64_t power_mw = window_mw(power_w);

    CHECK(dt_us > 0);
    while (dt_us > 0) {
        struct window_entry *old = window_entry(window, 0);
        int64_t part_us = old->dt_us < dt_us ? old->dt_us : dt_us;

        window->sum += (window_sum)(power_mw - old->rate_mw) * part_us;
        window->now_us += part_us;
        dt_us -= part_us;
        old->dt_us -= part_us;
        if (old->dt_us == 0) {
            window->sum -= old->late_mw_us;
            window->first = window->first + 1 < window->room ? window->first + 1 : 0;
            window->count--;
        }
        window_put(window, power_mw, part_us);
        window_judge(window);
        if (window->count == 1) { /* all of it is this power: nothing changes any more */
            window->now_us += dt_us;
            return;
        }
    }
}

void window_result(const struct window *window, struct window_result *ret)
{
    double margin_w = window_margin_w(window);
    bool before = window->margin_w < margin_w;

    *ret = (struct window_result){
        .window_us = window->window_us,
        .limit_w = window->limit_w,
        .mean_w = window_mean_w(window, window->sum),
        .worst_w = window_mean_w(window, window->worst),
        .margin_w = before ? window->margin_w : margin_w,
        .margin_limit_w = before ? window->margin_limit_w : window->limit_w,
        .worst_at_us = window->worst_at_us,
        .violated_at_us = window->violated_at_us,
        .violations = window->violations,
        .exceeded = window->above,
        .partial = window->now_us < window->window_us,
    };
}
