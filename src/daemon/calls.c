/* SPDX-License-Identifier: Apache-2.0 */
/* calls.c: answers the operator part. Main thread; never waits for a device. */
#include "calls.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "busbar/clock.h"
#include "busbar/log.h"
#include "busbar/queue.h"
#include "reload.h"

/* A disk that takes longer cannot be relied on; well within the watchdog. */
#define CALLS_DISK_US INT64_C(2000000)

static const struct core_outputs *calls_outputs(void *arg)
{
    struct app *app = arg;

    return rig_outputs(app->rig);
}

static bool calls_device(void *arg, int32_t device, struct device_state *ret)
{
    struct app *app = arg;

    return app->field && field_device(app->field, device, ret);
}

/* Resident memory as the kernel counts it, in bytes; 0: not known. */
static int64_t calls_rss_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    long total = 0, resident = 0;

    if (!file)
        return 0;
    if (fscanf(file, "%ld %ld", &total, &resident) != 2)
        resident = 0;
    (void)fclose(file);
    return (int64_t)resident * sysconf(_SC_PAGESIZE);
}

static void calls_add_histogram(struct histogram *to, const struct histogram *from)
{
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++)
        to->bucket[i] += from->bucket[i];
    to->count += from->count;
    to->sum_us += from->sum_us;
    if (from->max_us > to->max_us)
        to->max_us = from->max_us;
}

/* Of every bus there is now, by protocol. */
static void calls_add_buses(const struct app *app, struct histogram to[OPERATOR_PROTOCOLS])
{
    const struct conf *conf = app->rig->conf;

    for (int32_t b = 0; app->field && b < conf->bus_count; b++) {
        struct field_bus_stats bus;

        if (field_bus(app->field, b, &bus))
            calls_add_histogram(&to[names_protocol(conf->buses[b].kind)], &bus.latency);
    }
}

void calls_keep_buses(struct app *app)
{
    calls_add_buses(app, app->transactions);
}

static void calls_stats(void *arg, struct operator_stats *ret)
{
    struct app *app = arg;
    const struct tick_stats *stats = &app->stats;

    (void)tick_stats_get(app->tick, &app->stats);
    *ret = (struct operator_stats){
        .started_us = app->started_us, .now_us = clock_now_us(),
        .period_us = stats->period_us, .ticks = stats->ticks, .ticks_missed = stats->missed,
        .tick_lateness = stats->lateness, .core_step = stats->core_step,
        .orders_written = stats->latency.written, .orders_refused = stats->latency.refused,
        .orders_failed = stats->latency.failed,
        .records_dropped = stats->unrecorded, .events_dropped = stats->events_lost + eventlog_lost(app->eventlog),
        .realtime = tick_realtime(app->tick), .rss_bytes = calls_rss_bytes(),
    };
    memcpy(ret->latency, stats->latency.protocol, sizeof ret->latency);
    memcpy(ret->transaction, app->transactions, sizeof ret->transaction);
    calls_add_buses(app, ret->transaction);
}

static enum core_mode_wanted calls_mode_wanted(void *arg)
{
    struct app *app = arg;

    return app->rig->plan->mode_wanted;
}

/* The reason why it is refused, NULL: the wish for control is on the disk. What did not get there in
 * time may still: it is followed by what holds, so that a restart does not begin with what was refused. */
static const char *calls_keep_control(struct app *app, const struct state *state)
{
    enum status st;

    keeper_put(app->keeper, state);
    st = keeper_wait(app->keeper, CALLS_DISK_US);
    if (st == ST_OK)
        return NULL;
    if (st != ST_BUSY)
        return "cannot be written";
    keeper_put(app->keeper, &app->state);
    return "was not written in time";
}

/* `control` needs a place for originals: refused where the wish itself cannot be
 * kept. `observe` and `emergency` only ever make a rack safer: they hold at once,
 * and where they cannot be kept until the next start. */
static enum status calls_set_mode(void *arg, enum core_mode_wanted mode, const char *who)
{
    struct app *app = arg;
    const char *label = core_mode_wanted_label(mode), *why;
    struct state state = { .mode_wanted = mode, .wall_us = clock_wall_us() };

    if (mode != CORE_WANT_OBSERVE && mode != CORE_WANT_CONTROL && mode != CORE_WANT_EMERGENCY)
        return ST_REFUSED;
    (void)snprintf(state.who, sizeof state.who, "%s", who);
    why = mode == CORE_WANT_CONTROL ? calls_keep_control(app, &state) : NULL;
    if (why) {
        EVENT(EV_MODE_WANTED, app->rig->conf->rack_name,
              "%s asked for %s: refused, %s %s, so no original value could be kept", who, label,
              app->rig->conf->state_dir, why);
        return ST_REFUSED;
    }
    app->state = state;
    if (mode != app->rig->plan->mode_wanted) {
        app->rig->plan->mode_wanted = mode;
        rig_plan_put(app->rig);
        EVENT(EV_MODE_WANTED, app->rig->conf->rack_name, "%s asked for %s", who, label);
    }
    if (mode != CORE_WANT_CONTROL) { /* who keeps it says when it cannot be kept */
        keeper_put(app->keeper, &app->state);
        if (keeper_wait(app->keeper, CALLS_DISK_US) == ST_BUSY)
            LOG(WARNING, app->rig->conf->state_dir, "slow: %s is in force, and not on the disk yet", label);
    }
    return ST_OK;
}

