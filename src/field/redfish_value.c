/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_value.c: members of JSON objects as numbers, texts, links and times, with
 * json-c. Pure: any thread, no I/O.
 */
#include "redfish_value.h"

#include <ctype.h>
#include <json-c/json.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REDFISH_VALUE_DEPTH    32
#define REDFISH_VALUE_US_PER_S 1000000

struct json_object *redfish_value_parse(const char *body, size_t size)
{
    struct json_tokener *tokener;
    struct json_object *object = NULL;

    if (size == 0 || size > INT_MAX)
        return NULL;
    tokener = json_tokener_new_ex(REDFISH_VALUE_DEPTH);
    if (!tokener)
        return NULL;
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    object = json_tokener_parse_ex(tokener, body, (int)size);
    if (json_tokener_get_error(tokener) != json_tokener_success ||
        !json_object_is_type(object, json_type_object)) {
        json_object_put(object);
        object = NULL;
    }
    json_tokener_free(tokener);
    return object;
}

struct json_object *redfish_value_member(struct json_object *object, const char *name)
{
    struct json_object *member = NULL;

    if (!json_object_is_type(object, json_type_object) || !json_object_object_get_ex(object, name, &member))
        return NULL;
    return member;
}

bool redfish_value_has(struct json_object *object, const char *name)
{
    return json_object_is_type(object, json_type_object) && json_object_object_get_ex(object, name, NULL);
}

/* ---- numbers and texts ---- */

static double redfish_value_of(struct json_object *member)
{
    double value = NAN;

    if (json_object_is_type(member, json_type_int) || json_object_is_type(member, json_type_double)) {
        value = json_object_get_double(member);
    } else if (json_object_is_type(member, json_type_string)) {
        const char *text = json_object_get_string(member);
        char *end = NULL;

        value = strtod(text, &end);
        if (end == text || *end != '\0')
            value = NAN;
    }
    return isfinite(value) ? value : NAN;
}

double redfish_value_number(struct json_object *object, const char *name)
{
    return redfish_value_of(redfish_value_member(object, name));
}

void redfish_value_copy(const char *from, char *to, size_t room)
{
    size_t size = 0;

    for (; from && *from && size + 1 < room; from++)
        to[size++] = *from >= 0x20 && *from < 0x7f ? *from : '?';
    to[size] = '\0';
}

void redfish_value_text(struct json_object *object, const char *name, char *to, size_t room)
{
    struct json_object *member = redfish_value_member(object, name);

    to[0] = '\0';
    if (json_object_is_type(member, json_type_string))
        redfish_value_copy(json_object_get_string(member), to, room);
}

bool redfish_value_flag(struct json_object *object, const char *name, bool otherwise)
{
    struct json_object *member = redfish_value_member(object, name);

    return json_object_is_type(member, json_type_boolean) ? json_object_get_boolean(member) : otherwise;
}

/* ---- links and lists ---- */

bool redfish_value_path(const char *uri, char *to, size_t room)
{
    size_t size = uri ? strcspn(uri, "#") : 0;

    to[0] = '\0';
    if (size == 0 || uri[0] != '/' || (size > 1 && uri[1] == '/') || size >= room)
        return false;
    while (size > 1 && uri[size - 1] == '/')
        size--;
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)uri[i] < 0x20 || (unsigned char)uri[i] == 0x7f)
            return false;
    memcpy(to, uri, size);
    to[size] = '\0';
    return true;
}

bool redfish_value_link(struct json_object *link, char *to, size_t room)
{
    struct json_object *id = redfish_value_member(link, "@odata.id");

    to[0] = '\0';
    return json_object_is_type(id, json_type_string) &&
           redfish_value_path(json_object_get_string(id), to, room);
}

bool redfish_value_link_too_long(struct json_object *link, size_t room)
{
    struct json_object *id = redfish_value_member(link, "@odata.id");
    const char *uri = json_object_is_type(id, json_type_string) ? json_object_get_string(id) : "";

    return uri[0] == '/' && strcspn(uri, "#") >= room;
}

