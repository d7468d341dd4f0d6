/* SPDX-License-Identifier: Apache-2.0 */
/* The value at the horizon: what each expert says, how far off it takes itself to be, and
 * what the mix makes of them. All figures are worked out by hand. */
#include "fc_rig.h"

static const struct fc_options options = FC_RIG_RACK(25.0, 1, 30 * FC_RIG_MS);

/* From 100 to 200 W of late, now at 120: the spread is 100. */
static void stand(struct fc_rig *r)
{
    static const float w[] = {
        180.0F, 160.0F, 150.0F, 170.0F, 110.0F, 140.0F, 130.0F, 190.0F, 105.0F, 120.0F
    };

    fc_rig_stand(r, &options, 110.0, 10, w);
    r->v.horizon[0].slow = 140.0;
}

/* Persistence, then where it stood, then all others. */
static void persistence_is_believed_first(void **state)
{
    (void)state;
    static const double first[FC_POINTS] = { [FC_POINT_LAST] = 0.8, [FC_POINT_STOOD] = 0.9 };
    struct fc_rig r;
    struct fc_horizon *z;

    fc_rig_make(&r, &options);
    z = r.v.horizon;
    for (int32_t e = 0; e < FC_POINTS; e++) {
        FC_NEAR(z->ratio[e], first[e] > 0.0 ? first[e] : 1.4);
        z->ratio[e] = 5.0F;
        z->ratio_count[e] = 100;
    }
    fc_point_doubt(z);
    for (int32_t e = 0; e < FC_POINTS; e++) {
        FC_NEAR(z->ratio[e], first[e] > 0.0 ? first[e] : 1.4);
        assert_int_equal(z->ratio_count[e], 6); /* worth six forecasts */
    }
    fc_rig_done(&r);
}

/* Error by expected error, as a mean over up to 128 forecasts. */
static void what_experts_were_off_is_a_mean_that_starts_quickly(void **state)
{
    (void)state;
    struct fc_rig r;
    struct fc_horizon *z;
    struct fc_pending p;
    double mean = 0.8;

    fc_rig_make(&r, &options);
    z = r.v.horizon;
    memset(&p, 0, sizeof p);
    p.point[FC_POINT_LAST] = 100.0F;
    p.point_scale[FC_POINT_LAST] = 10.0F;
    for (int32_t i = 0; i < 300; i++) {
        double ratio = i % 3 == 0 ? 2.0 : i % 3 == 1 ? 0.5 : 6.0; /* 200 W off say no more than 60 */
        float truth = i % 3 == 0 ? 120.0F : i % 3 == 1 ? 95.0F : 300.0F;

        fc_point_learn(z, &p, truth);
        mean += (ratio - mean) / (fmin(i + 7, 128) + 1.0);
        FC_NEAR(z->ratio[FC_POINT_LAST], mean);
    }
    for (int32_t e = FC_POINT_LAST + 1; e < FC_POINTS; e++) { /* those that said nothing learnt nothing */
        FC_NEAR(z->ratio[e], e == FC_POINT_STOOD ? 0.9 : 1.4);
        assert_int_equal(z->ratio_count[e], 6);
    }
    fc_rig_done(&r);
}

