/* SPDX-License-Identifier: Apache-2.0 */
/* serve_smbus.h: the supplies of one shelf as PMBus devices on an SMBus segment,
 * reached through a UNIX stream socket.
 *
 * A request is: length of the rest, 7-bit address, flags (bit 0: read the PEC
 * too; bit 1: no stop, the next request goes on with a repeated start), bytes to write, bytes to read (255: a block, its length first), then the
 * bytes to write: command, data, and for a write with PEC the PEC. An answer is:
 * length of the rest, result, then the bytes read as they came off the wire.
 */
#ifndef BUSBAR_SIM_SERVE_SMBUS_H
#define BUSBAR_SIM_SERVE_SMBUS_H

#include <stdint.h>

#include "busbar/status.h"
#include "faults.h"
#include "plant.h"

#define SERVE_SMBUS_ADDRESS 0x58 /* of the supply in slot 0; the others follow        */
#define SERVE_SMBUS_HOTSWAP 0x40 /* of the hot-swap controller at the busbar clips    */

struct event_base;
struct serve_smbus; /* opaque */

enum serve_smbus_result {
    SERVE_SMBUS_OK,
    SERVE_SMBUS_NAK,    /* no such address, or the device refuses            */
    SERVE_SMBUS_BUS,    /* bus error: a block longer than 32                 */
    SERVE_SMBUS_TIMEOUT, /* the device held the clock                         */
    SERVE_SMBUS_LOST    /* another master won the bus                        */
};

struct serve_smbus_options {
    struct event_base *base; /* borrowed                                     */
    struct plant *plant;     /* borrowed                                     */
    struct faults *faults;   /* borrowed; NULL: nothing ever breaks          */
    const char *run_dir;     /* smbus-<shelf + 1> appears here; copied       */
    int32_t shelf;           /* index of the plant's shelf                   */
    int32_t hz;              /* of the clock: 10 000 to 1 000 000            */
};

struct serve_smbus_counts {
    uint64_t transactions, naks, writes;
};

/* Listens when this returns. ST_SYS, ST_RANGE: no socket at that path. */
NODISCARD enum status serve_smbus_new(const struct serve_smbus_options *opt, struct serve_smbus **ret);

/* Takes NULL and half-built objects; removes the socket. Always returns NULL. */
struct serve_smbus *serve_smbus_free(struct serve_smbus *smbus);

const char *serve_smbus_path(const struct serve_smbus *smbus);
struct serve_smbus_counts serve_smbus_counts(const struct serve_smbus *smbus);

#endif
