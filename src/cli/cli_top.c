/* SPDX-License-Identifier: Apache-2.0 */
/* cli_top.c: the live view: mode and envelope, nodes, GPUs, stale devices, events.
 *
 * Draws into a frame and knows nothing of terminals: cli_screen.c shows it, and
 * --once prints it.
 */
#include "cli_top.h"

#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_status.h"
#include "cli_value.h"

#define CLI_TOP_COLUMNS 110        /* of --once */
#define CLI_TOP_NAME 18
#define CLI_TOP_EVENTS 6
#define CLI_TOP_GPU_WIDTH 15       /* of one GPU in the grid */
#define CLI_TOP_STALE_MAX 8
#define CLI_TOP_KINDS 8
#define CLI_TOP_MANY 5             /* nodes of a kind that share a row */

/* ---- the answers ---- */

bool cli_top_ask(struct cli *cli, struct cli_top_view *view, char *error, size_t size)
{
    struct {
        const char *path;
        struct cli_answer *answer;
    } asks[] = {
        { "/v1/status", &view->status }, { "/v1/nodes", &view->nodes },
        { "/v1/limits", &view->limits }, { "/v1/levers", &view->levers },
        { "/v1/devices?readings=0", &view->devices }, { "/v1/events", &view->events },
    };

    *view = (struct cli_top_view){ .status = { .json = NULL } };
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
        if (cli_ask(cli, "GET", asks[i].path, NULL, asks[i].answer) && asks[i].answer->json)
            continue;
        (void)snprintf(error, size, "%s", asks[i].answer->error[0] ? asks[i].answer->error : "the answer is no JSON");
        return false;
    }
    return true;
}

void cli_top_done(struct cli_top_view *view)
{
    cli_answer_done(&view->status);
    cli_answer_done(&view->nodes);
    cli_answer_done(&view->limits);
    cli_answer_done(&view->levers);
    cli_answer_done(&view->devices);
    cli_answer_done(&view->events);
}

/* ---- pieces ---- */

static struct json_object *cli_top_find(struct json_object *list, const char *key, const char *member, const char *name)
{
    for (size_t i = 0; i < cli_length(list, key); i++) {
        if (strcmp(cli_text(cli_item(list, key, i), member, ""), name) == 0)
            return cli_item(list, key, i);
    }
    return NULL;
}

/* The lever that caps this node in watts, if it is such a leaf. */
static struct json_object *cli_top_lever(const struct cli_top_view *view, struct json_object *node)
{
    struct json_object *lever = cli_top_find(view->levers.json, "levers", "lever", cli_text(node, "name", ""));

    return lever && strcmp(cli_text(lever, "unit", ""), "W") == 0 ? lever : NULL;
}

/* The smallest limit of a node; NAN: it has none. */
static double cli_top_limit_w(const struct cli_top_view *view, const char *node)
{
    double least_w = NAN;

    for (size_t i = 0; i < cli_length(view->limits.json, "limits"); i++) {
        struct json_object *limit = cli_item(view->limits.json, "limits", i);
        double limit_w = cli_number(limit, "limit_w");

        if (!cli_bool(limit, "group") && strcmp(cli_text(limit, "node", ""), node) == 0 && !(limit_w >= least_w))
            least_w = limit_w;
    }
    return least_w;
}

