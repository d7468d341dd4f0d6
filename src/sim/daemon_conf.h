/* SPDX-License-Identifier: Apache-2.0 */
/* daemon_conf.h: writes the busbard configuration of a served rack. */
#ifndef BUSBAR_SIM_DAEMON_CONF_H
#define BUSBAR_SIM_DAEMON_CONF_H

#include <stdint.h>

#include "busbar/status.h"
#include "serve.h"

struct daemon_conf_options {
    const char *path;        /* of the file to write                            */
    const char *mode;        /* the daemon's first mode; NULL: "observe"        */
    int32_t rt_priority;     /* 0: none                                         */
    double charge_timeout_s; /* of the batteries' charger override              */
    double envelope_w;
};

/* Beside `path` it writes bmc-password and makes `state` in the run directory.
 * The daemon's socket is busbar.sock there. ST_SYS is said on standard error. */
NODISCARD enum status daemon_conf_write(const struct serve *serve, const struct daemon_conf_options *opt);

/* Removes bmc-password and `state`: with what the daemon left there, or only
 * when it is empty. The written file stays. */
void daemon_conf_clean(const struct serve *serve, bool with_state);

/* The daemon's socket; `room` of at least PATH_MAX. */
void daemon_conf_socket(const struct serve *serve, char *ret, size_t room);

#endif
