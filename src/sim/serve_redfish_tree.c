/* SPDX-License-Identifier: Apache-2.0 */
/* serve_redfish_tree.c: owns the resources of a simulated BMC: which paths there
 * are and what each says. Runs on the server's base; no I/O.
 *
 * A row of the table is a path, with # for a number, and who builds it.
 */
#include "serve_redfish_extra.h"
#include "serve_redfish_make.h"

#include <ctype.h>
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TREE_ROOT       "/redfish/v1"
#define TREE_SYSTEM     TREE_ROOT "/Systems/HGX_Baseboard_0"
#define TREE_PROCESSORS TREE_SYSTEM "/Processors"
#define TREE_SESSIONS   TREE_ROOT "/SessionService/Sessions"
#define TREE_METRICS    "EnvironmentMetrics"

/* ---- readings ---- */

/* What a GPU's sensor shows; a stuck one shows what it did when that began. */
double serve_redfish_gpu_w(struct serve_redfish_bmc *bmc, int32_t n)
{
    const struct plant *plant = serve_redfish_plant(bmc);
    struct faults *faults = serve_redfish_faults(bmc);
    struct fault *stuck = faults ? faults_get(faults, FAULT_BMC, bmc->node, FAULT_STUCK) : NULL;

    if (!stuck)
        return plant->gpus[bmc->gpus[n]].reading_w;
    if (!stuck->frozen_valid) {
        for (int32_t i = 0; i < bmc->gpu_count; i++)
            stuck->frozen[i] = plant->gpus[bmc->gpus[i]].reading_w;
        bmc->frozen_node_w = plant->node_w[bmc->node];
        stuck->frozen_valid = true;
    }
    return stuck->frozen[n];
}

static double serve_redfish_tree_node_w(struct serve_redfish_bmc *bmc)
{
    struct faults *faults = serve_redfish_faults(bmc);

    if (!faults || !faults_get(faults, FAULT_BMC, bmc->node, FAULT_STUCK))
        return serve_redfish_plant(bmc)->node_w[bmc->node];
    if (bmc->gpu_count > 0)
        (void)serve_redfish_gpu_w(bmc, 0); /* freezes both together */
    return bmc->frozen_node_w;
}

static void serve_redfish_tree_sensor_excerpt(struct json_object *to, const char *name, const char *source,
                                              double value)
{
    struct json_object *excerpt = json_object_new_object();

    if (source)
        serve_redfish_make_text(excerpt, "DataSourceUri", source);
    serve_redfish_make_number(excerpt, "Reading", value);
    json_object_object_add(to, name, excerpt);
}

/* ---- the resources ---- */

struct tree_where {
    struct serve_redfish_bmc *bmc;
    const char *path;
    int32_t n; /* the number a # stood for                        */
    int64_t now_us;
};

static struct json_object *serve_redfish_tree_versions(const struct tree_where *where)
{
    struct json_object *object = json_object_new_object();

    (void)where;
    serve_redfish_make_text(object, "v1", TREE_ROOT "/");
    return object;
}

static struct json_object *serve_redfish_tree_root(const struct tree_where *where)
{
    struct json_object *root = serve_redfish_make_object(TREE_ROOT, "#ServiceRoot.v1_15_0.ServiceRoot",
                                                         "RootService", "Root Service");
    struct json_object *links = json_object_new_object(), *features = json_object_new_object();
    struct json_object *expand = json_object_new_object();
    const char *swapped = serve_redfish_plant(where->bmc)->bmc_uuid[where->bmc->node];
    char uuid[40];

