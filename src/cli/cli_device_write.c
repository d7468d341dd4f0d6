/* SPDX-License-Identifier: Apache-2.0 */
/* cli_device_write.c: one row of one device, written by hand.
 *
 * Owns the rules that come before the bus: what may be written at all, within which
 * limits, and the word that a supply's settings ask for. The original is recorded by
 * the same code as the daemon's, under the name the daemon knows the device by, where
 * a configuration tells it.
 */
#include "cli_device.h"

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "busbar/clock.h"
#include "cli_table.h"
#include "cli_value.h"

#define CLI_WRITE_CONFIG      "/etc/busbar/busbar.yaml"
#define CLI_WRITE_TIMEOUT_MS  60000
#define CLI_WRITE_LOOK_US     100000 /* between two looks at what the daemon does    */
#define CLI_WRITE_PATIENCE_US 30000000

struct cli_write {
    struct cli_hand hand;
    int32_t row;
    bool release;
    double value;
    char device[CONF_NAME_MAX]; /* the original is kept under it                */
    char state_dir[CONF_PATH_MAX];
};

/* ---- what may be written ---- */

/* What the busbar hangs on asks for a word of its own. */
static bool cli_write_needs_yes(enum signal signal)
{
    return strncmp(signal_name(signal), "psu_", 4) == 0;
}

int cli_device_number(struct cli *cli, const char *text, double *ret, bool *ret_original)
{
    char *end = NULL;

    *ret_original = strcmp(text, "original") == 0;
    if (*ret_original)
        return CLI_DONE;
    errno = 0;
    *ret = strtod(text, &end);
    if (end == text || *end || !isfinite(*ret))
        return cli_fail(cli, "'%s' is no number, and not the word original", text);
    return CLI_DONE;
}

static int cli_write_value(struct cli_write *w, const char *text, double min, double max, const char *unit)
{
    if (cli_device_number(w->hand.cli, text, &w->value, &w->release) != CLI_DONE)
        return CLI_FAILED;
    if (!w->release && (w->value < min || w->value > max))
        return cli_fail(w->hand.cli, "%s: %s is outside %.10g to %.10g %s", w->hand.cli->words[1], text, min,
                        max, unit);
    return CLI_DONE;
}

/* A time-out is the row's own, or there is none and what was written stays. */
static int cli_write_for(const struct cli_write *w)
{
    const struct profile_row *rows = w->hand.profile.rows, *row = &rows[w->row];
    struct cli *cli = w->hand.cli;
    const struct row_write *limits;

    if (!(cli->given & CLI_FOR))
        return CLI_DONE;
    if (row->write.timeout == ROW_NONE)
        return cli_fail(cli, "--for: %s has no time-out of its own in profile %s: what is written stays",
                        cli->words[1], w->hand.profile.name);
    limits = &rows[row->write.timeout].write;
    if ((double)cli->for_ms < 1e3 * limits->min || (double)cli->for_ms > 1e3 * limits->max)
        return cli_fail(cli, "--for %lld: %s takes %.10g to %.10g ms", (long long)cli->for_ms,
                        signal_name(rows[row->write.timeout].signal), 1e3 * limits->min, 1e3 * limits->max);
    return CLI_DONE;
}

static int cli_write_row(struct cli_write *w)
{
    struct cli *cli = w->hand.cli;
    const struct profile *profile = &w->hand.profile;
    const struct profile_row *row;

    w->row = cli_hand_row(profile, cli->words[1]);
    if (w->row == ROW_NONE)
        return cli_fail(cli, "profile %s has no %s", profile->name, cli->words[1]);
    row = &profile->rows[w->row];
    if (!row->writable)
        return cli_fail(cli, "%s is not writable: profile %s has no write limits for it", cli->words[1],
                        profile->name);
    if (profile->match_address == ROW_NONE && profile->match_command == ROW_NONE)
        return cli_fail(
            cli, "profile %s has no match: a device that cannot be told from another is not written to",
            profile->name);
    if (cli_write_needs_yes(row->signal) && !cli->yes)
        return cli_fail(cli, "%s is a setting of a power supply, which the busbar hangs on: say --yes",
                        cli->words[1]);
    if (cli_write_for(w) != CLI_DONE)
        return CLI_FAILED;
    return cli_write_value(w, cli->words[2], row->write.min, row->write.max, signal_unit(row->signal));
}

