/* SPDX-License-Identifier: Apache-2.0 */
/* test_pmbus_energy.c: counters that wrap, by hand. */
#include "field/pmbus_energy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define assert_near(value, wanted, most) assert_true(fabs((value) - (wanted)) <= (most))

static const struct pmbus_energy_scale plain = { .wrap = 32768, .scale = 1, .power_max_w = 30000 };

static enum status step(struct pmbus_energy *e, const struct pmbus_energy_scale *scale, uint32_t accumulator,
                        uint32_t rollover, uint32_t samples, int64_t at_us)
{
    struct pmbus_energy_count now = {
        .accumulator = (uint16_t)accumulator,
        .rollover = (uint8_t)rollover,
        .samples = samples & 0xFFFFFFu,
    };

    return pmbus_energy_step(e, scale, &now, at_us);
}

static void six_bytes_come_with_the_low_one_first(void **state)
{
    struct pmbus_energy_count count = { .samples = 7 };

    (void)state;
    assert_int_equal(pmbus_energy_parse((const uint8_t *)"\x34\x12\x56\xBC\x9A\x78", 6, &count), ST_OK);
    assert_int_equal(count.accumulator, 0x1234);
    assert_int_equal(count.rollover, 0x56);
    assert_int_equal(count.samples, 0x789ABC);
    assert_int_equal(pmbus_energy_parse((const uint8_t *)"\x34\x12\x56\xBC\x9A", 5, &count), ST_CORRUPT);
    assert_int_equal(count.rollover, 0x56);
}

static void the_mean_is_the_difference_over_the_samples(void **state)
{
    struct pmbus_energy e = { .known = false };

    (void)state;
    assert_int_equal(step(&e, &plain, 100, 3, 50, 1000000), ST_NONE);
    assert_true(e.joules == 0.0);
    /* 10 samples of 3000 W are 30000 counts; 10 ms at 3000 W are 30 J */
    assert_int_equal(step(&e, &plain, 30100, 3, 60, 1010000), ST_OK);
    assert_true(e.mean_w == 3000.0);
    assert_near(e.joules, 30.0, 1e-9);
    assert_int_equal(step(&e, &plain, 30100 + 30000 - 32768, 4, 70, 1020000), ST_OK);
    assert_true(e.mean_w == 3000.0);
    assert_near(e.joules, 60.0, 1e-9);
}

static void each_counter_may_go_round_once(void **state)
{
    struct pmbus_energy e = { .known = false };

    (void)state;
    assert_int_equal(step(&e, &plain, 32000, 255, 0xFFFFFE, 0), ST_NONE);
    /* 768 + 232 = 1000 counts up to 232 of roll-over 0; samples to 3 are 5 */
    assert_int_equal(step(&e, &plain, 232, 0, 3, 5000), ST_OK);
    assert_true(e.mean_w == 200.0);
}

static void the_other_wrap_is_twice_as_much(void **state)
{
    struct pmbus_energy_scale scale = plain;
    struct pmbus_energy e = { .known = false };

    (void)state;
    scale.wrap = 65536;
    assert_int_equal(step(&e, &scale, 65000, 1, 0, 0), ST_NONE);
    assert_int_equal(step(&e, &scale, 464, 2, 10, 10000), ST_OK); /* 536 + 464 */
    assert_true(e.mean_w == 100.0);
    /* an accumulator beyond 15 bits contradicts a wrap at 15 */
    assert_int_equal(step(&e, &plain, 40000, 2, 20, 20000), ST_RANGE);
    assert_int_equal(step(&e, &plain, 100, 2, 30, 30000), ST_NONE);
}

