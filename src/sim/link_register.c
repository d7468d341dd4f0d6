/* SPDX-License-Identifier: Apache-2.0 */
/* link_register.c: an order to a supply or a battery, question by question.
 *
 * The same steps as src/field takes. What is there is recorded before the first
 * write. A supply: is its write gate open, if not
 * open it and look; the value; after its settling time, read it back. A battery:
 * its own time-out first, and that it took it; the value; the enable bit. Where a
 * write was not answered, what the device holds is read before it is written
 * again, once. Before the value's write nothing is in doubt, from it on all is.
 */
#include <math.h>

#include "link_parts.h"

#define LINK_REGISTER_SETTLE_US INT64_C(20000)
#define LINK_REGISTER_PROBE_US  INT64_C(500000) /* a silent device is asked no oftener */
#define LINK_REGISTER_READ      15              /* characters there and back            */
#define LINK_REGISTER_READ_2    17
#define LINK_REGISTER_WRITE     16
#define LINK_REGISTER_WRITE_2   21
#define LINK_REGISTER_WRITES    2 /* tries of the value                   */

static enum link_op link_register_first(const struct link *link, int32_t lever)
{
    if (link->conf->lever_of[lever].kind != LINK_LEVER_CHARGE)
        return LINK_OP_GATE_READ;
    return link->levers[lever].now.order.release ? LINK_OP_ENABLE_WRITE : LINK_OP_TIMEOUT_WRITE;
}

/* What is there is read before anything is written, the gate included. */
static void link_register_originally(struct link *link, struct link_line *line, int64_t now_us)
{
    struct link_lever *l = &link->levers[line->lever];

    if (!link_original_record(link, line->lever, l->now.owner.who, line->looked)) {
        link_order_end(link, line->lever, ST_REFUSED, NAN, now_us);
        line->lever = CORE_NONE;
        return;
    }
    l->op = link_register_first(link, line->lever);
}

static bool link_register_is_write(enum link_op op)
{
    return op == LINK_OP_GATE_WRITE || op == LINK_OP_TIMEOUT_WRITE || op == LINK_OP_VALUE ||
           op == LINK_OP_ENABLE_WRITE;
}

/* ---- asking ---- */

static void link_register_effect(const struct link *link, int32_t lever, struct link_effect *ret)
{
    static const enum link_effect_kind values[] = {
        [LINK_LEVER_SETPOINT] = LINK_EFFECT_SETPOINT,
        [LINK_LEVER_START] = LINK_EFFECT_START,
        [LINK_LEVER_CHARGE] = LINK_EFFECT_CHARGE,
    };
    const struct link_lever *l = &link->levers[lever];
    const struct link_conf_lever *of = &link->conf->lever_of[lever];

    *ret = (struct link_effect){ .index = of->index, .device = of->device, .value = 1.0 };
    if (l->op == LINK_OP_GATE_WRITE) {
        ret->kind = LINK_EFFECT_GATE;
    } else if (l->op == LINK_OP_TIMEOUT_WRITE) {
        ret->kind = LINK_EFFECT_TIMEOUT;
        ret->value = floor((double)l->now.order.timeout_us / LINK_US_PER_S);
    } else if (l->op == LINK_OP_VALUE) {
        ret->kind = values[of->kind];
        ret->value = l->now.order.value;
    } else {
        ret->kind = LINK_EFFECT_ENABLE;
        ret->value = l->now.order.release ? 0.0 : 1.0;
    }
}

/* What the register of a reading step shows now. */
static double link_register_look(const struct link *link, int32_t lever)
{
    const struct link_conf_lever *of = &link->conf->lever_of[lever];

    switch (link->levers[lever].op) {
    case LINK_OP_GATE_READ:
    case LINK_OP_GATE_CHECK:
        return link->plant->psus[of->index].write_enable;
    case LINK_OP_TIMEOUT_CHECK:
    case LINK_OP_TIMEOUT_KEPT:
        return link->plant->bbus[of->index].override_timeout_s;
    case LINK_OP_ENABLE_READ:
    case LINK_OP_ENABLE_CHECK:
        return link->plant->bbus[of->index].override_on;
    default:
        return link_modbus_setting(link, of);
    }
}

