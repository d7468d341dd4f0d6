/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_schema.c: two tables: what a type's name means, which members lead on.
 * Constant data; pure.
 */
#include "redfish_schema.h"

#include <stddef.h>
#include <string.h>

static const struct redfish_schema_row {
    const char *name;
    int order;
    enum redfish_survey_class ask;
} redfish_schema_rows[REDFISH_SCHEMAS] = {
    [REDFISH_OTHER] = { .name = "" },
    [REDFISH_ROOT] = { .name = "ServiceRoot" },
    [REDFISH_COLLECTION] = { .name = "" },
    [REDFISH_CHASSIS] = { .name = "Chassis" },
    [REDFISH_SYSTEM] = { .name = "ComputerSystem" },
    [REDFISH_MANAGER] = { .name = "Manager" },
    [REDFISH_PROCESSOR] = { .name = "Processor" },
    [REDFISH_MEMORY] = { .name = "Memory" },
    [REDFISH_METRICS] = { .name = "EnvironmentMetrics", .ask = REDFISH_ASK_POWER },
    [REDFISH_SENSOR] = { .name = "Sensor", .ask = REDFISH_ASK_TELEMETRY },
    [REDFISH_CONTROL] = { .name = "Control", .ask = REDFISH_ASK_POWER },
    [REDFISH_SUBSYSTEM] = { .name = "PowerSubsystem" },
    [REDFISH_SUPPLY] = { .name = "PowerSupply" },
    [REDFISH_SUPPLY_METRICS] = { .name = "PowerSupplyMetrics", .ask = REDFISH_ASK_TELEMETRY },
    [REDFISH_BATTERY] = { .name = "Battery" },
    [REDFISH_BATTERY_METRICS] = { .name = "BatteryMetrics", .ask = REDFISH_ASK_TELEMETRY },
    [REDFISH_POWER] = { .name = "Power", .ask = REDFISH_ASK_POWER },
    [REDFISH_EQUIPMENT] = { .name = "PowerEquipment" },
    [REDFISH_DISTRIBUTION] = { .name = "PowerDistribution" },
    [REDFISH_DISTRIBUTION_METRICS] = { .name = "PowerDistributionMetrics", .ask = REDFISH_ASK_TELEMETRY },
    [REDFISH_CIRCUIT] = { .name = "Circuit", .ask = REDFISH_ASK_TELEMETRY },
    [REDFISH_OUTLET] = { .name = "Outlet", .ask = REDFISH_ASK_TELEMETRY },
    [REDFISH_OUTLET_GROUP] = { .name = "OutletGroup", .ask = REDFISH_ASK_TELEMETRY },
    [REDFISH_TELEMETRY] = { .name = "TelemetryService" },
    [REDFISH_REPORT] = { .name = "MetricReport", .order = 1, .ask = REDFISH_ASK_TELEMETRY },
    [REDFISH_EVENTS] = { .name = "EventService" },
    [REDFISH_SESSIONS] = { .name = "SessionService" },
    [REDFISH_UPDATES] = { .name = "UpdateService" },
    [REDFISH_FIRMWARE] = { .name = "SoftwareInventory", .order = 2 },
    [REDFISH_TASKS] = { .name = "TaskService", .order = 2 },
    [REDFISH_TASK] = { .name = "Task", .order = 2 },
    [REDFISH_WORKLOAD] = { .name = "NvidiaWorkloadPower", .ask = REDFISH_ASK_WORKLOAD },
    [REDFISH_SMOOTHING] = { .name = "NvidiaPowerSmoothing", .ask = REDFISH_ASK_WORKLOAD },
    [REDFISH_NODE_MANAGER] = { .name = "NvidiaNodeManager", .ask = REDFISH_ASK_POWER },
    [REDFISH_NM_DOMAIN] = { .name = "NvidiaNmDomain", .ask = REDFISH_ASK_POWER },
    [REDFISH_NM_POLICY] = { .name = "NvidiaNmPolicy", .ask = REDFISH_ASK_POWER },
};

