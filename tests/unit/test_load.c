/* SPDX-License-Identifier: Apache-2.0 */
/* What GPUs ask for over time, and that nothing changes between two load_next(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "sim/load.h"

#define IDLE_W        100.0
#define RATED_W       1100.0
#define NEAR(a, b, e) assert_true(fabs((a) - (b)) <= (e))

static struct plant *new_plant(int32_t gpus)
{
    struct plant *plant = calloc(1, sizeof *plant);

    assert_non_null(plant);
    plant->gpu_count = gpus;
    for (int32_t i = 0; i < gpus; i++)
        plant->gpus[i] = (struct plant_gpu){ .node = i / 4, .idle_w = IDLE_W, .rated_w = RATED_W };
    return plant;
}

static double ratio_of(const struct plant *plant, int32_t gpu)
{
    return (plant->gpus[gpu].demand_w - IDLE_W) / (RATED_W - IDLE_W);
}

static double sum_at(struct load *load, struct plant *plant, double t_s)
{
    double sum_w = 0.0;

    load_demand(load, plant, t_s);
    for (int32_t i = 0; i < plant->gpu_count; i++)
        sum_w += plant->gpus[i].demand_w * (i + 1); /* which GPU it is matters too */
    return sum_w;
}

/* ---- tests ---- */

static void words_name_the_kinds(void **state)
{
    (void)state;
    assert_int_equal(load_kind_find("constant"), LOAD_CONSTANT);
    assert_int_equal(load_kind_find("square"), LOAD_SQUARE);
    assert_int_equal(load_kind_find("inference"), LOAD_INFERENCE);
    assert_int_equal(load_kind_find("step"), LOAD_STEP);
    assert_int_equal(load_kind_find("trace"), LOAD_TRACE);
    assert_int_equal(load_kind_find("sine"), LOAD_KIND_COUNT);
}

static void constant_is_within_its_spread(void **state)
{
    struct plant *plant = new_plant(72);
    struct load load;
    double sum = 0.0;

    (void)state;
    load_init(&load, &(struct load_options){ .kind = LOAD_CONSTANT, .high_ratio = 0.8 }, plant, 1);
    load_demand(&load, plant, 0.0);
    for (int32_t i = 0; i < 72; i++) {
        assert_true(ratio_of(plant, i) >= 0.8 * 0.95 && ratio_of(plant, i) <= 0.8 * 1.05);
        sum += ratio_of(plant, i);
    }
    NEAR(sum / 72.0, 0.8, 0.01);
    assert_true(fabs(ratio_of(plant, 0) - ratio_of(plant, 1)) > 1e-6); /* a little apart */
    NEAR(load_next(&load, 5.0), 5.1, 1e-12);
    /* full work is full work */
    load_init(&load, &(struct load_options){ .kind = LOAD_CONSTANT, .high_ratio = 1.0 }, plant, 1);
    load_demand(&load, plant, 0.0);
    for (int32_t i = 0; i < 72; i++)
        assert_true(plant->gpus[i].demand_w <= RATED_W);
    free(plant);
}

static void square_has_its_edges_to_the_microsecond(void **state)
{
    const struct load_options opt = {
        .kind = LOAD_SQUARE, .high_ratio = 0.9, .low_ratio = 0.2, .period_s = 0.05, .duty_ratio = 0.3
    };
    struct plant *plant = new_plant(1);
    struct load load;

    (void)state;
    load_init(&load, &opt, plant, 3);
    for (int k = -3; k < 2000; k++) { /* before time 0 as after it */
        double at_s = k * 0.05;

        load_demand(&load, plant, at_s);
        assert_true(ratio_of(plant, 0) > 0.8);
        NEAR(load_next(&load, at_s), at_s + 0.015, 1e-9);
        load_demand(&load, plant, at_s + 0.014999);
        assert_true(ratio_of(plant, 0) > 0.8);
        load_demand(&load, plant, at_s + 0.015);
        assert_true(ratio_of(plant, 0) < 0.3);
        NEAR(load_next(&load, at_s + 0.015), at_s + 0.05, 1e-9);
    }
    free(plant);
}

