/* SPDX-License-Identifier: Apache-2.0 */
/* cli_status.c: status, mode, reload. */
#include <json-c/json.h>
#include <math.h>
#include <string.h>

#include "cli_client.h"
#include "cli_status.h"
#include "cli_table.h"
#include "cli_value.h"

bool cli_status_mode_holds(struct json_object *status)
{
    const char *mode = cli_text(status, "mode", ""), *wanted = cli_text(status, "mode_wanted", "");

    if (strcmp(wanted, "control") == 0)
        return strcmp(mode, "normal") == 0;
    return mode[0] && strcmp(mode, wanted) == 0;
}

static bool cli_status_has_reason(struct json_object *status, const char *reason)
{
    for (size_t i = 0; i < cli_length(status, "reasons"); i++) {
        const char *text = json_object_get_string(cli_item(status, "reasons", i));

        if (text && strcmp(text, reason) == 0)
            return true;
    }
    return false;
}

bool cli_status_holds(struct json_object *status)
{
    struct json_object *devices = cli_key(status, "devices");

    return cli_status_mode_holds(status) && cli_count(devices, "stale") == 0 && cli_count(devices, "unread") == 0 &&
           cli_count(status, "exceeded") == 0 && !cli_status_has_reason(status, "exceeded") &&
           !cli_status_has_reason(status, "infeasible") && !cli_status_has_reason(status, "protection") &&
           !cli_status_has_reason(status, "not_ride_capable");
}

enum cli_colour cli_status_colour(struct json_object *status)
{
    const char *mode = cli_text(status, "mode", "");

    if (strcmp(mode, "emergency") == 0)
        return CLI_BAD;
    return cli_status_mode_holds(status) ? CLI_GOOD : CLI_WARN;
}

double cli_status_use(struct json_object *envelope)
{
    double mean_w = cli_number(envelope, "mean_w");

    return (isnan(mean_w) ? cli_number(envelope, "power_w") : mean_w) / cli_number(envelope, "limit_w");
}

/* ---- status ---- */

static void cli_status_envelope(struct cli *cli, struct json_object *status)
{
    struct json_object *envelope = cli_key(status, "envelope");
    double limit_w = cli_number(envelope, "limit_w"), use = cli_status_use(envelope);
    enum cli_colour colour = use > 1.0 ? CLI_BAD : use > 0.95 ? CLI_WARN : CLI_PLAIN;

    cli_say(cli, CLI_DIM, "envelope  ");
    cli_say(cli, CLI_PLAIN, "%s draws %s", cli_text(envelope, "node", "-"),
            cli_quantity(cli_number(envelope, "power_w"), "W").text);
    if (isnan(limit_w))
        cli_say(cli, CLI_WARN, ", no limit is configured\n");
    else
        cli_say(cli, colour, ", %.0f %% of its limit of %s over %s\n", 100.0 * use, cli_quantity(limit_w, "W").text,
                cli_span(cli_number(envelope, "window_ms")).text);
}

static void cli_status_reasons(struct cli *cli, struct json_object *status)
{
    size_t count = cli_length(status, "reasons");

    if (count == 0)
        return;
    cli_say(cli, CLI_DIM, "because   ");
    for (size_t i = 0; i < count; i++)
        cli_say(cli, CLI_PLAIN, "%s%s", i > 0 ? ", " : "", json_object_get_string(cli_item(status, "reasons", i)));
    cli_say(cli, CLI_PLAIN, "\n");
}

static void cli_status_ride(struct cli *cli, struct json_object *ride)
{
    const char *state = cli_text(ride, "state", "off");
    bool good = strcmp(state, "ready") == 0, capable = cli_bool(ride, "capable");
    double margin_ms = cli_number(ride, "margin_ms");

    if (strcmp(state, "off") == 0)
        return;
    cli_say(cli, CLI_DIM, "grid      ");
    cli_say(cli, good ? CLI_GOOD : CLI_WARN, "%s", state);
    cli_say(cli, CLI_PLAIN, " for %s", cli_span(1e3 * cli_number(ride, "since_s")).text);
    if (!isnan(cli_number(ride, "input_ratio")))
        cli_say(cli, CLI_PLAIN, ", input at %.0f %%", 100.0 * cli_number(ride, "input_ratio"));
    cli_say(cli, capable ? CLI_PLAIN : CLI_BAD, ", %s a loss of input", capable ? "would carry" : "would not carry");
    cli_say(cli, CLI_PLAIN, " (up to %s", cli_quantity(cli_number(ride, "capable_w"), "W").text);
    if (!isnan(margin_ms))
        cli_say(cli, CLI_PLAIN, ", %s to spare", cli_span(margin_ms).text);
    cli_say(cli, CLI_PLAIN, ")\n");
    cli_say(cli, CLI_DIM, "battery   ");
    cli_say(cli, CLI_PLAIN, "%.0f kJ, %.0f kJ kept for an outage, %.2f cycles of support left\n",
            cli_number(ride, "energy_j") / 1e3, cli_number(ride, "reserve_j") / 1e3,
            cli_number(ride, "wear_left_cycles"));
}

