/* SPDX-License-Identifier: Apache-2.0 */
/* campaign.c: busbarsim campaign: many cases, their totals, failures made small.
 *
 * Cases run on worker processes (pool.h); totals are kept here, in the order of
 * the seeds, and on disk where --state names a folder: the same program with the
 * same first seed goes on where it was stopped.
 */
#include "campaign_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "busbar/clock.h"
#include "pool.h"
#include "scenario.h"

#define CAMPAIGN_SAVE_EVERY 500
#define CAMPAIGN_MAGIC      UINT64_C(0x43414d5041494732)

struct campaign {
    uint64_t runs, seed;
    int32_t jobs;
    bool json, stop_first, limited;
    const char *state;
    char file[4096];
    uint32_t without;
    double seconds; /* NAN: the case's own                                     */
    struct campaign_totals totals;
    int64_t saved_us;
};

/* ---- state on disk ---- */

/* Of this very program: another one's totals say nothing of this one. */
static unsigned long campaign_program(void)
{
    unsigned long crc = crc32(0L, Z_NULL, 0);
    unsigned char part[65536];
    FILE *file = fopen("/proc/self/exe", "rbe");
    size_t n;

    while (file && (n = fread(part, 1, sizeof part, file)) > 0)
        crc = crc32(crc, part, (uInt)n);
    if (file)
        (void)fclose(file);
    return crc;
}

static bool campaign_state_open(struct campaign *c)
{
    struct campaign_totals totals;
    FILE *file;

    if (!c->state)
        return true;
    if (mkdir(c->state, 0777) != 0 && errno != EEXIST) {
        (void)fprintf(stderr, "busbarsim campaign: %s: %s\n", c->state, strerror(errno));
        return false;
    }
    (void)snprintf(c->file, sizeof c->file, "%.4000s/%08lx-%llu.state", c->state, campaign_program(),
                   (unsigned long long)c->seed);
    file = fopen(c->file, "rbe");
    if (!file)
        return true;
    if (fread(&totals, sizeof totals, 1, file) == 1 && totals.magic == CAMPAIGN_MAGIC &&
        totals.size == sizeof totals && totals.first_seed == c->seed)
        c->totals = totals;
    (void)fclose(file);
    return true;
}

static void campaign_state_save(struct campaign *c)
{
    char next[4200];
    FILE *file;
    bool written;

    if (!c->state)
        return;
    (void)snprintf(next, sizeof next, "%s.new", c->file);
    file = fopen(next, "wbe");
    written = file && fwrite(&c->totals, sizeof c->totals, 1, file) == 1;
    if (file && fclose(file) != 0)
        written = false;
    if (!written || rename(next, c->file) != 0)
        (void)fprintf(stderr, "busbarsim campaign: %s: %s; it cannot be resumed\n", c->file, strerror(errno));
}

/* ---- totals ---- */

static void campaign_job(void *arg, uint64_t index, void *ret_result)
{
    struct campaign *c = arg;
    struct campaign_result *result = ret_result;
    struct campaign_case *one = calloc(1, sizeof *one);

    if (!one)
        return;
    campaign_draw(c->seed + c->totals.runs + index, one);
    if (isfinite(c->seconds))
        one->seconds = c->seconds;
    if (campaign_play(one, c->without, result) != ST_OK) {
        result->ok = false;
        (void)snprintf(result->detail, sizeof result->detail, "could not be played");
    }
    free(one);
}

static void campaign_fail(struct campaign *c, const struct campaign_result *r, const char *why)
{
    struct campaign_failure *failure;
    struct campaign_case one;

    c->totals.violations++;
    if (c->totals.failure_count == CAMPAIGN_FAILURES_MAX)
        return;
    failure = &c->totals.failure[c->totals.failure_count++];
    campaign_draw(r->seed, &one);
    *failure = (struct campaign_failure){ .seed = r->seed, .without = c->without, .seconds = one.seconds };
    (void)snprintf(failure->detail, sizeof failure->detail, "%s", why ? why : r->detail);
    for (int k = 0; k < CHECKS_COUNT; k++)
        if (!r->check[k].ok)
            failure->at_s = r->check[k].at_s;
    if (!why && c->runs > 1 && !c->stop_first) {
        failure->without = campaign_shrink(&one, r);
        failure->seconds = one.seconds;
    }
}

