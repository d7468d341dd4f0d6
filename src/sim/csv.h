/* SPDX-License-Identifier: Apache-2.0 */
/* csv.h: a line of comma separated values, without quotes. Pure. */
#ifndef BUSBAR_SIM_CSV_H
#define BUSBAR_SIM_CSV_H

/* Cuts the line at its commas, its end off, and returns how many fields point into it:
 * at most `most`, and what comes after those belongs to none. */
int csv_split(char *line, char **fields, int most);

#endif
