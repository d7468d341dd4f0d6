/* SPDX-License-Identifier: Apache-2.0 */
/* The Modbus server over its pty and its TCP port. Frames are written out by hand.
 *
 * With `--serve DIR` this is no test but a server for tests/peers: it prints
 * where it listens as JSON and ends with its standard input.
 */
#include "serve_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "sim/serve_modbus.h"
#include "sim/serve_modbus_parts.h"

static struct plant plant;
static struct faults faults;
static struct event_base *base;
static struct serve_modbus *modbus;
static char directory[64];
static int line_fd = -1, tcp_fd = -1;

static void serve(enum plant_kind kind, int32_t baud, double turnaround_ms, bool tcp)
{
    struct serve_modbus_options opt = {.plant = &plant,
                                       .faults = &faults,
                                       .seed = 7,
                                       .run_dir = directory,
                                       .baud = baud,
                                       .turnaround_min_ms = turnaround_ms,
                                       .turnaround_max_ms = turnaround_ms,
                                       .tcp = tcp};

    rig_plant(&plant, kind, 2);
    faults_init(&faults);
    rig_directory(directory, sizeof directory);
    opt.base = base = event_base_new();
    assert_int_equal(serve_modbus_new(&opt, &modbus), ST_OK);
}

static void connect_tcp(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    address.sin_port = htons((uint16_t)serve_modbus_tcp_port(modbus));
    tcp_fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(tcp_fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(fcntl(tcp_fd, F_SETFL, O_NONBLOCK), 0);
}

static int fast_hpr(void **state)
{
    (void)state;
    serve(PLANT_HPR, 115200, 0.0, true);
    line_fd = open(serve_modbus_path(modbus, 0), O_RDWR | O_NOCTTY | O_NONBLOCK);
    return line_fd < 0;
}

static int end(void **state)
{
    char path[96];

    (void)state;
    if (line_fd >= 0)
        close(line_fd);
    if (tcp_fd >= 0)
        close(tcp_fd);
    line_fd = tcp_fd = -1;
    (void)snprintf(path, sizeof path, "%s", serve_modbus_path(modbus, 0));
    modbus = serve_modbus_free(modbus);
    assert_int_equal(access(path, F_OK), -1); /* the link is gone */
    event_base_free(base);
    assert_int_equal(rmdir(directory), 0);
    return 0;
}

static void sent(int fd, const uint8_t *bytes, size_t size)
{
    assert_int_equal(write(fd, bytes, size), size);
}

/* What comes back until `wanted` bytes are there, or nothing more for `quiet_us`
 * when `wanted` is 0, and as many turns as that has milliseconds: a machine that stalls
 * takes none of them away. */
static size_t received(int fd, uint8_t *bytes, size_t room, size_t wanted, int64_t quiet_us)
{
    int64_t until_us = clock_now_us() + (wanted ? RIG_GIVE_UP_US : quiet_us);
    int64_t turns = wanted ? 0 : quiet_us / 1000;
    size_t size = 0;

    while ((turns > 0 || clock_now_us() < until_us) && (!wanted || size < wanted)) {
        ssize_t got;

        turns--;
        rig_turn(base);
        got = read(fd, bytes + size, room - size);
        if (got > 0)
            size += (size_t)got;
        if (got == 0 || (got < 0 && errno != EAGAIN))
            break;
    }
    return size;
}

/* Sends a request without its CRC and takes an answer of `wanted` bytes with it. */
static void ask(const char *request, size_t request_size, uint8_t *answer, size_t wanted)
{
    uint8_t frame[SERVE_MODBUS_FRAME_MAX];
    uint16_t crc;

    memcpy(frame, request, request_size);
    crc = serve_modbus_crc(frame, request_size);
    frame[request_size] = (uint8_t)crc;
    frame[request_size + 1] = (uint8_t)(crc >> 8);
    sent(line_fd, frame, request_size + 2);
    if (wanted == 0)
        return;
    assert_int_equal(received(line_fd, answer, SERVE_MODBUS_FRAME_MAX, wanted, 0), wanted);
}

static void assert_crc(const uint8_t *frame, size_t size)
{
    assert_int_equal(serve_modbus_crc(frame, size - 2), frame[size - 2] | frame[size - 1] << 8);
}

/* Examples printed in Modbus documents. */
static void the_crc_is_the_standards(void **state)
{
    static const uint8_t a[] = {0x01, 0x03, 0x00, 0x00, 0x00, 0x01}; /* 84 0A */
    static const uint8_t b[] = {0x11, 0x03, 0x00, 0x6B, 0x00, 0x03}; /* 76 87 */

    (void)state;
    assert_int_equal(serve_modbus_crc(a, sizeof a), 0x0A84);
    assert_int_equal(serve_modbus_crc(b, sizeof b), 0x8776);
    assert_int_equal(serve_modbus_crc(a, 0), 0xFFFF);
}

static void a_read_gives_the_plants_truth(void **state)
{
    uint8_t a[SERVE_MODBUS_FRAME_MAX];

    (void)state;
    ask("\x90\x03\x00\x4F\x00\x04", 6, a, 13);
    assert_memory_equal(a, "\x90\x03\x08\xC6\x00\x19\x00\x19\x00\x9A\xB0",
                        11); /* 49.5 V, 100 A, 100 A, 4950 W */
    assert_crc(a, 13);
    ask("\x90\x04\x00\x4F\x00\x01", 6, a, 7);
    assert_memory_equal(a, "\x90\x04\x02\xC6\x00", 5);
    ask("\x35\x03\x00\x60\x00\x02", 6, a, 9);
    assert_memory_equal(a, "\x35\x03\x04\xAA\xB4\x02\x3A", 7); /* 43700 mV, 5.70 A */
    ask("\x20\x03\x01\x01\x00\x02", 6, a, 9);
    assert_memory_equal(a, "\x20\x03\x04\x3C\x00\x56\x00", 7); /* mirrored: 240 V, 21.5 A */
    ask("\x10\x03\x00\x57\x00\x01", 6, a, 7);
    assert_memory_equal(a, "\x10\x03\x02\x00\x3F", 5);
    plant.psus[0].output_v = 50.0;
    rig_run(base, 60000); /* the module measures every 20 ms */
    ask("\x90\x03\x00\x4F\x00\x01", 6, a, 7);
    assert_memory_equal(a, "\x90\x03\x02\xC8\x00", 5);
}

static void writes_reach_the_plant_and_refusals_say_why(void **state)
{
    uint8_t a[SERVE_MODBUS_FRAME_MAX];

    (void)state;
    ask("\x90\x06\x00\x67\xC9\x00", 6, a, 5);
    assert_memory_equal(a, "\x90\x86\x04", 3); /* the gate is closed   */
    ask("\x90\x06\x00\x5E\x08\x03", 6, a, 8);
    assert_memory_equal(a, "\x90\x06\x00\x5E\x08\x03", 6);
    ask("\x90\x06\x00\x67\xC9\x00", 6, a, 8);
    assert_float_equal(plant.psus[0].setpoint_v, 50.25, 1e-12);
    ask("\x90\x06\x00\x67\xF0\x00", 6, a, 5);
    assert_memory_equal(a, "\x90\x86\x03", 3); /* 60 V                 */
    ask("\x90\x06\x00\x4F\x00\x00", 6, a, 5);
    assert_memory_equal(a, "\x90\x86\x02", 3); /* a reading            */
    ask("\x90\x03\x00\x68\x00\x01", 6, a, 5);
    assert_memory_equal(a, "\x90\x83\x02", 3); /* a hole               */
    ask("\x90\x03\x00\x00\x00\x7E", 6, a, 5);
    assert_memory_equal(a, "\x90\x83\x03", 3); /* 126 registers        */
    ask("\x30\x10\x01\x2C\x00\x02\x04\x00\x00\x00\x3C", 11, a, 8);
    assert_memory_equal(a, "\x30\x10\x01\x2C\x00\x02", 6);
    assert_float_equal(plant.bbus[0].override_timeout_s, 60.0, 1e-12);
    ask("\x30\x10\x01\x2C\x00\x02\x02\x00\x00", 9, a, 5);
    assert_memory_equal(a, "\x30\x90\x03", 3); /* count and bytes differ */
    assert_int_equal(serve_modbus_counts(modbus, 0).writes, 4);
    assert_int_equal(serve_modbus_counts(modbus, 0).exceptions, 6);
}

static void a_black_box_is_read_record_by_record(void **state)
{
    uint8_t a[SERVE_MODBUS_FRAME_MAX];

    (void)state;
    ask("\x90\x14\x07\x06\x00\x01\x00\x00\x00\x03", 10, a, 13);
    assert_memory_equal(a, "\x90\x14\x08\x07\x06", 5);
    assert_memory_equal(a + 9, "\x00\x01", 2); /* it started            */
    assert_crc(a, 13);
    ask("\x30\x14\x0E\x06\x00\x01\x00\x00\x00\x01\x06\x00\x01\x00\x00\x00\x0C", 17, a, 35);
    assert_memory_equal(a, "\x30\x14\x1E\x03\x06", 5); /* two groups            */
    assert_memory_equal(a + 7, "\x19\x06", 2);
    ask("\x90\x14\x07\x06\x00\x01\x00\x05\x00\x01", 10, a, 5);
    assert_memory_equal(a, "\x90\x94\x02", 3); /* no such record        */
    ask("\x90\x14\x07\x05\x00\x01\x00\x00\x00\x01", 10, a, 5);
    assert_memory_equal(a, "\x90\x94\x02", 3); /* no such reference type */
    ask("\x90\x14\x07\x06\x00\x01\x00\x00\x00\x0D", 10, a, 5);
    assert_memory_equal(a, "\x90\x94\x03", 3); /* longer than a record  */
    ask("\x90\x14\x03\x06\x00\x01", 6, a, 5);
    assert_memory_equal(a, "\x90\x94\x03", 3); /* half a group          */
    ask("\x20\x14\x07\x06\x00\x01\x00\x00\x00\x01", 10, a, 5);
    assert_memory_equal(a, "\x20\x94\x01", 3); /* a shelf controller    */
}

static void unknown_functions_end_with_silence(void **state)
{
    uint8_t a[SERVE_MODBUS_FRAME_MAX];

    (void)state;
    ask("\x90\x2B\x0E\x01\x00", 5, a, 5);
    assert_memory_equal(a, "\x90\xAB\x01", 3);
    assert_crc(a, 5);
    ask("\x90\x07", 2, a, 5);
    assert_memory_equal(a, "\x90\x87\x01", 3);
}

static void strangers_and_broadcasts_stay_unanswered(void **state)
{
    uint8_t a[SERVE_MODBUS_FRAME_MAX];

    (void)state;
    ask("\x77\x03\x00\x00\x00\x01", 6, a, 0);
    assert_int_equal(received(line_fd, a, sizeof a, 0, 50000), 0);
    ask("\x00\x06\x00\x5E\x08\x03", 6, a, 0);
    assert_int_equal(received(line_fd, a, sizeof a, 0, 50000), 0);
    assert_false(plant.psus[0].write_enable);
    ask("\x9A\x03\x00\x00\x00\x01", 6, a, 0); /* the second line's */
    assert_int_equal(received(line_fd, a, sizeof a, 0, 50000), 0);
    plant.psus[1].present = false;
    ask("\x91\x03\x00\x00\x00\x01", 6, a, 0);
    assert_int_equal(received(line_fd, a, sizeof a, 0, 50000), 0);
    assert_int_equal(serve_modbus_counts(modbus, 0).silent, 4);
}

/* A frame ends with silence: on a machine that stands still for a while it comes later. */
static void counted_as_corrupt(uint64_t count)
{
    int64_t until_us = clock_now_us() + RIG_GIVE_UP_US;
    uint8_t a[SERVE_MODBUS_FRAME_MAX];

    do
        assert_int_equal(received(line_fd, a, sizeof a, 0, 10000), 0);
    while (serve_modbus_counts(modbus, 0).corrupt < count && clock_now_us() < until_us);
    assert_int_equal(serve_modbus_counts(modbus, 0).corrupt, count);
}

static void a_broken_frame_is_dropped_and_the_next_one_heard(void **state)
{
    uint8_t a[SERVE_MODBUS_FRAME_MAX];

    (void)state;
    sent(line_fd, (const uint8_t *)"\x90\x03\x00\x4F\x00\x01\x00\x00", 8);
    counted_as_corrupt(1);
    sent(line_fd, (const uint8_t *)"\x90\x03\x00", 3);
    counted_as_corrupt(2);
    ask("\x90\x03\x00\x4F\x00\x01", 6, a, 7);
    assert_memory_equal(a, "\x90\x03\x02\xC6\x00", 5);
    assert_int_equal(serve_modbus_counts(modbus, 0).corrupt, 2);
    ask("\x90\x03\x00\x4B\x00\x02", 6, a, 9); /* the module counted them too */
    assert_memory_equal(a, "\x90\x03\x04\x00\x00\x00\x02", 7);
}

static void faults_do_what_they_say(void **state)
{
    static const struct faults_target psu = {.class = FAULT_PSU, .index = 0};
    static const struct faults_target line = {.class = FAULT_LINE, .index = 0};
    uint8_t a[SERVE_MODBUS_FRAME_MAX];
    int64_t asked_us;
    int broken = 0;

    (void)state;
    faults_set(&faults, psu, FAULT_SILENT, 1, 0.0, (double)NAN);
    ask("\x90\x03\x00\x4F\x00\x01", 6, a, 0);
    assert_int_equal(received(line_fd, a, sizeof a, 0, 50000), 0);
    ask("\x91\x03\x00\x4F\x00\x01", 6, a, 7); /* its neighbour is well */
    faults_clear(&faults, NULL);

    faults_set(&faults, psu, FAULT_BAD_CRC, 3, 0.0, (double)NAN);
    for (int i = 0; i < 9; i++) {
        ask("\x90\x03\x00\x4F\x00\x01", 6, a, 7);
        broken += serve_modbus_crc(a, 5) != (a[5] | a[6] << 8) ? 1 : 0;
    }
    assert_int_equal(broken, 3);
    faults_clear(&faults, NULL);

    faults_set(&faults, psu, FAULT_EXCEPTION, 1, 0.0, (double)NAN);
    ask("\x90\x03\x00\x4F\x00\x01", 6, a, 5);
    assert_memory_equal(a, "\x90\x83\x06", 3);
    faults_set(&faults, psu, FAULT_EXCEPTION, 1, 0.0, 4.0);
    ask("\x90\x06\x00\x5E\x08\x03", 6, a, 5);
    assert_memory_equal(a, "\x90\x86\x04", 3);
    assert_false(plant.psus[0].write_enable);
    faults_clear(&faults, NULL);

    faults_set(&faults, line, FAULT_SLOW, 1, 0.0, 80.0);
    asked_us = clock_now_us();
    ask("\x91\x03\x00\x4F\x00\x01", 6, a, 7);
    assert_true(clock_now_us() - asked_us >= 80000);
    faults_clear(&faults, NULL);

    faults_set(&faults, psu, FAULT_IGNORE_WRITE, 1, 0.0, (double)NAN);
    ask("\x90\x06\x00\x5E\x08\x03", 6, a, 8);
    assert_memory_equal(a, "\x90\x06\x00\x5E\x08\x03", 6);
    assert_false(plant.psus[0].write_enable);
    ask("\x90\x03\x00\x5E\x00\x01", 6, a, 7);
    assert_memory_equal(a, "\x90\x03\x02\x08\x02", 5);
    faults_clear(&faults, NULL);

    faults_set(&faults, psu, FAULT_STUCK, 1, 0.0, (double)NAN);
    plant.psus[0].output_v = 48.0;
    rig_run(base, 60000);
    ask("\x90\x03\x00\x4F\x00\x01", 6, a, 7);
    assert_memory_equal(a, "\x90\x03\x02\xC6\x00", 5);
    faults_clear(&faults, NULL);
    rig_run(base, 60000);
    ask("\x90\x03\x00\x4F\x00\x01", 6, a, 7);
    assert_memory_equal(a, "\x90\x03\x02\xC0\x00", 5);
}

/* A slow unit does not silence the others, and hears nothing itself meanwhile. */
static void a_slow_unit_leaves_the_line_to_others(void **state)
{
    static const struct faults_target psu = {.class = FAULT_PSU, .index = 0};
    uint8_t a[SERVE_MODBUS_FRAME_MAX];

    (void)state;
    faults_set(&faults, psu, FAULT_SLOW, 1, 0.0, 6000.0); /* longer than a machine stalls */
    ask("\x90\x03\x00\x4F\x00\x01", 6, a, 0);
    rig_run(base, 20000);
    ask("\x90\x03\x00\x4F\x00\x01", 6, a, 0);
    rig_run(base, 20000);
    ask("\x91\x03\x00\x50\x00\x01", 6, a, 7);
    assert_memory_equal(a, "\x91\x03\x02\x19\x00", 5);
    assert_int_equal(received(line_fd, a, sizeof a, 7, 0), 7); /* late, and once */
    assert_memory_equal(a, "\x90\x03\x02\xC6\x00", 5);
    assert_int_equal(received(line_fd, a, sizeof a, 0, 1600000), 0);
    assert_int_equal(serve_modbus_counts(modbus, 0).collisions, 1);
}

/* 8 + 27 characters at 19200 8E1 are 20.05 ms, and 10 ms of turnaround. */
static void an_answer_takes_the_time_of_the_wire(void **state)
{
    uint8_t a[SERVE_MODBUS_FRAME_MAX];
    int64_t asked_us, first_us;

    (void)state;
    serve(PLANT_ORV3, 19200, 10.0, false);
    line_fd = open(serve_modbus_path(modbus, 0), O_RDWR | O_NOCTTY | O_NONBLOCK);
    assert_true(line_fd >= 0);
    asked_us = clock_now_us();
    ask("\xE8\x03\x00\x4F\x00\x0B", 6, a, 0);
    assert_int_equal(received(line_fd, a, 1, 1, 0), 1);
    first_us = clock_now_us();
    assert_int_equal(received(line_fd, a + 1, sizeof a - 1, 26, 0), 26);
    assert_true(first_us - asked_us >= 14583 + 16 * 573 - 100); /* not before 16 characters were through */
    assert_true(clock_now_us() - asked_us >= 30000);
    assert_crc(a, 27);
    ask("\x40\x03\x00\x80\x00\x01", 6, a, 7);
    assert_memory_equal(a, "\x40\x03\x02\xAA\xB4", 5);
    ask("\x20\x03\x00\x00\x00\x01", 6, a, 0); /* no PMM in a plain ORv3 rack */
    assert_int_equal(received(line_fd, a, sizeof a, 0, 60000), 0);
}

static void random_bytes_hurt_nobody(void **state)
{
    uint8_t bytes[64], a[4096];
    struct rng rng;
    size_t got = 0;

    (void)state;
    rng_init(&rng, 3, 1);
    for (int round = 0; round < 400; round++) {
        size_t size = rng_u64(&rng) % sizeof bytes + 1;

        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)rng_u64(&rng);
        if (round % 2) { /* half of them look like requests */
            uint16_t crc;

            bytes[0] = round % 4 == 1 ? 0x90 : 0x30;
            bytes[1] = round % 8 < 4 ? 0x03 : 0x10;
            size = bytes[1] == 3 || size < 10 ? 8 : size;
            bytes[6] = bytes[1] == 0x10 ? (uint8_t)(size - 9) : bytes[6];
            crc = serve_modbus_crc(bytes, size - 2);
            bytes[size - 2] = (uint8_t)crc;
            bytes[size - 1] = (uint8_t)(crc >> 8);
        }
        sent(line_fd, bytes, size);
        rig_turn(base);
        (void)received(line_fd, a, sizeof a, 0, 3000);
    }
    (void)received(line_fd, a, sizeof a, 0, 300000);
    /* As a master does: what the last bytes swallowed is asked again. */
    for (int tries = 0; tries < 20 && got != 7; tries++) {
        ask("\x90\x03\x00\x4F\x00\x01", 6, NULL, 0);
        got = received(line_fd, a, sizeof a, 0, 300000);
    }
    assert_int_equal(got, 7);
    assert_memory_equal(a, "\x90\x03\x02\xC6\x00", 5);
}

