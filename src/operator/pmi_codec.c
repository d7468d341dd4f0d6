/* SPDX-License-Identifier: Apache-2.0 */
/* pmi_codec.c: Modbus requests from bytes, and answers as bytes. Pure. */
#include "pmi_codec.h"

#include <string.h>

#include "busbar/mbframe.h"

#define PMI_READ_HOLDING  3
#define PMI_READ_INPUT    4
#define PMI_WRITE_ONE     6
#define PMI_WRITE_MANY    16
#define PMI_EXCEPTION_BIT 0x80u
#define PMI_HEAD          7 /* TCP: transaction, protocol, length, unit        */
#define PMI_LENGTH_MIN    2 /* TCP: unit and function                          */
#define PMI_LENGTH_MAX    254
#define PMI_CRC           2
#define PMI_RTU_MIN       4 /* unit, function, checksum                        */
#define PMI_RTU_MAX       256

static uint16_t pmi_word(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static void pmi_put(uint8_t *at, uint16_t word)
{
    at[0] = (uint8_t)(word >> 8);
    at[1] = (uint8_t)(word & 0xFFu);
}

/* ---- what was asked ---- */

static enum pmi_exception pmi_span(const struct pmi_request *request, int32_t most)
{
    if (request->count < 1 || request->count > most)
        return PMI_ILLEGAL_VALUE;
    return request->address + request->count > 65536 ? PMI_ILLEGAL_ADDRESS : PMI_FINE;
}

static enum pmi_exception pmi_write_many(const uint8_t *body, size_t size, struct pmi_request *ret)
{
    enum pmi_exception wrong;

    if (size < 6)
        return PMI_ILLEGAL_VALUE;
    ret->count = pmi_word(body + 3);
    wrong = pmi_span(ret, PMI_WRITE_MAX);
    if (wrong != PMI_FINE)
        return wrong;
    if (body[5] != 2 * ret->count || size != 6 + (size_t)body[5])
        return PMI_ILLEGAL_VALUE;
    for (int32_t i = 0; i < ret->count; i++)
        ret->words[i] = pmi_word(body + 6 + 2 * i);
    return PMI_FINE;
}

/* A body: function and what follows, without unit and checksum. */
static void pmi_body(const uint8_t *body, size_t size, struct pmi_request *ret)
{
    ret->function = body[0];
    ret->write = body[0] == PMI_WRITE_ONE || body[0] == PMI_WRITE_MANY;
    if (body[0] != PMI_READ_HOLDING && body[0] != PMI_READ_INPUT && !ret->write) {
        ret->wrong = PMI_ILLEGAL_FUNCTION;
        return;
    }
    if (size < 5) {
        ret->wrong = PMI_ILLEGAL_VALUE;
        return;
    }
    ret->address = pmi_word(body + 1);
    ret->count = 1;
    if (body[0] == PMI_WRITE_MANY) {
        ret->wrong = pmi_write_many(body, size, ret);
    } else if (size != 5) {
        ret->wrong = PMI_ILLEGAL_VALUE;
    } else if (body[0] == PMI_WRITE_ONE) {
        ret->words[0] = pmi_word(body + 3);
    } else {
        ret->count = pmi_word(body + 3);
        ret->wrong = pmi_span(ret, PMI_READ_MAX);
    }
}

static enum pmi_state pmi_tcp(const uint8_t *bytes, size_t size, struct pmi_request *ret)
{
    size_t length;

    if (size < PMI_HEAD)
        return PMI_MORE;
    length = pmi_word(bytes + 4);
    if (pmi_word(bytes + 2) != 0 || length < PMI_LENGTH_MIN || length > PMI_LENGTH_MAX)
        return PMI_BROKEN;
    if (size < PMI_HEAD - 1 + length)
        return PMI_MORE;
    ret->transaction = pmi_word(bytes);
    ret->unit = bytes[6];
    ret->used = PMI_HEAD - 1 + length;
    pmi_body(bytes + PMI_HEAD, length - 1, ret);
    return PMI_DONE;
}

/* Bytes of the frame that begins so; 0: not known from what is there, or at all. */
static size_t pmi_rtu_size(const uint8_t *bytes, size_t size)
{
    if (bytes[1] == PMI_READ_HOLDING || bytes[1] == PMI_READ_INPUT || bytes[1] == PMI_WRITE_ONE)
        return 6 + PMI_CRC;
    if (bytes[1] == PMI_WRITE_MANY && size >= 7)
        return 7 + (size_t)bytes[6] + PMI_CRC;
    return 0;
}

static enum pmi_state pmi_rtu(const uint8_t *bytes, size_t size, struct pmi_request *ret)
{
    bool known = size >= 2 && (bytes[1] == PMI_READ_HOLDING || bytes[1] == PMI_READ_INPUT ||
                               bytes[1] == PMI_WRITE_ONE || bytes[1] == PMI_WRITE_MANY);
    size_t whole = known ? pmi_rtu_size(bytes, size) : 0;

    if (size < PMI_RTU_MIN || (known && (whole == 0 || (size < whole && whole <= PMI_RTU_MAX))))
        return PMI_MORE;
    if (!known || whole > PMI_RTU_MAX || mbframe_crc(bytes, whole) != 0) {
        ret->used = 1;
        return PMI_SKIP;
    }
    ret->unit = bytes[0];
    ret->used = whole;
    pmi_body(bytes + 1, whole - 1 - PMI_CRC, ret);
    return PMI_DONE;
}

enum pmi_state pmi_codec_request(enum pmi_framing framing, const uint8_t *bytes, size_t size,
                                 struct pmi_request *ret)
{
    memset(ret, 0, sizeof *ret);
    return framing == PMI_TCP ? pmi_tcp(bytes, size, ret) : pmi_rtu(bytes, size, ret);
}

bool pmi_codec_unknown(const uint8_t *bytes, size_t size, struct pmi_request *ret)
{
    memset(ret, 0, sizeof *ret);
    if (size < PMI_RTU_MIN || size > PMI_FRAME_MAX || (bytes[1] & PMI_EXCEPTION_BIT) ||
        mbframe_crc(bytes, size) != 0)
        return false;
    ret->unit = bytes[0];
    ret->used = size;
    pmi_body(bytes + 1, size - 1 - PMI_CRC, ret);
    return ret->wrong == PMI_ILLEGAL_FUNCTION;
}

/* ---- what is answered ---- */

/* Puts head and tail around a body of `size` bytes that is at to + start already. */
static size_t pmi_wrap(enum pmi_framing framing, const struct pmi_request *request, size_t size, uint8_t *to)
{
    uint16_t crc;

    if (framing == PMI_TCP) {
        pmi_put(to, request->transaction);
        pmi_put(to + 2, 0);
        pmi_put(to + 4, (uint16_t)(size + 1));
        to[6] = request->unit;
        return PMI_HEAD + size;
    }
    to[0] = request->unit;
    crc = mbframe_crc(to, 1 + size);
    to[1 + size] = (uint8_t)(crc & 0xFFu); /* the low byte goes first */
    to[2 + size] = (uint8_t)(crc >> 8);
    return 1 + size + PMI_CRC;
}

static uint8_t *pmi_start(enum pmi_framing framing, uint8_t *to)
{
    return to + (framing == PMI_TCP ? PMI_HEAD : 1);
}

size_t pmi_codec_read(enum pmi_framing framing, const struct pmi_request *request, const uint16_t *words,
                      uint8_t to[PMI_FRAME_MAX])
{
    uint8_t *body = pmi_start(framing, to);

    body[0] = request->function;
    body[1] = (uint8_t)(2 * request->count);
    for (int32_t i = 0; i < request->count; i++)
        pmi_put(body + 2 + 2 * i, words[i]);
    return pmi_wrap(framing, request, 2 + 2 * (size_t)request->count, to);
}

size_t pmi_codec_written(enum pmi_framing framing, const struct pmi_request *request,
                         uint8_t to[PMI_FRAME_MAX])
{
    uint8_t *body = pmi_start(framing, to);

    body[0] = request->function;
    pmi_put(body + 1, (uint16_t)request->address);
    pmi_put(body + 3, request->function == PMI_WRITE_ONE ? request->words[0] : (uint16_t)request->count);
    return pmi_wrap(framing, request, 5, to);
}

size_t pmi_codec_refuse(enum pmi_framing framing, const struct pmi_request *request,
                        enum pmi_exception exception, uint8_t to[PMI_FRAME_MAX])
{
    uint8_t *body = pmi_start(framing, to);

    body[0] = (uint8_t)(request->function | PMI_EXCEPTION_BIT);
    body[1] = (uint8_t)exception;
    return pmi_wrap(framing, request, 2, to);
}
