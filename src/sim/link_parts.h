/* SPDX-License-Identifier: Apache-2.0 */
/* link_parts.h: what the files of the link share: link*.c alone.
 *
 * A *unit* does one thing at a time and has one time at which it goes on: a
 * Modbus line, the polling and the writing connection of a BMC, and the ledger
 * of what happens later. link_step() lets the earliest go on, one after another.
 */
#ifndef BUSBAR_SIM_LINK_PARTS_H
#define BUSBAR_SIM_LINK_PARTS_H

#include "busbar/original.h"
#include "link_conf.h"
#include "rng.h"

#define LINK_DAEMONS   2
#define LINK_LATER_MAX 256
#define LINK_SLOTS_MAX 12 /* modules on a line                              */
#define LINK_JOBS_MAX  (2 + 2 * LINK_SLOTS_MAX)
#define LINK_NODE_GPUS 16
#define LINK_ORIGINALS_MAX 32 /* of a device: each module that was in its place */
#define LINK_BMC_SERIAL "BMC"
#define LINK_START_UNSET_S 60.0 /* the register where a supply draws its own delay */
#define LINK_NEVER     INT64_MAX
#define LINK_UNITS_MAX (PLANT_SHELVES_MAX + 2 * PLANT_NODES_MAX + 1)
#define LINK_US_PER_S  1e6

/* ---- what a question comes to ---- */

/* How one transaction goes: decided when it begins. */
struct link_fate {
    bool executes;   /* the device acts on it                                */
    bool answered;   /* in time                                              */
    bool refused;    /* answered, with "not now"                             */
    double late_s;   /* it acts so much later, unanswered; 0: not so         */
    double slower;   /* times the usual answering time                       */
    int64_t more_us; /* and so much more                                     */
};

/* A change at a device. */
enum link_effect_kind {
    LINK_EFFECT_GATE,
    LINK_EFFECT_SETPOINT,
    LINK_EFFECT_START,
    LINK_EFFECT_TIMEOUT,
    LINK_EFFECT_CHARGE,
    LINK_EFFECT_ENABLE,
    LINK_EFFECT_LIMIT
};

struct link_effect {
    enum link_effect_kind kind;
    int32_t index;  /* the plant's                                          */
    int32_t device; /* the core's                                           */
    double value;
};

/* ---- orders ---- */

/* Whose an order is; after a crash the same daemon has another life. */
struct link_owner {
    int32_t who;
    uint32_t life;
};

struct link_order {
    struct core_order order;
    struct link_owner owner;
};

enum link_op {
    LINK_OP_ORIGINAL,
    LINK_OP_GATE_READ,
    LINK_OP_GATE_WRITE,
    LINK_OP_GATE_CHECK,
    LINK_OP_TIMEOUT_WRITE,
    LINK_OP_TIMEOUT_CHECK,
    LINK_OP_VALUE,
    LINK_OP_LOOK,
    LINK_OP_ENABLE_READ,
    LINK_OP_ENABLE_WRITE,
    LINK_OP_ENABLE_CHECK,
    LINK_OP_TIMEOUT_KEPT,  /* still there, now that the override is on */
    LINK_OP_VERIFY
};

/* A lever: who wants what of it, and the order that is being carried out. */
struct link_lever {
    struct link_order waiting[LINK_DAEMONS]; /* number 0: nothing                 */
    struct link_order now;                   /* busy or settling                  */
    bool busy, settling;
    bool recorded[LINK_DAEMONS]; /* read before its first write in this life */
    enum link_op op;
    int32_t tries, readbacks;
    enum status otherwise; /* BMC: unless it reads back well    */
    int64_t dispatched_us, verify_us;
};

/* ---- a Modbus line ---- */

enum link_job_kind {
    LINK_JOB_PSU_MIRROR,
    LINK_JOB_BBU_MIRROR,
    LINK_JOB_PSU_POWER,
    LINK_JOB_BBU_POWER,
    LINK_JOB_PSU_SETTINGS,
    LINK_JOB_BBU_SETTINGS,
    LINK_JOB_KINDS
};

struct link_job {
    enum link_job_kind kind;
    int32_t slot; /* CORE_NONE: a mirror                           */
    int64_t due_us;
};

