/* SPDX-License-Identifier: Apache-2.0 */
/* eventlog.c: events to lines, and on to GET /v1/events.
 *
 * eventlog_sink() runs on whatever thread raised an event, never on the tick
 * thread (which raises none); everything else on the main thread. The mutex is
 * held for a copy.
 */
#include "eventlog.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "busbar/clock.h"
#include "busbar/log.h"
#include "busbar/operator.h"

#define EVENTLOG_ROOM 256
#define EVENTLOG_REPEATS 16          /* things that are remembered at a time           */
#define EVENTLOG_REPEAT_US 1000000

struct eventlog_entry {
    enum ev event;
    char who[CONF_NAME_MAX + 16];
    char message[512];
};

struct eventlog_repeat {
    enum ev event;
    char who[CONF_NAME_MAX + 64];
    int64_t told_us;
    uint64_t held;
};

struct eventlog {
    pthread_mutex_t mutex;
    uint32_t first, count;
    uint64_t lost;
    struct eventlog_entry entries[EVENTLOG_ROOM];
    struct eventlog_repeat repeats[EVENTLOG_REPEATS]; /* the main thread's         */
};

static void eventlog_sink(enum ev event, const char *who, const char *message, void *arg)
{
    struct eventlog *log = arg;
    struct eventlog_entry *entry;

    (void)pthread_mutex_lock(&log->mutex);
    if (log->count == EVENTLOG_ROOM) {   /* the oldest goes: the journal has it      */
        log->first = (log->first + 1) % EVENTLOG_ROOM;
        log->count--;
        log->lost++;
    }
    entry = &log->entries[(log->first + log->count++) % EVENTLOG_ROOM];
    entry->event = event;
    (void)snprintf(entry->who, sizeof entry->who, "%s", who);
    (void)snprintf(entry->message, sizeof entry->message, "%s", message);
    (void)pthread_mutex_unlock(&log->mutex);
}

enum status eventlog_new(struct eventlog **ret)
{
    struct eventlog *log = calloc(1, sizeof *log);

    if (!log)
        return ST_NOMEM;
    (void)pthread_mutex_init(&log->mutex, NULL);
    log_set_event_sink(eventlog_sink, log);
    *ret = log;
    return ST_OK;
}

struct eventlog *eventlog_free(struct eventlog *log)
{
    if (log) {
        log_set_event_sink(NULL, NULL);
        (void)pthread_mutex_destroy(&log->mutex);
        free(log);
    }
    return NULL;
}

uint64_t eventlog_lost(struct eventlog *log)
{
    uint64_t lost;

    (void)pthread_mutex_lock(&log->mutex);
    lost = log->lost;
    (void)pthread_mutex_unlock(&log->mutex);
    return lost;
}

void eventlog_drain(struct eventlog *log, struct operator *op)
{
    struct eventlog_entry entry;
    bool more = log && op;

    while (more) {
        (void)pthread_mutex_lock(&log->mutex);
        more = log->count > 0;
        if (more) {
            entry = log->entries[log->first];
            log->first = (log->first + 1) % EVENTLOG_ROOM;
            log->count--;
        }
        (void)pthread_mutex_unlock(&log->mutex);
        if (more)
            operator_event(op, entry.event, entry.who, entry.message);
    }
}

bool eventlog_repeats(struct eventlog *log, enum ev event, const char *who, int64_t now_us, uint64_t *ret_held)
{
    struct eventlog_repeat *oldest = &log->repeats[0];

    *ret_held = 0;
    for (int i = 0; i < EVENTLOG_REPEATS; i++) {
        struct eventlog_repeat *repeat = &log->repeats[i];

        if (repeat->told_us < oldest->told_us)
            oldest = repeat;
        if (repeat->told_us == 0 || repeat->event != event || strcmp(repeat->who, who) != 0)
            continue;
        if (now_us - repeat->told_us < EVENTLOG_REPEAT_US) {
            repeat->held++;
            return true;
        }
        *ret_held = repeat->held;
        repeat->held = 0;
        repeat->told_us = now_us;
        return false;
    }
    *oldest = (struct eventlog_repeat){ .event = event, .told_us = now_us };
    (void)snprintf(oldest->who, sizeof oldest->who, "%s", who);
    return false;
}

const char *eventlog_who(const struct names *names, const struct core_event *event)
{
    if (event->lever != CORE_NONE)
        return names_lever(names, event->lever);
    if (event->group != CORE_NONE)
        return names_group(names, event->group);
    if (event->node != CORE_NONE)
        return names_node(names, event->node);
    if (event->device != CORE_NONE)
        return names_device(names, event->device);
    return names->operator.rack;
}

struct eventlog_line {
    char *text;
    size_t room, size;
};