/* Other names for the same. */
static const struct {
    const char *name;
    enum redfish_schema schema;
} redfish_schema_aliases[] = {
    { "NvidiaWorkloadPowerProfile", REDFISH_WORKLOAD },
    { "NodeManager", REDFISH_NODE_MANAGER },
    { "NvidiaNodeManagerDomain", REDFISH_NM_DOMAIN },
    { "NvidiaNmDomains", REDFISH_NM_DOMAIN },
    { "NvidiaDomain", REDFISH_NM_DOMAIN },
    { "NvidiaPolicy", REDFISH_NM_POLICY },
};

#define REDFISH_SCHEMA_COUNT(array) (sizeof(array) / sizeof *(array))

static enum redfish_schema redfish_schema_find(const char *name, size_t size)
{
    for (int s = 0; s < REDFISH_SCHEMAS; s++)
        if (size > 0 && strlen(redfish_schema_rows[s].name) == size &&
            strncmp(redfish_schema_rows[s].name, name, size) == 0)
            return (enum redfish_schema)s;
    for (size_t i = 0; i < REDFISH_SCHEMA_COUNT(redfish_schema_aliases); i++)
        if (strlen(redfish_schema_aliases[i].name) == size &&
            strncmp(redfish_schema_aliases[i].name, name, size) == 0)
            return redfish_schema_aliases[i].schema;
    return REDFISH_OTHER;
}

enum redfish_schema redfish_schema_of(const char *type, enum redfish_schema *ret_member)
{
    static const char ending[] = "Collection";
    const size_t end = sizeof ending - 1;
    size_t size;

    *ret_member = REDFISH_OTHER;
    if (type[0] == '#')
        type++;
    size = strcspn(type, ".");
    if (size > end && strncmp(type + size - end, ending, end) == 0) {
        *ret_member = redfish_schema_find(type, size - end);
        return REDFISH_COLLECTION;
    }
    return redfish_schema_find(type, size);
}

int redfish_schema_order(enum redfish_schema schema)
{
    return redfish_schema_rows[schema].order;
}

enum redfish_survey_class redfish_schema_class(enum redfish_schema schema)
{
    return redfish_schema_rows[schema].ask;
}

bool redfish_schema_walks(enum redfish_schema schema)
{
    return schema != REDFISH_OTHER && schema != REDFISH_FIRMWARE && schema != REDFISH_TASK;
}

bool redfish_schema_expands(enum redfish_schema member)
{
    return member == REDFISH_SENSOR || member == REDFISH_CONTROL || member == REDFISH_CIRCUIT ||
           member == REDFISH_OUTLET || member == REDFISH_SUPPLY || member == REDFISH_BATTERY;
}

/* ---- what leads on ---- */

#define ONE(a, b, c)                                                                                         \
    {                                                                                                        \
        .from = REDFISH_##a, .name = b, .to = REDFISH_##c                                                    \
    }
#define MANY(a, b, c)                                                                                        \
    {                                                                                                        \
        .from = REDFISH_##a, .name = b, .to = REDFISH_##c, .collection = true                                \
    }

