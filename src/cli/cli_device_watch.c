/* SPDX-License-Identifier: Apache-2.0 */
/* cli_device_watch.c: one device read again and again.
 *
 * A live table on a terminal, one table after another elsewhere; with --json one
 * document with every sample, at the end. Ends after --seconds, at SIGINT or SIGTERM, or
 * with the bus: what was read until then is in the document all the same.
 */
#include "cli_device.h"

#include <json-c/json.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "busbar/clock.h"
#include "busbar/redfish_survey.h"
#include "cli_table.h"
#include "cli_value.h"

#define CLI_WATCH_EVERY_MS    1000
#define CLI_WATCH_SAMPLES_MAX 100000

static volatile sig_atomic_t cli_watch_stop;

static void cli_watch_on_signal(int number)
{
    (void)number;
    cli_watch_stop = 1;
}

struct cli_watch {
    struct cli_hand hand;
    struct cli_device_daemon daemon;
    struct probe_reading *list;
    bool one, wanted[PROFILE_ROWS_MAX]; /* one row alone, and which */
    int64_t begun_us, every_us;
    struct redfish_probe *bmc; /* one login for all passes; NULL: none yet */
};

/* One pass into `to`. */
static int cli_watch_pass(struct cli_watch *w, struct json_object *to)
{
    struct cli *cli = w->hand.cli;
    struct probe_device device;
    enum status st;

    if (w->daemon.holds)
        return cli_device_daemon_read(&w->hand, &w->daemon, to);
    if (w->hand.link.bus.kind == CONF_BUS_REDFISH)
        return cli_device_redfish_pass(&w->hand, &w->bmc, to);
    st = probe_read(w->hand.probe, w->hand.link.first, &w->hand.profile, w->one ? w->wanted : NULL, w->list,
                    &device);
    if (st != ST_OK)
        return cli_fail(cli, "%s: %s", w->hand.link.bus.name,
                        w->hand.error[0] ? w->hand.error : "the bus is gone");
    cli_device_add(to, w->list, w->hand.profile.row_count, cli->signal);
    return CLI_DONE;
}

static int cli_watch_show(const struct cli_watch *w, struct json_object *pass)
{
    struct cli *cli = w->hand.cli;

    if (cli->colour)
        (void)fputs("\033[H\033[2J", cli->out);
    cli_say(cli, CLI_BOLD, "%s  %s\n", cli->link, cli_span(cli_number(pass, "at_ms")).text);
    cli_say(cli, CLI_PLAIN, "\n");
    cli_device_print(cli, pass);
    cli_say(cli, CLI_PLAIN, "\n");
    return fflush(cli->out) == 0 ? CLI_DONE : CLI_FAILED; /* the reader left */
}

/* Until the next sample is due; a signal ends the wait. */
static void cli_watch_wait(int64_t until_us)
{
    int64_t left_us;

    while (!cli_watch_stop && (left_us = until_us - clock_now_us()) > 0)
        (void)poll(NULL, 0, (int)((left_us + 999) / 1000));
}

static int cli_watch_run(struct cli_watch *w, struct json_object *samples, int64_t *errors)
{
    struct cli *cli = w->hand.cli;
    int64_t end_us = cli->seconds > 0 ? w->begun_us + cli->seconds * 1000000 : INT64_MAX;
    int64_t due_us = w->begun_us;
    int rc = CLI_DONE;

    while (rc == CLI_DONE && !cli_watch_stop && due_us < end_us &&
           json_object_array_length(samples) < CLI_WATCH_SAMPLES_MAX) {
        struct json_object *pass = json_object_new_object();

        cli_watch_wait(due_us);
        json_object_object_add(pass, "at_ms",
                               json_object_new_double((double)(clock_now_us() - w->begun_us) / 1e3));
        rc = cli_watch_stop ? CLI_DONE : cli_watch_pass(w, pass);
        if (rc == CLI_DONE && !cli_watch_stop) {
            *errors += cli_count(pass, "errors");
            if (cli->json)
                json_object_array_add(samples, json_object_get(pass));
            else
                rc = cli_watch_show(w, pass);
        }
        json_object_put(pass);
        due_us += w->every_us;
        if (due_us < clock_now_us())
            due_us = clock_now_us(); /* a slow bus: as fast as it goes */
    }
    return rc;
}

static int cli_watch_hand(struct cli_watch *w)
{
    struct json_object *samples = json_object_new_array(), *to;
    struct sigaction on = { .sa_handler = cli_watch_on_signal }, before[2];
    struct cli *cli = w->hand.cli;
    int64_t errors = 0;
    int rc;

    cli_watch_stop = 0;
    (void)sigaction(SIGINT, &on, &before[0]); /* without SA_RESTART: a wait ends */
    (void)sigaction(SIGTERM, &on, &before[1]);
    w->begun_us = clock_now_us();
    w->every_us = (cli->every_ms > 0 ? cli->every_ms : CLI_WATCH_EVERY_MS) * 1000;
    rc = cli_watch_run(w, samples, &errors);
    (void)sigaction(SIGINT, &before[0], NULL);
    (void)sigaction(SIGTERM, &before[1], NULL);
    if (cli->json && (rc == CLI_DONE || json_object_array_length(samples) > 0)) {
        int printed;

        to = cli_device_document(cli, w->daemon.holds    ? w->daemon.profile
                                      : w->hand.profiled ? w->hand.profile.name
                                                         : NULL);
        json_object_object_add(to, "through", json_object_new_string(w->daemon.holds ? "daemon" : "bus"));
        json_object_object_add(to, "every_ms", json_object_new_double((double)w->every_us / 1e3));
        json_object_object_add(to, "samples", json_object_get(samples));
        json_object_object_add(to, "errors", json_object_new_int64(errors));
        json_object_object_add(to, "notes", cli_hand_notes(&w->hand));
        printed = cli_print_json(cli, to);
        rc = printed == CLI_DONE ? rc : printed;
        json_object_put(to);
    }
    json_object_put(samples);
    return rc == CLI_DONE && errors > 0 ? CLI_NOT_HELD : rc;
}

int cli_device_watch(struct cli *cli)
{
    struct cli_watch w = { .one = false };
    int rc = cli_hand_init(&w.hand, cli, CLI_HAND_ONE);
    bool bmc = rc == CLI_DONE && cli_device_redfish_itself(&w.hand);

    if (rc == CLI_DONE && !bmc)
        rc = cli_device_daemon(&w.hand, &w.daemon);
    if (rc == CLI_DONE && !bmc && !w.daemon.holds)
        rc = cli_hand_choose(&w.hand, CLI_HAND_READ);
    if (rc == CLI_DONE && !bmc && !w.daemon.holds) {
        int32_t only = cli->signal ? cli_hand_row(&w.hand.profile, cli->signal) : ROW_NONE;

        w.one = only != ROW_NONE;
        if (w.one)
            w.wanted[only] = true;
        if (cli->signal && !w.one)
            rc = cli_fail(cli, "profile %s has no %s", w.hand.profile.name, cli->signal);
        w.list = calloc((size_t)w.hand.profile.row_count + 1, sizeof *w.list);
        if (!w.list)
            rc = cli_fail(cli, "out of memory");
    }
    if (rc == CLI_DONE)
        rc = cli_watch_hand(&w);
    redfish_probe_free(w.bmc);
    free(w.list);
    cli_hand_done(&w.hand);
    return rc;
}
