/* SPDX-License-Identifier: Apache-2.0 */
/* demo_report.c: one JSON document, or one table for people, from two halves.
 * Pure but for the stream it prints to. Limits are judged by the simulator's
 * own meter, never by what the daemon believes. */
#include "demo_report.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "serve_read.h"

#define DEMO_REPORT_TICKS_MISSED_RATIO 0.01

void demo_report_half(struct demo_half *half, const struct meter *meter, const struct workload *workload)
{
    half->limit_count = meter_limit_count(meter);
    for (int32_t i = 0; i < half->limit_count; i++) {
        meter_result(meter, i, &half->limits[i]);
        (void)snprintf(half->names[i], METER_NAME_MAX, "%s", half->limits[i].node);
        half->limits[i].node = half->names[i];
    }
    meter_total(meter, &half->total);
    workload_result(workload, &half->work);
}

/* ---- judgement ---- */

__attribute__((format(printf, 3, 4))) static void demo_report_add(char *why, size_t room, const char *format,
                                                                  ...)
{
    size_t used = strlen(why);
    va_list args;

    if (used > 0 && used + 2 < room) {
        memcpy(why + used, "; ", 3);
        used += 2;
    }
    va_start(args, format);
    (void)vsnprintf(why + used, room - used, format, args);
    va_end(args);
}

static void demo_report_ticks(const char *name, const struct demo_half *half, char *why, size_t room)
{
    uint64_t all = half->stats.ticks + half->stats.ticks_missed;

    if (half->stats.ticks == 0)
        demo_report_add(why, room, "%s: the daemon did not tick", name);
    else if ((double)half->stats.ticks_missed > DEMO_REPORT_TICKS_MISSED_RATIO * (double)all)
        demo_report_add(why, room, "%s: %" PRIu64 " of %" PRIu64 " ticks missed", name,
                        half->stats.ticks_missed, all);
}

bool demo_report_holds(const struct demo_report *report, char *why, size_t room)
{
    bool exceeded = false;

    why[0] = '\0';
    for (int32_t i = 0; i < report->observe.limit_count; i++)
        exceeded = exceeded || (strcmp(report->observe.limits[i].node, "rack") == 0 &&
                                report->observe.limits[i].violations > 0);
    if (!exceeded)
        demo_report_add(why, room, "observe: the load never exceeded the envelope, so nothing is shown");
    if (report->observe.stats.orders_written > 0)
        demo_report_add(why, room, "observe: %" PRIu64 " orders were written",
                        report->observe.stats.orders_written);
    for (int32_t i = 0; i < report->control.limit_count; i++) {
        const struct meter_result *l = &report->control.limits[i];

        if (l->violations > 0)
            demo_report_add(why, room,
                            "control: %s exceeded %.0f W over %d ms %" PRId64 " times, worst %.0f W", l->node,
                            l->limit.limit_w, l->limit.window_ms, l->violations, l->worst_w);
    }
    if (report->control.stats.orders_written == 0)
        demo_report_add(why, room, "control: no order was written");
    demo_report_ticks("observe", &report->observe, why, room);
    demo_report_ticks("control", &report->control, why, room);
    return why[0] == '\0';
}

/* ---- JSON ---- */

static void demo_report_number(struct json_object *to, const char *key, double value, int decimals)
{
    json_object_object_add(to, key, serve_read_number(value, decimals));
}

static struct json_object *demo_report_object(struct json_object *to, const char *key)
{
    struct json_object *made = json_object_new_object();

    json_object_object_add(to, key, made);
    return made;
}

/* null: nothing was measured */
static void demo_report_quantile_ms(struct json_object *to, const char *key, const struct histogram *h,
                                    double q)
{
    demo_report_number(to, key, h->count > 0 ? (double)histogram_quantile_us(h, q) / 1000.0 : NAN, 3);
}

static void demo_report_json_limits(struct json_object *to, const struct demo_half *half)
{
    struct json_object *limits = json_object_new_array();

    for (int32_t i = 0; i < half->limit_count; i++) {
        const struct meter_result *l = &half->limits[i];
        struct json_object *row = json_object_new_object();

        json_object_object_add(row, "node", json_object_new_string(l->node));
        json_object_object_add(row, "window_ms", json_object_new_int(l->limit.window_ms));
        demo_report_number(row, "limit_w", l->limit.limit_w, 1);
        demo_report_number(row, "worst_w", l->worst_w, 1);
        json_object_object_add(row, "violations", json_object_new_int64(l->violations));
        json_object_object_add(row, "partial", json_object_new_boolean(l->partial));
        json_object_array_add(limits, row);
    }
    json_object_object_add(to, "limits", limits);
}

