/* SPDX-License-Identifier: Apache-2.0 */
/* checks_original.c: does each lever stand again where it stood before us.
 *
 * Keeps, from the plant alone, what a module held before anything was written to
 * it: as it came, and as it stood last (it may have lost its settings, or somebody
 * else wrote before us). Both are right; our own value never is. Another serial is
 * another module. The plant's thread.
 */
#include <math.h>
#include <string.h>

#include "checks_parts.h"

#define CHECKS_VOLT_STEP  0.001 /* of the registers                                */
#define CHECKS_START_STEP 0.001
#define CHECKS_WATT_STEP  1.0

static bool checks_original_same(double a, double b, double step)
{
    return (isnan(a) && isnan(b)) || fabs(a - b) <= step;
}

static void checks_original_start(struct checks_original *of, double value)
{
    *of = (struct checks_original){ .first = value, .last = value, .now = value };
}

/* `foreign`: it was not us. */
static void checks_original_see(struct checks_original *of, double value, bool foreign, double step)
{
    if (checks_original_same(of->now, value, step / 2.0))
        return;
    of->now = value;
    if (of->ours)
        return;
    if (foreign)
        of->last = value;
    else
        of->ours = true;
}

void checks_original_init(struct checks *c, const struct plant *first)
{
    for (int32_t i = 0; i < first->psu_count; i++) {
        const struct plant_psu *psu = &first->psus[i];
        struct checks_module *module = &c->module[i];

        memcpy(module->serial, psu->serial, sizeof module->serial);
        module->resets = c->plant->psus[i].resets;
        checks_original_start(&module->setpoint, psu->setpoint_v);
        checks_original_start(&module->start, psu->start_delay_s);
    }
    for (int32_t i = 0; i < first->gpu_count; i++)
        checks_original_start(&c->gpu[i].original, first->gpus[i].limit_w);
}

static void checks_original_psu(struct checks *c, const struct plant_psu *psu, int32_t i)
{
    struct checks_module *module = &c->module[i];
    bool reset = module->resets != psu->resets;

    if (strncmp(module->serial, psu->serial, sizeof module->serial) != 0) {
        memcpy(module->serial, psu->serial, sizeof module->serial);
        checks_original_start(&module->setpoint, psu->setpoint_v);
        checks_original_start(&module->start, psu->start_delay_s);
    }
    module->resets = psu->resets;
    checks_original_see(&module->setpoint, psu->setpoint_v, reset, CHECKS_VOLT_STEP);
    checks_original_see(&module->start, psu->start_delay_s, reset, CHECKS_START_STEP);
}

/* After checks_orders_step(), which finds out whose a limit is. */
void checks_original_step(struct checks *c, const struct plant *plant)
{
    for (int32_t i = 0; i < plant->psu_count; i++)
        checks_original_psu(c, &plant->psus[i], i);
    for (int32_t i = 0; i < plant->gpu_count; i++) {
        struct checks_gpu *gpu = &c->gpu[i];
        bool foreign = c->now_us < gpu->foreign_until_us &&
                       fabs(plant->gpus[i].limit_w - gpu->foreign_w) <= CHECKS_WATT_STEP;

        checks_original_see(&gpu->original, plant->gpus[i].limit_w, foreign, CHECKS_WATT_STEP);
    }
}

/* ---- the verdict ---- */

static void checks_original_judge(struct checks *c, const struct checks_original *of, double step,
                                  struct checks_about about)
{
    bool ok = checks_original_same(about.number, of->first, step) ||
              checks_original_same(about.number, of->last, step);

    if (!of->ours)
        return;
    checks_note(
        c, CHECKS_RESTORED,
        &(struct checks_seen){
            .ok = ok, .value = ok ? 0.0 : 1.0, .margin = ok ? (double)INFINITY : -1.0, .about = about });
}

void checks_restored(struct checks *checks)
{
    const struct plant *plant = checks->plant;

    for (int32_t i = 0; i < plant->psu_count; i++) {
        if (!plant->psus[i].present)
            continue;
        checks_original_judge(
            checks, &checks->module[i].setpoint, CHECKS_VOLT_STEP,
            checks_of(CHECKS_PSU, i, "set-point after restoring, V", plant->psus[i].setpoint_v));
        checks_original_judge(
            checks, &checks->module[i].start, CHECKS_START_STEP,
            checks_of(CHECKS_PSU, i, "start delay after restoring, s", plant->psus[i].start_delay_s));
    }
    for (int32_t i = 0; i < plant->gpu_count; i++)
        checks_original_judge(checks, &checks->gpu[i].original, CHECKS_WATT_STEP,
                              checks_of(CHECKS_GPU, i, "limit after restoring, W", plant->gpus[i].limit_w));
    for (int32_t i = 0; i < plant->bbu_count; i++) {
        bool ok = !plant->bbus[i].override_on || !plant->bbus[i].present;

        checks_note(checks, CHECKS_RESTORED,
                    &(struct checks_seen){ .ok = ok,
                                           .value = ok ? 0.0 : 1.0,
                                           .margin = ok ? (double)INFINITY : -1.0,
                                           .about = checks_of(CHECKS_BBU, i, "override is still on, A",
                                                              plant->bbus[i].override_a) });
    }
}
