/* SPDX-License-Identifier: Apache-2.0 */
/* cli_device_scan.c: what answers on a bus, by the model registers of profiles.
 *
 * Reads only, and never changes how a device speaks: a serial line is tried at every
 * speed that profiles name, ours alone. Progress goes to a terminal's standard error.
 */
#include "cli_device_scan.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_table.h"
#include "cli_value.h"

#define CLI_SCAN_MODBUS_LAST 247
#define CLI_SCAN_SMBUS_FIRST 0x08
#define CLI_SCAN_SMBUS_LAST  0x77

void cli_scan_progress(const struct cli_scan *scan, int32_t address)
{
    const struct cli *cli = scan->hand->cli;
    int fd = fileno(cli->err);

    if (fd >= 0 && isatty(fd))
        (void)fprintf(cli->err, "\r%s: address 0x%02x, %d of %d, %d found\033[K", scan->hand->link.bus.name,
                      (unsigned)address, (int)scan->asked, (int)scan->to_ask,
                      (int)json_object_array_length(scan->found));
}

static void cli_scan_progress_end(const struct cli_scan *scan)
{
    const struct cli *cli = scan->hand->cli;
    int fd = fileno(cli->err);

    if (fd >= 0 && isatty(fd))
        (void)fprintf(cli->err, "\r\033[K");
}

/* Do two profiles ask for the same words? */
static bool cli_scan_same(const struct profile *a, const struct profile *b)
{
    return a->match_address == b->match_address && a->match_command == b->match_command && a->pec == b->pec;
}

static bool cli_scan_same_line(const struct profile *a, const struct profile *b)
{
    return a->baud == b->baud && a->parity == b->parity;
}

/* Asked by an earlier profile, at this speed? */
static bool cli_scan_asked(const struct cli_scan *scan, int32_t candidate, bool line)
{
    for (int32_t i = 0; i < candidate; i++)
        if (cli_scan_same(&scan->list[i], &scan->list[candidate]) &&
            (!line || cli_scan_same_line(&scan->list[i], &scan->list[candidate])))
            return true;
    return false;
}

const char *cli_scan_name(const struct cli_scan *scan, const struct profile *asked, const char *model)
{
    const char *best = NULL;
    int most = 0;

    for (int32_t i = 0; i < scan->count; i++) {
        int letters = cli_hand_letters(&scan->list[i]);

        if (letters == 0 || !cli_scan_same(&scan->list[i], asked) || !cli_hand_fits(&scan->list[i], model))
            continue;
        if (letters >= most)
            best = letters == most ? NULL : scan->list[i].name;
        most = letters > most ? letters : most;
    }
    return best;
}

void cli_scan_add(struct cli_scan *scan, int32_t address, const char *model, const char *profile,
                  enum status st)
{
    struct json_object *to = json_object_new_object();
    char link[CLI_LINK_MAX];

    cli_link_write(&scan->hand->link, address, link);
    json_object_object_add(to, "address", json_object_new_int(address));
    json_object_object_add(to, "link", json_object_new_string(link));
    json_object_object_add(to, "model", model[0] ? json_object_new_string(model) : NULL);
    json_object_object_add(to, "profile", profile ? json_object_new_string(profile) : NULL);
    json_object_object_add(to, "status", json_object_new_string(status_label(st)));
    json_object_array_add(scan->found, to);
}

/* One address: the first model text that a profile fits, else whatever answered. */
static int cli_scan_address(struct cli_scan *scan, int32_t address)
{
    bool line = scan->hand->link.bus.kind == CONF_BUS_MODBUS_RTU && !scan->hand->link.serial_given;
    const struct profile *by = NULL;
    struct probe_answer best = { .present = false };

    for (int32_t i = 0; i < scan->count; i++) {
        struct probe_answer answer;

        if (cli_scan_asked(scan, i, line) || (line && (scan->list[i].baud != scan->hand->link.bus.baud ||
                                                       scan->list[i].parity != scan->hand->link.bus.parity)))
            continue;
        if (probe_ask(scan->hand->probe, address, &scan->list[i], &answer) != ST_OK)
            return cli_fail(scan->hand->cli, "%s: %s", scan->hand->link.bus.name,
                            scan->hand->error[0] ? scan->hand->error : "the bus is gone");
        if (!answer.present) {
            if (!by && scan->hand->link.bus.kind != CONF_BUS_SMBUS_LINUX &&
                scan->hand->link.bus.kind != CONF_BUS_SMBUS_SOCKET)
                break; /* Modbus: who is there refuses at least */
            continue;
        }
        if (!by || (!best.model[0] && answer.model[0])) {
            best = answer;
            by = &scan->list[i];
        }
        if (answer.model[0] && cli_scan_name(scan, &scan->list[i], answer.model)) {
            best = answer;
            by = &scan->list[i];
            break;
        }
    }
    if (by) {
        scan->seen[address] = true;
        cli_scan_add(scan, address, best.model, cli_scan_name(scan, by, best.model), best.status);
    }
    return CLI_DONE;
}

static int cli_scan_range(struct cli_scan *scan)
{
    const struct cli_link *link = &scan->hand->link;
    int rc = CLI_DONE;

    for (int32_t address = link->first; address <= link->last && rc == CLI_DONE; address++) {
        scan->asked++;
        cli_scan_progress(scan, address);
        if (!scan->seen[address])
            rc = cli_scan_address(scan, address);
    }
    return rc;
}

