/* SPDX-License-Identifier: Apache-2.0 */
/* smbus_linux.c: SMBus through an i2c-dev node, on libi2c.
 *
 * Owns the descriptor and the lock on the node: one process a bus. Runs on the
 * bus's worker, but for the first open. An address that a kernel driver has is left
 * alone (never I2C_SLAVE_FORCE: the driver caches PAGE), and the log says how to
 * get it. An arbitration that is lost is tried again soon, at odds with the other
 * master; a bus that hangs is closed and tried more and more rarely.
 */
#include "smbus_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <i2c/smbus.h>
#include <inttypes.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "busbar/clock.h"
#include "busbar/log.h"

#define SMBUS_LINUX_TICK_US 10000   /* unit of I2C_TIMEOUT                         */
#define SMBUS_LINUX_TRIES 5         /* that lose the arbitration, then it is busy  */
#define SMBUS_LINUX_BACKOFF_US 250  /* before the second of them, twice that before the third */
#define SMBUS_LINUX_STUCK 8         /* so many in a row are not the devices' doing */
#define SMBUS_LINUX_RECOVER_FIRST_US INT64_C(500000)
#define SMBUS_LINUX_RECOVER_LAST_US INT64_C(30000000)
#define SMBUS_LINUX_NEEDED                                                                    \
    (I2C_FUNC_SMBUS_READ_BYTE_DATA | I2C_FUNC_SMBUS_READ_WORD_DATA | I2C_FUNC_SMBUS_WRITE_BYTE_DATA | \
     I2C_FUNC_SMBUS_WRITE_WORD_DATA)

static void smbus_linux_say(struct smbus_linux *s, const char *what)
{
    if (!s->said)
        LOG(ERR, s->bus->name, "%s %s: %s", what, s->bus->path, strerror(errno));
    s->said = true;
}

static void smbus_linux_close(struct smbus *bus)
{
    struct smbus_linux *s = smbus_linux_of(bus);

    if (s->fd >= 0)
        (void)close(s->fd);
    s->fd = -1;
}

static enum status smbus_linux_setup(struct smbus_linux *s)
{
    int64_t ticks = (s->bus->timeout_us + SMBUS_LINUX_TICK_US - 1) / SMBUS_LINUX_TICK_US;
    struct stat node;

    if (ioctl(s->fd, I2C_FUNCS, &s->functions) < 0) {
        smbus_linux_say(s, "is no i2c-dev node:");
        return ST_SYS;
    }
    if ((s->functions & SMBUS_LINUX_NEEDED) != SMBUS_LINUX_NEEDED) {
        errno = EOPNOTSUPP;
        smbus_linux_say(s, "the adapter cannot read and write SMBus bytes and words:");
        return ST_SYS;
    }
    if (fstat(s->fd, &node) == 0)
        s->number = minor(node.st_rdev);
    /* Adapters that cannot set them keep their own: then those count. */
    (void)ioctl(s->fd, I2C_TIMEOUT, (unsigned long)(ticks > 0 ? ticks : 1));
    (void)ioctl(s->fd, I2C_RETRIES, 0UL);
    return ST_OK;
}

/* ---- a bus that hangs ---- */

/* `base_us` give or take a half: two masters must not meet again. */
static int64_t smbus_linux_jittered_us(struct smbus_linux *s, int64_t base_us)
{
    s->jitter = s->jitter * 1664525u + 1013904223u;
    return base_us / 2 + base_us * (int64_t)(s->jitter >> 16) / 65536;
}

static enum status smbus_linux_hangs(struct smbus_linux *s)
{
    int64_t twice_us = 2 * s->recover_every_us;

    if (s->recover_every_us == 0)
        LOG(ERR, s->bus->name, "hangs: no device answers, a wire may be held low; tried again more and more rarely");
    s->recover_every_us = twice_us < SMBUS_LINUX_RECOVER_FIRST_US  ? SMBUS_LINUX_RECOVER_FIRST_US
                          : twice_us > SMBUS_LINUX_RECOVER_LAST_US ? SMBUS_LINUX_RECOVER_LAST_US
                                                                   : twice_us;
    s->recover_at_us = clock_now_us() + smbus_linux_jittered_us(s, s->recover_every_us);
    s->stuck = 0;
    return ST_SYS;
}

/* Nine clocks let a device that was cut off in the middle of a byte finish it: reading where
 * nobody is makes them, if the adapter can. Whether wires came free is in its answer. */
static enum status smbus_linux_recover(struct smbus_linux *s)
{
    int32_t result;

