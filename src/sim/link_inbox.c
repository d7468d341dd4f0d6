/* SPDX-License-Identifier: Apache-2.0 */
/* link_inbox.c: what has arrived for each daemon since it last looked.
 *
 * Readings and identities are states: the newest replaces. Acknowledgements are
 * records. Two daemons see the same readings; each gets the answers to its own
 * orders, as long as it lives the life in which it gave them. Owns what happens
 * later as well: doubled answers, and writes that are executed late.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "link_parts.h"

#define LINK_INBOX_ACKS_MORE 64
#define LINK_INBOX_AGAIN_S   3.0 /* a doubled answer comes so much later at most  */

static bool link_inbox_one(struct link_inbox *inbox, const struct core_config *core)
{
    size_t points = (size_t)core->point_count, devices = (size_t)core->device_count;

    inbox->ack_max = core->lever_count + LINK_INBOX_ACKS_MORE;
    inbox->readings = calloc(points, sizeof *inbox->readings);
    inbox->stamp = calloc(points, sizeof *inbox->stamp);
    inbox->at = calloc(points, sizeof *inbox->at);
    inbox->acks = calloc((size_t)inbox->ack_max, sizeof *inbox->acks);
    inbox->identities = calloc(devices, sizeof *inbox->identities);
    inbox->known = calloc(devices, sizeof *inbox->known);
    inbox->epoch = 1;
    return inbox->readings && inbox->stamp && inbox->at && inbox->acks && inbox->identities && inbox->known;
}

bool link_inbox_init(struct link *link)
{
    bool ok = true;

    for (int who = 0; who < LINK_DAEMONS; who++)
        ok = link_inbox_one(&link->inbox[who], &link->conf->core) && ok;
    return ok;
}

void link_inbox_done(struct link *link)
{
    for (int who = 0; who < LINK_DAEMONS; who++) {
        free(link->inbox[who].readings);
        free(link->inbox[who].stamp);
        free(link->inbox[who].at);
        free(link->inbox[who].acks);
        free(link->inbox[who].identities);
        free(link->inbox[who].known);
    }
}

/* What was handed over stays readable until the next thing arrives. */
static bool link_inbox_open(struct link_inbox *inbox)
{
    if (!inbox->alive)
        return false;
    if (!inbox->taken)
        return true;
    inbox->taken = false;
    inbox->reading_count = inbox->ack_count = inbox->identity_count = 0;
    inbox->epoch++;
    return true;
}

void link_inbox_collect(struct link *link, int32_t who, struct core_inputs *ret)
{
    struct link_inbox *inbox = &link->inbox[who];

    (void)link_inbox_open(inbox); /* what was handed over is not handed over again */
    inbox->taken = true;
    ret->reading_count = inbox->reading_count;
    ret->readings = inbox->readings;
    ret->ack_count = inbox->ack_count;
    ret->acks = inbox->acks;
    ret->identity_count = inbox->identity_count;
    ret->identities = inbox->identities;
}

/* A daemon starts with an empty inbox and knows no device. */
void link_inbox_start(struct link *link, int32_t who)
{
    struct link_inbox *inbox = &link->inbox[who];

    inbox->alive = true;
    inbox->taken = true;
    inbox->life++;
    memset(inbox->known, 0, (size_t)link->conf->core.device_count * sizeof *inbox->known);
}

static void link_inbox_put_reading(struct link_inbox *inbox, const struct core_reading *reading)
{
    int32_t p = reading->point;

    if (!link_inbox_open(inbox))
        return;
    if (inbox->stamp[p] != inbox->epoch) {
        inbox->stamp[p] = inbox->epoch;
        inbox->at[p] = inbox->reading_count++;
    } else if (inbox->readings[inbox->at[p]].taken_us > reading->taken_us) {
        return; /* a doubled one of before */
    }
    inbox->readings[inbox->at[p]] = *reading;
}

void link_inbox_reading(struct link *link, int32_t point, double value, int64_t taken_us, int64_t arrived_us)
{
    struct core_reading reading = {
        .point = point,
        .status = ST_OK,
        .value = link_fault_value(link, point, value),
        .taken_us = taken_us,
        .arrived_us = arrived_us,
    };
    double part;

    if (link->faults.any && link_fault_hit(link, link->conf->points[point].device, LINK_DUPLICATE, &part) &&
        rng_uniform(&link->rng, 0.0, 1.0) < part)
        link_inbox_put_later(
            link, &(struct link_later){
                      .kind = LINK_LATER_READING,
                      .at_us = arrived_us +
                               (int64_t)(rng_uniform(&link->rng, 0.0, LINK_INBOX_AGAIN_S) * LINK_US_PER_S),
                      .reading = reading,
                  });
    for (int who = 0; who < LINK_DAEMONS; who++)
        link_inbox_put_reading(&link->inbox[who], &reading);
}

