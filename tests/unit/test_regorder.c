/* SPDX-License-Identifier: Apache-2.0 */
/* test_regorder.c: orders to a register device: what is written, in which order, and what
 * the acknowledgement may claim.
 *
 * Against a line that is not there: field_fake.h. Nothing sleeps; originals go to a
 * folder of their own.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "field_fake.h"

#define SECOND INT64_C(1000000)
#define LONG_AGO_US (1000 * SECOND)

/* Registers: a supply with a gate, and a charger override with its time-out. */
enum { GATE = 0x5E, SETPOINT = 0x67, LOW_SETPOINT = 0x68, MODE = 0x6B, CURRENT = 0x123, TIMEOUT = 0x12C };
enum { ROW_MODEL, ROW_SERIAL, ROW_GATE, ROW_SETTINGS, ROW_SETPOINT, ROW_LOW, ROW_ENABLE, ROW_CURRENT, ROW_TIMEOUT, ROWS };
enum { LEVER_SETPOINT, LEVER_LOW, LEVER_CURRENT, LEVERS };

static struct fake *fake;
static struct profile_row rows[ROWS];
static char folder[64];

static struct profile_row row_at(int32_t address, enum row_type type, double scale, enum signal signal)
{
    return (struct profile_row){
        .address = address, .command = ROW_NONE, .type = type, .scale = scale, .signal = signal,
        .write = { .gate = ROW_NONE, .enable = ROW_NONE, .timeout = ROW_NONE, .readback = ROW_NONE },
    };
}

static void rows_fill(void)
{
    rows[ROW_MODEL] = row_at(0x08, ROW_TEXT, 1, SIGNAL_DEVICE_MODEL);
    rows[ROW_MODEL].text_bytes = 16;
    rows[ROW_SERIAL] = row_at(0x18, ROW_TEXT, 1, SIGNAL_DEVICE_SERIAL);
    rows[ROW_SERIAL].text_bytes = 16;
    rows[ROW_GATE] = row_at(GATE, ROW_U16, 1, SIGNAL_PSU_WRITE_ENABLE);
    rows[ROW_GATE].bit_count = 1;
    rows[ROW_SETTINGS] = row_at(GATE, ROW_U16, 1, SIGNAL_PSU_SETTINGS);
    rows[ROW_SETTINGS].self_clearing = 0xC000;
    rows[ROW_SETPOINT] = row_at(SETPOINT, ROW_U16, 1.0 / 1024, SIGNAL_PSU_OUTPUT_SETPOINT_V);
    rows[ROW_SETPOINT].writable = true;
    rows[ROW_SETPOINT].write = (struct row_write){
        .min = 50.0, .max = 51.5, .step = 0.125, .gate = ROW_GATE, .enable = ROW_NONE, .timeout = ROW_NONE,
        .readback = ROW_SETPOINT,
    };
    rows[ROW_LOW] = rows[ROW_SETPOINT];
    rows[ROW_LOW].address = LOW_SETPOINT;
    rows[ROW_LOW].signal = SIGNAL_PSU_OUTPUT_LOW_SETPOINT_V;
    rows[ROW_LOW].write.min = 47.5;
    rows[ROW_LOW].write.max = 48.5;
    rows[ROW_LOW].write.readback = ROW_LOW;
    rows[ROW_ENABLE] = row_at(MODE, ROW_U16, 1, SIGNAL_BBU_CHARGE_OVERRIDE);
    rows[ROW_ENABLE].bit_first = 10;
    rows[ROW_ENABLE].bit_count = 1;
    rows[ROW_CURRENT] = row_at(CURRENT, ROW_U16, 0.001, SIGNAL_BBU_CHARGE_LIMIT_A);
    rows[ROW_CURRENT].writable = true;
    rows[ROW_CURRENT].write = (struct row_write){
        .min = 0.1, .max = 6.0, .gate = ROW_NONE, .enable = ROW_ENABLE, .timeout = ROW_TIMEOUT,
        .readback = ROW_CURRENT, .settle_us = 20000,
    };
    rows[ROW_TIMEOUT] = row_at(TIMEOUT, ROW_U32, 1, SIGNAL_BBU_CHARGE_TIMEOUT_S);
    rows[ROW_TIMEOUT].writable = true;
    rows[ROW_TIMEOUT].write = (struct row_write){
        .min = 1, .max = 86400, .step = 1, .gate = ROW_NONE, .enable = ROW_NONE, .timeout = ROW_NONE,
        .readback = ROW_TIMEOUT,
    };
}

