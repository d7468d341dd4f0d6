/* SPDX-License-Identifier: Apache-2.0 */
/* field.c: starts every configured device, collects readings, hands out orders.
 *
 * Owns the adapters, the bus workers, the HTTP client and what the tick
 * thread needs to tell new from known. field_collect() and field_publish()
 * belong to the tick thread: no lock, no allocation, no device. Everything else runs
 * on the main thread.
 */
#include "busbar/field.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "adapter.h"
#include "busbar/check.h"
#include "busbar/clock.h"
#include "busbar/conf.h"
#include "busbar/http.h"
#include "busbar/log.h"
#include "mbus.h"
#include "pmbus.h"
#include "redfish.h"

#define FIELD_HOST_CONNECTIONS 2              /* a BMC is slow: more only queue there */
#define FIELD_BODY_MAX ((size_t)4 << 20)
#define FIELD_LOGOUT_US INT64_C(2000000)
#define FIELD_LOGOUT_STEP_US 20000
#define FIELD_FNV_OFFSET 2166136261u
#define FIELD_FNV_PRIME 16777619u

struct field_seat {
    struct adapter adapter;
    struct redfish *redfish;
    int order_fd;                             /* Redfish: written at each order       */
    struct event *order_event;
    /* main thread */
    bool known;
    struct device_state latest;
    /* tick thread */
    uint32_t seen[DEVICE_READINGS_MAX];       /* sequence of each reading passed on   */
    struct device_ack acked[DEVICE_LEVERS_MAX];
    uint32_t serial_hash;                     /* 0: none yet                          */
    struct device_orders orders;
    bool ordered;                             /* in this tick                         */
};

struct field_bus {
    struct mbus *mbus;
    struct pmbus *pmbus;
    struct mailbox *stats;
    bool known;
    struct field_bus_stats latest;
};

/* Where a lever of the core is. */
struct field_lever {
    int32_t device, lever;
};

struct field {
    const struct conf *conf;
    struct event_base *base;
    bool read_only;
    bool writing;                             /* tick thread: as the last outputs' mode */
    struct http_client *client;
    struct field_seat *seats;                 /* one a device of the configuration    */
    struct field_bus *buses;
    struct field_lever *levers;               /* by index of the core                 */
    struct core_reading *readings;
    struct core_ack *acks;
    struct core_identity *identities;
};

/* ---- the tick thread ---- */

static uint32_t field_hash(const char *text)
{
    uint32_t hash = FIELD_FNV_OFFSET;

    for (; *text != '\0'; text++)
        hash = (hash ^ (uint8_t)*text) * FIELD_FNV_PRIME;
    return hash != 0 ? hash : 1;
}

static void field_collect_readings(struct field *field, struct field_seat *seat, const struct device_state *state,
                                   int32_t *count)
{
    const struct conf_device *device = seat->adapter.device;

    for (int32_t i = 0; i < device->reading_count; i++) {
        const struct device_reading *r = &state->readings[i];

        if (r->sequence == seat->seen[i])
            continue;
        seat->seen[i] = r->sequence;
        if (device->readings[i].point == CORE_NONE)
            continue;
        field->readings[(*count)++] = (struct core_reading){
            .point = device->readings[i].point,
            .status = r->status,
            .value = r->value,
            .taken_us = r->taken_us,
            .arrived_us = r->arrived_us,
        };
    }
}

static void field_collect_acks(struct field *field, struct field_seat *seat, const struct device_state *state,
                               int32_t *count)
{
    const struct conf_device *device = seat->adapter.device;

    for (int32_t i = 0; i < device->lever_count; i++) {
        const struct device_ack *ack = &state->acks[i];
        struct device_ack *old = &seat->acked[i];

        if (ack->number == 0 ||
            (ack->number == old->number && ack->status == old->status && ack->done_us == old->done_us))
            continue;
        *old = *ack;
        field->acks[(*count)++] = (struct core_ack){
            .lever = device->levers[i].lever,
            .status = ack->status,
            .number = ack->number,
            .readback = ack->readback,
            .dispatched_us = ack->dispatched_us,
            .done_us = ack->done_us,
        };
    }
}

