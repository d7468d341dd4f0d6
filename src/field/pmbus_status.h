/* SPDX-License-Identifier: Apache-2.0 */
/* pmbus_status.h: the bits of PMBus's STATUS_* commands, by name. Pure.
 *
 * STATUS_WORD says which of the others have something to tell; those name it.
 */
#ifndef BUSBAR_FIELD_PMBUS_STATUS_H
#define BUSBAR_FIELD_PMBUS_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/signals.h"

enum pmbus_status_class {
    PMBUS_STATUS_FAULT, /* it is off, or about to be                              */
    PMBUS_STATUS_WARNING,
    PMBUS_STATUS_STATE,  /* how it is, and nothing wrong with it                   */
    PMBUS_STATUS_SUMMARY /* look at the command it stands for                      */
};

struct pmbus_status_bit {
    uint8_t command; /* STATUS_...                                             */
    uint8_t bit;
    enum pmbus_status_class class;
    const char *name; /* "vout_ov_fault"                                        */
};

#define PMBUS_STATUS_NAMES_MAX 16

/* The bits that are set, highest first, into `ret`, which has room for
 * PMBUS_STATUS_NAMES_MAX. Bits without a meaning are left out. Returns how many. */
int32_t pmbus_status_bits(uint8_t command, uint32_t raw,
                          const struct pmbus_status_bit *ret[PMBUS_STATUS_NAMES_MAX]);

/* Those bits of `raw` that are faults or warnings. */
uint32_t pmbus_status_faults(uint8_t command, uint32_t raw);

/* The status command whose value a signal holds, or -1. */
int32_t pmbus_status_command(enum signal signal);

/* The status command that a summary bit of STATUS_WORD stands for, or -1. */
int32_t pmbus_status_detail(const struct pmbus_status_bit *bit);

/* The names of all faults, warnings and states in `raw` of a status signal, "a, b", cut to
 * `room` - 1 characters; "" where there are none. Summaries are left out. */
void pmbus_status_text(enum signal signal, uint32_t raw, char *ret, int32_t room);

#endif
