/* SPDX-License-Identifier: Apache-2.0 */
/* scenario_measure.c: events, recovery, overshoot, second dips, ramps, samples.
 *
 * Pure but for the memory of its samples and windows; on the thread that steps the
 * plant, which it never changes.
 */
#include "scenario_measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "scenario_parts.h"

#define SCENARIO_MEASURE_MEAN_US    20000
#define SCENARIO_MEASURE_BEFORE_US  1000000
#define SCENARIO_MEASURE_BACK_RATIO 0.90
/* Batteries that give less than the first part of the load are idle; above the second the
 * supplies have lost it: support in a sag takes 0.27 at most. */
#define SCENARIO_MEASURE_IDLE_RATIO  0.01
#define SCENARIO_MEASURE_CARRY_RATIO 0.33
#define SCENARIO_MEASURE_CALM_S      0.1
#define SCENARIO_MEASURE_DIP_S       0.005
#define SCENARIO_MEASURE_RAMP_STEP_S 0.010
/* Samples: so often around the event, and else. */
#define SCENARIO_MEASURE_SAMPLE_FAST_S 0.001
#define SCENARIO_MEASURE_SAMPLE_SLOW_S 0.010
#define SCENARIO_MEASURE_SAMPLE_LEAD_S 0.1
#define SCENARIO_MEASURE_SAMPLE_TAIL_S 1.0
/* Sags that batteries may take current from: residual voltage. */
#define SCENARIO_MEASURE_SUPPORT_LOW  0.75
#define SCENARIO_MEASURE_SUPPORT_HIGH 0.90

static double scenario_measure_window(const struct window *window)
{
    struct window_result result;

    window_result(window, &result);
    return result.mean_w;
}

static double scenario_measure_current(const struct plant *plant)
{
    double a = 0.0;

    for (int k = 0; k < 3; k++)
        if (plant->phase_v[k] > 1.0)
            a += plant->phase_w[k] / plant->phase_v[k];
    return a;
}

double scenario_measure_carry_ratio(const struct plant *plant)
{
    int32_t present = 0, on = 0;

    for (int32_t i = 0; i < plant->psu_count; i++) {
        present += plant->psus[i].present;
        on += plant->psus[i].present && plant->psus[i].state == PLANT_PSU_ON;
    }
    return present > 0 ? (double)on / (double)present : 0.0;
}

/* Part of the supplies that have left the grid. */
static double scenario_measure_off_ratio(const struct plant *plant)
{
    int32_t present = 0, off = 0;

    for (int32_t i = 0; i < plant->psu_count; i++) {
        const struct plant_psu *p = &plant->psus[i];

        present += p->present;
        off += p->present && (p->state == PLANT_PSU_OFF || p->state == PLANT_PSU_BOOT ||
                              p->state == PLANT_PSU_WAIT || p->state == PLANT_PSU_LATCHED);
    }
    return present > 0 ? (double)off / (double)present : 0.0;
}

static double scenario_measure_charge_w(const struct plant *plant)
{
    double w = 0.0;

    for (int32_t i = 0; i < plant->shelf_count; i++)
        w += plant->shelves[i].charge_w;
    return w;
}

static double scenario_measure_discharged_j(const struct plant *plant)
{
    double j = 0.0;

    for (int32_t i = 0; i < plant->bbu_count; i++)
        j += plant->bbus[i].discharged_j;
    return j;
}

/* ---- events ---- */

static void scenario_measure_extremes(const struct plant *plant, double *ret_low, double *ret_high)
{
    *ret_low = INFINITY;
    *ret_high = 0.0;
    for (int k = 0; k < 3; k++) {
        double ratio = plant->phase_v[k] / plant->nominal_v;

        *ret_low = fmin(*ret_low, ratio);
        *ret_high = fmax(*ret_high, ratio);
    }
}

static void scenario_measure_event_begins(struct scenario_measure *m, double t_s)
{
    struct scenario_event *e;

    if (m->event_count == 0) {
        m->base_w = scenario_measure_window(m->before_w);
        m->base_a = scenario_measure_window(m->before_a);
    } else {
        m->event[m->event_count - 1].back =
            scenario_measure_window(m->mean_w) >= SCENARIO_MEASURE_BACK_RATIO * m->base_w;
    }
    m->in_event = true;
    m->handed_back = false;
    m->calm_s = 0.0;
    m->dip_s = 0.0;
    /* Past the room, the last event goes on: its limits are the harder ones. */
    if (m->event_count < SCENARIO_EVENTS_MAX)
        m->event_count++;
    e = &m->event[m->event_count - 1];
    *e = (struct scenario_event){ .begins_s = t_s,
                                  .ends_s = (double)NAN,
                                  .lowest_ratio = INFINITY,
                                  .below_s = (double)NAN,
                                  .above_s = (double)NAN };
}

