/* SPDX-License-Identifier: Apache-2.0 */
/* smbus_linux_raw.c: what SMBus has no protocol for, through an i2c-dev node.
 *
 * Blocks beyond 32 bytes, four bytes without a count, process calls, and several devices
 * written to in one transaction: messages of I2C_RDWR, with the code made and checked here.
 * I2C_RDWR does not ask whose an address is, so each is selected first.
 */
#include <errno.h>
#include <i2c/smbus.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <string.h>
#include <sys/ioctl.h>

#include "smbus_linux.h"
#include "smbus_packet.h"

#define SMBUS_LINUX_RAW_BYTES (SMBUS_LONG_MAX + 3)

static enum status smbus_linux_messages(struct smbus_linux *s, struct i2c_msg *messages, uint32_t count,
                                        bool read)
{
    struct i2c_rdwr_ioctl_data data = { .msgs = messages, .nmsgs = count };
    int32_t result, tries = 0;

    do {
        result = ioctl(s->fd, I2C_RDWR, &data) < 0 ? -errno : 0;
    } while (smbus_linux_lost(s, result, &tries));
    return read ? smbus_linux_answer(s, result) : smbus_linux_result(s, result);
}

/* A process call of SMBus that the adapter knows: it may be no good at plain messages. */
static bool smbus_linux_is_process(const struct smbus_linux *s, const struct smbus_transfer *t)
{
    return t->block && t->read_max <= SMBUS_BLOCK_MAX && t->write_count >= 3 &&
           t->write[1] == t->write_count - 2 && (s->functions & I2C_FUNC_SMBUS_BLOCK_PROC_CALL) != 0;
}

static enum status smbus_linux_process(struct smbus_linux *s, struct smbus_transfer *t)
{
    uint8_t bytes[I2C_SMBUS_BLOCK_MAX + 2];
    int32_t got, tries = 0;

    do {
        memcpy(bytes, t->write + 2, (size_t)t->write_count - 2);
        got = i2c_smbus_block_process_call(s->fd, t->write[0], (uint8_t)(t->write_count - 2), bytes);
    } while (smbus_linux_lost(s, got, &tries));
    if (got > t->read_max)
        return ST_CORRUPT;
    if (got >= 0) {
        memcpy(t->read, bytes, (size_t)got);
        t->read_count = got;
    }
    return smbus_linux_answer(s, got);
}

static enum status smbus_linux_read(struct smbus_linux *s, struct smbus_transfer *t)
{
    uint8_t raw[SMBUS_LINUX_RAW_BYTES];
    struct i2c_msg messages[2] = {
        { .addr = t->address, .len = (uint16_t)t->write_count, .buf = t->write },
        { .addr = t->address, .flags = I2C_M_RD, .len = (uint16_t)smbus_packet_room(t), .buf = raw },
    };
    enum status st = smbus_linux_messages(s, messages, 2, true);

    return st == ST_OK ? smbus_packet_take(t, raw, messages[1].len) : st;
}

enum status smbus_linux_transfer(struct smbus *bus, struct smbus_transfer *transfer)
{
    struct smbus_linux *s = smbus_linux_of(bus);
    uint8_t bytes[sizeof transfer->write + 1];
    struct i2c_msg message = { .addr = transfer->address,
                               .len = (uint16_t)transfer->write_count,
                               .buf = bytes };
    enum status st = smbus_linux_select(s, transfer->address, transfer->pec);

    if (st != ST_OK)
        return st;
    if (transfer->write_count < 1 || transfer->write_count > (int32_t)sizeof transfer->write ||
        transfer->read_max < 0 || transfer->read_max > SMBUS_LONG_MAX)
        return ST_REFUSED;
    if (smbus_linux_is_process(s, transfer))
        return smbus_linux_process(s, transfer);
    if (!(s->functions & I2C_FUNC_I2C))
        return ST_REFUSED;
    if (transfer->read_max > 0)
        return smbus_linux_read(s, transfer);
    memcpy(bytes, transfer->write, (size_t)transfer->write_count);
    if (transfer->pec)
        bytes[message.len++] = smbus_packet_code(transfer->address, bytes, (size_t)transfer->write_count);
    return smbus_linux_messages(s, &message, 1, false);
}

enum status smbus_linux_write_group(struct smbus *bus, const struct smbus_part *parts, int32_t count)
{
    struct smbus_linux *s = smbus_linux_of(bus);
    uint8_t bytes[SMBUS_GROUP_MAX][sizeof parts[0].bytes + 1];
    struct i2c_msg messages[SMBUS_GROUP_MAX];

    if (count < 1 || count > SMBUS_GROUP_MAX || !(s->functions & I2C_FUNC_I2C))
        return ST_REFUSED;
    for (int32_t i = 0; i < count; i++) {
        enum status st = smbus_linux_select(s, parts[i].address, parts[i].pec);

        if (st != ST_OK)
            return st;
        if (parts[i].count < 1 || parts[i].count > (int32_t)sizeof parts[i].bytes)
            return ST_REFUSED;
        memcpy(bytes[i], parts[i].bytes, (size_t)parts[i].count);
        messages[i] = (struct i2c_msg){
            .addr = parts[i].address,
            .len = (uint16_t)parts[i].count,
            .buf = bytes[i],
        };
        if (parts[i].pec)
            bytes[i][messages[i].len++] =
                smbus_packet_code(parts[i].address, bytes[i], (size_t)parts[i].count);
    }
    return smbus_linux_messages(s, messages, (uint32_t)count, false);
}
