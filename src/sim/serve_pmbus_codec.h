/* SPDX-License-Identifier: Apache-2.0 */
/* serve_pmbus_codec.h: numbers, texts and checksums of a simulated PMBus device as bytes. Pure. */
#ifndef BUSBAR_SIM_SERVE_PMBUS_CODEC_H
#define BUSBAR_SIM_SERVE_PMBUS_CODEC_H

#include <stddef.h>
#include <stdint.h>

#define SERVE_PMBUS_VOUT_EXPONENT (-9) /* VOUT_MODE 0x17 */
#define SERVE_PMBUS_TEXT_MAX      32

/* READ_EIN, READ_EOUT: what was added up, sample by sample. */
struct serve_pmbus_energy {
    uint64_t counts;
    uint32_t samples;
};

/* CRC-8, polynomial 0x07, continued from `crc` (0 at first). */
uint8_t serve_pmbus_pec(uint8_t crc, const uint8_t *bytes, size_t size);

/* LINEAR11: the finest exponent that holds the value; and back. */
uint16_t serve_pmbus_linear11(double value);
double serve_pmbus_linear11_value(uint16_t raw);

/* An output voltage, in the format of VOUT_MODE. */
uint16_t serve_pmbus_vout(double volts);

/* What a read gives out, low byte first; a block has its length first. Each returns its size. */
size_t serve_pmbus_byte(uint8_t *data, uint8_t value);
size_t serve_pmbus_word(uint8_t *data, uint16_t value);
size_t serve_pmbus_linear(uint8_t *data, double value); /* LINEAR11 */
size_t serve_pmbus_block(uint8_t *data, const char *text);

/* An energy block of counts that roll over at `wrap`. */
size_t serve_pmbus_energy_block(const struct serve_pmbus_energy *energy, uint32_t wrap, uint8_t *data);

#endif
