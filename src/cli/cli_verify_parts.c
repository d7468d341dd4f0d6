/* SPDX-License-Identifier: Apache-2.0 */
/* cli_verify_parts.c: the parts of a rack, each looked at: healthy, not, or skipped.
 *
 * Reads only; with --force-writes a settings row that a lever holds is written with the
 * value it has and read back, recorded first. Through the daemon where it holds a bus.
 */
#include "cli_verify.h"

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "busbar/clock.h"
#include "busbar/log.h"
#include "busbar/probe.h"
#include "busbar/redfish_survey.h"
#include "cli_client.h"
#include "cli_value.h"

#define CLI_VERIFY_CLOCK_S      5.0
#define CLI_VERIFY_MANAGERS_MAX 4

struct cli_verify {
    struct cli *cli;
    const struct conf *conf;
    struct json_object *parts;
    struct json_object *devices; /* what the daemon says; NULL: there is none      */
    char said[256];              /* the last error of the log                      */
    int bad;
    struct json_object *part, *details;
    int wrong; /* in the part that is open                       */
};

static void cli_verify_said(enum log_level level, const char *who, const char *message, void *arg)
{
    struct cli_verify *v = arg;

    if (level <= LOG_LEVEL_ERR)
        (void)snprintf(v->said, sizeof v->said, "%.60s: %.180s", who, message);
}

/* ---- a part ---- */

static void cli_verify_open(struct cli_verify *v, const char *name)
{
    int fd = fileno(v->cli->err);

    if (fd >= 0 && isatty(fd))
        (void)fprintf(v->cli->err, "\r%s ...\033[K\r", name);
    v->part = json_object_new_object();
    v->details = json_object_new_array();
    v->wrong = 0;
    v->said[0] = '\0';
    json_object_object_add(v->part, "component", json_object_new_string(name));
    json_object_array_add(v->parts, v->part);
}

__attribute__((format(printf, 2, 3))) static void cli_verify_wrong(struct cli_verify *v, const char *format,
                                                                   ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    json_object_array_add(v->details, json_object_new_string(text));
    v->wrong++;
}

