/* core.h: core_step() and the plain structs it takes and gives.
 *
 * The core decides everything: which readings to believe, what every lever may
 * hold, in what order values move. It does no I/O, reads no clock, allocates
 * nothing and logs nothing; the same inputs give the same outputs, bit for bit.
 *
 * Units: W, V, A, J, s in doubles; times in int64_t microseconds of one
 * monotonic clock. Indices are positions in the arrays of core_config.
 */
#ifndef BUSBAR_CORE_H
#define BUSBAR_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "busbar/events.h"
#include "busbar/signals.h"
#include "busbar/status.h"

#define CORE_PARENTS_MAX 4
#define CORE_LIMITS_MAX 8     /* windowed limits of one node or group             */
#define CORE_PRIORITIES 8     /* 0 (first to lose) to 7 (last)                    */
#define CORE_STARTS_MAX 4     /* start windows by length of outage                */
#define CORE_TOKEN_ZONES_MAX 8
#define CORE_HINTS_MAX 256    /* in one step; more are not looked at               */
#define CORE_NONE (-1)
#define CORE_FOREVER INT64_MAX

/* The mean over every window of this length stays at or under limit_w. */
struct core_limit {
    int64_t window_us;   /* 1 000 to 86 400 000 000 */
    double limit_w;
};

/* ---- configuration: what needs a screwdriver. Copied by core_init(). ---- */

enum core_node_kind {
    CORE_NODE_FEED, CORE_NODE_RACK, CORE_NODE_SHELF, CORE_NODE_BUSBAR, CORE_NODE_TRAY, CORE_NODE_LOAD,
    CORE_NODE_KIND_COUNT
};

/* A protective device at a node's input, as its maker's curve says: i is the
 * node's input over rated_w. What it does at a sum is worked out from the upper
 * bound of that sum, so bad readings make it trip earlier in the core's eyes,
 * never later. Formulas: IEC 60255-149 (thermal, with memory), IEC 60947-2 L, S
 * and I of an electronic release. */
enum core_curve_kind { CORE_CURVE_NONE, CORE_CURVE_THERMAL, CORE_CURVE_LSI, CORE_CURVE_LSIG, CORE_CURVE_KIND_COUNT };

struct core_config_curve {
    enum core_curve_kind kind;
    double rated_w;              /* I_r times nominal voltage and phases           */
    double trip_ratio;           /* k: carries this for ever; 1.05                 */
    double heat_s, cool_s;       /* time constants of its memory                   */
    double long_s;               /* LSI: time at 6 times rated; t = 36 long_s / i^2 */
    double short_ratio, short_s; /* LSI: above it, so long; 0: none                */
    bool short_i2t;              /* then t = short_s (10 / i)^2                    */
    double instant_ratio;        /* above it at once; 0: none                      */
    double instant_margin_ratio; /* throttle at this part of the pick-up; 0.85     */
};

/* A node of the power tree. Its output is what its children draw plus static_w;
 * its input is output * (1 + loss_ratio) + loss_w. Limits hold at the input.
 * Parents come before children in the array; a node without a parent is a root;
 * a node without children is a leaf. share[] is the largest part of this node's
 * input that the parent may have to carry (one lost feed included); where paths
 * meet again higher up, no node ever counts more than the whole. */
struct core_config_node {
    enum core_node_kind kind;
    int32_t parent_count;                  /* 0 to CORE_PARENTS_MAX             */
    int32_t parent[CORE_PARENTS_MAX];
    double share[CORE_PARENTS_MAX];        /* 0 to 1                            */
    double static_w;                       /* always drawn, nobody controls it  */
    double loss_ratio, loss_w;
    int32_t limit_count;                   /* what the equipment itself can bear */
    struct core_limit limit[CORE_LIMITS_MAX];
    struct core_config_curve curve;        /* CORE_CURVE_NONE: no protection here */
};

/* What holds the busbar up: a shelf of supplies, a shelf of batteries, a bank of
 * capacitors. The core works out from these what the hardware does by itself
 * when the AC input sags; members that a kind has no use for are 0. */
enum core_source_kind { CORE_SOURCE_PSU, CORE_SOURCE_BBU, CORE_SOURCE_CAPACITOR, CORE_SOURCE_KIND_COUNT };

