/* SPDX-License-Identifier: Apache-2.0 */
/* Sliding windows in 1 ms steps: what is a violation, and what is partial. */
#include "sim_rig.h"

#include "sim/meter.h"

static struct meter *one_node(const struct meter_limit *limits, int32_t count)
{
    static const struct meter_node node = { .name = "rack", .idle_w = 100.0 };
    const struct meter_options opt = { .node_count = 1, .limit_count = count, .nodes = &node, .limits = limits };
    struct meter *meter = NULL;

    assert_int_equal(meter_new(&opt, &meter), ST_OK);
    return meter;
}

static void feed(struct meter *meter, double w, int32_t ms)
{
    for (int32_t i = 0; i < ms; i++)
        meter_step(meter, &w);
}

static struct meter_result result(const struct meter *meter, int32_t limit)
{
    struct meter_result ret;

    meter_result(meter, limit, &ret);
    return ret;
}

static void a_short_burst_counts_in_a_short_window_only(void **state)
{
    const struct meter_limit limits[] = { { .window_ms = 1, .limit_w = 900 }, { .window_ms = 100, .limit_w = 900 } };
    struct meter *meter = one_node(limits, 2);

    (void)state;
    feed(meter, 500.0, 200);
    feed(meter, 1000.0, 10);
    feed(meter, 500.0, 200);
    SIM_NEAR(result(meter, 0).worst_w, 1000.0, 1e-9);
    assert_int_equal(result(meter, 0).violations, 1);
    SIM_NEAR(result(meter, 1).worst_w, 550.0, 1e-9);
    assert_int_equal(result(meter, 1).violations, 0);
    assert_string_equal(result(meter, 0).node, "rack");
    meter_free(meter);
}

static void half_a_watt_above_is_no_violation(void **state)
{
    const struct meter_limit limit = { .window_ms = 10, .limit_w = 1000 };
    struct meter *meter = one_node(&limit, 1);

    (void)state;
    feed(meter, 1000.5, 50);
    assert_int_equal(result(meter, 0).violations, 0);
    feed(meter, 1000.51, 50);
    assert_int_equal(result(meter, 0).violations, 1);
    meter_free(meter);
}

static void each_maximal_interval_is_one_violation(void **state)
{
    const struct meter_limit limit = { .window_ms = 5, .limit_w = 1000 };
    struct meter *meter = one_node(&limit, 1);

    (void)state;
    for (int i = 0; i < 3; i++) {
        feed(meter, 900.0, 50);
        feed(meter, 1100.0, 50);
    }
    assert_int_equal(result(meter, 0).violations, 3);
    meter_reset(meter);
    assert_int_equal(result(meter, 0).violations, 0);
    meter_free(meter);
}

/* Before a window is full it has no mean: 20 ms at 2 kW are none of its business. */
static void a_window_is_judged_when_it_is_full(void **state)
{
    const struct meter_limit limit = { .window_ms = 100, .limit_w = 500 };
    struct meter *meter = one_node(&limit, 1);

    (void)state;
    feed(meter, 2000.0, 20);
    assert_true(result(meter, 0).partial);
    feed(meter, 100.0, 79);
    assert_true(result(meter, 0).partial);
    feed(meter, 100.0, 1);
    assert_false(result(meter, 0).partial);
    SIM_NEAR(result(meter, 0).worst_w, 480.0, 1e-9);
    assert_int_equal(result(meter, 0).violations, 0);
    meter_free(meter);
}

static void a_window_longer_than_the_run_begins_with_idle(void **state)
{
    const struct meter_limit limit = { .window_ms = 1000, .limit_w = 600 };
    struct meter *meter = one_node(&limit, 1);

    (void)state;
    feed(meter, 1000.0, 500);
    assert_true(result(meter, 0).partial);
    SIM_NEAR(result(meter, 0).worst_w, 550.0, 1e-9);
    assert_int_equal(result(meter, 0).violations, 0);
    feed(meter, 1000.0, 200);
    SIM_NEAR(result(meter, 0).worst_w, 730.0, 1e-9);
    assert_int_equal(result(meter, 0).violations, 1);
    meter_free(meter);
}

