/* SPDX-License-Identifier: Apache-2.0 */
/* access.c: may this peer use the socket?
 *
 * Owns the group's name and a few kept answers; runs on the main thread. Never
 * opens the socket and never replies: api.c does.
 */
#include "access.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ACCESS_BUFFER 16384
#define ACCESS_GROUPS_MAX 1024

bool access_decide(const struct access_rules *rules, const struct http_peer *peer, const gid_t *groups,
                   int count)
{
    if (peer->uid < 0)
        return false; /* not a peer of a UNIX socket */
    if (peer->uid == 0 || (uid_t)peer->uid == rules->own_uid)
        return true;
    if (!rules->group_known)
        return false;
    if (peer->gid >= 0 && (gid_t)peer->gid == rules->group)
        return true;
    for (int i = 0; i < count; i++) {
        if (groups[i] == rules->group)
            return true;
    }
    return false;
}

void access_init(struct access *access, const char *group)
{
    *access = (struct access){ .next = 0 };
    if (group)
        (void)snprintf(access->group, sizeof access->group, "%s", group);
}

static void access_find_group(const struct access *access, struct access_rules *rules)
{
    char buffer[ACCESS_BUFFER];
    struct group group, *found = NULL;

    if (access->group[0] && getgrnam_r(access->group, &group, buffer, sizeof buffer, &found) == 0 && found) {
        rules->group_known = true;
        rules->group = found->gr_gid;
    }
}

/* The user's groups, primary included; 0 for a user nobody knows. */
static int access_find_groups(const struct http_peer *peer, gid_t *groups, int room)
{
    char buffer[ACCESS_BUFFER];
    struct passwd user, *found = NULL;
    int count = room;

    if (getpwuid_r((uid_t)peer->uid, &user, buffer, sizeof buffer, &found) != 0 || !found)
        return 0;
    if (getgrouplist(found->pw_name, found->pw_gid, groups, &count) < 0)
        return room; /* more than fit: those that fit were stored */
    return count;
}

static bool access_look_up(const struct access *access, const struct http_peer *peer)
{
    struct access_rules rules = { .own_uid = geteuid() };
    gid_t groups[ACCESS_GROUPS_MAX];
    int count = 0;

    if (access_decide(&rules, peer, NULL, 0))
        return true; /* root and our own user need no look-up */
    access_find_group(access, &rules);
    if (rules.group_known && peer->uid >= 0)
        count = access_find_groups(peer, groups, ACCESS_GROUPS_MAX);
    return access_decide(&rules, peer, groups, count);
}

bool access_allowed(struct access *access, const struct http_peer *peer, int64_t now_us)
{
    struct access_verdict *verdict;

    for (int i = 0; i < ACCESS_KEPT; i++) {
        verdict = &access->kept[i];
        if (verdict->used && verdict->uid == peer->uid && verdict->gid == peer->gid && now_us < verdict->until_us)
            return verdict->allowed;
    }
    verdict = &access->kept[access->next];
    access->next = (access->next + 1) % ACCESS_KEPT;
    *verdict = (struct access_verdict){
        .used = true,
        .allowed = access_look_up(access, peer),
        .uid = peer->uid,
        .gid = peer->gid,
        .until_us = now_us + ACCESS_KEEP_US,
    };
    return verdict->allowed;
}

void access_who(const struct http_peer *peer, char *ret, size_t size)
{
    char buffer[ACCESS_BUFFER];
    struct passwd user, *found = NULL;

    if (peer->uid >= 0 && getpwuid_r((uid_t)peer->uid, &user, buffer, sizeof buffer, &found) == 0 && found)
        (void)snprintf(ret, size, "%s", found->pw_name);
    else
        (void)snprintf(ret, size, "uid %d", (int)peer->uid);
}
