/* SPDX-License-Identifier: Apache-2.0 */
/* pmbus_command.c: the standard commands of PMBus part II, one row each, and what
 * WRITE_PROTECT forbids. Pure: constant data and look-ups. */
#include "pmbus_command.h"

#define PMBUS_COMMANDS          256
#define PMBUS_COMMAND_MFR_FIRST 0xB0 /* from here on user and maker commands         */

static const struct pmbus_command {
    enum pmbus_command_kind kind;
    const char *name;
} pmbus_commands[PMBUS_COMMANDS] = {
    [0x00] = { .kind = PMBUS_KIND_BYTE, .name = "PAGE" },
    [0x01] = { .kind = PMBUS_KIND_BYTE, .name = "OPERATION" },
    [0x02] = { .kind = PMBUS_KIND_BYTE, .name = "ON_OFF_CONFIG" },
    [0x03] = { .kind = PMBUS_KIND_SEND, .name = "CLEAR_FAULTS" },
    [0x04] = { .kind = PMBUS_KIND_BYTE, .name = "PHASE" },
    [0x05] = { .kind = PMBUS_KIND_BLOCK, .name = "PAGE_PLUS_WRITE" },
    [0x06] = { .kind = PMBUS_KIND_PROCESS, .name = "PAGE_PLUS_READ" },
    [0x07] = { .kind = PMBUS_KIND_WORD, .name = "ZONE_CONFIG" },
    [0x08] = { .kind = PMBUS_KIND_WORD, .name = "ZONE_ACTIVE" },
    [0x10] = { .kind = PMBUS_KIND_BYTE, .name = "WRITE_PROTECT" },
    [0x11] = { .kind = PMBUS_KIND_SEND, .name = "STORE_DEFAULT_ALL" },
    [0x12] = { .kind = PMBUS_KIND_SEND, .name = "RESTORE_DEFAULT_ALL" },
    [0x13] = { .kind = PMBUS_KIND_BYTE, .name = "STORE_DEFAULT_CODE" },
    [0x14] = { .kind = PMBUS_KIND_BYTE, .name = "RESTORE_DEFAULT_CODE" },
    [0x15] = { .kind = PMBUS_KIND_SEND, .name = "STORE_USER_ALL" },
    [0x16] = { .kind = PMBUS_KIND_SEND, .name = "RESTORE_USER_ALL" },
    [0x17] = { .kind = PMBUS_KIND_BYTE, .name = "STORE_USER_CODE" },
    [0x18] = { .kind = PMBUS_KIND_BYTE, .name = "RESTORE_USER_CODE" },
    [0x19] = { .kind = PMBUS_KIND_BYTE, .name = "CAPABILITY" },
    [0x1A] = { .kind = PMBUS_KIND_PROCESS, .name = "QUERY" },
    [0x1B] = { .kind = PMBUS_KIND_PROCESS, .name = "SMBALERT_MASK" },
    [0x20] = { .kind = PMBUS_KIND_BYTE, .name = "VOUT_MODE" },
    [0x21] = { .kind = PMBUS_KIND_WORD, .name = "VOUT_COMMAND" },
    [0x22] = { .kind = PMBUS_KIND_WORD, .name = "VOUT_TRIM" },
    [0x23] = { .kind = PMBUS_KIND_WORD, .name = "VOUT_CAL_OFFSET" },
    [0x24] = { .kind = PMBUS_KIND_WORD, .name = "VOUT_MAX" },
    [0x25] = { .kind = PMBUS_KIND_WORD, .name = "VOUT_MARGIN_HIGH" },
    [0x26] = { .kind = PMBUS_KIND_WORD, .name = "VOUT_MARGIN_LOW" },
    [0x27] = { .kind = PMBUS_KIND_WORD, .name = "VOUT_TRANSITION_RATE" },
    [0x28] = { .kind = PMBUS_KIND_WORD, .name = "VOUT_DROOP" },
    [0x29] = { .kind = PMBUS_KIND_WORD, .name = "VOUT_SCALE_LOOP" },
    [0x2A] = { .kind = PMBUS_KIND_WORD, .name = "VOUT_SCALE_MONITOR" },
    [0x2B] = { .kind = PMBUS_KIND_WORD, .name = "VOUT_MIN" },
    [0x30] = { .kind = PMBUS_KIND_PROCESS, .name = "COEFFICIENTS" },
    [0x31] = { .kind = PMBUS_KIND_WORD, .name = "POUT_MAX" },
    [0x32] = { .kind = PMBUS_KIND_WORD, .name = "MAX_DUTY" },
    [0x33] = { .kind = PMBUS_KIND_WORD, .name = "FREQUENCY_SWITCH" },
    [0x34] = { .kind = PMBUS_KIND_BYTE, .name = "POWER_MODE" },
    [0x35] = { .kind = PMBUS_KIND_WORD, .name = "VIN_ON" },
    [0x36] = { .kind = PMBUS_KIND_WORD, .name = "VIN_OFF" },
    [0x37] = { .kind = PMBUS_KIND_WORD, .name = "INTERLEAVE" },
    [0x38] = { .kind = PMBUS_KIND_WORD, .name = "IOUT_CAL_GAIN" },
    [0x39] = { .kind = PMBUS_KIND_WORD, .name = "IOUT_CAL_OFFSET" },
    [0x3A] = { .kind = PMBUS_KIND_BYTE, .name = "FAN_CONFIG_1_2" },
    [0x3B] = { .kind = PMBUS_KIND_WORD, .name = "FAN_COMMAND_1" },
    [0x3C] = { .kind = PMBUS_KIND_WORD, .name = "FAN_COMMAND_2" },
    [0x3D] = { .kind = PMBUS_KIND_BYTE, .name = "FAN_CONFIG_3_4" },
    [0x3E] = { .kind = PMBUS_KIND_WORD, .name = "FAN_COMMAND_3" },
    [0x3F] = { .kind = PMBUS_KIND_WORD, .name = "FAN_COMMAND_4" },
    [0x40] = { .kind = PMBUS_KIND_WORD, .name = "VOUT_OV_FAULT_LIMIT" },
    [0x41] = { .kind = PMBUS_KIND_BYTE, .name = "VOUT_OV_FAULT_RESPONSE" },
    [0x42] = { .kind = PMBUS_KIND_WORD, .name = "VOUT_OV_WARN_LIMIT" },
    [0x43] = { .kind = PMBUS_KIND_WORD, .name = "VOUT_UV_WARN_LIMIT" },
    [0x44] = { .kind = PMBUS_KIND_WORD, .name = "VOUT_UV_FAULT_LIMIT" },
    [0x45] = { .kind = PMBUS_KIND_BYTE, .name = "VOUT_UV_FAULT_RESPONSE" },
    [0x46] = { .kind = PMBUS_KIND_WORD, .name = "IOUT_OC_FAULT_LIMIT" },
    [0x47] = { .kind = PMBUS_KIND_BYTE, .name = "IOUT_OC_FAULT_RESPONSE" },
    [0x48] = { .kind = PMBUS_KIND_WORD, .name = "IOUT_OC_LV_FAULT_LIMIT" },
    [0x49] = { .kind = PMBUS_KIND_BYTE, .name = "IOUT_OC_LV_FAULT_RESPONSE" },
    [0x4A] = { .kind = PMBUS_KIND_WORD, .name = "IOUT_OC_WARN_LIMIT" },
    [0x4B] = { .kind = PMBUS_KIND_WORD, .name = "IOUT_UC_FAULT_LIMIT" },
    [0x4C] = { .kind = PMBUS_KIND_BYTE, .name = "IOUT_UC_FAULT_RESPONSE" },
    [0x4F] = { .kind = PMBUS_KIND_WORD, .name = "OT_FAULT_LIMIT" },
    [0x50] = { .kind = PMBUS_KIND_BYTE, .name = "OT_FAULT_RESPONSE" },
    [0x51] = { .kind = PMBUS_KIND_WORD, .name = "OT_WARN_LIMIT" },
    [0x52] = { .kind = PMBUS_KIND_WORD, .name = "UT_WARN_LIMIT" },
    [0x53] = { .kind = PMBUS_KIND_WORD, .name = "UT_FAULT_LIMIT" },
    [0x54] = { .kind = PMBUS_KIND_BYTE, .name = "UT_FAULT_RESPONSE" },
    [0x55] = { .kind = PMBUS_KIND_WORD, .name = "VIN_OV_FAULT_LIMIT" },
    [0x56] = { .kind = PMBUS_KIND_BYTE, .name = "VIN_OV_FAULT_RESPONSE" },
    [0x57] = { .kind = PMBUS_KIND_WORD, .name = "VIN_OV_WARN_LIMIT" },
    [0x58] = { .kind = PMBUS_KIND_WORD, .name = "VIN_UV_WARN_LIMIT" },
    [0x59] = { .kind = PMBUS_KIND_WORD, .name = "VIN_UV_FAULT_LIMIT" },
    [0x5A] = { .kind = PMBUS_KIND_BYTE, .name = "VIN_UV_FAULT_RESPONSE" },
    [0x5B] = { .kind = PMBUS_KIND_WORD, .name = "IIN_OC_FAULT_LIMIT" },
    [0x5C] = { .kind = PMBUS_KIND_BYTE, .name = "IIN_OC_FAULT_RESPONSE" },
    [0x5D] = { .kind = PMBUS_KIND_WORD, .name = "IIN_OC_WARN_LIMIT" },
    [0x5E] = { .kind = PMBUS_KIND_WORD, .name = "POWER_GOOD_ON" },
    [0x5F] = { .kind = PMBUS_KIND_WORD, .name = "POWER_GOOD_OFF" },
    [0x60] = { .kind = PMBUS_KIND_WORD, .name = "TON_DELAY" },
    [0x61] = { .kind = PMBUS_KIND_WORD, .name = "TON_RISE" },
    [0x62] = { .kind = PMBUS_KIND_WORD, .name = "TON_MAX_FAULT_LIMIT" },
    [0x63] = { .kind = PMBUS_KIND_BYTE, .name = "TON_MAX_FAULT_RESPONSE" },
    [0x64] = { .kind = PMBUS_KIND_WORD, .name = "TOFF_DELAY" },
    [0x65] = { .kind = PMBUS_KIND_WORD, .name = "TOFF_FALL" },
    [0x66] = { .kind = PMBUS_KIND_WORD, .name = "TOFF_MAX_WARN_LIMIT" },
    [0x68] = { .kind = PMBUS_KIND_WORD, .name = "POUT_OP_FAULT_LIMIT" },
    [0x69] = { .kind = PMBUS_KIND_BYTE, .name = "POUT_OP_FAULT_RESPONSE" },
    [0x6A] = { .kind = PMBUS_KIND_WORD, .name = "POUT_OP_WARN_LIMIT" },
    [0x6B] = { .kind = PMBUS_KIND_WORD, .name = "PIN_OP_WARN_LIMIT" },
    [0x78] = { .kind = PMBUS_KIND_BYTE, .name = "STATUS_BYTE" },
    [0x79] = { .kind = PMBUS_KIND_WORD, .name = "STATUS_WORD" },
    [0x7A] = { .kind = PMBUS_KIND_BYTE, .name = "STATUS_VOUT" },
    [0x7B] = { .kind = PMBUS_KIND_BYTE, .name = "STATUS_IOUT" },
    [0x7C] = { .kind = PMBUS_KIND_BYTE, .name = "STATUS_INPUT" },
    [0x7D] = { .kind = PMBUS_KIND_BYTE, .name = "STATUS_TEMPERATURE" },
    [0x7E] = { .kind = PMBUS_KIND_BYTE, .name = "STATUS_CML" },
    [0x7F] = { .kind = PMBUS_KIND_BYTE, .name = "STATUS_OTHER" },
    [0x80] = { .kind = PMBUS_KIND_BYTE, .name = "STATUS_MFR_SPECIFIC" },
    [0x81] = { .kind = PMBUS_KIND_BYTE, .name = "STATUS_FANS_1_2" },
    [0x82] = { .kind = PMBUS_KIND_BYTE, .name = "STATUS_FANS_3_4" },
    [0x83] = { .kind = PMBUS_KIND_LONG, .name = "READ_KWH_IN" },
    [0x84] = { .kind = PMBUS_KIND_LONG, .name = "READ_KWH_OUT" },
    [0x85] = { .kind = PMBUS_KIND_WORD, .name = "READ_KWH_CONFIG" },
    [0x86] = { .kind = PMBUS_KIND_BLOCK, .name = "READ_EIN" },
    [0x87] = { .kind = PMBUS_KIND_BLOCK, .name = "READ_EOUT" },
    [0x88] = { .kind = PMBUS_KIND_WORD, .name = "READ_VIN" },
    [0x89] = { .kind = PMBUS_KIND_WORD, .name = "READ_IIN" },
    [0x8A] = { .kind = PMBUS_KIND_WORD, .name = "READ_VCAP" },
    [0x8B] = { .kind = PMBUS_KIND_WORD, .name = "READ_VOUT" },
    [0x8C] = { .kind = PMBUS_KIND_WORD, .name = "READ_IOUT" },
    [0x8D] = { .kind = PMBUS_KIND_WORD, .name = "READ_TEMPERATURE_1" },
    [0x8E] = { .kind = PMBUS_KIND_WORD, .name = "READ_TEMPERATURE_2" },
    [0x8F] = { .kind = PMBUS_KIND_WORD, .name = "READ_TEMPERATURE_3" },
    [0x90] = { .kind = PMBUS_KIND_WORD, .name = "READ_FAN_SPEED_1" },
    [0x91] = { .kind = PMBUS_KIND_WORD, .name = "READ_FAN_SPEED_2" },
    [0x92] = { .kind = PMBUS_KIND_WORD, .name = "READ_FAN_SPEED_3" },
    [0x93] = { .kind = PMBUS_KIND_WORD, .name = "READ_FAN_SPEED_4" },
    [0x94] = { .kind = PMBUS_KIND_WORD, .name = "READ_DUTY_CYCLE" },
    [0x95] = { .kind = PMBUS_KIND_WORD, .name = "READ_FREQUENCY" },
    [0x96] = { .kind = PMBUS_KIND_WORD, .name = "READ_POUT" },
    [0x97] = { .kind = PMBUS_KIND_WORD, .name = "READ_PIN" },
    [0x98] = { .kind = PMBUS_KIND_BYTE, .name = "PMBUS_REVISION" },
    [0x99] = { .kind = PMBUS_KIND_BLOCK, .name = "MFR_ID" },
    [0x9A] = { .kind = PMBUS_KIND_BLOCK, .name = "MFR_MODEL" },
    [0x9B] = { .kind = PMBUS_KIND_BLOCK, .name = "MFR_REVISION" },
    [0x9C] = { .kind = PMBUS_KIND_BLOCK, .name = "MFR_LOCATION" },
    [0x9D] = { .kind = PMBUS_KIND_BLOCK, .name = "MFR_DATE" },
    [0x9E] = { .kind = PMBUS_KIND_BLOCK, .name = "MFR_SERIAL" },
    [0x9F] = { .kind = PMBUS_KIND_BLOCK, .name = "APP_PROFILE_SUPPORT" },
    [0xA0] = { .kind = PMBUS_KIND_WORD, .name = "MFR_VIN_MIN" },
    [0xA1] = { .kind = PMBUS_KIND_WORD, .name = "MFR_VIN_MAX" },
    [0xA2] = { .kind = PMBUS_KIND_WORD, .name = "MFR_IIN_MAX" },
    [0xA3] = { .kind = PMBUS_KIND_WORD, .name = "MFR_PIN_MAX" },
    [0xA4] = { .kind = PMBUS_KIND_WORD, .name = "MFR_VOUT_MIN" },
    [0xA5] = { .kind = PMBUS_KIND_WORD, .name = "MFR_VOUT_MAX" },
    [0xA6] = { .kind = PMBUS_KIND_WORD, .name = "MFR_IOUT_MAX" },
    [0xA7] = { .kind = PMBUS_KIND_WORD, .name = "MFR_POUT_MAX" },
    [0xA8] = { .kind = PMBUS_KIND_WORD, .name = "MFR_TAMBIENT_MAX" },
    [0xA9] = { .kind = PMBUS_KIND_WORD, .name = "MFR_TAMBIENT_MIN" },
    [0xAA] = { .kind = PMBUS_KIND_BLOCK, .name = "MFR_EFFICIENCY_LL" },
    [0xAB] = { .kind = PMBUS_KIND_BLOCK, .name = "MFR_EFFICIENCY_HL" },
    [0xAC] = { .kind = PMBUS_KIND_BYTE, .name = "MFR_PIN_ACCURACY" },
    [0xAD] = { .kind = PMBUS_KIND_BLOCK, .name = "IC_DEVICE_ID" },
    [0xAE] = { .kind = PMBUS_KIND_BLOCK, .name = "IC_DEVICE_REV" },
};

enum pmbus_command_kind pmbus_command_kind(uint8_t command)
{
    return pmbus_commands[command].kind;
}

const char *pmbus_command_name(uint8_t command)
{
    if (pmbus_commands[command].name)
        return pmbus_commands[command].name;
    return command >= PMBUS_COMMAND_MFR_FIRST ? "MFR_SPECIFIC" : "RESERVED";
}

bool pmbus_command_allowed(uint8_t protect, uint8_t command)
{
    bool most = protect == 0x40 || protect == 0x20; /* all but what follows is shut */

    if (protect == 0x00 || command == PMBUS_WRITE_PROTECT)
        return true;
    if (protect == 0x20 && (command == PMBUS_ON_OFF_CONFIG || command == PMBUS_VOUT_COMMAND))
        return true;
    return most && (command == PMBUS_OPERATION || command == PMBUS_PAGE);
}
