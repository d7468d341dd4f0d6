/* SPDX-License-Identifier: Apache-2.0 */
/* What core_step() costs on the default rack with and without forecasters, and the
 * bytes of its block: every step of the same run in virtual time is timed alone, in
 * CPU time: a busy machine does not count. The run is played several times, the same to
 * the byte, and of each step the least counts: a neighbour on a shared processor slows
 * other steps each time, what a step itself costs is in all of them.
 * Linked with --wrap=core_step. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "busbar/core.h"
#include "sim/scenario.h"

#define STEPS_MAX 20000
#define RUNS      5

static double took_us[STEPS_MAX];
static size_t took_count, block_bytes;
static bool first_run;

void __real_core_step(struct core *core, const struct core_inputs *in, struct core_outputs *out);
void __wrap_core_step(struct core *core, const struct core_inputs *in, struct core_outputs *out);

static double now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

void __wrap_core_step(struct core *core, const struct core_inputs *in, struct core_outputs *out)
{
    double began_us = now_us();

    __real_core_step(core, in, out);
    if (took_count < STEPS_MAX) {
        double us = now_us() - began_us;

        took_us[took_count] = first_run || us < took_us[took_count] ? us : took_us[took_count];
        took_count++;
    }
    block_bytes = core_block_size(core);
}

static int order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static int one(const char *forecast, const char *after)
{
    const char *set[] = { forecast, "seconds=120", "job=ours" }; /* the same on any machine */
    static struct scenario scenario;
    static struct scenario_result result;
    const struct scenario_run run = { .seed = 1 };
    char error[SCENARIO_ERROR_MAX];

    if (scenario_load("forecast-value", set, 3, &scenario, error) != ST_OK) {
        (void)fprintf(stderr, "bench_step: %s\n", error);
        return 2;
    }
    for (int32_t k = 0; k < RUNS; k++) {
        size_t before = took_count;

        took_count = 0;
        first_run = k == 0;
        if (scenario_run(&scenario, &run, &result) != ST_OK || took_count < 1000 ||
            (k > 0 && took_count != before))
            return 2;
        scenario_done(&result);
    }
    qsort(took_us, took_count, sizeof took_us[0], order);
    (void)printf("\"%s\": {\"p50_us\": %.2f, \"p99_us\": %.2f, \"p999_us\": %.2f, \"block_bytes\": %zu, "
                 "\"steps\": %zu}%s",
                 forecast, took_us[took_count / 2], took_us[took_count * 99 / 100],
                 took_us[took_count * 999 / 1000], block_bytes, took_count, after);
    return 0;
}

int main(void)
{
    int rc;

    (void)printf("{");
    rc = one("forecast=off", ", ");
    rc = rc ? rc : one("forecast=hints", "}\n");
    return rc;
}
