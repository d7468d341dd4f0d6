/* SPDX-License-Identifier: Apache-2.0 */
/* scenario_set.c: puts a scenario's rack, presets and settings together.
 *
 * Main thread, or a worker process. Reads one file of config/racks. The plant gets
 * what was set; the core goes on believing the name plates of that kind (`books`).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario_parts.h"

#define SCENARIO_SLOW_BAUD 19200.0

static const char *const scenario_rack_folders[SCENARIO_FOLDERS] = { BUSBAR_SOURCE_DIR "/config/racks",
                                                                     BUSBAR_RACK_DIR };

/* ---- keys ---- */

enum scenario_where {
    SCENARIO_SET_NOMINAL,
    SCENARIO_SET_BAUD,
    SCENARIO_SET_LOAD,
    SCENARIO_SET_ENVELOPE_RATIO,
    SCENARIO_SET_ENVELOPE,
    SCENARIO_SET_PERIOD,
    SCENARIO_SET_SECONDS,
    SCENARIO_SET_SETTLE,
    SCENARIO_SET_PHASE,
};

/* Settings that are not rows of plant_params.h; `rack` and `start` come first, `job` last. */
static const struct scenario_set_key {
    const char *key;
    enum scenario_where where;
    double min, max;
} scenario_set_keys[] = {
    { .key = "nominal_v", .where = SCENARIO_SET_NOMINAL, .min = 180, .max = 305 },
    { .key = "baud", .where = SCENARIO_SET_BAUD, .min = 1200, .max = 1e6 },
    { .key = "load_ratio", .where = SCENARIO_SET_LOAD, .min = 0, .max = 1.1 },
    { .key = "envelope_ratio", .where = SCENARIO_SET_ENVELOPE_RATIO, .min = 0.1, .max = 2 },
    { .key = "envelope_w", .where = SCENARIO_SET_ENVELOPE, .min = 1, .max = 1e7 },
    { .key = "period_ms", .where = SCENARIO_SET_PERIOD, .min = 1, .max = 1000 },
    { .key = "seconds", .where = SCENARIO_SET_SECONDS, .min = 0.1, .max = 86400 },
    { .key = "settle_s", .where = SCENARIO_SET_SETTLE, .min = 0, .max = 600 },
    { .key = "phase_ratio", .where = SCENARIO_SET_PHASE, .min = 0, .max = 1 },
};
#define SCENARIO_SET_KEYS (sizeof scenario_set_keys / sizeof scenario_set_keys[0])

static void scenario_set_refuse(struct scenario_report *report, const struct scenario_setting *set,
                                const char *what)
{
    report->file = set->line > 0 ? report->file : "--set";
    scenario_report_add(report, set->line, set->column, set->key, "%s", what);
}

static void scenario_set_unknown(struct scenario_report *report, const struct scenario_setting *set)
{
    const char *words[SCENARIO_SET_KEYS + 4 + 128];
    size_t count = 0;
    char what[300];

    for (size_t i = 0; i < SCENARIO_SET_KEYS; i++)
        words[count++] = scenario_set_keys[i].key;
    words[count++] = "rack";
    words[count++] = "start";
    words[count++] = "forecast";
    words[count++] = "job";
    for (int i = 0; i < plant_param_count() && i < 128; i++)
        words[count++] = plant_param_at(i)->key;
    const char *near = scenario_near(set->key, words, count);

    (void)snprintf(
        what, sizeof what,
        "there is no such key%s%s%s; allowed rack, start, forecast, job, nominal_v, baud, load_ratio, envelope_ratio, "
        "envelope_w, period_ms, seconds, settle_s, phase_ratio and the plant's parameters",
        near ? ", is \"" : "", near ? near : "", near ? "\" meant" : "");
    scenario_set_refuse(report, set, what);
}

