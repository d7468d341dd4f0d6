/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_read.h: links and endpoints of a BMC's documents. Pure; private to the files
 * behind redfish_model.h.
 */
#ifndef BUSBAR_FIELD_REDFISH_READ_H
#define BUSBAR_FIELD_REDFISH_READ_H

#include "redfish_model.h"

/* Counts a path for the endpoint it is one of: as listed, or as answered. */
void redfish_read_endpoint(struct redfish_model *model, const char *path, bool answered);

/* Notes a link, if what is there matters. The item of that path, or -1. */
int32_t redfish_read_add(struct redfish_model *model, const struct redfish_walk_link *link);

/* Notes the place where the standard puts what a link should have led to. False: that
 * was asked for already, or there is no such place. */
bool redfish_read_beside(struct redfish_model *model, int32_t item);

/* The link of this name at any depth of an Oem object; call with depth 0. */
bool redfish_read_find_oem(struct json_object *at, const char *name, char *ret, size_t room, int depth);

#endif
