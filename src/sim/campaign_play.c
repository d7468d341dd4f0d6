/* SPDX-License-Identifier: Apache-2.0 */
/* campaign_play.c: one case, played in virtual time with every checker looking on.
 *
 * Each trouble happens once, at its time, and where it lasts ends at its own. An
 * envelope that is raised holds at once; one that is lowered, from the first time
 * the core says that it is armed under it; one that is lent ends when it says, if the
 * rack was ever armed under it. Every eighth case ends with a restore.
 */
#include "campaign.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAMPAIGN_PLAY_SETTLE_S     12.0
#define CAMPAIGN_PLAY_RESERVE_S    90.0
#define CAMPAIGN_PLAY_SWAP_S       0.5
#define CAMPAIGN_PLAY_SWAP_V       0.2 /* under the default: what another module brings along */
#define CAMPAIGN_PLAY_SWAP_START_S 1.0
#define CAMPAIGN_PLAY_OVERLOAD     1.02 /* of what the supplies that are left can pulse */
#define CAMPAIGN_PLAY_OVERLOAD_OFF 0.02
#define CAMPAIGN_PLAY_LOW_V        1.0
#define CAMPAIGN_PLAY_EXCESS       0.25 /* of the load: it draws more the lower the busbar */
#define CAMPAIGN_PLAY_GOOD         0.95 /* of nominal: no sag runs                       */
#define CAMPAIGN_PLAY_LOADED_S     1.0  /* GPUs have come to their load by then         */
#define CAMPAIGN_PLAY_FLOW_S       10.0 /* what a fault of a link leaves behind is over  */
#define CAMPAIGN_PLAY_RESTORE      8    /* each so-manieth case ends with a restore      */
#define CAMPAIGN_PLAY_CALM_S       9.0  /* what is on its way arrives: worst delays      */
#define CAMPAIGN_PLAY_RESTORE_S    40.0

struct campaign_play {
    const struct campaign_case *c;
    struct virtual *v;
    struct checks *checks;
    struct plant_grid grid;
    struct campaign_result *result;
    uint32_t without;
    bool begun[CAMPAIGN_TROUBLES_MAX], ended[CAMPAIGN_TROUBLES_MAX];
    double envelope_w, wanted_w;    /* that is checked; that the plan says                  */
    double after_w;                 /* a lent one: what is there after expires_us...        */
    int64_t expires_us;             /* ...CORE_FOREVER: it is not lent                      */
    bool lent_armed, lent_over;     /* the rack was armed under it; it is over              */
    bool failed[PLANT_MODULES_MAX]; /* by OVERLOAD                                       */
    int32_t overload_left;          /* supplies that stay...                                 */
    double overload_at_s;           /* ...while the others fail then; NAN: not now           */
    int64_t shifts;                 /* how often power was moved                             */
    double link_s;                  /* until then links are at fault, or were lately        */
};

static bool campaign_play_grid(struct campaign_play *p)
{
    plant_grid_init(&p->grid);
    for (int32_t i = 0; i < p->c->trouble_count; i++) {
        const struct campaign_trouble *t = &p->c->trouble[i];

        if ((p->without >> i & 1U) || (t->kind != CAMPAIGN_SAG && t->kind != CAMPAIGN_INTERRUPTION))
            continue;
        if (!plant_grid_add(&p->grid, t->at_s, t->value, t->phases, t->wye) ||
            !plant_grid_add(&p->grid, t->at_s + t->for_s, 1.0, PLANT_GRID_ABC, false))
            return false;
        p->result->faults[t->kind]++;
    }
    return true;
}

/* ---- troubles ---- */

static int32_t campaign_play_node(const struct campaign_play *p)
{
    const struct core_config *config = virtual_config(p->v);

    for (int32_t n = 0; n < config->node_count; n++)
        if (config->nodes[n].kind == CORE_NODE_RACK)
            return n;
    return 0;
}

