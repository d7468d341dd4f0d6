/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: pools, burst and refill; what a lease does to the levers, that its
 * power is back when it ends, and who keeps what when clients and plans change. */
#include "ledger_rig.h"

/* ---- pools ---- */

static void a_lease_is_whole_units_and_ends(void **state)
{
    (void)state;
    struct rig *rig = started();
    const struct core_token_view *token = ask(rig, 7, TRAY_A, 1510.0, 2 * S);

    assert_int_equal(token->state, CORE_TOKEN_GRANTED);
    RIG_NEAR(token->granted_w, 1600.0);
    assert_int_equal(token->node, TRAY_A);
    assert_int_equal(token->expires_us, rig->now_us + 2 * S);
    rig_run(rig, 2 * S - 10000);
    RIG_NEAR(rig_token(rig, 7)->granted_w, 1600.0);
    rig_step(rig);
    assert_int_equal(rig_token(rig, 7)->state, CORE_TOKEN_EXPIRED);
    RIG_NEAR(rig_token(rig, 7)->granted_w, 0.0);
    rig_run(rig, S);
    assert_int_equal(rig_token(rig, 7)->state, CORE_TOKEN_EXPIRED); /* the same version is answered once */
    rig_free(rig);
}

static void burst_lasts_as_long_as_its_credit(void **state)
{
    (void)state;
    struct rig *rig = started();

    assert_int_equal(ask(rig, 1, TRAY_A, 4000.0, 60 * S)->state, CORE_TOKEN_GRANTED);
    assert_int_equal(ask(rig, 2, TRAY_B, 4000.0, 60 * S)->state, CORE_TOKEN_GRANTED);
    assert_int_equal(ask(rig, 3, RACK, 300.0, 2 * S)->state, CORE_TOKEN_GRANTED); /* 300 of 500 W burst */
    assert_refused(ask(rig, 4, RACK, 400.0, 2 * S), CORE_TOKEN_REASON_POOL, 200.0, 4 * S);
    assert_int_equal(ask(rig, 4, RACK, 200.0, 2 * S)->state, CORE_TOKEN_GRANTED);
    RIG_NEAR(leased(rig), 8500.0);
    assert_refused(ask(rig, 5, RACK, 100.0, 2 * S), CORE_TOKEN_REASON_POOL, 0.0, 1970000);
    rig_run(rig, 4 * S); /* both bursts are over; 200 W are free again */
    assert_refused(ask(rig, 5, RACK, 400.0, 2 * S), CORE_TOKEN_REASON_POOL, 200.0, 4 * S - 60000);
    rig_run(rig, rig_token(rig, 5)->retry_after_us);
    assert_int_equal(ask(rig, 5, RACK, 400.0, 2 * S)->state, CORE_TOKEN_GRANTED);
    rig_free(rig);
}

static void returning_frees_the_pool_at_once_but_not_burst(void **state)
{
    (void)state;
    struct rig *rig = started();

    assert_int_equal(ask(rig, 1, RACK, 8500.0, 60 * S)->state, CORE_TOKEN_GRANTED);
    assert_int_equal(ask(rig, 1, RACK, 0.0, 0)->state, CORE_TOKEN_RETURNED);
    RIG_NEAR(rig_token(rig, 1)->granted_w, 0.0);
    assert_refused(ask(rig, 1, RACK, 8500.0, 60 * S), CORE_TOKEN_REASON_POOL, 8000.0, 10 * S);
    assert_int_equal(ask(rig, 1, RACK, 8000.0, 60 * S)->state, CORE_TOKEN_GRANTED);
    rig_free(rig);
}

/* ---- what a lease does ---- */

