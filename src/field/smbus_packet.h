/* SPDX-License-Identifier: Apache-2.0 */
/* smbus_packet.h: what a transfer looks like on the wire, code included. Pure. */
#ifndef BUSBAR_FIELD_SMBUS_PACKET_H
#define BUSBAR_FIELD_SMBUS_PACKET_H

#include <stddef.h>
#include <stdint.h>

#include "smbus.h"

/* The code of a write that nothing is read after. */
uint8_t smbus_packet_code(uint8_t address, const uint8_t *bytes, size_t count);

/* Bytes to clock in for a transfer whose device says how many there are: its count, all
 * there may be, the code. */
size_t smbus_packet_room(const struct smbus_transfer *transfer);

/* Takes what was clocked in into read and read_count. `raw` may go on after the packet, as
 * it does where more was clocked in than the device has. ST_CORRUPT: too short, a count above
 * read_max, or a wrong code. */
NODISCARD enum status smbus_packet_take(struct smbus_transfer *transfer, const uint8_t *raw, size_t size);

#endif
