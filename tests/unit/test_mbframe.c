/* SPDX-License-Identifier: Apache-2.0 */
/* test_mbframe.c: Modbus frames against bytes from the specification and from other stacks. */
#include "busbar/mbframe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct mbframe_to rtu = { .kind = MBFRAME_RTU, .unit = 0x90 };
static const struct mbframe_to tcp = { .kind = MBFRAME_TCP, .transaction = 0x1234, .unit = 0x90 };

static enum mbframe_state feed(const struct mbframe_request *request, const uint8_t *bytes, size_t size,
                               struct mbframe_answer *ret)
{
    for (size_t n = 0; n < size; n++) /* it must know with the last byte, and not before */
        assert_int_equal(mbframe_answer(request, bytes, n, ret), MBFRAME_MORE);
    return mbframe_answer(request, bytes, size, ret);
}

static size_t with_crc(uint8_t *bytes, size_t size)
{
    uint16_t crc = mbframe_crc(bytes, size);

    bytes[size++] = (uint8_t)crc;
    bytes[size++] = (uint8_t)(crc >> 8);
    return size;
}

/* "02 07" has the checksum 0x1241, sent 41 12: Modbus over serial line, appendix B. */
static void the_checksum_is_the_standards(void **state)
{
    const uint8_t frame[] = { 0x02, 0x07, 0x41, 0x12 };

    (void)state;
    assert_int_equal(mbframe_crc(frame, 2), 0x1241);
    assert_int_equal(mbframe_crc(frame, 4), 0);
}

static void a_read_is_eight_bytes_on_a_serial_line(void **state)
{
    /* unit 0x11 asked for three registers from 0x006B; the checksum by hand elsewhere */
    const uint8_t wanted[] = { 0x11, 0x03, 0x00, 0x6B, 0x00, 0x03, 0x76, 0x87 };
    const struct mbframe_to to = { .kind = MBFRAME_RTU, .unit = 0x11 };
    struct mbframe_request request;

    (void)state;
    assert_int_equal(mbframe_read(&to, false, 0x6B, 3, &request), ST_OK);
    assert_int_equal(request.size, sizeof wanted);
    assert_memory_equal(request.bytes, wanted, sizeof wanted);
    assert_int_equal(mbframe_answer_size(&request), 11);
}

static void a_read_over_tcp_has_a_header_and_no_checksum(void **state)
{
    const uint8_t wanted[] = { 0x12, 0x34, 0, 0, 0, 6, 0x90, 0x04, 0x00, 0x6B, 0x00, 0x03 };
    struct mbframe_request request;

    (void)state;
    assert_int_equal(mbframe_read(&tcp, true, 0x6B, 3, &request), ST_OK);
    assert_int_equal(request.size, sizeof wanted);
    assert_memory_equal(request.bytes, wanted, sizeof wanted);
}

static void an_answer_gives_its_words(void **state)
{
    uint8_t bytes[16] = { 0x90, 0x03, 0x04, 0x12, 0x34, 0xFF, 0xFE };
    struct mbframe_request request;
    struct mbframe_answer answer;

    (void)state;
    assert_int_equal(mbframe_read(&rtu, false, 0x4F, 2, &request), ST_OK);
    assert_int_equal(feed(&request, bytes, with_crc(bytes, 7), &answer), MBFRAME_DONE);
    assert_int_equal(answer.count, 2);
    assert_int_equal(answer.words[0], 0x1234);
    assert_int_equal(answer.words[1], 0xFFFE);
    assert_int_equal(answer.used, 9);
}

static void one_word_is_function_6_and_two_are_16(void **state)
{
    const uint16_t words[] = { 0x0001, 0xABCD };
    uint8_t echo[16] = { 0x90, 0x10, 0x01, 0x2C, 0x00, 0x02 };
    struct mbframe_request request;
    struct mbframe_answer answer;

    (void)state;
    assert_int_equal(mbframe_write(&rtu, 0x67, 1, words, &request), ST_OK);
    assert_int_equal(request.bytes[1], 0x06);
    assert_int_equal(request.size, 8);
    assert_int_equal(feed(&request, request.bytes, request.size, &answer), MBFRAME_DONE); /* its echo */
    assert_int_equal(mbframe_write(&rtu, 0x12C, 2, words, &request), ST_OK);
    assert_int_equal(request.bytes[1], 0x10);
    assert_int_equal(request.size, 13);
    assert_int_equal(feed(&request, echo, with_crc(echo, 6), &answer), MBFRAME_DONE);
}

