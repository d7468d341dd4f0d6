/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_json.c: Redfish JSON to plain structs and back, with json-c.
 *
 * Pure: any thread, no I/O. Everything here comes from a device, so nothing is
 * believed: parsing is strict, 32 deep at most, numbers are finite or NAN.
 */
#include "redfish_json.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redfish_value.h"

/* ---- EnvironmentMetrics ---- */

void redfish_json_limits(struct json_object *limit, struct redfish_json_metrics *ret)
{
    struct json_object *source = redfish_value_member(limit, "DataSourceUri");

    ret->has_limit = limit != NULL;
    ret->limit_set_w = redfish_value_number(limit, "SetPoint");
    ret->limit_min_w = redfish_value_number(limit, "AllowableMin");
    ret->limit_max_w = redfish_value_number(limit, "AllowableMax");
    ret->limit_default_w = redfish_value_number(limit, "DefaultSetPoint");
    redfish_value_text(limit, "ControlMode", ret->mode, sizeof ret->mode);
    redfish_value_text(limit, "SetPointUnits", ret->units, sizeof ret->units);
    redfish_value_text(limit, "LimitException", ret->exception, sizeof ret->exception);
    ret->nonvolatile = json_object_is_type(source, json_type_string) &&
                       strcasestr(json_object_get_string(source), "nonvolatile") != NULL;
}

enum status redfish_json_metrics(const char *body, size_t size, struct redfish_json_metrics *ret)
{
    struct json_object *object = redfish_value_parse(body, size);
    struct json_object *limit;

    if (!object)
        return ST_CORRUPT;
    *ret = (struct redfish_json_metrics){
        .power_w = redfish_value_number(redfish_value_member(object, "PowerWatts"), "Reading"),
        .energy_j = redfish_value_number(redfish_value_member(object, "EnergyJoules"), "Reading"),
        .temp_c = redfish_value_number(redfish_value_member(object, "TemperatureCelsius"), "Reading"),
    };
    limit = redfish_value_member(object, "PowerLimitWatts");
    redfish_json_limits(json_object_is_type(limit, json_type_object) ? limit : NULL, ret);
    json_object_put(object);
    return ST_OK;
}

bool redfish_json_disabled(const struct redfish_json_metrics *metrics)
{
    return strcmp(metrics->mode, "Disabled") == 0;
}

double redfish_json_limit_w(const struct redfish_json_metrics *metrics)
{
    if (isnan(metrics->limit_set_w) || redfish_json_disabled(metrics))
        return metrics->limit_max_w;
    return metrics->limit_set_w;
}

/* ---- service root, sessions, errors ---- */

enum status redfish_json_root(const char *body, size_t size, struct redfish_json_root *ret)
{
    struct json_object *object = redfish_value_parse(body, size);
    struct json_object *sessions;
    char uuid[64];
    size_t kept = 0;

    if (!object)
        return ST_CORRUPT;
    redfish_value_text(object, "UUID", uuid, sizeof uuid);
    for (const char *at = uuid; *at && kept + 1 < sizeof ret->uuid; at++)
        if (*at != '-')
            ret->uuid[kept++] = *at;
    ret->uuid[kept] = '\0';
    redfish_value_text(object, "Product", ret->product, sizeof ret->product);
    if (!ret->product[0])
        redfish_value_text(object, "Vendor", ret->product, sizeof ret->product);
    redfish_value_text(object, "RedfishVersion", ret->version, sizeof ret->version);
    sessions = redfish_value_member(redfish_value_member(object, "Links"), "Sessions");
    redfish_value_text(sessions, "@odata.id", ret->sessions, sizeof ret->sessions);
    json_object_put(object);
    return ST_OK;
}

char *redfish_json_id(const char *body, size_t size)
{
    struct json_object *object = redfish_value_parse(body, size), *id = redfish_value_member(object, "@odata.id");
    char *ret = json_object_is_type(id, json_type_string) ? strdup(json_object_get_string(id)) : NULL;

    json_object_put(object);
    return ret;
}

void redfish_json_error(const char *body, size_t size, char ret[REDFISH_JSON_TEXT_MAX])
{
    struct json_object *object = redfish_value_parse(body, size);
    struct json_object *error = redfish_value_member(object, "error");
    struct json_object *infos = redfish_value_member(error, "@Message.ExtendedInfo");
    struct json_object *info = NULL;
    char id[64], text[REDFISH_JSON_TEXT_MAX];

    if (json_object_is_type(infos, json_type_array) && json_object_array_length(infos) > 0)
        info = json_object_array_get_idx(infos, 0);
    redfish_value_text(info, "MessageId", id, sizeof id);
    redfish_value_text(info, "Message", text, sizeof text);
    if (!id[0])
        redfish_value_text(error, "code", id, sizeof id);
    if (!text[0])
        redfish_value_text(error, "message", text, sizeof text);
    if (!text[0])
        redfish_value_text(object, "Message", text, sizeof text);
    (void)snprintf(ret, REDFISH_JSON_TEXT_MAX, "%.60s%s%.90s", id, id[0] && text[0] ? ": " : "", text);
    json_object_put(object);
}

bool redfish_json_task_runs(const char *body, size_t size)
{
    static const char *const over[] = { "", "Completed", "Exception", "Killed", "Cancelled" };
    struct json_object *object = redfish_value_parse(body, size);
    char state[24];
    bool runs = true;

    redfish_value_text(object, "TaskState", state, sizeof state);
    json_object_put(object);
    for (size_t i = 0; i < sizeof over / sizeof over[0]; i++)
        runs = runs && strcmp(state, over[i]) != 0;
    return runs;
}

bool redfish_json_sessions_full(const char *body, size_t size)
{
    static const char *const words[] = { "RAC0218", "SessionLimitExceeded",
                                         "maximum number of user sessions" };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (memmem(body, size, words[i], strlen(words[i])))
            return true;
    return false;
}

/* ---- what we send ---- */

bool redfish_json_login(const char *username, const char *password, char *ret, size_t room)
{
    struct json_object *object = json_object_new_object();
    const char *text;
    int size = -1;

    if (object && json_object_object_add(object, "UserName", json_object_new_string(username)) == 0 &&
        json_object_object_add(object, "Password", json_object_new_string(password)) == 0) {
        text =
            json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
        size = text ? snprintf(ret, room, "%s", text) : -1;
    }
    json_object_put(object);
    return size > 0 && (size_t)size < room;
}
