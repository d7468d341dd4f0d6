/* SPDX-License-Identifier: Apache-2.0 */
/* serve_redfish_extra.c: owns the settings of a simulated BMC that are no watts, its
 * Controls, its deprecated Power and its metric report. Runs on the server's base; no I/O.
 */
#include "serve_redfish_extra.h"

#include <ctype.h>
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "busbar/clock.h"
#include "serve_redfish_make.h"

#define EXTRA_ROOT       "/redfish/v1"
#define EXTRA_PROCESSORS EXTRA_ROOT "/Systems/HGX_Baseboard_0/Processors/GPU_"
#define EXTRA_CHASSIS    EXTRA_ROOT "/Chassis/HGX_GPU_"
#define EXTRA_POWER      EXTRA_ROOT "/Chassis/Chassis_0/Power"
#define EXTRA_SENSE_US   ((int64_t)250000) /* sensing interval of the report               */
#define EXTRA_SUPPORTED  0xffff8u          /* workload profiles 3 to 19                    */
#define EXTRA_EDPP_MIN   60.0
#define EXTRA_EDPP_MAX   100.0
#define EXTRA_US_PER_S   1000000

/* "PREFIX<n>SUFFIX": the number, or -1. */
static int32_t serve_redfish_extra_number(const struct serve_redfish_bmc *bmc, const char *path,
                                          const char *prefix, const char *suffix)
{
    size_t size = strlen(prefix);
    char *end;
    long n;

    if (strncmp(path, prefix, size) != 0 || !isdigit((unsigned char)path[size]))
        return -1;
    n = strtol(path + size, &end, 10);
    return strcmp(end, suffix) == 0 && n < bmc->gpu_count ? (int32_t)n : -1;
}

static const struct plant_gpu *serve_redfish_extra_gpu(const struct serve_redfish_bmc *bmc, int32_t n)
{
    return &serve_redfish_plant(bmc)->gpus[bmc->gpus[n]];
}

/* ---- links ---- */

void serve_redfish_extra_root(struct json_object *root, struct json_object *links)
{
    serve_redfish_make_link(root, "TelemetryService", EXTRA_ROOT "/TelemetryService");
    serve_redfish_make_link(root, "EventService", EXTRA_ROOT "/EventService");
    serve_redfish_make_link(root, "Tasks", EXTRA_ROOT "/TaskService");
    serve_redfish_make_link(links, "ManagerProvidingService", EXTRA_ROOT "/Managers/HGX_BMC_0");
}

void serve_redfish_extra_processor(struct json_object *gpu, int32_t n)
{
    struct json_object *oem = json_object_new_object(), *nvidia = json_object_new_object();
    char path[SERVE_REDFISH_TEXT];

    (void)snprintf(path, sizeof path, EXTRA_PROCESSORS "%d/Oem/Nvidia/WorkloadPowerProfile", (int)n);
    serve_redfish_make_link(nvidia, "WorkloadPowerProfile", path);
    (void)snprintf(path, sizeof path, EXTRA_PROCESSORS "%d/Oem/Nvidia/PowerSmoothing", (int)n);
    serve_redfish_make_link(nvidia, "PowerSmoothing", path);
    json_object_object_add(oem, "Nvidia", nvidia);
    json_object_object_add(gpu, "Oem", oem);
}

void serve_redfish_extra_chassis(struct json_object *chassis, const char *path)
{
    char below[2 * SERVE_REDFISH_TEXT];

    if (strcmp(path, EXTRA_ROOT "/Chassis/Chassis_0") == 0)
        serve_redfish_make_link(chassis, "Power", EXTRA_POWER);
    if (strncmp(path, EXTRA_CHASSIS, strlen(EXTRA_CHASSIS)) != 0)
        return;
    (void)snprintf(below, sizeof below, "%s/Controls", path);
    serve_redfish_make_link(chassis, "Controls", below);
}

void serve_redfish_extra_metrics(const struct serve_redfish_bmc *bmc, int32_t n, struct json_object *metrics)
{
    struct json_object *oem = json_object_new_object(), *nvidia = json_object_new_object();
    struct json_object *edpp = json_object_new_object();

    serve_redfish_make_whole(edpp, "SetPoint", bmc->extras[n].edpp);
    serve_redfish_make_whole(edpp, "AllowableMin", EXTRA_EDPP_MIN);
    serve_redfish_make_whole(edpp, "AllowableMax", EXTRA_EDPP_MAX);
    json_object_object_add(edpp, "Persistency", json_object_new_boolean(false));
    json_object_object_add(nvidia, "EDPpPercent", edpp);
    json_object_object_add(oem, "Nvidia", nvidia);
    json_object_object_add(metrics, "Oem", oem);
}

