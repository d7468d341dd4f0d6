/* SPDX-License-Identifier: Apache-2.0 */
/* serving_arrivals.c: requests of one instance: a share of recorded ones, or made up.
 *
 * Of a recording each instance takes every request with the same small chance, from a
 * beginning of its own, as if it stood behind a balancer with many others; at the end
 * the recording starts over. Made-up ones come at random, at a rate that is drawn anew
 * every minute or so, with lengths whose quantiles are those of a recorded chat service.
 */
#include "serving.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define SERVING_LINE      512
#define SERVING_ROWS_MAX  20000000
#define SERVING_TOKENS    1000000
#define SERVING_CALM      0.6  /* the rate, of the mean: from                       */
#define SERVING_BUSY      1.4  /* to                                                */
#define SERVING_SPELL_S   60.0 /* mean time that a rate lasts                       */
#define SERVING_QUANTILES 8

/* Of Azure's LLM inference trace 2023, conversations (CC-BY 4.0). */
static const struct {
    double share, in_tokens, out_tokens;
} serving_lengths[SERVING_QUANTILES] = { { 0.0, 10, 10 },     { 0.1, 207, 54 },    { 0.25, 396, 85 },
                                         { 0.5, 1020, 129 },  { 0.75, 1189, 395 }, { 0.9, 2734, 424 },
                                         { 0.99, 4142, 601 }, { 1.0, 8192, 1000 } };

/* ---- recorded ---- */

static int serving_order(const void *a, const void *b)
{
    double x = ((const struct serving_request *)a)->at_s, y = ((const struct serving_request *)b)->at_s;

    return x < y ? -1 : x > y;
}

static enum status serving_add(struct serving_arrivals *arrivals, int32_t *room,
                               const struct serving_request *r)
{
    if (arrivals->count == SERVING_ROWS_MAX)
        return ST_RANGE;
    if (arrivals->count == *room) {
        int32_t more = *room ? 2 * *room : 4096;
        struct serving_request *grown = realloc(arrivals->request, (size_t)more * sizeof *grown);

        if (!grown)
            return ST_NOMEM;
        arrivals->request = grown;
        *room = more;
    }
    arrivals->request[arrivals->count++] = *r;
    return ST_OK;
}

static bool serving_parse(const char *line, struct serving_request *ret)
{
    char *end;
    long in, out;

    ret->at_s = strtod(line, &end);
    if (end == line || *end != ',' || !(fabs(ret->at_s) < 1e9))
        return false;
    line = end + 1;
    in = strtol(line, &end, 10);
    if (end == line || *end != ',' || in < 0 || in > SERVING_TOKENS)
        return false;
    line = end + 1;
    out = strtol(line, &end, 10);
    if (end == line || !strchr(",\r\n", *end) || out < 0 || out > SERVING_TOKENS)
        return false;
    ret->in_tokens = in > 0 ? (int32_t)in : 1;
    ret->out_tokens = out > 0 ? (int32_t)out : 1;
    return true;
}

static enum status serving_read(const char *path, gzFile file, struct serving_arrivals *arrivals,
                                char error[SERVING_ERROR_MAX])
{
    char line[SERVING_LINE];
    int64_t number = 0;
    int32_t room = 0;
    enum status st = ST_OK;
    int code;

    while (st == ST_OK && gzgets(file, line, sizeof line)) {
        struct serving_request r;

        if (number++ == 0) {
            if (strncmp(line, "t_s,in_tokens,out_tokens", 24) == 0)
                continue;
            (void)snprintf(error, SERVING_ERROR_MAX,
                           "%.200s:1: the columns must be t_s,in_tokens,out_tokens[,...]", path);
            return ST_CORRUPT;
        }
        if (line[0] == '\n' || line[0] == '\0')
            continue;
        if (!serving_parse(line, &r)) {
            (void)snprintf(error, SERVING_ERROR_MAX, "%.200s:%lld: this is not a request", path,
                           (long long)number);
            return ST_CORRUPT;
        }
        st = serving_add(arrivals, &room, &r);
        if (st != ST_OK)
            (void)snprintf(error, SERVING_ERROR_MAX, "%.200s:%lld: %s", path, (long long)number,
                           st == ST_NOMEM ? "out of memory" : "too many requests");
    }
    (void)gzerror(file, &code);
    if (st == ST_OK && code != Z_OK && code != Z_STREAM_END) {
        (void)snprintf(error, SERVING_ERROR_MAX, "%.200s: the file is cut short or damaged", path);
        st = ST_CORRUPT;
    }
    return st;
}