static void a_leaf_with_a_token_is_served_before_others(void **state)
{
    (void)state;
    struct rig *rig = started();

    rig_limit(rig, RACK, 4000.0);
    rig_run(rig, S);
    RIG_NEAR(tray_w(rig, TRAY_A), 2000.0);
    (void)ask(rig, 1, TRAY_A, 3200.0, 3 * S);
    RIG_NEAR(tray_w(rig, TRAY_A), 3200.0);
    RIG_NEAR(tray_w(rig, TRAY_B), 800.0);
    assert_int_equal(rig_view(rig, 0)->why.rule, CORE_RULE_TOKEN);
    assert_int_equal(rig_view(rig, 4)->why.rule, CORE_RULE_LIMIT);
    rig_run(rig, S);
    RIG_NEAR(*rig_held(rig, 0), 800.0);
    RIG_NEAR(*rig_held(rig, 4), 200.0);
    rig_free(rig);
}

static void a_promise_is_split_by_weight_within_what_levers_take(void **state)
{
    (void)state;
    struct rig *rig = started();
    static const double weight[] = { 1.0, 2.0, 30.0, 1.0 };

    for (int32_t l = 0; l < 4; l++)
        rig_want(rig, l)->weight = weight[l];
    rig_want(rig, 3)->min = 600.0;
    rig_limit(rig, RACK, 2600.0); /* 2200 and four minimums: nothing is left to share */
    rig_run(rig, S);
    (void)ask(rig, 1, TRAY_A, 2200.0, 3 * S);
    RIG_NEAR(rig_view(rig, 0)->wanted, 200.0);
    RIG_NEAR(rig_view(rig, 1)->wanted, 400.0);
    RIG_NEAR(rig_view(rig, 2)->wanted, 1000.0);
    RIG_NEAR(rig_view(rig, 3)->wanted, 600.0);
    rig_free(rig);
}

/* Only the ratio of weights counts, not what they are counted in. */
static void a_promise_is_split_alike_whatever_weights_are_counted_in(void **state)
{
    (void)state;
    static const double unit[] = { 1e-4, 1.0, 1e4 };

    for (size_t k = 0; k < sizeof unit / sizeof unit[0]; k++) {
        struct rig *rig = started();

        for (int32_t l = 0; l < 4; l++)
            rig_want(rig, l)->weight = unit[k] * (l + 1);
        rig_limit(rig, RACK, 2700.0); /* 2300 and four minimums: nothing is left to share */
        rig_run(rig, S);
        (void)ask(rig, 1, TRAY_A, 2300.0, 3 * S);
        for (int32_t l = 0; l < 4; l++)
            RIG_NEAR(rig_view(rig, l)->wanted, 230.0 * (l + 1));
        for (int32_t l = 0; l < 4; l++) /* a lease that runs is split by the plan of today */
            rig_want(rig, l)->weight = unit[k] * (4 - l);
        rig_step(rig);
        for (int32_t l = 0; l < 4; l++)
            RIG_NEAR(rig_view(rig, l)->wanted, 230.0 * (4 - l));
        rig_free(rig);
    }
}

/* Charging yields to the load: what is promised below a node is promised to caps. */
static void a_promise_is_no_charging(void **state)
{
    (void)state;
    struct rig *rig = pooled();
    int32_t charger =
        rig_lever(rig, CORE_LEVER_CHARGE, rig_device(rig), rig_node(rig, CORE_NODE_LOAD, TRAY_A));

    rig->levers[charger].max = rig->levers[charger].base = 400.0;
    rig->levers[charger].timeout_us = 2 * S;
    *rig_held(rig, charger) = 0.0;
    rig_start(rig);
    zone_add(rig, RACK, 10000.0);
    rig_limit(rig, RACK, 2400.0); /* 2000 and four minimums */
    rig_run(rig, S);
    (void)ask(rig, 1, TRAY_A, 2000.0, 3 * S);
    assert_int_equal(rig_token(rig, 1)->state, CORE_TOKEN_GRANTED);
    for (int32_t l = 0; l < 4; l++)
        RIG_NEAR(rig_view(rig, l)->wanted, 500.0);
    rig_free(rig);
}

/* One leaf takes ten times what the others do, so the level at which all of them have theirs lies
 * far below the highest. */
