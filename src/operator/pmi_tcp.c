/* SPDX-License-Identifier: Apache-2.0 */
/* pmi_tcp.c: Modbus TCP connections of the upstream server.
 *
 * Main thread. Owns the listener and its connections. Who may not read is closed at
 * once; who does not read its answers, is silent for too long, gives three wrong keys or
 * does not speak Modbus is closed, too. A full house turns the newest away.
 */
#include "pmi_parts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "busbar/log.h"

#define PMI_IDLE_S         300
#define PMI_UNREAD_MAX     8192 /* bytes of answers a client leaves unread          */
#define PMI_WRONG_KEYS_MAX 3
#define PMI_FROM_MAX       80
#define PMI_BURST_MAX      32 /* requests of one client before others have a turn */

struct pmi_connection {
    struct pmi_tcp *tcp;
    struct pmi_connection *next;
    struct bufferevent *bev;
    struct sockaddr_storage address;
    char from[PMI_FROM_MAX];
    struct pmi_client client;
};

struct pmi_tcp {
    struct pmi *pmi;
    struct evconnlistener *listener;
    struct pmi_connection *connections;
    int32_t count;
};

static const struct sockaddr *pmi_tcp_address(const struct pmi_connection *connection)
{
    return (const void *)&connection->address;
}

static bool pmi_tcp_may_read(const struct pmi_options *options, const struct sockaddr *address)
{
    for (int32_t i = 0; i < options->reader_count; i++)
        if (netmask_holds(&options->readers[i], address))
            return true;
    return options->reader_count == 0;
}

static unsigned pmi_tcp_writers(const struct pmi_options *options, const struct sockaddr *address)
{
    unsigned writers = 0;

    for (int32_t w = 0; w < options->writer_count; w++)
        if (!options->writers[w].serial && netmask_holds(&options->writers[w].from, address))
            writers |= 1u << w;
    return writers;
}

static void pmi_tcp_close(struct pmi_connection *connection)
{
    struct pmi_connection **at = &connection->tcp->connections;

    while (*at != connection)
        at = &(*at)->next;
    *at = connection->next;
    connection->tcp->count--;
    bufferevent_free(connection->bev);
    free(connection);
}

/* One request, if a whole one is there. False: no more now. */
static bool pmi_tcp_one(struct pmi_connection *connection, bool *ret_close)
{
    struct evbuffer *in = bufferevent_get_input(connection->bev);
    size_t size = evbuffer_get_length(in) < PMI_FRAME_MAX ? evbuffer_get_length(in) : PMI_FRAME_MAX;
    const uint8_t *bytes = size > 0 ? evbuffer_pullup(in, (ev_ssize_t)size) : NULL;
    uint8_t answer[PMI_FRAME_MAX];
    struct pmi_request request;
    enum pmi_state state;
    size_t length;

    if (!bytes)
        return false;
    state = pmi_codec_request(PMI_TCP, bytes, size, &request);
    if (state == PMI_DONE) {
        length = pmi_answer(connection->tcp->pmi, &connection->client, PMI_TCP, &request, answer);
        (void)evbuffer_drain(in, request.used);
        *ret_close = bufferevent_write(connection->bev, answer, length) != 0 ||
                     evbuffer_get_length(bufferevent_get_output(connection->bev)) > PMI_UNREAD_MAX ||
                     connection->client.wrong_keys >= PMI_WRONG_KEYS_MAX;
        return !*ret_close;
    }
    *ret_close = state == PMI_BROKEN;
    return false;
}

