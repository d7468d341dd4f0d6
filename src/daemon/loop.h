/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h: the main thread's event base, with signals and timers as plain calls. */
#ifndef BUSBAR_DAEMON_LOOP_H
#define BUSBAR_DAEMON_LOOP_H

#include <stdint.h>

#include "busbar/status.h"

struct event_base;
struct loop;

typedef void (*loop_call)(void *arg);

NODISCARD enum status loop_new(struct loop **ret);
struct loop *loop_free(struct loop *loop);

/* For the parts that live on the base. */
struct event_base *loop_base(struct loop *loop);

/* `call` at each delivery of a signal, or each period (1 000 us or more). At
 * most LOOP_CALLS_MAX of both; they end with the loop. */
#define LOOP_CALLS_MAX 8
NODISCARD enum status loop_on_signal(struct loop *loop, int number, loop_call call, void *arg);
NODISCARD enum status loop_every(struct loop *loop, int64_t period_us, loop_call call, void *arg);

/* Runs until loop_break(). ST_SYS: the base failed. */
NODISCARD enum status loop_run(struct loop *loop);
void loop_break(struct loop *loop);

#endif
