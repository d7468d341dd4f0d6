/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_spot.c: one polled resource to a plain struct. Pure: any thread, no I/O. */
#include "redfish_spot.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redfish_mask.h"
#include "redfish_value.h"

/* ---- EnvironmentMetrics ---- */

static void redfish_spot_source(struct json_object *excerpt, char ret[REDFISH_SURVEY_PATH_MAX])
{
    struct json_object *source = redfish_value_member(excerpt, "DataSourceUri");

    if (json_object_is_type(source, json_type_string))
        (void)redfish_value_path(json_object_get_string(source), ret, REDFISH_SURVEY_PATH_MAX);
}

static void redfish_spot_edpp(struct json_object *object, struct redfish_spot_doc *ret)
{
    struct json_object *edpp = redfish_value_member(
        redfish_value_member(redfish_value_member(object, "Oem"), "Nvidia"), "EDPpPercent");

    ret->edpp_ratio = redfish_value_number(edpp, "SetPoint") / 100.0;
    ret->edpp_min = redfish_value_number(edpp, "AllowableMin") / 100.0;
    ret->edpp_max = redfish_value_number(edpp, "AllowableMax") / 100.0;
}

static void redfish_spot_metrics(struct json_object *object, struct redfish_spot_doc *ret)
{
    struct json_object *limit = redfish_value_member(object, "PowerLimitWatts");

    ret->form = REDFISH_LIMIT_METRICS;
    ret->metrics.power_w = redfish_value_number(redfish_value_member(object, "PowerWatts"), "Reading");
    ret->metrics.energy_j = redfish_value_number(redfish_value_member(object, "EnergyJoules"), "Reading");
    ret->metrics.temp_c = redfish_value_number(redfish_value_member(object, "TemperatureCelsius"), "Reading");
    redfish_json_limits(json_object_is_type(limit, json_type_object) ? limit : NULL, &ret->metrics);
    redfish_spot_source(redfish_value_member(object, "PowerWatts"), ret->power_source);
    redfish_spot_source(redfish_value_member(object, "EnergyJoules"), ret->energy_source);
    redfish_spot_source(redfish_value_member(object, "TemperatureCelsius"), ret->temp_source);
    redfish_spot_edpp(object, ret);
}

/* ---- Control, Power ---- */

static void redfish_spot_control(struct json_object *object, struct redfish_spot_doc *ret)
{
    struct redfish_json_metrics *m = &ret->metrics;
    struct json_object *hpe = redfish_value_member(redfish_value_member(object, "Oem"), "Hpe");
    char id[REDFISH_SURVEY_PATH_MAX];

    ret->form = REDFISH_LIMIT_CONTROL;
    redfish_json_limits(object, m);
    if (isnan(m->limit_min_w))
        m->limit_min_w = redfish_value_number(object, "SettingRangeMin");
    if (isnan(m->limit_max_w))
        m->limit_max_w = redfish_value_number(object, "SettingRangeMax");
    if (!m->units[0]) /* a Control's unit is what it says, never what its name suggests */
        (void)snprintf(m->units, sizeof m->units, "?");
    redfish_value_text(hpe, "LimitException", m->exception, sizeof m->exception);
    redfish_value_text(object, "@odata.id", id, sizeof id);
    m->nonvolatile |= strcasestr(id, "nonvolatile") != NULL;
    m->power_w = redfish_value_number(redfish_value_member(object, "Sensor"), "Reading");
}

static void redfish_spot_legacy(struct json_object *object, const char *pointer, struct redfish_spot_doc *ret)
{
    const char *number = strrchr(pointer, '/');
    int32_t index = number ? (int32_t)strtol(number + 1, NULL, 10) : 0;
    struct json_object *entry =
        redfish_value_at(redfish_value_member(object, "PowerControl"), index >= 0 ? (size_t)index : SIZE_MAX);
    struct json_object *limit = redfish_value_member(entry, "PowerLimit");
    struct json_object *lenovo = redfish_value_member(
        redfish_value_member(redfish_value_member(entry, "Oem"), "Lenovo"), "PowerUtilization");
    struct redfish_json_metrics *m = &ret->metrics;

    ret->form = REDFISH_LIMIT_LEGACY;
    ret->index = index;
    m->power_w = redfish_value_number(entry, "PowerConsumedWatts");
    m->has_limit = json_object_is_type(limit, json_type_object);
    m->limit_set_w = redfish_value_number(limit, "LimitInWatts");
    m->limit_min_w = redfish_value_number(lenovo, "MinLimitInWatts");
    m->limit_max_w = redfish_value_number(lenovo, "MaxLimitInWatts");
    m->limit_default_w = NAN;
    redfish_value_text(limit, "LimitException", m->exception, sizeof m->exception);
}

