/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot_json.c: one tick's snapshot as JSON.
 *
 * Pure: reads the snapshot it is given and nothing else; no clock, no log. Ages
 * count from the snapshot's own time. docs/api.md describes every key.
 */
#include "snapshot_json.h"

#include <json-c/json.h>
#include <math.h>
#include <string.h>

#include "answer.h"

static const char *const snapshot_json_qualities[] = {
    [CORE_DEVICE_UNREAD] = "unread",
    [CORE_DEVICE_GOOD] = "good",
    [CORE_DEVICE_STALE] = "stale",
};

int32_t snapshot_json_find_lever(const struct snapshot *snap, const char *name)
{
    for (int32_t i = 0; i < snap->names->lever_count; i++) {
        if (strcmp(snap->names->levers[i], name) == 0)
            return i;
    }
    return CORE_NONE;
}

int32_t snapshot_json_find_device(const struct snapshot *snap, const char *name)
{
    for (int32_t i = 0; i < snap->names->device_count; i++) {
        if (strcmp(snap->names->devices[i].name, name) == 0)
            return i;
    }
    return CORE_NONE;
}

/* ---- /v1/status ---- */

static void snapshot_json_reasons(const struct snapshot *snap, struct json_object *to)
{
    struct json_object *reasons = answer_array(to, "reasons");

    for (int r = 0; r < CORE_REASON_COUNT; r++) {
        if (snap->outputs->reasons & (UINT32_C(1) << r))
            json_object_array_add(reasons, json_object_new_string(core_reason_label((enum core_reason)r)));
    }
}

static void snapshot_json_device_counts(const struct snapshot *snap, struct json_object *to)
{
    const struct core_device_view *views = core_outputs_devices(snap->outputs);
    struct json_object *counts = answer_object(to, "devices");
    int32_t of[3] = { 0, 0, 0 };

    for (int32_t i = 0; i < snap->outputs->device_count; i++)
        of[views[i].quality]++;
    answer_int(counts, "good", of[CORE_DEVICE_GOOD]);
    answer_int(counts, "stale", of[CORE_DEVICE_STALE]);
    answer_int(counts, "unread", of[CORE_DEVICE_UNREAD]);
}

static void snapshot_json_envelope(const struct snapshot *snap, struct json_object *to)
{
    struct snapshot_envelope envelope = snapshot_envelope(snap);
    const struct core_node_view *root;
    struct json_object *made;

    if (snap->outputs->node_count == 0) {
        answer_null(to, "envelope");
        return;
    }
    root = &core_outputs_nodes(snap->outputs)[envelope.node];
    made = answer_object(to, "envelope");
    answer_text(made, "node", snap->names->nodes[envelope.node]);
    answer_number(made, "power_w", root->power_w);
    if (envelope.limit) {
        answer_ms(made, "window_ms", envelope.limit->window_us);
        answer_number(made, "limit_w", envelope.limit->limit_w);
        answer_number(made, "mean_w", envelope.limit->mean_w);
    } else {
        answer_null(made, "window_ms");
        answer_null(made, "limit_w");
        answer_null(made, "mean_w");
    }
}

static void snapshot_json_protection(const struct snapshot *snap, struct json_object *to)
{
    struct snapshot_protection nearest = snapshot_protection(snap->outputs);
    struct json_object *made;

    if (nearest.node == CORE_NONE) {
        answer_null(to, "protection");
        return;
    }
    made = answer_object(to, "protection");
    answer_text(made, "node", snap->names->nodes[nearest.node]);
    answer_number(made, "heat_ratio", nearest.heat_ratio);
    answer_number(made, "trip_s", nearest.trip_s);
    answer_bool(made, "engaged", snap->outputs->reasons & UINT32_C(1) << CORE_REASON_PROTECTION);
}

struct json_object *snapshot_json_status(const struct snapshot *snap, const char *version)
{
    struct json_object *to = json_object_new_object(), *orders;
    const struct core_outputs *out = snap->outputs;
    const struct operator_stats *stats = snap->stats;