static void a_promise_is_split_among_levers_of_very_different_size(void **state)
{
    (void)state;
    struct rig *rig = pooled();

    for (int32_t l = 0; l < 8; l++) {
        rig->levers[l].min = 10.0;
        rig->levers[l].max = rig->levers[l].base = l % 4 ? 100.0 : 1000.0;
        *rig_held(rig, l) = rig->levers[l].max;
    }
    rig_start(rig);
    zone_add(rig, RACK, 10000.0);
    rig_limit(rig, RACK, 240.0); /* 200 and four minimums: nothing is left to share */
    rig_run(rig, S);
    (void)ask(rig, 1, TRAY_A, 200.0, 3 * S);
    assert_int_equal(rig_token(rig, 1)->state, CORE_TOKEN_GRANTED);
    for (int32_t l = 0; l < 4; l++)
        RIG_NEAR(rig_view(rig, l)->wanted, 50.0);
    for (int32_t l = 4; l < 8; l++)
        RIG_NEAR(rig_view(rig, l)->wanted, 10.0);
    rig_free(rig);
}

static void promises_to_a_tray_and_to_its_leaf_add_up(void **state)
{
    (void)state;
    struct rig *rig = started();

    rig_limit(rig, RACK, 2400.0);
    rig_run(rig, S);
    (void)ask(rig, 1, TRAY_A, 800.0, 5 * S);
    (void)ask(rig, 2, 3, 900.0, 5 * S);
    RIG_NEAR(rig_view(rig, 0)->wanted, 900.0);
    RIG_NEAR(tray_w(rig, TRAY_A), 2000.0 - 300.0); /* all of the rest that minimums leave is shared */
    RIG_NEAR(tray_w(rig, TRAY_A) + tray_w(rig, TRAY_B), 2400.0);
    rig_free(rig);
}

static void a_token_raises_nothing_above_a_budget(void **state)
{
    (void)state;
    struct rig *rig = started();

    (void)ask(rig, 1, TRAY_A, 3600.0, 30 * S);
    assert_int_equal(rig_token(rig, 1)->state, CORE_TOKEN_GRANTED);
    rig_limit(rig, TRAY_A, 1000.0); /* a budget that came later */
    rig_run(rig, S);
    RIG_NEAR(tray_w(rig, TRAY_A), 1000.0);
    assert_true(rig_zone(rig, TRAY_A)->counted_w <= 1000.0 + 1e-6);
    assert_int_equal(rig->out->mode, CORE_MODE_NORMAL); /* and it is no emergency */
    rig_free(rig);
}

/* Orders land a whole worst delay late: what the lease allowed is gone from the
 * levers when it ends. */
static void the_power_is_back_when_the_lease_ends(void **state)
{
    (void)state;
    struct rig *rig = started();
    int64_t ends_us;
    double pending[8] = { 0 };
    int64_t lands_us[8];

    rig_limit(rig, RACK, 4000.0);
    rig_run(rig, S);
    (void)ask(rig, 1, TRAY_A, 3200.0, 3 * S);
    ends_us = rig_token(rig, 1)->expires_us;
    rig_run(rig, S);
    RIG_NEAR(*rig_held(rig, 0), 800.0);
    for (int32_t l = 0; l < 8; l++)
        lands_us[l] = CORE_FOREVER;
    while (rig->now_us < ends_us) {
        rig->now_us += rig->step_us;
        for (int32_t l = 0; l < 8; l++)
            if (rig->now_us >= lands_us[l]) {
                *rig_held(rig, l) = pending[l];
                lands_us[l] = CORE_FOREVER;
            }
        rig_step_with(rig, rig_readings(rig));
        for (int32_t o = 0; o < rig->out->order_count; o++) {
            const struct core_order *order = &core_outputs_orders(rig->out)[o];

            pending[order->lever] = order->value;
            lands_us[order->lever] = rig->now_us + 100000;
        }
    }
    for (int32_t l = 0; l < 4; l++)
        RIG_NEAR(*rig_held(rig, l), 500.0);
    assert_int_equal(rig_token(rig, 1)->state, CORE_TOKEN_EXPIRED);
    rig_free(rig);
}