enum status serving_arrivals_load(const char *path, struct serving_arrivals *ret,
                                  char error[SERVING_ERROR_MAX])
{
    gzFile file = gzopen(path, "rb");
    enum status st;

    *ret = (struct serving_arrivals){ .count = 0 };
    if (!file) {
        (void)snprintf(error, SERVING_ERROR_MAX, "%.200s: %s", path, strerror(errno));
        return ST_SYS;
    }
    st = serving_read(path, file, ret, error);
    (void)gzclose(file);
    if (st == ST_OK) {
        if (ret->count > 0)
            qsort(ret->request, (size_t)ret->count, sizeof ret->request[0], serving_order);
        ret->span_s = ret->count > 0 ? ret->request[ret->count - 1].at_s - ret->request[0].at_s : 0.0;
        if (!(ret->span_s > 0.0)) {
            (void)snprintf(error, SERVING_ERROR_MAX, "%.200s: %d requests that span no time", path,
                           ret->count);
            st = ST_RANGE;
        }
    }
    if (st != ST_OK)
        serving_arrivals_done(ret);
    return st;
}

void serving_arrivals_done(struct serving_arrivals *arrivals)
{
    free(arrivals->request);
    *arrivals = (struct serving_arrivals){ .count = 0 };
}

/* ---- one instance's ---- */

void serving_source_init(struct serving_source *s, const struct serving_arrivals *arrivals, uint64_t seed,
                         uint64_t stream, double from_s)
{
    *s = (struct serving_source){ .arrivals = arrivals && arrivals->count > 0 ? arrivals : NULL,
                                  .now_s = from_s,
                                  .until_s = from_s };
    rng_init(&s->rng, seed, stream);
    if (!s->arrivals)
        return;
    s->share = fmin(1.0, serving_model.arrivals_hz * s->arrivals->span_s / s->arrivals->count);
    s->at = (int32_t)(rng_uniform(&s->rng, 0.0, 1.0) * s->arrivals->count) % s->arrivals->count;
    s->turn_s = from_s - s->arrivals->request[s->at].at_s;
}

static struct serving_request serving_recorded(struct serving_source *s)
{
    struct serving_request r;

    do {
        r = s->arrivals->request[s->at];
        r.at_s += s->turn_s;
        if (++s->at == s->arrivals->count) {
            s->at = 0;
            s->turn_s += s->arrivals->span_s;
        }
    } while (rng_uniform(&s->rng, 0.0, 1.0) >= s->share);
    return r;
}

static double serving_length(struct rng *rng, bool out)
{
    double u = rng_uniform(rng, 0.0, 1.0), a, b;
    int32_t i = 1;

    while (i + 1 < SERVING_QUANTILES && u > serving_lengths[i].share)
        i++;
    a = out ? serving_lengths[i - 1].out_tokens : serving_lengths[i - 1].in_tokens;
    b = out ? serving_lengths[i].out_tokens : serving_lengths[i].in_tokens;
    u = (u - serving_lengths[i - 1].share) / (serving_lengths[i].share - serving_lengths[i - 1].share);
    return a * pow(b / a, u);
}

static struct serving_request serving_made_up(struct serving_source *s)
{
    double gap = rng_exponential(&s->rng, 1.0); /* in mean gaps: a rate may change within one */
    struct serving_request r;

    while (s->now_s >= s->until_s || gap > (s->until_s - s->now_s) * s->hz) {
        if (s->now_s < s->until_s)
            gap -= (s->until_s - s->now_s) * s->hz;
        s->now_s = s->until_s;
        s->hz = serving_model.arrivals_hz * rng_uniform(&s->rng, SERVING_CALM, SERVING_BUSY);
        s->until_s += rng_exponential(&s->rng, SERVING_SPELL_S);
    }
    s->now_s += gap / s->hz;
    r = (struct serving_request){ .at_s = s->now_s, .in_tokens = (int32_t)serving_length(&s->rng, false) };
    r.out_tokens = (int32_t)serving_length(&s->rng, true);
    return r;
}

struct serving_request serving_source_next(struct serving_source *s)
{
    return s->arrivals ? serving_recorded(s) : serving_made_up(s);
}
