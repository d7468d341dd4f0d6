/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_token.c: files under `state_dir`/sessions, mode 0600: a head line, the BMC's
 * URL, the session's URI, its token. Runs on the main thread.
 */
#include "redfish_token.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REDFISH_TOKEN_HEAD     "busbar session 1"
#define REDFISH_TOKEN_FOLDER   "sessions"

/* The folder, open; made where it is missing. -1: there is none. */
static int redfish_token_folder(const struct redfish_token *where, bool make)
{
    int state_fd, fd;

    if (!where->state_dir[0] || !where->device[0] || where->device[0] == '.' || strchr(where->device, '/'))
        return -1;
    state_fd = open(where->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (state_fd < 0)
        return -1;
    if (make)
        (void)mkdirat(state_fd, REDFISH_TOKEN_FOLDER, 0700);
    fd = openat(state_fd, REDFISH_TOKEN_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)close(state_fd);
    return fd;
}

void redfish_token_save(const struct redfish_token *where, const char *token, const char *uri)
{
    int dir_fd = strpbrk(uri, "\r\n") ? -1 : redfish_token_folder(where, true), fd;
    char temporary[80];
    FILE *file;
    bool ok;

    if (dir_fd < 0)
        return;
    (void)snprintf(temporary, sizeof temporary, ".%.60s.new", where->device);
    fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file) {
        ok = fprintf(file, REDFISH_TOKEN_HEAD "\n%s\n%s\n%s\n", where->url, uri, token) > 0;
        ok = fclose(file) == 0 && ok;
        if (!ok || renameat(dir_fd, temporary, dir_fd, where->device) < 0)
            (void)unlinkat(dir_fd, temporary, 0);
    } else if (fd >= 0) {
        (void)close(fd);
    }
    (void)close(dir_fd);
}

/* A line without its end, given to the caller. NULL: there is none. */
static char *redfish_token_line(FILE *file)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t size = getline(&line, &room, file);

    if (size > 0 && line[size - 1] == '\n') {
        line[size - 1] = '\0';
        return line;
    }
    free(line);
    return NULL;
}

static bool redfish_token_says(FILE *file, const char *wanted)
{
    char *line = redfish_token_line(file);
    bool same = line && strcmp(line, wanted) == 0;

    free(line);
    return same;
}

static void redfish_token_clear(char **text)
{
    if (*text)
        explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

bool redfish_token_load(const struct redfish_token *where, char **ret_token, char **ret_uri)
{
    int dir_fd = redfish_token_folder(where, false), fd;
    FILE *file;

    *ret_token = *ret_uri = NULL;

    if (dir_fd < 0)
        return false;
    fd = openat(dir_fd, where->device, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    (void)close(dir_fd);
    file = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (!file) {
        if (fd >= 0)
            (void)close(fd);
        return false;
    }
    if (redfish_token_says(file, REDFISH_TOKEN_HEAD) && redfish_token_says(file, where->url)) {
        *ret_uri = redfish_token_line(file);
        *ret_token = redfish_token_line(file);
    }
    (void)fclose(file);
    if (*ret_uri && *ret_token && (*ret_token)[0]) {
        if (!(*ret_uri)[0])
            redfish_token_clear(ret_uri);
        return true;
    }
    redfish_token_clear(ret_token);
    redfish_token_clear(ret_uri);
    return false;
}

void redfish_token_forget(const struct redfish_token *where)
{
    int dir_fd = redfish_token_folder(where, false);

    if (dir_fd < 0)
        return;
    (void)unlinkat(dir_fd, where->device, 0);
    (void)close(dir_fd);
}