/* The same samples, means computed the long way. */
static void it_agrees_with_the_long_way(void **state)
{
    enum { MS = 3000 };
    const struct meter_limit limits[] = { { .window_ms = 7, .limit_w = 700 }, { .window_ms = 250, .limit_w = 560 },
                                          { .window_ms = 1000, .limit_w = 530 } };
    struct meter *meter = one_node(limits, 3);
    static double w[MS];
    struct rng rng;

    (void)state;
    rng_init(&rng, 5, 5);
    for (int i = 0; i < MS; i++) {
        w[i] = (double)(int64_t)rng_uniform(&rng, 0.0, 1000.0) + (i % 700 < 200 ? 200.0 : 0.0);
        meter_step(meter, &w[i]);
    }
    for (int l = 0; l < 3; l++) {
        int32_t n = limits[l].window_ms;
        double worst = 0.0;
        int64_t violations = 0;
        bool above = false;

        for (int end = n; end <= MS; end++) {
            double sum = 0.0;

            for (int i = end - n; i < end; i++)
                sum += w[i];
            worst = sum / n > worst ? sum / n : worst;
            violations += sum / n > limits[l].limit_w + 0.5 && !above;
            above = sum / n > limits[l].limit_w + 0.5;
        }
        SIM_NEAR(result(meter, l).worst_w, worst, 1e-6);
        assert_int_equal(result(meter, l).violations, violations);
        assert_true(violations > 0);
    }
    meter_free(meter);
}

static void totals_are_of_the_first_node(void **state)
{
    const struct meter_node nodes[] = { { .name = "rack" }, { .name = "shelf-1" } };
    const struct meter_limit limit = { .node = 1, .window_ms = 10, .limit_w = 10 };
    const struct meter_options opt = { .node_count = 2, .limit_count = 1, .nodes = nodes, .limits = &limit };
    struct meter *meter = NULL;
    struct meter_total total;
    double w[2] = { 400.0, 5.0 };

    (void)state;
    assert_int_equal(meter_new(&opt, &meter), ST_OK);
    for (int i = 0; i < 1000; i++)
        meter_step(meter, w);
    w[0] = 800.0;
    w[1] = 20.0;
    for (int i = 0; i < 1000; i++)
        meter_step(meter, w);
    meter_total(meter, &total);
    assert_int_equal(total.measured_ms, 2000);
    SIM_NEAR(total.mean_w, 600.0, 1e-9);
    SIM_NEAR(total.peak_w, 800.0, 1e-9);
    SIM_NEAR(total.energy_j, 1200.0, 1e-9);
    assert_string_equal(result(meter, 0).node, "shelf-1");
    assert_int_equal(result(meter, 0).violations, 1);
    meter_free(meter);
}

static void a_new_limit_holds_from_now_on(void **state)
{
    const struct meter_limit limit = { .window_ms = 10, .limit_w = 1000 };
    struct meter *meter = one_node(&limit, 1);

    (void)state;
    feed(meter, 900.0, 100);
    assert_int_equal(result(meter, 0).violations, 0);
    meter_set_limit(meter, 0, 800.0);
    feed(meter, 900.0, 1);
    assert_int_equal(result(meter, 0).violations, 1);
    SIM_NEAR(result(meter, 0).limit.limit_w, 800.0, 1e-9);
    meter_free(meter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_burst_counts_in_a_short_window_only),
        cmocka_unit_test(half_a_watt_above_is_no_violation),
        cmocka_unit_test(each_maximal_interval_is_one_violation),
        cmocka_unit_test(a_window_is_judged_when_it_is_full),
        cmocka_unit_test(a_window_longer_than_the_run_begins_with_idle),
        cmocka_unit_test(it_agrees_with_the_long_way),
        cmocka_unit_test(totals_are_of_the_first_node),
        cmocka_unit_test(a_new_limit_holds_from_now_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
