/* SPDX-License-Identifier: Apache-2.0 */
/* conf_check_devices.c: buses and devices against each other and against their
 * profiles.
 *
 * Owns what a bus of a kind needs, and addresses. Any thread. Reads profiles,
 * nothing else.
 */
#include <string.h>

#include "conf_check.h"

#define CONF_CHECK_BAUD 115200 /* of a line without devices */

/* ---- buses ---- */

struct conf_check_bus_key {
    const char *path;
    uint32_t kinds;  /* bit per enum conf_bus_kind that takes it              */
    uint32_t needed; /* bit per kind that cannot do without                   */
};

#define RTU (1u << CONF_BUS_MODBUS_RTU)
#define TCP (1u << CONF_BUS_MODBUS_TCP)
#define SMB (1u << CONF_BUS_SMBUS_LINUX | 1u << CONF_BUS_SMBUS_SOCKET)

static const struct conf_check_bus_key conf_check_bus_keys[] = {
    { .path = "path", .kinds = RTU | SMB, .needed = RTU | SMB },
    { .path = "host", .kinds = TCP, .needed = TCP },
    { .path = "port", .kinds = TCP },
    { .path = "framing", .kinds = TCP },
    { .path = "timeout_min_ms", .kinds = RTU | TCP },
    { .path = "clock_max_s", .kinds = RTU | TCP },
    { .path = "baud", .kinds = RTU },
    { .path = "parity", .kinds = RTU },
    { .path = "stop_bits", .kinds = RTU },
    { .path = "alert", .kinds = SMB },
};

static const char *conf_check_kind(const struct raw_bus *bus)
{
    static const char *const kinds[] = { "modbus-rtu", "modbus-tcp", "smbus-linux", "smbus-socket" };

    return kinds[bus->kind];
}

static void conf_check_bus(struct conf_check *check, struct raw_bus *bus)
{
    uint32_t kind = 1u << bus->kind;

    if (bus->stale_us <= bus->fast_us)
        conf_wrong(check->report, &bus->item, "stale_ms",
                   "%.12g is not above fast_ms %.12g: every reading would be stale",
                   (double)bus->stale_us / 1e3, (double)bus->fast_us / 1e3);
    if (bus->slow_us < bus->fast_us)
        conf_wrong(check->report, &bus->item, "slow_ms", "%.12g is below fast_ms %.12g",
                   (double)bus->slow_us / 1e3, (double)bus->fast_us / 1e3);
    if (!conf_good(&bus->item, "kind"))
        return;
    for (size_t k = 0; k < sizeof conf_check_bus_keys / sizeof *conf_check_bus_keys; k++) {
        const struct conf_check_bus_key *key = &conf_check_bus_keys[k];

        if (conf_has(&bus->item, key->path) && !(key->kinds & kind))
            conf_wrong(check->report, &bus->item, key->path, "is not for kind %s", conf_check_kind(bus));
        if (!conf_has(&bus->item, key->path) && (key->needed & kind))
            conf_wrong(check->report, &bus->item, key->path, "missing, kind %s needs it",
                       conf_check_kind(bus));
    }
    if (bus->kind == CONF_BUS_SMBUS_SOCKET && strlen(bus->path) > 107)
        conf_wrong(check->report, &bus->item, "path", "%zu characters, allowed 107 for a socket",
                   strlen(bus->path));
}

void conf_check_buses(struct conf_check *check)
{
    const struct conf_list *buses = &check->raw->buses;

    conf_check_unique(check->report, buses, sizeof(struct raw_bus), &check->raw->bmcs,
                      sizeof(struct raw_bmc));
    for (int32_t b = 0; b < buses->count; b++) {
        struct raw_bus *bus = CONF_ITEM(struct raw_bus, buses, b);

        conf_check_bus(check, bus);
        for (int32_t k = 0; k < b; k++) {
            const struct raw_bus *before = CONF_ITEM(struct raw_bus, buses, k);

            if (bus->path[0] && strcmp(bus->path, before->path) == 0)
                conf_wrong(check->report, &bus->item, "path", "bus \"%s\" has it already", before->name);
        }
    }
}

/* ---- devices ---- */

static bool conf_check_smbus(const struct raw_bus *bus)
{
    return bus->kind == CONF_BUS_SMBUS_LINUX || bus->kind == CONF_BUS_SMBUS_SOCKET;
}