static void demo_report_json_latency(struct json_object *to, const struct demo_stats *stats)
{
    struct json_object *transaction = demo_report_object(to, "latency_ms");
    struct json_object *order = demo_report_object(to, "event_to_order_ms");
    struct json_object *force = demo_report_object(to, "event_to_in_force_ms");

    for (int p = 0; p < DEMO_STATS_PROTOCOLS; p++) {
        const struct demo_stats_latency *l = &stats->latency[p];
        struct json_object *part = demo_report_object(transaction, demo_stats_protocols[p]);

        demo_report_quantile_ms(part, "p50", &stats->transaction[p], 0.50);
        demo_report_quantile_ms(part, "p99", &stats->transaction[p], 0.99);
        demo_report_quantile_ms(order, demo_stats_protocols[p], &l->event_to_order, 0.99);
        part = demo_report_object(force, demo_stats_protocols[p]);
        demo_report_quantile_ms(part, "detect", &l->detect, 0.99);
        demo_report_quantile_ms(part, "decide", &l->decide, 0.99);
        demo_report_quantile_ms(part, "dispatch", &l->dispatch, 0.99);
        demo_report_quantile_ms(part, "device", &l->device, 0.99);
        demo_report_quantile_ms(part, "total", &l->total, 0.99);
    }
}

static struct json_object *demo_report_json_half(const struct demo_half *half)
{
    struct json_object *to = json_object_new_object(), *part;
    const struct demo_stats *s = &half->stats;

    demo_report_json_limits(to, half);
    demo_report_number(to, "mean_power_w", half->total.mean_w, 1);
    demo_report_number(to, "peak_power_w", half->total.peak_w, 1);
    demo_report_number(to, "served_work", half->work.served_work, 3);
    demo_report_number(to, "offered_work", half->work.offered_work, 3);
    demo_report_number(to, "slowdown_p95", half->work.slowdown_p95, 4);
    demo_report_number(to, "energy_j", half->total.energy_j, 1);
    json_object_object_add(to, "orders_written", json_object_new_uint64(s->orders_written));
    json_object_object_add(to, "orders_refused", json_object_new_uint64(s->orders_refused));
    json_object_object_add(to, "ticks", json_object_new_uint64(s->ticks));
    json_object_object_add(to, "ticks_missed", json_object_new_uint64(s->ticks_missed));
    part = demo_report_object(to, "tick_lateness_us");
    json_object_object_add(part, "p50",
                           json_object_new_int64(histogram_quantile_us(&s->tick_lateness, 0.50)));
    json_object_object_add(part, "p99",
                           json_object_new_int64(histogram_quantile_us(&s->tick_lateness, 0.99)));
    json_object_object_add(part, "max", json_object_new_int64(s->tick_lateness.max_us));
    demo_report_json_latency(to, s);
    part = demo_report_object(to, "devices");
    json_object_object_add(part, "good", json_object_new_int(half->devices_good));
    json_object_object_add(part, "stale", json_object_new_int(half->devices_stale));
    return to;
}

