/* SPDX-License-Identifier: Apache-2.0 */
/* http_bench.h: the HTTP client, our server and a peer that says what it was told to,
 * on one event base in one thread, over loopback and UNIX sockets.
 */
#ifndef TEST_HTTP_BENCH_H
#define TEST_HTTP_BENCH_H

#include "busbar/http.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "busbar/clock.h"

#define LONG_US  20000000 /* long enough for the slowest machine */
#define BODY_MAX 65536

/* ---- what an exchange brought ---- */

struct answer {
    int calls;
    enum status status;
    int code;
    char body[1024];
    size_t body_size;
    char type[64], allow[64];
    bool has_nonsense;
    int64_t sent_us, dispatched_us, done_us;
};

struct bench {
    struct event_base *base;
    struct http_client *client;
    struct http_server *server;
    char folder[64], socket[96], url[64];
    int waiting;
    struct bench *again; /* the callback starts one more exchange */
};

static struct bench *waiter; /* whose `waiting` the callbacks count down */

static inline void copy(char *to, size_t room, const char *from)
{
    (void)snprintf(to, room, "%s", from ? from : "(none)");
}

static inline void on_answer(const struct http_response *response, void *arg)
{
    struct answer *answer = arg;

    answer->calls++;
    answer->status = response->status;
    answer->code = response->code;
    copy(answer->body, sizeof answer->body, response->body);
    answer->body_size = response->body_size;
    answer->sent_us = response->sent_us;
    answer->dispatched_us = response->dispatched_us;
    answer->done_us = response->done_us;
    if (response->code) {
        copy(answer->type, sizeof answer->type, http_response_header(response, "content-TYPE"));
        copy(answer->allow, sizeof answer->allow, http_response_header(response, "Allow"));
        answer->has_nonsense = http_response_header(response, "X-Nonsense") != NULL;
    }
    waiter->waiting--;
}

static inline void on_late(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    *(bool *)arg = true;
}

static inline void bench_run(struct bench *bench)
{
    struct timeval limit = {.tv_sec = LONG_US / 1000000};
    bool late = false;
    struct event *event = evtimer_new(bench->base, on_late, &late);

    assert_int_equal(event_add(event, &limit), 0);
    while (bench->waiting > 0 && !late)
        event_base_loop(bench->base, EVLOOP_ONCE);
    event_free(event);
    assert_int_equal(bench->waiting, 0);
}

static inline void bench_start(struct bench *bench, const struct http_request *request, struct answer *answer)
{
    memset(answer, 0, sizeof *answer);
    waiter = bench;
    bench->waiting++;
    assert_int_equal(http_client_send(bench->client, request, on_answer, answer), ST_OK);
    assert_int_equal(answer->calls, 0); /* later, never at once */
}

static inline void bench_ask(struct bench *bench, const struct http_request *request, struct answer *answer)
{
    bench_start(bench, request, answer);
    bench_run(bench);
    assert_int_equal(answer->calls, 1);
}

/* ---- our server's routes ---- */

static inline void route_hello(struct http_exchange *exchange, void *arg)
{
    char body[160];
    const char *name = http_exchange_query(exchange, "name");
    int size = snprintf(body, sizeof body, "hello %s%s", name ? name : "nobody", (const char *)arg);

    http_exchange_reply(exchange, 200, "text/plain", body, (size_t)size);
}

static inline void route_echo(struct http_exchange *exchange, void *arg)
{
    size_t size = 0;
    const char *body = http_exchange_body(exchange, &size);

    (void)arg;
    assert_int_equal(strlen(body), size);
    http_exchange_reply(exchange, 202, "application/json", body, size);
}

static inline void route_peer(struct http_exchange *exchange, void *arg)
{
    const struct http_peer *peer = http_exchange_peer(exchange);
    char body[64];
    int size = snprintf(body, sizeof body, "%d %d %d", (int)peer->pid, (int)peer->uid, (int)peer->gid);

    (void)arg;
    http_exchange_reply(exchange, 200, "text/plain", body, (size_t)size);
}

static inline void route_big(struct http_exchange *exchange, void *arg)
{
    static char body[BODY_MAX + 1];

    memset(body, 'x', sizeof body);
    http_exchange_reply(exchange, 200, "text/plain", body, (size_t)BODY_MAX + *(const size_t *)arg);
}

static inline void route_silent(struct http_exchange *exchange, void *arg)
{
    (void)exchange;
    (void)arg;
}

/* Answered by the test, later; what follows the path is in its head. */
static struct http_exchange *held;
static char held_rest[64];

static inline void route_held(struct http_exchange *exchange, void *arg)
{
    (void)arg;
    copy(held_rest, sizeof held_rest, http_exchange_rest(exchange));
    held = http_exchange_hold(exchange);
    assert_non_null(held);
}

static inline bool admit_by_flag(const struct http_peer *peer, void *arg)
{
    (void)peer;
    return *(const bool *)arg;
}

static bool admitted;
static const size_t one_too_many = 1, just_right = 0;

static inline void bench_routes(struct bench *bench)
{
    struct http_server *server = bench->server;

    assert_int_equal(http_server_route(server, "GET", "/hello", route_hello, ""), ST_OK);
    assert_int_equal(http_server_route(server, "GET", "/a b", route_hello, " spaced"), ST_OK);
    assert_int_equal(http_server_route(server, "PATCH", "/echo", route_echo, NULL), ST_OK);
    assert_int_equal(http_server_route(server, "POST", "/echo", route_echo, NULL), ST_OK);
    assert_int_equal(http_server_route(server, "GET", "/peer", route_peer, NULL), ST_OK);
    assert_int_equal(http_server_route(server, "GET", "/big", route_big, (void *)(uintptr_t)&one_too_many),
                     ST_OK);
    assert_int_equal(http_server_route(server, "GET", "/fits", route_big, (void *)(uintptr_t)&just_right),
                     ST_OK);
    assert_int_equal(http_server_route(server, "GET", "/silent", route_silent, NULL), ST_OK);
    assert_int_equal(http_server_route(server, "PUT", "/held/", route_held, NULL), ST_OK);
}

