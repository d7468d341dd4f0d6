/* SPDX-License-Identifier: Apache-2.0 */
/* test_mbus.c: a serial line of our own: a pty with a small Modbus slave behind it.
 *
 * What a foreign slave makes of us is in tests/peers; here are the line's lock and
 * settings, what a pty refuses, answers that come too late, and the addresses and
 * exceptions that a library for clients might not know.
 */
#include "busbar/log.h"
#include "field/mbus.h"
#include "field/mbus_port.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <math.h>
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
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 20000
#define UNIT 7

enum { ROW_NEAR, ROW_FAR, ROWS };

static struct profile_row rows[ROWS];
static struct profile profile;
static struct conf conf;
static struct conf_bus bus;
static struct conf_device device;
static struct adapter adapter;
static struct mailbox *stats;
static int notify_fd, master_fd, slave_fd;

static int line_make(void **state)
{
    struct termios raw;

    (void)state;
    memset(&bus, 0, sizeof bus);
    memset(&device, 0, sizeof device);
    master_fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master_fd < 0 || grantpt(master_fd) != 0 || unlockpt(master_fd) != 0 ||
        ptsname_r(master_fd, bus.path, sizeof bus.path) != 0)
        return -1;
    slave_fd = open(bus.path, O_RDWR | O_NOCTTY | O_CLOEXEC); /* keeps the pty alive */
    if (slave_fd < 0 || tcgetattr(slave_fd, &raw) != 0)
        return -1;
    cfmakeraw(&raw);
    if (tcsetattr(slave_fd, TCSANOW, &raw) != 0)
        return -1;
    (void)strcpy(bus.name, "line-1");
    bus.kind = CONF_BUS_MODBUS_RTU;
    bus.baud = 115200;
    bus.parity = 'N';
    bus.stop_bits = 1;
    bus.timeout_us = 5000000;
    bus.fast_us = 20000;
    bus.slow_us = 100000;
    for (int32_t i = 0; i < ROWS; i++) {
        rows[i] = (struct profile_row){
            .address = i == ROW_NEAR ? 0x10 : 0x40, .command = ROW_NONE, .type = ROW_U16, .scale = 1,
            .signal = SIGNAL_PSU_ALARMS,
            .write = { .gate = ROW_NONE, .enable = ROW_NONE, .timeout = ROW_NONE, .readback = i },
        };
        device.readings[i] = (struct conf_reading){ .row = i, .poll = POLL_FAST, .point = CORE_NONE };
    }
    profile = (struct profile){
        .name = "ex", .match_address = 0x10, .match_command = ROW_NONE, .match_text = "*", .span_max = 32,
        .row_count = ROWS, .rows = rows,
    };
    (void)strcpy(device.name, "psu-1");
    device.address = UNIT;
    device.reading_count = ROWS;
    adapter = (struct adapter){ .conf = &conf, .device = &device, .profile = &profile };
    notify_fd = eventfd(0, EFD_CLOEXEC);
    if (notify_fd < 0 || adapter_init(&adapter) != ST_OK || mailbox_new(sizeof(struct field_bus_stats), &stats) != ST_OK)
        return -1;
    mailbox_set_notify(adapter.to_tick, notify_fd);
    return 0;
}

static int line_end(void **state)
{
    (void)state;
    close(master_fd);
    close(slave_fd);
    close(notify_fd);
    adapter_done(&adapter);
    mailbox_free(stats);
    return 0;
}

static enum status line_open(struct mbus **ret)
{
    struct adapter *list[] = { &adapter };
    struct mbus_options opt = { .bus = &bus, .adapters = list, .adapter_count = 1, .stats = stats };

    return mbus_new(&opt, ret);
}

static struct device_state next_state(void)
{
    struct device_state now;
    struct pollfd fd = { .fd = notify_fd, .events = POLLIN };
    uint64_t count;

    assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
    assert_int_equal(read(notify_fd, &count, sizeof count), (ssize_t)sizeof count);
    assert_true(mailbox_get(adapter.to_tick, &now));
    return now;
}

/* The line is down, and the field goes on without it. */
static void assert_down(void)
{
    struct mbus *mbus = NULL;

    assert_int_equal(line_open(&mbus), ST_OK);
    assert_int_equal(next_state().readings[ROW_NEAR].status, ST_SYS);
    mbus_free(mbus);
}

