/* SPDX-License-Identifier: Apache-2.0 */
/* serve_pmbus_status.c: owns the status bits of a simulated supply: what sets them, what they
 * are read as, what clears them. Pure.
 */
#include "serve_pmbus_status.h"

#include "serve_pmbus_command.h"

/* All latches but that of communication, in one number. */
static uint64_t serve_pmbus_latches(const struct serve_pmbus *device)
{
    return (uint64_t)device->status_vout << 48 | (uint64_t)device->status_iout << 40 |
           (uint64_t)device->status_input << 32 | (uint64_t)device->status_temperature << 24 |
           (uint64_t)device->status_other << 16 | (uint64_t)device->status_mfr << 8 | device->status_fans;
}

void serve_pmbus_latch(struct serve_pmbus *device)
{
    uint64_t before = serve_pmbus_latches(device);
    const struct plant_psu *psu = serve_pmbus_psu(device);
    double rated_w = device->plant->shelves[psu->shelf].psu_rated_w;

    if (device->output_v > 52.5)
        device->status_vout |= 0x40;
    if (psu->on && device->output_v < 46.0)
        device->status_vout |= 0x20;
    if (device->output_w > 1.2 * rated_w)
        device->status_iout |= 0x20;
    if (device->output_w > psu->output_warn_w)
        device->status_iout |= 0x01;
    if (device->input_v > 305.0)
        device->status_input |= 0x40;
    if (device->input_v < 180.0)
        device->status_input |= 0x20;
    if (device->input_v < 172.0)
        device->status_input |= 0x18;
    if (device->input_w > psu->input_warn_w)
        device->status_input |= 0x01;
    if (device->inlet_c > 55.0 || device->outlet_c > 85.0)
        device->status_temperature |= 0x40;
    if (serve_pmbus_latches(device) & ~before)
        device->alert = true;
}

uint16_t serve_pmbus_status_word(const struct serve_pmbus *device)
{
    unsigned word = 0;
    bool on = serve_pmbus_psu(device)->on && device->output_v > 1.0;

    word |= on ? 0 : 0x0840; /* POWER_GOOD# and OFF */
    word |= device->status_vout & 0x80 ? 0x0020 : 0;
    word |= device->status_iout & 0x80 ? 0x0010 : 0;
    word |= device->status_input & 0x10 ? 0x0008 : 0;
    word |= device->status_temperature ? 0x0004 : 0;
    word |= device->status_cml ? 0x0002 : 0;
    word |= device->status_vout ? 0x8000 : 0;
    word |= device->status_iout ? 0x4000 : 0;
    word |= device->status_input ? 0x2000 : 0;
    word |= device->status_fans ? 0x0400 : 0;
    word |= device->status_mfr ? 0x1000 : 0;
    word |= device->status_other ? 0x0200 : 0;
    return (uint16_t)word;
}

uint8_t *serve_pmbus_latched(struct serve_pmbus *device, uint8_t command)
{
    switch ((enum pmbus_command)command) {
    case PMBUS_STATUS_VOUT:
        return &device->status_vout;
    case PMBUS_STATUS_IOUT:
        return &device->status_iout;
    case PMBUS_STATUS_INPUT:
        return &device->status_input;
    case PMBUS_STATUS_TEMPERATURE:
        return &device->status_temperature;
    case PMBUS_STATUS_CML:
        return &device->status_cml;
    case PMBUS_STATUS_OTHER:
        return &device->status_other;
    case PMBUS_STATUS_MFR:
        return &device->status_mfr;
    case PMBUS_STATUS_FANS:
        return &device->status_fans;
    default:
        return NULL;
    }
}

void serve_pmbus_status(struct serve_pmbus *device, uint8_t command, uint8_t bits)
{
    uint8_t *latch = serve_pmbus_latched(device, command);

    if (!latch || (*latch & bits) == bits)
        return;
    *latch |= bits;
    device->alert = true;
}

void serve_pmbus_clear(struct serve_pmbus *device)
{
    device->status_vout = device->status_iout = device->status_input = 0;
    device->status_temperature = device->status_cml = device->status_fans = 0;
    device->status_other = device->status_mfr = 0;
    device->alert = false;
    serve_pmbus_latch(device); /* what is still wrong says so again */
}
