/* SPDX-License-Identifier: Apache-2.0 */
/* Earlier moments that look like now: they are whole periods of a periodic load,
 * and what followed them is what follows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "core/fc_template.h"

#define SIZE 256

struct rig {
    struct fc_ring ring;
    float value[2 * SIZE], top[SIZE / FC_RING_GROUP], diff[FC_TEMPLATE_SPEEDS * SIZE], cost[SIZE];
    struct fc_template like;
};

static void rig_start(struct rig *r, float w)
{
    memset(r, 0, sizeof *r);
    r->ring.size = SIZE;
    fc_ring_fill(&r->ring, r->value, r->top, w);
}

static void rig_put(struct rig *r, float w)
{
    fc_template_learn(&r->ring, r->value, r->diff, w);
    fc_ring_put(&r->ring, r->value, r->top, w);
}

static void rig_pick(struct rig *r, int32_t steps)
{
    struct fc_template *like = &r->like;

    struct fc_template_ask ask = {
        .floor = 1e-6F, .since = SIZE, .most = FC_TEMPLATE_MAX, .count = 1, .steps = &steps
    };

    fc_template_pick(&r->ring, r->diff, r->cost, &ask, &like);
}

static float square(int32_t n, int32_t period)
{
    return n % period < period / 2 ? 100.0F : 20.0F;
}

static void the_differences_are_means_of_squares(void **state)
{
    (void)state;
    struct rig r;

    rig_start(&r, 0.0F);
    for (int32_t n = 0; n < 4000; n++)
        rig_put(&r, n % 2 ? 1.0F : -1.0F);
    /* One apart they differ by 2, two apart not at all. */
    for (int32_t s = 0; s < FC_TEMPLATE_SPEEDS; s++) {
        assert_float_equal(r.diff[s * SIZE + 0], 4.0, 1e-3);
        assert_float_equal(r.diff[s * SIZE + 1], 0.0, 1e-3);
        assert_float_equal(r.diff[s * SIZE + 2], 4.0, 1e-3);
    }
}

static void a_square_wave_is_foretold_exactly(void **state)
{
    (void)state;
    struct rig r;

    rig_start(&r, 20.0F);
    for (int32_t n = 0; n < 400; n++)
        rig_put(&r, square(n, 40));
    for (int32_t n = 400; n < 480; n++) {
        rig_put(&r, square(n, 40));
        for (int32_t steps = 1; steps <= 100; steps += 11) {
            rig_pick(&r, steps);
            assert_true(r.like.count > 0);
            assert_int_equal(r.like.lag[0] % 40, 0);
            assert_float_equal(fc_template_value(&r.like, &r.ring, r.value, steps), square(n + steps, 40),
                               1e-3);
        }
    }
}

static void its_peak_is_the_highest_on_the_way(void **state)
{
    (void)state;
    struct rig r;

    rig_start(&r, 20.0F);
    for (int32_t n = 0; n < 400; n++)
        rig_put(&r, square(n, 40));
    rig_put(&r, square(400, 40)); /* on */
    for (int32_t n = 401; n < 421; n++)
        rig_put(&r, square(n, 40)); /* n = 420: off, for 19 more */
    rig_pick(&r, 10);
    assert_float_equal(fc_template_peak(&r.like, &r.ring, r.value, r.top, 10), 20.0, 1e-3);
    rig_pick(&r, 25);
    assert_float_equal(fc_template_peak(&r.like, &r.ring, r.value, r.top, 25), 100.0, 1e-3);
    /* A sample early or late, and the edge is in. */
    rig_pick(&r, 19);
    assert_float_equal(fc_template_peak(&r.like, &r.ring, r.value, r.top, 19), 20.0, 1e-3);
    assert_float_equal(fc_template_highest(&r.like, &r.ring, r.value, r.top, 19, 2), 100.0, 1e-3);
}

static void the_period_is_the_shortest_one(void **state)
{
    (void)state;
    struct rig r;

    rig_start(&r, 20.0F);
    for (int32_t n = 0; n < 1000; n++)
        rig_put(&r, square(n, 24));
    rig_pick(&r, 1);
    assert_int_equal(fc_template_period(&r.ring, r.cost), 24);
}

static void noise_has_no_period(void **state)
{
    (void)state;
    struct rig r;
    uint32_t seed = 9;

    rig_start(&r, 0.0F);
    for (int32_t n = 0; n < 2000; n++) {
        seed = seed * 1664525U + 1013904223U;
        rig_put(&r, (float)(seed >> 16));
    }
    rig_pick(&r, 1);
    assert_int_equal(fc_template_period(&r.ring, r.cost), 0);
    assert_false(fc_template_tells(&r.ring, r.diff, r.like.lag[0], SIZE));
}

static void a_shape_tells_and_a_level_is_flat(void **state)
{
    (void)state;
    struct rig r;

    rig_start(&r, 20.0F);
    for (int32_t n = 0; n < 1000; n++)
        rig_put(&r, square(n, 24));
    rig_pick(&r, 1);
    assert_true(fc_template_tells(&r.ring, r.diff, r.like.lag[0], SIZE));
    assert_false(fc_template_flat(&r.ring, r.diff, SIZE, 1.0F));
    for (int32_t n = 0; n < 4000; n++)
        rig_put(&r, 50.0F);
    assert_true(fc_template_flat(&r.ring, r.diff, SIZE, 1.0F));
}

/* Cycles of 38 to 42: what counts is when this one began. */
static void an_early_cycle_shifts_what_comes_after_it(void **state)
{
    (void)state;
    struct rig r;
    uint32_t seed = 3;
    int32_t wrong = 0, asked = 0;

    rig_start(&r, 20.0F);
    for (int32_t cycle = 0; cycle < 60; cycle++) {
        int32_t length;

        seed = seed * 1664525U + 1013904223U;
        length = 38 + (int32_t)(seed >> 16) % 5;
        for (int32_t n = 0; n < length; n++) {
            rig_put(&r, n < 20 ? 100.0F : 20.0F);
            if (cycle < 10 || n < 4 || n > 14)
                continue;
            rig_pick(&r, 10); /* still on, or off since a while: known from the edge alone */
            asked++;
            wrong += fabsf(fc_template_value(&r.like, &r.ring, r.value, 10) -
                           (n + 10 < 20 ? 100.0F : 20.0F)) > 1.0F;
        }
    }
    assert_true(wrong * 20 < asked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_differences_are_means_of_squares),
        cmocka_unit_test(a_square_wave_is_foretold_exactly),
        cmocka_unit_test(its_peak_is_the_highest_on_the_way),
        cmocka_unit_test(the_period_is_the_shortest_one),
        cmocka_unit_test(noise_has_no_period),
        cmocka_unit_test(a_shape_tells_and_a_level_is_flat),
        cmocka_unit_test(an_early_cycle_shifts_what_comes_after_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
