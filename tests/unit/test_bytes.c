/* SPDX-License-Identifier: Apache-2.0 */
/* test_bytes.c: structs to bytes and back, by their tables. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "busbar/bytes.h"
#include "busbar/record.h"

struct sample {
    bool flag;
    int32_t small;
    int64_t large;
    double number;
    struct {
        double w;
        int32_t n;
    } pairs[3];
};

static const struct bytes_field sample_fields[] = {
    BYTES_ONE(struct sample, flag, BYTES_BOOL),
    BYTES_ONE(struct sample, small, BYTES_32),
    BYTES_ONE(struct sample, large, BYTES_64),
    BYTES_ONE(struct sample, number, BYTES_F64),
    BYTES_MANY(struct sample, pairs[0].n, BYTES_32, 3, sizeof(double) * 2),
};

static const struct sample sample_one = {
    .flag = true, .small = -2, .large = INT64_MIN + 1, .number = -0.0,
    .pairs = { { .n = 1 }, { .n = 2 }, { .n = -3 } },
};

static void what_is_written_is_read_back_bit_for_bit(void **state)
{
    unsigned char raw[64];
    struct bytes_writer writer = { .at = raw, .room = sizeof raw };
    struct sample back;
    uint32_t which;

    (void)state;
    memset(&back, 0, sizeof back);
    bytes_put_struct(&writer, BYTES_TABLE(sample_fields), &sample_one);
    assert_false(writer.full);
    assert_int_equal(writer.size, 1 + 4 + 8 + 8 + 12);
    assert_int_equal(writer.size, bytes_struct_size(BYTES_TABLE(sample_fields)));

    struct bytes_reader reader = { .at = raw, .left = writer.size };

    bytes_get_struct(&reader, BYTES_TABLE(sample_fields), &back);
    assert_false(reader.broken);
    assert_int_equal(reader.left, 0);
    assert_null(bytes_compare(BYTES_TABLE(sample_fields), &sample_one, &back, &which));
    assert_true(signbit(back.number));
    assert_int_equal(back.pairs[2].n, -3);
}

static void numbers_are_little_endian(void **state)
{
    unsigned char raw[12];
    struct bytes_writer writer = { .at = raw, .room = sizeof raw };

    (void)state;
    bytes_put_u32(&writer, 0x01020304u);
    bytes_put_u64(&writer, UINT64_C(0x1112131415161718));
    assert_int_equal(raw[0], 0x04);
    assert_int_equal(raw[3], 0x01);
    assert_int_equal(raw[4], 0x18);
    assert_int_equal(raw[11], 0x11);
}

static void a_full_writer_writes_nothing_more(void **state)
{
    unsigned char raw[6] = { 0 };
    struct bytes_writer writer = { .at = raw, .room = 5 };

    (void)state;
    bytes_put_u32(&writer, 1);
    bytes_put_u32(&writer, UINT32_MAX);
    assert_true(writer.full);
    bytes_put(&writer, "x", 1); /* would fit, but what follows a hole means nothing */
    assert_int_equal(writer.size, 4);
    assert_int_equal(raw[4], 0);
}

static void a_broken_reader_gives_zeros(void **state)
{
    static const unsigned char raw[] = { 1, 2, 3 };
    struct bytes_reader reader = { .at = raw, .left = sizeof raw };

    (void)state;
    assert_int_equal(bytes_get_u32(&reader), 0);
    assert_true(reader.broken);
    assert_null(bytes_get(&reader, 1));
}

static void a_text_longer_than_what_is_left_is_broken(void **state)
{
    unsigned char raw[16];
    struct bytes_writer writer = { .at = raw, .room = sizeof raw };
    char text[4];

    (void)state;
    bytes_put_text(&writer, "rack-17");

    struct bytes_reader reader = { .at = raw, .left = writer.size };

    bytes_get_text(&reader, text, sizeof text);
    assert_string_equal(text, "rac"); /* what fits */
    assert_false(reader.broken);
    reader = (struct bytes_reader){ .at = raw, .left = writer.size - 1 };
    bytes_get_text(&reader, text, sizeof text);
    assert_string_equal(text, "");
    assert_true(reader.broken);
}

