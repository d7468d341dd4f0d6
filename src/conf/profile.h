/* SPDX-License-Identifier: Apache-2.0 */
/* profile.h: a device profile between its file and struct profile. Private to src/conf. */
#ifndef BUSBAR_PROFILE_H
#define BUSBAR_PROFILE_H

#include "conf_bind.h"

struct raw_row {
    struct conf_item item;
    int32_t address, command, bit, pair[2];
    int32_t table, type, order, poll, length, index; /* enums of device.h           */
    double scale, offset;
    char signal[CONF_NAME_MAX];
    uint32_t self_clearing;
    bool inverted;
    char source[ROW_SOURCE_MAX];
    double write_min, write_max, write_step;
    char gate[CONF_NAME_MAX], enable[CONF_NAME_MAX], timeout[CONF_NAME_MAX], readback[CONF_NAME_MAX];
    int64_t settle_us;
    int32_t page, exponent, direct_r, wrap;
    double direct_m, direct_b, power_max_w;
    bool direct_per_mohm, coefficients;
};

struct raw_profile {
    struct conf_item item;
    char model[PROFILE_TEXT_MAX], match_text[PROFILE_TEXT_MAX];
    int32_t match_address, match_command, span_max, baud, parity;
    int32_t pec;                                     /* as profile_keys.c lists them */
    int32_t absent_word, config_command, config_mask, config_value;
    bool span_holes, page_plus, group, config_is_word;
    int64_t gap_us, write_gap_us, page_gap_us, mirror_age_us;
    double shunt_mohm;
    struct conf_list rows;
};

extern const struct conf_section profile_keys_root;

/* Reads and checks one file; every error goes to the report. True: *ret is the
 * caller's to give to profile_done(). */
bool profile_read(struct conf_report *report, const char *path, struct profile *ret);

/* Finds a row by signal and index, then by signal with index 0; or ROW_NONE. */
int32_t profile_find(const struct profile *profile, enum signal signal, int32_t index);

/* Registers (Modbus) that a row takes. */
int32_t profile_words(const struct profile_row *row);

/* Everything one row or two rows can have wrong; `raw` and `profile` have the
 * same rows in the same order. */
void profile_check(struct conf_report *report, const struct raw_profile *raw, struct profile *profile);

#endif
