/* SPDX-License-Identifier: Apache-2.0 */
/* Windowed means, violations, and the three bands. */
#include "core_rig.h"

#include "core/block.h"
#include "core/guard.h"

/* A rack with one sensor and a limit over one second. */
static struct rig *measured(double power_w, double limit_w)
{
    struct rig *rig = rig_new();

    rig_sensor(rig, rig_node(rig, CORE_NODE_RACK, CORE_NONE), power_w);
    rig_start(rig);
    rig_limit(rig, 0, limit_w);
    return rig;
}

static const struct core_limit_view *limit(const struct rig *rig, int32_t k)
{
    return &rig_zone(rig, 0)->limit[k];
}

static void a_mean_is_unknown_until_its_window_is_full(void **state)
{
    (void)state;
    struct rig *rig = measured(500.0, 1000.0);

    rig_run(rig, RIG_WINDOW_US);
    assert_true(isnan(limit(rig, 0)->mean_w));
    assert_true(isnan(limit(rig, 0)->worst_w));
    rig_run(rig, 20000);
    RIG_NEAR(limit(rig, 0)->mean_w, 500.0);
    RIG_NEAR(limit(rig, 0)->worst_w, 500.0);
    RIG_NEAR(limit(rig, 0)->limit_w, 1000.0);
    rig_free(rig);
}

static void the_mean_weighs_by_time(void **state)
{
    (void)state;
    struct rig *rig = measured(400.0, 1000.0);

    rig_run(rig, 1200000);
    rig->value[0] = 800.0;
    rig_run(rig, 250000);
    RIG_NEAR(limit(rig, 0)->mean_w, 500.0);
    rig->value[0] = 0.0;
    rig->step_us = 500000; /* a late step counts for its whole time */
    rig_step(rig);
    RIG_NEAR(limit(rig, 0)->mean_w, 0.25 * 400.0 + 0.25 * 800.0);
    RIG_NEAR(limit(rig, 0)->worst_w, 500.0);
    rig->step_us = 5000000;
    rig_step(rig);
    RIG_NEAR(limit(rig, 0)->mean_w, 0.0);
    rig_free(rig);
}

static void a_violation_is_one_maximal_interval(void **state)
{
    (void)state;
    struct rig *rig = measured(900.0, 1000.0);

    rig_run(rig, 1200000);
    for (uint64_t i = 1; i <= 3; i++) {
        rig->value[0] = 2000.0;
        rig_run(rig, 500000);
        assert_true(limit(rig, 0)->exceeded);
        assert_true(rig_reason(rig, CORE_REASON_EXCEEDED));
        assert_int_equal(limit(rig, 0)->violations, i);
        assert_int_equal(rig->events[EV_LIMIT_EXCEEDED], i);
        rig->value[0] = 100.0;
        rig_run(rig, 1000000);
        assert_false(limit(rig, 0)->exceeded);
        assert_int_equal(rig->events[EV_LIMIT_RESPECTED], i);
    }
    rig_free(rig);
}

static void an_event_says_which_window_was_exceeded_and_by_how_much(void **state)
{
    (void)state;
    struct rig *rig = measured(1500.0, 1000.0);
    const struct core_event *event = NULL;

    rig_add_limit(core_plan_nodes(rig->plan)[0].limit, &core_plan_nodes(rig->plan)[0].limit_count, 3000000,
                  1200.0);
    for (int32_t k = 0; k < 2; k++) { /* the short one fills first */
        for (int32_t n = 0; n < 300 && !rig_event(rig, EV_LIMIT_EXCEEDED); n++)
            rig_step(rig);
        event = rig_event_of(rig, EV_LIMIT_EXCEEDED);
        assert_non_null(event);
        assert_int_equal(event->window_us, k ? 3000000 : RIG_WINDOW_US);
        assert_int_equal(event->node, 0);
        RIG_NEAR(event->value, 1500.0);
        RIG_NEAR(event->bound, k ? 1200.0 : 1000.0);
        rig_step(rig);
    }
    rig_free(rig);
}

static void half_a_watt_above_is_not_a_violation(void **state)
{
    (void)state;
    struct rig *rig = measured(1000.4, 1000.0);

    rig_run(rig, 2000000);
    assert_int_equal(limit(rig, 0)->violations, 0);
    rig->value[0] = 1000.7;
    rig_run(rig, 2000000);
    assert_int_equal(limit(rig, 0)->violations, 1);
    rig_free(rig);
}

