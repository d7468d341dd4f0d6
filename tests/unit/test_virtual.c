/* SPDX-License-Identifier: Apache-2.0 */
/* Core and plant in one loop: a rack is armed, held, and survives its daemon. */
#include <math.h>

#include "sim_rig.h"

#include "sim/link.h"
#include "sim/virtual.h"

struct run {
    struct rack rack;
    struct plant_params params;
    struct load_options load;
    struct plant_grid grid;
    struct virtual_options opt;
    struct virtual *v;
    double peak_w;   /* AC, since the last look                        */
    int64_t seen_us; /* sum of inner steps                             */
    uint64_t hash;   /* of what the plant went through                 */
    double bus_low_v;
};

static void run_seen(void *arg, const struct plant *plant, int64_t dt_us)
{
    struct run *r = arg;
    uint64_t bits;

    r->peak_w = fmax(r->peak_w, plant->ac_w);
    r->bus_low_v = fmin(r->bus_low_v, plant->bus_far_v);
    r->seen_us += dt_us;
    memcpy(&bits, &plant->ac_w, sizeof bits);
    r->hash = (r->hash ^ bits) * UINT64_C(1099511628211);
}

static struct run *run_of(const char *name, enum virtual_controller controller, uint64_t seed)
{
    struct run *r = calloc(1, sizeof *r);

    assert_non_null(r);
    sim_rack(name, &r->rack);
    plant_params_preset(&r->params, plant_kind_find(r->rack.kind), PLANT_START_STOCK);
    r->load = (struct load_options){ .kind = LOAD_SQUARE,
                                     .high_ratio = 1.0,
                                     .low_ratio = 0.2,
                                     .period_s = 2.0,
                                     .duty_ratio = 0.6,
                                     .skew_s = 0.05 };
    plant_grid_init(&r->grid);
    r->opt = (struct virtual_options){
        .rack = &r->rack,
        .params = &r->params,
        .load = &r->load,
        .grid = &r->grid,
        .controller = controller,
        .seed = seed,
        .period_us = 10000,
        .envelope_w = r->rack.envelope_w,
        .settle_s = 5.0,
        .ride = true,
        .phase_ratio = 0.3,
    };
    return r;
}

static void run_start(struct run *r)
{
    struct plant_watch watch = { .step = run_seen, .arg = r };

    assert_int_equal(virtual_new(&r->opt, &r->v), ST_OK);
    virtual_watch(r->v, &watch);
    r->bus_low_v = INFINITY;
}

static void run_until(struct run *r, double s)
{
    while (virtual_now_s(r->v) < s - 1e-9)
        virtual_step(r->v);
}

static bool run_armed(const struct run *r)
{
    const struct core_outputs *out = virtual_outputs(r->v);

    return out && out->armed;
}

static void run_free(struct run *r)
{
    r->v = virtual_free(r->v);
    free(r);
}

/* Sum of the limits as they stand. */
static double run_limits_w(const struct run *r)
{
    const struct plant *plant = virtual_plant(r->v);
    double sum_w = 0.0;

    for (int32_t i = 0; i < plant->gpu_count; i++)
        sum_w += plant->gpus[i].limit_w;
    return sum_w;
}

static void the_envelope_held(const struct run *r)
{
    if (r->peak_w > r->opt.envelope_w)
        fail_msg("%.0f W of %.0f W", r->peak_w, r->opt.envelope_w);
    assert_true(r->peak_w > 0.5 * r->opt.envelope_w); /* or it proves nothing */
}

static void a_rack_is_armed_and_holds_its_envelope_under_a_square_load(void **state)
{
    static const char *const names[] = { "hpr", "orv3" };

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct run *r = run_of(names[i], VIRTUAL_BUSBAR, 1);
        struct virtual_stats stats;

        run_start(r);
        SIM_NEAR(virtual_now_s(r->v), 0.0, 1e-9);
        assert_true(run_armed(r)); /* settling ends when it is */
        run_until(r, 15.0);
        assert_true(run_armed(r));
        the_envelope_held(r);
        assert_int_equal(r->seen_us, 15000000);
        virtual_stats(r->v, &stats);
        assert_int_equal(stats.steps, 1500);
        assert_true(stats.writes > 0);
        run_free(r);
    }
}

static void it_is_armed_within_half_a_minute_of_a_cold_start(void **state)
{
    static const char *const names[] = { "hpr", "orv3" };

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct run *r = run_of(names[i], VIRTUAL_BUSBAR, 2);

        r->opt.settle_s = 0.0;
        run_start(r);
        run_until(r, 1.0);
        assert_false(run_armed(r));
        run_until(r, 30.0);
        assert_true(run_armed(r));
        assert_int_equal(virtual_outputs(r->v)->ride.state, CORE_RIDE_READY);
        run_free(r);
    }
}

