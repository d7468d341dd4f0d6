/* SPDX-License-Identifier: Apache-2.0 */
/* history.c: keeps the last events for GET /v1/events.
 *
 * Main thread. Never allocates, never logs.
 */
#include "history.h"

#include <stdio.h>

void history_put(struct history *ring, enum ev event, const char *who, const char *message,
                    int64_t wall_us)
{
    struct history_entry *entry;

    ring->last++;
    entry = &ring->entries[ring->last % HISTORY_ROOM];
    entry->number = ring->last;
    entry->wall_us = wall_us;
    entry->event = event;
    (void)snprintf(entry->who, sizeof entry->who, "%s", who ? who : "");
    (void)snprintf(entry->message, sizeof entry->message, "%s", message ? message : "");
}

const struct history_entry *history_after(const struct history *ring, uint64_t since)
{
    uint64_t first = ring->last > HISTORY_ROOM ? ring->last - HISTORY_ROOM + 1 : 1;

    if (since >= ring->last)
        return NULL;
    if (since + 1 > first)
        first = since + 1;
    return &ring->entries[first % HISTORY_ROOM];
}