void demo_report_json(const struct demo_report *report, FILE *to)
{
    struct json_object *doc = json_object_new_object();
    char why[1024];
    bool holds = demo_report_holds(report, why, sizeof why);

    json_object_object_add(doc, "rack", json_object_new_string(report->rack));
    json_object_object_add(doc, "trace", json_object_new_string(report->trace));
    demo_report_number(doc, "seconds", report->seconds, 1);
    demo_report_number(doc, "trace_start_s", report->start_s, 1);
    demo_report_number(doc, "uncapped_w", report->uncapped_w, 1);
    demo_report_number(doc, "envelope_w", report->envelope_w, 1);
    demo_report_number(doc, "arming_ms", report->arming_ms, 1);
    json_object_object_add(doc, "observe", demo_report_json_half(&report->observe));
    json_object_object_add(doc, "control", demo_report_json_half(&report->control));
    json_object_object_add(doc, "holds", json_object_new_boolean(holds));
    json_object_object_add(doc, "why", holds ? NULL : json_object_new_string(why));
    (void)fprintf(
        to, "%s\n",
        json_object_to_json_string_ext(doc, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(doc);
}

/* ---- table ---- */

static void demo_report_row_ms(FILE *to, const char *what, const struct histogram *o,
                               const struct histogram *c)
{
    const struct histogram *both[2] = { o, c };

    (void)fprintf(to, "  %-38s", what);
    for (int i = 0; i < 2; i++) {
        if (both[i]->count > 0)
            (void)fprintf(to, " %14.1f", (double)histogram_quantile_us(both[i], 0.99) / 1000.0);
        else
            (void)fprintf(to, " %14s", "-");
    }
    (void)fputc('\n', to);
}

static void demo_report_table_limits(const struct demo_report *report, FILE *to)
{
    for (int32_t i = 0; i < report->observe.limit_count; i++) {
        const struct meter_result *o = &report->observe.limits[i], *c = &report->control.limits[i];
        char what[64];

        (void)snprintf(what, sizeof what, "%s, %d ms, limit %.1f kW%s", o->node, o->limit.window_ms,
                       o->limit.limit_w / 1000.0, o->partial ? " (partial)" : "");
        (void)fprintf(to, "  %-38s %8.1f (%3" PRId64 ") %8.1f (%3" PRId64 ")\n", what, o->worst_w / 1000.0,
                      o->violations, c->worst_w / 1000.0, c->violations);
    }
}

void demo_report_table(const struct demo_report *report, FILE *to)
{
    const struct demo_half *o = &report->observe, *c = &report->control;
    const struct demo_stats *so = &o->stats, *sc = &c->stats;

    (void)fprintf(to,
                  "\nRack %s, %s from %.0f s on, %.0f s twice. Uncapped it needs %.1f kW (1 s mean);\n"
                  "the envelope is %.1f kW of AC input. Limits were armed after %.0f ms.\n\n",
                  report->rack, report->trace, report->start_s, report->seconds / 2.0,
                  report->uncapped_w / 1000.0, report->envelope_w / 1000.0, report->arming_ms);
    (void)fprintf(to, "  %-38s %14s %14s\n", "", "observe", "control");
    (void)fprintf(to, "  worst mean in kW (violations) of\n");
    demo_report_table_limits(report, to);
    (void)fprintf(to, "  %-38s %14.1f %14.1f\n", "mean power, kW", o->total.mean_w / 1e3,
                  c->total.mean_w / 1e3);
    (void)fprintf(to, "  %-38s %14.1f %14.1f\n", "peak power, kW", o->total.peak_w / 1e3,
                  c->total.peak_w / 1e3);
    (void)fprintf(to, "  %-38s %14.1f %14.1f\n", "work served, GPU seconds at full load", o->work.served_work,
                  c->work.served_work);
    (void)fprintf(to, "  %-38s %14.3f %14.3f\n", "slow-down, 95th percentile", o->work.slowdown_p95,
                  c->work.slowdown_p95);
    (void)fprintf(to, "  %-38s %14.2f %14.2f\n", "energy, MJ", o->total.energy_j / 1e6,
                  c->total.energy_j / 1e6);
    (void)fprintf(to, "  %-38s %14" PRIu64 " %14" PRIu64 "\n", "orders written", so->orders_written,
                  sc->orders_written);
    (void)fprintf(to, "  %-38s %14" PRIu64 " %14" PRIu64 "\n", "orders refused", so->orders_refused,
                  sc->orders_refused);
    (void)fprintf(to, "  %-38s %6" PRIu64 " (%5" PRIu64 ") %6" PRIu64 " (%5" PRIu64 ")\n",
                  "control ticks (missed)", so->ticks, so->ticks_missed, sc->ticks, sc->ticks_missed);
    demo_report_row_ms(to, "tick lateness p99, ms", &so->tick_lateness, &sc->tick_lateness);
    for (int p = 0; p < DEMO_STATS_PROTOCOLS; p++) {
        char what[64];

        (void)snprintf(what, sizeof what, "%s: transaction p99, ms", demo_stats_protocols[p]);
        demo_report_row_ms(to, what, &so->transaction[p], &sc->transaction[p]);
        (void)snprintf(what, sizeof what, "%s: event to order p99, ms", demo_stats_protocols[p]);
        demo_report_row_ms(to, what, &so->latency[p].event_to_order, &sc->latency[p].event_to_order);
        (void)snprintf(what, sizeof what, "%s: event to in force p99, ms", demo_stats_protocols[p]);
        demo_report_row_ms(to, what, &so->latency[p].total, &sc->latency[p].total);
    }
    (void)fprintf(to, "  %-38s %6d (%5d) %6d (%5d)\n\n", "devices good (stale)", o->devices_good,
                  o->devices_stale, c->devices_good, c->devices_stale);
}
