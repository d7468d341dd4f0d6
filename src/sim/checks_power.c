/* SPDX-License-Identifier: Apache-2.0 */
/* checks_power.c: windowed limits, busbar, IT gear and the feed's breaker.
 *
 * Looks at every inner step of the plant, so it does little: sums and compares.
 * The plant's thread. Reads the plant alone.
 */
#include <math.h>
#include <stdio.h>

#include "busbar/check.h"
#include "checks_parts.h"

#define CHECKS_SHUT_US    INT64_C(20000) /* batteries are there by then, or the busbar is gone */
#define CHECKS_PHASE_GONE 0.1            /* of nominal: under it the current tells nothing of a load */
#define CHECKS_US_PER_S   1e6

/* ---- windows ---- */

static enum status checks_window_add(struct checks *c, int32_t shelf, int64_t window_us, double limit_w,
                                     double before_w)
{
    struct checks_window *at = &c->window[c->window_count];
    enum status st;

    if (window_us <= 0)
        return ST_OK;
    CHECK(c->window_count < CHECKS_WINDOWS_MAX);
    st = window_new(window_us, limit_w, before_w, &at->window);
    if (st != ST_OK)
        return st;
    at->shelf = shelf;
    at->bound = (struct checks_bound){ .limit_w = limit_w, .asked_w = limit_w };
    c->window_count++;
    return ST_OK;
}

/* What a shelf's supplies can bear, by their own books: above the last of these
 * they shut down, above the first they leave their voltage. */
static enum status checks_window_shelf(struct checks *c, int32_t s, double before_w)
{
    const struct plant_params *p = &c->plant->params;
    double rated_w = c->plant->shelves[s].psu_rated_w * c->plant->shelves[s].psu_count;
    const double ratio[CHECKS_SHELF_WINDOWS] = { p->psu_pulse_1_ratio, p->psu_pulse_2_ratio,
                                                 p->psu_pulse_3_ratio };
    const double window_s[CHECKS_SHELF_WINDOWS] = { p->psu_pulse_1_s, p->psu_pulse_2_s, p->psu_pulse_3_s };

