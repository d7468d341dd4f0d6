/* SPDX-License-Identifier: Apache-2.0 */
/* scenario_parts.h: what the files of the scenarios share among themselves. */
#ifndef BUSBAR_SIM_SCENARIO_PARTS_H
#define BUSBAR_SIM_SCENARIO_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "busbar/status.h"
#include "scenario.h"

#define SCENARIO_FOLDERS  2
#define SCENARIO_WORD_MAX 64

/* Phases are low under it, high above it: where an event begins and ends. */
#define SCENARIO_LOW_RATIO  0.90
#define SCENARIO_HIGH_RATIO 1.10
#define SCENARIO_NEAR       1e-6
#define SCENARIO_OFF_HZ     0.5

/* ---- what is wrong with a file or a setting ---- */

struct scenario_report {
    const char *file; /* or "--set"                                                */
    char *text;       /* of SCENARIO_ERROR_MAX; one line an error                  */
    size_t used;
    int32_t count, left_out;
};

/* line 0: of the whole file. */
__attribute__((format(printf, 5, 6))) void scenario_report_add(struct scenario_report *report, size_t line,
                                                               size_t column, const char *key,
                                                               const char *format, ...);

/* ---- a file as it was written, before any setting ---- */

struct scenario_setting {
    char key[SCENARIO_WORD_MAX], value[SCENARIO_WORD_MAX];
    size_t line, column; /* in the file; 0: from the command line                   */
};

struct scenario_file {
    struct scenario scenario;
    char rack[SCENARIO_WORD_MAX];
    size_t rack_line, rack_column;
    double envelope_ratio; /* AC power before over the envelope; NAN: load.high_ratio is given */
    double low_ratio;      /* NAN: half of what is meant                            */
    double period_ms;
    double current_within_slow_s; /* instead, on lines of 19200 baud; 0: the same  */
    int32_t set_count;
    struct scenario_setting set[SCENARIO_SETS_MAX];
};

/* ST_SYS: cannot be read; ST_RANGE: something is wrong; the report says what. */
NODISCARD enum status scenario_read(const char *path, struct scenario_file *ret,
                                    struct scenario_report *report);

/* Only `scenario.name` and `about`, for the list. False: not a scenario's file. */
bool scenario_read_head(const char *path, struct scenario_listed *ret);

/* Defaults of a scenario that says nothing. */
void scenario_preset(struct scenario_file *ret);

/* ---- settings ---- */

/* Racks, presets, the file's settings, then the command line's, in order. */
NODISCARD enum status scenario_settle(struct scenario_file *file, const char *const *set, int set_count,
                                      struct scenario_report *report);

/* The first file of that name in the folders, "/..." and ".yaml" added. */
bool scenario_find_file(const char *const folders[SCENARIO_FOLDERS], const char *name, char *ret,
                        size_t room);
bool scenario_is_path(const char *name); /* it ends in .yaml */

/* begins_s and ends_s from the grid's points. */
void scenario_find_event(struct scenario *scenario);

/* ---- recorded sags ---- */

/* Fills *ret, sorted, at most `room`; how many there are. 0 without BUSBAR_DATA. */
size_t scenario_recorded_list(struct scenario_listed *ret, size_t room);

/* ST_ABSENT: no such name here. */
NODISCARD enum status scenario_recorded(const char *name, struct scenario_file *ret,
                                        struct scenario_report *report);

/* RMS of each half cycle of instantaneous values, as points of the grid; `from_s`
 * is added. For tests: `ret_count` points of at most `room`. */
struct scenario_wave {
    int32_t count;
    const double *t_s;
    const double *v[3]; /* as the supplies see them: behind a delta-wye transformer */
};
int32_t scenario_recorded_points(const struct scenario_wave *wave, double hz, double from_s,
                                 struct plant_grid_point *ret, int32_t room);

/* ---- training jobs ---- */

/* What `--set job=` says; without one the recorded job where its data is. */
void scenario_job_settle(struct scenario_file *file, const struct scenario_setting *set,
                         struct scenario_report *report);

/* The job of a run, and how far apart in it those of a rack begin. */
NODISCARD enum status scenario_job_new(const struct scenario *s, uint64_t seed, struct trace **ret,
                                       double *ret_apart_s);

/* ---- words ---- */

/* The nearest of `count` words, or NULL where none is near. */
const char *scenario_near(const char *word, const char *const *words, size_t count);

#endif
