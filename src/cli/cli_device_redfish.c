/* SPDX-License-Identifier: Apache-2.0 */
/* cli_device_redfish.c: everything one BMC tells of its power, read once.
 *
 * Without a user no session is opened; nothing but GET is sent. A property the BMC does
 * not have is named in `absent`. Progress goes to a terminal's standard error.
 */
#include "cli_device_redfish.h"

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_table.h"
#include "cli_value.h"

static void cli_redfish_progress(void *arg, int32_t asked, int32_t waiting)
{
    const struct cli *cli = arg;
    int fd = fileno(cli->err);

    if (fd >= 0 && isatty(fd))
        (void)fprintf(cli->err, "\r%d answers, %d waited for\033[K", (int)asked, (int)waiting);
}

void cli_redfish_progress_end(const struct cli *cli)
{
    int fd = fileno(cli->err);

    if (fd >= 0 && isatty(fd))
        (void)fprintf(cli->err, "\r\033[K");
}

int cli_redfish_options(struct cli *cli, const char *url, char password[CLI_REDFISH_PASSWORD_MAX],
                        struct redfish_survey_options *ret)
{
    *ret = (struct redfish_survey_options){ .url = url,
                                            .username = cli->user,
                                            .ca_file = cli->ca_file,
                                            .pin = cli->pin,
                                            .signals = true,
                                            .timeout_us = cli->timeout_ms * 1000,
                                            .progress = cli_redfish_progress,
                                            .arg = cli };
    ret->password = cli->user ? password : NULL;
    return cli_redfish_login(cli, password);
}

/* The first line of the file. */
static int cli_redfish_password(struct cli *cli, char ret[CLI_REDFISH_PASSWORD_MAX])
{
    FILE *file = fopen(cli->password_file, "re");
    bool good = file && fgets(ret, CLI_REDFISH_PASSWORD_MAX, file);
    int error = errno;

    if (file)
        (void)fclose(file);
    if (!file)
        return cli_fail(cli, "%s: no password can be read there: %s", cli->password_file, strerror(error));
    if (good)
        ret[strcspn(ret, "\r\n")] = '\0';
    if (!good || !ret[0] || strlen(ret) >= CONF_NAME_MAX)
        return cli_fail(cli, "%s: no password in its first line, allowed 1 to %d characters",
                        cli->password_file, CONF_NAME_MAX - 1);
    return CLI_DONE;
}

int cli_redfish_login(struct cli *cli, char password[CLI_REDFISH_PASSWORD_MAX])
{
    if (cli->pin && (strncmp(cli->pin, "sha256//", 8) != 0 || strlen(cli->pin) >= CONF_PATH_MAX))
        return cli_fail(cli, "--pin %s: it is sha256// and the hash of a public key in base64", cli->pin);
    if (cli->ca_file && access(cli->ca_file, R_OK) != 0)
        return cli_fail(cli, "--ca-file %s: %s", cli->ca_file, strerror(errno));
    if (cli->ca_file && strlen(cli->ca_file) >= CONF_PATH_MAX)
        return cli_fail(cli, "--ca-file %s: %d characters are allowed", cli->ca_file, CONF_PATH_MAX - 1);
    if (!cli->user != !cli->password_file)
        return cli_fail(cli, "--user NAME and --password-file FILE belong together");
    if (cli->user && (!cli->user[0] || strlen(cli->user) >= CONF_NAME_MAX))
        return cli_fail(cli, "--user %s: 1 to %d characters are allowed", cli->user, CONF_NAME_MAX - 1);
    return cli->user ? cli_redfish_password(cli, password) : CLI_DONE;
}

/* ---- the document ---- */

static void cli_redfish_text(struct json_object *to, const char *key, const char *text)
{
    json_object_object_add(to, key, text && text[0] ? json_object_new_string(text) : NULL);
}

static void cli_redfish_number(struct json_object *to, const char *key, double value)
{
    json_object_object_add(to, key, isfinite(value) ? json_object_new_double(value) : NULL);
}

static struct json_object *cli_redfish_next(struct json_object *list)
{
    struct json_object *to = json_object_new_object();

    json_object_array_add(list, to);
    return to;
}

