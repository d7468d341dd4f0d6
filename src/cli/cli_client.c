/* SPDX-License-Identifier: Apache-2.0 */
/* cli_client.c: exchanges with the daemon over its UNIX socket.
 *
 * Owns the event base and the HTTP client of one run. Waits, one exchange at a
 * time: this is a program for a terminal. Never prints what was answered.
 */
#include "cli_client.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "busbar/http.h"
#include "cli_table.h"
#include "cli_value.h"

#define CLI_CLIENT_TIMEOUT_US 60000000
#define CLI_CLIENT_BODY_MAX ((size_t)1 << 30) /* a recording may be large */

struct cli_client {
    struct event_base *base;
    struct http_client *http;
};

/* One exchange under way. */
struct cli_exchange {
    struct cli_answer *answer;
    bool done;
    enum status status;
    int code;
    bool json;
    char why[CLI_ERROR_MAX / 2]; /* no answer came, in words */
};

struct cli_client *cli_client_free(struct cli_client *client)
{
    if (!client)
        return NULL;
    http_client_free(client->http);
    if (client->base)
        event_base_free(client->base);
    free(client);
    return NULL;
}

static enum status cli_client_new(struct cli_client **ret)
{
    struct http_client_options opt = { .host_connections_max = 1, .body_max = CLI_CLIENT_BODY_MAX };
    struct cli_client *client = calloc(1, sizeof *client);
    enum status st = ST_NOMEM;

    if (!client)
        return ST_NOMEM;
    client->base = event_base_new();
    if (!client->base)
        goto fail;
    opt.base = client->base;
    st = http_client_new(&opt, &client->http);
    if (st != ST_OK)
        goto fail;
    *ret = client;
    return ST_OK;

fail:
    cli_client_free(client);
    return st;
}

static void cli_client_answered(const struct http_response *response, void *arg)
{
    struct cli_exchange *exchange = arg;
    const char *type = http_response_header(response, "content-type");

    exchange->done = true;
    exchange->status = response->status;
    exchange->code = response->code;
    exchange->json = type && strncmp(type, "application/json", strlen("application/json")) == 0;
    if (response->status != ST_OK) {
        (void)snprintf(exchange->why, sizeof exchange->why, "%s", response->body);
        return;
    }
    exchange->answer->body = malloc(response->body_size + 1);
    if (!exchange->answer->body) {
        exchange->status = ST_NOMEM;
        return;
    }
    memcpy(exchange->answer->body, response->body, response->body_size);
    exchange->answer->body[response->body_size] = '\0';
    exchange->answer->size = response->body_size;
}

/* Why nobody answered: what the system says of the socket. */
static void cli_client_explain(const char *path, enum status status, char *ret, size_t size)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd, error;

    if (strlen(path) >= sizeof address.sun_path) {
        (void)snprintf(ret, size, "%s: the path is too long for a socket", path);
        return;
    }
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    error = fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
    if (fd >= 0)
        (void)close(fd);
    if (error == EACCES || error == EPERM)
        (void)snprintf(ret, size, "%s: no right to use this socket: become root or a member of group busbar", path);
    else if (error)
        (void)snprintf(ret, size,
                       "%s: no daemon there (%s): start it (systemctl start busbard) or name its socket with --socket",
                       path, strerror(error));
    else
        (void)snprintf(ret, size, "%s: the daemon did not answer (%s): see journalctl -u busbard", path,
                       status_label(status));
}

static bool cli_client_parse(struct cli_exchange *exchange)
{
    struct cli_answer *answer = exchange->answer;

    if (exchange->json) {
        answer->json = json_tokener_parse(answer->body);
        if (!answer->json) {
            (void)snprintf(answer->error, sizeof answer->error, "the daemon's answer is no JSON");
            return false;
        }
    }
    if (exchange->code == 200)
        return true;
    (void)snprintf(answer->error, sizeof answer->error, "%s (%d)",
                   cli_text(answer->json, "error", "the daemon refused"), exchange->code);
    return false;
}