__attribute__((format(printf, 2, 3))) static void eventlog_add(struct eventlog_line *line,
                                                               const char *format, ...)
{
    va_list args;
    int size;

    va_start(args, format);
    size = vsnprintf(line->text + line->size, line->room - line->size, format, args);
    va_end(args);
    if (size > 0)
        line->size += (size_t)size < line->room - line->size ? (size_t)size : line->room - line->size - 1;
}

static void eventlog_add_reasons(struct eventlog_line *line, uint32_t reasons)
{
    const char *between = ": ";

    for (int reason = 0; reason < CORE_REASON_COUNT; reason++) {
        if (!(reasons & UINT32_C(1) << reason))
            continue;
        eventlog_add(line, "%s%s", between, core_reason_label((enum core_reason)reason));
        between = ", ";
    }
}

static void eventlog_add_forecast(struct eventlog_line *line, const struct core_event *event)
{
    if (event->event == EV_FORECAST_LOST)
        eventlog_add(line, "its forecaster's bounds held %.0f %% of the time: it begins anew, and persistence stands in",
                     100.0 * event->value);
    else
        eventlog_add(line, "its forecaster's bounds hold again (%.0f %% of the time): it is listened to",
                     100.0 * event->value);
}

static void eventlog_add_lever(struct eventlog_line *line, const struct names *names,
                               const struct core_event *event)
{
    const char *unit = event->lever >= 0 && event->lever < names->operator.lever_count
                           ? names->operator.lever_units[event->lever] : "";

    switch (event->event) {
    case EV_ORDER_REFUSED:
        eventlog_add(line, "an order for %g %s was held back: outside its range, its lease or a limit (%g)",
                     event->value, unit, event->bound);
        break;
    case EV_ORDER_FAILED:
        eventlog_add(line, "the order for %g %s was not carried out", event->bound, unit);
        break;
    case EV_ORDER_NOT_APPLIED:
        eventlog_add(line, "ordered %g %s, reads back as %g", event->bound, unit, event->value);
        break;
    case EV_ORDER_CONFIRMED:
        eventlog_add(line, "obeys again: %g %s", event->value, unit);
        break;
    case EV_LEVER_DRIFTED:
        eventlog_add(line, "somebody else put it to %g %s, it held %g", event->value, unit, event->bound);
        break;
    case EV_RESTORED:
        eventlog_add(line, "holds its original %g %s again", event->value, unit);
        break;
    case EV_LEFT_STANDING:
        eventlog_add(line, "left at %g %s, its original is %g", event->value, unit, event->bound);
        break;
    case EV_FORECAST_LOST:
    case EV_FORECAST_BACK:
        eventlog_add_forecast(line, event);
        break;
    default:
        eventlog_add(line, "%g %s (%g)", event->value, unit, event->bound);
        break;
    }
}

/* False: it is about something else. */
static bool eventlog_add_ride(struct eventlog_line *line, const struct core_event *event)
{
    double input = 100.0 * event->value;

    switch (event->event) {
    case EV_RIDE_SAG:
        eventlog_add(line, "the AC input is at %.0f %%, below %.0f %%: the hardware carries it", input,
                     100.0 * event->bound);
        return true;
    case EV_RIDE_SUPPORT:
        eventlog_add(line, "the AC input stays at %.0f %%: batteries take part of the load", input);
        return true;
    case EV_RIDE_OUTAGE:
        eventlog_add(line, "the AC input is at %.0f %%: batteries carry the busbar", input);
        return true;
    case EV_RIDE_RETURN:
        eventlog_add(line, "the AC input is at %.0f %% again: supplies take the load back", input);
        return true;
    case EV_RIDE_OVER:
        eventlog_add(line, "supplies carry the load again, the AC input is at %.0f %%", input);
        return true;
    case EV_RIDE_NOT_CAPABLE:
        eventlog_add(line, "draws %.0f W; at most at %.0f W would it ride through a loss of input", event->value,
                     event->bound);
        return true;
    case EV_RIDE_CAPABLE:
        eventlog_add(line, "draws %.0f W and would ride through a loss of input up to %.0f W", event->value,
                     event->bound);
        return true;
    default:
        return false;
    }
}

