/* SPDX-License-Identifier: Apache-2.0 */
/* pmbus_status.c: the bits of PMBus's STATUS_* commands, one row each (part II, 17).
 * Pure: constant data and look-ups. */
#include "pmbus_status.h"

#include <stddef.h>
#include <stdio.h>

#include "pmbus_command.h"

#define BIT(command_, bit_, class_, name_)                                                                   \
    {                                                                                                        \
        .command = PMBUS_STATUS_##command_, .bit = (bit_), .class = PMBUS_STATUS_##class_, .name = (name_)   \
    }

/* clang-format off */
static const struct pmbus_status_bit pmbus_status_table[] = {
    BIT(WORD, 15, SUMMARY, "vout"),
    BIT(WORD, 14, SUMMARY, "iout_pout"),
    BIT(WORD, 13, SUMMARY, "input"),
    BIT(WORD, 12, SUMMARY, "mfr"),
    BIT(WORD, 11, FAULT, "power_not_good"),
    BIT(WORD, 10, SUMMARY, "fans"),
    BIT(WORD, 9, SUMMARY, "other"),
    BIT(WORD, 8, FAULT, "unknown_fault"),
    BIT(WORD, 7, STATE, "busy"),
    BIT(WORD, 6, STATE, "off"),
    BIT(WORD, 5, FAULT, "vout_ov_fault"),
    BIT(WORD, 4, FAULT, "iout_oc_fault"),
    BIT(WORD, 3, FAULT, "vin_uv_fault"),
    BIT(WORD, 2, SUMMARY, "temperature"),
    BIT(WORD, 1, SUMMARY, "cml"),
    BIT(WORD, 0, SUMMARY, "none_of_the_above"),
    BIT(VOUT, 7, FAULT, "vout_ov_fault"),
    BIT(VOUT, 6, WARNING, "vout_ov_warning"),
    BIT(VOUT, 5, WARNING, "vout_uv_warning"),
    BIT(VOUT, 4, FAULT, "vout_uv_fault"),
    BIT(VOUT, 3, WARNING, "vout_max_warning"),
    BIT(VOUT, 2, FAULT, "ton_max_fault"),
    BIT(VOUT, 1, WARNING, "toff_max_warning"),
    BIT(VOUT, 0, WARNING, "vout_tracking_error"),
    BIT(IOUT, 7, FAULT, "iout_oc_fault"),
    BIT(IOUT, 6, FAULT, "iout_oc_lv_fault"),
    BIT(IOUT, 5, WARNING, "iout_oc_warning"),
    BIT(IOUT, 4, FAULT, "iout_uc_fault"),
    BIT(IOUT, 3, FAULT, "current_share_fault"),
    BIT(IOUT, 2, STATE, "power_limiting"),
    BIT(IOUT, 1, FAULT, "pout_op_fault"),
    BIT(IOUT, 0, WARNING, "pout_op_warning"),
    BIT(INPUT, 7, FAULT, "vin_ov_fault"),
    BIT(INPUT, 6, WARNING, "vin_ov_warning"),
    BIT(INPUT, 5, WARNING, "vin_uv_warning"),
    BIT(INPUT, 4, FAULT, "vin_uv_fault"),
    BIT(INPUT, 3, STATE, "off_for_low_input"),
    BIT(INPUT, 2, FAULT, "iin_oc_fault"),
    BIT(INPUT, 1, WARNING, "iin_oc_warning"),
    BIT(INPUT, 0, WARNING, "pin_op_warning"),
    BIT(TEMPERATURE, 7, FAULT, "ot_fault"),
    BIT(TEMPERATURE, 6, WARNING, "ot_warning"),
    BIT(TEMPERATURE, 5, WARNING, "ut_warning"),
    BIT(TEMPERATURE, 4, FAULT, "ut_fault"),
    BIT(CML, 7, WARNING, "invalid_command"),
    BIT(CML, 6, WARNING, "invalid_data"),
    BIT(CML, 5, WARNING, "pec_failed"),
    BIT(CML, 4, FAULT, "memory_fault"),
    BIT(CML, 3, FAULT, "processor_fault"),
    BIT(CML, 1, WARNING, "other_communication_fault"),
    BIT(CML, 0, FAULT, "other_memory_or_logic_fault"),
    BIT(OTHER, 5, FAULT, "input_a_fuse_fault"),
    BIT(OTHER, 4, FAULT, "input_b_fuse_fault"),
    BIT(OTHER, 3, FAULT, "input_a_oring_fault"),
    BIT(OTHER, 2, FAULT, "input_b_oring_fault"),
    BIT(OTHER, 1, FAULT, "output_oring_fault"),
    BIT(OTHER, 0, STATE, "first_to_alert"),
    BIT(MFR, 7, WARNING, "mfr_bit_7"),
    BIT(MFR, 6, WARNING, "mfr_bit_6"),
    BIT(MFR, 5, WARNING, "mfr_bit_5"),
    BIT(MFR, 4, WARNING, "mfr_bit_4"),
    BIT(MFR, 3, WARNING, "mfr_bit_3"),
    BIT(MFR, 2, WARNING, "mfr_bit_2"),
    BIT(MFR, 1, WARNING, "mfr_bit_1"),
    BIT(MFR, 0, WARNING, "mfr_bit_0"),
    BIT(FANS_1_2, 7, FAULT, "fan_1_fault"),
    BIT(FANS_1_2, 6, FAULT, "fan_2_fault"),
    BIT(FANS_1_2, 5, WARNING, "fan_1_warning"),
    BIT(FANS_1_2, 4, WARNING, "fan_2_warning"),
    BIT(FANS_1_2, 3, STATE, "fan_1_override"),
    BIT(FANS_1_2, 2, STATE, "fan_2_override"),
    BIT(FANS_1_2, 1, FAULT, "airflow_fault"),
    BIT(FANS_1_2, 0, WARNING, "airflow_warning"),
    BIT(FANS_3_4, 7, FAULT, "fan_3_fault"),
    BIT(FANS_3_4, 6, FAULT, "fan_4_fault"),
    BIT(FANS_3_4, 5, WARNING, "fan_3_warning"),
    BIT(FANS_3_4, 4, WARNING, "fan_4_warning"),
    BIT(FANS_3_4, 3, STATE, "fan_3_override"),
    BIT(FANS_3_4, 2, STATE, "fan_4_override"),
};
/* clang-format on */

