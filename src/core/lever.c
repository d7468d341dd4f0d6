/* SPDX-License-Identifier: Apache-2.0 */
/* lever.c: the life of every order, and what each lever must be counted for.
 *
 * An order is sent, acknowledged and in force; or refused, and the lever stays
 * as it was; or its outcome is unknown, and the lever counts at the largest
 * value it may hold until a reading taken one worst delay later says. A ghost
 * is such a value: what an order of unknown outcome, or of a core that ran here
 * before, may still do. Nothing here decides what to order: order.c does.
 */
#include "lever.h"

#include "outputs.h"
#include "quality.h"

#define LEVER_RETRY_FIRST_US  INT64_C(1000000)
#define LEVER_RETRY_MAX_US    INT64_C(60000000)
#define LEVER_RETRY_DOUBLINGS 6
#define LEVER_RETRY_JITTER    0.25
#define LEVER_DRIFT_RIDE_US INT64_C(1000000)
#define LEVER_DRIFT_MAX_US    INT64_C(5000000)
#define LEVER_TOLERANCE       0.5 /* units, where no finer step is known          */
#define LEVER_TOLERANCE_RATIO 0.001

double lever_tolerance(const struct core_config_lever *conf)
{
    double fine = LEVER_TOLERANCE_RATIO * (conf->max - conf->min);

    fine = fine < LEVER_TOLERANCE ? fine : LEVER_TOLERANCE;
    return conf->step / 2.0 > fine ? conf->step / 2.0 : fine;
}

double lever_drift_tolerance(const struct core_config_lever *conf, double value)
{
    double ratio = LEVER_TOLERANCE_RATIO * __builtin_fabs(value);
    double fine = ratio < LEVER_TOLERANCE ? ratio : LEVER_TOLERANCE;
    double near = lever_tolerance(conf);

    fine = conf->step > fine ? conf->step : fine;
    return near > fine ? near : fine;
}

static double lever_larger(double a, double b)
{
    return b > a || !block_is_number(a) ? (block_is_number(b) ? b : a) : a;
}

double lever_counted_with(const struct block *b, int32_t l, double value)
{
    const struct lever *lever = &b->levers[l];
    const struct core_config_lever *conf = &b->levers_conf[l];
    double counted = lever_larger(value, lever->base);

    counted = lever_larger(counted, lever->ghost);
    if (lever->state == CORE_LEVER_UNREAD)
        counted = lever_larger(counted, conf->max);
    if (lever->state == CORE_LEVER_SENT)
        counted = lever_larger(counted, lever->sent);
    if (conf->timeout_us > 0)
        counted = lever_larger(counted, conf->fallback);
    return counted;
}

double lever_counted(const struct block *b, int32_t l)
{
    return lever_counted_with(b, l, __builtin_nan(""));
}

bool lever_is_raise(const struct block *b, int32_t l, double value)
{
    const struct core_config_lever *conf = &b->levers_conf[l];
    bool covered = conf->timeout_us > 0 && value <= conf->fallback;

    return block_is_cap(conf) && !covered && !(value <= b->levers[l].base);
}

void lever_source(struct block *b, int32_t l, double counted)
{
    const struct core_config_lever *conf = &b->levers_conf[l];
    struct source *source = &b->sources[l];

    if (!block_is_cap(conf))
        return;
    source->now_w = counted * block_unit_w(conf);
    source->standing_w = source->now_w;
    if (conf->use == CORE_LEVER_CHARGE && conf->timeout_us > 0)
        source->standing_w = conf->fallback * block_unit_w(conf);
}

void lever_due(struct block *b, int32_t l, enum core_cause_kind kind, int64_t taken_us, int64_t arrived_us)
{
    struct lever *lever = &b->levers[l];

    if (lever->cause_step == b->core->step && lever->due.arrived_us > arrived_us)
        return;
    lever->cause_step = b->core->step;
    block_cause(&lever->due, kind, taken_us, arrived_us);
}

/* Less is counted than before: others may have waited for that. */
static void lever_news(struct block *b, enum core_cause_kind kind, int64_t taken_us, int64_t arrived_us)
{
    if (b->core->news_step == b->core->step && b->core->news.arrived_us > arrived_us)
        return;
    b->core->news_step = b->core->step;
    block_cause(&b->core->news, kind, taken_us, arrived_us);
}

static void lever_lay_ghost(struct lever *lever)
{
    lever->ghost = __builtin_nan("");
    lever->ghost_until_us = INT64_MIN;
}

static void lever_fear(struct lever *lever, double value, int64_t until_us)
{
    lever->ghost = lever_larger(lever->ghost, value);
    lever->ghost_until_us = until_us > lever->ghost_until_us ? until_us : lever->ghost_until_us;
}

