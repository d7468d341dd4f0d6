/* SPDX-License-Identifier: Apache-2.0 */
/* Faults on demand: who, what, how often, how long. */
#include "sim_rig.h"

#include <math.h>

#include "sim/faults.h"

static struct faults_target find(const struct plant *plant, const char *name)
{
    struct faults_target target = { .index = -1 };

    if (faults_find(plant, name, &target) != ST_OK)
        fail_msg("%s is not found", name);
    return target;
}

static void names_lead_to_the_plants_own_places(void **state)
{
    struct plant *plant = sim_plant("hpr", 1);
    struct faults_target target;

    (void)state;
    target = find(plant, "bmc-3");
    assert_int_equal(target.class, FAULT_BMC);
    assert_int_equal(target.index, 2);
    target = find(plant, "psu-2-4");
    assert_int_equal(target.class, FAULT_PSU);
    assert_int_equal(target.index, 9);
    target = find(plant, "psu-1-1-smbus");
    assert_int_equal(target.class, FAULT_PSU_SMBUS);
    assert_int_equal(target.index, 0);
    target = find(plant, "bbu-4-6");
    assert_int_equal(target.class, FAULT_BBU);
    assert_int_equal(target.index, 23);
    target = find(plant, "pmm-bbu-2");
    assert_int_equal(target.class, FAULT_PMM_BBU);
    assert_int_equal(target.index, 1);
    assert_int_equal(find(plant, "pmm-psu-1").class, FAULT_PMM_PSU);
    assert_int_equal(find(plant, "line-4").class, FAULT_LINE);
    assert_int_equal(find(plant, "smbus-1").class, FAULT_SMBUS);
    free(plant);
}

static void names_of_nothing_are_absent(void **state)
{
    static const char *const names[] = { "",        "bmc",       "bmc-",    "bmc-0",     "bmc-19",  "bmc-1-1",
                                         "psu-1",   "psu-5-1",   "psu-1-7", "psu-0-1",   "bbu-1-1-smbus", "psu-1-1-x",
                                         "line-5",  "smbus-9",   "psu--1",  "psu-1-1-",  "bmc-99999999999", "gpu-1" };
    struct plant *plant = sim_plant("hpr", 1);
    struct faults_target target;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(faults_find(plant, names[i], &target), ST_ABSENT);
    free(plant);
}

static void a_fault_lasts_until_its_time(void **state)
{
    static struct faults faults;
    const struct faults_target bmc = { .class = FAULT_BMC, .index = 2 };

    (void)state;
    faults_init(&faults);
    assert_null(faults_get(&faults, FAULT_BMC, 2, FAULT_SILENT));
    faults_tick(&faults, 5000000);
    faults_set(&faults, bmc, FAULT_SILENT, 0, 2.0, NAN);
    assert_non_null(faults_get(&faults, FAULT_BMC, 2, FAULT_SILENT));
    assert_null(faults_get(&faults, FAULT_BMC, 3, FAULT_SILENT));
    assert_null(faults_get(&faults, FAULT_PSU, 2, FAULT_SILENT));
    assert_null(faults_get(&faults, FAULT_BMC, 2, FAULT_SLOW));
    faults_tick(&faults, 6999999);
    assert_non_null(faults_get(&faults, FAULT_BMC, 2, FAULT_SILENT));
    faults_tick(&faults, 7000000);
    assert_null(faults_get(&faults, FAULT_BMC, 2, FAULT_SILENT));
    assert_int_equal(faults.active_count, 0);
}

static void every_third_question_is_hit(void **state)
{
    static struct faults faults;
    const struct faults_target psu = { .class = FAULT_PSU, .index = 1 };
    char hits[10] = "";

    (void)state;
    faults_init(&faults);
    faults_set(&faults, psu, FAULT_BAD_CRC, 3, 0.0, NAN);
    for (int i = 0; i < 9; i++)
        hits[i] = faults_hit(&faults, FAULT_PSU, 1, FAULT_BAD_CRC) ? 'x' : '.';
    assert_string_equal(hits, "..x..x..x");
}

static void faults_are_cleared_one_by_one_or_all(void **state)
{
    static struct faults faults;
    const struct faults_target a = { .class = FAULT_LINE, .index = 0 }, b = { .class = FAULT_BBU, .index = 5 };

    (void)state;
    faults_init(&faults);
    faults_tick(&faults, 1234);
    faults_set(&faults, a, FAULT_SILENT, 1, 0.0, NAN);
    faults_set(&faults, b, FAULT_SLOW, 1, 0.0, 250.0);
    faults_set(&faults, b, FAULT_STUCK, 1, 0.0, NAN);
    assert_int_equal(faults.active_count, 2);
    SIM_NEAR(faults_value(faults_get(&faults, FAULT_BBU, 5, FAULT_SLOW), FAULT_SLOW), 250.0, 1e-9);
    faults_clear(&faults, &b);
    assert_null(faults_get(&faults, FAULT_BBU, 5, FAULT_STUCK));
    assert_non_null(faults_get(&faults, FAULT_LINE, 0, FAULT_SILENT));
    assert_int_equal(faults.active_count, 1);
    faults_clear(&faults, NULL);
    assert_null(faults_get(&faults, FAULT_LINE, 0, FAULT_SILENT));
    assert_int_equal(faults.now_us, 1234);
}

static void kinds_have_words_and_defaults(void **state)
{
    static struct faults faults;
    const struct faults_target psu = { .class = FAULT_PSU, .index = 0 };

    (void)state;
    faults_init(&faults);
    for (int k = 0; k < FAULT_KIND_COUNT; k++) {
        assert_int_equal(faults_kind_find(faults_kind_word((enum fault_kind)k)), k);
        assert_true(strlen(faults_kind_text((enum fault_kind)k)) > 10);
    }
    assert_int_equal(faults_kind_find("sulking"), FAULT_KIND_COUNT);
    faults_set(&faults, psu, FAULT_EXCEPTION, 1, 0.0, NAN);
    SIM_NEAR(faults_value(faults_get(&faults, FAULT_PSU, 0, FAULT_EXCEPTION), FAULT_EXCEPTION), 6.0, 1e-9);
}

static void nonsense_is_never_broken(void **state)
{
    static struct faults faults;
    const struct faults_target psu = { .class = FAULT_PSU, .index = 0 };

    (void)state;
    faults_init(&faults);
    faults_set(&faults, psu, FAULT_SILENT, 1, 0.0, NAN);
    assert_null(faults_hit(&faults, FAULT_PSU, -1, FAULT_SILENT));
    assert_null(faults_hit(&faults, FAULT_PSU, FAULTS_INDEX_MAX, FAULT_SILENT));
    assert_null(faults_hit(NULL, FAULT_PSU, 0, FAULT_SILENT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_lead_to_the_plants_own_places),
        cmocka_unit_test(names_of_nothing_are_absent),
        cmocka_unit_test(a_fault_lasts_until_its_time),
        cmocka_unit_test(every_third_question_is_hit),
        cmocka_unit_test(faults_are_cleared_one_by_one_or_all),
        cmocka_unit_test(kinds_have_words_and_defaults),
        cmocka_unit_test(nonsense_is_never_broken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
