/* SPDX-License-Identifier: Apache-2.0 */
/* test_regdev.c: what is read of a register device, when, and what silence costs.
 *
 * Against a line that is not there: field_fake.h. Nothing sleeps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "field_fake.h"

#define SECOND INT64_C(1000000)
#define FAST_US INT64_C(200000)
#define SLOW_US INT64_C(5000000)

enum { MODEL, SERIAL, FIRMWARE, VOLT, AMP, WATT, ALARMS, TEMP, ROWS };

static struct fake *fake;
static struct profile_row rows[ROWS];

static struct profile_row row_at(int32_t address, enum row_type type, double scale, enum signal signal, int32_t bytes)
{
    return (struct profile_row){
        .address = address, .command = ROW_NONE, .type = type, .scale = scale, .signal = signal, .text_bytes = bytes,
        .write = { .gate = ROW_NONE, .enable = ROW_NONE, .timeout = ROW_NONE, .readback = ROW_NONE },
    };
}

static void device_fill(struct fake_unit *u, const char *serial)
{
    u->refuse_write_at = -1;
    fake_text(u, 0x08, 8, "EX-55 R1");
    fake_text(u, 0x18, 16, serial);
    fake_text(u, 0x30, 4, "1.02");
    fake_put(u, 0x4F, 51200);
    fake_put(u, 0x50, 640);
    fake_put(u, 0x51, 8000);
    fake_put(u, 0x54, 0x0003);
    fake_put(u, 0x60, 25 * 128);
}

static int fake_make(void **state)
{
    static const enum poll_class polls[ROWS] = {
        [VOLT] = POLL_FAST, [AMP] = POLL_FAST, [WATT] = POLL_FAST, [ALARMS] = POLL_FAST,
        [TEMP] = POLL_SLOW, [MODEL] = POLL_ONCE, [SERIAL] = POLL_ONCE, [FIRMWARE] = POLL_ONCE,
    };

    (void)state;
    fake = calloc(1, sizeof *fake);
    if (!fake)
        return -1;
    rows[MODEL] = row_at(0x08, ROW_TEXT, 1, SIGNAL_DEVICE_MODEL, 16);
    rows[SERIAL] = row_at(0x18, ROW_TEXT, 1, SIGNAL_DEVICE_SERIAL, 32);
    rows[FIRMWARE] = row_at(0x30, ROW_TEXT, 1, SIGNAL_DEVICE_FIRMWARE, 8);
    rows[VOLT] = row_at(0x4F, ROW_U16, 1.0 / 1024, SIGNAL_PSU_OUTPUT_V, 0);
    rows[AMP] = row_at(0x50, ROW_U16, 1.0 / 64, SIGNAL_PSU_OUTPUT_A, 0);
    rows[WATT] = row_at(0x51, ROW_U16, 0.125, SIGNAL_PSU_OUTPUT_W, 0);
    rows[ALARMS] = row_at(0x54, ROW_U16, 1, SIGNAL_PSU_ALARMS, 0);
    rows[TEMP] = row_at(0x60, ROW_S16, 1.0 / 128, SIGNAL_PSU_INLET_C, 0);
    fake->now_us = 1000 * SECOND;
    fake->ops.spans = true;
    fake->bus = (struct conf_bus){ .name = "line", .timeout_us = 100000, .retry_max = 1, .fast_us = FAST_US, .slow_us = SLOW_US };
    fake->profile = (struct profile){
        .name = "ex-psu", .match_address = 0x08, .match_command = ROW_NONE, .match_text = "EX-55*", .span_max = 32,
        .gap_us = 3000, .row_count = ROWS, .rows = rows,
    };
    for (int32_t d = 0; d < FAKE_UNITS; d++) {
        char serial[16];

        (void)snprintf(serial, sizeof serial, "SN-%d", (int)d);
        device_fill(&fake->units[d], serial);
        fake->devices[d].reading_count = ROWS;
        for (int32_t r = 0; r < ROWS; r++)
            fake->devices[d].readings[r] =
                (struct conf_reading){ .row = r, .signal = rows[r].signal, .poll = polls[r], .point = CORE_NONE };
    }
    return 0;
}

static int fake_end(void **state)
{
    (void)state;
    fake_stop(fake);
    free(fake);
    return 0;
}

static const struct device_state *state_of(int32_t device)
{
    return &fake->adapters[device].state;
}

static int32_t reads_since(int32_t from, int32_t address, int32_t words)
{
    int32_t count = 0;

    for (int32_t i = from; i < fake->count; i++)
        count += !fake->log[i].write && fake->log[i].address == address && fake->log[i].words == words;
    return count;
}

/* Does any read since entry `from` touch the register? */
static bool touched_since(int32_t from, int32_t address)
{
    for (int32_t i = from; i < fake->count; i++)
        if (fake->log[i].address <= address && address < fake->log[i].address + fake->log[i].words)
            return true;
    return false;
}

