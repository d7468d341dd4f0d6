/* SPDX-License-Identifier: Apache-2.0 */
/* conf_check_levers.c: what is to be written, against what the profile allows.
 *
 * Owns the rules of each use of a lever. Any thread.
 */
#include <string.h>

#include "conf_check.h"

/* Which keys belong to which use; all but armed, slew and ride are needed there. */
struct conf_check_lever_key {
    const char *path;
    enum raw_lever_use use;
    bool needed;
};

static const struct conf_check_lever_key conf_check_lever_keys[] = {
    { .path = "value", .use = RAW_USE_HOLD, .needed = true },
    { .path = "armed", .use = RAW_USE_HOLD },
    { .path = "slew", .use = RAW_USE_HOLD },
    { .path = "ride", .use = RAW_USE_HOLD },
    { .path = "timeout_s", .use = RAW_USE_CHARGE, .needed = true },
    { .path = "volts", .use = RAW_USE_CHARGE, .needed = true },
    { .path = "fallback", .use = RAW_USE_CHARGE, .needed = true },
    { .path = "share", .use = RAW_USE_WARN, .needed = true },
};

int32_t conf_check_row(struct conf_check *check, const struct conf_item *item, const char *signal,
                       int32_t index, const struct profile *profile)
{
    enum signal found = signal_find(signal);
    const char *best = NULL;

    for (int32_t r = 0; r < profile->row_count && found != SIGNAL_COUNT; r++)
        if (profile->rows[r].signal == found && profile->rows[r].index == index)
            return r;
    for (int32_t r = 0; r < profile->row_count; r++)
        conf_report_nearest(signal, signal_name(profile->rows[r].signal), &best);
    if (best && strcmp(best, signal) != 0)
        conf_wrong(check->report, item, "signal", "profile %s has no \"%s\", did you mean \"%s\"?",
                   profile->name, signal, best);
    else
        conf_wrong(check->report, item, "signal", "profile %s has no \"%s\" with index %d", profile->name,
                   signal, (int)index);
    return ROW_NONE;
}

static void conf_check_lever_use(struct conf_check *check, const struct raw_lever *lever)
{
    static const char *const uses[] = { "hold", "charge", "warn" };

    if (!conf_good(&lever->item, "use"))
        return;
    for (size_t k = 0; k < sizeof conf_check_lever_keys / sizeof *conf_check_lever_keys; k++) {
        const struct conf_check_lever_key *key = &conf_check_lever_keys[k];
        bool ours = (int32_t)key->use == lever->use, there = conf_has(&lever->item, key->path);

        if (there && !ours)
            conf_wrong(check->report, &lever->item, key->path, "is for use: %s only", uses[key->use]);
        if (!there && ours && key->needed)
            conf_wrong(check->report, &lever->item, key->path, "missing, use: %s needs it", uses[key->use]);
    }
}

/* The writable row, and one that reads it back again and again. */
static const struct profile_row *conf_check_lever_row(struct conf_check *check, struct raw_lever *lever,
                                                      const struct profile *profile)
{
    const struct profile_row *row;

    lever->row = conf_check_row(check, &lever->item, lever->signal, lever->index, profile);
    if (lever->row == ROW_NONE)
        return NULL;
    row = &profile->rows[lever->row];
    if (!row->writable) {
        conf_wrong(check->report, &lever->item, "signal", "profile %s cannot write %s", profile->name,
                   lever->signal);
        return NULL;
    }
    if (profile->rows[row->write.readback].poll > POLL_SLOW)
        conf_wrong(check->report, &lever->item, "signal", "profile %s does not poll its read-back %s",
                   profile->name, signal_name(profile->rows[row->write.readback].signal));
    return row;
}

double conf_check_deadband(const struct raw_lever *raw, const struct profile_row *row)
{
    bool whole = row->type < ROW_LINEAR11 && row->type != ROW_F32;

    if (!isnan(raw->deadband))
        return raw->deadband;
    if (raw->use == RAW_USE_WARN)
        return 0.01 * row->write.max;
    return fmax(row->write.step, whole ? fabs(row->scale) : 0.0);
}

static void conf_check_range(struct conf_check *check, const struct raw_lever *lever, const char *path,
                             double value, double min, double max)
{
    if (value < min || value > max)
        conf_wrong(check->report, &lever->item, path,
                   "%.12g is not what the profile allows, allowed %.12g to %.12g", value, min, max);
}

void conf_check_armed(struct conf_check *check, const struct conf_item *item, double value, double armed,
                      double deadband)
{
    if (!conf_good(item, "armed"))
        return;
    if (!check->raw->forecast_learn)
        conf_wrong(check->report, item, "armed", "nothing is foreseen while control.forecast.learn is off");
    if (fabs(armed - value) <= deadband)
        conf_wrong(check->report, item, "armed",
                   "%.12g is not further from value %.12g than the deadband %.12g: it would not be written", armed,
                   value, deadband);
}

/* Nothing that riding through needs may hang on a forecast. */
static void conf_check_armed_lever(struct conf_check *check, const struct raw_lever *lever,
                                   const struct profile_row *row)
{
    conf_check_range(check, lever, "armed", lever->armed, row->write.min, row->write.max);
    conf_check_armed(check, &lever->item, lever->value, lever->armed, conf_check_deadband(lever, row));
    if (conf_has(&lever->item, "armed") && conf_has(&lever->item, "ride"))
        conf_wrong(check->report, &lever->item, "armed",
                   "is not for a lever with ride: what riding through needs waits for no forecast");
}

