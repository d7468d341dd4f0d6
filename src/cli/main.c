/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: busbarctl: a client of the HTTP API on the daemon's UNIX socket. */
#include <locale.h>
#include <stdio.h>

#include "busbar/output.h"
#include "cli.h"

int main(int argc, char **argv)
{
    /* Characters only: numbers keep their point. */
    (void)setlocale(LC_CTYPE, "");
    return output_end("busbarctl", cli_main(argc, argv, stdout, stderr));
}
