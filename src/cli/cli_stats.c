/* SPDX-License-Identifier: Apache-2.0 */
/* cli_stats.c: counters, lateness and latencies of the daemon. */
#include <json-c/json.h>

#include "cli_client.h"
#include "cli_table.h"
#include "cli_value.h"

static void cli_stats_row(struct cli_table *table, const char *group, const char *name, struct json_object *h)
{
    int64_t count = cli_count(h, "count");

    cli_cell(table, CLI_PLAIN, "%s%s%s", group, group[0] ? " " : "", name);
    cli_cell(table, CLI_PLAIN, "%s", cli_grouped(count).text);
    for (const char *const *key = (const char *const[]){ "p50_us", "p99_us", "max_us", NULL }; *key; key++)
        cli_cell(table, CLI_PLAIN, "%s", count > 0 ? cli_span(cli_number(h, *key) / 1e3).text : "-");
}

static void cli_stats_table(struct cli *cli, struct json_object *stats)
{
    static const struct cli_column columns[] = {
        { "DURATION", false }, { "COUNT", true }, { "P50", true }, { "P99", true }, { "MAX", true }, { NULL, false },
    };
    static const char *const protocols[] = { "redfish", "modbus", "smbus" };
    static const char *const parts[][2] = {
        { "detect", "order: detect" }, { "decide", "order: decide" }, { "dispatch", "order: dispatch" },
        { "device", "order: device" }, { "total", "order: total" },   { "event_to_order", "event to order" },
    };
    struct cli_table *table = cli_table_new(columns);

    cli_stats_row(table, "", "tick lateness", cli_key(stats, "tick_lateness"));
    cli_stats_row(table, "", "core step", cli_key(stats, "core_step"));
    for (size_t p = 0; p < sizeof protocols / sizeof *protocols; p++) {
        struct json_object *latency = cli_key(cli_key(stats, "latency"), protocols[p]);

        cli_stats_row(table, protocols[p], "transaction", cli_key(cli_key(stats, "transaction"), protocols[p]));
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
            cli_stats_row(table, protocols[p], parts[i][1], cli_key(latency, parts[i][0]));
    }
    cli_table_print(cli, table);
}

static void cli_stats_print(struct cli *cli, struct json_object *stats)
{
    cli_say(cli, CLI_DIM, "loop      ");
    cli_say(cli, CLI_PLAIN, "every %s, %s ticks, %s missed, %s\n", cli_span(cli_number(stats, "period_us") / 1e3).text,
            cli_grouped(cli_count(stats, "ticks")).text, cli_grouped(cli_count(stats, "ticks_missed")).text,
            cli_bool(stats, "realtime") ? "real-time priority" : "no real-time priority");
    cli_say(cli, CLI_DIM, "orders    ");
    cli_say(cli, CLI_PLAIN, "%s written, %s refused, %s failed\n", cli_grouped(cli_count(stats, "orders_written")).text,
            cli_grouped(cli_count(stats, "orders_refused")).text, cli_grouped(cli_count(stats, "orders_failed")).text);
    cli_say(cli, CLI_DIM, "dropped   ");
    cli_say(cli, CLI_PLAIN, "%s records, %s events\n", cli_grouped(cli_count(stats, "records_dropped")).text,
            cli_grouped(cli_count(stats, "events_dropped")).text);
    cli_say(cli, CLI_DIM, "memory    ");
    cli_say(cli, CLI_PLAIN, "%.1f MiB\n", cli_number(stats, "rss_bytes") / 1048576.0);
    cli_say(cli, CLI_PLAIN, "\n");
    cli_stats_table(cli, stats);
}

int cli_stats(struct cli *cli)
{
    return cli_show(cli, cli->json ? "/v1/stats?raw=1" : "/v1/stats", cli_stats_print);
}
