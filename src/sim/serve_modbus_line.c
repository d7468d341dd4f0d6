/* SPDX-License-Identifier: Apache-2.0 */
/* serve_modbus_line.c: owns one RTU line: a pty, its frames and their pace. Runs
 * on the server's base; never blocks.
 *
 * A frame ends where its function code says, or after 3.5 silent characters. A
 * unit works on a request for its turnaround and then sends, 16 characters at a
 * time as the wire would have brought them. Other units hear requests meanwhile;
 * the unit at work does not, and nobody hears what is sent into an answer.
 */
#include "serve_modbus_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "busbar/clock.h"
#include "busbar/log.h"

#define LINE_SILENCE_MIN_US 1750 /* above 19200 baud it no longer shrinks */

static int64_t serve_modbus_line_silence_us(const struct serve_modbus_line *line)
{
    int64_t us = serve_modbus_wire_us(line->modbus, 7) / 2;

    return us > LINE_SILENCE_MIN_US ? us : LINE_SILENCE_MIN_US;
}

static void serve_modbus_line_listen(struct serve_modbus_line *line)
{
    line->received_size = 0;
    line->discarding = false;
    serve_wire_timer_stop(line->receive_timer);
}

static bool serve_modbus_line_sending(const struct serve_modbus_line *line)
{
    return line->answer_sent < line->answer_size;
}

/* ---- sending ---- */

static int32_t serve_modbus_line_next_pending(const struct serve_modbus_line *line)
{
    int32_t next = 0;

    for (int32_t i = 1; i < line->pending_count; i++) {
        if (line->pending[i].due_us < line->pending[next].due_us)
            next = i;
    }
    return next;
}

static size_t serve_modbus_line_chunk(const struct serve_modbus_line *line)
{
    size_t left = line->answer_size - line->answer_sent;

    return left < SERVE_MODBUS_CHUNK ? left : SERVE_MODBUS_CHUNK;
}

static void serve_modbus_line_arm_send(struct serve_modbus_line *line)
{
    if (serve_modbus_line_sending(line))
        serve_wire_timer_at(
            line->send_timer,
            line->answer_us +
                serve_modbus_wire_us(line->modbus, line->answer_sent + serve_modbus_line_chunk(line)));
    else if (line->pending_count > 0)
        serve_wire_timer_at(line->send_timer, line->pending[serve_modbus_line_next_pending(line)].due_us);
    else
        serve_wire_timer_stop(line->send_timer);
}

/* The unit that is due acts now: what it reads is the truth of this moment. */
static void serve_modbus_line_answer(struct serve_modbus_line *line, int64_t now_us)
{
    int32_t next = serve_modbus_line_next_pending(line);
    struct serve_modbus_pending job = line->pending[next];
    bool corrupt;
    size_t size;
    uint16_t crc;

    line->pending[next] = line->pending[--line->pending_count];
    size = serve_modbus_answer(line, job.unit, now_us, job.request + 1, job.request_size - 3,
                               line->answer + 1, &corrupt);
    line->answer_size = line->answer_sent = 0;
    if (size == 0) {
        line->counts.silent++;
        return;
    }
    line->answer[0] = job.unit->address;
    crc = serve_modbus_crc(line->answer, size + 1);
    if (corrupt)
        crc ^= 0x0101;
    line->answer[size + 1] = (uint8_t)crc;
    line->answer[size + 2] = (uint8_t)(crc >> 8);
    line->answer_size = size + 3;
    /* The pace starts from when it was due: a late wake-up is not paid twice. */
    line->answer_us = job.due_us > line->free_us ? job.due_us : line->free_us;
    line->free_us = line->answer_us + serve_modbus_wire_us(line->modbus, line->answer_size);
    line->counts.answers++;
    if (line->answer[1] & 0x80)
        line->counts.exceptions++;
    else if (line->answer[1] == 0x06)
        line->counts.writes++;
    else if (line->answer[1] == 0x10)
        line->counts.writes += (uint64_t)(line->answer[4] << 8 | line->answer[5]);
}

static void serve_modbus_line_send(void *arg)
{
    struct serve_modbus_line *line = arg;
    int64_t now_us = clock_now_us();

    if (serve_modbus_line_sending(line)) {
        size_t chunk = serve_modbus_line_chunk(line);
        ssize_t done = write(line->master_fd, line->answer + line->answer_sent, chunk);

        /* Nobody reads the other end: what does not fit is lost, as on a wire. */
        (void)done;
        line->answer_sent += chunk;
        /* Who waited for the answer may speak at once: the pause that the
         * standard wants was the wire's. */
        if (!serve_modbus_line_sending(line) && line->discarding)
            serve_modbus_line_listen(line);
    } else if (line->pending_count > 0 &&
               line->pending[serve_modbus_line_next_pending(line)].due_us <= now_us) {
        serve_modbus_line_answer(line, now_us);
    }
    serve_modbus_line_arm_send(line);
}

/* ---- receiving ---- */

/* A whole frame with a good CRC: whom is it for? */
static void serve_modbus_line_request(struct serve_modbus_line *line)
{
    struct serve_registers_unit *unit = serve_modbus_unit(line, line->received[0]);
    int64_t end_us = line->first_us + serve_modbus_wire_us(line->modbus, line->received_size);
    struct serve_modbus_pending *job;

    line->counts.requests++;
    if (!unit) { /* not here, or to all: broadcasts are ignored */
        line->counts.silent++;
        return;
    }
    for (int32_t i = 0; i < line->pending_count; i++) {
        if (line->pending[i].unit == unit) {
            line->counts.collisions++; /* it is at work and does not listen */
            return;
        }
    }
    if (line->pending_count == SERVE_MODBUS_PENDING_MAX) {
        line->counts.collisions++;
        return;
    }
    job = &line->pending[line->pending_count++];
    job->unit = unit;
    job->due_us = (end_us > line->last_us ? end_us : line->last_us) + serve_modbus_turnaround_us(line, unit);
    memcpy(job->request, line->received, line->received_size);
    job->request_size = line->received_size;
    if (!serve_modbus_line_sending(line))
        serve_modbus_line_arm_send(line);
}