static void campaign_play_plan(struct campaign_play *p, const struct campaign_trouble *t)
{
    double envelope_w = t->value, until_s = virtual_now_s(p->v) + t->for_s;
    struct core_plan *plan = virtual_plan(p->v);
    struct core_plan_node *node = &core_plan_nodes(plan)[campaign_play_node(p)];

    p->after_w = virtual_time_us(p->v, virtual_now_s(p->v)) >= p->expires_us ? p->after_w : p->wanted_w;
    if (p->expires_us != CORE_FOREVER && t->lends)
        p->after_w = fmin(p->after_w, node->limit[0].limit_standing_w); /* what is lent is not lent on */
    p->expires_us = t->lends ? virtual_time_us(p->v, until_s) : CORE_FOREVER;
    for (int32_t k = 0; k < node->limit_count; k++) {
        node->limit[k].limit_w = envelope_w;
        node->limit[k].limit_standing_w = t->lends ? p->after_w : envelope_w;
        node->limit[k].expires_us = p->expires_us;
    }
    plan->version++;
    p->wanted_w = envelope_w;
    p->lent_armed = p->lent_over = false;
}

/* Every other accelerator may have little now; and those the next time. */
static void campaign_play_shift(struct campaign_play *p)
{
    const struct core_config *config = virtual_config(p->v);
    struct core_plan *plan = virtual_plan(p->v);

    if (!(virtual_now_s(p->v) >= (double)(p->shifts + 1) * p->c->shift_s))
        return;
    p->shifts++;
    for (int32_t l = 0, gpu = 0; l < config->lever_count; l++) {
        const struct core_config_lever *lever = &config->levers[l];
        double low_w = lever->min + p->c->shift_part * (lever->max - lever->min);

        if (lever->use == CORE_LEVER_LIMIT)
            core_plan_levers(plan)[l].max = (gpu++ + p->shifts) % 2 == 0 ? low_w : lever->max;
    }
    plan->version++;
}

/* What so many supplies give before they fall into their over-current mode. */
static double campaign_play_pulse_w(const struct campaign_play *p, int32_t supplies)
{
    const struct plant *plant = virtual_plant(p->v);

    return supplies * plant->shelves[0].psu_rated_w * plant->params.psu_pulse_1_ratio;
}

/* Whether IT gear bears the low mode under a full pulse, and what is drawn from the
 * busbar's capacitance until batteries are there: with a steep line (1 V at full load,
 * from 48 V) it does not, and no order can help that. */
static bool campaign_play_bears_low(const struct campaign_play *p)
{
    const struct plant *plant = virtual_plant(p->v);
    const struct plant_params *params = &plant->params;
    double line_v = params->psu_low_v - params->psu_droop_v * params->psu_pulse_1_ratio;
    double wait_s = params->bbu_trigger_s + params->bbu_start_s;
    double fall_v =
        CAMPAIGN_PLAY_EXCESS * plant->load_w * wait_s / (params->bus_capacitance_f * params->it_low_v);
    double low_v = fmin(line_v, params->bbu_trigger_v - fall_v) - params->bus_resistance_ohm * plant->bus_a;

    return low_v >= params->it_low_v + CAMPAIGN_PLAY_LOW_V;
}

/* The load becomes one that so many supplies could hardly carry. Little more than their
 * pulse limit: the busbar's capacitance has to bear it until batteries do. */
static void campaign_play_loaded(struct campaign_play *p)
{
    struct plant *plant = virtual_plant(p->v);
    double least_w = plant->switch_w, span_w = 0.0, high;

    for (int32_t i = 0; i < plant->node_count; i++)
        least_w += plant->node_static_w[i];
    for (int32_t i = 0; i < plant->gpu_count; i++) {
        least_w += plant->gpus[i].idle_w;
        span_w += plant->gpus[i].rated_w - plant->gpus[i].idle_w;
    }
    p->overload_left =
        (int32_t)floor((least_w + span_w) / campaign_play_pulse_w(p, 1) / CAMPAIGN_PLAY_OVERLOAD);
    high = (CAMPAIGN_PLAY_OVERLOAD * campaign_play_pulse_w(p, p->overload_left) - least_w) / span_w;
    if (p->overload_left < 1 || high < 0.0 || !campaign_play_bears_low(p))
        return;
    p->overload_at_s = virtual_now_s(p->v) + CAMPAIGN_PLAY_LOADED_S;
    virtual_load(p->v,
                 &(struct load_options){ .kind = LOAD_CONSTANT, .high_ratio = high, .low_ratio = high });
}