    if (s->recover_every_us == 0)
        return ST_OK;
    if (ioctl(s->fd, I2C_SLAVE, (unsigned long)SMBUS_ALERT_ADDRESS) < 0)
        return ST_OK; /* a driver has it: what the devices say will tell */
    result = i2c_smbus_read_byte(s->fd);
    if (result == -ETIMEDOUT || result == -EBUSY || result == -EAGAIN)
        return smbus_linux_hangs(s);
    return ST_OK;
}

static void smbus_linux_is_well(struct smbus_linux *s)
{
    if (s->recover_every_us != 0)
        LOG(NOTICE, s->bus->name, "hangs no more");
    s->stuck = 0;
    s->recover_every_us = 0;
}

static enum status smbus_linux_open(struct smbus *bus)
{
    struct smbus_linux *s = smbus_linux_of(bus);
    enum status st = ST_SYS;

    if (s->recover_every_us != 0 && clock_now_us() < s->recover_at_us)
        return ST_SYS; /* said when it began */
    s->pec = false;
    s->fd = open(s->bus->path, O_RDWR | O_CLOEXEC);
    if (s->fd < 0) {
        smbus_linux_say(s, "cannot open");
        return ST_SYS;
    }
    if (flock(s->fd, LOCK_EX | LOCK_NB) < 0) {
        st = errno == EWOULDBLOCK ? ST_BUSY : ST_SYS;
        smbus_linux_say(s, st == ST_BUSY ? "another process holds the lock on" : "cannot lock");
    } else {
        st = smbus_linux_setup(s);
    }
    if (st == ST_OK)
        st = smbus_linux_recover(s);
    if (st != ST_OK)
        smbus_linux_close(bus);
    else
        s->said = false;
    return st;
}

static struct smbus *smbus_linux_free(struct smbus *bus)
{
    smbus_linux_close(bus);
    free(smbus_linux_of(bus));
    return NULL;
}

/* ---- one transaction ---- */

/* Names the kernel driver that has the address, and the line that takes it away. */
static void smbus_linux_say_busy(struct smbus_linux *s, uint8_t address)
{
    char path[128], driver[128];
    const char *name;
    ssize_t length;

    if (s->said_busy[address])
        return;
    s->said_busy[address] = true;
    (void)snprintf(path, sizeof path, "/sys/bus/i2c/devices/%u-%04x/driver", s->number, address);
    length = readlink(path, driver, sizeof driver - 1);
    driver[length > 0 ? length : 0] = '\0';
    name = strrchr(driver, '/');
    name = name ? name + 1 : driver;
    LOG(ERR, s->bus->name,
        "address 0x%02x belongs to the kernel driver %s; to give it up: echo %u-%04x >/sys/bus/i2c/drivers/%s/unbind",
        address, name[0] != '\0' ? name : "(unknown)", s->number, address, name[0] != '\0' ? name : "DRIVER");
}

static enum status smbus_linux_status(struct smbus_linux *s, int err)
{
    switch (err) {
    case 0:
        smbus_linux_is_well(s);
        return ST_OK;
    case EREMOTEIO:
    case ENXIO:
        smbus_linux_is_well(s);
        return ST_NACK;
    case ETIMEDOUT:
    case EBUSY:   /* the wires never came free: some adapters tell it from ETIMEDOUT */
        return ++s->stuck >= SMBUS_LINUX_STUCK ? smbus_linux_hangs(s) : ST_TIMEOUT;
    case EAGAIN:  /* arbitration lost to another master: the device was not spoken to */
        return ST_BUSY;
    case EBADMSG: /* PEC */
    case EPROTO:  /* length of a block */
    case EIO:
        return ST_CORRUPT;
    case EOPNOTSUPP:
    case EINVAL:
        return ST_REFUSED;
    default:
        if (!s->said)
            LOG(WARNING, s->bus->name, "lost (%s): trying to open it again every second", strerror(err));
        s->said = true;
        return ST_SYS;
    }
}

static enum status smbus_linux_select_pec(struct smbus_linux *s, bool pec)
{
    if (pec == s->pec)
        return ST_OK;
    if (pec && !(s->functions & I2C_FUNC_SMBUS_PEC)) {
        if (!s->said_pec)
            LOG(ERR, s->bus->name, "the adapter cannot check packets (PEC), which a profile asks for");
        s->said_pec = true;
        return ST_REFUSED;
    }
    if (ioctl(s->fd, I2C_PEC, pec ? 1UL : 0UL) < 0)
        return smbus_linux_status(s, errno);
    s->pec = pec;
    return ST_OK;
}