struct core_config_source {
    enum core_source_kind kind;
    int32_t node;                /* PSU: its shelf; else the busbar it backs        */
    int32_t module_count;
    double rated_w;              /* of one module, DC output                        */
    double output_v, droop_v;    /* at no load; what it falls by to full load       */
    /* PSU */
    double input_min_v;          /* under this for input_off_us its PFC is off      */
    int64_t input_off_us;
    double input_derate_v;       /* under this its power falls with the voltage     */
    double holdup_j;             /* of one module                                   */
    double handover_ratio;       /* part of it spent when batteries are called      */
    double handover_step_v;      /* they are called by this fall of the output...   */
    double handover_v_per_s;     /* ...at this slope; 0: by the AC_LOSS_L line      */
    int64_t ready_us;            /* from good input to output at worst, less start delay */
    int64_t walk_in_us;          /* from no output to all of it                     */
    bool keeps_settings;         /* through an outage: armed values still stand     */
    /* BBU, CAPACITOR */
    double trigger_v;            /* discharges under this... */
    int64_t trigger_us, start_us;/* ...lasting so long, and is there so much later  */
    double energy_j;             /* usable of one full module, at its end of life   */
};

/* The busbar that the sources share. */
struct core_config_bus {
    int32_t node;                /* CORE_NONE: nothing is known, no ride-through    */
    double nominal_input_v;      /* AC RMS at the supplies                          */
    double capacitance_f, resistance_ohm;
    double low_v, high_v;        /* what IT gear stands: 46 to 52 V                 */
    double dip_v;                /* under the batteries' line while they take over  */
};

/* One quantity of one device that reaches the core. */
struct core_config_point {
    int32_t device;                        /* 0 to device_count - 1             */
    enum signal signal;
    int64_t stale_after_us;                /* older than this is stale          */
    double min, max;                       /* plausible; outside is refused     */
    int64_t stuck_after_us;                /* bit-equal for so long is stuck; 0: never */
    int32_t node;                          /* adds to this node's measured input; or CORE_NONE */
    int32_t source;                        /* that it tells of; CORE_NONE; without
                                              sources it is not looked at       */
    double node_scale;                     /* of what it adds (1, or a loss factor) */
};

enum core_lever_use {
    CORE_LEVER_LIMIT,    /* caps the draw of its leaf; the leaf obeys it          */
    CORE_LEVER_CHARGE,   /* caps the charging of its leaf (a battery): recharge
                            only while there is room; device-side time-out       */
    CORE_LEVER_HOLD,     /* holds the plan's value (an output set-point)          */
    CORE_LEVER_WARN,     /* a warning threshold that follows its node's limit     */
};

/* What riding through a sag does with a HOLD lever; else it holds the plan's value. */
enum core_lever_ride {
    CORE_LEVER_RIDE_NONE,
    CORE_LEVER_RIDE_OUTPUT_V,      /* output set-point of a supply                   */
    CORE_LEVER_RIDE_START_S,       /* delay of a supply's start after AC is back     */
};

/* Whatever can be written, one value each. */
struct core_config_lever {
    enum core_lever_use use;
    enum core_lever_ride ride;
    int32_t source;            /* of that supply; CORE_NONE                             */
    int32_t device;
    int32_t node;              /* leaf it caps (LIMIT, CHARGE), node it watches (WARN)  */
    int32_t readback_point;    /* the point that reads it back; never CORE_NONE         */
    int32_t demand_point;      /* power drawn by the leaf; CORE_NONE: not measured      */
    double min, max;           /* what the device takes, in the signal's unit           */
    double step;               /* orders are multiples of it; 0: any                    */
    double base;               /* what it gets in `emergency`                           */
    double watts_per_unit;     /* 1 for W; volts for a current                          */
    double overshoot_ratio;    /* the leaf may draw so much above it, 0 to 1            */
    double share;              /* WARN: its part of the node's limit, 0 to 1            */
    double slew;               /* HOLD: most it may move in one order; 0: any           */
    int64_t delay_worst_us;    /* from order to in force, at worst                      */
    int64_t interval_min_us;   /* between two orders                                    */
    int64_t timeout_us;        /* device-side time-out written with each order; 0: none */
    double fallback;           /* what the device returns to when that ends             */
    double deadband;           /* smaller changes are not ordered (raising only waits)  */
    bool switched;             /* a write opens a gate or sets an enable: restoring takes an
                                  order, whatever the value is                      */
};

