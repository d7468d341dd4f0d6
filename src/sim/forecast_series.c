/* SPDX-License-Identifier: Apache-2.0 */
/* forecast_series.c: reads a CSV file, plain or gzip, and puts its readings on a
 * uniform grid. Main thread; reads one file and nothing else.
 */
#include "forecast_series.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "csv.h"

#define FORECAST_LINE_MAX   65536
#define FORECAST_FIELDS_MAX 1024
#define FORECAST_ROWS_MAX   20000000
#define FORECAST_SLOTS_MAX  5000000 /* of all series together */
#define FORECAST_WATTS_MAX  1e12
#define FORECAST_GROUPS_MAX 1024
#define FORECAST_NAME_MAX   64
#define FORECAST_TIME_TOL_S 0.5e-6 /* seconds since 1970 are told apart no finer in a double */

struct forecast_row {
    double at_s, w;
    int32_t group;
};

struct forecast_reader {
    const struct forecast_source *source;
    char *error;
    int64_t line;
    int time_at, group_at, column_count, column_at[FORECAST_SERIES_COLUMNS];
    double time_scale;
    size_t count, room;
    struct forecast_row *row;
    int32_t groups;
    char group[FORECAST_GROUPS_MAX][32];
};

__attribute__((format(printf, 3, 4))) static enum status
forecast_refuse(struct forecast_reader *r, enum status st, const char *format, ...)
{
    char what[256];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    (void)snprintf(r->error, FORECAST_ERROR_MAX, "%.200s:%lld: %s", r->source->path, (long long)r->line,
                   what);
    return st;
}

static int forecast_find(char *fields[], int count, const char *name, size_t length)
{
    for (int i = 0; i < count; i++)
        if (strlen(fields[i]) == length && memcmp(fields[i], name, length) == 0)
            return i;
    return -1;
}

static enum status forecast_no_column(struct forecast_reader *r, char *fields[], int count, const char *name,
                                      size_t length)
{
    char there[160] = "";
    size_t used = 0;

    for (int i = 0; i < count; i++) {
        int more = snprintf(there + used, sizeof there - used, "%s%s", i ? ", " : "", fields[i]);

        if (more < 0 || used + (size_t)more > sizeof there - 8) {
            (void)snprintf(there + used, sizeof there - used, ", ...");
            break;
        }
        used += (size_t)more;
    }
    return forecast_refuse(r, ST_RANGE, "there is no column \"%.*s\"; there are: %s",
                           (int)(length < 40 ? length : 40), name, there);
}

static bool forecast_number(const char *text, double *ret)
{
    char *end;

    *ret = strtod(text, &end);
    while (*end == ' ')
        end++;
    return end != text && *end == '\0' && isfinite(*ret);
}

static enum status forecast_unit(struct forecast_reader *r)
{
    static const struct {
        const char *ending;
        double scale;
    } units[] = { { "_us", 1e-6 }, { "_ms", 1e-3 }, { "_s", 1.0 } };
    size_t length = strlen(r->source->time);

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        size_t ending = strlen(units[i].ending);

        if (length > ending && strcmp(r->source->time + length - ending, units[i].ending) == 0) {
            r->time_scale = units[i].scale;
            return ST_OK;
        }
    }
    return forecast_refuse(r, ST_RANGE, "the time column \"%.40s\" must end in _us, _ms or _s",
                           r->source->time);
}

static enum status forecast_header(struct forecast_reader *r, char *line)
{
    char *fields[FORECAST_FIELDS_MAX];
    int count = csv_split(line, fields, FORECAST_FIELDS_MAX);
    const char *at = r->source->column;

    r->time_at = forecast_find(fields, count, r->source->time, strlen(r->source->time));
    if (r->time_at < 0)
        return forecast_no_column(r, fields, count, r->source->time, strlen(r->source->time));
    r->group_at = -1;
    if (r->source->group) {
        r->group_at = forecast_find(fields, count, r->source->group, strlen(r->source->group));
        if (r->group_at < 0)
            return forecast_no_column(r, fields, count, r->source->group, strlen(r->source->group));
    }
    for (;;) {
        size_t length = strcspn(at, "+");

        if (r->column_count == FORECAST_SERIES_COLUMNS)
            return forecast_refuse(r, ST_RANGE, "more than %d columns to add up", FORECAST_SERIES_COLUMNS);
        r->column_at[r->column_count] = forecast_find(fields, count, at, length);
        if (r->column_at[r->column_count] < 0)
            return forecast_no_column(r, fields, count, at, length);
        r->column_count++;
        if (at[length] == '\0')
            return ST_OK;
        at += length + 1;
    }
}

