/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_take.c: a value, a text or a flag out of a resource, counted as understood,
 * and readings brought to base units. Pure.
 */
#include "redfish_take.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "redfish_value.h"

#include "busbar/signals.h"

double redfish_take_number(const struct redfish_take *take, struct json_object *object, const char *name)
{
    double value = redfish_value_number(object, name);

    take->model->survey->properties_understood += !isnan(value);
    return value;
}

void redfish_take_text(const struct redfish_take *take, struct json_object *object, const char *name,
                       char *to, size_t room)
{
    redfish_value_text(object, name, to, room);
    take->model->survey->properties_understood += to[0] != '\0';
}

bool redfish_take_flag(const struct redfish_take *take, struct json_object *object, const char *name,
                       bool otherwise)
{
    take->model->survey->properties_understood +=
        json_object_is_type(redfish_value_member(object, name), json_type_boolean);
    return redfish_value_flag(object, name, otherwise);
}

bool redfish_take_is_absent(const struct redfish_take *take)
{
    char state[REDFISH_SURVEY_WORD_MAX];

    redfish_value_text(redfish_value_member(take->object, "Status"), "State", state, sizeof state);
    return strcmp(state, "Absent") == 0;
}

/* A signal's own range says what is plausible; others have none. */
static enum status redfish_take_judge(const char *signal, double value)
{
    enum signal s = signal_find(signal);

    return s < SIGNAL_COUNT && (value < signal_min(s) || value > signal_max(s)) ? ST_RANGE : ST_OK;
}

/* "gpu_power_w" beats "sensor_power_w": who knows what a sensor measures says so. */
static bool redfish_take_is_generic(const char *signal)
{
    return signal[0] == '\0' || strncmp(signal, "sensor_", 7) == 0;
}

void redfish_take_reading(const struct redfish_take *take, const struct redfish_take_value *value)
{
    struct redfish_survey_reading *reading;

    if (isnan(value->value)) {
        redfish_model_absent(take->model, value->path, "null");
        return;
    }
    reading = redfish_model_reading(take->model, value->path);
    if (!reading)
        return;
    if (redfish_take_is_generic(reading->signal))
        (void)snprintf(reading->signal, sizeof reading->signal, "%s", value->signal);
    if (value->name && value->name[0])
        redfish_value_copy(value->name, reading->name, sizeof reading->name);
    (void)snprintf(reading->unit, sizeof reading->unit, "%s", value->unit);
    reading->value = value->value;
    reading->status = redfish_take_judge(reading->signal, value->value);
    reading->taken_us = take->doc->taken_us;
}

double redfish_take_excerpt_at(const struct redfish_take *take, struct json_object *at, const char *pointer,
                               const struct redfish_take_excerpt *excerpt)
{
    struct json_object *source = redfish_value_member(at, "DataSourceUri");
    char path[REDFISH_SURVEY_PATH_MAX], name[REDFISH_SURVEY_TEXT_MAX];
    struct redfish_take_value value = {
        .path = path, .signal = excerpt->signal, .unit = excerpt->unit, .name = name
    };
    bool bare = json_object_is_type(at, json_type_int) || json_object_is_type(at, json_type_double);

    value.value = bare ? json_object_get_double(at) : redfish_take_number(take, at, "Reading");
    take->model->survey->properties_understood += bare;
    value.value = isfinite(value.value) ? value.value * excerpt->factor : NAN;
    redfish_take_text(take, at, "DeviceName", name, sizeof name);
    if (!json_object_is_type(source, json_type_string) ||
        !redfish_value_path(json_object_get_string(source), path, sizeof path))
        (void)snprintf(path, sizeof path, "%.180s#/%.60s", take->path, pointer);
    else
        take->model->survey->properties_understood++;
    redfish_take_reading(take, &value);
    return value.value;
}

double redfish_take_excerpt(const struct redfish_take *take, struct json_object *owner,
                            const struct redfish_take_excerpt *excerpt)
{
    if (!redfish_value_has(owner, excerpt->member))
        return NAN;
    return redfish_take_excerpt_at(take, redfish_value_member(owner, excerpt->member), excerpt->member,
                                   excerpt);
}
