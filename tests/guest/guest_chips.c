/* SPDX-License-Identifier: Apache-2.0 */
/* guest_chips.c: formats, pages, groups, long blocks and alerts on a real /dev/i2c-N, one
 * device at a time and without a daemon or a thread.
 *
 * Runs inside the guest that test_guest_pmbus.py builds, on the parts of bus.json. What the
 * kernel's own driver reads of the same part is held against ours.
 */
#include <dirent.h>
#include <fcntl.h>
#include <i2c/smbus.h>
#include <linux/i2c-dev.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "busbar/clock.h"
#include "busbar/conf.h"
#include "field/pmbus_io.h"
#include "field/regdev.h"
#include "field/smbus.h"

#define ADDRESS_PEC     0x58
#define ADDRESS_PLAIN   0x59
#define ADDRESS_KERNEL  0x5b
#define ADDRESS_SPOKEN  0x5e
#define ADDRESS_HOTSWAP 0x10
#define ADDRESS_PAGES   0x4e
#define RATE_READS      300
#define PATIENCE_US     INT64_C(30000000)

static struct {
    struct conf conf;
    struct conf_bus bus;
    struct conf_device device;
    struct adapter adapter;
    struct profile profile;
    struct pmbus_io *pmbus;
    struct regio io;
    struct regdev dev;
} rig;

static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void shell(const char *format, ...)
{
    char command[256];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(command, sizeof command, format, args);
    va_end(args);
    if (system(command) != 0)
        fail_msg("failed: %s", command);
}

static int bus_number(void)
{
    return atoi(rig.bus.path + strlen("/dev/i2c-"));
}

/* ---- one device on one bus ---- */

static void line_open(void)
{
    assert_int_equal(pmbus_io_new(&rig.bus, &rig.pmbus), ST_OK);
    rig.io = (struct regio){
        .ops = pmbus_io_ops(), .arg = rig.pmbus, .bus = &rig.bus, .answered_us = INT64_MIN / 2
    };
    assert_int_equal(rig.io.ops->open(rig.io.arg), ST_OK);
    rig.io.open = true;
}

