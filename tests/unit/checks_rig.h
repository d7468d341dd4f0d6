/* SPDX-License-Identifier: Apache-2.0 */
/* checks_rig.h: judges over a plant that is a struct filled in by hand: what it does
 * is the test's to say. */
#ifndef TEST_CHECKS_RIG_H
#define TEST_CHECKS_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "sim/checks.h"

#define GPUS          4
#define MODULES       6
#define LEVERS        (GPUS + MODULES)
#define ENVELOPE_W    6000.0
#define STANDING_W    ((GPUS * 800.0 * 1.1 + 2 * 500.0 + 200.0) * 1.04) /* as it stands at first */
#define DELAY_US      1000000
#define PERIOD_US     10000
#define GRACE_S       2.02 /* two worst delays and two periods                       */
#define STALE_US      2000000
#define STEP_US       1000
#define NEAR(a, b, e) assert_true(fabs((a) - (b)) <= (e))

/* An output block with room behind its head, as core_outputs_init() lays it out. */
struct block {
    struct core_outputs head;
    struct core_order orders[LEVERS];
    struct core_lever_view levers[LEVERS];
};

struct rig {
    struct plant plant;
    struct core_config_lever levers[LEVERS];
    struct core_config_point points[1];
    struct core_config config;
    struct checks_options opt;
    struct block out;
    struct checks *checks;
};

static inline void rig_plant(struct plant *plant)
{
    plant->gpu_count = GPUS;
    plant->node_count = 2;
    plant->shelf_count = 1;
    plant->psu_count = plant->bbu_count = MODULES;
    plant->nominal_v = plant->ac_v = 240.0;
    plant->psu_loss_ratio = 0.04;
    plant->switch_w = 200.0;
    plant->bus_v = plant->bus_far_v = 50.5;
    plant->params.it_low_v = 46.0;
    plant->params.it_high_v = 52.0;
    plant->params.it_low_s = 0.0005;
    plant->params.psu_pulse_1_ratio = 1.55;
    plant->params.psu_pulse_1_s = 0.010;
    plant->params.psu_pulse_2_ratio = 1.2;
    plant->params.psu_pulse_2_s = 0.1;
    plant->params.psu_pulse_3_ratio = 1.15;
    plant->params.psu_pulse_3_s = 10.0;
    plant->shelves[0] = (struct plant_shelf){
        .kind = PLANT_ORV3, .psu_count = MODULES, .bbu_count = MODULES, .psu_rated_w = 3000.0
    };
    for (int32_t i = 0; i < GPUS; i++)
        plant->gpus[i] = (struct plant_gpu){ .node = i / 2,
                                             .idle_w = 100.0,
                                             .rated_w = 1000.0,
                                             .limit_min_w = 200.0,
                                             .limit_max_w = 1000.0,
                                             .limit_w = 800.0,
                                             .limit_active_w = 800.0,
                                             .overshoot_ratio = 0.1,
                                             .power_w = 700.0 };
    for (int32_t i = 0; i < MODULES; i++) {
        plant->psus[i] = (struct plant_psu){ .present = true,
                                             .on = true,
                                             .state = PLANT_PSU_ON,
                                             .setpoint_v = 51.0,
                                             .start_delay_s = NAN,
                                             .output_w = 700.0 };
        plant->bbus[i] = (struct plant_bbu){ .present = true,
                                             .energy_j = 700000.0,
                                             .energy_full_j = 720000.0,
                                             .charge_default_a = 5.0,
                                             .pack_v = 50.0 };
    }
    plant->node_static_w[0] = plant->node_static_w[1] = 500.0;
    plant->node_w[0] = plant->node_w[1] = 1900.0;
    plant->dc_w = 4000.0;
    plant->ac_w = 4160.0;
}