/* ---- ends ---- */

static void an_emergency_takes_every_token_back(void **state)
{
    (void)state;
    struct rig *rig = started();

    (void)ask(rig, 1, TRAY_A, 1000.0, 30 * S);
    (void)ask(rig, 2, TRAY_B, 1000.0, 30 * S);
    rig_mode(rig, CORE_WANT_EMERGENCY);
    rig_step(rig);
    for (uint64_t c = 1; c <= 2; c++) {
        assert_int_equal(rig_token(rig, c)->state, CORE_TOKEN_REVOKED);
        assert_int_equal(rig_token(rig, c)->reason, CORE_TOKEN_REASON_MODE);
        RIG_NEAR(rig_token(rig, c)->granted_w, 0.0);
    }
    RIG_NEAR(rig_event_of(rig, EV_TOKENS_REVOKED)->value, 2000.0);
    rig_mode(rig, CORE_WANT_CONTROL);
    rig_run(rig, S);
    assert_int_equal(rig_token(rig, 1)->state, CORE_TOKEN_REVOKED); /* it must be asked for again */
    assert_int_equal(rig->events[EV_TOKENS_REVOKED], 1);
    assert_int_equal(ask(rig, 1, TRAY_A, 1000.0, 30 * S)->state, CORE_TOKEN_GRANTED);
    rig_free(rig);
}

static void protection_takes_back_what_is_below(void **state)
{
    (void)state;
    struct rig *rig = curved(500.0, &breaker);

    rig->plan->protection.enabled = true;
    rig->plan->version++;
    (void)ask(rig, 1, 3, 500.0, 30 * S);
    (void)ask(rig, 2, TRAY_B, 1000.0, 30 * S);
    (void)ask(rig, 3, RACK, 1000.0, 30 * S);
    assert_int_equal(rig_token(rig, 3)->state, CORE_TOKEN_GRANTED);
    rig->value[sensor_of(rig)] = 90000.0;
    rig_step(rig);
    assert_int_equal(rig->out->mode, CORE_MODE_EMERGENCY);
    assert_int_equal(rig_token(rig, 1)->state, CORE_TOKEN_REVOKED);
    assert_int_equal(rig_token(rig, 1)->reason, CORE_TOKEN_REASON_CONFLICT);
    assert_int_equal(rig_token(rig, 2)->state, CORE_TOKEN_GRANTED);
    assert_int_equal(rig_token(rig, 3)->state, CORE_TOKEN_GRANTED);
    assert_refused(ask(rig, 1, 3, 500.0, 30 * S), CORE_TOKEN_REASON_CONFLICT, 0.0, 10 * S);
    assert_int_equal(ask(rig, 2, TRAY_B, 1100.0, 30 * S)->state,
                     CORE_TOKEN_GRANTED); /* elsewhere it goes on */
    rig_free(rig);
}

static void a_client_that_is_gone_keeps_its_lease_to_the_end(void **state)
{
    (void)state;
    struct rig *rig = started();

    (void)ask(rig, 1, TRAY_A, 8000.0, 3 * S);
    rig->request_count = 0;
    rig_run(rig, S);
    RIG_NEAR(rig_token(rig, 1)->granted_w, 8000.0);
    rig_run(rig, 3 * S);
    assert_null(rig_token(rig, 1));           /* the slot is free */
    (void)ask(rig, 2, TRAY_A, 8600.0, 3 * S); /* refused, and gone at once */
    rig->request_count = 0;
    rig_step(rig);
    assert_null(rig_token(rig, 2));
    rig_free(rig);
}

