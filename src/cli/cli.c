/* SPDX-License-Identifier: Apache-2.0 */
/* cli.c: the table of commands, the options, the help made from both.
 *
 * Owns nothing but the table. Never talks to the daemon: the commands do,
 * through cli_client.c.
 */
#include "cli.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_client.h"
#include "cli_device.h"
#include "cli_options.h"
#include "cli_verify.h"

#define CLI_MESSAGE_MAX 1024

const struct cli_command cli_commands[] = {
    { .name = "status", .words = "", .help = "the mode, the envelope, devices and orders", .run = cli_status,
      .text = "Exits 1 when the mode is not the wanted one, a device is stale or unread, a limit is\n"
              "exceeded or cannot be held, a protective device would trip, or the rack would not ride\n"
              "through a loss of input." },
    { .name = "devices", .words = "[NAME]", .help = "every device, or one with its readings", .words_max = 1,
      .run = cli_devices, .text = "Exits 1 when a device that is shown is stale or unread." },
    { .name = "events", .words = "[--follow]", .help = "the last events, with advice", .options = CLI_FOLLOW,
      .run = cli_events, .text = "With --follow: the last ten, then each new one until it is interrupted." },
    { .name = "mode", .words = "[observe|control|emergency]", .help = "shows or asks for a mode", .words_max = 1,
      .run = cli_mode,
      .text = "observe    decides and records, writes nothing to a device\n"
              "control    holds the limits\n"
              "emergency  every lever goes to its base value\n\n"
              "Without a mode: exits 1 when the mode is not the wanted one." },
    { .name = "limits", .words = "", .help = "every windowed limit and how it is held", .run = cli_limits,
      .text = "Exits 1 when a limit was violated since the daemon's start." },
    { .name = "nodes", .words = "", .help = "the power tree: power, forecast, budget", .run = cli_nodes, .text = "" },
    { .name = "levers", .words = "[NAME]", .help = "everything that can be written, and what it holds",
      .words_max = 1, .run = cli_levers, .text = "" },
    { .name = "why", .words = "LEVER", .help = "why a lever holds what it holds", .words_min = 1, .words_max = 1,
      .run = cli_why, .text = "" },
    { .name = "top", .words = "[--once] [--seconds N]", .help = "a live view", .options = CLI_ONCE | CLI_SECONDS,
      .run = cli_top,
      .text = "Shows the rack every N seconds (1) until q is pressed. --once prints one view as text." },
    { .name = "stats", .words = "", .help = "counters, lateness and latencies of the daemon", .run = cli_stats,
      .text = "" },
    { .name = "record", .words = "save FILE [--seconds N]", .help = "saves the recording of recent ticks",
      .words_min = 2, .words_max = 2, .options = CLI_SECONDS, .run = cli_record,
      .text = "Writes the last N seconds, or all that is kept, to FILE, which appears whole or not at\n"
              "all. `busbarsim replay FILE` runs it again." },
    { .name = "token", .words = "request|return|list ...", .help = "power that a client leases for a time",
      .words_min = 1, .words_max = 3, .options = CLI_FOR | CLI_CLIENT | CLI_PRIORITY, .run = cli_tokens,
      .text = "request NODE WATTS  leases WATTS below NODE, --for MS (60000), --priority N (4; of those\n"
              "                    that wait, 7 is answered first); a later one takes its place\n"
              "return              gives it back\n"
              "list                who holds what, and who was refused why\n\n"
              "--client NAME       whose token it is (user-NAME of who asks)\n\n"
              "Exits 1 when the request was refused; the answer says why, what would be granted, and\n"
              "when asking again makes sense." },
    { .name = "hint", .words = "MARK|follow|scrape ...", .help = "what a workload says, to the forecasters",
      .words_min = 1, .words_max = 2, .options = CLI_NODES | CLI_EVERY | CLI_SECONDS, .run = cli_hint,
      .text = "MARK [VALUE]  one mark: step, part, stop, go, start, end, queue or running (numbers of\n"
              "              requests), as a Slurm prolog and epilog give start and end\n"
              "follow FILE   each line t_s,event,value that is appended to a job's log\n"
              "scrape URL    a vLLM or Dynamo page of metrics: requests that wait and that run, --every MS\n"
              "              (1000)\n\n"
              "--nodes NODE  whose leaves it is about; else the whole rack\n"
              "--seconds N   follow, scrape: ends by itself; else when it is interrupted\n\n"
              "No limit moves by a hint. Exits 1 when none was given, 2 when the daemon takes none." },
    { .name = "reload", .words = "", .help = "exchanges the configuration for the file's", .run = cli_reload,
      .text = "The old one stays in force when the new one has errors." },
    { .name = "profile", .words = "check FILE...|all", .help = "checks device profiles", .words_min = 2,
      .words_max = 1000, .options = CLI_PROFILES, .run = cli_profile,
      .text = "Needs no daemon. `all`: every profile that the daemon would find, those of --profiles DIR\n"
              "first. Every error is shown, one a line; exits 2 when there is one." },
    { .name = "device", .words = "scan|read|write|watch|file ...", .help = "one device on one bus, by hand",
      .words_min = 1, .words_max = 3,
      .options = CLI_LINK | CLI_PROFILE | CLI_PROFILES | CLI_CONFIG | CLI_STATE_DIR | CLI_NAME | CLI_SIGNAL | CLI_YES |
                 CLI_TIMEOUT | CLI_EVERY | CLI_SECONDS | CLI_FOR | CLI_USER | CLI_PASSWORD_FILE | CLI_CA_FILE |
                 CLI_SPEEDS | CLI_RECORDS | CLI_WORDS,
      .run = cli_device, .text = CLI_DEVICE_TEXT },
    { .name = "verify", .words = "[bmc-health start|status|report]", .help = "is all of it there and well", .words_max = 2,
      .options = CLI_CONFIG | CLI_STATE_DIR | CLI_TIMEOUT | CLI_WRITES | CLI_LINK | CLI_NODES | CLI_SAMPLES | CLI_EVERY |
                 CLI_CONCURRENCY | CLI_WAIT | CLI_FOR | CLI_EDPP | CLI_FIRMWARE | CLI_REDFISH | CLI_SUMMARY | CLI_USER |
                 CLI_PASSWORD_FILE | CLI_CA_FILE,
      .run = cli_verify, .text = CLI_VERIFY_TEXT },
    { .name = NULL },
};

