/* SPDX-License-Identifier: Apache-2.0 */
/* Progressive filling against a plain way to the same point: each limit's level is
 * bisected, the lowest one is full, and so on until none fills. */
#include "core/fill.h"
#include "core/zone.h"
#include "core_rig.h"

#define LEVEL_MAX 1e5 /* above every end over every weight                       */

/* ---- a problem ---- */

static double any(double low, double high)
{
    return low + (high - low) * (double)(rand() % 100001) / 100000.0;
}

/* Shelves in a random tree, levers anywhere below, two groups of leaves across it. */
static struct rig *tangle(int32_t levers)
{
    struct rig *rig = rig_new();
    int32_t shelves = 1 + rand() % 6, members[RIG_MEMBERS];

    for (int32_t n = 0; n < shelves; n++) {
        rig_node(rig, CORE_NODE_SHELF, n == 0 || rand() % 4 == 0 ? CORE_NONE : rand() % n);
        rig->nodes[n].loss_ratio = rand() % 2 ? 0.07 : 0.0;
    }
    for (int32_t l = 0; l < levers; l++)
        rig->levers[rig_gpu(rig, rand() % shelves, 0, 1000)].overshoot_ratio = rand() % 2 ? 0.1 : 0.0;
    rig_start(rig);
    for (int32_t g = 0; g < 2; g++) {
        int32_t count = 0;

        for (int32_t l = 0; l < levers && count < RIG_MEMBERS / 2; l++)
            if (rand() % 3 == 0)
                members[count++] = rig->levers[l].node;
        if (count > 0)
            (void)rig_group(rig, members, count, 1e6);
    }
    rig_step(rig);
    return rig;
}

/* Whole numbers meet one another at one level; others never do. */
static void give(struct block *b, bool whole)
{
    for (int32_t l = 0; l < b->core->lever_count; l++) {
        struct fill_var *var = &b->vars[l];

        var->moves = rand() % 8 != 0;
        var->weight = whole ? 1 + rand() % 3 : any(0.2, 3.0);
        var->lo = whole ? 100 * (rand() % 3) : any(0.0, 300.0);
        var->hi = rand() % 8 == 0 ? var->lo : var->lo + (whole ? 100 * (rand() % 6) : any(0.0, 800.0));
        var->x = var->moves ? var->lo : 777.0;
        var->row = FILL_STAYS;
    }
}

static double used_w(const struct block *b, int32_t z)
{
    double sum_w = 0.0;

    for (int32_t e = 0; e < b->zones[z].entry_count; e++) {
        const struct entry *entry = &b->entries[b->zones[z].entry_first + e];

        if (b->vars[entry->source].moves)
            sum_w += entry->coef * (1.0 + b->levers_conf[entry->source].overshoot_ratio) *
                     b->vars[entry->source].x;
    }
    return sum_w;
}

/* Some limits bind, some are far off, some are full from the start, some do not exist. */
static void bind(struct block *b, bool whole)
{
    for (int32_t z = 0; z < b->core->zone_count; z++) {
        double part = (double)b->zones[z].entry_count * (whole ? 50 * (rand() % 7) : any(0.0, 400.0));

        b->row_budget[z] = rand() % 5 == 0 ? INFINITY : used_w(b, z) + (rand() % 8 ? part : 0.0);
        b->rows[z].slack_w =
            isfinite(b->row_budget[z]) ? fmax(b->row_budget[z] - used_w(b, z), 0.0) : b->row_budget[z];
    }
}

/* ---- the plain way ---- */

/* How far each var goes: its own level, at which the first of its rows is full. */
static double at_w(const struct block *b, const double *own, int32_t l, double level)
{
    const struct fill_var *var = &b->vars[l];

    return fmin(fmax(var->weight * fmin(level, own[l]), var->lo), var->hi);
}

