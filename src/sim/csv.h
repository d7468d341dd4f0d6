/* SPDX-License-Identifier: Apache-2.0 */
/* csv.h: a line of comma separated values, none of which holds a comma. Pure. */
#ifndef BUSBAR_SIM_CSV_H
#define BUSBAR_SIM_CSV_H

/* Cuts the line at its commas, its end off, a byte order mark off and blanks and quotes
 * around each field; returns how many fields point into it:
 * at most `most`, and what comes after those belongs to none. */
int csv_split(char *line, char **fields, int most);

#endif
