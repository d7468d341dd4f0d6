/* SPDX-License-Identifier: Apache-2.0 */
/* pool.c: worker processes and the jobs they are at.
 *
 * One thread; the caller's process hands out one job a worker at a time over a
 * pair of packet sockets and waits in poll(). Results that come early wait in a
 * ring until those before them are there. Workers die with the caller's process;
 * a SIGINT or SIGTERM ends them all. Never touches what a result holds.
 */
#include "pool.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "busbar/check.h"
#include "busbar/clock.h"

#define POOL_AHEAD       64 /* results a worker that may wait for earlier ones  */
#define POOL_PROGRESS_US 500000
#define POOL_WAIT_MS     200
#define POOL_WHY_MAX     80

struct pool_worker {
    pid_t pid; /* 0: none                                             */
    int fd;
    bool busy;
    uint64_t job;
};

struct pool_slot {
    bool ready, died;
    char why[POOL_WHY_MAX];
};

struct pool {
    const struct pool_options *opt;
    struct pool_worker workers[POOL_WORKERS_MAX];
    int32_t worker_count;
    uint64_t room; /* of the ring                                         */
    struct pool_slot *slots;
    unsigned char *results; /* room x result_size                                  */
    unsigned char *packet;  /* job number, then a result                           */
    uint64_t next, first;   /* to be handed out; whose result is due               */
    bool stopped;
    int64_t began_us, shown_us;
    struct pool_report *report;
};

static volatile sig_atomic_t pool_signal; /* the last SIGINT or SIGTERM            */

static void pool_on_signal(int number)
{
    pool_signal = number;
}

int32_t pool_workers(void)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);

    return online < 1 ? 1 : online > POOL_WORKERS_MAX ? POOL_WORKERS_MAX : (int32_t)online;
}

/* ---- in a worker ---- */

__attribute__((noreturn)) static void pool_work(const struct pool *pool, int fd)
{
    uint64_t index;
    ssize_t got;

    for (;;) {
        do
            got = recv(fd, &index, sizeof index, 0);
        while (got < 0 && errno == EINTR);
        if (got != (ssize_t)sizeof index)
            _exit(got == 0 ? 0 : 1); /* no more jobs, or no more caller */
        memset(pool->packet, 0, sizeof index + pool->opt->result_size);
        memcpy(pool->packet, &index, sizeof index);
        pool->opt->job(pool->opt->arg, index, pool->packet + sizeof index);
        if (send(fd, pool->packet, sizeof index + pool->opt->result_size, MSG_NOSIGNAL) < 0)
            _exit(1);
    }
}

__attribute__((noreturn)) static void pool_child(struct pool *pool, int fd, pid_t parent)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };

    /* Ctrl-C reaches the whole group; the caller alone decides what it means, and
     * with it every worker ends. */
    (void)sigaction(SIGINT, &ignore, NULL);
    (void)sigaction(SIGTERM, &ignore, NULL);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1); /* it died before the line above */
    for (int32_t i = 0; i < pool->worker_count; i++)
        if (pool->workers[i].pid > 0)
            (void)close(pool->workers[i].fd);
    pool_work(pool, fd);
}

/* ---- in the caller's process ---- */

static bool pool_start(struct pool *pool, struct pool_worker *worker)
{
    pid_t parent = getpid(), pid;
    int fd[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) != 0)
        return false;
    (void)fflush(NULL); /* what is buffered must not be written twice */
    pid = fork();
    if (pid == 0) {
        (void)close(fd[0]);
        pool_child(pool, fd[1], parent);
    }
    (void)close(fd[1]);
    if (pid < 0) {
        (void)close(fd[0]);
        return false;
    }
    *worker = (struct pool_worker){ .pid = pid, .fd = fd[0] };
    return true;
}

static struct pool_slot *pool_slot(const struct pool *pool, uint64_t job)
{
    return &pool->slots[job % pool->room];
}