/* `signal`: this one alone, by its name or the sensor's path; NULL: all. */
static void cli_redfish_readings(struct json_object *to, const struct redfish_survey *s, const char *signal)
{
    struct json_object *list = json_object_new_array();

    for (int32_t i = 0; i < s->reading_count; i++) {
        const struct redfish_survey_reading *r = &s->readings[i];
        struct json_object *one;

        if (signal && strcmp(r->signal, signal) != 0 && strcmp(r->path, signal) != 0)
            continue;
        one = cli_redfish_next(list);
        cli_redfish_text(one, "signal", r->signal);
        cli_redfish_number(one, "value", r->value);
        json_object_object_add(one, "unit", json_object_new_string(r->unit));
        cli_redfish_number(one, "age_ms", (double)r->age_us / 1e3);
        json_object_object_add(one, "status", json_object_new_string(status_label(r->status)));
        cli_redfish_text(one, "path", r->path);
        cli_redfish_text(one, "name", r->name);
    }
    json_object_object_add(to, "readings", list);
}

static void cli_redfish_absent(struct json_object *to, const struct redfish_survey *s)
{
    struct json_object *list = json_object_new_array();

    for (int32_t i = 0; i < s->absent_count; i++)
        json_object_array_add(list, json_object_new_string(s->absents[i].path));
    json_object_object_add(to, "absent", list);
}

void cli_redfish_limits(struct json_object *to, const char *key, const struct redfish_survey *s)
{
    struct json_object *list = json_object_new_array();

    for (int32_t i = 0; i < s->limit_count; i++) {
        const struct redfish_survey_limit *l = &s->limits[i];
        struct json_object *one = cli_redfish_next(list);

        cli_redfish_text(one, "path", l->path);
        cli_redfish_number(one, "min", l->min);
        cli_redfish_number(one, "max", l->max);
        cli_redfish_number(one, "value", l->value);
        cli_redfish_text(one, "unit", l->unit);
        json_object_object_add(one, "writable", json_object_new_boolean(l->writable));
        json_object_object_add(one, "off", json_object_new_boolean(l->off));
        cli_redfish_text(one, "why", l->why);
        cli_redfish_text(one, "name", l->name);
        cli_redfish_text(one, "context", l->context);
        cli_redfish_text(one, "mode", l->mode);
        cli_redfish_text(one, "exception", l->exception);
    }
    json_object_object_add(to, key, list);
}

static void cli_redfish_supplies(struct json_object *to, const struct redfish_survey *s)
{
    struct json_object *list = json_object_new_array();

    for (int32_t i = 0; i < s->supply_count; i++) {
        const struct redfish_survey_supply *p = &s->supplies[i];
        struct json_object *one = cli_redfish_next(list);

        cli_redfish_text(one, "path", p->path);
        cli_redfish_text(one, "name", p->name);
        cli_redfish_text(one, "maker", p->maker);
        cli_redfish_text(one, "model", p->model);
        cli_redfish_text(one, "serial", p->serial);
        cli_redfish_text(one, "firmware", p->firmware);
        cli_redfish_text(one, "state", p->state);
        cli_redfish_text(one, "health", p->health);
        cli_redfish_number(one, "capacity_w", p->capacity_w);
        cli_redfish_number(one, "input_w", p->input_w);
        cli_redfish_number(one, "output_w", p->output_w);
        cli_redfish_number(one, "input_v", p->input_v);
        cli_redfish_number(one, "input_a", p->input_a);
        json_object_object_add(one, "twin", json_object_new_boolean(p->twin));
    }
    json_object_object_add(to, "supplies", list);
}

static void cli_redfish_batteries(struct json_object *to, const struct redfish_survey *s)
{
    struct json_object *list = json_object_new_array();

    for (int32_t i = 0; i < s->battery_count; i++) {
        const struct redfish_survey_battery *b = &s->batteries[i];
        struct json_object *one = cli_redfish_next(list);

        cli_redfish_text(one, "path", b->path);
        cli_redfish_text(one, "name", b->name);
        cli_redfish_text(one, "maker", b->maker);
        cli_redfish_text(one, "model", b->model);
        cli_redfish_text(one, "serial", b->serial);
        cli_redfish_text(one, "state", b->state);
        cli_redfish_text(one, "health", b->health);
        cli_redfish_text(one, "charge_state", b->charge_state);
        cli_redfish_number(one, "capacity_j", b->capacity_j);
        cli_redfish_number(one, "stored_j", b->stored_j);
        cli_redfish_number(one, "charge_ratio", b->charge_ratio);
        cli_redfish_number(one, "health_ratio", b->health_ratio);
    }
    json_object_object_add(to, "batteries", list);
}