static void link_register_ask(struct link *link, struct link_line *line, int32_t lever, int64_t now_us)
{
    const struct link_lever *l = &link->levers[lever];
    bool write = link_register_is_write(l->op);
    bool two = l->op == LINK_OP_TIMEOUT_WRITE || l->op == LINK_OP_TIMEOUT_CHECK || l->op == LINK_OP_TIMEOUT_KEPT;
    int chars = write ? (two ? LINK_REGISTER_WRITE_2 : LINK_REGISTER_WRITE)
                      : (two ? LINK_REGISTER_READ_2 : LINK_REGISTER_READ);

    line->lever = lever;
    if (write)
        link_register_effect(link, lever, &line->effect);
    link_modbus_ask(link, line, link->conf->lever_of[lever].module, write, chars, now_us);
    if (write && line->fate.late_s > 0.0)
        link_effect_later(link, &line->effect, lever, line->fate.late_s);
    if (l->op == LINK_OP_VALUE && link->conf->levers[lever].ride != CORE_LEVER_RIDE_NONE)
        link->stats.ride_writes++;
    if (write)
        return;
    line->looked = link_register_look(link, lever);
    if (l->op == LINK_OP_LOOK || l->op == LINK_OP_VERIFY) {
        line->point[0] = link->conf->levers[lever].readback_point;
        line->value[0] = line->looked;
        line->value_count = 1;
    }
}

/* ---- answers ---- */

static void link_register_done(struct link *link, struct link_line *line, enum status st, double readback,
                               int64_t now_us)
{
    link_order_end(link, line->lever, st, readback, now_us);
    line->lever = CORE_NONE;
}

static void link_register_settle(struct link *link, struct link_line *line, int64_t now_us)
{
    struct link_lever *l = &link->levers[line->lever];

    l->op = LINK_OP_VERIFY;
    l->tries = 0;
    l->busy = false;
    l->settling = true;
    l->verify_us = now_us + LINK_REGISTER_SETTLE_US;
    line->lever = CORE_NONE; /* others have their turn meanwhile */
}

static void link_register_silence(struct link *link, struct link_line *line, int64_t now_us)
{
    struct link_lever *l = &link->levers[line->lever];

    if (l->op == LINK_OP_VALUE) {
        l->op = LINK_OP_LOOK;
        return;
    }
    if (l->op != LINK_OP_LOOK && l->tries++ == 0)
        return; /* the same again */
    if (l->op >= LINK_OP_LOOK)
        link_register_done(link, line, ST_TIMEOUT, NAN, now_us);
    else
        link_register_done(link, line, ST_BUSY, NAN, now_us);
}

static void link_register_refused(struct link *link, struct link_line *line, int64_t now_us)
{
    enum link_op op = link->levers[line->lever].op;

    if (op == LINK_OP_LOOK)
        link_register_done(link, line, ST_TIMEOUT, NAN, now_us);
    else
        link_register_done(link, line, op <= LINK_OP_VALUE ? ST_NACK : ST_MISMATCH, NAN, now_us);
}

static bool link_register_same(const struct link *link, int32_t lever, double held)
{
    return fabs(held - link->levers[lever].now.order.value) <=
           fmax(link->conf->levers[lever].step / 2.0, 1e-9);
}

/* After the value was taken. */
static void link_register_valued(struct link *link, struct link_line *line, int64_t now_us)
{
    struct link_lever *l = &link->levers[line->lever];

    if (link->conf->lever_of[line->lever].kind == LINK_LEVER_CHARGE && !l->now.order.release)
        l->op = LINK_OP_ENABLE_READ;
    else
        link_register_settle(link, line, now_us);
}

static void link_register_looked(struct link *link, struct link_line *line, int64_t now_us)
{
    struct link_lever *l = &link->levers[line->lever];

    if (link_register_same(link, line->lever, line->looked))
        link_register_valued(link, line, now_us);
    else if (++l->readbacks < LINK_REGISTER_WRITES)
        l->op = LINK_OP_VALUE;
    else
        link_register_done(link, line, ST_TIMEOUT, line->looked, now_us);
}

static void link_register_timeout_checked(struct link *link, struct link_line *line, int64_t now_us)
{
    struct link_lever *l = &link->levers[line->lever];

    if (line->looked > 0.0 && line->looked * LINK_US_PER_S <= (double)l->now.order.timeout_us)
        l->op = LINK_OP_VALUE;
    else
        link_register_done(link, line, ST_BUSY, NAN, now_us);
}

static void link_register_enabled(struct link *link, struct link_line *line, int64_t now_us)
{
    struct link_lever *l = &link->levers[line->lever];
    bool want = !l->now.order.release, is = line->looked != 0.0;

    if (is == want && want)
        l->op = LINK_OP_TIMEOUT_KEPT;
    else if (is == want)
        l->op = LINK_OP_VALUE;
    else if (l->op == LINK_OP_ENABLE_READ)
        l->op = LINK_OP_ENABLE_WRITE;
    else
        link_register_done(link, line, want ? ST_MISMATCH : ST_BUSY, NAN, now_us);
}

