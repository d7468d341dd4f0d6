/* status.h: how a call that can fail says so.
 *
 * One list makes the enum, the words in logs and the label in metrics. It may
 * be included from everywhere.
 */
#ifndef BUSBAR_STATUS_H
#define BUSBAR_STATUS_H

#define NODISCARD __attribute__((warn_unused_result))

/* name, label in logs, JSON and metrics. ST_OK is 0. */
#define STATUS_LIST(X)                                                        \
    X(ST_OK, "ok")             /* done                                      */ \
    X(ST_NONE, "none")         /* nothing was read or asked for yet         */ \
    X(ST_TIMEOUT, "timeout")   /* no answer in time: the outcome is unknown */ \
    X(ST_NACK, "nack")         /* not acknowledged, or a Modbus exception   */ \
    X(ST_CORRUPT, "corrupt")   /* CRC, PEC, length or form is wrong         */ \
    X(ST_REFUSED, "refused")   /* the device, or we, will not do it         */ \
    X(ST_MISMATCH, "mismatch") /* accepted, but reads back as another value */ \
    X(ST_RANGE, "range")       /* outside what is allowed or plausible      */ \
    X(ST_BUSY, "busy")         /* not now: try again later                  */ \
    X(ST_STALE, "stale")       /* older than its limit                      */ \
    X(ST_STUCK, "stuck")       /* has not moved although it should          */ \
    X(ST_ABSENT, "absent")     /* the device does not have this             */ \
    X(ST_NOMEM, "no memory")                                                  \
    X(ST_SYS, "system error")  /* a system call failed and was logged       */

#define STATUS_ENUM(name, label) name,
enum status { STATUS_LIST(STATUS_ENUM) ST_COUNT };
#undef STATUS_ENUM

/* The label of a status; "unknown" for a value that is none. Never NULL. */
const char *status_label(enum status st);

#endif
