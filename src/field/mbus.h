/* SPDX-License-Identifier: Apache-2.0 */
/* mbus.h: all Modbus devices of one line, RTU or TCP.
 *
 * A struct mbus owns the line and its worker. Every call below is for the main
 * thread, and none but mbus_free() waits for the line (mbus_new() opens it).
 */
#ifndef BUSBAR_FIELD_MBUS_H
#define BUSBAR_FIELD_MBUS_H

#include "adapter.h"
#include "regio.h"

struct mbus;

struct mbus_options {
    const struct conf_bus *bus;      /* CONF_BUS_MODBUS_RTU or _TCP; borrowed       */
    struct adapter *const *adapters; /* of this bus; the array is copied            */
    int32_t adapter_count;
    struct mailbox *stats; /* struct field_bus_stats; borrowed            */
};

/* Opens the line and starts its worker. ST_BUSY: another process holds the line, as
 * the log says. A line that cannot be opened otherwise is tried again every second. */
NODISCARD enum status mbus_new(const struct mbus_options *opt, struct mbus **ret);

/* A line to be driven by hand: it is not opened and has no worker. The ops are
 * regio.h's, `arg` is the struct mbus; *ret_gap_us: the line's rest between two
 * transactions. mbus_free() ends it. */
NODISCARD enum status mbus_new_idle(const struct conf_bus *bus, struct mbus **ret);
const struct regio_ops *mbus_io(const struct mbus *mbus, int64_t *ret_gap_us);

/* Stops the worker (it ends its order or its read first). Takes NULL; returns NULL. */
struct mbus *mbus_free(struct mbus *mbus);

#endif
