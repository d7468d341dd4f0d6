/* SPDX-License-Identifier: Apache-2.0 */
/* mbus_port.h: one way out to Modbus devices: a serial line, or a TCP connection.
 *
 * Reads and writes registers; knows nothing of what they mean. libmodbus opens the line
 * and carries what it can; what it cannot goes as frames of our own over the same
 * descriptor: units above 247, file records, everything over TCP. A serial line is
 * locked (one process a line) and gets its settings back when it is closed. Every call
 * blocks and is for one thread at a time: a worker, or a tool's main thread.
 */
#ifndef BUSBAR_FIELD_MBUS_PORT_H
#define BUSBAR_FIELD_MBUS_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/conf.h"
#include "busbar/mbframe.h"

#define MBUS_PORT_TEXT_MAX 352

struct _modbus; /* libmodbus' modbus_t                        */

struct mbus_port {
    const struct conf_bus *bus; /* borrowed                                   */
    struct _modbus *ctx;        /* NULL: closed                               */
    int fd;                     /* of ctx; -1: closed                         */
    int lock_fd;                /* serial lines: the same node, locked        */
    bool latency_set;           /* its adapter was told not to hold bytes back */
    int32_t baud;               /* as it is set now                           */
    char parity;
    uint16_t transaction; /* own frames over TCP: of the last request   */
    size_t held;          /* bytes that arrived and belong to no answer yet */
    uint8_t bytes[2 * MBFRAME_MAX];
    char error[MBUS_PORT_TEXT_MAX]; /* why the last call gave ST_SYS or ST_BUSY   */
};

/* Closed, and nothing else. */
void mbus_port_init(struct mbus_port *port, const struct conf_bus *bus);

/* Opens and locks the line, or connects (the bus's time-out at most; a name may take
 * longer to resolve). ST_BUSY: another process holds the line. ST_SYS: `error` says why. */
NODISCARD enum status mbus_port_open(struct mbus_port *port);

/* Puts the line's settings back. Takes a closed one. */
void mbus_port_close(struct mbus_port *port);

/* Serial: another speed and parity, with what came before thrown away. ST_SYS: not
 * possible, and the line is as it was. */
NODISCARD enum status mbus_port_speed(struct mbus_port *port, int32_t baud, char parity);

/* How long so many bytes take on the wire; 0 over TCP. */
int64_t mbus_port_wire_us(const struct mbus_port *port, size_t bytes);

/* Three and a half characters of silence; 0 over TCP. */
int64_t mbus_port_gap_us(const struct mbus_port *port);

/* What is asked of whom, and for how long an answer may take to begin. */
struct mbus_port_ask {
    int32_t unit;    /* 1 to 255                                   */
    bool input;      /* reads: input registers                     */
    int32_t address; /* register; of a file its record             */
    int32_t count;   /* registers                                  */
    int32_t file;    /* from 1, for mbus_port_read_file()          */
    int64_t timeout_us;
};

/* One exchange. ST_OK: done, `words` filled by the reads. An exception: ST_TIMEOUT from a
 * gateway that reached nobody, ST_ABSENT for 1 to 3 to a read, else ST_NACK, and its code in
 * *ret_exception (0: none; may be NULL). ST_TIMEOUT, ST_CORRUPT: what may still come was
 * waited for and thrown away. ST_RANGE: no frame can ask that. ST_SYS: the line is gone
 * (`error` says how); close it. */
NODISCARD enum status mbus_port_read(struct mbus_port *port, const struct mbus_port_ask *ask, uint16_t *words,
                                     int32_t *ret_exception);
NODISCARD enum status mbus_port_write(struct mbus_port *port, const struct mbus_port_ask *ask,
                                      const uint16_t *words, int32_t *ret_exception);
NODISCARD enum status mbus_port_read_file(struct mbus_port *port, const struct mbus_port_ask *ask,
                                          uint16_t *words, int32_t *ret_exception);

#endif
