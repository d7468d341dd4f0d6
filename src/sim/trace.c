/* SPDX-License-Identifier: Apache-2.0 */
/* trace.c: loads a trace file and answers what work is offered when.
 *
 * Main thread; reads one file and nothing else. Never changes a trace that was
 * loaded. The made-up ones are in trace_generate.c.
 */
#include "trace.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "csv.h"
#include "trace_series.h"

#define TRACE_LINE_MAX    2048
#define TRACE_COLUMNS_MAX 32
#define TRACE_ROWS_MAX    10000000
#define TRACE_NODE_GPUS   8
#define TRACE_GRID_S      0.1
#define TRACE_GRID_MAX    2000000

/* A trace that begins in the middle of a job never shows an idle node: no more
 * than this part of the highest sample counts as idle. */
#define TRACE_IDLE_RATIO_MAX 0.46

struct trace_form {
    const char *time, *node, *power, *power_add, *power_better;
    double time_scale;
    bool training;
    int32_t gpus_per_node;
};

static const struct trace_form trace_forms[] = {
    { .time = "t_s",
      .node = "node",
      .power = "ac_w",
      .time_scale = 1.0,
      .training = true,
      .gpus_per_node = TRACE_NODE_GPUS },
    { .time = "t_s", .power = "w", .time_scale = 1.0, .gpus_per_node = TRACE_NODE_GPUS },
    { .time = "t_ms",
      .power = "w_cables",
      .power_add = "w_slot",
      .time_scale = 1e-3,
      .training = true,
      .gpus_per_node = 1 },
    { .time = "t_ms",
      .power = "power.draw",
      .power_better = "power.draw.instant",
      .time_scale = 1e-3,
      .training = true,
      .gpus_per_node = 1 },
};

struct trace_reader {
    const char *path;
    int64_t line;
    int64_t rows;
    const struct trace_form *form;
    int time_at, node_at, power_at, add_at;
    int32_t ids[TRACE_NODES_MAX]; /* of the nodes, in order of appearance */
    struct trace *trace;
    char *error;
};

__attribute__((format(printf, 3, 4))) static enum status trace_refuse(struct trace_reader *r, enum status st,
                                                                      const char *format, ...)
{
    char what[256];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    (void)snprintf(r->error, TRACE_ERROR_MAX, "%.200s:%lld: %s", r->path, (long long)r->line, what);
    return st;
}

static int trace_column(char *fields[], int count, const char *name)
{
    for (int i = 0; name && i < count; i++)
        if (strcmp(fields[i], name) == 0)
            return i;
    return -1;
}

static enum status trace_read_header(struct trace_reader *r, char *line)
{
    char *fields[TRACE_COLUMNS_MAX];
    int count = csv_split(line, fields, TRACE_COLUMNS_MAX);

    for (size_t i = 0; i < sizeof trace_forms / sizeof trace_forms[0]; i++) {
        const struct trace_form *f = &trace_forms[i];
        int better = trace_column(fields, count, f->power_better);

        r->time_at = trace_column(fields, count, f->time);
        r->node_at = trace_column(fields, count, f->node);
        r->power_at = better >= 0 ? better : trace_column(fields, count, f->power);
        r->add_at = trace_column(fields, count, f->power_add);
        if (r->time_at != 0 || r->power_at < 0 || (f->node && r->node_at < 0) ||
            (f->power_add && r->add_at < 0))
            continue;
        r->form = f;
        r->trace->training = f->training;
        r->trace->gpus_per_node = f->gpus_per_node;
        return ST_OK;
    }
    return trace_refuse(r, ST_CORRUPT,
                        "columns \"%.60s,...\" are none of the known forms: t_s,node,ac_w; t_s,w; "
                        "t_ms,w_cables,w_slot; t_ms,...,power.draw",
                        fields[0]);
}

static bool trace_number(const char *text, double *ret)
{
    char *end;

    while (*text == ' ')
        text++;
    *ret = strtod(text, &end);
    return end != text && (*end == '\0' || *end == ' ') && isfinite(*ret);
}

static struct trace_series *trace_node(struct trace_reader *r, int32_t id)
{
    struct trace *trace = r->trace;

