/* SPDX-License-Identifier: Apache-2.0 */
/* cli_health.h: `busbarctl verify bmc-health`: every BMC checked, as one task. */
#ifndef CLI_CLI_HEALTH_H
#define CLI_CLI_HEALTH_H

#include "busbar/conf.h"
#include "busbar/redfish_survey.h"
#include "cli.h"

struct json_object;

#define CLI_HEALTH_SECRET_MAX 256 /* as CLI_REDFISH_PASSWORD_MAX */

/* One BMC to be checked. */
struct cli_health_target {
    char name[CONF_NAME_MAX];
    char url[CONF_PATH_MAX], user[CONF_NAME_MAX], password[CLI_HEALTH_SECRET_MAX];
    char ca_file[CONF_PATH_MAX], pin[CONF_PATH_MAX];
};

struct cli_health_options {
    bool writes;               /* limits are written, read back and put back       */
    int64_t samples, every_ms; /* telemetry: how many, and how far apart           */
    int64_t window_ms;         /* longest wait for a write to read back            */
    int64_t timeout_us, concurrency;
    double expected_edpp;                       /* percent; NAN: any                                */
    const char *firmware_floor, *redfish_floor; /* NULL: none                          */
    char folder[CONF_PATH_MAX];                 /* of the task's files                              */
};

/* Checks one BMC: its whole report, which the caller puts. Reads only, unless
 * options->writes; what it writes is recorded in the folder first. */
struct json_object *cli_health_node(const struct cli_health_target *target,
                                    const struct cli_health_options *options);

/* ---- the task and its files ---- */

enum cli_health_state { CLI_HEALTH_NONE, CLI_HEALTH_RUNNING, CLI_HEALTH_INTERRUPTED, CLI_HEALTH_DONE };

/* Starts a task, or goes on with one that was cut off and is the same; `*ret_resumed` tells.
 * With `wait` it runs here, else in a process of its own. CLI_FAILED: said. */
int cli_health_start(struct cli *cli, const struct cli_health_options *options,
                     const struct cli_health_target *targets, int32_t count, char ret_id[32],
                     bool *ret_resumed);

/* The last task: {task_id, state, nodes_total, nodes_completed, ...}; NULL: there is none.
 * The caller puts it. */
struct json_object *cli_health_status(const char *folder, enum cli_health_state *ret);

/* Its report so far: status, cluster_summary, issues[], nodes[]. */
struct json_object *cli_health_report(const char *folder, bool summary_only, bool *ret_ok);

/* A document as a file that is there whole or not at all, and on disk. */
bool cli_health_save(const char *path, struct json_object *json);
struct json_object *cli_health_load(const char *path);

#endif
