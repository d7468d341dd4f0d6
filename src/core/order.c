/* SPDX-License-Identifier: Apache-2.0 */
/* order.c: from what is wanted to what is ordered now: decrease before increase.
 *
 * Lowering goes out at once. Raising a cap goes only as far as the sums leave
 * room at every node and group, counted at what the others may still hold, and
 * is counted the moment it is proposed. Who raises first rotates.
 */
#include "order.h"

#include "allocate.h"
#include "curve.h"
#include "damp.h"
#include "lever.h"
#include "outputs.h"
#include "quality.h"
#include "zone.h"

#define ORDER_GIVE_UP 5 /* RESTORE: failures in a row before a lever is left standing */

/* One order as it is thought out. */
struct order_idea {
    double value;
    enum core_rule rule; /* CORE_RULE_NONE: the lever's own why               */
    int32_t bound;       /* zone that kept a raise short; CORE_NONE           */
    bool due;            /* must go out even if it cannot be raised           */
    bool calm;           /* damping kept it short, not room                   */
};

static bool order_may(const struct block *b, int32_t l)
{
    const struct lever *lever = &b->levers[l];

    return block_is_number(lever->wanted) && lever->state != CORE_LEVER_UNREAD &&
           lever->state != CORE_LEVER_SENT && b->core->now_us >= lever->retry_us &&
           b->devices[b->levers_conf[l].device].quality == CORE_DEVICE_GOOD;
}

/* ---- sums that will not fit by themselves ---- */

/* What a lever comes to when all that is in flight has landed. */
static double order_aim(const struct block *b, int32_t l)
{
    const struct lever *lever = &b->levers[l];
    const struct core_config_lever *conf = &b->levers_conf[l];
    double aim = lever->state == CORE_LEVER_SENT ? lever->sent : lever->base;

    if (lever->state == CORE_LEVER_UNREAD || lever->state == CORE_LEVER_UNKNOWN)
        aim = lever_counted(b, l);
    return (conf->timeout_us > 0 && aim < conf->fallback ? conf->fallback : aim) * block_unit_w(conf);
}

/* Marks in pressed[] the zones whose sum stays above the budget unless somebody
 * is lowered: there no change is too small. */
static bool order_press(const struct block *b, double *pressed, double *aim_w)
{
    bool any = false;

    for (int32_t z = 0; z < b->core->zone_count; z++)
        any = any || zone_over(&b->zones[z]);
    if (!any)
        return false;
    for (int32_t l = 0; l < b->core->lever_count; l++)
        aim_w[l] = block_is_cap(&b->levers_conf[l]) ? order_aim(b, l) : 0.0;
    for (int32_t i = 0; i < b->core->loose_count; i++)
        aim_w[b->core->lever_count + i] = b->sources[b->core->lever_count + i].now_w;
    for (int32_t z = 0; z < b->core->zone_count; z++) {
        const struct zone *zone = &b->zones[z];

        pressed[z] = 0.0;
        if (zone_over(zone) && zone_above(zone_sum(b, zone, zone->fixed_w, aim_w), zone->standing_w))
            pressed[z] = 1.0;
    }
    return true;
}

static bool order_pressed(const struct block *b, int32_t l, const double *pressed)
{
    const struct entry *entry;

    for (int32_t k = 0; (entry = zone_path(b, l, k)); k++)
        if (pressed[entry->zone] > 0.0)
            return true;
    return false;
}

/* ---- is an order due ---- */

static bool order_refresh_due(const struct block *b, int32_t l)
{
    const struct lever *lever = &b->levers[l];
    const struct core_config_lever *conf = &b->levers_conf[l];

    return conf->timeout_us > 0 && lever->state == CORE_LEVER_IN_FORCE && !lever->released &&
           b->core->now_us - lever->sent_us >= conf->timeout_us / 2;
}

