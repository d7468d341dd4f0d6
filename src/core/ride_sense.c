/* SPDX-License-Identifier: Apache-2.0 */
/* ride_sense.c: what the readings show of input, supplies and batteries.
 *
 * Owns the voting: a shelf's input is the lowest voltage that two of its
 * supplies agree on, so one lying sensor, or a phase that no supply of ours
 * sees, changes nothing. Only good readings count, and none that was taken
 * before the event that runs now.
 */
#include "ride.h"

#include "quality.h"

#define RIDE_SENSE_VOTES        24                /* inputs of one shelf that are looked at            */
#define RIDE_SENSE_SLACK_RATIO  0.005             /* of nominal: a reading at the threshold is good    */
#define RIDE_SENSE_HIGH_RATIO   1.10              /* of nominal: continuous up to it                    */
#define RIDE_SENSE_AGREE_RATIO  0.03              /* of nominal                                         */
#define RIDE_SENSE_CARRY_RATIO  0.015             /* of its rating: a supply gives more than nothing    */
#define RIDE_SENSE_LIGHT_RATIO  0.06              /* of all ratings: each carries a few per cent of that */
#define RIDE_SENSE_DISCHARGE_A  1.0               /* out of a pack: more than its sensor is off by      */
#define RIDE_SENSE_PATIENCE_US  INT64_C(60000000) /* a battery's charge moves slowly         */
#define RIDE_SENSE_BUS_US       INT64_C(1000000)  /* the busbar's voltage is of the moment       */
#define RIDE_SENSE_USABLE_RATIO 0.9               /* of the charge a battery says it holds              */
#define RIDE_SENSE_BACK_US      INT64_C(2000000)  /* beyond what its books say: take it as back */

/* Bits of the batteries' status word, the same in both generations. */
#define RIDE_SENSE_STATUS_BAD ((1u << 15) | (1u << 13) | (1u << 12) | (1u << 11) | (1u << 10))
#define RIDE_SENSE_STATUS_END (1u << 7)

/* What can say how much a shelf's supplies carry; the first that is configured. */
enum ride_sense_kind { RIDE_SENSE_OUTPUT_W, RIDE_SENSE_INPUT_W, RIDE_SENSE_INPUT_A, RIDE_SENSE_KINDS };

struct ride_sense_sum {
    int32_t count, good;
    double sum;
    double now, before, before_all; /* of those that were known before a sag        */
};

struct ride_sense_psu {
    double vote[RIDE_SENSE_VOTES];
    int32_t vote_count;
    int64_t vote_us; /* newest of them                                */
    int64_t low_us;  /* newest of those that are low                  */
    struct ride_sense_sum draw[RIDE_SENSE_KINDS];
    int64_t draw_us[RIDE_SENSE_KINDS];
};

struct ride_sense_bbu {
    struct ride_sense_sum soc, current, pack_v, full_ah, left_ah;
    double low_v, lower_v; /* the two lowest readings of the busbar          */
    int32_t stale, failed, bad, end;
};

static void ride_sense_add(struct ride_sense_sum *sum, bool good, double value)
{
    sum->count++;
    if (!good)
        return;
    sum->good++;
    sum->sum += value;
}

static double ride_sense_mean(const struct ride_sense_sum *sum)
{
    return sum->good > 0 ? sum->sum / sum->good : __builtin_nan("");
}

/* ---- supplies ---- */

/* The higher of the lowest two that lie close together; where none do, all are
 * under the highest. */
static double ride_sense_vote(double *v, int32_t count, double near_v)
{
    for (int32_t i = 1; i < count; i++)
        for (int32_t k = i; k > 0 && v[k] < v[k - 1]; k--) {
            double swap = v[k];

            v[k] = v[k - 1];
            v[k - 1] = swap;
        }
    for (int32_t i = 0; i + 1 < count; i++)
        if (v[i + 1] - v[i] <= near_v)
            return v[i + 1];
    return count > 0 ? v[count - 1] : __builtin_nan("");
}

static void ride_sense_draw(const struct block *b, struct ride_sense_psu *psu, enum ride_sense_kind kind,
                            int32_t p)
{
    const struct point *point = &b->points[p];
    struct ride_sense_sum *draw = &psu->draw[kind];
    bool good = quality_good(b, p) && point->taken_us > b->core->ride.draw_after_us;

    ride_sense_add(draw, good, point->value);
    if (point->before > 0.0) {
        draw->before_all += point->before;
        draw->before += good ? point->before : 0.0;
        draw->now += good ? point->value : 0.0;
    }
    if (good && point->taken_us < psu->draw_us[kind])
        psu->draw_us[kind] = point->taken_us;
}

