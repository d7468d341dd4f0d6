/* SPDX-License-Identifier: Apache-2.0 */
/* grid_rule.c: timers and hold-up energy along the corners of a grid event, in
 * closed form from one corner to the next. Pure; any thread. */
#include "grid_rule.h"

#include <math.h>

#define GRID_RULE_PHASES 3
#define GRID_RULE_NEAR_S 1e-9
#define GRID_RULE_FOLD   0.9  /* of what calls batteries: a supply at a low input gives less... */
#define GRID_RULE_FOLDED 0.98 /* ...namely so much of what its PFC takes             */
#define GRID_RULE_LOOP                                                                                       \
    0.06                           /* a loop is built for its bus: at most so much of the time in which
                                   the rated current would empty it                   */
#define GRID_RULE_GRADUAL     0.6  /* supplies do not end in the same instant: a dip is rather so deep */
#define GRID_RULE_ENERGY      0.03 /* a battery's losses hang on its charge and load   */
#define GRID_RULE_NORMAL_LOW  0.9  /* of nominal: no event                            */
#define GRID_RULE_NORMAL_HIGH 1.1
#define GRID_RULE_PI          3.14159265358979323846

/* ---- when the PFC goes off ---- */

/* Time at which a voltage held from t_s on has been outside long enough, given
 * how long it was before; INFINITY: never. */
static double grid_rule_expires(bool outside, double *lasted_s, double t_s, double until_s, double allowed_s)
{
    double at_s = t_s + allowed_s - *lasted_s;

    if (!outside) {
        *lasted_s = 0.0;
        return INFINITY;
    }
    *lasted_s += until_s - t_s;
    return until_s > at_s - GRID_RULE_NEAR_S ? at_s : INFINITY;
}

static double grid_rule_until(const struct plant_grid *grid, int32_t point)
{
    return point + 1 < grid->point_count ? grid->point[point + 1].t_s : INFINITY;
}

/* Points of a grid, `to` not among them: all, or one event. */
struct grid_rule_span {
    const struct plant_grid *grid;
    int32_t from, to;
};

/* First time at which the PFC of that phase goes off; INFINITY: never. */
static double grid_rule_phase_trip(const struct grid_rule_span *span, const struct plant_params *p, int phase)
{
    const struct plant_grid *grid = span->grid;
    double low_s = 0.0, over_s = 0.0, fast_s = 0.0;

    for (int32_t i = span->from; i < span->to; i++) {
        double t_s = grid->point[i].t_s, until_s = grid_rule_until(grid, i);
        double v = grid->point[i].ratio[phase] * p->nominal_v;
        double low = grid_rule_expires(v < p->psu_off_v, &low_s, t_s, until_s, p->psu_off_s);
        double over = grid_rule_expires(v > p->psu_over_v, &over_s, t_s, until_s, p->psu_over_s);
        double fast = grid_rule_expires(v > p->psu_over_fast_v, &fast_s, t_s, until_s, p->psu_over_fast_s);
        double first = fmin(low, fmin(over, fast));

        if (isfinite(first))
            return first;
    }
    return INFINITY;
}

bool grid_rule_trips(const struct plant_grid *grid, const struct plant_params *params, double *ret_at_s)
{
    const struct grid_rule_span all = { .grid = grid, .to = grid->point_count };
    double first = INFINITY;

    for (int phase = 0; phase < GRID_RULE_PHASES; phase++)
        first = fmin(first, grid_rule_phase_trip(&all, params, phase));
    if (ret_at_s)
        *ret_at_s = isfinite(first) ? first : (double)NAN;
    return isfinite(first);
}

/* ---- hold-up energy along the event ---- */

/* Of one supply: `spent` is the part of its hold-up energy that is gone. */
struct grid_rule_bulk {
    double load_w, energy_j, call_ratio;
    double spent, called_s, empty_s, folded_s; /* NAN: not yet                       */
    double short_w, input_w;                   /* folded: missing of load_w, at most; input then */
};

static bool grid_rule_spend(struct grid_rule_bulk *bulk, double rate, double t_s, double until_s)
{
    if (isnan(bulk->called_s) && bulk->spent + rate * (until_s - t_s) > bulk->call_ratio)
        bulk->called_s = t_s + (bulk->call_ratio - bulk->spent) / rate;
    if (bulk->spent + rate * (until_s - t_s) >= 1.0) {
        bulk->empty_s = t_s + (1.0 - bulk->spent) / rate;
        return false;
    }
    bulk->spent += rate * (until_s - t_s);
    return true;
}

/* `in_w` from the grid between t_s and until_s; `low`: it is low, but there: such a
 * supply gives less before it calls for batteries. False: what matters is known. */
