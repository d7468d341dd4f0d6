/* SPDX-License-Identifier: Apache-2.0 */
/* serving.h: power of language models that serve requests, and what the serving
 * stack's own page of metrics says meanwhile. Pure, except for serving_arrivals.c.
 *
 * An instance is one model on its own accelerators with continuous batching: prompts
 * that wait are read together in one pass (prefill, all that the board can draw);
 * between them each pass writes one token of every request that runs (decode, less).
 * The numbers are in serving_model.c: fitted once, then left alone.
 */
#ifndef BUSBAR_SIM_SERVING_H
#define BUSBAR_SIM_SERVING_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/status.h"
#include "rng.h"

#define SERVING_SLOT_S        0.1 /* power is the mean of such slots               */
#define SERVING_INSTANCES_MAX 48
#define SERVING_SECONDS_MAX   200000.0
#define SERVING_WAITING_MAX   1024
#define SERVING_SEQS          32 /* requests in one batch, at most; the rest waits */
#define SERVING_ERROR_MAX     512

struct serving_request {
    double at_s;
    int32_t in_tokens, out_tokens;
};

/* ---- serving_model.c ---- */

struct serving_model {
    double rated_w;     /* of an instance: all its accelerators               */
    double arrivals_hz; /* mean, of an instance                               */
    double out_scale;   /* tokens written for each that the trace's model wrote */
    double idle_ratio, decode_ratio, decode_request_ratio, prefill_ratio; /* of rated_w */
    double jitter_ratio;    /* of a pass's time                                   */
    double noise_ratio;     /* of a pass's power                                  */
    double gain_ratio;      /* boards differ by up to so much                     */
    int32_t hold_passes;    /* decode passes that a prompt lets pass before it is read */
    int32_t prefill_tokens; /* read together, at most                           */
};
extern const struct serving_model serving_model;

/* Seconds of one pass. */
double serving_prefill_s(int32_t tokens);
double serving_decode_s(int32_t running);

/* ---- serving_arrivals.c ---- */

/* Recorded requests in the order of time; count 0: none, and arrivals are made up. */
struct serving_arrivals {
    int32_t count;
    double span_s;
    struct serving_request *request;
};

/* A CSV `t_s,in_tokens,out_tokens,...`, plain or gzip. `error`: one line. */
NODISCARD enum status serving_arrivals_load(const char *path, struct serving_arrivals *ret,
                                            char error[SERVING_ERROR_MAX]);
void serving_arrivals_done(struct serving_arrivals *arrivals);

/* One instance's share of them, or made-up ones, one after the other without end. */
struct serving_source {
    const struct serving_arrivals *arrivals;
    struct rng rng;
    int32_t at;
    double turn_s;             /* arrivals: their beginning, on the load's clock     */
    double share;              /* of them                                            */
    double now_s, until_s, hz; /* made up: the rate until then                       */
};
void serving_source_init(struct serving_source *source, const struct serving_arrivals *arrivals,
                         uint64_t seed, uint64_t stream, double from_s);
struct serving_request serving_source_next(struct serving_source *source);

/* ---- serving.c ---- */

struct serving_options {
    int32_t instances;
    double seconds, scrape_s; /* of the page of metrics                            */
    int32_t hold_passes;      /* negative: the model's                             */
    uint64_t seed;
    const struct serving_arrivals *arrivals;
};

struct serving_load {
    int32_t instances, slots, scrapes;
    double *w;                  /* [instance][slot]                                */
    int32_t *waiting, *running; /* [scrape], of all instances: at (i + 1) * scrape_s */
};

/* ST_NOMEM is all that can go wrong. Give *ret to serving_load_done(). */
NODISCARD enum status serving_run(const struct serving_options *opt, struct serving_load *ret);
void serving_load_done(struct serving_load *load);

#endif
