/* SPDX-License-Identifier: Apache-2.0 */
/* load_main.c: busbarsim load inference: instances that serve requests, as a trace of
 * power and as the log of what their page of metrics showed. Main thread.
 */
#include "load_main.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve_arguments.h"
#include "serving.h"
#include "study.h"

#define LOAD_COLUMNS_MAX 32 /* a trace with more instances has their sum alone */

static const char load_usage[] =
    "busbarsim load inference --csv FILE [--events FILE] [--instances N] [--seconds S] [--seed N]\n"
    "                         [--arrivals FILE] [--scrape-ms N] [--hold-passes N]\n"
    "\n"
    "Makes the power of language models that serve requests, as the mean of every 100 ms. Its\n"
    "numbers were fitted once to published figures and are not options (docs/simulator.md).\n"
    "\n"
    "  --csv FILE       t_s,w; with 2 to 32 instances each one's too: w_1, w_2, ...\n"
    "  --events FILE    what the serving stack's page of metrics said, t_s,event,value: queue\n"
    "                   (requests that wait) and running; t_s is when the page was read\n"
    "  --instances N    models, each on two accelerators of 700 W (1)\n"
    "  --seconds S      (600)\n"
    "  --seed N         of everything that is drawn (1)\n"
    "  --arrivals FILE  recorded requests, t_s,in_tokens,out_tokens (made up)\n"
    "  --scrape-ms N    the page is read so often (50)\n"
    "  --hold-passes N  decode passes that a prompt waits before it is read (8)\n"
    "\n"
    "Exit status: 0 done, 2 could not be done.\n";

enum load_option {
    LOAD_OPTION_CSV = 256,
    LOAD_OPTION_EVENTS,
    LOAD_OPTION_INSTANCES,
    LOAD_OPTION_SECONDS,
    LOAD_OPTION_SEED,
    LOAD_OPTION_ARRIVALS,
    LOAD_OPTION_SCRAPE,
    LOAD_OPTION_HOLD,
    LOAD_OPTION_HELP,
    LOAD_OPTION_VERSION
};

struct load_args {
    struct serving_options serving;
    const char *csv, *events, *arrivals;
    bool help, version;
};

static bool load_args_whole_number(const char *option, double min, double max, int32_t *ret)
{
    double value;

    if (!serve_arguments_number(option, optarg, min, max, &value))
        return false;
    *ret = (int32_t)value;
    if ((double)*ret == value)
        return true;
    (void)fprintf(stderr, "busbarsim: %s: '%s' is not a whole number\n", option, optarg);
    return false;
}

static bool load_args_one(struct load_args *args, int option)
{
    switch (option) {
    case LOAD_OPTION_CSV:
        args->csv = optarg;
        return true;
    case LOAD_OPTION_EVENTS:
        args->events = optarg;
        return true;
    case LOAD_OPTION_ARRIVALS:
        args->arrivals = optarg;
        return true;
    case LOAD_OPTION_INSTANCES:
        return load_args_whole_number("--instances", 1, SERVING_INSTANCES_MAX, &args->serving.instances);
    case LOAD_OPTION_HOLD:
        return load_args_whole_number("--hold-passes", 0, 10000, &args->serving.hold_passes);
    case LOAD_OPTION_SECONDS:
        return serve_arguments_number("--seconds", optarg, 1.0, SERVING_SECONDS_MAX, &args->serving.seconds);
    case LOAD_OPTION_SEED:
        return serve_arguments_seed(optarg, &args->serving.seed);
    case LOAD_OPTION_SCRAPE:
        if (!serve_arguments_number("--scrape-ms", optarg, 5.0, 60000.0, &args->serving.scrape_s))
            return false;
        args->serving.scrape_s *= 1e-3;
        return true;
    default:
        args->help |= option == LOAD_OPTION_HELP;
        args->version |= option == LOAD_OPTION_VERSION;
        return option != '?';
    }
}

