/* SPDX-License-Identifier: Apache-2.0 */
/* ride_table.c: busbarsim ride-through: each vector at each voltage, with each
 * kind of supply, without and with Busbar. Main thread and worker processes.
 * Reports: ride_report.c; the map: ride_map.c.
 */
#include "ride_table.h"

#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "busbar/clock.h"
#include "grid_rule.h"
#include "pool.h"
#include "serve_arguments.h"

#define RIDE_TABLE_VECTORS  "e-1,e-2,e-3,e-4,e-5,e-6,e-7,e-8,e-9,e-10"
#define RIDE_TABLE_NOMINALS "208,230,240,277"
#define RIDE_TABLE_STARTS   "stock,short-boot,kept-alive"
#define RIDE_TABLE_POINTS   24

static const char ride_table_usage[] =
    "busbarsim ride-through [--scenario LIST] [--nominal LIST] [--start LIST] [--seed N]\n"
    "                       [--svg FILE] [--json]\n"
    "busbarsim ride-through --map FILE [--points N] [--seed N] [--json]\n"
    "\n"
    "Runs the grid vectors at each nominal voltage, with each start profile, without and\n"
    "with Busbar, and holds the runs without it against the 20 ms / 175 V rule. The start\n"
    "profiles short-boot and kept-alive are hypothetical hardware.\n"
    "\n"
    "  --scenario LIST  vectors (" RIDE_TABLE_VECTORS ")\n"
    "  --nominal LIST   nominal AC voltages (" RIDE_TABLE_NOMINALS ")\n"
    "  --start LIST     start profiles (" RIDE_TABLE_STARTS ")\n"
    "  --seed N         of every run (1)\n"
    "  --svg FILE       the table as a picture\n"
    "  --json           one JSON document on standard output\n"
    "  --map FILE       instead: a picture of the time to 90 % by residual voltage and\n"
    "                   duration, kept-alive supplies with Busbar, published curves on top\n"
    "  --points N       of the map, each way (24)\n"
    "\n"
    "Exit status: 0 all that is promised with Busbar holds and the rule is right every\n"
    "time, 1 not so, 2 could not be done.\n";

enum ride_table_option {
    RIDE_TABLE_SCENARIO = 256,
    RIDE_TABLE_NOMINAL,
    RIDE_TABLE_START,
    RIDE_TABLE_SEED,
    RIDE_TABLE_SVG,
    RIDE_TABLE_JSON,
    RIDE_TABLE_MAP,
    RIDE_TABLE_POINTS_OPTION,
    RIDE_TABLE_HELP,
    RIDE_TABLE_VERSION
};

struct ride_table_args {
    struct ride_table *table;
    const char *svg, *map;
    uint64_t points;
    const char *of_map, *of_table; /* the last option given that the other one does not take */
    bool json, help, version;
};

/* ---- arguments ---- */

static bool ride_table_args_nominals(struct ride_table *table, const char *text)
{
    if (!study_split("--nominal", text, &table->nominals))
        return false;
    if (table->nominals.count > RIDE_TABLE_NOMINALS_MAX) {
        (void)fprintf(stderr, "busbarsim ride-through: --nominal: more than %d voltages\n",
                      RIDE_TABLE_NOMINALS_MAX);
        return false;
    }
    for (int32_t i = 0; i < table->nominals.count; i++)
        if (!serve_arguments_number("--nominal", table->nominals.word[i], 180.0, 305.0, &table->nominal_v[i]))
            return false;
    return true;
}

static bool ride_table_args_starts(struct ride_table *table, const char *text)
{
    if (!study_split("--start", text, &table->starts))
        return false;
    for (int32_t i = 0; i < table->starts.count; i++) {
        enum plant_start_kind start = plant_start_find(table->starts.word[i]);

        if (i >= PLANT_START_COUNT || start == PLANT_START_COUNT) {
            (void)fprintf(stderr,
                          "busbarsim ride-through: --start: '%s': allowed stock, short-boot, kept-alive\n",
                          text);
            return false;
        }
        table->start[i] = start;
    }
    return true;
}

static bool ride_table_args_vectors(struct ride_table *table, const char *text)
{
    if (!study_split("--scenario", text, &table->vectors))
        return false;
    if (table->vectors.count <= RIDE_TABLE_VECTORS_MAX)
        return true;
    (void)fprintf(stderr, "busbarsim ride-through: --scenario: more than %d vectors\n",
                  RIDE_TABLE_VECTORS_MAX);
    return false;
}