static void a_device_is_identified_and_read(void **state)
{
    const struct device_state *s;

    (void)state;
    fake_start(fake, 1);
    fake_run(fake, SECOND);
    s = state_of(0);
    assert_true(s->reachable && s->identified);
    assert_string_equal(s->model, "EX-55 R1");
    assert_string_equal(s->serial, "SN-0");
    assert_string_equal(s->firmware, "1.02");
    assert_true(s->readings[VOLT].value == 50.0 && s->readings[VOLT].status == ST_OK);
    assert_true(s->readings[AMP].value == 10.0);
    assert_true(s->readings[WATT].value == 1000.0);
    assert_true(s->readings[TEMP].value == 25.0);
    assert_true(s->readings[VOLT].taken_us < s->readings[VOLT].arrived_us);
    assert_int_equal(s->timeouts + s->corrupt + s->nacks, 0);
}

static void neighbours_that_are_due_are_one_read(void **state)
{
    int32_t from;

    (void)state;
    fake_start(fake, 1);
    fake_run(fake, SECOND);
    from = fake->count;
    fake_run(fake, 10 * SECOND);
    assert_in_range(reads_since(from, 0x4F, 3), 49, 51); /* every 200 ms, not one more */
    assert_in_range(reads_since(from, 0x54, 1), 49, 51);
    assert_in_range(reads_since(from, 0x60, 1), 2, 3);   /* every 5 s */
    assert_in_range(reads_since(from, 0x18, 16), 2, 3);  /* the serial number: a swap shows */
    assert_int_equal(reads_since(from, 0x30, 4), 0);     /* once */
}

static void holes_are_crossed_where_the_profile_says_so(void **state)
{
    (void)state;
    fake->profile.span_holes = true;
    for (int32_t i = 0; i < FAKE_REGISTERS; i++)
        fake->units[0].exists[i] = true;
    fake_start(fake, 1);
    fake_run(fake, 10 * SECOND);
    assert_true(reads_since(0, 0x4F, 6) > 45);
    assert_int_equal(reads_since(0, 0x54, 1), 0);
}

static void a_device_that_refuses_holes_is_asked_without_them(void **state)
{
    int32_t from;

    (void)state;
    fake->profile.span_holes = true; /* but 0x52 and 0x53 do not exist */
    fake_start(fake, 1);
    fake_run(fake, SECOND);
    from = fake->count;
    fake_run(fake, 10 * SECOND);
    assert_int_equal(reads_since(from, 0x4F, 6), 0);
    assert_in_range(reads_since(from, 0x4F, 3), 49, 51);
    assert_int_equal(state_of(0)->readings[ALARMS].status, ST_OK);
}

static void a_device_that_gives_few_registers_is_asked_for_few(void **state)
{
    int32_t from;

    (void)state;
    fake->units[0].read_max = 16; /* the longest row */
    fake_put(&fake->units[0], 0x52, 0);
    fake_put(&fake->units[0], 0x53, 0);
    rows[FIRMWARE].address = 0x10; /* joins model and serial number to 32 registers */
    fake_text(&fake->units[0], 0x10, 8, "1.02");
    rows[FIRMWARE].text_bytes = 16;
    fake_start(fake, 1);
    fake_run(fake, 2 * SECOND);
    from = fake->count;
    fake_run(fake, 10 * SECOND);
    for (int32_t i = from; i < fake->count; i++)
        assert_int_equal(fake->log[i].status, ST_OK);
    for (int32_t i = 0; i < ROWS; i++)
        assert_int_equal(state_of(0)->readings[i].status, ST_OK);
}

