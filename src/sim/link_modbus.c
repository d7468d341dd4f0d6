/* SPDX-License-Identifier: Apache-2.0 */
/* link_modbus.c: one Modbus line: what is asked next, and how long it takes.
 *
 * Owns the polls and the wire. One transaction at a time: its characters at 11
 * bits, the module's turnaround, a gap. Read-backs and orders go before polls,
 * eight in a row at most while a poll is due. A module that does not answer three
 * times is only probed, half a second apart and then longer, as src/field does.
 * Values are what the module showed when it was asked.
 */
#include <math.h>
#include <string.h>

#include "link_parts.h"

#define LINK_MODBUS_TIMEOUT_US     INT64_C(100000)
#define LINK_MODBUS_REQUEST_CHARS  8
#define LINK_MODBUS_READ_CHARS(n)  (13 + 2 * (n)) /* n registers, both ways        */
#define LINK_MODBUS_TAIL_PART      0.08           /* of the answers are slow ones  */
#define LINK_MODBUS_FAILURES_MAX   3
#define LINK_MODBUS_PROBE_FIRST_US INT64_C(500000)
#define LINK_MODBUS_PROBE_LAST_US  INT64_C(5000000)
#define LINK_MODBUS_ORDERS_MAX     8

/* Errors of a module's own sensors, each unit's its own. */
#define LINK_MODBUS_GAIN_W        0.01
#define LINK_MODBUS_GAIN_V        0.003
#define LINK_MODBUS_NOISE         0.0005

/* Registers a job reads; how often, by line: fast with mirrors, slow with
 * mirrors, fast without, slow without; 0: not there. */
static const struct link_modbus_kind {
    int registers;
    int64_t period_us[4];
} link_modbus_kinds[LINK_JOB_KINDS] = {
    [LINK_JOB_PSU_MIRROR] = { 96, { 100000, 300000, 0, 0 } },
    [LINK_JOB_BBU_MIRROR] = { 96, { 200000, 1000000, 0, 0 } },
    [LINK_JOB_PSU_POWER] = { 11, { 500000, 3000000, 200000, 350000 } },
    [LINK_JOB_BBU_POWER] = { 24, { 2000000, 5000000, 500000, 1000000 } },
    [LINK_JOB_PSU_SETTINGS] = { 12, { 3000000, 6000000, 3000000, 8000000 } },
    [LINK_JOB_BBU_SETTINGS] = { 3, { 3000000, 6000000, 3000000, 8000000 } },
};

static int64_t link_modbus_period_us(const struct link *link, enum link_job_kind kind)
{
    return link_modbus_kinds[kind].period_us[(link->mirrors ? 0 : 2) + (link->fast ? 0 : 1)];
}

static void link_modbus_job(struct link *link, struct link_line *line, enum link_job_kind kind, int32_t slot)
{
    int64_t period_us = link_modbus_period_us(link, kind);

    if (period_us > 0) /* spread over the first round */
        line->jobs[line->job_count++] =
            (struct link_job){ .kind = kind,
                               .slot = slot,
                               .due_us = (int64_t)(rng_uniform(&line->rng, 0.0, 0.2) * (double)period_us) };
}

void link_modbus_init(struct link *link, int32_t shelf, uint64_t seed)
{
    const struct link_conf *conf = link->conf;
    struct link_line *line = &link->lines[shelf];

    rng_init(&line->rng, seed, 200 + (uint64_t)shelf);
    line->shelf = shelf;
    line->psu_count = conf->shelf_psus;
    line->slot_count = conf->shelf_psus + conf->shelf_bbus;
    line->lever = CORE_NONE;
    line->exec_us = line->end_us = LINK_NEVER;
    link_modbus_job(link, line, LINK_JOB_PSU_MIRROR, CORE_NONE);
    if (conf->shelf_bbus > 0)
        link_modbus_job(link, line, LINK_JOB_BBU_MIRROR, CORE_NONE);
    for (int32_t i = 0; i < line->slot_count; i++) {
        bool psu = i < line->psu_count;

        line->slot[i] = (struct link_slot){
            .device = psu ? link_conf_psu(shelf * conf->shelf_psus + i)
                          : link_conf_bbu(conf, shelf * conf->shelf_bbus + i - line->psu_count),
            .gain_w = 1.0 + rng_uniform(&line->rng, -LINK_MODBUS_GAIN_W, LINK_MODBUS_GAIN_W),
            .gain_v = 1.0 + rng_uniform(&line->rng, -LINK_MODBUS_GAIN_V, LINK_MODBUS_GAIN_V),
        };
        link_modbus_job(link, line, psu ? LINK_JOB_PSU_POWER : LINK_JOB_BBU_POWER, i);
        link_modbus_job(link, line, psu ? LINK_JOB_PSU_SETTINGS : LINK_JOB_BBU_SETTINGS, i);
    }
}

