/* SPDX-License-Identifier: Apache-2.0 */
/* serve_spans.h: between what values the quantities that a sensor shows have been, for who asks
 * more slowly than they change. Pure. */
#ifndef BUSBAR_SIM_SERVE_SPANS_H
#define BUSBAR_SIM_SERVE_SPANS_H

#include "plant.h"

struct json_object;

#define SERVE_SPANS_GPU 3 /* limit_w, reading_w, energy_j                        */
#define SERVE_SPANS_PSU 2 /* output_w, input_w                                   */

/* Zero: nothing was noted yet. */
struct serve_span {
    bool noted;
    double low, high;
};

struct serve_spans {
    struct serve_span gpus[PLANT_GPUS_MAX][SERVE_SPANS_GPU];
    struct serve_span psus[PLANT_MODULES_MAX][SERVE_SPANS_PSU];
    struct serve_span pack_v[PLANT_MODULES_MAX]; /* of each battery                 */
};

/* After each step of the plant. */
void serve_spans_note(struct serve_spans *spans, const struct plant *plant);

/* {gpus, psus, bbus}, each by name, {quantity: [low, high]} since the last call, that moment's
 * values and these included. */
struct json_object *serve_spans_take(struct serve_spans *spans, const struct plant *plant);

#endif
