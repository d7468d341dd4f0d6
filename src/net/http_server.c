/* SPDX-License-Identifier: Apache-2.0 */
/* http_server.c: evhttp with routes, on a UNIX socket or a TCP address.
 *
 * Owns the listener, its socket file and the routes. Runs on the base's thread;
 * a handler answers before it returns or holds its exchange, so nothing here
 * waits. Who may talk is the caller's `admit`: the kernel says who is at the other
 * end of a UNIX socket.
 */
#include "busbar/http.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "busbar/check.h"
#include "busbar/clock.h"
#include "busbar/log.h"

#define HTTP_SERVER_BACKLOG     64
#define HTTP_SERVER_HEADERS_MAX 16384 /* bytes of a request's head                 */
#define HTTP_SERVER_SOCKET_MODE 0660
#define HTTP_SERVER_US_PER_S    1000000
#define HTTP_SERVER_PAUSE_US    100000   /* after an accept that failed                */
#define HTTP_SERVER_TELL_US     60000000 /* between two lines that say so              */

struct http_server_route {
    char *method, *path;
    http_handler handler;
    void *arg;
};

struct http_server {
    TAILQ_ENTRY(http_server) entry; /* of http_servers                   */
    struct http_server_options opt;
    char *socket_path;   /* NULL over TCP                             */
    dev_t socket_device; /* of the file we made, so that only that    */
    ino_t socket_inode;  /*   one is removed at the end               */
    struct evhttp *http;
    struct evconnlistener *listener; /* evhttp's                           */
    struct event *again;             /* accepts again after a pause        */
    int64_t told_us;                 /* when it was last said; 0: never    */
    int32_t port;
    size_t route_count, route_room;
    struct http_server_route *routes;
    int held; /* exchanges that handlers have not answered */
};

struct http_exchange {
    struct http_server *server;
    struct evhttp_request *request;
    const char *rest; /* of the path; the handler's until it returns */
    const struct evhttp_uri *uri;
    struct http_peer peer;
    bool query_parsed;
    struct evkeyvalq query;
    bool body_ended; /* a NUL was put after the body              */
    bool answered;
    struct http_exchange *held; /* itself, where it is from the heap: freed once answered */
};

/* A listener that cannot accept tells with evhttp's pointer alone: whose it is stands here. */
static TAILQ_HEAD(, http_server) http_servers = TAILQ_HEAD_INITIALIZER(http_servers);
static pthread_mutex_t http_servers_mutex = PTHREAD_MUTEX_INITIALIZER;

/* ---- answering ---- */

/* Not inlined: gcc would take the exchange on a handler's stack, which is never `held`, for one that is freed. */
__attribute__((noinline)) static void http_exchange_end(struct http_exchange *exchange)
{
    if (exchange->query_parsed)
        evhttp_clear_headers(&exchange->query);
    if (exchange->held) {
        exchange->server->held--;
        free(exchange->held);
    }
}

struct http_exchange *http_exchange_hold(struct http_exchange *exchange)
{
    struct http_exchange *held = malloc(sizeof *held);

    CHECK(!exchange->answered && !exchange->held);
    if (!held)
        return NULL;
    *held = *exchange;
    held->held = held;
    held->query_parsed = false; /* its list is the handler's */
    held->rest = NULL;
    held->server->held++;
    exchange->answered = true; /* by the one that is held */
    return held;
}

void http_exchange_reply(struct http_exchange *exchange, int code, const char *content_type, const void *body,
                         size_t size)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(exchange->request);
    struct evbuffer *buffer = evbuffer_new();

    CHECK(!exchange->answered);
    exchange->answered = true;
    (void)evhttp_add_header(headers, "Content-Type", content_type);
    (void)evhttp_add_header(headers, "Cache-Control", "no-store");
    /* evhttp would send the body without its length: on a kept connection the next answer. */
    if (evhttp_request_get_command(exchange->request) == EVHTTP_REQ_HEAD) {
        char length[24];

        (void)snprintf(length, sizeof length, "%zu", size);
        (void)evhttp_add_header(headers, "Content-Length", length);
        size = 0;
    }
    if (!buffer || evbuffer_add(buffer, body, size) != 0) {
        evhttp_send_error(exchange->request, HTTP_SERVUNAVAIL, NULL); /* out of memory */
        goto end;
    }
    /* Where the peer has gone meanwhile this only frees the request. */
    evhttp_send_reply(exchange->request, code, NULL, buffer);
