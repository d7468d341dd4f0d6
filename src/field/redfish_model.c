/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_model.c: what to ask for next, and where what came is kept. Pure: any thread,
 * no I/O; allocates.
 */
#include "redfish_model.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redfish_endpoint.h"
#include "redfish_read.h"
#include "redfish_value.h"

#define REDFISH_MODEL_ROOT  "/redfish/v1"
#define REDFISH_MODEL_SLOTS 1024

/* ---- lists ---- */

void *redfish_model_extend(struct redfish_model *model, void **list, int32_t *count, size_t size)
{
    char *longer = *list;

    if (*count >= REDFISH_MODEL_LIST_MAX) {
        model->cut = true;
        return NULL;
    }
    if ((*count & (*count - 1)) == 0) { /* 0, 1, 2, 4 ...: room for as many again */
        longer = realloc(*list, (size_t)(*count ? *count * 2 : 1) * size);
        if (!longer) {
            model->no_memory = true;
            return NULL;
        }
        *list = longer;
    }
    memset(longer + (size_t)*count * size, 0, size);
    return longer + (size_t)(*count)++ * size;
}

static uint32_t redfish_model_hash(const char *path)
{
    uint32_t hash = 2166136261u;

    for (; *path; path++)
        hash = (hash ^ (uint8_t)*path) * 16777619u;
    return hash;
}

static int32_t *redfish_model_slot(const struct redfish_model *model, const char *path)
{
    int32_t at = (int32_t)(redfish_model_hash(path) & (uint32_t)(model->slot_count - 1));

    while (model->slots[at] && strcmp(model->survey->readings[model->slots[at] - 1].path, path) != 0)
        at = (at + 1) & (model->slot_count - 1);
    return &model->slots[at];
}

struct redfish_survey_reading *redfish_model_find_reading(struct redfish_model *model, const char *path)
{
    int32_t at = model->slot_count ? *redfish_model_slot(model, path) - 1 : -1;

    return at >= 0 ? &model->survey->readings[at] : NULL;
}

static bool redfish_model_rehash(struct redfish_model *model)
{
    int32_t count = model->slot_count ? model->slot_count * 2 : REDFISH_MODEL_SLOTS;
    int32_t *slots;

    if (model->survey->reading_count * 2 < model->slot_count)
        return true;
    slots = calloc((size_t)count, sizeof *slots);
    if (!slots)
        return false;
    free(model->slots);
    model->slots = slots;
    model->slot_count = count;
    for (int32_t i = 0; i < model->survey->reading_count; i++)
        *redfish_model_slot(model, model->survey->readings[i].path) = i + 1;
    return true;
}

struct redfish_survey_reading *redfish_model_reading(struct redfish_model *model, const char *path)
{
    struct redfish_survey_reading *reading = redfish_model_find_reading(model, path);

    if (reading)
        return reading;
    if (!redfish_model_rehash(model)) {
        model->no_memory = true;
        return NULL;
    }
    reading = REDFISH_MODEL_EXTEND(model, readings, reading_count);
    if (!reading)
        return NULL;
    (void)snprintf(reading->path, sizeof reading->path, "%s", path);
    reading->value = NAN;
    *redfish_model_slot(model, reading->path) = model->survey->reading_count;
    return reading;
}

void redfish_model_absent(struct redfish_model *model, const char *path, const char *why)
{
    struct redfish_survey_absent *absent = REDFISH_MODEL_EXTEND(model, absents, absent_count);

    if (absent) {
        (void)snprintf(absent->path, sizeof absent->path, "%s", path);
        absent->why = why;
    }
}

/* ---- misses ---- */

bool redfish_model_miss(struct redfish_model *model, const struct redfish_model_miss *miss)
{
    struct redfish_walk_item *item = &model->walk.items[miss->item];
    struct redfish_survey_error *error;
    bool expanded = item->hint == REDFISH_COLLECTION && model->expand && !item->plain &&
                    redfish_schema_expands(item->member);

    if (miss->item == 0 && miss->status == ST_ABSENT && !model->root_bare) {
        model->root_bare = true;
        redfish_walk_again(&model->walk, 0);
        return true;
    }
    if (expanded && miss->code != 401 && miss->code != 403) {
        item->plain = true;
        model->expand = false;
        redfish_walk_again(&model->walk, miss->item);
        return true;
    }
    if (miss->status == ST_ABSENT) {
        if (item->property && redfish_read_beside(model, miss->item))
            return true;
        redfish_model_absent(model, model->walk.items[miss->item].path, "not found");
        return false;
    }
    error = REDFISH_MODEL_EXTEND(model, errors, error_count);
    if (error) {
        (void)snprintf(error->path, sizeof error->path, "%s", item->path);
        error->status = miss->status;
        error->code = miss->code;
        redfish_value_copy(miss->text, error->text, sizeof error->text);
    }
    return false;
}