static void link_register_taken(struct link *link, struct link_line *line, int64_t now_us)
{
    struct link_lever *l = &link->levers[line->lever];

    l->tries = 0;
    switch (l->op) {
    case LINK_OP_ORIGINAL:
        link_register_originally(link, line, now_us);
        break;
    case LINK_OP_GATE_READ:
        l->op = line->looked != 0.0 ? LINK_OP_VALUE : LINK_OP_GATE_WRITE;
        break;
    case LINK_OP_GATE_CHECK:
        l->op = LINK_OP_VALUE;
        if (line->looked == 0.0)
            link_register_done(link, line, ST_BUSY, NAN, now_us);
        break;
    case LINK_OP_GATE_WRITE:
    case LINK_OP_TIMEOUT_WRITE:
    case LINK_OP_ENABLE_WRITE:
        l->op++; /* its check comes next */
        break;
    case LINK_OP_TIMEOUT_CHECK:
        link_register_timeout_checked(link, line, now_us);
        break;
    case LINK_OP_VALUE:
        link_register_valued(link, line, now_us);
        break;
    case LINK_OP_LOOK:
        link_register_looked(link, line, now_us);
        break;
    case LINK_OP_ENABLE_READ:
    case LINK_OP_ENABLE_CHECK:
        link_register_enabled(link, line, now_us);
        break;
    case LINK_OP_TIMEOUT_KEPT: /* lost: the module forgot everything on the way; once more */
        if (line->looked > 0.0 || l->readbacks++ > 0)
            link_register_settle(link, line, now_us);
        else
            l->op = LINK_OP_TIMEOUT_WRITE;
        break;
    case LINK_OP_VERIFY:
        link_register_done(link, line,
                           link_register_same(link, line->lever, line->looked) ? ST_OK : ST_MISMATCH,
                           line->looked, now_us);
        break;
    }
}

void link_register_answer(struct link *link, struct link_line *line, int64_t now_us)
{
    struct link_lever *l = &link->levers[line->lever];

    if (!link_owner_lives(link, &l->now.owner)) { /* what was on the wire is done; no more of it */
        l->busy = l->settling = false;
        line->lever = CORE_NONE;
    } else if (!line->fate.answered) {
        link_register_silence(link, line, now_us);
    } else if (line->fate.refused) {
        link_register_refused(link, line, now_us);
    } else {
        link_register_taken(link, line, now_us);
    }
}

/* ---- whose turn ---- */

static bool link_register_verify(struct link *link, struct link_line *line, int32_t lever, int64_t now_us)
{
    struct link_lever *l = &link->levers[lever];

    if (!l->settling || l->verify_us > now_us)
        return false;
    l->settling = false;
    if (!link_owner_lives(link, &l->now.owner))
        return false;
    l->busy = true;
    link_register_ask(link, line, lever, now_us);
    return true;
}

static bool link_register_start(struct link *link, struct link_line *line, int32_t lever, int64_t now_us)
{
    struct link_slot *slot = &line->slot[link->conf->lever_of[lever].module];
    struct link_lever *l = &link->levers[lever];

    if (l->busy || l->settling || !link_order_take(link, lever, now_us))
        return false;
    if (slot->silent && slot->probe_us - slot->probe_every_us + LINK_REGISTER_PROBE_US > now_us) {
        link_order_end(link, lever, ST_BUSY, NAN, now_us);
        return false;
    }
    l->op = link_original_known(link, lever, l->now.owner.who) ? link_register_first(link, lever) : LINK_OP_ORIGINAL;
    link_register_ask(link, line, lever, now_us);
    return true;
}

/* Read-backs first: what they confirm may let others be ordered. */
bool link_register_turn(struct link *link, struct link_line *line, int64_t now_us)
{
    bool left = false;

    if (line->lever != CORE_NONE) {
        link_register_ask(link, line, line->lever, now_us);
        return true;
    }
    for (int pass = 0; pass < 2; pass++)
        for (int32_t i = 0; i < line->slot_count; i++) {
            const struct link_conf_device *device = &link->conf->devices[line->slot[i].device];

            for (int32_t l = device->first_lever; l < device->first_lever + device->lever_count; l++) {
                if (pass == 0 ? link_register_verify(link, line, l, now_us)
                              : link_register_start(link, line, l, now_us))
                    return true;
                left = left || link->levers[l].settling;
            }
        }
    line->orders = left;
    return false;
}

int64_t link_register_due_us(const struct link *link, const struct link_line *line)
{
    int64_t due_us = LINK_NEVER;

    for (int32_t i = 0; i < line->slot_count; i++) {
        const struct link_conf_device *device = &link->conf->devices[line->slot[i].device];

        for (int32_t l = device->first_lever; l < device->first_lever + device->lever_count; l++)
            if (link->levers[l].settling)
                due_us = link_earlier(due_us, link->levers[l].verify_us);
    }
    return due_us;
}
