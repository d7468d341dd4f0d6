/* SPDX-License-Identifier: Apache-2.0 */
/* smbus_packet.c: what a transfer looks like on the wire.
 *
 * Pure. The code covers both addresses, so that an answer of the wrong device, or to the
 * wrong command, does not pass.
 */
#include "smbus_packet.h"

#include <string.h>

#include "pmbus_codec.h"

uint8_t smbus_packet_code(uint8_t address, const uint8_t *bytes, size_t count)
{
    uint8_t to = (uint8_t)(address << 1);

    return pmbus_codec_pec(pmbus_codec_pec(0, &to, 1), bytes, count);
}

size_t smbus_packet_room(const struct smbus_transfer *transfer)
{
    return (transfer->block ? 1u : 0u) + (size_t)transfer->read_max + (transfer->pec ? 1u : 0u);
}

enum status smbus_packet_take(struct smbus_transfer *transfer, const uint8_t *raw, size_t size)
{
    uint8_t from = (uint8_t)(transfer->address << 1 | 1), code;
    size_t head = transfer->block ? 1 : 0, count = (size_t)transfer->read_max;

    if (size < head)
        return ST_CORRUPT;
    if (transfer->block)
        count = raw[0];
    if (count > (size_t)transfer->read_max || size < head + count + (transfer->pec ? 1u : 0u))
        return ST_CORRUPT;
    if (transfer->pec) {
        code = transfer->write_count > 0
                   ? smbus_packet_code(transfer->address, transfer->write, (size_t)transfer->write_count)
                   : 0;
        code = pmbus_codec_pec(pmbus_codec_pec(code, &from, 1), raw, head + count);
        if (code != raw[head + count])
            return ST_CORRUPT;
    }
    memcpy(transfer->read, raw + head, count);
    transfer->read_count = (int32_t)count;
    return ST_OK;
}
