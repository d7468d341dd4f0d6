/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c: which gauges and counters Prometheus sees.
 *
 * Pure: one snapshot in, one text out. Names are busbar_<thing>_<unit in full>,
 * _total for what only rises; never a prefix of a unit, a time stamp of a sample
 * or a text that changes as a label. docs/api.md lists them; a test holds it to that.
 */
#include "metrics.h"

#include <stdlib.h>
#include <string.h>

#include "exposition.h"

#define METRICS_NAME_MAX 80

/* Lateness and core steps: 16 us to 16 ms. Buses and orders: 64 us to 67 s. */
static const struct exposition_octaves metrics_short = { .first = 4, .last = 14, .step = 1 };
static const struct exposition_octaves metrics_long = { .first = 6, .last = 26, .step = 2 };

struct metrics_unit {
    const char *unit;    /* in signals.h                                      */
    const char *word;    /* in a metric's name; "": the name needs none       */
    double scale;        /* to the base unit                                  */
    bool rises;          /* a counter                                         */
};

/* NULL: not a quantity (bits, text). */
static const struct metrics_unit *metrics_unit(const char *unit)
{
    static const struct metrics_unit units[] = {
        { .unit = "W", .word = "_watts", .scale = 1 },
        { .unit = "W/s", .word = "_watts_per_second", .scale = 1 },
        { .unit = "V", .word = "_volts", .scale = 1 },
        { .unit = "A", .word = "_amperes", .scale = 1 },
        { .unit = "J", .word = "_joules", .scale = 1, .rises = true },
        { .unit = "Hz", .word = "_hertz", .scale = 1 },
        { .unit = "C", .word = "_celsius", .scale = 1 },
        { .unit = "s", .word = "_seconds", .scale = 1 },
        { .unit = "rpm", .word = "_rpm", .scale = 1 },
        { .unit = "lpm", .word = "_liters_per_minute", .scale = 1 },
        { .unit = "Pa", .word = "_pascals", .scale = 1 },
        { .unit = "VA", .word = "_voltamperes", .scale = 1 },
        { .unit = "var", .word = "_voltamperes_reactive", .scale = 1 },
        { .unit = "Ah", .word = "_coulombs", .scale = 3600 },
        { .unit = "", .word = "_ratio", .scale = 1 },
        { .unit = "1", .word = "", .scale = 1 },
    };

    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(units[i].unit, unit) == 0)
            return &units[i];
    }
    return NULL;
}

/* ---- the daemon ---- */

static void metrics_daemon(struct exposition *ex, const struct snapshot *snap)
{
    const struct operator_stats *stats = snap->stats;
    const struct core_outputs *out = snap->outputs;

    exposition_family(ex, "busbar_build_info", "gauge", "Always 1; the labels name the build.");
    exposition_number(ex, EXPOSITION_LABELS("version", BUSBAR_VERSION, "commit", BUSBAR_COMMIT), 1);
    exposition_family(ex, "process_start_time_seconds", "gauge", "Start of the process, seconds since 1970.");
    exposition_number(ex, EXPOSITION_NONE, (double)snap->started_wall_us / 1e6);
    exposition_family(ex, "process_resident_memory_bytes", "gauge", "Resident memory.");
    exposition_number(ex, EXPOSITION_NONE, (double)stats->rss_bytes);
    exposition_family(ex, "busbar_rack_info", "gauge", "Always 1; the label names the rack.");
    exposition_number(ex, EXPOSITION_LABELS("rack", snap->names->rack), 1);
    exposition_family(ex, "busbar_mode_info", "gauge", "Always 1; the labels are the mode and the wanted mode.");
    exposition_number(ex, EXPOSITION_LABELS("mode", core_mode_label(out->mode), "wanted",
                                            core_mode_wanted_label(snap->mode_wanted)), 1);
    exposition_family(ex, "busbar_mode_reason", "gauge", "1 while it is a reason for the mode.");
    for (int r = 0; r < CORE_REASON_COUNT; r++)
        exposition_number(ex, EXPOSITION_LABELS("reason", core_reason_label((enum core_reason)r)),
                          (double)(out->reasons >> r & 1));
    exposition_family(ex, "busbar_armed", "gauge", "1 when every first limit was read back and the envelope is enforced.");
    exposition_number(ex, EXPOSITION_NONE, out->armed);
    exposition_family(ex, "busbar_realtime", "gauge", "1 when the control thread has a real-time priority.");
    exposition_number(ex, EXPOSITION_NONE, stats->realtime);
}