    answer_text(to, "rack", snap->names->rack);
    answer_text(to, "version", version);
    answer_text(to, "mode", core_mode_label(out->mode));
    answer_text(to, "mode_wanted", core_mode_wanted_label(snap->mode_wanted));
    snapshot_json_reasons(snap, to);
    answer_bool(to, "armed", out->armed);
    answer_int(to, "exceeded", snapshot_exceeded(snap));
    answer_number(to, "uptime_s", (double)(stats->now_us - stats->started_us) / 1e6);
    answer_count(to, "step", out->step);
    answer_ms(to, "period_ms", stats->period_us);
    answer_bool(to, "realtime", stats->realtime);
    snapshot_json_device_counts(snap, to);
    snapshot_json_envelope(snap, to);
    ride_json(snap, answer_object(to, "ride"));
    snapshot_json_protection(snap, to);
    tokens_json_sum(snap, answer_object(to, "tokens"));
    forecast_json_sum(snap, answer_object(to, "forecast"));
    orders = answer_object(to, "orders");
    answer_count(orders, "written", stats->orders_written);
    answer_count(orders, "refused", stats->orders_refused);
    answer_count(orders, "failed", stats->orders_failed);
    answer_count(to, "ticks", stats->ticks);
    answer_count(to, "ticks_missed", stats->ticks_missed);
    return to;
}

/* ---- /v1/limits and /v1/nodes ---- */

static void snapshot_json_add_limits(struct json_object *limits, const char *name, bool group,
                                     const struct core_node_view *view)
{
    for (int32_t i = 0; i < view->limit_count; i++) {
        const struct core_limit_view *limit = &view->limit[i];
        struct json_object *to = answer_add_object(limits);

        answer_text(to, "node", name);
        answer_bool(to, "group", group);
        answer_ms(to, "window_ms", limit->window_us);
        answer_number(to, "limit_w", limit->limit_w);
        answer_number(to, "mean_w", limit->mean_w);
        answer_number(to, "worst_w", limit->worst_w);
        answer_count(to, "violations", limit->violations);
        answer_bool(to, "exceeded", limit->exceeded);
    }
}

struct json_object *snapshot_json_limits(const struct snapshot *snap)
{
    struct json_object *to = json_object_new_object(), *limits = answer_array(to, "limits");
    const struct core_node_view *nodes = core_outputs_nodes(snap->outputs);
    const struct core_node_view *groups = core_outputs_groups(snap->outputs);

    for (int32_t i = 0; i < snap->outputs->node_count; i++)
        snapshot_json_add_limits(limits, snap->names->nodes[i], false, &nodes[i]);
    for (int32_t i = 0; i < snap->outputs->group_count; i++)
        snapshot_json_add_limits(limits, snap->names->groups[i], true, &groups[i]);
    return to;
}

struct json_object *snapshot_json_nodes(const struct snapshot *snap)
{
    struct json_object *list = json_object_new_object(), *nodes = answer_array(list, "nodes");
    const struct core_node_view *views = core_outputs_nodes(snap->outputs);

    for (int32_t i = 0; i < snap->outputs->node_count; i++) {
        struct json_object *to = answer_add_object(nodes);

        answer_text(to, "name", snap->names->nodes[i]);
        if (snap->names->node_kinds)
            answer_text(to, "kind", core_node_kind_label(snap->names->node_kinds[i]));
        if (snap->names->node_parents) {
            int32_t parent = snap->names->node_parents[i];

            answer_text(to, "parent", parent == CORE_NONE ? NULL : snap->names->nodes[parent]);
        }
        answer_number(to, "power_w", views[i].power_w);
        answer_number(to, "low_w", views[i].low_w);
        answer_number(to, "high_w", views[i].high_w);
        answer_number(to, "forecast_w", views[i].forecast_w);
        answer_number(to, "upper_w", views[i].upper_w);
        answer_number(to, "counted_w", views[i].counted_w);
        answer_number(to, "budget_w", views[i].budget_w);
        answer_bool(to, "measured", views[i].measured);
        answer_number(to, "heat_ratio", views[i].heat_ratio);
        answer_number(to, "trip_s", isnan(views[i].heat_ratio) ? NAN : views[i].trip_s);
        answer_number(to, "damping_ratio", views[i].damping_ratio);
    }
    return list;
}

/* ---- /v1/devices ---- */

static void snapshot_json_faults(const struct operator_names *names, enum signal signal, double value,
                                 struct json_object *to)
{
    const char *faults[OPERATOR_FAULTS_MAX];
    int32_t count = names->faults(signal, value, faults);
    struct json_object *list;

    if (count < 0)
        return;
    list = answer_array(to, "faults");
    for (int32_t i = 0; i < count; i++)
        (void)json_object_array_add(list, json_object_new_string(faults[i]));
}