static void a_row_the_device_lacks_is_found_and_left_out(void **state)
{
    int32_t from;

    (void)state;
    fake->units[0].exists[0x50] = false;
    fake_start(fake, 1);
    fake_run(fake, SECOND);
    assert_int_equal(state_of(0)->readings[AMP].status, ST_ABSENT);
    assert_int_equal(state_of(0)->readings[VOLT].status, ST_OK);
    assert_int_equal(state_of(0)->readings[WATT].status, ST_OK);
    assert_true(state_of(0)->reachable);
    from = fake->count;
    fake_run(fake, 60 * SECOND);
    assert_false(touched_since(from, 0x50));
    /* it is tried again: new firmware may bring it */
    fake->units[0].exists[0x50] = true;
    fake->count = 0;
    fake_run(fake, 600 * SECOND);
    assert_int_equal(state_of(0)->readings[AMP].status, ST_OK);
    fake->count = 0;
    fake_run(fake, SECOND);
    assert_true(reads_since(0, 0x4F, 3) >= 4); /* and joined again */
}

/* Quirk 22: a register that becomes illegal later costs itself, not its neighbours. */
static void a_row_that_is_lost_later_does_not_take_its_span_along(void **state)
{
    int32_t from;

    (void)state;
    fake_start(fake, 1);
    fake_run(fake, 30 * SECOND);
    fake->units[0].exists[0x50] = false; /* a new firmware dropped it */
    fake_run(fake, SECOND);
    assert_int_equal(state_of(0)->readings[AMP].status, ST_ABSENT);
    assert_int_equal(state_of(0)->readings[VOLT].status, ST_OK);
    assert_int_equal(state_of(0)->readings[WATT].status, ST_OK);
    from = fake->count;
    fake_run(fake, 10 * SECOND);
    for (int32_t i = from; i < fake->count; i++)
        assert_int_equal(fake->log[i].status, ST_OK); /* and no read fails any more */
}

static void registers_of_rows_that_are_not_polled_are_read_along(void **state)
{
    (void)state;
    fake_put(&fake->units[0], 0x52, 0);
    fake_put(&fake->units[0], 0x53, 0);
    rows[TEMP] = row_at(0x52, ROW_U32, 1, SIGNAL_PSU_FAULTS, 0); /* described, never polled */
    fake->devices[0].readings[TEMP].row = ALARMS;
    fake->devices[0].reading_count = TEMP;
    fake_start(fake, 1);
    fake_run(fake, 10 * SECOND);
    assert_true(reads_since(0, 0x4F, 6) > 45);
}

/* A hole that is refused in one place says nothing of those in another. */
static void a_wall_stands_where_the_refused_read_crossed(void **state)
{
    (void)state;
    fake->profile.span_holes = true;
    rows[TEMP].address = 0x90;
    rows[WATT].address = 0x94;
    fake_put(&fake->units[0], 0x90, 25 * 128);
    fake_put(&fake->units[0], 0x94, 8000);
    for (int32_t at = 0x91; at < 0x94; at++)
        fake_put(&fake->units[0], at, 0);
    for (int32_t d = 0; d < FAKE_UNITS; d++)
        fake->devices[d].readings[TEMP].poll = POLL_FAST;
    fake_start(fake, 1); /* 0x52 and 0x53 do not exist */
    fake_run(fake, 10 * SECOND);
    assert_true(reads_since(0, 0x4F, 2) > 40);
    assert_true(reads_since(0, 0x54, 1) > 40);
    assert_true(reads_since(0, 0x90, 5) > 40);
}

static void longer_reads_are_tried_again_after_a_while(void **state)
{
    int32_t from;

    (void)state;
    fake->profile.span_holes = true; /* but 0x52 and 0x53 do not exist */
    fake_start(fake, 1);
    fake_run(fake, 10 * SECOND);
    assert_true(reads_since(0, 0x4F, 3) > 40);
    for (int32_t at = 0x52; at < 0x60; at++)
        if (!fake->units[0].exists[at])
            fake_put(&fake->units[0], at, 0);
    fake->count = 0;
    fake_run(fake, 600 * SECOND);
    fake->count = 0;
    from = fake->count;
    fake_run(fake, 10 * SECOND);
    assert_in_range(reads_since(from, 0x4F, 6), 46, 51); /* now and then the slow row comes along */
}

