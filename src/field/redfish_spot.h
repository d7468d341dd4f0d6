/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_spot.h: what a resource that is asked for again and again says: a GPU's
 * EnvironmentMetrics, a Control, the deprecated Power, a sensor, workload profiles, power
 * smoothing. Pure. Private to src/field.
 */
#ifndef BUSBAR_FIELD_REDFISH_SPOT_H
#define BUSBAR_FIELD_REDFISH_SPOT_H

#include <stdbool.h>
#include <stddef.h>

#include "busbar/redfish_survey.h"
#include "busbar/signals.h"
#include "busbar/status.h"

#include "redfish_json.h"

#define REDFISH_SPOT_NO_LIMIT_W 1e6 /* a cap that is off and has no range               */

struct redfish_spot_doc {
    struct redfish_json_metrics metrics;
    enum redfish_survey_limit_kind form; /* of its limit                                 */
    int32_t index;                       /* LEGACY: place in PowerControl                */
    /* NAN: not there */
    double edpp_ratio, edpp_min, edpp_max;
    double workload, workload_supported; /* masks of 48 bits at most, as numbers         */
    double smoothing, smoothing_profile, floor_ratio, floor_min, floor_max;
    double ramp_up_w_s, ramp_down_w_s, hysteresis_s;
    /* paths; "" none */
    char power_source[REDFISH_SURVEY_PATH_MAX], energy_source[REDFISH_SURVEY_PATH_MAX];
    char temp_source[REDFISH_SURVEY_PATH_MAX];
    char enable[REDFISH_SURVEY_PATH_MAX], disable[REDFISH_SURVEY_PATH_MAX];
    char activate[REDFISH_SURVEY_PATH_MAX], apply[REDFISH_SURVEY_PATH_MAX], admin[REDFISH_SURVEY_PATH_MAX];
};

/* `pointer`: the part that is meant ("PowerControl/0", "InputPowerWatts"), or "".
 * ST_CORRUPT: no JSON object. */
NODISCARD enum status redfish_spot_parse(const char *body, size_t size, const char *pointer,
                                         struct redfish_spot_doc *ret);

/* What a reading of this signal is worth there, in its unit; NAN: not there. */
double redfish_spot_value(const struct redfish_spot_doc *doc, enum signal signal);

/* Is the limit switched off? */
bool redfish_spot_is_off(const struct redfish_spot_doc *doc);

/* The limit in force, what is off counted as its maximum. */
double redfish_spot_limit(const struct redfish_spot_doc *doc);

#endif
