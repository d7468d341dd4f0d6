/* SPDX-License-Identifier: Apache-2.0 */
/* csv.c: a line of comma separated values, cut where it stands. Pure. */
#include "csv.h"

#include <string.h>

#define CSV_BOM "\xef\xbb\xbf" /* what some put before UTF-8 */

/* As spreadsheets write: quotes around a field, blanks around it. */
static char *csv_bare(char *field)
{
    size_t length;

    field += strspn(field, " \t");
    length = strlen(field);
    while (length > 0 && (field[length - 1] == ' ' || field[length - 1] == '\t'))
        field[--length] = '\0';
    if (length >= 2 && field[0] == '"' && field[length - 1] == '"') {
        field[length - 1] = '\0';
        field++;
    }
    return field;
}

int csv_split(char *line, char **fields, int most)
{
    int count = 0;

    if (strncmp(line, CSV_BOM, sizeof CSV_BOM - 1) == 0)
        line += sizeof CSV_BOM - 1;
    line[strcspn(line, "\r\n")] = '\0';
    while (count < most) {
        char *comma = strchr(line, ',');

        if (comma)
            *comma = '\0';
        fields[count++] = csv_bare(line);
        if (!comma)
            break;
        line = comma + 1;
    }
    return count;
}
