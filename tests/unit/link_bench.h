/* SPDX-License-Identifier: Apache-2.0 */
/* link_bench.h: the wires of a virtual rack without a core: the test gives the orders. */
#ifndef TEST_LINK_BENCH_H
#define TEST_LINK_BENCH_H

#include <math.h>

#include "sim_rig.h"

#include "sim/link.h"
#include "sim/link_conf.h"

#define PERIOD_US INT64_C(10000)
#define ACKS_MAX  4096

struct bench {
    struct rack rack;
    struct plant *plant;
    struct link_conf *conf;
    struct link *link;
    struct core_outputs *out;
    int64_t now_us;
    struct core_reading last[1024]; /* by point                                  */
    uint64_t readings[1024];
    int32_t ack_count, identity_count;
    struct core_ack acks[ACKS_MAX];
    int64_t slowest_us; /* from asked to arrived                                 */
    uint64_t number;
};

static inline struct bench *bench_of(const char *name, enum plant_start_kind start, uint64_t seed)
{
    struct bench *b = calloc(1, sizeof *b);
    struct plant_params books;

    assert_non_null(b);
    sim_rack(name, &b->rack);
    plant_params_preset(&books, plant_kind_find(b->rack.kind), start);
    b->plant = calloc(1, sizeof *b->plant);
    assert_non_null(b->plant);
    rack_plant(&b->rack, seed, b->plant);
    b->plant->params.start = start;
    assert_int_equal(link_conf_new(&b->rack, &books, PERIOD_US, 1, &b->conf), ST_OK);
    assert_int_equal(link_new(b->conf, b->plant, &b->rack, 0.0, seed, &b->link), ST_OK);
    b->out = calloc(1, core_outputs_size(link_conf_core(b->conf)));
    assert_non_null(b->out);
    core_outputs_init(b->out, link_conf_core(b->conf));
    link_attend(b->link, 0);
    return b;
}

static inline void bench_free(struct bench *b)
{
    link_free(b->link);
    link_conf_free(b->conf);
    free(b->out);
    free(b->plant);
    free(b);
}

static inline void bench_collect(struct bench *b)
{
    struct core_inputs in = { .now_us = b->now_us };

    link_collect(b->link, 0, &in);
    for (int32_t i = 0; i < in.reading_count; i++) {
        const struct core_reading *r = &in.readings[i];

        assert_true(r->taken_us <= r->arrived_us && r->arrived_us <= b->now_us);
        b->last[r->point] = *r;
        b->readings[r->point]++;
        if (r->arrived_us - r->taken_us > b->slowest_us)
            b->slowest_us = r->arrived_us - r->taken_us;
    }
    for (int32_t i = 0; i < in.ack_count && b->ack_count < ACKS_MAX; i++)
        b->acks[b->ack_count++] = in.acks[i];
    b->identity_count += in.identity_count;
}

static inline void bench_run(struct bench *b, double s)
{
    for (int64_t end_us = b->now_us + (int64_t)(s * 1e6); b->now_us < end_us;) {
        b->now_us += PERIOD_US;
        link_step(b->link, b->now_us);
        bench_collect(b);
    }
}

/* ---- orders ---- */

static inline void bench_order(struct bench *b, int32_t lever, double value)
{
    const struct core_config_lever *conf = &b->conf->levers[lever];
    struct core_order *orders = (struct core_order *)(uintptr_t)core_outputs_orders(b->out);

    orders[b->out->order_count++] = (struct core_order){
        .lever = lever,
        .number = ++b->number,
        .value = value,
        .timeout_us = conf->timeout_us,
        .lease_end_us = conf->timeout_us > 0 ? b->now_us + conf->timeout_us : CORE_FOREVER,
    };
}

static inline void bench_send(struct bench *b, int32_t who)
{
    link_publish(b->link, who, b->out);
    b->out->order_count = 0;
}

/* The first lever of a kind, or CORE_NONE. */
static inline int32_t bench_lever(const struct bench *b, enum link_lever_kind kind)
{
    for (int32_t l = 0; l < b->conf->core.lever_count; l++)
        if (b->conf->lever_of[l].kind == kind)
            return l;
    return CORE_NONE;
}

/* One order, and how it ended within so many seconds; NULL: it did not. */
static inline const struct core_ack *bench_try(struct bench *b, int32_t lever, double value, double s)
{
    int32_t before = b->ack_count;

    bench_order(b, lever, value);
    bench_send(b, 0);
    for (int64_t end_us = b->now_us + (int64_t)(s * 1e6); b->now_us < end_us && b->ack_count == before;)
        bench_run(b, 0.01);
    if (b->ack_count == before)
        return NULL;
    assert_int_equal(b->acks[before].lever, lever);
    assert_int_equal(b->acks[before].number, b->number);
    assert_true(b->acks[before].dispatched_us <= b->acks[before].done_us);
    return &b->acks[before];
}

static inline void ends_with(struct bench *b, int32_t lever, double value, enum status st)
{
    const struct core_ack *ack = bench_try(b, lever, value, 60.0);

    assert_non_null(ack);
    if (ack->status != st)
        fail_msg("%s, not %s", status_label(ack->status), status_label(st));
}

static inline int32_t device_of(const struct bench *b, int32_t lever)
{
    return b->conf->levers[lever].device;
}

#endif
