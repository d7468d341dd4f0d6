/* SPDX-License-Identifier: Apache-2.0 */
/* test_regmap.c: raw words to values and back, by rows; what a row forbids is refused. */
#include "field/regmap.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct profile_row row_of(enum row_type type, double scale, enum signal signal)
{
    return (struct profile_row){
        .address = 0x67,
        .command = ROW_NONE,
        .type = type,
        .scale = scale,
        .signal = signal,
        .writable = true,
        .write = { .min = -1e12, .max = 1e12, .gate = ROW_NONE, .enable = ROW_NONE, .timeout = ROW_NONE },
    };
}

static double decoded(const struct profile_row *row, const uint16_t *words)
{
    double value = NAN;

    assert_int_equal(regmap_decode(row, words, -9, &value), ST_OK);
    return value;
}

static void each_type_decodes(void **state)
{
    struct profile_row u16 = row_of(ROW_U16, 1.0 / 1024, SIGNAL_PSU_OUTPUT_V);
    struct profile_row s16 = row_of(ROW_S16, 0.01, SIGNAL_BBU_PACK_A);
    struct profile_row u32 = row_of(ROW_U32, 1, SIGNAL_DEVICE_CLOCK_S);
    struct profile_row s32 = row_of(ROW_S32, 0.001, SIGNAL_BBU_PACK_A);
    struct profile_row u64 = row_of(ROW_U64, 1, SIGNAL_GPU_ENERGY_J);
    struct profile_row f32 = row_of(ROW_F32, 1, SIGNAL_PSU_OUTPUT_V);
    struct profile_row u8 = row_of(ROW_U8, 1, SIGNAL_PSU_STATUS_VOUT);
    struct profile_row l11 = row_of(ROW_LINEAR11, 1, SIGNAL_PSU_INPUT_W);
    struct profile_row l16 = row_of(ROW_ULINEAR16, 1, SIGNAL_PSU_OUTPUT_V);

    (void)state;
    assert_true(decoded(&u16, (const uint16_t[]){ 51200 }) == 50.0);
    assert_true(fabs(decoded(&s16, (const uint16_t[]){ 0xFF9C }) - -1.0) < 1e-12);
    assert_true(decoded(&u32, (const uint16_t[]){ 0x6738, 0x1234 }) == 1731727924.0);
    assert_true(fabs(decoded(&s32, (const uint16_t[]){ 0xFFFF, 0xFC18 }) - -1.0) < 1e-12);
    assert_true(decoded(&u64, (const uint16_t[]){ 0, 1, 0, 2 }) == 4294967298.0);
    assert_true(decoded(&f32, (const uint16_t[]){ 0x4256, 0x0000 }) == 53.5);
    assert_true(decoded(&u8, (const uint16_t[]){ 0x80 }) == 128.0);
    assert_true(decoded(&l11, (const uint16_t[]){ 0x1339 }) == 3300.0);
    assert_true(decoded(&l16, (const uint16_t[]){ 0x6580 }) == 50.75);
}

static void kelvin_becomes_celsius_by_scale_and_offset(void **state)
{
    struct profile_row row = row_of(ROW_U16, 0.1, SIGNAL_BBU_TEMP_C);

    (void)state;
    row.offset = -273.15;
    assert_true(fabs(decoded(&row, (const uint16_t[]){ 2981 }) - 24.95) < 1e-9);
}

static void word_orders_differ(void **state)
{
    struct profile_row row = row_of(ROW_U32, 1, SIGNAL_DEVICE_CLOCK_S);

    (void)state;
    assert_true(decoded(&row, (const uint16_t[]){ 0x0102, 0x0304 }) == 0x01020304);
    row.order = ROW_LOW_WORD_FIRST;
    assert_true(decoded(&row, (const uint16_t[]){ 0x0102, 0x0304 }) == 0x03040102);
    row.order = ROW_BYTE_SWAPPED;
    assert_true(decoded(&row, (const uint16_t[]){ 0x0102, 0x0304 }) == 0x02010403);
}

static void implausible_values_are_refused(void **state)
{
    struct profile_row volts = row_of(ROW_U16, 0.01, SIGNAL_PSU_OUTPUT_V);
    struct profile_row f32 = row_of(ROW_F32, 1, SIGNAL_PSU_OUTPUT_V);
    struct profile_row l16 = row_of(ROW_ULINEAR16, 1, SIGNAL_PSU_OUTPUT_V);
    double value = 1.25;

    (void)state;
    assert_int_equal(regmap_decode(&volts, (const uint16_t[]){ 0xFFFF }, 0, &value), ST_RANGE);
    assert_int_equal(regmap_decode(&f32, (const uint16_t[]){ 0x7FC0, 0 }, 0, &value), ST_ABSENT); /* "not there" */
    assert_int_equal(regmap_decode(&f32, (const uint16_t[]){ 0xFF80, 0 }, 0, &value), ST_RANGE);
    assert_int_equal(regmap_decode(&f32, (const uint16_t[]){ 0xBF80, 0 }, 0, &value), ST_RANGE); /* -1 V */
    assert_int_equal(regmap_decode(&l16, (const uint16_t[]){ 1 }, REGMAP_NO_EXPONENT, &value), ST_RANGE);
    assert_true(value == 1.25);
}