static bool grid_rule_drain(struct grid_rule_bulk *bulk, double t_s, double until_s, double in_w, bool low)
{
    double rate = (bulk->load_w - in_w) / bulk->energy_j, fold = GRID_RULE_FOLD * bulk->call_ratio;

    if (rate <= 0.0) { /* the surplus refills it in no time that matters here */
        if (isnan(bulk->called_s))
            bulk->spent = 0.0;
        return isnan(bulk->called_s);
    }
    if (!low || !isnan(bulk->called_s))
        return grid_rule_spend(bulk, rate, t_s, until_s);
    if (bulk->spent + rate * (until_s - t_s) < fold) {
        bulk->spent += rate * (until_s - t_s);
        return true;
    }
    if (isnan(bulk->folded_s))
        bulk->folded_s = t_s + fmax(fold - bulk->spent, 0.0) / rate;
    if (bulk->load_w - GRID_RULE_FOLDED * in_w > bulk->short_w) {
        bulk->short_w = bulk->load_w - GRID_RULE_FOLDED * in_w;
        bulk->input_w = in_w;
    }
    bulk->spent = fmax(bulk->spent, fold);
    return true;
}

/* What a supply can take from a phase: what it may be asked for in pulses, less
 * under psu_derate_v, nothing once its PFC is off. */
static double grid_rule_input_w(const struct plant_params *p, double rated_w, double v)
{
    double ratio = v / p->psu_derate_v;

    return rated_w *
           (ratio < 1.0 ? ratio : fmax(ratio, p->psu_pulse_2_ratio * (1.0 + p->psu_overload_ratio)));
}

static void grid_rule_phase(const struct grid_rule_span *span, const struct plant_params *p, double rated_w,
                            int phase, struct grid_rule_bulk *bulk)
{
    const struct plant_grid *grid = span->grid;
    double trip_s = grid_rule_phase_trip(span, p, phase);

    for (int32_t i = span->from; i < span->to; i++) {
        double t_s = grid->point[i].t_s, until_s = grid_rule_until(grid, i);
        double v = grid->point[i].ratio[phase] * p->nominal_v;
        double in_w = grid_rule_input_w(p, rated_w, v);
        double on_s = fmin(fmax(trip_s, t_s), until_s); /* with its PFC, then without */

        if (on_s > t_s && !grid_rule_drain(bulk, t_s, on_s, in_w, v >= p->psu_off_v))
            return;
        if (until_s > on_s && !grid_rule_drain(bulk, on_s, until_s, 0.0, false))
            return;
    }
}

/* ---- batteries and the busbar ---- */

struct grid_rule_dip {
    double v, rad_per_s;
};

struct grid_rule_rack {
    const struct plant_params *p;
    double load_w;
    double psu_w, bbu_w; /* rated, of those that are there                    */
    int32_t psus;
    double energy_j;
    double bus_v;  /* before the event                                  */
    double most;   /* of the current, over the mean: the supply that takes most */
    double early;  /* AC_LOSS_L: that one calls for all                 */
    bool cautious; /* counts with the worst: the whole dip, the latest start */
    struct grid_rule_dip dip;
};

static void grid_rule_rack(const struct plant *plant, double load_w, struct grid_rule_rack *ret)
{
    const struct plant_params *p = &plant->params;
    double most = 0.0, sum = 0.0;

    *ret = (struct grid_rule_rack){ .p = p, .load_w = load_w, .most = 1.0, .early = 1.0 };
    for (int32_t i = 0; i < plant->psu_count; i++)
        if (plant->psus[i].present && plant->psus[i].on) {
            ret->psu_w += plant->shelves[plant->psus[i].shelf].psu_rated_w;
            ret->psus++;
            most = fmax(most, plant->psus[i].share);
            sum += plant->psus[i].share;
        }
    if (sum > 0.0)
        ret->most = most * ret->psus / sum;
    if (p->psu_handover_step_v <= 0.0)
        ret->early = ret->most;
    for (int32_t i = 0; i < plant->bbu_count; i++)
        if (plant->bbus[i].present && !plant->bbus[i].failed && plant->bbus[i].energy_j > 0.0) {
            ret->bbu_w += p->bbu_rated_w;
            ret->energy_j += plant->bbus[i].energy_j;
        }
    ret->bus_v = p->psu_output_v - p->psu_droop_v * load_w / ret->psu_w;
}

/* Lowest voltage at the sources at which the farthest tray still has it_low_v. */
static double grid_rule_low_v(const struct grid_rule_rack *rack)
{
    double v = rack->p->it_low_v;

    return 0.5 * (v + sqrt(v * v + 4.0 * rack->p->bus_resistance_ohm * rack->load_w));
}