static void cli_status_protection(struct cli *cli, struct json_object *protection)
{
    double trip_s = cli_number(protection, "trip_s");
    bool engaged = cli_bool(protection, "engaged");

    if (!protection)
        return;
    cli_say(cli, CLI_DIM, "breaker   ");
    cli_say(cli, engaged ? CLI_BAD : CLI_PLAIN, "%s is %.0f %% gone", cli_text(protection, "node", "-"),
            100.0 * cli_number(protection, "heat_ratio"));
    if (isnan(trip_s))
        cli_say(cli, CLI_PLAIN, " and does not trip at this load");
    else
        cli_say(cli, CLI_WARN, " and would trip in %s", cli_span(1e3 * trip_s).text);
    cli_say(cli, CLI_BAD, "%s\n", engaged ? ": everything below is at its base" : "");
}

static void cli_status_tokens(struct cli *cli, struct json_object *tokens)
{
    if (cli_count(tokens, "clients") == 0)
        return;
    cli_say(cli, CLI_DIM, "tokens    ");
    cli_say(cli, CLI_PLAIN, "%s held by %s of %s clients\n", cli_quantity(cli_number(tokens, "granted_w"), "W").text,
            cli_grouped(cli_count(tokens, "granted")).text, cli_grouped(cli_count(tokens, "clients")).text);
}

static void cli_status_forecast(struct cli *cli, struct json_object *forecast)
{
    int64_t all = cli_count(forecast, "forecasters"), voting = cli_count(forecast, "voting");

    if (all == 0)
        return;
    cli_say(cli, CLI_DIM, "forecast  ");
    cli_say(cli, CLI_PLAIN, "%s of %s forecasters are listened to", cli_grouped(voting).text, cli_grouped(all).text);
    if (voting > 0)
        cli_say(cli, CLI_PLAIN, ", their 99 %% bounds held %.1f %% or more", 100.0 * cli_number(forecast, "coverage"));
    cli_say(cli, CLI_PLAIN, "; begun anew %s times", cli_grouped(cli_count(forecast, "resets")).text);
    if (cli_bool(forecast, "armed_ahead"))
        cli_say(cli, CLI_PLAIN, "; armed for a peak for %s", cli_span(1e3 * cli_number(forecast, "armed_ahead_s")).text);
    cli_say(cli, CLI_PLAIN, "\n");
}

static void cli_status_print(struct cli *cli, struct json_object *status)
{
    struct json_object *devices = cli_key(status, "devices"), *orders = cli_key(status, "orders");
    int64_t stale = cli_count(devices, "stale"), unread = cli_count(devices, "unread"),
            exceeded = cli_count(status, "exceeded");

    cli_say(cli, CLI_DIM, "mode      ");
    cli_say(cli, cli_status_colour(status), "%s", cli_text(status, "mode", "-"));
    cli_say(cli, CLI_PLAIN, " (%s wanted), %s\n", cli_text(status, "mode_wanted", "-"),
            cli_bool(status, "armed") ? "armed" : "not armed");
    cli_status_reasons(cli, status);
    cli_status_envelope(cli, status);
    if (exceeded > 0) {
        cli_say(cli, CLI_DIM, "limits    ");
        cli_say(cli, CLI_BAD, "%s exceeded now: see busbarctl limits\n", cli_grouped(exceeded).text);
    }
    cli_status_ride(cli, cli_key(status, "ride"));
    cli_status_protection(cli, cli_key(status, "protection"));
    cli_status_tokens(cli, cli_key(status, "tokens"));
    cli_status_forecast(cli, cli_key(status, "forecast"));
    cli_say(cli, CLI_DIM, "devices   ");
    cli_say(cli, stale + unread > 0 ? CLI_WARN : CLI_PLAIN, "%s good, %s stale, %s unread\n",
            cli_grouped(cli_count(devices, "good")).text, cli_grouped(stale).text, cli_grouped(unread).text);
    cli_say(cli, CLI_DIM, "orders    ");
    cli_say(cli, CLI_PLAIN, "%s written, %s refused, %s failed\n", cli_grouped(cli_count(orders, "written")).text,
            cli_grouped(cli_count(orders, "refused")).text, cli_grouped(cli_count(orders, "failed")).text);
    cli_say(cli, CLI_DIM, "loop      ");
    cli_say(cli, CLI_PLAIN, "every %s, %s ticks, %s missed, %s\n", cli_span(cli_number(status, "period_ms")).text,
            cli_grouped(cli_count(status, "ticks")).text, cli_grouped(cli_count(status, "ticks_missed")).text,
            cli_bool(status, "realtime") ? "real-time priority" : "no real-time priority");
    cli_say(cli, CLI_DIM, "daemon    ");
    cli_say(cli, CLI_PLAIN, "rack %s, version %s, up %s\n", cli_text(status, "rack", "-"),
            cli_text(status, "version", "-"), cli_span(1e3 * cli_number(status, "uptime_s")).text);
}

