/* SPDX-License-Identifier: Apache-2.0 */
/* Random racks: drawn the same from the same seed, inside their ranges; sums and the
 * list of the worst; tables and words of the command line. */
#include <math.h>

#include "sim_rig.h"

#include "sim/study.h"
#include "sim/sweep.h"

static struct sweep_base *base_new(void)
{
    struct sweep_base *base = calloc(1, sizeof *base);

    assert_non_null(base);
    for (int kind = 0; kind < PLANT_KIND_COUNT; kind++) {
        struct scenario *s = &base->scenario[kind];

        sim_rack(plant_kind_word((enum plant_kind)kind), &s->rack);
        plant_params_preset(&s->params, (enum plant_kind)kind, PLANT_START_STOCK);
        plant_grid_init(&s->grid);
        s->ends_s = 1.15;
        s->seconds = 5.0;
    }
    return base;
}

static void the_same_seed_draws_the_same_rack(void **state)
{
    (void)state;
    struct sweep_base *base = base_new();
    struct scenario *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
    double load_a, load_b;

    for (uint64_t seed = 1; seed < 50; seed++) {
        sweep_draw(base, seed, a, &load_a);
        sweep_draw(base, seed, b, &load_b);
        assert_memory_equal(a, b, sizeof *a);
        assert_true(load_a == load_b);
        sweep_draw(base, seed + 1, b, &load_b);
        assert_true(load_a != load_b);
    }
    free(a);
    free(b);
    free(base);
}

static double at(const struct plant_params *params, const char *key)
{
    return plant_param_get(params, plant_param_find(key));
}

/* What is told is never better than what is there. */
static void check_plates(const struct scenario *s)
{
    static const char *const lower[] = { "psu_holdup_j",  "bus_capacitance_f", "bbu_rated_w",
                                         "bbu_energy_j",  "bbu_health_ratio",  "bbu_output_v",
                                         "bbu_peak_ratio" };
    static const char *const higher[] = { "bus_resistance_ohm", "bbu_start_s", "bbu_trigger_s",
                                          "psu_handover_ratio", "psu_line_s",  "bbu_droop_v" };

    for (size_t i = 0; i < sizeof lower / sizeof lower[0]; i++)
        assert_true(at(&s->books, lower[i]) <= at(&s->params, lower[i]));
    for (size_t i = 0; i < sizeof higher / sizeof higher[0]; i++)
        assert_true(at(&s->books, higher[i]) >= at(&s->params, higher[i]));
}

static void every_parameter_stays_in_its_range(void **state)
{
    (void)state;
    struct sweep_base *base = base_new();
    struct scenario *s = calloc(1, sizeof *s);
    int kinds[PLANT_KIND_COUNT] = { 0 }, small = 0, large = 0;
    double load_w;

    for (uint64_t seed = 1; seed <= 2000; seed++) {
        sweep_draw(base, seed, s, &load_w);
        for (int i = 0; i < plant_param_count(); i++) {
            const struct plant_param *param = plant_param_at(i);
            double value = plant_param_get(&s->params, param);

            if (strcmp(param->key, "psu_over_v") == 0 || strcmp(param->key, "psu_over_fast_v") == 0)
                continue; /* kept above the nominal voltage */
            if (!(value >= param->low - 1e-12 && value <= param->high * (1.0 + 1e-12)))
                fail_msg("seed %d: %s is %g", (int)seed, param->key, value);
        }
        kinds[s->params.kind]++;
        small += s->params.bus_capacitance_f < 0.1;
        large += s->params.bus_capacitance_f > 1.0;
        assert_true(s->rack.shelf_count >= 1.0 && s->rack.shelf_count <= 4.0);
        assert_true(s->params.psu_output_v - s->params.psu_droop_v > s->params.bbu_trigger_v);
        assert_true(load_w <= 1.1 * s->rack.shelf_count * s->rack.shelf_psus * s->rack.psu_rated_w);
        assert_true(s->seconds > s->ends_s + s->params.psu_boot_high_s + s->params.psu_random_alive_s);
        /* A controller can read every board, whose sensors are 5 % off at most. */
        assert_true(1.05 * s->rack.gpu_rated_w < signal_max(SIGNAL_GPU_POWER_W));
        assert_true(s->rack.node_count <= PLANT_NODES_MAX &&
                    s->rack.node_count * s->rack.node_gpus <= PLANT_GPUS_MAX);
        SIM_NEAR(s->rack.node_count * (s->rack.node_static_w + s->rack.node_gpus * s->rack.gpu_rated_w),
                 load_w, 1e-6 * load_w);
        check_plates(s);
    }
    for (int kind = 0; kind < PLANT_KIND_COUNT; kind++)
        assert_in_range(kinds[kind], 500, 900);
    assert_true(small > 400 && large > 200); /* as many in each decade */
    free(s);
    free(base);
}

static struct sweep_rack rack_with(bool feasible, bool carries, double none_lost, double busbar_lost,
                                   double busbar_v, double capable)
{
    struct sweep_rack r = { .seed = 7, .speaks = true, .feasible = feasible, .carries = carries };

    r.side[VIRTUAL_NONE] =
        (struct sweep_side){ .ran = true, .it_lost = none_lost, .bus_min_v = 47.0, .before_w = 100.0 };
    r.side[VIRTUAL_BUSBAR] = (struct sweep_side){
        .ran = true, .it_lost = busbar_lost, .bus_min_v = busbar_v, .before_w = 100.0, .capable = capable
    };
    return r;
}