/* Supplies that are not read now count as those that are. In an event they count by
 * what each showed before it: supplies share a load unevenly, and few of them say
 * little of the others' part. */
static double ride_sense_drawn_w(const struct block *b, const struct ride_sense_sum *draw)
{
    if (ride_riding(&b->core->ride) && draw->before > 0.0)
        return draw->now / draw->before * draw->before_all;
    return ride_sense_mean(draw) * draw->count;
}

static double ride_sense_low_v(const struct block *b)
{
    return (b->core->plan.ride.sag_ratio - RIDE_SENSE_SLACK_RATIO) * b->core->bus.nominal_input_v;
}

static void ride_sense_psu_point(struct block *b, int32_t s, int32_t p, struct ride_sense_psu *psu,
                                 struct ride_sense *ret)
{
    const struct point *point = &b->points[p];
    struct ride_source *source = &b->ride_sources[s];
    bool good = quality_good(b, p), fresh = good && point->taken_us >= b->core->ride.horizon_us;

    switch ((int)b->points_conf[p].signal) {
    case SIGNAL_PSU_INPUT_V:
        if (good && point->taken_us > ret->input_us)
            ret->input_us = point->taken_us;
        if (!fresh || psu->vote_count == RIDE_SENSE_VOTES)
            break;
        psu->vote[psu->vote_count++] = point->value;
        if (point->taken_us > psu->vote_us)
            psu->vote_us = point->taken_us;
        if (point->value < ride_sense_low_v(b) && point->taken_us > psu->low_us)
            psu->low_us = point->taken_us;
        break;
    case SIGNAL_PSU_OUTPUT_W:
        ride_sense_draw(b, psu, RIDE_SENSE_OUTPUT_W, p);
        source->known += fresh;
        source->live += fresh && point->value >= RIDE_SENSE_CARRY_RATIO * b->sources_conf[s].rated_w;
        break;
    case SIGNAL_PSU_INPUT_W:
        ride_sense_draw(b, psu, RIDE_SENSE_INPUT_W, p);
        break;
    case SIGNAL_PSU_INPUT_A:
        ride_sense_draw(b, psu, RIDE_SENSE_INPUT_A, p);
        break;
    default:
        break;
    }
}

static void ride_sense_drawn(struct block *b, int32_t s, const struct ride_sense_psu *psu,
                             struct ride_sense *ret)
{
    struct ride_source *source = &b->ride_sources[s];
    int32_t kind = RIDE_SENSE_OUTPUT_W;

    while (kind < RIDE_SENSE_INPUT_A && psu->draw[kind].count == 0)
        kind++;
    source->draw_w = ride_sense_drawn_w(b, &psu->draw[kind]);
    if (kind == RIDE_SENSE_INPUT_A)
        source->draw_w *= source->input_v;
    ret->draw_w += source->draw_w;
    if (psu->draw_us[kind] < ret->draw_us)
        ret->draw_us = psu->draw_us[kind];
}

/* The load is so light that a shelf's share of it hardly shows. */
static bool ride_sense_light(const struct block *b)
{
    double rated_w = 0.0;

    for (int32_t s = 0; s < b->core->source_conf_count; s++)
        if (b->sources_conf[s].kind == CORE_SOURCE_PSU)
            rated_w += b->sources_conf[s].rated_w * b->sources_conf[s].module_count;
    return b->zones[b->core->bus.node].power_w < RIDE_SENSE_LIGHT_RATIO * rated_w;
}

/* It carries: all its supplies but one do; or, where that cannot be seen, it had
 * all the time it may need. */
static bool ride_sense_back(const struct block *b, int32_t s)
{
    const struct core_config_source *conf = &b->sources_conf[s];
    const struct ride_source *source = &b->ride_sources[s];
    const struct core_plan_ride *plan = &b->core->plan.ride;
    int64_t need_us = conf->ready_us + conf->walk_in_us + RIDE_SENSE_BACK_US;
    int32_t most = conf->module_count > 1 ? conf->module_count - 1 : 1;

    if (plan->start_count > 0)
        need_us += (int64_t)((double)plan->start[b->core->ride.start].window_us * plan->phase_ratio);
    if (!source->heard || source->good_us == INT64_MIN)
        return false;
    if (source->known > 0 && source->live >= most)
        return true;
    return (source->known == 0 || ride_sense_light(b)) && ride_for_us(b, source->good_us) >= need_us;
}