/* Who says what a leaf will want. It decides who gets room that is there, never
 * how much there is. */
enum core_forecast {
    CORE_FORECAST_OFF,    /* persistence and the plan's margin                     */
    CORE_FORECAST_LEARN,  /* forecasters of the rack and of every measured lever, while they are in calibration */
    CORE_FORECAST_TOLD,   /* hints CORE_MARK_WILL: for studies of what perfect knowledge is worth */
    CORE_FORECAST_COUNT
};

struct core_config {
    int32_t node_count, point_count, lever_count, device_count;
    int32_t group_max, group_member_max;   /* room for the plan's groups        */
    const struct core_config_node *nodes;  /* borrowed during core_init() only  */
    const struct core_config_point *points;
    const struct core_config_lever *levers;
    int32_t source_count;
    const struct core_config_source *sources;
    struct core_config_bus bus;
    int32_t request_max;                   /* clients that may hold tokens      */
    int64_t period_us;                     /* 1 000 to 1 000 000                */
    uint64_t seed;                         /* of the core's own jitter          */
    enum core_forecast forecast;
};

/* ---- plan: what people and other systems change at run time ---- */

enum core_mode_wanted { CORE_WANT_OBSERVE, CORE_WANT_CONTROL, CORE_WANT_EMERGENCY, CORE_WANT_RESTORE };
enum core_mode { CORE_MODE_OBSERVE, CORE_MODE_NORMAL, CORE_MODE_DEGRADED, CORE_MODE_EMERGENCY };

/* Why the mode is what it is: a set of bits, in this order. */
#define CORE_REASON_LIST(X)                                                                \
    X(CORE_REASON_OPERATOR, "operator", "the operator asked for it")                       \
    X(CORE_REASON_STARTING, "starting", "devices are not read yet")                        \
    X(CORE_REASON_DEVICES_STALE, "devices_stale", "some devices are stale")                \
    X(CORE_REASON_INFEASIBLE, "infeasible", "minimum limits exceed the envelope")          \
    X(CORE_REASON_EXCEEDED, "exceeded", "a windowed limit is exceeded")                    \
    X(CORE_REASON_RESTORING, "restoring", "original values are being put back")            \
    X(CORE_REASON_RIDING, "riding", "the AC input sags or is gone")                        \
    X(CORE_REASON_PROTECTION, "protection", "a protective device would trip before orders land") \
    X(CORE_REASON_NOT_CAPABLE, "not_ride_capable", "the rack would not ride through a loss of input")
#define CORE_REASON_ENUM(name, id, text) name,
enum core_reason { CORE_REASON_LIST(CORE_REASON_ENUM) CORE_REASON_COUNT };
#undef CORE_REASON_ENUM

/* A plan's limits of one node: they come on top of the equipment's own. A
 * budget with an expiry counts as ending one worst delay early; then
 * limit_standing_w applies. */
struct core_plan_limit {
    int64_t window_us;
    double limit_w;
    int64_t expires_us;          /* CORE_FOREVER: none                             */
    double limit_standing_w;     /* after that, and for values that may stand alone; limit_w if permanent */
};

struct core_plan_node {
    int32_t limit_count;
    struct core_plan_limit limit[CORE_LIMITS_MAX];
};

struct core_plan_lever {
    double min, max;             /* wanted floor and ceiling, inside the device's  */
    double weight;               /* above 0                                        */
    int32_t priority;            /* 0 to CORE_PRIORITIES - 1                       */
    double target;               /* HOLD: the value; RESTORE: the original; NAN: leave alone */
    double armed;                /* HOLD: held instead while a peak is foreseen; NAN: none */
};

/* Leaves with limits of their own, free to cut across the tree. No member may
 * be above another: its watts would count twice. */
struct core_plan_group {
    int32_t member_first, member_count;  /* in the plan's members[]: node indices  */
    int32_t limit_count;
    struct core_plan_limit limit[CORE_LIMITS_MAX];
};

