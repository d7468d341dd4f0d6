/* SPDX-License-Identifier: Apache-2.0 */
/* block.h: what the core remembers from step to step, in one block.
 *
 * The block is `struct core`, then arrays at offsets kept in its header; it
 * holds no pointer, so a memcpy of it is a second core. `struct block` is the
 * set of pointers into one block: made on the stack at the start of a step,
 * gone at its end.
 *
 * A "zone" is whatever can carry limits: zones 0 to node_count - 1 are the
 * nodes, the next group_max the plan's groups. A "source" is whatever counts
 * against a zone: sources 0 to lever_count - 1 are the levers (only those that
 * cap a draw reach any zone), the next loose_count the measured leaves that no
 * lever caps.
 */
#ifndef BUSBAR_CORE_BLOCK_H
#define BUSBAR_CORE_BLOCK_H

#include "busbar/check.h"
#include "busbar/core.h"

#define BLOCK_BUCKETS 20         /* of a sliding window; one more is filling        */
#define BLOCK_TURNS   16         /* of a zone's wanted sum that are remembered      */
#define BLOCK_SUM_SLACK_W 1e-6   /* sums of doubles agree to well under this        */

/* ---- points and devices: quality.c ---- */

enum point_quality { POINT_NONE, POINT_GOOD, POINT_STALE, POINT_IMPLAUSIBLE, POINT_STUCK };

struct point {
    double value;          /* last plausible one                               */
    int64_t taken_us, arrived_us;
    int64_t changed_us;    /* since when it reads the same, bit for bit        */
    uint64_t step;         /* the step that last renewed it                    */
    enum point_quality quality;
    int32_t told;          /* an event said so: not again before it is good    */
    double before;         /* of a supply, before a sag: a slow mean; NAN      */
};

struct device {
    int64_t youngest_us;   /* taken_us of the youngest good reading            */
    int64_t stale_us;      /* shortest of its points                           */
    enum core_device_quality quality;
    uint32_t serial_hash;
    int32_t identified;    /* serial_hash is one                               */
    int32_t relevant;      /* holds a LIMIT lever or measures a node           */
};

/* ---- levers: lever.c ---- */

/* Where a value may come back from, all counted at the largest:
 *   base   last certain value of the device
 *   sent   while the order is in flight
 *   ghost  an order whose outcome is unknown and that could still land until
 *          ghost_until_us; only a reading taken after that lays it
 *   the configured fallback, where the device has a time-out of its own */
struct lever {
    enum core_lever_state state;
    int32_t answered;            /* the last order got its acknowledgement      */
    int32_t ours;                /* in_force was put there by an order          */
    int32_t secured;             /* held our value since it was last read fresh */
    int32_t drifted;             /* someone else changed it                     */
    int32_t failing;             /* an event said that orders fail              */
    int32_t left_told;           /* an event said it is left standing           */
    int32_t no_room;             /* RESTORE: it could not be raised in this step */
    int32_t released;            /* the last order put the original back        */
    int32_t streak, drift_streak;/* failures, drifts in a row                   */
    double wanted;               /* NAN: leave alone                            */
    double sent, held;           /* last order; last one read back; NAN: none   */
    double in_force, base, ghost;/* last reading; see above; NAN: none          */
    int64_t ghost_until_us;      /* CORE_FOREVER: until an acknowledgement      */
    int64_t sent_us;             /* of the last order; INT64_MIN before         */
    int64_t confirmed_us;        /* readings taken before say nothing new       */
    int64_t retry_us, drift_retry_us;
    int64_t lease_end_us;        /* device time-out of the value in force       */
    int64_t ends_us;             /* the same of the order in flight             */
    uint64_t number, orders, refused, failures;
    uint64_t cause_step;         /* the step `due` is from                      */
    struct core_why why;         /* of `wanted`                                 */
    struct core_cause due;       /* newest record that moved or freed it        */
    struct core_cause cause;     /* of the last order                           */
    double demand_w;             /* expected upper bound of the draw; NAN       */
    double demand_slow_w;        /* the same, followed slowly; NAN: none yet    */
    double demand_held_w;        /* that, coarse, for allocation                */
    double charge_held;          /* CHARGE: share of its maximum granted        */
    int64_t charge_cut_us;       /* CHARGE: when that was last lowered; INT64_MIN */
};

/* ---- zones: zone.c, tree.c, guard.c ---- */

