/* SPDX-License-Identifier: Apache-2.0 */
/* pmbus_io.c: PMBus transactions on one SMBus segment.
 *
 * Owns the transport, and what PAGE each device had before us. Turns a row's command into
 * the SMBus protocol its type asks for. A row with a page is read and written between a
 * write of PAGE and one that puts PAGE back, with nothing else of ours between them.
 */
#include "pmbus_io.h"

#include <stdlib.h>
#include <string.h>

#include "busbar/clock.h"
#include "pmbus_command.h"
#include "regmap.h"
#include "smbus.h"

#define PMBUS_IO_ADDRESSES 128

struct pmbus_io_page {
    bool known;  /* what it was                                         */
    bool astray; /* it could not be put back: first of all do that      */
    uint8_t original;
};

struct pmbus_io {
    struct smbus *smbus;
    struct pmbus_io_page pages[PMBUS_IO_ADDRESSES];
};

/* What a row's words travel as. */
static enum pmbus_command_kind pmbus_io_kind(const struct regio_target *t)
{
    if (t->request)
        return PMBUS_KIND_PROCESS;
    switch (t->row->type) {
    case ROW_U8:
        return PMBUS_KIND_BYTE;
    case ROW_U16:
    case ROW_S16:
    case ROW_LINEAR11:
    case ROW_ULINEAR16:
    case ROW_SLINEAR16:
    case ROW_DIRECT:
    case ROW_HALF:
    case ROW_VOUT:
    case ROW_SVOUT:
        return PMBUS_KIND_WORD;
    case ROW_U32:
    case ROW_S32:
        if (pmbus_command_kind((uint8_t)t->address) == PMBUS_KIND_LONG)
            return PMBUS_KIND_LONG;
        break;
    case ROW_U64:
    case ROW_F32:
    case ROW_TEXT:
    case ROW_ENERGY:
    case ROW_BLOCK:
    case ROW_TYPE_COUNT:
        break;
    }
    return PMBUS_KIND_BLOCK;
}

/* ---- words and bytes ---- */

/* A text is filled up with zeros; a number must have its size. Numbers come with the
 * low byte first, and regmap takes the high word first. */
static enum status pmbus_io_unpack(const struct profile_row *row, const uint8_t *bytes, int32_t count,
                                   int32_t room, uint16_t *words)
{
    bool in_order = regmap_is_bytes(row);

    memset(words, 0, (size_t)room * sizeof *words);
    if (row->type != ROW_TEXT && row->type != ROW_BLOCK && count != 2 * room)
        return ST_CORRUPT;
    for (int32_t i = 0; i < count && i < 2 * room; i++) {
        int32_t at = in_order ? i : 2 * room - 1 - i;

        words[at / 2] = (uint16_t)(words[at / 2] | (at % 2 == 0 ? bytes[i] << 8 : bytes[i]));
    }
    return ST_OK;
}

/* The command and its data as they go out; 0: more than fits. */
static int32_t pmbus_io_pack(const struct regio_target *t, const uint16_t *words, uint8_t *bytes,
                             int32_t room)
{
    enum pmbus_command_kind kind = pmbus_io_kind(t);
    int32_t count = kind == PMBUS_KIND_BYTE ? 1 : 2 * t->words, at = 0;

    if (count + 2 > room)
        return 0;
    bytes[at++] = (uint8_t)t->address;
    if (kind == PMBUS_KIND_BLOCK)
        bytes[at++] = (uint8_t)count;
    for (int32_t i = 0; i < count; i++) {
        uint16_t word = words[t->words - 1 - i / 2];

        bytes[at++] = (uint8_t)(i % 2 == 0 ? word & 0xFFu : word >> 8);
    }
    return at;
}

/* ---- one access, PAGE as it is ---- */

static enum status pmbus_io_get_block(struct smbus *smbus, const struct regio_target *t, uint16_t *words)
{
    struct smbus_transfer x = {
        .address = (uint8_t)t->unit,
        .pec = t->profile->pec,
        .write_count = 1,
        .write = { (uint8_t)t->address },
        .block = true,
        .read_max = t->row->text_bytes,
    };
    enum status st;

