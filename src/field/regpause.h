/* SPDX-License-Identifier: Apache-2.0 */
/* regpause.h: that a shelf controller is paused by us, kept on disk while it is.
 *
 * One small file a device, `state_dir`/paused/DEVICE, with its serial number; synced
 * before the pause is written. Called on the line's worker.
 */
#ifndef BUSBAR_FIELD_REGPAUSE_H
#define BUSBAR_FIELD_REGPAUSE_H

#include <stdbool.h>

#include "busbar/status.h"

/* ST_SYS: it could not be kept, as the log says; then nothing is to be paused. */
NODISCARD enum status regpause_mark(const char *state_dir, const char *device, const char *serial);

/* Is it marked, with this serial number? */
bool regpause_marked(const char *state_dir, const char *device, const char *serial);

void regpause_clear(const char *state_dir, const char *device);

#endif