/* How far the busbar falls under its new level when batteries take the whole load at
 * once: a line of r = droop over rated current behind a loop of tau, into C, is a
 * circuit of second order; at the worst all supplies end in the same instant. */
static void grid_rule_dip(const struct grid_rule_rack *rack, double share_w, struct grid_rule_dip *ret)
{
    const struct plant_params *p = rack->p;
    double full_v = p->bbu_output_v - p->bbu_droop_v, ohm = p->bbu_droop_v * full_v / rack->bbu_w;
    double empty_s = p->bus_capacitance_f * p->psu_output_v * p->psu_output_v / rack->psu_w;
    double loop_s = fmin(p->psu_loop_s, GRID_RULE_LOOP * empty_s);
    double damping = 0.5 * sqrt(ohm * p->bus_capacitance_f / loop_s);
    double swing_v = share_w / full_v * sqrt(ohm * ohm + ohm * loop_s / p->bus_capacitance_f);

    *ret = (struct grid_rule_dip){ .v = 0.0 };
    if (damping >= 1.0)
        return;
    ret->v = swing_v * exp(-0.5 * GRID_RULE_PI * damping / sqrt(1.0 - damping * damping));
    ret->rad_per_s = sqrt((1.0 - damping * damping) / (ohm * loop_s * p->bus_capacitance_f));
}

/* Is the trough of a dip from room_v above the limit too long for IT gear? */
static bool grid_rule_hurts(const struct grid_rule_rack *rack, double room_v)
{
    double dip_v = GRID_RULE_GRADUAL * rack->dip.v;

    if (rack->cautious)
        return rack->dip.v > room_v;
    return dip_v > room_v && 2.0 * acos(room_v / dip_v) > rack->p->it_low_s * rack->dip.rad_per_s;
}

/* Have batteries the power, and is their voltage enough, with `share_w` on them? */
static bool grid_rule_powerful(const struct grid_rule_rack *rack, double share_w)
{
    const struct plant_params *p = rack->p;
    double room_v;

    if (rack->bbu_w <= 0.0 || share_w > rack->bbu_w * p->bbu_peak_ratio)
        return false;
    room_v = p->bbu_output_v - p->bbu_droop_v * share_w / rack->bbu_w - grid_rule_low_v(rack);
    return room_v >= 0.0 && !grid_rule_hurts(rack, room_v);
}

/* Capacitance that carries `short_w` for gap_s down to what IT gear stands. */
static double grid_rule_bridge_f(const struct grid_rule_rack *rack, double from_v, double short_w,
                                 double gap_s)
{
    double low_v = grid_rule_low_v(rack) + (rack->cautious ? rack->dip.v : 0.0),
           square = from_v * from_v - low_v * low_v;

    if (gap_s <= 0.0 || short_w <= 0.0)
        return 0.0;
    return square > 0.0 ? 2.0 * short_w * gap_s / square : (double)INFINITY;
}

/* One phase's supplies: up, or down and on their way back. */
struct grid_rule_away {
    double low_s, over_s, fast_s; /* outside so long                                 */
    double return_s;              /* of good input, until they are back              */
    double left_s;                /* of that; 0: up                                  */
    double away_s;                /* so far                                          */
    int32_t trips;
};

/* Until a phase's supplies carry again: chance decides, 0 as soon as can be, 1 at the latest. */
static double grid_rule_return_s(const struct plant_params *p, double luck)
{
    return p->psu_boot_low_s + luck * (p->psu_boot_high_s - p->psu_boot_low_s + p->psu_random_alive_s) +
           p->psu_walk_in_s;
}

/* From t_s to until_s with the PFC off: a good input brings them back. */
static void grid_rule_back(struct grid_rule_away *away, bool good, double t_s, double until_s)
{
    double used_s = good ? fmin(away->left_s, until_s - t_s) : until_s - t_s;

    away->away_s += used_s;
    away->left_s = good ? away->left_s - used_s : away->return_s;
}

/* How long batteries carry: from each trip until the supplies of that phase are
 * back. INFINITY: for ever. */
