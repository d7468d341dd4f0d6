/* device.h: what a register row holds, and what an adapter says of a device.
 *
 * Types only. A profile (one file a device model) is rows; conf/profile.c
 * makes them, src/field uses them.
 */
#ifndef BUSBAR_DEVICE_H
#define BUSBAR_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/signals.h"
#include "busbar/status.h"

enum row_table { ROW_HOLDING, ROW_INPUT };

/* How the raw words of a row are read. Sizes in bytes on a PMBus device. */
enum row_type {
    ROW_U8,        /* PMBus byte                                        */
    ROW_U16,       /* one register, or a PMBus word                     */
    ROW_S16,
    ROW_U32,       /* two registers                                     */
    ROW_S32,
    ROW_U64,
    ROW_F32,       /* IEEE single in two registers                      */
    ROW_TEXT,      /* two characters a register, or a PMBus block       */
    ROW_LINEAR11,  /* PMBus: Y * 2^N, N in the top five bits            */
    ROW_ULINEAR16, /* PMBus: V * 2^N, N from VOUT_MODE                  */
    ROW_SLINEAR16, /* PMBus: the same, V signed (trim, calibration)     */
    ROW_DIRECT,    /* PMBus: (Y * 10^-R - b) / m, Y signed              */
    ROW_HALF,      /* PMBus: IEEE half                                  */
    ROW_VOUT,      /* PMBus: ULINEAR16, DIRECT or half, as VOUT_MODE says */
    ROW_SVOUT,     /* PMBus: the same, signed                           */
    ROW_ENERGY,    /* PMBus: READ_EIN, READ_EOUT: a block of six bytes  */
    ROW_BLOCK,     /* PMBus: a block as it is                           */
    ROW_TYPE_COUNT
};

/* Which word of a many-register value comes first. */
enum row_order { ROW_HIGH_WORD_FIRST, ROW_LOW_WORD_FIRST, ROW_BYTE_SWAPPED };

/* How often a row is read. Periods belong to the bus's configuration. */
enum poll_class { POLL_FAST, POLL_SLOW, POLL_ONCE, POLL_NEVER };

#define ROW_NONE (-1)
#define ROW_SOURCE_MAX 96

/* PMBus DIRECT: X = (Y * 10^-r - b) / m. m 0: not known. */
struct row_direct {
    double m, b;
    int32_t r;
};

/* What may be written to a row, in the signal's own unit. */
struct row_write {
    double min, max;       /* inclusive                                          */
    double step;           /* values are multiples of it, rounded down; 0: any   */
    int32_t gate;          /* row (bits) that must hold 1 first; ROW_NONE        */
    int32_t enable;        /* row (bits) set to 1 after the value; ROW_NONE      */
    int32_t timeout;       /* row that gets the lease length first; ROW_NONE     */
    int32_t readback;      /* row read to verify; itself by default              */
    int64_t settle_us;     /* wait between the write and the read-back           */
};

struct profile_row {
    int32_t line;            /* of the file, for messages                          */
    int32_t address;         /* Modbus register, or ROW_NONE                       */
    int32_t command;         /* PMBus command, or ROW_NONE                         */
    enum row_table table;
    enum row_type type;
    enum row_order order;
    int32_t bit_first;       /* bits bit_first .. bit_first + bit_count - 1 of the */
    int32_t bit_count;       /* word; bit_count 0: the whole word                  */
    bool inverted;           /* its bits say the opposite of what they are called  */
    uint32_t self_clearing;  /* bits forced to 0 when the word is written back     */
    int32_t text_bytes;      /* ROW_TEXT: longest text                             */
    double scale, offset;    /* value = raw * scale + offset                       */
    enum signal signal;
    int32_t index;           /* which of several alike (module, cell), from 1; 0: only one */
    enum poll_class poll;
    bool writable;
    struct row_write write;
    /* PMBus */
    bool paged;              /* PAGE is set to `page` for it, and put back           */
    int32_t page;            /* 0 to 254                                             */
    bool coefficients;       /* `direct` is asked of the device (COEFFICIENTS)       */
    struct row_direct direct; /* ROW_DIRECT; ROW_ENERGY: of the power; m 0: none      */
    bool has_exponent;       /* ROW_ULINEAR16, ROW_SLINEAR16: `exponent` counts, not */
    int32_t exponent;        /* the device's VOUT_MODE                               */
    double wrap;             /* ROW_ENERGY: what one count of its roll-over is worth */
    double power_max_w;      /* ROW_ENERGY: no mean is above; 0: as plausible        */
    char source[ROW_SOURCE_MAX];
};

