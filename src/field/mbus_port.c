/* SPDX-License-Identifier: Apache-2.0 */
/* mbus_port.c: one exchange at a time with Modbus devices, RTU or TCP.
 *
 * Owns the choice of path: libmodbus for functions 3, 4, 6 and 16 to units 1 to 247 of a serial
 * line, frames of our own (net/mbframe.c) over its descriptor for the rest. Runs on the caller's thread; no call
 * blocks longer than the time-out, what a trickling answer adds to it, and the wait for a
 * late one. Never logs: `error` says what its owner may log.
 */
#include "mbus_port.h"

#include <errno.h>
#include <modbus/modbus.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "busbar/clock.h"
#include "mbus_open.h"

#define PORT_CHAR_BITS   11
#define PORT_US_PER_S    INT64_C(1000000)
#define PORT_UNIT_MAX    247    /* libmodbus addresses no more               */
#define PORT_T35_FAST_US 1750   /* the idle gap above 19200 baud              */
#define PORT_LATE_US_MIN 20000  /* how long a late answer is waited for       */
#define PORT_TRICKLE_US  200000 /* the most an answer may dawdle beside its wire time */
#define PORT_DRAIN_MAX   8      /* pieces of a late answer thrown away        */

static bool mbus_port_is_serial(const struct mbus_port *port)
{
    return port->bus->kind == CONF_BUS_MODBUS_RTU;
}

/* Frames as on a serial line: checksum, and no numbers to tell answers apart. */
static bool mbus_port_is_rtu(const struct mbus_port *port)
{
    return mbus_port_is_serial(port) || port->bus->rtu_framing;
}

void mbus_port_init(struct mbus_port *port, const struct conf_bus *bus)
{
    memset(port, 0, sizeof *port);
    port->bus = bus;
    port->fd = port->lock_fd = -1;
}

enum status mbus_port_open(struct mbus_port *port)
{
    port->error[0] = '\0';
    port->held = 0;
    return mbus_open(port);
}

void mbus_port_close(struct mbus_port *port)
{
    mbus_open_undo(port);
}

enum status mbus_port_speed(struct mbus_port *port, int32_t baud, char parity)
{
    return mbus_open_speed(port, baud, parity);
}

int64_t mbus_port_wire_us(const struct mbus_port *port, size_t bytes)
{
    if (!mbus_port_is_serial(port) || port->baud <= 0)
        return 0;
    return (int64_t)bytes * PORT_CHAR_BITS * PORT_US_PER_S / port->baud;
}

int64_t mbus_port_gap_us(const struct mbus_port *port)
{
    if (!mbus_port_is_serial(port))
        return 0;
    if (port->bus->baud > 19200 || port->bus->baud <= 0)
        return PORT_T35_FAST_US;
    return INT64_C(7) * PORT_CHAR_BITS * PORT_US_PER_S / (2 * port->bus->baud);
}

static enum status mbus_port_lost(struct mbus_port *port, const char *what)
{
    (void)snprintf(port->error, sizeof port->error, "lost (%s)", what);
    return ST_SYS;
}

/* ---- bytes ---- */

/* ST_OK: ready; ST_TIMEOUT: not until then. A hang-up is found by the read after it. */
static enum status mbus_port_wait(struct mbus_port *port, short events, int64_t until_us)
{
    struct pollfd fd = { .fd = port->fd, .events = events };

    for (;;) {
        int64_t left_us = until_us - clock_now_us();
        struct timespec left = { .tv_sec = left_us / PORT_US_PER_S,
                                 .tv_nsec = left_us % PORT_US_PER_S * 1000 };
        int ready;

        if (left_us < 0)
            left = (struct timespec){ .tv_sec = 0 };
        ready = ppoll(&fd, 1, &left, NULL);
        if (ready > 0)
            return ST_OK;
        if (ready == 0)
            return ST_TIMEOUT;
        if (errno != EINTR)
            return mbus_port_lost(port, strerror(errno));
    }
}

