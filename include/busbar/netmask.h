/* SPDX-License-Identifier: Apache-2.0 */
/* netmask.h: "10.1.0.0/16", "10.1.2.3", "fd00::/8": which addresses are meant. Pure. */
#ifndef BUSBAR_NETMASK_H
#define BUSBAR_NETMASK_H

#include <stdbool.h>
#include <stdint.h>

struct sockaddr;

struct netmask {
    int32_t bits; /* of `bytes` that count                                 */
    bool v6;
    uint8_t bytes[16]; /* 4 of them without v6                                  */
};

/* False: no address, or bits past its length, or bits set after them. */
bool netmask_read(const char *text, struct netmask *ret);

/* An IPv4 address that came over an IPv6 socket counts as IPv4. */
bool netmask_holds(const struct netmask *mask, const struct sockaddr *address);

#endif
