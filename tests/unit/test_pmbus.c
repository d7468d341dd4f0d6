/* SPDX-License-Identifier: Apache-2.0 */
/* test_pmbus.c: PMBus through the socket transport, against a small chip in a thread.
 *
 * The chip speaks the frames of docs/protocols.md and has a packet error code of its
 * own (a table made by long division), so that ours is checked by another's.
 */
#include "field/pmbus.h"

#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "field/smbus.h"

#define CHIP_ADDRESS 0x58
#define PATIENCE_MS 20000

enum { CMD_VOUT_MODE = 0x20, CMD_POUT_WARN = 0x6A, CMD_CML = 0x7E, CMD_VOUT = 0x8B, CMD_PIN = 0x97, CMD_MODEL = 0x9A, CMD_SERIAL = 0x9E };

/* ---- the chip ---- */

struct chip {
    pthread_mutex_t lock;
    pthread_t thread;
    int listen_fd;
    char path[108];
    bool block[256];
    uint8_t size[256];             /* 0: the chip has no such command             */
    uint8_t bytes[256][33];
    uint8_t table[256];
    uint8_t written[40];           /* the last write, as it came over the wire    */
    int32_t written_size;
    int bad_pec, keep_quiet, hang_up;
    atomic_bool stop;
};

static struct chip chip;

static void chip_table(void)
{
    for (unsigned i = 0; i < 256; i++) {
        unsigned rest = i << 8; /* i * x^8 divided by x^8 + x^2 + x + 1 */

        for (unsigned bit = 15; bit >= 8; bit--)
            if (rest & (1u << bit))
                rest ^= 0x107u << (bit - 8);
        chip.table[i] = (uint8_t)rest;
    }
}

static uint8_t chip_crc(uint8_t crc, const uint8_t *bytes, size_t count)
{
    while (count-- > 0)
        crc = chip.table[crc ^ *bytes++];
    return crc;
}

