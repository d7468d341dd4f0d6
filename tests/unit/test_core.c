/* SPDX-License-Identifier: Apache-2.0 */
/* core_step() as a whole: the same inputs give the same bytes, a copied block
 * goes on alike, a new configuration takes over; and how long a step takes. */
#include "core/block.h"
#include "core_rig.h"

#include <time.h>

#define TRAYS       18
#define SHELVES     4
#define PSUS        24
#define TIMED_STEPS 6000

/* ---- the default rack: 72 GPUs, four shelves, as many batteries as supplies ---- */

static void build_shelves(struct rig *rig, int32_t rack, int32_t *shelf)
{
    for (int32_t s = 0; s < SHELVES; s++) {
        shelf[s] = rig_node(rig, CORE_NODE_SHELF, rack);
        rig->nodes[shelf[s]].loss_ratio = 0.025;
        rig->nodes[shelf[s]].limit_count = 1;
        rig->nodes[shelf[s]].limit[0] = (struct core_limit){.window_us = 1000000, .limit_w = 46000.0};
    }
}

static void build_psu(struct rig *rig, int32_t shelf, int32_t bar, bool warn)
{
    int32_t device = rig_device(rig), lever;

    rig_point(rig, device, shelf, SIGNAL_PSU_INPUT_W);
    rig->value[rig->config.point_count - 1] = 4000.0;
    for (int32_t k = 0; k < 9; k++)
        rig_point(rig, device, CORE_NONE, SIGNAL_PSU_OUTPUT_V);
    lever = rig_lever(rig, CORE_LEVER_HOLD, device, CORE_NONE);
    rig->levers[lever].min = 48.0;
    rig->levers[lever].max = 52.0;
    *rig_held(rig, lever) = 50.0;
    device = rig_device(rig);
    lever = rig_lever(rig, CORE_LEVER_CHARGE, device, rig_node(rig, CORE_NODE_LOAD, bar));
    rig->levers[lever].max = 10.0;
    rig->levers[lever].watts_per_unit = 50.0;
    rig->levers[lever].timeout_us = 30000000;
    *rig_held(rig, lever) = 5.0;
    for (int32_t k = 0; k < 5; k++)
        rig_point(rig, device, CORE_NONE, SIGNAL_BBU_PACK_V);
    if (warn)
        rig_lever(rig, CORE_LEVER_WARN, device, shelf);
}

static void build_tray(struct rig *rig, int32_t bar)
{
    int32_t tray = rig_node(rig, CORE_NODE_TRAY, bar), device = rig_device(rig);

    rig->nodes[tray].static_w = 800.0;
    for (int32_t g = 0; g < 4; g++) {
        int32_t node = rig_node(rig, CORE_NODE_LOAD, tray);
        int32_t lever = rig_lever(rig, CORE_LEVER_LIMIT, device, node);

        rig->levers[lever].min = 200.0;
        rig->levers[lever].step = 1.0;
        rig->levers[lever].overshoot_ratio = 0.12;
        rig->levers[lever].delay_worst_us = 2000000;
        rig->levers[lever].deadband = 5.0;
        rig->levers[lever].interval_min_us = 500000;
        rig_measure(rig, lever, 900.0);
    }
    for (int32_t k = 0; k < 7; k++)
        rig_point(rig, device, CORE_NONE, SIGNAL_GPU_TEMP_C);
}

static int32_t build_rack(struct rig *rig)
{
    int32_t shelf[SHELVES], rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE), bar;

    build_shelves(rig, rack, shelf);
    bar = rig_node(rig, CORE_NODE_BUSBAR, CORE_NONE);
    rig->nodes[bar].parent_count = SHELVES;
    for (int32_t s = 0; s < SHELVES; s++) {
        rig->nodes[bar].parent[s] = shelf[s];
        rig->nodes[bar].share[s] = 1.0 / 3.0;
    }
    for (int32_t t = 0; t < TRAYS; t++)
        build_tray(rig, bar);
    for (int32_t p = 0; p < PSUS; p++)
        build_psu(rig, shelf[p % SHELVES], bar, p < 6);
    return rack;
}

