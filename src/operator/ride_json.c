/* SPDX-License-Identifier: Apache-2.0 */
/* ride_json.c: where the rack stands towards the grid, as JSON. Pure. */
#include <math.h>

#include "answer.h"
#include "snapshot_json.h"

void ride_json(const struct snapshot *snap, struct json_object *to)
{
    const struct core_ride_view *ride = &snap->outputs->ride;
    bool on = ride->state != CORE_RIDE_OFF;
    double since_s = (double)(snap->now_us - ride->since_us) / 1e6;

    answer_text(to, "state", core_ride_label(ride->state));
    answer_number(to, "since_s", on && since_s >= 0.0 ? since_s : NAN);
    answer_number(to, "input_ratio", on ? ride->input_ratio : NAN);
    if (on)
        answer_bool(to, "capable", ride->capable);
    else
        answer_null(to, "capable");
    answer_number(to, "capable_w", on ? ride->capable_w : NAN);
    answer_number(to, "margin_ms", on ? ride->margin_s * 1e3 : NAN);
    answer_number(to, "energy_j", on ? ride->energy_j : NAN);
    answer_number(to, "reserve_j", on ? ride->reserve_j : NAN);
    answer_number(to, "wear_left_cycles", on ? ride->wear_left_cycles : NAN);
    answer_count(to, "writes", ride->writes);
}
