/* SPDX-License-Identifier: Apache-2.0 */
/* cli_health_node.c: one BMC checked: there, what it is, how fast it answers, what its
 * limits are, and whether they can be written.
 *
 * Owns the probe while it lasts. Only reads, unless asked: then each limit goes one watt
 * down and back, and what it was is on disk before. A limit that switches its host off
 * is never written.
 */
#include "cli_health.h"

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "busbar/clock.h"
#include "cli_device_redfish.h"
#include "cli_health_gate.h"
#include "cli_value.h"

#define CLI_HEALTH_ERROR     "SEVERITY_ERROR"
#define CLI_HEALTH_WARNING   "SEVERITY_WARNING"
#define CLI_HEALTH_CLOCK_S   5.0 /* a clock that is further off is told          */
#define CLI_HEALTH_PATHS_MAX 512
#define CLI_HEALTH_EDPP_GETS 3

struct cli_health {
    const struct cli_health_target *target;
    const struct cli_health_options *options;
    struct redfish_probe *probe;
    struct redfish_survey survey;
    struct json_object *to, *issues;
    struct cli_health_samples sets[CLI_HEALTH_SETS];
    char why[REDFISH_SURVEY_WHY_MAX]; /* of the last write                            */
    bool sent;                        /* that went out at all                            */
};

/* ---- issues ---- */

static struct json_object *cli_health_issue(struct cli_health *h, const char *code, const char *severity,
                                            const char *resource, const char *message)
{
    struct json_object *to = json_object_new_object();

    json_object_object_add(to, "node", json_object_new_string(h->target->name));
    json_object_object_add(to, "resource", resource && resource[0] ? json_object_new_string(resource) : NULL);
    json_object_object_add(to, "code", json_object_new_string(code));
    json_object_object_add(to, "observed", NULL);
    json_object_object_add(to, "threshold", NULL);
    json_object_object_add(to, "severity", json_object_new_string(severity));
    json_object_object_add(to, "message", json_object_new_string(message));
    json_object_array_add(h->issues, to);
    return to;
}

static void cli_health_figures(struct json_object *issue, double observed, double threshold)
{
    json_object_object_add(issue, "observed", isfinite(observed) ? json_object_new_double(observed) : NULL);
    json_object_object_add(issue, "threshold",
                           isfinite(threshold) ? json_object_new_double(threshold) : NULL);
}

static void cli_health_texts(struct json_object *issue, const char *observed, const char *threshold)
{
    json_object_object_add(issue, "observed", json_object_new_string(observed));
    json_object_object_add(issue, "threshold", json_object_new_string(threshold));
}

/* ---- what it is ---- */

static struct json_object *cli_health_floor(struct cli_health *h, const char *what, const char *found,
                                            const char *floor, const char *code)
{
    struct json_object *to = json_object_new_object();
    bool ok = !floor || (found[0] && cli_health_version_at_least(found, floor));
    char message[200];

    json_object_object_add(to, "found", found[0] ? json_object_new_string(found) : NULL);
    json_object_object_add(to, "required", floor ? json_object_new_string(floor) : NULL);
    json_object_object_add(to, "ok", json_object_new_boolean(ok));
    if (!ok) {
        (void)snprintf(message, sizeof message, "%s is %.60s, required is %.60s", what,
                       found[0] ? found : "not told", floor);
        cli_health_texts(cli_health_issue(h, code, CLI_HEALTH_ERROR, NULL, message), found, floor);
    }
    return to;
}

static void cli_health_identity(struct cli_health *h)
{
    const struct redfish_survey *s = &h->survey;

    cli_redfish_service(h->to, s);
    cli_redfish_day0(h->to, s);
    json_object_object_add(h->to, "firmware_floor",
                           cli_health_floor(h, "the BMC's firmware", s->firmware, h->options->firmware_floor,
                                            "FIRMWARE_VALIDATION_FAILED"));
    json_object_object_add(h->to, "redfish_floor",
                           cli_health_floor(h, "the Redfish version", s->redfish_version,
                                            h->options->redfish_floor, "REDFISH_VERSION_FAILED"));
    if (s->firmware_count == 0)
        (void)cli_health_issue(h, "NOT_IMPLEMENTED", CLI_HEALTH_WARNING,
                               "/redfish/v1/UpdateService/FirmwareInventory",
                               "no firmware inventory: what runs on its devices is not told");
    for (int32_t i = 0; i < s->manager_count; i++) {
        double off_s = (double)s->managers[i].clock_offset_us / 1e6;

        if (s->managers[i].has_clock && fabs(off_s) > CLI_HEALTH_CLOCK_S)
            cli_health_figures(cli_health_issue(h, "CLOCK_OFFSET", CLI_HEALTH_WARNING, s->managers[i].path,
                                                "its clock differs from this machine's: set its NTP server"),
                               off_s, CLI_HEALTH_CLOCK_S);
    }
}