static void eventlog_add_node(struct eventlog_line *line, const struct core_event *event)
{
    if (eventlog_add_ride(line, event))
        return;
    switch (event->event) {
    case EV_PROTECTION:
        eventlog_add(line, "would trip in %.3g s, orders need %.3g s: everything below goes to its base",
                     event->value, event->bound);
        break;
    case EV_PROTECTION_OVER:
        eventlog_add(line, "is out of danger: limits are given back");
        break;
    case EV_SWING:
        eventlog_add(line, "own orders swing by %.0f W, above %.0f W: power is given back more slowly", event->value,
                     event->bound);
        break;
    case EV_SWING_OVER:
        eventlog_add(line, "own orders are calm again (%.0f W)", event->value);
        break;
    case EV_FORECAST_LOST:
    case EV_FORECAST_BACK:
        eventlog_add_forecast(line, event);
        break;
    case EV_PEAK_ARMED:
        eventlog_add(line, "up to %.0f W are foreseen, the limit is %.0f W: set-points with an armed value get it",
                     event->value, event->bound);
        break;
    case EV_PEAK_OVER:
        eventlog_add(line, "no peak is foreseen any more, the last was %.0f s ago: armed values are held no longer",
                     event->value);
        break;
    case EV_TOKEN_REFUSED:
        eventlog_add(line, "a token for %.0f W was refused; %.0f W would be granted", event->value, event->bound);
        break;
    case EV_LIMIT_EXCEEDED:
        eventlog_add(line, "the mean over %g ms is %.0f W, the limit %.0f W",
                     (double)event->window_us / 1e3, event->value, event->bound);
        break;
    case EV_LIMIT_RESPECTED:
        eventlog_add(line, "the mean over %g ms is %.0f W again, the limit %.0f W",
                     (double)event->window_us / 1e3, event->value, event->bound);
        break;
    case EV_BAND_CUT:
        eventlog_add(line, "%.0f W came close to %.0f W: budgets are cut", event->value, event->bound);
        break;
    case EV_BAND_RELEASED:
        eventlog_add(line, "%.0f W under %.0f W: the cut is released", event->value, event->bound);
        break;
    case EV_INFEASIBLE:
        eventlog_add(line, "the least that can be held is %.0f W, allowed are %.0f W", event->value,
                     event->bound);
        break;
    default:
        eventlog_add(line, "%.0f W (%.0f W)", event->value, event->bound);
        break;
    }
}

static void eventlog_add_rest(struct eventlog_line *line, const struct rig_event *event)
{
    switch (event->event.event) {
    case EV_MODE_CHANGED:
        eventlog_add(line, "the mode is %s", core_mode_label(event->mode));
        eventlog_add_reasons(line, event->reasons);
        break;
    case EV_ARMED:
        eventlog_add(line, "every limit was read back: the envelope is enforced");
        break;
    case EV_FEASIBLE:
        eventlog_add(line, "minimum limits fit the envelope again");
        break;
    case EV_DEVICE_STALE:
        eventlog_add(line, "no reading for too long");
        break;
    case EV_DEVICE_WELL:
        eventlog_add(line, "is read again");
        break;
    case EV_DEVICE_CHANGED:
        eventlog_add(line, "another serial number: the device was swapped");
        break;
    case EV_READING_IMPLAUSIBLE:
        eventlog_add(line, "reads %g, that is not plausible (%g)", event->event.value, event->event.bound);
        break;
    case EV_TOKENS_REVOKED:
        eventlog_add(line, "tokens for %.0f W of %.0f clients are taken back", event->event.value, event->event.bound);
        break;
    case EV_TOKEN_REFUSED:
        eventlog_add(line, "a token for %.0f W was refused: no pool covers that node", event->event.value);
        break;
    case EV_READING_STUCK:
        eventlog_add(line, "has read %g for too long to be true", event->event.value);
        break;
    default:
        eventlog_add(line, "%g (%g)", event->event.value, event->event.bound);
        break;
    }
}

void eventlog_text(const struct names *names, const struct rig_event *event, char *text, size_t room)
{
    struct eventlog_line line = { .text = text, .room = room };
    const struct core_event *about = &event->event;

    text[0] = '\0';
    if (about->lever != CORE_NONE)
        eventlog_add_lever(&line, names, about);
    else if (about->device == CORE_NONE && (about->node != CORE_NONE || about->group != CORE_NONE))
        eventlog_add_node(&line, about);
    else
        eventlog_add_rest(&line, event);
}

/* A whole rack that goes stale in one tick is more than the room of the log. */
void eventlog_core(struct eventlog *log, struct operator *op, struct rig *rig)
{
    struct rig_event event;
    char text[EVENTLOG_TEXT_MAX], more[64];
    size_t size;

    while (queue_get(rig->events, &event, sizeof event, &size)) {
        const char *who = eventlog_who(rig->names, &event.event);
        uint64_t held = 0;

        /* A client that asks again a hundred times a second would drive out all that matters. */
        if (event.event.event == EV_TOKEN_REFUSED && log &&
            eventlog_repeats(log, EV_TOKEN_REFUSED, who, clock_now_us(), &held))
            continue;
        eventlog_text(rig->names, &event, text, sizeof text);
        more[0] = '\0';
        if (held > 0)
            (void)snprintf(more, sizeof more, "; %" PRIu64 " more since the last line", held);
        EVENT(event.event.event, who, "%s%s", text, more);
        eventlog_drain(log, op);
    }
}
