/* SPDX-License-Identifier: Apache-2.0 */
/* compare.c: busbarsim compare: the same events with something changed, side by
 * side. Main thread; runs one column after the other. The picture: compare_svg.c.
 */
#include "compare.h"

#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "serve_arguments.h"

static const char compare_usage[] =
    "busbarsim compare SCENARIO... [--controller none,busbar] [--set KEY=V1,V2]... [--seed N]\n"
    "                  [--svg FILE] [--json]\n"
    "\n"
    "Runs each scenario once a controller and once a value, and puts the runs side by side.\n"
    "\n"
    "  --controller LIST  none (the hardware alone), busbar; both unless a --set has several\n"
    "                     values, then each scenario's own\n"
    "  --set KEY=V1,V2    a setting, as for `busbarsim run`; one of them may have several\n"
    "                     values: a column each\n"
    "  --seed N           of every run (1)\n"
    "  --svg FILE         the traces as a picture: AC voltage, busbar voltage, power of\n"
    "                     supplies and batteries, power of load and grid\n"
    "  --json             one JSON document on standard output: {runs[]}, each as `busbarsim\n"
    "                     run` has it, and \"setting\" where one has several values\n"
    "\n"
    "Exit status: 0 every run was made and reported, 2 it could not be.\n";

enum compare_figure { COMPARE_RECOVERY = 2, COMPARE_RECHARGE = COMPARE_FIGURES - 1 };

enum compare_option {
    COMPARE_CONTROLLER = 256,
    COMPARE_SET,
    COMPARE_SEED,
    COMPARE_SVG,
    COMPARE_JSON,
    COMPARE_HELP,
    COMPARE_VERSION
};

struct compare_args {
    struct study_words controllers;
    int32_t set_count, several; /* several: the place of the one with values */
    const char *set[SCENARIO_SETS_MAX];
    char several_key[64];
    struct study_words values;
    uint64_t seed;
    const char *svg;
    char **scenario;
    int scenario_count;
    bool json, help, version;
};

static const struct compare_what {
    const char *name, *metric, *unit;
    int decimals;
} compare_of_events[COMPARE_FIGURES] = {
    { "PFC trips", "pfc_trips", "", 0 },           { "busbar minimum", "bus_min_v", " V", 2 },
    { "time to 90 %", "recovery_s", " s", 2 },     { "overshoot", "overshoot_ratio", "", 3 },
    { "IT lost", "it_lost", "", 0 },               { "recharge peak", "recharge_peak_w", " kW", 2 },
}, compare_of_jobs[COMPARE_FIGURES] = {
    { "served work", "served_work", " GPU s", 0 }, { "throttled", "throttled_gpu_s", " GPU s", 0 },
    { "slow-down", "slowdown_p95", "", 4 },        { "worst margin", "worst_margin_w", " W", 0 },
    { "IT lost", "it_lost", "", 0 },               { "peak", "peak_w", " W", 0 },
};

/* ---- arguments ---- */

static bool compare_args_set(struct compare_args *args, const char *text)
{
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : 0;

    if (length == 0 || length >= sizeof args->several_key || args->set_count == SCENARIO_SETS_MAX) {
        (void)fprintf(stderr, "busbarsim compare: --set: '%s': %s\n", text,
                      args->set_count == SCENARIO_SETS_MAX ? "too many settings" : "KEY=VALUE is needed");
        return false;
    }
    if (strchr(equals, ',')) {
        if (args->several >= 0) {
            (void)fprintf(stderr,
                          "busbarsim compare: --set: '%s': only one setting may have several values\n", text);
            return false;
        }
        if (!study_split("--set", equals + 1, &args->values))
            return false;
        args->several = args->set_count;
        memcpy(args->several_key, text, length);
    }
    args->set[args->set_count++] = text;
    return true;
}

static bool compare_args_controllers(struct compare_args *args, const char *text)
{
    if (!study_split("--controller", text, &args->controllers))
        return false;
    for (int32_t i = 0; i < args->controllers.count; i++)
        if (study_controller(args->controllers.word[i]) == VIRTUAL_CONTROLLER_COUNT) {
            (void)fprintf(stderr, "busbarsim compare: --controller: '%s' is neither none nor busbar\n",
                          args->controllers.word[i]);
            return false;
        }
    return true;
}

static bool compare_args_one(struct compare_args *args, int option)
{
    args->json |= option == COMPARE_JSON;
    args->help |= option == COMPARE_HELP;
    args->version |= option == COMPARE_VERSION;
    if (option == COMPARE_SVG)
        args->svg = optarg;
    return !(option == '?' || (option == COMPARE_SEED && !serve_arguments_seed(optarg, &args->seed)) ||
             (option == COMPARE_SET && !compare_args_set(args, optarg)) ||
             (option == COMPARE_CONTROLLER && !compare_args_controllers(args, optarg)));
}