    (void)snprintf(uuid, sizeof uuid, "6f0f6d3c-0000-4000-8000-%012d", where->bmc->node + 1);
    if (swapped[0] != '\0')
        (void)snprintf(uuid, sizeof uuid, "%s", swapped);
    serve_redfish_make_text(root, "RedfishVersion", "1.17.0");
    serve_redfish_make_text(root, "UUID", uuid);
    serve_redfish_make_text(root, "Vendor", "Busbar Sim");
    serve_redfish_make_text(root, "Product", "Simulated GPU node");
    serve_redfish_make_link(root, "Systems", TREE_ROOT "/Systems");
    serve_redfish_make_link(root, "Chassis", TREE_ROOT "/Chassis");
    serve_redfish_make_link(root, "Managers", TREE_ROOT "/Managers");
    serve_redfish_make_link(root, "SessionService", TREE_ROOT "/SessionService");
    serve_redfish_make_link(links, "Sessions", TREE_SESSIONS);
    if (serve_redfish_has_extras(where->bmc))
        serve_redfish_extra_root(root, links);
    json_object_object_add(root, "Links", links);
    json_object_object_add(expand, "ExpandAll", json_object_new_boolean(false));
    json_object_object_add(expand, "Levels", json_object_new_boolean(false));
    json_object_object_add(expand, "Links", json_object_new_boolean(false));
    json_object_object_add(expand, "NoLinks", json_object_new_boolean(false));
    json_object_object_add(features, "ExpandQuery", expand);
    json_object_object_add(features, "SelectQuery", json_object_new_boolean(false));
    json_object_object_add(features, "FilterQuery", json_object_new_boolean(false));
    json_object_object_add(root, "ProtocolFeaturesSupported", features);
    return root;
}

static struct json_object *serve_redfish_tree_session_service(const struct tree_where *where)
{
    struct json_object *service = serve_redfish_make_object(
        where->path, "#SessionService.v1_1_8.SessionService", "SessionService", "Session Service");

    json_object_object_add(service, "ServiceEnabled", json_object_new_boolean(true));
    serve_redfish_make_whole(service, "SessionTimeout", (double)serve_redfish_timeout_us(where->bmc) / 1e6);
    serve_redfish_make_link(service, "Sessions", TREE_SESSIONS);
    return service;
}

static struct json_object *serve_redfish_tree_sessions(const struct tree_where *where)
{
    struct json_object *collection =
        serve_redfish_make_collection(where->path, "#SessionCollection.SessionCollection", "Sessions");
    char path[SERVE_REDFISH_TEXT];

    for (int32_t i = 0; i < SERVE_REDFISH_SESSIONS; i++) {
        if (!serve_redfish_session_live(where->bmc, &where->bmc->sessions[i], where->now_us))
            continue;
        (void)snprintf(path, sizeof path, TREE_SESSIONS "/%u", where->bmc->sessions[i].id);
        serve_redfish_make_member(collection, path);
    }
    return collection;
}

static struct json_object *serve_redfish_tree_session(const struct tree_where *where)
{
    for (int32_t i = 0; i < SERVE_REDFISH_SESSIONS; i++) {
        const struct serve_redfish_session *session = &where->bmc->sessions[i];
        struct json_object *object;
        char id[16];

        if (!serve_redfish_session_live(where->bmc, session, where->now_us) ||
            session->id != (uint32_t)where->n)
            continue;
        (void)snprintf(id, sizeof id, "%u", session->id);
        object = serve_redfish_make_object(where->path, "#Session.v1_5_0.Session", id, "User Session");
        serve_redfish_make_text(object, "UserName", SERVE_REDFISH_USERNAME);
        return object;
    }
    return NULL;
}

static struct json_object *serve_redfish_tree_systems(const struct tree_where *where)
{
    struct json_object *collection = serve_redfish_make_collection(
        where->path, "#ComputerSystemCollection.ComputerSystemCollection", "Systems");

    serve_redfish_make_member(collection, TREE_SYSTEM);
    return collection;
}

static struct json_object *serve_redfish_tree_system(const struct tree_where *where)
{
    struct json_object *system = serve_redfish_make_object(
        where->path, "#ComputerSystem.v1_20_0.ComputerSystem", "HGX_Baseboard_0", "GPU baseboard");

    serve_redfish_make_text(system, "SystemType", "Physical");
    serve_redfish_make_text(system, "PowerState", "On");
    serve_redfish_make_link(system, "Processors", TREE_PROCESSORS);
    serve_redfish_make_enabled(system);
    return system;
}

static struct json_object *serve_redfish_tree_processors(const struct tree_where *where)
{
    struct json_object *collection =
        serve_redfish_make_collection(where->path, "#ProcessorCollection.ProcessorCollection", "Processors");
    char path[SERVE_REDFISH_TEXT];

    for (int32_t i = 0; i < where->bmc->gpu_count; i++) {
        (void)snprintf(path, sizeof path, TREE_PROCESSORS "/GPU_%d", i);
        serve_redfish_make_member(collection, path);
    }
    return collection;
}

static struct json_object *serve_redfish_tree_gpu(const struct tree_where *where)
{
    struct json_object *gpu;
    char id[16], path[SERVE_REDFISH_TEXT];

