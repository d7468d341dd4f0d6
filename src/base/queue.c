/* SPDX-License-Identifier: Apache-2.0 */
/* queue.c: a byte ring of records between one writer and one reader thread.
 *
 * A record is its length (4 bytes), then its bytes, padded to 8. `head` and
 * `tail` only ever grow; the difference is what is in the ring. Nobody waits
 * and nothing is allocated after queue_new().
 */
#include "busbar/queue.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "busbar/check.h"

#define QUEUE_LINE     64u
#define QUEUE_PAD      8u
#define QUEUE_SIZE_MIN ((size_t)4096)

struct queue {
    size_t size; /* a power of two                     */
    unsigned char *ring;
    atomic_uint_fast64_t dropped;
    _Alignas(QUEUE_LINE) atomic_size_t head; /* bytes ever written; the writer's   */
    _Alignas(QUEUE_LINE) atomic_size_t tail; /* bytes ever read; the reader's      */
};

enum status queue_new(size_t size, struct queue **ret)
{
    struct queue *queue;
    size_t whole = QUEUE_SIZE_MIN;

    CHECK(size <= SIZE_MAX / 4);
    while (whole < size)
        whole *= 2;
    queue = aligned_alloc(QUEUE_LINE, sizeof *queue);
    if (!queue)
        return ST_NOMEM;
    memset(queue, 0, sizeof *queue);
    queue->size = whole;
    atomic_init(&queue->dropped, 0);
    atomic_init(&queue->head, 0);
    atomic_init(&queue->tail, 0);
    queue->ring = malloc(whole);
    if (!queue->ring) {
        queue_free(queue);
        return ST_NOMEM;
    }
    *ret = queue;
    return ST_OK;
}

struct queue *queue_free(struct queue *queue)
{
    if (queue) {
        free(queue->ring);
        free(queue);
    }
    return NULL;
}

static void queue_in(struct queue *queue, size_t at, const void *from, size_t size)
{
    size_t start = at & (queue->size - 1);
    size_t first = queue->size - start < size ? queue->size - start : size;

    if (size == 0)
        return;
    memcpy(queue->ring + start, from, first);
    if (size > first)
        memcpy(queue->ring, (const unsigned char *)from + first, size - first);
}

static void queue_out(const struct queue *queue, size_t at, void *to, size_t size)
{
    size_t start = at & (queue->size - 1);
    size_t first = queue->size - start < size ? queue->size - start : size;

    if (size == 0)
        return;
    memcpy(to, queue->ring + start, first);
    if (size > first)
        memcpy((unsigned char *)to + first, queue->ring, size - first);
}

static size_t queue_padded(size_t size)
{
    return (size + QUEUE_PAD - 1) & ~(size_t)(QUEUE_PAD - 1);
}

bool queue_put(struct queue *queue, const void *head, size_t head_size, const void *tail, size_t tail_size)
{
    size_t at = atomic_load_explicit(&queue->head, memory_order_relaxed);
    size_t end = atomic_load_explicit(&queue->tail, memory_order_acquire);
    uint32_t length;
    size_t need;

    /* Each alone first, so that the sum cannot wrap. */
    if (head_size > queue->size || tail_size > queue->size || head_size + tail_size > UINT32_MAX)
        goto full;
    need = queue_padded(sizeof length + head_size + tail_size);
    if (need > queue->size - (at - end))
        goto full;
    length = (uint32_t)(head_size + tail_size);
    queue_in(queue, at, &length, sizeof length);
    queue_in(queue, at + sizeof length, head, head_size);
    queue_in(queue, at + sizeof length + head_size, tail, tail_size);
    atomic_store_explicit(&queue->head, at + need, memory_order_release);
    return true;

full:
    atomic_fetch_add_explicit(&queue->dropped, 1, memory_order_relaxed);
    return false;
}

bool queue_get(struct queue *queue, void *record, size_t room, size_t *ret_size)
{
    size_t end = atomic_load_explicit(&queue->tail, memory_order_relaxed);

    while (end != atomic_load_explicit(&queue->head, memory_order_acquire)) {
        uint32_t length;
        bool fits;

        queue_out(queue, end, &length, sizeof length);
        fits = length <= room;
        if (fits)
            queue_out(queue, end + sizeof length, record, length);
        else
            atomic_fetch_add_explicit(&queue->dropped, 1, memory_order_relaxed);
        end += queue_padded(sizeof length + length);
        atomic_store_explicit(&queue->tail, end, memory_order_release);
        if (fits) {
            *ret_size = length;
            return true;
        }
    }
    return false;
}

uint64_t queue_dropped(const struct queue *queue)
{
    return (uint64_t)atomic_load_explicit(&queue->dropped, memory_order_relaxed);
}