static void every_pdu_is_answered_within_its_bounds(void **state)
{
    struct serve_registers_unit unit;
    uint8_t pdu[SERVE_MODBUS_PDU_MAX], answer[SERVE_MODBUS_PDU_MAX];
    struct rng rng;

    (void)state;
    rig_plant(&plant, PLANT_HPR, 2);
    serve_registers_init(&unit, SERVE_REGISTERS_BBU_HPR, &plant, 0, 0, 0, 0);
    rng_init(&rng, 5, 1);
    for (int round = 0; round < 200000; round++) {
        size_t size = rng_u64(&rng) % (sizeof pdu + 1);
        static const uint8_t functions[] = {3, 4, 6, 16, 20, 0, 255};
        size_t got;

        for (size_t i = 0; i < size && i < 40; i++)
            pdu[i] = (uint8_t)rng_u64(&rng);
        if (size >= 6) {
            pdu[0] = functions[rng_u64(&rng) % sizeof functions];
            pdu[1] = pdu[0] == 20 ? (uint8_t)(7 * (pdu[1] % 36)) : pdu[1] & 1;
            pdu[3] = 0;
            if (round % 2) {
                size = pdu[0] == 16 ? 6 + 2u * (pdu[4] % 20) : pdu[0] == 20 ? 2u + pdu[1] : 5;
                pdu[4] = pdu[0] == 16 ? pdu[4] % 20 : pdu[4];
                pdu[5] = (uint8_t)(2 * pdu[4]);
            }
        }
        got = serve_modbus_execute(&unit, 0, pdu, size, round % 3 == 0, answer);
        assert_in_range(got, 2, SERVE_MODBUS_PDU_MAX);
        if (got == 2)
            assert_true(answer[0] & 0x80);
    }
}

