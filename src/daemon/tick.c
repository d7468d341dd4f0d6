/* SPDX-License-Identifier: Apache-2.0 */
/* tick.c: the fixed-rate loop.
 *
 * tick_run() and tick_turn() are the tick thread; the rest is the main
 * thread's. Once it runs the tick thread takes no lock, allocates nothing, logs
 * nothing and touches no device: it meets the others in mailboxes and queues.
 *
 * The loop is poll(2) over a timerfd and an eventfd rather than an event base:
 * with two descriptors that never change a base would add an epoll call and a
 * callback, and hide what the real-time thread does between two ticks.
 */
#include "tick.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "busbar/clock.h"
#include "busbar/log.h"
#include "busbar/mailbox.h"
#include "busbar/queue.h"

#define TICK_STACK_BYTES ((size_t)1 << 20)
#define TICK_US_PER_S 1000000
#define TICK_HINTS_MAX 4
#define TICK_NS_PER_US 1000
#define TICK_HAND_OVER_MAX_US 5000000

struct tick_command {
    uint64_t number;
    struct tick_work work;
};

struct tick {
    int timer_fd, stop_fd;
    int taken_fd;                  /* tick -> main: a command was taken                 */
    bool started, realtime;
    pthread_t thread;
    uint64_t commands_sent;        /* the main thread's                                 */
    atomic_uint_fast64_t commands_taken;
    struct mailbox *commands;      /* main -> tick: struct tick_command                 */
    struct mailbox *stats_box;     /* tick -> main: struct tick_stats                   */
    /* the tick thread's */
    struct tick_work work;
    struct tick_stats stats;
    uint64_t unrecorded_before;    /* by the rigs before                                */
    int64_t scheduled_us;          /* of the last tick                                  */
};

/* ---- the tick thread ---- */

