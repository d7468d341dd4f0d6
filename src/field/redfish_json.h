/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_json.h: what a BMC's JSON says, and what we say to it. Pure.
 *
 * Whatever a BMC leaves out, sets to null or writes as a string is met; what
 * cannot be understood is NAN or empty, never a guess. Private to src/field.
 */
#ifndef BUSBAR_FIELD_REDFISH_JSON_H
#define BUSBAR_FIELD_REDFISH_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "busbar/status.h"

#define REDFISH_JSON_WORD_MAX 40
#define REDFISH_JSON_PATH_MAX 256
#define REDFISH_JSON_TEXT_MAX 160

/* An EnvironmentMetrics resource. NAN: not there, or not a number. */
struct redfish_json_metrics {
    double power_w, energy_j, temp_c;
    bool has_limit;     /* there is a PowerLimitWatts               */
    double limit_set_w; /* its SetPoint                             */
    double limit_min_w, limit_max_w, limit_default_w;
    char mode[REDFISH_JSON_WORD_MAX];      /* ControlMode; "" absent                   */
    char units[REDFISH_JSON_WORD_MAX];     /* SetPointUnits; "" absent                 */
    char exception[REDFISH_JSON_WORD_MAX]; /* LimitException; "" absent                */
    bool nonvolatile;                      /* its DataSourceUri names a non-volatile control */
};

struct json_object;

/* The members of a limit ({SetPoint, AllowableMin ...}); NULL: there is none. */
void redfish_json_limits(struct json_object *limit, struct redfish_json_metrics *ret);

/* ST_CORRUPT: no JSON object, or nested deeper than 32. */
NODISCARD enum status redfish_json_metrics(const char *body, size_t size, struct redfish_json_metrics *ret);

/* The limit in force: the set-point, or the allowed maximum while there is none
 * or the mode is Disabled. NAN: unknown. */
double redfish_json_limit_w(const struct redfish_json_metrics *metrics);

/* Is the limit switched off (ControlMode Disabled)? */
bool redfish_json_disabled(const struct redfish_json_metrics *metrics);

/* The service root. */
struct redfish_json_root {
    char uuid[REDFISH_JSON_WORD_MAX]; /* without its dashes                       */
    char product[REDFISH_JSON_WORD_MAX], version[REDFISH_JSON_WORD_MAX];
    char sessions[REDFISH_JSON_PATH_MAX]; /* Links.Sessions; "" absent                */
};
NODISCARD enum status redfish_json_root(const char *body, size_t size, struct redfish_json_root *ret);

/* The @odata.id of a body (a new session), however long, given to the caller; NULL: it has none. */
char *redfish_json_id(const char *body, size_t size);

/* What an error body says, as one short line of printable characters: a Redfish
 * error object, {"Message": ...}, or nothing (""). */
void redfish_json_error(const char *body, size_t size, char ret[REDFISH_JSON_TEXT_MAX]);

/* A Task that says it is not over yet: some give one, with 200, where the standard has a
 * task monitor. */
bool redfish_json_task_runs(const char *body, size_t size);

/* Does an error body say that there is no session left to give? */
bool redfish_json_sessions_full(const char *body, size_t size);

/* {"UserName":..,"Password":..}; false: no room. */
bool redfish_json_login(const char *username, const char *password, char *ret, size_t room);

#endif
