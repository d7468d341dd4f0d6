/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_discover.h: walks one BMC's tree over its poll lane, one GET at a time.
 *
 * Runs on the event base's thread and never waits. What a busy BMC puts off is asked for
 * again when it says so, a few times. Private to src/field.
 */
#ifndef BUSBAR_FIELD_REDFISH_DISCOVER_H
#define BUSBAR_FIELD_REDFISH_DISCOVER_H

#include "redfish_bmc.h"
#include "redfish_model.h"

struct redfish_discover {
    struct redfish *bmc;
    struct redfish_model model;
    int32_t item;      /* asked for now; -1: none                            */
    int32_t tries;     /* of it so far                                       */
    int32_t asked;     /* answers so far                                     */
    bool login_wanted; /* the root itself wants a login                      */
    bool let_in;       /* something below the root was answered              */
    /* An errand among a running BMC's polls: asks when redfish_discover_step() is called,
     * not before ready_us. */
    bool background;
    int64_t ready_us;
    struct event *timer;
    char target[REDFISH_SURVEY_PATH_MAX + 48];
    /* Called once, from the base: ST_OK when the root was read and the walk is over, else
     * why the root cannot be had. It may free the redfish_discover. */
    void (*done)(struct redfish_discover *discover, enum status status, const char *why);
    void (*progress)(struct redfish_discover *discover); /* after each answer; NULL         */
    void *arg;                                           /* the caller's                    */
    uint64_t scope;                                      /* of the model; 0: everything     */
};

/* `survey` is filled; borrowed until redfish_discover_done(). The BMC's poll lane must be
 * free, and is ours until `done`. ST_NOMEM. */
/* Before it: `done` and, where wanted, `progress`, `background`, `scope` are set. */
NODISCARD enum status redfish_discover_start(struct redfish_discover *discover, struct redfish *bmc,
                                             struct redfish_survey *survey, int32_t gets_max);
void redfish_discover_step(struct redfish_discover *discover);
/* Ends the walk early as well; `done` is not called. */
void redfish_discover_done(struct redfish_discover *discover);
/* Ends the walk with what is there: not complete. */
void redfish_discover_stop(struct redfish_discover *discover);

#endif
