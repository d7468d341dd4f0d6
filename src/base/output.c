/* SPDX-License-Identifier: Apache-2.0 */
/* output.c: was everything written? A full disk shows at the last flush only. Main thread. */
#include "busbar/output.h"

#include <stdio.h>

int output_end(const char *who, int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    (void)fprintf(stderr, "%s: the output could not be written\n", who);
    return OUTPUT_FAILED;
}