static void a_line_in_use_is_busy(void **state)
{
    struct mbus *mbus = NULL, *second = NULL;
    int fd = open(bus.path, O_RDWR | O_NOCTTY | O_CLOEXEC);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(line_open(&mbus), ST_BUSY);
    assert_null(mbus);
    close(fd);
    assert_int_equal(line_open(&mbus), ST_OK);
    assert_int_equal(line_open(&second), ST_BUSY);
    mbus_free(mbus);
}

static void a_pty_refuses_parity(void **state)
{
    (void)state;
    bus.parity = 'E';
    assert_down();
}

static void a_line_that_is_not_there_is_waited_for(void **state)
{
    (void)state;
    (void)strcpy(bus.path, "/nonexistent/tty");
    assert_down();
}

static void an_odd_baud_rate_is_not_replaced_by_another(void **state)
{
    (void)state;
    bus.baud = 12345;
    assert_down();
}

/* ---- a slave that can be late: each register holds its own address ---- */

struct slave {
    pthread_t thread;
    atomic_bool stop;
    atomic_int late_ms;            /* the next answer only                         */
    atomic_int garbage;            /* the next answer is followed by noise         */
    atomic_int exception;          /* every answer is its low byte as exception; 0: none */
    atomic_int unit;               /* of the last good request                     */
};

static struct slave slave;

static uint16_t slave_crc(const uint8_t *bytes, size_t count)
{
    uint32_t crc = 0xFFFF;

    for (size_t i = 0; i < count; i++)
        for (int bit = 0; bit < 8; bit++) {
            uint32_t in = ((uint32_t)bytes[i] >> bit) & 1u;

            crc = ((crc ^ in) & 1u) ? (crc >> 1) ^ 0xA001u : crc >> 1;
        }
    return (uint16_t)crc;
}

static void slave_answer(const uint8_t *request)
{
    uint8_t frame[260] = { request[0], request[1] };
    unsigned at = (unsigned)request[2] << 8 | request[3], words = (unsigned)request[4] << 8 | request[5];
    size_t size = 3;
    uint16_t crc;
    int late_ms = atomic_exchange(&slave.late_ms, 0);

    atomic_store(&slave.unit, request[0]);
    frame[2] = (uint8_t)(2 * words);
    for (unsigned i = 0; i < words && size < 250 && atomic_load(&slave.exception) == 0; i++) {
        frame[size++] = (uint8_t)((at + i) >> 8);
        frame[size++] = (uint8_t)(at + i);
    }
    if (atomic_load(&slave.exception) != 0) {
        frame[1] |= 0x80;
        frame[2] = (uint8_t)atomic_load(&slave.exception);
    }
    crc = slave_crc(frame, size);
    frame[size++] = (uint8_t)crc;
    frame[size++] = (uint8_t)(crc >> 8);
    if (late_ms > 0)
        (void)poll(NULL, 0, late_ms);
    if (atomic_exchange(&slave.garbage, 0))
        frame[size++] = 0x55;
    assert_int_equal(write(master_fd, frame, size), (ssize_t)size);
}

static void *slave_run(void *arg)
{
    uint8_t request[8];
    size_t got = 0;

    while (!atomic_load(&slave.stop)) {
        struct pollfd fd = { .fd = master_fd, .events = POLLIN };
        ssize_t n;

        if (poll(&fd, 1, 20) != 1)
            continue;
        n = read(master_fd, request + got, sizeof request - got);
        got += n > 0 ? (size_t)n : 0;
        if (got < sizeof request)
            continue;
        got = 0;
        if (slave_crc(request, 6) == (uint16_t)(request[6] | request[7] << 8))
            slave_answer(request);
    }
    return arg;
}

static void slave_start(void)
{
    atomic_store(&slave.stop, false);
    atomic_store(&slave.late_ms, 0);
    atomic_store(&slave.garbage, 0);
    atomic_store(&slave.exception, 0);
    assert_int_equal(pthread_create(&slave.thread, NULL, slave_run, NULL), 0);
}

static void slave_stop(void)
{
    atomic_store(&slave.stop, true);
    assert_int_equal(pthread_join(slave.thread, NULL), 0);
}

/* Every value that is good is the register's own. */
static void assert_own(const struct device_state *s)
{
    for (int32_t i = 0; i < ROWS; i++)
        if (s->readings[i].sequence > 0 && s->readings[i].status == ST_OK)
            assert_true(s->readings[i].value == (double)rows[i].address);
}

