/* SPDX-License-Identifier: Apache-2.0 */
/* netmask.c: addresses and their prefixes, as numbers. Pure; no name is looked up. */
#include "busbar/netmask.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define NETMASK_TEXT_MAX 64

/* The first `bits` of both are the same; with b NULL: the rest of a is 0. */
static bool netmask_same(const uint8_t *a, const uint8_t *b, int32_t bits, int32_t whole)
{
    for (int32_t i = b ? 0 : bits; i < (b ? bits : whole); i++) {
        uint8_t bit = (uint8_t)(0x80u >> (i % 8));

        if ((a[i / 8] & bit) != (b ? b[i / 8] & bit : 0))
            return false;
    }
    return true;
}

bool netmask_read(const char *text, struct netmask *ret)
{
    char address[NETMASK_TEXT_MAX];
    const char *slash = strchr(text, '/');
    size_t length = slash ? (size_t)(slash - text) : strlen(text);
    int32_t whole;
    char *end;
    long bits;

    if (length == 0 || length >= sizeof address)
        return false;
    memcpy(address, text, length);
    address[length] = '\0';
    memset(ret, 0, sizeof *ret);
    if (inet_pton(AF_INET, address, ret->bytes) == 1)
        ret->v6 = false;
    else if (inet_pton(AF_INET6, address, ret->bytes) == 1)
        ret->v6 = true;
    else
        return false;
    whole = ret->v6 ? 128 : 32;
    ret->bits = whole;
    if (slash) {
        bits = strtol(slash + 1, &end, 10);
        if (slash[1] < '0' || slash[1] > '9' || *end || bits > whole)
            return false;
        ret->bits = (int32_t)bits;
    }
    return netmask_same(ret->bytes, NULL, ret->bits, whole);
}

bool netmask_holds(const struct netmask *mask, const struct sockaddr *address)
{
    const struct sockaddr_in6 *six = (const void *)address;
    const struct sockaddr_in *four = (const void *)address;

    if (address->sa_family == AF_INET)
        return !mask->v6 && netmask_same((const uint8_t *)&four->sin_addr, mask->bytes, mask->bits, 32);
    if (address->sa_family != AF_INET6)
        return false;
    if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
        return !mask->v6 && netmask_same(six->sin6_addr.s6_addr + 12, mask->bytes, mask->bits, 32);
    return mask->v6 && netmask_same(six->sin6_addr.s6_addr, mask->bytes, mask->bits, 128);
}
