/* SPDX-License-Identifier: Apache-2.0 */
/* test_pmbus_io.c: PMBus transactions, and a device opened on a bus without a daemon, against
 * chips in a thread. Nothing here waits for time to pass. */
#include "field/pmbus_io.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "busbar/clock.h"
#include "busbar/log.h"
#include "field/originals.h"
#include "field/regdev.h"
#include "field/regline.h"
#include "field/regorder.h"
#include "field/smbus.h"
#include "pmbus_chip.h"

#define assert_near(value, wanted, most) assert_true(fabs((value) - (wanted)) <= (most))

enum {
    R_MODEL,
    R_SERIAL,
    R_VOUT,
    R_IOUT,
    R_PIN,
    R_EIN_J,
    R_EIN_W,
    R_WARN,
    R_PROTECT,
    R_RECORD,
    R_KWH,
    R_TRIM,
    R_STATUS, R_WORD, ROWS
};

static struct profile profile;
static struct profile_row rows[ROWS];
static struct conf conf;
static struct conf_device devices[CHIPS];
static struct adapter adapters[CHIPS];
static struct regdev devs[CHIPS];
static struct pmbus_io *pmbus;
static struct regio io;

static void row_set(int row, int command, enum row_type type, enum signal signal)
{
    rows[row] = (struct profile_row){
        .address = ROW_NONE,
        .command = command,
        .type = type,
        .scale = 1,
        .signal = signal,
        .poll = POLL_SLOW,
        .write = { .gate = ROW_NONE, .enable = ROW_NONE, .timeout = ROW_NONE, .readback = row },
    };
}

static void rows_make(void)
{
    row_set(R_MODEL, 0x9A, ROW_TEXT, SIGNAL_DEVICE_MODEL);
    row_set(R_SERIAL, 0x9E, ROW_TEXT, SIGNAL_DEVICE_SERIAL);
    rows[R_MODEL].text_bytes = rows[R_SERIAL].text_bytes = 32;
    row_set(R_VOUT, 0x8B, ROW_VOUT, SIGNAL_PSU_OUTPUT_V);
    row_set(R_IOUT, 0x8C, ROW_DIRECT, SIGNAL_PSU_OUTPUT_A);
    rows[R_IOUT].coefficients = true;
    row_set(R_PIN, 0x97, ROW_LINEAR11, SIGNAL_PSU_INPUT_W);
    row_set(R_EIN_J, 0x86, ROW_ENERGY, SIGNAL_PSU_INPUT_ENERGY_J);
    row_set(R_EIN_W, 0x86, ROW_ENERGY, SIGNAL_PSU_INPUT_MEAN_W);
    rows[R_EIN_J].wrap = rows[R_EIN_W].wrap = 32768;
    row_set(R_WARN, 0x6A, ROW_LINEAR11, SIGNAL_PSU_OUTPUT_WARN_W);
    rows[R_WARN].writable = true;
    rows[R_WARN].write.min = 96;
    rows[R_WARN].write.max = 32736;
    rows[R_WARN].write.step = 32;
    row_set(R_PROTECT, 0x10, ROW_U8, SIGNAL_PSU_WRITE_PROTECT);
    row_set(R_RECORD, 0xD5, ROW_BLOCK, SIGNAL_DEVICE_RECORD);
    rows[R_RECORD].text_bytes = 151;
    row_set(R_KWH, 0x83, ROW_U32, SIGNAL_PSU_UPTIME_S);
    row_set(R_TRIM, 0x22, ROW_SVOUT, SIGNAL_PSU_INLET_C);
    row_set(R_STATUS, 0x7C, ROW_U8, SIGNAL_PSU_STATUS_INPUT);
    row_set(R_WORD, 0x79, ROW_U16, SIGNAL_PSU_STATUS_WORD);
    profile = (struct profile){
        .name = "test",
        .match_address = ROW_NONE,
        .match_command = 0x9A,
        .match_text = "EX-*",
        .pec = true,
        .group = true,
        .row_count = ROWS,
        .rows = rows,
    };
}

