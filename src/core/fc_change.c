/* SPDX-License-Identifier: Apache-2.0 */
/* fc_change.c: notices that the load became another one, and makes the forecaster
 * forget what no longer holds.
 *
 * A failed forecast alone means nothing: most loads are not that regular. It means
 * a change where the template knew what it said, or where the power leaves all that
 * was seen of late.
 */
#include "fc_parts.h"

#define FC_CHANGE_STRANGE 0.3F  /* of the spread: nothing foresaw this sample       */
#define FC_CHANGE_LEAST   2     /* strange samples that an edge may be early or late */
#define FC_CHANGE_PART    10    /* the same, as a part of the period                */
#define FC_CHANGE_BEYOND  1.0   /* spreads outside of what was seen                 */
#define FC_CHANGE_FITS    0.12F /* of the spread: the template's own error          */
#define FC_CHANGE_FLAT    0.01F /* of the spread squared: a level without a shape   */
#define FC_CHANGE_RARE    4     /* horizons without a change: it was a surprise     */
#define FC_CHANGE_CALM    64    /* samples after which a first change is one        */
#define FC_CHANGE_LONG    1000000
#define FC_CHANGE_OLD     0.3F /* of the spread squared: cost of lags before it    */
#define FC_CHANGE_NEW     0.1F /* the same of lags that lie after it, at first     */

void fc_change_start(struct fc_view *v)
{
    v->fc->change = (struct fc_change){ .calm = 1 };
}

/* The template fits, and not by chance. */
static bool fc_change_knows(const struct fc_view *v)
{
    const struct fc *fc = v->fc;
    const struct fc_template *like = &fc->like;
    float spread = fc_spread(fc);

    if (fc_template_flat(&fc->ring, v->diff, fc->change.since, FC_CHANGE_FLAT * spread * spread))
        return true;
    if (like->count == 0 || like->scale >= FC_CHANGE_FITS * spread)
        return false;
    return fc_twice(fc, like->lag[0]) &&
           fc_template_tells(&fc->ring, v->diff, like->lag[0], fc->change.since);
}

bool fc_change_sense(struct fc_view *v, float w)
{
    struct fc *fc = v->fc;
    struct fc_change *c = &fc->change;
    float spread = fc_spread(fc), beyond = (float)FC_CHANGE_BEYOND * spread;
    int32_t limit =
        fc->period / FC_CHANGE_PART > FC_CHANGE_LEAST ? fc->period / FC_CHANGE_PART : FC_CHANGE_LEAST;

    if (w > (float)fc->stats.high + beyond || w < (float)fc->stats.low - beyond) {
        c->strange = 1;
        return true;
    }
    if (fc_template_off(&fc->like, &fc->ring, v->value, w) < FC_CHANGE_STRANGE * spread) {
        c->strange = 0;
        c->trusted = fc_change_knows(v);
        return false;
    }
    return ++c->strange == limit + 1 && c->trusted;
}

static void fc_change_forget(struct fc_view *v)
{
    struct fc *fc = v->fc;
    struct fc_change *c = &fc->change;
    float spread = fc_spread(fc);

    for (int32_t h = 0; h < fc->opt.horizon_count; h++) {
        struct fc_horizon *z = &v->horizon[h];

        z->surprised = c->spell > FC_CHANGE_RARE * z->steps;
        /* The first of all is one to bounds of a rack however soon it comes: a load begins in steps.
         * A leaf that is heard so early only moves watts back and forth (docs/forecast.md). */
        z->wary = z->surprised || (c->calm && fc->opt.kind == FC_RACK) ? FC_WARY * z->steps : 0;
        if (z->surprised)
            fc_point_doubt(z);
    }
    c->since = c->strange < fc->lags ? c->strange : fc->lags - 1;
    c->lost = fc->period / 4 > 4 ? fc->period / 4 : 4;
    c->trusted = 0;
    c->spell = 0;
    c->calm = 0;
    for (int32_t i = 0; i < FC_TEMPLATE_SPEEDS * fc->lags; i++)
        v->diff[i] = FC_CHANGE_OLD * spread * spread;
    for (int32_t i = 1; i < c->since; i++)
        fc_template_fresh(&fc->ring, v->diff, i, FC_CHANGE_NEW * spread * spread);
}

void fc_change_take(struct fc_view *v, bool changed)
{
    struct fc *fc = v->fc;
    struct fc_change *c = &fc->change;
    float spread = fc_spread(fc);

    if (c->since < fc->lags)
        c->since++;
    if (c->spell < FC_CHANGE_LONG)
        c->spell++;
    if (c->calm && c->spell == FC_CHANGE_CALM)
        c->spell = FC_CHANGE_LONG;
    if (c->lost > 0)
        c->lost--;
    if (changed)
        fc_change_forget(v);
    if (c->since > 0 && c->since < fc->lags)
        fc_template_fresh(&fc->ring, v->diff, c->since, FC_CHANGE_NEW * spread * spread);
}
