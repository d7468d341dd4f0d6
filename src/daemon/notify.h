/* SPDX-License-Identifier: Apache-2.0 */
/* notify.h: what systemd is told. Main thread. Says nothing where nobody listens. */
#ifndef BUSBAR_DAEMON_NOTIFY_H
#define BUSBAR_DAEMON_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

#define NOTIFY_STATUS_MAX 160

struct notify {
    bool ready;                       /* READY=1 was sent                              */
    int64_t beat_every_us;            /* half of what systemd waits; 0: no watchdog     */
    int64_t beat_us;
    uint64_t beat_ticks;              /* ticks at the last beat                         */
    int64_t status_us;
    char status[NOTIFY_STATUS_MAX];
};

/* Reads WATCHDOG_USEC. */
void notify_init(struct notify *notify);

/* READY=1 after the first tick; WATCHDOG=1 when one is due and ticks advanced
 * since the last; STATUS= when it is another one, at most once a second. */
void notify_step(struct notify *notify, uint64_t ticks, int64_t now_us, const char *status);

/* A reload begins; notify_ready() ends it. */
void notify_reloading(int64_t now_us);
void notify_ready(void);
void notify_stopping(void);

#endif