/* ---- what registers show ---- */

double link_modbus_setting(const struct link *link, const struct link_conf_lever *lever)
{
    const struct plant *plant = link->plant;

    switch (lever->kind) {
    case LINK_LEVER_SETPOINT:
        return plant->psus[lever->index].setpoint_v;
    case LINK_LEVER_START:
        return isnan(plant->psus[lever->index].start_delay_s) ? LINK_START_UNSET_S
                                                              : plant->psus[lever->index].start_delay_s;
    case LINK_LEVER_CHARGE:
        return plant->bbus[lever->index].override_a;
    case LINK_LEVER_LIMIT:
        break;
    }
    return plant->gpus[lever->index].limit_w;
}

static void link_modbus_show(struct link_line *line, int32_t point, double value)
{
    line->point[line->value_count] = point;
    line->value[line->value_count++] = value;
}

/* A measured value: its unit's gain, a little noise, the register's step. */
static double link_modbus_measure(struct link_line *line, double value, double gain, double step)
{
    double noise = 1.0 + rng_uniform(&line->rng, -LINK_MODBUS_NOISE, LINK_MODBUS_NOISE);

    return nearbyint(value * gain * noise / step) * step;
}

static void link_modbus_show_psu(const struct link *link, struct link_line *line, int32_t slot, bool all)
{
    const struct link_conf_device *device = &link->conf->devices[line->slot[slot].device];
    const struct plant_psu *psu = &link->plant->psus[device->index];
    const struct link_slot *s = &line->slot[slot];

    link_modbus_show(line, device->first_point + LINK_PSU_INPUT_V,
                     link_modbus_measure(line, psu->input_v, s->gain_v, 0.015625));
    if (!all)
        return;
    link_modbus_show(line, device->first_point + LINK_PSU_INPUT_W,
                     link_modbus_measure(line, psu->input_w, s->gain_w, 0.125));
    link_modbus_show(line, device->first_point + LINK_PSU_OUTPUT_W,
                     link_modbus_measure(line, psu->output_w, s->gain_w, 0.125));
}

static void link_modbus_show_bbu(const struct link *link, struct link_line *line, int32_t slot, bool all)
{
    const struct link_conf_device *device = &link->conf->devices[line->slot[slot].device];
    const struct plant_bbu *bbu = &link->plant->bbus[device->index];
    double soc = bbu->energy_full_j > 0.0 ? bbu->energy_j / bbu->energy_full_j : 0.0;

    link_modbus_show(line, device->first_point + LINK_BBU_PACK_A,
                     link_modbus_measure(line, bbu->pack_a, line->slot[slot].gain_w, 0.01));
    link_modbus_show(line, device->first_point + LINK_BBU_SOC, floor(fmin(soc, 1.0) * 100.0) / 100.0);
    if (all)
        link_modbus_show(line, device->first_point + LINK_BBU_BUS_V,
                         link_modbus_measure(line, bbu->bus_v, 1.0, 0.001));
}

static void link_modbus_show_settings(const struct link *link, struct link_line *line, int32_t slot)
{
    const struct link_conf_device *device = &link->conf->devices[line->slot[slot].device];

    for (int32_t l = 0; l < device->lever_count; l++)
        link_modbus_show(line, link->conf->levers[device->first_lever + l].readback_point,
                         link_modbus_setting(link, &link->conf->lever_of[device->first_lever + l]));
}