static int32_t forecast_group(struct forecast_reader *r, const char *name)
{
    for (int32_t g = 0; g < r->groups; g++)
        if (strncmp(r->group[g], name, sizeof r->group[g] - 1) == 0)
            return g;
    if (r->groups == FORECAST_GROUPS_MAX)
        return -1;
    (void)snprintf(r->group[r->groups], sizeof r->group[0], "%.31s", name);
    return r->groups++;
}

static enum status forecast_add(struct forecast_reader *r, const struct forecast_row *row)
{
    if (r->count == FORECAST_ROWS_MAX)
        return forecast_refuse(r, ST_RANGE, "more than %d rows", FORECAST_ROWS_MAX);
    if (r->count == r->room) {
        size_t room = r->room ? 2 * r->room : 4096;
        struct forecast_row *more = realloc(r->row, room * sizeof *more);

        if (!more)
            return forecast_refuse(r, ST_NOMEM, "out of memory");
        r->row = more;
        r->room = room;
    }
    r->row[r->count++] = *row;
    return ST_OK;
}

static enum status forecast_line(struct forecast_reader *r, char *line)
{
    char *fields[FORECAST_FIELDS_MAX];
    int count = csv_split(line, fields, FORECAST_FIELDS_MAX);
    struct forecast_row row = { .w = 0.0 };

    if (count == 1 && fields[0][0] == '\0')
        return ST_OK;
    if (r->time_at >= count || r->group_at >= count)
        return forecast_refuse(r, ST_CORRUPT, "only %d columns", count);
    if (!forecast_number(fields[r->time_at], &row.at_s))
        return forecast_refuse(r, ST_CORRUPT, "\"%.40s\" is not a time", fields[r->time_at]);
    row.at_s *= r->time_scale;
    for (int i = 0; i < r->column_count; i++) {
        double w;

        if (r->column_at[i] >= count)
            return forecast_refuse(r, ST_CORRUPT, "only %d columns", count);
        if (fields[r->column_at[i]][0] == '\0')
            return ST_OK; /* no reading */
        if (!forecast_number(fields[r->column_at[i]], &w))
            return forecast_refuse(r, ST_CORRUPT, "\"%.40s\" is not a number", fields[r->column_at[i]]);
        if (fabs(w) > FORECAST_WATTS_MAX)
            return forecast_refuse(r, ST_CORRUPT, "%g W is not a plausible power", w);
        row.w += w;
    }
    row.group = r->group_at < 0 ? forecast_group(r, "all") : forecast_group(r, fields[r->group_at]);
    if (row.group < 0)
        return forecast_refuse(r, ST_RANGE, "more than %d groups", FORECAST_GROUPS_MAX);
    return forecast_add(r, &row);
}

static enum status forecast_read(struct forecast_reader *r)
{
    gzFile file = gzopen(r->source->path, "rb");
    char line[FORECAST_LINE_MAX];
    enum status st = ST_OK;
    int code;

    if (!file) {
        (void)snprintf(r->error, FORECAST_ERROR_MAX, "%.200s: %s", r->source->path, strerror(errno));
        return ST_SYS;
    }
    while (st == ST_OK && gzgets(file, line, sizeof line)) {
        r->line++;
        if (strlen(line) == sizeof line - 1)
            st = forecast_refuse(r, ST_CORRUPT, "the line is too long");
        else
            st = r->column_count ? forecast_line(r, line) : forecast_header(r, line);
    }
    (void)gzerror(file, &code);
    if ((st == ST_OK || st == ST_CORRUPT) && code != Z_OK && code != Z_STREAM_END)
        st = forecast_refuse(r, ST_CORRUPT, "the file is cut short or damaged");
    (void)gzclose(file);
    if (st == ST_OK && r->count < 8)
        st = forecast_refuse(r, ST_RANGE, "only %zu readings; 8 are needed", r->count);
    return st;
}

/* ---- the grid ---- */

static int forecast_row_order(const void *a, const void *b)
{
    const struct forecast_row *x = a, *y = b;

    return x->at_s < y->at_s ? -1 : x->at_s > y->at_s ? 1 : x->group - y->group;
}

