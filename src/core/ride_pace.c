/* SPDX-License-Identifier: Apache-2.0 */
/* ride_pace.c: set-points move in a sag without leaving one shelf alone with the load.
 *
 * Every shelf is written to over a line of its own, one supply after the other and each
 * at its own pace; the shelf that stands highest takes the load from those that are lower
 * already. So a supply is told only while its shelf gets no farther from any other than
 * what the higher one bears, and in steps that are small enough for that. A line that
 * goes silent in the middle of it stops the others where they are.
 */
#include "ride.h"

#include "lever.h"

#define RIDE_PACE_PART 0.5 /* of what a shelf bears: one write moves its mean so far at most */

static bool ride_pace_moves(const struct block *b, int32_t l)
{
    const struct core_config_lever *conf = &b->levers_conf[l];

    return conf->ride == CORE_LEVER_RIDE_OUTPUT_V && conf->use == CORE_LEVER_HOLD &&
           conf->source != CORE_NONE && !b->ride_sources[conf->source].lost &&
           block_is_number(b->levers[l].in_force);
}

/* The lowest and highest that this supply may stand at by now. */
static void ride_pace_range(const struct lever *lever, double *ret_least, double *ret_most)
{
    *ret_least = *ret_most = lever->in_force;
    if (lever->state == CORE_LEVER_SENT) {
        *ret_least = lever->sent < *ret_least ? lever->sent : *ret_least;
        *ret_most = lever->sent > *ret_most ? lever->sent : *ret_most;
    }
    if (block_is_number(lever->ghost)) {
        *ret_least = lever->ghost < *ret_least ? lever->ghost : *ret_least;
        *ret_most = lever->ghost > *ret_most ? lever->ghost : *ret_most;
    }
}

void ride_pace_step(struct block *b)
{
    for (int32_t s = 0; s < b->core->source_conf_count; s++) {
        b->ride_sources[s].pace_count = 0;
        b->ride_sources[s].least_v = b->ride_sources[s].most_v = 0.0;
    }
    for (int32_t l = 0; l < b->core->lever_count; l++) {
        struct ride_source *source;
        double least_v, most_v;

        if (!ride_pace_moves(b, l))
            continue;
        source = &b->ride_sources[b->levers_conf[l].source];
        ride_pace_range(&b->levers[l], &least_v, &most_v);
        source->pace_count++;
        source->least_v += (least_v - source->least_v) / source->pace_count;
        source->most_v += (most_v - source->most_v) / source->pace_count;
    }
}

/* So far does the shelf's mean move when this supply is told, and those before it: first
 * go those that have farther to go. */
static double ride_pace_move_v(const struct block *b, int32_t l, double value, double most_v)
{
    double near = lever_tolerance(&b->levers_conf[l]), own = value - b->levers[l].in_force, sum_v = 0.0;
    int32_t s = b->levers_conf[l].source;

    for (int32_t k = 0; k < b->core->lever_count; k++) {
        double way = value - b->levers[k].in_force, ahead = own < 0.0 ? own - way : way - own;

        if (b->levers_conf[k].source != s || !ride_pace_moves(b, k) || b->levers[k].state == CORE_LEVER_SENT)
            continue;
        if (k == l || ahead > near || (ahead >= -near && k < l))
            sum_v += block_clip(way, -most_v, most_v);
    }
    return sum_v / b->ride_sources[s].pace_count;
}

/* Would the shelf's mean, moved by so much, be too far from another's? */
static bool ride_pace_leaves(const struct block *b, int32_t s, double move_v, double bear_v)
{
    const struct ride_source *own = &b->ride_sources[s];

    for (int32_t o = 0; o < b->core->source_conf_count; o++) {
        const struct ride_source *other = &b->ride_sources[o];
        double apart_v =
            move_v < 0.0 ? other->most_v - (own->least_v + move_v) : own->most_v + move_v - other->least_v;

        if (o != s && b->sources_conf[o].kind == CORE_SOURCE_PSU && other->pace_count > 0 && apart_v > bear_v)
            return true;
    }
    return false;
}

double ride_pace(const struct block *b, int32_t l, double value)
{
    const struct lever *lever = &b->levers[l];
    int32_t s = b->levers_conf[l].source;
    double bear_v, most_v, move_v;

    if ((b->core->ride.state != CORE_RIDE_SUPPORT && b->core->ride.state != CORE_RIDE_SAG) ||
        !block_is_number(value) || !ride_pace_moves(b, l))
        return value;
    bear_v = ride_rise_bear_v(b);
    if (!block_is_number(bear_v))
        return value;
    if (lever->state == CORE_LEVER_SENT)
        return lever->sent;
    most_v = RIDE_PACE_PART * bear_v * b->ride_sources[s].pace_count;
    move_v = block_clip(value - lever->in_force, -most_v, most_v);
    if (__builtin_fabs(move_v) <= lever_tolerance(&b->levers_conf[l]))
        return value;
    if (ride_pace_leaves(b, s, ride_pace_move_v(b, l, value, most_v), bear_v))
        return block_is_number(lever->wanted) ? lever->wanted : lever->in_force; /* not yet: as before */
    return lever->in_force + move_v;
}