static void chip_fill(int unit)
{
    chip_set(unit, 0, 0x9A, true, "EX-PSU", 6);
    chip_set(unit, 0, 0x9E, true, unit == 0 ? "SN1" : unit == 1 ? "SN2" : "SN3", 3);
    chip_set(unit, 0, 0x19, false, "\xB0", 1);
    chip_set(unit, 0, 0x20, false, "\x17", 1);
    chip_set(unit, 0, 0x10, false, "\0", 1);
    chip_set(unit, 0, 0x7C, false, "\0", 1);
    chip_set_word(unit, 0, 0x79, 0);
    chip_set_word(unit, 0, 0x8B, 0x6580); /* 50.75 V */
    chip_set_word(unit, 0, 0x97, 0x1339); /* 3300 W  */
    chip_set_word(unit, 0, 0x6A, 0x0BE8); /* 2000 W  */
    chip_set_word(unit, 0, 0x22, 0xFF00); /* -0.5 V  */
    /* 20.48 A at 1 mOhm, as an ADM1272 in its 15 mV range would say: 0xFFFF is no such word */
    chip_set_word(unit, 0, 0x8C, 0x0E17);
    chips.units[unit].has_coefficients[0x8C] = true;
    memcpy(chips.units[unit].coefficients[0x8C], "\x97\x02\x00\x50\xFF", 5); /* 663, 20480, -1 */
    chip_set(unit, 0, 0x86, true, "\x10\x27\x00\x0A\x00\x00", 6);            /* 10000, 0, 10 */
    chip_set(unit, 0, 0x83, false, "\x78\x56\x34\x12", 4);
}

static void open_line(void)
{
    assert_int_equal(pmbus_io_new(&chips.bus, &pmbus), ST_OK);
    io = (struct regio){
        .ops = pmbus_io_ops(), .arg = pmbus, .bus = &chips.bus, .answered_us = INT64_MIN / 2
    };
    assert_int_equal(io.ops->open(io.arg), ST_OK);
    io.open = true;
}

static void open_device(int unit)
{
    devices[unit] =
        (struct conf_device){ .address = CHIP_ADDRESS + unit, .reading_count = ROWS, .lever_count = 1 };
    (void)snprintf(devices[unit].name, sizeof devices[unit].name, "psu-%d", unit + 1);
    for (int r = 0; r < ROWS; r++)
        devices[unit].readings[r] = (struct conf_reading){
            .row = r, .signal = rows[r].signal, .poll = POLL_SLOW, .point = CORE_NONE
        };
    devices[unit].levers[0].row = R_WARN;
    adapters[unit] = (struct adapter){ .conf = &conf,
                                       .device = &devices[unit],
                                       .profile = &profile,
                                       .index = unit,
                                       .state = { .reading_count = ROWS, .lever_count = 1 } };
    assert_int_equal(adapter_init(&adapters[unit]), ST_OK);
    assert_int_equal(regdev_init(&devs[unit], &io, &adapters[unit]), ST_OK);
}

static int rig_make(void **state)
{
    int made = chip_make(state);

    memset(devs, 0, sizeof devs);
    memset(adapters, 0, sizeof adapters);
    pmbus = NULL;
    for (int i = 0; i < CHIPS && made == 0; i++)
        chip_fill(i);
    (void)strcpy(conf.state_dir, chips.folder);
    rows_make();
    return made;
}

static int rig_end(void **state)
{
    for (int i = 0; i < CHIPS; i++) {
        regdev_done(&devs[i]);
        adapter_done(&adapters[i]);
    }
    pmbus = pmbus_io_free(pmbus);
    return chip_end(state);
}

/* A device of the rig, identified. */
static struct regdev *opened(int unit)
{
    if (!pmbus)
        open_line();
    open_device(unit);
    assert_int_equal(regdev_identify(&devs[unit]), ST_OK);
    assert_true(adapters[unit].state.identified);
    return &devs[unit];
}

static double value_of(struct regdev *dev, int row)
{
    uint16_t words[REGMAP_WORDS_MAX];
    double value = NAN;

    assert_int_equal(regdev_read(dev, &dev->profile->rows[row], words, &value), ST_OK);
    return value;
}

static enum status read_of(struct regdev *dev, int row)
{
    uint16_t words[REGMAP_WORDS_MAX];
    double value;

    return regdev_read(dev, &dev->profile->rows[row], words, &value);
}

static void order(int unit, uint64_t number, double value)
{
    struct device_orders orders = {
        .levers = { { .number = number, .op = DEVICE_OP_SET, .value = value, .lease_end_us = INT64_MAX } }
    };

    mailbox_put(adapters[unit].from_tick, &orders);
    assert_int_equal(regorder_next(&devs[unit], clock_now_us()), 0);
}

