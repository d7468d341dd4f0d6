/* SPDX-License-Identifier: Apache-2.0 */
/* cli_options.h: the options of busbarctl, one row each. */
#ifndef CLI_CLI_OPTIONS_H
#define CLI_CLI_OPTIONS_H

#include "cli.h"

/* Reads every option of the line into *cli; words stay in argv from optind on.
 * CLI_FAILED: said already. */
int cli_options_read(struct cli *cli, int argc, char **argv);

/* "--follow" for the first option of a set; NULL for one that is none. */
const char *cli_options_name(unsigned options);

/* The rows, for tests: an option's bit and its name; false after the last. */
bool cli_options_row(int row, unsigned *ret_option, const char **ret_name);

#endif
