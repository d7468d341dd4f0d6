/* SPDX-License-Identifier: Apache-2.0 */
/* profile_check.c: what makes a row of a device profile wrong.
 *
 * Owns the checks of one row (type, scale, limits against its signal) and of
 * rows against each other (overlap, gates that exist). A wrong scale or limit
 * in a profile is a wrong order to hardware, so what can be held against the
 * signal's plausible range is. Any thread.
 */
#include <math.h>
#include <string.h>

#include "profile.h"

#define PROFILE_STEPS_MIN 10.0 /* of a register, over the signal's plausible range */
#define PROFILE_NOISE     1e-6 /* of a step: what rounding leaves */

struct profile_checker {
    struct conf_report *report;
    const struct raw_profile *raw;
    struct profile *profile;
    bool pmbus;
};

static const struct raw_row *profile_raw(const struct profile_checker *check, int32_t r)
{
    return CONF_ITEM(struct raw_row, &check->raw->rows, r);
}

static bool profile_is_bits(enum signal signal)
{
    return strcmp(signal_unit(signal), "bits") == 0;
}

static bool profile_is_text(enum signal signal)
{
    return strcmp(signal_unit(signal), "text") == 0;
}

/* What the raw value of a row can be. */
static void profile_raw_range(const struct profile_row *row, double *min, double *max)
{
    static const double ranges[ROW_TYPE_COUNT][2] = {
        [ROW_U8] = { 0.0, 255.0 },
        [ROW_U16] = { 0.0, 65535.0 },
        [ROW_S16] = { -32768.0, 32767.0 },
        [ROW_U32] = { 0.0, 4294967295.0 },
        [ROW_S32] = { -2147483648.0, 2147483647.0 },
        [ROW_U64] = { 0.0, 18446744073709551615.0 },
        [ROW_F32] = { -3.4e38, 3.4e38 },
        [ROW_LINEAR11] = { -1024.0 * 32768.0, 1023.0 * 32768.0 },
        [ROW_ULINEAR16] = { 0.0, 65535.0 * 32768.0 },
        [ROW_SLINEAR16] = { -32768.0 * 32768.0, 32767.0 * 32768.0 },
        [ROW_DIRECT] = { -1e15, 1e15 }, /* until m, b and R are known */
        [ROW_HALF] = { -65504.0, 65504.0 },
        [ROW_VOUT] = { 0.0, 65535.0 * 32768.0 },
        [ROW_SVOUT] = { -32768.0 * 32768.0, 32767.0 * 32768.0 },
        [ROW_ENERGY] = { -1e15, 1e15 },
    };
    double low, high;

    *min = ranges[row->type][0];
    *max = ranges[row->type][1];
    if (row->bit_count > 0) {
        *min = 0.0;
        *max = exp2((double)row->bit_count) - 1.0;
    }
    if (row->type == ROW_DIRECT && row->direct.m != 0.0) {
        low = (-32768.0 * pow(10.0, (double)-row->direct.r) - row->direct.b) / row->direct.m;
        high = (32767.0 * pow(10.0, (double)-row->direct.r) - row->direct.b) / row->direct.m;
        *min = fmin(low, high);
        *max = fmax(low, high);
    }
}

/* ---- one row ---- */

static bool profile_is_good(enum signal signal)
{
    return signal != SIGNAL_COUNT;
}

/* One word on a PMBus device? */
static bool profile_is_word(const struct profile_row *row)
{
    return row->type == ROW_U16 || row->type == ROW_S16 ||
           (row->type >= ROW_LINEAR11 && row->type != ROW_ENERGY && row->type != ROW_BLOCK);
}

