/* SPDX-License-Identifier: Apache-2.0 */
/* The job that a rack works on: recorded where its data is, else of our own generator. */
#include "sim_rig.h"

#include <math.h>
#include <sys/stat.h>

#include "sim/scenario.h"
#include "sim/scenario_parts.h"
#include "sim/trace.h"

static const char head[] = "scenario: {name: made, about: a job of two nodes, source: this test}\n"
                           "seconds: 3\n"
                           "load: {kind: job, recorded: two_nodes, jobs: 2}\n";
static const char power[] = "t_s,node,ac_w\n"
                            "0,0,1000\n0,1,5000\n1,0,5000\n1,1,5000\n100,0,5000\n100,1,1000\n";
static const char log_of_job[] =
    "t_s,event,value\n"
    "-0.7,run_start,\n20,eval_start,\n30.5,eval_stop,\n40,throughput,7\n101,run_stop,\n";

static struct scenario scenario;
static char error[SCENARIO_ERROR_MAX];
static char data[64], runs[160], file[80];

static void put(const char *folder, const char *name, const char *text)
{
    char path[256];
    FILE *to;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    to = fopen(path, "w");
    assert_non_null(to);
    assert_true(fputs(text, to) >= 0);
    assert_int_equal(fclose(to), 0);
}

static int begin(void **state)
{
    (void)state;
    (void)snprintf(data, sizeof data, "/tmp/busbar-job-XXXXXX");
    assert_non_null(mkdtemp(data));
    (void)snprintf(runs, sizeof runs, "%s/traces", data);
    assert_int_equal(mkdir(runs, 0700), 0);
    (void)snprintf(runs, sizeof runs, "%s/traces/mlperf_training_nodes_2s", data);
    assert_int_equal(mkdir(runs, 0700), 0);
    put(runs, "two_nodes.csv.gz", power); /* gzip is not needed */
    put(runs, "two_nodes_events.csv", log_of_job);
    put(runs, "broken.csv.gz", "t_s,node,ac_w\n0,0,1000\n1,0,many\n");
    put(runs, "broken_events.csv", log_of_job);
    put(data, "made.yaml", head);
    (void)snprintf(file, sizeof file, "%s/made.yaml", data);
    return setenv("BUSBAR_DATA", data, 1);
}

static int end(void **state)
{
    static const char *const names[] = { "two_nodes.csv.gz", "two_nodes_events.csv", "broken.csv.gz",
                                         "broken_events.csv" };
    char path[256];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", runs, names[i]);
        (void)unlink(path);
    }
    (void)unlink(file);
    (void)rmdir(runs);
    (void)snprintf(path, sizeof path, "%s/traces", data);
    (void)rmdir(path);
    return rmdir(data);
}

static void loads(const char *set)
{
    if (scenario_load(file, &set, set ? 1 : 0, &scenario, error) != ST_OK)
        fail_msg("%s", error);
}

static void refused(const char *name, const char *set, const char *with)
{
    assert_int_equal(scenario_load(name, &set, 1, &scenario, error), ST_RANGE);
    if (!strstr(error, with))
        fail_msg("\"%s\" is not in: %s", with, error);
}

/* What the document of a run says was played. */
static void plays(const char *job)
{
    const struct scenario_run opt = { .seed = 1 };
    struct scenario_result result;
    char wanted[128], *text;

    assert_int_equal(scenario_run(&scenario, &opt, &result), ST_OK);
    assert_true(scenario_metric(&result, "served_work") > 0.0);
    text = scenario_json(&result);
    (void)snprintf(wanted, sizeof wanted, "\"job\":\"%s\"", job);
    if (!strstr(text, wanted))
        fail_msg("%s is not in %s", wanted, text);
    free(text);
    scenario_done(&result);
}

static void a_recorded_job_is_played_where_it_is(void **state)
{
    (void)state;
    loads(NULL);
    assert_string_equal(scenario.job.recorded, "two_nodes");
    plays("two_nodes");
    loads("job=recorded");
    assert_string_equal(scenario.job.recorded, "two_nodes");
    loads("job=two_nodes");
    assert_string_equal(scenario.job.recorded, "two_nodes");
    loads("job=ours");
    plays("ours");
}