static const struct {
    enum signal signal;
    uint8_t command;
} pmbus_status_signals[] = {
    { .signal = SIGNAL_PSU_STATUS_WORD, .command = PMBUS_STATUS_WORD },
    { .signal = SIGNAL_PSU_STATUS_VOUT, .command = PMBUS_STATUS_VOUT },
    { .signal = SIGNAL_PSU_STATUS_IOUT, .command = PMBUS_STATUS_IOUT },
    { .signal = SIGNAL_PSU_STATUS_INPUT, .command = PMBUS_STATUS_INPUT },
    { .signal = SIGNAL_PSU_STATUS_TEMPERATURE, .command = PMBUS_STATUS_TEMPERATURE },
    { .signal = SIGNAL_PSU_STATUS_CML, .command = PMBUS_STATUS_CML },
    { .signal = SIGNAL_PSU_STATUS_MFR, .command = PMBUS_STATUS_MFR },
    { .signal = SIGNAL_PSU_STATUS_OTHER, .command = PMBUS_STATUS_OTHER },
    { .signal = SIGNAL_PSU_STATUS_FANS, .command = PMBUS_STATUS_FANS_1_2 },
    { .signal = SIGNAL_PSU_STATUS_FANS_2, .command = PMBUS_STATUS_FANS_3_4 },
    { .signal = SIGNAL_HOTSWAP_STATUS_WORD, .command = PMBUS_STATUS_WORD },
    { .signal = SIGNAL_HOTSWAP_STATUS_VOUT, .command = PMBUS_STATUS_VOUT },
    { .signal = SIGNAL_HOTSWAP_STATUS_IOUT, .command = PMBUS_STATUS_IOUT },
    { .signal = SIGNAL_HOTSWAP_STATUS_INPUT, .command = PMBUS_STATUS_INPUT },
    { .signal = SIGNAL_HOTSWAP_STATUS_TEMPERATURE, .command = PMBUS_STATUS_TEMPERATURE },
    { .signal = SIGNAL_HOTSWAP_STATUS_CML, .command = PMBUS_STATUS_CML },
    { .signal = SIGNAL_HOTSWAP_STATUS_MFR, .command = PMBUS_STATUS_MFR },
    { .signal = SIGNAL_MONITOR_STATUS_WORD, .command = PMBUS_STATUS_WORD },
    { .signal = SIGNAL_MONITOR_STATUS_VOUT, .command = PMBUS_STATUS_VOUT },
    { .signal = SIGNAL_MONITOR_STATUS_IOUT, .command = PMBUS_STATUS_IOUT },
    { .signal = SIGNAL_MONITOR_STATUS_INPUT, .command = PMBUS_STATUS_INPUT },
    { .signal = SIGNAL_MONITOR_STATUS_CML, .command = PMBUS_STATUS_CML },
    { .signal = SIGNAL_MONITOR_STATUS_MFR, .command = PMBUS_STATUS_MFR },
};

