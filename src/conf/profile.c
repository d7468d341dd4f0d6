/* SPDX-License-Identifier: Apache-2.0 */
/* profile.c: a device profile's file to struct profile.
 *
 * Owns the conversion and the search of rows by signal; what makes a row wrong
 * is profile_check.c's. Any thread. Never talks to a device.
 */
#include "profile.h"

#include <stdlib.h>
#include <string.h>

/* The file's name without folder and ".yaml". */
static bool profile_name(struct conf_report *report, const char *path, int32_t file, struct profile *ret)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t length = strlen(name);

    if (length > 5 && strcmp(name + length - 5, ".yaml") == 0)
        length -= 5;
    if (length < 1 || length >= sizeof ret->name) {
        conf_report_add(report, (struct conf_pos){ .file = file }, NULL,
                        "the file's name has %zu characters without .yaml, allowed 1 to %zu", length,
                        sizeof ret->name - 1);
        return false;
    }
    memcpy(ret->name, name, length);
    ret->name[length] = '\0';
    return true;
}

static void profile_convert_row(const struct raw_profile *whole, const struct raw_row *raw,
                                struct profile_row *row)
{
    const struct conf_item *item = &raw->item;

    *row = (struct profile_row){
        .line = item->at.line,
        .address = conf_has(item, "address") ? raw->address : ROW_NONE,
        .command = conf_has(item, "command") ? raw->command : ROW_NONE,
        .table = (enum row_table)raw->table,
        .type = (enum row_type)raw->type,
        .order = (enum row_order)raw->order,
        .bit_first = conf_has(item, "bit") ? raw->bit : raw->pair[0],
        .bit_count = conf_has(item, "bit") ? 1 : raw->pair[1],
        .self_clearing = raw->self_clearing,
        .inverted = raw->inverted,
        .text_bytes = raw->length,
        .scale = raw->scale,
        .offset = raw->offset,
        .signal = signal_find(raw->signal),
        .index = raw->index,
        .poll = (enum poll_class)raw->poll,
        .writable = conf_has(item, "write"),
        .write = { .min = raw->write_min,
                   .max = raw->write_max,
                   .step = raw->write_step,
                   .gate = ROW_NONE,
                   .enable = ROW_NONE,
                   .timeout = ROW_NONE,
                   .readback = ROW_NONE,
                   .settle_us = raw->settle_us },
        .paged = conf_has(item, "page"),
        .page = conf_has(item, "page") ? raw->page : 0,
        .coefficients = raw->coefficients,
        .has_exponent = conf_has(item, "exponent"),
        .exponent = conf_has(item, "exponent") ? raw->exponent : 0,
        .wrap = (double)raw->wrap,
        .power_max_w = conf_has(item, "power_max_w") ? raw->power_max_w : 0.0,
    };
    if (conf_has(item, "direct"))
        row->direct =
            (struct row_direct){ .m = raw->direct_m * (raw->direct_per_mohm ? whole->shunt_mohm : 1.0),
                                 .b = raw->direct_b,
                                 .r = raw->direct_r };
    memcpy(row->source, raw->source, sizeof row->source);
}

