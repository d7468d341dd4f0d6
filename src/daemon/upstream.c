/* SPDX-License-Identifier: Apache-2.0 */
/* upstream.c: what is leased from above, in the plan.
 *
 * Owns nothing. A leased budget is never above the configuration's limit; its end is in
 * the plan itself, so the control loop keeps it even where this thread hangs. A policy of
 * riding through only ever asks for more reserve than the configuration does.
 */
#include "upstream.h"

#include <math.h>

void upstream_init(struct upstream *upstream)
{
    *upstream =
        (struct upstream){ .budget_w = NAN,
                           .ride = { .reserve_s = NAN, .support_ratio = NAN, .support_after_us = -1 } };
}

static void upstream_apply_budget(const struct upstream *upstream, struct rig *rig)
{
    int32_t node = rig->conf->pmi.budget_node;
    const struct core_plan_node *own = &core_plan_nodes(rig->conf->plan)[node];
    struct core_plan_node *plan = &core_plan_nodes(rig->plan)[node];
    bool leased = !isnan(upstream->budget_w);

    for (int32_t k = 0; k < plan->limit_count && k < own->limit_count; k++) {
        plan->limit[k].limit_standing_w = own->limit[k].limit_standing_w;
        plan->limit[k].limit_w =
            leased ? fmin(upstream->budget_w, own->limit[k].limit_w) : own->limit[k].limit_standing_w;
        plan->limit[k].expires_us = leased ? upstream->until_us : 0; /* over: what stands applies */
    }
}

static void upstream_apply_ride(const struct upstream *upstream, struct rig *rig)
{
    const struct core_plan_ride *own = &rig->conf->plan->ride;
    struct core_plan_ride *plan = &rig->plan->ride;

    plan->reserve_s =
        isnan(upstream->ride.reserve_s) ? own->reserve_s : fmax(own->reserve_s, upstream->ride.reserve_s);
    plan->support_ratio = isnan(upstream->ride.support_ratio)
                              ? own->support_ratio
                              : fmin(own->sag_ratio, upstream->ride.support_ratio);
    plan->support_after_us =
        upstream->ride.support_after_us < 0 ? own->support_after_us : upstream->ride.support_after_us;
}

void upstream_apply(const struct upstream *upstream, struct rig *rig)
{
    const struct pmi_options *pmi = &rig->conf->pmi;

    if (pmi->enabled && pmi->may_budget && pmi->budget_node >= 0)
        upstream_apply_budget(upstream, rig);
    if (pmi->enabled && pmi->may_ride)
        upstream_apply_ride(upstream, rig);
}
