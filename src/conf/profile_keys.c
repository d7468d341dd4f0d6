/* SPDX-License-Identifier: Apache-2.0 */
/* profile_keys.c: every key of a device profile, one row each. Constant data. */
#include "profile.h"

#define KEYS(array)         .keys = (array), .key_count = (int32_t)(sizeof(array) / sizeof *(array))
#define AT(type, member)    .offset = offsetof(struct type, member)
#define NAME_MAX_CHARACTERS (CONF_NAME_MAX - 1)

/* Positions are values of row_table, row_type, row_order and poll_class. */
static const char *const profile_keys_tables[] = { "holding", "input", NULL };
static const char *const profile_keys_types[] = { "u8",  "u16",  "s16",      "u32",       "s32", "u64",
                                                  "f32", "text", "linear11", "ulinear16", "slinear16", "direct",
                                                  "half", "vout", "svout", "energy", "block", NULL };
static const char *const profile_keys_orders[] = { "high_word_first", "low_word_first", "byte_swapped",
                                                   NULL };
static const char *const profile_keys_polls[] = { "fast", "slow", "once", "never", NULL };
static const char *const profile_keys_pecs[] = { "false", "true", "auto", NULL };
static const char *const profile_keys_parities[] = { "even", "none", "odd", NULL };

/* clang-format off */
static const struct conf_key profile_keys_row[] = {
    { .path = "address", .type = CONF_INT, AT(raw_row, address), .min = 0, .max = 65535, .preset = CONF_UNSET,
      .help = "Modbus register." },
    { .path = "command", .type = CONF_INT, AT(raw_row, command), .min = 0, .max = 255, .preset = CONF_UNSET,
      .help = "PMBus command." },
    { .path = "table", .type = CONF_WORD, AT(raw_row, table), .words = profile_keys_tables,
      .preset_text = "holding", .help = "Modbus table." },
    { .path = "type", .type = CONF_WORD, AT(raw_row, type), .words = profile_keys_types,
      .preset = CONF_REQUIRED, .help = "How the raw words are read." },
    { .path = "bit", .type = CONF_INT, AT(raw_row, bit), .min = 0, .max = 31, .preset = CONF_UNSET,
      .help = "One bit of the word." },
    { .path = "bits", .type = CONF_PAIR, AT(raw_row, pair), .min = 0, .max = 31, .preset = CONF_UNSET,
      .help = "First bit and how many." },
    { .path = "inverted", .type = CONF_BOOL, AT(raw_row, inverted),
      .help = "Its bits are 0 for what their names say, as some vintages have them." },
    { .path = "scale", .type = CONF_NUMBER, AT(raw_row, scale), .min = -1e9, .max = 1e9, .preset = 1,
      .help = "value = raw * scale + offset." },
    { .path = "offset", .type = CONF_NUMBER, AT(raw_row, offset), .min = -1e9, .max = 1e9,
      .help = "value = raw * scale + offset." },
    { .path = "order", .type = CONF_WORD, AT(raw_row, order), .words = profile_keys_orders,
      .preset_text = "high_word_first", .help = "Which word of several comes first." },
    { .path = "length", .type = CONF_INT, AT(raw_row, length), .min = 1, .max = 250, .preset = CONF_UNSET,
      .help = "Characters of a text, at most 32; bytes of a block." },
    { .path = "page", .type = CONF_INT, AT(raw_row, page), .min = 0, .max = 254, .preset = CONF_UNSET,
      .help = "PMBus: PAGE is set to it for this row, and put back." },
    { .path = "exponent", .type = CONF_INT, AT(raw_row, exponent), .min = -16, .max = 15, .preset = CONF_UNSET,
      .help = "PMBus, ulinear16 and slinear16: N, where VOUT_MODE is not to be asked." },
    { .path = "direct", .type = CONF_MAP, .preset = CONF_UNSET,
      .help = "PMBus, direct: value = (raw * 10^-r - b) / m; energy: of the power." },
    { .path = "direct.m", .type = CONF_NUMBER, AT(raw_row, direct_m), .min = -1e9, .max = 1e9,
      .preset = CONF_REQUIRED, .help = "Slope." },
    { .path = "direct.b", .type = CONF_NUMBER, AT(raw_row, direct_b), .min = -1e9, .max = 1e9,
      .help = "Offset." },
    { .path = "direct.r", .type = CONF_INT, AT(raw_row, direct_r), .min = -128, .max = 127,
      .help = "Power of ten." },
    { .path = "direct.per_mohm", .type = CONF_BOOL, AT(raw_row, direct_per_mohm),
      .help = "m is for a sense resistor of 1 mOhm: it is multiplied by shunt_mohm." },
    { .path = "coefficients", .type = CONF_BOOL, AT(raw_row, coefficients),
      .help = "PMBus: m, b and R are asked of the device, by COEFFICIENTS." },
    { .path = "wrap", .type = CONF_INT, AT(raw_row, wrap), .min = 32768, .max = 65536, .preset = 32768,
      .help = "PMBus, energy: what one count of the roll-over is worth, 32768 or 65536." },
    { .path = "power_max_w", .type = CONF_NUMBER, AT(raw_row, power_max_w), .min = 1, .max = 1e6,
      .preset = CONF_UNSET, .help = "PMBus, energy: the device's power is never above; the lower, the rarer it may be read." },
    { .path = "signal", .type = CONF_NAME, AT(raw_row, signal), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_REQUIRED, .help = "What it is: a name of signals.h." },
    { .path = "index", .type = CONF_INT, AT(raw_row, index), .min = 0, .max = 255,
      .help = "Which of several alike, from 1; 0: the only one." },
    { .path = "poll", .type = CONF_WORD, AT(raw_row, poll), .words = profile_keys_polls,
      .preset = CONF_REQUIRED, .help = "How often it is read." },
    { .path = "self_clearing", .type = CONF_BITS, AT(raw_row, self_clearing), .min = 0, .max = 31,
      .preset = CONF_UNSET, .help = "Bits written as 0 whenever the word is written back." },
    { .path = "source", .type = CONF_TEXT, AT(raw_row, source), .min = 1, .max = ROW_SOURCE_MAX - 1,
      .preset = CONF_REQUIRED, .help = "Where this is written, so that the next reader can check it." },
    { .path = "write", .type = CONF_MAP, .preset = CONF_UNSET,
      .help = "What may be written; without it, nothing." },
    { .path = "write.min", .type = CONF_NUMBER, AT(raw_row, write_min), .min = -1e9, .max = 1e10,
      .preset = CONF_REQUIRED, .help = "Lowest value, in the signal's unit." },
    { .path = "write.max", .type = CONF_NUMBER, AT(raw_row, write_max), .min = -1e9, .max = 1e10,
      .preset = CONF_REQUIRED, .help = "Highest value, in the signal's unit." },
    { .path = "write.step", .type = CONF_NUMBER, AT(raw_row, write_step), .min = 0, .max = 1e9,
      .help = "Values are multiples of it; 0: any." },
    { .path = "write.gate", .type = CONF_NAME, AT(raw_row, gate), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_UNSET, .help = "Signal of the bit that must hold 1 first." },
    { .path = "write.enable", .type = CONF_NAME, AT(raw_row, enable), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_UNSET, .help = "Signal of the bit set to 1 after the value." },
    { .path = "write.timeout", .type = CONF_NAME, AT(raw_row, timeout), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_UNSET, .help = "Signal of the row that gets the time-out first." },
    { .path = "write.readback", .type = CONF_NAME, AT(raw_row, readback), .min = 1,
      .max = NAME_MAX_CHARACTERS, .preset = CONF_UNSET, .preset_text = "itself",
      .help = "Signal of the row read to verify." },
    { .path = "write.settle_ms", .type = CONF_MS_AS_US, AT(raw_row, settle_us), .min = 0, .max = 60000,
      .help = "Wait between the write and the read-back." },
};
/* clang-format on */

