/* SPDX-License-Identifier: Apache-2.0 */
/* regdev.c: one register device: who it is, and whether it is there.
 *
 * Owns the device's rows in polling order. Runs on the line's worker; waits for
 * the bus, one transaction at a time. Logs one line when the device falls silent
 * and one when it is back.
 */
#include "regdev.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "busbar/log.h"
#include "pmbus_command.h"
#include "pmbus_setup.h"
#include "pmbus_status.h"
#include "regmirror.h"

#define REGDEV_FAILURES_MAX 3
#define REGDEV_PROBE_LONG 6           /* every so many a probe waits as long as the bus may */
#define REGDEV_PROBE_FIRST_US INT64_C(500000)
#define REGDEV_PROBE_LAST_US INT64_C(5000000)
#define REGDEV_PROBE_SLOWER 4         /* so much longer is each pause than the one before */
#define REGDEV_PROBE_SHARE 25         /* so many time-outs apart: 5 %, with the wait for a late answer */
#define REGDEV_MATCH_BYTES 16         /* of a model text that no row describes       */
#define REGDEV_SPAN_DEFAULT 32
#define REGDEV_ENERGY_MAX_W 30000.0   /* of one device, where its row does not say         */
#define REGDEV_STATUS_TEXT 256

static int64_t regdev_now_us(const struct regdev *dev)
{
    return dev->io->ops->now_us(dev->io->arg);
}

static int32_t regdev_at(const struct profile_row *row)
{
    return row->command != ROW_NONE ? row->command : row->address;
}

/* ---- rows ---- */

static int32_t regdev_page(const struct regdev_row *r)
{
    return r->row->paged ? r->row->page : ROW_NONE;
}

static int regdev_order(const void *left, const void *right)
{
    const struct regdev_row *a = left, *b = right;

    if (a->row->table != b->row->table)
        return a->row->table < b->row->table ? -1 : 1;
    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    if (regdev_page(a) != regdev_page(b))
        return regdev_page(a) < regdev_page(b) ? -1 : 1;
    return a->words < b->words ? -1 : a->words > b->words;
}

static void regdev_add(struct regdev *dev, const struct profile_row *row, int32_t reading, enum poll_class poll)
{
    struct regdev_row *r = &dev->rows[dev->row_count++];

    *r = (struct regdev_row){
        .row = row,
        .at = regdev_at(row),
        .words = regmap_words(row),
        .reading = reading,
        .poll = row->signal == SIGNAL_DEVICE_SERIAL ? POLL_SLOW : poll, /* a swap shows there */
        .due_us = INT64_MAX,
    };
}

static bool regdev_has(const struct regdev *dev, const struct profile_row *row)
{
    for (int32_t i = 0; i < dev->row_count; i++)
        if (dev->rows[i].row == row)
            return true;
    return false;
}

static bool regdev_is_identity(const struct profile_row *row)
{
    return row->type == ROW_TEXT && (row->signal == SIGNAL_DEVICE_SERIAL || row->signal == SIGNAL_DEVICE_MODEL ||
                                     row->signal == SIGNAL_DEVICE_FIRMWARE);
}

/* Registers that the profile describes are there to be read along, polled or not. */
static int32_t regdev_covered(const struct profile *profile, const struct regdev_row *r)
{
    int32_t end = r->at + r->words, before = end - 1;

    while (before != end) {
        before = end;
        for (int32_t i = 0; i < profile->row_count; i++) {
            const struct profile_row *row = &profile->rows[i];
            int32_t over = regdev_at(row) + regmap_words(row);

            if (row->table == r->row->table && regdev_at(row) <= end && over > end)
                end = over;
        }
    }
    return end;
}