/* A serial line once at each speed that profiles name; any other bus once. */
static int cli_scan_all(struct cli_scan *scan)
{
    struct cli_hand *hand = scan->hand;
    bool line = hand->link.bus.kind == CONF_BUS_MODBUS_RTU && !hand->link.serial_given;
    int32_t addresses = hand->link.last - hand->link.first + 1, lines = 0;
    int rc = CLI_DONE;

    for (int32_t i = 0; i < scan->count; i++) {
        bool before = false;

        for (int32_t k = 0; k < i; k++)
            before = before || cli_scan_same_line(&scan->list[k], &scan->list[i]);
        lines += !before;
    }
    scan->to_ask = line ? addresses * lines : addresses;
    for (int32_t i = 0; i < scan->count && rc == CLI_DONE; i++) {
        bool before = i > 0 && !line;

        for (int32_t k = 0; k < i; k++)
            before = before || cli_scan_same_line(&scan->list[k], &scan->list[i]);
        if (before)
            continue;
        cli_hand_serial(hand, &scan->list[i]);
        hand->probe = probe_free(hand->probe);
        rc = cli_hand_open(hand);
        if (rc == CLI_DONE)
            rc = cli_scan_range(scan);
    }
    return rc;
}

static int cli_scan_print(struct cli_scan *scan)
{
    static const struct cli_column columns[] = {
        { "LINK", false }, { "MODEL", false }, { "PROFILE", false }, { NULL, false }
    };
    struct cli *cli = scan->hand->cli;
    size_t found = json_object_array_length(scan->found);
    struct json_object *to;
    int rc = found > 0 ? CLI_DONE : CLI_NOT_HELD;

    to = json_object_new_object();
    json_object_object_add(to, "link", json_object_new_string(cli->link));
    json_object_object_add(to, "asked", json_object_new_int(scan->asked));
    json_object_object_add(to, "found", json_object_get(scan->found));
    json_object_object_add(to, "notes", cli_hand_notes(scan->hand));
    if (cli->json) {
        rc = cli_print_json(cli, to) == CLI_DONE ? rc : CLI_FAILED;
    } else {
        struct cli_table *table = cli_table_new(columns);

        for (size_t i = 0; i < found; i++) {
            struct json_object *one = cli_item(to, "found", i);

            cli_cell(table, CLI_PLAIN, "%s", cli_text(one, "link", "-"));
            cli_cell(table, CLI_PLAIN, "%s", cli_text(one, "model", "-"));
            cli_cell(table, CLI_PLAIN, "%s", cli_text(one, "profile", "-"));
        }
        cli_table_print(cli, table);
        cli_say(cli, CLI_PLAIN, "\n");
        cli_say(cli, CLI_DIM, "%zu found at %d addresses\n", found, (int)scan->asked);
        for (int i = 0; i < scan->hand->note_count; i++)
            cli_say(cli, CLI_WARN, "%s\n", scan->hand->notes[i]);
    }
    json_object_put(to);
    return rc;
}

static void cli_scan_whole(struct cli_link *link)
{
    bool smbus = link->bus.kind == CONF_BUS_SMBUS_LINUX || link->bus.kind == CONF_BUS_SMBUS_SOCKET;

    if (link->first > 0)
        return;
    link->first = smbus ? CLI_SCAN_SMBUS_FIRST : 1;
    link->last = smbus ? CLI_SCAN_SMBUS_LAST : CLI_SCAN_MODBUS_LAST;
}

/* The one profile of --profile, or all of the protocol that have a match. */
static int cli_scan_candidates(struct cli_scan *scan)
{
    struct cli_hand *hand = scan->hand;
    int32_t kept = 0;

    if (hand->profiled) {
        scan->list = calloc(1, sizeof *scan->list);
        if (!scan->list)
            return cli_fail(hand->cli, "out of memory");
        scan->list[0] = hand->profile; /* its rows are the list's now */
        hand->profiled = false;
        scan->count = 1;
        return CLI_DONE;
    }
    scan->count = cli_hand_candidates(hand, &scan->list);
    for (int32_t i = 0; i < scan->count; i++) {
        if (scan->list[i].match_address != ROW_NONE || scan->list[i].match_command != ROW_NONE)
            scan->list[kept++] = scan->list[i];
        else
            profile_done(&scan->list[i]);
    }
    scan->count = scan->count < 0 ? scan->count : kept;
    if (scan->count == 0)
        return cli_fail(hand->cli, "no profile of this protocol has a match to ask for");
    return scan->count > 0 ? CLI_DONE : CLI_FAILED;
}

int cli_device_scan(struct cli *cli)
{
    struct cli_hand hand;
    struct cli_scan scan = { .hand = &hand, .found = json_object_new_array() };
    struct cli_device_daemon daemon = { .holds = false };
    int rc = cli_hand_init(&hand, cli, CLI_HAND_MANY);

    if (rc == CLI_DONE && hand.link.bus.kind == CONF_BUS_REDFISH)
        rc = cli_fail(cli, "a BMC has one address: busbarctl device read --link %s", cli->link);
    if (rc == CLI_DONE)
        cli_device_daemon_bus(&hand, &daemon);
    if (rc == CLI_DONE && daemon.holds)
        rc = cli_fail(
            cli,
            "%s: the daemon holds this bus: busbarctl devices lists what it knows there, or stop busbard",
            cli->link);
    cli_scan_whole(&hand.link);
    if (rc == CLI_DONE)
        rc = cli_scan_candidates(&scan);
    if (rc == CLI_DONE) {
        rc = cli->speeds ? cli_scan_speeds(&scan) : cli_scan_all(&scan);
        cli_scan_progress_end(&scan);
    }
    if (rc == CLI_DONE)
        rc = cli_scan_print(&scan);
    cli_hand_candidates_done(scan.list, scan.count);
    json_object_put(scan.found);
    cli_hand_done(&hand);
    return rc;
}
