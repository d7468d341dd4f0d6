/* SPDX-License-Identifier: Apache-2.0 */
/* pmbus_setup.h: what a PMBus device says of itself before its numbers mean anything.
 *
 * Whether it checks packets, the format of its output voltages page by page, its DIRECT
 * coefficients, whether it is configured as its profile presumes, what it lets be written.
 * Works on a device's own copy of its profile. Runs on the line's worker, waits for the bus.
 */
#ifndef BUSBAR_FIELD_PMBUS_SETUP_H
#define BUSBAR_FIELD_PMBUS_SETUP_H

#include "regdev.h"

/* Does this profile speak PMBus? */
bool pmbus_setup_is_pmbus(const struct profile *profile);

/* Before the first word: sets the copy's `pec` where the profile leaves it to the device. */
NODISCARD enum status pmbus_setup_pec(struct regdev *dev);

/* Once it is known who it is: what the rows' formats depend on. A row whose format cannot be
 * known then decodes to ST_RANGE. Another status than ST_OK: it does not answer now. */
NODISCARD enum status pmbus_setup_formats(struct regdev *dev);

/* May the row be written? ST_REFUSED: WRITE_PROTECT says no (said once), and is left so. */
NODISCARD enum status pmbus_setup_writable(struct regdev *dev, const struct profile_row *row);

#endif
