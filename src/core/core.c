/* SPDX-License-Identifier: Apache-2.0 */
/* core.c: core_step(): calls the modules in order, and nothing more. */
#include "allocate.h"
#include "arm.h"
#include "block.h"
#include "clamp.h"
#include "curve.h"
#include "damp.h"
#include "forecast.h"
#include "guard.h"
#include "ledger.h"
#include "lever.h"
#include "mode.h"
#include "order.h"
#include "outputs.h"
#include "plan.h"
#include "quality.h"
#include "ride.h"
#include "shape.h"
#include "tree.h"
#include "zone.h"

static void core_begin(struct core *core, int64_t now_us)
{
    CHECK(!core->started || now_us >= core->now_us);
    core->step++;
    core->last_us = core->started ? core->now_us : now_us;
    core->now_us = now_us;
    if (!core->started)
        core->first_us = now_us;
}

void core_step(struct core *core, const struct core_inputs *in, struct core_outputs *out)
{
    struct block b = block_open(core);

    b.in = in;
    b.out = out;
    core_begin(core, in->now_us);
    outputs_begin(&b);
    plan_step(&b);
    zone_plan(&b);
    quality_step(&b);
    lever_step(&b);
    tree_step(&b);
    ride_step(&b);
    zone_step(&b);
    curve_step(&b);
    mode_step(&b);
    forecast_step(&b);
    guard_step(&b);
    ledger_step(&b);
    shape_recharge(&b);
    allocate_step(&b);
    arm_step(&b);
    shape_step(&b);
    damp_step(&b);
    order_step(&b);
    clamp_step(&b);
    ride_count(&b);
    order_restored(&b);
    mode_arm(&b);
    outputs_end(&b);
    core->started = 1;
}