static void field_collect_identity(struct field *field, struct field_seat *seat, const struct device_state *state,
                                   int32_t *count)
{
    uint32_t hash;

    if (state->serial[0] == '\0')
        return;
    hash = field_hash(state->serial);
    if (hash == seat->serial_hash)
        return;
    seat->serial_hash = hash;
    field->identities[(*count)++] = (struct core_identity){ .device = seat->adapter.index, .serial_hash = hash };
}

void field_collect(struct field *field, struct core_inputs *in)
{
    in->reading_count = in->ack_count = in->identity_count = 0;
    in->readings = field->readings;
    in->acks = field->acks;
    in->identities = field->identities;
    for (int32_t i = 0; i < field->conf->device_count; i++) {
        struct field_seat *seat = &field->seats[i];
        const struct device_state *state = mailbox_peek(seat->adapter.to_tick);

        if (!state)
            continue;
        field_collect_identity(field, seat, state, &in->identity_count);
        field_collect_acks(field, seat, state, &in->ack_count);
        field_collect_readings(field, seat, state, &in->reading_count);
    }
}

void field_publish(struct field *field, const struct core_outputs *out)
{
    const struct core_order *orders = core_outputs_orders(out);
    bool turned;

    for (int32_t i = 0; i < out->order_count; i++) {
        const struct core_order *order = &orders[i];
        const struct field_lever *at = &field->levers[order->lever];

        CHECK(order->lever >= 0 && order->lever < field->conf->core.lever_count);
        if (at->device == CORE_NONE)
            continue; /* a lever without a device cannot be ordered about */
        field->seats[at->device].orders.levers[at->lever] = (struct device_order){
            .number = order->number,
            .op = order->release ? DEVICE_OP_RELEASE : DEVICE_OP_SET,
            .value = order->value,
            .lease_end_us = order->lease_end_us,
            .timeout_us = order->timeout_us,
        };
        field->seats[at->device].ordered = true;
    }
    turned = field->writing != (out->mode != CORE_MODE_OBSERVE);
    field->writing = out->mode != CORE_MODE_OBSERVE;
    for (int32_t i = 0; i < field->conf->device_count && (out->order_count > 0 || turned); i++) {
        struct field_seat *seat = &field->seats[i];

        if (!seat->ordered && !turned)
            continue;
        seat->ordered = false;
        seat->orders.writing = field->writing;
        seat->orders.sequence++;
        mailbox_put(seat->adapter.from_tick, &seat->orders);
    }
}

/* ---- the main thread ---- */

bool field_device(struct field *field, int32_t device, struct device_state *ret)
{
    struct field_seat *seat = &field->seats[device];

    CHECK(device >= 0 && device < field->conf->device_count);
    if (mailbox_get(seat->adapter.to_main, &seat->latest))
        seat->known = true;
    if (seat->known)
        *ret = seat->latest;
    return seat->known;
}

static const struct redfish *field_redfish_of(const struct field *field, int32_t bus)
{
    for (int32_t i = 0; i < field->conf->device_count; i++)
        if (field->conf->devices[i].bus == bus && field->seats[i].redfish)
            return field->seats[i].redfish;
    return NULL;
}

bool field_bus(struct field *field, int32_t bus, struct field_bus_stats *ret)
{
    struct field_bus *b = &field->buses[bus];
    const struct redfish *redfish;

    CHECK(bus >= 0 && bus < field->conf->bus_count);
    redfish = field_redfish_of(field, bus);
    if (redfish) {
        redfish_stats(redfish, ret);
        return true;
    }
    if (b->stats && mailbox_get(b->stats, &b->latest))
        b->known = true;
    if (b->known)
        *ret = b->latest;
    return b->known;
}

/* ---- start ---- */

static void field_map_levers(struct field *field)
{
    const struct conf *conf = field->conf;

    for (int32_t l = 0; l < conf->core.lever_count; l++)
        field->levers[l] = (struct field_lever){ .device = CORE_NONE, .lever = CORE_NONE };
    for (int32_t d = 0; d < conf->device_count; d++)
        for (int32_t l = 0; l < conf->devices[d].lever_count; l++)
            field->levers[conf->devices[d].levers[l].lever] = (struct field_lever){ .device = d, .lever = l };
}

