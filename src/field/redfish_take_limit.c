/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_take_limit.c: everything that can be limited, and whether it may be written:
 * PowerLimitWatts, EDPp, Controls, the deprecated PowerControl, NodeManager. Pure.
 */
#include "redfish_take.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "redfish_limit.h"
#include "redfish_value.h"

static const char *const redfish_take_contexts[] = {
    [REDFISH_OF_NOTHING] = "",      [REDFISH_OF_GPU] = "gpu",         [REDFISH_OF_CPU] = "cpu",
    [REDFISH_OF_MEMORY] = "memory", [REDFISH_OF_CHASSIS] = "chassis", [REDFISH_OF_SYSTEM] = "system",
    [REDFISH_OF_SUPPLY] = "supply", [REDFISH_OF_BATTERY] = "battery",
};

static struct redfish_survey_limit *redfish_take_new_limit(const struct redfish_take *take,
                                                           enum redfish_survey_limit_kind kind)
{
    struct redfish_survey_limit *limit = REDFISH_MODEL_EXTEND(take->model, limits, limit_count);

    if (!limit)
        return NULL;
    limit->kind = kind;
    limit->min = limit->max = limit->value = limit->preset = limit->delay_s = NAN;
    (void)snprintf(limit->path, sizeof limit->path, "%s", take->path);
    (void)snprintf(limit->context, sizeof limit->context, "%s", redfish_take_contexts[take->context]);
    redfish_value_text(take->object, "Name", limit->name, sizeof limit->name);
    return limit;
}

/* A number by the first of two names. */
static double redfish_take_either(const struct redfish_take *take, struct json_object *object,
                                  const char *name, const char *other)
{
    double value = redfish_take_number(take, object, name);

    return isnan(value) ? redfish_take_number(take, object, other) : value;
}

static bool redfish_take_in(const char *unit, const char *const *names)
{
    for (; *names; names++)
        if (strcasecmp(unit, *names) == 0)
            return true;
    return false;
}

/* One spelling a unit; what is in none of them stays as it is. */
static void redfish_take_spell(struct redfish_survey_limit *limit)
{
    static const char *const watts[] = { "W", "Watt", "Watts", NULL };
    static const char *const volts[] = { "V", "Volt", "Volts", NULL };
    static const char *const percent[] = { "%", "Percent", NULL };

    if (redfish_take_in(limit->unit, watts))
        (void)snprintf(limit->unit, sizeof limit->unit, "W");
    else if (redfish_take_in(limit->unit, volts))
        (void)snprintf(limit->unit, sizeof limit->unit, "V");
    else if (redfish_take_in(limit->unit, percent))
        (void)snprintf(limit->unit, sizeof limit->unit, "%%");
}

/* Why a limit must not be written; NULL: it may be. The first reason is the one told. */
static const char *redfish_take_why(const struct redfish_take *take, const struct redfish_survey_limit *limit)
{
    if (limit->nonvolatile)
        return "it is the non-volatile one: writing it again and again wears it out";
    if (strcmp(limit->exception, "HardPowerOff") == 0)
        return "what exceeds it is switched off (HardPowerOff)";
    if (limit->kind == REDFISH_LIMIT_POLICY)
        return "how a node manager's policy is written is not known";
    if (limit->unit[0] == '\0')
        return "it says no unit";
    if (limit->kind != REDFISH_LIMIT_EDPP && strcmp(limit->unit, "W") != 0 && strcmp(limit->unit, "V") != 0)
        return "its unit is neither watts nor volts";
    if (isnan(limit->value) && isnan(limit->max))
        return "it shows neither a value nor a range";
    if (take->doc->allow && !strcasestr(take->doc->allow, "PATCH"))
        return "the resource takes no PATCH";
    if (limit->off)
        return "it is switched off, and a value would switch it on";
    return NULL;
}

