/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_mask.h: sets of workload power profiles as the hex texts that BMCs use. Pure. */
#ifndef BUSBAR_FIELD_REDFISH_MASK_H
#define BUSBAR_FIELD_REDFISH_MASK_H

#include <stddef.h>

#include "busbar/redfish_survey.h"

#define REDFISH_MASK_TEXT_MAX 68 /* "0x", 64 digits and the end                   */

/* "0x1f", "1F", "" ...: *ret says `known` where it is such a text of 256 bits at most. */
void redfish_mask_parse(const char *text, struct redfish_survey_mask *ret);

/* "0x..." without leading zeros. */
void redfish_mask_print(const struct redfish_survey_mask *mask, char *to, size_t room);

bool redfish_mask_equal(const struct redfish_survey_mask *a, const struct redfish_survey_mask *b);
bool redfish_mask_empty(const struct redfish_survey_mask *mask);
/* What is in `a` and not in `b`. */
struct redfish_survey_mask redfish_mask_less(const struct redfish_survey_mask *a,
                                             const struct redfish_survey_mask *b);

#endif
