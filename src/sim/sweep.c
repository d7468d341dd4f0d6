/* SPDX-License-Identifier: Apache-2.0 */
/* sweep.c: busbarsim sweep: random racks on one scenario, without and with Busbar,
 * held against the rule of the books. Main thread and worker processes. The
 * racks: sweep_draw.c; reports: sweep_report.c.
 */
#include "sweep.h"

#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "busbar/clock.h"
#include "grid_rule.h"
#include "pool.h"
#include "serve_arguments.h"

#define SWEEP_RACKS     1000
#define SWEEP_RACKS_MAX 100000000
#define SWEEP_BEFORE_S  0.5  /* settling without a controller                         */
#define SWEEP_LOWERED   0.98 /* of the load: under it, Busbar has lowered it            */
#define SWEEP_AGREEMENT 0.99

static const char sweep_usage[] =
    "busbarsim sweep SCENARIO [--racks N] [--seed N] [--csv FILE] [--json]\n"
    "\n"
    "Draws random racks (hardware kind, shelves, hold-up, busbar, batteries, load, nominal\n"
    "voltage), runs each on the scenario without and with Busbar and holds\n"
    "them against the analytic rule. Feasible is a rack with a busbar of at most 0.5 mOhm\n"
    "whose batteries are there before its hold-up ends, or whose capacitance bridges the\n"
    "gap. Any other must be carried too, or have its load lowered, or be reported.\n"
    "\n"
    "  --racks N   how many (1000)\n"
    "  --seed N    of the first rack; the next has N + 1 (1)\n"
    "  --csv FILE  one line a rack\n"
    "  --json      one JSON document on standard output\n"
    "\n"
    "Exit status: 0 every feasible rack kept its IT gear and at least 46 V, the rule is\n"
    "right for 99 %, and every other rack had its load lowered or was reported; 1 not so;\n"
    "2 could not be done.\n";

enum sweep_option { SWEEP_RACKS_OPTION = 256, SWEEP_SEED, SWEEP_CSV, SWEEP_JSON, SWEEP_HELP, SWEEP_VERSION };

struct sweep_args {
    const char *scenario, *csv;
    uint64_t racks, seed;
    bool json, help, version;
};

struct sweep {
    struct sweep_base base;
    const struct sweep_args *args;
    FILE *csv;
    struct sweep_report report;
};

static bool sweep_args_one(struct sweep_args *args, int option)
{
    args->json |= option == SWEEP_JSON;
    args->help |= option == SWEEP_HELP;
    args->version |= option == SWEEP_VERSION;
    if (option == SWEEP_CSV)
        args->csv = optarg;
    return !(
        option == '?' || (option == SWEEP_SEED && !serve_arguments_seed(optarg, &args->seed)) ||
        (option == SWEEP_RACKS_OPTION && !study_count("--racks", optarg, SWEEP_RACKS_MAX, &args->racks)));
}

static bool sweep_args_read(int argc, char **argv, struct sweep_args *args)
{
    static const struct option options[] = {
        { .name = "racks", .has_arg = required_argument, .val = SWEEP_RACKS_OPTION },
        { .name = "seed", .has_arg = required_argument, .val = SWEEP_SEED },
        { .name = "csv", .has_arg = required_argument, .val = SWEEP_CSV },
        { .name = "json", .val = SWEEP_JSON },
        { .name = "help", .val = SWEEP_HELP },
        { .name = "version", .val = SWEEP_VERSION },
        { .name = NULL },
    };
    int option;

    optind = 0; /* main() may have looked at the arguments before */
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (!sweep_args_one(args, option))
            return false;
    if (args->help || args->version)
        return true;
    if (optind + 1 != argc) {
        (void)fprintf(stderr, "busbarsim sweep: one SCENARIO is needed; `busbarsim list` names them\n");
        return false;
    }
    args->scenario = argv[optind];
    return true;
}

static bool sweep_load(struct sweep *sweep)
{
    char rack[64], error[SCENARIO_ERROR_MAX];
    const char *set[] = { rack, "start=stock" };

    for (int kind = 0; kind < PLANT_KIND_COUNT; kind++) {
        (void)snprintf(rack, sizeof rack, "rack=%s", plant_kind_word((enum plant_kind)kind));
        if (scenario_load(sweep->args->scenario, set, 2, &sweep->base.scenario[kind], error) != ST_OK) {
            (void)fprintf(stderr, "busbarsim sweep: %s\n", error);
            return false;
        }
    }
    return true;
}

/* ---- one rack, in a worker ---- */

