/* SPDX-License-Identifier: Apache-2.0 */
/* Offered work, speed under limits, stretched clocks and queues. */
#include "sim_rig.h"

#include "sim/speed.h"
#include "sim/trace.h"
#include "sim/workload.h"

#define STEP_S 0.001

struct bench {
    struct plant *plant;
    struct trace *trace;
    struct workload *load;
};

static struct bench bench_new(const char *text)
{
    struct bench b = { .plant = sim_plant("hpr", 1), .load = calloc(1, sizeof *b.load) };
    char error[TRACE_ERROR_MAX];
    char *path = sim_file(text);

    assert_non_null(b.load);
    if (trace_load(path, &b.trace, error) != ST_OK)
        fail_msg("%s", error);
    unlink(path);
    free(path);
    workload_init(b.load, b.trace, b.plant, 1);
    return b;
}

static void bench_free(struct bench *b)
{
    trace_free(b->trace);
    free(b->load);
    free(b->plant);
}

static struct workload_result run(struct bench *b, int32_t ms)
{
    struct workload_result ret;

    for (int32_t i = 0; i < ms; i++) {
        workload_demand(b->load, b->plant, STEP_S);
        plant_step(b->plant, SIM_STEP_US);
        workload_account(b->load, b->plant, STEP_S);
    }
    workload_result(b->load, &ret);
    return ret;
}

static void limit_all(struct plant *plant, double limit_w)
{
    for (int32_t i = 0; i < plant->gpu_count; i++)
        plant_gpu_set_limit(plant, i, limit_w);
}

/* 9 nodes of 8 at full load from the first second on. */
static const char training_text[] = "t_s,node,ac_w\n"
                                    "0,0,1000\n1,0,5000\n100,0,5000\n0,1,1000\n1,1,5000\n100,1,5000\n"
                                    "0,2,1000\n1,2,5000\n100,2,5000\n0,3,1000\n1,3,5000\n100,3,5000\n"
                                    "0,4,1000\n1,4,5000\n100,4,5000\n0,5,1000\n1,5,5000\n100,5,5000\n"
                                    "0,6,1000\n1,6,5000\n100,6,5000\n0,7,1000\n1,7,5000\n100,7,5000\n"
                                    "0,8,1000\n1,8,5000\n100,8,5000\n";
static const char inference_text[] = "t_s,w\n0,1000\n0.001,3000\n100,3000\n100.1,5000\n";

static void nine_nodes_of_eight_are_one_job_on_eighteen_of_four(void **state)
{
    struct bench b = bench_new(training_text);

    (void)state;
    assert_int_equal(b.load->job_count, 1);
    assert_int_equal(b.load->gpus[0].trace_node, 0);
    assert_int_equal(b.load->gpus[7].trace_node, 0);
    assert_int_equal(b.load->gpus[8].trace_node, 1);
    assert_int_equal(b.load->gpus[71].trace_node, 8);
    bench_free(&b);
}

static void a_small_trace_is_several_jobs(void **state)
{
    struct bench b = bench_new("t_s,node,ac_w\n0,0,1000\n1,0,5000\n");

    (void)state;
    assert_int_equal(b.load->job_count, 9);
    assert_int_equal(b.load->gpus[8].job, 1);
    assert_int_equal(b.load->gpus[8].trace_node, 0);
    bench_free(&b);
}

static void idle_is_idle(void **state)
{
    struct bench b = bench_new(training_text);
    struct workload_result r = run(&b, 100);

    (void)state;
    SIM_NEAR(b.plant->gpus[0].power_w, 150.0, 1e-9);
    SIM_NEAR(r.served_work, 0.0, 1e-12);
    SIM_NEAR(r.elapsed_s, 0.0, 1e-12);
    bench_free(&b);
}

static void without_limits_all_is_served_in_time(void **state)
{
    struct bench b = bench_new(training_text);
    struct workload_result r;

    (void)state;
    workload_play(b.load, 2.0);
    r = run(&b, 5000);
    SIM_NEAR(r.elapsed_s, 5.0, 1e-6);
    SIM_NEAR(r.slowdown_p95, 1.0, 1e-9);
    SIM_NEAR(r.served_work, r.offered_work, 1e-6);
    assert_true(r.served_work > 0.96 * 72 * 5.0 && r.served_work <= 72 * 5.0 + 1e-6);
    SIM_NEAR(b.plant->gpus[0].work, b.load->gpus[0].served_sum, 1e-9);
    /* boards differ by up to 5 %, and none is asked for more than it can */
    for (int32_t i = 0; i < b.plant->gpu_count; i++)
        assert_true(b.plant->gpus[i].demand_w >= 0.95 * 1050.0 && b.plant->gpus[i].demand_w <= 1200.0);
    bench_free(&b);
}

static void under_a_limit_the_jobs_clock_stretches(void **state)
{
    struct bench b = bench_new(training_text);
    struct workload_result r;

    (void)state;
    limit_all(b.plant, 600.0);
    run(&b, 100);
    workload_play(b.load, 2.0);
    r = run(&b, 10000);
    /* the hungriest board asks for 1200 W and gets 600 * 1.12 */
    SIM_NEAR(r.slowdown_p95, 1.0 / speed_at(SPEED_V100, 600.0 * 1.12 / 1200.0), 1e-3);
    SIM_NEAR(b.load->job_clock_s[0], 10.0 / r.slowdown_p95, 1e-6);
    SIM_NEAR(r.served_work * r.slowdown_p95, r.offered_work, 0.01 * r.offered_work);
    bench_free(&b);
}

