/* SPDX-License-Identifier: Apache-2.0 */
/* state.h: what the daemon must remember when it is gone: the wanted mode.
 *
 * One small file, `state_dir`/state, written whole beside itself, synced and
 * renamed, so a power cut leaves the old or the new one. One thread at a time.
 */
#ifndef BUSBAR_DAEMON_STATE_H
#define BUSBAR_DAEMON_STATE_H

#include <stdint.h>

#include "busbar/core.h"
#include "busbar/status.h"

#define STATE_WHO_MAX 64

struct state {
    enum core_mode_wanted mode_wanted;
    char who[STATE_WHO_MAX];      /* who asked for it                               */
    int64_t wall_us;              /* when                                           */
};

/* ST_NONE: there is no file yet. ST_CORRUPT: it is not one of ours, and the log
 * says what is wrong. ST_SYS: it cannot be read. */
NODISCARD enum status state_load(const char *state_dir, struct state *ret);

/* ST_SYS: logged; the file on disk is what it was. */
NODISCARD enum status state_save(const char *state_dir, const struct state *state);

/* Makes the directory (and its parents) where it is missing, and says in the
 * log when nothing can be written there. */
NODISCARD enum status state_dir_make(const char *path);

/* One owner a state directory: *ret_fd holds the lock until it is closed or the
 * process ends. ST_BUSY: another process owns it. ST_SYS: logged. */
NODISCARD enum status state_lock(const char *state_dir, int *ret_fd);

#endif
