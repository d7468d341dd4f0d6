/* SPDX-License-Identifier: Apache-2.0 */
/* trace.h: power over time, from a file or made up: the work that is offered.
 *
 * Forms, recognised by their header line, plain or gzip:
 *   t_s,node,ac_w,...       one job on many nodes of 8 GPUs        (training)
 *   t_s,w,...               one server of 8 GPUs at the wall       (inference)
 *   t_ms,w_cables,w_slot    one board, an external meter           (training)
 *   t_ms,...,power.draw,... one board, nvidia-smi; `.instant` is preferred
 * Between two samples of a node power is a straight line.
 */
#ifndef BUSBAR_SIM_TRACE_H
#define BUSBAR_SIM_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/core.h"
#include "busbar/status.h"

#define TRACE_NODES_MAX 1024
#define TRACE_ERROR_MAX 512

struct trace_series {
    int32_t count, room;
    double *t_s; /* from the trace's beginning, never falling       */
    double *w;
};

/* What a job writes into its own log. */
struct trace_mark {
    double t_s; /* rising                                          */
    enum core_mark mark;
};

struct trace {
    char name[64]; /* the file's, without folder and endings          */
    bool training; /* one clock for the job; else every GPU has a queue */
    int32_t node_count, gpus_per_node;
    struct trace_series *nodes;
    double duration_s;
    double idle_w, max_w; /* of one node: what counts as no work and full work */
    int32_t mark_count, mark_room;
    struct trace_mark *marks; /* of training: made up, or added after loading      */
};

/* ST_SYS: cannot be read; ST_CORRUPT: has none of the forms, or a line is
 * wrong; ST_RANGE: too large. `error` then says what and where, one line. */
NODISCARD enum status trace_load(const char *path, struct trace **ret, char error[TRACE_ERROR_MAX]);
struct trace *trace_free(struct trace *trace);

/* Made-up work: training iterates compute and communication and writes
 * checkpoints; inference is requests that come singly and in bursts. With
 * `every_s` a training job evaluates for about `evaluate_s` that often instead. */
struct trace_generate {
    bool training;
    int32_t node_count, gpus_per_node;
    double duration_s;
    double every_s, evaluate_s; /* 0: checkpoints of some seconds                  */
    uint64_t seed;
};
NODISCARD enum status trace_generate(const struct trace_generate *opt, struct trace **ret);

/* The same job on another rack: a node of it is one tray of `gpus_per_node`. Nodes too
 * many are left out, and those that are missing do as the first ones do. */
NODISCARD enum status trace_spread(struct trace *trace, int32_t node_count, int32_t gpus_per_node);

/* At the end of the marks. ST_NOMEM or ST_OK. */
NODISCARD enum status trace_mark_add(struct trace *trace, double t_s, enum core_mark mark);

/* Work of a node at a time, 0 (idle) to 1 (full), above 1 when more is offered
 * than one can do. Times past the end start over. `cursor` is the caller's, 0
 * at first: it makes the next question about nearly the same time cheap. */
double trace_work(const struct trace *trace, int32_t node, double t_s, int32_t *cursor);

/* Where the window with the highest mean over the first `node_count` nodes begins. */
double trace_hardest_s(const struct trace *trace, int32_t node_count, double window_s);

#endif