static void profile_check_place(const struct profile_checker *check, const struct raw_row *raw,
                                const struct profile_row *row)
{
    const struct conf_item *item = &raw->item;
    bool pmbus_type = row->type == ROW_U8 || row->type >= ROW_LINEAR11;

    if ((row->address == ROW_NONE) == (row->command == ROW_NONE)) {
        conf_wrong(check->report, item, "address", "a row has either address or command, one of the two");
        return;
    }
    if (check->pmbus != (row->command != ROW_NONE))
        conf_wrong(check->report, item, row->command != ROW_NONE ? "command" : "address",
                   "match.%s says the device speaks %s", check->pmbus ? "command" : "register",
                   check->pmbus ? "PMBus, which has commands" : "Modbus, which has registers");
    if (row->address != ROW_NONE && pmbus_type)
        conf_wrong(check->report, item, "type",
                   "is of PMBus, a Modbus register has u16, s16, u32, s32, u64, f32 or text");
    if (row->address + profile_words(row) > 65536)
        conf_wrong(check->report, item, "address", "ends past register 65535");
    if (row->command != ROW_NONE && conf_has(item, "table"))
        conf_wrong(check->report, item, "table", "is of Modbus only");
    if (row->command != ROW_NONE && conf_has(item, "order") &&
        (row->order == ROW_LOW_WORD_FIRST || !profile_is_word(row)))
        conf_wrong(check->report, item, "order", "of a PMBus command: byte_swapped only, and of a word");
}

/* Keys of PMBus's own formats. */
static void profile_check_pmbus(const struct profile_checker *check, const struct raw_row *raw,
                                const struct profile_row *row)
{
    static const char *const keys[] = { "page", "exponent", "direct", "coefficients", "wrap", "power_max_w" };
    const struct conf_item *item = &raw->item;
    bool vout = row->type == ROW_VOUT || row->type == ROW_SVOUT;
    bool linear16 = row->type == ROW_ULINEAR16 || row->type == ROW_SLINEAR16;

    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        if (row->command == ROW_NONE && conf_has(item, keys[k]))
            conf_wrong(check->report, item, keys[k], "is of PMBus only");
    if (row->command == ROW_NONE)
        return;
    if (row->has_exponent && !linear16)
        conf_wrong(check->report, item, "exponent", "is for type ulinear16 and slinear16");
    if (conf_has(item, "direct") && row->type != ROW_DIRECT && !vout && row->type != ROW_ENERGY)
        conf_wrong(check->report, item, "direct", "is for type direct, vout, svout and energy");
    else if (conf_has(item, "direct") && raw->direct_m == 0.0)
        conf_wrong(check->report, item, "direct.m", "0 makes every reading the same");
    if (row->coefficients && row->type != ROW_DIRECT && row->type != ROW_ENERGY)
        conf_wrong(check->report, item, "coefficients", "is for type direct and energy");
    if (row->type == ROW_DIRECT && row->coefficients == conf_has(item, "direct"))
        conf_wrong(check->report, item, "direct",
                   "a row of type direct has either direct or coefficients: true");
    if (conf_has(item, "power_max_w") && row->type != ROW_ENERGY)
        conf_wrong(check->report, item, "power_max_w", "is for type energy");
    if (conf_has(item, "wrap") && row->type != ROW_ENERGY)
        conf_wrong(check->report, item, "wrap", "is for type energy");
    else if (row->type == ROW_ENERGY && raw->wrap != 32768 && raw->wrap != 65536)
        conf_wrong(check->report, item, "wrap", "%d, allowed 32768 and 65536", (int)raw->wrap);
    if (row->type == ROW_ENERGY && profile_is_good(row->signal) &&
        strcmp(signal_unit(row->signal), "J") != 0 && strcmp(signal_unit(row->signal), "W") != 0)
        conf_wrong(check->report, item, "type",
                   "energy is for signals in J (since the first read) and W (mean)");
    if ((row->type == ROW_ENERGY || row->type == ROW_BLOCK) && row->writable)
        conf_wrong(check->report, item, "write", "an energy or a block cannot be written");
}

