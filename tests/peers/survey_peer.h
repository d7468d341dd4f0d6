/* SPDX-License-Identifier: Apache-2.0 */
/* survey_peer.h: a peer in Python that prints its port, logs its requests, and ends with
 * its standard input.
 */
#ifndef TEST_SURVEY_PEER_H
#define TEST_SURVEY_PEER_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct peer {
    pid_t pid;
    int input; /* closing it ends the server                      */
    char log[64], url[64];
};

static inline const char *peer_source(void)
{
    const char *source = getenv("BUSBAR_SOURCE");

    return source ? source : ".";
}

/* `arguments`: five at most, ended by NULL; "LOG" becomes the log's name. */
static inline void peer_start(struct peer *peer, const char *script, const char *scheme,
                              const char *const *arguments)
{
    int in[2], out[2], log, port = 0;
    const char *argv[8] = { "python3" };
    char path[512];
    FILE *said;

    (void)snprintf(path, sizeof path, "%s/tests/peers/%s", peer_source(), script);
    (void)snprintf(peer->log, sizeof peer->log, "/tmp/busbar-peer-XXXXXX");
    log = mkstemp(peer->log);
    assert_true(log >= 0);
    (void)close(log);
    argv[1] = path;
    for (int i = 0; arguments[i]; i++)
        argv[2 + i] = strcmp(arguments[i], "LOG") == 0 ? peer->log : arguments[i];
    assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
    peer->pid = fork();
    assert_true(peer->pid >= 0);
    if (peer->pid == 0) {
        (void)dup2(in[0], STDIN_FILENO);
        (void)dup2(out[1], STDOUT_FILENO);
        (void)execv("/usr/bin/python3", (char *const *)argv);
        _exit(127);
    }
    (void)close(in[0]);
    (void)close(out[1]);
    peer->input = in[1];
    said = fdopen(out[0], "r");
    assert_non_null(said);
    assert_int_equal(fscanf(said, "%d", &port), 1);
    (void)fclose(said);
    (void)snprintf(peer->url, sizeof peer->url, "%s://127.0.0.1:%d", scheme, port);
}

/* How many lines of the log begin with `text`; -1: it is not there. */
static inline int peer_count(const struct peer *peer, const char *text)
{
    FILE *log = fopen(peer->log, "r");
    char line[1024];
    int count = 0;

    if (!log)
        return -1;
    while (fgets(line, sizeof line, log))
        count += strncmp(line, text, strlen(text)) == 0;
    (void)fclose(log);
    return count;
}

static inline void peer_end(struct peer *peer)
{
    (void)close(peer->input);
    assert_int_equal(waitpid(peer->pid, NULL, 0), peer->pid);
}

static inline void peer_forget(struct peer *peer)
{
    (void)unlink(peer->log);
}

#endif