/* Each time: a kernel driver may have come since, and only this call asks. */
enum status smbus_linux_select(struct smbus_linux *s, uint8_t address, bool pec)
{
    if (address >= SMBUS_LINUX_ADDRESSES)
        return ST_REFUSED;
    if (ioctl(s->fd, I2C_SLAVE, (unsigned long)address) < 0) {
        if (errno != EBUSY)
            return smbus_linux_status(s, errno);
        smbus_linux_say_busy(s, address);
        return ST_BUSY;
    }
    s->said_busy[address] = false;
    return smbus_linux_select_pec(s, pec);
}

enum status smbus_linux_result(struct smbus_linux *s, int32_t result)
{
    return smbus_linux_status(s, result < 0 ? -result : 0);
}

enum status smbus_linux_answer(struct smbus_linux *s, int32_t result)
{
    return smbus_linux_result(s, result == -EIO ? -ENXIO : result);
}

bool smbus_linux_lost(struct smbus_linux *s, int32_t result, int32_t *tries)
{
    if (result != -EAGAIN || ++*tries >= SMBUS_LINUX_TRIES)
        return false;
    clock_sleep_until_us(clock_now_us() + smbus_linux_jittered_us(s, SMBUS_LINUX_BACKOFF_US << *tries));
    return true;
}

static enum status smbus_linux_quick(struct smbus *bus, uint8_t address, bool pec)
{
    struct smbus_linux *s = smbus_linux_of(bus);
    enum status st = smbus_linux_select(s, address, pec);
    int32_t result, tries = 0;

    if (st != ST_OK)
        return st;
    do
        result = i2c_smbus_write_quick(s->fd, I2C_SMBUS_WRITE);
    while (smbus_linux_lost(s, result, &tries));
    return smbus_linux_result(s, result);
}

static enum status smbus_linux_send_byte(struct smbus *bus, uint8_t address, bool pec, uint8_t command)
{
    struct smbus_linux *s = smbus_linux_of(bus);
    enum status st = smbus_linux_select(s, address, pec);
    int32_t result, tries = 0;

    if (st != ST_OK)
        return st;
    do
        result = i2c_smbus_write_byte(s->fd, command);
    while (smbus_linux_lost(s, result, &tries));
    return smbus_linux_result(s, result);
}

static enum status smbus_linux_read_byte(struct smbus *bus, uint8_t address, bool pec, uint8_t command,
                                         uint8_t *ret)
{
    struct smbus_linux *s = smbus_linux_of(bus);
    enum status st = smbus_linux_select(s, address, pec);
    int32_t got, tries = 0;

    if (st != ST_OK)
        return st;
    do
        got = i2c_smbus_read_byte_data(s->fd, command);
    while (smbus_linux_lost(s, got, &tries));
    if (got >= 0)
        *ret = (uint8_t)got;
    return smbus_linux_answer(s, got);
}

static enum status smbus_linux_read_word(struct smbus *bus, uint8_t address, bool pec, uint8_t command,
                                         uint16_t *ret)
{
    struct smbus_linux *s = smbus_linux_of(bus);
    enum status st = smbus_linux_select(s, address, pec);
    int32_t got, tries = 0;

    if (st != ST_OK)
        return st;
    do
        got = i2c_smbus_read_word_data(s->fd, command);
    while (smbus_linux_lost(s, got, &tries));
    if (got >= 0)
        *ret = (uint16_t)got;
    return smbus_linux_answer(s, got);
}

/* Many adapter drivers take a block of no bytes, as an unset serial number is one, for an
 * error. On the wire it is a byte read whose byte is 0, and with it the code is right. */
static bool smbus_linux_is_empty_block(struct smbus_linux *s, uint8_t command)
{
    return i2c_smbus_read_byte_data(s->fd, command) == 0;
}

/* By plain messages, where the adapter's driver knows no blocks. */
static enum status smbus_linux_read_block_raw(struct smbus_linux *s, uint8_t address, bool pec, uint8_t command,
                                              uint8_t ret[SMBUS_BLOCK_MAX], int32_t *ret_count)
{
    struct smbus_transfer t = {
        .address = address, .pec = pec, .write_count = 1, .write = { command }, .block = true,
        .read_max = SMBUS_BLOCK_MAX,
    };
    enum status st;

    if (!(s->functions & I2C_FUNC_I2C)) {
        if (!s->said_block)
            LOG(ERR, s->bus->name, "the adapter cannot read blocks: no device is known by model or serial number");
        s->said_block = true;
        return ST_REFUSED;
    }
    st = smbus_linux_transfer(&s->base, &t);
    if (st == ST_OK) {
        memcpy(ret, t.read, (size_t)t.read_count);
        *ret_count = t.read_count;
    }
    return st;
}

