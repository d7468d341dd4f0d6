/* SPDX-License-Identifier: Apache-2.0 */
/* restore.h: `busbard --restore`: puts back what every lever held before us.
 *
 * The same field and the same core as the daemon's decide the order of things:
 * lowering first, raising while the standing sum fits the envelope.
 */
#ifndef BUSBAR_DAEMON_RESTORE_H
#define BUSBAR_DAEMON_RESTORE_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/conf.h"
#include "busbar/field.h"
#include "busbar/status.h"

struct restore_options {
    struct conf *conf;               /* given                                          */
    bool anyway;                     /* all of it, whatever the limits say             */
    bool json;
};

/* Runs to the end. 0: everything holds its original; 1: something was left, and
 * named; 2: it could not be done. */
int restore_main(const struct restore_options *opt);

/* systemd runs this after every stop; after anything but an orderly one limits
 * stand for the next start to adopt. `service_result` is $SERVICE_RESULT. */
bool restore_leaves_all(const char *service_result, bool anyway);

/* ---- what is to be put back ---- */

#define RESTORE_REASON_MAX 128

enum restore_fate {
    RESTORE_WAITING,                 /* its device was not identified yet              */
    RESTORE_WANTED,                  /* the core may put it back                       */
    RESTORE_DONE,                    /* verified                                       */
    RESTORE_LEFT
};

struct restore_item {
    enum restore_fate fate;
    struct original original;
    char name[CONF_NAME_MAX * 2];
    int32_t device, lever;           /* CORE_NONE: the configuration lacks it          */
    int32_t place;                   /* among the device's levers                      */
    int32_t reading;                 /* among its readings: what reads it back; CORE_NONE */
    double value;                    /* last seen; NAN                                 */
    char reason[RESTORE_REASON_MAX];
};

struct restore_list {
    int32_t count;
    struct restore_item *items;
};

/* Every original on disk, with the lever that can put it back where there is one. */
NODISCARD enum status restore_list_read(const struct conf *conf, struct restore_list *ret);
void restore_list_done(struct restore_list *list);

/* Is this the device the original was read from? True: the item is wanted, or
 * left with its reason. False: not known yet. */
bool restore_identify(struct restore_item *item, const struct device_state *state);

/* Does a reading made since `since_us`, or the write's own read-back, show the original? Where a switch
 * belongs to it, after our write alone. */
bool restore_verify(struct restore_item *item, const struct device_state *state, const struct core_config_lever *lever,
                    int64_t since_us);

#endif
