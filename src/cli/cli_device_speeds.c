/* SPDX-License-Identifier: Apache-2.0 */
/* cli_device_speeds.c: `busbarctl device scan --speeds`: a serial line at each speed of a list.
 *
 * Whoever answers at all is found, whatever its registers: no profile need know it. Reads only:
 * it is our end of the line that changes its speed, and gets its settings back.
 */
#include "cli_device_scan.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "busbar/log.h"
#include "busbar/mbtool.h"

#define CLI_SPEEDS_MAX 16

/* What modules of Open Rack V3 speak, first what they come with. */
static const char cli_speeds_all[] = "19200E,115200E,19200N,115200N,38400E,57600E";

/* "19200E,115200N"; 0: it is none. */
static int32_t cli_speeds_read(const char *text, struct mbtool_speed list[CLI_SPEEDS_MAX])
{
    int32_t count = 0;

    if (strcmp(text, "all") == 0)
        text = cli_speeds_all;
    for (;;) {
        char *end;
        long baud = *text >= '1' && *text <= '9' ? strtol(text, &end, 10) : 0;

        if (baud < 300 || baud > 4000000 || count == CLI_SPEEDS_MAX || !*end || !strchr("ENO", *end))
            return 0;
        list[count++] = (struct mbtool_speed){ .baud = (int32_t)baud, .parity = *end };
        if (end[1] == '\0')
            return count;
        if (end[1] != ',')
            return 0;
        text = end + 2;
    }
}

/* Where models may stand by the profiles; one profile of each. */
static int32_t cli_speeds_texts(const struct cli_scan *scan, const struct profile *of[MBTOOL_TEXTS],
                                int32_t texts[MBTOOL_TEXTS])
{
    int32_t count = 0;

    for (int32_t i = 0; i < scan->count && count < MBTOOL_TEXTS; i++) {
        bool before = false;

        for (int32_t t = 0; t < count; t++)
            before = before || texts[t] == scan->list[i].match_address;
        if (before || scan->list[i].match_address == ROW_NONE)
            continue;
        of[count] = &scan->list[i];
        texts[count++] = scan->list[i].match_address;
    }
    return count;
}

struct cli_speeds {
    struct cli_scan *scan;
    const struct profile *of[MBTOOL_TEXTS];
    int32_t texts[MBTOOL_TEXTS], text_count;
};

/* The first text that a profile fits, else the first there is. */
static void cli_speeds_found(void *arg, const struct mbtool_found *found)
{
    struct cli_speeds *speeds = arg;
    struct cli_scan *scan = speeds->scan;
    const char *model = "", *profile = NULL;

    for (int32_t t = 0; t < speeds->text_count && !profile; t++) {
        if (found->texts[t][0])
            profile = cli_scan_name(scan, speeds->of[t], found->texts[t]);
        if (found->texts[t][0] && (profile || !model[0]))
            model = found->texts[t];
    }
    scan->hand->link.bus.baud = found->speed.baud;
    scan->hand->link.bus.parity = found->speed.parity;
    cli_scan_add(scan, found->unit, model, profile, found->status);
}

static void cli_speeds_progress(void *arg, int32_t done, int32_t all)
{
    struct cli_scan *scan = ((struct cli_speeds *)arg)->scan;
    const struct cli_link *link = &scan->hand->link;

    scan->asked++; /* a speed that the line has not is none of them */
    scan->to_ask = all;
    cli_scan_progress(scan, link->first + (done - 1) % (link->last - link->first + 1));
}

static int cli_speeds_run(struct cli_speeds *speeds, const struct mbtool_scan *what)
{
    struct cli_scan *scan = speeds->scan;
    struct mbtool_watch watch = { .found = cli_speeds_found, .progress = cli_speeds_progress, .arg = speeds };
    struct conf_bus bus = scan->hand->link.bus; /* the link's own says at which speed somebody was found */
    char error[MBTOOL_ERROR_MAX] = "";
    struct mbtool *tool = NULL;
    int32_t refused = 0;
    enum status st;

    bus.parity = 'N'; /* to be opened with: every line takes that */
    st = mbtool_new(&bus, error, &tool);
    if (st != ST_OK)
        return cli_fail(scan->hand->cli, "%s: %s", bus.name, error[0] ? error : status_label(st));
    st = mbtool_scan(tool, what, &watch, &refused);
    mbtool_free(tool);
    if (st != ST_OK)
        return cli_fail(scan->hand->cli, "%s: the line is gone", bus.name);
    if (refused == what->speed_count)
        return cli_fail(scan->hand->cli, "%s takes none of these speeds (a pty has no parity)", bus.name);
    if (refused > 0)
        LOG(NOTICE, bus.name, "%d of %d speeds are none that this line takes (a pty has no parity): left out",
            (int)refused, (int)what->speed_count);
    return CLI_DONE;
}

int cli_scan_speeds(struct cli_scan *scan)
{
    struct cli *cli = scan->hand->cli;
    struct cli_link *link = &scan->hand->link;
    struct cli_speeds speeds = { .scan = scan };
    struct mbtool_speed list[CLI_SPEEDS_MAX];
    struct mbtool_scan what = { .unit_first = link->first, .unit_last = link->last, .speeds = list };

    if (link->bus.kind != CONF_BUS_MODBUS_RTU)
        return cli_fail(cli, "--speeds: only a serial line has several");
    if (link->serial_given)
        return cli_fail(cli, "--speeds: --link %s has settings already", cli->link);
    what.speed_count = cli_speeds_read(cli->speeds, list);
    if (what.speed_count == 0)
        return cli_fail(cli, "--speeds %s: it is 'all' or a list such as 19200E,115200N, at most %d",
                        cli->speeds, CLI_SPEEDS_MAX);
    speeds.text_count = cli_speeds_texts(scan, speeds.of, speeds.texts);
    what.texts = speeds.texts;
    what.text_count = speeds.text_count;
    what.timeout_us = cli->timeout_ms * 1000;
    link->bus.baud = list[0].baud;
    link->bus.parity = list[0].parity;
    return cli_speeds_run(&speeds, &what);
}