/* Whatever the value: lost, drifted, or about to end. */
static bool order_due(const struct block *b, int32_t l, struct order_idea *idea)
{
    const struct lever *lever = &b->levers[l];
    const struct core_config_lever *conf = &b->levers_conf[l];

    if (lever->state == CORE_LEVER_UNKNOWN)
        return true;
    if (b->core->restoring) {
        bool more = (conf->timeout_us > 0 || conf->switched) && !lever->released; /* than the value */

        return more || __builtin_fabs(lever->in_force - lever->wanted) > lever_tolerance(conf);
    }
    if (lever->drifted) {
        idea->rule = CORE_RULE_DRIFT;
        return b->core->now_us >= lever->drift_retry_us;
    }
    if (order_refresh_due(b, l)) {
        idea->rule = CORE_RULE_REFRESH;
        return true;
    }
    return conf->timeout_us > 0 && (lever->state == CORE_LEVER_STANDING || lever->released);
}

static bool order_rested(const struct block *b, int32_t l)
{
    const struct lever *lever = &b->levers[l];

    return lever->sent_us == INT64_MIN ||
           b->core->now_us - lever->sent_us >= b->levers_conf[l].interval_min_us;
}

/* Far enough from what is in force, and not too soon after the last order. */
static bool order_moved(const struct block *b, int32_t l, bool pressed)
{
    const struct lever *lever = &b->levers[l];
    const struct core_config_lever *conf = &b->levers_conf[l];
    double down = lever->in_force - lever->wanted, near = lever_tolerance(conf);

    if (lever->drifted)
        return false; /* order_due() says when */
    if (down > 0.0 && pressed)
        return down > near;
    if (!order_rested(b, l))
        return false;
    return down > 0.0 ? down > near && down > conf->deadband : -down > near && -down >= conf->deadband;
}

/* ---- values ---- */

static double order_slew(const struct block *b, int32_t l, double value)
{
    const struct lever *lever = &b->levers[l];
    double slew = b->levers_conf[l].slew;

    if (b->levers_conf[l].use != CORE_LEVER_HOLD || !(slew > 0.0) || !block_is_number(lever->in_force) ||
        b->core->restoring) /* an original goes back as it was */
        return value;
    return block_clip(value, lever->in_force - slew, lever->in_force + slew);
}

/* The largest value of a lever that fits everywhere, with all others as they
 * are counted; *ret_bound is the zone that binds. */
static double order_room(const struct block *b, int32_t l, int32_t *ret_bound)
{
    const struct core_config_lever *conf = &b->levers_conf[l];
    const struct source *source = &b->sources[l];
    bool leased = conf->use == CORE_LEVER_CHARGE && conf->timeout_us > 0;
    const struct entry *entry;
    double most = __builtin_inf();

    for (int32_t k = 0; (entry = zone_path(b, l, k)); k++) {
        const struct zone *zone = &b->zones[entry->zone];
        double room_w = zone->budget_w - zone->counted_w + entry->coef * source->now_w;
        double standing_w = zone->standing_w - zone->counted_standing_w + entry->coef * source->standing_w;

        if (!leased && standing_w < room_w)
            room_w = standing_w;
        room_w /= entry->coef * block_unit_w(conf);
        if (room_w < most) {
            most = room_w;
            *ret_bound = entry->zone;
        }
    }
    return most;
}