/* All others fail, if it has come to that load. Those that stay are of one shelf, for
 * shelves that give up one after another leave the last one with more than it bears. */
static void campaign_play_overload(struct campaign_play *p)
{
    struct plant *plant = virtual_plant(p->v);
    double ratio = plant->load_w / campaign_play_pulse_w(p, p->overload_left);

    if (!(p->overload_at_s <= virtual_now_s(p->v)))
        return;
    p->overload_at_s = (double)NAN;
    if (fabs(ratio - CAMPAIGN_PLAY_OVERLOAD) > CAMPAIGN_PLAY_OVERLOAD_OFF ||
        p->overload_left >= plant->shelves[0].psu_count ||
        plant->ac_v < CAMPAIGN_PLAY_GOOD * plant->nominal_v)
        return;
    for (int32_t i = 0; i < p->overload_left; i++)
        if (plant->psus[i].state != PLANT_PSU_ON)
            return;
    p->result->faults[CAMPAIGN_OVERLOAD]++;
    for (int32_t i = p->overload_left; i < plant->psu_count; i++) {
        p->failed[i] = !plant->psus[i].failed;
        plant->psus[i].failed = true;
    }
}

static void campaign_play_repaired(struct campaign_play *p)
{
    struct plant *plant = virtual_plant(p->v);

    p->overload_at_s = (double)NAN;
    for (int32_t i = 0; i < plant->psu_count; i++) {
        if (p->failed[i])
            plant->psus[i].failed = false;
        p->failed[i] = false;
    }
}

static void campaign_play_reset(struct campaign_play *p, const struct campaign_trouble *t)
{
    struct plant *plant = virtual_plant(p->v);

    if (t->value < 1.0)
        plant_psu_reset(plant, t->device % plant->psu_count);
    else
        plant_bbu_reset(plant, t->device % plant->bbu_count);
}

static void campaign_play_module(struct campaign_play *p, const struct campaign_trouble *t, bool there)
{
    struct plant *plant = virtual_plant(p->v);
    int32_t device = t->device == CORE_NONE ? 0 : t->device; /* an overload is of no one module */
    struct plant_psu *psu = &plant->psus[device % plant->psu_count];
    struct plant_bbu *bbu = &plant->bbus[device % plant->bbu_count];

    if (t->kind == CAMPAIGN_OVERLOAD) {
        if (there)
            campaign_play_repaired(p);
        else
            campaign_play_loaded(p);
    } else if (t->kind == CAMPAIGN_PSU_FAIL) {
        psu->on = there;
    } else if (t->kind == CAMPAIGN_BBU_FAIL) {
        bbu->failed = !there;
    } else if (t->value < 1.0) {
        psu->present = there;
        if (there) {
            plant_psu_reset(plant, t->device % plant->psu_count);
            (void)snprintf(psu->serial, sizeof psu->serial, "SWAPPED%08u", (unsigned)p->c->seed);
            psu->setpoint_v -= CAMPAIGN_PLAY_SWAP_V; /* it was elsewhere before: its own values */
            if (plant->params.start != PLANT_START_STOCK)
                psu->start_delay_s = CAMPAIGN_PLAY_SWAP_START_S;
        }
    } else {
        bbu->present = there;
        if (there) {
            plant_bbu_reset(plant, t->device % plant->bbu_count);
            (void)snprintf(bbu->serial, sizeof bbu->serial, "SWAPPED%08u", (unsigned)p->c->seed);
        }
    }
}

static void campaign_play_link(struct campaign_play *p, const struct campaign_trouble *t)
{
    const struct core_config *config = virtual_config(p->v);
    int32_t device = t->device == CORE_NONE ? CORE_NONE : t->device % config->device_count;
    double until_s = virtual_now_s(p->v) + t->for_s;

    p->link_s = fmax(p->link_s, until_s + CAMPAIGN_PLAY_FLOW_S);
    link_fault(virtual_link(p->v), device, t->fault, t->value,
               isinf(t->for_s) ? INT64_MAX : virtual_time_us(p->v, until_s), 1);
}

/* Shelves are built for one supply less, and one battery less, not for two: while one
 * is out, none other of its kind is taken. But batteries carry while the input is gone:
 * then a supply may go. */
