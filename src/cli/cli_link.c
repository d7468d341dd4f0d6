/* SPDX-License-Identifier: Apache-2.0 */
/* cli_link.c: a device's place from a line of text and back. Owns nothing. */
#include "cli_link.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CLI_LINK_US_PER_MS   INT64_C(1000)
#define CLI_LINK_SMBUS_FIRST 0x08
#define CLI_LINK_SMBUS_LAST  0x77
#define CLI_LINK_UNIT_LAST   255
#define CLI_LINK_NAME_PART   24 /* letters of a name that are kept, if that is all of it */
#define CLI_LINK_NAME_CUT    20 /* else so many, and a hash                              */

static const struct {
    const char *name;
    enum conf_bus_kind kind;
    int32_t timeout_ms; /* as a configuration's preset */
} cli_link_kinds[] = {
    { "i2c", CONF_BUS_SMBUS_LINUX, 50 },    { "smbus", CONF_BUS_SMBUS_SOCKET, 50 },
    { "rtu", CONF_BUS_MODBUS_RTU, 100 },    { "tcp", CONF_BUS_MODBUS_TCP, 300 },
    { "redfish", CONF_BUS_REDFISH, 10000 },
};

static bool cli_link_is_smbus(const struct cli_link *link)
{
    return link->bus.kind == CONF_BUS_SMBUS_LINUX || link->bus.kind == CONF_BUS_SMBUS_SOCKET;
}

/* A number from 1 on, decimal or 0x..., up to where it ends. */
static bool cli_link_number(const char **at, int32_t *ret)
{
    char *end;
    long value;

    errno = 0;
    if (**at < '0' || **at > '9' || ((*at)[0] == '0' && (*at)[1] >= '0' && (*at)[1] <= '9'))
        return false; /* 010 is eight to some and ten to others */
    value = strtol(*at, &end, 0);
    if (end == *at || errno || value < 0 || value > INT32_MAX)
        return false;
    *at = end;
    *ret = (int32_t)value;
    return true;
}

static const char *cli_link_address(const char *text, struct cli_link *ret)
{
    int32_t least = cli_link_is_smbus(ret) ? CLI_LINK_SMBUS_FIRST : 1;
    int32_t most = cli_link_is_smbus(ret) ? CLI_LINK_SMBUS_LAST : CLI_LINK_UNIT_LAST;
    bool good = cli_link_number(&text, &ret->first);

    ret->last = ret->first;
    if (good && *text == '-') {
        text++;
        good = cli_link_number(&text, &ret->last);
    }
    if (good && *text == '\0' && ret->first >= least && ret->first <= ret->last && ret->last <= most)
        return NULL;
    return cli_link_is_smbus(ret) ? "after @ goes a 7-bit address, 0x08 to 0x77, or a range as 0x40-0x5f"
                                  : "after @ goes a Modbus unit, 1 to 255, or a range as 1-16";
}

static bool cli_link_copy(char *to, size_t room, const char *from, size_t length)
{
    if (length == 0 || length >= room)
        return false;
    memcpy(to, from, length);
    to[length] = '\0';
    return true;
}

/* ",115200,8E1" */
static const char *cli_link_serial(const char *text, struct cli_link *ret)
{
    static const char *const wrong =
        "a serial line is rtu:PATH,BAUD,8E1@UNIT: 8 data bits, parity E, N or O, 1 or 2 stop bits";

    if (!cli_link_number(&text, &ret->bus.baud) || ret->bus.baud < 1200 || ret->bus.baud > 4000000)
        return wrong;
    if (text[0] != ',' || text[1] != '8' || !text[2] || !strchr("ENOeno", text[2]) ||
        (text[3] != '1' && text[3] != '2') || text[4] != '\0')
        return wrong;
    ret->bus.parity = (char)(text[2] & ~0x20);
    ret->bus.stop_bits = text[3] - '0';
    ret->serial_given = true;
    return NULL;
}

