/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_find.c: finds what the configuration does not name: the GPUs' resources, their
 * workload profiles and smoothing, reports, the event stream.
 *
 * Owns one background walk at a time; asks in the gaps between polls. What is still
 * missing afterwards is looked for again, less and less often.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redfish_bmc.h"
#include "redfish_discover.h"
#include "redfish_stream.h"

#include "busbar/clock.h"
#include "busbar/log.h"

#define REDFISH_FIND_AGAIN_US  ((int64_t)30000000) /* then double                       */
#define REDFISH_FIND_DOUBLINGS 5
#define REDFISH_FIND_GETS_MAX  1024
#define REDFISH_FIND_GPUS_MAX  64

struct redfish_find {
    struct redfish_discover discover;
    struct redfish_survey survey;
    bool running, done; /* done: what could be found was                */
    int64_t again_us;
    int32_t tries;
};

/* ---- what is needed ---- */

static bool redfish_find_is_missing(const struct redfish *bmc, int32_t first, int32_t count)
{
    for (int32_t p = first; first != CORE_NONE && p < first + count; p++)
        if (!bmc->places[p].path[0])
            return true;
    return false;
}

static bool redfish_find_needs_gpus(const struct redfish *bmc)
{
    int32_t count = bmc->device->gpu_count;

    return count > 0 && (redfish_find_is_missing(bmc, 0, count) ||
                         redfish_find_is_missing(bmc, redfish_place_workload(bmc, 0), count) ||
                         redfish_find_is_missing(bmc, redfish_place_smoothing(bmc, 0), count));
}

static uint64_t redfish_find_scope(const struct redfish *bmc)
{
    uint64_t scope = REDFISH_MODEL_SCOPE(REDFISH_ROOT);

    if (redfish_find_needs_gpus(bmc))
        scope |= REDFISH_MODEL_SCOPE(REDFISH_SYSTEM) | REDFISH_MODEL_SCOPE(REDFISH_PROCESSOR);
    if (bmc->bulk)
        scope |= REDFISH_MODEL_SCOPE(REDFISH_TELEMETRY) | REDFISH_MODEL_SCOPE(REDFISH_REPORT);
    if (bmc->stream)
        scope |= REDFISH_MODEL_SCOPE(REDFISH_EVENTS);
    return scope;
}

bool redfish_find_wants(const struct redfish *bmc, int64_t now_us)
{
    const struct redfish_find *find = bmc->find;

    if (!find)
        return false;
    if (find->running)
        return find->discover.ready_us <= now_us;
    return !find->done && find->again_us <= now_us;
}

bool redfish_find_is_pending(const struct redfish *bmc)
{
    return bmc->find && bmc->find->tries == 0;
}

/* ---- what was found ---- */

/* As people count: GPU_2 before GPU_10. */
static int redfish_find_compare(const void *left, const void *right)
{
    const char *a = (*(const struct redfish_survey_processor *const *)left)->path;
    const char *b = (*(const struct redfish_survey_processor *const *)right)->path;

    while (*a && *b) {
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
            char *end_a, *end_b;
            unsigned long n = strtoul(a, &end_a, 10), m = strtoul(b, &end_b, 10);

            if (n != m)
                return n < m ? -1 : 1;
            a = end_a;
            b = end_b;
        } else if (*a != *b) {
            return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
        } else {
            a++;
            b++;
        }
    }
    return (*a != '\0') - (*b != '\0');
}

static void redfish_find_set(struct redfish *bmc, int32_t place, const char *path)
{
    if (place != CORE_NONE && !bmc->places[place].path[0])
        (void)snprintf(bmc->places[place].path, sizeof bmc->places[place].path, "%s", path);
}

/* The one whose resource is at a path. */
static const struct redfish_survey_processor *
redfish_find_at(const struct redfish_survey_processor *const *gpus, size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(gpus[i]->metrics, path) == 0)
            return gpus[i];
    return NULL;
}

/* Those with EnvironmentMetrics, in their order. */
static size_t redfish_find_list(const struct redfish_survey *survey,
                                const struct redfish_survey_processor *ret[REDFISH_FIND_GPUS_MAX])
{
    size_t count = 0;

    for (int32_t i = 0; i < survey->processor_count && count < REDFISH_FIND_GPUS_MAX; i++)
        if (survey->processors[i].gpu && survey->processors[i].metrics[0])
            ret[count++] = &survey->processors[i];
    qsort(ret, count, sizeof ret[0], redfish_find_compare);
    return count;
}

int32_t redfish_survey_gpu(const struct redfish_survey *survey, int32_t wanted, const char *metrics)
{
    const struct redfish_survey_processor *gpus[REDFISH_FIND_GPUS_MAX];
    int32_t count = (int32_t)redfish_find_list(survey, gpus);

    for (int32_t g = 0; g < wanted && count == wanted; g++)
        if (strcmp(gpus[g]->metrics, metrics) == 0)
            return g;
    return CORE_NONE;
}

