/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_conf.c: any bytes as a configuration: refused with words, or good for the core. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "busbar/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted must not stop the process in the core's own checks. */
static void fuzz_core(const struct conf *conf)
{
    struct core *core = aligned_alloc(16, core_size(&conf->core));
    struct core_outputs *out = aligned_alloc(16, core_outputs_size(&conf->core));
    const struct core_inputs in = { .now_us = 1000000, .plan = conf->plan };

    if (core && out) {
        core_init(core, &conf->core);
        core_outputs_init(out, &conf->core);
        core_step(core, &in, out);
    }
    free(core);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[64];
    struct conf_errors errors = { .count = 0 };
    struct conf *conf = NULL;

    if (fd < 0) {
        fd = memfd_create("fuzz", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    if ((conf_load(path, &conf, &errors) == ST_OK) != (errors.count == 0))
        abort();
    if (conf)
        fuzz_core(conf);
    conf_free(conf);
    conf_errors_done(&errors);
    return 0;
}