end:
    if (buffer)
        evbuffer_free(buffer);
    if (exchange->held)
        http_exchange_end(exchange);
}

static void http_server_refuse(struct http_exchange *exchange, int code, const char *why)
{
    char body[128];
    int size = snprintf(body, sizeof body, "{\"error\":\"%s\"}\n", why);

    http_exchange_reply(exchange, code, "application/json", body, (size_t)size);
}

const char *http_exchange_query(const struct http_exchange *exchange, const char *key)
{
    struct http_exchange *own = (struct http_exchange *)(uintptr_t)exchange; /* parsed when first asked */

    if (!own->query_parsed) {
        const char *text = evhttp_uri_get_query(own->uri);

        own->query_parsed = true;
        TAILQ_INIT(&own->query);
        if (text && evhttp_parse_query_str(text, &own->query) != 0)
            evhttp_clear_headers(&own->query);
    }
    return evhttp_find_header(&own->query, key);
}

const char *http_exchange_body(const struct http_exchange *exchange, size_t *ret_size)
{
    struct http_exchange *own = (struct http_exchange *)(uintptr_t)exchange; /* ended when first asked */
    struct evbuffer *input = evhttp_request_get_input_buffer(own->request);
    const char *body;

    if (!own->body_ended && evbuffer_add(input, "", 1) == 0)
        own->body_ended = true;
    body = own->body_ended ? (const char *)evbuffer_pullup(input, -1) : NULL;
    *ret_size = body ? evbuffer_get_length(input) - 1 : 0;
    return body ? body : "";
}

const char *http_exchange_rest(const struct http_exchange *exchange)
{
    return exchange->rest ? exchange->rest : "";
}

const struct http_peer *http_exchange_peer(const struct http_exchange *exchange)
{
    return &exchange->peer;
}

/* ---- one request ---- */

static const char *http_server_method(const struct evhttp_request *request)
{
    switch (evhttp_request_get_command(request)) {
    case EVHTTP_REQ_GET:
    case EVHTTP_REQ_HEAD: /* as GET; http_exchange_reply() leaves the body out */
        return "GET";
    case EVHTTP_REQ_POST:
        return "POST";
    case EVHTTP_REQ_PUT:
        return "PUT";
    case EVHTTP_REQ_PATCH:
        return "PATCH";
    case EVHTTP_REQ_DELETE:
        return "DELETE";
    default:
        return "";
    }
}

static void http_server_find_peer(struct http_exchange *exchange, bool unix_socket)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(exchange->request);
    struct ucred cred;
    socklen_t size = sizeof cred;
    int fd = bufferevent_getfd(evhttp_connection_get_bufferevent(connection));

    exchange->peer = (struct http_peer){.pid = -1, .uid = -1, .gid = -1};
    if (!unix_socket || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) != 0)
        return;
    exchange->peer =
        (struct http_peer){.pid = (int32_t)cred.pid, .uid = (int32_t)cred.uid, .gid = (int32_t)cred.gid};
}

/* What follows the route's path; NULL: it is another one. */
static const char *http_server_match(const struct http_server_route *route, const char *path)
{
    size_t length = strlen(route->path);

    if (strcmp(route->path, path) == 0)
        return length > 1 && route->path[length - 1] == '/' ? NULL : path + length;
    if (length > 1 && route->path[length - 1] == '/' && strncmp(route->path, path, length) == 0)
        return path + length;
    return NULL;
}