/* Three-band action (facts: cap above, cut to, release below; Dynamo, ISCA'16). */
struct core_plan_band {
    double cap_ratio, target_ratio, release_ratio;  /* 0.99, 0.95, 0.90             */
    double release_gain_per_s;                      /* share of the cut given back a second */
    double release_jitter_ratio;                    /* each release step +- this share      */
};

/* Riding through grid events. Sags shorter than support_after_us are carried by
 * what was armed before; the core writes nothing for them. */
struct core_plan_start {
    int64_t outage_us;           /* outages up to this length...                    */
    int64_t window_us;           /* ...are followed by starts within this window    */
};

struct core_plan_ride {
    bool enabled;
    double sag_ratio;            /* of nominal: under it is a sag; 0.90             */
    double support_ratio;        /* sags down to this are supported; 0.75           */
    int64_t support_after_us;    /* once they last so long; 100 ms                  */
    double reserve_s;            /* of battery energy at full load, never spent on anything else; 90 */
    double wear_cycles_per_day;  /* equivalent full cycles support may spend; 1     */
    double phase_ratio;          /* this rack's place in a start window, 0 to 1: other racks
                                    have others, all shelves of this one the same   */
    int32_t start_count;         /* rising outage_us; longer outages use the last   */
    struct core_plan_start start[CORE_STARTS_MAX];
};

/* Tokens: power leased for a time from a node's pool (Tier 2 of a rack coordinator). */
struct core_plan_token_zone {
    int32_t node;
    double rated_w;              /* continuous rating of what protects it           */
    double pool_ratio;           /* what may be leased for good; 0.80               */
    double burst_ratio;          /* what may be leased at all; 0.85                 */
    double refill_w_per_s;       /* how fast what was burst becomes free again      */
    double unit_w;               /* grants are multiples                            */
    int64_t lease_min_us, lease_max_us;
    int64_t coordination_us;     /* from a grant here to one at the node above      */
};

struct core_plan_tokens {
    int32_t zone_count;          /* 0: every request is refused                     */
    double risk_ratio;           /* refused when a curve would be this far gone; 0.7 */
    struct core_plan_token_zone zone[CORE_TOKEN_ZONES_MAX];
};

/* Protection first. An order must be in force within deadline_ratio of the time
 * to trip, or everything below goes to its base at once. */
struct core_plan_protection {
    bool enabled;
    double deadline_ratio;       /* 0.7                                             */
    int64_t release_us;          /* quiet for so long before it lets go             */
};

/* Against swings by our own orders. */
struct core_plan_damping {
    int32_t turns_max;           /* changes of direction in window_us before the gain is halved; 3 */
    int64_t window_us;           /* 10 s                                            */
    double band_low_hz, band_high_hz; /* 0.1 to 5                                   */
    double band_ratio;           /* energy there, RMS over the budget, that halves it too; 0.02 */
};

/* A plan is one block: this header, then arrays reached by the calls below. */
struct core_plan {
    uint64_t version;            /* rises with each change                         */
    size_t size;                 /* of the whole block                             */
    enum core_mode_wanted mode_wanted;
    struct core_plan_band band;
    double forecast_margin_ratio, forecast_margin_w;  /* persistence + margin      */
    double arm_ratio;            /* a foreseen peak of this share of a limit arms HOLD levers; 0.95 */
    int64_t arm_hold_us;         /* they stay armed so long after the last one; 30 s */
    double recharge_ratio;       /* charge only while load + charge <= this share of the limit */
    struct core_plan_ride ride;
    struct core_plan_tokens tokens;
    struct core_plan_protection protection;
    struct core_plan_damping damping;
    int32_t node_count, lever_count, group_count, member_count;
    int32_t group_max, member_max;
    size_t nodes_at, levers_at, groups_at, members_at;  /* offsets in the block    */
};

/* Bytes of a plan for this configuration; make one in a block of that size with
 * no limits, the devices' own ranges, weight 1, priority 4 and no groups. */
size_t core_plan_size(const struct core_config *config);
void core_plan_init(struct core_plan *plan, const struct core_config *config);

