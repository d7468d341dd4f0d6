/* SPDX-License-Identifier: Apache-2.0 */
/* http_sockets.h: the HTTP client's TCP connections, found again by what libcurl says of them.
 *
 * libcurl opens and closes through here. It tells the pre-request callback the two ends
 * of a connection and not its descriptor (CURLINFO_ACTIVESOCKET is not set yet), and only
 * that shows whether something lies in it. One thread, the client's.
 */
#ifndef BUSBAR_NET_HTTP_SOCKETS_H
#define BUSBAR_NET_HTTP_SOCKETS_H

#include <curl/curl.h>
#include <stddef.h>

#define HTTP_SOCKETS_IP_MAX 48

struct http_socket {
    int fd;
    int local_port, remote_port; /* local_port 0: not asked for yet */
    char remote_ip[HTTP_SOCKETS_IP_MAX];
};

struct http_sockets {
    struct http_socket *list;
    size_t count, room;
};

void http_sockets_done(struct http_sockets *sockets); /* every socket was closed before */

/* Options CURLOPT_OPENSOCKETFUNCTION and CURLOPT_CLOSESOCKETFUNCTION; `arg` is a struct http_sockets. */
curl_socket_t http_sockets_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address);
int http_sockets_close(void *arg, curl_socket_t fd);

/* The connection's descriptor, or -1: it is none of these. */
int http_sockets_find(struct http_sockets *sockets, const char *remote_ip, int remote_port, int local_port);

#endif