static void slots_of_leases_are_not_given_away(void **state)
{
    (void)state;
    struct rig *rig = started();

    for (uint64_t c = 1; c <= 8; c++)
        (void)ask(rig, c, RACK, 100.0, 5 * S);
    rig->request_count = 1; /* only client 1 is left, and a new one comes */
    rig->requests[1] = (struct core_request){
        .client = 99, .version = 1, .node = RACK, .amount_w = 100.0, .duration_us = 5 * S
    };
    rig->request_count = 2;
    rig_step(rig);
    assert_null(rig_token(rig, 99));
    RIG_NEAR(leased(rig), 800.0);
    rig_run(rig, 6 * S);
    assert_int_equal(rig_token(rig, 99)->state, CORE_TOKEN_GRANTED); /* answered when there is room */
    rig_free(rig);
}

static void a_version_is_answered_once_and_an_older_one_never(void **state)
{
    (void)state;
    struct rig *rig = started();
    int64_t expires_us = ask(rig, 1, TRAY_A, 1000.0, 10 * S)->expires_us;

    rig->requests[0].amount_w = 3000.0; /* the same version */
    rig_run(rig, S);
    RIG_NEAR(rig_token(rig, 1)->granted_w, 1000.0);
    assert_int_equal(rig_token(rig, 1)->expires_us, expires_us);
    rig->requests[0].version--;
    rig_run(rig, S);
    RIG_NEAR(rig_token(rig, 1)->granted_w, 1000.0);
    rig->requests[0].version += 2;
    rig_step(rig);
    RIG_NEAR(rig_token(rig, 1)->granted_w, 3000.0);
    assert_true(rig_token(rig, 1)->expires_us > expires_us);
    rig_free(rig);
}

static void a_refused_change_leaves_the_old_lease(void **state)
{
    (void)state;
    struct rig *rig = started();
    int64_t expires_us = ask(rig, 1, TRAY_A, 1000.0, 3 * S)->expires_us;

    assert_refused(ask(rig, 1, TRAY_A, 9000.0, 3 * S), CORE_TOKEN_REASON_BURST, 8500.0, 0);
    RIG_NEAR(rig_token(rig, 1)->granted_w, 1000.0);
    assert_int_equal(rig_token(rig, 1)->expires_us, expires_us);
    rig_run(rig, 4 * S);
    RIG_NEAR(rig_token(rig, 1)->granted_w, 0.0);
    assert_int_equal(rig_token(rig, 1)->state, CORE_TOKEN_REFUSED);
    rig_free(rig);
}

/* Growing needs only what is more: the client gives up what it holds. */
static void a_lease_may_grow_into_its_own_room(void **state)
{
    (void)state;
    struct rig *rig = started();

    rig_limit(rig, RACK, 5000.0);
    rig_run(rig, S);
    assert_int_equal(ask(rig, 1, TRAY_A, 4000.0, 3 * S)->state, CORE_TOKEN_GRANTED);
    assert_int_equal(ask(rig, 1, TRAY_A, 4600.0, 3 * S)->state, CORE_TOKEN_GRANTED);
    RIG_NEAR(leased(rig), 4600.0);
    rig_free(rig);
}

/* Rows move about, one says nothing, one is there twice. */
static void the_table_may_come_in_any_order(void **state)
{
    (void)state;
    struct rig *rig = started();
    struct core_request rows[3];

    for (uint64_t c = 1; c <= 3; c++)
        (void)ask(rig, c, RACK, 100.0 * (double)c, 30 * S);
    memcpy(rows, rig->requests, sizeof rows);
    rig->requests[0] = rows[2];
    rig->requests[1] = (struct core_request){ .client = 0, .version = 9, .node = RACK, .amount_w = 5000.0 };
    rig->requests[2] = rows[0];
    rig->requests[3] = rows[1];
    rig->requests[4] = rows[1];
    rig->requests[4].version++;
    rig->requests[4].amount_w = 700.0;
    rig->requests[4].node = TRAY_B;
    rig->request_count = 5;
    rig_run(rig, 50000);
    RIG_NEAR(rig_token(rig, 1)->granted_w, 100.0);
    RIG_NEAR(rig_token(rig, 2)->granted_w, 700.0);
    RIG_NEAR(rig_token(rig, 3)->granted_w, 300.0);
    RIG_NEAR(leased(rig), 1100.0);
    rig_free(rig);
}

