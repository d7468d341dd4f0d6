/* SPDX-License-Identifier: Apache-2.0 */
/* mbtool.c: a Modbus line in the hands of a tool.
 *
 * Owns the port. Runs on the tool's thread; every call blocks. Sends function codes 3
 * and 20 and no other: nothing is ever written.
 */
#include "busbar/mbtool.h"

#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "busbar/clock.h"
#include "mbus_port.h"
#include "regmap.h"

#define MBTOOL_TEXT_WORDS  8
#define MBTOOL_TIMEOUT_US  70000 /* 50 ms were too short for some                */
#define MBTOOL_GAP_US      3000  /* 2 ms were too short on one adapter           */
#define MBTOOL_SETTLE_US   20000 /* after a change of speed                      */
#define MBTOOL_RECORDS_MAX 4096

struct mbtool {
    const struct conf_bus *bus;
    struct mbus_port port;
    int64_t quiet_us; /* nothing is sent before                       */
};

enum status mbtool_new(const struct conf_bus *bus, char *error, struct mbtool **ret)
{
    struct mbtool *tool = calloc(1, sizeof *tool);
    enum status st;

    if (!tool)
        return ST_NOMEM;
    tool->bus = bus;
    mbus_port_init(&tool->port, bus);
    st = mbus_port_open(&tool->port);
    if (st != ST_OK) {
        if (error)
            (void)snprintf(error, MBTOOL_ERROR_MAX, "%s", tool->port.error);
        return mbtool_free(tool), st;
    }
    *ret = tool;
    return ST_OK;
}

struct mbtool *mbtool_free(struct mbtool *tool)
{
    if (tool)
        mbus_port_close(&tool->port);
    free(tool);
    return NULL;
}

/* The rest of the line before an exchange, and its frames' time on top of the wait. */
static void mbtool_rest(struct mbtool *tool, struct mbus_port_ask *ask)
{
    if (tool->quiet_us > clock_now_us())
        clock_sleep_until_us(tool->quiet_us);
    ask->timeout_us += mbus_port_wire_us(&tool->port, 24 + 2 * (size_t)ask->count);
}

static void mbtool_quiet(struct mbtool *tool)
{
    int64_t gap_us =
        mbus_port_gap_us(&tool->port) > MBTOOL_GAP_US ? mbus_port_gap_us(&tool->port) : MBTOOL_GAP_US;

    tool->quiet_us = clock_now_us() + gap_us;
}

/* ---- who is there ---- */

static enum status mbtool_read(struct mbtool *tool, int32_t unit, int32_t address, int64_t timeout_us,
                               uint16_t *words)
{
    struct mbus_port_ask ask = {
        .unit = unit, .address = address, .count = MBTOOL_TEXT_WORDS, .timeout_us = timeout_us
    };
    enum status st;

    mbtool_rest(tool, &ask);
    st = mbus_port_read(&tool->port, &ask, words, NULL);
    mbtool_quiet(tool);
    return st;
}

/* A gateway that reached nobody is an answer of the gateway alone. */
static bool mbtool_answered(enum status st)
{
    return st == ST_OK || st == ST_ABSENT || st == ST_NACK;
}

/* Only what reads as a text is one: at least a character, and none that cannot be printed. */
static void mbtool_text(const uint16_t *words, char ret[DEVICE_TEXT_MAX])
{
    static const struct profile_row row = { .type = ROW_TEXT, .text_bytes = 2 * MBTOOL_TEXT_WORDS };

    regmap_text(&row, words, ret, DEVICE_TEXT_MAX);
    if (strchr(ret, '?'))
        ret[0] = '\0';
}

static enum status mbtool_look(struct mbtool *tool, const struct mbtool_scan *scan, int32_t unit,
                               const struct mbtool_speed *speed, const struct mbtool_watch *watch)
{
    int64_t timeout_us = scan->timeout_us > 0 ? scan->timeout_us : MBTOOL_TIMEOUT_US;
    struct mbtool_found found = { .unit = unit, .speed = *speed };
    uint16_t words[MBTOOL_TEXT_WORDS];

    found.status = mbtool_read(tool, unit, 0, timeout_us, words);
    if (found.status == ST_SYS)
        return ST_SYS;
    if (!mbtool_answered(found.status))
        return ST_OK;
    for (int32_t t = 0; t < scan->text_count; t++) {
        enum status st = mbtool_read(tool, unit, scan->texts[t], timeout_us, words);

        if (st == ST_SYS)
            return ST_SYS;
        if (st == ST_OK)
            mbtool_text(words, found.texts[t]);
    }
    watch->found(watch->arg, &found);
    return ST_OK;
}

static bool mbtool_scan_sane(const struct mbtool_scan *scan)
{
    return scan->unit_first >= 1 && scan->unit_last <= 255 && scan->unit_first <= scan->unit_last &&
           scan->speed_count >= 1 && scan->text_count >= 0 && scan->text_count <= MBTOOL_TEXTS;
}

static enum status mbtool_scan_speed(struct mbtool *tool, const struct mbtool_scan *scan, int32_t s,
                                     const struct mbtool_watch *watch, bool *ret_stopped)
{
    int32_t units = scan->unit_last - scan->unit_first + 1;

    for (int32_t u = 0; u < units; u++) {
        enum status st;

        *ret_stopped = watch->stop && watch->stop(watch->arg);
        if (*ret_stopped)
            return ST_OK;
        st = mbtool_look(tool, scan, scan->unit_first + u, &scan->speeds[s], watch);
        if (st != ST_OK)
            return st;
        if (watch->progress)
            watch->progress(watch->arg, s * units + u + 1, scan->speed_count * units);
    }
    return ST_OK;
}

