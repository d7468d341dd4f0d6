/* SPDX-License-Identifier: Apache-2.0 */
/* load.h: what the GPUs of a virtual rack ask for, second by second. Pure.
 *
 * Constant, square (training: compute and communicate), inference (random
 * arrivals), steps, or a recorded trace; each GPU a little apart, by the seed:
 * up to 5 % in height, and up to skew_s in time. Between load_next() times
 * nothing changes, so steps may be long. Times are whole microseconds; a trace
 * is sampled every LOAD_TRACE_S and held in between.
 */
#ifndef BUSBAR_SIM_LOAD_H
#define BUSBAR_SIM_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "plant.h"
#include "trace.h"

enum load_kind { LOAD_CONSTANT, LOAD_SQUARE, LOAD_INFERENCE, LOAD_STEP, LOAD_TRACE, LOAD_KIND_COUNT };

struct load_options {
    enum load_kind kind;
    double high_ratio, low_ratio; /* of idle to rated: 0 idle, 1 rated            */
    double period_s, duty_ratio;  /* SQUARE; INFERENCE: duty_ratio of the time busy, 0: 0.6 */
    double skew_s;                /* GPUs begin up to so much apart              */
    double at_s, until_s;         /* STEP: high between, low else                */
    double rate_hz;               /* INFERENCE: arrivals a GPU                   */
    const struct trace *trace;    /* TRACE; borrowed                             */
    double start_s;               /* of the trace, at 0 s here                   */
};

#define LOAD_TRACE_S 0.01

struct load_gpu {
    int64_t skew_us;
    double gain;
    /* INFERENCE: one request is served at a time, the others wait                 */
    bool begun;
    int32_t waiting;              /* the one that is served too                  */
    int64_t arrives_us, ends_us;  /* the next request; the one that is served    */
    struct rng rng;
    int32_t trace_node, cursor;   /* TRACE                                       */
};

struct load {
    struct load_options opt;
    int32_t gpu_count;
    struct load_gpu gpus[PLANT_GPUS_MAX];
};

void load_init(struct load *load, const struct load_options *opt, const struct plant *plant, uint64_t seed);

/* Sets demand_w of every GPU at t_s. INFERENCE: t_s never goes back; the queues
 * are empty before the first call. */
void load_demand(struct load *load, struct plant *plant, double t_s);

/* When anything changes next, after t_s of the last load_demand(); at most 0.1 s
 * later. */
double load_next(const struct load *load, double t_s);

/* "constant", "square", "inference", "step", "trace"; LOAD_KIND_COUNT: no such word. */
enum load_kind load_kind_find(const char *word);

#endif
