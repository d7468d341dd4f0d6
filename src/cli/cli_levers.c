/* SPDX-License-Identifier: Apache-2.0 */
/* cli_levers.c: levers, and why one holds what it holds. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "cli_client.h"
#include "cli_table.h"
#include "cli_value.h"

static enum cli_colour cli_levers_colour(const char *state)
{
    if (strcmp(state, "in_force") == 0)
        return CLI_GOOD;
    return strcmp(state, "unknown") == 0 || strcmp(state, "unread") == 0 ? CLI_BAD : CLI_PLAIN;
}

static void cli_levers_print(struct cli *cli, struct json_object *list)
{
    static const struct cli_column columns[] = {
        { "LEVER", false },  { "STATE", false }, { "WANTED", true },  { "IN FORCE", true }, { "COUNTED", true },
        { "DEMAND", true },  { "ORDERS", true }, { "REFUSED", true }, { "FAILED", true },   { "BECAUSE", false },
        { NULL, false },
    };
    struct cli_table *table = cli_table_new(columns);

    for (size_t i = 0; i < cli_length(list, "levers"); i++) {
        struct json_object *lever = cli_item(list, "levers", i), *why = cli_key(lever, "why");
        const char *unit = cli_text(lever, "unit", ""), *state = cli_text(lever, "state", "-");
        const char *node = cli_text(why, "node", "");

        cli_cell(table, CLI_PLAIN, "%s", cli_text(lever, "lever", "-"));
        cli_cell(table, cli_levers_colour(state), "%s", state);
        cli_cell(table, CLI_PLAIN, "%s", cli_quantity(cli_number(lever, "wanted"), unit).text);
        cli_cell(table, CLI_PLAIN, "%s", cli_quantity(cli_number(lever, "in_force"), unit).text);
        cli_cell(table, CLI_PLAIN, "%s", cli_quantity(cli_number(lever, "counted"), unit).text);
        cli_cell(table, CLI_PLAIN, "%s", cli_quantity(cli_number(lever, "demand_w"), "W").text);
        cli_cell(table, CLI_PLAIN, "%s", cli_grouped(cli_count(lever, "orders")).text);
        cli_cell(table, CLI_PLAIN, "%s", cli_grouped(cli_count(lever, "refused")).text);
        cli_cell(table, CLI_PLAIN, "%s", cli_grouped(cli_count(lever, "failures")).text);
        cli_cell(table, CLI_PLAIN, "%s%s%s", cli_text(why, "rule", "-"), node[0] ? " at " : "", node);
    }
    cli_table_print(cli, table);
}

int cli_levers(struct cli *cli)
{
    char *path = cli->word_count > 0 ? cli_path("/v1/levers?name=", cli->words[0]) : strdup("/v1/levers");
    int rc = path ? cli_show(cli, path, cli_levers_print) : cli_fail(cli, "out of memory");

    free(path);
    return rc;
}

static void cli_why_line(struct cli *cli, const char *name, const char *text)
{
    cli_say(cli, CLI_DIM, "%-10s", name);
    cli_say(cli, CLI_PLAIN, "%s\n", text);
}

static void cli_why_print(struct cli *cli, struct json_object *lever)
{
    static const char *const values[][2] = {
        { "wanted", "wanted" }, { "sent", "sent" }, { "in force", "in_force" }, { "counted", "counted" },
    };
    const char *unit = cli_text(lever, "unit", "");

    cli_say(cli, CLI_PLAIN, "%s\n", cli_text(lever, "sentence", "-"));
    cli_say(cli, CLI_PLAIN, "\n");
    cli_why_line(cli, "device", cli_text(lever, "device", "-"));
    cli_why_line(cli, "state", cli_text(lever, "state", "-"));
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        cli_why_line(cli, values[i][0], cli_quantity(cli_number(lever, values[i][1]), unit).text);
    cli_why_line(cli, "demand", cli_quantity(cli_number(lever, "demand_w"), "W").text);
    cli_why_line(cli, "rule", cli_text(cli_key(lever, "why"), "text", "-"));
    cli_say(cli, CLI_DIM, "%-10s", "orders");
    cli_say(cli, CLI_PLAIN, "%s given, %s refused, %s failed\n", cli_grouped(cli_count(lever, "orders")).text,
            cli_grouped(cli_count(lever, "refused")).text, cli_grouped(cli_count(lever, "failures")).text);
}

int cli_why(struct cli *cli)
{
    char *path = cli_path("/v1/why?lever=", cli->words[0]);
    int rc = path ? cli_show(cli, path, cli_why_print) : cli_fail(cli, "out of memory");

    free(path);
    return rc;
}
