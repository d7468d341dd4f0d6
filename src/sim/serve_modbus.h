/* SPDX-License-Identifier: Apache-2.0 */
/* serve_modbus.h: the plant's supplies, batteries and shelf controllers behind
 * Modbus: RTU on a pty a line, and a TCP gateway in front of line 1.
 *
 * One line a shelf pair: PSU shelf i, its battery shelf and, on HPR, both shelf
 * controllers. A pty has no bit rate and no parity: the server paces its answers
 * as the wire would, and a client must ask for parity none.
 */
#ifndef BUSBAR_SIM_SERVE_MODBUS_H
#define BUSBAR_SIM_SERVE_MODBUS_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/status.h"
#include "faults.h"
#include "plant.h"

struct event_base;
struct serve_modbus; /* opaque */

struct serve_modbus_options {
    struct event_base *base; /* borrowed                                          */
    struct plant *plant;     /* borrowed; stepped by the caller on the same base  */
    struct faults *faults;   /* borrowed; NULL: nothing ever breaks               */
    uint64_t seed;
    const char *run_dir;                         /* line-1, line-2 ... appear here; copied            */
    int32_t baud;                                /* of every line                                     */
    double turnaround_min_ms, turnaround_max_ms; /* from request to answer          */
    bool tcp;                                    /* serve line 1 on 127.0.0.1 as well                 */
    bool one_block;                              /* PMMs: one read may cross the holes of a mirror    */
};

/* What the server saw, for tests. */
struct serve_modbus_counts {
    uint64_t requests; /* whole frames with a good CRC                      */
    uint64_t answers;  /* answers sent, exceptions included                 */
    uint64_t exceptions;
    uint64_t silent;     /* for no unit here, or by a fault                   */
    uint64_t corrupt;    /* frames dropped: CRC, or too long                  */
    uint64_t collisions; /* bytes that came while an answer was on its way    */
    uint64_t writes;     /* registers written                                 */
};

/* Everything listens when this returns. On ST_OK *ret is the caller's to give to
 * serve_modbus_free(). ST_SYS: a pty, link or socket could not be made. */
NODISCARD enum status serve_modbus_new(const struct serve_modbus_options *opt, struct serve_modbus **ret);

/* Takes NULL and half-built objects; removes the links. Always returns NULL. */
struct serve_modbus *serve_modbus_free(struct serve_modbus *modbus);

int32_t serve_modbus_lines(const struct serve_modbus *modbus);
const char *serve_modbus_path(const struct serve_modbus *modbus, int32_t line); /* line from 0 */
int serve_modbus_tcp_port(const struct serve_modbus *modbus);                   /* 0: no TCP   */
struct serve_modbus_counts serve_modbus_counts(const struct serve_modbus *modbus, int32_t line);

#endif
