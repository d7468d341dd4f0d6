/* SPDX-License-Identifier: Apache-2.0 */
/* originals.h: what a lever held before our first write, kept on disk.
 *
 * One file a device, `state_dir`/originals/DEVICE, written whole to a new file,
 * synced and renamed (its folder synced too), so a power cut leaves the old or
 * the new one. Called by the adapter that owns the device, on its thread.
 */
#ifndef BUSBAR_FIELD_ORIGINALS_H
#define BUSBAR_FIELD_ORIGINALS_H

#include "busbar/field.h"
#include "busbar/status.h"

/* Adds `original` for its device unless that lever is listed for this serial
 * already: then ST_OK and nothing is written. No record, no write: on anything
 * but ST_OK the caller must not write to the lever. */
NODISCARD enum status originals_record(const char *state_dir, const struct original *original);

/* Is the lever of this serial listed? On true *ret is its original. */
bool originals_find(const char *state_dir, const char *device, const char *serial, const char *signal,
                    int32_t index, struct original *ret);

#endif
