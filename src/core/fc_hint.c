/* SPDX-License-Identifier: Apache-2.0 */
/* fc_hint.c: profiles of power over the time since a mark.
 *
 * Steps come at an even pace, so what follows the next one is taken from what
 * followed the last; that ends when a phase is told to begin or to end. Of several
 * profiles that speak of one moment, each counts by how near it was before.
 */
#include "fc_hint.h"

#include <math.h>
#include <string.h>

#define FC_HINT_LEAST    3    /* samples before a place speaks                    */
#define FC_HINT_FEW      6.0F /* samples that a spread from few is too small by       */
#define FC_HINT_MEMORY   24   /* samples that a place averages over               */
#define FC_HINT_OLD_US   ((int64_t)3600 * 1000000)
#define FC_HINT_AHEAD    16     /* samples that a count may be told ahead            */
#define FC_HINT_GUESS    2.0F   /* times as unsure: the mark it hangs on is yet to come */
#define FC_HINT_STEP     48.0F  /* places to a step                                 */
#define FC_HINT_TOO_FINE 1.8F   /* times: then the places are made anew             */
#define FC_HINT_FADED    1e-12F /* requests: a mean queue fades to it, for smaller floats are slow */

void fc_hint_init(struct fc_hints *hints, int64_t grid_us)
{
    memset(hints, 0, sizeof *hints);
    hints->grid_us = grid_us;
    hints->place_us = (float)grid_us;
    hints->cut_us = hints->cut_before_us = INT64_MIN;
    hints->queue_us = hints->turned_us = INT64_MIN;
    for (int32_t k = 0; k < FC_HINT_KINDS; k++)
        hints->profile[k].at_us = hints->profile[k].before_us = INT64_MIN;
}

static bool fc_hint_paced(int32_t kind)
{
    return kind == FC_MARK_STEP || kind == FC_MARK_PART;
}

static void fc_hint_pace(struct fc_hints *hints, struct fc_hint_profile *p, int64_t at_us)
{
    float took_us = (float)(at_us - p->at_us), off;

    if (p->marks < 2)
        p->every_us = took_us;
    off = took_us / p->every_us - 1.0F;
    off = off < 0.0F ? -off : off;
    if (off < 0.5F || p->marks < 4)
        p->every_us += (took_us - p->every_us) * 0.25F;
    else if (p->uneven > 0.4F) /* the pace itself is another one */
        p->every_us = took_us;
    p->uneven += ((off < 1.0F ? off : 1.0F) - p->uneven) * 0.2F;
    if (p->marks >= 3 && p == &hints->profile[FC_MARK_STEP]) {
        float place_us = p->every_us / FC_HINT_STEP;

        place_us = place_us > (float)hints->grid_us * 0.5F ? place_us : (float)hints->grid_us * 0.5F;
        if (place_us > FC_HINT_TOO_FINE * hints->place_us || place_us * FC_HINT_TOO_FINE < hints->place_us) {
            hints->place_us = place_us;
            for (int32_t k = 0; k < FC_HINT_KINDS; k++)
                memset(hints->profile[k].count, 0, sizeof hints->profile[k].count);
        }
    }
}

/* A mark of another day, or one far ahead, would stand in the way of all others. */
static bool fc_hint_near(const struct fc_hints *hints, int64_t at_us)
{
    return at_us > hints->now_us - FC_HINT_OLD_US && at_us < hints->now_us + FC_HINT_OLD_US;
}

static void fc_hint_counted(struct fc_hints *hints, int64_t at_us, enum fc_mark mark, float value)
{
    if (mark == FC_MARK_RUNNING) {
        hints->running = value;
        return;
    }
    if (at_us < hints->queue_us || at_us > hints->now_us + FC_HINT_AHEAD * hints->grid_us)
        return; /* it is known better; or nothing true would be heard until then */
    if (hints->queue_us != INT64_MIN && (value > 0.0F) != (hints->queue > 0.0F))
        hints->turned_us = at_us;
    hints->queue = value;
    hints->queue_us = at_us;
}

void fc_hint_mark(struct fc_hints *hints, int64_t at_us, enum fc_mark mark, double value)
{
    struct fc_hint_profile *p;

    if (mark == FC_MARK_QUEUE || mark == FC_MARK_RUNNING) {
        if (fabs(value) < 1e9 && fc_hint_near(hints, at_us))
            fc_hint_counted(hints, at_us, mark, (float)value);
        return;
    }
    if ((int32_t)mark < 0 || mark >= FC_MARK_QUEUE || !fc_hint_near(hints, at_us))
        return;
    p = &hints->profile[mark];
    if (p->at_us != INT64_MIN && at_us - p->at_us < hints->grid_us / 2)
        return; /* said twice, or too late */
    if (p->marks > 0 && at_us > p->at_us && (!fc_hint_paced((int32_t)mark) || p->at_us >= hints->cut_us))
        fc_hint_pace(hints, p, at_us);
    p->before_us = p->at_us;
    p->at_us = at_us;
    if (p->marks < 1000000)
        p->marks++;
    if (!fc_hint_paced((int32_t)mark)) {
        hints->cut_before_us = hints->cut_us;
        hints->cut_us = at_us;
    }
}

