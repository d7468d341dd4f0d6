/* SPDX-License-Identifier: Apache-2.0 */
/* cli_events.c: the last events, and following them. */
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

#include "busbar/clock.h"
#include "cli_client.h"
#include "cli_table.h"
#include "cli_value.h"

#define CLI_EVENTS_SHOWN_FIRST 10 /* with --follow */
#define CLI_EVENTS_PERIOD_US 1000000

static void cli_events_print(struct cli *cli, struct json_object *list, size_t from)
{
    for (size_t i = from; i < cli_length(list, "events"); i++) {
        struct json_object *one = cli_item(list, "events", i);
        const char *severity = cli_text(one, "severity", "info"), *advice = cli_text(one, "advice", "");
        enum cli_colour colour = strcmp(severity, "error") == 0     ? CLI_BAD
                                 : strcmp(severity, "warning") == 0 ? CLI_WARN
                                                                    : CLI_PLAIN;

        cli_say(cli, CLI_DIM, "%s  ", cli_text(one, "at", "-"));
        cli_say(cli, colour, "%-7s  ", severity);
        cli_say(cli, CLI_PLAIN, "%s: %s [%s]", cli_text(one, "who", "-"), cli_text(one, "message", ""),
                cli_text(one, "id", "-"));
        /* What needs nobody is not worth a second line. */
        if (strncmp(advice, "None", 4) != 0)
            cli_say(cli, CLI_DIM, " %s", advice);
        cli_say(cli, CLI_PLAIN, "\n");
    }
}

static int cli_events_follow(struct cli *cli)
{
    int64_t since = 0, next_us = clock_now_us();
    bool first = true;

    for (;;) {
        struct cli_answer answer;
        size_t count;
        char path[64];
        int64_t last;

        (void)snprintf(path, sizeof path, "/v1/events?since=%" PRId64, since);
        if (!cli_get(cli, path, &answer)) {
            cli_answer_done(&answer);
            return CLI_FAILED;
        }
        count = cli_length(answer.json, "events");
        cli_events_print(cli, answer.json, first && count > CLI_EVENTS_SHOWN_FIRST ? count - CLI_EVENTS_SHOWN_FIRST : 0);
        last = cli_count(answer.json, "last");
        /* A daemon that was started again numbers from 1. */
        since = last < since ? 0 : last;
        first = false;
        cli_answer_done(&answer);
        if (fflush(cli->out) != 0)
            return CLI_FAILED; /* the reader left */
        next_us += CLI_EVENTS_PERIOD_US;
        clock_sleep_until_us(next_us);
    }
}

int cli_events(struct cli *cli)
{
    struct cli_answer answer;
    int rc = CLI_FAILED;

    if (cli->follow && cli->json)
        return cli_fail(cli, "--json is one document, so it does not go with --follow");
    if (cli->follow)
        return cli_events_follow(cli);
    if (cli_get(cli, "/v1/events", &answer)) {
        rc = CLI_DONE;
        if (cli->json)
            rc = cli_print_json(cli, answer.json);
        else
            cli_events_print(cli, answer.json, 0);
    }
    cli_answer_done(&answer);
    return rc;
}
