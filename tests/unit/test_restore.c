/* SPDX-License-Identifier: Apache-2.0 */
/* test_restore.c: which originals there are, whose they are, when they are back. */
#include "daemon/restore.h"
#include "daemon_bench.h"

static void restore_test_originals(const struct bench *bench, const char *device, const char *lines)
{
    char path[160], text[1024];

    (void)snprintf(path, sizeof path, "%s/state", bench->dir);
    (void)mkdir(path, 0700);
    (void)snprintf(path, sizeof path, "%s/state/originals", bench->dir);
    (void)mkdir(path, 0700);
    (void)snprintf(path, sizeof path, "%s/state/originals/%s", bench->dir, device);
    (void)snprintf(text, sizeof text, "busbar originals 1\n%s", lines);
    bench_write(path, text);
}

static struct restore_item *restore_test_item(const struct restore_list *list, const char *name)
{
    for (int32_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].name, name) == 0)
            return &list->items[i];
    fail_msg("there is no %s", name);
    return NULL;
}

static void after_anything_but_an_orderly_stop_all_is_left(void **state)
{
    (void)state;
    assert_false(restore_leaves_all(NULL, false));
    assert_false(restore_leaves_all("", false));
    assert_false(restore_leaves_all("success", false));
    assert_true(restore_leaves_all("signal", false));
    assert_true(restore_leaves_all("watchdog", false));
    assert_true(restore_leaves_all("exit-code", false));
    assert_false(restore_leaves_all("signal", true));
}

static void no_folder_of_originals_is_nothing_to_restore(void **state)
{
    struct restore_list list;
    struct bench bench;
    struct conf *conf;

    (void)state;
    bench_folder(&bench);
    conf = bench_conf(&bench);
    assert_int_equal(restore_list_read(conf, &list), ST_OK);
    assert_int_equal(list.count, 0);
    restore_list_done(&list);
    conf_free(conf);
    bench_free(&bench);
}

static void each_original_finds_the_lever_that_writes_it(void **state)
{
    struct restore_list list;
    struct bench bench;
    struct conf *conf;
    struct restore_item *item;

    (void)state;
    bench_folder(&bench);
    conf = bench_conf(&bench);
    restore_test_originals(&bench, "bmc-1", "gpu_power_limit_w\t1\t1200\t-1\t-1\tnan\tSN1\n");
    restore_test_originals(&bench, "psu-1", "psu_output_setpoint_v\t0\t50.5\t0\t-1\tnan\tSN2\n"
                                            "psu_input_warn_w\t0\t3000\t0\t-1\tnan\tSN2\n");
    restore_test_originals(&bench, "gone", "gpu_power_limit_w\t0\t700\t-1\t-1\tnan\t\n");
    assert_int_equal(restore_list_read(conf, &list), ST_OK);
    assert_int_equal(list.count, 4);
    item = restore_test_item(&list, "bmc-1.gpu-1");
    assert_int_equal(item->fate, RESTORE_WAITING);
    assert_int_equal(item->place, 1);
    assert_true(item->original.value == 1200.0);
    assert_int_not_equal(item->reading, CORE_NONE);
    item = restore_test_item(&list, "psu-1.psu_output_setpoint_v");
    assert_int_equal(item->fate, RESTORE_WAITING);
    item = restore_test_item(&list, "psu-1.psu_input_warn_w");
    assert_int_equal(item->fate, RESTORE_LEFT);
    assert_non_null(strstr(item->reason, "no lever"));
    item = restore_test_item(&list, "gone.gpu_power_limit_w");
    assert_int_equal(item->fate, RESTORE_LEFT);
    assert_non_null(strstr(item->reason, "no device"));
    restore_list_done(&list);
    conf_free(conf);
    bench_free(&bench);
}

/* "0 restored, 0 left" and status 0 would be a rack that keeps our limits for good. */
static void a_file_that_cannot_be_understood_is_left_and_named(void **state)
{
    struct restore_list list;
    struct bench bench;
    struct conf *conf;
    const struct restore_item *item;

    (void)state;
    bench_folder(&bench);
    conf = bench_conf(&bench);
    restore_test_originals(&bench, "bmc-1", "gpu_power_limit_w\t1\t1200\t-1\t-1\tnan\tSN1\ngpu_power_li");
    restore_test_originals(&bench, "psu-1", ""); /* all of it was put back */
    assert_int_equal(restore_list_read(conf, &list), ST_OK);
    assert_int_equal(list.count, 1);
    item = restore_test_item(&list, "bmc-1");
    assert_int_equal(item->fate, RESTORE_LEFT);
    assert_int_equal(item->lever, CORE_NONE);
    assert_true(isnan(item->original.value) && isnan(item->value));
    assert_non_null(strstr(item->reason, "originals"));
    restore_list_done(&list);
    conf_free(conf);
    bench_free(&bench);
}