    if (t->row->text_bytes > SMBUS_BLOCK_MAX && !t->request) { /* beyond SMBus */
        if (x.read_max > SMBUS_LONG_MAX)
            return ST_REFUSED;
        st = smbus->ops->transfer(smbus, &x);
    } else if (t->request) {
        if (t->request_count > SMBUS_BLOCK_MAX)
            return ST_REFUSED;
        x.read_max = SMBUS_BLOCK_MAX;
        x.write[x.write_count++] = (uint8_t)t->request_count;
        memcpy(x.write + x.write_count, t->request, (size_t)t->request_count);
        x.write_count += t->request_count;
        st = smbus->ops->transfer(smbus, &x);
    } else {
        st = smbus->ops->read_block(smbus, x.address, x.pec, (uint8_t)t->address, x.read, &x.read_count);
    }
    if (st == ST_OK && t->request && x.read_count != t->row->text_bytes)
        st = ST_CORRUPT;
    return st == ST_OK ? pmbus_io_unpack(t->row, x.read, x.read_count, t->words, words) : st;
}

static enum status pmbus_io_get_long(struct smbus *smbus, const struct regio_target *t, uint16_t *words)
{
    struct smbus_transfer x = {
        .address = (uint8_t)t->unit,
        .pec = t->profile->pec,
        .write_count = 1,
        .write = { (uint8_t)t->address },
        .read_max = 2 * t->words,
    };
    enum status st = smbus->ops->transfer(smbus, &x);

    return st == ST_OK ? pmbus_io_unpack(t->row, x.read, x.read_count, t->words, words) : st;
}

static enum status pmbus_io_get(struct smbus *smbus, const struct regio_target *t, uint16_t *words)
{
    uint8_t unit = (uint8_t)t->unit, command = (uint8_t)t->address, byte = 0;
    enum status st = ST_REFUSED;

    switch (pmbus_io_kind(t)) {
    case PMBUS_KIND_BYTE:
        st = smbus->ops->read_byte(smbus, unit, t->profile->pec, command, &byte);
        words[0] = st == ST_OK ? byte : 0;
        return st;
    case PMBUS_KIND_WORD:
        st = smbus->ops->read_word(smbus, unit, t->profile->pec, command, words);
        if (st == ST_OK && t->profile->has_absent && words[0] == t->profile->absent_word)
            st = ST_ABSENT; /* what such a device says in place of a refusal */
        return st;
    case PMBUS_KIND_LONG:
        return pmbus_io_get_long(smbus, t, words);
    case PMBUS_KIND_BLOCK:
    case PMBUS_KIND_PROCESS:
        return pmbus_io_get_block(smbus, t, words);
    case PMBUS_KIND_NONE:
    case PMBUS_KIND_SEND:
        break;
    }
    return st;
}

static enum status pmbus_io_put(struct smbus *smbus, const struct regio_target *t, const uint16_t *words)
{
    struct smbus_transfer x = { .address = (uint8_t)t->unit, .pec = t->profile->pec };
    uint8_t command = (uint8_t)t->address;

    switch (pmbus_io_kind(t)) {
    case PMBUS_KIND_BYTE:
        return smbus->ops->write_byte(smbus, x.address, x.pec, command, (uint8_t)words[0]);
    case PMBUS_KIND_WORD:
        return smbus->ops->write_word(smbus, x.address, x.pec, command, words[0]);
    case PMBUS_KIND_BLOCK:
        if (regmap_is_bytes(t->row) || 2 * t->words > SMBUS_BLOCK_MAX)
            return ST_REFUSED; /* no such row is written */
        x.write_count = pmbus_io_pack(t, words, x.write, (int32_t)sizeof x.write);
        return smbus->ops->write_block(smbus, x.address, x.pec, command, x.write + 2, x.write_count - 2);
    case PMBUS_KIND_LONG:
        x.write_count = pmbus_io_pack(t, words, x.write, (int32_t)sizeof x.write);
        return smbus->ops->transfer(smbus, &x);
    case PMBUS_KIND_NONE:
    case PMBUS_KIND_SEND:
    case PMBUS_KIND_PROCESS:
        break;
    }
    return ST_REFUSED;
}

/* ---- pages ---- */

