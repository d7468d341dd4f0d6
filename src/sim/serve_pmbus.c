/* SPDX-License-Identifier: Apache-2.0 */
/* serve_pmbus.c: owns the PMBus commands of a simulated supply: what each reads
 * and what each may be written. Pure; runs on the caller's thread.
 */
#include "serve_pmbus.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "serve_pmbus_command.h"
#include "serve_pmbus_status.h"

#define PMBUS_WARN_MAX_W  32767.0
#define PMBUS_ENERGY_WRAP 32768u /* a count is a watt: DIRECT with m 1, b 0, R 0 */

struct plant_psu *serve_pmbus_psu(const struct serve_pmbus *device)
{
    return &device->plant->psus[device->psu];
}

void serve_pmbus_init(struct serve_pmbus *device, struct plant *plant, int32_t psu, uint8_t address)
{
    *device = (struct serve_pmbus){.plant = plant, .psu = psu, .address = address};
    serve_pmbus_refresh(device, false);
}

static void serve_pmbus_add(struct serve_pmbus_energy *energy, double watts)
{
    energy->counts += watts > 0.0 ? (uint64_t)(watts + 0.5) : 0;
    energy->samples++;
}

void serve_pmbus_refresh(struct serve_pmbus *device, bool frozen)
{
    const struct plant_psu *psu = serve_pmbus_psu(device);

    if (!frozen || !device->refreshed) {
        device->input_v = psu->input_v;
        device->input_a = psu->input_a;
        device->input_w = psu->input_w;
        device->output_v = psu->output_v;
        device->output_a = psu->output_a;
        device->output_w = psu->output_w;
        device->inlet_c = psu->inlet_c;
        device->outlet_c = psu->outlet_c;
        device->fan_rpm =
            psu->input_v < 172.0 ? 0.0 : fmin(fmax(4000.0 + 250.0 * (psu->outlet_c - 30.0), 3000.0), 25000.0);
        device->refreshed = true;
    }
    serve_pmbus_add(&device->input_energy, device->input_w);
    serve_pmbus_add(&device->output_energy, device->output_w);
    serve_pmbus_latch(device);
}

/* ---- reading ---- */

static const char *serve_pmbus_model(const struct serve_pmbus *device)
{
    const struct plant_shelf *shelf = &device->plant->shelves[serve_pmbus_psu(device)->shelf];

    if (serve_pmbus_psu(device)->model[0] != '\0')
        return serve_pmbus_psu(device)->model;
    return shelf->kind == PLANT_ORV3 ? "ORV3-PSU-3000" : "HPR-PSU-5500";
}

static size_t serve_pmbus_read_reading(const struct serve_pmbus *device, uint8_t command, uint8_t *data)
{
    switch ((enum pmbus_command)command) {
    case PMBUS_READ_VIN:
        return serve_pmbus_linear(data, device->input_v);
    case PMBUS_READ_IIN:
        return serve_pmbus_linear(data, device->input_a);
    case PMBUS_READ_PIN:
        return serve_pmbus_linear(data, device->input_w);
    case PMBUS_READ_VOUT:
        return serve_pmbus_word(data, serve_pmbus_vout(device->output_v));
    case PMBUS_READ_IOUT:
        return serve_pmbus_linear(data, device->output_a);
    case PMBUS_READ_POUT:
        return serve_pmbus_linear(data, device->output_w);
    case PMBUS_READ_TEMPERATURE_1:
        return serve_pmbus_linear(data, device->inlet_c);
    case PMBUS_READ_TEMPERATURE_2:
        return serve_pmbus_linear(data, device->outlet_c);
    case PMBUS_READ_FAN_SPEED_1:
        return serve_pmbus_linear(data, device->fan_rpm);
    case PMBUS_POUT_OP_WARN_LIMIT:
        return serve_pmbus_linear(data, serve_pmbus_psu(device)->output_warn_w);
    case PMBUS_PIN_OP_WARN_LIMIT:
        return serve_pmbus_linear(data, serve_pmbus_psu(device)->input_warn_w);
    default:
        return 0;
    }
}

/* The first half of the black box: serial number and status as text, a sum at its end. */
static size_t serve_pmbus_record(const struct serve_pmbus *device, uint8_t *data)
{
    uint8_t sum = 0;

    memset(data, 0, SERVE_PMBUS_RECORD_MAX + 1);
    data[0] = SERVE_PMBUS_RECORD_MAX;
    (void)snprintf((char *)data + 2, SERVE_PMBUS_RECORD_MAX - 2, "%s status %04x", serve_pmbus_psu(device)->serial,
                   serve_pmbus_status_word(device));
    for (int i = 1; i < SERVE_PMBUS_RECORD_MAX; i++)
        sum = (uint8_t)(sum + data[i]);
    data[SERVE_PMBUS_RECORD_MAX] = (uint8_t)-sum;
    return SERVE_PMBUS_RECORD_MAX + 1;
}