static void cli_health_survey_errors(struct cli_health *h)
{
    const struct redfish_survey *s = &h->survey;

    for (int32_t i = 0; i < s->error_count; i++) {
        const struct redfish_survey_error *e = &s->errors[i];
        bool login = e->code == 401 || e->code == 403 || (e->code == 0 && e->status == ST_REFUSED);

        cli_health_figures(cli_health_issue(h, login ? "AUTHENTICATION_FAILED" : "ENDPOINT_FAILED",
                                            CLI_HEALTH_ERROR, e->path, e->text),
                           e->code, NAN);
    }
    if (!s->complete)
        (void)cli_health_issue(h, "SURVEY_INCOMPLETE", CLI_HEALTH_WARNING, NULL,
                               "not all of it was read: too much, or too slow");
}

/* ---- how fast it answers ---- */

static void cli_health_take_answers(struct cli_health *h)
{
    static const enum cli_health_set sets[REDFISH_ASK_CLASSES] = {
        [REDFISH_ASK_ENDPOINT] = CLI_HEALTH_ENDPOINT,
        [REDFISH_ASK_TELEMETRY] = CLI_HEALTH_TELEMETRY,
        [REDFISH_ASK_POWER] = CLI_HEALTH_POWER_GET,
        [REDFISH_ASK_WORKLOAD] = CLI_HEALTH_WPPS_GET,
    };

    for (int32_t i = 0; i < h->survey.answer_count; i++)
        (void)cli_health_add(&h->sets[sets[h->survey.answers[i].ask]], h->survey.answers[i].latency_us);
}

/* The resource of a reading or a limit: its path without what stands after '#'. */
static void cli_health_resource(const char *path, char ret[REDFISH_SURVEY_PATH_MAX])
{
    size_t length = strcspn(path, "#");

    length = length < REDFISH_SURVEY_PATH_MAX ? length : REDFISH_SURVEY_PATH_MAX - 1;
    memcpy(ret, path, length);
    ret[length] = '\0';
}

static int cli_health_sample_paths(const struct redfish_survey *s, char (*paths)[REDFISH_SURVEY_PATH_MAX])
{
    int count = 0;

    for (int32_t i = 0; i < s->reading_count && count < CLI_HEALTH_PATHS_MAX; i++) {
        bool known = false;

        cli_health_resource(s->readings[i].path, paths[count]);
        for (int k = 0; k < count && !known; k++)
            known = strcmp(paths[k], paths[count]) == 0;
        count += !known;
    }
    return count;
}

struct cli_health_component {
    int64_t samples, failed;
    struct cli_health_samples us;
};

static struct json_object *cli_health_component_json(const char *path, struct cli_health_component *c)
{
    struct cli_health_percentiles p = cli_health_percentiles(&c->us);
    struct json_object *to = json_object_new_object();

    json_object_object_add(to, "path", json_object_new_string(path));
    json_object_object_add(to, "samples", json_object_new_int64(c->samples));
    json_object_object_add(to, "failed", json_object_new_int64(c->failed));
    json_object_object_add(to, "p50_ms", isnan(p.p50_ms) ? NULL : json_object_new_double(p.p50_ms));
    json_object_object_add(to, "max_ms", isnan(p.max_ms) ? NULL : json_object_new_double(p.max_ms));
    return to;
}

static void cli_health_sample(struct cli_health *h, const char *path, struct cli_health_component *c)
{
    struct redfish_probe_answer answer;

    redfish_probe_get(h->probe, path, &answer);
    c->samples++;
    if (answer.status == ST_OK && answer.code / 100 == 2) {
        (void)cli_health_add(&h->sets[CLI_HEALTH_TELEMETRY], answer.latency_us);
        (void)cli_health_add(&c->us, answer.latency_us);
    } else {
        c->failed++;
    }
}

