/* SPDX-License-Identifier: Apache-2.0 */
/* serve_modbus_pdu.c: owns the Modbus protocol itself: CRC, frame lengths,
 * requests and answers. Pure; whatever bytes come in, it answers or refuses.
 */
#include "serve_modbus_parts.h"

#include <string.h>

#define PDU_READ_HOLDING 0x03
#define PDU_READ_INPUT   0x04
#define PDU_WRITE_ONE    0x06
#define PDU_WRITE_MANY   0x10
#define PDU_READ_FILE    0x14
#define PDU_FILE_GROUP   7    /* reference type, file, record, registers: what one group asks */
#define PDU_FILE_TYPE    6    /* the one reference type there is            */
#define PDU_FILE_BYTES   0xF5 /* the most that a request or an answer counts */

/* CRC-16 with the polynomial 0x8005 reflected, four bits at a time. */
uint16_t serve_modbus_crc(const uint8_t *bytes, size_t size)
{
    static const uint16_t table[16] = {
        0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800, 0xE401,
        0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01, 0x8801, 0x4400,
    };
    uint16_t crc = 0xFFFF;

    for (size_t i = 0; i < size; i++) {
        crc = (uint16_t)((crc >> 4) ^ table[(crc ^ bytes[i]) & 15]);
        crc = (uint16_t)((crc >> 4) ^ table[(crc ^ bytes[i] >> 4) & 15]);
    }
    return crc;
}

int32_t serve_modbus_frame_size(const uint8_t *bytes, size_t size)
{
    if (size < 2)
        return 0;
    switch (bytes[1]) {
    case PDU_READ_HOLDING:
    case PDU_READ_INPUT:
    case PDU_WRITE_ONE:
        return 8;
    case PDU_WRITE_MANY:
        if (size < 7)
            return 0;
        return bytes[6] + 9 <= SERVE_MODBUS_FRAME_MAX ? bytes[6] + 9 : -1;
    case PDU_READ_FILE:
        return size < 3 ? 0 : bytes[2] + 5 <= SERVE_MODBUS_FRAME_MAX ? bytes[2] + 5 : -1;
    default:
        return -1;
    }
}

size_t serve_modbus_exception(uint8_t function, uint8_t code, uint8_t *answer)
{
    answer[0] = function | 0x80;
    answer[1] = code;
    return 2;
}

