/* SPDX-License-Identifier: Apache-2.0 */
/* regorder_put.h: the writes that an order is made of.
 *
 * Each returns once it is known whether the device took it, or with the status that says
 * why nobody knows. What that means for the order is regorder.c's.
 */
#ifndef BUSBAR_FIELD_REGORDER_PUT_H
#define BUSBAR_FIELD_REGORDER_PUT_H

#include "regorder_rows.h"

/* A gate or an enable, and only where it is not so already; a row without bits is one as a
 * whole. `row` NULL, `on` negative: nothing to do. ST_MISMATCH: taken, and reads otherwise. */
NODISCARD enum status regorder_put_switch(struct regdev *dev, const struct profile_row *row, int32_t on);

/* Opens the lever's gate, unless it was seen open lately: then it is only believed to be. */
NODISCARD enum status regorder_put_gate(struct regdev *dev, int32_t lever, const struct profile_row *gate);

/* The value itself, also where the device holds it already. */
NODISCARD enum status regorder_put_value(struct regdev *dev, const struct profile_row *row,
                                         const struct regmap_raw *raw);

/* The believed gate was closed after all: the value once more, with a look at the gate. */
NODISCARD enum status regorder_put_again(struct regdev *dev, int32_t lever, const struct regorder_rows *rows,
                                         const struct regmap_raw *raw);

/* Any row as a whole, the original of a time-out for one. Where the answer is lost, reads what
 * the device holds before it writes again. */
NODISCARD enum status regorder_put(struct regdev *dev, const struct profile_row *row,
                                   const struct regmap_raw *raw);

/* The device's own time-out, and that it took it. */
NODISCARD enum status regorder_put_timeout(struct regdev *dev, const struct profile_row *row,
                                           int64_t timeout_us);

/* Once more where it went back to none. */
NODISCARD enum status regorder_put_timeout_again(struct regdev *dev, const struct profile_row *row,
                                                 int64_t timeout_us);

#endif
