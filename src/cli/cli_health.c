/* SPDX-License-Identifier: Apache-2.0 */
/* cli_health.c: `busbarctl verify bmc-health`: which BMCs, and what is shown.
 *
 * BMCs come from the configuration, or one from --link. Read-only unless --force-writes,
 * which is refused while a daemon runs: two hands on one limit.
 */
#include "cli_health.h"

#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_client.h"
#include "cli_device_redfish.h"
#include "cli_health_gate.h"
#include "cli_options.h"
#include "cli_table.h"
#include "cli_value.h"
#include "cli_verify.h"

#define CLI_HEALTH_SAMPLES     20
#define CLI_HEALTH_EVERY_MS    500
#define CLI_HEALTH_WINDOW_MS   1000
#define CLI_HEALTH_TIMEOUT_MS  10000
#define CLI_HEALTH_CONCURRENCY 4

struct cli_health_list {
    struct cli_health_target *list;
    int32_t count;
};

static void cli_health_list_done(struct cli_health_list *targets)
{
    for (int32_t i = 0; i < targets->count; i++)
        explicit_bzero(targets->list[i].password, sizeof targets->list[i].password);
    free(targets->list);
}

/* Is this name in "A,B,C"? Without a list every one is. */
static bool cli_health_named(const char *names, const char *name)
{
    size_t length = strlen(name);

    for (const char *at = names; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, name, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    }
    return !names;
}

/* The first of "A,B,C" that is no BMC of the configuration, into `ret`; false: all are. */
static bool cli_health_stranger(const struct conf *conf, const char *names, char ret[CONF_NAME_MAX])
{
    for (const char *at = names; at && *at; at += *at == ',') {
        size_t length = strcspn(at, ",");
        bool known = length == 0;

        for (int32_t d = 0; d < conf->device_count && !known; d++)
            known = conf->buses[conf->devices[d].bus].kind == CONF_BUS_REDFISH &&
                    strncmp(conf->devices[d].name, at, length) == 0 && conf->devices[d].name[length] == '\0';
        if (!known) {
            (void)snprintf(ret, CONF_NAME_MAX, "%.*s", (int)length, at);
            return true;
        }
        at += length;
    }
    return false;
}

static void cli_health_from_conf(const struct conf *conf, const char *names, struct cli_health_list *ret)
{
    for (int32_t d = 0; d < conf->device_count; d++) {
        const struct conf_device *device = &conf->devices[d];
        struct cli_health_target *to = &ret->list[ret->count];

        if (conf->buses[device->bus].kind != CONF_BUS_REDFISH || !cli_health_named(names, device->name))
            continue;
        memcpy(to->name, device->name, sizeof to->name);
        memcpy(to->url, device->url, sizeof to->url);
        memcpy(to->user, device->username, sizeof to->user);
        (void)snprintf(to->password, sizeof to->password, "%.*s", CLI_HEALTH_SECRET_MAX - 1,
                       device->password);
        memcpy(to->ca_file, device->ca_file, sizeof to->ca_file);
        memcpy(to->pin, device->pin, sizeof to->pin);
        ret->count++;
    }
}

static int cli_health_from_link(struct cli *cli, struct cli_health_target *to)
{
    struct cli_link link;
    const char *wrong = cli_link_read(cli->link, &link);

    if (wrong)
        return cli_fail(cli, "--link %s: %s", cli->link, wrong);
    if (link.bus.kind != CONF_BUS_REDFISH)
        return cli_fail(cli, "--link %s: a BMC is redfish:URL", cli->link);
    memcpy(to->url, link.url, sizeof to->url);
    (void)snprintf(to->name, sizeof to->name, "%.47s", strstr(link.url, "//") + 2);
    if (cli_redfish_login(cli, to->password) != CLI_DONE)
        return CLI_FAILED;
    (void)snprintf(to->user, sizeof to->user, "%.47s", cli->user ? cli->user : "");
    (void)snprintf(to->ca_file, sizeof to->ca_file, "%.255s", cli->ca_file ? cli->ca_file : "");
    (void)snprintf(to->pin, sizeof to->pin, "%.255s", cli->pin ? cli->pin : "");
    return CLI_DONE;
}

