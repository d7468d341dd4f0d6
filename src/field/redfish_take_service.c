/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_take_service.c: who a BMC is and what it looks after: service root, managers,
 * chassis, systems, processors, the event, session and update services. Pure.
 */
#include "redfish_take.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "redfish_read.h"
#include "redfish_value.h"

void redfish_take_root(const struct redfish_take *take)
{
    struct redfish_model *model = take->model;
    struct redfish_survey *survey = model->survey;
    struct json_object *expand =
        redfish_value_member(redfish_value_member(take->object, "ProtocolFeaturesSupported"), "ExpandQuery");
    struct json_object *oem = redfish_value_member(take->object, "Oem");
    bool no_links = redfish_take_flag(take, expand, "NoLinks", false);
    bool all = redfish_take_flag(take, expand, "ExpandAll", false);
    bool levels = redfish_take_flag(take, expand, "Levels", false);
    double most = redfish_take_number(take, expand, "MaxLevels");

    REDFISH_TAKE_TEXT(take, take->object, "Vendor", survey->vendor);
    REDFISH_TAKE_TEXT(take, take->object, "Product", survey->product);
    REDFISH_TAKE_TEXT(take, take->object, "UUID", survey->uuid);
    REDFISH_TAKE_TEXT(take, take->object, "RedfishVersion", survey->redfish_version);
    (void)redfish_value_link(
        redfish_value_member(redfish_value_member(take->object, "Links"), "ManagerProvidingService"),
        model->manager, sizeof model->manager);
    redfish_value_text(redfish_value_member(redfish_value_member(take->object, "Links"), "Sessions"),
                       "@odata.id", model->sessions, sizeof model->sessions);
    survey->expand_levels = no_links || all ? (most >= 1.0 && most <= 100.0 ? (int32_t)most : 1) : 0;
    model->expand = survey->expand_levels > 0;
    (void)snprintf(model->expand_query, sizeof model->expand_query, "?$expand=%s%s", no_links ? "." : "*",
                   levels ? "($levels=1)" : "");
    if (redfish_value_has(oem, "Hpe"))
        model->maker_hint = "ilo";
    else if (redfish_value_has(oem, "Dell"))
        model->maker_hint = "idrac";
    else if (redfish_value_has(oem, "Ami"))
        model->maker_hint = "ami";
    if (model->maker_hint && strcmp(model->maker_hint, "ami") == 0)
        model->expand = false; /* its expanded members lack what the standard requires */
}

void redfish_take_manager(const struct redfish_take *take)
{
    struct redfish_model *model = take->model;
    struct redfish_survey_manager *manager = REDFISH_MODEL_EXTEND(model, managers, manager_count);
    struct json_object *oem = redfish_value_member(take->object, "Oem");
    char clock[48];
    int64_t clock_us;

    if (!manager)
        return;
    (void)snprintf(manager->path, sizeof manager->path, "%s", take->path);
    REDFISH_TAKE_TEXT(take, take->object, "Id", manager->id);
    REDFISH_TAKE_TEXT(take, take->object, "ManagerType", manager->type);
    REDFISH_TAKE_TEXT(take, take->object, "Model", manager->model);
    REDFISH_TAKE_TEXT(take, take->object, "FirmwareVersion", manager->firmware);
    REDFISH_TAKE_TEXT(take, take->object, "DateTime", clock);
    clock_us = redfish_value_time_us(clock);
    manager->has_clock = clock_us != 0 && take->doc->wall_us != 0;
    if (manager->has_clock)
        manager->clock_offset_us = clock_us - take->doc->wall_us;
    if (model->maker_hint)
        return;
    if (redfish_value_has(oem, "Nvidia"))
        model->maker_hint = "nvidia-openbmc";
    else if (redfish_value_has(oem, "Lenovo"))
        model->maker_hint = "xcc";
    else if (redfish_value_has(oem, "Dell"))
        model->maker_hint = "idrac";
    else if (redfish_value_has(oem, "Hpe"))
        model->maker_hint = "ilo";
    else if (redfish_value_has(oem, "OpenBmc") || strcasestr(manager->model, "openbmc"))
        model->maker_hint = "openbmc";
}

