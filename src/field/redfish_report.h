/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_report.h: a MetricReport, value by value. Pure.
 *
 * Reports of megabytes exist, so the values are parsed one at a time and never all held.
 * Values are texts, timestamps are the device's own and may go back. Private to src/field.
 */
#ifndef BUSBAR_FIELD_REDFISH_REPORT_H
#define BUSBAR_FIELD_REDFISH_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "busbar/status.h"

struct redfish_report_value {
    const char *property; /* MetricProperty; "" without. Until the call returns         */
    double value;         /* NAN: no number                                             */
    int64_t at_us;        /* its timestamp, since 1970; 0: none                         */
    bool stale;           /* the device says that it is old                             */
};
typedef void (*redfish_report_call)(const struct redfish_report_value *value, void *arg);

struct redfish_report_head {
    int32_t values, stale;
    int64_t oldest_us, newest_us; /* of their timestamps; 0: none                       */
    double interval_s;            /* SensingInterval; NAN                               */
};

/* ST_CORRUPT: it is no JSON object, or cut off; what came before was given. `call` NULL:
 * only the head is wanted. */
NODISCARD enum status redfish_report_scan(const char *body, size_t size, redfish_report_call call, void *arg,
                                          struct redfish_report_head *ret);

#endif
