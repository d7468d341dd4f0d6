/* SPDX-License-Identifier: Apache-2.0 */
/* study.h: what compare, ride-through and sweep share: words of the command line,
 * tables as text, files they write. Main thread. */
#ifndef BUSBAR_SIM_STUDY_H
#define BUSBAR_SIM_STUDY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "scenario.h"

#define STUDY_WORDS_MAX 32
#define STUDY_TEXT_MAX  512

/* "a,b,c" taken apart. */
struct study_words {
    int32_t count;
    const char *word[STUDY_WORDS_MAX]; /* into text                                 */
    char text[STUDY_TEXT_MAX];
};

/* False: one line on standard error says what is wrong with `option`. */
bool study_split(const char *option, const char *text, struct study_words *ret);
bool study_count(const char *option, const char *text, uint64_t max, uint64_t *ret);

/* "none" or "busbar"; VIRTUAL_CONTROLLER_COUNT: no such word. */
enum virtual_controller study_controller(const char *word);
const char *study_controller_word(enum virtual_controller controller);

/* A table that grows cell by cell, row after row. A cell beginning with '!' is
 * bad (svg.h); as text it is shown without the mark. */
struct study_table {
    int32_t columns, count, room;
    char **cell;
    bool failed; /* out of memory: later cells are dropped     */
};
void study_table_init(struct study_table *table, int32_t columns);
__attribute__((format(printf, 2, 3))) void study_table_put(struct study_table *table, const char *format,
                                                           ...);
void study_table_print(const struct study_table *table, FILE *to);
int32_t study_table_rows(const struct study_table *table);
const char *const *study_table_cells(const struct study_table *table);
void study_table_done(struct study_table *table);

/* A file to be written whole: *ret is given to study_file_close(). False: one line
 * on standard error says which file and why. */
bool study_file_open(const char *who, const char *path, FILE **ret);
bool study_file_close(const char *who, const char *path, FILE *file);

/* "0.31 s"; "never" for INFINITY, "-" for NAN. */
void study_seconds(double seconds, char *ret, size_t room);

/* Hardware of that start profile does not exist yet. */
bool study_hypothetical(enum plant_start_kind start);

#endif
