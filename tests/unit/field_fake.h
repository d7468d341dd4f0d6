/* SPDX-License-Identifier: Apache-2.0 */
/* field_fake.h: a line of register devices that is not there, in time of its own.
 *
 * A transaction takes 2 ms, an unanswered one the bus's time-out; nothing else moves
 * the clock. What went over the line is kept in order. For tests of src/field only.
 */
#ifndef BUSBAR_TEST_FIELD_FAKE_H
#define BUSBAR_TEST_FIELD_FAKE_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "field/adapter.h"
#include "field/regline.h"

#define FAKE_UNITS 4
#define FAKE_REGISTERS 0x200
#define FAKE_LOG 4096
#define FAKE_ANSWER_US 2000

struct fake_unit {
    uint16_t registers[FAKE_REGISTERS];
    bool exists[FAKE_REGISTERS];
    bool frozen[FAKE_REGISTERS];       /* writes are answered and do nothing      */
    int32_t read_max;                  /* longer reads are refused; 0: any        */
    bool silent;
    int32_t corrupt_in;                /* the n-th transaction from now is garbled */
    int32_t lose_answer_in;            /* the n-th is done, but not answered      */
    int32_t garble_answer_in;          /* the n-th is done, and its answer garbled */
    int32_t ignore_in;                 /* the n-th is neither done nor answered   */
    bool busy;                         /* everything gets another exception       */
    int32_t refuse_write_at;           /* writes there get another exception; -1  */
    int32_t gate_at;                   /* bit 0 there lets others be written; 0: none */
    bool gate_ignores;                 /* closed, it takes writes and does nothing, else refuses */
    int64_t slow_us;                   /* longer than the others take              */
};

struct fake_entry {
    int64_t at_us, took_us;
    int32_t unit, address, words;
    bool write;
    uint16_t first;
    enum status status;
};

struct fake {
    int64_t now_us;
    bool gone, refuse_open;
    int opens;
    struct fake_unit units[FAKE_UNITS];
    int32_t count;
    struct fake_entry log[FAKE_LOG];
    /* what field.c makes */
    struct conf conf;
    struct conf_bus bus;
    struct profile profile;
    const struct profile *own[FAKE_UNITS]; /* of one device; NULL: `profile`        */
    int64_t wall_ahead_us;                 /* of now_us; 0: no wall clock           */
    struct conf_device devices[FAKE_UNITS];
    struct adapter adapters[FAKE_UNITS];
    struct adapter *list[FAKE_UNITS];
    struct mailbox *stats;
    struct regio_ops ops;
    struct regline *line;
    struct device_orders orders[FAKE_UNITS];
    int64_t next_us;
};

static enum status fake_open(void *arg)
{
    struct fake *f = arg;

    f->opens++;
    return f->refuse_open ? ST_SYS : ST_OK;
}

static void fake_close(void *arg)
{
    (void)arg;
}

static struct fake_entry *fake_note(struct fake *f, const struct regio_target *t, bool write, uint16_t first)
{
    struct fake_entry *e = &f->log[f->count < FAKE_LOG - 1 ? f->count++ : FAKE_LOG - 1];

    *e = (struct fake_entry){
        .at_us = f->now_us, .unit = t->unit, .address = t->address, .words = t->words, .write = write, .first = first,
    };
    return e;
}

static bool fake_due(int32_t *in)
{
    return *in > 0 && --*in == 0;
}

static enum status fake_transact(struct fake *f, const struct regio_target *t, uint16_t *in, const uint16_t *out)
{
    struct fake_unit *u = &f->units[t->unit - 1];
    bool ignored = fake_due(&u->ignore_in), unanswered = fake_due(&u->lose_answer_in);
    bool garbled = fake_due(&u->garble_answer_in);

    if (f->gone)
        return ST_SYS;
    if (f->ops.nack_is_silence && u->silent) {
        f->now_us += FAKE_ANSWER_US;
        return ST_NACK;
    }
    if (u->silent || ignored) {
        f->now_us += t->timeout_us > 0 ? t->timeout_us : f->bus.timeout_us;
        return ST_TIMEOUT;
    }
    f->now_us += FAKE_ANSWER_US + u->slow_us;
    if (t->timeout_us > 0 && FAKE_ANSWER_US + u->slow_us > t->timeout_us)
        return ST_TIMEOUT;
    if (fake_due(&u->corrupt_in))
        return ST_CORRUPT;
    if (u->read_max > 0 && in && t->words > u->read_max)
        return ST_ABSENT;
    for (int32_t i = 0; i < t->words; i++)
        if (t->address + i >= FAKE_REGISTERS || !u->exists[t->address + i])
            return f->ops.nack_is_silence ? ST_NACK : ST_ABSENT;
    if (u->busy || (out && u->refuse_write_at == t->address))
        return ST_NACK;
    if (out && u->gate_at > 0 && t->address != u->gate_at && !(u->registers[u->gate_at] & 1u))
        return u->gate_ignores ? ST_OK : ST_NACK;
    for (int32_t i = 0; i < t->words; i++) {
        if (in)
            in[i] = u->registers[t->address + i];
        else if (!u->frozen[t->address + i])
            u->registers[t->address + i] = out[i];
    }
    if (garbled)
        return ST_CORRUPT;
    if (unanswered) {
        f->now_us += f->bus.timeout_us;
        return ST_TIMEOUT;
    }
    return ST_OK;
}