static void profile_check_bits(const struct profile_checker *check, const struct raw_row *raw,
                               const struct profile_row *row)
{
    const struct conf_item *item = &raw->item;
    bool bits = conf_has(item, "bit") || conf_has(item, "bits");
    const char *path = conf_has(item, "bits") ? "bits" : "bit";
    int32_t width = row->type == ROW_U8 ? 8 : row->type == ROW_U16 ? 16 : row->type == ROW_U32 ? 32 : 0;

    if (conf_has(item, "bit") && conf_has(item, "bits"))
        conf_wrong(check->report, item, "bits", "a row has either bit or bits, not both");
    else if (bits && width == 0)
        conf_wrong(check->report, item, path, "needs a type without a sign: u8, u16 or u32");
    else if (bits && (row->bit_count < 1 || row->bit_first + row->bit_count > width))
        conf_wrong(check->report, item, path, "reaches outside the %d bits of the word", (int)width);
    if (row->inverted && (width == 0 || !profile_is_bits(row->signal)))
        conf_wrong(check->report, item, "inverted", "needs a type without a sign and a signal of bits");
    if (row->self_clearing != 0 && (width == 0 || (width < 32 && row->self_clearing >> width != 0)))
        conf_wrong(check->report, item, "self_clearing",
                   "reaches outside the word, allowed bits of a u8, u16 or u32");
    else if (row->self_clearing != 0 && !row->writable)
        conf_wrong(check->report, item, "self_clearing", "needs a row that is written");
}

static void profile_check_text(const struct profile_checker *check, const struct raw_row *raw,
                               const struct profile_row *row)
{
    const struct conf_item *item = &raw->item;

    bool block = row->type == ROW_BLOCK, bytes = row->type == ROW_TEXT || block;

    if (bytes != profile_is_text(row->signal))
        conf_wrong(check->report, item, "type", "signal %s is %s", signal_name(row->signal),
                   bytes ? "a number" : "a text, allowed text");
    if (bytes != conf_has(item, "length"))
        conf_wrong(check->report, item, "length",
                   bytes ? "missing, allowed 1 to %d" : "is for type text only", block ? 250 : 32);
    else if (row->type == ROW_TEXT && row->text_bytes > 32)
        conf_wrong(check->report, item, "length", "%d is out of range, allowed 1 to 32",
                   (int)row->text_bytes);
    if (block && row->poll != POLL_NEVER)
        conf_wrong(check->report, item, "poll", "a block is read when somebody asks, allowed never");
    if (row->type == ROW_TEXT && row->writable)
        conf_wrong(check->report, item, "write", "a text cannot be written");
    if (row->type == ROW_TEXT && row->poll == POLL_FAST)
        conf_wrong(check->report, item, "poll", "a text is not read fast, allowed slow, once, never");
}

/* The signal's name fixes the unit; the scale has to lead there. */
static void profile_check_scale(const struct profile_checker *check, const struct raw_row *raw,
                                const struct profile_row *row)
{
    const struct conf_item *item = &raw->item;
    double low = signal_min(row->signal), high = signal_max(row->signal), min, max, a, b;
    bool whole = row->type < ROW_LINEAR11 && row->type != ROW_F32;

    profile_raw_range(row, &min, &max);
    if (row->scale == 0.0) {
        conf_wrong(check->report, item, "scale", "0 makes every reading the same");
        return;
    }
    if (profile_is_bits(row->signal)) {
        if (row->scale != 1.0 || row->offset != 0.0 || !whole || min < 0.0)
            conf_wrong(check->report, item, "type",
                       "bits need a whole type without a sign, scale 1 and offset 0");
        else if (max > high)
            conf_wrong(check->report, item, "type",
                       "signal %s goes to %.12g, this row to %.12g: name the bits", signal_name(row->signal),
                       high, max);
        return;
    }
    a = fmin(min * row->scale, max * row->scale) + row->offset;
    b = fmax(min * row->scale, max * row->scale) + row->offset;
    if (a > high || b < low)
        conf_wrong(check->report, item, "scale", "gives %.12g to %.12g, plausible for %s is %.12g to %.12g",
                   a, b, signal_name(row->signal), low, high);
    else if (whole && (fmin(b, high) - fmax(a, low)) / fabs(row->scale) < PROFILE_STEPS_MIN)
        conf_wrong(check->report, item, "scale", "%.12g is too coarse for %s, plausible %.12g to %.12g",
                   row->scale, signal_name(row->signal), low, high);
}

