/* SPDX-License-Identifier: Apache-2.0 */
/* test_pmi_codec.c: Modbus requests from bytes, and answers as bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "busbar/mbframe.h"
#include "operator/pmi_codec.h"

/* Bytes of "11 03 00 6B ..." ; with `crc` two more. */
static size_t bytes_of(const char *hex, bool crc, uint8_t *ret)
{
    size_t size = 0;
    char *end;

    for (const char *at = hex; *at; at = end)
        ret[size++] = (uint8_t)strtoul(at, &end, 16);
    if (crc) {
        uint16_t sum = mbframe_crc(ret, size);

        ret[size++] = (uint8_t)(sum & 0xFF);
        ret[size++] = (uint8_t)(sum >> 8);
    }
    return size;
}

static struct pmi_request request_of(enum pmi_framing framing, const char *hex)
{
    struct pmi_request request;
    uint8_t bytes[300];
    size_t size = bytes_of(hex, framing == PMI_RTU, bytes);

    if (pmi_codec_request(framing, bytes, size, &request) != PMI_DONE)
        fail_msg("%s is no request", hex);
    assert_int_equal(request.used, size);
    return request;
}

/* The example of the Modbus specification: unit 0x11 reads 0x6B, 3 registers. */
static void a_read_is_read_from_either_framing(void **state)
{
    struct pmi_request request = request_of(PMI_RTU, "11 03 00 6B 00 03");

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(request.unit, 0x11);
        assert_int_equal(request.function, 3);
        assert_int_equal(request.address, 0x6B);
        assert_int_equal(request.count, 3);
        assert_int_equal(request.wrong, PMI_FINE);
        assert_false(request.write);
        request = request_of(PMI_TCP, "12 34 00 00 00 06 11 03 00 6B 00 03");
    }
    assert_int_equal(request.transaction, 0x1234);
}

static void writes_carry_their_words(void **state)
{
    struct pmi_request request = request_of(PMI_TCP, "00 01 00 00 00 06 01 06 40 45 AB CD");

    (void)state;
    assert_true(request.write);
    assert_int_equal(request.count, 1);
    assert_int_equal(request.words[0], 0xABCD);
    request = request_of(PMI_RTU, "01 10 40 46 00 02 04 00 01 86 A0");
    assert_int_equal(request.count, 2);
    assert_int_equal(request.words[0], 1);
    assert_int_equal(request.words[1], 0x86A0);
}