static void cli_redfish_failed(struct json_object *to, const struct redfish_survey *s)
{
    struct json_object *list = json_object_new_array();

    for (int32_t i = 0; i < s->error_count; i++) {
        struct json_object *one = cli_redfish_next(list);

        cli_redfish_text(one, "path", s->errors[i].path);
        json_object_object_add(one, "status", json_object_new_string(status_label(s->errors[i].status)));
        json_object_object_add(one, "code", json_object_new_int(s->errors[i].code));
        cli_redfish_text(one, "text", s->errors[i].text);
    }
    json_object_object_add(to, "failed", list);
}

static void cli_redfish_firmwares(struct json_object *to, const struct redfish_survey *s)
{
    struct json_object *list = json_object_new_array();

    for (int32_t i = 0; i < s->firmware_count; i++) {
        struct json_object *one = cli_redfish_next(list);

        cli_redfish_text(one, "id", s->firmwares[i].id);
        cli_redfish_text(one, "version", s->firmwares[i].version);
        cli_redfish_text(one, "path", s->firmwares[i].path);
    }
    json_object_object_add(to, "firmware_inventory", list);
}

static void cli_redfish_endpoints(struct json_object *to, const struct redfish_survey *s)
{
    struct json_object *list = json_object_new_array();

    for (int32_t i = 0; i < s->endpoint_count; i++) {
        const struct redfish_survey_endpoint *e = &s->endpoints[i];
        struct json_object *one = cli_redfish_next(list);

        cli_redfish_text(one, "methods", e->methods);
        cli_redfish_text(one, "pattern", e->pattern);
        json_object_object_add(one, "present", json_object_new_boolean(e->present > 0));
        json_object_object_add(one, "listed", json_object_new_int(e->listed));
        json_object_object_add(one, "answered", json_object_new_int(e->present));
        cli_redfish_text(one, "example", e->example);
    }
    json_object_object_add(to, "endpoints", list);
}

void cli_redfish_service(struct json_object *to, const struct redfish_survey *s)
{
    cli_redfish_text(to, "maker", s->maker[0] ? s->maker : s->vendor);
    cli_redfish_text(to, "model", s->model);
    cli_redfish_text(to, "serial", s->serial);
    cli_redfish_text(to, "firmware", s->firmware);
    cli_redfish_text(to, "bmc_kind", s->bmc_kind);
    cli_redfish_text(to, "redfish_version", s->redfish_version);
    cli_redfish_text(to, "product", s->product);
    cli_redfish_text(to, "uuid", s->uuid);
    json_object_object_add(to, "gpus", json_object_new_int(s->gpus));
    json_object_object_add(to, "cpus", json_object_new_int(s->cpus));
}

void cli_redfish_day0(struct json_object *to, const struct redfish_survey *s)
{
    struct json_object *managers = json_object_new_array();

    for (int32_t i = 0; i < s->manager_count; i++) {
        struct json_object *one = cli_redfish_next(managers);

        cli_redfish_text(one, "id", s->managers[i].id);
        cli_redfish_text(one, "type", s->managers[i].type);
        cli_redfish_text(one, "model", s->managers[i].model);
        cli_redfish_text(one, "firmware", s->managers[i].firmware);
        cli_redfish_number(one, "clock_offset_s",
                           s->managers[i].has_clock ? (double)s->managers[i].clock_offset_us / 1e6 : NAN);
    }
    json_object_object_add(to, "managers", managers);
    cli_redfish_firmwares(to, s);
    cli_redfish_endpoints(to, s);
}

/* A reading the BMC calls old, or one that is not plausible for its signal, was read: its
 * status says so, and the daemon will not use it. */
