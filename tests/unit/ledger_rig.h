/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_rig.h: a rack with pools of tokens, for the tests of the ledger. */
#ifndef BUSBAR_TESTS_LEDGER_RIG_H
#define BUSBAR_TESTS_LEDGER_RIG_H

#include "core_rig.h"

#define S INT64_C(1000000)

/* A rack of two trays of four leaves (100 to 1000 W), without a limit; its pool
 * is 8000 W, 8500 with burst. Nodes: rack 0, trays 1 and 2, leaves 3 to 10. */
enum { RACK, TRAY_A, TRAY_B };

static inline struct rig *pooled(void)
{
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);

    for (int32_t t = 0; t < 2; t++)
        rig_node(rig, CORE_NODE_TRAY, rack);
    for (int32_t l = 0; l < 8; l++)
        rig_gpu(rig, TRAY_A + l / 4, 100, 1000);
    rig->config.request_max = 8;
    return rig;
}

static inline void zone_add(struct rig *rig, int32_t node, double rated_w)
{
    rig->plan->version++;
    rig->plan->tokens.zone[rig->plan->tokens.zone_count++] = (struct core_plan_token_zone){
        .node = node,
        .rated_w = rated_w,
        .pool_ratio = 0.80,
        .burst_ratio = 0.85,
        .refill_w_per_s = 50.0,
        .unit_w = 100.0,
        .lease_min_us = S,
        .lease_max_us = 60 * S,
        .coordination_us = 10000,
    };
}

static inline struct rig *started(void)
{
    struct rig *rig = pooled();

    rig_start(rig);
    zone_add(rig, RACK, 10000.0);
    rig_run(rig, 500000);
    return rig;
}

/* Client `client` changes its wish; the core answers. */
static inline const struct core_token_view *ask(struct rig *rig, uint64_t client, int32_t node,
                                                double amount_w, int64_t duration_us)
{
    int32_t row = 0;

    while (row < rig->request_count && rig->requests[row].client != client)
        row++;
    rig->request_count += row == rig->request_count;
    rig->requests[row] = (struct core_request){
        .client = client,
        .version = rig->requests[row].version + 1,
        .node = node,
        .priority = 4,
        .amount_w = amount_w,
        .duration_us = duration_us,
    };
    rig_step(rig);
    assert_non_null(rig_token(rig, client));
    assert_int_equal(rig_token(rig, client)->version, rig->requests[row].version);
    return rig_token(rig, client);
}

static inline void assert_refused(const struct core_token_view *token, enum core_token_reason reason,
                                  double alternative_w, int64_t retry_after_us)
{
    assert_int_equal(token->state, CORE_TOKEN_REFUSED);
    assert_string_equal(core_token_reason_label(token->reason), core_token_reason_label(reason));
    RIG_NEAR(token->alternative_w, alternative_w);
    if (retry_after_us == 0)
        assert_int_equal(token->retry_after_us, 0);
    else if (llabs(token->retry_after_us - retry_after_us) > 20000)
        fail_msg("retry after %.3f s, should be %.3f", (double)token->retry_after_us * 1e-6,
                 (double)retry_after_us * 1e-6);
}

static inline double tray_w(const struct rig *rig, int32_t tray)
{
    double sum_w = 0.0;

    for (int32_t l = 0; l < 4; l++)
        sum_w += rig_view(rig, 4 * (tray - TRAY_A) + l)->wanted;
    return sum_w;
}

static inline double leased(const struct rig *rig)
{
    double sum_w = 0.0;

    for (int32_t t = 0; t < rig->out->token_count; t++)
        sum_w += core_outputs_tokens(rig->out)[t].granted_w;
    return sum_w;
}

static inline struct rig *curved(double load_w, const struct core_config_curve *curve)
{
    struct rig *rig = pooled();

    rig->nodes[TRAY_A].curve = *curve;
    rig_sensor(rig, TRAY_A, load_w);
    rig_start(rig);
    zone_add(rig, RACK, 20000.0);
    rig_run(rig, 500000);
    return rig;
}

static inline int32_t sensor_of(const struct rig *rig)
{
    return rig->config.point_count - 1;
}

/* 2000 W, with a memory of 20 s. */
static const struct core_config_curve breaker = {
    .kind = CORE_CURVE_THERMAL,
    .rated_w = 2000.0,
    .trip_ratio = 1.05,
    .heat_s = 20.0,
    .cool_s = 20.0,
};

#endif