static enum status field_new_arrays(struct field *field)
{
    const struct conf *conf = field->conf;
    size_t readings = 0, acks = 0;

    for (int32_t i = 0; i < conf->device_count; i++) {
        readings += (size_t)conf->devices[i].reading_count;
        acks += (size_t)conf->devices[i].lever_count;
    }
    field->seats = calloc((size_t)conf->device_count + 1, sizeof *field->seats);
    field->buses = calloc((size_t)conf->bus_count + 1, sizeof *field->buses);
    field->levers = calloc((size_t)conf->core.lever_count + 1, sizeof *field->levers);
    field->readings = calloc(readings + 1, sizeof *field->readings);
    field->acks = calloc(acks + 1, sizeof *field->acks);
    field->identities = calloc((size_t)conf->device_count + 1, sizeof *field->identities);
    if (!field->seats || !field->buses || !field->levers || !field->readings || !field->acks || !field->identities)
        return ST_NOMEM;
    for (int32_t i = 0; i < conf->device_count; i++)
        field->seats[i].order_fd = -1;
    field_map_levers(field);
    return ST_OK;
}

static enum status field_new_seat(struct field *field, int32_t device, int tick_notify_fd)
{
    const struct conf_device *conf = &field->conf->devices[device];
    struct adapter *adapter = &field->seats[device].adapter;
    enum status st;

    *adapter = (struct adapter){
        .conf = field->conf,
        .device = conf,
        .profile = conf->profile == CORE_NONE ? NULL : &field->conf->profiles[conf->profile],
        .index = device,
        .read_only = field->read_only,
    };
    st = adapter_init(adapter);
    if (st != ST_OK)
        return st;
    field->seats[device].latest = adapter->state; /* of readings that it has not there is never word */
    mailbox_set_notify(adapter->to_tick, tick_notify_fd);
    return ST_OK;
}

static enum status field_new_line(struct field *field, int32_t bus, struct adapter *const *adapters, int32_t count)
{
    const struct conf_bus *conf = &field->conf->buses[bus];
    struct field_bus *b = &field->buses[bus];
    enum status st = mailbox_new(sizeof(struct field_bus_stats), &b->stats);
    struct mbus_options mbus = { .bus = conf, .adapters = adapters, .adapter_count = count, .stats = b->stats };
    struct pmbus_options pmbus = { .bus = conf, .adapters = adapters, .adapter_count = count, .stats = b->stats };

    if (st != ST_OK)
        return st;
    if (conf->kind == CONF_BUS_MODBUS_RTU || conf->kind == CONF_BUS_MODBUS_TCP)
        return mbus_new(&mbus, &b->mbus);
    return pmbus_new(&pmbus, &b->pmbus);
}

/* A bus without a device is left closed: nobody would use it. */
static enum status field_new_bus(struct field *field, int32_t bus)
{
    struct adapter **adapters;
    int32_t count = 0;
    enum status st = ST_OK;

    if (field->conf->buses[bus].kind == CONF_BUS_REDFISH)
        return ST_OK;
    adapters = calloc((size_t)field->conf->device_count + 1, sizeof *adapters);
    if (!adapters)
        return ST_NOMEM;
    for (int32_t i = 0; i < field->conf->device_count; i++)
        if (field->conf->devices[i].bus == bus)
            adapters[count++] = &field->seats[i].adapter;
    if (count > 0)
        st = field_new_line(field, bus, adapters, count);
    free(adapters);
    return st;
}

static void field_ordered(evutil_socket_t fd, short events, void *arg)
{
    struct field_seat *seat = arg;
    uint64_t count;

    (void)events;
    if (read((int)fd, &count, sizeof count) < 0 && errno != EAGAIN)
        return;
    redfish_orders(seat->redfish);
}

static enum status field_new_redfish(struct field *field, int32_t device)
{
    struct field_seat *seat = &field->seats[device];
    struct redfish_options opt = {
        .base = field->base,
        .client = field->client,
        .conf = field->conf,
        .adapter = &seat->adapter,
        .read_only = field->read_only,
    };
    enum status st;

