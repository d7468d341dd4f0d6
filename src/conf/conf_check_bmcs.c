/* SPDX-License-Identifier: Apache-2.0 */
/* conf_check_bmcs.c: BMCs: who logs in, what is held there, what is measured.
 *
 * Owns the files a BMC names and the table of its settings. Any thread. Reads password
 * files, nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf_check.h"

/* ---- login ---- */

/* The first line of a regular file; a device or a pipe could keep us waiting. */
bool conf_check_first_line(const char *path, char *line, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info;
    ssize_t got = -1;

    if (fd < 0)
        return false;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
        got = read(fd, line, room - 1);
    else
        errno = EINVAL;
    close(fd);
    if (got < 0)
        return false;
    line[got] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    return true;
}

/* The file of a password; NULL after saying why there is none. */
static const char *conf_check_password_path(struct conf_check *check, const struct raw_bmc *bmc,
                                            char ret[CONF_PATH_MAX])
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");

    if (!bmc->credential[0])
        return bmc->password_file;
    if (!folder) {
        conf_wrong(check->report, &bmc->item, "credential",
                   "\"%s\" is not there: systemd gave no credentials (CREDENTIALS_DIRECTORY)",
                   bmc->credential);
        return NULL;
    }
    if (snprintf(ret, CONF_PATH_MAX, "%s/%s", folder, bmc->credential) >= CONF_PATH_MAX)
        return bmc->password_file;
    return ret;
}

static void conf_check_password(struct conf_check *check, struct raw_bmc *bmc)
{
    char line[CONF_NAME_MAX + 2] = "", room[CONF_PATH_MAX];
    const char *key = bmc->credential[0] ? "credential" : "password_file";
    const char *path = conf_check_password_path(check, bmc, room);

    if (!path)
        return;
    if (!conf_check_first_line(path, line, sizeof line))
        conf_wrong(check->report, &bmc->item, key, "\"%s\" cannot be read: %s", path, strerror(errno));
    else if (line[0] == '\0' || strlen(line) >= sizeof bmc->password)
        conf_wrong(check->report, &bmc->item, key,
                   "\"%s\" has no password in its first line, allowed 1 to %d characters", path,
                   CONF_NAME_MAX - 1);
    else
        memcpy(bmc->password, line, strlen(line) + 1);
    explicit_bzero(line, sizeof line);
}

/* "sha256//" and 44 characters of base64, once or more. */
static void conf_check_pin(struct conf_check *check, const struct raw_bmc *bmc)
{
    static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    static const size_t head = 8, digits = 44;
    const char *at = bmc->pin;

    while (*at) {
        size_t size = strcspn(at, ";");

        if (size != head + digits || strncmp(at, "sha256//", head) != 0 ||
            strspn(at + head, base64) < digits) {
            conf_wrong(check->report, &bmc->item, "pin",
                       "\"%s\" is no hash of a public key, allowed sha256// and 44 characters of base64",
                       bmc->pin);
            return;
        }
        at += size;
        at += *at == ';';
    }
    if (bmc->pin[0] && strncmp(bmc->url, "http://", 7) == 0)
        conf_wrong(check->report, &bmc->item, "pin", "is for https, url is http");
}

static void conf_check_login(struct conf_check *check, struct raw_bmc *bmc)
{
    const struct conf_item *item = &bmc->item;
    bool http = strncmp(bmc->url, "http://", 7) == 0, https = strncmp(bmc->url, "https://", 8) == 0;
    const char *host = bmc->url + (https ? 8 : 7);

    if (bmc->url[0] && ((!http && !https) || host[0] == '\0' || host[0] == '/' || strpbrk(host, " @?#")))
        conf_wrong(check->report, item, "url", "\"%s\" is not https://HOST[:PORT] or http://HOST[:PORT]",
                   bmc->url);
    if (conf_has(item, "password_file") && conf_has(item, "credential"))
        conf_wrong(check->report, item, "credential", "password_file is there already: one of them");
    else if (conf_has(item, "username") && !conf_has(item, "password_file") && !conf_has(item, "credential"))
        conf_wrong(check->report, item, "password_file", "missing, username needs it");
    else if (conf_has(item, "password_file") && !conf_has(item, "username"))
        conf_wrong(check->report, item, "username", "missing, password_file needs it");
    else if (conf_has(item, "credential") && !conf_has(item, "username"))
        conf_wrong(check->report, item, "username", "missing, credential needs it");
    else if (bmc->password_file[0] || bmc->credential[0])
        conf_check_password(check, bmc);
    conf_check_pin(check, bmc);
    if (bmc->ca_file[0] && access(bmc->ca_file, R_OK) != 0)
        conf_wrong(check->report, item, "ca_file", "\"%s\" cannot be read: %s", bmc->ca_file,
                   strerror(errno));
}

