/* SPDX-License-Identifier: Apache-2.0 */
/* mbus_open.c: opens a serial line or a TCP connection with libmodbus.
 *
 * Owns the context, and for a serial line a second descriptor that holds the lock:
 * taken first, so that settings of a line in use are not touched. A setting that the
 * line did not take is an error: a pty leaves parity out without a word. libmodbus puts
 * a line's settings back when it closes it.
 */
#include "mbus_open.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/serial.h>
#include <modbus/modbus.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <termios.h>
#include <unistd.h>

#define MBUS_OPEN_US_PER_S    1000000
#define MBUS_OPEN_BYTE_US_MIN 20000 /* USB adapters hold bytes back for 16 ms     */

#define MBUS_OPEN_SAY(port, ...) (void)snprintf((port)->error, sizeof(port)->error, __VA_ARGS__)

static bool mbus_open_is_serial(const struct mbus_port *port)
{
    return port->bus->kind == CONF_BUS_MODBUS_RTU;
}

int64_t mbus_open_byte_us(const struct mbus_port *port)
{
    int64_t ten_us = mbus_port_wire_us(port, 10);

    return ten_us > MBUS_OPEN_BYTE_US_MIN ? ten_us : MBUS_OPEN_BYTE_US_MIN;
}

static bool mbus_open_baud_known(int32_t baud)
{
    static const int32_t known[] = { 1200,  2400,   4800,   9600,   19200, 38400,
                                     57600, 115200, 230400, 460800, 921600 };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i] == baud)
            return true;
    return false; /* libmodbus would take 9600 without a word */
}

/* libmodbus uses select(): a descriptor of 1024 or above would overflow its set. */
static enum status mbus_open_check_descriptors(struct mbus_port *port)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (fd >= 0)
        (void)close(fd);
    if (fd >= 0 && fd < FD_SETSIZE)
        return ST_OK;
    MBUS_OPEN_SAY(port,
                  "no descriptor under %d is free, and Modbus needs one: lower the load or open fewer buses",
                  FD_SETSIZE);
    return ST_SYS;
}

static enum status mbus_open_lock(struct mbus_port *port)
{
    const char *path = port->bus->path;

