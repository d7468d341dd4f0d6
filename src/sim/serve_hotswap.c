/* SPDX-License-Identifier: Apache-2.0 */
/* serve_hotswap.c: owns the commands of a simulated hot-swap controller. Pure; runs on the
 * caller's thread. The simulator's own codec: it shares nothing with the daemon's.
 */
#include "serve_hotswap.h"

#include <math.h>
#include <string.h>

#define HOTSWAP_MOHM        0.3
#define HOTSWAP_ENERGY_WRAP 32768u
#define HOTSWAP_CML_COMMAND 0x80u
#define HOTSWAP_CONFIG      0x003F /* PMON_CONFIG: 100 V, 30 mV, samples go on */

enum hotswap_command {
    HOTSWAP_CLEAR_FAULTS = 0x03,
    HOTSWAP_CAPABILITY = 0x19,
    HOTSWAP_COEFFICIENTS = 0x30,
    HOTSWAP_STATUS_BYTE = 0x78,
    HOTSWAP_STATUS_WORD = 0x79,
    HOTSWAP_STATUS_VOUT = 0x7A,
    HOTSWAP_STATUS_IOUT = 0x7B,
    HOTSWAP_STATUS_INPUT = 0x7C,
    HOTSWAP_STATUS_TEMPERATURE = 0x7D,
    HOTSWAP_STATUS_CML = 0x7E,
    HOTSWAP_STATUS_MFR = 0x80,
    HOTSWAP_READ_EIN = 0x86,
    HOTSWAP_READ_VIN = 0x88,
    HOTSWAP_READ_VOUT = 0x8B,
    HOTSWAP_READ_IOUT = 0x8C,
    HOTSWAP_READ_TEMPERATURE = 0x8D,
    HOTSWAP_READ_PIN = 0x97,
    HOTSWAP_MFR_ID = 0x99,
    HOTSWAP_MFR_MODEL = 0x9A,
    HOTSWAP_MFR_REVISION = 0x9B,
    HOTSWAP_PMON_CONFIG = 0xD4
};

/* Y = (m X + b) 10^R. */
static const struct hotswap_line {
    uint8_t command;
    double m, b;
    int r;
} hotswap_lines[] = {
    { .command = HOTSWAP_READ_VIN, .m = 4062, .r = -2 },
    { .command = HOTSWAP_READ_VOUT, .m = 4062, .r = -2 },
    { .command = HOTSWAP_READ_IOUT, .m = 663 * HOTSWAP_MOHM, .b = 20480, .r = -1 },
    { .command = HOTSWAP_READ_PIN, .m = 10535 * HOTSWAP_MOHM, .r = -3 },
    { .command = HOTSWAP_READ_EIN, .m = 10535 * HOTSWAP_MOHM, .r = -3 },
    { .command = HOTSWAP_READ_TEMPERATURE, .m = 42, .b = 31871, .r = -1 },
};

static const struct hotswap_line *serve_hotswap_line(uint8_t command)
{
    for (size_t i = 0; i < sizeof hotswap_lines / sizeof *hotswap_lines; i++)
        if (hotswap_lines[i].command == command)
            return &hotswap_lines[i];
    return NULL;
}

static int serve_hotswap_counts(uint8_t command, double value)
{
    const struct hotswap_line *line = serve_hotswap_line(command);
    double y = nearbyint((line->m * value + line->b) * pow(10.0, line->r));

    return y < -32768.0 ? -32768 : y > 32767.0 ? 32767 : (int)y;
}

void serve_hotswap_init(struct serve_hotswap *device, struct plant *plant, int32_t shelf)
{
    *device = (struct serve_hotswap){ .plant = plant, .shelf = shelf };
    serve_hotswap_refresh(device);
}

void serve_hotswap_refresh(struct serve_hotswap *device)
{
    const struct plant_shelf *shelf = &device->plant->shelves[device->shelf];

    device->bus_v = device->bus_a = 0.0;
    device->temp_c = 25.0;
    for (int32_t i = shelf->psu_first; i < shelf->psu_first + shelf->psu_count; i++) {
        device->bus_v = fmax(device->bus_v, device->plant->psus[i].output_v);
        device->bus_a += device->plant->psus[i].output_a;
        device->temp_c = fmax(device->temp_c, device->plant->psus[i].inlet_c);
    }
    device->bus_w = device->bus_v * device->bus_a;
    device->energy.counts += (uint64_t)fmax(serve_hotswap_counts(HOTSWAP_READ_PIN, device->bus_w), 0);
    device->energy.samples++;
}