/* ---- under which name ---- */

static bool cli_write_is_here(const struct conf *conf, const struct conf_device *device,
                              const struct cli_link *link)
{
    struct cli_link other = { .bus = conf->buses[device->bus] };

    return other.bus.kind != CONF_BUS_REDFISH && cli_link_same_bus(&other, link) &&
           device->address == link->first;
}

const char *cli_device_config(const struct cli *cli)
{
    return cli->config ? cli->config : access(CLI_WRITE_CONFIG, R_OK) == 0 ? CLI_WRITE_CONFIG : NULL;
}

int cli_device_conf(struct cli *cli, const char *path, struct conf **ret)
{
    struct conf_errors errors = { .count = 0 };
    enum status st = conf_load(path, ret, &errors);

    if (st != ST_OK && errors.count > 0)
        conf_errors_print(&errors, cli->err);
    else if (st != ST_OK)
        (void)cli_fail(cli, "%s: cannot be read (%s)", path, status_label(st));
    conf_errors_done(&errors);
    return st == ST_OK ? CLI_DONE : CLI_FAILED;
}

/* The device's name in the configuration, and where that keeps its state. */
static int cli_write_from_config(struct cli_write *w, const char *path)
{
    struct conf *conf = NULL;

    if (cli_device_conf(w->hand.cli, path, &conf) != CLI_DONE)
        return CLI_FAILED;
    for (int32_t d = 0; d < conf->device_count; d++)
        if (cli_write_is_here(conf, &conf->devices[d], &w->hand.link))
            (void)snprintf(w->device, sizeof w->device, "%s", conf->devices[d].name);
    (void)snprintf(w->state_dir, sizeof w->state_dir, "%s", conf->state_dir);
    conf_free(conf);
    return CLI_DONE;
}

int cli_device_kept(struct cli *cli)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    const char *name = cli->name;

    if (name && (name[0] == '\0' || name[0] == '.' || strlen(name) >= CONF_NAME_MAX ||
                 strspn(name, letters) != strlen(name)))
        return cli_fail(cli, "--name '%s': it is 1 to %d letters, digits, - _ . and begins with no dot", name,
                        CONF_NAME_MAX - 1);
    if (cli->state_dir && strlen(cli->state_dir) >= CONF_PATH_MAX)
        return cli_fail(cli, "--state-dir: longer than %d letters", CONF_PATH_MAX - 1);
    return CLI_DONE;
}

static int cli_write_place(struct cli_write *w)
{
    const struct cli *cli = w->hand.cli;
    const char *config = cli_device_config(cli);
    int rc = cli_device_kept(w->hand.cli);

    if (rc != CLI_DONE)
        return rc;
    (void)snprintf(w->state_dir, sizeof w->state_dir, "%s", CLI_DEVICE_STATE_DIR);
    cli_link_name(&w->hand.link, w->device);
    if (config)
        rc = cli_write_from_config(w, config);
    if (cli->state_dir)
        (void)snprintf(w->state_dir, sizeof w->state_dir, "%.255s", cli->state_dir);
    if (cli->name)
        (void)snprintf(w->device, sizeof w->device, "%.47s", cli->name);
    return rc;
}

/* ---- the answer ---- */

static void cli_write_number(struct json_object *to, const char *key, double value)
{
    json_object_object_add(to, key, isfinite(value) ? json_object_new_double(value) : NULL);
}

static struct json_object *cli_write_original(const struct probe_outcome *outcome)
{
    const struct original *o = &outcome->original;
    struct json_object *to;

    if (!outcome->recorded)
        return NULL;
    to = json_object_new_object();
    cli_write_number(to, "value", o->value);
    json_object_object_add(to, "gate", o->gate < 0 ? NULL : json_object_new_int(o->gate));
    json_object_object_add(to, "enable", o->enable < 0 ? NULL : json_object_new_int(o->enable));
    cli_write_number(to, "timeout_s", o->timeout);
    return to;
}

static struct json_object *cli_write_document(const struct cli_write *w, const struct probe_outcome *outcome)
{
    const struct profile_row *row = &w->hand.profile.rows[w->row];
    struct json_object *to = cli_device_document(w->hand.cli, w->hand.profile.name);
    double original = outcome->recorded ? outcome->original.value : NAN;

