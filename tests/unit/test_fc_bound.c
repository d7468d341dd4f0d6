/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds of the peak: what margins learn, what each expert puts its margins on, and how the
 * bounds are mixed and kept true. All figures are worked out by hand. */
#include "fc_rig.h"

static const double miss[FC_QUANTILES] = { 0.5, 0.1, 0.01, 0.001 };

static const struct fc_options options = FC_RIG_RACK(25.0, 1, 30 * FC_RIG_MS);

/* From 100 to 200 W of late, now at 120: the spread is 100. */
static void stand_with(struct fc_rig *r, const struct fc_options *opt)
{
    static const float w[] = { 199.0F, 180.0F, 160.0F, 150.0F, 170.0F, 110.0F,
                               140.0F, 130.0F, 195.0F, 105.0F, 120.0F };

    fc_rig_stand(r, opt, 110.0, 11, w);
    r->fc->change.since = r->fc->lags;
}

static void stand(struct fc_rig *r)
{
    stand_with(r, &options);
}

/* One expert alone says something; the bound that it gave is 110 W at every level. */
static struct fc_pending says(enum fc_bound e)
{
    struct fc_pending p;

    memset(&p, 0, sizeof p);
    p.now = p.middle[e] = 100.0F;
    p.scale[e] = 50.0F;
    for (int32_t l = 0; l < FC_QUANTILES; l++) {
        p.bound[e][l] = 110.0F;
        p.out[l] = 110.0F;
    }
    return p;
}

/* ---- learning ---- */

static void what_is_given_out_is_taken_to_hold_at_first(void **state)
{
    (void)state;
    struct fc_rig r;
    struct fc_conformal doubt;
    float margin[FC_QUANTILES];
    const float asked[FC_QUANTILES] = { 0.5F, 0.1F, 0.01F, 0.001F };

    fc_rig_make(&r, &options);
    for (int32_t l = 0; l < FC_QUANTILES; l++)
        FC_NEAR(r.v.horizon[0].held[l], 1.0 - miss[l]);
    for (int32_t e = 0; e < FC_BOUNDS; e++) {
        /* a score of doubt: of a quarter of the spread, and near the highest of a fiftieth */
        fc_conformal_init(&doubt, 1.0F, e == FC_BOUND_HIGH ? 0.02F : 0.25F);
        fc_conformal_quantiles(&doubt, FC_QUANTILES, asked, margin);
        for (int32_t l = 0; l < FC_QUANTILES; l++)
            FC_NEAR(r.v.horizon[0].margin[e][l], margin[l]);
    }
    assert_true(r.v.horizon[0].margin[FC_BOUND_HIGH][3] < 0.5F * r.v.horizon[0].margin[FC_BOUND_LAST][3]);
    fc_rig_done(&r);
}

/* Pinball loss in spreads: 1 - miss a watt above the bound, miss a watt below; a mean over 100. */
static void losses_are_means_of_what_bounds_cost(void **state)
{
    (void)state;
    struct fc_rig r;
    struct fc_horizon *z;
    struct fc_pending p = says(FC_BOUND_LAST);
    double mean[FC_QUANTILES] = { 0.0 };

    stand(&r);
    z = r.v.horizon;
    for (int32_t i = 0; i < 250; i++) {
        double top = i % 2 ? 100.0 : 130.0;

        fc_bound_learn(&r.v, z, &p, (float)top);
        for (int32_t l = 0; l < FC_QUANTILES; l++) {
            double loss = (top > 110.0 ? (1.0 - miss[l]) * (top - 110.0) : miss[l] * (110.0 - top)) / 100.0;

            mean[l] += (loss - mean[l]) / fmin(i + 1, 100.0);
            FC_NEAR(z->pinball[FC_BOUND_LAST][l], mean[l]);
        }
        assert_int_equal(z->bound_count[FC_BOUND_LAST], i < 99 ? i + 1 : 100);
    }
    assert_int_equal(z->bound_count[FC_BOUND_HIGH], 0); /* said nothing, learnt nothing */
    FC_NEAR(z->pinball[FC_BOUND_HIGH][1], 0.0);
    FC_NEAR(z->score[FC_BOUND_HIGH].total, 1.0);
    fc_rig_done(&r);
}