static void redfish_take_settle(const struct redfish_take *take, struct redfish_survey_limit *limit)
{
    redfish_take_spell(limit);
    limit->nonvolatile |=
        strcasestr(limit->path, "nonvolatile") != NULL || strcasestr(limit->source, "nonvolatile") != NULL;
    limit->off = redfish_limit_is_off(limit);
    limit->why = redfish_take_why(take, limit);
    limit->writable = limit->why == NULL;
}

/* ---- EnvironmentMetrics ---- */

void redfish_take_power_limit(const struct redfish_take *take, struct json_object *excerpt)
{
    struct redfish_survey_limit *limit;
    struct json_object *source = redfish_value_member(excerpt, "DataSourceUri");

    if (!json_object_is_type(excerpt, json_type_object)) {
        redfish_model_absent(take->model, take->path, "null limit");
        return;
    }
    limit = redfish_take_new_limit(take, REDFISH_LIMIT_METRICS);
    if (!limit)
        return;
    limit->value = redfish_take_number(take, excerpt, "SetPoint");
    limit->min = redfish_take_number(take, excerpt, "AllowableMin");
    limit->max = redfish_take_number(take, excerpt, "AllowableMax");
    limit->preset = redfish_take_number(take, excerpt, "DefaultSetPoint");
    REDFISH_TAKE_TEXT(take, excerpt, "ControlMode", limit->mode);
    REDFISH_TAKE_TEXT(take, excerpt, "SetPointUnits", limit->unit);
    REDFISH_TAKE_TEXT(take, excerpt, "LimitException", limit->exception);
    if (!limit->unit[0]) /* the member's name has it */
        (void)snprintf(limit->unit, sizeof limit->unit, "W");
    if (json_object_is_type(source, json_type_string) &&
        redfish_value_path(json_object_get_string(source), limit->source, sizeof limit->source))
        take->model->survey->properties_understood++;
    redfish_take_settle(take, limit);
}

void redfish_take_edpp(const struct redfish_take *take)
{
    struct json_object *nvidia = redfish_value_member(redfish_value_member(take->object, "Oem"), "Nvidia");
    struct json_object *edpp = redfish_value_member(nvidia, "EDPpPercent");
    struct redfish_survey_limit *limit;

    if (!json_object_is_type(edpp, json_type_object))
        return;
    limit = redfish_take_new_limit(take, REDFISH_LIMIT_EDPP);
    if (!limit)
        return;
    (void)snprintf(limit->path, sizeof limit->path, "%.210s#/Oem/Nvidia/EDPpPercent", take->path);
    (void)snprintf(limit->unit, sizeof limit->unit, "%%");
    limit->value = redfish_take_number(take, edpp, "SetPoint");
    limit->min = redfish_take_number(take, edpp, "AllowableMin");
    limit->max = redfish_take_number(take, edpp, "AllowableMax");
    redfish_take_settle(take, limit);
}

/* ---- Control ---- */

/* The unit of a Control that says none: of a voltage or power Control that cannot be
 * told from percent, it stays unknown. */
void redfish_take_control(const struct redfish_take *take)
{
    struct json_object *object = take->object;
    struct json_object *hpe = redfish_value_member(redfish_value_member(object, "Oem"), "Hpe");
    struct redfish_survey_limit *limit = redfish_take_new_limit(take, REDFISH_LIMIT_CONTROL);
    char context[REDFISH_SURVEY_WORD_MAX], type[REDFISH_SURVEY_WORD_MAX];
    static const struct redfish_take_excerpt sensor = { "Sensor", "sensor_power_w", "W", 1.0 };

    if (!limit)
        return;
    limit->value = redfish_take_number(take, object, "SetPoint");
    limit->min = redfish_take_either(take, object, "AllowableMin", "SettingRangeMin");
    limit->max = redfish_take_either(take, object, "AllowableMax", "SettingRangeMax");
    limit->preset = redfish_take_number(take, object, "DefaultSetPoint");
    limit->delay_s = redfish_take_number(take, object, "ControlDelaySeconds");
    REDFISH_TAKE_TEXT(take, object, "ControlMode", limit->mode);
    REDFISH_TAKE_TEXT(take, object, "SetPointUnits", limit->unit);
    REDFISH_TAKE_TEXT(take, object, "PhysicalContext", context);
    REDFISH_TAKE_TEXT(take, object, "ControlType", type);
    REDFISH_TAKE_TEXT(take, hpe, "LimitException", limit->exception);
    if (context[0])
        (void)snprintf(limit->context, sizeof limit->context, "%s", context);
    if (redfish_value_has(object, "SettingRangeMax"))
        take->model->maker_hint = "cray";
    redfish_take_settle(take, limit);
    if (strcmp(type, "Power") == 0)
        (void)redfish_take_excerpt(take, object, &sensor);
}

