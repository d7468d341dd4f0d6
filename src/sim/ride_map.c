/* SPDX-License-Identifier: Apache-2.0 */
/* ride_map.c: busbarsim ride-through --map: time to 90 % over residual voltage and
 * duration, with published curves on top. Main thread and worker processes.
 *
 * The curves are data from summaries and from memory: each says so, none is
 * certified.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "plant_grid.h"
#include "pool.h"
#include "ride_table.h"
#include "svg.h"

#define RIDE_MAP_SCENARIO "e-1" /* its rack, load and deadlines; the grid is our own */
#define RIDE_MAP_SHORT_S  0.001
#define RIDE_MAP_LONG_S   100.0
#define RIDE_MAP_BEFORE_S 1.0
#define RIDE_MAP_AFTER_S  20.0 /* not back after so long: darkest                   */
#define RIDE_MAP_TOP_S    2.0  /* of the colours                                    */

/* Corners of what must be survived: (seconds, pu), from left to right. */
#define RIDE_MAP_CORNERS 12
static const struct {
    const char *label;
    size_t count;
    double t_s[RIDE_MAP_CORNERS], pu[RIDE_MAP_CORNERS];
} ride_map_curves[] = {
    { .label = "ERCOT NOGRR282, as summarised in 2026 (not certified)",
      .count = 10,
      .t_s = { 0.001, 0.15, 0.15, 0.25, 0.25, 0.5, 0.5, 2.0, 2.0, 100.0 },
      .pu = { 0.0, 0.0, 0.2, 0.2, 0.5, 0.5, 0.8, 0.8, 0.9, 0.9 } },
    { .label = "CAISO straw proposal of 2026-06-15, as summarised (not certified)",
      .count = 10,
      .t_s = { 0.001, 0.15, 0.15, 1.2, 1.2, 3.0, 3.0, 6.0, 6.0, 100.0 },
      .pu = { 0.0, 0.0, 0.25, 0.25, 0.5, 0.5, 0.7, 0.7, 0.9, 0.9 } },
    { .label = "ITIC (CBEMA 2000), from memory (not certified)",
      .count = 8,
      .t_s = { 0.001, 0.02, 0.02, 0.5, 0.5, 10.0, 10.0, 100.0 },
      .pu = { 0.0, 0.0, 0.7, 0.7, 0.8, 0.8, 0.9, 0.9 } },
    { .label = "SEMI F47-0706 with its recommended points, in part from memory (not certified)",
      .count = 10,
      .t_s = { 0.001, 1.0 / 60.0, 1.0 / 60.0, 0.2, 0.2, 0.5, 0.5, 10.0, 10.0, 100.0 },
      .pu = { 0.0, 0.0, 0.5, 0.5, 0.7, 0.7, 0.8, 0.8, 0.9, 0.9 } },
};
#define RIDE_MAP_CURVES (sizeof ride_map_curves / sizeof ride_map_curves[0])

struct ride_map {
    const struct ride_map_options *opt;
    struct scenario base;
    double *x, *y, *value; /* edges; INFINITY: not back, NAN: IT gear lost           */
    int32_t lost;          /* runs in which IT gear was lost, or that died           */
};

struct ride_map_answer {
    bool ran;
    double recovery_s, it_lost;
};

static int32_t ride_map_size(const struct ride_map *map)
{
    return map->opt->points;
}

/* The middle of a cell. */
static void ride_map_point(const struct ride_map *map, uint64_t index, double *ret_pu, double *ret_s)
{
    int32_t size = ride_map_size(map), row = (int32_t)index / size, column = (int32_t)index % size;

    *ret_pu = 0.5 * (map->y[row] + map->y[row + 1]);
    *ret_s = sqrt(map->x[column] * map->x[column + 1]);
}