static void every_window_has_its_own_mean(void **state)
{
    (void)state;
    struct rig *rig = rig_new();

    rig_sensor(rig, rig_node(rig, CORE_NODE_RACK, CORE_NONE), 1000.0);
    rig->nodes[0].limit_count = 2;
    rig->nodes[0].limit[0] = (struct core_limit){ .window_us = 1000, .limit_w = 3000.0 };
    rig->nodes[0].limit[1] = (struct core_limit){ .window_us = 1000000, .limit_w = 1500.0 };
    rig_start(rig);
    rig_limit(rig, 0, 1400.0); /* same window: the smaller holds */
    rig_run(rig, 1100000);
    rig->value[0] = 2000.0;
    rig_run(rig, 200000);
    assert_int_equal(rig_zone(rig, 0)->limit_count, 2);
    RIG_NEAR(limit(rig, 0)->mean_w, 2000.0);
    RIG_NEAR(limit(rig, 1)->mean_w, 1200.0);
    RIG_NEAR(limit(rig, 1)->limit_w, 1400.0);
    rig_free(rig);
}

static void a_new_plan_keeps_the_history_of_windows_that_stay(void **state)
{
    (void)state;
    struct rig *rig = measured(900.0, 800.0);

    rig_run(rig, 1500000);
    assert_int_equal(limit(rig, 0)->violations, 1);
    core_plan_nodes(rig->plan)[0].limit[0].limit_w = 950.0;
    rig_add_limit(core_plan_nodes(rig->plan)[0].limit, &core_plan_nodes(rig->plan)[0].limit_count, 2000000,
                  700.0);
    rig->plan->version++;
    rig_step(rig);
    assert_int_equal(limit(rig, 0)->violations, 1);
    assert_false(limit(rig, 0)->exceeded);
    RIG_NEAR(limit(rig, 0)->mean_w, 900.0);
    assert_true(isnan(limit(rig, 1)->mean_w));
    rig_free(rig);
}

/* ---- bands: one GPU under a rack whose sensor the test sets ---- */

static struct rig *banded(int32_t *ret_sensor)
{
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);

    rig_gpu(rig, rack, 100, 1000);
    *ret_sensor = rig_sensor(rig, rack, 500.0);
    rig_start(rig);
    rig->plan->band.release_jitter_ratio = 0.0;
    rig->plan->band.release_gain_per_s = 1.0;
    rig_limit(rig, rack, 1000.0);
    rig_run(rig, 300000);
    return rig;
}

static void power_close_to_a_limit_cuts_the_budget_once_a_measurement(void **state)
{
    (void)state;
    int32_t sensor;
    struct rig *rig = banded(&sensor);

    rig->value[sensor] = 985.0; /* between the bands: nothing */
    rig_run(rig, 100000);
    RIG_NEAR(rig_zone(rig, 0)->budget_w, 1000.0);
    rig->value[sensor] = 1000.0;
    rig_step(rig);
    RIG_NEAR(rig_zone(rig, 0)->budget_w, 950.0);
    assert_true(rig_event(rig, EV_BAND_CUT));
    assert_int_equal(rig_view(rig, 0)->why.rule, CORE_RULE_BAND);
    RIG_NEAR(rig_view(rig, 0)->wanted, 950.0);
    assert_non_null(rig_order(rig, 0)); /* and it says what made it due */
    assert_int_equal(rig_order(rig, 0)->cause.kind, CORE_CAUSE_READING);
    assert_int_equal(rig_order(rig, 0)->cause.arrived_us, rig->now_us);
    rig_run(rig, 90000); /* the effect is not there yet */
    RIG_NEAR(rig_zone(rig, 0)->budget_w, 950.0);
    rig_run(rig, 20000);
    RIG_NEAR(rig_zone(rig, 0)->budget_w, 902.5);
    assert_int_equal(rig->events[EV_BAND_CUT], 1);
    rig_free(rig);
}

static void a_cut_never_goes_under_the_minimums(void **state)
{
    (void)state;
    int32_t sensor;
    struct rig *rig = banded(&sensor);

    rig->value[sensor] = 9000.0;
    rig_run(rig, 3000000);
    RIG_NEAR(rig_zone(rig, 0)->budget_w, 100.0);
    RIG_NEAR(rig_view(rig, 0)->wanted, 100.0);
    assert_int_equal(rig->events[EV_INFEASIBLE], 0);
    rig_free(rig);
}

static void a_cut_is_held_then_given_back_slowly(void **state)
{
    (void)state;
    int32_t sensor;
    struct rig *rig = banded(&sensor);

    rig->value[sensor] = 1000.0;
    rig_step(rig);
    rig->value[sensor] = 950.0; /* between release and cap */
    rig_run(rig, 1000000);
    RIG_NEAR(rig_zone(rig, 0)->budget_w, 950.0);
    rig->value[sensor] = 850.0;
    rig_run(rig, 500000);
    RIG_NEAR(rig_zone(rig, 0)->budget_w, 975.0);
    rig_run(rig, 600000);
    RIG_NEAR(rig_zone(rig, 0)->budget_w, 1000.0);
    assert_int_equal(rig->events[EV_BAND_RELEASED], 1);
    rig_free(rig);
}

