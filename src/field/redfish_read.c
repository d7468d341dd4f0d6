/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_read.c: one document of a BMC: what it is, where it leads, who reads it. Pure:
 * any thread, no I/O; allocates.
 */
#include "redfish_read.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "redfish_endpoint.h"
#include "redfish_take.h"
#include "redfish_value.h"

#define REDFISH_READ_OEM_DEPTH    6
#define REDFISH_READ_ACTION_DEPTH 3

/* ---- links ---- */

void redfish_read_endpoint(struct redfish_model *model, const char *path, bool answered)
{
    struct redfish_survey *survey = model->survey;
    int32_t e = redfish_endpoint_find(survey->endpoints, survey->endpoint_count, path);

    if (e < 0)
        return;
    survey->endpoints[e].listed += !answered;
    survey->endpoints[e].present += answered;
    if (answered || !survey->endpoints[e].example[0])
        (void)snprintf(survey->endpoints[e].example, sizeof survey->endpoints[e].example, "%s", path);
}

/* Notes a link, if what is there matters; a new one counts for its endpoint. */
/* Is it inside what is asked for? */
static bool redfish_read_in_scope(const struct redfish_model *model, const struct redfish_walk_link *link)
{
    enum redfish_schema schema = link->hint == REDFISH_COLLECTION ? link->member : link->hint;

    return model->scope == 0 || (model->scope & REDFISH_MODEL_SCOPE(schema)) != 0;
}

int32_t redfish_read_add(struct redfish_model *model, const struct redfish_walk_link *link)
{
    const struct redfish_survey *survey = model->survey;
    bool wanted = redfish_schema_walks(link->hint) ||
                  redfish_endpoint_find(survey->endpoints, survey->endpoint_count, link->path) >= 0;
    int32_t known = redfish_walk_find(&model->walk, link->path);

    if (known >= 0 || !wanted || !redfish_read_in_scope(model, link))
        return known;
    if (!redfish_walk_add(&model->walk, link))
        model->no_memory = true;
    known = redfish_walk_find(&model->walk, link->path);
    if (known >= 0)
        redfish_read_endpoint(model, link->path, false);
    return known;
}

/* Every object that a dotted name leads to, through arrays as well. */
static void redfish_read_follow(const struct redfish_take *take, struct json_object *at, const char *name,
                                const struct redfish_schema_link *row)
{
    size_t step = strcspn(name, ".");
    char member[64], path[REDFISH_SURVEY_PATH_MAX];
    struct redfish_walk_link link = {
        .path = path,
        .hint = row->collection ? REDFISH_COLLECTION : row->to,
        .member = row->collection ? row->to : REDFISH_OTHER,
        .parent = take->item,
        .property = row->name,
    };

    for (size_t i = 0; i < redfish_value_count(at); i++)
        redfish_read_follow(take, redfish_value_at(at, i), name, row);
    if (json_object_is_type(at, json_type_array))
        return;
    if (*name) {
        (void)snprintf(member, sizeof member, "%.*s", (int)step, name);
        at = redfish_value_member(at, member);
        if (at)
            redfish_read_follow(take, at, name + step + (name[step] == '.'), row);
        return;
    }
    take->model->cut |= redfish_value_link_too_long(at, sizeof path);
    if (redfish_value_link(at, path, sizeof path))
        (void)redfish_read_add(take->model, &link);
}

bool redfish_read_find_oem(struct json_object *at, const char *name, char *ret, size_t room, int depth)
{
    if (!json_object_is_type(at, json_type_object) || depth > REDFISH_READ_OEM_DEPTH)
        return false;
    if (redfish_value_link(redfish_value_member(at, name), ret, room))
        return true;
    json_object_object_foreach(at, key, member)
    {
        (void)key;
        if (redfish_read_find_oem(member, name, ret, room, depth + 1))
            return true;
    }
    return false;
}

/* OEM members that lead on, however deep a maker puts them. */
static void redfish_read_follow_oem(const struct redfish_take *take, struct json_object *at, int depth)
{
    int rows;
    const struct redfish_schema_link *row = redfish_schema_oem(&rows);

    if (!json_object_is_type(at, json_type_object) || depth > REDFISH_READ_OEM_DEPTH)
        return;
    for (int i = 0; i < rows; i++)
        redfish_read_follow(take, at, row[i].name, &row[i]);
    json_object_object_foreach(at, name, member)
    {
        (void)name;
        redfish_read_follow_oem(take, member, depth + 1);
    }
}