/* By their paths, where these are known; else in their order, and then all of them: with one
 * missing its neighbours would trade names, and what was on record for one go to another. */
static void redfish_find_gpus(struct redfish *bmc, const struct redfish_survey *survey)
{
    const struct redfish_survey_processor *gpus[REDFISH_FIND_GPUS_MAX];
    int32_t wanted = bmc->device->gpu_count;
    size_t count = redfish_find_list(survey, gpus);
    bool complete = (int32_t)count == wanted;

    for (int32_t g = 0; g < wanted; g++) {
        const struct redfish_survey_processor *gpu = bmc->places[g].path[0]
                                                         ? redfish_find_at(gpus, count, bmc->places[g].path)
                                                     : complete ? gpus[g]
                                                                : NULL;

        if (!gpu)
            continue;
        redfish_find_set(bmc, g, gpu->metrics);
        redfish_find_set(bmc, redfish_place_workload(bmc, g), gpu->workload);
        redfish_find_set(bmc, redfish_place_smoothing(bmc, g), gpu->smoothing);
    }
    if (!complete && redfish_find_is_missing(bmc, 0, wanted) && bmc->find->tries == 0)
        LOG(WARNING, bmc->device->name,
            "shows %zu GPUs with EnvironmentMetrics, configured are %d: which is which needs gpus.path",
            count, (int)wanted);
}

/* Their readings say that there is nothing, instead of nothing at all. */
static void redfish_find_absent(struct redfish *bmc)
{
    struct redfish_reply reply = { .status = ST_ABSENT, .body = "", .done_us = clock_now_us() };

    for (int32_t p = 0; p < bmc->place_count; p++)
        if (!bmc->places[p].path[0])
            redfish_place_fail(bmc, p, ST_ABSENT, &reply);
}

static void redfish_find_on_done(struct redfish_discover *discover, enum status status, const char *why)
{
    struct redfish *bmc = discover->arg;
    struct redfish_find *find = bmc->find;
    const struct redfish_survey *survey = &find->survey;
    int32_t doublings = find->tries < REDFISH_FIND_DOUBLINGS ? find->tries : REDFISH_FIND_DOUBLINGS;

    (void)why;
    if (status == ST_OK) {
        (void)snprintf(bmc->kind, sizeof bmc->kind, "%s", survey->bmc_kind);
        if (redfish_find_needs_gpus(bmc))
            redfish_find_gpus(bmc, survey);
        for (int32_t i = 0; bmc->bulk && i < survey->report_count; i++)
            redfish_bulk_offer(bmc, survey->reports[i].path);
        if (bmc->stream && survey->events[0])
            redfish_stream_offer(bmc, survey->events);
        redfish_find_absent(bmc);
    }
    find->running = false;
    find->done = status == ST_OK && !redfish_find_needs_gpus(bmc) && survey->error_count == 0;
    find->tries++;
    find->again_us = clock_now_us() + redfish_jitter_us(bmc, REDFISH_FIND_AGAIN_US << doublings, 0.25);
    redfish_survey_done(&find->survey);
    redfish_discover_done(discover);
}

/* ---- asking ---- */

void redfish_find_ask(struct redfish *bmc)
{
    struct redfish_find *find = bmc->find;

    if (!find->running) {
        find->discover = (struct redfish_discover){
            .done = redfish_find_on_done, .arg = bmc, .background = true, .scope = redfish_find_scope(bmc)
        };
        find->running = true;
        if (redfish_discover_start(&find->discover, bmc, &find->survey, REDFISH_FIND_GETS_MAX) != ST_OK) {
            redfish_find_on_done(&find->discover, ST_NOMEM, "");
            redfish_poll(bmc);
            return;
        }
    }
    redfish_discover_step(&find->discover);
}

void redfish_find_forget(struct redfish *bmc)
{
    const struct conf_device *device = bmc->device;

    if (!bmc->find)
        return;
    bmc->find->done = false;
    bmc->find->tries = 0;
    bmc->find->again_us = 0;
    for (int32_t p = 0; p < bmc->place_count; p++) {
        bool configured = p < device->gpu_count ? device->gpus[p].path[0] != '\0'
                                                : p < device->gpu_count + device->place_count;

        bmc->places[p].read = false;
        if (!configured)
            bmc->places[p].path[0] = '\0';
    }
}

enum status redfish_find_init(struct redfish *bmc)
{
    if (bmc->place_count == 0 || (!redfish_find_needs_gpus(bmc) &&
                                  bmc->device->reports == CONF_REPORTS_NEVER && !bmc->device->use_events))
        return ST_OK;
    bmc->find = calloc(1, sizeof *bmc->find);
    return bmc->find ? ST_OK : ST_NOMEM;
}

void redfish_find_done(struct redfish *bmc)
{
    if (!bmc->find)
        return;
    if (bmc->find->running) {
        redfish_discover_done(&bmc->find->discover);
        redfish_survey_done(&bmc->find->survey);
    }
    free(bmc->find);
    bmc->find = NULL;
}