/* Phase starts here: the first tick is one period away. */
static void tick_arm(struct tick *tick)
{
    int64_t period_us = tick->work.rig->config.period_us;
    int64_t first_us = clock_now_us() + period_us;
    struct itimerspec when = {
        .it_value = { .tv_sec = (time_t)(first_us / TICK_US_PER_S),
                      .tv_nsec = (long)(first_us % TICK_US_PER_S * TICK_NS_PER_US) },
        .it_interval = { .tv_sec = (time_t)(period_us / TICK_US_PER_S),
                         .tv_nsec = (long)(period_us % TICK_US_PER_S * TICK_NS_PER_US) },
    };

    tick->scheduled_us = first_us - period_us;
    tick->stats.period_us = period_us;
    (void)timerfd_settime(tick->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

/* The main thread hands over a rig, a field, or both. */
static void tick_take(struct tick *tick)
{
    struct tick_command command;
    struct rig *before = tick->work.rig;
    uint64_t one = 1;

    if (!mailbox_get(tick->commands, &command))
        return;
    if (command.work.rig != before)
        tick->unrecorded_before += tap_lost(before->tap);
    if (command.work.rig != before && command.work.map)
        core_adopt(command.work.rig->core, before->core, command.work.map);
    tick->work = command.work;
    if (command.work.rig->config.period_us != tick->stats.period_us)
        tick_arm(tick);
    atomic_store_explicit(&tick->commands_taken, command.number, memory_order_release);
    if (write(tick->taken_fd, &one, sizeof one) < 0)
        return; /* the counter is full: the reader is woken anyway */
}

static void tick_put_events(struct tick *tick, const struct core_outputs *out)
{
    const struct core_event *events = core_outputs_events(out);

    tick->stats.events_lost += (uint64_t)out->events_dropped;
    for (int32_t i = 0; i < out->event_count; i++) {
        struct rig_event event = { .event = events[i], .mode = out->mode, .reasons = out->reasons };

        if (!queue_put(tick->work.rig->events, &event, sizeof event, NULL, 0))
            tick->stats.events_lost++;
    }
}

static void tick_put_outputs(struct tick *tick)
{
    struct rig *rig = tick->work.rig;

    tick_put_events(tick, rig->out);
    mailbox_put(rig->outputs, rig->out);
    tick->stats.ticks++;
    tick->stats.unrecorded = tick->unrecorded_before + tap_lost(rig->tap);
    mailbox_put(tick->stats_box, &tick->stats);
}

static void tick_count(struct tick *tick, int64_t woke_us, uint64_t expirations)
{
    /* Late against the oldest period that was not served. */
    histogram_add(&tick->stats.lateness, woke_us - (tick->scheduled_us + tick->stats.period_us));
    tick->scheduled_us += (int64_t)expirations * tick->stats.period_us;
    tick->stats.missed += expirations - 1;
}

/* A few a turn: whoever floods us waits. */
static int32_t tick_hints(struct tick *tick, struct core_hint *ret)
{
    int32_t count = 0;
    size_t size;

    while (count < TICK_HINTS_MAX && queue_get(tick->work.rig->hints, &ret[count], sizeof *ret, &size))
        count++;
    return count;
}

void tick_turn(struct tick *tick, int64_t woke_us, uint64_t expirations)
{
    struct core_inputs in = { .now_us = woke_us };
    struct latency *latency = &tick->stats.latency;
    const struct core_order *orders;
    int64_t begun_us, published_us;
    struct core_hint hints[TICK_HINTS_MAX];
    struct rig *rig;

    tick_count(tick, woke_us, expirations);
    tick_take(tick);
    rig = tick->work.rig;
    (void)mailbox_get(rig->plans, rig->plan_now);
    (void)mailbox_get(rig->requests, rig->requests_now);
    in.plan = rig->plan_now;
    in.request_count = rig->requests_now->count;
    in.requests = rig->requests_now->list;
    in.hint_count = tick_hints(tick, hints);
    in.hints = hints;
    if (tick->work.field)
        field_collect(tick->work.field, &in);
    tap_begin(rig->tap, rig->core, &in);

    begun_us = clock_now_us();
    core_step(rig->core, &in, rig->out);
    histogram_add(&tick->stats.core_step, clock_now_us() - begun_us);
    if (tick->work.field)
        field_publish(tick->work.field, rig->out);
    published_us = clock_now_us();

    /* Outcomes first: an order of this step takes its lever's place. */
    for (int32_t i = 0; i < in.ack_count; i++)
        latency_ack(latency, &rig->levers[in.acks[i].lever], &in.acks[i]);
    orders = core_outputs_orders(rig->out);
    for (int32_t i = 0; i < rig->out->order_count; i++)
        latency_order(latency, &rig->levers[orders[i].lever], &orders[i], published_us);
    tap_end(rig->tap, &in, rig->out);
    tick_put_outputs(tick);
}

/* Waits for the timer. How many periods passed; 0: stop. */
static uint64_t tick_wait(const struct tick *tick)
{
    struct pollfd fds[2] = { { .fd = tick->timer_fd, .events = POLLIN },
                             { .fd = tick->stop_fd, .events = POLLIN } };
    uint64_t expirations;

    for (;;) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return 0;
        if (fds[1].revents)
            return 0;
        /* Not blocking: between poll() and here the timer may have been set anew. */
        if (read(tick->timer_fd, &expirations, sizeof expirations) == (ssize_t)sizeof expirations)
            return expirations;
    }
}

static void *tick_run(void *arg)
{
    struct tick *tick = arg;
    uint64_t expirations;

    (void)prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    tick_arm(tick);
    while ((expirations = tick_wait(tick)) > 0)
        tick_turn(tick, clock_now_us(), expirations);
    return NULL;
}

/* ---- the main thread ---- */

static enum status tick_open(struct tick *tick)
{
    tick->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    tick->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    tick->taken_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (tick->timer_fd >= 0 && tick->stop_fd >= 0 && tick->taken_fd >= 0)
        return ST_OK;
    LOG(ERR, "tick", "cannot make a descriptor: %s", strerror(errno));
    return ST_SYS;
}

enum status tick_new(const struct tick_work *work, struct tick **ret)
{
    struct tick *tick = calloc(1, sizeof *tick);
    enum status st;

    if (!tick)
        return ST_NOMEM;
    tick->timer_fd = tick->stop_fd = tick->taken_fd = -1;
    tick->work = *work;
    tick->stats.period_us = work->rig->config.period_us;
    atomic_init(&tick->commands_taken, 0);
    st = tick_open(tick);
    if (st == ST_OK)
        st = mailbox_new(sizeof(struct tick_command), &tick->commands);
    if (st == ST_OK)
        st = mailbox_new(sizeof(struct tick_stats), &tick->stats_box);
    if (st != ST_OK) {
        tick_free(tick);
        return st;
    }
    *ret = tick;
    return ST_OK;
}

/* First reason why the thread is not what was asked for; 0: it is. */
static int tick_prioritise(struct tick *tick, const struct tick_priority *priority)
{
    struct sched_param param = { .sched_priority = priority->fifo };
    int refused = 0, error;

    if (priority->fifo > 0) {
        refused = pthread_setschedparam(tick->thread, SCHED_FIFO, &param);
        tick->realtime = refused == 0;
    }
    if (priority->cpu >= 0 && priority->cpu < CPU_SETSIZE) {
        cpu_set_t cpus;

        CPU_ZERO(&cpus);
        CPU_SET((size_t)priority->cpu, &cpus);
        error = pthread_setaffinity_np(tick->thread, sizeof cpus, &cpus);
        if (refused == 0)
            refused = error;
    }
    return refused;
}

enum status tick_start(struct tick *tick, const struct tick_priority *priority, int *ret_errno)
{
    pthread_attr_t attr;
    sigset_t all, before;
    int error;

    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, TICK_STACK_BYTES);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&tick->thread, &attr, tick_run, tick);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attr);
    if (error != 0) {
        LOG(ERR, "tick", "cannot start the thread: %s", strerror(error));
        return ST_SYS;
    }
    tick->started = true;
    (void)pthread_setname_np(tick->thread, "tick");
    *ret_errno = tick_prioritise(tick, priority);
    return ST_OK;
}

