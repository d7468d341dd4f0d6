/* SPDX-License-Identifier: Apache-2.0 */
/* smbus_socket.c: SMBus through a UNIX socket: a simulated segment.
 *
 * Owns the connection. Runs on the bus's worker, but for the first open. Frames are
 * in docs/protocols.md: what is on the wire, byte for byte, so that packet error
 * codes are made and checked here like by a real master. An answer that is late
 * costs the connection, for nothing else tells it from the next one; so does one that
 * nobody asked for.
 */
#include "smbus.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "busbar/clock.h"
#include "busbar/log.h"
#include "smbus_packet.h"

#define SMBUS_SOCKET_BLOCK 0xFFu        /* read count: the device says how many     */
#define SMBUS_SOCKET_PEC 0x01u
#define SMBUS_SOCKET_ON 0x02u           /* no stop after this: another part follows */
#define SMBUS_SOCKET_HEAD 5             /* length, address, flags, two counts       */
#define SMBUS_SOCKET_WRITE_MAX 250      /* so that the frame's length fits its byte */
#define SMBUS_SOCKET_TRIES 5            /* that lose the arbitration, then it is busy */
#define SMBUS_SOCKET_BACKOFF_US 250     /* before the second, twice that before the third */

enum smbus_socket_result {
    SMBUS_SOCKET_OK,
    SMBUS_SOCKET_NAK,
    SMBUS_SOCKET_BUS_ERROR,
    SMBUS_SOCKET_TIMEOUT,
    SMBUS_SOCKET_LOST                   /* to another master                        */
};

struct smbus_socket {
    struct smbus base;
    const struct conf_bus *bus;
    int fd;
    bool said;                          /* why it cannot be opened                  */
};

static struct smbus_socket *smbus_socket_of(struct smbus *bus)
{
    return (struct smbus_socket *)bus;
}

static void smbus_socket_close(struct smbus *bus)
{
    struct smbus_socket *s = smbus_socket_of(bus);

    if (s->fd >= 0)
        (void)close(s->fd);
    s->fd = -1;
}

static enum status smbus_socket_open(struct smbus *bus)
{
    struct smbus_socket *s = smbus_socket_of(bus);
    struct sockaddr_un to = { .sun_family = AF_UNIX };

    if (strlen(s->bus->path) >= sizeof to.sun_path) {
        errno = ENAMETOOLONG;
        goto fail;
    }
    memcpy(to.sun_path, s->bus->path, strlen(s->bus->path) + 1);
    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->fd < 0 || connect(s->fd, (struct sockaddr *)&to, sizeof to) < 0)
        goto fail;
    s->said = false;
    return ST_OK;

fail:
    if (!s->said)
        LOG(ERR, s->bus->name, "cannot connect to %s: %s", s->bus->path, strerror(errno));
    s->said = true;
    smbus_socket_close(bus);
    return ST_SYS;
}

static struct smbus *smbus_socket_free(struct smbus *bus)
{
    smbus_socket_close(bus);
    free(smbus_socket_of(bus));
    return NULL;
}

/* ---- bytes ---- */

static enum status smbus_socket_lost(struct smbus_socket *s, const char *why)
{
    if (!s->said)
        LOG(WARNING, s->bus->name, "lost (%s): trying to connect again every second", why);
    s->said = true;
    smbus_socket_close(&s->base);
    return ST_SYS;
}

static enum status smbus_socket_wait(const struct smbus_socket *s, short events, int64_t until_us)
{
    struct pollfd fd = { .fd = s->fd, .events = events };

    for (;;) {
        int64_t left_us = until_us - clock_now_us();
        int ready = poll(&fd, 1, left_us > 0 ? (int)((left_us + 999) / 1000) : 0);

        if (ready > 0)
            return ST_OK;
        if (ready == 0 && clock_now_us() >= until_us)
            return ST_TIMEOUT;
        if (ready < 0 && errno != EINTR)
            return ST_SYS;
    }
}

/* Sends or receives all of it. */
static enum status smbus_socket_move(struct smbus_socket *s, uint8_t *bytes, size_t count, bool out,
                                     int64_t until_us)
{
    size_t done = 0;

    while (done < count) {
        enum status st = smbus_socket_wait(s, out ? POLLOUT : POLLIN, until_us);
        ssize_t n;

        if (st == ST_TIMEOUT) {
            smbus_socket_close(&s->base);
            return st;
        }
        n = out ? send(s->fd, bytes + done, count - done, MSG_NOSIGNAL) : recv(s->fd, bytes + done, count - done, 0);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n <= 0)
            return smbus_socket_lost(s, n == 0 ? "closed by the other side" : strerror(errno));
        done += (size_t)n;
    }
    return ST_OK;
}

static enum status smbus_socket_result(uint8_t result)
{
    switch (result) {
    case SMBUS_SOCKET_OK:
        return ST_OK;
    case SMBUS_SOCKET_NAK:
        return ST_NACK;
    case SMBUS_SOCKET_TIMEOUT:
        return ST_TIMEOUT;
    case SMBUS_SOCKET_LOST:
        return ST_BUSY;
    default:
        return ST_CORRUPT;
    }
}