static void scenario_set_apply(struct scenario_file *file, enum scenario_where where, double value)
{
    struct scenario *s = &file->scenario;

    switch (where) {
    case SCENARIO_SET_NOMINAL:
        s->rack.nominal_v = value;
        s->params.nominal_v = value;
        s->books.nominal_v = value;
        break;
    case SCENARIO_SET_BAUD:
        s->baud = value;
        break;
    case SCENARIO_SET_LOAD:
        s->load.high_ratio = value;
        file->envelope_ratio = (double)NAN;
        break;
    case SCENARIO_SET_ENVELOPE_RATIO:
        file->envelope_ratio = value;
        break;
    case SCENARIO_SET_ENVELOPE:
        s->envelope_w = value;
        break;
    case SCENARIO_SET_PERIOD:
        file->period_ms = value;
        break;
    case SCENARIO_SET_SECONDS:
        s->seconds = value;
        break;
    case SCENARIO_SET_SETTLE:
        s->settle_s = value;
        break;
    case SCENARIO_SET_PHASE:
        s->phase_ratio = value;
        break;
    }
}

static void scenario_set_one(struct scenario_file *file, const struct scenario_setting *set,
                             struct scenario_report *report)
{
    const struct plant_param *param = plant_param_find(set->key);
    const struct scenario_set_key *own = NULL;
    char *end = NULL, what[160];
    double value = strtod(set->value, &end);

    for (size_t i = 0; i < SCENARIO_SET_KEYS; i++)
        if (strcmp(scenario_set_keys[i].key, set->key) == 0)
            own = &scenario_set_keys[i];
    if (!own && !param) {
        scenario_set_unknown(report, set);
        return;
    }
    double min = own ? own->min : param->low, max = own ? own->max : param->high;

    if (end == set->value || *end != '\0' || !isfinite(value) || value < min || value > max) {
        (void)snprintf(what, sizeof what, "\"%.40s\" is not allowed, allowed %g to %g", set->value, min, max);
        scenario_set_refuse(report, set, what);
    } else if (own) {
        scenario_set_apply(file, own->where, value);
    } else {
        plant_param_set(&file->scenario.params, param, value);
    }
}

/* "key=value" of the command line, after those of the file. */
static void scenario_set_parse(struct scenario_file *file, const char *text, struct scenario_report *report)
{
    struct scenario_setting *set = &file->set[file->set_count];
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : 0;

    report->file = "--set";
    if (!equals || length == 0 || length >= sizeof set->key || strlen(equals + 1) >= sizeof set->value)
        scenario_report_add(report, 0, 0, text, "KEY=VALUE is needed");
    else if (file->set_count == SCENARIO_SETS_MAX)
        scenario_report_add(report, 0, 0, text, "more than %d settings", SCENARIO_SETS_MAX);
    else {
        *set = (struct scenario_setting){ .line = 0 };
        memcpy(set->key, text, length);
        memcpy(set->value, equals + 1, strlen(equals + 1));
        file->set_count++;
    }
}

static void scenario_set_forecast(struct scenario_file *file, const struct scenario_setting *set,
                                  struct scenario_report *report)
{
    static const char *const words[SCENARIO_FORECAST_COUNT] = { [SCENARIO_FORECAST_OFF] = "off",
                                                                [SCENARIO_FORECAST_ON] = "on",
                                                                [SCENARIO_FORECAST_HINTS] = "hints",
                                                                [SCENARIO_FORECAST_LIES] = "lies",
                                                                [SCENARIO_FORECAST_ORACLE] = "oracle" };
    int i = 0;

    while (i < SCENARIO_FORECAST_COUNT && strcmp(words[i], set->value) != 0)
        i++;
    file->scenario.forecast = (enum scenario_forecast)i;
    if (i == SCENARIO_FORECAST_COUNT)
        scenario_set_refuse(report, set, "allowed off, on, hints, lies, oracle");
    else if (i >= SCENARIO_FORECAST_HINTS && !file->scenario.job.plays)
        scenario_set_refuse(report, set, "hints, lies and oracle need a load of kind job");
}

static const struct scenario_setting *scenario_last_set(const struct scenario_file *file, const char *key)
{
    const struct scenario_setting *found = NULL;

    for (int32_t i = 0; i < file->set_count; i++)
        if (strcmp(file->set[i].key, key) == 0)
            found = &file->set[i];
    return found;
}

