/* SPDX-License-Identifier: Apache-2.0 */
/* virtual.c: the loop: load, plant, links, core; and what may happen to a daemon.
 *
 * Owns the plant, the links and up to two daemons' cores, all made at the start:
 * nothing is allocated later. One clock for all, the plant's own; time 0 of the
 * run comes after settling. No thread, no sleep, no clock of the machine: the
 * same options give the same run, bit for bit.
 */
#include "virtual.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "busbar/check.h"
#include "link.h"

#define VIRTUAL_US_PER_S 1e6
#define VIRTUAL_EXTRA_US INT64_C(30000000) /* settling may take so much longer       */
#define VIRTUAL_TELL_US  INT64_C(1000000)  /* who knows the future says so that often */
#define VIRTUAL_AHEAD_S  10.0              /* and so far ahead                        */
#define VIRTUAL_STREAM   90 /* of the seed                                         */
#define VIRTUAL_NEVER    (INT64_MAX / 4)

struct virtual_daemon {
    struct core *core;
    struct core_outputs *out;
    bool alive, stepped; /* stepped: in this period                      */
};

struct virtual
{
    enum virtual_controller controller;
    int64_t now_us, zero_us, load_zero_us, load_at_us, period_us;
    bool settled;
    struct plant plant, first; /* first: before any control              */
    struct load load;
    struct link_conf *conf;
    struct link *link;
    struct core_plan *plan;
    const struct core_config *config; /* of every core that starts             */
    struct core_config restore;       /* its arrays are below                  */
    struct core_config_node *restore_nodes;
    struct core_config_lever *restore_levers;
    struct virtual_daemon daemon[2];
    struct core *spare; /* for a reload                                 */
    int32_t *same;      /* a reload's map: everything stays what it is  */
    int64_t dead_until_us, paused_until_us, second_until_us;
    bool paused, locks;
    struct workload work; /* of a job                                       */
    bool hints, tells, nonsense;
    struct rng rng; /* of the nonsense                                */
    int64_t tell_us;
    int32_t hint_count;
    struct core_hint hint[CORE_HINTS_MAX];
    struct plant_watch watch; /* the caller's                                 */
    struct virtual_stats stats;
};

static int64_t virtual_us(double s)
{
    return (int64_t)llround(s * VIRTUAL_US_PER_S);
}

/* ---- making ---- */

static enum status virtual_conf(struct virtual *v, const struct virtual_options *opt)
{
    struct rack rack = *opt->rack;
    struct plant_params books;
    enum plant_kind kind = plant_kind_find(rack.kind);

    CHECK(kind < PLANT_KIND_COUNT);
    plant_params_preset(&books, kind, opt->params->start);
    if (opt->envelope_w > 0.0)
        rack.envelope_w = opt->envelope_w;
    if (opt->baud > 0.0)
        rack.modbus_baud = opt->baud;
    return link_conf_new(&rack, opt->books ? opt->books : &books, opt->period_us, opt->seed, &v->conf);
}

static void virtual_make_job(struct virtual *v, const struct virtual_options *opt)
{
    v->nonsense = opt->nonsense;
    rng_init(&v->rng, opt->seed, VIRTUAL_STREAM);
    if (!opt->job)
        return;
    workload_init(&v->work, opt->job, &v->plant, opt->seed);
    v->work.apart_s = opt->job_apart_s;
    v->hints = opt->hints;
    v->tells = opt->forecast == CORE_FORECAST_TOLD;
}

static void virtual_make_plant(struct virtual *v, const struct virtual_options *opt)
{
    rack_plant(opt->rack, opt->seed, &v->plant);
    v->plant.params = *opt->params;
    plant_start(&v->plant, opt->seed);
    v->plant.grid = opt->grid;
    v->plant.grid_from_us = VIRTUAL_NEVER; /* nominal until the run begins */
    load_init(&v->load, opt->load, &v->plant, opt->seed);
    v->first = v->plant;
}

static void virtual_make_plan(struct virtual *v, const struct virtual_options *opt)
{
    link_conf_plan(v->conf, opt->envelope_w > 0.0 ? opt->envelope_w : opt->rack->envelope_w, v->plan);
    v->plan->ride.enabled = opt->ride;
    v->plan->ride.phase_ratio = opt->phase_ratio;
}

