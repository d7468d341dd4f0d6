/* SPDX-License-Identifier: Apache-2.0 */
/* pmbus_setup.c: what a PMBus device says of itself before its numbers mean anything.
 *
 * Owns nothing: the copy of the profile is the device's. The rows of the profile itself are
 * the start each time, so that a device that was swapped is asked afresh.
 */
#include "pmbus_setup.h"

#include "busbar/log.h"
#include "pmbus_codec.h"
#include "pmbus_command.h"

#define PMBUS_SETUP_READ  1u /* COEFFICIENTS: of what is read, or of what is written */
#define PMBUS_SETUP_WRITE 0u

/* The page whose VOUT_MODE was asked for last. */
struct pmbus_setup_vout {
    bool asked, known, paged;
    int32_t page;
    struct pmbus_codec_vout_mode mode;
};

bool pmbus_setup_is_pmbus(const struct profile *profile)
{
    for (int32_t i = 0; i < profile->row_count; i++)
        if (profile->rows[i].command != ROW_NONE)
            return true;
    return profile->match_command != ROW_NONE;
}

/* A refusal here is a command that it has not: somebody has just answered. ST_ABSENT then. */
static enum status pmbus_setup_read(struct regdev *dev, const struct profile_row *row, const uint8_t *request,
                                    int32_t request_count, uint16_t *words)
{
    struct regio_target target = {
        .unit = dev->adapter->device->address,
        .profile = dev->profile,
        .row = row,
        .address = row->command,
        .words = regmap_words(row),
        .request = request,
        .request_count = request_count,
    };
    int64_t taken_us;
    enum status st =
        regio_read(dev->io, &dev->adapter->state, &target, regdev_retries(dev), words, &taken_us);

    if (st == ST_NACK || st == ST_ABSENT)
        return ST_ABSENT;
    regdev_heard(dev, st);
    return st;
}

static struct profile_row pmbus_setup_byte_row(uint8_t command)
{
    return (struct profile_row){
        .address = ROW_NONE,
        .command = command,
        .type = ROW_U8,
        .scale = 1.0,
        .signal = SIGNAL_PSU_STATUS_WORD,
    };
}

/* ---- packets ---- */

static enum status pmbus_setup_capability(struct regdev *dev, bool pec, uint16_t *ret)
{
    struct profile_row row = pmbus_setup_byte_row(PMBUS_CAPABILITY);

    *ret = 0;
    dev->own.pec = pec;
    return pmbus_setup_read(dev, &row, NULL, 0, ret);
}

enum status pmbus_setup_pec(struct regdev *dev)
{
    uint16_t word;
    enum status st;

    if (!dev->own.pec_auto)
        return ST_OK;
    st = pmbus_setup_capability(dev, false, &word);
    if (st == ST_ABSENT || (st == ST_OK && !(word & PMBUS_CAPABILITY_PEC)))
        return ST_OK;
    if (st != ST_OK)
        return st;
    /* An adapter that cannot, or a device that only says so. */
    st = pmbus_setup_capability(dev, true, &word);
    if (st == ST_OK || st == ST_TIMEOUT || st == ST_SYS || st == ST_BUSY)
        return st;
    dev->own.pec = false;
    if (!dev->said_pec)
        LOG(WARNING, dev->adapter->device->name,
            "says that it checks packets, and none comes through (%s): without", status_label(st));
    dev->said_pec = true;
    return ST_OK;
}

/* ---- formats ---- */

static bool pmbus_setup_uses_vout(const struct profile_row *row)
{
    switch (row->type) {
    case ROW_ULINEAR16:
    case ROW_SLINEAR16:
        return !row->has_exponent;
    case ROW_VOUT:
    case ROW_SVOUT:
        return true;
    default:
        return false;
    }
}

/* Of the page of `like`. ST_ABSENT: it has no VOUT_MODE. */
static enum status pmbus_setup_vout_mode(struct regdev *dev, const struct profile_row *like,
                                         struct pmbus_codec_vout_mode *ret)
{
    struct profile_row row = pmbus_setup_byte_row(PMBUS_VOUT_MODE);
    uint16_t word = 0;
    enum status st;

