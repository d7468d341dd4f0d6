/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens that are refused: why, what else would be granted, and when all of it
 * will be; and that both are true. */
#include "ledger_rig.h"

/* ---- refusals ---- */

static void what_no_pool_covers_is_refused(void **state)
{
    (void)state;
    struct rig *rig = pooled();

    rig_start(rig);
    assert_refused(ask(rig, 1, RACK, 100.0, 2 * S), CORE_TOKEN_REASON_NO_ZONE, 0.0, 0);
    zone_add(rig, TRAY_A, 1000.0);
    assert_refused(ask(rig, 1, TRAY_B, 100.0, 2 * S), CORE_TOKEN_REASON_NO_ZONE, 0.0, 0);
    assert_refused(ask(rig, 1, RACK, 100.0, 2 * S), CORE_TOKEN_REASON_NO_ZONE, 0.0, 0);
    assert_refused(ask(rig, 1, 77, 100.0, 2 * S), CORE_TOKEN_REASON_NO_ZONE, 0.0, 0);
    assert_refused(ask(rig, 1, -1, 100.0, 2 * S), CORE_TOKEN_REASON_NO_ZONE, 0.0, 0);
    assert_int_equal(ask(rig, 1, 3, 100.0, 2 * S)->state, CORE_TOKEN_GRANTED); /* a leaf of tray A */
    assert_int_equal(rig->events[EV_TOKEN_REFUSED], 5);
    rig_free(rig);
}

static void no_lease_is_shorter_or_longer_than_leases_may_be(void **state)
{
    (void)state;
    struct rig *rig = started();

    assert_refused(ask(rig, 1, RACK, 100.0, S - 1), CORE_TOKEN_REASON_DURATION, 0.0, 0);
    assert_refused(ask(rig, 1, RACK, 100.0, 60 * S + 1), CORE_TOKEN_REASON_DURATION, 0.0, 0);
    assert_refused(ask(rig, 1, RACK, 100.0, -5), CORE_TOKEN_REASON_DURATION, 0.0, 0);
    rig->plan->tokens.zone[0].lease_min_us = 1000; /* over before the levers have it */
    rig->plan->version++;
    assert_refused(ask(rig, 1, RACK, 100.0, 100000), CORE_TOKEN_REASON_DURATION, 0.0, 0);
    assert_int_equal(ask(rig, 1, RACK, 100.0, 120000)->state, CORE_TOKEN_GRANTED);
    rig_free(rig);
}

static void more_than_may_be_leased_at_all_is_refused_for_good(void **state)
{
    (void)state;
    struct rig *rig = started();

    assert_refused(ask(rig, 1, RACK, 8600.0, 2 * S), CORE_TOKEN_REASON_BURST, 8500.0, 0);
    assert_refused(ask(rig, 1, RACK, (double)INFINITY, 2 * S), CORE_TOKEN_REASON_BURST, 0.0, 0);
    assert_refused(ask(rig, 1, RACK, (double)NAN, 2 * S), CORE_TOKEN_REASON_BURST, 0.0, 0);
    assert_refused(ask(rig, 1, RACK, -100.0, 2 * S), CORE_TOKEN_REASON_BURST, 0.0, 0);
    assert_int_equal(ask(rig, 1, RACK, 8500.0, 2 * S)->state, CORE_TOKEN_GRANTED);
    rig_free(rig);
}

static void no_tokens_while_nothing_is_controlled(void **state)
{
    (void)state;
    struct rig *rig = started();

    rig_mode(rig, CORE_WANT_OBSERVE);
    assert_refused(ask(rig, 1, RACK, 100.0, 2 * S), CORE_TOKEN_REASON_MODE, 0.0, 0);
    rig_mode(rig, CORE_WANT_RESTORE);
    assert_refused(ask(rig, 1, RACK, 100.0, 2 * S), CORE_TOKEN_REASON_MODE, 0.0, 0);
    rig_mode(rig, CORE_WANT_EMERGENCY);
    assert_refused(ask(rig, 1, RACK, 100.0, 2 * S), CORE_TOKEN_REASON_MODE, 0.0, 0);
    rig_mode(rig, CORE_WANT_CONTROL);
    assert_int_equal(ask(rig, 1, RACK, 100.0, 2 * S)->state, CORE_TOKEN_GRANTED);
    rig_free(rig);
}