/* Calls the route's handler, or says 404 or 405. */
static void http_server_dispatch(struct http_server *server, struct http_exchange *exchange, const char *path)
{
    const char *method = http_server_method(exchange->request);
    char allow[64] = "";

    for (size_t i = 0; i < server->route_count; i++) {
        const struct http_server_route *route = &server->routes[i];
        size_t used = strlen(allow);

        exchange->rest = http_server_match(route, path);
        if (!exchange->rest)
            continue;
        if (strcmp(route->method, method) == 0) {
            route->handler(exchange, route->arg);
            if (exchange->answered)
                return;
            LOG(ERR, "http", "no answer from the handler of %s %s", method, path);
            http_server_refuse(exchange, HTTP_INTERNAL, "no answer");
            return;
        }
        (void)snprintf(allow + used, sizeof allow - used, "%s%s", used ? ", " : "", route->method);
    }
    if (!allow[0]) {
        http_server_refuse(exchange, HTTP_NOTFOUND, "no such path");
        return;
    }
    (void)evhttp_add_header(evhttp_request_get_output_headers(exchange->request), "Allow", allow);
    http_server_refuse(exchange, HTTP_BADMETHOD, "this path has no such method");
}

static void http_server_on_request(struct evhttp_request *request, void *arg)
{
    struct http_server *server = arg;
    struct http_exchange exchange = {
        .server = server, .request = request, .uri = evhttp_request_get_evhttp_uri(request)};
    const char *raw = exchange.uri ? evhttp_uri_get_path(exchange.uri) : NULL;
    size_t size = 0;
    char *path = raw ? evhttp_uridecode(raw, 0, &size) : NULL;

    http_server_find_peer(&exchange, server->socket_path != NULL);
    if (server->opt.admit && !server->opt.admit(&exchange.peer, server->opt.admit_arg)) {
        (void)evhttp_add_header(evhttp_request_get_output_headers(request), "Connection", "close");
        http_server_refuse(&exchange, 403, "not allowed");
    } else if (!path || strlen(path) != size) {
        http_server_refuse(&exchange, HTTP_BADREQUEST, "bad path");
    } else {
        http_server_dispatch(server, &exchange, path);
    }
    http_exchange_end(&exchange);
    free(path);
}

enum status http_server_route(struct http_server *server, const char *method, const char *path,
                              http_handler handler, void *arg)
{
    struct http_server_route *route;

    if (server->route_count == server->route_room) {
        size_t room = server->route_room ? 2 * server->route_room : 16;
        struct http_server_route *routes = reallocarray(server->routes, room, sizeof *routes);

        if (!routes)
            return ST_NOMEM;
        server->routes = routes;
        server->route_room = room;
    }
    route = &server->routes[server->route_count];
    *route = (struct http_server_route){
        .method = strdup(method), .path = strdup(path), .handler = handler, .arg = arg};
    if (!route->method || !route->path) {
        free(route->method);
        free(route->path);
        return ST_NOMEM;
    }
    server->route_count++;
    return ST_OK;
}

/* ---- listening ---- */

/* Makes room for our socket file: removes one that nobody listens on. */
static enum status http_server_clear(const char *path, const struct sockaddr_un *address)
{
    struct stat st;
    int fd, err;

    if (lstat(path, &st) != 0) {
        if (errno == ENOENT)
            return ST_OK;
        LOG(ERR, path, "cannot look at the socket: %s", strerror(errno));
        return ST_SYS;
    }
    if (!S_ISSOCK(st.st_mode)) {
        LOG(ERR, path, "is there already and is no socket");
        return ST_REFUSED;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        LOG(ERR, path, "cannot make a socket: %s", strerror(errno));
        return ST_SYS;
    }
    err = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ? 0 : errno;
    (void)close(fd);
    if (err != ECONNREFUSED) {
        LOG(ERR, path, "another process listens on it");
        return ST_BUSY;
    }
    if (unlink(path) != 0 && errno != ENOENT) {
        LOG(ERR, path, "cannot remove the old socket: %s", strerror(errno));
        return ST_SYS;
    }
    return ST_OK;
}

