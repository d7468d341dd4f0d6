/* SPDX-License-Identifier: Apache-2.0 */
/* cli_health_task.c: a check of many BMCs as one task that outlives this program.
 *
 * Owns the task's files under FOLDER: task.json (what it is), TASK/node-N.json (a node's
 * report, there once that node is done) and lock (held while it runs). Each node is
 * checked by a child process, so that one that hangs or dies costs itself alone. A task
 * that was cut off goes on with the nodes that are missing.
 */
#include "cli_health.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "busbar/clock.h"
#include "cli_value.h"

#define CLI_HEALTH_PATH_MAX (2 * CONF_PATH_MAX)
#define CLI_HEALTH_FILE_MAX ((size_t)64 << 20)

struct cli_health_task {
    struct cli *cli;
    const struct cli_health_options *options;
    const struct cli_health_target *targets;
    int32_t count, done;
    char id[32];
    pid_t *children; /* one a node; 0: none runs                        */
    bool *finished;
};

/* ---- files ---- */

bool cli_health_save(const char *path, struct json_object *json)
{
    const char *text =
        json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    char temporary[CLI_HEALTH_PATH_MAX];
    size_t size = text ? strlen(text) : 0;
    ssize_t written = -1;
    int fd;

    if (!text || snprintf(temporary, sizeof temporary, "%s.new", path) >= (int)sizeof temporary)
        return false;
    fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0)
        return false;
    while (size > 0 && (written = write(fd, text, size)) > 0) {
        text += written;
        size -= (size_t)written;
    }
    written = size == 0 ? fsync(fd) : -1;
    return close(fd) == 0 && written == 0 && rename(temporary, path) == 0;
}

struct json_object *cli_health_load(const char *path)
{
    FILE *file = fopen(path, "re");
    struct json_object *json = NULL;
    struct stat info;
    char *text = NULL;

    if (!file)
        return NULL;
    if (fstat(fileno(file), &info) == 0 && info.st_size >= 0 && (size_t)info.st_size < CLI_HEALTH_FILE_MAX)
        text = calloc(1, (size_t)info.st_size + 1);
    if (text && fread(text, 1, (size_t)info.st_size, file) == (size_t)info.st_size)
        json = json_tokener_parse(text);
    free(text);
    (void)fclose(file);
    return json;
}

static void cli_health_node_path(const char *folder, const char *id, int32_t node,
                                 char ret[CLI_HEALTH_PATH_MAX])
{
    (void)snprintf(ret, CLI_HEALTH_PATH_MAX, "%s/%s/node-%d.json", folder, id, (int)node);
}

/* The lock, held until the descriptor is closed; -1: somebody has it, or errno. */
static int cli_health_lock(const char *folder)
{
    char path[CLI_HEALTH_PATH_MAX];
    int fd;

    (void)snprintf(path, sizeof path, "%s/lock", folder);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int error = errno;

        (void)close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static bool cli_health_folder(const char *path)
{
    char part[CONF_PATH_MAX + 64];

    (void)snprintf(part, sizeof part, "%s", path);
    for (char *at = part + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(part, 0750) != 0 && errno != EEXIST)
            return false;
        *at = '/';
    }
    return mkdir(part, 0750) == 0 || errno == EEXIST;
}

/* ---- one node, in a child ---- */