static bool virtual_alloc(struct virtual *v)
{
    const struct core_config *config = link_conf_core(v->conf);
    int32_t most = config->node_count > config->point_count ? config->node_count : config->point_count;
    bool ok = true;

    most = config->lever_count > most ? config->lever_count : most;
    most = config->device_count > most ? config->device_count : most;
    v->plan = calloc(1, core_plan_size(config));
    v->restore_nodes = calloc((size_t)config->node_count, sizeof *v->restore_nodes);
    v->restore_levers = calloc((size_t)config->lever_count + 1, sizeof *v->restore_levers);
    v->same = calloc((size_t)most, sizeof *v->same);
    v->spare = calloc(1, core_size(config));
    for (int who = 0; who < 2; who++) {
        v->daemon[who].core = calloc(1, core_size(config));
        v->daemon[who].out = calloc(1, core_outputs_size(config));
        ok = ok && v->daemon[who].core && v->daemon[who].out;
    }
    for (int32_t i = 0; ok && v->same && i < most; i++)
        v->same[i] = i;
    return ok && v->plan && v->same && v->spare && v->restore_nodes && v->restore_levers;
}

static void virtual_start(struct virtual *v, int32_t who)
{
    struct virtual_daemon *daemon = &v->daemon[who];

    memset(daemon->core, 0, core_size(v->config));
    core_init(daemon->core, v->config);
    core_outputs_init(daemon->out, v->config);
    daemon->alive = true;
    link_attend(v->link, who);
}

static void virtual_stop(struct virtual *v, int32_t who)
{
    v->daemon[who].alive = v->daemon[who].stepped = false;
    link_forget(v->link, who);
}

/* ---- the plant ---- */

static void virtual_seen(void *arg, const struct plant *plant, int64_t dt_us)
{
    struct virtual *v = arg;

    v->stats.plant_steps++;
    if (v->watch.step)
        v->watch.step(v->watch.arg, plant, dt_us);
}

/* Until the run begins the load stands just before its time 0 at the latest. */
static int64_t virtual_load_us(const struct virtual *v)
{
    int64_t load_us = v->now_us - v->load_zero_us;

    return v->settled || load_us < 0 ? load_us : -1;
}

static int64_t virtual_load_next_us(const struct virtual *v)
{
    int64_t load_us = virtual_load_us(v);
    int64_t next_us = virtual_us(load_next(&v->load, (double)load_us / VIRTUAL_US_PER_S));

    return v->now_us + (next_us > load_us ? next_us - load_us : 1);
}

/* One piece: to the next tick, the next change of the load, or the next write to
 * the power path. Polls on the way see the registers as they stand now. */
static void virtual_piece(struct virtual *v, int64_t end_us)
{
    struct plant_watch watch = { .step = virtual_seen, .arg = v };
    int64_t next_us = end_us, begin_us = v->now_us;

    if (v->work.trace) {
        workload_demand(&v->work, &v->plant, (double)(end_us - v->now_us) / VIRTUAL_US_PER_S);
    } else if (v->load_at_us <= v->now_us) {
        load_demand(&v->load, &v->plant, (double)virtual_load_us(v) / VIRTUAL_US_PER_S);
        v->load_at_us = virtual_load_next_us(v);
    }
    if (!v->work.trace)
        next_us = v->load_at_us < next_us ? v->load_at_us : next_us;
    if (v->controller != VIRTUAL_NONE) {
        int64_t write_us = link_next_us(v->link);

        if (write_us > v->now_us && write_us < next_us)
            next_us = write_us;
        link_step(v->link, next_us - 1);
    }
    plant_run(&v->plant, next_us - v->now_us, &watch);
    v->now_us = next_us;
    if (v->work.trace)
        workload_account(&v->work, &v->plant, (double)(next_us - begin_us) / VIRTUAL_US_PER_S);
    if (v->controller != VIRTUAL_NONE)
        link_step(v->link, next_us);
}

/* ---- what a job says of itself ---- */

static void virtual_hint(struct virtual *v, const struct core_hint *hint)
{
    if (v->hint_count == CORE_HINTS_MAX)
        return;
    v->hint[v->hint_count] = *hint;
    v->hint[v->hint_count++].at_us = v->now_us;
}

