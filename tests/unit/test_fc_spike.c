/* SPDX-License-Identifier: Apache-2.0 */
/* How likely a spike is: counted by what came before, told by a queue, and not
 * believed for longer than it was right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <fenv.h>

#include "busbar/fc.h"
#include "core/fc_spike.h"

#define GRID_US 100000
#define AFTER   3 /* samples from a prompt's arrival to its power */

static void a_cell_tells_the_share_that_it_saw(void **state)
{
    struct fc_spike spike = { .all = 0.0F };
    int32_t calm[1] = { 0 }, risen[1] = { 7 };

    (void)state;
    assert_float_equal(fc_spike_chance(&spike, 3), 0.0F, 1e-6);
    for (int32_t i = 0; i < 1000; i++) {
        fc_spike_learn(&spike, calm, 1, i % 100 == 0);
        fc_spike_learn(&spike, risen, 1, i % 4 != 0);
    }
    assert_float_equal(fc_spike_chance(&spike, 0), 0.01F, 0.03F);
    assert_float_equal(fc_spike_chance(&spike, 7), 0.75F, 0.05F);
    assert_float_equal(fc_spike_chance(&spike, -1), 0.0F, 1e-6);
    for (int32_t i = 0; i < 1000; i++)
        fc_spike_learn(&spike, risen, 1, false);
    assert_true(fc_spike_chance(&spike, 7) < 0.05F); /* what was long ago fades */
}

static void every_sample_has_a_cell_of_its_own_kind(void **state)
{
    static const float odd[] = { -1e30F, -1.0F, 0.0F, 0.5F, 1e30F };
    bool seen[FC_SPIKE_OWN] = { false };

    (void)state;
    for (size_t a = 0; a < sizeof odd / sizeof odd[0]; a++)
        for (size_t b = 0; b < sizeof odd / sizeof odd[0]; b++) {
            int32_t cell = fc_spike_own(odd[a], odd[b]);

            assert_in_range((uintmax_t)cell, 0, FC_SPIKE_OWN - 1);
            seen[cell] = true;
        }
    assert_true(seen[0] && seen[FC_SPIKE_OWN - 1]);
    assert_int_not_equal(fc_spike_own(0.5F, 1.5F), fc_spike_own(0.5F, 0.5F));
}

static void a_queue_is_told_by_how_long_it_has_been_so(void **state)
{
    struct fc_hints hints;
    int32_t before, cell, last;

    (void)state;
    fc_hint_init(&hints, GRID_US);
    hints.now_us = 10 * GRID_US;
    assert_int_equal(fc_spike_told(&hints, hints.now_us), -1);
    fc_hint_mark(&hints, 10 * GRID_US, FC_MARK_RUNNING, 2.0);
    fc_hint_mark(&hints, 10 * GRID_US, FC_MARK_QUEUE, 0.0);
    assert_int_equal(fc_spike_told(&hints, 10 * GRID_US), -1); /* since when is not known */
    fc_hint_mark(&hints, 11 * GRID_US, FC_MARK_QUEUE, 1.0);
    before = fc_spike_told(&hints, 11 * GRID_US);
    assert_in_range((uintmax_t)before, FC_SPIKE_OWN, FC_SPIKE_CELLS - 1);
    last = before;
    for (int64_t i = 1; i < 60; i++) {
        cell = fc_spike_told(&hints, 11 * GRID_US + i * GRID_US / 2);
        assert_in_range((uintmax_t)cell, (uintmax_t)last, FC_SPIKE_CELLS - 1);
        last = cell;
    }
    assert_true(last > before + 8);
    fc_hint_mark(&hints, 12 * GRID_US, FC_MARK_QUEUE, 3.0); /* more of them: not another time */
    assert_int_equal(fc_spike_told(&hints, 11 * GRID_US), before);
    fc_hint_mark(&hints, 12 * GRID_US, FC_MARK_RUNNING, 0.0);
    assert_int_not_equal(fc_spike_told(&hints, 11 * GRID_US), before);
    fc_hint_mark(&hints, 13 * GRID_US, FC_MARK_QUEUE, 0.0);
    assert_true(fc_spike_told(&hints, 13 * GRID_US) > before);
    /* a page that nobody reads any more says nothing */
    assert_int_equal(fc_spike_told(&hints, 213 * GRID_US), -1);
}

