/* SPDX-License-Identifier: Apache-2.0 */
/* probe.c: one device on one bus, read and written by hand.
 *
 * Owns the bus and, during a call, a seat: what field.c makes for a configured
 * device, made for one that is none. Reads with regpoll.c and writes with regorder.c,
 * so that what an engineer sees is what the daemon will see. Runs on the caller's
 * thread, which waits for the bus.
 */
#include "probe_on.h"

#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mbus.h"
#include "originals.h"
#include "pmbus_io.h"
#include "regdev.h"
#include "regorder.h"
#include "regpoll.h"

#define PROBE_STATUS_CML  0x7E
#define PROBE_TURNS_A_ROW 8 /* a device that is being learned takes several       */
#define PROBE_AGAIN_US    5000
#define PROBE_SILENT_MAX  2 /* tries of a device that fell silent on the way      */

struct probe {
    struct mbus *mbus;
    struct pmbus_io *pmbus;
    struct regio io;
};

struct probe_seat {
    struct conf conf;
    struct conf_device device;
    struct adapter adapter;
    struct regdev dev;
    bool ready; /* `dev` is to be given back                          */
};

/* ---- the bus ---- */

static int64_t probe_now_us(const struct probe *probe)
{
    return probe->io.ops->now_us(probe->io.arg);
}

enum status probe_new_on(const struct regio_ops *ops, void *arg, const struct conf_bus *bus,
                         struct probe **ret)
{
    struct probe *probe = calloc(1, sizeof *probe);
    enum status st;

    if (!probe)
        return ST_NOMEM;
    probe->io = (struct regio){ .ops = ops, .arg = arg, .bus = bus, .answered_us = INT64_MIN / 2 };
    st = ops->open(arg);
    if (st != ST_OK) {
        free(probe);
        return st;
    }
    probe->io.open = true;
    probe->io.rest_until_us = probe_now_us(probe);
    *ret = probe;
    return ST_OK;
}

enum status probe_new(const struct conf_bus *bus, struct probe **ret)
{
    const struct regio_ops *ops = NULL;
    struct mbus *mbus = NULL;
    struct pmbus_io *pmbus = NULL;
    int64_t gap_us = 0;
    enum status st;

    if (bus->kind == CONF_BUS_REDFISH)
        return ST_REFUSED;
    if (bus->kind == CONF_BUS_MODBUS_RTU || bus->kind == CONF_BUS_MODBUS_TCP) {
        st = mbus_new_idle(bus, &mbus);
        ops = st == ST_OK ? mbus_io(mbus, &gap_us) : NULL;
    } else {
        st = pmbus_io_new(bus, &pmbus);
        ops = pmbus_io_ops();
    }
    if (st == ST_OK)
        st = probe_new_on(ops, mbus ? (void *)mbus : (void *)pmbus, bus, ret);
    if (st != ST_OK) {
        mbus_free(mbus);
        pmbus_io_free(pmbus);
        return st;
    }
    (*ret)->mbus = mbus;
    (*ret)->pmbus = pmbus;
    (*ret)->io.gap_min_us = gap_us;
    return ST_OK;
}

struct probe *probe_free(struct probe *probe)
{
    if (!probe)
        return NULL;
    if (probe->io.open)
        probe->io.ops->close(probe->io.arg);
    mbus_free(probe->mbus);
    pmbus_io_free(probe->pmbus);
    free(probe);
    return NULL;
}

void probe_stats(const struct probe *probe, struct field_bus_stats *ret)
{
    *ret = probe->io.stats;
    ret->open = probe->io.open;
}

/* ---- a seat ---- */

static struct probe_seat *probe_seat_free(struct probe_seat *seat)
{
    if (!seat)
        return NULL;
    if (seat->ready)
        regdev_done(&seat->dev);
    adapter_done(&seat->adapter);
    free(seat);
    return NULL;
}

/* Of a device at this address; its readings and levers are the caller's to fill in. */
static struct probe_seat *probe_seat_new(int32_t address, const struct profile *profile)
{
    struct probe_seat *seat = calloc(1, sizeof *seat);

    if (!seat)
        return NULL;
    (void)snprintf(seat->device.name, sizeof seat->device.name, "0x%02x", (unsigned)address);
    seat->device.address = address;
    seat->adapter = (struct adapter){ .conf = &seat->conf, .device = &seat->device, .profile = profile };
    return seat;
}

/* Rows that are characters or bytes, and have no value. */
static bool probe_is_text(const struct profile_row *row)
{
    return row->type == ROW_TEXT || row->type == ROW_BLOCK;
}

