/* SPDX-License-Identifier: Apache-2.0 */
/* reload.c: stops the old field, starts the new one, hands core and field over.
 *
 * Main thread. A bus has one owner (flock), so the old field must be gone before
 * the new one can start. Meanwhile the tick thread keeps its rate on the old
 * core without a field: no readings come and no orders leave. The old core goes
 * only when the tick thread has adopted what it knew.
 */
#include "reload.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "busbar/clock.h"
#include "busbar/log.h"
#include "calls.h"

#define RELOAD_ORIGINALS_MAX 256   /* of one device                                    */

/* What cannot change while the daemon runs. NULL: nothing did. */
static const char *reload_fixed(const struct conf *now, const struct conf *old)
{
    if (strcmp(now->state_dir, old->state_dir) != 0)
        return "state_dir";
    if (strcmp(now->socket, old->socket) != 0)
        return "socket";
    if (now->record_ring_bytes != old->record_ring_bytes)
        return "record.ring_mib";
    if (now->rt_priority != old->rt_priority)
        return "control.rt_priority";
    if (now->cpu != old->cpu)
        return "control.cpu";
    return NULL;
}

static void reload_forget(struct app *app)
{
    app->rig_next = rig_free(app->rig_next);
    free(app->map_block);
    app->map_block = NULL;
}

/* Loads the new configuration; every error of it becomes an event. */
static enum status reload_load(struct app *app, struct conf **ret)
{
    struct conf_errors errors = { .count = 0 };
    const char *rack = app->rig->conf->rack_name, *fixed;
    enum status st = conf_load(app->config_path, ret, &errors);

    for (int32_t i = 0; st != ST_OK && i < errors.count; i++)
        EVENT(EV_CONFIG_REFUSED, rack, "%s", errors.list[i].text);
    if (st != ST_OK && errors.count == 0)
        EVENT(EV_CONFIG_REFUSED, rack, "%s: %s", app->config_path, status_label(st));
    conf_errors_done(&errors);
    if (st != ST_OK)
        return ST_REFUSED;
    fixed = reload_fixed(*ret, app->rig->conf);
    if (!fixed)
        return ST_OK;
    EVENT(EV_CONFIG_REFUSED, rack, "%s: %s cannot change while the daemon runs: restart it", app->config_path,
          fixed);
    *ret = conf_free(*ret);
    return ST_REFUSED;
}

enum status reload_prepare(struct app *app)
{
    struct rig_options opt = { .mode_wanted = app->rig->plan->mode_wanted,
                               .plan_version = app->rig->plan->version + 1 };
    enum status st;

    if (app->rig_next || app->stop)
        return ST_BUSY;
    st = reload_load(app, &opt.conf);
    if (st != ST_OK)
        return st;
    st = conf_map(opt.conf, app->rig->conf, &app->map, &app->map_block);
    if (st != ST_OK) {
        conf_free(opt.conf);
        return st;
    }
    st = rig_new(&opt, &app->rig_next);
    if (st != ST_OK) {
        reload_forget(app);
        return st;
    }
    loop_break(app->loop); /* app_run() goes on with reload_run() */
    return ST_OK;
}

static enum status reload_field(struct app *app, struct rig *rig)
{
    struct field_options opt = { .conf = rig->conf, .base = loop_base(app->loop), .tick_notify_fd = -1 };

    return field_new(&opt, &app->field);
}

/* Was the lever written to, in this run or in one before? */
static bool reload_is_ours(const struct rig *rig, int32_t lever, const struct core_lever_view *view,
                           struct original *originals)
{
    const struct conf_device *device = &rig->conf->devices[rig->names->operator.lever_devices[lever]];
    const char *signal = signal_name(device->levers[rig->names->lever_places[lever]].signal);
    int32_t count = view->number > 0 || !originals
                        ? 0 : field_originals_read(rig->conf->state_dir, device->name, originals, RELOAD_ORIGINALS_MAX);
    bool recorded = false;

    for (int32_t i = 0; i < count; i++)
        recorded = recorded || strcmp(originals[i].signal, signal) == 0;
    return view->number > 0 || recorded;
}

