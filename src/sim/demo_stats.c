/* SPDX-License-Identifier: Apache-2.0 */
/* demo_stats.c: JSON to counters and histograms. Pure; any thread. */
#include "demo_stats.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

const char *const demo_stats_protocols[DEMO_STATS_PROTOCOLS] = { "redfish", "modbus", "smbus" };

static bool demo_stats_count(struct json_object *from, const char *key, uint64_t *ret)
{
    struct json_object *value;

    if (!json_object_object_get_ex(from, key, &value) || !json_object_is_type(value, json_type_int))
        return false;
    *ret = json_object_get_uint64(value);
    return true;
}

static bool demo_stats_bucket(struct json_object *pair, struct histogram *ret)
{
    int64_t bucket, count;

    if (!json_object_is_type(pair, json_type_array) || json_object_array_length(pair) != 2)
        return false;
    bucket = json_object_get_int64(json_object_array_get_idx(pair, 0));
    count = json_object_get_int64(json_object_array_get_idx(pair, 1));
    if (bucket < 0 || bucket >= HISTOGRAM_BUCKETS || count < 0)
        return false;
    ret->bucket[bucket] = (uint64_t)count;
    return true;
}

static bool demo_stats_histogram(struct json_object *from, const char *key, struct histogram *ret)
{
    struct json_object *h, *buckets, *sum, *max;

    memset(ret, 0, sizeof *ret);
    if (!json_object_object_get_ex(from, key, &h) || !demo_stats_count(h, "count", &ret->count) ||
        !json_object_object_get_ex(h, "max_us", &max) || !json_object_object_get_ex(h, "sum_us", &sum) ||
        !json_object_object_get_ex(h, "buckets", &buckets) || !json_object_is_type(buckets, json_type_array))
        return false;
    ret->max_us = json_object_get_int64(max);
    ret->sum_us = json_object_get_double(sum);
    for (size_t i = 0; i < json_object_array_length(buckets); i++)
        if (!demo_stats_bucket(json_object_array_get_idx(buckets, i), ret))
            return false;
    return true;
}

static bool demo_stats_latency(struct json_object *from, const char *key, struct demo_stats_latency *ret)
{
    struct json_object *l;

    return json_object_object_get_ex(from, key, &l) && demo_stats_histogram(l, "detect", &ret->detect) &&
           demo_stats_histogram(l, "decide", &ret->decide) &&
           demo_stats_histogram(l, "dispatch", &ret->dispatch) &&
           demo_stats_histogram(l, "device", &ret->device) && demo_stats_histogram(l, "total", &ret->total) &&
           demo_stats_histogram(l, "event_to_order", &ret->event_to_order);
}

static bool demo_stats_read(struct json_object *doc, struct demo_stats *ret)
{
    struct json_object *transaction, *latency;

    if (!demo_stats_count(doc, "ticks", &ret->ticks) ||
        !demo_stats_count(doc, "ticks_missed", &ret->ticks_missed) ||
        !demo_stats_count(doc, "orders_written", &ret->orders_written) ||
        !demo_stats_count(doc, "orders_refused", &ret->orders_refused) ||
        !demo_stats_histogram(doc, "tick_lateness", &ret->tick_lateness) ||
        !json_object_object_get_ex(doc, "transaction", &transaction) ||
        !json_object_object_get_ex(doc, "latency", &latency))
        return false;
    (void)demo_stats_count(doc, "orders_failed", &ret->orders_failed);
    for (int p = 0; p < DEMO_STATS_PROTOCOLS; p++)
        if (!demo_stats_histogram(transaction, demo_stats_protocols[p], &ret->transaction[p]) ||
            !demo_stats_latency(latency, demo_stats_protocols[p], &ret->latency[p]))
            return false;
    return true;
}

enum status demo_stats_parse(const char *body, struct demo_stats *ret)
{
    struct json_object *doc = json_tokener_parse(body);
    struct demo_stats stats = { .ticks = 0 };
    bool good = doc && demo_stats_read(doc, &stats);

    json_object_put(doc);
    if (!good)
        return ST_CORRUPT;
    *ret = stats;
    return ST_OK;
}

void demo_stats_since(const struct demo_stats *now, const struct demo_stats *before, struct demo_stats *ret)
{
    ret->ticks = now->ticks - before->ticks;
    ret->ticks_missed = now->ticks_missed - before->ticks_missed;
    ret->orders_written = now->orders_written - before->orders_written;
    ret->orders_refused = now->orders_refused - before->orders_refused;
    ret->orders_failed = now->orders_failed - before->orders_failed;
    ret->tick_lateness = histogram_since(&now->tick_lateness, &before->tick_lateness);
    for (int p = 0; p < DEMO_STATS_PROTOCOLS; p++) {
        const struct demo_stats_latency *n = &now->latency[p], *b = &before->latency[p];

        ret->transaction[p] = histogram_since(&now->transaction[p], &before->transaction[p]);
        ret->latency[p] = (struct demo_stats_latency){
            .detect = histogram_since(&n->detect, &b->detect),
            .decide = histogram_since(&n->decide, &b->decide),
            .dispatch = histogram_since(&n->dispatch, &b->dispatch),
            .device = histogram_since(&n->device, &b->device),
            .total = histogram_since(&n->total, &b->total),
            .event_to_order = histogram_since(&n->event_to_order, &b->event_to_order),
        };
    }
}
