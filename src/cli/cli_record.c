/* SPDX-License-Identifier: Apache-2.0 */
/* cli_record.c: saves the daemon's recording of recent ticks.
 *
 * The file appears under its name whole or not at all: written beside it, synced,
 * renamed.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "busbar/record.h"
#include "cli_client.h"
#include "cli_record.h"
#include "cli_table.h"
#include "cli_value.h"

static uint64_t cli_record_little(const unsigned char *at, int size)
{
    uint64_t value = 0;

    for (int i = size - 1; i >= 0; i--)
        value = value << 8 | at[i];
    return value;
}

double cli_record_seconds(const void *block, size_t size)
{
    const unsigned char *at = block;
    uint64_t first_us = 0, last_us = 0;
    bool any = false;

    if (size < RECORD_FILE_HEAD_SIZE || memcmp(at, RECORD_MAGIC, RECORD_MAGIC_SIZE) != 0)
        return NAN;
    at += RECORD_FILE_HEAD_SIZE;
    size -= RECORD_FILE_HEAD_SIZE;
    while (size >= RECORD_HEAD_SIZE) {
        uint64_t type = cli_record_little(at, 4), payload = cli_record_little(at + 4, 4);

        at += RECORD_HEAD_SIZE;
        size -= RECORD_HEAD_SIZE;
        if (payload > size)
            break; /* cut short: count what is whole */
        if (type == RECORD_TICK && payload >= 8) {
            last_us = cli_record_little(at, 8);
            first_us = any ? first_us : last_us;
            any = true;
        }
        at += payload;
        size -= payload;
    }
    return any && last_us >= first_us ? (double)(last_us - first_us) / 1e6 : NAN;
}

static bool cli_record_write(int fd, const char *body, size_t size)
{
    while (size > 0) {
        ssize_t done = write(fd, body, size);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        body += done;
        size -= (size_t)done;
    }
    return fsync(fd) == 0;
}

bool cli_record_save(const char *file, const char *body, size_t size)
{
    char *beside = NULL;
    int fd = -1, error;

    if (asprintf(&beside, "%s.XXXXXX", file) < 0)
        return false;
    fd = mkostemp(beside, O_CLOEXEC);
    if (fd < 0)
        goto fail;
    if (!cli_record_write(fd, body, size) || fchmod(fd, S_IRUSR | S_IWUSR | S_IRGRP) != 0)
        goto fail_file;
    if (rename(beside, file) != 0)
        goto fail_file;
    (void)close(fd);
    free(beside);
    return true;

fail_file:
    error = errno;
    (void)unlink(beside);
    (void)close(fd);
    errno = error;
fail:
    error = errno;
    free(beside);
    errno = error;
    return false;
}

static int cli_record_report(struct cli *cli, const char *file, const struct cli_answer *answer)
{
    double seconds = cli_record_seconds(answer->body, answer->size);
    struct json_object *made;
    char text[32];
    int rc;

    if (!cli->json) {
        if (isnan(seconds))
            cli_say(cli, CLI_PLAIN, "%s: %.1f MiB\n", file, (double)answer->size / 1048576.0);
        else
            cli_say(cli, CLI_PLAIN, "%s: %.1f MiB, %.1f s of ticks\n", file, (double)answer->size / 1048576.0, seconds);
        return CLI_DONE;
    }
    (void)snprintf(text, sizeof text, "%.3f", seconds);
    made = json_object_new_object();
    json_object_object_add(made, "file", json_object_new_string(file));
    json_object_object_add(made, "bytes", json_object_new_int64((int64_t)answer->size));
    json_object_object_add(made, "seconds", isnan(seconds) ? NULL : json_object_new_double_s(seconds, text));
    rc = cli_print_json(cli, made);
    json_object_put(made);
    return rc;
}

int cli_record(struct cli *cli)
{
    char path[64] = "/v1/record";
    struct cli_answer answer;
    const char *file = cli->words[1];
    int rc;

    if (strcmp(cli->words[0], "save") != 0)
        return cli_fail(cli, "it is: busbarctl record save FILE [--seconds N]");
    if (cli->seconds > 0)
        (void)snprintf(path, sizeof path, "/v1/record?seconds=%" PRId64, cli->seconds);
    if (!cli_ask(cli, "GET", path, NULL, &answer))
        rc = cli_fail(cli, "%s", answer.error);
    else if (!cli_record_save(file, answer.body, answer.size))
        rc = cli_fail(cli, "%s: cannot be written: %s", file, strerror(errno));
    else
        rc = cli_record_report(cli, file, &answer);
    cli_answer_done(&answer);
    return rc;
}
