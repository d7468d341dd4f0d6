/* SPDX-License-Identifier: Apache-2.0 */
/* tap.c: from the tick thread to the recorder. Both threads meet in one queue;
 * nothing is allocated after tap_new(), nothing here waits. */
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#include "busbar/check.h"
#include "busbar/queue.h"

#define TAP_CORE_EVERY_US 10000000
#define TAP_QUEUE_SPARE ((size_t)1 << 20)
#define TAP_QUEUE_CORES 3          /* copies of block and plan the queue can hold      */

struct tap {
    struct queue *queue;
    /* the tick thread's */
    unsigned char *scratch;
    size_t scratch_size, core_bytes;
    uint64_t plan_version;
    int64_t core_us;               /* when the last copy of the block was put          */
    bool started;
    bool blind;                    /* something was lost: a copy of the block first    */
    struct core_request *requests; /* as they were put last                            */
    int32_t request_count, request_max;
    bool requests_due;             /* the next tick carries them in any case           */
    uint64_t lost, lost_now;       /* ticks: in all, since the last mark               */
    /* the main thread's */
    unsigned char *record;
    size_t record_room;
};

/* Twice what a tick can bring: each point and lever once is the rule. */
static size_t tap_scratch_size(const struct core_config *config)
{
    size_t points = (size_t)config->point_count, levers = (size_t)config->lever_count;
    size_t devices = (size_t)config->device_count, requests = (size_t)config->request_max;

    return RECORD_TICK_HEAD_SIZE + 2 * (points * bytes_struct_size(BYTES_TABLE(record_reading_fields)) +
                                        levers * bytes_struct_size(BYTES_TABLE(record_ack_fields)) +
                                        levers * bytes_struct_size(BYTES_TABLE(record_order_fields)) +
                                        devices * bytes_struct_size(BYTES_TABLE(record_identity_fields))) +
           requests * bytes_struct_size(BYTES_TABLE(record_request_fields)) +
           CORE_HINTS_MAX * bytes_struct_size(BYTES_TABLE(record_hint_fields));
}

enum status tap_new(const struct core_config *config, size_t core_bytes, struct tap **ret)
{
    struct tap *tap = calloc(1, sizeof *tap);
    size_t plan_bytes = core_plan_size(config);
    size_t largest = core_bytes > plan_bytes ? core_bytes : plan_bytes;
    enum status st = ST_NOMEM;

    if (!tap)
        return st;
    tap->core_bytes = core_bytes;
    tap->scratch_size = tap_scratch_size(config);
    if (largest < tap->scratch_size)
        largest = tap->scratch_size;
    tap->record_room = largest + 64;
    tap->scratch = malloc(tap->scratch_size);
    tap->record = malloc(tap->record_room);
    tap->request_max = config->request_max;
    tap->requests = calloc((size_t)config->request_max + 1, sizeof *tap->requests);
    if (!tap->scratch || !tap->record || !tap->requests)
        goto fail;
    memset(tap->scratch, 0, tap->scratch_size); /* touched now, not by the first tick */
    st = queue_new(TAP_QUEUE_CORES * (core_bytes + plan_bytes) + TAP_QUEUE_SPARE, &tap->queue);
    if (st != ST_OK)
        goto fail;
    *ret = tap;
    return ST_OK;

fail:
    tap_free(tap);
    return st;
}

struct tap *tap_free(struct tap *tap)
{
    if (tap) {
        queue_free(tap->queue);
        free(tap->scratch);
        free(tap->record);
        free(tap->requests);
        free(tap);
    }
    return NULL;
}

/* In the queue a record is its type (8 bytes, so that what follows is aligned),
 * for CORE its head, then the rest. */
static bool tap_put(struct tap *tap, enum record_type type, const void *from, size_t size)
{
    uint64_t head = (uint64_t)type;

    return queue_put(tap->queue, &head, sizeof head, from, size);
}

static bool tap_put_core(struct tap *tap, const struct core *core, int64_t now_us)
{
    unsigned char head[8 + RECORD_CORE_HEAD_SIZE];
    struct bytes_writer writer = { .at = head + 8, .room = RECORD_CORE_HEAD_SIZE };
    uint64_t type = RECORD_CORE;

    memcpy(head, &type, sizeof type);
    bytes_put_u64(&writer, (uint64_t)now_us);
    bytes_put_u64(&writer, tap->lost_now);
    return queue_put(tap->queue, head, sizeof head, core, tap->core_bytes);
}

