/* SPDX-License-Identifier: Apache-2.0 */
/* fc_template.c: earlier moments that look like now.
 *
 * De Cheveigne and Kawahara's YIN compares a window with itself at every lag; kept
 * by recursion that is two operations a lag and sample. Short memories lock to the
 * last edge, so that a cycle that came early or late shifts what is expected after
 * it; the long one tells five periods that fit the grid from one that does not.
 */
#include "fc_template.h"

#include <math.h>
#include <string.h>

#define FC_TEMPLATE_LANES  4
#define FC_TEMPLATE_YIN    0.15F /* of the mean over shorter lags: periodic          */
#define FC_TEMPLATE_TELLS  0.2F  /* of the mean difference: one lag fits better than most */
#define FC_TEMPLATE_FLAT   256   /* samples without a shape: a level              */
#define FC_TEMPLATE_HARDLY 5     /* a fifth of the time since a change             */
#define FC_TEMPLATE_REACH  3     /* times a lag is taken to double its cost, plus 2 */
#define FC_TEMPLATE_NEAR   4.0F  /* times the best cost: still a moment like now     */

typedef float fc_lanes __attribute__((vector_size(16)));

static const float fc_template_rate[FC_TEMPLATE_SPEEDS] = { 1.0F / 16.0F, 1.0F / 64.0F, 1.0F / 256.0F };

void fc_template_learn(const struct fc_ring *ring, const float *value, float *diff, float w)
{
    const fc_lanes now = { w, w, w, w };

    for (int32_t i = 0; i < ring->size; i += FC_TEMPLATE_LANES) {
        fc_lanes then, kept;

        memcpy(&then, &value[ring->head + i], sizeof then);
        then -= now;
        then *= then;
        for (int32_t s = 0; s < FC_TEMPLATE_SPEEDS; s++) {
            float *at = &diff[s * ring->size + i];
            const float r = fc_template_rate[s];
            const fc_lanes rate = { r, r, r, r };

            memcpy(&kept, at, sizeof kept);
            kept += rate * (then - kept);
            memcpy(at, &kept, sizeof kept);
        }
    }
}

/* A lag must have fitted for about as long as it is: what came once six seconds ago
 * and looks alike for a moment is no period. */
void fc_template_fresh(const struct fc_ring *ring, float *diff, int32_t lag, float prior)
{
    for (int32_t s = 0; s < FC_TEMPLATE_SPEEDS; s++) {
        bool doubt = s == 0 || fc_template_rate[s] * (float)(2 * lag) > 1.0F;

        diff[s * ring->size + lag - 1] = doubt ? prior : 0.0F;
    }
}

static float fc_template_mean(const float *diff, int32_t count, int32_t *ret_used)
{
    fc_lanes sum = { 0.0F, 0.0F, 0.0F, 0.0F };
    int32_t used = 0;

    for (; used + FC_TEMPLATE_LANES <= count; used += FC_TEMPLATE_LANES) {
        fc_lanes more;

        memcpy(&more, &diff[used], sizeof more);
        sum += more;
    }
    *ret_used = used;
    return used > 0 ? (sum[0] + sum[1] + sum[2] + sum[3]) / (float)used : 0.0F;
}

bool fc_template_tells(const struct fc_ring *ring, const float *diff, int32_t lag, int32_t count)
{
    int32_t used;
    float mean = fc_template_mean(&diff[ring->size], count < ring->size ? count : ring->size, &used);

    return used > 0 && diff[ring->size + lag - 1] < FC_TEMPLATE_TELLS * mean;
}

bool fc_template_flat(const struct fc_ring *ring, const float *diff, int32_t count, float least)
{
    int32_t used;
    float mean = fc_template_mean(&diff[2 * ring->size], count < ring->size ? count : ring->size, &used);

    return used >= FC_TEMPLATE_FLAT && mean < least;
}

static void fc_template_sum(int32_t size, const float *diff, float *cost)
{
    for (int32_t i = 0; i < size; i += FC_TEMPLATE_LANES) {
        fc_lanes sum, more;

        memcpy(&sum, &diff[i], sizeof sum);
        for (int32_t s = 1; s < FC_TEMPLATE_SPEEDS; s++) {
            memcpy(&more, &diff[s * size + i], sizeof more);
            sum += more;
        }
        memcpy(&cost[i], &sum, sizeof sum);
    }
}

static void fc_template_take(struct fc_template *t, int32_t most, int32_t lag, float cost)
{
    int32_t at = t->count < most ? t->count++ : most - 1;

    while (at > 0 && t->cost[at - 1] > cost) {
        t->cost[at] = t->cost[at - 1];
        t->lag[at] = t->lag[at - 1];
        at--;
    }
    t->cost[at] = cost;
    t->lag[at] = lag;
}

