/* SPDX-License-Identifier: Apache-2.0 */
/* scenario_main.c: busbarsim run and busbarsim list: arguments, tables, files.
 *
 * Main thread. Loads, runs and prints; judges nothing.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "scenario.h"
#include "scenario_parts.h"
#include "svg.h"
#include "svg_parts.h"

static const char scenario_run_usage[] =
    "busbarsim run SCENARIO [--controller none|busbar] [--seed N] [--set KEY=VALUE]... [--seconds N]\n"
    "              [--json] [--csv FILE] [--svg FILE]\n"
    "\n"
    "Plays one scenario in virtual time and says what held. SCENARIO is a name that\n"
    "`busbarsim list` shows, or a path ending in .yaml.\n"
    "\n"
    "  --controller WORD  busbar (the daemon's own core, the default) or none\n"
    "  --seed N           of everything that is drawn (1)\n"
    "  --set KEY=VALUE    rack, start (stock, short-boot, kept-alive), forecast (off, on,\n"
    "                     hints, lies, oracle), job, nominal_v, baud, load_ratio,\n"
    "                     envelope_ratio, envelope_w, period_ms, seconds, settle_s,\n"
    "                     phase_ratio, or a parameter of the plant (docs/scenarios.md)\n"
    "  --seconds N        ends so long after its beginning\n"
    "  --json             one JSON document on standard output\n"
    "  --csv FILE         the traces, 1 ms apart around the event, 10 ms else\n"
    "  --svg FILE         the traces as a picture\n"
    "\n"
    "Exit status: 0 every check holds, 1 one does not, 2 it could not be run.\n";

static const char scenario_list_usage[] =
    "busbarsim list [--json]\n"
    "\n"
    "The scenarios there are; recorded-NAME where BUSBAR_DATA has its file.\n";

enum scenario_main_option {
    SCENARIO_MAIN_CONTROLLER = 256,
    SCENARIO_MAIN_SEED,
    SCENARIO_MAIN_SET,
    SCENARIO_MAIN_SECONDS,
    SCENARIO_MAIN_JSON,
    SCENARIO_MAIN_CSV,
    SCENARIO_MAIN_SVG,
    SCENARIO_MAIN_HELP,
    SCENARIO_MAIN_VERSION,
};

struct scenario_main_args {
    const char *name, *csv, *svg;
    enum virtual_controller controller;
    uint64_t seed;
    int set_count;
    const char *set[SCENARIO_SETS_MAX];
    char seconds[48];
    bool json, help, version;
};

/* ---- arguments ---- */

static bool scenario_main_refuse(const char *what, const char *got, const char *allowed)
{
    (void)fprintf(stderr, "busbarsim run: %s: \"%.80s\" is not allowed, allowed %s\n", what, got, allowed);
    return false;
}

static bool scenario_main_seed(struct scenario_main_args *args, const char *text)
{
    char *end = NULL;

    errno = 0;
    args->seed = strtoull(text, &end, 10);
    if (end == text || *end != '\0' || text[0] == '-' || errno != 0)
        return scenario_main_refuse("--seed", text, "0 to 18446744073709551615");
    return true;
}

static bool scenario_main_controller(struct scenario_main_args *args, const char *text)
{
    if (strcmp(text, "none") == 0)
        args->controller = VIRTUAL_NONE;
    else if (strcmp(text, "busbar") == 0)
        args->controller = VIRTUAL_BUSBAR;
    else
        return scenario_main_refuse("--controller", text, "none or busbar");
    return true;
}

static bool scenario_main_set(struct scenario_main_args *args, const char *text)
{
    if (args->set_count == SCENARIO_SETS_MAX - 1)
        return scenario_main_refuse("--set", text, "at most 23 times");
    args->set[args->set_count++] = text;
    return true;
}

static bool scenario_main_option(struct scenario_main_args *args, int option)
{
    switch (option) {
    case SCENARIO_MAIN_CONTROLLER:
        return scenario_main_controller(args, optarg);
    case SCENARIO_MAIN_SEED:
        return scenario_main_seed(args, optarg);
    case SCENARIO_MAIN_SET:
        return scenario_main_set(args, optarg);
    case SCENARIO_MAIN_SECONDS:
        (void)snprintf(args->seconds, sizeof args->seconds, "seconds=%.32s", optarg);
        return true;
    case SCENARIO_MAIN_CSV:
        args->csv = optarg;
        return true;
    case SCENARIO_MAIN_SVG:
        args->svg = optarg;
        return true;
    case SCENARIO_MAIN_JSON:
        args->json = true;
        return true;
    case SCENARIO_MAIN_HELP:
        args->help = true;
        return true;
    case SCENARIO_MAIN_VERSION:
        args->version = true;
        return true;
    default:
        return false; /* getopt has said why */
    }
}