static bool ride_table_args_one(struct ride_table_args *args, int option)
{
    args->json |= option == RIDE_TABLE_JSON;
    args->help |= option == RIDE_TABLE_HELP;
    args->version |= option == RIDE_TABLE_VERSION;
    switch (option) {
    case RIDE_TABLE_SCENARIO:
        args->of_table = "--scenario";
        return ride_table_args_vectors(args->table, optarg);
    case RIDE_TABLE_NOMINAL:
        args->of_table = "--nominal";
        return ride_table_args_nominals(args->table, optarg);
    case RIDE_TABLE_START:
        args->of_table = "--start";
        return ride_table_args_starts(args->table, optarg);
    case RIDE_TABLE_SEED:
        return serve_arguments_seed(optarg, &args->table->seed);
    case RIDE_TABLE_POINTS_OPTION:
        args->of_map = "--points";
        return study_count("--points", optarg, 200, &args->points);
    case RIDE_TABLE_SVG:
        args->of_table = "--svg";
        args->svg = optarg;
        return true;
    case RIDE_TABLE_MAP:
        args->map = optarg;
        return true;
    default:
        return option != '?';
    }
}

static bool ride_table_args_read(int argc, char **argv, struct ride_table_args *args)
{
    static const struct option options[] = {
        { .name = "scenario", .has_arg = required_argument, .val = RIDE_TABLE_SCENARIO },
        { .name = "nominal", .has_arg = required_argument, .val = RIDE_TABLE_NOMINAL },
        { .name = "start", .has_arg = required_argument, .val = RIDE_TABLE_START },
        { .name = "seed", .has_arg = required_argument, .val = RIDE_TABLE_SEED },
        { .name = "svg", .has_arg = required_argument, .val = RIDE_TABLE_SVG },
        { .name = "map", .has_arg = required_argument, .val = RIDE_TABLE_MAP },
        { .name = "points", .has_arg = required_argument, .val = RIDE_TABLE_POINTS_OPTION },
        { .name = "json", .val = RIDE_TABLE_JSON },
        { .name = "help", .val = RIDE_TABLE_HELP },
        { .name = "version", .val = RIDE_TABLE_VERSION },
        { .name = NULL },
    };
    int option;

    if (!ride_table_args_vectors(args->table, RIDE_TABLE_VECTORS) ||
        !ride_table_args_nominals(args->table, RIDE_TABLE_NOMINALS) ||
        !ride_table_args_starts(args->table, RIDE_TABLE_STARTS))
        return false;
    optind = 0; /* main() may have looked at the arguments before */
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (!ride_table_args_one(args, option))
            return false;
    if (optind < argc)
        (void)fprintf(stderr, "busbarsim ride-through: '%s': takes no argument without an option\n",
                      argv[optind]);
    else if (args->map && args->of_table)
        (void)fprintf(stderr, "busbarsim ride-through: %s is of the table, not of --map\n", args->of_table);
    else if (!args->map && args->of_map)
        (void)fprintf(stderr, "busbarsim ride-through: %s needs --map\n", args->of_map);
    else
        return true;
    return false;
}

/* ---- runs ---- */

uint64_t ride_table_count(const struct ride_table *table)
{
    return (uint64_t)table->vectors.count * (uint64_t)table->nominals.count * (uint64_t)table->starts.count *
           VIRTUAL_CONTROLLER_COUNT;
}

struct ride_table_key ride_table_key(const struct ride_table *table, uint64_t index)
{
    int32_t i = (int32_t)index, starts = table->starts.count, nominals = table->nominals.count;

    return (struct ride_table_key){ .controller = (enum virtual_controller)(i % VIRTUAL_CONTROLLER_COUNT),
                                    .start = i / VIRTUAL_CONTROLLER_COUNT % starts,
                                    .nominal = i / VIRTUAL_CONTROLLER_COUNT / starts % nominals,
                                    .vector = i / VIRTUAL_CONTROLLER_COUNT / starts / nominals };
}

const struct ride_table_cell *ride_table_at(const struct ride_table *table, int32_t vector, int32_t nominal,
                                            int32_t start, enum virtual_controller controller)
{
    int32_t row = (vector * table->nominals.count + nominal) * table->starts.count + start;

    return &table->cell[row * VIRTUAL_CONTROLLER_COUNT + (int32_t)controller];
}

static enum status ride_table_load(const struct ride_table *table, const struct ride_table_key *key,
                                   bool silent, struct scenario *ret)
{
    char nominal[64], start[64], error[SCENARIO_ERROR_MAX];
    const char *set[] = { nominal, start };
    enum status st;

    (void)snprintf(nominal, sizeof nominal, "nominal_v=%g", table->nominal_v[key->nominal]);
    (void)snprintf(start, sizeof start, "start=%s", plant_start_word(table->start[key->start]));
    st = scenario_load(table->vectors.word[key->vector], set, 2, ret, error);
    if (st != ST_OK && !silent)
        (void)fprintf(stderr, "busbarsim ride-through: %s\n", error);
    return st;
}

