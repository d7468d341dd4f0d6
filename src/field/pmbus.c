/* SPDX-License-Identifier: Apache-2.0 */
/* pmbus.c: all PMBus devices of one SMBus segment.
 *
 * Owns the segment and its worker. What is read and written, and when, is regline.c's
 * business; how it travels, pmbus_io.c's; what a device is like, pmbus_setup.c's.
 */
#include "pmbus.h"

#include <stdlib.h>

#include "pmbus_io.h"
#include "regline.h"

struct pmbus {
    struct pmbus_io *io;
    struct regline *line;
};

enum status pmbus_new(const struct pmbus_options *opt, struct pmbus **ret)
{
    struct pmbus *pmbus = calloc(1, sizeof *pmbus);
    struct regline_options line = {
        .ops = pmbus_io_ops(),
        .bus = opt->bus,
        .adapters = opt->adapters,
        .adapter_count = opt->adapter_count,
        .stats = opt->stats,
    };
    enum status st;

    if (!pmbus)
        return ST_NOMEM;
    st = pmbus_io_new(opt->bus, &pmbus->io);
    line.arg = pmbus->io;
    if (st == ST_OK)
        st = regline_new(&line, &pmbus->line);
    if (st == ST_OK)
        st = regline_start(pmbus->line);
    if (st != ST_OK)
        goto fail;
    *ret = pmbus;
    return ST_OK;

fail:
    pmbus_free(pmbus);
    return st;
}

struct pmbus *pmbus_free(struct pmbus *pmbus)
{
    if (!pmbus)
        return NULL;
    regline_free(pmbus->line);
    pmbus_io_free(pmbus->io);
    free(pmbus);
    return NULL;
}
