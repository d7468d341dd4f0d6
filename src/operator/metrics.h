/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.h: a snapshot as Prometheus text, version 0.0.4. Pure. */
#ifndef OPERATOR_METRICS_H
#define OPERATOR_METRICS_H

#include <stddef.h>

#include "busbar/status.h"
#include "snapshot.h"

/* *ret is malloc'ed, NUL-terminated and the caller's to free. ST_NOMEM: memory ended. */
NODISCARD enum status metrics_write(const struct snapshot *snap, char **ret, size_t *ret_size);

#endif