static void campaign_add(struct campaign *c, const struct campaign_result *r)
{
    struct campaign_totals *t = &c->totals;

    t->sim_s += r->sim_s;
    t->steps += r->steps;
    t->orders += r->orders;
    t->plant_steps += r->plant_steps;
    t->armed_runs += r->armed_steps > 0;
    t->beyond_runs += r->beyond;
    for (int f = 0; f < CAMPAIGN_FAULTS; f++)
        t->faults[f] += r->faults[f];
    for (int k = 0; k < CHECKS_COUNT; k++) {
        struct campaign_margin *m = &t->margin[k];

        m->looks += r->check[k].looks;
        if (r->beyond && k == CHECKS_BUS_LOW)
            continue; /* it fell through every margin on its way to where nothing helps */
        if (!r->check[k].looked || (m->looked && m->margin <= r->check[k].margin))
            continue;
        m->looked = true;
        m->seed = r->seed;
        m->margin = r->check[k].margin;
        m->value = r->check[k].value;
        m->limit = r->check[k].limit;
    }
}

static void campaign_say(const struct campaign_failure *f)
{
    (void)fprintf(stderr,
                  "seed %llu: %s; repeat with: busbarsim campaign --runs 1 --seed %llu --seconds %.1f",
                  (unsigned long long)f->seed, f->detail, (unsigned long long)f->seed, f->seconds);
    for (int i = 0, any = 0; i < CAMPAIGN_TROUBLES_MAX; i++)
        if (f->without >> i & 1U)
            (void)fprintf(stderr, "%s%d", any++ ? "," : " --without ", i);
    (void)fprintf(stderr, "\n");
}

static bool campaign_done(void *arg, uint64_t index, const void *result, const char *why)
{
    struct campaign *c = arg;
    /* `index` counts from where pool_run() began; totals.runs moves at its end */
    const struct campaign_result dead = { .seed = c->seed + c->totals.runs + index };
    const struct campaign_result *r = result ? result : &dead;
    int32_t failures = c->totals.failure_count;

    if (!result)
        c->totals.died++;
    campaign_add(c, r);
    if (!r->ok)
        campaign_fail(c, r, result ? NULL : why);
    if (c->totals.failure_count > failures)
        campaign_say(&c->totals.failure[failures]);
    return !(c->stop_first && !r->ok);
}

/* In pieces, so that what was done is kept. */
static enum status campaign_run(struct campaign *c, int *ret_signal)
{
    enum status st = ST_OK;
    int64_t began_us = clock_now_us();
    double wall_s = c->totals.wall_s;

    *ret_signal = 0;
    while (st == ST_OK && c->totals.runs < c->runs && !(c->stop_first && c->totals.violations)) {
        uint64_t left = c->runs - c->totals.runs;
        struct pool_report report;
        const struct pool_options pool = {
            .count = left < CAMPAIGN_SAVE_EVERY ? left : CAMPAIGN_SAVE_EVERY,
            .workers = c->jobs,
            .result_size = sizeof(struct campaign_result),
            .arg = c,
            .job = campaign_job,
            .done = campaign_done,
        };

        st = pool_run(&pool, &report);
        c->totals.runs += report.done;
        c->totals.wall_s = wall_s + (double)(clock_now_us() - began_us) * 1e-6;
        *ret_signal = report.signal;
        campaign_state_save(c);
        if (c->runs > CAMPAIGN_SAVE_EVERY)
            (void)fprintf(stderr, "campaign: %llu of %llu runs, %.1f h simulated, %llu violations, %.0f s\n",
                          (unsigned long long)c->totals.runs, (unsigned long long)c->runs,
                          c->totals.sim_s / 3600.0, (unsigned long long)c->totals.violations,
                          c->totals.wall_s);
    }
    return st;
}

/* One run is looked at closely. */ static void campaign_one(const struct campaign *c)
{
    struct campaign_case one;
    char words[1024];

    campaign_draw(c->seed, &one);
    if (isfinite(c->seconds))
        one.seconds = c->seconds;
    campaign_describe(&one, words, (int)sizeof words);
    (void)fprintf(stderr, "seed %llu: %s\n", (unsigned long long)c->seed, words);
}

/* ---- command line ---- */

static void campaign_usage(FILE *to)
{
    (void)fprintf(
        to, "busbarsim campaign [--runs N] [--seed N] [--jobs N] [--state DIR] [--stop-first] [--json]\n"
            "                   [--seconds S] [--without K,...]\n"
            "  Random racks under random load, grid events and faults in virtual time, every check on.\n"
            "  --runs N       cases, one a seed; default 2000\n"
            "  --seed N       the first; default 1\n"
            "  --jobs N       worker processes; default one a processor\n"
            "  --state DIR    keeps what is done, and goes on from it\n"
            "  --stop-first   ends at the first failure\n"
            "  --seconds S    plays only so much of each case\n"
            "  --without K,.. leaves these troubles of each case out (see --runs 1)\n"
            "Exit status: 0 no violation, 1 some, 2 could not be run.\n");
}