static int fake_make(void **state)
{
    static const int32_t levers[LEVERS] = { ROW_SETPOINT, ROW_LOW, ROW_CURRENT };

    (void)state;
    (void)strcpy(folder, "/tmp/busbar-regorder-XXXXXX");
    fake = calloc(1, sizeof *fake);
    if (!fake || !mkdtemp(folder))
        return -1;
    rows_fill();
    (void)strcpy(fake->conf.state_dir, folder);
    fake->now_us = LONG_AGO_US;
    fake->ops.spans = true;
    fake->bus = (struct conf_bus){
        .name = "line", .timeout_us = 100000, .retry_max = 1, .fast_us = 10 * SECOND, .slow_us = 10 * SECOND,
    };
    fake->profile = (struct profile){
        .name = "ex", .match_address = 0x08, .match_command = ROW_NONE, .match_text = "EX*", .span_max = 32,
        .row_count = ROWS, .rows = rows,
    };
    for (int32_t d = 0; d < FAKE_UNITS; d++) {
        struct fake_unit *u = &fake->units[d];

        u->refuse_write_at = -1;
        fake_text(u, 0x08, 8, "EX-1");
        fake_text(u, 0x18, 8, "SN1");
        fake_put(u, GATE, 0x0A00);
        fake_put(u, SETPOINT, 50 * 1024);
        fake_put(u, LOW_SETPOINT, 48 * 1024);
        fake_put(u, MODE, 0x8003);
        fake_put(u, CURRENT, 5700);
        fake_put(u, TIMEOUT, 0);
        fake_put(u, TIMEOUT + 1, 0);
        fake->devices[d].lever_count = LEVERS;
        fake->devices[d].reading_count = 1;
        fake->devices[d].readings[0] = (struct conf_reading){ .row = ROW_SETPOINT, .poll = POLL_SLOW, .point = CORE_NONE };
        for (int32_t l = 0; l < LEVERS; l++)
            fake->devices[d].levers[l].row = levers[l];
    }
    return 0;
}

static int fake_end(void **state)
{
    char command[96];

    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    fake_stop(fake);
    free(fake);
    return system(command);
}

/* A device that was found and read; returns where the log stands. */
static int32_t start(void)
{
    fake_start(fake, 1);
    fake_run(fake, SECOND);
    assert_true(fake->adapters[0].state.identified);
    return fake->count;
}

static const struct device_ack *order(int32_t lever, uint64_t number, enum device_op op, double value)
{
    struct device_order o = {
        .number = number, .op = op, .value = value, .lease_end_us = INT64_MAX,
        .timeout_us = lever == LEVER_CURRENT ? 60 * SECOND : 0,
    };

    fake_order(fake, 0, lever, &o);
    fake_run(fake, SECOND);
    return &fake->adapters[0].state.acks[lever];
}

static struct original original(const char *signal)
{
    struct original list[8] = { 0 }, none = { .value = NAN };
    int32_t count = field_originals_read(folder, "dev-1", list, 8);

    for (int32_t i = 0; i < count; i++)
        if (strcmp(list[i].signal, signal) == 0)
            return list[i];
    return none;
}