static const struct conf_section profile_keys_rows = {
    .path = "rows", .identity = "signal", KEYS(profile_keys_row), .size = sizeof(struct raw_row)
};

/* clang-format off */
static const struct conf_key profile_keys_main[] = {
    { .path = "model", .type = CONF_TEXT, AT(raw_profile, model), .min = 1, .max = PROFILE_TEXT_MAX - 1,
      .preset = CONF_REQUIRED, .help = "For people." },
    { .path = "match", .type = CONF_MAP, .preset = CONF_UNSET,
      .help = "How a device proves to be this model; without it nothing is ever written." },
    { .path = "match.register", .type = CONF_INT, AT(raw_profile, match_address), .min = 0, .max = 65535,
      .preset = CONF_UNSET, .help = "Modbus register of its model text; a row reads it." },
    { .path = "match.command", .type = CONF_INT, AT(raw_profile, match_command), .min = 0, .max = 255,
      .preset = CONF_UNSET, .help = "PMBus command of its model text; a row reads it." },
    { .path = "match.text", .type = CONF_TEXT, AT(raw_profile, match_text), .min = 1,
      .max = PROFILE_TEXT_MAX - 1, .preset = CONF_REQUIRED,
      .help = "Shell pattern that the text must match." },
    { .path = "match.config_command", .type = CONF_INT, AT(raw_profile, config_command), .min = 0, .max = 255,
      .preset = CONF_UNSET, .help = "PMBus: a command that says how it is configured; otherwise its numbers are not used." },
    { .path = "match.config_mask", .type = CONF_INT, AT(raw_profile, config_mask), .min = 1, .max = 65535,
      .preset = CONF_UNSET, .help = "The bits of it that matter." },
    { .path = "match.config_value", .type = CONF_INT, AT(raw_profile, config_value), .min = 0, .max = 65535,
      .preset = CONF_UNSET, .help = "What those bits must read." },
    { .path = "match.config_is_word", .type = CONF_BOOL, AT(raw_profile, config_is_word),
      .help = "It is a word, not a byte." },
    { .path = "pec", .type = CONF_WORD, AT(raw_profile, pec), .words = profile_keys_pecs, .preset_text = "false",
      .help = "PMBus: packet error checking; auto: where the device's CAPABILITY has it." },
    { .path = "page_plus", .type = CONF_BOOL, AT(raw_profile, page_plus),
      .help = "PMBus: it has PAGE_PLUS_READ and PAGE_PLUS_WRITE; they leave PAGE alone." },
    { .path = "group", .type = CONF_BOOL, AT(raw_profile, group),
      .help = "PMBus: set-points of several of them may go out in one group command." },
    { .path = "absent_word", .type = CONF_INT, AT(raw_profile, absent_word), .min = 0, .max = 65535,
      .preset = CONF_UNSET, .help = "PMBus: a word that reads so is a command that the device has not." },
    { .path = "shunt_mohm", .type = CONF_NUMBER, AT(raw_profile, shunt_mohm), .min = 0.001, .max = 1000,
      .preset = 1, .help = "PMBus: the board's sense resistor, for rows with direct.per_mohm." },
    { .path = "span_max", .type = CONF_INT, AT(raw_profile, span_max), .min = 1, .max = 125, .preset = 16,
      .help = "Modbus: most registers in one read." },
    { .path = "span_holes", .type = CONF_BOOL, AT(raw_profile, span_holes),
      .help = "Modbus: a read may cross registers without a row." },
    { .path = "gap_ms", .type = CONF_MS_AS_US, AT(raw_profile, gap_us), .min = 0, .max = 1000,
      .help = "Idle time the device needs between transactions." },
    { .path = "mirror_age_ms", .type = CONF_MS_AS_US, AT(raw_profile, mirror_age_us), .min = 0, .max = 60000,
      .help = "Modbus: rows with an index mirror other devices and are so old at most; 0: they do not." },
    { .path = "write_gap_ms", .type = CONF_MS_AS_US, AT(raw_profile, write_gap_us), .min = 0, .max = 1000,
      .help = "PMBus: idle time after a write; gap_ms at least." },
    { .path = "page_gap_ms", .type = CONF_MS_AS_US, AT(raw_profile, page_gap_us), .min = 0, .max = 1000,
      .help = "PMBus: idle time after a write of PAGE." },
    { .path = "baud", .type = CONF_INT, AT(raw_profile, baud), .min = 1200, .max = 4000000, .preset = 115200,
      .help = "Modbus: the book's serial speed; the default of its bus." },
    { .path = "parity", .type = CONF_WORD, AT(raw_profile, parity), .words = profile_keys_parities,
      .preset_text = "even", .help = "Modbus: the book's parity; the default of its bus." },
    { .path = "rows", .type = CONF_LIST, AT(raw_profile, rows), .max = PROFILE_ROWS_MAX,
      .preset = CONF_REQUIRED, .section = &profile_keys_rows, .help = "One register or command each." },
};
/* clang-format on */

const struct conf_section profile_keys_root = { .path = "",
                                                KEYS(profile_keys_main),
                                                .size = sizeof(struct raw_profile) };