    for (int k = 0; k < CHECKS_SHELF_WINDOWS; k++) {
        enum status st =
            checks_window_add(c, s, llround(window_s[k] * CHECKS_US_PER_S), ratio[k] * rated_w, before_w);

        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

static enum status checks_windows_new(struct checks *c)
{
    double idle_w = plant_idle_ac_w(c->plant), shelf_w = plant_idle_shelf_w(c->plant);
    enum status st = ST_OK;

    for (int32_t k = 0; k < c->opt.window_count && st == ST_OK; k++)
        st = checks_window_add(c, CORE_NONE, c->opt.windows_us[k], INFINITY, idle_w);
    c->rack_window_count = c->window_count;
    for (int32_t s = 0; s < c->plant->shelf_count && st == ST_OK; s++)
        st = checks_window_shelf(c, s, shelf_w);
    return st;
}

/* Supplies of the rack that sag on one phase, or are not all back yet, leave the others
 * with more than an order of half a second could take from them in a window of a tenth. */
static bool checks_all_fed(const struct plant *plant)
{
    for (int32_t i = 0; i < plant->psu_count; i++)
        if (plant->psus[i].present && plant->psus[i].on && plant->psus[i].state != PLANT_PSU_ON &&
            plant->psus[i].state != PLANT_PSU_LATCHED)
            return false;
    return true;
}

/* The shelf's output as if all its supplies carried alike those that do carry now:
 * each bears so much of its own. One that starts or is off bears nothing. */
static double checks_shelf_w(const struct plant *plant, int32_t s)
{
    const struct plant_shelf *shelf = &plant->shelves[s];
    double sum_w = 0.0;
    int32_t carry = 0;

    for (int32_t i = shelf->psu_first; i < shelf->psu_first + shelf->psu_count; i++) {
        const struct plant_psu *psu = &plant->psus[i];

        if (psu->state != PLANT_PSU_ON && psu->state != PLANT_PSU_HOLD_UP && psu->state != PLANT_PSU_LOW)
            continue;
        sum_w += psu->output_w;
        carry++;
    }
    return carry > 0 ? sum_w * shelf->psu_count / carry : 0.0;
}

/* AC watts that storage takes by itself after a sag, bounded by what it holds: hold-up
 * capacitors refill, the busbar's capacitance is charged. No order can stop that, and
 * the envelope is judged beside it. */
static double checks_storage_w(struct checks *c, const struct plant *plant, int64_t dt_us)
{
    double bus_j = 0.5 * plant->params.bus_capacitance_f * plant->bus_v * plant->bus_v;
    double sum_w = fmax(0.0, bus_j - c->bus_j) * CHECKS_US_PER_S / (double)dt_us;

    c->bus_j = bus_j;
    for (int32_t i = 0; i < plant->psu_count; i++)
        sum_w += plant->psus[i].refill_w;
    return sum_w * (1.0 + plant->psu_loss_ratio);
}

/* Some supply shut down for good, or gives no more, under a load that is too much for
 * those that carry. */
static void checks_overload(struct checks *c, const struct plant *plant, bool fed)
{
    bool shut = false;

    for (int32_t i = 0; i < plant->psu_count; i++) {
        bool latched = plant->psus[i].state == PLANT_PSU_LATCHED;

        shut = shut || (latched && !c->psu[i].latched && plant->bus_v <= plant->params.psu_ovp_v) ||
               (!fed && plant->psus[i].limited);
        c->psu[i].latched = latched;
    }
    if (shut && c->opt.excuses_overload && c->now_us > c->fed_us && c->now_us - c->fed_us < c->grace_us)
        c->shut_us = c->now_us;
    if (c->shut_us != CHECKS_NEVER && c->now_us - c->shut_us <= CHECKS_SHUT_US &&
        plant->bus_far_v < plant->params.it_low_v)
        c->beyond = true;
    if (fed && !shut)
        c->fed_us = c->now_us;
}

static void checks_windows_step(struct checks *c, const struct plant *plant, int64_t dt_us)
{
    double rack_w = plant->ac_w - (c->foreign ? checks_foreign_w(c, plant) : 0.0), shelf_w = 0.0;
    int32_t shelf = CORE_NONE;
    bool fed;

    rack_w -= checks_storage_w(c, plant, dt_us);
    fed = checks_all_fed(plant);
    checks_overload(c, plant, fed);
    if (c->beyond)
        return;
    c->mark[CHECKS_LIMITS].looks++;
    for (int32_t i = c->armed ? 0 : c->rack_window_count; i < c->window_count; i++) {
        struct checks_window *at = &c->window[i];

        if (at->shelf != shelf) {
            shelf = at->shelf;
            shelf_w = fed ? checks_shelf_w(plant, shelf) : 0.0;
        }
        window_step(at->window, shelf == CORE_NONE ? rack_w : shelf_w, dt_us);
    }
}

void checks_bound_set(const struct checks *c, struct checks_bound *bound, double limit_w, int64_t window_us)
{
    if (limit_w >= bound->limit_w)
        bound->limit_w = limit_w;
    else if (bound->asked_w >= bound->limit_w || limit_w < bound->asked_w)
        bound->due_us = c->now_us + c->grace_us + window_us;
    bound->asked_w = limit_w;
}

bool checks_bound_due(const struct checks *c, struct checks_bound *bound)
{
    if (bound->asked_w >= bound->limit_w || c->now_us < bound->due_us)
        return false;
    bound->limit_w = bound->asked_w;
    return true;
}

void checks_power_armed(struct checks *c, double envelope_w)
{
    for (int32_t i = 0; i < c->rack_window_count; i++) {
        struct checks_window *at = &c->window[i];
        struct window_result now;

        if (c->armed) {
            window_result(at->window, &now);
            checks_bound_set(c, &at->bound, envelope_w, now.window_us);
        } else { /* what was drawn before is not in its ring: idle is */
            at->bound = (struct checks_bound){ .limit_w = envelope_w, .asked_w = envelope_w };
            at->from_us = c->now_us;
        }
        window_limit(at->window, at->bound.limit_w);
    }
}

void checks_power_slow(struct checks *c)
{
    for (int32_t i = 0; i < c->rack_window_count; i++)
        if (checks_bound_due(c, &c->window[i].bound))
            window_limit(c->window[i].window, c->window[i].bound.limit_w);
    (void)checks_bound_due(c, &c->envelope);
}

bool checks_limits_ok(const struct checks *c)
{
    bool ok = true;

    for (int32_t i = 0; i < c->window_count; i++) {
        struct window_result now;

        window_result(c->window[i].window, &now);
        ok = ok && now.violations == 0;
    }
    return ok;
}

static void checks_limits_take(const struct checks_window *at, const struct window_result *now,
                               struct checks_result *ret)
{
    int64_t when_us = at->from_us + (now->violations > 0 ? now->violated_at_us : now->worst_at_us);
    char where[24] = "rack";

    if (at->shelf != CORE_NONE)
        (void)snprintf(where, sizeof where, "shelf %d", at->shelf + 1);
    ret->value = now->margin_limit_w - now->margin_w;
    ret->limit = now->margin_limit_w;
    ret->margin = now->margin_w;
    ret->at_s = (double)when_us / CHECKS_US_PER_S;
    (void)snprintf(ret->detail, sizeof ret->detail, "%s, window of %g ms%s", where,
                   (double)now->window_us / 1000.0, now->partial ? ", partial" : "");
}

/* The window with the least margin; among those that were violated if any was. */
void checks_limits_result(const struct checks *c, struct checks_result *ret)
{
    ret->ok = checks_limits_ok(c);
    ret->looked = c->window_count > c->rack_window_count || c->armed;
    for (int32_t i = c->armed ? 0 : c->rack_window_count; i < c->window_count; i++) {
        struct window_result now;

        window_result(c->window[i].window, &now);
        if (now.margin_w < ret->margin)
            checks_limits_take(&c->window[i], &now, ret);
    }
}

/* ---- busbar and IT gear ---- */

static void checks_bus(struct checks *c, const struct plant *plant)
{
    const struct plant_params *p = &plant->params;
    double high_v = fmax(plant->bus_v, plant->bus_far_v), low_v = plant->bus_far_v;
    const struct checks_about about = { .number = NAN };

    checks_note(c, CHECKS_BUS_LOW,
                &(struct checks_seen){ .ok = low_v >= p->it_low_v,
                                       .value = low_v,
                                       .limit = p->it_low_v,
                                       .margin = low_v - p->it_low_v,
                                       .about = about });
    checks_note(c, CHECKS_BUS_HIGH,
                &(struct checks_seen){ .ok = high_v <= p->it_high_v,
                                       .value = high_v,
                                       .limit = p->it_high_v,
                                       .margin = p->it_high_v - high_v,
                                       .about = about });
}

/* While none was lost the margin is what is left of the time it bears. */
static void checks_it(struct checks *c, const struct plant *plant)
{
    double resets = (double)(plant->it_resets - c->it_resets), bears_s = plant->params.it_low_s;
    double outside_s = fmax(plant->it_low_s, plant->it_high_s);
    double left = bears_s > 0.0 ? fmax(0.0, 1.0 - outside_s / bears_s) : 1.0;

    checks_note(
        c, CHECKS_IT_KEPT,
        &(struct checks_seen){ .ok = resets <= 0.0,
                               .value = resets,
                               .limit = 0.0,
                               .margin = resets > 0.0 ? -resets : left,
                               .about = { .what = resets > 0.0 ? "lost with the busbar at" : "busbar at",
                                          .number = plant->bus_far_v } });
}

/* ---- the feed's breaker: one pole a phase ---- */

static double checks_phase_a(const struct plant *plant, int phase)
{
    double sum_w = plant->phase_w[0] + plant->phase_w[1] + plant->phase_w[2];
    double gone_v = CHECKS_PHASE_GONE * plant->nominal_v;

    if (sum_w > 0.0)
        return plant->phase_v[phase] > gone_v ? plant->phase_w[phase] / plant->phase_v[phase] : 0.0;
    return plant->ac_v > gone_v ? plant->ac_w / 3.0 / plant->ac_v : 0.0;
}

static void checks_breaker_init(struct checks *c)
{
    struct breaker_options opt;

    c->mark[CHECKS_BREAKERS].limit = 0.0;
    if (!(c->opt.breaker_rated_w > 0.0) || !(c->plant->nominal_v > 0.0))
        return;
    breaker_thermal(c->opt.breaker_rated_w / 3.0 / c->plant->nominal_v, &opt);
    for (int phase = 0; phase < 3; phase++)
        breaker_init(&c->breaker[phase], &opt, checks_phase_a(c->plant, phase));
}

static void checks_breaker_step(struct checks *c, const struct plant *plant, double dt_s)
{
    for (int phase = 0; phase < 3; phase++) {
        struct breaker *breaker = &c->breaker[phase];
        double current_a = checks_phase_a(plant, phase);
        bool was = breaker->tripped != BREAKER_NONE;
        double trips;

        (void)breaker_step(breaker, current_a, 0.0, dt_s);
        if (was)
            continue;
        trips = breaker->tripped != BREAKER_NONE ? 1.0 : 0.0;
        checks_note(
            c, CHECKS_BREAKERS,
            &(struct checks_seen){
                .ok = trips <= 0.0,
                .value = trips,
                .limit = 0.0,
                .margin = trips > 0.0 ? -1.0 : 1.0 - breaker_spent_ratio(breaker),
                .about = { .part = CHECKS_PHASE, .index = phase, .what = "A", .number = current_a } });
    }
}

/* ---- all of it ---- */

enum status checks_power_init(struct checks *c)
{
    c->it_resets = c->plant->it_resets;
    c->shut_us = CHECKS_NEVER;
    c->mark[CHECKS_BUS_LOW].limit = c->plant->params.it_low_v;
    c->mark[CHECKS_BUS_HIGH].limit = c->plant->params.it_high_v;
    checks_breaker_init(c);
    return checks_windows_new(c);
}

void checks_power_done(struct checks *c)
{
    for (int32_t i = 0; i < c->window_count; i++)
        c->window[i].window = window_free(c->window[i].window);
    c->window_count = 0;
}

void checks_power_step(struct checks *c, const struct plant *plant, int64_t dt_us)
{
    checks_windows_step(c, plant, dt_us);
    checks_bus(c, plant);
    checks_it(c, plant);
    if (c->breaker[0].opt.rated_a > 0.0)
        checks_breaker_step(c, plant, (double)dt_us / CHECKS_US_PER_S);
}
