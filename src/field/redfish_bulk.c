/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_bulk.c: one MetricReport instead of a GET a GPU, where that is fresher.
 *
 * Reports that the BMC has are tried once each, in the gaps between polls; the smallest
 * that has every GPU's power is kept. Values are as old as their timestamps say, less
 * what the device itself needs to sense them; what does not move on is given up, and the
 * GPUs are asked one by one again.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redfish_bmc.h"
#include "redfish_clock.h"
#include "redfish_report.h"

#include "busbar/clock.h"
#include "busbar/log.h"

#define REDFISH_BULK_PATHS_MAX 64
#define REDFISH_BULK_AGAIN_US  ((int64_t)600000000)
#define REDFISH_BULK_STUCK_US  ((int64_t)2000000)
#define REDFISH_BULK_FAILURES  2

struct redfish_bulk {
    char paths[REDFISH_BULK_PATHS_MAX][REDFISH_SURVEY_PATH_MAX];
    int32_t count, trial; /* trial: next to be tried; past count: all were  */
    int32_t asked;        /* out now                                        */
    int32_t used;         /* CORE_NONE: none is                             */
    int32_t best;         /* of those tried; its size and latency:          */
    size_t best_size;
    int64_t best_us, best_interval_us;
    int64_t due_us, again_us, advanced_us;
    int32_t failures;
    struct redfish_clock clock;
    /* of the report that is being read */
    int64_t interval_us, arrived_us, dispatched_us, newest_us;
    int32_t gpus;
};

/* ---- what a value is of ---- */

/* The reading of a GPU that a sensor feeds, or CORE_NONE. */
static int32_t redfish_bulk_reading(const struct redfish *bmc, const char *property)
{
    for (int32_t r = 0; r < bmc->device->reading_count; r++) {
        const struct conf_reading *reading = &bmc->device->readings[r];
        const struct redfish_spot_doc *doc;
        const char *source;

        if (reading->place > 0 || reading->row >= bmc->device->gpu_count)
            continue;
        doc = &bmc->places[reading->row].doc;
        source = reading->signal == SIGNAL_GPU_POWER_W    ? doc->power_source
                 : reading->signal == SIGNAL_GPU_ENERGY_J ? doc->energy_source
                 : reading->signal == SIGNAL_GPU_TEMP_C   ? doc->temp_source
                                                          : "";
        if (source[0] && strcmp(source, property) == 0)
            return r;
    }
    return CORE_NONE;
}

/* ---- trying ---- */

static void redfish_bulk_on_trial_value(const struct redfish_report_value *value, void *arg)
{
    struct redfish *bmc = arg;
    int32_t r = redfish_bulk_reading(bmc, value->property);

    if (r != CORE_NONE && bmc->device->readings[r].signal == SIGNAL_GPU_POWER_W && !value->stale &&
        value->at_us != 0 && !isnan(value->value))
        bmc->bulk->gpus++;
}

/* Worst age of a value before the next one is there, asked for one by one or at once. */
static bool redfish_bulk_is_fresher(const struct redfish *bmc)
{
    const struct redfish_bulk *bulk = bmc->bulk;
    int64_t fast_us = bmc->bus->fast_us, round_us = bmc->device->gpu_count * bmc->get_us;
    int64_t single_us = (fast_us > round_us ? fast_us : round_us) + bmc->get_us;
    int64_t report_us =
        (fast_us > bulk->best_us ? fast_us : bulk->best_us) + bulk->best_us + bulk->best_interval_us;

    return bmc->device->reports == CONF_REPORTS_ALWAYS || report_us <= single_us;
}

/* The GPUs are asked often enough to see who changed their limits. */
static int64_t redfish_bulk_limit_period_us(const struct redfish *bmc)
{
    int64_t most_us = bmc->bus->stale_us / 2;
    int64_t period_us = bmc->bus->slow_us < most_us ? bmc->bus->slow_us : most_us;

    return period_us > bmc->bus->fast_us ? period_us : bmc->bus->fast_us;
}

static void redfish_bulk_set_periods(struct redfish *bmc, int64_t period_us)
{
    int64_t now_us = clock_now_us();
    int32_t count = bmc->device->gpu_count;

    for (int32_t g = 0; g < count; g++) {
        bmc->places[g].period_us = period_us;
        bmc->places[g].due_us = now_us + period_us * (g + 1) / count;
    }
}

