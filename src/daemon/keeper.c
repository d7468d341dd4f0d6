/* SPDX-License-Identifier: Apache-2.0 */
/* keeper.c: the wanted mode, written when it changes. Owns the thread that writes;
 * all else is called on the main thread. The mutex is held for a copy, never while
 * the disk is waited for. */
#include "keeper.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "busbar/clock.h"
#include "busbar/log.h"
#include "busbar/worker.h"

#define KEEPER_US_PER_S  1000000
#define KEEPER_NS_PER_US 1000

struct keeper {
    char dir[PATH_MAX];
    pthread_mutex_t mutex; /* of all that follows                            */
    pthread_cond_t saved;
    struct state next;
    uint64_t wanted, done;   /* counts of what was put, and of these the last that is done with */
    enum status done_status; /* how that ended                                 */
    struct worker *worker;   /* NULL: not yet, or no more                      */
};

static int64_t keeper_turn(void *arg, int64_t now_us)
{
    struct keeper *keeper = arg;

    (void)now_us;
    (void)pthread_mutex_lock(&keeper->mutex);
    while (keeper->done != keeper->wanted) {
        struct state state = keeper->next;
        uint64_t number = keeper->wanted;
        enum status st;

        (void)pthread_mutex_unlock(&keeper->mutex);
        st = state_save(keeper->dir, &state);
        /* Control that cannot be kept is refused; all else is in force by now. */
        if (st != ST_OK && state.mode_wanted != CORE_WANT_CONTROL)
            LOG(WARNING, keeper->dir, "the wish for %s could not be kept: a restart forgets it",
                core_mode_wanted_label(state.mode_wanted));
        (void)pthread_mutex_lock(&keeper->mutex);
        keeper->done = number;
        keeper->done_status = st;
        (void)pthread_cond_broadcast(&keeper->saved);
    }
    (void)pthread_mutex_unlock(&keeper->mutex);
    return INT64_MAX;
}

enum status keeper_new(const char *state_dir, struct keeper **ret)
{
    struct keeper *keeper = calloc(1, sizeof *keeper);
    pthread_condattr_t monotonic;
    enum status st;

    if (!keeper)
        return ST_NOMEM;
    (void)snprintf(keeper->dir, sizeof keeper->dir, "%s", state_dir);
    (void)pthread_mutex_init(&keeper->mutex, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&keeper->saved, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    st = worker_new("state", keeper_turn, keeper, &keeper->worker);
    if (st != ST_OK) {
        keeper_free(keeper);
        return st;
    }
    *ret = keeper;
    return ST_OK;
}

void keeper_put(struct keeper *keeper, const struct state *state)
{
    (void)pthread_mutex_lock(&keeper->mutex);
    keeper->next = *state;
    keeper->wanted++;
    (void)pthread_mutex_unlock(&keeper->mutex);
    worker_wake(keeper->worker);
}

enum status keeper_wait(struct keeper *keeper, int64_t wait_us)
{
    int64_t until_us = clock_now_us() + wait_us;
    struct timespec until = { .tv_sec = (time_t)(until_us / KEEPER_US_PER_S),
                              .tv_nsec = (long)(until_us % KEEPER_US_PER_S) * KEEPER_NS_PER_US };
    enum status st;
    int late = 0;

    (void)pthread_mutex_lock(&keeper->mutex);
    while (keeper->done != keeper->wanted && late != ETIMEDOUT)
        late = pthread_cond_timedwait(&keeper->saved, &keeper->mutex, &until);
    st = keeper->done == keeper->wanted ? keeper->done_status : ST_BUSY;
    (void)pthread_mutex_unlock(&keeper->mutex);
    return st;
}

struct keeper *keeper_free(struct keeper *keeper)
{
    if (!keeper)
        return NULL;
    keeper->worker = worker_free(keeper->worker);
    (void)keeper_turn(keeper, 0); /* what was put after its last turn */
    (void)pthread_cond_destroy(&keeper->saved);
    (void)pthread_mutex_destroy(&keeper->mutex);
    free(keeper);
    return NULL;
}
