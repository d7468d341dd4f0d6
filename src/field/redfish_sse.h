/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_sse.h: server-sent events, byte by byte to whole events. Pure but for memory.
 * Private to src/field.
 */
#ifndef BUSBAR_FIELD_REDFISH_SSE_H
#define BUSBAR_FIELD_REDFISH_SSE_H

#include <stdbool.h>
#include <stddef.h>

#define REDFISH_SSE_ID_MAX 128

struct redfish_sse_event {
    const char *id;   /* the last one that was told; ""                      */
    const char *data; /* its lines, parted by '\n'; NUL-terminated           */
    size_t size;
};
typedef void (*redfish_sse_call)(const struct redfish_sse_event *event, void *arg);

struct redfish_sse {
    char *line, *data;
    size_t line_size, line_room, data_size, data_room;
    size_t most;   /* longer lines and events are dropped                 */
    bool has_data; /* an event is under way                               */
    bool skip;     /* the rest of this line, or of this event, is dropped */
    bool skip_event;
    bool after_cr, begun;
    char id[REDFISH_SSE_ID_MAX];
    long retry_ms; /* what the server asked for; 0: nothing               */
    unsigned dropped;
};

void redfish_sse_init(struct redfish_sse *sse, size_t most);
void redfish_sse_done(struct redfish_sse *sse);

/* What a new connection starts with: nothing half read; the id stays. */
void redfish_sse_reset(struct redfish_sse *sse);

/* Gives each event that is whole now to `call`. False: no memory. */
bool redfish_sse_feed(struct redfish_sse *sse, const char *bytes, size_t size, redfish_sse_call call,
                      void *arg);

#endif