    for (int32_t i = 0; i < trace->node_count; i++)
        if (r->ids[i] == id)
            return &trace->nodes[i];
    if (trace->node_count == TRACE_NODES_MAX)
        return NULL;
    r->ids[trace->node_count] = id;
    return &trace->nodes[trace->node_count++];
}

static enum status trace_read_row(struct trace_reader *r, char *line)
{
    char *fields[TRACE_COLUMNS_MAX];
    int count = csv_split(line, fields, TRACE_COLUMNS_MAX);
    double t_s, node = 0.0, w, add_w = 0.0;
    struct trace_series *series;

    if (count == 1 && fields[0][0] == '\0')
        return ST_OK;
    if (count <= r->power_at || count <= r->node_at || count <= r->add_at)
        return trace_refuse(r, ST_CORRUPT, "only %d columns", count);
    if (!trace_number(fields[r->time_at], &t_s))
        return trace_refuse(r, ST_CORRUPT, "\"%.40s\" is not a time", fields[r->time_at]);
    if (r->node_at >= 0 && (!trace_number(fields[r->node_at], &node) || node < 0.0 || node > 1e6))
        return trace_refuse(r, ST_CORRUPT, "\"%.40s\" is not a node", fields[r->node_at]);
    if (fields[r->power_at][0] == '\0')
        return ST_OK; /* no reading: the line between its neighbours stands for it */
    if (!trace_number(fields[r->power_at], &w) ||
        (r->add_at >= 0 && !trace_number(fields[r->add_at], &add_w)))
        return trace_refuse(r, ST_CORRUPT, "\"%.40s\" is not a power", fields[r->power_at]);
    if (w + add_w < 0.0 || w + add_w > 1e7)
        return trace_refuse(r, ST_CORRUPT, "%g W is not a plausible power", w + add_w);
    if (++r->rows > TRACE_ROWS_MAX)
        return trace_refuse(r, ST_RANGE, "more than %d rows", TRACE_ROWS_MAX);
    series = trace_node(r, (int32_t)node);
    if (!series)
        return trace_refuse(r, ST_RANGE, "more than %d nodes", TRACE_NODES_MAX);
    t_s *= r->form->time_scale;
    if (series->count > 0 && t_s < series->t_s[series->count - 1])
        return trace_refuse(r, ST_CORRUPT, "time runs backwards");
    return trace_series_add(series, t_s, w + add_w);
}

static enum status trace_read(struct trace_reader *r, gzFile file)
{
    char line[TRACE_LINE_MAX];
    enum status st = ST_OK;
    int code;

    while (st == ST_OK && gzgets(file, line, sizeof line)) {
        r->line++;
        if (strlen(line) == sizeof line - 1)
            return trace_refuse(r, ST_CORRUPT, "the line is too long");
        st = r->form ? trace_read_row(r, line) : trace_read_header(r, line);
    }
    if (st != ST_OK)
        return st;
    (void)gzerror(file, &code);
    if (code != Z_OK && code != Z_STREAM_END)
        return trace_refuse(r, ST_CORRUPT, "the file is cut short or damaged");
    if (r->rows < 2)
        return trace_refuse(r, ST_CORRUPT, "fewer than two readings");
    return ST_OK;
}

static void trace_finish(struct trace *trace)
{
    double first_s = INFINITY, last_s = -INFINITY, low_w = INFINITY, high_w = 0.0;

    for (int32_t n = 0; n < trace->node_count; n++) {
        const struct trace_series *s = &trace->nodes[n];

        first_s = fmin(first_s, s->t_s[0]);
        last_s = fmax(last_s, s->t_s[s->count - 1]);
        for (int32_t i = 0; i < s->count; i++) {
            low_w = fmin(low_w, s->w[i]);
            high_w = fmax(high_w, s->w[i]);
        }
    }
    for (int32_t n = 0; n < trace->node_count; n++)
        for (int32_t i = 0; i < trace->nodes[n].count; i++)
            trace->nodes[n].t_s[i] -= first_s;
    trace->duration_s = fmax(last_s - first_s, 1e-3);
    trace->idle_w = fmin(low_w, TRACE_IDLE_RATIO_MAX * high_w);
    trace->max_w = fmax(high_w, trace->idle_w + 1.0);
}

