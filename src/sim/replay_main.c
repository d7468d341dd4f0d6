/* SPDX-License-Identifier: Apache-2.0 */
/* replay_main.c: busbarsim replay: reads the file, prints what came out. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <json-c/json.h>

#include "replay.h"
#include "serve_arguments.h"

#define REPLAY_FILE_MAX ((size_t)1 << 30)
#define REPLAY_RUNS_MAX 1000.0

static const char replay_usage[] =
    "busbarsim replay FILE [--json] [--from-start] [--runs N] [--verbose]\n"
    "\n"
    "Runs a recording (`busbarctl record`) again and compares every order, bit for bit.\n"
    "\n"
    "  --json        one JSON document on standard output\n"
    "  --from-start  begin with an empty core at the first tick instead of the recorded\n"
    "                one: for recordings of other builds, and of whole runs\n"
    "  --runs N      run it so often (1); a step then counts with the least it took in any\n"
    "                run, as a busy machine slows others each time\n"
    "  --verbose     each order as a line\n"
    "\n"
    "Exit status: 0 every order is identical, 1 some are not, 2 the file cannot be run.\n";

enum replay_option {
    REPLAY_JSON = 256,
    REPLAY_FROM_START,
    REPLAY_RUNS,
    REPLAY_VERBOSE,
    REPLAY_HELP,
    REPLAY_VERSION
};

struct replay_args {
    const char *file;
    double runs;
    bool json, from_start, verbose, help, version;
};

static bool replay_args_read(int argc, char **argv, struct replay_args *args)
{
    static const struct option options[] = {
        { .name = "json", .val = REPLAY_JSON },
        { .name = "from-start", .val = REPLAY_FROM_START },
        { .name = "verbose", .val = REPLAY_VERBOSE },
        { .name = "help", .val = REPLAY_HELP },
        { .name = "version", .val = REPLAY_VERSION },
        { .name = "runs", .has_arg = 1, .val = REPLAY_RUNS },
        { .name = NULL },
    };
    int option;

    optind = 0; /* main() may have looked at the arguments before */
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        args->json |= option == REPLAY_JSON;
        args->from_start |= option == REPLAY_FROM_START;
        args->verbose |= option == REPLAY_VERBOSE;
        args->help |= option == REPLAY_HELP;
        args->version |= option == REPLAY_VERSION;
        if (option == '?' || (option == REPLAY_RUNS &&
                              !serve_arguments_number("--runs", optarg, 1.0, REPLAY_RUNS_MAX, &args->runs)))
            return false;
    }
    if (args->help || args->version)
        return true;
    if (optind + 1 != argc) {
        (void)fprintf(stderr, "busbarsim replay: one FILE is needed; see busbarsim replay --help\n");
        return false;
    }
    args->file = argv[optind];
    return true;
}

/* The whole file; NULL: *ret_why says why not. */
static unsigned char *replay_load(const char *path, size_t *ret_size, const char **ret_why)
{
    FILE *file = fopen(path, "rb");
    unsigned char *data = NULL;
    struct stat about;

    if (!file || fstat(fileno(file), &about) != 0) {
        *ret_why = strerror(errno);
    } else if (!S_ISREG(about.st_mode) || (uint64_t)about.st_size > REPLAY_FILE_MAX) {
        *ret_why = "not a file of at most 1 GiB";
    } else {
        data = malloc((size_t)about.st_size + 1);
        *ret_size = data ? fread(data, 1, (size_t)about.st_size, file) : 0;
        *ret_why = "out of memory";
    }
    if (file)
        (void)fclose(file);
    return data;
}

static double replay_speed(const struct replay_result *r)
{
    return r->wall_us > 0 ? (double)r->recorded_us / (double)r->wall_us : 0.0;
}