static void an_echo_of_another_write_is_no_answer(void **state)
{
    const uint16_t word = 5;
    uint8_t echo[16] = { 0x90, 0x06, 0x00, 0x67, 0x00, 0x06 };
    struct mbframe_request request;
    struct mbframe_answer answer;

    (void)state;
    assert_int_equal(mbframe_write(&rtu, 0x67, 1, &word, &request), ST_OK);
    assert_int_equal(feed(&request, echo, with_crc(echo, 6), &answer), MBFRAME_CORRUPT);
}

/* Quirk 4: five bytes are the whole of it, whatever was asked for. */
static void an_exception_is_known_after_its_five_bytes(void **state)
{
    uint8_t bytes[8] = { 0x90, 0x83, 0x02 };
    struct mbframe_request request;
    struct mbframe_answer answer;

    (void)state;
    assert_int_equal(mbframe_read(&rtu, false, 0, 125, &request), ST_OK);
    assert_int_equal(feed(&request, bytes, with_crc(bytes, 3), &answer), MBFRAME_EXCEPTION);
    assert_int_equal(answer.exception, 2);
    assert_int_equal(answer.used, 5);
}

static void an_exception_over_tcp_too(void **state)
{
    const uint8_t bytes[] = { 0x12, 0x34, 0, 0, 0, 3, 0x90, 0x83, 0x0B };
    struct mbframe_request request;
    struct mbframe_answer answer;

    (void)state;
    assert_int_equal(mbframe_read(&tcp, false, 0, 125, &request), ST_OK);
    assert_int_equal(feed(&request, bytes, sizeof bytes, &answer), MBFRAME_EXCEPTION);
    assert_int_equal(answer.exception, 0x0B);
}

/* A device that says "exception 0" has not said what was asked for, nor why not. */
static void there_is_no_exception_0(void **state)
{
    const uint8_t over_tcp[] = { 0x12, 0x34, 0, 0, 0, 3, 0x90, 0x83, 0x00 };
    uint8_t bytes[8] = { 0x90, 0x83, 0x00 };
    struct mbframe_request request;
    struct mbframe_answer answer;

    (void)state;
    assert_int_equal(mbframe_read(&rtu, false, 0, 8, &request), ST_OK);
    assert_int_equal(feed(&request, bytes, with_crc(bytes, 3), &answer), MBFRAME_CORRUPT);
    assert_int_equal(mbframe_read(&tcp, false, 0, 8, &request), ST_OK);
    assert_int_equal(feed(&request, over_tcp, sizeof over_tcp, &answer), MBFRAME_CORRUPT);
}

