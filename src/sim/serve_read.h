/* SPDX-License-Identifier: Apache-2.0 */
/* serve_read.h: the plant's truth as JSON, for the control socket. Pure. */
#ifndef BUSBAR_SIM_SERVE_READ_H
#define BUSBAR_SIM_SERVE_READ_H

#include "faults.h"
#include "meter.h"
#include "plant.h"

struct json_object;

#define SERVE_READ_NAME_MAX 32

/* "bmc-1.gpu-0"; "psu-1-1" or "bbu-1-1" of a shelf and a slot that count from 0. */
void serve_read_gpu_name(const struct plant *plant, int32_t gpu, char ret[SERVE_READ_NAME_MAX]);
void serve_read_module_name(bool psu, int32_t shelf, int32_t slot, char ret[SERVE_READ_NAME_MAX]);

/* A node's GPUs, a supply, a battery or a shelf; NULL: nothing to say of it. */
struct json_object *serve_read_device(const struct plant *plant, struct faults_target target);

/* "gpus", "psus" or "bbus": all of them by name; NULL: another word. */
struct json_object *serve_read_all(const struct plant *plant, const char *kind);

/* limits[] {node, window_ms, limit_w, worst_w, violations, partial} */
struct json_object *serve_read_limits(const struct meter *meter);

/* A number with so many decimals; NULL (JSON's null) when it is not finite. */
struct json_object *serve_read_number(double value, int decimals);

#endif
