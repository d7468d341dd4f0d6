/* SPDX-License-Identifier: Apache-2.0 */
/* guest_pmbus.c: the i2c-dev transport and the PMBus adapter on a real /dev/i2c-N.
 *
 * Runs inside a small guest whose Linux kernel has PMBus parts on a bus: the supplies
 * of bus.json. test_guest_pmbus.py builds the guest around it and checks the bus's own
 * record afterwards. Values are those that bus.json gives; faults come from `benchctl`,
 * which the guest has.
 */
#include "busbar/field.h"

#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "busbar/clock.h"
#include "busbar/conf.h"
#include "field/smbus.h"

#define PATIENCE_US INT64_C(30000000)
#define STEP_MS 5
#define RATE_READS 400
#define POUT_WARN_RAW 0x12EE          /* 3000 W: 750 * 4 */
#define LOG_FILE "/tmp/guest_pmbus.log"

enum {
    CMD_ON_OFF_CONFIG = 0x02, CMD_CLEAR_FAULTS = 0x03, CMD_VOUT_MODE = 0x20, CMD_POUT_WARN = 0x6A, CMD_VIN = 0x88,
    CMD_VOUT = 0x8B, CMD_FAN = 0x90, CMD_MODEL = 0x9A, CMD_SERIAL = 0x9E,
};

/* The parts of bus.json. */
enum { PSU_PEC, PSU_PLAIN, PSU_PULLED, PSU_KERNEL, PSU_BARE, PSU_DIRECT, PSUS };

static const struct {
    const char *id;
    uint8_t address;
    bool pec;
} parts[PSUS] = {
    [PSU_PEC] = { .id = "pec", .address = 0x58, .pec = true },
    [PSU_PLAIN] = { .id = "plain", .address = 0x59, .pec = false },
    [PSU_PULLED] = { .id = "pulled", .address = 0x5a, .pec = true },
    [PSU_KERNEL] = { .id = "kernel", .address = 0x5b, .pec = true },
    [PSU_BARE] = { .id = "bare", .address = 0x5c, .pec = true },
    [PSU_DIRECT] = { .id = "direct", .address = 0x5d, .pec = true },
};

#define EMPTY_ADDRESS 0x33             /* nobody there                                */

enum { LEVER_POUT, LEVER_PIN, LEVERS_A_PSU };

static struct {
    struct conf conf;
    struct conf_bus bus;
    struct conf_device devices[PSUS];
    struct profile profiles[2];        /* without and with PEC                        */
    struct core_outputs *outputs;
    struct field *field;
    struct smbus *smbus;
    uint64_t number;
    int error_fd;                      /* standard error, while the log is in a file  */
} rig;

/* ---- the guest ---- */

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

static void bench(const char *what, int32_t psu, int value)
{
    shell("benchctl %s %s %d >/dev/null", what, parts[psu].id, value);
}

static int bus_number(void)
{
    return atoi(rig.bus.path + strlen("/dev/i2c-"));
}