static void replay_print_json(const char *file, const struct replay_result *r, int32_t runs)
{
    struct json_object *out = json_object_new_object();

    json_object_object_add(out, "file", json_object_new_string(file));
    json_object_object_add(out, "rack", json_object_new_string(r->rack));
    json_object_object_add(out, "build", json_object_new_string(r->build));
    json_object_object_add(out, "same_build", json_object_new_boolean(r->same_build));
    json_object_object_add(out, "ticks", json_object_new_uint64(r->ticks));
    json_object_object_add(out, "ticks_skipped", json_object_new_uint64(r->skipped));
    json_object_object_add(out, "orders", json_object_new_uint64(r->orders));
    json_object_object_add(out, "different", json_object_new_uint64(r->different));
    json_object_object_add(out, "gaps", json_object_new_uint64(r->gaps));
    json_object_object_add(out, "ticks_lost", json_object_new_uint64(r->lost));
    json_object_object_add(out, "blocks", json_object_new_uint64(r->blocks));
    json_object_object_add(out, "blocks_different", json_object_new_uint64(r->blocks_different));
    json_object_object_add(out, "recorded_s", json_object_new_double((double)r->recorded_us / 1e6));
    json_object_object_add(out, "wall_s", json_object_new_double((double)r->wall_us / 1e6));
    json_object_object_add(out, "speed", json_object_new_double(replay_speed(r)));
    struct json_object *step = json_object_new_object();

    json_object_object_add(step, "p50", json_object_new_int64(histogram_quantile_us(&r->core_step, 0.50)));
    json_object_object_add(step, "p99", json_object_new_int64(histogram_quantile_us(&r->core_step, 0.99)));
    json_object_object_add(step, "max", json_object_new_int64(r->core_step.max_us));
    json_object_object_add(step, "runs", json_object_new_int(runs));
    json_object_object_add(out, "core_step_us", step);
    json_object_object_add(out, "first_difference", r->first[0] ? json_object_new_string(r->first) : NULL);
    (void)puts(json_object_to_json_string_ext(out, JSON_C_TO_STRING_PRETTY));
    json_object_put(out);
}

static void replay_print(const struct replay_result *r, int32_t runs)
{
    (void)printf("rack %s, recorded by %s%s\n", r->rack, r->build, r->same_build ? " (this build)" : "");
    (void)printf("%" PRIu64 " ticks, %.3f s, run again in %.3f s: %.0f times real time\n", r->ticks,
                 (double)r->recorded_us / 1e6, (double)r->wall_us / 1e6, replay_speed(r));
    (void)printf("one step takes %" PRId64 " us, p99 %" PRId64 " us, when run back to back",
                 histogram_quantile_us(&r->core_step, 0.50), histogram_quantile_us(&r->core_step, 0.99));
    if (runs > 1)
        (void)printf(", each the least of %" PRId32 " runs", runs);
    (void)printf("\n");
    (void)printf("%" PRIu64 " orders compared, %" PRIu64 " different\n", r->orders, r->different);
    (void)printf("%" PRIu64 " copies of the core compared, %" PRIu64 " different\n", r->blocks, r->blocks_different);
    if (r->gaps > 0 || r->skipped > 0)
        (void)printf("%" PRIu64 " gaps, %" PRIu64 " ticks lost in them, %" PRIu64 " before the first copy\n", r->gaps,
                     r->lost, r->skipped);
    if (r->first[0])
        (void)printf("first difference: %s\n", r->first);
}

static int replay_file(const struct replay_args *args)
{
    struct replay_options opt = { .from_start = args->from_start,
                                  .verbose = !args->verbose ? NULL : args->json ? stderr : stdout };
    int32_t runs = (int32_t)args->runs;
    struct replay_least least = { .us = NULL };
    struct replay_result result;
    const char *why = NULL;
    size_t size = 0;
    unsigned char *data = replay_load(args->file, &size, &why);
    enum status st;

    if (!data) {
        (void)fprintf(stderr, "busbarsim replay: %s: %s\n", args->file, why);
        return 2;
    }
    opt.least = runs > 1 ? &least : NULL;
    st = replay_bytes(data, size, &opt, &result);
    opt.verbose = NULL; /* the first has said it */
    for (int32_t i = 1; i < runs && st == ST_OK; i++)
        st = replay_bytes(data, size, &opt, &result);
    free(least.us);
    free(data);
    if (st != ST_OK) {
        (void)fprintf(stderr, "busbarsim replay: %s: %s\n", args->file, result.trouble);
        return 2;
    }
    if (args->json)
        replay_print_json(args->file, &result, runs);
    else
        replay_print(&result, runs);
    return result.different > 0 ? 1 : 0;
}

int replay_main(int argc, char **argv)
{
    struct replay_args args = { .runs = 1.0 };

    if (!replay_args_read(argc, argv, &args))
        return 2;
    if (args.help)
        return fputs(replay_usage, stdout) == EOF ? 2 : 0;
    if (args.version)
        return printf("busbarsim %s (%s)\n", BUSBAR_VERSION, BUSBAR_COMMIT) < 0 ? 2 : 0;
    return replay_file(&args);
}
