/* SPDX-License-Identifier: Apache-2.0 */
/* smbus.h: SMBus transactions, whichever way the bus is reached.
 *
 * One struct of function pointers a transport: smbus_linux.c (an i2c-dev node) and
 * smbus_socket.c (the simulator's socket). Every call blocks for one transaction,
 * on the bus's worker. `address` has 7 bits; with `pec` the packet error code is
 * sent and checked.
 */
#ifndef BUSBAR_FIELD_SMBUS_H
#define BUSBAR_FIELD_SMBUS_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/conf.h"
#include "busbar/status.h"

#define SMBUS_BLOCK_MAX 32
#define SMBUS_LONG_MAX 250             /* of a block beyond SMBus: devices have 101, 151  */
#define SMBUS_ALERT_ADDRESS 0x0C       /* who pulls SMBALERT#, answers there              */
#define SMBUS_GROUP_MAX 16             /* parts of a group command                        */

struct smbus;

/* What the protocols with names do not do: bytes out, then bytes in after a repeated
 * start, as one transaction. */
struct smbus_transfer {
    uint8_t address;
    bool pec;
    int32_t write_count;
    uint8_t write[SMBUS_LONG_MAX + 2]; /* the command first                               */
    bool block;                        /* what comes in begins with how many follow       */
    int32_t read_max;                  /* bytes at most, the count not among them; 0: none */
    int32_t read_count;                /* that came                                       */
    uint8_t read[SMBUS_LONG_MAX];
};

/* One device's part of a group command: a write. */
struct smbus_part {
    uint8_t address;
    bool pec;
    int32_t count;
    uint8_t bytes[SMBUS_BLOCK_MAX + 2]; /* the command first                              */
};

/* All but open, close and free return ST_NACK (not acknowledged: nobody there, or it
 * will not), ST_TIMEOUT, ST_CORRUPT (PEC, length), ST_BUSY (a kernel driver has the
 * address, or another master the bus again and again), ST_REFUSED (the adapter cannot do
 * this) or ST_SYS (the bus is gone). */
struct smbus_ops {
    enum status (*open)(struct smbus *bus);   /* logs the first of several failures   */
    void (*close)(struct smbus *bus);
    struct smbus *(*free)(struct smbus *bus); /* closes first                         */
    enum status (*quick)(struct smbus *bus, uint8_t address, bool pec);
    enum status (*send_byte)(struct smbus *bus, uint8_t address, bool pec, uint8_t command);
    enum status (*read_byte)(struct smbus *bus, uint8_t address, bool pec, uint8_t command, uint8_t *ret);
    enum status (*read_word)(struct smbus *bus, uint8_t address, bool pec, uint8_t command, uint16_t *ret);
    enum status (*read_block)(struct smbus *bus, uint8_t address, bool pec, uint8_t command,
                              uint8_t ret[SMBUS_BLOCK_MAX], int32_t *ret_count);
    enum status (*write_byte)(struct smbus *bus, uint8_t address, bool pec, uint8_t command, uint8_t value);
    enum status (*write_word)(struct smbus *bus, uint8_t address, bool pec, uint8_t command, uint16_t value);
    enum status (*write_block)(struct smbus *bus, uint8_t address, bool pec, uint8_t command,
                               const uint8_t *bytes, int32_t count);
    /* A byte without a command: the alert response. No code is asked for. */
    enum status (*receive_byte)(struct smbus *bus, uint8_t address, uint8_t *ret);
    enum status (*transfer)(struct smbus *bus, struct smbus_transfer *transfer);
    /* All parts with repeated starts and one stop, which makes every device act at once.
     * Of a failure nobody knows which parts were taken. */
    enum status (*write_group)(struct smbus *bus, const struct smbus_part *parts, int32_t count);
};

/* What every transport begins with. */
struct smbus {
    const struct smbus_ops *ops;
};

/* Neither opens anything yet. `bus` is borrowed. ST_NOMEM. */
NODISCARD enum status smbus_linux_new(const struct conf_bus *bus, struct smbus **ret);
NODISCARD enum status smbus_socket_new(const struct conf_bus *bus, struct smbus **ret);

#endif