    port->lock_fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (port->lock_fd < 0) {
        MBUS_OPEN_SAY(port, "cannot open %s: %s", path, strerror(errno));
        return ST_SYS;
    }
    if (flock(port->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return ST_OK;
    if (errno == EWOULDBLOCK) {
        MBUS_OPEN_SAY(port, "%s is in use by another process (it holds the lock)", path);
        return ST_BUSY;
    }
    MBUS_OPEN_SAY(port, "cannot lock %s: %s", path, strerror(errno));
    return ST_SYS;
}

static modbus_t *mbus_open_context(const struct mbus_port *port, int32_t baud, char parity)
{
    char service[16];

    if (mbus_open_is_serial(port))
        return modbus_new_rtu(port->bus->path, baud, parity, 8, port->bus->stop_bits);
    (void)snprintf(service, sizeof service, "%" PRId32, port->bus->port);
    return modbus_new_tcp_pi(port->bus->host, service);
}

/* The first wait is for the connection; each exchange sets its own. Over TCP the pieces of an answer
 * may be apart (Nagle's algorithm, a segment sent again): there the whole of it has the time. */
static int mbus_open_timeouts(const struct mbus_port *port)
{
    int64_t answer_us = port->bus->timeout_us;
    int64_t byte_us = mbus_open_is_serial(port) ? mbus_open_byte_us(port) : 0;

    return modbus_set_response_timeout(port->ctx, (uint32_t)(answer_us / MBUS_OPEN_US_PER_S),
                                       (uint32_t)(answer_us % MBUS_OPEN_US_PER_S)) |
           modbus_set_byte_timeout(port->ctx, (uint32_t)(byte_us / MBUS_OPEN_US_PER_S),
                                   (uint32_t)(byte_us % MBUS_OPEN_US_PER_S)) |
           modbus_set_error_recovery(port->ctx, MODBUS_ERROR_RECOVERY_NONE);
}

static void mbus_open_say_parity(struct mbus_port *port, char parity)
{
    MBUS_OPEN_SAY(port, "%s refuses parity %c (a pty has none: set parity: none)", port->bus->path, parity);
}

/* libmodbus calls a name that nobody knows "connection refused". */
static bool mbus_open_say_name(struct mbus_port *port)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *found = NULL;
    int wrong = getaddrinfo(port->bus->host, NULL, &hints, &found);

    if (wrong == 0)
        freeaddrinfo(found);
    else
        MBUS_OPEN_SAY(port, "cannot find the host %s: %s", port->bus->host, gai_strerror(wrong));
    return wrong != 0;
}

static void mbus_open_say_connect(struct mbus_port *port, int err, char parity)
{
    if (mbus_open_is_serial(port) && err == EINVAL && parity != 'N')
        mbus_open_say_parity(port, parity);
    else if (mbus_open_is_serial(port))
        MBUS_OPEN_SAY(port, "cannot open %s: %s", port->bus->path, modbus_strerror(err));
    else if (err != ECONNREFUSED || !mbus_open_say_name(port))
        MBUS_OPEN_SAY(port, "cannot connect to %s port %" PRId32 ": %s", port->bus->host, port->bus->port,
                      modbus_strerror(err));
}

/* A pty takes the other settings and leaves parity out, with EINVAL or without a word. */
static bool mbus_open_parity_taken(const struct mbus_port *port, char parity)
{
    struct termios now;

    return !mbus_open_is_serial(port) || (tcgetattr(modbus_get_socket(port->ctx), &now) == 0 &&
                                          ((now.c_cflag & PARENB) != 0) == (parity != 'N'));
}

static void mbus_open_close_context(struct mbus_port *port)
{
    if (port->ctx) {
        if (modbus_get_socket(port->ctx) >= 0)
            (void)modbus_flush(port->ctx); /* closing a tty waits for what is still to be sent */
        modbus_close(port->ctx);
        modbus_free(port->ctx);
    }
    port->ctx = NULL;
    port->fd = -1;
}

static enum status mbus_open_connect(struct mbus_port *port, int32_t baud, char parity)
{
    if (mbus_open_is_serial(port) && !mbus_open_baud_known(baud)) {
        MBUS_OPEN_SAY(port, "%" PRId32 " is no baud rate this machine can set", baud);
        return ST_SYS;
    }
    port->ctx = mbus_open_context(port, baud, parity);
    port->baud = mbus_open_is_serial(port) ? baud : 0;
    port->parity = parity;
    if (!port->ctx || mbus_open_timeouts(port) != 0) {
        MBUS_OPEN_SAY(port, "libmodbus refuses the line's settings: %s", modbus_strerror(errno));
        return ST_SYS;
    }
    if (modbus_connect(port->ctx) != 0) {
        mbus_open_say_connect(port, errno, parity);
        return ST_SYS;
    }
    port->fd = modbus_get_socket(port->ctx);
    if (port->fd >= FD_SETSIZE) {
        MBUS_OPEN_SAY(port, "its descriptor is above %d, which Modbus cannot use", FD_SETSIZE - 1);
        return ST_SYS;
    }
    if (!mbus_open_parity_taken(port, parity)) {
        mbus_open_say_parity(port, parity);
        return ST_SYS;
    }
    return ST_OK;
}

/* USB adapters gather bytes for 16 ms unless they are told not to. A line that knows
 * no such thing stays as it is. */
static void mbus_open_latency(struct mbus_port *port, bool low)
{
    struct serial_struct serial;

    if (port->lock_fd < 0 || ioctl(port->lock_fd, TIOCGSERIAL, &serial) != 0 ||
        ((serial.flags & (int)ASYNC_LOW_LATENCY) != 0) == low)
        return;
    if (low)
        serial.flags |= (int)ASYNC_LOW_LATENCY;
    else
        serial.flags &= ~(int)ASYNC_LOW_LATENCY;
    port->latency_set = ioctl(port->lock_fd, TIOCSSERIAL, &serial) == 0 && low;
}

void mbus_open_undo(struct mbus_port *port)
{
    mbus_open_close_context(port);
    if (port->latency_set)
        mbus_open_latency(port, false);
    if (port->lock_fd >= 0)
        (void)close(port->lock_fd);
    port->lock_fd = -1;
}

enum status mbus_open(struct mbus_port *port)
{
    enum status st = mbus_open_check_descriptors(port);

    if (st == ST_OK && mbus_open_is_serial(port))
        st = mbus_open_lock(port);
    if (st == ST_OK)
        st = mbus_open_connect(port, port->bus->baud, port->bus->parity);
    if (st == ST_OK)
        mbus_open_latency(port, true);
    else
        mbus_open_undo(port);
    return st;
}

enum status mbus_open_speed(struct mbus_port *port, int32_t baud, char parity)
{
    int32_t old_baud = port->baud;
    char old_parity = port->parity;
    enum status st;

    if (!mbus_open_is_serial(port) || (baud == old_baud && parity == old_parity))
        return ST_OK; /* behind a gateway it is the gateway's affair */
    mbus_open_close_context(port);
    st = mbus_open_connect(port, baud, parity);
    if (st == ST_OK)
        return ST_OK;
    mbus_open_close_context(port);
    if (mbus_open_connect(port, old_baud, old_parity) != ST_OK)
        mbus_open_close_context(port); /* the next exchange says that it is closed */
    return st;
}
