/* SPDX-License-Identifier: Apache-2.0 */
/* output.h: what a program prints arrives whole, or the program says that it did not. */
#ifndef BUSBAR_OUTPUT_H
#define BUSBAR_OUTPUT_H

#define OUTPUT_FAILED 2 /* could not be done: what every program of ours exits with then */

/* The last thing before a program ends with `status`: its exit status. OUTPUT_FAILED, and one
 * line on standard error from `who`: standard output took less than it was given. */
int output_end(const char *who, int status);

#endif