static bool scenario_main_args_read(int argc, char **argv, struct scenario_main_args *args)
{
    static const struct option options[] = {
        { .name = "controller", .has_arg = required_argument, .val = SCENARIO_MAIN_CONTROLLER },
        { .name = "seed", .has_arg = required_argument, .val = SCENARIO_MAIN_SEED },
        { .name = "set", .has_arg = required_argument, .val = SCENARIO_MAIN_SET },
        { .name = "seconds", .has_arg = required_argument, .val = SCENARIO_MAIN_SECONDS },
        { .name = "json", .val = SCENARIO_MAIN_JSON },
        { .name = "csv", .has_arg = required_argument, .val = SCENARIO_MAIN_CSV },
        { .name = "svg", .has_arg = required_argument, .val = SCENARIO_MAIN_SVG },
        { .name = "help", .val = SCENARIO_MAIN_HELP },
        { .name = "version", .val = SCENARIO_MAIN_VERSION },
        { .name = NULL },
    };
    int option;

    optind = 0; /* main() may have looked at the arguments before */
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (!scenario_main_option(args, option))
            return false;
    if (args->help || args->version)
        return true;
    if (optind + 1 != argc) {
        (void)fprintf(stderr, "busbarsim run: one SCENARIO is needed; `busbarsim list` names them\n");
        return false;
    }
    args->name = argv[optind];
    if (*args->seconds)
        args->set[args->set_count++] = args->seconds;
    return true;
}

/* ---- the table ---- */

static void scenario_main_number(double value, char ret[24])
{
    if (isnan(value))
        (void)snprintf(ret, 24, "-");
    else if (isinf(value))
        (void)snprintf(ret, 24, "never");
    else if (fabs(value) >= 1000.0)
        (void)snprintf(ret, 24, "%.0f", value);
    else
        (void)snprintf(ret, 24, "%.4g", value);
}

static void scenario_main_print(const struct scenario *s, const struct scenario_result *r)
{
    char value[24], limit[24];

    (void)printf("%s: %s\n", s->name, s->about);
    (void)printf("rack %s, %g V, %s supplies%s, controller %s, seed %" PRIu64 "\n", s->rack.name,
                 s->rack.nominal_v, plant_start_word(s->params.start),
                 s->params.start == PLANT_START_STOCK ? "" : " (hypothetical hardware)", r->controller,
                 r->seed);
    (void)printf("%s%s%s\n", r->job ? "job " : "", r->job ? r->job : "", r->job ? "\n" : "");
    (void)printf("%-12s %-5s %12s %12s  %-8s %s\n", "check", "", "value", "limit", "unit", "");
    for (int32_t i = 0; i < r->check_count; i++) {
        const struct scenario_check *c = &r->check[i];

        scenario_main_number(c->value, value);
        scenario_main_number(c->limit, limit);
        (void)printf("%-12s %-5s %12s %12s  %-8s %s\n", c->name, c->ok ? "ok" : "FAILS", value, limit,
                     c->unit, c->detail);
    }
    (void)printf("\n%-18s %12s\n", "metric", "value");
    for (int32_t i = 0; i < r->metric_count; i++) {
        scenario_main_number(r->metric[i].value, value);
        (void)printf("%-18s %12s  %s\n", r->metric[i].name, value, r->metric[i].unit);
    }
    (void)printf("\n%s: %g s in %.2f s\n", r->ok ? "every check holds" : "NOT EVERY CHECK HOLDS", r->sim_s,
                 r->wall_s);
}

/* ---- files ---- */

static bool scenario_main_close(FILE *to, const char *path)
{
    bool good = !ferror(to);

    good = fclose(to) == 0 && good;
    if (!good)
        (void)fprintf(stderr, "busbarsim run: %s: cannot be written\n", path);
    return good;
}

