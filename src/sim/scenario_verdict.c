/* SPDX-License-Identifier: Apache-2.0 */
/* scenario_verdict.c: which rows a run is judged by, and what they say. Pure.
 *
 * What software cannot change on stock hardware is a metric there; what hardware
 * alone is judged by (`none`) are the rows of the plant, and whether it stayed on
 * the grid. docs/scenarios.md says which row applies when.
 */
#include "scenario_verdict.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "busbar/check.h"

#define SCENARIO_VERDICT_SHORT_S 0.5 /* shorter events are carried by what was armed */

static struct scenario_check *scenario_verdict_add(struct scenario_result *ret, const char *name,
                                                   const char *unit, bool ok, double value, double limit)
{
    struct scenario_check *c;

    CHECK(ret->check_count < SCENARIO_CHECKS_MAX);
    c = &ret->check[ret->check_count++];
    *c = (struct scenario_check){ .ok = ok, .value = value, .limit = limit };
    (void)snprintf(c->name, sizeof c->name, "%s", name);
    (void)snprintf(c->unit, sizeof c->unit, "%s", unit);
    return c;
}

static void scenario_verdict_metric(struct scenario_result *ret, const char *name, const char *unit,
                                    double value)
{
    struct scenario_metric *m;

    CHECK(ret->metric_count < SCENARIO_METRICS_MAX);
    m = &ret->metric[ret->metric_count++];
    *m = (struct scenario_metric){ .value = value };
    (void)snprintf(m->name, sizeof m->name, "%s", name);
    (void)snprintf(m->unit, sizeof m->unit, "%s", unit);
}

double scenario_metric(const struct scenario_result *result, const char *name)
{
    for (int32_t i = 0; i < result->metric_count; i++)
        if (strcmp(result->metric[i].name, name) == 0)
            return result->metric[i].value;
    return (double)NAN;
}

void scenario_verdict_before(struct scenario_seen *seen, const struct core_outputs *out,
                             const struct plant *plant)
{
    struct plant_rule rule;

    if (out) {
        seen->capable = out->ride.capable;
        seen->margin_s = out->ride.margin_s;
        return;
    }
    plant_rule(plant, plant->dc_w, &rule);
    seen->capable = rule.carries;
    seen->margin_s = rule.margin_s;
}

/* ---- checks ---- */

/* What holds of the hardware alone, with or without a controller. */
static bool scenario_verdict_of_plant(enum checks_kind kind)
{
    return kind == CHECKS_LIMITS || kind == CHECKS_BUS_LOW || kind == CHECKS_BUS_HIGH ||
           kind == CHECKS_IT_KEPT || kind == CHECKS_BREAKERS;
}

static void scenario_verdict_checks(const struct scenario *s, const struct scenario_seen *seen,
                                    struct scenario_result *ret)
{
    for (int k = 0; k < CHECKS_COUNT; k++) {
        struct checks_result r;
        struct scenario_check *c;

        if (!s->check[k] ||
            (s->controller == VIRTUAL_NONE && !scenario_verdict_of_plant((enum checks_kind)k)))
            continue;
        checks_result(seen->checks, (enum checks_kind)k, &r);
        if (!r.looked)
            continue;
        c = scenario_verdict_add(ret, r.name, r.unit, r.ok, r.value, r.limit);
        (void)snprintf(c->detail, sizeof c->detail, "%s", r.detail);
    }
}

static double scenario_verdict_trips(const struct scenario_seen *seen)
{
    double trips = -(double)seen->measure->trips;

    for (int32_t i = 0; i < seen->plant->psu_count; i++)
        trips += seen->plant->psus[i].trips;
    return trips;
}

static void scenario_verdict_connected(const struct scenario *s, const struct scenario_seen *seen,
                                       struct scenario_result *ret)
{
    double trips = scenario_verdict_trips(seen);
    struct scenario_check *c;

