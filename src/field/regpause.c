/* SPDX-License-Identifier: Apache-2.0 */
/* regpause.c: that a shelf controller is paused by us, kept on disk while it is. Owns the files. */
#include "regpause.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "busbar/log.h"

#define REGPAUSE_PATH_MAX 400
#define REGPAUSE_TEXT_MAX 64

static bool regpause_path(const char *state_dir, const char *device, char ret[REGPAUSE_PATH_MAX])
{
    int length = snprintf(ret, REGPAUSE_PATH_MAX, "%s/paused/%s", state_dir, device);

    return length > 0 && length < REGPAUSE_PATH_MAX;
}

static bool regpause_write(const char *path, const char *serial)
{
    size_t length = strlen(serial);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    bool good = fd >= 0 && write(fd, serial, length) == (ssize_t)length && fsync(fd) == 0;
    int error = errno;

    if (fd >= 0)
        (void)close(fd);
    errno = error;
    return good;
}

/* The name of the file has to outlive a power cut as well. */
static bool regpause_sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        (void)close(fd);
    return good;
}

enum status regpause_mark(const char *state_dir, const char *device, const char *serial)
{
    char path[REGPAUSE_PATH_MAX], folder[REGPAUSE_PATH_MAX];

    if (!regpause_path(state_dir, device, path) || !regpause_path(state_dir, ".", folder))
        return ST_SYS;
    folder[strlen(folder) - 2] = '\0'; /* without "/." */
    if ((mkdir(folder, 0750) != 0 && errno != EEXIST) || !regpause_write(path, serial) ||
        !regpause_sync_folder(folder)) {
        LOG(WARNING, device, "cannot keep in %s that it is paused: %s; it is not", path, strerror(errno));
        return ST_SYS;
    }
    return ST_OK;
}

bool regpause_marked(const char *state_dir, const char *device, const char *serial)
{
    char path[REGPAUSE_PATH_MAX], text[REGPAUSE_TEXT_MAX] = "";
    ssize_t got = -1;
    int fd = regpause_path(state_dir, device, path) ? open(path, O_RDONLY | O_CLOEXEC) : -1;

    if (fd >= 0) {
        got = read(fd, text, sizeof text - 1);
        (void)close(fd);
    }
    return got >= 0 && strcmp(text, serial) == 0;
}

void regpause_clear(const char *state_dir, const char *device)
{
    char path[REGPAUSE_PATH_MAX];

    if (regpause_path(state_dir, device, path) && unlink(path) != 0 && errno != ENOENT)
        LOG(WARNING, device, "cannot remove %s: %s", path, strerror(errno));
}
