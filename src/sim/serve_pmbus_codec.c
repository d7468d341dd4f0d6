/* SPDX-License-Identifier: Apache-2.0 */
/* serve_pmbus_codec.c: owns how numbers, texts and checksums of a simulated PMBus device look
 * on the wire. Pure. The simulator's own codec: it shares nothing with the daemon's.
 */
#include "serve_pmbus_codec.h"

#include <math.h>
#include <string.h>

uint8_t serve_pmbus_pec(uint8_t crc, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (uint8_t)(crc & 0x80 ? crc << 1 ^ 0x07 : crc << 1);
    }
    return crc;
}

uint16_t serve_pmbus_linear11(double value)
{
    for (int exponent = -16; exponent <= 15; exponent++) {
        double mantissa = nearbyint(ldexp(value, -exponent));

        if (mantissa >= -1024.0 && mantissa <= 1023.0)
            return (uint16_t)((unsigned)(exponent & 31) << 11 | ((unsigned)(int)mantissa & 0x7FF));
    }
    return value < 0.0 ? 0x7C00 : 0x7BFF; /* the ends of what can be said */
}

double serve_pmbus_linear11_value(uint16_t raw)
{
    int mantissa = raw & 0x7FF;
    int exponent = raw >> 11;

    if (mantissa & 0x400)
        mantissa -= 0x800;
    if (exponent & 0x10)
        exponent -= 0x20;
    return ldexp(mantissa, exponent);
}

uint16_t serve_pmbus_vout(double volts)
{
    double raw = nearbyint(ldexp(volts, -SERVE_PMBUS_VOUT_EXPONENT));

    return raw <= 0.0 ? 0 : raw >= 65535.0 ? 65535 : (uint16_t)raw;
}

size_t serve_pmbus_byte(uint8_t *data, uint8_t value)
{
    data[0] = value;
    return 1;
}

size_t serve_pmbus_word(uint8_t *data, uint16_t value)
{
    data[0] = (uint8_t)value;
    data[1] = (uint8_t)(value >> 8);
    return 2;
}

size_t serve_pmbus_linear(uint8_t *data, double value)
{
    return serve_pmbus_word(data, serve_pmbus_linear11(value));
}

size_t serve_pmbus_block(uint8_t *data, const char *text)
{
    size_t size = strlen(text) < SERVE_PMBUS_TEXT_MAX ? strlen(text) : SERVE_PMBUS_TEXT_MAX;

    data[0] = (uint8_t)size;
    memcpy(data + 1, text, size);
    return size + 1;
}

size_t serve_pmbus_energy_block(const struct serve_pmbus_energy *energy, uint32_t wrap, uint8_t *data)
{
    uint32_t accumulator = (uint32_t)(energy->counts % wrap);

    data[0] = 6;
    data[1] = (uint8_t)accumulator;
    data[2] = (uint8_t)(accumulator >> 8);
    data[3] = (uint8_t)(energy->counts / wrap);
    data[4] = (uint8_t)energy->samples;
    data[5] = (uint8_t)(energy->samples >> 8);
    data[6] = (uint8_t)(energy->samples >> 16);
    return 7;
}