static void the_higher_priority_is_answered_first(void **state)
{
    (void)state;
    struct rig *rig = started();

    for (int32_t r = 0; r < 6; r++)
        rig->requests[r] = (struct core_request){ .client = (uint64_t)r + 1,
                                                  .version = 1,
                                                  .node = RACK,
                                                  .priority = r,
                                                  .amount_w = 2000.0,
                                                  .duration_us = 5 * S };
    rig->request_count = 6;
    rig_run(rig, 60000);
    for (uint64_t c = 1; c <= 6; c++)
        assert_int_equal(rig_token(rig, c)->state, c > 2 ? CORE_TOKEN_GRANTED : CORE_TOKEN_REFUSED);
    rig_free(rig);
}

static void leases_survive_a_reload(void **state)
{
    (void)state;
    struct rig *rig = started();
    int32_t same[32], none[32];
    struct core_map map = { .node = same, .point = same, .lever = same, .device = same };
    struct core *old;

    for (int32_t k = 0; k < 32; k++) {
        same[k] = k;
        none[k] = CORE_NONE;
    }
    (void)ask(rig, 1, TRAY_A, 8400.0, 30 * S);
    for (int32_t pass = 0; pass < 2; pass++) {
        map.node = pass == 0 ? same : none;
        old = rig->core;
        rig->core = NULL;
        rig_boot(rig);
        core_adopt(rig->core, old, &map);
        free(old);
        rig_step(rig);
        if (pass == 0) {
            RIG_NEAR(rig_token(rig, 1)->granted_w, 8400.0);
            assert_refused(ask(rig, 2, TRAY_B, 200.0, 3 * S), CORE_TOKEN_REASON_POOL, 100.0, 29980000);
        } else {
            RIG_NEAR(leased(rig), 0.0);
            assert_int_equal(rig_token(rig, 1)->state, CORE_TOKEN_EXPIRED);
        }
    }
    rig_free(rig);
}

/* A full table is taken over whole: no lease begins anew. */
static void a_full_table_survives_a_reload(void **state)
{
    (void)state;
    struct rig *rig = started();
    int32_t same[32];
    struct core_map map = { .node = same, .point = same, .lever = same, .device = same };
    int64_t expires_us[9];
    struct core *old;

    for (int32_t k = 0; k < 32; k++)
        same[k] = k;
    for (uint64_t c = 1; c <= 8; c++)
        expires_us[c] = ask(rig, c, RACK, 100.0, 30 * S)->expires_us;
    old = rig->core;
    rig->core = NULL;
    rig_boot(rig);
    core_adopt(rig->core, old, &map);
    free(old);
    rig_step(rig);
    for (uint64_t c = 1; c <= 8; c++) {
        assert_non_null(rig_token(rig, c));
        assert_int_equal(rig_token(rig, c)->state, CORE_TOKEN_GRANTED);
        assert_int_equal(rig_token(rig, c)->expires_us, expires_us[c]);
    }
    rig_free(rig);
}

/* The block goes on from a copy of itself, to the last bit. */
static void a_copy_of_the_core_answers_the_same(void **state)
{
    (void)state;
    struct rig *rig = curved(900.0, &breaker);
    size_t size = core_block_size(rig->core), out_size = rig->out->size;
    struct core *copy = calloc(1, size);
    struct core_outputs *first = calloc(1, out_size);
    int64_t from_us;

    assert_non_null(copy);
    assert_non_null(first);
    rig->plan->protection.enabled = true;
    rig_limit(rig, RACK, 5000.0);
    (void)ask(rig, 1, TRAY_A, 1000.0, 3 * S);
    (void)ask(rig, 2, RACK, 2000.0, 5 * S);
    rig_run(rig, S); /* all orders are done: devices hold the same in both runs */
    memcpy(copy, rig->core, size);
    from_us = rig->now_us;
    for (int32_t pass = 0; pass < 2; pass++) {
        rig->now_us = from_us;
        rig->ack_count = 0;
        rig->request_count = 2;
        for (int32_t k = 0; k < 100; k++) {
            rig->now_us += rig->step_us;
            rig->requests[0].version = 2 + (uint64_t)(k / 10);
            rig->requests[0].amount_w = 300.0 * (k / 10);
            rig_step_with(rig, rig_readings(rig));
        }
        if (pass == 0) {
            memcpy(first, rig->out, out_size);
            memcpy(rig->core, copy, size);
        }
    }
    assert_memory_equal(first, rig->out, out_size);
    free(copy);
    free(first);
    rig_free(rig);
}

