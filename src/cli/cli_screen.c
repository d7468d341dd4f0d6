/* SPDX-License-Identifier: Apache-2.0 */
/* cli_screen.c: shows the live view on a terminal; the only file that knows curses. */
#define NCURSES_WIDECHAR 1
#include <curses.h>

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>

#include "cli_top.h"

#define CLI_SCREEN_KEY_QUIT 'q'

static const short cli_screen_pairs[] = {
    [CLI_PLAIN] = -1, [CLI_GOOD] = COLOR_GREEN, [CLI_WARN] = COLOR_YELLOW, [CLI_BAD] = COLOR_RED, [CLI_DIM] = -1, [CLI_BOLD] = -1,
};

static attr_t cli_screen_attributes(enum cli_colour colour)
{
    if (colour == CLI_DIM)
        return A_DIM;
    return colour == CLI_BOLD || colour == CLI_BAD ? A_BOLD : A_NORMAL;
}

static void cli_screen_cell(int row, int column, const struct cli_frame_cell *cell, bool utf8)
{
    wchar_t text[2] = { cell->character ? (wchar_t)cell->character : L' ', L'\0' };
    short pair = cli_screen_pairs[cell->colour] < 0 ? 0 : (short)(cell->colour + 1);
    cchar_t shown;

    if (!utf8 && text[0] >= 0x80)
        text[0] = text[0] == 0xb7 ? L'.' : L'#';
    if (setcchar(&shown, text, cli_screen_attributes(cell->colour), pair, NULL) == OK)
        (void)mvadd_wch(row, column, &shown);
}

static void cli_screen_show(const struct cli_frame *frame)
{
    bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;

    (void)erase();
    for (int row = 0; row < frame->used; row++) {
        for (int column = 0; column < frame->columns; column++)
            cli_screen_cell(row, column, &frame->cells[row * frame->columns + column], utf8);
    }
    (void)refresh();
}

/* One view, or one line that says why there is none. False: no memory. */
static bool cli_screen_draw(struct cli *cli)
{
    struct cli_frame frame = cli_frame_new(LINES, COLS);
    struct cli_top_view view;
    char error[CLI_ERROR_MAX];

    if (!frame.cells)
        return false;
    if (cli_top_ask(cli, &view, error, sizeof error))
        cli_top_draw(&frame, &view);
    else
        (void)cli_frame_put(&frame, 0, 0, CLI_BAD, "%s", error);
    cli_screen_show(&frame);
    cli_top_done(&view);
    cli_frame_done(&frame);
    return true;
}

int cli_screen_run(struct cli *cli, int64_t seconds)
{
    SCREEN *screen = newterm(NULL, cli->out, stdin);
    bool shown = true;
    int key = ERR;

    if (!screen)
        return cli_fail(cli, "this terminal (TERM=%s) cannot show it; busbarctl top --once prints one view as text",
                        getenv("TERM") ? getenv("TERM") : "");
    (void)set_term(screen);
    (void)cbreak();
    (void)noecho();
    (void)curs_set(0);
    (void)keypad(stdscr, TRUE);
    if (cli->colour && start_color() == OK && use_default_colors() == OK) {
        for (int colour = 0; colour < (int)(sizeof cli_screen_pairs / sizeof *cli_screen_pairs); colour++)
            (void)init_pair((short)(colour + 1), cli_screen_pairs[colour], -1);
    }
    while (shown && key != CLI_SCREEN_KEY_QUIT) {
        shown = cli_screen_draw(cli);
        timeout((int)(seconds * 1000));
        key = shown ? getch() : ERR; /* any key, and a new size, draws again */
    }
    (void)endwin();
    delscreen(screen);
    return shown ? CLI_DONE : cli_fail(cli, "out of memory");
}
