/* SPDX-License-Identifier: Apache-2.0 */
/* tokens.h: who wants power for how long: the table of standing wishes, by client.
 *
 * It outlives a reload; a restart of the daemon forgets it, and every lease with
 * it. Main thread; the tick thread gets copies of the whole table.
 */
#ifndef BUSBAR_DAEMON_TOKENS_H
#define BUSBAR_DAEMON_TOKENS_H

#include "busbar/core.h"
#include "busbar/operator.h"
#include "busbar/status.h"
#include "names.h"
#include "rig.h"

struct tokens;

NODISCARD enum status tokens_new(struct tokens **ret);
struct tokens *tokens_free(struct tokens *tokens);

/* Takes a wish and hands the table to the rig's tick. ST_OK: the core will answer
 * under *ret. ST_NONE: nothing to give back. ST_BUSY: the table is full of clients
 * that hold something. */
NODISCARD enum status tokens_put(struct tokens *tokens, struct rig *rig, const struct operator_wish *wish,
                                 struct operator_token *ret);

/* What tokens_put() would say, and nothing is done. It stays so until the table is told
 * something else: whoever was answered and holds nothing only gets more with another wish. */
NODISCARD enum status tokens_check(struct tokens *tokens, struct rig *rig, const struct operator_wish *wish);

/* Before `rig` is handed over: the table under its names. Wishes for nodes that
 * it lacks are dropped, and those that it has no room for, the newest first. */
void tokens_follow(struct tokens *tokens, struct rig *rig);

/* The name of a client's number; NULL: not in the table. */
const char *tokens_client(const struct tokens *tokens, uint64_t client);

#endif