/* Each fourth expert's margins are renewed at a judgement: quantiles of all scores so far, of
 * which the newest counts for more the more of them there are. */
static void margins_are_quantiles_of_past_scores_renewed_in_turns(void **state)
{
    (void)state;
    const float ask[FC_QUANTILES] = { 0.5F, 0.09F, 0.005F, 0.0005F };
    struct fc_rig r;
    struct fc_horizon *z;
    struct fc_conformal own;

    stand(&r);
    z = r.v.horizon;
    fc_conformal_init(&own, 1.0F, 0.25F);
    for (int32_t i = 0; i < 40; i++) {
        struct fc_pending p = says(FC_BOUND_MOVING);
        float margin[FC_QUANTILES], before = z->margin[FC_BOUND_MOVING][0];

        z->judged = i;
        fc_bound_learn(&r.v, z, &p, 100.0F + (float)(i % 5)); /* up to 4 W above the middle, by 50 W */
        fc_conformal_learn(&own, (float)(i % 5) / 50.0F, 1.0F - 1.0F / 2000.0F);
        fc_conformal_quantiles(&own, FC_QUANTILES, ask, margin);
        FC_NEAR(z->score[FC_BOUND_MOVING].total, own.total);
        for (int32_t l = 0; l < FC_QUANTILES && i % 4 == FC_BOUND_MOVING % 4; l++)
            FC_NEAR(z->margin[FC_BOUND_MOVING][l], margin[l]);
        if (i % 4 != FC_BOUND_MOVING % 4)
            FC_NEAR(z->margin[FC_BOUND_MOVING][0], before);
    }
    /* Over a horizon of 4000 forecasts it remembers a hundred horizons, not 2000 scores. */
    z->span = 4000;
    z->stride = 4;
    struct fc_pending p = says(FC_BOUND_MOVING);
    double unit = (double)z->score[FC_BOUND_MOVING].unit;

    fc_bound_learn(&r.v, z, &p, 100.0F);
    assert_true(fabs((double)z->score[FC_BOUND_MOVING].unit / unit - 1.0 - 1e-5) < 2e-7);
    fc_rig_done(&r);
}

/* What nothing could foresee is no score, as long as the horizon holds something of it. */
static void a_surprise_teaches_no_margin(void **state)
{
    (void)state;
    struct fc_rig r;
    struct fc_horizon *z;
    struct fc_pending p = says(FC_BOUND_LAST);

    stand(&r);
    z = r.v.horizon;
    z->surprised = 1;
    r.fc->change.since = z->span;
    fc_bound_learn(&r.v, z, &p, 200.0F);
    FC_NEAR(z->score[FC_BOUND_LAST].total, 1.0);
    assert_int_equal(z->bound_count[FC_BOUND_LAST], 1); /* but what it was worth is known */
    r.fc->change.since = z->span + 1;
    fc_bound_learn(&r.v, z, &p, 200.0F);
    assert_true(z->score[FC_BOUND_LAST].total > 1.9F);
    z->surprised = 0;
    r.fc->change.since = 0;
    fc_bound_learn(&r.v, z, &p, 200.0F);
    assert_true(z->score[FC_BOUND_LAST].total > 2.9F);
    fc_rig_done(&r);
}

