/* SPDX-License-Identifier: Apache-2.0 */
/* regmap.c: raw register words to values and back.
 *
 * Pure: owns nothing, runs on any thread. Raw words and values come from
 * devices and operators, so nothing here is a CHECK but the row itself.
 */
#include "regmap.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "busbar/check.h"
#include "pmbus_codec.h"

/* A value that is a whole number of steps but for rounding noise stays that. */
#define REGMAP_NOISE 1e-6
#define REGMAP_FLOAT_RESOLUTION 1.2e-7  /* relative, of an IEEE single           */
#define REGMAP_HALF_LAST 0x7BFFu        /* the largest IEEE half, after which comes infinity */
#define REGMAP_HALF_COARSEST 32.0       /* what it is apart from the one before  */

static int32_t regmap_type_words(enum row_type type)
{
    switch (type) {
    case ROW_U32:
    case ROW_S32:
    case ROW_F32:
        return 2;
    case ROW_ENERGY:
        return 3;
    case ROW_U64:
        return 4;
    case ROW_U8:
    case ROW_U16:
    case ROW_S16:
    case ROW_LINEAR11:
    case ROW_ULINEAR16:
    case ROW_SLINEAR16:
    case ROW_DIRECT:
    case ROW_HALF:
    case ROW_VOUT:
    case ROW_SVOUT:
    case ROW_TEXT:
    case ROW_BLOCK:
    case ROW_TYPE_COUNT:
        break;
    }
    return 1;
}

bool regmap_is_bytes(const struct profile_row *row)
{
    return row->type == ROW_TEXT || row->type == ROW_BLOCK || row->type == ROW_ENERGY;
}

int32_t regmap_words(const struct profile_row *row)
{
    int32_t words;

    if (row->type != ROW_TEXT && row->type != ROW_BLOCK)
        return regmap_type_words(row->type);
    words = (row->text_bytes + 1) / 2;
    return words < 1 ? 1 : words > REGMAP_WORDS_MAX ? REGMAP_WORDS_MAX : words;
}

static uint16_t regmap_swap(const struct profile_row *row, uint16_t word)
{
    uint32_t wide = word;

    if (row->order == ROW_BYTE_SWAPPED)
        wide = (wide << 8 | wide >> 8) & 0xFFFFu;
    return (uint16_t)wide;
}

/* Where word i (0: the highest) stands. */
static int32_t regmap_place(const struct profile_row *row, int32_t i, int32_t count)
{
    return row->order == ROW_LOW_WORD_FIRST ? count - 1 - i : i;
}

static uint64_t regmap_integer(const struct profile_row *row, const uint16_t *words)
{
    int32_t count = regmap_type_words(row->type);
    uint64_t all = 0;

    for (int32_t i = 0; i < count; i++)
        all = (all << 16) | regmap_swap(row, words[regmap_place(row, i, count)]);
    return all;
}

static void regmap_put_integer(const struct profile_row *row, uint64_t all, uint16_t *words)
{
    int32_t count = regmap_type_words(row->type);

    for (int32_t i = count - 1; i >= 0; i--) {
        words[regmap_place(row, i, count)] = regmap_swap(row, (uint16_t)(all & 0xFFFFu));
        all >>= 16;
    }
}

static uint32_t regmap_mask(const struct profile_row *row)
{
    uint32_t ones = row->bit_count >= 32 ? UINT32_MAX : (1u << row->bit_count) - 1u;

    CHECK(row->bit_first >= 0 && row->bit_first + row->bit_count <= 32);
    return ones << row->bit_first;
}

/* All bits that the row's words have. */
static uint32_t regmap_bits(const struct profile_row *row)
{
    return row->type == ROW_U8 ? 0xFFu : row->type == ROW_U16 ? 0xFFFFu : UINT32_MAX;
}

static int32_t regmap_exponent(const struct profile_row *row, int32_t vout_exponent)
{
    return row->has_exponent ? row->exponent : vout_exponent;
}

