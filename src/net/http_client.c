/* SPDX-License-Identifier: Apache-2.0 */
/* http_client.c: libcurl's multi interface on a libevent base.
 *
 * Owns the multi handle (with its kept connections), one event a socket and
 * every exchange under way. Runs on the base's thread and never blocks: names
 * are resolved by libcurl's own thread. HTTP/1.1 only, no proxy, no redirects,
 * and an answer's callback is never called from inside http_client_send(). What
 * lies in a kept connection before a request is written is never its answer.
 */
#include "busbar/http.h"

#include <curl/curl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include <event2/event.h>

#include "busbar/check.h"
#include "busbar/clock.h"
#include "busbar/log.h"
#include "http_sockets.h"

#define HTTP_CLIENT_KEPT_MAX   1024L /* connections of all hosts, idle ones included */
#define HTTP_CLIENT_US_PER_MS  1000
#define HTTP_CLIENT_CONNECT_MS 15000L
#define HTTP_CLIENT_FIRST_ROOM 4096u

struct http_client_exchange {
    TAILQ_ENTRY(http_client_exchange) entry;
    struct http_client *client;
    CURL *easy;
    struct curl_slist *headers;
    http_done done;
    http_data on_data;
    void *arg;
    char *body;
    size_t body_size, body_room;
    bool too_large, no_memory;
    bool unasked, again; /* its connection had something to say first; so it got a new one */
    int64_t sent_us, dispatched_us, until_us;
    char error[CURL_ERROR_SIZE]; /* why there is no answer, in libcurl's words   */
};

struct http_client_socket {
    TAILQ_ENTRY(http_client_socket) entry;
    struct event *event;
};

TAILQ_HEAD(http_client_exchanges, http_client_exchange);
TAILQ_HEAD(http_client_sockets, http_client_socket);

struct http_client {
    struct http_client_options opt;
    CURLM *multi;
    CURLSH *share; /* TLS sessions, so that a reconnect is short  */
    struct event *timer;
    struct http_client_exchanges exchanges;
    struct http_client_sockets sockets; /* those libcurl waits for                 */
    struct http_sockets connections;    /* all, idle ones included                 */
    bool calling; /* a `done` runs: http_client_free() is an error */
};

static pthread_once_t http_client_once = PTHREAD_ONCE_INIT;
static CURLcode http_client_global;

static void http_client_init_curl(void)
{
    http_client_global = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* ---- exchanges ---- */

static void http_client_exchange_free(struct http_client_exchange *exchange)
{
    if (exchange->easy)
        curl_easy_cleanup(exchange->easy);
    curl_slist_free_all(exchange->headers);
    free(exchange->body);
    free(exchange);
}

static bool http_client_is_good(const struct http_client_exchange *exchange)
{
    long code = 0;

    return curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &code) == CURLE_OK && code >= 200 && code < 300;
}

static size_t http_client_write(char *data, size_t unit, size_t count, void *arg)
{
    struct http_client_exchange *exchange = arg;
    size_t size = unit * count;
    size_t need = exchange->body_size + size + 1;

    if (exchange->on_data && http_client_is_good(exchange)) {
        bool taken;

        exchange->client->calling = true;
        taken = exchange->on_data(data, size, exchange->arg);
        exchange->client->calling = false;
        return taken ? size : 0;
    }
    if (size > exchange->client->opt.body_max ||
        exchange->body_size > exchange->client->opt.body_max - size) {
        exchange->too_large = true;
        return 0; /* ends the transfer */
    }
    if (need > exchange->body_room) {
        size_t room = exchange->body_room ? exchange->body_room : HTTP_CLIENT_FIRST_ROOM;
        char *body;

        while (room < need)
            room *= 2;
        if (room > exchange->client->opt.body_max + 1)
            room = exchange->client->opt.body_max + 1; /* which `need` never exceeds */
        body = realloc(exchange->body, room);
        if (!body) {
            exchange->no_memory = true;
            return 0;
        }
        exchange->body = body;
        exchange->body_room = room;
    }
    memcpy(exchange->body + exchange->body_size, data, size);
    exchange->body_size += size;
    exchange->body[exchange->body_size] = '\0';
    return size;
}

/* A kept connection that has something to read although nothing was asked: an
 * answer too many, or its end. Answers carry no number, so from here on each would
 * be taken for the next one's. On a new one TLS may have talked after its handshake. */
