/* SPDX-License-Identifier: Apache-2.0 */
/* demo_daemon.h: the busbard that the demo runs: started, watched, always ended. */
#ifndef BUSBAR_SIM_DEMO_DAEMON_H
#define BUSBAR_SIM_DEMO_DAEMON_H

#include <stdbool.h>
#include <sys/types.h>

#include "busbar/status.h"

struct event_base;

struct demo_daemon {
    pid_t pid;            /* 0: none runs                                    */
    int exit_status;      /* as waitpid() gave it, once it ended             */
    const char *log_path; /* its standard error goes there; borrowed         */
};

/* Runs `program --config config`. ST_SYS is said on standard error. */
NODISCARD enum status demo_daemon_start(struct demo_daemon *daemon, const char *program, const char *config,
                                        const char *log_path);

/* Is it still there? */
bool demo_daemon_runs(struct demo_daemon *daemon);

/* SIGTERM, and SIGKILL after 10 s. The base is run meanwhile: the daemon logs
 * out of its BMCs, which live on it. */
void demo_daemon_stop(struct demo_daemon *daemon, struct event_base *base);

/* The last lines of its log, on standard error. */
void demo_daemon_show_log(const struct demo_daemon *daemon);

#endif
