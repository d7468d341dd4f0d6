/* SPDX-License-Identifier: Apache-2.0 */
/* app.c: owns every object of the daemon.
 *
 * Main thread. Start-up is the list below from the top, shut-down the same list
 * from the bottom; a part that fails stops those started before it. Nothing here
 * writes to a device: after an orderly stop `busbard --restore` does.
 */
#include "app.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "busbar/clock.h"
#include "busbar/log.h"
#include "calls.h"
#include "reload.h"

#define APP_DRAIN_US 50000
#define APP_GROUP "busbar"

/* ---- parts ---- */

static enum status app_start_eventlog(struct app *app)
{
    return eventlog_new(&app->eventlog);
}

static void app_stop_eventlog(struct app *app)
{
    app->eventlog = eventlog_free(app->eventlog);
}

static enum status app_start_loop(struct app *app)
{
    return loop_new(&app->loop);
}

static void app_stop_loop(struct app *app)
{
    app->loop = loop_free(app->loop);
}

bool app_socket_answers(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool answers;

    if (fd < 0)
        return false;
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%.107s", path);
    answers = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 || errno == EAGAIN;
    (void)close(fd);
    return answers;
}

/* The state directory, its lock, the socket's directory. A state directory that
 * cannot be written costs `control`, not the daemon. */
static enum status app_start_places(struct app *app)
{
    char dir[CONF_PATH_MAX];
    char *slash;

    app->state_fd = -1;
    app->state_writable = state_dir_make(app->conf->state_dir) == ST_OK;
    if (app_socket_answers(app->conf->socket)) {
        LOG(ERR, app->conf->socket, "another busbard answers here");
        return ST_BUSY;
    }
    if (state_lock(app->conf->state_dir, &app->state_fd) == ST_BUSY) {
        LOG(ERR, app->conf->state_dir, "another busbard owns this state directory");
        return ST_BUSY;
    }
    (void)snprintf(dir, sizeof dir, "%s", app->conf->socket);
    slash = strrchr(dir, '/');
    if (!slash || slash == dir)
        return ST_OK;
    *slash = '\0';
    return state_dir_make(dir);
}

static void app_stop_places(struct app *app)
{
    if (app->state_fd >= 0)
        (void)close(app->state_fd);
    app->state_fd = -1;
}

/* The configuration gives only the first mode. */
static enum status app_start_state(struct app *app)
{
    enum status st = keeper_new(app->conf->state_dir, &app->keeper);

    if (st != ST_OK)
        return st;
    st = state_load(app->conf->state_dir, &app->state);
    if (st == ST_OK)
        return ST_OK;
    app->state = (struct state){ .mode_wanted = app->conf->mode_first, .wall_us = clock_wall_us() };
    if (st != ST_NONE) /* somebody had wanted something */
        EVENT(EV_MODE_WANTED, app->conf->rack_name,
              "%s/state cannot be read (%s): %s, the configuration's first mode; say what is wanted: busbarctl mode",
              app->conf->state_dir, status_label(st), core_mode_wanted_label(app->state.mode_wanted));
    (void)snprintf(app->state.who, sizeof app->state.who, "configuration");
    if (app->state_writable)
        keeper_put(app->keeper, &app->state);
    return ST_OK;
}

static void app_stop_state(struct app *app)
{
    app->keeper = keeper_free(app->keeper);
}

static enum status app_start_rig(struct app *app)
{
    struct rig_options opt = { .conf = app->conf, .mode_wanted = app->state.mode_wanted, .plan_version = 1 };
    enum status st;

    app->conf = NULL;
    if (tokens_new(&app->tokens) != ST_OK) {
        conf_free(opt.conf);
        return ST_NOMEM;
    }
    upstream_init(&app->upstream);
    st = rig_new(&opt, &app->rig);
    if (st == ST_OK) {
        upstream_apply(&app->upstream, app->rig);
        rig_plan_first_put(app->rig);
    }
    return st;
}

static void app_stop_rig(struct app *app)
{
    app->rig_next = rig_free(app->rig_next);
    free(app->map_block);
    app->rig = rig_free(app->rig);
    app->tokens = tokens_free(app->tokens);
}

static enum status app_start_recorder(struct app *app)
{
    enum status st = recorder_new((size_t)app->rig->conf->record_ring_bytes, &app->recorder);

    if (st == ST_OK)
        recorder_config(app->recorder, app->rig->conf, app->rig->names);
    return st;
}

static void app_stop_recorder(struct app *app)
{
    app->recorder = recorder_free(app->recorder);
}

