/* SPDX-License-Identifier: Apache-2.0 */
/* serve_redfish_extra.h: what a simulated BMC has besides, where its rack says so:
 * NVIDIA's settings, Controls, the deprecated Power, telemetry, tasks. Private to
 * serve_redfish*.c.
 *
 * Settings are kept and shown and change nothing in the plant; limits do.
 */
#ifndef BUSBAR_SIM_SERVE_REDFISH_EXTRA_H
#define BUSBAR_SIM_SERVE_REDFISH_EXTRA_H

#include "serve_redfish_parts.h"

#define SERVE_REDFISH_SSE     "/redfish/v1/EventService/SSE"
#define SERVE_REDFISH_REPORT  "/redfish/v1/TelemetryService/MetricReports/HGX_PlatformEnvironmentMetrics_0"
#define SERVE_REDFISH_TASK_AT "/redfish/v1/TaskService/TaskMonitors/"

/* Links to the extras, into resources of the tree. */
void serve_redfish_extra_root(struct json_object *root, struct json_object *links);
void serve_redfish_extra_processor(struct json_object *gpu, int32_t n);
void serve_redfish_extra_chassis(struct json_object *chassis, const char *path);
void serve_redfish_extra_metrics(const struct serve_redfish_bmc *bmc, int32_t n, struct json_object *metrics);

/* A resource of the extras, or NULL. */
struct json_object *serve_redfish_extra_get(struct serve_redfish_bmc *bmc, const char *path);

/* A PATCH or POST of one of them. False: it is none of theirs. */
bool serve_redfish_extra_patch(struct serve_redfish_bmc *bmc, const struct serve_redfish_request *request,
                               struct serve_redfish_answer *answer);
bool serve_redfish_extra_post(struct serve_redfish_bmc *bmc, const struct serve_redfish_request *request,
                              struct serve_redfish_answer *answer);

/* EDPp, of a GPU's EnvironmentMetrics. False: answered with an error. */
bool serve_redfish_extra_edpp(struct serve_redfish_bmc *bmc, int32_t n, struct json_object *edpp,
                              struct serve_redfish_answer *answer);

/* ---- tasks (serve_redfish_task.c) ---- */

/* A write becomes a task, where a fault says so. False: it does not. */
bool serve_redfish_task_take(struct serve_redfish_bmc *bmc, const struct serve_redfish_request *request,
                             struct serve_redfish_answer *answer);
/* Does what is due. */
void serve_redfish_task_run(struct serve_redfish_bmc *bmc, int64_t now_us);
/* A task monitor's answer. False: there is none at this path. */
bool serve_redfish_task_get(struct serve_redfish_bmc *bmc, const struct serve_redfish_request *request,
                            struct serve_redfish_answer *answer);

#endif