static void conf_check_address(struct conf_check *check, int32_t d)
{
    const struct conf_list *devices = &check->raw->devices;
    struct raw_device *device = CONF_ITEM(struct raw_device, devices, d);

    if (device->bus_at == CORE_NONE || !conf_good(&device->item, "address"))
        return;
    if (conf_check_smbus(CONF_ITEM(struct raw_bus, &check->raw->buses, device->bus_at)) &&
        (device->address < 0x08 || device->address > 0x77))
        conf_wrong(check->report, &device->item, "address",
                   "0x%02x is no 7-bit SMBus address, allowed 0x08 to 0x77", (unsigned)device->address);
    for (int32_t k = 0; k < d; k++) {
        const struct raw_device *before = CONF_ITEM(struct raw_device, devices, k);

        if (before->bus_at == device->bus_at && before->address == device->address)
            conf_wrong(check->report, &device->item, "address", "0x%02x is device \"%s\" on this bus already",
                       (unsigned)device->address, before->name);
    }
}

static void conf_check_protocol(struct conf_check *check, const struct raw_device *device,
                                const struct profile *profile)
{
    const struct raw_bus *bus;

    if (device->bus_at == CORE_NONE)
        return;
    bus = CONF_ITEM(struct raw_bus, &check->raw->buses, device->bus_at);
    if (conf_good(&bus->item, "kind") && conf_check_smbus(bus) != profile_is_pmbus(profile))
        conf_wrong(check->report, &device->item, "profile", "%s speaks %s, bus \"%s\" is %s", profile->name,
                   profile_is_pmbus(profile) ? "PMBus" : "Modbus", bus->name, conf_check_kind(bus));
}

static void conf_check_measures(struct conf_check *check, struct raw_device *device,
                                const struct profile *profile)
{
    for (int32_t m = 0; m < device->measures.count; m++) {
        struct raw_measure *measure = CONF_ITEM(struct raw_measure, &device->measures, m);

        measure->node_at = conf_check_named(check->report, &measure->item, "node", measure->node,
                                            &check->raw->tree, sizeof(struct raw_node), "node");
        measure->row = ROW_NONE;
        if (!profile || !measure->signal[0])
            continue;
        measure->row = conf_check_row(check, &measure->item, measure->signal, measure->index, profile);
        if (measure->row == ROW_NONE)
            continue;
        if (strcmp(signal_unit(profile->rows[measure->row].signal), "W") != 0)
            conf_wrong(check->report, &measure->item, "signal", "%s is in %s, a node is measured in W",
                       measure->signal, signal_unit(profile->rows[measure->row].signal));
        else if (profile->rows[measure->row].poll > POLL_SLOW)
            conf_wrong(check->report, &measure->item, "signal", "%s is not polled by profile %s",
                       measure->signal, profile->name);
        for (int32_t k = 0; k < m; k++)
            if (CONF_ITEM(struct raw_measure, &device->measures, k)->row == measure->row) {
                conf_wrong(check->report, &measure->item, "signal",
                           "measures a node already: one reading, one node");
                break;
            }
    }
}

/* A serial line whose speed or parity is not given has those of its devices' books. */
static void conf_check_serial(struct conf_check *check, int32_t b)
{
    struct raw_bus *bus = CONF_ITEM(struct raw_bus, &check->raw->buses, b);
    bool baud = conf_has(&bus->item, "baud"), parity = conf_has(&bus->item, "parity");
    const struct raw_device *first = NULL;

    for (int32_t d = 0; d < check->raw->devices.count; d++) {
        const struct raw_device *device = CONF_ITEM(struct raw_device, &check->raw->devices, d);
        const struct profile *profile;
        int32_t book;

        if (device->bus_at != b || device->profile_at == CORE_NONE)
            continue;
        profile = &check->profiles.list[device->profile_at];
        book = profile->parity == 'E' ? 0 : profile->parity == 'N' ? 1 : 2;
        if (first && ((!baud && bus->baud != profile->baud) || (!parity && bus->parity != book))) {
            conf_wrong(check->report, &bus->item, baud ? "parity" : "baud",
                       "missing: the profiles of \"%s\" and \"%s\" do not agree", first->name, device->name);
            return;
        }
        bus->baud = baud ? bus->baud : profile->baud;
        bus->parity = parity ? bus->parity : book;
        first = first ? first : device;
    }
    if (bus->baud == 0)
        bus->baud = CONF_CHECK_BAUD;
}

