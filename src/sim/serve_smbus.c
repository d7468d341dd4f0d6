/* SPDX-License-Identifier: Apache-2.0 */
/* serve_smbus.c: owns the way to one SMBus segment: its socket, its clients and its pace.
 * Runs on the base it is given; never blocks. What is on the segment is serve_segment.c's.
 *
 * One transaction at a time, whoever asked, as on the wire.
 */
#include "serve_smbus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "busbar/check.h"
#include "busbar/clock.h"
#include "serve_segment.h"
#include "serve_wire.h"

#define SMBUS_CLIENTS_MAX 8
#define SMBUS_PATH_MAX    108
#define SMBUS_HEADER      5 /* length, address, flags, to write, to read */
#define SMBUS_FLAG_PEC    0x01
#define SMBUS_FLAG_ON     0x02 /* a group: no stop after this                 */
#define SMBUS_REFRESH_US  20000 /* ASSUMED: a supply's own electrical refresh */

struct smbus_client {
    struct serve_smbus *smbus;
    int fd; /* -1: free                                  */
    struct serve_wire_watch *watch;
    uint8_t received[2 * SERVE_SEGMENT_FRAME_MAX];
    size_t received_size;
};

struct serve_smbus {
    struct serve_smbus_options opt;
    char path[SMBUS_PATH_MAX];
    int listen_fd;
    struct serve_wire_watch *watch;
    struct serve_wire_timer *timer, *refresh_timer;
    int64_t refresh_us;
    struct serve_segment segment;
    int32_t holder; /* client that has not made its stop yet; -1 */
    struct smbus_client clients[SMBUS_CLIENTS_MAX];
    int32_t owner; /* client whose transaction is on the bus; -1 */
    int32_t last;  /* client served last                         */
    uint8_t answer[2 + SERVE_SEGMENT_FRAME_MAX];
    size_t answer_size;
    struct serve_smbus_counts counts;
};

/* The stop of whoever holds the bus. */
static void serve_smbus_stop(struct serve_smbus *smbus)
{
    serve_segment_stop(&smbus->segment);
    smbus->holder = -1;
}

/* ---- clients ---- */

static void serve_smbus_close(struct smbus_client *client)
{
    struct serve_smbus *smbus = client->smbus;

    client->watch = serve_wire_watch_free(client->watch);
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
    client->received_size = 0;
    /* Its transaction still ends on the bus; the answer goes nowhere. */
    if (smbus->owner == client - smbus->clients)
        smbus->answer_size = 0;
    if (smbus->holder == client - smbus->clients)
        serve_smbus_stop(smbus);
}

/* Bytes of the whole frame at the front; 0: not all there. */
static size_t serve_smbus_frame(const struct smbus_client *client)
{
    size_t size = client->received_size > 0 ? (size_t)client->received[0] + 1 : 0;

    return size > 0 && client->received_size >= size ? size : 0;
}

/* Starts the transaction at the front of a client's buffer. False: not a request. */
static bool serve_smbus_start(struct smbus_client *client)
{
    struct serve_smbus *smbus = client->smbus;
    const uint8_t *frame = client->received;
    size_t size = serve_smbus_frame(client);
    enum serve_smbus_result result;
    struct serve_segment_request request;
    int64_t wire_us;

    if (size < SMBUS_HEADER || size != SMBUS_HEADER + (size_t)frame[3])
        return false;
    request = (struct serve_segment_request){.address = frame[1],
                                     .pec = (frame[2] & SMBUS_FLAG_PEC) != 0,
                                     .goes_on = (frame[2] & SMBUS_FLAG_ON) != 0,
                                     .write_count = frame[3],
                                     .read_count = frame[4],
                                     .bytes = frame + SMBUS_HEADER};
    if (request.read_count > SERVE_SEGMENT_FRAME_MAX - 4 && request.read_count != SERVE_SEGMENT_READ_BLOCK)
        return false; /* the answer would not fit its length */
    size = serve_segment_transact(&smbus->segment, &request, smbus->answer + 2, &result, &wire_us);
    smbus->answer[0] = (uint8_t)(size + 1);
    smbus->answer[1] = (uint8_t)result;
    smbus->answer_size = size + 2;
    smbus->owner = (int32_t)(client - smbus->clients);
    smbus->holder = smbus->segment.group ? smbus->owner : -1;
    smbus->counts.transactions++;
    smbus->counts.naks += result == SERVE_SMBUS_NAK ? 1 : 0;
    client->received_size -= SMBUS_HEADER + request.write_count;
    memmove(client->received, frame + SMBUS_HEADER + request.write_count, client->received_size);
    serve_wire_timer_at(smbus->timer, clock_now_us() + wire_us);
    return true;
}

/* The bus is free: the next client in turn that has a whole request. */
static void serve_smbus_next(struct serve_smbus *smbus)
{
    for (int32_t i = 1; i <= SMBUS_CLIENTS_MAX && smbus->owner < 0; i++) {
        int32_t at = (smbus->last + i) % SMBUS_CLIENTS_MAX;
        struct smbus_client *client = &smbus->clients[at];

        if (client->fd < 0 || serve_smbus_frame(client) == 0 || (smbus->holder >= 0 && smbus->holder != at))
            continue;
        if (serve_smbus_start(client))
            smbus->last = at;
        else
            serve_smbus_close(client);
    }
    /* A master that makes no stop: the devices make an end of it, as SMBus says. */
    if (smbus->owner < 0 && smbus->holder >= 0)
        serve_wire_timer_at(smbus->timer, clock_now_us() + SERVE_SEGMENT_TIMEOUT_US);
}

