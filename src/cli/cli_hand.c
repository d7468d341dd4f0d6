/* SPDX-License-Identifier: Apache-2.0 */
/* cli_hand.c: one bus and one profile in the hand of a command.
 *
 * Owns the bus and the profile. Waits for the bus. A profile is chosen by the model
 * text a device gives, never by its address, and never by a pattern that fits all.
 */
#include "cli_hand.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "busbar/log.h"

#define CLI_HAND_US_PER_MS 1000

static void cli_hand_said(enum log_level level, const char *who, const char *message, void *arg)
{
    struct cli_hand *hand = arg;
    char *to = level <= LOG_LEVEL_ERR ? hand->error : NULL;

    if (to)
        (void)snprintf(to, CLI_HAND_NOTE_MAX, "%s", message);
    if (level <= LOG_LEVEL_NOTICE && hand->note_count < CLI_HAND_NOTES_MAX)
        (void)snprintf(hand->notes[hand->note_count++], CLI_HAND_NOTE_MAX, "%.60s: %.170s", who, message);
}

/* ---- profiles ---- */

static bool cli_hand_is_file(const char *name)
{
    size_t length = strlen(name);

    return strchr(name, '/') || (length > 5 && strcmp(name + length - 5, ".yaml") == 0);
}

static int cli_hand_load_file(struct cli *cli, const char *path, struct profile *ret)
{
    struct conf_errors errors = { .count = 0 };
    enum status st = profile_load(path, ret, &errors);

    if (st != ST_OK && errors.count > 0)
        conf_errors_print(&errors, cli->err);
    else if (st != ST_OK)
        (void)cli_fail(cli, "%s: cannot be read (%s)", path, status_label(st));
    conf_errors_done(&errors);
    return st == ST_OK ? CLI_DONE : CLI_FAILED;
}

int cli_hand_folder(struct cli *cli)
{
    DIR *dir = cli->profiles ? opendir(cli->profiles) : NULL;

    if (cli->profiles && !dir)
        return cli_fail(cli, "--profiles %s: %s", cli->profiles, strerror(errno));
    if (dir)
        (void)closedir(dir);
    return CLI_DONE;
}

int cli_hand_load(struct cli *cli, const char *name, struct profile *ret)
{
    char path[CONF_PATH_MAX];

    if (cli_hand_is_file(name))
        return cli_hand_load_file(cli, name, ret);
    if (!profile_path(cli->profiles, name, path))
        return cli_fail(cli, "there is no profile '%s': busbarctl profile check all lists them", name);
    return cli_hand_load_file(cli, path, ret);
}

static bool cli_hand_is_smbus(const struct cli_hand *hand)
{
    return hand->link.bus.kind == CONF_BUS_SMBUS_LINUX || hand->link.bus.kind == CONF_BUS_SMBUS_SOCKET;
}

void cli_hand_candidates_done(struct profile *list, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        profile_done(&list[i]);
    free(list);
}

/* It cannot be chosen, and may be the very one. */
static void cli_hand_left_out(struct cli_hand *hand, const char *path)
{
    (void)snprintf(hand->broken, sizeof hand->broken,
                   "a profile with errors is left out: busbarctl profile check %.180s", path);
    cli_hand_note(hand, hand->broken);
}

int32_t cli_hand_candidates(struct cli_hand *hand, struct profile **ret)
{
    char **names = NULL, path[CONF_PATH_MAX];
    int32_t named = profile_names(hand->cli->profiles, &names), count = 0;
    struct profile *list = named >= 0 ? calloc((size_t)named + 1, sizeof *list) : NULL;

    for (int32_t i = 0; list && i < named; i++) {
        struct conf_errors errors = { .count = 0 };

        if (!profile_path(hand->cli->profiles, names[i], path))
            continue;
        if (profile_load(path, &list[count], &errors) != ST_OK)
            cli_hand_left_out(hand, path);
        else if (profile_is_pmbus(&list[count]) == cli_hand_is_smbus(hand))
            count++;
        else
            profile_done(&list[count]);
        conf_errors_done(&errors);
    }
    profile_names_done(names, named > 0 ? named : 0);
    if (!list) {
        (void)cli_fail(hand->cli, "out of memory");
        return -1;
    }
    *ret = list;
    return count;
}

int cli_hand_letters(const struct profile *profile)
{
    int letters = 0;

    for (const char *at = profile->match_text; *at; at++)
        letters += !strchr("*?[]", *at);
    return profile->match_address != ROW_NONE || profile->match_command != ROW_NONE ? letters : 0;
}

