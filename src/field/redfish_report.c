/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_report.c: walks a report's text from left to right, once, and keeps nothing of
 * it: a report comes every half second from every BMC. Pure: any thread, no I/O, no heap.
 *
 * Takes any JSON object; numbers and literals that nobody asks for are not checked letter
 * by letter.
 */
#include "redfish_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "redfish_value.h"

#define REDFISH_REPORT_DEPTH 32
#define REDFISH_REPORT_TEXT  256

struct redfish_report {
    const char *at, *end;
    redfish_report_call call;
    void *arg;
    struct redfish_report_head *head;
};

/* ---- pieces of JSON ---- */

static char redfish_report_peek(struct redfish_report *report)
{
    while (report->at < report->end &&
           (*report->at == ' ' || *report->at == '\n' || *report->at == '\r' || *report->at == '\t'))
        report->at++;
    return report->at < report->end ? *report->at : '\0';
}

static bool redfish_report_take(struct redfish_report *report, char expected)
{
    if (redfish_report_peek(report) != expected || expected == '\0')
        return false;
    report->at++;
    return true;
}

/* A text, into `to` as far as there is room (NULL: not wanted); what is escaped other than
 * '/', '"' and '\' becomes '?'. */
static bool redfish_report_text(struct redfish_report *report, char *to, size_t room)
{
    size_t size = 0;

    if (!redfish_report_take(report, '"'))
        return false;
    for (; report->at < report->end && *report->at != '"'; report->at++) {
        char c = *report->at;

        if (c == '\\') {
            if (++report->at >= report->end)
                return false;
            c = strchr("/\"\\", *report->at) && *report->at ? *report->at : '?';
        }
        if (to && size + 1 < room)
            to[size++] = c;
    }
    if (to)
        to[size] = '\0';
    if (report->at >= report->end)
        return false;
    report->at++;
    return true;
}

/* A number or a literal, into `to`. */
static bool redfish_report_word(struct redfish_report *report, char *to, size_t room)
{
    size_t size = 0;

    (void)redfish_report_peek(report);
    for (; report->at < report->end &&
           ((*report->at >= '0' && *report->at <= '9') || (*report->at >= 'a' && *report->at <= 'z') ||
            *report->at == '-' || *report->at == '+' || *report->at == '.' || *report->at == 'E');
         report->at++)
        if (size + 1 < room)
            to[size++] = *report->at;
    to[size] = '\0';
    return size > 0;
}

static bool redfish_report_skip(struct redfish_report *report, int depth);

/* The rest of a list or an object, whose opening is taken. */
static bool redfish_report_skip_many(struct redfish_report *report, char closing, int depth)
{
    if (depth > REDFISH_REPORT_DEPTH)
        return false;
    if (redfish_report_take(report, closing))
        return true;
    do {
        if (closing == '}' && (!redfish_report_text(report, NULL, 0) || !redfish_report_take(report, ':')))
            return false;
        if (!redfish_report_skip(report, depth))
            return false;
    } while (redfish_report_take(report, ','));
    return redfish_report_take(report, closing);
}

static bool redfish_report_skip(struct redfish_report *report, int depth)
{
    char word[8];

    switch (redfish_report_peek(report)) {
    case '"':
        return redfish_report_text(report, NULL, 0);
    case '{':
        report->at++;
        return redfish_report_skip_many(report, '}', depth + 1);
    case '[':
        report->at++;
        return redfish_report_skip_many(report, ']', depth + 1);
    default:
        return redfish_report_word(report, word, sizeof word);
    }
}

/* ---- objects, member by member ---- */

struct redfish_report_entry {
    char property[REDFISH_REPORT_TEXT];
    struct redfish_report_value value;
};

typedef bool (*redfish_report_member)(struct redfish_report *report, const char *name, void *arg, int depth);

/* Calls `member` at each member's value, which it takes. */
static bool redfish_report_object(struct redfish_report *report, redfish_report_member member, void *arg,
                                  int depth)
{
    char name[48];

    if (depth > REDFISH_REPORT_DEPTH || !redfish_report_take(report, '{'))
        return false;
    if (redfish_report_take(report, '}'))
        return true;
    do {
        if (!redfish_report_text(report, name, sizeof name) || !redfish_report_take(report, ':') ||
            !member(report, name, arg, depth))
            return false;
    } while (redfish_report_take(report, ','));
    return redfish_report_take(report, '}');
}

