/* SPDX-License-Identifier: Apache-2.0 */
/* pmi_lease.h: who may write to the rack's window, for how long, and what of it is done.
 *
 * No socket and no clock: a test drives it. Main thread; logs an event for each change
 * and each refusal.
 */
#ifndef OPERATOR_PMI_LEASE_H
#define OPERATOR_PMI_LEASE_H

#include "busbar/operator.h"
#include "busbar/pmi.h"
#include "pmi_window.h"

#define PMI_NOBODY (-1)

struct pmi_lease {
    const struct pmi_options *options; /* borrowed                                   */
    struct pmi_calls calls;
    const struct operator_calls *daemon; /* for mode and tokens; borrowed             */
    int32_t holder;                      /* writer who has the authority; PMI_NOBODY   */
    char holder_name[PMI_NAME_MAX];
    int64_t until_us, lease_us;
    double leased_w; /* NAN: none                                  */
    struct pmi_ride ride;
    bool ride_set;
    uint16_t accepted, refused, refreshes;
    bool token_asked;
    struct operator_token token; /* of the holder's last wish                  */
    struct pmi_wish token_wish;
};

/* One connection, or the serial line. */
struct pmi_client {
    unsigned writers;       /* bit per writer whose place this is         */
    int32_t writer;         /* whose key it gave; PMI_NOBODY              */
    enum pmi_result result; /* of its last write                          */
    int wrong_keys;         /* in a row                                   */
    int64_t told_us;        /* of its last refusal that was an event      */
    uint32_t untold;
    const char *from; /* "10.0.0.1:3456", "/dev/ttyS1"; borrowed    */
};

void pmi_lease_init(struct pmi_lease *lease, const struct pmi_options *options, const struct pmi_calls *calls,
                    const struct operator_calls *daemon);

/* Other options, after a reload: whoever is no writer there loses the authority. */
void pmi_lease_follow(struct pmi_lease *lease, const struct pmi_options *options, int64_t now_us);

/* The exception of the answer; PMI_FINE: all of it is done. */
enum pmi_exception pmi_lease_write(struct pmi_lease *lease, struct pmi_client *client,
                                   const struct pmi_wish *wish, int64_t now_us);

/* A write that is none of the window's, or in half an item: counted, and an event. */
void pmi_lease_refuse(struct pmi_lease *lease, struct pmi_client *client, enum pmi_result result,
                      int32_t address, int64_t now_us);

/* Ends a lease whose time has come. When it wants to be called again; INT64_MAX: never. */
int64_t pmi_lease_step(struct pmi_lease *lease, int64_t now_us);

#endif