/* Each path in turn, so many samples in all, so far apart. */
static void cli_health_telemetry(struct cli_health *h)
{
    char(*paths)[REDFISH_SURVEY_PATH_MAX] = calloc(CLI_HEALTH_PATHS_MAX + 1, sizeof *paths);
    struct cli_health_component *components = calloc(CLI_HEALTH_PATHS_MAX + 1, sizeof *components);
    struct json_object *list = json_object_new_array();
    int count = paths && components ? cli_health_sample_paths(&h->survey, paths) : 0;
    int64_t due_us = clock_now_us();

    for (int64_t i = 0; count > 0 && i < h->options->samples; i++) {
        clock_sleep_until_us(due_us);
        if (redfish_probe_is_interrupted(h->probe))
            break;
        due_us += h->options->every_ms * 1000;
        cli_health_sample(h, paths[i % count], &components[i % count]);
    }
    for (int i = 0; i < count; i++) {
        if (components[i].failed > 0)
            cli_health_figures(
                cli_health_issue(h, "TELEMETRY_FAILED", CLI_HEALTH_ERROR, paths[i], "a reading did not come"),
                (double)components[i].failed, 0);
        if (components[i].samples > 0)
            json_object_array_add(list, cli_health_component_json(paths[i], &components[i]));
        cli_health_samples_done(&components[i].us);
    }
    json_object_object_add(h->to, "telemetry", list);
    json_object_object_add(h->to, "telemetry_components", json_object_new_int(count));
    free(paths);
    free(components);
}

static void cli_health_latencies(struct cli_health *h)
{
    for (int set = 0; set < CLI_HEALTH_SETS; set++) {
        struct cli_health_percentiles p = cli_health_percentiles(&h->sets[set]);
        const char *name = cli_health_set_name((enum cli_health_set)set);
        struct json_object *to = json_object_new_object();
        struct cli_health_gate gates[5];
        int count = cli_health_gates(&p, gates);

        json_object_object_add(to, "count", json_object_new_int64((int64_t)h->sets[set].count));
        json_object_object_add(to, "p50", isnan(p.p50_ms) ? NULL : json_object_new_double(p.p50_ms));
        json_object_object_add(to, "p95", isnan(p.p95_ms) ? NULL : json_object_new_double(p.p95_ms));
        json_object_object_add(to, "p99", isnan(p.p99_ms) ? NULL : json_object_new_double(p.p99_ms));
        json_object_object_add(to, "max", isnan(p.max_ms) ? NULL : json_object_new_double(p.max_ms));
        json_object_object_add(h->to, name, to);
        for (int g = 0; g < count; g++)
            cli_health_figures(
                cli_health_issue(h, gates[g].code, gates[g].error ? CLI_HEALTH_ERROR : CLI_HEALTH_WARNING,
                                 name,
                                 gates[g].error ? "answers wait for a connection" : "slower than the gate"),
                gates[g].observed, gates[g].threshold);
    }
}

/* ---- policies ---- */

static void cli_health_edpp(struct cli_health *h)
{
    struct json_object *list = json_object_new_array();

    for (int32_t i = 0; i < h->survey.limit_count; i++) {
        const struct redfish_survey_limit *l = &h->survey.limits[i];
        char path[REDFISH_SURVEY_PATH_MAX];
        struct redfish_probe_answer answer;
        struct json_object *to;

        if (l->kind != REDFISH_LIMIT_EDPP)
            continue;
        cli_health_resource(l->path, path);
        for (int k = 0; k < CLI_HEALTH_EDPP_GETS; k++) {
            redfish_probe_get(h->probe, path, &answer);
            if (answer.status == ST_OK)
                (void)cli_health_add(&h->sets[CLI_HEALTH_EDPP_GET], answer.latency_us);
        }
        to = json_object_new_object();
        json_object_object_add(to, "path", json_object_new_string(l->path));
        json_object_object_add(to, "percent", isnan(l->value) ? NULL : json_object_new_double(l->value));
        json_object_array_add(list, to);
        if (!isnan(h->options->expected_edpp) && !(fabs(l->value - h->options->expected_edpp) < 0.5))
            cli_health_figures(
                cli_health_issue(h, "EDPP_MISMATCH", CLI_HEALTH_ERROR, l->path, "not the expected EDPp"),
                l->value, h->options->expected_edpp);
    }
    json_object_object_add(h->to, "edpp", list);
}

static struct json_object *cli_health_mask(const struct redfish_survey_mask *mask)
{
    char text[8 * REDFISH_SURVEY_MASK_WORDS + 3] = "0x";
    size_t used = 2;

