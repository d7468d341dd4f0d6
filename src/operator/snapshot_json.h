/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot_json.h: one tick's snapshot as JSON, one call a route. Pure.
 *
 * The shapes are in docs/api.md. Every call gives a new object that the caller
 * puts; NULL where memory ended.
 */
#ifndef OPERATOR_SNAPSHOT_JSON_H
#define OPERATOR_SNAPSHOT_JSON_H

#include "history.h"
#include "snapshot.h"

struct json_object;

struct json_object *snapshot_json_status(const struct snapshot *snap, const char *version);
struct json_object *snapshot_json_limits(const struct snapshot *snap);
struct json_object *snapshot_json_nodes(const struct snapshot *snap);
/* `name` NULL: all. With `readings` false the readings are left out. */
struct json_object *snapshot_json_devices(const struct snapshot *snap, const char *name, bool readings);
struct json_object *snapshot_json_levers(const struct snapshot *snap, const char *name);
struct json_object *snapshot_json_events(const struct history *history, uint64_t since);

/* The index of a name, or CORE_NONE. */
int32_t snapshot_json_find_lever(const struct snapshot *snap, const char *name);
int32_t snapshot_json_find_device(const struct snapshot *snap, const char *name);

/* why_json.c: one lever, with the sentence that explains it. */
struct json_object *why_json(const struct snapshot *snap, int32_t lever);
/* What /v1/levers and /v1/why have in common. */
void why_json_lever(const struct snapshot *snap, int32_t lever, struct json_object *to);

/* forecast_json.c: GET /v1/forecast; the sum into an object that is there */
struct json_object *forecast_json(const struct snapshot *snap);
void forecast_json_sum(const struct snapshot *snap, struct json_object *to);

/* ride_json.c: into an object that is there */
void ride_json(const struct snapshot *snap, struct json_object *to);

/* tokens_json.c: every client, one into an object that is there, their sum */
struct json_object *tokens_json(const struct snapshot *snap);
void tokens_json_one(const struct snapshot *snap, const struct core_token_view *view, struct json_object *to);
void tokens_json_sum(const struct snapshot *snap, struct json_object *to);

/* stats_json.c */
struct json_object *stats_json(const struct operator_stats *stats, bool raw);

#endif
