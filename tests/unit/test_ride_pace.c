/* SPDX-License-Identifier: Apache-2.0 */
/* Set-points that move in a sag while every shelf is written to at a pace of its own: one
 * supply after the other, over four lines of which each is slower than the one before. */
#include "core/ride.h"
#include "ride_rig.h"

#define BEAR_V ((1.1 - 40000.0 / (RIDE_RIG_COUNT * RIDE_RIG_RATED_W)) * 4.0 / 3.0)

/* Of one shelf: orders that wait, the first of them under way until due_us. */
struct line {
    int64_t write_us, due_us; /* write_us INT64_MAX: it does not answer       */
    int32_t count;
    struct core_order order[RIG_LEVERS];
};

struct lines {
    struct ride_rig *r;
    struct line line[RIDE_RIG_SHELVES];
    double apart_v, most_w; /* farthest two shelves were apart; most that a supply carried */
};

static struct lines *lines_new(void)
{
    struct lines *l = calloc(1, sizeof *l);

    assert_non_null(l);
    l->r = ride_rig_new(true);
    ride_rig_run(l->r, 3.0);
    assert_int_equal(ride_rig_state(l->r), CORE_RIDE_READY);
    l->r->rig->deaf = true;
    for (int32_t s = 0; s < RIDE_RIG_SHELVES; s++)
        l->line[s] = (struct line){ .write_us = 20000 * (s + 1) };
    return l;
}

static void lines_free(struct lines *l)
{
    ride_rig_free(l->r);
    free(l);
}

/* The line of a lever; the last one takes what belongs to no supply. */
static struct line *line_of(struct lines *l, int32_t lever)
{
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        if (l->r->psu[i].setpoint == lever || l->r->psu[i].start == lever)
            return &l->line[i / RIDE_RIG_EACH];
    return &l->line[0];
}

static void lines_take(struct lines *l)
{
    const struct core_order *orders = core_outputs_orders(l->r->rig->out);

    for (int32_t o = 0; o < l->r->rig->out->order_count; o++) {
        struct line *line = line_of(l, orders[o].lever);

        if (line->write_us == INT64_MAX)
            continue;
        if (line->count == 0)
            line->due_us = l->r->rig->now_us + line->write_us;
        line->order[line->count++] = orders[o];
    }
}

static void line_write(struct lines *l, struct line *line)
{
    struct rig *rig = l->r->rig;
    const struct core_order order = line->order[0];

    *rig_held(rig, order.lever) = order.value;
    rig->acks[rig->ack_count++] = (struct core_ack){
        .lever = order.lever,
        .status = ST_OK,
        .number = order.number,
        .readback = order.value,
        .dispatched_us = rig->now_us,
        .done_us = rig->now_us,
    };
    line->count--;
    memmove(line->order, line->order + 1, (size_t)line->count * sizeof *line->order);
    line->due_us += line->write_us;
}

static double shelf_v(struct lines *l, int32_t shelf)
{
    double sum_v = 0.0;

    for (int32_t i = 0; i < RIDE_RIG_EACH; i++)
        sum_v += ride_rig_setpoint(l->r, shelf * RIDE_RIG_EACH + i);
    return sum_v / RIDE_RIG_EACH;
}

static void lines_step(struct lines *l)
{
    double low_v = INFINITY, high_v = -INFINITY;

    ride_rig_step(l->r);
    lines_take(l);
    for (int32_t s = 0; s < RIDE_RIG_SHELVES; s++) {
        while (l->line[s].count > 0 && l->line[s].due_us <= l->r->rig->now_us)
            line_write(l, &l->line[s]);
        low_v = fmin(low_v, shelf_v(l, s));
        high_v = fmax(high_v, shelf_v(l, s));
    }
    l->apart_v = fmax(l->apart_v, high_v - low_v);
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        l->most_w = fmax(l->most_w, l->r->psu[i].carries_w);
}

static void lines_run(struct lines *l, double span_s)
{
    for (int64_t end_us = l->r->rig->now_us + (int64_t)(span_s * 1e6); l->r->rig->now_us < end_us;)
        lines_step(l);
}