static void regdev_init_rows(struct regdev *dev)
{
    const struct conf_device *conf = dev->adapter->device;

    for (int32_t i = 0; i < conf->reading_count; i++)
        regdev_add(dev, &dev->profile->rows[conf->readings[i].row], i, conf->readings[i].poll);
    for (int32_t i = 0; i < dev->profile->row_count; i++) {
        const struct profile_row *row = &dev->profile->rows[i];

        if (regdev_is_identity(row) && !regdev_has(dev, row))
            regdev_add(dev, row, CORE_NONE, POLL_ONCE);
        if (row->type == ROW_TEXT && row->signal == SIGNAL_DEVICE_SERIAL && !dev->serial)
            dev->serial = row;
    }
    qsort(dev->rows, (size_t)dev->row_count, sizeof *dev->rows, regdev_order);
    for (int32_t i = 0; i < dev->row_count; i++)
        dev->rows[i].covered = regdev_covered(dev->profile, &dev->rows[i]);
}

static void regdev_init_match(struct regdev *dev)
{
    const struct profile *p = dev->profile;

    dev->has_match = p->match_address != ROW_NONE || p->match_command != ROW_NONE;
    dev->match = (struct profile_row){
        .address = p->match_address,
        .command = p->match_command,
        .type = ROW_TEXT,
        .text_bytes = REGDEV_MATCH_BYTES,
        .signal = SIGNAL_DEVICE_MODEL,
    };
    for (int32_t i = 0; i < p->row_count; i++)
        if (p->rows[i].type == ROW_TEXT && p->rows[i].address == p->match_address &&
            p->rows[i].command == p->match_command)
            dev->match = p->rows[i];
}

void regdev_relearn(struct regdev *dev)
{
    int32_t most = dev->profile->span_max > 0 ? dev->profile->span_max : REGDEV_SPAN_DEFAULT;

    dev->span_max = most < REGMAP_WORDS_MAX ? most : REGMAP_WORDS_MAX;
    dev->relearn_at_us = INT64_MAX;
    for (int32_t i = 0; i < dev->row_count; i++)
        dev->rows[i].wall = false;
}

static void regdev_forget_spans(struct regdev *dev)
{
    regdev_relearn(dev);
    reglat_forget(&dev->lat);
    dev->learning = dev->learn_absent = false;
    for (int32_t i = 0; i < dev->row_count; i++) {
        dev->rows[i].state = REGDEV_ROW_GOOD;
        dev->rows[i].nacks = 0;
        dev->rows[i].doubted = false;
        dev->rows[i].seen = false;
        dev->rows[i].energy = (struct pmbus_energy){ .known = false };
        dev->rows[i].status_known = false;
    }
}

/* What a PMBus device says of itself goes into a profile of its own. */
static enum status regdev_init_own(struct regdev *dev)
{
    const struct profile *profile = dev->adapter->profile;

    dev->pmbus = pmbus_setup_is_pmbus(profile);
    if (!dev->pmbus)
        return ST_OK;
    dev->own = *profile;
    dev->own.rows = calloc((size_t)profile->row_count + 1, sizeof *dev->own.rows);
    if (!dev->own.rows)
        return ST_NOMEM;
    memcpy(dev->own.rows, profile->rows, (size_t)profile->row_count * sizeof *profile->rows);
    dev->profile = &dev->own;
    return ST_OK;
}

enum status regdev_init(struct regdev *dev, struct regio *io, struct adapter *adapter)
{
    size_t room = (size_t)(adapter->device->reading_count + adapter->profile->row_count + 1);

    memset(dev, 0, sizeof *dev);
    dev->io = io;
    dev->adapter = adapter;
    dev->profile = adapter->profile;
    dev->vout_exponent = REGMAP_NO_EXPONENT;
    dev->jitter = (uint32_t)adapter->index * 2654435761u + 1u;
    dev->probed_us = INT64_MIN / 2;
    dev->rows = calloc(room, sizeof *dev->rows);
    if (!dev->rows || regdev_init_own(dev) != ST_OK) {
        regdev_done(dev);
        return ST_NOMEM;
    }
    regdev_init_rows(dev);
    regdev_init_match(dev);
    regdev_forget_spans(dev);
    return ST_OK;
}

void regdev_done(struct regdev *dev)
{
    free(dev->rows);
    free(dev->own.rows);
    dev->rows = NULL;
    dev->own.rows = NULL;
}

/* ---- there or not ---- */