/* Is the answer as long as was asked for? A block says its length itself; beyond SMBus's
 * own blocks a fixed number of bytes is clocked in, and the packet may end earlier. */
static bool smbus_socket_length_ok(const struct smbus_transfer *t, const uint8_t *raw, size_t got)
{
    size_t pec = t->pec && t->read_max > 0 ? 1 : 0;

    if (t->read_max == 0)
        return got == 0;
    if (!t->block || t->read_max > SMBUS_BLOCK_MAX)
        return got == smbus_packet_room(t);
    return got >= 1 && got == 1 + (size_t)raw[0] + pec;
}

static enum status smbus_socket_answer(struct smbus_socket *s, struct smbus_transfer *t, int64_t until_us)
{
    uint8_t frame[256];
    size_t got;
    enum status st = smbus_socket_move(s, frame, 1, false, until_us);

    if (st == ST_OK && frame[0] == 0)
        return smbus_socket_lost(s, "an empty answer");
    if (st == ST_OK)
        st = smbus_socket_move(s, frame + 1, frame[0], false, until_us);
    if (st == ST_OK)
        st = smbus_socket_result(frame[1]);
    if (st != ST_OK)
        return st;
    got = (size_t)frame[0] - 1;
    if (!smbus_socket_length_ok(t, frame + 2, got))
        return ST_CORRUPT;
    return t->read_max > 0 ? smbus_packet_take(t, frame + 2, got) : ST_OK;
}

/* What lies there before anything was asked is no answer to what is asked next: a new
 * connection, or every answer from here on would be its predecessor's. */
static void smbus_socket_resync(struct smbus_socket *s)
{
    struct pollfd fd = { .fd = s->fd, .events = POLLIN };

    if (s->fd >= 0 && poll(&fd, 1, 0) > 0)
        smbus_socket_close(&s->base);
}

static enum status smbus_socket_once(struct smbus_socket *s, struct smbus_transfer *t, uint32_t flags)
{
    uint8_t frame[SMBUS_SOCKET_HEAD + SMBUS_SOCKET_WRITE_MAX + 1];
    int64_t until_us = clock_now_us() + s->bus->timeout_us;
    size_t count = (size_t)t->write_count;
    enum status st;

    smbus_socket_resync(s);
    if (s->fd < 0) { /* after a late answer, or one too many */
        st = smbus_socket_open(&s->base);
        if (st != ST_OK)
            return st;
    }
    memcpy(frame + SMBUS_SOCKET_HEAD, t->write, count);
    if (t->pec && t->read_max == 0 && count > 0) {
        frame[SMBUS_SOCKET_HEAD + count] = smbus_packet_code(t->address, t->write, count);
        count++;
    }
    frame[0] = (uint8_t)(SMBUS_SOCKET_HEAD - 1 + count);
    frame[1] = t->address;
    frame[2] = (uint8_t)(flags | (t->pec ? SMBUS_SOCKET_PEC : 0u));
    frame[3] = (uint8_t)count;
    if (t->block && t->read_max <= SMBUS_BLOCK_MAX)
        frame[4] = SMBUS_SOCKET_BLOCK;
    else /* the segment adds the code by the flag */
        frame[4] = (uint8_t)(smbus_packet_room(t) - (t->pec ? 1u : 0u));
    st = smbus_socket_move(s, frame, (size_t)frame[0] + 1, true, until_us);
    return st == ST_OK ? smbus_socket_answer(s, t, until_us) : st;
}

static enum status smbus_socket_run(struct smbus *bus, struct smbus_transfer *t)
{
    struct smbus_socket *s = smbus_socket_of(bus);
    enum status st;

    if (t->write_count < 0 || t->write_count > SMBUS_SOCKET_WRITE_MAX - 1 || t->read_max < 0 ||
        t->read_max > SMBUS_LONG_MAX)
        return ST_REFUSED;
    for (int32_t tries = 0;; tries++) {
        st = smbus_socket_once(s, t, 0);
        if (st != ST_BUSY || tries + 1 >= SMBUS_SOCKET_TRIES)
            return st;
        clock_sleep_until_us(clock_now_us() + ((int64_t)SMBUS_SOCKET_BACKOFF_US << tries));
    }
}

static enum status smbus_socket_write_group(struct smbus *bus, const struct smbus_part *parts, int32_t count)
{
    struct smbus_socket *s = smbus_socket_of(bus);
    enum status st = ST_OK;

    if (count < 1 || count > SMBUS_GROUP_MAX)
        return ST_REFUSED;
    for (int32_t i = 0; i < count && st == ST_OK; i++) {
        struct smbus_transfer t = { .address = parts[i].address, .pec = parts[i].pec, .write_count = parts[i].count };

        if (parts[i].count < 1 || parts[i].count > (int32_t)sizeof parts[i].bytes)
            return ST_REFUSED;
        memcpy(t.write, parts[i].bytes, (size_t)parts[i].count);
        st = smbus_socket_once(s, &t, i + 1 < count ? SMBUS_SOCKET_ON : 0);
    }
    return st;
}

