/* operator.h: what a person or another system sees and may ask for.
 *
 * The HTTP API on the UNIX socket. Routes and JSON are in docs/api.md. All
 * calls on the main thread.
 */
#ifndef BUSBAR_OPERATOR_H
#define BUSBAR_OPERATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "busbar/core.h"
#include "busbar/device.h"
#include "busbar/histogram.h"
#include "busbar/status.h"

struct event_base;
struct operator;
struct pmi_calls;
struct pmi_options;

/* Names and units the core does not know; arrays as long as the core's counts,
 * owned by the caller, replaced by operator_set_names() after a reload. */
struct operator_device {
    const char *name, *kind, *bus;     /* kind: "redfish", "modbus", "smbus"          */
    const char *link, *profile;        /* as `busbarctl device --link` takes it; NULL: not known, none */
    int32_t reading_count;
    const enum signal *signals;        /* one a reading                               */
    const int32_t *indices;
};
struct operator_names {
    const char *rack;
    int32_t node_count, lever_count, device_count, group_count;
    const char *const *nodes, *const *levers, *const *groups;
    const char *const *lever_units;
    const int32_t *lever_devices;      /* device index of each lever                  */
    const enum core_node_kind *node_kinds;  /* NULL: not shown                        */
    const int32_t *node_parents;       /* first parent of each node, CORE_NONE: a root;
                                          NULL: node 0 is the only root               */
    const struct operator_device *devices;
    /* The names of what a status reading says, OPERATOR_FAULTS_MAX at most; -1: it is no
     * status. NULL: none is named. */
    int32_t (*faults)(enum signal signal, double value, const char *ret[]);
};
#define OPERATOR_FAULTS_MAX 16

/* Counters of the daemon, copied before each answer. */
#define OPERATOR_PROTOCOLS 3           /* redfish, modbus, smbus                      */
struct operator_latency {              /* of orders: see docs/protocols.md            */
    struct histogram detect, decide, dispatch, device, total;  /* event to in force   */
    struct histogram event_to_order;   /* a sample's arrival to the order it caused   */
};
struct operator_stats {
    int64_t started_us, now_us;
    int64_t period_us;
    uint64_t ticks, ticks_missed;
    struct histogram tick_lateness, core_step;
    uint64_t orders_written, orders_refused, orders_failed;
    uint64_t records_dropped, events_dropped;
    bool realtime;                     /* the tick thread has SCHED_FIFO              */
    int64_t rss_bytes;
    struct histogram transaction[OPERATOR_PROTOCOLS];
    struct operator_latency latency[OPERATOR_PROTOCOLS];
};

/* A wish for power: see core_request. */
#define OPERATOR_CLIENT_MAX 48
struct operator_wish {
    const char *client;                /* name, 1 to OPERATOR_CLIENT_MAX - 1 characters */
    int32_t node, priority;
    double amount_w;                   /* 0: gives back what it holds                 */
    int64_t duration_us;
};
/* Under which number and version the core answers it. */
struct operator_token {
    uint64_t client, version;
};

/* What the operator part asks of the daemon; called on the main thread. */
struct operator_calls {
    void *arg;
    /* The latest outputs of the core; NULL before the first step. Valid until the next call. */
    const struct core_outputs *(*outputs)(void *arg);
    bool (*device)(void *arg, int32_t device, struct device_state *ret);
    void (*stats)(void *arg, struct operator_stats *ret);
    /* ST_REFUSED with a reason when it will not. */
    enum status (*set_mode)(void *arg, enum core_mode_wanted mode, const char *who);
    enum core_mode_wanted (*mode_wanted)(void *arg);
    /* The recording as one block (malloc'ed, given to the caller). */
    enum status (*record)(void *arg, int64_t last_us, void **ret, size_t *ret_size);
    enum status (*reload)(void *arg);
    /* The value a HOLD lever is to hold from now on. ST_OK, or ST_REFUSED and *ret_why in words
     * that live on. */
    enum status (*hold)(void *arg, int32_t lever, double value, const char *who, const char **ret_why);
    /* ST_NONE: nothing to give back. ST_BUSY: too many clients hold something. */
    enum status (*token)(void *arg, const struct operator_wish *wish, struct operator_token *ret);
    /* What token() would say now, and will until the main loop's next turn: nothing is done. */
    enum status (*token_check)(void *arg, const struct operator_wish *wish);
    /* For the forecasters. ST_REFUSED: there are none. ST_BUSY: too many wait. */
    enum status (*hint)(void *arg, const struct core_hint *hint);
    /* The name of a client's number, or NULL. Valid until the next token(). */
    const char *(*client)(void *arg, uint64_t client);
};

struct operator_options {
    struct event_base *base;
    const char *socket;                /* path                                        */
    const char *group;                 /* members of it may connect besides root and our own user */
    struct operator_calls calls;
};

NODISCARD enum status operator_new(const struct operator_options *opt, struct operator **ret);
struct operator *operator_free(struct operator *op);
void operator_set_names(struct operator *op, const struct operator_names *names); /* borrowed */

/* Serves the rack upstream as a Modbus server (pmi.h), differently, or no more: `options`
 * NULL or not enabled. Borrowed until the next call. ST_SYS: its port cannot be had, as the
 * log says, and nobody is served. */
NODISCARD enum status operator_pmi(struct operator *op, const struct pmi_options *options, const struct pmi_calls *calls);
int32_t operator_pmi_port(const struct operator *op); /* 0: none */

/* Keeps the last 1 000 events for GET /v1/events. */
void operator_event(struct operator *op, enum ev event, const char *who, const char *message);

#endif