/* One supply or battery on a line. */
struct link_slot {
    int32_t device;
    bool silent;
    int32_t failures;
    int64_t probe_us, probe_every_us;
    double gain_w, gain_v; /* of its sensors                                */
};

#define LINK_VALUES_MAX (2 * LINK_SLOTS_MAX)

struct link_line {
    int32_t shelf, slot_count, psu_count, job_count, orders_in_a_row;
    bool orders; /* some may be waiting, or settle                */
    bool busy;
    bool held; /* its answer is there and nobody listens        */
    int64_t asked_us, exec_us, end_us, rest_us;
    struct link_fate fate;
    struct link_effect effect;
    int32_t slot_asked; /* CORE_NONE: a mirror                           */
    int32_t lever;      /* of the order whose turn it is; CORE_NONE: polls */
    double looked;      /* what an order's question showed               */
    int32_t value_count;
    int32_t point[LINK_VALUES_MAX];
    double value[LINK_VALUES_MAX];
    struct link_slot slot[LINK_SLOTS_MAX];
    struct link_job jobs[LINK_JOBS_MAX];
    struct rng rng;
};

/* ---- a BMC ---- */

struct link_bmc_lane {
    bool busy, held;
    int64_t asked_us, exec_us, end_us;
    struct link_fate fate;
    int32_t gpu;             /* of this BMC                                   */
    double power_w, limit_w; /* as they were when it was asked                */
};

struct link_bmc {
    int32_t device, node, gpu_first, gpu_count, lever_first, next_poll, next_order, failures;
    bool orders;               /* some may be waiting, or are to be read back   */
    int64_t poll_us, cycle_us; /* next poll; when this round began              */
    enum { LINK_BMC_READ, LINK_BMC_PATCH, LINK_BMC_VERIFY } step;
    struct link_effect effect;
    struct link_bmc_lane poll, write;
    struct rng rng;
};

/* ---- later ---- */

enum link_later_kind { LINK_LATER_FREE, LINK_LATER_EFFECT, LINK_LATER_ACK, LINK_LATER_READING };

struct link_later {
    enum link_later_kind kind;
    int64_t at_us;
    struct link_effect effect;
    struct core_ack ack;
    struct link_owner owner;
    struct core_reading reading;
};

/* ---- what has arrived for one daemon ---- */

struct link_inbox {
    bool alive, taken;
    uint32_t life, epoch;
    int32_t reading_count, ack_count, identity_count, ack_max;
    struct core_reading *readings; /* the latest of each point               */
    uint32_t *stamp;               /* per point: epoch of readings[at]       */
    int32_t *at;
    struct core_ack *acks;
    struct core_identity *identities;
    uint32_t *known; /* per device: serial hash; 0: never met  */
};

/* ---- originals ---- */

struct link_originals {
    int32_t count;
    struct original list[LINK_ORIGINALS_MAX];
};

/* ---- faults ---- */

struct link_fault_slot {
    double value;
    int64_t until_us;
    int32_t every, asked;
};

struct link_faults {
    uint32_t *active;             /* per device: bit of each fault          */
    struct link_fault_slot *slot; /* per device and fault                   */
    double *frozen;               /* per point; NAN: not yet                */
    int64_t *meddle_us;           /* per device                             */
    int64_t next_meddle_us;
    bool any;
};

struct link {
    const struct link_conf *conf; /* borrowed                                       */
    struct plant *plant;
    int64_t now_us;
    int64_t due_us[LINK_UNITS_MAX]; /* lines; each BMC's polls and writes; later */
    int64_t next_us;                /* the earliest of due_us                  */
    bool frozen;
    int32_t line_count, bmc_count, lever_count;
    double char_us, turnaround_low_us, turnaround_high_us, tail_us;
    int64_t gap_us;
    bool fast, mirrors; /* lines                                  */
    double redfish_p50_us, redfish_sigma;
    struct link_line *lines;
    struct link_bmc *bmcs;
    struct link_lever *levers;
    struct link_originals *originals; /* one a device                           */
    struct link_inbox inbox[LINK_DAEMONS];
    struct link_faults faults;
    struct link_later later[LINK_LATER_MAX];
    int32_t later_count;
    struct rng rng;
    struct link_stats stats;
};