bool tick_realtime(const struct tick *tick)
{
    return tick->realtime;
}

static void tick_close(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

struct tick *tick_free(struct tick *tick)
{
    uint64_t one = 1;

    if (!tick)
        return NULL;
    if (tick->started && write(tick->stop_fd, &one, sizeof one) == (ssize_t)sizeof one)
        (void)pthread_join(tick->thread, NULL);
    tick_close(tick->timer_fd);
    tick_close(tick->stop_fd);
    tick_close(tick->taken_fd);
    mailbox_free(tick->commands);
    mailbox_free(tick->stats_box);
    free(tick);
    return NULL;
}

enum status tick_hand_over(struct tick *tick, const struct tick_work *work)
{
    struct tick_command command = { .number = ++tick->commands_sent, .work = *work };
    struct pollfd fd = { .fd = tick->taken_fd, .events = POLLIN };
    int64_t end_us = clock_now_us() + TICK_HAND_OVER_MAX_US;
    uint64_t count;

    mailbox_put(tick->commands, &command);
    while (atomic_load_explicit(&tick->commands_taken, memory_order_acquire) != command.number) {
        int64_t left_ms = (end_us - clock_now_us()) / 1000;

        if (left_ms <= 0)
            return ST_TIMEOUT;
        if (poll(&fd, 1, (int)left_ms) > 0 && read(tick->taken_fd, &count, sizeof count) < 0)
            continue; /* another wake-up drained it */
    }
    return ST_OK;
}

bool tick_stats_get(struct tick *tick, struct tick_stats *ret)
{
    return mailbox_get(tick->stats_box, ret);
}