static void a_flag_is_zero_or_one(void **state)
{
    unsigned char raw[64] = { 2 };
    struct bytes_reader reader = { .at = raw, .left = sizeof raw };
    struct sample back;

    (void)state;
    bytes_get_struct(&reader, BYTES_TABLE(sample_fields), &back);
    assert_true(reader.broken);
}

static void the_first_difference_is_named_and_explained(void **state)
{
    struct sample other = sample_one;
    const struct bytes_field *field;
    char text[64];
    uint32_t which = 0;

    (void)state;
    other.pairs[1].n = 7;
    field = bytes_compare(BYTES_TABLE(sample_fields), &sample_one, &other, &which);
    assert_non_null(field);
    assert_string_equal(field->name, "pairs[0].n");
    assert_int_equal(which, 1);
    bytes_explain(field, which, &other, text, sizeof text);
    assert_string_equal(text, "7");
    other = sample_one;
    other.number = 0.0; /* minus zero before */
    assert_ptr_equal(bytes_compare(BYTES_TABLE(sample_fields), &sample_one, &other, &which), &sample_fields[3]);
}

/* Members added to the core's structs must be added to the recording's tables too. */
static void the_tables_cover_the_structs(void **state)
{
    (void)state;
    assert_int_equal(bytes_struct_size(BYTES_TABLE(record_reading_fields)), sizeof(struct core_reading));
    assert_int_equal(bytes_struct_size(BYTES_TABLE(record_ack_fields)), sizeof(struct core_ack));
    assert_int_equal(bytes_struct_size(BYTES_TABLE(record_identity_fields)), sizeof(struct core_identity));
    assert_int_equal(bytes_struct_size(BYTES_TABLE(record_request_fields)), sizeof(struct core_request));
    assert_int_equal(bytes_struct_size(BYTES_TABLE(record_plan_node_fields)) + 4, sizeof(struct core_plan_node));
    assert_int_equal(bytes_struct_size(BYTES_TABLE(record_plan_group_fields)) + 4, sizeof(struct core_plan_group));
    assert_int_equal(bytes_struct_size(BYTES_TABLE(record_plan_lever_fields)) + 4, sizeof(struct core_plan_lever));
    /* beside what the compiler fills in: 4 bytes before a larger member, 7 after a flag */
    assert_int_equal(bytes_struct_size(BYTES_TABLE(record_node_fields)) + 15, sizeof(struct core_config_node));
    assert_int_equal(bytes_struct_size(BYTES_TABLE(record_point_fields)), sizeof(struct core_config_point));
    assert_int_equal(bytes_struct_size(BYTES_TABLE(record_lever_fields)) + 4 + 7, sizeof(struct core_config_lever));
    assert_int_equal(bytes_struct_size(BYTES_TABLE(record_hint_fields)) + 4, sizeof(struct core_hint));
    assert_int_equal(bytes_struct_size(BYTES_TABLE(record_source_fields)) + 11, sizeof(struct core_config_source));
    /* and pointers, which are not written */
    assert_int_equal(bytes_struct_size(BYTES_TABLE(record_config_fields)) + 16 + 4 * sizeof(void *),
                     sizeof(struct core_config));
    /* and the block's own layout: its size, room for groups and members, four offsets */
    assert_int_equal(bytes_struct_size(BYTES_TABLE(record_plan_fields)) + 62 + 5 * sizeof(size_t) + 2 * sizeof(int32_t),
                     sizeof(struct core_plan));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back_bit_for_bit),
        cmocka_unit_test(numbers_are_little_endian),
        cmocka_unit_test(a_full_writer_writes_nothing_more),
        cmocka_unit_test(a_broken_reader_gives_zeros),
        cmocka_unit_test(a_text_longer_than_what_is_left_is_broken),
        cmocka_unit_test(a_flag_is_zero_or_one),
        cmocka_unit_test(the_first_difference_is_named_and_explained),
        cmocka_unit_test(the_tables_cover_the_structs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
