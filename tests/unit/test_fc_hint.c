/* SPDX-License-Identifier: Apache-2.0 */
/* What power does after a mark: learnt from a few, told again at the right moment,
 * and never taken further than it reaches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "core/fc_hint.h"

#define S 1000000

/* Steps of 10 s: 2 s at 50 W, then 100 W. Samples every second. */
static float step_w(int64_t since_us)
{
    return since_us % (10 * S) < 2 * S ? 50.0F : 100.0F;
}

static int64_t teach(struct fc_hints *hints, int32_t steps)
{
    int64_t at_us = 0;

    for (int32_t i = 0; i < steps; i++)
        for (int32_t s = 0; s < 10; s++, at_us += S) {
            if (s == 0)
                fc_hint_mark(hints, at_us, FC_MARK_STEP, 0.0);
            fc_hint_learn(hints, at_us, step_w(at_us));
        }
    fc_hint_mark(hints, at_us, FC_MARK_STEP, 0.0);
    return at_us;
}

static void without_marks_there_is_nothing_to_say(void **state)
{
    (void)state;
    struct fc_hints hints;
    float w, scale;

    fc_hint_init(&hints, S);
    fc_hint_learn(&hints, 0, 100.0F);
    assert_false(fc_hint_value(&hints, S, 1.0F, &w, &scale));
}

static void what_followed_a_step_follows_the_next(void **state)
{
    (void)state;
    struct fc_hints hints;
    int64_t now_us;
    float w, scale;

    fc_hint_init(&hints, S);
    now_us = teach(&hints, 12);
    assert_true(fc_hint_value(&hints, now_us + 1 * S, 1.0F, &w, &scale));
    assert_float_equal(w, 50.0, 13.0);
    assert_true(fc_hint_value(&hints, now_us + 6 * S, 1.0F, &w, &scale));
    assert_float_equal(w, 100.0, 1.0);
    /* the step after this one has not been told yet */
    assert_true(fc_hint_value(&hints, now_us + 11 * S, 1.0F, &w, &scale));
    assert_float_equal(w, 50.0, 13.0);
}

static void a_phase_ends_what_steps_say(void **state)
{
    (void)state;
    struct fc_hints hints;
    int64_t now_us;
    float w, scale;

    fc_hint_init(&hints, S);
    now_us = teach(&hints, 12);
    fc_hint_mark(&hints, now_us + S, FC_MARK_STOP, 0.0);
    assert_false(fc_hint_value(&hints, now_us + 6 * S, 1.0F, &w, &scale));
}

static void an_announced_mark_leaves_the_last_in_force_until_it_comes(void **state)
{
    (void)state;
    struct fc_hints hints;
    int64_t now_us;
    float w, scale;

    fc_hint_init(&hints, S);
    now_us = teach(&hints, 12);
    fc_hint_mark(&hints, now_us + 10 * S, FC_MARK_STEP, 0.0);
    assert_true(fc_hint_value(&hints, now_us + 6 * S, 1.0F, &w, &scale));
    assert_float_equal(w, 100.0, 1.0);
    assert_true(fc_hint_value(&hints, now_us + 11 * S, 1.0F, &w, &scale));
    assert_float_equal(w, 50.0, 13.0);
}

/* Marks that have nothing to do with the power say that they do not know. */
static void senseless_marks_are_unsure(void **state)
{
    (void)state;
    struct fc_hints hints;
    uint32_t seed = 7;
    float w, scale;
    int64_t at_us = 0;

    fc_hint_init(&hints, S);
    for (int32_t i = 0; i < 2000; i++, at_us += S) {
        seed = seed * 1664525U + 1013904223U;
        if (seed >> 29 == 0)
            fc_hint_mark(&hints, at_us, FC_MARK_STEP, 0.0);
        fc_hint_learn(&hints, at_us, step_w(at_us));
    }
    if (fc_hint_value(&hints, at_us + S, 1.0F, &w, &scale))
        assert_true(scale > 8.0F);
}