static int cli_health_targets(struct cli *cli, const struct conf *conf, struct cli_health_list *ret)
{
    char stranger[CONF_NAME_MAX];

    ret->list = calloc((size_t)(conf ? conf->device_count : 0) + 1, sizeof *ret->list);
    if (!ret->list)
        return cli_fail(cli, "out of memory");
    if (cli->link) {
        ret->count = 1;
        return cli_health_from_link(cli, &ret->list[0]);
    }
    if (!conf)
        return cli_fail(cli, "%s: there is no configuration: name one with --config, or a BMC with --link",
                        CLI_VERIFY_CONFIG);
    if (cli_health_stranger(conf, cli->nodes, stranger))
        return cli_fail(cli, "--nodes %s: the configuration has no BMC '%s'", cli->nodes, stranger);
    cli_health_from_conf(conf, cli->nodes, ret);
    return ret->count > 0
               ? CLI_DONE
               : cli_fail(cli, "no BMC is to be checked: %s", cli->nodes ? cli->nodes : "none is configured");
}

static int64_t cli_health_or(int64_t given, int64_t preset)
{
    return given > 0 ? given : preset;
}

static const char *cli_health_state_dir(const struct cli *cli, const struct conf *conf)
{
    return cli->state_dir ? cli->state_dir : conf ? conf->state_dir : CLI_VERIFY_STATE_DIR;
}

static void cli_health_options_of(const struct cli *cli, const struct conf *conf,
                                  struct cli_health_options *ret)
{
    *ret =
        (struct cli_health_options){ .writes = cli->writes,
                                     .samples = cli_health_or(cli->samples, CLI_HEALTH_SAMPLES),
                                     .every_ms = cli_health_or(cli->every_ms, CLI_HEALTH_EVERY_MS),
                                     .window_ms = cli_health_or(cli->for_ms, CLI_HEALTH_WINDOW_MS),
                                     .timeout_us =
                                         cli_health_or(cli->timeout_ms, CLI_HEALTH_TIMEOUT_MS) * 1000,
                                     .concurrency = cli_health_or(cli->concurrency, CLI_HEALTH_CONCURRENCY),
                                     .expected_edpp = cli->given & CLI_EDPP ? (double)cli->edpp_pct : NAN,
                                     .firmware_floor = cli->firmware_floor,
                                     .redfish_floor = cli->redfish_floor };
    (void)snprintf(ret->folder, sizeof ret->folder, "%.240s/health", cli_health_state_dir(cli, conf));
}

static int cli_health_may_write(struct cli *cli)
{
    struct cli_answer answer = { .json = NULL };
    bool runs = cli->writes && access(cli->socket, F_OK) == 0 &&
                (cli_ask(cli, "GET", "/v1/status", NULL, &answer) || !answer.unreachable);

    cli_answer_done(&answer);
    return runs ? cli_fail(cli,
                           "%s: a daemon runs: with two hands on one limit nothing would be shown; stop it, "
                           "or leave --force-writes out",
                           cli->socket)
                : CLI_DONE;
}

/* ---- for people ---- */

static void cli_health_print_set(struct cli_table *table, struct json_object *node, enum cli_health_set set)
{
    struct json_object *figures = cli_key(node, cli_health_set_name(set));

    cli_cell(table, CLI_PLAIN, "%s / %s", cli_span(cli_number(figures, "p50")).text,
             cli_span(cli_number(figures, "p99")).text);
}

