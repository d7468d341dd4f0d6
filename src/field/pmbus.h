/* SPDX-License-Identifier: Apache-2.0 */
/* pmbus.h: all PMBus devices of one SMBus segment.
 *
 * A struct pmbus owns the bus and its worker. Every call below is for the main
 * thread, and none but pmbus_free() waits for the bus (pmbus_new() opens it).
 */
#ifndef BUSBAR_FIELD_PMBUS_H
#define BUSBAR_FIELD_PMBUS_H

#include "adapter.h"

struct pmbus;

struct pmbus_options {
    const struct conf_bus *bus;      /* CONF_BUS_SMBUS_LINUX or _SOCKET; borrowed   */
    struct adapter *const *adapters; /* of this bus; the array is copied            */
    int32_t adapter_count;
    struct mailbox *stats; /* struct field_bus_stats; borrowed            */
};

/* Opens the bus and starts its worker. ST_BUSY: another process holds the bus, as the
 * log says. A bus that cannot be opened otherwise is tried again every second. */
NODISCARD enum status pmbus_new(const struct pmbus_options *opt, struct pmbus **ret);

/* Stops the worker (it ends its order or its read first). Takes NULL; returns NULL. */
struct pmbus *pmbus_free(struct pmbus *pmbus);

#endif