/* Levers that the new configuration lacks keep what they hold. */
static void reload_tell_removed(struct app *app)
{
    struct original *originals = calloc(RELOAD_ORIGINALS_MAX, sizeof *originals);
    const struct core_outputs *out = rig_outputs(app->rig);
    const struct names *names = app->rig->names;
    int32_t count = app->rig_next->config.lever_count;
    char holds[64];

    for (int32_t old = 0; out && old < out->lever_count; old++) {
        const struct core_lever_view *view = &core_outputs_levers(out)[old];
        bool stays = false;

        for (int32_t now = 0; !stays && now < count; now++)
            stays = app->map.lever[now] == old;
        if (stays || !reload_is_ours(app->rig, old, view, originals))
            continue;
        if (isnan(view->in_force))
            (void)snprintf(holds, sizeof holds, "what it holds");
        else
            (void)snprintf(holds, sizeof holds, "%g %s", view->in_force, names->operator.lever_units[old]);
        EVENT(EV_LEFT_STANDING, names_lever(names, old),
              "no longer configured: it stays at %s, and its original stays recorded", holds);
    }
    free(originals);
}

/* Back to what ran before. False: not even that starts again. */
static bool reload_undo(struct app *app, enum status why)
{
    struct tick_work work = { .rig = app->rig };

    EVENT(EV_CONFIG_REFUSED, app->rig->conf->rack_name, "%s: its devices cannot be started (%s), the old ones are",
          app->config_path, status_label(why));
    if (reload_field(app, app->rig) != ST_OK)
        return false;
    work.field = app->field;
    return tick_hand_over(app->tick, &work) == ST_OK;
}

/* Borrows the new configuration before the old one goes. */
static void reload_upstream(struct app *app, const struct rig *rig)
{
    struct pmi_calls calls = calls_pmi(app);

    if (operator_pmi(app->op, &rig->conf->pmi, &calls) != ST_OK)
        EVENT(EV_CONFIG_REFUSED, rig->conf->rack_name, "%s: nobody is served upstream: see the log line before", app->config_path);
}

static bool reload_exchange(struct app *app)
{
    struct tick_work work = { .rig = app->rig_next, .field = app->field, .map = &app->map };

    upstream_apply(&app->upstream, app->rig_next);
    rig_plan_follow(app->rig_next, app->rig);
    tokens_follow(app->tokens, app->rig_next);
    if (tick_hand_over(app->tick, &work) != ST_OK)
        return false;
    app_drain(app); /* the last of the old rig */
    operator_set_names(app->op, &app->rig_next->names->operator);
    reload_upstream(app, app->rig_next);
    recorder_config(app->recorder, app->rig_next->conf, app->rig_next->names);
    app->rig = rig_free(app->rig);
    app->rig = app->rig_next;
    app->rig_next = NULL;
    return true;
}

static bool reload_try(struct app *app)
{
    struct tick_work idle = { .rig = app->rig };
    struct field *old = app->field;
    enum status st;

    if (tick_hand_over(app->tick, &idle) != ST_OK)
        return false;
    calls_keep_buses(app);
    app->field = NULL; /* field_free() runs the base, and requests come in */
    field_free(old);
    reload_tell_removed(app);
    st = reload_field(app, app->rig_next);
    if (st != ST_OK)
        return reload_undo(app, st);
    if (!reload_exchange(app))
        return false;
    EVENT(EV_CONFIG_RELOADED, app->rig->conf->rack_name, "%s is in force: %d devices, %d levers",
          app->config_path, (int)app->rig->conf->device_count, (int)app->rig->config.lever_count);
    return true;
}

void reload_run(struct app *app)
{
    if (!app->rig_next)
        return;
    notify_reloading(clock_now_us());
    if (!reload_try(app)) {
        /* Without a field or a ticking thread only a fresh start helps; limits stand. */
        LOG(ERR, "reload", "the daemon cannot go on and ends: limits stand, the next start adopts them");
        app_quit(app, 1);
    } else {
        reload_forget(app);
    }
    notify_ready();
}
