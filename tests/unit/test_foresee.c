/* SPDX-License-Identifier: Apache-2.0 */
/* Forecasters in the core: who is listened to, when, and what it may change. */
#include "busbar/fc.h"
#include "core/forecast.h"
#include "core/foresee.h"
#include "core_rig.h"

#define RACK_W   1500.0
#define LEAVES   3
#define PERIOD_S 24

struct bench {
    struct rig *rig;
    int32_t rack, lever[LEAVES], point[LEAVES];
};

static void bench_start_fed(struct bench *bench, enum core_forecast forecast, bool fed)
{
    struct rig *rig = bench->rig = rig_new();

    rig->step_us = rig->config.period_us = 50000;
    rig->config.forecast = forecast;
    bench->rack = rig_node(rig, CORE_NODE_RACK, fed ? rig_node(rig, CORE_NODE_FEED, CORE_NONE) : CORE_NONE);
    for (int i = 0; i < LEAVES; i++) {
        bench->lever[i] = rig_gpu(rig, bench->rack, 100.0, 1200.0);
        bench->point[i] = rig_measure(rig, bench->lever[i], 200.0);
    }
    rig_start(rig);
    rig->plan->forecast_margin_ratio = 0.1;
    (void)rig_limit(rig, bench->rack, RACK_W);
}

static void bench_start(struct bench *bench, enum core_forecast forecast)
{
    bench_start_fed(bench, forecast, false);
}

static void bench_free(struct bench *bench)
{
    rig_free(bench->rig);
}

/* Leaf 0 stands at 200 W and rises to 400 W for a quarter of each period. */
static void bench_load(struct bench *bench)
{
    int64_t at_us = bench->rig->now_us % (PERIOD_S * INT64_C(1000000));

    bench->rig->value[bench->point[0]] = at_us < PERIOD_S * INT64_C(250000) ? 400.0 : 200.0;
    for (int i = 0; i < LEAVES; i++) /* no two readings are the same, as of real sensors */
        bench->rig->value[bench->point[i]] += 1e-3 * (double)(bench->rig->now_us % 1700000) * 1e-3;
}

static void bench_run(struct bench *bench, int seconds)
{
    for (int64_t end_us = bench->rig->now_us + seconds * INT64_C(1000000); bench->rig->now_us < end_us;) {
        for (int i = 1; i < LEAVES; i++)
            bench->rig->value[bench->point[i]] = 200.0;
        bench_load(bench);
        rig_step(bench->rig);
    }
}

static const struct core_forecast_view *bench_view(const struct bench *bench, int forecaster)
{
    assert_true(forecaster < bench->rig->out->forecast_count);
    return &core_outputs_forecasts(bench->rig->out)[forecaster];
}

static void without_them_there_is_no_room_for_any(void **state)
{
    struct bench off, on;

    (void)state;
    bench_start(&off, CORE_FORECAST_OFF);
    bench_start(&on, CORE_FORECAST_LEARN);
    bench_run(&off, 1);
    bench_run(&on, 1);
    assert_int_equal(off.rig->out->forecast_count, 0);
    assert_int_equal(on.rig->out->forecast_count, 1 + LEAVES);
    assert_true(core_size(&on.rig->config) > core_size(&off.rig->config) + LEAVES * 10000);
    assert_int_equal(bench_view(&on, 0)->lever, CORE_NONE);
    assert_int_equal(bench_view(&on, 0)->node, on.rack);
    for (int i = 0; i < LEAVES; i++)
        assert_int_equal(bench_view(&on, 1 + i)->lever, on.lever[i]);
    bench_free(&off);
    bench_free(&on);
}

static void a_peak_that_comes_again_is_wanted_before_it_comes(void **state)
{
    struct bench off, on;
    int64_t before_us;

    (void)state;
    bench_start(&off, CORE_FORECAST_OFF);
    bench_start(&on, CORE_FORECAST_LEARN);
    bench_run(&off, 10 * PERIOD_S);
    bench_run(&on, 10 * PERIOD_S);
    assert_true(bench_view(&on, 1)->votes);
    assert_true(bench_view(&on, 1)->coverage[1] > 0.95);
    /* Three seconds before the next one. */
    before_us = PERIOD_S * INT64_C(1000000) - on.rig->now_us % (PERIOD_S * INT64_C(1000000));
    bench_run(&off, (int)(before_us / 1000000) - 3);
    bench_run(&on, (int)(before_us / 1000000) - 3);
    assert_true(on.rig->value[on.point[0]] < 250.0);
    assert_true(rig_view(off.rig, off.lever[0])->demand_w < 250.0);
    assert_true(rig_view(on.rig, on.lever[0])->demand_w > 390.0);
    assert_true(rig_view(on.rig, on.lever[1])->demand_w < 250.0);
    bench_free(&off);
    bench_free(&on);
}