/* A shelf's controller has nothing of a module that is dead. */
static void link_modbus_show_mirror(const struct link *link, struct link_line *line, bool bbus)
{
    for (int32_t i = bbus ? line->psu_count : 0; i < (bbus ? line->slot_count : line->psu_count); i++) {
        if (!link_device_alive(link, line->slot[i].device))
            continue;
        if (bbus)
            link_modbus_show_bbu(link, line, i, false);
        else
            link_modbus_show_psu(link, line, i, false);
    }
}

static void link_modbus_show_job(const struct link *link, struct link_line *line, const struct link_job *job)
{
    switch (job->kind) {
    case LINK_JOB_PSU_MIRROR:
    case LINK_JOB_BBU_MIRROR:
        link_modbus_show_mirror(link, line, job->kind == LINK_JOB_BBU_MIRROR);
        break;
    case LINK_JOB_PSU_POWER:
        link_modbus_show_psu(link, line, job->slot, true);
        break;
    case LINK_JOB_BBU_POWER:
        link_modbus_show_bbu(link, line, job->slot, true);
        break;
    default:
        link_modbus_show_settings(link, line, job->slot);
        break;
    }
}

/* ---- the wire ---- */

void link_modbus_ask(struct link *link, struct link_line *line, int32_t slot, bool write, int chars,
                     int64_t now_us)
{
    int32_t device = line->slot[slot == CORE_NONE ? 0 : slot].device;
    double turn_us = rng_uniform(&line->rng, link->turnaround_low_us, link->turnaround_high_us);
    int64_t request_us = (int64_t)(LINK_MODBUS_REQUEST_CHARS * link->char_us);
    int64_t wait_us, wire_us = (int64_t)(chars * link->char_us);

    if (link->tail_us > 0.0 && rng_uniform(&line->rng, 0.0, 1.0) < LINK_MODBUS_TAIL_PART)
        turn_us = rng_uniform(&line->rng, link->turnaround_high_us, link->tail_us);
    line->fate = link_fault_fate(link, device, write, &line->rng);
    if (slot != CORE_NONE && !link_device_alive(link, device))
        line->fate = (struct link_fate){ .executes = false };
    wait_us = (int64_t)(turn_us * line->fate.slower) + line->fate.more_us;
    if (wait_us > LINK_MODBUS_TIMEOUT_US)
        line->fate.answered = false;
    line->busy = true;
    line->slot_asked = slot;
    line->asked_us = now_us > line->rest_us ? now_us : line->rest_us;
    line->end_us =
        line->asked_us + (line->fate.answered ? wire_us + wait_us : request_us + LINK_MODBUS_TIMEOUT_US);
    line->rest_us = line->end_us + link->gap_us;
    line->value_count = 0;
    if (write && line->fate.executes)
        line->exec_us = line->asked_us + request_us + link_earlier(wait_us / 2, LINK_MODBUS_TIMEOUT_US);
    if (write)
        link->stats.writes++;
    else
        link->stats.reads++;
}

static void link_modbus_heard(struct link *link, struct link_line *line, bool answered, int64_t now_us)
{
    struct link_slot *slot = &line->slot[line->slot_asked];

    if (answered) {
        const struct link_conf_device *device = &link->conf->devices[slot->device];

        if (device->kind == LINK_PSU)
            link_inbox_identity(link, slot->device, link->plant->psus[device->index].serial);
        else
            link_inbox_identity(link, slot->device, link->plant->bbus[device->index].serial);
        for (int32_t j = 0; slot->silent && j < line->job_count; j++)
            if (line->jobs[j].slot == line->slot_asked)
                line->jobs[j].due_us = now_us; /* it is back: everything of it anew */
        slot->silent = false;
        slot->failures = 0;
        return;
    }
    link->stats.lost++;
    if (slot->silent) {
        slot->probe_every_us = link_earlier(2 * slot->probe_every_us, LINK_MODBUS_PROBE_LAST_US);
    } else if (++slot->failures >= LINK_MODBUS_FAILURES_MAX) {
        slot->silent = true;
        slot->probe_every_us = LINK_MODBUS_PROBE_FIRST_US;
    }
    slot->probe_us = now_us + (int64_t)(rng_uniform(&line->rng, 0.8, 1.2) * (double)slot->probe_every_us);
}