static void profile_read(const char *name)
{
    const char *source = getenv("BUSBAR_SOURCE");
    struct conf_errors errors = { 0 };
    char path[CONF_PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/config/profiles/%s.yaml", source ? source : ".", name);
    if (profile_load(path, &rig.profile, &errors) != ST_OK) {
        conf_errors_print(&errors, stderr);
        fail();
    }
    conf_errors_done(&errors);
}

static void device_open(uint8_t address)
{
    const struct profile *p = &rig.profile;

    rig.device = (struct conf_device){ .name = "part", .address = address };
    for (int32_t r = 0; r < p->row_count; r++)
        rig.device.readings[rig.device.reading_count++] = (struct conf_reading){
            .row = r, .signal = p->rows[r].signal, .poll = p->rows[r].poll, .point = CORE_NONE
        };
    rig.adapter = (struct adapter){ .conf = &rig.conf,
                                    .device = &rig.device,
                                    .profile = p,
                                    .state = { .reading_count = rig.device.reading_count } };
    assert_int_equal(regdev_init(&rig.dev, &rig.io, &rig.adapter), ST_OK);
    assert_int_equal(regdev_identify(&rig.dev), ST_OK);
    assert_true(rig.adapter.state.identified);
}

static void device_close(void)
{
    regdev_done(&rig.dev);
    profile_done(&rig.profile);
}

static enum status value_of(enum signal signal, int32_t index, double *ret)
{
    uint16_t words[REGMAP_WORDS_MAX];

    for (int32_t r = 0; r < rig.dev.profile->row_count; r++)
        if (rig.dev.profile->rows[r].signal == signal && rig.dev.profile->rows[r].index == index)
            return regdev_read(&rig.dev, &rig.dev.profile->rows[r], words, ret);
    fail_msg("no row of %s", signal_name(signal));
    return ST_ABSENT;
}

static void assert_value(enum signal signal, int32_t index, double wanted, double most)
{
    double value = NAN;
    enum status st = value_of(signal, index, &value);

    if (st != ST_OK || !(fabs(value - wanted) <= most))
        fail_msg("%s is %g (%s), not %g", signal_name(signal), value, status_label(st), wanted);
}

static int rig_make(void **state)
{
    const char *node = getenv("I2C_DEV");

    (void)state;
    if (!node)
        return -1;
    memset(&rig, 0, sizeof rig);
    rig.bus = (struct conf_bus){
        .name = "smbus-1",
        .kind = CONF_BUS_SMBUS_LINUX,
        .timeout_us = 100000,
        .retry_max = 1,
        .fast_us = 100000,
        .slow_us = 300000,
    };
    (void)snprintf(rig.bus.path, sizeof rig.bus.path, "%s", node);
    line_open();
    return 0;
}

static int rig_free(void **state)
{
    (void)state;
    device_close();
    rig.pmbus = pmbus_io_free(rig.pmbus);
    return 0;
}

/* ---- what the kernel reads ---- */

static double hwmon_value(const char *folder, const char *label)
{
    char path[400], text[64];
    struct dirent *entry;
    double value = NAN;
    DIR *dir = opendir(folder);

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        size_t length = strlen(entry->d_name);
        FILE *file;

        if (length < 7 || strcmp(entry->d_name + length - 6, "_label") != 0)
            continue;
        (void)snprintf(path, sizeof path, "%.100s/%.100s", folder, entry->d_name);
        file = fopen(path, "r");
        assert_non_null(file);
        text[0] = '\0';
        assert_non_null(fgets(text, sizeof text, file));
        (void)fclose(file);
        text[strcspn(text, "\n")] = '\0';
        if (strcmp(text, label) != 0)
            continue;
        (void)snprintf(path, sizeof path, "%.100s/%.*s_input", folder, (int)(length - 6), entry->d_name);
        file = fopen(path, "r");
        assert_non_null(file);
        assert_int_equal(fscanf(file, "%lf", &value), 1);
        (void)fclose(file);
    }
    (void)closedir(dir);
    return value;
}

/* hwmon has milli-units, and microwatts. */
static void the_kernel_reads_the_same(void **state)
{
    static const struct {
        const char *label;
        double unit;
        enum signal signal;
    } same[] = {
        { "vin", 1e-3, SIGNAL_PSU_INPUT_V }, { "vout1", 1e-3, SIGNAL_PSU_OUTPUT_V },
        { "iin", 1e-3, SIGNAL_PSU_INPUT_A }, { "iout1", 1e-3, SIGNAL_PSU_OUTPUT_A },
        { "pin", 1e-6, SIGNAL_PSU_INPUT_W }, { "pout1", 1e-6, SIGNAL_PSU_OUTPUT_W },
    };
    double values[sizeof same / sizeof *same];
    char folder[200];

    (void)state;
    shell("echo pmbus 0x%02x >/sys/bus/i2c/devices/i2c-%d/new_device", ADDRESS_KERNEL, bus_number());
    shell("ln -sfn /sys/bus/i2c/devices/%d-%04x/hwmon/hwmon* /tmp/hwmon", bus_number(), ADDRESS_KERNEL);
    (void)snprintf(folder, sizeof folder, "/tmp/hwmon");
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        values[i] = hwmon_value(folder, same[i].label) * same[i].unit;
    shell("echo 0x%02x >/sys/bus/i2c/devices/i2c-%d/delete_device", ADDRESS_KERNEL, bus_number());
    profile_read("pmbus-generic");
    device_open(ADDRESS_KERNEL);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        if (isnan(values[i]))
            fail_msg("the kernel has no %s", same[i].label);
        assert_value(same[i].signal, 0, values[i], 0.5 * same[i].unit + 1e-9); /* it rounds to its unit */
    }
    assert_value(SIGNAL_PSU_OUTPUT_V, 0, 53.5, 1e-9);
}