static inline int64_t *link_line_due(struct link *link, const struct link_line *line)
{
    return &link->due_us[line->shelf];
}

static inline int64_t *link_bmc_due(struct link *link, const struct link_bmc *bmc, bool write)
{
    return &link->due_us[link->line_count + 2 * bmc->node + write];
}

static inline int64_t *link_later_due(struct link *link)
{
    return &link->due_us[link->line_count + 2 * link->bmc_count];
}

static inline int64_t link_earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* link.c */
bool link_attended(const struct link *link); /* any daemon alive                */
void link_effect_apply(struct link *link, const struct link_effect *effect);
/* Late, but within the worst delay of the lever whose order it is. */
void link_effect_later(struct link *link, const struct link_effect *effect, int32_t lever, double late_s);
/* Does it answer at all, and do as it is told? */
bool link_device_alive(const struct link *link, int32_t device);
/* Takes the next order of a lever; false: none. Answers those whose lease has ended. */
bool link_order_take(struct link *link, int32_t lever, int64_t now_us);
void link_order_end(struct link *link, int32_t lever, enum status st, double readback, int64_t now_us);
bool link_owner_lives(const struct link *link, const struct link_owner *owner);

/* link_inbox.c */
bool link_inbox_init(struct link *link);
void link_inbox_done(struct link *link);
void link_inbox_start(struct link *link, int32_t who);
void link_inbox_collect(struct link *link, int32_t who, struct core_inputs *ret);
void link_inbox_reading(struct link *link, int32_t point, double value, int64_t taken_us, int64_t arrived_us);
void link_inbox_ack(struct link *link, const struct link_owner *owner, const struct core_ack *ack);
void link_inbox_identity(struct link *link, int32_t device, const char *serial);
void link_inbox_later(struct link *link, int64_t now_us); /* what is due of later[] */
void link_inbox_put_later(struct link *link, const struct link_later *later);

/* link_original.c: before a lever's first write in a daemon's life what it holds is
 * read and recorded, by the serial that is there now. False: no record, no write. */
bool link_original_init(struct link *link);
void link_original_done(struct link *link);
bool link_original_known(const struct link *link, int32_t lever, int32_t who);
bool link_original_record(struct link *link, int32_t lever, int32_t who, double value);

/* link_fault.c */
bool link_fault_init(struct link *link);
void link_fault_done(struct link *link);
bool link_fault_hit(struct link *link, int32_t device, enum link_fault fault, double *ret_value);
/* The fate of one transaction with a device. `write`: it changes something. */
struct link_fate link_fault_fate(struct link *link, int32_t device, bool write, struct rng *rng);
double link_fault_value(struct link *link, int32_t point, double value);
void link_fault_meddle(struct link *link, int64_t now_us);

/* link_modbus.c: a line. _go: what is due happens, and what comes next begins. */
void link_modbus_init(struct link *link, int32_t shelf, uint64_t seed);
void link_modbus_go(struct link *link, struct link_line *line, int64_t now_us);
void link_modbus_release(struct link *link, struct link_line *line, int64_t now_us);
/* Puts a transaction on the wire: so many characters there and back. slot
 * CORE_NONE: the shelf's own controller. line->effect is what a write does. */
void link_modbus_ask(struct link *link, struct link_line *line, int32_t slot, bool write, int chars,
                     int64_t now_us);
/* What a setting's register shows now. */
double link_modbus_setting(const struct link *link, const struct link_conf_lever *lever);

/* link_register.c: orders to modules of a line. */
/* Begins the next transaction of an order; false: there is none to begin now. */
bool link_register_turn(struct link *link, struct link_line *line, int64_t now_us);
int64_t link_register_due_us(const struct link *link, const struct link_line *line);
void link_register_answer(struct link *link, struct link_line *line, int64_t now_us);

/* link_redfish.c: a BMC. */
void link_redfish_init(struct link *link, int32_t node, uint64_t seed);
void link_redfish_poll_go(struct link *link, struct link_bmc *bmc, int64_t now_us);
void link_redfish_write_go(struct link *link, struct link_bmc *bmc, int64_t now_us);
void link_redfish_release(struct link *link, struct link_bmc *bmc, int64_t now_us);

#endif