void regdev_set_due(struct regdev *dev, struct regdev_row *row, int64_t due_us)
{
    row->due_us = due_us;
    dev->due.until_us = dev->due.from_us;
}

void regdev_start(struct regdev *dev, int64_t now_us)
{
    dev->failures = 0;
    dev->silent = false;
    dev->identify = true;
    dev->identify_at_us = now_us;
    regdev_relearn(dev); /* it may have got other firmware meanwhile */
    for (int32_t i = 0; i < dev->row_count; i++) {
        struct regdev_row *r = &dev->rows[i];

        regdev_set_due(dev, r, r->poll == POLL_NEVER ? INT64_MAX : now_us);
        if (r->state == REGDEV_ROW_ABSENT)
            r->state = REGDEV_ROW_ALONE;
    }
}

void regdev_lost(struct regdev *dev, int64_t now_us)
{
    dev->adapter->state.reachable = false;
    for (int32_t i = 0; i < dev->row_count; i++)
        if (dev->rows[i].reading != CORE_NONE)
            adapter_reading(dev->adapter, dev->rows[i].reading, ST_SYS, NAN, now_us, now_us);
    adapter_publish(dev->adapter);
}

/* So many microseconds, give or take a fifth. */
static int64_t regdev_jittered_us(struct regdev *dev, int64_t base_us)
{
    dev->jitter = dev->jitter * 1664525u + 1013904223u;
    return base_us * 4 / 5 + base_us * 2 / 5 * (int64_t)(dev->jitter >> 16) / 65536;
}

static void regdev_fall_silent(struct regdev *dev, enum status st, int64_t now_us)
{
    dev->silent = true;
    dev->probes = 0;
    dev->probe_every_us = REGDEV_PROBE_FIRST_US;
    dev->probe_at_us = now_us + regdev_jittered_us(dev, dev->probe_every_us);
    LOG(WARNING, dev->adapter->device->name, "does not answer (%s): only probed from now on", status_label(st));
}

void regdev_heard(struct regdev *dev, enum status st)
{
    struct device_state *state = &dev->adapter->state;
    int64_t now_us = regdev_now_us(dev);

    if (st == ST_SYS || st == ST_BUSY || st == ST_REFUSED)
        return; /* the line's trouble, or a kernel driver's: the device was not spoken to */
    if (!regio_is_silence(dev->io, st)) {
        dev->failures = 0;
        state->reachable = true;
        if (dev->silent) {
            LOG(NOTICE, dev->adapter->device->name, "answers again");
            reglat_forget(&dev->lat);
            regdev_start(dev, now_us);
        }
        return;
    }
    state->reachable = false;
    dev->failures++;
    if (!dev->identify) {
        dev->identify = true; /* it may have been pulled: nothing is written before it is known again */
        dev->identify_at_us = now_us;
    }
    if (!dev->silent && dev->failures >= REGDEV_FAILURES_MAX)
        regdev_fall_silent(dev, st, now_us);
}

/* An answer that is on its way still would be taken for that of the next read of the same
 * form. Questions of other forms come first: a device answers in order, so what is late is
 * over when they are. */
void regdev_doubt(struct regdev *dev, enum status st)
{
    if (!regio_is_unnumbered(dev->io) || !(dev->io->in_doubt || st == ST_TIMEOUT || st == ST_CORRUPT))
        return;
    dev->owed = dev->has_match || dev->serial;
    if (dev->identify)
        return;
    dev->identify = true;
    dev->identify_at_us = regdev_now_us(dev);
}

int32_t regdev_retries(const struct regdev *dev)
{
    return dev->failures > 0 ? 0 : dev->io->bus->retry_max;
}

static struct regio_target regdev_target(struct regdev *dev, const struct profile_row *row)
{
    return (struct regio_target){
        .unit = dev->adapter->device->address,
        .profile = dev->profile,
        .row = row,
        .address = regdev_at(row),
        .words = regmap_words(row),
        .lat = &dev->lat,
    };
}