/* ---- settings ---- */

static void serve_redfish_extra_mask(struct json_object *to, const char *name, uint64_t mask)
{
    char text[72];

    (void)snprintf(text, sizeof text, "0x%064llx", (unsigned long long)mask);
    serve_redfish_make_text(to, name, text);
}

static struct json_object *serve_redfish_extra_workload(const struct serve_redfish_bmc *bmc, const char *path,
                                                        int32_t n)
{
    struct json_object *object =
        serve_redfish_make_object(path, "#NvidiaWorkloadPower.v1_0_0.NvidiaWorkloadPower",
                                  "WorkloadPowerProfile", "Workload Power Profile");
    char target[2 * SERVE_REDFISH_TEXT];

    serve_redfish_extra_mask(object, "SupportedProfileMask", EXTRA_SUPPORTED);
    serve_redfish_extra_mask(object, "RequestedProfileMask", bmc->extras[n].workload);
    serve_redfish_extra_mask(object, "EnforcedProfileMask", bmc->extras[n].workload);
    (void)snprintf(target, sizeof target, "%s/Actions/NvidiaWorkloadPower.EnableProfiles", path);
    serve_redfish_make_action(object, "#NvidiaWorkloadPower.EnableProfiles", target);
    (void)snprintf(target, sizeof target, "%s/Actions/NvidiaWorkloadPower.DisableProfiles", path);
    serve_redfish_make_action(object, "#NvidiaWorkloadPower.DisableProfiles", target);
    return object;
}

static void serve_redfish_extra_ramps(struct json_object *to, const struct serve_redfish_ramps *ramps)
{
    serve_redfish_make_number(to, "TMPFloorPercent", ramps->floor_percent);
    serve_redfish_make_number(to, "RampUpWattsPerSecond", ramps->up_w_s);
    serve_redfish_make_number(to, "RampDownWattsPerSecond", ramps->down_w_s);
    serve_redfish_make_number(to, "RampDownHysteresisSeconds", ramps->hysteresis_s);
}

static struct json_object *serve_redfish_extra_smoothing(const struct serve_redfish_bmc *bmc,
                                                         const char *path, int32_t n)
{
    const struct serve_redfish_extra *extra = &bmc->extras[n];
    struct json_object *object = serve_redfish_make_object(
        path, "#NvidiaPowerSmoothing.v1_1_0.NvidiaPowerSmoothing", "PowerSmoothing", "Power Smoothing");
    char below[2 * SERVE_REDFISH_TEXT];

    json_object_object_add(object, "PowerSmoothingSupported", json_object_new_boolean(true));
    json_object_object_add(object, "Enabled", json_object_new_boolean(extra->smoothing));
    json_object_object_add(object, "ImmediateRampDown", json_object_new_boolean(false));
    serve_redfish_make_whole(object, "MinAllowedTMPFloorPercent", 0.0);
    serve_redfish_make_whole(object, "MaxAllowedTMPFloorPercent", 90.0);
    serve_redfish_make_whole(object, "AppliedPresetProfile", extra->profile);
    serve_redfish_extra_ramps(object, &extra->ramps);
    (void)snprintf(below, sizeof below, "%s/AdminOverrideProfile", path);
    serve_redfish_make_link(object, "AdminOverrideProfile", below);
    (void)snprintf(below, sizeof below, "%s/Actions/NvidiaPowerSmoothing.ActivatePresetProfile", path);
    serve_redfish_make_action(object, "#NvidiaPowerSmoothing.ActivatePresetProfile", below);
    (void)snprintf(below, sizeof below, "%s/Actions/NvidiaPowerSmoothing.ApplyAdminOverrides", path);
    serve_redfish_make_action(object, "#NvidiaPowerSmoothing.ApplyAdminOverrides", below);
    return object;
}

/* ---- Controls and Power ---- */

