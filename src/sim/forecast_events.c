/* SPDX-License-Identifier: Apache-2.0 */
/* forecast_events.c: reads a job's log. Main thread; reads one file and nothing else. */
#include "forecast_events.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define FORECAST_EVENTS_LINE 512

static const struct {
    const char *name;
    enum fc_mark mark;
} forecast_events_known[] = {
    { .name = "step", .mark = FC_MARK_STEP },
    { .name = "part", .mark = FC_MARK_PART },
    { .name = "stop", .mark = FC_MARK_STOP },
    { .name = "go", .mark = FC_MARK_GO },
    { .name = "start", .mark = FC_MARK_START },
    { .name = "end", .mark = FC_MARK_END },
    { .name = "queue", .mark = FC_MARK_QUEUE },
    { .name = "running", .mark = FC_MARK_RUNNING },
    /* as MLPerf training logs have them */
    { .name = "train_step_timing_s", .mark = FC_MARK_STEP },
    { .name = "throughput", .mark = FC_MARK_STEP },
    { .name = "validation_step_timing_s", .mark = FC_MARK_PART },
    { .name = "eval_start", .mark = FC_MARK_STOP },
    { .name = "block_stop", .mark = FC_MARK_STOP },
    { .name = "eval_stop", .mark = FC_MARK_GO },
    { .name = "block_start", .mark = FC_MARK_GO },
    { .name = "run_start", .mark = FC_MARK_START },
    { .name = "run_stop", .mark = FC_MARK_END },
};
#define FORECAST_EVENTS_KNOWN ((int)(sizeof forecast_events_known / sizeof forecast_events_known[0]))

const char *forecast_events_names(void)
{
    return "step, part, stop, go, start, end, queue, running";
}

static bool forecast_events_counts(enum fc_mark mark)
{
    return mark == FC_MARK_QUEUE || mark == FC_MARK_RUNNING;
}

/* True: a known event. */
static bool forecast_events_parse(char *line, struct forecast_event *ret, const char **ret_wrong)
{
    char *name, *value, *end;

    line[strcspn(line, "\r\n")] = '\0';
    *ret_wrong = NULL;
    if (line[0] == '\0')
        return false;
    name = strchr(line, ',');
    if (name)
        *name++ = '\0';
    ret->at_s = strtod(line, &end);
    if (!name || end == line || *end != '\0' || !isfinite(ret->at_s)) {
        *ret_wrong = line;
        return false;
    }
    value = strchr(name, ',');
    if (value)
        *value++ = '\0';
    for (int k = 0; k < FORECAST_EVENTS_KNOWN; k++)
        if (strcmp(name, forecast_events_known[k].name) == 0) {
            ret->mark = forecast_events_known[k].mark;
            ret->value = value ? strtod(value, &end) : 0.0;
            if (!forecast_events_counts(ret->mark))
                return true; /* what else a log says there is its own */
            if (value && end != value && *end == '\0' && isfinite(ret->value) && ret->value >= 0.0)
                return true;
            *ret_wrong = name;
            return false;
        }
    return false;
}

static int forecast_events_order(const void *a, const void *b)
{
    double x = ((const struct forecast_event *)a)->at_s, y = ((const struct forecast_event *)b)->at_s;

    return x < y ? -1 : x > y;
}

static enum status forecast_events_add(struct forecast_events *events, int32_t *room,
                                       const struct forecast_event *e)
{
    if (events->count == *room) {
        int32_t more = *room ? 2 * *room : 256;
        struct forecast_event *grown = realloc(events->event, (size_t)more * sizeof *grown);

        if (!grown)
            return ST_NOMEM;
        events->event = grown;
        *room = more;
    }
    events->event[events->count++] = *e;
    return ST_OK;
}

static bool forecast_events_whole(gzFile file)
{
    int code;

    (void)gzerror(file, &code);
    return code == Z_OK || code == Z_STREAM_END;
}

static enum status forecast_events_read(const char *path, gzFile file, struct forecast_events *events,
                                        char error[FORECAST_ERROR_MAX])
{
    char line[FORECAST_EVENTS_LINE];
    int32_t room = 0;
    int64_t number = 0;

    while (gzgets(file, line, sizeof line)) {
        struct forecast_event e;
        const char *wrong;

        if (number++ == 0) {
            if (strncmp(line, "t_s,event", 9) == 0)
                continue;
            (void)snprintf(error, FORECAST_ERROR_MAX, "%.200s:1: the columns must be t_s,event[,value]",
                           path);
            return ST_CORRUPT;
        }
        if (forecast_events_parse(line, &e, &wrong) && forecast_events_add(events, &room, &e) != ST_OK)
            return ST_NOMEM;
        if (wrong && !forecast_events_whole(file))
            break;
        if (wrong) {
            (void)snprintf(error, FORECAST_ERROR_MAX, "%.200s:%lld: \"%.40s\" %s", path, (long long)number,
                           wrong,
                           wrong == line ? "is not a time with an event"
                                         : "needs the number of requests as its value, 0 or more");
            return ST_CORRUPT;
        }
    }
    if (!forecast_events_whole(file)) {
        (void)snprintf(error, FORECAST_ERROR_MAX, "%.200s:%lld: the file is cut short or damaged", path,
                       (long long)number);
        return ST_CORRUPT;
    }
    if (events->count > 0)
        return ST_OK;
    (void)snprintf(error, FORECAST_ERROR_MAX, "%.200s: no event has a known name; known: %s", path,
                   forecast_events_names());
    return ST_RANGE;
}

enum status forecast_events_load(const char *path, struct forecast_events *ret,
                                 char error[FORECAST_ERROR_MAX])
{
    gzFile file = gzopen(path, "rb");
    enum status st;

    *ret = (struct forecast_events){ .count = 0 };
    if (!file) {
        (void)snprintf(error, FORECAST_ERROR_MAX, "%.200s: %s", path, strerror(errno));
        return ST_SYS;
    }
    (void)snprintf(error, FORECAST_ERROR_MAX, "%.200s: out of memory", path);
    st = forecast_events_read(path, file, ret, error);
    (void)gzclose(file);
    if (st == ST_OK)
        qsort(ret->event, (size_t)ret->count, sizeof ret->event[0], forecast_events_order);
    else
        forecast_events_done(ret);
    return st;
}

void forecast_events_done(struct forecast_events *events)
{
    free(events->event);
    *events = (struct forecast_events){ .count = 0 };
}