/* What is there until then, at most. ST_TIMEOUT: nothing. */
static enum status mbus_port_take(struct mbus_port *port, uint8_t *bytes, size_t room, int64_t until_us,
                                  size_t *ret_got)
{
    enum status st = mbus_port_wait(port, POLLIN, until_us);
    ssize_t got;

    *ret_got = 0;
    if (st != ST_OK)
        return st;
    got = read(port->fd, bytes, room);
    if (got > 0) {
        *ret_got = (size_t)got;
        return ST_OK;
    }
    if (got == 0)
        return mbus_port_lost(port, "the other end closed it");
    return errno == EAGAIN || errno == EINTR ? ST_TIMEOUT : mbus_port_lost(port, strerror(errno));
}

/* Throws away what comes until it is quiet: RTU frames carry no number, so a late
 * answer would pass for the next one's. */
static enum status mbus_port_drain(struct mbus_port *port, int64_t quiet_us)
{
    uint8_t bytes[MBFRAME_MAX];
    enum status st = ST_OK;
    size_t got;

    for (int i = 0; i < PORT_DRAIN_MAX && st == ST_OK; i++) {
        st = mbus_port_take(port, bytes, sizeof bytes, clock_now_us() + quiet_us, &got);
        quiet_us = mbus_open_byte_us(port);
    }
    port->held = 0;
    return st == ST_SYS ? ST_SYS : ST_OK;
}

/* After an answer that did not come, or was none: the line is quiet again when this returns. */
static enum status mbus_port_settle(struct mbus_port *port, enum status st, int64_t timeout_us)
{
    int64_t late_us = timeout_us / 4 > PORT_LATE_US_MIN ? timeout_us / 4 : PORT_LATE_US_MIN;

    if (st != ST_TIMEOUT && st != ST_CORRUPT)
        return st;
    return mbus_port_drain(port, st == ST_TIMEOUT ? late_us : mbus_open_byte_us(port)) == ST_OK ? st : ST_SYS;
}

/* What an exception means. */
static enum status mbus_port_exception(int32_t code, bool reading, int32_t *ret_exception)
{
    if (ret_exception)
        *ret_exception = code;
    if (code == 10 || code == 11)
        return ST_TIMEOUT;
    return reading && code >= 1 && code <= 3 ? ST_ABSENT : ST_NACK;
}

/* ---- the library ---- */

/* Over TCP it takes any unit's answer that has the question's number. */
static bool mbus_port_by_library(const struct mbus_port *port, int32_t unit)
{
    return unit >= 1 && unit <= PORT_UNIT_MAX && mbus_port_is_serial(port);
}

/* What libmodbus says went wrong. */
static enum status mbus_port_error(struct mbus_port *port, int err, bool reading, int64_t timeout_us,
                                   int32_t *ret_exception)
{
    int code = err - MODBUS_ENOBASE;

    if (code >= 1 && code < MODBUS_EXCEPTION_MAX)
        return mbus_port_exception(code, reading, ret_exception);
    switch (err) {
    case ETIMEDOUT:
        return mbus_port_settle(port, ST_TIMEOUT, timeout_us);
    case MODBUS_ENOBASE: /* exception 0, which there is none of: the device's trouble, not the line's */
    case EMBBADCRC:
    case EMBBADDATA:
    case EMBBADEXC:
    case EMBUNKEXC:
    case EMBMDATA:
    case EMBBADSLAVE:
        return mbus_port_settle(port, ST_CORRUPT, timeout_us);
    default:
        return mbus_port_lost(port, modbus_strerror(err));
    }
}

/* The unit and the wait are set before each exchange, and nothing of an earlier one is left. */
static bool mbus_port_prepare(struct mbus_port *port, const struct mbus_port_ask *ask)
{
    (void)modbus_flush(port->ctx);
    return modbus_set_slave(port->ctx, ask->unit) == 0 &&
           modbus_set_response_timeout(port->ctx, (uint32_t)(ask->timeout_us / PORT_US_PER_S),
                                       (uint32_t)(ask->timeout_us % PORT_US_PER_S)) == 0;
}

