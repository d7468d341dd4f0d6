/* SPDX-License-Identifier: Apache-2.0 */
/* forecast_main.c: busbarsim forecast: reads the command line, runs the study over
 * every series and hands it to its reports. Main thread.
 */
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "busbar/clock.h"
#include "forecast.h"
#include "serve_arguments.h"
#include "study.h"

#define FORECAST_STEPS_MAX 1000000 /* ahead: as many as a forecaster counts */

static const char forecast_usage[] =
    "busbarsim forecast CSV --column NAME[+NAME] --time NAME --horizon-ms LIST\n"
    "                   [--group NAME --combine sum|each] [--resample-ms N] [--events FILE]\n"
    "                   [--event-threshold 0.2] [--json] [--svg FILE] [...]\n"
    "\n"
    "Runs the forecaster over a recorded trace (plain or gzip), each forecast from the past\n"
    "alone, and beside it what it is held against: persistence, EWMA, Holt, a line, the\n"
    "highest of late, one season ago, AR fitted on the first half, AR-RLS, a plain template.\n"
    "All are scored on the same samples: all but the first 300 (a tenth of a trace under 3000);\n"
    "what is fitted on the first half is scored on the second.\n"
    "\n"
    "  --column NAME[+NAME]  the power; several columns are added up\n"
    "  --time NAME           the time; the name's ending is its unit: _us, _ms or _s\n"
    "  --horizon-ms LIST     up to 6 times ahead, each rounded to whole samples\n"
    "  --group NAME          a column that tells series apart\n"
    "  --combine sum|each    their sum (the rule), or each for itself and the mean of all\n"
    "  --resample-ms N       time between samples (the file's own median step, at least 1)\n"
    "  --events FILE         the job's log, t_s,event[,value]: hints, given when logged\n"
    "  --hint-age-ms N       given that much later; below 0: told ahead (an oracle) (0)\n"
    "  --sensor-ms W/P       what is seen is the mean of W ms every P ms\n"
    "  --sensor-age-ms N     and arrives that much later (0)\n"
    "  --event-threshold R   a spike exceeds now by this part of the range (0.2)\n"
    "  --event-w W           or by so many watts\n"
    "  --cap-w W             the power cannot exceed it: the sum of limits in force (not known)\n"
    "  --score-ms FROM-TO    score that part of the trace alone\n"
    "  --variant rack|gpu    the forecaster for a rack (the rule) or the light one for a GPU\n"
    "  --json                one JSON document on standard output\n"
    "  --svg FILE            trace, forecast and bound as a picture\n"
    "\n"
    "Exit status: 0 done, 2 could not be done.\n";

enum forecast_option {
    FORECAST_COLUMN = 256,
    FORECAST_TIME,
    FORECAST_HORIZON,
    FORECAST_GROUP,
    FORECAST_COMBINE,
    FORECAST_RESAMPLE,
    FORECAST_EVENTS,
    FORECAST_HINT_AGE,
    FORECAST_SENSOR,
    FORECAST_SENSOR_AGE,
    FORECAST_THRESHOLD,
    FORECAST_EVENT_W,
    FORECAST_CAP_W,
    FORECAST_SCORE,
    FORECAST_VARIANT,
    FORECAST_JSON,
    FORECAST_SVG,
    FORECAST_HELP,
    FORECAST_VERSION
};

struct forecast_args {
    struct forecast_study study;
    const char *svg;
    bool json, help, version;
};

static bool forecast_args_horizons(struct forecast_study *study, const char *text)
{
    struct study_words words;

    if (!study_split("--horizon-ms", text, &words))
        return false;
    if (words.count > FC_HORIZONS_MAX) {
        (void)fprintf(stderr, "busbarsim: --horizon-ms: %d horizons, at most %d\n", words.count,
                      FC_HORIZONS_MAX);
        return false;
    }
    study->horizon_count = words.count;
    for (int32_t h = 0; h < words.count; h++) {
        if (!serve_arguments_number("--horizon-ms", words.word[h], 1.0, 1e9, &study->horizon_s[h]))
            return false;
        study->horizon_s[h] *= 1e-3;
        if (h > 0 && study->horizon_s[h] <= study->horizon_s[h - 1]) {
            (void)fprintf(stderr, "busbarsim: --horizon-ms: '%s': each must be longer than the one before\n",
                          text);
            return false;
        }
    }
    return true;
}

/* "A<between>B", both in milliseconds. */
static bool forecast_args_pair(const char *option, const char *text, char between, double least,
                               double *ret_a_s, double *ret_b_s)
{
    char *end, *after = NULL;
    double a = strtod(text, &end), b = NAN;

    if (end != text && *end == between)
        b = strtod(end + 1, &after);
    if (!after || after == end + 1 || *after != '\0' || !(a >= least && b >= least && a <= 1e9 && b <= 1e9)) {
        (void)fprintf(stderr, "busbarsim: %s: '%s' is not two numbers of milliseconds with '%c' between\n",
                      option, text, between);
        return false;
    }
    *ret_a_s = a * 1e-3;
    *ret_b_s = b * 1e-3;
    return true;
}