static void a_sum_holds_only_when_every_promise_does(void **state)
{
    (void)state;
    const struct sweep_rack good = rack_with(true, true, 0, 0, 47.0, 1),
                            lost = rack_with(true, true, 0, 1, 44.0, 1);
    const struct sweep_rack low = rack_with(true, true, 0, 0, 45.99, 1),
                            told = rack_with(false, false, 1, 1, 40.0, 0);
    const struct sweep_rack silent = rack_with(false, false, 1, 1, 40.0, 1),
                            wrong = rack_with(true, true, 1, 0, 47.0, 1);
    struct sweep_rack lowered = rack_with(false, false, 1, 0, 46.5, 1);
    struct sweep_sum sum = { .racks = 0 }, other;

    struct sweep_rack brief = rack_with(true, false, 0, 0, 47.0, 1);

    assert_false(sweep_agrees(&brief)); /* called lost, and nothing happened */
    brief.side[VIRTUAL_NONE].bus_min_v = 45.9;
    assert_true(sweep_agrees(&brief)); /* under 46 V, for less time than IT gear bears */
    lowered.side[VIRTUAL_BUSBAR].before_w = 60.0;
    sweep_add(&sum, &good);
    sweep_add(&sum, &told);
    sweep_add(&sum, &lowered);
    assert_true(sweep_holds(&sum));
    assert_int_equal(sum.feasible, 1);
    assert_int_equal(sum.outside, 2);
    assert_int_equal(sum.reported, 1);
    assert_int_equal(sum.lowered, 1);
    SIM_NEAR(sum.bus_min_v, 47.0, 1e-9);
    const struct sweep_rack *const bad[] = { &lost, &low, &silent, &wrong };

    for (size_t i = 0; i < 4; i++) {
        other = sum;
        sweep_add(&other, bad[i]);
        assert_false(sweep_holds(&other));
    }
    for (int i = 0; i < 200; i++) /* one in 200 may differ from the rule */
        sweep_add(&sum, &good);
    sweep_add(&sum, &wrong);
    assert_true(sweep_holds(&sum));
    sum.died = 1;
    assert_false(sweep_holds(&sum));
}

static void the_worst_racks_are_kept_in_order(void **state)
{
    (void)state;
    struct sweep_worst worst = { .count = 0 };
    struct sweep_rack rack = rack_with(false, false, 1, 1, 40.0, 0);

    sweep_worst_add(&worst, &rack); /* outside, told, agreed: nothing to look at */
    assert_int_equal(worst.count, 0);
    for (int i = 0; i < 20; i++) {
        rack = rack_with(true, true, 0, 0, 46.0 + (i * 7 % 20) * 0.1, 1);
        rack.seed = (uint64_t)i;
        sweep_worst_add(&worst, &rack);
    }
    rack = rack_with(true, true, 0, 1, 44.0, 1);
    rack.seed = 99;
    sweep_worst_add(&worst, &rack);
    assert_int_equal(worst.count, SWEEP_WORST_MAX);
    assert_int_equal(worst.rack[0].seed, 99);
    assert_int_equal(worst.rack[1].seed, 0);
    for (int32_t i = 1; i < worst.count; i++)
        assert_true(worst.score[i - 1] <= worst.score[i]);
}

static void words_are_taken_apart(void **state)
{
    (void)state;
    struct study_words words;

    assert_true(study_split("--set", "e-1,e-2,e-10", &words));
    assert_int_equal(words.count, 3);
    assert_string_equal(words.word[2], "e-10");
    assert_false(study_split("--set", "e-1,,e-2", &words));
    assert_false(study_split("--set", "", &words));
    assert_false(study_split("--set", "e-1,", &words));
    uint64_t count;

    assert_true(study_count("--racks", "12", 100, &count));
    assert_int_equal(count, 12);
    assert_false(study_count("--racks", "0", 100, &count));
    assert_false(study_count("--racks", "101", 100, &count));
    assert_false(study_count("--racks", "1x", 100, &count));
    assert_false(study_count("--racks", "-1", 100, &count));
    assert_int_equal(study_controller("busbar"), VIRTUAL_BUSBAR);
    assert_int_equal(study_controller("all"), VIRTUAL_CONTROLLER_COUNT);
}

static void tables_are_aligned(void **state)
{
    (void)state;
    struct study_table table;
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);

    study_table_init(&table, 3);
    for (int i = 0; i < 2; i++) {
        study_table_put(&table, "%s", i ? "a" : "vector");
        study_table_put(&table, "%s", i ? "!mΩ" : "x");
        study_table_put(&table, "%s", i ? "" : "last");
    }
    study_table_print(&table, to);
    assert_int_equal(fclose(to), 0);
    assert_string_equal(text, "vector  x   last\na       mΩ\n");
    assert_int_equal(study_table_rows(&table), 2);
    assert_string_equal(study_table_cells(&table)[4], "!mΩ");
    study_table_done(&table);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_draws_the_same_rack),
        cmocka_unit_test(every_parameter_stays_in_its_range),
        cmocka_unit_test(a_sum_holds_only_when_every_promise_does),
        cmocka_unit_test(the_worst_racks_are_kept_in_order),
        cmocka_unit_test(words_are_taken_apart),
        cmocka_unit_test(tables_are_aligned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
