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

#include "fc_lanes.h"

#define FC_TEMPLATE_YIN    0.15F  /* of the mean over shorter lags: periodic          */
#define FC_TEMPLATE_TELLS  0.2F   /* of the mean difference: one lag fits better than most */
#define FC_TEMPLATE_FLAT   256    /* samples without a shape: a level              */
#define FC_TEMPLATE_HARDLY 5      /* a fifth of the time since a change             */
#define FC_TEMPLATE_REACH  3      /* times a lag is taken to double its cost, plus 2 */
#define FC_TEMPLATE_NEAR   4.0F   /* times the best cost: still a moment like now     */
#define FC_TEMPLATE_FADED  1e-20F /* W^2: differences of a load that stands still fade to it */

static const float fc_template_rate[FC_TEMPLATE_SPEEDS] = { 1.0F / 16.0F, 1.0F / 64.0F, 1.0F / 256.0F };

void fc_template_learn(const struct fc_ring *ring, const float *value, float *diff, float w)
{
    const fc_lanes now = fc_lanes_all(w);

    for (int32_t i = 0; i < ring->size; i += FC_LANES) {
        fc_lanes off = fc_lanes_load(&value[ring->head + i]) - now;

        off = off * off + fc_lanes_all(FC_TEMPLATE_FADED);
        for (int32_t s = 0; s < FC_TEMPLATE_SPEEDS; s++) {
            float *at = &diff[s * ring->size + i];
            fc_lanes kept = fc_lanes_load(at);

            fc_lanes_store(at, kept + fc_lanes_all(fc_template_rate[s]) * (off - kept));
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
    fc_lanes sum = fc_lanes_all(0.0F);
    int32_t used = 0;

    for (; used + FC_LANES <= count; used += FC_LANES)
        sum += fc_lanes_load(&diff[used]);
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
    for (int32_t i = 0; i < size; i += FC_LANES) {
        fc_lanes sum = fc_lanes_load(&diff[i]);

        for (int32_t s = 1; s < FC_TEMPLATE_SPEEDS; s++)
            sum += fc_lanes_load(&diff[s * size + i]);
        fc_lanes_store(&cost[i], sum);
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

/* Is one of four lags better than both its neighbours, and than `worst`? */
static bool fc_template_lowest(const float *cost, float worst)
{
    fc_lanes c = fc_lanes_load(cost);

    return fc_lanes_any((c < fc_lanes_load(cost - 1)) & (c <= fc_lanes_load(cost + 1)) &
                        (c < fc_lanes_all(worst)));
}

/* A lag is taken as often as it goes into the horizon, and costs more each time. Returns
 * the cost from which none takes another: one never costs less than its own. */
static float fc_template_offer(const struct fc_template_ask *ask, int32_t lag, float cost,
                               struct fc_template *const *ret)
{
    float worst = 0.0F;

    for (int32_t h = 0; h < ask->count; h++) {
        int32_t times = (ask->steps[h] + lag - 1) / lag;
        float all = cost * (float)(times + FC_TEMPLATE_REACH) / (float)(1 + FC_TEMPLATE_REACH), last;

        if (ret[h]->count < ask->most || all < ret[h]->cost[ask->most - 1])
            fc_template_take(ret[h], ask->most, lag, all);
        last = ret[h]->count < ask->most ? INFINITY : ret[h]->cost[ask->most - 1];
        worst = last > worst ? last : worst;
    }
    return worst;
}

void fc_template_pick(const struct fc_ring *ring, const float *diff, float *cost,
                      const struct fc_template_ask *ask, struct fc_template *const *ret)
{
    int32_t last = ring->size - 1;
    int32_t tried = ask->since < ring->size ? ask->since - ask->since / FC_TEMPLATE_HARDLY : ring->size;
    float worst = INFINITY;

    fc_template_sum(ring->size, diff, cost);
    for (int32_t h = 0; h < ask->count; h++)
        ret[h]->count = 0;
    for (int32_t i = 1; i < last; i++) {
        int32_t lag = i + 1;

        if (i + FC_LANES < last && !fc_template_lowest(&cost[i], worst)) {
            i += FC_LANES - 1;
            continue;
        }
        if (cost[i] >= cost[i - 1] || cost[i] > cost[i + 1] || cost[i] >= worst ||
            (lag > tried && lag <= ask->since))
            continue;
        worst = fc_template_offer(ask, lag, cost[i], ret);
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

    if (t->count == 1)
        return w[0];
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
