/* worker.h: a thread for one blocking bus. */
#ifndef BUSBAR_WORKER_H
#define BUSBAR_WORKER_H

#include <stdint.h>

#include "busbar/status.h"

struct worker;

/* One turn of work, on the worker's thread. Returns when (clock_now_us()) it
 * wants the next turn; a turn also comes after worker_wake(). May block for a
 * bounded time: worker_free() waits for it. */
typedef int64_t (*worker_turn)(void *arg, int64_t now_us);

/* Starts a thread called `name` (15 characters are kept). `arg` is borrowed. */
NODISCARD enum status worker_new(const char *name, worker_turn turn, void *arg, struct worker **ret);

/* The descriptor whose write wakes the worker: give it to mailbox_set_notify(). */
int worker_wake_fd(const struct worker *worker);
void worker_wake(struct worker *worker);

/* Lets the current turn end, then joins the thread. Takes NULL; returns NULL. */
struct worker *worker_free(struct worker *worker);

#endif
