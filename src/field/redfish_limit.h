/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_limit.h: one limit of any kind: what is sent to set it, and reading it out of
 * its resource again. Pure. Private to src/field.
 */
#ifndef BUSBAR_FIELD_REDFISH_LIMIT_H
#define BUSBAR_FIELD_REDFISH_LIMIT_H

#include <stdbool.h>
#include <stddef.h>

#include "busbar/redfish_survey.h"
#include "busbar/status.h"

#define REDFISH_LIMIT_BODY_MAX  512
#define REDFISH_LIMIT_INDEX_MAX 32 /* entries of a PowerControl before the one that is set */

struct redfish_limit_set {
    double value;     /* NAN: none, the limit is taken away (LEGACY)                     */
    const char *mode; /* ControlMode to go with it; NULL: it stays as it is              */
};

/* The body of the PATCH; false: this kind is not written, or no room. Watts and percent
 * are whole numbers: real BMCs refuse fractions. */
bool redfish_limit_body(const struct redfish_survey_limit *limit, const struct redfish_limit_set *set,
                        char *ret, size_t room);

/* The resource of a limit: its path without what is inside. */
void redfish_limit_resource(const struct redfish_survey_limit *limit, char ret[REDFISH_SURVEY_PATH_MAX]);

/* Finds `limit` (by kind and path) in a fresh answer of its resource and takes over what
 * it says now; `allow` as that header, or NULL. ST_ABSENT: it is not there any more;
 * ST_CORRUPT. */
NODISCARD enum status redfish_limit_reread(struct redfish_survey_limit *limit, const char *body, size_t size,
                                           const char *allow);

/* Everything that must hold before this probe writes it; NULL: it does. */
const char *redfish_probe_refusal(const struct redfish_probe *probe, const struct redfish_survey_limit *limit,
                                  double value);

/* Is it switched off: no value, or ControlMode Disabled? */
bool redfish_limit_is_off(const struct redfish_survey_limit *limit);

#endif