/* ---- formats ---- */

static void numbers_come_in_the_formats_the_device_says(void **state)
{
    struct regdev *dev = opened(0);

    (void)state;
    assert_string_equal(adapters[0].state.serial, "SN1");
    assert_true(value_of(dev, R_VOUT) == 50.75);
    assert_true(value_of(dev, R_TRIM) == -0.5);
    /* (0x0E17 * 10 - 20480) / 663 = (36070 - 20480) / 663 */
    assert_near(value_of(dev, R_IOUT), 15590.0 / 663.0, 1e-9);
    assert_true(value_of(dev, R_KWH) == 0x12345678);
    chip_set(0, 0, 0x20, false, "\x60", 1); /* half: 51.0 is 1.59375 * 2^5 */
    chip_set_word(0, 0, 0x8B, 0x5260);
    assert_int_equal(regdev_identify(dev), ST_OK);
    assert_true(value_of(dev, R_VOUT) == 51.0);
    chip_set(0, 0, 0x20, false, "\x40", 1); /* DIRECT, and it says how */
    chips.units[0].has_coefficients[0x8B] = true;
    memcpy(chips.units[0].coefficients[0x8B], "\x64\x00\x00\x00\x00", 5); /* 100, 0, 0 */
    chip_set_word(0, 0, 0x8B, 5075);
    assert_int_equal(regdev_identify(dev), ST_OK);
    assert_true(value_of(dev, R_VOUT) == 50.75);
}

/* 3300 W as a half would be LINEAR11's -381000, and 2 A would be 0 A. */
static void a_device_of_halves_says_so_and_is_believed(void **state)
{
    struct regdev *dev;

    (void)state;
    chip_set(0, 0, 0x19, false, "\xB8", 1);
    chip_set_word(0, 0, 0x97, 0x6A72);
    chip_set_word(0, 0, 0x6A, 0x6800); /* 2048 W */
    dev = opened(0);
    assert_true(value_of(dev, R_PIN) == 3300);
    order(0, 1, 2016);
    regorder_step(dev, 0, clock_now_us());
    assert_int_equal(adapters[0].state.acks[0].status, ST_OK);
    assert_true(adapters[0].state.acks[0].readback == 2016);
    assert_int_equal(chip_word(0, 0, 0x6A), 0x67E0);
    chip_set(0, 0, 0x19, false, "\xFF", 1); /* nobody's word */
    chip_set_word(0, 0, 0x97, 0x1339);
    assert_int_equal(regdev_identify(dev), ST_OK);
    assert_true(value_of(dev, R_PIN) == 3300);
}

static void a_format_that_is_not_known_makes_no_number(void **state)
{
    struct regdev *dev;

    (void)state;
    chip_set(0, 0, 0x20, false, "\x21", 1); /* a table of the processor's maker */
    chips.units[0].has_coefficients[0x8C] = false;
    dev = opened(0);
    assert_int_equal(read_of(dev, R_VOUT), ST_RANGE);
    assert_int_equal(read_of(dev, R_IOUT), ST_RANGE);
    assert_true(value_of(dev, R_PIN) == 3300);
    chips.units[0].commands[0][0x20].there = false; /* no VOUT_MODE at all */
    assert_int_equal(regdev_identify(dev), ST_OK);
    assert_int_equal(read_of(dev, R_VOUT), ST_RANGE);
}

static void a_device_set_to_another_range_gives_no_numbers(void **state)
{
    struct regdev *dev;

    (void)state;
    profile.has_config = profile.config_is_word = true;
    profile.config_command = 0xD4;
    profile.config_mask = 0x21;
    profile.config_value = 0x21;
    chip_set_word(0, 0, 0xD4, 0x3F20);
    dev = opened(0);
    assert_int_equal(read_of(dev, R_IOUT), ST_RANGE);
    chip_set_word(0, 0, 0xD4, 0x3F35);
    assert_int_equal(regdev_identify(dev), ST_OK);
    assert_near(value_of(dev, R_IOUT), 15590.0 / 663.0, 1e-9);
}

static void codes_are_used_where_the_device_has_them(void **state)
{
    struct regdev *dev;

    (void)state;
    profile.pec = false;
    profile.pec_auto = true;
    dev = opened(0);
    assert_true(dev->profile->pec);
    chip_set(1, 0, 0x19, false, "\x30", 1); /* no codes */
    assert_false(opened(1)->profile->pec);
    chips.units[2].deaf_to_codes = true; /* says it has, and has not */
    assert_false(opened(2)->profile->pec);
    assert_true(value_of(&devs[2], R_VOUT) == 50.75);
}

