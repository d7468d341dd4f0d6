/* SPDX-License-Identifier: Apache-2.0 */
/* api_hints.c: POST /v1/hints: what a workload says of itself. Main thread.
 *
 * Goes to the forecasters alone, which believe it as far as it was right before.
 */
#include <math.h>
#include <string.h>

#include <json-c/json.h>

#include "answer.h"
#include "api.h"
#include "api_request.h"

#define API_HINTS_QUEUE_MAX 1e9

static const char *const api_hints_marks[CORE_MARK_WILL] = {
    [CORE_MARK_STEP] = "step",   [CORE_MARK_PART] = "part",       [CORE_MARK_STOP] = "stop",
    [CORE_MARK_GO] = "go",       [CORE_MARK_START] = "start",     [CORE_MARK_END] = "end",
    [CORE_MARK_QUEUE] = "queue", [CORE_MARK_RUNNING] = "running",
};

static bool api_hints_mark(struct json_object *value, struct core_hint *hint)
{
    const char *word = json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
    int mark = 0;

    while (mark < CORE_MARK_WILL && strcmp(api_hints_marks[mark], word) != 0)
        mark++;
    hint->mark = (enum core_mark)mark;
    return mark < CORE_MARK_WILL;
}

static bool api_hints_node(const struct api_request *request, struct json_object *value,
                           struct core_hint *hint)
{
    const char *name = json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";

    for (int32_t n = 0; n < request->snap.names->node_count && hint->node == CORE_NONE; n++)
        if (strcmp(request->snap.names->nodes[n], name) == 0)
            hint->node = n;
    return hint->node != CORE_NONE;
}

static bool api_hints_value(struct json_object *value, struct core_hint *hint)
{
    bool number = json_object_is_type(value, json_type_int) || json_object_is_type(value, json_type_double);

    hint->value = number ? json_object_get_double(value) : NAN;
    return hint->value >= 0.0 && hint->value <= API_HINTS_QUEUE_MAX;
}

/* NULL: well; else what is wrong. */
static const char *api_hints_read(const struct api_request *request, struct json_object *body,
                                  struct core_hint *hint)
{
    bool counted = false;

    if (!body)
        return "the body must be {\"mark\": \"step\", \"node\": \"NAME\", \"value\": NUMBER}, the last two "
               "as needed";
    json_object_object_foreach(body, key, value)
    {
        if (strcmp(key, "mark") == 0) {
            if (!api_hints_mark(value, hint))
                return "mark: must be step, part, stop, go, start, end, queue or running";
        } else if (strcmp(key, "node") == 0) {
            if (!api_hints_node(request, value, hint))
                return "node: must name a node: see GET /v1/nodes";
        } else if (strcmp(key, "value") == 0) {
            if (!api_hints_value(value, hint))
                return "value: must be a number, 0 to 1e9";
            counted = true;
        } else {
            return "there are no keys but mark, node and value";
        }
    }
    if (hint->mark == CORE_MARK_COUNT)
        return "mark is missing";
    if (!counted && (hint->mark == CORE_MARK_QUEUE || hint->mark == CORE_MARK_RUNNING))
        return "value is missing: queue and running need a number of requests";
    return NULL;
}

void api_hints(struct api_request *request)
{
    const struct operator_calls *calls = &request->op->calls;
    struct core_hint hint = {
        .mark = CORE_MARK_COUNT, .node = CORE_NONE, .lever = CORE_NONE, .at_us = request->snap.now_us
    };
    struct json_object *body = api_body(request), *to;
    const char *wrong = api_hints_read(request, body, &hint);
    enum status st;

    json_object_put(body);
    if (wrong) {
        api_refuse(request, 400, "%s", wrong);
        return;
    }
    st = calls->hint(calls->arg, &hint);
    if (st != ST_OK) {
        api_refuse(request, st == ST_BUSY ? 503 : 409, "%s",
                   st == ST_BUSY ? "too many hints wait: fewer are enough"
                                 : "there are no forecasters: control.forecast.learn is off");
        return;
    }
    to = json_object_new_object();
    answer_text(to, "mark", api_hints_marks[hint.mark]);
    answer_text(to, "node", hint.node == CORE_NONE ? NULL : request->snap.names->nodes[hint.node]);
    api_reply(request, to);
}