static enum status app_start_field(struct app *app)
{
    struct field_options opt = { .conf = app->rig->conf, .base = loop_base(app->loop), .tick_notify_fd = -1 };
    enum status st = field_new(&opt, &app->field);

    return st == ST_BUSY ? ST_SYS : st; /* who holds a line for a moment is no other daemon */
}

static void app_stop_field(struct app *app)
{
    struct field *field = app->field;

    app->field = NULL; /* field_free() runs the base */
    field_free(field);
}

static enum status app_start_operator(struct app *app)
{
    struct operator_options opt = { .base = loop_base(app->loop), .socket = app->rig->conf->socket, .group = APP_GROUP,
                                    .calls = calls_make(app) };
    enum status st = operator_new(&opt, &app->op);

    if (st == ST_OK)
        operator_set_names(app->op, &app->rig->names->operator);
    return st;
}

static void app_stop_operator(struct app *app)
{
    app->op = operator_free(app->op);
}

static enum status app_start_tick(struct app *app)
{
    const struct conf *conf = app->rig->conf;
    struct tick_work work = { .rig = app->rig, .field = app->field };
    struct tick_priority priority = { .fifo = conf->rt_priority, .cpu = conf->cpu };
    enum status st = tick_new(&work, &app->tick);
    int refused = 0;

    if (st != ST_OK)
        return st;
    /* Pages in use stay; those never touched need no memory. */
    if (conf->rt_priority > 0 && mlockall(MCL_CURRENT | MCL_ONFAULT) != 0)
        LOG(INFO, "tick", "memory is not locked: %s", strerror(errno));
    st = tick_start(app->tick, &priority, &refused);
    if (st == ST_OK && refused != 0)
        EVENT(EV_PRIORITY_REFUSED, conf->rack_name, "the tick thread runs without priority %d or CPU %d: %s",
              (int)conf->rt_priority, (int)conf->cpu, strerror(refused));
    return st;
}

static void app_stop_tick(struct app *app)
{
    app->tick = tick_free(app->tick);
    app_drain(app); /* what its last ticks left */
}

static void app_on_stop(void *arg)
{
    app_quit(arg, 0);
}

static void app_on_reload(void *arg)
{
    struct app *app = arg;

    if (app->rig_next)
        app->reload_again = true; /* the file may have changed since the one under way read it */
    else if (reload_prepare(app) != ST_OK) /* an event has said why */
        LOG(NOTICE, app->config_path, "the reload was refused, the old configuration stays");
}

/* True: one was asked for while another was under way, and is ready to run. */
static bool app_reload_again(struct app *app)
{
    bool again = app->reload_again && !app->stop;

    app->reload_again = false;
    if (again)
        app_on_reload(app);
    return again && app->rig_next;
}

static void app_on_timer(void *arg)
{
    app_drain(arg);
}

/* After the first tick can come: requests are answered from a snapshot. A port that cannot
 * be had costs whoever is upstream, not the rack: the standing budget applies. */
static enum status app_start_upstream(struct app *app)
{
    struct pmi_calls calls = calls_pmi(app);

    if (operator_pmi(app->op, &app->rig->conf->pmi, &calls) != ST_OK)
        EVENT(EV_CONFIG_REFUSED, app->rig->conf->rack_name,
              "nobody is served upstream: the log line before says why; a reload tries again");
    return ST_OK;
}

static void app_stop_upstream(struct app *app)
{
    if (operator_pmi(app->op, NULL, NULL) != ST_OK)
        LOG(WARNING, "busbard", "the upstream server did not stop in order");
}

static enum status app_start_signals(struct app *app)
{
    sigset_t held;
    enum status st = loop_on_signal(app->loop, SIGTERM, app_on_stop, app);

    if (st == ST_OK)
        st = loop_on_signal(app->loop, SIGINT, app_on_stop, app);
    if (st == ST_OK)
        st = loop_on_signal(app->loop, SIGHUP, app_on_reload, app);
    if (st == ST_OK)
        st = loop_every(app->loop, APP_DRAIN_US, app_on_timer, app);
    (void)sigemptyset(&held);
    (void)sigaddset(&held, SIGHUP);
    (void)sigaddset(&held, SIGTERM);
    (void)sigaddset(&held, SIGINT);
    if (st == ST_OK)
        (void)pthread_sigmask(SIG_UNBLOCK, &held, NULL); /* what came meanwhile is heard now */
    return st;
}

static void app_stop_signals(struct app *app)
{
    (void)app; /* they end with the loop, and until then a second SIGTERM does no harm */
}