static bool campaign_play_spare(struct campaign_play *p, const struct campaign_trouble *t)
{
    const struct plant *plant = virtual_plant(p->v);
    bool swap = t->kind == CAMPAIGN_SWAP, supply = t->kind == CAMPAIGN_PSU_FAIL || (swap && t->value < 1.0);
    bool battery = t->kind == CAMPAIGN_BBU_FAIL || (swap && !supply);

    for (int32_t i = 0; supply && i < plant->psu_count; i++) {
        const struct plant_psu *psu = &plant->psus[i];

        /* its state is the last step's; one taken since shows in the others */
        if (psu->state != PLANT_PSU_ON || !psu->on || !psu->present || psu->failed)
            return false;
    }
    for (int32_t i = 0; battery && i < plant->bbu_count; i++)
        if (plant->bbus[i].failed || !plant->bbus[i].present)
            return false;
    return true;
}

static void campaign_play_begin(struct campaign_play *p, const struct campaign_trouble *t)
{
    if (t->kind != CAMPAIGN_OVERLOAD) /* not always possible */
        p->result->faults[t->kind == CAMPAIGN_LINK ? CAMPAIGN_TROUBLE_COUNT + (int)t->fault : (int)t->kind]++;
    switch (t->kind) {
    case CAMPAIGN_LINK:
        campaign_play_link(p, t);
        break;
    case CAMPAIGN_PSU_FAIL:
    case CAMPAIGN_BBU_FAIL:
    case CAMPAIGN_OVERLOAD:
    case CAMPAIGN_SWAP:
        campaign_play_module(p, t, false);
        break;
    case CAMPAIGN_RESET:
        campaign_play_reset(p, t);
        break;
    case CAMPAIGN_CRASH:
        virtual_crash(p->v, t->for_s);
        break;
    case CAMPAIGN_PAUSE:
        virtual_pause(p->v, t->for_s);
        break;
    case CAMPAIGN_RELOAD:
        virtual_reload(p->v);
        break;
    case CAMPAIGN_SECOND:
        virtual_second(p->v, isinf(t->for_s) ? p->c->seconds : t->for_s);
        break;
    case CAMPAIGN_PLAN:
        campaign_play_plan(p, t);
        break;
    default:
        break;
    }
}

static void campaign_play_end(struct campaign_play *p, int32_t i)
{
    const struct campaign_trouble *t = &p->c->trouble[i];

    p->ended[i] = true;
    if (t->kind == CAMPAIGN_PSU_FAIL || t->kind == CAMPAIGN_BBU_FAIL || t->kind == CAMPAIGN_SWAP ||
        t->kind == CAMPAIGN_OVERLOAD)
        campaign_play_module(p, t, true);
}

static void campaign_play_troubles(struct campaign_play *p)
{
    double now_s = virtual_now_s(p->v);

    campaign_play_overload(p);
    for (int32_t i = 0; i < p->c->trouble_count; i++) {
        const struct campaign_trouble *t = &p->c->trouble[i];
        double for_s = t->kind == CAMPAIGN_SWAP ? CAMPAIGN_PLAY_SWAP_S : t->for_s;

        if ((p->without >> i & 1U) || t->kind == CAMPAIGN_SAG || t->kind == CAMPAIGN_INTERRUPTION)
            continue; /* the grid's own corners */
        if (!p->begun[i] && now_s >= t->at_s) {
            p->begun[i] = true;
            p->ended[i] = !campaign_play_spare(p, t);
            if (!p->ended[i])
                campaign_play_begin(p, t);
        }
        if (p->begun[i] && !p->ended[i] && now_s >= t->at_s + for_s) {
            campaign_play_end(p, i);
        }
    }
}

/* ---- the run ---- */

static void campaign_play_envelope(struct campaign_play *p, const struct core_outputs *out)
{
    bool armed = out && out->armed && out->plan_version == virtual_plan(p->v)->version;

    bool over = virtual_time_us(p->v, virtual_now_s(p->v)) >= p->expires_us;
    double now_w = over ? p->after_w : p->wanted_w;

    if (armed)
        p->result->armed_steps++;
    p->lent_armed = p->lent_armed || (armed && !over && p->expires_us != CORE_FOREVER);
    if (over && !p->lent_over && p->lent_armed && now_w < p->envelope_w) {
        p->envelope_w = now_w;
        checks_ended(p->checks, now_w);
    }
    p->lent_over = over;
    if (armed || (isfinite(p->envelope_w) && now_w > p->envelope_w)) {
        if (p->envelope_w >= now_w && p->envelope_w <= now_w)
            return;
        p->envelope_w = now_w;
        checks_armed(p->checks, p->envelope_w);
    }
}