/* Orders are rounded down, to a step and to what the register holds: is anything left of the range? */
static bool profile_can_be_written(const struct profile_row *row)
{
    const struct row_write *w = &row->write;
    double value = w->max, raw;

    if (w->step > 0.0)
        value = floor(value / w->step + PROFILE_NOISE) * w->step;
    if (value < w->min - w->step * PROFILE_NOISE)
        return false;
    if (row->type >= ROW_LINEAR11 || row->type == ROW_F32 || row->scale == 0.0)
        return true;
    raw = (value - row->offset) / row->scale;
    raw = row->scale > 0.0 ? floor(raw + PROFILE_NOISE) : ceil(raw - PROFILE_NOISE);
    return raw * row->scale + row->offset >= w->min - fabs(row->scale) * PROFILE_NOISE;
}

static void profile_check_write(const struct profile_checker *check, const struct raw_row *raw,
                                const struct profile_row *row)
{
    const struct conf_item *item = &raw->item;
    double low = signal_min(row->signal), high = signal_max(row->signal), min, max, a, b;

    if (!row->writable || row->type == ROW_TEXT || !isfinite(row->write.min) || !isfinite(row->write.max))
        return;
    profile_raw_range(row, &min, &max);
    a = fmin(min * row->scale, max * row->scale) + row->offset;
    b = fmax(min * row->scale, max * row->scale) + row->offset;
    if (row->table == ROW_INPUT)
        conf_wrong(check->report, item, "write", "input registers cannot be written");
    if (row->write.min > row->write.max)
        conf_wrong(check->report, item, "write.min", "%.12g is above write.max %.12g", row->write.min,
                   row->write.max);
    else if (!profile_can_be_written(row))
        conf_wrong(check->report, item, "write",
                   "no value between %.12g and %.12g is a multiple of write.step and of what the register counts",
                   row->write.min, row->write.max);
    if (row->write.min < fmax(a, low))
        conf_wrong(check->report, item, "write.min",
                   "%.12g is below what %s can hold, allowed %.12g to %.12g", row->write.min,
                   signal_name(row->signal), fmax(a, low), fmin(b, high));
    if (row->write.max > fmin(b, high))
        conf_wrong(check->report, item, "write.max",
                   "%.12g is above what %s can hold, allowed %.12g to %.12g", row->write.max,
                   signal_name(row->signal), fmax(a, low), fmin(b, high));
}

static void profile_check_signal(const struct profile_checker *check, const struct raw_row *raw)
{
    const char *best = NULL;
    char shown[CONF_SHOWN_MAX];

    for (int s = 0; s < SIGNAL_COUNT; s++)
        conf_report_nearest(raw->signal, signal_name((enum signal)s), &best);
    conf_report_shown(raw->signal, shown);
    if (best)
        conf_wrong(check->report, &raw->item, "signal", "\"%s\" is no signal, did you mean \"%s\"?", shown,
                   best);
    else
        conf_wrong(check->report, &raw->item, "signal", "\"%s\" is no signal", shown);
}

static void profile_check_row(const struct profile_checker *check, int32_t r)
{
    const struct raw_row *raw = profile_raw(check, r);
    const struct profile_row *row = &check->profile->rows[r];

    profile_check_place(check, raw, row);
    profile_check_bits(check, raw, row);
    if (conf_good(&raw->item, "type"))
        profile_check_pmbus(check, raw, row);
    if (row->signal == SIGNAL_COUNT) {
        if (raw->signal[0])
            profile_check_signal(check, raw);
        return;
    }
    if (!conf_good(&raw->item, "type"))
        return;
    profile_check_text(check, raw, row);
    if (row->type == ROW_TEXT || row->type == ROW_BLOCK || profile_is_text(row->signal))
        return;
    profile_check_scale(check, raw, row);
    profile_check_write(check, raw, row);
}

/* ---- rows against rows ---- */

/* The row a `write` names; the same index first. */
static int32_t profile_check_named(const struct profile_checker *check, int32_t r, const char *path,
                                   const char *signal)
{
    const struct raw_row *raw = profile_raw(check, r);
    enum signal found = signal_find(signal);
    int32_t other = ROW_NONE;
    char shown[CONF_SHOWN_MAX];

    if (!signal[0])
        return ROW_NONE;
    if (found != SIGNAL_COUNT)
        other = profile_find(check->profile, found, check->profile->rows[r].index);
    if (other == ROW_NONE)
        conf_wrong(check->report, &raw->item, path, "no row has the signal \"%s\"",
                   conf_report_shown(signal, shown));
    return other;
}

