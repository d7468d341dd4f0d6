/* SPDX-License-Identifier: Apache-2.0 */
/* bench_modbus.c: how much of a Modbus line is used: bench_modbus share BAUD | mirror one|six KIND |
 * dead HEARD_SECONDS | setpoint, and for how many seconds. Prints one line of JSON.
 *
 * The other end of a pty is a thread that keeps the pace a line would have: a request is through
 * when its bytes are, the answer begins three and a half characters later, and its last byte comes
 * when the line would have brought it. So what is lost is ours, and the scheduler's.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "busbar/clock.h"
#include "field/mbus.h"

#define BITS     11
#define UNITS    6
#define LOG_MAX  65536
#define WARM_US  INT64_C(3000000)
#define HOLE(at) ((at) >= 0x100 && (at) < 0x160 && !mirrored(at))

struct entry {
    int64_t at_us, end_us; /* the request's first byte; the answer's last    */
    uint8_t unit, function;
    uint16_t address, words;
    int32_t bytes; /* of both frames                                 */
};

static struct {
    int fd, keep; /* the pty: this end, and the other kept open     */
    char path[64];
    int32_t baud;
    bool refuse_holes, battery;
    atomic_int dead; /* this unit does not answer; 0: all do           */
    atomic_bool stop;
    pthread_t thread;
    atomic_int count;
    struct entry log[LOG_MAX];
    uint16_t registers[0x10000];
} line;

static struct conf conf = { .state_dir = "/nonexistent" };
static struct conf_bus bus;
static struct conf_device devices[UNITS];
static struct profile profile;
static struct adapter adapters[UNITS], *list[UNITS];
static struct device_orders orders;
static char folder[] = "/tmp/busbar-bench-XXXXXX";

static void die(const char *what)
{
    (void)fprintf(stderr, "bench_modbus: %s\n", what);
    exit(2);
}

/* ---- the line and who answers on it ---- */

static int64_t wire_us(int32_t bytes)
{
    return (int64_t)bytes * BITS * 1000000 / line.baud;
}

static int64_t t35_us(void)
{
    return line.baud > 19200 ? 1750 : INT64_C(7) * BITS * 1000000 / (2 * line.baud);
}

static uint16_t crc_of(const uint8_t *bytes, int32_t size)
{
    uint32_t crc = 0xFFFF;

    for (int32_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 1u) ? (crc >> 1) ^ 0xA001u : crc >> 1;
    }
    return (uint16_t)crc;
}

static bool mirrored(int32_t at)
{
    int32_t in = at & 0xF;

    return line.battery ? in >= 1 && in <= 11 : in == 1 || in == 2;
}

static int32_t answer_of(const uint8_t *request, struct entry *e, uint8_t *ret)
{
    int32_t size = 3;
    uint16_t crc;

    ret[0] = e->unit;
    ret[1] = e->function;
    for (int32_t i = 0; e->function == 3 && i < e->words; i++)
        if (line.refuse_holes && HOLE(e->address + i))
            ret[1] = 0x83;
    if (ret[1] == 0x83) {
        ret[2] = 2;
    } else if (e->function == 3) {
        ret[2] = (uint8_t)(2 * e->words);
        for (int32_t i = 0; i < e->words; i++) {
            ret[size++] = (uint8_t)(line.registers[e->address + i] >> 8);
            ret[size++] = (uint8_t)line.registers[e->address + i];
        }
    } else {
        memcpy(ret, request, 6);
        line.registers[e->address] = e->words; /* of function 6 it is the value */
        size = 6;
    }
    crc = crc_of(ret, size);
    ret[size++] = (uint8_t)crc;
    ret[size++] = (uint8_t)(crc >> 8);
    return size;
}