static double sum_w(const struct block *b, const double *own, int32_t z, double level)
{
    double sum = 0.0;

    for (int32_t e = 0; e < b->zones[z].entry_count; e++) {
        const struct entry *entry = &b->entries[b->zones[z].entry_first + e];

        if (b->vars[entry->source].moves)
            sum += entry->coef * (1.0 + b->levers_conf[entry->source].overshoot_ratio) *
                   at_w(b, own, entry->source, level);
    }
    return sum;
}

static double level_of(const struct block *b, const double *own, int32_t z)
{
    double low = 0.0, high = LEVEL_MAX;

    if (!isfinite(b->row_budget[z]) || sum_w(b, own, z, LEVEL_MAX) <= b->row_budget[z] + 1e-9)
        return INFINITY;
    for (int32_t k = 0; k < 100; k++) {
        double middle = 0.5 * (low + high);

        if (sum_w(b, own, z, middle) > b->row_budget[z] + 1e-9)
            high = middle;
        else
            low = middle;
    }
    return low;
}

static void plainly(const struct block *b, double *ret_x)
{
    double own[RIG_LEVERS];

    for (int32_t l = 0; l < b->core->lever_count; l++)
        own[l] = LEVEL_MAX;
    for (;;) {
        double first = INFINITY;
        int32_t full = CORE_NONE;

        for (int32_t z = 0; z < b->core->zone_count; z++)
            if (level_of(b, own, z) < first) {
                first = level_of(b, own, z);
                full = z;
            }
        if (full == CORE_NONE)
            break;
        for (int32_t e = 0; e < b->zones[full].entry_count; e++) {
            int32_t l = b->entries[b->zones[full].entry_first + e].source;

            own[l] = fmin(own[l], first);
        }
    }
    for (int32_t l = 0; l < b->core->lever_count; l++)
        ret_x[l] = b->vars[l].moves ? at_w(b, own, l, LEVEL_MAX) : b->vars[l].x;
}

/* ---- both ---- */

static void assert_watts(double is, double should)
{
    if (!(fabs(is - should) <= 1e-5))
        fail_msg("%.9g should be %.9g", is, should);
}

/* What stopped it is a full limit around it; or nothing did, and it is at its end. */
static void check_stop(const struct block *b, int32_t l)
{
    const struct fill_var *var = &b->vars[l];
    const struct entry *entry = NULL;

    if (var->row < 0) {
        assert_true(var->row == FILL_TOP ? var->x >= var->hi - 1e-9 : var->hi <= var->lo);
        return;
    }
    for (int32_t k = 0; (entry = zone_path(b, l, k)) && entry->zone != var->row; k++)
        continue;
    assert_non_null(entry);
    assert_watts(b->rows[var->row].slack_w, 0.0);
}

static void check(struct block *b)
{
    double should[RIG_LEVERS];

    plainly(b, should);
    fill_run(b);
    for (int32_t l = 0; l < b->core->lever_count; l++) {
        assert_watts(b->vars[l].x, should[l]);
        if (b->vars[l].moves)
            check_stop(b, l);
    }
    for (int32_t z = 0; z < b->core->zone_count; z++)
        if (isfinite(b->row_budget[z])) {
            assert_watts(b->rows[z].slack_w, fmax(b->row_budget[z] - used_w(b, z), 0.0));
            assert_true(b->rows[z].slack_w >= 0.0);
        }
}

/* Three stages one after the other, as allocation runs them: each goes on from where
 * the last one ended, some vars with a higher end than before, some with none. */
static void filling_ends_where_the_plain_way_ends(void **state)
{
    (void)state;
    srand(11);
    for (int32_t run = 0; run < 400; run++) {
        struct rig *rig = tangle(1 + rand() % 40);
        struct block b = block_open(rig->core);
        bool whole = run % 2 == 0;

        give(&b, whole);
        bind(&b, whole);
        check(&b);
        for (int32_t stage = 0; stage < 2; stage++) {
            for (int32_t l = 0; l < b.core->lever_count; l++) {
                b.vars[l].lo = b.vars[l].x;
                b.vars[l].hi = b.vars[l].x + (rand() % 3 ? any(0.0, 500.0) : 0.0);
                if (b.vars[l].hi <= b.vars[l].lo)
                    b.vars[l].row = FILL_STAYS;
            }
            check(&b);
        }
        rig_free(rig);
    }
}