static int cli_redfish_errors(const struct redfish_survey *s)
{
    int errors = s->error_count;

    for (int32_t i = 0; i < s->reading_count; i++)
        errors += s->readings[i].status != ST_OK && s->readings[i].status != ST_STALE &&
                  s->readings[i].status != ST_RANGE;
    return errors;
}

static struct json_object *cli_redfish_document(struct cli_hand *hand, const struct redfish_survey *s)
{
    struct json_object *to = cli_device_document(hand->cli, NULL);

    json_object_object_add(to, "through", json_object_new_string("bus"));
    cli_redfish_service(to, s);
    cli_redfish_readings(to, s, NULL);
    cli_redfish_absent(to, s);
    json_object_object_add(to, "errors", json_object_new_int(cli_redfish_errors(s)));
    cli_redfish_failed(to, s);
    cli_redfish_limits(to, "limits", s);
    cli_redfish_supplies(to, s);
    cli_redfish_batteries(to, s);
    json_object_object_add(to, "properties_understood", json_object_new_int64(s->properties_understood));
    json_object_object_add(to, "complete", json_object_new_boolean(s->complete));
    cli_redfish_day0(to, s);
    json_object_object_add(to, "answers", json_object_new_int(s->answer_count));
    json_object_object_add(to, "took_ms", json_object_new_double((double)s->took_us / 1e3));
    json_object_object_add(to, "notes", cli_hand_notes(hand));
    return to;
}

/* ---- for people ---- */

static void cli_redfish_print_readings(struct cli *cli, const struct redfish_survey *s)
{
    static const struct cli_column columns[] = {
        { "SIGNAL", false }, { "VALUE", true }, { "STATUS", false },
        { "NAME", false },   { "PATH", false }, { NULL, false },
    };
    struct cli_table *table = cli_table_new(columns);

    for (int32_t i = 0; i < s->reading_count; i++) {
        const struct redfish_survey_reading *r = &s->readings[i];

        cli_cell(table, CLI_PLAIN, "%s", r->signal);
        cli_cell(table, CLI_PLAIN, "%s", cli_quantity(r->value, r->unit).text);
        cli_cell(table, r->status == ST_OK ? CLI_PLAIN : CLI_WARN, "%s", status_label(r->status));
        cli_cell(table, CLI_PLAIN, "%s", r->name);
        cli_cell(table, CLI_DIM, "%s", r->path);
    }
    cli_table_print(cli, table);
    cli_say(cli, CLI_PLAIN, "\n");
}

static void cli_redfish_print_limits(struct cli *cli, const struct redfish_survey *s)
{
    static const struct cli_column columns[] = {
        { "LIMIT", false }, { "VALUE", true },     { "MIN", true },
        { "MAX", true },    { "WRITABLE", false }, { NULL, false },
    };
    struct cli_table *table = cli_table_new(columns);

    for (int32_t i = 0; i < s->limit_count; i++) {
        const struct redfish_survey_limit *l = &s->limits[i];

        cli_cell(table, CLI_PLAIN, "%s", l->path);
        cli_cell(table, CLI_PLAIN, "%s", cli_quantity(l->value, l->unit).text);
        cli_cell(table, CLI_PLAIN, "%s", cli_quantity(l->min, l->unit).text);
        cli_cell(table, CLI_PLAIN, "%s", cli_quantity(l->max, l->unit).text);
        cli_cell(table, l->writable ? CLI_GOOD : CLI_DIM, "%s", l->writable ? "yes" : l->why ? l->why : "no");
    }
    cli_table_print(cli, table);
    cli_say(cli, CLI_PLAIN, "\n");
}

static void cli_redfish_print(struct cli *cli, const struct redfish_survey *s)
{
    int present = 0;

    for (int32_t i = 0; i < s->endpoint_count; i++)
        present += s->endpoints[i].present > 0;
    cli_say(cli, CLI_BOLD, "%s", cli->link);
    cli_say(cli, CLI_PLAIN, "  %s %s  %s BMC, firmware %s, Redfish %s\n", s->maker[0] ? s->maker : s->vendor,
            s->model, s->bmc_kind, s->firmware[0] ? s->firmware : "-",
            s->redfish_version[0] ? s->redfish_version : "-");
    cli_say(cli, CLI_PLAIN, "\n");
    cli_redfish_print_readings(cli, s);
    cli_redfish_print_limits(cli, s);
    cli_say(cli, CLI_PLAIN,
            "%d supplies, %d batteries, %d of %d endpoints of a power manager, %lld properties understood\n",
            (int)s->supply_count, (int)s->battery_count, present, (int)s->endpoint_count,
            (long long)s->properties_understood);
    for (int32_t i = 0; i < s->error_count; i++)
        cli_say(cli, CLI_BAD, "%s: %s\n", s->errors[i].path, s->errors[i].text);
}

