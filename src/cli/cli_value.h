/* SPDX-License-Identifier: Apache-2.0 */
/* cli_value.h: reads keys of an answer, and puts values into words for people.
 *
 * A key that is absent, null or of another type gives the fallback: an older or
 * newer daemon never breaks the client.
 */
#ifndef CLI_VALUE_H
#define CLI_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

struct json_object *cli_key(struct json_object *of, const char *key);           /* NULL: absent */
const char *cli_text(struct json_object *of, const char *key, const char *fallback);
double cli_number(struct json_object *of, const char *key);                     /* NAN: absent  */
int64_t cli_count(struct json_object *of, const char *key);                     /* 0: absent    */
bool cli_bool(struct json_object *of, const char *key);
/* The length of a list, and one of its items. */
size_t cli_length(struct json_object *of, const char *key);
struct json_object *cli_item(struct json_object *of, const char *key, size_t i);

struct cli_words {
    char text[48];
};
/* "104 000 W", "50.25 V", "0.82", "-" for NAN. */
struct cli_words cli_quantity(double value, const char *unit);
/* "120 us", "35 ms", "1.2 s", "3 min 5 s", "2 d 4 h", "-" for NAN. */
struct cli_words cli_span(double ms);
/* "1 234 567" */
struct cli_words cli_grouped(int64_t value);

#endif
