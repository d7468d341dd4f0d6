/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: busbarsim: picks the subcommand. Each has a file of its own. */
#include <stdio.h>
#include <string.h>

#include "busbar/output.h"
#include "demo.h"
#include "forecast.h"
#include "load_main.h"
#include "replay.h"
#include "scenario.h"
#include "serve.h"

static struct {
    const char *name;
    char shown[24]; /* before getopt's own messages */
    int (*run)(int argc, char **argv);
    const char *text;
} main_commands[] = {
    { .name = "serve", .shown = "busbarsim serve", .run = serve_main,
      .text = "a rack behind Redfish, Modbus and SMBus, in real time" },
    { .name = "demo", .shown = "busbarsim demo", .run = demo_main,
      .text = "the same load twice in front of busbard: observed, then controlled" },
    { .name = "replay", .shown = "busbarsim replay", .run = replay_main,
      .text = "runs a recording again and compares the orders" },
    { .name = "run", .shown = "busbarsim run", .run = run_main,
      .text = "plays one scenario in virtual time and says what held" },
    { .name = "list", .shown = "busbarsim list", .run = list_main, .text = "the scenarios there are" },
    { .name = "compare", .shown = "busbarsim compare", .run = compare_main,
      .text = "scenarios without and with Busbar, side by side, as a picture" },
    { .name = "ride-through", .shown = "busbarsim ride-through", .run = ride_table_main,
      .text = "the grid vectors at every voltage and start profile, as one table" },
    { .name = "sweep", .shown = "busbarsim sweep", .run = sweep_main,
      .text = "one scenario on many random racks" },
    { .name = "campaign", .shown = "busbarsim campaign", .run = campaign_main,
      .text = "random racks in random trouble, every check on" },
    { .name = "forecast", .shown = "busbarsim forecast", .run = forecast_main,
      .text = "the forecaster and what it is held against, over a recorded trace" },
    { .name = "load", .shown = "busbarsim load", .run = load_main,
      .text = "writes the power of models that serve requests, and what their metrics said" },
};
#define MAIN_COMMANDS (sizeof main_commands / sizeof main_commands[0])

static void main_usage(FILE *to)
{
    (void)fprintf(to, "busbarsim COMMAND [...]: a rack that is not there\n\n");
    for (size_t i = 0; i < MAIN_COMMANDS; i++)
        (void)fprintf(to, "  %-12s %s\n", main_commands[i].name, main_commands[i].text);
    (void)fprintf(to, "\nEach takes --help and --version. Exit status: 0 done and everything holds,\n"
                      "1 done and something does not hold, 2 could not be done.\n");
}

int main(int argc, char **argv)
{
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        main_usage(stdout);
        return output_end("busbarsim", 0);
    }
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        (void)printf("busbarsim %s\n", BUSBAR_VERSION);
        return output_end("busbarsim", 0);
    }
    for (size_t i = 0; argc > 1 && i < MAIN_COMMANDS; i++)
        if (strcmp(argv[1], main_commands[i].name) == 0) {
            argv[1] = main_commands[i].shown;
            return output_end(argv[1], main_commands[i].run(argc - 1, argv + 1));
        }
    if (argc > 1)
        (void)fprintf(stderr, "busbarsim: there is no command '%s'\n", argv[1]);
    else
        (void)fprintf(stderr, "busbarsim: a command is needed; see busbarsim --help\n");
    return 2;
}