static bool scenario_main_csv(const char *path, const struct scenario_result *r)
{
    FILE *to = fopen(path, "we");

    if (!to) {
        (void)fprintf(stderr, "busbarsim run: %s: %s\n", path, strerror(errno));
        return false;
    }
    (void)fprintf(to, "t_s,ac_v,bus_v,psu_w,bbu_w,load_w,grid_w,grid_a,gpu_limits_w\n");
    for (size_t i = 0; i < r->sample_count; i++) {
        const struct scenario_sample *s = &r->sample[i];

        (void)fprintf(to, "%.6f,%.3f,%.4f,%.1f,%.1f,%.1f,%.1f,%.2f,%.1f\n", s->t_s, s->ac_v, s->bus_v,
                      s->psu_w, s->bbu_w, s->load_w, s->grid_w, s->grid_a, s->limit_w);
    }
    return scenario_main_close(to, path);
}

/* The picture's columns, as svg.h takes them. */
struct scenario_main_columns {
    double *t_s, *ac, *bus_v, *psu, *bbu, *load, *grid;
};

static bool scenario_main_columns_fill(const struct scenario *s, const struct scenario_result *r,
                                       double *room, struct scenario_main_columns *ret)
{
    size_t n = r->sample_count;

    if (!room)
        return false;
    *ret = (struct scenario_main_columns){ .t_s = room,
                                           .ac = room + n,
                                           .bus_v = room + 2 * n,
                                           .psu = room + 3 * n,
                                           .bbu = room + 4 * n,
                                           .load = room + 5 * n,
                                           .grid = room + 6 * n };
    for (size_t i = 0; i < n; i++) {
        const struct scenario_sample *at = &r->sample[i];

        ret->t_s[i] = at->t_s;
        ret->ac[i] = at->ac_v / s->rack.nominal_v;
        ret->bus_v[i] = at->bus_v;
        ret->psu[i] = at->psu_w / 1000.0;
        ret->bbu[i] = at->bbu_w / 1000.0;
        ret->load[i] = at->load_w / 1000.0;
        ret->grid[i] = at->grid_w / 1000.0;
    }
    return true;
}

static struct svg_line scenario_main_line(const char *label, const struct scenario_main_columns *c,
                                          const double *y, size_t count)
{
    return (struct svg_line){ .label = label, .x = c->t_s, .y = y, .count = count };
}

static void scenario_main_draw(FILE *to, const struct scenario *s, const struct scenario_result *r,
                               const struct scenario_main_columns *c)
{
    size_t n = r->sample_count;
    double none = (double)NAN;
    struct svg_panel panel[] = {
        { .title = "AC voltage",
          .y_label = "pu",
          .line_count = 1,
          .line = { scenario_main_line("lowest phase", c, c->ac, n) } },
        { .title = "Busbar voltage",
          .y_label = "V",
          .line_count = 1,
          .line = { scenario_main_line("farthest tray", c, c->bus_v, n) } },
        { .title = "Supplies and batteries",
          .y_label = "kW",
          .line_count = 2,
          .line = { scenario_main_line("supplies", c, c->psu, n),
                    scenario_main_line("batteries", c, c->bbu, n) } },
        { .title = "Load and grid",
          .x_label = "s",
          .y_label = "kW",
          .line_count = 2,
          .line = { scenario_main_line("load", c, c->load, n), scenario_main_line("grid", c, c->grid, n) } },
    };
    const size_t panels = sizeof panel / sizeof panel[0];
    char title[128], about[SCENARIO_TEXT_MAX + 128];
    double wide;

    (void)snprintf(title, sizeof title, "%s, controller %s", s->name, r->controller);
    (void)snprintf(about, sizeof about, "%s. Rack %s, %g V, %s supplies%s, seed %" PRIu64, s->about,
                   s->rack.name, s->rack.nominal_v, plant_start_word(s->params.start),
                   s->params.start == PLANT_START_STOCK ? "" : " (hypothetical hardware)", r->seed);
    wide = fmax(760.0, 2.0 * SVG_MARGIN + svg_width(about, SVG_TEXT + 1.0));
    svg_begin(to, wide, SVG_HEAD + 200 * (double)panels + SVG_MARGIN, title, about);
    for (size_t i = 0; i < panels; i++) {
        panel[i].x_low = panel[i].x_high = none;
        panel[i].y_low = panel[i].y_high = none;
        if (isfinite(s->begins_s)) {
            panel[i].shade_low = s->begins_s;
            panel[i].shade_high = s->ends_s;
        }
        svg_panel(to, SVG_MARGIN, SVG_HEAD + 200 * (double)i, wide - 2 * SVG_MARGIN, 190, &panel[i]);
    }
    svg_end(to);
}

