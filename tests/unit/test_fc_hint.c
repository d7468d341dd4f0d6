/* SPDX-License-Identifier: Apache-2.0 */
/* What power does after a mark: learnt from a few, told again at the right moment,
 * and never taken further than it reaches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_marks_there_is_nothing_to_say),
        cmocka_unit_test(what_followed_a_step_follows_the_next),
        cmocka_unit_test(a_phase_ends_what_steps_say),
        cmocka_unit_test(an_announced_mark_leaves_the_last_in_force_until_it_comes),
        cmocka_unit_test(senseless_marks_are_unsure),
        cmocka_unit_test(bad_marks_are_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
