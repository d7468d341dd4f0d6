/* SPDX-License-Identifier: Apache-2.0 */
/* scenario_json.c: one run's outcome as a JSON document. Pure. */
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

/* null for what does not apply or has no end. */
static struct json_object *scenario_json_number(double value)
{
    char text[40];

    if (!isfinite(value))
        return NULL;
    (void)snprintf(text, sizeof text, "%.9g", value);
    return json_object_new_double_s(value, text);
}

static struct json_object *scenario_json_checks(const struct scenario_result *result)
{
    struct json_object *rows = json_object_new_array();

    for (int32_t i = 0; i < result->check_count; i++) {
        const struct scenario_check *c = &result->check[i];
        struct json_object *row = json_object_new_object();

        json_object_object_add(row, "name", json_object_new_string(c->name));
        json_object_object_add(row, "ok", json_object_new_boolean(c->ok));
        json_object_object_add(row, "value", scenario_json_number(c->value));
        json_object_object_add(row, "limit", scenario_json_number(c->limit));
        json_object_object_add(row, "unit", json_object_new_string(c->unit));
        json_object_array_add(rows, row);
    }
    return rows;
}

char *scenario_json(const struct scenario_result *result)
{
    struct json_object *out = json_object_new_object(), *metrics = json_object_new_object();
    char *text;

    for (int32_t i = 0; i < result->metric_count; i++)
        json_object_object_add(metrics, result->metric[i].name,
                               scenario_json_number(result->metric[i].value));
    json_object_object_add(out, "scenario", json_object_new_string(result->scenario));
    json_object_object_add(out, "controller", json_object_new_string(result->controller));
    json_object_object_add(out, "seed", json_object_new_uint64(result->seed));
    if (result->job)
        json_object_object_add(out, "job", json_object_new_string(result->job));
    json_object_object_add(out, "ok", json_object_new_boolean(result->ok));
    json_object_object_add(out, "sim_s", scenario_json_number(result->sim_s));
    json_object_object_add(out, "wall_s", scenario_json_number(result->wall_s));
    json_object_object_add(out, "checks", scenario_json_checks(result));
    json_object_object_add(out, "metrics", metrics);
    text = strdup(json_object_to_json_string_ext(out, JSON_C_TO_STRING_PRETTY));
    json_object_put(out);
    return text;
}
