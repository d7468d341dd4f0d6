/* SPDX-License-Identifier: Apache-2.0 */
/* clamp.c: the last word on every order.
 *
 * Trusts nothing that was worked out before: range, step, slew and lease are
 * taken from the configuration, and the sums are added up anew. An order that
 * does not hold is withdrawn and told; one that only lowers is never withdrawn
 * for the sums.
 */
#include "clamp.h"

#include "allocate.h"
#include "lever.h"
#include "outputs.h"
#include "ride.h"
#include "zone.h"

#include <string.h>

static double clamp_value(const struct block *b, const struct core_order *order)
{
    const struct core_config_lever *conf = &b->levers_conf[order->lever];
    double value = block_clip(order->value, conf->min, conf->max);
    double in_force = b->levers[order->lever].in_force;

    if (order->release)
        return value; /* an original goes back as it was */
    if (conf->use == CORE_LEVER_HOLD && conf->slew > 0.0 && block_is_number(in_force))
        value = block_clip(value, in_force - conf->slew, in_force + conf->slew);
    if (block_is_cap(conf))
        return allocate_round(conf, value);
    return conf->step > 0.0
               ? block_clip(__builtin_floor(value / conf->step + 0.5) * conf->step, conf->min, conf->max)
               : value;
}

/* The order by itself: mode, value, lease, and a lever whose original is known. */
static bool clamp_holds(const struct block *b, const struct core_order *order)
{
    const struct lever *lever = &b->levers[order->lever];
    const struct core_config_lever *conf = &b->levers_conf[order->lever];

    return b->core->acting && block_is_number(order->value) && lever->state != CORE_LEVER_UNREAD &&
           lever->state != CORE_LEVER_SENT && order->number == lever->number + 1 &&
           !ride_shape_forbids(b, order->lever, order->value) &&
           order->lease_end_us > block_later(b->core->now_us, conf->delay_worst_us);
}

static bool clamp_raises(const struct block *b, const struct core_order *order)
{
    return lever_is_raise(b, order->lever, order->value);
}

/* A zone this raise is in does not keep its budget with all of this step's
 * orders counted. */
static int32_t clamp_over(const struct block *b, const struct core_order *order)
{
    const struct entry *entry;

    for (int32_t k = 0; (entry = zone_path(b, order->lever, k)); k++)
        if (zone_over(&b->zones[entry->zone]))
            return entry->zone;
    return CORE_NONE;
}

static void clamp_withdraw(struct block *b, const struct core_order *order, double bound)
{
    lever_refuse(b, order->lever, order->value, bound);
    lever_source(b, order->lever, lever_counted(b, order->lever));
}

/* Drops orders that do not hold; what stays keeps its place in the sequence. */
static void clamp_each(struct block *b)
{
    struct core_order *orders = outputs_orders(b);
    int32_t kept = 0;

    for (int32_t i = 0; i < b->out->order_count; i++) {
        struct core_order *order = &orders[i];

        order->value = clamp_value(b, order);
        if (order->timeout_us == 0)
            order->fallback = order->value;
        if (!clamp_holds(b, order)) {
            clamp_withdraw(b, order, __builtin_nan(""));
            continue;
        }
        lever_source(b, order->lever, lever_counted_with(b, order->lever, order->value));
        if (kept != i)
            memcpy(&orders[kept], order, sizeof *order);
        kept++;
    }
    b->out->order_count = kept;
}

static void clamp_sums(struct block *b)
{
    struct core_order *orders = outputs_orders(b);
    int32_t kept = 0, count = b->out->order_count;

    zone_count(b);
    for (int32_t i = 0; i < count; i++) {
        int32_t over = clamp_raises(b, &orders[i]) ? clamp_over(b, &orders[i]) : CORE_NONE;

        if (over != CORE_NONE) {
            clamp_withdraw(b, &orders[i], b->zones[over].budget_w);
            continue;
        }
        if (kept != i)
            memcpy(&orders[kept], &orders[i], sizeof *orders);
        kept++;
    }
    b->out->order_count = kept;
    if (kept != count)
        zone_count(b);
}

void clamp_step(struct block *b)
{
    if (b->out->order_count > 0) { /* else the sums stand as zone.c made them */
        clamp_each(b);
        clamp_sums(b);
    }
    for (int32_t i = 0; i < b->out->order_count; i++)
        lever_commit(b, &outputs_orders(b)[i]);
    for (int32_t l = 0; l < b->core->lever_count; l++)
        b->next[l] = lever_counted(b, l);
}