int cli_status(struct cli *cli)
{
    struct cli_answer answer;
    int rc = CLI_FAILED;

    if (cli_get(cli, "/v1/status", &answer)) {
        rc = cli_status_holds(answer.json) ? CLI_DONE : CLI_NOT_HELD;
        if (cli->json)
            rc = cli_print_json(cli, answer.json) == CLI_DONE ? rc : CLI_FAILED;
        else
            cli_status_print(cli, answer.json);
    }
    cli_answer_done(&answer);
    return rc;
}

/* ---- mode ---- */

static int cli_mode_show(struct cli *cli)
{
    struct cli_answer answer;
    struct json_object *made;
    int rc = CLI_FAILED;

    if (cli_get(cli, "/v1/status", &answer)) {
        rc = cli_status_mode_holds(answer.json) ? CLI_DONE : CLI_NOT_HELD;
        if (cli->json) {
            made = json_object_new_object();
            json_object_object_add(made, "mode", json_object_get(cli_key(answer.json, "mode")));
            json_object_object_add(made, "mode_wanted", json_object_get(cli_key(answer.json, "mode_wanted")));
            json_object_object_add(made, "reasons", json_object_get(cli_key(answer.json, "reasons")));
            rc = cli_print_json(cli, made) == CLI_DONE ? rc : CLI_FAILED;
            json_object_put(made);
        } else {
            cli_say(cli, cli_status_colour(answer.json), "%s", cli_text(answer.json, "mode", "-"));
            cli_say(cli, CLI_PLAIN, " (%s wanted)\n", cli_text(answer.json, "mode_wanted", "-"));
            cli_status_reasons(cli, answer.json);
        }
    }
    cli_answer_done(&answer);
    return rc;
}

int cli_mode(struct cli *cli)
{
    const char *mode = cli->word_count > 0 ? cli->words[0] : NULL;
    struct cli_answer answer;
    char body[64];
    int rc = CLI_FAILED;

    if (!mode)
        return cli_mode_show(cli);
    if (strcmp(mode, "observe") != 0 && strcmp(mode, "control") != 0 && strcmp(mode, "emergency") != 0)
        return cli_fail(cli, "there is no mode '%s': observe, control or emergency", mode);
    (void)snprintf(body, sizeof body, "{\"mode\": \"%s\"}", mode);
    if (cli_post(cli, "/v1/mode", body, &answer)) {
        rc = strcmp(cli_text(answer.json, "mode_wanted", ""), mode) == 0 ? CLI_DONE : CLI_NOT_HELD;
        if (cli->json)
            rc = cli_print_json(cli, answer.json) == CLI_DONE ? rc : CLI_FAILED;
        else
            cli_say(cli, CLI_PLAIN, "%s is wanted now: busbarctl status shows when it holds\n",
                    cli_text(answer.json, "mode_wanted", "-"));
    }
    cli_answer_done(&answer);
    return rc;
}

/* ---- reload ---- */

int cli_reload(struct cli *cli)
{
    struct cli_answer answer;
    int rc = CLI_FAILED;

    if (cli_post(cli, "/v1/reload", "{}", &answer)) {
        rc = CLI_DONE;
        if (cli->json)
            rc = cli_print_json(cli, answer.json);
        else
            cli_say(cli, CLI_PLAIN, "the configuration is sound and comes into force now\n");
    }
    cli_answer_done(&answer);
    return rc;
}
