/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_write.h: the steps of an order, between redfish_order.c that begins them and
 * redfish_write.c that takes them. `l` is a lever of the BMC; the write lane is free.
 */
#ifndef BUSBAR_FIELD_REDFISH_WRITE_H
#define BUSBAR_FIELD_REDFISH_WRITE_H

#include "redfish_bmc.h"

struct redfish_place *redfish_write_place(const struct redfish *bmc, int32_t l);
enum conf_knob redfish_write_knob(const struct redfish *bmc, int32_t l);

/* Reads the lever's resource, then prepares the write; prepare: it is fresh already. */
void redfish_write_read(struct redfish *bmc, int32_t l);
void redfish_write_prepare(struct redfish *bmc, int32_t l);

/* The next look at its task, the next read-back. */
void redfish_write_look(struct redfish *bmc, int32_t l);
void redfish_write_verify(struct redfish *bmc, int32_t l);

/* The order is over: the acknowledgement. `readback` NAN: not known. */
void redfish_write_end(struct redfish *bmc, int32_t l, enum status st, double readback, const char *why);

#endif