static void texts_are_trimmed_and_made_printable(void **state)
{
    struct profile_row row = row_of(ROW_TEXT, 1, SIGNAL_DEVICE_MODEL);
    char text[9];

    (void)state;
    row.text_bytes = 8;
    assert_int_equal(regmap_words(&row), 4);
    regmap_text(&row, (const uint16_t[]){ 0x4142, 0x0743, 0x2020, 0x0000 }, text, sizeof text);
    assert_string_equal(text, "AB?C");
    regmap_text(&row, (const uint16_t[]){ 0x4142, 0x4344, 0x4546, 0x4748 }, text, 4);
    assert_string_equal(text, "ABC");
    row.order = ROW_BYTE_SWAPPED;
    regmap_text(&row, (const uint16_t[]){ 0x4241, 0x4443, 0xFFFF, 0xFFFF }, text, sizeof text);
    assert_string_equal(text, "ABCD");
    row.text_bytes = 3;
    row.order = ROW_HIGH_WORD_FIRST;
    regmap_text(&row, (const uint16_t[]){ 0x4142, 0x4344 }, text, sizeof text);
    assert_string_equal(text, "ABC");
}

static void bits_are_a_field_of_their_word(void **state)
{
    struct profile_row row = row_of(ROW_U16, 1, SIGNAL_BBU_MODE);

    (void)state;
    row.bit_first = 8;
    row.bit_count = 4;
    assert_true(decoded(&row, (const uint16_t[]){ 0xFA5F }) == 10.0);
}

static void a_bit_is_written_without_touching_its_neighbours(void **state)
{
    struct profile_row row = row_of(ROW_U16, 1, SIGNAL_PSU_WRITE_ENABLE);
    uint16_t word = 0xCA00; /* b14 and b15 clear faults and cycle power */
    struct regmap_raw field;

    (void)state;
    row.bit_count = 1;
    assert_int_equal(regmap_encode(&row, 1.0, 0, &field), ST_OK);
    regmap_merge(&row, &field, 0xC000, &word);
    assert_int_equal(word, 0x0A01);
    assert_int_equal(regmap_encode(&row, 0.0, 0, &field), ST_OK);
    regmap_merge(&row, &field, 0xC000, &word);
    assert_int_equal(word, 0x0A00);
    row.bit_first = 14; /* one that clears itself, and is meant */
    assert_int_equal(regmap_encode(&row, 1.0, 0, &field), ST_OK);
    regmap_merge(&row, &field, 0xC000, &word);
    assert_int_equal(word, 0x4A00);
}

static void what_a_row_forbids_is_refused(void **state)
{
    struct profile_row row = row_of(ROW_U16, 1.0 / 1024, SIGNAL_PSU_OUTPUT_SETPOINT_V);
    struct regmap_raw raw = { .count = -1 };

    (void)state;
    row.write.min = 50.0;
    row.write.max = 51.5;
    assert_int_equal(regmap_encode(&row, 49.999, 0, &raw), ST_RANGE);
    assert_int_equal(regmap_encode(&row, 51.501, 0, &raw), ST_RANGE);
    assert_int_equal(regmap_encode(&row, NAN, 0, &raw), ST_RANGE);
    row.writable = false;
    assert_int_equal(regmap_encode(&row, 50.5, 0, &raw), ST_REFUSED);
    row.writable = true;
    row.table = ROW_INPUT;
    assert_int_equal(regmap_encode(&row, 50.5, 0, &raw), ST_REFUSED);
    row.table = ROW_HOLDING;
    assert_int_equal(raw.count, -1);
    assert_int_equal(regmap_encode(&row, 50.0, 0, &raw), ST_OK);
    assert_int_equal(raw.words[0], 51200);
    /* putting back what was there knows the type's limits only */
    assert_int_equal(regmap_encode_any(&row, 48.0, 0, &raw), ST_OK);
    assert_int_equal(raw.words[0], 49152);
    assert_int_equal(regmap_encode_any(&row, 64.0, 0, &raw), ST_RANGE);
    assert_int_equal(regmap_encode_any(&row, -0.1, 0, &raw), ST_RANGE);
}

