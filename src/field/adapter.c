/* SPDX-License-Identifier: Apache-2.0 */
/* adapter.c: one configured device, between its adapter and the tick thread.
 *
 * Owns nothing: field.c makes the mailboxes. Every call is for the one thread
 * that runs the device's adapter (a bus worker, or main for Redfish).
 */
#include "adapter.h"

#include <math.h>

#include "busbar/check.h"

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
    (void)mailbox_get(adapter->from_tick, &adapter->orders);
    for (int32_t l = from < 0 ? 0 : from; l < adapter->state.lever_count; l++) {
        const struct device_order *order = &adapter->orders.levers[l];

        if (order->op == DEVICE_OP_NONE || order->number <= adapter->done[l])
            continue;
        if (order->lease_end_us > now_us)
            return l;
        adapter_expire(adapter, l, now_us);
    }
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
