/* SPDX-License-Identifier: Apache-2.0 */
/* calls.h: what the operator part may ask of the daemon. Main thread. */
#ifndef BUSBAR_DAEMON_CALLS_H
#define BUSBAR_DAEMON_CALLS_H

#include "app.h"
#include "busbar/operator.h"
#include "busbar/pmi.h"

/* The calls, with `app` as their argument. */
struct operator_calls calls_make(struct app *app);

/* What a writer upstream is given. */
struct pmi_calls calls_pmi(struct app *app);

/* Before the field goes: what was counted with its buses counts on. */
void calls_keep_buses(struct app *app);

#endif