    seat->order_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (seat->order_fd < 0) {
        LOG(ERR, seat->adapter.device->name, "cannot make an eventfd: %s", strerror(errno));
        return ST_SYS;
    }
    seat->order_event = event_new(field->base, seat->order_fd, EV_READ | EV_PERSIST, field_ordered, seat);
    if (!seat->order_event)
        return ST_NOMEM;
    st = redfish_new(&opt, &seat->redfish);
    if (st != ST_OK)
        return st;
    mailbox_set_notify(seat->adapter.from_tick, seat->order_fd);
    return event_add(seat->order_event, NULL) == 0 ? ST_OK : ST_NOMEM;
}

static enum status field_new_bmcs(struct field *field)
{
    struct http_client_options opt = {
        .base = field->base,
        .host_connections_max = FIELD_HOST_CONNECTIONS,
        .body_max = FIELD_BODY_MAX,
    };
    enum status st = ST_OK;

    for (int32_t i = 0; i < field->conf->device_count && st == ST_OK; i++) {
        if (field->conf->buses[field->conf->devices[i].bus].kind != CONF_BUS_REDFISH)
            continue;
        CHECK(field->base != NULL);
        if (!field->client)
            st = http_client_new(&opt, &field->client);
        if (st == ST_OK)
            st = field_new_redfish(field, i);
    }
    return st;
}

enum status field_new(const struct field_options *opt, struct field **ret)
{
    struct field *field = calloc(1, sizeof *field);
    enum status st;

    if (!field)
        return ST_NOMEM;
    field->conf = opt->conf;
    field->base = opt->base;
    field->read_only = opt->read_only;
    st = field_new_arrays(field);
    for (int32_t i = 0; i < opt->conf->device_count && st == ST_OK; i++)
        st = field_new_seat(field, i, opt->tick_notify_fd);
    for (int32_t i = 0; i < opt->conf->bus_count && st == ST_OK; i++)
        st = field_new_bus(field, i);
    if (st == ST_OK)
        st = field_new_bmcs(field);
    if (st != ST_OK) {
        field_free(field);
        return st;
    }
    *ret = field;
    return ST_OK;
}

/* ---- end ---- */

static bool field_busy(const struct field *field)
{
    for (int32_t i = 0; i < field->conf->device_count; i++)
        if (field->seats[i].redfish && redfish_busy(field->seats[i].redfish))
            return true;
    return false;
}

/* Sessions left open fill a BMC's table, so they are closed, but not for ever. */
static void field_logout(struct field *field)
{
    struct timeval step = { .tv_usec = FIELD_LOGOUT_STEP_US };
    int64_t until_us = clock_now_us() + FIELD_LOGOUT_US;

    for (int32_t i = 0; i < field->conf->device_count; i++) {
        if (field->seats[i].order_event)
            (void)event_del(field->seats[i].order_event);
        if (field->seats[i].redfish)
            redfish_logout(field->seats[i].redfish);
    }
    while (field_busy(field) && clock_now_us() < until_us) {
        (void)event_base_loopexit(field->base, &step);
        if (event_base_dispatch(field->base) < 0)
            break;
    }
}

static void field_free_seat(struct field_seat *seat)
{
    redfish_free(seat->redfish);
    if (seat->order_event)
        event_free(seat->order_event);
    if (seat->order_fd >= 0)
        (void)close(seat->order_fd);
    adapter_done(&seat->adapter);
}

struct field *field_free(struct field *field)
{
    if (!field)
        return NULL;
    for (int32_t i = 0; field->buses && i < field->conf->bus_count; i++) {
        mbus_free(field->buses[i].mbus);
        pmbus_free(field->buses[i].pmbus);
        mailbox_free(field->buses[i].stats);
    }
    if (field->seats && field->client)
        field_logout(field);
    for (int32_t i = 0; field->seats && i < field->conf->device_count; i++)
        field_free_seat(&field->seats[i]);
    http_client_free(field->client);
    free(field->seats);
    free(field->buses);
    free(field->levers);
    free(field->readings);
    free(field->acks);
    free(field->identities);
    free(field);
    return NULL;
}