/* Time-outs are learned: a device that answers in 2 ms is not waited for 100. */
static void the_wait_for_an_answer_is_what_the_device_is_worth(void **state)
{
    int64_t before_us;

    (void)state;
    fake->bus.timeout_us = 300000;
    fake->bus.timeout_min_us = 70000;
    fake_start(fake, 1);
    fake_run(fake, 20 * SECOND);
    fake->units[0].ignore_in = 1;
    before_us = fake->now_us;
    fake->count = 0;
    fake_run(fake, SECOND / 5);
    assert_int_equal(fake->log[0].status, ST_TIMEOUT);
    assert_true(fake->log[1].at_us - before_us <= 70000 + FAST_US + 3000);
    assert_true(fake->log[1].at_us - fake->log[0].at_us == 70000 + 3000);
    assert_int_equal(fake->log[1].status, ST_OK);
}

/* One that has become slower than it ever was is lost, found by a longer wait, and kept. */
static void a_device_that_got_slow_is_learned_anew(void **state)
{
    (void)state;
    fake->bus.timeout_us = 300000;
    fake->bus.timeout_min_us = 70000;
    fake_start(fake, 1);
    fake_run(fake, 20 * SECOND);
    fake->units[0].slow_us = 200000;
    fake_run(fake, 2 * SECOND);
    assert_false(state_of(0)->reachable);
    fake_run(fake, 60 * SECOND);
    assert_true(state_of(0)->reachable);
    fake->count = 0;
    fake_run(fake, 30 * SECOND);
    for (int32_t i = 0; i < fake->count; i++)
        assert_int_equal(fake->log[i].status, ST_OK);
}

/* Quirk 21: the rest comes after a failure as well, the retry included. */
static void a_retry_waits_for_the_rest_too(void **state)
{
    (void)state;
    fake_start(fake, 1);
    fake_run(fake, SECOND);
    fake->units[0].ignore_in = 1;
    fake->count = 0;
    fake_run(fake, SECOND);
    assert_int_equal(fake->log[0].status, ST_TIMEOUT);
    assert_int_equal(fake->log[1].address, fake->log[0].address);
    assert_true(fake->log[1].at_us - fake->log[0].at_us >= fake->bus.timeout_us + 3000);
}

static void a_garbled_third_frame_is_counted_and_read_again(void **state)
{
    (void)state;
    fake->units[0].corrupt_in = 3;
    fake_start(fake, 1);
    fake_run(fake, SECOND);
    assert_int_equal(state_of(0)->corrupt, 1);
    assert_true(state_of(0)->reachable && state_of(0)->identified);
    for (int32_t i = 0; i < ROWS; i++)
        assert_int_equal(state_of(0)->readings[i].status, ST_OK);
    assert_int_equal(fake->log[2].status, ST_CORRUPT);
    assert_int_equal(fake->log[3].address, fake->log[2].address);
    assert_true(fake->log[3].at_us >= fake->log[2].at_us + FAKE_ANSWER_US + 3000); /* the gap, even then */
}

/* Without a number in the frames the answer may be the first question's, and the second's may
 * come yet: questions of another form come before the next one like it. */
static void on_a_serial_line_an_answer_is_as_old_as_the_first_question(void **state)
{
    int32_t at;

    (void)state;
    fake_start(fake, 1);
    fake_run(fake, SECOND);
    at = fake->count;
    fake->units[0].ignore_in = 1;
    while (fake->count < at + 4)
        fake_run(fake, 10000);
    assert_int_equal(fake->log[at].status, ST_TIMEOUT);
    assert_int_equal(fake->log[at].address, 0x4F);
    assert_int_equal(fake->log[at + 1].status, ST_OK);
    assert_int_equal(fake->log[at + 1].address, 0x4F);
    assert_int_equal(state_of(0)->readings[VOLT].status, ST_OK);
    assert_true(state_of(0)->readings[VOLT].taken_us == fake->log[at].at_us);
    assert_int_equal(fake->log[at + 2].address, 0x08); /* who is it, by its model and serial number */
    assert_int_equal(fake->log[at + 3].address, 0x18);
}

