/* SPDX-License-Identifier: Apache-2.0 */
/* checks_parts.h: what the files of checks share. Private to checks*.c. */
#ifndef BUSBAR_SIM_CHECKS_PARTS_H
#define BUSBAR_SIM_CHECKS_PARTS_H

#include "breaker.h"
#include "checks.h"
#include "window.h"

#define CHECKS_RACK_WINDOWS_MAX  8
#define CHECKS_SHELF_WINDOWS     3
#define CHECKS_WINDOWS_MAX       (CHECKS_RACK_WINDOWS_MAX + CHECKS_SHELF_WINDOWS * PLANT_SHELVES_MAX)
#define CHECKS_NEVER             INT64_MIN
#define CHECKS_LEVERS_MAX        1024
#define CHECKS_OWN_MAX           16 /* last values ordered of a lever: one may be executed late */
#define CHECKS_TURNS_MAX         32
#define CHECKS_NODES_MAX         8    /* of the core's tree: rack and shelves                 */
#define CHECKS_SPANS             2048 /* control periods of one node that are remembered      */

/* What a sentence is about, formed only when somebody asks. */
enum checks_part { CHECKS_NOTHING, CHECKS_PSU, CHECKS_BBU, CHECKS_GPU, CHECKS_LEVER, CHECKS_PHASE, CHECKS_NODE };
struct checks_about {
    enum checks_part part;
    int32_t index;
    const char *what; /* static; before the number                                  */
    double number;    /* NAN: none                                                  */
};

static inline struct checks_about checks_of(enum checks_part part, int32_t index, const char *what, double number)
{
    return (struct checks_about){ .part = part, .index = index, .what = what, .number = number };
}

/* One look at one thing. Margin: INFINITY where this look has none. */
struct checks_seen {
    bool ok;
    double value, limit, margin;
    struct checks_about about;
};

struct checks_mark {
    bool looked, failed;
    uint64_t looks;
    double value, limit, margin;
    int64_t at_us;
    struct checks_about about;
};

/* A limit of the rack. A lower one counts against us once there was time to get
 * there: due_us. */
struct checks_bound {
    double limit_w, asked_w;
    int64_t due_us;
};

struct checks_window {
    struct window *window;
    int32_t shelf; /* CORE_NONE: the rack                             */
    int64_t from_us;
    struct checks_bound bound; /* the rack's                                      */
};

struct checks_lever {
    enum core_lever_use use;
    int32_t index; /* of its GPU or battery                           */
    double min, max;
    int64_t delay_us, timeout_us;
};

/* What a lever held before anything was written to it: as it came, as it stood last. */
struct checks_original {
    double first, last, now;
    bool ours; /* we have written to it                           */
};

/* What we know of a GPU's limit beside the plant. */
struct checks_gpu {
    double seen_w;     /* at the last look                                */
    double own_w;      /* the last that was ours                          */
    double foreign_w;  /* the last that was not...                        */
    int64_t foreign_until_us; /* ...and may stand until then                     */
    double in_flight_w;       /* NAN: nothing                                    */
    double wanted_w;          /* what it is to have at last; NAN: not known      */
    double ordered_w[CHECKS_OWN_MAX];
    int32_t ordered_at;
    uint32_t bmc_resets;
    struct checks_original original;
};

struct checks_psu {
    double setpoint_v, start_delay_s;
    uint32_t resets;
    bool latched;
};

/* A supply as a module: by its serial. */
struct checks_module {
    char serial[17];
    uint32_t resets;
    struct checks_original setpoint, start;
};

struct checks_bbu {
    /* wear and reserve */
    double discharged_j; /* at the last look                                */
    double reference_j;  /* the most it held since its last excuse          */
    /* leases */
    bool on;
    double left_s;      /* at the last look                                */
    double refreshed_s; /* since the override's countdown last began       */
    double bare_s;      /* that it stands without a time-out               */
    /* by the controller's books: what its charger takes by itself, and of each ampere */
    double fallback_w, volts;
};

/* Direction of the summed limits, and when it turned. */
struct checks_calm {
    int direction; /* 1 rises, -1 falls, 0 not known                  */
    double extreme_w;
    int64_t quiet_until_us; /* turns follow a change of the plan or the grid   */
    uint64_t plan_version;
    double input_ratio;
    int64_t turn_us[CHECKS_TURNS_MAX];
    int32_t turn_count; /* of all; the ring holds the last                 */
};

/* One control period of a node, by the core's own words. */
struct checks_span {
    int64_t end_us;
    double power_w;
};