/* To every tray that the job has a GPU in: those are above the levers' leaves. */
static void virtual_job_says(struct virtual *v, int32_t job, enum core_mark mark)
{
    int32_t before = CORE_NONE;

    for (int32_t l = 0, gpu = 0; l < v->config->lever_count; l++) {
        const struct core_config_lever *lever = &v->config->levers[l];
        int32_t tray = v->config->nodes[lever->node].parent[0];

        if (lever->use != CORE_LEVER_LIMIT || v->work.gpus[gpu++].job != job || tray == before)
            continue;
        virtual_hint(v, &(struct core_hint){ .mark = mark, .node = tray, .lever = CORE_NONE });
        before = tray;
    }
}

/* Marks at odd times of odd places, and wishes from nothing to more than there is. */
static void virtual_babble(struct virtual *v)
{
    for (int32_t l = 0; l < v->config->lever_count; l++)
        virtual_hint(v, &(struct core_hint){
                            .mark = rng_u64(&v->rng) % 8 == 0 ? (enum core_mark)(rng_u64(&v->rng) % CORE_MARK_COUNT)
                                                              : CORE_MARK_WILL,
                            .node = (int32_t)(rng_u64(&v->rng) % (uint64_t)(v->config->node_count + 1)) - 1,
                            .lever = l,
                            .value = rng_uniform(&v->rng, -100.0, 2000.0),
                        });
}

static void virtual_hear(struct virtual *v)
{
    enum core_mark mark;
    int32_t job;

    v->hint_count = 0;
    if (v->nonsense && v->now_us >= v->tell_us) {
        v->tell_us = v->now_us + VIRTUAL_TELL_US;
        virtual_babble(v);
    }
    while (v->hints && workload_mark(&v->work, &job, &mark))
        virtual_job_says(v, job, mark);
    if (!v->tells || v->now_us < v->tell_us)
        return;
    v->tell_us = v->now_us + VIRTUAL_TELL_US;
    for (int32_t l = 0, gpu = 0; l < v->config->lever_count; l++)
        if (v->config->levers[l].use == CORE_LEVER_LIMIT)
            virtual_hint(v, &(struct core_hint){
                                .mark = CORE_MARK_WILL,
                                .node = CORE_NONE,
                                .lever = l,
                                .value = workload_peak_w(&v->work, &v->plant, gpu++, VIRTUAL_AHEAD_S),
                            });
}

bool virtual_work(const struct virtual *v, struct workload_result *ret)
{
    if (!v->work.trace)
        return false;
    workload_result(&v->work, ret);
    return true;
}

/* ---- the daemons ---- */

static void virtual_daemon_step(struct virtual *v, int32_t who)
{
    struct virtual_daemon *daemon = &v->daemon[who];
    struct core_inputs in = { .now_us = v->now_us, .plan = v->plan };

    link_collect(v->link, who, &in);
    in.hint_count = v->hint_count;
    in.hints = v->hint;
    core_step(daemon->core, &in, daemon->out);
    link_publish(v->link, who, daemon->out);
    daemon->stepped = true;
    v->stats.steps++;
    v->stats.orders += (uint64_t)daemon->out->order_count;
}

static bool virtual_wanted(const struct virtual *v, int32_t who)
{
    return who == 0 ? v->now_us >= v->dead_until_us : v->now_us < v->second_until_us;
}

static void virtual_control(struct virtual *v)
{
    v->daemon[0].stepped = v->daemon[1].stepped = false;
    if (v->paused && v->now_us >= v->paused_until_us) {
        v->paused = false;
        link_freeze(v->link, false);
    }
    if (v->controller == VIRTUAL_NONE || v->paused)
        return;
    if (v->daemon[1].alive && v->now_us >= v->second_until_us)
        virtual_stop(v, 1);
    for (int32_t who = 0; who < 2; who++)
        if (!v->daemon[who].alive && virtual_wanted(v, who) && !(v->locks && v->daemon[1 - who].alive))
            virtual_start(v, who);
    if (v->work.trace || v->nonsense)
        virtual_hear(v);
    for (int32_t who = 0; who < 2; who++)
        if (v->daemon[who].alive)
            virtual_daemon_step(v, who);
}