static bool campaign_number(const char *name, const char *text, double low, double high, double *ret)
{
    char *end = NULL;
    double x = strtod(text, &end);

    if (end == text || *end || !(x >= low && x <= high)) {
        (void)fprintf(stderr, "busbarsim campaign: --%s: \"%s\" is not allowed: %g to %g\n", name, text, low,
                      high);
        return false;
    }
    *ret = x;
    return true;
}

static bool campaign_without(struct campaign *c, const char *text)
{
    for (const char *at = text; *at;) {
        char *end = NULL;
        long k = strtol(at, &end, 10);

        if (end == at || k < 0 || k >= CAMPAIGN_TROUBLES_MAX || (*end && *end != ',')) {
            (void)fprintf(
                stderr,
                "busbarsim campaign: --without: \"%s\" is not allowed: numbers 0 to %d, commas between\n",
                text, CAMPAIGN_TROUBLES_MAX - 1);
            return false;
        }
        c->without |= UINT32_C(1) << k;
        at = *end ? end + 1 : end;
    }
    return true;
}

/* 0: go on; else exit status + 1. */
static int campaign_options(struct campaign *c, int argc, char **argv)
{
    static const struct option options[] = {
        { "runs", required_argument, NULL, 'r' },
        { "seed", required_argument, NULL, 's' },
        { "jobs", required_argument, NULL, 'j' },
        { "state", required_argument, NULL, 'd' },
        { "json", no_argument, NULL, 'J' },
        { "stop-first", no_argument, NULL, 'f' },
        { "help", no_argument, NULL, 'h' },
        { "seconds", required_argument, NULL, 't' },
        { "without", required_argument, NULL, 'w' },
        { "version", no_argument, NULL, 'V' },
        { NULL, 0, NULL, 0 },
    };
    double x = 0.0;

    for (int o; (o = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        bool good = true;

        switch (o) {
        case 'r':
            good = campaign_number("runs", optarg, 1, 1e9, &x);
            c->runs = (uint64_t)x;
            break;
        case 's':
            good = campaign_number("seed", optarg, 0, 9e15, &x);
            c->seed = (uint64_t)x;
            break;
        case 'j':
            good = campaign_number("jobs", optarg, 1, POOL_WORKERS_MAX, &x);
            c->jobs = (int32_t)x;
            break;
        case 't':
            good = campaign_number("seconds", optarg, 0.1, 3600, &c->seconds);
            break;
        case 'd':
            c->state = optarg;
            break;
        case 'J':
            c->json = true;
            break;
        case 'f':
            c->stop_first = true;
            break;
        case 'w':
            good = campaign_without(c, optarg);
            break;
        case 'h':
            campaign_usage(stdout);
            return 1;
        case 'V':
            (void)printf("busbarsim %s\n", BUSBAR_VERSION);
            return 1;
        default:
            return 3;
        }
        if (!good)
            return 3;
    }
    if (optind < argc) {
        (void)fprintf(stderr, "busbarsim campaign: \"%s\" is not an option; see --help\n", argv[optind]);
        return 3;
    }
    if (c->state && (c->without || isfinite(c->seconds))) {
        (void)fprintf(stderr,
                      "busbarsim campaign: --state keeps whole cases: not with --seconds or --without\n");
        return 3;
    }
    return 0;
}

int campaign_main(int argc, char **argv)
{
    static struct campaign c;
    int status, sig = 0;
    enum status st;

    c = (struct campaign){ .runs = 2000, .seed = 1, .seconds = NAN };
    status = campaign_options(&c, argc, argv);
    if (status)
        return status - 1;
    c.totals =
        (struct campaign_totals){ .magic = CAMPAIGN_MAGIC, .size = sizeof c.totals, .first_seed = c.seed };
    if (!campaign_state_open(&c))
        return 2;
    if (c.totals.runs > 0)
        (void)fprintf(stderr, "campaign: going on after %llu runs kept in %s\n",
                      (unsigned long long)c.totals.runs, c.file);
    if (c.runs == 1)
        campaign_one(&c);
    st = campaign_run(&c, &sig);
    if (st != ST_OK && !sig) {
        (void)fprintf(stderr, "busbarsim campaign: no worker could be started\n");
        return 2;
    }
    if (c.json)
        campaign_report_json(&c.totals, c.seed);
    else
        campaign_report_text(&c.totals);
    if (sig)
        (void)fprintf(stderr, "campaign: stopped%s\n", c.state ? "; the same command goes on from here" : "");
    return sig ? 128 + sig : c.totals.violations ? 1 : 0;
}
