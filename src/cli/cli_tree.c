/* SPDX-License-Identifier: Apache-2.0 */
/* cli_tree.c: limits and nodes. */
#include <json-c/json.h>
#include <math.h>

#include "cli_client.h"
#include "cli_table.h"
#include "cli_value.h"

/* ---- limits ---- */

static void cli_limits_print(struct cli *cli, struct json_object *list)
{
    static const struct cli_column columns[] = {
        { "NODE", false }, { "WINDOW", true },    { "LIMIT", true }, { "MEAN", true },
        { "USE", true },   { "WORST", true },     { "VIOLATIONS", true }, { "NOW", false }, { NULL, false },
    };
    struct cli_table *table = cli_table_new(columns);

    for (size_t i = 0; i < cli_length(list, "limits"); i++) {
        struct json_object *limit = cli_item(list, "limits", i);
        double limit_w = cli_number(limit, "limit_w"), mean_w = cli_number(limit, "mean_w");
        int64_t violations = cli_count(limit, "violations");
        bool exceeded = cli_bool(limit, "exceeded");

        cli_cell(table, CLI_PLAIN, "%s%s", cli_bool(limit, "group") ? "group " : "", cli_text(limit, "node", "-"));
        cli_cell(table, CLI_PLAIN, "%s", cli_span(cli_number(limit, "window_ms")).text);
        cli_cell(table, CLI_PLAIN, "%s", cli_quantity(limit_w, "W").text);
        cli_cell(table, CLI_PLAIN, "%s", cli_quantity(mean_w, "W").text);
        if (isnan(mean_w) || isnan(limit_w))
            cli_cell(table, CLI_PLAIN, "-");
        else
            cli_cell(table, mean_w > limit_w ? CLI_BAD : CLI_PLAIN, "%.1f %%", 100.0 * mean_w / limit_w);
        cli_cell(table, CLI_PLAIN, "%s", cli_quantity(cli_number(limit, "worst_w"), "W").text);
        cli_cell(table, violations > 0 ? CLI_BAD : CLI_PLAIN, "%s", cli_grouped(violations).text);
        cli_cell(table, exceeded ? CLI_BAD : CLI_GOOD, "%s", exceeded ? "exceeded" : "held");
    }
    cli_table_print(cli, table);
}

int cli_limits(struct cli *cli)
{
    struct cli_answer answer;
    int rc = CLI_FAILED;

    if (cli_get(cli, "/v1/limits", &answer)) {
        rc = CLI_DONE;
        for (size_t i = 0; i < cli_length(answer.json, "limits"); i++) {
            if (cli_count(cli_item(answer.json, "limits", i), "violations") > 0)
                rc = CLI_NOT_HELD;
        }
        if (cli->json)
            rc = cli_print_json(cli, answer.json) == CLI_DONE ? rc : CLI_FAILED;
        else
            cli_limits_print(cli, answer.json);
    }
    cli_answer_done(&answer);
    return rc;
}

/* ---- nodes ---- */

static void cli_nodes_print(struct cli *cli, struct json_object *list)
{
    static const struct cli_column columns[] = {
        { "NODE", false },     { "KIND", false },    { "PARENT", false }, { "POWER", true },  { "LOW", true },
        { "HIGH", true },      { "FORECAST", true }, { "UPPER", true },   { "COUNTED", true }, { "BUDGET", true },
        { "FROM", false },     { NULL, false },
    };
    static const char *const quantities[] = { "power_w", "low_w", "high_w", "forecast_w", "upper_w", "counted_w", "budget_w" };
    struct cli_table *table = cli_table_new(columns);

    for (size_t i = 0; i < cli_length(list, "nodes"); i++) {
        struct json_object *node = cli_item(list, "nodes", i);

        cli_cell(table, CLI_PLAIN, "%s", cli_text(node, "name", "-"));
        cli_cell(table, CLI_PLAIN, "%s", cli_text(node, "kind", "-"));
        cli_cell(table, CLI_PLAIN, "%s", cli_text(node, "parent", "-"));
        for (size_t q = 0; q < sizeof quantities / sizeof *quantities; q++)
            cli_cell(table, CLI_PLAIN, "%s", cli_quantity(cli_number(node, quantities[q]), "W").text);
        cli_cell(table, CLI_PLAIN, "%s", cli_bool(node, "measured") ? "sensor" : "sum");
    }
    cli_table_print(cli, table);
}

int cli_nodes(struct cli *cli)
{
    return cli_show(cli, "/v1/nodes", cli_nodes_print);
}
