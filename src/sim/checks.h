/* SPDX-License-Identifier: Apache-2.0 */
/* checks.h: what must hold after every step, on the plant's truth.
 *
 * Looks at the plant after each of its inner steps and at what the core gave out
 * after each control period; decides nothing. Uses the types of core.h and no
 * call of src/core. Each check has a name, a limit, the worst value seen and the
 * least margin; what fails stays failed.
 *
 * What somebody else did (a BMC that was reset, another master's limit) is held
 * against nobody for as long as it takes to see and undo it. Likewise a lower
 * envelope counts once there was time to bring limits down, and its windows once
 * they hold nothing from before.
 */
#ifndef BUSBAR_SIM_CHECKS_H
#define BUSBAR_SIM_CHECKS_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/core.h"
#include "busbar/status.h"
#include "plant.h"

/* name in JSON, unit, what must hold */
#define CHECKS_LIST(X)                                                                              \
    X(CHECKS_LIMITS, "limits", "W", "every windowed limit of rack and shelves")                     \
    X(CHECKS_BUS_LOW, "bus_low", "V", "busbar at the farthest tray not under it_low_v")             \
    X(CHECKS_BUS_HIGH, "bus_high", "V", "busbar not above it_high_v")                               \
    X(CHECKS_IT_KEPT, "it_kept", "resets", "no IT gear loses power (margin: the part left of the time that it bears)")                              \
    X(CHECKS_STANDING, "standing", "W", "limits in force and in flight, with overshoot and static load, fit the envelope plus storage that acts by itself") \
    X(CHECKS_RESERVE, "reserve", "s", "every battery keeps its outage reserve unless the input is bad") \
    X(CHECKS_WEAR, "wear", "cycles", "discharge by our orders stays within its budget")             \
    X(CHECKS_LEASES, "leases", "orders", "no override stands without a device-side time-out; none outlives its lease") \
    X(CHECKS_ALLOWED, "allowed", "writes", "no write outside a device's allow-list")                \
    X(CHECKS_CALM, "calm", "turns", "no oscillation by our own orders")                             \
    X(CHECKS_BREAKERS, "breakers", "trips", "no breaker trips (margin: the part left of the way there)")                                \
    X(CHECKS_RESTORED, "originals", "levers", "after restoring, every lever stands where it stood before us") \
    X(CHECKS_WINDOWS, "windows", "W", "the core's means are those of its own power, to a twentieth of the swing") \
    X(CHECKS_RIDING, "riding", "steps", "a good input is not taken for a sag or an outage")
#define CHECKS_ENUM(name, id, unit, text) name,
enum checks_kind { CHECKS_LIST(CHECKS_ENUM) CHECKS_COUNT };
#undef CHECKS_ENUM

struct checks_options {
    const struct plant *plant;            /* as it stands at the start; borrowed for good */
    const struct plant *first;            /* before anything was written; borrowed for the
                                             call; NULL: as it stands                   */
    double envelope_w;                    /* AC                                         */
    int32_t window_count;
    const int64_t *windows_us;            /* of the envelope; copied                    */
    const struct core_config *config;     /* the core's; NULL: no controller. Its LIMIT
                                             levers are the plant's GPUs, in order      */
    double reserve_s, wear_cycles_per_day;
    double breaker_rated_w;               /* feed breaker; 0: none                      */
    bool excuses_overload;                /* see checks_beyond()                        */
};

struct checks;
NODISCARD enum status checks_new(const struct checks_options *opt, struct checks **ret);
struct checks *checks_free(struct checks *checks);

/* For virtual_watch(). */
struct plant_watch checks_watch(struct checks *checks);

/* After each control period; `out` NULL: the controller is dead or absent. */
void checks_core(struct checks *checks, const struct core_outputs *out);

/* The envelope holds from now on: before the first arming it is not held against us. */
void checks_armed(struct checks *checks, double envelope_w);

/* Whether nothing was wrong with the links lately. Until that is said, what the core
 * thinks of the input is not judged. */
void checks_flow(struct checks *checks, bool flow);

/* The controller says that it has put back what stood there before it: is it so? */
void checks_restored(struct checks *checks);

/* A lent budget is over: what was lent is gone at once. */
void checks_ended(struct checks *checks, double envelope_w);

/* While some supplies are off or on their way back, by a phase that was lost or by start
 * delays of their own, the others may be left with too much to go on and too little for
 * their over-current mode: they shut down for good within seconds, or stand at their
 * current limit when the load rises; and a busbar with too
 * little capacitance is gone before batteries are there. Sooner than an order may take to
 * be in force (two worst delays) that is the hardware's: true from then on, where asked
 * for, and nothing more is held against anybody. */
bool checks_beyond(const struct checks *checks);

struct checks_result {
    const char *name, *unit, *text;
    bool ok, looked;       /* looked: it had anything to look at...                  */
    uint64_t looks;        /* ...and how often                                       */
    double value, limit;   /* the worst seen; what is allowed                        */
    double margin;         /* least of limit - value, or value - limit, in `unit`; INFINITY: where
                              there is no more or less, only so or not (leases, allowed, originals, riding).
                              it_kept, breakers: while all is well, the part that is left of the
                              time IT gear bears, or of the way to a trip               */
    double at_s;           /* since checks_new(): when it first failed, else when it was worst */
    char detail[96];       /* which node, window, device                             */
};
void checks_result(const struct checks *checks, enum checks_kind kind, struct checks_result *ret);
bool checks_ok(const struct checks *checks);

#endif
