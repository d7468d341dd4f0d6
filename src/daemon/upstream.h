/* SPDX-License-Identifier: Apache-2.0 */
/* upstream.h: what whoever steers the rack from above has leased, in the plan.
 *
 * Where a budget may be leased, the plan's limits of that node always have an end: then
 * what stands without a lease applies, also right after a start. Main thread.
 */
#ifndef BUSBAR_DAEMON_UPSTREAM_H
#define BUSBAR_DAEMON_UPSTREAM_H

#include "busbar/pmi.h"
#include "rig.h"

struct upstream {
    double budget_w; /* NAN: nothing is leased                             */
    int64_t until_us;
    struct pmi_ride ride;
};

void upstream_init(struct upstream *upstream);

/* Puts what is leased into the rig's plan; the caller hands the plan over. */
void upstream_apply(const struct upstream *upstream, struct rig *rig);

#endif