struct window {
    int64_t window_us, bucket_us;
    int64_t start_us, at_us;     /* first sample; start of the filling bucket   */
    double limit_w;              /* in force now                                */
    double bucket_j[BLOCK_BUCKETS + 1];
    double mid_j;                /* full buckets but the oldest                 */
    int32_t head;                /* the filling bucket                          */
    int32_t exceeded;
    double mean_w, worst_w;      /* NAN before it is full                       */
    uint64_t violations;
};

struct zone {
    /* fixed by configuration and plan */
    double fixed_w;              /* static loads and losses at the input        */
    int64_t delay_us;            /* worst of the LIMIT levers below             */
    int64_t early_us;            /* how long a budget must end ahead of time    */
    int32_t entry_first, entry_count;  /* in entries[]                          */
    int32_t window_count;
    int32_t used;                /* groups: in the plan                         */
    int32_t capable;             /* bound by what batteries can take over       */
    uint64_t member_hash;        /* groups: which members                       */
    /* budgets, renewed when until_us has come */
    int64_t until_us;
    double budget_w, standing_w; /* INFINITY: no limit                          */
    int64_t bound_window_us;     /* of the limit behind the smaller one         */
    double bound_w;
    /* what is drawn: tree.c */
    double power_w, low_w, high_w;
    int64_t taken_us;            /* oldest reading in power_w                   */
    int64_t news_taken_us, news_arrived_us;  /* newest reading in power_w       */
    uint64_t news_step;
    int32_t measured, fresh;     /* fresh: every part is a good reading         */
    double forecast_w, upper_w;
    /* what is promised: lever.c */
    double counted_w, counted_standing_w;
    /* three bands: guard.c */
    double trim, depth, last_w;
    double pace;                 /* of this cut's release, drawn when it was made */
    int64_t cut_us;
    int32_t cut;
};

/* The output of a node while it is summed. */
struct tree_sum {
    double power_w, low_w, high_w;
    int64_t taken_us;
    int32_t fresh;
};

/* One source seen from a zone, and one zone seen from a source. */
struct entry {
    int32_t source;
    int32_t zone;
    double coef;                 /* input watts there for a watt drawn here     */
};

struct source {
    int32_t path_first, path_count;    /* nodes above, in paths[]               */
    int32_t group_first, group_count;  /* groups around, in group_paths[]       */
    double now_w, standing_w;          /* counted, at the leaf                  */
};

struct loose {
    int32_t node;
    double held_w;               /* above its static load, at its input         */
};

/* ---- allocation: allocate.c, fill.c ---- */

struct fill_var {
    double lo, hi, weight, x;    /* watts of the cap                            */
    double factor;               /* watts drawn for one of the cap: overshoot   */
    int32_t moves;               /* a lever that allocation moves               */
    int32_t row;                 /* that stopped it; FILL_TOP, FILL_STAYS       */
    int32_t moving;
    int32_t path_first, path_count;    /* in fill_paths[]                       */
};

/* One row that takes part in this run, seen from a var. */
struct fill_path {
    double slope_w;              /* how fast the var fills it                   */
    int32_t zone;
};

struct fill_row {
    double slack_w, slope_w, level;
    int32_t moving, full, active;
    int32_t listed;              /* rows[k]: zone of the k-th active row        */
};

struct fill_event {
    double level;
    int32_t var, starts;
};

/* What allocation was last made from; equal inputs need no new one. */
struct allocate_in {
    double device_min, plan_min, demand, max, weight;
    int32_t priority, fixed;     /* fixed: its device is stale, it stands       */
    int32_t token;               /* a token is behind `plan_min`                */
    int32_t node;                /* behind `max`; CORE_NONE                     */
    enum core_rule rule;         /* behind `max`                                */
};

/* ---- grid events: ride.c ---- */

/* What one configured source (b->sources_conf) looks like now. */
struct ride_source {
    double input_v;              /* PSU: what its supplies agree on; NAN           */
    int64_t low_us, good_us;     /* PSU: since when low, good; INT64_MIN: it is not */
    double draw_w;               /* PSU: that its supplies carry or draw; NAN      */
    int32_t known, live;         /* PSU: modules whose output is read; that carry  */
    int32_t heard, was_heard;    /* PSU: input_v is from the event that runs now   */
    int32_t back;                /* PSU: it carries its part again                 */
    int32_t lost;                /* PSU: low for so long that nobody waits for it  */
    int32_t modules;             /* that count: carry (PSU), are sound (BBU)       */
    int32_t pace_count;          /* PSU: set-points that are read...               */
    double least_v, most_v;      /* ...and what their mean may be by now           */
};

