/* SPDX-License-Identifier: Apache-2.0 */
/* cli_device_redfish_write.c: one limit of one BMC, written by hand.
 *
 * Owns the question under which name its original is kept: the daemon's own, where a
 * configuration says that the limit is a lever of it. Where the daemon runs and has this
 * BMC, its limits are the daemon's.
 */
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "busbar/signals.h"
#include "cli_device_redfish.h"
#include "cli_value.h"

#define CLI_REDFISH_WINDOW_US INT64_C(10000000) /* for a value to be applied                     */

struct cli_redfish_write {
    struct cli *cli;
    const char *url, *path;
    bool release;
    double value;
    char device[CONF_NAME_MAX], state_dir[CONF_PATH_MAX];
    struct redfish_probe_key key;
    const struct conf_device *bmc; /* in a configuration; NULL: in none */
};

/* ---- under which name ---- */

/* "bmc-" and the URL's host and port, what no file's name may have as '-'. */
static void cli_redfish_write_name(struct cli_redfish_write *w)
{
    const char *host = strstr(w->url, "://");
    int used = snprintf(w->device, sizeof w->device, "bmc-%.40s", host ? host + 3 : w->url);

    for (int i = 0; i < used && i < CONF_NAME_MAX - 1; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._", w->device[i]))
            w->device[i] = '-';
}

/* Is this lever of the configuration the limit that is written? */
static bool cli_redfish_write_is(const struct cli_redfish_write *w, const struct conf_lever *lever,
                                 const struct redfish_survey *survey)
{
    const struct conf_device *device = w->bmc;
    char path[CONF_PATH_MAX + CONF_NAME_MAX + 2];

    if (lever->knob != CONF_KNOB_LIMIT)
        return false;
    if (lever->place > 0) {
        const struct conf_place *place = &device->places[lever->place - 1];

        (void)snprintf(path, sizeof path, "%s%s%s", place->path, place->pointer[0] ? "#/" : "",
                       place->pointer);
        return strcmp(path, w->path) == 0;
    }
    if (device->gpus[lever->row].path[0])
        return strcmp(device->gpus[lever->row].path, w->path) == 0;
    return redfish_survey_gpu(survey, device->gpu_count, w->path) == lever->row;
}

/* A limit that the daemon would write has the daemon's record. */
static void cli_redfish_write_lever(struct cli_redfish_write *w, const struct redfish_survey *survey)
{
    for (int32_t l = 0; w->bmc && l < w->bmc->lever_count; l++)
        if (cli_redfish_write_is(w, &w->bmc->levers[l], survey)) {
            w->key.signal = signal_name(w->bmc->levers[l].signal);
            w->key.index = w->bmc->levers[l].row;
            return;
        }
}

/* A configured URL may end in slashes; that of a link has none. */
static bool cli_redfish_write_same(const char *configured, const char *url)
{
    size_t length = strlen(configured);

    while (length > 0 && configured[length - 1] == '/')
        length--;
    return length == strlen(url) && strncasecmp(configured, url, length) == 0;
}

static int cli_redfish_write_place(struct cli_redfish_write *w, struct conf **conf)
{
    struct cli *cli = w->cli;
    const char *config = cli_device_config(cli);

    if (cli_device_kept(cli) != CLI_DONE)
        return CLI_FAILED;
    (void)snprintf(w->state_dir, sizeof w->state_dir, "%s", CLI_DEVICE_STATE_DIR);
    cli_redfish_write_name(w);
    if (config) {
        if (cli_device_conf(cli, config, conf) != CLI_DONE)
            return CLI_FAILED;
        (void)snprintf(w->state_dir, sizeof w->state_dir, "%s", (*conf)->state_dir);
        for (int32_t d = 0; d < (*conf)->device_count; d++)
            if ((*conf)->buses[(*conf)->devices[d].bus].kind == CONF_BUS_REDFISH &&
                cli_redfish_write_same((*conf)->devices[d].url, w->url))
                w->bmc = &(*conf)->devices[d];
        if (w->bmc)
            (void)snprintf(w->device, sizeof w->device, "%s", w->bmc->name);
    }
    if (cli->state_dir)
        (void)snprintf(w->state_dir, sizeof w->state_dir, "%.255s", cli->state_dir);
    if (cli->name)
        (void)snprintf(w->device, sizeof w->device, "%.47s", cli->name);
    w->key.state_dir = w->state_dir;
    w->key.device = w->device;
    return CLI_DONE;
}

/* ---- the write ---- */

static const struct redfish_survey_limit *cli_redfish_write_limit(const struct cli_redfish_write *w,
                                                                  const struct redfish_survey *survey)
{
    for (int32_t i = 0; i < survey->limit_count; i++)
        if (strcmp(survey->limits[i].path, w->path) == 0)
            return &survey->limits[i];
    return NULL;
}

static void cli_redfish_write_number(struct json_object *to, const char *key, double value)
{
    json_object_object_add(to, key, isfinite(value) ? json_object_new_double(value) : NULL);
}

static struct json_object *cli_redfish_write_document(struct cli_hand *hand,
                                                      const struct cli_redfish_write *w,
                                                      const struct redfish_survey_limit *limit,
                                                      double original, const struct redfish_probe_write *done)
{
    struct json_object *to = cli_device_document(hand->cli, NULL), *kept = NULL;

    if (isfinite(original)) {
        kept = json_object_new_object();
        cli_redfish_write_number(kept, "value", original);
    }
    json_object_object_add(to, "through", json_object_new_string("bus"));
    json_object_object_add(to, "signal", json_object_new_string(w->path));
    json_object_object_add(to, "unit", json_object_new_string(limit->unit));
    cli_redfish_write_number(to, "value", w->release ? original : w->value);
    cli_redfish_write_number(to, "before", limit->value);
    cli_redfish_write_number(to, "readback", done->readback);
    json_object_object_add(to, "status", json_object_new_string(status_label(done->status)));
    json_object_object_add(to, "why", done->why[0] ? json_object_new_string(done->why) : NULL);
    json_object_object_add(to, "set_ms", json_object_new_double((double)done->set_us / 1e3));
    json_object_object_add(to, "readback_ms", json_object_new_double((double)done->readback_us / 1e3));
    json_object_object_add(to, "device", json_object_new_string(w->device));
    json_object_object_add(to, "state_dir", json_object_new_string(w->state_dir));
    json_object_object_add(to, "original", kept);
    json_object_object_add(to, "release", json_object_new_boolean(w->release));
    json_object_object_add(to, "notes", cli_hand_notes(hand));
    return to;
}

static int cli_redfish_write_one(struct cli_hand *hand, struct cli_redfish_write *w,
                                 struct redfish_probe *probe, const struct redfish_survey *survey)
{
    const struct redfish_survey_limit *limit = cli_redfish_write_limit(w, survey);
    struct redfish_probe_write done;
    double original;

    if (!limit)
        return cli_fail(w->cli, "%s has no limit %s: busbarctl device read lists its limits", w->cli->link,
                        w->path);
    if (!w->release && (w->value < limit->min || w->value > limit->max))
        return cli_fail(w->cli, "%s: %.10g is outside %.10g to %.10g %s", w->path, w->value, limit->min,
                        limit->max, limit->unit);
    w->key.uuid = survey->uuid;
    cli_redfish_write_lever(w, survey);
    original = redfish_probe_original(limit, &w->key);
    if (w->release)
        redfish_probe_release(probe, limit, &w->key, CLI_REDFISH_WINDOW_US, &done);
    else
        redfish_probe_change(probe, limit, &w->key, w->value, CLI_REDFISH_WINDOW_US, &done);
    if (w->release && done.status == ST_ABSENT && done.code == 0)
        return cli_fail(w->cli, "no original of %s is recorded in %s as %s: nothing was written", w->path,
                        w->state_dir, w->device);
    if (done.status == ST_REFUSED && done.code == 0)
        return cli_fail(w->cli, "%s: refused: %s", w->path, done.why);
    if (!isfinite(original))
        original = redfish_probe_original(limit, &w->key);
    return cli_device_write_finish(w->cli, cli_redfish_write_document(hand, w, limit, original, &done));
}

static int cli_redfish_write_bus(struct cli_hand *hand, struct cli_redfish_write *w)
{
    char why[REDFISH_SURVEY_WHY_MAX] = "", password[CLI_REDFISH_PASSWORD_MAX];
    struct redfish_survey_options opt;
    struct redfish_probe *probe = NULL;
    struct redfish_survey survey;
    enum status st;
    int rc;

    if (cli_redfish_options(w->cli, w->url, password, &opt) != CLI_DONE)
        return CLI_FAILED;
    if (!opt.username)
        return cli_fail(w->cli, "a BMC writes for nobody it does not know: --user NAME --password-file FILE");
    st = redfish_probe_new(&opt, &probe, why);
    if (st == ST_OK)
        st = redfish_probe_survey_limits(probe, &survey, why);
    cli_redfish_progress_end(w->cli);
    if (st != ST_OK) {
        redfish_probe_free(probe);
        return cli_fail(w->cli, "%s: %s", w->cli->link, why[0] ? why : status_label(st));
    }
    rc = cli_redfish_write_one(hand, w, probe, &survey);
    redfish_survey_done(&survey);
    redfish_probe_free(probe);
    return rc;
}

int cli_device_redfish_write(struct cli_hand *hand)
{
    struct cli *cli = hand->cli;
    struct cli_redfish_write w = { .cli = cli, .url = hand->link.url, .path = cli->words[1], .value = NAN };
    struct cli_device_daemon daemon;
    struct conf *conf = NULL;
    int rc;

    if (cli->profile)
        return cli_fail(cli, "a BMC is found by itself: it takes no --profile");
    if (cli->given & CLI_FOR)
        return cli_fail(cli, "--for: a BMC's limit has no time-out: what is written stays");
    if (cli_device_number(cli, cli->words[2], &w.value, &w.release) != CLI_DONE)
        return CLI_FAILED;
    cli_device_daemon_bus(hand, &daemon);
    if (daemon.holds)
        return cli_fail(
            cli,
            "%s is %s of the running daemon, which writes its limits: busbarctl mode control, or stop "
            "busbard first",
            cli->link, daemon.name);
    rc = cli_redfish_write_place(&w, &conf);
    if (rc == CLI_DONE)
        rc = cli_redfish_write_bus(hand, &w);
    conf_free(conf);
    return rc;
}
