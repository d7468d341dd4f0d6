/* SPDX-License-Identifier: Apache-2.0 */
/* serve_redfish_events.h: the event streams of simulated BMCs: a metric report a second,
 * and which limit was changed. Private to serve_redfish*.c; runs on the server's base.
 */
#ifndef BUSBAR_SIM_SERVE_REDFISH_EVENTS_H
#define BUSBAR_SIM_SERVE_REDFISH_EVENTS_H

#include "serve_redfish_parts.h"

struct evhttp_request;

/* Answers with a stream that stays open. False: no room for another (the request is
 * still to be answered). */
bool serve_redfish_events_begin(struct serve_redfish_bmc *bmc, struct evhttp_request *request);

/* The connection is gone. */
void serve_redfish_events_closed(struct serve_redfish_bmc *bmc, const struct evhttp_connection *connection);

/* What is due now: reports, and limits that were set since. */
void serve_redfish_events_run(struct serve_redfish_bmc *bmc, int64_t now_us);

#endif
