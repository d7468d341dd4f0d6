/* SPDX-License-Identifier: Apache-2.0 */
/* The load became another one: when that is noticed, and what is forgotten then. All figures
 * are worked out by hand. */
#include "fc_rig.h"

#define LAGS 1024

static const struct fc_options options = FC_RIG_RACK(25.0, 2, 30 * FC_RIG_MS, 500 * FC_RIG_MS);

/* From 100 to 200 W of late, so the spread is 100; it stood at 150 all the time, and nothing fits. */
static void stand(struct fc_rig *r)
{
    static const float w[] = { 150.0F };

    fc_rig_stand(r, &options, 150.0, 1, w);
    r->fc->change = (struct fc_change){ .since = 300 };
    for (int32_t i = 0; i < FC_TEMPLATE_SPEEDS * LAGS; i++)
        r->v.diff[i] = 1000.0F;
}

static void moment(struct fc_rig *r, int32_t lag, float scale)
{
    r->fc->like = (struct fc_template){ .count = 1, .lag = { lag }, .weight = { 1.0F }, .scale = scale };
}

static void power_far_outside_of_what_was_seen_is_a_change_at_once(void **state)
{
    (void)state;
    static const struct {
        float w;
        bool changed;
    } cases[] = { { 299.0F, false }, { 301.0F, true }, { 1.0F, false }, { -1.0F, true }, { 150.0F, false } };

    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct fc_rig r;

        stand(&r);
        r.fc->change.strange = 7;
        assert_int_equal(fc_change_sense(&r.v, cases[k].w), cases[k].changed);
        assert_int_equal(r.fc->change.strange, cases[k].changed ? 1 : 0);
        fc_rig_done(&r);
    }
}

/* Half a moment early or late is no change: more than two samples in a row, or a tenth of the
 * period, must be 0.3 of the spread away from what was foreseen, by a template that knew. */
static void what_nothing_foresaw_is_a_change_where_the_template_knew(void **state)
{
    (void)state;
    static const int32_t periods[] = { 0, 20, 29, 30, 57 };
    static const int32_t limits[] = { 2, 2, 2, 3, 5 };

    for (int32_t trusted = 0; trusted < 2; trusted++)
        for (int32_t k = 0; k < 5; k++) {
            struct fc_rig r;

            stand(&r);
            moment(&r, 40, 50.0F);
            r.fc->period = periods[k];
            r.fc->change.trusted = trusted;
            for (int32_t i = 1; i <= 10; i++) {
                assert_int_equal(fc_change_sense(&r.v, i % 2 ? 181.0F : 119.0F),
                                 trusted && i == limits[k] + 1);
                assert_int_equal(r.fc->change.strange, i);
            }
            assert_false(fc_change_sense(&r.v, 179.0F)); /* foreseen again */
            assert_int_equal(r.fc->change.strange, 0);
            assert_int_equal(r.fc->change.trusted, 0); /* off by half of the spread as a rule */
            fc_rig_done(&r);
        }
}

/* It knows: its error is under 0.12 of the spread, seen for two of its lags and four samples
 * more, and it fits much better than most lags do. */
static void a_template_knows_when_it_fits_and_not_by_chance(void **state)
{
    (void)state;
    static const struct {
        int32_t lag, since;
        float scale, diff;
        bool knows;
    } cases[] = {
        { 40, 300, 11.9F, 100.0F, true },   { 40, 300, 12.1F, 100.0F, false },
        { 40, 84, 11.9F, 100.0F, true },    { 40, 83, 11.9F, 100.0F, false },
        { 40, 300, 11.9F, 190.0F, true },   { 40, 300, 11.9F, 210.0F, false },
        { 600, 1023, 5.0F, 100.0F, false }, { 600, LAGS, 5.0F, 100.0F, true },
        { 40, 0, 5.0F, 100.0F, false },
    };

    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct fc_rig r;

        stand(&r);
        moment(&r, cases[k].lag, cases[k].scale);
        r.fc->change.since = cases[k].since;
        r.v.diff[LAGS + cases[k].lag - 1] = cases[k].diff; /* the others are 1000 */
        assert_false(fc_change_sense(&r.v, 150.0F));
        assert_int_equal(r.fc->change.trusted, cases[k].knows);
        r.fc->like.count = 0; /* no moment, nothing known */
        assert_false(fc_change_sense(&r.v, 150.0F));
        assert_int_equal(r.fc->change.trusted, 0);
        fc_rig_done(&r);
    }
}

/* A level without a shape is known as well: squares under a hundredth of the spread's. */
static void a_level_is_known_too(void **state)
{
    (void)state;
    static const struct {
        int32_t since;
        float diff;
        bool knows;
    } cases[] = {
        { 256, 99.0F, true }, { 256, 101.0F, false }, { 255, 99.0F, false }, { LAGS, 99.0F, true }
    };

    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct fc_rig r;

        stand(&r);
        r.fc->change.since = cases[k].since;
        for (int32_t i = 0; i < LAGS; i++)
            r.v.diff[2 * LAGS + i] = cases[k].diff;
        assert_false(fc_change_sense(&r.v, 150.0F));
        assert_int_equal(r.fc->change.trusted, cases[k].knows);
        fc_rig_done(&r);
    }
}

