/* SPDX-License-Identifier: Apache-2.0 */
/* cli_device.c: `busbarctl device`: which of its commands, and reading one device.
 *
 * Owns the document of a reading. A row the device does not implement is named in
 * `absent` and is no failure; every other row without a value is one.
 */
#include "cli_device.h"

#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "busbar/clock.h"
#include "cli_options.h"
#include "cli_table.h"
#include "cli_value.h"

#define CLI_DEVICE_CELL 64 /* letters of a text that stand in the table */
#define CLI_DEVICE_ALL                                                                                       \
    (CLI_LINK | CLI_PROFILE | CLI_PROFILES | CLI_TIMEOUT | CLI_USER | CLI_PASSWORD_FILE | CLI_CA_FILE)

static const struct {
    const char *name, *words;
    int words_count; /* after the name */
    unsigned options;
    int (*run)(struct cli *cli);
} cli_device_commands[] = {
    { "scan", "", 0, CLI_LINK | CLI_PROFILE | CLI_PROFILES | CLI_TIMEOUT | CLI_SPEEDS, cli_device_scan },
    { "read", "", 0, CLI_DEVICE_ALL | CLI_SIGNAL, cli_device_read },
    { "watch", "", 0, CLI_DEVICE_ALL | CLI_SIGNAL | CLI_EVERY | CLI_SECONDS, cli_device_watch },
    { "write", " SIGNAL VALUE|original", 2,
      CLI_DEVICE_ALL | CLI_CONFIG | CLI_STATE_DIR | CLI_NAME | CLI_YES | CLI_FOR, cli_device_write },
    { "file", " NUMBER", 1, CLI_LINK | CLI_PROFILE | CLI_PROFILES | CLI_TIMEOUT | CLI_RECORDS | CLI_WORDS,
      cli_device_file },
};

/* ---- one pass ---- */

static void cli_device_add_value(struct json_object *to, const struct probe_reading *reading)
{
    struct json_object *value = NULL;

    if (reading->status == ST_OK && (reading->row->type == ROW_TEXT || reading->row->type == ROW_BLOCK))
        value = json_object_new_string(reading->text);
    else if (reading->status == ST_OK && isfinite(reading->value))
        value = json_object_new_double(reading->value);
    json_object_object_add(to, "value", value);
}

/* What a status says, by name. */
static void cli_device_add_faults(struct json_object *to, const struct probe_reading *reading)
{
    const char *names[FIELD_FAULTS_MAX];
    int32_t count = reading->status == ST_OK ? field_faults(reading->row->signal, reading->value, names) : -1;
    struct json_object *list;

    if (count < 0)
        return;
    list = json_object_new_array();
    for (int32_t i = 0; i < count; i++)
        json_object_array_add(list, json_object_new_string(names[i]));
    json_object_object_add(to, "faults", list);
}

static struct json_object *cli_device_reading(const struct probe_reading *reading, int64_t now_us)
{
    struct json_object *to = json_object_new_object();

    json_object_object_add(to, "signal", json_object_new_string(signal_name(reading->row->signal)));
    if (reading->row->index > 0)
        json_object_object_add(to, "index", json_object_new_int(reading->row->index));
    cli_device_add_value(to, reading);
    json_object_object_add(to, "unit", json_object_new_string(signal_unit(reading->row->signal)));
    json_object_object_add(to, "age_ms",
                           reading->taken_us > 0
                               ? json_object_new_double((double)(now_us - reading->taken_us) / 1e3)
                               : NULL);
    json_object_object_add(to, "status", json_object_new_string(status_label(reading->status)));
    cli_device_add_faults(to, reading);
    if (reading->row->writable) {
        json_object_object_add(to, "min", json_object_new_double(reading->row->write.min));
        json_object_object_add(to, "max", json_object_new_double(reading->row->write.max));
    }
    return to;
}

void cli_device_add(struct json_object *to, const struct probe_reading *list, int32_t count,
                    const char *signal)
{
    struct json_object *readings = json_object_new_array(), *absent = json_object_new_array();
    int64_t now_us = clock_now_us();
    int errors = 0;

    for (int32_t i = 0; i < count; i++) {
        struct cli_signal name = cli_hand_signal(list[i].row->signal, list[i].row->index);

        if (list[i].status == ST_NONE || (signal && strcmp(name.text, signal) != 0))
            continue;
        if (list[i].status == ST_ABSENT) {
            json_object_array_add(absent, json_object_new_string(name.text));
            continue;
        }
        errors += list[i].status != ST_OK;
        json_object_array_add(readings, cli_device_reading(&list[i], now_us));
    }
    json_object_object_add(to, "readings", readings);
    json_object_object_add(to, "absent", absent);
    json_object_object_add(to, "errors", json_object_new_int(errors));
}

/* ---- for people ---- */

