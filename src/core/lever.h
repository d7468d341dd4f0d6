/* SPDX-License-Identifier: Apache-2.0 */
/* lever.h: the ledger of values in force, in flight and still to be feared. */
#ifndef BUSBAR_CORE_LEVER_H
#define BUSBAR_CORE_LEVER_H

#include "block.h"

/* Takes identities, acknowledgements, read-backs; lets orders time out; then
 * sets what every lever counts for in sources[]. */
void lever_step(struct block *b);

/* Largest value, in the signal's unit, that is in force, in flight, could still
 * land, or returns when the device's own time-out ends. */
double lever_counted(const struct block *b, int32_t lever);

/* The same when `value` is ordered now. */
double lever_counted_with(const struct block *b, int32_t lever, double value);

/* Does ordering `value` ask for more than is certain of a cap? What the device
 * may return to by itself at any time is never more. */
bool lever_is_raise(const struct block *b, int32_t lever, double value);

/* Sets sources[] of one lever for a counted value. */
void lever_source(struct block *b, int32_t lever, double counted);

/* Books an order as sent. */
void lever_commit(struct block *b, const struct core_order *order);

/* An order that was not to be made: counted, told once, tried again later. */
void lever_refuse(struct block *b, int32_t lever, double value, double bound);

/* A read-back this close is the value; this far off is somebody else's. */
double lever_tolerance(const struct core_config_lever *conf);
double lever_drift_tolerance(const struct core_config_lever *conf, double value);

/* The newest record of this step that moved or freed this lever. */
void lever_due(struct block *b, int32_t lever, enum core_cause_kind kind, int64_t taken_us, int64_t arrived_us);

#endif
