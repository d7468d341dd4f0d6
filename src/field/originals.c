/* SPDX-License-Identifier: Apache-2.0 */
/* originals.c: what each lever held before our first write, kept on disk.
 *
 * Owns the files under `state_dir`/originals, one a device: a head line, then a
 * line a lever, fields parted by tabs. A file is written whole to a new name,
 * synced, renamed, and its folder synced. The folder's flock serialises threads
 * and processes. Runs on any thread that may wait for a disk: never on the tick.
 * A file that cannot be understood is left alone and nothing is recorded.
 */
#include "originals.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "busbar/log.h"

#define ORIGINALS_HEAD "busbar originals 1\n"
#define ORIGINALS_FOLDER "originals"
#define ORIGINALS_MAX 256         /* lines of one file                             */
#define ORIGINALS_LINE_MAX 320
#define ORIGINALS_FIELDS 7        /* signal, index, value, gate, enable, time-out, serial */
#define ORIGINALS_NAME_MAX 64

static atomic_bool originals_failing; /* said so once already                       */

static enum status originals_error(const char *who, const char *what, const char *path)
{
    int err = errno;

    if (!atomic_exchange(&originals_failing, true))
        LOG(ERR, who, "cannot %s %s: %s; nothing is written to a device without a record", what, path,
            strerror(err));
    return ST_SYS;
}

/* A device's name becomes a file's: nothing that leaves the folder or hides. */
static bool originals_name_ok(const char *device)
{
    return device[0] != '\0' && device[0] != '.' && !strchr(device, '/') &&
           strlen(device) < ORIGINALS_NAME_MAX - 8;
}

/* The folder, open and locked; made where it is missing. -1: errno is set. */
static int originals_lock(const char *state_dir, bool make)
{
    int state_fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = -1, err;

    if (state_fd < 0)
        return -1;
    if (make && mkdirat(state_fd, ORIGINALS_FOLDER, 0750) == 0 && fsync(state_fd) < 0)
        goto out;
    fd = openat(state_fd, ORIGINALS_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX) < 0) {
        err = errno;
        (void)close(fd);
        errno = err;
        fd = -1;
    }
out:
    err = errno;
    (void)close(state_fd);
    errno = err;
    return fd;
}

static bool originals_copy(char *to, size_t room, const char *from)
{
    size_t length = strlen(from);

    if (length >= room)
        return false;
    memcpy(to, from, length + 1);
    return true;
}

static bool originals_number(const char *text, double *ret)
{
    char *end;

    if (text[0] == '\0')
        return false;
    *ret = strtod(text, &end);
    return *end == '\0';
}

static bool originals_whole(const char *text, int32_t *ret)
{
    double value;

    if (!originals_number(text, &value) || !(value >= -1.0 && value <= 65535.0))
        return false;
    *ret = (int32_t)value;
    return true;
}

static bool originals_parse(char *line, const char *device, struct original *ret)
{
    const char *fields[ORIGINALS_FIELDS];
    char *rest = line;
    char *end = strchr(line, '\n');

    if (!end)
        return false;
    *end = '\0';
    for (int i = 0; i < ORIGINALS_FIELDS; i++) {
        fields[i] = strsep(&rest, "\t");
        if (!fields[i])
            return false;
    }
    memset(ret, 0, sizeof *ret);
    return !rest && originals_copy(ret->device, sizeof ret->device, device) &&
           originals_copy(ret->signal, sizeof ret->signal, fields[0]) &&
           originals_whole(fields[1], &ret->index) && originals_number(fields[2], &ret->value) &&
           isfinite(ret->value) && originals_whole(fields[3], &ret->gate) &&
           originals_whole(fields[4], &ret->enable) && originals_number(fields[5], &ret->timeout) &&
           originals_copy(ret->serial, sizeof ret->serial, fields[6]);
}

/* Every line of the file. A file that is not there has none: ST_OK. */
static enum status originals_load(int dir_fd, const char *device, struct original *list,
                                  int32_t *ret_count)
{
    char line[ORIGINALS_LINE_MAX];
    enum status st = ST_OK;
    int32_t count = 0;
    int fd = openat(dir_fd, device, O_RDONLY | O_CLOEXEC);
    FILE *file;

    if (fd < 0 && errno == ENOENT) {
        *ret_count = 0;
        return ST_OK;
    }
    if (fd < 0)
        return originals_error(device, "read", device);
    file = fdopen(fd, "r");
    if (!file) {
        (void)close(fd);
        return ST_NOMEM;
    }
    if (!fgets(line, sizeof line, file) || strcmp(line, ORIGINALS_HEAD) != 0)
        st = ST_CORRUPT;
    while (st == ST_OK && fgets(line, sizeof line, file)) {
        if (count >= ORIGINALS_MAX || !originals_parse(line, device, &list[count]))
            st = ST_CORRUPT;
        else
            count++;
    }
    (void)fclose(file);
    if (st == ST_OK)
        *ret_count = count;
    return st;
}

static bool originals_print(FILE *file, const struct original *list, int32_t count)
{
    if (fputs(ORIGINALS_HEAD, file) < 0)
        return false;
    for (int32_t i = 0; i < count; i++) {
        const struct original *o = &list[i];

        if (fprintf(file, "%s\t%" PRId32 "\t%.17g\t%" PRId32 "\t%" PRId32 "\t%.17g\t%s\n", o->signal,
                    o->index, o->value, o->gate, o->enable, o->timeout, o->serial) < 0)
            return false;
    }
    return fflush(file) == 0 && fsync(fileno(file)) == 0;
}