int cli_fail(struct cli *cli, const char *format, ...)
{
    char text[CLI_MESSAGE_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *at = text; *at; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = ' '; /* one line, and no orders to the terminal */
    }
    (void)fprintf(cli->err, "busbarctl: %s\n", text);
    return CLI_FAILED;
}

/* ---- help ---- */

static void cli_help(FILE *to)
{
    (void)fprintf(to, "busbarctl: asks and steers the rack power daemon busbard\n\n"
                      "  busbarctl COMMAND [--json] [--socket PATH]\n\n");
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        char usage[64];

        (void)snprintf(usage, sizeof usage, "%s %s", c->name, c->words);
        (void)fprintf(to, "  %-34s %s\n", usage, c->help);
    }
    (void)fprintf(to, "\n"
                      "  --json         one JSON document on standard output and nothing else\n"
                      "  --socket PATH  the daemon's socket (" CLI_SOCKET ")\n"
                      "  --help         this text, or a command's: busbarctl COMMAND --help\n"
                      "  --version      the version\n\n"
                      "Exit status: 0 done and all holds, 1 done and something does not hold, 2 not done.\n");
}

static void cli_command_help(FILE *to, const struct cli_command *command)
{
    (void)fprintf(to, "busbarctl %s%s%s [--json] [--socket PATH]\n\n  %s\n", command->name, command->words[0] ? " " : "",
                  command->words, command->help);
    if (command->text[0])
        (void)fprintf(to, "\n%s\n", command->text);
}

static const struct cli_command *cli_find(const char *name)
{
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        if (strcmp(c->name, name) == 0)
            return c;
    }
    return NULL;
}

static int cli_check(struct cli *cli, const struct cli_command *command)
{
    unsigned wrong = cli->given & ~command->options;

    if (wrong)
        return cli_fail(cli, "%s takes no %s: see busbarctl %s --help", command->name, cli_options_name(wrong),
                        command->name);
    if (cli->word_count < command->words_min || cli->word_count > command->words_max)
        return cli_fail(cli, "it is: busbarctl %s%s%s", command->name, command->words[0] ? " " : "", command->words);
    return CLI_DONE;
}

static int cli_run(struct cli *cli, const struct cli_command *command)
{
    int rc;

    if (cli->help) {
        cli_command_help(cli->out, command);
        return CLI_DONE;
    }
    rc = cli_check(cli, command);
    if (rc == CLI_DONE)
        rc = command->run(cli);
    cli->client = cli_client_free(cli->client);
    return rc;
}

int cli_main(int argc, char **argv, FILE *out, FILE *err)
{
    struct cli cli = { .out = out, .err = err, .socket = CLI_SOCKET };
    const struct cli_command *command;
    int fd = fileno(out);

    if (cli_options_read(&cli, argc, argv) != CLI_DONE)
        return CLI_FAILED;
    cli.colour = fd >= 0 && isatty(fd) && !getenv("NO_COLOR");
    if (cli.version) {
        (void)fprintf(out, "busbarctl %s (%s)\n", BUSBAR_VERSION, BUSBAR_COMMIT);
        return CLI_DONE;
    }
    if (optind >= argc) {
        cli_help(cli.help ? out : err);
        return cli.help ? CLI_DONE : CLI_FAILED;
    }
    command = cli_find(argv[optind]);
    if (!command)
        return cli_fail(&cli, "there is no command '%s': see busbarctl --help", argv[optind]);
    cli.word_count = argc - optind - 1;
    cli.words = argv + optind + 1;
    return cli_run(&cli, command);
}
