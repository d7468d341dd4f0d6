/* SPDX-License-Identifier: Apache-2.0 */
/* recorder.h: the inputs and orders of recent ticks, in a ring, saved when
 * somebody asks, so that a field incident can be run again. Main thread.
 * The form on disk is in busbar/record.h.
 */
#ifndef BUSBAR_DAEMON_RECORDER_H
#define BUSBAR_DAEMON_RECORDER_H

#include <stddef.h>
#include <stdint.h>

#include "busbar/conf.h"
#include "busbar/status.h"
#include "names.h"
#include "tap.h"

struct recorder;

/* `ring_bytes` are taken at once. */
NODISCARD enum status recorder_new(size_t ring_bytes, struct recorder **ret);
struct recorder *recorder_free(struct recorder *recorder);

/* What the ticks that follow were made under: at start and after each reload,
 * when the old configuration's tap is drained. Logs when the ring is too small. */
void recorder_config(struct recorder *recorder, const struct conf *conf, const struct names *names);

/* Takes what the tick thread put since the last call. */
void recorder_drain(struct recorder *recorder, struct tap *tap);

/* The newest `last_us` (0: everything), from the nearest earlier copy of the
 * core on. ST_OK: *ret is malloc'ed and the caller's. ST_NONE: nothing yet. */
NODISCARD enum status recorder_save(const struct recorder *recorder, int64_t last_us, void **ret,
                                    size_t *ret_size);

#endif