static int cli_top_head(struct cli_frame *frame, const struct cli_top_view *view, int row)
{
    struct json_object *status = view->status.json, *devices = cli_key(status, "devices"),
                       *envelope = cli_key(status, "envelope");
    int64_t stale = cli_count(devices, "stale"), unread = cli_count(devices, "unread");
    double limit_w = cli_number(envelope, "limit_w");
    int column;

    column = cli_frame_put(frame, row, 0, CLI_BOLD, "%s  ", cli_text(status, "rack", "-"));
    column = cli_frame_put(frame, row, column, cli_status_colour(status), "%s", cli_text(status, "mode", "-"));
    column = cli_frame_put(frame, row, column, CLI_PLAIN, " (%s wanted)  %s  ", cli_text(status, "mode_wanted", "-"),
                           cli_bool(status, "armed") ? "armed" : "not armed");
    column = cli_frame_put(frame, row, column, stale + unread > 0 ? CLI_BAD : CLI_PLAIN, "%d good %d stale %d unread",
                           (int)cli_count(devices, "good"), (int)stale, (int)unread);
    (void)cli_frame_put(frame, row++, column, CLI_DIM, "  step %s, %s missed  up %s",
                        cli_grouped(cli_count(status, "step")).text, cli_grouped(cli_count(status, "ticks_missed")).text,
                        cli_span(1e3 * cli_number(status, "uptime_s")).text);
    (void)cli_frame_put(frame, row, 0, CLI_DIM, "envelope");
    cli_frame_bar(frame, row, 10, 40, cli_status_use(envelope));
    if (isnan(limit_w))
        (void)cli_frame_put(frame, row++, 52, CLI_WARN, "%s, no limit",
                            cli_quantity(cli_number(envelope, "power_w"), "W").text);
    else
        (void)cli_frame_put(frame, row++, 52, CLI_PLAIN, "%s of %s over %s",
                            cli_quantity(cli_number(envelope, "power_w"), "W").text, cli_quantity(limit_w, "W").text,
                            cli_span(cli_number(envelope, "window_ms")).text);
    return row + 1;
}

static void cli_top_row(struct cli_frame *frame, int row, const char *name, double power_w, double counted_w,
                        double limit_w)
{
    (void)cli_frame_put(frame, row, 0, CLI_PLAIN, "%-*.*s %12s %12s %12s", CLI_TOP_NAME, CLI_TOP_NAME, name,
                        cli_quantity(power_w, "W").text, cli_quantity(counted_w, "W").text,
                        cli_quantity(limit_w, "W").text);
    if (!isnan(limit_w))
        cli_frame_bar(frame, row, CLI_TOP_NAME + 41, 30, power_w / limit_w);
}

/* Nodes of one kind that have no limit of their own and are not in the grid of GPUs. */
struct cli_top_kind {
    const char *name;
    int count;
    double power_w, counted_w;
    bool drawn;
};

/* The kind of a node, in a list of CLI_TOP_KINDS; the last one takes what has no room. */
static struct cli_top_kind *cli_top_kind(struct cli_top_kind *kinds, struct json_object *node)
{
    const char *name = cli_text(node, "kind", "");
    int i = 0;

    while (i < CLI_TOP_KINDS - 1 && kinds[i].name && strcmp(kinds[i].name, name) != 0)
        i++;
    if (!kinds[i].name)
        kinds[i].name = name;
    return &kinds[i];
}

static void cli_top_count(const struct cli_top_view *view, struct cli_top_kind *kinds)
{
    for (size_t i = 0; i < cli_length(view->nodes.json, "nodes"); i++) {
        struct json_object *node = cli_item(view->nodes.json, "nodes", i);
        struct cli_top_kind *kind;

        if (cli_top_lever(view, node) || !isnan(cli_top_limit_w(view, cli_text(node, "name", "-"))))
            continue;
        kind = cli_top_kind(kinds, node);
        kind->count++;
        kind->power_w += cli_number(node, "power_w");
        kind->counted_w += cli_number(node, "counted_w");
    }
}

/* Each node with a limit; of those without, one row a kind where they are many. */
static int cli_top_nodes(struct cli_frame *frame, const struct cli_top_view *view, int row)
{
    struct cli_top_kind kinds[CLI_TOP_KINDS] = { { .name = NULL } };

    cli_top_count(view, kinds);
    (void)cli_frame_put(frame, row++, 0, CLI_DIM, "%-*s %12s %12s %12s", CLI_TOP_NAME, "NODE", "POWER", "COUNTED", "LIMIT");
    for (size_t i = 0; i < cli_length(view->nodes.json, "nodes"); i++) {
        struct json_object *node = cli_item(view->nodes.json, "nodes", i);
        const char *name = cli_text(node, "name", "-");
        double limit_w = cli_top_limit_w(view, name);
        struct cli_top_kind *kind;
        char many[32];

        if (cli_top_lever(view, node))
            continue; /* in the grid below */
        kind = cli_top_kind(kinds, node);
        if (!isnan(limit_w) || kind->count < CLI_TOP_MANY) {
            cli_top_row(frame, row++, name, cli_number(node, "power_w"), cli_number(node, "counted_w"), limit_w);
        } else if (!kind->drawn) {
            (void)snprintf(many, sizeof many, "%d x %.12s", kind->count, kind->name);
            cli_top_row(frame, row++, many, kind->power_w, kind->counted_w, NAN);
            kind->drawn = true;
        }
    }
    return row + 1;
}

