/* SPDX-License-Identifier: Apache-2.0 */
/* probe.h: one device on one bus, read and written by hand.
 *
 * For busbarctl: no worker, no schedule, no daemon. A struct probe owns the bus and
 * its lock; every call blocks until the bus has answered or did not. What is read
 * and written goes through the same code as the daemon's.
 */
#ifndef BUSBAR_PROBE_H
#define BUSBAR_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/conf.h"
#include "busbar/device.h"
#include "busbar/field.h"
#include "busbar/original.h"
#include "busbar/status.h"

struct probe;

/* Opens the bus: any kind but CONF_BUS_REDFISH. ST_BUSY: another process holds it;
 * ST_SYS: it cannot be opened; the log says why in both. `bus` is borrowed. */
NODISCARD enum status probe_new(const struct conf_bus *bus, struct probe **ret);
struct probe *probe_free(struct probe *probe);

/* What answers at an address, by the model text of a profile. */
struct probe_answer {
    bool present;                /* something answered, if only to refuse             */
    bool matched;                /* its model is the profile's                        */
    char model[DEVICE_TEXT_MAX]; /* "": it was not read                               */
    enum status status;          /* of reading the model; ST_ABSENT: it has none there */
};

/* One or two transactions, nothing written. ST_SYS: the bus is gone; else ST_OK. */
NODISCARD enum status probe_ask(struct probe *probe, int32_t address, const struct profile *profile,
                                struct probe_answer *ret);

#define PROBE_TEXT_MAX 512

/* One row as it was read. */
struct probe_reading {
    const struct profile_row *row;
    enum status status;        /* ST_ABSENT: the device does not implement it       */
    double value;              /* NAN for a text and where status is not ST_OK      */
    char text[PROBE_TEXT_MAX]; /* of a text row; of a block its bytes, two digits each */
    int64_t taken_us;          /* 0: it was not asked for, the device was silent    */
};

struct probe_device {
    bool matched; /* the model is the profile's; it may be written to  */
    char model[DEVICE_TEXT_MAX], serial[DEVICE_TEXT_MAX], firmware[DEVICE_TEXT_MAX];
};

/* Reads every row once, or those that `wanted` (one a row; NULL: all but blocks) has true.
 * `list` has room for profile->row_count and the profile's order; what was not read is ST_NONE.
 * ST_SYS: the bus is gone. */
NODISCARD enum status probe_read(struct probe *probe, int32_t address, const struct profile *profile,
                                 const bool *wanted, struct probe_reading *list, struct probe_device *ret);

struct probe_write {
    const char *state_dir; /* where originals are kept                          */
    const char *device;    /* under which name                                  */
    int32_t row;           /* of the profile                                    */
    bool release;          /* puts the original back; `value` is not looked at  */
    double value;
    int64_t timeout_us; /* for a row with a time-out row; else 0             */
};

struct probe_outcome {
    enum status status;      /* ST_OK: written, and read back as ordered          */
    double before, readback; /* NAN: not read                                     */
    bool recorded;           /* an original is on disk: */
    struct original original;
    struct probe_device device;
};

/* Writes one row as the daemon would: the model must match, the original is recorded
 * first, time-outs go before overrides, and it is read back. An original that was put
 * back, and read back, is forgotten. */
void probe_write(struct probe *probe, int32_t address, const struct profile *profile,
                 const struct probe_write *write, struct probe_outcome *ret);

/* The length of transactions so far, for people who judge a bus. */
void probe_stats(const struct probe *probe, struct field_bus_stats *ret);

#endif