size_t redfish_value_count(struct json_object *array)
{
    return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

struct json_object *redfish_value_at(struct json_object *array, size_t at)
{
    return at < redfish_value_count(array) ? json_object_array_get_idx(array, at) : NULL;
}

/* ---- times ---- */

/* `digits` decimal digits at *at, which moves on; -1: there are not so many. */
static int32_t redfish_value_digits(const char **at, int digits)
{
    int32_t value = 0;

    for (int i = 0; i < digits; i++, (*at)++) {
        if (!isdigit((unsigned char)**at))
            return -1;
        value = value * 10 + (**at - '0');
    }
    return value;
}

static bool redfish_value_skip(const char **at, const char *one_of)
{
    if (!**at || !strchr(one_of, **at))
        return false;
    (*at)++;
    return true;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
static int64_t redfish_value_days(int32_t year, int32_t month, int32_t day)
{
    int64_t y = year - (month <= 2);
    int64_t era = y / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* A fraction of a second in microseconds; what is finer is dropped. */
static int64_t redfish_value_fraction_us(const char **at)
{
    int64_t us = 0, unit = REDFISH_VALUE_US_PER_S / 10;

    if (!redfish_value_skip(at, ".,"))
        return 0;
    for (; isdigit((unsigned char)**at); (*at)++, unit /= 10)
        us += unit * (**at - '0');
    return us;
}

/* "Z", "+01:00", "-0600" or nothing (taken for UTC), in seconds; false: something else. */
static bool redfish_value_zone(const char **at, int64_t *ret_s)
{
    int sign;
    int32_t hours, minutes;

    *ret_s = 0;
    if (**at == '\0' || redfish_value_skip(at, "Zz"))
        return **at == '\0';
    sign = **at == '-' ? -1 : 1;
    if (!redfish_value_skip(at, "+-"))
        return false;
    hours = redfish_value_digits(at, 2);
    (void)redfish_value_skip(at, ":");
    minutes = **at ? redfish_value_digits(at, 2) : 0;
    *ret_s = sign * (int64_t)(hours * 3600 + minutes * 60);
    return hours >= 0 && minutes >= 0 && hours < 24 && minutes < 60 && **at == '\0';
}

int64_t redfish_value_time_us(const char *text)
{
    const char *at = text ? text : "";
    int32_t part[6];
    static const char *const after[6] = { "-", "-", "Tt ", ":", ":", "" };
    int64_t fraction_us, zone_s, seconds;

    for (int i = 0; i < 6; i++) {
        part[i] = redfish_value_digits(&at, i == 0 ? 4 : 2);
        if (part[i] < 0 || (i < 5 && !redfish_value_skip(&at, after[i])))
            return 0;
    }
    fraction_us = redfish_value_fraction_us(&at);
    if (!redfish_value_zone(&at, &zone_s) || part[1] < 1 || part[1] > 12 || part[2] < 1 || part[2] > 31 ||
        part[3] > 24 || part[4] > 59 || part[5] > 60)
        return 0;
    seconds = redfish_value_days(part[0], part[1], part[2]) * 86400 + part[3] * 3600 + part[4] * 60 + part[5];
    return (seconds - zone_s) * REDFISH_VALUE_US_PER_S + fraction_us;
}

double redfish_value_duration_s(const char *text)
{
    static const struct {
        char unit;
        bool of_time;
        double s;
    } units[] = { { 'D', false, 86400.0 }, { 'H', true, 3600.0 }, { 'M', true, 60.0 }, { 'S', true, 1.0 } };
    const char *at = text ? text : "";
    bool of_time = false, some = false;
    double total = 0.0;

    if (!redfish_value_skip(&at, "P"))
        return NAN;
    while (*at) {
        char *end = NULL;
        double value;
        size_t u = 0;

        if (!of_time && redfish_value_skip(&at, "T")) {
            of_time = true;
            continue;
        }
        if (!isdigit((unsigned char)*at))
            return NAN;
        value = strtod(at, &end);
        at = end;
        while (u < sizeof units / sizeof units[0] && (units[u].unit != *at || units[u].of_time != of_time))
            u++;
        if (u == sizeof units / sizeof units[0])
            return NAN;
        total += value * units[u].s;
        some = true;
        at++;
    }
    return some && isfinite(total) ? total : NAN;
}
