/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs on worker processes: order, deaths, ends. Jobs take different numbers of
 * steps, never time. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "busbar/status.h"
#include "sim/pool.h"

#define JOBS 500

struct answer {
    uint64_t index, square, work;
};

struct bench {
    uint64_t bad; /* this job kills its worker; UINT64_MAX: none      */
    int bad_signal, bad_status;
    uint64_t stop_after, seen, died;
    struct answer answers[JOBS];
    char why[128];
    pid_t caller;
    int caller_signal;
};

static void bench_job(void *arg, uint64_t index, void *ret_result)
{
    const struct bench *b = arg;
    struct answer *answer = ret_result;
    volatile uint64_t work = 0;

    if (index == b->bad && b->bad_signal)
        (void)raise(b->bad_signal);
    if (index == b->bad && b->bad_status)
        _exit(b->bad_status);
    if (index == b->bad && b->caller_signal) {
        (void)kill(b->caller, b->caller_signal);
        for (;;)
            (void)pause(); /* ended by the caller */
    }
    for (uint64_t i = 0; i < (index * 2654435761u) % 20000; i++) /* so that late jobs end first */
        work += i;
    answer->index = index;
    answer->square = index * index;
    answer->work = work;
}

static bool bench_done(void *arg, uint64_t index, const void *result, const char *why)
{
    struct bench *b = arg;

    assert_int_equal(index, b->seen); /* the order of their numbers */
    assert_true((result == NULL) == (why != NULL));
    b->seen++;
    if (!result) {
        b->died++;
        (void)snprintf(b->why, sizeof b->why, "%d: %s", (int)index, why);
    } else {
        memcpy(&b->answers[index], result, sizeof b->answers[index]);
    }
    return b->seen != b->stop_after;
}

static enum status bench_run(struct bench *b, uint64_t count, int32_t workers, struct pool_report *ret)
{
    struct pool_options opt = { .count = count,
                                .workers = workers,
                                .result_size = sizeof(struct answer),
                                .arg = b,
                                .job = bench_job,
                                .done = bench_done };

    return pool_run(&opt, ret);
}

static struct bench *bench_new(void)
{
    struct bench *b = calloc(1, sizeof *b);

    assert_non_null(b);
    b->bad = UINT64_MAX;
    return b;
}

static void nobody_is_left(void)
{
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void results_do_not_depend_on_how_many_workers_there_are(void **state)
{
    (void)state;
    static const int32_t workers[] = { 1, 2, 7, 0 };
    struct bench *first = bench_new();
    struct pool_report report;

    assert_int_equal(bench_run(first, JOBS, workers[0], &report), ST_OK);
    assert_int_equal(first->answers[JOBS - 1].square, (JOBS - 1) * (JOBS - 1));
    for (size_t i = 1; i < sizeof workers / sizeof workers[0]; i++) {
        struct bench *b = bench_new();

        assert_int_equal(bench_run(b, JOBS, workers[i], &report), ST_OK);
        assert_int_equal(report.done, JOBS);
        assert_int_equal(report.died, 0);
        assert_memory_equal(b->answers, first->answers, sizeof b->answers);
        free(b);
    }
    free(first);
    nobody_is_left();
}

static void a_job_that_kills_its_worker_is_named_and_the_others_go_on(void **state)
{
    (void)state;
    for (int32_t workers = 1; workers <= 3; workers++) {
        struct bench *b = bench_new();
        struct pool_report report;

        b->bad = 41;
        b->bad_signal = SIGKILL;
        assert_int_equal(bench_run(b, 100, workers, &report), ST_OK);
        assert_int_equal(report.done, 100);
        assert_int_equal(report.died, 1);
        assert_int_equal(b->died, 1);
        assert_string_equal(b->why, "41: died of signal 9 (Killed)");
        assert_int_equal(b->answers[42].square, 42 * 42);
        free(b);
    }
    nobody_is_left();
}

static void a_worker_that_ends_by_itself_is_told_by_its_status(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    struct pool_report report;

    b->bad = 99; /* the last one */
    b->bad_status = 3;
    assert_int_equal(bench_run(b, 100, 2, &report), ST_OK);
    assert_int_equal(report.died, 1);
    assert_string_equal(b->why, "99: ended with status 3");
    free(b);
    nobody_is_left();
}

static void done_may_want_no_more(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    struct pool_report report;

    b->stop_after = 10;
    assert_int_equal(bench_run(b, JOBS, 2, &report), ST_OK);
    assert_int_equal(report.done, 10);
    assert_int_equal(b->seen, 10);
    free(b);
    nobody_is_left();
}

static void an_interrupt_ends_every_worker(void **state)
{
    (void)state;
    static const int signals[] = { SIGINT, SIGTERM };

    for (size_t i = 0; i < 2; i++) {
        struct bench *b = bench_new();
        struct pool_report report;

        b->bad = 20;
        b->caller = getpid();
        b->caller_signal = signals[i];
        assert_int_equal(bench_run(b, JOBS, 3, &report), ST_REFUSED);
        assert_int_equal(report.signal, signals[i]);
        assert_int_equal(report.died, 0);
        assert_true(report.done <= 20);
        free(b);
        nobody_is_left();
    }
}

static void no_jobs_are_no_work(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    struct pool_report report;

    assert_int_equal(bench_run(b, 0, 0, &report), ST_OK);
    assert_int_equal(report.done, 0);
    assert_true(pool_workers() >= 1);
    free(b);
}

static void large_job(void *arg, uint64_t index, void *ret_result)
{
    (void)arg;
    memset(ret_result, (int)('a' + index), POOL_RESULT_MAX);
}

static bool large_done(void *arg, uint64_t index, const void *result, const char *why)
{
    const char *text = result;

    assert_null(why);
    assert_int_equal(text[0], 'a' + (int)index);
    assert_int_equal(text[POOL_RESULT_MAX - 1], 'a' + (int)index);
    ++*(int *)arg;
    return true;
}

static void the_largest_result_arrives_whole(void **state)
{
    (void)state;
    struct pool_report report;
    int seen = 0;
    struct pool_options opt = { .count = 5,
                                .workers = 2,
                                .result_size = POOL_RESULT_MAX,
                                .arg = &seen,
                                .job = large_job,
                                .done = large_done };

    assert_int_equal(pool_run(&opt, &report), ST_OK);
    assert_int_equal(seen, 5);
    assert_int_equal(report.done, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_do_not_depend_on_how_many_workers_there_are),
        cmocka_unit_test(a_job_that_kills_its_worker_is_named_and_the_others_go_on),
        cmocka_unit_test(a_worker_that_ends_by_itself_is_told_by_its_status),
        cmocka_unit_test(done_may_want_no_more),
        cmocka_unit_test(an_interrupt_ends_every_worker),
        cmocka_unit_test(no_jobs_are_no_work),
        cmocka_unit_test(the_largest_result_arrives_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
