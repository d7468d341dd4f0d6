/* SPDX-License-Identifier: Apache-2.0 */
/* serve_read.h: the plant's truth as JSON, for the control socket. Pure. */
#ifndef BUSBAR_SIM_SERVE_READ_H
#define BUSBAR_SIM_SERVE_READ_H

#include "faults.h"
#include "meter.h"
#include "plant.h"

struct json_object;

/* A node's GPUs, a supply, a battery or a shelf; NULL: nothing to say of it. */
struct json_object *serve_read_device(const struct plant *plant, struct faults_target target);

/* "gpus", "psus" or "bbus": all of them by name; NULL: another word. */
struct json_object *serve_read_all(const struct plant *plant, const char *kind);

/* limits[] {node, window_ms, limit_w, worst_w, violations, partial} */
struct json_object *serve_read_limits(const struct meter *meter);

/* A number with so many decimals; NULL (JSON's null) when it is not finite. */
struct json_object *serve_read_number(double value, int decimals);

#endif
