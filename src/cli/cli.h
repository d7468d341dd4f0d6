/* SPDX-License-Identifier: Apache-2.0 */
/* cli.h: busbarctl: one run, its options, its commands.
 *
 * cli_main() is the whole program but for main(), so that tests can call it. A
 * command prints what it has on `out`, complaints in one line on `err`, and
 * gives the exit status. One thread; nothing here outlives a run.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "busbar/status.h"

#define CLI_SOCKET "/run/busbar/busbar.sock"

/* Exit status. */
enum cli_exit {
    CLI_DONE = 0,      /* done, and everything asked for holds */
    CLI_NOT_HELD = 1,  /* done, and something does not hold    */
    CLI_FAILED = 2,    /* could not be done                    */
};

struct cli_client;

struct cli {
    FILE *out, *err;
    const char *socket;
    bool json, colour;
    unsigned given;            /* enum cli_option: what stood on the line   */
    bool follow, once, yes, wait, writes, summary_only, help, version;
    int64_t seconds;           /* numbers: 0, texts: NULL where not given   */
    int64_t for_ms, timeout_ms, every_ms, priority, samples, concurrency, edpp_pct;
    const char *client_name, *link, *profile, *profiles, *config, *state_dir, *name, *signal;
    const char *speeds, *records;
    int64_t file_words, step;
    const char *user, *password_file, *ca_file, *pin, *nodes, *firmware_floor, *redfish_floor;
    int word_count;            /* what follows the command's name           */
    char *const *words;
    struct cli_client *client; /* made when first needed                    */
};

/* Which options a command takes besides --json, --socket and --help. */
enum cli_option {
    CLI_FOLLOW = 1 << 0, CLI_ONCE = 1 << 1, CLI_SECONDS = 1 << 2, CLI_FOR = 1 << 3, CLI_CLIENT = 1 << 4,
    CLI_PRIORITY = 1 << 5, CLI_LINK = 1 << 6, CLI_PROFILE = 1 << 7, CLI_PROFILES = 1 << 8, CLI_CONFIG = 1 << 9,
    CLI_STATE_DIR = 1 << 10, CLI_NAME = 1 << 11, CLI_SIGNAL = 1 << 12, CLI_YES = 1 << 13, CLI_TIMEOUT = 1 << 14,
    CLI_EVERY = 1 << 15, CLI_USER = 1 << 16, CLI_PASSWORD_FILE = 1 << 17, CLI_CA_FILE = 1 << 18, CLI_NODES = 1 << 19,
    CLI_SAMPLES = 1 << 20, CLI_CONCURRENCY = 1 << 21, CLI_WAIT = 1 << 22, CLI_WRITES = 1 << 23,
    CLI_EDPP = 1 << 24, CLI_FIRMWARE = 1 << 25, CLI_REDFISH = 1 << 26, CLI_SUMMARY = 1 << 27,
    CLI_SPEEDS = 1 << 28, CLI_RECORDS = 1 << 29, CLI_WORDS = 1 << 30
};

struct cli_command {
    const char *name;
    const char *words;         /* "[NAME]", for the help                    */
    const char *help;          /* one line                                  */
    const char *text;          /* for `busbarctl NAME --help`               */
    int words_min, words_max;
    unsigned options;          /* enum cli_option                           */
    int (*run)(struct cli *cli);
};

/* Every command, in the order of the help; ends with a NULL name. */
extern const struct cli_command cli_commands[];

/* The program. Never exits; gives the exit status. */
int cli_main(int argc, char **argv, FILE *out, FILE *err);

/* "busbarctl: ..." in one line on `err`; gives CLI_FAILED. */
__attribute__((format(printf, 2, 3))) int cli_fail(struct cli *cli, const char *format, ...);

/* The commands, a file a group. */
int cli_status(struct cli *cli);
int cli_mode(struct cli *cli);
int cli_reload(struct cli *cli);
int cli_devices(struct cli *cli);
int cli_events(struct cli *cli);
int cli_hint(struct cli *cli);
int cli_limits(struct cli *cli);
int cli_nodes(struct cli *cli);
int cli_levers(struct cli *cli);
int cli_why(struct cli *cli);
int cli_top(struct cli *cli);
int cli_stats(struct cli *cli);
int cli_record(struct cli *cli);
int cli_profile(struct cli *cli);
int cli_tokens(struct cli *cli);
int cli_device(struct cli *cli);
int cli_verify(struct cli *cli);

#endif
