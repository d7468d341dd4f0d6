/* SPDX-License-Identifier: Apache-2.0 */
/* cli_hint.c: what a workload or its serving stack says, to the daemon's forecasters.
 *
 * One mark by hand (a Slurm prolog and epilog), the lines of a job's own log as they are
 * written, or two numbers of a serving stack's page of metrics, read again and again.
 * Nothing is kept: a hint that cannot be taken now is worth nothing later.
 */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "busbar/clock.h"
#include "cli_client.h"
#include "cli_table.h"
#include "cli_value.h"

#define CLI_HINT_EVERY_MS 1000
#define CLI_HINT_LOOK_US  INT64_C(50000) /* between two looks at a file                           */
#define CLI_HINT_LINE_MAX 512
#define CLI_HINT_MOST     1e9 /* requests: more the daemon does not take                              */

/* What serving stacks call requests that wait and that run. Dynamo counts a request as queued until its
 * first token, so one that is being read counts with those that wait. */
static const struct {
    const char *waiting, *running;
} cli_hint_pages[] = {
    { "vllm:num_requests_waiting", "vllm:num_requests_running" },
    { "dynamo_frontend_queued_requests", "dynamo_frontend_inflight_requests" },
};

static volatile sig_atomic_t cli_hint_stop;

static void cli_hint_on_signal(int number)
{
    (void)number;
    cli_hint_stop = 1;
}

struct cli_hint {
    struct cli *cli;
    int64_t until_us;
    bool stays;                     /* goes on while the daemon, once met, is started again           */
    int64_t given, dropped, unread; /* hints taken; not taken in time; lines or pages not understood */
    int64_t unheard;                /* hints while there was no daemon                                */
};

/* ---- one hint ---- */

/* CLI_FAILED: said; there is no use in going on. */
static int cli_hint_give(struct cli_hint *h, const char *mark, double value)
{
    struct json_object *body = json_object_new_object();
    struct cli_answer answer;
    int rc = CLI_DONE;

    json_object_object_add(body, "mark", json_object_new_string(mark));
    if (isfinite(value))
        json_object_object_add(body, "value", json_object_new_double(value));
    if (h->cli->nodes)
        json_object_object_add(body, "node", json_object_new_string(h->cli->nodes));
    if (cli_ask(h->cli, "POST", "/v1/hints", json_object_to_json_string(body), &answer))
        h->given++;
    else if (strstr(answer.error, "(503)")) /* too many: the next one is newer */
        h->dropped++;
    else if (answer.unreachable && h->stays)
        h->unheard++;
    else
        rc = cli_fail(h->cli, "%s", answer.error);
    cli_answer_done(&answer);
    json_object_put(body);
    return rc;
}

static int cli_hint_report(struct cli_hint *h)
{
    struct json_object *to;
    int rc;

    if (!h->cli->json) {
        cli_say(h->cli, CLI_PLAIN, "%" PRId64 " hints given, %" PRId64 " too many, %" PRId64 " not understood", h->given,
                h->dropped, h->unread);
        if (h->unheard > 0)
            cli_say(h->cli, CLI_PLAIN, ", %" PRId64 " while there was no daemon", h->unheard);
        cli_say(h->cli, CLI_PLAIN, "\n");
        return h->given > 0 ? CLI_DONE : CLI_NOT_HELD;
    }
    to = json_object_new_object();
    json_object_object_add(to, "given", json_object_new_int64(h->given));
    json_object_object_add(to, "too_many", json_object_new_int64(h->dropped));
    json_object_object_add(to, "not_understood", json_object_new_int64(h->unread));
    json_object_object_add(to, "no_daemon", json_object_new_int64(h->unheard));
    rc = cli_print_json(h->cli, to);
    json_object_put(to);
    return rc == CLI_DONE && h->given == 0 ? CLI_NOT_HELD : rc;
}

/* False: the time is over, or somebody wants it to be. */
static bool cli_hint_wait(const struct cli_hint *h, int64_t until_us)
{
    int64_t left_us;

    until_us = until_us < h->until_us ? until_us : h->until_us;
    while (!cli_hint_stop && (left_us = until_us - clock_now_us()) > 0)
        (void)poll(NULL, 0, (int)((left_us + 999) / 1000));
    return !cli_hint_stop && clock_now_us() < h->until_us;
}

static bool cli_hint_number(const char *text, double *ret)
{
    char *end = NULL;

    errno = 0;
    *ret = strtod(text, &end);
    return end != text && *end == '\0' && errno == 0 && isfinite(*ret) && *ret >= 0.0;
}

/* ---- a job's log ---- */