static void ride_sense_times(struct block *b, int32_t s, const struct ride_sense_psu *psu,
                             struct ride_sense *ret)
{
    const struct core_config_source *conf = &b->sources_conf[s];
    struct ride_source *source = &b->ride_sources[s];
    const struct core_plan_ride *plan = &b->core->plan.ride;
    double nominal_v = b->core->bus.nominal_input_v, v = source->input_v;
    int64_t seen_us = psu->vote_us;
    bool low = v < ride_sense_low_v(b);
    bool high = v > (RIDE_SENSE_HIGH_RATIO + RIDE_SENSE_SLACK_RATIO) * nominal_v;

    if (!source->heard)
        source->low_us = source->good_us = INT64_MIN;
    else if (low) {
        source->low_us = source->low_us == INT64_MIN ? seen_us : source->low_us;
        source->good_us = INT64_MIN;
        if (!source->lost && psu->low_us - source->low_us > ret->low_for_us)
            ret->low_for_us = psu->low_us - source->low_us;
    } else {
        source->good_us = source->good_us == INT64_MIN ? seen_us : source->good_us;
        source->low_us = INT64_MIN;
        source->lost = 0;
    }
    if (source->lost)
        return;
    ret->psu++;
    if (!source->heard)
        return;
    ret->heard++;
    ret->low += low;
    ret->good += !low && !high;
    ret->deep +=
        high || v < (plan->support_ratio - RIDE_SENSE_SLACK_RATIO) * nominal_v || v < conf->input_min_v;
    if (!(v >= ret->input_v))
        ret->input_v = v;
}

static void ride_sense_psu(struct block *b, int32_t s, struct ride_sense *ret)
{
    struct ride_sense_psu psu = { .vote_us = INT64_MIN, .low_us = 0 };
    struct ride_source *source = &b->ride_sources[s];
    const struct core_config_source *conf = &b->sources_conf[s];

    for (int32_t k = 0; k < RIDE_SENSE_KINDS; k++)
        psu.draw_us[k] = CORE_FOREVER;
    source->known = source->live = 0;
    for (int32_t i = b->ride_first[s]; i < b->ride_first[s + 1]; i++)
        ride_sense_psu_point(b, s, b->ride_points[i], &psu, ret);
    source->input_v =
        ride_sense_vote(psu.vote, psu.vote_count, RIDE_SENSE_AGREE_RATIO * b->core->bus.nominal_input_v);
    source->was_heard = source->heard;
    source->heard = psu.vote_count > 0;
    ride_sense_times(b, s, &psu, ret);
    source->back = ride_sense_back(b, s);
    source->modules = conf->module_count;
    if (source->live > 0 && source->known > source->live)
        source->modules -= source->known - source->live;
    source->modules = source->modules > 1 ? source->modules : 1;
    if (source->lost)
        return;
    ride_sense_drawn(b, s, &psu, ret);
    ret->back += source->back;
    ret->known += source->known;
    ret->live += source->live;
    ret->live_w += conf->rated_w * (source->known > 0 ? source->live : source->back ? conf->module_count : 0);
}

/* ---- batteries ---- */

static void ride_sense_bus(struct ride_sense_bbu *bbu, double v)
{
    if (v < bbu->lower_v) {
        bbu->low_v = bbu->lower_v;
        bbu->lower_v = v;
    } else if (v < bbu->low_v) {
        bbu->low_v = v;
    }
}

static void ride_sense_current(struct ride_sense_bbu *bbu, const struct point *point, int64_t newest_us,
                               bool good, struct ride_sense *ret)
{
    bool out;

    bbu->stale += !good;
    if (good && point->taken_us > ret->current_us)
        ret->current_us = point->taken_us;
    good = good && point->taken_us + RIDE_SENSE_BUS_US >= newest_us; /* what others say is newer */
    out = good && point->value < -RIDE_SENSE_DISCHARGE_A;
    ride_sense_add(&bbu->current, good, out ? -point->value : 0.0);
    ret->current_count += good;
    ret->discharging_count += out;
    if (out && point->taken_us > ret->discharge_us)
        ret->discharge_us = point->taken_us;
}

static void ride_sense_bbu_point(const struct block *b, int32_t p, struct ride_sense_bbu *bbu,
                                 struct ride_sense *ret)
{
    const struct point *point = &b->points[p];
    bool good = quality_good(b, p);
    bool lately =
        good || (point->quality == POINT_STALE && b->core->now_us - point->taken_us < RIDE_SENSE_PATIENCE_US);

