/* SPDX-License-Identifier: Apache-2.0 */
/* serve_main.c: `busbarsim serve`: arguments, signals, what is printed. Main
 * thread; owns the event base and everything on it until the end. */
#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon_conf.h"
#include "serve.h"
#include "serve_arguments.h"
#include "serve_modbus.h"
#include "serve_redfish.h"
#include "serve_smbus.h"

#define SERVE_MAIN_CHARGE_TIMEOUT_S 20.0

struct serve_main {
    const char *rack_path, *run_dir, *config, *trace_path, *ctl;
    uint64_t seed;
    bool play, inference, discharged, json, tcp;
    double envelope_w; /* 0: the rack file's                              */
    double seconds;    /* 0: until a signal                               */
    double charge_timeout_s;
    double rt_priority;
    struct rack rack;
    struct trace *trace;
    struct event_base *base;
    struct event *signals[3]; /* SIGINT, SIGTERM, the end of `seconds`           */
    struct serve *serve;
};

static void serve_main_help(void)
{
    (void)printf(
        "busbarsim serve RACK.yaml --run-dir DIR [options]\n"
        "Runs a simulated rack in real time behind Redfish, Modbus and SMBus until SIGINT or SIGTERM.\n\n"
        "  --run-dir DIR         ptys and sockets appear here; made when missing\n"
        "  --write-config FILE   write the busbard configuration of this rack\n"
        "  --trace FILE          the load; else a made-up one\n"
        "  --generate KIND       without a trace: training (default) or inference\n"
        "  --load idle|trace     what the accelerators do at first (idle)\n"
        "  --discharged          batteries begin at 30 to 60 %% and charge; else nearly full\n"
        "  --seed N              of everything that is drawn (1)\n"
        "  --envelope-w W        AC input limit of meter and configuration\n"
        "  --charge-timeout-s S  of the batteries' charger override in the configuration (20)\n"
        "  --rt-priority N       of the control thread in the configuration (0: none)\n"
        "  --ctl SOCKET          control socket (DIR/ctl.sock)\n"
        "  --modbus-tcp          serve the first Modbus line over TCP as well\n"
        "  --seconds N           end by itself\n"
        "  --json                print paths and ports as one JSON document instead of `ready`\n");
}

enum serve_main_option {
    SERVE_MAIN_RUN_DIR = 256,
    SERVE_MAIN_WRITE_CONFIG,
    SERVE_MAIN_TRACE,
    SERVE_MAIN_GENERATE,
    SERVE_MAIN_LOAD,
    SERVE_MAIN_DISCHARGED,
    SERVE_MAIN_SEED,
    SERVE_MAIN_ENVELOPE,
    SERVE_MAIN_TIMEOUT,
    SERVE_MAIN_PRIORITY,
    SERVE_MAIN_CTL,
    SERVE_MAIN_TCP,
    SERVE_MAIN_SECONDS,
    SERVE_MAIN_JSON
};

/* One option; false: it was refused, and why was said. */
static bool serve_main_option(struct serve_main *m, int option)
{
    switch (option) {
    case SERVE_MAIN_RUN_DIR:
        m->run_dir = optarg;
        return true;
    case SERVE_MAIN_WRITE_CONFIG:
        m->config = optarg;
        return true;
    case SERVE_MAIN_TRACE:
        m->trace_path = optarg;
        return true;
    case SERVE_MAIN_GENERATE:
        return serve_arguments_word("--generate", optarg, "training", "inference", &m->inference);
    case SERVE_MAIN_LOAD:
        return serve_arguments_word("--load", optarg, "idle", "trace", &m->play);
    case SERVE_MAIN_DISCHARGED:
        m->discharged = true;
        return true;
    case SERVE_MAIN_SEED:
        return serve_arguments_seed(optarg, &m->seed);
    case SERVE_MAIN_ENVELOPE:
        return serve_arguments_number("--envelope-w", optarg, 1, 1e8, &m->envelope_w);
    case SERVE_MAIN_TIMEOUT:
        return serve_arguments_number("--charge-timeout-s", optarg, 1, 86400, &m->charge_timeout_s);
    case SERVE_MAIN_PRIORITY:
        return serve_arguments_number("--rt-priority", optarg, 0, 99, &m->rt_priority);
    case SERVE_MAIN_CTL:
        m->ctl = optarg;
        return true;
    case SERVE_MAIN_TCP:
        m->tcp = true;
        return true;
    case SERVE_MAIN_SECONDS:
        return serve_arguments_number("--seconds", optarg, 0.1, 1e7, &m->seconds);
    case SERVE_MAIN_JSON:
        m->json = true;
        return true;
    default:
        return false; /* getopt has said why */
    }
}

