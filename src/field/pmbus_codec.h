/* SPDX-License-Identifier: Apache-2.0 */
/* pmbus_codec.h: PMBus numbers and the SMBus packet error code. Pure.
 *
 * LINEAR11 is Y * 2^N with Y in eleven signed bits and N in five; ULINEAR16 is
 * V * 2^N with N from the device's VOUT_MODE; DIRECT is (Y * 10^-R - b) / m with
 * Y a signed word; half is IEEE 754 with eleven significant bits. Encoders round
 * down, so that a limit never becomes larger than what was asked for.
 */
#ifndef BUSBAR_FIELD_PMBUS_CODEC_H
#define BUSBAR_FIELD_PMBUS_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "busbar/device.h"
#include "busbar/status.h"

double pmbus_codec_linear11(uint16_t raw);

/* With the smallest exponent that fits. ST_RANGE: not a number, or too large. */
NODISCARD enum status pmbus_codec_to_linear11(double value, uint16_t *ret);

/* ---- the output voltage ---- */

enum pmbus_codec_format {
    PMBUS_CODEC_LINEAR16,
    PMBUS_CODEC_VID, /* a table of the processor's maker: not ours to know     */
    PMBUS_CODEC_DIRECT,
    PMBUS_CODEC_HALF
};

struct pmbus_codec_vout_mode {
    enum pmbus_codec_format format;
    int32_t exponent; /* of PMBUS_CODEC_LINEAR16, -16 to 15                     */
    bool relative;    /* limits and margins are ratios of VOUT_COMMAND          */
};

/* What a VOUT_MODE byte says. */
struct pmbus_codec_vout_mode pmbus_codec_vout_mode(uint8_t raw);

/* Is what this command holds a ratio when VOUT_MODE says relative? Set-point,
 * reading, trim, its largest and its smallest stay absolute. */
bool pmbus_codec_is_relative(uint8_t command);

/* `exponent` -16 to 15. */
double pmbus_codec_ulinear16(uint16_t raw, int32_t exponent);
NODISCARD enum status pmbus_codec_to_ulinear16(double value, int32_t exponent, uint16_t *ret);
double pmbus_codec_slinear16(uint16_t raw, int32_t exponent);
NODISCARD enum status pmbus_codec_to_slinear16(double value, int32_t exponent, uint16_t *ret);

/* ---- DIRECT ---- */

/* NAN while m is 0: the coefficients are not known. */
double pmbus_codec_direct(uint16_t raw, const struct row_direct *direct);
NODISCARD enum status pmbus_codec_to_direct(double value, const struct row_direct *direct, uint16_t *ret);

#define PMBUS_CODEC_COEFFICIENTS_BYTES 5

/* What COEFFICIENTS answers: m and b with the low byte first, then R. ST_CORRUPT: not
 * five bytes. ST_RANGE: m is 0. */
NODISCARD enum status pmbus_codec_coefficients(const uint8_t *bytes, int32_t count, struct row_direct *ret);

/* ---- half ---- */

/* Infinities and NAN as they are. */
double pmbus_codec_half(uint16_t raw);

/* ST_RANGE: not a number, or beyond 65504. */
NODISCARD enum status pmbus_codec_to_half(double value, uint16_t *ret);

/* ---- packets ---- */

/* CRC-8 of x^8 + x^2 + x + 1, most significant bit first, over `size` bytes,
 * going on from `crc` (0 at the start). */
uint8_t pmbus_codec_pec(uint8_t crc, const uint8_t *bytes, size_t size);

#endif