static void snapshot_json_readings(const struct snapshot *snap, const struct operator_device *device,
                                   const struct device_state *state, struct json_object *to)
{
    struct json_object *readings = answer_array(to, "readings");

    for (int32_t i = 0; i < device->reading_count; i++) {
        struct json_object *made = answer_add_object(readings);
        const struct device_reading *reading =
            state && i < state->reading_count ? &state->readings[i] : NULL;
        /* Texts are the device's model, serial and firmware above, not numbers. */
        bool number = strcmp(signal_unit(device->signals[i]), "text") != 0;
        bool good = reading && reading->status == ST_OK && number;

        answer_text(made, "signal", signal_name(device->signals[i]));
        answer_int(made, "index", device->indices[i]);
        answer_number(made, "value", good ? reading->value : NAN);
        answer_text(made, "unit", signal_unit(device->signals[i]));
        answer_age_ms(made, "age_ms", snap->now_us, reading ? reading->taken_us : 0);
        answer_text(made, "status", status_label(reading ? reading->status : ST_NONE));
        if (good && snap->names->faults)
            snapshot_json_faults(snap->names, device->signals[i], reading->value, made);
    }
}

static void snapshot_json_device(const struct snapshot *snap, int32_t index, bool readings,
                                 struct json_object *to)
{
    const struct operator_device *device = &snap->names->devices[index];
    const struct core_device_view *view = &core_outputs_devices(snap->outputs)[index];
    const struct snapshot_device *kept = &snap->devices[index];
    const struct device_state *state = kept->known ? &kept->state : NULL;
    int64_t age_us = snapshot_device_age_us(snap, index);

    answer_text(to, "name", device->name);
    answer_text(to, "kind", device->kind);
    answer_text(to, "bus", device->bus);
    answer_text(to, "link", device->link);
    answer_text(to, "profile", device->profile);
    answer_text(to, "quality", snapshot_json_qualities[view->quality]);
    if (age_us < 0)
        answer_null(to, "age_ms");
    else
        answer_ms(to, "age_ms", age_us);
    answer_bool(to, "reachable", state && state->reachable);
    answer_bool(to, "identified", state && state->identified);
    answer_text(to, "model", state && state->model[0] ? state->model : NULL);
    answer_text(to, "serial", state && state->serial[0] ? state->serial : NULL);
    answer_text(to, "firmware", state && state->firmware[0] ? state->firmware : NULL);
    answer_count(to, "transactions", state ? state->transactions : 0);
    answer_count(to, "timeouts", state ? state->timeouts : 0);
    answer_count(to, "nacks", state ? state->nacks : 0);
    answer_count(to, "corrupt", state ? state->corrupt : 0);
    answer_count(to, "refused", state ? state->refused : 0);
    if (readings)
        snapshot_json_readings(snap, device, state, to);
}

struct json_object *snapshot_json_devices(const struct snapshot *snap, const char *name, bool readings)
{
    struct json_object *to = json_object_new_object(), *devices = answer_array(to, "devices");

    for (int32_t i = 0; i < snap->names->device_count; i++) {
        if (!name || strcmp(snap->names->devices[i].name, name) == 0)
            snapshot_json_device(snap, i, readings, answer_add_object(devices));
    }
    return to;
}

/* ---- /v1/levers and /v1/events ---- */

struct json_object *snapshot_json_levers(const struct snapshot *snap, const char *name)
{
    struct json_object *to = json_object_new_object(), *levers = answer_array(to, "levers");

    for (int32_t i = 0; i < snap->names->lever_count; i++) {
        if (!name || strcmp(snap->names->levers[i], name) == 0)
            why_json_lever(snap, i, answer_add_object(levers));
    }
    return to;
}

static const char *snapshot_json_severity(enum ev event)
{
    switch (ev_severity(event)) {
    case 3:
        return "error";
    case 4:
        return "warning";
    case 5:
        return "notice";
    default:
        return "info";
    }
}

struct json_object *snapshot_json_events(const struct history *history, uint64_t since)
{
    struct json_object *list = json_object_new_object(), *events = answer_array(list, "events");
    const struct history_entry *entry;

    while ((entry = history_after(history, since)) != NULL) {
        struct json_object *to = answer_add_object(events);

        answer_count(to, "n", entry->number);
        answer_time(to, "at", entry->wall_us);
        answer_text(to, "id", ev_id(entry->event));
        answer_text(to, "severity", snapshot_json_severity(entry->event));
        answer_text(to, "who", entry->who);
        answer_text(to, "message", entry->message);
        answer_text(to, "advice", ev_advice(entry->event));
        since = entry->number;
    }
    answer_count(list, "last", history->last);
    return list;
}
