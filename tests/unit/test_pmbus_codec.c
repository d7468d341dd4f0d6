/* SPDX-License-Identifier: Apache-2.0 */
/* test_pmbus_codec.c: PMBus numbers against values worked out by hand, both ways. */
#include "field/pmbus_codec.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define assert_near(value, wanted, most) assert_true(fabs((value) - (wanted)) <= (most))

struct vector {
    uint16_t raw;
    double value;
};

/* N in the top five bits, Y in the rest: worked out with pencil and paper. */
static const struct vector linear11[] = {
    { 0x0000, 0.0 },      { 0x0001, 1.0 },        { 0x03FF, 1023.0 },     { 0x07FF, -1.0 },
    { 0x0400, -1024.0 },  { 0xF801, 0.5 },        { 0xF320, 200.0 },      { 0xEB20, 100.0 },
    { 0xD3C0, 15.0 },     { 0x1339, 3300.0 },     { 0x0BE8, 2000.0 },     { 0x7BFF, 33521664.0 },
    { 0x8001, 1.0 / 65536.0 },
};

static void linear11_decodes_known_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof linear11 / sizeof linear11[0]; i++)
        assert_true(pmbus_codec_linear11(linear11[i].raw) == linear11[i].value);
}

static void linear11_encodes_with_the_finest_exponent_and_never_above(void **state)
{
    (void)state;
    for (double value = -1200.0; value < 40000.0; value += 0.377) {
        uint16_t raw = 0;
        double back;

        assert_int_equal(pmbus_codec_to_linear11(value, &raw), ST_OK);
        back = pmbus_codec_linear11(raw);
        assert_true(back <= value + 1e-3);
        assert_true(value - back <= fabs(value) / 512.0 + 1e-4);
    }
}

static void linear11_keeps_each_value_it_can_hold(void **state)
{
    (void)state;
    for (uint32_t raw = 0; raw <= UINT16_MAX; raw++) {
        uint16_t back = 0;
        double value = pmbus_codec_linear11((uint16_t)raw);

        assert_int_equal(pmbus_codec_to_linear11(value, &back), ST_OK);
        assert_true(pmbus_codec_linear11(back) == value);
    }
}

static void numbers_out_of_range_are_refused(void **state)
{
    uint16_t raw = 0x1234;

    (void)state;
    assert_int_equal(pmbus_codec_to_linear11(33554432.0, &raw), ST_RANGE);
    assert_int_equal(pmbus_codec_to_linear11(-33554433.0 * 2, &raw), ST_RANGE);
    assert_int_equal(pmbus_codec_to_linear11(NAN, &raw), ST_RANGE);
    assert_int_equal(pmbus_codec_to_linear11(INFINITY, &raw), ST_RANGE);
    assert_int_equal(pmbus_codec_to_ulinear16(-0.01, -9, &raw), ST_RANGE);
    assert_int_equal(pmbus_codec_to_ulinear16(128.0, -9, &raw), ST_RANGE);
    assert_int_equal(pmbus_codec_to_ulinear16(NAN, -9, &raw), ST_RANGE);
    assert_int_equal(raw, 0x1234);
}

static void ulinear16_takes_its_exponent_from_vout_mode(void **state)
{
    int32_t exponent = 0;
    uint16_t raw = 0;

    (void)state;
    exponent = pmbus_codec_vout_mode(0x17).exponent;
    assert_int_equal(exponent, -9);
    assert_true(pmbus_codec_ulinear16(0x6580, exponent) == 50.75);
    assert_int_equal(pmbus_codec_to_ulinear16(50.75, exponent, &raw), ST_OK);
    assert_int_equal(raw, 0x6580);
    assert_int_equal(pmbus_codec_to_ulinear16(50.7519, exponent, &raw), ST_OK);
    assert_int_equal(raw, 0x6580); /* down */
    assert_int_equal(pmbus_codec_vout_mode(0x04).exponent, 4);
}