static void campaign_play_step(struct campaign_play *p)
{
    const struct core_outputs *out;

    virtual_step(p->v);
    out = virtual_outputs(p->v);
    campaign_play_envelope(p, out);
    checks_flow(p->checks, virtual_now_s(p->v) >= p->link_s);
    checks_core(p->checks, out);
}

/* ---- putting back ---- */

static void campaign_play_until(struct campaign_play *p, double seconds, bool restored)
{
    double end_s = virtual_now_s(p->v) + seconds;

    while (virtual_now_s(p->v) < end_s && checks_ok(p->checks) && !checks_beyond(p->checks) &&
           !(restored && virtual_restored(p->v)))
        campaign_play_step(p);
}

/* Everything is well again, and idle. What does not fit the envelope is left at first;
 * then whoever asked for it insists. */
static void campaign_play_restore(struct campaign_play *p)
{
    for (int32_t i = 0; i < p->c->trouble_count; i++)
        if (p->begun[i] && !p->ended[i])
            campaign_play_end(p, i);
    link_clear(virtual_link(p->v));
    virtual_load(p->v, &(struct load_options){ .kind = LOAD_CONSTANT });
    campaign_play_until(p, CAMPAIGN_PLAY_CALM_S, false);
    virtual_restore(p->v, false);
    campaign_play_until(p, CAMPAIGN_PLAY_RESTORE_S, true);
    if (!checks_ok(p->checks) || checks_beyond(p->checks))
        return;
    virtual_restore(p->v, true);
    p->envelope_w = p->wanted_w = p->after_w = INFINITY;
    checks_armed(p->checks, INFINITY);
    campaign_play_until(p, CAMPAIGN_PLAY_RESTORE_S, true);
    if (!checks_beyond(p->checks))
        checks_restored(p->checks);
}

static void campaign_play_results(struct campaign_play *p)
{
    struct campaign_result *r = p->result;
    struct virtual_stats stats;

    r->ok = checks_ok(p->checks);
    r->beyond = checks_beyond(p->checks);
    r->sim_s = virtual_now_s(p->v);
    virtual_stats(p->v, &stats);
    r->steps = stats.steps;
    r->orders = stats.orders;
    r->plant_steps = stats.plant_steps;
    for (int k = 0; k < CHECKS_COUNT; k++) {
        struct checks_result check;

        checks_result(p->checks, (enum checks_kind)k, &check);
        r->check[k].looked = check.looked;
        r->check[k].looks = check.looks;
        r->check[k].ok = check.ok;
        r->check[k].value = check.value;
        r->check[k].limit = check.limit;
        r->check[k].margin = check.margin;
        r->check[k].at_s = check.at_s;
        if (!check.ok && r->detail[0] == '\0')
            (void)snprintf(r->detail, sizeof r->detail, "%.30s: %.60s", check.name, check.detail);
    }
}

/* The feed's breaker stands the rack's envelope on its fullest phase, one supply
 * out, with the usual fifth to spare: few supplies load three phases unevenly. */
static double campaign_play_breaker_w(const struct campaign_case *c)
{
    double supplies = c->rack.shelf_count * c->rack.shelf_psus;
    double share =
        supplies > 1.0 ? c->rack.shelf_count * ceil(c->rack.shelf_psus / 3.0) / (supplies - 1.0) : 1.0;

    return c->envelope_w / 0.8 * fmax(3.0 * fmin(share, 1.0), 1.0);
}

