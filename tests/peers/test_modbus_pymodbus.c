/* SPDX-License-Identifier: Apache-2.0 */
/* test_modbus_pymodbus.c: the Modbus adapter against a stack in another language.
 *
 * modbus_peer.py serves an ORv3-HPR supply and battery with pymodbus, on a pty pair of
 * socat's and over TCP; the whole field runs on it with the profiles of config/profiles.
 * Skipped where python3-pymodbus or socat is missing.
 */
#include "busbar/field.h"

#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "busbar/clock.h"
#include "busbar/conf.h"

#define PYTHON "/usr/bin/python3"
#define SKIP_STATUS 77
#define PATIENCE_US INT64_C(30000000)
#define PATIENCE_MS 30000
#define STEP_MS 5
#define PSU 0x90
#define BBU 0x30

enum { DEVICE_PSU, DEVICE_BBU, DEVICES };
enum { LEVER_SETPOINT, LEVER_CURRENT, LEVERS };

extern char **environ;

static struct {
    pid_t socat, peer;
    int input, output;             /* of the peer                                 */
    int32_t port;
    char folder[64], near[96], far[96];
    struct conf conf;
    struct conf_bus bus;
    struct conf_device devices[DEVICES];
    struct profile profiles[DEVICES];
    struct core_outputs *outputs;
    struct field *field;
} rig;

/* ---- other programs ---- */

static pid_t rig_spawn(char *const argv[], int in, int out)
{
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;

    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    if (in >= 0)
        assert_int_equal(posix_spawn_file_actions_adddup2(&actions, in, 0), 0);
    if (out >= 0)
        assert_int_equal(posix_spawn_file_actions_adddup2(&actions, out, 1), 0);
    if (posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ) != 0)
        pid = -1;
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