    if (!mask->known)
        return NULL;
    for (int w = REDFISH_SURVEY_MASK_WORDS - 1; w >= 0; w--)
        used += (size_t)snprintf(text + used, sizeof text - used, "%08x", (unsigned)mask->word[w]);
    return json_object_new_string(text);
}

static void cli_health_wpps(struct cli_health *h)
{
    struct json_object *list = json_object_new_array();

    for (int32_t i = 0; i < h->survey.setting_count; i++) {
        const struct redfish_survey_setting *s = &h->survey.settings[i];
        struct json_object *to;

        if (s->kind != REDFISH_SETTING_WORKLOAD)
            continue;
        to = json_object_new_object();
        json_object_object_add(to, "path", json_object_new_string(s->path));
        json_object_object_add(to, "supported", cli_health_mask(&s->supported));
        json_object_object_add(to, "requested", cli_health_mask(&s->requested));
        json_object_object_add(to, "enforced", cli_health_mask(&s->enforced));
        json_object_array_add(list, to);
        if (s->requested.known && s->enforced.known &&
            memcmp(s->requested.word, s->enforced.word, sizeof s->requested.word) != 0)
            (void)cli_health_issue(h, "WPPS_MISMATCH", CLI_HEALTH_WARNING, s->path,
                                   "a workload profile was asked for and another is enforced");
    }
    json_object_object_add(h->to, "wpps", list);
}

/* ---- limits ---- */

static bool cli_health_powers_off(const struct redfish_survey_limit *l)
{
    return strcmp(l->exception, "HardPowerOff") == 0;
}

static void cli_health_limits(struct cli_health *h)
{
    cli_redfish_limits(h->to, "power_settings", &h->survey);
    for (int32_t i = 0; i < h->survey.limit_count; i++) {
        const struct redfish_survey_limit *l = &h->survey.limits[i];

        if (cli_health_powers_off(l))
            (void)cli_health_issue(
                h, "LIMIT_EXCEPTION", CLI_HEALTH_WARNING, l->path,
                "its host is switched off when this limit is exceeded: it is never written");
        if (strcmp(l->context, "gpu") == 0 && l->kind == REDFISH_LIMIT_METRICS &&
            (isnan(l->min) || isnan(l->max)))
            (void)cli_health_issue(h, "LIMIT_RANGE_MISSING", CLI_HEALTH_WARNING, l->path,
                                   "a GPU's limit without a range: the configuration must give it");
    }
}

/* Worth a write: watts that are set, and can go one down. */
static bool cli_health_may_write(const struct redfish_survey_limit *l)
{
    return l->writable && !cli_health_powers_off(l) && strcmp(l->unit, "W") == 0 && !isnan(l->value) &&
           l->kind != REDFISH_LIMIT_EDPP && l->kind != REDFISH_LIMIT_POLICY &&
           (isnan(l->min) || l->value - 1.0 >= l->min) && l->value > 1.0;
}

static bool cli_health_put(struct cli_health *h, const struct redfish_survey_limit *l, double value,
                           struct json_object *to, const char *key)
{
    struct redfish_probe_write done = { .status = ST_NONE };
    struct json_object *one = json_object_new_object();

    redfish_probe_write(h->probe, l, value, h->options->window_ms * 1000, &done);
    json_object_object_add(one, "value", json_object_new_double(value));
    json_object_object_add(one, "status", json_object_new_string(status_label(done.status)));
    json_object_object_add(one, "set_ms", json_object_new_double((double)done.set_us / 1e3));
    json_object_object_add(one, "readback_ms", json_object_new_double((double)done.readback_us / 1e3));
    json_object_object_add(one, "readback",
                           isnan(done.readback) ? NULL : json_object_new_double(done.readback));
    json_object_object_add(one, "why", done.why[0] ? json_object_new_string(done.why) : NULL);
    json_object_object_add(to, key, one);
    if (done.set_us > 0)
        (void)cli_health_add(&h->sets[CLI_HEALTH_POWER_SET], done.set_us);
    (void)snprintf(h->why, sizeof h->why, "%s", done.why[0] ? done.why : status_label(done.status));
    h->sent = done.code != 0 || done.status != ST_REFUSED;
    return done.status == ST_OK;
}