static enum status fake_read(void *arg, const struct regio_target *t, uint16_t *words)
{
    struct fake_entry *e = fake_note(arg, t, false, 0);

    e->status = fake_transact(arg, t, words, NULL);
    e->took_us = ((struct fake *)arg)->now_us - e->at_us;
    return e->status;
}

static enum status fake_write(void *arg, const struct regio_target *t, const uint16_t *words)
{
    struct fake_entry *e = fake_note(arg, t, true, words[0]);

    e->status = fake_transact(arg, t, NULL, words);
    return e->status;
}

static int64_t fake_now_us(void *arg)
{
    return ((struct fake *)arg)->now_us;
}

static inline int64_t fake_wall_us(void *arg)
{
    struct fake *f = arg;

    return f->now_us + f->wall_ahead_us;
}

static void fake_sleep_until_us(void *arg, int64_t until_us)
{
    struct fake *f = arg;

    f->now_us = until_us > f->now_us ? until_us : f->now_us;
}

/* A line of `count` devices of f->profile; rows and the bus are set before. */
static inline void fake_start(struct fake *f, int32_t count)
{
    struct regline_options opt = { .arg = f, .bus = &f->bus, .adapter_count = count };

    f->ops = (struct regio_ops){
        .open = fake_open, .close = fake_close, .read = fake_read, .write = fake_write, .now_us = fake_now_us,
        .sleep_until_us = fake_sleep_until_us, .wall_us = f->wall_ahead_us != 0 ? fake_wall_us : NULL, .nack_is_silence = f->ops.nack_is_silence, .spans = f->ops.spans,
        .rest_by_unit = f->ops.rest_by_unit,
    };
    assert_int_equal(mailbox_new(sizeof(struct field_bus_stats), &f->stats), ST_OK);
    for (int32_t i = 0; i < count; i++) {
        struct conf_device *d = &f->devices[i];
        struct adapter *a = &f->adapters[i];

        (void)snprintf(d->name, sizeof d->name, "dev-%d", (int)i + 1);
        d->address = i + 1;
        *a = (struct adapter){ .conf = &f->conf, .device = d, .profile = f->own[i] ? f->own[i] : &f->profile, .index = i };
        assert_int_equal(adapter_init(a), ST_OK);
        f->list[i] = a;
    }
    opt.ops = &f->ops;
    opt.adapters = f->list;
    opt.stats = f->stats;
    assert_int_equal(regline_new(&opt, &f->line), ST_OK);
    f->next_us = f->now_us;
}

static inline void fake_stop(struct fake *f)
{
    regline_free(f->line);
    for (int32_t i = 0; i < FAKE_UNITS; i++)
        adapter_done(&f->adapters[i]);
    mailbox_free(f->stats);
}

/* Takes turns until so much time has passed. */
static inline void fake_run(struct fake *f, int64_t for_us)
{
    int64_t until_us = f->now_us + for_us;

    while (f->now_us < until_us) {
        int64_t next_us = regline_turn(f->line, f->now_us);

        f->now_us = next_us > f->now_us ? (next_us < until_us ? next_us : until_us) : f->now_us;
    }
}

static inline void fake_order(struct fake *f, int32_t device, int32_t lever, const struct device_order *order)
{
    f->orders[device].levers[lever] = *order;
    f->orders[device].sequence++;
    mailbox_put(f->adapters[device].from_tick, &f->orders[device]);
}

/* The n-th write to a register since entry `from`; NULL. */
static inline const struct fake_entry *fake_written(const struct fake *f, int32_t from, int32_t address, int32_t n)
{
    for (int32_t i = from; i < f->count; i++)
        if (f->log[i].write && f->log[i].address == address && n-- == 0)
            return &f->log[i];
    return NULL;
}

static inline int32_t fake_writes(const struct fake *f, int32_t from)
{
    int32_t writes = 0;

    for (int32_t i = from; i < f->count; i++)
        writes += f->log[i].write;
    return writes;
}

static inline void fake_text(struct fake_unit *u, int32_t at, int32_t words, const char *text)
{
    size_t length = strlen(text);

    for (int32_t i = 0; i < words; i++) {
        size_t a = (size_t)i * 2;
        unsigned high = a < length ? (unsigned char)text[a] : 0, low = a + 1 < length ? (unsigned char)text[a + 1] : 0;

        u->registers[at + i] = (uint16_t)(high << 8 | low);
        u->exists[at + i] = true;
    }
}

static inline void fake_put(struct fake_unit *u, int32_t at, uint16_t word)
{
    u->registers[at] = word;
    u->exists[at] = true;
}

#endif
