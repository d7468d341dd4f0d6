/* SPDX-License-Identifier: Apache-2.0 */
/* fc_hint.h: what power did after marks like this one: a profile a kind of mark.
 *
 * Marks are believed only as far as the profiles told the truth before: each
 * place of a profile knows how far off it was.
 */
#ifndef BUSBAR_CORE_FC_HINT_H
#define BUSBAR_CORE_FC_HINT_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/fc.h"

#define FC_HINT_PLACES 64
#define FC_HINT_KINDS  FC_MARK_QUEUE /* kinds that have a profile */

struct fc_hint_profile {
    int64_t at_us;     /* of the last mark; INT64_MIN: none yet                */
    int64_t before_us; /* of the one before: the last may be announced         */
    float every_us;    /* mean time between two; 0: not known                  */
    float uneven;      /* mean deviation from it, share of it                  */
    int32_t marks;
    float mean[FC_HINT_PLACES], spread[FC_HINT_PLACES]; /* W; mean deviation      */
    int32_t count[FC_HINT_PLACES];
};

struct fc_hints {
    int64_t grid_us, now_us; /* of the newest sample                             */
    float place_us;          /* width of a place                                     */
    int64_t cut_us;          /* of the last mark that ends what steps say            */
    int64_t cut_before_us;
    struct fc_hint_profile profile[FC_HINT_KINDS];
    float queue, queue_slow, running;
    int64_t queue_us;  /* INT64_MIN: none yet                                  */
    int64_t turned_us; /* since then some wait, or none; INT64_MIN: not known  */
};

void fc_hint_init(struct fc_hints *hints, int64_t grid_us);
void fc_hint_mark(struct fc_hints *hints, int64_t at_us, enum fc_mark mark, double value);

/* A sample: power `w` at `at_us`. */
void fc_hint_learn(struct fc_hints *hints, int64_t at_us, float w);

/* What the marks so far say of `at_us` (after now). False: nothing. */
bool fc_hint_value(const struct fc_hints *hints, int64_t at_us, float floor, float *ret_w, float *ret_scale);

#endif