/* What a shelf controller mirrors has the mirror's age on top of its own. */
static void conf_check_mirror_rows(struct conf_check *check, const struct raw_device *device,
                                   const struct raw_device *mirror)
{
    const struct profile *profile = &check->profiles.list[mirror->profile_at];
    const struct raw_bus *bus = CONF_ITEM(struct raw_bus, &check->raw->buses, device->bus_at);
    bool found = false;

    for (int32_t r = 0; r < profile->row_count; r++)
        found = found || (profile->rows[r].index == device->slot && profile->rows[r].poll != POLL_NEVER);
    if (profile->mirror_age_us == 0)
        conf_wrong(check->report, &device->item, "mirror", "profile %s of \"%s\" mirrors no other device",
                   profile->name, mirror->name);
    else if (!found)
        conf_wrong(check->report, &device->item, "slot", "profile %s of \"%s\" has no module %d", profile->name,
                   mirror->name, (int)device->slot);
    else if (bus->stale_us <= profile->mirror_age_us + bus->fast_us)
        conf_wrong(check->report, &bus->item, "stale_ms",
                   "%.12g is not above mirror_age_ms %.12g of profile %s and fast_ms %.12g together",
                   (double)bus->stale_us / 1e3, (double)profile->mirror_age_us / 1e3, profile->name,
                   (double)bus->fast_us / 1e3);
}

static void conf_check_mirror(struct conf_check *check, int32_t d)
{
    struct raw_device *device = CONF_ITEM(struct raw_device, &check->raw->devices, d);
    const struct raw_device *mirror;

    device->mirror_at = conf_check_named(check->report, &device->item, "mirror", device->mirror,
                                         &check->raw->devices, sizeof(struct raw_device), "device");
    if (conf_has(&device->item, "mirror") != conf_has(&device->item, "slot")) {
        conf_wrong(check->report, &device->item, conf_has(&device->item, "slot") ? "mirror" : "slot",
                   "missing, mirror and slot need each other");
        return;
    }
    if (device->mirror_at == CORE_NONE)
        return;
    mirror = CONF_ITEM(struct raw_device, &check->raw->devices, device->mirror_at);
    if (device->mirror_at == d || mirror->bus_at != device->bus_at)
        conf_wrong(check->report, &device->item, "mirror", "\"%s\" is %s", mirror->name,
                   device->mirror_at == d ? "this device itself" : "on another bus");
    else if (device->bus_at != CORE_NONE && mirror->profile_at != CORE_NONE)
        conf_check_mirror_rows(check, device, mirror);
}

void conf_check_devices(struct conf_check *check)
{
    const struct conf_list *devices = &check->raw->devices;

    conf_check_unique(check->report, devices, sizeof(struct raw_device), &check->raw->bmcs,
                      sizeof(struct raw_bmc));
    for (int32_t d = 0; d < devices->count; d++) {
        struct raw_device *device = CONF_ITEM(struct raw_device, devices, d);
        const struct profile *profile = NULL;

        device->bus_at = conf_check_named(check->report, &device->item, "bus", device->bus,
                                          &check->raw->buses, sizeof(struct raw_bus), "bus");
        device->node_at = conf_check_named(check->report, &device->item, "node", device->node,
                                           &check->raw->tree, sizeof(struct raw_node), "node");
        device->source_at = conf_check_named(check->report, &device->item, "source", device->source,
                                             &check->raw->sources, sizeof(struct raw_source), "source");
        device->charge_at = CORE_NONE;
        device->profile_at = device->profile[0] ? conf_profiles_get(check, device) : CORE_NONE;
        conf_check_address(check, d);
        if (device->profile_at != CORE_NONE) {
            profile = &check->profiles.list[device->profile_at];
            conf_check_protocol(check, device, profile);
        }
        conf_check_measures(check, device, profile);
        conf_check_levers(check, device, profile);
    }
    for (int32_t d = 0; d < devices->count; d++)
        conf_check_mirror(check, d);
    for (int32_t b = 0; b < check->raw->buses.count; b++)
        if (CONF_ITEM(struct raw_bus, &check->raw->buses, b)->kind == CONF_BUS_MODBUS_RTU)
            conf_check_serial(check, b);
}