static void only_the_same_device_gets_its_original_back(void **state)
{
    static struct device_state device;
    struct restore_item item = { .fate = RESTORE_WAITING, .original = { .serial = "SN1" } };

    (void)state;
    memset(&device, 0, sizeof device);
    assert_false(restore_identify(&item, &device)); /* not known yet */
    device.identified = true;
    (void)snprintf(device.serial, sizeof device.serial, "SN1");
    assert_true(restore_identify(&item, &device));
    assert_int_equal(item.fate, RESTORE_WANTED);
    item.fate = RESTORE_WAITING;
    (void)snprintf(device.serial, sizeof device.serial, "SN9");
    assert_true(restore_identify(&item, &device));
    assert_int_equal(item.fate, RESTORE_LEFT);
    assert_non_null(strstr(item.reason, "SN9"));
}

static void only_a_fresh_reading_verifies(void **state)
{
    static struct device_state device;
    struct restore_item item = { .fate = RESTORE_WANTED, .original = { .value = 700.0 }, .value = (double)NAN };
    struct core_config_lever lever = { .step = 1.0 };

    (void)state;
    memset(&device, 0, sizeof device);
    device.readings[0] = (struct device_reading){ .value = 700.0, .status = ST_OK, .taken_us = 900 };
    assert_false(restore_verify(&item, &device, &lever, 1000)); /* from before the start */
    device.readings[0].taken_us = 1500;
    assert_true(restore_verify(&item, &device, &lever, 1000));
    device.acks[0] = (struct device_ack){ .number = 1, .status = ST_TIMEOUT, .readback = (double)NAN, .done_us = 2000 };
    assert_false(restore_verify(&item, &device, &lever, 1000)); /* from before the write */
    device.readings[0].taken_us = 2500;
    assert_true(restore_verify(&item, &device, &lever, 1000));
    device.readings[0].value = 650.0;
    assert_false(restore_verify(&item, &device, &lever, 1000));
    assert_true(item.value == 650.0);
    device.readings[0].status = ST_TIMEOUT;
    device.acks[0] = (struct device_ack){ .number = 2, .status = ST_OK, .readback = 700.4, .done_us = 3000 };
    assert_true(restore_verify(&item, &device, &lever, 1000)); /* the write's own read-back */
}

/* A gate that stays open is in no value: only the write that closes it counts. */
static void a_switch_is_back_only_after_a_write(void **state)
{
    static struct device_state device;
    struct restore_item item = { .fate = RESTORE_WANTED, .original = { .value = 51.0 }, .value = (double)NAN };
    const struct core_config_lever lever = { .step = 0.01, .switched = true };

    (void)state;
    memset(&device, 0, sizeof device);
    device.readings[0] = (struct device_reading){ .value = 51.0, .status = ST_OK, .taken_us = 1500 };
    assert_false(restore_verify(&item, &device, &lever, 1000));
    device.acks[0] = (struct device_ack){ .number = 1, .status = ST_REFUSED, .readback = (double)NAN, .done_us = 1200 };
    assert_false(restore_verify(&item, &device, &lever, 1000));
    device.acks[0].status = ST_OK;
    assert_true(restore_verify(&item, &device, &lever, 1000));
}

static void a_rig_for_restoring_takes_originals_beyond_its_ranges(void **state)
{
    double originals[] = { (double)NAN, (double)NAN, (double)NAN };
    struct rig_options opt = { .mode_wanted = CORE_WANT_RESTORE, .plan_version = 1, .unlimited = true,
                               .originals = originals };
    struct bench bench;
    struct rig *rig = NULL;

    (void)state;
    bench_folder(&bench);
    opt.conf = bench_conf(&bench);
    originals[0] = opt.conf->core.levers[0].max + 10.0;
    originals[1] = opt.conf->core.levers[1].min - 10.0;
    assert_int_equal(rig_new(&opt, &rig), ST_OK);
    assert_true(rig->config.levers[0].max == originals[0]);
    assert_true(rig->config.levers[1].min == originals[1]);
    assert_true(rig->config.levers[2].max == rig->conf->core.levers[2].max);
    for (int32_t l = 0; l < rig->plan->lever_count; l++)
        assert_true(isnan(core_plan_levers(rig->plan)[l].target));
    for (int32_t n = 0; n < rig->plan->node_count; n++) {
        assert_int_equal(core_plan_nodes(rig->plan)[n].limit_count, 0);
        assert_int_equal(rig->config.nodes[n].limit_count, 0);
    }
    rig_free(rig);
    bench_free(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_anything_but_an_orderly_stop_all_is_left),
        cmocka_unit_test(no_folder_of_originals_is_nothing_to_restore),
        cmocka_unit_test(each_original_finds_the_lever_that_writes_it),
        cmocka_unit_test(a_file_that_cannot_be_understood_is_left_and_named),
        cmocka_unit_test(only_the_same_device_gets_its_original_back),
        cmocka_unit_test(only_a_fresh_reading_verifies),
        cmocka_unit_test(a_switch_is_back_only_after_a_write),
        cmocka_unit_test(a_rig_for_restoring_takes_originals_beyond_its_ranges),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
