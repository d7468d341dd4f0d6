/* SPDX-License-Identifier: Apache-2.0 */
/* demo_daemon.c: one child process. Main thread; knows processes and signals
 * and nothing of power. */
#include "demo_daemon.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "busbar/clock.h"

#define DEMO_DAEMON_STOP_US   10000000
#define DEMO_DAEMON_LOG_LINES 12

extern char **environ;

enum status demo_daemon_start(struct demo_daemon *daemon, const char *program, const char *config,
                              const char *log_path)
{
    char *argv[] = { (char *)(uintptr_t)program, (char *)(uintptr_t) "--config", (char *)(uintptr_t)config,
                     NULL };
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, usual;
    int error;

    daemon->log_path = log_path;
    (void)sigemptyset(&none);
    (void)sigemptyset(&usual);
    (void)sigaddset(&usual, SIGINT);
    (void)sigaddset(&usual, SIGTERM);
    (void)sigaddset(&usual, SIGPIPE);
    (void)posix_spawn_file_actions_init(&files);
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, log_path, O_WRONLY | O_CREAT | O_APPEND,
                                           0600);
    (void)posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
    /* A group of its own: Ctrl-C reaches us alone, and we end it in order. */
    (void)posix_spawnattr_setflags(&attributes,
                                   POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    (void)posix_spawnattr_setpgroup(&attributes, 0);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &usual);
    error = posix_spawnp(&daemon->pid, program, &files, &attributes, argv, environ);
    (void)posix_spawn_file_actions_destroy(&files);
    (void)posix_spawnattr_destroy(&attributes);
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
