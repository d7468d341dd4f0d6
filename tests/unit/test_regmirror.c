/* SPDX-License-Identifier: Apache-2.0 */
/* test_regmirror.c: a shelf controller that mirrors two supplies: what is read of whom, how old it
 * is said to be, and when the controller is paused. And clocks that are set.
 *
 * Against a line that is not there: field_fake.h. Nothing sleeps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>

#include "field_fake.h"
#include "field/regpause.h"

#define SECOND  INT64_C(1000000)
#define FAST_US INT64_C(200000)
#define SLOW_US INT64_C(5000000)
#define AGE_US  INT64_C(1000000)
#define WALL_S  INT64_C(1780000000) /* when the fake line's time is 1000 s       */
#define LINE_S  INT64_C(1000)

enum { CONTROLLER, FIRST, SECOND_ONE, DEVICES };
enum { C_MODEL, C_SERIAL, C_CLOCK, C_PRESENT, C_COMM, C_PAUSE, C_V1, C_A1, C_V2, C_A2, C_ROWS };
enum { M_MODEL, M_SERIAL, M_OUT, M_IN_V, M_IN_A, M_ENABLE, M_VALUE, M_TIMEOUT, M_ROWS };
enum { PRESENT = 0x57, COMM = 0x5D, PAUSE = 0x7B, CLOCK = 0x50, OUT_V = 0x4F, IN_V = 0x58, IN_A = 0x59 };
enum { ENABLE = 0x6B, VALUE = 0x123, TIMEOUT = 0x12C };

static struct fake *fake;
static struct profile controller, module;
static struct profile_row c_rows[C_ROWS], m_rows[M_ROWS];
static char folder[64];

static struct profile_row row_at(int32_t address, enum row_type type, double scale, enum signal signal)
{
    return (struct profile_row){
        .address = address,
        .command = ROW_NONE,
        .type = type,
        .scale = scale,
        .signal = signal,
        .text_bytes = type == ROW_TEXT ? 16 : 0,
        .poll = type == ROW_TEXT ? POLL_ONCE : POLL_SLOW,
        .write = { .gate = ROW_NONE, .enable = ROW_NONE, .timeout = ROW_NONE, .readback = ROW_NONE },
    };
}