static void direct_coefficients_make_watts_of_counts(void **state)
{
    /* an ADM1272, 60 V and 30 mV ranges, 1 mOhm: m 17561, b 0, R -3 */
    struct pmbus_energy_scale scale = {
        .wrap = 32768, .direct = { .m = 17561, .b = 0, .r = -3 }, .scale = 1, .power_max_w = 30000
    };
    struct pmbus_energy e = { .known = false };

    (void)state;
    assert_int_equal(step(&e, &scale, 0, 0, 0, 0), ST_NONE);
    assert_int_equal(step(&e, &scale, 17561, 0, 10, 10000), ST_OK); /* 1756.1 a sample */
    assert_near(e.mean_w, 100.0, 1e-9);
    scale.scale = 0.5;
    assert_int_equal(step(&e, &scale, 17561 + 4390, 0, 15, 20000), ST_OK);
    assert_near(e.mean_w, 0.5 * 878.0 * 1000 / 17561, 1e-9);
}

static void no_new_sample_is_no_news(void **state)
{
    struct pmbus_energy e = { .known = false };

    (void)state;
    assert_int_equal(step(&e, &plain, 100, 0, 50, 0), ST_NONE);
    assert_int_equal(step(&e, &plain, 100, 0, 50, 1000), ST_STALE);
    assert_int_equal(step(&e, &plain, 600, 0, 51, 2000), ST_OK); /* over the whole time */
    assert_true(e.mean_w == 500.0);
    assert_near(e.joules, 1.0, 1e-9);
    assert_int_equal(step(&e, &plain, 700, 0, 51, 3000), ST_RANGE); /* energy without samples */
}

/* 256 * 32768 counts over 280 samples are 29959 W: below what may be, so once round is as
 * likely as not at all. Over 279 it is 30066 W. */
static void what_may_have_gone_round_unseen_is_refused(void **state)
{
    struct pmbus_energy e = { .known = false };

    (void)state;
    assert_int_equal(step(&e, &plain, 0, 0, 0, 0), ST_NONE);
    assert_int_equal(step(&e, &plain, 5000, 0, 280, 280000), ST_RANGE);
    assert_true(isnan(e.mean_w) && e.joules == 0.0);
    assert_int_equal(step(&e, &plain, 5000 + 2790, 0, 280 + 279, 559000), ST_OK); /* compared with that one */
    assert_true(e.mean_w == 10.0);
}

/* A sample each microsecond: 24 bits are 16.8 s. */
static void so_may_the_samples(void **state)
{
    struct pmbus_energy_scale scale = { .wrap = 65536,
                                        .scale = 1e6,
                                        .power_max_w = 30000 }; /* a count is a megawatt */
    struct pmbus_energy e = { .known = false };

    (void)state;
    assert_int_equal(step(&e, &scale, 0, 0, 0, 0), ST_NONE);
    assert_int_equal(step(&e, &scale, 1000, 0, 1000000, 1000000), ST_OK);
    assert_true(e.mean_w == 1000.0);
    assert_int_equal(step(&e, &scale, 2000, 0, 2000000, 20000000), ST_RANGE);
    assert_int_equal(step(&e, &scale, 3000, 0, 3000000, 21000000), ST_OK);
}

static void counters_that_start_anew_are_not_believed(void **state)
{
    struct pmbus_energy e = { .known = false };

    (void)state;
    assert_int_equal(step(&e, &plain, 20000, 9, 70000, 0), ST_NONE);
    /* after a reset the sum goes back: once round less that, over few samples */
    assert_int_equal(step(&e, &plain, 0, 0, 70010, 10000), ST_RANGE);
    assert_int_equal(step(&e, &plain, 100, 0, 70020, 20000), ST_OK);
    assert_true(e.mean_w == 10.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(six_bytes_come_with_the_low_one_first),
        cmocka_unit_test(the_mean_is_the_difference_over_the_samples),
        cmocka_unit_test(each_counter_may_go_round_once),
        cmocka_unit_test(the_other_wrap_is_twice_as_much),
        cmocka_unit_test(direct_coefficients_make_watts_of_counts),
        cmocka_unit_test(no_new_sample_is_no_news),
        cmocka_unit_test(what_may_have_gone_round_unseen_is_refused),
        cmocka_unit_test(so_may_the_samples),
        cmocka_unit_test(counters_that_start_anew_are_not_believed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