bool cli_hand_fits(const struct profile *profile, const char *model)
{
    return fnmatch(profile->match_text, model, 0) == 0;
}

/* ---- start and end ---- */

int cli_hand_init(struct cli_hand *hand, struct cli *cli, enum cli_hand_address address)
{
    const char *wrong;

    *hand = (struct cli_hand){ .cli = cli };
    if (!cli->link)
        return cli_fail(cli,
                        "which device? name it: --link i2c:/dev/i2c-0@0x40 (see busbarctl device --help)");
    wrong = cli_link_read(cli->link, &hand->link);
    if (wrong)
        return cli_fail(cli, "--link %s: %s", cli->link, wrong);
    if (address == CLI_HAND_ONE && hand->link.bus.kind != CONF_BUS_REDFISH &&
        hand->link.first != hand->link.last)
        return cli_fail(cli, "--link %s: one address, please: a range is for scan", cli->link);
    if (address == CLI_HAND_ONE && hand->link.bus.kind != CONF_BUS_REDFISH && hand->link.first == 0)
        return cli_fail(cli, "--link %s: it needs an address, as in %s@0x40", cli->link, cli->link);
    if (cli->timeout_ms > 0)
        hand->link.bus.timeout_us = cli->timeout_ms * CLI_HAND_US_PER_MS;
    if (cli_hand_folder(cli) != CLI_DONE)
        return CLI_FAILED;
    log_set_line_sink(cli_hand_said, hand);
    if (!cli->profile || hand->link.bus.kind == CONF_BUS_REDFISH)
        return CLI_DONE;
    if (cli_hand_load(cli, cli->profile, &hand->profile) != CLI_DONE)
        return CLI_FAILED;
    hand->profiled = true;
    if (profile_is_pmbus(&hand->profile) != cli_hand_is_smbus(hand))
        return cli_fail(cli, "profile %s speaks %s, which %s does not", hand->profile.name,
                        profile_is_pmbus(&hand->profile) ? "PMBus" : "Modbus", cli->link);
    cli_hand_serial(hand, &hand->profile);
    return CLI_DONE;
}

void cli_hand_done(struct cli_hand *hand)
{
    probe_free(hand->probe);
    if (hand->profiled)
        profile_done(&hand->profile);
    log_set_line_sink(NULL, NULL);
}

void cli_hand_serial(struct cli_hand *hand, const struct profile *profile)
{
    if (hand->link.bus.kind != CONF_BUS_MODBUS_RTU || hand->link.serial_given)
        return;
    hand->link.bus.baud = profile->baud;
    hand->link.bus.parity = profile->parity;
}

int cli_hand_open(struct cli_hand *hand)
{
    enum status st = probe_new(&hand->link.bus, &hand->probe);

    if (st == ST_OK)
        return CLI_DONE;
    return cli_fail(hand->cli, "%s: %s", hand->link.bus.name,
                    hand->error[0] ? hand->error : status_label(st));
}

/* ---- choosing ---- */

struct cli_hand_choice {
    const struct profile *best;
    int letters;
    bool tie, present;
    int asked;
    char model[DEVICE_TEXT_MAX];
};

/* One candidate against the device; texts were asked for where `choice->model` says so. */
static enum status cli_hand_try(struct cli_hand *hand, const struct profile *candidate,
                                struct cli_hand_choice *choice)
{
    struct probe_answer answer;
    enum status st = probe_ask(hand->probe, hand->link.first, candidate, &answer);

    if (st != ST_OK)
        return st;
    choice->asked++;
    choice->present = choice->present || answer.present;
    if (answer.model[0])
        memcpy(choice->model, answer.model, sizeof choice->model);
    if (answer.matched && cli_hand_letters(candidate) >= choice->letters) {
        choice->tie = choice->best && cli_hand_letters(candidate) == choice->letters;
        choice->letters = cli_hand_letters(candidate);
        choice->best = candidate;
    }
    return ST_OK;
}

static int cli_hand_try_all(struct cli_hand *hand, const struct profile *list, int32_t count,
                            struct cli_hand_choice *choice)
{
    for (int32_t i = 0; i < count; i++) {
        if (cli_hand_letters(&list[i]) == 0)
            continue;
        if (hand->link.bus.kind == CONF_BUS_MODBUS_RTU && !hand->link.serial_given &&
            (hand->link.bus.baud != list[i].baud || hand->link.bus.parity != list[i].parity)) {
            hand->probe = probe_free(hand->probe);
            cli_hand_serial(hand, &list[i]);
        }
        if (!hand->probe && cli_hand_open(hand) != CLI_DONE)
            return CLI_FAILED;
        if (cli_hand_try(hand, &list[i], choice) != ST_OK)
            return cli_fail(hand->cli, "%s: %s", hand->link.bus.name,
                            hand->error[0] ? hand->error : "the bus is gone");
    }
    return CLI_DONE;
}