static bool http_client_has_unasked(const struct http_client_exchange *exchange, int fd)
{
    struct pollfd socket = {.fd = fd, .events = POLLIN};
    long made = 0;

    return fd >= 0 && curl_easy_getinfo(exchange->easy, CURLINFO_NUM_CONNECTS, &made) == CURLE_OK &&
           made == 0 && poll(&socket, 1, 0) > 0;
}

/* The connection is there (queue, TCP and TLS are over) and the request is
 * about to be written. Comes again when libcurl repeats it on a new one. */
static int http_client_dispatched(void *arg, char *remote_ip, char *local_ip, int remote_port, int local_port)
{
    struct http_client_exchange *exchange = arg;

    (void)local_ip;
    exchange->unasked = http_client_has_unasked(
        exchange, http_sockets_find(&exchange->client->connections, remote_ip, remote_port, local_port));
    if (exchange->unasked)
        return CURL_PREREQFUNC_ABORT; /* and libcurl closes it */
    exchange->dispatched_us = clock_now_us();
    return CURL_PREREQFUNC_OK;
}

/* ST_TIMEOUT where the host may have acted on the request, ST_NACK where it
 * never got it, ST_CORRUPT where an answer came but not a whole or sane one. */
static enum status http_client_status(const struct http_client_exchange *exchange, CURLcode code)
{
    if (exchange->too_large)
        return ST_CORRUPT;
    if (exchange->no_memory)
        return ST_NOMEM;
    switch (code) {
    case CURLE_OK:
        return ST_OK;
    case CURLE_OUT_OF_MEMORY:
        return ST_NOMEM;
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
        return ST_TIMEOUT;
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_SSL_CONNECT_ERROR:
        return ST_NACK;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_URL_MALFORMAT:
        return ST_REFUSED;
    case CURLE_ABORTED_BY_CALLBACK: /* http_client_dispatched(): nothing was written */
        return ST_NACK;
    case CURLE_UNSUPPORTED_PROTOCOL: /* of the URL, or what answered is no HTTP */
        return exchange->dispatched_us ? ST_CORRUPT : ST_REFUSED;
    default:
        return exchange->dispatched_us ? ST_CORRUPT : ST_NACK;
    }
}

static int64_t http_client_left_ms(int64_t until_us)
{
    int64_t left_us = until_us - clock_now_us();

    return left_us > HTTP_CLIENT_US_PER_MS ? left_us / HTTP_CLIENT_US_PER_MS : 1;
}

/* Nothing of the request was written: once more, on a connection of its own making. */
static bool http_client_send_again(struct http_client_exchange *exchange)
{
    struct http_client *client = exchange->client;

    if (!exchange->unasked || exchange->again)
        return false;
    exchange->again = true;
    exchange->error[0] = '\0';
    (void)curl_multi_remove_handle(client->multi, exchange->easy);
    return curl_easy_setopt(exchange->easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
           curl_easy_setopt(exchange->easy, CURLOPT_TIMEOUT_MS, (long)http_client_left_ms(exchange->until_us)) ==
               CURLE_OK &&
           curl_multi_add_handle(client->multi, exchange->easy) == CURLM_OK;
}

static void http_client_finish(struct http_client_exchange *exchange, CURLcode code)
{
    struct http_client *client = exchange->client;
    struct http_response response = {
        .status = http_client_status(exchange, code),
        .body = exchange->body ? exchange->body : "",
        .body_size = exchange->body_size,
        .sent_us = exchange->sent_us,
        .dispatched_us = exchange->dispatched_us,
        .done_us = clock_now_us(),
        .internal = exchange->easy,
    };
    long answer = 0;

    exchange->too_large = exchange->too_large || code == CURLE_FILESIZE_EXCEEDED;
    if (response.status != ST_OK) {
        response.body = exchange->too_large  ? "the answer is too large"
                        : exchange->error[0] ? exchange->error
                                             : curl_easy_strerror(code);
        response.body_size = strlen(response.body);
    }
    if (curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &answer) == CURLE_OK)
        response.code = (int)answer;
    (void)curl_multi_remove_handle(client->multi, exchange->easy);
    TAILQ_REMOVE(&client->exchanges, exchange, entry);
    client->calling = true;
    exchange->done(&response, exchange->arg);
    client->calling = false;
    http_client_exchange_free(exchange);
}

