/* SPDX-License-Identifier: Apache-2.0 */
/* access.h: who may use the socket: root, our own user, members of one group.
 *
 * Main thread. Answers about a user are kept for ACCESS_KEEP_US, because asking
 * the system's user database may block.
 */
#ifndef OPERATOR_ACCESS_H
#define OPERATOR_ACCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "busbar/http.h"

#define ACCESS_KEEP_US 30000000
#define ACCESS_KEPT 8
#define ACCESS_GROUP_MAX 64

struct access_rules {
    uid_t own_uid;
    bool group_known;   /* the group exists on this machine */
    gid_t group;
};

struct access_verdict {
    bool used, allowed;
    int32_t uid, gid;
    int64_t until_us;
};

struct access {
    char group[ACCESS_GROUP_MAX];
    struct access_verdict kept[ACCESS_KEPT];
    int32_t next;
};

/* The decision itself, pure: `groups` are those of the peer's user. */
bool access_decide(const struct access_rules *rules, const struct http_peer *peer, const gid_t *groups,
                   int count);

/* `group` is copied; NULL: nobody besides root and our own user. */
void access_init(struct access *access, const char *group);

/* Looks the peer up where it has to. */
bool access_allowed(struct access *access, const struct http_peer *peer, int64_t now_us);

/* "NAME", or "uid N" for a user without a name. */
void access_who(const struct http_peer *peer, char *ret, size_t size);

#endif