/* Some margins go up at each miss and down a little at each hit, by steps of the scores' size. */
static void some_margins_follow_every_miss(void **state)
{
    (void)state;
    static const enum fc_bound quick[] = { FC_BOUND_QUICK, FC_BOUND_RLS_QUICK };

    for (int32_t q = 0; q < 2; q++) {
        enum fc_bound e = quick[q];
        struct fc_rig r;
        struct fc_horizon *z;
        double size = 0.0, margin[FC_QUANTILES];
        static const double tops[] = { 130.0, 60.0, 110.0, 115.0, 100.0, 140.0, 20.0 };

        stand(&r);
        z = r.v.horizon;
        for (int32_t l = 0; l < FC_QUANTILES; l++)
            margin[l] = (double)z->margin[e][l];
        for (int32_t i = 0; i < 7; i++) {
            struct fc_pending p = says(e);
            double score = (tops[i] - 100.0) / 50.0;

            fc_bound_learn(&r.v, z, &p, (float)tops[i]);
            size = fmax(size * 0.9995, fabs(score));
            FC_NEAR(z->size[e], size);
            for (int32_t l = 0; l < FC_QUANTILES; l++) {
                double step = (0.06 + 1.0 / (i + 1 + 2)) * size;

                margin[l] += score > margin[l] ? step * (1.0 - miss[l]) : -step * miss[l];
                margin[l] = fmin(margin[l], size);
                FC_NEAR(z->margin[e][l], margin[l]);
            }
        }
        FC_NEAR(z->score[e].total, 1.0); /* no quantiles */
        fc_rig_done(&r);
    }
}

/* What comes out goes up a fiftieth of the spread at a miss, and down by as much of it as one
 * miss in so many allows; where forecasts overlap they miss together, and steps are shorter. */
static void what_comes_out_is_raised_after_a_miss_and_sinks_after_hits(void **state)
{
    (void)state;

    for (int32_t overlap = 1; overlap <= 9; overlap += 8) {
        struct fc_rig r;
        struct fc_horizon *z;
        double raise[FC_QUANTILES] = { 0.0 }, held[FC_QUANTILES], pace = 1.0 / sqrt(overlap);

        stand(&r);
        z = r.v.horizon;
        z->stride = 2;
        z->span = 2 * overlap - 1; /* the last one counts although it is not whole */
        for (int32_t l = 0; l < FC_QUANTILES; l++)
            held[l] = 1.0 - miss[l];
        for (int32_t i = 0; i < 200; i++) {
            struct fc_pending p = says(FC_BOUND_LAST);
            double top = i < 60 || i == 150 ? 111.0 : 110.0; /* as high as the bound is no miss */

            fc_bound_learn(&r.v, z, &p, (float)top);
            for (int32_t l = 1; l < FC_QUANTILES; l++) {
                raise[l] = fmin(fmax(raise[l] + 0.02 * pace * ((top > 110.0) - miss[l]), 0.0), 0.5);
                held[l] += 0.002 * ((top <= 110.0) - held[l]);
                FC_NEAR(z->raise[l], raise[l]);
                FC_NEAR(z->held[l], held[l]);
            }
        }
        FC_NEAR(z->raise[0], 0.0); /* the median is not a bound */
        FC_NEAR(z->held[0], 0.5);
        fc_rig_done(&r);
    }
}

/* ---- forecasting ---- */

