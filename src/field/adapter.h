/* SPDX-License-Identifier: Apache-2.0 */
/* adapter.h: one configured device, between its adapter and the tick thread.
 *
 * An adapter (mbus.c, pmbus.c on a worker; redfish.c on the main base) fills
 * `state` and calls adapter_publish(); it takes orders with adapter_orders().
 * Private to src/field.
 */
#ifndef BUSBAR_FIELD_ADAPTER_H
#define BUSBAR_FIELD_ADAPTER_H

#include "busbar/conf.h"
#include "busbar/device.h"
#include "busbar/field.h"
#include "busbar/mailbox.h"

/* First what every turn of a line looks at in all its devices: few of them have news. */
struct adapter {
    const struct conf *conf;
    const struct conf_device *device;
    const struct profile *profile;     /* NULL for Redfish                           */
    struct mailbox *to_tick;           /* struct device_state as far as its last reading, adapter -> tick */
    struct mailbox *to_main;           /* the same, adapter -> main                  */
    struct mailbox *from_tick;         /* struct device_orders, tick -> adapter      */
    int32_t index;                     /* of the device in the configuration         */
    bool read_only;
    bool no_orders;                    /* none of `orders` is still to be worked off */
    struct device_state state;         /* the adapter's own working copy             */
    struct device_orders orders;       /* the last ones taken                        */
    uint64_t done[DEVICE_LEVERS_MAX];  /* number of the last order worked off        */
};

/* Makes the three mailboxes, for the readings and levers that the device is configured with, of
 * which nothing is known yet. ST_NOMEM: adapter_done() takes what there is. */
NODISCARD enum status adapter_init(struct adapter *adapter);
void adapter_done(struct adapter *adapter);

/* Puts `state` in both mailboxes (sequence + 1). */
void adapter_publish(struct adapter *adapter);

/* Takes the latest orders; returns the first lever at or after `from` whose
 * order is new (number above done[]) and not past its lease, or CORE_NONE. */
int32_t adapter_next_order(struct adapter *adapter, int32_t from, int64_t now_us);

/* Sets one reading by its position in the device's configured readings. */
void adapter_reading(struct adapter *adapter, int32_t reading, enum status status, double value,
                     int64_t taken_us, int64_t arrived_us);

/* Notes how an order went: done[] and the ack. */
void adapter_ack(struct adapter *adapter, int32_t lever, const struct device_ack *ack);

#endif