static void sweep_job_rule(const struct scenario *scenario, double load_w, struct sweep_rack *ret)
{
    struct plant *plant = malloc(sizeof *plant);
    struct grid_rule rule;

    if (!plant)
        return;
    rack_plant(&scenario->rack, ret->seed, plant);
    plant->params = scenario->params;
    plant_start(plant, ret->seed);
    grid_rule(plant, &scenario->grid, load_w, &rule);
    ret->margin_s = rule.margin_s;
    ret->bridge_f = rule.bridge_f;
    ret->trips = rule.trips;
    ret->speaks = rule.speaks;
    ret->carries = rule.carries;
    ret->steady = rule.steady;
    ret->feasible = scenario->params.bus_resistance_ohm <= SWEEP_RESISTANCE_MAX_OHM &&
                    (rule.margin_s >= 0.0 || scenario->params.bus_capacitance_f >= rule.bridge_f);
    free(plant);
}

static void sweep_job_side(struct scenario *scenario, enum virtual_controller controller, uint64_t seed,
                           struct sweep_side *ret)
{
    struct scenario_run run = { .seed = seed };
    struct scenario_result result;
    double settle_s = scenario->settle_s;

    scenario->controller = controller;
    if (controller == VIRTUAL_NONE)
        scenario->settle_s = SWEEP_BEFORE_S;
    if (scenario_run(scenario, &run, &result) == ST_OK) {
        ret->ran = true;
        ret->it_lost = scenario_metric(&result, "it_lost");
        ret->bus_min_v = scenario_metric(&result, "bus_min_v");
        ret->capable = scenario_metric(&result, "capable");
        ret->before_w = scenario_metric(&result, "before_w");
        ret->recovery_s = scenario_metric(&result, "recovery_s");
        scenario_done(&result);
    }
    scenario->settle_s = settle_s;
}

static void sweep_job(void *arg, uint64_t index, void *ret_result)
{
    const struct sweep *sweep = arg;
    struct sweep_rack *rack = ret_result;
    struct scenario *scenario = malloc(sizeof *scenario);

    rack->seed = sweep->args->seed + index;
    if (!scenario)
        return;
    sweep_draw(&sweep->base, rack->seed, scenario, &rack->load_w);
    rack->kind = (int32_t)scenario->params.kind;
    rack->shelves = (int32_t)scenario->rack.shelf_count;
    rack->nominal_v = scenario->params.nominal_v;
    rack->load_ratio =
        rack->load_w / (scenario->rack.shelf_count * scenario->rack.shelf_psus * scenario->rack.psu_rated_w);
    rack->resistance_ohm = scenario->params.bus_resistance_ohm;
    rack->capacitance_f = scenario->params.bus_capacitance_f;
    rack->holdup_j = scenario->params.psu_holdup_j;
    rack->health_ratio = scenario->params.bbu_health_ratio;
    sweep_job_rule(scenario, rack->load_w, rack);
    for (int c = 0; c < VIRTUAL_CONTROLLER_COUNT; c++)
        sweep_job_side(scenario, (enum virtual_controller)c, rack->seed, &rack->side[c]);
    free(scenario);
}

/* ---- sums ---- */

bool sweep_kept(const struct sweep_side *side)
{
    return side->it_lost <= 0.0 && side->bus_min_v >= SWEEP_BUS_MIN_V;
}

bool sweep_agrees(const struct sweep_rack *rack)
{
    const struct sweep_side *none = &rack->side[VIRTUAL_NONE];

    /* A busbar under its band for less time than IT gear bears may be called either. */
    return !rack->speaks || (rack->carries ? none->it_lost <= 0.0 : !sweep_kept(none));
}

bool sweep_reported(const struct sweep_rack *rack)
{
    return !(rack->side[VIRTUAL_BUSBAR].capable > 0.0);
}

/* In time: the event found it lower, and all was kept. */
static bool sweep_lowered(const struct sweep_rack *rack)
{
    return sweep_kept(&rack->side[VIRTUAL_BUSBAR]) &&
           rack->side[VIRTUAL_BUSBAR].before_w < SWEEP_LOWERED * rack->side[VIRTUAL_NONE].before_w;
}

void sweep_add(struct sweep_sum *sum, const struct sweep_rack *rack)
{
    const struct sweep_side *busbar = &rack->side[VIRTUAL_BUSBAR];
    bool lowered = sweep_lowered(rack), reported = sweep_reported(rack);

    sum->racks++;
    sum->rule_cases += rack->speaks;
    sum->rule_agrees += rack->speaks && sweep_agrees(rack);
    sum->none_kept += sweep_kept(&rack->side[VIRTUAL_NONE]);
    sum->busbar_kept += sweep_kept(busbar);
    if (rack->feasible) {
        sum->bus_min_v = sum->feasible == 0 ? busbar->bus_min_v : fmin(sum->bus_min_v, busbar->bus_min_v);
        sum->feasible++;
        sum->feasible_kept += sweep_kept(busbar);
        return;
    }
    sum->outside++;
    sum->lowered += lowered;
    sum->reported += reported;
    /* One that the rule gives up and that was carried all the same needed neither. */
    sum->neither += !lowered && !reported && !sweep_kept(busbar);
}