/* "bmc-3.gpu-1": everything before the last point is the host. */
static int cli_top_host(const char *name)
{
    const char *point = strrchr(name, '.');

    return point ? (int)(point - name) : (int)strlen(name);
}

static void cli_top_gpu(struct cli_frame *frame, int row, int column, struct json_object *node, struct json_object *lever)
{
    double power_w = cli_number(node, "power_w"), limit_w = cli_number(lever, "in_force");
    const char *state = cli_text(lever, "state", "");
    enum cli_colour colour = strcmp(state, "in_force") == 0  ? CLI_PLAIN
                             : strcmp(state, "unknown") == 0 ? CLI_BAD
                                                             : CLI_WARN;

    cli_frame_bar(frame, row, column, 1, power_w / limit_w);
    column = isnan(power_w) ? cli_frame_put(frame, row, column + 1, colour, "%5s/", "-")
                            : cli_frame_put(frame, row, column + 1, colour, "%5.0f/", power_w);
    if (isnan(limit_w))
        (void)cli_frame_put(frame, row, column, colour, "-");
    else
        (void)cli_frame_put(frame, row, column, colour, "%.0f", limit_w);
}

/* A line a host, each GPU as power/limit in watts. */
static int cli_top_gpus(struct cli_frame *frame, const struct cli_top_view *view, int row)
{
    const char *host = NULL;
    int size = 0, column = 0;

    for (size_t i = 0; i < cli_length(view->nodes.json, "nodes"); i++) {
        struct json_object *node = cli_item(view->nodes.json, "nodes", i), *lever = cli_top_lever(view, node);
        const char *name = cli_text(node, "name", "");

        if (!lever)
            continue;
        if (!host)
            (void)cli_frame_put(frame, row, 0, CLI_DIM, "%-*s power/limit in W", CLI_TOP_NAME, "GPUS");
        if (!host || cli_top_host(name) != size || strncmp(name, host, (size_t)size) != 0 ||
            column + CLI_TOP_GPU_WIDTH > frame->columns) {
            bool same = host && cli_top_host(name) == size && strncmp(name, host, (size_t)size) == 0;

            host = name;
            size = cli_top_host(name);
            column = CLI_TOP_NAME + 1;
            (void)cli_frame_put(frame, ++row, 0, CLI_PLAIN, "%.*s", same ? 0 : size < CLI_TOP_NAME ? size : CLI_TOP_NAME,
                                name);
        }
        cli_top_gpu(frame, row, column, node, lever);
        column += CLI_TOP_GPU_WIDTH;
    }
    return host ? row + 2 : row;
}

static int cli_top_stale(struct cli_frame *frame, const struct cli_top_view *view, int row)
{
    int shown = 0, more = 0;

    for (size_t i = 0; i < cli_length(view->devices.json, "devices"); i++) {
        struct json_object *device = cli_item(view->devices.json, "devices", i);
        const char *quality = cli_text(device, "quality", "-");

        if (strcmp(quality, "good") == 0)
            continue;
        if (shown == CLI_TOP_STALE_MAX) {
            more++;
            continue;
        }
        if (shown++ == 0)
            (void)cli_frame_put(frame, row++, 0, CLI_DIM, "DEVICES THAT ARE NOT WELL");
        (void)cli_frame_put(frame, row++, 0, CLI_BAD, "%-*.*s %-8s %s", CLI_TOP_NAME, CLI_TOP_NAME,
                            cli_text(device, "name", "-"), quality, cli_span(cli_number(device, "age_ms")).text);
    }
    if (more > 0)
        (void)cli_frame_put(frame, row++, 0, CLI_BAD, "and %d more", more);
    return shown > 0 ? row + 1 : row;
}

