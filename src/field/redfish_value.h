/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_value.h: a BMC's JSON, member by member. Pure.
 *
 * Everything here comes from a device, so nothing is believed: parsing is strict,
 * 32 deep at most, numbers are finite or NAN, texts printable. Private to src/field.
 */
#ifndef BUSBAR_FIELD_REDFISH_VALUE_H
#define BUSBAR_FIELD_REDFISH_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

/* The object a body holds, to be put; NULL: it is none. */
struct json_object *redfish_value_parse(const char *body, size_t size);

/* A member of an object; NULL when it is absent, null, or `object` is none. */
struct json_object *redfish_value_member(struct json_object *object, const char *name);

/* Is there such a member, null included? */
bool redfish_value_has(struct json_object *object, const char *name);

/* A number, or a text that is one; NAN otherwise. */
double redfish_value_number(struct json_object *object, const char *name);

/* Printable ASCII, cut to the room; "" when there is no such text. */
void redfish_value_text(struct json_object *object, const char *name, char *to, size_t room);
void redfish_value_copy(const char *from, char *to, size_t room);

/* A boolean member; `otherwise` when there is none. */
bool redfish_value_flag(struct json_object *object, const char *name, bool otherwise);

/* The @odata.id of a link object as a path of this host: a fragment and a slash at its
 * end are cut off. False, and "": none, too long, or another host's. */
bool redfish_value_link(struct json_object *link, char *to, size_t room);
/* The same of a text. */
bool redfish_value_path(const char *uri, char *to, size_t room);

/* A link on this host that redfish_value_link() does not give, being longer than `room`. */
bool redfish_value_link_too_long(struct json_object *link, size_t room);

/* An array's length, 0 for anything else; its element. */
size_t redfish_value_count(struct json_object *array);
struct json_object *redfish_value_at(struct json_object *array, size_t at);

/* "2024-08-23T20:06:25.129+00:00", "...Z", "...-0600" to microseconds since 1970;
 * 0: it is no such time. */
int64_t redfish_value_time_us(const char *text);
/* "PT1.5S", "P1DT2H", "PT0H0M5S" to seconds; NAN: it is no duration. */
double redfish_value_duration_s(const char *text);

#endif
