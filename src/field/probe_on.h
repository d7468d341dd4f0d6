/* SPDX-License-Identifier: Apache-2.0 */
/* probe_on.h: a probe on a bus that somebody else made. For tests. */
#ifndef BUSBAR_FIELD_PROBE_ON_H
#define BUSBAR_FIELD_PROBE_ON_H

#include "busbar/probe.h"
#include "regio.h"

/* `ops` and `arg` are borrowed; probe_free() closes the bus and leaves them. */
NODISCARD enum status probe_new_on(const struct regio_ops *ops, void *arg, const struct conf_bus *bus,
                                   struct probe **ret);

#endif
