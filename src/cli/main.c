/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: busbarctl: a client of the HTTP API on the daemon's UNIX socket. */
#include <locale.h>
#include <stdio.h>

#include "cli.h"

int main(int argc, char **argv)
{
    int rc;

    /* Characters only: numbers keep their point. */
    (void)setlocale(LC_CTYPE, "");
    rc = cli_main(argc, argv, stdout, stderr);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        (void)fprintf(stderr, "busbarctl: the output could not be written\n");
        return CLI_FAILED;
    }
    return rc;
}