static void one_that_is_wrong_too_often_loses_its_vote_and_begins_anew(void **state)
{
    struct bench bench;
    uint64_t resets;

    (void)state;
    bench_start(&bench, CORE_FORECAST_LEARN);
    bench_run(&bench, 4 * PERIOD_S);
    resets = bench_view(&bench, 1)->resets;
    assert_true(bench_view(&bench, 1)->votes);
    assert_int_equal(bench.rig->events[EV_FORECAST_LOST], 0);
    /* A board that draws more than its limit lets through is above every bound. */
    for (int s = 0; s < 200 && bench_view(&bench, 1)->resets == resets; s++)
        for (int k = 0; k < 20; k++) {
            bench.rig->value[bench.point[0]] = 3000.0 + 0.001 * (double)(s * 20 + k);
            rig_step(bench.rig);
        }
    assert_true(bench_view(&bench, 1)->resets > resets);
    assert_false(bench_view(&bench, 1)->votes);
    assert_true(bench.rig->events[EV_FORECAST_LOST] >= 1);
    /* Persistence and its margin stand in. */
    RIG_NEAR(rig_view(bench.rig, bench.lever[0])->demand_w,
             fmin(1.1 * bench.rig->value[bench.point[0]], rig_view(bench.rig, bench.lever[0])->counted));
    bench_free(&bench);
}

static void it_comes_back_once_its_bounds_hold_again(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench, CORE_FORECAST_LEARN);
    bench_run(&bench, 4 * PERIOD_S);
    for (int s = 0; s < 200 && bench_view(&bench, 1)->votes; s++)
        for (int k = 0; k < 20; k++) {
            bench.rig->value[bench.point[0]] = 3000.0 + 0.001 * (double)(s * 20 + k);
            rig_step(bench.rig);
        }
    assert_false(bench_view(&bench, 1)->votes);
    bench_run(&bench, 20 * PERIOD_S);
    assert_true(bench_view(&bench, 1)->votes);
    assert_true(bench.rig->events[EV_FORECAST_BACK] >= 1);
    bench_free(&bench);
}

/* A feed was put above the rack, so that the rack has another number. */
static void a_reload_knows_the_rack_by_its_new_number(void **state)
{
    int32_t same[RIG_POINTS], node[RIG_NODES] = { CORE_NONE, 0 };
    const struct core_map map = { .node = node, .point = same, .lever = same, .device = same };
    struct bench old, bench;
    uint64_t readings;

    (void)state;
    for (int32_t i = 0; i < RIG_POINTS; i++)
        same[i] = i;
    for (int32_t i = 2; i < RIG_NODES; i++)
        node[i] = i - 1;
    bench_start(&old, CORE_FORECAST_LEARN);
    bench_run(&old, 10);
    readings = bench_view(&old, 0)->readings;
    bench_start_fed(&bench, CORE_FORECAST_LEARN, true);
    bench.rig->now_us = old.rig->now_us;
    core_adopt(bench.rig->core, old.rig->core, &map);
    bench_run(&bench, 1);
    assert_int_equal(bench.rack, 1);
    assert_int_equal(bench_view(&bench, 0)->node, bench.rack);
    for (int i = 0; i < LEAVES; i++)
        assert_int_equal(bench_view(&bench, 1 + i)->lever, bench.lever[i]);
    assert_true(bench_view(&bench, 0)->readings > readings);
    bench_free(&old);
    bench_free(&bench);
}

/* Each loss doubles the readings that it takes to be heard again, up to sixteen times those of the first. */
static void after_each_loss_it_must_be_right_for_longer(void **state)
{
    struct bench bench;
    int32_t need = 30;

    (void)state;
    bench_start(&bench, CORE_FORECAST_LEARN);
    bench_run(&bench, 2);
    for (int loss = 0; loss < 7; loss++) {
        struct block b = block_open(bench.rig->core);
        const struct foresee *f = &b.foresees[b.foresee_of[bench.lever[0]]];
        uint64_t resets = f->resets;

        assert_int_equal(f->need, need);
        need = need < 480 ? 2 * need : 480;
        for (int s = 0; s < 4000 && f->resets == resets; s++) /* ever above every bound */
            for (int k = 0; k < 20; k++) {
                bench.rig->value[bench.point[0]] = 300.0 + 50.0 * loss + 10.0 * s + 0.001 * k;
                rig_step(bench.rig);
            }
        assert_int_equal(f->resets, resets + 1);
    }
    bench_free(&bench);
}