static void rows_fill(void)
{
    c_rows[C_MODEL] = m_rows[M_MODEL] = row_at(0x10, ROW_TEXT, 1, SIGNAL_DEVICE_MODEL);
    c_rows[C_SERIAL] = m_rows[M_SERIAL] = row_at(0x20, ROW_TEXT, 1, SIGNAL_DEVICE_SERIAL);
    c_rows[C_CLOCK] = row_at(CLOCK, ROW_U32, 1, SIGNAL_DEVICE_CLOCK_S);
    c_rows[C_CLOCK].writable = true;
    c_rows[C_CLOCK].write.max = 4294967295.0;
    c_rows[C_PRESENT] = row_at(PRESENT, ROW_U16, 1, SIGNAL_SHELF_MODULES_PRESENT);
    c_rows[C_COMM] = row_at(COMM, ROW_U16, 1, SIGNAL_SHELF_COMM_ALARMS);
    c_rows[C_PAUSE] = row_at(PAUSE, ROW_U16, 1, SIGNAL_SHELF_POLLING_PAUSE);
    c_rows[C_PAUSE].bit_count = 1;
    c_rows[C_PAUSE].writable = true;
    c_rows[C_PAUSE].write.max = 1;
    for (int32_t n = 0; n < 2; n++) {
        struct profile_row *v = &c_rows[n ? C_V2 : C_V1], *a = &c_rows[n ? C_A2 : C_A1];

        *v = row_at(0x101 + 0x10 * n, ROW_U16, 1.0 / 64, SIGNAL_PSU_INPUT_V);
        *a = row_at(0x102 + 0x10 * n, ROW_U16, 1.0 / 1024, SIGNAL_PSU_INPUT_A);
        v->index = a->index = n + 1;
        v->poll = a->poll = POLL_FAST;
    }
    m_rows[M_OUT] = row_at(OUT_V, ROW_U16, 1.0 / 1024, SIGNAL_PSU_OUTPUT_V);
    m_rows[M_IN_V] = row_at(IN_V, ROW_U16, 1.0 / 64, SIGNAL_PSU_INPUT_V);
    m_rows[M_IN_A] = row_at(IN_A, ROW_U16, 1.0 / 1024, SIGNAL_PSU_INPUT_A);
    m_rows[M_OUT].poll = m_rows[M_IN_V].poll = m_rows[M_IN_A].poll = POLL_FAST;
    m_rows[M_ENABLE] = row_at(ENABLE, ROW_U16, 1, SIGNAL_BBU_CHARGE_OVERRIDE);
    m_rows[M_ENABLE].bit_count = 1;
    m_rows[M_VALUE] = row_at(VALUE, ROW_U16, 0.001, SIGNAL_BBU_CHARGE_LIMIT_A);
    m_rows[M_TIMEOUT] = row_at(TIMEOUT, ROW_U32, 1, SIGNAL_BBU_CHARGE_TIMEOUT_S);
    m_rows[M_ENABLE].writable = m_rows[M_VALUE].writable = m_rows[M_TIMEOUT].writable = true;
    m_rows[M_ENABLE].write.max = 1;
    m_rows[M_TIMEOUT].write.min = 1;
    m_rows[M_TIMEOUT].write.max = 86400;
    m_rows[M_VALUE].write = (struct row_write){
        .min = 0.1, .max = 6, .gate = ROW_NONE, .enable = M_ENABLE, .timeout = M_TIMEOUT, .readback = M_VALUE
    };
}

static void device_fill(int32_t d, const struct profile *profile)
{
    struct fake_unit *u = &fake->units[d];
    struct conf_device *conf = &fake->devices[d];
    char serial[16];

    (void)snprintf(serial, sizeof serial, "SN-%d", (int)d);
    u->refuse_write_at = -1;
    for (int32_t at = 0; at < FAKE_REGISTERS; at++)
        u->exists[at] = d != CONTROLLER || at < 0x100 || (at & 0xF) == 1 || (at & 0xF) == 2;
    fake_text(u, 0x10, 8, "EX-1");
    fake_text(u, 0x20, 8, serial);
    u->registers[PRESENT] = 0x3;
    u->registers[OUT_V] = 50 * 1024;
    u->registers[IN_V] = (uint16_t)((240 + d) * 64);
    u->registers[IN_A] = 5 * 1024;
    u->registers[0x101] = 230 * 64;
    u->registers[0x102] = 6 * 1024;
    u->registers[0x111] = 231 * 64;
    u->registers[0x112] = 7 * 1024;
    u->registers[CLOCK] = (uint16_t)(WALL_S >> 16);
    u->registers[CLOCK + 1] = (uint16_t)WALL_S;
    conf->reading_count = profile->row_count;
    for (int32_t r = 0; r < profile->row_count; r++)
        conf->readings[r] =
            (struct conf_reading){ .row = r, .poll = profile->rows[r].poll, .point = CORE_NONE };
    fake->own[d] = profile;
}

