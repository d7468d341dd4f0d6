/* SPDX-License-Identifier: Apache-2.0 */
/* plant.h: the physics of a rack that is not there. Pure: one step a call.
 *
 * Owns the truth: what every GPU draws, what every supply and battery carries,
 * what every register of theirs stands at. Protocol servers (serve_*.c) read
 * and write this truth with their own encoders; the meter reads it. Never
 * includes anything of src/core.
 */
#ifndef BUSBAR_SIM_PLANT_H
#define BUSBAR_SIM_PLANT_H

#include <stdbool.h>
#include <stdint.h>

#include "plant_grid.h"
#include "plant_params.h"
#include "rng.h"
#include "speed.h"

#define PLANT_GPUS_MAX    144
#define PLANT_NODES_MAX   36
#define PLANT_MODULES_MAX 96 /* PSUs, or BBUs                                   */
#define PLANT_SHELVES_MAX 16

struct plant_gpu {
    int32_t node;           /* the BMC it belongs to                           */
    double idle_w, rated_w; /* this board's own                                */
    double limit_min_w, limit_max_w;
    double limit_w;         /* set-point, as last written                      */
    double limit_active_w;  /* in force inside the GPU: follows after a delay  */
    double overshoot_ratio; /* may draw so much above limit_active_w           */
    double demand_w;        /* offered work, as power at full speed            */
    double power_w;         /* drawn now                                       */
    double reading_w;       /* what its sensor shows (window, period, gain)    */
    double energy_j;
    double work, work_offered; /* integral of speed, of offered speed             */
    /* added: written by plant.c alone                                              */
    double speed;                    /* of the work on it now, 0 to 1 (speed.h)         */
    double fall_fast_w, fall_slow_w; /* what is left of the last falls above target   */
    double sensor_gain;              /* of this board                                   */
    double sensor_sum_j;             /* of the 25 ms window that is running             */
    double sensor_sum_s;             /* how much of that window is in the sum           */
    int64_t sensor_next_us;          /* publishes then, and every 100 ms                */
    int64_t limit_due_us;            /* limit_w is in force from here on; -1: it is     */
    double temp_c;
};

enum plant_psu_state {
    PLANT_PSU_OFF,     /* no input, or switched off                             */
    PLANT_PSU_BOOT,    /* input good, controller starts                         */
    PLANT_PSU_WAIT,    /* ready; waits for its start delay or for slot 1        */
    PLANT_PSU_WALK_IN, /* output rises                                          */
    PLANT_PSU_ON,
    PLANT_PSU_HOLD_UP, /* input gone or too weak: lives on its bulk capacitor   */
    PLANT_PSU_LOW,     /* over-current mode: 3 V down, tries again every 5 s    */
    PLANT_PSU_LATCHED, /* over-voltage or overload: off until it is cleared     */
    PLANT_PSU_STATE_COUNT
};

/* A mean over the last PLANT_PSU_BUCKETS whole buckets of a window. */
#define PLANT_PSU_BUCKETS 8
struct plant_psu_mean {
    double sum_j, sum_s; /* of the bucket that is filling                       */
    double bucket_w[PLANT_PSU_BUCKETS];
    int32_t at;
};

struct plant_psu {
    int32_t shelf;
    bool present, on; /* on: as a master or the load's switch wants it          */
    bool failed;      /* gives nothing, calls for nothing, until it is cleared   */
    /* the physics', plant_psu.c's alone                                        */
    enum plant_psu_state state;
    int32_t phase;          /* 0 to 2: of the feed                             */
    double state_s;         /* time in the state                               */
    double delay_s;         /* BOOT, WAIT: of this start                       */
    double bulk_j;          /* left of the hold-up energy                      */
    double low_s, over_s, over_fast_s, hz_s, ovp_s; /* how long outside        */
    double trim_v;          /* of its own tolerance                            */
    double step_v;          /* it is lower by so much now (hand-over, LOW)     */
    double limit_a;         /* walk-in, over-current                           */
    double pulse_s, mean_2_w, mean_3_w, retry_s;
    struct plant_psu_mean mean_2, mean_3;
    double good_s;          /* BOOT, WAIT: since the input is good             */
    double late_s;          /* the hand-over was due so much before this step  */
    double e_v;             /* of its line at no load, as last offered         */
    double drawn_w;         /* by its PFC, as output: a mean over a part of a cycle */
    double refill_w;        /* into the hold-up energy, now                    */
    bool ready;             /* PFC up, hold-up energy there, controller awake  */
    bool tripped;           /* PFC off by itself                               */
    bool called;            /* enough hold-up energy is spent: batteries called */
    bool limited;           /* at its current limit                            */
    bool folded;            /* gives no more than its PFC takes at a low input */
    bool trying;            /* LOW: on the way back to its own voltage         */
    bool carried;           /* at the last step                                */
    bool ac_loss;           /* pulls AC_LOSS_L                                 */
    double start_delay_s;   /* writable on hypothetical hardware; NAN: draws its own */
    uint32_t trips;         /* PFC off by itself, so far                       */
    uint32_t boots;         /* starts of its controller, so far                */
    double share; /* of the shelf's current, tolerance included      */
    double output_v, output_a, output_w, input_v, input_a, input_w, input_hz;
    double inlet_c, outlet_c;
    /* settings a master can write; volatile: `psu_reset` puts defaults back        */
    bool write_enable;
    uint16_t setting; /* bits of the setting word beside write enable    */
    double setpoint_v, setpoint_low_v;
    double input_warn_w, output_warn_w;
    uint32_t resets; /* counts plant_psu_reset()                        */
    char serial[17], model[17]; /* model "": as its kind is called        */
};