static void fc_template_weigh(struct fc_template *t, float floor)
{
    float sum = 0.0F, mean = 0.0F;

    while (t->count > 1 && t->cost[t->count - 1] > FC_TEMPLATE_NEAR * (t->cost[0] + floor))
        t->count--;
    for (int32_t k = 0; k < t->count; k++) {
        float near = (t->cost[0] + floor) / (t->cost[k] + floor);

        t->weight[k] = near * near;
        sum += t->weight[k];
    }
    for (int32_t k = 0; k < t->count; k++) {
        t->weight[k] /= sum;
        mean += t->weight[k] * t->cost[k];
    }
    t->scale = sqrtf((mean + floor) / (float)FC_TEMPLATE_SPEEDS);
}

void fc_template_pick(const struct fc_ring *ring, const float *diff, float *cost,
                      const struct fc_template_ask *ask, struct fc_template *const *ret)
{
    int32_t last = ring->size - 1;
    int32_t tried = ask->since < ring->size ? ask->since - ask->since / FC_TEMPLATE_HARDLY : ring->size;

    fc_template_sum(ring->size, diff, cost);
    for (int32_t h = 0; h < ask->count; h++)
        ret[h]->count = 0;
    for (int32_t i = 1; i < last; i++) {
        int32_t lag = i + 1;
        float c = cost[i];

        if (c >= cost[i - 1] || c > cost[i + 1] || (lag > tried && lag <= ask->since))
            continue;
        for (int32_t h = 0; h < ask->count; h++) {
            int32_t times = (ask->steps[h] + i) / lag;
            float all = c * (float)(times + FC_TEMPLATE_REACH) / (float)(1 + FC_TEMPLATE_REACH);

            if (ret[h]->count < ask->most || all < ret[h]->cost[ask->most - 1])
                fc_template_take(ret[h], ask->most, lag, all);
        }
    }
    for (int32_t h = 0; h < ask->count; h++)
        if (ret[h]->count > 0)
            fc_template_weigh(ret[h], ask->floor);
}

/* Of what followed each of them, the one that half of the weight lies under: an edge
 * comes early or late, never half. */
static float fc_template_middle(const struct fc_template *t, float *w)
{
    int32_t order[FC_TEMPLATE_MAX];
    float sum = 0.0F;

    for (int32_t k = 0; k < t->count; k++) {
        int32_t at = k;

        while (at > 0 && w[order[at - 1]] > w[k]) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = k;
    }
    for (int32_t k = 0; k < t->count; k++) {
        sum += t->weight[order[k]];
        if (sum >= 0.5F)
            return w[order[k]];
    }
    return t->count > 0 ? w[order[t->count - 1]] : 0.0F;
}

float fc_template_value(const struct fc_template *t, const struct fc_ring *ring, const float *value,
                        int32_t steps)
{
    float w[FC_TEMPLATE_MAX];

    for (int32_t k = 0; k < t->count; k++)
        w[k] = fc_ring_at(ring, value, steps > 0 ? t->lag[k] - 1 - (steps - 1) % t->lag[k] : t->lag[k]);
    return fc_template_middle(t, w);
}

float fc_template_off(const struct fc_template *t, const struct fc_ring *ring, const float *value, float w)
{
    float least = INFINITY;

    for (int32_t k = 0; k < t->count; k++) {
        float off = fc_ring_at(ring, value, t->lag[k] - 1) - w;

        off = off < 0.0F ? -off : off;
        least = off < least ? off : least;
    }
    return t->count > 0 ? least : 0.0F;
}

float fc_template_peak(const struct fc_template *t, const struct fc_ring *ring, const float *value,
                       const float *top, int32_t steps)
{
    float w[FC_TEMPLATE_MAX];

    for (int32_t k = 0; k < t->count; k++)
        w[k] = fc_ring_top(ring, value, top, t->lag[k] > steps ? t->lag[k] - steps : 0, t->lag[k] - 1);
    return fc_template_middle(t, w);
}

float fc_template_highest(const struct fc_template *t, const struct fc_ring *ring, const float *value,
                          const float *top, int32_t steps, int32_t slack)
{
    float best = -INFINITY;

    for (int32_t k = 0; k < t->count; k++) {
        int32_t young = t->lag[k] - steps - slack, old = t->lag[k] - 1 + slack;
        float w =
            fc_ring_top(ring, value, top, young > 0 ? young : 0, old < ring->size ? old : ring->size - 1);

        best = w > best ? w : best;
    }
    return best;
}

int32_t fc_template_period(const struct fc_ring *ring, const float *cost)
{
    float sum = 0.0F;

    for (int32_t i = 0; i + 1 < ring->size; i++) {
        sum += cost[i];
        if (i > 0 && cost[i] * (float)(i + 1) < FC_TEMPLATE_YIN * sum && cost[i] <= cost[i + 1])
            return i + 1;
    }
    return 0;
}