struct core_plan_node *core_plan_nodes(struct core_plan *plan);
struct core_plan_lever *core_plan_levers(struct core_plan *plan);
struct core_plan_group *core_plan_groups(struct core_plan *plan);
int32_t *core_plan_members(struct core_plan *plan);

/* ---- inputs of one step: only what is new since the last ---- */

struct core_reading {
    int32_t point;
    enum status status;
    double value;
    int64_t taken_us, arrived_us;
};

struct core_ack {
    int32_t lever;
    enum status status;       /* ST_OK: written and read back as ordered           */
    uint64_t number;
    double readback;          /* NAN: not read                                     */
    int64_t dispatched_us, done_us;
};

/* A device that was swapped, or found for the first time (serial hash). */
struct core_identity {
    int32_t device;
    uint32_t serial_hash;
};

/* A standing wish for power, by client: it stands until the client changes it.
 * The same version is answered once; a lease that ended is asked for again with
 * a higher one. */
struct core_request {
    uint64_t client;          /* not 0                                             */
    uint64_t version;         /* rises with each change                            */
    int32_t node;
    int32_t priority;         /* 0 to CORE_PRIORITIES - 1                          */
    double amount_w;          /* 0: gives back what it holds                       */
    int64_t duration_us;
};

/* What a workload says of itself when it happens, for forecasters alone. */
enum core_mark {
    CORE_MARK_STEP, CORE_MARK_PART, CORE_MARK_STOP, CORE_MARK_GO, CORE_MARK_START, CORE_MARK_END,
    CORE_MARK_QUEUE,      /* `value` requests wait                                 */
    CORE_MARK_RUNNING,    /* `value` requests run                                  */
    CORE_MARK_WILL,       /* `lever`'s leaf wants `value` watts at most for a while */
    CORE_MARK_COUNT
};

struct core_hint {
    enum core_mark mark;
    int32_t node;         /* whose leaves it is about; CORE_NONE: the whole rack   */
    int32_t lever;        /* WILL                                                  */
    int64_t at_us;
    double value;
};

struct core_inputs {
    int64_t now_us;
    int32_t request_count;    /* the whole table, in any order; at most request_max */
    const struct core_request *requests;
    int32_t reading_count, ack_count, identity_count;
    const struct core_reading *readings;
    const struct core_ack *acks;
    const struct core_identity *identities;
    int32_t hint_count;
    const struct core_hint *hints;
    const struct core_plan *plan;     /* the whole plan, borrowed for the call      */
};

/* ---- outputs ---- */

/* What bound an order. */
#define CORE_RULE_LIST(X)                                                                  \
    X(CORE_RULE_NONE, "none", "nothing bound it")                                          \
    X(CORE_RULE_LIMIT, "limit", "a node's limit, shared out fairly")                       \
    X(CORE_RULE_GROUP, "group", "a group's limit")                                         \
    X(CORE_RULE_DEVICE_MAX, "device_max", "the device's own maximum")                      \
    X(CORE_RULE_DEVICE_MIN, "device_min", "the device's own minimum")                      \
    X(CORE_RULE_PLAN_MAX, "plan_max", "the plan's maximum")                                \
    X(CORE_RULE_PLAN_MIN, "plan_min", "the plan's minimum")                                \
    X(CORE_RULE_IN_FLIGHT, "in_flight", "room is held by values in force or in flight")    \
    X(CORE_RULE_BAND, "band", "the node came close to its limit")                          \
    X(CORE_RULE_BASE, "base", "emergency: the base value")                                 \
    X(CORE_RULE_HOLD, "hold", "the plan holds this value")                                 \
    X(CORE_RULE_RECHARGE, "recharge", "no room to recharge batteries now")                 \
    X(CORE_RULE_RESTORE, "restore", "the original value")                                  \
    X(CORE_RULE_REFRESH, "refresh", "the device's time-out is refreshed")                  \
    X(CORE_RULE_DRIFT, "drift", "someone else or a reset changed it")                      \
    X(CORE_RULE_RIDE, "ride", "what a sag or the return from one needs")                   \
    X(CORE_RULE_CAPABLE, "ride_capable", "so that the batteries can take over in time")    \
    X(CORE_RULE_PROTECTION, "protection", "a protective device would trip")                \
    X(CORE_RULE_TOKEN, "token", "power that a client holds a token for")                   \
    X(CORE_RULE_ARMED, "armed", "a peak is foreseen")