static enum status cli_client_run(struct cli *cli, const struct http_request *request, struct cli_exchange *exchange)
{
    enum status st = cli->client ? ST_OK : cli_client_new(&cli->client);

    if (st == ST_OK)
        st = http_client_send(cli->client->http, request, cli_client_answered, exchange);
    while (st == ST_OK && !exchange->done) {
        if (event_base_loop(cli->client->base, EVLOOP_ONCE) < 0)
            st = ST_SYS;
    }
    return st == ST_OK ? exchange->status : st;
}

bool cli_fetch(struct cli *cli, const char *url, struct cli_answer *ret)
{
    struct cli_exchange exchange = { .answer = ret };
    struct http_request request = { .method = "GET", .url = url, .timeout_us = CLI_CLIENT_TIMEOUT_US };
    enum status st;

    *ret = (struct cli_answer){ .json = NULL };
    st = cli_client_run(cli, &request, &exchange);
    ret->unreachable = st != ST_OK;
    if (st != ST_OK)
        (void)snprintf(ret->error, sizeof ret->error, "it cannot be read (%s)", exchange.why[0] ? exchange.why : status_label(st));
    else if (exchange.code != 200)
        (void)snprintf(ret->error, sizeof ret->error, "it answers with %d", exchange.code);
    return st == ST_OK && exchange.code == 200;
}

bool cli_ask(struct cli *cli, const char *method, const char *path, const char *body, struct cli_answer *ret)
{
    struct cli_exchange exchange = { .answer = ret };
    struct http_request request = { .method = method, .unix_socket = cli->socket, .body = body,
                                    .timeout_us = CLI_CLIENT_TIMEOUT_US };
    enum status st;
    char url[1024];

    *ret = (struct cli_answer){ .json = NULL };
    if (snprintf(url, sizeof url, "http://busbar%s", path) >= (int)sizeof url) {
        (void)snprintf(ret->error, sizeof ret->error, "the name is too long");
        return false;
    }
    request.url = url;
    st = cli_client_run(cli, &request, &exchange);
    if (st != ST_OK) {
        ret->unreachable = true;
        cli_client_explain(cli->socket, st, ret->error, sizeof ret->error);
        return false;
    }
    return cli_client_parse(&exchange);
}

bool cli_send(struct cli *cli, const char *method, const char *path, const char *body, struct cli_answer *ret)
{
    if (!cli_ask(cli, method, path, body, ret)) {
        (void)cli_fail(cli, "%s", ret->error);
        return false;
    }
    if (!ret->json) {
        (void)cli_fail(cli, "the daemon's answer is no JSON");
        return false;
    }
    return true;
}

bool cli_get(struct cli *cli, const char *path, struct cli_answer *ret)
{
    return cli_send(cli, "GET", path, NULL, ret);
}

bool cli_post(struct cli *cli, const char *path, const char *body, struct cli_answer *ret)
{
    return cli_send(cli, "POST", path, body, ret);
}

int cli_show(struct cli *cli, const char *path, void (*print)(struct cli *, struct json_object *))
{
    struct cli_answer answer;
    int rc = CLI_FAILED;

    if (cli_get(cli, path, &answer)) {
        rc = CLI_DONE;
        if (cli->json)
            rc = cli_print_json(cli, answer.json);
        else
            print(cli, answer.json);
    }
    cli_answer_done(&answer);
    return rc;
}

void cli_answer_done(struct cli_answer *answer)
{
    json_object_put(answer->json);
    free(answer->body);
    *answer = (struct cli_answer){ .json = NULL };
}

char *cli_path(const char *prefix, const char *value)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    size_t used = strlen(prefix);
    char *made = malloc(used + 3 * strlen(value) + 1);

    if (!made)
        return NULL;
    memcpy(made, prefix, used);
    for (; *value; value++) {
        if (strchr(plain, *value))
            made[used++] = *value;
        else
            used += (size_t)snprintf(made + used, 4, "%%%02X", (unsigned)(unsigned char)*value);
    }
    made[used] = '\0';
    return made;
}