static void cli_device_cell(struct cli_table *table, struct json_object *reading)
{
    const char *unit = cli_text(reading, "unit", "");
    double value = cli_number(reading, "value");

    if (strcmp(unit, "text") == 0 && strlen(cli_text(reading, "value", "")) > CLI_DEVICE_CELL)
        cli_cell(table, CLI_DIM, "below");
    else if (strcmp(unit, "text") == 0)
        cli_cell(table, CLI_PLAIN, "%s", cli_text(reading, "value", "-"));
    else if (strcmp(unit, "bits") == 0 && value >= 0 && value < 4294967296.0)
        cli_cell(table, CLI_PLAIN, "0x%04x", (unsigned)value);
    else
        cli_cell(table, CLI_PLAIN, "%s", cli_quantity(value, unit).text);
}

static void cli_device_range(struct cli_table *table, struct json_object *reading)
{
    double min = cli_number(reading, "min"), max = cli_number(reading, "max");

    if (isnan(min) || isnan(max))
        cli_cell(table, CLI_DIM, " ");
    else
        cli_cell(table, CLI_DIM, "%.10g to %.10g", min, max);
}

/* A block, which no cell holds. */
static void cli_device_print_long(struct cli *cli, struct json_object *reading)
{
    const char *text = cli_text(reading, "value", "");

    if (strlen(text) <= CLI_DEVICE_CELL)
        return;
    cli_say(cli, CLI_PLAIN, "%s:\n", cli_text(reading, "signal", "-"));
    for (size_t at = 0; at < strlen(text); at += CLI_DEVICE_CELL)
        cli_say(cli, CLI_PLAIN, "  %.*s\n", CLI_DEVICE_CELL, text + at);
}

static void cli_device_print_faults(struct cli *cli, struct json_object *reading)
{
    if (cli_length(reading, "faults") == 0)
        return;
    cli_say(cli, CLI_WARN, "%s:", cli_text(reading, "signal", "-"));
    for (size_t i = 0; i < cli_length(reading, "faults"); i++)
        cli_say(cli, CLI_WARN, " %s", json_object_get_string(cli_item(reading, "faults", i)));
    cli_say(cli, CLI_PLAIN, "\n");
}

void cli_device_print(struct cli *cli, struct json_object *pass)
{
    static const struct cli_column columns[] = {
        { "SIGNAL", false }, { "VALUE", true },     { "AGE", true },
        { "STATUS", false }, { "WRITABLE", false }, { NULL, false },
    };
    struct cli_table *table = cli_table_new(columns);

    for (size_t i = 0; i < cli_length(pass, "readings"); i++) {
        struct json_object *reading = cli_item(pass, "readings", i);
        const char *status = cli_text(reading, "status", "-");
        int64_t index = cli_count(reading, "index");

        if (index > 0)
            cli_cell(table, CLI_PLAIN, "%s.%d", cli_text(reading, "signal", "-"), (int)index);
        else
            cli_cell(table, CLI_PLAIN, "%s", cli_text(reading, "signal", "-"));
        cli_device_cell(table, reading);
        cli_cell(table, CLI_PLAIN, "%s", cli_span(cli_number(reading, "age_ms")).text);
        cli_cell(table, strcmp(status, "ok") == 0 ? CLI_PLAIN : CLI_BAD, "%s", status);
        cli_device_range(table, reading);
    }
    cli_table_print(cli, table);
    for (size_t i = 0; i < cli_length(pass, "readings"); i++) {
        cli_device_print_long(cli, cli_item(pass, "readings", i));
        cli_device_print_faults(cli, cli_item(pass, "readings", i));
    }
    if (cli_length(pass, "absent") > 0) {
        cli_say(cli, CLI_PLAIN, "\n");
        cli_say(cli, CLI_DIM, "absent:");
    }
    for (size_t i = 0; i < cli_length(pass, "absent"); i++)
        cli_say(cli, CLI_DIM, " %s", json_object_get_string(cli_item(pass, "absent", i)));
    if (cli_length(pass, "absent") > 0)
        cli_say(cli, CLI_PLAIN, "\n");
}

static void cli_device_print_head(struct cli *cli, struct json_object *document)
{
    const char *profile = cli_text(document, "profile", "");

    cli_say(cli, CLI_BOLD, "%s", cli_text(document, "link", ""));
    cli_say(cli, CLI_PLAIN, "  %s%s  model %s  serial %s  firmware %s", profile[0] ? "profile " : "", profile,
            cli_text(document, "model", "-"), cli_text(document, "serial", "-"),
            cli_text(document, "firmware", "-"));
    if (strcmp(cli_text(document, "through", "bus"), "bus") != 0)
        cli_say(cli, CLI_DIM, "  through the daemon");
    cli_say(cli, CLI_PLAIN, "\n");
    cli_say(cli, CLI_PLAIN, "\n");
}

/* ---- read ---- */

struct json_object *cli_device_document(struct cli *cli, const char *profile)
{
    struct json_object *to = json_object_new_object();