void regdev_probe(struct regdev *dev)
{
    int64_t longest_us = REGDEV_PROBE_SHARE * dev->io->bus->timeout_us;
    const struct profile_row *row = dev->has_match ? &dev->match : dev->row_count > 0 ? dev->rows[0].row : NULL;
    uint16_t words[REGMAP_WORDS_MAX];
    struct regio_target target;
    int64_t now_us = regdev_now_us(dev), taken_us;

    longest_us = longest_us > REGDEV_PROBE_LAST_US ? longest_us : REGDEV_PROBE_LAST_US;
    dev->probe_every_us *= REGDEV_PROBE_SLOWER;
    dev->probe_every_us = dev->probe_every_us < longest_us ? dev->probe_every_us : longest_us;
    dev->probed_us = now_us;
    dev->probe_at_us = now_us + regdev_jittered_us(dev, dev->probe_every_us);
    if (!row)
        return;
    target = regdev_target(dev, row);
    target.probe = true;
    if (++dev->probes % REGDEV_PROBE_LONG == 0)
        target.lat = NULL; /* it may be there and slower than it was */
    regdev_heard(dev, regio_read(dev->io, &dev->adapter->state, &target, 0, words, &taken_us));
}

enum status regdev_wake(struct regdev *dev, int64_t now_us)
{
    if (dev->silent && now_us - dev->probed_us >= REGDEV_PROBE_FIRST_US)
        regdev_probe(dev);
    return dev->silent ? ST_TIMEOUT : ST_OK;
}

/* ---- who it is ---- */

static void regdev_take_serial(struct regdev *dev, const char *text)
{
    struct device_state *state = &dev->adapter->state;
    bool changed = state->serial[0] != '\0' && strcmp(state->serial, text) != 0;

    if (changed) {
        LOG(NOTICE, dev->adapter->device->name, "is another device now: serial number %s, was %s", text,
            state->serial);
        state->identified = false;
        regdev_forget_spans(dev);
        dev->clock_next_us = 0;
        dev->looked_back = false;
        regdev_start(dev, regdev_now_us(dev));
    }
    memcpy(state->serial, text, strlen(text) + 1);
}

static void regdev_take_text(struct regdev *dev, const struct profile_row *row, const uint16_t *words)
{
    struct device_state *state = &dev->adapter->state;
    char text[DEVICE_TEXT_MAX];

    regmap_text(row, words, text, sizeof text);
    if (row->signal == SIGNAL_DEVICE_SERIAL)
        regdev_take_serial(dev, text);
    else if (row->signal == SIGNAL_DEVICE_MODEL)
        memcpy(state->model, text, sizeof text);
    else if (row->signal == SIGNAL_DEVICE_FIRMWARE)
        memcpy(state->firmware, text, sizeof text);
}

/* Joules where the row's signal has them, else the mean power. */
static enum status regdev_take_energy(struct regdev_row *row, const uint16_t *words, int64_t taken_us, double *ret)
{
    bool joules = strcmp(signal_unit(row->row->signal), "J") == 0;
    struct pmbus_energy_scale scale = {
        .wrap = row->row->wrap, .direct = row->row->direct, .scale = row->row->scale, .offset = row->row->offset,
        .power_max_w = row->row->power_max_w,
    };
    uint8_t bytes[2 * REGMAP_WORDS_MAX];
    struct pmbus_energy_count count;
    enum status st;

    if (scale.power_max_w <= 0.0)
        scale.power_max_w = joules ? REGDEV_ENERGY_MAX_W : signal_max(row->row->signal);
    st = pmbus_energy_parse(bytes, regmap_bytes(row->row, words, bytes), &count);

    if (st == ST_OK)
        st = pmbus_energy_step(&row->energy, &scale, &count, taken_us);
    if (st == ST_NONE && joules)
        st = ST_OK; /* nothing yet is a number of joules */
    *ret = joules ? row->energy.joules : row->energy.mean_w;
    return st;
}

