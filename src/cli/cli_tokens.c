/* SPDX-License-Identifier: Apache-2.0 */
/* cli_tokens.c: asks for power for a time, gives it back, lists who holds some. */
#include <json-c/json.h>
#include <math.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_client.h"
#include "cli_table.h"
#include "cli_value.h"

#define CLI_TOKENS_FOR_MS    60000
#define CLI_TOKENS_PRIORITY  4
#define CLI_TOKENS_WATTS_MAX 1e8
#define CLI_TOKENS_USAGE     "it is: busbarctl token request NODE WATTS, token return or token list"

/* Without --client a user has one token: "user-NAME". */
static void cli_tokens_client(const struct cli *cli, char *ret, size_t size)
{
    const struct passwd *user = cli->client_name ? NULL : getpwuid(geteuid());

    if (cli->client_name)
        (void)snprintf(ret, size, "%s", cli->client_name);
    else if (user)
        (void)snprintf(ret, size, "user-%.40s", user->pw_name);
    else
        (void)snprintf(ret, size, "user-%ld", (long)geteuid());
}

static enum cli_colour cli_tokens_colour(const char *state)
{
    if (strcmp(state, "granted") == 0)
        return CLI_GOOD;
    return strcmp(state, "refused") == 0 || strcmp(state, "revoked") == 0 ? CLI_BAD : CLI_PLAIN;
}

static void cli_tokens_say(struct cli *cli, struct json_object *token)
{
    const char *state = cli_text(token, "state", "-"), *client = cli_text(token, "client", "-");
    double granted_w = cli_number(token, "granted_w"), alternative_w = cli_number(token, "alternative_w");
    double retry_ms = cli_number(token, "retry_after_ms");

    if (strcmp(state, "granted") == 0) {
        cli_say(cli, CLI_GOOD, "granted");
        cli_say(cli, CLI_PLAIN, ": %s holds %s at %s for %s\n", client, cli_quantity(granted_w, "W").text,
                cli_text(token, "node", "-"), cli_span(cli_number(token, "expires_in_ms")).text);
        return;
    }
    cli_say(cli, cli_tokens_colour(state), "%s", state);
    cli_say(cli, CLI_PLAIN, ": %s", client);
    if (cli_text(token, "text", "")[0])
        cli_say(cli, CLI_PLAIN, ", %s", cli_text(token, "text", ""));
    if (granted_w > 0.0)
        cli_say(cli, CLI_PLAIN, "; it still holds %s", cli_quantity(granted_w, "W").text);
    if (alternative_w > 0.0)
        cli_say(cli, CLI_PLAIN, "; %s would be granted now", cli_quantity(alternative_w, "W").text);
    if (retry_ms > 0.0)
        cli_say(cli, CLI_PLAIN, "; ask again in %s", cli_span(retry_ms).text);
    cli_say(cli, CLI_PLAIN, "\n");
}

/* Sends a wish; done when its token is in `good`. */
static int cli_tokens_send(struct cli *cli, const char *method, const char *body, const char *good)
{
    char client[64], *path;
    struct cli_answer answer = { .json = NULL };
    int rc = CLI_FAILED;

    cli_tokens_client(cli, client, sizeof client);
    path = cli_path("/v1/tokens/", client);
    if (!path)
        return cli_fail(cli, "out of memory");
    if (cli_send(cli, method, path, body, &answer)) {
        rc = strcmp(cli_text(answer.json, "state", ""), good) == 0 ? CLI_DONE : CLI_NOT_HELD;
        if (!cli->json)
            cli_tokens_say(cli, answer.json);
        else if (cli_print_json(cli, answer.json) != CLI_DONE)
            rc = CLI_FAILED;
    }
    cli_answer_done(&answer);
    free(path);
    return rc;
}

static int cli_tokens_request(struct cli *cli)
{
    struct json_object *body;
    char *end = NULL;
    double watts = cli->word_count == 3 ? strtod(cli->words[2], &end) : NAN;
    int rc;

    if (cli->word_count != 3)
        return cli_fail(cli, CLI_TOKENS_USAGE);
    if (end == cli->words[2] || *end || !(watts > 0.0) || watts > CLI_TOKENS_WATTS_MAX)
        return cli_fail(cli, "'%s' is no number of watts, above 0 to %g", cli->words[2], CLI_TOKENS_WATTS_MAX);
    body = json_object_new_object();
    json_object_object_add(body, "node", json_object_new_string(cli->words[1]));
    json_object_object_add(body, "amount_w", json_object_new_double(watts));
    json_object_object_add(body, "duration_ms", json_object_new_int64(cli->for_ms > 0 ? cli->for_ms : CLI_TOKENS_FOR_MS));
    json_object_object_add(body, "priority",
                           json_object_new_int64(cli->given & CLI_PRIORITY ? cli->priority : CLI_TOKENS_PRIORITY));
    rc = cli_tokens_send(cli, "PUT", json_object_to_json_string(body), "granted");
    json_object_put(body);
    return rc;
}

static void cli_tokens_print(struct cli *cli, struct json_object *list)
{
    static const struct cli_column columns[] = {
        { "CLIENT", false },  { "NODE", false },   { "STATE", false },      { "HOLDS", true },
        { "ENDS IN", true },  { "REASON", false }, { NULL, false },
    };
    struct cli_table *table = cli_table_new(columns);

    for (size_t i = 0; i < cli_length(list, "tokens"); i++) {
        struct json_object *token = cli_item(list, "tokens", i);
        const char *state = cli_text(token, "state", "-"), *text = cli_text(token, "text", "");

        cli_cell(table, CLI_PLAIN, "%s", cli_text(token, "client", "-"));
        cli_cell(table, CLI_PLAIN, "%s", cli_text(token, "node", "-"));
        cli_cell(table, cli_tokens_colour(state), "%s", state);
        cli_cell(table, CLI_PLAIN, "%s", cli_quantity(cli_number(token, "granted_w"), "W").text);
        cli_cell(table, CLI_PLAIN, "%s", cli_span(cli_number(token, "expires_in_ms")).text);
        cli_cell(table, CLI_PLAIN, "%s", text[0] ? text : "-");
    }
    cli_table_print(cli, table);
}

static int cli_tokens_list(struct cli *cli)
{
    return cli_show(cli, "/v1/tokens", cli_tokens_print);
}

int cli_tokens(struct cli *cli)
{
    const char *what = cli->words[0];

    if (strcmp(what, "request") == 0)
        return cli_tokens_request(cli);
    if (cli->word_count != 1 || cli->for_ms > 0 || (cli->given & CLI_PRIORITY))
        return cli_fail(cli, CLI_TOKENS_USAGE);
    if (strcmp(what, "return") == 0)
        return cli_tokens_send(cli, "DELETE", NULL, "returned");
    if (strcmp(what, "list") == 0 && !cli->client_name)
        return cli_tokens_list(cli);
    return cli_fail(cli, CLI_TOKENS_USAGE);
}
