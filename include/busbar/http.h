/* http.h: HTTP client and server on an event base. All calls on the base's thread. */
#ifndef BUSBAR_HTTP_H
#define BUSBAR_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "busbar/status.h"

struct event_base;

/* ---- client: libcurl multi on the base ---- */

struct http_client;

struct http_client_options {
    struct event_base *base;      /* borrowed                                       */
    int32_t host_connections_max; /* to one host and port; 1 to 8                   */
    size_t body_max;              /* larger answers are ST_CORRUPT; bytes           */
};

/* Bytes of a 2xx answer's body, as they come; false ends the exchange (ST_CORRUPT). */
typedef bool (*http_data)(const char *data, size_t size, void *arg);

struct http_request {
    const char *method;           /* "GET", "POST", "PATCH", "DELETE"               */
    const char *url;              /* copied                                         */
    const char *unix_socket;      /* path of a UNIX socket to use instead; NULL     */
    const char *const *headers;   /* "Name: value" ..., NULL at the end; copied     */
    const char *body;             /* NULL: none; copied                             */
    const char *ca_file;          /* https: NULL is the system's store              */
    const char *pin;              /* https: "sha256//BASE64" of the public key, several parted
                                     by ';'; without a ca_file it alone vouches; NULL: none */
    int64_t timeout_us;           /* for the whole exchange; with on_data: of silence */
    bool fresh_connection;        /* for what must never be sent twice              */
    http_data on_data;            /* for a body that never ends: it is not kept; NULL */
};

struct http_response {
    enum status status;           /* ST_OK: an answer came, whatever its code; ST_TIMEOUT: cut or
                                     too late, the outcome is unknown; ST_NACK: never left (no
                                     connection); ST_CORRUPT: not whole, not HTTP, too large;
                                     ST_REFUSED: its certificate or the URL is not good */
    int code;                     /* 200 ...; 0 without an answer                   */
    const char *body;             /* NUL-terminated; never NULL. Without an answer:
                                     what went wrong, in words                      */
    size_t body_size;
    int64_t sent_us, done_us;     /* clock_now_us(): handed to libcurl; complete    */
    int64_t dispatched_us;        /* the request left for the host (queueing over); 0: it never did */
    void *internal;
};

/* The value of an answer's header, or NULL. Case does not matter. */
const char *http_response_header(const struct http_response *response, const char *name);

typedef void (*http_done)(const struct http_response *response, void *arg);

NODISCARD enum status http_client_new(const struct http_client_options *opt, struct http_client **ret);

/* Starts an exchange; `done` is called once, later, on the base's thread, with
 * strings valid during the call. Not called for exchanges cut by http_client_free(). */
NODISCARD enum status http_client_send(struct http_client *client, const struct http_request *request,
                                       http_done done, void *arg);
/* Cuts every exchange that was started with this `arg`: their callbacks never come. */
void http_client_cancel(struct http_client *client, const void *arg);

struct http_client *http_client_free(struct http_client *client);

/* ---- server: evhttp on the base ---- */

struct http_server;
struct http_exchange;             /* one request being answered                     */

struct http_peer {                /* of a UNIX socket; uid and gid are -1 over TCP  */
    int32_t pid, uid, gid;
};

typedef void (*http_handler)(struct http_exchange *exchange, void *arg);
/* False refuses the connection (403). */
typedef bool (*http_admit)(const struct http_peer *peer, void *arg);

struct http_server_options {
    struct event_base *base;
    const char *unix_socket;      /* path; made 0660, an old one is replaced        */
    const char *host;             /* or host and port; NULL with unix_socket        */
    int32_t port;
    size_t body_max;              /* of a request                                   */
    int64_t timeout_us;           /* of a silent connection                         */
    http_admit admit;             /* NULL: everybody                                */
    void *admit_arg;
};

NODISCARD enum status http_server_new(const struct http_server_options *opt, struct http_server **ret);
struct http_server *http_server_free(struct http_server *server);

/* The TCP port listened on: the kernel's choice where 0 was asked for. 0 on a UNIX socket. */
int32_t http_server_port(const struct http_server *server);

/* `path` exact, or, where it ends in '/', whatever goes on after it; `method` as
 * above, or "PUT". Handlers answer once, before they return, or hold the exchange. */
NODISCARD enum status http_server_route(struct http_server *server, const char *method,
                                        const char *path, http_handler handler, void *arg);

/* What follows the '/' of the route's path, decoded; "" for an exact one. Until
 * the handler returns. */
const char *http_exchange_rest(const struct http_exchange *exchange);
/* Keeps an exchange beyond its handler: what comes back is answered later, once,
 * and then gone; the one that was given is done with. A peer that has gone
 * meanwhile does no harm. Every held one is answered before http_server_free().
 * NULL: no memory, and nothing changed. */
struct http_exchange *http_exchange_hold(struct http_exchange *exchange);
const char *http_exchange_query(const struct http_exchange *exchange, const char *key); /* NULL: absent */
const char *http_exchange_body(const struct http_exchange *exchange, size_t *ret_size);
const struct http_peer *http_exchange_peer(const struct http_exchange *exchange);
void http_exchange_reply(struct http_exchange *exchange, int code, const char *content_type,
                         const void *body, size_t size);

#endif
