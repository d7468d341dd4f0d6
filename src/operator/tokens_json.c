/* SPDX-License-Identifier: Apache-2.0 */
/* tokens_json.c: what clients hold and were told, as JSON. Pure. */
#include <json-c/json.h>

#include "answer.h"
#include "snapshot_json.h"

void tokens_json_one(const struct snapshot *snap, const struct core_token_view *view, struct json_object *to)
{
    const char *client = snap->client ? snap->client(snap->client_arg, view->client) : NULL;
    bool known = view->node >= 0 && view->node < snap->names->node_count;
    bool refused = view->state == CORE_TOKEN_REFUSED;
    bool holds = view->granted_w > 0.0;

    answer_text(to, "client", client);
    answer_count(to, "version", view->version);
    answer_text(to, "state", core_token_state_label(view->state));
    answer_text(to, "reason", core_token_reason_label(view->reason));
    answer_text(to, "text", core_token_reason_text(view->reason));
    answer_text(to, "node", known ? snap->names->nodes[view->node] : NULL);
    answer_number(to, "granted_w", view->granted_w);
    if (holds)
        answer_ms(to, "expires_in_ms", view->expires_us > snap->now_us ? view->expires_us - snap->now_us : 0);
    else
        answer_null(to, "expires_in_ms");
    if (refused)
        answer_number(to, "alternative_w", view->alternative_w);
    else
        answer_null(to, "alternative_w");
    if (refused && view->retry_after_us > 0)
        answer_ms(to, "retry_after_ms", view->retry_after_us);
    else
        answer_null(to, "retry_after_ms");
}

struct json_object *tokens_json(const struct snapshot *snap)
{
    struct json_object *to = json_object_new_object(), *tokens = answer_array(to, "tokens");

    for (int32_t i = 0; i < snap->outputs->token_count; i++) {
        const struct core_token_view *view = &core_outputs_tokens(snap->outputs)[i];

        if (view->client != 0)
            tokens_json_one(snap, view, answer_add_object(tokens));
    }
    return to;
}

void tokens_json_sum(const struct snapshot *snap, struct json_object *to)
{
    struct snapshot_tokens sum = snapshot_tokens(snap->outputs);

    answer_int(to, "clients", sum.clients);
    answer_int(to, "granted", sum.granted);
    answer_number(to, "granted_w", sum.granted_w);
}
