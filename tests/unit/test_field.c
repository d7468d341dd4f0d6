/* SPDX-License-Identifier: Apache-2.0 */
/* test_field.c: from a device's registers to the core's inputs, and from its orders back.
 *
 * The device is a Modbus TCP server in a thread, on libmodbus's server side.
 */
#include "busbar/field.h"

#include <math.h>
#include <modbus/modbus.h>
#include <netinet/in.h>
#include <poll.h>
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
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "busbar/conf.h"

#define PATIENCE_MS 20000
#define SETPOINT 0x67
#define WATT 0x52

enum { ROW_MODEL, ROW_SERIAL, ROW_WATT, ROW_SETPOINT, ROWS };
enum { POINT_WATT, POINT_SETPOINT, POINTS };

/* ---- the device ---- */

static struct {
    pthread_t thread;
    modbus_t *ctx;
    modbus_mapping_t *map;
    int listen_fd;
    atomic_bool stop;
} device;

static void device_text(int at, const char *text)
{
    for (int i = 0; i < 8; i++)
        device.map->tab_registers[at + i] = 0;
    for (size_t i = 0; i < strlen(text); i++)
        device.map->tab_registers[at + (int)i / 2] |= (uint16_t)(i % 2 == 0 ? text[i] << 8 : text[i]);
}

static void *device_run(void *arg)
{
    uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH];

    while (!atomic_load(&device.stop)) {
        if (modbus_tcp_accept(device.ctx, &device.listen_fd) < 0)
            break;
        for (;;) {
            int size = modbus_receive(device.ctx, request);

            if (size < 0 || (size > 0 && modbus_reply(device.ctx, request, size, device.map) < 0))
                break;
        }
        modbus_close(device.ctx);
    }
    return arg;
}

static int32_t device_start(void)
{
    struct sockaddr_in at;
    socklen_t size = sizeof at;

    device.ctx = modbus_new_tcp("127.0.0.1", 0);
    device.map = modbus_mapping_new(0, 0, 0x100, 0);
    assert_non_null(device.ctx);
    assert_non_null(device.map);
    device_text(0x08, "EX-1");
    device_text(0x18, "SN-A");
    device.map->tab_registers[WATT] = 8000;
    device.map->tab_registers[SETPOINT] = 50 * 1024;
    device.listen_fd = modbus_tcp_listen(device.ctx, 4);
    assert_true(device.listen_fd >= 0);
    assert_int_equal(getsockname(device.listen_fd, (struct sockaddr *)&at, &size), 0);
    atomic_store(&device.stop, false);
    assert_int_equal(pthread_create(&device.thread, NULL, device_run, NULL), 0);
    return ntohs(at.sin_port);
}

static void device_stop(void)
{
    atomic_store(&device.stop, true);
    (void)shutdown(device.listen_fd, SHUT_RDWR);
    assert_int_equal(pthread_join(device.thread, NULL), 0);
    close(device.listen_fd);
    modbus_mapping_free(device.map);
    modbus_free(device.ctx);
}

/* ---- the configuration ---- */

static struct conf conf;
static struct conf_bus buses[2];
static struct conf_device devices[2];
static struct profile profile;
static struct profile_row rows[ROWS];
static struct core_outputs *outputs;
static char folder[64];
static int notify_fd;

static void row_set(int32_t row, int32_t address, enum row_type type, double scale, enum signal signal)
{
    rows[row] = (struct profile_row){
        .address = address, .command = ROW_NONE, .type = type, .scale = scale, .signal = signal, .text_bytes = 16,
        .write = { .gate = ROW_NONE, .enable = ROW_NONE, .timeout = ROW_NONE, .readback = row },
    };
}

static void conf_rows(void)
{
    row_set(ROW_MODEL, 0x08, ROW_TEXT, 1, SIGNAL_DEVICE_MODEL);
    row_set(ROW_SERIAL, 0x18, ROW_TEXT, 1, SIGNAL_DEVICE_SERIAL);
    row_set(ROW_WATT, WATT, ROW_U16, 0.125, SIGNAL_PSU_OUTPUT_W);
    row_set(ROW_SETPOINT, SETPOINT, ROW_U16, 1.0 / 1024, SIGNAL_PSU_OUTPUT_SETPOINT_V);
    rows[ROW_SETPOINT].writable = true;
    rows[ROW_SETPOINT].write.min = 50.0;
    rows[ROW_SETPOINT].write.max = 51.5;
    profile = (struct profile){
        .name = "ex", .match_address = 0x08, .match_command = ROW_NONE, .match_text = "EX-*", .span_max = 32,
        .row_count = ROWS, .rows = rows,
    };
}

