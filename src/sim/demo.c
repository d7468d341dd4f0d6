/* SPDX-License-Identifier: Apache-2.0 */
/* demo.c: `busbarsim demo`: arguments, the envelope, and that nothing is left
 * behind. Main thread; the course itself is demo_run.c, the figures demo_report.c.
 */
#include "demo.h"

#include <errno.h>
#include <event2/event.h>
#include <ftw.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon_conf.h"
#include "demo_daemon.h"
#include "demo_report.h"
#include "demo_run.h"
#include "serve.h"
#include "serve_arguments.h"

#define DEMO_ENVELOPE_RATIO   0.80 /* of the highest uncapped 1 s mean             */
#define DEMO_ENVELOPE_STEP_W  100.0
#define DEMO_FLOOR_MARGIN     1.02 /* above what the lowest limits still draw      */
#define DEMO_CHARGE_TIMEOUT_S 20.0
#define DEMO_SIGNALS          4

struct demo {
    const char *rack_path, *busbard, *trace_path, *record, *keep_dir;
    double seconds;
    uint64_t seed;
    bool json, inference;
    struct rack rack;
    struct trace *trace;
    char run_dir[PATH_MAX], config[PATH_MAX], log[PATH_MAX], socket[PATH_MAX];
    bool made_dir;
    struct event_base *base;
    struct event *signals[DEMO_SIGNALS];
    struct serve *serve;
    struct demo_daemon daemon;
    struct demo_run *run;
    struct demo_report report;
};

static void demo_help(void)
{
    (void)printf("busbarsim demo RACK.yaml --busbard PATH [options]\n"
                 "Serves a simulated rack, starts busbard on it and plays the hardest stretch of a load\n"
                 "twice: first only observed, then controlled. Exit status 0: the envelope, which the load\n"
                 "exceeds by itself, held in control.\n\n"
                 "  --busbard PATH   the daemon to run\n"
                 "  --seconds N      both halves together (60)\n"
                 "  --trace FILE     the load; else a made-up one\n"
                 "  --generate KIND  without a trace: training (default) or inference\n"
                 "  --seed N         of everything that is drawn (1)\n"
                 "  --record FILE    save the daemon's recording of the control half\n"
                 "  --keep-dir DIR   work there, and leave configuration, log and state behind\n"
                 "  --json           one JSON document instead of the table\n");
}

enum demo_option {
    DEMO_OPTION_BUSBARD = 256,
    DEMO_OPTION_SECONDS,
    DEMO_OPTION_TRACE,
    DEMO_OPTION_GENERATE,
    DEMO_OPTION_SEED,
    DEMO_OPTION_RECORD,
    DEMO_OPTION_KEEP,
    DEMO_OPTION_JSON
};

/* One option; false: it was refused, and why was said. */
static bool demo_option(struct demo *d, int option)
{
    switch (option) {
    case DEMO_OPTION_BUSBARD:
        d->busbard = optarg;
        return true;
    case DEMO_OPTION_SECONDS:
        return serve_arguments_number("--seconds", optarg, 4, 86400, &d->seconds);
    case DEMO_OPTION_TRACE:
        d->trace_path = optarg;
        return true;
    case DEMO_OPTION_GENERATE:
        return serve_arguments_word("--generate", optarg, "training", "inference", &d->inference);
    case DEMO_OPTION_SEED:
        return serve_arguments_seed(optarg, &d->seed);
    case DEMO_OPTION_RECORD:
        d->record = optarg;
        return true;
    case DEMO_OPTION_KEEP:
        d->keep_dir = optarg;
        return true;
    case DEMO_OPTION_JSON:
        d->json = true;
        return true;
    default:
        return false; /* getopt has said why */
    }
}

