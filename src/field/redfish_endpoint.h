/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_endpoint.h: the calls that power managers of GPU racks make, as patterns:
 * which of them a BMC has decides what can be done with it. Pure.
 */
#ifndef BUSBAR_FIELD_REDFISH_ENDPOINT_H
#define BUSBAR_FIELD_REDFISH_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/redfish_survey.h"

/* A fresh list of all rows, *ret_count of them; the caller's to free. NULL: no memory. */
struct redfish_survey_endpoint *redfish_endpoint_list(int32_t *ret_count);

/* Does `path` fit a pattern? '*' stands for any part of one component. */
bool redfish_endpoint_fits(const char *pattern, const char *path);

/* The row a path is of, or -1. */
int32_t redfish_endpoint_find(const struct redfish_survey_endpoint *list, int32_t count, const char *path);

#endif