/* 400 W are the other tray's minimums. */
static void what_does_not_fit_a_limit_above_is_refused(void **state)
{
    (void)state;
    struct rig *rig = started();

    rig_limit(rig, RACK, 3000.0);
    rig_run(rig, S);
    assert_refused(ask(rig, 1, TRAY_A, 2700.0, 2 * S), CORE_TOKEN_REASON_ENVELOPE, 2600.0, 0);
    core_plan_nodes(rig->plan)[RACK].limit[0].limit_w = 5000.0;
    core_plan_nodes(rig->plan)[RACK].limit[0].limit_standing_w = 5000.0;
    rig->plan->version++;
    rig_run(rig, S);
    assert_int_equal(ask(rig, 1, TRAY_A, 2000.0, 5 * S)->state, CORE_TOKEN_GRANTED);
    /* 5000 - 2000, of which its own minimums are a part */
    assert_refused(ask(rig, 2, TRAY_B, 3100.0, 2 * S), CORE_TOKEN_REASON_ENVELOPE, 3000.0, 5 * S - 110000);
    rig_run(rig, rig_token(rig, 2)->retry_after_us);
    assert_int_equal(ask(rig, 2, TRAY_B, 3100.0, 2 * S)->state, CORE_TOKEN_GRANTED);
    rig_free(rig);
}

/* Two leases in the way, and the second one's end is what is waited for. */
static void room_in_a_limit_is_waited_for_as_long_as_it_takes(void **state)
{
    (void)state;
    struct rig *rig = started();

    rig_limit(rig, RACK, 5000.0);
    rig_run(rig, S);
    assert_int_equal(ask(rig, 1, TRAY_A, 2000.0, 3 * S)->state, CORE_TOKEN_GRANTED);
    assert_int_equal(ask(rig, 2, TRAY_A, 1500.0, 7 * S)->state, CORE_TOKEN_GRANTED);
    assert_refused(ask(rig, 3, TRAY_B, 4000.0, 2 * S), CORE_TOKEN_REASON_ENVELOPE, 1500.0, 7 * S - 110000);
    rig_run(rig, rig_token(rig, 3)->retry_after_us - 1000000);
    assert_int_equal(ask(rig, 3, TRAY_B, 4000.0, 2 * S)->state, CORE_TOKEN_REFUSED);
    rig_run(rig, rig_token(rig, 3)->retry_after_us);
    assert_int_equal(ask(rig, 3, TRAY_B, 4000.0, 2 * S)->state, CORE_TOKEN_GRANTED);
    rig_free(rig);
}

/* A budget that is only lent is no room for a promise. */
static void a_lent_budget_is_not_leased_on(void **state)
{
    (void)state;
    struct rig *rig = started();
    struct core_plan_limit *limit = rig_limit(rig, RACK, 8000.0);

    limit->limit_standing_w = 3000.0;
    limit->expires_us = rig->now_us + 100 * S;
    rig_run(rig, S);
    assert_refused(ask(rig, 1, TRAY_A, 2700.0, 2 * S), CORE_TOKEN_REASON_ENVELOPE, 2600.0, 0);
    rig_free(rig);
}

/* The budget fell just now: sums are still above it. */
static void nothing_is_leased_while_a_sum_is_being_lowered(void **state)
{
    (void)state;
    struct rig *rig = started();

    rig_limit(rig, RACK, 5000.0);
    assert_refused(ask(rig, 1, TRAY_A, 2000.0, 2 * S), CORE_TOKEN_REASON_ENVELOPE, 400.0, 110000);
    rig_run(rig, rig_token(rig, 1)->retry_after_us);
    assert_int_equal(ask(rig, 1, TRAY_A, 2000.0, 2 * S)->state, CORE_TOKEN_GRANTED);
    rig_free(rig);
}