/* The rows of a status command are next, but those that the device has not. */
static void regdev_hurry(struct regdev *dev, int32_t command, int64_t now_us)
{
    for (int32_t i = 0; i < dev->row_count; i++) {
        struct regdev_row *r = &dev->rows[i];

        if (pmbus_status_command(r->row->signal) == command && r->due_us > now_us && r->state != REGDEV_ROW_ABSENT)
            regdev_set_due(dev, r, now_us);
    }
}

/* What STATUS_WORD has newly to say stands in another register. */
static void regdev_follow(struct regdev *dev, uint32_t fresh)
{
    const struct pmbus_status_bit *bits[PMBUS_STATUS_NAMES_MAX];
    int32_t count = pmbus_status_bits(PMBUS_STATUS_WORD, fresh, bits);

    for (int32_t i = 0; i < count; i++)
        if (pmbus_status_detail(bits[i]) >= 0)
            regdev_hurry(dev, pmbus_status_detail(bits[i]), regdev_now_us(dev));
}

/* Edges of what a status says are events; levels are the reading. Of communication our own
 * questions for commands it lacks are the most of it, so that is no event. */
static void regdev_take_status(struct regdev *dev, struct regdev_row *row, double value)
{
    int32_t command = pmbus_status_command(row->row->signal);
    uint32_t now = (uint32_t)value, before = row->status_known ? row->status : 0;
    char text[REGDEV_STATUS_TEXT];

    if (command < 0)
        return;
    if (command == PMBUS_STATUS_WORD && row->status_known)
        regdev_follow(dev, now & ~before);
    row->status = now;
    row->status_known = true;
    now = pmbus_status_faults((uint8_t)command, now);
    before = pmbus_status_faults((uint8_t)command, before);
    if (command == PMBUS_STATUS_CML || now == before)
        return;
    pmbus_status_text(row->row->signal, now & ~before, text, (int32_t)sizeof text);
    if (text[0] != '\0')
        EVENT(EV_DEVICE_FAULT, dev->adapter->device->name, "%s", text);
    pmbus_status_text(row->row->signal, before & ~now, text, (int32_t)sizeof text);
    if (text[0] != '\0')
        EVENT(EV_DEVICE_FAULT_OVER, dev->adapter->device->name, "no more: %s", text);
}

void regdev_alert(struct regdev *dev, int64_t now_us)
{
    LOG(NOTICE, dev->adapter->device->name, "calls for attention (SMBALERT#)");
    for (int32_t command = PMBUS_STATUS_WORD; command <= PMBUS_STATUS_FANS_3_4; command++)
        regdev_hurry(dev, command, now_us);
}

void regdev_deliver(struct regdev *dev, struct regdev_row *row, enum status st, const uint16_t *words,
                    int64_t taken_us)
{
    double value = 0.0; /* a text has none: it is in the state by its name */

    if (st == ST_OK) {
        row->seen = true;
        row->nacks = 0;
        row->doubted = false;
        if (row->row->type == ROW_TEXT)
            regdev_take_text(dev, row->row, words);
        else if (row->row->type == ROW_ENERGY)
            st = regdev_take_energy(row, words, taken_us, &value);
        else if (row->row->type != ROW_BLOCK)
            st = regmap_decode(row->row, words, dev->vout_exponent, &value);
        if (st == ST_OK)
            regdev_take_status(dev, row, value);
    }
    if (row->reading != CORE_NONE && st != ST_STALE) /* then the last value and its age stay */
        adapter_reading(dev->adapter, row->reading, st, value, taken_us, dev->io->done_us);
    if (row->to && st == ST_OK)
        regmirror_pass(dev, row, value, taken_us);
}

/* Is the model the profile's? ST_REFUSED: no, and it was said once. */
static enum status regdev_check_model(struct regdev *dev)
{
    struct device_state *state = &dev->adapter->state;
    uint16_t words[REGMAP_WORDS_MAX];
    enum status st = ST_REFUSED;