static void a_closed_gate_is_opened_and_its_word_kept(void **state)
{
    const struct device_ack *ack;
    int32_t from = start();

    (void)state;
    fake->units[0].registers[GATE] = 0xCA00; /* as if the two bits that act were readable */
    ack = order(LEVER_SETPOINT, 1, DEVICE_OP_SET, 50.5);
    assert_int_equal(ack->number, 1);
    assert_int_equal(ack->status, ST_OK);
    assert_true(ack->readback == 50.5);
    assert_true(ack->dispatched_us > LONG_AGO_US && ack->done_us > ack->dispatched_us);
    assert_int_equal(fake_written(fake, from, GATE, 0)->first, 0x0A01); /* nothing clears itself */
    assert_true(fake_written(fake, from, GATE, 0) < fake_written(fake, from, SETPOINT, 0));
    assert_int_equal(fake_writes(fake, from), 2);
    assert_int_equal(fake->units[0].registers[SETPOINT], 50.5 * 1024);
    from = fake->count;
    ack = order(LEVER_SETPOINT, 2, DEVICE_OP_SET, 50.25);
    assert_int_equal(ack->status, ST_OK);
    assert_int_equal(fake_writes(fake, from), 1); /* the gate is open already */
}

/* A device whose gate is polled, and was opened by a first order. */
static int32_t start_with_open_gate(void)
{
    fake->units[0].gate_at = GATE;
    fake->devices[0].readings[1] = (struct conf_reading){ .row = ROW_GATE, .poll = POLL_SLOW, .point = CORE_NONE };
    fake->devices[0].reading_count = 2;
    (void)start();
    assert_int_equal(order(LEVER_SETPOINT, 1, DEVICE_OP_SET, 50.5)->status, ST_OK);
    return fake->count;
}

static void a_gate_that_was_seen_open_costs_no_transaction(void **state)
{
    int32_t from;

    (void)state;
    from = start_with_open_gate();
    assert_int_equal(order(LEVER_SETPOINT, 2, DEVICE_OP_SET, 50.25)->status, ST_OK);
    assert_true(fake->log[from].write && fake->log[from].address == SETPOINT); /* the very next one */
    assert_int_equal(fake->log[from + 1].address, SETPOINT);                   /* and its read-back */
}

/* Quirk 1: a unit that was reset has its gate closed again, and refuses. */
static void a_gate_that_closed_unseen_is_opened_again_after_a_refusal(void **state)
{
    int32_t from;

    (void)state;
    from = start_with_open_gate();
    fake->units[0].registers[GATE] = 0x0A00;
    assert_int_equal(order(LEVER_SETPOINT, 2, DEVICE_OP_SET, 50.25)->status, ST_OK);
    assert_int_equal(fake_written(fake, from, GATE, 0)->first, 0x0A01);
    assert_int_equal(fake->units[0].registers[SETPOINT], 50.25 * 1024);
}

/* Quirk 1, the other way units may have it: accepted, and nothing changed. */
static void a_gate_that_closed_unseen_and_ignores_is_found_by_the_read_back(void **state)
{
    (void)state;
    (void)start_with_open_gate();
    fake->units[0].gate_ignores = true;
    fake->units[0].registers[GATE] = 0x0A00;
    assert_int_equal(order(LEVER_SETPOINT, 2, DEVICE_OP_SET, 50.25)->status, ST_OK);
    assert_int_equal(fake->units[0].registers[GATE], 0x0A01);
    assert_int_equal(fake->units[0].registers[SETPOINT], 50.25 * 1024);
    fake->units[0].frozen[SETPOINT] = true; /* what stays wrong with an open gate is said */
    assert_int_equal(order(LEVER_SETPOINT, 3, DEVICE_OP_SET, 50.0)->status, ST_MISMATCH);
}

/* Quirk 1: another unit in the same place is identified, and its gate looked at. */
static void after_a_swap_the_gate_is_looked_at(void **state)
{
    int32_t from;

    (void)state;
    from = start_with_open_gate();
    fake_text(&fake->units[0], 0x18, 8, "SN2");
    fake->units[0].registers[GATE] = 0x0A00;
    fake->units[0].registers[SETPOINT] = 50 * 1024;
    fake_run(fake, 11 * SECOND); /* the serial number is read with the slow rows */
    assert_string_equal(fake->adapters[0].state.serial, "SN2");
    assert_int_equal(order(LEVER_SETPOINT, 2, DEVICE_OP_SET, 50.25)->status, ST_OK);
    assert_int_equal(fake_written(fake, from, GATE, 0)->first, 0x0A01);
}