static bool ride_map_grid(struct scenario *scenario, double pu, double long_s)
{
    struct plant_grid *grid = &scenario->grid;

    plant_grid_init(grid);
    scenario->begins_s = RIDE_MAP_BEFORE_S;
    scenario->ends_s = RIDE_MAP_BEFORE_S + long_s;
    scenario->seconds = scenario->ends_s + RIDE_MAP_AFTER_S;
    scenario->no_write = false; /* that is for what it was loaded as */
    return plant_grid_add(grid, 0.0, 1.0, PLANT_GRID_ABC, false) &&
           plant_grid_add(grid, scenario->begins_s, pu, PLANT_GRID_ABC, false) &&
           plant_grid_add(grid, scenario->ends_s, 1.0, PLANT_GRID_ABC, false);
}

static void ride_map_job(void *arg, uint64_t index, void *ret_result)
{
    const struct ride_map *map = arg;
    struct ride_map_answer *answer = ret_result;
    struct scenario *scenario = malloc(sizeof *scenario);
    struct scenario_run run = { .seed = map->opt->seed };
    struct scenario_result result;
    double pu, long_s;

    if (!scenario)
        return;
    ride_map_point(map, index, &pu, &long_s);
    *scenario = map->base;
    if (ride_map_grid(scenario, pu, long_s) && scenario_run(scenario, &run, &result) == ST_OK) {
        answer->ran = true;
        answer->recovery_s = scenario_metric(&result, "recovery_s");
        answer->it_lost = scenario_metric(&result, "it_lost");
        scenario_done(&result);
    }
    free(scenario);
}

static bool ride_map_done(void *arg, uint64_t index, const void *result, const char *why)
{
    struct ride_map *map = arg;
    const struct ride_map_answer *answer = result;
    bool kept = answer && answer->ran && answer->it_lost <= 0.0;
    double pu, long_s;

    map->value[index] = (double)NAN;
    if (kept) /* no time at all: too high to be an event */
        map->value[index] = isnan(answer->recovery_s) ? 0.0 : answer->recovery_s;
    map->lost += !kept;
    if (answer && answer->ran)
        return true;
    ride_map_point(map, index, &pu, &long_s);
    (void)fprintf(stderr, "busbarsim ride-through: %s at %.3f pu for %.4f s, seed %" PRIu64 "\n",
                  why ? why : "could not be run", pu, long_s, map->opt->seed);
    return true;
}

static bool ride_map_new(struct ride_map *map)
{
    static const char *const set[] = { "start=kept-alive" };
    char error[SCENARIO_ERROR_MAX];
    size_t size = (size_t)ride_map_size(map);

    if (scenario_load(RIDE_MAP_SCENARIO, set, 1, &map->base, error) != ST_OK) {
        (void)fprintf(stderr, "busbarsim ride-through: %s\n", error);
        return false;
    }
    map->base.controller = VIRTUAL_BUSBAR;
    map->x = calloc(size + 1, sizeof *map->x);
    map->y = calloc(size + 1, sizeof *map->y);
    map->value = calloc(size * size, sizeof *map->value);
    if (!map->x || !map->y || !map->value)
        return false;
    for (size_t i = 0; i <= size; i++) {
        map->x[i] = RIDE_MAP_SHORT_S * pow(RIDE_MAP_LONG_S / RIDE_MAP_SHORT_S, (double)i / (double)size);
        map->y[i] = (double)i / (double)size;
    }
    return true;
}

