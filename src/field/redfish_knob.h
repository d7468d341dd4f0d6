/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_knob.h: what a lever of a BMC turns: what it holds, what it may be set to, and
 * the calls that set it. Pure. Private to src/field.
 */
#ifndef BUSBAR_FIELD_REDFISH_KNOB_H
#define BUSBAR_FIELD_REDFISH_KNOB_H

#include <stdbool.h>
#include <stddef.h>

#include "busbar/conf.h"
#include "busbar/redfish_survey.h"

#include "redfish_spot.h"

#define REDFISH_KNOB_BODY_MAX  192
#define REDFISH_KNOB_CALLS_MAX 2

/* What it holds now; a limit that is off counts as its maximum. NAN: unknown. */
double redfish_knob_value(enum conf_knob knob, const struct redfish_spot_doc *doc);

/* Is it a limit that is switched off? */
bool redfish_knob_is_off(enum conf_knob knob, const struct redfish_spot_doc *doc);

/* A value as it can be written: whole watts and percent rounded down. */
double redfish_knob_round(enum conf_knob knob, const struct redfish_spot_doc *doc, double value);

/* Is a rounded value one that the device allows? */
bool redfish_knob_allows(enum conf_knob knob, const struct redfish_spot_doc *doc, double value);

/* So near is the same. */
double redfish_knob_near(enum conf_knob knob, const struct redfish_spot_doc *doc);

/* Why it must not be written; NULL: it may be. */
const char *redfish_knob_forbidden(enum conf_knob knob, const struct redfish_spot_doc *doc,
                                   bool hard_power_off_ok);

enum redfish_knob_switch { REDFISH_KNOB_KEEP, REDFISH_KNOB_ON, REDFISH_KNOB_OFF };

struct redfish_knob_want {
    enum conf_knob knob;
    double target;
    enum redfish_knob_switch turn; /* of a limit                                     */
    const char *path;              /* of the resource that `doc` is of               */
    const char *manual;            /* the ControlMode of a Control that is on        */
};

struct redfish_knob_call {
    const char *method;
    char path[REDFISH_SURVEY_PATH_MAX];
    char body[REDFISH_KNOB_BODY_MAX];
};

/* The step-th call (from 0) of those that set it; false: there is none (more). */
bool redfish_knob_call(const struct redfish_knob_want *want, const struct redfish_spot_doc *doc, int32_t step,
                       struct redfish_knob_call *ret);

#endif
