/* SPDX-License-Identifier: Apache-2.0 */
/* cli_verify.c: `busbarctl verify`: which of its commands, and the list of parts. */
#include "cli_verify.h"

#include <json-c/json.h>
#include <string.h>
#include <unistd.h>

#include "cli_options.h"
#include "cli_table.h"
#include "cli_value.h"

#define CLI_VERIFY_PARTS_OPTIONS (CLI_CONFIG | CLI_STATE_DIR | CLI_TIMEOUT | CLI_WRITES)

int cli_verify_config(struct cli *cli, struct conf **ret)
{
    const char *path = cli->config ? cli->config : CLI_VERIFY_CONFIG;
    struct conf_errors errors = { .count = 0 };
    enum status st;

    *ret = NULL;
    if (!cli->config && access(path, F_OK) != 0)
        return CLI_DONE;
    st = conf_load(path, ret, &errors);
    if (st != ST_OK && errors.count > 0)
        conf_errors_print(&errors, cli->err);
    else if (st != ST_OK)
        (void)cli_fail(cli, "%s: cannot be read (%s)", path, status_label(st));
    conf_errors_done(&errors);
    return st == ST_OK ? CLI_DONE : CLI_FAILED;
}

static void cli_verify_print(struct cli *cli, struct json_object *to)
{
    static const struct cli_column columns[] = {
        { "PART", false }, { "STATE", false }, { "WHAT", false }, { NULL, false }
    };
    struct cli_table *table = cli_table_new(columns);

    for (size_t i = 0; i < cli_length(to, "components"); i++) {
        struct json_object *part = cli_item(to, "components", i);
        bool healthy = cli_bool(part, "healthy"), skipped = cli_bool(part, "skipped");

        cli_cell(table, CLI_PLAIN, "%s", cli_text(part, "component", "-"));
        cli_cell(table,
                 skipped   ? CLI_DIM
                 : healthy ? CLI_GOOD
                           : CLI_BAD,
                 "%s",
                 skipped   ? "skipped"
                 : healthy ? "healthy"
                           : "NOT WELL");
        cli_cell(table, CLI_PLAIN, "%s", cli_text(part, "message", ""));
    }
    cli_table_print(cli, table);
    for (size_t i = 0; i < cli_length(to, "components"); i++) {
        struct json_object *part = cli_item(to, "components", i);

        for (size_t d = 0; d < cli_length(part, "details"); d++)
            cli_say(cli, CLI_WARN, "%s: %s\n", cli_text(part, "component", "-"),
                    json_object_get_string(cli_item(part, "details", d)));
    }
}

static int cli_verify_all(struct cli *cli)
{
    struct json_object *to, *parts;
    struct conf *conf = NULL;
    int bad, rc;

    if (cli_verify_config(cli, &conf) != CLI_DONE)
        return CLI_FAILED;
    if (!conf)
        return cli_fail(cli, "%s: there is no configuration: name one with --config", CLI_VERIFY_CONFIG);
    to = json_object_new_object();
    parts = json_object_new_array();
    json_object_object_add(to, "rack", json_object_new_string(conf->rack_name));
    json_object_object_add(to, "config", json_object_new_string(conf->file));
    json_object_object_add(to, "components", parts);
    bad = cli_verify_parts(cli, conf, parts);
    json_object_object_add(to, "healthy", json_object_new_boolean(bad == 0));
    rc = bad > 0 ? CLI_NOT_HELD : CLI_DONE;
    if (cli->json)
        rc = cli_print_json(cli, to) == CLI_DONE ? rc : CLI_FAILED;
    else
        cli_verify_print(cli, to);
    json_object_put(to);
    conf_free(conf);
    return rc;
}

int cli_verify(struct cli *cli)
{
    unsigned wrong = cli->given & ~(unsigned)CLI_VERIFY_PARTS_OPTIONS;

    if (cli->word_count == 0 && wrong)
        return cli_fail(cli, "verify alone takes no %s: see busbarctl verify --help",
                        cli_options_name(wrong));
    if (cli->word_count == 0)
        return cli_verify_all(cli);
    if (cli->word_count == 2 && strcmp(cli->words[0], "bmc-health") == 0)
        return cli_verify_health(cli);
    return cli_fail(cli, "it is: busbarctl verify [bmc-health start|status|report]");
}
