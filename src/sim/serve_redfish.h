/* SPDX-License-Identifier: Apache-2.0 */
/* serve_redfish.h: the plant's nodes behind Redfish: one BMC a node, each on a
 * port of its own on 127.0.0.1, plain HTTP/1.1.
 *
 * A BMC takes four connections, eight sessions and integer watts, and answers
 * as late as real ones do.
 */
#ifndef BUSBAR_SIM_SERVE_REDFISH_H
#define BUSBAR_SIM_SERVE_REDFISH_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/status.h"
#include "faults.h"
#include "plant.h"

#define SERVE_REDFISH_USERNAME    "busbar"
#define SERVE_REDFISH_PASSWORD    "rack"
#define SERVE_REDFISH_CONNECTIONS 4
#define SERVE_REDFISH_SESSIONS    8

struct event_base;
struct serve_redfish; /* opaque */

struct serve_redfish_options {
    struct event_base *base; /* borrowed                                          */
    struct plant *plant;     /* borrowed                                          */
    struct faults *faults;   /* borrowed; NULL: nothing ever breaks               */
    uint64_t seed;
    double p50_ms, p95_ms, p99_ms; /* of an answer's delay; p50 0: none             */
    int32_t first_port;            /* of node 0, the others follow; 0: any              */
    bool extras;                   /* reports, events, tasks, Controls, NVIDIA's settings */
};

/* What one BMC saw, for tests. */
struct serve_redfish_counts {
    int32_t connections, connections_max; /* open now; most at one time            */
    int32_t sessions;                     /* open now, expired ones not counted    */
    uint64_t connections_refused;
    uint64_t sessions_opened;
    uint64_t gets, patches, posts, deletes;
    uint64_t unauthorised; /* answered 401                          */
    uint64_t limits_set;   /* PATCHes that reached a GPU            */
    uint64_t streams;      /* event streams opened                  */
};

/* Everything listens when this returns. ST_SYS: a port could not be had. */
NODISCARD enum status serve_redfish_new(const struct serve_redfish_options *opt, struct serve_redfish **ret);

/* Takes NULL and half-built objects. Always returns NULL. */
struct serve_redfish *serve_redfish_free(struct serve_redfish *redfish);

int serve_redfish_port(const struct serve_redfish *redfish, int32_t node);
struct serve_redfish_counts serve_redfish_counts(const struct serve_redfish *redfish, int32_t node);

/* How long a session lives unused, in seconds: 1800 at first. */
void serve_redfish_session_timeout(struct serve_redfish *redfish, double seconds);

#endif