static void release_jitter_comes_from_the_seed(void **state)
{
    (void)state;
    double budget[3];

    for (uint64_t k = 0; k < 3; k++) {
        int32_t sensor;
        struct rig *rig = banded(&sensor);

        rig->config.seed = k < 2 ? 5 : 6;
        rig_boot(rig);
        rig->plan->band.release_jitter_ratio = 0.5;
        rig->value[sensor] = 1000.0;
        rig_step(rig);
        rig->value[sensor] = 100.0;
        rig_run(rig, 300000);
        budget[k] = rig_zone(rig, 0)->budget_w;
        rig_free(rig);
    }
    assert_true(budget[0] <= budget[1] && budget[0] >= budget[1]);
    assert_true(budget[0] < budget[2] || budget[0] > budget[2]);
}

/* What a group draws is news as soon as one of its members was read, and the effect of a cut has
 * been measured once all of them were. */
static void a_group_is_cut_by_what_is_read_of_its_members(void **state)
{
    (void)state;

    for (int32_t late = 0; late < 3; late++) { /* whose sensor says nothing new for a while; 2: nobody's */
        struct rig *rig = rig_new();
        int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE), members[2], sensors[2];
        const struct core_node_view *group;

        for (int32_t l = 0; l < 2; l++) {
            members[l] = rig->levers[rig_gpu(rig, rack, 100, 500)].node;
            sensors[l] = rig_sensor(rig, members[l], 300.0);
            rig->points[sensors[l]].stale_after_us = 10000000;
        }
        rig_start(rig);
        rig->plan->band.release_jitter_ratio = 0.0;
        rig_group(rig, members, 2, 1000.0);
        rig_run(rig, 300000);
        group = &core_outputs_groups(rig->out)[0];
        RIG_NEAR(group->budget_w, 1000.0);
        rig->value[sensors[0]] = rig->value[sensors[1]] = 500.0;
        rig_step(rig);
        RIG_NEAR(group->budget_w, 950.0);
        if (late < 2)
            rig->silent[rig->points[sensors[late]].device] = true;
        rig_run(rig, 90000); /* no order can have landed by now */
        RIG_NEAR(group->budget_w, 950.0);
        rig_run(rig, 20000);
        RIG_NEAR(group->budget_w, late < 2 ? 950.0 : 902.5);
        rig->silent[rig->points[sensors[0]].device] = rig->silent[rig->points[sensors[1]].device] = false;
        rig_run(rig, 20000);
        RIG_NEAR(group->budget_w, 902.5);
        rig->silent[rig->points[sensors[0]].device] = rig->silent[rig->points[sensors[1]].device] = true;
        rig_run(rig, 500000); /* nothing new, nothing is done */
        RIG_NEAR(group->budget_w, 902.5);
        rig_free(rig);
    }
}

static void nothing_is_cut_while_observing(void **state)
{
    (void)state;
    int32_t sensor;
    struct rig *rig = banded(&sensor);

    rig_mode(rig, CORE_WANT_OBSERVE);
    rig->value[sensor] = 2000.0;
    rig_run(rig, 1500000);
    RIG_NEAR(rig_zone(rig, 0)->budget_w, 1000.0);
    assert_int_equal(rig->events[EV_BAND_CUT], 0);
    assert_int_equal(rig->events[EV_LIMIT_EXCEEDED], 1); /* but seen */
    rig_free(rig);
}

/* ---- the ring by itself ---- */

#define RING_BUCKET_US INT64_C(100)
#define RING_SPANS     4000

static const struct window ring_new = {
    .window_us = BLOCK_BUCKETS * RING_BUCKET_US,
    .bucket_us = RING_BUCKET_US,
    .start_us = INT64_MIN,
    .mean_w = NAN,
    .worst_w = NAN,
};

/* What was drawn, span by span, added up anew. */
struct ring_past {
    int64_t end_us[RING_SPANS];
    double power_w[RING_SPANS];
    int32_t count;
};

static double ring_energy_j(const struct ring_past *past, int64_t from_us, int64_t until_us)
{
    double sum_j = 0.0;

    for (int32_t k = past->count - 1; k >= 0 && past->end_us[k] > from_us; k--) {
        int64_t begin_us = k > 0 ? past->end_us[k - 1] : 0, end_us = past->end_us[k];

        begin_us = begin_us > from_us ? begin_us : from_us;
        end_us = end_us < until_us ? end_us : until_us;
        if (end_us > begin_us)
            sum_j += past->power_w[k] * (double)(end_us - begin_us) * 1e-6;
    }
    return sum_j;
}

