/* SPDX-License-Identifier: Apache-2.0 */
/* field_faults.c: what a device's status reading names, for whoever shows it. Pure. */
#include "busbar/field.h"
#include "pmbus_status.h"

int32_t field_faults(enum signal signal, double value, const char *ret[FIELD_FAULTS_MAX])
{
    const struct pmbus_status_bit *bits[PMBUS_STATUS_NAMES_MAX];
    int32_t command = pmbus_status_command(signal), count, names = 0;

    if (command < 0 || !(value >= 0.0 && value <= (double)UINT16_MAX))
        return -1;
    count = pmbus_status_bits((uint8_t)command, (uint32_t)value, bits);
    for (int32_t i = 0; i < count; i++)
        if (bits[i]->class != PMBUS_STATUS_SUMMARY)
            ret[names++] = bits[i]->name;
    return names;
}