/* What allocation does not move counts in full: a charger, a silent device. */
static void room_is_what_nobody_else_holds(void **state)
{
    (void)state;
    struct rig *rig = pooled();
    int32_t charger = rig_lever(rig, CORE_LEVER_CHARGE, rig_device(rig), rig_node(rig, CORE_NODE_LOAD, RACK));

    rig_sensor(rig, rig_node(rig, CORE_NODE_LOAD, RACK), 100.0);
    rig->levers[charger].max = 8.0;
    rig->levers[charger].watts_per_unit = 50.0;
    *rig_held(rig, charger) = 0.0;
    rig_start(rig);
    zone_add(rig, RACK, 10000.0);
    rig->plan->tokens.zone[0].unit_w = 0.0;
    rig_limit(rig, RACK, 5000.0);
    rig_run(rig, S);
    rig->silent[rig->levers[7].device] = true; /* its cap stands where it is */
    rig_run(rig, 2 * S);

    double stands_w = rig_view(rig, 7)->counted, charges_w = 50.0 * rig_view(rig, charger)->counted;
    double room_w = 5000.0 - 102.0 - stands_w - charges_w - 300.0;
    const struct core_token_view *token = ask(rig, 1, TRAY_A, 3990.0, 2 * S);

    assert_true(stands_w > 400.0);
    assert_int_equal(token->reason, CORE_TOKEN_REASON_ENVELOPE);
    RIG_NEAR(token->alternative_w, floor(room_w + 1e-6));
    rig_free(rig);
}

/* A rack's lease falls on a tray whose limit others' promises have filled. */
static void a_limit_below_counts_as_well(void **state)
{
    (void)state;
    struct rig *rig = started();

    rig_limit(rig, TRAY_B, 1500.0);
    rig_run(rig, S);
    assert_int_equal(ask(rig, 1, TRAY_B, 1500.0, 30 * S)->state, CORE_TOKEN_GRANTED);
    /* by weight, more than 375 W a lever of the other tray would take some here */
    assert_refused(ask(rig, 2, RACK, 2000.0, 2 * S), CORE_TOKEN_REASON_ENVELOPE, 1500.0, 30 * S - 110000);
    assert_int_equal(ask(rig, 2, RACK, 1500.0, 2 * S)->state, CORE_TOKEN_GRANTED);
    RIG_NEAR(tray_w(rig, TRAY_B), 1500.0);
    rig_free(rig);
}

/* ---- protective devices ---- */

static void a_lease_that_would_trip_a_breaker_is_refused(void **state)
{
    (void)state;
    struct rig *rig = curved(1000.0, &breaker);
    const struct core_token_view *token = ask(rig, 1, TRAY_A, 4000.0, 10 * S);
    double most_w;

    /* at twice its rating it trips after 20 ln((4 - 0.64) / (4 - 1.1025)) = 3 s */
    assert_int_equal(token->state, CORE_TOKEN_REFUSED);
    assert_int_equal(token->reason, CORE_TOKEN_REASON_CURVE);
    most_w = token->alternative_w;
    /* at most 0.7 full after 10 s: i2 + (0.63 - i2) e^-0.5 = 0.77, so 1.99 kW */
    assert_true(most_w >= 1900.0 && most_w <= 2000.0);
    assert_int_equal(ask(rig, 1, TRAY_A, most_w, 10 * S)->state, CORE_TOKEN_GRANTED);
    assert_int_equal(ask(rig, 1, TRAY_A, 0.0, 0)->state, CORE_TOKEN_RETURNED);
    assert_int_equal(ask(rig, 1, TRAY_A, most_w + 100.0, 10 * S)->state, CORE_TOKEN_REFUSED);
    assert_int_equal(ask(rig, 1, TRAY_B, 4000.0, 10 * S)->state, CORE_TOKEN_GRANTED); /* not its tray */
    rig_free(rig);
}