    if (dev->has_match) {
        st = regdev_read(dev, &dev->match, words, NULL);
        if (regio_is_silence(dev->io, st) || st == ST_SYS || st == ST_BUSY || st == ST_NACK)
            return st; /* refused for now: that says nothing of who it is */
        if (st == ST_OK)
            regmap_text(&dev->match, words, state->model, sizeof state->model);
        st = st == ST_OK && fnmatch(dev->profile->match_text, state->model, 0) == 0 ? ST_OK : ST_REFUSED;
    }
    if (st == ST_REFUSED && !dev->stranger)
        LOG(WARNING, dev->adapter->device->name, "model \"%s\" is not what profile %s is for (%s): read, never written",
            state->model, dev->profile->name, dev->has_match ? dev->profile->match_text : "it matches none");
    dev->stranger = st == ST_REFUSED;
    return st;
}

static enum status regdev_check_serial(struct regdev *dev)
{
    uint16_t words[REGMAP_WORDS_MAX];
    enum status st = ST_OK;

    if (dev->serial)
        st = regdev_read(dev, dev->serial, words, NULL);
    for (int32_t i = 0; i < dev->row_count && st != ST_OK; i++)
        if (dev->rows[i].row == dev->serial && dev->rows[i].state == REGDEV_ROW_ABSENT)
            st = ST_OK; /* it has none: its originals are kept for the place */
    return st;
}

enum status regdev_identify(struct regdev *dev)
{
    struct device_state *state = &dev->adapter->state;
    const struct conf_bus *bus = dev->io->bus;
    enum status st = dev->pmbus ? pmbus_setup_pec(dev) : ST_OK, formats;

    if (st == ST_OK)
        st = regdev_check_model(dev);
    if (st == ST_OK)
        st = regdev_check_serial(dev);
    if (dev->pmbus && (st == ST_OK || st == ST_REFUSED)) { /* a stranger is read too */
        formats = pmbus_setup_formats(dev);
        st = formats == ST_OK ? st : formats;
    }
    if (st == ST_OK || st == ST_REFUSED)
        state->identified = st == ST_OK;
    if (!regio_is_silence(dev->io, st) && st != ST_SYS && st != ST_BUSY)
        dev->owed = false;
    dev->identify = st != ST_OK;
    dev->identify_at_us = regdev_now_us(dev) + (st == ST_REFUSED || st == ST_NACK ? bus->slow_us : bus->fast_us);
    return st;
}

/* ---- single rows ---- */

/* One answer alone says nothing: what was just made of it and those before. */
static enum status regdev_energy_value(const struct regdev *dev, const struct profile_row *row, double *ret)
{
    for (int32_t i = 0; i < dev->row_count; i++) {
        const struct device_reading *reading;

        if (dev->rows[i].row != row || dev->rows[i].reading == CORE_NONE)
            continue;
        reading = &dev->adapter->state.readings[dev->rows[i].reading];
        if (reading->status == ST_OK)
            *ret = reading->value;
        return reading->status;
    }
    return ST_RANGE;
}

enum status regdev_read(struct regdev *dev, const struct profile_row *row, uint16_t *words, double *value)
{
    struct regio_target target = regdev_target(dev, row);
    int64_t taken_us = 0;
    enum status st;

    target.answered = !dev->identify; /* single registers are all of one form */
    st = regio_read(dev->io, &dev->adapter->state, &target, regdev_retries(dev), words, &taken_us);
    regdev_heard(dev, st);
    if (!dev->identify)
        regdev_doubt(dev, st);
    if (st != ST_OK)
        return st;
    for (int32_t i = 0; i < dev->row_count; i++)
        if (dev->rows[i].row == row)
            regdev_deliver(dev, &dev->rows[i], st, words, taken_us);
    if (!value)
        return ST_OK;
    return row->type == ROW_ENERGY ? regdev_energy_value(dev, row, value)
                                   : regmap_decode(row, words, dev->vout_exponent, value);
}

enum status regdev_write(struct regdev *dev, const struct profile_row *row, const struct regmap_raw *raw)
{
    struct regio_target target = regdev_target(dev, row);
    enum status st;

    if (row->command == ROW_NONE && row->table == ROW_INPUT)
        return ST_REFUSED;
    st = regio_write(dev->io, &dev->adapter->state, &target, raw->words);
    regdev_heard(dev, st);
    return st;
}