static size_t serve_pmbus_read_other(struct serve_pmbus *device, uint8_t command, uint8_t *data)
{
    switch ((enum pmbus_command)command) {
    case PMBUS_PAGE:
        return serve_pmbus_byte(data, device->page);
    case PMBUS_OPERATION:
        return serve_pmbus_byte(data, serve_pmbus_psu(device)->on ? 0x80 : 0x00);
    case PMBUS_ON_OFF_CONFIG: /* obeys OPERATION, turns off at once */
        return serve_pmbus_byte(data, 0x19);
    case PMBUS_WRITE_PROTECT:
        return serve_pmbus_byte(data, device->write_protect);
    case PMBUS_CAPABILITY: /* PEC, 400 kHz, SMBALERT# */
        return serve_pmbus_byte(data, 0xB0);
    case PMBUS_VOUT_MODE:
        return serve_pmbus_byte(data, SERVE_PMBUS_VOUT_EXPONENT & 0x1F);
    case PMBUS_STATUS_BYTE:
        return serve_pmbus_byte(data, (uint8_t)serve_pmbus_status_word(device));
    case PMBUS_STATUS_WORD:
        return serve_pmbus_word(data, serve_pmbus_status_word(device));
    case PMBUS_READ_EIN:
        return serve_pmbus_energy_block(&device->input_energy, PMBUS_ENERGY_WRAP, data);
    case PMBUS_READ_EOUT:
        return serve_pmbus_energy_block(&device->output_energy, PMBUS_ENERGY_WRAP, data);
    case PMBUS_MFR_BLACKBOX:
        return serve_pmbus_record(device, data);
    case PMBUS_REVISION: /* 1.2, both parts */
        return serve_pmbus_byte(data, 0x22);
    case PMBUS_MFR_ID:
        return serve_pmbus_block(data, "Busbar Sim");
    case PMBUS_MFR_MODEL:
        return serve_pmbus_block(data, serve_pmbus_model(device));
    case PMBUS_MFR_REVISION:
        return serve_pmbus_block(data, "1.4.0");
    case PMBUS_MFR_SERIAL:
        return serve_pmbus_block(data, serve_pmbus_psu(device)->serial);
    default:
        return 0;
    }
}

bool serve_pmbus_read(struct serve_pmbus *device, uint8_t command, uint8_t *data, size_t *ret_size)
{
    const uint8_t *latch = serve_pmbus_latched(device, command);
    size_t size = latch ? serve_pmbus_byte(data, *latch) : serve_pmbus_read_reading(device, command, data);

    if (size == 0)
        size = serve_pmbus_read_other(device, command, data);
    if (size == 0) {
        device->status_cml |= SERVE_PMBUS_CML_COMMAND;
        return false;
    }
    *ret_size = size;
    return true;
}

/* ---- writing ---- */

/* Bytes of data a written command takes; -1: it cannot be written. */
static int serve_pmbus_write_size(uint8_t command)
{
    switch ((enum pmbus_command)command) {
    case PMBUS_CLEAR_FAULTS:
        return 0;
    case PMBUS_PAGE:
    case PMBUS_OPERATION:
    case PMBUS_ON_OFF_CONFIG:
    case PMBUS_WRITE_PROTECT:
    case PMBUS_STATUS_VOUT:
    case PMBUS_STATUS_IOUT:
    case PMBUS_STATUS_INPUT:
    case PMBUS_STATUS_TEMPERATURE:
    case PMBUS_STATUS_CML:
    case PMBUS_STATUS_OTHER:
    case PMBUS_STATUS_MFR:
    case PMBUS_STATUS_FANS:
        return 1;
    case PMBUS_POUT_OP_WARN_LIMIT:
    case PMBUS_PIN_OP_WARN_LIMIT:
        return 2;
    default:
        return -1;
    }
}

/* ---- process calls ---- */

static bool serve_pmbus_is_known(struct serve_pmbus *device, uint8_t command)
{
    uint8_t data[SERVE_PMBUS_DATA_MAX];

    return serve_pmbus_latched(device, command) || serve_pmbus_read_reading(device, command, data) > 0 ||
           serve_pmbus_read_other(device, command, data) > 0;
}

/* QUERY: known, readable and perhaps writable; numbers in LINEAR, energies in DIRECT. */
static uint8_t serve_pmbus_query(struct serve_pmbus *device, uint8_t command)
{
    uint8_t data[SERVE_PMBUS_DATA_MAX];
    unsigned answer;

    if (!serve_pmbus_is_known(device, command))
        return 0;
    answer = 0xA0u | (serve_pmbus_write_size(command) >= 0 ? 0x40u : 0u);
    if (command == PMBUS_READ_EIN || command == PMBUS_READ_EOUT)
        answer |= 3u << 2;
    else if (serve_pmbus_read_reading(device, command, data) == 0)
        answer |= 7u << 2; /* no number */
    return (uint8_t)answer;
}