/* Device 0 is there, device 1 on a line that is not. */
static int conf_make(void **state)
{
    (void)state;
    (void)strcpy(folder, "/tmp/busbar-field-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    memset(&conf, 0, sizeof conf);
    memset(devices, 0, sizeof devices);
    conf_rows();
    (void)strcpy(conf.state_dir, folder);
    buses[0] = (struct conf_bus){ .name = "tcp-1", .kind = CONF_BUS_MODBUS_TCP, .host = "127.0.0.1", .timeout_us = 2000000,
                                  .fast_us = 10000, .slow_us = 20000 };
    buses[0].port = device_start();
    buses[1] = (struct conf_bus){ .name = "line-1", .kind = CONF_BUS_MODBUS_RTU, .path = "/nonexistent/tty", .baud = 19200,
                                  .parity = 'N', .stop_bits = 1, .timeout_us = 100000, .fast_us = 10000, .slow_us = 20000 };
    for (int32_t d = 0; d < 2; d++) {
        (void)snprintf(devices[d].name, sizeof devices[d].name, "psu-%d", (int)d);
        devices[d].bus = d;
        devices[d].address = 1;
        devices[d].reading_count = ROWS;
        for (int32_t r = 0; r < ROWS; r++)
            devices[d].readings[r] = (struct conf_reading){ .row = r, .signal = rows[r].signal, .poll = POLL_FAST, .point = CORE_NONE };
        devices[d].lever_count = 1;
        devices[d].levers[0] = (struct conf_lever){ .row = ROW_SETPOINT, .signal = SIGNAL_PSU_OUTPUT_SETPOINT_V, .lever = 1 - d };
    }
    devices[0].readings[ROW_WATT].point = POINT_WATT;
    devices[0].readings[ROW_SETPOINT].point = POINT_SETPOINT;
    conf.bus_count = conf.device_count = 2;
    conf.profile_count = 1;
    conf.buses = buses;
    conf.devices = devices;
    conf.profiles = &profile;
    conf.core.lever_count = 2;
    conf.core.point_count = POINTS;
    conf.core.device_count = 2;
    outputs = calloc(1, core_outputs_size(&conf.core));
    notify_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!outputs || notify_fd < 0)
        return -1;
    core_outputs_init(outputs, &conf.core);
    return 0;
}