static void http_client_collect(struct http_client *client)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        struct http_client_exchange *exchange = NULL;
        CURLcode code = message->data.result;

        if (message->msg != CURLMSG_DONE)
            continue;
        CHECK(curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&exchange) == CURLE_OK);
        if (code == CURLE_ABORTED_BY_CALLBACK && http_client_send_again(exchange))
            continue;
        http_client_finish(exchange, code); /* `message` ends here */
    }
}

/* ---- libcurl's sockets and its one timer, on the base ---- */

static void http_client_on_socket(evutil_socket_t fd, short what, void *arg)
{
    struct http_client *client = arg;
    int mask = ((what & EV_READ) ? CURL_CSELECT_IN : 0) | ((what & EV_WRITE) ? CURL_CSELECT_OUT : 0);
    int running;

    (void)curl_multi_socket_action(client->multi, fd, mask, &running);
    http_client_collect(client);
}

static void http_client_on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct http_client *client = arg;
    int running;

    (void)fd;
    (void)what;
    (void)curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    http_client_collect(client);
}

static void http_client_socket_free(struct http_client *client, struct http_client_socket *sock)
{
    TAILQ_REMOVE(&client->sockets, sock, entry);
    if (sock->event)
        event_free(sock->event);
    free(sock);
}

static int http_client_watch(CURL *easy, curl_socket_t fd, int what, void *arg, void *assigned)
{
    struct http_client *client = arg;
    struct http_client_socket *sock = assigned;
    short events = EV_PERSIST;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (sock)
            http_client_socket_free(client, sock);
        (void)curl_multi_assign(client->multi, fd, NULL);
        return 0;
    }
    events =
        (short)(events | ((what & CURL_POLL_IN) ? EV_READ : 0) | ((what & CURL_POLL_OUT) ? EV_WRITE : 0));
    if (!sock) {
        sock = calloc(1, sizeof *sock);
        if (!sock)
            return -1;
        TAILQ_INSERT_TAIL(&client->sockets, sock, entry);
        (void)curl_multi_assign(client->multi, fd, sock);
    }
    if (sock->event)
        event_free(sock->event);
    sock->event = event_new(client->opt.base, fd, events, http_client_on_socket, client);
    return sock->event && event_add(sock->event, NULL) == 0 ? 0 : -1;
}

static int http_client_set_timer(CURLM *multi, long timeout_ms, void *arg)
{
    struct http_client *client = arg;
    struct timeval tv = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};

    (void)multi;
    if (timeout_ms < 0)
        return event_del(client->timer);
    return event_add(client->timer, &tv);
}

/* ---- making a request ---- */

static bool http_client_has_header(const char *const *headers, const char *name)
{
    size_t size = strlen(name);

    for (; headers && *headers; headers++)
        if (strncasecmp(*headers, name, size) == 0 && (*headers)[size] == ':')
            return true;
    return false;
}

static bool http_client_add_header(struct http_client_exchange *exchange, const char *header)
{
    struct curl_slist *longer = curl_slist_append(exchange->headers, header);

    if (longer)
        exchange->headers = longer;
    return longer != NULL;
}

static bool http_client_set_headers(struct http_client_exchange *exchange, const struct http_request *request)
{
    bool ok = http_client_add_header(exchange, "Expect:"); /* no wait before a body */

    for (const char *const *at = request->headers; at && *at; at++)
        ok = ok && http_client_add_header(exchange, *at);
    if (request->body && !http_client_has_header(request->headers, "Content-Type"))
        ok = ok && http_client_add_header(exchange, "Content-Type: application/json");
    return ok;
}

/* `failed` gathers what every setting returned: 0 while all went well. */
#define HTTP_CLIENT_SET(option, value) (failed |= (unsigned)curl_easy_setopt(easy, option, value))

static unsigned http_client_set_method(CURL *easy, const struct http_request *request)
{
    unsigned failed = 0;

    if (request->body || strcmp(request->method, "POST") == 0) {
        const char *body = request->body ? request->body : "";

        HTTP_CLIENT_SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
        HTTP_CLIENT_SET(CURLOPT_COPYPOSTFIELDS, body);
    }
    if (strcmp(request->method, "GET") != 0 || request->body)
        HTTP_CLIENT_SET(CURLOPT_CUSTOMREQUEST, request->method);
    return failed;
}