static double regmap_number(const struct profile_row *row, uint64_t all, int32_t vout_exponent)
{
    float single;
    uint32_t low = (uint32_t)all;
    int32_t exponent = regmap_exponent(row, vout_exponent);

    if (row->inverted)
        low = ~low & regmap_bits(row);
    if (row->bit_count > 0)
        return (double)((low & regmap_mask(row)) >> row->bit_first);
    if (row->inverted)
        return (double)low;
    switch (row->type) {
    case ROW_U8:
        return (double)(all & 0xFFu);
    case ROW_S16:
        return (double)(int16_t)(uint16_t)all;
    case ROW_S32:
        return (double)(int32_t)low;
    case ROW_F32:
        memcpy(&single, &low, sizeof single);
        return (double)single;
    case ROW_LINEAR11:
        return pmbus_codec_linear11((uint16_t)all);
    case ROW_ULINEAR16:
        return exponent == REGMAP_NO_EXPONENT ? NAN : pmbus_codec_ulinear16((uint16_t)all, exponent);
    case ROW_SLINEAR16:
        return exponent == REGMAP_NO_EXPONENT ? NAN : pmbus_codec_slinear16((uint16_t)all, exponent);
    case ROW_DIRECT:
        return pmbus_codec_direct((uint16_t)all, &row->direct);
    case ROW_HALF:
        return pmbus_codec_half((uint16_t)all);
    case ROW_U16:
    case ROW_U32:
    case ROW_U64:
        return (double)all;
    case ROW_VOUT: /* pmbus_setup.c makes one of the above of it */
    case ROW_SVOUT:
    case ROW_ENERGY:
    case ROW_TEXT:
    case ROW_BLOCK:
    case ROW_TYPE_COUNT:
        break;
    }
    return NAN;
}

enum status regmap_decode(const struct profile_row *row, const uint16_t *words, int32_t vout_exponent,
                          double *ret)
{
    uint64_t all = regmap_is_bytes(row) ? 0 : regmap_integer(row, words);
    double value = regmap_number(row, all, vout_exponent) * row->scale + row->offset;

    if (row->type == ROW_F32 && isnan(value))
        return ST_ABSENT; /* how meters say that they have it not */
    if (!isfinite(value) || value < signal_min(row->signal) || value > signal_max(row->signal))
        return ST_RANGE;
    *ret = value;
    return ST_OK;
}

int32_t regmap_bytes(const struct profile_row *row, const uint16_t *words, uint8_t *ret)
{
    int32_t count = regmap_words(row) * 2;

    if (row->text_bytes > 0 && row->text_bytes < count)
        count = row->text_bytes;
    for (int32_t i = 0; i < count; i++)
        ret[i] = (uint8_t)(i % 2 == 0 ? words[i / 2] >> 8 : words[i / 2] & 0xFFu);
    return count;
}

static void regmap_hex(const struct profile_row *row, const uint16_t *words, char *ret, size_t room)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[2 * REGMAP_WORDS_MAX];
    int32_t count = regmap_bytes(row, words, bytes);
    size_t used = 0;

    for (int32_t i = 0; i < count && used + 2 < room; i++) {
        ret[used++] = digits[bytes[i] >> 4];
        ret[used++] = digits[bytes[i] & 0xFu];
    }
    ret[used] = '\0';
}

void regmap_text(const struct profile_row *row, const uint16_t *words, char *ret, size_t room)
{
    size_t bytes = (size_t)regmap_words(row) * 2, used = 0;

    CHECK(room > 0);
    if (row->type == ROW_BLOCK) {
        regmap_hex(row, words, ret, room);
        return;
    }
    if (row->text_bytes > 0 && (size_t)row->text_bytes < bytes)
        bytes = (size_t)row->text_bytes;
    for (size_t i = 0; i < bytes && i < room - 1; i++) {
        uint16_t word = regmap_swap(row, words[i / 2]);
        unsigned char c = (unsigned char)(i % 2 == 0 ? word >> 8 : word & 0xFFu);

        if (c == '\0')
            break;
        ret[i] = isascii(c) && isprint(c) ? (char)c : c == 0xFF ? ' ' : '?';
        used = i + 1;
    }
    while (used > 0 && ret[used - 1] == ' ')
        used--;
    ret[used] = '\0';
}