/* ---- formats ---- */

static void codes_are_used_where_the_part_says_so(void **state)
{
    (void)state;
    profile_read("pmbus-generic");
    device_open(ADDRESS_PLAIN); /* CAPABILITY 0x30 */
    assert_false(rig.dev.profile->pec);
    assert_value(SIGNAL_PSU_OUTPUT_V, 0, 53.5, 1e-9);
    regdev_done(&rig.dev);
    device_open(ADDRESS_PEC); /* 0xB0 */
    assert_true(rig.dev.profile->pec);
    assert_value(SIGNAL_PSU_OUTPUT_V, 0, 53.5, 1e-9);
}

static void coefficients_are_asked_in_a_process_call(void **state)
{
    (void)state;
    profile_read("pmbus-generic");
    device_open(ADDRESS_SPOKEN);
    assert_true(rig.dev.profile->pec);
    assert_value(SIGNAL_PSU_OUTPUT_V, 0, 53.5, 1e-9);     /* 5350 with m 100 */
    assert_value(SIGNAL_PSU_INPUT_ENERGY_J, 0, 0.0, 0.0); /* the first of its blocks */
    assert_int_equal(value_of(SIGNAL_PSU_INPUT_MEAN_W, 0, &(double){ 0.0 }), ST_NONE); /* of what? */
    assert_int_equal(rig.adapter.state.corrupt, 0);
}

static void a_block_of_151_bytes_comes_by_plain_messages(void **state)
{
    struct profile_row row = { .address = ROW_NONE,
                               .command = 0xD5,
                               .type = ROW_BLOCK,
                               .text_bytes = 151,
                               .scale = 1,
                               .signal = SIGNAL_DEVICE_RECORD };
    uint16_t words[REGMAP_WORDS_MAX];
    uint8_t bytes[2 * REGMAP_WORDS_MAX];

    (void)state;
    profile_read("pmbus-generic");
    device_open(ADDRESS_SPOKEN);
    assert_int_equal(regdev_read(&rig.dev, &row, words, NULL), ST_OK);
    assert_int_equal(regmap_bytes(&row, words, bytes), 151);
    for (int i = 0; i < 151; i++)
        assert_int_equal(bytes[i], (uint8_t)(i * 7));
    shell("benchctl badpec spoken 1 >/dev/null");
    rig.bus.retry_max = 0;
    assert_int_equal(regdev_read(&rig.dev, &row, words, NULL), ST_CORRUPT);
    assert_int_equal(regdev_read(&rig.dev, &row, words, NULL), ST_OK);
}

/* The model has a sense resistor of 0.3 mOhm and cuts its coefficient to whole numbers. */
static void a_hot_swap_controller_is_read_by_its_profile(void **state)
{
    double value;

    (void)state;
    profile_read("adm1272");
    device_open(ADDRESS_HOTSWAP);
    assert_string_equal(rig.adapter.state.model, "ADM1272-A1");
    assert_value(SIGNAL_HOTSWAP_INPUT_V, 0, 48.0, 0.03);
    assert_value(SIGNAL_HOTSWAP_OUTPUT_V, 0, 47.9, 0.03);
    assert_value(SIGNAL_HOTSWAP_OUTPUT_A, 0, 20.0, 0.2);
    assert_int_equal(value_of(SIGNAL_HOTSWAP_STATUS_WORD, 0, &value), ST_OK);
}

/* ---- pages and groups ---- */

static uint8_t page_of(uint8_t address)
{
    int fd = open(rig.bus.path, O_RDWR | O_CLOEXEC);
    int32_t page;

    assert_true(fd >= 0 && ioctl(fd, I2C_SLAVE, (unsigned long)address) == 0);
    page = i2c_smbus_read_byte_data(fd, 0x00);
    close(fd);
    assert_true(page >= 0);
    return (uint8_t)page;
}