static void pmbus_io_rest(const struct profile *profile, int64_t at_least_us)
{
    int64_t gap_us = profile->gap_us > at_least_us ? profile->gap_us : at_least_us;

    if (gap_us > 0)
        clock_sleep_until_us(clock_now_us() + gap_us);
}

static enum status pmbus_io_set_page(struct smbus *smbus, const struct regio_target *t, uint8_t page)
{
    return smbus->ops->write_byte(smbus, (uint8_t)t->unit, t->profile->pec, PMBUS_PAGE, page);
}

/* Back to what it was, or it is tried again before anything else. */
static enum status pmbus_io_restore_page(struct pmbus_io *io, const struct regio_target *t)
{
    struct pmbus_io_page *page = &io->pages[t->unit];
    enum status st = pmbus_io_set_page(io->smbus, t, page->original);

    page->astray = st != ST_OK;
    if (st == ST_OK)
        pmbus_io_rest(t->profile, t->profile->page_gap_us);
    return st;
}

static enum status pmbus_io_page(struct pmbus_io *io, const struct regio_target *t)
{
    struct pmbus_io_page *page = &io->pages[t->unit];
    enum status st = ST_OK;

    if (!page->known) {
        st = io->smbus->ops->read_byte(io->smbus, (uint8_t)t->unit, t->profile->pec, PMBUS_PAGE,
                                       &page->original);
        page->known = st == ST_OK;
        if (st != ST_OK)
            return st;
        pmbus_io_rest(t->profile, 0);
    }
    st = pmbus_io_set_page(io->smbus, t, (uint8_t)t->row->page);
    if (st != ST_OK) /* it may have taken it all the same */
        page->astray = st == ST_TIMEOUT || st == ST_CORRUPT;
    else
        pmbus_io_rest(t->profile, t->profile->page_gap_us);
    return st;
}

/* PAGE_PLUS carries page and command with the data: PAGE stays as it is. */
static enum status pmbus_io_page_plus(struct smbus *smbus, const struct regio_target *t, uint16_t *in,
                                      const uint16_t *out)
{
    struct smbus_transfer x = { .address = (uint8_t)t->unit, .pec = t->profile->pec };
    uint8_t bytes[8];
    int32_t count = pmbus_io_kind(t) == PMBUS_KIND_BYTE ? 1 : 2;
    enum status st;

    x.write[0] = out ? PMBUS_PAGE_PLUS_WRITE : PMBUS_PAGE_PLUS_READ;
    x.write[1] = (uint8_t)(out ? 2 + count : 2);
    x.write[2] = (uint8_t)t->row->page;
    if (out)
        memcpy(x.write + 3, bytes, (size_t)pmbus_io_pack(t, out, bytes, (int32_t)sizeof bytes));
    else
        x.write[3] = (uint8_t)t->address;
    x.write_count = 2 + x.write[1];
    if (out)
        return smbus->ops->write_block(smbus, x.address, x.pec, x.write[0], x.write + 2, x.write[1]);
    x.block = true;
    x.read_max = SMBUS_BLOCK_MAX;
    st = smbus->ops->transfer(smbus, &x);
    if (st != ST_OK)
        return st;
    if (x.read_count != count)
        return ST_CORRUPT;
    in[0] = (uint16_t)(x.read[0] | (count > 1 ? x.read[1] << 8 : 0));
    return ST_OK;
}

static enum status pmbus_io_access(struct pmbus_io *io, const struct regio_target *t, uint16_t *in,
                                   const uint16_t *out)
{
    enum pmbus_command_kind kind = pmbus_io_kind(t);
    struct pmbus_io_page *page;
    enum status st = ST_OK;

    if (t->unit < 0 || t->unit >= PMBUS_IO_ADDRESSES)
        return ST_REFUSED;
    page = &io->pages[t->unit];
    if (page->astray)
        st = pmbus_io_restore_page(io, t);
    if (st != ST_OK)
        return st;
    if (!t->row->paged)
        return out ? pmbus_io_put(io->smbus, t, out) : pmbus_io_get(io->smbus, t, in);
    if (t->profile->page_plus && (kind == PMBUS_KIND_BYTE || kind == PMBUS_KIND_WORD))
        return pmbus_io_page_plus(io->smbus, t, in, out);
    st = pmbus_io_page(io, t);
    if (st != ST_OK)
        return st;
    st = out ? pmbus_io_put(io->smbus, t, out) : pmbus_io_get(io->smbus, t, in);
    pmbus_io_rest(t->profile, out ? t->profile->write_gap_us : 0);
    if (page->original != t->row->page)
        (void)pmbus_io_restore_page(io, t); /* it is tried again before the next access */
    return st;
}