static void link_modbus_finish(struct link *link, struct link_line *line, int64_t now_us)
{
    bool taken = line->fate.answered && !line->fate.refused;

    line->busy = false;
    line->end_us = LINK_NEVER;
    if (line->slot_asked != CORE_NONE)
        link_modbus_heard(link, line, line->fate.answered, now_us);
    for (int32_t i = 0; taken && i < line->value_count; i++)
        link_inbox_reading(link, line->point[i], line->value[i], line->asked_us, now_us);
    if (line->lever != CORE_NONE)
        link_register_answer(link, line, now_us);
}

/* ---- whose turn ---- */

/* The poll that waits longest; *ret_due_us: when one is due next. */
static struct link_job *link_modbus_next_job(struct link_line *line, int64_t now_us, int64_t *ret_due_us)
{
    struct link_job *urgent = NULL;

    *ret_due_us = LINK_NEVER;
    for (int32_t j = 0; j < line->job_count; j++) {
        struct link_job *job = &line->jobs[j];

        if (job->slot != CORE_NONE && line->slot[job->slot].silent)
            continue;
        *ret_due_us = link_earlier(*ret_due_us, job->due_us);
        if (job->due_us <= now_us && (!urgent || job->due_us < urgent->due_us))
            urgent = job;
    }
    return urgent;
}

static bool link_modbus_probe(struct link *link, struct link_line *line, int64_t now_us, int64_t *ret_due_us)
{
    for (int32_t i = 0; i < line->slot_count; i++) {
        if (!line->slot[i].silent)
            continue;
        if (line->slot[i].probe_us <= now_us) {
            link_modbus_ask(link, line, i, false, LINK_MODBUS_READ_CHARS(1), now_us);
            return true;
        }
        *ret_due_us = link_earlier(*ret_due_us, line->slot[i].probe_us);
    }
    return false;
}

static int64_t link_modbus_begin(struct link *link, struct link_line *line, int64_t now_us)
{
    int64_t due_us;
    struct link_job *job = link_modbus_next_job(line, now_us, &due_us);

    if (line->orders &&
        (!job || line->lever != CORE_NONE || line->orders_in_a_row < LINK_MODBUS_ORDERS_MAX) &&
        link_register_turn(link, line, now_us)) {
        line->orders_in_a_row++;
        return LINK_NEVER;
    }
    line->orders_in_a_row = 0;
    if (link_modbus_probe(link, line, now_us, &due_us))
        return LINK_NEVER;
    if (job) {
        link_modbus_ask(link, line, job->slot, false,
                        LINK_MODBUS_READ_CHARS(link_modbus_kinds[job->kind].registers), now_us);
        link_modbus_show_job(link, line, job);
        job->due_us = now_us + link_modbus_period_us(link, job->kind);
        return LINK_NEVER;
    }
    return line->orders ? link_earlier(due_us, link_register_due_us(link, line)) : due_us;
}

void link_modbus_go(struct link *link, struct link_line *line, int64_t now_us)
{
    int64_t idle_us = LINK_NEVER;

    if (line->exec_us <= now_us) {
        line->exec_us = LINK_NEVER;
        link_effect_apply(link, &line->effect);
    }
    if (line->busy && line->end_us <= now_us) {
        if (link->frozen) {
            line->held = true;
            line->end_us = LINK_NEVER;
        } else {
            link_modbus_finish(link, line, now_us);
        }
    }
    if (!line->busy && link_attended(link))
        idle_us = link_modbus_begin(link, line, now_us);
    *link_line_due(link, line) = link_earlier(link_earlier(line->exec_us, line->end_us), idle_us);
}

void link_modbus_release(struct link *link, struct link_line *line, int64_t now_us)
{
    if (line->held)
        line->end_us = now_us;
    line->held = false;
    *link_line_due(link, line) = now_us;
}