    (void)snprintf(id, sizeof id, "GPU_%d", where->n);
    (void)snprintf(path, sizeof path, TREE_PROCESSORS "/GPU_%d/" TREE_METRICS, where->n);
    gpu = serve_redfish_make_object(where->path, "#Processor.v1_20_0.Processor", id, "Processor");
    serve_redfish_make_text(gpu, "ProcessorType", "GPU");
    serve_redfish_make_text(gpu, "Manufacturer", "Busbar Sim");
    serve_redfish_make_text(gpu, "Model", "SIM-GPU");
    if (serve_redfish_has_extras(where->bmc))
        serve_redfish_extra_processor(gpu, where->n);
    serve_redfish_make_link(gpu, TREE_METRICS, path);
    serve_redfish_make_enabled(gpu);
    return gpu;
}

static struct json_object *serve_redfish_tree_gpu_metrics(const struct tree_where *where)
{
    const struct plant_gpu *gpu = &serve_redfish_plant(where->bmc)->gpus[where->bmc->gpus[where->n]];
    struct json_object *metrics =
        serve_redfish_make_object(where->path, "#EnvironmentMetrics.v1_3_0.EnvironmentMetrics", TREE_METRICS,
                                  "Processor Environment Metrics");
    struct json_object *limit = json_object_new_object();
    double reading_w = serve_redfish_gpu_w(where->bmc, where->n);
    char power[SERVE_REDFISH_TEXT], energy[SERVE_REDFISH_TEXT], heat[SERVE_REDFISH_TEXT];

    (void)snprintf(power, sizeof power, TREE_ROOT "/Chassis/HGX_GPU_%d/Sensors/Power_0", where->n);
    (void)snprintf(energy, sizeof energy, TREE_ROOT "/Chassis/HGX_GPU_%d/Sensors/Energy_0", where->n);
    (void)snprintf(heat, sizeof heat, TREE_ROOT "/Chassis/HGX_GPU_%d/Sensors/Temp_0", where->n);
    serve_redfish_tree_sensor_excerpt(metrics, "PowerWatts", power, reading_w);
    serve_redfish_make_whole(limit, "AllowableMax", gpu->limit_max_w);
    serve_redfish_make_whole(limit, "AllowableMin", gpu->limit_min_w);
    serve_redfish_make_text(limit, "ControlMode", "Automatic");
    serve_redfish_make_whole(limit, "DefaultSetPoint", gpu->limit_max_w);
    serve_redfish_make_number(limit, "Reading", reading_w);
    serve_redfish_make_whole(limit, "SetPoint", gpu->limit_w);
    json_object_object_add(metrics, "PowerLimitWatts", limit);
    serve_redfish_tree_sensor_excerpt(metrics, "EnergyJoules", energy, gpu->energy_j);
    serve_redfish_tree_sensor_excerpt(metrics, "EnergykWh", NULL, gpu->energy_j / 3.6e6);
    serve_redfish_tree_sensor_excerpt(metrics, "TemperatureCelsius", heat, gpu->temp_c);
    if (serve_redfish_has_extras(where->bmc))
        serve_redfish_extra_metrics(where->bmc, where->n, metrics);
    return metrics;
}

static struct json_object *serve_redfish_tree_chassis_list(const struct tree_where *where)
{
    struct json_object *collection =
        serve_redfish_make_collection(where->path, "#ChassisCollection.ChassisCollection", "Chassis");
    char path[SERVE_REDFISH_TEXT];

    serve_redfish_make_member(collection, TREE_ROOT "/Chassis/Chassis_0");
    serve_redfish_make_member(collection, TREE_ROOT "/Chassis/HGX_Chassis_0");
    for (int32_t i = 0; i < where->bmc->gpu_count; i++) {
        (void)snprintf(path, sizeof path, TREE_ROOT "/Chassis/HGX_GPU_%d", i);
        serve_redfish_make_member(collection, path);
    }
    return collection;
}

static struct json_object *serve_redfish_tree_chassis(const struct tree_where *where)
{
    const char *id = strrchr(where->path, '/') + 1;
    struct json_object *chassis = serve_redfish_make_object(where->path, "#Chassis.v1_25_0.Chassis", id, id);
    char path[2 * SERVE_REDFISH_TEXT];

