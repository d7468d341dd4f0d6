/* SPDX-License-Identifier: Apache-2.0 */
/* serve_modbus_tcp.c: owns the Modbus TCP gateway in front of line 1: listener,
 * connections, and one queue, as behind it there is one serial line. Runs on the
 * server's base; never blocks.
 *
 * ASSUMED, as no such gateway is documented: it takes as long as the serial line
 * plus 1 to 5 ms, keeps 16 connections and 32 requests, and answers exception 6
 * when its queue is full and 0x0B when a unit stayed silent.
 */
#include "serve_modbus_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "busbar/clock.h"

#define TCP_CONNECTIONS_MAX 16
#define TCP_QUEUE_MAX       32
#define TCP_HEADER          7
#define TCP_UNIT_TIMEOUT_US 300000 /* how long it waits for a unit                */

struct tcp_connection {
    struct serve_modbus_gateway *gateway;
    int fd;          /* -1: free                                    */
    uint32_t serial; /* which of its users a job belongs to         */
    struct serve_wire_watch *watch;
    uint8_t received[TCP_HEADER + SERVE_MODBUS_PDU_MAX];
    size_t received_size;
};

struct tcp_job {
    int32_t connection;
    uint32_t serial;
    uint8_t frame[TCP_HEADER + SERVE_MODBUS_PDU_MAX];
    size_t size;
};

struct serve_modbus_gateway {
    struct serve_modbus *modbus;
    int listen_fd;
    int32_t port;
    struct serve_wire_watch *watch;
    struct serve_wire_timer *timer;
    struct tcp_connection connections[TCP_CONNECTIONS_MAX];
    struct tcp_job queue[TCP_QUEUE_MAX];
    int32_t queue_first, queue_count;
    /* the job at the head of the queue */
    bool busy; /* its request is on the line, or its unit at work */
    uint8_t answer[TCP_HEADER + SERVE_MODBUS_PDU_MAX];
    size_t answer_size; /* 0: the unit has not acted yet                */
};

static void serve_modbus_tcp_close(struct tcp_connection *c)
{
    c->watch = serve_wire_watch_free(c->watch);
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->serial++;
}

/* To whoever asked, if still there; a client that does not read is dropped. */
static void serve_modbus_tcp_send(struct serve_modbus_gateway *gateway, const struct tcp_job *job,
                                  const uint8_t *bytes, size_t size)
{
    struct tcp_connection *c = &gateway->connections[job->connection];

    if (c->fd < 0 || c->serial != job->serial)
        return;
    if (send(c->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)size)
        serve_modbus_tcp_close(c);
}

/* The head of an answer: as the request's, with the length of what follows. */
static size_t serve_modbus_tcp_wrap(const struct tcp_job *job, size_t pdu_size, uint8_t *answer)
{
    memcpy(answer, job->frame, TCP_HEADER);
    answer[4] = (uint8_t)((pdu_size + 1) >> 8);
    answer[5] = (uint8_t)(pdu_size + 1);
    return TCP_HEADER + pdu_size;
}

static void serve_modbus_tcp_refuse(struct serve_modbus_gateway *gateway, const struct tcp_job *job,
                                    uint8_t code)
{
    uint8_t answer[TCP_HEADER + 2];

    serve_modbus_exception(job->frame[TCP_HEADER], code, answer + TCP_HEADER);
    serve_modbus_tcp_send(gateway, job, answer, serve_modbus_tcp_wrap(job, 2, answer));
}

/* Puts the head of the queue on the line. */
static void serve_modbus_tcp_begin(struct serve_modbus_gateway *gateway)
{
    struct serve_modbus_line *line = &gateway->modbus->lines[0];
    const struct tcp_job *job = &gateway->queue[gateway->queue_first];
    struct serve_registers_unit *unit = serve_modbus_unit(line, job->frame[6]);
    int64_t wait_us = TCP_UNIT_TIMEOUT_US;

    gateway->busy = true;
    gateway->answer_size = 0;
    if (unit) /* on the line a request has two bytes of CRC more, and no header but the unit */
        wait_us = serve_modbus_wire_us(gateway->modbus, job->size - TCP_HEADER + 3) +
                  serve_modbus_turnaround_us(line, unit);
    serve_wire_timer_at(gateway->timer, clock_now_us() + wait_us);
}

/* The unit acts: from here its answer travels back. */
static void serve_modbus_tcp_act(struct serve_modbus_gateway *gateway)
{
    struct serve_modbus_line *line = &gateway->modbus->lines[0];
    const struct tcp_job *job = &gateway->queue[gateway->queue_first];
    struct serve_registers_unit *unit = serve_modbus_unit(line, job->frame[6]);
    int64_t now_us = clock_now_us();
    int64_t wait_us = TCP_UNIT_TIMEOUT_US;
    bool corrupt = false;
    size_t size = 0;

    if (unit)
        size = serve_modbus_answer(line, unit, now_us, job->frame + TCP_HEADER, job->size - TCP_HEADER,
                                   gateway->answer + TCP_HEADER, &corrupt);
    if (size == 0 || corrupt) {
        size = serve_modbus_exception(job->frame[TCP_HEADER], SERVE_MODBUS_GATEWAY_SILENT,
                                      gateway->answer + TCP_HEADER);
        wait_us = unit ? TCP_UNIT_TIMEOUT_US : 0;
    } else {
        wait_us = serve_modbus_wire_us(gateway->modbus, size + 3) +
                  (int64_t)rng_uniform(&gateway->modbus->rng, 1000.0, 5000.0);
    }
    gateway->answer_size = serve_modbus_tcp_wrap(job, size, gateway->answer);
    serve_wire_timer_at(gateway->timer, now_us + wait_us);
}