enum status mbtool_scan(struct mbtool *tool, const struct mbtool_scan *scan, const struct mbtool_watch *watch,
                        int32_t *ret_refused)
{
    bool stopped = false;
    enum status st = ST_OK;

    if (!mbtool_scan_sane(scan))
        return ST_RANGE;
    *ret_refused = 0;
    for (int32_t s = 0; s < scan->speed_count && st == ST_OK && !stopped; s++) {
        if (mbus_port_speed(&tool->port, scan->speeds[s].baud, scan->speeds[s].parity) != ST_OK) {
            (*ret_refused)++;
            continue;
        }
        tool->quiet_us = clock_now_us() + MBTOOL_SETTLE_US;
        st = mbtool_scan_speed(tool, scan, s, watch, &stopped);
    }
    if (st == ST_OK && mbus_port_speed(&tool->port, tool->bus->baud, tool->bus->parity) != ST_OK)
        st = ST_SYS;
    return st;
}

/* ---- black boxes ---- */

/* ST_OK: *ret is a record, or ret_exception says why there is none. */
static enum status mbtool_record(struct mbtool *tool, const struct mbtool_file *file, int32_t record,
                                 struct mbtool_record *ret, int32_t *ret_exception)
{
    enum status st = ST_TIMEOUT;

    ret->record = record;
    ret->count = file->words;
    for (int32_t tries = 0; tries < 2 && (st == ST_TIMEOUT || st == ST_CORRUPT); tries++) {
        struct mbus_port_ask ask = { .unit = file->unit,
                                     .file = file->file,
                                     .address = record,
                                     .count = file->words,
                                     .timeout_us = tool->bus->timeout_us };

        mbtool_rest(tool, &ask);
        st = mbus_port_read_file(&tool->port, &ask, ret->words, ret_exception);
        mbtool_quiet(tool);
    }
    return st;
}

static struct mbtool_record *mbtool_grow(struct mbtool_records *records)
{
    struct mbtool_record *grown;

    if ((records->count & (records->count - 1)) != 0)
        return &records->list[records->count]; /* grows at each power of two */
    grown = realloc(records->list, (size_t)(records->count > 0 ? 2 * records->count : 1) * sizeof *grown);
    if (!grown)
        return NULL;
    records->list = grown;
    return &records->list[records->count];
}

enum status mbtool_read_file(struct mbtool *tool, const struct mbtool_file *file, struct mbtool_records *ret)
{
    struct mbtool_records records = { .end = ST_OK };
    int32_t most = file->most < MBTOOL_RECORDS_MAX ? file->most : MBTOOL_RECORDS_MAX;

    if (file->step < 1 || most < 1)
        return ST_RANGE;
    while (records.count < most && records.end == ST_OK) {
        struct mbtool_record *record = mbtool_grow(&records);

        if (!record) {
            mbtool_records_done(&records);
            return ST_NOMEM;
        }
        records.end =
            mbtool_record(tool, file, file->first + records.count * file->step, record, &records.exception);
        records.count += records.end == ST_OK;
    }
    if (records.end != ST_OK && records.end != ST_ABSENT && records.end != ST_NACK) {
        enum status st = records.end;

        mbtool_records_done(&records);
        return st;
    }
    *ret = records;
    return ST_OK;
}

void mbtool_records_done(struct mbtool_records *records)
{
    free(records->list);
    records->list = NULL;
    records->count = 0;
}

/* ---- as JSON ---- */

static struct json_object *mbtool_record_json(const struct mbtool_record *record)
{
    struct json_object *to = json_object_new_object(), *words = json_object_new_array();
    char text[2 * MBFRAME_FILE_MAX + 1];

    for (int32_t i = 0; i < record->count; i++) {
        json_object_array_add(words, json_object_new_int(record->words[i]));
        for (int32_t b = 0; b < 2; b++) {
            int c = b == 0 ? record->words[i] >> 8 : record->words[i] & 0xFF;

            text[2 * i + b] = (char)(c >= 0x20 && c < 0x7F ? c : '.');
        }
    }
    text[2 * record->count] = '\0';
    json_object_object_add(to, "record", json_object_new_int(record->record));
    json_object_object_add(to, "words", words);
    json_object_object_add(to, "text", json_object_new_string(text));
    return to;
}

enum status mbtool_records_json(const struct mbtool_file *file, const struct mbtool_records *records,
                                FILE *to)
{
    struct json_object *all = json_object_new_object(), *list = json_object_new_array();
    bool good;

    for (int32_t i = 0; i < records->count; i++)
        json_object_array_add(list, mbtool_record_json(&records->list[i]));
    json_object_object_add(all, "unit", json_object_new_int(file->unit));
    json_object_object_add(all, "file", json_object_new_int(file->file));
    json_object_object_add(all, "records", list);
    json_object_object_add(all, "end", json_object_new_string(status_label(records->end)));
    json_object_object_add(all, "exception",
                           records->exception ? json_object_new_int(records->exception) : NULL);
    good = fprintf(to, "%s\n", json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY)) > 0 &&
           fflush(to) == 0;
    json_object_put(all);
    return good ? ST_OK : ST_SYS;
}
