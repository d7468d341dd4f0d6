/* SPDX-License-Identifier: Apache-2.0 */
/* trace_series.c: growing lists of samples and marks. Any thread, one struct each. */
#include "trace_series.h"

#include <stdlib.h>

enum status trace_series_add(struct trace_series *series, double t_s, double w)
{
    if (series->count == series->room) {
        int32_t room = series->room > 0 ? series->room * 2 : 256;
        double *times = realloc(series->t_s, (size_t)room * sizeof times[0]);
        double *watts;

        if (!times)
            return ST_NOMEM;
        series->t_s = times;
        watts = realloc(series->w, (size_t)room * sizeof watts[0]);
        if (!watts)
            return ST_NOMEM;
        series->w = watts;
        series->room = room;
    }
    series->t_s[series->count] = t_s;
    series->w[series->count++] = w;
    return ST_OK;
}

void trace_series_done(struct trace_series *series)
{
    free(series->t_s);
    free(series->w);
    series->t_s = series->w = NULL;
    series->count = series->room = 0;
}

enum status trace_mark_add(struct trace *trace, double t_s, enum core_mark mark)
{
    if (trace->mark_count == trace->mark_room) {
        int32_t room = 2 * trace->mark_room + 64;
        struct trace_mark *more = realloc(trace->marks, (size_t)room * sizeof *more);

        if (!more)
            return ST_NOMEM;
        trace->marks = more;
        trace->mark_room = room;
    }
    trace->marks[trace->mark_count++] = (struct trace_mark){ .t_s = t_s, .mark = mark };
    return ST_OK;
}

static enum status trace_series_copy(const struct trace_series *from, struct trace_series *to)
{
    enum status st = ST_OK;

    for (int32_t i = 0; i < from->count && st == ST_OK; i++)
        st = trace_series_add(to, from->t_s[i], from->w[i]);
    return st;
}

enum status trace_spread(struct trace *trace, int32_t node_count, int32_t gpus_per_node)
{
    int32_t had = trace->node_count, room = node_count > had ? node_count : had;
    struct trace_series *nodes = realloc(trace->nodes, (size_t)room * sizeof *nodes);
    enum status st = ST_OK;

    if (!nodes)
        return ST_NOMEM;
    trace->nodes = nodes;
    for (int32_t n = node_count; n < had; n++)
        trace_series_done(&nodes[n]);
    for (int32_t n = had; n < node_count && st == ST_OK; n++) {
        nodes[n] = (struct trace_series){ .count = 0 };
        trace->node_count = n + 1;
        st = trace_series_copy(&nodes[n % had], &nodes[n]);
    }
    trace->node_count = st == ST_OK ? node_count : trace->node_count;
    trace->gpus_per_node = gpus_per_node;
    return st;
}