/* A number, or a text that is one. */
static bool redfish_report_number(struct redfish_report *report, double *ret, int depth)
{
    char text[64], *end;
    char next = redfish_report_peek(report);

    *ret = NAN;
    if (next == '{' || next == '[')
        return redfish_report_skip(report, depth);
    if (next == '"' ? !redfish_report_text(report, text, sizeof text)
                    : !redfish_report_word(report, text, sizeof text))
        return false;
    *ret = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(*ret))
        *ret = NAN;
    return true;
}

static bool redfish_report_stale(struct redfish_report *report, const char *name, void *arg, int depth)
{
    struct redfish_report_entry *entry = arg;
    char word[8];

    if (strcmp(name, "MetricValueStale") != 0 || redfish_report_peek(report) != 't')
        return redfish_report_skip(report, depth);
    entry->value.stale = redfish_report_word(report, word, sizeof word) && strcmp(word, "true") == 0;
    return word[0] != '\0';
}

static bool redfish_report_maker(struct redfish_report *report, const char *name, void *arg, int depth)
{
    if (strcmp(name, "Nvidia") != 0 || redfish_report_peek(report) != '{')
        return redfish_report_skip(report, depth);
    return redfish_report_object(report, redfish_report_stale, arg, depth + 1);
}

static bool redfish_report_field(struct redfish_report *report, const char *name, void *arg, int depth)
{
    struct redfish_report_entry *entry = arg;
    char next = redfish_report_peek(report), time[48];

    if (strcmp(name, "MetricProperty") == 0 && next == '"')
        return redfish_report_text(report, entry->property, sizeof entry->property);
    if (strcmp(name, "MetricValue") == 0)
        return redfish_report_number(report, &entry->value.value, depth);
    if (strcmp(name, "Timestamp") == 0 && next == '"') {
        bool taken = redfish_report_text(report, time, sizeof time);

        entry->value.at_us = taken ? redfish_value_time_us(time) : 0;
        return taken;
    }
    if (strcmp(name, "Oem") == 0 && next == '{')
        return redfish_report_object(report, redfish_report_maker, arg, depth + 1);
    return redfish_report_skip(report, depth);
}

/* ---- the report ---- */

static void redfish_report_tell(struct redfish_report *report, struct redfish_report_entry *entry)
{
    struct redfish_report_head *head = report->head;
    int64_t at_us = entry->value.at_us;

    entry->value.property = entry->property;
    head->values++;
    head->stale += entry->value.stale;
    if (at_us != 0 && (head->oldest_us == 0 || at_us < head->oldest_us))
        head->oldest_us = at_us;
    if (at_us > head->newest_us)
        head->newest_us = at_us;
    if (report->call)
        report->call(&entry->value, report->arg);
}

static bool redfish_report_values(struct redfish_report *report, int depth)
{
    if (redfish_report_take(report, ']'))
        return true;
    do {
        struct redfish_report_entry entry = { .property = "", .value = { .value = NAN } };

        if (redfish_report_peek(report) != '{') {
            if (!redfish_report_skip(report, depth))
                return false;
        } else if (!redfish_report_object(report, redfish_report_field, &entry, depth + 1)) {
            return false;
        } else {
            redfish_report_tell(report, &entry);
        }
    } while (redfish_report_take(report, ','));
    return redfish_report_take(report, ']');
}

static bool redfish_report_interval(struct redfish_report *report, const char *name, void *arg, int depth)
{
    double *ms = arg;

    if (strcmp(name, "SensingIntervalMilliseconds") == 0)
        return redfish_report_number(report, ms, depth);
    if (redfish_report_peek(report) == '{')
        return redfish_report_object(report, redfish_report_interval, arg, depth + 1);
    return redfish_report_skip(report, depth);
}

static bool redfish_report_part(struct redfish_report *report, const char *name, void *arg, int depth)
{
    double ms = NAN;

    (void)arg;
    if (strcmp(name, "MetricValues") == 0 && redfish_report_take(report, '['))
        return redfish_report_values(report, depth + 1);
    if (strcmp(name, "Oem") != 0 || redfish_report_peek(report) != '{')
        return redfish_report_skip(report, depth);
    if (!redfish_report_object(report, redfish_report_interval, &ms, depth + 1))
        return false;
    if (ms > 0.0)
        report->head->interval_s = ms / 1000.0;
    return true;
}

enum status redfish_report_scan(const char *body, size_t size, redfish_report_call call, void *arg,
                                struct redfish_report_head *ret)
{
    struct redfish_report report = { .at = body, .end = body + size, .call = call, .arg = arg, .head = ret };

    *ret = (struct redfish_report_head){ .interval_s = NAN };
    return redfish_report_object(&report, redfish_report_part, NULL, 0) &&
                   redfish_report_peek(&report) == '\0' && report.at == report.end
               ? ST_OK
               : ST_CORRUPT;
}
