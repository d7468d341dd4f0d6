/* SPDX-License-Identifier: Apache-2.0 */
/* cli_table.c: aligned columns and colours.
 *
 * Owns the cells of a table until it is printed. Everything shown passes
 * through here, so nothing a device calls itself can steer the terminal.
 */
#include "cli_table.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define CLI_TABLE_COLUMNS_MAX 16
#define CLI_TABLE_CELL_MAX 160
#define CLI_TABLE_GAP "  "

struct cli_table_cell {
    char text[CLI_TABLE_CELL_MAX];
    enum cli_colour colour;
};

struct cli_table {
    const struct cli_column *columns;
    size_t column_count;
    struct cli_table_cell *cells;
    size_t count, room;
    bool failed;               /* no memory for a cell: printed as far as it goes */
};

static const char *const cli_table_codes[] = {
    [CLI_PLAIN] = "", [CLI_GOOD] = "\033[32m", [CLI_WARN] = "\033[33m", [CLI_BAD] = "\033[1;31m",
    [CLI_DIM] = "\033[2m", [CLI_BOLD] = "\033[1m",
};

static void cli_table_tame(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
    }
}

/* Characters of a UTF-8 text: its width, for the names that occur here. */
static size_t cli_table_width(const char *text)
{
    size_t width = 0;

    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

struct cli_table *cli_table_new(const struct cli_column *columns)
{
    struct cli_table *table = calloc(1, sizeof *table);

    if (!table)
        return NULL;
    table->columns = columns;
    while (columns[table->column_count].head && table->column_count < CLI_TABLE_COLUMNS_MAX)
        table->column_count++;
    return table;
}

void cli_cell(struct cli_table *table, enum cli_colour colour, const char *format, ...)
{
    struct cli_table_cell *cell;
    va_list args;

    if (!table || table->failed)
        return;
    if (table->count == table->room) {
        size_t room = table->room ? 2 * table->room : 64;
        struct cli_table_cell *cells = reallocarray(table->cells, room, sizeof *cells);

        if (!cells) {
            table->failed = true;
            return;
        }
        table->cells = cells;
        table->room = room;
    }
    cell = &table->cells[table->count++];
    cell->colour = colour;
    va_start(args, format);
    (void)vsnprintf(cell->text, sizeof cell->text, format, args);
    va_end(args);
    cli_table_tame(cell->text);
}

static void cli_table_put(struct cli *cli, const struct cli_table *table, size_t column, const struct cli_table_cell *cell,
                          size_t width)
{
    size_t own = cli_table_width(cell->text), pad = width > own ? width - own : 0;
    bool right = table->columns[column].right, last = column + 1 == table->column_count;
    bool coloured = cli->colour && cell->colour != CLI_PLAIN;

    (void)fprintf(cli->out, "%s%*s%s%s%s%*s", column > 0 ? CLI_TABLE_GAP : "", right ? (int)pad : 0, "",
                  coloured ? cli_table_codes[cell->colour] : "", cell->text, coloured ? "\033[0m" : "",
                  right || last ? 0 : (int)pad, "");
}

void cli_table_print(struct cli *cli, struct cli_table *table)
{
    size_t widths[CLI_TABLE_COLUMNS_MAX];
    size_t rows;

    if (!table) {
        (void)cli_fail(cli, "out of memory");
        return;
    }
    rows = table->count / table->column_count;
    for (size_t c = 0; c < table->column_count; c++) {
        widths[c] = cli_table_width(table->columns[c].head);
        for (size_t r = 0; r < rows; r++) {
            size_t own = cli_table_width(table->cells[r * table->column_count + c].text);

            widths[c] = own > widths[c] ? own : widths[c];
        }
    }
    for (size_t c = 0; c < table->column_count; c++) {
        struct cli_table_cell head = { .colour = CLI_DIM };

        (void)snprintf(head.text, sizeof head.text, "%s", table->columns[c].head);
        cli_table_put(cli, table, c, &head, widths[c]);
    }
    (void)fputc('\n', cli->out);
    for (size_t i = 0; i < rows * table->column_count; i++) {
        size_t column = i % table->column_count;

        cli_table_put(cli, table, column, &table->cells[i], widths[column]);
        if (column + 1 == table->column_count)
            (void)fputc('\n', cli->out);
    }
    if (table->failed)
        (void)cli_fail(cli, "out of memory: the table is not complete");
    free(table->cells);
    free(table);
}

void cli_say(struct cli *cli, enum cli_colour colour, const char *format, ...)
{
    bool coloured = cli->colour && colour != CLI_PLAIN;
    char text[2048];
    size_t size;
    va_list args;
    bool line;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size = strlen(text);
    line = size > 0 && text[size - 1] == '\n';
    if (line)
        text[size - 1] = '\0';
    cli_table_tame(text);
    (void)fprintf(cli->out, "%s%s%s%s", coloured ? cli_table_codes[colour] : "", text, coloured ? "\033[0m" : "",
                  line ? "\n" : "");
}

int cli_print_json(struct cli *cli, struct json_object *json)
{
    const char *text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

    if (!text)
        return cli_fail(cli, "out of memory");
    (void)fprintf(cli->out, "%s\n", text);
    return CLI_DONE;
}
