/* SPDX-License-Identifier: Apache-2.0 */
/* serve_smbus.c: owns one SMBus segment: its socket, its clients and its pace.
 * Runs on the base it is given; never blocks.
 *
 * One transaction at a time, whoever asked, as on the wire: nine bits a byte and
 * one for each start and stop.
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
#include "serve_hotswap.h"
#include "serve_pmbus.h"
#include "serve_wire.h"

#define SMBUS_CLIENTS_MAX 8
#define SMBUS_DEVICES_MAX 6
#define SMBUS_PATH_MAX    108
#define SMBUS_FRAME_MAX   256
#define SMBUS_HEADER      5 /* length, address, flags, to write, to read */
#define SMBUS_FLAG_PEC    0x01
#define SMBUS_FLAG_ON     0x02 /* a group: no stop after this                 */
#define SMBUS_ALERT       0x0C /* who pulls SMBALERT# answers there           */
#define SMBUS_READ_BLOCK  0xFF
#define SMBUS_BLOCK_MAX   32
#define SMBUS_HELD_MAX    40
#define SMBUS_REFRESH_US  20000 /* ASSUMED: a supply's own electrical refresh */
#define SMBUS_TIMEOUT_US  30000 /* SMBus: 25 to 35 ms                         */

struct smbus_client {
    struct serve_smbus *smbus;
    int fd; /* -1: free                                  */
    struct serve_wire_watch *watch;
    uint8_t received[2 * SMBUS_FRAME_MAX];
    size_t received_size;
};

/* A device's part of a group, until the stop. */
struct smbus_held {
    size_t size;
    uint8_t bytes[SMBUS_HELD_MAX];
};

struct serve_smbus {
    struct serve_smbus_options opt;
    char path[SMBUS_PATH_MAX];
    int listen_fd;
    struct serve_wire_watch *watch;
    struct serve_wire_timer *timer, *refresh_timer;
    int64_t refresh_us;
    struct serve_pmbus devices[SMBUS_DEVICES_MAX];
    struct smbus_held held[SMBUS_DEVICES_MAX];
    int32_t device_count;
    struct serve_hotswap hotswap;
    int32_t holder; /* client that has not made its stop yet; -1 */
    struct smbus_client clients[SMBUS_CLIENTS_MAX];
    int32_t owner; /* client whose transaction is on the bus; -1 */
    int32_t last;  /* client served last                         */
    uint8_t answer[2 + SMBUS_FRAME_MAX];
    size_t answer_size;
    struct serve_smbus_counts counts;
};

/* What is in a request, checked. */
struct smbus_request {
    uint8_t address, write_count, read_count;
    bool pec, goes_on;
    const uint8_t *bytes;
};

static struct serve_pmbus *serve_smbus_device(struct serve_smbus *smbus, uint8_t address)
{
    for (int32_t i = 0; i < smbus->device_count; i++) {
        if (smbus->devices[i].address == address && smbus->opt.plant->psus[smbus->devices[i].psu].present)
            return &smbus->devices[i];
    }
    return NULL;
}

static struct fault *serve_smbus_fault(const struct serve_smbus *smbus, const struct serve_pmbus *device,
                                       enum fault_kind kind)
{
    struct fault *of_bus, *of_device;

    if (!smbus->opt.faults)
        return NULL;
    of_bus = faults_hit(smbus->opt.faults, FAULT_SMBUS, smbus->opt.shelf, kind);
    of_device = faults_hit(smbus->opt.faults, FAULT_PSU_SMBUS, device->psu, kind);
    return of_device ? of_device : of_bus;
}

static int64_t serve_smbus_wire_us(const struct serve_smbus *smbus, size_t bytes, size_t conditions)
{
    return (int64_t)((double)(bytes * 9 + conditions) * 1e6 / smbus->opt.hz);
}

/* ---- one transaction ---- */

/* The bytes the master clocks out of the device: its data, its PEC, and then
 * nothing but the pulled-up line. Returns how many the master takes. */
static size_t serve_smbus_clock_out(const struct smbus_request *request, const uint8_t *data, size_t size,
                                    uint8_t pec, uint8_t *out, enum serve_smbus_result *ret)
{
    size_t wanted = request->read_count;

    memset(out, 0xFF, SMBUS_FRAME_MAX);
    memcpy(out, data, size);
    out[size] = pec;
    *ret = SERVE_SMBUS_OK;
    if (wanted == SMBUS_READ_BLOCK) {
        wanted = (size_t)out[0] + 1;
        if (out[0] > SMBUS_BLOCK_MAX) {
            *ret = SERVE_SMBUS_BUS;
            return 0;
        }
    }
    return wanted + (request->pec ? 1 : 0);
}

/* What the device has to say; more than a command before the repeated start is a process
 * call. `device` NULL: the hot-swap controller. */
