/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_token.c: files under `state_dir`/sessions, mode 0600: a head line, the BMC's
 * URL, the session's URI, its token. Runs on the main thread.
 */
#include "redfish_token.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REDFISH_TOKEN_HEAD     "busbar session 1"
#define REDFISH_TOKEN_FOLDER   "sessions"
#define REDFISH_TOKEN_LINE_MAX 1100

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
    int dir_fd = redfish_token_folder(where, true), fd;
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

/* A line without its end. False: there is none, or it is too long. */
static bool redfish_token_line(FILE *file, char *to, size_t room)
{
    size_t size;

    if (!fgets(to, (int)room, file))
        return false;
    size = strlen(to);
    if (size == 0 || to[size - 1] != '\n')
        return false;
    to[size - 1] = '\0';
    return true;
}

bool redfish_token_load(const struct redfish_token *where, char *token, size_t token_room, char *uri,
                        size_t uri_room)
{
    int dir_fd = redfish_token_folder(where, false), fd;
    char line[REDFISH_TOKEN_LINE_MAX];
    FILE *file;
    bool ok;

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
    ok = redfish_token_line(file, line, sizeof line) && strcmp(line, REDFISH_TOKEN_HEAD) == 0 &&
         redfish_token_line(file, line, sizeof line) && strcmp(line, where->url) == 0 &&
         redfish_token_line(file, uri, uri_room) && redfish_token_line(file, token, token_room) && token[0];
    (void)fclose(file);
    explicit_bzero(line, sizeof line);
    return ok;
}

void redfish_token_forget(const struct redfish_token *where)
{
    int dir_fd = redfish_token_folder(where, false);

    if (dir_fd < 0)
        return;
    (void)unlinkat(dir_fd, where->device, 0);
    (void)close(dir_fd);
}
