/* SPDX-License-Identifier: Apache-2.0 */
/* Rack files: what they build, and how a wrong one is refused. */
#include "sim_rig.h"

static void the_default_rack_is_gb300_class(void **state)
{
    struct plant *plant = sim_plant("hpr", 1);

    (void)state;
    assert_int_equal(plant->node_count, 18);
    assert_int_equal(plant->gpu_count, 72);
    assert_int_equal(plant->shelf_count, 4);
    assert_int_equal(plant->psu_count, 24);
    assert_int_equal(plant->bbu_count, 24);
    assert_int_equal(plant->gpus[71].node, 17);
    assert_int_equal(plant->psus[23].shelf, 3);
    assert_int_equal(plant->shelves[2].psu_first, 12);
    assert_int_equal(plant->shelves[0].kind, PLANT_HPR);
    SIM_NEAR(plant->ac_v, 240.0, 1e-9);
    SIM_NEAR(plant_idle_ac_w(plant), (18 * 1900.0 + 72 * 150.0 + 7416.0) / 0.965, 1e-6);
    SIM_NEAR(plant_idle_shelf_w(plant), (18 * 1900.0 + 72 * 150.0 + 7416.0) / 4, 1e-6);
    free(plant);
}

static void the_plain_rack_is_one_shelf(void **state)
{
    struct plant *plant = sim_plant("orv3", 1);
    struct rack rack;
    struct rack_limit limits[RACK_SHELF_LIMITS_MAX];

    (void)state;
    assert_int_equal(plant->gpu_count, 16);
    assert_int_equal(plant->shelf_count, 1);
    assert_int_equal(plant->shelves[0].kind, PLANT_ORV3);
    sim_rack("orv3", &rack);
    assert_int_equal(rack_shelf_limits(&rack, limits), 3);
    SIM_NEAR(limits[0].limit_w, 1.55 * 18000.0, 1e-6);
    assert_int_equal(limits[2].window_ms, 10000);
    free(plant);
}

static void the_denser_rack_is_hpr_v2(void **state)
{
    struct plant *plant = sim_plant("hpr-v2", 1);
    struct rack rack;
    struct rack_limit limits[RACK_SHELF_LIMITS_MAX];

    (void)state;
    assert_int_equal(plant->psu_count, 12);
    assert_int_equal(plant->shelves[1].kind, PLANT_HPR_V2);
    assert_int_equal(plant->params.kind, PLANT_HPR_V2);
    SIM_NEAR(plant->psus[0].setpoint_v, 50.5, 1e-9);
    SIM_NEAR(plant->params.psu_efficiency_ratio, 0.97, 1e-9);
    SIM_NEAR(plant->bbus[11].energy_full_j, 1500000.0, 1e-6);
    sim_rack("hpr-v2", &rack);
    assert_int_equal(rack_shelf_limits(&rack, limits), 3);
    SIM_NEAR(limits[1].limit_w, 1.40 * 72000.0, 1e-6);
    free(plant);
}

static void what_a_file_says_is_in_the_parameters(void **state)
{
    struct plant_params params;
    struct rack rack;

    (void)state;
    sim_rack("hpr", &rack);
    rack_params(&rack, &params);
    assert_int_equal(params.start, PLANT_START_STOCK);
    SIM_NEAR(params.bus_capacitance_f, 0.5, 1e-12);
    SIM_NEAR(params.bbu_energy_j, 960000.0, 1e-6);
    SIM_NEAR(params.cap_energy_j, 0.0, 1e-12);
    (void)snprintf(rack.start, sizeof rack.start, "kept-alive");
    rack.bus_capacitance_f = 1.2;
    rack.bus_resistance_ohm = 0.0005;
    rack.bbu_health_ratio = 0.516;
    rack.cap_energy_j = 5000.0;
    rack.cap_power_w = 20000.0;
    rack_params(&rack, &params);
    assert_int_equal(params.start, PLANT_START_KEPT_ALIVE);
    SIM_NEAR(params.psu_walk_in_s, 0.2, 1e-12);
    SIM_NEAR(params.bus_capacitance_f, 1.2, 1e-12);
    SIM_NEAR(params.bus_resistance_ohm, 0.0005, 1e-12);
    SIM_NEAR(params.bbu_health_ratio, 0.516, 1e-12);
    SIM_NEAR(params.cap_power_w, 20000.0, 1e-6);
}

static void the_floor_and_the_loss_are_on_the_safe_side(void **state)
{
    static const char *const names[] = { "hpr", "orv3", "hpr-v2" };

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct plant *plant = sim_plant(names[i], 1);
        struct rack rack;

        sim_rack(names[i], &rack);
        assert_true(rack_tree_loss_ratio(&rack) > plant->psu_loss_ratio + 0.002);
        assert_true(rack_tree_loss_ratio(&rack) < plant->psu_loss_ratio + 0.006);
        plant_discharge(plant);
        sim_demand(plant, rack.gpu_rated_w);
        for (int32_t g = 0; g < plant->gpu_count; g++)
            plant_gpu_set_limit(plant, g, rack.gpu_limit_min_w);
        sim_run(plant, 2000);
        assert_true(plant->ac_w < rack_floor_ac_w(&rack));
        assert_true(plant->ac_w > 0.95 * rack_floor_ac_w(&rack));
        assert_true(rack_floor_ac_w(&rack) < rack.envelope_w);
        free(plant);
    }
}

