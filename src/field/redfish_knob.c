/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_knob.c: one table row a knob, and the calls of each. Pure. */
#include "redfish_knob.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "redfish_limit.h"
#include "redfish_mask.h"

#define REDFISH_KNOB_EPSILON 1e-6
#define REDFISH_KNOB_MAX_W   1e6

static const struct redfish_knob_row {
    enum signal signal; /* that reads it                                        */
    double near;
    double grain;        /* values are multiples of it                           */
    const char *member;  /* of the override profile                              */
    double member_scale; /* its unit in the signal's                             */
} redfish_knob_rows[] = {
    [CONF_KNOB_LIMIT] = { SIGNAL_GPU_POWER_LIMIT_W, 0.5, 1.0, NULL, 1.0 },
    [CONF_KNOB_EDPP] = { SIGNAL_GPU_EDPP_RATIO, 0.005, 0.01, NULL, 1.0 },
    [CONF_KNOB_WORKLOAD] = { SIGNAL_GPU_WORKLOAD_PROFILES, 0.25, 1.0, NULL, 1.0 },
    [CONF_KNOB_SMOOTHING] = { SIGNAL_GPU_SMOOTHING, 0.25, 1.0, NULL, 1.0 },
    [CONF_KNOB_SMOOTHING_PROFILE] = { SIGNAL_GPU_SMOOTHING_PROFILE, 0.25, 1.0, NULL, 1.0 },
    [CONF_KNOB_SMOOTHING_FLOOR] = { SIGNAL_GPU_SMOOTHING_FLOOR_RATIO, 0.005, 0.01, "TMPFloorPercent", 100.0 },
    [CONF_KNOB_RAMP_UP] = { SIGNAL_GPU_RAMP_UP_W_PER_S, 0.5, 1.0, "RampUpWattsPerSecond", 1.0 },
    [CONF_KNOB_RAMP_DOWN] = { SIGNAL_GPU_RAMP_DOWN_W_PER_S, 0.5, 1.0, "RampDownWattsPerSecond", 1.0 },
    [CONF_KNOB_RAMP_HYSTERESIS] = { SIGNAL_GPU_RAMP_HYSTERESIS_S, 0.005, 0.01, "RampDownHysteresisSeconds",
                                    1.0 },
};

static bool redfish_knob_is_volts(const struct redfish_spot_doc *doc)
{
    return strcasecmp(doc->metrics.units, "V") == 0 || strcasecmp(doc->metrics.units, "Volts") == 0;
}

static bool redfish_knob_is_watts(const struct redfish_spot_doc *doc)
{
    const char *unit = doc->metrics.units;

    return !unit[0] || strcmp(unit, "W") == 0 || strcmp(unit, "Watt") == 0 || strcmp(unit, "Watts") == 0;
}

double redfish_knob_value(enum conf_knob knob, const struct redfish_spot_doc *doc)
{
    return redfish_spot_value(doc, redfish_knob_rows[knob].signal);
}

bool redfish_knob_is_off(enum conf_knob knob, const struct redfish_spot_doc *doc)
{
    return knob == CONF_KNOB_LIMIT && redfish_spot_is_off(doc);
}

double redfish_knob_near(enum conf_knob knob, const struct redfish_spot_doc *doc)
{
    return knob == CONF_KNOB_LIMIT && redfish_knob_is_volts(doc) ? 0.005 : redfish_knob_rows[knob].near;
}

double redfish_knob_round(enum conf_knob knob, const struct redfish_spot_doc *doc, double value)
{
    double grain =
        knob == CONF_KNOB_LIMIT && redfish_knob_is_volts(doc) ? 0.01 : redfish_knob_rows[knob].grain;

    return floor(value / grain + REDFISH_KNOB_EPSILON) * grain;
}

bool redfish_knob_allows(enum conf_knob knob, const struct redfish_spot_doc *doc, double value)
{
    const double near = REDFISH_KNOB_EPSILON;

    switch (knob) {
    case CONF_KNOB_LIMIT:
        return value >= 0.0 && value <= REDFISH_KNOB_MAX_W && !(value < doc->metrics.limit_min_w - near) &&
               !(value > doc->metrics.limit_max_w + near);
    case CONF_KNOB_EDPP:
        return value > 0.0 && !(value < doc->edpp_min - near) && !(value > doc->edpp_max + near);
    case CONF_KNOB_WORKLOAD: /* a set, all of it supported */
        return value >= 0.0 && value < 0x1p48 &&
               (isnan(doc->workload_supported) ||
                ((uint64_t)value & ~(uint64_t)doc->workload_supported) == 0);
    case CONF_KNOB_SMOOTHING_FLOOR:
        return value >= 0.0 && !(value < doc->floor_min - near) && !(value > doc->floor_max + near);
    default:
        return value >= 0.0;
    }
}

/* ---- what must not be ---- */

static const char *redfish_knob_forbidden_limit(const struct redfish_spot_doc *doc, bool hard_power_off_ok)
{
    if (!doc->metrics.has_limit)
        return "it shows no limit";
    if (doc->metrics.nonvolatile)
        return "its limit is the non-volatile one";
    if (!redfish_knob_is_watts(doc) && !redfish_knob_is_volts(doc))
        return "its limit is neither in watts nor in volts";
    if (strcmp(doc->metrics.exception, "HardPowerOff") == 0 && !hard_power_off_ok)
        return "it switches off when the limit is exceeded";
    return NULL;
}