static bool forecast_args_one(struct forecast_args *args, int option)
{
    struct forecast_study *study = &args->study;
    bool second = false;

    switch (option) {
    case FORECAST_COLUMN:
        study->source.column = optarg;
        return true;
    case FORECAST_TIME:
        study->source.time = optarg;
        return true;
    case FORECAST_GROUP:
        study->source.group = optarg;
        return true;
    case FORECAST_EVENTS:
        study->events_path = optarg;
        return true;
    case FORECAST_SVG:
        args->svg = optarg;
        return true;
    case FORECAST_HORIZON:
        return forecast_args_horizons(study, optarg);
    case FORECAST_COMBINE:
        return serve_arguments_word("--combine", optarg, "sum", "each", &study->source.each);
    case FORECAST_VARIANT:
        if (!serve_arguments_word("--variant", optarg, "rack", "gpu", &second))
            return false;
        study->kind = second ? FC_GPU : FC_RACK;
        return true;
    case FORECAST_SENSOR:
        return forecast_args_pair("--sensor-ms", optarg, '/', 1.0, &study->source.sensor_window_s,
                                  &study->source.sensor_period_s);
    case FORECAST_SENSOR_AGE:
        if (!serve_arguments_number("--sensor-age-ms", optarg, 0.0, 1e9, &study->source.sensor_age_s))
            return false;
        study->source.sensor_age_s *= 1e-3;
        return true;
    case FORECAST_SCORE:
        return forecast_args_pair("--score-ms", optarg, '-', 0.0, &study->score_from_s, &study->score_to_s);
    case FORECAST_THRESHOLD:
        return serve_arguments_number("--event-threshold", optarg, 0.001, 1.0, &study->event_ratio);
    case FORECAST_EVENT_W:
        return serve_arguments_number("--event-w", optarg, 0.001, 1e9, &study->event_w);
    case FORECAST_CAP_W:
        return serve_arguments_number("--cap-w", optarg, 0.001, 1e9, &study->cap_w);
    case FORECAST_RESAMPLE:
        if (!serve_arguments_number("--resample-ms", optarg, 1.0, 1e9, &study->source.resample_s))
            return false;
        study->source.resample_s *= 1e-3;
        return true;
    case FORECAST_HINT_AGE:
        if (!serve_arguments_number("--hint-age-ms", optarg, -1e9, 1e9, &study->hint_age_s))
            return false;
        study->hint_age_s *= 1e-3;
        return true;
    default:
        args->json |= option == FORECAST_JSON;
        args->help |= option == FORECAST_HELP;
        args->version |= option == FORECAST_VERSION;
        return option != '?';
    }
}

static bool forecast_args_whole(const struct forecast_args *args)
{
    const struct forecast_study *study = &args->study;
    const char *missing = !study->source.path         ? "a CSV file"
                          : !study->source.column     ? "--column"
                          : !study->source.time       ? "--time"
                          : study->horizon_count == 0 ? "--horizon-ms"
                                                      : NULL;

    if (missing)
        (void)fprintf(stderr, "busbarsim forecast: %s is needed\n", missing);
    else if (study->source.each && !study->source.group)
        (void)fprintf(stderr, "busbarsim forecast: --combine needs --group\n");
    else if (study->source.sensor_age_s > 0.0 && !(study->source.sensor_period_s > 0.0))
        (void)fprintf(stderr, "busbarsim forecast: --sensor-age-ms needs --sensor-ms\n");
    else if (study->kind == FC_GPU && study->horizon_count > 2)
        (void)fprintf(stderr, "busbarsim forecast: --variant gpu takes at most 2 horizons\n");
    else if (isfinite(study->score_from_s) && study->score_to_s <= study->score_from_s)
        (void)fprintf(stderr, "busbarsim forecast: --score-ms: the end must lie after the beginning\n");
    else
        return true;
    return false;
}