static enum status probe_seat_start(struct probe *probe, struct probe_seat *seat)
{
    enum status st = adapter_init(&seat->adapter);

    seat->adapter.state.lever_count = seat->device.lever_count > 0;
    if (st == ST_OK)
        st = regdev_init(&seat->dev, &probe->io, &seat->adapter);
    if (st != ST_OK)
        return st;
    seat->ready = true;
    regdev_start(&seat->dev, probe_now_us(probe));
    return ST_OK;
}

static void probe_copy_device(const struct probe_seat *seat, struct probe_device *ret)
{
    const struct device_state *state = &seat->adapter.state;

    ret->matched = state->identified;
    memcpy(ret->model, state->model, sizeof ret->model);
    memcpy(ret->serial, state->serial, sizeof ret->serial);
    memcpy(ret->firmware, state->firmware, sizeof ret->firmware);
}

/* ---- who is there ---- */

/* A command that a PMBus device lacks looks like nobody: its status tells. */
static bool probe_has_cml(struct probe *probe, int32_t address, const struct profile *profile)
{
    static const struct profile_row cml = { .address = ROW_NONE,
                                            .command = PROBE_STATUS_CML,
                                            .type = ROW_U8 };
    struct regio_target target = {
        .unit = address, .profile = profile, .row = &cml, .address = PROBE_STATUS_CML, .words = 1
    };
    struct device_state counters = { .sequence = 0 };
    uint16_t word;
    int64_t taken_us;

    return regio_read(&probe->io, &counters, &target, 0, &word, &taken_us) == ST_OK;
}

static void probe_ask_row(struct probe *probe, const struct probe_seat *seat, const struct profile_row *row,
                          struct probe_answer *ret)
{
    struct regio_target target = {
        .unit = seat->device.address,
        .profile = seat->adapter.profile,
        .row = row,
        .address = row->command != ROW_NONE ? row->command : row->address,
        .words = regmap_words(row),
    };
    struct device_state counters = { .sequence = 0 };
    uint16_t words[REGMAP_WORDS_MAX];
    int64_t taken_us;

    ret->status = regio_read(&probe->io, &counters, &target, probe->io.bus->retry_max, words, &taken_us);
    if (ret->status == ST_OK && row->type == ROW_TEXT)
        regmap_text(row, words, ret->model, sizeof ret->model);
    ret->present = ret->status == ST_OK || ret->status == ST_ABSENT || ret->status == ST_BUSY ||
                   (ret->status == ST_NACK && !probe->io.ops->nack_is_silence);
}

enum status probe_ask(struct probe *probe, int32_t address, const struct profile *profile,
                      struct probe_answer *ret)
{
    struct probe_seat *seat = probe_seat_new(address, profile);
    const struct profile_row *row;
    enum status st = seat ? probe_seat_start(probe, seat) : ST_NOMEM;

    *ret = (struct probe_answer){ .status = ST_NONE };
    if (st != ST_OK)
        goto out;
    row = seat->dev.has_match ? &seat->dev.match : profile->row_count > 0 ? &profile->rows[0] : NULL;
    if (row)
        probe_ask_row(probe, seat, row, ret);
    if (ret->status == ST_NACK && !ret->present && probe_has_cml(probe, address, profile)) {
        ret->present = true;
        ret->status = ST_ABSENT;
    }
    ret->matched =
        seat->dev.has_match && ret->status == ST_OK && fnmatch(profile->match_text, ret->model, 0) == 0;
    if (ret->status == ST_SYS)
        st = ST_SYS;
out:
    probe_seat_free(seat);
    return st;
}

/* ---- reading ---- */

/* The numbers among rows `first` and later that one seat can read; returns the row after. */
static int32_t probe_fill_readings(struct probe_seat *seat, int32_t first, const bool *wanted)
{
    const struct profile *profile = seat->adapter.profile;
    struct conf_device *device = &seat->device;
    int32_t r = first;

    for (; r < profile->row_count && device->reading_count < DEVICE_READINGS_MAX; r++) {
        const struct profile_row *row = &profile->rows[r];

        if (probe_is_text(row) || (wanted && !wanted[r]))
            continue;
        device->readings[device->reading_count++] = (struct conf_reading){
            .row = r,
            .signal = row->signal,
            .index = row->index,
            .poll = POLL_ONCE,
            .point = CORE_NONE,
        };
    }
    return r;
}

