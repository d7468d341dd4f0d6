/* SPDX-License-Identifier: Apache-2.0 */
/* scenario_recorded.c: sags as protection recorders saw them, as scenarios.
 *
 * Main thread, or a worker process. Reads gzip CSV files of instantaneous voltages
 * below BUSBAR_DATA (traces/ac_sags) and nothing else; without that folder there
 * are no such scenarios. Depth and timing are the record's; what the recorder's
 * voltage level looks like at the supplies is one delta-wye transformer's doing:
 * their phase voltages are the record's phase-to-phase ones.
 */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "scenario_parts.h"

#define SCENARIO_RECORDED_ROWS_MAX   200000
#define SCENARIO_RECORDED_HZ         50.0
#define SCENARIO_RECORDED_FROM_S     1.0  /* of good input before the record begins            */
#define SCENARIO_RECORDED_AFTER_S    15.0 /* after it has ended: time for stock supplies       */
#define SCENARIO_RECORDED_FILES_MAX  32
#define SCENARIO_RECORDED_HALVES_MAX 8192
/* A half cycle lasts so many nominal ones at least, and at most. */
#define SCENARIO_RECORDED_SHORTEST 0.6
#define SCENARIO_RECORDED_LONGEST  1.6
#define SCENARIO_RECORDED_SAME     0.004 /* smaller changes are no new point                 */
#define SCENARIO_RECORDED_PREFIX   "recorded-"

struct scenario_recorded_file {
    char name[64], stem[64], path[1024];
};

/* ---- the folder ---- */

/* sag_h_220kv_reclose_4000hz.csv.gz: recorded-sag-h */
static bool scenario_recorded_name(const char *entry, struct scenario_recorded_file *ret)
{
    const char *end = strstr(entry, ".csv.gz"), *first = strchr(entry, '_');
    const char *second = first ? strchr(first + 1, '_') : NULL;
    size_t length;

    if (!end || end[7] != '\0' || !first || first > end)
        return false;
    length = (size_t)((second && second < end ? second : end) - entry);
    if ((size_t)(end - entry) >= sizeof ret->stem ||
        length + sizeof SCENARIO_RECORDED_PREFIX > sizeof ret->name)
        return false;
    memcpy(ret->stem, entry, (size_t)(end - entry));
    ret->stem[end - entry] = '\0';
    (void)snprintf(ret->name, sizeof ret->name, SCENARIO_RECORDED_PREFIX "%.*s", (int)length, entry);
    for (char *c = ret->name; *c; c++)
        if (*c == '_')
            *c = '-';
    return true;
}

static int scenario_recorded_compare(const void *a, const void *b)
{
    const struct scenario_recorded_file *x = a, *y = b;

    return strcmp(x->stem, y->stem);
}

static size_t scenario_recorded_files(struct scenario_recorded_file ret[SCENARIO_RECORDED_FILES_MAX])
{
    const char *data = getenv("BUSBAR_DATA");
    char folder[900];
    struct dirent *entry;
    size_t count = 0;
    DIR *dir;

    (void)snprintf(folder, sizeof folder, "%s/traces/ac_sags",
                   data && *data ? data : BUSBAR_SOURCE_DIR "/../shared/data");
    dir = opendir(folder);
    while (dir && count < SCENARIO_RECORDED_FILES_MAX && (entry = readdir(dir)) != NULL)
        if (scenario_recorded_name(entry->d_name, &ret[count])) {
            (void)snprintf(ret[count].path, sizeof ret[count].path, "%s/%.100s", folder, entry->d_name);
            count++;
        }
    if (dir)
        (void)closedir(dir);
    qsort(ret, count, sizeof *ret, scenario_recorded_compare);
    return count;
}

static void scenario_recorded_about(const struct scenario_recorded_file *file, char *ret, size_t room)
{
    (void)snprintf(ret, room, "A sag as a protection recorder saw it (%s), behind one delta-wye transformer",
                   file->stem);
}

size_t scenario_recorded_list(struct scenario_listed *ret, size_t room)
{
    struct scenario_recorded_file *files = calloc(SCENARIO_RECORDED_FILES_MAX, sizeof *files);
    size_t count = files ? scenario_recorded_files(files) : 0;

    count = count < room ? count : room;
    for (size_t i = 0; i < count; i++) {
        memcpy(ret[i].name, files[i].name, sizeof ret[i].name);
        scenario_recorded_about(&files[i], ret[i].about, sizeof ret[i].about);
    }
    free(files);
    return count;
}

/* ---- the wave ---- */

/* Half cycles of one phase, from zero to zero: the frequency need not be nominal. */
struct scenario_recorded_halves {
    int32_t count;
    double until_s[SCENARIO_RECORDED_HALVES_MAX], rms[SCENARIO_RECORDED_HALVES_MAX];
};

/* The integral of v^2 over a piece of a straight line. */
static double scenario_recorded_square(double dt, double from, double until)
{
    return dt * (from * from + from * until + until * until) / 3.0;
}

