/* SPDX-License-Identifier: Apache-2.0 */
/* pmi_window.h: the window of a rack: registers that tell of it, and that may be written.
 * Pure; docs/pmi.md has the tables. The same on every unit. */
#ifndef OPERATOR_PMI_WINDOW_H
#define OPERATOR_PMI_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "pmi_codec.h"

#define PMI_WINDOW      0x4000 /* what may be read                                   */
#define PMI_WINDOW_SIZE 0x30
#define PMI_WRITES      0x4040 /* what may be written, and read back                 */
#define PMI_WRITES_SIZE 0x11
#define PMI_NO_WATTS    UINT32_MAX
#define PMI_NO_VALUE    UINT16_MAX

/* How the last write of a client went. */
enum pmi_result {
    PMI_RESULT_NONE,
    PMI_RESULT_DONE,
    PMI_RESULT_NO_RIGHT,
    PMI_RESULT_NO_KEY,
    PMI_RESULT_HELD,
    PMI_RESULT_NOT_ALLOWED,
    PMI_RESULT_RANGE,
    PMI_RESULT_FORM,
    PMI_RESULT_REFUSED
};

/* What it shows; watts that are not known are NAN. */
struct pmi_state_image {
    uint16_t features; /* b0 budget, b1 mode, b2 ride, b3 tokens, b8 this client may write */
    double power_w, budget_w, standing_w, leased_w;
    int64_t lease_left_s;
    uint16_t authority; /* 0 nobody's, 1 this client's, 2 another's           */
    uint16_t mode, mode_wanted, reasons, ride, capable;
    double energy_j, reserve_j, input_ratio;
    uint16_t good, stale, unread, exceeded;
    uint16_t accepted, refused, result;
    uint16_t token_state, token_reason;
    double token_w, alternative_w;
    int64_t token_left_s, retry_s, wall_s;
    /* of what was written */
    uint16_t lease_s, refreshes;
    double wanted_w;
    uint16_t reserve_s, support_permille, support_after_ms;
    uint16_t token_node, token_duration_s, token_priority;
    double token_wanted_w;
};

/* Register `address`; false: there is none. */
bool pmi_window_read(const struct pmi_state_image *image, int32_t address, uint16_t *ret);

/* What a write asks for: whole items only, all of them or none. */
enum pmi_item {
    PMI_KEY = 1,
    PMI_LEASE = 2,
    PMI_REFRESH = 4,
    PMI_BUDGET = 8,
    PMI_MODE = 16,
    PMI_RIDE = 32,
    PMI_TOKEN = 64
};

struct pmi_wish {
    unsigned items; /* enum pmi_item                                      */
    uint64_t key;   /* 0: gives the authority back                        */
    uint16_t lease_s;
    uint32_t budget_w; /* PMI_NO_WATTS: the standing one                     */
    uint16_t mode;
    unsigned ride; /* bits: reserve, support, after were written         */
    uint16_t reserve_s, support_permille, support_after_ms; /* PMI_NO_VALUE: the configuration's */
    uint16_t token_node, token_duration_s, token_priority;
    uint32_t token_w; /* 0: gives it back                                   */
};

/* PMI_FINE, PMI_ILLEGAL_ADDRESS (not all of it may be written) or PMI_ILLEGAL_VALUE (half
 * an item). */
enum pmi_exception pmi_window_write(const struct pmi_request *request, struct pmi_wish *ret);

#endif