static void pages_are_set_and_put_back(void **state)
{
    static struct profile_row rows[] = {
        { .address = ROW_NONE,
          .command = 0x9A,
          .type = ROW_TEXT,
          .text_bytes = 16,
          .scale = 1,
          .signal = SIGNAL_DEVICE_MODEL },
        { .address = ROW_NONE,
          .command = 0x8B,
          .type = ROW_DIRECT,
          .scale = 1,
          .signal = SIGNAL_MONITOR_V,
          .index = 1,
          .paged = true,
          .page = 0,
          .direct = { .m = 1, .b = 0, .r = 3 } },
        { .address = ROW_NONE,
          .command = 0x8B,
          .type = ROW_DIRECT,
          .scale = 1,
          .signal = SIGNAL_MONITOR_V,
          .index = 2,
          .paged = true,
          .page = 1,
          .direct = { .m = 1, .b = 0, .r = 3 } },
    };
    uint8_t before;

    (void)state;
    rig.profile = (struct profile){ .name = "pages",
                                    .match_address = ROW_NONE,
                                    .match_command = 0x9A,
                                    .match_text = "MAX34451*",
                                    .page_gap_us = 50,
                                    .row_count = 3 };
    rig.profile.rows = calloc(3, sizeof *rig.profile.rows);
    assert_non_null(rig.profile.rows);
    memcpy(rig.profile.rows, rows, sizeof rows);
    before = page_of(ADDRESS_PAGES);
    device_open(ADDRESS_PAGES);
    for (int i = 0; i < 3; i++) {
        assert_value(SIGNAL_MONITOR_V, 1, 3.3, 1e-9);
        assert_value(SIGNAL_MONITOR_V, 2, 5.0, 1e-9);
        assert_int_equal(page_of(ADDRESS_PAGES), before);
    }
}

static void a_group_reaches_each_of_them(void **state)
{
    static const struct profile_row row = { .address = ROW_NONE,
                                            .command = 0x6A,
                                            .type = ROW_LINEAR11,
                                            .scale = 1,
                                            .signal = SIGNAL_PSU_OUTPUT_WARN_W };
    static struct profile coded = { .name = "coded", .pec = true }, plain = { .name = "plain" };
    static const uint16_t values[] = { 0x12D0, 0x12C8 }, before[] = { 0x12EE, 0x12EE };
    const uint16_t *words[] = { &values[0], &values[1] }, *old[] = { &before[0], &before[1] };
    struct regio_target targets[] = {
        { .unit = ADDRESS_PEC, .profile = &coded, .row = &row, .address = 0x6A, .words = 1 },
        { .unit = ADDRESS_PLAIN, .profile = &plain, .row = &row, .address = 0x6A, .words = 1 },
    };
    struct device_state states[2] = { { .reading_count = 0 } };
    struct device_state *list[] = { &states[0], &states[1] };
    uint16_t word = 0;

    (void)state;
    assert_int_equal(regio_write_group(&rig.io, list, targets, words, 2), ST_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(rig.io.ops->read(rig.io.arg, &targets[i], &word), ST_OK);
        assert_int_equal(word, values[i]);
    }
    targets[1].unit = 0x33; /* nobody there: who took it, nobody knows */
    assert_int_not_equal(regio_write_group(&rig.io, list, targets, old, 2), ST_OK);
    targets[1].unit = ADDRESS_PLAIN;
    assert_int_equal(regio_write_group(&rig.io, list, targets, old, 2), ST_OK);
}

static void nobody_calls_for_attention(void **state)
{
    int32_t unit = 0;

    (void)state;
    assert_int_equal(regio_alert(&rig.io, &unit), ST_NACK);
}