/* Of STATUS_WORD's summary bits. */
static const struct {
    uint8_t bit, command;
} pmbus_status_details[] = {
    { .bit = 15, .command = PMBUS_STATUS_VOUT },       { .bit = 14, .command = PMBUS_STATUS_IOUT },
    { .bit = 13, .command = PMBUS_STATUS_INPUT },      { .bit = 12, .command = PMBUS_STATUS_MFR },
    { .bit = 10, .command = PMBUS_STATUS_FANS_1_2 },   { .bit = 9, .command = PMBUS_STATUS_OTHER },
    { .bit = 2, .command = PMBUS_STATUS_TEMPERATURE }, { .bit = 1, .command = PMBUS_STATUS_CML },
};

/* STATUS_BYTE is the low half of STATUS_WORD. */
static bool pmbus_status_is_of(const struct pmbus_status_bit *bit, uint8_t command)
{
    return bit->command == command ||
           (command == PMBUS_STATUS_BYTE && bit->command == PMBUS_STATUS_WORD && bit->bit < 8);
}

int32_t pmbus_status_bits(uint8_t command, uint32_t raw,
                          const struct pmbus_status_bit *ret[PMBUS_STATUS_NAMES_MAX])
{
    int32_t count = 0;

    for (size_t i = 0; i < sizeof pmbus_status_table / sizeof *pmbus_status_table; i++)
        if (pmbus_status_is_of(&pmbus_status_table[i], command) && (raw >> pmbus_status_table[i].bit & 1u))
            ret[count++] = &pmbus_status_table[i];
    return count;
}

uint32_t pmbus_status_faults(uint8_t command, uint32_t raw)
{
    const struct pmbus_status_bit *bits[PMBUS_STATUS_NAMES_MAX];
    int32_t count = pmbus_status_bits(command, raw, bits);
    uint32_t faults = 0;

    for (int32_t i = 0; i < count; i++)
        if (bits[i]->class == PMBUS_STATUS_FAULT || bits[i]->class == PMBUS_STATUS_WARNING)
            faults |= 1u << bits[i]->bit;
    return faults;
}

int32_t pmbus_status_command(enum signal signal)
{
    for (size_t i = 0; i < sizeof pmbus_status_signals / sizeof *pmbus_status_signals; i++)
        if (pmbus_status_signals[i].signal == signal)
            return pmbus_status_signals[i].command;
    return -1;
}

int32_t pmbus_status_detail(const struct pmbus_status_bit *bit)
{
    if (bit->command == PMBUS_STATUS_WORD && bit->class == PMBUS_STATUS_SUMMARY)
        for (size_t i = 0; i < sizeof pmbus_status_details / sizeof *pmbus_status_details; i++)
            if (pmbus_status_details[i].bit == bit->bit)
                return pmbus_status_details[i].command;
    return -1;
}

void pmbus_status_text(enum signal signal, uint32_t raw, char *ret, int32_t room)
{
    const struct pmbus_status_bit *bits[PMBUS_STATUS_NAMES_MAX];
    int32_t command = pmbus_status_command(signal), used = 0, count;

    ret[0] = '\0';
    count = command < 0 ? 0 : pmbus_status_bits((uint8_t)command, raw, bits);
    for (int32_t i = 0; i < count && used < room - 1; i++) {
        if (bits[i]->class == PMBUS_STATUS_SUMMARY)
            continue;
        used += snprintf(ret + used, (size_t)(room - used), "%s%s", used > 0 ? ", " : "", bits[i]->name);
    }
}
