/* SPDX-License-Identifier: Apache-2.0 */
/* cli_frame.h: a rectangle of coloured characters, for `top`. Pure. */
#ifndef CLI_FRAME_H
#define CLI_FRAME_H

#include <stdint.h>

#include "cli_table.h"

/* Wider and taller than any terminal this is read on. */
#define CLI_FRAME_ROWS_MAX 512
#define CLI_FRAME_COLUMNS_MAX 400

struct cli_frame_cell {
    uint32_t character;        /* Unicode; 0: nothing was put here, a space */
    enum cli_colour colour;
};

struct cli_frame {
    int rows, columns;
    int used;                  /* rows that hold something */
    struct cli_frame_cell *cells;
};

/* NULL cells: no memory. Sizes are cut to what is allowed. */
struct cli_frame cli_frame_new(int rows, int columns);
void cli_frame_done(struct cli_frame *frame);

/* Text from a place on; what does not fit is cut. Gives the column after it.
 * Anything but printable ASCII becomes '?'. */
__attribute__((format(printf, 5, 6))) int cli_frame_put(struct cli_frame *frame, int row, int column,
                                                        enum cli_colour colour, const char *format, ...);

/* A bar of `width` characters, `share` (0 to 1) of it full; NAN: empty. */
void cli_frame_bar(struct cli_frame *frame, int row, int column, int width, double share);

/* As lines, without spaces at their ends; ASCII where the locale has no UTF-8. */
void cli_frame_print(struct cli *cli, const struct cli_frame *frame);

#endif