static unsigned http_client_set_transport(CURL *easy, struct http_client *client,
                                          const struct http_request *request)
{
    unsigned failed = 0;

    HTTP_CLIENT_SET(CURLOPT_PROTOCOLS_STR, "http,https");
    HTTP_CLIENT_SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    HTTP_CLIENT_SET(CURLOPT_NOSIGNAL, 1L);
    HTTP_CLIENT_SET(CURLOPT_TCP_NODELAY, 1L);
    HTTP_CLIENT_SET(CURLOPT_TCP_KEEPALIVE, 1L);
    HTTP_CLIENT_SET(CURLOPT_PROXY, "");
    HTTP_CLIENT_SET(CURLOPT_FOLLOWLOCATION, 0L);
    HTTP_CLIENT_SET(CURLOPT_SHARE, client->share);
    HTTP_CLIENT_SET(CURLOPT_OPENSOCKETFUNCTION, http_sockets_open);
    HTTP_CLIENT_SET(CURLOPT_OPENSOCKETDATA, &client->connections);
    HTTP_CLIENT_SET(CURLOPT_CLOSESOCKETFUNCTION, http_sockets_close);
    HTTP_CLIENT_SET(CURLOPT_CLOSESOCKETDATA, &client->connections);
    if (request->unix_socket)
        HTTP_CLIENT_SET(CURLOPT_UNIX_SOCKET_PATH, request->unix_socket);
    if (request->ca_file)
        HTTP_CLIENT_SET(CURLOPT_CAINFO, request->ca_file);
    if (request->pin) {
        HTTP_CLIENT_SET(CURLOPT_PINNEDPUBLICKEY, request->pin);
        if (!request->ca_file) { /* BMCs sign their own certificates, for no name */
            HTTP_CLIENT_SET(CURLOPT_SSL_VERIFYPEER, 0L);
            HTTP_CLIENT_SET(CURLOPT_SSL_VERIFYHOST, 0L);
        }
    }
    if (request->fresh_connection) {
        HTTP_CLIENT_SET(CURLOPT_FRESH_CONNECT, 1L);
        HTTP_CLIENT_SET(CURLOPT_FORBID_REUSE, 1L);
    }
    return failed;
}

static enum status http_client_set(struct http_client_exchange *exchange, const struct http_request *request)
{
    CURL *easy = exchange->easy;
    unsigned failed = 0;
    int64_t timeout_ms = (request->timeout_us + HTTP_CLIENT_US_PER_MS - 1) / HTTP_CLIENT_US_PER_MS;

    HTTP_CLIENT_SET(CURLOPT_PRIVATE, exchange);
    HTTP_CLIENT_SET(CURLOPT_ERRORBUFFER, exchange->error);
    HTTP_CLIENT_SET(CURLOPT_URL, request->url);
    HTTP_CLIENT_SET(CURLOPT_USERAGENT, "busbar");
    HTTP_CLIENT_SET(CURLOPT_HTTPHEADER, exchange->headers);
    HTTP_CLIENT_SET(CURLOPT_WRITEFUNCTION, http_client_write);
    HTTP_CLIENT_SET(CURLOPT_WRITEDATA, exchange);
    if (!request->on_data) /* one that says beforehand that it is too large is not read at all */
        HTTP_CLIENT_SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)exchange->client->opt.body_max);
    HTTP_CLIENT_SET(CURLOPT_PREREQFUNCTION, http_client_dispatched);
    HTTP_CLIENT_SET(CURLOPT_PREREQDATA, exchange);
    if (request->on_data) { /* only silence ends it */
        HTTP_CLIENT_SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
        HTTP_CLIENT_SET(CURLOPT_LOW_SPEED_TIME, (long)(timeout_ms >= 1000 ? timeout_ms / 1000 : 1));
        HTTP_CLIENT_SET(CURLOPT_CONNECTTIMEOUT_MS, HTTP_CLIENT_CONNECT_MS);
    } else {
        HTTP_CLIENT_SET(CURLOPT_TIMEOUT_MS, (long)(timeout_ms > 0 ? timeout_ms : 1));
    }
    failed |= http_client_set_transport(easy, exchange->client, request);
    failed |= http_client_set_method(easy, request);
    return failed ? ST_NOMEM : ST_OK; /* with values of our own nothing else can fail */
}