static enum status originals_store(int dir_fd, const char *device, const struct original *list,
                                   int32_t count)
{
    char temporary[ORIGINALS_NAME_MAX];
    FILE *file;
    bool ok;
    int fd;

    (void)snprintf(temporary, sizeof temporary, ".%.55s.new", device);
    fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0)
        return originals_error(device, "write", temporary);
    file = fdopen(fd, "w");
    if (!file) {
        (void)close(fd);
        return ST_NOMEM;
    }
    ok = originals_print(file, list, count);
    if (fclose(file) != 0 || !ok || renameat(dir_fd, temporary, dir_fd, device) < 0 || fsync(dir_fd) < 0)
        return originals_error(device, "write", temporary);
    atomic_store(&originals_failing, false);
    return ST_OK;
}

/* The device's list under the folder's lock. On ST_OK *ret_fd is open and *ret is
 * malloc'ed with room for one more. */
static enum status originals_begin(const char *state_dir, const char *device, bool make, int *ret_fd,
                                   struct original **ret, int32_t *ret_count)
{
    struct original *list;
    enum status st;
    int fd;

    if (!originals_name_ok(device))
        return ST_RANGE;
    fd = originals_lock(state_dir, make);
    if (fd < 0)
        return make ? originals_error(device, "open the originals under", state_dir) : ST_SYS;
    list = calloc(ORIGINALS_MAX + 1, sizeof *list);
    st = list ? originals_load(fd, device, list, ret_count) : ST_NOMEM;
    if (st == ST_CORRUPT && !atomic_exchange(&originals_failing, true))
        LOG(ERR, device, "its file of originals under %s cannot be understood; repair or remove it", state_dir);
    if (st != ST_OK) {
        free(list);
        (void)close(fd);
        return st;
    }
    *ret_fd = fd;
    *ret = list;
    return ST_OK;
}

/* Tabs and line ends would break the file. */
static bool originals_clean(const char *text)
{
    return !strpbrk(text, "\t\n\r");
}

/* One event a device: a rack has hundreds of levers, and the file has them all. */
static void originals_tell(const struct original *original, bool first)
{
    char gpu[24] = "";

    if (strncmp(original->signal, "gpu_", strlen("gpu_")) == 0)
        (void)snprintf(gpu, sizeof gpu, " of GPU %" PRId32, original->index);
    if (first)
        EVENT(EV_ORIGINAL_RECORDED, original->device,
              "%s%s was %.6g before the first write; " ORIGINALS_FOLDER "/%s keeps it, and what its other levers held",
              original->signal, gpu, original->value, original->device);
    else
        LOG(DEBUG, original->device, "%s%s was %.6g before the first write", original->signal, gpu, original->value);
}

static bool originals_is_first(const struct original *list, int32_t count, const char *serial)
{
    for (int32_t i = 0; i < count; i++)
        if (strcmp(list[i].serial, serial) == 0)
            return false;
    return true;
}

enum status originals_record(const char *state_dir, const struct original *original)
{
    struct original *list;
    int32_t count = 0;
    bool first;
    enum status st;
    int fd;

    if (!originals_clean(original->serial) || !originals_clean(original->signal) || !isfinite(original->value))
        return ST_RANGE;
    st = originals_begin(state_dir, original->device, true, &fd, &list, &count);
    if (st != ST_OK)
        return st;
    if (original_find(list, count, original->serial, original->signal, original->index) >= 0)
        goto out; /* listed: our own value must not replace it */
    first = originals_is_first(list, count, original->serial);
    st = original_add(list, &count, ORIGINALS_MAX, original)
             ? originals_store(fd, original->device, list, count)
             : ST_NOMEM;
    if (st == ST_OK)
        originals_tell(original, first);
out:
    free(list);
    (void)close(fd);
    return st;
}

bool originals_find(const char *state_dir, const char *device, const char *serial, const char *signal,
                    int32_t index, struct original *ret)
{
    struct original *list;
    int32_t count = 0, at;
    int fd;

    if (originals_begin(state_dir, device, false, &fd, &list, &count) != ST_OK)
        return false;
    at = original_find(list, count, serial, signal, index);
    if (at >= 0)
        *ret = list[at];
    free(list);
    (void)close(fd);
    return at >= 0;
}

int32_t field_originals_read(const char *state_dir, const char *device, struct original *list,
                             int32_t room)
{
    struct original *all;
    int32_t count = 0;
    int fd;

    if (originals_begin(state_dir, device, false, &fd, &all, &count) != ST_OK)
        return 0;
    count = count < room ? count : room;
    if (count > 0)
        memcpy(list, all, (size_t)count * sizeof *list);
    free(all);
    (void)close(fd);
    return count;
}

enum status field_original_forget(const char *state_dir, const struct original *original)
{
    struct original *list;
    int32_t count = 0, kept = 0;
    enum status st;
    int fd;

    st = originals_begin(state_dir, original->device, false, &fd, &list, &count);
    if (st != ST_OK)
        return st;
    for (int32_t i = 0; i < count; i++)
        if (original_find(&list[i], 1, original->serial, original->signal, original->index) < 0)
            list[kept++] = list[i];
    if (kept < count)
        st = originals_store(fd, original->device, list, kept);
    free(list);
    (void)close(fd);
    return st;
}