static void scenario_recorded_half(struct scenario_recorded_halves *h, double until_s, double length_s,
                                   double square)
{
    if (h->count == SCENARIO_RECORDED_HALVES_MAX || length_s <= 0.0)
        return;
    h->until_s[h->count] = until_s;
    h->rms[h->count++] = sqrt(square / length_s);
}

static void scenario_recorded_split(const struct scenario_wave *w, int k, double half_s,
                                    struct scenario_recorded_halves *ret)
{
    const double *t = w->t_s, *v = w->v[k];
    double begin_s = t[0], square = 0.0;

    ret->count = 0;
    for (int32_t i = 0; i + 1 < w->count; i++) {
        double dt = t[i + 1] - t[i], length_s = t[i + 1] - begin_s;
        bool crosses = (v[i] < 0.0) != (v[i + 1] < 0.0) && length_s > SCENARIO_RECORDED_SHORTEST * half_s;

        /* A phase that is gone crosses zero no more. */
        if (!crosses && length_s < SCENARIO_RECORDED_LONGEST * half_s) {
            square += scenario_recorded_square(dt, v[i], v[i + 1]);
            continue;
        }
        double part = crosses ? v[i] / (v[i] - v[i + 1]) : 1.0;
        double at = crosses ? 0.0 : v[i + 1];

        square += scenario_recorded_square(part * dt, v[i], at);
        scenario_recorded_half(ret, t[i] + part * dt, t[i] + part * dt - begin_s, square);
        begin_s = t[i] + part * dt;
        square = scenario_recorded_square((1.0 - part) * dt, at, v[i + 1]);
    }
    /* What the record begins with is a piece; it counts as the half cycle after it. */
    if (ret->count > 1)
        ret->rms[0] = ret->rms[1];
}

/* What it was before the sag: the mean of its first two whole half cycles. */
static double scenario_recorded_before(const struct scenario_recorded_halves *h)
{
    double before = h->count > 2 ? (h->rms[1] + h->rms[2]) / 2.0 : 0.0;

    return before > 0.0 ? before : 1.0;
}

int32_t scenario_recorded_points(const struct scenario_wave *wave, double hz, double from_s,
                                 struct plant_grid_point *ret, int32_t room)
{
    struct scenario_recorded_halves *phase = calloc(3, sizeof *phase);
    double half_s = 0.5 / hz, lasts_s = wave->t_s[wave->count - 1] - wave->t_s[0], before[3];
    int32_t count = 0, at[3] = { 0, 0, 0 };

    if (!phase)
        return 0;
    for (int k = 0; k < 3; k++) {
        scenario_recorded_split(wave, k, half_s, &phase[k]);
        before[k] = scenario_recorded_before(&phase[k]);
    }
    for (int32_t h = 0; (h + 1) * half_s <= lasts_s && count < room; h++) {
        struct plant_grid_point p = { .t_s = from_s + h * half_s };
        double middle_s = wave->t_s[0] + (h + 0.5) * half_s;
        bool moved = count == 0;

        for (int k = 0; k < 3; k++) {
            while (at[k] + 1 < phase[k].count && phase[k].until_s[at[k]] < middle_s)
                at[k]++;
            p.ratio[k] = phase[k].rms[at[k]] / before[k];
            moved = moved || fabs(p.ratio[k] - ret[count - 1].ratio[k]) > SCENARIO_RECORDED_SAME;
        }
        if (moved)
            ret[count++] = p;
    }
    free(phase);
    return count;
}

/* ---- the file ---- */

struct scenario_recorded_rows {
    int32_t count;
    bool pairs; /* two phase-to-phase voltages; else three phase voltages */
    double *t_s, *v[3];
};

static bool scenario_recorded_row(struct scenario_recorded_rows *rows, const char *line)
{
    double field[4] = { 0.0, 0.0, 0.0, 0.0 };
    int wanted = rows->pairs ? 3 : 4;
    int32_t n = rows->count;

    for (int i = 0; i < wanted; i++) {
        char *end = NULL;

        field[i] = strtod(line, &end);
        if (end == line || (*end != (i + 1 < wanted ? ',' : '\n') && *end != '\r' && *end != '\0') ||
            !isfinite(field[i]) || fabs(field[i]) > 1e5)
            return false;
        line = *end ? end + 1 : end;
    }
    if (n == SCENARIO_RECORDED_ROWS_MAX || (n > 0 && field[0] <= rows->t_s[n - 1]))
        return false;
    rows->t_s[n] = field[0];
    if (rows->pairs) {
        rows->v[0][n] = field[1];
        rows->v[1][n] = field[2];
        rows->v[2][n] = -field[1] - field[2];
    } else {
        rows->v[0][n] = (field[1] - field[2]) / sqrt(3.0);
        rows->v[1][n] = (field[2] - field[3]) / sqrt(3.0);
        rows->v[2][n] = (field[3] - field[1]) / sqrt(3.0);
    }
    rows->count++;
    return true;
}