/* Why a lever's value is not for people to set now; NULL: it is. */
static const char *calls_hold_refusal(const struct app *app, int32_t lever, double value)
{
    const struct core_config_lever *conf = &app->rig->config.levers[lever];

    if (app->rig->plan->mode_wanted != CORE_WANT_CONTROL)
        return "nothing is written unless the mode is control: busbarctl mode control";
    if (conf->use != CORE_LEVER_HOLD)
        return "the control loop works out what it holds (busbarctl why shows how): change a limit instead";
    if (!(value >= conf->min && value <= conf->max))
        return "outside what its configuration allows";
    return NULL;
}

static enum status calls_hold(void *arg, int32_t lever, double value, const char *who, const char **ret_why)
{
    struct app *app = arg;
    const char *why = calls_hold_refusal(app, lever, value), *name = names_lever(app->rig->names, lever);
    struct core_plan_lever *plan = &core_plan_levers(app->rig->plan)[lever];

    if (why) {
        char asked[CONF_NAME_MAX + STATE_WHO_MAX];
        uint64_t held;

        (void)snprintf(asked, sizeof asked, "%s %s", who, name);
        if (!eventlog_repeats(app->eventlog, EV_PLAN_REFUSED, asked, clock_now_us(), &held))
            EVENT(EV_PLAN_REFUSED, name, "%s asked for %g %s: %s", who, value,
                  app->rig->names->operator.lever_units[lever], why);
        *ret_why = why;
        return ST_REFUSED;
    }
    EVENT(EV_PLAN_CHANGED, name, "%s: holds %g %s from now on, was %g; a reload returns to the configuration", who, value,
          app->rig->names->operator.lever_units[lever], plan->target);
    plan->target = value;
    rig_plan_put(app->rig);
    return ST_OK;
}

static enum status calls_token(void *arg, const struct operator_wish *wish, struct operator_token *ret)
{
    struct app *app = arg;

    return tokens_put(app->tokens, app->rig, wish, ret);
}

static enum status calls_token_check(void *arg, const struct operator_wish *wish)
{
    struct app *app = arg;

    return tokens_check(app->tokens, app->rig, wish);
}

static enum status calls_hint(void *arg, const struct core_hint *hint)
{
    struct app *app = arg;

    if (app->rig->config.forecast != CORE_FORECAST_LEARN)
        return ST_REFUSED;
    return queue_put(app->rig->hints, hint, sizeof *hint, NULL, 0) ? ST_OK : ST_BUSY;
}

static const char *calls_client(void *arg, uint64_t client)
{
    struct app *app = arg;

    return tokens_client(app->tokens, client);
}

static enum status calls_record(void *arg, int64_t last_us, void **ret, size_t *ret_size)
{
    struct app *app = arg;
    enum status st;

    recorder_drain(app->recorder, app->rig->tap);
    st = recorder_save(app->recorder, last_us, ret, ret_size);
    if (st == ST_OK)
        EVENT(EV_RECORD_SAVED, app->rig->conf->rack_name, "a recording of %zu bytes was handed out", *ret_size);
    return st;
}

static enum status calls_reload(void *arg)
{
    return reload_prepare(arg);
}

struct operator_calls calls_make(struct app *app)
{
    return (struct operator_calls){
        .arg = app, .outputs = calls_outputs, .device = calls_device, .stats = calls_stats,
        .set_mode = calls_set_mode, .mode_wanted = calls_mode_wanted, .record = calls_record,
        .reload = calls_reload, .hold = calls_hold, .token = calls_token,
        .token_check = calls_token_check, .hint = calls_hint, .client = calls_client,
    };
}

static enum status calls_pmi_budget(void *arg, double budget_w, int64_t until_us, const char **ret_why)
{
    struct app *app = arg;

    (void)ret_why; /* the configuration has allowed it, within its limits */
    app->upstream.budget_w = budget_w;
    app->upstream.until_us = until_us;
    upstream_apply(&app->upstream, app->rig);
    rig_plan_put(app->rig);
    return ST_OK;
}

static enum status calls_pmi_ride(void *arg, const struct pmi_ride *ride, const char **ret_why)
{
    struct app *app = arg;

    (void)ret_why;
    app->upstream.ride = *ride;
    upstream_apply(&app->upstream, app->rig);
    rig_plan_put(app->rig);
    return ST_OK;
}

struct pmi_calls calls_pmi(struct app *app)
{
    return (struct pmi_calls){ .arg = app, .budget = calls_pmi_budget, .ride = calls_pmi_ride };
}