static int forecast_double_order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double forecast_median_step(const struct forecast_reader *r)
{
    double *step = malloc(r->count * sizeof *step), last = NAN, median = 0.0;
    size_t count = 0;

    if (!step)
        return 0.0;
    for (size_t i = 0; i < r->count; i++) {
        if (r->row[i].group != 0)
            continue;
        if (r->row[i].at_s > last)
            step[count++] = r->row[i].at_s - last;
        last = r->row[i].at_s;
    }
    if (count > 0) {
        qsort(step, count, sizeof *step, forecast_double_order);
        median = step[count / 2];
    }
    free(step);
    return median;
}

/* In whole microseconds, as the forecaster counts: large times leave no more of a step. */
static double forecast_own_step_s(const struct forecast_reader *r)
{
    double median = forecast_median_step(r);

    return median > 0.0 ? fmax(round(median * 1e6) * 1e-6, FORECAST_SERIES_STEP_MIN_S) : 0.0;
}

/* One group's samples from its first reading on; NAN before. False: it says nothing before the last
 * whole sample is over. */
static bool forecast_grid(const struct forecast_reader *r, const struct forecast_set *set, int32_t group,
                          int32_t slots, double *w)
{
    int32_t slot = -1, in_slot = 0;
    double sum = 0.0, last = NAN;

    for (int32_t i = 0; i < slots; i++)
        w[i] = NAN;
    for (size_t i = 0; i < r->count; i++) {
        int32_t at =
            (int32_t)floor((r->row[i].at_s - set->start_s + FORECAST_TIME_TOL_S) / set->step_s + 1e-9);

        if (r->row[i].group != group || at >= slots)
            continue;
        if (at != slot) {
            for (int32_t s = slot < 0 ? at : slot + 1; s < at; s++)
                w[s] = last;
            sum = 0.0;
            in_slot = 0;
            slot = at;
        }
        sum += r->row[i].w;
        last = sum / ++in_slot;
        w[slot] = last;
    }
    for (int32_t s = slot + 1; s < slots && slot >= 0; s++)
        w[s] = last;
    return slot >= 0;
}

/* Which of the sensor's values has arrived by the end of slot i; negative: none. */
static int64_t forecast_due(const struct forecast_reader *r, const struct forecast_set *set, int32_t i)
{
    return (int64_t)floor(((i + 1) * set->step_s - r->source->sensor_age_s) / r->source->sensor_period_s +
                          1e-9);
}

/* What a sensor of that window and period gives of one group's readings. */
static void forecast_sense(const struct forecast_reader *r, const struct forecast_set *set, int32_t group,
                           int32_t slots, double *seen)
{
    double window_s = r->source->sensor_window_s, period_s = r->source->sensor_period_s, given = NAN,
           last = NAN;
    double sum = 0.0;
    size_t head = 0, tail = 0;
    int64_t in_window = 0, published = -1;

    for (int32_t i = 0; i < slots; i++) {
        int64_t due = forecast_due(r, set, i);
        double at_s = set->start_s + (double)due * period_s + FORECAST_TIME_TOL_S;

        if (due != published) {
            for (; head < r->count && r->row[head].at_s <= at_s; head++)
                if (r->row[head].group == group) {
                    sum += r->row[head].w;
                    last = r->row[head].w;
                    in_window++;
                }
            for (; tail < head && r->row[tail].at_s <= at_s - window_s; tail++)
                if (r->row[tail].group == group) {
                    sum -= r->row[tail].w;
                    in_window--;
                }
            given = in_window > 0 ? sum / (double)in_window : last;
            published = due;
        }
        seen[i] = given;
    }
}

static void forecast_sum(double *total, const double *w, int32_t slots)
{
    for (int32_t i = 0; i < slots; i++)
        total[i] += w[i];
}

/* Before every group has told something the first sum stands. */
static void forecast_trim(double *w, int32_t count)
{
    int32_t first = 0;

    while (first < count && !isfinite(w[first]))
        first++;
    for (int32_t i = 0; i < first && first < count; i++)
        w[i] = w[first];
}

static enum status forecast_room(struct forecast_reader *r, struct forecast_series *s, int32_t slots)
{
    bool sensor = r->source->sensor_period_s > 0.0;

