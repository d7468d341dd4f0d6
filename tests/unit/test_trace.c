/* SPDX-License-Identifier: Apache-2.0 */
/* Trace files in their four forms, plain and gzip, and made-up load. */
#include "sim_rig.h"

#include <zlib.h>

#include "sim/trace.h"

static struct trace *load(const char *text)
{
    char error[TRACE_ERROR_MAX];
    char *path = sim_file(text);
    struct trace *trace = NULL;

    if (trace_load(path, &trace, error) != ST_OK)
        fail_msg("%s", error);
    unlink(path);
    free(path);
    return trace;
}

static double work(const struct trace *trace, int32_t node, double t_s)
{
    int32_t cursor = 0;

    return trace_work(trace, node, t_s, &cursor);
}

static void nodes_are_scaled_from_idle_to_full(void **state)
{
    struct trace *trace = load("t_s,node,ac_w,dc_w\n10.0,0,2000,1900\n10.5,1,2000,\n12.0,0,4000,3900\n14.0,0,6000,\n"
                               "14.5,1,4000,3900\n");

    (void)state;
    assert_true(trace->training);
    assert_int_equal(trace->node_count, 2);
    assert_int_equal(trace->gpus_per_node, 8);
    SIM_NEAR(trace->duration_s, 4.5, 1e-9);
    SIM_NEAR(trace->idle_w, 2000.0, 1e-9);
    SIM_NEAR(trace->max_w, 6000.0, 1e-9);
    SIM_NEAR(work(trace, 0, 0.0), 0.0, 1e-9);
    SIM_NEAR(work(trace, 0, 1.0), 0.25, 1e-9);
    SIM_NEAR(work(trace, 0, 4.0), 1.0, 1e-9);
    SIM_NEAR(work(trace, 0, 4.4), 1.0, 1e-9);   /* its last reading stands        */
    SIM_NEAR(work(trace, 1, 0.2), 0.0, 1e-9);   /* and its first one              */
    SIM_NEAR(work(trace, 1, 2.5), 0.25, 1e-9);  /* halfway between two readings   */
    SIM_NEAR(work(trace, 0, 4.5 + 1.0), 0.25, 1e-9); /* it starts over            */
    trace_free(trace);
}

static void a_missing_reading_is_interpolated(void **state)
{
    struct trace *trace = load("t_s,node,ac_w,dc_w\n0,0,1000,\n1,0,,\n2,0,3000,\n\n");

    (void)state;
    assert_int_equal(trace->nodes[0].count, 2);
    SIM_NEAR(work(trace, 0, 1.0), 0.5, 1e-9);
    trace_free(trace);
}

static void walls_boards_and_logs_are_recognised(void **state)
{
    struct trace *wall = load("t_s,w,v,a,pf\n0.0,2400,239,3.4,0.96\n1.0,5000,239,3.4,0.96\n");
    struct trace *meter = load("t_ms,w_cables,w_slot\n0.0,50,10\n500,190,10\n");
    struct trace *log = load("t_ms,utilization.gpu,pstate,power.draw,power.draw.instant\n-100,0,0,99,50\n900,0,0,99,150\n");

    (void)state;
    assert_false(wall->training);
    assert_int_equal(wall->gpus_per_node, 8);
    SIM_NEAR(wall->max_w, 5000.0, 1e-9);
    assert_int_equal(meter->gpus_per_node, 1);
    SIM_NEAR(meter->max_w, 200.0, 1e-9);
    SIM_NEAR(meter->duration_s, 0.5, 1e-9);
    SIM_NEAR(log->idle_w, 50.0, 1e-9);
    SIM_NEAR(log->duration_s, 1.0, 1e-9);
    SIM_NEAR(work(log, 0, 0.5), 0.5, 1e-9);
    trace_free(wall);
    trace_free(meter);
    trace_free(log);
}

static void a_trace_without_idle_nodes_still_has_an_idle_power(void **state)
{
    struct trace *trace = load("t_s,node,ac_w\n0,0,5000\n1,0,7000\n");

    (void)state;
    SIM_NEAR(trace->idle_w, 0.46 * 7000.0, 1e-9);
    assert_true(work(trace, 0, 0.0) > 0.4);
    trace_free(trace);
}

