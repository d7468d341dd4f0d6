/* SPDX-License-Identifier: Apache-2.0 */
/* regorder_rows.h: the rows that one lever is about, and what they held before the first write. */
#ifndef BUSBAR_FIELD_REGORDER_ROWS_H
#define BUSBAR_FIELD_REGORDER_ROWS_H

#include "busbar/original.h"
#include "regdev.h"

/* NULL where the lever has none. */
struct regorder_rows {
    const struct profile_row *value, *gate, *enable, *timeout, *readback;
};

struct regorder_rows regorder_rows(const struct regdev *dev, int32_t lever);

/* Is there a record of what this row held before us? */
bool regorder_find(const struct regdev *dev, const struct profile_row *row, struct original *ret);

/* Records it, unless that was done: no record, no write. ST_REFUSED: it cannot be kept; else
 * that of a read. */
NODISCARD enum status regorder_record(struct regdev *dev, const struct regorder_rows *rows, int32_t lever);

#endif