static int fake_make(void **state)
{
    (void)state;
    (void)strcpy(folder, "/tmp/busbar-regmirror-XXXXXX");
    fake = calloc(1, sizeof *fake);
    if (!fake || !mkdtemp(folder))
        return -1;
    rows_fill();
    (void)strcpy(fake->conf.state_dir, folder);
    fake->now_us = LINE_S * SECOND;
    fake->wall_ahead_us = (WALL_S - LINE_S) * SECOND;
    fake->ops.spans = true;
    fake->bus = (struct conf_bus){
        .name = "line", .timeout_us = 100000, .retry_max = 1, .fast_us = FAST_US, .slow_us = SLOW_US
    };
    controller = (struct profile){
        .name = "pmm",
        .match_address = 0x10,
        .match_command = ROW_NONE,
        .match_text = "EX*",
        .span_max = 125,
        .span_holes = true,
        .mirror_age_us = AGE_US,
        .row_count = C_ROWS,
        .rows = c_rows,
    };
    module = controller;
    module.mirror_age_us = 0;
    module.row_count = M_ROWS;
    module.rows = m_rows;
    device_fill(CONTROLLER, &controller);
    for (int32_t d = FIRST; d < DEVICES; d++) {
        device_fill(d, &module);
        fake->devices[d].mirror = CONTROLLER;
        fake->devices[d].mirror_slot = d;
        fake->devices[d].lever_count = 1;
        fake->devices[d].levers[0].row = M_VALUE;
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

static const struct device_reading *reading(int32_t device, int32_t row)
{
    return &fake->adapters[device].state.readings[row];
}

static int32_t reads(int32_t device, int32_t register_at)
{
    int32_t count = 0;

    for (int32_t i = 0; i < fake->count; i++) {
        const struct fake_entry *e = &fake->log[i];

        count += !e->write && e->unit == device + 1 && e->address <= register_at &&
                 register_at < e->address + e->words;
    }
    return count;
}

static void run_anew(int64_t for_us)
{
    fake->count = 0;
    fake_run(fake, for_us);
}

static void what_is_mirrored_is_not_asked_of_the_module(void **state)
{
    (void)state;
    fake_start(fake, DEVICES);
    fake_run(fake, 5 * SECOND);
    run_anew(10 * SECOND);
    assert_int_equal(reads(FIRST, IN_V) + reads(FIRST, IN_A) + reads(SECOND_ONE, IN_V), 0);
    assert_in_range(reads(FIRST, OUT_V), 48, 51); /* the output is in no mirror */
    assert_true(reading(FIRST, M_IN_V)->value == 230.0);
    assert_true(reading(SECOND_ONE, M_IN_A)->value == 7.0);
    assert_int_equal(reading(FIRST, M_IN_V)->status, ST_OK);
}

static void a_mirrored_value_is_older_by_the_mirrors_age(void **state)
{
    int64_t taken_us;

    (void)state;
    fake_start(fake, DEVICES);
    fake_run(fake, 5 * SECOND);
    taken_us = reading(FIRST, M_IN_V)->taken_us;
    assert_true(fake->now_us - taken_us >= AGE_US && fake->now_us - taken_us <= AGE_US + 2 * FAST_US);
    assert_true(fake->now_us - reading(FIRST, M_OUT)->taken_us <= 2 * FAST_US); /* its own, its own age */
}

/* Not only with what the module says itself some time later. */
static void what_the_mirror_tells_is_passed_on_in_the_same_turn(void **state)
{
    static struct device_state seen;
    uint32_t first;

    (void)state;
    fake_start(fake, DEVICES);
    fake_run(fake, 5 * SECOND);
    first = reading(FIRST, M_IN_V)->sequence;
    for (int64_t until_us = fake->now_us + 2 * SECOND; fake->now_us < until_us;) {
        int64_t next_us = regline_turn(fake->line, fake->now_us);

        (void)mailbox_get(fake->adapters[FIRST].to_tick, &seen);
        assert_int_equal(seen.readings[M_IN_V].sequence, reading(FIRST, M_IN_V)->sequence);
        fake->now_us = next_us > fake->now_us ? next_us : fake->now_us;
    }
    assert_true(reading(FIRST, M_IN_V)->sequence > first);
}

static void assert_speaks_for_itself(int32_t device)
{
    run_anew(8 * SECOND);
    assert_true(reads(device, IN_V) > 20);
    assert_true(reading(device, M_IN_V)->value == 240.0 + device);
}

static void a_controller_that_is_paused_tells_nothing(void **state)
{
    (void)state;
    fake_start(fake, DEVICES);
    fake_run(fake, 5 * SECOND);
    fake->units[CONTROLLER].registers[PAUSE] = 1; /* by somebody else */
    assert_speaks_for_itself(FIRST);
    fake->units[CONTROLLER].registers[PAUSE] = 0;
    fake_run(fake, 5 * SECOND);
    run_anew(5 * SECOND);
    assert_int_equal(reads(FIRST, IN_V), 0);
}

/* Quirk 5: the controller's own bus has its troubles, and its words say which module's. */
static void a_module_the_controller_does_not_hear_speaks_for_itself(void **state)
{
    (void)state;
    fake_start(fake, DEVICES);
    fake_run(fake, 5 * SECOND);
    fake->units[CONTROLLER].registers[COMM] = 1u << 1;
    assert_speaks_for_itself(FIRST);
    assert_int_equal(reads(SECOND_ONE, IN_V), 0);
    fake->units[CONTROLLER].registers[COMM] = 0;
    fake->units[CONTROLLER].registers[PRESENT] = 0x1;
    assert_speaks_for_itself(SECOND_ONE);
}

static void a_silent_controller_is_not_missed(void **state)
{
    (void)state;
    fake_start(fake, DEVICES);
    fake_run(fake, 5 * SECOND);
    fake->units[CONTROLLER].silent = true;
    assert_speaks_for_itself(FIRST);
}

static void one_block_where_the_controller_takes_it(void **state)
{
    (void)state;
    for (int32_t at = 0x100; at < 0x120; at++)
        fake->units[CONTROLLER].exists[at] = true;
    fake_start(fake, DEVICES);
    fake_run(fake, 5 * SECOND);
    run_anew(10 * SECOND);
    for (int32_t i = 0; i < fake->count; i++)
        if (fake->log[i].unit == CONTROLLER + 1 && fake->log[i].address >= 0x100) {
            assert_int_equal(fake->log[i].address, 0x101);
            assert_int_equal(fake->log[i].words, 0x12);
        }
}

static void pieces_where_it_does_not(void **state)
{
    (void)state;
    fake_start(fake, DEVICES);
    fake_run(fake, 5 * SECOND);
    run_anew(10 * SECOND);
    for (int32_t i = 0; i < fake->count; i++) {
        assert_int_equal(fake->log[i].status, ST_OK); /* it was learned */
        if (fake->log[i].unit == CONTROLLER + 1 && fake->log[i].address >= 0x100)
            assert_int_equal(fake->log[i].words, 2);
    }
}

/* ---- pause ---- */

static const struct device_ack *order(uint64_t number)
{
    struct device_order o = { .number = number,
                              .op = DEVICE_OP_SET,
                              .value = 2.0,
                              .lease_end_us = INT64_MAX,
                              .timeout_us = 60 * SECOND };

    fake->count = 0;
    fake_order(fake, FIRST, 0, &o);
    fake_run(fake, SECOND);
    return &fake->adapters[FIRST].state.acks[0];
}

/* Where in the log the controller was told so; -1. */
static int32_t told(uint16_t pause)
{
    for (int32_t i = 0; i < fake->count; i++)
        if (fake->log[i].write && fake->log[i].address == PAUSE && fake->log[i].first == pause)
            return i;
    return -1;
}

static bool marked(void)
{
    return regpause_marked(folder, "dev-1", "SN-0");
}

static void a_long_write_pauses_the_controller_and_no_longer(void **state)
{
    const struct fake_entry *value;

    (void)state;
    fake_start(fake, DEVICES);
    fake_run(fake, 5 * SECOND);
    assert_int_equal(order(1)->status, ST_OK);
    value = fake_written(fake, 0, VALUE, 0);
    assert_true(told(1) >= 0 && told(0) > told(1));
    assert_true(&fake->log[told(1)] < value && value < &fake->log[told(0)]);
    assert_int_equal(fake->units[CONTROLLER].registers[PAUSE], 0);
    assert_false(marked());
}

static void a_pause_of_somebody_else_is_left_alone(void **state)
{
    (void)state;
    fake_start(fake, DEVICES);
    fake_run(fake, 5 * SECOND);
    fake->units[CONTROLLER].registers[PAUSE] = 1;
    fake_run(fake, 3 * SECOND);
    assert_int_equal(order(1)->status, ST_OK);
    assert_int_equal(told(1), -1);
    assert_int_equal(told(0), -1);
    assert_int_equal(fake->units[CONTROLLER].registers[PAUSE], 1);
}

static void a_controller_that_cannot_be_paused_keeps_nobody_from_writing(void **state)
{
    (void)state;
    fake->units[CONTROLLER].refuse_write_at = PAUSE;
    fake_start(fake, DEVICES);
    fake_run(fake, 5 * SECOND);
    assert_int_equal(order(1)->status, ST_OK);
    assert_int_equal(fake->units[FIRST].registers[VALUE], 2000);
}

static void without_a_mark_on_disk_nothing_is_paused(void **state)
{
    int fd;
    char path[96];

    (void)state;
    (void)snprintf(path, sizeof path, "%s/paused", folder);
    fd = open(path, O_CREAT | O_WRONLY, 0600); /* a file where the folder should be */
    assert_true(fd >= 0);
    close(fd);
    fake_start(fake, DEVICES);
    fake_run(fake, 5 * SECOND);
    assert_int_equal(order(1)->status, ST_OK);
    assert_int_equal(told(1), -1);
}

static void a_resume_that_was_not_heard_is_tried_again(void **state)
{
    (void)state;
    fake_start(fake, DEVICES);
    fake_run(fake, 5 * SECOND);
    fake->units[CONTROLLER].ignore_in = 2; /* the pause is heard, the resume is not */
    assert_int_equal(order(1)->status, ST_OK);
    fake_run(fake, 5 * SECOND);
    assert_int_equal(fake->units[CONTROLLER].registers[PAUSE], 0);
    assert_false(marked());
}

static void a_daemon_that_died_in_between_is_made_good_for(void **state)
{
    (void)state;
    assert_int_equal(regpause_mark(folder, "dev-1", "SN-0"), ST_OK);
    fake->units[CONTROLLER].registers[PAUSE] = 1;
    fake_start(fake, DEVICES);
    fake_run(fake, 5 * SECOND);
    assert_int_equal(fake->units[CONTROLLER].registers[PAUSE], 0);
    assert_false(marked());
}

static void a_mark_of_another_controller_says_nothing_of_this_one(void **state)
{
    (void)state;
    assert_int_equal(regpause_mark(folder, "dev-1", "SN-before"), ST_OK);
    fake->units[CONTROLLER].registers[PAUSE] = 1;
    fake_start(fake, DEVICES);
    fake_run(fake, 5 * SECOND);
    assert_int_equal(fake->units[CONTROLLER].registers[PAUSE], 1);
    assert_false(regpause_marked(folder, "dev-1", "SN-before"));
}

static void a_field_that_only_reads_pauses_nothing(void **state)
{
    (void)state;
    assert_int_equal(regpause_mark(folder, "dev-1", "SN-0"), ST_OK);
    fake->units[CONTROLLER].registers[PAUSE] = 1;
    fake_start(fake, DEVICES);
    for (int32_t d = 0; d < DEVICES; d++)
        fake->adapters[d].read_only = true;
    fake_run(fake, 5 * SECOND);
    assert_int_equal(fake_writes(fake, 0), 0);
}

/* ---- clocks ---- */

static void clock_is(int64_t seconds)
{
    fake->units[CONTROLLER].registers[CLOCK] = (uint16_t)(seconds >> 16);
    fake->units[CONTROLLER].registers[CLOCK + 1] = (uint16_t)seconds;
}

static int64_t clock_now(void)
{
    return (int64_t)fake->units[CONTROLLER].registers[CLOCK] << 16 |
           fake->units[CONTROLLER].registers[CLOCK + 1];
}

static void control(bool writing)
{
    fake->orders[CONTROLLER].writing = writing;
    mailbox_put(fake->adapters[CONTROLLER].from_tick, &fake->orders[CONTROLLER]);
}

/* Quirk 15: clocks have whole seconds, and drift between two settings. */
static void a_clock_that_is_off_is_set_to_the_second(void **state)
{
    (void)state;
    fake->bus.clock_max_us = 2 * SECOND;
    clock_is(WALL_S - 100);
    fake_start(fake, DEVICES);
    control(true);
    fake_run(fake, 20 * SECOND);
    assert_in_range(clock_now(), WALL_S, WALL_S + 20);
    assert_non_null(fake_written(fake, 0, CLOCK, 0));
    assert_null(fake_written(fake, 0, CLOCK, 1)); /* this one stands still: once an hour is enough */
    fake_run(fake, 3600 * SECOND);
    assert_in_range(clock_now(), WALL_S + 3600, WALL_S + 3620);
}

static void a_clock_that_is_right_is_left_alone(void **state)
{
    (void)state;
    fake->bus.clock_max_us = 30 * SECOND;
    fake_start(fake, DEVICES);
    control(true);
    fake_run(fake, 20 * SECOND);
    assert_int_equal(fake_writes(fake, 0), 0);
}

static void in_observe_no_clock_is_set(void **state)
{
    (void)state;
    fake->bus.clock_max_us = 2 * SECOND;
    clock_is(0);
    fake_start(fake, DEVICES);
    fake_run(fake, 20 * SECOND);
    assert_int_equal(fake_writes(fake, 0), 0);
    control(true);
    fake_run(fake, 20 * SECOND);
    assert_true(clock_now() > WALL_S);
}

static void without_being_asked_no_clock_is_set(void **state)
{
    (void)state;
    clock_is(0);
    fake_start(fake, DEVICES);
    control(true);
    fake_run(fake, 20 * SECOND);
    assert_int_equal(fake_writes(fake, 0), 0);
}

static void a_clock_of_our_own_that_was_never_set_is_not_passed_on(void **state)
{
    (void)state;
    fake->bus.clock_max_us = 2 * SECOND;
    fake->wall_ahead_us = SECOND; /* it is 1970 */
    fake_start(fake, DEVICES);
    control(true);
    fake_run(fake, 20 * SECOND);
    assert_int_equal(fake_writes(fake, 0), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_make, fake_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_mirrored_is_not_asked_of_the_module),
        TEST(a_mirrored_value_is_older_by_the_mirrors_age),
        TEST(what_the_mirror_tells_is_passed_on_in_the_same_turn),
        TEST(a_controller_that_is_paused_tells_nothing),
        TEST(a_module_the_controller_does_not_hear_speaks_for_itself),
        TEST(a_silent_controller_is_not_missed),
        TEST(one_block_where_the_controller_takes_it),
        TEST(pieces_where_it_does_not),
        TEST(a_long_write_pauses_the_controller_and_no_longer),
        TEST(a_pause_of_somebody_else_is_left_alone),
        TEST(a_controller_that_cannot_be_paused_keeps_nobody_from_writing),
        TEST(without_a_mark_on_disk_nothing_is_paused),
        TEST(a_resume_that_was_not_heard_is_tried_again),
        TEST(a_daemon_that_died_in_between_is_made_good_for),
        TEST(a_mark_of_another_controller_says_nothing_of_this_one),
        TEST(a_field_that_only_reads_pauses_nothing),
        TEST(a_clock_that_is_off_is_set_to_the_second),
        TEST(a_clock_that_is_right_is_left_alone),
        TEST(in_observe_no_clock_is_set),
        TEST(without_being_asked_no_clock_is_set),
        TEST(a_clock_of_our_own_that_was_never_set_is_not_passed_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
