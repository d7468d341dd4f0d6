/* SPDX-License-Identifier: Apache-2.0 */
/* pmi.h: the rack served upstream as a Modbus server. Main thread. */
#ifndef OPERATOR_PMI_H
#define OPERATOR_PMI_H

#include "busbar/pmi.h"
#include "busbar/status.h"

struct operator;
struct pmi;

/* Listens. `options` are borrowed until the next pmi_follow() or pmi_free(). A serial line
 * that cannot be opened is tried again every second; a TCP port that cannot be had is
 * ST_SYS, and the log says why. */
NODISCARD enum status pmi_new(struct operator* op, const struct pmi_options *options,
                              const struct pmi_calls *calls, struct pmi **ret);

/* After a reload: connections stay where the port does, each writer gives its key again. */
NODISCARD enum status pmi_follow(struct pmi *pmi, const struct pmi_options *options);

struct pmi *pmi_free(struct pmi *pmi);

/* The TCP port listened on; 0: none. */
int32_t pmi_port(const struct pmi *pmi);

#endif