static void lever_back_off(struct block *b, struct lever *lever)
{
    int32_t shift = lever->streak < LEVER_RETRY_DOUBLINGS ? lever->streak : LEVER_RETRY_DOUBLINGS;
    int64_t wait_us = LEVER_RETRY_FIRST_US << shift;
    double jitter = 1.0 + LEVER_RETRY_JITTER * (2.0 * block_random(b->core) - 1.0);

    wait_us = wait_us < LEVER_RETRY_MAX_US ? wait_us : LEVER_RETRY_MAX_US;
    lever->retry_us = b->core->now_us + (int64_t)((double)wait_us * jitter);
    lever->streak++;
}

static void lever_failed(struct block *b, int32_t l, enum ev event, double seen)
{
    struct lever *lever = &b->levers[l];

    lever->failures++;
    lever_back_off(b, lever);
    if (lever->failing)
        return;
    lever->failing = 1;
    outputs_lever_event(b, event, l, seen, lever->sent);
}

static void lever_confirmed(struct block *b, int32_t l, double value)
{
    struct lever *lever = &b->levers[l];

    if (lever->failing)
        outputs_lever_event(b, EV_ORDER_CONFIRMED, l, value, lever->sent);
    if (b->core->restoring && lever->released)
        outputs_lever_event(b, EV_RESTORED, l, value, lever->sent);
    lever->failing = lever->streak = 0;
    lever->retry_us = INT64_MIN;
}

/* Certain again: `value` was read at taken_us. */
static void lever_settle(struct lever *lever, double value, int64_t taken_us)
{
    lever->in_force = lever->base = value;
    lever->confirmed_us = taken_us;
}

/* ---- identities ---- */

static void lever_forget(struct block *b, int32_t l)
{
    struct lever *lever = &b->levers[l];
    const struct core_config_lever *conf = &b->levers_conf[l];

    lever->state = CORE_LEVER_UNREAD;
    lever->answered = 1;
    lever->ours = lever->secured = lever->drifted = lever->failing = 0;
    lever->streak = lever->drift_streak = lever->released = 0;
    lever->in_force = lever->base = __builtin_nan("");
    lever->confirmed_us = b->core->now_us;
    lever->retry_us = lever->drift_retry_us = lever->lease_end_us = lever->ends_us = INT64_MIN;
    lever_lay_ghost(lever);
    lever_fear(lever, conf->max, block_later(b->core->now_us, conf->delay_worst_us));
}

static void lever_identity(struct block *b, const struct core_identity *identity)
{
    struct outputs_about about = OUTPUTS_ABOUT_NOTHING;

    CHECK(identity->device >= 0 && identity->device < b->core->device_count);

    struct device *device = &b->devices[identity->device];
    bool changed = device->identified && device->serial_hash != identity->serial_hash;

    device->identified = 1;
    device->serial_hash = identity->serial_hash;
    if (!changed)
        return;
    about.device = identity->device;
    outputs_event(b, EV_DEVICE_CHANGED, &about);
    for (int32_t l = 0; l < b->core->lever_count; l++)
        if (b->levers_conf[l].device == identity->device)
            lever_forget(b, l);
}

/* ---- acknowledgements ---- */

static void lever_ack_ok(struct block *b, const struct core_ack *ack)
{
    struct lever *lever = &b->levers[ack->lever];
    bool known = ack->done_us >= lever->sent_us && ack->done_us <= b->core->now_us;

    lever->state = CORE_LEVER_IN_FORCE;
    lever->ours = lever->secured = 1;
    lever->drifted = 0;
    lever->lease_end_us = lever->ends_us;
    lever->held = lever->sent;
    lever_settle(lever, lever->sent, known ? ack->done_us : b->core->now_us);
    lever_confirmed(b, ack->lever, ack->readback);
}

/* The device certainly did not take it: nothing changed there, unless an older
 * order of unknown outcome is still to be feared. */
static void lever_ack_untaken(struct block *b, const struct core_ack *ack)
{
    struct lever *lever = &b->levers[ack->lever];

    lever->state = lever->ours ? CORE_LEVER_IN_FORCE : CORE_LEVER_STANDING;
    if (block_is_number(lever->ghost))
        lever->state = CORE_LEVER_UNKNOWN;
    lever_failed(b, ack->lever, EV_ORDER_FAILED, ack->readback);
}