    json_object_object_add(to, "link", json_object_new_string(cli->link));
    json_object_object_add(to, "profile", profile ? json_object_new_string(profile) : NULL);
    return to;
}

static void cli_device_add_text(struct json_object *to, const char *key, const char *text)
{
    json_object_object_add(to, key, text[0] ? json_object_new_string(text) : NULL);
}

static int cli_device_read_bus(struct cli_hand *hand, struct json_object **ret)
{
    struct cli *cli = hand->cli;
    struct probe_reading *list;
    struct probe_device device;
    bool wanted[PROFILE_ROWS_MAX] = { false };
    struct json_object *to;
    int32_t only;
    enum status st;

    if (cli_hand_choose(hand, CLI_HAND_READ) != CLI_DONE)
        return CLI_FAILED;
    only = cli->signal ? cli_hand_row(&hand->profile, cli->signal) : ROW_NONE;
    if (cli->signal && only == ROW_NONE)
        return cli_fail(cli, "profile %s has no %s", hand->profile.name, cli->signal);
    if (only != ROW_NONE)
        wanted[only] = true;
    list = calloc((size_t)hand->profile.row_count + 1, sizeof *list);
    if (!list)
        return cli_fail(cli, "out of memory");
    st = probe_read(hand->probe, hand->link.first, &hand->profile, only != ROW_NONE ? wanted : NULL, list,
                    &device);
    if (st != ST_OK) {
        free(list);
        return cli_fail(cli, "%s: %s", hand->link.bus.name, hand->error[0] ? hand->error : "the bus is gone");
    }
    to = cli_device_document(cli, hand->profile.name);
    json_object_object_add(to, "through", json_object_new_string("bus"));
    cli_device_add_text(to, "model", device.model);
    cli_device_add_text(to, "serial", device.serial);
    cli_device_add_text(to, "firmware", device.firmware);
    json_object_object_add(to, "matched", json_object_new_boolean(device.matched));
    cli_device_add(to, list, hand->profile.row_count, cli->signal);
    free(list);
    *ret = to;
    return CLI_DONE;
}

static int cli_device_read_daemon(struct cli_hand *hand, const struct cli_device_daemon *daemon,
                                  struct json_object **ret)
{
    struct json_object *to = cli_device_document(hand->cli, daemon->profile[0] ? daemon->profile : NULL);

    json_object_object_add(to, "through", json_object_new_string("daemon"));
    if (cli_device_daemon_read(hand, daemon, to) != CLI_DONE) {
        json_object_put(to);
        return CLI_FAILED;
    }
    *ret = to;
    return CLI_DONE;
}

static int cli_device_read_hand(struct cli_hand *hand)
{
    struct cli *cli = hand->cli;
    struct cli_device_daemon daemon;
    struct json_object *to = NULL;
    int rc = cli_device_daemon(hand, &daemon);

    if (rc == CLI_DONE)
        rc = daemon.holds ? cli_device_read_daemon(hand, &daemon, &to) : cli_device_read_bus(hand, &to);
    if (rc != CLI_DONE)
        return rc;
    rc = cli_count(to, "errors") > 0 ? CLI_NOT_HELD : CLI_DONE;
    json_object_object_add(to, "notes", cli_hand_notes(hand));
    if (cli->json) {
        rc = cli_print_json(cli, to) == CLI_DONE ? rc : CLI_FAILED;
    } else {
        cli_device_print_head(cli, to);
        cli_device_print(cli, to);
        for (int i = 0; i < hand->note_count; i++)
            cli_say(cli, CLI_WARN, "%s\n", hand->notes[i]);
    }
    json_object_put(to);
    return rc;
}

int cli_device_read(struct cli *cli)
{
    struct cli_hand hand;
    int rc = cli_hand_init(&hand, cli, CLI_HAND_ONE);

    if (rc == CLI_DONE)
        rc = cli_device_redfish_itself(&hand) ? cli_device_redfish(&hand) : cli_device_read_hand(&hand);
    cli_hand_done(&hand);
    return rc;
}

/* ---- which command ---- */

int cli_device(struct cli *cli)
{
    const char *what = cli->words[0];

    for (size_t i = 0; i < sizeof cli_device_commands / sizeof *cli_device_commands; i++) {
        unsigned wrong = cli->given & ~cli_device_commands[i].options;

        if (strcmp(what, cli_device_commands[i].name) != 0)
            continue;
        if (wrong)
            return cli_fail(cli, "device %s takes no %s: see busbarctl device --help", what,
                            cli_options_name(wrong));
        if (cli->word_count != 1 + cli_device_commands[i].words_count)
            return cli_fail(cli, "it is: busbarctl device %s%s --link LINK ...", what,
                            cli_device_commands[i].words);
        return cli_device_commands[i].run(cli);
    }
    return cli_fail(cli, "it is: busbarctl device scan|read|write|watch|file --link LINK ...");
}