static void cli_health_print_nodes(struct cli *cli, struct json_object *report)
{
    static const struct cli_column columns[] = {
        { "NODE", false },     { "BMC", false },      { "FIRMWARE", false }, { "REDFISH", false },
        { "ENDPOINTS", true }, { "P50 / P99", true }, { "TELEMETRY", true }, { "POWER", true },
        { "ISSUES", true },    { NULL, false },
    };
    struct cli_table *table = cli_table_new(columns);

    for (size_t i = 0; i < cli_length(report, "nodes"); i++) {
        struct json_object *node = cli_item(report, "nodes", i);
        size_t present = 0, endpoints = cli_length(node, "endpoints");

        for (size_t e = 0; e < endpoints; e++)
            present += cli_bool(cli_item(node, "endpoints", e), "present");
        cli_cell(table, CLI_PLAIN, "%s", cli_text(node, "node", "-"));
        cli_cell(table, CLI_PLAIN, "%s", cli_text(node, "bmc_kind", "unreachable"));
        cli_cell(table, CLI_PLAIN, "%s", cli_text(node, "firmware", "-"));
        cli_cell(table, CLI_PLAIN, "%s", cli_text(node, "redfish_version", "-"));
        cli_cell(table, CLI_PLAIN, "%zu of %zu", present, endpoints);
        cli_health_print_set(table, node, CLI_HEALTH_ENDPOINT);
        cli_health_print_set(table, node, CLI_HEALTH_TELEMETRY);
        cli_health_print_set(table, node, CLI_HEALTH_POWER_GET);
        cli_cell(table, cli_length(node, "issues") > 0 ? CLI_WARN : CLI_GOOD, "%zu",
                 cli_length(node, "issues"));
    }
    cli_table_print(cli, table);
}

static void cli_health_print_issues(struct cli *cli, struct json_object *report)
{
    for (size_t i = 0; i < cli_length(report, "issues"); i++) {
        struct json_object *issue = cli_item(report, "issues", i);
        bool error = strcmp(cli_text(issue, "severity", ""), "SEVERITY_ERROR") == 0;

        cli_say(cli, error ? CLI_BAD : CLI_WARN, "%s  %s  %s: %s\n", cli_text(issue, "node", "-"),
                cli_text(issue, "code", "-"), cli_text(issue, "resource", "-"),
                cli_text(issue, "message", ""));
    }
}

static void cli_health_print(struct cli *cli, struct json_object *report)
{
    struct json_object *summary = cli_key(report, "cluster_summary");

    if (cli_length(report, "nodes") > 0) {
        cli_health_print_nodes(cli, report);
        cli_say(cli, CLI_PLAIN, "\n");
    }
    cli_health_print_issues(cli, report);
    cli_say(cli, cli_bool(cli_key(report, "status"), "ok") ? CLI_GOOD : CLI_BAD,
            "task %s: %s, %d of %d nodes, %d failed, %d unreachable\n", cli_text(report, "task_id", "-"),
            cli_text(cli_key(report, "status"), "state", "-"), (int)cli_count(summary, "nodes_completed"),
            (int)cli_count(summary, "total_nodes"), (int)cli_count(summary, "failed"),
            (int)cli_count(summary, "nodes_unreachable"));
}

/* ---- commands ---- */

static int cli_health_none(struct cli *cli, const char *folder)
{
    return cli_fail(cli,
                    "%s: no check was ever started that keeps its files there (one of --link without --config: under "
                    "%s, or where its --state-dir says)",
                    folder, CLI_VERIFY_STATE_DIR);
}

static int cli_health_show_report(struct cli *cli, const char *folder)
{
    enum cli_health_state state;
    struct json_object *report = cli_health_status(folder, &state);
    bool ok = false;
    int rc;

    json_object_put(report);
    if (!report)
        return cli_health_none(cli, folder);
    report = cli_health_report(folder, cli->summary_only, &ok);
    rc = ok ? CLI_DONE : CLI_NOT_HELD;
    if (cli->json)
        rc = cli_print_json(cli, report) == CLI_DONE ? rc : CLI_FAILED;
    else
        cli_health_print(cli, report);
    json_object_put(report);
    return rc;
}