    serve_redfish_make_text(chassis, "ChassisType", "Module");
    if (serve_redfish_has_extras(where->bmc))
        serve_redfish_extra_chassis(chassis, where->path);
    (void)snprintf(path, sizeof path, "%s/" TREE_METRICS, where->path);
    serve_redfish_make_link(chassis, TREE_METRICS, path);
    serve_redfish_make_enabled(chassis);
    return chassis;
}

static struct json_object *serve_redfish_tree_chassis_metrics(const struct tree_where *where)
{
    struct json_object *metrics =
        serve_redfish_make_object(where->path, "#EnvironmentMetrics.v1_3_0.EnvironmentMetrics", TREE_METRICS,
                                  "Chassis Environment Metrics");
    double gpus_w = 0.0;

    for (int32_t i = 0; i < where->bmc->gpu_count; i++)
        gpus_w += serve_redfish_gpu_w(where->bmc, i);
    serve_redfish_tree_sensor_excerpt(metrics, "PowerWatts", NULL,
                                      strstr(where->path, "/HGX_") ? gpus_w
                                                                   : serve_redfish_tree_node_w(where->bmc));
    return metrics;
}

static struct json_object *serve_redfish_tree_gpu_chassis(const struct tree_where *where)
{
    const char *id = strrchr(where->path, '/') + 1;
    struct json_object *chassis = serve_redfish_make_object(where->path, "#Chassis.v1_25_0.Chassis", id, id);
    char path[2 * SERVE_REDFISH_TEXT];

    serve_redfish_make_text(chassis, "ChassisType", "Component");
    if (serve_redfish_has_extras(where->bmc))
        serve_redfish_extra_chassis(chassis, where->path);
    (void)snprintf(path, sizeof path, "%s/Sensors", where->path);
    serve_redfish_make_link(chassis, "Sensors", path);
    serve_redfish_make_enabled(chassis);
    return chassis;
}

static struct json_object *serve_redfish_tree_sensors(const struct tree_where *where)
{
    static const char *const names[] = {"Power_0", "Energy_0", "Temp_0"};
    struct json_object *collection =
        serve_redfish_make_collection(where->path, "#SensorCollection.SensorCollection", "Sensors");
    char path[2 * SERVE_REDFISH_TEXT];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", where->path, names[i]);
        serve_redfish_make_member(collection, path);
    }
    return collection;
}

static struct json_object *serve_redfish_tree_sensor(const struct tree_where *where)
{
    const struct plant_gpu *gpu = &serve_redfish_plant(where->bmc)->gpus[where->bmc->gpus[where->n]];
    const char *id = strrchr(where->path, '/') + 1;
    struct json_object *sensor = serve_redfish_make_object(where->path, "#Sensor.v1_7_0.Sensor", id, id);
    bool power = id[0] == 'P', energy = id[0] == 'E';

    serve_redfish_make_text(sensor, "ReadingType", power ? "Power" : energy ? "EnergyJoules" : "Temperature");
    serve_redfish_make_text(sensor, "ReadingUnits", power ? "W" : energy ? "J" : "Cel");
    serve_redfish_make_number(sensor, "Reading",
                              power    ? serve_redfish_gpu_w(where->bmc, where->n)
                              : energy ? gpu->energy_j
                                       : gpu->temp_c);
    serve_redfish_make_enabled(sensor);
    return sensor;
}

static struct json_object *serve_redfish_tree_managers(const struct tree_where *where)
{
    struct json_object *collection =
        serve_redfish_make_collection(where->path, "#ManagerCollection.ManagerCollection", "Managers");

    serve_redfish_make_member(collection, TREE_ROOT "/Managers/HGX_BMC_0");
    return collection;
}

static struct json_object *serve_redfish_tree_manager(const struct tree_where *where)
{
    struct json_object *manager =
        serve_redfish_make_object(where->path, "#Manager.v1_19_0.Manager", "HGX_BMC_0", "BMC");

    serve_redfish_make_text(manager, "ManagerType", "BMC");
    serve_redfish_make_text(manager, "FirmwareVersion", "sim-1.0");
    serve_redfish_make_enabled(manager);
    return manager;
}

struct tree_row {
    const char *path; /* # stands for a number                           */
    bool gpu;         /* that number is a GPU's                          */
    struct json_object *(*build)(const struct tree_where *where);
};