static enum status mbus_port_library_read(struct mbus_port *port, const struct mbus_port_ask *ask,
                                          uint16_t *words, int32_t *ret_exception)
{
    uint16_t got[MBFRAME_WORDS_MAX];
    int count;

    if (!mbus_port_prepare(port, ask))
        return ST_RANGE;
    count = ask->input ? modbus_read_input_registers(port->ctx, ask->address, ask->count, got)
                       : modbus_read_registers(port->ctx, ask->address, ask->count, got);
    if (count < 0)
        return mbus_port_error(port, errno, true, ask->timeout_us, ret_exception);
    if (count != ask->count)
        return mbus_port_settle(port, ST_CORRUPT, ask->timeout_us);
    memcpy(words, got, (size_t)count * sizeof *words);
    return ST_OK;
}

static enum status mbus_port_library_write(struct mbus_port *port, const struct mbus_port_ask *ask,
                                           const uint16_t *words, int32_t *ret_exception)
{
    int done;

    if (!mbus_port_prepare(port, ask))
        return ST_RANGE;
    done = ask->count == 1 ? modbus_write_register(port->ctx, ask->address, words[0])
                           : modbus_write_registers(port->ctx, ask->address, ask->count, words);
    return done < 0 ? mbus_port_error(port, errno, false, ask->timeout_us, ret_exception) : ST_OK;
}

/* ---- frames of our own ---- */

static struct mbframe_to mbus_port_to(struct mbus_port *port, int32_t unit)
{
    return (struct mbframe_to){
        .kind = mbus_port_is_rtu(port) ? MBFRAME_RTU : MBFRAME_TCP,
        .transaction = (uint16_t)(++port->transaction | 0x8000u), /* libmodbus counts from 1 */
        .unit = (uint8_t)unit,
    };
}

