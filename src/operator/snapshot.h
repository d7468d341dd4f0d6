/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot.h: everything an answer is made from, gathered once a request.
 *
 * All pointers are borrowed and valid for one request. The counts of `names` and
 * of `outputs` are the same: operator.c refuses to answer while they differ.
 */
#ifndef OPERATOR_SNAPSHOT_H
#define OPERATOR_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/core.h"
#include "busbar/device.h"
#include "busbar/operator.h"

struct snapshot_device {
    bool known;                 /* the adapter has published a state */
    struct device_state state;
};

struct snapshot {
    const struct operator_names *names;
    const struct core_outputs *outputs;
    const struct operator_stats *stats;
    const struct snapshot_device *devices;   /* one a device; NULL where not asked for */
    enum core_mode_wanted mode_wanted;
    int64_t now_us;                          /* monotonic, for ages */
    int64_t wall_us;                         /* for people          */
    int64_t started_wall_us;                 /* of the daemon; the same each time */
    /* the name of a client's number; NULL: nobody knows any */
    const char *(*client)(void *arg, uint64_t client);
    void *client_arg;
};

/* Which limit of which root is the nearest to being reached. */
struct snapshot_envelope {
    int32_t node;                            /* a root                      */
    const struct core_limit_view *limit;     /* NULL: no root has one       */
};
struct snapshot_envelope snapshot_envelope(const struct snapshot *snap);

/* Since a device's youngest good reading, at `now_us`; -1: there never was one. */
int64_t snapshot_device_age_us(const struct snapshot *snap, int32_t device);

/* Limits, of nodes and groups, that are exceeded now. */
int32_t snapshot_exceeded(const struct snapshot *snap);

/* Which protective device is the nearest to tripping. */
struct snapshot_protection {
    int32_t node;                            /* CORE_NONE: there is none    */
    double heat_ratio, trip_s;
};
struct snapshot_protection snapshot_protection(const struct core_outputs *out);

/* Clients in the core's table of tokens, and what they hold. */
struct snapshot_tokens {
    int32_t clients, granted;
    double granted_w;
};
struct snapshot_tokens snapshot_tokens(const struct core_outputs *out);

/* Forecasters, those that are listened to, the least coverage of the 99 % bound among
 * these (NAN: none is), and how often one had to begin anew. */
struct snapshot_forecasts {
    int32_t forecasters, voting;
    double coverage;
    uint64_t resets;
};
struct snapshot_forecasts snapshot_forecasts(const struct core_outputs *out);

extern const char *const snapshot_protocols[OPERATOR_PROTOCOLS];

#endif