static void redfish_read_links(const struct redfish_take *take, enum redfish_schema schema)
{
    int rows;
    const struct redfish_schema_link *row = redfish_schema_links(&rows);

    for (int i = 0; i < rows; i++)
        if (row[i].from == schema)
            redfish_read_follow(take, take->object, row[i].name, &row[i]);
    redfish_read_follow_oem(take, redfish_value_member(take->object, "Oem"), 0);
}

/* Actions that power managers call count as endpoints. */
static void redfish_read_actions(const struct redfish_take *take, struct json_object *actions, int depth)
{
    char path[REDFISH_SURVEY_PATH_MAX];
    struct json_object *target = redfish_value_member(actions, "target");

    if (!json_object_is_type(actions, json_type_object) || depth > REDFISH_READ_ACTION_DEPTH)
        return;
    if (json_object_is_type(target, json_type_string) &&
        redfish_value_path(json_object_get_string(target), path, sizeof path)) {
        redfish_read_endpoint(take->model, path, false);
        redfish_read_endpoint(take->model, path, true);
        return;
    }
    json_object_object_foreach(actions, name, member)
    {
        (void)name;
        redfish_read_actions(take, member, depth + 1);
    }
}

/* The place where the standard puts what a link should have led to. */
bool redfish_read_beside(struct redfish_model *model, int32_t item)
{
    const struct redfish_walk_item *at = &model->walk.items[item];
    char path[REDFISH_SURVEY_PATH_MAX];
    struct redfish_walk_link link = {
        .path = path, .hint = at->hint, .member = at->member, .parent = at->parent, .property = NULL
    };

    if (at->parent < 0 || !at->property || strchr(at->property, '.') ||
        redfish_walk_find(&model->walk, model->walk.items[at->parent].path) < 0)
        return false;
    if (snprintf(path, sizeof path, "%s/%s", model->walk.items[at->parent].path, at->property) >=
            (int)sizeof path ||
        redfish_walk_find(&model->walk, path) >= 0)
        return false;
    return redfish_read_add(model, &link) >= 0;
}

/* ---- taking documents ---- */

static void redfish_read_dispatch(const struct redfish_take *take, enum redfish_schema schema);
static enum redfish_schema redfish_read_schema(struct json_object *object, enum redfish_schema *ret_member);

/* A member that came whole ($expand, or a service that is generous). */
static bool redfish_read_inline(const struct redfish_take *list, struct json_object *member, int32_t item)
{
    enum redfish_schema inside, schema = redfish_read_schema(member, &inside);
    struct redfish_take take = *list;

    if (schema == REDFISH_OTHER || schema == REDFISH_COLLECTION)
        return false;
    redfish_walk_claim(&take.model->walk, item);
    take.object = member;
    take.item = item;
    take.path = take.model->walk.items[item].path;
    take.context = take.model->walk.items[item].context;
    redfish_read_endpoint(take.model, take.path, true);
    redfish_read_dispatch(&take, schema);
    return true;
}

static void redfish_read_collection(const struct redfish_take *take, enum redfish_schema inside)
{
    struct redfish_model *model = take->model;
    struct json_object *members = redfish_value_member(take->object, "Members");
    struct json_object *next = redfish_value_member(take->object, "Members@odata.nextLink");
    char path[REDFISH_SURVEY_PATH_MAX];
    struct redfish_walk_link link = { .path = path, .hint = inside, .parent = take->item, .property = NULL };
    bool asked_expanded = model->expand && redfish_schema_expands(inside) &&
                          !model->walk.items[take->item].plain && !strchr(take->path, '?');
    bool whole = redfish_value_count(members) > 0;

    if (members)
        model->survey->properties_understood++;
    for (size_t i = 0; i < redfish_value_count(members); i++) {
        struct json_object *member = redfish_value_at(members, i);
        int32_t item = -1;

        model->cut |= redfish_value_link_too_long(member, sizeof path);
        if (!redfish_value_link(member, path, sizeof path))
            continue;
        if (inside == REDFISH_REPORT && model->scope)
            redfish_take_report_name(take, path);
        else
            item = redfish_read_add(model, &link);
        if (item < 0 || model->walk.asked[item] || !redfish_read_inline(take, member, item))
            whole = false;
    }
    model->survey->expand_works |= asked_expanded && whole;
    if (asked_expanded && !whole && redfish_value_count(members) > 0)
        model->expand = false; /* it was not meant: no use in asking again */
    link = (struct redfish_walk_link){
        .path = path, .hint = REDFISH_COLLECTION, .member = inside, .parent = take->item, .page = true
    };
    if (json_object_is_type(next, json_type_string) &&
        redfish_value_path(json_object_get_string(next), path, sizeof path))
        (void)redfish_read_add(model, &link);
}

