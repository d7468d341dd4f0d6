/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_service.h: a Redfish service as a table of paths and bodies, walked by the model
 * without a network. Bodies are written here by hand.
 */
#ifndef TEST_REDFISH_SERVICE_H
#define TEST_REDFISH_SERVICE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "field/redfish_model.h"

struct service_row {
    const char *target; /* path and query, as asked for                      */
    const char *body;
    int code;          /* 0: 200                                            */
    const char *allow; /* header; NULL                                      */
};

struct service {
    const struct service_row *rows;
    struct redfish_model model;
    struct redfish_survey survey;
    char asked[64][REDFISH_SURVEY_PATH_MAX + 48];
    int asked_count;
};

static inline const struct service_row *service_find(const struct service *service, const char *target)
{
    for (const struct service_row *row = service->rows; row->target; row++)
        if (strcmp(row->target, target) == 0)
            return row;
    return NULL;
}

static inline enum status service_status(int code)
{
    return code == 404 ? ST_ABSENT : code >= 500 ? ST_NACK : ST_REFUSED;
}

static inline void service_step(struct service *service, int32_t item, const char *target)
{
    const struct service_row *row = service_find(service, target);
    struct redfish_model_doc doc = { .item = item, .taken_us = 1000, .done_us = 2000 };
    struct redfish_model_miss miss = { .item = item, .code = row ? row->code : 404, .text = "trouble" };

    if (service->asked_count < 64)
        (void)snprintf(service->asked[service->asked_count], sizeof service->asked[0], "%s", target);
    service->asked_count++;
    if (row && row->code == 0) {
        doc.body = row->body;
        doc.size = strlen(row->body);
        doc.allow = row->allow;
        redfish_model_take(&service->model, &doc);
        return;
    }
    miss.status = service_status(miss.code);
    (void)redfish_model_miss(&service->model, &miss);
}

/* Walks the whole; `gets_max` 0: no bound but the walk's own. */
static inline void service_walk(struct service *service, const struct service_row *rows, int32_t gets_max)
{
    char target[REDFISH_SURVEY_PATH_MAX + 48];
    int32_t item;

    memset(service, 0, sizeof *service);
    service->rows = rows;
    redfish_model_init(&service->model, &service->survey, gets_max);
    while ((item = redfish_model_next(&service->model, target, sizeof target)) >= 0)
        service_step(service, item, target);
    redfish_model_finish(&service->model, 10000);
    assert_false(service->model.no_memory);
}

static inline void service_done(struct service *service)
{
    redfish_model_done(&service->model);
    redfish_survey_done(&service->survey);
}

static inline int service_count_asked(const struct service *service, const char *target)
{
    int count = 0;

    for (int i = 0; i < service->asked_count && i < 64; i++)
        count += strcmp(service->asked[i], target) == 0;
    return count;
}

static inline const struct redfish_survey_reading *service_reading(const struct service *service,
                                                                   const char *path)
{
    for (int32_t i = 0; i < service->survey.reading_count; i++)
        if (strcmp(service->survey.readings[i].path, path) == 0)
            return &service->survey.readings[i];
    return NULL;
}

static inline const struct redfish_survey_limit *service_limit(const struct service *service,
                                                               const char *path)
{
    for (int32_t i = 0; i < service->survey.limit_count; i++)
        if (strcmp(service->survey.limits[i].path, path) == 0)
            return &service->survey.limits[i];
    return NULL;
}

static inline bool service_absent(const struct service *service, const char *path)
{
    for (int32_t i = 0; i < service->survey.absent_count; i++)
        if (strcmp(service->survey.absents[i].path, path) == 0)
            return true;
    return false;
}

#define LINK(path) "{\"@odata.id\":\"" path "\"}"

#endif