/* The default file with one line exchanged. */
static void refused(const char *line, const char *by, const char *where)
{
    char path[1024], text[8192] = "", error[RACK_ERROR_MAX] = "", from[512];
    struct rack rack;
    FILE *file;
    char *made;
    int number = 0, changed = 0;

    (void)snprintf(path, sizeof path, "%s/config/racks/hpr.yaml", BUSBAR_SOURCE_DIR);
    file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(from, sizeof from, file)) {
        number++;
        if (strncmp(from, line, strlen(line)) == 0) {
            strcat(text, by);
            changed = number;
        } else {
            strcat(text, from);
        }
    }
    assert_int_equal(fclose(file), 0);
    assert_true(changed > 0);
    made = sim_file(text);
    assert_int_equal(rack_load(made, &rack, error), ST_RANGE);
    if (!strstr(error, where))
        fail_msg("'%s' does not say '%s'", error, where);
    assert_int_equal(strncmp(error, made, strlen(made)), 0);
    unlink(made);
    free(made);
}

static void wrong_files_are_refused_with_their_place(void **state)
{
    (void)state;
    refused("  idle_w:", "  idle_w: warm\n", ":16:11: gpu.idle_w: \"warm\" is not a number");
    refused("  idle_w:", "  idle_w: -1\n", "gpu.idle_w: -1 is not allowed");
    refused("  idle_w:", "  idle_w: nan\n", "gpu.idle_w");
    refused("  idle_w:", "  idle_w: 1300\n", "idle_w is below rated_w");
    refused("  idle_w:", "  idel_w: 150\n", "gpu.idel_w: there is no such key");
    refused("  idle_w:", "", "gpu.idle_w: is missing");
    refused("  idle_w:", "  idle_w: 150\n  idle_w: 150\n", "gpu.idle_w: given twice");
    refused("  count: 18", "  count: 4.5\n", "nodes.count: 4.5 is not allowed: whole numbers");
    refused("  count: 18", "  count: 37\n", "nodes.count");
    refused("  gpus: 4", "  gpus: 16\n", "more than 144 GPUs");
    refused("  kind:", "  kind: orv9\n", "\"orv9\" is not known, allowed: hpr, orv3, hpr-v2");
    refused("  kind:", "  kind: hpr\n  start: never\n", "\"never\" is not known, allowed: stock");
    refused("  bbus:", "  bbus: 6\n  bbu_health_ratio: 0\n", "shelves.bbu_health_ratio");
    refused("links:", "bus: {capacitance_f: 3}\nlinks:\n", "bus.capacitance_f: 3 is not allowed");
    refused("  windows_ms:", "  windows_ms: 100\n", "a list of numbers");
    refused("  windows_ms:", "  windows_ms: []\n", "at least one window");
    refused("  windows_ms:", "  windows_ms: [1,2,3,4,5,6,7,8,9]\n", "more than 8 numbers");
    refused("  smbus_shelf:", "  smbus_shelf: 5\n", "there are 4 shelves");
    refused("  redfish_ms:", "  redfish_ms: {p50: 450, p95: 400, p99: 780}\n", "must rise");
    refused("  modbus:", "  modbus: {baud: 115200, turnaround_ms: [20, 2]}\n", "[least, most]");
    refused("  modbus:", "  modbus: 115200\n", "links.modbus: keys are needed here");
    refused("  name:", "  name: [a]\n", "rack.name: a word");
    refused("rack:", "rack: [\n", "did not find expected");
}

static void what_cannot_be_read_says_so(void **state)
{
    char error[RACK_ERROR_MAX] = "";
    struct rack rack;
    char *empty = sim_file("");

    (void)state;
    assert_int_equal(rack_load("/nonexistent/rack.yaml", &rack, error), ST_SYS);
    assert_non_null(strstr(error, "/nonexistent/rack.yaml: No such file"));
    assert_int_equal(rack_load(empty, &rack, error), ST_RANGE);
    assert_non_null(strstr(error, "empty"));
    unlink(empty);
    free(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_rack_is_gb300_class),
        cmocka_unit_test(the_plain_rack_is_one_shelf),
        cmocka_unit_test(the_denser_rack_is_hpr_v2),
        cmocka_unit_test(what_a_file_says_is_in_the_parameters),
        cmocka_unit_test(the_floor_and_the_loss_are_on_the_safe_side),
        cmocka_unit_test(wrong_files_are_refused_with_their_place),
        cmocka_unit_test(what_cannot_be_read_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