static struct json_object *serve_redfish_extra_control(struct serve_redfish_bmc *bmc, const char *path,
                                                       int32_t n)
{
    const struct plant_gpu *gpu = serve_redfish_extra_gpu(bmc, n);
    struct json_object *object =
        serve_redfish_make_object(path, "#Control.v1_3_0.Control", "Power_0", "GPU Power Control");
    struct faults *faults = serve_redfish_faults(bmc);
    bool percent = faults && faults_get(faults, FAULT_BMC, bmc->node, FAULT_PERCENT);
    double unit_w = percent ? gpu->limit_max_w / 100.0 : 1.0;

    serve_redfish_make_text(object, "ControlType", "Power");
    serve_redfish_make_text(object, "ControlMode", "Automatic");
    serve_redfish_make_text(object, "PhysicalContext", "GPU");
    serve_redfish_make_text(object, "SetPointUnits", percent ? "%" : "W");
    serve_redfish_make_whole(object, "SetPoint", gpu->limit_w / unit_w);
    serve_redfish_make_whole(object, "AllowableMin", gpu->limit_min_w / unit_w);
    serve_redfish_make_whole(object, "AllowableMax", gpu->limit_max_w / unit_w);
    return object;
}

static struct json_object *serve_redfish_extra_power(struct serve_redfish_bmc *bmc)
{
    struct json_object *object =
        serve_redfish_make_object(EXTRA_POWER, "#Power.v1_5_0.Power", "Power", "Power");
    struct json_object *entries = json_object_new_array(), *entry = json_object_new_object();
    struct json_object *limit = json_object_new_object();

    if (isnan(bmc->node_limit_w))
        json_object_object_add(limit, "LimitInWatts", NULL);
    else
        serve_redfish_make_whole(limit, "LimitInWatts", bmc->node_limit_w);
    serve_redfish_make_text(limit, "LimitException", "NoAction");
    serve_redfish_make_text(entry, "@odata.id", EXTRA_POWER "#/PowerControl/0");
    serve_redfish_make_text(entry, "Name", "Node Power Control");
    serve_redfish_make_number(entry, "PowerConsumedWatts", serve_redfish_plant(bmc)->node_w[bmc->node]);
    json_object_object_add(entry, "PowerLimit", limit);
    json_object_array_add(entries, entry);
    json_object_object_add(object, "PowerControl", entries);
    return object;
}

/* ---- telemetry ---- */

static void serve_redfish_extra_value(struct json_object *to, const char *property, double value,
                                      const char *time)
{
    struct json_object *entry = json_object_new_object(), *oem = json_object_new_object();
    struct json_object *nvidia = json_object_new_object();
    char text[32];

    (void)snprintf(text, sizeof text, "%.6f", value);
    serve_redfish_make_text(entry, "MetricProperty", property);
    serve_redfish_make_text(entry, "MetricValue", text);
    serve_redfish_make_text(entry, "Timestamp", time);
    json_object_object_add(nvidia, "MetricValueStale", json_object_new_boolean(false));
    json_object_object_add(oem, "Nvidia", nvidia);
    json_object_object_add(entry, "Oem", oem);
    json_object_array_add(to, entry);
}

/* When the values were sensed last, by the BMC's own clock. */
static void serve_redfish_extra_time(char *to, size_t room)
{
    int64_t wall_us = clock_wall_us() / EXTRA_SENSE_US * EXTRA_SENSE_US;
    time_t seconds = (time_t)(wall_us / EXTRA_US_PER_S);
    struct tm tm;
    char date[32];

    (void)gmtime_r(&seconds, &tm);
    (void)strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(to, room, "%s.%03d+00:00", date, (int)(wall_us % EXTRA_US_PER_S / 1000));
}

static struct json_object *serve_redfish_extra_report(struct serve_redfish_bmc *bmc)
{
    struct json_object *object =
        serve_redfish_make_object(SERVE_REDFISH_REPORT, "#MetricReport.v1_4_2.MetricReport",
                                  "HGX_PlatformEnvironmentMetrics_0", "Report");
    struct json_object *values = json_object_new_array(), *oem = json_object_new_object();
    struct json_object *nvidia = json_object_new_object();
    char property[SERVE_REDFISH_TEXT], time[48];

