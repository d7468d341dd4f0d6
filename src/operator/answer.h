/* SPDX-License-Identifier: Apache-2.0 */
/* answer.h: small helpers over json-c that keep every answer valid JSON. Pure.
 *
 * Each answer_*() adds one key to `to`. NaN and infinity become null; text
 * that is no UTF-8 (a device's serial number may be anything) is made so.
 */
#ifndef OPERATOR_ANSWER_H
#define OPERATOR_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

struct json_object;

void answer_text(struct json_object *to, const char *key, const char *text); /* NULL: null */
void answer_number(struct json_object *to, const char *key, double value);
void answer_count(struct json_object *to, const char *key, uint64_t value);
void answer_int(struct json_object *to, const char *key, int64_t value);
void answer_bool(struct json_object *to, const char *key, bool value);
void answer_null(struct json_object *to, const char *key);
/* Microseconds as milliseconds, to the microsecond. */
void answer_ms(struct json_object *to, const char *key, int64_t us);
/* The age of something at `at_us`; null where it never was (0 or below). */
void answer_age_ms(struct json_object *to, const char *key, int64_t now_us, int64_t at_us);
/* RFC 3339, UTC, with milliseconds. */
void answer_time(struct json_object *to, const char *key, int64_t wall_us);
/* A new object or array under `key`, owned by `to`. */
struct json_object *answer_object(struct json_object *to, const char *key);
struct json_object *answer_array(struct json_object *to, const char *key);
/* A new object at the end of an array, owned by it. */
struct json_object *answer_add_object(struct json_object *array);

#endif
