/* SPDX-License-Identifier: Apache-2.0 */
/* fc_rls.h: recursive least squares with forgetting, two targets on one matrix.
 *
 * Weights begin at zero, and the caller's targets and features are differences to
 * the present: knowing nothing is persistence.
 */
#ifndef BUSBAR_CORE_FC_RLS_H
#define BUSBAR_CORE_FC_RLS_H

#include <stdint.h>

#define FC_RLS_FEATURES 14
#define FC_RLS_TARGETS  2

struct fc_rls {
    int32_t count; /* of features in use               */
    double weight[FC_RLS_TARGETS][FC_RLS_FEATURES];
    double inverse[FC_RLS_FEATURES * FC_RLS_FEATURES]; /* of the features' correlation    */
};

void fc_rls_init(struct fc_rls *rls, int32_t count);

/* Features and targets are of the order of 1. */
void fc_rls_learn(struct fc_rls *rls, const float *feature, const double target[FC_RLS_TARGETS],
                  double forget);
double fc_rls_value(const struct fc_rls *rls, const float *feature, int32_t target);

/* Believes its weights less: what comes next teaches it quickly. */
void fc_rls_loosen(struct fc_rls *rls);

#endif