static void without_a_controller_nothing_is_written(void **state)
{
    struct run *r = run_of("orv3", VIRTUAL_NONE, 1);
    struct virtual_stats stats;

    (void)state;
    run_start(r);
    run_until(r, 10.0);
    virtual_stats(r->v, &stats);
    assert_null(virtual_outputs(r->v));
    assert_int_equal(stats.steps, 0);
    assert_int_equal(stats.writes, 0);
    assert_true(stats.plant_steps >= 1000);
    SIM_NEAR(run_limits_w(r), 16 * 700.0, 1e-9);
    virtual_crash(r->v, 1.0);
    virtual_pause(r->v, 1.0);
    virtual_second(r->v, 1.0);
    virtual_reload(r->v);
    run_until(r, 12.0);
    assert_null(virtual_outputs(r->v));
    run_free(r);
}

static void a_crashed_daemon_leaves_limits_and_adopts_them(void **state)
{
    struct run *r = run_of("orv3", VIRTUAL_BUSBAR, 3);
    uint64_t step;
    double limits_w;

    (void)state;
    run_start(r);
    run_until(r, 3.05);
    limits_w = run_limits_w(r);
    virtual_crash(r->v, 4.0);
    assert_null(virtual_outputs(r->v));
    run_until(r, 7.0);
    assert_null(virtual_outputs(r->v));
    SIM_NEAR(run_limits_w(r), limits_w, 0.02 * limits_w); /* what was on the wire came through */
    run_until(r, 7.2);
    step = virtual_outputs(r->v)->step;
    assert_true(step > 5 && step < 20); /* it starts anew... */
    assert_false(run_armed(r));
    run_until(r, 40.0);
    assert_true(run_armed(r)); /* ...and takes over what stands */
    SIM_NEAR(run_limits_w(r), limits_w, 0.05 * limits_w);
    the_envelope_held(r);
    run_free(r);
}

static void a_stalled_machine_loses_ticks_and_goes_on(void **state)
{
    struct run *r = run_of("orv3", VIRTUAL_BUSBAR, 4);
    uint64_t step;

    (void)state;
    run_start(r);
    run_until(r, 2.0);
    step = virtual_outputs(r->v)->step;
    virtual_pause(r->v, 3.0);
    run_until(r, 4.9);
    assert_null(virtual_outputs(r->v)); /* it decides nothing */
    run_until(r, 6.0);
    assert_true(virtual_outputs(r->v)->step - step < 110);
    assert_true(virtual_outputs(r->v)->step > step);
    run_until(r, 25.0);
    assert_true(run_armed(r));
    the_envelope_held(r);
    run_free(r);
}

static void a_reload_goes_on_as_if_nothing_had_been(void **state)
{
    struct run *r = run_of("hpr", VIRTUAL_BUSBAR, 5);
    uint64_t step;

    (void)state;
    run_start(r);
    run_until(r, 2.0);
    step = virtual_outputs(r->v)->step;
    for (int i = 0; i < 5; i++) {
        virtual_reload(r->v);
        virtual_step(r->v);
        assert_int_equal(virtual_outputs(r->v)->step, ++step);
        assert_true(run_armed(r));
        run_until(r, 3.0 + i);
        step = virtual_outputs(r->v)->step;
    }
    the_envelope_held(r);
    run_free(r);
}

/* In reality a lock on each bus keeps a second one away; the envelope holds all the same. */
static void two_daemons_at_once_keep_the_envelope(void **state)
{
    struct run *r = run_of("orv3", VIRTUAL_BUSBAR, 6);
    struct virtual_stats one, two;

    (void)state;
    run_start(r);
    run_until(r, 2.0);
    virtual_stats(r->v, &one);
    virtual_second(r->v, 20.0);
    run_until(r, 12.0);
    virtual_stats(r->v, &two);
    assert_int_equal(two.steps - one.steps, 2000); /* both step */
    run_until(r, 30.0);
    virtual_stats(r->v, &one);
    run_until(r, 31.0);
    virtual_stats(r->v, &two);
    assert_int_equal(two.steps - one.steps, 100);
    the_envelope_held(r);
    run_free(r);
}

/* As the lock on the state directory and on each bus has it. */
static void with_locks_the_second_daemon_takes_over_from_a_dead_one(void **state)
{
    struct run *r = run_of("orv3", VIRTUAL_BUSBAR, 9);
    struct virtual_stats one, two;

    (void)state;
    r->opt.locks = true;
    run_start(r);
    virtual_second(r->v, 30.0);
    virtual_stats(r->v, &one);
    run_until(r, 2.0);
    virtual_stats(r->v, &two);
    assert_int_equal(two.steps - one.steps, 200); /* it waits */
    virtual_crash(r->v, 3.0);
    run_until(r, 20.0);
    assert_null(virtual_outputs(r->v)); /* now the first waits, until the second ends at 30 s */
    virtual_stats(r->v, &two);
    assert_int_equal(two.steps - one.steps, 2000);
    run_until(r, 60.0);
    assert_true(run_armed(r));
    virtual_stats(r->v, &two);
    assert_int_equal(two.steps - one.steps, 6000);
    the_envelope_held(r);
    run_free(r);
}