static void cli_health_child(const struct cli_health_task *task, int32_t node, pid_t parent)
{
    char path[CLI_HEALTH_PATH_MAX];
    struct json_object *report;

    (void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* the task is cut off as one */
    if (getppid() != parent)
        _exit(3);
    report = cli_health_node(&task->targets[node], task->options);
    cli_health_node_path(task->options->folder, task->id, node, path);
    _exit(cli_health_save(path, report) ? 0 : 3);
}

static bool cli_health_begin(struct cli_health_task *task, int32_t node)
{
    pid_t parent = getpid(), child;

    (void)fflush(NULL);
    child = fork();
    if (child == 0)
        cli_health_child(task, node, parent);
    if (child > 0)
        task->children[node] = child;
    return child > 0;
}

/* A child that died leaves no report: then this is it. */
static void cli_health_died(const struct cli_health_task *task, int32_t node, int status)
{
    struct json_object *to = json_object_new_object(), *issues = json_object_new_array(),
                       *issue = json_object_new_object();
    char path[CLI_HEALTH_PATH_MAX];

    cli_health_node_path(task->options->folder, task->id, node, path);
    json_object_object_add(to, "node", json_object_new_string(task->targets[node].name));
    json_object_object_add(to, "url", json_object_new_string(task->targets[node].url));
    json_object_object_add(to, "reachable", json_object_new_boolean(false));
    json_object_object_add(issue, "node", json_object_new_string(task->targets[node].name));
    json_object_object_add(issue, "resource", NULL);
    json_object_object_add(issue, "code", json_object_new_string("CHECK_FAILED"));
    json_object_object_add(issue, "observed", json_object_new_int(status));
    json_object_object_add(issue, "threshold", NULL);
    json_object_object_add(issue, "severity", json_object_new_string("SEVERITY_ERROR"));
    json_object_object_add(issue, "message",
                           json_object_new_string("the check of this node ended before it was done"));
    json_object_array_add(issues, issue);
    json_object_object_add(to, "issues", issues);
    (void)cli_health_save(path, to);
    json_object_put(to);
}

/* Waits for one child of the task. */
static void cli_health_wait(struct cli_health_task *task)
{
    int status = 0;
    pid_t child = waitpid(-1, &status, 0);

    for (int32_t n = 0; n < task->count; n++) {
        if (child <= 0 || task->children[n] != child)
            continue;
        task->children[n] = 0;
        task->finished[n] = true;
        task->done++;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            cli_health_died(task, n, status);
    }
}

/* ---- the loop ---- */

static void cli_health_progress(const struct cli_health_task *task)
{
    const struct cli *cli = task->cli;
    int fd = cli->wait ? fileno(cli->err) : -1;

    if (fd >= 0 && isatty(fd))
        (void)fprintf(cli->err, "\r%d of %d nodes\033[K%s", (int)task->done, (int)task->count,
                      task->done == task->count ? "\r\033[K" : "");
}

static int cli_health_running(const struct cli_health_task *task)
{
    int running = 0;

    for (int32_t n = 0; n < task->count; n++)
        running += task->children[n] > 0;
    return running;
}

static bool cli_health_run(struct cli_health_task *task)
{
    bool good = true;

    for (int32_t n = 0; n < task->count; n++) {
        char path[CLI_HEALTH_PATH_MAX];

        cli_health_node_path(task->options->folder, task->id, n, path);
        task->finished[n] = access(path, F_OK) == 0;
        task->done += task->finished[n];
    }
    for (int32_t n = 0; n < task->count && good; n++) {
        if (task->finished[n])
            continue;
        cli_health_progress(task);
        while (cli_health_running(task) >= task->options->concurrency)
            cli_health_wait(task);
        good = cli_health_begin(task, n);
    }
    while (cli_health_running(task) > 0) {
        cli_health_progress(task);
        cli_health_wait(task);
    }
    cli_health_progress(task);
    return good;
}

/* ---- start ---- */

static void cli_health_add_text(struct json_object *to, const char *key, const char *text)
{
    json_object_object_add(to, key, text ? json_object_new_string(text) : NULL);
}

static struct json_object *cli_health_describe(const struct cli_health_task *task)
{
    const struct cli_health_options *o = task->options;
    struct json_object *to = json_object_new_object(), *nodes = json_object_new_array();

    json_object_object_add(to, "task_id", json_object_new_string(task->id));
    json_object_object_add(to, "started_at_s", json_object_new_int64(clock_wall_us() / 1000000));
    json_object_object_add(to, "force_writes", json_object_new_boolean(o->writes));
    json_object_object_add(to, "samples_per_telemetry", json_object_new_int64(o->samples));
    json_object_object_add(to, "telemetry_interval_ms", json_object_new_int64(o->every_ms));
    json_object_object_add(to, "write_resolution_timeout_ms", json_object_new_int64(o->window_ms));
    json_object_object_add(to, "expected_edpp_pct",
                           isnan(o->expected_edpp) ? NULL : json_object_new_double(o->expected_edpp));
    cli_health_add_text(to, "firmware_floor", o->firmware_floor);
    cli_health_add_text(to, "redfish_floor", o->redfish_floor);
    json_object_object_add(to, "nodes_total", json_object_new_int(task->count));
    for (int32_t n = 0; n < task->count; n++) {
        struct json_object *node = json_object_new_object();

        json_object_object_add(node, "node", json_object_new_string(task->targets[n].name));
        json_object_object_add(node, "url", json_object_new_string(task->targets[n].url));
        json_object_array_add(nodes, node);
    }
    json_object_object_add(to, "nodes", nodes);
    return to;
}

/* Does a task on disk hold every node against the same as this one? */
static bool cli_health_same_checks(struct json_object *old, const struct cli_health_options *o)
{
    double edpp = cli_number(old, "expected_edpp_pct");

    return cli_bool(old, "force_writes") == o->writes &&
           cli_count(old, "samples_per_telemetry") == o->samples &&
           cli_count(old, "telemetry_interval_ms") == o->every_ms &&
           cli_count(old, "write_resolution_timeout_ms") == o->window_ms &&
           (isnan(edpp) ? isnan(o->expected_edpp) : edpp == o->expected_edpp) &&
           strcmp(cli_text(old, "firmware_floor", ""), o->firmware_floor ? o->firmware_floor : "") == 0 &&
           strcmp(cli_text(old, "redfish_floor", ""), o->redfish_floor ? o->redfish_floor : "") == 0;
}

/* Is the task on disk this one, and not finished? */
static bool cli_health_same(struct json_object *old, const struct cli_health_task *task)
{
    if (!cli_health_same_checks(old, task->options) || cli_length(old, "nodes") != (size_t)task->count)
        return false;
    for (int32_t n = 0; n < task->count; n++) {
        struct json_object *node = cli_item(old, "nodes", (size_t)n);

        if (strcmp(cli_text(node, "node", ""), task->targets[n].name) != 0 ||
            strcmp(cli_text(node, "url", ""), task->targets[n].url) != 0)
            return false;
    }
    return true;
}

static void cli_health_forget(const char *folder, const char *id, int32_t count)
{
    char path[CLI_HEALTH_PATH_MAX];

    for (int32_t n = 0; n < count; n++) {
        cli_health_node_path(folder, id, n, path);
        (void)unlink(path);
    }
    (void)snprintf(path, sizeof path, "%s/%s", folder, id);
    (void)rmdir(path);
}

/* Takes up the task on disk, or begins another and forgets that one. */
static bool cli_health_prepare(struct cli_health_task *task, bool *ret_resumed)
{
    enum cli_health_state state;
    const char *folder = task->options->folder;
    char path[CLI_HEALTH_PATH_MAX];
    struct json_object *old, *json;
    bool saved;

    (void)snprintf(path, sizeof path, "%s/task.json", folder);
    old = cli_health_load(path);
    json = cli_health_status(folder, &state); /* the lock is ours: it says done or interrupted */
    *ret_resumed = old && state != CLI_HEALTH_DONE && cli_health_same(old, task);
    json_object_put(json);
    if (*ret_resumed)
        (void)snprintf(task->id, sizeof task->id, "%s", cli_text(old, "task_id", ""));
    else if (old)
        cli_health_forget(folder, cli_text(old, "task_id", "none"), (int32_t)cli_length(old, "nodes"));
    json_object_put(old);
    if (*ret_resumed)
        return true;
    (void)snprintf(task->id, sizeof task->id, "%llx-%x", (unsigned long long)clock_wall_us(),
                   (unsigned)getpid());
    json = cli_health_describe(task);
    saved = cli_health_save(path, json);
    json_object_put(json);
    (void)snprintf(path, sizeof path, "%s/%s", folder, task->id);
    return saved && mkdir(path, 0750) == 0;
}

/* The runner of a task that is not waited for: it keeps the lock and nothing of the terminal. */
static void cli_health_detach(struct cli_health_task *task)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void)setsid();
    for (int fd = 0; fd < 3 && null >= 0; fd++)
        (void)dup2(null, fd);
    _exit(cli_health_run(task) ? 0 : 3);
}