/* Hot from an overload, so a lease that a cool one would bear waits. */
static void a_hot_breaker_is_waited_for(void **state)
{
    (void)state;
    struct rig *rig = curved(1000.0, &breaker);
    const struct core_token_view *token;
    int64_t retry_us;

    rig->value[sensor_of(rig)] = 2060.0;
    rig_run(rig, 60 * S);
    rig->value[sensor_of(rig)] = 600.0;
    rig_step(rig);
    token = ask(rig, 1, TRAY_A, 1700.0, 5 * S);
    assert_int_equal(token->state, CORE_TOKEN_REFUSED);
    assert_int_equal(token->reason, CORE_TOKEN_REASON_CONFLICT);
    retry_us = token->retry_after_us;
    assert_true(retry_us > S);
    RIG_NEAR(token->alternative_w, 0.0);
    rig_run(rig, retry_us - 200000);
    assert_int_equal(ask(rig, 1, TRAY_A, 1700.0, 5 * S)->state, CORE_TOKEN_REFUSED);
    rig_run(rig, 200000);
    assert_int_equal(ask(rig, 1, TRAY_A, 1700.0, 5 * S)->state, CORE_TOKEN_GRANTED);
    rig_free(rig);
}

static void a_lease_stays_away_from_short_and_instant_pick_ups(void **state)
{
    (void)state;
    struct core_config_curve lsi = { .kind = CORE_CURVE_LSI,
                                     .rated_w = 1000.0,
                                     .trip_ratio = 1.1,
                                     .cool_s = 20.0,
                                     .long_s = 100.0,
                                     .short_ratio = 3.0,
                                     .short_s = 0.2 };
    struct rig *rig = curved(500.0, &lsi);

    /* above 3 it trips, above 0.7 x 3 it is feared */
    assert_refused(ask(rig, 1, TRAY_A, 3100.0, 2 * S), CORE_TOKEN_REASON_CURVE, 2100.0, 0);
    assert_refused(ask(rig, 1, TRAY_A, 2200.0, 2 * S), CORE_TOKEN_REASON_CONFLICT, 2100.0, 0);
    assert_int_equal(ask(rig, 1, TRAY_A, 2100.0, 2 * S)->state, CORE_TOKEN_GRANTED);
    rig_free(rig);
    lsi.short_ratio = 0.0;
    lsi.instant_ratio = 3.0;
    lsi.instant_margin_ratio = 0.85;
    rig = curved(500.0, &lsi);
    assert_refused(ask(rig, 1, TRAY_A, 2600.0, 2 * S), CORE_TOKEN_REASON_CURVE, 2100.0, 0);
    assert_refused(ask(rig, 1, TRAY_A, 2200.0, 2 * S), CORE_TOKEN_REASON_CONFLICT, 2100.0, 0);
    assert_int_equal(ask(rig, 1, TRAY_A, 2100.0, 2 * S)->state, CORE_TOKEN_GRANTED);
    rig_free(rig);
}

/* What others leased and do not draw yet is counted as if they did. */
static void leases_that_are_not_drawn_yet_count_for_breakers(void **state)
{
    (void)state;
    struct rig *rig = curved(400.0, &breaker);

    assert_int_equal(ask(rig, 1, 3, 600.0, 10 * S)->state, CORE_TOKEN_GRANTED);
    assert_int_equal(ask(rig, 2, 4, 600.0, 10 * S)->state, CORE_TOKEN_GRANTED);
    assert_int_equal(ask(rig, 3, 5, 600.0, 10 * S)->state, CORE_TOKEN_REFUSED);
    rig_free(rig);
}

/* ---- zones above zones ---- */

static struct rig *nested(void)
{
    struct rig *rig = pooled();

    rig_start(rig);
    zone_add(rig, RACK, 5000.0);   /* 4000, 4250 with burst */
    zone_add(rig, TRAY_A, 4000.0); /* 3200, 3400 */
    zone_add(rig, TRAY_B, 4000.0);
    rig->plan->tokens.zone[1].coordination_us = rig->plan->tokens.zone[2].coordination_us = 100000;
    rig_run(rig, 500000);
    return rig;
}

