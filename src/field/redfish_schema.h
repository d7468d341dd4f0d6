/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_schema.h: the kinds of Redfish resource that matter here, and which of their
 * members lead on. Pure, constant data. Private to src/field.
 */
#ifndef BUSBAR_FIELD_REDFISH_SCHEMA_H
#define BUSBAR_FIELD_REDFISH_SCHEMA_H

#include <stdbool.h>

#include "busbar/redfish_survey.h"

#define REDFISH_WALK_ORDERS 3 /* services first, metrics reports, firmware last       */

enum redfish_schema {
    REDFISH_OTHER, /* of no interest, or unknown                        */
    REDFISH_ROOT,
    REDFISH_COLLECTION,
    REDFISH_CHASSIS,
    REDFISH_SYSTEM,
    REDFISH_MANAGER,
    REDFISH_PROCESSOR,
    REDFISH_MEMORY,
    REDFISH_METRICS, /* EnvironmentMetrics                                */
    REDFISH_SENSOR,
    REDFISH_CONTROL,
    REDFISH_SUBSYSTEM, /* PowerSubsystem                                    */
    REDFISH_SUPPLY,
    REDFISH_SUPPLY_METRICS,
    REDFISH_BATTERY,
    REDFISH_BATTERY_METRICS,
    REDFISH_POWER, /* the deprecated one                                */
    REDFISH_EQUIPMENT,
    REDFISH_DISTRIBUTION,
    REDFISH_DISTRIBUTION_METRICS,
    REDFISH_CIRCUIT,
    REDFISH_OUTLET,
    REDFISH_OUTLET_GROUP,
    REDFISH_TELEMETRY,
    REDFISH_REPORT,
    REDFISH_EVENTS,
    REDFISH_SESSIONS,
    REDFISH_UPDATES,
    REDFISH_FIRMWARE,
    REDFISH_TASKS,
    REDFISH_TASK,
    REDFISH_WORKLOAD,
    REDFISH_SMOOTHING,
    REDFISH_NODE_MANAGER,
    REDFISH_NM_DOMAIN,
    REDFISH_NM_POLICY,
    REDFISH_SCHEMAS
};

/* Of an @odata.type such as "#Sensor.v1_2_0.Sensor"; a collection's members' in
 * *ret_member. REDFISH_OTHER: not ours. */
enum redfish_schema redfish_schema_of(const char *type, enum redfish_schema *ret_member);

/* 0 (first) up to REDFISH_WALK_ORDERS - 1. */
int redfish_schema_order(enum redfish_schema schema);
enum redfish_survey_class redfish_schema_class(enum redfish_schema schema);

/* Followed wherever it is found; of the others only what redfish_endpoint.h names. */
bool redfish_schema_walks(enum redfish_schema schema);

/* Worth asking for with its members expanded: many small ones. */
bool redfish_schema_expands(enum redfish_schema member);

/* A member that leads on. */
struct redfish_schema_link {
    enum redfish_schema from;
    const char *name; /* "Links.Chassis" for one inside another or inside its elements */
    enum redfish_schema to;
    bool collection; /* `to` is what its members are                      */
};
const struct redfish_schema_link *redfish_schema_links(int *ret_count);

/* The same, of members found at any depth under Oem, whatever they hang on. */
const struct redfish_schema_link *redfish_schema_oem(int *ret_count);

#endif
