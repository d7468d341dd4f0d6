/* SPDX-License-Identifier: Apache-2.0 */
/* operator.c: owns the HTTP server on the control socket and what it answers from.
 *
 * Main thread. Decides nothing about power: a wish (a mode, a reload) is handed
 * to the daemon through struct operator_calls.
 */
#include "busbar/operator.h"

#include <stdlib.h>

#include "api_request.h"
#include "busbar/clock.h"
#include "pmi.h"

#define OPERATOR_BODY_MAX 4096
#define OPERATOR_TIMEOUT_US 30000000

enum status operator_new(const struct operator_options *opt, struct operator **ret)
{
    struct http_server_options server = {
        .base = opt->base,
        .unix_socket = opt->socket,
        .body_max = OPERATOR_BODY_MAX,
        .timeout_us = OPERATOR_TIMEOUT_US,
    };
    enum status st = ST_NOMEM;
    struct operator *op = calloc(1, sizeof *op);

    if (!op)
        goto fail;
    op->base = opt->base;
    op->calls = opt->calls;
    access_init(&op->access, opt->group);
    st = http_server_new(&server, &op->server);
    if (st != ST_OK)
        goto fail;
    st = api_start(op);
    if (st != ST_OK)
        goto fail;
    *ret = op;
    return ST_OK;

fail:
    operator_free(op);
    return st;
}

struct operator *operator_free(struct operator *op)
{
    if (!op)
        return NULL;
    pmi_free(op->pmi);
    api_tokens_end(op);
    http_server_free(op->server);
    free(op->devices);
    free(op);
    return NULL;
}

void operator_set_names(struct operator *op, const struct operator_names *names)
{
    free(op->devices);
    op->devices = NULL; /* made when first asked for: api.c */
    op->names = names;
}

enum status operator_pmi(struct operator *op, const struct pmi_options *options, const struct pmi_calls *calls)
{
    enum status st = ST_OK;

    if (!options || !options->enabled) {
        op->pmi = pmi_free(op->pmi);
        return ST_OK;
    }
    st = op->pmi ? pmi_follow(op->pmi, options) : pmi_new(op, options, calls, &op->pmi);
    if (st != ST_OK)
        op->pmi = pmi_free(op->pmi);
    return st;
}

int32_t operator_pmi_port(const struct operator *op)
{
    return op->pmi ? pmi_port(op->pmi) : 0;
}

void operator_event(struct operator *op, enum ev event, const char *who, const char *message)
{
    history_put(&op->history, event, who, message, clock_wall_us());
}
