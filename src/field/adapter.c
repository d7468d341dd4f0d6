/* SPDX-License-Identifier: Apache-2.0 */
/* adapter.c: one configured device, between its adapter and the tick thread.
 *
 * Owns the mailboxes. adapter_init() and adapter_done() are for whoever starts the
 * device, every other call for the one thread that runs its adapter (a bus worker, or
 * main for Redfish).
 */
#include "adapter.h"

#include <math.h>
#include <stddef.h>

#include "busbar/check.h"

/* Each read puts the state twice: what no reading uses is not copied. */
static size_t adapter_state_bytes(const struct device_state *state)
{
    return offsetof(struct device_state, readings) + (size_t)state->reading_count * sizeof state->readings[0];
}

enum status adapter_init(struct adapter *adapter)
{
    struct device_state *state = &adapter->state;
    enum status st;

    CHECK(adapter->device->reading_count >= 0 && adapter->device->reading_count <= DEVICE_READINGS_MAX);
    state->reading_count = adapter->device->reading_count;
    state->lever_count = adapter->device->lever_count;
    for (int32_t i = 0; i < DEVICE_READINGS_MAX; i++)
        state->readings[i].status = ST_NONE;
    for (int32_t i = 0; i < DEVICE_LEVERS_MAX; i++)
        state->acks[i].status = ST_NONE;
    st = mailbox_new(adapter_state_bytes(state), &adapter->to_tick);
    if (st == ST_OK)
        st = mailbox_new(adapter_state_bytes(state), &adapter->to_main);
    if (st == ST_OK)
        st = mailbox_new(sizeof(struct device_orders), &adapter->from_tick);
    return st;
}

void adapter_done(struct adapter *adapter)
{
    adapter->to_tick = mailbox_free(adapter->to_tick);
    adapter->to_main = mailbox_free(adapter->to_main);
    adapter->from_tick = mailbox_free(adapter->from_tick);
}

void adapter_publish(struct adapter *adapter)
{
    adapter->state.sequence++;
    mailbox_put(adapter->to_tick, &adapter->state);
    mailbox_put(adapter->to_main, &adapter->state);
}

/* An order that waited past its lease is answered, so that nobody waits for it. */
static void adapter_expire(struct adapter *adapter, int32_t lever, int64_t now_us)
{
    struct device_ack ack = {
        .number = adapter->orders.levers[lever].number,
        .status = ST_STALE,
        .readback = NAN,
        .dispatched_us = now_us,
        .done_us = now_us,
    };

    adapter_ack(adapter, lever, &ack);
    adapter_publish(adapter);
}

int32_t adapter_next_order(struct adapter *adapter, int32_t from, int64_t now_us)
{
    if (mailbox_get(adapter->from_tick, &adapter->orders))
        adapter->no_orders = false;
    if (adapter->no_orders)
        return CORE_NONE;
    for (int32_t l = from < 0 ? 0 : from; l < adapter->state.lever_count; l++) {
        const struct device_order *order = &adapter->orders.levers[l];

        if (order->op == DEVICE_OP_NONE || order->number <= adapter->done[l])
            continue;
        if (order->lease_end_us > now_us)
            return l;
        adapter_expire(adapter, l, now_us);
    }
    adapter->no_orders = from <= 0;
    return CORE_NONE;
}

void adapter_reading(struct adapter *adapter, int32_t reading, enum status status, double value,
                     int64_t taken_us, int64_t arrived_us)
{
    struct device_reading *r;

    CHECK(reading >= 0 && reading < adapter->state.reading_count);
    r = &adapter->state.readings[reading];
    r->status = status;
    r->value = status == ST_OK ? value : NAN;
    r->taken_us = taken_us;
    r->arrived_us = arrived_us;
    r->sequence++;
}

void adapter_ack(struct adapter *adapter, int32_t lever, const struct device_ack *ack)
{
    CHECK(lever >= 0 && lever < adapter->state.lever_count);
    adapter->state.acks[lever] = *ack;
    if (ack->number > adapter->done[lever])
        adapter->done[lever] = ack->number;
}