static void after_a_time_out_rows_wait_until_the_device_is_known_again(void **state)
{
    int32_t at;

    (void)state;
    fake_start(fake, 1);
    fake_run(fake, SECOND);
    fake->units[0].silent = true;
    at = fake->count;
    fake_run(fake, 30 * SECOND);
    fake->units[0].silent = false;
    for (int32_t i = at + 2; i < fake->count; i++)
        assert_int_equal(fake->log[i].address, 0x08); /* both tries of the row that was due, then this alone */
    at = fake->count;
    fake_run(fake, 8 * SECOND);
    while (fake->log[at].address == 0x08)
        at++;
    assert_int_equal(fake->log[at].address, 0x18);
    assert_int_equal(state_of(0)->readings[VOLT].status, ST_OK);
}

static void elsewhere_an_answer_is_as_old_as_its_own_question(void **state)
{
    int32_t at;

    (void)state;
    fake->bus.kind = CONF_BUS_MODBUS_TCP;
    fake_start(fake, 1);
    fake_run(fake, SECOND);
    at = fake->count;
    fake->units[0].ignore_in = 1;
    while (fake->count < at + 3)
        fake_run(fake, 10000);
    assert_int_equal(fake->log[at].status, ST_TIMEOUT);
    assert_true(state_of(0)->readings[VOLT].taken_us >= fake->log[at + 1].at_us);
    assert_int_equal(fake->log[at + 2].address, 0x54); /* the next row, and nobody is asked who it is */
}

static void a_silent_device_costs_little_of_the_line(void **state)
{
    int64_t lost_us = 0, began_us;
    int32_t from, longest = 0;

    (void)state;
    fake_start(fake, 2);
    fake_run(fake, SECOND);
    fake->units[0].silent = true;
    fake_run(fake, 20 * SECOND);
    assert_false(state_of(0)->reachable);
    assert_int_equal(state_of(0)->readings[VOLT].status, ST_TIMEOUT);
    from = fake->count;
    began_us = fake->now_us;
    fake_run(fake, 120 * SECOND);
    for (int32_t i = from; i < fake->count; i++)
        if (fake->log[i].unit == 1)
            lost_us += fake->bus.timeout_us;
    assert_true(lost_us > 0); /* it is not given up */
    assert_true((double)lost_us <= 0.05 * (double)(fake->now_us - began_us));
    for (int32_t i = from; i < fake->count; i++)
        if (fake->log[i].unit == 2 && fake->log[i].address == 0x4F)
            longest++;
    assert_in_range(longest, 590, 601); /* the other one is read as ever */
}

/* Too few answers were heard to know how long it takes: from its death on, its first half minute
 * has the lost commands and most of the probes. */
static void a_device_that_was_hardly_heard_costs_little_too(void **state)
{
    (void)state;
    fake->bus.timeout_min_us = 70000;
    fake_start(fake, FAKE_UNITS);
    fake_run(fake, 2 * SECOND);
    for (int32_t d = 0; d < FAKE_UNITS; d++) {
        int64_t lost_us = 0;

        fake->units[d].silent = true;
        fake->count = 0;
        fake_run(fake, 30 * SECOND);
        for (int32_t i = 0; i < fake->count; i++)
            if (fake->log[i].unit == d + 1)
                lost_us += fake->log[i].took_us * 5 / 4; /* a late answer is waited for as well */
        assert_true(lost_us > 30 * SECOND / 100); /* it is asked for */
        assert_true(lost_us <= 30 * SECOND * 45 / 1000);
        fake->units[d].silent = false;
        fake_run(fake, 6 * SECOND); /* the longest pause between two probes, a fifth of it more */
        assert_true(state_of(d)->reachable);
        fake_run(fake, SECOND);
    }
}

/* A long time-out and the wait for a late answer after it: the probes are farther apart. */
static void a_long_time_out_makes_probes_rarer(void **state)
{
    int64_t lost_us = 0;

    (void)state;
    fake->bus.timeout_us = SECOND;
    fake->units[0].silent = true;
    fake_start(fake, 1);
    fake_run(fake, 120 * SECOND);
    fake->count = 0;
    fake_run(fake, 600 * SECOND);
    for (int32_t i = 0; i < fake->count; i++)
        lost_us += fake->log[i].took_us * 5 / 4;
    assert_in_range(lost_us, 600 * SECOND * 4 / 100, 600 * SECOND * 53 / 1000);
}

