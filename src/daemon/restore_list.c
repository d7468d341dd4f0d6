/* SPDX-License-Identifier: Apache-2.0 */
/* restore_list.c: which originals there are, whose they are, and whether they
 * are back. Main thread; reads files under the state directory, no device. */
#include "restore.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "busbar/log.h"

#define RESTORE_ORIGINALS_MAX 256   /* of one device                                   */
#define RESTORE_NEAR_RATIO 1e-3     /* a register rounds: so near is the same          */

bool restore_leaves_all(const char *service_result, bool anyway)
{
    return service_result && service_result[0] && strcmp(service_result, "success") != 0 && !anyway;
}

/* The row's index for a register device, the GPU's number for Redfish. */
static int32_t restore_index(const struct conf *conf, const struct conf_device *device, int32_t row)
{
    return device->profile == CORE_NONE ? row : conf->profiles[device->profile].rows[row].index;
}

static int32_t restore_find_device(const struct conf *conf, const char *name)
{
    for (int32_t d = 0; d < conf->device_count; d++)
        if (strcmp(conf->devices[d].name, name) == 0)
            return d;
    return CORE_NONE;
}

static void restore_find_reading(const struct conf *conf, const struct conf_device *device,
                                 struct restore_item *item)
{
    int32_t lever = device->levers[item->place].lever;
    int32_t point = lever >= 0 && lever < conf->core.lever_count ? conf->core.levers[lever].readback_point
                                                                 : CORE_NONE;

    for (int32_t r = 0; point != CORE_NONE && r < device->reading_count; r++)
        if (device->readings[r].point == point)
            item->reading = r;
}

/* Finds the lever that writes what the original is of. */
static void restore_find_lever(const struct conf *conf, struct restore_item *item)
{
    const struct conf_device *device;

    if (item->device == CORE_NONE)
        return;
    device = &conf->devices[item->device];
    for (int32_t l = 0; l < device->lever_count; l++) {
        const struct conf_lever *lever = &device->levers[l];

        if (strcmp(signal_name(lever->signal), item->original.signal) != 0 ||
            restore_index(conf, device, lever->row) != item->original.index)
            continue;
        item->lever = lever->lever;
        item->place = l;
        (void)snprintf(item->name, sizeof item->name, "%s", lever->name);
        restore_find_reading(conf, device, item);
        return;
    }
}

static void restore_item_make(const struct conf *conf, const struct original *original,
                              struct restore_item *ret)
{
    *ret = (struct restore_item){ .original = *original, .device = restore_find_device(conf, original->device),
                                  .lever = CORE_NONE, .reading = CORE_NONE, .value = NAN };
    (void)snprintf(ret->name, sizeof ret->name, "%.47s.%.47s", original->device, original->signal);
    restore_find_lever(conf, ret);
    if (ret->lever != CORE_NONE)
        return;
    ret->fate = RESTORE_LEFT;
    (void)snprintf(ret->reason, sizeof ret->reason, "the configuration has no %s that writes it",
                   ret->device == CORE_NONE ? "device" : "lever");
}

/* A file that says nothing may be one that cannot be understood: what it holds is left, not restored. */
static void restore_item_unread(const struct conf *conf, const char *device, enum status st,
                                struct restore_item *ret)
{
    *ret = (struct restore_item){ .fate = RESTORE_LEFT, .device = restore_find_device(conf, device),
                                  .original = { .value = NAN }, .lever = CORE_NONE, .reading = CORE_NONE,
                                  .value = NAN };
    (void)snprintf(ret->original.device, sizeof ret->original.device, "%.47s", device);
    (void)snprintf(ret->name, sizeof ret->name, "%.95s", device);
    (void)snprintf(ret->reason, sizeof ret->reason, "its file of originals cannot be read (%s): repair or remove it",
                   status_label(st));
}

static enum status restore_list_add(const struct conf *conf, const char *device, struct restore_list *list)
{
    struct original *originals = calloc(RESTORE_ORIGINALS_MAX, sizeof *originals);
    struct restore_item *items;
    enum status st = ST_OK;
    int32_t count;

    if (!originals)
        return ST_NOMEM;
    count = field_originals_read(conf->state_dir, device, originals, RESTORE_ORIGINALS_MAX);
    if (count == 0) { /* none, or not to be read: to forget what never is tells the two apart */
        struct original never = { .index = -1 };

        (void)snprintf(never.device, sizeof never.device, "%.47s", device);
        st = field_original_forget(conf->state_dir, &never);
    }
    items = realloc(list->items, (size_t)(list->count + count + 1) * sizeof *items);
    if (items) {
        list->items = items;
        for (int32_t i = 0; i < count; i++)
            restore_item_make(conf, &originals[i], &list->items[list->count++]);
        if (st != ST_OK)
            restore_item_unread(conf, device, st, &list->items[list->count++]);
    }
    free(originals);
    return items ? ST_OK : ST_NOMEM;
}

/* One file a device, called as the device; half-written ones begin with a dot. */
enum status restore_list_read(const struct conf *conf, struct restore_list *ret)
{
    struct restore_list list = { .count = 0 };
    char path[PATH_MAX];
    enum status st = ST_OK;
    struct dirent *entry;
    DIR *dir;

    (void)snprintf(path, sizeof path, "%s/originals", conf->state_dir);
    dir = opendir(path);
    if (!dir && errno != ENOENT) {
        LOG(ERR, path, "cannot read the originals: %s", strerror(errno));
        return ST_SYS;
    }
    while (dir && st == ST_OK && (entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            st = restore_list_add(conf, entry->d_name, &list);
    if (dir)
        (void)closedir(dir);
    if (st != ST_OK) {
        restore_list_done(&list);
        return st;
    }
    *ret = list;
    return ST_OK;
}

void restore_list_done(struct restore_list *list)
{
    free(list->items);
    *list = (struct restore_list){ .count = 0 };
}

bool restore_identify(struct restore_item *item, const struct device_state *state)
{
    if (item->fate != RESTORE_WAITING)
        return true;
    if (!state->identified)
        return false;
    if (strcmp(state->serial, item->original.serial) == 0) {
        item->fate = RESTORE_WANTED;
        return true;
    }
    item->fate = RESTORE_LEFT;
    (void)snprintf(item->reason, sizeof item->reason, "another device: its serial is \"%s\", recorded was \"%s\"",
                   state->serial, item->original.serial);
    return true;
}

static bool restore_near(const struct restore_item *item, double value, double step)
{
    double near = RESTORE_NEAR_RATIO * fmax(1.0, fabs(item->original.value));

    return fabs(value - item->original.value) <= fmax(near, step);
}

bool restore_verify(struct restore_item *item, const struct device_state *state,
                    const struct core_config_lever *lever, int64_t since_us)
{
    const struct device_ack *ack = &state->acks[item->place];
    const struct device_reading *reading = item->reading == CORE_NONE ? NULL : &state->readings[item->reading];
    bool read = reading && reading->status == ST_OK && reading->taken_us >= since_us &&
                (ack->number == 0 || reading->taken_us >= ack->done_us);

    /* The read-back right after our write is a fresh reading too. */
    if (read)
        item->value = reading->value;
    else if (ack->number > 0 && ack->status == ST_OK && !isnan(ack->readback))
        item->value = ack->readback;
    else
        return false;
    if (lever->switched && (ack->number == 0 || ack->status != ST_OK))
        return false; /* the value says nothing of its gate and its enable */
    return restore_near(item, item->value, lever->step);
}