/* ---- sensors and parts of resources ---- */

/* The member that a pointer names; through arrays by number. */
static struct json_object *redfish_spot_walk(struct json_object *at, const char *pointer)
{
    char step[64];

    while (at && *pointer) {
        size_t size = strcspn(pointer, "/");

        (void)snprintf(step, sizeof step, "%.*s", (int)size, pointer);
        at = json_object_is_type(at, json_type_array) ? redfish_value_at(at, strtoul(step, NULL, 10))
                                                      : redfish_value_member(at, step);
        pointer += size + (pointer[size] == '/');
    }
    return at;
}

/* Watts only: what is in another unit, or in none, is not taken for power. */
static void redfish_spot_power(struct json_object *at, const char *pointer, struct redfish_spot_doc *ret)
{
    char unit[REDFISH_SURVEY_WORD_MAX], type[REDFISH_SURVEY_WORD_MAX];
    bool bare = json_object_is_type(at, json_type_int) || json_object_is_type(at, json_type_double);

    redfish_value_text(at, "ReadingUnits", unit, sizeof unit);
    redfish_value_text(at, "ReadingType", type, sizeof type);
    if (bare)
        ret->metrics.power_w = json_object_get_double(at);
    else if (pointer[0] || strcmp(unit, "W") == 0 || strncasecmp(unit, "watt", 4) == 0 ||
             (unit[0] == '\0' && strcmp(type, "Power") == 0))
        ret->metrics.power_w = redfish_value_number(at, "Reading");
    else if (strcmp(unit, "kW") == 0)
        ret->metrics.power_w = redfish_value_number(at, "Reading") * 1000.0;
}

/* ---- NVIDIA's settings ---- */

/* A mask as a number, exact up to 48 bits; NAN: it has more, or is none. */
static double redfish_spot_mask(struct json_object *object, const char *name)
{
    struct redfish_survey_mask mask;
    char text[80];

    redfish_value_text(object, name, text, sizeof text);
    redfish_mask_parse(text, &mask);
    for (int w = 2; w < REDFISH_SURVEY_MASK_WORDS; w++)
        if (mask.word[w])
            return NAN;
    if (!mask.known || mask.word[1] >> 16)
        return NAN;
    return (double)((uint64_t)mask.word[1] << 32 | mask.word[0]);
}

static void redfish_spot_target(struct json_object *object, const char *action,
                                char ret[REDFISH_SURVEY_PATH_MAX])
{
    struct json_object *target =
        redfish_value_member(redfish_value_member(redfish_value_member(object, "Actions"), action), "target");

    if (json_object_is_type(target, json_type_string))
        (void)redfish_value_path(json_object_get_string(target), ret, REDFISH_SURVEY_PATH_MAX);
}

static void redfish_spot_workload(struct json_object *object, struct redfish_spot_doc *ret)
{
    ret->workload = redfish_spot_mask(object, "RequestedProfileMask");
    ret->workload_supported = redfish_spot_mask(object, "SupportedProfileMask");
    redfish_spot_target(object, "#NvidiaWorkloadPower.EnableProfiles", ret->enable);
    redfish_spot_target(object, "#NvidiaWorkloadPower.DisableProfiles", ret->disable);
}

static void redfish_spot_smoothing(struct json_object *object, struct redfish_spot_doc *ret)
{
    struct json_object *enabled = redfish_value_member(object, "Enabled");
    struct json_object *profile = redfish_value_member(object, "AppliedPresetProfile");
    char path[REDFISH_SURVEY_PATH_MAX];

    if (json_object_is_type(enabled, json_type_boolean))
        ret->smoothing = json_object_get_boolean(enabled) ? 1.0 : 0.0;
    ret->smoothing_profile = redfish_value_number(object, "AppliedPresetProfile");
    if (redfish_value_link(profile, path, sizeof path)) { /* to it: ".../3"; to the override's, it is none */
        const char *number = strrchr(path, '/') + 1;

        if (*number && strspn(number, "0123456789") == strlen(number))
            ret->smoothing_profile = strtod(number, NULL);
    }
    ret->floor_ratio = redfish_value_number(object, "TMPFloorPercent") / 100.0;
    ret->floor_min = redfish_value_number(object, "MinAllowedTMPFloorPercent") / 100.0;
    ret->floor_max = redfish_value_number(object, "MaxAllowedTMPFloorPercent") / 100.0;
    ret->ramp_up_w_s = redfish_value_number(object, "RampUpWattsPerSecond");
    ret->ramp_down_w_s = redfish_value_number(object, "RampDownWattsPerSecond");
    ret->hysteresis_s = redfish_value_number(object, "RampDownHysteresisSeconds");
    (void)redfish_value_link(redfish_value_member(object, "AdminOverrideProfile"), ret->admin,
                             sizeof ret->admin);
    redfish_spot_target(object, "#NvidiaPowerSmoothing.ActivatePresetProfile", ret->activate);
    redfish_spot_target(object, "#NvidiaPowerSmoothing.ApplyAdminOverrides", ret->apply);
}

