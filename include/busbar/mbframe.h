/* SPDX-License-Identifier: Apache-2.0 */
/* mbframe.h: Modbus requests as bytes, and bytes as their answers. Pure; any thread.
 *
 * RTU frames carry an address and a checksum, TCP frames a transaction number and a
 * length. Every answer is held against the request it should belong to, and an
 * exception is known after its own few bytes: nobody waits for what will not come.
 */
#ifndef BUSBAR_MBFRAME_H
#define BUSBAR_MBFRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "busbar/status.h"

#define MBFRAME_MAX       260 /* the longest frame: TCP, 7 bytes of header and 253 */
#define MBFRAME_WORDS_MAX 125 /* registers in one read                             */
#define MBFRAME_WRITE_MAX 123 /* registers in one write                            */
#define MBFRAME_FILE_MAX  120 /* registers of one file record (answer of 253 bytes) */

enum mbframe_kind { MBFRAME_RTU, MBFRAME_TCP };

/* What is asked. `function` is filled by the calls below. */
struct mbframe_request {
    enum mbframe_kind kind;
    uint16_t transaction; /* TCP: must differ from that of the request before  */
    uint8_t unit;         /* 0 to 255: what the wire can carry                 */
    uint8_t function;
    int32_t address, count; /* registers asked for, or written                   */
    size_t size;
    uint8_t bytes[MBFRAME_MAX];
};

/* Whom to ask, for the calls below. */
struct mbframe_to {
    enum mbframe_kind kind;
    uint16_t transaction;
    uint8_t unit;
};

/* Function 3 (or 4: `input`). ST_RANGE: no such span of registers. */
NODISCARD enum status mbframe_read(const struct mbframe_to *to, bool input, int32_t address, int32_t count,
                                   struct mbframe_request *ret);

/* Function 6 for one register, 16 for several. ST_RANGE. */
NODISCARD enum status mbframe_write(const struct mbframe_to *to, int32_t address, int32_t count,
                                    const uint16_t *words, struct mbframe_request *ret);

/* Function 20, reference type 6: `count` registers of one record. ST_RANGE. */
NODISCARD enum status mbframe_read_file(const struct mbframe_to *to, int32_t file, int32_t record,
                                        int32_t count, struct mbframe_request *ret);

enum mbframe_state {
    MBFRAME_MORE,      /* so far so good: more bytes are needed             */
    MBFRAME_DONE,      /* the answer                                        */
    MBFRAME_EXCEPTION, /* the device refused                                */
    MBFRAME_STALE,     /* TCP: the answer to an earlier request; drop `used` */
    MBFRAME_CORRUPT    /* no answer to this request, whatever follows       */
};

struct mbframe_answer {
    uint8_t exception; /* its code, EXCEPTION only                          */
    int32_t count;     /* registers read, DONE only                         */
    uint16_t words[MBFRAME_WORDS_MAX];
    size_t used; /* bytes of the frame; not set on MORE               */
};

/* Takes what arrived so far. *ret is whole on DONE. */
enum mbframe_state mbframe_answer(const struct mbframe_request *request, const uint8_t *bytes, size_t size,
                                  struct mbframe_answer *ret);

/* Bytes of the whole answer when it is no exception. */
size_t mbframe_answer_size(const struct mbframe_request *request);

/* The checksum of a serial frame; over a frame with its own checksum it is 0. */
uint16_t mbframe_crc(const uint8_t *bytes, size_t size);

#endif