static void a_late_answer_is_not_the_next_ones(void **state)
{
    struct mbus *mbus = NULL;
    struct device_state s;
    uint64_t timeouts, reads;

    (void)state;
    bus.timeout_us = 400000;
    slave_start();
    assert_int_equal(line_open(&mbus), ST_OK);
    do {
        s = next_state();
        assert_own(&s);
    } while (s.readings[ROW_FAR].sequence < 3);
    timeouts = s.timeouts;
    do { /* a worker that was stalled for those 40 ms finds the answer in time: once more */
        atomic_store(&slave.late_ms, 440);
        s = next_state();
        assert_own(&s);
    } while (s.timeouts == timeouts);
    atomic_store(&slave.late_ms, 0);
    reads = s.readings[ROW_FAR].sequence;
    do {
        s = next_state();
        assert_own(&s);
    } while (s.readings[ROW_FAR].sequence < reads + 10);
    mbus_free(mbus);
    slave_stop();
}

static void noise_after_an_answer_does_not_spoil_the_next(void **state)
{
    struct mbus *mbus = NULL;
    struct device_state s;
    uint32_t reads;

    (void)state;
    bus.retry_max = 2;
    slave_start();
    assert_int_equal(line_open(&mbus), ST_OK);
    do
        s = next_state();
    while (s.readings[ROW_FAR].sequence < 3);
    atomic_store(&slave.garbage, 1);
    reads = s.readings[ROW_FAR].sequence;
    do {
        s = next_state();
        assert_own(&s);
    } while (s.readings[ROW_FAR].sequence < reads + 10);
    assert_int_equal(s.readings[ROW_NEAR].status, ST_OK);
    assert_int_equal(s.readings[ROW_FAR].status, ST_OK);
    mbus_free(mbus);
    slave_stop();
}

/* ---- what libraries refuse ---- */

static void read_once(void)
{
    struct mbus *mbus = NULL;
    struct device_state s;

    slave_start();
    assert_int_equal(line_open(&mbus), ST_OK);
    do {
        s = next_state();
        assert_own(&s);
    } while (s.readings[ROW_FAR].sequence < 3);
    assert_int_equal(s.readings[ROW_FAR].status, ST_OK);
    mbus_free(mbus);
    slave_stop();
}

static void unit_255_is_asked_like_any_other(void **state)
{
    (void)state;
    device.address = 255;
    read_once();
    assert_int_equal(atomic_load(&slave.unit), 255);
}