static void grid_rule_away(const struct plant_grid *grid, const struct plant_params *p, int phase,
                           struct grid_rule_away *away)
{
    for (int32_t i = 0; i < grid->point_count; i++) {
        double t_s = grid->point[i].t_s, until_s = grid_rule_until(grid, i);
        double v = grid->point[i].ratio[phase] * p->nominal_v;

        if (away->left_s <= 0.0) {
            double low = grid_rule_expires(v < p->psu_off_v, &away->low_s, t_s, until_s, p->psu_off_s);
            double over = grid_rule_expires(v > p->psu_over_v, &away->over_s, t_s, until_s, p->psu_over_s);
            double fast =
                grid_rule_expires(v > p->psu_over_fast_v, &away->fast_s, t_s, until_s, p->psu_over_fast_s);
            double trip_s = fmin(low, fmin(over, fast));

            if (!isfinite(trip_s))
                continue;
            away->low_s = away->over_s = away->fast_s = 0.0;
            away->left_s = away->return_s;
            away->trips++;
            t_s = fmax(trip_s, t_s);
        }
        grid_rule_back(away, v > p->psu_on_v && v < p->psu_over_v, t_s, until_s);
    }
}

/* How long batteries carry on the phase that is away for longest. */
static double grid_rule_away_s(const struct grid_rule_rack *rack, const struct plant_grid *grid, double luck,
                               int32_t *ret_trips)
{
    double away_s = 0.0;

    *ret_trips = 0;
    for (int phase = 0; phase < GRID_RULE_PHASES; phase++) {
        struct grid_rule_away away = { .return_s = grid_rule_return_s(rack->p, luck) };

        grid_rule_away(grid, rack->p, phase, &away);
        away_s = fmax(away_s, away.away_s);
        *ret_trips = away.trips > *ret_trips ? away.trips : *ret_trips;
    }
    return away_s;
}

/* Does their energy suffice? Where it is between what the earliest and the latest return
 * ask for, the supplies' random delays decide and the books are silent. Does a second
 * event find the supplies as the first did? A shelf that steps down to call walks in
 * with its rated current and no more: above it, over-current mode and its retries
 * decide. */
static void grid_rule_lasting(const struct grid_rule_rack *rack, const struct plant_grid *grid,
                              struct grid_rule *ret)
{
    double share_w = ret->called ? rack->load_w : ret->short_w;
    int32_t trips;
    double late_j = share_w * grid_rule_away_s(rack, grid, 1.0, &trips);
    double early_j = share_w * grid_rule_away_s(rack, grid, 0.0, &trips);

    ret->lasting = rack->energy_j >= late_j;
    if (rack->energy_j < (1.0 + GRID_RULE_ENERGY) * late_j &&
        rack->energy_j > (1.0 - GRID_RULE_ENERGY) * early_j)
        ret->speaks = false;
    if (trips > 1 && rack->p->psu_handover_step_v > 0.0 && rack->load_w > rack->psu_w)
        ret->speaks = false;
}

/* ---- the verdict on one phase ---- */

/* Hold-up ends `margin_s` after batteries carry, or before: then the busbar's own
 * capacitance has to do. Where supplies step down to call, it starts lower, and
 * must bear that as well. */
static void grid_rule_handover(const struct grid_rule_rack *rack, const struct grid_rule_bulk *bulk,
                               double delay_s, struct grid_rule *ret)
{
    const struct plant_params *p = rack->p;
    double lower_v = 0.0,
           margin_s = isnan(bulk->empty_s) ? INFINITY : bulk->empty_s - bulk->called_s - delay_s;

    if (p->psu_handover_step_v > 0.0)
        lower_v = fmin(p->psu_handover_step_v, fmin(delay_s, margin_s + delay_s) * p->psu_handover_v_per_s);
    ret->called = true;
    ret->called_s = isnan(ret->called_s) ? bulk->called_s : fmin(ret->called_s, bulk->called_s);
    ret->margin_s = fmin(ret->margin_s, margin_s);
    ret->bridge_f =
        fmax(ret->bridge_f, grid_rule_bridge_f(rack, rack->bus_v - lower_v, rack->load_w, -margin_s));
    ret->powerful = ret->powerful && grid_rule_powerful(rack, rack->load_w) &&
                    rack->bus_v - lower_v >= grid_rule_low_v(rack);
}

/* At a low input supplies give less, one after the other, and the busbar falls until
 * batteries see it. At the worst all do so at once, and capacitance has to bridge the
 * batteries' timers; where it would not, how they share decides, and the books are
 * silent. */
static void grid_rule_fold(const struct grid_rule_rack *rack, double short_w, double at_s,
                           struct grid_rule *ret)
{
    const struct plant_params *p = rack->p;
    double bridge_f = grid_rule_bridge_f(rack, fmin(rack->bus_v, p->bbu_trigger_v), short_w,
                                         p->bbu_trigger_s + p->bbu_start_s);