static const char *cli_link_path(char *text, struct cli_link *ret)
{
    char *comma = ret->bus.kind == CONF_BUS_MODBUS_RTU ? strchr(text, ',') : NULL;
    const char *wrong = NULL;

    if (comma) {
        *comma = '\0';
        wrong = cli_link_serial(comma + 1, ret);
    }
    if (wrong)
        return wrong;
    return cli_link_copy(ret->bus.path, sizeof ret->bus.path, text, strlen(text))
               ? NULL
               : "the path is empty or too long";
}

/* HOST:PORT; an IPv6 address in brackets. */
static const char *cli_link_host(const char *text, struct cli_link *ret)
{
    static const char *const wrong = "a gateway is tcp:HOST:PORT@UNIT, PORT 1 to 65535";
    const char *colon = strrchr(text, ':');
    const char *port = colon ? colon + 1 : "";
    size_t length = colon ? (size_t)(colon - text) : 0;

    if (length >= 2 && text[0] == '[' && colon[-1] == ']') {
        text++;
        length -= 2;
    }
    if (!colon || !cli_link_copy(ret->bus.host, sizeof ret->bus.host, text, length))
        return wrong;
    if (!cli_link_number(&port, &ret->bus.port) || *port || ret->bus.port < 1 || ret->bus.port > 65535)
        return wrong;
    return NULL;
}

static const char *cli_link_url(const char *text, struct cli_link *ret)
{
    size_t length = strlen(text), scheme = strncasecmp(text, "https://", 8) == 0 ? 8 : 7;

    if ((scheme == 7 && strncasecmp(text, "http://", 7) != 0) || !text[scheme] ||
        strchr("/:@?#", text[scheme]))
        return "a BMC is redfish:http://HOST[:PORT] or redfish:https://HOST[:PORT]";
    while (length > 8 && text[length - 1] == '/')
        length--;
    return cli_link_copy(ret->url, sizeof ret->url, text, length) ? NULL : "the URL is too long";
}

const char *cli_link_read(const char *text, struct cli_link *ret)
{
    char rest[CLI_LINK_MAX], *at;
    const char *wrong = NULL;
    size_t kind = 0, length = 0;

    *ret = (struct cli_link){ .bus = { .parity = 'E',
                                       .stop_bits = 1,
                                       .retry_max = 1,
                                       .fast_us = 1000000,
                                       .slow_us = 1000000,
                                       .stale_us = 2000000 } };
    for (; kind < sizeof cli_link_kinds / sizeof *cli_link_kinds; kind++) {
        length = strlen(cli_link_kinds[kind].name);
        if (strncmp(text, cli_link_kinds[kind].name, length) == 0 && text[length] == ':')
            break;
    }
    if (kind == sizeof cli_link_kinds / sizeof *cli_link_kinds)
        return "a link is i2c:PATH@ADDRESS, smbus:PATH@ADDRESS, rtu:PATH,BAUD,8E1@UNIT, tcp:HOST:PORT@UNIT "
               "or redfish:URL";
    ret->bus.kind = cli_link_kinds[kind].kind;
    ret->bus.timeout_us = cli_link_kinds[kind].timeout_ms * CLI_LINK_US_PER_MS;
    if (!cli_link_copy(rest, sizeof rest, text + length + 1, strlen(text + length + 1)))
        return "the link is empty or too long";
    if (ret->bus.kind == CONF_BUS_REDFISH) {
        wrong = cli_link_url(rest, ret);
    } else {
        at = strrchr(rest, '@');
        if (at) {
            *at = '\0';
            wrong = cli_link_address(at + 1, ret);
        }
        if (!wrong)
            wrong =
                ret->bus.kind == CONF_BUS_MODBUS_TCP ? cli_link_host(rest, ret) : cli_link_path(rest, ret);
    }
    if (!wrong)
        cli_link_write(ret, 0, rest);
    (void)snprintf(ret->bus.name, sizeof ret->bus.name, "%.47s", wrong ? "" : rest);
    return wrong;
}