struct checks_node {
    int32_t node, newest, span_count;
    struct checks_span span[CHECKS_SPANS];
};

struct checks_views {
    int32_t node_count, supply_count;
    struct checks_node node[CHECKS_NODES_MAX];
    int32_t supply[PLANT_MODULES_MAX]; /* the core's devices that are supplies    */
    uint64_t step;                     /* of the core, at the last look           */
    bool flow;
    int64_t good_us, flow_us;          /* since when input is good, messages flow */
};

struct checks {
    const struct plant *plant;
    struct checks_options opt; /* its pointers are not used after checks_new()    */
    bool control;              /* a controller was announced                      */
    int64_t start_us, now_us;  /* of the plant's time; since the start            */
    int64_t slow_us;           /* since the slow things were looked at            */
    struct checks_mark mark[CHECKS_COUNT];

    /* checks_power.c */
    int32_t window_count, rack_window_count;
    struct checks_window window[CHECKS_WINDOWS_MAX];
    double bus_j;              /* in the busbar's capacitance, after the last step */
    struct breaker breaker[3];
    uint32_t it_resets;
    double it_low_s;
    int64_t fed_us;            /* when all supplies carried, last                */
    int64_t shut_us;           /* when one shut down for what was left to it     */
    bool beyond;

    /* checks_orders.c */
    bool armed, dead;
    int64_t dead_us;
    struct checks_bound envelope;
    double envelope_w; /* as asked for last                               */
    double loss_ratio; /* by the controller's books, from a GPU up to the rack's input */
    int64_t grace_us;  /* in which a controller can bring limits down     */
    int64_t lands_us;  /* in which what is on the wire lands, at worst    */
    int64_t foreign_us;/* in which it can see and undo somebody else's    */
    bool foreign;      /* some limit that is not ours is excused now      */
    int32_t lever_count, gpu_levers;
    struct checks_lever lever[CHECKS_LEVERS_MAX];
    struct checks_gpu gpu[PLANT_GPUS_MAX];
    struct checks_psu psu[PLANT_MODULES_MAX];
    struct checks_calm calm;

    /* checks_original.c, checks_views.c */
    struct checks_module module[PLANT_MODULES_MAX];
    struct checks_views views;

    /* checks_battery.c */
    struct checks_bbu bbu[PLANT_MODULES_MAX];
    int64_t excused_until_us; /* of reserve and wear                             */
    double spent_cycles;
};

/* The worst stays, and the first failure. */
void checks_note(struct checks *c, enum checks_kind kind, const struct checks_seen *seen);

/* Lowest phase over nominal. */
double checks_input_ratio(const struct plant *plant);

/* checks_power.c: every inner step. checks_power_result() before results are read. */
NODISCARD enum status checks_power_init(struct checks *c);
void checks_power_done(struct checks *c);
void checks_power_step(struct checks *c, const struct plant *plant, int64_t dt_us);
void checks_power_slow(struct checks *c);
void checks_power_armed(struct checks *c, double envelope_w);
void checks_limits_result(const struct checks *c, struct checks_result *ret);
bool checks_limits_ok(const struct checks *c);

void checks_bound_set(const struct checks *c, struct checks_bound *bound, double limit_w, int64_t window_us);
bool checks_bound_due(const struct checks *c, struct checks_bound *bound);

/* checks_orders.c: after each millisecond at most, and after each control period. */
void checks_orders_init(struct checks *c);
void checks_orders_step(struct checks *c, const struct plant *plant);
void checks_orders_core(struct checks *c, const struct core_outputs *out);
double checks_foreign_w(const struct checks *c, const struct plant *plant);

/* checks_settings.c: what stands in the devices. */
void checks_settings_init(struct checks *c);
void checks_settings_step(struct checks *c, const struct plant *plant, double dt_s);

/* checks_original.c */
void checks_original_init(struct checks *c, const struct plant *first);
void checks_original_step(struct checks *c, const struct plant *plant);

/* checks_views.c */
void checks_views_init(struct checks *c, const struct core_config *config);
void checks_views_step(struct checks *c, const struct plant *plant);
void checks_views_core(struct checks *c, const struct core_outputs *out);
void checks_views_dead(struct checks *c);

/* checks_calm.c */
void checks_calm_init(struct checks *c);
void checks_calm_step(struct checks *c, const struct plant *plant);
void checks_calm_plan(struct checks *c, uint64_t version);

/* checks_battery.c */
void checks_battery_init(struct checks *c);
void checks_battery_step(struct checks *c, const struct plant *plant);

#endif
