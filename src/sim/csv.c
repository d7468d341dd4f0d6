/* SPDX-License-Identifier: Apache-2.0 */
/* csv.c: a line of comma separated values, cut where it stands. Pure. */
#include "csv.h"

#include <string.h>

int csv_split(char *line, char **fields, int most)
{
    int count = 0;

    line[strcspn(line, "\r\n")] = '\0';
    while (count < most) {
        char *comma = strchr(line, ',');

        fields[count++] = line;
        if (!comma)
            break;
        *comma = '\0';
        line = comma + 1;
    }
    return count;
}