static enum status mbus_port_send(struct mbus_port *port, const struct mbframe_request *request,
                                  int64_t until_us)
{
    size_t sent = 0;

    while (sent < request->size) {
        ssize_t done = write(port->fd, request->bytes + sent, request->size - sent);
        enum status st = ST_OK;

        if (done > 0)
            sent += (size_t)done;
        else if (done < 0 && errno == EAGAIN)
            st = mbus_port_wait(port, POLLOUT, until_us);
        else if (done == 0 || errno != EINTR)
            st = mbus_port_lost(port, done == 0 ? "nothing can be written to it" : strerror(errno));
        if (st == ST_TIMEOUT)
            return mbus_port_lost(port, "it takes no more bytes"); /* half a request: start over */
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

static void mbus_port_drop(struct mbus_port *port, size_t bytes)
{
    port->held -= bytes;
    memmove(port->bytes, port->bytes + bytes, port->held);
}

static enum mbframe_state mbus_port_look(struct mbus_port *port, const struct mbframe_request *request,
                                         struct mbframe_answer *ret)
{
    enum mbframe_state state;

    while ((state = mbframe_answer(request, port->bytes, port->held, ret)) == MBFRAME_STALE)
        mbus_port_drop(port, ret->used); /* of a request that timed out: the number says so */
    if (state != MBFRAME_MORE)
        mbus_port_drop(port, ret->used);
    return state;
}

/* How long an answer that has begun is waited for: on a line its bytes follow one another, over TCP
 * its pieces may be apart. */
static int64_t mbus_port_next_us(const struct mbus_port *port, int64_t until_us, int64_t last_us)
{
    int64_t next_us = clock_now_us() + mbus_open_byte_us(port);

    if (!mbus_port_is_serial(port) && next_us < until_us)
        next_us = until_us;
    return next_us < last_us ? next_us : last_us;
}

/* `last_us`: an answer that has begun may go on until then. */
static enum status mbus_port_receive(struct mbus_port *port, const struct mbframe_request *request,
                                     int64_t until_us, int64_t last_us, struct mbframe_answer *ret)
{
    enum mbframe_state state = MBFRAME_MORE;

    while (state == MBFRAME_MORE) {
        size_t got = 0;
        enum status st =
            mbus_port_take(port, port->bytes + port->held, sizeof port->bytes - port->held, until_us, &got);

        port->held += got;
        if (st == ST_TIMEOUT && clock_now_us() >= until_us) /* a part of an answer is a broken one */
            return port->held > 0 ? ST_CORRUPT : ST_TIMEOUT;
        if (st == ST_SYS)
            return st;
        state = mbus_port_look(port, request, ret);
        if (port->held > 0)
            until_us = mbus_port_next_us(port, until_us, last_us);
    }
    return state == MBFRAME_CORRUPT ? ST_CORRUPT : ST_OK;
}

static enum status mbus_port_exchange(struct mbus_port *port, const struct mbframe_request *request,
                                      int64_t timeout_us, bool reading, uint16_t *words,
                                      int32_t *ret_exception)
{
    struct mbframe_answer answer = { .exception = 0 };
    int64_t until_us, last_us;
    enum status st;

    (void)modbus_flush(port->ctx);
    port->held = 0;
    until_us = clock_now_us() + timeout_us;
    last_us = until_us + mbus_port_wire_us(port, mbframe_answer_size(request)) + PORT_TRICKLE_US;
    st = mbus_port_send(port, request, until_us);
    if (st == ST_OK)
        st = mbus_port_receive(port, request, until_us, last_us, &answer);
    if (st != ST_OK)
        return mbus_port_settle(port, st, timeout_us);
    if (answer.exception != 0)
        return mbus_port_exception(answer.exception, reading, ret_exception);
    if (words)
        memcpy(words, answer.words, (size_t)answer.count * sizeof *words);
    return ST_OK;
}

/* ---- which of them ---- */

static enum status mbus_port_begin(struct mbus_port *port, int32_t *ret_exception)
{
    if (ret_exception)
        *ret_exception = 0;
    return port->ctx && port->fd >= 0 ? ST_OK : mbus_port_lost(port, "it is closed");
}

enum status mbus_port_read(struct mbus_port *port, const struct mbus_port_ask *ask, uint16_t *words,
                           int32_t *ret_exception)
{
    struct mbframe_to to = mbus_port_to(port, ask->unit);
    struct mbframe_request request;
    enum status st = mbframe_read(&to, ask->input, ask->address, ask->count, &request);

    if (st == ST_OK)
        st = mbus_port_begin(port, ret_exception);
    if (st != ST_OK)
        return st;
    if (mbus_port_by_library(port, ask->unit))
        return mbus_port_library_read(port, ask, words, ret_exception);
    return mbus_port_exchange(port, &request, ask->timeout_us, true, words, ret_exception);
}

enum status mbus_port_write(struct mbus_port *port, const struct mbus_port_ask *ask, const uint16_t *words,
                            int32_t *ret_exception)
{
    struct mbframe_to to = mbus_port_to(port, ask->unit);
    struct mbframe_request request;
    enum status st = mbframe_write(&to, ask->address, ask->count, words, &request);

    if (st == ST_OK)
        st = mbus_port_begin(port, ret_exception);
    if (st != ST_OK)
        return st;
    if (mbus_port_by_library(port, ask->unit))
        return mbus_port_library_write(port, ask, words, ret_exception);
    return mbus_port_exchange(port, &request, ask->timeout_us, false, NULL, ret_exception);
}

enum status mbus_port_read_file(struct mbus_port *port, const struct mbus_port_ask *ask, uint16_t *words,
                                int32_t *ret_exception)
{
    struct mbframe_to to = mbus_port_to(port, ask->unit);
    struct mbframe_request request;
    enum status st = mbframe_read_file(&to, ask->file, ask->address, ask->count, &request);

    if (st == ST_OK)
        st = mbus_port_begin(port, ret_exception);
    return st == ST_OK ? mbus_port_exchange(port, &request, ask->timeout_us, true, words, ret_exception) : st;
}