static bool scenario_main_svg(const char *path, const struct scenario *s, const struct scenario_result *r)
{
    double *room = calloc(r->sample_count > 0 ? r->sample_count : 1, 7 * sizeof *room);
    struct scenario_main_columns columns;
    FILE *to = fopen(path, "we");
    bool good = to != NULL;

    if (!good)
        (void)fprintf(stderr, "busbarsim run: %s: %s\n", path, strerror(errno));
    else if (scenario_main_columns_fill(s, r, room, &columns))
        scenario_main_draw(to, s, r, &columns);
    free(room);
    return good && scenario_main_close(to, path);
}

/* ---- run ---- */

static int scenario_main_run(const struct scenario_main_args *args, struct scenario *s)
{
    const struct scenario_run opt = { .seed = args->seed,
                                      .samples = args->csv || args->svg,
                                      .progress = isatty(STDERR_FILENO) != 0 };
    struct scenario_result *result = calloc(1, sizeof *result);
    int status = 2;

    if (!result || scenario_run(s, &opt, result) != ST_OK) {
        (void)fprintf(stderr, "busbarsim run: %s: out of memory\n", s->name);
        free(result);
        return 2;
    }
    if ((!args->csv || scenario_main_csv(args->csv, result)) &&
        (!args->svg || scenario_main_svg(args->svg, s, result)))
        status = result->ok ? 0 : 1;
    if (args->json) {
        char *text = scenario_json(result);

        (void)puts(text ? text : "");
        free(text);
    } else {
        scenario_main_print(s, result);
    }
    scenario_done(result);
    free(result);
    return status;
}

int run_main(int argc, char **argv)
{
    struct scenario_main_args args = { .controller = VIRTUAL_BUSBAR, .seed = 1 };
    char error[SCENARIO_ERROR_MAX];
    struct scenario *s;
    int status = 2;

    if (!scenario_main_args_read(argc, argv, &args))
        return 2;
    if (args.help)
        return fputs(scenario_run_usage, stdout) == EOF ? 2 : 0;
    if (args.version)
        return printf("busbarsim %s (%s)\n", BUSBAR_VERSION, BUSBAR_COMMIT) < 0 ? 2 : 0;
    s = calloc(1, sizeof *s);
    if (s && scenario_load(args.name, args.set, args.set_count, s, error) == ST_OK) {
        s->controller = args.controller;
        status = scenario_main_run(&args, s);
    } else {
        (void)fprintf(stderr, "busbarsim run: %s\n", s ? error : "out of memory");
    }
    free(s);
    return status;
}

/* ---- list ---- */

static void scenario_main_list_json(const struct scenario_listed *list, size_t count)
{
    struct json_object *out = json_object_new_object(), *rows = json_object_new_array();

    for (size_t i = 0; i < count; i++) {
        struct json_object *row = json_object_new_object();

        json_object_object_add(row, "name", json_object_new_string(list[i].name));
        json_object_object_add(row, "about", json_object_new_string(list[i].about));
        json_object_array_add(rows, row);
    }
    json_object_object_add(out, "scenarios", rows);
    (void)puts(json_object_to_json_string_ext(out, JSON_C_TO_STRING_PRETTY));
    json_object_put(out);
}

int list_main(int argc, char **argv)
{
    struct scenario_listed *list = NULL;
    bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
    size_t count = 0;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(scenario_list_usage, stdout) == EOF ? 2 : 0;
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return printf("busbarsim %s (%s)\n", BUSBAR_VERSION, BUSBAR_COMMIT) < 0 ? 2 : 0;
    if (argc > 2 || (argc == 2 && !json)) {
        (void)fprintf(stderr, "busbarsim list: \"%.80s\" is not allowed, allowed --json, --help, --version\n",
                      argv[argc - 1]);
        return 2;
    }
    if (scenario_list(&list, &count) != ST_OK) {
        (void)fprintf(stderr, "busbarsim list: out of memory\n");
        return 2;
    }
    if (json)
        scenario_main_list_json(list, count);
    for (size_t i = 0; !json && i < count; i++)
        (void)printf("%-22s %s\n", list[i].name, list[i].about);
    free(list);
    return 0;
}