struct ride {
    enum core_ride state;
    int32_t on;                  /* configured, and the plan wants it              */
    int32_t settled;             /* was READY, or long enough without an event     */
    int32_t acted;               /* this event lasts long enough to write anything */
    int32_t spent;               /* no (more) support in this sag                  */
    int32_t together;            /* start delays are armed: shelves come back as one */
    int32_t up;                  /* RETURN: set-points go back                     */
    int32_t slow;                /* ...by a ramp: the outage was long              */
    int32_t share;               /* ...once all shelves carry: till then they share */
    int32_t shed;                /* energy runs out: limits go to their base       */
    int32_t start;               /* start[] of the outage's length so far          */
    int32_t discharging;
    int32_t armed;
    int32_t discharge_known;     /* the batteries' current is read                 */
    int64_t since_us;            /* of the state                                   */
    int64_t low_us, deep_us, good_us, lone_us; /* input low, too low to support, good on all, on any */
    int64_t discharge_us;        /* batteries discharge                            */
    int64_t calm_us;             /* busbar above the trigger, batteries idle       */
    int64_t horizon_us;          /* supplies' readings from before say nothing     */
    int64_t seen_us, current_us; /* newest reading of an input, of a battery's current */
    int64_t outage_us, over_us;  /* when it began; when the last event ended       */
    int64_t carried_us;          /* an outage of this event ended in a sag         */
    double input_v;              /* lowest that a shelf agrees on; NAN             */
    double before_v, before_w;   /* before the sag: slow means; NAN: none          */
    /* support, and the ramp of a return */
    double setpoint_v;           /* that all supplies get; NAN                     */
    double part;                 /* of before_w that supplies may carry            */
    double load_w, battery_w;    /* at the busbar, before; the batteries' part of it */
    int64_t moved_us;            /* setpoint_v                                     */
    int64_t draw_after_us;       /* what supplies carried before says nothing      */
    double support_j;            /* given in this sag                              */
    double event_j;              /* in the batteries when it began                 */
    /* batteries */
    double energy_j, full_j, reserve_j, discharge_w, wear_cycles;
    int32_t sound;               /* all read, healthy, none at its end of life     */
    /* capability: ride_rule.c */
    int64_t rule_us;             /* worked out then                                */
    uint64_t rule_key;           /* from these modules                             */
    double capable_w, rule_w;    /* most load; budget of the bus from that, INFINITY: none */
    double derated_w;            /* what supplies give at a low input; INFINITY: all */
    double bears_w;              /* ...while some supplies do not carry; INFINITY  */
    double lean_w;               /* ...for the return from a long outage; INFINITY */
    double cap_w;                /* the smallest of these                          */
    int64_t lean_us;             /* lean_w moved                                   */
    double margin_s;
    int32_t capable, told;       /* now; an event said that it is not              */
    int64_t incapable_us;
    uint64_t writes;
};

/* ---- protective devices: curve.c; one a node ---- */

struct curve {
    int32_t known;               /* its memory has a beginning                     */
    int32_t engaged;             /* what is below is at its base                   */
    double heat;                 /* thermal: per unit of rated squared; LSI: i2 s  */
    double short_part;           /* of the short stage's time; 1 trips             */
    double last;                 /* i of the last step                             */
    double bound_w;              /* upper bound of what flows                      */
    double trip_s;               /* at that, also of the equipment's windows       */
    int64_t window_us;           /* of the window behind trip_s; 0: the curve      */
    int64_t calm_us;             /* since when out of danger; CORE_FOREVER: not    */
};

/* ---- own orders that swing: damp.c; one a zone ---- */

struct damp {
    double gain;                 /* of giving power back; 1: as the plan says      */
    int64_t gain_us;             /* when it last changed                           */
    double credit_w;             /* that may be raised now, while gain is under 1  */
    int32_t known;               /* the rest means something                       */
    int32_t rising;              /* 1, -1; 0: did not move yet                     */
    int32_t turn_at;             /* the oldest of turn_us[]                        */
    int64_t turn_us[BLOCK_TURNS];/* INT64_MIN: none                                */
    double sum_w, extreme_w;     /* wanted below; where it turned last             */
    double budget_w;             /* of the last step                               */
    double slow_w, fast_w;       /* filters at the edges of the band               */
    double square_w2;            /* mean square inside it                          */
};

/* ---- forecasters: foresee.c; the rack's, then one a measured lever ---- */