static void lever_ack_unknown(struct block *b, const struct core_ack *ack, int64_t until_us)
{
    struct lever *lever = &b->levers[ack->lever];
    bool other = ack->status == ST_MISMATCH || ack->status == ST_OK;

    lever->state = CORE_LEVER_UNKNOWN;
    lever_fear(lever, lever_larger(lever->sent, ack->readback), until_us);
    lever_failed(b, ack->lever, other ? EV_ORDER_NOT_APPLIED : EV_ORDER_FAILED, ack->readback);
}

static bool lever_untaken(enum status status)
{
    return status == ST_REFUSED || status == ST_NACK || status == ST_RANGE || status == ST_BUSY ||
           status == ST_STALE || status == ST_ABSENT;
}

static void lever_ack(struct block *b, const struct core_ack *ack)
{
    CHECK(ack->lever >= 0 && ack->lever < b->core->lever_count);

    struct lever *lever = &b->levers[ack->lever];
    const struct core_config_lever *conf = &b->levers_conf[ack->lever];
    double counted = lever_counted(b, ack->lever);
    bool known = ack->dispatched_us >= lever->sent_us && ack->dispatched_us <= b->core->now_us;
    int64_t until_us = block_later(known ? ack->dispatched_us : b->core->now_us, conf->delay_worst_us);

    if (ack->number != lever->number || lever->answered || ack->status == ST_NONE)
        return; /* late, doubled, or about nothing */
    lever->answered = 1;
    /* an older order that was never answered cannot start after this one */
    if (lever->ghost_until_us == CORE_FOREVER)
        lever->ghost_until_us = until_us;
    if (ack->status == ST_OK && __builtin_fabs(ack->readback - lever->sent) <= lever_tolerance(conf))
        lever_ack_ok(b, ack);
    else if (lever_untaken(ack->status))
        lever_ack_untaken(b, ack);
    else
        lever_ack_unknown(b, ack, until_us);
    lever_due(b, ack->lever, CORE_CAUSE_ACK, ack->dispatched_us, ack->done_us);
    if (lever_counted(b, ack->lever) < counted)
        lever_news(b, CORE_CAUSE_ACK, ack->dispatched_us, ack->done_us);
}

/* ---- read-backs ---- */

static void lever_drift(struct block *b, int32_t l, double value)
{
    struct lever *lever = &b->levers[l];
    const struct core_config_lever *conf = &b->levers_conf[l];
    int64_t wait_us =
        (conf->interval_min_us > 0 ? conf->interval_min_us : b->core->period_us)
        << (lever->drift_streak < LEVER_RETRY_DOUBLINGS ? lever->drift_streak : LEVER_RETRY_DOUBLINGS);

    if (!lever->drifted) {
        outputs_lever_event(b, EV_LEVER_DRIFTED, l, value, lever->held);
        wait_us = wait_us < LEVER_DRIFT_MAX_US ? wait_us : LEVER_DRIFT_MAX_US;
        lever->drift_retry_us = lever->drift_streak == 0 ? INT64_MIN : block_later(b->core->now_us, wait_us);
        /* A supply that loses its settings may be the first sign of a sag: then nothing is written. */
        if (conf->ride != CORE_LEVER_RIDE_NONE && b->core->ride.on && lever->drift_streak == 0)
            lever->drift_retry_us = block_later(b->core->now_us, LEVER_DRIFT_RIDE_US);
        lever->drift_streak++;
    }
    lever->drifted = 1;
    lever->in_force = value;
    lever->base = lever_larger(lever->base, value);
}

/* Read while certain: ours as it was, drifted, or somebody else's all along. */
static void lever_read_certain(struct block *b, int32_t l, double value, int64_t taken_us)
{
    struct lever *lever = &b->levers[l];
    const struct core_config_lever *conf = &b->levers_conf[l];

    if (lever->state == CORE_LEVER_STANDING) {
        lever_settle(lever, value, taken_us);
        return;
    }
    if (__builtin_fabs(value - lever->held) <= lever_drift_tolerance(conf, lever->held)) {
        if (lever->drifted)
            lever_settle(lever, lever->held, taken_us);
        lever->drifted = 0;
        if (taken_us - lever->sent_us > LEVER_DRIFT_MAX_US)
            lever->drift_streak = 0; /* it held for a while */
        return;
    }
    lever_drift(b, l, value);
}

