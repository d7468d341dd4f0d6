/* SPDX-License-Identifier: Apache-2.0 */
/* test_probe.c: a device read and written by hand, as busbarctl device does.
 *
 * Against a line that is not there: field_fake.h. Nothing sleeps; originals go to a
 * folder of their own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "field/probe_on.h"
#include "field_fake.h"

#define SECOND INT64_C(1000000)
#define UNIT   1

enum { GATE = 0x5E, SETPOINT = 0x67, CURRENT = 0x123, TIMEOUT = 0x12C, OUTPUT = 0x4F, FAN = 0x43, RECORD = 0x80 };
enum {
    ROW_MAKER,
    ROW_MODEL,
    ROW_SERIAL,
    ROW_OUTPUT,
    ROW_FAN,
    ROW_GATE,
    ROW_SETPOINT,
    ROW_CURRENT,
    ROW_TIMEOUT,
    ROWS
};

static struct fake *fake;
static struct probe *probe;
static struct profile_row rows[ROWS];
static char folder[64];

static struct profile_row row_at(int32_t address, enum row_type type, double scale, enum signal signal)
{
    return (struct profile_row){
        .address = address,
        .command = ROW_NONE,
        .type = type,
        .scale = scale,
        .signal = signal,
        .poll = POLL_SLOW,
        .write = { .gate = ROW_NONE, .enable = ROW_NONE, .timeout = ROW_NONE, .readback = ROW_NONE },
    };
}

static void rows_fill(void)
{
    rows[ROW_MAKER] = row_at(0x00, ROW_TEXT, 1, SIGNAL_DEVICE_MAKER);
    rows[ROW_MODEL] = row_at(0x08, ROW_TEXT, 1, SIGNAL_DEVICE_MODEL);
    rows[ROW_SERIAL] = row_at(0x18, ROW_TEXT, 1, SIGNAL_DEVICE_SERIAL);
    rows[ROW_MAKER].text_bytes = rows[ROW_MODEL].text_bytes = rows[ROW_SERIAL].text_bytes = 16;
    rows[ROW_OUTPUT] = row_at(OUTPUT, ROW_U16, 1.0 / 1024, SIGNAL_PSU_OUTPUT_V);
    rows[ROW_FAN] = row_at(FAN, ROW_U16, 1, SIGNAL_PSU_FAN_RPM);
    rows[ROW_GATE] = row_at(GATE, ROW_U16, 1, SIGNAL_PSU_WRITE_ENABLE);
    rows[ROW_GATE].bit_count = 1;
    rows[ROW_GATE].writable = true;
    rows[ROW_GATE].write.max = 1;
    rows[ROW_GATE].write.readback = ROW_GATE;
    rows[ROW_SETPOINT] = row_at(SETPOINT, ROW_U16, 1.0 / 1024, SIGNAL_PSU_OUTPUT_SETPOINT_V);
    rows[ROW_SETPOINT].writable = true;
    rows[ROW_SETPOINT].write = (struct row_write){
        .min = 50.0,
        .max = 51.5,
        .step = 0.125,
        .gate = ROW_GATE,
        .enable = ROW_NONE,
        .timeout = ROW_NONE,
        .readback = ROW_SETPOINT,
        .settle_us = 50000,
    };
    rows[ROW_CURRENT] = row_at(CURRENT, ROW_U16, 0.001, SIGNAL_BBU_CHARGE_LIMIT_A);
    rows[ROW_CURRENT].writable = true;
    rows[ROW_CURRENT].write = (struct row_write){
        .min = 0.1,
        .max = 6.0,
        .gate = ROW_NONE,
        .enable = ROW_NONE,
        .timeout = ROW_TIMEOUT,
        .readback = ROW_CURRENT,
    };
    rows[ROW_TIMEOUT] = row_at(TIMEOUT, ROW_U32, 1, SIGNAL_BBU_CHARGE_TIMEOUT_S);
    rows[ROW_TIMEOUT].writable = true;
    rows[ROW_TIMEOUT].write = (struct row_write){
        .min = 1,
        .max = 86400,
        .step = 1,
        .gate = ROW_NONE,
        .enable = ROW_NONE,
        .timeout = ROW_NONE,
        .readback = ROW_TIMEOUT,
    };
}

static void device_fill(struct fake_unit *u)
{
    fake_text(u, 0x00, 8, "Maker");
    fake_text(u, 0x08, 8, "MODEL-1");
    fake_text(u, 0x18, 8, "SN-7");
    fake_put(u, OUTPUT, 50 * 1024);
    fake_put(u, FAN, 5000);
    fake_put(u, GATE, 0x0A00);
    fake_put(u, SETPOINT, 51 * 1024);
    fake_put(u, CURRENT, 5000);
    fake_put(u, TIMEOUT, 0);
    fake_put(u, TIMEOUT + 1, 0);
    u->refuse_write_at = -1;
}

static int make(void **state)
{
    (void)state;
    (void)strcpy(folder, "/tmp/busbar-probe-XXXXXX");
    fake = calloc(1, sizeof *fake);
    if (!fake || !mkdtemp(folder))
        return -1;
    rows_fill();
    fake->now_us = 1000 * SECOND;
    fake->bus = (struct conf_bus){
        .name = "hand", .timeout_us = 100000, .retry_max = 1, .fast_us = SECOND, .slow_us = SECOND
    };
    fake->profile = (struct profile){ .name = "test",
                                      .match_address = 0x08,
                                      .match_command = ROW_NONE,
                                      .match_text = "MODEL-*",
                                      .span_max = 16,
                                      .row_count = ROWS,
                                      .rows = rows };
    fake->ops = (struct regio_ops){ .open = fake_open,
                                    .close = fake_close,
                                    .read = fake_read,
                                    .write = fake_write,
                                    .now_us = fake_now_us,
                                    .sleep_until_us = fake_sleep_until_us,
                                    .spans = true };
    device_fill(&fake->units[0]);
    return probe_new_on(&fake->ops, fake, &fake->bus, &probe) == ST_OK ? 0 : -1;
}

static int unmake(void **state)
{
    char path[128];

    (void)state;
    probe_free(probe);
    free(fake);
    (void)snprintf(path, sizeof path, "%s/originals/hand-1", folder);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/originals", folder);
    (void)rmdir(path);
    return rmdir(folder);
}

static struct probe_outcome write_row(int32_t row, double value, int64_t timeout_us)
{
    struct probe_write write = {
        .state_dir = folder, .device = "hand-1", .row = row, .value = value, .timeout_us = timeout_us
    };
    struct probe_outcome outcome;

    probe_write(probe, UNIT, &fake->profile, &write, &outcome);
    return outcome;
}

/* ---- reading ---- */

