/* SPDX-License-Identifier: Apache-2.0 */
/* notify.c: readiness, status and watchdog beats for systemd. Main thread. A
 * beat means that the control loop ticks, not merely that this thread lives. */
#include "notify.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <systemd/sd-daemon.h>

#define NOTIFY_STATUS_EVERY_US 1000000

void notify_init(struct notify *notify)
{
    uint64_t limit_us = 0;

    *notify = (struct notify){ .ready = false };
    if (sd_watchdog_enabled(0, &limit_us) > 0)
        notify->beat_every_us = (int64_t)(limit_us / 2);
}

void notify_step(struct notify *notify, uint64_t ticks, int64_t now_us, const char *status)
{
    if (ticks == 0)
        return;
    if (!notify->ready) {
        notify->ready = true;
        notify_ready();
    }
    if (notify->beat_every_us > 0 && now_us - notify->beat_us >= notify->beat_every_us &&
        ticks != notify->beat_ticks) {
        notify->beat_us = now_us;
        notify->beat_ticks = ticks;
        (void)sd_notify(0, "WATCHDOG=1");
    }
    if (now_us - notify->status_us >= NOTIFY_STATUS_EVERY_US && strcmp(status, notify->status) != 0) {
        notify->status_us = now_us;
        (void)snprintf(notify->status, sizeof notify->status, "%s", status);
        (void)sd_notifyf(0, "STATUS=%s", status);
    }
}

void notify_reloading(int64_t now_us)
{
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, now_us);
}

void notify_ready(void)
{
    (void)sd_notify(0, "READY=1");
}

void notify_stopping(void)
{
    (void)sd_notify(0, "STOPPING=1");
}