static void serve_modbus_line_frame(struct serve_modbus_line *line)
{
    size_t size = line->received_size;
    struct serve_registers_unit *unit = serve_modbus_unit(line, line->received[0]);

    /* Over a frame and its CRC, low byte first, the CRC comes out as 0. */
    if (size >= 4 && serve_modbus_crc(line->received, size) == 0) {
        serve_modbus_line_request(line);
        return;
    }
    line->counts.corrupt++;
    if (unit)
        unit->crc_errors++;
}

static void serve_modbus_line_take(struct serve_modbus_line *line, const uint8_t *bytes, size_t size,
                                   int64_t now_us)
{
    if (line->received_size == 0)
        line->first_us = now_us;
    line->last_us = now_us;
    for (size_t i = 0; i < size; i++) {
        int32_t whole;

        if (line->discarding)
            break;
        line->received[line->received_size++] = bytes[i];
        whole = serve_modbus_frame_size(line->received, line->received_size);
        if (whole > 0 && line->received_size == (size_t)whole) {
            serve_modbus_line_frame(line);
            line->received_size = 0;
            line->discarding = true; /* what follows without a pause is no frame */
        } else if (line->received_size == SERVE_MODBUS_FRAME_MAX) {
            line->counts.corrupt++;
            line->received_size = 0;
            line->discarding = true;
        }
    }
    serve_wire_timer_at(line->receive_timer, now_us + serve_modbus_line_silence_us(line));
}

static void serve_modbus_line_readable(void *arg)
{
    struct serve_modbus_line *line = arg;
    uint8_t bytes[512];
    ssize_t size = read(line->master_fd, bytes, sizeof bytes);
    int64_t now_us = clock_now_us();

    if (size <= 0)
        return;
    if (serve_modbus_line_sending(line)) {
        line->counts.collisions += (uint64_t)size;
        return;
    }
    /* Woken late: the line was quiet for long enough. */
    if (line->discarding && now_us - line->last_us >= serve_modbus_line_silence_us(line))
        serve_modbus_line_listen(line);
    serve_modbus_line_take(line, bytes, (size_t)size, now_us);
}

static void serve_modbus_line_silent(void *arg)
{
    struct serve_modbus_line *line = arg;
    uint8_t byte;

    /* Woken late, the rest of the frame may be waiting already. */
    if (line->received_size > 0 && !serve_modbus_line_sending(line)) {
        ssize_t size;

        while (line->received_size > 0 && (size = read(line->master_fd, &byte, 1)) == 1)
            serve_modbus_line_take(line, &byte, 1, clock_now_us());
        if (line->received_size > 0 && clock_now_us() - line->last_us < serve_modbus_line_silence_us(line))
            return;
    }
    if (line->received_size > 0)
        serve_modbus_line_frame(line);
    serve_modbus_line_listen(line);
}

/* ---- opening ---- */

static bool serve_modbus_line_raw(int fd)
{
    struct termios settings;

    if (tcgetattr(fd, &settings) != 0)
        return false;
    cfmakeraw(&settings);
    return tcsetattr(fd, TCSANOW, &settings) == 0;
}

static enum status serve_modbus_line_pty(struct serve_modbus_line *line)
{
    char name[SERVE_MODBUS_PATH_MAX];

    line->master_fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (line->master_fd < 0 || grantpt(line->master_fd) != 0 || unlockpt(line->master_fd) != 0 ||
        ptsname_r(line->master_fd, name, sizeof name) != 0)
        goto fail;
    line->slave_fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (line->slave_fd < 0 || !serve_modbus_line_raw(line->slave_fd))
        goto fail;
    if ((unlink(line->path) != 0 && errno != ENOENT) || symlink(name, line->path) != 0)
        goto fail;
    line->linked = true;
    return ST_OK;

fail:
    LOG(ERR, line->path, "cannot make a serial line: %s", strerror(errno));
    return ST_SYS;
}

enum status serve_modbus_line_open(struct serve_modbus_line *line)
{
    struct event_base *base = line->modbus->opt.base;
    enum status st = ST_RANGE;
    int size = snprintf(line->path, sizeof line->path, "%s/line-%d", line->modbus->run_dir, line->shelf + 1);

    if (size < 0 || (size_t)size >= sizeof line->path)
        return ST_RANGE;
    st = serve_modbus_line_pty(line);
    if (st == ST_OK)
        st = serve_wire_timer_new(base, serve_modbus_line_silent, line, &line->receive_timer);
    if (st == ST_OK)
        st = serve_wire_timer_new(base, serve_modbus_line_send, line, &line->send_timer);
    if (st == ST_OK)
        st = serve_wire_watch_new(base, line->master_fd, serve_modbus_line_readable, line, &line->watch);
    return st;
}

void serve_modbus_line_close(struct serve_modbus_line *line)
{
    line->watch = serve_wire_watch_free(line->watch);
    line->receive_timer = serve_wire_timer_free(line->receive_timer);
    line->send_timer = serve_wire_timer_free(line->send_timer);
    if (line->slave_fd >= 0)
        close(line->slave_fd);
    if (line->master_fd >= 0)
        close(line->master_fd);
    if (line->linked)
        unlink(line->path);
}