static void the_original_is_on_disk_before_the_first_write(void **state)
{
    struct original o;

    (void)state;
    start();
    assert_int_equal(order(LEVER_CURRENT, 1, DEVICE_OP_SET, 2.0)->status, ST_OK);
    o = original("bbu_charge_limit_a");
    assert_true(fabs(o.value - 5.7) < 1e-9);
    assert_int_equal(o.enable, 0);
    assert_int_equal(o.gate, -1);
    assert_true(o.timeout == 0.0);
    assert_string_equal(o.serial, "SN1");
    assert_int_equal(order(LEVER_CURRENT, 2, DEVICE_OP_SET, 1.0)->status, ST_OK);
    assert_true(fabs(original("bbu_charge_limit_a").value - 5.7) < 1e-9); /* and stays */
}

static void without_a_record_nothing_is_written(void **state)
{
    const struct device_ack *ack;
    int32_t from;

    (void)state;
    (void)strcpy(fake->conf.state_dir, "/nonexistent/busbar");
    from = start();
    ack = order(LEVER_SETPOINT, 1, DEVICE_OP_SET, 50.5);
    assert_int_equal(ack->status, ST_REFUSED);
    assert_int_equal(fake_writes(fake, from), 0);
    assert_int_equal(fake->units[0].registers[SETPOINT], 50 * 1024);
}

static void the_time_out_is_written_before_the_value(void **state)
{
    const struct fake_entry *timeout, *value, *enable;
    int32_t from = start();

    (void)state;
    assert_int_equal(order(LEVER_CURRENT, 1, DEVICE_OP_SET, 2.0)->status, ST_OK);
    timeout = fake_written(fake, from, TIMEOUT, 0);
    value = fake_written(fake, from, CURRENT, 0);
    enable = fake_written(fake, from, MODE, 0);
    assert_non_null(timeout);
    assert_true(timeout < value && value < enable);
    assert_int_equal(fake->units[0].registers[TIMEOUT + 1], 60);
    assert_int_equal(value->first, 2000);
    assert_int_equal(enable->first, 0x8403);
    /* the same value again under a new number refreshes both */
    from = fake->count;
    assert_int_equal(order(LEVER_CURRENT, 2, DEVICE_OP_SET, 2.0)->status, ST_OK);
    assert_non_null(fake_written(fake, from, TIMEOUT, 0));
    assert_non_null(fake_written(fake, from, CURRENT, 0));
    assert_null(fake_written(fake, from, MODE, 0));
}

static void a_time_out_that_does_not_stick_keeps_the_value_out(void **state)
{
    int32_t from = start();

    (void)state;
    fake->units[0].frozen[TIMEOUT] = fake->units[0].frozen[TIMEOUT + 1] = true;
    assert_int_equal(order(LEVER_CURRENT, 1, DEVICE_OP_SET, 2.0)->status, ST_BUSY);
    assert_null(fake_written(fake, from, CURRENT, 0));
    assert_null(fake_written(fake, from, MODE, 0));
}

static void values_out_of_range_are_not_written(void **state)
{
    int32_t from = start();

    (void)state;
    assert_int_equal(order(LEVER_SETPOINT, 1, DEVICE_OP_SET, 49.9)->status, ST_RANGE);
    assert_int_equal(order(LEVER_SETPOINT, 2, DEVICE_OP_SET, 51.6)->status, ST_RANGE);
    assert_int_equal(order(LEVER_SETPOINT, 3, DEVICE_OP_SET, NAN)->status, ST_RANGE);
    assert_int_equal(fake_writes(fake, from), 0);
    assert_int_equal(fake->adapters[0].state.refused, 3);
}

static void values_are_rounded_down_to_a_step(void **state)
{
    const struct device_ack *ack;

    (void)state;
    start();
    ack = order(LEVER_SETPOINT, 1, DEVICE_OP_SET, 50.99);
    assert_int_equal(ack->status, ST_OK);
    assert_true(ack->readback == 50.875);
}

static void an_accepted_write_that_changed_nothing_is_a_mismatch(void **state)
{
    const struct device_ack *ack;

    (void)state;
    start();
    fake->units[0].frozen[SETPOINT] = true;
    ack = order(LEVER_SETPOINT, 1, DEVICE_OP_SET, 50.5);
    assert_int_equal(ack->status, ST_MISMATCH);
    assert_true(ack->readback == 50.0);
}