    serve_redfish_extra_time(time, sizeof time);
    for (int32_t n = 0; n < bmc->gpu_count; n++) {
        const struct plant_gpu *gpu = serve_redfish_extra_gpu(bmc, n);

        (void)snprintf(property, sizeof property, EXTRA_CHASSIS "%d/Sensors/Power_0", (int)n);
        serve_redfish_extra_value(values, property, serve_redfish_gpu_w(bmc, n), time);
        (void)snprintf(property, sizeof property, EXTRA_CHASSIS "%d/Sensors/Energy_0", (int)n);
        serve_redfish_extra_value(values, property, gpu->energy_j, time);
        (void)snprintf(property, sizeof property, EXTRA_CHASSIS "%d/Sensors/Temp_0", (int)n);
        serve_redfish_extra_value(values, property, gpu->temp_c, time);
    }
    json_object_object_add(object, "MetricValues", values);
    serve_redfish_make_whole(nvidia, "SensingIntervalMilliseconds", (double)EXTRA_SENSE_US / 1000.0);
    json_object_object_add(oem, "Nvidia", nvidia);
    json_object_object_add(object, "Oem", oem);
    return object;
}

static struct json_object *serve_redfish_extra_service(const char *path)
{
    struct json_object *object;

    if (strcmp(path, EXTRA_ROOT "/TelemetryService") == 0) {
        object = serve_redfish_make_object(path, "#TelemetryService.v1_2_1.TelemetryService",
                                           "TelemetryService", "Telemetry Service");
        serve_redfish_make_text(object, "MinCollectionInterval", "PT1S");
        serve_redfish_make_link(object, "MetricReports", EXTRA_ROOT "/TelemetryService/MetricReports");
    } else if (strcmp(path, EXTRA_ROOT "/EventService") == 0) {
        object = serve_redfish_make_object(path, "#EventService.v1_7_2.EventService", "EventService",
                                           "Event Service");
        serve_redfish_make_text(object, "ServerSentEventUri", SERVE_REDFISH_SSE);
    } else if (strcmp(path, EXTRA_ROOT "/TaskService") == 0) {
        object =
            serve_redfish_make_object(path, "#TaskService.v1_1_4.TaskService", "TaskService", "Task Service");
    } else if (strcmp(path, EXTRA_ROOT "/TelemetryService/MetricReports") == 0) {
        object =
            serve_redfish_make_collection(path, "#MetricReportCollection.MetricReportCollection", "Reports");
        serve_redfish_make_member(object, SERVE_REDFISH_REPORT);
        return object;
    } else {
        return NULL;
    }
    serve_redfish_make_enabled(object);
    return object;
}

/* ---- reading ---- */

struct json_object *serve_redfish_extra_get(struct serve_redfish_bmc *bmc, const char *path)
{
    struct json_object *object = serve_redfish_extra_service(path);
    int32_t n;

    if (object)
        return object;
    if (strcmp(path, SERVE_REDFISH_REPORT) == 0)
        return serve_redfish_extra_report(bmc);
    if (strcmp(path, EXTRA_POWER) == 0)
        return serve_redfish_extra_power(bmc);
    n = serve_redfish_extra_number(bmc, path, EXTRA_PROCESSORS, "/Oem/Nvidia/WorkloadPowerProfile");
    if (n >= 0)
        return serve_redfish_extra_workload(bmc, path, n);
    n = serve_redfish_extra_number(bmc, path, EXTRA_PROCESSORS, "/Oem/Nvidia/PowerSmoothing");
    if (n >= 0)
        return serve_redfish_extra_smoothing(bmc, path, n);
    n = serve_redfish_extra_number(bmc, path, EXTRA_CHASSIS, "/Controls/Power_0");
    if (n >= 0)
        return serve_redfish_extra_control(bmc, path, n);
    n = serve_redfish_extra_number(bmc, path, EXTRA_CHASSIS, "/Controls");
    if (n >= 0) {
        char member[2 * SERVE_REDFISH_TEXT];

        object = serve_redfish_make_collection(path, "#ControlCollection.ControlCollection", "Controls");
        (void)snprintf(member, sizeof member, "%s/Power_0", path);
        serve_redfish_make_member(object, member);
        return object;
    }
    n = serve_redfish_extra_number(bmc, path, EXTRA_PROCESSORS,
                                   "/Oem/Nvidia/PowerSmoothing/AdminOverrideProfile");
    if (n < 0)
        return NULL;
    object = serve_redfish_make_object(path, "#NvidiaPowerProfile.v1_1_0.NvidiaPowerProfile",
                                       "AdminOverrideProfile", "Override");
    serve_redfish_extra_ramps(object, &bmc->extras[n].overrides);
    return object;
}

/* ---- writing ---- */

static bool serve_redfish_extra_bad(struct serve_redfish_answer *answer, const char *text)
{
    serve_redfish_error(answer, 400, "PropertyValueError", text);
    return false;
}

