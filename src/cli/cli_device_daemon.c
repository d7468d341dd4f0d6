/* SPDX-License-Identifier: Apache-2.0 */
/* cli_device_daemon.c: one device on a bus that the daemon holds, through the daemon.
 *
 * Owns the question whether it does: the daemon says which links its devices have. No
 * socket, or nobody behind it, means no daemon.
 */
#include "cli_device.h"

#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_value.h"

static void cli_device_daemon_take(struct json_object *device, struct cli_device_daemon *ret)
{
    (void)snprintf(ret->name, sizeof ret->name, "%s", cli_text(device, "name", ""));
    (void)snprintf(ret->profile, sizeof ret->profile, "%s", cli_text(device, "profile", ""));
}

void cli_device_daemon_bus(struct cli_hand *hand, struct cli_device_daemon *ret)
{
    struct cli_answer answer = { .json = NULL };
    bool answered;

    *ret = (struct cli_device_daemon){ .holds = false };
    if (access(hand->cli->socket, F_OK) != 0)
        return;
    answered = cli_ask(hand->cli, "GET", "/v1/devices?readings=0", NULL, &answer);
    for (size_t i = 0; answered && i < cli_length(answer.json, "devices"); i++) {
        struct json_object *device = cli_item(answer.json, "devices", i);
        struct cli_link link;

        if (cli_link_read(cli_text(device, "link", ""), &link) || !cli_link_same_bus(&link, &hand->link))
            continue;
        ret->holds = true;
        if (link.first == hand->link.first)
            cli_device_daemon_take(device, ret);
    }
    cli_answer_done(&answer); /* one that will not tell may hold it yet: then the lock decides */
}

int cli_device_daemon(struct cli_hand *hand, struct cli_device_daemon *ret)
{
    cli_device_daemon_bus(hand, ret);
    if (ret->holds && !ret->name[0])
        return cli_fail(hand->cli,
                        "%s: the daemon holds this bus and knows no device there: add it to the "
                        "configuration, or stop busbard",
                        hand->cli->link);
    return CLI_DONE;
}

/* ---- reading ---- */

static struct json_object *cli_device_daemon_reading(struct json_object *device, struct json_object *reading)
{
    const char *signal = cli_text(reading, "signal", ""), *status = cli_text(reading, "status", "none");
    struct json_object *to = json_object_new_object();
    double value = cli_number(reading, "value");
    const char *text = NULL;

    if (strncmp(signal, "device_", strlen("device_")) == 0)
        text = cli_text(device, signal + strlen("device_"), NULL);
    json_object_object_add(to, "signal", json_object_new_string(signal));
    if (cli_count(reading, "index") > 0)
        json_object_object_add(to, "index", json_object_new_int64(cli_count(reading, "index")));
    json_object_object_add(to, "value",
                           text           ? json_object_new_string(text)
                           : isnan(value) ? NULL
                                          : json_object_new_double(value));
    json_object_object_add(to, "unit", json_object_new_string(cli_text(reading, "unit", "")));
    json_object_object_add(to, "age_ms", json_object_get(cli_key(reading, "age_ms")));
    json_object_object_add(to, "status", json_object_new_string(status));
    if (cli_key(reading, "faults"))
        json_object_object_add(to, "faults", json_object_get(cli_key(reading, "faults")));
    return to;
}

/* False: `signal` is none that the daemon reads. */
static bool cli_device_daemon_add(struct json_object *device, const char *signal, struct json_object *to)
{
    bool found = !signal;
    struct json_object *readings = json_object_new_array(), *absent = json_object_new_array();
    int errors = 0;

    for (size_t i = 0; i < cli_length(device, "readings"); i++) {
        struct json_object *reading = cli_item(device, "readings", i);
        const char *name = cli_text(reading, "signal", ""), *status = cli_text(reading, "status", "none");
        int64_t index = cli_count(reading, "index");
        char full[96];

        (void)snprintf(full, sizeof full, index > 0 ? "%.60s.%lld" : "%.60s", name, (long long)index);
        if (signal && strcmp(full, signal) != 0)
            continue;
        found = true;
        if (strcmp(status, status_label(ST_ABSENT)) == 0) {
            json_object_array_add(absent, json_object_new_string(full));
            continue;
        }
        errors += strcmp(status, status_label(ST_OK)) != 0;
        json_object_array_add(readings, cli_device_daemon_reading(device, reading));
    }
    json_object_object_add(to, "readings", readings);
    json_object_object_add(to, "absent", absent);
    json_object_object_add(to, "errors", json_object_new_int(errors));
    return found;
}

int cli_device_daemon_read(struct cli_hand *hand, const struct cli_device_daemon *daemon,
                           struct json_object *to)
{
    static const char *const texts[] = { "model", "serial", "firmware" };
    char *path = cli_path("/v1/devices?name=", daemon->name);
    struct cli_answer answer = { .json = NULL };
    struct json_object *device;
    int rc = CLI_FAILED;

    if (!path)
        return cli_fail(hand->cli, "out of memory");
    if (cli_get(hand->cli, path, &answer)) {
        device = cli_item(answer.json, "devices", 0);
        json_object_object_add(to, "name", json_object_new_string(daemon->name));
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            json_object_object_add(to, texts[i], json_object_get(cli_key(device, texts[i])));
        json_object_object_add(to, "matched", json_object_new_boolean(cli_bool(device, "identified")));
        rc = cli_device_daemon_add(device, hand->cli->signal, to)
                 ? CLI_DONE
                 : cli_fail(hand->cli, "the daemon reads no %s of %s: busbarctl devices %s lists what it reads",
                            hand->cli->signal, daemon->name, daemon->name);
    }
    cli_answer_done(&answer);
    free(path);
    return rc;
}