static void a_refused_write_is_a_nack(void **state)
{
    (void)state;
    start();
    fake->units[0].refuse_write_at = SETPOINT;
    assert_int_equal(order(LEVER_SETPOINT, 1, DEVICE_OP_SET, 50.5)->status, ST_NACK);
}

/* Once the value is out, no refusal may say that it is not. */
static void a_refusal_after_the_value_is_a_doubt(void **state)
{
    (void)state;
    start();
    fake->units[0].refuse_write_at = MODE;
    assert_int_equal(order(LEVER_CURRENT, 1, DEVICE_OP_SET, 2.0)->status, ST_MISMATCH);
    assert_int_equal(fake->units[0].registers[CURRENT], 2000);
}

static void a_write_whose_answer_was_lost_is_read_back_not_repeated(void **state)
{
    int32_t from = start();

    (void)state;
    fake->units[0].registers[GATE] |= 1;
    fake->units[0].lose_answer_in = 4; /* original's value, its gate, the gate, then the value's write */
    assert_int_equal(order(LEVER_SETPOINT, 1, DEVICE_OP_SET, 50.5)->status, ST_OK);
    assert_int_equal(fake_writes(fake, from), 1);
    assert_int_equal(fake->adapters[0].state.timeouts, 1);
}

/* Quirk 7: a boot loader that does what it is told and gets its checksum wrong. What it says is not
 * believed; what the register holds is. */
static void a_write_answered_with_a_wrong_checksum_is_read_back_not_repeated(void **state)
{
    int32_t from = start();

    (void)state;
    fake->units[0].garble_answer_in = 4; /* as above */
    fake->units[0].registers[GATE] = 0x0A01;
    assert_int_equal(order(LEVER_SETPOINT, 1, DEVICE_OP_SET, 50.5)->status, ST_OK);
    assert_int_equal(fake->adapters[0].state.corrupt, 1);
    assert_null(fake_written(fake, from, SETPOINT, 1));
}

static void a_write_that_was_never_heard_is_repeated_after_a_look(void **state)
{
    int32_t from = start();

    (void)state;
    fake->units[0].registers[GATE] |= 1;
    fake->units[0].ignore_in = 4;
    assert_int_equal(order(LEVER_SETPOINT, 1, DEVICE_OP_SET, 50.5)->status, ST_OK);
    assert_int_equal(fake_writes(fake, from), 2);
}

static void an_order_past_its_lease_is_not_written(void **state)
{
    struct device_order o = { .number = 1, .op = DEVICE_OP_SET, .value = 50.5 };
    int32_t from = start();

    (void)state;
    o.lease_end_us = fake->now_us;
    fake_order(fake, 0, LEVER_SETPOINT, &o);
    fake_run(fake, SECOND);
    assert_int_equal(fake->adapters[0].state.acks[LEVER_SETPOINT].status, ST_STALE);
    assert_int_equal(fake_writes(fake, from), 0);
}

/* It ends between the write and the read-back: then it still was written. */
static void a_lease_that_ends_on_the_way_does_not_unwrite(void **state)
{
    struct device_order o = { .number = 1, .op = DEVICE_OP_SET, .value = 2.0, .timeout_us = SECOND };

    (void)state;
    start();
    o.lease_end_us = fake->now_us + 24000;
    fake_order(fake, 0, LEVER_CURRENT, &o);
    fake_run(fake, SECOND);
    assert_int_equal(fake->adapters[0].state.acks[LEVER_CURRENT].status, ST_OK);
    assert_int_equal(fake->units[0].registers[CURRENT], 2000);
}

static void a_read_only_field_refuses_everything(void **state)
{
    int32_t from = start();

    (void)state;
    fake->adapters[0].read_only = true;
    assert_int_equal(order(LEVER_SETPOINT, 1, DEVICE_OP_SET, 50.5)->status, ST_REFUSED);
    assert_int_equal(order(LEVER_SETPOINT, 2, DEVICE_OP_RELEASE, 50.0)->status, ST_REFUSED);
    assert_int_equal(fake->count, from);
}