/* How far a raise may go now; NAN: it must wait. */
static double order_raise(const struct block *b, int32_t l, struct order_idea *idea)
{
    const struct lever *lever = &b->levers[l];
    const struct core_config_lever *conf = &b->levers_conf[l];
    double room = order_room(b, l, &idea->bound), value = lever->wanted;
    int32_t damped = CORE_NONE;
    double calm = b->core->restoring ? __builtin_inf() : damp_most(b, l, &damped);
    double worth = conf->deadband > conf->step ? conf->deadband : conf->step;
    double unit = BLOCK_SUM_SLACK_W / block_unit_w(conf);

    worth = worth > lever_tolerance(conf) ? worth : lever_tolerance(conf);
    if (calm < room) { /* our own orders swing: less at a time */
        room = calm;
        idea->bound = damped;
        idea->calm = true;
    }
    if (value > room + unit) {
        value = b->core->restoring ? __builtin_nan("") : allocate_round(conf, room);
        if (!(value <= room + unit) || (!idea->due && value < lever->in_force + worth))
            return __builtin_nan("");
    } else {
        idea->bound = CORE_NONE;
        idea->calm = false;
    }
    return lever_counted_with(b, l, value) <= room + unit ? value : __builtin_nan("");
}

/* ---- proposing ---- */

static void order_cause(struct block *b, int32_t l, const struct order_idea *idea, bool raise,
                        struct core_cause *cause)
{
    const struct core *core = b->core;
    const struct lever *lever = &b->levers[l];
    bool due = lever->cause_step == core->step, news = raise && core->news_step == core->step;

    if (idea->rule == CORE_RULE_REFRESH || (!due && !news))
        block_cause(cause, CORE_CAUSE_TIME, core->now_us, core->now_us);
    else if (due && !(news && core->news.arrived_us > lever->due.arrived_us))
        block_cause(cause, lever->due.kind, lever->due.taken_us, lever->due.arrived_us);
    else
        block_cause(cause, core->news.kind, core->news.taken_us, core->news.arrived_us);
    if (cause->kind == CORE_CAUSE_TIME && core->plan_step == core->step)
        block_cause(cause, CORE_CAUSE_PLAN, core->now_us, core->now_us);
}

static void order_why(const struct block *b, int32_t l, const struct order_idea *idea, struct core_why *why)
{
    const struct core_why *own = &b->levers[l].why;
    bool node = idea->bound < b->core->node_count;

    block_why(why, idea->rule == CORE_RULE_NONE ? own->rule : idea->rule, own->node, own->window_us,
              own->bound_w);
    if (idea->bound != CORE_NONE)
        block_why(why, idea->calm ? CORE_RULE_BAND : CORE_RULE_IN_FLIGHT, node ? idea->bound : CORE_NONE,
                  b->zones[idea->bound].bound_window_us, b->zones[idea->bound].budget_w);
}

/* Counts the proposal at once, so that the next raise sees it. */
static void order_count(struct block *b, int32_t l, double value)
{
    double now_w = b->sources[l].now_w, standing_w = b->sources[l].standing_w;
    const struct entry *entry;

    lever_source(b, l, lever_counted_with(b, l, value));
    for (int32_t k = 0; (entry = zone_path(b, l, k)); k++) {
        b->zones[entry->zone].counted_w += entry->coef * (b->sources[l].now_w - now_w);
        b->zones[entry->zone].counted_standing_w += entry->coef * (b->sources[l].standing_w - standing_w);
    }
}

static void order_propose(struct block *b, int32_t l, const struct order_idea *idea, bool raise)
{
    const struct core_config_lever *conf = &b->levers_conf[l];
    struct core_order *order = outputs_order(b, l);

    order->release = b->core->restoring;
    order->number = b->levers[l].number + 1;
    order->value = idea->value;
    order->fallback = idea->value;
    if (conf->timeout_us > 0 && !order->release) {
        order->timeout_us = conf->timeout_us;
        order->lease_end_us = block_later(b->core->now_us, conf->timeout_us);
        order->fallback = conf->fallback;
    }
    order_why(b, l, idea, &order->why);
    order_cause(b, l, idea, raise, &order->cause);
    order_count(b, l, idea->value);
}

/* A lever whose value goes up past what is certain of it goes through the room
 * check; all else goes out as wanted. */
static bool order_is_raise(const struct block *b, int32_t l)
{
    return lever_is_raise(b, l, b->levers[l].wanted);
}

