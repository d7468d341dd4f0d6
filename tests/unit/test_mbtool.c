/* SPDX-License-Identifier: Apache-2.0 */
/* test_mbtool.c: a scan of a line on which modules speak at different speeds.
 *
 * Quirk 6: modules of 19200 and of 115200 baud share a line, and none may be left at another speed.
 * The slaves behind the pty hear only who speaks at theirs, and note what they were asked.
 */
#include "busbar/mbtool.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#define SLOW  0xC8 /* a supply of 19200 baud                              */
#define FAST  0x90 /* one of 115200, with a black box                     */
#define WORDS 8

static struct {
    int master, slave;
    pthread_t thread;
    atomic_bool stop;
    atomic_int functions; /* bit 0: 3, bit 1: 20, bit 2: any other         */
} line;

static struct conf_bus bus;

static void slave_text(uint8_t *to, const char *text)
{
    memset(to, 0, 2 * WORDS);
    memcpy(to, text, strlen(text));
}

static size_t slave_answer(const uint8_t *request, uint8_t *frame)
{
    unsigned at = (unsigned)request[2] << 8 | request[3];
    size_t size = 3;

    frame[0] = request[0];
    frame[1] = request[1];
    if (request[1] == 0x14) {
        unsigned record = (unsigned)request[6] << 8 | request[7],
                 words = (unsigned)request[8] << 8 | request[9];

        if (record > 2 || words != 2) {
            frame[1] |= 0x80;
            frame[2] = 2;
            return 3;
        }
        memcpy(frame + 2, (const uint8_t[]){ 6, 5, 6, 'B', 'B', 0, (uint8_t)record }, 7);
        return 9;
    }
    if (at != 0x00 && at != 0x08) {
        frame[1] |= 0x80;
        frame[2] = 2;
        return 3;
    }
    frame[2] = 2 * WORDS;
    slave_text(frame + size, at == 0 ? "PART" : request[0] == SLOW ? "SLOW-3000" : "FAST-5500");
    return size + 2 * WORDS;
}

static bool slave_hears(uint8_t unit)
{
    struct termios now;

    return tcgetattr(line.slave, &now) == 0 &&
           ((unit == SLOW && cfgetospeed(&now) == B19200) || (unit == FAST && cfgetospeed(&now) == B115200));
}

static void slave_take(const uint8_t *request)
{
    uint8_t frame[64];
    size_t size;
    uint16_t crc;

    (void)atomic_fetch_or(&line.functions, request[1] == 3 ? 1 : request[1] == 0x14 ? 2 : 4);
    if (!slave_hears(request[0]))
        return;
    size = slave_answer(request, frame);
    crc = mbframe_crc(frame, size);
    frame[size++] = (uint8_t)crc;
    frame[size++] = (uint8_t)(crc >> 8);
    assert_int_equal(write(line.master, frame, size), (ssize_t)size);
}

static void *slave_run(void *arg)
{
    uint8_t request[16];
    size_t got = 0;

    while (!atomic_load(&line.stop)) {
        struct pollfd fd = { .fd = line.master, .events = POLLIN };
        size_t whole = got > 1 && request[1] == 0x14 ? 12 : 8;

        if (poll(&fd, 1, 20) == 1) {
            ssize_t n = read(line.master, request + got, whole - got);

            got += n > 0 ? (size_t)n : 0;
        }
        whole = got > 1 && request[1] == 0x14 ? 12 : 8;
        if (got < whole)
            continue;
        if (mbframe_crc(request, got) == 0)
            slave_take(request);
        got = 0;
    }
    return arg;
}

