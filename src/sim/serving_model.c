/* SPDX-License-Identifier: Apache-2.0 */
/* serving_model.c: the numbers of the inference load.
 *
 * FROZEN. They were fitted to the published figures of docs/simulator.md, before any
 * forecaster was scored on this load; whoever changes one must score all again and
 * say so there. Measured points: Splitwise (Patel et al., ISCA 2024), Llama 2 70B on
 * two accelerators: times of an H100, powers of an A100 as parts of what it is rated for.
 */
#include "serving.h"

const struct serving_model serving_model = {
    .rated_w = 1400.0,
    .arrivals_hz = 0.1,
    .out_scale = 5.5,
    .idle_ratio = 0.2,
    .decode_ratio = 0.736,
    .decode_request_ratio = 0.0039,
    .prefill_ratio = 1.04,
    .jitter_ratio = 0.03,
    .noise_ratio = 0.01,
    .gain_ratio = 0.05,
    .hold_passes = 8,
    .prefill_tokens = 8192,
};

struct serving_point {
    double x, s;
};

static const struct serving_point serving_prefill[] = { { 128, 0.0492 },  { 256, 0.0518 },  { 512, 0.0839 },
                                                        { 1024, 0.1578 }, { 2048, 0.3082 }, { 4096, 0.6420 },
                                                        { 8192, 1.3392 } };
static const struct serving_point serving_decode[] = { { 1, 0.0370 }, { 2, 0.0374 },  { 4, 0.0400 },
                                                       { 8, 0.0404 }, { 16, 0.0420 }, { 32, 0.0523 } };

/* Between two points, and on beyond the last, a straight line; before the first its value. */
static double serving_line(const struct serving_point *p, int32_t count, double x)
{
    int32_t i = 1;

    if (x <= p[0].x)
        return p[0].s;
    while (i + 1 < count && x > p[i].x)
        i++;
    return p[i - 1].s + (p[i].s - p[i - 1].s) * (x - p[i - 1].x) / (p[i].x - p[i - 1].x);
}

double serving_prefill_s(int32_t tokens)
{
    return serving_line(serving_prefill, (int32_t)(sizeof serving_prefill / sizeof serving_prefill[0]),
                        tokens);
}

double serving_decode_s(int32_t running)
{
    return serving_line(serving_decode, (int32_t)(sizeof serving_decode / sizeof serving_decode[0]), running);
}
