/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_scenario.c: any bytes as a scenario: refused with words, or good to be played. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim/scenario_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted is inside what the plant may be asked for. */
static void fuzz_accepted(const struct scenario *s)
{
    struct plant_grid_now now;

    if (!(s->seconds > 0.0) || s->period_us < 1000 || !(s->load.high_ratio <= 1.1) ||
        !(s->load.low_ratio >= 0.0) || s->fault_count > SCENARIO_FAULTS_MAX ||
        s->deadline_count > SCENARIO_DEADLINES_MAX)
        abort();
    for (int32_t i = 0; i < s->grid.point_count; i++) {
        plant_grid_at(&s->grid, s->grid.point[i].t_s, &now);
        for (int k = 0; k < 3; k++)
            if (!(now.ratio[k] >= 0.0 && now.ratio[k] <= 2.0))
                abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[64], error[SCENARIO_ERROR_MAX];
    static struct scenario_file file;
    struct scenario_report report = { .text = error };
    enum status st;

    if (fd < 0) {
        fd = memfd_create("fuzz", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    error[0] = '\0';
    st = scenario_read(path, &file, &report);
    if ((st == ST_OK) != (report.count == 0) || (st == ST_OK) != (error[0] == '\0') ||
        strlen(error) >= sizeof error)
        abort();
    /* Racks are files of their own. */
    if (st == ST_OK && strchr(file.rack, '/') == NULL && scenario_settle(&file, NULL, 0, &report) == ST_OK)
        fuzz_accepted(&file.scenario);
    return 0;
}