/* -1: go on; else the exit status. */
static int serve_main_arguments(struct serve_main *m, int argc, char **argv)
{
    static const struct option options[] = {
        { "run-dir", required_argument, NULL, SERVE_MAIN_RUN_DIR },
        { "write-config", required_argument, NULL, SERVE_MAIN_WRITE_CONFIG },
        { "trace", required_argument, NULL, SERVE_MAIN_TRACE },
        { "generate", required_argument, NULL, SERVE_MAIN_GENERATE },
        { "load", required_argument, NULL, SERVE_MAIN_LOAD },
        { "discharged", no_argument, NULL, SERVE_MAIN_DISCHARGED },
        { "seed", required_argument, NULL, SERVE_MAIN_SEED },
        { "envelope-w", required_argument, NULL, SERVE_MAIN_ENVELOPE },
        { "charge-timeout-s", required_argument, NULL, SERVE_MAIN_TIMEOUT },
        { "rt-priority", required_argument, NULL, SERVE_MAIN_PRIORITY },
        { "ctl", required_argument, NULL, SERVE_MAIN_CTL },
        { "modbus-tcp", no_argument, NULL, SERVE_MAIN_TCP },
        { "seconds", required_argument, NULL, SERVE_MAIN_SECONDS },
        { "json", no_argument, NULL, SERVE_MAIN_JSON },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },
        { 0 },
    };
    bool good = true;
    int option;

    while (good && (option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h') {
            serve_main_help();
            return 0;
        }
        if (option == 'V') {
            (void)printf("busbarsim %s\n", BUSBAR_VERSION);
            return 0;
        }
        good = serve_main_option(m, option);
    }
    if (!good)
        return 2;
    if (optind + 1 != argc || !m->run_dir) {
        (void)fprintf(stderr, "busbarsim serve: RACK.yaml and --run-dir DIR are needed; see --help\n");
        return 2;
    }
    m->rack_path = argv[optind];
    return -1;
}

static void serve_main_stop(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)event_base_loopbreak(arg);
}

static enum status serve_main_signals(struct serve_main *m)
{
    struct timeval end = { .tv_sec = (time_t)m->seconds,
                           .tv_usec = (suseconds_t)((m->seconds - (double)(time_t)m->seconds) * 1e6) };

    m->signals[0] = evsignal_new(m->base, SIGINT, serve_main_stop, m->base);
    m->signals[1] = evsignal_new(m->base, SIGTERM, serve_main_stop, m->base);
    m->signals[2] = evtimer_new(m->base, serve_main_stop, m->base);
    for (int i = 0; i < 3; i++) {
        if (!m->signals[i])
            return ST_NOMEM;
        if (i < 2 ? event_add(m->signals[i], NULL) != 0
                  : m->seconds > 0.0 && event_add(m->signals[i], &end) != 0)
            return ST_SYS;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    return ST_OK;
}

static struct json_object *serve_main_place(const char *name, const char *key, const char *where)
{
    struct json_object *to = json_object_new_object();

