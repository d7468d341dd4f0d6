/* SPDX-License-Identifier: Apache-2.0 */
/* pmi_serial.c: Modbus RTU on a serial port, as one of its units or several.
 *
 * Main thread. Owns the descriptor and what arrived of a request. Frames are found by
 * their length and checksum; a silence ends what was none. The line may have other
 * masters' and other units' traffic on it: only requests to our units are answered. The
 * port must not hear what it sends. A line that goes away is tried again every second.
 */
#include "pmi_parts.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <termios.h>
#include <unistd.h>

#include "busbar/log.h"

#define PMI_BUFFER_MAX     512
#define PMI_SILENCE_MIN_US 20000 /* USB adapters hold bytes back for 16 ms          */
#define PMI_CHARACTER_BITS 11
#define PMI_US_PER_S       INT64_C(1000000)

struct pmi_serial {
    struct pmi *pmi;
    int fd;
    struct event *readable, *silence, *reopen;
    bool said;
    struct pmi_client client;
    size_t size;
    uint8_t bytes[PMI_BUFFER_MAX];
};

static speed_t pmi_serial_speed(int32_t baud)
{
    static const struct {
        int32_t baud;
        speed_t speed;
    } known[] = {
        { 9600, B9600 }, { 19200, B19200 }, { 38400, B38400 }, { 57600, B57600 }, { 115200, B115200 }
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].baud == baud)
            return known[i].speed;
    return B0;
}

static void pmi_serial_close(struct pmi_serial *serial)
{
    struct timeval second = { .tv_sec = 1 };

    if (serial->readable)
        event_free(serial->readable);
    serial->readable = NULL;
    if (serial->fd >= 0)
        (void)close(serial->fd);
    serial->fd = -1;
    serial->size = 0;
    (void)evtimer_add(serial->reopen, &second);
}

/* ---- bytes in ---- */

static void pmi_serial_write(struct pmi_serial *serial, const uint8_t *bytes, size_t size)
{
    ssize_t done = size > 0 ? write(serial->fd, bytes, size) : 0;

    if (done < 0 && errno != EAGAIN && errno != EINTR)
        pmi_serial_close(serial);
    /* A port that takes nothing, or half of it, is one whose master asks again. */
}

static void pmi_serial_drop(struct pmi_serial *serial, size_t count)
{
    memmove(serial->bytes, serial->bytes + count, serial->size - count);
    serial->size -= count;
}

static void pmi_serial_take(struct pmi_serial *serial)
{
    uint8_t answer[PMI_FRAME_MAX];
    struct pmi_request request;
    enum pmi_state state;

    while (serial->fd >= 0 &&
           (state = pmi_codec_request(PMI_RTU, serial->bytes, serial->size, &request)) != PMI_MORE) {
        size_t length =
            state == PMI_DONE ? pmi_answer(serial->pmi, &serial->client, PMI_RTU, &request, answer) : 0;

        pmi_serial_drop(serial, request.used);
        pmi_serial_write(serial, answer, length);
    }
}

static void pmi_serial_on_silence(evutil_socket_t fd, short what, void *arg)
{
    struct pmi_serial *serial = arg;
    uint8_t answer[PMI_FRAME_MAX];
    struct pmi_request request;

    (void)fd;
    (void)what;
    if (pmi_codec_unknown(serial->bytes, serial->size, &request))
        pmi_serial_write(serial, answer, pmi_answer(serial->pmi, &serial->client, PMI_RTU, &request, answer));
    serial->size = 0;
}

static void pmi_serial_on_read(evutil_socket_t fd, short what, void *arg)
{
    struct pmi_serial *serial = arg;
    int64_t wait_us = 5 * PMI_CHARACTER_BITS * PMI_US_PER_S / serial->pmi->options->baud;
    struct timeval wait = { .tv_usec =
                                (suseconds_t)(wait_us > PMI_SILENCE_MIN_US ? wait_us : PMI_SILENCE_MIN_US) };
    ssize_t got;

    (void)what;
    if (serial->size == sizeof serial->bytes)
        serial->size = 0; /* nothing that long is a request */
    got = read((int)fd, serial->bytes + serial->size, sizeof serial->bytes - serial->size);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        if (!serial->said)
            LOG(WARNING, "pmi", "%s is gone: tried again every second", serial->pmi->options->serial_path);
        serial->said = true;
        pmi_serial_close(serial);
        return;
    }
    serial->size += (size_t)got;
    pmi_serial_take(serial);
    if (serial->fd >= 0)
        (void)evtimer_add(serial->silence, &wait);
}

