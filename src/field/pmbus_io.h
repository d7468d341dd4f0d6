/* SPDX-License-Identifier: Apache-2.0 */
/* pmbus_io.h: PMBus transactions on one SMBus segment, as a line of register devices.
 *
 * Without a thread: pmbus.c gives it a worker, a tool calls it itself, with a struct regio
 * around it. Every call is for one thread; reads and writes block for the bus.
 */
#ifndef BUSBAR_FIELD_PMBUS_IO_H
#define BUSBAR_FIELD_PMBUS_IO_H

#include "regio.h"

struct pmbus_io;

/* `bus` is CONF_BUS_SMBUS_LINUX or CONF_BUS_SMBUS_SOCKET: of it name, kind, path and
 * timeout_us count; borrowed. Opens nothing: pmbus_io_ops()->open does. ST_NOMEM. */
NODISCARD enum status pmbus_io_new(const struct conf_bus *bus, struct pmbus_io **ret);

/* Closes the bus first. Takes NULL; returns NULL. */
struct pmbus_io *pmbus_io_free(struct pmbus_io *io);

/* For regio; their arg is the struct pmbus_io. */
const struct regio_ops *pmbus_io_ops(void);

#endif