static void cli_top_events(struct cli_frame *frame, const struct cli_top_view *view, int row)
{
    size_t count = cli_length(view->events.json, "events");
    size_t from = count > CLI_TOP_EVENTS ? count - CLI_TOP_EVENTS : 0;

    if (count > 0)
        (void)cli_frame_put(frame, row++, 0, CLI_DIM, "EVENTS");
    for (size_t i = from; i < count; i++) {
        struct json_object *one = cli_item(view->events.json, "events", i);
        const char *severity = cli_text(one, "severity", "info");
        int column = cli_frame_put(frame, row, 0, CLI_DIM, "%s  ", cli_text(one, "at", "-"));

        (void)cli_frame_put(frame, row++, column,
                            strcmp(severity, "error") == 0     ? CLI_BAD
                            : strcmp(severity, "warning") == 0 ? CLI_WARN
                                                               : CLI_PLAIN,
                            "%s: %s", cli_text(one, "who", "-"), cli_text(one, "message", ""));
    }
}

void cli_top_draw(struct cli_frame *frame, const struct cli_top_view *view)
{
    int row = cli_top_head(frame, view, 0);

    row = cli_top_nodes(frame, view, row);
    row = cli_top_gpus(frame, view, row);
    row = cli_top_stale(frame, view, row);
    cli_top_events(frame, view, row);
}

/* ---- the command ---- */

static int cli_top_json(struct cli *cli, const struct cli_top_view *view)
{
    struct json_object *made = json_object_new_object();
    int rc;

    json_object_object_add(made, "status", json_object_get(view->status.json));
    json_object_object_add(made, "nodes", json_object_get(cli_key(view->nodes.json, "nodes")));
    json_object_object_add(made, "limits", json_object_get(cli_key(view->limits.json, "limits")));
    json_object_object_add(made, "levers", json_object_get(cli_key(view->levers.json, "levers")));
    json_object_object_add(made, "devices", json_object_get(cli_key(view->devices.json, "devices")));
    json_object_object_add(made, "events", json_object_get(cli_key(view->events.json, "events")));
    rc = cli_print_json(cli, made);
    json_object_put(made);
    return rc;
}

static int cli_top_once(struct cli *cli)
{
    struct cli_frame frame = { .rows = 0 };
    struct cli_top_view view;
    char error[CLI_ERROR_MAX];
    int rc = CLI_FAILED;

    if (!cli_top_ask(cli, &view, error, sizeof error)) {
        (void)cli_fail(cli, "%s", error);
    } else if (cli->json) {
        rc = cli_top_json(cli, &view);
    } else {
        frame = cli_frame_new(CLI_FRAME_ROWS_MAX, CLI_TOP_COLUMNS);
        if (!frame.cells) {
            (void)cli_fail(cli, "out of memory");
        } else {
            cli_top_draw(&frame, &view);
            cli_frame_print(cli, &frame);
            rc = CLI_DONE;
        }
        cli_frame_done(&frame);
    }
    cli_top_done(&view);
    return rc;
}

/* Whether there is a daemon to look at, before the terminal is taken over. */
static bool cli_top_answers(struct cli *cli)
{
    struct cli_answer answer;
    bool answers = cli_get(cli, "/v1/status", &answer);

    cli_answer_done(&answer);
    return answers;
}

int cli_top(struct cli *cli)
{
    int fd = fileno(cli->out);

    if (cli->once || cli->json)
        return cli_top_once(cli); /* one document is one view */
    if (fd < 0 || !isatty(fd) || !isatty(STDIN_FILENO))
        return cli_fail(cli, "top needs a terminal; busbarctl top --once prints one view as text");
    if (!cli_top_answers(cli))
        return CLI_FAILED;
    return cli_screen_run(cli, cli->seconds > 0 ? cli->seconds : 1);
}