static enum status smbus_linux_read_block(struct smbus *bus, uint8_t address, bool pec, uint8_t command,
                                          uint8_t ret[SMBUS_BLOCK_MAX], int32_t *ret_count)
{
    struct smbus_linux *s = smbus_linux_of(bus);
    uint8_t bytes[I2C_SMBUS_BLOCK_MAX + 2];
    enum status st = smbus_linux_select(s, address, pec);
    int32_t got, tries = 0;

    if (st != ST_OK)
        return st;
    if (!(s->functions & I2C_FUNC_SMBUS_READ_BLOCK_DATA))
        return smbus_linux_read_block_raw(s, address, pec, command, ret, ret_count);
    do
        got = i2c_smbus_read_block_data(s->fd, command, bytes);
    while (smbus_linux_lost(s, got, &tries));
    if (got == -EPROTO && smbus_linux_is_empty_block(s, command))
        got = 0;
    if (got > SMBUS_BLOCK_MAX)
        return ST_CORRUPT;
    if (got >= 0) {
        memcpy(ret, bytes, (size_t)got);
        *ret_count = got;
    }
    return smbus_linux_answer(s, got);
}

static enum status smbus_linux_receive_byte(struct smbus *bus, uint8_t address, uint8_t *ret)
{
    struct smbus_linux *s = smbus_linux_of(bus);
    enum status st = smbus_linux_select(s, address, false);
    int32_t got, tries = 0;

    if (st != ST_OK)
        return st;
    do
        got = i2c_smbus_read_byte(s->fd);
    while (smbus_linux_lost(s, got, &tries));
    if (got >= 0)
        *ret = (uint8_t)got;
    return smbus_linux_answer(s, got);
}

static enum status smbus_linux_write_byte(struct smbus *bus, uint8_t address, bool pec, uint8_t command,
                                          uint8_t value)
{
    struct smbus_linux *s = smbus_linux_of(bus);
    enum status st = smbus_linux_select(s, address, pec);
    int32_t result, tries = 0;

    if (st != ST_OK)
        return st;
    do
        result = i2c_smbus_write_byte_data(s->fd, command, value);
    while (smbus_linux_lost(s, result, &tries));
    return smbus_linux_result(s, result);
}

static enum status smbus_linux_write_word(struct smbus *bus, uint8_t address, bool pec, uint8_t command,
                                          uint16_t value)
{
    struct smbus_linux *s = smbus_linux_of(bus);
    enum status st = smbus_linux_select(s, address, pec);
    int32_t result, tries = 0;

    if (st != ST_OK)
        return st;
    do
        result = i2c_smbus_write_word_data(s->fd, command, value);
    while (smbus_linux_lost(s, result, &tries));
    return smbus_linux_result(s, result);
}

static enum status smbus_linux_write_block(struct smbus *bus, uint8_t address, bool pec, uint8_t command,
                                           const uint8_t *bytes, int32_t count)
{
    struct smbus_linux *s = smbus_linux_of(bus);
    enum status st = smbus_linux_select(s, address, pec);
    int32_t result, tries = 0;

    if (st == ST_OK && (count < 0 || count > SMBUS_BLOCK_MAX || !(s->functions & I2C_FUNC_SMBUS_WRITE_BLOCK_DATA)))
        st = ST_REFUSED;
    if (st != ST_OK)
        return st;
    do
        result = i2c_smbus_write_block_data(s->fd, command, (uint8_t)count, bytes);
    while (smbus_linux_lost(s, result, &tries));
    return smbus_linux_result(s, result);
}

static const struct smbus_ops smbus_linux_ops = {
    .open = smbus_linux_open,
    .close = smbus_linux_close,
    .free = smbus_linux_free,
    .quick = smbus_linux_quick,
    .send_byte = smbus_linux_send_byte,
    .read_byte = smbus_linux_read_byte,
    .read_word = smbus_linux_read_word,
    .read_block = smbus_linux_read_block,
    .write_byte = smbus_linux_write_byte,
    .write_word = smbus_linux_write_word,
    .write_block = smbus_linux_write_block,
    .receive_byte = smbus_linux_receive_byte,
    .transfer = smbus_linux_transfer,
    .write_group = smbus_linux_write_group,
};

enum status smbus_linux_new(const struct conf_bus *bus, struct smbus **ret)
{
    struct smbus_linux *s = calloc(1, sizeof *s);

    if (!s)
        return ST_NOMEM;
    s->base.ops = &smbus_linux_ops;
    s->bus = bus;
    s->fd = -1;
    s->jitter = (uint32_t)clock_now_us();
    *ret = &s->base;
    return ST_OK;
}