/* ---- as a line ---- */

static enum status pmbus_io_read(void *arg, const struct regio_target *t, uint16_t *words)
{
    return pmbus_io_access(arg, t, words, NULL);
}

static enum status pmbus_io_write(void *arg, const struct regio_target *t, const uint16_t *words)
{
    return pmbus_io_access(arg, t, NULL, words);
}

static enum status pmbus_io_write_group(void *arg, const struct regio_target *targets,
                                        const uint16_t *const *words, int32_t count)
{
    struct smbus *smbus = ((struct pmbus_io *)arg)->smbus;
    struct smbus_part parts[SMBUS_GROUP_MAX];

    if (count < 1 || count > SMBUS_GROUP_MAX)
        return ST_REFUSED;
    for (int32_t i = 0; i < count; i++) {
        parts[i] = (struct smbus_part){ .address = (uint8_t)targets[i].unit, .pec = targets[i].profile->pec };
        if (targets[i].row->paged || regmap_is_bytes(targets[i].row))
            return ST_REFUSED;
        parts[i].count = pmbus_io_pack(&targets[i], words[i], parts[i].bytes, (int32_t)sizeof parts[i].bytes);
        if (parts[i].count == 0)
            return ST_REFUSED;
    }
    return smbus->ops->write_group(smbus, parts, count);
}

/* The device that pulls SMBALERT# and has the lowest address answers with it, and lets go. */
static enum status pmbus_io_alert(void *arg, int32_t *ret_unit)
{
    struct smbus *smbus = ((struct pmbus_io *)arg)->smbus;
    uint8_t byte = 0;
    enum status st = smbus->ops->receive_byte(smbus, SMBUS_ALERT_ADDRESS, &byte);

    if (st == ST_OK)
        *ret_unit = byte >> 1;
    return st;
}

static enum status pmbus_io_open(void *arg)
{
    struct pmbus_io *io = arg;

    memset(io->pages, 0, sizeof io->pages);
    return io->smbus->ops->open(io->smbus);
}

static void pmbus_io_close(void *arg)
{
    struct smbus *smbus = ((struct pmbus_io *)arg)->smbus;

    smbus->ops->close(smbus);
}

static int64_t pmbus_io_now_us(void *arg)
{
    (void)arg;
    return clock_now_us();
}

static void pmbus_io_sleep_until_us(void *arg, int64_t until_us)
{
    (void)arg;
    if (until_us > clock_now_us())
        clock_sleep_until_us(until_us);
}

const struct regio_ops *pmbus_io_ops(void)
{
    static const struct regio_ops ops = {
        .open = pmbus_io_open,
        .close = pmbus_io_close,
        .read = pmbus_io_read,
        .write = pmbus_io_write,
        .now_us = pmbus_io_now_us,
        .sleep_until_us = pmbus_io_sleep_until_us,
        .nack_is_silence = true,
        .rest_by_unit = true,
        .write_group = pmbus_io_write_group,
        .alert = pmbus_io_alert,
    };

    return &ops;
}

enum status pmbus_io_new(const struct conf_bus *bus, struct pmbus_io **ret)
{
    struct pmbus_io *io = calloc(1, sizeof *io);
    enum status st;

    if (!io)
        return ST_NOMEM;
    if (bus->kind == CONF_BUS_SMBUS_LINUX)
        st = smbus_linux_new(bus, &io->smbus);
    else
        st = smbus_socket_new(bus, &io->smbus);
    if (st != ST_OK) {
        pmbus_io_free(io);
        return st;
    }
    *ret = io;
    return ST_OK;
}

struct pmbus_io *pmbus_io_free(struct pmbus_io *io)
{
    if (io && io->smbus)
        io->smbus->ops->free(io->smbus);
    free(io);
    return NULL;
}
