/* SPDX-License-Identifier: Apache-2.0 */
/* stats_json.c: the daemon's counters and histograms as JSON. Pure.
 *
 * With `raw` every histogram also gives its sum and its buckets, so that two
 * answers can be subtracted (histogram_since()) by whoever measures.
 */
#include <json-c/json.h>

#include "answer.h"
#include "busbar/histogram.h"
#include "snapshot_json.h"

static void stats_json_histogram(struct json_object *to, const char *key, const struct histogram *h, bool raw)
{
    struct json_object *made = answer_object(to, key), *buckets;

    answer_count(made, "count", h->count);
    answer_int(made, "p50_us", histogram_quantile_us(h, 0.50));
    answer_int(made, "p99_us", histogram_quantile_us(h, 0.99));
    answer_int(made, "max_us", h->max_us);
    if (!raw)
        return;
    answer_number(made, "sum_us", h->sum_us);
    buckets = answer_array(made, "buckets");
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        struct json_object *pair;

        if (h->bucket[i] == 0)
            continue;
        pair = json_object_new_array();
        json_object_array_add(pair, json_object_new_int(i));
        json_object_array_add(pair, json_object_new_uint64(h->bucket[i]));
        json_object_array_add(buckets, pair);
    }
}

static void stats_json_latency(struct json_object *to, const char *protocol, const struct operator_latency *latency,
                               bool raw)
{
    struct json_object *made = answer_object(to, protocol);

    stats_json_histogram(made, "detect", &latency->detect, raw);
    stats_json_histogram(made, "decide", &latency->decide, raw);
    stats_json_histogram(made, "dispatch", &latency->dispatch, raw);
    stats_json_histogram(made, "device", &latency->device, raw);
    stats_json_histogram(made, "total", &latency->total, raw);
    stats_json_histogram(made, "event_to_order", &latency->event_to_order, raw);
}

struct json_object *stats_json(const struct operator_stats *stats, bool raw)
{
    struct json_object *to = json_object_new_object(), *part;

    answer_count(to, "ticks", stats->ticks);
    answer_count(to, "ticks_missed", stats->ticks_missed);
    answer_int(to, "period_us", stats->period_us);
    answer_bool(to, "realtime", stats->realtime);
    answer_int(to, "rss_bytes", stats->rss_bytes);
    answer_count(to, "orders_written", stats->orders_written);
    answer_count(to, "orders_refused", stats->orders_refused);
    answer_count(to, "orders_failed", stats->orders_failed);
    answer_count(to, "records_dropped", stats->records_dropped);
    answer_count(to, "events_dropped", stats->events_dropped);
    stats_json_histogram(to, "tick_lateness", &stats->tick_lateness, raw);
    stats_json_histogram(to, "core_step", &stats->core_step, raw);
    part = answer_object(to, "transaction");
    for (int p = 0; p < OPERATOR_PROTOCOLS; p++)
        stats_json_histogram(part, snapshot_protocols[p], &stats->transaction[p], raw);
    part = answer_object(to, "latency");
    for (int p = 0; p < OPERATOR_PROTOCOLS; p++)
        stats_json_latency(part, snapshot_protocols[p], &stats->latency[p], raw);
    return to;
}