static enum status campaign_play_start(struct campaign_play *p)
{
    const struct campaign_case *c = p->c;
    int64_t windows_us[RACK_WINDOWS_MAX];
    struct virtual_options opt = {
        .rack = &c->rack,
        .params = &c->params,
        .load = &c->load,
        .grid = &p->grid,
        .controller = VIRTUAL_BUSBAR,
        .seed = c->seed,
        .period_us = c->period_us,
        .envelope_w = c->envelope_w,
        .settle_s = CAMPAIGN_PLAY_SETTLE_S,
        .baud = c->baud,
        .ride = true,
        .forecast = c->forecast,
        .nonsense = c->forecast != CORE_FORECAST_OFF,
        .arms = c->arms,
        .locks = true, /* as state_lock() and the bus locks do: the second waits */
        .phase_ratio = (double)(c->seed % 100) / 100.0,
    };
    enum status st = campaign_play_grid(p) ? virtual_new(&opt, &p->v) : ST_RANGE;

    if (st != ST_OK)
        return st;
    for (int32_t i = 0; i < virtual_plant(p->v)->bbu_count; i++) {
        struct plant_bbu *bbu = &virtual_plant(p->v)->bbus[i];

        bbu->energy_j = fmin(bbu->energy_j, bbu->energy_full_j * c->charge_ratio);
    }
    for (int32_t k = 0; k < c->rack.windows_ms.count; k++)
        windows_us[k] = (int64_t)(c->rack.windows_ms.value[k] * 1000.0);

    const struct checks_options checks = {
        .plant = virtual_plant(p->v),
        .first = virtual_first(p->v),
        .envelope_w = c->envelope_w,
        .window_count = c->rack.windows_ms.count,
        .windows_us = windows_us,
        .config = virtual_config(p->v),
        .reserve_s = CAMPAIGN_PLAY_RESERVE_S,
        .wear_cycles_per_day = 1.0,
        .breaker_rated_w = campaign_play_breaker_w(c),
        .excuses_overload = true,
    };

    return checks_new(&checks, &p->checks);
}

enum status campaign_play(const struct campaign_case *c, uint32_t without, struct campaign_result *ret)
{
    struct campaign_play *p = calloc(1, sizeof *p);
    struct plant_watch watch;
    enum status st = ST_NOMEM;

    memset(ret, 0, sizeof *ret);
    ret->seed = c->seed;
    if (!p)
        return st;
    p->c = c;
    p->without = without;
    p->result = ret;
    p->envelope_w = INFINITY;
    p->wanted_w = c->envelope_w;
    p->expires_us = CORE_FOREVER;
    p->overload_at_s = (double)NAN;
    st = campaign_play_start(p);
    if (st != ST_OK)
        goto done;
    watch = checks_watch(p->checks);
    virtual_watch(p->v, &watch);
    while (virtual_now_s(p->v) < c->seconds && checks_ok(p->checks) && !checks_beyond(p->checks)) {
        campaign_play_troubles(p);
        campaign_play_shift(p);
        campaign_play_step(p);
    }
    if (c->seed % CAMPAIGN_PLAY_RESTORE == 0 && !checks_beyond(p->checks))
        campaign_play_restore(p);
    campaign_play_results(p);
done:
    p->checks = checks_free(p->checks);
    p->v = virtual_free(p->v);
    free(p);
    return st;
}

/* ---- smaller ---- */

static int campaign_shrink_failed(const struct campaign_result *r)
{
    for (int k = 0; k < CHECKS_COUNT; k++)
        if (!r->check[k].ok)
            return k;
    return CHECKS_COUNT;
}

static bool campaign_shrink_same(const struct campaign_case *c, uint32_t without, int kind, double *ret_at_s)
{
    struct campaign_result r;

    if (campaign_play(c, without, &r) != ST_OK || r.ok || r.check[kind].ok)
        return false;
    *ret_at_s = r.check[kind].at_s;
    return true;
}

uint32_t campaign_shrink(struct campaign_case *c, const struct campaign_result *failed)
{
    int kind = campaign_shrink_failed(failed);
    double at_s = kind < CHECKS_COUNT ? failed->check[kind].at_s : 0.0;
    uint32_t without = 0;

    if (kind == CHECKS_COUNT)
        return 0;
    for (int32_t i = 0; i < c->trouble_count; i++)
        if (campaign_shrink_same(c, without | UINT32_C(1) << i, kind, &at_s))
            without |= UINT32_C(1) << i;
    c->seconds = fmin(c->seconds, ceil(at_s * 10.0 + 1.0) / 10.0);
    return without;
}