void virtual_step(struct virtual *v)
{
    int64_t end_us = v->now_us + v->period_us;

    while (v->now_us < end_us)
        virtual_piece(v, end_us);
    virtual_control(v);
}

static bool virtual_is_armed(const struct virtual *v)
{
    const struct core_outputs *out = virtual_outputs(v);

    if (v->controller == VIRTUAL_NONE)
        return true;
    return out && out->armed && out->ride.state != CORE_RIDE_UNARMED;
}

static void virtual_settle(struct virtual *v, double settle_s)
{
    int64_t settle_us = virtual_us(settle_s);

    v->load_zero_us = v->zero_us = settle_us;
    while (v->now_us < settle_us ||
           (settle_us > 0 && !virtual_is_armed(v) && v->now_us < settle_us + VIRTUAL_EXTRA_US))
        virtual_step(v);
    v->settled = true;
    v->load_zero_us = v->load_at_us = v->zero_us = v->plant.grid_from_us = v->now_us;
    memset(&v->stats, 0, sizeof v->stats);
    if (v->work.trace)
        workload_play(&v->work, 0.0);
}

enum status virtual_new(const struct virtual_options *opt, struct virtual **ret)
{
    struct virtual *v = calloc(1, sizeof *v);
    enum status st = ST_NOMEM;

    if (!v)
        return st;
    v->controller = opt->controller;
    v->period_us = opt->period_us;
    v->locks = opt->locks;
    st = virtual_conf(v, opt);
    if (st != ST_OK)
        goto fail;
    link_conf_forecast(v->conf, opt->forecast);
    if (opt->arms)
        link_conf_arm(v->conf);
    virtual_make_plant(v, opt);
    virtual_make_job(v, opt);
    st = link_new(v->conf, &v->plant, opt->rack, opt->baud, opt->seed, &v->link);
    if (st != ST_OK)
        goto fail;
    st = ST_NOMEM;
    if (!virtual_alloc(v))
        goto fail;
    virtual_make_plan(v, opt);
    v->now_us = v->plant.now_us;
    v->config = link_conf_core(v->conf);
    if (v->controller != VIRTUAL_NONE)
        virtual_start(v, 0);
    virtual_settle(v, opt->settle_s);
    *ret = v;
    return ST_OK;

fail:
    virtual_free(v);
    return st;
}

struct virtual *virtual_free(struct virtual *v)
{
    if (!v)
        return NULL;
    link_free(v->link);
    link_conf_free(v->conf);
    for (int who = 0; who < 2; who++) {
        free(v->daemon[who].core);
        free(v->daemon[who].out);
    }
    free(v->spare);
    free(v->same);
    free(v->restore_nodes);
    free(v->restore_levers);
    free(v->plan);
    free(v);
    return NULL;
}

/* ---- what is seen ---- */

double virtual_now_s(const struct virtual *v)
{
    return (double)(v->plant.now_us - v->zero_us) / VIRTUAL_US_PER_S; /* within a step too */
}

int64_t virtual_time_us(const struct virtual *v, double at_s)
{
    return v->zero_us + virtual_us(at_s);
}

void virtual_watch(struct virtual *v, const struct plant_watch *watch)
{
    v->watch = watch ? *watch : (struct plant_watch){ .step = NULL };
}

struct plant *virtual_plant(struct virtual *v)
{
    return &v->plant;
}

const struct plant *virtual_first(const struct virtual *v)
{
    return &v->first;
}

const struct core_outputs *virtual_outputs(const struct virtual *v)
{
    return v->daemon[0].stepped ? v->daemon[0].out : NULL;
}

const struct core_config *virtual_config(const struct virtual *v)
{
    return link_conf_core(v->conf);
}

struct core_plan *virtual_plan(struct virtual *v)
{
    return v->plan;
}

struct link *virtual_link(struct virtual *v)
{
    return v->link;
}

void virtual_stats(const struct virtual *v, struct virtual_stats *ret)
{
    struct link_stats link;

    link_stats(v->link, &link);
    *ret = v->stats;
    ret->writes = link.writes;
}