static bool chip_get(int fd, uint8_t *bytes, size_t count)
{
    for (size_t done = 0; done < count;) {
        ssize_t n = recv(fd, bytes + done, count - done, 0);

        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static size_t chip_read(const uint8_t *request, uint8_t *answer)
{
    uint8_t to = (uint8_t)(request[1] << 1), from = (uint8_t)(to | 1), command = request[5], crc;
    size_t count = 0;

    if (chip.block[command])
        answer[count++] = chip.size[command];
    memcpy(answer + count, chip.bytes[command], chip.size[command]);
    count += chip.size[command];
    crc = chip_crc(chip_crc(chip_crc(chip_crc(0, &to, 1), request + 5, request[3]), &from, 1), answer, count);
    if (request[2] & 1)
        answer[count++] = (uint8_t)(crc ^ (chip.bad_pec > 0 ? 0x21 : 0));
    chip.bad_pec -= chip.bad_pec > 0;
    return count;
}

static uint8_t chip_write(const uint8_t *request)
{
    uint8_t to = (uint8_t)(request[1] << 1), command = request[5];
    size_t count = request[3], data;

    memcpy(chip.written, request + 5, count);
    chip.written_size = (int32_t)count;
    if (request[2] & 1) {
        if (chip_crc(chip_crc(0, &to, 1), request + 5, count - 1) != request[5 + count - 1])
            return 1;
        count--;
    }
    data = count - 1;
    if (data > 0)
        memcpy(chip.bytes[command], request + 6, data < 32 ? data : 32);
    return 0;
}

/* One request; false: the connection ends. */
static bool chip_serve(int fd)
{
    uint8_t request[256] = { 0 }, answer[256];
    size_t count = 0;
    bool quiet, hang_up;

    if (!chip_get(fd, request, 1) || !chip_get(fd, request + 1, request[0]))
        return false;
    pthread_mutex_lock(&chip.lock);
    quiet = chip.keep_quiet > 0;
    chip.keep_quiet -= quiet;
    hang_up = chip.hang_up > 0;
    chip.hang_up -= hang_up;
    answer[1] = 0;
    if (request[1] != CHIP_ADDRESS || (request[3] > 0 && chip.size[request[5]] == 0))
        answer[1] = 1;
    else if (request[4] > 0)
        count = chip_read(request, answer + 2);
    else if (request[3] > 0)
        answer[1] = chip_write(request);
    pthread_mutex_unlock(&chip.lock);
    answer[0] = (uint8_t)(1 + count);
    if (hang_up)
        return false;
    return quiet || send(fd, answer, 2 + count, MSG_NOSIGNAL) == (ssize_t)(2 + count);
}

static void *chip_run(void *arg)
{
    (void)arg;
    while (!atomic_load(&chip.stop)) {
        int fd = accept(chip.listen_fd, NULL, NULL);

        while (fd >= 0 && chip_serve(fd))
            continue;
        if (fd >= 0)
            close(fd);
    }
    return NULL;
}

static void chip_set(uint8_t command, bool block, const void *bytes, uint8_t size)
{
    pthread_mutex_lock(&chip.lock);
    chip.block[command] = block;
    chip.size[command] = size;
    memcpy(chip.bytes[command], bytes, size);
    pthread_mutex_unlock(&chip.lock);
}

static void chip_faults(int *fault, int times)
{
    pthread_mutex_lock(&chip.lock);
    *fault = times;
    pthread_mutex_unlock(&chip.lock);
}

static void chip_fault(int *fault)
{
    chip_faults(fault, 1);
}

static char folder[64];
static struct conf_bus bus_conf;

static int chip_make(void **state)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };

    (void)state;
    memset(&chip, 0, sizeof chip);
    (void)strcpy(folder, "/tmp/busbar-pmbus-XXXXXX");
    if (!mkdtemp(folder) || pthread_mutex_init(&chip.lock, NULL) != 0)
        return -1;
    chip_table();
    (void)snprintf(chip.path, sizeof chip.path, "%s/smbus", folder);
    memcpy(at.sun_path, chip.path, strlen(chip.path) + 1);
    chip.listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (chip.listen_fd < 0 || bind(chip.listen_fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(chip.listen_fd, 4) != 0)
        return -1;
    chip_set(CMD_VOUT_MODE, false, "\x17", 1);
    chip_set(CMD_VOUT, false, "\x80\x65", 2);      /* 50.75 V    */
    chip_set(CMD_PIN, false, "\x39\x13", 2);       /* 3300 W     */
    chip_set(CMD_POUT_WARN, false, "\xE8\x0B", 2); /* 2000 W     */
    chip_set(CMD_CML, false, "\0", 1);
    chip_set(CMD_MODEL, true, "EX-PSU 5500", 11);
    chip_set(CMD_SERIAL, true, "SN0042", 6);
    memset(&bus_conf, 0, sizeof bus_conf);
    (void)strcpy(bus_conf.name, "smbus-1");
    memcpy(bus_conf.path, chip.path, strlen(chip.path) + 1);
    bus_conf.kind = CONF_BUS_SMBUS_SOCKET;
    bus_conf.timeout_us = 2000000;
    bus_conf.fast_us = 10000;
    bus_conf.slow_us = 50000;
    return pthread_create(&chip.thread, NULL, chip_run, NULL);
}

/* Whoever still holds a connection has closed it by now. */
static int chip_end(void **state)
{
    char command[96];

    (void)state;
    atomic_store(&chip.stop, true);
    (void)shutdown(chip.listen_fd, SHUT_RDWR);
    (void)pthread_join(chip.thread, NULL);
    close(chip.listen_fd);
    pthread_mutex_destroy(&chip.lock);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* ---- the transport ---- */

static struct smbus *opened(void)
{
    struct smbus *bus = NULL;

    assert_int_equal(smbus_socket_new(&bus_conf, &bus), ST_OK);
    assert_int_equal(bus->ops->open(bus), ST_OK);
    return bus;
}

static void bytes_words_and_blocks_are_read(void **state)
{
    struct smbus *bus = opened();

    (void)state;
    for (int pec = 0; pec <= 1; pec++) {
        uint8_t byte = 0, block[SMBUS_BLOCK_MAX];
        uint16_t word = 0;
        int32_t count = 0;

        assert_int_equal(bus->ops->read_byte(bus, CHIP_ADDRESS, pec != 0, CMD_VOUT_MODE, &byte), ST_OK);
        assert_int_equal(byte, 0x17);
        assert_int_equal(bus->ops->read_word(bus, CHIP_ADDRESS, pec != 0, CMD_VOUT, &word), ST_OK);
        assert_int_equal(word, 0x6580);
        assert_int_equal(bus->ops->read_block(bus, CHIP_ADDRESS, pec != 0, CMD_SERIAL, block, &count), ST_OK);
        assert_int_equal(count, 6);
        assert_memory_equal(block, "SN0042", 6);
    }
    bus->ops->free(bus);
}

/* The bytes of the last write, as they came over the wire. */
static void assert_written(const uint8_t *wire, int32_t count)
{
    pthread_mutex_lock(&chip.lock);
    assert_int_equal(chip.written_size, count);
    assert_memory_equal(chip.written, wire, (size_t)count);
    pthread_mutex_unlock(&chip.lock);
}

static void writes_go_out_with_their_code(void **state)
{
    struct smbus *bus = opened();
    uint8_t wire[] = { CMD_POUT_WARN, 0x34, 0x12, 0 };
    uint8_t to = CHIP_ADDRESS << 1;

    (void)state;
    wire[3] = chip_crc(chip_crc(0, &to, 1), wire, 3);
    assert_int_equal(bus->ops->write_word(bus, CHIP_ADDRESS, true, CMD_POUT_WARN, 0x1234), ST_OK);
    assert_written(wire, 4);
    assert_int_equal(bus->ops->write_word(bus, CHIP_ADDRESS, false, CMD_POUT_WARN, 0x1234), ST_OK);
    assert_written(wire, 3);
    memcpy(wire, (uint8_t[]){ CMD_CML, 0x80, chip_crc(chip_crc(0, &to, 1), (uint8_t[]){ CMD_CML, 0x80 }, 2) }, 3);
    assert_int_equal(bus->ops->write_byte(bus, CHIP_ADDRESS, true, CMD_CML, 0x80), ST_OK);
    assert_written(wire, 3);
    wire[1] = chip_crc(chip_crc(0, &to, 1), wire, 1);
    assert_int_equal(bus->ops->send_byte(bus, CHIP_ADDRESS, true, CMD_CML), ST_OK);
    assert_written(wire, 2);
    assert_int_equal(bus->ops->write_block(bus, CHIP_ADDRESS, false, CMD_SERIAL, (const uint8_t *)"AB", 2), ST_OK);
    assert_written((const uint8_t *)"\x9E\x02" "AB", 4);
    assert_int_equal(bus->ops->quick(bus, CHIP_ADDRESS, true), ST_OK);
    bus->ops->free(bus);
}

static void what_can_go_wrong_has_a_name(void **state)
{
    struct smbus *bus = opened();
    uint16_t word = 0x4711;

    (void)state;
    assert_int_equal(bus->ops->read_word(bus, 0x59, true, CMD_VOUT, &word), ST_NACK);
    assert_int_equal(bus->ops->read_word(bus, CHIP_ADDRESS, true, 0x11, &word), ST_NACK);
    chip_fault(&chip.bad_pec);
    assert_int_equal(bus->ops->read_word(bus, CHIP_ADDRESS, true, CMD_VOUT, &word), ST_CORRUPT);
    assert_int_equal(word, 0x4711);
    assert_int_equal(bus->ops->read_word(bus, CHIP_ADDRESS, true, CMD_VOUT, &word), ST_OK);
    assert_int_equal(word, 0x6580);
    chip_set(CMD_VOUT, false, "\x80\x65\x01", 3); /* longer than a word */
    assert_int_equal(bus->ops->read_word(bus, CHIP_ADDRESS, true, CMD_VOUT, &word), ST_CORRUPT);
    bus->ops->free(bus);
}

static void a_late_answer_is_never_taken_for_the_next(void **state)
{
    struct smbus *bus;
    uint16_t word = 0;

    (void)state;
    bus_conf.timeout_us = 20000;
    bus = opened();
    chip_fault(&chip.keep_quiet);
    assert_int_equal(bus->ops->read_word(bus, CHIP_ADDRESS, true, CMD_VOUT, &word), ST_TIMEOUT);
    bus->ops->free(bus);
    bus_conf.timeout_us = 2000000;
    bus = opened();
    assert_int_equal(bus->ops->read_word(bus, CHIP_ADDRESS, true, CMD_PIN, &word), ST_OK);
    assert_int_equal(word, 0x1339);
    chip_fault(&chip.hang_up);
    assert_int_equal(bus->ops->read_word(bus, CHIP_ADDRESS, true, CMD_VOUT, &word), ST_SYS);
    assert_int_equal(bus->ops->read_word(bus, CHIP_ADDRESS, true, CMD_VOUT, &word), ST_OK);
    assert_int_equal(word, 0x6580);
    bus->ops->free(bus);
}

/* What can be seen of the i2c-dev transport without a bus. */
static void a_node_that_is_no_bus_or_in_use_is_not_opened(void **state)
{
    struct smbus *bus = NULL;
    int fd;

    (void)state;
    (void)snprintf(bus_conf.path, sizeof bus_conf.path, "%s/i2c-7", folder);
    assert_int_equal(smbus_linux_new(&bus_conf, &bus), ST_OK);
    assert_int_equal(bus->ops->open(bus), ST_SYS); /* not there */
    fd = open(bus_conf.path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(bus->ops->open(bus), ST_SYS); /* an ordinary file */
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0); /* whose lock was not kept */
    assert_int_equal(bus->ops->open(bus), ST_BUSY);
    close(fd);
    bus->ops->free(bus);
}

/* ---- the whole segment, with its worker ---- */

enum { ROW_MODEL, ROW_SERIAL, ROW_OUT, ROW_PIN, ROW_ABSENT, ROW_WARN, ROWS };

static struct profile_row rows[ROWS];
static struct profile profile;
static struct conf_device device;
static struct conf conf;
static struct adapter adapter;
static struct mailbox *stats;
static int notify_fd;

static void row_set(int32_t row, int32_t command, enum row_type type, enum signal signal, int32_t bytes)
{
    rows[row] = (struct profile_row){
        .address = ROW_NONE, .command = command, .type = type, .scale = 1, .signal = signal, .text_bytes = bytes,
        .write = { .gate = ROW_NONE, .enable = ROW_NONE, .timeout = ROW_NONE, .readback = row },
    };
    device.readings[row] = (struct conf_reading){ .row = row, .poll = POLL_FAST, .point = CORE_NONE };
}

static struct pmbus *segment_start(void)
{
    struct adapter *list[] = { &adapter };
    struct pmbus_options opt = { .bus = &bus_conf, .adapters = list, .adapter_count = 1 };
    struct pmbus *pmbus = NULL;

    memset(&device, 0, sizeof device);
    memset(&adapter, 0, sizeof adapter);
    row_set(ROW_MODEL, CMD_MODEL, ROW_TEXT, SIGNAL_DEVICE_MODEL, 32);
    row_set(ROW_SERIAL, CMD_SERIAL, ROW_TEXT, SIGNAL_DEVICE_SERIAL, 32);
    row_set(ROW_OUT, CMD_VOUT, ROW_ULINEAR16, SIGNAL_PSU_OUTPUT_V, 0);
    row_set(ROW_PIN, CMD_PIN, ROW_LINEAR11, SIGNAL_PSU_INPUT_W, 0);
    row_set(ROW_ABSENT, 0x8D, ROW_LINEAR11, SIGNAL_PSU_INLET_C, 0);
    row_set(ROW_WARN, CMD_POUT_WARN, ROW_LINEAR11, SIGNAL_PSU_OUTPUT_WARN_W, 0);
    rows[ROW_WARN].writable = true;
    rows[ROW_WARN].write.min = 96;
    rows[ROW_WARN].write.max = 32736;
    rows[ROW_WARN].write.step = 32;
    profile = (struct profile){
        .name = "pmbus", .match_address = ROW_NONE, .match_command = CMD_MODEL, .match_text = "EX-*", .pec = true,
        .row_count = ROWS, .rows = rows,
    };
    (void)strcpy(device.name, "psu-1");
    device.address = CHIP_ADDRESS;
    device.reading_count = ROWS;
    device.lever_count = 1;
    device.levers[0].row = ROW_WARN;
    (void)strcpy(conf.state_dir, folder);
    adapter = (struct adapter){ .conf = &conf, .device = &device, .profile = &profile };
    assert_int_equal(adapter_init(&adapter), ST_OK);
    assert_int_equal(mailbox_new(sizeof(struct field_bus_stats), &stats), ST_OK);
    notify_fd = eventfd(0, EFD_CLOEXEC);
    assert_true(notify_fd >= 0);
    mailbox_set_notify(adapter.to_tick, notify_fd);
    opt.stats = stats;
    assert_int_equal(pmbus_new(&opt, &pmbus), ST_OK);
    return pmbus;
}

static void segment_stop(struct pmbus *pmbus)
{
    pmbus_free(pmbus);
    close(notify_fd);
    adapter_done(&adapter);
    mailbox_free(stats);
}

/* Each state as it is published, until one is as wanted. */
static struct device_state wait_for(bool (*wanted)(const struct device_state *))
{
    struct device_state now = { 0 };
    struct pollfd fd = { .fd = notify_fd, .events = POLLIN };
    uint64_t count;

    while (!wanted(&now)) {
        assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
        assert_int_equal(read(notify_fd, &count, sizeof count), (ssize_t)sizeof count);
        (void)mailbox_get(adapter.to_tick, &now);
    }
    return now;
}

static bool all_read(const struct device_state *s)
{
    for (int32_t i = 0; i < ROWS; i++)
        if (s->readings[i].status != (i == ROW_ABSENT ? ST_ABSENT : ST_OK) || s->readings[i].sequence == 0)
            return false;
    return s->identified;
}

static bool acked(const struct device_state *s)
{
    return s->acks[0].number == 1;
}

static bool corrupt(const struct device_state *s)
{
    return s->corrupt > 0;
}

static bool vout_refused(const struct device_state *s)
{
    return s->identified && s->readings[ROW_OUT].status == ST_RANGE && s->readings[ROW_PIN].status == ST_OK &&
           s->readings[ROW_PIN].sequence > 0;
}

static bool line_down(const struct device_state *s)
{
    return s->sequence > 0 && s->readings[ROW_OUT].status == ST_SYS;
}

static void a_supply_is_read_and_told(void **state)
{
    struct pmbus *pmbus = segment_start();
    struct device_orders orders = { .levers = { { .number = 1, .op = DEVICE_OP_SET, .value = 3315, .lease_end_us = INT64_MAX } } };
    struct original original;
    struct device_state s = wait_for(all_read);

    (void)state;
    assert_string_equal(s.model, "EX-PSU 5500");
    assert_string_equal(s.serial, "SN0042");
    assert_true(s.readings[ROW_OUT].value == 50.75);
    assert_true(s.readings[ROW_PIN].value == 3300);
    assert_true(s.readings[ROW_WARN].value == 2000);
    mailbox_put(adapter.from_tick, &orders);
    s = wait_for(acked);
    assert_int_equal(s.acks[0].status, ST_OK);
    assert_true(s.acks[0].readback == 3296); /* a multiple of 32 */
    assert_int_equal(field_originals_read(folder, "psu-1", &original, 1), 1);
    assert_true(original.value == 2000);
    assert_string_equal(original.serial, "SN0042");
    segment_stop(pmbus);
}

static void a_wrong_code_is_counted_and_read_again(void **state)
{
    struct pmbus *pmbus;
    struct device_state s;

    (void)state;
    bus_conf.retry_max = 1;
    pmbus = segment_start();
    (void)wait_for(all_read);
    chip_fault(&chip.bad_pec);
    s = wait_for(corrupt);
    assert_true(s.identified);
    (void)wait_for(all_read);
    segment_stop(pmbus);
}

static void a_lost_connection_is_made_again(void **state)
{
    struct pmbus *pmbus = segment_start();

    (void)state;
    (void)wait_for(all_read);
    chip_faults(&chip.hang_up, INT_MAX); /* down until it was seen: a mailbox keeps the latest alone */
    (void)wait_for(line_down);
    chip_faults(&chip.hang_up, 0);
    (void)wait_for(all_read);
    segment_stop(pmbus);
}

static void vout_without_a_known_mode_is_out_of_range(void **state)
{
    struct pmbus *pmbus;
    struct device_state s;

    (void)state;
    chip_set(CMD_VOUT_MODE, false, "\x40", 1); /* DIRECT */
    pmbus = segment_start();
    s = wait_for(vout_refused);
    assert_true(isnan(s.readings[ROW_OUT].value));
    segment_stop(pmbus);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, chip_make, chip_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bytes_words_and_blocks_are_read),
        TEST(writes_go_out_with_their_code),
        TEST(what_can_go_wrong_has_a_name),
        TEST(a_late_answer_is_never_taken_for_the_next),
        TEST(a_node_that_is_no_bus_or_in_use_is_not_opened),
        TEST(a_supply_is_read_and_told),
        TEST(a_wrong_code_is_counted_and_read_again),
        TEST(a_lost_connection_is_made_again),
        TEST(vout_without_a_known_mode_is_out_of_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
