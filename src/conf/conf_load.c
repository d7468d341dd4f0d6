/* SPDX-License-Identifier: Apache-2.0 */
/* conf_load.c: conf_load() and conf_free(): files in, struct conf or errors out.
 *
 * Owns the order of things: the main file, drop-ins by name, checks, and only
 * when nothing at all is wrong, struct conf. Any thread, one load at a time.
 * Never writes, never logs.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf_build.h"
#include "conf_value.h"

static bool conf_load_file(struct conf_report *report, struct raw_conf *raw, const char *path, bool main_file)
{
    struct conf_document document;
    bool good = conf_read(report, path, &document);

    if (main_file)
        raw->item.at = (struct conf_pos){ .file = document.file, .line = 1, .column = 1 };
    if (good)
        conf_bind(report, &document, &raw->item);
    conf_read_done(&document);
    return good;
}

static int conf_load_filter(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return entry->d_name[0] != '.' && length > 5 && strcmp(entry->d_name + length - 5, ".yaml") == 0;
}

static int conf_load_compare(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool conf_load_drop_ins(struct conf_report *report, struct raw_conf *raw, const char *path)
{
    char folder[CONF_PATH_MAX], file[CONF_PATH_MAX + 256];
    struct dirent **entries = NULL;
    bool good = true;
    int count;

    if (!conf_value_path(path, "conf.d", folder))
        return true;
    count = scandir(folder, &entries, conf_load_filter, conf_load_compare);
    if (count < 0 && errno != ENOENT && errno != ENOTDIR) {
        report->unreadable = true;
        conf_report_add(report, (struct conf_pos){ .file = conf_report_file(report, folder) }, NULL,
                        "cannot be read: %s", strerror(errno));
        good = false;
    }
    for (int i = 0; i < count; i++) {
        snprintf(file, sizeof file, "%s/%.255s", folder, entries[i]->d_name);
        good = conf_load_file(report, raw, file, false) && good;
        free(entries[i]);
    }
    free(entries);
    return good;
}

static void conf_load_check(struct conf_check *check)
{
    conf_bind_required(check->report, &check->raw->item);
    conf_check_control(check);
    conf_check_tree(check);
    conf_check_breakers(check);
    conf_check_sources(check);
    conf_check_buses(check);
    conf_check_devices(check);
    conf_check_bmcs(check);
    conf_check_ride(check);
    conf_check_tokens(check);
    conf_check_pmi(check);
    conf_check_leaves(check);
    if (check->report->no_memory)
        return;
    conf_check_sums(check);
    conf_check_groups(check);
}

static struct conf *conf_load_build(struct conf_check *check, const char *path)
{
    struct conf *conf = calloc(1, sizeof *conf);

    if (conf && conf_build(check, conf) && conf_core(check, conf)) {
        snprintf(conf->file, sizeof conf->file, "%s", path);
        return conf;
    }
    check->report->no_memory = true;
    return conf_free(conf);
}

static enum status conf_load_status(const struct conf_report *report)
{
    if (report->no_memory)
        return ST_NOMEM;
    return report->unreadable ? ST_SYS : ST_REFUSED;
}

enum status conf_load(const char *path, struct conf **ret, struct conf_errors *errors)
{
    struct conf_report report = { .file_count = 0 };
    struct raw_conf *raw = calloc(1, sizeof *raw);
    struct conf_check check = { .report = &report, .raw = raw };
    struct conf *conf = NULL;
    enum status st;

    if (!raw)
        return ST_NOMEM;
    conf_bind_init(&raw->item, &conf_keys_root);

    /* What cannot be parsed hides names: checks would then only complain of those. */
    bool parsed = conf_load_file(&report, raw, path, true);

    parsed = conf_load_drop_ins(&report, raw, path) && parsed;
    if (parsed)
        conf_load_check(&check);
    if (conf_report_clean(&report))
        conf = conf_load_build(&check, path);
    st = conf ? ST_OK : conf_load_status(&report);
    conf_report_finish(&report, errors);
    conf_profiles_done(&check.profiles);
    free(check.leaves.list);
    conf_bind_done(&raw->item);
    explicit_bzero(raw, sizeof *raw);
    free(raw);
    if (conf)
        *ret = conf;
    return st;
}

struct conf *conf_free(struct conf *conf)
{
    if (!conf)
        return NULL;
    for (int32_t g = 0; g < conf->group_count; g++)
        free(conf->groups[g].members);
    for (int32_t d = 0; d < conf->device_count; d++) {
        free(conf->devices[d].gpus);
        free(conf->devices[d].places);
        explicit_bzero(conf->devices[d].password, sizeof conf->devices[d].password);
    }
    for (int32_t p = 0; p < conf->profile_count; p++)
        profile_done(&conf->profiles[p]);
    free(conf->nodes);
    free(conf->sources);
    free(conf->groups);
    free(conf->buses);
    free(conf->profiles);
    free(conf->devices);
    free((void *)(uintptr_t)conf->core.nodes);
    free((void *)(uintptr_t)conf->core.points);
    free((void *)(uintptr_t)conf->core.levers);
    free((void *)(uintptr_t)conf->core.sources);
    free(conf->plan);
    free(conf);
    return NULL;
}