const char *redfish_knob_forbidden(enum conf_knob knob, const struct redfish_spot_doc *doc,
                                   bool hard_power_off_ok)
{
    switch (knob) {
    case CONF_KNOB_LIMIT:
        return redfish_knob_forbidden_limit(doc, hard_power_off_ok);
    case CONF_KNOB_EDPP:
    case CONF_KNOB_SMOOTHING:
        return NULL;
    case CONF_KNOB_WORKLOAD:
        return doc->enable[0] && doc->disable[0] ? NULL : "it offers no action to change its profiles";
    case CONF_KNOB_SMOOTHING_PROFILE:
        return doc->activate[0] ? NULL : "it offers no action to choose a profile";
    default:
        return doc->admin[0] && doc->apply[0] ? NULL : "it offers no override profile";
    }
}

/* ---- what is sent ---- */

static bool redfish_knob_limit_call(const struct redfish_knob_want *want, const struct redfish_spot_doc *doc,
                                    struct redfish_knob_call *ret)
{
    struct redfish_survey_limit limit = { .kind = doc->form, .index = doc->index };
    struct redfish_limit_set set = { .value = want->target };

    (void)snprintf(limit.unit, sizeof limit.unit, "%s", redfish_knob_is_volts(doc) ? "V" : "W");
    if (doc->form == REDFISH_LIMIT_LEGACY && want->turn == REDFISH_KNOB_OFF)
        set.value = NAN;
    else if (doc->form != REDFISH_LIMIT_LEGACY && want->turn == REDFISH_KNOB_OFF)
        set.mode = "Disabled";
    else if (doc->form != REDFISH_LIMIT_LEGACY && want->turn == REDFISH_KNOB_ON)
        set.mode = doc->form == REDFISH_LIMIT_CONTROL && want->manual ? want->manual : "Automatic";
    ret->method = "PATCH";
    return redfish_limit_body(&limit, &set, ret->body, sizeof ret->body);
}

/* Enabling goes first: between the two calls no profile may be missing. */
static bool redfish_knob_workload_call(const struct redfish_knob_want *want,
                                       const struct redfish_spot_doc *doc, int32_t step,
                                       struct redfish_knob_call *ret)
{
    uint64_t target = (uint64_t)want->target, have = isnan(doc->workload) ? 0 : (uint64_t)doc->workload;
    uint64_t on = target & ~have, off = have & ~target;
    bool enable = step == 0 && on;
    uint64_t bits = enable ? on : off;

    if (bits == 0 || step > (on && off ? 1 : 0))
        return false;
    ret->method = "POST";
    (void)snprintf(ret->path, sizeof ret->path, "%s", enable ? doc->enable : doc->disable);
    (void)snprintf(ret->body, sizeof ret->body, "{\"ProfileMask\":\"0x%llx\"}", (unsigned long long)bits);
    return true;
}

/* Into the override profile, then the profile into force. */
static bool redfish_knob_override_call(const struct redfish_knob_want *want,
                                       const struct redfish_spot_doc *doc, int32_t step,
                                       struct redfish_knob_call *ret)
{
    const struct redfish_knob_row *row = &redfish_knob_rows[want->knob];

    if (step > 1)
        return false;
    ret->method = step == 0 ? "PATCH" : "POST";
    (void)snprintf(ret->path, sizeof ret->path, "%s", step == 0 ? doc->admin : doc->apply);
    if (step == 0)
        (void)snprintf(ret->body, sizeof ret->body, "{\"%s\":%.6g}", row->member,
                       want->target * row->member_scale);
    else
        (void)snprintf(ret->body, sizeof ret->body, "{}");
    return true;
}

bool redfish_knob_call(const struct redfish_knob_want *want, const struct redfish_spot_doc *doc, int32_t step,
                       struct redfish_knob_call *ret)
{
    if (want->knob == CONF_KNOB_WORKLOAD)
        return redfish_knob_workload_call(want, doc, step, ret);
    if (redfish_knob_rows[want->knob].member)
        return redfish_knob_override_call(want, doc, step, ret);
    if (step > 0)
        return false;
    (void)snprintf(ret->path, sizeof ret->path, "%s", want->path);
    ret->method = "PATCH";
    switch (want->knob) {
    case CONF_KNOB_LIMIT:
        return redfish_knob_limit_call(want, doc, ret);
    case CONF_KNOB_EDPP:
        (void)snprintf(ret->body, sizeof ret->body,
                       "{\"Oem\":{\"Nvidia\":{\"EDPpPercent\":{\"SetPoint\":%.0f,\"Persistency\":false}}}}",
                       want->target * 100.0);
        return true;
    case CONF_KNOB_SMOOTHING:
        (void)snprintf(ret->body, sizeof ret->body, "{\"Enabled\":%s}",
                       want->target > 0.5 ? "true" : "false");
        return true;
    default: /* the preset profile */
        ret->method = "POST";
        (void)snprintf(ret->path, sizeof ret->path, "%s", doc->activate);
        (void)snprintf(ret->body, sizeof ret->body, "{\"ProfileId\":%.0f}", want->target);
        return true;
    }
}
