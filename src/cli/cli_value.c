/* SPDX-License-Identifier: Apache-2.0 */
/* cli_value.c: keys of an answer and words for people. Pure. */
#include "cli_value.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct json_object *cli_key(struct json_object *of, const char *key)
{
    struct json_object *found = NULL;

    if (!json_object_is_type(of, json_type_object) || !json_object_object_get_ex(of, key, &found))
        return NULL;
    return found;
}

const char *cli_text(struct json_object *of, const char *key, const char *fallback)
{
    struct json_object *found = cli_key(of, key);

    return json_object_is_type(found, json_type_string) ? json_object_get_string(found) : fallback;
}

double cli_number(struct json_object *of, const char *key)
{
    struct json_object *found = cli_key(of, key);

    if (!json_object_is_type(found, json_type_double) && !json_object_is_type(found, json_type_int))
        return NAN;
    return json_object_get_double(found);
}

int64_t cli_count(struct json_object *of, const char *key)
{
    struct json_object *found = cli_key(of, key);

    return json_object_is_type(found, json_type_int) ? json_object_get_int64(found) : 0;
}

bool cli_bool(struct json_object *of, const char *key)
{
    struct json_object *found = cli_key(of, key);

    return json_object_is_type(found, json_type_boolean) && json_object_get_boolean(found);
}

size_t cli_length(struct json_object *of, const char *key)
{
    struct json_object *found = cli_key(of, key);

    return json_object_is_type(found, json_type_array) ? json_object_array_length(found) : 0;
}

struct json_object *cli_item(struct json_object *of, const char *key, size_t i)
{
    struct json_object *found = cli_key(of, key);

    return json_object_is_type(found, json_type_array) ? json_object_array_get_idx(found, i) : NULL;
}

struct cli_words cli_grouped(int64_t value)
{
    struct cli_words made;
    char digits[24];
    size_t size, used = 0;

    size = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, value < 0 ? UINT64_C(0) - (uint64_t)value : (uint64_t)value);
    if (value < 0)
        made.text[used++] = '-';
    for (size_t i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0)
            made.text[used++] = ' ';
        made.text[used++] = digits[i];
    }
    made.text[used] = '\0';
    return made;
}

struct cli_words cli_quantity(double value, const char *unit)
{
    struct cli_words made;
    const char *space = unit[0] ? " " : "";

    if (!isfinite(value))
        (void)snprintf(made.text, sizeof made.text, "-");
    else if (strcmp(unit, "W") == 0 && fabs(value) < 1e15)
        (void)snprintf(made.text, sizeof made.text, "%.32s W", cli_grouped(llround(value)).text);
    else if (strcmp(unit, "V") == 0 || strcmp(unit, "A") == 0)
        (void)snprintf(made.text, sizeof made.text, "%.2f %s", value, unit);
    else
        (void)snprintf(made.text, sizeof made.text, "%.6g%s%.16s", value, space, unit);
    return made;
}

struct cli_words cli_span(double ms)
{
    struct cli_words made;
    int64_t s = isfinite(ms) && fabs(ms) < 1e15 ? (int64_t)(ms / 1e3) : 0;

    if (!isfinite(ms))
        (void)snprintf(made.text, sizeof made.text, "-");
    else if (ms < 1.0)
        (void)snprintf(made.text, sizeof made.text, "%.3g us", 1e3 * ms);
    else if (ms < 1000.0)
        (void)snprintf(made.text, sizeof made.text, "%.4g ms", ms < 10.0 ? ms : round(ms));
    else if (s < 10)
        (void)snprintf(made.text, sizeof made.text, "%.3g s", ms / 1e3);
    else if (s < 60)
        (void)snprintf(made.text, sizeof made.text, "%" PRId64 " s", s);
    else if (s < 3600)
        (void)snprintf(made.text, sizeof made.text, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
    else if (s < 86400)
        (void)snprintf(made.text, sizeof made.text, "%" PRId64 " h %" PRId64 " min", s / 3600, s / 60 % 60);
    else
        (void)snprintf(made.text, sizeof made.text, "%" PRId64 " d %" PRId64 " h", s / 86400, s / 3600 % 24);
    return made;
}
