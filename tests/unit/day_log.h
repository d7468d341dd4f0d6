/* SPDX-License-Identifier: Apache-2.0 */
/* day_log.h: what a core said in a day, as text, held against what was accepted.
 *
 * Orders and events are lines, with why and because of what; every half second a
 * line holds the checksum of all views. Numbers are rounded to six digits: text is
 * the same on any machine. A day that reads otherwise than tests/vectors/days says
 * is a change of the law: wanted or not, somebody has to look at it.
 *
 *   BUSBAR_ACCEPT=1 test_core_days    writes them anew; `git diff` shows what changed
 *   BUSBAR_DAYS=DIR test_core_days    writes every view of each day there, in full
 */
#ifndef BUSBAR_TESTS_DAY_LOG_H
#define BUSBAR_TESTS_DAY_LOG_H

#include <zlib.h>

#include "core_rig.h"

#define DAY_VIEWS_EVERY 50
#define DAY_LINE_EVERY  100

struct day_log {
    const char *name;
    char *text; /* what is held against the file                            */
    size_t size, room;
    FILE *full; /* all views; NULL                                          */
    int64_t zero_us;
    bool quiet; /* orders and events are in the checksums alone */
    size_t folded;
    uLong crc; /* of what was folded so far */
    int32_t step;
    enum core_mode mode;
    uint32_t reasons;
    bool armed;
};

__attribute__((format(printf, 2, 3))) static inline void day_line(struct day_log *day, const char *form, ...)
{
    va_list list;
    int n;

    if (day->size + 2048 > day->room) {
        day->room = day->room ? 2 * day->room : 65536;
        day->text = realloc(day->text, day->room);
        assert_non_null(day->text);
    }
    va_start(list, form);
    n = vsnprintf(day->text + day->size, day->room - day->size, form, list);
    va_end(list);
    assert_in_range(n, 0, 2047);
    day->size += (size_t)n;
}

static inline void day_begin(struct day_log *day, const char *name, const struct rig *rig)
{
    const char *folder = getenv("BUSBAR_DAYS");
    char path[4096];

    *day = (struct day_log){ .name = name, .zero_us = rig->now_us };
    if (!folder)
        return;
    (void)snprintf(path, sizeof path, "%.3000s/%s.txt", folder, name);
    day->full = fopen(path, "we");
    assert_non_null(day->full);
}

static inline double day_s(const struct day_log *day, int64_t at_us)
{
    if (at_us == INT64_MIN)
        return -1.0;
    return at_us == CORE_FOREVER ? INFINITY : (double)(at_us - day->zero_us) * 1e-6;
}

static inline void day_orders(struct day_log *day, const struct rig *rig)
{
    static const char *const because[] = { "time", "reading", "ack", "plan" };

    for (int32_t i = 0; i < rig->out->order_count; i++) {
        const struct core_order *o = &core_outputs_orders(rig->out)[i];

        day_line(day, "%.3f order %d #%d %s%.6g", day_s(day, rig->now_us), o->lever, (int)o->number,
                 o->release ? "back " : "", o->value);
        if (o->timeout_us > 0)
            day_line(day, " for %.6g s then %.6g", (double)o->timeout_us * 1e-6, o->fallback);
        if (o->lease_end_us != CORE_FOREVER)
            day_line(day, " until %.3f", day_s(day, o->lease_end_us));
        day_line(day, "; %s at %d, %.6g s, %.6g W; %s %.3f %.3f\n", core_rule_label(o->why.rule), o->why.node,
                 (double)o->why.window_us * 1e-6, o->why.bound_w, because[o->cause.kind],
                 day_s(day, o->cause.taken_us), day_s(day, o->cause.arrived_us));
    }
}