static void metrics_loop(struct exposition *ex, const struct operator_stats *stats)
{
    exposition_family(ex, "busbar_tick_period_seconds", "gauge", "Time between two control steps.");
    exposition_number(ex, EXPOSITION_NONE, (double)stats->period_us / 1e6);
    exposition_family(ex, "busbar_ticks_total", "counter", "Control steps done.");
    exposition_count(ex, EXPOSITION_NONE, stats->ticks);
    exposition_family(ex, "busbar_ticks_missed_total", "counter", "Control steps that came too late to be done.");
    exposition_count(ex, EXPOSITION_NONE, stats->ticks_missed);
    exposition_family(ex, "busbar_loop_lateness_seconds", "histogram", "How late control steps began.");
    exposition_histogram(ex, EXPOSITION_NONE, &stats->tick_lateness, metrics_short);
    exposition_family(ex, "busbar_core_step_seconds", "histogram", "How long the decision of a step took.");
    exposition_histogram(ex, EXPOSITION_NONE, &stats->core_step, metrics_short);
    exposition_family(ex, "busbar_records_dropped_total", "counter", "Records of inputs lost because a queue was full.");
    exposition_count(ex, EXPOSITION_NONE, stats->records_dropped);
    exposition_family(ex, "busbar_events_dropped_total", "counter", "Events lost because a queue was full.");
    exposition_count(ex, EXPOSITION_NONE, stats->events_dropped);
}

static void metrics_orders(struct exposition *ex, const struct operator_stats *stats)
{
    exposition_family(ex, "busbar_orders_total", "counter", "Orders by how they ended.");
    exposition_count(ex, EXPOSITION_LABELS("outcome", "written"), stats->orders_written);
    exposition_count(ex, EXPOSITION_LABELS("outcome", "refused"), stats->orders_refused);
    exposition_count(ex, EXPOSITION_LABELS("outcome", "failed"), stats->orders_failed);
    exposition_family(ex, "busbar_transaction_seconds", "histogram", "Duration of single transactions with devices.");
    for (int p = 0; p < OPERATOR_PROTOCOLS; p++)
        exposition_histogram(ex, EXPOSITION_LABELS("protocol", snapshot_protocols[p]), &stats->transaction[p],
                             metrics_long);
    exposition_family(ex, "busbar_order_seconds", "histogram",
                      "Parts of the time from an event to its order in force; docs/protocols.md names them.");
    for (int p = 0; p < OPERATOR_PROTOCOLS; p++) {
        const struct operator_latency *l = &stats->latency[p];
        const struct histogram *parts[] = { &l->detect, &l->decide, &l->dispatch, &l->device, &l->total };
        const char *const names[] = { "detect", "decide", "dispatch", "device", "total" };

        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
            exposition_histogram(ex, EXPOSITION_LABELS("protocol", snapshot_protocols[p], "part", names[i]), parts[i],
                                 metrics_long);
    }
    exposition_family(ex, "busbar_event_to_order_seconds", "histogram",
                      "From the arrival of a reading to the order it caused.");
    for (int p = 0; p < OPERATOR_PROTOCOLS; p++)
        exposition_histogram(ex, EXPOSITION_LABELS("protocol", snapshot_protocols[p]), &stats->latency[p].event_to_order,
                             metrics_long);
}

/* ---- the power tree ---- */