    json_object_object_add(to, "through", json_object_new_string("bus"));
    json_object_object_add(to, "signal", json_object_new_string(w->hand.cli->words[1]));
    json_object_object_add(to, "unit", json_object_new_string(signal_unit(row->signal)));
    cli_write_number(to, "value", w->release ? original : w->value);
    cli_write_number(to, "before", outcome->before);
    cli_write_number(to, "readback", outcome->readback);
    json_object_object_add(to, "status", json_object_new_string(status_label(outcome->status)));
    json_object_object_add(to, "device", json_object_new_string(w->device));
    json_object_object_add(to, "state_dir", json_object_new_string(w->state_dir));
    json_object_object_add(to, "original", cli_write_original(outcome));
    json_object_object_add(to, "release", json_object_new_boolean(w->release));
    json_object_object_add(to, "notes", cli_hand_notes(&w->hand));
    return to;
}

static void cli_write_print(struct cli *cli, struct json_object *to)
{
    const char *unit = cli_text(to, "unit", ""), *status = cli_text(to, "status", "");
    struct json_object *original = cli_key(to, "original");
    bool good = strcmp(status, status_label(ST_OK)) == 0;

    cli_say(cli, CLI_BOLD, "%s %s\n", cli_text(to, "link", ""), cli_text(to, "signal", ""));
    cli_say(cli, CLI_PLAIN, "wanted     %s\n", cli_quantity(cli_number(to, "value"), unit).text);
    cli_say(cli, CLI_PLAIN, "before     %s\n", cli_quantity(cli_number(to, "before"), unit).text);
    cli_say(cli, CLI_PLAIN, "read back  %s\n", cli_quantity(cli_number(to, "readback"), unit).text);
    cli_say(cli, good ? CLI_GOOD : CLI_BAD, "status     %s\n", status);
    if (original && good && cli_bool(to, "release"))
        cli_say(cli, CLI_PLAIN, "original   put back, and forgotten in %s\n", cli_text(to, "state_dir", ""));
    else if (original)
        cli_say(cli, CLI_PLAIN, "original   %s, kept in %s as %s\n",
                cli_quantity(cli_number(original, "value"), unit).text, cli_text(to, "state_dir", ""),
                cli_text(to, "device", ""));
}

int cli_device_write_finish(struct cli *cli, struct json_object *to)
{
    int rc = strcmp(cli_text(to, "status", ""), status_label(ST_OK)) == 0 ? CLI_DONE : CLI_NOT_HELD;

    if (cli->json)
        rc = cli_print_json(cli, to) == CLI_DONE ? rc : CLI_FAILED;
    else
        cli_write_print(cli, to);
    json_object_put(to);
    return rc;
}

/* ---- on the bus ---- */

/* Nothing went out: why, in one line. */
static int cli_write_refused(const struct cli_write *w, const struct probe_outcome *outcome)
{
    struct cli *cli = w->hand.cli;

    if (!outcome->device.matched)
        return cli_fail(cli, "%s: model \"%s\" is not what profile %s is for (%s): nothing was written",
                        cli->link, outcome->device.model, w->hand.profile.name, w->hand.profile.match_text);
    if (w->release && !outcome->recorded)
        return cli_fail(cli, "no original of %s is recorded in %s as %s: nothing was written", cli->words[1],
                        w->state_dir, w->device);
    return cli_fail(cli, "%s: refused: %s", cli->words[1],
                    w->hand.error[0] ? w->hand.error : status_label(outcome->status));
}

static int cli_write_bus(struct cli_write *w)
{
    struct cli *cli = w->hand.cli;
    struct probe_write write = {
        .state_dir = w->state_dir, .device = w->device, .release = w->release, .value = w->value
    };
    struct probe_outcome outcome;

    if (cli_write_place(w) != CLI_DONE)
        return CLI_FAILED;
    write.row = w->row;
    write.timeout_us = (cli->for_ms > 0 ? cli->for_ms : CLI_WRITE_TIMEOUT_MS) * 1000;
    probe_write(w->hand.probe, w->hand.link.first, &w->hand.profile, &write, &outcome);
    if (outcome.status == ST_REFUSED || outcome.status == ST_RANGE)
        return cli_write_refused(w, &outcome);
    return cli_device_write_finish(cli, cli_write_document(w, &outcome));
}

/* ---- through the daemon ---- */

