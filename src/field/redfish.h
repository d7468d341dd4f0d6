/* SPDX-License-Identifier: Apache-2.0 */
/* redfish.h: one BMC: its GPUs' power read, their limits written.
 *
 * Everything happens on the event base's thread and nothing waits: every call
 * below returns at once. A BMC gets one session and at most two exchanges at a
 * time (one of polling, one of writing), so the client given should allow two
 * connections a host. Private to src/field.
 */
#ifndef BUSBAR_FIELD_REDFISH_H
#define BUSBAR_FIELD_REDFISH_H

#include <stdbool.h>

#include "busbar/field.h"
#include "busbar/status.h"

struct adapter;
struct conf;
struct event_base;
struct http_client;
struct redfish;

struct redfish_options {
    struct event_base *base;    /* borrowed, as everything here                 */
    struct http_client *client; /* shared by all BMCs                           */
    const struct conf *conf;
    struct adapter *adapter; /* of the BMC; its `state` is ours to fill      */
    bool read_only;          /* refuse every order                           */
    void *arg;               /* whose it is; never touched here              */
};

/* Starts polling after a random part of the fast period. */
NODISCARD enum status redfish_new(const struct redfish_options *opt, struct redfish **ret);

/* Cuts what is under way, without a farewell. Takes NULL; returns NULL. */
struct redfish *redfish_free(struct redfish *redfish);

/* Ends polling and writing and gives the session back: run the base until
 * redfish_busy() is false, for 2 s at most, then redfish_free(). */
void redfish_logout(struct redfish *redfish);
bool redfish_busy(const struct redfish *redfish);

/* The adapter's `from_tick` was written: takes the orders and starts on them. */
void redfish_orders(struct redfish *redfish);

/* Counters and distributions so far. `latency` is of single exchanges, from the
 * request's leaving to the answer. Of confirmed orders: `dispatch` is from
 * redfish_orders() to the PATCH's leaving, `device` from there to the read-back
 * that showed the ordered value. */
void redfish_stats(const struct redfish *redfish, struct field_bus_stats *ret);

#endif