static void metrics_nodes(struct exposition *ex, const struct snapshot *snap)
{
    static const struct {
        const char *name, *help;
        size_t at;
    } families[] = {
        { "busbar_node_power_watts", "Power at the input of a node, best estimate.",
          offsetof(struct core_node_view, power_w) },
        { "busbar_node_power_low_watts", "Lowest power the node can have now, given what is not measured.",
          offsetof(struct core_node_view, low_w) },
        { "busbar_node_power_high_watts", "Highest power the node can have now, given what is not measured.",
          offsetof(struct core_node_view, high_w) },
        { "busbar_node_forecast_watts", "Expected power ahead.", offsetof(struct core_node_view, forecast_w) },
        { "busbar_node_forecast_upper_watts", "Upper bound of the expected power.",
          offsetof(struct core_node_view, upper_w) },
        { "busbar_node_counted_watts", "What counts against limits: limits in force and in flight, static load, loss.",
          offsetof(struct core_node_view, counted_w) },
        { "busbar_node_budget_watts", "What is divided below the node now.", offsetof(struct core_node_view, budget_w) },
        { "busbar_node_heat_ratio", "Memory of the node's protective device; it trips at 1.",
          offsetof(struct core_node_view, heat_ratio) },
        { "busbar_node_time_to_trip_seconds", "Until it trips at the upper bound of the expected power.",
          offsetof(struct core_node_view, trip_s) },
        { "busbar_node_damping_ratio", "Of the gain with which power is given back; 1 undamped.",
          offsetof(struct core_node_view, damping_ratio) },
    };
    const struct core_node_view *views = core_outputs_nodes(snap->outputs);

    for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
        exposition_family(ex, families[f].name, "gauge", families[f].help);
        for (int32_t i = 0; i < snap->outputs->node_count; i++) {
            double value;

            memcpy(&value, (const char *)&views[i] + families[f].at, sizeof value);
            exposition_number(ex, EXPOSITION_LABELS("node", snap->names->nodes[i]), value);
        }
    }
}

/* ---- the grid and tokens ---- */

static void metrics_ride(struct exposition *ex, const struct core_ride_view *ride)
{
    static const struct {
        const char *name, *help;
        size_t at;
    } families[] = {
        { "busbar_ride_input_ratio", "Lowest good input voltage over nominal.",
          offsetof(struct core_ride_view, input_ratio) },
        { "busbar_ride_capable_watts", "Most DC load at which a loss of input would be carried.",
          offsetof(struct core_ride_view, capable_w) },
        { "busbar_ride_margin_seconds", "Hold-up left when batteries are there, at this load.",
          offsetof(struct core_ride_view, margin_s) },
        { "busbar_ride_energy_joules", "Energy in the batteries.", offsetof(struct core_ride_view, energy_j) },
        { "busbar_ride_reserve_joules", "What an outage needs of it.", offsetof(struct core_ride_view, reserve_j) },
        { "busbar_ride_wear_left_cycles", "Equivalent full cycles that support may still spend.",
          offsetof(struct core_ride_view, wear_left_cycles) },
    };

    exposition_family(ex, "busbar_ride_state", "gauge", "1 for where the rack stands towards the grid.");
    for (int s = 0; s < CORE_RIDE_COUNT; s++)
        exposition_number(ex, EXPOSITION_LABELS("state", core_ride_label((enum core_ride)s)),
                          (int)ride->state == s);
    if (ride->state == CORE_RIDE_OFF)
        return; /* of the rest nothing is known */
    exposition_family(ex, "busbar_ride_capable", "gauge", "1 while a full loss of input would be carried.");
    exposition_number(ex, EXPOSITION_NONE, ride->capable);
    for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
        double value;

        memcpy(&value, (const char *)ride + families[f].at, sizeof value);
        exposition_family(ex, families[f].name, "gauge", families[f].help);
        exposition_number(ex, EXPOSITION_NONE, value);
    }
    exposition_family(ex, "busbar_ride_writes_total", "counter", "Orders given for riding through.");
    exposition_count(ex, EXPOSITION_NONE, ride->writes);
}

static void metrics_tokens(struct exposition *ex, const struct core_outputs *out)
{
    struct snapshot_tokens sum = snapshot_tokens(out);

    exposition_family(ex, "busbar_tokens_clients", "gauge", "Clients that asked for tokens.");
    exposition_number(ex, EXPOSITION_NONE, sum.clients);
    exposition_family(ex, "busbar_tokens_granted", "gauge", "Clients that hold one.");
    exposition_number(ex, EXPOSITION_NONE, sum.granted);
    exposition_family(ex, "busbar_tokens_granted_watts", "gauge", "Power that is leased out.");
    exposition_number(ex, EXPOSITION_NONE, sum.granted_w);
}

static void metrics_forecast_levels(struct exposition *ex, const struct snapshot *snap, size_t at)
{
    static const char *const levels[CORE_FORECAST_LEVELS] = { "0.9", "0.99", "0.999" };
    const struct core_forecast_view *views = core_outputs_forecasts(snap->outputs);

    for (int32_t i = 0; i < snap->outputs->forecast_count; i++)
        for (int32_t k = 0; k < CORE_FORECAST_LEVELS; k++) {
            double value;

            memcpy(&value, (const char *)&views[i] + at + (size_t)k * sizeof value, sizeof value);
            exposition_number(ex, EXPOSITION_LABELS("node", snap->names->nodes[views[i].node], "level", levels[k]), value);
        }
}