/* The rack, then the presets of its kind and start profile. */
static bool scenario_set_rack(struct scenario_file *file, struct scenario_report *report)
{
    const struct scenario_setting *rack = scenario_last_set(file, "rack");
    const struct scenario_setting *start = scenario_last_set(file, "start");
    const char *name = rack ? rack->value : file->rack;
    char path[1024], error[RACK_ERROR_MAX] = "";
    struct scenario *s = &file->scenario;

    if (scenario_is_path(name))
        (void)snprintf(path, sizeof path, "%s", name);
    else if (!scenario_find_file(scenario_rack_folders, name, path, sizeof path)) {
        size_t line = rack ? rack->line : file->rack_line, column = rack ? rack->column : file->rack_column;

        report->file = rack && line == 0 ? "--set" : report->file;
        scenario_report_add(
            report, line, column, "rack",
            "there is no \"%.60s\" in config/racks; allowed a name of one there, as hpr or orv3, or "
            "a path ending in .yaml",
            name);
        return false;
    }
    if (rack_load(path, &s->rack, error) != ST_OK) {
        report->file = "rack";
        scenario_report_add(report, 0, 0, "", "%.300s", error);
        return false;
    }
    if (start && plant_start_find(start->value) == PLANT_START_COUNT) {
        scenario_set_refuse(report, start, "allowed stock, short-boot, kept-alive");
        return false;
    }
    if (start)
        (void)snprintf(s->rack.start, sizeof s->rack.start, "%s",
                       plant_start_word(plant_start_find(start->value)));
    rack_params(&s->rack, &s->params);
    s->books = s->params;
    return true;
}

/* Demand at which the rack's AC input is the wanted part of the envelope. */
static void scenario_set_load(struct scenario_file *file)
{
    struct scenario *s = &file->scenario;
    const struct rack *rack = &s->rack;
    struct load_options *load = &s->load;
    double envelope_w = s->envelope_w > 0.0 ? s->envelope_w : rack->envelope_w;
    double gpus = rack->node_count * rack->node_gpus;
    double mean = load->high_ratio;

    if (isfinite(file->envelope_ratio)) {
        double dc_w = envelope_w * file->envelope_ratio * s->params.psu_efficiency_ratio;
        double gpu_w = (dc_w - rack->node_count * rack->node_static_w - rack->switches_w) / gpus;

        mean = (gpu_w - rack->gpu_idle_w) / (rack->gpu_rated_w - rack->gpu_idle_w);
        mean = mean < 0.0 ? 0.0 : mean > 1.1 ? 1.1 : mean;
        load->high_ratio = mean;
        if (load->kind == LOAD_SQUARE) {
            double low = isfinite(file->low_ratio) ? file->low_ratio : 0.5 * mean;

            load->high_ratio = fmin(1.1, (mean - (1.0 - load->duty_ratio) * low) / load->duty_ratio);
        }
    }
    load->low_ratio = isfinite(file->low_ratio)     ? file->low_ratio
                      : load->kind == LOAD_CONSTANT ? load->high_ratio
                                                    : 0.5 * mean;
}

static double scenario_baud(const struct scenario *s)
{
    return s->baud > 0.0 ? s->baud : s->rack.modbus_baud;
}

enum status scenario_settle(struct scenario_file *file, const char *const *set, int set_count,
                            struct scenario_report *report)
{
    const char *name = report->file;

    for (int i = 0; i < set_count; i++)
        scenario_set_parse(file, set[i], report);
    report->file = name;
    if (report->count > 0 || !scenario_set_rack(file, report))
        return ST_RANGE;
    for (int32_t i = 0; i < file->set_count; i++) {
        report->file = name;
        if (strcmp(file->set[i].key, "forecast") == 0)
            scenario_set_forecast(file, &file->set[i], report);
        else if (strcmp(file->set[i].key, "rack") != 0 && strcmp(file->set[i].key, "start") != 0 &&
                 strcmp(file->set[i].key, "job") != 0)
            scenario_set_one(file, &file->set[i], report);
    }
    report->file = name;
    scenario_job_settle(file, scenario_last_set(file, "job"), report);
    if (report->count > 0)
        return ST_RANGE;
    file->scenario.period_us = (int64_t)(file->period_ms * 1000.0);
    if (file->current_within_slow_s > 0.0 && scenario_baud(&file->scenario) <= SCENARIO_SLOW_BAUD)
        file->scenario.current_within_s = file->current_within_slow_s;
    scenario_set_load(file);
    scenario_find_event(&file->scenario);
    return ST_OK;
}
