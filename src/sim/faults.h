/* SPDX-License-Identifier: Apache-2.0 */
/* faults.h: what is broken on purpose, device by device, and until when.
 *
 * The control socket puts faults in; the protocol servers ask before each
 * answer. A question costs one array look-up. Plain struct, no heap, one
 * thread; time is the plant's, set by faults_tick().
 *
 * Device names, counted from 1: bmc-NODE, psu-SHELF-SLOT, bbu-SHELF-SLOT,
 * psu-SHELF-SLOT-smbus (the same supply's SMBus side), pmm-psu-SHELF,
 * pmm-bbu-SHELF, line-SHELF (every answer on that Modbus line, or smbus-SHELF:
 * on that segment).
 */
#ifndef BUSBAR_SIM_FAULTS_H
#define BUSBAR_SIM_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/status.h"
#include "plant.h"

/* name, word on the control socket, what the device does */
#define FAULT_LIST(X)                                                                                        \
    X(FAULT_SILENT, "silence", "does not answer (BMC: takes the connection, then nothing)")                  \
    X(FAULT_BAD_CRC, "crc", "answers with a wrong CRC or PEC")                                               \
    X(FAULT_EXCEPTION, "exception", "answers with exception `value` (6), SMBus: NACK")                       \
    X(FAULT_SLOW, "slow", "answers `value` ms (1000) later than it would")                                   \
    X(FAULT_STUCK, "stuck", "power and current readings stand still; settings still work")                   \
    X(FAULT_HTTP_503, "503", "BMC: answers 503 with Retry-After `value` s (1)")                              \
    X(FAULT_HTTP_401, "401", "BMC: answers 401; sessions are forgotten")                                     \
    X(FAULT_DROP, "drop", "BMC: closes the connection without an answer, after acting")                      \
    X(FAULT_IGNORE_WRITE, "not_applied", "accepts a write and keeps its old value")                          \
    X(FAULT_ARBITRATION, "arbitration", "SMBus: another master wins the bus")                                \
    X(FAULT_STATUS, "status", "SMBus: latches `value` = command * 256 + bits of a STATUS_ command")           \
    X(FAULT_PROTECT, "write_protect", "SMBus: WRITE_PROTECT is `value` (128)")                               \
    X(FAULT_TASK, "task", "BMC with extras: a write is answered 202 and done `value` s (1) later")           \
    X(FAULT_PERCENT, "percent", "BMC with extras: its Controls are in percent")                              \
    X(FAULT_RESET, "reset", "at once, one time: volatile settings return to their defaults")

#define FAULT_ENUM(name, word, text) name,
enum fault_kind { FAULT_LIST(FAULT_ENUM) FAULT_KIND_COUNT };
#undef FAULT_ENUM

/* Who is asked about; `index` is the plant's own: node, PSU, BBU or shelf. */
enum fault_class {
    FAULT_BMC,       /* plant node                                              */
    FAULT_PSU,       /* plant PSU, its Modbus side                              */
    FAULT_BBU,       /* plant BBU                                               */
    FAULT_PSU_SMBUS, /* plant PSU, its SMBus side                               */
    FAULT_PMM_PSU,   /* plant shelf                                             */
    FAULT_PMM_BBU,   /* plant shelf                                             */
    FAULT_LINE,      /* Modbus line of that plant shelf                         */
    FAULT_SMBUS,     /* SMBus segment of that plant shelf                       */
    FAULT_CLASS_COUNT
};

#define FAULTS_INDEX_MAX PLANT_MODULES_MAX

struct fault {
    uint32_t every;    /* hits each `every`-th question; 1: each               */
    uint32_t asked;    /* questions so far                                     */
    double value;      /* kind's own: ms, exception code, s; NAN: its default  */
    int64_t until_us;  /* plant time it ends by itself; INT64_MAX: never       */
    double frozen[8];  /* STUCK: for the server to keep what it froze          */
    bool frozen_valid; /* false when the fault begins                          */
};

struct faults_device {
    uint32_t active; /* bit 1 << kind                                        */
    struct fault kind[FAULT_KIND_COUNT];
};

struct faults {
    int64_t now_us;
    uint32_t active_count; /* devices with any fault           */
    struct faults_device devices[FAULT_CLASS_COUNT][FAULTS_INDEX_MAX];
};

struct faults_target {
    enum fault_class class;
    int32_t index;
};

void faults_init(struct faults *faults);

/* The plant's time; ends what has run out. Cheap when nothing is broken. */
void faults_tick(struct faults *faults, int64_t now_us);

/* For the servers. NULL: not broken so. Counts one question: with `every` 5 the
 * 5th, 10th, ... gets the fault. `index` outside the array is never broken. */
struct fault *faults_hit(struct faults *faults, enum fault_class class, int32_t index, enum fault_kind kind);

/* As faults_hit() without counting: is there such a fault at all. */
struct fault *faults_get(struct faults *faults, enum fault_class class, int32_t index, enum fault_kind kind);

/* `value`, or the kind's default where none was given. */
double faults_value(const struct fault *fault, enum fault_kind kind);

/* A device's name to its place. ST_ABSENT: the plant has no such device. */
NODISCARD enum status faults_find(const struct plant *plant, const char *name, struct faults_target *ret);

/* FAULT_KIND_COUNT: no such word. */
enum fault_kind faults_kind_find(const char *word);
const char *faults_kind_word(enum fault_kind kind);
const char *faults_kind_text(enum fault_kind kind);

/* `every` 0 counts as 1; seconds <= 0: until cleared. RESET is not kept here:
 * serve_ctl.c does it to the plant at once. */
void faults_set(struct faults *faults, struct faults_target target, enum fault_kind kind, uint32_t every,
                double seconds, double value);

/* One device, or with NULL all of them. */
void faults_clear(struct faults *faults, const struct faults_target *target);

#endif
