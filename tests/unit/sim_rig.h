/* SPDX-License-Identifier: Apache-2.0 */
/* sim_rig.h: a small rack, temporary files and the data folder, for tests of src/sim. */
#ifndef TEST_SIM_RIG_H
#define TEST_SIM_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/plant.h"
#include "sim/rack.h"

#define SIM_STEP_US 1000
#define SIM_NEAR(a, b, e) assert_true((a) > (b) - (e) && (a) < (b) + (e))

/* One of the racks of config/racks. */
static inline void sim_rack(const char *name, struct rack *ret)
{
    char path[1024], error[RACK_ERROR_MAX];

    (void)snprintf(path, sizeof path, "%s/config/racks/%s.yaml", BUSBAR_SOURCE_DIR, name);
    if (rack_load(path, ret, error) != ST_OK)
        fail_msg("%s", error);
}

static inline struct plant *sim_plant(const char *name, uint64_t seed)
{
    struct plant *plant = calloc(1, sizeof *plant);
    struct rack rack;

    assert_non_null(plant);
    sim_rack(name, &rack);
    rack_plant(&rack, seed, plant);
    return plant;
}

static inline void sim_run(struct plant *plant, int32_t ms)
{
    for (int32_t i = 0; i < ms; i++)
        plant_step(plant, SIM_STEP_US);
}

static inline void sim_demand(struct plant *plant, double demand_w)
{
    for (int32_t i = 0; i < plant->gpu_count; i++)
        plant->gpus[i].demand_w = demand_w;
}

/* A temporary file with this text; the caller unlinks and frees the path. */
static inline char *sim_file(const char *text)
{
    char *path = strdup("/tmp/busbar-test-XXXXXX");
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
    return path;
}

/* A file below the data folder; false: it is not here. */
static inline int sim_data(const char *file, char *ret, size_t size)
{
    const char *data = getenv("BUSBAR_DATA");

    (void)snprintf(ret, size, "%s/%s", data ? data : BUSBAR_SOURCE_DIR "/../shared/data", file);
    return access(ret, R_OK) == 0;
}

#endif
