/* SPDX-License-Identifier: Apache-2.0 */
/* latency.c: event to order to in force, by protocol. Tick thread; pure, never
 * reads a clock. An event is a sample, an acknowledgement or a new plan; what is
 * due to time alone (a refresh, a slow release) has none.
 *
 * detect: asked for the sample -> it had arrived; decide: -> the order was
 * published; dispatch: -> its write began; device: -> it was read back.
 */
#include "latency.h"

void latency_order(struct latency *latency, struct latency_lever *lever, const struct core_order *order,
                   int64_t published_us)
{
    struct operator_latency *protocol = &latency->protocol[lever->protocol];

    lever->number = order->number;
    lever->published_us = published_us;
    lever->taken_us = order->cause.taken_us;
    lever->arrived_us = order->cause.arrived_us;
    lever->caused = order->cause.kind != CORE_CAUSE_TIME;
    if (lever->caused)
        histogram_add(&protocol->event_to_order, published_us - order->cause.arrived_us);
}

void latency_ack(struct latency *latency, struct latency_lever *lever, const struct core_ack *ack)
{
    struct operator_latency *protocol = &latency->protocol[lever->protocol];

    if (ack->number == 0 || ack->number != lever->number)
        return;
    lever->number = 0;
    if (ack->status == ST_REFUSED)
        latency->refused++;
    else if (ack->status != ST_OK)
        latency->failed++;
    else
        latency->written++;
    if (ack->status != ST_OK)
        return;
    histogram_add(&protocol->dispatch, ack->dispatched_us - lever->published_us);
    histogram_add(&protocol->device, ack->done_us - ack->dispatched_us);
    if (!lever->caused)
        return;
    histogram_add(&protocol->detect, lever->arrived_us - lever->taken_us);
    histogram_add(&protocol->decide, lever->published_us - lever->arrived_us);
    histogram_add(&protocol->total, ack->done_us - lever->taken_us);
}
