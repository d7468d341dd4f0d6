/* SPDX-License-Identifier: Apache-2.0 */
/* loop.c: the only file of the daemon that knows libevent. Main thread. */
#include "loop.h"

#include <stdlib.h>

#include <event2/event.h>

#include "busbar/check.h"

#define LOOP_US_PER_S 1000000

struct loop_item {
    struct event *event;
    loop_call call;
    void *arg;
};

struct loop {
    struct event_base *base;
    int item_count;
    struct loop_item items[LOOP_CALLS_MAX];
};

enum status loop_new(struct loop **ret)
{
    struct loop *loop = calloc(1, sizeof *loop);

    if (!loop)
        return ST_NOMEM;
    loop->base = event_base_new();
    if (!loop->base) {
        loop_free(loop);
        return ST_NOMEM;
    }
    *ret = loop;
    return ST_OK;
}

struct loop *loop_free(struct loop *loop)
{
    if (!loop)
        return NULL;
    while (loop->item_count > 0)
        event_free(loop->items[--loop->item_count].event);
    if (loop->base)
        event_base_free(loop->base);
    free(loop);
    return NULL;
}

struct event_base *loop_base(struct loop *loop)
{
    return loop->base;
}

static void loop_item_run(evutil_socket_t fd, short what, void *arg)
{
    const struct loop_item *item = arg;

    (void)fd;
    (void)what;
    item->call(item->arg);
}

static enum status loop_add(struct loop *loop, int fd, short what, const struct timeval *every,
                            const struct loop_item *like)
{
    struct loop_item *item = &loop->items[loop->item_count];

    CHECK(loop->item_count < LOOP_CALLS_MAX);
    *item = *like;
    item->event = event_new(loop->base, fd, what, loop_item_run, item);
    if (!item->event)
        return ST_NOMEM;
    loop->item_count++;
    return event_add(item->event, every) == 0 ? ST_OK : ST_SYS;
}

enum status loop_on_signal(struct loop *loop, int number, loop_call call, void *arg)
{
    struct loop_item item = { .call = call, .arg = arg };

    return loop_add(loop, number, EV_SIGNAL | EV_PERSIST, NULL, &item);
}

enum status loop_every(struct loop *loop, int64_t period_us, loop_call call, void *arg)
{
    struct loop_item item = { .call = call, .arg = arg };
    struct timeval every = { .tv_sec = (time_t)(period_us / LOOP_US_PER_S),
                             .tv_usec = (suseconds_t)(period_us % LOOP_US_PER_S) };

    return loop_add(loop, -1, EV_PERSIST, &every, &item);
}

enum status loop_run(struct loop *loop)
{
    return event_base_dispatch(loop->base) < 0 ? ST_SYS : ST_OK;
}

void loop_break(struct loop *loop)
{
    (void)event_base_loopbreak(loop->base);
}