static void a_grant_is_charged_to_the_pools_above(void **state)
{
    (void)state;
    struct rig *rig = nested();

    assert_int_equal(ask(rig, 1, TRAY_A, 3200.0, 50 * S)->state, CORE_TOKEN_GRANTED);
    rig_run(rig, S);
    assert_refused(ask(rig, 2, TRAY_B, 1200.0, 2 * S), CORE_TOKEN_REASON_POOL, 1000.0, 49 * S - 20000);
    assert_int_equal(ask(rig, 2, TRAY_B, 1000.0, 2 * S)->state, CORE_TOKEN_GRANTED);
    assert_refused(ask(rig, 3, TRAY_B, 3500.0, 2 * S), CORE_TOKEN_REASON_BURST, 0.0, 0);
    rig_free(rig);
}

static void a_pool_above_settles_first(void **state)
{
    (void)state;
    struct rig *rig = nested();

    assert_int_equal(ask(rig, 1, RACK, 100.0, 50 * S)->state, CORE_TOKEN_GRANTED);
    assert_refused(ask(rig, 2, TRAY_A, 100.0, 2 * S), CORE_TOKEN_REASON_COORDINATION, 0.0, 90000);
    rig_run(rig, rig_token(rig, 2)->retry_after_us - 10000);
    assert_int_equal(ask(rig, 2, TRAY_A, 100.0, 2 * S)->state, CORE_TOKEN_GRANTED);
    /* and the zone above waits for the one below, another one beside it as well */
    assert_refused(ask(rig, 3, RACK, 100.0, 2 * S), CORE_TOKEN_REASON_COORDINATION, 0.0, 90000);
    assert_refused(ask(rig, 4, TRAY_B, 100.0, 2 * S), CORE_TOKEN_REASON_COORDINATION, 0.0, 80000);
    assert_int_equal(ask(rig, 5, TRAY_A, 100.0, 2 * S)->state, CORE_TOKEN_GRANTED); /* its own goes on */
    rig_free(rig);
}

/* ---- anybody asks for anything ---- */

static double part(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return (double)(*random >> 11) * 0x1.0p-53;
}

struct play {
    struct rig *rig;
    uint64_t random;
    int32_t granted, refused, tried, retried;
    double credit_w;
};

static void play_check(struct play *p)
{
    struct rig *rig = p->rig;
    double rack_w = 0.0, tray[2] = { 0.0, 0.0 };

    for (int32_t t = 0; t < rig->out->token_count; t++) {
        const struct core_token_view *token = &core_outputs_tokens(rig->out)[t];

        if (!(token->granted_w > 0.0))
            continue;
        assert_true(token->expires_us > rig->now_us);
        rack_w += token->granted_w;
        if (token->node != RACK)
            tray[token->node == TRAY_A || (token->node > TRAY_B && token->node < 7) ? 0 : 1] +=
                token->granted_w;
    }
    assert_true(rack_w <= 0.85 * 10000.0 + 1e-6);
    assert_true(tray[0] <= 0.85 * 6000.0 + 1e-6);
    assert_true(rig_zone(rig, RACK)->counted_w <= 6000.0 + 1e-6);
    assert_true(rig_zone(rig, TRAY_B)->counted_w <= 3500.0 + 1e-6);
    assert_int_equal(rig->events[EV_INFEASIBLE], 0);
}

/* Every lease's promise is in what allocation wants, while budgets are calm. */
static void play_promised(struct play *p)
{
    struct rig *rig = p->rig;
    double promised_w[2] = { 0.0, 0.0 }, all_w = 0.0;

    for (int32_t t = 0; t < rig->out->token_count; t++) {
        const struct core_token_view *token = &core_outputs_tokens(rig->out)[t];

        if (!(token->granted_w > 0.0) || rig->now_us >= token->expires_us - 100000)
            continue;
        all_w += token->granted_w;
        if (token->node == TRAY_A || token->node == TRAY_B)
            promised_w[token->node - TRAY_A] += token->granted_w;
    }
    for (int32_t t = 0; t < 2; t++)
        assert_true(tray_w(rig, TRAY_A + t) >= fmin(promised_w[t], 4000.0) - 1e-6);
    assert_true(tray_w(rig, TRAY_A) + tray_w(rig, TRAY_B) >= fmin(all_w, 5600.0) - 1e-6);
}

