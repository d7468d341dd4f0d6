/* SPDX-License-Identifier: Apache-2.0 */
/* keeper.h: keeps the wanted mode on disk from a thread of its own: a disk that hangs
 * holds up neither an emergency nor the watchdog's beat.
 */
#ifndef BUSBAR_DAEMON_KEEPER_H
#define BUSBAR_DAEMON_KEEPER_H

#include <stdint.h>

#include "state.h"

struct keeper;

/* `state_dir` is copied. */
NODISCARD enum status keeper_new(const char *state_dir, struct keeper **ret);

/* Returns at once; replaces what was put before and not begun yet. */
void keeper_put(struct keeper *keeper, const struct state *state);

/* Until what was put last is done with, `wait_us` at most. ST_OK: it is on the disk. ST_BUSY: not
 * yet, it is gone on with. Else as state_save(), and logged; the file is what it was. */
NODISCARD enum status keeper_wait(struct keeper *keeper, int64_t wait_us);

/* What was put last is on the disk, or could not be, when this returns. Takes NULL; returns NULL. */
struct keeper *keeper_free(struct keeper *keeper);

#endif
