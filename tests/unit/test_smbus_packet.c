/* SPDX-License-Identifier: Apache-2.0 */
/* test_smbus_packet.c: packets with codes worked out by hand. */
#include "field/smbus_packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* x^8 + x^2 + x + 1 over B4 20 B5 17, by long division: 0xE8. Over B4 03: 0x12. */
static void the_code_of_a_write_covers_address_and_command(void **state)
{
    (void)state;
    assert_int_equal(smbus_packet_code(0x5A, (const uint8_t *)"\x03", 1), 0x12);
}

static void a_byte_is_taken_with_its_code_and_not_without(void **state)
{
    struct smbus_transfer t = {
        .address = 0x5A, .pec = true, .write_count = 1, .write = { 0x20 }, .read_max = 1
    };

    (void)state;
    assert_int_equal(smbus_packet_room(&t), 2);
    assert_int_equal(smbus_packet_take(&t, (const uint8_t *)"\x17\xE8", 2), ST_OK);
    assert_int_equal(t.read_count, 1);
    assert_int_equal(t.read[0], 0x17);
    assert_int_equal(smbus_packet_take(&t, (const uint8_t *)"\x16\xE8", 2), ST_CORRUPT);
    assert_int_equal(smbus_packet_take(&t, (const uint8_t *)"\x17", 1), ST_CORRUPT);
    t.address = 0x5B; /* the same bytes of another device */
    assert_int_equal(smbus_packet_take(&t, (const uint8_t *)"\x17\xE8", 2), ST_CORRUPT);
}

static void a_block_ends_where_it_says(void **state)
{
    struct smbus_transfer t = {
        .address = 0x5A, .write_count = 1, .write = { 0x9E }, .block = true, .read_max = 40
    };
    uint8_t raw[41];

    (void)state;
    memset(raw, 0xFF, sizeof raw); /* what a released wire reads as */
    memcpy(raw,
           "\x03"
           "ABC",
           4);
    assert_int_equal(smbus_packet_room(&t), 41);
    assert_int_equal(smbus_packet_take(&t, raw, sizeof raw), ST_OK);
    assert_int_equal(t.read_count, 3);
    assert_memory_equal(t.read, "ABC", 3);
    raw[0] = 40;
    assert_int_equal(smbus_packet_take(&t, raw, sizeof raw), ST_OK);
    raw[0] = 41; /* more than there is room for */
    assert_int_equal(smbus_packet_take(&t, raw, sizeof raw), ST_CORRUPT);
    raw[0] = 3;
    assert_int_equal(smbus_packet_take(&t, raw, 3), ST_CORRUPT); /* cut off */
    assert_int_equal(smbus_packet_take(&t, raw, 0), ST_CORRUPT);
    raw[0] = 0;
    assert_int_equal(smbus_packet_take(&t, raw, 1), ST_OK); /* an unset serial number */
    assert_int_equal(t.read_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_code_of_a_write_covers_address_and_command),
        cmocka_unit_test(a_byte_is_taken_with_its_code_and_not_without),
        cmocka_unit_test(a_block_ends_where_it_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
