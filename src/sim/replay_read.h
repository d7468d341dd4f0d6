/* SPDX-License-Identifier: Apache-2.0 */
/* replay_read.h: payloads of a recording to what the core takes. A recording is
 * outside input: whatever the core would stop the process for is turned away here.
 */
#ifndef BUSBAR_SIM_REPLAY_READ_H
#define BUSBAR_SIM_REPLAY_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/record.h"
#include "busbar/status.h"

#define REPLAY_READ_COUNT_MAX 16384   /* nodes, points, levers, devices or members     */
#define REPLAY_READ_GROUPS_MAX 1024
#define REPLAY_READ_TIME_MAX_US (INT64_C(1) << 60)
#define REPLAY_READ_WINDOW_MAX_US INT64_C(86400000000)

/* A configuration whose arrays are malloc'ed. */
struct replay_config {
    struct core_config config;
    struct core_config_node *nodes;
    struct core_config_point *points;
    struct core_config_lever *levers;
    struct core_config_source *sources;
};

NODISCARD enum status replay_read_config(struct bytes_reader *reader, struct replay_config *ret);
void replay_config_done(struct replay_config *config);

/* Into a block of core_plan_size(). */
NODISCARD enum status replay_read_plan(struct bytes_reader *reader, const struct core_config *config,
                                       struct core_plan *plan);

/* Names by index, one after the other; what is missing is "". */
struct replay_names {
    uint32_t node_count, point_count, lever_count, device_count;
    char (*names)[RECORD_TEXT_MAX];   /* nodes, points, levers, devices                */
};

NODISCARD enum status replay_read_names(struct bytes_reader *reader, struct replay_names *ret);
void replay_names_done(struct replay_names *names);
const char *replay_names_lever(const struct replay_names *names, int32_t lever);

/* One tick; arrays grow as needed and are used again. Requests stay what they
 * were where the tick does not bring any. */
struct replay_tick {
    int64_t now_us;
    uint64_t plan_version;
    uint32_t reading_count, ack_count, identity_count, order_count, request_count, hint_count;
    struct core_reading *readings;
    struct core_ack *acks;
    struct core_identity *identities;
    struct core_order *orders;
    struct core_request *requests;
    struct core_hint *hints;
    size_t hint_room, reading_room, ack_room, identity_room, order_room, request_room;
};

NODISCARD enum status replay_read_tick(struct bytes_reader *reader, const struct core_config *config,
                                       struct replay_tick *ret);
void replay_tick_done(struct replay_tick *tick);

#endif
