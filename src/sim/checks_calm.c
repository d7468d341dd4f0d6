/* SPDX-License-Identifier: Apache-2.0 */
/* checks_calm.c: how often the sum of our limits changes its direction.
 *
 * A turn is a way back of more than 1 % of the envelope from the last extreme, of the
 * sum that stands and of the sum that is to be: what changes hands is lowered here
 * before it is raised there, and that is no turn.
 * Turns that answer a change of the plan, of the grid, or of a limit by somebody
 * else are not held against the controller. The plant's thread.
 */
#include <math.h>

#include "checks_parts.h"

#define CHECKS_TURN_RATIO  0.01 /* of the envelope                                 */
#define CHECKS_TURNS       6
#define CHECKS_TURNS_IN_US INT64_C(10000000)
#define CHECKS_QUIET_US    INT64_C(10000000) /* an answer is over by then          */
#define CHECKS_INPUT_RATIO 0.02              /* of nominal: the grid has changed                */

void checks_calm_init(struct checks *c)
{
    c->mark[CHECKS_CALM].limit = CHECKS_TURNS;
    c->calm = (struct checks_calm){ .extreme_w = NAN,
                                    .quiet_until_us = CHECKS_NEVER,
                                    .input_ratio = checks_input_ratio(c->plant) };
}

static void checks_calm_quiet(struct checks *c)
{
    if (c->calm.quiet_until_us < c->now_us + CHECKS_QUIET_US)
        c->calm.quiet_until_us = c->now_us + CHECKS_QUIET_US;
}

void checks_calm_plan(struct checks *c, uint64_t version)
{
    if (c->calm.plan_version != 0 && version != c->calm.plan_version)
        checks_calm_quiet(c);
    c->calm.plan_version = version;
}

/* The sum as it stands, and as it is to be, GPU by GPU the smaller and the larger. */
static void checks_calm_sums(const struct checks *c, const struct plant *plant, double *ret_low_w,
                             double *ret_high_w)
{
    *ret_low_w = *ret_high_w = 0.0;
    for (int32_t i = 0; i < plant->gpu_count; i++) {
        double stands_w = c->now_us < c->gpu[i].foreign_until_us ? c->gpu[i].own_w : plant->gpus[i].limit_w;

        *ret_low_w += fmin(stands_w, c->gpu[i].wanted_w); /* the other one where one is NAN */
        *ret_high_w += fmax(stands_w, c->gpu[i].wanted_w);
    }
}

/* True: the sum has turned, all that it may be. */
static bool checks_calm_turned(struct checks_calm *calm, double low_w, double high_w, double band_w)
{
    int before = calm->direction;

    if (isnan(calm->extreme_w))
        calm->extreme_w = low_w;
    if (calm->direction >= 0 && high_w < calm->extreme_w - band_w) {
        calm->direction = -1;
        calm->extreme_w = high_w;
    } else if (calm->direction <= 0 && low_w > calm->extreme_w + band_w) {
        calm->direction = 1;
        calm->extreme_w = low_w;
    } else if (calm->direction > 0) {
        calm->extreme_w = fmax(calm->extreme_w, low_w);
    } else if (calm->direction < 0) {
        calm->extreme_w = fmin(calm->extreme_w, high_w);
    }
    return before != 0 && calm->direction != before;
}

static int32_t checks_calm_count(const struct checks *c)
{
    const struct checks_calm *calm = &c->calm;
    int32_t held = calm->turn_count < CHECKS_TURNS_MAX ? calm->turn_count : CHECKS_TURNS_MAX, count = 0;

    for (int32_t k = 0; k < held; k++)
        count += c->now_us - calm->turn_us[k] < CHECKS_TURNS_IN_US;
    return count;
}

void checks_calm_step(struct checks *c, const struct plant *plant)
{
    struct checks_calm *calm = &c->calm;
    double ratio = checks_input_ratio(plant), low_w, high_w;
    int32_t count;

    if (!c->armed || !c->control)
        return;
    if (fabs(ratio - calm->input_ratio) > CHECKS_INPUT_RATIO) {
        calm->input_ratio = ratio;
        checks_calm_quiet(c);
    }
    checks_calm_sums(c, plant, &low_w, &high_w);
    if (checks_calm_turned(calm, low_w, high_w, CHECKS_TURN_RATIO * c->envelope_w) &&
        c->now_us >= calm->quiet_until_us)
        calm->turn_us[calm->turn_count++ % CHECKS_TURNS_MAX] = c->now_us;
    else if (c->mark[CHECKS_CALM].looked) {
        c->mark[CHECKS_CALM].looks++;
        return;
    }
    count = checks_calm_count(c);
    checks_note(
        c, CHECKS_CALM,
        &(struct checks_seen){ .ok = count <= CHECKS_TURNS,
                               .value = count,
                               .limit = CHECKS_TURNS,
                               .margin = CHECKS_TURNS - count,
                               .about = { .what = "turns of the summed limits in 10 s:", .number = count } });
}
