/* log.h: lines for people. Journal fields when run under systemd, else standard error.
 *
 * Call from any thread but the tick thread; the core logs nothing at all.
 */
#ifndef BUSBAR_LOG_H
#define BUSBAR_LOG_H

#include "busbar/events.h"

/* As syslog(3): smaller is worse. */
enum log_level { LOG_LEVEL_ERR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_NOTICE = 5, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

/* LOG(WARNING, who, "reply took %" PRId64 " us", took_us): `who` names the
 * device or module the line is about. */
#define LOG(level, who, ...) \
    log_line(LOG_LEVEL_##level, (who), __FILE__, __LINE__, __func__, __VA_ARGS__)

/* EVENT(EV_MODE_CHANGED, who, "..."): an event of events.h; its severity and
 * identifier come from there. */
#define EVENT(event, who, ...) \
    log_event((event), (who), __FILE__, __LINE__, __func__, __VA_ARGS__)

__attribute__((format(printf, 6, 7))) void log_line(enum log_level level, const char *who,
                                                    const char *file, int line,
                                                    const char *function, const char *format, ...);
__attribute__((format(printf, 6, 7))) void log_event(enum ev event, const char *who,
                                                     const char *file, int line,
                                                     const char *function, const char *format, ...);

/* Lines above (less severe than) `level` are dropped. Default INFO. */
void log_set_level(enum log_level level);

/* Gets every line and event instead of the journal and standard error, on the thread
 * that logs; NULL ends it. For a program that speaks to a terminal. Set once, before
 * other threads start. */
typedef void (*log_line_sink)(enum log_level level, const char *who, const char *message, void *arg);
void log_set_line_sink(log_line_sink sink, void *arg);

/* Sees every EVENT() after it was logged, on the thread that raised it; NULL
 * ends it. For the API's event list. Set once, before other threads start. */
typedef void (*log_event_sink)(enum ev event, const char *who, const char *message, void *arg);
void log_set_event_sink(log_event_sink sink, void *arg);

#endif