static const struct redfish_schema_link redfish_schema_link_rows[] = {
    MANY(ROOT, "Systems", SYSTEM),
    MANY(ROOT, "Chassis", CHASSIS),
    MANY(ROOT, "Managers", MANAGER),
    ONE(ROOT, "PowerEquipment", EQUIPMENT),
    ONE(ROOT, "TelemetryService", TELEMETRY),
    ONE(ROOT, "EventService", EVENTS),
    ONE(ROOT, "SessionService", SESSIONS),
    ONE(ROOT, "UpdateService", UPDATES),
    ONE(ROOT, "Tasks", TASKS),
    /* Where the root lacks a link, what it provides leads there. */
    ONE(ROOT, "Links.ManagerProvidingService", MANAGER),
    MANY(SYSTEM, "Processors", PROCESSOR),
    MANY(SYSTEM, "Memory", MEMORY),
    ONE(SYSTEM, "EnvironmentMetrics", METRICS),
    ONE(SYSTEM, "Links.Chassis", CHASSIS),
    ONE(SYSTEM, "Links.ManagedBy", MANAGER),
    ONE(MANAGER, "Links.ManagerForServers", SYSTEM),
    ONE(MANAGER, "Links.ManagerForChassis", CHASSIS),
    ONE(PROCESSOR, "EnvironmentMetrics", METRICS),
    MANY(PROCESSOR, "SubProcessors", PROCESSOR),
    ONE(MEMORY, "EnvironmentMetrics", METRICS),
    ONE(CHASSIS, "EnvironmentMetrics", METRICS),
    MANY(CHASSIS, "Sensors", SENSOR),
    MANY(CHASSIS, "Controls", CONTROL),
    ONE(CHASSIS, "PowerSubsystem", SUBSYSTEM),
    ONE(CHASSIS, "Power", POWER),
    ONE(CHASSIS, "Links.Contains", CHASSIS),
    ONE(CHASSIS, "Links.PowerDistribution", DISTRIBUTION),
    MANY(SUBSYSTEM, "PowerSupplies", SUPPLY),
    MANY(SUBSYSTEM, "Batteries", BATTERY),
    /* A list of members that forgets one, or names one twice, has been seen. */
    ONE(SUBSYSTEM, "PowerSupplyRedundancy.RedundancyGroup", SUPPLY),
    ONE(DISTRIBUTION, "MainsRedundancy.RedundancyGroup", CIRCUIT),
    ONE(SUPPLY, "Metrics", SUPPLY_METRICS),
    ONE(SUPPLY, "OutputRails.VoltageControl", CONTROL),
    ONE(BATTERY, "Metrics", BATTERY_METRICS),
    MANY(EQUIPMENT, "PowerShelves", DISTRIBUTION),
    MANY(EQUIPMENT, "RackPDUs", DISTRIBUTION),
    MANY(EQUIPMENT, "FloorPDUs", DISTRIBUTION),
    MANY(EQUIPMENT, "TransferSwitches", DISTRIBUTION),
    MANY(EQUIPMENT, "ElectricalBuses", DISTRIBUTION),
    MANY(EQUIPMENT, "Switchgear", DISTRIBUTION),
    ONE(DISTRIBUTION, "Metrics", DISTRIBUTION_METRICS),
    MANY(DISTRIBUTION, "Mains", CIRCUIT),
    MANY(DISTRIBUTION, "Branches", CIRCUIT),
    MANY(DISTRIBUTION, "Feeders", CIRCUIT),
    MANY(DISTRIBUTION, "Subfeeds", CIRCUIT),
    MANY(DISTRIBUTION, "Outlets", OUTLET),
    MANY(DISTRIBUTION, "OutletGroups", OUTLET_GROUP),
    MANY(DISTRIBUTION, "PowerSupplies", SUPPLY),
    ONE(DISTRIBUTION, "Links.Chassis", CHASSIS),
    MANY(TELEMETRY, "MetricReports", REPORT),
    MANY(UPDATES, "FirmwareInventory", FIRMWARE),
    MANY(TASKS, "Tasks", TASK),
    MANY(NODE_MANAGER, "Domains", NM_DOMAIN),
    MANY(NODE_MANAGER, "PSUPolicies", NM_POLICY),
    MANY(NM_DOMAIN, "Policies", NM_POLICY),
};

static const struct redfish_schema_link redfish_schema_oem_rows[] = {
    ONE(OTHER, "WorkloadPowerProfile", WORKLOAD),
    ONE(OTHER, "PowerSmoothing", SMOOTHING),
    ONE(OTHER, "NodeManager", NODE_MANAGER),
};

const struct redfish_schema_link *redfish_schema_links(int *ret_count)
{
    *ret_count = (int)REDFISH_SCHEMA_COUNT(redfish_schema_link_rows);
    return redfish_schema_link_rows;
}

const struct redfish_schema_link *redfish_schema_oem(int *ret_count)
{
    *ret_count = (int)REDFISH_SCHEMA_COUNT(redfish_schema_oem_rows);
    return redfish_schema_oem_rows;
}