static void link_inbox_put_ack(struct link *link, const struct link_owner *owner, const struct core_ack *ack)
{
    struct link_inbox *inbox = &link->inbox[owner->who];

    if (!link_owner_lives(link, owner) || !link_inbox_open(inbox))
        return;
    if (inbox->ack_count == inbox->ack_max) {
        link->stats.lost++;
        return;
    }
    inbox->acks[inbox->ack_count++] = *ack;
    link->stats.acks++;
}

void link_inbox_ack(struct link *link, const struct link_owner *owner, const struct core_ack *ack)
{
    int32_t device = link->conf->levers[ack->lever].device;
    double part;

    if (link->faults.any && link_fault_hit(link, device, LINK_DUPLICATE, &part) &&
        rng_uniform(&link->rng, 0.0, 1.0) < part)
        link_inbox_put_later(
            link, &(struct link_later){
                      .kind = LINK_LATER_ACK,
                      .at_us = ack->done_us +
                               (int64_t)(rng_uniform(&link->rng, 0.0, LINK_INBOX_AGAIN_S) * LINK_US_PER_S),
                      .ack = *ack,
                      .owner = *owner,
                  });
    if (link->faults.any && link_fault_hit(link, device, LINK_LOSS, &part) &&
        rng_uniform(&link->rng, 0.0, 1.0) < part) {
        link->stats.lost++;
        return;
    }
    link_inbox_put_ack(link, owner, ack);
}

/* FNV-1a; never 0, which is nobody. */
static uint32_t link_inbox_hash(const char *text)
{
    uint32_t hash = UINT32_C(2166136261);

    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT32_C(16777619);
    return hash ? hash : 1;
}

void link_inbox_identity(struct link *link, int32_t device, const char *serial)
{
    uint32_t hash = link_inbox_hash(serial);

    for (int who = 0; who < LINK_DAEMONS; who++) {
        struct link_inbox *inbox = &link->inbox[who];

        if (!inbox->alive || inbox->known[device] == hash || !link_inbox_open(inbox))
            continue;
        inbox->known[device] = hash;
        if (inbox->identity_count < link->conf->core.device_count)
            inbox->identities[inbox->identity_count++] =
                (struct core_identity){ .device = device, .serial_hash = hash };
    }
}

/* ---- later ---- */

void link_inbox_put_later(struct link *link, const struct link_later *later)
{
    if (link->later_count == LINK_LATER_MAX) {
        link->stats.lost++;
        return;
    }
    for (int32_t i = 0; i < LINK_LATER_MAX; i++)
        if (link->later[i].kind == LINK_LATER_FREE) {
            link->later[i] = *later;
            link->later_count++;
            break;
        }
    *link_later_due(link) = link_earlier(*link_later_due(link), later->at_us);
    link->next_us = link_earlier(link->next_us, later->at_us);
}

static void link_inbox_happen(struct link *link, const struct link_later *later, int64_t now_us)
{
    struct core_reading reading = later->reading;

    if (later->kind == LINK_LATER_EFFECT) {
        if (link_device_alive(link, later->effect.device))
            link_effect_apply(link, &later->effect);
    } else if (later->kind == LINK_LATER_ACK) {
        link_inbox_put_ack(link, &later->owner, &later->ack);
    } else {
        reading.arrived_us = now_us;
        for (int who = 0; who < LINK_DAEMONS; who++)
            link_inbox_put_reading(&link->inbox[who], &reading);
    }
}

void link_inbox_later(struct link *link, int64_t now_us)
{
    int64_t next_us = LINK_NEVER;

    link_fault_meddle(link, now_us);
    for (int32_t i = 0, left = link->later_count; left > 0 && i < LINK_LATER_MAX; i++) {
        struct link_later *later = &link->later[i];

        if (later->kind == LINK_LATER_FREE)
            continue;
        left--;
        if (later->at_us <= now_us) {
            link_inbox_happen(link, later, now_us);
            later->kind = LINK_LATER_FREE;
            link->later_count--;
        } else {
            next_us = link_earlier(next_us, later->at_us);
        }
    }
    *link_later_due(link) = link_earlier(next_us, link->faults.next_meddle_us);
}