static inline void bench_init(struct bench *bench, bool unix_socket, int32_t connections)
{
    struct http_client_options client = {.host_connections_max = connections, .body_max = BODY_MAX};
    struct http_server_options server = {
        .body_max = 256, .timeout_us = LONG_US, .admit = admit_by_flag, .admit_arg = &admitted};

    memset(bench, 0, sizeof *bench);
    admitted = true;
    bench->base = event_base_new();
    assert_non_null(bench->base);
    client.base = server.base = bench->base;
    assert_int_equal(http_client_new(&client, &bench->client), ST_OK);
    copy(bench->folder, sizeof bench->folder, "/tmp/busbar-http-XXXXXX");
    assert_non_null(mkdtemp(bench->folder));
    (void)snprintf(bench->socket, sizeof bench->socket, "%s/s", bench->folder);
    if (unix_socket)
        server.unix_socket = bench->socket;
    else
        server.host = "127.0.0.1";
    assert_int_equal(http_server_new(&server, &bench->server), ST_OK);
    (void)snprintf(bench->url, sizeof bench->url, "http://127.0.0.1:%d",
                   (int)http_server_port(bench->server));
    bench_routes(bench);
}

static inline void bench_done(struct bench *bench)
{
    assert_null(http_client_free(bench->client));
    assert_null(http_server_free(bench->server));
    event_base_free(bench->base);
    (void)unlink(bench->socket);
    assert_int_equal(rmdir(bench->folder), 0);
}

static inline void bench_get(struct bench *bench, const char *path, struct answer *answer)
{
    char url[160];
    struct http_request request = {.method = "GET", .url = url, .timeout_us = LONG_US};
    bool tcp = http_server_port(bench->server) > 0;

    (void)snprintf(url, sizeof url, "%s%s", tcp ? bench->url : "http://localhost", path);
    request.unix_socket = tcp ? NULL : bench->socket;
    bench_ask(bench, &request, answer);
}

/* ---- a peer that says what it was told to, byte by byte ---- */

struct peer {
    struct evconnlistener *listener;
    const char *say; /* after each request; NULL: nothing         */
    bool hang_up;    /* after saying it                           */
    bool said;
    int connections;
    char url[64];
    struct bufferevent *open[16];
    bool quiet; /* does not answer yet                         */
};

static inline void peer_on_written(struct bufferevent *connection, void *arg)
{
    struct peer *peer = arg;

    if (peer->hang_up && peer->said)
        (void)shutdown(bufferevent_getfd(connection), SHUT_RDWR);
}

static inline void peer_on_read(struct bufferevent *connection, void *arg)
{
    struct evbuffer *input = bufferevent_get_input(connection);
    struct evbuffer_ptr end = evbuffer_search(input, "\r\n\r\n", 4, NULL);
    struct peer *peer = arg;

    if (end.pos < 0 || peer->quiet)
        return;
    (void)evbuffer_drain(input, (size_t)end.pos + 4);
    peer->said = true;
    if (peer->say && peer->say[0])
        (void)bufferevent_write(connection, peer->say, strlen(peer->say));
    else if (peer->hang_up)
        (void)shutdown(bufferevent_getfd(connection), SHUT_RDWR);
}

static inline void peer_on_accept(struct evconnlistener *listener, evutil_socket_t fd,
                                  struct sockaddr *address, int size, void *arg)
{
    struct bufferevent *connection =
        bufferevent_socket_new(evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
    struct peer *peer = arg;

    (void)address;
    (void)size;
    assert_true(peer->connections < 16);
    peer->open[peer->connections++] = connection;
    bufferevent_setcb(connection, peer_on_read, peer_on_written, NULL, peer);
    (void)bufferevent_enable(connection, EV_READ | EV_WRITE);
}

static inline void peer_init(struct peer *peer, struct bench *bench, const char *say, bool hang_up)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;

    *peer = (struct peer){.say = say, .hang_up = hang_up};
    peer->listener = evconnlistener_new_bind(bench->base, peer_on_accept, peer, LEV_OPT_CLOSE_ON_FREE, 16,
                                             (struct sockaddr *)&address, (int)sizeof address);
    assert_non_null(peer->listener);
    assert_int_equal(getsockname(evconnlistener_get_fd(peer->listener), (struct sockaddr *)&address, &size),
                     0);
    (void)snprintf(peer->url, sizeof peer->url, "http://127.0.0.1:%d/", ntohs(address.sin_port));
}

static inline void peer_done(struct peer *peer)
{
    for (int i = 0; i < peer->connections; i++)
        bufferevent_free(peer->open[i]);
    evconnlistener_free(peer->listener);
}

static inline void peer_ask(struct bench *bench, const char *say, bool hang_up, int64_t timeout_us,
                            struct answer *answer)
{
    struct http_request request = {.method = "GET", .timeout_us = timeout_us, .fresh_connection = true};
    struct peer peer;

    peer_init(&peer, bench, say, hang_up);
    request.url = peer.url;
    bench_ask(bench, &request, answer);
    peer_done(&peer);
}

#endif
