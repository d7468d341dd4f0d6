/* SPDX-License-Identifier: Apache-2.0 */
/* regdev.h: one register device (Modbus or PMBus): who it is, and whether it is there.
 *
 * Tells who it is (model, serial number), passes on what it says, and leaves it
 * alone while it is silent. regpoll.c reads its rows when they are due, regorder.c
 * writes to it, regline.c chooses whose turn it is. Every call is for the line's
 * worker; time comes from the line's ops.
 */
#ifndef BUSBAR_FIELD_REGDEV_H
#define BUSBAR_FIELD_REGDEV_H

#include <stdbool.h>
#include <stdint.h>

#include "adapter.h"
#include "pmbus_energy.h"
#include "regio.h"
#include "regmap.h"

enum regdev_row_state {
    REGDEV_ROW_GOOD,     /* may be read together with its neighbours             */
    REGDEV_ROW_ALONE,    /* being learned: read by itself                        */
    REGDEV_ROW_ABSENT    /* the device does not have it; tried again now and then */
};

/* One row that is polled, in order of table and address. */
struct regdev_row {
    const struct profile_row *row;
    int32_t at;                  /* register or command                          */
    int32_t words;
    int32_t covered;             /* the first register after it that no row describes */
    int32_t reading;             /* position in the device's readings; CORE_NONE */
    enum poll_class poll;
    enum regdev_row_state state;
    bool wall;                   /* no read crosses the registers before it      */
    bool seen;                   /* answered since the device was found          */
    bool status_known;           /* of a status row: `status` was its last value */
    uint32_t status;
    int64_t due_us;              /* INT64_MAX: not again; set by regdev_set_due()   */
    int64_t every_us;            /* its own period; 0: that of its class         */
    struct regdev *to;           /* it tells of a row of this module; NULL       */
    int32_t to_row;
    int32_t nacks;               /* refusals in a row while it was never seen    */
    bool doubted;                /* and the device says that it lacks a command  */
    struct pmbus_energy energy;  /* ROW_ENERGY: what was added up                */
};

/* An order on its way: written, and to be read back when it has settled. */
struct regdev_lever {
    uint64_t number;
    bool settling;
    int64_t verify_at_us;
    int64_t taken_us, dispatched_us;
    double sent;                 /* the value as its raw form holds it           */
    bool gate_believed;          /* its gate was not looked at: it was open lately */
};

/* What of a device's rows is due, from `from_us` on and before `until_us`: a line asks all its
 * devices at each turn, and of most of them nothing has changed. regpoll.c finds it out. */
struct regdev_due {
    int64_t from_us, until_us;   /* equal: not known                             */
    int64_t next_us;             /* the earliest of all; INT64_MAX               */
    int64_t deadline_us;         /* the earliest of those that are due; INT64_MAX */
    int32_t first;               /* whose that is; CORE_NONE                     */
};

/* First what every turn of the line looks at in all its devices. */
struct regdev {
    struct regio *io;
    struct adapter *adapter;
    struct regdev_due due;
    int32_t settling;            /* levers whose written value is to be read back */
    bool silent;                 /* it missed so many commands: only probed      */
    bool identify;               /* to be found out before anything is written   */
    bool owed;                   /* answers may be late: rows wait for an identity  */
    bool publish;                /* its mirror told something new of it          */
    const struct profile *profile; /* `own` where it speaks PMBus, else the adapter's */
    struct profile own;          /* a copy whose rows say what the device says of itself */
    bool pmbus;
    bool said_pec, said_config, said_protect;
    int32_t row_count;
    struct regdev_row *rows;
    int32_t vout_exponent;       /* REGMAP_NO_EXPONENT: rows have their own      */
    bool has_match;
    struct profile_row match;    /* the row of the model text                    */
    const struct profile_row *serial;
    /* who is it */
    int64_t identify_at_us;
    bool stranger;               /* said so: another model                       */
    /* is it there */
    int32_t failures;            /* commands in a row without an answer          */
    int64_t probe_at_us, probed_us, probe_every_us;
    int32_t probes;
    uint32_t jitter;
    struct reglat lat;           /* how fast it answers                          */
    /* what reads it takes */
    int64_t relearn_at_us;       /* when longer reads are tried again            */
    int32_t span_max;
    bool learning, learn_absent;
    int32_t learn_first, learn_last, learn_words; /* rows of the read that was refused */
    struct regdev_lever levers[DEVICE_LEVERS_MAX];
    /* shelf controllers and their modules: regmirror.c */
    struct regdev *mirror;       /* who mirrors it; NULL                         */
    bool paused;                 /* a controller: by us, and to go on            */
    bool looked_back;
    /* regclock.c */
    int64_t clock_next_us;       /* not set again before                         */
    uint32_t clock_seen;
};

/* Borrows all three. ST_NOMEM. */
NODISCARD enum status regdev_init(struct regdev *dev, struct regio *io, struct adapter *adapter);
void regdev_done(struct regdev *dev);

/* The line is open, or the device came back: find out who it is, read everything. */
void regdev_start(struct regdev *dev, int64_t now_us);

/* When a row is to be read next; INT64_MAX: not again. */
void regdev_set_due(struct regdev *dev, struct regdev_row *row, int64_t due_us);

/* The line is gone: every reading says so. */
void regdev_lost(struct regdev *dev, int64_t now_us);

/* Finds out model and serial number now. ST_OK: it is the profile's model and the
 * device may be written to. ST_REFUSED: it is not. */
NODISCARD enum status regdev_identify(struct regdev *dev);

/* Before an order to a silent device: one try, at most every half second. */
NODISCARD enum status regdev_wake(struct regdev *dev, int64_t now_us);

/* One row now, words and value (NULL: not wanted); its reading gets it too. */
NODISCARD enum status regdev_read(struct regdev *dev, const struct profile_row *row, uint16_t *words,
                                  double *value);

/* One write of a row, once. */
NODISCARD enum status regdev_write(struct regdev *dev, const struct profile_row *row,
                                   const struct regmap_raw *raw);

/* What an answer, or none, means: a device that missed three commands in a row is
 * silent and only probed; one that answers again starts over. */
void regdev_heard(struct regdev *dev, enum status st);

/* Longer reads than it took so far may be tried again. */
void regdev_relearn(struct regdev *dev);

/* After a read that was tried again, or not answered: what may be late is waited for. */
void regdev_doubt(struct regdev *dev, enum status st);

/* One try of a silent device. */
void regdev_probe(struct regdev *dev);

/* A row's outcome becomes its reading, or the text it names. `words` on ST_OK only. */
void regdev_deliver(struct regdev *dev, struct regdev_row *row, enum status st, const uint16_t *words,
                    int64_t taken_us);

/* It called for attention (SMBALERT#): its status is read next. */
void regdev_alert(struct regdev *dev, int64_t now_us);

/* Tries after the first that a read of this device is worth now. */
int32_t regdev_retries(const struct regdev *dev);

#endif