static void every_row_is_read_with_its_value_or_text(void **state)
{
    struct probe_reading list[ROWS];
    struct probe_device device;

    (void)state;
    assert_int_equal(probe_read(probe, UNIT, &fake->profile, NULL, list, &device), ST_OK);
    for (int i = 0; i < ROWS; i++) {
        assert_ptr_equal(list[i].row, &rows[i]);
        assert_int_equal(list[i].status, ST_OK);
        assert_true(list[i].taken_us >= 1000 * SECOND && list[i].taken_us <= fake->now_us);
    }
    assert_string_equal(list[ROW_MAKER].text, "Maker");
    assert_string_equal(list[ROW_MODEL].text, "MODEL-1");
    assert_float_equal(list[ROW_OUTPUT].value, 50.0, 1e-9);
    assert_float_equal(list[ROW_FAN].value, 5000.0, 1e-9);
    assert_true(device.matched);
    assert_string_equal(device.serial, "SN-7");
    assert_int_equal(fake_writes(fake, 0), 0);
}

static void a_row_the_device_lacks_is_absent_and_the_others_are_read(void **state)
{
    struct probe_reading list[ROWS];
    struct probe_device device;

    (void)state;
    fake->units[0].exists[FAN] = false;
    fake->units[0].exists[0x00] = false;
    assert_int_equal(probe_read(probe, UNIT, &fake->profile, NULL, list, &device), ST_OK);
    assert_int_equal(list[ROW_FAN].status, ST_ABSENT);
    assert_int_equal(list[ROW_MAKER].status, ST_ABSENT);
    assert_int_equal(list[ROW_OUTPUT].status, ST_OK);
    assert_int_equal(list[ROW_TIMEOUT].status, ST_OK);
}

/* On SMBus nobody, and a command nobody has, look the same. */
static void not_acknowledged_is_absent_where_other_commands_are(void **state)
{
    struct probe_reading list[ROWS];
    struct probe_device device;

    (void)state;
    fake->ops.nack_is_silence = true;
    fake->ops.spans = false;
    fake->units[0].exists[FAN] = false;
    fake->units[0].exists[GATE] = false;
    fake->units[0].exists[SETPOINT] = false;
    fake->units[0].exists[CURRENT] = false; /* four in a row would be a dead device's */
    assert_int_equal(probe_read(probe, UNIT, &fake->profile, NULL, list, &device), ST_OK);
    assert_int_equal(list[ROW_FAN].status, ST_ABSENT);
    assert_int_equal(list[ROW_CURRENT].status, ST_ABSENT);
    assert_int_equal(list[ROW_OUTPUT].status, ST_OK);
    assert_int_equal(list[ROW_TIMEOUT].status, ST_OK);
}