/* ---- what may happen to a controller ---- */

void virtual_crash(struct virtual *v, double dead_s)
{
    if (v->controller == VIRTUAL_NONE)
        return;
    virtual_stop(v, 0);
    v->dead_until_us = v->now_us + virtual_us(fmin(dead_s, (double)VIRTUAL_NEVER / VIRTUAL_US_PER_S));
}

void virtual_pause(struct virtual *v, double pause_s)
{
    if (v->controller == VIRTUAL_NONE)
        return;
    v->paused = true;
    v->paused_until_us = v->now_us + virtual_us(fmin(pause_s, (double)VIRTUAL_NEVER / VIRTUAL_US_PER_S));
    link_freeze(v->link, true);
}

void virtual_reload(struct virtual *v)
{
    const struct core_config *config = v->config;
    const struct core_map map = { .node = v->same, .point = v->same, .lever = v->same, .device = v->same };
    struct core *old = v->daemon[0].core;

    if (!v->daemon[0].alive)
        return;
    memset(v->spare, 0, core_size(config));
    core_init(v->spare, config);
    core_adopt(v->spare, old, &map);
    v->daemon[0].core = v->spare;
    v->spare = old;
}

void virtual_second(struct virtual *v, double for_s)
{
    if (v->controller == VIRTUAL_NONE)
        return;
    v->second_until_us = v->now_us + virtual_us(fmin(for_s, (double)VIRTUAL_NEVER / VIRTUAL_US_PER_S));
}

void virtual_load(struct virtual *v, const struct load_options *opt)
{
    load_init(&v->load, opt, &v->plant, v->plant.seed);
    v->load_zero_us = v->load_at_us = v->now_us;
}

/* ---- restoring ---- */

/* A configuration that takes every original, and for `anyway` no limit at all. */
static void virtual_restore_config(struct virtual *v, bool anyway)
{
    const struct core_config *config = link_conf_core(v->conf);

    memcpy(v->restore_nodes, config->nodes, (size_t)config->node_count * sizeof *v->restore_nodes);
    memcpy(v->restore_levers, config->levers, (size_t)config->lever_count * sizeof *v->restore_levers);
    for (int32_t n = 0; anyway && n < config->node_count; n++)
        v->restore_nodes[n].limit_count = 0;
    for (int32_t l = 0; l < config->lever_count; l++) {
        struct core_config_lever *lever = &v->restore_levers[l];
        double original;

        if (!link_original(v->link, l, &original))
            continue;
        lever->min = fmin(lever->min, original);
        lever->max = fmax(lever->max, original);
    }
    v->restore = *config;
    v->restore.nodes = v->restore_nodes;
    v->restore.levers = v->restore_levers;
    v->config = &v->restore;
}

static void virtual_restore_plan(struct virtual *v, bool anyway)
{
    struct core_plan_lever *levers = core_plan_levers(v->plan);
    struct core_plan_node *nodes = core_plan_nodes(v->plan);

    for (int32_t n = 0; anyway && n < v->plan->node_count; n++)
        nodes[n].limit_count = 0;
    for (int32_t l = 0; l < v->plan->lever_count; l++) {
        levers[l].min = v->restore_levers[l].min;
        levers[l].max = v->restore_levers[l].max;
        if (!link_original(v->link, l, &levers[l].target))
            levers[l].target = (double)NAN;
    }
    if (anyway)
        v->plan->ride.enabled = false; /* its budget of the busbar is a limit too */
    v->plan->mode_wanted = CORE_WANT_RESTORE;
    v->plan->version++;
}

void virtual_restore(struct virtual *v, bool anyway)
{
    if (v->controller == VIRTUAL_NONE)
        return;
    for (int32_t who = 0; who < 2; who++)
        if (v->daemon[who].alive)
            virtual_stop(v, who);
    v->dead_until_us = v->second_until_us = v->now_us;
    if (v->paused) {
        v->paused = false;
        link_freeze(v->link, false);
    }
    virtual_restore_config(v, anyway);
    virtual_restore_plan(v, anyway);
}

bool virtual_restored(const struct virtual *v)
{
    const struct core_outputs *out = virtual_outputs(v);

    return out && out->restored && out->plan_version == v->plan->version;
}
