/* SPDX-License-Identifier: Apache-2.0 */
/* app.h: the daemon: every object it owns, started in order, stopped backwards. */
#ifndef BUSBAR_DAEMON_APP_H
#define BUSBAR_DAEMON_APP_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/conf.h"
#include "busbar/field.h"
#include "busbar/operator.h"
#include "busbar/status.h"
#include "eventlog.h"
#include "keeper.h"
#include "loop.h"
#include "notify.h"
#include "recorder.h"
#include "rig.h"
#include "state.h"
#include "tick.h"
#include "tokens.h"
#include "upstream.h"

struct app {
    const char *config_path;          /* borrowed                                      */
    int parts_started;                /* of app.c's list                               */
    int64_t started_us;
    bool stop;                        /* leave app_run()                               */
    int exit_status;
    struct conf *conf;                /* given to the rig when that starts             */
    struct eventlog *eventlog;
    struct loop *loop;
    int state_fd;                     /* holds the lock of the state directory; -1     */
    bool state_writable;
    struct state state;
    struct keeper *keeper;            /* of `state`, on the disk                       */
    struct rig *rig;
    struct rig *rig_next;             /* of a reload that waits for app_run()          */
    bool reload_again;                /* SIGHUP came while one was under way           */
    struct upstream upstream;         /* what is leased from above; outlives rigs      */
    struct tokens *tokens;            /* wishes for power; outlives rigs               */
    struct core_map map;              /* from `rig` to `rig_next`                      */
    void *map_block;
    struct recorder *recorder;
    struct histogram transactions[OPERATOR_PROTOCOLS]; /* with fields that a reload ended */
    struct field *field;              /* NULL for a short while during a reload        */
    struct operator *op;
    struct tick *tick;
    struct tick_stats stats;
    struct notify notify;
};

/* `conf` is given. ST_BUSY: another daemon runs; ST_RANGE: not with this configuration; anything
 * else may be over at the next try, and every reason was logged. */
NODISCARD enum status app_new(struct conf *conf, const char *config_path, struct app **ret);

/* Until SIGTERM or SIGINT; the exit status. */
int app_run(struct app *app);

/* Stops everything; writes nothing to a device. Takes NULL; returns NULL. */
struct app *app_free(struct app *app);

/* Takes what the tick thread left: events, recording, counters. */
void app_drain(struct app *app);

/* Ends app_run() with this exit status. */
void app_quit(struct app *app, int exit_status);

/* Does somebody listen on this UNIX socket? */
bool app_socket_answers(const char *path);

#endif