static void a_stranger_is_not_written_to(void **state)
{
    int32_t from;

    (void)state;
    fake_text(&fake->units[0], 0x08, 8, "OTHER");
    fake_start(fake, 1);
    fake_run(fake, SECOND);
    from = fake->count;
    assert_int_equal(order(LEVER_SETPOINT, 1, DEVICE_OP_SET, 50.5)->status, ST_REFUSED);
    assert_int_equal(fake_writes(fake, from), 0);
}

/* It missed one command: it may have been swapped just then. */
/* It answers, and has not said who it is: that is no other model. */
static void a_busy_device_is_no_stranger(void **state)
{
    (void)state;
    fake->units[0].busy = true;
    fake_start(fake, 1);
    fake_run(fake, SECOND);
    assert_false(fake->adapters[0].state.identified);
    assert_int_equal(order(LEVER_SETPOINT, 1, DEVICE_OP_SET, 50.5)->status, ST_NACK);
    assert_int_equal(fake_writes(fake, 0), 0);
    fake->units[0].busy = false;
    assert_int_equal(order(LEVER_SETPOINT, 2, DEVICE_OP_SET, 50.5)->status, ST_OK);
}

static void after_a_missed_answer_it_is_identified_before_it_is_written_to(void **state)
{
    struct original list[4];
    int32_t from;

    (void)state;
    fake->bus.retry_max = 0;
    start();
    assert_int_equal(order(LEVER_SETPOINT, 1, DEVICE_OP_SET, 50.5)->status, ST_OK);
    fake->units[0].ignore_in = 1;
    from = fake->count;
    while (fake->count == from) /* up to the poll that is not answered, and no further */
        fake->now_us = regline_turn(fake->line, fake->now_us);
    assert_false(fake->adapters[0].state.reachable);
    fake_text(&fake->units[0], 0x18, 8, "SN2");
    fake->units[0].registers[SETPOINT] = 51 * 1024;
    assert_int_equal(order(LEVER_SETPOINT, 2, DEVICE_OP_SET, 50.5)->status, ST_OK);
    assert_string_equal(fake->adapters[0].state.serial, "SN2");
    assert_int_equal(field_originals_read(folder, "dev-1", list, 4), 2);
    assert_string_equal(list[1].serial, "SN2");
    assert_true(list[1].value == 51.0); /* the new one's own */
}

static void a_silent_device_is_not_waited_for(void **state)
{
    int64_t began_us;

    (void)state;
    start();
    fake->units[0].silent = true;
    fake_run(fake, 20 * SECOND);
    began_us = fake->now_us;
    assert_int_equal(order(LEVER_SETPOINT, 1, DEVICE_OP_SET, 50.5)->status, ST_BUSY);
    assert_true(fake->adapters[0].state.acks[LEVER_SETPOINT].done_us - began_us <= 2 * fake->bus.timeout_us);
}

static void a_closed_line_answers_orders(void **state)
{
    (void)state;
    start();
    fake->gone = fake->refuse_open = true;
    fake_run(fake, 11 * SECOND);
    assert_int_equal(order(LEVER_SETPOINT, 1, DEVICE_OP_SET, 50.5)->status, ST_BUSY);
    fake->gone = fake->refuse_open = false;
    fake_run(fake, 2 * SECOND);
    assert_int_equal(order(LEVER_SETPOINT, 2, DEVICE_OP_SET, 50.5)->status, ST_OK);
}