#define CORE_RULE_ENUM(name, id, text) name,
enum core_rule { CORE_RULE_LIST(CORE_RULE_ENUM) CORE_RULE_COUNT };
#undef CORE_RULE_ENUM

struct core_why {
    enum core_rule rule;
    int32_t node;             /* the node that bound it, for RULE_GROUP the group; CORE_NONE */
    int64_t window_us;        /* of the limit that bound it; 0                     */
    double bound_w;           /* that limit, at the node                           */
};

/* What made an order due: the record whose arrival moved the target, or made
 * room for it. */
enum core_cause_kind { CORE_CAUSE_TIME, CORE_CAUSE_READING, CORE_CAUSE_ACK, CORE_CAUSE_PLAN };

struct core_cause {
    enum core_cause_kind kind;
    int64_t taken_us, arrived_us;  /* of that record; now_us for TIME and PLAN     */
};

struct core_order {
    int32_t lever;
    bool release;             /* put the original back (see device.h)              */
    uint64_t number;          /* rises by one with each order of this lever        */
    double value;
    int64_t lease_end_us;     /* CORE_FOREVER where it may stand for good          */
    int64_t timeout_us;       /* device-side, written first; 0: none               */
    double fallback;          /* the value that stands after that                  */
    struct core_why why;
    struct core_cause cause;
};

struct core_event {
    enum ev event;
    int32_t device, node, lever;   /* what it is about; CORE_NONE                  */
    int32_t group;                 /* of the plan; CORE_NONE                       */
    double value, bound;           /* what was seen, what was allowed              */
    int64_t window_us;             /* LIMIT_EXCEEDED and LIMIT_RESPECTED: of the limit; else 0 */
};

enum core_device_quality { CORE_DEVICE_UNREAD, CORE_DEVICE_GOOD, CORE_DEVICE_STALE };

struct core_device_view {
    enum core_device_quality quality;
    int64_t age_us;                /* of its youngest good reading                 */
};

struct core_limit_view {
    int64_t window_us;
    double limit_w;                /* in force now                                 */
    double mean_w;                 /* over the last window; NAN before it is full  */
    double worst_w;                /* highest full-window mean since start         */
    uint64_t violations;           /* intervals above limit + 0.5 W since start    */
    bool exceeded;                 /* now                                          */
};

struct core_node_view {
    double power_w;                /* best estimate at the input; NAN unknown      */
    double low_w, high_w;          /* bounds with what is missing                  */
    double forecast_w, upper_w;
    double counted_w;              /* limits in force and in flight with overshoot, static load, loss */
    double budget_w;               /* what allocation divides here after the band; INFINITY: no limit */
    bool measured;                 /* power_w comes from a sensor of this node     */
    double heat_ratio;             /* of its curve's memory, 1 trips; NAN: no curve */
    double trip_s;                 /* until it trips at upper_w; INFINITY: never   */
    double damping_ratio;          /* of the release gain; 1: none                 */
    int32_t limit_count;
    struct core_limit_view limit[CORE_LIMITS_MAX];
};

enum core_lever_state {
    CORE_LEVER_UNREAD,        /* counts as its maximum                             */
    CORE_LEVER_STANDING,      /* read, not ours yet                                */
    CORE_LEVER_SENT,          /* an order is in flight                             */
    CORE_LEVER_IN_FORCE,      /* our value, read back                              */
    CORE_LEVER_UNKNOWN        /* timed out or mismatched: counts as the larger     */
};

struct core_lever_view {
    enum core_lever_state state;
    double wanted;                 /* what allocation wants, in the signal's unit  */
    double sent;                   /* the last order; NAN                          */
    double in_force;               /* last read back; NAN                          */
    double counted;                /* largest that is in force, in flight or could return */
    double demand_w;               /* forecast of the leaf's draw; NAN             */
    uint64_t number;               /* of the last order                            */
    uint64_t orders, refused, failures;
    struct core_why why;           /* of `wanted`                                  */
    struct core_cause cause;       /* of the last order                            */
};