static void answer(const uint8_t *request, int64_t at_us)
{
    int32_t n = atomic_load(&line.count), size;
    struct entry *e = &line.log[n < LOG_MAX ? n : LOG_MAX - 1];
    uint8_t bytes[260];

    *e = (struct entry){ .at_us = at_us, .unit = request[0], .function = request[1], .bytes = 8 };
    e->address = (uint16_t)(request[2] << 8 | request[3]);
    e->words = (uint16_t)(request[4] << 8 | request[5]);
    e->end_us = at_us + wire_us(8);
    if (request[0] != atomic_load(&line.dead)) {
        size = answer_of(request, e, bytes);
        e->bytes += size;
        e->end_us += t35_us() + wire_us(size);
        clock_sleep_until_us(e->end_us);
        if (write(line.fd, bytes, (size_t)size) != size)
            die("the pty takes no answer");
        e->end_us = clock_now_us();
    }
    atomic_store(&line.count, n + 1 < LOG_MAX ? n + 1 : LOG_MAX - 1);
}

static void *line_run(void *arg)
{
    uint8_t request[8];
    size_t got = 0;
    int64_t first_us = 0;

    while (!atomic_load(&line.stop)) {
        struct pollfd fd = { .fd = line.fd, .events = POLLIN };
        ssize_t n = poll(&fd, 1, 50) == 1 ? read(line.fd, request + got, sizeof request - got) : 0;

        first_us = got == 0 ? clock_now_us() : first_us;
        got += n > 0 ? (size_t)n : 0;
        if (got < sizeof request)
            continue;
        got = 0;
        if (crc_of(request, 8) == 0)
            answer(request, first_us);
    }
    return arg;
}

