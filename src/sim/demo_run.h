/* SPDX-License-Identifier: Apache-2.0 */
/* demo_run.h: the demo's course once rack and daemon are there: wait until the
 * devices are good, observe, arm, control, save the record. On one event base. */
#ifndef BUSBAR_SIM_DEMO_RUN_H
#define BUSBAR_SIM_DEMO_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/status.h"
#include "demo_daemon.h"
#include "demo_report.h"
#include "serve.h"

struct demo_run;

struct demo_run_options {
    struct event_base *base; /* borrowed, as all of these                       */
    struct serve *serve;
    struct demo_daemon *daemon;
    const char *socket;         /* the daemon's                                    */
    const char *record;         /* where the recording is saved; NULL: nowhere     */
    double half_s, start_s;     /* length of a half; where it begins in the trace  */
    struct demo_report *report; /* arming_ms and both halves are filled in         */
};

/* The run is over, or failed, when the base's loop breaks. */
NODISCARD enum status demo_run_new(const struct demo_run_options *opt, struct demo_run **ret);
struct demo_run *demo_run_free(struct demo_run *run);

/* True: both halves are measured. Otherwise `why` says what went wrong. */
bool demo_run_done(const struct demo_run *run, const char **why);

#endif