static void each_expert_stands_on_its_own_middle(void **state)
{
    (void)state;

    for (int32_t kind = FC_RACK; kind <= FC_GPU; kind++) {
        struct fc_options opt = options;
        struct fc_rig r;
        struct fc_horizon *z;
        struct fc_pending p;

        opt.kind = (enum fc_kind)kind;
        stand_with(&r, &opt);
        z = r.v.horizon;
        memset(&p, 0, sizeof p);
        p.now = 120.0F;
        fc_bound_say(&r.v, z, 4.0F, &p);
        FC_NEAR(p.middle[FC_BOUND_LAST], 120.0);
        FC_NEAR(p.scale[FC_BOUND_LAST], 100.0);
        FC_NEAR(p.middle[FC_BOUND_QUICK], 120.0);
        FC_NEAR(p.scale[FC_BOUND_QUICK], 100.0);
        FC_NEAR(p.middle[FC_BOUND_MOVING], 120.0);
        FC_NEAR(p.scale[FC_BOUND_MOVING], kind == FC_RACK ? 32.0 : 0.0); /* eight mean changes */
        FC_NEAR(p.middle[FC_BOUND_RECENT], 195.0);                       /* of the last eight and now */
        FC_NEAR(p.scale[FC_BOUND_RECENT], 100.0);
        FC_NEAR(p.middle[FC_BOUND_HIGH], 200.0);
        FC_NEAR(p.scale[FC_BOUND_HIGH], 100.0);
        for (int32_t e = FC_BOUND_TEMPLATE; e < FC_BOUNDS; e++)
            FC_NEAR(p.scale[e], 0.0);
        z->span = 10; /* a longer horizon: of the last ten and now, which is all */
        fc_bound_say(&r.v, z, 4.0F, &p);
        FC_NEAR(p.middle[FC_BOUND_RECENT], 199.0);
        z->span = 1 << 20;
        fc_bound_say(&r.v, z, 4.0F, &p);
        FC_NEAR(p.middle[FC_BOUND_RECENT], 199.0);
        z->span = 3;

        /* A moment 6 samples ago: 110, 140, 130 followed, and then 195. */
        z->like = (struct fc_template){ .count = 1, .lag = { 6 }, .weight = { 1.0F } };
        fc_bound_say(&r.v, z, 4.0F, &p);
        FC_NEAR(p.middle[FC_BOUND_TEMPLATE], 140.0);
        FC_NEAR(p.scale[FC_BOUND_TEMPLATE], 100.0);
        FC_NEAR(p.middle[FC_BOUND_WIDE], kind == FC_RACK ? 195.0 : 120.0); /* a sample early */
        FC_NEAR(p.scale[FC_BOUND_WIDE], kind == FC_RACK ? 100.0 : 0.0);
        z->span = 4;
        fc_bound_say(&r.v, z, 4.0F, &p);
        FC_NEAR(p.middle[FC_BOUND_TEMPLATE], 195.0);

        fc_bound_regress(&r.v, 150.0F, &p);
        FC_NEAR(p.middle[FC_BOUND_RLS], 150.0);
        FC_NEAR(p.scale[FC_BOUND_RLS], 100.0);
        FC_NEAR(p.scale[FC_BOUND_RLS_MOVING], kind == FC_RACK ? 32.0 : 0.0);
        FC_NEAR(p.scale[FC_BOUND_RLS_QUICK], kind == FC_RACK ? 100.0 : 0.0);
        if (kind == FC_RACK) {
            FC_NEAR(p.middle[FC_BOUND_RLS_MOVING], 150.0);
            FC_NEAR(p.middle[FC_BOUND_RLS_QUICK], 150.0);
        }
        fc_rig_done(&r);
    }
}

/* Half a per cent of the lag early or late is looked at too: a sample more each 64. */
static void an_edge_may_be_the_earlier_the_longer_the_period(void **state)
{
    (void)state;

    for (int32_t slack = 1; slack <= 3; slack++) {
        struct fc_rig r;
        struct fc_horizon *z;
        struct fc_pending p;
        float w[400];
        int32_t lag = 64 * (slack - 1) + 40,
                step = 400 - 1 - (lag - 3 - slack); /* so many after those asked for */

        for (int32_t i = 0; i < 400; i++)
            w[i] = i >= step ? 180.0F : 110.0F;
        stand(&r);
        z = r.v.horizon;
        fc_rig_ring(&r, 400, w);
        memset(&p, 0, sizeof p);
        z->span = 3;
        z->like = (struct fc_template){ .count = 1, .lag = { lag }, .weight = { 1.0F } };
        fc_bound_say(&r.v, z, 4.0F, &p);
        FC_NEAR(p.middle[FC_BOUND_TEMPLATE], 110.0);
        FC_NEAR(p.middle[FC_BOUND_WIDE], 180.0);
        w[step] = 110.0F; /* one later is too late */
        fc_rig_ring(&r, 400, w);
        fc_bound_say(&r.v, z, 4.0F, &p);
        FC_NEAR(p.middle[FC_BOUND_WIDE], 110.0);
        fc_rig_done(&r);
    }
}

