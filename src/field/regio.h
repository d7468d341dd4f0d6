/* SPDX-License-Identifier: Apache-2.0 */
/* regio.h: single transactions on a line of register devices.
 *
 * Between what to read (regdev.c, regorder.c) and how the bus does it (mbus.c,
 * pmbus.c, a test's fake). Keeps the line's rest between transactions, tries
 * again where that is safe, counts and times. Runs on the line's worker.
 */
#ifndef BUSBAR_FIELD_REGIO_H
#define BUSBAR_FIELD_REGIO_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/conf.h"
#include "busbar/device.h"
#include "busbar/field.h"
#include "reglat.h"

/* What one transaction is about. */
struct regio_target {
    int32_t unit;                      /* Modbus unit or 7-bit SMBus address         */
    const struct profile *profile;
    const struct profile_row *row;     /* the first row: its table and type          */
    int32_t address;                   /* register or command                        */
    int32_t words;                     /* 1 to REGMAP_WORDS_MAX                      */
    struct reglat *lat;                /* how fast the device is: learned here; NULL: the bus's time-out */
    int64_t timeout_us;                /* filled by regio.c                          */
    bool probe;                        /* is it there? What few answers tell of its pace will do */
    bool answered;                     /* tried again only if the last try was answered, on a serial line */
    const uint8_t *request;            /* PMBus process call: what goes out first; NULL: none */
    int32_t request_count;
};

#define REGIO_UNITS 256

/* One bus. read() and write() block for one transaction at most. They return
 * ST_TIMEOUT (no answer), ST_NACK (answered no), ST_ABSENT (read only: the device
 * has no such register), ST_CORRUPT (checksum or form), ST_REFUSED (not possible on
 * this bus) or ST_SYS (the line itself is gone: logged by them, once). */
struct regio_ops {
    enum status (*open)(void *arg);    /* logs the first of several failures; ST_BUSY: another holds it */
    void (*close)(void *arg);
    enum status (*read)(void *arg, const struct regio_target *target, uint16_t *words);
    enum status (*write)(void *arg, const struct regio_target *target, const uint16_t *words);
    /* Time on the wire of reading or writing so many words, both ways; NULL: not known. */
    int64_t (*wire_us)(void *arg, int32_t words, bool writing);
    int64_t (*now_us)(void *arg);
    int64_t (*wall_us)(void *arg);     /* since 1970; NULL: device clocks are left alone */
    void (*sleep_until_us)(void *arg, int64_t until_us);
    bool nack_is_silence;              /* nobody there looks like a refusal (SMBus)  */
    bool spans;                        /* neighbouring rows can be read at once      */
    bool rest_by_unit;                 /* gap_us is the device's own rest, not the line's */
    /* Optional. One row of each of several devices, taken by all at the same moment. Of a
     * failure nobody knows who took it. */
    enum status (*write_group)(void *arg, const struct regio_target *targets, const uint16_t *const *words,
                               int32_t count);
    /* Optional. Who calls for attention? ST_NACK: nobody. */
    enum status (*alert)(void *arg, int32_t *ret_unit);
};

struct regio {
    const struct regio_ops *ops;
    void *arg;
    const struct conf_bus *bus;
    int64_t gap_min_us;                /* the line's own rest between transactions   */
    bool open;
    int64_t rest_until_us;
    int64_t unit_rest_until_us[REGIO_UNITS];
    int64_t done_us;                   /* the last read or write of one device ended */
    int64_t answered_us;               /* the last answer of any device; INT64_MIN   */
    bool told;                         /* a mirror told of a module: one is to be published */
    bool in_doubt;                     /* of the last regio_read(): another answer of that form may follow */
    struct field_bus_stats stats;
};

/* Do answers carry nothing that says to what? A late one then looks like the next one's. */
bool regio_is_unnumbered(const struct regio *io);

/* Until when the device at `unit` rests while the line may go on with others; in the past where
 * rests are the line's. */
int64_t regio_rest_until_us(const struct regio *io, int32_t unit);

/* Is this how a device looks that is not there? */
bool regio_is_silence(const struct regio *io, enum status st);

/* Reads with up to `retries` more tries. *ret_taken_us: when the try began that was
 * answered. A serial line's frames carry no number, so there it is the first: its late
 * answer looks like the last one's, which may come yet (in_doubt). `state` gets its
 * counters. ST_SYS also while the line is closed. */
NODISCARD enum status regio_read(struct regio *io, struct device_state *state, const struct regio_target *target,
                                 int32_t retries, uint16_t *words, int64_t *ret_taken_us);

/* Writes once: whether to write again is the caller's to find out. */
NODISCARD enum status regio_write(struct regio *io, struct device_state *state,
                                  const struct regio_target *target, const uint16_t *words);

/* Writes to several devices at once; `states` are theirs. */
NODISCARD enum status regio_write_group(struct regio *io, struct device_state *const *states,
                                        const struct regio_target *targets, const uint16_t *const *words,
                                        int32_t count);

/* Asks who calls for attention. ST_REFUSED: no such thing here. */
NODISCARD enum status regio_alert(struct regio *io, int32_t *ret_unit);

#endif
