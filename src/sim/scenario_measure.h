/* SPDX-License-Identifier: Apache-2.0 */
/* scenario_measure.h: what a run is judged by beside checks.h, on the plant's truth.
 *
 * Looks at the plant after each of its inner steps; decides nothing. An event is a
 * time in which a phase is under 0.90 or over 1.10 pu, or the frequency is off.
 * Powers and currents are means over 20 ms, one cycle of the slowest grid.
 */
#ifndef BUSBAR_SIM_SCENARIO_MEASURE_H
#define BUSBAR_SIM_SCENARIO_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/status.h"
#include "plant.h"
#include "scenario.h"
#include "window.h"

#define SCENARIO_EVENTS_MAX  32
#define SCENARIO_RAMP_POINTS 100 /* of 10 ms: a second                              */

struct scenario_event {
    double begins_s, ends_s; /* ends_s NAN: it goes on                            */
    double lowest_ratio, highest_ratio;
    double below_s;                            /* AC power was last under 90 %, since it ended; NAN: never */
    double above_s;                            /* AC current was last over what it was, during it; NAN */
    bool back;                                 /* power is at 90 % when the next begins, or at the end */
    uint64_t orders, ride_orders, ride_writes; /* during it                         */
};

struct scenario_measure {
    const struct scenario *scenario;
    struct plant_watch next; /* also sees every step: the checks'                 */
    int64_t zero_us;
    double now_s;
    struct window *mean_w, *mean_a, *before_w, *before_a;
    double base_w, base_a; /* means of the second before the first event; NAN   */
    int32_t event_count;
    bool in_event, was_event; /* was_event: since scenario_measure_orders()        */
    struct scenario_event event[SCENARIO_EVENTS_MAX];
    bool low, handed_back; /* batteries carry; supplies have carried all again  */
    double calm_s, dip_s;  /* batteries idle, or carrying again, for so long    */
    bool second_dip;
    double overshoot_w, rebound_w; /* highest mean after a return; less what batteries charge with */
    double ramp_w_per_s;
    double ramp[SCENARIO_RAMP_POINTS];
    int32_t ramp_next, ramp_count;
    double ramp_at_s;
    double bus_low_v, bus_high_v, off_ratio, charge_w, peak_w, energy_j;
    double used_j, full_j;     /* batteries: given so far at time 0; their size     */
    double work, work_offered; /* at time 0                                         */
    uint32_t trips, resets;    /* at time 0                                         */
    bool keep;                 /* samples are wanted                                */
    struct scenario_sample *sample;
    size_t sample_count, sample_room;
    double sample_s;
};

/* The plant stands at time 0. ST_NOMEM. */
NODISCARD enum status scenario_measure_init(struct scenario_measure *m, const struct scenario *scenario,
                                            const struct plant *plant, struct plant_watch next, bool samples);
void scenario_measure_done(struct scenario_measure *m);

struct plant_watch scenario_measure_watch(struct scenario_measure *m);

/* Orders and writes of the control period just done. */
void scenario_measure_orders(struct scenario_measure *m, uint64_t orders, uint64_t ride_orders,
                             uint64_t ride_writes);

/* No step follows. */
void scenario_measure_end(struct scenario_measure *m);

/* Seconds from the event's end until the power was back for good; INFINITY: it
 * was not. From its beginning until the current was; NAN: not a sag of that kind. */
double scenario_measure_recovery_s(const struct scenario_event *e);
double scenario_measure_current_s(const struct scenario_event *e);

/* Part of the supplies that are there and carry. */
double scenario_measure_carry_ratio(const struct plant *plant);

#endif
