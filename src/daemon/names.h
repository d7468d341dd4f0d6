/* SPDX-License-Identifier: Apache-2.0 */
/* names.h: what people call the things the core knows by index. */
#ifndef BUSBAR_DAEMON_NAMES_H
#define BUSBAR_DAEMON_NAMES_H

#include "busbar/conf.h"
#include "busbar/operator.h"
#include "busbar/status.h"

#define NAMES_TEXT_MAX 128

struct names {
    struct operator_names operator;   /* strings are the configuration's             */
    int32_t point_count;
    char (*points)[NAMES_TEXT_MAX];   /* "psu-1-1.psu_output_w"                       */
    int32_t *lever_protocols;         /* index of operator_stats' arrays              */
    int32_t *lever_places;            /* position among its device's configured levers */
    void *block;
};

/* `conf` is borrowed and outlives the names. */
NODISCARD enum status names_new(const struct conf *conf, struct names **ret);
struct names *names_free(struct names *names);

/* Which of operator_stats' arrays a kind of bus belongs to. */
int32_t names_protocol(enum conf_bus_kind kind);

/* By index, "?" outside. Never NULL. */
const char *names_node(const struct names *names, int32_t node);
const char *names_lever(const struct names *names, int32_t lever);
const char *names_device(const struct names *names, int32_t device);
const char *names_group(const struct names *names, int32_t group);

#endif