void redfish_take_chassis(const struct redfish_take *take)
{
    struct redfish_survey *survey = take->model->survey;
    char type[REDFISH_SURVEY_WORD_MAX];

    take->model->walk.items[take->item].context = REDFISH_OF_CHASSIS;
    REDFISH_TAKE_TEXT(take, take->object, "ChassisType", type);
    if (survey->model[0])
        return;
    REDFISH_TAKE_TEXT(take, take->object, "Manufacturer", survey->maker);
    REDFISH_TAKE_TEXT(take, take->object, "Model", survey->model);
    REDFISH_TAKE_TEXT(take, take->object, "SerialNumber", survey->serial);
}

/* A system's own names are better than those of the first chassis. */
void redfish_take_system(const struct redfish_take *take)
{
    struct redfish_survey *survey = take->model->survey;
    char model[REDFISH_SURVEY_TEXT_MAX];

    take->model->walk.items[take->item].context = REDFISH_OF_SYSTEM;
    REDFISH_TAKE_TEXT(take, take->object, "Model", model);
    if (!model[0])
        return;
    (void)snprintf(survey->model, sizeof survey->model, "%s", model);
    REDFISH_TAKE_TEXT(take, take->object, "Manufacturer", survey->maker);
    REDFISH_TAKE_TEXT(take, take->object, "SerialNumber", survey->serial);
}

void redfish_take_processor(const struct redfish_take *take)
{
    struct redfish_walk_item *item = &take->model->walk.items[take->item];
    char type[REDFISH_SURVEY_WORD_MAX];

    struct redfish_survey_processor *own = REDFISH_MODEL_EXTEND(take->model, processors, processor_count);
    struct json_object *oem = redfish_value_member(take->object, "Oem");

    REDFISH_TAKE_TEXT(take, take->object, "ProcessorType", type);
    if (strcmp(type, "GPU") == 0 || strcmp(type, "Accelerator") == 0) {
        item->context = REDFISH_OF_GPU;
        take->model->survey->gpus += !redfish_take_is_absent(take);
    } else if (strcmp(type, "CPU") == 0) {
        item->context = REDFISH_OF_CPU;
        take->model->survey->cpus += !redfish_take_is_absent(take);
    } else {
        item->context = REDFISH_OF_NOTHING;
    }
    if (!own)
        return;
    (void)snprintf(own->path, sizeof own->path, "%s", take->path);
    (void)snprintf(own->type, sizeof own->type, "%s", type);
    own->gpu = item->context == REDFISH_OF_GPU;
    (void)redfish_value_link(redfish_value_member(take->object, "EnvironmentMetrics"), own->metrics,
                             sizeof own->metrics);
    (void)redfish_read_find_oem(oem, "WorkloadPowerProfile", own->workload, sizeof own->workload, 0);
    (void)redfish_read_find_oem(oem, "PowerSmoothing", own->smoothing, sizeof own->smoothing, 0);
}

void redfish_take_memory(const struct redfish_take *take)
{
    take->model->walk.items[take->item].context = REDFISH_OF_MEMORY;
}

void redfish_take_events(const struct redfish_take *take)
{
    struct redfish_survey *survey = take->model->survey;
    struct json_object *uri = redfish_value_member(take->object, "ServerSentEventUri");

    if (json_object_is_type(uri, json_type_string) &&
        redfish_value_path(json_object_get_string(uri), survey->events, sizeof survey->events))
        survey->properties_understood++;
}

void redfish_take_sessions(const struct redfish_take *take)
{
    char path[REDFISH_SURVEY_PATH_MAX];

    take->model->survey->session_timeout_s = redfish_take_number(take, take->object, "SessionTimeout");
    if (redfish_value_link(redfish_value_member(take->object, "Sessions"), path, sizeof path)) {
        redfish_read_endpoint(take->model, path, false);
        redfish_read_endpoint(take->model, path, true);
    }
}

void redfish_take_firmware(const struct redfish_take *take)
{
    struct redfish_survey_firmware *firmware = REDFISH_MODEL_EXTEND(take->model, firmwares, firmware_count);

    if (!firmware)
        return;
    (void)snprintf(firmware->path, sizeof firmware->path, "%s", take->path);
    REDFISH_TAKE_TEXT(take, take->object, "Id", firmware->id);
    REDFISH_TAKE_TEXT(take, take->object, "Version", firmware->version);
}