static int cli_redfish_fail(struct cli_hand *hand, enum status st, const char *why)
{
    return cli_fail(hand->cli, "%s: %s%s", hand->cli->link, why[0] ? why : status_label(st),
                    hand->guest ? " (asked without a session, for the daemon has the one that a BMC gets: without "
                                  "--user the daemon tells what it reads)"
                                : "");
}

int cli_device_redfish(struct cli_hand *hand)
{
    char why[REDFISH_SURVEY_WHY_MAX] = "", password[CLI_REDFISH_PASSWORD_MAX];
    struct cli *cli = hand->cli;
    struct redfish_survey_options opt;
    struct redfish_survey survey;
    struct json_object *to;
    enum status st;
    int rc;

    if (cli->profile || cli->signal)
        return cli_fail(cli, "a BMC is found by itself: it takes no --profile and no --signal");
    if (cli_redfish_options(cli, hand->link.url, password, &opt) != CLI_DONE)
        return CLI_FAILED;
    opt.guest = hand->guest;
    st = redfish_survey(&opt, &survey, why);
    cli_redfish_progress_end(cli);
    if (st != ST_OK)
        return cli_redfish_fail(hand, st, why);
    rc = cli_redfish_errors(&survey) > 0 ? CLI_NOT_HELD : CLI_DONE;
    if (cli->json) {
        to = cli_redfish_document(hand, &survey);
        rc = cli_print_json(cli, to) == CLI_DONE ? rc : CLI_FAILED;
        json_object_put(to);
    } else {
        cli_redfish_print(cli, &survey);
    }
    redfish_survey_done(&survey);
    return rc;
}

bool cli_device_redfish_itself(struct cli_hand *hand)
{
    struct cli_device_daemon daemon;

    if (hand->link.bus.kind != CONF_BUS_REDFISH)
        return false;
    cli_device_daemon_bus(hand, &daemon);
    hand->guest = daemon.holds && hand->cli->user;
    if (hand->guest)
        return true;
    if (daemon.holds)
        cli_hand_note(hand, "what the daemon reads of this BMC; with --user and --password-file it is asked itself, for "
                            "limits, supplies, batteries and all else");
    return !daemon.holds;
}

int cli_device_redfish_pass(struct cli_hand *hand, struct redfish_probe **probe, struct json_object *to)
{
    char why[REDFISH_SURVEY_WHY_MAX] = "", password[CLI_REDFISH_PASSWORD_MAX];
    struct cli *cli = hand->cli;
    struct redfish_survey_options opt;
    struct redfish_survey survey;
    enum status st;

    if (cli->profile)
        return cli_fail(cli, "a BMC is found by itself: it takes no --profile");
    if (cli_redfish_options(cli, hand->link.url, password, &opt) != CLI_DONE)
        return CLI_FAILED;
    opt.progress = NULL; /* what it shows is the progress */
    opt.signals = false; /* they are the watch's own */
    opt.guest = hand->guest;
    st = *probe ? ST_OK : redfish_probe_new(&opt, probe, why);
    if (st == ST_OK)
        st = redfish_probe_survey(*probe, &survey, why);
    if (st != ST_OK)
        return cli_redfish_fail(hand, st, why);
    cli_redfish_readings(to, &survey, cli->signal);
    cli_redfish_absent(to, &survey);
    json_object_object_add(to, "errors", json_object_new_int(cli_redfish_errors(&survey)));
    redfish_survey_done(&survey);
    if (cli->signal && cli_length(to, "readings") == 0)
        return cli_fail(cli, "%s shows no %s: busbarctl device read lists what it does", cli->link,
                        cli->signal);
    return CLI_DONE;
}
