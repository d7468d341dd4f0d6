/* SPDX-License-Identifier: Apache-2.0 */
/* fake_daemon.h: a daemon that is not there, in a child process, behind the real
 * API on a socket of its own; and busbarctl's cli_main() run against it. */
#ifndef TEST_FAKE_DAEMON_H
#define TEST_FAKE_DAEMON_H

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "cli/cli.h"
#include "fake_operator.h"

#define FAKE_ARGS_MAX 16

struct fake_daemon {
    char dir[64], socket[96];
    pid_t child;
    /* of the last run of busbarctl */
    char *out, *err;
    size_t out_size, err_size;
};

/* Lets a test change what the daemon says, in the child, before it answers. */
typedef void (*fake_change)(struct fake *fake);

static inline void fake_daemon_run(const char *socket, fake_change change, int ready)
{
    struct operator_options opt = { .socket = socket, .group = "busbar" };
    struct operator *op = NULL;
    struct fake fake;

    fake_init(&fake);
    if (change)
        change(&fake);
    opt.base = event_base_new();
    opt.calls = fake_calls(&fake);
    if (!opt.base || operator_new(&opt, &op) != ST_OK)
        _exit(3);
    operator_set_names(op, &fake_names);
    operator_event(op, EV_STARTED, "busbard", "runs");
    operator_event(op, EV_DEVICE_STALE, "psu-1-2", "no answer for 2.0 s");
    if (write(ready, "", 1) != 1)
        _exit(3);
    (void)event_base_dispatch(opt.base);
    _exit(0);
}

static inline void fake_daemon_start(struct fake_daemon *daemon, fake_change change)
{
    int ready[2];
    char byte;

    *daemon = (struct fake_daemon){ .child = -1 };
    (void)snprintf(daemon->dir, sizeof daemon->dir, "/tmp/busbar-cli-XXXXXX");
    assert_non_null(mkdtemp(daemon->dir));
    (void)snprintf(daemon->socket, sizeof daemon->socket, "%s/busbar.sock", daemon->dir);
    assert_int_equal(pipe(ready), 0);
    daemon->child = fork();
    if (daemon->child == 0)
        fake_daemon_run(daemon->socket, change, ready[1]);
    assert_true(daemon->child > 0);
    (void)close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
}

static inline void fake_daemon_stop(struct fake_daemon *daemon)
{
    int rc;

    if (daemon->child > 0) {
        assert_int_equal(kill(daemon->child, SIGKILL), 0);
        assert_int_equal(waitpid(daemon->child, &rc, 0), daemon->child);
    }
    daemon->child = -1;
    (void)unlink(daemon->socket);
    assert_int_equal(rmdir(daemon->dir), 0);
    free(daemon->out);
    free(daemon->err);
    daemon->out = daemon->err = NULL;
}

/* busbarctl WORDS... (NULL at the end), with --socket unless the words name one. */
static inline int fake_daemon_ctl(struct fake_daemon *daemon, const char *const *words)
{
    char *argv[FAKE_ARGS_MAX + 4] = { strdup("busbarctl") };
    int argc = 1, rc;
    bool named = false;
    FILE *out, *err;

    for (; *words && argc < FAKE_ARGS_MAX; words++) {
        named = named || strcmp(*words, "--socket") == 0;
        argv[argc++] = strdup(*words);
    }
    if (!named) {
        argv[argc++] = strdup("--socket");
        argv[argc++] = strdup(daemon->socket);
    }
    free(daemon->out);
    free(daemon->err);
    out = open_memstream(&daemon->out, &daemon->out_size);
    err = open_memstream(&daemon->err, &daemon->err_size);
    assert_non_null(out);
    assert_non_null(err);
    rc = cli_main(argc, argv, out, err);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(fclose(err), 0);
    for (int i = 0; i < argc; i++)
        free(argv[i]); /* getopt permutes them, so this frees each once */
    return rc;
}

#define CTL(daemon, ...) fake_daemon_ctl((daemon), (const char *const[]){ __VA_ARGS__, NULL })

#endif