struct foresee {
    int32_t lever, node;         /* as core_forecast_view                          */
    int32_t votes;               /* listened to                                    */
    int32_t told;                /* an event said that it was lost                 */
    int32_t need;                /* readings before it may vote: more after each loss */
    int32_t unbound;             /* passed counted_w once: it is no limit          */
    double counted_w;            /* against the envelope at the last reading: the rack's */
    int64_t taken_us;            /* newest reading it took; INT64_MIN              */
    uint64_t readings, resets;
    int64_t horizon_us, period_us;
    double expected_w, peak_w;   /* NAN: unknown                                   */
    double upper_w[CORE_FORECAST_LEVELS], coverage[CORE_FORECAST_LEVELS];
    double error_w;
    /* the forecast that is being judged: made a horizon before due_us */
    int64_t due_us;              /* INT64_MIN: none                                */
    double due_w, due_upper_w, due_top_w;
    double held;                 /* share of those judged that held, of late       */
};

/* ---- what is armed for a foreseen peak: arm.c ---- */

struct arm {
    int32_t levers;              /* of the plan that have an armed value           */
    int32_t on;
    int64_t since_us;            /* `on` changed; 0: it never did                  */
    int64_t seen_us;             /* a peak was last foreseen                       */
};

/* ---- tokens: ledger.c; one a client ---- */

struct token {
    uint64_t client, version;    /* client 0: free slot; version answered          */
    uint64_t step;               /* the step that last saw it in the table         */
    enum core_token_state state; /* of the answer                                  */
    enum core_token_reason reason;
    int32_t node;                /* of the lease, or of the refused wish           */
    int32_t floors;              /* the lease still counts for the levers          */
    double granted_w;            /* leased now, whatever the last answer was; 0    */
    int64_t expires_us;
    int64_t early_us;            /* the levers below must be done with it by then  */
    double alternative_w;
    int64_t retry_after_us;
    double coef[CORE_TOKEN_ZONES_MAX]; /* watts at each pool for one leased        */
};

/* Watts that the plan and the device let one LIMIT lever's cap be. */
struct range {
    double least_w, most_w;
};

/* What a token zone has left. */
struct pool {
    int32_t node;                /* CORE_NONE: not used                            */
    int32_t by;                  /* token zone that last charged it; CORE_NONE     */
    int64_t charged_us;
    double credit_w;             /* of burst                                       */
};

/* ---- the block ---- */

struct core {
    uint64_t magic;
    size_t size;
    int32_t node_count, point_count, lever_count, device_count;
    int32_t group_max, member_max, zone_count;
    int32_t loose_count, cap_count;
    int32_t path_count, group_entry_max;
    int32_t measure_count, edge_count;
    int32_t source_conf_count, ride_point_count, request_max, curve_count;
    int32_t foresee_count;       /* 0: no forecasts                             */
    int32_t foresee_turn;        /* where the next step goes on                 */
    enum core_forecast forecast;
    int64_t period_us;
    uint64_t rng;
    /* of the moment */
    int64_t now_us, last_us, first_us;
    uint64_t step;
    int32_t started;
    int32_t turn;                /* where raising starts: fair to all           */
    enum core_mode mode;
    uint32_t reasons;
    int32_t acting;              /* the mode allows orders                      */
    int32_t restoring;
    int32_t base_all;            /* EMERGENCY for everybody, not below some nodes */
    int32_t protecting;          /* nodes with their curve engaged                */
    int32_t damped;              /* zones with a gain under 1                     */
    int32_t promises_old;        /* promises[] do not say what tokens hold        */
    struct pool pools[CORE_TOKEN_ZONES_MAX];
    int32_t infeasible, armed, restored, restore_left;
    int32_t exceeded;            /* windows above their limit now               */
    int32_t allocated;           /* allocate_in holds what was last solved      */
    struct core_cause news;      /* newest record that freed room in this step  */
    uint64_t news_step;
    uint64_t plan_step;          /* the step that brought the plan              */
    struct core_config_bus bus;
    struct ride ride;
    struct arm arm;
    /* the plan's header */
    struct core_plan plan;
    /* where the arrays are */
    size_t nodes_at, points_conf_at, levers_conf_at, sources_conf_at;
    size_t curves_at, damps_at, tokens_at, ranges_at, promises_at, grant_at;
    size_t ride_sources_at, ride_points_at, ride_first_at;
    size_t points_at, stale_at, devices_at, levers_at, zones_at, windows_at;
    size_t measures_at, measure_first_at, cap_first_at, caps_at, edge_at;
    size_t sources_at, loose_at, entries_at, paths_at, group_paths_at;
    size_t plan_nodes_at, plan_levers_at, plan_groups_at, plan_members_at;
    size_t vars_at, rows_at, fill_paths_at, events_at, events_spare_at, inputs_at, row_budget_at;
    size_t sums_at, scratch_at, next_at;
    size_t foresees_at, foresee_of_at, fcs_at;
};

