/* SPDX-License-Identifier: Apache-2.0 */
/* serve_redfish_make.c: the pieces that every resource of a simulated BMC is made of.
 * Pure.
 */
#include "serve_redfish_make.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void serve_redfish_make_text(struct json_object *to, const char *name, const char *text)
{
    json_object_object_add(to, name, json_object_new_string(text));
}

void serve_redfish_make_whole(struct json_object *to, const char *name, double value)
{
    json_object_object_add(to, name, json_object_new_int64(llround(value)));
}

/* A reading, to three places as BMCs print them. */
void serve_redfish_make_number(struct json_object *to, const char *name, double value)
{
    char text[32];

    (void)snprintf(text, sizeof text, "%.3f", value);
    json_object_object_add(to, name, json_object_new_double_s(value, text));
}

void serve_redfish_make_link(struct json_object *to, const char *name, const char *path)
{
    struct json_object *link = json_object_new_object();

    serve_redfish_make_text(link, "@odata.id", path);
    json_object_object_add(to, name, link);
}

struct json_object *serve_redfish_make_object(const char *path, const char *type, const char *id,
                                              const char *name)
{
    struct json_object *object = json_object_new_object();

    serve_redfish_make_text(object, "@odata.id", path);
    serve_redfish_make_text(object, "@odata.type", type);
    serve_redfish_make_text(object, "Id", id);
    serve_redfish_make_text(object, "Name", name);
    return object;
}

void serve_redfish_make_enabled(struct json_object *to)
{
    struct json_object *status = json_object_new_object();

    serve_redfish_make_text(status, "State", "Enabled");
    serve_redfish_make_text(status, "Health", "OK");
    json_object_object_add(to, "Status", status);
}

struct json_object *serve_redfish_make_collection(const char *path, const char *type, const char *name)
{
    struct json_object *collection = json_object_new_object();

    serve_redfish_make_text(collection, "@odata.id", path);
    serve_redfish_make_text(collection, "@odata.type", type);
    serve_redfish_make_text(collection, "Name", name);
    json_object_object_add(collection, "Members", json_object_new_array());
    serve_redfish_make_whole(collection, "Members@odata.count", 0);
    return collection;
}

void serve_redfish_make_member(struct json_object *collection, const char *path)
{
    struct json_object *members = json_object_object_get(collection, "Members");
    struct json_object *member = json_object_new_object();

    serve_redfish_make_text(member, "@odata.id", path);
    json_object_array_add(members, member);
    serve_redfish_make_whole(collection, "Members@odata.count", (double)json_object_array_length(members));
}

void serve_redfish_error(struct serve_redfish_answer *answer, int status, const char *message_id,
                         const char *text)
{
    struct json_object *error = json_object_new_object(), *info = json_object_new_object();
    struct json_object *list = json_object_new_array();
    char id[SERVE_REDFISH_TEXT];

    /* The one message that is not of the standard's registry keeps its maker's. */
    (void)snprintf(id, sizeof id, "%s.%s", strncmp(message_id, "RAC", 3) == 0 ? "IDRAC.2.8" : "Base.1.18",
                   message_id);
    serve_redfish_make_text(info, "@odata.type", "#Message.v1_1_1.Message");
    serve_redfish_make_text(info, "MessageId", id);
    serve_redfish_make_text(info, "Message", text);
    serve_redfish_make_text(info, "MessageSeverity", "Warning");
    json_object_array_add(list, info);
    serve_redfish_make_text(error, "code", id);
    serve_redfish_make_text(error, "message", text);
    json_object_object_add(error, "@Message.ExtendedInfo", list);
    answer->status = status;
    json_object_put(answer->body);
    answer->body = json_object_new_object();
    json_object_object_add(answer->body, "error", error);
}

void serve_redfish_make_action(struct json_object *to, const char *name, const char *target)
{
    struct json_object *actions = NULL, *action = json_object_new_object();

    if (!json_object_object_get_ex(to, "Actions", &actions)) {
        actions = json_object_new_object();
        json_object_object_add(to, "Actions", actions);
    }
    serve_redfish_make_text(action, "target", target);
    json_object_object_add(actions, name, action);
}
