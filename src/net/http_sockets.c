/* SPDX-License-Identifier: Apache-2.0 */
/* http_sockets.c: owns the list of the HTTP client's open sockets, and closes what libcurl
 * is done with. Runs on the client's thread; never blocks. A socket that does not fit the
 * list is used all the same: it is just not found. */
#include "http_sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HTTP_SOCKETS_FIRST_ROOM 16u

void http_sockets_done(struct http_sockets *sockets)
{
    free(sockets->list);
    *sockets = (struct http_sockets){ .count = 0 };
}

static void http_sockets_add(struct http_sockets *sockets, int fd)
{
    if (sockets->count == sockets->room) {
        size_t room = sockets->room ? sockets->room * 2 : HTTP_SOCKETS_FIRST_ROOM;
        struct http_socket *list = realloc(sockets->list, room * sizeof *list);

        if (!list)
            return;
        sockets->list = list;
        sockets->room = room;
    }
    sockets->list[sockets->count++] = (struct http_socket){ .fd = fd };
}

curl_socket_t http_sockets_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);

    (void)purpose;
    if (fd < 0)
        return CURL_SOCKET_BAD;
    http_sockets_add(arg, fd);
    return fd;
}

int http_sockets_close(void *arg, curl_socket_t fd)
{
    struct http_sockets *sockets = arg;

    for (size_t i = 0; i < sockets->count; i++) {
        if (sockets->list[i].fd == fd) {
            sockets->list[i] = sockets->list[--sockets->count];
            break;
        }
    }
    return close(fd);
}

static int http_sockets_port(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)address)->sin_port);
    return address->ss_family == AF_INET6 ? ntohs(((const struct sockaddr_in6 *)address)->sin6_port) : 0;
}

/* Both ends, once they are known: a socket that is not connected yet has none. */
static void http_sockets_ask(struct http_socket *sock)
{
    struct sockaddr_storage here, there;
    socklen_t size = sizeof here;
    const void *ip = NULL;

    if (getsockname(sock->fd, (struct sockaddr *)&here, &size) != 0)
        return;
    size = sizeof there;
    if (getpeername(sock->fd, (struct sockaddr *)&there, &size) != 0)
        return;
    if (there.ss_family == AF_INET)
        ip = &((const struct sockaddr_in *)&there)->sin_addr;
    else if (there.ss_family == AF_INET6)
        ip = &((const struct sockaddr_in6 *)&there)->sin6_addr;
    if (!ip || !inet_ntop(there.ss_family, ip, sock->remote_ip, sizeof sock->remote_ip))
        return;
    sock->remote_port = http_sockets_port(&there);
    sock->local_port = http_sockets_port(&here);
}

int http_sockets_find(struct http_sockets *sockets, const char *remote_ip, int remote_port, int local_port)
{
    for (size_t i = 0; i < sockets->count; i++) {
        struct http_socket *sock = &sockets->list[i];

        if (sock->local_port == 0)
            http_sockets_ask(sock);
        if (sock->local_port == local_port && local_port != 0 && sock->remote_port == remote_port &&
            strcmp(sock->remote_ip, remote_ip) == 0)
            return sock->fd;
    }
    return -1;
}