/* What is still to be read is due now, what was tried never again; how many are left. */
static int32_t probe_left(struct probe_seat *seat, int64_t now_us)
{
    int32_t left = 0;

    for (int32_t i = 0; i < seat->dev.row_count; i++) {
        struct regdev_row *row = &seat->dev.rows[i];
        bool open = row->reading != CORE_NONE && seat->adapter.state.readings[row->reading].status == ST_NONE;

        regdev_set_due(&seat->dev, row, open ? now_us : INT64_MAX);
        left += open;
    }
    return left;
}

static void probe_poll(struct probe *probe, struct probe_seat *seat)
{
    int32_t turns = PROBE_TURNS_A_ROW * (seat->device.reading_count + 1), silent = 0, left = INT32_MAX;
    struct regdev *dev = &seat->dev;

    while (turns-- > 0 && probe->io.open && silent < PROBE_SILENT_MAX) {
        int64_t now_us = probe_now_us(probe);
        int32_t before = left;

        if (dev->silent) {
            silent++;
            regdev_probe(dev);
            continue;
        }
        left = probe_left(seat, now_us);
        if (left == 0)
            break;
        if (left == before) /* it answers, and has no value yet: a counter that must move first */
            probe->io.ops->sleep_until_us(probe->io.arg, now_us + PROBE_AGAIN_US);
        regpoll_step(dev, now_us);
    }
}

/* "Not acknowledged" of a device that acknowledged something else: it lacks that. */
static enum status probe_settle(const struct probe *probe, enum status st, bool alive)
{
    if (st == ST_NACK && alive && probe->io.ops->nack_is_silence)
        return ST_ABSENT;
    if (st == ST_NONE && probe->io.open)
        return alive ? ST_STALE : ST_TIMEOUT; /* a counter that never moved has no value */
    if (st == ST_NONE)
        return ST_SYS;
    return st;
}

/* Has it answered anything at all? */
static bool probe_alive(const struct probe_seat *seat)
{
    const struct device_state *state = &seat->adapter.state;
    bool alive = state->identified || state->model[0] != '\0';

    for (int32_t i = 0; i < state->reading_count; i++)
        alive = alive || state->readings[i].status == ST_OK || state->readings[i].status == ST_RANGE;
    return alive;
}

static void probe_take_readings(const struct probe *probe, const struct probe_seat *seat,
                                struct probe_reading *list)
{
    const struct device_state *state = &seat->adapter.state;
    bool alive = probe_alive(seat);

    for (int32_t i = 0; i < state->reading_count; i++) {
        struct probe_reading *to = &list[seat->device.readings[i].row];

        to->status = probe_settle(probe, state->readings[i].status, alive);
        to->value = to->status == ST_OK ? state->readings[i].value : NAN;
        to->taken_us = state->readings[i].taken_us;
    }
}

static void probe_read_text(struct probe *probe, struct probe_seat *seat, struct probe_reading *to)
{
    uint16_t words[REGMAP_WORDS_MAX];
    bool alive = probe_alive(seat);
    enum status st;

    to->taken_us = probe_now_us(probe);
    st = regdev_read(&seat->dev, to->row, words, NULL);
    if (st == ST_NACK && !alive && probe->io.ops->nack_is_silence) /* nothing else was asked for */
        alive = probe_has_cml(probe, seat->device.address, seat->adapter.profile);
    to->status = probe_settle(probe, st, alive);
    if (to->status == ST_OK)
        regmap_text(to->row, words, to->text, sizeof to->text);
}

/* One seat's worth of rows, the texts among them; *next: the row after. */
static enum status probe_read_some(struct probe *probe, int32_t address, const struct profile *profile,
                                   const bool *wanted, struct probe_reading *list, struct probe_device *ret,
                                   int32_t *next)
{
    struct probe_seat *seat = probe_seat_new(address, profile);
    int32_t first = *next;
    enum status st = ST_NOMEM;

    if (!seat)
        return ST_NOMEM;
    *next = probe_fill_readings(seat, first, wanted);
    st = probe_seat_start(probe, seat);
    if (st == ST_OK) {
        probe_poll(probe, seat);
        if (seat->device.reading_count == 0 && regdev_identify(&seat->dev) == ST_SYS) /* texts alone */
            goto out;
        probe_take_readings(probe, seat, list);
        for (int32_t r = first; r < *next && probe->io.open; r++)
            if (wanted ? wanted[r] && probe_is_text(&profile->rows[r]) : profile->rows[r].type == ROW_TEXT)
                probe_read_text(probe, seat, &list[r]);
        probe_copy_device(seat, ret);
    }
out:
    if (st == ST_OK && !probe->io.open)
        st = ST_SYS;
    probe_seat_free(seat);
    return st;
}