static void three_lost_commands_make_a_device_silent(void **state)
{
    int32_t from;

    (void)state;
    fake_start(fake, 1);
    fake_run(fake, SECOND);
    from = fake->count;
    fake->units[0].silent = true;
    fake_run(fake, SECOND);
    /* two tries of the first command, one of each of the next two; then probes only */
    assert_in_range(fake->count - from, 4, 6);
    for (int32_t i = from + 4; i < fake->count; i++)
        assert_int_equal(fake->log[i].address, 0x08);
}

static void a_device_that_is_back_is_read_anew(void **state)
{
    int32_t from;

    (void)state;
    fake_start(fake, 1);
    fake_run(fake, SECOND);
    fake->units[0].silent = true;
    fake_run(fake, 10 * SECOND);
    fake->units[0].silent = false;
    fake_text(&fake->units[0], 0x30, 4, "1.03");
    from = fake->count;
    fake_run(fake, 8 * SECOND);
    assert_true(state_of(0)->reachable && state_of(0)->identified);
    assert_true(reads_since(from, 0x30, 4) == 1);
    assert_string_equal(state_of(0)->firmware, "1.03");
    assert_int_equal(state_of(0)->readings[TEMP].status, ST_OK);
}

static void another_serial_number_is_another_device(void **state)
{
    int32_t from;

    (void)state;
    fake_start(fake, 1);
    fake_run(fake, SECOND);
    fake->units[0].exists[0x51] = false; /* the new one has no power register */
    fake_text(&fake->units[0], 0x18, 16, "SN-X");
    fake_text(&fake->units[0], 0x08, 8, "EX-55 R2");
    from = fake->count;
    fake_run(fake, 6 * SECOND);
    assert_string_equal(state_of(0)->serial, "SN-X");
    assert_string_equal(state_of(0)->model, "EX-55 R2");
    assert_true(state_of(0)->identified);
    assert_true(reads_since(from, 0x30, 4) == 1); /* what is read once is read again */
    assert_int_equal(state_of(0)->readings[WATT].status, ST_ABSENT);
}

static void a_stranger_is_read_but_not_identified(void **state)
{
    (void)state;
    fake_text(&fake->units[0], 0x08, 8, "OTHER-1");
    fake_start(fake, 1);
    fake_run(fake, SECOND);
    assert_false(state_of(0)->identified);
    assert_true(state_of(0)->reachable);
    assert_string_equal(state_of(0)->model, "OTHER-1");
    assert_int_equal(state_of(0)->readings[VOLT].status, ST_OK);
    fake_text(&fake->units[0], 0x08, 8, "EX-55 R1");
    fake_run(fake, 11 * SECOND);
    assert_true(state_of(0)->identified);
}

static void a_line_that_is_gone_is_opened_again_every_second(void **state)
{
    int opens;

    (void)state;
    fake_start(fake, 2);
    fake_run(fake, SECOND);
    fake->gone = fake->refuse_open = true;
    fake_run(fake, SECOND / 2);
    for (int32_t d = 0; d < 2; d++) {
        assert_false(state_of(d)->reachable);
        assert_int_equal(state_of(d)->readings[VOLT].status, ST_SYS);
    }
    opens = fake->opens;
    fake_run(fake, 10 * SECOND);
    assert_in_range(fake->opens - opens, 9, 11);
    fake->gone = fake->refuse_open = false;
    fake_run(fake, 2 * SECOND);
    for (int32_t d = 0; d < 2; d++) {
        assert_true(state_of(d)->reachable && state_of(d)->identified);
        assert_int_equal(state_of(d)->readings[VOLT].status, ST_OK);
    }
}

static void a_line_that_never_opened_says_so_and_is_tried(void **state)
{
    (void)state;
    fake->refuse_open = true;
    fake_start(fake, 1);
    assert_int_equal(state_of(0)->readings[VOLT].status, ST_SYS);
    fake_run(fake, 3 * SECOND);
    assert_int_equal(fake->count, 0);
    fake->refuse_open = false;
    fake_run(fake, 2 * SECOND);
    assert_int_equal(state_of(0)->readings[VOLT].status, ST_OK);
}