/* The next `count` points in turn, with noise. */
static int32_t some_readings(struct rig *rig, int32_t *turn, int32_t count)
{
    for (int32_t r = 0; r < count; r++) {
        int32_t p = *turn = (*turn + 1) % rig->config.point_count;
        bool power = rig->points[p].signal == SIGNAL_GPU_POWER_W;

        rig->readings[r] = (struct core_reading){
            .point = p,
            .value = power ? 300.0 + rand() % 800 : rig->value[p],
            .taken_us = rig->now_us - 5000,
            .arrived_us = rig->now_us,
        };
    }
    return count;
}

static int by_size(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static int64_t clock_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

/* Only prints: the machines that run this stall now and then. */
static void how_long_a_step_of_the_default_rack_takes(void **state)
{
    (void)state;
    static int64_t took[TIMED_STEPS];
    struct rig *rig = rig_new();
    int32_t turn = 0, rack = build_rack(rig), orders = 0;

    srand(3);
    rig_start(rig);
    rig->plan->forecast_margin_ratio = 0.1;
    rig_limit(rig, rack, 132000.0 * 0.7);
    for (int32_t i = 0; i < TIMED_STEPS; i++) {
        rig->now_us += rig->step_us;
        int32_t count = some_readings(rig, &turn, 50);
        int64_t start = clock_ns();

        rig_step_with(rig, count);
        took[i] = clock_ns() - start;
        orders += rig->out->order_count;
        rig_obey(rig);
    }
    qsort(took, TIMED_STEPS, sizeof *took, by_size);
    print_message("timing: %d points, %d levers, %d nodes, block %d kB, %d orders: p50 %.1f us, p99 %.1f us, "
                  "p99.9 %.1f us, max %.1f us\n",
                  rig->config.point_count, rig->config.lever_count, rig->config.node_count,
                  (int)(core_size(&rig->config) / 1024), orders, (double)took[TIMED_STEPS / 2] / 1e3,
                  (double)took[TIMED_STEPS * 99 / 100] / 1e3, (double)took[TIMED_STEPS * 999 / 1000] / 1e3,
                  (double)took[TIMED_STEPS - 1] / 1e3);
    assert_true(rig->out->armed);
    rig_free(rig);
}

/* ---- the same inputs ---- */

static void step_twins(struct rig *a, struct rig *b, int32_t *turn)
{
    int32_t at = *turn;
    unsigned noise = (unsigned)rand();

    for (int32_t k = 0; k < 2; k++) {
        struct rig *rig = k == 0 ? a : b;

        *turn = at;
        srand(noise);
        rig->now_us += rig->step_us;
        rig_step_with(rig, some_readings(rig, turn, 50));
        rig_obey(rig);
    }
    assert_int_equal(a->out->size, b->out->size);
    assert_memory_equal(a->out, b->out, a->out->size);
}

static struct rig *twin(int64_t limit_w)
{
    struct rig *rig = rig_new();
    int32_t rack = build_rack(rig);

    rig_start(rig);
    rig->plan->forecast_margin_ratio = 0.1;
    rig_limit(rig, rack, (double)limit_w);
    return rig;
}

static void the_same_inputs_give_the_same_bytes(void **state)
{
    (void)state;
    struct rig *a = twin(90000), *b = twin(90000);
    int32_t turn = 0;

    for (int32_t i = 0; i < 600; i++)
        step_twins(a, b, &turn);
    assert_memory_equal(a->core, b->core, core_block_size(a->core));
    rig_free(a);
    rig_free(b);
}

static void a_copied_block_goes_on_alike(void **state)
{
    (void)state;
    struct rig *a = twin(90000), *b = twin(90000);
    int32_t turn = 0;

    for (int32_t i = 0; i < 300; i++)
        step_twins(a, b, &turn);
    memset(b->core, 0xff, core_block_size(a->core));
    memcpy(b->core, a->core, core_block_size(a->core));
    for (int32_t i = 0; i < 300; i++)
        step_twins(a, b, &turn);
    rig_free(a);
    rig_free(b);
}

static void dividing_anew_at_each_step_changes_nothing(void **state)
{
    (void)state;
    struct rig *a = twin(90000), *b = twin(90000);
    int32_t turn = 0;

    for (int32_t i = 0; i < 400; i++) {
        b->core->allocated = 0;
        step_twins(a, b, &turn);
    }
    rig_free(a);
    rig_free(b);
}

/* ---- taking over ---- */

/* A rack with two GPUs, and one in front of them where `shifted`. */
static struct rig *small(bool shifted, int32_t *ret_first)
{
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);

    if (shifted)
        rig_gpu(rig, rack, 100, 1000);
    *ret_first = rig_gpu(rig, rack, 100, 1000);
    rig_gpu(rig, rack, 100, 1000);
    rig_start(rig);
    rig_limit(rig, rack, 1200.0);
    rig_sensor(rig, rack, 0.0);
    return rig;
}

