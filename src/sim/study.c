/* SPDX-License-Identifier: Apache-2.0 */
/* study.c: words, tables and files of compare, ride-through and sweep. Main
 * thread; runs nothing. */
#include "study.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const study_controllers[VIRTUAL_CONTROLLER_COUNT] = {
    [VIRTUAL_NONE] = "none", [VIRTUAL_BUSBAR] = "busbar"
};

bool study_split(const char *option, const char *text, struct study_words *ret)
{
    char *at = ret->text;

    ret->count = 0;
    if (strlen(text) >= sizeof ret->text) {
        (void)fprintf(stderr, "busbarsim: %s: longer than %zu letters\n", option, sizeof ret->text - 1);
        return false;
    }
    (void)strcpy(ret->text, text);
    while (at) {
        char *comma = strchr(at, ',');

        if (comma)
            *comma = '\0';
        if (!*at || ret->count == STUDY_WORDS_MAX) {
            (void)fprintf(stderr, "busbarsim: %s: '%s': %s\n", option, text,
                          *at ? "more words than fit" : "a word is missing");
            return false;
        }
        ret->word[ret->count++] = at;
        at = comma ? comma + 1 : NULL;
    }
    return true;
}

bool study_count(const char *option, const char *text, uint64_t max, uint64_t *ret)
{
    char *end;

    errno = 0;
    *ret = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || *ret < 1 || *ret > max) {
        (void)fprintf(stderr, "busbarsim: %s: '%s' is not a whole number from 1 to %" PRIu64 "\n", option,
                      text, max);
        return false;
    }
    return true;
}

enum virtual_controller study_controller(const char *word)
{
    int i = 0;

    while (i < VIRTUAL_CONTROLLER_COUNT && strcmp(study_controllers[i], word) != 0)
        i++;
    return (enum virtual_controller)i;
}

const char *study_controller_word(enum virtual_controller controller)
{
    return study_controllers[controller];
}

/* ---- tables ---- */

void study_table_init(struct study_table *table, int32_t columns)
{
    *table = (struct study_table){ .columns = columns };
}

void study_table_put(struct study_table *table, const char *format, ...)
{
    va_list args;

    if (table->count == table->room && !table->failed) {
        int32_t room = table->room > 0 ? 2 * table->room : 64;
        char **grown = realloc(table->cell, (size_t)room * sizeof *grown);

        table->failed = !grown;
        table->cell = grown ? grown : table->cell;
        table->room = grown ? room : table->room;
    }
    if (table->failed)
        return;
    va_start(args, format);
    table->failed = vasprintf(&table->cell[table->count], format, args) < 0;
    va_end(args);
    table->count += !table->failed;
}

/* Letters, not bytes. */
static int study_letters(const char *text)
{
    int count = 0;

    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

int32_t study_table_rows(const struct study_table *table)
{
    return table->count / table->columns;
}

const char *const *study_table_cells(const struct study_table *table)
{
    return (const char *const *)table->cell;
}

static const char *study_table_text(const struct study_table *table, int32_t at)
{
    const char *cell = table->cell[at];

    return cell + (cell[0] == '!');
}

void study_table_print(const struct study_table *table, FILE *to)
{
    int32_t rows = study_table_rows(table);

    for (int32_t r = 0; r < rows; r++) {
        int owed = 0; /* blanks: written before the next cell only, none at a line's end */

        for (int32_t c = 0; c < table->columns; c++) {
            const char *text = study_table_text(table, r * table->columns + c);
            int widest = 0;

            for (int32_t k = 0; k < rows; k++) {
                int letters = study_letters(study_table_text(table, k * table->columns + c));

                widest = letters > widest ? letters : widest;
            }
            if (*text) {
                (void)fprintf(to, "%*s%s", owed, "", text);
                owed = 0;
            }
            owed += widest + 2 - study_letters(text);
        }
        (void)fputc('\n', to);
    }
}

void study_table_done(struct study_table *table)
{
    for (int32_t i = 0; i < table->count; i++)
        free(table->cell[i]);
    free(table->cell);
    *table = (struct study_table){ .columns = table->columns };
}

/* ---- files ---- */

bool study_file_open(const char *who, const char *path, FILE **ret)
{
    *ret = fopen(path, "we");
    if (!*ret)
        (void)fprintf(stderr, "busbarsim %s: %s: cannot be written: %s\n", who, path, strerror(errno));
    return *ret != NULL;
}

bool study_file_close(const char *who, const char *path, FILE *file)
{
    bool good = ferror(file) == 0;

    good = fclose(file) == 0 && good;
    if (!good)
        (void)fprintf(stderr, "busbarsim %s: %s: could not be written whole\n", who, path);
    return good;
}

void study_seconds(double seconds, char *ret, size_t room)
{
    if (!isfinite(seconds))
        (void)snprintf(ret, room, isnan(seconds) ? "-" : "never");
    else
        (void)snprintf(ret, room, seconds < 9.995 ? "%.2f s" : "%.1f s", seconds);
}

bool study_hypothetical(enum plant_start_kind start)
{
    return start != PLANT_START_STOCK;
}