static void without_requests_nothing_is_kept(void **state)
{
    (void)state;
    struct rig *rig = rig_new();

    rig_gpu(rig, rig_node(rig, CORE_NODE_RACK, CORE_NONE), 100, 1000);
    rig_start(rig);
    zone_add(rig, RACK, 10000.0);
    rig_run(rig, S);
    assert_int_equal(rig->out->token_count, 0);
    rig_free(rig);
}

static void a_lease_of_half_a_watt_ends_as_well(void **state)
{
    (void)state;
    struct rig *rig = started();

    rig->plan->tokens.zone[0].unit_w = 0.0;
    rig->plan->version++;
    rig_run(rig, 20000);
    RIG_NEAR(ask(rig, 1, RACK, 0.5, 2 * S)->granted_w, 0.5);
    rig_run(rig, 2 * S + 20000);
    assert_int_equal(rig_token(rig, 1)->state, CORE_TOKEN_EXPIRED);
    RIG_NEAR(leased(rig), 0.0);
    rig_free(rig);
}

static void a_free_slot_is_nowhere(void **state)
{
    (void)state;
    struct rig *rig = started();

    for (int32_t t = 0; t < rig->out->token_count; t++) {
        assert_int_equal(core_outputs_tokens(rig->out)[t].client, 0);
        assert_int_equal(core_outputs_tokens(rig->out)[t].node, CORE_NONE);
    }
    assert_int_equal(rig->out->now_us, rig->now_us);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lease_is_whole_units_and_ends),
        cmocka_unit_test(burst_lasts_as_long_as_its_credit),
        cmocka_unit_test(returning_frees_the_pool_at_once_but_not_burst),
        cmocka_unit_test(a_leaf_with_a_token_is_served_before_others),
        cmocka_unit_test(a_promise_is_split_by_weight_within_what_levers_take),
        cmocka_unit_test(a_promise_is_split_alike_whatever_weights_are_counted_in),
        cmocka_unit_test(a_promise_is_no_charging),
        cmocka_unit_test(a_promise_is_split_among_levers_of_very_different_size),
        cmocka_unit_test(promises_to_a_tray_and_to_its_leaf_add_up),
        cmocka_unit_test(a_token_raises_nothing_above_a_budget),
        cmocka_unit_test(the_power_is_back_when_the_lease_ends),
        cmocka_unit_test(an_emergency_takes_every_token_back),
        cmocka_unit_test(protection_takes_back_what_is_below),
        cmocka_unit_test(a_client_that_is_gone_keeps_its_lease_to_the_end),
        cmocka_unit_test(slots_of_leases_are_not_given_away),
        cmocka_unit_test(a_version_is_answered_once_and_an_older_one_never),
        cmocka_unit_test(a_refused_change_leaves_the_old_lease),
        cmocka_unit_test(a_lease_may_grow_into_its_own_room),
        cmocka_unit_test(the_table_may_come_in_any_order),
        cmocka_unit_test(the_higher_priority_is_answered_first),
        cmocka_unit_test(leases_survive_a_reload),
        cmocka_unit_test(a_full_table_survives_a_reload),
        cmocka_unit_test(a_copy_of_the_core_answers_the_same),
        cmocka_unit_test(without_requests_nothing_is_kept),
        cmocka_unit_test(a_lease_of_half_a_watt_ends_as_well),
        cmocka_unit_test(a_free_slot_is_nowhere),
    };

    return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
