/* SPDX-License-Identifier: Apache-2.0 */
/* reload.h: one configuration exchanged for another while the rack is governed.
 * Main thread.
 */
#ifndef BUSBAR_DAEMON_RELOAD_H
#define BUSBAR_DAEMON_RELOAD_H

#include "app.h"
#include "busbar/status.h"

/* Loads and checks the configuration aside and makes everything that can be made
 * without a device; app_run() does the rest as soon as it can. ST_REFUSED: an
 * event says why, and nothing changed. Callable from the event base. */
NODISCARD enum status reload_prepare(struct app *app);

/* The exchange itself. Not from the event base: stopping a field runs it. */
void reload_run(struct app *app);

#endif