static uint16_t serve_modbus_pdu_word(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static size_t serve_modbus_pdu_read(struct serve_registers_unit *unit, int64_t now_us, const uint8_t *pdu,
                                    uint8_t *answer)
{
    uint16_t words[SERVE_REGISTERS_READ_MAX];
    int32_t count = serve_modbus_pdu_word(pdu + 3);
    enum serve_registers_result result =
        serve_registers_read(unit, now_us, serve_modbus_pdu_word(pdu + 1), count, words);

    if (result != SERVE_REGISTERS_OK)
        return serve_modbus_exception(pdu[0], (uint8_t)result, answer);
    answer[0] = pdu[0];
    answer[1] = (uint8_t)(2 * count);
    for (int32_t i = 0; i < count; i++) {
        answer[2 + 2 * i] = (uint8_t)(words[i] >> 8);
        answer[3 + 2 * i] = (uint8_t)words[i];
    }
    return 2 + 2 * (size_t)count;
}

/* Groups of a file, a record and a number of registers; the answer has one group each. */
static size_t serve_modbus_pdu_file(const struct serve_registers_unit *unit, const uint8_t *pdu,
                                    uint8_t *answer)
{
    size_t at = 2;

    for (const uint8_t *group = pdu + 2; group < pdu + 2 + pdu[1]; group += PDU_FILE_GROUP) {
        uint16_t words[SERVE_REGISTERS_READ_MAX];
        int32_t count = serve_modbus_pdu_word(group + 5);
        enum serve_registers_result result = SERVE_REGISTERS_ADDRESS;

        if (at + 2 + 2 * (size_t)count > 2 + PDU_FILE_BYTES)
            return serve_modbus_exception(pdu[0], SERVE_REGISTERS_VALUE, answer);
        if (group[0] == PDU_FILE_TYPE)
            result = serve_registers_file(unit, serve_modbus_pdu_word(group + 1),
                                          serve_modbus_pdu_word(group + 3), count, words);
        if (result != SERVE_REGISTERS_OK)
            return serve_modbus_exception(pdu[0], (uint8_t)result, answer);
        answer[at++] = (uint8_t)(2 * count + 1);
        answer[at++] = PDU_FILE_TYPE;
        for (int32_t i = 0; i < count; i++) {
            answer[at++] = (uint8_t)(words[i] >> 8);
            answer[at++] = (uint8_t)words[i];
        }
    }
    answer[0] = pdu[0];
    answer[1] = (uint8_t)(at - 2);
    return at;
}

/* As the write would end, with nothing changed. */
static enum serve_registers_result serve_modbus_pdu_write_ignored(const struct serve_registers_unit *unit,
                                                                  int64_t now_us, int32_t first,
                                                                  int32_t count, const uint16_t *words)
{
    struct serve_registers_unit trial = *unit;
    struct plant_psu psu = { .shelf = 0 };
    struct plant_bbu bbu = { .shelf = 0 };
    struct plant *plant = unit->plant;
    enum serve_registers_result result;

    if (unit->module >= 0) {
        psu = plant->psus[unit->module];
        bbu = plant->bbus[unit->module];
    }
    result = serve_registers_write(&trial, now_us, first, count, words);
    if (unit->module >= 0) {
        plant->psus[unit->module] = psu;
        plant->bbus[unit->module] = bbu;
    }
    return result;
}

static size_t serve_modbus_pdu_write(struct serve_registers_unit *unit, int64_t now_us, const uint8_t *pdu,
                                     int32_t count, const uint8_t *values, bool ignore, uint8_t *answer)
{
    uint16_t words[SERVE_REGISTERS_WRITE_MAX];
    enum serve_registers_result result;

    for (int32_t i = 0; i < count; i++)
        words[i] = serve_modbus_pdu_word(values + 2 * i);
    result = ignore
                 ? serve_modbus_pdu_write_ignored(unit, now_us, serve_modbus_pdu_word(pdu + 1), count, words)
                 : serve_registers_write(unit, now_us, serve_modbus_pdu_word(pdu + 1), count, words);
    if (result != SERVE_REGISTERS_OK)
        return serve_modbus_exception(pdu[0], (uint8_t)result, answer);
    memcpy(answer, pdu, 5); /* function, address, value or count: both forms echo these */
    return 5;
}

size_t serve_modbus_execute(struct serve_registers_unit *unit, int64_t now_us, const uint8_t *pdu,
                            size_t size, bool ignore_writes, uint8_t *answer)
{
    if (size < 1)
        return serve_modbus_exception(0, SERVE_REGISTERS_FUNCTION, answer);
    switch (pdu[0]) {
    case PDU_READ_HOLDING:
    case PDU_READ_INPUT: /* one table serves both */
        if (size != 5)
            break;
        return serve_modbus_pdu_read(unit, now_us, pdu, answer);
    case PDU_WRITE_ONE:
        if (size != 5)
            break;
        return serve_modbus_pdu_write(unit, now_us, pdu, 1, pdu + 3, ignore_writes, answer);
    case PDU_WRITE_MANY:
        if (size < 6 || serve_modbus_pdu_word(pdu + 3) > SERVE_REGISTERS_WRITE_MAX ||
            pdu[5] != 2 * serve_modbus_pdu_word(pdu + 3) || size != 6 + (size_t)pdu[5])
            break;
        return serve_modbus_pdu_write(unit, now_us, pdu, serve_modbus_pdu_word(pdu + 3), pdu + 6,
                                      ignore_writes, answer);
    case PDU_READ_FILE:
        if (size < 2 + PDU_FILE_GROUP || pdu[1] > PDU_FILE_BYTES || pdu[1] % PDU_FILE_GROUP != 0 ||
            size != 2 + (size_t)pdu[1])
            break;
        return serve_modbus_pdu_file(unit, pdu, answer);
    default:
        return serve_modbus_exception(pdu[0], SERVE_REGISTERS_FUNCTION, answer);
    }
    return serve_modbus_exception(pdu[0], SERVE_REGISTERS_VALUE, answer);
}