static void profile_check_helper(const struct profile_checker *check, int32_t r, const char *path,
                                 int32_t other, bool bit)
{
    const struct conf_item *item = &profile_raw(check, r)->item;
    const struct profile_row *row = other == ROW_NONE ? NULL : &check->profile->rows[other];

    if (!row)
        return;
    if (other == r)
        conf_wrong(check->report, item, path, "names this row itself");
    else if (!row->writable)
        conf_wrong(check->report, item, path, "%s has no write of its own", signal_name(row->signal));
    else if (bit && row->bit_count != 1)
        conf_wrong(check->report, item, path, "%s is not one bit", signal_name(row->signal));
    else if (!bit && (row->type == ROW_TEXT || row->bit_count != 0))
        conf_wrong(check->report, item, path, "%s is not a number of its own", signal_name(row->signal));
    else if (!bit && strcmp(signal_unit(row->signal), "s") != 0)
        conf_wrong(check->report, item, path, "%s is in %s, a time-out in s", signal_name(row->signal),
                   signal_unit(row->signal));
    else if (profile_raw(check, other)->gate[0] || profile_raw(check, other)->enable[0])
        conf_wrong(check->report, item, path, "%s has a gate or an enable itself: no chains",
                   signal_name(row->signal));
}

/* What is read back is held against what was written. */
static void profile_check_readback(const struct profile_checker *check, int32_t r, int32_t other)
{
    enum signal signal = check->profile->rows[r].signal, back = check->profile->rows[other].signal;

    if (back != SIGNAL_COUNT && strcmp(signal_unit(signal), signal_unit(back)) != 0)
        conf_wrong(check->report, &profile_raw(check, r)->item, "write.readback", "%s is in %s, %s in %s",
                   signal_name(back), signal_unit(back), signal_name(signal), signal_unit(signal));
}

static void profile_check_write_rows(const struct profile_checker *check, int32_t r)
{
    const struct raw_row *raw = profile_raw(check, r);
    struct row_write *write = &check->profile->rows[r].write;

    if (!check->profile->rows[r].writable)
        return;
    write->gate = profile_check_named(check, r, "write.gate", raw->gate);
    write->enable = profile_check_named(check, r, "write.enable", raw->enable);
    write->timeout = profile_check_named(check, r, "write.timeout", raw->timeout);
    write->readback = raw->readback[0] ? profile_check_named(check, r, "write.readback", raw->readback) : r;
    profile_check_helper(check, r, "write.gate", write->gate, true);
    profile_check_helper(check, r, "write.enable", write->enable, true);
    profile_check_helper(check, r, "write.timeout", write->timeout, false);
    if (write->readback != ROW_NONE && profile_is_text(check->profile->rows[r].signal) !=
                                           profile_is_text(check->profile->rows[write->readback].signal))
        conf_wrong(check->report, &raw->item, "write.readback", "is a text");
    else if (write->readback != ROW_NONE && check->profile->rows[r].signal != SIGNAL_COUNT)
        profile_check_readback(check, r, write->readback);
}

/* Do two rows read the same words? */
static bool profile_overlap(const struct profile_row *a, const struct profile_row *b)
{
    if (a->command != ROW_NONE || b->command != ROW_NONE)
        return a->command == b->command && a->paged == b->paged && a->page == b->page;
    return a->table == b->table && a->address < b->address + profile_words(b) &&
           b->address < a->address + profile_words(a);
}

/* Bits of one word may have rows of their own, beside a row of the whole word. */
static bool profile_shares(const struct profile_row *a, const struct profile_row *b)
{
    if (a->address != b->address || profile_words(a) != profile_words(b) || a->type != b->type ||
        a->order != b->order)
        return false;
    if (a->type == ROW_ENERGY) /* what was added up, and the mean of it */
        return strcmp(signal_unit(a->signal), signal_unit(b->signal)) != 0;
    if (a->bit_count == 0 || b->bit_count == 0)
        return a->bit_count != b->bit_count;
    return a->bit_first + a->bit_count <= b->bit_first || b->bit_first + b->bit_count <= a->bit_first;
}