static inline void day_events(struct day_log *day, const struct rig *rig)
{
    for (int32_t i = 0; i < rig->out->event_count; i++) {
        const struct core_event *e = &core_outputs_events(rig->out)[i];

        day_line(day, "%.3f %s device %d node %d lever %d group %d: %.6g of %.6g, %.6g s\n",
                 day_s(day, rig->now_us), ev_id(e->event), e->device, e->node, e->lever, e->group, e->value,
                 e->bound, (double)e->window_us * 1e-6);
    }
    if (rig->out->mode != day->mode || rig->out->reasons != day->reasons || rig->out->armed != day->armed)
        day_line(day, "%.3f %s, reasons %x%s\n", day_s(day, rig->now_us), core_mode_label(rig->out->mode),
                 rig->out->reasons, rig->out->armed ? ", armed" : "");
    day->mode = rig->out->mode;
    day->reasons = rig->out->reasons;
    day->armed = rig->out->armed;
}

/* ---- views ---- */

struct day_sum {
    struct day_log *day;
    uLong crc;
};

__attribute__((format(printf, 2, 3))) static inline void day_add(struct day_sum *sum, const char *form, ...)
{
    char line[1024];
    va_list list;
    int n;

    va_start(list, form);
    n = vsnprintf(line, sizeof line, form, list);
    va_end(list);
    assert_in_range(n, 0, sizeof line - 1);
    sum->crc = crc32(sum->crc, (const Bytef *)line, (uInt)n);
    if (sum->day->full)
        (void)fputs(line, sum->day->full);
}

static inline void day_node(struct day_sum *sum, const char *what, int32_t n, const struct core_node_view *v)
{
    day_add(sum,
            "%s %d: %.6g %.6g..%.6g ahead %.6g %.6g counted %.6g of %.6g%s heat %.6g trip %.6g damped %.6g\n",
            what, n, v->power_w, v->low_w, v->high_w, v->forecast_w, v->upper_w, v->counted_w, v->budget_w,
            v->measured ? " measured" : "", v->heat_ratio, v->trip_s, v->damping_ratio);
    for (int32_t k = 0; k < v->limit_count; k++)
        day_add(sum, "  %.6g s: %.6g of %.6g, worst %.6g, %d%s\n", (double)v->limit[k].window_us * 1e-6,
                v->limit[k].mean_w, v->limit[k].limit_w, v->limit[k].worst_w, (int)v->limit[k].violations,
                v->limit[k].exceeded ? " exceeded" : "");
}

static inline void day_lever(struct day_sum *sum, int32_t l, const struct core_lever_view *v)
{
    day_add(
        sum,
        "lever %d: %s wants %.6g sent %.6g holds %.6g counts %.6g demand %.6g; %d %d %d %d; %s at %d %.6g\n",
        l, core_lever_state_label(v->state), v->wanted, v->sent, v->in_force, v->counted, v->demand_w,
        (int)v->number, (int)v->orders, (int)v->refused, (int)v->failures, core_rule_label(v->why.rule),
        v->why.node, v->why.bound_w);
}

static inline void day_token(struct day_sum *sum, int32_t t, const struct core_token_view *v)
{
    day_add(sum, "token %d: %d %d %s %s at %d: %.6g until %.3f, else %.6g in %.3f\n", t, (int)v->client,
            (int)v->version, core_token_state_label(v->state), core_token_reason_label(v->reason), v->node,
            v->granted_w, v->granted_w > 0.0 ? day_s(sum->day, v->expires_us) : 0.0, v->alternative_w,
            (double)v->retry_after_us * 1e-6);
}