/* A forecaster of a lever goes by the lever's leaf: every one has a node of its own. */
static void metrics_forecasts(struct exposition *ex, const struct snapshot *snap)
{
    const struct core_forecast_view *views = core_outputs_forecasts(snap->outputs);
    int32_t count = snap->outputs->forecast_count;

    if (count == 0)
        return;
    exposition_family(ex, "busbar_forecast_armed", "gauge", "1 while set-points are armed for a foreseen peak.");
    exposition_number(ex, EXPOSITION_NONE, snap->outputs->armed_ahead);
    exposition_family(ex, "busbar_forecast_votes", "gauge", "1 while a node's forecaster is in calibration and listened to.");
    for (int32_t i = 0; i < count; i++)
        exposition_number(ex, EXPOSITION_LABELS("node", snap->names->nodes[views[i].node]), views[i].votes);
    exposition_family(ex, "busbar_forecast_coverage_ratio", "gauge", "Share of late that stayed under a bound.");
    metrics_forecast_levels(ex, snap, offsetof(struct core_forecast_view, coverage));
    exposition_family(ex, "busbar_forecast_peak_upper_watts", "gauge", "Upper bound of the highest power until the horizon.");
    metrics_forecast_levels(ex, snap, offsetof(struct core_forecast_view, upper_w));
    exposition_family(ex, "busbar_forecast_error_watts", "gauge", "Mean error of late, expected against what came.");
    for (int32_t i = 0; i < count; i++)
        exposition_number(ex, EXPOSITION_LABELS("node", snap->names->nodes[views[i].node]), views[i].error_w);
    exposition_family(ex, "busbar_forecast_resets_total", "counter", "Times that a forecaster lost its calibration and began anew.");
    for (int32_t i = 0; i < count; i++)
        exposition_count(ex, EXPOSITION_LABELS("node", snap->names->nodes[views[i].node]), views[i].resets);
}

enum metrics_limit_part { METRICS_LIMIT, METRICS_MEAN, METRICS_WORST, METRICS_VIOLATIONS, METRICS_EXCEEDED };

static void metrics_limits_of(struct exposition *ex, const char *kind, const char *name, const struct core_node_view *view,
                              enum metrics_limit_part part)
{
    for (int32_t i = 0; i < view->limit_count; i++) {
        const struct core_limit_view *limit = &view->limit[i];
        char window[32];
        const char *const *labels = EXPOSITION_LABELS(kind, name, "window_seconds", window);

        (void)snprintf(window, sizeof window, "%.6g", (double)limit->window_us / 1e6);
        if (part == METRICS_LIMIT)
            exposition_number(ex, labels, limit->limit_w);
        else if (part == METRICS_MEAN)
            exposition_number(ex, labels, limit->mean_w);
        else if (part == METRICS_WORST)
            exposition_number(ex, labels, limit->worst_w);
        else if (part == METRICS_VIOLATIONS)
            exposition_count(ex, labels, limit->violations);
        else
            exposition_number(ex, labels, limit->exceeded);
    }
}

static void metrics_limits(struct exposition *ex, const struct snapshot *snap)
{
    static const struct {
        const char *name, *type, *help;
    } families[] = {
        [METRICS_LIMIT] = { "busbar_limit_watts", "gauge", "A windowed limit in force." },
        [METRICS_MEAN] = { "busbar_limit_mean_watts", "gauge", "Mean power over the limit's last window." },
        [METRICS_WORST] = { "busbar_limit_worst_watts", "gauge", "Highest mean over a full window since the start." },
        [METRICS_VIOLATIONS] = { "busbar_limit_violations_total", "counter", "Intervals above the limit." },
        [METRICS_EXCEEDED] = { "busbar_limit_exceeded", "gauge", "1 while the limit is exceeded." },
    };
    const struct core_node_view *nodes = core_outputs_nodes(snap->outputs);
    const struct core_node_view *groups = core_outputs_groups(snap->outputs);

    for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
        exposition_family(ex, families[f].name, families[f].type, families[f].help);
        for (int32_t i = 0; i < snap->outputs->node_count; i++)
            metrics_limits_of(ex, "node", snap->names->nodes[i], &nodes[i], (enum metrics_limit_part)f);
        for (int32_t i = 0; i < snap->outputs->group_count; i++)
            metrics_limits_of(ex, "group", snap->names->groups[i], &groups[i], (enum metrics_limit_part)f);
    }
}