static void a_leaf_that_is_not_read_has_no_vote(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench, CORE_FORECAST_LEARN);
    bench_run(&bench, 4 * PERIOD_S);
    assert_true(bench_view(&bench, 1)->votes);
    bench.rig->silent[bench.rig->levers[bench.lever[0]].device] = true;
    bench_run(&bench, 2);
    assert_true(isnan(rig_view(bench.rig, bench.lever[0])->demand_w));
    /* What happened in between is not made up. */
    bench_run(&bench, 30);
    bench.rig->silent[bench.rig->levers[bench.lever[0]].device] = false;
    bench_run(&bench, 2);
    assert_false(bench_view(&bench, 1)->votes);
    assert_true(bench_view(&bench, 1)->readings < 5);
    bench_free(&bench);
}

/* Twelve readings may be missing: a leaf's come each second, the rack's ten times as often. */
static void a_gap_of_a_few_seconds_ends_what_the_rack_learned_and_not_the_leaves(void **state)
{
    struct bench bench;
    uint64_t readings[1 + LEAVES];

    (void)state;
    bench_start(&bench, CORE_FORECAST_LEARN);
    bench_run(&bench, 60);
    for (int i = 0; i <= LEAVES; i++)
        readings[i] = bench_view(&bench, i)->readings;
    for (int i = 0; i < LEAVES; i++)
        bench.rig->silent[bench.rig->levers[bench.lever[i]].device] = true;
    bench_run(&bench, 5);
    for (int i = 0; i < LEAVES; i++)
        bench.rig->silent[bench.rig->levers[bench.lever[i]].device] = false;
    bench_run(&bench, 2);
    assert_true(bench_view(&bench, 0)->readings < 30);
    for (int i = 1; i <= LEAVES; i++)
        assert_true(bench_view(&bench, i)->readings > readings[i]);
    bench_free(&bench);
}

static void the_same_readings_give_the_same_block_to_the_last_bit(void **state)
{
    struct bench a, b;
    struct core *copy;
    size_t size;

    (void)state;
    bench_start(&a, CORE_FORECAST_LEARN);
    bench_start(&b, CORE_FORECAST_LEARN);
    size = core_size(&a.rig->config);
    bench_run(&a, 50);
    bench_run(&b, 50);
    assert_memory_equal(a.rig->core, b.rig->core, size);
    copy = malloc(size); /* a copy goes on as the original */
    assert_non_null(copy);
    memcpy(copy, b.rig->core, size);
    free(b.rig->core);
    b.rig->core = copy;
    bench_run(&a, 50);
    bench_run(&b, 50);
    assert_memory_equal(a.rig->core, b.rig->core, size);
    bench_free(&a);
    bench_free(&b);
}

static void a_reload_keeps_what_was_learned(void **state)
{
    int32_t same[RIG_POINTS];
    const struct core_map map = { .node = same, .point = same, .lever = same, .device = same };
    struct bench bench;
    struct core *old;
    uint64_t readings;

    (void)state;
    for (int32_t i = 0; i < RIG_POINTS; i++)
        same[i] = i;
    bench_start(&bench, CORE_FORECAST_LEARN);
    bench_run(&bench, 4 * PERIOD_S);
    readings = bench_view(&bench, 1)->readings;
    old = bench.rig->core;
    bench.rig->core = NULL;
    rig_boot(bench.rig);
    core_adopt(bench.rig->core, old, &map);
    free(old);
    bench_run(&bench, 2);
    assert_true(bench_view(&bench, 0)->votes && bench_view(&bench, 1)->votes);
    assert_true(bench_view(&bench, 1)->readings > readings);
    /* Off, and on again: nothing is left. */
    old = bench.rig->core;
    bench.rig->core = NULL;
    bench.rig->config.forecast = CORE_FORECAST_OFF;
    rig_boot(bench.rig);
    core_adopt(bench.rig->core, old, &map);
    free(old);
    free(bench.rig->out);
    bench.rig->out = calloc(1, core_outputs_size(&bench.rig->config));
    assert_non_null(bench.rig->out);
    core_outputs_init(bench.rig->out, &bench.rig->config);
    bench_run(&bench, 2);
    assert_int_equal(bench.rig->out->forecast_count, 0);
    bench_free(&bench);
}