#define PROFILE_ROWS_MAX 256
#define PROFILE_TEXT_MAX 64

struct profile {
    char name[PROFILE_TEXT_MAX];       /* of the file, without .yaml                */
    char model[PROFILE_TEXT_MAX];      /* for people                                */
    int32_t match_address;             /* Modbus register of the model text; ROW_NONE */
    int32_t match_command;             /* PMBus command of the model text; ROW_NONE */
    char match_text[PROFILE_TEXT_MAX]; /* shell pattern, as fnmatch(3)              */
    bool pec;                          /* PMBus: use packet error checking          */
    bool pec_auto;                     /* PMBus: if the device's CAPABILITY says so */
    bool page_plus;                    /* PMBus: pages by PAGE_PLUS_READ and _WRITE */
    bool group;                        /* PMBus: takes part in group commands       */
    int64_t write_gap_us;              /* PMBus: idle time after a write; gap_us at least */
    int64_t page_gap_us;               /* PMBus: idle time after a write of PAGE    */
    bool has_absent;                   /* PMBus: a word that reads `absent_word` is a */
    uint16_t absent_word;              /* command that the device has not           */
    bool has_config;                   /* PMBus: numbers hold only if the command   */
    bool config_is_word;               /* config_command reads config_value under   */
    int32_t config_command;            /* config_mask                               */
    uint16_t config_mask, config_value;
    int32_t span_max;                  /* Modbus: most registers in one read        */
    bool span_holes;                   /* Modbus: a read may cross registers without a row */
    int64_t gap_us;                    /* idle time the device needs between transactions */
    int64_t mirror_age_us;             /* its rows with an index tell of other devices, and are so old at most; 0: they are its own */
    int32_t baud;                      /* the book's serial line; for messages and defaults */
    char parity;                       /* 'E', 'N' or 'O'                            */
    int32_t row_count;
    struct profile_row *rows;
};

/* ---- what an adapter publishes, and what it is told ---- */

#define DEVICE_READINGS_MAX 160
#define DEVICE_LEVERS_MAX 32
#define DEVICE_TEXT_MAX 33

struct device_reading {
    double value;          /* valid when status is ST_OK                          */
    int64_t taken_us;      /* when the device was asked: the value is no younger  */
    int64_t arrived_us;    /* when the answer was there                           */
    enum status status;    /* ST_NONE until the first try                         */
    uint32_t sequence;     /* one more at each try                                */
};

/* How the last order for a lever went. */
struct device_ack {
    uint64_t number;       /* of the order this is about; 0: none yet             */
    enum status status;    /* ST_OK: written, and read back as ordered            */
    double readback;       /* NAN when it could not be read                       */
    int64_t dispatched_us; /* the write began                                     */
    int64_t done_us;       /* the outcome was known                               */
};

/* The whole state of one device, as its adapter knows it. */
struct device_state {
    uint32_t sequence;
    int32_t reading_count; /* in the order of the device's configured readings    */
    int32_t lever_count;   /* in the order of its configured levers               */
    bool reachable;        /* the last transaction was answered                   */
    bool identified;       /* the model matched its profile                       */
    char serial[DEVICE_TEXT_MAX];
    char model[DEVICE_TEXT_MAX];
    char firmware[DEVICE_TEXT_MAX];
    uint64_t transactions, timeouts, nacks, corrupt, refused; /* counters since start */
    struct device_ack acks[DEVICE_LEVERS_MAX];
    struct device_reading readings[DEVICE_READINGS_MAX]; /* last: a mailbox carries reading_count of them */
};

enum device_op {
    DEVICE_OP_NONE,    /* nothing wanted                                             */
    DEVICE_OP_SET,     /* hold `value`                                               */
    DEVICE_OP_RELEASE, /* put the original back: value, gate, enable and time-out    */
};

/* What is wanted of one lever: a state, so a skipped one is not missed. */
struct device_order {
    uint64_t number;       /* rises with each order of this lever                 */
    enum device_op op;
    double value;          /* in the signal's unit; for RELEASE the original      */
    int64_t lease_end_us;  /* not dispatched after this; INT64_MAX: stands        */
    int64_t timeout_us;    /* for the device's own time-out row; 0: it has none   */
};

struct device_orders {
    uint32_t sequence;
    bool writing;          /* the mode is one in which devices are written to            */
    struct device_order levers[DEVICE_LEVERS_MAX];
};

#endif