static bool rig_has(char *const argv[])
{
    int status = -1, null = open("/dev/null", O_RDWR | O_CLOEXEC);
    pid_t pid = rig_spawn(argv, null, null);

    close(null);
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static void rig_end(pid_t *pid)
{
    if (*pid > 0) {
        (void)kill(*pid, SIGTERM);
        (void)waitpid(*pid, NULL, 0);
    }
    *pid = 0;
}

/* One line of the peer. */
static void rig_line(char *line, size_t room)
{
    struct pollfd fd = { .fd = rig.output, .events = POLLIN };
    size_t used = 0;

    for (;;) {
        assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
        assert_int_equal(read(rig.output, line + used, 1), 1);
        if (line[used] == '\n')
            break;
        assert_true(++used < room);
    }
    line[used] = '\0';
}

static const char *rig_ask(const char *format, ...)
{
    static char answer[1024];
    char line[128];
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    assert_int_equal(write(rig.input, line, (size_t)length), length);
    rig_line(answer, sizeof answer);
    return answer;
}

static void rig_start_socat(void)
{
    char a[128], b[128];
    char *argv[] = { (char *)"socat", a, b, NULL };
    int64_t until_us = clock_now_us() + PATIENCE_US;

    (void)snprintf(a, sizeof a, "pty,raw,echo=0,link=%s", rig.near);
    (void)snprintf(b, sizeof b, "pty,raw,echo=0,link=%s", rig.far);
    rig.socat = rig_spawn(argv, -1, -1);
    assert_true(rig.socat > 0);
    while (access(rig.near, F_OK) != 0 || access(rig.far, F_OK) != 0) {
        assert_true(clock_now_us() < until_us);
        (void)poll(NULL, 0, STEP_MS);
    }
}

static void rig_start_peer(void)
{
    char script[256], ready[64], port[16];
    char *argv[] = { (char *)PYTHON, script, (char *)"--rtu", rig.far, (char *)"--port", port, NULL };
    const char *source = getenv("BUSBAR_SOURCE");
    int in[2], out[2];

    (void)snprintf(script, sizeof script, "%s/tests/peers/modbus_peer.py", source ? source : ".");
    (void)snprintf(port, sizeof port, "%d", (int)rig.port); /* the second time the same */
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    rig.peer = rig_spawn(argv, in[0], out[1]);
    assert_true(rig.peer > 0);
    close(in[0]);
    close(out[1]);
    rig.input = in[1];
    rig.output = out[0];
    rig_line(ready, sizeof ready);
    assert_int_equal(sscanf(ready, "ready %d", &rig.port), 1);
}

static void rig_stop_peer(void)
{
    rig_end(&rig.peer);
    close(rig.input);
    close(rig.output);
}

/* ---- the field ---- */

static void rig_profile(int32_t device, const char *name)
{
    char path[256];
    struct conf_errors errors = { 0 };
    const char *source = getenv("BUSBAR_SOURCE");
    struct conf_device *d = &rig.devices[device];
    struct profile *p = &rig.profiles[device];

    (void)snprintf(path, sizeof path, "%s/config/profiles/%s.yaml", source ? source : ".", name);
    if (profile_load(path, p, &errors) != ST_OK) {
        conf_errors_print(&errors, stderr);
        fail();
    }
    conf_errors_done(&errors);
    d->profile = device;
    d->reading_count = 0;
    for (int32_t r = 0; r < p->row_count; r++)
        if (p->rows[r].poll != POLL_NEVER)
            d->readings[d->reading_count++] = (struct conf_reading){
                .row = r, .signal = p->rows[r].signal, .index = p->rows[r].index, .poll = p->rows[r].poll, .point = CORE_NONE,
            };
}

static void rig_lever(int32_t device, int32_t lever, enum signal signal)
{
    const struct profile *p = &rig.profiles[device];

    for (int32_t r = 0; r < p->row_count; r++)
        if (p->rows[r].signal == signal)
            rig.devices[device].levers[0] = (struct conf_lever){ .row = r, .signal = signal, .lever = lever };
    rig.devices[device].lever_count = 1;
}

static int rig_make(void **state)
{
    (void)state;
    memset(&rig, 0, sizeof rig);
    (void)strcpy(rig.folder, "/tmp/busbar-modbus-XXXXXX");
    if (!mkdtemp(rig.folder))
        return -1;
    (void)snprintf(rig.near, sizeof rig.near, "%s/near", rig.folder);
    (void)snprintf(rig.far, sizeof rig.far, "%s/far", rig.folder);
    rig_start_socat();
    rig_start_peer();
    rig_profile(DEVICE_PSU, "hpr-psu");
    rig_profile(DEVICE_BBU, "hpr-bbu");
    rig_lever(DEVICE_PSU, LEVER_SETPOINT, SIGNAL_PSU_OUTPUT_SETPOINT_V);
    rig_lever(DEVICE_BBU, LEVER_CURRENT, SIGNAL_BBU_CHARGE_LIMIT_A);
    (void)strcpy(rig.devices[DEVICE_PSU].name, "psu-1-1");
    (void)strcpy(rig.devices[DEVICE_BBU].name, "bbu-1-1");
    rig.devices[DEVICE_PSU].address = PSU;
    rig.devices[DEVICE_BBU].address = BBU;
    rig.bus = (struct conf_bus){
        .name = "line-1", .kind = CONF_BUS_MODBUS_RTU, .baud = 115200, .parity = 'N', .stop_bits = 1, .host = "127.0.0.1",
        .port = rig.port, .timeout_us = 3000000, .retry_max = 1, .fast_us = 50000, .slow_us = 250000,
    };
    (void)strcpy(rig.bus.path, rig.near);
    (void)strcpy(rig.conf.state_dir, rig.folder);
    rig.conf.bus_count = 1;
    rig.conf.buses = &rig.bus;
    rig.conf.device_count = DEVICES;
    rig.conf.devices = rig.devices;
    rig.conf.profile_count = DEVICES;
    rig.conf.profiles = rig.profiles;
    rig.conf.core.lever_count = LEVERS;
    rig.conf.core.device_count = DEVICES;
    rig.outputs = calloc(1, core_outputs_size(&rig.conf.core));
    if (!rig.outputs)
        return -1;
    core_outputs_init(rig.outputs, &rig.conf.core);
    return 0;
}

static int rig_free(void **state)
{
    char command[96];

    (void)state;
    rig.field = field_free(rig.field);
    rig_stop_peer();
    rig_end(&rig.socat);
    for (int32_t d = 0; d < DEVICES; d++)
        profile_done(&rig.profiles[d]);
    free(rig.outputs);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", rig.folder);
    return system(command);
}

static void rig_open(enum conf_bus_kind kind)
{
    struct field_options opt = { .conf = &rig.conf, .tick_notify_fd = -1 };

    rig.bus.kind = kind;
    assert_int_equal(field_new(&opt, &rig.field), ST_OK);
}

typedef bool (*rig_wanted)(const struct device_state *s);

static struct device_state rig_wait(int32_t device, rig_wanted wanted)
{
    int64_t until_us = clock_now_us() + PATIENCE_US;
    struct device_state s;

    while (!field_device(rig.field, device, &s) || !wanted(&s)) {
        if (clock_now_us() >= until_us)
            fail_msg("device %d did not get there", (int)device);
        (void)poll(NULL, 0, STEP_MS);
    }
    return s;
}

static struct device_ack rig_order(int32_t device, int32_t lever, uint64_t number, bool release, double value)
{
    struct core_order *order = (struct core_order *)(void *)((char *)rig.outputs + rig.outputs->orders_at);
    int64_t until_us = clock_now_us() + PATIENCE_US;
    struct core_inputs in;
    struct device_state s;

    *order = (struct core_order){
        .lever = lever, .number = number, .release = release, .value = value, .lease_end_us = CORE_FOREVER,
        .timeout_us = lever == LEVER_CURRENT ? 60000000 : 0,
    };
    rig.outputs->order_count = 1;
    field_collect(rig.field, &in);
    field_publish(rig.field, rig.outputs);
    while (!field_device(rig.field, device, &s) || s.acks[0].number != number) {
        assert_true(clock_now_us() < until_us);
        (void)poll(NULL, 0, STEP_MS);
    }
    return s.acks[0];
}

static const struct device_reading *rig_reading(const struct device_state *s, int32_t device, enum signal signal)
{
    const struct conf_device *d = &rig.devices[device];

    for (int32_t i = 0; i < d->reading_count; i++)
        if (d->readings[i].signal == signal)
            return &s->readings[i];
    fail_msg("no reading of %s", signal_name(signal));
    return NULL;
}

/* ---- what is waited for ---- */

static bool all_ok(const struct device_state *s)
{
    for (int32_t i = 0; i < s->reading_count; i++)
        if (s->readings[i].status != ST_OK)
            return false;
    return s->identified && s->reachable;
}

static bool all_ok_or_absent(const struct device_state *s)
{
    int32_t absent = 0;

    for (int32_t i = 0; i < s->reading_count; i++) {
        absent += s->readings[i].status == ST_ABSENT;
        if (s->readings[i].status != ST_OK && s->readings[i].status != ST_ABSENT)
            return false;
    }
    return absent == 1 && s->reachable;
}

static bool unreachable(const struct device_state *s)
{
    return !s->reachable && s->timeouts > 0;
}

static bool line_lost(const struct device_state *s)
{
    for (int32_t i = 0; i < s->reading_count; i++)
        if (s->readings[i].status != ST_SYS)
            return false;
    return true;
}

static void check_values(void)
{
    struct device_state s = rig_wait(DEVICE_PSU, all_ok);

    assert_string_equal(s.model, "PEER-PSU-5500");
    assert_string_equal(s.serial, "PSU-SN-1");
    assert_string_equal(s.firmware, "01.02");
    assert_true(rig_reading(&s, DEVICE_PSU, SIGNAL_PSU_OUTPUT_V)->value == 49.5);
    assert_true(rig_reading(&s, DEVICE_PSU, SIGNAL_PSU_OUTPUT_A)->value == 50.0);
    assert_true(rig_reading(&s, DEVICE_PSU, SIGNAL_PSU_OUTPUT_W)->value == 2475.0);
    assert_true(rig_reading(&s, DEVICE_PSU, SIGNAL_PSU_INPUT_W)->value == 2560.0);
    assert_true(rig_reading(&s, DEVICE_PSU, SIGNAL_PSU_INPUT_HZ)->value == 50.0);
    assert_true(rig_reading(&s, DEVICE_PSU, SIGNAL_PSU_OUTPUT_SETPOINT_V)->value == 50.0);
    assert_true(rig_reading(&s, DEVICE_PSU, SIGNAL_DEVICE_CLOCK_S)->value == 1731727924.0);
    s = rig_wait(DEVICE_BBU, all_ok);
    assert_string_equal(s.serial, "BBU-SN-1");
    assert_true(fabs(rig_reading(&s, DEVICE_BBU, SIGNAL_BBU_SOC_RATIO)->value - 0.97) < 1e-9);
    assert_true(fabs(rig_reading(&s, DEVICE_BBU, SIGNAL_BBU_PACK_V)->value - 47.8) < 1e-9);
    assert_true(fabs(rig_reading(&s, DEVICE_BBU, SIGNAL_BBU_PACK_A)->value + 0.1) < 1e-9);
    assert_true(fabs(rig_reading(&s, DEVICE_BBU, SIGNAL_BBU_CHARGE_LIMIT_A)->value - 5.7) < 1e-9);
}

/* ---- the tests ---- */

static void every_row_is_read_over_rtu(void **state)
{
    (void)state;
    rig_open(CONF_BUS_MODBUS_RTU);
    check_values();
}

static void every_row_is_read_over_tcp(void **state)
{
    (void)state;
    rig_open(CONF_BUS_MODBUS_TCP);
    check_values();
}

static void a_set_point_is_written_behind_its_gate_and_put_back(void **state)
{
    struct device_ack ack;

    (void)state;
    rig_open(CONF_BUS_MODBUS_RTU);
    (void)rig_wait(DEVICE_PSU, all_ok);
    assert_string_equal(rig_ask("writes %x\n", PSU), "none");
    ack = rig_order(DEVICE_PSU, LEVER_SETPOINT, 1, false, 50.5);
    assert_int_equal(ack.status, ST_OK);
    assert_true(ack.readback == 50.5);
    assert_string_equal(rig_ask("writes %x\n", PSU), "5e=1801 67=ca00");
    assert_int_equal(rig_order(DEVICE_PSU, LEVER_SETPOINT, 2, false, 52.0).status, ST_RANGE);
    assert_string_equal(rig_ask("writes %x\n", PSU), "none");
    ack = rig_order(DEVICE_PSU, LEVER_SETPOINT, 3, true, 50.0);
    assert_int_equal(ack.status, ST_OK);
    assert_string_equal(rig_ask("writes %x\n", PSU), "67=c800 5e=1800");
}

static void a_charge_override_gets_its_time_out_first(void **state)
{
    (void)state;
    rig_open(CONF_BUS_MODBUS_TCP);
    (void)rig_wait(DEVICE_BBU, all_ok);
    assert_int_equal(rig_order(DEVICE_BBU, LEVER_CURRENT, 1, false, 2.0).status, ST_OK);
    assert_string_equal(rig_ask("writes %x\n", BBU), "12c=0,3c 123=7d0 6b=403");
    assert_int_equal(rig_order(DEVICE_BBU, LEVER_CURRENT, 2, false, 2.0).status, ST_OK);
    assert_string_equal(rig_ask("writes %x\n", BBU), "12c=0,3c 123=7d0");
    assert_int_equal(rig_order(DEVICE_BBU, LEVER_CURRENT, 3, true, 5.7).status, ST_OK);
    assert_string_equal(rig_ask("writes %x\n", BBU), "6b=3 123=1644 12c=0,0");
}

static void a_register_that_is_not_there_costs_itself_only(void **state)
{
    struct device_state s;

    (void)state;
    assert_string_equal(rig_ask("remove %x 50\n", PSU), "ok");
    rig_open(CONF_BUS_MODBUS_RTU);
    s = rig_wait(DEVICE_PSU, all_ok_or_absent);
    assert_int_equal(rig_reading(&s, DEVICE_PSU, SIGNAL_PSU_OUTPUT_A)->status, ST_ABSENT);
    assert_int_equal(rig_reading(&s, DEVICE_PSU, SIGNAL_PSU_OUTPUT_W)->status, ST_OK);
    assert_int_equal(s.timeouts, 0); /* the exception was understood at once */
}

static void a_silent_device_is_found_again(void **state)
{
    struct device_state s;
    uint32_t before;

    (void)state;
    rig.bus.timeout_us = 300000;
    rig_open(CONF_BUS_MODBUS_RTU);
    (void)rig_wait(DEVICE_PSU, all_ok);
    s = rig_wait(DEVICE_BBU, all_ok);
    before = rig_reading(&s, DEVICE_BBU, SIGNAL_BBU_PACK_V)->sequence;
    assert_string_equal(rig_ask("mute %x 1\n", PSU), "ok");
    (void)rig_wait(DEVICE_PSU, unreachable);
    s = rig_wait(DEVICE_BBU, all_ok);
    while (rig_reading(&s, DEVICE_BBU, SIGNAL_BBU_PACK_V)->sequence < before + 20)
        s = rig_wait(DEVICE_BBU, all_ok); /* the other one goes on */
    assert_string_equal(rig_ask("mute %x 0\n", PSU), "ok");
    (void)rig_wait(DEVICE_PSU, all_ok);
}

static void garbled_answers_are_counted_and_asked_again(void **state)
{
    (void)state;
    rig_open(CONF_BUS_MODBUS_RTU);
    (void)rig_wait(DEVICE_PSU, all_ok);
    assert_string_equal(rig_ask("badcrc 1\n"), "ok");
    for (int64_t until_us = clock_now_us() + PATIENCE_US;;) {
        struct device_state s;

        if ((field_device(rig.field, DEVICE_PSU, &s) && s.corrupt > 0) ||
            (field_device(rig.field, DEVICE_BBU, &s) && s.corrupt > 0))
            break;
        assert_true(clock_now_us() < until_us);
        (void)poll(NULL, 0, STEP_MS);
    }
    (void)rig_wait(DEVICE_PSU, all_ok);
    (void)rig_wait(DEVICE_BBU, all_ok);
}

static void a_line_that_went_away_is_opened_again(void **state)
{
    (void)state;
    rig_open(CONF_BUS_MODBUS_RTU);
    (void)rig_wait(DEVICE_PSU, all_ok);
    rig_stop_peer();
    rig_end(&rig.socat);
    (void)rig_wait(DEVICE_PSU, line_lost);
    (void)rig_wait(DEVICE_BBU, line_lost);
    rig_start_socat();
    rig_start_peer();
    (void)rig_wait(DEVICE_PSU, all_ok);
    (void)rig_wait(DEVICE_BBU, all_ok);
}

static void a_tcp_peer_that_went_away_is_found_again(void **state)
{
    (void)state;
    rig_open(CONF_BUS_MODBUS_TCP);
    (void)rig_wait(DEVICE_PSU, all_ok);
    rig_stop_peer();
    (void)rig_wait(DEVICE_PSU, line_lost);
    rig_start_peer();
    (void)rig_wait(DEVICE_PSU, all_ok);
    (void)rig_wait(DEVICE_BBU, all_ok);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_make, rig_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_row_is_read_over_rtu),
        TEST(every_row_is_read_over_tcp),
        TEST(a_set_point_is_written_behind_its_gate_and_put_back),
        TEST(a_charge_override_gets_its_time_out_first),
        TEST(a_register_that_is_not_there_costs_itself_only),
        TEST(a_silent_device_is_found_again),
        TEST(garbled_answers_are_counted_and_asked_again),
        TEST(a_line_that_went_away_is_opened_again),
        TEST(a_tcp_peer_that_went_away_is_found_again),
    };
    char *pymodbus[] = { (char *)PYTHON, (char *)"-c", (char *)"import pymodbus.server.async_io, serial_asyncio", NULL };
    char *socat[] = { (char *)"socat", (char *)"-V", NULL };

    if (!rig_has(pymodbus)) {
        print_message("skip: no python3-pymodbus or python3-serial-asyncio\n");
        return SKIP_STATUS;
    }
    if (!rig_has(socat)) {
        print_message("skip: no socat\n");
        return SKIP_STATUS;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