static size_t serve_pmbus_page_plus(struct serve_pmbus *device, uint8_t command, uint8_t *data)
{
    uint8_t read[SERVE_PMBUS_DATA_MAX];
    size_t size;

    if (!serve_pmbus_read(device, command, read, &size) || size > SERVE_PMBUS_TEXT_MAX)
        return 0;
    data[0] = (uint8_t)size; /* one output: every page is the same */
    memcpy(data + 1, read, size);
    return size + 1;
}

bool serve_pmbus_process(struct serve_pmbus *device, const uint8_t *bytes, size_t size, uint8_t *data,
                         size_t *ret_size)
{
    bool energy = size == 4 && (bytes[2] == PMBUS_READ_EIN || bytes[2] == PMBUS_READ_EOUT);

    *ret_size = 0;
    if (size == 3 && bytes[0] == PMBUS_QUERY && bytes[1] == 1) {
        data[0] = 1;
        data[1] = serve_pmbus_query(device, bytes[2]);
        *ret_size = 2;
    } else if (energy && bytes[0] == PMBUS_COEFFICIENTS && bytes[1] == 2) {
        memcpy(data, "\x05\x01\x00\x00\x00\x00", 6); /* m 1, b 0, R 0 */
        *ret_size = 6;
    } else if (size == 4 && bytes[0] == PMBUS_PAGE_PLUS_READ && bytes[1] == 2) {
        *ret_size = serve_pmbus_page_plus(device, bytes[3], data);
    }
    if (*ret_size == 0)
        device->status_cml |= SERVE_PMBUS_CML_COMMAND;
    return *ret_size > 0;
}

/* ---- protection, writing ---- */

/* WRITE_PROTECT: 80h lets only itself through, 40h OPERATION and PAGE too, 20h
 * also ON_OFF_CONFIG. CLEAR_FAULTS changes no setting. */
static bool serve_pmbus_protected(const struct serve_pmbus *device, uint8_t command)
{
    if (device->write_protect == 0 || command == PMBUS_WRITE_PROTECT || command == PMBUS_CLEAR_FAULTS)
        return false;
    if (device->write_protect == 0x80)
        return true;
    if (command == PMBUS_OPERATION || command == PMBUS_PAGE)
        return false;
    return device->write_protect != 0x20 || command != PMBUS_ON_OFF_CONFIG;
}

/* False: the data make no sense. */
static bool serve_pmbus_apply(struct serve_pmbus *device, uint8_t command, const uint8_t *data)
{
    struct plant_psu *psu = serve_pmbus_psu(device);
    uint8_t *latch = serve_pmbus_latched(device, command);
    double watts;

    if (latch) {
        *latch &= (uint8_t)~data[0];
        serve_pmbus_latch(device);
        return true;
    }
    switch ((enum pmbus_command)command) {
    case PMBUS_CLEAR_FAULTS:
        serve_pmbus_clear(device);
        return true;
    case PMBUS_PAGE: /* one output: a page is accepted and means nothing */
        device->page = data[0];
        return true;
    case PMBUS_OPERATION:
        psu->on = (data[0] & 0x80) != 0;
        return true;
    case PMBUS_WRITE_PROTECT:
        if (data[0] != 0x80 && data[0] != 0x40 && data[0] != 0x20 && data[0] != 0x00)
            return false;
        device->write_protect = data[0];
        return true;
    case PMBUS_POUT_OP_WARN_LIMIT:
    case PMBUS_PIN_OP_WARN_LIMIT:
        watts = serve_pmbus_linear11_value((uint16_t)(data[0] | data[1] << 8));
        if (watts < 0.0 || watts > PMBUS_WARN_MAX_W)
            return false;
        *(command == PMBUS_PIN_OP_WARN_LIMIT ? &psu->input_warn_w : &psu->output_warn_w) = watts;
        serve_pmbus_latch(device);
        return true;
    default:
        return true;
    }
}

bool serve_pmbus_write(struct serve_pmbus *device, const uint8_t *bytes, size_t size, bool ignore)
{
    uint8_t address = (uint8_t)(device->address << 1);
    int wanted = size > 0 ? serve_pmbus_write_size(bytes[0]) : -1;

    if (wanted < 0) {
        device->status_cml |= SERVE_PMBUS_CML_COMMAND;
        return false;
    }
    /* One byte more than the command takes is its PEC. */
    if (size != (size_t)wanted + 1 && size != (size_t)wanted + 2) {
        device->status_cml |= SERVE_PMBUS_CML_OTHER;
        return false;
    }
    if (size == (size_t)wanted + 2 &&
        serve_pmbus_pec(serve_pmbus_pec(0, &address, 1), bytes, size - 1) != bytes[size - 1]) {
        device->status_cml |= SERVE_PMBUS_CML_PEC;
        return false;
    }
    if (serve_pmbus_protected(device, bytes[0])) {
        device->status_cml |= SERVE_PMBUS_CML_DATA;
        return false;
    }
    if (ignore)
        return true;
    if (!serve_pmbus_apply(device, bytes[0], bytes + 1)) {
        device->status_cml |= SERVE_PMBUS_CML_DATA;
        return false;
    }
    return true;
}
