/* SPDX-License-Identifier: Apache-2.0 */
/* link.h: the wires between core and plant in virtual time.
 *
 * A Modbus line a shelf: one transaction at a time, writes before polls, time on
 * the wire by baud and length plus the module's turnaround. Redfish: two requests
 * at a time a BMC, latency log-normal. Each order is written, read back after its
 * settling time and acknowledged, as src/field does; device-side time-outs are
 * the plant's. What breaks is switched on here, device by device.
 */
#ifndef BUSBAR_SIM_LINK_H
#define BUSBAR_SIM_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/core.h"
#include "busbar/status.h"
#include "plant.h"
#include "rack.h"

/* What a link or its device may do wrong; each has a word for scenario files. */
#define LINK_FAULT_LIST(X)                                                                       \
    X(LINK_LOSS, "loss", "messages are lost (value: part of them)")                              \
    X(LINK_LATE, "late", "answers come late (value: seconds, at most)")                          \
    X(LINK_DUPLICATE, "duplicate", "answers come twice (value: part of them)")                   \
    X(LINK_STALE, "stale", "readings stand still while they seem fresh")                         \
    X(LINK_LIE, "lie", "power readings are off (value: factor)")                                 \
    X(LINK_DEAD, "dead", "nothing on that bus or BMC answers")                                   \
    X(LINK_STORM, "storm", "answers take ten times as long, every other one fails")              \
    X(LINK_IGNORE, "ignore", "writes are accepted and change nothing")                           \
    X(LINK_LATE_WRITE, "late_write", "a write that timed out is executed later (value: seconds)") \
    X(LINK_MEDDLER, "meddler", "somebody else writes limits now and then")
#define LINK_FAULT_ENUM(name, word, text) name,
enum link_fault { LINK_FAULT_LIST(LINK_FAULT_ENUM) LINK_FAULT_COUNT };
#undef LINK_FAULT_ENUM

struct link;
/* The core's configuration of a rack and which device of the plant each index
 * means: link_conf.c. */
struct link_conf;
NODISCARD enum status link_conf_new(const struct rack *rack, const struct plant_params *books, int64_t period_us,
                                    uint64_t seed, struct link_conf **ret);
struct link_conf *link_conf_free(struct link_conf *conf);
const struct core_config *link_conf_core(const struct link_conf *conf);
/* Before a core is made of it. */
void link_conf_forecast(struct link_conf *conf, enum core_forecast forecast);

/* Before either: supplies' set-points take no part in riding through, and a foreseen peak arms them. */
void link_conf_arm(struct link_conf *conf);
void link_conf_plan(const struct link_conf *conf, double envelope_w, struct core_plan *ret);

NODISCARD enum status link_new(const struct link_conf *conf, struct plant *plant, const struct rack *rack,
                               double baud, uint64_t seed, struct link **ret);
struct link *link_free(struct link *link);

/* A daemon (0, or 1: a second one) begins to listen and to poll; both hear the
 * same polls. Nothing is asked while nobody listens. */
void link_attend(struct link *link, int32_t who);

/* Advances the wires to now_us: transactions end, readings and answers arrive.
 * A question shows the plant as it stands at this call, so call it before the
 * plant is advanced over the same span: what a register shows is then as old as
 * that span, and never younger than its time. */
void link_step(struct link *link, int64_t now_us);

/* When a setting of the power path may change next: the plant is advanced no
 * further in one go. INT64_MAX: no order is on its way there. */
int64_t link_next_us(const struct link *link);

/* What arrived for a daemon since the last call; arrays are the link's own and
 * stand until the next link_step(). */
void link_collect(struct link *link, int32_t who, struct core_inputs *ret);

/* Orders of the step just done, and who gave them. */
void link_publish(struct link *link, int32_t who, const struct core_outputs *out);

/* The daemon died: what it had not sent is gone; what is on the wire is not. */
void link_forget(struct link *link, int32_t who);

/* The machine of the daemons stalls: devices go on, answers wait. */
void link_freeze(struct link *link, bool frozen);

/* device: index of core_config's devices (all supplies, all batteries, all BMCs, as
 * the plant counts them), or CORE_NONE for all. value: not above 0 is
 * the fault's own default (a lie may be 0). until_us: INT64_MAX lasts. every: hits each
 * so-manieth time; 1 each. LINK_DEAD at a module silences its whole line. */
void link_fault(struct link *link, int32_t device, enum link_fault fault, double value, int64_t until_us, int32_t every);
void link_clear(struct link *link);

/* What the module that is there now held of that lever before anybody of ours wrote
 * to it. False: nobody ever did. */
bool link_original(const struct link *link, int32_t lever, double *ret);

enum link_fault link_fault_find(const char *word);
const char *link_fault_word(enum link_fault fault);

struct link_stats {
    uint64_t reads, writes, lost, acks;
    uint64_t ride_writes;             /* of levers with a ride role                */
};
void link_stats(const struct link *link, struct link_stats *ret);

#endif
