/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_token.h: the session of a BMC, kept on disk while it lives.
 *
 * Session slots are few, and one that a crashed daemon left behind is lost until it
 * expires: the next daemon goes on with it instead. A file a BMC, readable by us alone;
 * gone when the session is given back. Private to src/field; may wait for a disk.
 */
#ifndef BUSBAR_FIELD_REDFISH_TOKEN_H
#define BUSBAR_FIELD_REDFISH_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

struct redfish_token {
    const char *state_dir, *device, *url; /* url: of the BMC; another one's session is not taken */
};

/* `uri` "": none. Trouble is not ours to report: then the session is not kept. */
void redfish_token_save(const struct redfish_token *where, const char *token, const char *uri);
/* Both given to the caller, *ret_uri NULL: none. False: there is none for this URL. */
bool redfish_token_load(const struct redfish_token *where, char **ret_token, char **ret_uri);
void redfish_token_forget(const struct redfish_token *where);

#endif
