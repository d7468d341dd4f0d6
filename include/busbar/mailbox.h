/* mailbox.h: the latest value, from one writer thread to one reader thread.
 *
 * Lock-free (a triple buffer): put and get never block, never allocate and
 * never tear. A value that was overwritten unread is gone, so a mailbox
 * carries a whole state, never an event.
 */
#ifndef BUSBAR_MAILBOX_H
#define BUSBAR_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "busbar/status.h"

struct mailbox;

/* A mailbox for values of `size` bytes (1 to 16 MiB). */
NODISCARD enum status mailbox_new(size_t size, struct mailbox **ret);
struct mailbox *mailbox_free(struct mailbox *box);

/* Writer: copies `size` bytes in; writes the notify descriptor if one is set. */
void mailbox_put(struct mailbox *box, const void *value);

/* Reader: copies the latest value out. False, and `value` untouched, when
 * nothing was put since the last get. */
bool mailbox_get(struct mailbox *box, void *value);

/* Reader, without a copy: the latest value, valid until the reader's next
 * call, or NULL when nothing was put since the last get or peek. */
const void *mailbox_peek(struct mailbox *box);

/* Before either thread runs: an eventfd to write at each put; -1 for none. Borrowed. */
void mailbox_set_notify(struct mailbox *box, int event_fd);

#endif