static void a_release_puts_everything_back(void **state)
{
    struct fake_unit *u = &fake->units[0];
    const struct device_ack *ack;
    int32_t from;

    (void)state;
    start();
    assert_int_equal(order(LEVER_CURRENT, 1, DEVICE_OP_SET, 2.0)->status, ST_OK);
    assert_int_equal(order(LEVER_SETPOINT, 1, DEVICE_OP_SET, 50.5)->status, ST_OK);
    from = fake->count;
    ack = order(LEVER_CURRENT, 2, DEVICE_OP_RELEASE, 5.7);
    assert_int_equal(ack->status, ST_OK);
    assert_true(fabs(ack->readback - 5.7) < 1e-9);
    assert_int_equal(u->registers[CURRENT], 5700);
    assert_int_equal(u->registers[MODE], 0x8003);
    assert_int_equal(u->registers[TIMEOUT + 1], 0);
    assert_true(fake_written(fake, from, MODE, 0) < fake_written(fake, from, CURRENT, 0)); /* off first */
    assert_int_equal(order(LEVER_SETPOINT, 2, DEVICE_OP_RELEASE, 50.0)->status, ST_OK);
    assert_int_equal(u->registers[SETPOINT], 50 * 1024);
    assert_int_equal(u->registers[GATE], 0x0A00);
}

/* Both are behind one gate: its state before us is in the first lever's record. */
static void levers_behind_one_gate_leave_it_as_it_was(void **state)
{
    (void)state;
    start();
    assert_int_equal(order(LEVER_SETPOINT, 1, DEVICE_OP_SET, 50.5)->status, ST_OK);
    assert_int_equal(order(LEVER_LOW, 1, DEVICE_OP_SET, 47.5)->status, ST_OK);
    assert_int_equal(original("psu_output_low_setpoint_v").gate, 0);
    assert_int_equal(order(LEVER_SETPOINT, 2, DEVICE_OP_RELEASE, 50.0)->status, ST_OK);
    assert_int_equal(fake->units[0].registers[GATE], 0x0A00);
    assert_int_equal(order(LEVER_LOW, 2, DEVICE_OP_RELEASE, 48.0)->status, ST_OK);
    assert_int_equal(fake->units[0].registers[GATE], 0x0A00);
    assert_int_equal(fake->units[0].registers[LOW_SETPOINT], 48 * 1024);
}

/* A value outside the limits for writing was there before us, and goes back. */
static void an_original_outside_the_limits_goes_back(void **state)
{
    (void)state;
    fake->units[0].registers[SETPOINT] = 49 * 1024;
    start();
    assert_int_equal(order(LEVER_SETPOINT, 1, DEVICE_OP_SET, 50.5)->status, ST_OK);
    assert_int_equal(order(LEVER_SETPOINT, 2, DEVICE_OP_RELEASE, 49.0)->status, ST_OK);
    assert_int_equal(fake->units[0].registers[SETPOINT], 49 * 1024);
}

static void a_release_without_a_record_writes_nothing(void **state)
{
    int32_t from = start();

    (void)state;
    assert_int_equal(order(LEVER_SETPOINT, 1, DEVICE_OP_RELEASE, 50.0)->status, ST_OK);
    assert_int_equal(order(LEVER_SETPOINT, 2, DEVICE_OP_RELEASE, 51.0)->status, ST_REFUSED);
    assert_int_equal(fake_writes(fake, from), 0);
}

static void a_release_that_fails_says_so(void **state)
{
    (void)state;
    start();
    assert_int_equal(order(LEVER_SETPOINT, 1, DEVICE_OP_SET, 50.5)->status, ST_OK);
    fake->units[0].frozen[SETPOINT] = true;
    assert_int_equal(order(LEVER_SETPOINT, 2, DEVICE_OP_RELEASE, 50.0)->status, ST_MISMATCH);
}

/* A lever that is one bit in the middle of a word that holds others too. */
static void a_bit_of_a_word_is_a_lever_like_any_other(void **state)
{
    const struct device_ack *ack;

    (void)state;
    rows[ROW_ENABLE].writable = true;
    rows[ROW_ENABLE].write.min = 0;
    rows[ROW_ENABLE].write.max = 1;
    fake->devices[0].levers[LEVER_LOW].row = ROW_ENABLE;
    fake->units[0].registers[MODE] = 0x8403;
    (void)start();
    ack = order(LEVER_LOW, 1, DEVICE_OP_SET, 0.0);
    assert_int_equal(ack->status, ST_OK);
    assert_true(ack->readback == 0.0);
    assert_int_equal(fake->units[0].registers[MODE], 0x8003);
    ack = order(LEVER_LOW, 2, DEVICE_OP_SET, 1.0);
    assert_int_equal(ack->status, ST_OK);
    assert_true(ack->readback == 1.0);
    assert_int_equal(fake->units[0].registers[MODE], 0x8403);
    assert_int_equal(order(LEVER_LOW, 3, DEVICE_OP_SET, 0.0)->status, ST_OK);
    ack = order(LEVER_LOW, 4, DEVICE_OP_RELEASE, 1.0); /* it was set before us */
    assert_int_equal(ack->status, ST_OK);
    assert_int_equal(fake->units[0].registers[MODE], 0x8403);
}

