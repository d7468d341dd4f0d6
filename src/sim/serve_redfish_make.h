/* SPDX-License-Identifier: Apache-2.0 */
/* serve_redfish_make.h: the pieces that every resource of a simulated BMC is made of.
 * Pure. Private to serve_redfish*.c.
 */
#ifndef BUSBAR_SIM_SERVE_REDFISH_MAKE_H
#define BUSBAR_SIM_SERVE_REDFISH_MAKE_H

#include "serve_redfish_parts.h"

void serve_redfish_make_text(struct json_object *to, const char *name, const char *text);
void serve_redfish_make_whole(struct json_object *to, const char *name, double value);
/* A reading, to three places as BMCs print them. */
void serve_redfish_make_number(struct json_object *to, const char *name, double value);
/* {"@odata.id": path} */
void serve_redfish_make_link(struct json_object *to, const char *name, const char *path);
struct json_object *serve_redfish_make_object(const char *path, const char *type, const char *id,
                                              const char *name);
/* Its Status: well. */
void serve_redfish_make_enabled(struct json_object *to);
struct json_object *serve_redfish_make_collection(const char *path, const char *type, const char *name);
void serve_redfish_make_member(struct json_object *collection, const char *path);
/* {"#name": {"target": path}} into its Actions. */
void serve_redfish_make_action(struct json_object *to, const char *name, const char *target);

#endif
