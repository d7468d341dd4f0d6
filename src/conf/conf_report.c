/* SPDX-License-Identifier: Apache-2.0 */
/* conf_report.c: collects every error of every file, sorts them, words them.
 *
 * Owns struct conf_report and the public struct conf_errors. Any thread, one
 * load at a time. Never prints by itself and never stops a load.
 */
#include "conf_report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define CONF_REPORT_MAX      1000
#define CONF_REPORT_WORD_MAX 48

int32_t conf_report_file(struct conf_report *report, const char *path)
{
    char **files = realloc(report->files, (size_t)(report->file_count + 1) * sizeof *files);
    char *copy = strdup(path);

    if (files)
        report->files = files;
    if (!files || !copy) {
        free(copy);
        report->no_memory = true;
        return -1;
    }
    files[report->file_count] = copy;
    return report->file_count++;
}

const char *conf_report_path(const struct conf_report *report, int32_t file)
{
    return file >= 0 && file < report->file_count ? report->files[file] : "";
}

/* A vasprintf() that says so when memory is short. */
__attribute__((format(printf, 2, 0))) static char *conf_report_text(const char *key, const char *format,
                                                                    va_list list)
{
    char *what = NULL, *text = NULL;

    if (vasprintf(&what, format, list) < 0)
        return NULL;
    if (!key)
        return what;
    if (asprintf(&text, "%s: %s", key, what) < 0)
        text = NULL;
    free(what);
    return text;
}

static void conf_report_put(struct conf_report *report, struct conf_pos at, char *text)
{
    struct conf_report_line *lines = NULL;

    if (text)
        lines = realloc(report->lines, (size_t)(report->line_count + 1) * sizeof *lines);
    if (!lines) {
        free(text);
        report->no_memory = true;
        return;
    }
    report->lines = lines;
    lines[report->line_count] =
        (struct conf_report_line){ .at = at, .number = report->line_count, .text = text };
    report->line_count++;
}

void conf_report_add(struct conf_report *report, struct conf_pos at, const char *key, const char *format, ...)
{
    va_list list;

    if (report->full)
        return;
    if (report->line_count == CONF_REPORT_MAX) {
        report->full = true;
        at.line = INT32_MAX;
        key = NULL;
        format = "too many errors: the rest is not shown";
    }
    va_start(list, format);
    conf_report_put(report, at, conf_report_text(key, format, list));
    va_end(list);
}

bool conf_report_clean(const struct conf_report *report)
{
    return report->line_count == 0 && !report->no_memory && !report->unreadable;
}

static int conf_report_compare(const void *a, const void *b)
{
    const struct conf_report_line *x = a, *y = b;
    const int32_t by[4] = { x->at.file - y->at.file, x->at.line - y->at.line, x->at.column - y->at.column,
                            x->number - y->number };

    for (int i = 0; i < 4; i++)
        if (by[i] != 0)
            return by[i];
    return 0;
}

static char *conf_report_line_text(const struct conf_report *report, const struct conf_report_line *line)
{
    const char *path = conf_report_path(report, line->at.file);
    char *text = NULL;
    int got;

    if (line->at.line == 0 || line->at.line == INT32_MAX)
        got = asprintf(&text, "%s: %s", path, line->text);
    else
        got = asprintf(&text, "%s:%d:%d: %s", path, (int)line->at.line, (int)line->at.column, line->text);
    return got < 0 ? NULL : text;
}

static void conf_report_done(struct conf_report *report)
{
    for (int32_t i = 0; i < report->line_count; i++)
        free(report->lines[i].text);
    for (int32_t i = 0; i < report->file_count; i++)
        free(report->files[i]);
    free(report->lines);
    free(report->files);
    memset(report, 0, sizeof *report);
}

void conf_report_finish(struct conf_report *report, struct conf_errors *errors)
{
    if (report->line_count > 0)
        qsort(report->lines, (size_t)report->line_count, sizeof *report->lines, conf_report_compare);
    for (int32_t i = 0; errors && i < report->line_count; i++) {
        size_t room = (size_t)(errors->count + 1);
        struct conf_error *list = realloc(errors->list, room * sizeof *list);
        char *text = list ? conf_report_line_text(report, &report->lines[i]) : NULL;

        if (list)
            errors->list = list;
        if (text)
            errors->list[errors->count++].text = text;
    }
    conf_report_done(report);
}

void conf_errors_print(const struct conf_errors *errors, FILE *to)
{
    for (int32_t i = 0; i < errors->count; i++)
        fprintf(to, "%s\n", errors->list[i].text);
}

void conf_errors_done(struct conf_errors *errors)
{
    for (int32_t i = 0; i < errors->count; i++)
        free(errors->list[i].text);
    free(errors->list);
    errors->list = NULL;
    errors->count = 0;
}

const char *conf_report_shown(const char *text, char ret[CONF_SHOWN_MAX])
{
    size_t at = 0;

    for (; *text && at < 40; text++)
        ret[at++] = (unsigned char)*text < ' ' || *text == 127 ? '?' : *text;
    if (*text) {
        /* Not in the middle of a character of several bytes. */
        while (at > 0 && ((unsigned char)ret[at - 1] & 0xc0) == 0x80)
            at--;
        if (at > 0 && (unsigned char)ret[at - 1] >= 0xc0)
            at--;
        memcpy(ret + at, "...", 3);
        at += 3;
    }
    ret[at] = '\0';
    return ret;
}

static int32_t conf_report_least(int32_t a, int32_t b, int32_t c)
{
    int32_t least = a < b ? a : b;

    return least < c ? least : c;
}

/* Two letters the wrong way round are one change. */
int32_t conf_report_distance(const char *a, const char *b)
{
    int32_t rows[3][CONF_REPORT_WORD_MAX + 1];
    int32_t la = (int32_t)strnlen(a, CONF_REPORT_WORD_MAX), lb = (int32_t)strnlen(b, CONF_REPORT_WORD_MAX);

    for (int32_t j = 0; j <= lb; j++)
        rows[0][j] = j;
    for (int32_t i = 1; i <= la; i++) {
        int32_t *here = rows[i % 3];
        const int32_t *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

        here[0] = i;
        for (int32_t j = 1; j <= lb; j++) {
            here[j] = conf_report_least(last[j] + 1, here[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < here[j])
                here[j] = before[j - 2] + 1;
        }
    }
    return rows[la % 3][lb];
}

void conf_report_nearest(const char *text, const char *candidate, const char **best)
{
    size_t length = strlen(candidate) > strlen(text) ? strlen(candidate) : strlen(text);
    int32_t distance = conf_report_distance(text, candidate);

    if (length > CONF_REPORT_WORD_MAX || distance * 3 > (int32_t)length + 1)
        return;
    if (!*best || distance < conf_report_distance(text, *best))
        *best = candidate;
}