static void samples_since_a_change_are_counted(void **state)
{
    (void)state;
    struct fc_rig r;

    stand(&r);
    fc_change_start(&r.v);
    r.fc->change.lost = 3;
    for (int32_t i = 1; i <= 1100; i++) {
        fc_change_take(&r.v, false);
        assert_int_equal(r.fc->change.since, i < LAGS ? i : LAGS);
        assert_int_equal(r.fc->change.lost, i < 3 ? 3 - i : 0);
        /* the first change of all is one once there was calm for 64 samples */
        assert_int_equal(r.fc->change.spell, i < 64 ? i : 1000000);
        /* each lag is tried anew when it is first reached */
        if (i < LAGS)
            FC_NEAR(r.v.diff[i - 1], 0.1 * 100.0 * 100.0);
        if (i + 1 < LAGS)
            FC_NEAR(r.v.diff[i], 1000.0);
    }
    FC_NEAR(r.v.diff[LAGS - 1], 1000.0);
    fc_rig_done(&r);
}

static void after_a_change_what_lies_before_it_costs_more(void **state)
{
    (void)state;
    static const int32_t periods[] = { 0, 19, 20, 80 };
    static const int32_t lost[] = { 4, 4, 5, 20 };

    for (int32_t k = 0; k < 4; k++) {
        struct fc_rig r;

        stand(&r);
        r.fc->period = periods[k];
        r.fc->change = (struct fc_change){ .since = 500, .spell = 99, .strange = 6, .trusted = 1, .calm = 1 };
        fc_change_take(&r.v, true);
        assert_int_equal(r.fc->change.since, 6);
        assert_int_equal(r.fc->change.lost, lost[k]); /* a quarter of the period, four samples at least */
        assert_int_equal(r.fc->change.trusted, 0);
        assert_int_equal(r.fc->change.spell, 0);
        assert_int_equal(r.fc->change.calm, 0);
        for (int32_t i = 0; i < LAGS; i++) {
            /* six samples are of the new load: lags among them are tried anew, without a past */
            FC_NEAR(r.v.diff[i], i < 6 ? 1000.0 : 3000.0);
            FC_NEAR(r.v.diff[LAGS + i], i < 6 ? 0.0 : 3000.0);
            FC_NEAR(r.v.diff[2 * LAGS + i], i < 6 ? 0.0 : 3000.0);
        }
        fc_rig_done(&r);
    }
    struct fc_rig r;

    stand(&r);
    r.fc->change.strange = LAGS + 5;
    fc_change_take(&r.v, true);
    assert_int_equal(r.fc->change.since, LAGS - 1);
    fc_rig_done(&r);
}

/* A change is a surprise to a horizon that has not seen one for four times its length; then what
 * experts were worth is forgotten, and for three times its length bounds allow for another. */
static void only_where_changes_are_rare_one_is_a_surprise(void **state)
{
    (void)state;
    static const int32_t spells[] = { 11, 12, 199, 200, 999999 };

    for (int32_t k = 0; k < 5; k++) {
        struct fc_rig r;

        stand(&r);
        r.fc->change.spell = spells[k];
        for (int32_t h = 0; h < 2; h++) {
            r.v.horizon[h].surprised = k % 2;
            r.v.horizon[h].wary = 1;
            r.v.horizon[h].ratio[FC_POINT_USUAL] = 9.0F;
        }
        fc_change_take(&r.v, true); /* one sample more */
        for (int32_t h = 0; h < 2; h++) {
            bool surprised = spells[k] + 1 > 4 * (h ? 50 : 3);

            assert_int_equal(r.v.horizon[h].surprised, surprised);
            assert_int_equal(r.v.horizon[h].wary, surprised ? 3 * (h ? 50 : 3) : 0);
            FC_NEAR(r.v.horizon[h].ratio[FC_POINT_USUAL], surprised ? 1.4 : 9.0);
        }
        fc_rig_done(&r);
    }
}

/* A load begins in steps: to a rack's bounds the first change of all is a surprise however soon it comes. */
static void after_the_first_change_of_all_bounds_allow_for_another(void **state)
{
    (void)state;

    for (int32_t kind = 0; kind < 4; kind++) {
        bool calm = kind & 1, rack = kind & 2;
        struct fc_rig r;

        stand(&r);
        r.fc->opt.kind = rack ? FC_RACK : FC_GPU;
        r.fc->change.calm = calm;
        r.fc->change.spell = 2;
        for (int32_t h = 0; h < 2; h++)
            r.v.horizon[h].ratio[FC_POINT_USUAL] = 9.0F;
        fc_change_take(&r.v, true);
        for (int32_t h = 0; h < 2; h++) {
            assert_int_equal(r.v.horizon[h].surprised, 0);
            assert_int_equal(r.v.horizon[h].wary, calm && rack ? 3 * (h ? 50 : 3) : 0);
            FC_NEAR(r.v.horizon[h].ratio[FC_POINT_USUAL], 9.0);
        }
        fc_rig_done(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(power_far_outside_of_what_was_seen_is_a_change_at_once),
        cmocka_unit_test(what_nothing_foresaw_is_a_change_where_the_template_knew),
        cmocka_unit_test(a_template_knows_when_it_fits_and_not_by_chance),
        cmocka_unit_test(a_level_is_known_too),
        cmocka_unit_test(samples_since_a_change_are_counted),
        cmocka_unit_test(after_the_first_change_of_all_bounds_allow_for_another),
        cmocka_unit_test(after_a_change_what_lies_before_it_costs_more),
        cmocka_unit_test(only_where_changes_are_rare_one_is_a_surprise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