/* Where the rack stands towards the grid. */
#define CORE_RIDE_LIST(X)                                                                  \
    X(CORE_RIDE_OFF, "off", "not configured, or nothing is known of the input")            \
    X(CORE_RIDE_READY, "ready", "input good; what must be armed ahead is armed")           \
    X(CORE_RIDE_UNARMED, "unarmed", "input good; not all of it is armed")                  \
    X(CORE_RIDE_SAG, "sag", "input low; the hardware carries it")                          \
    X(CORE_RIDE_SUPPORT, "support", "input low; batteries take part of the load")          \
    X(CORE_RIDE_OUTAGE, "outage", "batteries carry the busbar")                            \
    X(CORE_RIDE_RETURN, "return", "input good again; supplies take the load back")
#define CORE_RIDE_ENUM(name, id, text) name,
enum core_ride { CORE_RIDE_LIST(CORE_RIDE_ENUM) CORE_RIDE_COUNT };
#undef CORE_RIDE_ENUM

struct core_ride_view {
    enum core_ride state;
    int64_t since_us;              /* of the state                                 */
    double input_ratio;            /* lowest good input voltage over nominal; NAN  */
    bool capable;                  /* would carry a full loss of input now         */
    double capable_w;              /* most DC load at which it would               */
    double margin_s;               /* hold-up left when batteries are there, at this load */
    double energy_j, reserve_j;    /* in the batteries; what an outage needs of it */
    double wear_left_cycles;       /* of the budget of support                     */
    uint64_t writes;               /* orders given for riding through, since start */
};

enum core_token_state {
    CORE_TOKEN_NONE, CORE_TOKEN_GRANTED, CORE_TOKEN_REFUSED, CORE_TOKEN_EXPIRED, CORE_TOKEN_RETURNED,
    CORE_TOKEN_REVOKED
};

#define CORE_TOKEN_REASON_LIST(X)                                                          \
    X(CORE_TOKEN_REASON_NONE, "none", "")                                                  \
    X(CORE_TOKEN_REASON_NO_ZONE, "no_zone", "no pool covers that node")                    \
    X(CORE_TOKEN_REASON_POOL, "pool", "the pool is leased out")                            \
    X(CORE_TOKEN_REASON_BURST, "burst", "more than may be leased at all")                  \
    X(CORE_TOKEN_REASON_ENVELOPE, "envelope", "no room in a windowed limit above")         \
    X(CORE_TOKEN_REASON_CURVE, "curve", "would exceed a breaker's coordination curve")     \
    X(CORE_TOKEN_REASON_CONFLICT, "conflict", "a protection conflict is predicted")        \
    X(CORE_TOKEN_REASON_DURATION, "duration", "shorter or longer than leases may be")      \
    X(CORE_TOKEN_REASON_MODE, "mode", "no tokens in this mode")                            \
    X(CORE_TOKEN_REASON_COORDINATION, "coordination", "the pool above is still settling")
#define CORE_TOKEN_REASON_ENUM(name, id, text) name,
enum core_token_reason { CORE_TOKEN_REASON_LIST(CORE_TOKEN_REASON_ENUM) CORE_TOKEN_REASON_COUNT };
#undef CORE_TOKEN_REASON_ENUM

/* The answer to one client. */
struct core_token_view {
    uint64_t client, version;      /* of the request answered; client 0: free slot */
    enum core_token_state state;
    enum core_token_reason reason; /* of a refusal or the end of a lease           */
    int32_t node;
    double granted_w;
    int64_t expires_us;
    double alternative_w;          /* REFUSED: what would be granted now; 0: nothing */
    int64_t retry_after_us;        /* REFUSED: when asking again makes sense; 0: not by waiting */
};

/* One forecaster, with configured forecasts. All but the vote is NAN until it is known. */
#define CORE_FORECAST_LEVELS 3     /* bounds that hold 90, 99 and 99.9 % of the time */

