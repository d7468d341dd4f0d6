/* SPDX-License-Identifier: Apache-2.0 */
/* test_worker.c: turns come when asked for, when woken, and never after worker_free(). */
#include "busbar/worker.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "busbar/clock.h"
#include "busbar/mailbox.h"

#define NEVER_US INT64_MAX

struct bench {
    sem_t turned;
    atomic_int turns;
    int64_t next_in_us; /* NEVER_US: only when woken                 */
    int64_t first_us, last_us;
    char name[16];
    bool signals_blocked;
    struct mailbox *box;
    int sum; /* what the worker took out of the mailbox   */
};

static int64_t bench_turn(void *arg, int64_t now_us)
{
    struct bench *bench = arg;
    sigset_t set;
    int value;

    if (atomic_fetch_add(&bench->turns, 1) == 0)
        bench->first_us = now_us;
    bench->last_us = now_us;
    (void)pthread_getname_np(pthread_self(), bench->name, sizeof bench->name);
    (void)pthread_sigmask(SIG_BLOCK, NULL, &set);
    bench->signals_blocked = sigismember(&set, SIGTERM) == 1 && sigismember(&set, SIGHUP) == 1;
    if (bench->box && mailbox_get(bench->box, &value))
        bench->sum = value;
    (void)sem_post(&bench->turned);
    return bench->next_in_us == NEVER_US ? NEVER_US : now_us + bench->next_in_us;
}

static void bench_init(struct bench *bench, int64_t next_in_us)
{
    memset(bench, 0, sizeof *bench);
    assert_int_equal(sem_init(&bench->turned, 0, 0), 0);
    atomic_init(&bench->turns, 0);
    bench->next_in_us = next_in_us;
}

static void bench_wait(struct bench *bench, int turns)
{
    for (int i = 0; i < turns; i++)
        while (sem_wait(&bench->turned) != 0)
            ;
}

static void turns_come_by_themselves_and_never_early(void **state)
{
    struct worker *worker = NULL;
    struct bench bench;

    (void)state;
    bench_init(&bench, 2000);
    assert_int_equal(worker_new("bus-with-a-long-name", bench_turn, &bench, &worker), ST_OK);
    bench_wait(&bench, 5);
    assert_null(worker_free(worker));
    assert_true(bench.last_us - bench.first_us >= 4 * 2000);
    assert_true(bench.signals_blocked);
}

static void a_wake_brings_a_turn_that_would_never_have_come(void **state)
{
    struct worker *worker = NULL;
    struct bench bench;

    (void)state;
    bench_init(&bench, NEVER_US);
    assert_int_equal(worker_new("w", bench_turn, &bench, &worker), ST_OK);
    bench_wait(&bench, 1);
    worker_wake(worker);
    bench_wait(&bench, 1);
    worker_free(worker);
    assert_true(atomic_load(&bench.turns) >= 2);
}

static void a_mailbox_wakes_the_worker_and_its_value_is_there(void **state)
{
    struct worker *worker = NULL;
    struct bench bench;
    int value = 0;

    (void)state;
    bench_init(&bench, NEVER_US);
    assert_int_equal(mailbox_new(sizeof value, &bench.box), ST_OK);
    assert_int_equal(worker_new("w", bench_turn, &bench, &worker), ST_OK);
    bench_wait(&bench, 1);
    mailbox_set_notify(bench.box, worker_wake_fd(worker));
    value = 4711;
    mailbox_put(bench.box, &value);
    bench_wait(&bench, 1);
    worker_free(worker);
    assert_int_equal(bench.sum, 4711);
    mailbox_free(bench.box);
}

/* A turn that takes its time: it is over when worker_free() returns. */
static int64_t bench_slow_turn(void *arg, int64_t now_us)
{
    struct bench *bench = arg;

    (void)sem_post(&bench->turned);
    clock_sleep_until_us(now_us + 5000);
    bench->sum++; /* read after the join: the thread sanitizer watches */
    return now_us;
}

static void freeing_waits_for_the_turn_in_progress_and_none_comes_after(void **state)
{
    struct worker *worker = NULL;
    struct bench bench;
    int turns, begun = 1;

    (void)state;
    bench_init(&bench, 0);
    assert_int_equal(worker_new("w", bench_slow_turn, &bench, &worker), ST_OK);
    bench_wait(&bench, 1);
    worker_free(worker);
    turns = bench.sum;
    while (sem_trywait(&bench.turned) == 0)
        begun++;
    assert_int_equal(turns, begun);
    assert_null(worker_free(NULL));
}

static void the_thread_bears_the_first_fifteen_characters_of_its_name(void **state)
{
    struct worker *worker = NULL;
    struct bench bench;

    (void)state;
    bench_init(&bench, 1000);
    assert_int_equal(worker_new("0123456789abcdefghij", bench_turn, &bench, &worker), ST_OK);
    while (sem_trywait(&bench.turned) == 0)
        continue;          /* the name is set just after the thread started: turns before count for nothing */
    bench_wait(&bench, 2); /* the first of these may have begun before as well */
    worker_free(worker);
    assert_string_equal(bench.name, "0123456789abcde");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_come_by_themselves_and_never_early),
        cmocka_unit_test(a_wake_brings_a_turn_that_would_never_have_come),
        cmocka_unit_test(a_mailbox_wakes_the_worker_and_its_value_is_there),
        cmocka_unit_test(freeing_waits_for_the_turn_in_progress_and_none_comes_after),
        cmocka_unit_test(the_thread_bears_the_first_fifteen_characters_of_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