static void one_row_alone_is_all_that_is_asked_for(void **state)
{
    struct probe_reading list[ROWS];
    struct probe_device device;
    bool wanted[ROWS] = { [ROW_OUTPUT] = true };
    int32_t reads = 0;

    (void)state;
    assert_int_equal(probe_read(probe, UNIT, &fake->profile, wanted, list, &device), ST_OK);
    assert_float_equal(list[ROW_OUTPUT].value, 50.0, 1e-9);
    assert_int_equal(list[ROW_FAN].status, ST_NONE);
    for (int32_t i = 0; i < fake->count; i++)
        reads += fake->log[i].address != 0x08 && fake->log[i].address != 0x18; /* who it is */
    assert_int_equal(reads, 1);
}

/* A black box: nothing of it is in a list of values, and whoever asks for it gets its bytes. */
static void a_block_is_read_when_it_is_asked_for(void **state)
{
    struct probe_reading list[ROWS];
    struct probe_device device;
    bool wanted[ROWS] = { [ROW_MAKER] = true };

    (void)state;
    rows[ROW_MAKER].address = RECORD;
    rows[ROW_MAKER].type = ROW_BLOCK;
    rows[ROW_MAKER].text_bytes = 151;
    for (int32_t i = 0; i < 76; i++)
        fake_put(&fake->units[0], RECORD + i, (uint16_t)(i == 0 ? 0x00FE : i));
    assert_int_equal(probe_read(probe, UNIT, &fake->profile, wanted, list, &device), ST_OK);
    assert_int_equal(list[ROW_MAKER].status, ST_OK);
    assert_int_equal(strlen(list[ROW_MAKER].text), 2 * 151);
    assert_memory_equal(list[ROW_MAKER].text, "00fe00010002", 12);
    assert_string_equal(device.model, "MODEL-1");
    assert_true(device.matched);
    assert_int_equal(probe_read(probe, UNIT, &fake->profile, NULL, list, &device), ST_OK);
    assert_int_equal(list[ROW_MAKER].status, ST_NONE);
}

/* On SMBus, and with nothing else asked for that would show that somebody is there. */
static void a_text_the_device_lacks_is_absent_when_it_is_asked_for_alone(void **state)
{
    struct probe_reading list[ROWS];
    struct probe_device device;
    bool wanted[ROWS] = { [ROW_MAKER] = true };

    (void)state;
    fake->ops.nack_is_silence = true;
    fake->ops.spans = false;
    fake->profile.match_address = ROW_NONE;
    fake->units[0].exists[0x00] = false;
    fake_put(&fake->units[0], 0x7E, 0x80); /* STATUS_CML */
    assert_int_equal(probe_read(probe, UNIT, &fake->profile, wanted, list, &device), ST_OK);
    assert_int_equal(list[ROW_MAKER].status, ST_ABSENT);
    fake->units[0].exists[0x7E] = false;
    assert_int_equal(probe_read(probe, UNIT, &fake->profile, wanted, list, &device), ST_OK);
    assert_int_equal(list[ROW_MAKER].status, ST_NACK);
}

static void a_device_that_does_not_answer_fails_row_by_row_and_soon(void **state)
{
    struct probe_reading list[ROWS];
    struct probe_device device;
    int64_t began_us = fake->now_us;

    (void)state;
    fake->units[0].silent = true;
    assert_int_equal(probe_read(probe, UNIT, &fake->profile, NULL, list, &device), ST_OK);
    for (int i = 0; i < ROWS; i++)
        assert_int_equal(list[i].status, ST_TIMEOUT);
    assert_false(device.matched);
    assert_true(fake->now_us - began_us <= 12 * fake->bus.timeout_us);
}

static void a_bus_that_goes_away_is_the_callers_to_know(void **state)
{
    struct probe_reading list[ROWS];
    struct probe_device device;

    (void)state;
    fake->gone = true;
    assert_int_equal(probe_read(probe, UNIT, &fake->profile, NULL, list, &device), ST_SYS);
}