static void one_slow_gpu_slows_the_whole_job(void **state)
{
    struct bench b = bench_new(training_text);
    struct workload_result r;

    (void)state;
    plant_gpu_set_limit(b.plant, 17, 400.0);
    run(&b, 100);
    workload_play(b.load, 2.0);
    r = run(&b, 4000);
    assert_true(r.slowdown_p95 > 1.5);
    SIM_NEAR(b.plant->gpus[0].speed, 1.0, 1e-9);
    bench_free(&b);
}

static void inference_queues_what_it_cannot_serve(void **state)
{
    struct bench b = bench_new(inference_text);
    struct workload_result r;

    (void)state;
    assert_false(b.trace->training);
    workload_play(b.load, 1.0);
    r = run(&b, 2000);
    SIM_NEAR(r.slowdown_p95, 1.0, 2e-3);
    SIM_NEAR(r.served_work, r.offered_work, 1e-6);
    limit_all(b.plant, 300.0);
    r = run(&b, 3000);
    assert_true(b.load->gpus[0].backlog > 0.2);
    assert_true(r.served_work < 0.95 * r.offered_work);
    assert_true(r.slowdown_p95 > 1.05);
    SIM_NEAR(b.load->gpus[0].served_sum + b.load->gpus[0].backlog, b.load->gpus[0].offered_sum, 1e-6);
    limit_all(b.plant, 1200.0); /* and it catches up */
    r = run(&b, 10000);
    SIM_NEAR(b.load->gpus[0].backlog, 0.0, 1e-9);
    SIM_NEAR(r.served_work, r.offered_work, 1e-3);
    SIM_NEAR(r.slowdown_p95, 1.0, 2e-3);
    bench_free(&b);
}

/* A burst of more than a GPU can do waits even without limits: that is no slow-down. */
static void a_burst_that_waits_anyway_is_not_the_limits_fault(void **state)
{
    struct bench b = bench_new("t_s,w\n0,1000\n1,1000\n1.001,9000\n2,9000\n2.001,1000\n20,1000\n");
    struct workload_result r;

    (void)state;
    b.trace->max_w = 5000.0; /* 9000 W is twice what one can do */
    workload_play(b.load, 0.0);
    r = run(&b, 2200);
    assert_true(b.load->gpus[0].backlog > 0.5);
    SIM_NEAR(r.slowdown_p95, 1.0, 2e-3);
    r = run(&b, 6000);
    SIM_NEAR(b.load->gpus[0].backlog, 0.0, 1e-9);
    SIM_NEAR(r.slowdown_p95, 1.0, 2e-3);
    bench_free(&b);
}

static void a_second_play_begins_anew(void **state)
{
    struct bench b = bench_new(training_text);
    struct workload_result first, second;

    (void)state;
    workload_play(b.load, 3.0);
    first = run(&b, 1500);
    workload_stop(b.load);
    run(&b, 500);
    workload_play(b.load, 3.0);
    second = run(&b, 1500);
    assert_memory_equal(&first, &second, sizeof first);
    bench_free(&b);
}

static void a_real_job_is_hard_on_the_rack(void **state)
{
    struct bench b = { .plant = sim_plant("hpr", 1), .load = calloc(1, sizeof *b.load) };
    char path[1024], error[TRACE_ERROR_MAX];
    double peak_w = 0.0;

    (void)state;
    if (!sim_data("traces/mlperf_training_nodes_2s/h100_9nodes_unet3d_run00.csv.gz", path, sizeof path)) {
        print_message("skip: %s is not here\n", path);
        free(b.load);
        free(b.plant);
        skip();
    }
    if (trace_load(path, &b.trace, error) != ST_OK)
        fail_msg("%s", error);
    workload_init(b.load, b.trace, b.plant, 1);
    workload_play(b.load, trace_hardest_s(b.trace, 9, 10.0));
    for (int i = 0; i < 10000; i++) {
        run(&b, 1);
        peak_w = b.plant->ac_w > peak_w ? b.plant->ac_w : peak_w;
    }
    assert_true(peak_w > 115000.0 && peak_w < 136000.0);
    bench_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nine_nodes_of_eight_are_one_job_on_eighteen_of_four),
        cmocka_unit_test(a_small_trace_is_several_jobs),
        cmocka_unit_test(idle_is_idle),
        cmocka_unit_test(without_limits_all_is_served_in_time),
        cmocka_unit_test(under_a_limit_the_jobs_clock_stretches),
        cmocka_unit_test(one_slow_gpu_slows_the_whole_job),
        cmocka_unit_test(inference_queues_what_it_cannot_serve),
        cmocka_unit_test(a_burst_that_waits_anyway_is_not_the_limits_fault),
        cmocka_unit_test(a_second_play_begins_anew),
        cmocka_unit_test(a_real_job_is_hard_on_the_rack),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