static enum status http_server_bind_unix(struct http_server *server, int fd,
                                         const struct sockaddr_un *address)
{
    const char *path = server->socket_path;
    struct stat st;

    /* On the descriptor first: the file is at no moment open to others. */
    if (fchmod(fd, HTTP_SERVER_SOCKET_MODE) != 0 ||
        bind(fd, (const struct sockaddr *)address, sizeof *address) != 0) {
        LOG(ERR, path, "cannot bind: %s", strerror(errno));
        return ST_SYS;
    }
    if (chmod(path, HTTP_SERVER_SOCKET_MODE) != 0 || stat(path, &st) != 0) {
        LOG(ERR, path, "cannot set the socket's mode: %s", strerror(errno));
        return ST_SYS;
    }
    server->socket_device = st.st_dev;
    server->socket_inode = st.st_ino;
    return ST_OK;
}

static enum status http_server_listen_unix(struct http_server *server, int *ret_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    enum status st;

    if (strlen(server->socket_path) >= sizeof address.sun_path) {
        LOG(ERR, server->socket_path, "the path is too long for a socket, at most %zu bytes",
            sizeof address.sun_path - 1);
        return ST_RANGE;
    }
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", server->socket_path);
    st = http_server_clear(server->socket_path, &address);
    if (st != ST_OK)
        return st;
    *ret_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*ret_fd < 0) {
        LOG(ERR, server->socket_path, "cannot make a socket: %s", strerror(errno));
        return ST_SYS;
    }
    return http_server_bind_unix(server, *ret_fd, &address);
}

static enum status http_server_bind_tcp(struct http_server *server, int fd, const struct addrinfo *found)
{
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    int on = 1;

    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    /* On the listener, because Linux hands it to every accepted connection:
     * with Nagle a kept connection stalls 40 ms an answer. */
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        bind(fd, found->ai_addr, found->ai_addrlen) != 0 ||
        getsockname(fd, (struct sockaddr *)&bound, &size) != 0) {
        LOG(ERR, server->opt.host, "cannot bind port %d: %s", (int)server->opt.port, strerror(errno));
        return ST_SYS;
    }
    server->port = bound.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)(void *)&bound)->sin6_port)
                                               : ntohs(((struct sockaddr_in *)(void *)&bound)->sin_port);
    return ST_OK;
}

static enum status http_server_listen_tcp(struct http_server *server, int *ret_fd)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    struct addrinfo *found = NULL;
    enum status st = ST_SYS;
    char port[16];
    int err;

    (void)snprintf(port, sizeof port, "%d", (int)server->opt.port);
    err = getaddrinfo(server->opt.host, port, &hints, &found);
    if (err != 0) {
        LOG(ERR, server->opt.host, "is no address to listen on: %s", gai_strerror(err));
        return ST_RANGE;
    }
    *ret_fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*ret_fd >= 0)
        st = http_server_bind_tcp(server, *ret_fd, found);
    else
        LOG(ERR, server->opt.host, "cannot make a socket: %s", strerror(errno));
    freeaddrinfo(found);
    return st;
}

/* Without descriptors every look at the listener would fail at once, and again, for ever. */
static void http_server_on_accept_error(struct evconnlistener *listener, void *http)
{
    struct timeval pause = {.tv_usec = HTTP_SERVER_PAUSE_US};
    struct http_server *server;
    int err = errno;
    int64_t now_us = clock_now_us();

    (void)pthread_mutex_lock(&http_servers_mutex);
    TAILQ_FOREACH(server, &http_servers, entry)
        if (server->http == http)
            break;
    (void)pthread_mutex_unlock(&http_servers_mutex); /* it is this thread that would free it */
    CHECK(server != NULL);
    if (event_add(server->again, &pause) == 0)
        (void)evconnlistener_disable(listener);
    if (server->told_us != 0 && now_us - server->told_us < HTTP_SERVER_TELL_US)
        return;
    server->told_us = now_us;
    LOG(ERR, "http", "cannot accept connections: %s; tried again ten times a second", strerror(err));
}

static void http_server_accept_again(evutil_socket_t fd, short what, void *arg)
{
    const struct http_server *server = arg;

    (void)fd;
    (void)what;
    (void)evconnlistener_enable(server->listener);
}