static void a_vout_mode_says_format_exponent_and_whether_limits_are_ratios(void **state)
{
    struct pmbus_codec_vout_mode mode = pmbus_codec_vout_mode(0x17);

    (void)state;
    assert_true(mode.format == PMBUS_CODEC_LINEAR16 && mode.exponent == -9 && !mode.relative);
    mode = pmbus_codec_vout_mode(0x97);
    assert_true(mode.format == PMBUS_CODEC_LINEAR16 && mode.exponent == -9 && mode.relative);
    assert_true(pmbus_codec_vout_mode(0x21).format == PMBUS_CODEC_VID);
    assert_true(pmbus_codec_vout_mode(0x40).format == PMBUS_CODEC_DIRECT);
    assert_true(pmbus_codec_vout_mode(0x60).format == PMBUS_CODEC_HALF);
    assert_true(pmbus_codec_is_relative(0x40) && pmbus_codec_is_relative(0x25) && pmbus_codec_is_relative(0x5F));
    assert_false(pmbus_codec_is_relative(0x21) || pmbus_codec_is_relative(0x8B) || pmbus_codec_is_relative(0x22) ||
                 pmbus_codec_is_relative(0x24) || pmbus_codec_is_relative(0x2B));
}

static void slinear16_is_signed(void **state)
{
    uint16_t raw = 0;

    (void)state;
    assert_true(pmbus_codec_slinear16(0xFF00, -9) == -0.5);
    assert_true(pmbus_codec_slinear16(0x0100, -9) == 0.5);
    assert_int_equal(pmbus_codec_to_slinear16(-0.5, -9, &raw), ST_OK);
    assert_int_equal(raw, 0xFF00);
    assert_int_equal(pmbus_codec_to_slinear16(-0.5001, -9, &raw), ST_OK);
    assert_int_equal(raw, 0xFEFF); /* down */
    assert_int_equal(pmbus_codec_to_slinear16(64.0, -9, &raw), ST_RANGE);
    assert_int_equal(pmbus_codec_to_slinear16(-64.0, -9, &raw), ST_OK);
    assert_int_equal(raw, 0x8000);
}

/* An ADM1272 by its data sheet, table 10 ff.: 60 V range m 6770, b 0, R -2; current in its
 * 15 mV range over 1 mOhm m 1326, b 20480, R -1; temperature m 42, b 31871, R -1. */
static void direct_is_a_line_through_two_coefficients(void **state)
{
    static const struct row_direct volts = { .m = 6770, .b = 0, .r = -2 }, amps = { .m = 1326, .b = 20480, .r = -1 },
                                   celsius = { .m = 42, .b = 31871, .r = -1 }, none = { .m = 0 };
    uint16_t raw = 0;

    (void)state;
    assert_near(pmbus_codec_direct(0x0CB1, &volts), 324900.0 / 6770, 1e-9); /* 3249: 47.99 V */
    assert_near(pmbus_codec_direct(0x0800, &amps), 0.0, 1e-9);              /* 2048 is zero  */
    assert_near(pmbus_codec_direct(0x0D23, &amps), 13150.0 / 1326, 1e-9);   /* 3363: 9.92 A  */
    assert_near(pmbus_codec_direct(0x0000, &amps), -20480.0 / 1326, 1e-9);
    assert_near(pmbus_codec_direct(0x0CDC, &celsius), 1049.0 / 42, 1e-9);   /* 3292: 24.98 C */
    assert_near(pmbus_codec_direct(0xFFFF, &volts), -100.0 / 6770, 1e-9);   /* Y is signed   */
    assert_true(isnan(pmbus_codec_direct(0x0CB1, &none)));
    assert_int_equal(pmbus_codec_to_direct(48.0, &volts, &raw), ST_OK);
    assert_int_equal(raw, 3249); /* 3249.6, down */
    assert_int_equal(pmbus_codec_to_direct(-5.0, &amps, &raw), ST_OK);
    assert_int_equal(raw, 1385); /* 1385.0 */
    assert_int_equal(pmbus_codec_to_direct(1000.0, &volts, &raw), ST_RANGE);
    assert_int_equal(pmbus_codec_to_direct(NAN, &volts, &raw), ST_RANGE);
    assert_int_equal(pmbus_codec_to_direct(1.0, &none, &raw), ST_RANGE);
}

static void a_negative_slope_rounds_the_other_way(void **state)
{
    static const struct row_direct falling = { .m = -10, .b = 0, .r = 0 };
    uint16_t raw = 0;

    (void)state;
    assert_int_equal(pmbus_codec_to_direct(4.99, &falling, &raw), ST_OK);
    assert_int_equal((int16_t)raw, -49); /* 4.9, not 5.0 */
}