static bool forecast_args_read(int argc, char **argv, struct forecast_args *args)
{
    static const struct option options[] = {
        { .name = "column", .has_arg = required_argument, .val = FORECAST_COLUMN },
        { .name = "time", .has_arg = required_argument, .val = FORECAST_TIME },
        { .name = "horizon-ms", .has_arg = required_argument, .val = FORECAST_HORIZON },
        { .name = "group", .has_arg = required_argument, .val = FORECAST_GROUP },
        { .name = "combine", .has_arg = required_argument, .val = FORECAST_COMBINE },
        { .name = "resample-ms", .has_arg = required_argument, .val = FORECAST_RESAMPLE },
        { .name = "events", .has_arg = required_argument, .val = FORECAST_EVENTS },
        { .name = "hint-age-ms", .has_arg = required_argument, .val = FORECAST_HINT_AGE },
        { .name = "sensor-ms", .has_arg = required_argument, .val = FORECAST_SENSOR },
        { .name = "sensor-age-ms", .has_arg = required_argument, .val = FORECAST_SENSOR_AGE },
        { .name = "event-threshold", .has_arg = required_argument, .val = FORECAST_THRESHOLD },
        { .name = "event-w", .has_arg = required_argument, .val = FORECAST_EVENT_W },
        { .name = "cap-w", .has_arg = required_argument, .val = FORECAST_CAP_W },
        { .name = "score-ms", .has_arg = required_argument, .val = FORECAST_SCORE },
        { .name = "variant", .has_arg = required_argument, .val = FORECAST_VARIANT },
        { .name = "json", .val = FORECAST_JSON },
        { .name = "svg", .has_arg = required_argument, .val = FORECAST_SVG },
        { .name = "help", .val = FORECAST_HELP },
        { .name = "version", .val = FORECAST_VERSION },
        { .name = NULL },
    };
    int option;

    args->study = (struct forecast_study){ .event_ratio = 0.2,
                                           .score_from_s = NAN,
                                           .score_to_s = NAN,
                                           .progress_from_us = isatty(STDERR_FILENO) ? clock_now_us() : 0 };
    optind = 0; /* main() may have looked at the arguments before */
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (!forecast_args_one(args, option))
            return false;
    if (args->help || args->version)
        return true;
    if (optind + 1 < argc) {
        (void)fprintf(stderr, "busbarsim forecast: '%s': one CSV file at a time\n", argv[optind + 1]);
        return false;
    }
    args->study.source.path = argv[optind];
    return forecast_args_whole(args);
}

static bool forecast_write(const struct forecast_args *args, const struct forecast_result *result,
                           int32_t count)
{
    FILE *file;

    if (args->json)
        forecast_report_json(&args->study, result, count, stdout);
    else
        forecast_report_text(&args->study, result, count, stdout);
    if (!args->svg)
        return true;
    if (!study_file_open("forecast", args->svg, &file))
        return false;
    forecast_draw(&args->study, result, file);
    return study_file_close("forecast", args->svg, file);
}

static int forecast_all(const struct forecast_args *args, const struct forecast_set *set,
                        const struct forecast_events *events)
{
    struct forecast_result *result = calloc((size_t)set->count, sizeof *result);
    enum status st = result ? ST_OK : ST_NOMEM;
    int32_t done = 0;
    bool written = false;

    for (; done < set->count && st == ST_OK; done++)
        st = forecast_run(&args->study, set, &set->series[done], events, &result[done]);
    if (st == ST_OK)
        written = forecast_write(args, result, set->count);
    else
        (void)fprintf(stderr, "busbarsim forecast: %s: out of memory\n", args->study.source.path);
    for (int32_t i = 0; result && i < done; i++)
        forecast_run_done(&result[i]);
    free(result);
    return written ? 0 : 2;
}

/* What can be asked for depends on the samples there are. */
static bool forecast_horizons_fit(const struct forecast_study *study, const struct forecast_set *set)
{
    double before = 0.0;

    for (int32_t h = 0; h < study->horizon_count; h++) {
        double steps = fmax(1.0, round(study->horizon_s[h] / set->step_s));

        if (steps > FORECAST_STEPS_MAX) {
            (void)fprintf(stderr, "busbarsim forecast: --horizon-ms: %g is more than %d samples of %g ms\n",
                          study->horizon_s[h] * 1e3, FORECAST_STEPS_MAX, set->step_s * 1e3);
            return false;
        }
        if (steps == before) {
            (void)fprintf(stderr,
                          "busbarsim forecast: --horizon-ms: %g and %g are both %g samples of %g ms ahead\n",
                          study->horizon_s[h - 1] * 1e3, study->horizon_s[h] * 1e3, steps, set->step_s * 1e3);
            return false;
        }
        before = steps;
    }
    return true;
}

int forecast_main(int argc, char **argv)
{
    struct forecast_args args = { .svg = NULL };
    struct forecast_events events = { .count = 0 };
    struct forecast_set set;
    char error[FORECAST_ERROR_MAX];
    int status = 2;

    if (!forecast_args_read(argc, argv, &args))
        return 2;
    if (args.help || args.version) {
        (void)printf("%s%s", args.help ? forecast_usage : "busbarsim " BUSBAR_VERSION, args.help ? "" : "\n");
        return 0;
    }
    if (forecast_series_load(&args.study.source, &set, error) != ST_OK) {
        (void)fprintf(stderr, "busbarsim forecast: %s\n", error);
        return 2;
    }
    if (args.study.events_path && forecast_events_load(args.study.events_path, &events, error) != ST_OK)
        (void)fprintf(stderr, "busbarsim forecast: %s\n", error);
    else if (forecast_horizons_fit(&args.study, &set))
        status = forecast_all(&args, &set, &events);
    forecast_events_done(&events);
    forecast_series_done(&set);
    return status;
}
