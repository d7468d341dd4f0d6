/* SPDX-License-Identifier: Apache-2.0 */
/* conf_check.h: what no single line shows. Private to src/conf.
 *
 * Each call reports what it finds and fills the "resolved" members of the raw
 * structs; a later one may rely on them only where the earlier one was content.
 */
#ifndef BUSBAR_CONF_CHECK_H
#define BUSBAR_CONF_CHECK_H

#include "conf_raw.h"
#include "profile.h"

/* The profiles that devices name, loaded once each. */
struct conf_profiles {
    struct profile *list;         /* given to struct conf at the end          */
    char (*names)[CONF_NAME_MAX]; /* also of those that failed                */
    int32_t *at;                  /* index in list, or CORE_NONE: failed      */
    int32_t count, name_count;
};

/* A leaf made from a BMC's GPU or a charge lever; its node comes after the tree's. */
struct conf_leaf {
    char name[CONF_NAME_MAX];
    int32_t node_at;     /* parent, in the file's order; CORE_NONE   */
    int32_t bmc, device; /* one of them CORE_NONE                    */
    int32_t gpu;
    double floor_w; /* what it may draw at its minimum          */
};

struct conf_leaves {
    struct conf_leaf *list;
    int32_t count;
};

struct conf_check {
    struct conf_report *report;
    struct raw_conf *raw;
    struct conf_profiles profiles;
    struct conf_leaves leaves;
};

/* What a BMC's `settings` may hold. */
struct conf_setting_kind {
    enum signal signal;
    enum conf_knob knob;
    bool of_gpu; /* found at each GPU; else at its own path   */
    double min, max, step;
};
extern const struct conf_setting_kind conf_setting_kinds[];

/* Index of the struct with this name in a list of named structs, or CORE_NONE. */
int32_t conf_check_find(const struct conf_list *list, size_t size, const char *name);

/* The same for a key that must name one; says so, with the nearest, if not. */
int32_t conf_check_named(struct conf_report *report, const struct conf_item *item, const char *path,
                         const char *name, const struct conf_list *list, size_t size, const char *what);

/* Names are unique in a list; `other` is a second list of the same name space, or NULL. */
void conf_check_unique(struct conf_report *report, const struct conf_list *list, size_t size,
                       const struct conf_list *other, size_t other_size);

/* The row of a profile with this signal and index, or ROW_NONE after saying so. */
int32_t conf_check_row(struct conf_check *check, const struct conf_item *item, const char *signal,
                       int32_t index, const struct profile *profile);

/* What a lever moves by at least; its own, or what the row's resolution says. */
double conf_check_deadband(const struct raw_lever *lever, const struct profile_row *row);

/* The value of a set-point that is held while a peak is foreseen, against `value`. */
void conf_check_armed(struct conf_check *check, const struct conf_item *item, double value, double armed,
                      double deadband);

/* The first line of a regular file, into `room` bytes. False: errno says why. */
bool conf_check_first_line(const char *path, char *line, size_t room);

/* Windowed limits of a node or group: windows differ, standing under limit. */
void conf_check_limits(struct conf_report *report, const struct conf_list *limits);

void conf_check_control(struct conf_check *check); /* scalars against each other         */
void conf_check_tree(struct conf_check *check);    /* names, parents, shares, order      */
void conf_check_breakers(struct conf_check *check);
void conf_check_sources(struct conf_check *check); /* and the busbar                     */
void conf_check_buses(struct conf_check *check);
void conf_check_devices(struct conf_check *check); /* loads profiles                     */
void conf_check_levers(struct conf_check *check, struct raw_device *device, const struct profile *profile);
void conf_check_bmcs(struct conf_check *check);   /* reads password files               */
void conf_check_leaves(struct conf_check *check); /* makes check->leaves                */
void conf_check_ride(struct conf_check *check);   /* after sources and devices          */
void conf_check_tokens(struct conf_check *check);
void conf_check_pmi(struct conf_check *check);    /* after the tree and tokens          */
void conf_check_groups(struct conf_check *check);
void conf_check_sums(struct conf_check *check); /* static and minimum draw fit        */

/* Does a reading of this signal tell of its device's source? */
bool conf_check_tells(enum signal signal);

/* The node or leaf of a name as a final node index, or CORE_NONE. */
int32_t conf_check_node(const struct conf_check *check, const char *name);

/* Marks (true) the leaves under a final node index, itself if it is one. `marks`
 * has a place for every node, leaves included. */
void conf_check_mark(const struct conf_check *check, int32_t node, bool *marks);

/* Finds and reads a profile: an index in profiles.list, or CORE_NONE after
 * saying why at the device's key. */
int32_t conf_profiles_get(struct conf_check *check, const struct raw_device *device);
void conf_profiles_done(struct conf_profiles *profiles);

#endif
