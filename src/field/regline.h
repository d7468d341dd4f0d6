/* SPDX-License-Identifier: Apache-2.0 */
/* regline.h: all register devices of one blocking bus, and whose turn it is.
 *
 * Read-backs that have settled go before orders, those before polls, polls by earliest
 * deadline. mbus.c and pmbus.c give it a bus; a test gives it a fake one and takes
 * the turns itself.
 */
#ifndef BUSBAR_FIELD_REGLINE_H
#define BUSBAR_FIELD_REGLINE_H

#include <stdint.h>

#include "adapter.h"
#include "regio.h"

struct regline;

struct regline_options {
    const struct regio_ops *ops;       /* borrowed, with arg                          */
    void *arg;
    const struct conf_bus *bus;        /* borrowed                                    */
    int64_t gap_min_us;                /* rest between any two transactions           */
    struct adapter *const *adapters;   /* of this bus; the array is copied            */
    int32_t adapter_count;
    struct mailbox *stats;             /* struct field_bus_stats, to main; borrowed   */
};

/* Opens the bus. ST_BUSY: another process holds it. A bus that cannot be opened for
 * another reason is tried again every second. No thread runs yet. */
NODISCARD enum status regline_new(const struct regline_options *opt, struct regline **ret);

/* Starts the worker; each put into an adapter's from_tick wakes it. */
NODISCARD enum status regline_start(struct regline *line);

/* One turn, as the worker takes it: one order, one read-back or one poll. */
int64_t regline_turn(void *line, int64_t now_us);

/* Lets the turn end, closes the bus. Takes NULL; returns NULL. */
struct regline *regline_free(struct regline *line);

#endif