static void a_long_period_is_looked_at_every_tenth_second(void **state)
{
    const struct load_options opt = {
        .kind = LOAD_SQUARE, .high_ratio = 0.9, .low_ratio = 0.2, .period_s = 60, .duty_ratio = 0.5
    };
    struct plant *plant = new_plant(4);
    struct load load;

    (void)state;
    load_init(&load, &opt, plant, 3);
    NEAR(load_next(&load, 1.0), 1.1, 1e-12);
    NEAR(load_next(&load, 29.95), 30.0, 1e-12);
    free(plant);
}

static void gpus_begin_apart_by_the_seed(void **state)
{
    const struct load_options opt = {
        .kind = LOAD_STEP, .high_ratio = 0.9, .low_ratio = 0.1, .at_s = 1.0, .until_s = 2.0, .skew_s = 0.2
    };
    struct plant *plant = new_plant(40);
    struct load load;
    double t_s = 0.9, least_s = 9.0, most_s = 0.0;
    int32_t high = 0;

    (void)state;
    load_init(&load, &opt, plant, 5);
    while (t_s < 1.3) {
        int32_t now = 0;

        load_demand(&load, plant, t_s);
        for (int32_t i = 0; i < 40; i++)
            now += ratio_of(plant, i) > 0.5;
        if (now > high) {
            least_s = fmin(least_s, t_s);
            most_s = t_s;
        }
        assert_true(now >= high);
        high = now;
        t_s = load_next(&load, t_s);
    }
    assert_int_equal(high, 40);
    assert_true(least_s >= 1.0 && least_s < 1.05);
    assert_true(most_s > 1.15 && most_s <= 1.2);
    load_demand(&load, plant, 2.2);
    for (int32_t i = 0; i < 40; i++)
        assert_true(ratio_of(plant, i) < 0.2);
    free(plant);
}

static void inference_is_busy_for_its_part_of_the_time(void **state)
{
    struct load_options opt = {
        .kind = LOAD_INFERENCE, .high_ratio = 1.0, .low_ratio = 0.0, .rate_hz = 5.0, .duty_ratio = 0.4
    };
    struct plant *plant = new_plant(50);
    struct load load;
    double busy_s = 0.0, t_s = 0.0;
    int changes = 0;

    (void)state;
    load_init(&load, &opt, plant, 11);
    while (t_s < 100.0) {
        double next_s;
        int32_t busy = 0;

        load_demand(&load, plant, t_s);
        for (int32_t i = 0; i < 50; i++)
            busy += ratio_of(plant, i) > 0.5;
        next_s = load_next(&load, t_s);
        assert_true(next_s > t_s && next_s <= t_s + 0.1 + 1e-9);
        busy_s += busy * (next_s - t_s);
        t_s = next_s;
        changes++;
    }
    NEAR(busy_s / 50.0 / t_s, 0.4, 0.02);
    assert_true(changes > 50 * 5 * 100); /* each arrival at the least */
    free(plant);
}

static void the_same_seed_is_the_same_load(void **state)
{
    const struct load_options opt = {
        .kind = LOAD_INFERENCE, .high_ratio = 1.0, .low_ratio = 0.1, .rate_hz = 3.0, .skew_s = 0.05
    };
    struct plant *a = new_plant(16), *b = new_plant(16);
    struct load one, other;
    int different = 0;

    (void)state;
    load_init(&one, &opt, a, 21);
    load_init(&other, &opt, b, 21);
    load_demand(&other, b, 0.0); /* where the queues begin */
    for (int i = 0; i < 1000; i++) {
        double t_s = i * 0.01;

        /* one is asked far more often, and is the same */
        for (int k = 0; k < 10; k++)
            load_demand(&one, a, t_s + k * 0.001);
        load_demand(&other, b, t_s + 0.009);
        assert_memory_equal(a->gpus, b->gpus, sizeof a->gpus);
    }
    load_init(&other, &opt, b, 22);
    load_init(&one, &opt, a, 21);
    for (int i = 0; i < 100; i++)
        different += fabs(sum_at(&one, a, i * 0.1) - sum_at(&other, b, i * 0.1)) > 1.0;
    assert_true(different > 90);
    free(a);
    free(b);
}

/* One node of two GPUs, 0 to 100 % in 1 s; with another of its own. */
static double ramp_s[] = { 0.0, 1.0, 2.0 }, ramp_w[] = { 200.0, 1200.0, 1200.0 };
static double rest_s[] = { 0.0, 2.0 }, rest_w[] = { 700.0, 700.0 };
static struct trace_series ramp_nodes[] = { { .count = 3, .room = 3, .t_s = ramp_s, .w = ramp_w },
                                            { .count = 2, .room = 2, .t_s = rest_s, .w = rest_w } };