bool sweep_holds(const struct sweep_sum *sum)
{
    return sum->died == 0 && sum->feasible_kept == sum->feasible && sum->neither == 0 &&
           (double)sum->rule_agrees >= SWEEP_AGREEMENT * (double)sum->rule_cases;
}

/* What failed first, then the lowest busbar among the feasible. */
static double sweep_score(const struct sweep_rack *rack)
{
    const struct sweep_side *busbar = &rack->side[VIRTUAL_BUSBAR];

    if (rack->feasible && !sweep_kept(busbar))
        return -3000.0 + busbar->bus_min_v;
    if (!rack->feasible && !sweep_kept(busbar) && !sweep_reported(rack))
        return -2000.0 + busbar->bus_min_v;
    if (!sweep_agrees(rack))
        return -1000.0 + rack->side[VIRTUAL_NONE].bus_min_v;
    return rack->feasible ? busbar->bus_min_v : INFINITY;
}

void sweep_worst_add(struct sweep_worst *worst, const struct sweep_rack *rack)
{
    double score = sweep_score(rack);
    int32_t at = worst->count;

    if (!isfinite(score))
        return;
    while (at > 0 && worst->score[at - 1] > score)
        at--;
    if (at == SWEEP_WORST_MAX)
        return;
    if (worst->count < SWEEP_WORST_MAX)
        worst->count++;
    for (int32_t i = worst->count - 1; i > at; i--) {
        worst->score[i] = worst->score[i - 1];
        worst->rack[i] = worst->rack[i - 1];
    }
    worst->score[at] = score;
    worst->rack[at] = *rack;
}

/* ---- all of them ---- */

static bool sweep_done(void *arg, uint64_t index, const void *result, const char *why)
{
    struct sweep *sweep = arg;
    const struct sweep_rack *rack = result;

    if (!rack || !rack->side[VIRTUAL_NONE].ran || !rack->side[VIRTUAL_BUSBAR].ran) {
        sweep->report.sum.died++;
        (void)fprintf(stderr, "busbarsim sweep: %s: busbarsim sweep %s --racks 1 --seed %" PRIu64 "\n",
                      why ? why : "could not be run", sweep->args->scenario, sweep->args->seed + index);
        return true;
    }
    sweep_add(&sweep->report.sum, rack);
    sweep_worst_add(&sweep->report.worst, rack);
    if (sweep->csv)
        sweep_csv_rack(sweep->csv, rack);
    return true;
}

static bool sweep_run(struct sweep *sweep)
{
    struct pool_options opt = { .count = sweep->args->racks,
                                .result_size = sizeof(struct sweep_rack),
                                .arg = sweep,
                                .job = sweep_job,
                                .done = sweep_done,
                                .progress = "racks" };
    struct pool_report report;
    int64_t began_us = clock_now_us();
    enum status st = pool_run(&opt, &report);

    sweep->report.wall_s = (double)(clock_now_us() - began_us) / 1e6;
    if (st != ST_OK)
        (void)fprintf(stderr, "busbarsim sweep: %s after %" PRIu64 " of %" PRIu64 " racks\n",
                      report.signal ? "interrupted" : status_label(st), report.done, opt.count);
    return st == ST_OK;
}

static int sweep_all(struct sweep *sweep)
{
    const struct sweep_args *args = sweep->args;
    bool good;

    sweep->report.scenario = args->scenario;
    sweep->report.seed = args->seed;
    if (!sweep_load(sweep) || (args->csv && !study_file_open("sweep", args->csv, &sweep->csv)))
        return 2;
    if (sweep->csv)
        sweep_csv_head(sweep->csv);
    good = sweep_run(sweep);
    if (sweep->csv)
        good = study_file_close("sweep", args->csv, sweep->csv) && good;
    if (!good || !(args->json ? sweep_json(&sweep->report) : sweep_print(&sweep->report)))
        return 2;
    return sweep_holds(&sweep->report.sum) ? 0 : 1;
}

int sweep_main(int argc, char **argv)
{
    struct sweep_args args = { .racks = SWEEP_RACKS, .seed = 1 };
    struct sweep *sweep;
    int code;

    if (!sweep_args_read(argc, argv, &args))
        return 2;
    if (args.help)
        return fputs(sweep_usage, stdout) == EOF ? 2 : 0;
    if (args.version)
        return printf("busbarsim %s (%s)\n", BUSBAR_VERSION, BUSBAR_COMMIT) < 0 ? 2 : 0;
    sweep = calloc(1, sizeof *sweep);
    if (!sweep)
        return 2;
    sweep->args = &args;
    code = sweep_all(sweep);
    free(sweep);
    return code;
}
