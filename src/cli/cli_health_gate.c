/* SPDX-License-Identifier: Apache-2.0 */
/* cli_health_gate.c: latencies as percentiles, held against gates. Pure. */
#include "cli_health_gate.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

#define CLI_HEALTH_PRESSURE_MS 1000.0 /* a p99 above it: the BMC's connections are short */

bool cli_health_add(struct cli_health_samples *samples, int64_t us)
{
    if (samples->count == samples->room) {
        size_t room = samples->room > 0 ? 2 * samples->room : 64;
        int64_t *grown = realloc(samples->us, room * sizeof *grown);

        if (!grown)
            return false;
        samples->us = grown;
        samples->room = room;
    }
    samples->us[samples->count++] = us;
    return true;
}

void cli_health_samples_done(struct cli_health_samples *samples)
{
    free(samples->us);
    *samples = (struct cli_health_samples){ .count = 0 };
}

static int cli_health_order(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

    return a < b ? -1 : a > b;
}

static double cli_health_rank_ms(const struct cli_health_samples *samples, double percent)
{
    size_t rank = (size_t)ceil(percent / 100.0 * (double)samples->count);

    return (double)samples->us[rank > 0 ? rank - 1 : 0] / 1e3;
}

struct cli_health_percentiles cli_health_percentiles(struct cli_health_samples *samples)
{
    if (samples->count == 0)
        return (struct cli_health_percentiles){ NAN, NAN, NAN, NAN };
    qsort(samples->us, samples->count, sizeof *samples->us, cli_health_order);
    return (struct cli_health_percentiles){ .p50_ms = cli_health_rank_ms(samples, 50),
                                            .p95_ms = cli_health_rank_ms(samples, 95),
                                            .p99_ms = cli_health_rank_ms(samples, 99),
                                            .max_ms = cli_health_rank_ms(samples, 100) };
}

const char *cli_health_set_name(enum cli_health_set set)
{
    static const char *const names[CLI_HEALTH_SETS] = { "endpoint_latency_ms",  "telemetry_latency_ms",
                                                        "power_get_latency_ms", "power_set_latency_ms",
                                                        "edpp_get_latency_ms",  "wpps_get_latency_ms" };

    return names[set];
}

int cli_health_gates(const struct cli_health_percentiles *percentiles, struct cli_health_gate ret[5])
{
    const struct cli_health_gate gates[5] = {
        { "LATENCY_P50", percentiles->p50_ms, 500.0, false },
        { "LATENCY_P95", percentiles->p95_ms, 700.0, false },
        { "LATENCY_P99", percentiles->p99_ms, 800.0, false },
        { "LATENCY_MAX", percentiles->max_ms, 1000.0, false },
        { "CONNECTION_PRESSURE", percentiles->p99_ms, CLI_HEALTH_PRESSURE_MS, true },
    };
    int count = 0;

    for (int i = 0; i < 5; i++)
        if (gates[i].observed > gates[i].threshold)
            ret[count++] = gates[i];
    return count;
}

/* The next number of a version; false: there is none. */
static bool cli_health_next(const char **at, unsigned long *ret)
{
    char *end;

    while (**at && !isdigit((unsigned char)**at))
        (*at)++;
    if (!**at)
        return false;
    *ret = strtoul(*at, &end, 10);
    *at = end;
    return true;
}

/* Letters in front of the first number that a hyphen ends ("GH200-24.05") are a name. */
static const char *cli_health_skip_name(const char *text)
{
    const char *at = text;

    if (!isalpha((unsigned char)*at))
        return text;
    while (isalnum((unsigned char)*at))
        at++;
    return *at == '-' ? at + 1 : text;
}

bool cli_health_version_at_least(const char *have, const char *floor)
{
    unsigned long has, needs;

    have = cli_health_skip_name(have);
    floor = cli_health_skip_name(floor);
    while (cli_health_next(&floor, &needs)) {
        if (!cli_health_next(&have, &has))
            return false;
        if (has != needs)
            return has > needs;
    }
    return true;
}
