/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_take_oem.c: NVIDIA's settings that are no watts: workload power profiles and
 * power smoothing. Pure.
 */
#include "redfish_take.h"

#include <ctype.h>
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "redfish_mask.h"
#include "redfish_value.h"

static struct redfish_survey_setting *redfish_take_setting(const struct redfish_take *take,
                                                           enum redfish_survey_setting_kind kind)
{
    struct redfish_survey_setting *setting = REDFISH_MODEL_EXTEND(take->model, settings, setting_count);

    if (setting) {
        setting->kind = kind;
        (void)snprintf(setting->path, sizeof setting->path, "%s", take->path);
    }
    return setting;
}

static void redfish_take_mask(const struct redfish_take *take, const char *name,
                              struct redfish_survey_mask *ret)
{
    char text[80];

    REDFISH_TAKE_TEXT(take, take->object, name, text);
    redfish_mask_parse(text, ret);
}

static void redfish_take_target(const struct redfish_take *take, const char *action,
                                char ret[REDFISH_SURVEY_PATH_MAX])
{
    struct json_object *target = redfish_value_member(
        redfish_value_member(redfish_value_member(take->object, "Actions"), action), "target");

    ret[0] = '\0';
    if (json_object_is_type(target, json_type_string) &&
        redfish_value_path(json_object_get_string(target), ret, REDFISH_SURVEY_PATH_MAX))
        take->model->survey->properties_understood++;
}

void redfish_take_workload(const struct redfish_take *take)
{
    struct redfish_survey_setting *setting = redfish_take_setting(take, REDFISH_SETTING_WORKLOAD);

    if (!setting)
        return;
    redfish_take_mask(take, "SupportedProfileMask", &setting->supported);
    redfish_take_mask(take, "RequestedProfileMask", &setting->requested);
    redfish_take_mask(take, "EnforcedProfileMask", &setting->enforced);
    redfish_take_target(take, "#NvidiaWorkloadPower.EnableProfiles", setting->enable);
    redfish_take_target(take, "#NvidiaWorkloadPower.DisableProfiles", setting->disable);
}

void redfish_take_smoothing(const struct redfish_take *take)
{
    struct redfish_survey_setting *setting = redfish_take_setting(take, REDFISH_SETTING_SMOOTHING);
    struct json_object *object = take->object;

    if (!setting)
        return;
    setting->enabled = redfish_take_flag(take, object, "Enabled", false);
    setting->immediate_ramp_down = redfish_take_flag(take, object, "ImmediateRampDown", false);
    setting->supported_here = redfish_take_flag(take, object, "PowerSmoothingSupported", false);
    setting->tmp_w = redfish_take_number(take, object, "TMPWatts");
    setting->floor_w = redfish_take_number(take, object, "TMPFloorWatts");
    setting->floor_percent = redfish_take_number(take, object, "TMPFloorPercent");
    setting->floor_min_percent = redfish_take_number(take, object, "MinAllowedTMPFloorPercent");
    setting->floor_max_percent = redfish_take_number(take, object, "MaxAllowedTMPFloorPercent");
    setting->ramp_up_w_s = redfish_take_number(take, object, "RampUpWattsPerSecond");
    setting->ramp_down_w_s = redfish_take_number(take, object, "RampDownWattsPerSecond");
    setting->hysteresis_s = redfish_take_number(take, object, "RampDownHysteresisSeconds");
    setting->lifetime_percent = redfish_take_number(take, object, "RemainingLifetimeCircuitryPercent");
}