static void a_reload_carries_limits_in_force_and_in_flight(void **state)
{
    (void)state;
    int32_t one, two;
    struct rig *old = small(false, &one), *new = small(true, &two);
    const struct core_map map = {
        .node = (int32_t[]){0, CORE_NONE, 1, 2},
        .point = (int32_t[]){CORE_NONE, 0, 1, CORE_NONE},
        .lever = (int32_t[]){CORE_NONE, 0, 1},
        .device = (int32_t[]){CORE_NONE, 0, 1, CORE_NONE},
    };

    old->config.point_count--; /* the sensors came after the start */
    old->config.device_count--;
    new->config.point_count--;
    new->config.device_count--;
    rig_run(old, 500000);
    assert_true(old->out->armed);
    old->deaf = true;
    core_plan_nodes(old->plan)[0].limit[0].limit_w = 1000.0;
    core_plan_nodes(old->plan)[0].limit[0].limit_standing_w = 1000.0;
    old->plan->version++;
    rig_step(old);
    assert_int_equal(rig_view(old, one)->state, CORE_LEVER_SENT);

    core_adopt(new->core, old->core, &map);
    new->now_us = old->now_us;
    new->plan->version = 99;
    new->silent[0] = true;
    *rig_held(new, two) = *rig_held(new, two + 1) = 600.0;
    rig_step(new);
    assert_int_equal(new->out->step, old->out->step + 1);
    assert_int_equal(rig_view(new, two)->state, CORE_LEVER_SENT);
    assert_int_equal(rig_view(new, two)->number, rig_view(old, one)->number);
    RIG_NEAR(rig_view(new, two)->counted, 600.0);
    assert_int_equal(rig_view(new, 0)->state, CORE_LEVER_UNREAD);
    RIG_NEAR(rig_view(new, 0)->counted, 1000.0);
    rig_free(old);
    rig_free(new);
}

/* How long a reading is good is the new configuration's, also for readings from before it. */
static void a_reload_changes_how_long_readings_are_good(void **state)
{
    (void)state;

    for (int32_t shorter = 0; shorter < 2; shorter++) {
        const struct core_map map = { .node = (int32_t[]){ 0 },
                                      .point = (int32_t[]){ 0 },
                                      .device = (int32_t[]){ 0 } };
        struct rig *rig = rig_new();
        struct core *old;

        rig_sensor(rig, rig_node(rig, CORE_NODE_RACK, CORE_NONE), 1200.0);
        rig_start(rig);
        rig_run(rig, 100000);
        assert_true(rig_zone(rig, 0)->measured);
        old = rig->core;
        rig->core = NULL;
        rig->points[0].stale_after_us = shorter ? 300000 : 2000000;
        rig_boot(rig);
        core_adopt(rig->core, old, &map);
        free(old);
        rig->silent[0] = true;
        rig_run(rig, 250000);
        assert_true(rig_zone(rig, 0)->measured);
        rig_run(rig, shorter ? 100000 : 1500000);
        assert_int_equal(rig_zone(rig, 0)->measured, !shorter);
        rig_free(rig);
    }
}