void cli_link_write(const struct cli_link *link, int32_t address, char ret[CLI_LINK_MAX])
{
    const struct conf_bus *bus = &link->bus;
    const char *name = "";
    size_t used;

    for (size_t i = 0; i < sizeof cli_link_kinds / sizeof *cli_link_kinds; i++)
        if (cli_link_kinds[i].kind == bus->kind)
            name = cli_link_kinds[i].name;
    if (bus->kind == CONF_BUS_REDFISH) {
        (void)snprintf(ret, CLI_LINK_MAX, "redfish:%s", link->url);
        return;
    }
    if (bus->kind == CONF_BUS_MODBUS_TCP)
        used = (size_t)snprintf(ret, CLI_LINK_MAX, strchr(bus->host, ':') ? "tcp:[%s]:%d" : "tcp:%s:%d",
                                bus->host, (int)bus->port);
    else if (bus->kind == CONF_BUS_MODBUS_RTU && bus->baud > 0)
        used = (size_t)snprintf(ret, CLI_LINK_MAX, "rtu:%s,%d,8%c%d", bus->path, (int)bus->baud, bus->parity,
                                (int)bus->stop_bits);
    else
        used = (size_t)snprintf(ret, CLI_LINK_MAX, "%s:%s", name, bus->path);
    if (address > 0 && used < CLI_LINK_MAX)
        (void)snprintf(ret + used, CLI_LINK_MAX - used, bus->kind == CONF_BUS_MODBUS_TCP ? "@%d" : "@0x%02x",
                       (int)address);
}

/* Letters of a link that a file's name may have. What is no device node, or longer than is kept
 * of it, gets its hash: adapters of several ports differ in their last letters. */
void cli_link_name(const struct cli_link *link, char ret[CONF_NAME_MAX])
{
    bool tcp = link->bus.kind == CONF_BUS_MODBUS_TCP;
    const char *whole = tcp ? link->bus.host : link->bus.path, *slash = tcp ? NULL : strrchr(whole, '/');
    const char *at = slash ? slash + 1 : whole;
    bool plain = (tcp || strncmp(whole, "/dev/", 5) == 0) && strlen(at) <= CLI_LINK_NAME_PART;
    char port[16] = "", hash[16] = "";
    uint32_t sum = UINT32_C(2166136261);
    size_t used;

    for (const char *c = whole; *c; c++)
        sum = (sum ^ (unsigned char)*c) * UINT32_C(16777619);
    if (tcp)
        (void)snprintf(port, sizeof port, "-%d", (int)link->bus.port);
    if (!plain)
        (void)snprintf(hash, sizeof hash, "-%08x", (unsigned)sum);
    used = (size_t)snprintf(ret, CONF_NAME_MAX, "%s-%.*s%s%s-%d", tcp ? "tcp" : "bus",
                            plain ? CLI_LINK_NAME_PART : CLI_LINK_NAME_CUT, at, hash, port, (int)link->first);
    for (size_t i = 0; i < used && i < CONF_NAME_MAX - 1; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._", ret[i]))
            ret[i] = '-';
}

/* Two names of one node are one path; of nothing, themselves. */
static bool cli_link_same_path(const char *a, const char *b)
{
    char *real_a = realpath(a, NULL), *real_b = realpath(b, NULL);
    bool same = strcmp(real_a ? real_a : a, real_b ? real_b : b) == 0;

    free(real_a);
    free(real_b);
    return same;
}

bool cli_link_same_bus(const struct cli_link *a, const struct cli_link *b)
{
    if (a->bus.kind != b->bus.kind)
        return false;
    if (a->bus.kind == CONF_BUS_REDFISH)
        return strcasecmp(a->url, b->url) == 0;
    if (a->bus.kind == CONF_BUS_MODBUS_TCP)
        return strcasecmp(a->bus.host, b->bus.host) == 0 && a->bus.port == b->bus.port;
    return cli_link_same_path(a->bus.path, b->bus.path);
}