static void counts_of_another_time_change_nothing(void **state)
{
    struct fc_hints hints;

    (void)state;
    fc_hint_init(&hints, GRID_US);
    hints.now_us = 100 * GRID_US;
    fc_hint_mark(&hints, 99 * GRID_US, FC_MARK_QUEUE, 0.0);
    fc_hint_mark(&hints, 100 * GRID_US, FC_MARK_QUEUE, 1.0);
    fc_hint_mark(&hints, 1000 * GRID_US, FC_MARK_QUEUE, 0.0); /* far ahead: would hide all to come */
    assert_float_equal(hints.queue, 1.0F, 1e-6);
    fc_hint_mark(&hints, 98 * GRID_US, FC_MARK_QUEUE, 0.0); /* older than what is known */
    assert_float_equal(hints.queue, 1.0F, 1e-6);
    assert_int_equal(hints.turned_us, 100 * GRID_US);
}

/* Prompts at random; power rises AFTER samples after each for two samples. Hints are
 * told, or tell nonsense from `false_from` on. Counts alarms of the second half. */
struct counts {
    int32_t right, wrong, missed;
};

static struct counts play(bool told, int32_t samples, int32_t false_from)
{
    struct fc_options opt = {
        .kind = FC_GPU, .grid_us = GRID_US, .horizon_count = 1, .horizon_us = { GRID_US }, .event_w = 140.0
    };
    struct fc *fc = malloc(fc_size(&opt));
    struct counts counts = { 0 };
    struct fc_forecast f;
    uint32_t dice = 12345;
    int32_t since = 1000;
    bool alarm = false;
    double before_w = 0.0;

    assert_non_null(fc);
    fc_init(fc, &opt);
    for (int32_t i = 0; i < samples; i++) {
        int64_t at_us = (int64_t)(i + 1) * GRID_US;
        double w;

        dice = dice * 1664525u + 1013904223u;
        since = dice >> 26 == 0 && since > AFTER + 8 ? 0 : since + 1;
        w = 1050.0 + (dice >> 20) % 8 + (since >= AFTER && since < AFTER + 2 ? 350.0 : 0.0);
        if (i > samples / 2) {
            counts.right += alarm && w > before_w + 140.0;
            counts.wrong += alarm && !(w > before_w + 140.0);
            counts.missed += !alarm && w > before_w + 140.0;
        }
        if (told) {
            double waiting = i < false_from ? (since < AFTER ? 1.0 : 0.0) : (double)((dice >> 10) % 2);

            fc_hint(fc, at_us, FC_MARK_RUNNING, 4.0);
            fc_hint(fc, at_us, FC_MARK_QUEUE, waiting);
        }
        fc_put(fc, at_us, w, 1e9);
        fc_get(fc, at_us, &f);
        alarm = f.ahead[0].alarm != 0;
        before_w = w;
    }
    free(fc);
    return counts;
}

static void a_queue_foretells_what_power_alone_does_not(void **state)
{
    struct counts alone = play(false, 20000, 0), told = play(true, 20000, 20000);

    (void)state;
    assert_true(alone.missed > 80 && alone.right < 10);
    assert_true(told.right > 80 && told.missed < 10 && told.wrong < 10);
}

static void a_queue_that_lies_is_soon_not_heard(void **state)
{
    struct counts always = play(true, 20000, 0), turned = play(true, 20000, 10000);

    (void)state;
    assert_true(always.wrong < 10);
    assert_true(turned.wrong < 60); /* after it had been right 80 times in a row */
}

/* Half a day without one at 10 Hz. */
static void counts_do_not_fade_into_slow_floats(void **state)
{
    struct fc_spike spike = { .all = 0.0F };
    int32_t calm[1] = { 0 };

    (void)state;
    fc_spike_learn(&spike, calm, 1, true);
    (void)feclearexcept(FE_ALL_EXCEPT);
    for (int32_t i = 0; i < 600000; i++)
        fc_spike_learn(&spike, calm, 1, false);
    assert_false(fetestexcept(FE_UNDERFLOW));
    assert_true(fc_spike_chance(&spike, 0) < 1e-6F);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cell_tells_the_share_that_it_saw),
        cmocka_unit_test(every_sample_has_a_cell_of_its_own_kind),
        cmocka_unit_test(a_queue_is_told_by_how_long_it_has_been_so),
        cmocka_unit_test(counts_of_another_time_change_nothing),
        cmocka_unit_test(a_queue_foretells_what_power_alone_does_not),
        cmocka_unit_test(a_queue_that_lies_is_soon_not_heard),
        cmocka_unit_test(counts_do_not_fade_into_slow_floats),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