/* ---- the whole ---- */

enum status redfish_spot_parse(const char *body, size_t size, const char *pointer,
                               struct redfish_spot_doc *ret)
{
    struct json_object *object = redfish_value_parse(body, size);
    struct redfish_json_metrics none = { .power_w = NAN,
                                         .energy_j = NAN,
                                         .temp_c = NAN,
                                         .limit_set_w = NAN,
                                         .limit_min_w = NAN,
                                         .limit_max_w = NAN,
                                         .limit_default_w = NAN };

    if (!object)
        return ST_CORRUPT;
    *ret = (struct redfish_spot_doc){ .metrics = none,
                                      .edpp_ratio = NAN,
                                      .edpp_min = NAN,
                                      .edpp_max = NAN,
                                      .workload = NAN,
                                      .workload_supported = NAN,
                                      .smoothing = NAN,
                                      .smoothing_profile = NAN,
                                      .floor_ratio = NAN,
                                      .floor_min = NAN,
                                      .floor_max = NAN,
                                      .ramp_up_w_s = NAN,
                                      .ramp_down_w_s = NAN,
                                      .hysteresis_s = NAN };
    if (redfish_value_has(object, "PowerControl") &&
        (!pointer[0] || strncmp(pointer, "PowerControl/", 13) == 0))
        redfish_spot_legacy(object, pointer, ret);
    else if (pointer[0])
        redfish_spot_power(redfish_spot_walk(object, pointer), pointer, ret);
    else if (redfish_value_has(object, "RequestedProfileMask"))
        redfish_spot_workload(object, ret);
    else if (redfish_value_has(object, "PowerSmoothingSupported") ||
             redfish_value_has(object, "TMPFloorPercent"))
        redfish_spot_smoothing(object, ret);
    else if (redfish_value_has(object, "SetPoint") || redfish_value_has(object, "ControlType"))
        redfish_spot_control(object, ret);
    else if (redfish_value_has(object, "Reading"))
        redfish_spot_power(object, "", ret);
    else
        redfish_spot_metrics(object, ret);
    json_object_put(object);
    return ST_OK;
}

bool redfish_spot_is_off(const struct redfish_spot_doc *doc)
{
    return redfish_json_disabled(&doc->metrics) ||
           (doc->form == REDFISH_LIMIT_LEGACY && doc->metrics.has_limit && isnan(doc->metrics.limit_set_w));
}

double redfish_spot_limit(const struct redfish_spot_doc *doc)
{
    double limit = redfish_json_limit_w(&doc->metrics);

    if (isnan(limit) && doc->form == REDFISH_LIMIT_LEGACY && doc->metrics.has_limit)
        return REDFISH_SPOT_NO_LIMIT_W;
    return limit;
}

double redfish_spot_value(const struct redfish_spot_doc *doc, enum signal signal)
{
    switch (signal) {
    case SIGNAL_GPU_POWER_LIMIT_W:
    case SIGNAL_NODE_POWER_LIMIT_W:
    case SIGNAL_PSU_OUTPUT_SETPOINT_V:
        return redfish_spot_limit(doc);
    case SIGNAL_GPU_ENERGY_J:
        return doc->metrics.energy_j;
    case SIGNAL_GPU_TEMP_C:
        return doc->metrics.temp_c;
    case SIGNAL_GPU_EDPP_RATIO:
        return doc->edpp_ratio;
    case SIGNAL_GPU_WORKLOAD_PROFILES:
        return doc->workload;
    case SIGNAL_GPU_SMOOTHING:
        return doc->smoothing;
    case SIGNAL_GPU_SMOOTHING_PROFILE:
        return doc->smoothing_profile;
    case SIGNAL_GPU_SMOOTHING_FLOOR_RATIO:
        return doc->floor_ratio;
    case SIGNAL_GPU_RAMP_UP_W_PER_S:
        return doc->ramp_up_w_s;
    case SIGNAL_GPU_RAMP_DOWN_W_PER_S:
        return doc->ramp_down_w_s;
    case SIGNAL_GPU_RAMP_HYSTERESIS_S:
        return doc->hysteresis_s;
    default:
        return doc->metrics.power_w;
    }
}