static inline void day_views(struct day_log *day, const struct rig *rig)
{
    struct day_sum sum = { .day = day, .crc = crc32(0L, Z_NULL, 0) };
    const struct core_ride_view *ride = &rig->out->ride;

    if (day->full)
        (void)fprintf(day->full, "---- %.3f\n", day_s(day, rig->now_us));
    for (int32_t n = 0; n < rig->out->node_count; n++)
        day_node(&sum, "node", n, &core_outputs_nodes(rig->out)[n]);
    for (int32_t g = 0; g < rig->out->group_count; g++)
        day_node(&sum, "group", g, &core_outputs_groups(rig->out)[g]);
    for (int32_t l = 0; l < rig->out->lever_count; l++)
        day_lever(&sum, l, &core_outputs_levers(rig->out)[l]);
    for (int32_t t = 0; t < rig->out->token_count; t++)
        day_token(&sum, t, &core_outputs_tokens(rig->out)[t]);
    for (int32_t d = 0; d < rig->out->device_count; d++)
        day_add(&sum, "device %d: %d %.6g\n", d, core_outputs_devices(rig->out)[d].quality,
                (double)core_outputs_devices(rig->out)[d].age_us);
    day_add(&sum, "ride %s %.3f %.6g %d %.6g %.6g %.6g %.6g %.6g %d; left %d%s\n",
            core_ride_label(ride->state), day_s(day, ride->since_us), ride->input_ratio, ride->capable,
            ride->capable_w, ride->margin_s, ride->energy_j, ride->reserve_j, ride->wear_left_cycles,
            (int)ride->writes, rig->out->restore_left, rig->out->restored ? " restored" : "");
    day_line(day, "%.3f views %08lx\n", day_s(day, rig->now_us), sum.crc);
}

/* What was said since the last line becomes a part of its checksum. */
static inline void day_fold(struct day_log *day)
{
    day->crc = crc32(day->crc, (const Bytef *)day->text + day->folded, (uInt)(day->size - day->folded));
    if (day->full)
        (void)fwrite(day->text + day->folded, 1, day->size - day->folded, day->full);
    day->size = day->folded;
}

/* After each step of the core. */
static inline void day_note(struct day_log *day, const struct rig *rig)
{
    day_orders(day, rig);
    day_events(day, rig);
    if (++day->step % DAY_VIEWS_EVERY == 0)
        day_views(day, rig);
    if (day->quiet && day->size > day->folded)
        day_fold(day);
    if (!day->quiet || day->step % DAY_LINE_EVERY != 0)
        return;
    day_line(day, "%.3f all %08lx\n", day_s(day, rig->now_us), day->crc);
    day->folded = day->size;
}

/* ---- held against the file ---- */

static inline char *day_accepted(const char *path)
{
    FILE *file = fopen(path, "rbe");
    char *text;
    long size;

    if (!file)
        return NULL;
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    size = ftell(file);
    rewind(file);
    text = calloc(1, (size_t)size + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)size, file), (size_t)size);
    (void)fclose(file);
    return text;
}

static inline void day_differs(const struct day_log *day, const char *was)
{
    const char *now = day->text;
    int line = 1;

    for (size_t i = 0; was[i] || now[i]; i++) {
        if (was[i] != now[i]) {
            while (i > 0 && now[i - 1] != '\n')
                i--;
            fail_msg("%s.txt:%d: was\n  %.*s\nand is\n  %.*s\nIf that is wanted: BUSBAR_ACCEPT=1", day->name,
                     line, (int)strcspn(was + i, "\n"), was + i, (int)strcspn(now + i, "\n"), now + i);
        }
        line += now[i] == '\n';
    }
}

static inline void day_end(struct day_log *day)
{
    char path[4096], *was;

    day->text[day->size] = '\0'; /* there is room: see day_line() */
    (void)snprintf(path, sizeof path, BUSBAR_SOURCE_DIR "/tests/vectors/days/%s.txt", day->name);
    if (getenv("BUSBAR_ACCEPT")) {
        FILE *file = fopen(path, "wbe");

        assert_non_null(file);
        assert_int_equal(fwrite(day->text, 1, day->size, file), day->size);
        assert_int_equal(fclose(file), 0);
    }
    was = day_accepted(path);
    if (!was)
        fail_msg("%s: nobody accepted this day yet: BUSBAR_ACCEPT=1", path);
    day_differs(day, was);
    if (day->full)
        (void)fclose(day->full);
    free(was);
    free(day->text);
}

#endif