/* Whether what a kind of mark says holds now, and the time since its last. */
static bool fc_hint_since(const struct fc_hints *hints, int32_t kind, int64_t at_us, float *ret_us)
{
    const struct fc_hint_profile *p = &hints->profile[kind];
    int64_t last_us = p->at_us <= at_us ? p->at_us : p->before_us;
    int64_t cut_us = hints->cut_us <= at_us ? hints->cut_us : hints->cut_before_us;

    if (last_us == INT64_MIN || at_us < last_us || at_us - last_us > FC_HINT_OLD_US)
        return false;
    if (fc_hint_paced(kind) && last_us < cut_us)
        return false;
    *ret_us = (float)(at_us - last_us);
    return true;
}

void fc_hint_learn(struct fc_hints *hints, int64_t at_us, float w)
{
    hints->now_us = at_us;
    hints->queue_slow += (hints->queue + FC_HINT_FADED - hints->queue_slow) * 0.02F;
    for (int32_t k = 0; k < FC_HINT_KINDS; k++) {
        struct fc_hint_profile *p = &hints->profile[k];
        float since_us, off;
        int32_t place;

        if (!fc_hint_since(hints, k, at_us, &since_us) || since_us >= (float)FC_HINT_PLACES * hints->place_us)
            continue;
        place = (int32_t)(since_us / hints->place_us);
        if (place >= FC_HINT_PLACES)
            continue;
        if (p->count[place] == 0) {
            p->mean[place] = w;
            p->spread[place] = 0.0F;
        }
        if (p->count[place] < FC_HINT_MEMORY)
            p->count[place]++;
        off = w - p->mean[place];
        p->mean[place] += off / (float)p->count[place];
        p->spread[place] += ((off < 0.0F ? -off : off) - p->spread[place]) / (float)p->count[place];
    }
}

/* Between the middles of two places on a line; false: too little is known there. */
static bool fc_hint_place(const struct fc_hints *hints, const struct fc_hint_profile *p, float since_us,
                          float *ret_w, float *ret_spread)
{
    float x = since_us / hints->place_us - 0.5F, part;
    int32_t a, b;

    if (!(x < (float)(FC_HINT_PLACES - 1)))
        return false;
    a = x < 0.0F ? 0 : (int32_t)x;
    b = a + 1 < FC_HINT_PLACES ? a + 1 : a;
    part = x < 0.0F ? 0.0F : x - (float)a;
    if (p->count[a] < FC_HINT_LEAST || p->count[b] < FC_HINT_LEAST) {
        if (p->count[a] < FC_HINT_LEAST && p->count[b] < FC_HINT_LEAST)
            return false;
        part = p->count[a] < FC_HINT_LEAST ? 1.0F : 0.0F;
    }
    *ret_w = p->mean[a] + part * (p->mean[b] - p->mean[a]);
    *ret_spread =
        (p->spread[a] + part * (p->spread[b] - p->spread[a])) *
        (1.0F + FC_HINT_FEW / (float)(p->count[a] < p->count[b] ? p->count[a] + 1 : p->count[b] + 1));
    return true;
}

bool fc_hint_value(const struct fc_hints *hints, int64_t at_us, float floor, float *ret_w, float *ret_scale)
{
    float sum = 0.0F, all = 0.0F, scales = 0.0F;

    for (int32_t k = 0; k < FC_HINT_KINDS; k++) {
        const struct fc_hint_profile *p = &hints->profile[k];
        float since_us, w, spread, weight, guess = 1.0F;

        if (!fc_hint_since(hints, k, at_us, &since_us))
            continue;
        if (fc_hint_paced(k) && p->marks >= 3 && p->every_us > 0.0F && since_us > p->every_us) {
            if (p->uneven > 0.4F || since_us > 8.0F * p->every_us)
                continue;
            since_us -= floorf(since_us / p->every_us) * p->every_us;
            guess = FC_HINT_GUESS;
        }
        if (!fc_hint_place(hints, p, since_us, &w, &spread))
            continue;
        spread = (spread + floor) * guess;
        weight = 1.0F / (spread * spread);
        sum += weight;
        all += weight * w;
        scales += weight * spread;
    }
    if (!(sum > 0.0F))
        return false;
    *ret_w = all / sum;
    *ret_scale = scales / sum;
    return true;
}
