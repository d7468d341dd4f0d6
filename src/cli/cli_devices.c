/* SPDX-License-Identifier: Apache-2.0 */
/* cli_devices.c: devices, or one with its readings. */
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli_client.h"
#include "cli_table.h"
#include "cli_value.h"

static bool cli_devices_good(struct json_object *device)
{
    return strcmp(cli_text(device, "quality", ""), "good") == 0;
}

static void cli_devices_list(struct cli *cli, struct json_object *list)
{
    static const struct cli_column columns[] = {
        { "DEVICE", false },       { "KIND", false },    { "BUS", false },    { "QUALITY", false }, { "AGE", true },
        { "MODEL", false },        { "SERIAL", false },  { "TRANSACTIONS", true }, { "TIMEOUTS", true }, { "NACKS", true },
        { "CORRUPT", true },       { "REFUSED", true },  { NULL, false },
    };
    struct cli_table *table = cli_table_new(columns);

    for (size_t i = 0; i < cli_length(list, "devices"); i++) {
        struct json_object *device = cli_item(list, "devices", i);
        bool identified = cli_bool(device, "identified");

        cli_cell(table, CLI_PLAIN, "%s", cli_text(device, "name", "-"));
        cli_cell(table, CLI_PLAIN, "%s", cli_text(device, "kind", "-"));
        cli_cell(table, CLI_PLAIN, "%s", cli_text(device, "bus", "-"));
        cli_cell(table, cli_devices_good(device) ? CLI_GOOD : CLI_BAD, "%s", cli_text(device, "quality", "-"));
        cli_cell(table, CLI_PLAIN, "%s", cli_span(cli_number(device, "age_ms")).text);
        cli_cell(table, identified ? CLI_PLAIN : CLI_WARN, "%s", cli_text(device, "model", "-"));
        cli_cell(table, CLI_PLAIN, "%s", cli_text(device, "serial", "-"));
        cli_cell(table, CLI_PLAIN, "%s", cli_grouped(cli_count(device, "transactions")).text);
        cli_cell(table, CLI_PLAIN, "%s", cli_grouped(cli_count(device, "timeouts")).text);
        cli_cell(table, CLI_PLAIN, "%s", cli_grouped(cli_count(device, "nacks")).text);
        cli_cell(table, CLI_PLAIN, "%s", cli_grouped(cli_count(device, "corrupt")).text);
        cli_cell(table, CLI_PLAIN, "%s", cli_grouped(cli_count(device, "refused")).text);
    }
    cli_table_print(cli, table);
}

static void cli_devices_readings(struct cli *cli, struct json_object *device)
{
    static const struct cli_column columns[] = {
        { "SIGNAL", false }, { "INDEX", true }, { "VALUE", true }, { "AGE", true }, { "STATUS", false }, { NULL, false },
    };
    struct cli_table *table = cli_table_new(columns);

    for (size_t i = 0; i < cli_length(device, "readings"); i++) {
        struct json_object *reading = cli_item(device, "readings", i);
        const char *status = cli_text(reading, "status", "-"), *unit = cli_text(reading, "unit", "");
        double value = cli_number(reading, "value");

        cli_cell(table, CLI_PLAIN, "%s", cli_text(reading, "signal", "-"));
        cli_cell(table, CLI_PLAIN, "%s", cli_grouped(cli_count(reading, "index")).text);
        if (strcmp(unit, "bits") == 0 && !isnan(value) && value >= 0 && value < 4294967296.0)
            cli_cell(table, CLI_PLAIN, "0x%04x", (unsigned)value);
        else
            cli_cell(table, CLI_PLAIN, "%s", cli_quantity(value, unit).text);
        cli_cell(table, CLI_PLAIN, "%s", cli_span(cli_number(reading, "age_ms")).text);
        cli_cell(table, strcmp(status, "ok") == 0 ? CLI_PLAIN : CLI_WARN, "%s", status);
    }
    cli_table_print(cli, table);
}

int cli_devices(struct cli *cli)
{
    bool one = cli->word_count > 0;
    char *path = one ? cli_path("/v1/devices?name=", cli->words[0])
                     : strdup(cli->json ? "/v1/devices" : "/v1/devices?readings=0");
    struct cli_answer answer = { .json = NULL };
    int rc = CLI_FAILED;

    if (!path)
        return cli_fail(cli, "out of memory");
    if (cli_get(cli, path, &answer)) {
        rc = CLI_DONE;
        for (size_t i = 0; i < cli_length(answer.json, "devices"); i++) {
            if (!cli_devices_good(cli_item(answer.json, "devices", i)))
                rc = CLI_NOT_HELD;
        }
        if (cli->json) {
            rc = cli_print_json(cli, answer.json) == CLI_DONE ? rc : CLI_FAILED;
        } else {
            cli_devices_list(cli, answer.json);
            if (one) {
                cli_say(cli, CLI_PLAIN, "\n");
                cli_devices_readings(cli, cli_item(answer.json, "devices", 0));
            }
        }
    }
    cli_answer_done(&answer);
    free(path);
    return rc;
}
