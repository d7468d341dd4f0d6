/* SPDX-License-Identifier: Apache-2.0 */
/* cli_options.c: the options of busbarctl, one row each; reads a line by them. */
#include "cli_options.h"

#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>

enum cli_options_kind { CLI_OPTIONS_FLAG, CLI_OPTIONS_TEXT, CLI_OPTIONS_COUNT };

struct cli_options_row {
    const char *name;
    unsigned option; /* enum cli_option; 0: every command takes it */
    enum cli_options_kind kind;
    size_t offset;         /* of the member in struct cli                */
    long long least, most; /* of a count                                 */
};

#define FLAG(text, bit, member)                                                                              \
    {                                                                                                        \
        text, bit, CLI_OPTIONS_FLAG, offsetof(struct cli, member), 0, 0                                      \
    }
#define TEXT(text, bit, member)                                                                              \
    {                                                                                                        \
        text, bit, CLI_OPTIONS_TEXT, offsetof(struct cli, member), 0, 0                                      \
    }
#define COUNT(text, bit, member, from, to)                                                                   \
    {                                                                                                        \
        text, bit, CLI_OPTIONS_COUNT, offsetof(struct cli, member), from, to                                 \
    }

static const struct cli_options_row cli_options_rows[] = {
    FLAG("--help", 0, help),
    FLAG("--version", 0, version),
    FLAG("--json", 0, json),
    TEXT("--socket", 0, socket),
    FLAG("--follow", CLI_FOLLOW, follow),
    FLAG("--once", CLI_ONCE, once),
    COUNT("--seconds", CLI_SECONDS, seconds, 1, 86400),
    COUNT("--for", CLI_FOR, for_ms, 1, 86400000),
    TEXT("--client", CLI_CLIENT, client_name),
    COUNT("--priority", CLI_PRIORITY, priority, 0, 7),
    TEXT("--link", CLI_LINK, link),
    TEXT("--profile", CLI_PROFILE, profile),
    TEXT("--profiles", CLI_PROFILES, profiles),
    TEXT("--config", CLI_CONFIG, config),
    TEXT("--state-dir", CLI_STATE_DIR, state_dir),
    TEXT("--name", CLI_NAME, name),
    TEXT("--signal", CLI_SIGNAL, signal),
    FLAG("--yes", CLI_YES, yes),
    TEXT("--speeds", CLI_SPEEDS, speeds),
    TEXT("--records", CLI_RECORDS, records),
    COUNT("--words", CLI_WORDS, file_words, 1, 120),
    COUNT("--step", CLI_WORDS, step, 1, 10000),
    COUNT("--timeout", CLI_TIMEOUT, timeout_ms, 1, 60000),
    COUNT("--every", CLI_EVERY, every_ms, 1, 3600000),
    TEXT("--user", CLI_USER, user),
    TEXT("--password-file", CLI_PASSWORD_FILE, password_file),
    TEXT("--ca-file", CLI_CA_FILE, ca_file),
    TEXT("--pin", CLI_CA_FILE, pin),
    TEXT("--nodes", CLI_NODES, nodes),
    COUNT("--samples", CLI_SAMPLES, samples, 1, 100000),
    COUNT("--concurrency", CLI_CONCURRENCY, concurrency, 1, 64),
    FLAG("--wait", CLI_WAIT, wait),
    FLAG("--force-writes", CLI_WRITES, writes),
    COUNT("--expected-edpp-pct", CLI_EDPP, edpp_pct, 1, 200),
    TEXT("--firmware-floor", CLI_FIRMWARE, firmware_floor),
    TEXT("--redfish-floor", CLI_REDFISH, redfish_floor),
    FLAG("--summary-only", CLI_SUMMARY, summary_only),
};

#define CLI_OPTIONS_ROWS  ((int)(sizeof cli_options_rows / sizeof *cli_options_rows))
#define CLI_OPTIONS_FIRST 256 /* getopt's numbers: past every character */

bool cli_options_row(int row, unsigned *ret_option, const char **ret_name)
{
    if (row < 0 || row >= CLI_OPTIONS_ROWS)
        return false;
    *ret_option = cli_options_rows[row].option;
    *ret_name = cli_options_rows[row].name;
    return true;
}

const char *cli_options_name(unsigned options)
{
    for (int i = 0; i < CLI_OPTIONS_ROWS; i++)
        if (cli_options_rows[i].option & options)
            return cli_options_rows[i].name;
    return NULL;
}

/* A whole number of the option's range. */
static int cli_options_count(struct cli *cli, const struct cli_options_row *row, int64_t *ret)
{
    char *end = NULL;
    long long value = strtoll(optarg, &end, 10);

    if (end == optarg || *end || value < row->least || value > row->most)
        return cli_fail(cli, "%s: '%s' is no whole number, %lld to %lld", row->name, optarg, row->least,
                        row->most);
    *ret = value;
    return CLI_DONE;
}

static int cli_options_take(struct cli *cli, const struct cli_options_row *row)
{
    void *member = (char *)cli + row->offset;

    cli->given |= row->option;
    switch (row->kind) {
    case CLI_OPTIONS_FLAG:
        *(bool *)member = true;
        break;
    case CLI_OPTIONS_TEXT:
        *(const char **)member = optarg;
        break;
    case CLI_OPTIONS_COUNT:
        return cli_options_count(cli, row, member);
    }
    return CLI_DONE;
}

static int cli_options_one(struct cli *cli, int option, char **argv)
{
    if (option == 'h') {
        cli->help = true;
        return CLI_DONE;
    }
    if (option >= CLI_OPTIONS_FIRST)
        return cli_options_take(cli, &cli_options_rows[option - CLI_OPTIONS_FIRST]);
    if (option == ':')
        return cli_fail(cli, "%s needs a value", argv[optind - 1]);
    if (optopt >= '0' && optopt <= '9')
        return cli_fail(cli, "there is no option '-%c': a number below 0 goes after --, and options before it", optopt);
    if (optopt > 0 && optopt < CLI_OPTIONS_FIRST) /* the first of several letters */
        return cli_fail(cli, "there is no option '-%c': see busbarctl --help", optopt);
    return cli_fail(cli, "there is no option '%s': see busbarctl --help", argv[optind - 1]);
}

int cli_options_read(struct cli *cli, int argc, char **argv)
{
    struct option known[CLI_OPTIONS_ROWS + 1] = { { NULL, 0, NULL, 0 } };
    int option, rc = CLI_DONE;

    for (int i = 0; i < CLI_OPTIONS_ROWS; i++)
        known[i] = (struct option){ .name = cli_options_rows[i].name + 2,
                                    .has_arg = cli_options_rows[i].kind != CLI_OPTIONS_FLAG,
                                    .val = CLI_OPTIONS_FIRST + i };
    optind = 0; /* start over: tests call this more than once */
    opterr = 0;
    while (rc == CLI_DONE && (option = getopt_long(argc, argv, ":h", known, NULL)) != -1)
        rc = cli_options_one(cli, option, argv);
    return rc;
}
