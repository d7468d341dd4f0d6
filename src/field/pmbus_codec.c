/* SPDX-License-Identifier: Apache-2.0 */
/* pmbus_codec.c: PMBus numbers and the packet error code.
 *
 * Pure: owns nothing, runs on any thread, never fails on outside input but by
 * a status.
 */
#include "pmbus_codec.h"

#include <math.h>

#define PMBUS_CODEC_MANTISSA_MIN      (-1024.0)
#define PMBUS_CODEC_MANTISSA_MAX      1023.0
#define PMBUS_CODEC_EXPONENT_MIN      (-16)
#define PMBUS_CODEC_EXPONENT_MAX      15
#define PMBUS_CODEC_POLYNOMIAL        0x07u
#define PMBUS_CODEC_RELATIVE          0x80u /* of VOUT_MODE                            */
#define PMBUS_CODEC_FORMAT_SHIFT      5
#define PMBUS_CODEC_FORMAT_MASK       3u
#define PMBUS_CODEC_HALF_BITS         10 /* of its fraction                         */
#define PMBUS_CODEC_HALF_EXPONENT_MIN (-14)
#define PMBUS_CODEC_HALF_MAX          65504.0

/* A value that is a whole number of steps but for rounding noise stays that. */
#define PMBUS_CODEC_NOISE 1e-6

/* The low `bits` of `raw` as a two's complement number. */
static int32_t pmbus_codec_signed(uint32_t raw, int bits)
{
    int32_t half = (int32_t)(1u << (bits - 1));
    int32_t value = (int32_t)(raw & ((1u << bits) - 1u));

    return value < half ? value : value - 2 * half;
}

double pmbus_codec_linear11(uint16_t raw)
{
    return ldexp((double)pmbus_codec_signed(raw, 11), pmbus_codec_signed((uint32_t)raw >> 11, 5));
}

enum status pmbus_codec_to_linear11(double value, uint16_t *ret)
{
    if (!isfinite(value))
        return ST_RANGE;
    if (value == 0.0) {
        *ret = 0;
        return ST_OK;
    }
    for (int n = PMBUS_CODEC_EXPONENT_MIN; n <= PMBUS_CODEC_EXPONENT_MAX; n++) {
        double y = floor(ldexp(value, -n) + PMBUS_CODEC_NOISE);

        if (y < PMBUS_CODEC_MANTISSA_MIN || y > PMBUS_CODEC_MANTISSA_MAX)
            continue;
        *ret = (uint16_t)((((uint32_t)n & 0x1Fu) << 11) | ((uint32_t)(int32_t)y & 0x7FFu));
        return ST_OK;
    }
    return ST_RANGE;
}

struct pmbus_codec_vout_mode pmbus_codec_vout_mode(uint8_t raw)
{
    return (struct pmbus_codec_vout_mode){
        .format =
            (enum pmbus_codec_format)((uint32_t)raw >> PMBUS_CODEC_FORMAT_SHIFT & PMBUS_CODEC_FORMAT_MASK),
        .exponent = pmbus_codec_signed(raw, 5),
        .relative = (raw & PMBUS_CODEC_RELATIVE) != 0,
    };
}

bool pmbus_codec_is_relative(uint8_t command)
{
    switch (command) {
    case 0x25: /* VOUT_MARGIN_HIGH, _LOW */
    case 0x26:
    case 0x40: /* VOUT_OV_FAULT_LIMIT, _WARN, UV_WARN, _FAULT */
    case 0x42:
    case 0x43:
    case 0x44:
    case 0x5E: /* POWER_GOOD_ON, _OFF */
    case 0x5F:
        return true;
    default:
        return false;
    }
}

double pmbus_codec_ulinear16(uint16_t raw, int32_t exponent)
{
    return ldexp((double)raw, exponent);
}

/* The largest whole number of steps that is not above. */
static enum status pmbus_codec_whole(double steps, double min, double max, double *ret)
{
    double whole = floor(steps + PMBUS_CODEC_NOISE);

    if (!(whole >= min && whole <= max))
        return ST_RANGE;
    *ret = whole;
    return ST_OK;
}

static enum status pmbus_codec_to_linear16(double value, int32_t exponent, double min, double max,
                                           uint16_t *ret)
{
    double v;

    if (!isfinite(value) || exponent < PMBUS_CODEC_EXPONENT_MIN || exponent > PMBUS_CODEC_EXPONENT_MAX ||
        pmbus_codec_whole(ldexp(value, -exponent), min, max, &v) != ST_OK)
        return ST_RANGE;
    *ret = (uint16_t)((uint32_t)(int32_t)v & 0xFFFFu);
    return ST_OK;
}