static void line_start(int32_t baud)
{
    struct termios raw;

    line.baud = baud;
    line.fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (line.fd < 0 || grantpt(line.fd) != 0 || unlockpt(line.fd) != 0 ||
        ptsname_r(line.fd, line.path, sizeof line.path) != 0)
        die("no pty");
    line.keep = open(line.path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (line.keep < 0 || tcgetattr(line.keep, &raw) != 0)
        die("no pty");
    cfmakeraw(&raw);
    (void)tcsetattr(line.keep, TCSANOW, &raw);
    for (int32_t i = 0; i < 0x10000; i++)
        line.registers[i] = 0x4142; /* "AB", and a plausible number of most things */
    line.registers[0x5E] = 0x0803;
    line.registers[0x67] = 50 * 1024;
    line.registers[0x7B] = 0;
    if (pthread_create(&line.thread, NULL, line_run, NULL) != 0)
        die("no thread");
}

/* ---- this end ---- */

static void profile_read(const char *name)
{
    char path[256];
    struct conf_errors errors = { 0 };
    const char *source = getenv("BUSBAR_SOURCE");

    (void)snprintf(path, sizeof path, "%s/config/profiles/%s.yaml", source ? source : ".", name);
    if (profile_load(path, &profile, &errors) != ST_OK) {
        conf_errors_print(&errors, stderr);
        exit(2);
    }
}

/* One read of `words` registers, without end. */
static void profile_make(int32_t words)
{
    profile = (struct profile){
        .name = "bench", .match_address = ROW_NONE, .match_command = ROW_NONE, .span_max = words
    };
    profile.rows = calloc((size_t)words, sizeof *profile.rows);
    profile.row_count = words;
    for (int32_t i = 0; i < words; i++)
        profile.rows[i] = (struct profile_row){ .address = i,
                                                .command = ROW_NONE,
                                                .type = ROW_U16,
                                                .scale = 1,
                                                .poll = POLL_FAST,
                                                .signal = SIGNAL_PSU_ALARMS,
                                                .index = i + 1 };
}

static struct mbus *field_start(int32_t unit, int32_t count, int64_t fast_us)
{
    struct mbus_options opt = { .bus = &bus, .adapters = list, .adapter_count = count };
    struct mbus *mbus = NULL;

    bus = (struct conf_bus){ .name = "bench",
                             .kind = CONF_BUS_MODBUS_RTU,
                             .baud = line.baud,
                             .parity = 'N',
                             .stop_bits = 1,
                             .timeout_us = 100000,
                             .timeout_min_us = 70000,
                             /* the presets */ .retry_max = 1,
                             .fast_us = fast_us,
                             .slow_us = 5000000 };
    (void)strcpy(bus.path, line.path);
    if (mailbox_new(sizeof(struct field_bus_stats), &opt.stats) != ST_OK)
        die("no memory");
    for (int32_t d = 0; d < count; d++) {
        struct conf_device *conf_device = &devices[d];

        (void)snprintf(conf_device->name, sizeof conf_device->name, "bench-%d", (int)d);
        conf_device->address = unit + d;
        for (int32_t r = 0; r < profile.row_count; r++) {
            if (profile.rows[r].poll != POLL_NEVER)
                conf_device->readings[conf_device->reading_count++] =
                    (struct conf_reading){ .row = r, .poll = profile.rows[r].poll, .point = CORE_NONE };
            if (profile.rows[r].signal == SIGNAL_PSU_OUTPUT_SETPOINT_V) {
                conf_device->levers[0].row = r;
                conf_device->lever_count = 1;
            }
        }
        adapters[d] = (struct adapter){ .conf = &conf,
                                        .device = conf_device,
                                        .profile = &profile,
                                        .index = d,
                                        .state = { .reading_count = conf_device->reading_count,
                                                   .lever_count = conf_device->lever_count } };
        if (mailbox_new(sizeof(struct device_state), &adapters[d].to_tick) != ST_OK ||
            mailbox_new(sizeof(struct device_state), &adapters[d].to_main) != ST_OK ||
            mailbox_new(sizeof(struct device_orders), &adapters[d].from_tick) != ST_OK)
            die("no memory");
        list[d] = &adapters[d];
    }
    if (mbus_new(&opt, &mbus) != ST_OK)
        die("the line cannot be opened");
    return mbus;
}

static void all_stop(struct mbus *mbus)
{
    mbus_free(mbus);
    atomic_store(&line.stop, true);
    (void)pthread_join(line.thread, NULL);
}

static void wait_us(int64_t us)
{
    clock_sleep_until_us(clock_now_us() + us);
}

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

/* ---- what is measured ---- */

/* (frame bits + one T3.5 before each frame) / elapsed, the median of slices of half a second: a
 * shared machine stalls. */
static double share(int32_t baud, int32_t seconds)
{
    static double slices[1024];
    int32_t count = 0, first;
    struct mbus *mbus;

    line_start(baud);
    profile_make(32);
    mbus = field_start(1, 1, 1);
    wait_us(WARM_US / 3);
    for (; count < 2 * seconds && count < 1024; count++) {
        int64_t busy_us = 0;

        first = atomic_load(&line.count);
        wait_us(500000);
        for (int32_t i = first; i < atomic_load(&line.count) - 1; i++)
            busy_us += wire_us(line.log[i].bytes) + 2 * t35_us();
        slices[count] =
            (double)busy_us / (double)(line.log[atomic_load(&line.count) - 1].at_us - line.log[first].at_us);
    }
    all_stop(mbus);
    qsort(slices, (size_t)count, sizeof *slices, by_value);
    return slices[count / 2];
}

/* From the first request to the last answer of one round over the mirror, in ms. */
static double mirror(bool refuse, const char *kind, int32_t seconds)
{
    static double rounds[4096];
    int32_t count = 0, start, end;
    struct mbus *mbus;

    line.refuse_holes = refuse;
    line.battery = strcmp(kind, "hpr-pmm-bbu") == 0;
    start = line.battery ? 0x107 : 0x101; /* of what is read fast */
    end = line.battery ? 0x158 : 0x152;
    line_start(115200);
    profile_read(kind);
    mbus = field_start(0x20, 1, 200000);
    wait_us(WARM_US + seconds * INT64_C(1000000));
    all_stop(mbus);
    for (int32_t i = 0, last; i < atomic_load(&line.count); i = last + 1) {
        const struct entry *e = &line.log[i];

        last = i;
        if (e->address != start || e->at_us < line.log[0].at_us + WARM_US)
            continue;
        while (last + 1 < atomic_load(&line.count) && line.log[last + 1].address > line.log[last].address &&
               line.log[last + 1].address < 0x160 && line.log[last].address + line.log[last].words < end)
            last++;
        if (line.log[last].address + line.log[last].words >= end && count < 4096)
            rounds[count++] = (double)(line.log[last].end_us - e->at_us) / 1e3;
    }
    if (count == 0)
        die("no whole round was seen");
    qsort(rounds, (size_t)count, sizeof *rounds, by_value);
    return rounds[count / 2];
}

/* What one dead device of six costs, from its death on: its part of the time. How long it takes to answer
 * is known after 8 s; heard for only 3 s it is hardly known, and the line's longest wait is its own. */
static double dead(int32_t heard_s, int32_t seconds)
{
    int64_t lost_us = 0, began_us;
    struct mbus *mbus;
    int32_t first;

    line_start(115200);
    profile_read("hpr-psu");
    mbus = field_start(0x90, UNITS, 200000);
    wait_us(heard_s * INT64_C(1000000));
    first = atomic_load(&line.count);
    began_us = clock_now_us();
    atomic_store(&line.dead, 0x95);
    wait_us(seconds * INT64_C(1000000));
    for (int32_t i = first; i + 1 < atomic_load(&line.count); i++)
        if (line.log[i].unit == 0x95)
            lost_us += line.log[i + 1].at_us - line.log[i].at_us;
    began_us = clock_now_us() - began_us;
    all_stop(mbus);
    return (double)lost_us / (double)began_us;
}

/* Transactions that end between an order and the write of its value: the one that was on its way,
 * and any that went first. The most of all orders. */
static double setpoint(int32_t seconds)
{
    int32_t most = 0;
    struct mbus *mbus;

    if (!mkdtemp(folder))
        die("no folder for originals");
    (void)strcpy(conf.state_dir, folder);
    line_start(115200);
    profile_read("hpr-psu");
    mbus = field_start(0x90, 1, 1000); /* a poll is always due */
    wait_us(WARM_US);
    for (int32_t n = 1; n <= 5 * seconds; n++) {
        int64_t put_us;
        int32_t begun = 0;

        orders.levers[0] = (struct device_order){ .number = (uint64_t)n,
                                                  .op = DEVICE_OP_SET,
                                                  .value = n % 2 ? 50.5 : 50.25,
                                                  .lease_end_us = INT64_MAX };
        mailbox_put(adapters[0].from_tick, &orders);
        put_us = clock_now_us();
        wait_us(150000 + n * 7919 % 50000);
        for (int32_t i = 0; n > 1 && i < atomic_load(&line.count) && begun >= 0; i++) {
            if (line.log[i].end_us < put_us)
                continue;
            if (line.log[i].function == 6) {
                most = begun > most ? begun : most;
                break;
            }
            begun++;
        }
    }
    all_stop(mbus);
    (void)snprintf(line.path, sizeof line.path, "rm -rf '%s'", folder);
    return system(line.path) == 0 ? most : -1;
}

int main(int argc, char **argv)
{
    int32_t seconds = argc > 1 ? (int32_t)strtol(argv[argc - 1], NULL, 10) : 0;
    double value = -1;

    if (argc == 4 && strcmp(argv[1], "share") == 0)
        value = share((int32_t)strtol(argv[2], NULL, 10), seconds);
    else if (argc == 5 && strcmp(argv[1], "mirror") == 0)
        value = mirror(strcmp(argv[2], "six") == 0, argv[3], seconds);
    else if (argc == 4 && strcmp(argv[1], "dead") == 0)
        value = dead((int32_t)strtol(argv[2], NULL, 10), seconds);
    else if (argc == 3 && strcmp(argv[1], "setpoint") == 0)
        value = setpoint(seconds);
    else
        die("share BAUD SECONDS | mirror one|six PROFILE SECONDS | dead HEARD_SECONDS SECONDS | setpoint SECONDS");
    (void)printf("{\"value\": %.6g, \"transactions\": %d}\n", value, (int)atomic_load(&line.count));
    return 0;
}