/* libmodbus uses select(). */
static void descriptors_that_select_cannot_hold_are_refused(void **state)
{
    static int fds[FD_SETSIZE + 8];
    struct rlimit limit, before;
    int count = 0;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    limit = before;
    limit.rlim_cur = FD_SETSIZE + 64;
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_cur > limit.rlim_max)
        skip();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    do {
        fds[count] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        assert_true(fds[count] >= 0);
    } while (fds[count++] < FD_SETSIZE);
    assert_down();
    while (count > 0)
        close(fds[--count]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* Quirk 4: an exception is shorter than the answer that was asked for. */
static void an_exception_is_understood_before_the_time_out(void **state)
{
    struct mbus *mbus = NULL;
    struct device_state s;

    (void)state;
    bus.timeout_us = 15000000; /* the test would not end in time if each cost it */
    slave_start();
    atomic_store(&slave.exception, 2);
    assert_int_equal(line_open(&mbus), ST_OK);
    do
        s = next_state();
    while (s.readings[ROW_NEAR].sequence < 1 || s.readings[ROW_FAR].sequence < 1);
    assert_int_equal(s.readings[ROW_FAR].status, ST_ABSENT);
    assert_int_equal(s.timeouts, 0);
    assert_true(s.reachable);
    mbus_free(mbus);
    slave_stop();
}

/* There is no exception 0. It must not pass for an answer, nor close the line under the others:
 * by the library (7) and by frames of our own (250). */
static void an_exception_0_is_a_broken_answer_of_that_device(void **state)
{
    static const int32_t units[] = { UNIT, 250 };

    (void)state;
    slave_start();
    atomic_store(&slave.exception, 0x100);
    for (int i = 0; i < 2; i++) {
        struct mbus_port_ask ask = { .unit = units[i], .address = 0x10, .count = 1, .timeout_us = bus.timeout_us };
        uint16_t word = 0x1234;
        struct mbus_port port;

        mbus_port_init(&port, &bus);
        assert_int_equal(mbus_port_open(&port), ST_OK);
        assert_int_equal(mbus_port_read(&port, &ask, &word, NULL), ST_CORRUPT);
        assert_int_equal(mbus_port_write(&port, &ask, &word, NULL), ST_CORRUPT);
        mbus_port_close(&port);
    }
    slave_stop();
}

static void said_keep(enum log_level level, const char *who, const char *message, void *arg)
{
    (void)level;
    (void)who;
    (void)snprintf(arg, 128, "%.127s", message);
}

/* By hand nobody opens it again: then nobody says so. */
static void a_line_that_is_lost_in_the_hand_is_lost(void **state)
{
    struct regio_target target = { .unit = UNIT, .profile = &profile, .row = &rows[ROW_NEAR], .address = 0x10, .words = 1 };
    const struct regio_ops *ops;
    struct mbus *mbus = NULL;
    char said[128] = "";
    int64_t gap_us;
    uint16_t word;

    (void)state;
    assert_int_equal(mbus_new_idle(&bus, &mbus), ST_OK);
    ops = mbus_io(mbus, &gap_us);
    assert_int_equal(ops->open(mbus), ST_OK);
    close(master_fd);
    log_set_line_sink(said_keep, said);
    assert_int_equal(ops->read(mbus, &target, &word), ST_SYS);
    log_set_line_sink(NULL, NULL);
    assert_non_null(strstr(said, "lost"));
    assert_null(strstr(said, "again"));
    ops->close(mbus);
    mbus_free(mbus);
    master_fd = dup(slave_fd); /* for the end */
}

/* ---- TCP: mbus_port.c ---- */

static int listener;
static pthread_t tcp_thread;

static void *pieces_run(void *arg)
{
    int fd = accept(listener, NULL, NULL);
    uint8_t request[12], answer[11] = { 0 };

    (void)arg;

    if (fd < 0)
        return NULL;
    while (recv(fd, request, sizeof request, MSG_WAITALL) == (ssize_t)sizeof request) {
        memcpy(answer, request, 8);
        answer[5] = 5;
        answer[8] = 2;
        answer[9] = request[8];
        answer[10] = request[9];
        if (send(fd, answer, 9, MSG_NOSIGNAL) != 9)
            break;
        (void)poll(NULL, 0, 60); /* what a delayed acknowledgement costs, and some */
        if (send(fd, answer + 9, 2, MSG_NOSIGNAL) != 2)
            break;
    }
    close(fd);
    return NULL;
}

/* A gateway that mixes its units up: the first answer is that of the next unit. */
static void *mixed_run(void *arg)
{
    int fd = accept(listener, NULL, NULL);
    uint8_t request[12], answer[11] = { 0 };

    (void)arg;
    if (fd < 0)
        return NULL;
    for (uint8_t wrong = 1; recv(fd, request, sizeof request, MSG_WAITALL) == (ssize_t)sizeof request; wrong = 0) {
        memcpy(answer, request, 8);
        answer[5] = 5;
        answer[6] = (uint8_t)(request[6] + wrong);
        answer[8] = 2;
        answer[9] = wrong ? 0xBA : request[8];
        answer[10] = wrong ? 0xAD : request[9];
        if (send(fd, answer, sizeof answer, MSG_NOSIGNAL) != (ssize_t)sizeof answer)
            break;
    }
    close(fd);
    return NULL;
}

static void tcp_start(void *(*run)(void *), struct mbus_port *port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;

    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &size), 0);
    assert_int_equal(pthread_create(&tcp_thread, NULL, run, NULL), 0);
    bus.kind = CONF_BUS_MODBUS_TCP;
    (void)strcpy(bus.host, "127.0.0.1");
    bus.port = ntohs(at.sin_port);
    mbus_port_init(port, &bus);
    assert_int_equal(mbus_port_open(port), ST_OK);
}

static void tcp_stop(struct mbus_port *port)
{
    mbus_port_close(port);
    assert_int_equal(pthread_join(tcp_thread, NULL), 0);
    close(listener);
}

/* A gateway that writes head and data one after the other. */
static void pieces_of_an_answer_over_tcp_may_be_apart(void **state)
{
    static const int32_t units[] = { UNIT, 250 };
    struct mbus_port port;

    (void)state;
    tcp_start(pieces_run, &port);
    for (int i = 0; i < 2; i++) {
        struct mbus_port_ask ask = { .unit = units[i], .address = 0x4321, .count = 1, .timeout_us = bus.timeout_us };
        uint16_t word = 0;

        assert_int_equal(mbus_port_read(&port, &ask, &word, NULL), ST_OK);
        assert_int_equal(word, 0x4321);
    }
    tcp_stop(&port);
}

