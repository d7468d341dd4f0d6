/* SPDX-License-Identifier: Apache-2.0 */
/* forecast_json.c: what forecasters say, and how far they are to be believed, as JSON. Pure. */
#include <json-c/json.h>
#include <math.h>

#include "answer.h"
#include "snapshot_json.h"

static void forecast_json_levels(struct json_object *to, const char *key,
                                 const double level[CORE_FORECAST_LEVELS])
{
    static const char *const names[CORE_FORECAST_LEVELS] = { "p90", "p99", "p999" };
    struct json_object *levels = answer_object(to, key);

    for (int32_t k = 0; k < CORE_FORECAST_LEVELS; k++)
        answer_number(levels, names[k], level[k]);
}

static void forecast_json_armed(const struct snapshot *snap, struct json_object *to)
{
    const struct core_outputs *out = snap->outputs;
    double since_s = (double)(snap->now_us - out->armed_ahead_us) / 1e6;

    answer_bool(to, "armed_ahead", out->armed_ahead);
    answer_number(to, "armed_ahead_s", out->armed_ahead && since_s >= 0.0 ? since_s : NAN);
}

struct json_object *forecast_json(const struct snapshot *snap)
{
    struct json_object *to = json_object_new_object(), *list;

    forecast_json_armed(snap, to);
    list = answer_array(to, "forecasts");
    for (int32_t i = 0; i < snap->outputs->forecast_count; i++) {
        const struct core_forecast_view *view = &core_outputs_forecasts(snap->outputs)[i];
        struct json_object *made = answer_add_object(list);

        answer_text(made, "node", snap->names->nodes[view->node]);
        answer_text(made, "lever", view->lever == CORE_NONE ? NULL : snap->names->levers[view->lever]);
        answer_bool(made, "votes", view->votes);
        answer_ms(made, "horizon_ms", view->horizon_us);
        answer_number(made, "expected_w", view->expected_w);
        answer_number(made, "peak_w", view->peak_w);
        forecast_json_levels(made, "upper_w", view->upper_w);
        forecast_json_levels(made, "coverage", view->coverage);
        answer_number(made, "error_w", view->error_w);
        answer_number(made, "period_s", view->period_us > 0 ? (double)view->period_us / 1e6 : NAN);
        answer_count(made, "readings", view->readings);
        answer_count(made, "resets", view->resets);
    }
    return to;
}

void forecast_json_sum(const struct snapshot *snap, struct json_object *to)
{
    struct snapshot_forecasts sum = snapshot_forecasts(snap->outputs);

    answer_int(to, "forecasters", sum.forecasters);
    answer_int(to, "voting", sum.voting);
    answer_number(to, "coverage", sum.coverage);
    answer_count(to, "resets", sum.resets);
    forecast_json_armed(snap, to);
}
