/* SPDX-License-Identifier: Apache-2.0 */
/* pmi_map.h: a shelf as today's clients read it: registers of an HPR shelf controller and
 * its mirror of six modules. Pure; docs/pmi.md has the tables. */
#ifndef OPERATOR_PMI_MAP_H
#define OPERATOR_PMI_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/pmi.h"

/* What a module says; NAN: not known, and the register is 0. */
struct pmi_values {
    bool there;   /* a slot that is not empty                           */
    bool present; /* it answers                                         */
    bool alert;   /* one of its alarm words is not 0                    */
    double input_v, input_a;
    double temp_c[4];
    double soc_ratio, pack_v, pack_a, remaining_ah, full_ah;
};

struct pmi_image {
    const struct pmi_shelf *shelf;
    int32_t number; /* of the shelf, from 0                               */
    const char *rack, *version;
    int64_t uptime_s, wall_s;
    struct pmi_values module[PMI_SLOTS];
};

/* Register `address`; false: there is none. */
bool pmi_map_read(const struct pmi_image *image, int32_t address, uint16_t *ret);

#endif
