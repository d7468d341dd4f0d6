/* SPDX-License-Identifier: Apache-2.0 */
/* breaker.c: memory, timers and inverse curves, each stepped in closed form.
 *
 * Pure: no I/O, no clock, no heap; any thread. Knows nothing of the plant.
 */
#include "breaker.h"

#include <math.h>
#include <string.h>

#include "busbar/check.h"

#define BREAKER_CARRY_THERMAL 1.05
#define BREAKER_CARRY_LONG    1.1
#define BREAKER_LONG_AT       6.0  /* long_s is quoted there...                */
#define BREAKER_I2T_AT        10.0 /* ...and the delay of an I2t stage here    */
#define BREAKER_FAST_EDGE     4.0  /* slow edge of a band over its fast one: INFERRED */
#define BREAKER_COOL_RATIO    2.0  /* it cools slower than it heats: ASSUMED   */
#define BREAKER_MAGNETIC      10.0

struct breaker_curve_row {
    const char *word;
    double k, exponent, b, reset_s;
};

#define BREAKER_CURVE_ROW(name, text, factor, power, plus, back)                                             \
    [name] = { .word = text, .k = factor, .exponent = power, .b = plus, .reset_s = back },
static const struct breaker_curve_row breaker_curves[] = { BREAKER_CURVE_LIST(BREAKER_CURVE_ROW) };

double breaker_curve_s(enum breaker_curve curve, double time_dial, double multiple)
{
    const struct breaker_curve_row *row = &breaker_curves[curve];

    if (!(multiple > 1.0))
        return INFINITY;
    return time_dial * (row->k / (pow(multiple, row->exponent) - 1.0) + row->b);
}

double breaker_curve_reset_s(enum breaker_curve curve, double time_dial, double multiple)
{
    if (!(multiple < 1.0))
        return INFINITY;
    return time_dial * breaker_curves[curve].reset_s / (1.0 - multiple * multiple);
}

enum breaker_curve breaker_curve_find(const char *word)
{
    int i = 0;

    while (i < BREAKER_CURVE_COUNT && strcmp(breaker_curves[i].word, word) != 0)
        i++;
    return (enum breaker_curve)i;
}

double breaker_ul489_slowest_s(double rated_a)
{
    /* trips at 200 % within so many seconds, by rating */
    static const struct {
        double up_to_a, trip_s;
    } rows[] = {
        { .up_to_a = 30, .trip_s = 120 },  { .up_to_a = 50, .trip_s = 240 },
        { .up_to_a = 100, .trip_s = 360 }, { .up_to_a = 150, .trip_s = 480 },
        { .up_to_a = 225, .trip_s = 600 }, { .up_to_a = 400, .trip_s = 720 },
        { .up_to_a = 600, .trip_s = 840 }, { .up_to_a = 800, .trip_s = 960 },
    };
    const double k2 = BREAKER_CARRY_THERMAL * BREAKER_CARRY_THERMAL;
    size_t i = 0;

    while (i + 1 < sizeof rows / sizeof rows[0] && rated_a > rows[i].up_to_a)
        i++;
    return rows[i].trip_s / log(4.0 / (4.0 - k2));
}

void breaker_thermal(double rated_a, struct breaker_options *ret)
{
    double heat_s = breaker_ul489_slowest_s(rated_a) / BREAKER_FAST_EDGE;

    *ret = (struct breaker_options){
        .kind = BREAKER_THERMAL,
        .rated_a = rated_a,
        .carry_ratio = BREAKER_CARRY_THERMAL,
        .heat_s = heat_s,
        .cool_s = BREAKER_COOL_RATIO * heat_s,
        .instant_ratio = BREAKER_MAGNETIC,
    };
}

void breaker_lsig(double rated_a, struct breaker_options *ret)
{
    *ret = (struct breaker_options){
        .kind = BREAKER_LSIG,
        .rated_a = rated_a,
        .carry_ratio = BREAKER_CARRY_LONG,
        .cool_s = 600.0,
        .long_s = 8.0,
        .short_ratio = 6.0,
        .short_s = 0.2,
        .instant_ratio = 12.0,
        .ground_ratio = 0.3,
        .ground_s = 0.2,
    };
}

/* ---- what a steady current does to the slow stage ---- */

static double breaker_limit(const struct breaker *breaker)
{
    const struct breaker_options *opt = &breaker->opt;

    switch (opt->kind) {
    case BREAKER_THERMAL:
        return opt->carry_ratio * opt->carry_ratio;
    case BREAKER_LSI:
    case BREAKER_LSIG:
        return BREAKER_LONG_AT * BREAKER_LONG_AT * opt->long_s;
    default:
        return 1.0;
    }
}

