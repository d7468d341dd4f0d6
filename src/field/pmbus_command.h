/* SPDX-License-Identifier: Apache-2.0 */
/* pmbus_command.h: the standard commands of PMBus, and what WRITE_PROTECT forbids. Pure. */
#ifndef BUSBAR_FIELD_PMBUS_COMMAND_H
#define BUSBAR_FIELD_PMBUS_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

enum pmbus_command_code {
    PMBUS_PAGE = 0x00,
    PMBUS_OPERATION = 0x01,
    PMBUS_ON_OFF_CONFIG = 0x02,
    PMBUS_CLEAR_FAULTS = 0x03,
    PMBUS_PAGE_PLUS_WRITE = 0x05,
    PMBUS_PAGE_PLUS_READ = 0x06,
    PMBUS_WRITE_PROTECT = 0x10,
    PMBUS_CAPABILITY = 0x19,
    PMBUS_QUERY = 0x1A,
    PMBUS_VOUT_MODE = 0x20,
    PMBUS_VOUT_COMMAND = 0x21,
    PMBUS_COEFFICIENTS = 0x30,
    PMBUS_STATUS_BYTE = 0x78,
    PMBUS_STATUS_WORD = 0x79,
    PMBUS_STATUS_VOUT = 0x7A,
    PMBUS_STATUS_IOUT = 0x7B,
    PMBUS_STATUS_INPUT = 0x7C,
    PMBUS_STATUS_TEMPERATURE = 0x7D,
    PMBUS_STATUS_CML = 0x7E,
    PMBUS_STATUS_OTHER = 0x7F,
    PMBUS_STATUS_MFR = 0x80,
    PMBUS_STATUS_FANS_1_2 = 0x81,
    PMBUS_STATUS_FANS_3_4 = 0x82,
    PMBUS_READ_KWH_IN = 0x83,
    PMBUS_READ_KWH_OUT = 0x84,
    PMBUS_READ_EIN = 0x86,
    PMBUS_READ_EOUT = 0x87,
};

/* How a command travels. */
enum pmbus_command_kind {
    PMBUS_KIND_NONE, /* reserved, or the maker's own                            */
    PMBUS_KIND_SEND, /* no data                                                 */
    PMBUS_KIND_BYTE,
    PMBUS_KIND_WORD,
    PMBUS_KIND_LONG, /* four bytes, without a count                             */
    PMBUS_KIND_BLOCK,
    PMBUS_KIND_PROCESS /* a block goes out, a block comes back                    */
};

enum pmbus_command_kind pmbus_command_kind(uint8_t command);

/* "VOUT_COMMAND"; "MFR_SPECIFIC" and "RESERVED" for those without a name. Never NULL. */
const char *pmbus_command_name(uint8_t command);

/* May `command` be written while WRITE_PROTECT reads `protect`? A value the
 * specification does not know forbids everything. */
bool pmbus_command_allowed(uint8_t protect, uint8_t command);

#define PMBUS_CAPABILITY_PEC   0x80u
#define PMBUS_CAPABILITY_ALERT 0x10u
#define PMBUS_CAPABILITY_HALF  0x08u /* numbers are IEEE half where they would be LINEAR11 */
#define PMBUS_CAPABILITY_SPEED 0x60u /* both: reserved, and what a wire that nobody holds reads as */

#endif