static void a_profile_of_more_rows_than_a_device_has_readings_is_read_whole(void **state)
{
    enum { MANY = 250 };
    struct profile_row *many = calloc(MANY, sizeof *many);
    struct probe_reading *list = calloc(MANY, sizeof *list);
    struct probe_device device;

    (void)state;
    assert_true(many && list);
    for (int i = 0; i < MANY; i++) {
        many[i] = row_at(0x80 + i, ROW_U16, 1, SIGNAL_PSU_FAN_RPM);
        many[i].index = i + 1;
        fake_put(&fake->units[0], 0x80 + i, (uint16_t)(i + 1));
    }
    fake->profile.rows = many;
    fake->profile.row_count = MANY;
    assert_int_equal(probe_read(probe, UNIT, &fake->profile, NULL, list, &device), ST_OK);
    for (int i = 0; i < MANY; i++)
        assert_float_equal(list[i].value, i + 1, 1e-9);
    free(many);
    free(list);
}

/* ---- who is there ---- */

static void an_address_is_known_by_its_model_and_never_by_itself(void **state)
{
    struct probe_answer answer;

    (void)state;
    assert_int_equal(probe_ask(probe, UNIT, &fake->profile, &answer), ST_OK);
    assert_true(answer.present && answer.matched);
    assert_string_equal(answer.model, "MODEL-1");
    (void)strcpy(fake->profile.match_text, "OTHER*");
    assert_int_equal(probe_ask(probe, UNIT, &fake->profile, &answer), ST_OK);
    assert_true(answer.present && !answer.matched);
    fake->units[0].exists[0x08] = false;
    assert_int_equal(probe_ask(probe, UNIT, &fake->profile, &answer), ST_OK);
    assert_true(answer.present && !answer.matched);
    fake->units[0].silent = true;
    assert_int_equal(probe_ask(probe, UNIT, &fake->profile, &answer), ST_OK);
    assert_false(answer.present);
    fake->profile.match_address = ROW_NONE;
    fake->units[0].silent = false;
    assert_int_equal(probe_ask(probe, UNIT, &fake->profile, &answer), ST_OK);
    assert_true(answer.present && !answer.matched);
}

/* ---- writing ---- */

static void a_write_records_the_original_opens_the_gate_and_reads_back(void **state)
{
    struct probe_outcome outcome = write_row(ROW_SETPOINT, 50.5, 0);

    (void)state;
    assert_int_equal(outcome.status, ST_OK);
    assert_float_equal(outcome.before, 51.0, 1e-9);
    assert_float_equal(outcome.readback, 50.5, 1e-9);
    assert_true(outcome.recorded);
    assert_float_equal(outcome.original.value, 51.0, 1e-9);
    assert_int_equal(outcome.original.gate, 0);
    assert_string_equal(outcome.original.serial, "SN-7");
    assert_int_equal(fake->units[0].registers[GATE], 0x0A01);
    assert_int_equal(fake->units[0].registers[SETPOINT], 50 * 1024 + 512);
}

static void a_second_write_keeps_the_first_original_and_release_puts_it_back(void **state)
{
    struct probe_write release = {
        .state_dir = folder, .device = "hand-1", .row = ROW_SETPOINT, .release = true, .value = NAN
    };
    struct probe_outcome outcome = write_row(ROW_SETPOINT, 50.5, 0);

    (void)state;
    outcome = write_row(ROW_SETPOINT, 50.0, 0);
    assert_float_equal(outcome.original.value, 51.0, 1e-9);
    probe_write(probe, UNIT, &fake->profile, &release, &outcome);
    assert_int_equal(outcome.status, ST_OK);
    assert_int_equal(fake->units[0].registers[SETPOINT], 51 * 1024);
    assert_int_equal(fake->units[0].registers[GATE], 0x0A00);
    probe_write(probe, UNIT, &fake->profile, &release, &outcome);
    assert_int_equal(outcome.status, ST_REFUSED); /* it was put back, and is forgotten */
}

static void the_gates_original_is_what_it_was_before_either_row_was_written(void **state)
{
    struct probe_outcome outcome;

    (void)state;
    rows[ROW_CURRENT].write.gate = ROW_GATE;
    outcome = write_row(ROW_SETPOINT, 50.5, 0);
    assert_int_equal(outcome.original.gate, 0);
    outcome = write_row(ROW_CURRENT, 2.0, 60 * SECOND);
    assert_int_equal(outcome.status, ST_OK);
    assert_int_equal(outcome.original.gate, 0);
}

