/* SPDX-License-Identifier: Apache-2.0 */
/* fc_conformal.c: quantiles of past scores (split conformal prediction with
 * forgetting). Bins are narrow around zero and wide outside: half a per mille of
 * the unit in the middle, a tenth of it at the ends.
 */
#include "fc_conformal.h"

#include <math.h>

#define FC_CONFORMAL_MOST  1.5F  /* scores beyond it are all one                    */
#define FC_CONFORMAL_STEP  0.06F /* of the scores' size: after a miss               */
#define FC_CONFORMAL_FIRST 1.0F  /* the first steps are longer                      */
#define FC_CONFORMAL_LARGE 1e6F  /* of `unit`: then all counts are made smaller     */

/* Lower edge of a bin, with a sign. */
static float fc_conformal_edge(int32_t bin)
{
    float x = (float)(bin - FC_CONFORMAL_BINS / 2) / (float)(FC_CONFORMAL_BINS / 2);

    return FC_CONFORMAL_MOST * x * (x < 0.0F ? -x : x);
}

static int32_t fc_conformal_bin(float score)
{
    float x = score / FC_CONFORMAL_MOST;
    int32_t bin;

    if (!(x < 1.0F))
        return FC_CONFORMAL_BINS - 1;
    if (!(x > -1.0F))
        return 0;
    x = x < 0.0F ? -sqrtf(-x) : sqrtf(x);
    bin = (int32_t)((x + 1.0F) * (float)(FC_CONFORMAL_BINS / 2)); /* never under zero */
    return bin < FC_CONFORMAL_BINS ? bin : FC_CONFORMAL_BINS - 1; /* just under 1 is rounded up */
}

void fc_conformal_init(struct fc_conformal *c, float prior, float at)
{
    static const struct {
        float share, times;
    } doubt[] = { { 0.6F, 0.0F }, { 0.2F, 0.5F }, { 0.1F, 1.0F }, { 0.06F, 2.0F }, { 0.04F, 4.0F } };

    for (int32_t b = 0; b < FC_CONFORMAL_BINS; b++)
        c->count[b] = 0.0F;
    for (uint32_t d = 0; d < sizeof doubt / sizeof doubt[0]; d++)
        c->count[fc_conformal_bin(doubt[d].times * at)] += prior * doubt[d].share;
    c->unit = 1.0F;
    c->total = prior;
}

void fc_conformal_learn(struct fc_conformal *c, float score, float keep)
{
    c->unit /= keep;
    c->count[fc_conformal_bin(score)] += c->unit;
    c->total += c->unit;
    if (c->unit > FC_CONFORMAL_LARGE) {
        for (int32_t b = 0; b < FC_CONFORMAL_BINS; b++)
            c->count[b] /= c->unit;
        c->total /= c->unit;
        c->unit = 1.0F;
    }
}

void fc_conformal_quantiles(const struct fc_conformal *c, int32_t count, const float *miss, float *ret)
{
    float above = 0.0F;
    int32_t bin = FC_CONFORMAL_BINS - 1;

    for (int32_t q = count - 1; q >= 0; q--) {
        float want = miss[q] * c->total;

        while (bin > 0 && above + c->count[bin] < want)
            above += c->count[bin--];
        ret[q] = fc_conformal_edge(bin + 1);
        if (c->count[bin] > 0.0F) {
            float part = (want - above) / c->count[bin];

            ret[q] -= (part > 0.0F ? part < 1.0F ? part : 1.0F : 0.0F) *
                      (fc_conformal_edge(bin + 1) - fc_conformal_edge(bin));
        }
    }
}

float fc_conformal_follow(float margin, float size, bool missed, float miss, int32_t count)
{
    float step = (FC_CONFORMAL_STEP + FC_CONFORMAL_FIRST / (float)(count + 2)) * size;

    margin += missed ? step * (1.0F - miss) : -step * miss;
    return margin < size ? margin : size;
}