static void scenario_measure_event(struct scenario_measure *m, const struct plant *plant, double dt_s)
{
    double low, high, hz = plant->hz - m->scenario->params.frequency_hz;

    scenario_measure_extremes(plant, &low, &high);
    bool off = low < SCENARIO_LOW_RATIO - SCENARIO_NEAR || high > SCENARIO_HIGH_RATIO + SCENARIO_NEAR ||
               fabs(hz) > SCENARIO_OFF_HZ;

    if (off && !m->in_event)
        scenario_measure_event_begins(m, m->now_s - dt_s);
    if (!off && m->in_event) {
        m->in_event = false;
        m->event[m->event_count - 1].ends_s = m->now_s - dt_s;
    }
    if (!m->in_event)
        return;
    m->was_event = true;
    m->event[m->event_count - 1].lowest_ratio = fmin(m->event[m->event_count - 1].lowest_ratio, low);
    m->event[m->event_count - 1].highest_ratio = fmax(m->event[m->event_count - 1].highest_ratio, high);
}

/* ---- power and current against what they were ---- */

static void scenario_measure_ramp(struct scenario_measure *m, double mean_w)
{
    while (m->now_s >= m->ramp_at_s + SCENARIO_MEASURE_RAMP_STEP_S) {
        double ago_w = m->ramp[m->ramp_next];

        if (m->ramp_count == SCENARIO_RAMP_POINTS)
            m->ramp_w_per_s = fmax(m->ramp_w_per_s, mean_w - ago_w);
        else
            m->ramp_count++;
        m->ramp[m->ramp_next] = mean_w;
        m->ramp_next = (m->ramp_next + 1) % SCENARIO_RAMP_POINTS;
        m->ramp_at_s += SCENARIO_MEASURE_RAMP_STEP_S;
    }
}

static void scenario_measure_grid_side(struct scenario_measure *m, const struct plant *plant)
{
    struct scenario_event *e = m->event_count > 0 ? &m->event[m->event_count - 1] : NULL;
    double mean_w = scenario_measure_window(m->mean_w);

    m->peak_w = fmax(m->peak_w, mean_w);
    if (!e) {
        m->ramp_at_s = m->now_s;
        return;
    }
    if (m->in_event) {
        if (scenario_measure_window(m->mean_a) > m->base_a)
            e->above_s = m->now_s;
        /* The rise that counts is that of a return: it begins from here. */
        m->ramp_count = 0;
        for (int i = 0; i < SCENARIO_RAMP_POINTS; i++)
            m->ramp[i] = mean_w;
        m->ramp_count = SCENARIO_RAMP_POINTS;
        m->ramp_at_s = m->now_s;
        return;
    }
    double charge_w = scenario_measure_charge_w(plant);

    if (mean_w < SCENARIO_MEASURE_BACK_RATIO * m->base_w)
        e->below_s = m->now_s;
    /* What batteries charge with is held to the envelope: a check of its own. */
    m->overshoot_w = fmax(m->overshoot_w, mean_w);
    m->rebound_w = fmax(m->rebound_w, mean_w - charge_w / m->scenario->params.psu_efficiency_ratio);
    m->charge_w = fmax(m->charge_w, charge_w);
    scenario_measure_ramp(m, mean_w);
}

/* ---- the busbar ---- */

static void scenario_measure_bus(struct scenario_measure *m, const struct plant *plant, double dt_s)
{
    double load_w = plant->bbu_w + plant->psu_w + plant->cap_w;

    m->bus_low_v = fmin(m->bus_low_v, plant->bus_far_v);
    m->bus_high_v = fmax(m->bus_high_v, plant->bus_v);
    m->off_ratio = fmax(m->off_ratio, scenario_measure_off_ratio(plant));
    if (m->event_count == 0 || m->in_event)
        return;
    m->calm_s = plant->bbu_w <= SCENARIO_MEASURE_IDLE_RATIO * load_w ? m->calm_s + dt_s : 0.0;
    m->handed_back = m->handed_back || m->calm_s >= SCENARIO_MEASURE_CALM_S;
    m->dip_s = m->handed_back && plant->bbu_w > SCENARIO_MEASURE_CARRY_RATIO * load_w ? m->dip_s + dt_s : 0.0;
    m->second_dip = m->second_dip || m->dip_s >= SCENARIO_MEASURE_DIP_S;
}

/* ---- samples ---- */

static void scenario_measure_sample(struct scenario_measure *m, const struct plant *plant)
{
    const struct scenario *s = m->scenario;
    bool near = m->now_s >= s->begins_s - SCENARIO_MEASURE_SAMPLE_LEAD_S &&
                m->now_s <= s->ends_s + SCENARIO_MEASURE_SAMPLE_TAIL_S;
    double every_s = near ? SCENARIO_MEASURE_SAMPLE_FAST_S : SCENARIO_MEASURE_SAMPLE_SLOW_S;
    double limit_w = 0.0;

    if (m->sample_count > 0 && m->now_s < m->sample_s + every_s - SCENARIO_NEAR)
        return;
    if (m->sample_count == m->sample_room) {
        size_t room = m->sample_room > 0 ? 2 * m->sample_room : 4096;
        struct scenario_sample *more = realloc(m->sample, room * sizeof *more);

        if (!more) {
            m->keep = false; /* the run goes on; the picture ends here */
            return;
        }
        m->sample = more;
        m->sample_room = room;
    }
    for (int32_t i = 0; i < plant->gpu_count; i++)
        limit_w += plant->gpus[i].limit_w;
    m->sample_s = m->now_s;
    m->sample[m->sample_count++] = (struct scenario_sample){
        .t_s = m->now_s,
        .ac_v = fmin(plant->phase_v[0], fmin(plant->phase_v[1], plant->phase_v[2])),
        .bus_v = plant->bus_far_v,
        .psu_w = plant->psu_w,
        .bbu_w = plant->bbu_w,
        .load_w = plant->dc_w,
        .grid_w = plant->ac_w,
        .grid_a = scenario_measure_current(plant),
        .limit_w = limit_w,
    };
}

