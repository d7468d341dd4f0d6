/* SPDX-License-Identifier: Apache-2.0 */
/* serve_segment.h: what is wired to one simulated SMBus segment: the supplies of a shelf and
 * the hot-swap controller at its clips. Pure: socket, clients and pace are serve_smbus.c's.
 */
#ifndef BUSBAR_SIM_SERVE_SEGMENT_H
#define BUSBAR_SIM_SERVE_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "faults.h"
#include "plant.h"
#include "serve_hotswap.h"
#include "serve_pmbus.h"
#include "serve_smbus.h"

#define SERVE_SEGMENT_DEVICES_MAX 6
#define SERVE_SEGMENT_HELD_MAX    40
#define SERVE_SEGMENT_FRAME_MAX   256
#define SERVE_SEGMENT_READ_BLOCK  0xFF  /* in place of a count: a block, its length first */
#define SERVE_SEGMENT_TIMEOUT_US  30000 /* SMBus: 25 to 35 ms                             */

/* A device's part of a group, until the stop. */
struct serve_segment_held {
    size_t size;
    uint8_t bytes[SERVE_SEGMENT_HELD_MAX];
};

struct serve_segment {
    struct plant *plant;   /* borrowed                                       */
    struct faults *faults; /* borrowed; NULL: nothing ever breaks            */
    int32_t shelf, hz;
    struct serve_pmbus devices[SERVE_SEGMENT_DEVICES_MAX];
    struct serve_segment_held held[SERVE_SEGMENT_DEVICES_MAX];
    int32_t device_count;
    struct serve_hotswap hotswap;
    bool group; /* the last transaction made no stop             */
    uint64_t writes;
};

/* What is in a request, checked. */
struct serve_segment_request {
    uint8_t address, write_count, read_count;
    bool pec, goes_on;
    const uint8_t *bytes; /* `write_count` of them; borrowed                */
};

/* Borrows `plant` and `faults`. `hz`: of the clock. */
void serve_segment_init(struct serve_segment *segment, const struct serve_smbus_options *opt);

/* Every device measures anew, and what faults do to it happens. */
void serve_segment_refresh(struct serve_segment *segment);

/* Does the transaction, its stop too unless it goes on (after a refusal in any case: the
 * master gives up). Returns how many bytes were read into `out`, which has room for
 * SERVE_SEGMENT_FRAME_MAX, and how long it takes. */
size_t serve_segment_transact(struct serve_segment *segment, const struct serve_segment_request *request,
                              uint8_t *out, enum serve_smbus_result *ret, int64_t *ret_us);

/* The stop of a group: every device acts. */
void serve_segment_stop(struct serve_segment *segment);

#endif