/* It has the number of the question, and is somebody else's. */
static void an_answer_of_another_unit_over_tcp_is_none(void **state)
{
    struct mbus_port_ask ask = { .unit = UNIT, .address = 0x4321, .count = 1, .timeout_us = bus.timeout_us };
    struct mbus_port port;
    uint16_t word = 0;

    (void)state;
    tcp_start(mixed_run, &port);
    assert_int_equal(mbus_port_read(&port, &ask, &word, NULL), ST_CORRUPT);
    assert_int_equal(word, 0);
    assert_int_equal(mbus_port_read(&port, &ask, &word, NULL), ST_OK);
    assert_int_equal(word, 0x4321);
    tcp_stop(&port);
}

/* A gateway paces its line itself; on the line's own wires, or where their frames are passed on as
 * they are, the rest of one is that of all. */
static void behind_a_gateway_each_device_rests_for_itself(void **state)
{
    static const struct {
        enum conf_bus_kind kind;
        bool rtu_framing, by_unit;
    } cases[] = {
        { CONF_BUS_MODBUS_RTU, false, false },
        { CONF_BUS_MODBUS_TCP, true, false },
        { CONF_BUS_MODBUS_TCP, false, true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mbus *mbus = NULL;
        int64_t gap_us;

        bus.kind = cases[i].kind;
        bus.rtu_framing = cases[i].rtu_framing;
        assert_int_equal(mbus_new_idle(&bus, &mbus), ST_OK);
        assert_int_equal(mbus_io(mbus, &gap_us)->rest_by_unit, cases[i].by_unit);
        mbus_free(mbus);
    }
}

/* ---- the line itself: mbus_port.c ---- */

static void settings_of(struct termios *ret)
{
    assert_int_equal(tcgetattr(slave_fd, ret), 0);
}

/* Quirks 6 and 18: the speed changes on the way, and the line is left as it was found. */
static void a_line_gets_its_settings_back(void **state)
{
    struct termios before, now;
    struct mbus_port port;

    (void)state;
    settings_of(&before);
    (void)cfsetospeed(&before, B9600);
    (void)cfsetispeed(&before, B9600);
    before.c_cc[VTIME] = 7;
    assert_int_equal(tcsetattr(slave_fd, TCSANOW, &before), 0);
    settings_of(&before);
    mbus_port_init(&port, &bus);
    assert_int_equal(mbus_port_open(&port), ST_OK);
    settings_of(&now);
    assert_int_equal(cfgetospeed(&now), B115200);
    assert_int_equal(mbus_port_speed(&port, 19200, 'N'), ST_OK);
    settings_of(&now);
    assert_int_equal(cfgetospeed(&now), B19200);
    assert_int_equal(mbus_port_speed(&port, 19200, 'E'), ST_SYS); /* a pty */
    assert_non_null(strstr(port.error, "parity"));
    settings_of(&now);
    assert_int_equal(cfgetospeed(&now), B19200);
    mbus_port_close(&port);
    settings_of(&now);
    assert_int_equal(cfgetospeed(&now), B9600);
    assert_memory_equal(now.c_cc, before.c_cc, sizeof now.c_cc);
    assert_int_equal(now.c_cflag, before.c_cflag);
    assert_int_equal(now.c_lflag, before.c_lflag);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, line_make, line_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_in_use_is_busy),
        TEST(a_pty_refuses_parity),
        TEST(a_line_that_is_not_there_is_waited_for),
        TEST(an_odd_baud_rate_is_not_replaced_by_another),
        TEST(descriptors_that_select_cannot_hold_are_refused),
        TEST(unit_255_is_asked_like_any_other),
        TEST(an_exception_is_understood_before_the_time_out),
        TEST(an_exception_0_is_a_broken_answer_of_that_device),
        TEST(a_line_that_is_lost_in_the_hand_is_lost),
        TEST(pieces_of_an_answer_over_tcp_may_be_apart),
        TEST(an_answer_of_another_unit_over_tcp_is_none),
        TEST(behind_a_gateway_each_device_rests_for_itself),
        TEST(a_line_gets_its_settings_back),
        TEST(a_late_answer_is_not_the_next_ones),
        TEST(noise_after_an_answer_does_not_spoil_the_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
