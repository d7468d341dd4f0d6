/* SPDX-License-Identifier: Apache-2.0 */
/* check.c: the end of a process that broke an assumption of its own.
 *
 * Any thread. Never allocates, never returns, never goes through log.c: that
 * may be what is broken.
 */
#include "busbar/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void check_failed(const char *file, int line, const char *what)
{
    (void)dprintf(STDERR_FILENO, "%s:%d: CHECK failed: %s\n", file, line, what);
    abort();
}
