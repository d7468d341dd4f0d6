/* SPDX-License-Identifier: Apache-2.0 */
/* smbus_linux.h: what the two halves of the i2c-dev transport share. Private to them. */
#ifndef BUSBAR_FIELD_SMBUS_LINUX_H
#define BUSBAR_FIELD_SMBUS_LINUX_H

#include "smbus.h"

#define SMBUS_LINUX_ADDRESSES 128

struct smbus_linux {
    struct smbus base;
    const struct conf_bus *bus;
    int fd;
    unsigned number; /* N of /dev/i2c-N, whatever the path is   */
    unsigned long functions;
    bool pec;  /* set now                                 */
    bool said; /* why it cannot be opened                 */
    bool said_pec, said_block;
    bool said_busy[SMBUS_LINUX_ADDRESSES];
    uint32_t jitter;
    /* is it stuck */
    int32_t stuck;            /* transactions in a row that it took down  */
    int64_t recover_every_us; /* 0: it is not                            */
    int64_t recover_at_us;
};

static inline struct smbus_linux *smbus_linux_of(struct smbus *bus)
{
    return (struct smbus_linux *)bus;
}

/* Sets address and code. ST_BUSY: a kernel driver has the address. */
NODISCARD enum status smbus_linux_select(struct smbus_linux *s, uint8_t address, bool pec);

/* Is this the loss of an arbitration that is worth another try? Waits a little, then;
 * `tries` counts, from 0. */
bool smbus_linux_lost(struct smbus_linux *s, int32_t result, int32_t *tries);

/* What a result (a negative errno) means. Counts towards a bus that is stuck. */
NODISCARD enum status smbus_linux_result(struct smbus_linux *s, int32_t result);

/* The same for reads: some adapter drivers say EIO when a command is not acknowledged. Of
 * a write that could also mean that it half arrived. */
NODISCARD enum status smbus_linux_answer(struct smbus_linux *s, int32_t result);

/* smbus_linux_raw.c: by I2C_RDWR, which no driver stands in the way of: they select first. */
enum status smbus_linux_transfer(struct smbus *bus, struct smbus_transfer *transfer);
enum status smbus_linux_write_group(struct smbus *bus, const struct smbus_part *parts, int32_t count);

#endif