static void profile_check_pairs(const struct profile_checker *check, int32_t r)
{
    const struct profile_row *row = &check->profile->rows[r];
    const struct conf_item *item = &profile_raw(check, r)->item;

    for (int32_t other = 0; other < r; other++) {
        const struct profile_row *before = &check->profile->rows[other];

        if (row->signal != SIGNAL_COUNT && row->signal == before->signal && row->index == before->index)
            conf_wrong(check->report, item, "signal", "the row on line %d has the same signal and index",
                       (int)before->line);
        if (profile_overlap(row, before) && !profile_shares(row, before))
            conf_wrong(check->report, item, row->command != ROW_NONE ? "command" : "address",
                       "overlaps the row on line %d", (int)before->line);
    }
}

/* ---- the whole ---- */

static void profile_check_match(struct profile_checker *check)
{
    const struct conf_item *item = &check->raw->item;
    const struct profile *profile = check->profile;
    bool both = profile->match_address != ROW_NONE && profile->match_command != ROW_NONE;
    const char *path = check->pmbus ? "match.command" : "match.register";
    bool text = false;

    if (both || (profile->match_address == ROW_NONE && profile->match_command == ROW_NONE)) {
        if (conf_good(item, "match"))
            conf_wrong(check->report, item, "match", "needs either register or command, one of the two");
        return;
    }
    for (int32_t r = 0; r < profile->row_count; r++)
        text = text || (profile->rows[r].type == ROW_TEXT && !profile->rows[r].paged &&
                        profile->rows[r].address == profile->match_address &&
                        profile->rows[r].command == profile->match_command);
    if (!text)
        conf_wrong(check->report, item, path, "no row of type text reads it");
}

static void profile_check_line(const struct profile_checker *check)
{
    static const char *const modbus[] = { "span_max", "span_holes", "mirror_age_ms", "baud", "parity" };
    static const char *const pmbus[] = {
        "pec",        "page_plus",    "group",       "absent_word",
        "shunt_mohm", "write_gap_ms", "page_gap_ms", "match.config_command"
    };
    const struct conf_item *item = &check->raw->item;
    const struct profile *profile = check->profile;

    for (size_t i = 0; i < sizeof modbus / sizeof *modbus; i++)
        if (check->pmbus && conf_has(item, modbus[i]))
            conf_wrong(check->report, item, modbus[i], "is of Modbus only");
    for (size_t i = 0; i < sizeof pmbus / sizeof *pmbus; i++)
        if (!check->pmbus && conf_has(item, pmbus[i]))
            conf_wrong(check->report, item, pmbus[i], "is of PMBus only");
    if (profile->has_config != conf_has(item, "match.config_mask") ||
        profile->has_config != conf_has(item, "match.config_value"))
        conf_wrong(check->report, item, "match.config_command",
                   "config_command, config_mask and config_value need one another");
    else if ((profile->config_value & ~profile->config_mask) != 0 ||
             (!profile->config_is_word && profile->config_mask > 0xFF))
        conf_wrong(check->report, item, "match.config_value",
                   "reaches outside match.config_mask or the byte it is");
}

static void profile_check_count(const struct profile_checker *check)
{
    const struct profile *profile = check->profile;
    int32_t polled = 0;

    for (int32_t r = 0; r < profile->row_count; r++)
        polled += profile->rows[r].poll != POLL_NEVER;
    if (profile->row_count == 0 && conf_good(&check->raw->item, "rows"))
        conf_wrong(check->report, &check->raw->item, "rows", "is empty, allowed 1 to %d", PROFILE_ROWS_MAX);
    if (polled > DEVICE_READINGS_MAX)
        conf_wrong(check->report, &check->raw->item, "rows", "%d rows are polled, allowed %d", (int)polled,
                   DEVICE_READINGS_MAX);
}

void profile_check(struct conf_report *report, const struct raw_profile *raw, struct profile *profile)
{
    struct profile_checker check = {
        .report = report, .raw = raw, .profile = profile, .pmbus = profile_is_pmbus(profile)
    };

    profile_check_match(&check);
    profile_check_line(&check);
    profile_check_count(&check);
    for (int32_t r = 0; r < profile->row_count; r++) {
        profile_check_row(&check, r);
        profile_check_pairs(&check, r);
        profile_check_write_rows(&check, r);
    }
}
