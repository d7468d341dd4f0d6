/* SPDX-License-Identifier: Apache-2.0 */
/* original.h: what a lever held before our first write, and the one rule of its list:
 * a lever that is listed is never recorded again, or our own value would be taken
 * for the original.
 *
 * Plain structs; the daemon's adapters keep the list on disk (field/originals.c), the
 * simulator's links in memory. Any thread.
 */
#ifndef BUSBAR_ORIGINAL_H
#define BUSBAR_ORIGINAL_H

#include <stdbool.h>
#include <stdint.h>

#define ORIGINAL_TEXT_MAX 33

struct original {
    char device[48];
    char serial[ORIGINAL_TEXT_MAX];     /* of the device: another one has its own       */
    char signal[48];
    int32_t index;                      /* GPU number or 0                             */
    double value;
    int32_t gate, enable;               /* the bits before us; -1: the row has none    */
    double timeout;                     /* the time-out row before us; NAN: none       */
};

/* Position of that lever in the list, or -1. The list is of one place: devices that were
 * in it have serials of their own. */
int32_t original_find(const struct original *list, int32_t count, const char *serial, const char *signal,
                      int32_t index);

/* Appends it unless it is listed. False: it was listed, or there is no room. */
bool original_add(struct original *list, int32_t *count, int32_t room, const struct original *original);

#endif
