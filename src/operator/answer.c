/* SPDX-License-Identifier: Apache-2.0 */
/* answer.c: keys and values for json-c; the one place that keeps them valid. Pure.
 *
 * Where memory ends, json-c gives NULL, which prints as null; api.c refuses an
 * answer that could not be built at all.
 */
#include "answer.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#define ANSWER_TEXT_MAX 1024

/* Bytes of the valid UTF-8 character at `at`; 0 where there is none. */
static size_t answer_utf8(const unsigned char *at)
{
    size_t size;

    if (at[0] < 0x80)
        return 1;
    if (at[0] >= 0xc2 && at[0] <= 0xdf)
        size = 2;
    else if (at[0] >= 0xe0 && at[0] <= 0xef)
        size = 3;
    else if (at[0] >= 0xf0 && at[0] <= 0xf4)
        size = 4;
    else
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0; /* also the end of the text */
    }
    /* overlong forms, surrogates, past U+10FFFF */
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf0 && at[1] < 0x90) ||
        (at[0] == 0xf4 && at[1] > 0x8f))
        return 0;
    return size;
}

void answer_text(struct json_object *to, const char *key, const char *text)
{
    char safe[ANSWER_TEXT_MAX];
    const unsigned char *at = (const unsigned char *)text;
    size_t used = 0;

    if (!text) {
        answer_null(to, key);
        return;
    }
    while (*at && used + 4 < sizeof safe) {
        size_t size = answer_utf8(at);

        if (size == 0) {
            safe[used++] = '?';
            at++;
            continue;
        }
        for (; size > 0; size--)
            safe[used++] = (char)*at++;
    }
    json_object_object_add(to, key, json_object_new_string_len(safe, (int)used));
}

void answer_number(struct json_object *to, const char *key, double value)
{
    char text[40];

    if (!isfinite(value)) {
        answer_null(to, key);
        return;
    }
    (void)snprintf(text, sizeof text, "%.10g", value == 0.0 ? 0.0 : value);
    json_object_object_add(to, key, json_object_new_double_s(value, text));
}

void answer_count(struct json_object *to, const char *key, uint64_t value)
{
    json_object_object_add(to, key, json_object_new_uint64(value));
}

void answer_int(struct json_object *to, const char *key, int64_t value)
{
    json_object_object_add(to, key, json_object_new_int64(value));
}

void answer_bool(struct json_object *to, const char *key, bool value)
{
    json_object_object_add(to, key, json_object_new_boolean(value));
}

void answer_null(struct json_object *to, const char *key)
{
    json_object_object_add(to, key, NULL);
}

void answer_ms(struct json_object *to, const char *key, int64_t us)
{
    answer_number(to, key, (double)us / 1e3);
}

void answer_age_ms(struct json_object *to, const char *key, int64_t now_us, int64_t at_us)
{
    if (at_us <= 0)
        answer_null(to, key);
    else
        answer_ms(to, key, now_us > at_us ? now_us - at_us : 0);
}

void answer_time(struct json_object *to, const char *key, int64_t wall_us)
{
    time_t wall_s = (time_t)(wall_us / 1000000);
    struct tm tm;
    char day[32], text[48];

    if (wall_us < 0 || !gmtime_r(&wall_s, &tm) || strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm) == 0) {
        answer_null(to, key);
        return;
    }
    (void)snprintf(text, sizeof text, "%s.%03" PRId64 "Z", day, wall_us / 1000 % 1000);
    answer_text(to, key, text);
}

struct json_object *answer_object(struct json_object *to, const char *key)
{
    struct json_object *made = json_object_new_object();

    json_object_object_add(to, key, made);
    return made;
}

struct json_object *answer_array(struct json_object *to, const char *key)
{
    struct json_object *made = json_object_new_array();

    json_object_object_add(to, key, made);
    return made;
}

struct json_object *answer_add_object(struct json_object *array)
{
    struct json_object *made = json_object_new_object();

    json_object_array_add(array, made);
    return made;
}
