/* SPDX-License-Identifier: Apache-2.0 */
/* cli_table.h: aligned columns and colours, and JSON as it came. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "cli.h"

enum cli_colour { CLI_PLAIN, CLI_GOOD, CLI_WARN, CLI_BAD, CLI_DIM, CLI_BOLD };

struct cli_column {
    const char *head;
    bool right;                /* numbers */
};

struct cli_table;

/* `columns` ends with a NULL head; borrowed until cli_table_print(). NULL: no memory. */
struct cli_table *cli_table_new(const struct cli_column *columns);

/* The next cell, row by row, left to right. */
__attribute__((format(printf, 3, 4))) void cli_cell(struct cli_table *table, enum cli_colour colour,
                                                    const char *format, ...);

/* Prints and frees it. Whole rows only; a table without rows is its heads. */
void cli_table_print(struct cli *cli, struct cli_table *table);

/* Text in a colour, where the output is a terminal; control characters as '?'. */
__attribute__((format(printf, 3, 4))) void cli_say(struct cli *cli, enum cli_colour colour, const char *format, ...);

/* One JSON document and a line's end. */
struct json_object;
int cli_print_json(struct cli *cli, struct json_object *json);

#endif