static bool profile_convert(struct conf_report *report, const struct raw_profile *raw, struct profile *ret)
{
    static const char parities[] = { 'E', 'N', 'O' };
    const struct conf_item *item = &raw->item;

    memcpy(ret->model, raw->model, sizeof ret->model);
    memcpy(ret->match_text, raw->match_text, sizeof ret->match_text);
    ret->match_address = conf_has(item, "match.register") ? raw->match_address : ROW_NONE;
    ret->match_command = conf_has(item, "match.command") ? raw->match_command : ROW_NONE;
    ret->pec = raw->pec == 1;
    ret->pec_auto = raw->pec == 2;
    ret->page_plus = raw->page_plus;
    ret->group = raw->group;
    ret->write_gap_us = raw->write_gap_us;
    ret->page_gap_us = raw->page_gap_us;
    ret->has_absent = conf_has(item, "absent_word");
    ret->absent_word = (uint16_t)(ret->has_absent ? raw->absent_word : 0);
    ret->has_config = conf_has(item, "match.config_command");
    ret->config_is_word = raw->config_is_word;
    ret->config_command = ret->has_config ? raw->config_command : ROW_NONE;
    ret->config_mask = (uint16_t)(conf_has(item, "match.config_mask") ? raw->config_mask : 0);
    ret->config_value = (uint16_t)(conf_has(item, "match.config_value") ? raw->config_value : 0);
    ret->span_max = raw->span_max;
    ret->span_holes = raw->span_holes;
    ret->gap_us = raw->gap_us;
    ret->mirror_age_us = raw->mirror_age_us;
    ret->baud = raw->baud;
    ret->parity = parities[raw->parity];
    if (raw->rows.count == 0)
        return true;
    ret->rows = calloc((size_t)raw->rows.count, sizeof *ret->rows);
    if (!ret->rows) {
        report->no_memory = true;
        return false;
    }
    ret->row_count = raw->rows.count;
    for (int32_t r = 0; r < ret->row_count; r++)
        profile_convert_row(raw, CONF_ITEM(struct raw_row, &raw->rows, r), &ret->rows[r]);
    return true;
}

bool profile_read(struct conf_report *report, const char *path, struct profile *ret)
{
    struct conf_document document;
    struct raw_profile *raw = calloc(1, sizeof *raw);
    struct profile profile = { .row_count = 0 };
    int32_t lines = report->line_count;
    bool good = false;

    if (!raw) {
        report->no_memory = true;
        return false;
    }
    conf_bind_init(&raw->item, &profile_keys_root);
    if (conf_read(report, path, &document)) {
        raw->item.at = (struct conf_pos){ .file = document.file, .line = 1, .column = 1 };
        conf_bind(report, &document, &raw->item);
        conf_bind_required(report, &raw->item);
        good = profile_name(report, path, document.file, &profile) && profile_convert(report, raw, &profile);
    }
    if (good)
        profile_check(report, raw, &profile);
    conf_read_done(&document);
    conf_bind_done(&raw->item);
    free(raw);
    if (!good || report->line_count > lines || report->no_memory) {
        profile_done(&profile);
        return false;
    }
    *ret = profile;
    return true;
}

enum status profile_load(const char *path, struct profile *ret, struct conf_errors *errors)
{
    struct conf_report report = { .file_count = 0 };
    bool good = profile_read(&report, path, ret), unreadable = report.unreadable,
         no_memory = report.no_memory;

    conf_report_finish(&report, errors);
    return good ? ST_OK : no_memory ? ST_NOMEM : unreadable ? ST_SYS : ST_REFUSED;
}

void profile_done(struct profile *profile)
{
    free(profile->rows);
    profile->rows = NULL;
    profile->row_count = 0;
}

int32_t profile_find(const struct profile *profile, enum signal signal, int32_t index)
{
    int32_t only = ROW_NONE;

    for (int32_t r = 0; r < profile->row_count; r++) {
        if (profile->rows[r].signal != signal)
            continue;
        if (profile->rows[r].index == index)
            return r;
        if (profile->rows[r].index == 0)
            only = r;
    }
    return only;
}

bool profile_is_pmbus(const struct profile *profile)
{
    if (profile->match_command != ROW_NONE || profile->match_address != ROW_NONE)
        return profile->match_command != ROW_NONE;
    return profile->row_count > 0 && profile->rows[0].command != ROW_NONE;
}

int32_t profile_words(const struct profile_row *row)
{
    switch (row->type) {
    case ROW_U32:
    case ROW_S32:
    case ROW_F32:
        return 2;
    case ROW_U64:
        return 4;
    case ROW_ENERGY:
        return 3;
    case ROW_TEXT:
    case ROW_BLOCK:
        return (row->text_bytes + 1) / 2;
    default:
        return 1;
    }
}