/* A whole number member inside a range. */
static bool serve_redfish_extra_whole(struct json_object *object, const char *name, double min, double max,
                                      double *ret)
{
    struct json_object *member = NULL;

    if (!json_object_is_type(object, json_type_object) || !json_object_object_get_ex(object, name, &member) ||
        !json_object_is_type(member, json_type_int))
        return false;
    *ret = json_object_get_double(member);
    return *ret >= min && *ret <= max;
}

bool serve_redfish_extra_edpp(struct serve_redfish_bmc *bmc, int32_t n, struct json_object *edpp,
                              struct serve_redfish_answer *answer)
{
    double percent;

    if (!serve_redfish_extra_whole(edpp, "SetPoint", EXTRA_EDPP_MIN, EXTRA_EDPP_MAX, &percent))
        return serve_redfish_extra_bad(answer, "EDPpPercent.SetPoint is no whole number in its range.");
    bmc->extras[n].edpp = percent;
    return true;
}

static bool serve_redfish_extra_patch_control(struct serve_redfish_bmc *bmc, int32_t n,
                                              struct json_object *body, struct serve_redfish_answer *answer)
{
    const struct plant_gpu *gpu = serve_redfish_extra_gpu(bmc, n);
    double w;

    if (!serve_redfish_extra_whole(body, "SetPoint", gpu->limit_min_w, gpu->limit_max_w, &w))
        return serve_redfish_extra_bad(answer, "SetPoint is no whole number in its range.");
    plant_gpu_set_limit(serve_redfish_plant(bmc), bmc->gpus[n], w);
    bmc->counts.limits_set++;
    return true;
}

/* By position, and null takes the limit away. */
static bool serve_redfish_extra_patch_power(struct serve_redfish_bmc *bmc, struct json_object *body,
                                            struct serve_redfish_answer *answer)
{
    struct json_object *entries = NULL, *limit = NULL, *value = NULL;

    if (!json_object_object_get_ex(body, "PowerControl", &entries) ||
        !json_object_is_type(entries, json_type_array) || json_object_array_length(entries) != 1 ||
        !json_object_object_get_ex(json_object_array_get_idx(entries, 0), "PowerLimit", &limit) ||
        !json_object_object_get_ex(limit, "LimitInWatts", &value) ||
        (value && !json_object_is_type(value, json_type_int)))
        return serve_redfish_extra_bad(answer,
                                       "PowerControl is not [{PowerLimit: {LimitInWatts: whole or null}}].");
    bmc->node_limit_w = value ? json_object_get_double(value) : (double)NAN;
    return true;
}

static bool serve_redfish_extra_patch_override(struct serve_redfish_bmc *bmc, int32_t n,
                                               struct json_object *body, struct serve_redfish_answer *answer)
{
    struct serve_redfish_ramps *ramps = &bmc->extras[n].overrides;
    const struct {
        const char *name;
        double *member;
    } members[] = {
        { "TMPFloorPercent", &ramps->floor_percent },
        { "RampUpWattsPerSecond", &ramps->up_w_s },
        { "RampDownWattsPerSecond", &ramps->down_w_s },
        { "RampDownHysteresisSeconds", &ramps->hysteresis_s },
    };
    bool some = false;

    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        struct json_object *value = NULL;

        if (!json_object_object_get_ex(body, members[i].name, &value))
            continue;
        *members[i].member = json_object_get_double(value);
        some = true;
    }
    return some || serve_redfish_extra_bad(answer, "Nothing of the profile is named.");
}

static bool serve_redfish_extra_patch_smoothing(struct serve_redfish_bmc *bmc, int32_t n,
                                                struct json_object *body, struct serve_redfish_answer *answer)
{
    struct json_object *enabled = NULL;

    if (!json_object_object_get_ex(body, "Enabled", &enabled) ||
        !json_object_is_type(enabled, json_type_boolean))
        return serve_redfish_extra_bad(answer, "Enabled is no boolean.");
    bmc->extras[n].smoothing = json_object_get_boolean(enabled);
    return true;
}