static void a_plan_that_changes_is_followed(void **state)
{
    struct run *r = run_of("hpr", VIRTUAL_BUSBAR, 7);
    struct core_plan_node *nodes;

    (void)state;
    run_start(r);
    nodes = core_plan_nodes(virtual_plan(r->v));
    for (int32_t k = 0; k < nodes[0].limit_count; k++)
        nodes[0].limit[k].limit_w = nodes[0].limit[k].limit_standing_w = 0.9 * r->opt.envelope_w;
    virtual_plan(r->v)->version++;
    run_until(r, 25.0);
    assert_true(run_armed(r));
    r->peak_w = 0.0;
    run_until(r, 35.0);
    r->opt.envelope_w *= 0.9;
    the_envelope_held(r);
    run_free(r);
}

/* ---- the grid ---- */

static void the_grid_begins_at_time_0_and_is_seen_by_the_core(void **state)
{
    struct run *r = run_of("hpr", VIRTUAL_BUSBAR, 8);

    (void)state;
    r->load.kind = LOAD_CONSTANT;
    r->load.high_ratio = 0.6;
    assert_true(plant_grid_add(&r->grid, 2.0, 0.8, PLANT_GRID_ABC, false));
    assert_true(plant_grid_add(&r->grid, 4.0, 1.0, PLANT_GRID_ABC, false));
    run_start(r);
    SIM_NEAR(virtual_plant(r->v)->ac_v, 240.0, 0.5);
    run_until(r, 1.99);
    SIM_NEAR(virtual_plant(r->v)->ac_v, 240.0, 0.5);
    SIM_NEAR(virtual_outputs(r->v)->ride.input_ratio, 1.0, 0.02);
    run_until(r, 2.3);
    SIM_NEAR(virtual_plant(r->v)->ac_v, 192.0, 0.5);
    SIM_NEAR(virtual_outputs(r->v)->ride.input_ratio, 0.8, 0.02);
    assert_true(virtual_outputs(r->v)->ride.state == CORE_RIDE_SAG ||
                virtual_outputs(r->v)->ride.state == CORE_RIDE_SUPPORT);
    run_until(r, 4.5);
    SIM_NEAR(virtual_plant(r->v)->ac_v, 240.0, 0.5);
    SIM_NEAR(virtual_outputs(r->v)->ride.input_ratio, 1.0, 0.02);
    assert_int_equal(virtual_plant(r->v)->it_resets, 0);
    run_free(r);
}

/* ---- repeating ---- */

static uint64_t run_hash(const char *name, uint64_t seed, struct virtual_stats *ret)
{
    struct run *r = run_of(name, VIRTUAL_BUSBAR, seed);
    uint64_t hash;

    r->load.kind = LOAD_INFERENCE;
    r->load.rate_hz = 1.0;
    assert_true(plant_grid_add(&r->grid, 3.0, 0.0, PLANT_GRID_ABC, false));
    assert_true(plant_grid_add(&r->grid, 3.1, 1.0, PLANT_GRID_ABC, false));
    run_start(r);
    run_until(r, 2.0);
    link_fault(virtual_link(r->v), CORE_NONE, LINK_LOSS, 0.2, virtual_time_us(r->v, 6.0), 1);
    virtual_second(r->v, 2.0);
    run_until(r, 5.0);
    virtual_crash(r->v, 0.5);
    run_until(r, 12.0);
    virtual_stats(r->v, ret);
    hash = r->hash;
    run_free(r);
    return hash;
}

static void the_same_seed_gives_the_same_run_bit_for_bit(void **state)
{
    static const char *const names[] = { "orv3", "hpr" };

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct virtual_stats a, b, c;
        uint64_t hash = run_hash(names[i], 11, &a);

        assert_true(hash == run_hash(names[i], 11, &b));
        assert_memory_equal(&a, &b, sizeof a);
        assert_true(hash != run_hash(names[i], 12, &c));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rack_is_armed_and_holds_its_envelope_under_a_square_load),
        cmocka_unit_test(it_is_armed_within_half_a_minute_of_a_cold_start),
        cmocka_unit_test(without_a_controller_nothing_is_written),
        cmocka_unit_test(a_crashed_daemon_leaves_limits_and_adopts_them),
        cmocka_unit_test(a_stalled_machine_loses_ticks_and_goes_on),
        cmocka_unit_test(a_reload_goes_on_as_if_nothing_had_been),
        cmocka_unit_test(two_daemons_at_once_keep_the_envelope),
        cmocka_unit_test(with_locks_the_second_daemon_takes_over_from_a_dead_one),
        cmocka_unit_test(a_plan_that_changes_is_followed),
        cmocka_unit_test(the_grid_begins_at_time_0_and_is_seen_by_the_core),
        cmocka_unit_test(the_same_seed_gives_the_same_run_bit_for_bit),
    };

    return cmocka_run_group_tests_name("virtual", tests, NULL, NULL);
}