/* Log lines go to a file from here on; log_end() gives them. */
static void log_begin(void)
{
    int fd = open(LOG_FILE, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    rig.error_fd = dup(STDERR_FILENO);
    assert_true(rig.error_fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
    close(fd);
}

static void log_end(char *text, size_t room)
{
    int fd = open(LOG_FILE, O_RDONLY | O_CLOEXEC);
    ssize_t size = read(fd, text, room - 1);

    close(fd);
    assert_true(size >= 0);
    text[size] = '\0';
    assert_true(dup2(rig.error_fd, STDERR_FILENO) >= 0);
    close(rig.error_fd);
    rig.error_fd = -1;
}

static int32_t times_in(const char *text, const char *word)
{
    int32_t count = 0;

    for (; (text = strstr(text, word)) != NULL; text += strlen(word))
        count++;
    return count;
}

/* ---- set up and end ---- */

static void rig_profile(int32_t which, bool pec)
{
    const char *source = getenv("BUSBAR_SOURCE");
    struct conf_errors errors = { 0 };
    char path[CONF_PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/config/profiles/pmbus-generic.yaml", source ? source : ".");
    if (profile_load(path, &rig.profiles[which], &errors) != ST_OK) {
        conf_errors_print(&errors, stderr);
        fail();
    }
    conf_errors_done(&errors);
    assert_true(rig.profiles[which].pec_auto); /* each of the two ways is tried on its own here */
    rig.profiles[which].pec_auto = false;
    rig.profiles[which].pec = pec;
}

static void rig_device(int32_t psu)
{
    struct conf_device *d = &rig.devices[psu];
    const struct profile *p = &rig.profiles[parts[psu].pec];

    d->profile = parts[psu].pec;
    d->address = parts[psu].address;
    (void)snprintf(d->name, sizeof d->name, "psu-%s", parts[psu].id);
    for (int32_t r = 0; r < p->row_count; r++) {
        const struct profile_row *row = &p->rows[r];

        d->readings[d->reading_count++] = (struct conf_reading){
            .row = r, .signal = row->signal, .index = row->index, .poll = row->poll, .point = CORE_NONE,
        };
        if (row->writable) {
            d->levers[d->lever_count] = (struct conf_lever){
                .row = r, .signal = row->signal, .lever = psu * LEVERS_A_PSU + d->lever_count,
            };
            d->lever_count++;
        }
    }
    assert_int_equal(d->lever_count, LEVERS_A_PSU);
}

static int rig_make(void **state)
{
    const char *node = getenv("I2C_DEV");

    (void)state;
    if (!node)
        return -1;
    memset(&rig, 0, sizeof rig);
    rig.error_fd = -1;
    rig.bus = (struct conf_bus){
        .name = "smbus-1", .kind = CONF_BUS_SMBUS_LINUX, .timeout_us = 100000, .retry_max = 1, .fast_us = 100000,
        .slow_us = 300000,
    };
    (void)snprintf(rig.bus.path, sizeof rig.bus.path, "%s", node);
    rig_profile(0, false);
    rig_profile(1, true);
    for (int32_t i = 0; i < PSUS; i++)
        rig_device(i);
    (void)strcpy(rig.conf.state_dir, "/tmp/guest_pmbus.state");
    shell("rm -rf %s && mkdir -p %s", rig.conf.state_dir, rig.conf.state_dir);
    rig.conf.bus_count = 1;
    rig.conf.buses = &rig.bus;
    rig.conf.device_count = PSUS;
    rig.conf.devices = rig.devices;
    rig.conf.profile_count = 2;
    rig.conf.profiles = rig.profiles;
    rig.conf.core.lever_count = PSUS * LEVERS_A_PSU;
    rig.conf.core.device_count = PSUS;
    rig.outputs = calloc(1, core_outputs_size(&rig.conf.core));
    if (!rig.outputs)
        return -1;
    core_outputs_init(rig.outputs, &rig.conf.core);
    return smbus_linux_new(&rig.bus, &rig.smbus) == ST_OK ? 0 : -1;
}

static int rig_free(void **state)
{
    (void)state;
    if (rig.error_fd >= 0 && dup2(rig.error_fd, STDERR_FILENO) >= 0)
        shell("cat " LOG_FILE " >&2");
    rig.field = field_free(rig.field);
    rig.smbus = rig.smbus->ops->free(rig.smbus);
    free(rig.outputs);
    profile_done(&rig.profiles[0]);
    profile_done(&rig.profiles[1]);
    for (int32_t i = 0; i < PSUS; i++) {
        bench("absent", i, 0);
        bench("nak", i, 0);
        bench("badpec", i, 0);
        bench("delay", i, 0);
    }
    return 0;
}

/* ---- single transactions ---- */

static const struct smbus_ops *bus_open(void)
{
    assert_int_equal(rig.smbus->ops->open(rig.smbus), ST_OK);
    return rig.smbus->ops;
}

static enum status read_word(uint8_t address, bool pec, uint8_t command, uint16_t *ret)
{
    return rig.smbus->ops->read_word(rig.smbus, address, pec, command, ret);
}

static void assert_block(int32_t psu, uint8_t command, const char *text)
{
    uint8_t bytes[SMBUS_BLOCK_MAX];
    int32_t count = -1;

    assert_int_equal(rig.smbus->ops->read_block(rig.smbus, parts[psu].address, parts[psu].pec, command, bytes, &count), ST_OK);
    assert_int_equal(count, strlen(text));
    assert_memory_equal(bytes, text, (size_t)count);
}

static void bytes_words_and_blocks_come_as_they_are(void **state)
{
    const struct smbus_ops *ops = bus_open();

    (void)state;
    for (int32_t psu = PSU_PEC; psu <= PSU_PLAIN; psu++) {
        uint8_t address = parts[psu].address, byte = 0;
        bool pec = parts[psu].pec;
        uint16_t word = 0;

        assert_int_equal(ops->quick(rig.smbus, address, pec), ST_OK);
        assert_int_equal(ops->read_byte(rig.smbus, address, pec, CMD_VOUT_MODE, &byte), ST_OK);
        assert_int_equal(byte, 0x17);
        assert_int_equal(read_word(address, pec, CMD_VOUT, &word), ST_OK);
        assert_int_equal(word, 27392); /* 53.5 V * 512 */
        assert_int_equal(ops->write_word(rig.smbus, address, pec, CMD_POUT_WARN, 0x1234), ST_OK);
        assert_int_equal(read_word(address, pec, CMD_POUT_WARN, &word), ST_OK);
        assert_int_equal(word, 0x1234);
        assert_int_equal(ops->write_word(rig.smbus, address, pec, CMD_POUT_WARN, POUT_WARN_RAW), ST_OK);
        assert_int_equal(ops->write_byte(rig.smbus, address, pec, CMD_ON_OFF_CONFIG, 0x17), ST_OK);
        assert_int_equal(ops->read_byte(rig.smbus, address, pec, CMD_ON_OFF_CONFIG, &byte), ST_OK);
        assert_int_equal(byte, 0x17);
        assert_int_equal(ops->send_byte(rig.smbus, address, pec, CMD_CLEAR_FAULTS), ST_OK);
        assert_block(psu, CMD_MODEL, "QEMU-RAA228000");
    }
    assert_block(PSU_PEC, CMD_SERIAL, "SN0001");
    assert_block(PSU_PULLED, CMD_SERIAL, "SN-OF-THIRTY-TWO-CHARACTERS-0003");
}

static void an_answer_without_its_code_is_corrupt(void **state)
{
    uint16_t word = 0x4711;

    (void)state;
    (void)bus_open();
    /* Of what follows the word, 0xFF, VIN is spoilt; the code of VOUT is 0xFF by chance. */
    assert_int_equal(read_word(parts[PSU_PLAIN].address, true, CMD_VIN, &word), ST_CORRUPT);
    bench("badpec", PSU_PEC, 1);
    assert_int_equal(read_word(parts[PSU_PEC].address, true, CMD_VOUT, &word), ST_CORRUPT);
    assert_int_equal(word, 0x4711); /* nothing was taken from it */
    assert_int_equal(read_word(parts[PSU_PEC].address, true, CMD_VOUT, &word), ST_OK);
    assert_int_equal(word, 27392);
    bench("badpec", PSU_PEC, 1); /* not asked for, not looked at */
    assert_int_equal(read_word(parts[PSU_PEC].address, false, CMD_VOUT, &word), ST_OK);
}

static void nobody_there_is_a_nack(void **state)
{
    uint8_t bytes[SMBUS_BLOCK_MAX], address = parts[PSU_PULLED].address;
    const struct smbus_ops *ops = bus_open();
    uint16_t word = 0;
    int32_t count;

    (void)state;
    assert_int_equal(read_word(EMPTY_ADDRESS, false, CMD_VOUT, &word), ST_NACK);
    assert_int_equal(ops->quick(rig.smbus, EMPTY_ADDRESS, false), ST_NACK);
    bench("absent", PSU_PULLED, 1);
    assert_int_equal(read_word(address, true, CMD_VOUT, &word), ST_NACK);
    assert_int_equal(ops->read_block(rig.smbus, address, true, CMD_MODEL, bytes, &count), ST_NACK);
    assert_int_equal(ops->write_word(rig.smbus, address, true, CMD_POUT_WARN, 0x1234), ST_NACK);
    assert_int_equal(ops->send_byte(rig.smbus, address, true, CMD_CLEAR_FAULTS), ST_NACK);
    bench("absent", PSU_PULLED, 0);
    assert_int_equal(read_word(address, true, CMD_VOUT, &word), ST_OK);
    assert_int_equal(read_word(parts[PSU_BARE].address, true, CMD_FAN, &word), ST_NACK); /* a command it lacks */
    assert_int_equal(read_word(parts[PSU_BARE].address, true, CMD_VOUT, &word), ST_OK);
}

static void a_part_that_holds_the_clock_is_a_timeout(void **state)
{
    uint16_t word = 0;

    (void)state;
    (void)bus_open();
    bench("delay", PSU_PEC, 150);
    assert_int_equal(read_word(parts[PSU_PEC].address, true, CMD_VOUT, &word), ST_TIMEOUT);
    bench("delay", PSU_PEC, 0);
    /* What the adapter driver does with the late answer is its own: ask until it is over it. */
    for (int64_t until_us = clock_now_us() + PATIENCE_US; read_word(parts[PSU_PEC].address, true, CMD_VIN, &word) != ST_OK;)
        assert_true(clock_now_us() < until_us);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(read_word(parts[PSU_PEC].address, true, CMD_VOUT, &word), ST_OK);
        assert_int_equal(word, 27392);
    }
}

static void a_block_may_be_empty(void **state)
{
    (void)state;
    (void)bus_open();
    assert_block(PSU_BARE, CMD_SERIAL, "");
    assert_block(PSU_BARE, CMD_MODEL, "QEMU-RAA228000");
}

static void a_bus_has_one_owner(void **state)
{
    struct smbus *other = NULL;
    char log[1024];

    (void)state;
    (void)bus_open();
    assert_int_equal(smbus_linux_new(&rig.bus, &other), ST_OK);
    log_begin();
    assert_int_equal(other->ops->open(other), ST_BUSY);
    log_end(log, sizeof log);
    assert_non_null(strstr(log, "another process holds the lock"));
    rig.smbus->ops->close(rig.smbus);
    assert_int_equal(other->ops->open(other), ST_OK);
    other->ops->free(other);
}

static void kernel_takes(int32_t psu)
{
    shell("echo pmbus 0x%02x >/sys/bus/i2c/devices/i2c-%d/new_device", parts[psu].address, bus_number());
    shell("test -e /sys/bus/i2c/devices/%d-%04x/driver", bus_number(), parts[psu].address);
}

static void kernel_gives_back(int32_t psu)
{
    shell("echo 0x%02x >/sys/bus/i2c/devices/i2c-%d/delete_device", parts[psu].address, bus_number());
}

static void an_address_of_a_kernel_driver_is_left_alone(void **state)
{
    uint8_t address = parts[PSU_KERNEL].address;
    char log[2048], hint[256];
    uint16_t word = 0;

    (void)state;
    (void)bus_open();
    assert_int_equal(read_word(address, true, CMD_VOUT, &word), ST_OK);
    kernel_takes(PSU_KERNEL);
    log_begin();
    for (int i = 0; i < 3; i++)
        assert_int_equal(read_word(address, true, CMD_VOUT, &word), ST_BUSY);
    assert_int_equal(read_word(parts[PSU_PEC].address, true, CMD_VOUT, &word), ST_OK);
    log_end(log, sizeof log);
    (void)snprintf(hint, sizeof hint, "echo %d-%04x >/sys/bus/i2c/drivers/pmbus/unbind", bus_number(), address);
    assert_non_null(strstr(log, "address 0x5b belongs to the kernel driver pmbus"));
    assert_non_null(strstr(log, hint));
    assert_int_equal(times_in(log, "kernel driver"), 1);
    shell("%s", hint); /* what the log says is what helps */
    assert_int_equal(read_word(address, true, CMD_VOUT, &word), ST_OK);
    kernel_gives_back(PSU_KERNEL);
}

static void code_and_part_change_with_each_read(void **state)
{
    int64_t began_us, took_us;
    uint16_t word;

    (void)state;
    (void)bus_open();
    began_us = clock_now_us();
    for (int i = 0; i < RATE_READS; i++) {
        int32_t psu = i % 3; /* with, without, with */

        assert_int_equal(read_word(parts[psu].address, parts[psu].pec, CMD_VOUT, &word), ST_OK);
        assert_int_equal(word, 27392);
    }
    took_us = clock_now_us() - began_us;
    printf("note: %d word reads, three parts in turn, PEC on and off: %.0f us each\n", RATE_READS,
           (double)took_us / RATE_READS);
}

/* ---- the whole segment ---- */

typedef bool (*segment_wanted)(const struct device_state *s);

static void segment_open(void)
{
    struct field_options opt = { .conf = &rig.conf, .tick_notify_fd = -1 };

    assert_int_equal(field_new(&opt, &rig.field), ST_OK);
}

/* What was there instead of what was waited for. */
static void segment_tell(int32_t psu, const struct device_state *s)
{
    for (int32_t i = 0; i < s->reading_count; i++)
        if (s->readings[i].status != ST_OK)
            fprintf(stderr, "  %s: %s\n", signal_name(rig.devices[psu].readings[i].signal), status_label(s->readings[i].status));
    fail_msg("%s did not get there: reachable %d, identified %d, serial \"%s\", %d nacks, %d corrupt, %d timeouts",
             rig.devices[psu].name, s->reachable, s->identified, s->serial, (int)s->nacks, (int)s->corrupt,
             (int)s->timeouts);
}

static struct device_state segment_wait(int32_t psu, segment_wanted wanted)
{
    int64_t until_us = clock_now_us() + PATIENCE_US;
    struct device_state s = { 0 };

    while (!field_device(rig.field, psu, &s) || !wanted(&s)) {
        if (clock_now_us() >= until_us)
            segment_tell(psu, &s);
        (void)poll(NULL, 0, STEP_MS);
    }
    return s;
}

static const struct device_reading *reading(const struct device_state *s, enum signal signal)
{
    for (int32_t i = 0; i < rig.devices[0].reading_count; i++)
        if (rig.devices[0].readings[i].signal == signal)
            return &s->readings[i];
    fail_msg("no reading of %s", signal_name(signal));
    return NULL;
}

static void assert_reading(const struct device_state *s, enum signal signal, double value)
{
    const struct device_reading *r = reading(s, signal);

    if (r->status != ST_OK || fabs(r->value - value) > 1e-9)
        fail_msg("%s is %g (%s), not %g", signal_name(signal), r->value, status_label(r->status), value);
}

static uint32_t reading_sequence(int32_t psu)
{
    struct device_state s = { 0 };

    (void)field_device(rig.field, psu, &s);
    return reading(&s, SIGNAL_PSU_OUTPUT_V)->sequence;
}

static struct device_ack segment_order(int32_t psu, int32_t lever, bool release, double value)
{
    struct core_order *order = (struct core_order *)(void *)((char *)rig.outputs + rig.outputs->orders_at);
    int64_t until_us = clock_now_us() + PATIENCE_US;
    struct core_inputs in;
    struct device_state s;

    *order = (struct core_order){
        .lever = psu * LEVERS_A_PSU + lever, .number = ++rig.number, .release = release, .value = value,
        .lease_end_us = CORE_FOREVER,
    };
    rig.outputs->order_count = 1;
    field_collect(rig.field, &in);
    field_publish(rig.field, rig.outputs);
    while (!field_device(rig.field, psu, &s) || s.acks[lever].number != rig.number) {
        assert_true(clock_now_us() < until_us);
        (void)poll(NULL, 0, STEP_MS);
    }
    return s.acks[lever];
}

static bool all_known(const struct device_state *s)
{
    for (int32_t i = 0; i < s->reading_count; i++)
        if (s->readings[i].status != ST_OK && s->readings[i].status != ST_ABSENT)
            return false;
    return s->identified && s->reachable;
}

static bool unreachable(const struct device_state *s)
{
    return !s->reachable;
}

static bool busy(const struct device_state *s)
{
    return reading(s, SIGNAL_PSU_OUTPUT_V)->status == ST_BUSY;
}

static bool corrupt(const struct device_state *s)
{
    return s->corrupt > 0 && all_known(s);
}

static bool vout_unknown(const struct device_state *s)
{
    return s->identified && reading(s, SIGNAL_PSU_OUTPUT_V)->status == ST_RANGE &&
           reading(s, SIGNAL_PSU_INPUT_V)->status == ST_OK;
}

static bool bus_lost(const struct device_state *s)
{
    return reading(s, SIGNAL_PSU_OUTPUT_V)->status == ST_SYS;
}

static void every_row_of_the_profile_is_read(void **state)
{
    (void)state;
    segment_open();
    for (int32_t psu = PSU_PEC; psu <= PSU_PLAIN; psu++) {
        struct device_state s = segment_wait(psu, all_known);

        assert_string_equal(s.model, "QEMU-RAA228000");
        assert_string_equal(s.serial, psu == PSU_PEC ? "SN0001" : "SN0002");
        assert_string_equal(s.firmware, "7.2");
        assert_reading(&s, SIGNAL_PSU_INPUT_V, 230.0);
        assert_reading(&s, SIGNAL_PSU_INPUT_A, 4.5);
        assert_reading(&s, SIGNAL_PSU_INPUT_W, 1036.0);
        assert_reading(&s, SIGNAL_PSU_OUTPUT_V, 53.5);
        assert_reading(&s, SIGNAL_PSU_OUTPUT_A, 18.25);
        assert_reading(&s, SIGNAL_PSU_OUTPUT_W, 976.0);
        assert_reading(&s, SIGNAL_PSU_INLET_C, 38.5);
        assert_reading(&s, SIGNAL_PSU_STATUS_WORD, 0.0);
        assert_reading(&s, SIGNAL_PSU_STATUS_CML, 0.0);
        assert_reading(&s, SIGNAL_PSU_INPUT_WARN_W, 3300.0);
        assert_int_equal(reading(&s, SIGNAL_PSU_FAN_RPM)->status, ST_ABSENT); /* bus.json: not acknowledged */
        assert_int_equal(reading(&s, SIGNAL_PSU_STATUS_FANS)->status, ST_ABSENT);
        assert_int_equal(s.corrupt, 0);
        assert_int_equal(s.timeouts, 0);
    }
}

/* LINEAR11 holds 3000 as 750 * 4 and 3296 as 824 * 4: both are multiples of the row's 32 W. */
static void limits_are_written_read_back_and_put_back(void **state)
{
    struct original originals[LEVERS_A_PSU];
    struct device_state s;
    struct device_ack ack;

    (void)state;
    segment_open();
    for (int32_t psu = PSU_PEC; psu <= PSU_PLAIN; psu++) {
        uint64_t number = 0;

        (void)segment_wait(psu, all_known);
        ack = segment_order(psu, LEVER_PIN, false, 3000.0);
        assert_int_equal(ack.status, ST_OK);
        assert_true(ack.readback == 2976.0); /* rounded down to a step */
        ack = segment_order(psu, LEVER_POUT, false, 3296.0);
        assert_int_equal(ack.status, ST_OK);
        assert_true(ack.readback == 3296.0);
        number = ack.number;
        assert_int_equal(segment_order(psu, LEVER_PIN, false, 64.0).status, ST_RANGE);
        assert_int_equal(field_originals_read(rig.conf.state_dir, rig.devices[psu].name, originals, LEVERS_A_PSU), 2);
        assert_true(originals[0].value == 3300.0 && originals[1].value == 3000.0); /* by whom it was written first */
        assert_string_equal(originals[0].serial, psu == PSU_PEC ? "SN0001" : "SN0002");
        ack = segment_order(psu, LEVER_PIN, true, 3300.0);
        assert_int_equal(ack.status, ST_OK);
        assert_true(ack.readback == 3300.0 && ack.number > number);
        assert_int_equal(segment_order(psu, LEVER_POUT, true, 3000.0).status, ST_OK);
        s = segment_wait(psu, all_known);
        assert_int_equal(s.corrupt + s.timeouts, 0);
    }
}

static void a_supply_that_is_pulled_out_is_silent_and_found_again(void **state)
{
    struct device_state s;
    struct device_ack ack;
    uint32_t before;

    (void)state;
    segment_open();
    (void)segment_wait(PSU_PULLED, all_known);
    bench("absent", PSU_PULLED, 1);
    (void)segment_wait(PSU_PULLED, unreachable);
    ack = segment_order(PSU_PULLED, LEVER_PIN, false, 3000.0);
    assert_true(ack.status == ST_BUSY || ack.status == ST_NACK); /* surely not taken */
    before = reading_sequence(PSU_PEC);
    while (reading_sequence(PSU_PEC) < before + 10) /* the others go on */
        (void)poll(NULL, 0, STEP_MS);
    bench("absent", PSU_PULLED, 0);
    s = segment_wait(PSU_PULLED, all_known);
    assert_string_equal(s.serial, "SN-OF-THIRTY-TWO-CHARACTERS-0003");
    assert_int_equal(segment_order(PSU_PULLED, LEVER_PIN, false, 3008.0).status, ST_OK);
    assert_int_equal(segment_order(PSU_PULLED, LEVER_PIN, true, 3300.0).status, ST_OK);
}

static void a_wrong_code_is_counted_and_asked_again(void **state)
{
    struct device_state s;

    (void)state;
    segment_open();
    (void)segment_wait(PSU_PEC, all_known);
    bench("badpec", PSU_PEC, 1);
    s = segment_wait(PSU_PEC, corrupt);
    assert_int_equal(s.corrupt, 1);
    assert_reading(&s, SIGNAL_PSU_OUTPUT_V, 53.5);
}

static void a_supply_of_the_kernel_is_refused_and_taken_up_when_free(void **state)
{
    struct device_state s;

    (void)state;
    kernel_takes(PSU_KERNEL);
    segment_open();
    s = segment_wait(PSU_KERNEL, busy);
    assert_false(s.identified);
    assert_int_equal(segment_order(PSU_KERNEL, LEVER_PIN, false, 3000.0).status, ST_BUSY);
    (void)segment_wait(PSU_PEC, all_known); /* the others do not mind */
    kernel_gives_back(PSU_KERNEL);
    s = segment_wait(PSU_KERNEL, all_known);
    assert_string_equal(s.serial, "SN0004");
}

static void a_supply_without_a_serial_number_can_be_ordered_about(void **state)
{
    struct device_state s;

    (void)state;
    segment_open();
    s = segment_wait(PSU_BARE, all_known);
    assert_string_equal(s.serial, "");
    assert_int_equal(s.corrupt, 0);
    assert_int_equal(segment_order(PSU_BARE, LEVER_PIN, false, 3008.0).status, ST_OK);
    assert_int_equal(segment_order(PSU_BARE, LEVER_PIN, true, 3300.0).status, ST_OK);
}

static void a_mode_that_is_not_linear_costs_vout_only(void **state)
{
    (void)state;
    segment_open();
    (void)segment_wait(PSU_DIRECT, vout_unknown);
}

/* The adapter is a USB device here: it is taken away and given back. */
static void a_bus_that_goes_away_is_opened_again(void **state)
{
    (void)state;
    segment_open();
    (void)segment_wait(PSU_PEC, all_known);
    shell("for a in /sys/bus/usb/devices/[0-9]*-[0-9]/authorized; do { echo 0 >$a; } & done");
    (void)segment_wait(PSU_PEC, bus_lost);
    (void)segment_wait(PSU_PLAIN, bus_lost);
    shell("sleep 2; for a in /sys/bus/usb/devices/[0-9]*-[0-9]/authorized; do echo 1 >$a; done");
    (void)segment_wait(PSU_PEC, all_known);
    (void)segment_wait(PSU_PLAIN, all_known);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_make, rig_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bytes_words_and_blocks_come_as_they_are),
        TEST(an_answer_without_its_code_is_corrupt),
        TEST(nobody_there_is_a_nack),
        TEST(a_part_that_holds_the_clock_is_a_timeout),
        TEST(a_block_may_be_empty),
        TEST(a_bus_has_one_owner),
        TEST(an_address_of_a_kernel_driver_is_left_alone),
        TEST(code_and_part_change_with_each_read),
        TEST(every_row_of_the_profile_is_read),
        TEST(limits_are_written_read_back_and_put_back),
        TEST(a_supply_that_is_pulled_out_is_silent_and_found_again),
        TEST(a_wrong_code_is_counted_and_asked_again),
        TEST(a_supply_of_the_kernel_is_refused_and_taken_up_when_free),
        TEST(a_supply_without_a_serial_number_can_be_ordered_about),
        TEST(a_mode_that_is_not_linear_costs_vout_only),
        TEST(a_bus_that_goes_away_is_opened_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