static void a_full_line_serves_everybody(void **state)
{
    int32_t served[FAKE_UNITS] = { 0 }, least = INT32_MAX, most = 0;

    (void)state;
    fake->bus.fast_us = 10000; /* four devices need 40 ms */
    fake_start(fake, FAKE_UNITS);
    fake_run(fake, 2 * SECOND);
    fake->count = 0;
    fake_run(fake, 15 * SECOND);
    for (int32_t i = 0; i < fake->count; i++)
        served[fake->log[i].unit - 1] += fake->log[i].address == 0x4F;
    for (int32_t d = 0; d < FAKE_UNITS; d++) {
        least = served[d] < least ? served[d] : least;
        most = served[d] > most ? served[d] : most;
    }
    assert_true(least > 0 && most - least <= most / 10 + 1);
    assert_in_range(reads_since(0, 0x60, 1), 10, 13); /* 3 periods of 4 devices: not starved */
}

static void the_line_rests_between_transactions(void **state)
{
    (void)state;
    fake_start(fake, 2);
    fake_run(fake, 3 * SECOND);
    for (int32_t i = 1; i < fake->count; i++)
        assert_true(fake->log[i].at_us - fake->log[i - 1].at_us >= FAKE_ANSWER_US + 3000);
}

/* The turn does not sleep, its line does: who is woken meanwhile looks for orders. */
static void a_turn_leaves_the_rest_to_the_wait_for_the_next(void **state)
{
    (void)state;
    fake_start(fake, 1);
    for (int i = 0; i < 3; i++) { /* who it is, then two reads */
        int64_t next_us = regline_turn(fake->line, fake->now_us);

        assert_true(next_us == fake->log[fake->count - 1].at_us + FAKE_ANSWER_US + 3000);
        fake->now_us = next_us;
    }
}

/* The most urgent device has two reads to do. */
static void while_one_device_rests_the_others_have_the_line(void **state)
{
    int32_t before = CORE_NONE, passed = 0;

    (void)state;
    fake->ops.rest_by_unit = true;
    for (int32_t r = 0; r < ROWS; r++)
        for (int32_t d = 1; d < FAKE_UNITS; d++)
            if (fake->devices[d].readings[r].poll == POLL_FAST)
                fake->devices[d].readings[r].poll = POLL_SLOW;
    fake_start(fake, FAKE_UNITS);
    fake_run(fake, SECOND);
    fake->count = 0;
    fake_run(fake, 11 * SECOND);
    for (int32_t i = 0; i < fake->count; i++) {
        if (i > 0)
            assert_true(fake->log[i].at_us - fake->log[i - 1].at_us >=
                        FAKE_ANSWER_US + (fake->log[i].unit == fake->log[i - 1].unit ? 3000 : 0));
        if (fake->log[i].unit != 1)
            continue;
        if (before != CORE_NONE && fake->log[i].at_us - fake->log[before].at_us < FAST_US / 2) {
            assert_true(fake->log[i].at_us - fake->log[before].at_us >= FAKE_ANSWER_US + 3000);
            passed += i - before - 1;
            if (i == before + 1 && i + 1 < fake->count) /* then nobody else wanted it */
                assert_true(fake->log[i + 1].at_us > fake->log[i].at_us + FAKE_ANSWER_US);
        }
        before = i;
    }
    assert_true(passed > 0);
}

static void on_smbus_a_refused_command_is_told_from_an_empty_slot(void **state)
{
    (void)state;
    fake->ops.nack_is_silence = true;
    fake->ops.spans = false;
    fake->units[0].exists[0x50] = false;
    fake_put(&fake->units[0], 0x7E, 0x80); /* "invalid command" */
    fake_start(fake, 1);
    fake_run(fake, 3 * FAST_US);
    assert_int_equal(state_of(0)->readings[AMP].status, ST_ABSENT);
    assert_int_equal(state_of(0)->readings[VOLT].status, ST_OK);
    for (int32_t i = 0; i < fake->count; i++)
        assert_true(fake->log[i].words == 1 || fake->log[i].address < 0x40); /* no spans there */
    fake->units[0].silent = true;
    fake_run(fake, 2 * SECOND);
    assert_false(state_of(0)->reachable);
    assert_int_equal(state_of(0)->readings[VOLT].status, ST_NACK);
}