/* Quirk 7: a device that gets its checksum wrong said nothing that can be believed. */
static void a_wrong_checksum_is_corrupt(void **state)
{
    uint8_t bytes[8] = { 0x90, 0x03, 0x02, 0x12, 0x34 };
    struct mbframe_request request;
    struct mbframe_answer answer;

    (void)state;
    assert_int_equal(mbframe_read(&rtu, false, 0x4F, 1, &request), ST_OK);
    (void)with_crc(bytes, 5);
    for (size_t bit = 0; bit < 56; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(mbframe_answer(&request, bytes, 7, &answer), MBFRAME_DONE);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(mbframe_answer(&request, bytes, 7, &answer), MBFRAME_DONE);
}

static void the_first_wrong_byte_ends_the_wait(void **state)
{
    const uint8_t other_unit[] = { 0x91 }, other_function[] = { 0x90, 0x04 };
    struct mbframe_request request;
    struct mbframe_answer answer;

    (void)state;
    assert_int_equal(mbframe_read(&rtu, false, 0x4F, 1, &request), ST_OK);
    assert_int_equal(mbframe_answer(&request, other_unit, 1, &answer), MBFRAME_CORRUPT);
    assert_int_equal(mbframe_answer(&request, other_function, 2, &answer), MBFRAME_CORRUPT);
}

static void a_late_tcp_answer_is_told_by_its_number(void **state)
{
    const uint8_t bytes[] = { 0x12, 0x33, 0, 0, 0, 5, 0x90, 0x03, 2, 0xBE, 0xEF,
                              0x12, 0x34, 0, 0, 0, 5, 0x90, 0x03, 2, 0x00, 0x2A };
    struct mbframe_request request;
    struct mbframe_answer answer;

    (void)state;
    assert_int_equal(mbframe_read(&tcp, false, 0x4F, 1, &request), ST_OK);
    assert_int_equal(mbframe_answer(&request, bytes, sizeof bytes, &answer), MBFRAME_STALE);
    assert_int_equal(answer.used, 11);
    assert_int_equal(mbframe_answer(&request, bytes + 11, 11, &answer), MBFRAME_DONE);
    assert_int_equal(answer.words[0], 42);
}

static void what_is_no_modbus_is_not_waited_for(void **state)
{
    const uint8_t http[] = "HTTP/1.1 400 Bad Request";
    struct mbframe_request request;
    struct mbframe_answer answer;

    (void)state;
    assert_int_equal(mbframe_read(&tcp, false, 0x4F, 1, &request), ST_OK);
    assert_int_equal(mbframe_answer(&request, http, 8, &answer), MBFRAME_CORRUPT);
    assert_int_equal(answer.used, 0); /* and the stream cannot be followed any more */
}

static void a_file_record_is_asked_for_and_read(void **state)
{
    const uint8_t wanted[] = { 0x90, 0x14, 0x07, 0x06, 0x00, 0x01, 0x00, 0x02, 0x00, 0x02 };
    uint8_t bytes[16] = { 0x90, 0x14, 0x06, 0x05, 0x06, 0x0D, 0xFE, 0x00, 0x20 };
    struct mbframe_request request;
    struct mbframe_answer answer;

    (void)state;
    assert_int_equal(mbframe_read_file(&rtu, 1, 2, 2, &request), ST_OK);
    assert_int_equal(request.size, sizeof wanted + 2);
    assert_memory_equal(request.bytes, wanted, sizeof wanted);
    assert_int_equal(feed(&request, bytes, with_crc(bytes, 9), &answer), MBFRAME_DONE);
    assert_int_equal(answer.count, 2);
    assert_int_equal(answer.words[0], 0x0DFE);
    assert_int_equal(answer.words[1], 0x0020);
    bytes[4] = 7; /* another reference type */
    (void)with_crc(bytes, 9);
    assert_int_equal(mbframe_answer(&request, bytes, 11, &answer), MBFRAME_CORRUPT);
}

static void what_no_frame_can_ask_is_refused(void **state)
{
    const uint16_t words[MBFRAME_WORDS_MAX] = { 0 };
    struct mbframe_request request;

    (void)state;
    assert_int_equal(mbframe_read(&rtu, false, 0, 0, &request), ST_RANGE);
    assert_int_equal(mbframe_read(&rtu, false, 0, 126, &request), ST_RANGE);
    assert_int_equal(mbframe_read(&rtu, false, 0xFFFF, 2, &request), ST_RANGE);
    assert_int_equal(mbframe_read(&rtu, false, 0xFFFF, 1, &request), ST_OK);
    assert_int_equal(mbframe_write(&rtu, 0, 124, words, &request), ST_RANGE);
    assert_int_equal(mbframe_write(&tcp, 0, 123, words, &request), ST_OK);
    assert_true(request.size <= MBFRAME_MAX);
    assert_int_equal(mbframe_read_file(&rtu, 0, 0, 1, &request), ST_RANGE);
    assert_int_equal(mbframe_read_file(&rtu, 1, 0, 121, &request), ST_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_checksum_is_the_standards),
        cmocka_unit_test(a_read_is_eight_bytes_on_a_serial_line),
        cmocka_unit_test(a_read_over_tcp_has_a_header_and_no_checksum),
        cmocka_unit_test(an_answer_gives_its_words),
        cmocka_unit_test(one_word_is_function_6_and_two_are_16),
        cmocka_unit_test(an_echo_of_another_write_is_no_answer),
        cmocka_unit_test(an_exception_is_known_after_its_five_bytes),
        cmocka_unit_test(an_exception_over_tcp_too),
        cmocka_unit_test(there_is_no_exception_0),
        cmocka_unit_test(a_wrong_checksum_is_corrupt),
        cmocka_unit_test(the_first_wrong_byte_ends_the_wait),
        cmocka_unit_test(a_late_tcp_answer_is_told_by_its_number),
        cmocka_unit_test(what_is_no_modbus_is_not_waited_for),
        cmocka_unit_test(a_file_record_is_asked_for_and_read),
        cmocka_unit_test(what_no_frame_can_ask_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
