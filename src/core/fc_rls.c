/* SPDX-License-Identifier: Apache-2.0 */
/* fc_rls.c: recursive least squares.
 *
 * Forgetting without news lets the inverse grow without bound (a load that
 * stands still for an hour). Here only as much is forgotten as was learnt.
 */
#include "fc_rls.h"

#define FC_RLS_PRIOR 10.0
#define FC_RLS_MOST  1000.0 /* of the inverse's diagonal                           */

void fc_rls_init(struct fc_rls *rls, int32_t count)
{
    rls->count = count;
    for (int32_t t = 0; t < FC_RLS_TARGETS; t++)
        for (int32_t i = 0; i < FC_RLS_FEATURES; i++)
            rls->weight[t][i] = 0.0;
    for (int32_t i = 0; i < FC_RLS_FEATURES * FC_RLS_FEATURES; i++)
        rls->inverse[i] = 0.0;
    fc_rls_loosen(rls);
}

void fc_rls_loosen(struct fc_rls *rls)
{
    int32_t n = rls->count;

    for (int32_t i = 0; i < n; i++)
        rls->inverse[i * n + i] += FC_RLS_PRIOR;
}

static double fc_rls_gain(const struct fc_rls *rls, const double *x, double *gain)
{
    int32_t n = rls->count;
    double news = 0.0;

    for (int32_t i = 0; i < n; i++) {
        const double *row = &rls->inverse[i * n];
        double sum = 0.0;

        for (int32_t j = 0; j < n; j++)
            sum += row[j] * x[j];
        gain[i] = sum;
        news += x[i] * sum;
    }
    return news;
}

void fc_rls_learn(struct fc_rls *rls, const float *feature, const double target[FC_RLS_TARGETS],
                  double forget)
{
    int32_t n = rls->count;
    double x[FC_RLS_FEATURES], gain[FC_RLS_FEATURES], news, keep, grow;

    for (int32_t i = 0; i < n; i++)
        x[i] = (double)feature[i];
    news = fc_rls_gain(rls, x, gain);
    if (!(news > 1e-12))
        return;
    keep = news / (double)n < 1.0 - forget ? 1.0 - news / (double)n : forget;
    grow = 1.0 / keep;
    for (int32_t t = 0; t < FC_RLS_TARGETS; t++) {
        double miss = target[t];

        for (int32_t i = 0; i < n; i++)
            miss -= rls->weight[t][i] * x[i];
        miss /= keep + news;
        for (int32_t i = 0; i < n; i++)
            rls->weight[t][i] += gain[i] * miss;
    }
    for (int32_t i = 0; i < n; i++) {
        double part = gain[i] / (keep + news);

        for (int32_t j = 0; j <= i; j++) {
            double p = (rls->inverse[i * n + j] - part * gain[j]) * grow;

            rls->inverse[i * n + j] = p;
            rls->inverse[j * n + i] = p;
        }
        if (!(rls->inverse[i * n + i] < FC_RLS_MOST && rls->inverse[i * n + i] > 0.0)) {
            for (int32_t j = 0; j < n; j++) {
                rls->inverse[i * n + j] = 0.0;
                rls->inverse[j * n + i] = 0.0;
            }
            rls->inverse[i * n + i] = FC_RLS_PRIOR;
        }
    }
}

double fc_rls_value(const struct fc_rls *rls, const float *feature, int32_t target)
{
    double sum = 0.0;

    for (int32_t i = 0; i < rls->count; i++)
        sum += rls->weight[target][i] * (double)feature[i];
    return sum;
}