/* ---- who is named ---- */

/* Two vars of weight 1 below one limit of their own each and below one for both. */
static struct rig *nested(struct block *ret, double inner_w, double outer_w)
{
    struct rig *rig = rig_new();
    int32_t outer = rig_node(rig, CORE_NODE_RACK, CORE_NONE), inner = rig_node(rig, CORE_NODE_SHELF, outer);

    rig_gpu(rig, inner, 0, 1000);
    rig_gpu(rig, outer, 0, 1000);
    rig_start(rig);
    rig_step(rig);
    *ret = block_open(rig->core);
    for (int32_t z = 0; z < ret->core->zone_count; z++)
        ret->row_budget[z] = ret->rows[z].slack_w = INFINITY;
    ret->row_budget[outer] = ret->rows[outer].slack_w = outer_w;
    ret->row_budget[inner] = ret->rows[inner].slack_w = inner_w;
    for (int32_t l = 0; l < 2; l++) {
        ret->vars[l].moves = 1;
        ret->vars[l].weight = 1.0;
        ret->vars[l].lo = ret->vars[l].x = 0.0;
        ret->vars[l].hi = 1000.0;
        ret->vars[l].row = FILL_STAYS;
    }
    return rig;
}

/* The inner limit stops one at 100 W; in the next stage the outer one is full too, and
 * still it is the inner one that holds it. One that got further is held by what stops it now. */
static void what_stopped_a_var_before_still_does_unless_it_went_on(void **state)
{
    (void)state;
    struct block b;
    struct rig *rig = nested(&b, 100.0, 1000.0);

    b.vars[1].hi = 900.0;
    fill_run(&b);
    assert_watts(b.vars[0].x, 100.0);
    assert_int_equal(b.vars[0].row, 1);
    assert_watts(b.vars[1].x, 900.0);
    assert_int_equal(b.vars[1].row, FILL_TOP);
    for (int32_t l = 0; l < 2; l++) {
        b.vars[l].lo = b.vars[l].x;
        b.vars[l].hi = 1000.0;
    }
    b.row_budget[1] = 200.0; /* the inner one has room again: the outer one has not */
    b.rows[1].slack_w = 100.0;
    fill_run(&b);
    assert_watts(b.vars[0].x, 100.0);
    assert_int_equal(b.vars[0].row, 1);
    assert_watts(b.vars[1].x, 900.0);
    assert_int_equal(b.vars[1].row, 0);
    for (int32_t l = 0; l < 2; l++)
        b.vars[l].lo = b.vars[l].x;
    b.row_budget[0] = 1020.0;
    b.rows[0].slack_w = 20.0;
    fill_run(&b); /* the lower one has the room */
    assert_watts(b.vars[0].x, 120.0);
    assert_int_equal(b.vars[0].row, 0);
    rig_free(rig);
}

/* Full at one level, both: the nearest limit is the one that is named. */
static void of_two_limits_that_were_full_before_the_nearest_is_named(void **state)
{
    (void)state;
    struct block b;
    struct rig *rig = nested(&b, 0.0, 0.0);

    fill_run(&b);
    assert_int_equal(b.vars[0].row, 1);
    assert_int_equal(b.vars[1].row, 0);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filling_ends_where_the_plain_way_ends),
        cmocka_unit_test(what_stopped_a_var_before_still_does_unless_it_went_on),
        cmocka_unit_test(of_two_limits_that_were_full_before_the_nearest_is_named),
    };

    return cmocka_run_group_tests_name("fill", tests, NULL, NULL);
}