/* ---- SMBus protocols ---- */

static enum status smbus_socket_quick(struct smbus *bus, uint8_t address, bool pec)
{
    struct smbus_transfer t = { .address = address };

    (void)pec; /* there is nothing to check */
    return smbus_socket_run(bus, &t);
}

static enum status smbus_socket_send_byte(struct smbus *bus, uint8_t address, bool pec, uint8_t command)
{
    struct smbus_transfer t = { .address = address, .pec = pec, .write_count = 1, .write = { command } };

    return smbus_socket_run(bus, &t);
}

static enum status smbus_socket_read_byte(struct smbus *bus, uint8_t address, bool pec, uint8_t command,
                                          uint8_t *ret)
{
    struct smbus_transfer t = {
        .address = address, .pec = pec, .write_count = 1, .write = { command }, .read_max = 1,
    };
    enum status st = smbus_socket_run(bus, &t);

    if (st == ST_OK)
        *ret = t.read[0];
    return st;
}

static enum status smbus_socket_read_word(struct smbus *bus, uint8_t address, bool pec, uint8_t command,
                                          uint16_t *ret)
{
    struct smbus_transfer t = {
        .address = address, .pec = pec, .write_count = 1, .write = { command }, .read_max = 2,
    };
    enum status st = smbus_socket_run(bus, &t);

    if (st == ST_OK)
        *ret = (uint16_t)(t.read[0] | (t.read[1] << 8));
    return st;
}

static enum status smbus_socket_read_block(struct smbus *bus, uint8_t address, bool pec, uint8_t command,
                                           uint8_t ret[SMBUS_BLOCK_MAX], int32_t *ret_count)
{
    struct smbus_transfer t = {
        .address = address, .pec = pec, .write_count = 1, .write = { command }, .block = true,
        .read_max = SMBUS_BLOCK_MAX,
    };
    enum status st = smbus_socket_run(bus, &t);

    if (st == ST_OK) {
        memcpy(ret, t.read, (size_t)t.read_count);
        *ret_count = t.read_count;
    }
    return st;
}

static enum status smbus_socket_write_byte(struct smbus *bus, uint8_t address, bool pec, uint8_t command,
                                           uint8_t value)
{
    struct smbus_transfer t = {
        .address = address, .pec = pec, .write_count = 2, .write = { command, value },
    };

    return smbus_socket_run(bus, &t);
}

static enum status smbus_socket_write_word(struct smbus *bus, uint8_t address, bool pec, uint8_t command,
                                           uint16_t value)
{
    struct smbus_transfer t = {
        .address = address, .pec = pec, .write_count = 3,
        .write = { command, (uint8_t)(value & 0xFFu), (uint8_t)(value >> 8) },
    };

    return smbus_socket_run(bus, &t);
}

static enum status smbus_socket_write_block(struct smbus *bus, uint8_t address, bool pec, uint8_t command,
                                            const uint8_t *bytes, int32_t count)
{
    struct smbus_transfer t = { .address = address, .pec = pec };

    if (count < 0 || count > SMBUS_BLOCK_MAX)
        return ST_REFUSED;
    t.write[0] = command;
    t.write[1] = (uint8_t)count;
    memcpy(t.write + 2, bytes, (size_t)count);
    t.write_count = count + 2;
    return smbus_socket_run(bus, &t);
}

static enum status smbus_socket_receive_byte(struct smbus *bus, uint8_t address, uint8_t *ret)
{
    struct smbus_transfer t = { .address = address, .read_max = 1 };
    enum status st = smbus_socket_run(bus, &t);

    if (st == ST_OK)
        *ret = t.read[0];
    return st;
}

static const struct smbus_ops smbus_socket_ops = {
    .open = smbus_socket_open,
    .close = smbus_socket_close,
    .free = smbus_socket_free,
    .quick = smbus_socket_quick,
    .send_byte = smbus_socket_send_byte,
    .read_byte = smbus_socket_read_byte,
    .read_word = smbus_socket_read_word,
    .read_block = smbus_socket_read_block,
    .write_byte = smbus_socket_write_byte,
    .write_word = smbus_socket_write_word,
    .write_block = smbus_socket_write_block,
    .receive_byte = smbus_socket_receive_byte,
    .transfer = smbus_socket_run,
    .write_group = smbus_socket_write_group,
};

enum status smbus_socket_new(const struct conf_bus *bus, struct smbus **ret)
{
    struct smbus_socket *s = calloc(1, sizeof *s);

    if (!s)
        return ST_NOMEM;
    s->base.ops = &smbus_socket_ops;
    s->bus = bus;
    s->fd = -1;
    *ret = &s->base;
    return ST_OK;
}