static void a_long_block_comes_whole_and_checked(void **state)
{
    uint8_t record[160], bytes[2 * REGMAP_WORDS_MAX];
    uint16_t words[REGMAP_WORDS_MAX];
    char text[400];
    struct regdev *dev = opened(0);

    (void)state;
    for (int i = 0; i < 160; i++)
        record[i] = (uint8_t)(i * 7);
    chip_set(0, 0, 0xD5, true, record, 151);
    assert_int_equal(regdev_read(dev, &dev->profile->rows[R_RECORD], words, NULL), ST_OK);
    assert_int_equal(regmap_bytes(&dev->profile->rows[R_RECORD], words, bytes), 151);
    assert_memory_equal(bytes, record, 151);
    regmap_text(&dev->profile->rows[R_RECORD], words, text, sizeof text);
    assert_int_equal(strlen(text), 302);
    assert_memory_equal(text, "00070e151c", 10);
    chips.units[0].deaf_to_codes = true;
    assert_int_equal(regdev_read(dev, &dev->profile->rows[R_RECORD], words, NULL), ST_CORRUPT);
    chips.units[0].deaf_to_codes = false;
    chip_set(0, 0, 0xD5, true, record, 160); /* longer than the row */
    assert_int_equal(regdev_read(dev, &dev->profile->rows[R_RECORD], words, NULL), ST_CORRUPT);
}

static void energy_adds_up_from_read_to_read(void **state)
{
    struct regdev *dev = opened(0);
    const struct device_reading *joules = &adapters[0].state.readings[R_EIN_J];
    const struct device_reading *mean = &adapters[0].state.readings[R_EIN_W];
    uint16_t words[REGMAP_WORDS_MAX];
    int64_t first_us;

    (void)state;
    assert_int_equal(regdev_read(dev, &dev->profile->rows[R_EIN_J], words, NULL), ST_OK);
    assert_int_equal(regdev_read(dev, &dev->profile->rows[R_EIN_W], words, NULL), ST_OK);
    assert_true(joules->status == ST_OK && joules->value == 0.0);
    assert_int_equal(mean->status, ST_NONE);
    first_us = joules->taken_us;
    chip_set(0, 0, 0x86, true, "\xE8\x03\x01\x14\x00\x00", 6); /* 1000 + 32768 after 10 samples */
    assert_int_equal(regdev_read(dev, &dev->profile->rows[R_EIN_J], words, NULL), ST_OK);
    assert_int_equal(regdev_read(dev, &dev->profile->rows[R_EIN_W], words, NULL), ST_OK);
    assert_true(mean->status == ST_OK && mean->value == 2376.8); /* 23768 / 10 */
    assert_near(joules->value, 2376.8 * (double)(joules->taken_us - first_us) / 1e6, 1e-6);
    chip_set(0, 0, 0x86, true, "\xE8\x03\x01\x14\x00", 5); /* too short */
    assert_int_equal(read_of(dev, R_EIN_W), ST_CORRUPT);
    chip_set(0, 0, 0x86, true, "\xE8\x03\x01\x1E\x00\x00", 6); /* ten more samples of nothing */
    assert_true(value_of(dev, R_EIN_W) == 0.0);
}

/* ---- pages ---- */

static void a_page_is_set_for_its_row_and_put_back(void **state)
{
    static const uint8_t expected[][2] = { { 0x00, 1 }, { 0x8B, 0 }, { 0x00, 2 } };
    struct regdev *dev;

    (void)state;
    rows[R_VOUT].paged = true;
    rows[R_VOUT].page = 1;
    chips.units[0].page = 2;
    chip_set_word(0, 1, 0x8B, 0x3000);
    chip_set(0, 1, 0x20, false, "\x18", 1); /* its own exponent: -8 */
    dev = opened(0);
    chip_forget();
    assert_true(value_of(dev, R_VOUT) == 48.0);
    assert_int_equal(chips.count, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(chips.log[i].bytes[0], expected[i][0]);
        assert_true(expected[i][0] != 0 || chips.log[i].bytes[1] == expected[i][1]);
    }
    assert_int_equal(chips.units[0].page, 2);
    assert_true(value_of(dev, R_PIN) == 3300); /* and others do not touch it */
    assert_int_equal(chip_count(CHIP_ADDRESS, 0x00, true), 2);
}