static size_t ask_tcp(const char *request, size_t size, uint8_t *answer, size_t wanted)
{
    sent(tcp_fd, (const uint8_t *)request, size);
    return received(tcp_fd, answer, 300, wanted, 0);
}

static void the_gateway_speaks_for_line_one(void **state)
{
    static const struct faults_target psu = {.class = FAULT_PSU, .index = 0};
    uint8_t a[300];

    (void)state;
    connect_tcp();
    assert_int_equal(ask_tcp("\x12\x34\x00\x00\x00\x06\x90\x03\x00\x4F\x00\x01", 12, a, 11), 11);
    assert_memory_equal(a, "\x12\x34\x00\x00\x00\x05\x90\x03\x02\xC6\x00", 11);
    /* two at once are answered one after the other */
    assert_int_equal(ask_tcp("\x00\x01\x00\x00\x00\x06\x91\x03\x00\x50\x00\x01"
                             "\x00\x02\x00\x00\x00\x06\x92\x03\x00\x50\x00\x01",
                             24, a, 22),
                     22);
    assert_memory_equal(a, "\x00\x01\x00\x00\x00\x05\x91", 7);
    assert_memory_equal(a + 11, "\x00\x02\x00\x00\x00\x05\x92", 7);
    assert_int_equal(ask_tcp("\x00\x03\x00\x00\x00\x06\x77\x03\x00\x50\x00\x01", 12, a, 9), 9);
    assert_memory_equal(a, "\x00\x03\x00\x00\x00\x03\x77\x83\x0B", 9); /* no such unit */
    faults_set(&faults, psu, FAULT_BAD_CRC, 1, 0.0, (double)NAN);
    assert_int_equal(ask_tcp("\x00\x04\x00\x00\x00\x06\x90\x03\x00\x50\x00\x01", 12, a, 9), 9);
    assert_memory_equal(a, "\x00\x04\x00\x00\x00\x03\x90\x83\x0B", 9);
    assert_int_equal(ask_tcp("\x00\x05\x00\x00\x00\x02\x91\x03", 8, a, 9), 9); /* short PDU */
    assert_memory_equal(a, "\x00\x05\x00\x00\x00\x03\x91\x83\x03", 9);
    /* what is not Modbus ends the connection */
    assert_int_equal(ask_tcp("GET / HTTP/1.1\r\n\r\n", 18, a, 1), 0);
}

