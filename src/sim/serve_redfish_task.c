/* SPDX-License-Identifier: Apache-2.0 */
/* serve_redfish_task.c: writes of a simulated BMC that are answered 202 and done later,
 * where a fault says so. Runs on the server's base; no I/O.
 */
#include "serve_redfish_extra.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool serve_redfish_task_is_due(const struct serve_redfish_task *task, int64_t now_us)
{
    return task->id > 0 && task->due_us <= now_us;
}

bool serve_redfish_task_take(struct serve_redfish_bmc *bmc, const struct serve_redfish_request *request,
                             struct serve_redfish_answer *answer)
{
    struct faults *faults = serve_redfish_faults(bmc);
    struct fault *fault = faults ? faults_hit(faults, FAULT_BMC, bmc->node, FAULT_TASK) : NULL;
    struct serve_redfish_task *task = NULL;

    if (!fault || strlen(request->body) >= sizeof task->body || strlen(request->path) >= sizeof task->path)
        return false;
    for (size_t i = 0; i < SERVE_REDFISH_TASKS && !task; i++)
        if (bmc->tasks[i].id == 0 || bmc->tasks[i].done)
            task = &bmc->tasks[i];
    if (!task)
        return false;
    *task = (struct serve_redfish_task){
        .id = ++bmc->task_id,
        .due_us = request->now_us + (int64_t)(faults_value(fault, FAULT_TASK) * 1e6),
    };
    (void)snprintf(task->path, sizeof task->path, "%s", request->path);
    (void)snprintf(task->body, sizeof task->body, "%s", request->body);
    answer->status = 202;
    answer->retry_after_s = 1;
    (void)snprintf(answer->location, sizeof answer->location, SERVE_REDFISH_TASK_AT "%u", task->id);
    return true;
}

void serve_redfish_task_run(struct serve_redfish_bmc *bmc, int64_t now_us)
{
    for (size_t i = 0; i < SERVE_REDFISH_TASKS; i++) {
        struct serve_redfish_task *task = &bmc->tasks[i];
        struct serve_redfish_request request = { .path = task->path, .body = task->body, .now_us = now_us };
        struct serve_redfish_answer answer = { .status = 500 };

        if (task->done || !serve_redfish_task_is_due(task, now_us))
            continue;
        task->done = true;
        serve_redfish_write(bmc, &request, &answer);
        serve_redfish_answer_done(&answer);
    }
}

bool serve_redfish_task_get(struct serve_redfish_bmc *bmc, const struct serve_redfish_request *request,
                            struct serve_redfish_answer *answer)
{
    size_t size = strlen(SERVE_REDFISH_TASK_AT);
    uint32_t id;

    if (strncmp(request->path, SERVE_REDFISH_TASK_AT, size) != 0)
        return false;
    id = (uint32_t)strtoul(request->path + size, NULL, 10);
    for (size_t i = 0; i < SERVE_REDFISH_TASKS; i++) {
        struct serve_redfish_task *task = &bmc->tasks[i];

        if (id == 0 || task->id != id)
            continue;
        answer->status = task->done ? 204 : 202;
        answer->retry_after_s = task->done ? 0 : 1;
        if (task->done)
            task->id = 0; /* told once, then forgotten */
        return true;
    }
    return false;
}