static bool serve_smbus_data(struct serve_smbus *smbus, struct serve_pmbus *device,
                             const struct smbus_request *request, uint8_t *data, size_t *ret_size)
{
    bool process = request->write_count > 1;

    if (!device)
        return process ? serve_hotswap_process(&smbus->hotswap, request->bytes, request->write_count, data, ret_size)
                       : serve_hotswap_read(&smbus->hotswap, request->bytes[0], data, ret_size);
    return process ? serve_pmbus_process(device, request->bytes, request->write_count, data, ret_size)
                   : serve_pmbus_read(device, request->bytes[0], data, ret_size);
}

static size_t serve_smbus_read(struct serve_smbus *smbus, struct serve_pmbus *device,
                               const struct smbus_request *request, uint8_t *out,
                               enum serve_smbus_result *ret)
{
    uint8_t to = (uint8_t)(request->address << 1), from = (uint8_t)(to | 1);
    uint8_t data[SERVE_PMBUS_DATA_MAX];
    uint8_t pec;
    size_t size;

    *ret = SERVE_SMBUS_NAK;
    if (!serve_smbus_data(smbus, device, request, data, &size))
        return 0;
    pec = serve_pmbus_pec(0, &to, 1);
    pec = serve_pmbus_pec(pec, request->bytes, request->write_count);
    pec = serve_pmbus_pec(serve_pmbus_pec(pec, &from, 1), data, size);
    if (device && serve_smbus_fault(smbus, device, FAULT_BAD_CRC))
        pec ^= 0x55;
    return serve_smbus_clock_out(request, data, size, pec, out, ret);
}

/* ---- groups ---- */

/* A write that is to wait for the stop; whether it makes sense shows at once. */
static bool serve_smbus_hold(struct serve_smbus *smbus, struct serve_pmbus *device, const struct smbus_request *request)
{
    struct smbus_held *held = &smbus->held[device - smbus->devices];

    if (request->write_count > SMBUS_HELD_MAX ||
        !serve_pmbus_write(device, request->bytes, request->write_count, true))
        return false;
    held->size = request->write_count;
    memcpy(held->bytes, request->bytes, held->size);
    return true;
}

/* The stop: every device acts. */
static void serve_smbus_stop(struct serve_smbus *smbus)
{
    for (int32_t i = 0; i < smbus->device_count; i++) {
        struct serve_pmbus *device = &smbus->devices[i];
        bool ignore;

        if (smbus->held[i].size == 0)
            continue;
        ignore = serve_smbus_fault(smbus, device, FAULT_IGNORE_WRITE) != NULL;
        (void)serve_pmbus_write(device, smbus->held[i].bytes, smbus->held[i].size, ignore);
        smbus->held[i].size = 0;
    }
    smbus->holder = -1;
}

/* ---- a transaction ---- */

/* The lowest address of those that pull SMBALERT#; it lets go. */
static size_t serve_smbus_alert(struct serve_smbus *smbus, uint8_t *out, enum serve_smbus_result *ret)
{
    for (int32_t i = 0; i < smbus->device_count; i++) {
        struct serve_pmbus *device = serve_smbus_device(smbus, smbus->devices[i].address);

        if (!device || !device->alert || serve_smbus_fault(smbus, device, FAULT_SILENT))
            continue;
        device->alert = false;
        out[0] = (uint8_t)(device->address << 1);
        *ret = SERVE_SMBUS_OK;
        return 1;
    }
    return 0;
}

static bool serve_smbus_write(struct serve_smbus *smbus, struct serve_pmbus *device, const struct smbus_request *request)
{
    if (request->write_count == 0)
        return true;
    if (!device)
        return serve_hotswap_write(&smbus->hotswap, request->bytes, request->write_count);
    if (request->goes_on || smbus->holder >= 0)
        return serve_smbus_hold(smbus, device, request);
    return serve_pmbus_write(device, request->bytes, request->write_count,
                             serve_smbus_fault(smbus, device, FAULT_IGNORE_WRITE) != NULL);
}

/* With somebody who is there. */
static size_t serve_smbus_speak(struct serve_smbus *smbus, struct serve_pmbus *device,
                                const struct smbus_request *request, uint8_t *out, enum serve_smbus_result *ret,
                                int64_t *ret_us)
{
    struct fault *slow = device ? serve_smbus_fault(smbus, device, FAULT_SLOW) : NULL;
    size_t size = 0;

    if (device && serve_smbus_fault(smbus, device, FAULT_SILENT)) {
        *ret = SERVE_SMBUS_TIMEOUT;
        *ret_us = SMBUS_TIMEOUT_US;
        return 0;
    }
    if (device && serve_smbus_fault(smbus, device, FAULT_EXCEPTION)) {
        *ret_us = serve_smbus_wire_us(smbus, 1, 2);
    } else if (request->read_count > 0) {
        size = serve_smbus_read(smbus, device, request, out, ret);
        *ret_us = serve_smbus_wire_us(smbus, 2 + (size_t)request->write_count + size, 3);
    } else {
        if (serve_smbus_write(smbus, device, request))
            *ret = SERVE_SMBUS_OK;
        if (*ret == SERVE_SMBUS_OK && request->write_count > 0)
            smbus->counts.writes++;
        *ret_us = serve_smbus_wire_us(smbus, 1 + (size_t)request->write_count, 2);
    }
    if (slow)
        *ret_us += (int64_t)(faults_value(slow, FAULT_SLOW) * 1000.0);
    return size;
}

