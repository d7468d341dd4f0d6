/* SPDX-License-Identifier: Apache-2.0 */
/* mbus_open.h: opening a Modbus port with libmodbus, and a serial line's lock. For mbus_port.c. */
#ifndef BUSBAR_FIELD_MBUS_OPEN_H
#define BUSBAR_FIELD_MBUS_OPEN_H

#include "mbus_port.h"

/* Fills ctx and fd, or `error` with why not. ST_SYS, serial also ST_BUSY. */
NODISCARD enum status mbus_open(struct mbus_port *port);

/* Takes a closed one. */
void mbus_open_undo(struct mbus_port *port);

/* As mbus_port_speed(). */
NODISCARD enum status mbus_open_speed(struct mbus_port *port, int32_t baud, char parity);

/* The longest pause between two bytes of one answer. */
int64_t mbus_open_byte_us(const struct mbus_port *port);

#endif
