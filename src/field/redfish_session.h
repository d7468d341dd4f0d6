/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_session.h: between redfish_link.c, which asks, and redfish_session.c, which knows as whom. */
#ifndef BUSBAR_FIELD_REDFISH_SESSION_H
#define BUSBAR_FIELD_REDFISH_SESSION_H

#include "redfish_bmc.h"

/* ST_NOMEM: the login does not fit. */
NODISCARD enum status redfish_session_init(struct redfish *bmc);

/* A new session; the old one is given back first, slots are few. */
void redfish_session_renew(struct redfish *bmc);
/* A login that was not taken: the next one waits 5 s, 10 s, 20 s ... */
void redfish_session_back_off(struct redfish *bmc, const char *why);

/* ---- redfish_link.c ---- */

/* Sends what the lane asks, now or after a login, or not at all. */
void redfish_link_go(struct redfish_lane *lane);
/* Sends it as things are. */
void redfish_link_dispatch(struct redfish_lane *lane);
/* Ends an ask that was not sent (again). */
void redfish_link_drop(struct redfish_lane *lane, enum status status);

#endif