static void each_expert_says_how_far_off_it_expects_to_be(void **state)
{
    (void)state;
    struct fc_rig r;
    struct fc_horizon *z;
    struct fc_pending p;
    float w, scale;

    stand(&r);
    z = r.v.horizon;
    memset(&p, 0, sizeof p);
    p.now = 120.0F;
    fc_point_say(&r.v, z, 30.0F, &p);
    FC_NEAR(p.point[FC_POINT_LAST], 120.0);
    FC_NEAR(p.point_scale[FC_POINT_LAST], 30.0);
    FC_NEAR(p.point[FC_POINT_SMOOTH], 110.0); /* 10 W from the present, and 30 W of movement */
    FC_NEAR(p.point_scale[FC_POINT_SMOOTH], hypot(30.0, 10.0));
    FC_NEAR(p.point[FC_POINT_USUAL], 130.0); /* of the last eight three are lower */
    FC_NEAR(p.point_scale[FC_POINT_USUAL], hypot(30.0, 10.0));
    FC_NEAR(p.point[FC_POINT_STOOD], 170.0);                         /* above that for a moment alone; */
    FC_NEAR(p.point_scale[FC_POINT_STOOD], hypot(30.0, 0.2 * 50.0)); /* a fifth as far away as it lies */
    FC_NEAR(p.point_scale[FC_POINT_TEMPLATE], 0.0);
    FC_NEAR(p.point_scale[FC_POINT_HINT], 0.0);
    FC_NEAR(p.point_scale[FC_POINT_RLS], 0.0);

    /* A moment 5 samples ago: it stood at 110 W then, and at 190 W three samples later. */
    z->like = (struct fc_template){ .count = 1, .lag = { 5 }, .weight = { 1.0F }, .scale = 4.0F };
    fc_point_say(&r.v, z, 30.0F, &p);
    FC_NEAR(p.point[FC_POINT_TEMPLATE], 190.0);
    FC_NEAR(p.point_scale[FC_POINT_TEMPLATE], hypot(4.0 + 0.002 * 100.0, 110.0 - 120.0));

    /* A mark 100 ms ago: what followed such marks is asked for at the horizon, 30 ms ahead. */
    for (int32_t k = 0; k <= 80; k++) {
        if (k % 20 == 0)
            fc_hint_mark(&r.fc->hints, k * 10 * FC_RIG_MS, FC_MARK_GO, 0.0);
        fc_hint_learn(&r.fc->hints, k * 10 * FC_RIG_MS, (float)(k % 20) * 5.0F);
    }
    r.fc->at_us = 900 * FC_RIG_MS;
    fc_point_say(&r.v, z, 30.0F, &p);
    FC_NEAR(p.point_scale[FC_POINT_HINT], 0.0); /* nobody ever gave a hint to this one */
    r.fc->hinted = 1;
    fc_point_say(&r.v, z, 30.0F, &p);
    assert_true(fc_hint_value(&r.fc->hints, 930 * FC_RIG_MS, 0.2F, &w, &scale));
    FC_NEAR(p.point[FC_POINT_HINT], w);
    FC_NEAR(p.point_scale[FC_POINT_HINT], scale);
    assert_float_equal(w, 62.5, 0.1); /* between the 12th sample after the mark and the 13th */
    fc_rig_done(&r);
}

/* Eight samples over about the horizon, whatever its length; a load that is higher now stands there. */
static void where_it_stood_is_looked_for_over_the_horizon(void **state)
{
    (void)state;
    static const struct {
        int32_t steps;
        float now;
        double usual, stood;
    } cases[] = { { 8, 120.0F, 130.0, 170.0 },  { 9, 120.0F, 170.0, 180.0 },
                  { 16, 120.0F, 170.0, 180.0 }, { 16, 185.0F, 170.0, 185.0 },
                  { 17, 120.0F, 180.0, 180.0 }, { 1024, 120.0F, 180.0, 180.0 },
                  { 8, 172.0F, 130.0, 172.0 },  { 100000, 120.0F, 180.0, 180.0 } };
    struct fc_rig r;

    stand(&r);
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct fc_pending p;

        memset(&p, 0, sizeof p);
        p.now = cases[k].now;
        r.v.horizon[0].steps = cases[k].steps;
        fc_point_say(&r.v, r.v.horizon, 30.0F, &p);
        FC_NEAR(p.point[FC_POINT_USUAL], cases[k].usual);
        FC_NEAR(p.point[FC_POINT_STOOD], cases[k].stood);
    }
    fc_rig_done(&r);
}