static void a_page_that_could_not_be_put_back_is_first_of_all(void **state)
{
    struct regdev *dev;

    (void)state;
    rows[R_VOUT].paged = true;
    rows[R_VOUT].page = 1;
    chip_set_word(0, 1, 0x8B, 0x3000);
    chip_set_word(0, 1, 0x97, 0x0001); /* of page 1: never to be taken for the other's */
    chip_set(0, 1, 0x20, false, "\x18", 1);
    dev = opened(0);
    assert_int_equal(chips.units[0].page, 0);
    pthread_mutex_lock(&chips.lock);
    chips.refuse_page_after = 1; /* set it may be; put back, and once more, not */
    chips.refuse_page = 2;
    pthread_mutex_unlock(&chips.lock);
    assert_true(value_of(dev, R_VOUT) == 48.0);
    assert_int_equal(chips.units[0].page, 1);
    assert_int_equal(read_of(dev, R_PIN), ST_NACK);
    assert_true(value_of(dev, R_PIN) == 3300);
    assert_int_equal(chips.units[0].page, 0);
}

static void page_plus_leaves_the_page_alone(void **state)
{
    struct regdev *dev;
    struct regmap_raw raw;

    (void)state;
    profile.page_plus = true;
    rows[R_VOUT].paged = rows[R_WARN].paged = true;
    rows[R_VOUT].page = rows[R_WARN].page = 1;
    chip_set_word(0, 1, 0x8B, 0x3000);
    chip_set_word(0, 1, 0x6A, 0x0BE8);
    chip_set(0, 1, 0x20, false, "\x18", 1);
    dev = opened(0);
    assert_true(value_of(dev, R_VOUT) == 48.0);
    assert_int_equal(regmap_encode(&dev->profile->rows[R_WARN], 1984, REGMAP_NO_EXPONENT, &raw), ST_OK);
    assert_int_equal(regdev_write(dev, &dev->profile->rows[R_WARN], &raw), ST_OK);
    assert_int_equal(chip_word(0, 1, 0x6A), raw.words[0]);
    assert_int_equal(chip_word(0, 0, 0x6A), 0x0BE8);
    assert_true(value_of(dev, R_WARN) == 1984);
    assert_int_equal(chip_count(CHIP_ADDRESS, 0x00, true) + chip_count(CHIP_ADDRESS, 0x00, false), 0);
}

/* ---- orders ---- */

static void what_is_protected_is_not_written_and_stays_so(void **state)
{
    struct regdev *dev = opened(0);

    (void)state;
    chip_set(0, 0, 0x10, false, "\x40", 1);
    order(0, 1, 1984);
    chip_forget();
    regorder_step(dev, 0, clock_now_us());
    assert_int_equal(adapters[0].state.acks[0].status, ST_REFUSED);
    assert_int_equal(chip_word(0, 0, 0x6A), 0x0BE8);
    assert_int_equal(chip_count(CHIP_ADDRESS, 0x10, true) + chip_count(CHIP_ADDRESS, 0x6A, true), 0);
    chip_set(0, 0, 0x10, false, "\0", 1);
    order(0, 2, 1984);
    regorder_step(dev, 0, clock_now_us());
    assert_int_equal(adapters[0].state.acks[0].status, ST_OK);
    assert_true(adapters[0].state.acks[0].readback == 1984);
    chips.units[0].commands[0][0x10].there = false; /* it has no such thing */
    order(0, 3, 1952);
    regorder_step(dev, 0, clock_now_us());
    assert_int_equal(adapters[0].state.acks[0].status, ST_OK);
}

static void several_get_their_values_in_one_transaction(void **state)
{
    struct regdev *list[CHIPS];
    int32_t levers[CHIPS] = { 0 };
    int group = 0;

    (void)state;
    for (int i = 0; i < CHIPS; i++) {
        list[i] = opened(i);
        order(i, 1, 1984 - 32 * i);
        assert_true(regorder_is_group(list[i], 0));
    }
    chip_forget();
    regorder_step_group(list, levers, CHIPS, clock_now_us());
    for (int i = 0; i < CHIPS; i++) {
        assert_int_equal(adapters[i].state.acks[0].status, ST_OK);
        assert_true(adapters[i].state.acks[0].readback == 1984 - 32 * i);
        assert_int_equal(chip_count((uint8_t)(CHIP_ADDRESS + i), 0x6A, true), 1);
    }
    for (int i = 0; i < chips.count; i++)
        if (chips.log[i].goes_on) {
            assert_int_equal(chips.log[i].bytes[0], 0x6A);
            assert_int_equal(chips.log[i + 1].bytes[0], 0x6A); /* nothing comes between */
            group++;
        }
    assert_int_equal(group, CHIPS - 1);
}

