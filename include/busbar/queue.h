/* queue.h: records in order, from one writer thread to one reader thread.
 *
 * Lock-free byte ring. Full, it drops the record and counts it.
 */
#ifndef BUSBAR_QUEUE_H
#define BUSBAR_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "busbar/status.h"

struct queue;

/* `size` in bytes, rounded up to a power of two; at least 4 KiB. */
NODISCARD enum status queue_new(size_t size, struct queue **ret);
struct queue *queue_free(struct queue *queue);

/* Writer: one record made of two parts (`tail` may be NULL with 0). False and
 * counted when there is no room. */
bool queue_put(struct queue *queue, const void *head, size_t head_size, const void *tail,
               size_t tail_size);

/* Reader: copies the oldest record to `record` and its size to *ret_size.
 * False when empty. A record larger than `room` is dropped and counted. */
bool queue_get(struct queue *queue, void *record, size_t room, size_t *ret_size);

/* Records dropped so far; any thread. */
uint64_t queue_dropped(const struct queue *queue);

#endif