/* What an event of a log is to the daemon, by our own word or that of MLPerf training logs. NULL: nothing. */
static const char *cli_hint_mark(const char *word)
{
    static const struct {
        const char *event, *mark;
    } marks[] = {
        { "step", "step" },
        { "part", "part" },
        { "stop", "stop" },
        { "go", "go" },
        { "start", "start" },
        { "end", "end" },
        { "queue", "queue" },
        { "running", "running" },
        { "train_step_timing_s", "step" },
        { "throughput", "step" },
        { "validation_step_timing_s", "part" },
        { "eval_start", "stop" },
        { "block_stop", "stop" },
        { "eval_stop", "go" },
        { "block_start", "go" },
        { "run_start", "start" },
        { "run_stop", "end" },
    };

    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (strcmp(word, marks[i].event) == 0)
            return marks[i].mark;
    return NULL;
}

/* "t_s,event,value": when it was written does not matter, it is news now. */
static int cli_hint_line(struct cli_hint *h, char *line)
{
    char *rest = line, *fields[3] = { NULL };
    const char *mark;
    double value = NAN;
    bool counts;
    char *end;

    line[strcspn(line, "\r\n")] = '\0';
    for (int i = 0; i < 3 && rest; i++)
        fields[i] = strsep(&rest, ",");
    if (line[0] == '\0' || strcmp(line, "t_s") == 0)
        return CLI_DONE;
    (void)strtod(fields[0], &end);
    mark = fields[1] ? cli_hint_mark(fields[1]) : NULL;
    counts = mark && (strcmp(mark, "queue") == 0 || strcmp(mark, "running") == 0);
    if (!mark || rest || end == fields[0] || *end != '\0' ||
        (counts && (!fields[2] || !cli_hint_number(fields[2], &value) || value > CLI_HINT_MOST))) {
        h->unread++;
        return CLI_DONE;
    }
    return cli_hint_give(h, mark, value);
}

struct cli_hint_log {
    FILE *file;
    size_t held; /* of a line that has not ended yet                                  */
    char line[CLI_HINT_LINE_MAX];
};

static int cli_hint_end_line(struct cli_hint *h, struct cli_hint_log *log)
{
    log->line[log->held] = '\0';
    log->held = 0;
    return cli_hint_line(h, log->line);
}

/* What has been appended since; a file that became shorter begins anew. */
static int cli_hint_read(struct cli_hint *h, struct cli_hint_log *log)
{
    long at = ftell(log->file), end = fseek(log->file, 0, SEEK_END) == 0 ? ftell(log->file) : -1;
    int rc = CLI_DONE, letter;

    if (end < at)
        at = 0;
    clearerr(log->file);
    if (fseek(log->file, at, SEEK_SET) != 0)
        return cli_fail(h->cli, "%s: %s", h->cli->words[1], strerror(errno));
    while (rc == CLI_DONE && (letter = fgetc(log->file)) != EOF) {
        if (log->held < CLI_HINT_LINE_MAX - 1)
            log->line[log->held++] = (char)letter;
        if (letter == '\n')
            rc = cli_hint_end_line(h, log);
    }
    return rc;
}

/* The file that has the name now, where that is another one than we read; NULL: it is not, or not yet. */
static FILE *cli_hint_rotated(const struct cli_hint *h, const struct cli_hint_log *log)
{
    FILE *next = NULL;
    struct stat named, ours;

    if (stat(h->cli->words[1], &named) == 0 && fstat(fileno(log->file), &ours) == 0 &&
        (named.st_dev != ours.st_dev || named.st_ino != ours.st_ino))
        next = fopen(h->cli->words[1], "re");
    return next;
}

/* Logs are renamed, and go on under the old name: what the old one got last is read, then the new one
 * from its beginning. */
static int cli_hint_look(struct cli_hint *h, struct cli_hint_log *log)
{
    FILE *next = cli_hint_rotated(h, log);
    int rc = cli_hint_read(h, log);

    if (!next)
        return rc;
    (void)fclose(log->file);
    log->file = next;
    if (rc == CLI_DONE && log->held > 0)
        rc = cli_hint_end_line(h, log);
    return rc == CLI_DONE ? cli_hint_read(h, log) : rc;
}

static int cli_hint_follow(struct cli_hint *h)
{
    struct cli_hint_log log = { .file = fopen(h->cli->words[1], "re") };
    int rc = CLI_DONE;

    if (!log.file)
        return cli_fail(h->cli, "%s: %s", h->cli->words[1], strerror(errno));
    (void)fseek(log.file, 0, SEEK_END); /* what was written before is past */
    while (rc == CLI_DONE && cli_hint_wait(h, clock_now_us() + CLI_HINT_LOOK_US))
        rc = cli_hint_look(h, &log);
    (void)fclose(log.file);
    return rc == CLI_DONE ? cli_hint_report(h) : rc;
}

