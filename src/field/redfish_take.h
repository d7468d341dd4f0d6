/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_take.h: what each kind of resource says. Pure; private to redfish_model.c and
 * redfish_take*.c.
 */
#ifndef BUSBAR_FIELD_REDFISH_TAKE_H
#define BUSBAR_FIELD_REDFISH_TAKE_H

#include "redfish_model.h"
#include "redfish_schema.h"

/* One resource being read. */
struct redfish_take {
    struct redfish_model *model;
    struct json_object *object;
    int32_t item;
    const char *path;
    enum redfish_walk_context context;
    const struct redfish_model_doc *doc;
};

/* As redfish_value.h, and counted as understood. */
double redfish_take_number(const struct redfish_take *take, struct json_object *object, const char *name);
void redfish_take_text(const struct redfish_take *take, struct json_object *object, const char *name,
                       char *to, size_t room);
bool redfish_take_flag(const struct redfish_take *take, struct json_object *object, const char *name,
                       bool otherwise);
#define REDFISH_TAKE_TEXT(take, object, name, to) redfish_take_text(take, object, name, to, sizeof(to))

/* A value at `path` in `unit` (or one that is brought to a base unit). */
struct redfish_take_value {
    const char *path, *signal, *unit, *name;
    double value;
};
void redfish_take_reading(const struct redfish_take *take, const struct redfish_take_value *value);

/* A member that is a sensor excerpt ({Reading, DataSourceUri}), or a bare number. */
struct redfish_take_excerpt {
    const char *member, *signal, *unit;
    double factor; /* to that unit                                      */
};
/* Returns the value, NAN when it has none. */
double redfish_take_excerpt(const struct redfish_take *take, struct json_object *owner,
                            const struct redfish_take_excerpt *excerpt);

/* The same of what is at hand already; `pointer` names it below the resource. */
double redfish_take_excerpt_at(const struct redfish_take *take, struct json_object *at, const char *pointer,
                               const struct redfish_take_excerpt *excerpt);

/* Is Status.State one that stands for "not here"? */
bool redfish_take_is_absent(const struct redfish_take *take);

typedef void (*redfish_take_call)(const struct redfish_take *take);

/* redfish_take_service.c */
void redfish_take_root(const struct redfish_take *take);
void redfish_take_manager(const struct redfish_take *take);
void redfish_take_chassis(const struct redfish_take *take);
void redfish_take_system(const struct redfish_take *take);
void redfish_take_processor(const struct redfish_take *take);
void redfish_take_memory(const struct redfish_take *take);
void redfish_take_events(const struct redfish_take *take);
void redfish_take_sessions(const struct redfish_take *take);
void redfish_take_firmware(const struct redfish_take *take);

/* redfish_take_power.c */
void redfish_take_metrics(const struct redfish_take *take);
void redfish_take_sensor(const struct redfish_take *take);
void redfish_take_supply(const struct redfish_take *take);
void redfish_take_supply_metrics(const struct redfish_take *take);
void redfish_take_battery(const struct redfish_take *take);
void redfish_take_battery_metrics(const struct redfish_take *take);
void redfish_take_subsystem(const struct redfish_take *take);
void redfish_take_circuit(const struct redfish_take *take);

/* redfish_take_limit.c */
void redfish_take_power_limit(const struct redfish_take *take, struct json_object *excerpt);
void redfish_take_edpp(const struct redfish_take *take);
void redfish_take_control(const struct redfish_take *take);
void redfish_take_legacy(const struct redfish_take *take);
void redfish_take_nm(const struct redfish_take *take);

/* redfish_take_oem.c */
void redfish_take_workload(const struct redfish_take *take);
void redfish_take_smoothing(const struct redfish_take *take);

/* redfish_take_report.c */
void redfish_take_report(const struct redfish_take *take);
/* One that is there, and is not read. */
void redfish_take_report_name(const struct redfish_take *take, const char *path);

#endif