/* All it hears are differences to the present in spreads, so that it needs no units. */
static void the_regression_hears_differences_in_spreads(void **state)
{
    (void)state;
    struct fc_rig r;
    struct fc_horizon *z;
    struct fc_pending p;
    static const double expected[FC_RLS_FEATURES] = {
        0.1,                                  /* a constant                          */
        -0.15, 0.7, 0.1, 0.2, -0.1, 0.5, 0.3, /* 105, 190, 130, 140, 110, 170, 150 W */
        0.2,                                  /* the slow mean, 140 W                */
        0.05,  0.4,                           /* the template's word and its peak    */
        -0.25,                                /* marks                               */
        0.5,                                  /* the queue                           */
    };

    stand(&r);
    z = r.v.horizon;
    memset(&p, 0, sizeof p);
    p.now = 120.0F;
    p.point[FC_POINT_TEMPLATE] = 125.0F;
    p.middle[FC_BOUND_TEMPLATE] = 160.0F;
    p.point[FC_POINT_HINT] = 95.0F;
    p.point_scale[FC_POINT_HINT] = 1.0F;
    z->like.count = 1;
    r.fc->hints.queue_us = 0;
    r.fc->hints.queue = 14.0F; /* 9 as a rule; 5 more are half of 9 and one */
    r.fc->hints.queue_slow = 9.0F;
    FC_NEAR(fc_point_regress(&r.v, z, 30.0F, &p), 120.0); /* it knows nothing yet */
    for (int32_t i = 0; i < z->rls.count; i++)
        FC_NEAR(p.feature[i], expected[i]);
    FC_NEAR(p.point[FC_POINT_RLS], 120.0);
    FC_NEAR(p.point_scale[FC_POINT_RLS], 30.0);

    /* What is not there is no difference; a queue counts for two of itself at most. */
    z->like.count = 0;
    p.point_scale[FC_POINT_HINT] = 0.0F;
    r.fc->hints.queue = 1000.0F;
    z->rls.weight[0][1] = 1.0; /* 15 W less */
    z->rls.weight[1][2] = 0.5; /* 35 W more */
    FC_NEAR(fc_point_regress(&r.v, z, 30.0F, &p), 155.0);
    FC_NEAR(p.point[FC_POINT_RLS], 105.0);
    FC_NEAR(p.point_scale[FC_POINT_RLS], hypot(30.0, 15.0));
    FC_NEAR(p.feature[9], 0.0);
    FC_NEAR(p.feature[10], 0.0);
    FC_NEAR(p.feature[11], 0.0);
    FC_NEAR(p.feature[12], 2.0);
    r.fc->hints.queue = 0.0F;
    r.fc->hints.queue_slow = 1e-3F;
    (void)fc_point_regress(&r.v, z, 30.0F, &p);
    assert_float_equal(p.feature[12], -1e-3, 1e-5);
    r.fc->hints.queue_us = INT64_MIN;
    (void)fc_point_regress(&r.v, z, 30.0F, &p);
    FC_NEAR(p.feature[12], 0.0);

    /* Never outside of what was seen of late. */
    z->rls.weight[0][1] = 10.0;
    z->rls.weight[1][2] = 5.0;
    FC_NEAR(fc_point_regress(&r.v, z, 30.0F, &p), 200.0);
    FC_NEAR(p.point[FC_POINT_RLS], 100.0);
    FC_NEAR(p.point_scale[FC_POINT_RLS], hypot(30.0, 20.0));
    fc_rig_done(&r);
}

