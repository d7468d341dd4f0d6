/* SPDX-License-Identifier: Apache-2.0 */
/* conf_profiles.c: finds the profiles that devices name and reads each once.
 *
 * Owns the order of the folders. Any thread.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf_check.h"

/* Beside those of the key `profiles`, which come first. */
static const char *const conf_profiles_folders[] = { "/etc/busbar/profiles", BUSBAR_PROFILE_DIR,
                                                     BUSBAR_SOURCE_DIR "/config/profiles" };

static bool conf_profiles_try(const char *folder, const char *name, char *ret, size_t room)
{
    int length = snprintf(ret, room, "%s/%s.yaml", folder, name);

    return length > 0 && (size_t)length < room && access(ret, F_OK) == 0;
}

bool profile_path(const char *folder, const char *name, char ret[CONF_PATH_MAX])
{
    if (folder && conf_profiles_try(folder, name, ret, CONF_PATH_MAX))
        return true;
    for (size_t i = 0; i < sizeof conf_profiles_folders / sizeof *conf_profiles_folders; i++)
        if (conf_profiles_try(conf_profiles_folders[i], name, ret, CONF_PATH_MAX))
            return true;
    return false;
}

static int conf_profiles_by_name(const void *left, const void *right)
{
    const char *const *a = left, *const *b = right;

    return strcmp(*a, *b);
}

static bool conf_profiles_known(char *const *names, int32_t count, const char *name)
{
    for (int32_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* The names of one folder; one that is not there has none. */
static bool conf_profiles_list(const char *folder, char ***names, int32_t *count)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    bool room = true;

    while (dir && room && (entry = readdir(dir)) != NULL) {
        size_t length = strlen(entry->d_name);
        char name[CONF_PATH_MAX], **grown;

        if (length < 6 || length >= sizeof name || entry->d_name[0] == '.' ||
            strcmp(entry->d_name + length - 5, ".yaml") != 0)
            continue;
        memcpy(name, entry->d_name, length - 5);
        name[length - 5] = '\0';
        if (conf_profiles_known(*names, *count, name))
            continue;
        grown = realloc(*names, ((size_t)*count + 1) * sizeof **names);
        *names = grown ? grown : *names;
        room = grown && ((*names)[*count] = strdup(name)) != NULL;
        *count += room;
    }
    if (dir)
        (void)closedir(dir);
    return room;
}

int32_t profile_names(const char *folder, char ***ret)
{
    char **names = NULL;
    int32_t count = 0;
    bool room = !folder || conf_profiles_list(folder, &names, &count);

    for (size_t i = 0; room && i < sizeof conf_profiles_folders / sizeof *conf_profiles_folders; i++)
        room = conf_profiles_list(conf_profiles_folders[i], &names, &count);
    if (!room) {
        profile_names_done(names, count);
        return -1;
    }
    if (count > 1)
        qsort(names, (size_t)count, sizeof *names, conf_profiles_by_name);
    *ret = names;
    return count;
}

void profile_names_done(char **names, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

static bool conf_profiles_path(const struct conf_check *check, const char *name, char *ret, size_t room)
{
    const struct conf_list *own = &check->raw->profiles;

    for (int32_t i = 0; i < own->count; i++)
        if (CONF_ITEM(struct conf_text, own, i)->text[0] &&
            conf_profiles_try(CONF_ITEM(struct conf_text, own, i)->text, name, ret, room))
            return true;
    return room >= CONF_PATH_MAX && profile_path(NULL, name, ret);
}

/* Where the search went, for a message. */
static void conf_profiles_searched(const struct conf_check *check, char *ret, size_t room)
{
    const struct conf_list *own = &check->raw->profiles;
    size_t used = 0;

    ret[0] = '\0';
    for (int32_t i = 0; i < own->count && used < room; i++)
        used += (size_t)snprintf(ret + used, room - used, "%s, ", CONF_ITEM(struct conf_text, own, i)->text);
    if (used < room)
        snprintf(ret + used, room - used, "%s, %s", conf_profiles_folders[0], conf_profiles_folders[1]);
}

static bool conf_profiles_grow(struct conf_check *check)
{
    struct conf_profiles *profiles = &check->profiles;
    size_t count = (size_t)profiles->name_count + 1;
    void *list = realloc(profiles->list, count * sizeof *profiles->list);
    void *names = realloc(profiles->names, count * sizeof *profiles->names);
    void *at = realloc(profiles->at, count * sizeof *profiles->at);

    profiles->list = list ? list : profiles->list;
    profiles->names = names ? names : profiles->names;
    profiles->at = at ? at : profiles->at;
    if (list && names && at)
        return true;
    check->report->no_memory = true;
    return false;
}

int32_t conf_profiles_get(struct conf_check *check, const struct raw_device *device)
{
    struct conf_profiles *profiles = &check->profiles;
    char path[2 * CONF_PATH_MAX], searched[4 * CONF_PATH_MAX];
    int32_t at = CORE_NONE;

    for (int32_t i = 0; i < profiles->name_count; i++)
        if (strcmp(profiles->names[i], device->profile) == 0)
            return profiles->at[i];
    if (!conf_profiles_path(check, device->profile, path, sizeof path)) {
        conf_profiles_searched(check, searched, sizeof searched);
        conf_wrong(check->report, &device->item, "profile", "no file %s.yaml in %s", device->profile,
                   searched);
        return CORE_NONE;
    }
    if (!conf_profiles_grow(check))
        return CORE_NONE;
    if (profile_read(check->report, path, &profiles->list[profiles->count]))
        at = profiles->count++;
    memcpy(profiles->names[profiles->name_count], device->profile, sizeof device->profile);
    profiles->at[profiles->name_count++] = at;
    return at;
}

void conf_profiles_done(struct conf_profiles *profiles)
{
    for (int32_t i = 0; i < profiles->count; i++)
        profile_done(&profiles->list[i]);
    free(profiles->list);
    free(profiles->names);
    free(profiles->at);
    *profiles = (struct conf_profiles){ .count = 0 };
}