static void redfish_bulk_use(struct redfish *bmc)
{
    struct redfish_bulk *bulk = bmc->bulk;

    bulk->used = bulk->best;
    bulk->interval_us = bulk->best_interval_us;
    bulk->failures = 0;
    bulk->due_us = bulk->advanced_us = clock_now_us();
    redfish_bulk_set_periods(bmc, redfish_bulk_limit_period_us(bmc));
    LOG(NOTICE, bmc->device->name, "%s replaces a question to each of %d GPUs", bulk->paths[bulk->used],
        (int)bmc->device->gpu_count);
}

static void redfish_bulk_give_up(struct redfish *bmc, const char *why)
{
    struct redfish_bulk *bulk = bmc->bulk;

    LOG(NOTICE, bmc->device->name, "%s is not used any more: %s", bulk->paths[bulk->used], why);
    bulk->used = CORE_NONE;
    bulk->trial = 0;
    bulk->best = CORE_NONE;
    bulk->again_us = clock_now_us() + redfish_jitter_us(bmc, REDFISH_BULK_AGAIN_US, 0.25);
    redfish_bulk_set_periods(bmc, bmc->bus->fast_us);
}

static void redfish_bulk_tried(struct redfish *bmc, const struct redfish_reply *reply)
{
    struct redfish_bulk *bulk = bmc->bulk;
    struct redfish_report_head head;

    bulk->trial++;
    bulk->gpus = 0;
    if (redfish_link_judge(reply) == ST_OK &&
        redfish_report_scan(reply->body, reply->size, redfish_bulk_on_trial_value, bmc, &head) == ST_OK &&
        bulk->gpus >= bmc->device->gpu_count && (bulk->best == CORE_NONE || reply->size < bulk->best_size)) {
        bulk->best = bulk->asked;
        bulk->best_size = reply->size;
        bulk->best_us = reply->done_us - reply->dispatched_us;
        bulk->best_interval_us = isnan(head.interval_s) ? 0 : (int64_t)(head.interval_s * 1e6);
    }
    if (bulk->trial < bulk->count)
        return;
    if (bulk->best != CORE_NONE && redfish_bulk_is_fresher(bmc))
        redfish_bulk_use(bmc);
    else
        bulk->again_us = clock_now_us() + redfish_jitter_us(bmc, REDFISH_BULK_AGAIN_US, 0.25);
}

/* ---- reading ---- */

static void redfish_bulk_on_value(const struct redfish_report_value *value, void *arg)
{
    struct redfish *bmc = arg;
    struct redfish_bulk *bulk = bmc->bulk;
    int32_t r = redfish_bulk_reading(bmc, value->property);
    const struct device_reading *old;
    int64_t taken_us;

    if (r == CORE_NONE || value->at_us == 0)
        return;
    redfish_clock_see(&bulk->clock, value->at_us, bulk->arrived_us);
    taken_us = redfish_clock_local_us(&bulk->clock, value->at_us) - bulk->interval_us;
    if (taken_us > bulk->dispatched_us)
        taken_us = bulk->dispatched_us;
    old = &bmc->adapter->state.readings[r];
    /* What is marked stale, has not moved on, or went back stays what it was, and ages. */
    if (value->stale || isnan(value->value) || (old->status == ST_OK && taken_us <= old->taken_us))
        return;
    adapter_reading(bmc->adapter, r, ST_OK, value->value, taken_us, bulk->arrived_us);
}

static enum status redfish_bulk_read(struct redfish *bmc, const char *body, size_t size)
{
    struct redfish_bulk *bulk = bmc->bulk;
    struct redfish_report_head head;
    enum status st;

    st = redfish_report_scan(body, size, redfish_bulk_on_value, bmc, &head);
    if (head.interval_s > 0.0) /* it may stand behind the values: for the next ones */
        bulk->interval_us = (int64_t)(head.interval_s * 1e6);
    if (head.newest_us != bulk->newest_us)
        bulk->advanced_us = bulk->arrived_us;
    bulk->newest_us = head.newest_us;
    adapter_publish(bmc->adapter);
    return st;
}

static void redfish_bulk_taken(struct redfish *bmc, const struct redfish_reply *reply)
{
    struct redfish_bulk *bulk = bmc->bulk;
    enum status st = redfish_link_judge(reply);
    int64_t patience_us = 4 * (bmc->bus->fast_us + bulk->best_interval_us) + REDFISH_BULK_STUCK_US;

    bulk->arrived_us = reply->done_us;
    bulk->dispatched_us = reply->dispatched_us;
    if (st == ST_OK)
        st = redfish_bulk_read(bmc, reply->body, reply->size);
    bulk->failures = st == ST_OK || redfish_is_outage(reply) ? 0 : bulk->failures + 1;
    if (bulk->failures >= REDFISH_BULK_FAILURES)
        redfish_bulk_give_up(bmc, status_label(st));
    else if (st == ST_OK && reply->done_us - bulk->advanced_us > patience_us)
        redfish_bulk_give_up(bmc, "its values do not move on");
}

