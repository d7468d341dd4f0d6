/* SPDX-License-Identifier: Apache-2.0 */
/* tap.h: what a tick saw and ordered, on its way to the recorder.
 *
 * One tap a configuration: its buffers are as large as that core needs. The
 * tick thread calls tap_begin() and tap_end(), the main thread tap_get(). A
 * record that finds no room is lost; then nothing more is put until a fresh copy
 * of the core's block is through, and that says how many ticks are missing.
 */
#ifndef BUSBAR_DAEMON_TAP_H
#define BUSBAR_DAEMON_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "busbar/core.h"
#include "busbar/record.h"
#include "busbar/status.h"

struct tap;

NODISCARD enum status tap_new(const struct core_config *config, size_t core_bytes, struct tap **ret);
struct tap *tap_free(struct tap *tap);

/* Tick thread, before core_step(): the plan when it is another one, and a copy
 * of the core's block when one is due. */
void tap_begin(struct tap *tap, const struct core *core, const struct core_inputs *in);

/* Tick thread, after core_step(): its inputs and the orders it gave. */
void tap_end(struct tap *tap, const struct core_inputs *in, const struct core_outputs *out);

/* Tick thread: ticks that were not recorded so far. */
uint64_t tap_lost(const struct tap *tap);

/* Main thread: the next record, valid until the next call; RECORD_NONE when
 * there is none. PLAN is the plan's own block, the others are payloads. */
enum record_type tap_get(struct tap *tap, const void **ret, size_t *ret_size);

#endif
