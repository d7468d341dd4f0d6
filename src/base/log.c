/* SPDX-License-Identifier: Apache-2.0 */
/* log.c: lines for people; the only file that knows journald.
 *
 * Any thread but the tick thread. Where standard error is the journal (systemd
 * says so in JOURNAL_STREAM) a line goes there with its fields; else it is one
 * line on standard error. Never allocates.
 */
#include "busbar/log.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The caller's file, line and function are sent, not this file's. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "busbar/clock.h"

#define LOG_MESSAGE_MAX 1024
#define LOG_US_PER_S    1000000

struct log_place {
    const char *who, *file, *function;
    int line;
};

static atomic_int log_level_now = LOG_LEVEL_INFO;
static pthread_once_t log_once = PTHREAD_ONCE_INIT;
static bool log_to_journal;
static log_event_sink log_sink;
static void *log_sink_arg;
static log_line_sink log_lines;
static void *log_lines_arg;

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&log_level_now, (int)level, memory_order_relaxed);
}

void log_set_event_sink(log_event_sink sink, void *arg)
{
    log_sink_arg = arg;
    log_sink = sink;
}

void log_set_line_sink(log_line_sink sink, void *arg)
{
    log_lines_arg = arg;
    log_lines = sink;
}

static void log_find_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    uintmax_t device, inode;
    struct stat st;

    if (!stream || sscanf(stream, "%ju:%ju", &device, &inode) != 2)
        return;
    if (fstat(STDERR_FILENO, &st) != 0)
        return;
    log_to_journal = (uintmax_t)st.st_dev == device && (uintmax_t)st.st_ino == inode;
}

/* Devices put their own words into our lines: one line stays one line. */
static void log_tame(char *text)
{
    for (unsigned char *at = (unsigned char *)text; *at; at++)
        if (*at < 0x20 || *at == 0x7f)
            *at = ' ';
}

static const char *log_level_label(int level)
{
    switch (level) {
    case LOG_LEVEL_ERR:
        return "ERROR";
    case LOG_LEVEL_WARNING:
        return "WARNING";
    case LOG_LEVEL_NOTICE:
        return "NOTICE";
    case LOG_LEVEL_DEBUG:
        return "DEBUG";
    default:
        return "INFO";
    }
}

static void log_write(int level, const char *who, const char *message, const char *event)
{
    char line[LOG_MESSAGE_MAX + 192];
    int64_t wall_us = clock_wall_us();
    time_t wall_s = (time_t)(wall_us / LOG_US_PER_S);
    struct tm tm;
    char day[32];
    int size;

    if (!gmtime_r(&wall_s, &tm) || strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
        (void)snprintf(day, sizeof day, "-");
    size = snprintf(line, sizeof line, "%s.%03dZ %s %.64s: %s%s%s%s\n", day,
                    (int)(wall_us % LOG_US_PER_S / 1000), log_level_label(level), who, message,
                    event ? " [" : "", event ? event : "", event ? "]" : "");
    if (size >= (int)sizeof line)
        size = (int)sizeof line - 1;
    /* One write, so that lines of two threads do not mix. */
    if (size > 0 && write(STDERR_FILENO, line, (size_t)size) < 0)
        return; /* nobody is left to tell */
}

/* MESSAGE_ID of an event: 128 bits made from its identifier (FNV-1a, two
 * starts), so it stays the same when the list is reordered. */
static void log_message_id(const char *id, char ret[33])
{
    uint64_t a = UINT64_C(0xcbf29ce484222325);
    uint64_t b = UINT64_C(0x84222325cbf29ce4);

    for (const unsigned char *at = (const unsigned char *)id; *at; at++) {
        a = (a ^ *at) * UINT64_C(0x100000001b3);
        b = (b ^ (unsigned char)(*at + 0x55)) * UINT64_C(0x100000001b3);
    }
    (void)snprintf(ret, 33, "%016" PRIx64 "%016" PRIx64, a, b);
}

static void log_journal(int level, const struct log_place *place, const char *message, const char *event)
{
    char id[33];

    if (!event) {
        (void)sd_journal_send("MESSAGE=%s: %s", place->who, message, "PRIORITY=%d", level, "WHO=%s",
                              place->who, "CODE_FILE=%s", place->file, "CODE_LINE=%d", place->line,
                              "CODE_FUNC=%s", place->function, NULL);
        return;
    }
    log_message_id(event, id);
    (void)sd_journal_send("MESSAGE=%s: %s", place->who, message, "PRIORITY=%d", level, "WHO=%s", place->who,
                          "CODE_FILE=%s", place->file, "CODE_LINE=%d", place->line, "CODE_FUNC=%s",
                          place->function, "MESSAGE_ID=%s", id, "EVENT=%s", event, NULL);
}

static void log_send(int level, const struct log_place *place, const char *message, const char *event)
{
    if (level > atomic_load_explicit(&log_level_now, memory_order_relaxed))
        return;
    if (log_lines) {
        log_lines((enum log_level)level, place->who, message, log_lines_arg);
        return;
    }
    (void)pthread_once(&log_once, log_find_journal);
    if (log_to_journal)
        log_journal(level, place, message, event);
    else
        log_write(level, place->who, message, event);
}

void log_line(enum log_level level, const char *who, const char *file, int line, const char *function,
              const char *format, ...)
{
    struct log_place place = {.who = who, .file = file, .function = function, .line = line};
    char message[LOG_MESSAGE_MAX];
    va_list args;

    if ((int)level > atomic_load_explicit(&log_level_now, memory_order_relaxed))
        return;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    log_tame(message);
    log_send((int)level, &place, message, NULL);
}

void log_event(enum ev event, const char *who, const char *file, int line, const char *function,
               const char *format, ...)
{
    struct log_place place = {.who = who, .file = file, .function = function, .line = line};
    char message[LOG_MESSAGE_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    log_tame(message);
    log_send(ev_severity(event), &place, message, ev_id(event));
    if (log_sink)
        log_sink(event, who, message, log_sink_arg);
}