static void serve_modbus_tcp_next(void *arg)
{
    struct serve_modbus_gateway *gateway = arg;

    if (!gateway->busy)
        return;
    if (gateway->answer_size == 0) {
        serve_modbus_tcp_act(gateway);
        return;
    }
    serve_modbus_tcp_send(gateway, &gateway->queue[gateway->queue_first], gateway->answer,
                          gateway->answer_size);
    gateway->queue_first = (gateway->queue_first + 1) % TCP_QUEUE_MAX;
    gateway->queue_count--;
    gateway->busy = false;
    if (gateway->queue_count > 0)
        serve_modbus_tcp_begin(gateway);
}

static void serve_modbus_tcp_request(struct tcp_connection *c, size_t size)
{
    struct serve_modbus_gateway *gateway = c->gateway;
    struct tcp_job *job = &gateway->queue[(gateway->queue_first + gateway->queue_count) % TCP_QUEUE_MAX];
    struct tcp_job refused;

    if (gateway->queue_count == TCP_QUEUE_MAX)
        job = &refused;
    job->connection = (int32_t)(c - gateway->connections);
    job->serial = c->serial;
    job->size = size;
    memcpy(job->frame, c->received, size);
    if (job == &refused) {
        serve_modbus_tcp_refuse(gateway, job, SERVE_MODBUS_GATEWAY_FULL);
        return;
    }
    gateway->queue_count++;
    if (!gateway->busy)
        serve_modbus_tcp_begin(gateway);
}

/* Takes whole frames off the front. False: this is not Modbus. */
static bool serve_modbus_tcp_frames(struct tcp_connection *c)
{
    uint32_t serial = c->serial;

    while (c->received_size >= TCP_HEADER) {
        size_t length = (size_t)(c->received[4] << 8 | c->received[5]);

        if (c->received[2] != 0 || c->received[3] != 0 || length < 2 || length > SERVE_MODBUS_PDU_MAX + 1)
            return false;
        if (c->received_size < length + TCP_HEADER - 1)
            return true;
        serve_modbus_tcp_request(c, length + TCP_HEADER - 1);
        if (c->serial != serial)
            return true; /* dropped while it was refused */
        c->received_size -= length + TCP_HEADER - 1;
        memmove(c->received, c->received + length + TCP_HEADER - 1, c->received_size);
    }
    return true;
}

static void serve_modbus_tcp_readable(void *arg)
{
    struct tcp_connection *c = arg;
    ssize_t size =
        recv(c->fd, c->received + c->received_size, sizeof c->received - c->received_size, MSG_DONTWAIT);

    if (size < 0 && errno == EAGAIN)
        return;
    if (size > 0) {
        c->received_size += (size_t)size;
        if (serve_modbus_tcp_frames(c))
            return;
    }
    serve_modbus_tcp_close(c);
}

static void serve_modbus_tcp_accept(void *arg)
{
    struct serve_modbus_gateway *gateway = arg;
    int fd = serve_wire_accept(gateway->listen_fd);

    if (fd < 0)
        return;
    for (int32_t i = 0; i < TCP_CONNECTIONS_MAX; i++) {
        struct tcp_connection *c = &gateway->connections[i];

        if (c->fd >= 0)
            continue;
        if (serve_wire_watch_new(gateway->modbus->opt.base, fd, serve_modbus_tcp_readable, c, &c->watch) !=
            ST_OK)
            break;
        c->fd = fd;
        c->received_size = 0;
        return;
    }
    close(fd);
}

enum status serve_modbus_gateway_new(struct serve_modbus *modbus, struct serve_modbus_gateway **ret)
{
    struct serve_modbus_gateway *gateway = calloc(1, sizeof *gateway);
    enum status st;

    if (!gateway)
        return ST_NOMEM;
    gateway->modbus = modbus;
    gateway->listen_fd = -1;
    for (int32_t i = 0; i < TCP_CONNECTIONS_MAX; i++) {
        gateway->connections[i].gateway = gateway;
        gateway->connections[i].fd = -1;
    }
    st = serve_wire_listen_tcp(0, &gateway->listen_fd, &gateway->port);
    if (st == ST_OK)
        st = serve_wire_timer_new(modbus->opt.base, serve_modbus_tcp_next, gateway, &gateway->timer);
    if (st == ST_OK)
        st = serve_wire_watch_new(modbus->opt.base, gateway->listen_fd, serve_modbus_tcp_accept, gateway,
                                  &gateway->watch);
    if (st != ST_OK) {
        serve_modbus_gateway_free(gateway);
        return st;
    }
    *ret = gateway;
    return ST_OK;
}

struct serve_modbus_gateway *serve_modbus_gateway_free(struct serve_modbus_gateway *gateway)
{
    if (!gateway)
        return NULL;
    for (int32_t i = 0; i < TCP_CONNECTIONS_MAX; i++)
        serve_modbus_tcp_close(&gateway->connections[i]);
    serve_wire_watch_free(gateway->watch);
    serve_wire_timer_free(gateway->timer);
    if (gateway->listen_fd >= 0)
        close(gateway->listen_fd);
    free(gateway);
    return NULL;
}

int serve_modbus_gateway_port(const struct serve_modbus_gateway *gateway)
{
    return gateway->port;
}