static int cli_health_go(struct cli_health_task *task)
{
    pid_t child;

    if (task->cli->wait)
        return cli_health_run(task)
                   ? CLI_DONE
                   : cli_fail(task->cli, "cannot start another process: %s", strerror(errno));
    (void)fflush(NULL);
    child = fork();
    if (child == 0)
        cli_health_detach(task);
    if (child < 0)
        return cli_fail(task->cli, "cannot start a process: %s", strerror(errno));
    return CLI_DONE; /* the child has the lock, too, and keeps it */
}

/* Another has the lock: which task that is. Or errno. */
static int cli_health_locked(struct cli *cli, const char *folder)
{
    int error = errno;
    enum cli_health_state state;
    struct json_object *task;

    if (error != EWOULDBLOCK)
        return cli_fail(cli, "%s: cannot be locked: %s", folder, strerror(error));
    task = cli_health_status(folder, &state);
    (void)cli_fail(cli, "%s: a check runs already, task %s: busbarctl verify bmc-health status", folder,
                   cli_text(task, "task_id", "-"));
    json_object_put(task);
    return CLI_FAILED;
}

int cli_health_start(struct cli *cli, const struct cli_health_options *options,
                     const struct cli_health_target *targets, int32_t count, char ret_id[32],
                     bool *ret_resumed)
{
    struct cli_health_task task = { .cli = cli, .options = options, .targets = targets, .count = count };
    int rc = CLI_FAILED, lock;

    if (!cli_health_folder(options->folder))
        return cli_fail(cli, "%s: cannot be made: %s (--state-dir names another place)", options->folder,
                        strerror(errno));
    lock = cli_health_lock(options->folder);
    if (lock < 0)
        return cli_health_locked(cli, options->folder);
    task.children = calloc((size_t)count + 1, sizeof *task.children);
    task.finished = calloc((size_t)count + 1, sizeof *task.finished);
    if (!task.children || !task.finished)
        (void)cli_fail(cli, "out of memory");
    else if (!cli_health_prepare(&task, ret_resumed))
        (void)cli_fail(cli, "%s: cannot be written to: %s", options->folder, strerror(errno));
    else
        rc = cli_health_go(&task);
    memcpy(ret_id, task.id, sizeof task.id);
    (void)close(lock);
    free(task.children);
    free(task.finished);
    return rc;
}