static void conf_check_gpus(struct conf_check *check, struct raw_bmc *bmc)
{
    const struct conf_item *item = &bmc->item;
    const char *mark = strstr(bmc->path, "{n}");

    if (!conf_has(item, "gpus")) {
        bmc->count = 0;
        if (bmc->settings.count + bmc->measures.count == 0)
            conf_wrong(check->report, item, "name",
                       "has neither gpus nor settings nor measures: what is it for?");
        return;
    }
    if (bmc->path[0] && bmc->path[0] != '/')
        conf_wrong(check->report, item, "gpus.path", "\"%s\" does not begin with /", bmc->path);
    if (bmc->path[0] && bmc->count > 1 && !mark)
        conf_wrong(check->report, item, "gpus.path", "needs {n} for the number of each of %d GPUs",
                   (int)bmc->count);
    if (bmc->path[0] && strlen(bmc->path) + 4 >= CONF_PATH_MAX)
        conf_wrong(check->report, item, "gpus.path", "%zu characters, allowed %d", strlen(bmc->path),
                   CONF_PATH_MAX - 5);
    if (bmc->min_w > bmc->max_w)
        conf_wrong(check->report, item, "gpus.min_w", "%.12g is above max_w %.12g", bmc->min_w, bmc->max_w);
    else if (bmc->base_w < bmc->min_w || bmc->base_w > bmc->max_w)
        conf_wrong(check->report, item, "gpus.base_w",
                   "%.12g is outside min_w to max_w, allowed %.12g to %.12g", bmc->base_w, bmc->min_w,
                   bmc->max_w);
}

/* ---- what else is held or measured ---- */

const struct conf_setting_kind conf_setting_kinds[] = {
    { SIGNAL_GPU_EDPP_RATIO, CONF_KNOB_EDPP, true, 0.1, 2.0, 0.01 },
    /* Half a step apart, so that no two sets of profiles pass for one. */
    { SIGNAL_GPU_WORKLOAD_PROFILES, CONF_KNOB_WORKLOAD, true, 0, 281474976710655.0, 0.5 },
    { SIGNAL_GPU_SMOOTHING, CONF_KNOB_SMOOTHING, true, 0, 1, 0.5 },
    { SIGNAL_GPU_SMOOTHING_PROFILE, CONF_KNOB_SMOOTHING_PROFILE, true, 0, 4, 0.5 },
    { SIGNAL_GPU_SMOOTHING_FLOOR_RATIO, CONF_KNOB_SMOOTHING_FLOOR, true, 0, 1, 0.01 },
    { SIGNAL_GPU_RAMP_UP_W_PER_S, CONF_KNOB_RAMP_UP, true, 0, 1e6, 1 },
    { SIGNAL_GPU_RAMP_DOWN_W_PER_S, CONF_KNOB_RAMP_DOWN, true, 0, 1e6, 1 },
    { SIGNAL_GPU_RAMP_HYSTERESIS_S, CONF_KNOB_RAMP_HYSTERESIS, true, 0, 3600, 0.01 },
    { SIGNAL_NODE_POWER_LIMIT_W, CONF_KNOB_LIMIT, false, 1, 1e6, 1 },
    { SIGNAL_PSU_OUTPUT_SETPOINT_V, CONF_KNOB_LIMIT, false, 0, 64, 0.01 },
};

static int32_t conf_check_setting_kind(enum signal signal)
{
    for (size_t k = 0; k < sizeof conf_setting_kinds / sizeof *conf_setting_kinds; k++)
        if (conf_setting_kinds[k].signal == signal)
            return (int32_t)k;
    return CORE_NONE;
}

static void conf_check_setting_path(struct conf_check *check, const struct raw_bmc *bmc,
                                    const struct raw_setting *setting)
{
    const struct conf_setting_kind *kind = &conf_setting_kinds[setting->kind];
    const struct conf_item *item = &setting->item;

    if (kind->of_gpu && conf_has(item, "path"))
        conf_wrong(check->report, item, "path", "is not for %s: it is found at each GPU", setting->signal);
    if (!kind->of_gpu && conf_has(item, "index"))
        conf_wrong(check->report, item, "index", "is not for %s: its path says which", setting->signal);
    if (!kind->of_gpu && !conf_has(item, "path"))
        conf_wrong(check->report, item, "path", "missing, %s needs it", setting->signal);
    if (setting->path[0] && setting->path[0] != '/')
        conf_wrong(check->report, item, "path", "\"%s\" does not begin with /", setting->path);
    if (strcasestr(setting->path, "nonvolatile"))
        conf_wrong(check->report, item, "path", "\"%s\" is the non-volatile one: writing it wears it out",
                   setting->path);
    if (kind->of_gpu && setting->index >= bmc->count)
        conf_wrong(check->report, item, "index", "%d, and there are %d GPUs", (int)setting->index,
                   (int)bmc->count);
}

static void conf_check_setting_range(struct conf_check *check, const struct raw_setting *setting,
                                     const char *path, double value)
{
    const struct conf_setting_kind *kind = &conf_setting_kinds[setting->kind];

    if (conf_good(&setting->item, path) && (value < kind->min || value > kind->max))
        conf_wrong(check->report, &setting->item, path, "%.12g is out of range, allowed %.12g to %.12g", value,
                   kind->min, kind->max);
}

