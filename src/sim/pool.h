/* SPDX-License-Identifier: Apache-2.0 */
/* pool.h: many independent jobs on worker processes, results in order.
 *
 * Jobs are numbers. Each worker is a fork of the caller, so a job sees whatever
 * was set up before pool_run(), and one that dies takes nothing with it: its
 * number is reported and the others go on. What the caller sees does not depend
 * on how many workers there are.
 */
#ifndef BUSBAR_SIM_POOL_H
#define BUSBAR_SIM_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "busbar/status.h"

#define POOL_RESULT_MAX  ((size_t)65536)
#define POOL_WORKERS_MAX 256

struct pool_options {
    uint64_t count;     /* jobs 0 to count - 1                                   */
    int32_t workers;    /* 0: one per online CPU; at most POOL_WORKERS_MAX       */
    size_t result_size; /* of a plain struct; at most POOL_RESULT_MAX            */
    void *arg;          /* of all calls below; borrowed                          */
    /* In a worker: fills ret_result (zeroed before). */
    void (*job)(void *arg, uint64_t index, void *ret_result);
    /* In the caller's process, for each job in the order of its number. result NULL: the
     * worker died at it; `why` then says of what. False: no more jobs. NULL: not called. */
    bool (*done)(void *arg, uint64_t index, const void *result, const char *why);
    const char *progress; /* what a job is called, in the plural, for the progress line on
                             * standard error where that is a terminal; NULL: none    */
};

struct pool_report {
    uint64_t done; /* done() was called for so many                         */
    uint64_t died; /* of these the worker died at so many                   */
    int signal;    /* ended early by SIGINT or SIGTERM; 0: not              */
};

/* ST_OK: all jobs were done, or done() wanted no more. ST_REFUSED: a SIGINT or SIGTERM
 * came: all workers are gone, ret->signal says which. ST_SYS: no worker could be
 * started; ST_NOMEM. *ret is filled in any case. Must be called with one thread only. */
NODISCARD enum status pool_run(const struct pool_options *opt, struct pool_report *ret);

/* Workers that `workers` 0 would mean. */
int32_t pool_workers(void);

#endif
