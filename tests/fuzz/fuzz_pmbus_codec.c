/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_pmbus_codec.c: PMBus numbers go there and back and never upwards; a packet with its
 * code checks out, and with any one bit changed it does not. */
#include "field/pmbus_codec.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PACKET_MAX 36

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void fuzz_numbers(uint16_t raw, uint8_t mode, double value)
{
    uint16_t back = 0;
    int32_t exponent;

    must(pmbus_codec_to_linear11(pmbus_codec_linear11(raw), &back) == ST_OK);
    must(pmbus_codec_linear11(back) == pmbus_codec_linear11(raw));
    if (pmbus_codec_to_linear11(value, &back) == ST_OK)
        must(pmbus_codec_linear11(back) <= value + fabs(value) * 1e-5 + 1e-9);
    exponent = pmbus_codec_vout_mode(mode).exponent;
    must(exponent >= -16 && exponent <= 15);
    must(pmbus_codec_to_ulinear16(pmbus_codec_ulinear16(raw, exponent), exponent, &back) == ST_OK);
    must(back == raw);
    if (pmbus_codec_to_ulinear16(value, exponent, &back) == ST_OK)
        must(pmbus_codec_ulinear16(back, exponent) <= value + ldexp(1e-5, exponent));
}

static void fuzz_packet(const uint8_t *data, size_t size, uint8_t pick)
{
    uint8_t packet[PACKET_MAX + 1];
    size_t bit;

    memcpy(packet, data, size);
    packet[size] = pmbus_codec_pec(0, packet, size);
    must(pmbus_codec_pec(0, packet, size + 1) == 0);
    bit = pick % ((size + 1) * 8);
    packet[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    must(pmbus_codec_pec(0, packet, size + 1) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    double value;
    uint16_t raw;

    if (size < sizeof value + sizeof raw + 2)
        return 0;
    memcpy(&value, data, sizeof value);
    memcpy(&raw, data + sizeof value, sizeof raw);
    data += sizeof value + sizeof raw;
    size -= sizeof value + sizeof raw;
    fuzz_numbers(raw, data[0], value);
    fuzz_packet(data, size < PACKET_MAX ? size : PACKET_MAX, data[1]);
    return 0;
}