static int conf_end(void **state)
{
    char command[96];

    (void)state;
    device_stop();
    free(outputs);
    close(notify_fd);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static struct field *field_open(bool read_only)
{
    struct field_options opt = { .conf = &conf, .tick_notify_fd = notify_fd, .read_only = read_only };
    struct field *field = NULL;

    assert_int_equal(field_new(&opt, &field), ST_OK);
    return field;
}

/* The next inputs in which something is new. */
static void collect(struct field *field, struct core_inputs *in)
{
    struct pollfd fd = { .fd = notify_fd, .events = POLLIN };

    for (;;) {
        uint64_t count;

        field_collect(field, in);
        if (in->reading_count + in->ack_count + in->identity_count > 0)
            return;
        assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
        assert_int_equal(read(notify_fd, &count, sizeof count), (ssize_t)sizeof count);
    }
}

static double wait_reading(struct field *field, int32_t point)
{
    for (;;) {
        struct core_inputs in = { 0 };

        collect(field, &in);
        for (int32_t i = 0; i < in.reading_count; i++) {
            assert_in_range(in.readings[i].point, 0, POINTS - 1);
            if (in.readings[i].point == point && in.readings[i].status == ST_OK)
                return in.readings[i].value;
        }
    }
}

static uint32_t wait_identity(struct field *field)
{
    for (;;) {
        struct core_inputs in = { 0 };

        collect(field, &in);
        if (in.identity_count > 0) {
            assert_int_equal(in.identities[0].device, 0);
            return in.identities[0].serial_hash;
        }
    }
}

static struct core_ack wait_ack(struct field *field, int32_t lever)
{
    for (;;) {
        struct core_inputs in = { 0 };

        collect(field, &in);
        for (int32_t i = 0; i < in.ack_count; i++)
            if (in.acks[i].lever == lever)
                return in.acks[i];
    }
}

static void publish(struct field *field, int32_t lever, uint64_t number, bool release, double value)
{
    struct core_order *orders = (struct core_order *)(void *)((char *)outputs + outputs->orders_at);

    orders[0] = (struct core_order){
        .lever = lever, .number = number, .release = release, .value = value, .lease_end_us = CORE_FOREVER,
    };
    outputs->order_count = 1;
    field_publish(field, outputs);
    outputs->order_count = 0;
    field_publish(field, outputs); /* nothing wanted changes nothing */
}

static void readings_with_a_point_reach_the_core(void **state)
{
    struct field *field = field_open(false);
    struct device_state s;

    (void)state;
    assert_true(wait_reading(field, POINT_WATT) == 1000.0);
    assert_true(wait_reading(field, POINT_SETPOINT) == 50.0);
    assert_true(field_device(field, 0, &s));
    assert_true(field_device(field, 0, &s)); /* the last one stays */
    assert_string_equal(s.serial, "SN-A");
    assert_true(field_device(field, 1, &s));
    assert_false(s.reachable);
    assert_int_equal(s.readings[ROW_WATT].status, ST_SYS);
    field_free(field);
}

static void a_serial_number_is_told_once_and_when_it_changes(void **state)
{
    struct field *field = field_open(false);
    uint32_t first = wait_identity(field);
    struct core_inputs in = { 0 };

    (void)state;
    for (int i = 0; i < 20; i++) {
        collect(field, &in);
        assert_int_equal(in.identity_count, 0);
    }
    device_text(0x18, "SN-B");
    assert_int_not_equal(wait_identity(field), first);
    field_free(field);
}

static void orders_reach_the_lever_they_are_for(void **state)
{
    struct field *field = field_open(false);
    struct core_ack ack;

    (void)state;
    (void)wait_reading(field, POINT_SETPOINT);
    publish(field, 1, 7, false, 50.5); /* lever 1 of the core is device 0 */
    ack = wait_ack(field, 1);
    assert_int_equal(ack.status, ST_OK);
    assert_int_equal(ack.number, 7);
    assert_true(ack.readback == 50.5);
    assert_true(ack.dispatched_us > 0 && ack.done_us >= ack.dispatched_us);
    assert_int_equal(device.map->tab_registers[SETPOINT], 50.5 * 1024);
    publish(field, 0, 1, false, 50.5); /* device 1 is not there */
    ack = wait_ack(field, 0);
    assert_int_equal(ack.status, ST_BUSY);
    publish(field, 1, 8, true, 50.0);
    ack = wait_ack(field, 1);
    assert_int_equal(ack.status, ST_OK);
    assert_int_equal(device.map->tab_registers[SETPOINT], 50 * 1024);
    field_free(field);
}

static void a_read_only_field_writes_nothing(void **state)
{
    struct field *field = field_open(true);

    (void)state;
    (void)wait_reading(field, POINT_SETPOINT);
    publish(field, 1, 1, false, 50.5);
    assert_int_equal(wait_ack(field, 1).status, ST_REFUSED);
    publish(field, 0, 1, false, 50.5);
    assert_int_equal(wait_ack(field, 0).status, ST_REFUSED);
    assert_int_equal(device.map->tab_registers[SETPOINT], 50 * 1024);
    field_free(field);
}

static void a_bus_says_how_it_does(void **state)
{
    struct field *field = field_open(false);
    struct field_bus_stats stats = { 0 };

    (void)state;
    while (stats.transactions < 10) {
        (void)wait_reading(field, POINT_WATT);
        (void)field_bus(field, 0, &stats);
    }
    assert_true(stats.open);
    assert_true(stats.latency.count == stats.transactions);
    assert_true(field_bus(field, 1, &stats));
    assert_false(stats.open);
    field_free(field);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, conf_make, conf_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(readings_with_a_point_reach_the_core),
        TEST(a_serial_number_is_told_once_and_when_it_changes),
        TEST(orders_reach_the_lever_they_are_for),
        TEST(a_read_only_field_writes_nothing),
        TEST(a_bus_says_how_it_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
