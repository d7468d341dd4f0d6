/* SPDX-License-Identifier: Apache-2.0 */
/* regpoll.c: which rows of a register device are read when, and how many at once.
 *
 * Owns nothing: the rows are the device's. Rows keep the phase of their class, so
 * that those of one class stay due together and go into one read. Runs on the
 * line's worker; a step waits for one read at most, the identification for four.
 */
#include "regpoll.h"

#include <math.h>

#include "regclock.h"
#include "regmirror.h"

#define REGPOLL_ABSENT_US INT64_C(600000000)  /* absent rows are tried again after  */
#define REGPOLL_BRIDGE_MAX 16                 /* registers without a row in a read  */
#define REGPOLL_NACKS_MAX 3                   /* refusals until a row is absent     */
#define REGPOLL_STATUS_CML 0x7E
#define REGPOLL_CML_COMMAND 0x80u             /* "invalid or unsupported command"   */

/* Rows first .. last, read as one. */
struct regpoll_span {
    int32_t first, last;
    int32_t words;
    bool single;               /* all rows are the same register                    */
};

static int64_t regpoll_period_us(const struct regdev *dev, const struct regdev_row *r)
{
    if (r->every_us > 0)
        return r->every_us;
    return r->poll == POLL_SLOW ? dev->io->bus->slow_us : dev->io->bus->fast_us;
}

/* Half a period late is early enough, and on a full line no turn is skipped. */
static int64_t regpoll_deadline_us(const struct regdev *dev, const struct regdev_row *r)
{
    return r->due_us + regpoll_period_us(dev, r) / 2;
}

/* Its late answers would be taken for those of rows: until it was known again. */
static bool regpoll_must_wait(const struct regdev *dev)
{
    return dev->owed && dev->identify;
}

/* Looks at the rows only where one was set anew, or became due. */
static const struct regdev_due *regpoll_due(struct regdev *dev, int64_t now_us)
{
    struct regdev_due due = { .from_us = now_us, .until_us = INT64_MAX, .next_us = INT64_MAX,
                              .deadline_us = INT64_MAX, .first = CORE_NONE };

    if (now_us >= dev->due.from_us && now_us < dev->due.until_us)
        return &dev->due;
    for (int32_t i = 0; i < dev->row_count; i++) {
        const struct regdev_row *r = &dev->rows[i];

        due.next_us = r->due_us < due.next_us ? r->due_us : due.next_us;
        if (r->due_us > now_us) {
            due.until_us = r->due_us < due.until_us ? r->due_us : due.until_us;
        } else if (regpoll_deadline_us(dev, r) < due.deadline_us) {
            due.deadline_us = regpoll_deadline_us(dev, r);
            due.first = i;
        }
    }
    dev->due = due;
    return &dev->due;
}

int64_t regpoll_next(struct regdev *dev, int64_t now_us, int64_t *ret_deadline_us)
{
    const struct regdev_due *due;
    int64_t next_us = INT64_MAX;

    *ret_deadline_us = INT64_MAX;
    if (dev->silent) {
        *ret_deadline_us = dev->probe_at_us + dev->io->bus->slow_us; /* the living first */
        return dev->probe_at_us;
    }
    if (dev->identify && dev->row_count > 0) {
        next_us = dev->identify_at_us;
        if (next_us <= now_us)
            *ret_deadline_us = next_us;
    }
    if (regpoll_must_wait(dev))
        return next_us;
    due = regpoll_due(dev, now_us);
    if (due->deadline_us < *ret_deadline_us)
        *ret_deadline_us = due->deadline_us;
    return due->next_us < next_us ? due->next_us : next_us;
}

static void regpoll_advance(struct regdev *dev, struct regdev_row *r, enum status st, int64_t now_us)
{
    int64_t period_us = regpoll_period_us(dev, r);

    if (r->due_us > now_us)
        return; /* came along with others: its own turn stays */
    if (st == ST_ABSENT)
        regdev_set_due(dev, r, now_us + REGPOLL_ABSENT_US);
    else if (st == ST_NACK && r->doubted)
        regdev_set_due(dev, r, now_us + dev->io->bus->fast_us); /* whatever its class is: is it absent? */
    else if (r->poll == POLL_ONCE && st == ST_OK)
        regdev_set_due(dev, r, INT64_MAX);
    else
        regdev_set_due(dev, r, r->due_us + period_us * (1 + (now_us - r->due_us) / period_us));
}

/* ---- what goes into one read ---- */