static void without_its_data_the_job_is_our_own(void **state)
{
    (void)state;
    assert_int_equal(setenv("BUSBAR_DATA", runs, 1), 0); /* nothing of that name below it */
    loads(NULL);
    plays("ours");
    refused(file, "job=recorded", "--set: job: \"two_nodes\" is not in BUSBAR_DATA");
    assert_int_equal(setenv("BUSBAR_DATA", data, 1), 0);
}

static void a_wrong_job_is_one_line_that_says_what_is_allowed(void **state)
{
    (void)state;
    refused(file, "job=three_nodes", "\"three_nodes\" is not in BUSBAR_DATA");
    refused(file, "job=three_nodes", "allowed ours, recorded");
    refused(file, "job=../made", "is not in");
    refused(file, "job=broken", "broken.csv.gz:3: \"many\" is not a power");
    refused("e-1", "job=ours", "needs a load of kind job");
}

static double work(const struct trace *trace, int32_t node, double t_s)
{
    int32_t cursor = 0;

    return trace_work(trace, node, t_s, &cursor);
}

/* 18 trays of 4: each job has 9 of them, whatever was recorded. */
static void a_recorded_job_is_spread_over_its_part_of_the_rack(void **state)
{
    struct trace *trace = NULL;
    double apart_s;

    (void)state;
    loads(NULL);
    assert_int_equal(scenario_job_new(&scenario, 1, &trace, &apart_s), ST_OK);
    assert_int_equal(trace->node_count, 9);
    assert_int_equal(trace->gpus_per_node, 4);
    for (int32_t n = 0; n < 9; n++) {
        SIM_NEAR(work(trace, n, 0.0), n % 2 ? 1.0 : 0.0, 1e-9);
        SIM_NEAR(work(trace, n, 50.0), n % 2 ? 50.0 / 99.0 : 1.0, 1e-9);
    }
    trace_free(trace);
    scenario.job.jobs = 18.0; /* fewer trays than nodes */
    assert_int_equal(scenario_job_new(&scenario, 1, &trace, &apart_s), ST_OK);
    assert_int_equal(trace->node_count, 1);
    SIM_NEAR(work(trace, 0, 0.0), 0.0, 1e-9);
    trace_free(trace);
}

static void its_log_is_what_it_tells(void **state)
{
    static const struct trace_mark wanted[] = { { 0.0, CORE_MARK_START },
                                                { 20.0, CORE_MARK_STOP },
                                                { 30.5, CORE_MARK_GO },
                                                { 40.0, CORE_MARK_STEP },
                                                { 100.0, CORE_MARK_END } };
    struct trace *trace = NULL;
    double apart_s;

    (void)state;
    loads(NULL);
    assert_int_equal(scenario_job_new(&scenario, 1, &trace, &apart_s), ST_OK);
    assert_int_equal(trace->mark_count, 5);
    for (int i = 0; i < 5; i++) {
        SIM_NEAR(trace->marks[i].t_s, wanted[i].t_s, 1e-9);
        assert_int_equal(trace->marks[i].mark, wanted[i].mark);
    }
    trace_free(trace);
}

static void the_seed_says_how_far_apart_its_jobs_are(void **state)
{
    double apart_s[3];

    (void)state;
    loads(NULL);
    for (int i = 0; i < 3; i++) {
        struct trace *trace = NULL;

        assert_int_equal(scenario_job_new(&scenario, i < 2 ? 1 : 2, &trace, &apart_s[i]), ST_OK);
        assert_true(apart_s[i] >= 25.0 && apart_s[i] <= 75.0); /* of 100 s */
        trace_free(trace);
    }
    SIM_NEAR(apart_s[0], apart_s[1], 1e-12);
    assert_true(fabs(apart_s[0] - apart_s[2]) > 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recorded_job_is_played_where_it_is),
        cmocka_unit_test(without_its_data_the_job_is_our_own),
        cmocka_unit_test(a_wrong_job_is_one_line_that_says_what_is_allowed),
        cmocka_unit_test(a_recorded_job_is_spread_over_its_part_of_the_rack),
        cmocka_unit_test(its_log_is_what_it_tells),
        cmocka_unit_test(the_seed_says_how_far_apart_its_jobs_are),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