/* ---- open ---- */

static bool pmi_serial_setup(const struct pmi_options *options, int fd)
{
    speed_t speed = pmi_serial_speed(options->baud);
    struct termios line;

    if (tcgetattr(fd, &line) != 0)
        return false;
    cfmakeraw(&line);
    line.c_cflag |= CLOCAL | CREAD;
    line.c_cflag &= ~(tcflag_t)(PARENB | PARODD | CSTOPB | CRTSCTS);
    if (options->parity != 'N')
        line.c_cflag |= PARENB;
    if (options->parity == 'O')
        line.c_cflag |= PARODD;
    if (options->stop_bits == 2)
        line.c_cflag |= CSTOPB;
    line.c_cc[VMIN] = 1;
    line.c_cc[VTIME] = 0;
    return cfsetispeed(&line, speed) == 0 && cfsetospeed(&line, speed) == 0 &&
           tcsetattr(fd, TCSANOW, &line) == 0;
}

static const char *pmi_serial_open_fd(struct pmi_serial *serial)
{
    const struct pmi_options *options = serial->pmi->options;

    serial->fd = open(options->serial_path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (serial->fd < 0)
        return strerror(errno);
    if (flock(serial->fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? "another process holds the lock" : strerror(errno);
    if (!pmi_serial_setup(options, serial->fd))
        return "it does not take these settings";
    (void)tcflush(serial->fd, TCIOFLUSH);
    serial->readable =
        event_new(serial->pmi->op->base, serial->fd, EV_READ | EV_PERSIST, pmi_serial_on_read, serial);
    return serial->readable && event_add(serial->readable, NULL) == 0 ? NULL : "out of memory";
}

static void pmi_serial_open(struct pmi_serial *serial)
{
    const char *wrong = pmi_serial_open_fd(serial);

    if (!wrong) {
        if (serial->said)
            LOG(NOTICE, "pmi", "%s is open again", serial->pmi->options->serial_path);
        serial->said = false;
        return;
    }
    if (!serial->said)
        LOG(ERR, "pmi", "cannot open %s: %s; tried again every second", serial->pmi->options->serial_path,
            wrong);
    serial->said = true;
    pmi_serial_close(serial);
}

static void pmi_serial_on_reopen(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    pmi_serial_open(arg);
}

enum status pmi_serial_new(struct pmi *pmi, struct pmi_serial **ret)
{
    struct pmi_serial *serial = calloc(1, sizeof *serial);

    if (!serial)
        return ST_NOMEM;
    serial->pmi = pmi;
    serial->fd = -1;
    serial->silence = evtimer_new(pmi->op->base, pmi_serial_on_silence, serial);
    serial->reopen = evtimer_new(pmi->op->base, pmi_serial_on_reopen, serial);
    if (!serial->silence || !serial->reopen) {
        pmi_serial_free(serial);
        return ST_NOMEM;
    }
    pmi_serial_follow(serial);
    pmi_serial_open(serial);
    *ret = serial;
    return ST_OK;
}

void pmi_serial_follow(struct pmi_serial *serial)
{
    const struct pmi_options *options = serial->pmi->options;

    serial->client = (struct pmi_client){ .writer = PMI_NOBODY, .from = options->serial_path };
    for (int32_t w = 0; w < options->writer_count; w++)
        if (options->writers[w].serial)
            serial->client.writers |= 1u << w;
}

struct pmi_serial *pmi_serial_free(struct pmi_serial *serial)
{
    if (!serial)
        return NULL;
    if (serial->readable)
        event_free(serial->readable);
    if (serial->silence)
        event_free(serial->silence);
    if (serial->reopen)
        event_free(serial->reopen);
    if (serial->fd >= 0)
        (void)close(serial->fd);
    free(serial);
    return NULL;
}
