/* SPDX-License-Identifier: Apache-2.0 */
/* pmi_parts.h: the parts of the upstream server, between pmi.c (who is answered what),
 * pmi_tcp.c and pmi_serial.c (bytes). Main thread. */
#ifndef OPERATOR_PMI_PARTS_H
#define OPERATOR_PMI_PARTS_H

#include "api.h"
#include "pmi.h"
#include "pmi_lease.h"
#include "pmi_map.h"

struct pmi_tcp;
struct pmi_serial;

/* A shelf's values, read again when they are no longer fresh. */
struct pmi_cached {
    int64_t at_us; /* INT64_MIN: never                                    */
    struct pmi_values module[PMI_SLOTS];
};

struct pmi {
    struct operator* op; /* borrowed                                            */
    const struct pmi_options *options;
    struct pmi_lease lease;
    struct event *timer; /* of the lease                                        */
    struct pmi_tcp *tcp;
    struct pmi_serial *serial;
    struct device_state state; /* for one look at a time                              */
    struct pmi_cached cached[PMI_SHELVES_MAX];
};

/* The answer to a request, in the framing it came in; 0: none is due (RTU: it was for
 * another unit, or for all). */
size_t pmi_answer(struct pmi *pmi, struct pmi_client *client, enum pmi_framing framing,
                  const struct pmi_request *request, uint8_t to[PMI_FRAME_MAX]);

NODISCARD enum status pmi_tcp_new(struct pmi *pmi, struct pmi_tcp **ret);
struct pmi_tcp *pmi_tcp_free(struct pmi_tcp *tcp);
int32_t pmi_tcp_port(const struct pmi_tcp *tcp);
void pmi_tcp_follow(struct pmi_tcp *tcp);

NODISCARD enum status pmi_serial_new(struct pmi *pmi, struct pmi_serial **ret);
struct pmi_serial *pmi_serial_free(struct pmi_serial *serial);
void pmi_serial_follow(struct pmi_serial *serial);

#endif