/* ---- a serving stack's page ---- */

/* The sum over all labels of one metric. False: the page has none. */
static bool cli_hint_sum(const char *page, const char *name, double *ret)
{
    size_t length = strlen(name);
    bool found = false;

    *ret = 0.0;
    for (const char *line = page; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        const char *at = line + length;
        double value;

        if (strncmp(line, name, length) != 0 || (*at != '{' && *at != ' '))
            continue;
        if (*at == '{') { /* a label's value may hold a brace, inside quotes */
            bool quoted = false;

            for (at++; *at && *at != '\n' && (quoted || *at != '}'); at++) {
                if (*at == '\\' && at[1])
                    at++;
                else if (*at == '"')
                    quoted = !quoted;
            }
            at += *at == '}';
        }
        value = strtod(at, NULL);
        if (isfinite(value) && value >= 0.0) {
            *ret += value;
            found = true;
        }
    }
    return found;
}

static int cli_hint_page(struct cli_hint *h, const char *page)
{
    double waiting, running;
    int rc = CLI_DONE;

    for (size_t i = 0; i < sizeof cli_hint_pages / sizeof *cli_hint_pages; i++) {
        if (!cli_hint_sum(page, cli_hint_pages[i].waiting, &waiting))
            continue;
        rc = cli_hint_give(h, "queue", waiting);
        if (rc == CLI_DONE && cli_hint_sum(page, cli_hint_pages[i].running, &running))
            rc = cli_hint_give(h, "running", running);
        return rc;
    }
    h->unread++;
    return rc;
}

static int cli_hint_scrape(struct cli_hint *h)
{
    int64_t every_us = (h->cli->every_ms > 0 ? h->cli->every_ms : CLI_HINT_EVERY_MS) * 1000, due_us = clock_now_us();
    bool reached = false;
    int rc = CLI_DONE;

    do {
        struct cli_answer answer;

        if (cli_fetch(h->cli, h->cli->words[1], &answer)) {
            reached = true;
            rc = cli_hint_page(h, answer.body);
        } else if (!reached) {
            rc = cli_fail(h->cli, "%s: %s", h->cli->words[1], answer.error);
        } else {
            h->unread++; /* a stack that is started again is found again */
        }
        cli_answer_done(&answer);
        due_us += every_us;
        if (due_us < clock_now_us())
            due_us = clock_now_us();
    } while (rc == CLI_DONE && cli_hint_wait(h, due_us));
    return rc == CLI_DONE ? cli_hint_report(h) : rc;
}

/* ---- which ---- */

/* A log may be silent for hours: that there is no daemon is said before. */
static int cli_hint_meet(struct cli_hint *h)
{
    struct cli_answer answer;
    int rc = CLI_DONE;

    if (!cli_ask(h->cli, "GET", "/v1/status", NULL, &answer) && answer.unreachable)
        rc = cli_fail(h->cli, "%s", answer.error);
    cli_answer_done(&answer);
    h->stays = rc == CLI_DONE;
    return rc;
}

static int cli_hint_watch(struct cli_hint *h, int (*run)(struct cli_hint *h))
{
    struct sigaction on = { .sa_handler = cli_hint_on_signal }, before;
    int rc;

    if (h->cli->word_count != 2)
        return cli_fail(h->cli, "it is: busbarctl hint follow FILE, or busbarctl hint scrape URL");
    if (cli_hint_meet(h) != CLI_DONE)
        return CLI_FAILED;
    cli_hint_stop = 0;
    h->until_us = h->cli->seconds > 0 ? clock_now_us() + h->cli->seconds * 1000000 : INT64_MAX;
    (void)sigaction(SIGINT, &on, &before);
    rc = run(h);
    (void)sigaction(SIGINT, &before, NULL);
    return rc;
}

int cli_hint(struct cli *cli)
{
    struct cli_hint hint = { .cli = cli };
    double value = NAN;

    if (strcmp(cli->words[0], "follow") == 0)
        return cli_hint_watch(&hint, cli_hint_follow);
    if (strcmp(cli->words[0], "scrape") == 0)
        return cli_hint_watch(&hint, cli_hint_scrape);
    if (cli->every_ms > 0 || cli->seconds > 0)
        return cli_fail(cli, "one mark takes no --every and no --seconds: see busbarctl hint --help");
    if (cli->word_count > 1 && !cli_hint_number(cli->words[1], &value))
        return cli_fail(cli, "'%s' is no number of 0 or more", cli->words[1]);
    if (cli_hint_give(&hint, cli->words[0], value) != CLI_DONE)
        return CLI_FAILED;
    return hint.given > 0 ? cli_hint_report(&hint) : cli_fail(cli, "too many hints wait: fewer are enough");
}
