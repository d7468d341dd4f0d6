/* SPDX-License-Identifier: Apache-2.0 */
/* serve_wire.c: owns nothing but what it hands out: watches, timers on a
 * timerfd, listeners. Runs on the thread of the event base it is
 * given; never blocks and never reads a clock.
 */
#include "serve_wire.h"

#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "busbar/log.h"

#define WIRE_BACKLOG 16

struct serve_wire_watch {
    struct event *ready_event;
    void (*ready)(void *arg);
    void *arg;
};

struct serve_wire_timer {
    int fd;
    struct serve_wire_watch *watch;
    void (*fire)(void *arg);
    void *arg;
};

static void serve_wire_watch_ready(evutil_socket_t fd, short what, void *arg)
{
    struct serve_wire_watch *watch = arg;

    (void)fd;
    (void)what;
    watch->ready(watch->arg);
}

enum status serve_wire_watch_new(struct event_base *base, int fd, void (*ready)(void *arg), void *arg,
                                 struct serve_wire_watch **ret)
{
    struct serve_wire_watch *watch = calloc(1, sizeof *watch);

    if (!watch)
        return ST_NOMEM;
    watch->ready = ready;
    watch->arg = arg;
    watch->ready_event = event_new(base, fd, EV_READ | EV_PERSIST, serve_wire_watch_ready, watch);
    if (!watch->ready_event || event_add(watch->ready_event, NULL) != 0) {
        serve_wire_watch_free(watch);
        return ST_NOMEM;
    }
    *ret = watch;
    return ST_OK;
}

struct serve_wire_watch *serve_wire_watch_free(struct serve_wire_watch *watch)
{
    if (!watch)
        return NULL;
    if (watch->ready_event)
        event_free(watch->ready_event);
    free(watch);
    return NULL;
}

static enum status serve_wire_listen(int fd, const struct sockaddr *address, socklen_t size, int *ret_fd)
{
    if (fd < 0 || bind(fd, address, size) != 0 || listen(fd, WIRE_BACKLOG) != 0) {
        LOG(ERR, "serve", "cannot listen: %s", strerror(errno));
        if (fd >= 0)
            close(fd);
        return ST_SYS;
    }
    *ret_fd = fd;
    return ST_OK;
}

enum status serve_wire_listen_tcp(int32_t port, int *ret_fd, int32_t *ret_port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int yes = 1;
    enum status st;

    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    st = serve_wire_listen(fd, (const struct sockaddr *)&address, size, ret_fd);
    if (st == ST_OK && getsockname(fd, (struct sockaddr *)&address, &size) == 0)
        *ret_port = ntohs(address.sin_port);
    return st;
}

enum status serve_wire_listen_unix(const char *path, int *ret_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof address.sun_path) {
        LOG(ERR, path, "the path is too long for a socket");
        return ST_RANGE;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    unlink(path);
    return serve_wire_listen(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
                             (const struct sockaddr *)&address, sizeof address, ret_fd);
}

int serve_wire_accept(int listen_fd)
{
    int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int yes = 1;

    if (fd >= 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes); /* refused on a UNIX socket */
    return fd;
}

static void serve_wire_timer_ready(void *arg)
{
    struct serve_wire_timer *timer = arg;
    uint64_t times;

    /* Set anew since it fired: then there is nothing to read, and nothing is due. */
    if (read(timer->fd, &times, sizeof times) == (ssize_t)sizeof times)
        timer->fire(timer->arg);
}

enum status serve_wire_timer_new(struct event_base *base, void (*fire)(void *arg), void *arg,
                                 struct serve_wire_timer **ret)
{
    enum status st = ST_SYS;
    struct serve_wire_timer *timer = calloc(1, sizeof *timer);

    if (!timer)
        return ST_NOMEM;
    timer->fire = fire;
    timer->arg = arg;
    timer->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (timer->fd < 0) {
        LOG(ERR, "serve", "cannot make a timer: %s", strerror(errno));
        goto fail;
    }
    st = serve_wire_watch_new(base, timer->fd, serve_wire_timer_ready, timer, &timer->watch);
    if (st != ST_OK)
        goto fail;
    *ret = timer;
    return ST_OK;

fail:
    serve_wire_timer_free(timer);
    return st;
}

void serve_wire_timer_at(struct serve_wire_timer *timer, int64_t at_us)
{
    /* All zero would stop it, so the earliest is a nanosecond after boot. */
    int64_t from_us = at_us > 0 ? at_us : 0;
    struct itimerspec when = {
        .it_value = {.tv_sec = from_us / 1000000, .tv_nsec = from_us % 1000000 * 1000 + 1}};

    if (timerfd_settime(timer->fd, TFD_TIMER_ABSTIME, &when, NULL) != 0)
        LOG(ERR, "serve", "cannot set a timer: %s", strerror(errno));
}

void serve_wire_timer_stop(struct serve_wire_timer *timer)
{
    struct itimerspec when = {.it_value = {.tv_sec = 0, .tv_nsec = 0}};

    if (timerfd_settime(timer->fd, 0, &when, NULL) != 0)
        LOG(ERR, "serve", "cannot stop a timer: %s", strerror(errno));
}

struct serve_wire_timer *serve_wire_timer_free(struct serve_wire_timer *timer)
{
    if (!timer)
        return NULL;
    serve_wire_watch_free(timer->watch);
    if (timer->fd >= 0)
        close(timer->fd);
    free(timer);
    return NULL;
}

double serve_wire_normal(struct rng *rng)
{
    double radius = sqrt(-2.0 * log(rng_uniform(rng, 0x1p-53, 1.0)));

    return radius * cos(rng_uniform(rng, 0.0, 2.0 * M_PI));
}

void serve_wire_text(const char *text, uint16_t *words, int32_t count)
{
    size_t length = strlen(text);

    for (int32_t i = 0; i < count; i++) {
        size_t at = 2 * (size_t)i;
        unsigned char high = at < length ? (unsigned char)text[at] : 0;
        unsigned char low = at + 1 < length ? (unsigned char)text[at + 1] : 0;

        words[i] = (uint16_t)(high << 8 | low);
    }
}
