/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_retry.h: how long a busy BMC wants to be left alone. Pure. Private to src/field. */
#ifndef BUSBAR_FIELD_REDFISH_RETRY_H
#define BUSBAR_FIELD_REDFISH_RETRY_H

#include <stddef.h>
#include <stdint.h>

/* From a Retry-After header (seconds, or a date; NULL: none), else from the MessageArgs
 * of a body that says ServiceTemporarilyUnavailable: 0 to `most_us`; 0 where neither says
 * anything that we understand (a URL has been seen). `wall_us`: our clock, since 1970. */
int64_t redfish_retry_us(const char *header, const char *body, size_t size, int64_t wall_us, int64_t most_us);

#endif