struct app_part {
    const char *name;
    enum status (*start)(struct app *app);
    void (*stop)(struct app *app);     /* takes a half-started part                     */
};

static const struct app_part app_parts[] = {
    { .name = "event log", .start = app_start_eventlog, .stop = app_stop_eventlog },
    { .name = "event loop", .start = app_start_loop, .stop = app_stop_loop },
    { .name = "directories", .start = app_start_places, .stop = app_stop_places },
    { .name = "state", .start = app_start_state, .stop = app_stop_state },
    { .name = "core", .start = app_start_rig, .stop = app_stop_rig },
    { .name = "recorder", .start = app_start_recorder, .stop = app_stop_recorder },
    { .name = "devices", .start = app_start_field, .stop = app_stop_field },
    { .name = "control socket", .start = app_start_operator, .stop = app_stop_operator },
    { .name = "tick", .start = app_start_tick, .stop = app_stop_tick },
    { .name = "upstream server", .start = app_start_upstream, .stop = app_stop_upstream },
    { .name = "signals and timer", .start = app_start_signals, .stop = app_stop_signals },
};

#define APP_PARTS ((int)(sizeof app_parts / sizeof app_parts[0]))

/* ---- the whole ---- */

enum status app_new(struct conf *conf, const char *config_path, struct app **ret)
{
    struct app *app = calloc(1, sizeof *app);
    enum status st = ST_OK;

    if (!app) {
        conf_free(conf);
        return ST_NOMEM;
    }
    app->conf = conf;
    app->config_path = config_path;
    app->state_fd = -1;
    app->started_us = clock_now_us();
    notify_init(&app->notify);
    while (st == ST_OK && app->parts_started < APP_PARTS) {
        const struct app_part *part = &app_parts[app->parts_started++];

        st = part->start(app);
        if (st != ST_OK)
            LOG(ERR, "busbard", "cannot start: %s: %s", part->name, status_label(st));
    }
    if (st != ST_OK) {
        app_free(app);
        return st;
    }
    EVENT(EV_STARTED, app->rig->conf->rack_name,
          "busbard %s (%s): %d devices, %d levers, %s wanted, one tick each %g ms", BUSBAR_VERSION,
          BUSBAR_COMMIT, (int)app->rig->conf->device_count, (int)app->rig->config.lever_count,
          core_mode_wanted_label(app->state.mode_wanted), (double)app->rig->conf->period_us / 1000.0);
    *ret = app;
    return ST_OK;
}

void app_quit(struct app *app, int exit_status)
{
    app->stop = true;
    app->exit_status = exit_status;
    loop_break(app->loop);
}

/* One line for `systemctl status`. */
static void app_status_line(struct app *app, char *text, size_t room)
{
    const struct core_outputs *out = rig_outputs(app->rig);
    int stale = 0;

    if (!out) {
        (void)snprintf(text, room, "starting");
        return;
    }
    for (int32_t d = 0; d < out->device_count; d++)
        stale += core_outputs_devices(out)[d].quality != CORE_DEVICE_GOOD;
    (void)snprintf(text, room, "%s (%s wanted), %.0f W, %d of %d devices not read, %sarmed",
                   core_mode_label(out->mode), core_mode_wanted_label(app->rig->plan->mode_wanted),
                   out->node_count > 0 ? core_outputs_nodes(out)[0].power_w : 0.0, stale,
                   (int)out->device_count, out->armed ? "" : "not ");
}

void app_drain(struct app *app)
{
    char status[NOTIFY_STATUS_MAX];

    eventlog_core(app->eventlog, app->op, app->rig);
    recorder_drain(app->recorder, app->rig->tap);
    eventlog_drain(app->eventlog, app->op);
    if (!app->tick)
        return;
    (void)tick_stats_get(app->tick, &app->stats);
    app_status_line(app, status, sizeof status);
    notify_step(&app->notify, app->stats.ticks, clock_now_us(), status);
}

int app_run(struct app *app)
{
    while (!app->stop) {
        if (loop_run(app->loop) != ST_OK) {
            LOG(ERR, "busbard", "the event base failed");
            app_quit(app, 1);
        }
        do {
            if (!app->stop)
                reload_run(app);
        } while (app_reload_again(app));
    }
    notify_stopping();
    EVENT(EV_STOPPED, app->rig->conf->rack_name, "stopping; limits stay where they are");
    return app->exit_status;
}

struct app *app_free(struct app *app)
{
    if (!app)
        return NULL;
    while (app->parts_started > 0)
        app_parts[--app->parts_started].stop(app);
    conf_free(app->conf);
    free(app);
    return NULL;
}