static void lever_read_unknown(struct block *b, int32_t l, double value, int64_t taken_us)
{
    struct lever *lever = &b->levers[l];
    const struct core_config_lever *conf = &b->levers_conf[l];
    bool sent = __builtin_fabs(value - lever->sent) <= lever_tolerance(conf);
    bool ours = sent || (lever->ours && __builtin_fabs(value - lever->held) <= lever_tolerance(conf));

    if (!lever->answered || lever->ghost_until_us > taken_us) {
        lever->in_force = value;
        lever->base = lever_larger(lever->base, value);
        return; /* the order may still land */
    }
    lever->state = ours ? CORE_LEVER_IN_FORCE : CORE_LEVER_STANDING;
    lever->ours = ours;
    lever->secured = lever->secured || ours;
    lever->lease_end_us = sent ? lever->ends_us : lever->lease_end_us;
    lever->held = sent ? lever->sent : lever->held;
    lever_settle(lever, ours ? lever->held : value, taken_us);
    if (sent)
        lever_confirmed(b, l, value);
}

static void lever_reading(struct block *b, int32_t l)
{
    struct lever *lever = &b->levers[l];
    const struct point *point = &b->points[b->levers_conf[l].readback_point];
    double counted = lever_counted(b, l);

    if (point->taken_us < lever->confirmed_us)
        return; /* from before the value that is known already */
    switch (lever->state) {
    case CORE_LEVER_UNREAD:
        lever->state = CORE_LEVER_STANDING;
        lever_settle(lever, point->value, point->taken_us);
        break;
    case CORE_LEVER_STANDING:
    case CORE_LEVER_IN_FORCE:
        lever_read_certain(b, l, point->value, point->taken_us);
        break;
    case CORE_LEVER_SENT:
        lever->in_force = point->value;
        lever->base = lever_larger(lever->base, point->value);
        break;
    case CORE_LEVER_UNKNOWN:
        lever_read_unknown(b, l, point->value, point->taken_us);
        break;
    }
    if (lever->ghost_until_us <= point->taken_us)
        lever_lay_ghost(lever);
    lever_due(b, l, CORE_CAUSE_READING, point->taken_us, point->arrived_us);
    if (lever_counted(b, l) < counted)
        lever_news(b, CORE_CAUSE_READING, point->taken_us, point->arrived_us);
}

/* ---- time ---- */

static void lever_time(struct block *b, int32_t l)
{
    struct lever *lever = &b->levers[l];
    const struct core_config_lever *conf = &b->levers_conf[l];
    int64_t now_us = b->core->now_us;

    if (!b->core->started && lever->ghost_until_us == CORE_FOREVER && lever->number == 0)
        lever->ghost_until_us = block_later(now_us, conf->delay_worst_us);
    if (lever->state == CORE_LEVER_SENT && now_us - lever->sent_us > 2 * conf->delay_worst_us) {
        /* no answer at all: whoever holds the order may still begin with it */
        lever->state = CORE_LEVER_UNKNOWN;
        lever_fear(lever, lever->sent, CORE_FOREVER);
        lever_failed(b, l, EV_ORDER_FAILED, __builtin_nan(""));
    }
    if (conf->timeout_us > 0 && lever->state == CORE_LEVER_IN_FORCE && now_us >= lever->lease_end_us) {
        /* the device's own time-out ended: it is back at its fallback, or soon */
        lever->state = CORE_LEVER_STANDING;
        lever->ours = 0;
    }
}

void lever_step(struct block *b)
{
    for (int32_t i = 0; i < b->in->identity_count; i++)
        lever_identity(b, &b->in->identities[i]);
    for (int32_t a = 0; a < b->in->ack_count; a++)
        lever_ack(b, &b->in->acks[a]);
    for (int32_t l = 0; l < b->core->lever_count; l++) {
        lever_time(b, l);
        if (quality_new(b, b->levers_conf[l].readback_point))
            lever_reading(b, l);
        lever_source(b, l, lever_counted(b, l));
    }
}

/* ---- orders ---- */

void lever_commit(struct block *b, const struct core_order *order)
{
    struct lever *lever = &b->levers[order->lever];

    if (!lever->answered) /* the one before may still be taken up until this one is answered */
        lever_fear(lever, lever->sent, CORE_FOREVER);
    lever->state = CORE_LEVER_SENT;
    lever->answered = 0;
    lever->released = order->release;
    lever->sent = order->value;
    lever->sent_us = b->core->now_us;
    lever->ends_us = order->timeout_us > 0 && !order->release ? order->lease_end_us : CORE_FOREVER;
    lever->number = order->number;
    lever->orders++;
    block_cause(&lever->cause, order->cause.kind, order->cause.taken_us, order->cause.arrived_us);
}

void lever_refuse(struct block *b, int32_t l, double value, double bound)
{
    struct lever *lever = &b->levers[l];

    lever->refused++;
    lever_back_off(b, lever);
    if (lever->failing)
        return;
    lever->failing = 1;
    outputs_lever_event(b, EV_ORDER_REFUSED, l, value, bound);
}