static void *pool_result(const struct pool *pool, uint64_t job)
{
    return pool->results + (job % pool->room) * pool->opt->result_size;
}

/* Gives the worker a job if there is one that may be begun. */
static void pool_hand_out(struct pool *pool, struct pool_worker *worker)
{
    if (worker->pid <= 0 || worker->busy || pool->stopped || pool->next >= pool->opt->count ||
        pool->next >= pool->first + pool->room)
        return;
    worker->job = pool->next;
    worker->busy = true;
    pool->next++;
    /* If it died meanwhile, its job is counted when the end of its socket is read. */
    (void)!send(worker->fd, &worker->job, sizeof worker->job, MSG_NOSIGNAL);
}

static void pool_died(struct pool *pool, struct pool_worker *worker)
{
    int how = 0;

    (void)close(worker->fd);
    while (waitpid(worker->pid, &how, 0) < 0 && errno == EINTR)
        ;
    worker->pid = 0;
    if (!worker->busy)
        return;
    struct pool_slot *slot = pool_slot(pool, worker->job);

    slot->ready = slot->died = true;
    if (WIFSIGNALED(how))
        (void)snprintf(slot->why, sizeof slot->why, "died of signal %d (%s)", WTERMSIG(how),
                       strsignal(WTERMSIG(how)));
    else
        (void)snprintf(slot->why, sizeof slot->why, "ended with status %d", WEXITSTATUS(how));
    worker->busy = false;
    if (pool->next < pool->opt->count && !pool->stopped)
        (void)pool_start(pool, worker); /* if not, the others go on */
}

static void pool_read(struct pool *pool, struct pool_worker *worker)
{
    size_t size = sizeof worker->job + pool->opt->result_size;
    ssize_t got = recv(worker->fd, pool->packet, size, MSG_DONTWAIT);

    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got != (ssize_t)size) {
        pool_died(pool, worker);
        return;
    }
    memcpy(pool_result(pool, worker->job), pool->packet + sizeof worker->job, pool->opt->result_size);
    pool_slot(pool, worker->job)->ready = true;
    worker->busy = false;
}

/* Calls done() for what is complete, in order. */
static void pool_deliver(struct pool *pool)
{
    const struct pool_options *opt = pool->opt;

    while (!pool->stopped && pool->first < opt->count && pool_slot(pool, pool->first)->ready) {
        struct pool_slot *slot = pool_slot(pool, pool->first);
        bool more = true;

        if (opt->done)
            more = opt->done(opt->arg, pool->first, slot->died ? NULL : pool_result(pool, pool->first),
                             slot->died ? slot->why : NULL);
        pool->report->done++;
        pool->report->died += slot->died;
        *slot = (struct pool_slot){ .ready = false };
        pool->first++;
        pool->stopped = !more;
    }
}

static void pool_progress(struct pool *pool, bool last)
{
    int64_t now_us = clock_now_us();
    double took_s = (double)(now_us - pool->began_us) / 1e6;
    double left_s =
        pool->first > 0 ? took_s / (double)pool->first * (double)(pool->opt->count - pool->first) : 0.0;

    if (!pool->opt->progress || !isatty(STDERR_FILENO) ||
        (!last && now_us < pool->shown_us + POOL_PROGRESS_US))
        return;
    pool->shown_us = now_us;
    if (last)
        (void)fprintf(stderr, "\r\033[K");
    else
        (void)fprintf(stderr, "\r\033[K%" PRIu64 " of %" PRIu64 " %s, %.0f s, about %.0f s left", pool->first,
                      pool->opt->count, pool->opt->progress, took_s, left_s);
    (void)fflush(stderr);
}

