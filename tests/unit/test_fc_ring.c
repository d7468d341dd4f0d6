/* SPDX-License-Identifier: Apache-2.0 */
/* The ring of samples: newest first, in one piece, with maxima over any part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/fc_ring.h"

#define SIZE 64

struct rig {
    struct fc_ring ring;
    float value[2 * SIZE], top[SIZE / FC_RING_GROUP];
};

static void rig_fill(struct rig *r, float w)
{
    r->ring = (struct fc_ring){ .size = SIZE };
    fc_ring_fill(&r->ring, r->value, r->top, w);
}

static void the_past_before_the_first_sample_is_like_it(void **state)
{
    (void)state;
    struct rig r;

    rig_fill(&r, 7.0F);
    for (int32_t age = 0; age < SIZE; age++)
        assert_float_equal(fc_ring_at(&r.ring, r.value, age), 7.0F, 0.0);
    assert_float_equal(fc_ring_top(&r.ring, r.value, r.top, 0, SIZE - 1), 7.0F, 0.0);
}

static void samples_come_back_by_their_age(void **state)
{
    (void)state;
    struct rig r;

    rig_fill(&r, 0.0F);
    for (int32_t n = 0; n < 1000; n++) {
        fc_ring_put(&r.ring, r.value, r.top, (float)n);
        for (int32_t age = 0; age < SIZE && age <= n; age++)
            assert_float_equal(fc_ring_at(&r.ring, r.value, age), (float)(n - age), 0.0);
    }
    assert_int_equal(r.ring.count, 1000);
}

/* Against a plain search, over every part of rings in every position. */
static void the_highest_of_any_part_is_what_a_search_finds(void **state)
{
    (void)state;
    struct rig r;
    uint32_t seed = 5;

    rig_fill(&r, 0.0F);
    for (int32_t n = 0; n < 3 * SIZE + 5; n++) {
        seed = seed * 1664525U + 1013904223U;
        fc_ring_put(&r.ring, r.value, r.top, (float)(seed >> 20));
        for (int32_t young = 0; young < SIZE; young += 3)
            for (int32_t old = young; old < SIZE; old += 2) {
                float most = fc_ring_at(&r.ring, r.value, young);

                for (int32_t age = young; age <= old; age++)
                    most =
                        fc_ring_at(&r.ring, r.value, age) > most ? fc_ring_at(&r.ring, r.value, age) : most;
                assert_float_equal(fc_ring_top(&r.ring, r.value, r.top, young, old), most, 0.0);
            }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_past_before_the_first_sample_is_like_it),
        cmocka_unit_test(samples_come_back_by_their_age),
        cmocka_unit_test(the_highest_of_any_part_is_what_a_search_finds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
