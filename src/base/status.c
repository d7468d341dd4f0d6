/* SPDX-License-Identifier: Apache-2.0 */
/* status.c: the labels of enum status. Any thread; holds nothing but constants. */
#include "busbar/status.h"

#include <stddef.h>

#define STATUS_LABEL(name, label) label,
static const char *const status_labels[] = {STATUS_LIST(STATUS_LABEL)};
#undef STATUS_LABEL

const char *status_label(enum status st)
{
    size_t at = (size_t)st;

    return at < (size_t)ST_COUNT ? status_labels[at] : "unknown";
}
