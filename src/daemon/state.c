/* SPDX-License-Identifier: Apache-2.0 */
/* state.c: the wanted mode on disk. One thread at a time. Never touches originals: those
 * belong to the field. */
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "busbar/log.h"

#define STATE_HEADER "busbar-state 1"
#define STATE_FILE_MAX 1024

static enum status state_path(char path[PATH_MAX], const char *dir, const char *name)
{
    int size = snprintf(path, PATH_MAX, "%s/%s", dir, name);

    return size > 0 && size < PATH_MAX ? ST_OK : ST_RANGE;
}

static bool state_mode_find(const char *label, enum core_mode_wanted *ret)
{
    for (int mode = CORE_WANT_OBSERVE; mode <= CORE_WANT_EMERGENCY; mode++) {
        if (strcmp(label, core_mode_wanted_label((enum core_mode_wanted)mode)) != 0)
            continue;
        *ret = (enum core_mode_wanted)mode;
        return true;
    }
    return false;
}

static enum status state_parse(const char *text, struct state *ret)
{
    struct state state = { .mode_wanted = CORE_WANT_OBSERVE };
    char mode[32];
    int used = 0;

    if (sscanf(text, STATE_HEADER "\nmode_wanted %31s\nwall_us %" SCNd64 "\nwho %n", mode, &state.wall_us,
               &used) != 2 || used == 0)
        return ST_CORRUPT;
    if (!state_mode_find(mode, &state.mode_wanted))
        return ST_CORRUPT;
    (void)snprintf(state.who, sizeof state.who, "%.*s", (int)strcspn(text + used, "\n"), text + used);
    *ret = state;
    return ST_OK;
}

enum status state_load(const char *state_dir, struct state *ret)
{
    char path[PATH_MAX], text[STATE_FILE_MAX + 1];
    enum status st = state_path(path, state_dir, "state");
    ssize_t size;
    int fd;

    if (st != ST_OK)
        return st;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return ST_NONE;
    if (fd < 0) {
        LOG(ERR, path, "cannot open the state: %s", strerror(errno));
        return ST_SYS;
    }
    size = read(fd, text, STATE_FILE_MAX);
    if (size < 0)
        LOG(ERR, path, "cannot read the state: %s", strerror(errno));
    (void)close(fd);
    if (size < 0)
        return ST_SYS;
    text[size] = '\0';
    st = state_parse(text, ret);
    if (st != ST_OK)
        LOG(ERR, path, "this is no state file of ours");
    return st;
}

/* Everything written and on the disk, or ST_SYS with errno as it was. */
static enum status state_write(const char *path, const char *text, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    ssize_t done = -1;
    int error;

    if (fd < 0)
        return ST_SYS;
    do
        done = write(fd, text, size);
    while (done < 0 && errno == EINTR);
    if (done >= 0 && (size_t)done != size)
        errno = ENOSPC;
    if (done == (ssize_t)size && fsync(fd) == 0)
        return close(fd) == 0 ? ST_OK : ST_SYS;
    error = errno;
    (void)close(fd);
    errno = error;
    return ST_SYS;
}

/* A rename is on the disk once its directory is. */
static enum status state_sync_dir(const char *state_dir)
{
    int fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum status st = ST_OK;

    if (fd < 0)
        return ST_SYS;
    if (fsync(fd) != 0)
        st = ST_SYS;
    (void)close(fd);
    return st;
}

enum status state_save(const char *state_dir, const struct state *state)
{
    char path[PATH_MAX], fresh[PATH_MAX], text[STATE_FILE_MAX];
    enum status st = state_path(path, state_dir, "state");
    int size;

    if (st == ST_OK)
        st = state_path(fresh, state_dir, "state.new");
    if (st != ST_OK)
        return st;
    size = snprintf(text, sizeof text, STATE_HEADER "\nmode_wanted %s\nwall_us %" PRId64 "\nwho %.63s\n",
                    core_mode_wanted_label(state->mode_wanted), state->wall_us, state->who);
    st = state_write(fresh, text, (size_t)size);
    if (st == ST_OK && rename(fresh, path) != 0)
        st = ST_SYS;
    if (st == ST_OK)
        st = state_sync_dir(state_dir);
    if (st != ST_OK) {
        LOG(ERR, path, "cannot write the state: %s", strerror(errno));
        (void)unlink(fresh);
    }
    return st;
}

enum status state_dir_make(const char *path)
{
    char part[PATH_MAX];
    int size = snprintf(part, sizeof part, "%s", path);

    if (size <= 0 || size >= PATH_MAX)
        return ST_RANGE;
    for (char *at = part + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        (void)mkdir(part, 0755); /* the last one says what is wrong */
        *at = '/';
    }
    if (mkdir(part, 0750) != 0 && errno != EEXIST) {
        LOG(ERR, path, "cannot make the directory: %s", strerror(errno));
        return ST_SYS;
    }
    if (access(path, W_OK | X_OK) != 0) {
        LOG(ERR, path, "nothing can be written here: %s", strerror(errno));
        return ST_SYS;
    }
    return ST_OK;
}

enum status state_lock(const char *state_dir, int *ret_fd)
{
    int fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error;

    if (fd < 0) {
        LOG(ERR, state_dir, "cannot open the directory: %s", strerror(errno));
        return ST_SYS;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        *ret_fd = fd;
        return ST_OK;
    }
    error = errno;
    (void)close(fd);
    if (error == EWOULDBLOCK)
        return ST_BUSY;
    LOG(ERR, state_dir, "cannot lock the directory: %s", strerror(error));
    return ST_SYS;
}
