/* SPDX-License-Identifier: Apache-2.0 */
/* ledger.h: tokens: power leased to clients for a time. */
#ifndef BUSBAR_CORE_LEDGER_H
#define BUSBAR_CORE_LEDGER_H

#include "block.h"

/* After mode_step() and guard_step(), before allocation: answers what is new in
 * the table of requests, ends leases, and sets promises[]. */
void ledger_step(struct block *b);

/* Whose leases count, and when. */
struct ledger_case {
    int32_t without_slot; /* CORE_NONE: none is left out                         */
    int64_t at_us;        /* those that are over by then do not count            */
    int32_t node;         /* amount_w more is leased there...                    */
    double amount_w;      /* ...in that case; 0                                  */
};

/* What tokens hold of each LIMIT lever's cap in that case, in promises[] (one a
 * lever). */
void ledger_promise(const struct block *b, const struct ledger_case *what, double *promises);

#endif