/* What a refusal says is true: the alternative is granted, and later all of it. */
static void play_again(struct play *p, const struct core_request *wish)
{
    struct rig *rig = p->rig;
    const struct core_token_view *token = rig_token(rig, wish->client);
    double alternative_w = token->alternative_w;
    int64_t retry_us = token->retry_after_us;

    assert_true(token->reason != CORE_TOKEN_REASON_NONE);
    assert_true(alternative_w < wish->amount_w);
    if (retry_us > 0 && part(&p->random) < 0.5) {
        rig->step_us = retry_us < 10000 ? 10000 : retry_us;
        token = ask(rig, wish->client, wish->node, wish->amount_w, wish->duration_us);
        rig->step_us = 10000;
        assert_int_equal(token->state, CORE_TOKEN_GRANTED);
        p->retried++;
    } else if (alternative_w > 0.0) {
        token = ask(rig, wish->client, wish->node, alternative_w, wish->duration_us);
        assert_int_equal(token->state, CORE_TOKEN_GRANTED);
        RIG_NEAR(token->granted_w, alternative_w);
        p->tried++;
    }
}

static void a_thousand_wishes_never_exceed_pool_or_envelope(void **state)
{
    (void)state;

    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct play p = { .rig = pooled(), .random = seed * 77777 };
        struct rig *rig = p.rig;

        rig_start(rig);
        zone_add(rig, RACK, 10000.0);
        zone_add(rig, TRAY_A, 6000.0);
        rig->plan->tokens.zone[1].coordination_us = 0;
        rig->plan->tokens.zone[0].coordination_us = 0;
        rig_limit(rig, RACK, 6000.0);
        rig_limit(rig, TRAY_B, 3500.0);
        rig_run(rig, S);
        for (int32_t k = 0; k < 1000; k++) {
            struct core_request wish = { .client = 1 + (uint64_t)(8.0 * part(&p.random)),
                                         .node = (int32_t)(11.0 * part(&p.random)),
                                         .amount_w = floor(60.0 * part(&p.random) * part(&p.random)) * 100.0,
                                         .duration_us = S + (int64_t)(20e6 * part(&p.random)) };
            const struct core_token_view *token =
                ask(rig, wish.client, wish.node, wish.amount_w, wish.duration_us);

            p.granted += token->state == CORE_TOKEN_GRANTED;
            p.refused += token->state == CORE_TOKEN_REFUSED;
            play_check(&p);
            if (token->state == CORE_TOKEN_REFUSED)
                play_again(&p, &wish);
            for (int32_t s = (int32_t)(60.0 * part(&p.random)); s > 0; s--) {
                rig_step(rig);
                play_check(&p);
                play_promised(&p);
            }
        }
        print_message("%d granted, %d refused, %d alternatives and %d later tries granted\n", p.granted,
                      p.refused, p.tried, p.retried);
        assert_true(p.granted > 200 && p.refused > 100 && p.tried > 30 && p.retried > 30);
        rig_free(rig);
    }
}

/* Leased to others below, not drawn yet, it comes with what is lost on its way up. */
static void losses_on_the_way_up_count_for_breakers(void **state)
{
    (void)state;
    struct rig *rig = pooled();

    rig->nodes[RACK].loss_ratio = 0.25;
    rig->nodes[RACK].curve = (struct core_config_curve){ .kind = CORE_CURVE_LSI,
                                                         .rated_w = 4000.0,
                                                         .trip_ratio = 1.1,
                                                         .cool_s = 10.0,
                                                         .long_s = 100.0,
                                                         .short_ratio = 1.5,
                                                         .short_s = 0.4 };
    rig_sensor(rig, RACK, 0.0);
    rig_start(rig);
    zone_add(rig, RACK, 20000.0);
    rig_run(rig, 500000);
    assert_int_equal(ask(rig, 1, TRAY_B, 1000.0, 10 * S)->state, CORE_TOKEN_GRANTED);
    /* 0.7 of the short stage is 4200 W: 1250 W are taken, 2950 W left above, 2360 W below */
    assert_refused(ask(rig, 2, TRAY_A, 2400.0, 10 * S), CORE_TOKEN_REASON_CONFLICT, 2300.0, 0);
    assert_int_equal(ask(rig, 2, TRAY_A, 2300.0, 10 * S)->state, CORE_TOKEN_GRANTED);
    rig_free(rig);
}

