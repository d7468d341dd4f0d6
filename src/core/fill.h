/* SPDX-License-Identifier: Apache-2.0 */
/* fill.h: weighted max-min filling under many limits at once. */
#ifndef BUSBAR_CORE_FILL_H
#define BUSBAR_CORE_FILL_H

#include "block.h"

#define FILL_TOP (-1)    /* reached its own upper end                              */
#define FILL_STAYS (-2)  /* had no room of its own to move in                      */

/* Raises x of every var from lo towards hi at the pace of its weight until a
 * row it is in is full. On entry x = lo and slack_w is what each row has left;
 * both are left up to date. `row` says what stopped a var. */
void fill_run(struct block *b);

/* Input watts at the zone of an entry for one watt of cap. */
static inline double fill_coef(const struct block *b, const struct entry *entry)
{
    return entry->coef * b->vars[entry->source].factor;
}

/* Whether this source is a lever that allocation moves. */
static inline bool fill_moves(const struct block *b, int32_t source)
{
    return b->vars[source].moves;
}

#endif