/* ---- the deprecated Power ---- */

static void redfish_take_power_control(const struct redfish_take *take, struct json_object *entry,
                                       int32_t index)
{
    struct json_object *given = redfish_value_member(entry, "PowerLimit");
    struct json_object *lenovo = redfish_value_member(
        redfish_value_member(redfish_value_member(entry, "Oem"), "Lenovo"), "PowerUtilization");
    struct redfish_survey_limit *limit;

    if (!json_object_is_type(given, json_type_object))
        return;
    limit = redfish_take_new_limit(take, REDFISH_LIMIT_LEGACY);
    if (!limit)
        return;
    limit->index = index;
    (void)snprintf(limit->path, sizeof limit->path, "%.220s#/PowerControl/%d", take->path, (int)index);
    (void)snprintf(limit->unit, sizeof limit->unit, "W");
    limit->value = redfish_take_number(take, given, "LimitInWatts");
    limit->min = redfish_take_number(take, lenovo, "MinLimitInWatts");
    limit->max = redfish_take_number(take, lenovo, "MaxLimitInWatts");
    if (isnan(limit->value))
        (void)snprintf(limit->mode, sizeof limit->mode, "Disabled");
    REDFISH_TAKE_TEXT(take, given, "LimitException", limit->exception);
    REDFISH_TAKE_TEXT(take, entry, "Name", limit->name);
    redfish_take_settle(take, limit);
}

static void redfish_take_power_entries(const struct redfish_take *take)
{
    struct json_object *entries = redfish_value_member(take->object, "PowerControl");
    char pointer[REDFISH_SURVEY_TEXT_MAX], name[REDFISH_SURVEY_TEXT_MAX], path[REDFISH_SURVEY_PATH_MAX];
    struct redfish_take_value value = {
        .path = path, .signal = "chassis_power_w", .unit = "W", .name = name
    };

    for (size_t i = 0; i < redfish_value_count(entries); i++) {
        struct json_object *entry = redfish_value_at(entries, i);

        redfish_take_power_control(take, entry, (int32_t)i);
        REDFISH_TAKE_TEXT(take, entry, "Name", name);
        (void)snprintf(pointer, sizeof pointer, "PowerControl/%zu/PowerConsumedWatts", i);
        (void)snprintf(path, sizeof path, "%.180s#/%s", take->path, pointer);
        value.value = redfish_take_number(take, entry, "PowerConsumedWatts");
        if (redfish_value_has(entry, "PowerConsumedWatts"))
            redfish_take_reading(take, &value);
        (void)redfish_take_number(take, entry, "PowerCapacityWatts");
    }
}

static void redfish_take_power_supply(const struct redfish_take *take, struct json_object *entry,
                                      size_t index)
{
    struct redfish_survey_supply *supply = REDFISH_MODEL_EXTEND(take->model, supplies, supply_count);
    struct json_object *status = redfish_value_member(entry, "Status");

    if (!supply)
        return;
    (void)snprintf(supply->path, sizeof supply->path, "%.200s#/PowerSupplies/%zu", take->path, index);
    REDFISH_TAKE_TEXT(take, entry, "Name", supply->name);
    REDFISH_TAKE_TEXT(take, entry, "Manufacturer", supply->maker);
    REDFISH_TAKE_TEXT(take, entry, "Model", supply->model);
    REDFISH_TAKE_TEXT(take, entry, "SerialNumber", supply->serial);
    REDFISH_TAKE_TEXT(take, entry, "FirmwareVersion", supply->firmware);
    REDFISH_TAKE_TEXT(take, status, "State", supply->state);
    REDFISH_TAKE_TEXT(take, status, "Health", supply->health);
    supply->capacity_w = redfish_take_number(take, entry, "PowerCapacityWatts");
    supply->input_w = redfish_take_number(take, entry, "PowerInputWatts");
    supply->output_w = redfish_take_either(take, entry, "PowerOutputWatts", "LastPowerOutputWatts");
    supply->input_v = redfish_take_number(take, entry, "LineInputVoltage");
    supply->input_a = NAN;
}

