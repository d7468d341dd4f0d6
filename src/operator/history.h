/* SPDX-License-Identifier: Apache-2.0 */
/* history.h: the last events, numbered from 1. Main thread. */
#ifndef OPERATOR_HISTORY_H
#define OPERATOR_HISTORY_H

#include <stdint.h>

#include "busbar/events.h"

#define HISTORY_ROOM 1000
#define HISTORY_WHO_MAX 64
#define HISTORY_MESSAGE_MAX 384

struct history_entry {
    uint64_t number;
    int64_t wall_us;
    enum ev event;
    char who[HISTORY_WHO_MAX];
    char message[HISTORY_MESSAGE_MAX];
};

/* Zeroed is empty. */
struct history {
    uint64_t last;   /* number of the newest; 0: none yet */
    struct history_entry entries[HISTORY_ROOM];
};

/* Adds one, in place of the oldest when full. Texts are copied, cut where too long. */
void history_put(struct history *ring, enum ev event, const char *who, const char *message,
                    int64_t wall_us);

/* The oldest kept event with a number above `since`, or NULL. */
const struct history_entry *history_after(const struct history *ring, uint64_t since);

#endif
