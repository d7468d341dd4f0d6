/* SPDX-License-Identifier: Apache-2.0 */
/* scenario_verdict.h: what was seen in a run, as checks and metrics. Pure. */
#ifndef BUSBAR_SIM_SCENARIO_VERDICT_H
#define BUSBAR_SIM_SCENARIO_VERDICT_H

#include "scenario.h"
#include "scenario_measure.h"
#include "workload.h"

struct scenario_seen {
    const struct scenario_measure *measure;
    const struct plant *plant; /* as it stands at the end                          */
    const struct checks *checks;
    bool capable; /* just before the first event                      */
    double margin_s;
    bool works; /* a job played: `work` is what became of it              */
    struct workload_result work;
};

/* What the controller, or without one the rule of the books, says of riding through. */
void scenario_verdict_before(struct scenario_seen *seen, const struct core_outputs *out,
                             const struct plant *plant);

/* Fills in ok, checks and metrics. */
void scenario_verdict(const struct scenario *scenario, const struct scenario_seen *seen,
                      struct scenario_result *ret);

#endif
