/* SPDX-License-Identifier: Apache-2.0 */
/* scenario.c: finds scenarios and their events; what one that says nothing is.
 *
 * Main thread, or a worker process. Reads files of config/scenarios: those of the
 * source tree it was built from, else the installed ones. Settings are
 * scenario_set.c's; runs nothing (scenario_run.c).
 */
#include "scenario.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scenario_parts.h"

#define SCENARIO_LISTED_MAX 128

static const char *const scenario_folders[SCENARIO_FOLDERS] = { BUSBAR_SOURCE_DIR "/config/scenarios",
                                                                BUSBAR_SCENARIO_DIR };

/* ---- names ---- */

/* Letters that must be changed to make one word of the other. */
static size_t scenario_distance(const char *a, const char *b)
{
    size_t row[SCENARIO_WORD_MAX + 1], length = strlen(b);

    if (length > SCENARIO_WORD_MAX)
        return SCENARIO_WORD_MAX;
    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t corner = row[0];

        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            size_t change = corner + (a[i - 1] != b[j - 1]);

            corner = row[j];
            row[j] = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            row[j] = row[j] < change ? row[j] : change;
        }
    }
    return row[length];
}

const char *scenario_near(const char *word, const char *const *words, size_t count)
{
    size_t best = strlen(word) / 2 + 1;
    const char *near = NULL;

    for (size_t i = 0; i < count; i++) {
        size_t distance = scenario_distance(word, words[i]);

        if (distance < best) {
            best = distance;
            near = words[i];
        }
    }
    return near;
}

/* The first file of that name in the folders. */
bool scenario_find_file(const char *const folders[SCENARIO_FOLDERS], const char *name, char *ret, size_t room)
{
    if (strchr(name, '/') || strlen(name) > SCENARIO_WORD_MAX)
        return false;
    for (int i = 0; i < SCENARIO_FOLDERS; i++) {
        (void)snprintf(ret, room, "%s/%s.yaml", folders[i], name);
        if (access(ret, R_OK) == 0)
            return true;
    }
    return false;
}

bool scenario_is_path(const char *name)
{
    size_t length = strlen(name);

    return length > 5 && strcmp(name + length - 5, ".yaml") == 0;
}

static int scenario_compare_names(const void *a, const void *b)
{
    const struct scenario_listed *x = a, *y = b;

    return strverscmp(x->name, y->name);
}

/* Files of one folder that are not listed yet. */
static size_t scenario_list_folder(const char *folder, struct scenario_listed *list, size_t count)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;

    while (dir && count < SCENARIO_LISTED_MAX && (entry = readdir(dir)) != NULL) {
        char path[1024];
        size_t old = 0;

        if (!scenario_is_path(entry->d_name))
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (!scenario_read_head(path, &list[count]))
            continue;
        while (old < count && strcmp(list[old].name, list[count].name) != 0)
            old++;
        count += old == count;
    }
    if (dir)
        (void)closedir(dir);
    return count;
}

enum status scenario_list(struct scenario_listed **ret, size_t *ret_count)
{
    struct scenario_listed *list = calloc(SCENARIO_LISTED_MAX, sizeof *list);
    size_t count = 0;

    if (!list)
        return ST_NOMEM;
    for (int i = 0; i < SCENARIO_FOLDERS; i++)
        count = scenario_list_folder(scenario_folders[i], list, count);
    count += scenario_recorded_list(list + count, SCENARIO_LISTED_MAX - count);
    qsort(list, count, sizeof *list, scenario_compare_names);
    *ret = list;
    *ret_count = count;
    return ST_OK;
}

/* ---- presets ---- */

void scenario_preset(struct scenario_file *ret)
{
    static const struct scenario_deadline usual[] = {
        { .start = PLANT_START_KEPT_ALIVE, .under_s = 0.5, .within_s = 0.5 },
        { .start = PLANT_START_KEPT_ALIVE, .under_s = 10.0, .within_s = 1.5 },
        { .start = PLANT_START_SHORT_BOOT, .under_s = 0.5, .within_s = 1.2 },
        { .start = PLANT_START_SHORT_BOOT, .under_s = 10.0, .within_s = 2.0 },
    };
    struct scenario *s = &ret->scenario;

    memset(ret, 0, sizeof *ret);
    plant_grid_init(&s->grid);
    (void)snprintf(ret->rack, sizeof ret->rack, "hpr");
    ret->envelope_ratio = 0.80;
    ret->low_ratio = (double)NAN;
    ret->period_ms = 10.0;
    s->seconds = 10.0;
    s->settle_s = 8.0;
    /* The last rack of its row has the hardest time to be back by. */
    s->phase_ratio = 1.0;
    s->load = (struct load_options){
        .kind = LOAD_SQUARE, .period_s = 1.0, .duty_ratio = 0.7, .skew_s = 0.02, .rate_hz = 2.0
    };
    s->job = (struct scenario_job){ .jobs = 2.0, .every_s = 45.0 };
    s->controller = VIRTUAL_BUSBAR;
    s->no_overshoot_ratio = 1.05;
    for (int k = 0; k < CHECKS_COUNT; k++)
        s->check[k] = true;
    memcpy(s->deadline, usual, sizeof usual);
    s->deadline_count = (int32_t)(sizeof usual / sizeof usual[0]);
}