    s->count = slots;
    s->w = calloc((size_t)slots, sizeof s->w[0]);
    s->seen = sensor ? calloc((size_t)slots, sizeof s->seen[0]) : s->w;
    s->fresh = calloc((size_t)slots, sizeof s->fresh[0]);
    return s->w && s->seen && s->fresh ? ST_OK : ST_NOMEM;
}

static void forecast_fresh(const struct forecast_reader *r, const struct forecast_set *set,
                           struct forecast_series *s)
{
    double period_s = r->source->sensor_period_s;

    for (int32_t i = 0; i < s->count; i++)
        s->fresh[i] = period_s <= 0.0 ||
                      (forecast_due(r, set, i) >= 0 && forecast_due(r, set, i) > forecast_due(r, set, i - 1));
}

static enum status forecast_place(struct forecast_reader *r, struct forecast_set *set)
{
    double span_s = r->row[r->count - 1].at_s - r->row[0].at_s;
    bool each = r->source->group && r->source->each;
    int32_t slots;
    double *w;

    set->start_s = r->row[0].at_s;
    set->step_s = r->source->resample_s > 0.0 ? r->source->resample_s : forecast_own_step_s(r);
    if (!(set->step_s > 0.0) || span_s / set->step_s > FORECAST_SLOTS_MAX)
        return forecast_refuse(r, ST_RANGE, "%g s in steps of %g s make too many samples", span_s,
                               set->step_s);
    slots = (int32_t)floor((span_s + FORECAST_TIME_TOL_S) / set->step_s + 1e-9);
    if (each && slots > FORECAST_SLOTS_MAX / r->groups)
        return forecast_refuse(r, ST_RANGE, "%d series of %d samples are too many", r->groups, slots);
    if (slots < 8)
        return forecast_refuse(r, ST_RANGE, "%g s in steps of %g s make %d samples; 8 are needed", span_s,
                               set->step_s, slots);
    set->series = calloc((size_t)(each ? r->groups : 1), sizeof set->series[0]);
    w = malloc((size_t)slots * sizeof *w);
    if (!set->series || !w)
        goto nomem;
    for (int32_t g = 0; g < r->groups; g++) {
        struct forecast_series *s = &set->series[each ? set->count : 0];

        if (!forecast_grid(r, set, g, slots, w))
            continue;
        if (!s->w) {
            set->count++;
            (void)snprintf(s->name, sizeof s->name, "%.31s",
                           each            ? r->group[g]
                           : r->groups > 1 ? "sum"
                                           : "all");
            if (forecast_room(r, s, slots) != ST_OK)
                goto nomem;
            forecast_fresh(r, set, s);
        }
        forecast_sum(s->w, w, slots);
        if (s->seen == s->w)
            continue;
        forecast_sense(r, set, g, slots, w);
        forecast_sum(s->seen, w, slots);
    }
    for (int32_t i = 0; i < set->count; i++) {
        forecast_trim(set->series[i].w, slots);
        forecast_trim(set->series[i].seen, slots);
    }
    free(w);
    return ST_OK;
nomem:
    free(w);
    return forecast_refuse(r, ST_NOMEM, "out of memory");
}

enum status forecast_series_load(const struct forecast_source *source, struct forecast_set *ret,
                                 char error[FORECAST_ERROR_MAX])
{
    struct forecast_reader *r = calloc(1, sizeof *r);
    enum status st;

    *ret = (struct forecast_set){ .count = 0 };
    (void)snprintf(error, FORECAST_ERROR_MAX, "%.200s: out of memory", source->path);
    if (!r)
        return ST_NOMEM;
    r->source = source;
    r->error = error;
    st = forecast_unit(r);
    if (st == ST_OK)
        st = forecast_read(r);
    if (st == ST_OK) {
        qsort(r->row, r->count, sizeof r->row[0], forecast_row_order);
        st = forecast_place(r, ret);
    }
    if (st != ST_OK)
        forecast_series_done(ret);
    free(r->row);
    free(r);
    return st;
}

void forecast_series_done(struct forecast_set *set)
{
    for (int32_t i = 0; i < set->count; i++) {
        struct forecast_series *s = &set->series[i];

        if (s->seen != s->w)
            free(s->seen);
        free(s->w);
        free(s->fresh);
    }
    free(set->series);
    *set = (struct forecast_set){ .count = 0 };
}