/* -1: go on; else the exit status. */
static int demo_arguments(struct demo *d, int argc, char **argv)
{
    static const struct option options[] = {
        { "busbard", required_argument, NULL, DEMO_OPTION_BUSBARD },
        { "seconds", required_argument, NULL, DEMO_OPTION_SECONDS },
        { "trace", required_argument, NULL, DEMO_OPTION_TRACE },
        { "generate", required_argument, NULL, DEMO_OPTION_GENERATE },
        { "seed", required_argument, NULL, DEMO_OPTION_SEED },
        { "record", required_argument, NULL, DEMO_OPTION_RECORD },
        { "keep-dir", required_argument, NULL, DEMO_OPTION_KEEP },
        { "json", no_argument, NULL, DEMO_OPTION_JSON },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },
        { 0 },
    };
    bool good = true;
    int option;

    while (good && (option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h') {
            demo_help();
            return 0;
        }
        if (option == 'V') {
            (void)printf("busbarsim %s\n", BUSBAR_VERSION);
            return 0;
        }
        good = demo_option(d, option);
    }
    if (!good)
        return 2;
    if (optind + 1 != argc || !d->busbard) {
        (void)fprintf(stderr, "busbarsim demo: RACK.yaml and --busbard PATH are needed; see --help\n");
        return 2;
    }
    d->rack_path = argv[optind];
    return -1;
}

/* ---- the stretch and its envelope, in virtual time ---- */

static enum status demo_find_envelope(struct demo *d)
{
    struct workload *workload = calloc(1, sizeof *workload);
    struct plant *plant = calloc(1, sizeof *plant);
    struct meter_result second = { .worst_w = 0.0 };
    const struct meter_node node = { .name = "rack" };
    const struct meter_limit limit = { .window_ms = 1000, .limit_w = 1e12 };
    const struct meter_options opt = { .node_count = 1, .nodes = &node, .limit_count = 1, .limits = &limit };
    struct meter *meter = NULL;
    enum status st = ST_NOMEM;
    double floor_w = rack_floor_ac_w(&d->rack) * DEMO_FLOOR_MARGIN;
    double half_s = d->seconds / 2.0;

    if (workload && plant)
        st = meter_new(&opt, &meter);
    if (st == ST_OK) {
        rack_plant(&d->rack, d->seed, plant);
        plant_discharge(plant);
        workload_init(workload, d->trace, plant, d->seed);
        d->report.start_s = trace_hardest_s(d->trace, plant->gpu_count / d->trace->gpus_per_node + 1, half_s);
        workload_play(workload, d->report.start_s);
        for (int64_t ms = 0; ms < (int64_t)(half_s * 1000.0); ms++) {
            serve_step(workload, plant, NULL);
            meter_step(meter, &plant->ac_w);
        }
        meter_result(meter, 0, &second);
        d->report.uncapped_w = second.worst_w;
        d->report.envelope_w = fmax(round(DEMO_ENVELOPE_RATIO * second.worst_w / DEMO_ENVELOPE_STEP_W),
                                    ceil(floor_w / DEMO_ENVELOPE_STEP_W)) *
                               DEMO_ENVELOPE_STEP_W;
    }
    meter_free(meter);
    free(plant);
    free(workload);
    return st;
}

/* ---- what is made and removed ---- */

static enum status demo_make_dir(struct demo *d)
{
    const char *parent = getenv("TMPDIR");
    char made[PATH_MAX];

    if (d->keep_dir) {
        if (mkdir(d->keep_dir, 0700) != 0 && errno != EEXIST)
            goto fail;
        if (!realpath(d->keep_dir, d->run_dir))
            goto fail;
    } else {
        (void)snprintf(made, sizeof made, "%.60s/busbarsim-XXXXXX",
                       parent && parent[0] == '/' ? parent : "/tmp");
        if (!mkdtemp(made))
            goto fail;
        d->made_dir = true;
        (void)snprintf(d->run_dir, sizeof d->run_dir, "%s", made);
    }
    (void)snprintf(d->config, sizeof d->config, "%.*s/busbar.yaml", PATH_MAX - 32, d->run_dir);
    (void)snprintf(d->log, sizeof d->log, "%.*s/busbard.log", PATH_MAX - 32, d->run_dir);
    return ST_OK;

fail:
    (void)fprintf(stderr, "busbarsim demo: %s: %s\n", d->keep_dir ? d->keep_dir : made, strerror(errno));
    return ST_SYS;
}

