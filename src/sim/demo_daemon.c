/* SPDX-License-Identifier: Apache-2.0 */
/* demo_daemon.c: one child process. Main thread; knows processes and signals
 * and nothing of power. */
#include "demo_daemon.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "busbar/clock.h"

#define DEMO_DAEMON_STOP_US   10000000
#define DEMO_DAEMON_LOG_LINES 12

/* After fork(), before the program: only what is safe then. Where it cannot be started the parent hears
 * errno through `report`. */
__attribute__((noreturn)) static void demo_daemon_child(const char *log_path, char *const *argv, pid_t parent,
                                                        int report)
{
    static const int usual[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
    struct sigaction deflt = { .sa_handler = SIG_DFL };
    sigset_t none;
    int in, out, error;

    (void)sigemptyset(&none);
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        (void)sigaction(usual[i], &deflt, NULL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setpgid(0, 0); /* Ctrl-C reaches the demo alone, and it ends the daemon in order */
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* a demo that is killed leaves nobody behind */
    in = open("/dev/null", O_RDONLY);
    out = open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (getppid() == parent && in >= 0 && out >= 0 && dup2(in, STDIN_FILENO) >= 0 &&
        dup2(out, STDOUT_FILENO) >= 0 && dup2(out, STDERR_FILENO) >= 0) {
        if (in > STDERR_FILENO)
            (void)close(in);
        if (out > STDERR_FILENO)
            (void)close(out);
        (void)execvp(argv[0], argv);
    }
    error = errno;
    (void)!write(report, &error, sizeof error);
    _exit(127);
}

enum status demo_daemon_start(struct demo_daemon *daemon, const char *program, const char *config,
                              const char *log_path)
{
    char *argv[] = { (char *)(uintptr_t)program, (char *)(uintptr_t) "--config", (char *)(uintptr_t)config,
                     NULL };
    pid_t parent = getpid();
    int report[2], error = 0;

    daemon->log_path = log_path;
    daemon->pid = 0;
    if (pipe2(report, O_CLOEXEC) != 0)
        return ST_SYS;
    (void)fflush(NULL); /* what is buffered must not be written twice */
    daemon->pid = fork();
    if (daemon->pid == 0)
        demo_daemon_child(log_path, argv, parent, report[1]);
    if (daemon->pid < 0)
        error = errno;
    (void)close(report[1]);
    /* Nothing to read: the program runs, and has closed its end. */
    if (daemon->pid > 0 && read(report[0], &error, sizeof error) == (ssize_t)sizeof error)
        (void)waitpid(daemon->pid, NULL, 0);
    (void)close(report[0]);
    if (error == 0)
        return ST_OK;
    daemon->pid = 0;
    (void)fprintf(stderr, "busbarsim demo: %s: %s\n", program, strerror(error));
    return ST_SYS;
}

bool demo_daemon_runs(struct demo_daemon *daemon)
{
    int status;

    if (daemon->pid <= 0)
        return false;
    if (waitpid(daemon->pid, &status, WNOHANG) != daemon->pid)
        return true;
    daemon->pid = 0;
    daemon->exit_status = status;
    return false;
}

void demo_daemon_stop(struct demo_daemon *daemon, struct event_base *base)
{
    int64_t until_us = clock_now_us() + DEMO_DAEMON_STOP_US;

    if (daemon->pid <= 0)
        return;
    (void)kill(daemon->pid, SIGTERM);
    while (demo_daemon_runs(daemon)) {
        if (clock_now_us() >= until_us) {
            (void)kill(daemon->pid, SIGKILL);
            (void)waitpid(daemon->pid, &daemon->exit_status, 0);
            daemon->pid = 0;
            return;
        }
        if (base)
            (void)event_base_loop(base, EVLOOP_NONBLOCK);
        clock_sleep_until_us(clock_now_us() + 1000);
    }
}

void demo_daemon_show_log(const struct demo_daemon *daemon)
{
    char lines[DEMO_DAEMON_LOG_LINES][512];
    FILE *log = daemon->log_path ? fopen(daemon->log_path, "re") : NULL;
    int count = 0;

    if (!log)
        return;
    while (fgets(lines[count % DEMO_DAEMON_LOG_LINES], sizeof lines[0], log))
        count++;
    (void)fclose(log);
    for (int i = count > DEMO_DAEMON_LOG_LINES ? count - DEMO_DAEMON_LOG_LINES : 0; i < count; i++)
        (void)fprintf(stderr, "  busbard: %s", lines[i % DEMO_DAEMON_LOG_LINES]);
}
