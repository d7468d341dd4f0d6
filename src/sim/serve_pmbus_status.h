/* SPDX-License-Identifier: Apache-2.0 */
/* serve_pmbus_status.h: the latched faults of a simulated supply. Pure. */
#ifndef BUSBAR_SIM_SERVE_PMBUS_STATUS_H
#define BUSBAR_SIM_SERVE_PMBUS_STATUS_H

#include "serve_pmbus.h"

/* Bits of STATUS_CML. */
#define SERVE_PMBUS_CML_COMMAND 0x80u
#define SERVE_PMBUS_CML_DATA    0x40u
#define SERVE_PMBUS_CML_PEC     0x20u
#define SERVE_PMBUS_CML_OTHER   0x02u

/* Warnings and faults of what was measured; they stay until somebody clears them. A new one
 * pulls SMBALERT#. */
void serve_pmbus_latch(struct serve_pmbus *device);

uint16_t serve_pmbus_status_word(const struct serve_pmbus *device);

/* The latch behind a status command, or NULL. */
uint8_t *serve_pmbus_latched(struct serve_pmbus *device, uint8_t command);

/* CLEAR_FAULTS: what is still wrong says so again. */
void serve_pmbus_clear(struct serve_pmbus *device);

/* Sets bits of a STATUS_ command, as if they had come by themselves. */
void serve_pmbus_status(struct serve_pmbus *device, uint8_t command, uint8_t bits);

#endif