static void what_is_wrong_is_answered_with_its_exception(void **state)
{
    static const struct {
        const char *hex;
        enum pmi_exception wrong;
    } cases[] = {
        { "00 00 00 00 00 06 01 03 00 00 00 00", PMI_ILLEGAL_VALUE },
        { "00 00 00 00 00 06 01 03 00 00 00 7E", PMI_ILLEGAL_VALUE },
        { "00 00 00 00 00 06 01 03 FF FF 00 02", PMI_ILLEGAL_ADDRESS },
        { "00 00 00 00 00 06 01 03 FF FF 00 01", PMI_FINE },
        { "00 00 00 00 00 03 01 03 00", PMI_ILLEGAL_VALUE },
        { "00 00 00 00 00 07 01 03 00 00 00 01 00", PMI_ILLEGAL_VALUE },
        { "00 00 00 00 00 02 01 07", PMI_ILLEGAL_FUNCTION },
        { "00 00 00 00 00 06 01 05 00 00 FF 00", PMI_ILLEGAL_FUNCTION },
        { "00 00 00 00 00 09 01 10 00 00 00 01 02 00 05", PMI_FINE },
        { "00 00 00 00 00 09 01 10 00 00 00 01 03 00 05", PMI_ILLEGAL_VALUE },
        { "00 00 00 00 00 09 01 10 00 00 00 02 04 00 05", PMI_ILLEGAL_VALUE },
        { "00 00 00 00 00 07 01 10 00 00 00 00 00", PMI_ILLEGAL_VALUE },
        { "00 00 00 00 00 07 01 10 00 00 FF FF FE", PMI_ILLEGAL_VALUE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (request_of(PMI_TCP, cases[i].hex).wrong != cases[i].wrong)
            fail_msg("%s", cases[i].hex);
}

static void a_request_in_pieces_is_waited_for(void **state)
{
    uint8_t tcp[64], rtu[64];
    size_t tcp_size = bytes_of("00 01 00 00 00 09 01 10 00 00 00 01 02 00 05", false, tcp);
    size_t rtu_size = bytes_of("01 10 00 00 00 01 02 00 05", true, rtu);
    struct pmi_request request;

    (void)state;
    for (size_t i = 0; i < tcp_size; i++)
        assert_int_equal(pmi_codec_request(PMI_TCP, tcp, i, &request), PMI_MORE);
    for (size_t i = 0; i < rtu_size; i++)
        assert_int_equal(pmi_codec_request(PMI_RTU, rtu, i, &request), PMI_MORE);
}

static void what_is_not_modbus_on_tcp_is_broken(void **state)
{
    static const char *const wrong[] = { "00 00 00 01 00 06 01 03 00 00 00 01",
                                         "00 00 00 00 00 01 01 03 00 00 00 01",
                                         "00 00 00 00 00 FF 01 03 00 00 00 01",
                                         "47 45 54 20 2F 20 48 54 54 50" };
    struct pmi_request request;
    uint8_t bytes[64];

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(pmi_codec_request(PMI_TCP, bytes, bytes_of(wrong[i], false, bytes), &request),
                         PMI_BROKEN);
}

/* Noise, another unit's answer and a broken frame before ours. */
static void a_serial_line_finds_the_request_in_the_noise(void **state)
{
    uint8_t bytes[128];
    struct pmi_request request;
    size_t size = 0, at = 0, found = 0;
    enum pmi_state st;

    (void)state;
    size += bytes_of("00 FF 03", false, bytes + size);
    size += bytes_of("22 03 04 00 01 00 02", true, bytes + size);
    size += bytes_of("11 03 00 6B 00 03", true, bytes + size);
    bytes[size - 1] ^= 1;
    size += bytes_of("11 06 40 45 00 01", true, bytes + size);
    while ((st = pmi_codec_request(PMI_RTU, bytes + at, size - at, &request)) != PMI_MORE) {
        if (st == PMI_DONE) {
            assert_int_equal(request.unit, 0x11);
            assert_int_equal(request.function, 6);
            found++;
        }
        at += request.used;
    }
    assert_int_equal(found, 1);
    assert_int_equal(at, size);
}

static void a_function_that_is_not_known_is_told_after_a_silence(void **state)
{
    struct pmi_request request;
    uint8_t bytes[64];
    size_t size = bytes_of("11 2B 0E 01 00", true, bytes);

    (void)state;
    assert_true(pmi_codec_unknown(bytes, size, &request));
    assert_int_equal(request.wrong, PMI_ILLEGAL_FUNCTION);
    assert_int_equal(request.unit, 0x11);
    bytes[0] ^= 1;
    assert_false(pmi_codec_unknown(bytes, size, &request));
    size = bytes_of("11 83 02", true, bytes); /* somebody's exception is no request */
    assert_false(pmi_codec_unknown(bytes, size, &request));
    assert_false(pmi_codec_unknown(bytes, 3, &request));
}

static void answers_are_what_the_specification_says(void **state)
{
    static const uint16_t words[] = { 0x022B, 0, 0x64 };
    struct pmi_request request = request_of(PMI_RTU, "11 03 00 6B 00 03");
    uint8_t to[PMI_FRAME_MAX], expected[64];

    (void)state;
    assert_int_equal(pmi_codec_read(PMI_RTU, &request, words, to),
                     bytes_of("11 03 06 02 2B 00 00 00 64", true, expected));
    assert_memory_equal(to, expected, 11);
    assert_int_equal(pmi_codec_refuse(PMI_RTU, &request, PMI_ILLEGAL_ADDRESS, to),
                     bytes_of("11 83 02", true, expected));
    assert_memory_equal(to, expected, 5);
    request = request_of(PMI_TCP, "12 34 00 00 00 09 11 10 00 01 00 01 02 00 0A");
    assert_int_equal(pmi_codec_written(PMI_TCP, &request, to),
                     bytes_of("12 34 00 00 00 06 11 10 00 01 00 01", false, expected));
    assert_memory_equal(to, expected, 12);
    request = request_of(PMI_TCP, "12 34 00 00 00 06 11 06 00 01 00 03");
    assert_int_equal(pmi_codec_written(PMI_TCP, &request, to),
                     bytes_of("12 34 00 00 00 06 11 06 00 01 00 03", false, expected));
    assert_memory_equal(to, expected, 12);
}

static void the_longest_read_fits_a_frame(void **state)
{
    struct pmi_request request = request_of(PMI_TCP, "00 01 00 00 00 06 11 03 00 00 00 7D");
    uint16_t words[PMI_READ_MAX] = { 0 };
    uint8_t to[PMI_FRAME_MAX];

    (void)state;
    assert_int_equal(pmi_codec_read(PMI_TCP, &request, words, to), 7 + 2 + 250);
    assert_int_equal(pmi_codec_read(PMI_RTU, &request, words, to), 1 + 2 + 250 + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_read_is_read_from_either_framing),
        cmocka_unit_test(writes_carry_their_words),
        cmocka_unit_test(what_is_wrong_is_answered_with_its_exception),
        cmocka_unit_test(a_request_in_pieces_is_waited_for),
        cmocka_unit_test(what_is_not_modbus_on_tcp_is_broken),
        cmocka_unit_test(a_serial_line_finds_the_request_in_the_noise),
        cmocka_unit_test(a_function_that_is_not_known_is_told_after_a_silence),
        cmocka_unit_test(answers_are_what_the_specification_says),
        cmocka_unit_test(the_longest_read_fits_a_frame),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