static void trace_set_name(struct trace *trace, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *dot;

    (void)snprintf(trace->name, sizeof trace->name, "%s", slash ? slash + 1 : path);
    dot = strstr(trace->name, ".csv");
    if (dot)
        *dot = '\0';
}

enum status trace_load(const char *path, struct trace **ret, char error[TRACE_ERROR_MAX])
{
    struct trace_reader *r = calloc(1, sizeof *r);
    gzFile file = NULL;
    enum status st = ST_NOMEM;

    (void)snprintf(error, TRACE_ERROR_MAX, "%.200s: out of memory", path);
    if (!r)
        return st;
    r->path = path;
    r->error = error;
    r->trace = calloc(1, sizeof *r->trace);
    if (r->trace)
        r->trace->nodes = calloc(TRACE_NODES_MAX, sizeof r->trace->nodes[0]);
    if (!r->trace || !r->trace->nodes)
        goto done;
    file = gzopen(path, "rb");
    if (!file) {
        (void)snprintf(error, TRACE_ERROR_MAX, "%.200s: %s", path, strerror(errno));
        st = ST_SYS;
        goto done;
    }
    st = trace_read(r, file);
    if (st != ST_OK)
        goto done;
    trace_finish(r->trace);
    trace_set_name(r->trace, path);
    *ret = r->trace;
    r->trace = NULL;
done:
    if (file)
        (void)gzclose(file);
    trace_free(r->trace);
    free(r);
    return st;
}

struct trace *trace_free(struct trace *trace)
{
    if (trace && trace->nodes)
        for (int32_t i = 0; i < trace->node_count; i++)
            trace_series_done(&trace->nodes[i]);
    if (trace) {
        free(trace->nodes);
        free(trace->marks);
    }
    free(trace);
    return NULL;
}

/* ---- questions ---- */

static double trace_power_w(const struct trace_series *s, double t_s, int32_t *cursor)
{
    int32_t c = *cursor;
    double span_s;

    if (c >= s->count || s->t_s[c] > t_s)
        c = 0;
    if (c + 64 < s->count && s->t_s[c + 64] <= t_s) { /* a jump: halve the way */
        int32_t low = c, high = s->count;

        while (high - low > 1) {
            int32_t middle = low + (high - low) / 2;

            *(s->t_s[middle] <= t_s ? &low : &high) = middle;
        }
        c = low;
    }
    while (c + 1 < s->count && s->t_s[c + 1] <= t_s)
        c++;
    *cursor = c;
    if (c + 1 >= s->count || t_s <= s->t_s[c])
        return s->w[c];
    span_s = s->t_s[c + 1] - s->t_s[c];
    return s->w[c] + (s->w[c + 1] - s->w[c]) * (t_s - s->t_s[c]) / span_s;
}

double trace_work(const struct trace *trace, int32_t node, double t_s, int32_t *cursor)
{
    double work;

    if (t_s < 0.0)
        t_s = 0.0;
    if (t_s > trace->duration_s)
        t_s = fmod(t_s, trace->duration_s);
    work = (trace_power_w(&trace->nodes[node], t_s, cursor) - trace->idle_w) / (trace->max_w - trace->idle_w);
    return work > 0.0 ? work : 0.0;
}

double trace_hardest_s(const struct trace *trace, int32_t node_count, double window_s)
{
    double step_s = fmax(TRACE_GRID_S, trace->duration_s / TRACE_GRID_MAX);
    int32_t count = (int32_t)(trace->duration_s / step_s) + 1;
    int32_t window = (int32_t)(window_s / step_s);
    int32_t best = 0;
    double sum = 0.0, best_sum = -1.0;
    double *work;

    if (window >= count || window < 1)
        return 0.0;
    work = calloc((size_t)count, sizeof work[0]);
    if (!work)
        return 0.0;
    for (int32_t n = 0; n < trace->node_count && n < node_count; n++) {
        int32_t cursor = 0;

        for (int32_t i = 0; i < count; i++)
            work[i] += trace_work(trace, n, i * step_s, &cursor);
    }
    for (int32_t i = 0; i < count; i++) {
        sum += work[i] - (i >= window ? work[i - window] : 0.0);
        if (i >= window - 1 && sum > best_sum) {
            best_sum = sum;
            best = i - window + 1;
        }
    }
    free(work);
    return best * step_s;
}
