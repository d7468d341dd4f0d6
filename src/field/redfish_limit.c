/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_limit.c: bodies of PATCHes, and one limit out of a resource. Pure. */
#include "redfish_limit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "redfish_model.h"
#include "redfish_value.h"

/* A JSON number: whole where only whole ones are taken. */
static void redfish_limit_number(const struct redfish_survey_limit *limit, double value, char *to,
                                 size_t room)
{
    if (isnan(value))
        (void)snprintf(to, room, "null");
    else if (strcmp(limit->unit, "V") == 0)
        (void)snprintf(to, room, "%.6g", value);
    else
        (void)snprintf(to, room, "%.0f", value);
}

bool redfish_limit_body(const struct redfish_survey_limit *limit, const struct redfish_limit_set *set,
                        char *ret, size_t room)
{
    char number[32], mode[48] = "", pad[REDFISH_LIMIT_INDEX_MAX * 3 + 1] = "";
    int size = -1;

    redfish_limit_number(limit, set->value, number, sizeof number);
    if (set->mode)
        (void)snprintf(mode, sizeof mode, ",\"ControlMode\":\"%.24s\"", set->mode);
    switch (limit->kind) {
    case REDFISH_LIMIT_METRICS:
        size = snprintf(ret, room, "{\"PowerLimitWatts\":{\"SetPoint\":%s%s}}", number, mode);
        break;
    case REDFISH_LIMIT_CONTROL:
        size = snprintf(ret, room, "{\"SetPoint\":%s%s}", number, mode);
        break;
    case REDFISH_LIMIT_LEGACY: /* by position: those before it are left alone */
        if (limit->index < 0 || limit->index >= REDFISH_LIMIT_INDEX_MAX)
            return false;
        for (int32_t i = 0; i < limit->index; i++)
            memcpy(pad + (size_t)i * 3, "{},", 4);
        size =
            snprintf(ret, room, "{\"PowerControl\":[%s{\"PowerLimit\":{\"LimitInWatts\":%s}}]}", pad, number);
        break;
    case REDFISH_LIMIT_EDPP:
        size = snprintf(ret, room,
                        "{\"Oem\":{\"Nvidia\":{\"EDPpPercent\":{\"SetPoint\":%s,\"Persistency\":false}}}}",
                        number);
        break;
    default:
        return false;
    }
    return size > 0 && (size_t)size < room;
}

void redfish_limit_resource(const struct redfish_survey_limit *limit, char ret[REDFISH_SURVEY_PATH_MAX])
{
    (void)redfish_value_path(limit->path, ret, REDFISH_SURVEY_PATH_MAX);
}

bool redfish_limit_is_off(const struct redfish_survey_limit *limit)
{
    return isnan(limit->value) || strcmp(limit->mode, "Disabled") == 0;
}

static const enum redfish_schema redfish_limit_schemas[REDFISH_LIMIT_KINDS] = {
    [REDFISH_LIMIT_METRICS] = REDFISH_METRICS,  [REDFISH_LIMIT_CONTROL] = REDFISH_CONTROL,
    [REDFISH_LIMIT_LEGACY] = REDFISH_POWER,     [REDFISH_LIMIT_EDPP] = REDFISH_METRICS,
    [REDFISH_LIMIT_POLICY] = REDFISH_NM_POLICY,
};

enum status redfish_limit_reread(struct redfish_survey_limit *limit, const char *body, size_t size,
                                 const char *allow)
{
    struct redfish_survey survey;
    struct redfish_model model;
    char path[REDFISH_SURVEY_PATH_MAX];
    struct redfish_walk_link link = { .path = path,
                                      .hint = redfish_limit_schemas[limit->kind],
                                      .parent = -1 };
    struct redfish_model_doc doc = { .body = body, .size = size, .allow = allow };
    enum status st = ST_ABSENT;

    redfish_limit_resource(limit, path);
    redfish_model_init(&model, &survey, 0);
    if (redfish_walk_add(&model.walk, &link))
        doc.item = redfish_walk_find(&model.walk, path);
    if (doc.item > 0)
        redfish_model_take(&model, &doc);
    for (int32_t i = 0; i < survey.limit_count; i++) {
        if (survey.limits[i].kind != limit->kind || strcmp(survey.limits[i].path, limit->path) != 0)
            continue;
        *limit = survey.limits[i];
        st = ST_OK;
        break;
    }
    if (st != ST_OK && survey.error_count > 0)
        st = ST_CORRUPT;
    if (model.no_memory)
        st = ST_NOMEM;
    redfish_model_done(&model);
    redfish_survey_done(&survey);
    return st;
}
