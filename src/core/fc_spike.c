/* SPDX-License-Identifier: Apache-2.0 */
/* fc_spike.c: counts spikes by cell; what was long ago fades. */
#include "fc_spike.h"

#define FC_SPIKE_KEEP  0.995F  /* of a cell's counts, a visit                  */
#define FC_SPIKE_LONG  0.9998F /* of the counts of all, a sample               */
#define FC_SPIKE_DOUBT 5.0F    /* visits' worth of what all cells together say */
#define FC_SPIKE_FINE  64      /* a quarter of a sample each                   */
#define FC_SPIKE_HALF  8       /* then half a sample each, then twice as long each */
#define FC_SPIKE_OLD   100     /* samples: a page that is no longer read says nothing */
#define FC_SPIKE_FADED 1e-12F  /* spikes: counts fade to it, for smaller floats are slow */

int32_t fc_spike_own(float rise, float room)
{
    static const float edge[FC_SPIKE_RISES - 1] = { -0.5F, -0.1F, 0.1F, 0.3F, 0.6F, 1.0F, 1.6F };
    int32_t r = 0, space = room < 1.0F ? 0 : room < 2.0F ? 1 : 2;

    while (r < FC_SPIKE_RISES - 1 && rise >= edge[r])
        r++;
    return space * FC_SPIKE_RISES + r;
}

static int32_t fc_spike_since(float samples)
{
    float fine = (float)FC_SPIKE_FINE / 4.0F, coarse = fine + (float)FC_SPIKE_HALF / 2.0F;
    int32_t bin = FC_SPIKE_FINE + FC_SPIKE_HALF;

    if (samples < fine)
        return (int32_t)(samples * 4.0F);
    if (samples < coarse)
        return FC_SPIKE_FINE + (int32_t)((samples - fine) * 2.0F);
    for (coarse *= 2.0F; bin < FC_SPIKE_SINCE - 1 && samples >= coarse; coarse *= 2.0F)
        bin++;
    return bin;
}

int32_t fc_spike_told(const struct fc_hints *hints, int64_t at_us)
{
    int64_t turned_us = hints->turned_us < at_us ? hints->turned_us : at_us;
    int32_t side = !(hints->queue > 0.0F) ? 2 : hints->running > 0.0F ? 0 : 1;

    if (hints->turned_us == INT64_MIN || at_us - hints->queue_us > FC_SPIKE_OLD * hints->grid_us)
        return -1;
    return FC_SPIKE_OWN + side * FC_SPIKE_SINCE +
           fc_spike_since((float)(at_us - turned_us) / (float)hints->grid_us);
}

void fc_spike_learn(struct fc_spike *spike, const int32_t *cell, int32_t cells, bool came)
{
    float one = came ? 1.0F : FC_SPIKE_FADED;

    spike->all = FC_SPIKE_LONG * spike->all + 1.0F;
    spike->some = FC_SPIKE_LONG * spike->some + one;
    for (int32_t i = 0; i < cells; i++) {
        if (cell[i] < 0)
            continue;
        spike->count[cell[i]] = FC_SPIKE_KEEP * spike->count[cell[i]] + 1.0F;
        spike->spikes[cell[i]] = FC_SPIKE_KEEP * spike->spikes[cell[i]] + one;
    }
}

float fc_spike_chance(const struct fc_spike *spike, int32_t cell)
{
    float base = spike->all > 0.0F ? spike->some / spike->all : 0.0F;

    if (cell < 0)
        return 0.0F;
    return (spike->spikes[cell] + FC_SPIKE_DOUBT * base) / (spike->count[cell] + FC_SPIKE_DOUBT);
}