enum status pmbus_codec_to_ulinear16(double value, int32_t exponent, uint16_t *ret)
{
    return pmbus_codec_to_linear16(value, exponent, 0.0, (double)UINT16_MAX, ret);
}

double pmbus_codec_slinear16(uint16_t raw, int32_t exponent)
{
    return ldexp((double)pmbus_codec_signed(raw, 16), exponent);
}

enum status pmbus_codec_to_slinear16(double value, int32_t exponent, uint16_t *ret)
{
    return pmbus_codec_to_linear16(value, exponent, (double)INT16_MIN, (double)INT16_MAX, ret);
}

/* ---- DIRECT ---- */

double pmbus_codec_direct(uint16_t raw, const struct row_direct *direct)
{
    double y = (double)pmbus_codec_signed(raw, 16);

    return direct->m == 0.0 ? NAN : (y * pow(10.0, (double)-direct->r) - direct->b) / direct->m;
}

enum status pmbus_codec_to_direct(double value, const struct row_direct *direct, uint16_t *ret)
{
    double y = (direct->m * value + direct->b) * pow(10.0, (double)direct->r), whole;

    if (direct->m == 0.0 || !isfinite(y))
        return ST_RANGE;
    /* With a negative m more counts are a smaller value. */
    whole = direct->m > 0.0 ? floor(y + PMBUS_CODEC_NOISE) : ceil(y - PMBUS_CODEC_NOISE);
    if (!(whole >= (double)INT16_MIN && whole <= (double)INT16_MAX))
        return ST_RANGE;
    *ret = (uint16_t)((uint32_t)(int32_t)whole & 0xFFFFu);
    return ST_OK;
}

enum status pmbus_codec_coefficients(const uint8_t *bytes, int32_t count, struct row_direct *ret)
{
    struct row_direct direct;

    if (count != PMBUS_CODEC_COEFFICIENTS_BYTES)
        return ST_CORRUPT;
    direct = (struct row_direct){
        .m = (double)pmbus_codec_signed((uint32_t)bytes[0] | (uint32_t)bytes[1] << 8, 16),
        .b = (double)pmbus_codec_signed((uint32_t)bytes[2] | (uint32_t)bytes[3] << 8, 16),
        .r = pmbus_codec_signed(bytes[4], 8),
    };
    if (direct.m == 0.0)
        return ST_RANGE;
    *ret = direct;
    return ST_OK;
}

/* ---- half ---- */

double pmbus_codec_half(uint16_t raw)
{
    int32_t exponent = (raw >> PMBUS_CODEC_HALF_BITS) & 0x1F, fraction = raw & 0x3FF;
    double value;

    if (exponent == 0x1F)
        value = fraction != 0 ? NAN : INFINITY;
    else if (exponent == 0)
        value = ldexp((double)fraction, PMBUS_CODEC_HALF_EXPONENT_MIN - PMBUS_CODEC_HALF_BITS);
    else
        value = ldexp((double)(fraction + 0x400), exponent - 15 - PMBUS_CODEC_HALF_BITS);
    return raw & 0x8000u ? -value : value;
}

enum status pmbus_codec_to_half(double value, uint16_t *ret)
{
    double size = fabs(value), steps;
    int exponent;

    if (!isfinite(value) || size > PMBUS_CODEC_HALF_MAX)
        return ST_RANGE;
    (void)frexp(size, &exponent); /* size = f * 2^exponent, f from one half up */
    exponent = size == 0.0 || exponent - 1 < PMBUS_CODEC_HALF_EXPONENT_MIN ? PMBUS_CODEC_HALF_EXPONENT_MIN
                                                                           : exponent - 1;
    steps = ldexp(size, PMBUS_CODEC_HALF_BITS - exponent);
    steps = value < 0.0 ? ceil(steps - PMBUS_CODEC_NOISE) : floor(steps + PMBUS_CODEC_NOISE);
    if (steps >= 2048.0) { /* rounded up to the next power of two */
        steps /= 2.0;
        exponent++;
    }
    if (exponent > 15)
        return ST_RANGE;
    *ret = (uint16_t)((value < 0.0 && steps > 0.0 ? 0x8000u : 0u) |
                      (steps < 1024.0
                           ? (uint32_t)steps
                           : ((uint32_t)(exponent + 15) << PMBUS_CODEC_HALF_BITS) + (uint32_t)steps - 1024u));
    return ST_OK;
}

uint8_t pmbus_codec_pec(uint8_t crc, const uint8_t *bytes, size_t size)
{
    uint32_t rest = crc;

    for (size_t i = 0; i < size; i++) {
        rest ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            rest = (rest & 0x80u) ? ((rest << 1) ^ PMBUS_CODEC_POLYNOMIAL) & 0xFFu : rest << 1;
    }
    return (uint8_t)rest;
}
