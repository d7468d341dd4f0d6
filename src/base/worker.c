/* SPDX-License-Identifier: Apache-2.0 */
/* worker.c: a thread for one blocking bus.
 *
 * Owns the thread and the eventfd that wakes it. worker_run() is the thread;
 * everything else is called by the thread that made the worker. A worker never
 * handles a signal: those belong to the main thread.
 */
#include "busbar/worker.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "busbar/clock.h"
#include "busbar/log.h"

#define WORKER_NAME_MAX    16
#define WORKER_US_PER_S    1000000
#define WORKER_NS_PER_US   1000
#define WORKER_WAIT_MAX_US ((int64_t)3600 * WORKER_US_PER_S)

struct worker {
    char name[WORKER_NAME_MAX];
    worker_turn turn;
    void *arg;
    int wake_fd;
    bool started;
    atomic_bool stop;
    pthread_t thread;
};

/* Until `until_us`, or until somebody writes the eventfd. */
static void worker_wait(const struct worker *worker, int64_t until_us)
{
    struct pollfd fd = {.fd = worker->wake_fd, .events = POLLIN};
    int64_t wait_us = until_us - clock_now_us();
    struct timespec ts;
    uint64_t count;

    if (wait_us <= 0)
        return; /* who wrote it is found by the next turn as well */
    if (wait_us > WORKER_WAIT_MAX_US)
        wait_us = WORKER_WAIT_MAX_US;
    ts.tv_sec = (time_t)(wait_us / WORKER_US_PER_S);
    ts.tv_nsec = (long)(wait_us % WORKER_US_PER_S) * WORKER_NS_PER_US;
    if (ppoll(&fd, 1, &ts, NULL) <= 0)
        return;
    if (read(worker->wake_fd, &count, sizeof count) < 0)
        return; /* already drained */
}

static void *worker_run(void *arg)
{
    struct worker *worker = arg;

    while (!atomic_load_explicit(&worker->stop, memory_order_acquire)) {
        int64_t next_us = worker->turn(worker->arg, clock_now_us());

        if (atomic_load_explicit(&worker->stop, memory_order_acquire))
            break;
        worker_wait(worker, next_us);
    }
    return NULL;
}

static enum status worker_start(struct worker *worker)
{
    sigset_t all, before;
    int err;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    err = pthread_create(&worker->thread, NULL, worker_run, worker);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err != 0) {
        LOG(ERR, worker->name, "cannot start a thread: %s", strerror(err));
        return ST_SYS;
    }
    worker->started = true;
    (void)pthread_setname_np(worker->thread, worker->name);
    return ST_OK;
}

enum status worker_new(const char *name, worker_turn turn, void *arg, struct worker **ret)
{
    enum status st = ST_SYS;
    struct worker *worker = calloc(1, sizeof *worker);

    if (!worker)
        return ST_NOMEM;
    (void)snprintf(worker->name, sizeof worker->name, "%.15s", name);
    worker->turn = turn;
    worker->arg = arg;
    atomic_init(&worker->stop, false);
    worker->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (worker->wake_fd < 0) {
        LOG(ERR, name, "cannot make an eventfd: %s", strerror(errno));
        goto fail;
    }
    st = worker_start(worker);
    if (st != ST_OK)
        goto fail; /* worker_start() has said why */
    *ret = worker;
    return ST_OK;

fail:
    worker_free(worker);
    return st;
}

int worker_wake_fd(const struct worker *worker)
{
    return worker->wake_fd;
}

void worker_wake(struct worker *worker)
{
    uint64_t one = 1;

    /* Fails only when the counter is full, and then the thread wakes anyway. */
    if (write(worker->wake_fd, &one, sizeof one) < 0)
        return;
}

struct worker *worker_free(struct worker *worker)
{
    if (!worker)
        return NULL;
    if (worker->started) {
        atomic_store_explicit(&worker->stop, true, memory_order_release);
        worker_wake(worker);
        (void)pthread_join(worker->thread, NULL);
    }
    if (worker->wake_fd >= 0)
        (void)close(worker->wake_fd);
    free(worker);
    return NULL;
}