static void cli_health_record_path(const struct cli_health *h, char *ret, size_t room)
{
    uint32_t hash = UINT32_C(2166136261);

    for (const char *c = h->target->url; *c; c++)
        hash = (hash ^ (unsigned char)*c) * UINT32_C(16777619);
    (void)snprintf(ret, room, "%s/restore-%08x.json", h->options->folder, (unsigned)hash);
}

/* No record, no write. */
static bool cli_health_record(struct cli_health *h, const char *path)
{
    struct json_object *to = json_object_new_object(), *list = json_object_new_array();
    bool saved;

    json_object_object_add(to, "node", json_object_new_string(h->target->name));
    json_object_object_add(to, "url", json_object_new_string(h->target->url));
    json_object_object_add(to, "uuid", json_object_new_string(h->survey.uuid));
    for (int32_t i = 0; i < h->survey.limit_count; i++) {
        const struct redfish_survey_limit *l = &h->survey.limits[i];
        struct json_object *one;

        if (!cli_health_may_write(l))
            continue;
        one = json_object_new_object();
        json_object_object_add(one, "path", json_object_new_string(l->path));
        json_object_object_add(one, "value", json_object_new_double(l->value));
        json_object_array_add(list, one);
    }
    json_object_object_add(to, "limits", list);
    saved = cli_health_save(path, to);
    json_object_put(to);
    return saved;
}

static struct redfish_survey_limit *cli_health_find(struct cli_health *h, const char *path)
{
    for (int32_t i = 0; i < h->survey.limit_count; i++)
        if (strcmp(h->survey.limits[i].path, path) == 0)
            return &h->survey.limits[i];
    return NULL;
}

static bool cli_health_restore_one(struct cli_health *h, const char *path, double value,
                                   struct json_object *to)
{
    struct redfish_survey_limit *l = cli_health_find(h, path);

    if (!l) {
        cli_health_figures(cli_health_issue(h, "RESTORE_FAILED", CLI_HEALTH_ERROR, path,
                                            "an earlier check lowered it, and it was not read this time: "
                                            "its record stays for the next check"),
                           NAN, value);
        return false;
    }
    if (l->value != value && !cli_health_put(h, l, value, to, "restore")) {
        cli_health_figures(cli_health_issue(h, "RESTORE_FAILED", CLI_HEALTH_ERROR, path,
                                            "an earlier check lowered it, and it cannot be put back"),
                           l->value, value);
        return false;
    }
    l->value = value;
    return true;
}

/* Is a record of this machine, as far as either tells? */
static bool cli_health_is_of(const struct cli_health *h, struct json_object *record)
{
    const char *uuid = cli_text(record, "uuid", "");

    return uuid[0] == '\0' || h->survey.uuid[0] == '\0' || strcasecmp(uuid, h->survey.uuid) == 0;
}

/* What an earlier check that was cut off left one watt low. False: some of it stays. */
static bool cli_health_restore(struct cli_health *h, const char *path)
{
    struct json_object *record = cli_health_load(path), *done = json_object_new_array();
    bool all = record != NULL && cli_health_is_of(h, record);
    char message[CONF_PATH_MAX + 160];

    json_object_object_add(h->to, "restored", done);
    if (!all) {
        (void)snprintf(message, sizeof message,
                       record ? "%s is of another machine, with UUID %.64s: nothing is written here until "
                                "that file is gone"
                              : "%s cannot be read: nothing is written here until that file is gone",
                       path, cli_text(record, "uuid", ""));
        (void)cli_health_issue(h, "RESTORE_FAILED", CLI_HEALTH_ERROR, NULL, message);
    }
    for (size_t i = 0, count = all ? cli_length(record, "limits") : 0; i < count; i++) {
        struct json_object *one = cli_item(record, "limits", i), *to = json_object_new_object();
        const char *limit = cli_text(one, "path", "");

        json_object_object_add(to, "path", json_object_new_string(limit));
        json_object_array_add(done, to);
        all = cli_health_restore_one(h, limit, cli_number(one, "value"), to) && all;
    }
    json_object_put(record);
    if (all)
        (void)unlink(path);
    return all;
}

static void cli_health_cycle(struct cli_health *h, const struct redfish_survey_limit *l,
                             struct json_object *list, bool *all_back)
{
    struct json_object *to = json_object_new_object();

