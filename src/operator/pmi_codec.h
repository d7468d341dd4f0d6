/* SPDX-License-Identifier: Apache-2.0 */
/* pmi_codec.h: Modbus requests from bytes, and answers as bytes: a server's half. Pure.
 *
 * Functions 3, 4, 6 and 16; every other is answered with exception 1. A serial line has
 * no lengths: what is no request there is skipped byte by byte until one begins.
 */
#ifndef OPERATOR_PMI_CODEC_H
#define OPERATOR_PMI_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PMI_FRAME_MAX 260 /* TCP: 7 bytes of head, 253 of request or answer  */
#define PMI_READ_MAX  125 /* registers in one read                           */
#define PMI_WRITE_MAX 123 /* registers in one write                          */

enum pmi_framing { PMI_RTU, PMI_TCP };

/* Modbus exceptions. */
enum pmi_exception {
    PMI_FINE = 0,
    PMI_ILLEGAL_FUNCTION = 1,
    PMI_ILLEGAL_ADDRESS = 2,
    PMI_ILLEGAL_VALUE = 3,
    PMI_DEVICE_FAILURE = 4,
    PMI_DEVICE_BUSY = 6,
    PMI_NO_TARGET = 11 /* TCP: no such unit behind this gateway           */
};

struct pmi_request {
    uint16_t transaction; /* TCP                                             */
    uint8_t unit, function;
    enum pmi_exception wrong; /* of the request's own form; PMI_FINE: none       */
    bool write;
    int32_t address, count; /* registers; address + count is at most 65536     */
    uint16_t words[PMI_WRITE_MAX];
    size_t used; /* bytes of the frame, or to drop                  */
};

enum pmi_state {
    PMI_MORE,  /* so far so good: more bytes are needed           */
    PMI_DONE,  /* a request; `used` bytes are its frame           */
    PMI_SKIP,  /* RTU: `used` bytes are no request                */
    PMI_BROKEN /* TCP: this is not Modbus; close the connection   */
};

/* What the first bytes are. */
enum pmi_state pmi_codec_request(enum pmi_framing framing, const uint8_t *bytes, size_t size,
                                 struct pmi_request *ret);

/* RTU, after a silence: is all of it a frame of a function that the call above does not
 * know? Then a request with PMI_ILLEGAL_FUNCTION. */
bool pmi_codec_unknown(const uint8_t *bytes, size_t size, struct pmi_request *ret);

/* Answers; each gives the bytes written to `to` (room PMI_FRAME_MAX). */
size_t pmi_codec_read(enum pmi_framing framing, const struct pmi_request *request, const uint16_t *words,
                      uint8_t to[PMI_FRAME_MAX]);
size_t pmi_codec_written(enum pmi_framing framing, const struct pmi_request *request,
                         uint8_t to[PMI_FRAME_MAX]);
size_t pmi_codec_refuse(enum pmi_framing framing, const struct pmi_request *request,
                        enum pmi_exception exception, uint8_t to[PMI_FRAME_MAX]);

#endif