struct core_forecast_view {
    int32_t lever, node;           /* of that lever's leaf, CORE_NONE: of the whole node */
    bool votes;                    /* it is in calibration and is listened to      */
    double expected_w;             /* so far ahead as the horizon                  */
    double peak_w;                 /* until then: as likely exceeded as not        */
    double upper_w[CORE_FORECAST_LEVELS];  /* of the peak                          */
    double coverage[CORE_FORECAST_LEVELS]; /* share of late that stayed under it   */
    double error_w;                /* mean of late: expected against what came     */
    int64_t horizon_us;
    int64_t period_us;             /* of periodic load; 0: none found              */
    uint64_t readings;             /* taken since it last began anew               */
    uint64_t resets;               /* since start: it had lost its calibration     */
};

/* A snapshot and the orders: one block of core_outputs_size() bytes. Arrays are
 * reached by the calls below, so the block can be copied and sent. */
struct core_outputs {
    size_t size;
    int64_t now_us;
    uint64_t step;                 /* steps since core_init()                      */
    uint64_t plan_version;
    enum core_mode mode;
    uint32_t reasons;              /* bits of enum core_reason                     */
    bool armed;                    /* every LIMIT lever holds our value, read back */
    bool restored;                 /* RESTORE: nothing is left that may be put back */
    int32_t restore_left;          /* RESTORE: levers left standing                */
    bool armed_ahead;              /* a peak is foreseen: HOLD levers get their armed values */
    int64_t armed_ahead_us;        /* when that last changed; 0: never did         */
    int32_t order_count, event_count;
    int32_t events_dropped;        /* no room for more in this step                */
    struct core_ride_view ride;
    int32_t node_count, lever_count, device_count, group_count, token_count, forecast_count;
    size_t orders_at, events_at, nodes_at, levers_at, devices_at, groups_at, tokens_at, forecasts_at;
};

size_t core_outputs_size(const struct core_config *config);
void core_outputs_init(struct core_outputs *out, const struct core_config *config);

const struct core_order *core_outputs_orders(const struct core_outputs *out);
const struct core_event *core_outputs_events(const struct core_outputs *out);
const struct core_node_view *core_outputs_nodes(const struct core_outputs *out);
const struct core_lever_view *core_outputs_levers(const struct core_outputs *out);
const struct core_device_view *core_outputs_devices(const struct core_outputs *out);
const struct core_node_view *core_outputs_groups(const struct core_outputs *out);
const struct core_token_view *core_outputs_tokens(const struct core_outputs *out);
const struct core_forecast_view *core_outputs_forecasts(const struct core_outputs *out);

/* ---- the step ---- */

/* One block of core_size() bytes, 16-byte aligned, given by the caller, sized
 * once and free of pointers: it may be copied with memcpy, written to a file
 * and stepped on from the copy. The configuration is copied into it. */
struct core;
size_t core_size(const struct core_config *config);
void core_init(struct core *core, const struct core_config *config);
size_t core_block_size(const struct core *core);   /* of a block already made      */

/* The whole decision, in under 50 us for a rack of 72 GPUs. Cannot fail. `now_us`
 * never goes back. `out` was made for the same configuration. */
void core_step(struct core *core, const struct core_inputs *in, struct core_outputs *out);

/* For each index of the new configuration the old one that is the same thing, or
 * CORE_NONE. */
struct core_map {
    const int32_t *node, *point, *lever, *device;
};

/* Carries what a reload must not forget from `old` into `core` (just made by
 * core_init()): limits in force and in flight, order numbers, readings, windows
 * and violations, bands, the mode. Pure and bounded. A lever that the new
 * configuration lacks is the caller's to restore first. */
void core_adopt(struct core *core, const struct core *old, const struct core_map *map);

/* Labels for logs and JSON. Never NULL. */
const char *core_mode_label(enum core_mode mode);
const char *core_mode_wanted_label(enum core_mode_wanted mode);
const char *core_reason_label(enum core_reason reason);
const char *core_rule_label(enum core_rule rule);
const char *core_rule_text(enum core_rule rule);
const char *core_ride_label(enum core_ride ride);
const char *core_token_state_label(enum core_token_state state);
const char *core_token_reason_label(enum core_token_reason reason);
const char *core_token_reason_text(enum core_token_reason reason);
const char *core_node_kind_label(enum core_node_kind kind);
const char *core_lever_state_label(enum core_lever_state state);

#endif