    switch ((int)b->points_conf[p].signal) {
    case SIGNAL_BBU_SOC_RATIO:
        bbu->stale += !good;
        ride_sense_add(&bbu->soc, lately, point->value);
        break;
    case SIGNAL_BBU_PACK_A:
        ride_sense_current(bbu, point, b->core->ride.current_us, good, ret);
        break;
    case SIGNAL_BBU_PACK_V:
        ride_sense_add(&bbu->pack_v, lately, point->value);
        break;
    case SIGNAL_BBU_FULL_AH:
        ride_sense_add(&bbu->full_ah, lately, point->value);
        break;
    case SIGNAL_BBU_REMAINING_AH:
        ride_sense_add(&bbu->left_ah, lately, point->value);
        break;
    case SIGNAL_BBU_BUS_V:
        if (good && b->core->now_us - point->taken_us < RIDE_SENSE_BUS_US)
            ride_sense_bus(bbu, point->value);
        break;
    case SIGNAL_BBU_STATUS:
        bbu->stale += !good;
        bbu->bad += lately && ((uint32_t)point->value & RIDE_SENSE_STATUS_BAD) != 0;
        bbu->end += lately && ((uint32_t)point->value & RIDE_SENSE_STATUS_END) != 0;
        break;
    case SIGNAL_BBU_FAILURES:
        bbu->failed += lately && point->value > 0.0;
        break;
    default:
        break;
    }
}

/* The books' energy at the end of life counts, or what the batteries say they
 * hold where that is more. */
static void ride_sense_energy(struct block *b, int32_t s, const struct ride_sense_bbu *bbu)
{
    const struct core_config_source *conf = &b->sources_conf[s];
    struct ride *ride = &b->core->ride;
    int32_t bad = bbu->bad > bbu->failed ? bbu->bad : bbu->failed;
    double read = bbu->soc.count > 0 ? (double)bbu->soc.good / bbu->soc.count : 0.0;
    double pack_v = ride_sense_mean(&bbu->pack_v), modules, module_j, said_j, full_j;

    bad = bad < conf->module_count ? bad : conf->module_count;
    modules = (double)conf->module_count * read - bad;
    b->ride_sources[s].modules = modules > 0.0 ? (int32_t)modules : 0;
    module_j = conf->energy_j * ride_sense_mean(&bbu->soc);
    said_j = RIDE_SENSE_USABLE_RATIO * 3600.0 * pack_v * ride_sense_mean(&bbu->left_ah);
    full_j = RIDE_SENSE_USABLE_RATIO * 3600.0 * pack_v * ride_sense_mean(&bbu->full_ah);
    if (said_j > module_j)
        module_j = said_j;
    if (modules > 0.0)
        ride->energy_j += modules * module_j;
    ride->full_j += conf->energy_j * conf->module_count;
    if (bbu->stale > 0 || bad > 0 || bbu->end > 0 || bbu->soc.count == 0 || bbu->current.count == 0 ||
        full_j < conf->energy_j)
        ride->sound = 0;
    if (bbu->current.good > 0)
        ride->discharge_w += ride_sense_mean(&bbu->current) * bbu->current.count *
                             (block_is_number(pack_v) ? pack_v : conf->output_v);
}

static void ride_sense_bbu(struct block *b, int32_t s, struct ride_sense *ret)
{
    struct ride_sense_bbu bbu = { .low_v = __builtin_inf(), .lower_v = __builtin_inf() };
    double bus_v;

    for (int32_t i = b->ride_first[s]; i < b->ride_first[s + 1]; i++)
        ride_sense_bbu_point(b, b->ride_points[i], &bbu, ret);
    ride_sense_energy(b, s, &bbu);
    bus_v = block_is_number(bbu.low_v) ? bbu.low_v : bbu.lower_v;
    if (block_is_number(bus_v) && !(bus_v >= ret->bus_v))
        ret->bus_v = bus_v;
}

void ride_sense(struct block *b, struct ride_sense *ret)
{
    struct ride *ride = &b->core->ride;
    int32_t batteries = 0;

    *ret = (struct ride_sense){
        .input_us = INT64_MIN,
        .input_v = __builtin_nan(""),
        .draw_us = CORE_FOREVER,
        .bus_v = __builtin_nan(""),
        .discharge_us = INT64_MIN,
    };
    ride->energy_j = ride->full_j = ride->discharge_w = 0.0;
    ride->sound = 1;
    ret->current_us = ride->current_us;
    for (int32_t s = 0; s < b->core->source_conf_count; s++) {
        if (b->sources_conf[s].kind == CORE_SOURCE_PSU)
            ride_sense_psu(b, s, ret);
        if (b->sources_conf[s].kind != CORE_SOURCE_BBU)
            continue;
        ride_sense_bbu(b, s, ret);
        batteries++;
    }
    if (batteries == 0)
        ride->sound = 0;
    ride->current_us = ret->current_us;
    ret->discharging = ret->discharging_count >= 2 ||
                       (ret->discharging_count > 0 && ret->discharging_count == ret->current_count);
}
