/* SPDX-License-Identifier: Apache-2.0 */
/* conf_report.h: where a thing stands in the files, and the list of what is wrong.
 *
 * Errors are collected in any order and handed out by file, line and column.
 * Private to src/conf.
 */
#ifndef BUSBAR_CONF_REPORT_H
#define BUSBAR_CONF_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/conf.h"

#define CONF_LABEL_MAX 256

/* A place in a file: an index of struct conf_report's files, and a line and a
 * column from 1. Line 0: the file as a whole. */
struct conf_pos {
    int32_t file, line, column;
};

struct conf_report_line {
    struct conf_pos at;
    int32_t number; /* order of arrival: keeps the sort stable               */
    char *text;     /* "key: what is wrong, what is allowed"                 */
};

struct conf_report {
    int32_t file_count, line_count;
    char **files;
    struct conf_report_line *lines;
    bool full;       /* more than CONF_REPORT_MAX: the rest is not kept       */
    bool no_memory;  /* something could not be kept at all                    */
    bool unreadable; /* a file could not be read                              */
};

/* Makes a file known; its index, or -1 without memory. */
int32_t conf_report_file(struct conf_report *report, const char *path);

/* "" for a file that is not known. */
const char *conf_report_path(const struct conf_report *report, int32_t file);

/* One error. `key` may be NULL: then the text stands alone. */
__attribute__((format(printf, 4, 5))) void conf_report_add(struct conf_report *report, struct conf_pos at,
                                                           const char *key, const char *format, ...);

/* True while nothing is wrong. */
bool conf_report_clean(const struct conf_report *report);

/* Moves the errors, sorted, to the end of *errors and empties the report. */
void conf_report_finish(struct conf_report *report, struct conf_errors *errors);

/* `text` fit for a message: control characters and what follows 40 bytes are
 * left out. `ret` has CONF_SHOWN_MAX bytes; returns it. */
#define CONF_SHOWN_MAX 48
const char *conf_report_shown(const char *text, char ret[CONF_SHOWN_MAX]);

/* How many letters must change to make one word of the other, at most 48 each. */
int32_t conf_report_distance(const char *a, const char *b);

/* Keeps the word nearest to `text`: call for each candidate, *best starts NULL.
 * Words more than a third different are not near. */
void conf_report_nearest(const char *text, const char *candidate, const char **best);

#endif