/* The highest that marks announce at eight moments on the way. */
static void marks_announce_a_peak_on_the_way(void **state)
{
    (void)state;
    struct fc_rig r;
    struct fc_horizon *z;
    struct fc_pending p;
    float w, scale;

    stand(&r);
    z = r.v.horizon;
    z->steps = 16; /* every other sample is asked for */
    for (int32_t k = 0; k <= 160; k++) {
        if (k % 40 == 0)
            fc_hint_mark(&r.fc->hints, k * 10 * FC_RIG_MS, FC_MARK_GO, 0.0);
        fc_hint_learn(&r.fc->hints, k * 10 * FC_RIG_MS, k % 40 == 14 || k % 40 == 15 ? 170.0F : 110.0F);
    }
    r.fc->at_us = 1600 * FC_RIG_MS;
    memset(&p, 0, sizeof p);
    fc_bound_say(&r.v, z, 4.0F, &p);
    FC_NEAR(p.scale[FC_BOUND_HINT], 0.0); /* there was no hint */
    r.fc->hinted = 1;
    fc_bound_say(&r.v, z, 4.0F, &p);
    assert_true(fc_hint_value(&r.fc->hints, 1740 * FC_RIG_MS, 0.2F, &w, &scale));
    assert_true(w > 130.0F); /* on the way up: the middle of a place lies half a sample after its begin */
    double most = (double)w;

    assert_true(fc_hint_value(&r.fc->hints, 1760 * FC_RIG_MS, 0.2F, &w, &scale));
    most = fmax(most, (double)w);
    FC_NEAR(p.middle[FC_BOUND_HINT], most);
    FC_NEAR(p.scale[FC_BOUND_HINT], 100.0);
    r.fc->at_us += (int64_t)2 * 3600 * 1000 * FC_RIG_MS; /* marks of another hour say nothing */
    fc_bound_say(&r.v, z, 4.0F, &p);
    FC_NEAR(p.scale[FC_BOUND_HINT], 0.0);
    fc_rig_done(&r);
}

/* ---- what comes out ---- */

static void margins(struct fc_horizon *z, enum fc_bound e, double at)
{
    for (int32_t l = 0; l < FC_QUANTILES; l++)
        z->margin[e][l] = (float)(at + 0.1 * l);
}

/* It stands there, and persistence alone says something, at 120 W and by the whole spread; both margins begin there. */
static struct fc_horizon *persists_with(struct fc_rig *r, const struct fc_options *opt,
                                        struct fc_pending *ret, double margin, double above_highest)
{
    struct fc_horizon *z;

    stand_with(r, opt);
    z = r->v.horizon;
    memset(ret, 0, sizeof *ret);
    ret->now = ret->middle[FC_BOUND_LAST] = 120.0F;
    ret->scale[FC_BOUND_LAST] = 100.0F;
    margins(z, FC_BOUND_LAST, margin);
    margins(z, FC_BOUND_HIGH, above_highest);
    return z;
}

static struct fc_horizon *persists(struct fc_rig *r, struct fc_pending *ret, double margin,
                                   double above_highest)
{
    return persists_with(r, &options, ret, margin, above_highest);
}