static bool regpoll_same_register(const struct regdev_row *a, const struct regdev_row *b)
{
    return a->row->table == b->row->table && a->at == b->at && a->words == b->words &&
           a->row->type == b->row->type && a->row->paged == b->row->paged && a->row->page == b->row->page &&
           a->state == b->state;
}

/* Where a read that grows row by row has come to. */
struct regpoll_reach {
    int32_t start, end;        /* registers: the first, and the one after the last   */
    int32_t covered;           /* up to here all of them have rows, polled or not    */
};

static struct regpoll_reach regpoll_reach_of(const struct regdev_row *first)
{
    return (struct regpoll_reach){ .start = first->at, .end = first->at + first->words, .covered = first->covered };
}

static void regpoll_reach_on(struct regpoll_reach *reach, const struct regdev_row *r)
{
    int32_t end = r->at + r->words;

    reach->end = end > reach->end ? end : reach->end;
    reach->covered = r->covered > reach->covered ? r->covered : reach->covered;
}

/* May the read go on to row `r`? */
static bool regpoll_reaches(const struct regdev *dev, const struct regdev_row *first,
                            const struct regpoll_reach *reach, const struct regdev_row *r)
{
    int32_t over = r->at + r->words;

    if (dev->learning)
        return false; /* until it is known why, nothing is joined */
    if (!dev->io->ops->spans || first->state != REGDEV_ROW_GOOD || r->state != REGDEV_ROW_GOOD ||
        r->row->table != first->row->table)
        return false;
    if (r->at > reach->end && (r->wall || r->at - reach->end > REGPOLL_BRIDGE_MAX ||
                               (r->at > reach->covered && !dev->profile->span_holes)))
        return false;
    return (over > reach->end ? over : reach->end) - reach->start <= dev->span_max;
}

/* Goes through rows that are not due, but ends at one that is. */
static struct regpoll_span regpoll_span(const struct regdev *dev, int32_t at, int64_t now_us)
{
    const struct regdev_row *first = &dev->rows[at];
    struct regpoll_span span = { .first = at, .last = at, .words = first->words, .single = true };
    struct regpoll_reach reach = regpoll_reach_of(first);

    for (int32_t i = at + 1; i < dev->row_count; i++) {
        const struct regdev_row *r = &dev->rows[i];

        if (regpoll_same_register(first, r)) {
            span.last = i;
            continue;
        }
        if (!regpoll_reaches(dev, first, &reach, r))
            break;
        regpoll_reach_on(&reach, r);
        if (r->due_us > now_us)
            continue;
        span.last = i;
        span.words = reach.end - reach.start;
        span.single = false;
    }
    return span;
}

/* ---- learning what the device has ---- */

static void regpoll_take_apart(struct regdev *dev, const struct regpoll_span *span, int64_t now_us)
{
    for (int32_t i = span->first; i <= span->last; i++) {
        struct regdev_row *r = &dev->rows[i];

        r->state = REGDEV_ROW_ALONE;
        if (r->due_us > now_us) /* due at once, but in the step of its class */
            regdev_set_due(dev, r, r->due_us - now_us <= regpoll_period_us(dev, r) ? r->due_us - regpoll_period_us(dev, r) : now_us);
    }
    dev->learning = true;
    dev->learn_first = span->first;
    dev->learn_last = span->last;
    dev->learn_words = span->words;
}

/* Walls where the refused read crossed registers without a row (`holes`), or registers whose
 * rows nobody tried because nobody polls them. False: it crossed none. */
static bool regpoll_build_walls(struct regdev *dev, bool holes)
{
    struct regpoll_reach reach = regpoll_reach_of(&dev->rows[dev->learn_first]);
    bool built = false;

    for (int32_t i = dev->learn_first + 1; i <= dev->learn_last; i++) {
        struct regdev_row *r = &dev->rows[i];

        if (r->at > reach.end && (r->at > reach.covered) == holes)
            r->wall = built = true;
        regpoll_reach_on(&reach, r);
    }
    return built;
}

/* Every row of the refused read was tried alone: what was it then? Holes, else registers of rows
 * that are not polled, else the number of registers. */
static void regpoll_learned(struct regdev *dev, int64_t now_us)
{
    for (int32_t i = 0; i < dev->row_count; i++)
        if (dev->rows[i].state == REGDEV_ROW_ALONE)
            return;
    if (dev->learning && !dev->learn_absent) {
        if (!regpoll_build_walls(dev, true) && !regpoll_build_walls(dev, false))
            dev->span_max = dev->learn_words > 2 ? dev->learn_words / 2 : 1;
        dev->relearn_at_us = now_us + REGPOLL_ABSENT_US;
    }
    dev->learning = dev->learn_absent = false;
}

