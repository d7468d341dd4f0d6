/* SPDX-License-Identifier: Apache-2.0 */
/* mailbox.c: the latest value, as a triple buffer.
 *
 * Owns three slots. The writer fills its own and swaps it for the middle one;
 * the reader swaps its own for the middle one when that is fresh. One writer
 * thread, one reader thread; neither ever waits, allocates or sees half a value.
 */
#include "busbar/mailbox.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "busbar/check.h"

#define MAILBOX_SIZE_MAX ((size_t)16 << 20)
#define MAILBOX_LINE     64u /* bytes of a cache line                        */
#define MAILBOX_FRESH    4u  /* in `middle`: put, and not yet taken          */
#define MAILBOX_SLOT     3u  /* in `middle`: which slot                      */

struct mailbox {
    size_t size;
    size_t stride; /* of a slot, whole cache lines */
    int notify_fd;
    unsigned char *slots;
    _Alignas(MAILBOX_LINE) atomic_uint middle;
    _Alignas(MAILBOX_LINE) unsigned writer_slot; /* the writer's alone           */
    _Alignas(MAILBOX_LINE) unsigned reader_slot; /* the reader's alone           */
};

enum status mailbox_new(size_t size, struct mailbox **ret)
{
    struct mailbox *box;

    CHECK(size > 0 && size <= MAILBOX_SIZE_MAX);
    box = aligned_alloc(MAILBOX_LINE, sizeof *box);
    if (!box)
        return ST_NOMEM;
    memset(box, 0, sizeof *box);
    box->size = size;
    box->stride = (size + MAILBOX_LINE - 1) & ~(size_t)(MAILBOX_LINE - 1);
    box->notify_fd = -1;
    box->writer_slot = 0;
    atomic_init(&box->middle, 1);
    box->reader_slot = 2;
    box->slots = aligned_alloc(MAILBOX_LINE, 3 * box->stride);
    if (!box->slots) {
        mailbox_free(box);
        return ST_NOMEM;
    }
    memset(box->slots, 0, 3 * box->stride);
    *ret = box;
    return ST_OK;
}

struct mailbox *mailbox_free(struct mailbox *box)
{
    if (box) {
        free(box->slots);
        free(box);
    }
    return NULL;
}

static unsigned char *mailbox_slot(const struct mailbox *box, unsigned slot)
{
    return box->slots + (size_t)slot * box->stride;
}

void mailbox_put(struct mailbox *box, const void *value)
{
    unsigned old;

    memcpy(mailbox_slot(box, box->writer_slot), value, box->size);
    old = atomic_exchange_explicit(&box->middle, box->writer_slot | MAILBOX_FRESH, memory_order_acq_rel);
    box->writer_slot = old & MAILBOX_SLOT;
    if (box->notify_fd >= 0) {
        uint64_t one = 1;

        /* Fails only when the counter is full, and then the reader is woken anyway. */
        if (write(box->notify_fd, &one, sizeof one) < 0)
            return;
    }
}

const void *mailbox_peek(struct mailbox *box)
{
    unsigned old;

    /* Relaxed is enough to look: the exchange below orders the data. */
    if (!(atomic_load_explicit(&box->middle, memory_order_relaxed) & MAILBOX_FRESH))
        return NULL;
    old = atomic_exchange_explicit(&box->middle, box->reader_slot, memory_order_acq_rel);
    box->reader_slot = old & MAILBOX_SLOT;
    return mailbox_slot(box, box->reader_slot);
}

bool mailbox_get(struct mailbox *box, void *value)
{
    const void *latest = mailbox_peek(box);

    if (!latest)
        return false;
    memcpy(value, latest, box->size);
    return true;
}

void mailbox_set_notify(struct mailbox *box, int event_fd)
{
    box->notify_fd = event_fd;
}
