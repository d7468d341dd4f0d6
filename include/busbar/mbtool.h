/* SPDX-License-Identifier: Apache-2.0 */
/* mbtool.h: a Modbus line in the hands of a tool: who is there, and what do they keep.
 *
 * Reads only. Opens and locks the line itself, so no daemon may hold it. Every call
 * blocks; the settings a serial line had before are put back when it is closed.
 */
#ifndef BUSBAR_MBTOOL_H
#define BUSBAR_MBTOOL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "busbar/conf.h"
#include "busbar/device.h"
#include "busbar/mbframe.h"
#include "busbar/status.h"

struct mbtool;

/* ST_BUSY, ST_SYS: `error` (MBTOOL_ERROR_MAX, may be NULL) says why. `bus` is borrowed. */
#define MBTOOL_ERROR_MAX 352
NODISCARD enum status mbtool_new(const struct conf_bus *bus, char *error, struct mbtool **ret);
struct mbtool *mbtool_free(struct mbtool *tool);

/* ---- who is there ---- */

struct mbtool_speed {
    int32_t baud;
    char parity; /* 'E', 'N' or 'O'                                   */
};

#define MBTOOL_TEXTS 4

struct mbtool_scan {
    int32_t unit_first, unit_last;     /* 1 to 255                            */
    const struct mbtool_speed *speeds; /* tried in this order; one over TCP   */
    int32_t speed_count;
    const int32_t *texts; /* registers where a model may stand, of 8 words each; */
    int32_t text_count;   /* MBTOOL_TEXTS at most                */
    int64_t timeout_us;   /* of one probe; 0: 70 ms              */
};

/* Somebody who answered. */
struct mbtool_found {
    int32_t unit;
    struct mbtool_speed speed;
    enum status status; /* of the first probe: ST_OK, or ST_ABSENT or ST_NACK for an exception */
    char texts[MBTOOL_TEXTS][DEVICE_TEXT_MAX]; /* "" where there is none              */
};

struct mbtool_watch {
    void (*found)(void *arg, const struct mbtool_found *found);
    void (*progress)(void *arg, int32_t done, int32_t all); /* probes; may be NULL    */
    bool (*stop)(void *arg);                                /* may be NULL            */
    void *arg;
};

/* Asks every unit at every speed for its first registers, and whoever answers for its
 * texts. Nothing is written, so no device is left at another speed. A speed that the
 * line refuses (parity on a pty) is left out; *ret_refused counts them. ST_SYS: the line
 * is gone; ST_RANGE: the scan makes no sense. */
NODISCARD enum status mbtool_scan(struct mbtool *tool, const struct mbtool_scan *scan,
                                  const struct mbtool_watch *watch, int32_t *ret_refused);

/* ---- black boxes ---- */

struct mbtool_record {
    int32_t record;
    int32_t count; /* registers                           */
    uint16_t words[MBFRAME_FILE_MAX];
};

struct mbtool_file {
    int32_t unit, file;  /* file number from 1                  */
    int32_t first, most; /* records, from 0                     */
    int32_t words;       /* registers asked for in each, 1 to 120 */
    int32_t step;        /* from one record's number to the next */
};

struct mbtool_records {
    int32_t count;
    struct mbtool_record *list; /* malloc'ed                           */
    enum status end;            /* why it ends: ST_OK all of them, ST_ABSENT or ST_NACK by an exception */
    int32_t exception;          /* its code; 0: none                   */
};

/* Reads the records of one file (function 20) until the device refuses one. ST_OK where
 * at least one was read or the device refused in form; ST_TIMEOUT, ST_CORRUPT (after a
 * second try), ST_SYS. *ret is given to mbtool_records_done() on ST_OK. */
NODISCARD enum status mbtool_read_file(struct mbtool *tool, const struct mbtool_file *file,
                                       struct mbtool_records *ret);
void mbtool_records_done(struct mbtool_records *records);

/* One JSON document: {unit, file, records [{record, words [], text}], end, exception}. ST_SYS: it
 * could not be written. */
NODISCARD enum status mbtool_records_json(const struct mbtool_file *file,
                                          const struct mbtool_records *records, FILE *to);

#endif