static void orders_go_before_polls(void **state)
{
    struct device_order o = { .number = 1, .op = DEVICE_OP_SET, .value = 50.5, .lease_end_us = INT64_MAX };
    const struct device_ack *ack = &fake->adapters[3].state.acks[LEVER_SETPOINT];
    int64_t asked_us;

    (void)state;
    fake->bus.fast_us = fake->bus.slow_us = 1000; /* polls are always due */
    fake_start(fake, FAKE_UNITS);
    fake_run(fake, SECOND);
    asked_us = fake->now_us;
    fake_order(fake, 3, LEVER_SETPOINT, &o);
    fake_run(fake, SECOND);
    assert_int_equal(ack->status, ST_OK);
    /* ten transactions of its own and at most one poll */
    assert_true(ack->done_us - asked_us <= 11 * FAKE_ANSWER_US);
}

static void the_latency_of_orders_is_kept(void **state)
{
    struct field_bus_stats stats;

    (void)state;
    start();
    assert_int_equal(order(LEVER_CURRENT, 1, DEVICE_OP_SET, 2.0)->status, ST_OK);
    fake_run(fake, 10 * SECOND);
    while (mailbox_get(fake->stats, &stats))
        continue;
    assert_int_equal(stats.dispatch.count, 1);
    assert_int_equal(stats.device.count, 1);
    assert_true(stats.device.max_us >= rows[ROW_CURRENT].write.settle_us);
    assert_int_equal(stats.writes, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_make, fake_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_closed_gate_is_opened_and_its_word_kept),
        TEST(a_gate_that_was_seen_open_costs_no_transaction),
        TEST(a_gate_that_closed_unseen_is_opened_again_after_a_refusal),
        TEST(a_gate_that_closed_unseen_and_ignores_is_found_by_the_read_back),
        TEST(after_a_swap_the_gate_is_looked_at),
        TEST(the_original_is_on_disk_before_the_first_write),
        TEST(without_a_record_nothing_is_written),
        TEST(the_time_out_is_written_before_the_value),
        TEST(a_time_out_that_does_not_stick_keeps_the_value_out),
        TEST(values_out_of_range_are_not_written),
        TEST(values_are_rounded_down_to_a_step),
        TEST(an_accepted_write_that_changed_nothing_is_a_mismatch),
        TEST(a_refused_write_is_a_nack),
        TEST(a_refusal_after_the_value_is_a_doubt),
        TEST(a_write_whose_answer_was_lost_is_read_back_not_repeated),
        TEST(a_write_answered_with_a_wrong_checksum_is_read_back_not_repeated),
        TEST(a_write_that_was_never_heard_is_repeated_after_a_look),
        TEST(an_order_past_its_lease_is_not_written),
        TEST(a_lease_that_ends_on_the_way_does_not_unwrite),
        TEST(a_read_only_field_refuses_everything),
        TEST(a_stranger_is_not_written_to),
        TEST(a_busy_device_is_no_stranger),
        TEST(after_a_missed_answer_it_is_identified_before_it_is_written_to),
        TEST(a_silent_device_is_not_waited_for),
        TEST(a_closed_line_answers_orders),
        TEST(a_release_puts_everything_back),
        TEST(levers_behind_one_gate_leave_it_as_it_was),
        TEST(an_original_outside_the_limits_goes_back),
        TEST(a_release_without_a_record_writes_nothing),
        TEST(a_release_that_fails_says_so),
        TEST(a_bit_of_a_word_is_a_lever_like_any_other),
        TEST(orders_go_before_polls),
        TEST(the_latency_of_orders_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