/* ---- values to words ---- */

/* `q` as a whole number that decodes to no more than what was asked for. */
static enum status regmap_whole(double q, bool down, double min, double max, double *ret)
{
    double whole = down ? floor(q + REGMAP_NOISE) : ceil(q - REGMAP_NOISE);

    if (!(whole >= min && whole <= max))
        return ST_RANGE;
    *ret = whole;
    return ST_OK;
}

static enum status regmap_put_whole(const struct profile_row *row, double q, double min, double max,
                                    uint64_t *ret)
{
    double whole;
    enum status st = regmap_whole(q, row->scale > 0.0, min, max, &whole);

    if (st == ST_OK)
        *ret = whole < 0.0 ? (uint64_t)(int64_t)whole : (uint64_t)whole;
    return st;
}

static enum status regmap_put_single(double q, bool down, uint64_t *ret)
{
    float single;
    uint32_t low;

    if (fabs(q) > 3.4028234e38)
        return ST_RANGE;
    single = (float)q;
    if (down ? (double)single > q : (double)single < q)
        single = nextafterf(single, down ? -INFINITY : INFINITY);
    memcpy(&low, &single, sizeof low);
    *ret = low;
    return ST_OK;
}

static enum status regmap_put_pmbus(const struct profile_row *row, double q, int32_t vout_exponent, uint64_t *ret)
{
    int32_t exponent = regmap_exponent(row, vout_exponent);
    uint16_t word = 0;
    enum status st = ST_RANGE;

    if (row->scale < 0.0)
        return ST_REFUSED; /* rounding down there would be up here */
    if (row->type == ROW_LINEAR11)
        st = pmbus_codec_to_linear11(q, &word);
    else if (row->type == ROW_DIRECT)
        st = pmbus_codec_to_direct(q, &row->direct, &word);
    else if (row->type == ROW_HALF)
        st = pmbus_codec_to_half(q, &word);
    else if (exponent != REGMAP_NO_EXPONENT)
        st = row->type == ROW_SLINEAR16 ? pmbus_codec_to_slinear16(q, exponent, &word)
                                        : pmbus_codec_to_ulinear16(q, exponent, &word);
    *ret = word;
    return st;
}

static enum status regmap_raw_of(const struct profile_row *row, double q, int32_t vout_exponent,
                                 uint64_t *ret)
{
    if (row->bit_count > 0)
        return regmap_put_whole(row, q, 0.0, (double)(regmap_mask(row) >> row->bit_first), ret);
    switch (row->type) {
    case ROW_U8:
        return regmap_put_whole(row, q, 0.0, (double)UINT8_MAX, ret);
    case ROW_U16:
        return regmap_put_whole(row, q, 0.0, (double)UINT16_MAX, ret);
    case ROW_S16:
        return regmap_put_whole(row, q, (double)INT16_MIN, (double)INT16_MAX, ret);
    case ROW_U32:
        return regmap_put_whole(row, q, 0.0, (double)UINT32_MAX, ret);
    case ROW_S32:
        return regmap_put_whole(row, q, (double)INT32_MIN, (double)INT32_MAX, ret);
    case ROW_U64:
        return regmap_put_whole(row, q, 0.0, 9007199254740992.0, ret);
    case ROW_F32:
        return regmap_put_single(q, row->scale > 0.0, ret);
    case ROW_LINEAR11:
    case ROW_ULINEAR16:
    case ROW_SLINEAR16:
    case ROW_DIRECT:
    case ROW_HALF:
        return regmap_put_pmbus(row, q, vout_exponent, ret);
    case ROW_VOUT:
    case ROW_SVOUT:
    case ROW_ENERGY:
    case ROW_BLOCK:
    case ROW_TEXT:
    case ROW_TYPE_COUNT:
        break;
    }
    return ST_REFUSED;
}

