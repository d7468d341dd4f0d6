/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_regmap.c: whatever a device answers and a profile says, values stay plausible, and
 * what is encoded decodes to no more than was asked for. */
#include "field/regmap.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    uint8_t type, order, bit_first, bit_count, signal, table, text_bytes, writable;
    int8_t exponent;
    uint8_t scale;
    uint16_t self_clearing;
    double value, offset, step;
    uint16_t words[REGMAP_WORDS_MAX];
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void fuzz_text(const struct profile_row *row, const uint16_t *words)
{
    char text[DEVICE_TEXT_MAX];

    regmap_text(row, words, text, sizeof text);
    must(strnlen(text, sizeof text) < sizeof text);
    for (const char *c = text; *c != '\0'; c++)
        must(*c >= 0x20 && *c < 0x7f);
}

/* A row as conf/profile.c lets it through: whole, and with a scale. */
static void fuzz_encode(const struct profile_row *row, const struct input *in, int32_t exponent)
{
    struct regmap_raw raw;
    double back;

    if (regmap_encode(row, in->value, exponent, &raw) != ST_OK)
        return;
    must(row->writable && in->value >= row->write.min && in->value <= row->write.max);
    must(raw.count == regmap_words(row));
    if (row->bit_count > 0) {
        uint16_t words[REGMAP_WORDS_MAX];

        memcpy(words, in->words, sizeof words);
        regmap_merge(row, &raw, in->self_clearing, words);
        if (regmap_decode(row, words, exponent, &back) == ST_OK)
            must(back <= in->value + (fabs(row->scale) + row->write.step) * 1e-5 + fabs(row->offset) * 1e-9);
    } else if (regmap_decode(row, raw.words, exponent, &back) == ST_OK) {
        must(back <= in->value + (fabs(in->value) + fabs(row->offset)) * 1e-9 +
                         (regmap_resolution(row, in->value, exponent) + row->write.step) * 1e-5 + 1e-30);
        must(regmap_same(row, back, row, back, exponent));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const double scales[] = { 1, 0.001, 0.125, 1.0 / 1024, -0.1, 10, 0.0078125, 1e6 };
    struct input in = { 0 };
    struct profile_row row;
    int32_t exponent;
    double value;

    memcpy(&in, data, size < sizeof in ? size : sizeof in);
    exponent = in.exponent == INT8_MIN ? REGMAP_NO_EXPONENT : in.exponent % 17;
    row = (struct profile_row){
        .address = 1,
        .command = ROW_NONE,
        .table = in.table % 2 ? ROW_INPUT : ROW_HOLDING,
        .type = (enum row_type)(in.type % ROW_TYPE_COUNT),
        .order = (enum row_order)(in.order % 3),
        .text_bytes = in.text_bytes,
        .scale = scales[in.scale % 8],
        .offset = isfinite(in.offset) && fabs(in.offset) < 1e6 ? in.offset : 0.0,
        .signal = (enum signal)(in.signal % SIGNAL_COUNT),
        .direct = { .m = in.bit_first, .b = in.bit_count, .r = in.exponent / 32 },
        .writable = in.writable % 2 != 0,
        .write = { .min = -1e6, .max = 1e6, .step = in.step > 1e-3 && in.step < 1e3 ? in.step : 0.0 },
    };
    row.has_exponent = in.table >= 128;
    row.exponent = in.exponent % 17;
    if (row.type <= ROW_S32 && row.type != ROW_S16) {
        row.bit_first = in.bit_first % 16;
        row.bit_count = in.bit_count % (17 - row.bit_first);
    }
    must(regmap_words(&row) >= 1 && regmap_words(&row) <= REGMAP_WORDS_MAX);
    fuzz_text(&row, in.words);
    if (regmap_decode(&row, in.words, exponent, &value) == ST_OK)
        must(value >= signal_min(row.signal) && value <= signal_max(row.signal));
    fuzz_encode(&row, &in, exponent);
    return 0;
}