static void a_time_out_goes_before_what_it_ends(void **state)
{
    struct probe_outcome outcome = write_row(ROW_CURRENT, 2.0, 60 * SECOND);
    int32_t timeout = -1, current = -1;

    (void)state;
    assert_int_equal(outcome.status, ST_OK);
    for (int32_t i = 0; i < fake->count; i++) {
        if (fake->log[i].write && fake->log[i].address == TIMEOUT && timeout < 0)
            timeout = i;
        if (fake->log[i].write && fake->log[i].address == CURRENT && current < 0)
            current = i;
    }
    assert_true(timeout >= 0 && current > timeout);
    assert_int_equal(fake->units[0].registers[TIMEOUT + 1], 60);
}

static void what_is_outside_the_rows_limits_is_refused_and_nothing_is_written(void **state)
{
    struct probe_outcome outcome = write_row(ROW_SETPOINT, 49.0, 0);

    (void)state;
    assert_int_equal(outcome.status, ST_RANGE);
    outcome = write_row(ROW_SETPOINT, 52.0, 0);
    assert_int_equal(outcome.status, ST_RANGE);
    outcome = write_row(ROW_FAN, 1000.0, 0);
    assert_int_equal(outcome.status, ST_REFUSED);
    assert_int_equal(fake_writes(fake, 0), 0);
    assert_false(outcome.recorded);
}

static void another_model_is_never_written_to(void **state)
{
    struct probe_outcome outcome;

    (void)state;
    fake_text(&fake->units[0], 0x08, 8, "SOMETHING");
    outcome = write_row(ROW_SETPOINT, 50.5, 0);
    assert_int_equal(outcome.status, ST_REFUSED);
    assert_false(outcome.device.matched);
    fake->profile.match_address = ROW_NONE; /* nor one that cannot be told from others */
    outcome = write_row(ROW_SETPOINT, 50.5, 0);
    assert_int_equal(outcome.status, ST_REFUSED);
    assert_int_equal(fake_writes(fake, 0), 0);
}

static void without_a_place_for_originals_nothing_is_written(void **state)
{
    struct probe_write write = {
        .state_dir = "/nonexistent", .device = "hand-1", .row = ROW_SETPOINT, .value = 50.5
    };
    struct probe_outcome outcome;

    (void)state;
    probe_write(probe, UNIT, &fake->profile, &write, &outcome);
    assert_int_equal(outcome.status, ST_REFUSED);
    assert_int_equal(fake_writes(fake, 0), 0);
}

static void a_write_that_changes_nothing_is_a_mismatch(void **state)
{
    struct probe_outcome outcome;

    (void)state;
    fake->units[0].frozen[SETPOINT] = true;
    outcome = write_row(ROW_SETPOINT, 50.5, 0);
    assert_int_equal(outcome.status, ST_MISMATCH);
    assert_float_equal(outcome.readback, 51.0, 1e-9);
}

static void an_original_that_nobody_recorded_cannot_be_put_back(void **state)
{
    struct probe_write release = {
        .state_dir = folder, .device = "hand-1", .row = ROW_SETPOINT, .release = true, .value = NAN
    };
    struct probe_outcome outcome;

    (void)state;
    probe_write(probe, UNIT, &fake->profile, &release, &outcome);
    assert_int_equal(outcome.status, ST_REFUSED);
    assert_false(outcome.recorded);
    assert_int_equal(fake_writes(fake, 0), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_row_is_read_with_its_value_or_text),
        TEST(a_row_the_device_lacks_is_absent_and_the_others_are_read),
        TEST(not_acknowledged_is_absent_where_other_commands_are),
        TEST(one_row_alone_is_all_that_is_asked_for),
        TEST(a_block_is_read_when_it_is_asked_for),
        TEST(a_text_the_device_lacks_is_absent_when_it_is_asked_for_alone),
        TEST(a_device_that_does_not_answer_fails_row_by_row_and_soon),
        TEST(a_bus_that_goes_away_is_the_callers_to_know),
        TEST(a_profile_of_more_rows_than_a_device_has_readings_is_read_whole),
        TEST(an_address_is_known_by_its_model_and_never_by_itself),
        TEST(a_write_records_the_original_opens_the_gate_and_reads_back),
        TEST(a_second_write_keeps_the_first_original_and_release_puts_it_back),
        TEST(the_gates_original_is_what_it_was_before_either_row_was_written),
        TEST(a_time_out_goes_before_what_it_ends),
        TEST(what_is_outside_the_rows_limits_is_refused_and_nothing_is_written),
        TEST(another_model_is_never_written_to),
        TEST(without_a_place_for_originals_nothing_is_written),
        TEST(a_write_that_changes_nothing_is_a_mismatch),
        TEST(an_original_that_nobody_recorded_cannot_be_put_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