static void breaker_heat(struct breaker *breaker, double i, double dt_s)
{
    const struct breaker_options *opt = &breaker->opt;
    double i2 = i * i;

    switch (opt->kind) {
    case BREAKER_THERMAL: {
        double tau_s = i2 > breaker->heat ? opt->heat_s : opt->cool_s;

        breaker->heat = i2 + (breaker->heat - i2) * exp(-dt_s / tau_s);
        return;
    }
    case BREAKER_LSI:
    case BREAKER_LSIG:
        if (i > opt->carry_ratio)
            breaker->heat += i2 * dt_s;
        else /* no memory without a time constant */
            breaker->heat = opt->cool_s > 0.0 ? breaker->heat * exp(-dt_s / opt->cool_s) : 0.0;
        return;
    default:
        if (i > 1.0)
            breaker->heat += dt_s / breaker_curve_s(opt->curve, opt->time_dial, i);
        else if (i < 1.0)
            breaker->heat -= dt_s / breaker_curve_reset_s(opt->curve, opt->time_dial, i);
        if (breaker->heat < 0.0)
            breaker->heat = 0.0;
        return;
    }
}

static double breaker_heat_s(const struct breaker *breaker, double i)
{
    const struct breaker_options *opt = &breaker->opt;
    double limit = breaker_limit(breaker), i2 = i * i;

    if (opt->kind == BREAKER_THERMAL ? breaker->heat > limit : breaker->heat >= limit)
        return 0.0; /* what is carried for ever warms up to the limit itself */
    switch (opt->kind) {
    case BREAKER_THERMAL:
        return i2 > limit ? opt->heat_s * log((i2 - breaker->heat) / (i2 - limit)) : INFINITY;
    case BREAKER_LSI:
    case BREAKER_LSIG:
        return i > opt->carry_ratio ? (limit - breaker->heat) / i2 : INFINITY;
    default:
        return (limit - breaker->heat) * breaker_curve_s(opt->curve, opt->time_dial, i);
    }
}

/* ---- S and G ---- */

static double breaker_delay_s(double delay_s, bool i2t, double i)
{
    return i2t ? delay_s * (BREAKER_I2T_AT / i) * (BREAKER_I2T_AT / i) : delay_s;
}

/* The part of a stage's delay after dt_s; a stage resets as soon as it lets go. */
static double breaker_timer(double part, double ratio, double delay_s, double i, double dt_s)
{
    if (!(ratio > 0.0) || !(i > ratio))
        return 0.0;
    return delay_s > 0.0 ? part + dt_s / delay_s : 1.0;
}

/* ---- the device ---- */

void breaker_init(struct breaker *breaker, const struct breaker_options *opt, double before_a)
{
    CHECK(opt->rated_a > 0.0 && opt->kind < BREAKER_KIND_COUNT);
    CHECK(opt->kind != BREAKER_THERMAL || (opt->heat_s > 0.0 && opt->cool_s > 0.0));
    *breaker = (struct breaker){ .opt = *opt };
    if (opt->kind == BREAKER_THERMAL)
        breaker->heat = before_a / opt->rated_a * (before_a / opt->rated_a);
}

enum breaker_stage breaker_step(struct breaker *breaker, double current_a, double residual_a, double dt_s)
{
    const struct breaker_options *opt = &breaker->opt;
    double i = current_a / opt->rated_a, g = residual_a / opt->rated_a;
    const double done = 1.0 - 1e-9; /* a timer that is a rounding error short has run out */

    CHECK(dt_s > 0.0);
    if (breaker->tripped != BREAKER_NONE)
        return BREAKER_NONE;
    breaker_heat(breaker, i, dt_s);
    breaker->short_part = breaker_timer(breaker->short_part, opt->short_ratio,
                                        breaker_delay_s(opt->short_s, opt->short_i2t, i), i, dt_s);
    breaker->ground_part =
        breaker_timer(breaker->ground_part, opt->kind == BREAKER_LSIG ? opt->ground_ratio : 0.0,
                      breaker_delay_s(opt->ground_s, opt->ground_i2t, g), g, dt_s);
    if (opt->instant_ratio > 0.0 && i > opt->instant_ratio)
        breaker->tripped = BREAKER_INSTANT;
    else if (breaker->short_part >= done)
        breaker->tripped = BREAKER_SHORT;
    else if (breaker->ground_part >= done)
        breaker->tripped = BREAKER_GROUND;
    else if (breaker_heat_s(breaker, i) <= 0.0)
        breaker->tripped = BREAKER_LONG;
    return breaker->tripped;
}

double breaker_trip_s(const struct breaker *breaker, double current_a)
{
    const struct breaker_options *opt = &breaker->opt;
    double i = current_a / opt->rated_a;
    double trip_s = breaker_heat_s(breaker, i);

    if (breaker->tripped != BREAKER_NONE || (opt->instant_ratio > 0.0 && i > opt->instant_ratio))
        return 0.0;
    if (opt->short_ratio > 0.0 && i > opt->short_ratio)
        trip_s = fmin(trip_s, (1.0 - breaker->short_part) * breaker_delay_s(opt->short_s, opt->short_i2t, i));
    return trip_s;
}

double breaker_spent_ratio(const struct breaker *breaker)
{
    if (breaker->tripped != BREAKER_NONE)
        return 1.0;
    return fmax(breaker->heat / breaker_limit(breaker), fmax(breaker->short_part, breaker->ground_part));
}