static void values_are_rounded_down_to_the_step(void **state)
{
    struct profile_row row = row_of(ROW_U16, 0.001, SIGNAL_BBU_CHARGE_LIMIT_A);
    struct regmap_raw raw;

    (void)state;
    row.write.min = 0.1;
    row.write.max = 6.0;
    assert_int_equal(regmap_encode(&row, 5.7, 0, &raw), ST_OK);
    assert_int_equal(raw.words[0], 5700);
    assert_int_equal(regmap_encode(&row, 5.6999, 0, &raw), ST_OK);
    assert_int_equal(raw.words[0], 5699);
    row.write.step = 0.5;
    assert_int_equal(regmap_encode(&row, 5.99, 0, &raw), ST_OK);
    assert_int_equal(raw.words[0], 5500);
    assert_int_equal(regmap_encode(&row, 0.3, 0, &raw), ST_RANGE); /* 0.0 is below the minimum */
    row.write.step = 0.1;
    assert_int_equal(regmap_encode(&row, 0.1, 0, &raw), ST_OK);
    assert_int_equal(raw.words[0], 100);
}

/* Whatever is written decodes to no more than was asked for, and to itself. */
static void a_value_goes_there_and_back(void **state)
{
    static const enum row_type types[] = { ROW_U8, ROW_U16, ROW_S16, ROW_U32, ROW_S32, ROW_F32, ROW_LINEAR11, ROW_ULINEAR16 };

    (void)state;
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        struct profile_row row = row_of(types[t], types[t] == ROW_ULINEAR16 ? 1.0 : 0.25, SIGNAL_PSU_OUTPUT_V);

        for (int order = 0; order <= ROW_BYTE_SWAPPED; order++) {
            row.order = (enum row_order)order;
            for (double value = 0.0; value < 60.0; value += 0.37) {
                struct regmap_raw raw, again;
                double back;

                assert_int_equal(regmap_encode_any(&row, value, -9, &raw), ST_OK);
                back = decoded(&row, raw.words);
                assert_true(back <= value + 1e-6 && value - back <= 0.25);
                assert_true(regmap_same(&row, back, &row, back, -9));
                assert_int_equal(regmap_encode_any(&row, back, -9, &again), ST_OK);
                assert_memory_equal(raw.words, again.words, (size_t)raw.count * sizeof raw.words[0]);
            }
        }
    }
}

static void same_means_the_nearest_the_rows_can_show(void **state)
{
    struct profile_row fine = row_of(ROW_U16, 1.0 / 1024, SIGNAL_PSU_OUTPUT_SETPOINT_V);
    struct profile_row coarse = row_of(ROW_U16, 0.1, SIGNAL_PSU_OUTPUT_V);
    struct profile_row l11 = row_of(ROW_LINEAR11, 1, SIGNAL_PSU_INPUT_WARN_W);

    (void)state;
    assert_true(regmap_same(&fine, 50.0, &fine, 50.0, 0));
    assert_false(regmap_same(&fine, 50.0, &fine, 50.0 + 1.0 / 1024, 0));
    assert_true(regmap_same(&fine, 50.04, &coarse, 50.0, 0));
    assert_false(regmap_same(&fine, 50.06, &coarse, 50.0, 0));
    assert_true(regmap_same(&l11, 3300.0, &l11, 3301.0, 0)); /* a step is 4 W there */
    assert_false(regmap_same(&l11, 3300.0, &l11, 3304.0, 0));
}

/* Quirk 10: alarms that are 0 when they are on. */
static void bits_of_either_polarity(void **state)
{
    struct profile_row word = row_of(ROW_U16, 1, SIGNAL_PSU_PFC_ALARMS), bit = row_of(ROW_U16, 1, SIGNAL_PSU_WRITE_ENABLE);
    struct regmap_raw raw;
    uint16_t current = 0xFFFF;

    (void)state;
    word.inverted = bit.inverted = bit.writable = true;
    bit.bit_first = 3;
    bit.bit_count = 1;
    bit.write.max = 1;
    assert_true(decoded(&word, (const uint16_t[]){ 0xFFFE }) == 1.0);
    assert_true(decoded(&bit, (const uint16_t[]){ 0xFFF7 }) == 1.0);
    assert_true(decoded(&bit, (const uint16_t[]){ 0x0008 }) == 0.0);
    assert_int_equal(regmap_encode(&bit, 1, 0, &raw), ST_OK);
    regmap_merge(&bit, &raw, 0, &current);
    assert_int_equal(current, 0xFFF7); /* its neighbours as they were */
    assert_int_equal(regmap_encode(&bit, 0, 0, &raw), ST_OK);
    regmap_merge(&bit, &raw, 0, &current);
    assert_int_equal(current, 0xFFFF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_decodes),
        cmocka_unit_test(kelvin_becomes_celsius_by_scale_and_offset),
        cmocka_unit_test(word_orders_differ),
        cmocka_unit_test(implausible_values_are_refused),
        cmocka_unit_test(texts_are_trimmed_and_made_printable),
        cmocka_unit_test(bits_are_a_field_of_their_word),
        cmocka_unit_test(bits_of_either_polarity),
        cmocka_unit_test(a_bit_is_written_without_touching_its_neighbours),
        cmocka_unit_test(what_a_row_forbids_is_refused),
        cmocka_unit_test(values_are_rounded_down_to_the_step),
        cmocka_unit_test(a_value_goes_there_and_back),
        cmocka_unit_test(same_means_the_nearest_the_rows_can_show),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