/* Waits until a worker has something to say, and takes it. False: none is left. */
static bool pool_wait(struct pool *pool)
{
    struct pollfd fds[POOL_WORKERS_MAX];
    struct pool_worker *who[POOL_WORKERS_MAX];
    nfds_t count = 0;

    for (int32_t i = 0; i < pool->worker_count; i++)
        if (pool->workers[i].pid > 0) {
            who[count] = &pool->workers[i];
            fds[count++] = (struct pollfd){ .fd = pool->workers[i].fd, .events = POLLIN };
        }
    if (count == 0)
        return false;
    if (poll(fds, count, POOL_WAIT_MS) > 0)
        for (nfds_t i = 0; i < count; i++)
            if (fds[i].revents != 0)
                pool_read(pool, who[i]);
    return true;
}

/* Idle workers end by themselves when their socket closes; the others are ended. */
static void pool_end(struct pool *pool)
{
    for (int32_t i = 0; i < pool->worker_count; i++)
        if (pool->workers[i].pid > 0) {
            (void)close(pool->workers[i].fd);
            if (pool->workers[i].busy)
                (void)kill(pool->workers[i].pid, SIGKILL);
        }
    for (int32_t i = 0; i < pool->worker_count; i++)
        while (pool->workers[i].pid > 0 && waitpid(pool->workers[i].pid, NULL, 0) < 0 && errno == EINTR)
            ;
}

static enum status pool_loop(struct pool *pool)
{
    int32_t started = 0;

    for (int32_t i = 0; i < pool->worker_count; i++)
        started += pool_start(pool, &pool->workers[i]);
    if (started == 0)
        return ST_SYS;
    while (!pool->stopped && pool->first < pool->opt->count && pool_signal == 0) {
        for (int32_t i = 0; i < pool->worker_count; i++)
            pool_hand_out(pool, &pool->workers[i]);
        if (!pool_wait(pool))
            return ST_SYS;
        if (pool_signal == 0)
            pool_deliver(pool);
        pool_progress(pool, false);
    }
    return pool_signal != 0 && !pool->stopped && pool->first < pool->opt->count ? ST_REFUSED : ST_OK;
}

static enum status pool_run_signals(struct pool *pool)
{
    struct sigaction ours = { .sa_handler = pool_on_signal }, old_int, old_term;
    enum status st;

    pool_signal = 0;
    (void)sigaction(SIGINT, &ours, &old_int); /* no SA_RESTART: poll() must return */
    (void)sigaction(SIGTERM, &ours, &old_term);
    st = pool_loop(pool);
    pool_end(pool);
    (void)sigaction(SIGINT, &old_int, NULL);
    (void)sigaction(SIGTERM, &old_term, NULL);
    pool_progress(pool, true);
    pool->report->signal = st == ST_REFUSED ? (int)pool_signal : 0;
    return st;
}

enum status pool_run(const struct pool_options *opt, struct pool_report *ret)
{
    int32_t workers = opt->workers > 0 ? opt->workers : pool_workers();
    struct pool *pool = calloc(1, sizeof *pool);
    enum status st = ST_NOMEM;

    CHECK(opt->job && opt->result_size > 0 && opt->result_size <= POOL_RESULT_MAX);
    *ret = (struct pool_report){ .done = 0 };
    if (!pool)
        return st;
    if (workers > POOL_WORKERS_MAX)
        workers = POOL_WORKERS_MAX;
    pool->opt = opt;
    pool->report = ret;
    pool->worker_count = (uint64_t)workers > opt->count ? (int32_t)opt->count : workers;
    pool->room = POOL_AHEAD * (uint64_t)workers;
    pool->began_us = pool->shown_us = clock_now_us();
    pool->slots = calloc(pool->room, sizeof *pool->slots);
    pool->results = calloc(pool->room, opt->result_size);
    pool->packet = calloc(1, sizeof(uint64_t) + opt->result_size);
    if (pool->slots && pool->results && pool->packet)
        st = opt->count > 0 ? pool_run_signals(pool) : ST_OK;
    free(pool->packet);
    free(pool->results);
    free(pool->slots);
    free(pool);
    return st;
}