/* Before they were judged five times experts have no vote, but the last value. */
static void persistence_alone_has_a_vote_at_first(void **state)
{
    (void)state;
    struct fc_rig r;
    struct fc_horizon *z;
    struct fc_pending p;

    z = persists(&r, &p, 0.05, 1.0);
    p.middle[FC_BOUND_RECENT] = 180.0F;
    p.scale[FC_BOUND_RECENT] = 100.0F;
    margins(z, FC_BOUND_RECENT, 0.0);
    z->bound_count[FC_BOUND_RECENT] = 4;
    fc_bound_mix(&r.v, z, &p);
    FC_NEAR(p.out[0], 125.0);
    FC_NEAR(p.out[1], 135.0);
    FC_NEAR(p.out[2], 145.3); /* peaks of noise are never equal: 0.3 % of the spread on top */
    FC_NEAR(p.out[3], 155.3);
    FC_NEAR(p.bound[FC_BOUND_LAST][1], 135.0); /* what each said is kept, to be judged */
    FC_NEAR(p.bound[FC_BOUND_RECENT][3], 210.0);
    z->raise[1] = 0.02F; /* what must be added to hold its share */
    z->raise[3] = 0.04F;
    fc_bound_mix(&r.v, z, &p);
    FC_NEAR(p.out[1], 137.0);
    FC_NEAR(p.out[2], 145.3);
    FC_NEAR(p.out[3], 159.3);
    fc_rig_done(&r);
}

/* No expert is left out: alone with a vote and best by far, each is what comes out. */
static void every_expert_is_heard(void **state)
{
    (void)state;

    for (int32_t e = 0; e < FC_BOUNDS; e++) {
        struct fc_rig r;
        struct fc_horizon *z;
        struct fc_pending p;

        z = persists(&r, &p, 0.05, 5.0);
        margins(z, (enum fc_bound)e, e == FC_BOUND_HIGH ? 5.0 : 0.0);
        p.middle[e] = e == FC_BOUND_HIGH ? -340.0F : 160.0F;
        p.scale[e] = 100.0F;
        for (int32_t l = 0; l < FC_QUANTILES; l++) {
            z->pinball[FC_BOUND_LAST][l] = 1.0F;
            z->pinball[e][l] = 0.01F;
        }
        z->bound_count[FC_BOUND_LAST] = z->bound_count[e] = 5;
        fc_bound_mix(&r.v, z, &p);
        FC_NEAR(p.out[0], 160.0);
        FC_NEAR(p.out[1], 170.0);
        FC_NEAR(p.bound[e][2], 180.0);
        fc_rig_done(&r);
    }
}

/* Weights are (least loss / loss) to the 16th, of those that say something and were judged. */
static void bounds_are_mixed_by_their_losses(void **state)
{
    (void)state;
    struct fc_rig r;
    struct fc_horizon *z;
    struct fc_pending p;
    double recent = pow((0.02 + 1e-5) / (0.022 + 1e-5), 16.0);

    stand(&r);
    z = r.v.horizon;
    memset(&p, 0, sizeof p);
    for (int32_t e = 0; e < FC_BOUNDS; e++) {
        z->bound_count[e] = 5;
        for (int32_t l = 0; l < FC_QUANTILES; l++)
            z->pinball[e][l] = e == FC_BOUND_LAST ? 0.02F : e == FC_BOUND_RECENT ? 0.022F : 0.001F;
    }
    p.now = p.middle[FC_BOUND_LAST] = 120.0F;
    p.scale[FC_BOUND_LAST] = 100.0F;
    p.middle[FC_BOUND_RECENT] = 160.0F;
    p.scale[FC_BOUND_RECENT] = 50.0F;
    margins(z, FC_BOUND_LAST, 0.0);
    margins(z, FC_BOUND_RECENT, 0.1);
    margins(z, FC_BOUND_HIGH, 1.0);
    fc_bound_mix(&r.v, z, &p);
    for (int32_t l = 0; l < FC_QUANTILES; l++)
        FC_NEAR(p.out[l],
                (120.0 + 10.0 * l + recent * (165.0 + 5.0 * l)) / (1.0 + recent) + (l >= 2 ? 0.3 : 0.0));

    /* Four judgements are no vote, however good they were. */
    z->bound_count[FC_BOUND_RECENT] = 4;
    for (int32_t l = 0; l < FC_QUANTILES; l++)
        z->pinball[FC_BOUND_RECENT][l] = 0.0F;
    fc_bound_mix(&r.v, z, &p);
    for (int32_t l = 0; l < FC_QUANTILES; l++)
        FC_NEAR(p.out[l], 120.0 + 10.0 * l + (l >= 2 ? 0.3 : 0.0));

    /* Losses under a hundred-thousandth of the spread are alike. */
    z->bound_count[FC_BOUND_RECENT] = 5;
    for (int32_t l = 0; l < FC_QUANTILES; l++)
        z->pinball[FC_BOUND_LAST][l] = 0.0F;
    fc_bound_mix(&r.v, z, &p);
    for (int32_t l = 0; l < FC_QUANTILES; l++)
        FC_NEAR(p.out[l], 0.5 * (120.0 + 10.0 * l + 165.0 + 5.0 * l) + (l >= 2 ? 0.3 : 0.0));
    fc_rig_done(&r);
}