/* Weights are (least error / error) to the 16th; marks must be two and a half times as good. */
static void the_mix_is_by_expected_errors(void **state)
{
    (void)state;
    struct fc_rig r;
    struct fc_horizon *z;
    struct fc_pending p;
    double last = pow(6.0 / 7.0, 16.0), hint = pow(6.0 / 6.5, 16.0);

    stand(&r);
    z = r.v.horizon;
    memset(&p, 0, sizeof p);
    p.now = 120.0F;
    FC_NEAR(fc_point_mix(&r.v, z, &p), 120.0); /* nobody says anything */
    p.point[FC_POINT_LAST] = 120.0F;
    p.point_scale[FC_POINT_LAST] = 10.0F;
    z->ratio[FC_POINT_LAST] = 0.7F; /* error 7 */
    p.point[FC_POINT_TEMPLATE] = 150.0F;
    p.point_scale[FC_POINT_TEMPLATE] = 5.0F;
    z->ratio[FC_POINT_TEMPLATE] = 1.2F; /* error 6 */
    p.point[FC_POINT_HINT] = 180.0F;
    p.point_scale[FC_POINT_HINT] = 6.5F;
    z->ratio[FC_POINT_HINT] = 0.4F; /* error 6.5 */
    FC_NEAR(fc_point_mix(&r.v, z, &p), (120.0 * last + 150.0 + 180.0 * hint) / (last + 1.0 + hint));

    /* One that was never off is right. */
    z->ratio[FC_POINT_TEMPLATE] = 0.0F;
    FC_NEAR(fc_point_mix(&r.v, z, &p), 150.0);
    fc_rig_done(&r);
}

/* Of forecasts that overlap 32 share an outcome: those that know no more than persistence of
 * their own errors must be better by a fifth of what 128 / 31 outcomes tell. */
static void where_forecasts_overlap_luck_is_allowed_for(void **state)
{
    (void)state;
    struct fc_rig r;
    struct fc_horizon *z;

    stand(&r);
    z = r.v.horizon;
    for (int32_t e = FC_POINT_LAST + 1; e < FC_POINTS; e++) {
        bool knows = e == FC_POINT_TEMPLATE;
        double luck = e == FC_POINT_STOOD ? 0.02 : 0.2, weight;
        double allowed = e == FC_POINT_HINT ? 2.5 : knows ? 1.0 : 1.0 + luck * sqrt(31.0 / 128.0);
        struct fc_pending p;

        memset(&p, 0, sizeof p);
        p.now = p.point[FC_POINT_LAST] = 120.0F;
        p.point[e] = 150.0F;
        p.point_scale[FC_POINT_LAST] = p.point_scale[e] = 10.0F;
        z->ratio[FC_POINT_LAST] = z->ratio[e] = 0.7F;
        z->span = 64;
        z->stride = 2;
        weight = pow(allowed, -16.0);
        FC_NEAR(fc_point_mix(&r.v, z, &p), (120.0 + 150.0 * weight) / (1.0 + weight));
        z->span = z->stride; /* each has an outcome of its own */
        weight = e == FC_POINT_HINT ? weight : 1.0;
        FC_NEAR(fc_point_mix(&r.v, z, &p), (120.0 + 150.0 * weight) / (1.0 + weight));
    }
    fc_rig_done(&r);
}

/* A sensor that looks away shows too little: all must be better by a fifth than persistence, but those that know. */
static void of_a_sensor_that_looks_away_persistence_is_believed(void **state)
{
    (void)state;
    static const int64_t windows_us[] = { 0, 25 * FC_RIG_MS, 100 * FC_RIG_MS, 400 * FC_RIG_MS };

    for (int32_t k = 0; k < 4 * FC_POINTS; k++) {
        enum fc_point e = (enum fc_point)(k / 4);
        double allowed = e == FC_POINT_HINT ? 2.5 : e == FC_POINT_LAST || e == FC_POINT_TEMPLATE ? 1.0 : 1.2;
        struct fc_rig r;
        struct fc_horizon *z;
        struct fc_pending p;
        double weight;

        stand(&r);
        z = r.v.horizon;
        r.fc->opt.sensor_window_us = windows_us[k % 4];
        r.fc->opt.sensor_period_us = k % 4 ? 100 * FC_RIG_MS : 0;
        z->span = z->stride; /* each has an outcome of its own */
        if (k % 4 != 1 && e != FC_POINT_HINT)
            allowed = 1.0;
        memset(&p, 0, sizeof p);
        p.now = p.point[FC_POINT_LAST] = 120.0F;
        p.point[e] = e == FC_POINT_LAST ? 120.0F : 150.0F;
        p.point_scale[FC_POINT_LAST] = p.point_scale[e] = 10.0F;
        z->ratio[FC_POINT_LAST] = z->ratio[e] = 0.7F;
        weight = pow(allowed, -16.0);
        FC_NEAR(fc_point_mix(&r.v, z, &p),
                e == FC_POINT_LAST ? 120.0 : (120.0 + 150.0 * weight) / (1.0 + weight));
        fc_rig_done(&r);
    }
}