/* ---- levers ---- */

static void metrics_lever_values(struct exposition *ex, const struct snapshot *snap, const char *what, const char *help,
                                 size_t at)
{
    static const char *const units[] = { "W", "A", "V", "" };
    const struct core_lever_view *views = core_outputs_levers(snap->outputs);

    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        char name[METRICS_NAME_MAX];

        (void)snprintf(name, sizeof name, "busbar_lever_%s%s", what, metrics_unit(units[u])->word);
        exposition_family(ex, name, "gauge", help);
        for (int32_t i = 0; i < snap->outputs->lever_count; i++) {
            double value;

            if (strcmp(snap->names->lever_units[i], units[u]) != 0)
                continue;
            memcpy(&value, (const char *)&views[i] + at, sizeof value);
            exposition_number(ex, EXPOSITION_LABELS("lever", snap->names->levers[i]), value);
        }
    }
}

static void metrics_levers(struct exposition *ex, const struct snapshot *snap)
{
    const struct core_lever_view *views = core_outputs_levers(snap->outputs);

    metrics_lever_values(ex, snap, "wanted", "What the lever is to hold.", offsetof(struct core_lever_view, wanted));
    metrics_lever_values(ex, snap, "in_force", "What was last read back.", offsetof(struct core_lever_view, in_force));
    metrics_lever_values(ex, snap, "counted", "The largest value in force, in flight or able to return.",
                         offsetof(struct core_lever_view, counted));
    exposition_family(ex, "busbar_lever_orders_total", "counter", "Orders given to a lever.");
    for (int32_t i = 0; i < snap->outputs->lever_count; i++)
        exposition_count(ex, EXPOSITION_LABELS("lever", snap->names->levers[i]), views[i].orders);
    exposition_family(ex, "busbar_lever_refused_total", "counter", "Orders that were refused.");
    for (int32_t i = 0; i < snap->outputs->lever_count; i++)
        exposition_count(ex, EXPOSITION_LABELS("lever", snap->names->levers[i]), views[i].refused);
    exposition_family(ex, "busbar_lever_failures_total", "counter", "Orders that failed or were not confirmed.");
    for (int32_t i = 0; i < snap->outputs->lever_count; i++)
        exposition_count(ex, EXPOSITION_LABELS("lever", snap->names->levers[i]), views[i].failures);
}

/* ---- devices ---- */

static void metrics_device_health(struct exposition *ex, const struct snapshot *snap)
{
    const struct core_device_view *views = core_outputs_devices(snap->outputs);
    const struct operator_device *devices = snap->names->devices;

    exposition_family(ex, "busbar_device_up", "gauge", "1 while the device's readings are good.");
    for (int32_t i = 0; i < snap->names->device_count; i++)
        exposition_number(ex, EXPOSITION_LABELS("device", devices[i].name, "kind", devices[i].kind, "bus", devices[i].bus),
                          views[i].quality == CORE_DEVICE_GOOD);
    exposition_family(ex, "busbar_device_last_success_timestamp_seconds", "gauge",
                      "When the device's youngest good reading was taken, seconds since 1970.");
    for (int32_t i = 0; i < snap->names->device_count; i++) {
        int64_t age_us = snapshot_device_age_us(snap, i);

        if (age_us >= 0 && age_us < snap->wall_us)
            exposition_number(ex, EXPOSITION_LABELS("device", devices[i].name), (double)(snap->wall_us - age_us) / 1e6);
    }
}

static void metrics_device_counters(struct exposition *ex, const struct snapshot *snap)
{
    const struct operator_device *devices = snap->names->devices;

    exposition_family(ex, "busbar_device_transactions_total", "counter", "Transactions with the device.");
    for (int32_t i = 0; i < snap->names->device_count; i++) {
        if (snap->devices[i].known)
            exposition_count(ex, EXPOSITION_LABELS("device", devices[i].name), snap->devices[i].state.transactions);
    }
    exposition_family(ex, "busbar_device_errors_total", "counter", "Transactions that went wrong, by how.");
    for (int32_t i = 0; i < snap->names->device_count; i++) {
        const struct device_state *state = &snap->devices[i].state;

        if (!snap->devices[i].known)
            continue;
        exposition_count(ex, EXPOSITION_LABELS("device", devices[i].name, "status", status_label(ST_TIMEOUT)),
                         state->timeouts);
        exposition_count(ex, EXPOSITION_LABELS("device", devices[i].name, "status", status_label(ST_NACK)), state->nacks);
        exposition_count(ex, EXPOSITION_LABELS("device", devices[i].name, "status", status_label(ST_CORRUPT)),
                         state->corrupt);
        exposition_count(ex, EXPOSITION_LABELS("device", devices[i].name, "status", status_label(ST_REFUSED)),
                         state->refused);
    }
}

