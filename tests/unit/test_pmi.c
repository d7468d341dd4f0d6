/* SPDX-License-Identifier: Apache-2.0 */
/* test_pmi.c: what a client reads of shelves whose modules stand in a shelf controller's mirror.
 *
 * Requests go in where a connection would put them; nothing listens, and the controller is a
 * struct device_state.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "busbar/clock.h"
#include "operator/pmi_parts.h"

#define UNIT 0x20

enum { PRESENT, ALERTS, COMM, PAUSE, FIRST_V, SECOND_V, READINGS };

static const enum signal signals[READINGS] = {
    SIGNAL_SHELF_MODULES_PRESENT, SIGNAL_SHELF_MODULE_ALERTS, SIGNAL_SHELF_COMM_ALARMS,
    SIGNAL_SHELF_POLLING_PAUSE,   SIGNAL_PSU_INPUT_V,         SIGNAL_PSU_INPUT_V,
};
static const int32_t indices[READINGS] = { [FIRST_V] = 1, [SECOND_V] = 2 };
static const struct operator_device devices[] = {
    { .name = "pmm-1",
      .kind = "modbus",
      .bus = "line-1",
      .reading_count = READINGS,
      .signals = signals,
      .indices = indices },
};
static const struct operator_names names = { .rack = "r17", .device_count = 1, .devices = devices };

static struct device_state controller;
static struct pmi_options options;
static struct operator op;
static struct pmi *pmi;
static struct pmi_client client;

static bool rig_device(void *arg, int32_t device, struct device_state *ret)
{
    (void)arg;
    *ret = controller;
    return device == 0;
}

static void rig_stats(void *arg, struct operator_stats *ret)
{
    (void)arg;
    memset(ret, 0, sizeof *ret);
}

static void say(int reading, double value)
{
    controller.readings[reading] = (struct device_reading){ .value = value, .status = ST_OK };
}

static int make(void **state)
{
    struct pmi_calls calls = { .arg = NULL };

    (void)state;
    memset(&controller, 0, sizeof controller);
    controller.reading_count = READINGS;
    controller.reachable = true;
    say(PRESENT, 0x03);
    say(ALERTS, 0x00);
    say(COMM, 0x00);
    say(PAUSE, 0);
    say(FIRST_V, 230);
    say(SECOND_V, 231);
    options = (struct pmi_options){
        .enabled = true, .host = "", .serial_path = "", .budget_node = -1, .shelf_count = 1
    };
    options.shelves[0] = (struct pmi_shelf){
        .unit = UNIT,
        .kind = PMI_SHELF_PSU,
        .maker = "Busbar",
        .name = "shelf-1",
        .module_count = 2,
        .module = { { .device = 0, .index = 1 }, { .device = 0, .index = 2 } },
    };
    client = (struct pmi_client){ .writer = PMI_NOBODY, .from = "here" };
    memset(&op, 0, sizeof op);
    op.base = event_base_new();
    op.names = &names;
    op.calls = (struct operator_calls){ .device = rig_device, .stats = rig_stats };
    return op.base && pmi_new(&op, &options, &calls, &pmi) == ST_OK ? 0 : -1;
}

static int unmake(void **state)
{
    (void)state;
    pmi = pmi_free(pmi);
    event_base_free(op.base);
    return 0;
}

static int32_t read_one(int32_t address)
{
    struct pmi_request request = { .unit = UNIT, .function = 3, .address = address, .count = 1 };
    uint8_t answer[PMI_FRAME_MAX];

    pmi->cached[0].at_us = INT64_MIN; /* what was looked up before is not fresh any more */
    assert_int_equal(pmi_answer(pmi, &client, PMI_TCP, &request, answer), 11);
    return answer[9] << 8 | answer[10];
}

static void modules_of_a_mirror_are_read_by_their_slot(void **state)
{
    (void)state;
    assert_int_equal(read_one(0x57), 0x03);
    assert_int_equal(read_one(0x59), 0);
    assert_int_equal(read_one(0x101), 230 * 64);
    assert_int_equal(read_one(0x111), 231 * 64);
}

static void gone(int32_t present)
{
    assert_int_equal(read_one(0x57), present);
    assert_int_equal(read_one(0x59) & 0x11, 0x11);
    assert_int_equal(read_one(0x5D), (~present & 0x03) << 1);
    assert_int_equal(read_one(0x111), 0);
}

/* The controller answers, and still has what the module said last. */
static void a_module_that_is_gone_from_its_mirror_is_never_an_old_value(void **state)
{
    (void)state;
    say(PRESENT, 0x01); /* pulled out */
    gone(0x01);
    assert_int_equal(read_one(0x101), 230 * 64);
    say(PRESENT, 0x03);
    say(COMM, 0x04); /* in its slot, and silent */
    gone(0x01);
    say(COMM, 0x00);
    say(PAUSE, 1); /* nobody asks it */
    gone(0x00);
    say(PAUSE, 0);
    modules_of_a_mirror_are_read_by_their_slot(state);
}

static void a_controller_without_these_words_is_believed(void **state)
{
    (void)state;
    for (int i = PRESENT; i <= PAUSE; i++)
        controller.readings[i] = (struct device_reading){ .status = ST_ABSENT };
    modules_of_a_mirror_are_read_by_their_slot(state);
}

static void an_alert_of_a_mirrored_module_is_its_own(void **state)
{
    (void)state;
    say(ALERTS, 0x02);
    assert_int_equal(read_one(0x58), 0x02);
    assert_int_equal(read_one(0x59), 0x100);
    assert_int_equal(read_one(0x57), 0x03);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(modules_of_a_mirror_are_read_by_their_slot),
        TEST(a_module_that_is_gone_from_its_mirror_is_never_an_old_value),
        TEST(a_controller_without_these_words_is_believed),
        TEST(an_alert_of_a_mirrored_module_is_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