static void one_that_will_not_in_a_group_does_not_cost_the_others(void **state)
{
    struct regdev *list[CHIPS];
    int32_t levers[CHIPS] = { 0 };

    (void)state;
    for (int i = 0; i < CHIPS; i++) {
        list[i] = opened(i);
        order(i, 1, 1984);
    }
    chip_set(0, 0, 0x10, false, "\x80", 1);         /* protected: not even asked */
    chips.units[1].commands[0][0x6A].there = false; /* read as an original it was; now it refuses */
    regorder_step_group(list, levers, CHIPS, clock_now_us());
    assert_int_equal(adapters[0].state.acks[0].status, ST_REFUSED);
    assert_true(adapters[1].state.acks[0].status != ST_OK);
    assert_int_equal(adapters[2].state.acks[0].status, ST_OK);
    assert_true(adapters[2].state.acks[0].readback == 1984);
}

static void a_group_that_broke_off_is_finished_one_by_one(void **state)
{
    struct regdev *list[CHIPS];
    int32_t levers[CHIPS] = { 0 };

    (void)state;
    for (int i = 0; i < CHIPS; i++) {
        list[i] = opened(i);
        order(i, 1, 1984);
    }
    chips.units[1].refuse_write = 0x6A; /* what came before it was taken, the rest never came */
    regorder_step_group(list, levers, CHIPS, clock_now_us());
    assert_int_equal(adapters[0].state.acks[0].status, ST_OK);
    assert_int_equal(adapters[1].state.acks[0].status, ST_NACK);
    assert_int_equal(chip_word(1, 0, 0x6A), 0x0BE8);
    assert_int_equal(adapters[2].state.acks[0].status, ST_OK);
    assert_true(adapters[2].state.acks[0].readback == 1984);
}

/* ---- what it says ---- */

static struct {
    int count;
    enum ev last;
    char text[256];
} events;

static void event_seen(enum ev event, const char *who, const char *message, void *arg)
{
    (void)who;
    (void)arg;
    if (event != EV_DEVICE_FAULT && event != EV_DEVICE_FAULT_OVER)
        return;
    events.count++;
    events.last = event;
    (void)snprintf(events.text, sizeof events.text, "%s", message);
}

static void faults_that_come_and_go_are_events(void **state)
{
    struct regdev *dev = opened(0);

    (void)state;
    memset(&events, 0, sizeof events);
    log_set_event_sink(event_seen, NULL);
    (void)value_of(dev, R_STATUS);
    assert_int_equal(events.count, 0);
    chip_set(0, 0, 0x7C, false, "\x30", 1);
    (void)value_of(dev, R_STATUS);
    assert_int_equal(events.count, 1);
    assert_int_equal(events.last, EV_DEVICE_FAULT);
    assert_string_equal(events.text, "vin_uv_warning, vin_uv_fault");
    (void)value_of(dev, R_STATUS); /* a level is no event */
    assert_int_equal(events.count, 1);
    chip_set(0, 0, 0x7C, false, "\x20", 1);
    (void)value_of(dev, R_STATUS);
    assert_int_equal(events.last, EV_DEVICE_FAULT_OVER);
    assert_string_equal(events.text, "no more: vin_uv_fault");
    log_set_event_sink(NULL, NULL);
}

static void what_the_status_word_points_to_is_read_next(void **state)
{
    struct regdev *dev = opened(0);
    struct regdev_row *input = NULL;

    (void)state;
    for (int32_t i = 0; i < dev->row_count; i++)
        if (dev->rows[i].row == &dev->profile->rows[R_STATUS])
            input = &dev->rows[i];
    assert_non_null(input);
    (void)value_of(dev, R_WORD);
    regdev_set_due(dev, input, INT64_MAX);
    chip_set_word(0, 0, 0x79, 0x8000); /* the output, not the input */
    (void)value_of(dev, R_WORD);
    assert_true(input->due_us == INT64_MAX);
    chip_set_word(0, 0, 0x79, 0xA000);
    (void)value_of(dev, R_WORD);
    assert_true(input->due_us <= clock_now_us());
}