    if (!s->stay_connected && (s->controller != VIRTUAL_NONE || s->disconnect_legal))
        return;
    c = scenario_verdict_add(ret, "connected", "trips", trips <= 0.0 && seen->measure->off_ratio <= 0.0,
                             trips, 0.0);
    (void)snprintf(c->detail, sizeof c->detail, "%.0f %% of the supplies left the grid",
                   100.0 * seen->measure->off_ratio);
}

/* The tightest deadline that applies to an event of that length; NAN: none. */
static double scenario_verdict_deadline(const struct scenario *s, double lasted_s)
{
    double under_s = INFINITY, within_s = (double)NAN;

    for (int32_t i = 0; i < s->deadline_count; i++) {
        const struct scenario_deadline *d = &s->deadline[i];

        if (d->start == s->params.start && lasted_s < d->under_s && d->under_s < under_s) {
            under_s = d->under_s;
            within_s = d->within_s;
        }
    }
    return within_s;
}

/* The event that is worst off against its deadline. */
static void scenario_verdict_recovery(const struct scenario *s, const struct scenario_seen *seen,
                                      struct scenario_result *ret)
{
    const struct scenario_measure *m = seen->measure;
    double least = INFINITY, value = 0.0, limit = 0.0;
    int32_t worst = -1;

    for (int32_t i = 0; i < m->event_count; i++) {
        double took_s = scenario_measure_recovery_s(&m->event[i]);
        double within_s = scenario_verdict_deadline(s, m->event[i].ends_s - m->event[i].begins_s);

        if (isnan(within_s) || within_s - took_s >= least)
            continue;
        least = within_s - took_s;
        value = took_s;
        limit = within_s;
        worst = i;
    }
    if (worst < 0)
        return;
    struct scenario_check *c = scenario_verdict_add(ret, "recovery", "s", value <= limit, value, limit);

    (void)snprintf(c->detail, sizeof c->detail, "event %d of %d%s", worst + 1, m->event_count,
                   isfinite(value) ? "" : ": not back");
}

/* What those that do not carry are doing. */
static void scenario_verdict_states(const struct plant *plant, char *ret, size_t room)
{
    static const char *const words[PLANT_PSU_STATE_COUNT] = {
        [PLANT_PSU_OFF] = "off",         [PLANT_PSU_BOOT] = "boot",
        [PLANT_PSU_WAIT] = "wait",       [PLANT_PSU_WALK_IN] = "walk in",
        [PLANT_PSU_HOLD_UP] = "hold up", [PLANT_PSU_LOW] = "in over-current mode",
        [PLANT_PSU_LATCHED] = "latched",
    };
    size_t used = 0;

    *ret = '\0';
    for (int state = 0; state < PLANT_PSU_STATE_COUNT; state++) {
        int32_t count = 0;

        for (int32_t i = 0; i < plant->psu_count; i++)
            count += plant->psus[i].present && plant->psus[i].state == (enum plant_psu_state)state;
        if (count > 0 && words[state] && used < room)
            used += (size_t)snprintf(ret + used, room - used, "%s%d %s", used > 0 ? ", " : "", count,
                                     words[state]);
    }
}

static void scenario_verdict_carrying(const struct scenario *s, const struct scenario_seen *seen,
                                      struct scenario_result *ret)
{
    double ratio = scenario_measure_carry_ratio(seen->plant);
    struct scenario_check *c;

    if (s->carry_ratio <= 0.0)
        return;
    c = scenario_verdict_add(ret, "carrying", "ratio", ratio >= s->carry_ratio, ratio, s->carry_ratio);
    scenario_verdict_states(seen->plant, c->detail, sizeof c->detail);
}

static double scenario_verdict_current(const struct scenario_measure *m)
{
    double worst = (double)NAN;

    for (int32_t i = 0; i < m->event_count; i++) {
        double took_s = scenario_measure_current_s(&m->event[i]);

        if (isnan(worst) || took_s > worst)
            worst = took_s;
    }
    return worst;
}

