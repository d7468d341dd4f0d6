/* SPDX-License-Identifier: Apache-2.0 */
/* api.h: struct operator and the routes of the HTTP API. Main thread. */
#ifndef OPERATOR_API_H
#define OPERATOR_API_H

#include "access.h"
#include "busbar/http.h"
#include "busbar/operator.h"
#include "history.h"
#include "snapshot.h"

#define API_ROUTES_MAX 24

struct api_route;
struct api_waiting;
struct pmi;
struct event;
struct event_base;

/* What a handler gets: which route, on whose behalf. */
struct api_binding {
    struct operator *op;
    const struct api_route *route;
};

struct operator {
    struct event_base *base;                /* borrowed                          */
    struct operator_calls calls;
    const struct operator_names *names;     /* borrowed; NULL until they are set */
    struct snapshot_device *devices;        /* room for names->device_count      */
    struct operator_stats stats;
    int64_t started_wall_us;                /* as it was first worked out        */
    struct access access;
    struct http_server *server;
    struct api_binding bindings[API_ROUTES_MAX];
    struct history history;
    struct api_waiting *waiting;            /* api_tokens.c: exchanges it holds  */
    struct event *waiting_timer;            /* made when first needed            */
    struct pmi *pmi;                        /* NULL: nobody is served upstream   */
};

/* Registers every route with op->server. */
NODISCARD enum status api_start(struct operator *op);

/* For tests of the documentation: "GET /v1/status", ... ; NULL after the last. */
const char *api_route_path(int index);

#endif
