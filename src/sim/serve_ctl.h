/* SPDX-License-Identifier: Apache-2.0 */
/* serve_ctl.h: the control socket of a served rack: faults, load, envelope,
 * meter and true values, for tests and people. docs/simulator.md lists it.
 *
 * A UNIX stream socket: one line in, one line of JSON out, as often as wanted.
 */
#ifndef BUSBAR_SIM_SERVE_CTL_H
#define BUSBAR_SIM_SERVE_CTL_H

#include "busbar/status.h"

struct serve;
struct serve_ctl;
struct json_object;

/* Listens at `path` (replaced when it is a socket nobody answers at). `serve`
 * is borrowed. ST_SYS is said on standard error. */
NODISCARD enum status serve_ctl_new(struct serve *serve, const char *path, struct serve_ctl **ret);
struct serve_ctl *serve_ctl_free(struct serve_ctl *ctl);

/* One command; the answer is the caller's to put. {"ok": false, "error":
 * "..."} when it was refused. Changes `line`. */
struct json_object *serve_ctl_command(struct serve *serve, char *line);

#endif
