/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: busbard: arguments, configuration, app_new(), app_run(), exit status. */
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "busbar/conf.h"
#include "busbar/log.h"
#include "busbar/output.h"
#include "restore.h"

#define MAIN_CONFIG "/etc/busbar/busbar.yaml"

enum main_option { MAIN_CONFIG_OPTION = 256, MAIN_CHECK, MAIN_PRINT_KEYS, MAIN_RESTORE, MAIN_ANYWAY,
                   MAIN_JSON, MAIN_LOG_LEVEL, MAIN_HELP, MAIN_VERSION };

struct main_args {
    const char *config;
    bool check, print_keys, restore, anyway, json, help, version;
};

static const char main_usage[] =
    "busbard: rack power orchestration daemon\n"
    "\n"
    "  busbard [--config FILE] [--log-level LEVEL]   run, in the foreground\n"
    "  busbard --check [FILE]                        check a configuration and stop\n"
    "  busbard --print-keys                          list every configuration key\n"
    "  busbard [--config FILE] --restore [--anyway] [--json]\n"
    "                    put back what each lever held before busbard wrote to it:\n"
    "                    as far as the envelope allows, or --anyway all of it\n"
    "\n"
    "  --config FILE     configuration (" MAIN_CONFIG ")\n"
    "  --log-level LEVEL err, warning, notice, info (preset) or debug\n"
    "  --json            one JSON document on standard output\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 done, 1 --restore left something standing, or a start that may succeed later,\n"
    "2 could not be done.\n";

static bool main_log_level(const char *text)
{
    static const struct { const char *name; enum log_level level; } levels[] = {
        { .name = "err", .level = LOG_LEVEL_ERR }, { .name = "warning", .level = LOG_LEVEL_WARNING },
        { .name = "notice", .level = LOG_LEVEL_NOTICE }, { .name = "info", .level = LOG_LEVEL_INFO },
        { .name = "debug", .level = LOG_LEVEL_DEBUG },
    };

    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        if (strcmp(text, levels[i].name) != 0)
            continue;
        log_set_level(levels[i].level);
        return true;
    }
    (void)fprintf(stderr, "busbard: --log-level %s: err, warning, notice, info or debug\n", text);
    return false;
}

static bool main_take(int option, struct main_args *args)
{
    switch (option) {
    case MAIN_CHECK:
        return args->check = true;
    case MAIN_CONFIG_OPTION:
        args->config = optarg;
        return true;
    case MAIN_PRINT_KEYS:
        return args->print_keys = true;
    case MAIN_RESTORE:
        return args->restore = true;
    case MAIN_ANYWAY:
        return args->anyway = true;
    case MAIN_JSON:
        return args->json = true;
    case MAIN_LOG_LEVEL:
        return main_log_level(optarg);
    case MAIN_HELP:
        return args->help = true;
    case MAIN_VERSION:
        return args->version = true;
    default:
        return false; /* getopt_long() has said what is wrong */
    }
}

static bool main_args_read(int argc, char **argv, struct main_args *args)
{
    static const struct option options[] = {
        { .name = "config", .has_arg = required_argument, .val = MAIN_CONFIG_OPTION },
        { .name = "check", .val = MAIN_CHECK },
        { .name = "print-keys", .val = MAIN_PRINT_KEYS },
        { .name = "restore", .val = MAIN_RESTORE },
        { .name = "anyway", .val = MAIN_ANYWAY },
        { .name = "json", .val = MAIN_JSON },
        { .name = "log-level", .has_arg = required_argument, .val = MAIN_LOG_LEVEL },
        { .name = "help", .val = MAIN_HELP },
        { .name = "version", .val = MAIN_VERSION },
        { .name = NULL },
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (!main_take(option, args))
            return false;
    if (args->check && optind + 1 == argc)
        args->config = argv[optind++];
    if (optind < argc) {
        (void)fprintf(stderr, "busbard: %s: no such argument; --help lists them\n", argv[optind]);
        return false;
    }
    if ((args->anyway || args->json) && !args->restore) {
        (void)fprintf(stderr, "busbard: --anyway and --json go with --restore\n");
        return false;
    }
    return true;
}

static struct conf *main_load(const char *path)
{
    struct conf_errors errors = { .count = 0 };
    struct conf *conf = NULL;
    enum status st = conf_load(path, &conf, &errors);

    if (st != ST_OK && errors.count == 0)
        (void)fprintf(stderr, "%s: %s\n", path, status_label(st));
    conf_errors_print(&errors, stderr);
    conf_errors_done(&errors);
    return st == ST_OK ? conf : NULL;
}

static int main_restore(const struct main_args *args, struct conf *conf)
{
    struct restore_options opt = { .conf = conf, .anyway = args->anyway, .json = args->json };
    const char *result = getenv("SERVICE_RESULT");

    if (!restore_leaves_all(result, args->anyway))
        return restore_main(&opt);
    (void)fprintf(stderr, "busbard: the service ended with \"%s\": everything is left standing, the next start "
                  "adopts it\n", result);
    if (args->json)
        (void)puts("{\"restored\": [], \"left\": []}");
    conf_free(conf);
    return 0;
}

static int main_run(const struct main_args *args, struct conf *conf)
{
    struct app *app = NULL;
    sigset_t ends;
    enum status st;
    int exit_status;

    /* Who is told to end while it starts ends in order a moment later: app.c lets these in as well. */
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigaddset(&ends, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &ends, NULL);
    st = app_new(conf, args->config, &app);
    exit_status = st == ST_BUSY || st == ST_RANGE ? 2 : 1; /* after 2 systemd does not try again */

    if (st == ST_OK)
        exit_status = app_run(app);
    app_free(app);
    return exit_status;
}

static void main_print(const struct main_args *args)
{
    if (args->help)
        (void)fputs(main_usage, stdout);
    else if (args->version)
        (void)printf("busbard %s (%s)\n", BUSBAR_VERSION, BUSBAR_COMMIT);
    else
        conf_print_keys(stdout);
}

/* Who asks for a reload before we can hear it must not end the daemon: systemd takes a SIGHUP
 * for a clean end. app.c lets it in. Putting originals back goes on when its terminal is gone. */
static void main_hold_sighup(void)
{
    sigset_t hup;

    (void)sigemptyset(&hup);
    (void)sigaddset(&hup, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &hup, NULL);
}

int main(int argc, char **argv)
{
    struct main_args args = { .config = MAIN_CONFIG };
    struct conf *conf;

    main_hold_sighup();
    if (!main_args_read(argc, argv, &args))
        return 2;
    if (args.help || args.version || args.print_keys) {
        main_print(&args);
        return output_end("busbard", 0);
    }
    /* A peer that hangs up must not end the daemon, whoever started it. */
    (void)signal(SIGPIPE, SIG_IGN);
    /* One arena: a 64 MiB reservation for each thread would not fit a locked memory limit. */
    (void)mallopt(M_ARENA_MAX, 1);
    conf = main_load(args.config);
    if (!conf)
        return 2;
    if (args.check) {
        conf_free(conf);
        return 0;
    }
    return args.restore ? output_end("busbard", main_restore(&args, conf)) : main_run(&args, conf);
}
