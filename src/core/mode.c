/* SPDX-License-Identifier: Apache-2.0 */
/* mode.c: the mode machine: which law is in force and why.
 *
 * A protective device in danger makes it EMERGENCY as well, but only what is
 * below that device goes to its base: base_all tells the two apart.
 *
 * The mode follows from what is wanted and what is known in this step; only
 * edges are events. `infeasible` and `exceeded` are the last step's findings.
 */
#include "mode.h"

#include "lever.h"
#include "outputs.h"
#include "ride.h"
#include "zone.h"

#define MODE_REASON(reason) (UINT32_C(1) << (reason))

static uint32_t mode_devices(const struct block *b)
{
    uint32_t reasons = 0;

    for (int32_t d = 0; d < b->core->device_count; d++) {
        if (!b->devices[d].relevant)
            continue;
        if (b->devices[d].quality == CORE_DEVICE_UNREAD)
            reasons |= MODE_REASON(CORE_REASON_STARTING);
        if (b->devices[d].quality == CORE_DEVICE_STALE)
            reasons |= MODE_REASON(CORE_REASON_DEVICES_STALE);
    }
    return reasons;
}

void mode_step(struct block *b)
{
    struct core *core = b->core;
    struct outputs_about about = OUTPUTS_ABOUT_NOTHING;
    enum core_mode_wanted wanted = core->plan.mode_wanted;
    enum core_mode was = core->mode;
    uint32_t reasons = mode_devices(b);
    bool held = wanted == CORE_WANT_OBSERVE || wanted == CORE_WANT_RESTORE;

    if (wanted != CORE_WANT_CONTROL)
        reasons |= MODE_REASON(wanted == CORE_WANT_RESTORE ? CORE_REASON_RESTORING : CORE_REASON_OPERATOR);
    if (core->exceeded > 0)
        reasons |= MODE_REASON(CORE_REASON_EXCEEDED);
    if (core->infeasible)
        reasons |= MODE_REASON(CORE_REASON_INFEASIBLE);
    if (core->protecting > 0)
        reasons |= MODE_REASON(CORE_REASON_PROTECTION);
    if (ride_riding(&core->ride))
        reasons |= MODE_REASON(CORE_REASON_RIDING);
    if (core->ride.told)
        reasons |= MODE_REASON(CORE_REASON_NOT_CAPABLE);
    core->base_all = !held && (wanted == CORE_WANT_EMERGENCY || core->infeasible);
    if (held)
        core->mode = CORE_MODE_OBSERVE;
    else if (core->base_all || core->protecting > 0)
        core->mode = CORE_MODE_EMERGENCY;
    else if (reasons & (MODE_REASON(CORE_REASON_STARTING) | MODE_REASON(CORE_REASON_DEVICES_STALE)))
        core->mode = CORE_MODE_DEGRADED;
    else
        core->mode = CORE_MODE_NORMAL;
    core->reasons = reasons;
    core->restoring = wanted == CORE_WANT_RESTORE;
    core->acting = core->restoring || core->mode != CORE_MODE_OBSERVE;
    if (core->mode == was)
        return;
    about.value = core->mode;
    about.bound = was;
    outputs_event(b, EV_MODE_CHANGED, &about);
}

/* One LIMIT lever holds what we want of it: by an order of ours, or by itself. */
static bool mode_held(const struct block *b, int32_t l)
{
    const struct lever *lever = &b->levers[l];
    const struct core_config_lever *conf = &b->levers_conf[l];
    double near = lever_tolerance(conf);

    if (lever->drifted || lever->state == CORE_LEVER_UNREAD)
        return false;
    if (lever->secured)
        return true;
    near = conf->deadband > near ? conf->deadband : near;
    return lever->state == CORE_LEVER_STANDING && __builtin_fabs(lever->in_force - lever->wanted) <= near;
}

void mode_arm(struct block *b)
{
    struct outputs_about about = OUTPUTS_ABOUT_NOTHING;
    bool was = b->core->armed, armed = b->core->mode != CORE_MODE_OBSERVE;

    for (int32_t l = 0; l < b->core->lever_count && armed; l++) {
        enum core_device_quality quality = b->devices[b->levers_conf[l].device].quality;

        if (b->levers_conf[l].use == CORE_LEVER_LIMIT && quality != CORE_DEVICE_STALE)
            armed = mode_held(b, l);
    }
    for (int32_t z = 0; z < b->core->zone_count && armed; z++)
        armed = !zone_over(&b->zones[z]);
    b->core->armed = armed;
    if (armed && !was)
        outputs_event(b, EV_ARMED, &about);
}