enum status http_client_send(struct http_client *client, const struct http_request *request, http_done done,
                             void *arg)
{
    struct http_client_exchange *exchange = calloc(1, sizeof *exchange);
    enum status st = ST_NOMEM;

    if (!exchange)
        return ST_NOMEM;
    exchange->client = client;
    exchange->done = done;
    exchange->on_data = request->on_data;
    exchange->arg = arg;
    exchange->easy = curl_easy_init();
    if (!exchange->easy || !http_client_set_headers(exchange, request))
        goto fail;
    st = http_client_set(exchange, request);
    if (st != ST_OK)
        goto fail;
    st = ST_NOMEM;
    exchange->sent_us = clock_now_us();
    exchange->until_us = exchange->sent_us + request->timeout_us;
    TAILQ_INSERT_TAIL(&client->exchanges, exchange, entry);
    if (curl_multi_add_handle(client->multi, exchange->easy) != CURLM_OK) {
        TAILQ_REMOVE(&client->exchanges, exchange, entry);
        goto fail;
    }
    return ST_OK;

fail:
    http_client_exchange_free(exchange);
    return st;
}

static void http_client_cut(struct http_client_exchange *exchange)
{
    TAILQ_REMOVE(&exchange->client->exchanges, exchange, entry);
    (void)curl_multi_remove_handle(exchange->client->multi, exchange->easy);
    http_client_exchange_free(exchange);
}

void http_client_cancel(struct http_client *client, const void *arg)
{
    struct http_client_exchange *exchange, *next;

    for (exchange = TAILQ_FIRST(&client->exchanges); exchange; exchange = next) {
        next = TAILQ_NEXT(exchange, entry);
        if (exchange->arg == arg)
            http_client_cut(exchange);
    }
}

const char *http_response_header(const struct http_response *response, const char *name)
{
    struct curl_header *header = NULL;

    if (curl_easy_header(response->internal, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return NULL;
    return header->value;
}

/* ---- the client itself ---- */

static enum status http_client_start(struct http_client *client)
{
    unsigned failed = 0;

    client->timer = evtimer_new(client->opt.base, http_client_on_timer, client);
    client->share = curl_share_init();
    client->multi = curl_multi_init();
    if (!client->timer || !client->share || !client->multi)
        return ST_NOMEM;
    failed |= (unsigned)curl_share_setopt(client->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    failed |= (unsigned)curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, http_client_watch);
    failed |= (unsigned)curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    failed |= (unsigned)curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, http_client_set_timer);
    failed |= (unsigned)curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    failed |= (unsigned)curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, HTTP_CLIENT_KEPT_MAX);
    failed |= (unsigned)curl_multi_setopt(client->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                                          (long)client->opt.host_connections_max);
    failed |= (unsigned)curl_multi_setopt(client->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    return failed ? ST_NOMEM : ST_OK;
}

enum status http_client_new(const struct http_client_options *opt, struct http_client **ret)
{
    struct http_client *client;
    enum status st;

    CHECK(opt->host_connections_max >= 1 && opt->host_connections_max <= 8);
    (void)pthread_once(&http_client_once, http_client_init_curl);
    if (http_client_global != CURLE_OK) {
        LOG(ERR, "http", "libcurl does not start: %s", curl_easy_strerror(http_client_global));
        return ST_SYS;
    }
    client = calloc(1, sizeof *client);
    if (!client)
        return ST_NOMEM;
    client->opt = *opt;
    TAILQ_INIT(&client->exchanges);
    TAILQ_INIT(&client->sockets);
    st = http_client_start(client);
    if (st != ST_OK) {
        http_client_free(client);
        return st;
    }
    *ret = client;
    return ST_OK;
}

struct http_client *http_client_free(struct http_client *client)
{
    struct http_client_exchange *exchange;
    struct http_client_socket *sock;

    if (!client)
        return NULL;
    CHECK(!client->calling);
    while ((exchange = TAILQ_FIRST(&client->exchanges)) != NULL)
        http_client_cut(exchange);
    if (client->multi)
        (void)curl_multi_cleanup(client->multi);
    if (client->share)
        (void)curl_share_cleanup(client->share);
    http_sockets_done(&client->connections);
    while ((sock = TAILQ_FIRST(&client->sockets)) != NULL)
        http_client_socket_free(client, sock);
    if (client->timer)
        event_free(client->timer);
    free(client);
    return NULL;
}