static void scenario_recorded_read(const char *path, struct scenario_recorded_rows *rows,
                                   struct scenario_report *report)
{
    gzFile from = gzopen(path, "rb");
    char line[256];
    size_t number = 1;

    report->file = path;
    if (!from || !gzgets(from, line, sizeof line)) {
        scenario_report_add(report, 0, 0, "", "cannot be read");
        if (from)
            (void)gzclose(from);
        return;
    }
    line[strcspn(line, "\r\n")] = '\0';
    rows->pairs = strcmp(line, "t_s,v_ab_pu,v_bc_pu") == 0;
    if (!rows->pairs && strcmp(line, "t_s,va_pu,vb_pu,vc_pu") != 0)
        scenario_report_add(
            report, number, 1, "",
            "columns \"%.60s\" are not known, allowed t_s,va_pu,vb_pu,vc_pu or t_s,v_ab_pu,v_bc_pu", line);
    while (report->count == 0 && gzgets(from, line, sizeof line)) {
        number++;
        if (line[0] != '\n' && !scenario_recorded_row(rows, line))
            scenario_report_add(report, number, 1, "", "not a row of rising time and voltages, or too many");
    }
    if (report->count == 0 && rows->count < 4)
        scenario_report_add(report, 0, 0, "", "too few rows");
    (void)gzclose(from);
}

static void scenario_recorded_fill(const struct scenario_recorded_rows *rows, struct scenario_file *ret)
{
    struct scenario *s = &ret->scenario;
    const struct scenario_wave wave = { .count = rows->count,
                                        .t_s = rows->t_s,
                                        .v = { rows->v[0], rows->v[1], rows->v[2] } };
    struct plant_grid_point *points = calloc(PLANT_GRID_POINTS_MAX, sizeof *points);
    double end_s = SCENARIO_RECORDED_FROM_S + rows->t_s[rows->count - 1] - rows->t_s[0];
    int32_t count = 0;

    if (points)
        count = scenario_recorded_points(&wave, SCENARIO_RECORDED_HZ, SCENARIO_RECORDED_FROM_S, points,
                                         PLANT_GRID_POINTS_MAX - 2);
    (void)plant_grid_add(&s->grid, 0.0, 1.0, PLANT_GRID_ABC, false);
    for (int32_t i = 0; i < count; i++)
        (void)plant_grid_add_phases(&s->grid, points[i].t_s, points[i].ratio);
    /* What came after the record is not known. */
    (void)plant_grid_add(&s->grid, end_s, 1.0, PLANT_GRID_ABC, false);
    s->seconds = ceil(end_s + SCENARIO_RECORDED_AFTER_S);
    free(points);
}

static enum status scenario_recorded_load(const struct scenario_recorded_file *file,
                                          struct scenario_file *ret, struct scenario_report *report)
{
    struct scenario_recorded_rows rows = { .t_s = calloc(SCENARIO_RECORDED_ROWS_MAX, sizeof(double)) };
    bool room = rows.t_s != NULL;

    for (int k = 0; k < 3; k++) {
        rows.v[k] = calloc(SCENARIO_RECORDED_ROWS_MAX, sizeof(double));
        room = room && rows.v[k];
    }
    scenario_preset(ret);
    (void)snprintf(ret->scenario.name, sizeof ret->scenario.name, "%s", file->name);
    (void)snprintf(ret->scenario.source, sizeof ret->scenario.source, "BUSBAR_DATA/traces/ac_sags/%s.csv.gz",
                   file->stem);
    scenario_recorded_about(file, ret->scenario.about, sizeof ret->scenario.about);
    ret->scenario.load.kind = LOAD_CONSTANT;
    /* A recorder's event is what it is: nobody promised to stay connected. */
    ret->scenario.disconnect_legal = true;
    ret->scenario.carry_ratio = 1.0;
    if (room) {
        scenario_recorded_read(file->path, &rows, report);
        if (report->count == 0)
            scenario_recorded_fill(&rows, ret);
    }
    for (int k = 0; k < 3; k++)
        free(rows.v[k]);
    free(rows.t_s);
    return !room ? ST_NOMEM : report->count > 0 ? ST_RANGE : ST_OK;
}

enum status scenario_recorded(const char *name, struct scenario_file *ret, struct scenario_report *report)
{
    struct scenario_recorded_file *files = calloc(SCENARIO_RECORDED_FILES_MAX, sizeof *files);
    size_t count = files ? scenario_recorded_files(files) : 0;
    enum status st = files ? ST_ABSENT : ST_NOMEM;

    for (size_t i = 0; i < count && st == ST_ABSENT; i++)
        if (strcmp(files[i].name, name) == 0 ||
            (strncmp(name, SCENARIO_RECORDED_PREFIX, sizeof SCENARIO_RECORDED_PREFIX - 1) == 0 &&
             strcmp(files[i].stem, name + sizeof SCENARIO_RECORDED_PREFIX - 1) == 0))
            st = scenario_recorded_load(&files[i], ret, report);
    free(files);
    return st;
}