static void ride_table_fill(const struct scenario *scenario, const struct scenario_result *result,
                            struct ride_table_cell *ret)
{
    ret->loaded = true;
    ret->ok = result->ok;
    ret->rule_trips = grid_rule_trips(&scenario->grid, &scenario->params, NULL);
    ret->pfc_trips = scenario_metric(result, "pfc_trips");
    ret->recovery_s = scenario_metric(result, "recovery_s");
    ret->it_lost = scenario_metric(result, "it_lost");
    ret->bus_min_v = scenario_metric(result, "bus_min_v");
    ret->overshoot_ratio = scenario_metric(result, "overshoot_ratio");
    ret->recharge_peak_w = scenario_metric(result, "recharge_peak_w");
    ret->kept = true;
    for (int32_t i = 0; i < result->check_count; i++) {
        const struct scenario_check *check = &result->check[i];

        if (check->ok)
            continue;
        ret->kept = ret->kept && strcmp(check->name, "it_kept") != 0 && strcmp(check->name, "bus_low") != 0 &&
                    strcmp(check->name, "bus_high") != 0;
        if (!ret->failed[0])
            (void)snprintf(ret->failed, sizeof ret->failed, "%s", check->name);
    }
}

/* In a worker. */
static void ride_table_job(void *arg, uint64_t index, void *ret_result)
{
    const struct ride_table *table = arg;
    struct ride_table_key key = ride_table_key(table, index);
    struct ride_table_cell *cell = ret_result;
    struct scenario_run run = { .seed = table->seed };
    struct scenario scenario;
    struct scenario_result result;

    (void)snprintf(cell->failed, sizeof cell->failed, "could not be run");
    if (ride_table_load(table, &key, true, &scenario) != ST_OK)
        return;
    scenario.controller = key.controller;
    if (scenario_run(&scenario, &run, &result) != ST_OK)
        return;
    cell->failed[0] = '\0';
    ride_table_fill(&scenario, &result, cell);
    scenario_done(&result);
}

static bool ride_table_done(void *arg, uint64_t index, const void *result, const char *why)
{
    struct ride_table *table = arg;
    struct ride_table_key key = ride_table_key(table, index);

    if (result)
        memcpy(&table->cell[index], result, sizeof table->cell[index]);
    if (result && table->cell[index].loaded)
        return true;
    (void)snprintf(table->cell[index].failed, sizeof table->cell[index].failed, "%s",
                   why ? why : "could not be run");
    (void)fprintf(
        stderr,
        "busbarsim ride-through: %s: busbarsim run %s --controller %s --seed %llu --set nominal_v=%g "
        "--set start=%s\n",
        table->cell[index].failed, table->vectors.word[key.vector], study_controller_word(key.controller),
        (unsigned long long)table->seed, table->nominal_v[key.nominal],
        plant_start_word(table->start[key.start]));
    table->died++;
    return true;
}

/* What is wrong with a vector's name or file is said before anything runs. */
static bool ride_table_known(const struct ride_table *table)
{
    struct scenario *scenario = malloc(sizeof *scenario);
    bool good = scenario != NULL;

    for (int32_t v = 0; good && v < table->vectors.count; v++) {
        struct ride_table_key key = { .vector = v };

        good = ride_table_load(table, &key, false, scenario) == ST_OK;
    }
    free(scenario);
    return good;
}

static bool ride_table_run(struct ride_table *table)
{
    struct pool_options opt = { .count = ride_table_count(table),
                                .result_size = sizeof(struct ride_table_cell),
                                .arg = table,
                                .job = ride_table_job,
                                .done = ride_table_done,
                                .progress = "runs" };
    struct pool_report report;
    int64_t began_us = clock_now_us();
    enum status st;

    table->cell = calloc(opt.count, sizeof *table->cell);
    if (!table->cell || !ride_table_known(table))
        return false;
    st = pool_run(&opt, &report);
    table->wall_s = (double)(clock_now_us() - began_us) / 1e6;
    if (st != ST_OK)
        (void)fprintf(stderr, "busbarsim ride-through: %s after %llu of %llu runs\n",
                      report.signal ? "interrupted" : status_label(st), (unsigned long long)report.done,
                      (unsigned long long)opt.count);
    return st == ST_OK;
}

static int ride_table_report(const struct ride_table *table, const struct ride_table_args *args)
{
    struct ride_table_summary sum;

    ride_table_sum(table, &sum);
    if (args->svg && !ride_table_svg(table, &sum, args->svg))
        return 2;
    if (!(args->json ? ride_table_json(table, &sum) : ride_table_print(table, &sum)))
        return 2;
    return sum.held == sum.promised && sum.rule_agrees == sum.rule_cases && table->died == 0 ? 0 : 1;
}

int ride_table_main(int argc, char **argv)
{
    struct ride_table *table = calloc(1, sizeof *table);
    struct ride_table_args args = { .table = table, .points = RIDE_TABLE_POINTS };
    int code = 2;

    if (table) {
        table->seed = 1;
        if (!ride_table_args_read(argc, argv, &args))
            code = 2;
        else if (args.help)
            code = fputs(ride_table_usage, stdout) == EOF ? 2 : 0;
        else if (args.version)
            code = printf("busbarsim %s (%s)\n", BUSBAR_VERSION, BUSBAR_COMMIT) < 0 ? 2 : 0;
        else if (args.map)
            code = ride_map(&(struct ride_map_options){
                .path = args.map, .seed = table->seed, .points = (int32_t)args.points, .json = args.json });
        else
            code = ride_table_run(table) ? ride_table_report(table, &args) : 2;
        free(table->cell);
    }
    free(table);
    return code;
}