static void no_shelf_is_left_alone_with_the_load(void **state)
{
    (void)state;
    struct lines *l = lines_new();

    ride_rig_input(l->r, 0.8);
    lines_run(l, 1.2);
    assert_int_equal(ride_rig_state(l->r), CORE_RIDE_SUPPORT);
    assert_true(l->apart_v <= BEAR_V + 1e-6);
    assert_true(l->apart_v > 0.2 * BEAR_V); /* the lines did differ */
    assert_true(l->most_w <= 1.1 * RIDE_RIG_RATED_W + 1.0);
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        assert_true(ride_rig_setpoint(l->r, i) < 48.6); /* and all got there */
    assert_true(l->r->bbu_w > 0.1 * l->r->load_w);
    lines_free(l);
}

/* All four wait for the one that nobody hears of; what it then carries it bears. */
static void a_line_that_goes_silent_stops_the_others(void **state)
{
    (void)state;
    struct lines *l = lines_new();

    l->line[2].write_us = INT64_MAX;
    ride_rig_input(l->r, 0.8);
    lines_run(l, 1.5);
    RIG_NEAR(shelf_v(l, 2), RIDE_RIG_TARGET_V);
    for (int32_t s = 0; s < RIDE_RIG_SHELVES; s++) {
        assert_true(shelf_v(l, s) >= RIDE_RIG_TARGET_V - BEAR_V - 1e-6);
        if (s != 2)
            assert_true(shelf_v(l, s) < RIDE_RIG_TARGET_V - 0.2 * BEAR_V);
    }
    assert_true(l->r->load_w < 1.6 * RIDE_RIG_RATED_W * RIDE_RIG_COUNT);
    lines_free(l);
}

/* The wear of a day is spent in the middle of the sag: set-points go back as they came. */
static void they_go_up_again_as_they_went_down(void **state)
{
    (void)state;
    struct lines *l = lines_new();

    ride_rig_input(l->r, 0.8);
    lines_run(l, 1.2);
    assert_int_equal(ride_rig_state(l->r), CORE_RIDE_SUPPORT);
    l->r->rig->plan->ride.wear_cycles_per_day = 1e-6;
    l->r->rig->plan->version++;
    lines_run(l, 1.2);
    assert_int_equal(ride_rig_state(l->r), CORE_RIDE_SAG);
    assert_true(l->apart_v <= BEAR_V + 1e-6);
    RIG_NEAR(ride_rig_spread(l->r), 0.0);
    RIG_NEAR(ride_rig_setpoint(l->r, 0), RIDE_RIG_TARGET_V);
    lines_free(l);
}

/* More load, less room between shelves: set-points then move by less than all the way. */
static void steps_are_as_small_as_the_load_asks_for(void **state)
{
    (void)state;
    struct lines *l = lines_new();
    const double rated_w = RIDE_RIG_COUNT * RIDE_RIG_RATED_W;

    l->r->load_w = 48000.0;
    lines_run(l, 1.0);
    ride_rig_input(l->r, 0.88);
    lines_run(l, 3.0);
    assert_int_equal(ride_rig_state(l->r), CORE_RIDE_SUPPORT);
    assert_true(l->apart_v <= (1.1 - 48000.0 / rated_w) * 4.0 / 3.0 + 1e-6);
    assert_true(ride_rig_spread(l->r) < 0.1);
    lines_free(l);
}

/* An outage of just half a second is still one of the first stage: the next begins after it, and
 * so does all that is only written once something is written at all. */
static void a_stage_begins_when_the_one_before_is_exceeded(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);
    struct block b = block_open(r->rig->core);
    int64_t first_us = r->rig->plan->ride.start[0].outage_us,
            second_us = r->rig->plan->ride.start[1].outage_us;
    bool met[2] = { false, false };

    ride_rig_run(r, 6.0);
    ride_rig_input(r, 0.0);
    for (int32_t k = 0; k < 1100; k++) {
        ride_rig_step(r);
        if (ride_rig_state(r) != CORE_RIDE_OUTAGE)
            continue;

        int64_t out_us = r->rig->now_us - b.core->ride.outage_us;

        assert_int_equal(b.core->ride.start, (out_us > first_us) + (out_us > second_us));
        assert_int_equal(b.core->ride.acted, out_us > ride_quiet_us(&b));
        met[0] = met[0] || out_us == first_us;
        met[1] = met[1] || out_us == second_us;
    }
    assert_true(met[0] && met[1]);
    ride_rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_shelf_is_left_alone_with_the_load),
        cmocka_unit_test(a_line_that_goes_silent_stops_the_others),
        cmocka_unit_test(they_go_up_again_as_they_went_down),
        cmocka_unit_test(steps_are_as_small_as_the_load_asks_for),
        cmocka_unit_test(a_stage_begins_when_the_one_before_is_exceeded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