/* The part holds each of its address phases for so long that the adapter gives up. */
static void a_bus_that_hangs_is_closed_and_comes_back(void **state)
{
    static const struct profile_row row = {
        .address = ROW_NONE, .command = 0x8B, .type = ROW_U16, .scale = 1, .signal = SIGNAL_PSU_STATUS_WORD
    };
    static struct profile coded = { .name = "coded", .pec = true };
    struct regio_target target = {
        .unit = ADDRESS_PEC, .profile = &coded, .row = &row, .address = 0x8B, .words = 1
    };
    int64_t until_us = clock_now_us() + PATIENCE_US;
    enum status st = ST_OK;
    uint16_t word = 0;
    int tries = 0;

    (void)state;
    shell("benchctl delay pec 150 >/dev/null");
    while ((st = rig.io.ops->read(rig.io.arg, &target, &word)) != ST_SYS && tries < 40)
        tries++;
    assert_int_equal(st, ST_SYS);
    assert_in_range(tries, 7, 40); /* a late answer in between starts the count anew */
    rig.io.ops->close(rig.io.arg);
    assert_int_equal(rig.io.ops->open(rig.io.arg), ST_SYS); /* not at once */
    shell("benchctl delay pec 0 >/dev/null");
    while (rig.io.ops->open(rig.io.arg) != ST_OK) {
        assert_true(clock_now_us() < until_us);
        shell("sleep 0.1");
    }
    while (rig.io.ops->read(rig.io.arg, &target, &word) != ST_OK)
        assert_true(clock_now_us() < until_us);
    assert_int_equal(word, 27392);
}

/* ---- speed, for people ---- */

static void word_reads_cost_little_more_than_the_bus(void **state)
{
    struct profile_row row = {
        .address = ROW_NONE, .command = 0x8B, .type = ROW_U16, .scale = 1, .signal = SIGNAL_PSU_STATUS_WORD
    };
    int fd = open(rig.bus.path, O_RDWR | O_CLOEXEC);
    int64_t began_us, bare_us, ours_us, taken_us;
    uint16_t word = 0;
    int lost = 0;

    (void)state;
    profile_read("pmbus-generic");
    rig.profile.gap_us = 0; /* the part's own rest is no cost of ours */
    device_open(ADDRESS_PLAIN);
    assert_true(fd >= 0 && ioctl(fd, I2C_SLAVE, (unsigned long)ADDRESS_PLAIN) == 0);
    began_us = clock_now_us();
    for (int i = 0; i < RATE_READS; i++)
        lost += i2c_smbus_read_word_data(fd, 0x8B) != 27392; /* a full machine under the guest */
    bare_us = clock_now_us() - began_us;
    close(fd);
    began_us = clock_now_us();
    for (int i = 0; i < RATE_READS; i++) {
        struct regio_target t = {
            .unit = ADDRESS_PLAIN, .profile = rig.dev.profile, .row = &row, .address = 0x8B, .words = 1
        };

        lost += regio_read(&rig.io, &rig.adapter.state, &t, 0, &word, &taken_us) != ST_OK || word != 27392;
    }
    ours_us = clock_now_us() - began_us;
    printf("note: %d word reads: bare %.0f a second, ours %.0f a second, %.0f %%, %d lost\n", RATE_READS,
           RATE_READS * 1e6 / (double)bare_us, RATE_READS * 1e6 / (double)ours_us,
           100.0 * (double)bare_us / (double)ours_us, lost);
    assert_in_range(lost, 0, RATE_READS / 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_make, rig_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_kernel_reads_the_same),
        TEST(codes_are_used_where_the_part_says_so),
        TEST(coefficients_are_asked_in_a_process_call),
        TEST(a_block_of_151_bytes_comes_by_plain_messages),
        TEST(a_hot_swap_controller_is_read_by_its_profile),
        TEST(pages_are_set_and_put_back),
        TEST(a_group_reaches_each_of_them),
        TEST(nobody_calls_for_attention),
        TEST(a_bus_that_hangs_is_closed_and_comes_back),
        TEST(word_reads_cost_little_more_than_the_bus),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
