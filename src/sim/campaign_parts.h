/* SPDX-License-Identifier: Apache-2.0 */
/* campaign_parts.h: totals of many cases, and what is said of them. Private to
 * campaign*.c. */
#ifndef BUSBAR_SIM_CAMPAIGN_PARTS_H
#define BUSBAR_SIM_CAMPAIGN_PARTS_H

#include "campaign.h"

#define CAMPAIGN_FAILURES_MAX 16
#define CAMPAIGN_FAULTS       ((int)CAMPAIGN_TROUBLE_COUNT + (int)LINK_FAULT_COUNT)

struct campaign_failure {
    uint64_t seed;
    uint32_t without;
    double seconds, at_s;
    char detail[96];
};

struct campaign_margin {
    bool looked;
    uint64_t looks, seed; /* seed: of the narrowest, else the first that looked */
    double margin, value, limit;
};

/* Plain: it is the state file. */
struct campaign_totals {
    uint64_t magic, size, first_seed;
    uint64_t runs, died, violations, steps, orders, plant_steps;
    uint64_t faults[CAMPAIGN_FAULTS];
    double sim_s, wall_s;
    uint64_t armed_runs, beyond_runs;
    int32_t failure_count;
    struct campaign_failure failure[CAMPAIGN_FAILURES_MAX];
    struct campaign_margin margin[CHECKS_COUNT];
};

/* campaign_report.c, on standard output; `seed`: the first. */
void campaign_report_text(const struct campaign_totals *totals);
void campaign_report_json(const struct campaign_totals *totals, uint64_t seed);

/* A run fails with a chance of no more than this, at 95 % confidence: exact (Clopper and
 * Pearson, one-sided). Without a failure it is 1 - 0.05^(1/n), about 3/n. */
double campaign_bound(uint64_t failed, uint64_t runs);

#endif