/* ---- the event ---- */

static bool scenario_off_hz(const struct plant_grid *grid, double t_s, double nominal_hz)
{
    struct plant_grid_now now;

    plant_grid_at(grid, t_s, &now);
    return isfinite(now.hz) && fabs(now.hz - nominal_hz) > SCENARIO_OFF_HZ;
}

/* First time from `from_s` on, in steps of 10 ms, at which frequency is off, or not. */
static double scenario_hz_time(const struct scenario *s, double from_s, bool off)
{
    for (double t = from_s; t < s->seconds; t += 0.01)
        if (scenario_off_hz(&s->grid, t, s->params.frequency_hz) == off)
            return t;
    return s->seconds;
}

void scenario_find_event(struct scenario *s)
{
    bool off = false;

    s->begins_s = (double)NAN;
    s->ends_s = (double)NAN;
    for (int32_t i = 0; i < s->grid.point_count; i++) {
        const struct plant_grid_point *p = &s->grid.point[i];
        bool was = off;

        off = false;
        for (int k = 0; k < 3; k++)
            off = off || p->ratio[k] < SCENARIO_LOW_RATIO - SCENARIO_NEAR ||
                  p->ratio[k] > SCENARIO_HIGH_RATIO + SCENARIO_NEAR;
        if (off && isnan(s->begins_s))
            s->begins_s = p->t_s;
        if (was && !off)
            s->ends_s = p->t_s;
    }
    if (isfinite(s->begins_s) && (off || isnan(s->ends_s)))
        s->ends_s = s->seconds;
    if (isfinite(s->begins_s) || s->grid.frequency_count == 0)
        return;
    double begins = scenario_hz_time(s, 0.0, true), ends = begins;

    if (begins >= s->seconds)
        return;
    for (double t = begins; t < s->seconds;) {
        ends = scenario_hz_time(s, t, false);
        t = scenario_hz_time(s, ends, true);
    }
    s->begins_s = begins;
    s->ends_s = ends;
}

/* ---- one scenario ---- */

static enum status scenario_absent(const char *name, struct scenario_report *report)
{
    struct scenario_listed *list = NULL;
    const char *words[SCENARIO_LISTED_MAX], *near = NULL;
    size_t count = 0;

    if (scenario_list(&list, &count) == ST_OK) {
        for (size_t i = 0; i < count; i++)
            words[i] = list[i].name;
        near = scenario_near(name, words, count);
    }
    report->file = "scenario";
    scenario_report_add(
        report, 0, 0, name,
        "there is no such scenario%s%s%s; `busbarsim list` names them, or a path ending in .yaml",
        near ? ", is \"" : "", near ? near : "", near ? "\" meant" : "");
    free(list);
    return ST_ABSENT;
}

static enum status scenario_open(const char *name, struct scenario_file *file, struct scenario_report *report,
                                 char path[1024])
{
    enum status st = ST_ABSENT;

    if (scenario_is_path(name)) {
        (void)snprintf(path, 1024, "%s", name);
        st = scenario_read(path, file, report);
    } else if (scenario_find_file(scenario_folders, name, path, 1024)) {
        st = scenario_read(path, file, report);
    } else {
        st = scenario_recorded(name, file, report);
        (void)snprintf(path, 1024, "%s", name);
    }
    return st == ST_ABSENT ? scenario_absent(name, report) : st;
}

enum status scenario_load(const char *name, const char *const *set, int set_count, struct scenario *ret,
                          char error[SCENARIO_ERROR_MAX])
{
    struct scenario_report report = { .file = name, .text = error };
    struct scenario_file *file = calloc(1, sizeof *file);
    char path[1024];
    enum status st;

    error[0] = '\0';
    if (!file) {
        (void)snprintf(error, SCENARIO_ERROR_MAX, "out of memory");
        return ST_NOMEM;
    }
    st = scenario_open(name, file, &report, path);
    report.file = path;
    if (st == ST_OK)
        st = scenario_settle(file, set, set_count, &report);
    if (st == ST_OK)
        *ret = file->scenario;
    free(file);
    return st;
}
