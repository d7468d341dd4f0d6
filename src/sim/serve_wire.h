/* SPDX-License-Identifier: Apache-2.0 */
/* serve_wire.h: what the simulator's buses share: descriptors on the event base,
 * a precise timer, listeners, texts as register words.
 *
 * libevent's own timers round to a millisecond on a base without
 * EVENT_BASE_FLAG_PRECISE_TIMER, and a PMBus word takes 570 us: so a bus uses a
 * timerfd on whatever base it is given.
 */
#ifndef BUSBAR_SIM_SERVE_WIRE_H
#define BUSBAR_SIM_SERVE_WIRE_H

#include <stdint.h>

#include "busbar/status.h"
#include "rng.h"

struct event_base;
struct serve_wire_watch; /* opaque */
struct serve_wire_timer; /* opaque */

/* Calls `ready` on the base's thread whenever `fd` can be read (or was closed
 * at the other end). `fd` is borrowed and non-blocking. */
NODISCARD enum status serve_wire_watch_new(struct event_base *base, int fd, void (*ready)(void *arg),
                                           void *arg, struct serve_wire_watch **ret);

/* May be called from inside `ready`. Takes NULL. Always returns NULL. */
struct serve_wire_watch *serve_wire_watch_free(struct serve_wire_watch *watch);

/* A non-blocking listening socket: on 127.0.0.1 (port 0: any; *ret_port says
 * which) or at a path, where a stale socket is replaced. */
NODISCARD enum status serve_wire_listen_tcp(int32_t port, int *ret_fd, int32_t *ret_port);
NODISCARD enum status serve_wire_listen_unix(const char *path, int *ret_fd);

/* The next waiting connection, non-blocking and without Nagle's delay; -1: none. */
int serve_wire_accept(int listen_fd);

/* Makes a timer that is not running. `fire` runs on the base's thread. */
NODISCARD enum status serve_wire_timer_new(struct event_base *base, void (*fire)(void *arg), void *arg,
                                           struct serve_wire_timer **ret);

/* Fires once when clock_now_us() reaches `at_us` (at once if that is past),
 * replacing what was set before. */
void serve_wire_timer_at(struct serve_wire_timer *timer, int64_t at_us);
void serve_wire_timer_stop(struct serve_wire_timer *timer);

/* Takes NULL. Always returns NULL. */
struct serve_wire_timer *serve_wire_timer_free(struct serve_wire_timer *timer);

/* Standard normal. */
double serve_wire_normal(struct rng *rng);

/* The first n bytes of `text` as 16-bit words, high byte first, NUL padded. */
void serve_wire_text(const char *text, uint16_t *words, int32_t count);

#endif
