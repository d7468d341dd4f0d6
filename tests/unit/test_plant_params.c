/* SPDX-License-Identifier: Apache-2.0 */
/* The plant's parameters as a table. */
#include "plant_rig.h"

static void every_row_is_found_set_and_read_back(void **state)
{
    struct plant_params params;

    (void)state;
    plant_params_preset(&params, PLANT_HPR, PLANT_START_STOCK);
    assert_true(plant_param_count() > 60);
    assert_null(plant_param_at(-1));
    assert_null(plant_param_at(plant_param_count()));
    for (int i = 0; i < plant_param_count(); i++) {
        const struct plant_param *row = plant_param_at(i);

        assert_ptr_equal(plant_param_find(row->key), row);
        assert_true(row->low < row->high);
        assert_true(strlen(row->basis) > 0 && strlen(row->text) > 0);
        plant_param_set(&params, row, row->high);
        assert_true(plant_param_get(&params, row) == row->high);
    }
    assert_null(plant_param_find("psu_outputv"));
    SIM_NEAR(params.bus_resistance_ohm, 0.0006, 1e-12);
}

static void presets_lie_in_their_ranges(void **state)
{
    struct plant_params params;

    (void)state;
    for (int kind = 0; kind < PLANT_KIND_COUNT; kind++)
        for (int start = 0; start < PLANT_START_COUNT; start++) {
            plant_params_preset(&params, (enum plant_kind)kind, (enum plant_start_kind)start);
            assert_int_equal(params.kind, kind);
            assert_int_equal(params.start, start);
            for (int i = 0; i < plant_param_count(); i++) {
                const struct plant_param *row = plant_param_at(i);
                double value = plant_param_get(&params, row);

                if (!(value >= row->low && value <= row->high))
                    fail_msg("%s of %s is %g", row->key, plant_kind_word((enum plant_kind)kind), value);
            }
        }
}

static void start_profiles_differ_in_boot_and_walk_in(void **state)
{
    struct plant_params stock, quick, alive;

    (void)state;
    plant_params_preset(&stock, PLANT_HPR, PLANT_START_STOCK);
    plant_params_preset(&quick, PLANT_HPR, PLANT_START_SHORT_BOOT);
    plant_params_preset(&alive, PLANT_HPR, PLANT_START_KEPT_ALIVE);
    SIM_NEAR(stock.psu_boot_low_s, 1.0, 1e-12);
    SIM_NEAR(stock.psu_boot_high_s, 2.5, 1e-12);
    SIM_NEAR(quick.psu_boot_high_s, 0.3, 1e-12);
    SIM_NEAR(quick.psu_walk_in_s, 0.5, 1e-12);
    SIM_NEAR(alive.psu_boot_high_s, 0.05, 1e-12);
    SIM_NEAR(alive.psu_walk_in_s, 0.2, 1e-12);
}

static void words_are_found_both_ways(void **state)
{
    (void)state;
    for (int i = 0; i < PLANT_KIND_COUNT; i++)
        assert_int_equal(plant_kind_find(plant_kind_word((enum plant_kind)i)), i);
    for (int i = 0; i < PLANT_START_COUNT; i++)
        assert_int_equal(plant_start_find(plant_start_word((enum plant_start_kind)i)), i);
    assert_int_equal(plant_kind_find("hpr-v3"), PLANT_KIND_COUNT);
    assert_int_equal(plant_start_find(""), PLANT_START_COUNT);
}

/* A rack built by hand, as protocol tests do it. */
static void a_plant_without_parameters_gets_its_kinds(void **state)
{
    struct plant *plant = plant_rig(PLANT_ORV3, 1, 9000.0);

    (void)state;
    memset(&plant->params, 0, sizeof plant->params);
    plant->nominal_v = 230.0;
    plant->psu_loss_ratio = 0.05;
    plant->bbus[0].energy_full_j = 500000.0;
    plant_start(plant, 1);
    assert_int_equal(plant->params.kind, PLANT_ORV3);
    SIM_NEAR(plant->ac_v, 230.0, 1e-9);
    SIM_NEAR(plant->psu_loss_ratio, 0.05, 1e-9);
    SIM_NEAR(plant->bbus[5].energy_full_j, 500000.0, 1e-9);
    free(plant);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_found_set_and_read_back),
        cmocka_unit_test(presets_lie_in_their_ranges),
        cmocka_unit_test(start_profiles_differ_in_boot_and_walk_in),
        cmocka_unit_test(words_are_found_both_ways),
        cmocka_unit_test(a_plant_without_parameters_gets_its_kinds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
