/* SPDX-License-Identifier: Apache-2.0 */
/* fill.c: progressive filling: the weighted max-min fair point under limits that
 * may overlap in any way.
 *
 * One level rises; each var is at weight * level, once that is above its lower
 * end and until its upper end. When a row is full, every var in it stops. Between
 * those events every row's slack is linear in the level, so the sweep jumps from
 * event to event and is exact. Rows that cannot fill even with every var at its
 * upper end take no part: usually most of them, so each var lists the others.
 */
#include "fill.h"

#include "zone.h"

#include <string.h>

#define FILL_RUN 8 /* runs of the merge sort start at this length                */

static bool fill_before(const struct fill_event *a, const struct fill_event *b)
{
    if (a->level < b->level || a->level > b->level)
        return a->level < b->level;
    if (a->starts != b->starts)
        return a->starts < b->starts;
    return a->var < b->var;
}

static void fill_sort_runs(struct fill_event *list, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        struct fill_event event = list[i];
        int32_t k = i;

        for (; k > i - i % FILL_RUN && fill_before(&event, &list[k - 1]); k--)
            list[k] = list[k - 1];
        list[k] = event;
    }
}

static void fill_merge(const struct fill_event *from, struct fill_event *to, int32_t middle, int32_t end)
{
    int32_t i = 0, k = middle;

    if (middle == end || !fill_before(&from[middle], &from[middle - 1])) { /* in order already: often */
        memcpy(to, from, (size_t)end * sizeof *to);
        return;
    }
    for (int32_t at = 0; at < end; at++)
        to[at] = i < middle && (k >= end || !fill_before(&from[k], &from[i])) ? from[i++] : from[k++];
}

static struct fill_event *fill_sort(struct block *b, int32_t count)
{
    struct fill_event *from = b->events, *to = b->events_spare;

    fill_sort_runs(from, count);
    for (int32_t width = FILL_RUN; width < count; width *= 2) {
        for (int32_t at = 0; at < count; at += 2 * width) {
            int32_t end = count - at < 2 * width ? count - at : 2 * width;

            fill_merge(from + at, to + at, width < end ? width : end, end);
        }

        struct fill_event *swap = from;

        from = to;
        to = swap;
    }
    return from;
}

/* Which rows could fill at all; puts them into a list. */
static int32_t fill_rows(struct block *b)
{
    int32_t count = 0;

    for (int32_t z = 0; z < b->core->zone_count; z++) {
        struct fill_row *row = &b->rows[z];
        const struct entry *entry = &b->entries[b->zones[z].entry_first];
        double need_w = 0.0;

        row->active = 0;
        if (!block_is_number(row->slack_w))
            continue;
        for (int32_t e = 0; e < b->zones[z].entry_count; e++)
            if (fill_moves(b, entry[e].source)) {
                const struct fill_var *var = &b->vars[entry[e].source];

                need_w += fill_coef(b, &entry[e]) * (var->hi - var->lo);
            }
        if (need_w <= row->slack_w)
            continue;
        row->active = 1;
        row->slope_w = row->level = 0.0;
        row->moving = 0;
        row->full = row->slack_w <= 0.0;
        if (!row->full)
            b->rows[count++].listed = z;
    }
    return count;
}

/* One that an earlier stage stopped, and that got nowhere since, was stopped by
 * what stopped it then. */
static void fill_stop(struct fill_var *var, double x, int32_t z)
{
    if (var->row < 0 || x > var->x)
        var->row = z;
    var->x = x;
}

/* Lists the rows on a var's paths that take part, from *at on. */
static void fill_path(struct block *b, int32_t l, int32_t *at)
{
    struct fill_var *var = &b->vars[l];
    const struct entry *entry;

    var->path_first = *at;
    for (int32_t k = 0; (entry = zone_path(b, l, k)); k++)
        if (b->rows[entry->zone].active) {
            b->fill_paths[*at].zone = entry->zone;
            b->fill_paths[(*at)++].slope_w = fill_coef(b, entry) * var->weight;
        }
    var->path_count = *at - var->path_first;
}

/* The first row on its paths that is full; CORE_NONE. */
static int32_t fill_bound(const struct block *b, int32_t l)
{
    const struct fill_path *path = &b->fill_paths[b->vars[l].path_first];

    for (int32_t k = 0; k < b->vars[l].path_count; k++)
        if (b->rows[path[k].zone].full)
            return path[k].zone;
    return CORE_NONE;
}