enum status regmap_encode_any(const struct profile_row *row, double value, int32_t vout_exponent,
                              struct regmap_raw *ret)
{
    double q = (value - row->offset) / row->scale;
    uint64_t all = 0;
    enum status st;

    if (!isfinite(q))
        return ST_RANGE;
    st = regmap_raw_of(row, q, vout_exponent, &all);
    if (st != ST_OK)
        return st;
    if (row->inverted)
        all = ~all & (row->bit_count > 0 ? (uint64_t)(regmap_mask(row) >> row->bit_first) : regmap_bits(row));
    ret->count = regmap_words(row);
    regmap_put_integer(row, all, ret->words);
    return ST_OK;
}

enum status regmap_encode(const struct profile_row *row, double value, int32_t vout_exponent,
                          struct regmap_raw *ret)
{
    if (!row->writable || (row->command == ROW_NONE && row->table == ROW_INPUT))
        return ST_REFUSED;
    if (!(value >= row->write.min && value <= row->write.max))
        return ST_RANGE;
    if (row->write.step > 0.0) {
        value = floor(value / row->write.step + REGMAP_NOISE) * row->write.step;
        /* Counted in steps, rounding noise may fall below a minimum that is one. */
        if (value < row->write.min - row->write.step * REGMAP_NOISE)
            return ST_RANGE;
    }
    return regmap_encode_any(row, value, vout_exponent, ret);
}

void regmap_merge(const struct profile_row *row, const struct regmap_raw *field, uint32_t self_clearing,
                  uint16_t *current)
{
    uint64_t bits = regmap_integer(row, field->words) << row->bit_first;
    uint64_t mask = regmap_mask(row);
    uint64_t all = regmap_integer(row, current);

    /* Our own bit may be one that clears itself: then it is meant. */
    all = (all & ~(uint64_t)self_clearing & ~mask) | (bits & mask);
    regmap_put_integer(row, all, current);
}

double regmap_resolution(const struct profile_row *row, double value, int32_t vout_exponent)
{
    double q = fabs((value - row->offset) / row->scale);
    double step = 1.0;
    int32_t exponent = regmap_exponent(row, vout_exponent);
    uint16_t word;

    if (row->bit_count > 0)
        return fabs(row->scale);
    if (row->type == ROW_F32)
        step = q * REGMAP_FLOAT_RESOLUTION;
    else if (row->type == ROW_LINEAR11 && pmbus_codec_to_linear11(q, &word) == ST_OK)
        step = pmbus_codec_linear11((uint16_t)((word & 0xF800u) | 1u));
    else if ((row->type == ROW_ULINEAR16 || row->type == ROW_SLINEAR16) && exponent != REGMAP_NO_EXPONENT)
        step = ldexp(1.0, exponent);
    else if (row->type == ROW_DIRECT && row->direct.m != 0.0)
        step = fabs(pow(10.0, (double)-row->direct.r) / row->direct.m);
    else if (row->type == ROW_HALF && pmbus_codec_to_half(q, &word) == ST_OK)
        step = word < REGMAP_HALF_LAST ? pmbus_codec_half((uint16_t)(word + 1u)) - pmbus_codec_half(word)
                                       : REGMAP_HALF_COARSEST;
    return fabs(step * row->scale);
}

bool regmap_same(const struct profile_row *sent_row, double sent, const struct profile_row *read_row,
                 double read, int32_t vout_exponent)
{
    double a = regmap_resolution(sent_row, sent, vout_exponent);
    double b = regmap_resolution(read_row, read, vout_exponent);

    return fabs(sent - read) <= 0.5 * (a > b ? a : b) + REGMAP_NOISE * a;
}