struct plant_bbu {
    int32_t shelf;
    bool present, discharging, charging;
    bool failed;              /* holds no load                                  */
    /* the physics', plant_bbu.c's alone                                        */
    double below_s, start_s;  /* under the trigger; since it triggered          */
    double release_s;
    double output_a;          /* into the busbar                                */
    double discharged_j;      /* so far, for wear                               */
    bool triggered;
    double forced_left_s;     /* stands ready on its line, trigger or not; counts down */
    double discharge_s;       /* carries since                                  */
    bool spent;               /* carried for discharge_time_s: waits for the supplies */
    bool carried;             /* at the last step                               */
    double energy_j, energy_full_j; /* charge state                                  */
    double pack_v, pack_a;          /* charging is positive                            */
    double bus_v, temp_c;
    double charge_default_a; /* the charger's own                               */
    double charge_a;         /* in force                                        */
    /* overrides with a device-side time-out                                        */
    double override_a;
    bool override_on;
    double override_timeout_s; /* as written                                      */
    double override_left_s;    /* counts down while on; at 0 override_on ends. A
                                     write of the time-out sets it, and so does one
                                     of the enable bit: plant_bbu_override()         */
    uint16_t mode, discharge_time_s, charge_delay_s, recharge_threshold_pct;
    char serial[17], model[17]; /* as a supply's                               */
    uint32_t resets;        /* counts plant_bbu_reset()                        */
    double charge_wait_s;   /* what is left of charge_delay_s                  */
    double override_full_s; /* plant.c's: the time-out the countdown began with */
    bool override_was_on;   /* plant.c's: at the last step                     */
};

struct plant_shelf {
    enum plant_kind kind;
    bool ac_loss;             /* the shelf's AC_LOSS_L line, as its batteries see it */
    double ac_loss_s;         /* until they do                                  */
    int32_t psu_first, psu_count, bbu_first, bbu_count;
    double psu_rated_w;       /* of one supply                                   */
    double output_w, input_w; /* DC and AC of the whole shelf                    */
    double charge_w;          /* DC its batteries take from the busbar           */
};

/* What feeds the busbar: supplies, batteries, the capacitor shelf, in this order.
 * Each has a line (e_v at no load, g_a_per_v of slope) and a current limit; 0: none. */
#define PLANT_SOURCES_MAX (2 * PLANT_MODULES_MAX + 1)
struct plant_sources {
    int32_t count;
    double e_v[PLANT_SOURCES_MAX], g_a_per_v[PLANT_SOURCES_MAX];
    double limit_a[PLANT_SOURCES_MAX], a[PLANT_SOURCES_MAX];
};