/* On SMBus a command that the device lacks looks like a device that is not there: that its status
 * of communication is answered tells them apart. What stands there may be of another command, and
 * is not cleared: that would take from others what they have not seen. So a row is absent once it
 * was refused several times in a row. A block may also read as what a released wire does. */
static bool regpoll_is_refusal(const struct regdev *dev, const struct regdev_row *r, enum status st)
{
    return dev->io->ops->nack_is_silence && !r->seen &&
           (st == ST_NACK || (st == ST_CORRUPT && regmap_is_bytes(r->row)));
}

static enum status regpoll_refused(struct regdev *dev, struct regdev_row *r)
{
    static const struct profile_row cml = { .address = ROW_NONE, .command = REGPOLL_STATUS_CML, .type = ROW_U8 };
    struct regio_target target = {
        .unit = dev->adapter->device->address, .profile = dev->profile, .row = &cml,
        .address = REGPOLL_STATUS_CML, .words = 1,
    };
    uint16_t word = 0;
    int64_t taken_us;
    enum status st = regio_read(dev->io, &dev->adapter->state, &target, 0, &word, &taken_us);

    regdev_heard(dev, st);
    r->nacks++;
    r->doubted = st == ST_OK && (word & REGPOLL_CML_COMMAND);
    if (r->nacks >= REGPOLL_NACKS_MAX)
        return ST_ABSENT;
    return st == ST_SYS ? ST_SYS : ST_NACK;
}

static enum status regpoll_read(struct regdev *dev, const struct regpoll_span *span, uint16_t *words,
                                int64_t *ret_taken_us)
{
    struct regdev_row *first = &dev->rows[span->first];
    struct regio_target target = {
        .unit = dev->adapter->device->address, .profile = dev->profile, .row = first->row,
        .address = first->at, .words = span->words, .lat = &dev->lat,
    };
    enum status st = regio_read(dev->io, &dev->adapter->state, &target, regdev_retries(dev), words, ret_taken_us);

    if (regpoll_is_refusal(dev, first, st))
        return regpoll_refused(dev, first);
    regdev_heard(dev, st);
    regdev_doubt(dev, st);
    return st;
}

static void regpoll_outcome(struct regdev *dev, const struct regpoll_span *span, enum status st,
                            const uint16_t *words, int64_t taken_us, int64_t now_us)
{
    int32_t base = dev->rows[span->first].at;

    for (int32_t i = span->first; i <= span->last; i++) {
        struct regdev_row *r = &dev->rows[i];
        int64_t due_us = r->due_us;

        if (st != ST_OK && due_us > now_us)
            continue; /* nobody asked for it yet */
        if (st == ST_OK)
            r->state = REGDEV_ROW_GOOD;
        if (st == ST_ABSENT) {
            r->state = REGDEV_ROW_ABSENT;
            dev->learn_absent = true;
        }
        regpoll_advance(dev, r, st, now_us);
        regdev_deliver(dev, r, st, words + (r->at - base), taken_us);
    }
    if (span->single && (st == ST_OK || st == ST_ABSENT))
        regpoll_learned(dev, now_us);
}

void regpoll_step(struct regdev *dev, int64_t now_us)
{
    uint16_t words[REGMAP_WORDS_MAX];
    struct regpoll_span span;
    int64_t taken_us = now_us;
    int32_t first;
    enum status st;

    if (dev->silent) {
        regdev_probe(dev);
    } else if (dev->identify && dev->identify_at_us <= now_us) {
        /* An outcome that is no identity is in the state: nothing more to do. */
        if (regdev_identify(dev) == ST_SYS)
            return;
    } else if (!regpoll_must_wait(dev)) {
        if (now_us >= dev->relearn_at_us && !dev->learning)
            regdev_relearn(dev);
        first = regpoll_due(dev, now_us)->first;
        if (first == CORE_NONE)
            return;
        span = regpoll_span(dev, first, now_us);
        st = regpoll_read(dev, &span, words, &taken_us);
        if (st == ST_SYS)
            return; /* the line's turn to say so */
        if (st == ST_ABSENT && !span.single)
            regpoll_take_apart(dev, &span, now_us);
        else
            regpoll_outcome(dev, &span, st, words, taken_us, now_us);
    }
    adapter_publish(dev->adapter);
    if (!dev->io->open)
        return;
    regclock_step(dev);
    regmirror_step(dev);
}