static inline void rig_config(struct rig *rig)
{
    rig->points[0].stale_after_us = STALE_US;
    for (int32_t l = 0; l < LEVERS; l++) {
        bool gpu = l < GPUS;

        rig->levers[l] = (struct core_config_lever){ .use = gpu ? CORE_LEVER_LIMIT : CORE_LEVER_CHARGE,
                                                     .min = gpu ? 200.0 : 0.0,
                                                     .max = gpu ? 1000.0 : 6.0,
                                                     .delay_worst_us = DELAY_US,
                                                     .timeout_us = gpu ? 0 : 120000000 };
        rig->out.levers[l] = (struct core_lever_view){ .state = CORE_LEVER_IN_FORCE,
                                                       .wanted = gpu ? 800.0 : 5.0,
                                                       .sent = gpu ? 800.0 : 5.0,
                                                       .in_force = gpu ? 800.0 : 5.0,
                                                       .number = 1 };
    }
    rig->config = (struct core_config){ .lever_count = LEVERS,
                                        .point_count = 1,
                                        .levers = rig->levers,
                                        .points = rig->points,
                                        .period_us = PERIOD_US };
    rig->out.head = (struct core_outputs){ .lever_count = LEVERS,
                                           .plan_version = 1,
                                           .orders_at = offsetof(struct block, orders),
                                           .levers_at = offsetof(struct block, levers) };
}

static inline struct rig *rig_fill(void)
{
    static const int64_t windows_us[] = { 100000, 1000000 };
    struct rig *rig = calloc(1, sizeof *rig);

    assert_non_null(rig);
    rig_plant(&rig->plant);
    rig_config(rig);
    rig->opt = (struct checks_options){ .plant = &rig->plant,
                                        .envelope_w = ENVELOPE_W,
                                        .window_count = 2,
                                        .windows_us = windows_us,
                                        .config = &rig->config,
                                        .reserve_s = 90.0,
                                        .wear_cycles_per_day = 1.0,
                                        .breaker_rated_w = 7200.0 };
    return rig;
}

static inline void rig_begin(struct rig *rig)
{
    assert_int_equal(checks_new(&rig->opt, &rig->checks), ST_OK);
}

static inline struct rig *rig_new(void)
{
    struct rig *rig = rig_fill();

    rig_begin(rig);
    return rig;
}

static inline void rig_free(struct rig *rig)
{
    checks_free(rig->checks);
    free(rig);
}

/* The plant stands as it is for so long; the core speaks every period. */
static inline void rig_run(struct rig *rig, double s)
{
    struct plant_watch watch = checks_watch(rig->checks);
    int64_t end_us = rig->plant.now_us + llround(s * 1e6);

    while (rig->plant.now_us < end_us) {
        rig->plant.now_us += STEP_US;
        watch.step(watch.arg, &rig->plant, STEP_US);
        if (rig->plant.now_us % PERIOD_US == 0 && rig->out.head.lever_count > 0) {
            rig->out.head.now_us = rig->plant.now_us;
            checks_core(rig->checks, &rig->out.head);
            rig->out.head.order_count = 0;
        }
    }
}

static inline void rig_arm(struct rig *rig)
{
    checks_armed(rig->checks, ENVELOPE_W);
    rig_run(rig, 0.02);
}

static inline struct checks_result rig_result(const struct rig *rig, enum checks_kind kind)
{
    struct checks_result ret;

    checks_result(rig->checks, kind, &ret);
    return ret;
}

static inline bool rig_ok(const struct rig *rig, enum checks_kind kind)
{
    return rig_result(rig, kind).ok;
}

/* This one fails, says where, and takes the verdict with it; the others hold. */
static inline void rig_only(const struct rig *rig, enum checks_kind kind, const char *detail)
{
    struct checks_result result = rig_result(rig, kind);

    for (int k = 0; k < CHECKS_COUNT; k++)
        if ((k == (int)kind) == rig_ok(rig, (enum checks_kind)k))
            fail_msg("%s is the other way round: %s", rig_result(rig, (enum checks_kind)k).name,
                     rig_result(rig, (enum checks_kind)k).detail);
    assert_false(checks_ok(rig->checks));
    assert_true(result.looked);
    assert_true(result.margin < 0.0);
    if (!strstr(result.detail, detail))
        fail_msg("\"%s\" is not in \"%s\"", detail, result.detail);
}

static inline void rig_order(struct rig *rig, int32_t lever, double value, double lease_s)
{
    rig->out.orders[rig->out.head.order_count++] = (struct core_order){
        .lever = lever,
        .value = value,
        .lease_end_us = rig->plant.now_us + llround(lease_s * 1e6),
        .timeout_us = lever < GPUS ? 0 : 120000000,
    };
}

#endif