static void pmi_tcp_on_read(struct bufferevent *bev, void *arg)
{
    struct pmi_connection *connection = arg;
    bool close = false;
    int turns = 0;

    while (turns++ < PMI_BURST_MAX && pmi_tcp_one(connection, &close))
        continue;
    if (close)
        pmi_tcp_close(connection);
    else if (turns > PMI_BURST_MAX)
        bufferevent_trigger(bev, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
}

static void pmi_tcp_on_event(struct bufferevent *bev, short what, void *arg)
{
    (void)bev;
    (void)what; /* end, error or time-out: it goes either way */
    pmi_tcp_close(arg);
}

static void pmi_tcp_name(struct pmi_connection *connection, int length)
{
    char host[64], port[16];

    if (getnameinfo(pmi_tcp_address(connection), (socklen_t)length, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        (void)strcpy(host, "?"), (void)strcpy(port, "?");
    (void)snprintf(connection->from, sizeof connection->from, "%s:%s", host, port);
}

static void pmi_tcp_on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                              int length, void *arg)
{
    struct timeval idle = { .tv_sec = PMI_IDLE_S };
    struct pmi_tcp *tcp = arg;
    struct pmi_connection *connection = NULL;
    int on = 1;

    if (pmi_tcp_may_read(tcp->pmi->options, address) && tcp->count < tcp->pmi->options->connections_max)
        connection = calloc(1, sizeof *connection);
    if (connection)
        connection->bev =
            bufferevent_socket_new(evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
    if (!connection || !connection->bev) {
        free(connection);
        (void)evutil_closesocket(fd);
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection->tcp = tcp;
    memcpy(&connection->address, address,
           (size_t)length < sizeof connection->address ? (size_t)length : sizeof connection->address);
    pmi_tcp_name(connection, length);
    connection->client = (struct pmi_client){ .writers = pmi_tcp_writers(tcp->pmi->options, address),
                                              .writer = PMI_NOBODY,
                                              .from = connection->from };
    connection->next = tcp->connections;
    tcp->connections = connection;
    tcp->count++;
    bufferevent_setcb(connection->bev, pmi_tcp_on_read, NULL, pmi_tcp_on_event, connection);
    (void)bufferevent_set_timeouts(connection->bev, &idle, &idle);
    (void)bufferevent_enable(connection->bev, EV_READ | EV_WRITE);
}

static int pmi_tcp_bind(struct pmi_tcp *tcp, const struct addrinfo *to)
{
    tcp->listener = evconnlistener_new_bind(tcp->pmi->op->base, pmi_tcp_on_accept, tcp,
                                            LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
                                            -1, to->ai_addr, (int)to->ai_addrlen);
    return tcp->listener ? 0 : errno;
}

enum status pmi_tcp_new(struct pmi *pmi, struct pmi_tcp **ret)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC,
                              .ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_PASSIVE | AI_NUMERICHOST };
    struct pmi_tcp *tcp = calloc(1, sizeof *tcp);
    struct addrinfo *found = NULL;
    char port[16];
    int wrong;

    if (!tcp)
        return ST_NOMEM;
    tcp->pmi = pmi;
    (void)snprintf(port, sizeof port, "%d", (int)pmi->options->port);
    wrong = getaddrinfo(pmi->options->host, port, &hints, &found);
    if (wrong == 0) {
        wrong = pmi_tcp_bind(tcp, found);
        freeaddrinfo(found);
    } else {
        wrong = EADDRNOTAVAIL;
    }
    if (wrong != 0) {
        LOG(ERR, "pmi", "cannot listen on %s port %d: %s", pmi->options->host, (int)pmi->options->port,
            strerror(wrong));
        free(tcp);
        return ST_SYS;
    }
    *ret = tcp;
    return ST_OK;
}

struct pmi_tcp *pmi_tcp_free(struct pmi_tcp *tcp)
{
    if (!tcp)
        return NULL;
    while (tcp->connections)
        pmi_tcp_close(tcp->connections);
    evconnlistener_free(tcp->listener);
    free(tcp);
    return NULL;
}

int32_t pmi_tcp_port(const struct pmi_tcp *tcp)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;

    if (getsockname(evconnlistener_get_fd(tcp->listener), (void *)&address, &length) != 0)
        return 0;
    return address.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)(void *)&address)->sin6_port)
                                         : ntohs(((struct sockaddr_in *)(void *)&address)->sin_port);
}

void pmi_tcp_follow(struct pmi_tcp *tcp)
{
    const struct pmi_options *options = tcp->pmi->options;
    struct pmi_connection *next;

    for (struct pmi_connection *at = tcp->connections; at; at = next) {
        next = at->next;
        at->client.writer = PMI_NOBODY;
        at->client.writers = pmi_tcp_writers(options, pmi_tcp_address(at));
        if (!pmi_tcp_may_read(options, pmi_tcp_address(at)))
            pmi_tcp_close(at);
    }
}
