/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_replay.c: recordings, with their sums taken as right and no recorded core:
 * whatever is in them, the core must never be given what it would stop for. */
#include <stddef.h>
#include <stdint.h>

#include "sim/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct replay_options opt = { .from_start = true, .trust_sums = true };
    struct replay_result result;

    if (replay_bytes(data, size, &opt, &result) == ST_OK && result.ticks == 0)
        __builtin_trap(); /* ST_OK says that something was stepped */
    return 0;
}