void redfish_model_answer(struct redfish_model *model, int32_t item,
                          const struct redfish_survey_answer *answer)
{
    struct redfish_survey_answer *own = REDFISH_MODEL_EXTEND(model, answers, answer_count);

    if (own) {
        *own = *answer;
        own->ask = redfish_schema_class(model->walk.items[item].hint);
    }
}

/* ---- the walk ---- */

void redfish_model_init(struct redfish_model *model, struct redfish_survey *survey, int32_t gets_max)
{
    struct redfish_walk_link root = { .path = REDFISH_MODEL_ROOT, .hint = REDFISH_ROOT, .parent = -1 };

    memset(survey, 0, sizeof *survey);
    survey->session_timeout_s = NAN;
    survey->endpoints = redfish_endpoint_list(&survey->endpoint_count);
    *model = (struct redfish_model){ .survey = survey, .no_memory = !survey->endpoints };
    redfish_walk_init(&model->walk, gets_max);
    (void)redfish_read_add(model, &root);
}

void redfish_model_done(struct redfish_model *model)
{
    redfish_walk_done(&model->walk);
    free(model->slots);
    model->slots = NULL;
    model->slot_count = 0;
}

int32_t redfish_model_next(struct redfish_model *model, char *target, size_t room)
{
    int32_t i = redfish_walk_next(&model->walk);
    const struct redfish_walk_item *item = i >= 0 ? &model->walk.items[i] : NULL;
    bool expanded = item && item->hint == REDFISH_COLLECTION && model->expand && !item->plain &&
                    redfish_schema_expands(item->member) && !strchr(item->path, '?');

    if (item)
        (void)snprintf(target, room, "%s%s%s", item->path, i == 0 && !model->root_bare ? "/" : "",
                       expanded ? model->expand_query : "");
    return i;
}

static const char *redfish_model_kind(const struct redfish_model *model)
{
    const struct redfish_survey *survey = model->survey;

    if (strcasecmp(survey->vendor, "nvidia") == 0)
        return "nvidia-openbmc";
    if (strcasecmp(survey->vendor, "lenovo") == 0)
        return "xcc";
    return model->maker_hint ? model->maker_hint : "generic";
}

/* Is `item` below `owner`? */
static bool redfish_model_below(const struct redfish_model *model, int32_t item, int32_t owner)
{
    for (; item >= 0; item = model->walk.items[item].parent)
        if (item == owner)
            return true;
    return false;
}

/* Supplies of the deprecated Power that the same chassis lists in its PowerSubsystem. */
static void redfish_model_twins(struct redfish_model *model)
{
    struct redfish_survey *survey = model->survey;
    char path[REDFISH_SURVEY_PATH_MAX];

    for (int32_t i = 0; i < survey->supply_count; i++) {
        int32_t item, chassis;

        if (!strchr(survey->supplies[i].path, '#'))
            continue;
        (void)redfish_value_path(survey->supplies[i].path, path, sizeof path);
        item = redfish_walk_find(&model->walk, path);
        chassis = item >= 0 ? model->walk.items[item].parent : -1;
        for (int32_t o = 0; o < survey->supply_count && chassis >= 0; o++)
            if (!strchr(survey->supplies[o].path, '#') &&
                redfish_model_below(model, redfish_walk_find(&model->walk, survey->supplies[o].path),
                                    chassis))
                survey->supplies[i].twin = true;
    }
}

void redfish_model_finish(struct redfish_model *model, int64_t now_us)
{
    struct redfish_survey *survey = model->survey;

    for (int32_t i = 0; i < survey->reading_count; i++)
        survey->readings[i].age_us = now_us - survey->readings[i].taken_us;
    for (int32_t i = 0; i < survey->manager_count; i++)
        if (!survey->firmware[0] || strcmp(survey->managers[i].path, model->manager) == 0)
            (void)snprintf(survey->firmware, sizeof survey->firmware, "%s", survey->managers[i].firmware);
    redfish_model_twins(model);
    if (!survey->maker[0])
        (void)snprintf(survey->maker, sizeof survey->maker, "%s", survey->vendor);
    if (!survey->model[0])
        (void)snprintf(survey->model, sizeof survey->model, "%s", survey->product);
    (void)snprintf(survey->bmc_kind, sizeof survey->bmc_kind, "%s", redfish_model_kind(model));
    survey->complete = !model->cut && !model->walk.cut && model->walk.waiting == 0;
}