static const struct tree_row tree_rows[] = {
    {.path = TREE_PROCESSORS "/GPU_#/" TREE_METRICS, .gpu = true, .build = serve_redfish_tree_gpu_metrics},
    {.path = "/redfish", .build = serve_redfish_tree_versions},
    {.path = TREE_ROOT, .build = serve_redfish_tree_root},
    {.path = TREE_ROOT "/SessionService", .build = serve_redfish_tree_session_service},
    {.path = TREE_SESSIONS, .build = serve_redfish_tree_sessions},
    {.path = TREE_SESSIONS "/#", .build = serve_redfish_tree_session},
    {.path = TREE_ROOT "/Systems", .build = serve_redfish_tree_systems},
    {.path = TREE_SYSTEM, .build = serve_redfish_tree_system},
    {.path = TREE_PROCESSORS, .build = serve_redfish_tree_processors},
    {.path = TREE_PROCESSORS "/GPU_#", .gpu = true, .build = serve_redfish_tree_gpu},
    {.path = TREE_ROOT "/Chassis", .build = serve_redfish_tree_chassis_list},
    {.path = TREE_ROOT "/Chassis/Chassis_0", .build = serve_redfish_tree_chassis},
    {.path = TREE_ROOT "/Chassis/Chassis_0/" TREE_METRICS, .build = serve_redfish_tree_chassis_metrics},
    {.path = TREE_ROOT "/Chassis/HGX_Chassis_0", .build = serve_redfish_tree_chassis},
    {.path = TREE_ROOT "/Chassis/HGX_Chassis_0/" TREE_METRICS, .build = serve_redfish_tree_chassis_metrics},
    {.path = TREE_ROOT "/Chassis/HGX_GPU_#", .gpu = true, .build = serve_redfish_tree_gpu_chassis},
    {.path = TREE_ROOT "/Chassis/HGX_GPU_#/Sensors", .gpu = true, .build = serve_redfish_tree_sensors},
    {.path = TREE_ROOT "/Chassis/HGX_GPU_#/Sensors/Power_0", .gpu = true, .build = serve_redfish_tree_sensor},
    {.path = TREE_ROOT "/Chassis/HGX_GPU_#/Sensors/Energy_0",
     .gpu = true,
     .build = serve_redfish_tree_sensor},
    {.path = TREE_ROOT "/Chassis/HGX_GPU_#/Sensors/Temp_0", .gpu = true, .build = serve_redfish_tree_sensor},
    {.path = TREE_ROOT "/Managers", .build = serve_redfish_tree_managers},
    {.path = TREE_ROOT "/Managers/HGX_BMC_0", .build = serve_redfish_tree_manager},
};

/* Does a path fit a row? *ret_n is its number. */
static bool serve_redfish_tree_fits(const char *row, const char *path, int32_t *ret_n)
{
    *ret_n = 0;
    for (; *row != '\0' && *path != '\0'; row++) {
        int digits = 0;

        if (*row != '#') {
            if (*row != *path++)
                return false;
            continue;
        }
        /* As it is printed: no sign, no leading zero. */
        for (; isdigit((unsigned char)*path) && digits < 9; path++, digits++) {
            if (digits == 1 && *ret_n == 0)
                return false;
            *ret_n = *ret_n * 10 + (*path - '0');
        }
        if (digits == 0)
            return false;
    }
    return *row == '\0' && *path == '\0';
}

static const struct tree_row *serve_redfish_tree_find(const struct serve_redfish_bmc *bmc, const char *path,
                                                      int32_t *ret_n)
{
    for (size_t i = 0; i < sizeof tree_rows / sizeof tree_rows[0]; i++) {
        if (serve_redfish_tree_fits(tree_rows[i].path, path, ret_n) &&
            (!tree_rows[i].gpu || *ret_n < bmc->gpu_count))
            return &tree_rows[i];
    }
    return NULL;
}

struct json_object *serve_redfish_resource(struct serve_redfish_bmc *bmc, const char *path, int64_t now_us)
{
    struct tree_where where = {.bmc = bmc, .path = path, .now_us = now_us};
    const struct tree_row *row = serve_redfish_tree_find(bmc, path, &where.n);

    if (row)
        return row->build(&where);
    return serve_redfish_has_extras(bmc) ? serve_redfish_extra_get(bmc, path) : NULL;
}

int32_t serve_redfish_gpu(const struct serve_redfish_bmc *bmc, const char *path)
{
    int32_t n;

    return serve_redfish_tree_fits(tree_rows[0].path, path, &n) && n < bmc->gpu_count ? n : -1;
}