static bool ride_map_draw(const struct ride_map *map)
{
    struct svg_map picture = { .x_label = "duration (s)",
                               .y_label = "residual voltage (pu)",
                               .value_label = "time to 90 % of the power before (s); darkest: 2 or more",
                               .x = map->x,
                               .y = map->y,
                               .value = map->value,
                               .columns = (size_t)ride_map_size(map),
                               .rows = (size_t)ride_map_size(map),
                               .nan_label = "IT gear lost",
                               .value_low = 0.0,
                               .value_high = RIDE_MAP_TOP_S,
                               .x_log = true };
    char about[STUDY_TEXT_MAX];
    FILE *file;

    for (size_t i = 0; i < RIDE_MAP_CURVES; i++)
        picture.line[picture.line_count++] = (struct svg_line){ .label = ride_map_curves[i].label,
                                                                .x = ride_map_curves[i].t_s,
                                                                .y = ride_map_curves[i].pu,
                                                                .count = ride_map_curves[i].count };
    (void)snprintf(
        about, sizeof about,
        "rack %.31s, %g V nominal, kept-alive supplies (hypothetical hardware), with Busbar, seed %" PRIu64
        ", %d x %d runs; all phases alike",
        map->base.rack.name, map->base.params.nominal_v, map->opt->seed, ride_map_size(map),
        ride_map_size(map));
    if (!study_file_open("ride-through", map->opt->path, &file))
        return false;
    svg_begin(file, 900.0, 680.0, "Ride-through map: how soon the rack is back", about);
    svg_map(file, SVG_MARGIN, SVG_HEAD, 900.0 - 2.0 * SVG_MARGIN, 680.0 - SVG_HEAD - SVG_MARGIN, &picture);
    svg_end(file);
    return study_file_close("ride-through", map->opt->path, file);
}

static bool ride_map_json(const struct ride_map *map)
{
    struct json_object *out = json_object_new_object(), *points = json_object_new_array();
    uint64_t count = (uint64_t)ride_map_size(map) * (uint64_t)ride_map_size(map);

    for (uint64_t i = 0; i < count; i++) {
        struct json_object *point = json_object_new_object();
        double pu, long_s;

        ride_map_point(map, i, &pu, &long_s);
        json_object_object_add(point, "residual_pu", json_object_new_double(pu));
        json_object_object_add(point, "duration_s", json_object_new_double(long_s));
        json_object_object_add(point, "time_to_90_s",
                               isfinite(map->value[i]) ? json_object_new_double(map->value[i]) : NULL);
        json_object_object_add(point, "it_kept", json_object_new_boolean(!isnan(map->value[i])));
        json_object_array_add(points, point);
    }
    json_object_object_add(out, "start", json_object_new_string("kept-alive"));
    json_object_object_add(out, "hypothetical", json_object_new_boolean(true));
    json_object_object_add(out, "controller", json_object_new_string("busbar"));
    json_object_object_add(out, "seed", json_object_new_uint64(map->opt->seed));
    json_object_object_add(out, "lost", json_object_new_int(map->lost));
    json_object_object_add(out, "points", points);
    int written = puts(json_object_to_json_string_ext(out, JSON_C_TO_STRING_PRETTY));

    json_object_put(out);
    return written != EOF;
}

static int ride_map_run(struct ride_map *map)
{
    uint64_t count = (uint64_t)ride_map_size(map) * (uint64_t)ride_map_size(map);
    struct pool_options opt = { .count = count,
                                .result_size = sizeof(struct ride_map_answer),
                                .arg = map,
                                .job = ride_map_job,
                                .done = ride_map_done,
                                .progress = "runs" };
    struct pool_report report;
    enum status st = pool_run(&opt, &report);

    if (st != ST_OK) {
        (void)fprintf(stderr, "busbarsim ride-through: %s after %" PRIu64 " of %" PRIu64 " runs\n",
                      report.signal ? "interrupted" : status_label(st), report.done, count);
        return 2;
    }
    if (!ride_map_draw(map) || (map->opt->json && !ride_map_json(map)))
        return 2;
    if (!map->opt->json)
        (void)printf("%s: %" PRIu64 " runs; IT gear kept in %" PRIu64 "\n", map->opt->path, count,
                     count - (uint64_t)map->lost);
    return report.died > 0 ? 1 : 0;
}

int ride_map(const struct ride_map_options *opt)
{
    struct ride_map *map = calloc(1, sizeof *map);
    int code = 2;

    if (map) {
        map->opt = opt;
        if (ride_map_new(map))
            code = ride_map_run(map);
        free(map->x);
        free(map->y);
        free(map->value);
    }
    free(map);
    return code;
}