static void conf_check_charge(struct conf_check *check, const struct raw_lever *lever,
                              const struct profile *profile, const struct profile_row *row)
{
    if (strcmp(signal_unit(row->signal), "A") != 0)
        conf_wrong(check->report, &lever->item, "use", "charge is for a current in A, %s is in %s",
                   lever->signal, signal_unit(row->signal));
    if (row->write.timeout == ROW_NONE)
        conf_wrong(check->report, &lever->item, "use", "charge needs a device-side time-out, %s has none",
                   lever->signal);
    else if (lever->timeout_us > 0)
        conf_check_range(check, lever, "timeout_s", (double)lever->timeout_us / 1e6,
                         profile->rows[row->write.timeout].write.min,
                         profile->rows[row->write.timeout].write.max);
    if (lever->timeout_us > 0 && lever->timeout_us <= 2 * lever->delay_worst_us)
        conf_wrong(check->report, &lever->item, "timeout_s", "%.12g is not above twice delay_worst_ms %.12g",
                   (double)lever->timeout_us / 1e6, (double)lever->delay_worst_us / 1e3);
    conf_check_range(check, lever, "fallback", lever->fallback, fmax(0.0, signal_min(row->signal)),
                     signal_max(row->signal));
    if (row->write.min < 0.0)
        conf_wrong(check->report, &lever->item, "signal", "%s goes below 0", lever->signal);
}

static void conf_check_warn(struct conf_check *check, const struct raw_device *device,
                            const struct raw_lever *lever, const struct profile_row *row)
{
    const struct raw_node *node;

    if (strcmp(signal_unit(row->signal), "W") != 0)
        conf_wrong(check->report, &lever->item, "use", "warn is for a power in W, %s is in %s", lever->signal,
                   signal_unit(row->signal));
    if (device->node_at == CORE_NONE)
        return;
    node = CONF_ITEM(struct raw_node, &check->raw->tree, device->node_at);
    if (node->bears.count + node->limits.count == 0)
        conf_wrong(check->report, &lever->item, "use",
                   "warn follows the limits of node \"%s\", which has none", node->name);
}

/* Only a supply's set-point and start delay take part in riding through. */
static void conf_check_ride_lever(struct conf_check *check, const struct raw_device *device,
                                  const struct raw_lever *lever, const struct profile_row *row)
{
    static const enum signal signals[] = { SIGNAL_PSU_OUTPUT_SETPOINT_V, SIGNAL_PSU_START_DELAY_S };

    if (!conf_good(&lever->item, "ride"))
        return;
    if (row->signal != signals[lever->ride])
        conf_wrong(check->report, &lever->item, "ride", "is of %s, not of %s", signal_name(signals[lever->ride]),
                   lever->signal);
    if (!conf_has(&device->item, "source"))
        conf_wrong(check->report, &lever->item, "ride", "needs the device's source");
    else if (device->source_at != CORE_NONE &&
             CONF_ITEM(struct raw_source, &check->raw->sources, device->source_at)->kind != CORE_SOURCE_PSU)
        conf_wrong(check->report, &lever->item, "ride", "source \"%s\" is not of kind psu", device->source);
}

static void conf_check_lever_name(struct conf_check *check, const struct raw_device *device,
                                  const struct raw_lever *lever)
{
    size_t length = strlen(device->name) + 1 + strlen(lever->signal);

    if (lever->index > 0)
        length += (size_t)snprintf(NULL, 0, ".%d", (int)lever->index);
    if (length >= CONF_NAME_MAX)
        conf_wrong(check->report, &lever->item, "signal",
                   "the lever \"%s.%s\" would have a name of %zu characters, allowed %d", device->name,
                   lever->signal, length, CONF_NAME_MAX - 1);
}

static void conf_check_lever(struct conf_check *check, struct raw_device *device, int32_t l,
                             const struct profile *profile)
{
    struct raw_lever *lever = CONF_ITEM(struct raw_lever, &device->levers, l);
    const struct profile_row *row = conf_check_lever_row(check, lever, profile);

    for (int32_t k = 0; k < l && lever->row != ROW_NONE; k++)
        if (CONF_ITEM(struct raw_lever, &device->levers, k)->row == lever->row) {
            conf_wrong(check->report, &lever->item, "signal", "is there twice");
            break;
        }
    if (!row || !conf_good(&lever->item, "use"))
        return;
    if (lever->use == RAW_USE_HOLD) {
        conf_check_range(check, lever, "value", lever->value, row->write.min, row->write.max);
        conf_check_armed_lever(check, lever, row);
        conf_check_ride_lever(check, device, lever, row);
    } else if (lever->use == RAW_USE_WARN) {
        conf_check_warn(check, device, lever, row);
    } else {
        conf_check_charge(check, lever, profile, row);
    }
    conf_check_lever_name(check, device, lever);
}

/* A device that cannot be told from another is read and never written. */
static void conf_check_lever_match(struct conf_check *check, const struct raw_device *device,
                                   const struct profile *profile)
{
    if (device->levers.count > 0 && profile && profile->match_address == ROW_NONE &&
        profile->match_command == ROW_NONE)
        conf_wrong(check->report, &device->item, "levers",
                   "profile %s has no match: a device that cannot be told from another is not written to",
                   profile->name);
}

void conf_check_levers(struct conf_check *check, struct raw_device *device, const struct profile *profile)
{
    conf_check_lever_match(check, device, profile);
    for (int32_t l = 0; l < device->levers.count; l++) {
        struct raw_lever *lever = CONF_ITEM(struct raw_lever, &device->levers, l);

        lever->row = ROW_NONE;
        conf_check_lever_use(check, lever);
        if (conf_good(&lever->item, "use") && lever->use == RAW_USE_CHARGE) {
            if (device->charge_at != CORE_NONE)
                conf_wrong(check->report, &lever->item, "use", "a device has one charge lever");
            device->charge_at = l;
        }
        if (profile && lever->signal[0])
            conf_check_lever(check, device, l, profile);
    }
}