static void metrics_readings_of(struct exposition *ex, const struct snapshot *snap, int32_t d, enum signal signal)
{
    const struct operator_device *device = &snap->names->devices[d];
    const struct snapshot_device *kept = &snap->devices[d];
    double scale = metrics_unit(signal_unit(signal))->scale;

    for (int32_t i = 0; kept->known && i < device->reading_count && i < kept->state.reading_count; i++) {
        char index[16];

        if (device->signals[i] != signal || kept->state.readings[i].status != ST_OK)
            continue;
        (void)snprintf(index, sizeof index, "%d", (int)device->indices[i]);
        exposition_number(ex, EXPOSITION_LABELS("device", device->name, "index", index),
                          kept->state.readings[i].value * scale);
    }
}

/* Of plain numbers those that count; the rest are places, codes and settings, which fall. */
static bool metrics_counts(const char *signal)
{
    static const char *const ends[] = { "_cycles",   "_outages",  "_faults",     "_errors", "_timeouts",
                                        "_requests", "_supported", "_discharges", "_tests" };
    size_t size = strlen(signal);

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t end = strlen(ends[i]);

        if (size > end && strcmp(signal + size - end, ends[i]) == 0)
            return true;
    }
    return false;
}

static bool metrics_rises(enum signal signal, const struct metrics_unit *unit)
{
    return unit->rises || (strcmp(unit->unit, "1") == 0 && metrics_counts(signal_name(signal)));
}

/* "psu_input_w" is busbar_reading_psu_input_watts: the unit's letters end the name of a
 * signal that has any. */
static void metrics_reading_name(enum signal signal, const struct metrics_unit *unit, char name[METRICS_NAME_MAX])
{
    const char *text = signal_name(signal);
    const char *last = strchr(unit->unit, '/') ? strstr(text, "_w_per_s") : strrchr(text, '_');
    size_t kept = unit->word[0] && last ? (size_t)(last - text) : strlen(text);

    (void)snprintf(name, METRICS_NAME_MAX, "busbar_reading_%.*s%s%s", (int)kept, text, unit->word,
                   metrics_rises(signal, unit) ? "_total" : "");
}

static void metrics_readings(struct exposition *ex, const struct snapshot *snap)
{
    for (int s = 0; s < SIGNAL_COUNT; s++) {
        enum signal signal = (enum signal)s;
        const struct metrics_unit *unit = metrics_unit(signal_unit(signal));
        char name[METRICS_NAME_MAX];

        if (!unit)
            continue; /* words of bits are for the API, not for graphs */
        metrics_reading_name(signal, unit, name);
        exposition_family(ex, name, metrics_rises(signal, unit) ? "counter" : "gauge", signal_help(signal));
        for (int32_t d = 0; d < snap->names->device_count; d++)
            metrics_readings_of(ex, snap, d, signal);
    }
}

enum status metrics_write(const struct snapshot *snap, char **ret, size_t *ret_size)
{
    struct exposition ex = { .announced = 0 };
    char *text = NULL;
    size_t size = 0;
    bool failed;

    ex.to = open_memstream(&text, &size);
    if (!ex.to)
        return ST_NOMEM;
    metrics_daemon(&ex, snap);
    metrics_loop(&ex, snap->stats);
    metrics_orders(&ex, snap->stats);
    metrics_nodes(&ex, snap);
    metrics_ride(&ex, &snap->outputs->ride);
    metrics_tokens(&ex, snap->outputs);
    metrics_forecasts(&ex, snap);
    metrics_limits(&ex, snap);
    metrics_levers(&ex, snap);
    metrics_device_health(&ex, snap);
    metrics_device_counters(&ex, snap);
    metrics_readings(&ex, snap);
    failed = ferror(ex.to) != 0;
    if (fclose(ex.to) != 0 || failed) {
        free(text);
        return ST_NOMEM;
    }
    *ret = text;
    *ret_size = size;
    return ST_OK;
}