static void a_reload_carries_windows_and_violations(void **state)
{
    (void)state;
    struct rig *rig[2];
    const struct core_map map = {.node = (int32_t[]){0}, .point = (int32_t[]){0}, .device = (int32_t[]){0}};

    for (int32_t k = 0; k < 2; k++) {
        rig[k] = rig_new();
        rig_sensor(rig[k], rig_node(rig[k], CORE_NODE_RACK, CORE_NONE), 1200.0);
        rig_start(rig[k]);
        rig_limit(rig[k], 0, 1000.0);
        rig_group(rig[k], (int32_t[]){0}, 1, 1100.0);
    }
    rig_run(rig[0], 1500000);
    assert_int_equal(rig_zone(rig[0], 0)->limit[0].violations, 1);
    core_adopt(rig[1]->core, rig[0]->core, &map);
    rig[1]->now_us = rig[0]->now_us;
    rig_step(rig[1]);
    RIG_NEAR(rig_zone(rig[1], 0)->limit[0].mean_w, 1200.0);
    assert_int_equal(rig_zone(rig[1], 0)->limit[0].violations, 1);
    assert_int_equal(core_outputs_groups(rig[1]->out)[0].limit[0].violations, 1);
    rig_free(rig[0]);
    rig_free(rig[1]);
}

static void labels_are_the_words_of_the_contract(void **state)
{
    (void)state;
    assert_string_equal(core_mode_label(CORE_MODE_DEGRADED), "degraded");
    assert_string_equal(core_mode_wanted_label(CORE_WANT_RESTORE), "restore");
    assert_string_equal(core_reason_label(CORE_REASON_INFEASIBLE), "infeasible");
    assert_string_equal(core_rule_label(CORE_RULE_IN_FLIGHT), "in_flight");
    assert_string_equal(core_rule_text(CORE_RULE_HOLD), "the plan holds this value");
    assert_string_equal(core_node_kind_label(CORE_NODE_BUSBAR), "busbar");
    assert_string_equal(core_lever_state_label(CORE_LEVER_IN_FORCE), "in_force");
    assert_string_equal(core_lever_state_label((enum core_lever_state)99), "unknown");
}

/* What went stale before a reload is stale after it, and told once. */
static void a_reload_carries_stale_devices(void **state)
{
    (void)state;
    struct rig *rig[2];
    int32_t same[8] = { 0, 1, 2, 3, 4, 5, 6, 7 };

    for (int32_t k = 0; k < 2; k++) {
        int32_t rack;

        rig[k] = rig_new();
        rack = rig_node(rig[k], CORE_NODE_RACK, CORE_NONE);
        (void)rig_gpu(rig[k], rack, 100.0, 1000.0);
        (void)rig_gpu(rig[k], rack, 100.0, 1000.0);
        rig_start(rig[k]);
        rig_limit(rig[k], rack, 1500.0);
    }
    rig_run(rig[0], 500000);
    rig[0]->silent[0] = true;
    rig_run(rig[0], 1500000);
    assert_int_equal(core_outputs_devices(rig[0]->out)[0].quality, CORE_DEVICE_STALE);
    core_adopt(rig[1]->core, rig[0]->core,
               &(struct core_map){ .node = same, .point = same, .lever = same, .device = same });
    rig[1]->now_us = rig[0]->now_us;
    rig[1]->silent[0] = true;
    rig_step(rig[1]);
    assert_int_equal(core_outputs_devices(rig[1]->out)[0].quality, CORE_DEVICE_STALE);
    assert_int_equal(core_outputs_devices(rig[1]->out)[1].quality, CORE_DEVICE_GOOD);
    assert_int_equal(rig[1]->events[EV_DEVICE_STALE], 0);
    rig_free(rig[0]);
    rig_free(rig[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_inputs_give_the_same_bytes),
        cmocka_unit_test(a_copied_block_goes_on_alike),
        cmocka_unit_test(dividing_anew_at_each_step_changes_nothing),
        cmocka_unit_test(a_reload_changes_how_long_readings_are_good),
        cmocka_unit_test(a_reload_carries_limits_in_force_and_in_flight),
        cmocka_unit_test(a_reload_carries_windows_and_violations),
        cmocka_unit_test(labels_are_the_words_of_the_contract),
        cmocka_unit_test(how_long_a_step_of_the_default_rack_takes),
        cmocka_unit_test(a_reload_carries_stale_devices),
    };

    return cmocka_run_group_tests_name("core", tests, NULL, NULL);
}