bool serve_redfish_extra_patch(struct serve_redfish_bmc *bmc, const struct serve_redfish_request *request,
                               struct serve_redfish_answer *answer)
{
    int32_t control = serve_redfish_extra_number(bmc, request->path, EXTRA_CHASSIS, "/Controls/Power_0");
    int32_t smoothing =
        serve_redfish_extra_number(bmc, request->path, EXTRA_PROCESSORS, "/Oem/Nvidia/PowerSmoothing");
    int32_t override = serve_redfish_extra_number(bmc, request->path, EXTRA_PROCESSORS,
                                                  "/Oem/Nvidia/PowerSmoothing/AdminOverrideProfile");
    bool power = strcmp(request->path, EXTRA_POWER) == 0;
    struct json_object *body;
    bool done;

    if (control < 0 && smoothing < 0 && override < 0 && !power)
        return false;
    body = json_tokener_parse(request->body);
    if (!json_object_is_type(body, json_type_object))
        done = serve_redfish_extra_bad(answer, "The request body is not a JSON object.");
    else if (power)
        done = serve_redfish_extra_patch_power(bmc, body, answer);
    else if (control >= 0)
        done = serve_redfish_extra_patch_control(bmc, control, body, answer);
    else if (smoothing >= 0)
        done = serve_redfish_extra_patch_smoothing(bmc, smoothing, body, answer);
    else
        done = serve_redfish_extra_patch_override(bmc, override, body, answer);
    if (done)
        answer->status = 204;
    json_object_put(body);
    return true;
}

/* {"ProfileMask":"0x.."}: 48 bits of it are enough here. */
static bool serve_redfish_extra_profiles(struct serve_redfish_bmc *bmc, int32_t n, bool enable,
                                         struct json_object *body, struct serve_redfish_answer *answer)
{
    struct json_object *text = NULL;
    unsigned long long mask;
    char *end;

    if (!json_object_object_get_ex(body, "ProfileMask", &text) ||
        !json_object_is_type(text, json_type_string))
        return serve_redfish_extra_bad(answer, "ProfileMask is no text.");
    mask = strtoull(json_object_get_string(text), &end, 16);
    if (*end != '\0' || (mask & ~(unsigned long long)EXTRA_SUPPORTED))
        return serve_redfish_extra_bad(answer, "ProfileMask has profiles that are not supported.");
    bmc->extras[n].workload = enable ? bmc->extras[n].workload | mask : bmc->extras[n].workload & ~mask;
    return true;
}

static bool serve_redfish_extra_act(struct serve_redfish_bmc *bmc, int32_t n, const char *action,
                                    struct json_object *body, struct serve_redfish_answer *answer)
{
    double profile;

    if (strcmp(action, "NvidiaWorkloadPower.EnableProfiles") == 0)
        return serve_redfish_extra_profiles(bmc, n, true, body, answer);
    if (strcmp(action, "NvidiaWorkloadPower.DisableProfiles") == 0)
        return serve_redfish_extra_profiles(bmc, n, false, body, answer);
    if (strcmp(action, "NvidiaPowerSmoothing.ApplyAdminOverrides") == 0) {
        bmc->extras[n].ramps = bmc->extras[n].overrides;
        return true;
    }
    if (!serve_redfish_extra_whole(body, "ProfileId", 0.0, 4.0, &profile))
        return serve_redfish_extra_bad(answer, "ProfileId is not 0 to 4.");
    bmc->extras[n].profile = profile;
    return true;
}

bool serve_redfish_extra_post(struct serve_redfish_bmc *bmc, const struct serve_redfish_request *request,
                              struct serve_redfish_answer *answer)
{
    static const char *const actions[] = {
        "/Oem/Nvidia/WorkloadPowerProfile/Actions/NvidiaWorkloadPower.EnableProfiles",
        "/Oem/Nvidia/WorkloadPowerProfile/Actions/NvidiaWorkloadPower.DisableProfiles",
        "/Oem/Nvidia/PowerSmoothing/Actions/NvidiaPowerSmoothing.ActivatePresetProfile",
        "/Oem/Nvidia/PowerSmoothing/Actions/NvidiaPowerSmoothing.ApplyAdminOverrides",
    };

    for (size_t a = 0; a < sizeof actions / sizeof actions[0]; a++) {
        int32_t n = serve_redfish_extra_number(bmc, request->path, EXTRA_PROCESSORS, actions[a]);
        struct json_object *body;

        if (n < 0)
            continue;
        body = json_tokener_parse(request->body);
        if (serve_redfish_extra_act(bmc, n, strrchr(actions[a], '/') + 1, body, answer))
            answer->status = 204;
        json_object_put(body);
        return true;
    }
    return false;
}