bool redfish_bulk_event(struct redfish *bmc, const char *body, size_t size, int64_t now_us)
{
    struct redfish_bulk *bulk = bmc->bulk;

    if (!bulk || !memmem(body, size, "\"MetricValues\"", 14))
        return false;
    bulk->arrived_us = bulk->dispatched_us = now_us;
    return redfish_bulk_read(bmc, body, size) == ST_OK;
}

/* ---- asking ---- */

static void redfish_bulk_on_answer(struct redfish *bmc, const struct redfish_reply *reply)
{
    struct redfish_reply as_errand = *reply;
    bool used = bmc->bulk->used == bmc->bulk->asked && bmc->bulk->used != CORE_NONE;

    if (used)
        redfish_bulk_taken(bmc, reply);
    else
        redfish_bulk_tried(bmc, reply);
    if ((reply->status == ST_OK && reply->code >= 500 && reply->code != 503) || reply->status == ST_CORRUPT) {
        as_errand.status = ST_OK; /* one report's trouble is not the BMC's */
        as_errand.code = 404;
    }
    redfish_polled(bmc, &as_errand);
}

void redfish_bulk_offer(struct redfish *bmc, const char *path)
{
    struct redfish_bulk *bulk = bmc->bulk;

    for (int32_t i = 0; i < bulk->count; i++)
        if (strcmp(bulk->paths[i], path) == 0)
            return;
    if (bulk->count < REDFISH_BULK_PATHS_MAX)
        (void)snprintf(bulk->paths[bulk->count++], REDFISH_SURVEY_PATH_MAX, "%s", path);
}

int64_t redfish_bulk_due_us(const struct redfish *bmc)
{
    return bmc->bulk && bmc->bulk->used != CORE_NONE ? bmc->bulk->due_us : INT64_MAX;
}

bool redfish_bulk_wants(const struct redfish *bmc, int64_t now_us)
{
    const struct redfish_bulk *bulk = bmc->bulk;

    if (!bulk || bulk->count == 0 || bulk->used != CORE_NONE || now_us < bulk->again_us)
        return false;
    for (int32_t g = 0; g < bmc->device->gpu_count; g++)
        if (!bmc->places[g].read || !bmc->places[g].doc.power_source[0])
            return false; /* not known yet, or never: what a report would have to hold */
    return true;
}

void redfish_bulk_ask(struct redfish *bmc)
{
    struct redfish_bulk *bulk = bmc->bulk;
    struct redfish_ask ask = { .method = "GET", .done = redfish_bulk_on_answer };
    int64_t now_us = clock_now_us();

    if (bulk->used != CORE_NONE) {
        bulk->asked = bulk->used;
        bulk->due_us += bmc->bus->fast_us;
        if (bulk->due_us < now_us)
            bulk->due_us = now_us;
    } else {
        if (bulk->trial >= bulk->count) {
            bulk->trial = 0;
            bulk->best = CORE_NONE;
        }
        bulk->asked = bulk->trial;
    }
    ask.path = bulk->paths[bulk->asked];
    redfish_link_ask(bmc, REDFISH_LANE_POLL, &ask);
}

void redfish_bulk_forget(struct redfish *bmc)
{
    struct redfish_bulk *bulk = bmc->bulk;

    if (!bulk)
        return;
    if (bulk->used != CORE_NONE)
        redfish_bulk_set_periods(bmc, bmc->bus->fast_us);
    bulk->used = bulk->best = CORE_NONE;
    bulk->count = bulk->trial = 0;
    bulk->again_us = 0;
    bulk->clock.known = false;
}

enum status redfish_bulk_init(struct redfish *bmc)
{
    if (bmc->device->reports == CONF_REPORTS_NEVER || bmc->device->gpu_count == 0)
        return ST_OK;
    bmc->bulk = calloc(1, sizeof *bmc->bulk);
    if (!bmc->bulk)
        return ST_NOMEM;
    bmc->bulk->used = bmc->bulk->best = CORE_NONE;
    return ST_OK;
}

void redfish_bulk_done(struct redfish *bmc)
{
    free(bmc->bulk);
    bmc->bulk = NULL;
}
