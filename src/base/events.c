/* SPDX-License-Identifier: Apache-2.0 */
/* events.c: what events.h's list says of each event. Any thread; constants only. */
#include "busbar/events.h"

#include <stddef.h>

struct events_row {
    const char *id;
    int severity;
    const char *advice;
};

#define EVENTS_ROW(name, text, level, what) {.id = (text), .severity = (level), .advice = (what)},
static const struct events_row events_rows[] = {EVENT_LIST(EVENTS_ROW)};
#undef EVENTS_ROW

static const struct events_row events_unknown = {
    .id = "unknown", .severity = 4, .advice = "None: this event is not in the list."};

static const struct events_row *events_find(enum ev event)
{
    size_t at = (size_t)event;

    return at < (size_t)EV_COUNT ? &events_rows[at] : &events_unknown;
}

const char *ev_id(enum ev event)
{
    return events_find(event)->id;
}

int ev_severity(enum ev event)
{
    return events_find(event)->severity;
}

const char *ev_advice(enum ev event)
{
    return events_find(event)->advice;
}
