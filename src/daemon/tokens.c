/* SPDX-License-Identifier: Apache-2.0 */
/* tokens.c: the table of standing wishes for power.
 *
 * Main thread. Owns clients' numbers and versions: a number is the hash of the
 * name, so that recordings of one rack agree; a version rises with every wish.
 * Never decides: the core grants and refuses.
 */
#include "tokens.h"

#include <stdlib.h>
#include <string.h>

#include "busbar/check.h"

#define TOKENS_MAX 1024 /* clients: what a configuration may ask for */

struct tokens_entry {
    char client[OPERATOR_CLIENT_MAX];
    char node[CONF_NAME_MAX];
    struct core_request request;
};

struct tokens {
    uint64_t version; /* of the newest wish */
    int32_t count;
    struct tokens_entry list[TOKENS_MAX];
};

enum status tokens_new(struct tokens **ret)
{
    *ret = calloc(1, sizeof **ret);
    return *ret ? ST_OK : ST_NOMEM;
}

struct tokens *tokens_free(struct tokens *tokens)
{
    free(tokens);
    return NULL;
}

static struct tokens_entry *tokens_find(struct tokens *tokens, const char *client)
{
    for (int32_t i = 0; i < tokens->count; i++)
        if (strcmp(tokens->list[i].client, client) == 0)
            return &tokens->list[i];
    return NULL;
}

const char *tokens_client(const struct tokens *tokens, uint64_t client)
{
    for (int32_t i = 0; i < tokens->count; i++)
        if (tokens->list[i].request.client == client)
            return tokens->list[i].client;
    return NULL;
}

/* FNV-1a; never 0, and never another client's. */
static uint64_t tokens_number(const struct tokens *tokens, const char *client)
{
    uint64_t number = UINT64_C(14695981039346656037);

    for (const char *at = client; *at; at++)
        number = (number ^ (unsigned char)*at) * UINT64_C(1099511628211);
    while (number == 0 || tokens_client(tokens, number))
        number++;
    return number;
}

/* Was this wish answered, and does its client hold nothing? */
static bool tokens_idle(const struct tokens_entry *entry, const struct core_outputs *out)
{
    for (int32_t i = 0; out && i < out->token_count; i++) {
        const struct core_token_view *view = &core_outputs_tokens(out)[i];

        if (view->client == entry->request.client)
            return view->version == entry->request.version && !(view->granted_w > 0.0);
    }
    return false;
}

/* Room for one more: where there is none, whoever has held nothing for longest goes. */
static struct tokens_entry *tokens_room(struct tokens *tokens, struct rig *rig)
{
    int32_t max = rig->config.request_max < TOKENS_MAX ? rig->config.request_max : TOKENS_MAX;
    const struct core_outputs *out;
    struct tokens_entry *oldest = NULL;

    if (tokens->count < max)
        return &tokens->list[tokens->count];
    out = rig_outputs(rig);
    for (int32_t i = 0; i < tokens->count; i++) {
        struct tokens_entry *entry = &tokens->list[i];

        if (tokens_idle(entry, out) && (!oldest || entry->request.version < oldest->request.version))
            oldest = entry;
    }
    return oldest;
}

static void tokens_hand_over(const struct tokens *tokens, struct rig *rig)
{
    struct rig_requests *to = rig->requests_put;

    CHECK(tokens->count <= rig->config.request_max);
    to->count = tokens->count;
    for (int32_t i = 0; i < tokens->count; i++)
        to->list[i] = tokens->list[i].request;
    mailbox_put(rig->requests, to);
}

/* Where this wish goes. */
static enum status tokens_place(struct tokens *tokens, struct rig *rig, const struct operator_wish *wish,
                                struct tokens_entry **ret)
{
    struct tokens_entry *entry = tokens_find(tokens, wish->client);

    if (!entry && !(wish->amount_w > 0.0))
        return ST_NONE;
    if (!entry)
        entry = tokens_room(tokens, rig);
    *ret = entry;
    return entry ? ST_OK : ST_BUSY;
}

enum status tokens_check(struct tokens *tokens, struct rig *rig, const struct operator_wish *wish)
{
    struct tokens_entry *entry = NULL;

    return tokens_place(tokens, rig, wish, &entry);
}

enum status tokens_put(struct tokens *tokens, struct rig *rig, const struct operator_wish *wish,
                       struct operator_token *ret)
{
    const struct tokens_entry *own = tokens_find(tokens, wish->client);
    uint64_t number = own ? own->request.client : tokens_number(tokens, wish->client);
    struct tokens_entry *entry = NULL;
    enum status st = tokens_place(tokens, rig, wish, &entry);

    if (st != ST_OK)
        return st;
    if (entry == &tokens->list[tokens->count])
        tokens->count++;
    *entry = (struct tokens_entry){ .request = { .client = number,
                                                 .version = ++tokens->version,
                                                 .node = wish->node,
                                                 .priority = wish->priority,
                                                 .amount_w = wish->amount_w,
                                                 .duration_us = wish->duration_us } };
    (void)snprintf(entry->client, sizeof entry->client, "%s", wish->client);
    (void)snprintf(entry->node, sizeof entry->node, "%s", names_node(rig->names, wish->node));
    tokens_hand_over(tokens, rig);
    *ret = (struct operator_token){ .client = number, .version = entry->request.version };
    return ST_OK;
}

static int32_t tokens_node(const struct rig *rig, const char *name)
{
    for (int32_t n = 0; n < rig->names->operator.node_count; n++)
        if (strcmp(names_node(rig->names, n), name) == 0)
            return n;
    return CORE_NONE;
}

void tokens_follow(struct tokens *tokens, struct rig *rig)
{
    int32_t kept = 0;

    for (int32_t i = 0; i < tokens->count; i++) {
        struct tokens_entry entry = tokens->list[i];

        entry.request.node = tokens_node(rig, entry.node);
        if (entry.request.node != CORE_NONE && kept < rig->config.request_max)
            tokens->list[kept++] = entry;
    }
    tokens->count = kept;
    tokens_hand_over(tokens, rig);
}