    row.paged = like->paged;
    row.page = like->page;
    st = pmbus_setup_read(dev, &row, NULL, 0, &word);
    if (st == ST_OK)
        *ret = pmbus_codec_vout_mode((uint8_t)word);
    return st;
}

static enum status pmbus_setup_ask(struct regdev *dev, const struct profile_row *of, uint8_t direction,
                                   struct row_direct *ret)
{
    struct profile_row row = pmbus_setup_byte_row(PMBUS_COEFFICIENTS);
    uint8_t request[] = { (uint8_t)of->command, direction }, bytes[2 * REGMAP_WORDS_MAX];
    uint16_t words[REGMAP_WORDS_MAX] = { 0 };
    enum status st;

    row.type = ROW_BLOCK;
    row.text_bytes = PMBUS_CODEC_COEFFICIENTS_BYTES;
    row.paged = of->paged;
    row.page = of->page;
    st = pmbus_setup_read(dev, &row, request, (int32_t)sizeof request, words);
    return st == ST_OK ? pmbus_codec_coefficients(bytes, regmap_bytes(&row, words, bytes), ret) : st;
}

/* What is written may have coefficients of its own: then it is left alone. */
static enum status pmbus_setup_coefficients(struct regdev *dev, struct profile_row *row)
{
    struct row_direct write;
    enum status st = pmbus_setup_ask(dev, row, PMBUS_SETUP_READ, &row->direct);

    if (st == ST_OK && row->writable) {
        st = pmbus_setup_ask(dev, row, PMBUS_SETUP_WRITE, &write);
        if (st == ST_ABSENT || st == ST_RANGE ||
            (st == ST_OK &&
             (write.m != row->direct.m || write.b != row->direct.b || write.r != row->direct.r)))
            row->writable = false;
    }
    return st == ST_ABSENT || st == ST_RANGE || st == ST_CORRUPT ? ST_OK : st;
}

static enum status pmbus_setup_resolve(struct regdev *dev, struct profile_row *row,
                                       const struct pmbus_codec_vout_mode *mode)
{
    bool is_signed = row->type == ROW_SVOUT || row->type == ROW_SLINEAR16;
    bool any = row->type == ROW_VOUT || row->type == ROW_SVOUT;

    if (mode->relative && pmbus_codec_is_relative((uint8_t)row->command))
        return ST_OK; /* a ratio is no voltage */
    switch (mode->format) {
    case PMBUS_CODEC_LINEAR16:
        row->type = is_signed ? ROW_SLINEAR16 : ROW_ULINEAR16;
        row->exponent = mode->exponent;
        break;
    case PMBUS_CODEC_DIRECT:
        if (!any)
            break;
        row->type = ROW_DIRECT;
        return row->direct.m == 0.0 ? pmbus_setup_coefficients(dev, row) : ST_OK;
    case PMBUS_CODEC_HALF:
        if (any)
            row->type = ROW_HALF;
        break;
    case PMBUS_CODEC_VID:
        break;
    }
    return ST_OK;
}

/* `last` saves asking for each row of a page again. */
static enum status pmbus_setup_row(struct regdev *dev, struct profile_row *row, struct pmbus_setup_vout *last)
{
    enum status st = ST_OK;

    if (row->coefficients && (row->type == ROW_DIRECT || row->type == ROW_ENERGY))
        return pmbus_setup_coefficients(dev, row);
    if (!pmbus_setup_uses_vout(row))
        return ST_OK;
    row->has_exponent = true;
    row->exponent = REGMAP_NO_EXPONENT;
    if (!last->asked || last->paged != row->paged || (row->paged && last->page != row->page)) {
        *last = (struct pmbus_setup_vout){ .asked = true, .paged = row->paged, .page = row->page };
        st = pmbus_setup_vout_mode(dev, row, &last->mode);
        last->known = st == ST_OK;
    }
    if (last->known)
        return pmbus_setup_resolve(dev, row, &last->mode);
    return st == ST_ABSENT ? ST_OK : st;
}

/* ---- as the profile presumes ---- */