/* The answer to a client that left never reaches the one that took its place. */
static void the_gateway_forgets_who_left(void **state)
{
    uint8_t a[300];

    (void)state;
    connect_tcp();
    sent(tcp_fd, (const uint8_t *)"\x00\x01\x00\x00\x00\x06\x77\x03\x00\x50\x00\x01", 12);
    rig_run(base, 20000);
    close(tcp_fd);
    rig_run(base, 20000);
    connect_tcp();
    assert_int_equal(ask_tcp("\x00\x02\x00\x00\x00\x06\x91\x03\x00\x50\x00\x01", 12, a, 11), 11);
    assert_memory_equal(a, "\x00\x02\x00\x00\x00\x05\x91", 7);
}

static int serve_for_peers(const char *path)
{
    struct serve_modbus_options opt = {.plant = &plant,
                                       .faults = &faults,
                                       .seed = 7,
                                       .run_dir = path,
                                       .baud = 115200,
                                       .turnaround_min_ms = 2.0,
                                       .turnaround_max_ms = 4.0,
                                       .tcp = true};

    rig_plant(&plant, PLANT_HPR, 2);
    faults_init(&faults);
    opt.base = base = event_base_new();
    if (serve_modbus_new(&opt, &modbus) != ST_OK)
        return 2;
    printf("{\"line\": \"%s\", \"tcp_port\": %d}\n", serve_modbus_path(modbus, 0),
           serve_modbus_tcp_port(modbus));
    rig_serve(base);
    modbus = serve_modbus_free(modbus);
    event_base_free(base);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_crc_is_the_standards),
        cmocka_unit_test_setup_teardown(a_read_gives_the_plants_truth, fast_hpr, end),
        cmocka_unit_test_setup_teardown(writes_reach_the_plant_and_refusals_say_why, fast_hpr, end),
        cmocka_unit_test_setup_teardown(a_black_box_is_read_record_by_record, fast_hpr, end),
        cmocka_unit_test_setup_teardown(unknown_functions_end_with_silence, fast_hpr, end),
        cmocka_unit_test_setup_teardown(strangers_and_broadcasts_stay_unanswered, fast_hpr, end),
        cmocka_unit_test_setup_teardown(a_broken_frame_is_dropped_and_the_next_one_heard, fast_hpr, end),
        cmocka_unit_test_setup_teardown(faults_do_what_they_say, fast_hpr, end),
        cmocka_unit_test_setup_teardown(a_slow_unit_leaves_the_line_to_others, fast_hpr, end),
        cmocka_unit_test_teardown(an_answer_takes_the_time_of_the_wire, end),
        cmocka_unit_test_setup_teardown(random_bytes_hurt_nobody, fast_hpr, end),
        cmocka_unit_test(every_pdu_is_answered_within_its_bounds),
        cmocka_unit_test_setup_teardown(the_gateway_speaks_for_line_one, fast_hpr, end),
        cmocka_unit_test_setup_teardown(the_gateway_forgets_who_left, fast_hpr, end),
    };

    if (argc == 3 && strcmp(argv[1], "--serve") == 0)
        return serve_for_peers(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
