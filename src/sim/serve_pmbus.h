/* SPDX-License-Identifier: Apache-2.0 */
/* serve_pmbus.h: one simulated power supply as a PMBus device. Pure.
 *
 * Knows what travels on the wire byte for byte, PEC included; the bus around it
 * is serve_segment.c's.
 */
#ifndef BUSBAR_SIM_SERVE_PMBUS_H
#define BUSBAR_SIM_SERVE_PMBUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plant.h"
#include "serve_pmbus_codec.h"

#define SERVE_PMBUS_DATA_MAX   152 /* a block: its length and its bytes              */
#define SERVE_PMBUS_RECORD_MAX 151 /* the black box is longer than SMBus allows      */

struct serve_pmbus {
    struct plant *plant; /* borrowed                                       */
    int32_t psu;
    uint8_t address; /* 7 bits                                         */
    bool refreshed;
    /* as last measured */
    double input_v, input_a, input_w, output_v, output_a, output_w, inlet_c, outlet_c, fan_rpm;
    /* latched until CLEAR_FAULTS or a 1 written to the bit */
    uint8_t status_vout, status_iout, status_input, status_temperature, status_cml, status_fans;
    uint8_t status_other, status_mfr;
    uint8_t page, write_protect;
    bool alert; /* it pulls SMBALERT#                              */
    struct serve_pmbus_energy input_energy, output_energy;
};

/* The supply behind it. */
struct plant_psu *serve_pmbus_psu(const struct serve_pmbus *device);

void serve_pmbus_init(struct serve_pmbus *device, struct plant *plant, int32_t psu, uint8_t address);

/* Measures anew and latches what is out of bounds. `frozen`: sensors are stuck. */
void serve_pmbus_refresh(struct serve_pmbus *device, bool frozen);

/* A write: command, data, and maybe a PEC. False: not acknowledged. `ignore`:
 * accepts it and keeps the old value. */
bool serve_pmbus_write(struct serve_pmbus *device, const uint8_t *bytes, size_t size, bool ignore);

/* A read: the data of a command as they come out of the device, PEC excluded;
 * `data` has room for SERVE_PMBUS_DATA_MAX. False: not acknowledged. */
bool serve_pmbus_read(struct serve_pmbus *device, uint8_t command, uint8_t *data, size_t *ret_size);

/* A process call: a block went out, a block comes back (COEFFICIENTS, QUERY,
 * PAGE_PLUS_READ). False: not acknowledged. */
bool serve_pmbus_process(struct serve_pmbus *device, const uint8_t *bytes, size_t size, uint8_t *data,
                         size_t *ret_size);

#endif