/* ---- the watch ---- */

static void scenario_measure_step(void *arg, const struct plant *plant, int64_t dt_us)
{
    struct scenario_measure *m = arg;
    double dt_s = (double)dt_us / 1e6;

    if (m->next.step)
        m->next.step(m->next.arg, plant, dt_us);
    m->now_s = (double)(plant->now_us - m->zero_us) / 1e6;
    scenario_measure_event(m, plant, dt_s);
    double a = scenario_measure_current(plant);

    window_step(m->mean_w, plant->ac_w, dt_us);
    window_step(m->mean_a, a, dt_us);
    if (m->event_count == 0) {
        window_step(m->before_w, plant->ac_w, dt_us);
        window_step(m->before_a, a, dt_us);
    }
    m->energy_j += plant->ac_w * dt_s;
    scenario_measure_grid_side(m, plant);
    scenario_measure_bus(m, plant, dt_s);
    if (m->keep)
        scenario_measure_sample(m, plant);
}

struct plant_watch scenario_measure_watch(struct scenario_measure *m)
{
    return (struct plant_watch){ .step = scenario_measure_step, .arg = m };
}

void scenario_measure_orders(struct scenario_measure *m, uint64_t orders, uint64_t ride_orders,
                             uint64_t ride_writes)
{
    if (m->was_event) {
        struct scenario_event *e = &m->event[m->event_count - 1];

        e->orders += orders;
        e->ride_orders += ride_orders;
        e->ride_writes += ride_writes;
    }
    m->was_event = m->in_event;
}

void scenario_measure_end(struct scenario_measure *m)
{
    if (m->event_count > 0)
        m->event[m->event_count - 1].back =
            !m->in_event && scenario_measure_window(m->mean_w) >= SCENARIO_MEASURE_BACK_RATIO * m->base_w;
}

double scenario_measure_recovery_s(const struct scenario_event *e)
{
    if (!e->back)
        return INFINITY;
    return isfinite(e->below_s) ? e->below_s - e->ends_s : 0.0;
}

double scenario_measure_current_s(const struct scenario_event *e)
{
    if (e->lowest_ratio < SCENARIO_MEASURE_SUPPORT_LOW - SCENARIO_NEAR ||
        e->lowest_ratio >= SCENARIO_MEASURE_SUPPORT_HIGH)
        return (double)NAN;
    return isfinite(e->above_s) ? e->above_s - e->begins_s : 0.0;
}

enum status scenario_measure_init(struct scenario_measure *m, const struct scenario *scenario,
                                  const struct plant *plant, struct plant_watch next, bool samples)
{
    double a = scenario_measure_current(plant);
    enum status st;

    memset(m, 0, sizeof *m);
    m->scenario = scenario;
    m->next = next;
    m->zero_us = plant->now_us;
    m->keep = samples;
    m->base_w = (double)NAN;
    m->base_a = (double)NAN;
    m->bus_low_v = plant->bus_far_v;
    m->bus_high_v = plant->bus_v;
    m->used_j = scenario_measure_discharged_j(plant);
    m->resets = plant->it_resets;
    for (int32_t i = 0; i < plant->bbu_count; i++)
        m->full_j += plant->bbus[i].energy_full_j;
    for (int32_t i = 0; i < plant->psu_count; i++)
        m->trips += plant->psus[i].trips;
    for (int32_t i = 0; i < plant->gpu_count; i++) {
        m->work += plant->gpus[i].work;
        m->work_offered += plant->gpus[i].work_offered;
    }
    st = window_new(SCENARIO_MEASURE_MEAN_US, INFINITY, plant->ac_w, &m->mean_w);
    if (st == ST_OK)
        st = window_new(SCENARIO_MEASURE_MEAN_US, INFINITY, a, &m->mean_a);
    if (st == ST_OK)
        st = window_new(SCENARIO_MEASURE_BEFORE_US, INFINITY, plant->ac_w, &m->before_w);
    if (st == ST_OK)
        st = window_new(SCENARIO_MEASURE_BEFORE_US, INFINITY, a, &m->before_a);
    if (st != ST_OK)
        scenario_measure_done(m);
    return st;
}

void scenario_measure_done(struct scenario_measure *m)
{
    m->mean_w = window_free(m->mean_w);
    m->mean_a = window_free(m->mean_a);
    m->before_w = window_free(m->before_w);
    m->before_a = window_free(m->before_a);
    free(m->sample);
    m->sample = NULL;
}
