/* SPDX-License-Identifier: Apache-2.0 */
/* test_reglat.c: a wait for an answer is as long as the device is slow. */
#include "field/reglat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MS 1000

static const struct reglat_bounds bounds = { .least_us = 70 * MS, .most_us = 300 * MS };

static void answers(struct reglat *lat, int32_t count, int64_t own_us)
{
    for (int32_t i = 0; i < count; i++)
        reglat_add(lat, own_us + 9 * MS, 9 * MS);
}

static void an_unknown_device_gets_the_longest_wait(void **state)
{
    struct reglat lat = { .count = 0 };

    (void)state;
    assert_int_equal(reglat_wait_us(&lat, &bounds, 9 * MS), 309 * MS);
    answers(&lat, REGLAT_LEAST - 1, 5 * MS);
    assert_int_equal(reglat_wait_us(&lat, &bounds, 9 * MS), 309 * MS);
    answers(&lat, 1, 5 * MS);
    assert_int_equal(reglat_wait_us(&lat, &bounds, 9 * MS), 79 * MS);
}

/* One that is silent is only asked whether it is there: three answers tell how long that takes. */
static void a_few_answers_are_enough_for_a_probe(void **state)
{
    struct reglat_bounds probe = { .least_us = 70 * MS, .most_us = 300 * MS, .few = true };
    struct reglat lat = { .count = 0 };

    (void)state;
    assert_int_equal(reglat_wait_us(&lat, &probe, 9 * MS), 309 * MS);
    answers(&lat, 2, 5 * MS);
    answers(&lat, 1, 100 * MS);
    assert_int_equal(reglat_wait_us(&lat, &probe, 9 * MS), 159 * MS);
    assert_int_equal(reglat_wait_us(&lat, &bounds, 9 * MS), 309 * MS);
}

/* The measured figures of a rack controller: median 30 ms, one in fifty 66 ms. */
static void the_wait_is_the_99th_percentile_and_half_of_it(void **state)
{
    struct reglat lat = { .count = 0 };

    (void)state;
    for (int32_t i = 0; i < 200; i++)
        reglat_add(&lat, i % 50 == 0 ? 66 * MS : 30 * MS, 0);
    assert_int_equal(reglat_wait_us(&lat, &bounds, 0), 99 * MS);
}

static void one_answer_in_two_hundred_does_not_count(void **state)
{
    struct reglat lat = { .count = 0 };

    (void)state;
    for (int32_t i = 0; i < 256; i++)
        reglat_add(&lat, i == 100 ? 250 * MS : 30 * MS, 0);
    assert_int_equal(reglat_wait_us(&lat, &bounds, 0), 70 * MS);
}

static void the_wire_is_not_the_device(void **state)
{
    struct reglat lat = { .count = 0 };

    (void)state;
    for (int32_t i = 0; i < 64; i++)
        reglat_add(&lat, 150 * MS, 145 * MS); /* a long read at 19200 baud */
    assert_int_equal(reglat_wait_us(&lat, &bounds, 3 * MS), 73 * MS);
}

static void a_device_that_gets_slower_is_waited_for(void **state)
{
    struct reglat lat = { .count = 0 };

    (void)state;
    answers(&lat, 256, 30 * MS);
    assert_int_equal(reglat_wait_us(&lat, &bounds, 0), 70 * MS);
    answers(&lat, 4, 100 * MS); /* four of the last 256 are over one in a hundred */
    assert_int_equal(reglat_wait_us(&lat, &bounds, 0), 150 * MS);
    answers(&lat, 256, 250 * MS);
    assert_int_equal(reglat_wait_us(&lat, &bounds, 0), 300 * MS); /* the bound */
    answers(&lat, 272, 5 * MS);
    assert_int_equal(reglat_wait_us(&lat, &bounds, 0), 70 * MS);
}

static void a_swapped_device_is_learned_anew(void **state)
{
    struct reglat lat = { .count = 0 };

    (void)state;
    answers(&lat, 256, 5 * MS);
    reglat_forget(&lat);
    assert_int_equal(reglat_wait_us(&lat, &bounds, 0), 300 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_device_gets_the_longest_wait),
        cmocka_unit_test(a_few_answers_are_enough_for_a_probe),
        cmocka_unit_test(the_wait_is_the_99th_percentile_and_half_of_it),
        cmocka_unit_test(one_answer_in_two_hundred_does_not_count),
        cmocka_unit_test(the_wire_is_not_the_device),
        cmocka_unit_test(a_device_that_gets_slower_is_waited_for),
        cmocka_unit_test(a_swapped_device_is_learned_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
