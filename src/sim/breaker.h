/* SPDX-License-Identifier: Apache-2.0 */
/* breaker.h: protective devices of the simulated feed: when they trip. Pure.
 *
 * Thermal with memory (IEC 60255-149), electronic releases with L, S, I and G
 * stages (IEC 60947-2 annex F), relays with inverse curves (IEC 60255-151, IEEE
 * C37.112). The simulator's own: src/core works its times out by itself. Formulas
 * of the books; a maker's band lies around them. Not certified.
 *
 * Currents are in A RMS. A step of any length at a constant current is exact for
 * thermal memory and timers.
 */
#ifndef BUSBAR_SIM_BREAKER_H
#define BUSBAR_SIM_BREAKER_H

#include <stdbool.h>

/* word, standard, k or A, exponent, B, reset time */
#define BREAKER_CURVE_LIST(X)                                                                                \
    X(BREAKER_IEC_SI, "iec-si", 0.14, 0.02, 0.0, 0.0)                                                        \
    X(BREAKER_IEC_VI, "iec-vi", 13.5, 1.0, 0.0, 0.0)                                                         \
    X(BREAKER_IEC_EI, "iec-ei", 80.0, 2.0, 0.0, 0.0)                                                         \
    X(BREAKER_IEC_LTI, "iec-lti", 120.0, 1.0, 0.0, 0.0)                                                      \
    X(BREAKER_IEEE_MI, "ieee-mi", 0.0515, 0.02, 0.1140, 4.85)                                                \
    X(BREAKER_IEEE_VI, "ieee-vi", 19.61, 2.0, 0.491, 21.6)                                                   \
    X(BREAKER_IEEE_EI, "ieee-ei", 28.2, 2.0, 0.1217, 29.1)
#define BREAKER_CURVE_ENUM(name, word, k, exponent, b, reset) name,
enum breaker_curve { BREAKER_CURVE_LIST(BREAKER_CURVE_ENUM) BREAKER_CURVE_COUNT };
#undef BREAKER_CURVE_ENUM

/* Seconds to trip at `multiple` of the pick-up; INFINITY at 1 and under. */
double breaker_curve_s(enum breaker_curve curve, double time_dial, double multiple);

/* Seconds a disc just short of tripping takes back to rest at a multiple under 1.
 * IEC: 0, it resets at once. */
double breaker_curve_reset_s(enum breaker_curve curve, double time_dial, double multiple);

/* "iec-si"...; BREAKER_CURVE_COUNT: no such word. */
enum breaker_curve breaker_curve_find(const char *word);

enum breaker_kind { BREAKER_THERMAL, BREAKER_LSI, BREAKER_LSIG, BREAKER_INVERSE, BREAKER_KIND_COUNT };

/* Members that a kind has no use for are 0. A stage with ratio 0 is not there. */
struct breaker_options {
    enum breaker_kind kind;
    double rated_a;                /* I_r                                            */
    double carry_ratio;            /* of I_r, carried for ever: THERMAL 1.05, L 1.1  */
    double heat_s, cool_s;         /* time constants; THERMAL both, L cool_s         */
    double long_s;                 /* L: time at 6 I_r                               */
    double short_ratio, short_s;   /* S: above it for so long                        */
    bool short_i2t;                /* then short_s (10 / i)^2                        */
    double instant_ratio;          /* I: above it at once                            */
    double ground_ratio, ground_s; /* G: of the residual current, as S             */
    bool ground_i2t;
    enum breaker_curve curve; /* INVERSE                                        */
    double time_dial;
};

/* Presets: of a thermal-magnetic breaker the fast edge of the band that UL 489
 * allows for its size, and of an electronic release usual settings. */
void breaker_thermal(double rated_a, struct breaker_options *ret);
void breaker_lsig(double rated_a, struct breaker_options *ret);

/* The slowest time constant that UL 489's trip at 200 % allows to that size. */
double breaker_ul489_slowest_s(double rated_a);

enum breaker_stage { BREAKER_NONE, BREAKER_LONG, BREAKER_SHORT, BREAKER_INSTANT, BREAKER_GROUND };

struct breaker {
    struct breaker_options opt;
    enum breaker_stage tripped;
    double heat;                    /* THERMAL: in I_r squared; L: in seconds of it;
                                    INVERSE: the disc's way, 1 trips               */
    double short_part, ground_part; /* of the delay of S and G, 1 trips             */
};

/* `before_a` carried for ever before. */
void breaker_init(struct breaker *breaker, const struct breaker_options *opt, double before_a);

/* dt_s at these currents. The stage that trips it, once; then it stays open. */
enum breaker_stage breaker_step(struct breaker *breaker, double current_a, double residual_a, double dt_s);

/* Seconds until it trips from now on at a constant current; INFINITY: never. */
double breaker_trip_s(const struct breaker *breaker, double current_a);

/* How far it is: 0 at rest, 1 trips. */
double breaker_spent_ratio(const struct breaker *breaker);

#endif