/* "Invalid command" stays in the status until somebody clears it, so it may be another command's. */
static void on_smbus_one_refusal_beside_an_old_status_makes_no_row_absent(void **state)
{
    (void)state;
    fake->ops.nack_is_silence = true;
    fake->ops.spans = false;
    fake->units[0].exists[0x60] = false; /* read every 5 s */
    fake_put(&fake->units[0], 0x7E, 0x80);
    fake_start(fake, 1);
    while (reads_since(0, 0x60, 1) < 1)
        fake_run(fake, 1000);
    fake->units[0].exists[0x60] = true; /* it was busy */
    fake_run(fake, 2 * FAST_US);
    assert_int_equal(state_of(0)->readings[TEMP].status, ST_OK); /* and asked again soon */
}

static void on_smbus_three_refusals_do_without_a_status(void **state)
{
    int32_t from;

    (void)state;
    fake->ops.nack_is_silence = true;
    fake->ops.spans = false;
    fake->units[0].exists[0x50] = false;
    fake_start(fake, 1);
    fake_run(fake, 3 * SECOND);
    assert_int_equal(state_of(0)->readings[AMP].status, ST_ABSENT);
    assert_int_equal(state_of(0)->readings[VOLT].status, ST_OK);
    assert_true(state_of(0)->reachable);
    from = fake->count;
    fake_run(fake, 10 * SECOND);
    assert_false(touched_since(from, 0x50));
}

static void statistics_reach_main(void **state)
{
    struct field_bus_stats stats;

    (void)state;
    fake->units[0].corrupt_in = 3;
    fake_start(fake, 1);
    fake_run(fake, 2 * SECOND);
    assert_true(mailbox_get(fake->stats, &stats));
    assert_true(stats.open);
    assert_int_equal(stats.corrupt, 1);
    assert_true(stats.transactions >= 20 && stats.latency.count == stats.transactions);
    assert_true(histogram_quantile_us(&stats.latency, 0.5) <= FAKE_ANSWER_US * 11 / 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_make, fake_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_device_is_identified_and_read),
        TEST(neighbours_that_are_due_are_one_read),
        TEST(holes_are_crossed_where_the_profile_says_so),
        TEST(a_device_that_refuses_holes_is_asked_without_them),
        TEST(a_device_that_gives_few_registers_is_asked_for_few),
        TEST(a_row_the_device_lacks_is_found_and_left_out),
        TEST(a_row_that_is_lost_later_does_not_take_its_span_along),
        TEST(registers_of_rows_that_are_not_polled_are_read_along),
        TEST(a_wall_stands_where_the_refused_read_crossed),
        TEST(longer_reads_are_tried_again_after_a_while),
        TEST(the_wait_for_an_answer_is_what_the_device_is_worth),
        TEST(a_device_that_got_slow_is_learned_anew),
        TEST(a_retry_waits_for_the_rest_too),
        TEST(a_garbled_third_frame_is_counted_and_read_again),
        TEST(on_a_serial_line_an_answer_is_as_old_as_the_first_question),
        TEST(after_a_time_out_rows_wait_until_the_device_is_known_again),
        TEST(elsewhere_an_answer_is_as_old_as_its_own_question),
        TEST(a_silent_device_costs_little_of_the_line),
        TEST(a_device_that_was_hardly_heard_costs_little_too),
        TEST(a_long_time_out_makes_probes_rarer),
        TEST(three_lost_commands_make_a_device_silent),
        TEST(a_device_that_is_back_is_read_anew),
        TEST(another_serial_number_is_another_device),
        TEST(a_stranger_is_read_but_not_identified),
        TEST(a_line_that_is_gone_is_opened_again_every_second),
        TEST(a_line_that_never_opened_says_so_and_is_tried),
        TEST(a_full_line_serves_everybody),
        TEST(the_line_rests_between_transactions),
        TEST(a_turn_leaves_the_rest_to_the_wait_for_the_next),
        TEST(while_one_device_rests_the_others_have_the_line),
        TEST(on_smbus_a_refused_command_is_told_from_an_empty_slot),
        TEST(on_smbus_one_refusal_beside_an_old_status_makes_no_row_absent),
        TEST(on_smbus_three_refusals_do_without_a_status),
        TEST(statistics_reach_main),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
