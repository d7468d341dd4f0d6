/* SPDX-License-Identifier: Apache-2.0 */
/* eventlog.h: the core's events as lines for people, and every event, from
 * whatever thread, on to the operator part. */
#ifndef BUSBAR_DAEMON_EVENTLOG_H
#define BUSBAR_DAEMON_EVENTLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "busbar/events.h"
#include "busbar/status.h"
#include "names.h"
#include "rig.h"

#define EVENTLOG_TEXT_MAX 256

struct eventlog;
struct operator;

/* Becomes the one sink of log.h: before other threads start. */
NODISCARD enum status eventlog_new(struct eventlog **ret);
struct eventlog *eventlog_free(struct eventlog *log);

/* Main thread: hands on what came since the last call. */
void eventlog_drain(struct eventlog *log, struct operator *op);

/* Main thread: logs the core's events of a rig, and hands each on; `log` and `op` may be NULL. */
void eventlog_core(struct eventlog *log, struct operator *op, struct rig *rig);

/* Main thread: an event that others bring about as often as they like goes out once a second about each
 * thing. True: leave this one out; else *ret_held are those left out since the last. */
bool eventlog_repeats(struct eventlog *log, enum ev event, const char *who, int64_t now_us, uint64_t *ret_held);

/* Any thread: events that were logged and not handed on, because too many came at once. */
uint64_t eventlog_lost(struct eventlog *log);

/* What an event of the core is about, and the line that says it. */
const char *eventlog_who(const struct names *names, const struct core_event *event);
void eventlog_text(const struct names *names, const struct rig_event *event, char *text, size_t room);

#endif
