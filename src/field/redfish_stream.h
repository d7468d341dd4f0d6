/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_stream.h: a BMC's event stream, kept open. Runs on the event base's thread.
 * Private to src/field.
 *
 * What it brings: metric reports as they are made, and which resource changed, which is
 * then asked for at once. It takes one of the two connections: polls and writes share the
 * other one. One that ends is opened again after a while that differs each time.
 */
#ifndef BUSBAR_FIELD_REDFISH_STREAM_H
#define BUSBAR_FIELD_REDFISH_STREAM_H

#include "busbar/status.h"

struct redfish;

NODISCARD enum status redfish_stream_init(struct redfish *bmc);
void redfish_stream_done(struct redfish *bmc);

/* Where the stream is. */
void redfish_stream_offer(struct redfish *bmc, const char *path);

/* Closes it: the session it hangs on is given back. */
void redfish_stream_stop(struct redfish *bmc);

#endif
