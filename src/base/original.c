/* SPDX-License-Identifier: Apache-2.0 */
/* original.c: the list of what levers held before us. Pure. */
#include "busbar/original.h"

#include <string.h>

int32_t original_find(const struct original *list, int32_t count, const char *serial, const char *signal,
                      int32_t index)
{
    for (int32_t i = 0; i < count; i++)
        if (list[i].index == index && strcmp(list[i].signal, signal) == 0 && strcmp(list[i].serial, serial) == 0)
            return i;
    return -1;
}

bool original_add(struct original *list, int32_t *count, int32_t room, const struct original *original)
{
    if (original_find(list, *count, original->serial, original->signal, original->index) >= 0 || *count >= room)
        return false;
    list[(*count)++] = *original;
    return true;
}
