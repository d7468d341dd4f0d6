/* SPDX-License-Identifier: Apache-2.0 */
/* regmirror.h: a shelf controller that mirrors its modules, and leaves them alone when told.
 *
 * What a mirror tells of a module goes to that module's readings, older by the mirror's
 * age, and the module itself is not asked for it while the mirror is fresh: the
 * controller answers, is not paused, and says that it hears the module. While several
 * registers of a module are written, the controller's own polling is paused; that it is
 * paused by us is on disk first. Runs on the line's worker.
 */
#ifndef BUSBAR_FIELD_REGMIRROR_H
#define BUSBAR_FIELD_REGMIRROR_H

#include "regdev.h"

/* Ties modules to the controllers that mirror them, by their configuration. */
void regmirror_link(struct regdev *devices, int32_t count);

/* A row of `dev` was read well: if it tells of a module, that one gets it. */
void regmirror_pass(struct regdev *dev, const struct regdev_row *row, double value, int64_t taken_us);

/* Around a write of several registers of a module. Pausing that does not work out keeps
 * nobody from writing; a resume that does not is tried again by regmirror_step(). */
void regmirror_pause(struct regdev *module);
void regmirror_resume(struct regdev *module);

/* After each poll of a controller: what we paused, or a daemon before us, goes on. */
void regmirror_step(struct regdev *dev);

/* The line is closed for good: one last try. */
void regmirror_stop(struct regdev *dev);

#endif
