/* SPDX-License-Identifier: Apache-2.0 */
/* cli_client.h: one exchange with the daemon at a time, and its answer. */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "cli.h"

#define CLI_ERROR_MAX 512

struct json_object;

struct cli_answer {
    struct json_object *json;   /* NULL where the answer is no JSON     */
    char *body;
    size_t size;
    bool unreachable;           /* nobody answered at all               */
    char error[CLI_ERROR_MAX];  /* one line for people, when it failed  */
};

/* Asks and waits, at most some tens of seconds. False: `error` says why. The
 * caller ends the answer in both cases. */
bool cli_ask(struct cli *cli, const char *method, const char *path, const char *body, struct cli_answer *ret);

/* The same for a GET whose answer is JSON; prints the error. */
bool cli_get(struct cli *cli, const char *path, struct cli_answer *ret);
bool cli_post(struct cli *cli, const char *path, const char *body, struct cli_answer *ret);

/* The same for any method; `body` NULL: none. */
bool cli_send(struct cli *cli, const char *method, const char *path, const char *body, struct cli_answer *ret);

/* A GET whose answer is printed as it is where JSON was asked for, else by `print`. */
int cli_show(struct cli *cli, const char *path, void (*print)(struct cli *, struct json_object *));

/* A GET of somebody else's page, "http[s]://..."; `body` is whole on true. */
bool cli_fetch(struct cli *cli, const char *url, struct cli_answer *ret);

void cli_answer_done(struct cli_answer *answer);

/* PREFIX and `value` made fit for a query: "/v1/why?lever=a%20b". malloc'ed. */
char *cli_path(const char *prefix, const char *value);

struct cli_client *cli_client_free(struct cli_client *client);

#endif