__attribute__((format(printf, 3, 4))) static void cli_verify_close(struct cli_verify *v, bool skipped,
                                                                   const char *format, ...)
{
    bool healthy = v->wrong == 0;
    char text[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    v->bad += !healthy;
    json_object_object_add(v->part, "healthy", json_object_new_boolean(healthy));
    json_object_object_add(v->part, "skipped", json_object_new_boolean(skipped));
    json_object_object_add(v->part, "message", json_object_new_string(text));
    json_object_object_add(v->part, "details", v->details);
}

/* ---- what needs no device ---- */

static void cli_verify_part_config(struct cli_verify *v)
{
    const struct conf *conf = v->conf;

    cli_verify_open(v, "config");
    for (int32_t d = 0; d < conf->device_count; d++) {
        const struct conf_device *device = &conf->devices[d];
        const struct profile *profile =
            device->profile == CORE_NONE ? NULL : &conf->profiles[device->profile];

        if (device->lever_count > 0 && profile && strcmp(profile->match_text, "*") == 0)
            json_object_array_add(v->details,
                                  json_object_new_string("a profile that is written with fits any model: "
                                                         "narrow its match in /etc/busbar/profiles"));
        if (device->lever_count > 0 && profile && strcmp(profile->match_text, "*") == 0)
            break; /* advice, once: it is no fault */
    }
    cli_verify_close(v, false, "%d nodes, %d buses, %d devices, %d levers", (int)conf->node_count,
                     (int)conf->bus_count, (int)conf->device_count, (int)conf->core.lever_count);
}

static void cli_verify_part_state(struct cli_verify *v)
{
    const char *dir = v->cli->state_dir ? v->cli->state_dir : v->conf->state_dir;

    cli_verify_open(v, "state");
    if (access(dir, R_OK | X_OK) != 0)
        cli_verify_wrong(v, "%s: %s: without it no original is kept, and nothing is written to a device", dir,
                         strerror(errno));
    else if (access(dir, W_OK) != 0)
        cli_verify_wrong(v, "%s: cannot be written to by this user: %s", dir, strerror(errno));
    cli_verify_close(v, false, "%s", dir);
}

static void cli_verify_part_daemon(struct cli_verify *v)
{
    struct cli_answer answer = { .json = NULL };
    struct cli cli = *v->cli;

    cli_verify_open(v, "daemon");
    cli.client = NULL;
    if (access(cli.socket, F_OK) != 0) {
        cli_verify_close(v, true, "no daemon at %s", cli.socket);
        return;
    }
    if (!cli_ask(&cli, "GET", "/v1/status", NULL, &answer)) {
        if (!answer.unreachable)
            cli_verify_wrong(v, "%s", answer.error);
        cli_verify_close(v, answer.unreachable, "%s", answer.error);
    } else {
        if (cli_count(cli_key(answer.json, "devices"), "stale") +
                cli_count(cli_key(answer.json, "devices"), "unread") >
            0)
            cli_verify_wrong(v, "not every device is read: see busbarctl devices");
        if (strcmp(cli_text(answer.json, "mode_wanted", ""), "control") == 0 &&
            !cli_bool(answer.json, "armed"))
            cli_verify_wrong(v, "control is wanted, and it is not armed: see busbarctl status");
        cli_verify_close(v, false, "version %s, mode %s", cli_text(answer.json, "version", "?"),
                         cli_text(answer.json, "mode", "?"));
    }
    cli_answer_done(&answer);
    if (cli_ask(&cli, "GET", "/v1/devices", NULL, &answer))
        v->devices = json_object_get(answer.json);
    cli_answer_done(&answer);
    cli_client_free(cli.client);
}

/* ---- devices ---- */

static struct json_object *cli_verify_of_daemon(const struct cli_verify *v, const char *name)
{
    for (size_t i = 0; i < cli_length(v->devices, "devices"); i++)
        if (strcmp(cli_text(cli_item(v->devices, "devices", i), "name", ""), name) == 0)
            return cli_item(v->devices, "devices", i);
    return NULL;
}

static void cli_verify_through_daemon(struct cli_verify *v, const struct conf_device *device)
{
    struct json_object *view = cli_verify_of_daemon(v, device->name);

    if (!view)
        cli_verify_wrong(v, "%s: the daemon does not know it: its configuration is another", device->name);
    else if (!cli_bool(view, "reachable"))
        cli_verify_wrong(v, "%s: does not answer", device->name);
    else if (!cli_bool(view, "identified"))
        cli_verify_wrong(v, "%s: model \"%s\" is not its profile's: read, never written", device->name,
                         cli_text(view, "model", ""));
}

/* A lever's row with the value it has: nothing moves, and the whole path of a write is shown. */
static void cli_verify_write(struct cli_verify *v, struct probe *probe, const struct conf_device *device,
                             const struct profile *profile, const struct probe_reading *list)
{
    for (int32_t l = 0; l < device->lever_count; l++) {
        int32_t row = device->levers[l].row;
        struct probe_write write = { .state_dir = v->cli->state_dir ? v->cli->state_dir : v->conf->state_dir,
                                     .device = device->name,
                                     .row = row,
                                     .value = list[row].value };
        struct probe_outcome outcome;

        /* An override with a time-out would begin to act. */
        if (list[row].status != ST_OK || profile->rows[row].write.enable != ROW_NONE ||
            profile->rows[row].write.timeout != ROW_NONE || list[row].value < profile->rows[row].write.min ||
            list[row].value > profile->rows[row].write.max)
            continue;
        probe_write(probe, device->address, profile, &write, &outcome);
        if (outcome.status != ST_OK)
            cli_verify_wrong(v, "%s: %s: written with the value it has, read back: %s", device->name,
                             signal_name(profile->rows[row].signal), status_label(outcome.status));
        write.release = true; /* its gate, too, as it was */
        if (outcome.recorded)
            probe_write(probe, device->address, profile, &write, &outcome);
        if (outcome.status != ST_OK)
            cli_verify_wrong(v, "%s: %s: its original could not be put back: it stays recorded", device->name,
                             signal_name(profile->rows[row].signal));
    }
}

/* What shows that it is there, its clock, and what is written to it. */
static void cli_verify_rows(const struct conf_device *device, const struct profile *profile, bool *wanted)
{
    bool fast = false;

    for (int32_t r = 0; r < profile->row_count; r++) {
        wanted[r] =
            profile->rows[r].signal == SIGNAL_DEVICE_CLOCK_S || (!fast && profile->rows[r].poll == POLL_FAST);
        fast = fast || profile->rows[r].poll == POLL_FAST;
    }
    for (int32_t l = 0; l < device->lever_count; l++)
        wanted[device->levers[l].row] = true;
}

static void cli_verify_device(struct cli_verify *v, struct probe *probe, const struct conf_device *device,
                              struct json_object *clocks)
{
    const struct profile *profile = &v->conf->profiles[device->profile];
    struct probe_reading *list = calloc((size_t)profile->row_count + 1, sizeof *list);
    bool wanted[PROFILE_ROWS_MAX] = { false };
    struct probe_device found;
    int32_t failed = 0, read = 0;

    cli_verify_rows(device, profile, wanted);
    if (!list || probe_read(probe, device->address, profile, wanted, list, &found) != ST_OK) {
        cli_verify_wrong(v, "%s: %s", device->name, v->said[0] ? v->said : "the bus is gone");
        free(list);
        return;
    }
    for (int32_t r = 0; r < profile->row_count; r++) {
        read += wanted[r];
        failed += wanted[r] && list[r].status != ST_OK && list[r].status != ST_ABSENT;
        if (list[r].status == ST_OK && profile->rows[r].signal == SIGNAL_DEVICE_CLOCK_S) {
            struct json_object *one = json_object_new_object();

            json_object_object_add(one, "device", json_object_new_string(device->name));
            json_object_object_add(one, "offset_s",
                                   json_object_new_double(list[r].value - (double)clock_wall_us() / 1e6));
            json_object_array_add(clocks, one);
        }
    }
    if (failed == read && read > 0)
        cli_verify_wrong(v, "%s: does not answer", device->name);
    else if (failed > 0)
        cli_verify_wrong(v, "%s: %d of %d rows could not be read", device->name, (int)failed, (int)read);
    else if (!found.matched)
        cli_verify_wrong(v, "%s: model \"%s\" is not what profile %s is for (%s)", device->name, found.model,
                         profile->name, profile->match_text);
    else if (v->cli->writes)
        cli_verify_write(v, probe, device, profile, list);
    free(list);
}

static void cli_verify_bus(struct cli_verify *v, int32_t bus, struct json_object *clocks)
{
    struct conf_bus settings = v->conf->buses[bus];
    struct probe *probe = NULL;
    int32_t devices = 0;
    bool daemon = false;
    char name[CONF_NAME_MAX + 8];
    enum status st;

    (void)snprintf(name, sizeof name, "bus %s", settings.name);
    cli_verify_open(v, name);
    if (v->cli->timeout_ms > 0)
        settings.timeout_us = v->cli->timeout_ms * 1000;
    for (int32_t d = 0; d < v->conf->device_count; d++)
        daemon =
            daemon || (v->conf->devices[d].bus == bus && cli_verify_of_daemon(v, v->conf->devices[d].name));
    st = daemon ? ST_OK : probe_new(&settings, &probe);
    if (st != ST_OK)
        cli_verify_wrong(v, "%s", v->said[0] ? v->said : status_label(st));
    for (int32_t d = 0; d < v->conf->device_count && st == ST_OK; d++) {
        if (v->conf->devices[d].bus != bus)
            continue;
        devices++;
        if (daemon)
            cli_verify_through_daemon(v, &v->conf->devices[d]);
        else
            cli_verify_device(v, probe, &v->conf->devices[d], clocks);
    }
    probe_free(probe);
    cli_verify_close(v, false, "%d devices%s", (int)devices, daemon ? ", through the daemon" : "");
}

/* ---- BMCs, clocks, leases ---- */

/* "2026-11-29T17:30:00+01:00" in seconds since 1970; some leave out the zone's colon, or the
 * zone. NAN. */
static double cli_verify_time(const char *text)
{
    struct tm tm = { .tm_isdst = 0 };
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    int hours = 0, minutes = 0;
    char sign = '+';

    if (!rest)
        return NAN;
    rest += *rest == '.' ? 1 + strspn(rest + 1, "0123456789") : 0;
    if (*rest && *rest != 'Z' && *rest != 'z' && sscanf(rest, "%c%2d:%2d", &sign, &hours, &minutes) != 3 &&
        sscanf(rest, "%c%2d%2d", &sign, &hours, &minutes) != 3)
        return NAN;
    return (double)timegm(&tm) - (sign == '-' ? -1.0 : 1.0) * (hours * 3600.0 + minutes * 60.0);
}

/* `why`: of NULL. */
static struct json_object *cli_verify_get(struct redfish_probe *probe, const char *path,
                                          char why[REDFISH_SURVEY_WHY_MAX])
{
    struct redfish_probe_answer answer;
    struct json_object *json = NULL;

    redfish_probe_get(probe, path, &answer);
    if (answer.status == ST_OK && answer.code / 100 == 2)
        json = json_tokener_parse(answer.body);
    if (!json)
        (void)snprintf(why, REDFISH_SURVEY_WHY_MAX, "%s", answer.why[0] ? answer.why : "it is no JSON");
    return json;
}

static void cli_verify_managers(struct redfish_probe *probe, const char *device, struct json_object *root,
                                struct json_object *clocks)
{
    const char *path = cli_text(cli_key(root, "Managers"), "@odata.id", "");
    char why[REDFISH_SURVEY_WHY_MAX];
    struct json_object *list = path[0] == '/' ? cli_verify_get(probe, path, why) : NULL;

    for (size_t i = 0; i < cli_length(list, "Members") && i < CLI_VERIFY_MANAGERS_MAX; i++) {
        const char *at = cli_text(cli_item(list, "Members", i), "@odata.id", "");
        struct json_object *manager = at[0] == '/' ? cli_verify_get(probe, at, why) : NULL, *one;
        double at_s = cli_verify_time(cli_text(manager, "DateTime", ""));

        json_object_put(manager);
        if (isnan(at_s))
            continue;
        one = json_object_new_object();
        json_object_object_add(one, "device", json_object_new_string(device));
        json_object_object_add(one, "offset_s", json_object_new_double(at_s - (double)clock_wall_us() / 1e6));
        json_object_array_add(clocks, one);
    }
    json_object_put(list);
}

/* What the configuration names: each GPU's limit, and whatever else is held or measured. */
static void cli_verify_named(struct cli_verify *v, struct redfish_probe *probe,
                             const struct conf_device *device)
{
    for (int32_t i = 0; i < device->gpu_count + device->place_count; i++) {
        bool gpu = i < device->gpu_count;
        const char *path = gpu ? device->gpus[i].path : device->places[i - device->gpu_count].path;
        char why[REDFISH_SURVEY_WHY_MAX] = "";
        struct json_object *json = path[0] ? cli_verify_get(probe, path, why) : NULL;

        if (path[0] && !json)
            cli_verify_wrong(v, "%s: %s: %s", device->name, path, why);
        else if (path[0] && gpu && !cli_key(json, "PowerLimitWatts"))
            cli_verify_wrong(v, "%s: %s shows no PowerLimitWatts", device->name, path);
        json_object_put(json);
    }
}

/* GPUs that the configuration does not name: as many as it says, or which is which is not known. */
static void cli_verify_found(struct cli_verify *v, struct redfish_probe *probe,
                             const struct conf_device *device)
{
    char why[REDFISH_SURVEY_WHY_MAX] = "";
    struct redfish_survey survey;
    int32_t found = 0;

    if (device->gpu_count == 0 || device->gpus[0].path[0])
        return;
    if (redfish_probe_survey_limits(probe, &survey, why) != ST_OK) {
        cli_verify_wrong(v, "%s: its GPUs cannot be looked for: %s", device->name, why);
        return;
    }
    for (int32_t i = 0; i < survey.processor_count; i++)
        found += survey.processors[i].gpu && survey.processors[i].metrics[0];
    if (found != device->gpu_count)
        cli_verify_wrong(v, "%s: shows %d GPUs with EnvironmentMetrics, configured are %d", device->name,
                         (int)found, (int)device->gpu_count);
    redfish_survey_done(&survey);
}

/* Reached, logged in, and each GPU of the configuration is where it says. */
static void cli_verify_bmc(struct cli_verify *v, const struct conf_device *device, struct json_object *clocks)
{
    struct redfish_survey_options opt = { .url = device->url,
                                          .ca_file = device->ca_file[0] ? device->ca_file : NULL,
                                          .pin = device->pin[0] ? device->pin : NULL,
                                          .timeout_us = v->cli->timeout_ms * 1000,
                                          .signals = true };
    char why[REDFISH_SURVEY_WHY_MAX] = "";
    struct redfish_probe *probe = NULL;
    struct json_object *root;

    if (v->devices) {
        cli_verify_through_daemon(v, device);
        return;
    }
    if (device->username[0]) {
        opt.username = device->username;
        opt.password = device->password;
    }
    if (redfish_probe_new(&opt, &probe, why) != ST_OK) {
        cli_verify_wrong(v, "%s: %s", device->name, why);
        return;
    }
    root = cli_verify_get(probe, "/redfish/v1/", why);
    if (!root && redfish_probe_is_reached(probe))
        root = cli_verify_get(probe, "/redfish/v1", why);
    if (!root) {
        cli_verify_wrong(v, "%s: %s: %s", device->name, device->url, why);
    } else {
        cli_verify_named(v, probe, device);
        cli_verify_found(v, probe, device);
        cli_verify_managers(probe, device->name, root, clocks);
    }
    json_object_put(root);
    redfish_probe_free(probe);
}

static void cli_verify_part_bmcs(struct cli_verify *v, struct json_object *clocks)
{
    int32_t count = 0;

    cli_verify_open(v, "bmcs");
    for (int32_t d = 0; d < v->conf->device_count; d++)
        if (v->conf->buses[v->conf->devices[d].bus].kind == CONF_BUS_REDFISH) {
            count++;
            cli_verify_bmc(v, &v->conf->devices[d], clocks);
        }
    cli_verify_close(v, count == 0, count == 0 ? "none is configured" : "%d BMCs%s", (int)count,
                     v->devices ? ", through the daemon" : "");
}

static void cli_verify_part_clocks(struct cli_verify *v, struct json_object *clocks)
{
    cli_verify_open(v, "clocks");
    for (size_t i = 0; i < json_object_array_length(clocks); i++) {
        struct json_object *one = json_object_array_get_idx(clocks, i);
        double off_s = cli_number(one, "offset_s");

        if (fabs(off_s) > CLI_VERIFY_CLOCK_S)
            cli_verify_wrong(v, "%s: its clock is %.0f s off", cli_text(one, "device", ""), off_s);
    }
    if (v->devices)
        cli_verify_close(v, true, "the daemon holds the devices: stop it to have their clocks read");
    else
        cli_verify_close(v, false, "%zu clocks, allowed %.0f s off", json_object_array_length(clocks),
                         CLI_VERIFY_CLOCK_S);
    json_object_object_add(v->part, "clocks", json_object_get(clocks));
}

/* A lever whose device ends its value by itself must be able to; one whose device does not
 * must be safe where it stands, which the configuration's check has shown. */
static void cli_verify_part_leases(struct cli_verify *v)
{
    int32_t timed = 0, standing = 0;

    cli_verify_open(v, "leases");
    for (int32_t d = 0; d < v->conf->device_count; d++) {
        const struct conf_device *device = &v->conf->devices[d];

        for (int32_t l = 0; l < device->lever_count; l++) {
            const struct core_config_lever *lever = &v->conf->core.levers[device->levers[l].lever];
            const struct row_write *write =
                device->profile == CORE_NONE
                    ? NULL
                    : &v->conf->profiles[device->profile].rows[device->levers[l].row].write;

            timed += lever->timeout_us > 0;
            standing += lever->timeout_us <= 0;
            if (lever->timeout_us > 0 && write && write->timeout == ROW_NONE)
                cli_verify_wrong(v, "%s: has a lease, and its profile no time-out row",
                                 device->levers[l].name);
            if (write && write->timeout != ROW_NONE && lever->timeout_us <= 0)
                cli_verify_wrong(
                    v, "%s: its device could end it by itself, and the configuration gives no timeout_s",
                    device->levers[l].name);
        }
    }
    cli_verify_close(v, false, "%d levers end by themselves, %d stand", (int)timed, (int)standing);
}

int cli_verify_parts(struct cli *cli, const struct conf *conf, struct json_object *parts)
{
    struct cli_verify v = { .cli = cli, .conf = conf, .parts = parts };
    struct json_object *clocks = json_object_new_array();

    log_set_line_sink(cli_verify_said, &v);
    cli_verify_part_config(&v);
    cli_verify_part_state(&v);
    cli_verify_part_daemon(&v);
    for (int32_t b = 0; b < conf->bus_count; b++)
        if (conf->buses[b].kind != CONF_BUS_REDFISH)
            cli_verify_bus(&v, b, clocks);
    cli_verify_part_bmcs(&v, clocks);
    cli_verify_part_clocks(&v, clocks);
    cli_verify_part_leases(&v);
    log_set_line_sink(NULL, NULL);
    json_object_put(clocks);
    json_object_put(v.devices);
    return v.bad;
}