/* Waits until the lever holds the value, or says why not in time. */
static int cli_write_follow(struct cli_write *w, const char *lever, struct json_object *to)
{
    char *path = cli_path("/v1/levers?name=", lever);
    int64_t until_us = clock_now_us() + CLI_WRITE_PATIENCE_US;
    const char *status = status_label(ST_TIMEOUT);
    struct cli_answer answer;
    bool held = false;

    while (path && !held && clock_now_us() < until_us) {
        struct json_object *view;

        if (!cli_get(w->hand.cli, path, &answer)) {
            cli_answer_done(&answer);
            free(path);
            return CLI_FAILED;
        }
        view = cli_item(answer.json, "levers", 0);
        json_object_object_add(to, "readback", json_object_get(cli_key(view, "in_force")));
        held = strcmp(cli_text(view, "state", ""), "in_force") == 0 &&
               fabs(cli_number(view, "in_force") - w->value) <= 1e-3 * fabs(w->value) + 1e-6;
        cli_answer_done(&answer);
        if (!held)
            clock_sleep_until_us(clock_now_us() + CLI_WRITE_LOOK_US);
    }
    free(path);
    if (held)
        status = status_label(ST_OK);
    json_object_object_add(to, "status", json_object_new_string(status));
    return CLI_DONE;
}

static int cli_write_daemon(struct cli_write *w, const struct cli_device_daemon *daemon)
{
    struct cli *cli = w->hand.cli;
    struct json_object *to, *body;
    struct cli_answer answer;
    char lever[2 * CONF_NAME_MAX];
    char *path;
    int rc = CLI_FAILED;

    if (strncmp(cli->words[1], "psu_", 4) == 0 && !cli->yes)
        return cli_fail(cli, "%s is a setting of a power supply, which the busbar hangs on: say --yes",
                        cli->words[1]);
    if (cli->given & CLI_FOR)
        return cli_fail(cli, "--for: the daemon holds this bus, and renews time-outs as its configuration says");
    if (cli_write_value(w, cli->words[2], -HUGE_VAL, HUGE_VAL, "") != CLI_DONE)
        return CLI_FAILED;
    if (w->release)
        return cli_fail(cli,
                        "%s: the daemon holds this bus and puts originals back itself: busbard --restore",
                        cli->link);
    (void)snprintf(lever, sizeof lever, "%s.%.47s", daemon->name, cli->words[1]);
    path = cli_path("/v1/levers/", lever);
    if (!path)
        return cli_fail(cli, "out of memory");
    body = json_object_new_object();
    json_object_object_add(body, "value", json_object_new_double(w->value));
    to = cli_device_document(cli, daemon->profile[0] ? daemon->profile : NULL);
    if (cli_send(cli, "PUT", path, json_object_to_json_string(body), &answer)) {
        json_object_object_add(to, "through", json_object_new_string("daemon"));
        json_object_object_add(to, "signal", json_object_new_string(cli->words[1]));
        json_object_object_add(to, "unit", json_object_new_string(cli_text(answer.json, "unit", "")));
        cli_write_number(to, "value", w->value);
        json_object_object_add(to, "before", json_object_get(cli_key(answer.json, "before")));
        rc = cli_write_follow(w, lever, to);
    }
    cli_answer_done(&answer);
    json_object_put(body);
    free(path);
    if (rc == CLI_DONE)
        return cli_device_write_finish(cli, to);
    json_object_put(to);
    return rc;
}

int cli_device_write(struct cli *cli)
{
    struct cli_write w = { .value = NAN };
    struct cli_device_daemon daemon = { .holds = false };
    int rc = cli_hand_init(&w.hand, cli, CLI_HAND_ONE);

    if (rc == CLI_DONE && w.hand.link.bus.kind == CONF_BUS_REDFISH) {
        rc = cli_device_redfish_write(&w.hand);
        cli_hand_done(&w.hand);
        return rc;
    }
    if (rc == CLI_DONE)
        rc = cli_device_daemon(&w.hand, &daemon);
    if (rc == CLI_DONE && daemon.holds) {
        rc = cli_write_daemon(&w, &daemon);
    } else if (rc == CLI_DONE) {
        rc = cli_hand_choose(&w.hand, CLI_HAND_WRITE);
        if (rc == CLI_DONE)
            rc = cli_write_row(&w);
        if (rc == CLI_DONE)
            rc = cli_write_bus(&w);
    }
    cli_hand_done(&w.hand);
    return rc;
}