static int cli_hand_use(struct cli_hand *hand, const struct profile *profile)
{
    if (cli_hand_load(hand->cli, profile->name, &hand->profile) != CLI_DONE)
        return CLI_FAILED;
    hand->profiled = hand->chosen = true;
    cli_hand_serial(hand, &hand->profile);
    hand->probe = probe_free(hand->probe); /* the next open has the profile's settings */
    return cli_hand_open(hand);
}

/* The one that fits any model; NULL: there is none, or more than one. */
static const struct profile *cli_hand_any(const struct profile *list, int32_t count)
{
    const struct profile *any = NULL;

    for (int32_t i = 0; i < count; i++) {
        if (strcmp(list[i].match_text, "*") != 0)
            continue;
        if (any)
            return NULL;
        any = &list[i];
    }
    return any;
}

/* `any` NULL: what no profile names is refused. */
static int cli_hand_take(struct cli_hand *hand, struct cli_hand_choice *choice, const struct profile *any)
{
    const char *also = hand->broken[0] ? "; " : "";
    char note[CLI_HAND_NOTE_MAX];

    if (choice->best && !choice->tie)
        return cli_hand_use(hand, choice->best);
    if (choice->best)
        return cli_fail(hand->cli,
                        "model \"%s\" fits more than one profile (%s is one): say which with --profile",
                        choice->model, choice->best->name);
    if (choice->asked == 0)
        return cli_fail(hand->cli, "no profile names a model to choose by: say which with --profile%s%s", also,
                        hand->broken);
    if (!choice->present)
        return cli_fail(hand->cli, "%s: nothing answers there that a profile knows: name one with --profile%s%s",
                        hand->cli->link, also, hand->broken);
    if (any && choice->model[0]) {
        (void)snprintf(note, sizeof note, "model \"%.64s\" is in no profile: read as %.64s, which fits any",
                       choice->model, any->name);
        cli_hand_note(hand, note);
        return cli_hand_use(hand, any);
    }
    return cli_fail(hand->cli, "%s: model \"%s\" is in no profile: name one with --profile%s%s",
                    hand->cli->link, choice->model, also, hand->broken);
}

int cli_hand_choose(struct cli_hand *hand, enum cli_hand_purpose purpose)
{
    struct cli_hand_choice choice = { .letters = 1 };
    struct profile *list = NULL;
    int32_t count;
    int rc;

    if (hand->profiled)
        return hand->probe ? CLI_DONE : cli_hand_open(hand);
    count = cli_hand_candidates(hand, &list);
    if (count < 0)
        return CLI_FAILED;
    rc = cli_hand_try_all(hand, list, count, &choice);
    if (rc == CLI_DONE)
        rc = cli_hand_take(hand, &choice, purpose == CLI_HAND_READ ? cli_hand_any(list, count) : NULL);
    cli_hand_candidates_done(list, count);
    return rc;
}

/* ---- words ---- */

void cli_hand_note(struct cli_hand *hand, const char *text)
{
    if (hand->note_count < CLI_HAND_NOTES_MAX)
        (void)snprintf(hand->notes[hand->note_count++], CLI_HAND_NOTE_MAX, "%s", text);
}

struct json_object *cli_hand_notes(const struct cli_hand *hand)
{
    struct json_object *notes = json_object_new_array();

    for (int i = 0; i < hand->note_count; i++)
        json_object_array_add(notes, json_object_new_string(hand->notes[i]));
    return notes;
}

struct cli_signal cli_hand_signal(enum signal signal, int32_t index)
{
    struct cli_signal ret;

    if (index > 0)
        (void)snprintf(ret.text, sizeof ret.text, "%.50s.%d", signal_name(signal), (int)index);
    else
        (void)snprintf(ret.text, sizeof ret.text, "%.63s", signal_name(signal));
    return ret;
}

int32_t cli_hand_row(const struct profile *profile, const char *name)
{
    for (int32_t r = 0; r < profile->row_count; r++)
        if (strcmp(cli_hand_signal(profile->rows[r].signal, profile->rows[r].index).text, name) == 0)
            return r;
    return ROW_NONE;
}