/* Shares of one edge child -> parent, for estimates. */
struct edge {
    double likely, least;
};

struct block {
    struct core *core;
    struct core_config_node *nodes;
    struct core_config_point *points_conf;
    struct core_config_lever *levers_conf;
    struct core_config_source *sources_conf;   /* what holds the busbar up      */
    struct curve *curves;        /* one a node                                  */
    struct damp *damps;          /* one a zone                                  */
    struct token *tokens;        /* request_max                                 */
    struct range *ranges;        /* one a lever, with request_max               */
    double *promises;            /* one a lever: watts of its cap that tokens hold */
    double *grant;               /* three a zone, with request_max              */
    struct ride_source *ride_sources;          /* one a source of those         */
    int32_t *ride_points;        /* points that tell of one, by source          */
    int32_t *ride_first;         /* source_conf_count + 1                       */
    struct point *points;
    int64_t *stale;              /* when each good point goes stale             */
    struct device *devices;
    struct lever *levers;
    struct zone *zones;
    struct window *windows;      /* CORE_LIMITS_MAX a zone                      */
    int32_t *measures;           /* points, by node                             */
    int32_t *measure_first;      /* node_count + 1                              */
    int32_t *caps;               /* levers that cap a draw, by node             */
    int32_t *cap_first;          /* node_count + 1                              */
    struct edge *edges;          /* CORE_PARENTS_MAX a node                     */
    struct source *sources;
    struct loose *loose;
    struct entry *entries;       /* by zone: nodes, then groups                 */
    struct entry *paths;         /* by source, nodes                            */
    struct entry *group_paths;   /* by source, groups                           */
    struct core_plan_node *plan_nodes;
    struct core_plan_lever *plan_levers;
    struct core_plan_group *plan_groups;
    int32_t *plan_members;
    struct fill_var *vars;       /* one a source                                */
    struct fill_row *rows;       /* one a zone                                  */
    struct fill_path *fill_paths;/* by var                                      */
    struct fill_event *events, *events_spare;
    struct allocate_in *inputs;  /* one a lever                                 */
    double *row_budget;          /* one a zone: what is left for the levers     */
    struct tree_sum *sums;       /* one a node                                  */
    double *scratch;             /* four a zone or source, whichever is more    */
    double *next;                /* one a lever: counted after this step's orders */
    struct foresee *foresees;    /* foresee_count                               */
    int32_t *foresee_of;         /* one a lever, with forecasts: which; CORE_NONE */
    char *fcs;                   /* the forecasters themselves, in this order   */
    const struct core_inputs *in;
    struct core_outputs *out;
};

/* The pointers into a block; `in` and `out` stay NULL. */
struct block block_open(struct core *core);

/* What one watt drawn at `node` is at every node above: part[v] by the shares
 * (never more than the whole), gain[v] by the losses of the worst way up. Both
 * are written up to `node`. */
void block_spread(const struct core_config_node *nodes, int32_t node, double *part, double *gain);

static inline bool block_is_cap(const struct core_config_lever *conf)
{
    return conf->use == CORE_LEVER_LIMIT || conf->use == CORE_LEVER_CHARGE;
}

/* Watts of the leaf that one unit of a lever counts for. */
static inline double block_unit_w(const struct core_config_lever *conf)
{
    return conf->watts_per_unit * (1.0 + conf->overshoot_ratio);
}

static inline bool block_is_number(double x)
{
    return __builtin_isfinite(x);
}

static inline double block_clip(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

/* now + span, where either may be CORE_FOREVER. */
static inline int64_t block_later(int64_t now_us, int64_t span_us)
{
    return span_us > CORE_FOREVER - now_us ? CORE_FOREVER : now_us + span_us;
}

/* 0 to 1, from the core's own generator (splitmix64). */
double block_random(struct core *core);

/* Members one by one: a copy of a whole struct would carry its padding along,
 * and the block is compared byte by byte. */
static inline void block_cause(struct core_cause *cause, enum core_cause_kind kind,
                               int64_t taken_us, int64_t arrived_us)
{
    cause->kind = kind;
    cause->taken_us = taken_us;
    cause->arrived_us = arrived_us;
}

static inline void block_why(struct core_why *why, enum core_rule rule, int32_t node,
                             int64_t window_us, double bound_w)
{
    why->rule = rule;
    why->node = node;
    why->window_us = window_us;
    why->bound_w = bound_w;
}

#endif