/* A lag that is longer than the horizon and was seen once is doubted by the square of the forecasts that share
 * an outcome, up to twice the lag and four samples after the last change. */
static void a_moment_that_looked_alike_once_is_doubted(void **state)
{
    (void)state;
    static const struct {
        int32_t lag, since;
        bool doubted;
    } cases[] = { { 70, 143, true }, { 70, 144, false },   { 30, 63, true },     { 30, 64, false },
                  { 29, 33, false }, { 1000, 1023, true }, { 1000, 1024, false } };
    struct fc_rig r;
    struct fc_horizon *z;
    struct fc_pending p;

    stand(&r);
    z = r.v.horizon;
    z->steps = z->span = 30;
    memset(&p, 0, sizeof p);
    p.now = p.point[FC_POINT_LAST] = 120.0F;
    p.point[FC_POINT_TEMPLATE] = 150.0F;
    p.point_scale[FC_POINT_LAST] = p.point_scale[FC_POINT_TEMPLATE] = 10.0F;
    z->ratio[FC_POINT_LAST] = 0.7F;
    z->ratio[FC_POINT_TEMPLATE] = 0.09F;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        double error = 0.09 * (cases[k].doubted ? 1.0 + 0.01 * 29.0 * 29.0 : 1.0), weight;

        z->like = (struct fc_template){ .count = 1, .lag = { cases[k].lag } };
        r.fc->change.since = cases[k].since;
        weight = pow(error < 0.7 ? error / 0.7 : 0.7 / error, 16.0);
        FC_NEAR(fc_point_mix(&r.v, z, &p), error < 0.7 ? (150.0 + 120.0 * weight) / (1.0 + weight)
                                                       : (120.0 + 150.0 * weight) / (1.0 + weight));
    }
    fc_rig_done(&r);
}

/* After a change of load what came before it is not heard for a moment. */
static void after_a_change_only_what_stands_by_the_present_is_heard(void **state)
{
    (void)state;
    static const bool heard[FC_POINTS] = {
        [FC_POINT_LAST] = true, [FC_POINT_SMOOTH] = true, [FC_POINT_STOOD] = true, [FC_POINT_HINT] = true
    };
    struct fc_rig r;
    struct fc_horizon *z;

    stand(&r);
    z = r.v.horizon;
    for (int32_t e = 0; e < FC_POINTS; e++) {
        struct fc_pending p;

        memset(&p, 0, sizeof p);
        p.now = 120.0F;
        p.point[e] = 177.0F;
        p.point_scale[e] = 1.0F;
        r.fc->change.lost = 1;
        FC_NEAR(fc_point_mix(&r.v, z, &p), heard[e] ? 177.0 : 120.0);
        r.fc->change.lost = 0;
        FC_NEAR(fc_point_mix(&r.v, z, &p), 177.0);
    }
    fc_rig_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(persistence_is_believed_first),
        cmocka_unit_test(what_experts_were_off_is_a_mean_that_starts_quickly),
        cmocka_unit_test(each_expert_says_how_far_off_it_expects_to_be),
        cmocka_unit_test(where_it_stood_is_looked_for_over_the_horizon),
        cmocka_unit_test(the_regression_hears_differences_in_spreads),
        cmocka_unit_test(the_mix_is_by_expected_errors),
        cmocka_unit_test(where_forecasts_overlap_luck_is_allowed_for),
        cmocka_unit_test(of_a_sensor_that_looks_away_persistence_is_believed),
        cmocka_unit_test(a_moment_that_looked_alike_once_is_doubted),
        cmocka_unit_test(after_a_change_only_what_stands_by_the_present_is_heard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