static void coefficients_come_with_the_low_byte_first(void **state)
{
    struct row_direct direct = { .m = 7 };

    (void)state;
    assert_int_equal(pmbus_codec_coefficients((const uint8_t *)"\x72\x1A\x00\x00\xFE", 5, &direct), ST_OK);
    assert_true(direct.m == 6770 && direct.b == 0 && direct.r == -2);
    assert_int_equal(pmbus_codec_coefficients((const uint8_t *)"\xF6\xFF\x7F\x80\x03", 5, &direct), ST_OK);
    assert_true(direct.m == -10 && direct.b == -32641 && direct.r == 3);
    assert_int_equal(pmbus_codec_coefficients((const uint8_t *)"\x00\x00\x01\x00\x00", 5, &direct), ST_RANGE);
    assert_int_equal(pmbus_codec_coefficients((const uint8_t *)"\x01\x00\x01\x00", 4, &direct), ST_CORRUPT);
    assert_true(direct.m == -10);
}

static void half_decodes_known_words(void **state)
{
    static const struct vector halves[] = {
        { 0x0000, 0.0 },  { 0x3C00, 1.0 },   { 0xC000, -2.0 },           { 0x3555, 0.333251953125 }, { 0x5260, 51.0 },
        { 0x6BD0, 4000.0 }, { 0x7BFF, 65504.0 }, { 0x0001, 1.0 / 16777216 }, { 0x0400, 1.0 / 16384 },   { 0x03FF, 1023.0 / 16777216 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof halves / sizeof *halves; i++)
        assert_true(pmbus_codec_half(halves[i].raw) == halves[i].value);
    assert_true(isinf(pmbus_codec_half(0x7C00)) && isnan(pmbus_codec_half(0x7E00)));
}

static void half_keeps_each_value_it_can_hold_and_rounds_down(void **state)
{
    uint16_t raw = 0;

    (void)state;
    for (uint32_t word = 0; word < 0xFC00u; word++) {
        if ((word & 0x7C00u) == 0x7C00u)
            continue;
        assert_int_equal(pmbus_codec_to_half(pmbus_codec_half((uint16_t)word), &raw), ST_OK);
        assert_true(pmbus_codec_half(raw) == pmbus_codec_half((uint16_t)word));
    }
    for (double value = -70.0; value < 5000.0; value += 0.373) {
        assert_int_equal(pmbus_codec_to_half(value, &raw), ST_OK);
        assert_true(pmbus_codec_half(raw) <= value + 1e-4 && value - pmbus_codec_half(raw) <= fabs(value) / 1000 + 1e-6);
    }
    assert_int_equal(pmbus_codec_to_half(65520.0, &raw), ST_RANGE);
    assert_int_equal(pmbus_codec_to_half(NAN, &raw), ST_RANGE);
}

static void pec_is_the_smbus_crc(void **state)
{
    /* the check value of CRC-8 with polynomial 0x07 from zero */
    const char *check = "123456789";
    uint8_t whole[] = { 0xB4, 0x20, 0xB5, 0x17 };
    uint8_t crc;

    (void)state;
    assert_int_equal(pmbus_codec_pec(0, (const uint8_t *)check, strlen(check)), 0xF4);
    assert_int_equal(pmbus_codec_pec(0, whole, 0), 0);
    crc = pmbus_codec_pec(0, whole, sizeof whole);
    assert_int_equal(pmbus_codec_pec(pmbus_codec_pec(0, whole, 2), whole + 2, 2), crc);
    assert_int_equal(pmbus_codec_pec(crc, &crc, 1), 0); /* what every receiver checks */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear11_decodes_known_words),
        cmocka_unit_test(linear11_encodes_with_the_finest_exponent_and_never_above),
        cmocka_unit_test(linear11_keeps_each_value_it_can_hold),
        cmocka_unit_test(numbers_out_of_range_are_refused),
        cmocka_unit_test(ulinear16_takes_its_exponent_from_vout_mode),
        cmocka_unit_test(a_vout_mode_says_format_exponent_and_whether_limits_are_ratios),
        cmocka_unit_test(slinear16_is_signed),
        cmocka_unit_test(direct_is_a_line_through_two_coefficients),
        cmocka_unit_test(a_negative_slope_rounds_the_other_way),
        cmocka_unit_test(coefficients_come_with_the_low_byte_first),
        cmocka_unit_test(half_decodes_known_words),
        cmocka_unit_test(half_keeps_each_value_it_can_hold_and_rounds_down),
        cmocka_unit_test(pec_is_the_smbus_crc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