static void gzip_is_read_too(void **state)
{
    char *path = sim_file("");
    char error[TRACE_ERROR_MAX];
    struct trace *trace = NULL;
    gzFile file = gzopen(path, "wb");

    (void)state;
    assert_non_null(file);
    assert_true(gzputs(file, "t_s,node,ac_w,dc_w\n0,0,2000,\n5,0,6000,\n") > 0);
    assert_int_equal(gzclose(file), Z_OK);
    assert_int_equal(trace_load(path, &trace, error), ST_OK);
    SIM_NEAR(trace->duration_s, 5.0, 1e-9);
    trace_free(trace);
    unlink(path);
    free(path);
}

static void refused(const char *text, enum status want, const char *why)
{
    char error[TRACE_ERROR_MAX] = "";
    char *path = sim_file(text);
    struct trace *trace = NULL;

    assert_int_equal(trace_load(path, &trace, error), want);
    assert_null(trace);
    if (!strstr(error, why) || strncmp(error, path, strlen(path)) != 0)
        fail_msg("'%s' does not say '%s'", error, why);
    unlink(path);
    free(path);
}

static void wrong_files_are_refused_with_their_line(void **state)
{
    char error[TRACE_ERROR_MAX] = "", wide[4096];
    struct trace *trace = NULL;

    (void)state;
    refused("", ST_CORRUPT, "fewer than two readings");
    refused("time,power\n0,1\n", ST_CORRUPT, ":1: columns");
    refused("t_s,node,ac_w\n0,0,1000\nx,0,1000\n", ST_CORRUPT, ":3: \"x\" is not a time");
    refused("t_s,node,ac_w\n0,0,1000\n1,a,1000\n", ST_CORRUPT, ":3: \"a\" is not a node");
    refused("t_s,node,ac_w\n0,0,1000\n1,0,1e3W\n", ST_CORRUPT, ":3: \"1e3W\" is not a power");
    refused("t_s,node,ac_w\n0,0,1000\n1,0\n", ST_CORRUPT, ":3: only 2 columns");
    refused("t_s,node,ac_w\n5,0,1000\n4,0,1000\n", ST_CORRUPT, ":3: time runs backwards");
    refused("t_s,node,ac_w\n0,0,-5\n", ST_CORRUPT, ":2: -5 W is not a plausible power");
    refused("t_s,node,ac_w\n0,0,1000\n", ST_CORRUPT, "fewer than two readings");
    refused("t_s,node,ac_w\n0,0,inf\n", ST_CORRUPT, ":2: \"inf\" is not a power");
    memset(wide, '1', sizeof wide);
    wide[sizeof wide - 1] = '\0';
    refused(wide, ST_CORRUPT, ":1: the line is too long");
    assert_int_equal(trace_load("/nonexistent.csv", &trace, error), ST_SYS);
    assert_non_null(strstr(error, "No such file"));
}

static void a_cut_gzip_file_is_refused(void **state)
{
    char *path = sim_file("");
    char error[TRACE_ERROR_MAX] = "";
    struct trace *trace = NULL;
    gzFile file = gzopen(path, "wb");
    long size;
    FILE *raw;

    (void)state;
    assert_non_null(file);
    assert_true(gzputs(file, "t_s,node,ac_w\n") > 0);
    for (int i = 0; i < 5000; i++)
        assert_true(gzprintf(file, "%d,0,%d\n", i, 1000 + i * 7919 % 4000) > 0);
    assert_int_equal(gzclose(file), Z_OK);
    raw = fopen(path, "r+");
    assert_non_null(raw);
    assert_int_equal(fseek(raw, 0, SEEK_END), 0);
    size = ftell(raw);
    assert_true(size > 1000);
    assert_int_equal(ftruncate(fileno(raw), size / 2), 0);
    assert_int_equal(fclose(raw), 0);
    assert_int_equal(trace_load(path, &trace, error), ST_CORRUPT);
    unlink(path);
    free(path);
}

static void the_hardest_stretch_has_the_highest_mean(void **state)
{
    struct trace *trace = load("t_s,node,ac_w\n0,0,1000\n40,0,1000\n41,0,4000\n50,0,4000\n51,0,3000\n99,0,3000\n");

    (void)state;
    SIM_NEAR(trace_hardest_s(trace, 1, 8.0), 41.0, 1.1);
    SIM_NEAR(trace_hardest_s(trace, 1, 20.0), 40.6, 1.0);
    SIM_NEAR(trace_hardest_s(trace, 1, 200.0), 0.0, 1e-9);
    trace_free(trace);
}