static enum status http_server_listen(struct http_server *server)
{
    struct evhttp_bound_socket *bound;
    enum status st;
    int fd = -1;

    st = server->socket_path ? http_server_listen_unix(server, &fd) : http_server_listen_tcp(server, &fd);
    if (st != ST_OK)
        goto fail;
    st = ST_SYS;
    if (listen(fd, HTTP_SERVER_BACKLOG) != 0) {
        LOG(ERR, "http", "cannot listen: %s", strerror(errno));
        goto fail;
    }
    server->again = evtimer_new(server->opt.base, http_server_accept_again, server);
    bound = server->again ? evhttp_accept_socket_with_handle(server->http, fd) : NULL;
    if (!bound) {
        st = ST_NOMEM;
        goto fail;
    }
    server->listener = evhttp_bound_socket_get_listener(bound);
    (void)pthread_mutex_lock(&http_servers_mutex);
    TAILQ_INSERT_TAIL(&http_servers, server, entry);
    (void)pthread_mutex_unlock(&http_servers_mutex);
    evconnlistener_set_error_cb(server->listener, http_server_on_accept_error);
    return ST_OK; /* the descriptor is evhttp's now */

fail:
    if (fd >= 0)
        (void)close(fd);
    return st;
}

static enum status http_server_start(struct http_server *server)
{
    const struct http_server_options *opt = &server->opt;
    struct timeval silent = {.tv_sec = opt->timeout_us / HTTP_SERVER_US_PER_S,
                             .tv_usec = opt->timeout_us % HTTP_SERVER_US_PER_S};

    if (opt->unix_socket) {
        server->socket_path = strdup(opt->unix_socket);
        if (!server->socket_path)
            return ST_NOMEM;
    }
    server->http = evhttp_new(opt->base);
    if (!server->http)
        return ST_NOMEM;
    evhttp_set_max_headers_size(server->http, HTTP_SERVER_HEADERS_MAX);
    evhttp_set_max_body_size(server->http, (ev_ssize_t)opt->body_max);
    evhttp_set_timeout_tv(server->http, &silent);
    evhttp_set_allowed_methods(server->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST |
                                                 EVHTTP_REQ_PUT | EVHTTP_REQ_PATCH | EVHTTP_REQ_DELETE |
                                                 EVHTTP_REQ_OPTIONS);
    evhttp_set_gencb(server->http, http_server_on_request, server);
    return http_server_listen(server);
}

enum status http_server_new(const struct http_server_options *opt, struct http_server **ret)
{
    struct http_server *server;
    enum status st;

    CHECK((opt->unix_socket == NULL) != (opt->host == NULL));
    server = calloc(1, sizeof *server);
    if (!server)
        return ST_NOMEM;
    server->opt = *opt;
    st = http_server_start(server);
    if (st != ST_OK) {
        http_server_free(server);
        return st;
    }
    server->opt.unix_socket = NULL; /* the caller's strings are not kept */
    server->opt.host = NULL;
    *ret = server;
    return ST_OK;
}

int32_t http_server_port(const struct http_server *server)
{
    return server->port;
}

struct http_server *http_server_free(struct http_server *server)
{
    struct stat st;

    if (!server)
        return NULL;
    CHECK(server->held == 0);
    if (server->listener) {
        (void)pthread_mutex_lock(&http_servers_mutex);
        TAILQ_REMOVE(&http_servers, server, entry);
        (void)pthread_mutex_unlock(&http_servers_mutex);
    }
    if (server->again)
        event_free(server->again);
    if (server->http)
        evhttp_free(server->http);
    /* Only the file we made: after a take-over it is somebody else's. */
    if (server->socket_path && server->socket_inode && stat(server->socket_path, &st) == 0 &&
        st.st_dev == server->socket_device && st.st_ino == server->socket_inode)
        (void)unlink(server->socket_path);
    for (size_t i = 0; i < server->route_count; i++) {
        free(server->routes[i].method);
        free(server->routes[i].path);
    }
    free(server->routes);
    free(server->socket_path);
    free(server);
    return NULL;
}