static void serve_smbus_done(void *arg)
{
    struct serve_smbus *smbus = arg;
    struct smbus_client *client;

    if (smbus->owner < 0) {
        serve_smbus_stop(smbus);
        serve_smbus_next(smbus);
        return;
    }
    client = &smbus->clients[smbus->owner];
    if (smbus->answer_size > 0 && client->fd >= 0 &&
        send(client->fd, smbus->answer, smbus->answer_size, MSG_DONTWAIT | MSG_NOSIGNAL) !=
            (ssize_t)smbus->answer_size)
        serve_smbus_close(client); /* it does not read */
    smbus->owner = -1;
    serve_smbus_next(smbus);
}

static void serve_smbus_readable(void *arg)
{
    struct smbus_client *client = arg;
    size_t room = sizeof client->received - client->received_size;
    ssize_t size = recv(client->fd, client->received + client->received_size, room, MSG_DONTWAIT);

    if (size < 0 && errno == EAGAIN)
        return;
    if (size <= 0) { /* gone, or it sends without end */
        serve_smbus_close(client);
        return;
    }
    client->received_size += (size_t)size;
    if (client->smbus->owner < 0)
        serve_smbus_next(client->smbus);
}

static void serve_smbus_accept(void *arg)
{
    struct serve_smbus *smbus = arg;
    int fd = serve_wire_accept(smbus->listen_fd);

    if (fd < 0)
        return;
    for (int32_t i = 0; i < SMBUS_CLIENTS_MAX; i++) {
        struct smbus_client *client = &smbus->clients[i];

        /* A slot whose transaction is on the bus is not free yet. */
        if (client->fd >= 0 || smbus->owner == i)
            continue;
        if (serve_wire_watch_new(smbus->opt.base, fd, serve_smbus_readable, client, &client->watch) != ST_OK)
            break;
        client->fd = fd;
        return;
    }
    close(fd);
}

/* ---- the segment ---- */

static void serve_smbus_refresh(void *arg)
{
    struct serve_smbus *smbus = arg;
    int64_t now_us = clock_now_us();

    serve_segment_refresh(&smbus->segment);
    do
        smbus->refresh_us += SMBUS_REFRESH_US;
    while (smbus->refresh_us <= now_us);
    serve_wire_timer_at(smbus->refresh_timer, smbus->refresh_us);
}

enum status serve_smbus_new(const struct serve_smbus_options *opt, struct serve_smbus **ret)
{
    enum status st = ST_RANGE;
    struct serve_smbus *smbus = calloc(1, sizeof *smbus);
    int size;

    if (!smbus)
        return ST_NOMEM;
    CHECK(opt->base && opt->plant && opt->run_dir && opt->hz > 0);
    CHECK(opt->shelf >= 0 && opt->shelf < opt->plant->shelf_count);
    smbus->opt = *opt;
    smbus->opt.run_dir = NULL;
    smbus->listen_fd = smbus->owner = smbus->holder = -1;
    for (int32_t i = 0; i < SMBUS_CLIENTS_MAX; i++) {
        smbus->clients[i].smbus = smbus;
        smbus->clients[i].fd = -1;
    }
    serve_segment_init(&smbus->segment, opt);
    size = snprintf(smbus->path, sizeof smbus->path, "%s/smbus-%d", opt->run_dir, opt->shelf + 1);
    if (size < 0 || (size_t)size >= sizeof smbus->path)
        goto fail;
    st = serve_wire_listen_unix(smbus->path, &smbus->listen_fd);
    if (st == ST_OK)
        st = serve_wire_timer_new(opt->base, serve_smbus_done, smbus, &smbus->timer);
    if (st == ST_OK)
        st = serve_wire_timer_new(opt->base, serve_smbus_refresh, smbus, &smbus->refresh_timer);
    if (st == ST_OK)
        st = serve_wire_watch_new(opt->base, smbus->listen_fd, serve_smbus_accept, smbus, &smbus->watch);
    if (st != ST_OK)
        goto fail;
    smbus->refresh_us = clock_now_us();
    serve_smbus_refresh(smbus);
    *ret = smbus;
    return ST_OK;

fail:
    serve_smbus_free(smbus);
    return st;
}

struct serve_smbus *serve_smbus_free(struct serve_smbus *smbus)
{
    if (!smbus)
        return NULL;
    for (int32_t i = 0; i < SMBUS_CLIENTS_MAX; i++)
        serve_smbus_close(&smbus->clients[i]);
    serve_wire_watch_free(smbus->watch);
    serve_wire_timer_free(smbus->timer);
    serve_wire_timer_free(smbus->refresh_timer);
    if (smbus->listen_fd >= 0) {
        close(smbus->listen_fd);
        unlink(smbus->path);
    }
    free(smbus);
    return NULL;
}

const char *serve_smbus_path(const struct serve_smbus *smbus)
{
    return smbus->path;
}

struct serve_smbus_counts serve_smbus_counts(const struct serve_smbus *smbus)
{
    struct serve_smbus_counts counts = smbus->counts;

    counts.writes = smbus->segment.writes;
    return counts;
}
