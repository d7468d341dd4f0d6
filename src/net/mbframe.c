/* SPDX-License-Identifier: Apache-2.0 */
/* mbframe.c: Modbus requests as bytes, and bytes as their answers.
 *
 * Pure: owns nothing, runs on any thread. What arrives is anything at all: it is
 * measured against the request before one byte of it is believed.
 */
#include "busbar/mbframe.h"

#include <string.h>

#define MBFRAME_READ_HOLDING 0x03
#define MBFRAME_READ_INPUT   0x04
#define MBFRAME_WRITE_ONE    0x06
#define MBFRAME_WRITE_MANY   0x10
#define MBFRAME_READ_FILE    0x14
#define MBFRAME_REFERENCE    6 /* the only reference type there is             */
#define MBFRAME_FAILED       0x80
#define MBFRAME_REGISTERS    0x10000
#define MBFRAME_HEADER       7 /* TCP: transaction, protocol, length, unit     */
#define MBFRAME_PDU_MAX      253

uint16_t mbframe_crc(const uint8_t *bytes, size_t size)
{
    uint32_t crc = 0xFFFF;

    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 1u) ? (crc >> 1) ^ 0xA001u : crc >> 1;
    }
    return (uint16_t)crc;
}

static uint16_t mbframe_word(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void mbframe_put(uint8_t *bytes, int32_t word)
{
    bytes[0] = (uint8_t)(word >> 8);
    bytes[1] = (uint8_t)word;
}

/* Bytes before the function code. */
static size_t mbframe_head(enum mbframe_kind kind)
{
    return kind == MBFRAME_RTU ? 1 : MBFRAME_HEADER;
}

static size_t mbframe_tail(enum mbframe_kind kind)
{
    return kind == MBFRAME_RTU ? 2 : 0;
}

/* ---- requests ---- */

/* A request with its function code; what follows goes to the pointer returned. */
static uint8_t *mbframe_begin(const struct mbframe_to *to, uint8_t function, struct mbframe_request *ret)
{
    uint8_t *pdu = ret->bytes + mbframe_head(to->kind);

    memset(ret, 0, sizeof *ret);
    ret->kind = to->kind;
    ret->transaction = to->transaction;
    ret->unit = to->unit;
    ret->function = function;
    pdu[0] = function;
    return pdu + 1;
}

/* Header and checksum around a PDU that ends before `end`. */
static void mbframe_end(struct mbframe_request *ret, const uint8_t *end)
{
    size_t head = mbframe_head(ret->kind);

    ret->size = (size_t)(end - ret->bytes);
    ret->bytes[head - 1] = ret->unit;
    if (ret->kind == MBFRAME_TCP) {
        mbframe_put(ret->bytes, ret->transaction);
        mbframe_put(ret->bytes + 4, (int32_t)(ret->size - head + 1));
    } else {
        uint16_t crc = mbframe_crc(ret->bytes, ret->size);

        ret->bytes[ret->size++] = (uint8_t)crc; /* the one word whose low byte comes first */
        ret->bytes[ret->size++] = (uint8_t)(crc >> 8);
    }
}

static bool mbframe_span_ok(int32_t address, int32_t count, int32_t most)
{
    return count >= 1 && count <= most && address >= 0 && address + count <= MBFRAME_REGISTERS;
}

enum status mbframe_read(const struct mbframe_to *to, bool input, int32_t address, int32_t count,
                         struct mbframe_request *ret)
{
    uint8_t *at;

    if (!mbframe_span_ok(address, count, MBFRAME_WORDS_MAX))
        return ST_RANGE;
    at = mbframe_begin(to, input ? MBFRAME_READ_INPUT : MBFRAME_READ_HOLDING, ret);
    ret->address = address;
    ret->count = count;
    mbframe_put(at, address);
    mbframe_put(at + 2, count);
    mbframe_end(ret, at + 4);
    return ST_OK;
}

enum status mbframe_write(const struct mbframe_to *to, int32_t address, int32_t count, const uint16_t *words,
                          struct mbframe_request *ret)
{
    uint8_t *at;

    if (!mbframe_span_ok(address, count, MBFRAME_WRITE_MAX))
        return ST_RANGE;
    at = mbframe_begin(to, count == 1 ? MBFRAME_WRITE_ONE : MBFRAME_WRITE_MANY, ret);
    ret->address = address;
    ret->count = count;
    mbframe_put(at, address);
    if (count == 1) {
        mbframe_put(at + 2, words[0]);
        mbframe_end(ret, at + 4);
        return ST_OK;
    }
    mbframe_put(at + 2, count);
    at[4] = (uint8_t)(2 * count);
    for (int32_t i = 0; i < count; i++)
        mbframe_put(at + 5 + 2 * i, words[i]);
    mbframe_end(ret, at + 5 + 2 * count);
    return ST_OK;
}

enum status mbframe_read_file(const struct mbframe_to *to, int32_t file, int32_t record, int32_t count,
                              struct mbframe_request *ret)
{
    uint8_t *at;

    if (file < 1 || file > 0xFFFF || record < 0 || record > 0xFFFF || count < 1 || count > MBFRAME_FILE_MAX)
        return ST_RANGE;
    at = mbframe_begin(to, MBFRAME_READ_FILE, ret);
    ret->address = record;
    ret->count = count;
    at[0] = 7; /* one request of seven bytes */
    at[1] = MBFRAME_REFERENCE;
    mbframe_put(at + 2, file);
    mbframe_put(at + 4, record);
    mbframe_put(at + 6, count);
    mbframe_end(ret, at + 8);
    return ST_OK;
}

/* ---- answers ---- */

/* There is no exception 0: it would pass for the good answer's. */
static enum mbframe_state mbframe_exception(uint8_t code, struct mbframe_answer *ret)
{
    ret->exception = code;
    return code != 0 ? MBFRAME_EXCEPTION : MBFRAME_CORRUPT;
}

/* Bytes of the good answer's PDU. */
static size_t mbframe_pdu_size(const struct mbframe_request *request)
{
    switch (request->function) {
    case MBFRAME_READ_HOLDING:
    case MBFRAME_READ_INPUT:
        return 2 + 2 * (size_t)request->count;
    case MBFRAME_READ_FILE:
        return 4 + 2 * (size_t)request->count;
    default:
        return 5;
    }
}

size_t mbframe_answer_size(const struct mbframe_request *request)
{
    return mbframe_head(request->kind) + mbframe_pdu_size(request) + mbframe_tail(request->kind);
}

/* Is the PDU the good answer? Its length is right already. */
static bool mbframe_fits(const struct mbframe_request *request, const uint8_t *pdu)
{
    const uint8_t *asked = request->bytes + mbframe_head(request->kind);

    switch (request->function) {
    case MBFRAME_READ_HOLDING:
    case MBFRAME_READ_INPUT:
        return pdu[1] == 2 * request->count;
    case MBFRAME_READ_FILE:
        return pdu[1] == 2 + 2 * request->count && pdu[2] == 1 + 2 * request->count &&
               pdu[3] == MBFRAME_REFERENCE;
    default:
        return memcmp(pdu + 1, asked + 1, 4) == 0; /* both writes echo address and value or count */
    }
}

static enum mbframe_state mbframe_good(const struct mbframe_request *request, const uint8_t *pdu,
                                       struct mbframe_answer *ret)
{
    const uint8_t *data = pdu + (request->function == MBFRAME_READ_FILE ? 4 : 2);

    if (!mbframe_fits(request, pdu))
        return MBFRAME_CORRUPT;
    if (request->function == MBFRAME_WRITE_ONE || request->function == MBFRAME_WRITE_MANY)
        return MBFRAME_DONE;
    ret->count = request->count;
    for (int32_t i = 0; i < ret->count; i++)
        ret->words[i] = mbframe_word(data + 2 * i);
    return MBFRAME_DONE;
}

static enum mbframe_state mbframe_answer_rtu(const struct mbframe_request *request, const uint8_t *bytes,
                                             size_t size, struct mbframe_answer *ret)
{
    bool failed = size >= 2 && bytes[1] == (request->function | MBFRAME_FAILED);
    size_t whole = failed ? 5 : mbframe_answer_size(request);

    /* The first byte that cannot be right ends it: nothing is gained by waiting. */
    if ((size >= 1 && bytes[0] != request->unit) || (size >= 2 && !failed && bytes[1] != request->function))
        return MBFRAME_CORRUPT;
    if (size < whole)
        return MBFRAME_MORE;
    ret->used = whole;
    if (mbframe_crc(bytes, whole) != 0)
        return MBFRAME_CORRUPT;
    if (!failed)
        return mbframe_good(request, bytes + 1, ret);
    return mbframe_exception(bytes[2], ret);
}

static enum mbframe_state mbframe_answer_tcp(const struct mbframe_request *request, const uint8_t *bytes,
                                             size_t size, struct mbframe_answer *ret)
{
    const uint8_t *pdu = bytes + MBFRAME_HEADER;
    size_t length, pdu_size;

    if (size >= 4 && (bytes[2] != 0 || bytes[3] != 0))
        return MBFRAME_CORRUPT;
    if (size < MBFRAME_HEADER + 1)
        return MBFRAME_MORE;
    length = mbframe_word(bytes + 4);
    if (length < 3 || length > MBFRAME_PDU_MAX + 1)
        return MBFRAME_CORRUPT;
    pdu_size = length - 1;
    if (size < MBFRAME_HEADER + pdu_size)
        return MBFRAME_MORE;
    ret->used = MBFRAME_HEADER + pdu_size;
    if (mbframe_word(bytes) != request->transaction)
        return MBFRAME_STALE;
    if (bytes[6] != request->unit)
        return MBFRAME_CORRUPT;
    if (pdu[0] == (request->function | MBFRAME_FAILED) && pdu_size == 2)
        return mbframe_exception(pdu[1], ret);
    if (pdu[0] != request->function || pdu_size != mbframe_pdu_size(request))
        return MBFRAME_CORRUPT;
    return mbframe_good(request, pdu, ret);
}

enum mbframe_state mbframe_answer(const struct mbframe_request *request, const uint8_t *bytes, size_t size,
                                  struct mbframe_answer *ret)
{
    ret->exception = 0;
    ret->count = 0;
    ret->used = 0;
    return request->kind == MBFRAME_RTU ? mbframe_answer_rtu(request, bytes, size, ret)
                                        : mbframe_answer_tcp(request, bytes, size, ret);
}