    ret->folded = true;
    ret->called_s = isnan(ret->called_s) ? at_s : fmin(ret->called_s, at_s);
    ret->short_w = fmax(ret->short_w, short_w);
    ret->powerful = ret->powerful && grid_rule_powerful(rack, short_w);
    if (rack->cautious)
        ret->bridge_f = fmax(ret->bridge_f, bridge_f);
    else
        ret->speaks = ret->speaks && p->bus_capacitance_f >= bridge_f;
}

static bool grid_rule_normal(const struct plant_grid_point *point)
{
    for (int phase = 0; phase < GRID_RULE_PHASES; phase++)
        if (point->ratio[phase] < GRID_RULE_NORMAL_LOW || point->ratio[phase] > GRID_RULE_NORMAL_HIGH)
            return false;
    return true;
}

/* An event ends where the next one begins: all before it is back by then. */
static int32_t grid_rule_event_end(const struct plant_grid *grid, int32_t from)
{
    int32_t i = from + 1;

    while (i < grid->point_count &&
           (grid_rule_normal(&grid->point[i]) || !grid_rule_normal(&grid->point[i - 1])))
        i++;
    return i;
}

/* One event on one phase's supplies. delay_s: from the call until batteries carry. */
static void grid_rule_event(const struct grid_rule_span *span, const struct grid_rule_rack *rack, int phase,
                            double delay_s, struct grid_rule *ret)
{
    const struct plant_params *p = rack->p;
    struct grid_rule_bulk bulk = { .load_w = rack->load_w / rack->psus,
                                   .energy_j = p->psu_holdup_j,
                                   .call_ratio = p->psu_handover_ratio,
                                   .called_s = (double)NAN,
                                   .empty_s = (double)NAN,
                                   .folded_s = (double)NAN };
    struct grid_rule_bulk early = bulk, most = bulk;

    early.load_w *= rack->early;
    most.load_w *= rack->most;
    grid_rule_phase(span, p, rack->psu_w / rack->psus, phase, &bulk);
    grid_rule_phase(span, p, rack->psu_w / rack->psus, phase, &early);
    grid_rule_phase(span, p, rack->psu_w / rack->psus, phase, &most);
    /* What the first one no longer gives makes the next one fold. */
    most.short_w = bulk.load_w - GRID_RULE_FOLDED * most.input_w;
    if (!isnan(bulk.folded_s))
        grid_rule_fold(rack, bulk.short_w * rack->psus, bulk.folded_s, ret);
    else if (!isnan(most.folded_s) && most.short_w > 0.0)
        grid_rule_fold(rack, most.short_w * rack->psus, most.folded_s, ret);
    if (isnan(bulk.called_s))
        return;
    if (!isnan(early.called_s))
        bulk.called_s = early.called_s;
    grid_rule_handover(rack, &bulk, delay_s, ret);
}

/* All events on all phases, as cautious as `rack` says. */
static void grid_rule_events(const struct plant *plant, const struct plant_grid *grid,
                             const struct grid_rule_rack *rack, struct grid_rule *ret)
{
    const struct plant_params *p = rack->p;
    struct plant_rule rule;

    plant_rule(plant, rack->load_w, &rule);
    *ret = (struct grid_rule){ .trips = grid_rule_trips(grid, p, NULL),
                               .called_s = (double)NAN,
                               .margin_s = (double)INFINITY,
                               .powerful = true,
                               .lasting = true,
                               .speaks = true };
    for (int32_t from = 0, to; from < grid->point_count; from = to) {
        to = grid_rule_event_end(grid, from);
        const struct grid_rule_span event = { .grid = grid, .from = from, .to = to };

        for (int phase = 0; phase < GRID_RULE_PHASES; phase++)
            grid_rule_event(&event, rack, phase, rule.carried_s - rule.called_s, ret);
    }
    if (ret->called || ret->folded)
        grid_rule_lasting(rack, grid, ret);
    ret->carries =
        ret->powerful && ret->lasting && (ret->bridge_f <= 0.0 || p->bus_capacitance_f >= ret->bridge_f);
}

void grid_rule(const struct plant *plant, const struct plant_grid *grid, double load_w, struct grid_rule *ret)
{
    struct grid_rule_rack rack;
    struct grid_rule cautious;

    grid_rule_rack(plant, load_w, &rack);
    grid_rule_events(plant, grid, &rack, ret); /* how much batteries have to take */
    if (rack.bbu_w > 0.0)
        grid_rule_dip(&rack, ret->called ? load_w : ret->short_w, &rack.dip);
    grid_rule_events(plant, grid, &rack, ret);
    rack.cautious = true;
    grid_rule_events(plant, grid, &rack, &cautious);
    ret->dip_v = rack.dip.v;
    ret->steady = cautious.carries && cautious.speaks;
}
