/* SPDX-License-Identifier: Apache-2.0 */
/* cli_health_gate.h: latencies of one BMC as percentiles, held against gates. Pure. */
#ifndef CLI_CLI_HEALTH_GATE_H
#define CLI_CLI_HEALTH_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What answers are told apart by. */
enum cli_health_set {
    CLI_HEALTH_ENDPOINT,
    CLI_HEALTH_TELEMETRY,
    CLI_HEALTH_POWER_GET,
    CLI_HEALTH_POWER_SET,
    CLI_HEALTH_EDPP_GET,
    CLI_HEALTH_WPPS_GET,
    CLI_HEALTH_SETS
};

struct cli_health_samples {
    int64_t *us;
    size_t count, room;
};

/* False: no memory; the sample is lost. */
bool cli_health_add(struct cli_health_samples *samples, int64_t us);
void cli_health_samples_done(struct cli_health_samples *samples);

/* Nearest rank: the smallest sample that so many of a hundred are not above. NAN: none. */
struct cli_health_percentiles {
    double p50_ms, p95_ms, p99_ms, max_ms;
};
struct cli_health_percentiles cli_health_percentiles(struct cli_health_samples *samples);

/* "endpoint_latency_ms" ... */
const char *cli_health_set_name(enum cli_health_set set);

/* What a figure may be at most, and how bad it is when it is above. */
struct cli_health_gate {
    const char *code; /* "LATENCY_P50"                                     */
    double observed, threshold;
    bool error; /* else a warning                                    */
};

/* The gates that do not hold; how many (at most 5) are in `ret`. */
int cli_health_gates(const struct cli_health_percentiles *percentiles, struct cli_health_gate ret[5]);

/* Is dotted version `have` at least `floor`? Numbers are compared as numbers, what is none
 * ends the comparison ("GH200-24.05-2" counts from its first digit). */
bool cli_health_version_at_least(const char *have, const char *floor);

#endif