static void bench_step_hinted(struct bench *bench, const struct core_hint *hints, int32_t count)
{
    struct rig *rig = bench->rig;

    rig->now_us += rig->step_us;
    rig_readings(rig);

    const struct core_inputs in = {
        .now_us = rig->now_us,
        .reading_count = rig->config.point_count,
        .readings = rig->readings,
        .ack_count = rig->ack_count,
        .acks = rig->acks,
        .hint_count = count,
        .hints = hints,
        .plan = rig->plan,
    };

    core_step(rig->core, &in, rig->out);
    rig->ack_count = 0;
    rig_obey(rig);
}

/* Whatever is said of the future, what the levers may let through fits the limit. */
static void no_hint_moves_the_sum_of_the_limits(void **state)
{
    static const enum core_forecast how[] = { CORE_FORECAST_LEARN, CORE_FORECAST_TOLD };
    uint64_t seed = 1;

    (void)state;
    for (size_t h = 0; h < sizeof how / sizeof how[0]; h++) {
        struct bench bench;
        double least_w = INFINITY, most_w = 0.0;

        bench_start(&bench, how[h]);
        rig_run(bench.rig, INT64_C(5000000));
        for (int i = 0; i < 4000; i++) {
            struct core_hint hints[40];

            for (int k = 0; k < 40; k++) {
                seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                hints[k] = (struct core_hint){
                    .mark = (enum core_mark)(seed >> 33) % 12,
                    .node = (int32_t)(seed >> 40 & 15) - 4,
                    .lever = (int32_t)(seed >> 44 & 15) - 4,
                    .at_us = (seed >> 50 & 1) != 0 ? INT64_MAX : bench.rig->now_us,
                    .value = (seed >> 51 & 1) != 0 ? (double)NAN : 1e5 * (double)(seed >> 58) - 1e5,
                };
                hints[k].mark = (enum core_mark)((int)hints[k].mark - 2);
            }
            bench_load(&bench);
            bench_step_hinted(&bench, hints, i % 41);
            assert_true(rig_zone(bench.rig, bench.rack)->counted_w <= RACK_W + 1e-6);
            least_w = fmin(least_w, rig_view(bench.rig, bench.lever[0])->wanted);
            most_w = fmax(most_w, rig_view(bench.rig, bench.lever[0])->wanted);
        }
        assert_true(least_w >= 100.0 && most_w <= 1200.0);
        if (how[h] == CORE_FORECAST_TOLD)
            assert_true(most_w > least_w); /* it was listened to */
        bench_free(&bench);
    }
}

/* All that draws has a limit in force: while the load is new, that is what the rack's bound says, until power
 * has passed it once. */
static void a_new_load_may_rise_to_what_is_counted(void **state)
{
    struct bench bench;
    const struct core_forecast_view *view;

    (void)state;
    bench_start(&bench, CORE_FORECAST_LEARN);
    bench_run(&bench, 30);
    view = bench_view(&bench, 0);
    assert_true(rig_zone(bench.rig, bench.rack)->counted_w > 1000.0);
    assert_true(rig_zone(bench.rig, bench.rack)->power_w < 900.0 && view->upper_w[FC_90] < 900.0);
    RIG_NEAR(view->upper_w[FC_99], rig_zone(bench.rig, bench.rack)->counted_w);
    for (int i = 0; i < 20; i++) {
        bench.rig->value[bench.point[0]] = 3000.0 + 0.001 * i;
        rig_step(bench.rig);
    }
    assert_true(bench_view(&bench, 0)->upper_w[FC_99] > rig_zone(bench.rig, bench.rack)->counted_w + 500.0);
    bench_run(&bench, 2); /* also when it is under it again */
    assert_true(rig_zone(bench.rig, bench.rack)->power_w < 900.0);
    assert_true(bench_view(&bench, 0)->upper_w[FC_99] > rig_zone(bench.rig, bench.rack)->counted_w + 500.0);
    bench_free(&bench);
}