/* Of the oldest bucket counts what is still inside the window, its energy spread evenly. */
static double ring_mean_w(const struct ring_past *past, int64_t now_us)
{
    int64_t at_us = now_us - now_us % RING_BUCKET_US, oldest_us = at_us - BLOCK_BUCKETS * RING_BUCKET_US;
    double inside = 1.0 - (double)(now_us - at_us) / (double)RING_BUCKET_US;

    return (ring_energy_j(past, oldest_us + RING_BUCKET_US, now_us) +
            inside * ring_energy_j(past, oldest_us, oldest_us + RING_BUCKET_US)) /
           ((double)(BLOCK_BUCKETS * RING_BUCKET_US) * 1e-6);
}

static void ring_step(struct window *window, struct ring_past *past, double power_w, int64_t span_us)
{
    int64_t last_us = past->count > 0 ? past->end_us[past->count - 1] : 0;

    past->end_us[past->count] = last_us + span_us;
    past->power_w[past->count++] = power_w;
    guard_window(window, power_w, last_us, last_us + span_us);
    if (last_us + span_us >= window->window_us)
        assert_true(fabs(window->mean_w - ring_mean_w(past, last_us + span_us)) < 1e-6);
}

/* Short spans, long ones, ones that end with a bucket; none of a whole turn. */
static void a_mean_is_what_was_drawn_span_by_span(void **state)
{
    (void)state;
    static struct ring_past past;
    struct window window = ring_new;

    srand(3);
    past.count = 0;
    for (int32_t k = 0; k < RING_SPANS; k++) {
        int64_t span_us = k % 3 == 0 ? 1 + rand() % 2099 : k % 3 == 1 ? 1 + rand() % 150 : 100;

        ring_step(&window, &past, 100.0 + rand() % 900, span_us);
    }
}

/* From just before a bucket's end, 20 buckets and a moment later: 21 times a bucket was full,
 * the ring stands where it stood and all that is in it is new. */
static void a_span_that_turns_the_ring_once_leaves_nothing_old_in_the_mean(void **state)
{
    (void)state;
    static struct ring_past past;
    struct window window = ring_new;
    int32_t head;

    past.count = 0;
    for (int32_t k = 0; k < 30; k++)
        ring_step(&window, &past, 900.0, RING_BUCKET_US);
    ring_step(&window, &past, 900.0, RING_BUCKET_US - 1);
    head = window.head;
    ring_step(&window, &past, 300.0, BLOCK_BUCKETS * RING_BUCKET_US + 1);
    assert_int_equal(window.head, head);
    assert_true(fabs(window.mean_w - 300.0) < 1e-6);
}

/* A load that stands at its limit is no violation, whatever rounding makes of it. */
static void the_mean_of_a_load_that_stands_is_that_load(void **state)
{
    (void)state;
    for (int32_t k = 1; k <= 200; k++) {
        struct window window = ring_new;
        double power_w = 1000.0 * k / 7.0;

        for (int64_t now_us = 0; now_us < 10 * window.window_us; now_us += 30 + k)
            guard_window(&window, power_w, now_us, now_us + 30 + k);
        assert_memory_equal(&window.mean_w, &power_w, sizeof power_w);
        assert_memory_equal(&window.worst_w, &power_w, sizeof power_w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mean_is_unknown_until_its_window_is_full),
        cmocka_unit_test(the_mean_weighs_by_time),
        cmocka_unit_test(a_violation_is_one_maximal_interval),
        cmocka_unit_test(an_event_says_which_window_was_exceeded_and_by_how_much),
        cmocka_unit_test(half_a_watt_above_is_not_a_violation),
        cmocka_unit_test(every_window_has_its_own_mean),
        cmocka_unit_test(a_new_plan_keeps_the_history_of_windows_that_stay),
        cmocka_unit_test(power_close_to_a_limit_cuts_the_budget_once_a_measurement),
        cmocka_unit_test(a_cut_never_goes_under_the_minimums),
        cmocka_unit_test(a_cut_is_held_then_given_back_slowly),
        cmocka_unit_test(release_jitter_comes_from_the_seed),
        cmocka_unit_test(a_group_is_cut_by_what_is_read_of_its_members),
        cmocka_unit_test(nothing_is_cut_while_observing),
        cmocka_unit_test(a_mean_is_what_was_drawn_span_by_span),
        cmocka_unit_test(a_span_that_turns_the_ring_once_leaves_nothing_old_in_the_mean),
        cmocka_unit_test(the_mean_of_a_load_that_stands_is_that_load),
    };

    return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