static bool load_args_read(int argc, char **argv, struct load_args *args)
{
    static const struct option options[] = {
        { .name = "csv", .has_arg = required_argument, .val = LOAD_OPTION_CSV },
        { .name = "events", .has_arg = required_argument, .val = LOAD_OPTION_EVENTS },
        { .name = "instances", .has_arg = required_argument, .val = LOAD_OPTION_INSTANCES },
        { .name = "seconds", .has_arg = required_argument, .val = LOAD_OPTION_SECONDS },
        { .name = "seed", .has_arg = required_argument, .val = LOAD_OPTION_SEED },
        { .name = "arrivals", .has_arg = required_argument, .val = LOAD_OPTION_ARRIVALS },
        { .name = "scrape-ms", .has_arg = required_argument, .val = LOAD_OPTION_SCRAPE },
        { .name = "hold-passes", .has_arg = required_argument, .val = LOAD_OPTION_HOLD },
        { .name = "help", .val = LOAD_OPTION_HELP },
        { .name = "version", .val = LOAD_OPTION_VERSION },
        { .name = NULL },
    };
    int option;

    args->serving = (struct serving_options){
        .instances = 1, .seconds = 600.0, .scrape_s = 0.05, .hold_passes = -1, .seed = 1
    };
    optind = 0; /* main() may have looked at the arguments before */
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (!load_args_one(args, option))
            return false;
    if (args->help || args->version)
        return true;
    if (optind + 1 != argc || strcmp(argv[optind], "inference") != 0)
        (void)fprintf(stderr, "busbarsim load: one kind of load is needed: inference\n");
    else if (!args->csv)
        (void)fprintf(stderr, "busbarsim load: --csv is needed\n");
    else
        return true;
    return false;
}

static void load_write_csv(const struct serving_load *load, FILE *to)
{
    int32_t columns = load->instances > 1 && load->instances <= LOAD_COLUMNS_MAX ? load->instances : 0;

    (void)fprintf(to, "t_s,w");
    for (int32_t k = 0; k < columns; k++)
        (void)fprintf(to, ",w_%d", k + 1);
    (void)fprintf(to, "\n");
    for (int32_t i = 0; i < load->slots; i++) {
        double w = 0.0;

        for (int32_t k = 0; k < load->instances; k++)
            w += load->w[(size_t)k * (size_t)load->slots + (size_t)i];
        (void)fprintf(to, "%.1f,%.1f", i * SERVING_SLOT_S, w);
        for (int32_t k = 0; k < columns; k++)
            (void)fprintf(to, ",%.1f", load->w[(size_t)k * (size_t)load->slots + (size_t)i]);
        (void)fprintf(to, "\n");
    }
}

static void load_write_events(const struct serving_load *load, double scrape_s, FILE *to)
{
    (void)fprintf(to, "t_s,event,value\n");
    for (int32_t i = 0; i < load->scrapes; i++)
        (void)fprintf(to, "%.3f,queue,%d\n%.3f,running,%d\n", (i + 1) * scrape_s, load->waiting[i],
                      (i + 1) * scrape_s, load->running[i]);
}

static bool load_write(const struct load_args *args, const struct serving_load *load)
{
    FILE *file;

    if (!study_file_open("load", args->csv, &file))
        return false;
    load_write_csv(load, file);
    if (!study_file_close("load", args->csv, file))
        return false;
    if (!args->events)
        return true;
    if (!study_file_open("load", args->events, &file))
        return false;
    load_write_events(load, args->serving.scrape_s, file);
    return study_file_close("load", args->events, file);
}

int load_main(int argc, char **argv)
{
    struct load_args args = { .csv = NULL };
    struct serving_arrivals arrivals = { .count = 0 };
    struct serving_load load;
    char error[SERVING_ERROR_MAX];
    int status = 2;

    if (!load_args_read(argc, argv, &args))
        return 2;
    if (args.help || args.version) {
        (void)printf("%s%s", args.help ? load_usage : "busbarsim " BUSBAR_VERSION, args.help ? "" : "\n");
        return 0;
    }
    if (args.arrivals && serving_arrivals_load(args.arrivals, &arrivals, error) != ST_OK) {
        (void)fprintf(stderr, "busbarsim load: %s\n", error);
        return 2;
    }
    args.serving.arrivals = &arrivals;
    if (serving_run(&args.serving, &load) == ST_OK) {
        status = load_write(&args, &load) ? 0 : 2;
        serving_load_done(&load);
    } else {
        (void)fprintf(stderr, "busbarsim load: out of memory\n");
    }
    serving_arrivals_done(&arrivals);
    return status;
}