void tap_begin(struct tap *tap, const struct core *core, const struct core_inputs *in)
{
    bool plan_due = !tap->started || in->plan->version != tap->plan_version;
    bool core_due = tap->blind || plan_due || in->now_us - tap->core_us >= TAP_CORE_EVERY_US;

    if (!core_due)
        return;
    tap->blind = true; /* until all of it is through */
    if (plan_due) {
        if (!tap_put(tap, RECORD_PLAN, in->plan, in->plan->size))
            return;
        tap->plan_version = in->plan->version;
        tap->started = true;
    }
    if (!tap_put_core(tap, core, in->now_us))
        return;
    tap->core_us = in->now_us;
    tap->requests_due = true; /* whoever begins here knows none */
    tap->lost_now = 0;
    tap->blind = false;
}

/* Is the table of requests another one than was put last, or due anyway? */
static bool tap_requests_changed(struct tap *tap, const struct core_inputs *in)
{
    size_t bytes = (size_t)in->request_count * sizeof *in->requests;

    CHECK(in->request_count >= 0 && in->request_count <= tap->request_max);
    if (!tap->requests_due && in->request_count == tap->request_count &&
        (bytes == 0 || memcmp(tap->requests, in->requests, bytes) == 0))
        return false;
    if (bytes > 0)
        memcpy(tap->requests, in->requests, bytes);
    tap->request_count = in->request_count;
    tap->requests_due = false;
    return true;
}

void tap_end(struct tap *tap, const struct core_inputs *in, const struct core_outputs *out)
{
    struct bytes_writer writer = { .at = tap->scratch, .room = tap->scratch_size };
    const struct core_order *orders = core_outputs_orders(out);
    int32_t hints = in->hint_count < CORE_HINTS_MAX ? in->hint_count : CORE_HINTS_MAX;
    bool requests;

    if (tap->blind)
        goto lost;
    requests = tap_requests_changed(tap, in);
    bytes_put_u64(&writer, (uint64_t)in->now_us);
    bytes_put_u64(&writer, in->plan->version);
    bytes_put_u32(&writer, (uint32_t)in->reading_count);
    bytes_put_u32(&writer, (uint32_t)in->ack_count);
    bytes_put_u32(&writer, (uint32_t)in->identity_count);
    bytes_put_u32(&writer, (uint32_t)out->order_count);
    bytes_put_u32(&writer, requests ? (uint32_t)in->request_count : RECORD_REQUESTS_SAME);
    bytes_put_u32(&writer, (uint32_t)hints);
    for (int32_t i = 0; i < in->reading_count; i++)
        bytes_put_struct(&writer, BYTES_TABLE(record_reading_fields), &in->readings[i]);
    for (int32_t i = 0; i < in->ack_count; i++)
        bytes_put_struct(&writer, BYTES_TABLE(record_ack_fields), &in->acks[i]);
    for (int32_t i = 0; i < in->identity_count; i++)
        bytes_put_struct(&writer, BYTES_TABLE(record_identity_fields), &in->identities[i]);
    for (int32_t i = 0; i < out->order_count; i++)
        bytes_put_struct(&writer, BYTES_TABLE(record_order_fields), &orders[i]);
    for (int32_t i = 0; requests && i < in->request_count; i++)
        bytes_put_struct(&writer, BYTES_TABLE(record_request_fields), &in->requests[i]);
    for (int32_t i = 0; i < hints; i++)
        bytes_put_struct(&writer, BYTES_TABLE(record_hint_fields), &in->hints[i]);
    if (!writer.full && tap_put(tap, RECORD_TICK, tap->scratch, writer.size))
        return;
    tap->blind = true;

lost:
    tap->lost++;
    tap->lost_now++;
}

uint64_t tap_lost(const struct tap *tap)
{
    return tap->lost;
}

enum record_type tap_get(struct tap *tap, const void **ret, size_t *ret_size)
{
    uint64_t type;
    size_t size;

    if (!queue_get(tap->queue, tap->record, tap->record_room, &size) || size < sizeof type)
        return RECORD_NONE;
    memcpy(&type, tap->record, sizeof type);
    *ret = tap->record + sizeof type;
    *ret_size = size - sizeof type;
    return (enum record_type)type;
}