struct plant {
    int64_t now_us; /* of the plant's own time, from 0                 */
    int64_t grid_from_us; /* the grid's time 0 in the plant's own; before it all is nominal */
    uint64_t seed;
    int32_t gpu_count, node_count, psu_count, bbu_count, shelf_count;
    struct plant_gpu gpus[PLANT_GPUS_MAX];
    double node_static_w[PLANT_NODES_MAX]; /* CPUs, fans: drawn whatever happens   */
    double node_w[PLANT_NODES_MAX];
    struct plant_psu psus[PLANT_MODULES_MAX];
    struct plant_bbu bbus[PLANT_MODULES_MAX];
    struct plant_shelf shelves[PLANT_SHELVES_MAX];
    double switch_w;        /* switch trays                                    */
    double nominal_v, ac_v; /* AC RMS; ac_v is the lowest phase               */
    struct plant_params params;
    const struct plant_grid *grid; /* borrowed; NULL: ac_v as it is set, all phases alike */
    double phase_v[3], hz;
    double phase_w[3];      /* AC power by phase                               */
    double bus_a;           /* that the load draws                             */
    double bus_far_v;       /* at the farthest tray: IT gear sees this         */
    double it_low_s, it_high_s;
    uint32_t it_resets;     /* IT gear lost power or was hurt, so far          */
    bool it_down;           /* and has not come back: GPUs draw nothing        */
    double bbu_w, psu_w;    /* into the busbar                                 */
    double cap_j, cap_w;    /* capacitor shelf: energy left; into the busbar   */
    double cap_charge_w;    /* it recharges with                               */
    double store_j, store_w; /* gpu_storage_on: energy held; slow mean of the load */
    double load_w, charge_w; /* IT gear at its rated voltage; chargers          */
    double static_w;        /* of load_w: all but GPUs                         */
    double bus_alive_s;     /* busbar above 44 V so long                       */
    double bus_last_v;      /* one inner step ago                              */
    double it_back_s;       /* IT gear is down and its voltage good so long    */
    int64_t slow_us;        /* fast steps that GPUs have not seen yet          */
    double pfc_ratio[3];    /* by phase: input power its supplies' PFC can take, of rated */
    bool input_good[3], input_bad[3]; /* may start; a trip's timer runs              */
    struct plant_sources sources;     /* plant_bus.c's and who offers                */
    double bbu_gain;        /* J of a pack for 1 J of energy_j; by the params  */
    bool fast;              /* small steps are needed                          */
    int64_t quiet_us;       /* since nothing fast happened                     */
    double bus_v;           /* busbar                                          */
    double dc_w, ac_w;      /* the whole rack                                  */
    double psu_loss_ratio;  /* the plant's own truth, not the daemon's: AC over DC less 1 */
    int64_t limit_delay_us; /* a GPU's firmware loop                           */
    enum speed_knee knee;
    struct rng rng;                       /* small wander of loads and sensors               */
    double static_part[PLANT_NODES_MAX];  /* of node_static_w, just under 1           */
    uint32_t bmc_resets[PLANT_NODES_MAX]; /* counts plant_bmc_reset()                */
    char bmc_uuid[PLANT_NODES_MAX][40];   /* "": the one it came with                 */
};

/* A limit as a BMC takes it: clamped by nothing here (the server answers 400
 * outside the range); in force after the GPU's own delay. */
void plant_gpu_set_limit(struct plant *plant, int32_t gpu, double limit_w);

/* As a cold start of that module would: volatile settings go back. */
void plant_psu_reset(struct plant *plant, int32_t psu);
void plant_bbu_reset(struct plant *plant, int32_t bbu);
void plant_bmc_reset(struct plant *plant, int32_t node); /* GPU limits to their maximum */

/* A BBU's charger override is switched, or its time-out is written anew: the
 * countdown starts over. A server may also just write the fields. */
void plant_bbu_override(struct plant *plant, int32_t bbu, bool on);

/* Settings of a rack that was filled in (rack.c): serials, tolerances, charge
 * states, defaults; everything idle. What plant->params says holds: put others
 * there and start it again. Without any (nominal_v 0) they are made of the
 * presets of the first shelf's kind and of what else is filled in. */
void plant_start(struct plant *plant, uint64_t seed);

/* Batteries between 30 and 60 % charged, so that they charge for hours; after
 * plant_start() they are as good as full and at rest. */
void plant_discharge(struct plant *plant);

/* AC input of the rack, and DC output of a shelf, with every GPU idle and no
 * battery charging: what stood there before a run began. */
double plant_idle_ac_w(const struct plant *plant);
double plant_idle_shelf_w(const struct plant *plant);

/* Sees the plant after each inner step of dt_us; must not change it. */
struct plant_watch {
    void (*step)(void *arg, const struct plant *plant, int64_t dt_us);
    void *arg;
};

/* Advances to now_us + dt_us; demand_w of every GPU was set for this step. Takes
 * one step (of PLANT_QUIET_US at most) where nothing fast happens, else steps of
 * PLANT_FAST_US; ends steps at the grid's corners and where a timer ends. `watch`
 * may be NULL. */
#define PLANT_FAST_US  50
#define PLANT_QUIET_US 100000
void plant_run(struct plant *plant, int64_t dt_us, const struct plant_watch *watch);
void plant_step(struct plant *plant, int64_t dt_us); /* without a watch */

/* Hold-up, hand-over and battery arithmetic by the books alone: what the simulator
 * is held against. load_w: DC of the whole busbar, spread evenly over the supplies
 * that work; all shelves are of one kind. Times from the loss of input. */
struct plant_rule {
    double holdup_s, called_s, detected_s, carried_s, margin_s;
    double bridge_f;     /* capacitance that would bridge a negative margin to it_low_v */
    bool carries;        /* margin >= 0, or bridged; battery power and voltage suffice */
};
void plant_rule(const struct plant *plant, double load_w, struct plant_rule *ret);

#endif