/* The day is old by then: what is waited for lies after now, not after the start. */
static void a_pool_is_waited_for_however_long_the_core_has_run(void **state)
{
    (void)state;
    struct rig *rig = pooled();

    rig->now_us = 100000 * S;
    rig_start(rig);
    zone_add(rig, RACK, 10000.0);
    rig_run(rig, 500000);
    assert_int_equal(ask(rig, 1, RACK, 8500.0, 60 * S)->state, CORE_TOKEN_GRANTED);
    assert_int_equal(ask(rig, 1, RACK, 0.0, 0)->state, CORE_TOKEN_RETURNED);
    assert_refused(ask(rig, 1, RACK, 8500.0, 60 * S), CORE_TOKEN_REASON_POOL, 8000.0, 10 * S);
    rig_run(rig, rig_token(rig, 1)->retry_after_us);
    assert_int_equal(ask(rig, 1, RACK, 8500.0, 60 * S)->state, CORE_TOKEN_GRANTED);
    rig_free(rig);
}

/* Nothing flows back: a pool is waited for until the last lease in the way ends. */
static void a_pool_that_nothing_refills_is_waited_for_until_leases_end(void **state)
{
    (void)state;
    struct rig *rig = pooled();

    rig_start(rig);
    zone_add(rig, RACK, 10000.0);
    rig->plan->tokens.zone[0].refill_w_per_s = 0.0;
    rig_run(rig, 500000);
    assert_int_equal(ask(rig, 1, RACK, 5000.0, 30 * S)->state, CORE_TOKEN_GRANTED);
    assert_int_equal(ask(rig, 2, RACK, 3000.0, 10 * S)->state, CORE_TOKEN_GRANTED);
    assert_refused(ask(rig, 3, RACK, 2900.0, 2 * S), CORE_TOKEN_REASON_POOL, 500.0, 10 * S);
    assert_refused(ask(rig, 3, RACK, 7000.0, 2 * S), CORE_TOKEN_REASON_POOL, 500.0, 30 * S - 30000);
    rig_run(rig, rig_token(rig, 3)->retry_after_us);
    assert_int_equal(ask(rig, 3, RACK, 7000.0, 2 * S)->state, CORE_TOKEN_GRANTED);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_no_pool_covers_is_refused),
        cmocka_unit_test(no_lease_is_shorter_or_longer_than_leases_may_be),
        cmocka_unit_test(more_than_may_be_leased_at_all_is_refused_for_good),
        cmocka_unit_test(no_tokens_while_nothing_is_controlled),
        cmocka_unit_test(what_does_not_fit_a_limit_above_is_refused),
        cmocka_unit_test(room_in_a_limit_is_waited_for_as_long_as_it_takes),
        cmocka_unit_test(a_lent_budget_is_not_leased_on),
        cmocka_unit_test(nothing_is_leased_while_a_sum_is_being_lowered),
        cmocka_unit_test(room_is_what_nobody_else_holds),
        cmocka_unit_test(a_limit_below_counts_as_well),
        cmocka_unit_test(a_lease_that_would_trip_a_breaker_is_refused),
        cmocka_unit_test(a_hot_breaker_is_waited_for),
        cmocka_unit_test(a_lease_stays_away_from_short_and_instant_pick_ups),
        cmocka_unit_test(leases_that_are_not_drawn_yet_count_for_breakers),
        cmocka_unit_test(a_grant_is_charged_to_the_pools_above),
        cmocka_unit_test(a_pool_above_settles_first),
        cmocka_unit_test(a_thousand_wishes_never_exceed_pool_or_envelope),
        cmocka_unit_test(losses_on_the_way_up_count_for_breakers),
        cmocka_unit_test(a_pool_is_waited_for_however_long_the_core_has_run),
        cmocka_unit_test(a_pool_that_nothing_refills_is_waited_for_until_leases_end),
    };

    return cmocka_run_group_tests_name("grant", tests, NULL, NULL);
}