static void conf_check_setting(struct conf_check *check, const struct raw_bmc *bmc,
                               struct raw_setting *setting)
{
    const struct conf_setting_kind *kind;

    setting->kind = conf_check_setting_kind(signal_find(setting->signal));
    if (!conf_has(&setting->item, "index"))
        setting->index = -1;
    if (setting->kind == CORE_NONE) {
        if (setting->signal[0])
            conf_wrong(check->report, &setting->item, "signal",
                       "\"%s\" is not one that a BMC's settings know", setting->signal);
        return;
    }
    kind = &conf_setting_kinds[setting->kind];
    conf_check_setting_path(check, bmc, setting);
    conf_check_setting_range(check, setting, "value", setting->value);
    conf_check_setting_range(check, setting, "armed", setting->armed);
    conf_check_armed(check, &setting->item, setting->value, setting->armed, kind->step);
}

/* Do two settings write the same? */
static bool conf_check_setting_same(const struct raw_setting *a, const struct raw_setting *b)
{
    return a->kind == b->kind && a->kind != CORE_NONE && strcmp(a->path, b->path) == 0 &&
           (a->index < 0 || b->index < 0 || a->index == b->index);
}

static void conf_check_settings(struct conf_check *check, struct raw_bmc *bmc)
{
    int32_t levers = bmc->count;

    for (int32_t i = 0; i < bmc->settings.count; i++) {
        struct raw_setting *setting = CONF_ITEM(struct raw_setting, &bmc->settings, i);

        conf_check_setting(check, bmc, setting);
        for (int32_t k = 0; k < i; k++)
            if (conf_check_setting_same(setting, CONF_ITEM(struct raw_setting, &bmc->settings, k))) {
                conf_wrong(check->report, &setting->item, "signal", "is there twice");
                break;
            }
        levers += setting->kind != CORE_NONE && conf_setting_kinds[setting->kind].of_gpu && setting->index < 0
                      ? bmc->count
                      : 1;
    }
    if (levers > DEVICE_LEVERS_MAX)
        conf_wrong(check->report, &bmc->item, "settings",
                   "%d levers in all, allowed %d: one a GPU and setting", (int)levers, DEVICE_LEVERS_MAX);
    if (bmc->settings.count > 0 && !conf_has(&bmc->item, "username"))
        conf_wrong(check->report, &bmc->item, "settings", "nothing is written without a username");
}

static void conf_check_bmc_measures(struct conf_check *check, struct raw_bmc *bmc)
{
    for (int32_t m = 0; m < bmc->measures.count; m++) {
        struct raw_bmc_measure *measure = CONF_ITEM(struct raw_bmc_measure, &bmc->measures, m);
        enum signal signal = signal_find(measure->signal);

        measure->node_at = conf_check_named(check->report, &measure->item, "node", measure->node,
                                            &check->raw->tree, sizeof(struct raw_node), "node");
        if (measure->signal[0] && (signal == SIGNAL_COUNT || strcmp(signal_unit(signal), "W") != 0))
            conf_wrong(check->report, &measure->item, "signal", "\"%s\" is not the name of a power",
                       measure->signal);
        if (measure->path[0] && measure->path[0] != '/')
            conf_wrong(check->report, &measure->item, "path", "\"%s\" does not begin with /", measure->path);
    }
}

/* What must be lowered must not wait for the right to write. */
static void conf_check_rate(struct conf_check *check, const struct raw_bmc *bmc)
{
    double needed = 60e6 * bmc->count / (double)bmc->delay_worst_us;

    if (conf_has(&bmc->item, "username") && bmc->count > 0 && bmc->writes_per_min < needed)
        conf_wrong(check->report, &bmc->item, "writes_per_min",
                   "%d are too few for %d GPUs within gpus.delay_worst_ms, needed are %.0f",
                   (int)bmc->writes_per_min, (int)bmc->count, ceil(needed));
}

void conf_check_bmcs(struct conf_check *check)
{
    const struct conf_list *bmcs = &check->raw->bmcs;

    conf_check_unique(check->report, bmcs, sizeof(struct raw_bmc), NULL, 0);
    for (int32_t b = 0; b < bmcs->count; b++) {
        struct raw_bmc *bmc = CONF_ITEM(struct raw_bmc, bmcs, b);

        bmc->node_at = conf_check_named(check->report, &bmc->item, "node", bmc->node, &check->raw->tree,
                                        sizeof(struct raw_node), "node");
        if (bmc->stale_us <= bmc->fast_us)
            conf_wrong(check->report, &bmc->item, "stale_ms",
                       "%.12g is not above fast_ms %.12g: every reading would be stale",
                       (double)bmc->stale_us / 1e3, (double)bmc->fast_us / 1e3);
        conf_check_login(check, bmc);
        conf_check_gpus(check, bmc);
        conf_check_rate(check, bmc);
        conf_check_settings(check, bmc);
        conf_check_bmc_measures(check, bmc);
    }
}