static bool compare_args_read(int argc, char **argv, struct compare_args *args)
{
    static const struct option options[] = {
        { .name = "controller", .has_arg = required_argument, .val = COMPARE_CONTROLLER },
        { .name = "set", .has_arg = required_argument, .val = COMPARE_SET },
        { .name = "seed", .has_arg = required_argument, .val = COMPARE_SEED },
        { .name = "svg", .has_arg = required_argument, .val = COMPARE_SVG },
        { .name = "json", .val = COMPARE_JSON },
        { .name = "help", .val = COMPARE_HELP },
        { .name = "version", .val = COMPARE_VERSION },
        { .name = NULL },
    };
    int option;

    optind = 0; /* main() may have looked at the arguments before */
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (!compare_args_one(args, option))
            return false;
    args->scenario = argv + optind;
    args->scenario_count = argc - optind;
    if (args->controllers.count == 0 && args->several < 0 &&
        !study_split("--controller", "none,busbar", &args->controllers))
        return false;
    if (args->help || args->version || args->scenario_count > 0)
        return true;
    (void)fprintf(stderr, "busbarsim compare: a SCENARIO is needed; `busbarsim list` names them\n");
    return false;
}

/* ---- columns ---- */

/* One scenario with one value; `controller` NULL: its own. */
static bool compare_load(struct compare *compare, const struct compare_args *args, const char *name,
                         const char *controller, const char *value)
{
    struct compare_column *column = &compare->column[compare->count];
    const char *set[SCENARIO_SETS_MAX];
    char error[SCENARIO_ERROR_MAX];

    memcpy(set, args->set, sizeof set);
    if (value) {
        (void)snprintf(column->setting, sizeof column->setting, "%.31s=%.31s", args->several_key, value);
        set[args->several] = column->setting;
    }
    if (scenario_load(name, set, args->set_count, &column->scenario, error) != ST_OK) {
        (void)fprintf(stderr, "busbarsim compare: %s\n", error);
        return false;
    }
    if (compare->count > 0 && column->scenario.job.plays != compare->column[0].scenario.job.plays) {
        (void)fprintf(stderr, "busbarsim compare: %s: jobs and grid events have no figures in common\n",
                      name);
        return false;
    }
    if (controller)
        column->scenario.controller = study_controller(controller);
    compare->count++;
    return true;
}

/* The heading says these anyway. */
static bool compare_said(const char *set)
{
    return strncmp(set, "rack=", 5) == 0 || strncmp(set, "nominal_v=", 10) == 0 ||
           strncmp(set, "start=", 6) == 0;
}

static bool compare_load_all(struct compare *compare, const struct compare_args *args)
{
    int32_t controllers = args->controllers.count > 0 ? args->controllers.count : 1;
    int32_t values = args->several >= 0 ? args->values.count : 1;

    if ((int64_t)args->scenario_count * controllers * values > COMPARE_COLUMNS_MAX) {
        (void)fprintf(stderr, "busbarsim compare: more than %d columns\n", COMPARE_COLUMNS_MAX);
        return false;
    }
    for (int s = 0; s < args->scenario_count; s++)
        for (int32_t v = 0; v < values; v++)
            for (int32_t c = 0; c < controllers; c++)
                if (!compare_load(compare, args, args->scenario[s],
                                  args->controllers.count > 0 ? args->controllers.word[c] : NULL,
                                  args->several >= 0 ? args->values.word[v] : NULL))
                    return false;
    for (int32_t i = 0; i < args->set_count; i++)
        if (i != args->several && !compare_said(args->set[i])) {
            size_t used = strlen(compare->settings);

            (void)snprintf(compare->settings + used, sizeof compare->settings - used, ", %s", args->set[i]);
        }
    return true;
}

static bool compare_run(struct compare *compare, bool samples)
{
    for (int32_t i = 0; i < compare->count; i++) {
        struct compare_column *column = &compare->column[i];
        struct scenario_run run = { .seed = compare->seed,
                                    .samples = samples,
                                    .progress = isatty(STDERR_FILENO) != 0 };

        if (scenario_run(&column->scenario, &run, &column->result) != ST_OK) {
            (void)fprintf(stderr, "busbarsim compare: %s: out of memory\n", column->scenario.name);
            return false;
        }
    }
    return true;
}

/* ---- words ---- */

void compare_name(const struct compare_column *column, char *ret, size_t room)
{
    const struct scenario *s = &column->scenario;
    bool names_start = strncmp(column->setting, "start=", 6) == 0;

    (void)snprintf(ret, room, "%s, %s Busbar%s%s%s", s->name,
                   s->controller == VIRTUAL_NONE ? "without" : "with", column->setting[0] ? ", " : "",
                   column->setting,
                   names_start && study_hypothetical(s->params.start) ? " (hypothetical hardware)" : "");
}

void compare_about(const struct compare *compare, char *ret, size_t room)
{
    const struct scenario *first = &compare->column[0].scenario;
    bool same_rack = true, same_v = true, same_start = true;
    size_t used = 0;

    for (int32_t i = 1; i < compare->count; i++) {
        const struct scenario *s = &compare->column[i].scenario;

        same_rack = same_rack && strcmp(s->rack.name, first->rack.name) == 0;
        same_v = same_v && s->params.nominal_v == first->params.nominal_v;
        same_start = same_start && s->params.start == first->params.start;
    }
    ret[0] = '\0';
    if (same_rack)
        used += (size_t)snprintf(ret + used, room - used, "rack %.31s, ", first->rack.name);
    if (same_v)
        used += (size_t)snprintf(ret + used, room - used, "%g V nominal, ", first->params.nominal_v);
    if (same_start)
        used += (size_t)snprintf(ret + used, room - used, "%s supplies%s, ",
                                 plant_start_word(first->params.start),
                                 study_hypothetical(first->params.start) ? " (hypothetical hardware)" : "");
    (void)snprintf(ret + used, room - used, "seed %" PRIu64 "%.200s", compare->seed, compare->settings);
}