static struct trace ramp = { .name = "ramp",
                             .node_count = 2,
                             .gpus_per_node = 2,
                             .nodes = ramp_nodes,
                             .duration_s = 2.0,
                             .idle_w = 200.0,
                             .max_w = 1200.0 };

static void a_trace_is_held_between_its_samples(void **state)
{
    const struct load_options opt = { .kind = LOAD_TRACE, .trace = &ramp, .start_s = 0.5 };
    struct plant *plant = new_plant(6);
    struct load load;

    (void)state;
    load_init(&load, &opt, plant, 2);
    load_demand(&load, plant, 0.0);
    NEAR(ratio_of(plant, 0), 0.5 * load.gpus[0].gain, 1e-9);
    NEAR(ratio_of(plant, 1), 0.5 * load.gpus[1].gain, 1e-9);
    NEAR(ratio_of(plant, 2), 0.5 * load.gpus[2].gain, 1e-9);
    NEAR(ratio_of(plant, 4), 0.5 * load.gpus[4].gain, 1e-9); /* the trace is used again */
    NEAR(load_next(&load, 0.0), LOAD_TRACE_S, 1e-12);
    NEAR(load_next(&load, 0.0137), 0.02, 1e-12);
    load_demand(&load, plant, 0.2537);
    NEAR(ratio_of(plant, 0), 0.75 * load.gpus[0].gain, 1e-9);
    NEAR(ratio_of(plant, 3), 0.5 * load.gpus[3].gain, 1e-9);
    load_demand(&load, plant, 0.6); /* full work, and no more than that */
    assert_true(ratio_of(plant, 0) <= 1.0 && ratio_of(plant, 0) >= 0.95);
    free(plant);
}

/* Sampled every 0.1 ms: it changes where load_next() says, and nowhere else. */
static void nothing_changes_in_between(void **state)
{
    static const struct load_options all[] = {
        { .kind = LOAD_CONSTANT, .high_ratio = 0.7 },
        { .kind = LOAD_SQUARE,
          .high_ratio = 0.9,
          .low_ratio = 0.2,
          .period_s = 0.0333,
          .duty_ratio = 0.71,
          .skew_s = 0.02 },
        { .kind = LOAD_STEP,
          .high_ratio = 0.9,
          .low_ratio = 0.2,
          .at_s = 0.11,
          .until_s = 0.37,
          .skew_s = 0.05 },
        { .kind = LOAD_INFERENCE, .high_ratio = 0.9, .low_ratio = 0.2, .rate_hz = 20 },
        { .kind = LOAD_TRACE, .trace = &ramp },
    };

    (void)state;
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        struct plant *plant = new_plant(8);
        struct load load;
        double next_s = 0.0, sum_w = 0.0;
        int edges = 0;

        load_init(&load, &all[k], plant, 9);
        for (int64_t t_us = 0; t_us < 1000000; t_us++) {
            double t_s = (double)t_us / 1e6;

            if (t_s >= next_s) {
                double before_w = sum_w;

                sum_w = sum_at(&load, plant, t_s);
                edges += fabs(sum_w - before_w) > 1e-6;
                next_s = load_next(&load, t_s);
                assert_true(next_s > t_s && next_s <= t_s + 0.1 + 1e-9);
            } else if (t_us % 100 == 0) {
                NEAR(sum_at(&load, plant, t_s), sum_w, 1e-6);
            }
        }
        assert_true(edges >= (k == 0 ? 1 : 16));
        free(plant);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_name_the_kinds),
        cmocka_unit_test(constant_is_within_its_spread),
        cmocka_unit_test(square_has_its_edges_to_the_microsecond),
        cmocka_unit_test(a_long_period_is_looked_at_every_tenth_second),
        cmocka_unit_test(gpus_begin_apart_by_the_seed),
        cmocka_unit_test(inference_is_busy_for_its_part_of_the_time),
        cmocka_unit_test(the_same_seed_is_the_same_load),
        cmocka_unit_test(a_trace_is_held_between_its_samples),
        cmocka_unit_test(nothing_changes_in_between),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
