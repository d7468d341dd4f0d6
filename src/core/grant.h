/* SPDX-License-Identifier: Apache-2.0 */
/* grant.h: may this much power be leased for so long? */
#ifndef BUSBAR_CORE_GRANT_H
#define BUSBAR_CORE_GRANT_H

#include "block.h"

struct grant_ask {
    int32_t slot; /* of the client; what it holds now is given up for this */
    int32_t node;
    double amount_w;
    int64_t duration_us;
};

struct grant_answer {
    enum core_token_reason reason;     /* NONE: granted                          */
    double granted_w;                  /* whole units                            */
    double alternative_w;              /* of a refusal: most that would be granted now; 0 */
    int64_t retry_after_us;            /* of a refusal: then it would be; 0: not by waiting */
    int32_t zone;                      /* token zone of the node; CORE_NONE      */
    double coef[CORE_TOKEN_ZONES_MAX]; /* watts at each pool for one leased      */
};

/* Weighs a request against pools, limits and curves as they are now. Changes
 * nothing but scratch. */
void grant_weigh(struct block *b, const struct grant_ask *ask, struct grant_answer *ret);

/* What one watt leased at `node` is at each token zone, and the nearest zone at
 * or above it; CORE_NONE: no pool covers it. */
int32_t grant_zones(struct block *b, int32_t node, double *ret_coef);

#endif
