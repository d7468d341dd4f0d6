/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_pmbus.c: whatever comes in over SMBus: packets and blocks, energy counters,
 * coefficients, VOUT_MODE, status. Nothing is taken that does not check out, numbers go there
 * and back and never upwards, energy is never made of doubt. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "field/pmbus_codec.h"
#include "field/pmbus_command.h"
#include "field/pmbus_energy.h"
#include "field/pmbus_status.h"
#include "field/smbus_packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* address, write count, flags, read_max, then what was clocked in. */
static void fuzz_packet(const uint8_t *data, size_t size)
{
    struct smbus_transfer t = { .address = data[0] & 0x7F,
                                .write_count = data[1] % 5,
                                .pec = data[2] & 1,
                                .block = data[2] & 2,
                                .read_max = data[3] % (SMBUS_LONG_MAX + 1) };
    uint8_t raw[SMBUS_LONG_MAX + 3];
    size_t count = size - 4 < sizeof raw ? size - 4 : sizeof raw, head = t.block ? 1 : 0;

    memcpy(t.write, data, (size_t)t.write_count);
    memcpy(raw, data + 4, count);
    must(smbus_packet_room(&t) <= sizeof raw);
    if (smbus_packet_take(&t, raw, count) != ST_OK)
        return;
    must(t.read_count >= 0 && t.read_count <= t.read_max);
    must(head + (size_t)t.read_count + t.pec <= count);
    must(memcmp(t.read, raw + head, (size_t)t.read_count) == 0);
    if (!t.pec)
        return;
    raw[head + (size_t)t.read_count] ^= 0x10; /* another code */
    must(smbus_packet_take(&t, raw, count) != ST_OK);
}

static void fuzz_direct(const uint8_t *data, size_t size)
{
    struct row_direct direct = { .m = 0 };
    uint16_t raw = (uint16_t)(data[0] | data[1] << 8), back;
    double value;
    enum status st = pmbus_codec_coefficients(data + 2, (int32_t)(size - 2 < 8 ? size - 2 : 8), &direct);

    value = pmbus_codec_direct(raw, &direct);
    if (st != ST_OK) {
        must(direct.m == 0.0 && isnan(value));
        return;
    }
    must(direct.m != 0.0 && direct.r >= -128 && direct.r <= 127);
    if (isfinite(value) && pmbus_codec_to_direct(value, &direct, &back) == ST_OK)
        must(pmbus_codec_direct(back, &direct) <=
             value + fabs(pow(10.0, (double)-direct.r) / direct.m) * 1e-5 + fabs(value) * 1e-9);
}

static void fuzz_half(uint16_t raw)
{
    double value = pmbus_codec_half(raw);
    uint16_t back;

    must(!isfinite(value) || fabs(value) <= 65504.0);
    if (isfinite(value)) {
        must(pmbus_codec_to_half(value, &back) == ST_OK);
        must(pmbus_codec_half(back) == value);
    } else {
        must(pmbus_codec_to_half(value, &back) == ST_RANGE);
    }
}

static void fuzz_status(const uint8_t *data)
{
    const struct pmbus_status_bit *bits[PMBUS_STATUS_NAMES_MAX];
    int32_t count = pmbus_status_bits(data[0], (uint32_t)data[1] | (uint32_t)data[2] << 8, bits);
    int32_t room = 1 + data[3] % 80;
    char text[80];

    must(count >= 0 && count <= PMBUS_STATUS_NAMES_MAX);
    for (int32_t i = 0; i < count; i++)
        must(bits[i]->name && (((uint32_t)data[1] | (uint32_t)data[2] << 8) >> bits[i]->bit & 1u) &&
             pmbus_status_detail(bits[i]) < 256);
    pmbus_status_text((enum signal)(data[0] % SIGNAL_COUNT), (uint32_t)data[1] | (uint32_t)data[2] << 8, text,
                      room);
    must(strnlen(text, sizeof text) < (size_t)room);
    must(pmbus_command_name(data[0])[0] != '\0');
    must(pmbus_command_allowed(data[1], PMBUS_WRITE_PROTECT));
    (void)pmbus_codec_vout_mode(data[0]);
}

/* A scale, then answers of seven bytes: six of the block, one of time since the last. */
static void fuzz_energy(const uint8_t *data, size_t size)
{
    struct pmbus_energy energy = { .known = false };
    struct pmbus_energy_scale scale = { .wrap = data[0] & 1 ? 65536 : 32768,
                                        .scale = 0.001 * (1 + data[1]),
                                        .power_max_w = 30000 };
    int64_t now_us = 0, elapsed_us;
    double before;

    if (data[0] & 2)
        scale.direct =
            (struct row_direct){ .m = (int8_t)data[2], .b = (int8_t)data[3], .r = (int8_t)data[0] / 16 };
    for (data += 4, size -= 4; size >= 7; data += 7, size -= 7) {
        struct pmbus_energy_count count;
        enum status st;

        must(pmbus_energy_parse(data, 6, &count) == ST_OK && count.samples <= 0xFFFFFF);
        must(pmbus_energy_parse(data, data[6] % 6, &count) == ST_CORRUPT);
        elapsed_us = (int64_t)data[6] * data[6] * 100;
        now_us += elapsed_us;
        before = energy.joules;
        st = pmbus_energy_step(&energy, &scale, &count, now_us);
        if (st == ST_OK)
            must(fabs(energy.mean_w) <= scale.power_max_w && elapsed_us >= 0);
        else
            must(energy.joules == before);
        must(isfinite(energy.joules));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 6)
        return 0;
    switch (data[0] % 4) {
    case 0:
        fuzz_packet(data + 1, size - 1);
        break;
    case 1:
        fuzz_direct(data + 1, size - 1);
        fuzz_half((uint16_t)(data[1] | data[2] << 8));
        break;
    case 2:
        fuzz_status(data + 1);
        break;
    default:
        fuzz_energy(data + 1, size - 1);
        break;
    }
    return 0;
}