static int32_t fill_events(struct block *b)
{
    int32_t count = 0, at = 0;

    for (int32_t l = 0; l < b->core->lever_count; l++) {
        struct fill_var *var = &b->vars[l];
        int32_t full;

        if (!fill_moves(b, l) || var->hi <= var->lo)
            continue;
        var->moving = 0;
        fill_path(b, l, &at);
        if (var->path_count == 0) {
            var->row = FILL_TOP;
            var->x = var->hi;
            continue;
        }
        full = fill_bound(b, l);
        if (full != CORE_NONE) {
            fill_stop(var, var->lo, full);
            continue;
        }
        b->events[count].level = var->lo / var->weight;
        b->events[count].var = l;
        b->events[count].starts = 1;
        b->events_spare[count].level = var->hi / var->weight;
        b->events_spare[count].var = l;
        b->events_spare[count++].starts = 0;
    }
    /* Apart, since vars often start alike, or end alike: then these are sorted as they are. */
    memcpy(b->events + count, b->events_spare, (size_t)count * sizeof *b->events);
    return 2 * count;
}

/* Changes how fast a row fills, from `level` on. */
static void fill_slope(struct fill_row *row, double level, double slope_w, int32_t moving)
{
    if (level > row->level) {
        row->slack_w -= row->slope_w * (level - row->level);
        if (row->slack_w < 0.0)
            row->slack_w = 0.0; /* rounding */
        row->level = level;
    }
    row->moving += moving;
    row->slope_w = row->moving > 0 ? row->slope_w + slope_w : 0.0;
}

static void fill_slopes(struct block *b, int32_t l, double level, int32_t moving)
{
    const struct fill_path *path = &b->fill_paths[b->vars[l].path_first];

    for (int32_t k = 0; k < b->vars[l].path_count; k++)
        fill_slope(&b->rows[path[k].zone], level, moving * path[k].slope_w, moving);
    b->vars[l].moving = moving > 0;
}

static void fill_start(struct block *b, int32_t l, double level)
{
    int32_t full = fill_bound(b, l);

    if (full != CORE_NONE)
        fill_stop(&b->vars[l], b->vars[l].lo, full);
    else
        fill_slopes(b, l, level, 1);
}

/* The row that is full first, if that is under *level, which is set to where; CORE_NONE. */
static int32_t fill_next(const struct block *b, int32_t row_count, double *level)
{
    int32_t first = CORE_NONE;

    for (int32_t r = 0; r < row_count; r++) {
        const struct fill_row *row = &b->rows[b->rows[r].listed];
        double full_level = row->moving > 0 ? row->level + row->slack_w / row->slope_w : *level;

        if (full_level < *level) {
            first = b->rows[r].listed;
            *level = full_level;
        }
    }
    return first;
}

static void fill_full(struct block *b, int32_t z, double level)
{
    const struct zone *zone = &b->zones[z];

    b->rows[z].full = 1;
    for (int32_t e = 0; e < zone->entry_count; e++) {
        int32_t l = b->entries[zone->entry_first + e].source;

        if (!fill_moves(b, l) || !b->vars[l].moving)
            continue;
        fill_slopes(b, l, level, -1);
        fill_stop(&b->vars[l], block_clip(b->vars[l].weight * level, b->vars[l].lo, b->vars[l].hi), z);
    }
}

static void fill_sweep(struct block *b, int32_t row_count, const struct fill_event *events, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        /* Between events at one level nothing fills. */
        for (bool higher = i == 0 || events[i].level > events[i - 1].level; higher;) {
            double level = events[i].level;
            int32_t first = fill_next(b, row_count, &level);

            higher = first != CORE_NONE;
            if (higher)
                fill_full(b, first, level);
        }
        if (events[i].starts)
            fill_start(b, events[i].var, events[i].level);
        else if (b->vars[events[i].var].moving) {
            fill_slopes(b, events[i].var, events[i].level, -1);
            b->vars[events[i].var].x = b->vars[events[i].var].hi;
            b->vars[events[i].var].row = FILL_TOP;
        }
    }
}

/* What the rows have left now; summed anew, so rounding does not pile up. */
static void fill_settle(struct block *b)
{
    for (int32_t z = 0; z < b->core->zone_count; z++) {
        struct fill_row *row = &b->rows[z];
        const struct entry *entry = &b->entries[b->zones[z].entry_first];

        if (!block_is_number(b->row_budget[z]))
            continue;
        row->slack_w = b->row_budget[z];
        for (int32_t e = 0; e < b->zones[z].entry_count; e++)
            if (fill_moves(b, entry[e].source))
                row->slack_w -= fill_coef(b, &entry[e]) * b->vars[entry[e].source].x;
        if (row->slack_w < 0.0)
            row->slack_w = 0.0;
    }
}

void fill_run(struct block *b)
{
    int32_t rows = fill_rows(b);
    int32_t count = fill_events(b);

    if (count > 0)
        fill_sweep(b, rows, fill_sort(b, count), count);
    fill_settle(b);
}