static void order_lower(struct block *b, int32_t l, bool pressed)
{
    struct order_idea idea = { .rule = CORE_RULE_NONE, .bound = CORE_NONE };

    idea.due = order_due(b, l, &idea);
    if (!idea.due && (b->core->restoring || !order_moved(b, l, pressed)))
        return;
    idea.value = order_slew(b, l, b->levers[l].wanted);
    order_propose(b, l, &idea, false);
}

static bool order_higher(struct block *b, int32_t l)
{
    struct order_idea idea = { .rule = CORE_RULE_NONE, .bound = CORE_NONE };
    struct lever *lever = &b->levers[l];

    idea.due = order_due(b, l, &idea);
    if (!idea.due && (b->core->restoring || !order_moved(b, l, false)))
        return false;
    idea.value = order_raise(b, l, &idea);
    if (block_is_number(idea.value)) {
        damp_spend(b, l, idea.value);
        order_propose(b, l, &idea, true);
        return true;
    }
    if (b->core->restoring) {
        lever->no_room = 1;
        return false;
    }
    if (!idea.due || !block_is_number(lever->base))
        return false;
    idea.bound = CORE_NONE;
    idea.value = lever->base;
    order_propose(b, l, &idea, false);
    return false;
}

void order_step(struct block *b)
{
    struct core *core = b->core;
    double *pressed = b->scratch, *aim_w = pressed + core->zone_count;
    double *higher = aim_w + core->lever_count + core->loose_count; /* 1 for a lever that is to be raised */
    bool press, raised = false;

    if (!core->acting || core->lever_count == 0)
        return;
    press = order_press(b, pressed, aim_w);
    for (int32_t l = 0; l < core->lever_count; l++) {
        bool may = order_may(b, l), raise = may && order_is_raise(b, l);

        b->levers[l].no_room = 0;
        higher[l] = raise ? 1.0 : 0.0;
        if (may && !raise)
            order_lower(b, l, (press && order_pressed(b, l, pressed)) || curve_over(b, l) != CORE_NONE);
    }
    for (int32_t k = 0; k < core->lever_count; k++) {
        int32_t l = (core->turn + k) % core->lever_count;

        raised = (higher[l] > 0.0 && order_higher(b, l)) || raised;
    }
    if (raised)
        core->turn = (core->turn + 1) % core->lever_count;
}

/* ---- restoring ---- */

static bool order_is_restored(const struct block *b, int32_t l)
{
    const struct lever *lever = &b->levers[l];
    struct order_idea idea = { .rule = CORE_RULE_NONE };

    if (!block_is_number(lever->wanted))
        return true;
    return (lever->state == CORE_LEVER_STANDING || lever->state == CORE_LEVER_IN_FORCE) &&
           !order_due(b, l, &idea);
}

/* Nothing that this core does will move it. */
static bool order_is_left(const struct block *b, int32_t l)
{
    const struct lever *lever = &b->levers[l];

    return lever->no_room || lever->streak >= ORDER_GIVE_UP ||
           b->devices[b->levers_conf[l].device].quality == CORE_DEVICE_STALE;
}

void order_restored(struct block *b)
{
    struct core *core = b->core;
    int32_t pending = 0;

    core->restore_left = 0;
    core->restored = 0;
    for (int32_t l = 0; l < core->lever_count; l++) {
        if (!core->restoring)
            b->levers[l].left_told = 0;
        else if (!order_is_restored(b, l)) {
            core->restore_left += order_is_left(b, l);
            pending += !order_is_left(b, l);
        }
    }
    if (!core->restoring || pending > 0)
        return;
    core->restored = 1;
    for (int32_t l = 0; l < core->lever_count; l++)
        if (!order_is_restored(b, l) && !b->levers[l].left_told) {
            b->levers[l].left_told = 1;
            outputs_lever_event(b, EV_LEFT_STANDING, l, b->levers[l].in_force, b->levers[l].wanted);
        }
}