static void bounds_stay_between_what_was_seen_and_a_margin_above_the_highest(void **state)
{
    (void)state;
    struct fc_rig r;
    struct fc_horizon *z;
    struct fc_pending p;

    z = persists(&r, &p, 5.0, 0.05);
    z->margin[FC_BOUND_LAST][0] = -1.0F;
    fc_bound_mix(&r.v, z, &p);
    FC_NEAR(p.bound[FC_BOUND_LAST][0], 100.0); /* the lowest of late */
    FC_NEAR(p.bound[FC_BOUND_LAST][1], 250.0); /* half a spread above the highest */
    FC_NEAR(p.out[0], 100.0);
    FC_NEAR(p.out[1], 215.0); /* the highest of late and its own margin */
    FC_NEAR(p.out[2], 225.0);
    FC_NEAR(p.out[3], 235.0);

    /* A bound of more is no lower than one of less. */
    z->margin[FC_BOUND_LAST][2] = z->margin[FC_BOUND_LAST][3] = 0.0F;
    fc_bound_mix(&r.v, z, &p);
    FC_NEAR(p.out[1], 215.0);
    FC_NEAR(p.out[2], 215.0);
    FC_NEAR(p.out[3], 215.0);
    z->margin[FC_BOUND_LAST][0] = 0.5F;
    z->margin[FC_BOUND_LAST][1] = 0.1F;
    fc_bound_mix(&r.v, z, &p);
    FC_NEAR(p.out[0], 170.0);
    FC_NEAR(p.out[1], 170.0);
    fc_rig_done(&r);
}

/* While another surprise may come 99 and 99.9 % stand a spread above. */
static void another_surprise_may_follow_the_first(void **state)
{
    (void)state;

    for (int32_t wary = 0; wary < 2; wary++) {
        struct fc_rig r;
        struct fc_horizon *z;
        struct fc_pending p;

        z = persists(&r, &p, 0.0, 0.05);
        z->surprised = !wary;
        z->wary = wary;
        fc_bound_mix(&r.v, z, &p);
        FC_NEAR(p.out[0], 120.0);
        FC_NEAR(p.out[1], 130.0);
        FC_NEAR(p.out[2], wary ? 300.0 : 140.3);
        FC_NEAR(p.out[3], wary ? 300.0 : 150.3);
        fc_rig_done(&r);
    }
}

/* Of a load that is new, bounds of a rack of 99 and 99.9 % are its limit where one is known: for 99 horizons
 * without a change, and for three after one. */