static const struct compare_what *compare_what(const struct scenario *scenario, int figure)
{
    return scenario->job.plays ? &compare_of_jobs[figure] : &compare_of_events[figure];
}

const char *compare_figure_name(const struct compare *compare, int figure)
{
    return compare_what(&compare->column[0].scenario, figure)->name;
}

/* Columns of the other kind say nothing under these names. */
void compare_figure(const struct compare_column *column, int figure, char *ret, size_t room)
{
    const struct scenario *s = &column->scenario;
    const struct compare_what *what = compare_what(s, figure);
    bool event = !s->job.plays && (figure == COMPARE_RECOVERY || figure == COMPARE_RECHARGE);
    double value = scenario_metric(&column->result, what->metric);

    if (!s->job.plays && figure == COMPARE_RECHARGE)
        value *= 1e-3;

    if (isfinite(value))
        (void)snprintf(ret, room, "%.*f%s", what->decimals, value, what->unit);
    else
        (void)snprintf(ret, room, event && isfinite(s->begins_s) ? "not in this run" : "-");
}

/* ---- reports ---- */

static bool compare_print(const struct compare *compare)
{
    struct study_table table;
    char about[STUDY_TEXT_MAX], text[64];

    study_table_init(&table, 3 + COMPARE_FIGURES + 1);
    for (int c = 0; c < 3; c++)
        study_table_put(&table, "%s", c == 0 ? "scenario" : c == 1 ? "controller" : "setting");
    for (int f = 0; f < COMPARE_FIGURES; f++)
        study_table_put(&table, "%s", compare_figure_name(compare, f));
    study_table_put(&table, "checks");
    for (int32_t i = 0; i < compare->count; i++) {
        const struct compare_column *column = &compare->column[i];

        study_table_put(&table, "%s", column->scenario.name);
        study_table_put(&table, "%s", study_controller_word(column->scenario.controller));
        study_table_put(&table, "%s", column->setting[0] ? column->setting : "-");
        for (int f = 0; f < COMPARE_FIGURES; f++) {
            compare_figure(column, f, text, sizeof text);
            study_table_put(&table, "%s", text);
        }
        study_table_put(&table, "%s", column->result.ok ? "hold" : "do not hold");
    }
    compare_about(compare, about, sizeof about);
    (void)printf("%s\n\n", about);
    study_table_print(&table, stdout);
    bool good = !table.failed;

    study_table_done(&table);
    return good;
}

static bool compare_print_json(const struct compare *compare)
{
    struct json_object *out = json_object_new_object(), *runs = json_object_new_array();
    bool good = true;

    for (int32_t i = 0; good && i < compare->count; i++) {
        char *text = scenario_json(&compare->column[i].result);
        struct json_object *run = text ? json_tokener_parse(text) : NULL;

        good = run != NULL;
        if (good && compare->column[i].setting[0])
            json_object_object_add(run, "setting", json_object_new_string(compare->column[i].setting));
        if (good)
            json_object_array_add(runs, run);
        free(text);
    }
    json_object_object_add(out, "runs", runs);
    if (good)
        (void)puts(json_object_to_json_string_ext(out, JSON_C_TO_STRING_PRETTY));
    json_object_put(out);
    return good;
}

static bool compare_report(const struct compare *compare, const struct compare_args *args)
{
    FILE *file;

    if (args->svg) {
        if (!study_file_open("compare", args->svg, &file))
            return false;
        enum status st = compare_svg(file, compare);

        if (!study_file_close("compare", args->svg, file) || st != ST_OK)
            return false;
    }
    return args->json ? compare_print_json(compare) : compare_print(compare);
}

int compare_main(int argc, char **argv)
{
    struct compare_args args = { .several = -1, .seed = 1 };
    struct compare compare = { .count = 0 };
    bool good;

    if (!compare_args_read(argc, argv, &args))
        return 2;
    if (args.help)
        return fputs(compare_usage, stdout) == EOF ? 2 : 0;
    if (args.version)
        return printf("busbarsim %s (%s)\n", BUSBAR_VERSION, BUSBAR_COMMIT) < 0 ? 2 : 0;
    compare.seed = args.seed;
    compare.column = calloc(COMPARE_COLUMNS_MAX, sizeof *compare.column);
    good = compare.column && compare_load_all(&compare, &args) && compare_run(&compare, args.svg != NULL) &&
           compare_report(&compare, &args);
    for (int32_t i = 0; compare.column && i < compare.count; i++)
        scenario_done(&compare.column[i].result);
    free(compare.column);
    return good ? 0 : 2;
}