    json_object_object_add(to, "path", json_object_new_string(l->path));
    json_object_object_add(to, "original", json_object_new_double(l->value));
    if (!cli_health_put(h, l, l->value - 1.0, to, "lower"))
        cli_health_figures(cli_health_issue(h, "WRITE_FAILED", CLI_HEALTH_ERROR, l->path, h->why), l->value,
                           l->value - 1.0);
    if (h->sent && !cli_health_put(h, l, l->value, to, "restore")) {
        *all_back = false;
        cli_health_figures(cli_health_issue(h, "RESTORE_FAILED", CLI_HEALTH_ERROR, l->path,
                                            "it could not be put back: its record stays for the next check"),
                           NAN, l->value);
    }
    json_object_array_add(list, to);
}

static void cli_health_writes(struct cli_health *h)
{
    struct json_object *list = json_object_new_array();
    char record[CONF_PATH_MAX + 32];
    bool all_back = true;

    json_object_object_add(h->to, "power_writes", list);
    cli_health_record_path(h, record, sizeof record);
    if (access(record, F_OK) == 0 && !h->options->writes) {
        (void)cli_health_issue(
            h, "RESTORE_PENDING", CLI_HEALTH_ERROR, NULL,
            "an earlier check was cut off while it wrote limits: start it again with --force-writes");
        return;
    }
    if (h->options->writes && !h->target->user[0]) {
        (void)cli_health_issue(h, "INVALID_OPERATION", CLI_HEALTH_ERROR, NULL,
                               "no limit is written without a username");
        return;
    }
    if (!h->options->writes || (access(record, F_OK) == 0 && !cli_health_restore(h, record)))
        return;
    if (!cli_health_record(h, record)) {
        (void)cli_health_issue(h, "INVALID_OPERATION", CLI_HEALTH_ERROR, NULL,
                               "what its limits are cannot be recorded, so none is written");
        return;
    }
    for (int32_t i = 0; i < h->survey.limit_count; i++)
        if (!redfish_probe_is_interrupted(h->probe) && cli_health_may_write(&h->survey.limits[i]))
            cli_health_cycle(h, &h->survey.limits[i], list, &all_back);
    if (all_back)
        (void)unlink(record);
}

/* ---- the whole ---- */

static bool cli_health_open(struct cli_health *h)
{
    const struct cli_health_target *t = h->target;
    struct redfish_survey_options opt = {
        .url = t->url,
        .username = t->user[0] ? t->user : NULL,
        .password = t->user[0] ? t->password : NULL,
        .ca_file = t->ca_file[0] ? t->ca_file : NULL,
        .pin = t->pin[0] ? t->pin : NULL,
        .timeout_us = h->options->timeout_us,
        .signals = true,
    };
    char why[REDFISH_SURVEY_WHY_MAX] = "";
    enum status st = redfish_probe_new(&opt, &h->probe, why);
    bool login;

    if (st == ST_OK)
        st = redfish_probe_survey(h->probe, &h->survey, why);
    if (st == ST_OK)
        return true;
    login = st == ST_REFUSED && h->probe && redfish_probe_is_reached(h->probe);
    (void)cli_health_issue(h, login ? "AUTHENTICATION_FAILED" : "UNREACHABLE", CLI_HEALTH_ERROR, t->url,
                           why[0] ? why : status_label(st));
    return false;
}

struct json_object *cli_health_node(const struct cli_health_target *target,
                                    const struct cli_health_options *options)
{
    struct cli_health h = { .target = target,
                            .options = options,
                            .to = json_object_new_object(),
                            .issues = json_object_new_array() };
    bool reachable = cli_health_open(&h);

    json_object_object_add(h.to, "node", json_object_new_string(target->name));
    json_object_object_add(h.to, "url", json_object_new_string(target->url));
    json_object_object_add(h.to, "reachable", json_object_new_boolean(reachable));
    if (reachable) {
        cli_health_identity(&h);
        cli_health_survey_errors(&h);
        cli_health_take_answers(&h);
        cli_health_limits(&h);
        cli_health_edpp(&h);
        cli_health_wpps(&h);
        cli_health_telemetry(&h);
        cli_health_writes(&h);
        cli_health_latencies(&h);
        json_object_object_add(h.to, "properties_understood",
                               json_object_new_int64(h.survey.properties_understood));
        json_object_object_add(h.to, "ib_oob_drift", NULL); /* nothing in the node's own system is asked */
        redfish_survey_done(&h.survey);
    }
    for (int i = 0; i < CLI_HEALTH_SETS; i++)
        cli_health_samples_done(&h.sets[i]);
    redfish_probe_free(h.probe);
    json_object_object_add(h.to, "issues", h.issues);
    return h.to;
}
