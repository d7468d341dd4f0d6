/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_profile.c: any bytes as a device profile: refused with words, or rows. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "busbar/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[64];
    struct conf_errors errors = { .count = 0 };
    struct profile profile = { .row_count = 0 };

    if (fd < 0) {
        fd = memfd_create("fuzz", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    if ((profile_load(path, &profile, &errors) == ST_OK) != (errors.count == 0))
        abort();
    profile_done(&profile);
    conf_errors_done(&errors);
    return 0;
}
