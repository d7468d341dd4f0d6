/* SPDX-License-Identifier: Apache-2.0 */
/* cli_frame.c: a rectangle of coloured characters. Owns its cells; pure but for printing. */
#include "cli_frame.h"

#include <langinfo.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define CLI_FRAME_FULL 0x2588u   /* a full block; the seven before it are its eighths */
#define CLI_FRAME_EIGHTHS 0x2590u
#define CLI_FRAME_EMPTY 0x00b7u  /* a middle dot */

struct cli_frame cli_frame_new(int rows, int columns)
{
    struct cli_frame frame = { .rows = rows, .columns = columns };

    if (frame.rows < 1)
        frame.rows = 1;
    if (frame.rows > CLI_FRAME_ROWS_MAX)
        frame.rows = CLI_FRAME_ROWS_MAX;
    if (frame.columns < 1)
        frame.columns = 1;
    if (frame.columns > CLI_FRAME_COLUMNS_MAX)
        frame.columns = CLI_FRAME_COLUMNS_MAX;
    frame.cells = calloc((size_t)frame.rows * (size_t)frame.columns, sizeof *frame.cells);
    return frame;
}

void cli_frame_done(struct cli_frame *frame)
{
    free(frame->cells);
    *frame = (struct cli_frame){ .rows = 0 };
}

static void cli_frame_cell(struct cli_frame *frame, int row, int column, uint32_t character, enum cli_colour colour)
{
    if (!frame->cells || row < 0 || row >= frame->rows || column < 0 || column >= frame->columns)
        return;
    frame->cells[row * frame->columns + column] = (struct cli_frame_cell){ .character = character, .colour = colour };
    if (row >= frame->used)
        frame->used = row + 1;
}

int cli_frame_put(struct cli_frame *frame, int row, int column, enum cli_colour colour, const char *format, ...)
{
    char text[CLI_FRAME_COLUMNS_MAX + 1];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if ((*at & 0xc0) == 0x80)
            continue; /* the rest of a character that was shown as '?' */
        cli_frame_cell(frame, row, column++, *at < 0x20 || *at >= 0x7f ? '?' : *at, colour);
    }
    return column;
}

void cli_frame_bar(struct cli_frame *frame, int row, int column, int width, double share)
{
    enum cli_colour colour = share > 1.0 ? CLI_BAD : share > 0.95 ? CLI_WARN : CLI_GOOD;
    double known = isnan(share) || share < 0.0 ? 0.0 : share > 1.0 ? 1.0 : share;
    int eighths = (int)lround(known * 8.0 * (double)width);

    for (int i = 0; i < width; i++) {
        int here = eighths - 8 * i;

        if (here >= 8)
            cli_frame_cell(frame, row, column + i, CLI_FRAME_FULL, colour);
        else if (here > 0)
            cli_frame_cell(frame, row, column + i, CLI_FRAME_EIGHTHS - (uint32_t)here, colour);
        else
            cli_frame_cell(frame, row, column + i, CLI_FRAME_EMPTY, CLI_DIM);
    }
}

static void cli_frame_character(FILE *out, uint32_t character, bool utf8)
{
    if (character < 0x80)
        (void)fputc((int)character, out);
    else if (!utf8)
        (void)fputc(character == CLI_FRAME_EMPTY ? '.' : '#', out);
    else if (character < 0x800)
        (void)fprintf(out, "%c%c", (int)(0xc0 | character >> 6), (int)(0x80 | (character & 0x3f)));
    else
        (void)fprintf(out, "%c%c%c", (int)(0xe0 | character >> 12), (int)(0x80 | (character >> 6 & 0x3f)),
                      (int)(0x80 | (character & 0x3f)));
}

void cli_frame_print(struct cli *cli, const struct cli_frame *frame)
{
    bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;

    for (int row = 0; row < frame->used; row++) {
        const struct cli_frame_cell *cells = &frame->cells[row * frame->columns];
        int end = frame->columns;

        while (end > 0 && (cells[end - 1].character == 0 || cells[end - 1].character == ' '))
            end--;
        for (int column = 0; column < end; column++)
            cli_frame_character(cli->out, cells[column].character ? cells[column].character : ' ', utf8);
        (void)fputc('\n', cli->out);
    }
}
