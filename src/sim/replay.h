/* SPDX-License-Identifier: Apache-2.0 */
/* replay.h: runs a recording of the daemon again and compares the orders. */
#ifndef BUSBAR_SIM_REPLAY_H
#define BUSBAR_SIM_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "busbar/histogram.h"
#include "busbar/record.h"
#include "busbar/status.h"

#define REPLAY_TEXT_MAX 512

/* busbarsim replay FILE [--json] [--from-start] [--runs N] [--verbose]: in replay_main.c */
int replay_main(int argc, char **argv);

/* The least time that each step has taken so far, in us, over several runs of one recording. They are
 * the same to the bit: what one run took longer is the machine's. Zero: none yet; free(us) when done. */
struct replay_least {
    int64_t *us;
    uint64_t count, room;
};

struct replay_options {
    bool from_start;         /* begin with core_init(), not with the recorded block  */
    bool trust_sums;         /* do not check CRCs: for the fuzz target               */
    FILE *verbose;           /* each order, as a line; NULL: none                    */
    struct replay_least *least; /* lowered, and what core_step counts; NULL: this run alone */
};

struct replay_result {
    char build[RECORD_TEXT_MAX], rack[RECORD_TEXT_MAX];
    bool same_build;
    uint64_t ticks;          /* stepped                                              */
    uint64_t skipped;        /* not stepped: before the first copy of the core       */
    uint64_t orders;         /* recorded and compared                                */
    uint64_t different;      /* of these, or made now and not then                   */
    uint64_t gaps, lost;     /* places where ticks are missing; how many are          */
    uint64_t blocks, blocks_different;  /* copies of the core met on the way, and unlike ours */
    int64_t recorded_us, wall_us;
    struct histogram core_step;    /* time of each step, run back to back (`least`)  */
    char first[REPLAY_TEXT_MAX];   /* the first difference, in words; empty          */
    char trouble[REPLAY_TEXT_MAX]; /* not ST_OK: what is wrong with the file          */
};

/* ST_OK: it was run to its end. ST_CORRUPT: it is no recording, or broken.
 * ST_REFUSED: another build's, and not from_start. ST_NONE: nothing in it can be
 * followed. `ret` is set in any case. */
NODISCARD enum status replay_bytes(const void *data, size_t size, const struct replay_options *opt,
                                   struct replay_result *ret);

#endif