/* ---- status and report ---- */

struct json_object *cli_health_status(const char *folder, enum cli_health_state *ret)
{
    static const char *const states[] = { "none", "running", "interrupted", "done" };
    char path[CLI_HEALTH_PATH_MAX];
    struct json_object *task;
    int32_t done = 0, total;
    int lock;

    (void)snprintf(path, sizeof path, "%s/task.json", folder);
    task = cli_health_load(path);
    *ret = CLI_HEALTH_NONE;
    if (!task)
        return NULL;
    total = (int32_t)cli_length(task, "nodes");
    for (int32_t n = 0; n < total; n++) {
        cli_health_node_path(folder, cli_text(task, "task_id", "none"), n, path);
        done += access(path, F_OK) == 0;
    }
    lock = cli_health_lock(folder);
    *ret = done == total                      ? CLI_HEALTH_DONE
           : lock < 0 && errno == EWOULDBLOCK ? CLI_HEALTH_RUNNING
                                              : CLI_HEALTH_INTERRUPTED;
    if (lock >= 0)
        (void)close(lock);
    json_object_object_add(task, "state", json_object_new_string(states[*ret]));
    json_object_object_add(task, "nodes_completed", json_object_new_int(done));
    return task;
}

struct cli_health_sum {
    struct json_object *issues, *nodes;
    int32_t failed, unreachable;
};

static bool cli_health_is_error(struct json_object *issue)
{
    return strcmp(cli_text(issue, "severity", ""), "SEVERITY_ERROR") == 0;
}

static void cli_health_add_node(struct cli_health_sum *sum, struct json_object *node, bool summary_only)
{
    bool failed = false;

    for (size_t i = 0; i < cli_length(node, "issues"); i++) {
        struct json_object *issue = cli_item(node, "issues", i);

        failed = failed || cli_health_is_error(issue);
        json_object_array_add(sum->issues, json_object_get(issue));
    }
    sum->failed += failed;
    sum->unreachable += !cli_bool(node, "reachable");
    if (!summary_only)
        json_object_array_add(sum->nodes, json_object_get(node));
}

/* Needs a task: cli_health_status() has shown that there is one. */
struct json_object *cli_health_report(const char *folder, bool summary_only, bool *ret_ok)
{
    struct cli_health_sum sum = { .issues = json_object_new_array(), .nodes = json_object_new_array() };
    enum cli_health_state state;
    struct json_object *task = cli_health_status(folder, &state), *status = json_object_new_object(),
                       *summary = json_object_new_object();
    int32_t total = (int32_t)cli_length(task, "nodes");

    for (int32_t n = 0; n < total; n++) {
        char path[CLI_HEALTH_PATH_MAX];
        struct json_object *node;

        cli_health_node_path(folder, cli_text(task, "task_id", "none"), n, path);
        node = cli_health_load(path);
        if (node)
            cli_health_add_node(&sum, node, summary_only);
        json_object_put(node);
    }
    *ret_ok = state == CLI_HEALTH_DONE && sum.failed == 0;
    json_object_object_add(status, "ok", json_object_new_boolean(*ret_ok));
    json_object_object_add(status, "state", json_object_get(cli_key(task, "state")));
    json_object_object_add(summary, "total_nodes", json_object_new_int(total));
    json_object_object_add(summary, "nodes_completed", json_object_get(cli_key(task, "nodes_completed")));
    json_object_object_add(summary, "failed", json_object_new_int(sum.failed));
    json_object_object_add(summary, "nodes_unreachable", json_object_new_int(sum.unreachable));
    json_object_object_add(task, "status", status);
    json_object_object_add(task, "cluster_summary", summary);
    json_object_object_add(task, "issues", sum.issues);
    json_object_object_add(task, "nodes", sum.nodes);
    return task;
}