static void charging_yields_before_a_peak_that_is_foreseen(void **state)
{
    struct bench bench;
    struct rig *rig;
    int32_t charger, sensor;
    double room_w = 0.0, early_w;

    (void)state;
    rig = bench.rig = rig_new();
    rig->step_us = rig->config.period_us = 50000;
    rig->config.forecast = CORE_FORECAST_LEARN;
    bench.rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);
    sensor = rig_sensor(rig, bench.rack, 500.0);
    charger = rig_lever(rig, CORE_LEVER_CHARGE, rig_device(rig), rig_node(rig, CORE_NODE_LOAD, bench.rack));
    rig_start(rig);
    rig->plan->recharge_ratio = 1.0;
    (void)rig_limit(rig, bench.rack, 2000.0);
    for (int64_t i = 0; i < 20 * 12 * 20 + 20 * 13; i++) { /* twelve periods, and 13 s of one more */
        int64_t at_us = (rig->now_us - INT64_C(1000000)) % INT64_C(20000000);

        rig->value[sensor] = (at_us >= INT64_C(15000000) ? 1800.0 : 500.0) + 1e-3 * (double)(i % 7);
        rig_step(rig);
        if (at_us < INT64_C(8000000))
            room_w = rig_zone(rig, bench.rack)->forecast_w;
    }
    assert_true(bench_view(&bench, 0)->votes);
    early_w = rig_zone(rig, bench.rack)->forecast_w; /* two seconds before it */
    assert_true(rig_zone(rig, bench.rack)->power_w < 600.0 && room_w < 700.0);
    assert_true(early_w > 1500.0);
    assert_true(rig_view(rig, charger)->wanted < 600.0);
    bench_free(&bench);
}

/* What allocation hears of leaf 0 after a step that brought no reading, from 500 W on: it draws
 * 200 W under a cap of 400, and its forecaster sees this peak. */
static double bench_hears_w(const struct bench *bench, double peak_w)
{
    const struct core_inputs nothing_new = { .now_us = bench->rig->now_us, .plan = bench->rig->plan };
    struct block b = block_open(bench->rig->core);
    struct foresee *f = &b.foresees[b.foresee_of[bench->lever[0]]];

    assert_ptr_equal(foresee_lever(&b, bench->lever[0]), f); /* it has a vote */
    assert_true(b.points[bench->point[0]].value < 250.0);
    b.in = &nothing_new;
    b.out = bench->rig->out;
    b.core->step++;
    b.core->last_us = b.core->now_us - 50000;
    b.levers[bench->lever[0]].in_force = 400.0;
    b.levers[bench->lever[0]].demand_slow_w = 500.0;
    f->expected_w = 200.0;
    f->peak_w = peak_w;
    f->upper_w[0] = 300.0;
    forecast_step(&b);
    RIG_NEAR(f->peak_w, peak_w);
    return b.levers[bench->lever[0]].demand_slow_w;
}

/* From 0.95 of the cap on a peak is one that the cap cut off: the leaf may want anything. */
static void a_peak_foreseen_at_the_cap_is_a_wish_for_the_maximum(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench, CORE_FORECAST_LEARN);
    bench_run(&bench, 4 * PERIOD_S + PERIOD_S / 2);
    RIG_NEAR(bench_hears_w(&bench, 300.0), 500.0 - 200.0 * 0.05 / 20.0); /* to its bound, slowly */
    RIG_NEAR(bench_hears_w(&bench, 379.0), 500.0 - 200.0 * 0.05 / 20.0);
    RIG_NEAR(bench_hears_w(&bench, 380.0), 500.0 + 700.0 * 0.05 / 2.0); /* to 1200 W, fast */
    RIG_NEAR(bench_hears_w(&bench, 450.0), 500.0 + 700.0 * 0.05 / 2.0);
    bench_free(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_them_there_is_no_room_for_any),
        cmocka_unit_test(a_peak_that_comes_again_is_wanted_before_it_comes),
        cmocka_unit_test(one_that_is_wrong_too_often_loses_its_vote_and_begins_anew),
        cmocka_unit_test(it_comes_back_once_its_bounds_hold_again),
        cmocka_unit_test(a_reload_knows_the_rack_by_its_new_number),
        cmocka_unit_test(after_each_loss_it_must_be_right_for_longer),
        cmocka_unit_test(a_leaf_that_is_not_read_has_no_vote),
        cmocka_unit_test(a_gap_of_a_few_seconds_ends_what_the_rack_learned_and_not_the_leaves),
        cmocka_unit_test(the_same_readings_give_the_same_block_to_the_last_bit),
        cmocka_unit_test(a_reload_keeps_what_was_learned),
        cmocka_unit_test(no_hint_moves_the_sum_of_the_limits),
        cmocka_unit_test(a_new_load_may_rise_to_what_is_counted),
        cmocka_unit_test(charging_yields_before_a_peak_that_is_foreseen),
        cmocka_unit_test(a_peak_foreseen_at_the_cap_is_a_wish_for_the_maximum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
