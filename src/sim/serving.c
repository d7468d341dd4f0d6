/* SPDX-License-Identifier: Apache-2.0 */
/* serving.c: plays instances that serve requests, pass by pass. */
#include "serving.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "busbar/check.h"

#define SERVING_BEFORE_S 300.0 /* played before the beginning: requests are running then */
#define SERVING_STREAM   1000  /* of the seed; two more an instance                      */

struct serving_instance {
    const struct serving_options *opt;
    struct serving_load *load;
    double *w;
    struct serving_source source;
    struct serving_request next;
    struct rng rng;
    double now_s, gain;
    int32_t hold, passed; /* decode passes since a prompt waits                     */
    int32_t waiting_count, waiting_first;
    struct serving_request waiting[SERVING_WAITING_MAX];
    int32_t running_count, left[SERVING_SEQS]; /* tokens to be written               */
};

/* What the page shows from t_s on. The last count before a scrape is what it reads. */
static void serving_tell(struct serving_instance *v, int32_t *of, double t_s, int32_t change)
{
    double at = ceil(t_s / v->opt->scrape_s) - 1.0;

    if (at < v->load->scrapes)
        of[at > 0.0 ? (int32_t)at : 0] += change;
}

static void serving_draw(struct serving_instance *v, double until_s, double ratio)
{
    double w = ratio * v->gain * serving_model.rated_w;
    double end_s = fmin(until_s, v->load->slots * SERVING_SLOT_S), at_s = fmax(v->now_s, 0.0);

    while (at_s < end_s) {
        int32_t slot = (int32_t)(at_s / SERVING_SLOT_S + 1e-9);
        double to_s = fmin(end_s, (slot + 1) * SERVING_SLOT_S);

        if (slot >= v->load->slots)
            break;
        v->w[slot] += w * (to_s - at_s) / SERVING_SLOT_S;
        at_s = to_s;
    }
    v->now_s = until_s;
}

static void serving_arrive(struct serving_instance *v)
{
    while (v->next.at_s <= v->now_s) {
        if (v->waiting_count < SERVING_WAITING_MAX) { /* else it is turned away */
            v->waiting[(v->waiting_first + v->waiting_count++) % SERVING_WAITING_MAX] = v->next;
            serving_tell(v, v->load->waiting, v->next.at_s, 1);
        }
        v->next = serving_source_next(&v->source);
    }
}

static bool serving_reads(const struct serving_instance *v)
{
    if (v->waiting_count == 0 || v->running_count == SERVING_SEQS)
        return false;
    return v->running_count == 0 || v->passed >= v->hold;
}

static double serving_jitter(struct serving_instance *v, double ratio)
{
    return 1.0 + rng_uniform(&v->rng, -ratio, ratio);
}

static void serving_prefill(struct serving_instance *v)
{
    int32_t tokens = 0;
    double took_s;

    while (v->waiting_count > 0 && v->running_count < SERVING_SEQS) {
        const struct serving_request *r = &v->waiting[v->waiting_first];

        if (tokens > 0 && tokens + r->in_tokens > serving_model.prefill_tokens)
            break;
        tokens += r->in_tokens;
        v->left[v->running_count++] = (int32_t)ceil(serving_model.out_scale * r->out_tokens);
        v->waiting_first = (v->waiting_first + 1) % SERVING_WAITING_MAX;
        v->waiting_count--;
        serving_tell(v, v->load->waiting, v->now_s, -1);
        serving_tell(v, v->load->running, v->now_s, 1);
    }
    took_s = serving_prefill_s(tokens) * serving_jitter(v, serving_model.jitter_ratio);
    serving_draw(v, v->now_s + took_s,
                 serving_model.prefill_ratio * serving_jitter(v, serving_model.noise_ratio));
    v->passed = 0;
}

static void serving_decode(struct serving_instance *v)
{
    double took_s = serving_decode_s(v->running_count) * serving_jitter(v, serving_model.jitter_ratio);
    double ratio = serving_model.decode_ratio + serving_model.decode_request_ratio * (v->running_count - 1);

    v->passed += v->waiting_count > 0;
    serving_draw(v, v->now_s + took_s, ratio * serving_jitter(v, serving_model.noise_ratio));
    for (int32_t i = 0; i < v->running_count;) {
        if (--v->left[i] > 0) {
            i++;
            continue;
        }
        v->left[i] = v->left[--v->running_count];
        serving_tell(v, v->load->running, v->now_s, -1);
    }
}

static void serving_play(struct serving_instance *v)
{
    double end_s = v->load->slots * SERVING_SLOT_S;

    while (v->now_s < end_s) {
        serving_arrive(v);
        if (serving_reads(v))
            serving_prefill(v);
        else if (v->running_count > 0)
            serving_decode(v);
        else
            serving_draw(v, v->next.at_s, serving_model.idle_ratio);
    }
}

/* Changes into counts. */
static void serving_sum(int32_t *of, int32_t count)
{
    for (int32_t i = 1; i < count; i++)
        of[i] += of[i - 1];
}

enum status serving_run(const struct serving_options *opt, struct serving_load *ret)
{
    struct serving_instance *v = malloc(sizeof *v);

    CHECK(opt->instances >= 1 && opt->instances <= SERVING_INSTANCES_MAX && opt->scrape_s > 0.0);
    CHECK(opt->seconds >= SERVING_SLOT_S && opt->seconds <= SERVING_SECONDS_MAX);
    *ret = (struct serving_load){ .instances = opt->instances,
                                  .slots = (int32_t)(opt->seconds / SERVING_SLOT_S + 1e-6),
                                  .scrapes = (int32_t)(opt->seconds / opt->scrape_s + 1e-6) };
    ret->w = calloc((size_t)ret->slots * (size_t)ret->instances, sizeof ret->w[0]);
    ret->waiting = calloc((size_t)ret->scrapes + 1, sizeof ret->waiting[0]);
    ret->running = calloc((size_t)ret->scrapes + 1, sizeof ret->running[0]);
    if (!v || !ret->w || !ret->waiting || !ret->running) {
        free(v);
        serving_load_done(ret);
        return ST_NOMEM;
    }
    for (int32_t i = 0; i < opt->instances; i++) {
        uint64_t stream = SERVING_STREAM + 2 * (uint64_t)i;

        memset(v, 0, sizeof *v);
        v->opt = opt;
        v->load = ret;
        v->w = ret->w + (size_t)i * (size_t)ret->slots;
        v->now_s = -SERVING_BEFORE_S;
        v->hold = opt->hold_passes >= 0 ? opt->hold_passes : serving_model.hold_passes;
        serving_source_init(&v->source, opt->arrivals, opt->seed, stream, v->now_s);
        v->next = serving_source_next(&v->source);
        rng_init(&v->rng, opt->seed, stream + 1);
        v->gain = serving_jitter(v, serving_model.gain_ratio);
        serving_play(v);
    }
    free(v);
    serving_sum(ret->waiting, ret->scrapes);
    serving_sum(ret->running, ret->scrapes);
    return ST_OK;
}

void serving_load_done(struct serving_load *load)
{
    free(load->w);
    free(load->waiting);
    free(load->running);
    *load = (struct serving_load){ .slots = 0 };
}