static int cli_health_show_status(struct cli *cli, const char *folder)
{
    enum cli_health_state state;
    struct json_object *task = cli_health_status(folder, &state), *report;
    bool ok = false;
    int rc;

    if (!task)
        return cli_health_none(cli, folder);
    report = cli_health_report(folder, true, &ok);
    json_object_object_add(task, "ok", json_object_new_boolean(ok));
    json_object_object_add(task, "issues", json_object_new_int64((int64_t)cli_length(report, "issues")));
    rc = ok || state == CLI_HEALTH_RUNNING ? CLI_DONE : CLI_NOT_HELD;
    if (cli->json)
        rc = cli_print_json(cli, task) == CLI_DONE ? rc : CLI_FAILED;
    else
        cli_say(cli, rc == CLI_DONE ? CLI_GOOD : CLI_WARN, "task %s: %s, %d of %d nodes, %d issues\n",
                cli_text(task, "task_id", "-"), cli_text(task, "state", "-"),
                (int)cli_count(task, "nodes_completed"), (int)cli_count(task, "nodes_total"),
                (int)cli_count(task, "issues"));
    json_object_put(report);
    json_object_put(task);
    return rc;
}

/* How this task is found again: as it was started, or by its place where no configuration says it. */
static int cli_health_started(struct cli *cli, const char *state_dir, const char *id, bool resumed, int32_t count)
{
    bool by_place = cli->state_dir || !cli->config;
    struct json_object *to;
    int rc = CLI_DONE;

    if (!cli->json) {
        cli_say(cli, CLI_PLAIN, "task %s %s for %d nodes: busbarctl verify bmc-health status %s %s\n", id,
                resumed ? "goes on" : "is started", (int)count, by_place ? "--state-dir" : "--config",
                by_place ? state_dir : cli->config);
        return CLI_DONE;
    }
    to = json_object_new_object();
    json_object_object_add(to, "task_id", json_object_new_string(id));
    json_object_object_add(to, "state", json_object_new_string("running"));
    json_object_object_add(to, "resumed", json_object_new_boolean(resumed));
    json_object_object_add(to, "nodes_total", json_object_new_int(count));
    json_object_object_add(to, "state_dir", json_object_new_string(state_dir));
    rc = cli_print_json(cli, to);
    json_object_put(to);
    return rc;
}

static int cli_health_run_start(struct cli *cli, const struct conf *conf,
                                const struct cli_health_options *options)
{
    struct cli_health_list targets = { .count = 0 };
    bool resumed = false;
    char id[32] = "";
    int rc = cli_health_may_write(cli);

    if (rc == CLI_DONE)
        rc = cli_health_targets(cli, conf, &targets);
    if (rc == CLI_DONE)
        rc = cli_health_start(cli, options, targets.list, targets.count, id, &resumed);
    if (rc == CLI_DONE)
        rc = cli->wait ? cli_health_show_report(cli, options->folder)
                       : cli_health_started(cli, cli_health_state_dir(cli, conf), id, resumed, targets.count);
    cli_health_list_done(&targets);
    return rc;
}

int cli_verify_health(struct cli *cli)
{
    const char *what = cli->words[1];
    struct cli_health_options options;
    struct conf *conf = NULL;
    int rc = CLI_DONE;

    if (strcmp(what, "start") != 0 && strcmp(what, "status") != 0 && strcmp(what, "report") != 0)
        return cli_fail(cli, "it is: busbarctl verify bmc-health start|status|report");
    if (!cli->link || cli->config)
        rc = cli_verify_config(cli, &conf);
    if (rc != CLI_DONE)
        return rc;
    cli_health_options_of(cli, conf, &options);
    if (strcmp(what, "start") == 0)
        rc = cli_health_run_start(cli, conf, &options);
    else
        rc = strcmp(what, "status") == 0 ? cli_health_show_status(cli, options.folder)
                                         : cli_health_show_report(cli, options.folder);
    conf_free(conf);
    return rc;
}
