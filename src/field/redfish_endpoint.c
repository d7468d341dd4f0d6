/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_endpoint.c: the list of calls, one row each, and matching. Pure. */
#include "redfish_endpoint.h"

#include <stdlib.h>
#include <string.h>

#define V1          "/redfish/v1"
#define PROCESSORS  V1 "/Systems/*/Processors"
#define NODEMANAGER V1 "/Managers/*/NodeManager"

static const struct {
    const char *methods, *pattern;
} redfish_endpoint_rows[] = {
    { "GET", V1 },
    { "POST", V1 "/SessionService/Sessions" },
    { "GET", V1 "/Systems" },
    { "GET", V1 "/Systems/HGX_Baseboard_0" },
    { "GET", PROCESSORS },
    { "GET", PROCESSORS "/CPU_*" },
    { "GET, PATCH", PROCESSORS "/CPU_*/EnvironmentMetrics" },
    { "GET", PROCESSORS "/GPU_SXM_*" },
    { "GET", PROCESSORS "/GPU_SXM_*/EnvironmentMetrics" },
    { "GET", PROCESSORS "/GPU_*" },
    { "GET, PATCH", PROCESSORS "/GPU_*/EnvironmentMetrics" },
    { "GET", PROCESSORS "/GPU_*/Oem/Nvidia/WorkloadPowerProfile" },
    { "POST",
      PROCESSORS "/GPU_*/Oem/Nvidia/WorkloadPowerProfile/Actions/NvidiaWorkloadPower.EnableProfiles" },
    { "POST",
      PROCESSORS "/GPU_*/Oem/Nvidia/WorkloadPowerProfile/Actions/NvidiaWorkloadPower.DisableProfiles" },
    { "GET", V1 "/Chassis" },
    { "GET", V1 "/Chassis/Chassis_0" },
    { "GET", V1 "/Chassis/Chassis_0/EnvironmentMetrics" },
    { "GET", V1 "/Chassis/HGX_Chassis_0" },
    { "GET", V1 "/Chassis/HGX_Chassis_0/EnvironmentMetrics" },
    { "GET, PATCH", V1 "/Chassis/HGX_ProcessorModule_*/EnvironmentMetrics" },
    { "GET", V1 "/Chassis/HGX_ProcessorModule_*/Assembly" },
    { "GET", V1 "/Managers" },
    { "GET", V1 "/Managers/BMC" },
    { "GET", V1 "/Managers/HGX_BMC_0" },
    { "GET", NODEMANAGER },
    { "GET, POST", NODEMANAGER "/Domains" },
    { "GET, PATCH, DELETE", NODEMANAGER "/Domains/*" },
    { "GET", NODEMANAGER "/Domains/*/Policies" },
    { "GET", NODEMANAGER "/Domains/*/Policies/*" },
    { "GET", NODEMANAGER "/PSUPolicies" },
    { "GET", NODEMANAGER "/PSUPolicies/*" },
    { "GET", V1 "/UpdateService/FirmwareInventory/FW_BMC_0" },
    { "GET", V1 "/UpdateService/FirmwareInventory/HGX_FW_BMC_0" },
    { "GET", V1 "/UpdateService/FirmwareInventory/HostBMC_0" },
    { "GET", V1 "/TelemetryService" },
    { "GET", V1 "/TelemetryService/MetricReports" },
    { "GET", V1 "/TelemetryService/MetricReports/NvidiaNMMetrics_0" },
    { "GET", V1 "/TaskService/Tasks/*" },
};

struct redfish_survey_endpoint *redfish_endpoint_list(int32_t *ret_count)
{
    const size_t count = sizeof redfish_endpoint_rows / sizeof redfish_endpoint_rows[0];
    struct redfish_survey_endpoint *list = calloc(count, sizeof *list);

    *ret_count = list ? (int32_t)count : 0;
    for (size_t i = 0; list && i < count; i++) {
        list[i].methods = redfish_endpoint_rows[i].methods;
        list[i].pattern = redfish_endpoint_rows[i].pattern;
    }
    return list;
}

/* One star a component at most, so the text after it is compared from the end. */
bool redfish_endpoint_fits(const char *pattern, const char *path)
{
    while (*pattern) {
        size_t want = strcspn(pattern, "/"), have = strcspn(path, "/"), head = strcspn(pattern, "*/");
        size_t tail = head < want ? want - head - 1 : 0;
        bool fits = head < want ? have > head + tail && strncmp(pattern, path, head) == 0 &&
                                      strncmp(pattern + head + 1, path + have - tail, tail) == 0
                                : have == want && strncmp(pattern, path, want) == 0;

        if (!fits)
            return false;
        pattern += want;
        path += have;
        if (*pattern != *path)
            return false;
        if (*pattern) {
            pattern++;
            path++;
        }
    }
    return *path == '\0';
}

int32_t redfish_endpoint_find(const struct redfish_survey_endpoint *list, int32_t count, const char *path)
{
    for (int32_t i = 0; i < count; i++)
        if (redfish_endpoint_fits(list[i].pattern, path))
            return i;
    return -1;
}