static int demo_remove(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static void demo_signal(evutil_socket_t number, short what, void *arg)
{
    (void)what;
    (void)fprintf(stderr, "\nbusbarsim demo: ended by signal %d\n", (int)number);
    (void)event_base_loopbreak(arg);
}

static enum status demo_start(struct demo *d)
{
    const struct serve_options serve = {
        .base = d->base,
        .rack = &d->rack,
        .trace = d->trace,
        .run_dir = d->run_dir,
        .seed = d->seed,
        .envelope_w = d->report.envelope_w,
        .discharged = true,
    };
    const struct daemon_conf_options conf = {
        .path = d->config,
        .charge_timeout_s = DEMO_CHARGE_TIMEOUT_S,
        .envelope_w = d->report.envelope_w,
    };
    const struct demo_run_options run = {
        .base = d->base,
        .daemon = &d->daemon,
        .socket = d->socket,
        .record = d->record,
        .half_s = d->seconds / 2.0,
        .start_s = d->report.start_s,
        .report = &d->report,
    };
    struct demo_run_options with_serve = run;
    enum status st = serve_new(&serve, &d->serve);

    if (st == ST_OK)
        st = daemon_conf_write(d->serve, &conf);
    if (st != ST_OK)
        return st;
    daemon_conf_socket(d->serve, d->socket, sizeof d->socket);
    st = demo_daemon_start(&d->daemon, d->busbard, d->config, d->log);
    with_serve.serve = d->serve;
    return st == ST_OK ? demo_run_new(&with_serve, &d->run) : st;
}

static enum status demo_prepare(struct demo *d)
{
    /* A terminal that closes too: the daemon is in a group of its own and would go on. */
    static const int ends[DEMO_SIGNALS] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
    struct sigaction now;
    enum status st =
        serve_arguments_load(d->rack_path, d->trace_path, !d->inference, d->seed, &d->rack, &d->trace);

    if (st == ST_OK)
        st = demo_find_envelope(d);
    if (st == ST_OK)
        st = demo_make_dir(d);
    if (st != ST_OK)
        return st;
    d->base = event_base_new();
    if (!d->base)
        return ST_NOMEM;
    for (int i = 0; i < DEMO_SIGNALS; i++) {
        if (ends[i] == SIGHUP && sigaction(SIGHUP, NULL, &now) == 0 && now.sa_handler == SIG_IGN)
            continue; /* nohup */
        d->signals[i] = evsignal_new(d->base, ends[i], demo_signal, d->base);
        if (!d->signals[i] || event_add(d->signals[i], NULL) != 0)
            return ST_NOMEM;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    d->report.rack = d->rack.name;
    d->report.trace = d->trace->name;
    d->report.seconds = d->seconds;
    return demo_start(d);
}

static void demo_clean(struct demo *d)
{
    d->run = demo_run_free(d->run);
    demo_daemon_stop(&d->daemon, d->base);
    d->serve = serve_free(d->serve);
    for (int i = 0; i < DEMO_SIGNALS; i++)
        if (d->signals[i])
            event_free(d->signals[i]);
    if (d->base)
        event_base_free(d->base);
    if (d->made_dir)
        (void)nftw(d->run_dir, demo_remove, 8, FTW_DEPTH | FTW_PHYS);
    trace_free(d->trace);
}

static int demo_finish(struct demo *d)
{
    const char *reason;
    char why[1024];

    if (!demo_run_done(d->run, &reason)) {
        (void)fprintf(stderr, "busbarsim demo: %s\n", reason);
        demo_daemon_show_log(&d->daemon);
        return 2;
    }
    (d->json ? demo_report_json : demo_report_table)(&d->report, stdout);
    if (demo_report_holds(&d->report, why, sizeof why)) {
        if (!d->json)
            (void)printf("  The envelope held where busbard was in control.\n");
        return 0;
    }
    (void)fprintf(stderr, "busbarsim demo: %s\n", why);
    return 1;
}

int demo_main(int argc, char **argv)
{
    struct demo *d = calloc(1, sizeof *d);
    enum status st;
    int code;

    if (!d)
        return 2;
    d->seconds = 60.0;
    d->seed = 1;
    code = demo_arguments(d, argc, argv);
    if (code < 0) {
        st = demo_prepare(d);
        if (st == ST_OK)
            (void)event_base_dispatch(d->base);
        else if (st == ST_NOMEM)
            (void)fprintf(stderr, "busbarsim demo: out of memory\n");
        code = st == ST_OK ? demo_finish(d) : 2;
        demo_clean(d);
    }
    free(d);
    return code;
}
