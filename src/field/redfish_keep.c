/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_keep.c: a limit written by hand, its original on record as the daemon's are.
 *
 * Any thread, waits for the BMC. Nothing is written whose original is not on disk: a tool
 * that dies after the write leaves what a later one needs to put it back.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "busbar/field.h"
#include "busbar/redfish_survey.h"
#include "busbar/signals.h"
#include "originals.h"
#include "redfish_bmc.h"
#include "redfish_limit.h"

/* A path is longer than a record's key: its FNV-1a hash tells the limits of one BMC apart. */
static uint32_t redfish_keep_hash(const char *path)
{
    uint32_t hash = UINT32_C(2166136261);

    for (const char *c = path; *c; c++)
        hash = (hash ^ (unsigned char)*c) * UINT32_C(16777619);
    return hash;
}

/* As busbard keeps it (redfish_json_root()): a UUID without its dashes. */
static void redfish_keep_serial(const char *uuid, char ret[DEVICE_TEXT_MAX])
{
    size_t kept = 0;

    for (; *uuid && kept + 1 < DEVICE_TEXT_MAX; uuid++)
        if (*uuid != '-')
            ret[kept++] = *uuid;
    ret[kept] = '\0';
    if (kept == 0)
        (void)snprintf(ret, DEVICE_TEXT_MAX, "%s", REDFISH_SERIAL_NONE);
}

static struct original redfish_keep_key(const struct redfish_survey_limit *limit,
                                        const struct redfish_probe_key *key)
{
    struct original original = {
        .index = key->signal ? key->index : 0,
        .value = limit->value,
        .gate = -1,
        .enable = 1, /* one that is off is not written */
        .timeout = NAN,
    };

    (void)snprintf(original.device, sizeof original.device, "%s", key->device);
    redfish_keep_serial(key->uuid, original.serial);
    if (key->signal)
        (void)snprintf(original.signal, sizeof original.signal, "%s", key->signal);
    else
        (void)snprintf(original.signal, sizeof original.signal, "redfish_limit-%08" PRIx32,
                       redfish_keep_hash(limit->path));
    return original;
}

static bool redfish_keep_find(const struct redfish_survey_limit *limit, const struct redfish_probe_key *key,
                              struct original *ret)
{
    struct original wanted = redfish_keep_key(limit, key);

    return originals_find(key->state_dir, wanted.device, wanted.serial, wanted.signal, wanted.index, ret);
}

double redfish_probe_original(const struct redfish_survey_limit *limit, const struct redfish_probe_key *key)
{
    struct original original;

    return redfish_keep_find(limit, key, &original) ? original.value : NAN;
}

static void redfish_keep_refuse(struct redfish_probe_write *ret, enum status st, const char *why)
{
    *ret = (struct redfish_probe_write){ .status = st, .readback = NAN };
    (void)snprintf(ret->why, sizeof ret->why, "%s", why);
}

void redfish_probe_change(struct redfish_probe *probe, const struct redfish_survey_limit *limit,
                          const struct redfish_probe_key *key, double value, int64_t window_us,
                          struct redfish_probe_write *ret)
{
    const char *refusal = redfish_probe_refusal(probe, limit, value);
    struct original original = redfish_keep_key(limit, key);

    if (refusal) {
        redfish_keep_refuse(ret, ST_REFUSED, refusal);
        return;
    }
    if (!isfinite(original.value) || originals_record(key->state_dir, &original) != ST_OK) {
        redfish_keep_refuse(ret, ST_REFUSED, "its original cannot be recorded");
        return;
    }
    redfish_probe_write(probe, limit, value, window_us, ret);
}

void redfish_probe_release(struct redfish_probe *probe, const struct redfish_survey_limit *limit,
                           const struct redfish_probe_key *key, int64_t window_us,
                           struct redfish_probe_write *ret)
{
    struct original original;
    double value;

    if (!redfish_keep_find(limit, key, &original)) {
        redfish_keep_refuse(ret, ST_ABSENT, "no original is on record");
        return;
    }
    value = strcmp(limit->unit, "V") == 0 ? original.value : floor(original.value + 0.5);
    redfish_probe_write(probe, limit, value, window_us, ret);
    /* Put back: a later release would do it again. */
    if (ret->status == ST_OK && field_original_forget(key->state_dir, &original) != ST_OK)
        redfish_keep_refuse(ret, ST_SYS, "it was put back, and cannot be struck from the record");
}