static int line_make(void **state)
{
    struct termios raw;

    (void)state;
    memset(&bus, 0, sizeof bus);
    line.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (line.master < 0 || grantpt(line.master) != 0 || unlockpt(line.master) != 0 ||
        ptsname_r(line.master, bus.path, sizeof bus.path) != 0)
        return -1;
    line.slave = open(bus.path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (line.slave < 0 || tcgetattr(line.slave, &raw) != 0)
        return -1;
    cfmakeraw(&raw);
    (void)cfsetospeed(&raw, B38400);
    (void)cfsetispeed(&raw, B38400);
    if (tcsetattr(line.slave, TCSANOW, &raw) != 0)
        return -1;
    (void)strcpy(bus.name, "line");
    bus.kind = CONF_BUS_MODBUS_RTU;
    bus.baud = 115200;
    bus.parity = 'N';
    bus.stop_bits = 1;
    bus.timeout_us = 5000000;
    atomic_store(&line.stop, false);
    atomic_store(&line.functions, 0);
    return pthread_create(&line.thread, NULL, slave_run, NULL);
}

static int line_end(void **state)
{
    (void)state;
    atomic_store(&line.stop, true);
    assert_int_equal(pthread_join(line.thread, NULL), 0);
    close(line.master);
    close(line.slave);
    return 0;
}

static struct {
    int32_t count, progress, stop_after;
    struct mbtool_found list[8];
} seen;

static void seen_found(void *arg, const struct mbtool_found *found)
{
    (void)arg;
    assert_true(seen.count < 8);
    seen.list[seen.count++] = *found;
}

static void seen_progress(void *arg, int32_t done, int32_t all)
{
    (void)arg;
    assert_true(done == seen.progress + 1 && done <= all);
    seen.progress = done;
}

static bool seen_stop(void *arg)
{
    (void)arg;
    return seen.stop_after > 0 && seen.progress >= seen.stop_after;
}

static enum status scan(int32_t first, int32_t last, int32_t *ret_refused)
{
    static const struct mbtool_speed speeds[] = { { 19200, 'E' }, { 19200, 'N' }, { 115200, 'N' } };
    static const int32_t texts[] = { 0x00, 0x08, 0x10 };
    struct mbtool_scan what = { .unit_first = first,
                                .unit_last = last,
                                .speeds = speeds,
                                .speed_count = 3,
                                .texts = texts,
                                .text_count = 3,
                                .timeout_us = 300000 };
    struct mbtool_watch watch = { .found = seen_found, .progress = seen_progress, .stop = seen_stop };
    struct mbtool *tool = NULL;
    enum status st;

    seen.count = seen.progress = 0;
    /* Those that skip a speed count on from where it would have ended. */
    seen.progress = last >= first ? last - first + 1 : 0;
    assert_int_equal(mbtool_new(&bus, NULL, &tool), ST_OK);
    st = mbtool_scan(tool, &what, &watch, ret_refused);
    mbtool_free(tool);
    return st;
}

static void modules_are_found_at_their_own_speeds(void **state)
{
    struct termios now;
    int32_t refused = 0;

    (void)state;
    assert_int_equal(scan(SLOW, SLOW + 1, &refused), ST_OK);
    assert_int_equal(refused, 1); /* a pty has no parity */
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.list[0].unit, SLOW);
    assert_int_equal(seen.list[0].speed.baud, 19200);
    assert_string_equal(seen.list[0].texts[1], "SLOW-3000");
    assert_string_equal(seen.list[0].texts[2], ""); /* refused with an exception */
    assert_int_equal(scan(FAST - 1, FAST, &refused), ST_OK);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.list[0].unit, FAST);
    assert_int_equal(seen.list[0].speed.baud, 115200);
    assert_int_equal(atomic_load(&line.functions), 1); /* reads, and nothing else */
    assert_int_equal(tcgetattr(line.slave, &now), 0);
    assert_int_equal(cfgetospeed(&now), B38400); /* the line as it was found */
}

static void a_scan_can_be_stopped(void **state)
{
    int32_t refused = 0;

    (void)state;
    seen.stop_after = 7; /* of 3 times 5, the first 5 being refused */
    assert_int_equal(scan(0xC6, 0xCA, &refused), ST_OK);
    assert_int_equal(seen.progress, 7);
    seen.stop_after = 0;
}

static void a_scan_that_makes_no_sense_is_refused(void **state)
{
    int32_t refused = 0;

    (void)state;
    assert_int_equal(scan(0, 5, &refused), ST_RANGE);
    assert_int_equal(scan(5, 256, &refused), ST_RANGE);
    assert_int_equal(scan(6, 5, &refused), ST_RANGE);
}

static void a_line_that_somebody_holds_is_busy(void **state)
{
    char error[MBTOOL_ERROR_MAX] = "";
    struct mbtool *tool = NULL;
    int fd = open(bus.path, O_RDWR | O_NOCTTY | O_CLOEXEC);

    (void)state;
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(mbtool_new(&bus, error, &tool), ST_BUSY);
    assert_non_null(strstr(error, "in use by another process"));
    close(fd);
}

static void a_black_box_is_read_to_its_end(void **state)
{
    struct mbtool_file file = { .unit = FAST, .file = 1, .most = 10, .words = 2, .step = 1 };
    struct mbtool_records records;
    struct mbtool *tool = NULL;

    (void)state;
    assert_int_equal(mbtool_new(&bus, NULL, &tool), ST_OK);
    assert_int_equal(mbtool_read_file(tool, &file, &records), ST_OK);
    assert_int_equal(records.count, 3);
    assert_int_equal(records.list[2].words[1], 2);
    assert_int_equal(records.exception, 2);
    mbtool_records_done(&records);
    file.most = 2;
    assert_int_equal(mbtool_read_file(tool, &file, &records), ST_OK);
    assert_int_equal(records.count, 2);
    assert_int_equal(records.end, ST_OK);
    mbtool_records_done(&records);
    file.step = 0;
    assert_int_equal(mbtool_read_file(tool, &file, &records), ST_RANGE);
    mbtool_free(tool);
    assert_int_equal(atomic_load(&line.functions), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, line_make, line_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(modules_are_found_at_their_own_speeds), TEST(a_scan_can_be_stopped),
        TEST(a_scan_that_makes_no_sense_is_refused), TEST(a_line_that_somebody_holds_is_busy),
        TEST(a_black_box_is_read_to_its_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
