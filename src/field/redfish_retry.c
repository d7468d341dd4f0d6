/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_retry.c: Retry-After in its three forms. Pure: any thread, no I/O. */
#include "redfish_retry.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "redfish_value.h"

#define REDFISH_RETRY_US_PER_S 1000000

static int64_t redfish_retry_seconds_us(const char *text, int64_t most_us)
{
    char *end = NULL;
    long long seconds = strtoll(text, &end, 10);

    while (end && (*end == ' ' || *end == '\t'))
        end++;
    if (!end || end == text || *end != '\0' || seconds <= 0)
        return 0;
    return seconds >= most_us / REDFISH_RETRY_US_PER_S ? most_us : seconds * REDFISH_RETRY_US_PER_S;
}

/* "Wed, 21 Oct 2026 07:28:00 GMT" */
static int64_t redfish_retry_date_us(const char *text, int64_t wall_us, int64_t most_us)
{
    struct tm tm = { .tm_sec = 0 };
    const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S", &tm);
    int64_t wait_us;

    if (!end || strcmp(end, " GMT") != 0)
        return 0;
    wait_us = (int64_t)timegm(&tm) * REDFISH_RETRY_US_PER_S - wall_us;
    if (wait_us <= 0)
        return 0;
    return wait_us < most_us ? wait_us : most_us;
}

/* The first argument of the message that says "temporarily unavailable". */
static int64_t redfish_retry_body_us(const char *body, size_t size, int64_t most_us)
{
    struct json_object *object = redfish_value_parse(body, size);
    struct json_object *infos =
        redfish_value_member(redfish_value_member(object, "error"), "@Message.ExtendedInfo");
    int64_t wait_us = 0;

    for (size_t i = 0; i < redfish_value_count(infos) && wait_us == 0; i++) {
        struct json_object *info = redfish_value_at(infos, i);
        struct json_object *arg = redfish_value_at(redfish_value_member(info, "MessageArgs"), 0);
        char id[96];

        redfish_value_text(info, "MessageId", id, sizeof id);
        if (strstr(id, "ServiceTemporarilyUnavailable") && arg)
            wait_us = redfish_retry_seconds_us(json_object_get_string(arg), most_us);
    }
    json_object_put(object);
    return wait_us;
}

int64_t redfish_retry_us(const char *header, const char *body, size_t size, int64_t wall_us, int64_t most_us)
{
    int64_t wait_us = header ? redfish_retry_seconds_us(header, most_us) : 0;

    if (header && wait_us == 0)
        wait_us = redfish_retry_date_us(header, wall_us, most_us);
    return wait_us > 0 ? wait_us : redfish_retry_body_us(body, size, most_us);
}