static void bad_marks_are_harmless(void **state)
{
    (void)state;
    struct fc_hints hints;
    float w, scale;

    fc_hint_init(&hints, S);
    (void)teach(&hints, 5);
    fc_hint_mark(&hints, INT64_MIN + 1, FC_MARK_STEP, 0.0);
    fc_hint_mark(&hints, INT64_MAX / 2, FC_MARK_STOP, 0.0);
    fc_hint_mark(&hints, 60 * S, (enum fc_mark)99, 0.0);
    fc_hint_mark(&hints, 60 * S, (enum fc_mark) - 1, 0.0);
    fc_hint_mark(&hints, 60 * S, FC_MARK_QUEUE, 1e300);
    fc_hint_learn(&hints, 61 * S, 100.0F);
    if (fc_hint_value(&hints, 62 * S, 1.0F, &w, &scale))
        assert_true(w > -1e6F && w < 1e6F && scale > 0.0F);
}

#define NEAR(value, expected)                                                                                \
    do {                                                                                                     \
        double near_value = (double)(value), near_expected = (double)(expected);                             \
        if (!(fabs(near_value - near_expected) <= 1e-5 * fmax(1.0, fabs(near_expected))))                    \
            fail_msg("%s is %.9g, not %.9g", #value, near_value, near_expected);                             \
    } while (0)

/* ---- pace ---- */

/* A quarter of what is new each time; the deviation is a share of the pace, a fifth of it new. */
static void the_pace_follows_slowly_and_knows_how_even_it_is(void **state)
{
    (void)state;
    static const double took[] = { 10.0, 12.0, 8.0, 10.0, 11.0, 11.0, 9.5, 13.0, 10.0 };
    struct fc_hints hints;
    const struct fc_hint_profile *p = &hints.profile[FC_MARK_STEP];
    double every = 0.0, uneven = 0.0, at = 5.0;

    fc_hint_init(&hints, S);
    fc_hint_learn(&hints, 0, 100.0F);
    fc_hint_mark(&hints, 5 * S, FC_MARK_STEP, 0.0);
    NEAR(p->every_us, 0.0); /* one mark has no pace */
    for (int32_t i = 0; i < 9; i++) {
        double off;

        at += took[i];
        fc_hint_mark(&hints, (int64_t)(at * S), FC_MARK_STEP, 0.0);
        every = i == 0 ? took[0] : every;
        off = fabs(took[i] / every - 1.0);
        every += 0.25 * (took[i] - every);
        uneven += 0.2 * (off - uneven);
        NEAR(p->every_us, every * S);
        NEAR(p->uneven, uneven);
        assert_int_equal(p->marks, i + 2);
        assert_int_equal(p->at_us, (int64_t)(at * S));
        assert_int_equal(p->before_us, (int64_t)((at - took[i]) * S));
    }
}

/* One that comes twice as late is an exception; where that is the rule the pace is another one. */
static void another_pace_is_taken_when_the_old_one_fails_again_and_again(void **state)
{
    (void)state;
    struct fc_hints hints;
    const struct fc_hint_profile *p = &hints.profile[FC_MARK_STEP];
    int64_t at_us = 0;
    int32_t late = 0;

    fc_hint_init(&hints, S);
    for (int32_t i = 0; i < 12; i++, at_us += 10 * S)
        fc_hint_mark(&hints, at_us, FC_MARK_STEP, 0.0);
    NEAR(p->every_us, 10.0 * S);
    NEAR(p->uneven, 0.0);
    at_us += 15 * S; /* 25 s in all: one and a half too long count as one */
    for (; late < 10 && p->every_us < 20.0F * S; late++, at_us += 25 * S) {
        float before = p->uneven;

        fc_hint_mark(&hints, at_us, FC_MARK_STEP, 0.0);
        NEAR(p->uneven, (double)before + 0.2 * (1.0 - (double)before));
    }
    /* after 0.2, 0.36 and 0.488 it is more than 0.4 off: the fourth is believed */
    assert_int_equal(late, 4);
    NEAR(p->every_us, 25.0 * S);
}

/* Half of the pace off is too much, less is not, once four marks are known; before, all count. */
static void the_first_marks_count_however_uneven(void **state)
{
    (void)state;

    for (int32_t marks = 2; marks <= 5; marks++) {
        struct fc_hints hints;
        const struct fc_hint_profile *p = &hints.profile[FC_MARK_PART];

        fc_hint_init(&hints, S);
        for (int32_t i = 0; i < marks; i++)
            fc_hint_mark(&hints, i * 10 * S, FC_MARK_PART, 0.0);
        fc_hint_mark(&hints, (marks - 1) * 10 * S + 18 * S, FC_MARK_PART, 0.0);
        NEAR(p->every_us, marks < 4 ? 12.0 * S : 10.0 * S);
    }
}

/* Places are a 48th of a step, and no finer than half a slot; made anew, all begin anew. */
static void places_fit_the_step(void **state)
{
    (void)state;
    struct fc_hints hints;

    fc_hint_init(&hints, S);
    fc_hint_mark(&hints, 0, FC_MARK_PART, 0.0);
    for (int32_t i = 0; i < 10; i++)
        fc_hint_learn(&hints, i * S, 70.0F);
    assert_int_equal(hints.profile[FC_MARK_PART].count[3], 1);
    for (int32_t i = 0; i < 4; i++) {
        NEAR(hints.place_us, S);
        assert_int_equal(hints.profile[FC_MARK_PART].count[3], 1);
        fc_hint_mark(&hints, i * 96 * S, FC_MARK_STEP, 0.0);
    }
    NEAR(hints.place_us, 2.0 * S); /* from three marks and the fourth on */
    assert_int_equal(hints.profile[FC_MARK_PART].count[3], 0);

    /* 72 s would be 1.5 s: not worth the trouble; 20 s would be finer than there are samples. */
    fc_hint_init(&hints, S);
    for (int32_t i = 0; i < 6; i++)
        fc_hint_mark(&hints, i * 72 * S, FC_MARK_STEP, 0.0);
    NEAR(hints.place_us, S);
    fc_hint_init(&hints, S);
    for (int32_t i = 0; i < 6; i++)
        fc_hint_mark(&hints, i * 20 * S, FC_MARK_STEP, 0.0);
    NEAR(hints.place_us, 0.5 * S);
    fc_hint_init(&hints, S);
    for (int32_t i = 0; i < 6; i++)
        fc_hint_mark(&hints, i * 28 * S, FC_MARK_STEP, 0.0); /* 0.583 s: 1.7 times finer is near enough */
    NEAR(hints.place_us, S);

    /* Parts have no say in it. */
    fc_hint_init(&hints, S);
    for (int32_t i = 0; i < 6; i++)
        fc_hint_mark(&hints, i * 96 * S, FC_MARK_PART, 0.0);
    NEAR(hints.place_us, S);
}

/* ---- profiles ---- */

/* A place is the mean of up to 24 samples and their mean deviation; what it says lies between the
 * middles of two places, and what few samples say is unsure by as much. */
static void a_profile_is_a_mean_and_knows_how_sure_it_is(void **state)
{
    (void)state;
    struct fc_hints hints;
    const struct fc_hint_profile *p = &hints.profile[FC_MARK_GO];
    double mean[3] = { 0.0 }, spread[3] = { 0.0 };
    float w, scale;
    int64_t at_us = 0;

    fc_hint_init(&hints, S);
    for (int32_t i = 0; i < 40; i++, at_us += 100 * S) {
        fc_hint_mark(&hints, at_us, FC_MARK_GO, 0.0);
        for (int32_t k = 0; k < 3; k++) {
            double sample = 100.0 * k + (i % 4) * 10.0, off, n = fmin(i + 1, 24.0);

            fc_hint_learn(&hints, at_us + k * S, (float)sample);
            mean[k] = i ? mean[k] : sample;
            off = sample - mean[k];
            mean[k] += off / n;
            spread[k] += (fabs(off) - spread[k]) / n;
            NEAR(p->mean[k], mean[k]);
            NEAR(p->spread[k], spread[k]);
            assert_int_equal(p->count[k], (int32_t)n);
        }
        if (i == 1 || i == 2) /* three samples speak, two do not */
            assert_int_equal(fc_hint_value(&hints, at_us + S, 2.0F, &w, &scale), i == 2);
        if (i < 2)
            continue;
        /* 1.75 s after: a quarter on the way from the middle of the second to that of the third */
        assert_true(fc_hint_value(&hints, at_us + 7 * S / 4, 2.0F, &w, &scale));
        NEAR(w, mean[1] + 0.25 * (mean[2] - mean[1]));
        NEAR(scale,
             (spread[1] + 0.25 * (spread[2] - spread[1])) * (1.0 + 6.0 / (fmin(i + 1, 24.0) + 1.0)) + 2.0);
        /* before the first middle and after the last nothing is between */
        assert_true(fc_hint_value(&hints, at_us + S / 4, 2.0F, &w, &scale));
        NEAR(w, mean[0]);
        assert_true(fc_hint_value(&hints, at_us + 13 * S / 4, 2.0F, &w, &scale));
        NEAR(w, mean[2]);
        assert_false(fc_hint_value(&hints, at_us + 15 * S / 4, 2.0F, &w, &scale)); /* never seen */
    }
}

/* A place that has spoken seldom counts for as little as the seldomer of both. */
static void the_seldomer_of_two_places_says_how_sure_both_are(void **state)
{
    (void)state;
    struct fc_hints hints;
    struct fc_hint_profile *p = &hints.profile[FC_MARK_GO];
    float w, scale;

    for (int32_t turn = 0; turn < 2; turn++) {
        fc_hint_init(&hints, S);
        fc_hint_mark(&hints, 0, FC_MARK_GO, 0.0);
        p->count[4] = turn ? 5 : 20;
        p->count[5] = turn ? 20 : 5;
        p->mean[4] = 100.0F;
        p->mean[5] = 200.0F;
        p->spread[4] = 10.0F;
        p->spread[5] = 20.0F;
        assert_true(fc_hint_value(&hints, 5 * S, 2.0F, &w, &scale));
        NEAR(w, 150.0);
        NEAR(scale, 15.0 * (1.0 + 6.0 / 6.0) + 2.0);
        p->count[turn ? 4 : 5] = 2; /* too seldom: the other one speaks alone */
        assert_true(fc_hint_value(&hints, 5 * S, 2.0F, &w, &scale));
        NEAR(w, turn ? 200.0 : 100.0);
        p->count[turn ? 4 : 5] = 3;
        assert_true(fc_hint_value(&hints, 5 * S, 2.0F, &w, &scale));
        NEAR(w, 150.0);
        p->count[4] = 3;
        p->count[5] = 2;
        assert_true(fc_hint_value(&hints, 5 * S, 2.0F, &w, &scale));
        NEAR(w, 100.0);
        p->count[4] = 2;
        assert_false(fc_hint_value(&hints, 5 * S, 2.0F, &w, &scale));
        p->count[4] = p->count[5] = 9;
        p->at_us = S / 2; /* at the very middle of a place it speaks alone */
        assert_true(fc_hint_value(&hints, 5 * S, 2.0F, &w, &scale));
        NEAR(w, 100.0);
    }
}

/* 64 places: what lies behind the middle of the last is not known. */
static void profiles_end(void **state)
{
    (void)state;
    struct fc_hints hints;
    float w, scale;

    fc_hint_init(&hints, S);
    for (int32_t i = 0; i < 5; i++) {
        fc_hint_mark(&hints, i * 200 * S, FC_MARK_GO, 0.0);
        for (int32_t k = 0; k < 80; k++)
            fc_hint_learn(&hints, (i * 200 + k) * S, (float)k);
    }
    for (int32_t k = 0; k < FC_HINT_PLACES; k++)
        NEAR(hints.profile[FC_MARK_GO].mean[k], k);
    assert_true(fc_hint_value(&hints, 800 * S + 63 * S + S / 4, 1.0F, &w, &scale));
    NEAR(w, 62.75);
    assert_false(fc_hint_value(&hints, 800 * S + 63 * S + S / 2, 1.0F, &w, &scale));
    assert_false(fc_hint_value(&hints, 800 * S + 70 * S, 1.0F, &w, &scale));
}

/* Of two kinds of marks each counts by the square of how near it was; steps that are yet to come
 * are twice as unsure. */
static void the_surer_of_two_kinds_counts_more(void **state)
{
    (void)state;
    struct fc_hints hints;
    struct fc_hint_profile *go = &hints.profile[FC_MARK_GO], *step = &hints.profile[FC_MARK_STEP];
    float w, scale;

    fc_hint_init(&hints, S);
    fc_hint_mark(&hints, 0, FC_MARK_GO, 0.0);
    for (int32_t i = 0; i < 3; i++)
        fc_hint_mark(&hints, i * 10 * S, FC_MARK_STEP, 0.0); /* the last at 20 s */
    NEAR(step->every_us, 10.0 * S);
    for (int32_t k = 0; k < FC_HINT_PLACES; k++) {
        go->count[k] = step->count[k] = 23;
        go->mean[k] = 100.0F;
        go->spread[k] = 8.0F; /* 10 with a quarter for few samples */
        step->mean[k] = 200.0F + (float)k;
        step->spread[k] = 4.0F; /* 5 */
    }
    assert_true(fc_hint_value(&hints, 23 * S, 1.0F, &w, &scale));
    double a = 1.0 / (11.0 * 11.0), b = 1.0 / (6.0 * 6.0);
    NEAR(w, (100.0 * a + 202.5 * b) / (a + b)); /* 3 s after the step */
    NEAR(scale, (11.0 * a + 6.0 * b) / (a + b));

    /* 33 s: the step at 30 s is a guess, and so is what follows it. */
    b = 1.0 / (12.0 * 12.0);
    assert_true(fc_hint_value(&hints, 33 * S, 1.0F, &w, &scale));
    NEAR(w, (100.0 * a + 202.5 * b) / (a + b));
    NEAR(scale, (11.0 * a + 12.0 * b) / (a + b));

    /* At its pace exactly it is due, not over; after eight of them nobody guesses any more. */
    go->at_us = go->before_us = INT64_MIN;
    hints.cut_us = INT64_MIN;
    assert_true(fc_hint_value(&hints, 30 * S, 1.0F, &w, &scale));
    NEAR(w, 209.5);
    NEAR(scale, 6.0);
    assert_true(fc_hint_value(&hints, 100 * S, 1.0F, &w, &scale));
    NEAR(w, 200.0);
    NEAR(scale, 12.0);
    assert_false(fc_hint_value(&hints, 101 * S, 1.0F, &w, &scale));
    step->uneven = 0.39F;
    assert_true(fc_hint_value(&hints, 33 * S, 1.0F, &w, &scale));
    step->uneven = 0.41F; /* too uneven for a guess, but not for what has been told */
    assert_false(fc_hint_value(&hints, 33 * S, 1.0F, &w, &scale));
    assert_true(fc_hint_value(&hints, 29 * S, 1.0F, &w, &scale));
    step->uneven = 0.0F;
    step->marks = 2; /* two marks are no pace: it goes on as after the last */
    assert_true(fc_hint_value(&hints, 33 * S, 1.0F, &w, &scale));
    NEAR(w, 212.5);
    NEAR(scale, 6.0);
}

/* ---- marks ---- */

static void a_mark_said_twice_counts_once(void **state)
{
    (void)state;
    struct fc_hints hints;
    const struct fc_hint_profile *p = &hints.profile[FC_MARK_STEP];

    fc_hint_init(&hints, S);
    fc_hint_mark(&hints, 10 * S, FC_MARK_STEP, 0.0);
    fc_hint_mark(&hints, 10 * S + S / 2 - 1, FC_MARK_STEP, 0.0); /* less than half a slot */
    assert_int_equal(p->marks, 1);
    assert_int_equal(p->at_us, 10 * S);
    fc_hint_mark(&hints, 9 * S, FC_MARK_STEP, 0.0);
    assert_int_equal(p->marks, 1);
    fc_hint_mark(&hints, 10 * S + S / 2, FC_MARK_STEP, 0.0);
    assert_int_equal(p->marks, 2);
}

static void marks_of_another_hour_are_dropped(void **state)
{
    (void)state;
    const int64_t hour_us = (int64_t)3600 * S;
    struct fc_hints hints;
    float w, scale;

    fc_hint_init(&hints, S);
    fc_hint_learn(&hints, 10 * hour_us, 100.0F);
    fc_hint_mark(&hints, 9 * hour_us, FC_MARK_GO, 0.0);
    fc_hint_mark(&hints, 11 * hour_us, FC_MARK_GO, 0.0);
    assert_int_equal(hints.profile[FC_MARK_GO].marks, 0);
    fc_hint_mark(&hints, 9 * hour_us + 1, FC_MARK_GO, 0.0);
    assert_int_equal(hints.profile[FC_MARK_GO].marks, 1);
    fc_hint_mark(&hints, 11 * hour_us - 1, FC_MARK_GO, 0.0);
    assert_int_equal(hints.profile[FC_MARK_GO].marks, 2);

    /* What was said an hour ago says nothing of now. */
    fc_hint_init(&hints, 60 * (int64_t)S);
    for (int32_t i = 0; i < 4; i++) {
        fc_hint_learn(&hints, i * 2 * hour_us, 100.0F);
        fc_hint_mark(&hints, i * 2 * hour_us, FC_MARK_GO, 0.0);
        for (int32_t k = 0; k < 63; k++)
            fc_hint_learn(&hints, i * 2 * hour_us + k * 60 * (int64_t)S, 100.0F);
    }
    assert_true(fc_hint_value(&hints, 7 * hour_us, 1.0F, &w, &scale));
    assert_false(fc_hint_value(&hints, 7 * hour_us + 1, 1.0F, &w, &scale));
}

/* A phase that is announced ends what steps say when it begins, and steps after it speak again. */
static void steps_speak_again_after_a_phase(void **state)
{
    (void)state;
    struct fc_hints hints;
    const struct fc_hint_profile *p = &hints.profile[FC_MARK_STEP];
    int64_t now_us;
    float w, scale;

    fc_hint_init(&hints, S);
    now_us = teach(&hints, 12);
    fc_hint_mark(&hints, now_us + 7 * S, FC_MARK_STOP, 0.0);
    assert_true(fc_hint_value(&hints, now_us + 6 * S, 1.0F, &w, &scale)); /* it is yet to begin */
    assert_false(fc_hint_value(&hints, now_us + 7 * S, 1.0F, &w, &scale));
    for (int32_t s = 0; s < 30; s++)
        fc_hint_learn(&hints, now_us + s * S, 70.0F);
    fc_hint_mark(&hints, now_us + 30 * S, FC_MARK_GO, 0.0);
    assert_false(fc_hint_value(&hints, now_us + 36 * S, 1.0F, &w, &scale));
    fc_hint_mark(&hints, now_us + 30 * S, FC_MARK_STEP, 0.0);
    assert_true(fc_hint_value(&hints, now_us + 36 * S, 1.0F, &w, &scale));
    NEAR(p->every_us, 10.0 * S); /* the time between was no step */
    fc_hint_mark(&hints, now_us + 38 * S, FC_MARK_STEP, 0.0);
    NEAR(p->every_us, 9.5 * S); /* but this one is, although it began with the phase */
    fc_hint_mark(&hints, now_us + 50 * S, FC_MARK_STOP, 0.0);
    fc_hint_mark(&hints, now_us + 90 * S, FC_MARK_STOP, 0.0);
    assert_int_equal(hints.cut_us, now_us + 90 * S);
    assert_int_equal(hints.cut_before_us, now_us + 50 * S);
}

static void a_queue_is_a_value_not_a_mark(void **state)
{
    (void)state;
    struct fc_hints hints;

    fc_hint_init(&hints, S);
    assert_int_equal(hints.queue_us, INT64_MIN);
    fc_hint_mark(&hints, 3 * S, FC_MARK_QUEUE, 1e9); /* too many to be true */
    fc_hint_mark(&hints, 3 * S, FC_MARK_QUEUE, (double)NAN);
    assert_int_equal(hints.queue_us, INT64_MIN);
    fc_hint_mark(&hints, 4 * S, FC_MARK_QUEUE, 50.0);
    assert_int_equal(hints.queue_us, 4 * S);
    NEAR(hints.queue, 50.0);
    NEAR(hints.queue_slow, 0.0);
    fc_hint_learn(&hints, 5 * S, 100.0F); /* a fiftieth a sample */
    NEAR(hints.queue_slow, 1.0);
    fc_hint_learn(&hints, 6 * S, 100.0F);
    NEAR(hints.queue_slow, 1.98);
    for (int32_t k = 0; k < FC_HINT_KINDS; k++)
        assert_int_equal(hints.profile[k].marks, 0);
}

/* Of marks that are all announced and yet to come none says anything of the time before. */
static void what_is_only_announced_says_nothing_of_now(void **state)
{
    (void)state;
    struct fc_hints hints;
    int64_t now_us;
    float w, scale;

    fc_hint_init(&hints, S);
    now_us = teach(&hints, 12);
    fc_hint_mark(&hints, now_us + 10 * S, FC_MARK_STEP, 0.0);
    fc_hint_mark(&hints, now_us + 20 * S, FC_MARK_STEP, 0.0); /* two are known: the last, the one before */
    assert_false(fc_hint_value(&hints, now_us + 6 * S, 1.0F, &w, &scale));
    assert_true(fc_hint_value(&hints, now_us + 10 * S, 1.0F, &w, &scale)); /* this one has come */
    assert_true(fc_hint_value(&hints, now_us + 16 * S, 1.0F, &w, &scale));
    assert_float_equal(w, 100.0, 1.0);
}

/* A phase ends what steps say, and nothing else: what followed other marks follows them still. */
static void a_phase_leaves_what_other_marks_say(void **state)
{
    (void)state;
    struct fc_hints hints;
    int64_t at_us = 0;
    float w, scale;

    fc_hint_init(&hints, S);
    for (int32_t i = 0; i < 5; i++) { /* after a phase 50 W for 2 s, then 100 W */
        fc_hint_mark(&hints, at_us, FC_MARK_GO, 0.0);
        for (int32_t s = 0; s < 10; s++, at_us += S)
            fc_hint_learn(&hints, at_us, step_w(at_us));
    }
    fc_hint_mark(&hints, at_us, FC_MARK_GO, 0.0);
    fc_hint_mark(&hints, at_us + 3 * S, FC_MARK_START, 0.0); /* nothing is known of that one */
    assert_true(fc_hint_value(&hints, at_us + 6 * S, 1.0F, &w, &scale));
    assert_float_equal(w, 100.0, 1.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_marks_there_is_nothing_to_say),
        cmocka_unit_test(what_followed_a_step_follows_the_next),
        cmocka_unit_test(a_phase_ends_what_steps_say),
        cmocka_unit_test(an_announced_mark_leaves_the_last_in_force_until_it_comes),
        cmocka_unit_test(senseless_marks_are_unsure),
        cmocka_unit_test(bad_marks_are_harmless),
        cmocka_unit_test(the_pace_follows_slowly_and_knows_how_even_it_is),
        cmocka_unit_test(another_pace_is_taken_when_the_old_one_fails_again_and_again),
        cmocka_unit_test(the_first_marks_count_however_uneven),
        cmocka_unit_test(places_fit_the_step),
        cmocka_unit_test(a_profile_is_a_mean_and_knows_how_sure_it_is),
        cmocka_unit_test(the_seldomer_of_two_places_says_how_sure_both_are),
        cmocka_unit_test(profiles_end),
        cmocka_unit_test(the_surer_of_two_kinds_counts_more),
        cmocka_unit_test(a_mark_said_twice_counts_once),
        cmocka_unit_test(marks_of_another_hour_are_dropped),
        cmocka_unit_test(steps_speak_again_after_a_phase),
        cmocka_unit_test(a_queue_is_a_value_not_a_mark),
        cmocka_unit_test(what_is_only_announced_says_nothing_of_now),
        cmocka_unit_test(a_phase_leaves_what_other_marks_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