static void a_cursor_changes_nothing_but_the_effort(void **state)
{
    const struct trace_generate opt = { .training = true, .node_count = 2, .gpus_per_node = 4, .duration_s = 300.0,
                                        .seed = 3 };
    struct trace *trace = NULL;
    int32_t cursor = 0;
    struct rng rng;

    (void)state;
    rng_init(&rng, 1, 1);
    assert_int_equal(trace_generate(&opt, &trace), ST_OK);
    for (int i = 0; i < 20000; i++) {
        double t_s = i % 3 ? i * 0.01 : rng_uniform(&rng, 0.0, 400.0);

        SIM_NEAR(trace_work(trace, 1, t_s, &cursor), work(trace, 1, t_s), 1e-12);
    }
    trace_free(trace);
}

static void made_up_training_breathes(void **state)
{
    const struct trace_generate opt = { .training = true, .node_count = 18, .gpus_per_node = 4, .duration_s = 120.0,
                                        .seed = 1 };
    struct trace *trace = NULL, *same = NULL;
    double low = 2.0, high = 0.0, sum = 0.0;

    (void)state;
    assert_int_equal(trace_generate(&opt, &trace), ST_OK);
    assert_int_equal(trace_generate(&opt, &same), ST_OK);
    for (int i = 1000; i < 12000; i++) {
        double w = work(trace, 17, i * 0.01);

        SIM_NEAR(w, work(same, 17, i * 0.01), 1e-12);
        low = w < low ? w : low;
        high = w > high ? w : high;
        sum += w / 11000.0;
    }
    assert_true(high > 0.93 && high <= 1.0);
    assert_true(low < 0.36 && low > 0.2); /* a checkpoint was written */
    assert_true(sum > 0.7 && sum < 0.95);
    trace_free(trace);
    trace_free(same);
}

static void made_up_inference_comes_in_bursts(void **state)
{
    const struct trace_generate opt = { .node_count = 3, .gpus_per_node = 8, .duration_s = 600.0, .seed = 1 };
    struct trace *trace = NULL;
    double sum = 0.0, high = 0.0, differs = 0.0;

    (void)state;
    assert_int_equal(trace_generate(&opt, &trace), ST_OK);
    assert_false(trace->training);
    for (int i = 0; i < 6000; i++) {
        double w = work(trace, 0, i * 0.1);

        sum += w / 6000.0;
        high = w > high ? w : high;
        differs += w != work(trace, 1, i * 0.1);
    }
    assert_true(sum > 0.4 && sum < 0.8);
    assert_true(high > 1.2); /* more than can be done at once: queues form */
    assert_true(differs > 3000.0);
    trace_free(trace);
}

static void real_files_load(void **state)
{
    static const struct {
        const char *file;
        int32_t nodes;
        double shortest_s;
    } files[] = {
        { "traces/mlperf_training_nodes_2s/h100_9nodes_unet3d_run00.csv.gz", 9, 200.0 },
        { "traces/mlperf_training_nodes_2s/h100_64nodes_gpt3_run00.csv.gz", 64, 3000.0 },
        { "traces/mlperf_inference_wall_1s/h200x8_bert-99_server.csv.gz", 1, 600.0 },
        { "traces/gpu_meter_0p2ms/a100_square52ms_meter.csv.gz", 1, 9.0 },
        { "traces/gpu_nvsmi_10ms/a100_updfreq_nvsmi.csv.gz", 1, 200.0 },
    };
    char path[1024], error[TRACE_ERROR_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct trace *trace = NULL;

        if (!sim_data(files[i].file, path, sizeof path)) {
            print_message("skip: %s is not here\n", path);
            skip();
        }
        if (trace_load(path, &trace, error) != ST_OK)
            fail_msg("%s", error);
        assert_int_equal(trace->node_count, files[i].nodes);
        assert_true(trace->duration_s > files[i].shortest_s);
        assert_true(trace->max_w > trace->idle_w);
        trace_free(trace);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_are_scaled_from_idle_to_full),
        cmocka_unit_test(a_missing_reading_is_interpolated),
        cmocka_unit_test(walls_boards_and_logs_are_recognised),
        cmocka_unit_test(a_trace_without_idle_nodes_still_has_an_idle_power),
        cmocka_unit_test(gzip_is_read_too),
        cmocka_unit_test(wrong_files_are_refused_with_their_line),
        cmocka_unit_test(a_cut_gzip_file_is_refused),
        cmocka_unit_test(the_hardest_stretch_has_the_highest_mean),
        cmocka_unit_test(a_cursor_changes_nothing_but_the_effort),
        cmocka_unit_test(made_up_training_breathes),
        cmocka_unit_test(made_up_inference_comes_in_bursts),
        cmocka_unit_test(real_files_load),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
