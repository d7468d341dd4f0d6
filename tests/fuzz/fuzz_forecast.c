/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_forecast.c: any bytes as a trace and as a job's log: refused with words, or
 * forecast without a number that is none. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim/forecast.h"

#define FUZZ_SAMPLES 300 /* of a series that is still run */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_run(const struct forecast_set *set, const struct forecast_events *events)
{
    const struct forecast_study study = { .source = { .path = "fuzz", .column = "w" },
                                          .horizon_count = 1,
                                          .horizon_s = { 3.0 * set->step_s },
                                          .event_ratio = 0.2,
                                          .score_from_s = NAN,
                                          .score_to_s = NAN };
    struct forecast_result result;

    if (set->series[0].count > FUZZ_SAMPLES || set->step_s < 0.001 || set->step_s > 3600.0)
        return;
    if (forecast_run(&study, set, &set->series[0], events, &result) != ST_OK)
        abort();
    for (int32_t i = 0; i < set->series[0].count; i++)
        if (!isfinite(set->series[0].w[i]) || !isfinite(result.at[0].track.point[i]) ||
            !isfinite(result.at[0].track.upper[2][i]))
            abort();
    forecast_run_done(&result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[64], error[FORECAST_ERROR_MAX];
    struct forecast_source source = { .path = path, .column = "w", .time = "t_s" };
    struct forecast_events events;
    struct forecast_set set;

    if (fd < 0) {
        fd = memfd_create("fuzz", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    error[0] = '\0';
    if (forecast_events_load(path, &events, error) != ST_OK && (error[0] == '\0' || events.count != 0))
        abort();
    source.group = size > 0 && data[size - 1] % 3 == 0 ? "node" : NULL;
    source.each = size > 0 && data[size - 1] % 2 == 0;
    error[0] = '\0';
    if (forecast_series_load(&source, &set, error) == ST_OK)
        fuzz_run(&set, &events);
    else if (error[0] == '\0' || set.count != 0)
        abort();
    forecast_series_done(&set);
    forecast_events_done(&events);
    return 0;
}