static size_t serve_hotswap_word(uint8_t *data, int word)
{
    data[0] = (uint8_t)word;
    data[1] = (uint8_t)(word >> 8);
    return 2;
}

static size_t serve_hotswap_text(uint8_t *data, const char *text)
{
    data[0] = (uint8_t)strlen(text);
    memcpy(data + 1, text, data[0]);
    return data[0] + 1u;
}

static size_t serve_hotswap_byte(uint8_t *data, uint8_t byte)
{
    data[0] = byte;
    return 1;
}

bool serve_hotswap_read(struct serve_hotswap *device, uint8_t command, uint8_t *data, size_t *ret_size)
{
    size_t size = 0;

    switch ((enum hotswap_command)command) {
    case HOTSWAP_READ_VIN:
    case HOTSWAP_READ_VOUT:
        size = serve_hotswap_word(data, serve_hotswap_counts(command, device->bus_v));
        break;
    case HOTSWAP_READ_IOUT:
        size = serve_hotswap_word(data, serve_hotswap_counts(command, device->bus_a));
        break;
    case HOTSWAP_READ_PIN:
        size = serve_hotswap_word(data, serve_hotswap_counts(command, device->bus_w));
        break;
    case HOTSWAP_READ_TEMPERATURE:
        size = serve_hotswap_word(data, serve_hotswap_counts(command, device->temp_c));
        break;
    case HOTSWAP_READ_EIN:
        size = serve_pmbus_energy_block(&device->energy, HOTSWAP_ENERGY_WRAP, data);
        break;
    case HOTSWAP_STATUS_WORD:
        size = serve_hotswap_word(data, device->status_cml ? 0x0002 : 0);
        break;
    case HOTSWAP_STATUS_BYTE:
        size = serve_hotswap_byte(data, device->status_cml ? 0x02 : 0);
        break;
    case HOTSWAP_STATUS_VOUT:
    case HOTSWAP_STATUS_IOUT:
    case HOTSWAP_STATUS_INPUT:
    case HOTSWAP_STATUS_TEMPERATURE:
    case HOTSWAP_STATUS_MFR:
        size = serve_hotswap_byte(data, 0);
        break;
    case HOTSWAP_STATUS_CML:
        size = serve_hotswap_byte(data, device->status_cml);
        break;
    case HOTSWAP_CAPABILITY: /* PEC, 400 kHz */
        size = serve_hotswap_byte(data, 0xA0);
        break;
    case HOTSWAP_PMON_CONFIG:
        size = serve_hotswap_word(data, HOTSWAP_CONFIG);
        break;
    case HOTSWAP_MFR_ID:
        size = serve_hotswap_text(data, "ADI");
        break;
    case HOTSWAP_MFR_MODEL:
        size = serve_hotswap_text(data, "ADM1272-SIM");
        break;
    case HOTSWAP_MFR_REVISION:
        size = serve_hotswap_text(data, "1");
        break;
    case HOTSWAP_CLEAR_FAULTS:
    case HOTSWAP_COEFFICIENTS:
        break;
    }
    if (size == 0)
        device->status_cml |= HOTSWAP_CML_COMMAND;
    *ret_size = size;
    return size > 0;
}

/* COEFFICIENTS has whole numbers only: m times its resistor is brought up by a power of ten. */
bool serve_hotswap_process(struct serve_hotswap *device, const uint8_t *bytes, size_t size, uint8_t *data,
                           size_t *ret_size)
{
    const struct hotswap_line *line =
        size == 4 && bytes[0] == HOTSWAP_COEFFICIENTS && bytes[1] == 2 ? serve_hotswap_line(bytes[2]) : NULL;
    double m, b;
    int r;

    *ret_size = 0;
    if (!line) {
        device->status_cml |= HOTSWAP_CML_COMMAND;
        return false;
    }
    m = line->m;
    b = line->b;
    r = line->r;
    while (fabs(m - nearbyint(m)) > 1e-9 && fabs(m) * 10.0 < 32767.0 && fabs(b) * 10.0 < 32767.0) {
        m *= 10.0;
        b *= 10.0;
        r--;
    }
    data[0] = 5;
    (void)serve_hotswap_word(data + 1, (int)nearbyint(m));
    (void)serve_hotswap_word(data + 3, (int)nearbyint(b));
    data[5] = (uint8_t)r;
    *ret_size = 6;
    return true;
}

bool serve_hotswap_write(struct serve_hotswap *device, const uint8_t *bytes, size_t size)
{
    if (size < 1 || bytes[0] != HOTSWAP_CLEAR_FAULTS) {
        device->status_cml |= HOTSWAP_CML_COMMAND;
        return false;
    }
    device->status_cml = 0;
    return true;
}