/* Does the transaction; returns the bytes read into `out` and how long it takes. */
static size_t serve_smbus_transact(struct serve_smbus *smbus, const struct smbus_request *request,
                                   uint8_t *out, enum serve_smbus_result *ret, int64_t *ret_us)
{
    struct serve_pmbus *device = serve_smbus_device(smbus, request->address);

    *ret = SERVE_SMBUS_NAK;
    *ret_us = serve_smbus_wire_us(smbus, 1, 2);
    if (faults_hit(smbus->opt.faults, FAULT_SMBUS, smbus->opt.shelf, FAULT_ARBITRATION)) {
        *ret = SERVE_SMBUS_LOST;
        return 0;
    }
    if (request->address == SMBUS_ALERT && request->write_count == 0 && request->read_count == 1)
        return serve_smbus_alert(smbus, out, ret);
    if ((!device && request->address != SERVE_SMBUS_HOTSWAP) ||
        (request->write_count == 0 && request->read_count > 0))
        return 0; /* nobody there, or a receive-byte, which no supply knows */
    return serve_smbus_speak(smbus, device, request, out, ret, ret_us);
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
    struct smbus_request request;
    int64_t wire_us;

    if (size < SMBUS_HEADER || size != SMBUS_HEADER + (size_t)frame[3])
        return false;
    request = (struct smbus_request){.address = frame[1],
                                     .pec = (frame[2] & SMBUS_FLAG_PEC) != 0,
                                     .goes_on = (frame[2] & SMBUS_FLAG_ON) != 0,
                                     .write_count = frame[3],
                                     .read_count = frame[4],
                                     .bytes = frame + SMBUS_HEADER};
    if (request.read_count > SMBUS_FRAME_MAX - 4 && request.read_count != SMBUS_READ_BLOCK)
        return false; /* the answer would not fit its length */
    size = serve_smbus_transact(smbus, &request, smbus->answer + 2, &result, &wire_us);
    smbus->answer[0] = (uint8_t)(size + 1);
    smbus->answer[1] = (uint8_t)result;
    smbus->answer_size = size + 2;
    smbus->owner = (int32_t)(client - smbus->clients);
    if (request.goes_on && result == SERVE_SMBUS_OK)
        smbus->holder = smbus->owner;
    else
        serve_smbus_stop(smbus); /* after a refusal too: the master gives up */
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
        serve_wire_timer_at(smbus->timer, clock_now_us() + SMBUS_TIMEOUT_US);
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

/* What somebody else, or the control socket, does to a device. */
static void serve_smbus_break(struct serve_smbus *smbus, struct serve_pmbus *device)
{
    struct fault *status = faults_get(smbus->opt.faults, FAULT_PSU_SMBUS, device->psu, FAULT_STATUS);
    struct fault *protect = faults_get(smbus->opt.faults, FAULT_PSU_SMBUS, device->psu, FAULT_PROTECT);
    unsigned value = status ? (unsigned)faults_value(status, FAULT_STATUS) & 0xFFFFu : 0;

    if (status)
        serve_pmbus_status(device, (uint8_t)(value >> 8), (uint8_t)value);
    if (protect)
        device->write_protect = (uint8_t)faults_value(protect, FAULT_PROTECT);
}

static void serve_smbus_refresh(void *arg)
{
    struct serve_smbus *smbus = arg;
    struct faults *faults = smbus->opt.faults;
    int64_t now_us = clock_now_us();

    for (int32_t i = 0; i < smbus->device_count; i++) {
        struct serve_pmbus *device = &smbus->devices[i];

        serve_smbus_break(smbus, device);
        serve_pmbus_refresh(device,
                            faults && (faults_get(faults, FAULT_SMBUS, smbus->opt.shelf, FAULT_STUCK) ||
                                       faults_get(faults, FAULT_PSU_SMBUS, device->psu, FAULT_STUCK)));
    }
    serve_hotswap_refresh(&smbus->hotswap);
    do
        smbus->refresh_us += SMBUS_REFRESH_US;
    while (smbus->refresh_us <= now_us);
    serve_wire_timer_at(smbus->refresh_timer, smbus->refresh_us);
}

static void serve_smbus_devices(struct serve_smbus *smbus)
{
    const struct plant_shelf *shelf = &smbus->opt.plant->shelves[smbus->opt.shelf];

    for (int32_t i = 0; i < shelf->psu_count && i < SMBUS_DEVICES_MAX; i++)
        serve_pmbus_init(&smbus->devices[smbus->device_count++], smbus->opt.plant, shelf->psu_first + i,
                         (uint8_t)(SERVE_SMBUS_ADDRESS + i));
    serve_hotswap_init(&smbus->hotswap, smbus->opt.plant, smbus->opt.shelf);
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
    serve_smbus_devices(smbus);
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
    return smbus->counts;
}