static const redfish_take_call redfish_read_calls[REDFISH_SCHEMAS] = {
    [REDFISH_ROOT] = redfish_take_root,
    [REDFISH_CHASSIS] = redfish_take_chassis,
    [REDFISH_SYSTEM] = redfish_take_system,
    [REDFISH_MANAGER] = redfish_take_manager,
    [REDFISH_PROCESSOR] = redfish_take_processor,
    [REDFISH_MEMORY] = redfish_take_memory,
    [REDFISH_METRICS] = redfish_take_metrics,
    [REDFISH_SENSOR] = redfish_take_sensor,
    [REDFISH_CONTROL] = redfish_take_control,
    [REDFISH_SUBSYSTEM] = redfish_take_subsystem,
    [REDFISH_SUPPLY] = redfish_take_supply,
    [REDFISH_SUPPLY_METRICS] = redfish_take_supply_metrics,
    [REDFISH_BATTERY] = redfish_take_battery,
    [REDFISH_BATTERY_METRICS] = redfish_take_battery_metrics,
    [REDFISH_POWER] = redfish_take_legacy,
    [REDFISH_DISTRIBUTION_METRICS] = redfish_take_circuit,
    [REDFISH_CIRCUIT] = redfish_take_circuit,
    [REDFISH_OUTLET] = redfish_take_circuit,
    [REDFISH_OUTLET_GROUP] = redfish_take_circuit,
    [REDFISH_REPORT] = redfish_take_report,
    [REDFISH_EVENTS] = redfish_take_events,
    [REDFISH_SESSIONS] = redfish_take_sessions,
    [REDFISH_FIRMWARE] = redfish_take_firmware,
    [REDFISH_WORKLOAD] = redfish_take_workload,
    [REDFISH_SMOOTHING] = redfish_take_smoothing,
    [REDFISH_NM_DOMAIN] = redfish_take_nm,
    [REDFISH_NM_POLICY] = redfish_take_nm,
};

static void redfish_read_dispatch(const struct redfish_take *take, enum redfish_schema schema)
{
    if (redfish_read_calls[schema])
        redfish_read_calls[schema](take);
    redfish_read_links(take, schema);
    redfish_read_actions(take, redfish_value_member(take->object, "Actions"), 0);
}

static enum redfish_schema redfish_read_schema(struct json_object *object, enum redfish_schema *ret_member)
{
    char type[96];

    redfish_value_text(object, "@odata.type", type, sizeof type);
    return redfish_schema_of(type, ret_member);
}

/* What a document is: as it says itself, else as its link said. */
static void redfish_read_object(const struct redfish_take *take)
{
    const struct redfish_walk_item item = take->model->walk.items[take->item];
    enum redfish_schema inside, schema = redfish_read_schema(take->object, &inside);

    if (!redfish_value_has(take->object, "@odata.type") ||
        (schema == REDFISH_OTHER && item.hint >= REDFISH_WORKLOAD))
        schema = redfish_value_has(take->object, "Members") ? REDFISH_COLLECTION : item.hint;
    if (schema == REDFISH_COLLECTION)
        redfish_read_collection(take, item.hint == REDFISH_COLLECTION && item.member != REDFISH_OTHER &&
                                              inside == REDFISH_OTHER
                                          ? item.member
                                          : inside);
    else
        redfish_read_dispatch(take, schema);
    if (item.hint != REDFISH_OTHER && item.hint != schema)
        (void)redfish_read_beside(take->model, take->item);
}

void redfish_model_take(struct redfish_model *model, const struct redfish_model_doc *doc)
{
    bool report = model->walk.items[doc->item].hint == REDFISH_REPORT;
    struct redfish_take take = {
        .model = model,
        .object = report ? json_object_new_object() : redfish_value_parse(doc->body, doc->size),
        .item = doc->item,
        .path = model->walk.items[doc->item].path,
        .context = model->walk.items[doc->item].context,
        .doc = doc,
    };
    struct redfish_model_miss miss = {
        .item = doc->item, .status = ST_CORRUPT, .code = 200, .text = "the answer is no JSON object"
    };

    if (!take.object) {
        (void)redfish_model_miss(model, &miss);
        return;
    }
    if (report) { /* may be megabytes: never held as a whole */
        redfish_read_endpoint(model, take.path, true);
        redfish_take_report(&take);
    } else if (redfish_value_has(take.object, "error") && !redfish_value_has(take.object, "@odata.id")) {
        redfish_model_absent(model, take.path, "error object");
    } else {
        redfish_read_endpoint(model, take.path, true);
        redfish_read_object(&take);
    }
    json_object_put(take.object);
}