static void of_a_new_load_the_limit_is_all_that_is_known(void **state)
{
    (void)state;
    enum { CALM, CALM_LONG, CHANGED, CHANGED_LONG, TIMES };

    for (int32_t k = 0; k < 2 * 3 * TIMES; k++) {
        bool rack = k % 2;
        double cap_w = k / 2 % 3 == 0 ? 500.0 : k / 2 % 3 == 1 ? 125.0 : (double)INFINITY;
        int32_t time = k / 6;
        bool known = rack && cap_w > 200.0 && isfinite(cap_w) && (time == CALM || time == CHANGED);
        struct fc_rig r;
        struct fc_horizon *z;
        struct fc_pending p;

        z = persists(&r, &p, 0.0, 0.05);
        r.fc->opt.kind = rack ? FC_RACK : FC_GPU;
        r.fc->cap_w = cap_w;
        r.fc->change.calm = time == CALM || time == CALM_LONG;
        r.fc->ring.count = 99 * z->span - (time == CALM);
        r.fc->change.spell = time == CHANGED ? 3 * z->steps - 1 : 3 * z->steps;
        fc_bound_mix(&r.v, z, &p);
        FC_NEAR(p.out[0], 120.0);
        FC_NEAR(p.out[1], 130.0);
        FC_NEAR(p.out[2], known ? 500.0 : 140.3); /* a limit under it is for fc_get() */
        FC_NEAR(p.out[3], known ? 500.0 : 150.3);
        fc_rig_done(&r);
    }
}

/* A sensor that looks away may miss what it has shown in the last hundred readings. */
static void a_sensor_that_looks_away_is_asked_for_what_it_has_shown(void **state)
{
    (void)state;
    static const int64_t windows_us[] = { 0, 25 * FC_RIG_MS, 100 * FC_RIG_MS, 400 * FC_RIG_MS };

    for (int32_t k = 0; k < 4; k++)
        for (int32_t age = 100; age <= 101; age++) {
            struct fc_options opt = options;
            struct fc_rig r;
            struct fc_horizon *z;
            struct fc_pending p;
            float w[300];

            opt.sensor_window_us = windows_us[k];
            opt.sensor_period_us = k ? 100 * FC_RIG_MS : 0;
            opt.horizon_us[0] = 300 * FC_RIG_MS;
            z = persists_with(&r, &opt, &p, 0.0, 0.05);
            for (int32_t i = 0; i < 300; i++)
                w[i] = i == 299 - age ? 190.0F : 120.0F;
            fc_rig_ring(&r, 300, w);
            fc_bound_mix(&r.v, z, &p);
            FC_NEAR(p.out[0], 120.0); /* as likely exceeded as not: no bound */
            FC_NEAR(p.out[1], k == 1 && age == 100 ? 190.0 : 130.0);
            FC_NEAR(p.out[2], k == 1 && age == 100 ? 190.0 : 140.3);
            fc_rig_done(&r);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_given_out_is_taken_to_hold_at_first),
        cmocka_unit_test(losses_are_means_of_what_bounds_cost),
        cmocka_unit_test(margins_are_quantiles_of_past_scores_renewed_in_turns),
        cmocka_unit_test(a_surprise_teaches_no_margin),
        cmocka_unit_test(some_margins_follow_every_miss),
        cmocka_unit_test(what_comes_out_is_raised_after_a_miss_and_sinks_after_hits),
        cmocka_unit_test(each_expert_stands_on_its_own_middle),
        cmocka_unit_test(an_edge_may_be_the_earlier_the_longer_the_period),
        cmocka_unit_test(marks_announce_a_peak_on_the_way),
        cmocka_unit_test(persistence_alone_has_a_vote_at_first),
        cmocka_unit_test(every_expert_is_heard),
        cmocka_unit_test(bounds_are_mixed_by_their_losses),
        cmocka_unit_test(bounds_stay_between_what_was_seen_and_a_margin_above_the_highest),
        cmocka_unit_test(another_surprise_may_follow_the_first),
        cmocka_unit_test(of_a_new_load_the_limit_is_all_that_is_known),
        cmocka_unit_test(a_sensor_that_looks_away_is_asked_for_what_it_has_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
