/* SPDX-License-Identifier: Apache-2.0 */
/* cli_link.h: "i2c:/dev/i2c-0@0x40": where a device is, as it is written on a line. Pure but for realpath(3).
 *
 *   i2c:PATH@ADDRESS                    an i2c-dev node
 *   smbus:PATH@ADDRESS                  the simulator's socket
 *   rtu:PATH[,BAUD,8E1]@UNIT            a serial line
 *   tcp:HOST:PORT@UNIT                  a Modbus gateway
 *   redfish:URL                         a BMC
 *
 * ADDRESS may be a range (0x40-0x5f) or absent where a scan looks for it.
 */
#ifndef CLI_CLI_LINK_H
#define CLI_CLI_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/conf.h"

#define CLI_LINK_MAX (CONF_PATH_MAX + 64)

struct cli_link {
    struct conf_bus bus;     /* timeouts are the presets of its kind               */
    bool serial_given;       /* RTU: baud and mode were written                    */
    int32_t first, last;     /* addresses; 0: none was written                     */
    char url[CONF_PATH_MAX]; /* CONF_BUS_REDFISH                                   */
};

/* NULL: *ret is the link; else what is wrong and allowed, in words that live on. */
const char *cli_link_read(const char *text, struct cli_link *ret);

/* "rtu:/dev/ttyUSB0,115200,8E1@0x90"; an address of 0: without one. */
void cli_link_write(const struct cli_link *link, int32_t address, char ret[CLI_LINK_MAX]);

/* A name of a device that no configuration names, for a file: the same for the same link. */
void cli_link_name(const struct cli_link *link, char ret[CONF_NAME_MAX]);

/* Do both go over the same bus? Paths are followed to what they stand for. */
bool cli_link_same_bus(const struct cli_link *a, const struct cli_link *b);

#endif
