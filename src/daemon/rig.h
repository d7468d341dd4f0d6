/* SPDX-License-Identifier: Apache-2.0 */
/* rig.h: everything that exists once a configuration: the core's block, the
 * plan, and the places where the tick thread and the main thread meet.
 *
 * A reload makes a second one; the tick thread changes over between two ticks.
 */
#ifndef BUSBAR_DAEMON_RIG_H
#define BUSBAR_DAEMON_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/conf.h"
#include "busbar/core.h"
#include "busbar/mailbox.h"
#include "busbar/queue.h"
#include "busbar/status.h"
#include "latency.h"
#include "names.h"
#include "tap.h"

/* An event of the core, with what the log line needs beside it. */
struct rig_event {
    struct core_event event;
    enum core_mode mode;
    uint32_t reasons;
};

/* The whole table of wishes for power. */
struct rig_requests {
    int32_t count;
    struct core_request list[];       /* config.request_max                            */
};

struct rig {
    /* never changes */
    struct conf *conf;                /* owned                                         */
    struct names *names;
    struct core_config config;        /* what the core was made for                    */
    struct core_config_node *nodes;   /* of `config`                                   */
    struct core_config_lever *lever_conf;
    /* the tick thread's, once it runs */
    struct core *core;
    struct core_outputs *out;
    struct core_plan *plan_now;
    struct rig_requests *requests_now;
    struct latency_lever *levers;
    /* between the two */
    struct mailbox *plans;            /* main -> tick: a plan                          */
    struct mailbox *requests;         /* main -> tick: struct rig_requests             */
    struct mailbox *outputs;          /* tick -> main: struct core_outputs             */
    struct queue *hints;              /* main -> tick: struct core_hint                */
    struct queue *events;             /* tick -> main: struct rig_event                */
    struct tap *tap;                  /* tick -> main: the recording                   */
    /* the main thread's */
    struct core_plan *plan;
    struct rig_requests *requests_put;
    struct core_outputs *latest;
    bool stepped;                     /* `latest` holds one                            */
};

struct rig_options {
    struct conf *conf;                /* given: rig_free() frees it; also on failure   */
    enum core_mode_wanted mode_wanted;
    uint64_t plan_version;            /* of the first plan                             */
    bool unlimited;                   /* no limits at all: `busbard --restore --anyway` */
    /* For --restore: one a lever, NAN where there is none; borrowed. Ranges are
     * widened to take them, and no lever has a target yet. NULL: a daemon. */
    const double *originals;
};

NODISCARD enum status rig_new(const struct rig_options *opt, struct rig **ret);
struct rig *rig_free(struct rig *rig);

/* Main: rig->plan was changed; it gets the next version and goes to the tick thread. */
void rig_plan_put(struct rig *rig);

/* Main, before the tick thread runs: rig->plan was changed. */
void rig_plan_first_put(struct rig *rig);

/* Main, before `rig` was handed over: what people changed under `before` holds
 * on: the wanted mode, and versions that only rise. */
void rig_plan_follow(struct rig *rig, const struct rig *before);

/* Main: the latest outputs, or NULL before the first step; valid until the next call. */
const struct core_outputs *rig_outputs(struct rig *rig);

#endif