static double scenario_verdict_of_before(const struct scenario_measure *m, double w)
{
    return m->event_count > 0 && m->base_w > 0.0 ? w / m->base_w : (double)NAN;
}

/* Orders for riding through in events that what was armed must carry. */
static double scenario_verdict_short_writes(const struct scenario_measure *m)
{
    double writes = 0.0;

    for (int32_t i = 0; i < m->event_count; i++) {
        const struct scenario_event *e = &m->event[i];

        if (e->ends_s - e->begins_s < SCENARIO_VERDICT_SHORT_S)
            writes += (double)(e->ride_orders > e->ride_writes ? e->ride_orders : e->ride_writes);
    }
    return writes;
}

static void scenario_verdict_of_busbar(const struct scenario *s, const struct scenario_seen *seen,
                                       struct scenario_result *ret)
{
    const struct scenario_measure *m = seen->measure;
    double overshoot = scenario_verdict_of_before(m, m->rebound_w), writes = scenario_verdict_short_writes(m);
    double ramp_w_per_s =
        s->ramp_ratio_per_s * m->base_w; /* a rack under more load comes back in more watts */

    if (s->no_overshoot_ratio > 0.0 && isfinite(overshoot))
        (void)scenario_verdict_add(ret, "overshoot", "ratio", overshoot <= s->no_overshoot_ratio, overshoot,
                                   s->no_overshoot_ratio);
    if (m->event_count > 0)
        (void)scenario_verdict_add(ret, "second_dip", "dips", !m->second_dip, m->second_dip, 0.0);
    if (s->no_write)
        (void)scenario_verdict_add(ret, "no_write", "orders", writes <= 0.0, writes, 0.0);
    if (s->ramp_ratio_per_s > 0.0 && m->event_count > 0)
        (void)scenario_verdict_add(ret, "ramp", "W/s", m->ramp_w_per_s <= ramp_w_per_s, m->ramp_w_per_s,
                                   ramp_w_per_s);
}

/* ---- metrics ---- */

static double scenario_verdict_worst_recovery(const struct scenario_measure *m)
{
    double worst = m->event_count > 0 ? 0.0 : (double)NAN;

    for (int32_t i = 0; i < m->event_count; i++)
        worst = fmax(worst, scenario_measure_recovery_s(&m->event[i]));
    return worst;
}

static void scenario_verdict_metrics_ride(const struct scenario_seen *seen, struct scenario_result *ret)
{
    const struct scenario_measure *m = seen->measure;
    uint64_t orders = 0, writes = 0;
    double recovery_s = scenario_verdict_worst_recovery(m);

    for (int32_t i = 0; i < m->event_count; i++) {
        orders += m->event[i].orders;
        writes += m->event[i].ride_writes;
    }
    scenario_verdict_metric(ret, "events", "", m->event_count);
    scenario_verdict_metric(ret, "pfc_trips", "trips", scenario_verdict_trips(seen));
    scenario_verdict_metric(ret, "disconnected", "ratio", m->off_ratio);
    scenario_verdict_metric(ret, "bus_min_v", "V", m->bus_low_v);
    scenario_verdict_metric(ret, "bus_max_v", "V", m->bus_high_v);
    scenario_verdict_metric(ret, "recovered", "", m->event_count > 0 ? isfinite(recovery_s) : (double)NAN);
    scenario_verdict_metric(ret, "recovery_s", "s", recovery_s);
    scenario_verdict_metric(ret, "overshoot_ratio", "ratio", scenario_verdict_of_before(m, m->overshoot_w));
    scenario_verdict_metric(ret, "rebound_ratio", "ratio", scenario_verdict_of_before(m, m->rebound_w));
    scenario_verdict_metric(ret, "ramp_w_per_s", "W/s", m->event_count > 0 ? m->ramp_w_per_s : (double)NAN);
    scenario_verdict_metric(ret, "it_lost", "resets", (double)(seen->plant->it_resets - m->resets));
    scenario_verdict_metric(ret, "second_dip", "", m->second_dip);
    scenario_verdict_metric(ret, "current_within_s", "s", scenario_verdict_current(m));
    scenario_verdict_metric(ret, "orders_in_event", "orders", (double)orders);
    scenario_verdict_metric(ret, "ride_writes", "writes", (double)writes);
    scenario_verdict_metric(ret, "carry_ratio", "ratio", scenario_measure_carry_ratio(seen->plant));
    scenario_verdict_metric(ret, "capable", "", seen->capable);
    scenario_verdict_metric(ret, "margin_s", "s", seen->margin_s);
}

