/* SPDX-License-Identifier: Apache-2.0 */
/* serve_hotswap.h: a simulated hot-swap controller behind a shelf's busbar clips. Pure.
 *
 * A PMBus device whose numbers are DIRECT with coefficients of its own, as an ADM1272 at
 * 100 V and 30 mV with a sense resistor of 0.3 mOhm. It measures what the shelf gives.
 */
#ifndef BUSBAR_SIM_SERVE_HOTSWAP_H
#define BUSBAR_SIM_SERVE_HOTSWAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "serve_pmbus.h"

struct serve_hotswap {
    struct plant *plant; /* borrowed                                       */
    int32_t shelf;
    double bus_v, bus_a, bus_w, temp_c;
    uint8_t status_cml;
    struct serve_pmbus_energy energy; /* counts of DIRECT                            */
};

void serve_hotswap_init(struct serve_hotswap *device, struct plant *plant, int32_t shelf);

/* Measures anew. */
void serve_hotswap_refresh(struct serve_hotswap *device);

/* As serve_pmbus_read() and serve_pmbus_process(). It takes no write but CLEAR_FAULTS. */
bool serve_hotswap_read(struct serve_hotswap *device, uint8_t command, uint8_t *data, size_t *ret_size);
bool serve_hotswap_process(struct serve_hotswap *device, const uint8_t *bytes, size_t size, uint8_t *data,
                           size_t *ret_size);
bool serve_hotswap_write(struct serve_hotswap *device, const uint8_t *bytes, size_t size);

#endif