    json_object_object_add(to, "name", json_object_new_string(name));
    json_object_object_add(to, key, json_object_new_string(where));
    return to;
}

static void serve_main_print_json(const struct serve_main *m)
{
    const struct serve *serve = m->serve;
    struct json_object *to = json_object_new_object();
    struct json_object *lines = json_object_new_array(), *bmcs = json_object_new_array();
    char name[32], url[64];

    for (int32_t i = 0; i < serve_modbus_lines(serve->modbus); i++) {
        (void)snprintf(name, sizeof name, "line-%d", i + 1);
        json_object_array_add(lines, serve_main_place(name, "path", serve_modbus_path(serve->modbus, i)));
    }
    for (int32_t i = 0; i < serve->plant.node_count; i++) {
        (void)snprintf(name, sizeof name, "bmc-%d", i + 1);
        (void)snprintf(url, sizeof url, "http://127.0.0.1:%d", serve_redfish_port(serve->redfish, i));
        json_object_array_add(bmcs, serve_main_place(name, "url", url));
    }
    json_object_object_add(to, "rack", json_object_new_string(serve->rack.name));
    json_object_object_add(to, "run_dir", json_object_new_string(serve->run_dir));
    json_object_object_add(to, "ctl", json_object_new_string(serve->ctl_path));
    json_object_object_add(to, "config", m->config ? json_object_new_string(m->config) : NULL);
    json_object_object_add(to, "envelope_w", json_object_new_double(serve->envelope_w));
    json_object_object_add(to, "lines", lines);
    json_object_object_add(to, "modbus_tcp_port",
                           m->tcp ? json_object_new_int(serve_modbus_tcp_port(serve->modbus)) : NULL);
    json_object_object_add(to, "smbus",
                           serve->smbus ? json_object_new_string(serve_smbus_path(serve->smbus)) : NULL);
    json_object_object_add(to, "bmcs", bmcs);
    (void)printf("%s\n",
                 json_object_to_json_string_ext(to, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(to);
}

static enum status serve_main_start(struct serve_main *m)
{
    struct serve_options opt;
    enum status st =
        serve_arguments_load(m->rack_path, m->trace_path, !m->inference, m->seed, &m->rack, &m->trace);

    if (st != ST_OK)
        return st;
    m->base = event_base_new();
    if (!m->base)
        return ST_NOMEM;
    if (m->envelope_w <= 0.0)
        m->envelope_w = m->rack.envelope_w;
    st = serve_main_signals(m);
    if (st != ST_OK)
        return st;
    opt = (struct serve_options){
        .base = m->base,
        .rack = &m->rack,
        .trace = m->trace,
        .run_dir = m->run_dir,
        .ctl = m->ctl,
        .seed = m->seed,
        .envelope_w = m->envelope_w,
        .modbus_tcp = m->tcp,
        .discharged = m->discharged,
    };
    st = serve_new(&opt, &m->serve);
    if (st == ST_OK && m->config) {
        const struct daemon_conf_options conf = {
            .path = m->config,
            .rt_priority = (int32_t)m->rt_priority,
            .charge_timeout_s = m->charge_timeout_s,
            .envelope_w = m->envelope_w,
        };

        st = daemon_conf_write(m->serve, &conf);
    }
    return st;
}

static bool serve_main_say_ready(const struct serve_main *m)
{
    if (m->json)
        serve_main_print_json(m);
    else
        (void)printf("ready\n");
    return fflush(stdout) == 0;
}

int serve_main(int argc, char **argv)
{
    struct serve_main m = { .seed = 1, .charge_timeout_s = SERVE_MAIN_CHARGE_TIMEOUT_S };
    int code = serve_main_arguments(&m, argc, argv);
    enum status st;

    if (code >= 0)
        return code;
    st = serve_main_start(&m);
    if (st == ST_OK) {
        if (m.play)
            workload_play(&m.serve->workload, 0.0);
        if (serve_main_say_ready(&m)) /* else whoever waits for it would wait for ever */
            (void)event_base_dispatch(m.base);
    } else if (st == ST_NOMEM) {
        (void)fprintf(stderr, "busbarsim serve: out of memory\n");
    }
    if (m.serve && m.config)
        daemon_conf_clean(m.serve, false);
    serve_free(m.serve);
    for (int i = 0; i < 3; i++)
        if (m.signals[i])
            event_free(m.signals[i]);
    if (m.base)
        event_base_free(m.base);
    trace_free(m.trace);
    return st == ST_OK ? 0 : 2;
}
