/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_sse.c: lines ended by CR, LF or both; fields; an empty line ends an event. Pure:
 * any thread, no I/O; allocates up to what it was told.
 */
#include "redfish_sse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REDFISH_SSE_FIRST_ROOM 256
#define REDFISH_SSE_RETRY_MAX  3600000

void redfish_sse_init(struct redfish_sse *sse, size_t most)
{
    *sse = (struct redfish_sse){ .most = most };
}

void redfish_sse_done(struct redfish_sse *sse)
{
    free(sse->line);
    free(sse->data);
    *sse = (struct redfish_sse){ .most = sse->most };
}

void redfish_sse_reset(struct redfish_sse *sse)
{
    sse->line_size = sse->data_size = 0;
    sse->has_data = sse->skip = sse->skip_event = sse->after_cr = sse->begun = false;
}

/* Room for `more` bytes and a NUL. */
static bool redfish_sse_room(char **text, size_t *room, size_t size, size_t more)
{
    size_t want = *room ? *room : REDFISH_SSE_FIRST_ROOM;
    char *longer;

    while (want < size + more + 1)
        want *= 2;
    if (want == *room)
        return true;
    longer = realloc(*text, want);
    if (!longer)
        return false;
    *text = longer;
    *room = want;
    return true;
}

static bool redfish_sse_add_data(struct redfish_sse *sse, const char *value)
{
    size_t size = strlen(value);

    if (sse->data_size + size + 1 > sse->most) {
        sse->skip_event = true;
        return true;
    }
    if (!redfish_sse_room(&sse->data, &sse->data_room, sse->data_size, size + 1))
        return false;
    if (sse->has_data)
        sse->data[sse->data_size++] = '\n';
    memcpy(sse->data + sse->data_size, value, size);
    sse->data_size += size;
    sse->data[sse->data_size] = '\0';
    sse->has_data = true;
    return true;
}

static void redfish_sse_dispatch(struct redfish_sse *sse, redfish_sse_call call, void *arg)
{
    struct redfish_sse_event event = { .id = sse->id, .data = sse->data, .size = sse->data_size };

    if (sse->skip_event)
        sse->dropped++;
    else if (sse->has_data)
        call(&event, arg);
    sse->data_size = 0;
    sse->has_data = sse->skip_event = false;
}

/* A whole line: a field, a comment, or the end of an event. */
static bool redfish_sse_line(struct redfish_sse *sse, redfish_sse_call call, void *arg)
{
    char *line = sse->line, *value;

    if (sse->line_size == 0) {
        redfish_sse_dispatch(sse, call, arg);
        return true;
    }
    line[sse->line_size] = '\0';
    value = strchr(line, ':');
    if (value == line)
        return true; /* a comment: it keeps the connection alive */
    if (value) {
        *value++ = '\0';
        value += *value == ' ';
    } else {
        value = line + sse->line_size;
    }
    if (strcmp(line, "data") == 0)
        return redfish_sse_add_data(sse, value);
    if (strcmp(line, "id") == 0 && strlen(value) < sizeof sse->id && !strpbrk(value, "\r\n"))
        (void)snprintf(sse->id, sizeof sse->id, "%s", value);
    if (strcmp(line, "retry") == 0) {
        char *end;
        long ms = strtol(value, &end, 10);

        if (end != value && *end == '\0' && ms > 0 && ms <= REDFISH_SSE_RETRY_MAX)
            sse->retry_ms = ms;
    }
    return true;
}

static bool redfish_sse_end_line(struct redfish_sse *sse, redfish_sse_call call, void *arg)
{
    bool ok = true;

    if (sse->skip) {
        sse->skip = false;
        sse->skip_event = true;
    } else {
        ok = redfish_sse_line(sse, call, arg);
    }
    sse->line_size = 0;
    return ok;
}

static bool redfish_sse_byte(struct redfish_sse *sse, char byte)
{
    if (sse->skip || byte == '\0')
        return true;
    if (sse->line_size >= sse->most) {
        sse->skip = true;
        return true;
    }
    if (!redfish_sse_room(&sse->line, &sse->line_room, sse->line_size, 1))
        return false;
    sse->line[sse->line_size++] = byte;
    return true;
}

bool redfish_sse_feed(struct redfish_sse *sse, const char *bytes, size_t size, redfish_sse_call call,
                      void *arg)
{
    bool ok = true;

    if (!sse->begun && size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark */
        bytes += 3;
        size -= 3;
    }
    sse->begun |= size > 0;
    for (size_t i = 0; i < size && ok; i++) {
        char byte = bytes[i];

        if (byte == '\n' && sse->after_cr) {
            sse->after_cr = false;
            continue;
        }
        sse->after_cr = byte == '\r';
        if (byte == '\r' || byte == '\n')
            ok = redfish_sse_end_line(sse, call, arg);
        else
            ok = redfish_sse_byte(sse, byte);
    }
    return ok;
}
