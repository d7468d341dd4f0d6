/* SPDX-License-Identifier: Apache-2.0 */
/* cli_status.h: what a status answer means, for status, mode and top. Pure. */
#ifndef CLI_STATUS_H
#define CLI_STATUS_H

#include <stdbool.h>

#include "cli_table.h"

struct json_object;

/* The mode is what the wanted mode leads to when all is well. */
bool cli_status_mode_holds(struct json_object *status);

/* That, every device good, no limit exceeded, limits that can be held. */
bool cli_status_holds(struct json_object *status);

enum cli_colour cli_status_colour(struct json_object *status);

/* The used share of an `envelope`; NAN where something is unknown. */
double cli_status_use(struct json_object *envelope);

#endif