/* Ranges and gains are set in the device, and with others its numbers mean something else. */
static enum status pmbus_setup_config(struct regdev *dev)
{
    struct profile_row row = pmbus_setup_byte_row((uint8_t)dev->own.config_command);
    uint16_t word = 0;
    enum status st;

    if (!dev->own.has_config)
        return ST_OK;
    row.type = dev->own.config_is_word ? ROW_U16 : ROW_U8;
    st = pmbus_setup_read(dev, &row, NULL, 0, &word);
    if (st != ST_OK && st != ST_ABSENT)
        return st;
    if (st == ST_OK && (word & dev->own.config_mask) == dev->own.config_value) {
        dev->said_config = false;
        return ST_OK;
    }
    for (int32_t i = 0; i < dev->own.row_count; i++) {
        dev->own.rows[i].direct = (struct row_direct){ .m = 0.0 };
        dev->own.rows[i].writable = false;
        if (dev->own.rows[i].type == ROW_ENERGY)
            dev->own.rows[i].wrap = 0.0;
    }
    if (!dev->said_config)
        LOG(WARNING, dev->adapter->device->name,
            "is configured otherwise (0x%02x reads 0x%04x, profile %s is for 0x%04x under mask 0x%04x): its "
            "numbers are not used",
            (unsigned)dev->own.config_command, (unsigned)word, dev->profile->name,
            (unsigned)dev->own.config_value, (unsigned)dev->own.config_mask);
    dev->said_config = true;
    return ST_OK;
}

/* Does it give IEEE half where the rows have LINEAR11? One that has no CAPABILITY does not. */
static enum status pmbus_setup_half(struct regdev *dev, bool *ret)
{
    struct profile_row row = pmbus_setup_byte_row(PMBUS_CAPABILITY);
    uint16_t word = 0;
    bool linear11 = false;
    enum status st;

    *ret = false;
    for (int32_t i = 0; i < dev->own.row_count; i++)
        linear11 = linear11 || dev->adapter->profile->rows[i].type == ROW_LINEAR11;
    if (!linear11)
        return ST_OK;
    st = pmbus_setup_read(dev, &row, NULL, 0, &word);
    *ret = st == ST_OK && (word & PMBUS_CAPABILITY_HALF) &&
           (word & PMBUS_CAPABILITY_SPEED) != PMBUS_CAPABILITY_SPEED;
    return st == ST_ABSENT ? ST_OK : st;
}

enum status pmbus_setup_formats(struct regdev *dev)
{
    struct pmbus_setup_vout last = { .asked = false };
    bool half;
    enum status st = pmbus_setup_half(dev, &half);

    for (int32_t i = 0; i < dev->own.row_count && st == ST_OK; i++) {
        dev->own.rows[i] = dev->adapter->profile->rows[i];
        if (half && dev->own.rows[i].type == ROW_LINEAR11)
            dev->own.rows[i].type = ROW_HALF;
        st = pmbus_setup_row(dev, &dev->own.rows[i], &last);
    }
    return st == ST_OK ? pmbus_setup_config(dev) : st;
}

/* ---- what it lets be written ---- */

enum status pmbus_setup_writable(struct regdev *dev, const struct profile_row *row)
{
    uint16_t word = 0;
    bool allowed;
    enum status st;

    for (int32_t i = 0; i < dev->profile->row_count; i++) {
        if (dev->profile->rows[i].command != PMBUS_WRITE_PROTECT || dev->profile->rows[i].type != ROW_U8)
            continue;
        st = pmbus_setup_read(dev, &dev->profile->rows[i], NULL, 0, &word);
        if (st == ST_ABSENT)
            return ST_OK; /* it has none */
        if (st != ST_OK)
            return st;
        allowed = pmbus_command_allowed((uint8_t)word, (uint8_t)row->command);
        if (!allowed && !dev->said_protect)
            LOG(WARNING, dev->adapter->device->name,
                "WRITE_PROTECT is 0x%02x: %s is not written, and it stays so", (unsigned)word,
                pmbus_command_name((uint8_t)row->command));
        dev->said_protect = !allowed;
        return allowed ? ST_OK : ST_REFUSED;
    }
    return ST_OK;
}