/* ---- the bus ---- */

static void who_calls_is_asked_for_its_status_at_once(void **state)
{
    struct adapter *list[] = { &adapters[0] };
    struct regline_options opt = {
        .ops = pmbus_io_ops(), .bus = &chips.bus, .adapters = list, .adapter_count = 1
    };
    struct regline *line = NULL;
    int64_t now_us;

    (void)state;
    chips.bus.alert = true;
    chips.bus.slow_us = INT64_C(3600000000); /* not before long */
    (void)opened(0);
    io.ops->close(io.arg);
    assert_int_equal(mailbox_new(sizeof(struct field_bus_stats), &opt.stats), ST_OK);
    opt.arg = pmbus;
    assert_int_equal(regline_new(&opt, &line), ST_OK);
    for (int i = 0; i < 40; i++)
        (void)regline_turn(line, clock_now_us());
    now_us = clock_now_us();
    chip_forget();
    chips.units[0].alert = true;
    (void)regline_turn(line, now_us + chips.bus.fast_us); /* asks, and hears */
    for (int i = 0; i < 3; i++)
        (void)regline_turn(line, now_us + chips.bus.fast_us + 1);
    assert_int_equal(chip_count(CHIP_ADDRESS, 0x7C, false), 1);
    assert_false(chips.units[0].alert);
    regline_free(line);
    mailbox_free(opt.stats);
}

static void who_calls_for_attention_is_found(void **state)
{
    int32_t unit = 0;

    (void)state;
    open_line();
    assert_int_equal(regio_alert(&io, &unit), ST_NACK); /* nobody */
    chips.units[1].alert = chips.units[2].alert = true;
    assert_int_equal(regio_alert(&io, &unit), ST_OK);
    assert_int_equal(unit, CHIP_ADDRESS + 1); /* the lowest first */
    assert_int_equal(regio_alert(&io, &unit), ST_OK);
    assert_int_equal(unit, CHIP_ADDRESS + 2);
    assert_int_equal(regio_alert(&io, &unit), ST_NACK);
}

static void an_arbitration_that_is_lost_is_tried_again(void **state)
{
    struct regdev *dev = opened(0);

    (void)state;
    chips.lost = 2;
    assert_true(value_of(dev, R_PIN) == 3300);
    chips.lost = 100; /* another master never lets go: the device is not to blame */
    assert_int_equal(read_of(dev, R_PIN), ST_BUSY);
    assert_true(adapters[0].state.reachable);
    assert_true(chips.lost > 90);
    chips.lost = 0;
    assert_true(value_of(dev, R_PIN) == 3300);
}

static void what_has_no_word_reads_as_absent(void **state)
{
    struct regdev *dev;

    (void)state;
    profile.has_absent = true;
    profile.absent_word = 0xFFFF;
    chip_set_word(0, 0, 0x97, 0xFFFF);
    dev = opened(0);
    assert_int_equal(read_of(dev, R_PIN), ST_ABSENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_make, rig_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(numbers_come_in_the_formats_the_device_says),
        TEST(a_device_of_halves_says_so_and_is_believed),
        TEST(a_format_that_is_not_known_makes_no_number),
        TEST(a_device_set_to_another_range_gives_no_numbers),
        TEST(codes_are_used_where_the_device_has_them),
        TEST(a_long_block_comes_whole_and_checked),
        TEST(energy_adds_up_from_read_to_read),
        TEST(a_page_is_set_for_its_row_and_put_back),
        TEST(a_page_that_could_not_be_put_back_is_first_of_all),
        TEST(page_plus_leaves_the_page_alone),
        TEST(what_is_protected_is_not_written_and_stays_so),
        TEST(several_get_their_values_in_one_transaction),
        TEST(one_that_will_not_in_a_group_does_not_cost_the_others),
        TEST(a_group_that_broke_off_is_finished_one_by_one),
        TEST(faults_that_come_and_go_are_events),
        TEST(what_the_status_word_points_to_is_read_next),
        TEST(who_calls_is_asked_for_its_status_at_once),
        TEST(who_calls_for_attention_is_found),
        TEST(an_arbitration_that_is_lost_is_tried_again),
        TEST(what_has_no_word_reads_as_absent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
