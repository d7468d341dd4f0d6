/* SPDX-License-Identifier: Apache-2.0 */
/* cli_top.h: one view of the rack, from answers to a frame. */
#ifndef CLI_TOP_H
#define CLI_TOP_H

#include "cli_client.h"
#include "cli_frame.h"

/* What one view is made of. */
struct cli_top_view {
    struct cli_answer status, nodes, limits, levers, devices, events;
};

/* Asks for all of it. False: `error` says why; the view is ended in both cases by cli_top_done(). */
bool cli_top_ask(struct cli *cli, struct cli_top_view *view, char *error, size_t size);
void cli_top_done(struct cli_top_view *view);

/* Draws it; pure. What does not fit below is cut. */
void cli_top_draw(struct cli_frame *frame, const struct cli_top_view *view);

/* cli_screen.c: shows views every `seconds` until q is pressed. Exit status. */
int cli_screen_run(struct cli *cli, int64_t seconds);

#endif