static void redfish_take_power_supplies(const struct redfish_take *take)
{
    static const struct redfish_take_excerpt members[] = {
        { "PowerInputWatts", "psu_input_w", "W", 1.0 },
        { "PowerOutputWatts", "psu_output_w", "W", 1.0 },
        { "LastPowerOutputWatts", "psu_output_w", "W", 1.0 },
        { "LineInputVoltage", "psu_input_v", "V", 1.0 },
    };
    struct json_object *entries = redfish_value_member(take->object, "PowerSupplies");
    char pointer[REDFISH_SURVEY_TEXT_MAX];

    for (size_t i = 0; i < redfish_value_count(entries); i++) {
        struct json_object *entry = redfish_value_at(entries, i);

        redfish_take_power_supply(take, entry, i);
        for (size_t m = 0; m < sizeof members / sizeof members[0]; m++) {
            (void)snprintf(pointer, sizeof pointer, "PowerSupplies/%zu/%s", i, members[m].member);
            if (redfish_value_has(entry, members[m].member))
                (void)redfish_take_excerpt_at(take, redfish_value_member(entry, members[m].member), pointer,
                                              &members[m]);
        }
    }
}

static void redfish_take_voltages(const struct redfish_take *take)
{
    struct json_object *entries = redfish_value_member(take->object, "Voltages");
    char name[REDFISH_SURVEY_TEXT_MAX], path[REDFISH_SURVEY_PATH_MAX];
    struct redfish_take_value value = {
        .path = path, .signal = "sensor_voltage_v", .unit = "V", .name = name
    };

    for (size_t i = 0; i < redfish_value_count(entries); i++) {
        struct json_object *entry = redfish_value_at(entries, i);

        REDFISH_TAKE_TEXT(take, entry, "Name", name);
        (void)snprintf(path, sizeof path, "%.200s#/Voltages/%zu", take->path, i);
        value.value = redfish_take_number(take, entry, "ReadingVolts");
        redfish_take_reading(take, &value);
    }
}

void redfish_take_legacy(const struct redfish_take *take)
{
    redfish_take_power_entries(take);
    redfish_take_power_supplies(take);
    redfish_take_voltages(take);
}

/* ---- NodeManager ---- */

void redfish_take_nm(const struct redfish_take *take)
{
    struct json_object *object = take->object, *range = redfish_value_member(object, "LimitRange");
    struct redfish_survey_limit *limit;
    double value = redfish_take_number(take, object, "Limit");
    double share = redfish_take_number(take, object, "PercentageOfDomainBudget");

    if (isnan(value) && isnan(share) && !redfish_value_has(object, "Limit"))
        return;
    limit = redfish_take_new_limit(take, REDFISH_LIMIT_POLICY);
    if (!limit)
        return;
    limit->value = isnan(value) ? share : value;
    (void)snprintf(limit->unit, sizeof limit->unit, "%s", isnan(value) && !isnan(share) ? "%" : "W");
    limit->min = redfish_take_either(take, range, "Min", "AllowableMin");
    limit->max = redfish_take_either(take, range, "Max", "AllowableMax");
    REDFISH_TAKE_TEXT(take, object, "ComponentId", limit->context);
    REDFISH_TAKE_TEXT(take, redfish_value_member(object, "Status"), "State", limit->mode);
    redfish_take_settle(take, limit);
}