/* How far the fullest window stayed under its limit. */
static double scenario_verdict_worst_margin(const struct scenario_seen *seen)
{
    struct checks_result r;

    checks_result(seen->checks, CHECKS_LIMITS, &r);
    return r.looked ? r.limit - r.value : (double)NAN;
}

static void scenario_verdict_metrics_energy(const struct scenario *s, const struct scenario_seen *seen,
                                            struct scenario_result *ret)
{
    /* Batteries begin to charge again only when the run is over. */
    bool after = isfinite(s->ends_s) && s->seconds <= s->ends_s + s->params.bbu_charge_delay_s;
    const struct scenario_measure *m = seen->measure;
    const struct plant *plant = seen->plant;
    double used_j = -m->used_j, work = -m->work, offered = -m->work_offered;

    for (int32_t i = 0; i < plant->bbu_count; i++)
        used_j += plant->bbus[i].discharged_j;
    for (int32_t i = 0; i < plant->gpu_count; i++) {
        work += plant->gpus[i].work;
        offered += plant->gpus[i].work_offered;
    }
    scenario_verdict_metric(ret, "recharge_peak_w", "W",
                            after && m->charge_w <= 0.0 ? (double)NAN : m->charge_w);
    scenario_verdict_metric(ret, "bbu_used_j", "J", used_j);
    scenario_verdict_metric(ret, "bbu_cycles", "cycles", m->full_j > 0.0 ? used_j / m->full_j : 0.0);
    scenario_verdict_metric(ret, "served_ratio", "ratio", offered > 0.0 ? work / offered : 1.0);
    scenario_verdict_metric(ret, "served_work", "GPU s", seen->works ? seen->work.served_work : (double)NAN);
    scenario_verdict_metric(ret, "throttled_gpu_s", "GPU s",
                            seen->works ? seen->work.throttled_s : (double)NAN);
    scenario_verdict_metric(ret, "slowdown_p95", "ratio",
                            seen->works ? seen->work.slowdown_p95 : (double)NAN);
    scenario_verdict_metric(ret, "worst_margin_w", "W", scenario_verdict_worst_margin(seen));
    scenario_verdict_metric(ret, "before_w", "W", m->base_w);
    scenario_verdict_metric(ret, "mean_w", "W", m->energy_j / ret->sim_s);
    scenario_verdict_metric(ret, "peak_w", "W", m->peak_w);
}

void scenario_verdict(const struct scenario *s, const struct scenario_seen *seen, struct scenario_result *ret)
{
    double current_s = scenario_verdict_current(seen->measure);

    scenario_verdict_checks(s, seen, ret);
    scenario_verdict_connected(s, seen, ret);
    scenario_verdict_recovery(s, seen, ret);
    if (s->current_within_s > 0.0 && !isnan(current_s))
        (void)scenario_verdict_add(ret, "current", "s", current_s <= s->current_within_s, current_s,
                                   s->current_within_s);
    scenario_verdict_carrying(s, seen, ret);
    if (s->controller != VIRTUAL_NONE)
        scenario_verdict_of_busbar(s, seen, ret);
    scenario_verdict_metrics_ride(seen, ret);
    scenario_verdict_metrics_energy(s, seen, ret);
    ret->ok = true;
    for (int32_t i = 0; i < ret->check_count; i++)
        ret->ok = ret->ok && ret->check[i].ok;
}