enum status probe_read(struct probe *probe, int32_t address, const struct profile *profile,
                       const bool *wanted, struct probe_reading *list, struct probe_device *ret)
{
    enum status st = ST_OK;

    *ret = (struct probe_device){ .matched = false };
    for (int32_t r = 0; r < profile->row_count; r++)
        list[r] = (struct probe_reading){ .row = &profile->rows[r], .status = ST_NONE, .value = NAN };
    for (int32_t next = 0; next < profile->row_count && st == ST_OK;)
        st = probe_read_some(probe, address, profile, wanted, list, ret, &next);
    return st;
}

/* ---- writing ---- */

/* The row first, then the others that may be written: one of them may stand behind
 * the same gate, and then its record says what the gate was before us. */
static void probe_fill_levers(struct probe_seat *seat, int32_t wanted)
{
    const struct profile *profile = seat->adapter.profile;
    struct conf_device *device = &seat->device;

    device->levers[device->lever_count++] =
        (struct conf_lever){ .row = wanted, .signal = profile->rows[wanted].signal, .lever = CORE_NONE };
    for (int32_t r = 0; r < profile->row_count && device->lever_count < DEVICE_LEVERS_MAX; r++)
        if (r != wanted && profile->rows[r].writable)
            device->levers[device->lever_count++] =
                (struct conf_lever){ .row = r, .signal = profile->rows[r].signal, .lever = CORE_NONE };
}

static void probe_order(struct probe *probe, struct probe_seat *seat, const struct probe_write *write)
{
    const struct profile_row *row = &seat->adapter.profile->rows[write->row];

    seat->adapter.orders.levers[0] = (struct device_order){
        .number = 1,
        .op = write->release ? DEVICE_OP_RELEASE : DEVICE_OP_SET,
        .value = write->value,
        .lease_end_us = INT64_MAX,
        .timeout_us = row->write.timeout != ROW_NONE ? write->timeout_us : 0,
    };
    regorder_step(&seat->dev, 0, probe_now_us(probe));
    while (seat->dev.levers[0].settling) {
        probe->io.ops->sleep_until_us(probe->io.arg, seat->dev.levers[0].verify_at_us);
        regorder_step(&seat->dev, 0, probe_now_us(probe));
    }
}

static void probe_write_row(struct probe *probe, struct probe_seat *seat, const struct probe_write *write,
                            struct probe_outcome *ret)
{
    const struct profile_row *row = &seat->adapter.profile->rows[write->row];
    uint16_t words[REGMAP_WORDS_MAX];
    double before;

    ret->status = regdev_identify(&seat->dev);
    if (ret->status != ST_OK)
        return;
    ret->status = regdev_read(&seat->dev, row, words, &before);
    if (ret->status != ST_OK)
        return;
    ret->before = before;
    probe_order(probe, seat, write);
    ret->status = seat->adapter.state.acks[0].status;
    ret->readback = seat->adapter.state.acks[0].readback;
}

void probe_write(struct probe *probe, int32_t address, const struct profile *profile,
                 const struct probe_write *write, struct probe_outcome *ret)
{
    const struct profile_row *row = &profile->rows[write->row];
    struct probe_seat *seat = probe_seat_new(address, profile);

    *ret = (struct probe_outcome){ .status = ST_NOMEM, .before = NAN, .readback = NAN };
    if (!seat)
        return;
    (void)snprintf(seat->device.name, sizeof seat->device.name, "%.*s", (int)sizeof seat->device.name - 1,
                   write->device);
    (void)snprintf(seat->conf.state_dir, sizeof seat->conf.state_dir, "%.*s", CONF_PATH_MAX - 1,
                   write->state_dir);
    probe_fill_levers(seat, write->row);
    ret->status = probe_seat_start(probe, seat);
    if (ret->status == ST_OK) {
        probe_write_row(probe, seat, write, ret);
        probe_copy_device(seat, &ret->device);
        ret->recorded = originals_find(write->state_dir, write->device, ret->device.serial,
                                       signal_name(row->signal), row->index, &ret->original);
        if (write->release && ret->recorded && ret->status == ST_OK &&
            field_original_forget(write->state_dir, &ret->original) != ST_OK)
            ret->status = ST_SYS; /* put back, and a later release would do it again */
    }
    probe_seat_free(seat);
}
