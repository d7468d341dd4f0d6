/* SPDX-License-Identifier: Apache-2.0 */
/* PMBus words and PECs worked out by hand, and the segment behind its socket. */
#include "serve_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "sim/serve_pmbus.h"
#include "sim/serve_pmbus_status.h"
#include "sim/serve_smbus.h"

static struct plant plant;
static struct faults faults;
static struct event_base *base;
static struct serve_smbus *smbus;
static char directory[64];

static struct serve_pmbus device(void)
{
    struct serve_pmbus made;

    rig_plant(&plant, PLANT_HPR, 2);
    serve_pmbus_init(&made, &plant, 0, 0x58);
    return made;
}

static unsigned read_word(struct serve_pmbus *from, uint8_t command)
{
    uint8_t data[SERVE_PMBUS_DATA_MAX];
    size_t size;

    assert_true(serve_pmbus_read(from, command, data, &size));
    return size == 1 ? data[0] : (unsigned)(data[0] | data[1] << 8);
}

static void linear11_is_the_standards(void **state)
{
    (void)state;
    assert_int_equal(serve_pmbus_linear11(240.0), 0xF3C0);  /* 960 * 2^-2  */
    assert_int_equal(serve_pmbus_linear11(5500.0), 0x1AB0); /* 688 * 2^3   */
    assert_int_equal(serve_pmbus_linear11(0.0), 0x8000);    /* 0 * 2^-16   */
    assert_int_equal(serve_pmbus_linear11(-10.0), 0xD580);  /* -640 * 2^-6 */
    assert_int_equal(serve_pmbus_linear11(1e12), 0x7BFF);
    assert_float_equal(serve_pmbus_linear11_value(0xF3C0), 240.0, 0.0);
    assert_float_equal(serve_pmbus_linear11_value(0xE7FF), -0.0625, 0.0); /* -1 * 2^-4 */
    assert_float_equal(serve_pmbus_linear11_value(0x0801), 2.0, 0.0);
    for (double value = -3000.0; value < 30000.0; value += 0.37) {
        double back = serve_pmbus_linear11_value(serve_pmbus_linear11(value));

        assert_true(fabs(back - value) <= fabs(value) / 1000.0 + 1e-4);
    }
}

/* The check value of the CRC-8 of polynomial 0x07 over "123456789" is 0xF4. */
static void the_pec_is_the_standards(void **state)
{
    (void)state;
    assert_int_equal(serve_pmbus_pec(0, (const uint8_t *)"123456789", 9), 0xF4);
    assert_int_equal(
        serve_pmbus_pec(serve_pmbus_pec(0, (const uint8_t *)"1234", 4), (const uint8_t *)"56789", 5), 0xF4);
}

static void readings_are_the_documented_words(void **state)
{
    struct serve_pmbus psu = device();

    (void)state;
    plant.psus[0].output_v = 50.75;
    serve_pmbus_refresh(&psu, false);
    assert_int_equal(read_word(&psu, 0x20), 0x17);
    assert_int_equal(read_word(&psu, 0x8B), 0x6580); /* 50.75 * 512        */
    assert_int_equal(read_word(&psu, 0x88), 0xF3C0); /* 240 V              */
    assert_int_equal(read_word(&psu, 0x97), 0x1A81); /* 5125 W: 641 * 2^3  */
    assert_int_equal(read_word(&psu, 0x96), 0x1A6B); /* 4950 W: 618.75 -> 619 */
    assert_int_equal(read_word(&psu, 0x8C), 0xEB20); /* 100 A: 800 * 2^-3  */
    assert_int_equal(read_word(&psu, 0x89), 0xDAB0); /* 21.5 A: 688 * 2^-5 */
    assert_int_equal(read_word(&psu, 0x8D), 0xDB30); /* 25.5: 816 * 2^-5   */
    assert_int_equal(read_word(&psu, 0x8E), 0xE300); /* 48: 768 * 2^-4     */
    assert_int_equal(read_word(&psu, 0x19), 0xB0);
    plant.psus[0].output_v = 48.0;
    serve_pmbus_refresh(&psu, true); /* stuck */
    assert_int_equal(read_word(&psu, 0x8B), 0x6580);
}

static void blocks_carry_their_length(void **state)
{
    struct serve_pmbus psu = device();
    uint8_t data[SERVE_PMBUS_DATA_MAX];
    size_t size;

    (void)state;
    assert_true(serve_pmbus_read(&psu, 0x9A, data, &size));
    assert_int_equal(size, 13);
    assert_memory_equal(data, "\x0CHPR-PSU-5500", 13);
    assert_true(serve_pmbus_read(&psu, 0x9E, data, &size));
    assert_memory_equal(data, "\x0BPSU00000001", 12);
    assert_true(serve_pmbus_read(&psu, 0x99, data, &size));
    assert_memory_equal(data,
                        "\x0A"
                        "Busbar Sim",
                        11);
}

static void a_crossed_warning_limit_is_latched(void **state)
{
    struct serve_pmbus psu = device();

    (void)state;
    assert_int_equal(read_word(&psu, 0x79), 0x0000);
    /* 4000 W: 1000 * 2^2 = 0x13E8, the input draws 5125 W */
    assert_true(serve_pmbus_write(&psu, (const uint8_t *)"\x6B\xE8\x13", 3, false));
    assert_float_equal(plant.psus[0].input_warn_w, 4000.0, 0.0);
    assert_int_equal(read_word(&psu, 0x6B), 0x13E8);
    assert_int_equal(read_word(&psu, 0x7C), 0x01);
    assert_int_equal(read_word(&psu, 0x79), 0x2000);
    plant.psus[0].input_w = 3000.0;
    serve_pmbus_refresh(&psu, false);
    assert_int_equal(read_word(&psu, 0x7C), 0x01); /* stays until cleared */
    assert_true(serve_pmbus_write(&psu, (const uint8_t *)"\x03", 1, false));
    assert_int_equal(read_word(&psu, 0x7C), 0x00);
    assert_true(serve_pmbus_write(&psu, (const uint8_t *)"\x6A\xE8\x13", 3, false));
    assert_int_equal(read_word(&psu, 0x7B), 0x01);
    assert_int_equal(read_word(&psu, 0x79), 0x4000);
    assert_true(serve_pmbus_write(&psu, (const uint8_t *)"\x03", 1, false));
    assert_int_equal(read_word(&psu, 0x7B), 0x01); /* still over it: says so again */
    plant.psus[0].output_w = 1000.0;
    serve_pmbus_refresh(&psu, false);
    assert_true(serve_pmbus_write(&psu, (const uint8_t *)"\x7B\x01", 2, false)); /* a 1 clears its bit */
    assert_int_equal(read_word(&psu, 0x7B), 0x00);
}

static void lost_input_shows_in_every_status(void **state)
{
    struct serve_pmbus psu = device();

    (void)state;
    plant.psus[0].input_v = 0.0;
    plant.psus[0].output_v = 0.0;
    plant.psus[0].on = false;
    serve_pmbus_refresh(&psu, false);
    assert_int_equal(read_word(&psu, 0x7C), 0x38); /* warning, fault, off for low input */
    assert_int_equal(read_word(&psu, 0x79), 0x2848);
    assert_int_equal(read_word(&psu, 0x78), 0x48);
    assert_int_equal(read_word(&psu, 0x01), 0x00);
}

static void what_it_does_not_know_it_refuses_and_says_so(void **state)
{
    struct serve_pmbus psu = device();
    uint8_t data[SERVE_PMBUS_DATA_MAX];
    size_t size;

    (void)state;
    assert_false(serve_pmbus_read(&psu, 0xD0, data, &size));
    assert_int_equal(read_word(&psu, 0x7E), 0x80);
    assert_int_equal(read_word(&psu, 0x78), 0x02);
    assert_true(serve_pmbus_write(&psu, (const uint8_t *)"\x03", 1, false));
    assert_false(serve_pmbus_write(&psu, (const uint8_t *)"\x88\x00\x00", 3, false)); /* a reading */
    assert_int_equal(read_word(&psu, 0x7E), 0x80);
    assert_true(serve_pmbus_write(&psu, (const uint8_t *)"\x03", 1, false));
    assert_false(serve_pmbus_write(&psu, (const uint8_t *)"\x6B\xE8", 2, false)); /* too short */
    assert_int_equal(read_word(&psu, 0x7E), 0x02);
    assert_true(serve_pmbus_write(&psu, (const uint8_t *)"\x03", 1, false));
    assert_false(serve_pmbus_write(&psu, (const uint8_t *)"\x6B\xFF\x07", 3, false)); /* -1 W      */
    assert_int_equal(read_word(&psu, 0x7E), 0x40);
    assert_false(serve_pmbus_write(&psu, NULL, 0, false));
}

/* PEC of a write of 0x13E8 to 6Bh of the device at 58h: CRC-8 of B0 6B E8 13. */
static void a_wrong_pec_is_refused(void **state)
{
    struct serve_pmbus psu = device();
    uint8_t frame[] = {0xB0, 0x6B, 0xE8, 0x13, 0x00};

    (void)state;
    frame[4] = serve_pmbus_pec(0, frame, 4);
    assert_true(serve_pmbus_write(&psu, frame + 1, 4, false));
    assert_float_equal(plant.psus[0].input_warn_w, 4000.0, 0.0);
    frame[2] = 0xE9;
    assert_false(serve_pmbus_write(&psu, frame + 1, 4, false));
    assert_float_equal(plant.psus[0].input_warn_w, 4000.0, 0.0);
    assert_int_equal(read_word(&psu, 0x7E), 0x20);
}

static void write_protection_and_operation(void **state)
{
    struct serve_pmbus psu = device();

    (void)state;
    assert_true(serve_pmbus_write(&psu, (const uint8_t *)"\x10\x40", 2, false));
    assert_false(serve_pmbus_write(&psu, (const uint8_t *)"\x6B\xE8\x13", 3, false));
    assert_true(serve_pmbus_write(&psu, (const uint8_t *)"\x01\x00", 2, false));
    assert_false(plant.psus[0].on);
    assert_true(serve_pmbus_write(&psu, (const uint8_t *)"\x10\x80", 2, false));
    assert_false(serve_pmbus_write(&psu, (const uint8_t *)"\x01\x80", 2, false));
    assert_false(serve_pmbus_write(&psu, (const uint8_t *)"\x10\x01", 2, false));
    assert_true(serve_pmbus_write(&psu, (const uint8_t *)"\x10\x00", 2, false));
    assert_true(serve_pmbus_write(&psu, (const uint8_t *)"\x01\x80", 2, false));
    assert_true(plant.psus[0].on);
    assert_true(serve_pmbus_write(&psu, (const uint8_t *)"\x01\x00", 2, true)); /* ignored */
    assert_true(plant.psus[0].on);
}

static void energy_is_counted_sample_by_sample(void **state)
{
    struct serve_pmbus psu = device();
    uint8_t data[SERVE_PMBUS_DATA_MAX];
    unsigned before, after;
    size_t size;

    (void)state;
    plant.psus[0].input_w = 3000.0;
    serve_pmbus_refresh(&psu, false);
    assert_true(serve_pmbus_read(&psu, 0x86, data, &size));
    assert_int_equal(size, 7);
    assert_int_equal(data[0], 6);
    before = (unsigned)(data[1] | data[2] << 8) + 32768u * data[3];
    for (int i = 0; i < 20; i++)
        serve_pmbus_refresh(&psu, false);
    assert_true(serve_pmbus_read(&psu, 0x86, data, &size));
    after = (unsigned)(data[1] | data[2] << 8) + 32768u * data[3];
    assert_int_equal(after - before, 60000); /* one roll-over in between at least */
    assert_true(data[3] >= 1);
    assert_int_equal(data[4], 22); /* one when it was made */
    assert_true(serve_pmbus_process(&psu, (const uint8_t *)"\x30\x02\x86\x01", 4, data, &size));
    assert_int_equal(size, 6);
    assert_memory_equal(data, "\x05\x01\x00\x00\x00\x00", 6);
    assert_false(serve_pmbus_process(&psu, (const uint8_t *)"\x30\x02\x88\x01", 4, data, &size)); /* LINEAR11 */
}

static void it_says_what_it_knows_and_pages_plus(void **state)
{
    struct serve_pmbus psu = device();
    uint8_t data[SERVE_PMBUS_DATA_MAX], sum = 0;
    size_t size;

    (void)state;
    assert_true(serve_pmbus_process(&psu, (const uint8_t *)"\x1A\x01\x6B", 3, data, &size));
    assert_memory_equal(data, "\x01\xE0", 2); /* known, written and read, LINEAR */
    assert_true(serve_pmbus_process(&psu, (const uint8_t *)"\x1A\x01\x86", 3, data, &size));
    assert_memory_equal(data, "\x01\xAC", 2); /* read only, DIRECT */
    assert_true(serve_pmbus_process(&psu, (const uint8_t *)"\x1A\x01\xD0", 3, data, &size));
    assert_memory_equal(data, "\x01\x00", 2);
    assert_true(serve_pmbus_process(&psu, (const uint8_t *)"\x06\x02\x00\x20", 4, data, &size));
    assert_memory_equal(data, "\x01\x17", 2);
    assert_true(serve_pmbus_read(&psu, 0xD5, data, &size));
    assert_int_equal(size, 152);
    assert_int_equal(data[0], 151);
    for (int i = 1; i < 152; i++)
        sum = (uint8_t)(sum + data[i]);
    assert_int_equal(sum, 0);
}

static void a_new_fault_pulls_the_line_until_it_is_asked(void **state)
{
    struct serve_pmbus psu = device();
    uint8_t data[SERVE_PMBUS_DATA_MAX];
    size_t size;

    (void)state;
    assert_true(serve_pmbus_write(&psu, (const uint8_t *)"\x03", 1, false));
    assert_false(psu.alert);
    serve_pmbus_status(&psu, 0x7B, 0x80);
    assert_true(psu.alert);
    assert_true(serve_pmbus_read(&psu, 0x7B, data, &size));
    assert_true(data[0] & 0x80);
    assert_int_equal(read_word(&psu, 0x79) & 0x4010, 0x4010);
    psu.alert = false;
    serve_pmbus_status(&psu, 0x7B, 0x80); /* it is there already */
    assert_false(psu.alert);
}

/* ---- the segment ---- */

static int serve(void **state)
{
    struct serve_smbus_options opt = {
        .plant = &plant, .faults = &faults, .run_dir = directory, .shelf = 1, .hz = 10000};

    (void)state;
    rig_plant(&plant, PLANT_HPR, 2);
    faults_init(&faults);
    rig_directory(directory, sizeof directory);
    opt.base = base = event_base_new();
    assert_int_equal(serve_smbus_new(&opt, &smbus), ST_OK);
    return 0;
}

static int end(void **state)
{
    (void)state;
    smbus = serve_smbus_free(smbus);
    event_base_free(base);
    assert_int_equal(rmdir(directory), 0);
    return 0;
}

static int join(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", serve_smbus_path(smbus));
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

/* Takes one answer; -1: the other end closed. */
static int take(int fd, uint8_t *answer)
{
    int64_t until_us = clock_now_us() + RIG_GIVE_UP_US;
    size_t size = 0;

    while (clock_now_us() < until_us && (size == 0 || size < (size_t)answer[0] + 1)) {
        ssize_t got;

        rig_turn(base);
        got = recv(fd, answer + size, size == 0 ? 1 : (size_t)answer[0] + 1 - size, 0);
        if (got == 0)
            return -1;
        if (got > 0)
            size += (size_t)got;
    }
    assert_true(size > 0);
    return (int)size;
}

static int ask(int fd, const char *request, size_t size, uint8_t *answer)
{
    assert_int_equal(send(fd, request, size, 0), size);
    return take(fd, answer);
}

static void a_read_travels_as_on_the_wire(void **state)
{
    uint8_t a[300], wire[] = {0xB2, 0x88, 0xB3, 0xC0, 0xF3};
    int fd = join();

    (void)state;
    assert_int_equal(ask(fd, "\x05\x59\x00\x01\x02\x88", 6, a), 4);
    assert_memory_equal(a, "\x03\x00\xC0\xF3", 4);
    assert_int_equal(ask(fd, "\x05\x59\x01\x01\x02\x88", 6, a), 5);
    assert_memory_equal(a, "\x04\x00\xC0\xF3", 4);
    assert_int_equal(a[4], serve_pmbus_pec(0, wire, sizeof wire));
    assert_int_equal(ask(fd, "\x05\x5D\x00\x01\xFF\x9E", 6, a), 14);
    assert_memory_equal(a, "\x0D\x00\x0BPSU00000012", 14);
    assert_int_equal(ask(fd, "\x05\x58\x01\x01\xFF\x9A", 6, a), 16);
    assert_memory_equal(a, "\x0F\x00\x0CHPR-PSU-5500", 15);
    /* who clocks on past the end reads the idle line: no PEC, then ones */
    assert_int_equal(ask(fd, "\x05\x59\x00\x01\x04\x20", 6, a), 6);
    assert_memory_equal(a, "\x05\x00\x17", 3);
    assert_int_equal(a[4] & a[5], 0xFF);
    /* a word read as a block: the length is nonsense */
    assert_int_equal(ask(fd, "\x05\x59\x00\x01\xFF\x88", 6, a), 2);
    assert_memory_equal(a, "\x01\x02", 2);
    close(fd);
}

static void writes_and_refusals(void **state)
{
    uint8_t a[300];
    int fd = join();

    (void)state;
    assert_int_equal(ask(fd, "\x07\x58\x00\x03\x00\x6B\xE8\x13", 8, a), 2);
    assert_memory_equal(a, "\x01\x00", 2);
    assert_float_equal(plant.psus[6].input_warn_w, 4000.0, 0.0);
    assert_int_equal(ask(fd, "\x08\x58\x01\x04\x00\x6B\xE9\x13\x00", 9, a), 2); /* bad PEC */
    assert_memory_equal(a, "\x01\x01", 2);
    assert_float_equal(plant.psus[6].input_warn_w, 4000.0, 0.0);
    assert_int_equal(ask(fd, "\x05\x10\x00\x01\x02\x88", 6, a), 2); /* nobody  */
    assert_memory_equal(a, "\x01\x01", 2);
    assert_int_equal(ask(fd, "\x05\x58\x00\x01\x02\xD0", 6, a), 2); /* unknown */
    assert_memory_equal(a, "\x01\x01", 2);
    assert_int_equal(ask(fd, "\x04\x58\x00\x00\x00", 5, a), 2); /* quick   */
    assert_memory_equal(a, "\x01\x00", 2);
    assert_int_equal(ask(fd, "\x04\x58\x00\x00\x01", 5, a), 2); /* receive byte */
    assert_memory_equal(a, "\x01\x01", 2);
    plant.psus[6].present = false;
    assert_int_equal(ask(fd, "\x05\x58\x00\x01\x02\x88", 6, a), 2);
    assert_memory_equal(a, "\x01\x01", 2);
    assert_int_equal(serve_smbus_counts(smbus).writes, 1);
    close(fd);
}

/* Read word with PEC: 57 bits, 5.7 ms at 10 kHz. */
static void transactions_take_their_time_and_turns(void **state)
{
    uint8_t a[300];
    int first = join(), second = join();
    int64_t asked_us = clock_now_us();

    (void)state;
    for (int i = 0; i < 20; i++)
        assert_int_equal(send(first, "\x05\x58\x01\x01\x02\x88", 6, 0), 6);
    assert_int_equal(ask(second, "\x05\x59\x01\x01\x02\x8B", 6, a), 5);
    for (int i = 0; i < 20; i++)
        assert_int_equal(take(first, a), 5);
    assert_true(clock_now_us() - asked_us >= 21 * 5700);
    assert_int_equal(serve_smbus_counts(smbus).transactions, 21);
    close(first);
    close(second);
}

static void faults_do_what_they_say(void **state)
{
    static const struct faults_target psu = {.class = FAULT_PSU_SMBUS, .index = 7};
    static const struct faults_target segment = {.class = FAULT_SMBUS, .index = 1};
    uint8_t a[300], good[300];
    int fd = join();
    int64_t asked_us;

    (void)state;
    assert_int_equal(ask(fd, "\x05\x59\x01\x01\x02\x88", 6, good), 5);
    faults_set(&faults, psu, FAULT_BAD_CRC, 2, 0.0, (double)NAN);
    assert_int_equal(ask(fd, "\x05\x59\x01\x01\x02\x88", 6, a), 5);
    assert_memory_equal(a, good, 5);
    assert_int_equal(ask(fd, "\x05\x59\x01\x01\x02\x88", 6, a), 5);
    assert_memory_equal(a, good, 4);
    assert_int_not_equal(a[4], good[4]);
    faults_clear(&faults, NULL);
    faults_set(&faults, segment, FAULT_SILENT, 1, 0.0, (double)NAN);
    assert_int_equal(ask(fd, "\x05\x59\x01\x01\x02\x88", 6, a), 2);
    assert_memory_equal(a, "\x01\x03", 2);
    faults_clear(&faults, NULL);
    faults_set(&faults, psu, FAULT_EXCEPTION, 1, 0.0, (double)NAN);
    assert_int_equal(ask(fd, "\x05\x59\x01\x01\x02\x88", 6, a), 2);
    assert_memory_equal(a, "\x01\x01", 2);
    faults_clear(&faults, NULL);
    faults_set(&faults, psu, FAULT_SLOW, 1, 0.0, 50.0);
    asked_us = clock_now_us();
    assert_int_equal(ask(fd, "\x05\x59\x01\x01\x02\x88", 6, a), 5);
    assert_true(clock_now_us() - asked_us >= 50000);
    faults_clear(&faults, NULL);
    faults_set(&faults, psu, FAULT_IGNORE_WRITE, 1, 0.0, (double)NAN);
    assert_int_equal(ask(fd, "\x07\x59\x00\x03\x00\x6B\xE8\x13", 8, a), 2);
    assert_memory_equal(a, "\x01\x00", 2);
    assert_float_equal(plant.psus[7].input_warn_w, 5775.0, 1e-9);
    faults_clear(&faults, NULL);
    faults_set(&faults, psu, FAULT_STUCK, 1, 0.0, (double)NAN);
    plant.psus[7].input_v = 230.0;
    rig_run(base, 60000);
    assert_int_equal(ask(fd, "\x05\x59\x01\x01\x02\x88", 6, a), 5);
    assert_memory_equal(a, good, 5);
    close(fd);
}

static void nonsense_ends_the_connection_and_nothing_else(void **state)
{
    uint8_t a[300], bytes[64];
    struct rng rng;
    int fd;

    (void)state;
    fd = join();
    assert_int_equal(ask(fd, "\x02\x58\x00", 3, a), -1); /* too short          */
    close(fd);
    fd = join();
    assert_int_equal(ask(fd, "\x05\x58\x00\x02\x00\x03", 6, a), -1); /* counts disagree */
    close(fd);
    rng_init(&rng, 11, 1);
    for (int round = 0; round < 300; round++) {
        fd = join();
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)rng_u64(&rng);
        if (round % 2) { /* a well-formed request with anything in it */
            bytes[0] = 8;
            bytes[1] = 0x58;
            bytes[3] = 4;
        }
        (void)!send(fd, bytes, sizeof bytes, MSG_NOSIGNAL);
        rig_run(base, 2000);
        close(fd);
    }
    rig_run(base, 50000);
    plant.psus[7].input_v = 240.0;
    fd = join();
    assert_int_equal(ask(fd, "\x05\x59\x00\x01\x02\x88", 6, a), 4);
    close(fd);
}

static void the_hot_swap_controller_speaks_direct(void **state)
{
    uint8_t a[300];
    double volts, watts, m;
    int fd = join();

    (void)state;
    assert_int_equal(ask(fd, "\x05\x40\x00\x01\xFF\x9A", 6, a), 14);
    assert_memory_equal(a, "\x0D\x00\x0B" "ADM1272-SIM", 14);
    assert_int_equal(ask(fd, "\x05\x40\x00\x01\x02\x88", 6, a), 4);
    volts = (a[2] | a[3] << 8) * 100.0 / 4062;
    assert_true(volts > 48.0 && volts < 52.0);
    assert_int_equal(ask(fd, "\x08\x40\x00\x04\xFF\x30\x02\x97\x01", 9, a), 8);
    assert_int_equal(a[2], 5);
    assert_int_equal(a[3] | a[4] << 8, 31605); /* 3160.5 and a power of ten */
    assert_int_equal((int8_t)a[7], -4);
    m = 31605 * 1e-4;
    assert_int_equal(ask(fd, "\x05\x40\x00\x01\x02\x97", 6, a), 4);
    watts = (a[2] | a[3] << 8) / m;
    assert_true(watts >= 0.0);
    assert_int_equal(ask(fd, "\x07\x40\x00\x03\x00\x6B\xE8\x13", 8, a), 2);
    assert_int_equal(a[1], SERVE_SMBUS_NAK);
    close(fd);
}

static void a_group_acts_at_its_stop(void **state)
{
    double before = plant.psus[6].input_warn_w;
    uint8_t a[300];
    int fd = join();

    (void)state;
    assert_int_equal(ask(fd, "\x07\x58\x02\x03\x00\x6B\xE8\x13", 8, a), 2);
    assert_int_equal(a[1], SERVE_SMBUS_OK);
    assert_float_equal(plant.psus[6].input_warn_w, before, 0.0); /* not yet */
    assert_int_equal(ask(fd, "\x07\x59\x00\x03\x00\x6B\xE8\x13", 8, a), 2);
    assert_float_equal(plant.psus[6].input_warn_w, 4000.0, 0.0);
    assert_float_equal(plant.psus[7].input_warn_w, 4000.0, 0.0);
    /* a part that is refused ends it, and what came before is taken */
    assert_int_equal(ask(fd, "\x07\x58\x02\x03\x00\x6B\xE8\x0B", 8, a), 2);
    assert_int_equal(ask(fd, "\x07\x59\x02\x03\x00\x88\xE8\x0B", 8, a), 2);
    assert_int_equal(a[1], SERVE_SMBUS_NAK);
    assert_float_equal(plant.psus[6].input_warn_w, 2000.0, 0.0);
    /* and so does a master that goes away */
    assert_int_equal(ask(fd, "\x07\x58\x02\x03\x00\x6B\xE8\x13", 8, a), 2);
    close(fd);
    fd = join();
    assert_int_equal(ask(fd, "\x05\x58\x00\x01\x02\x6B", 6, a), 4);
    assert_float_equal(plant.psus[6].input_warn_w, 4000.0, 0.0);
    close(fd);
}

static void who_pulls_the_line_answers_lowest_first(void **state)
{
    const struct faults_target one = { .class = FAULT_PSU_SMBUS, .index = 7 };
    uint8_t a[300];
    int fd = join();

    (void)state;
    while (ask(fd, "\x04\x0C\x00\x00\x01", 5, a) == 3)
        continue; /* what the start itself had to say */
    assert_int_equal(a[1], SERVE_SMBUS_NAK);
    faults_set(&faults, one, FAULT_STATUS, 1, 0.0, (double)0x7B20);
    for (int64_t until_us = clock_now_us() + RIG_GIVE_UP_US; ask(fd, "\x04\x0C\x00\x00\x01", 5, a) != 3;)
        assert_true(clock_now_us() < until_us);
    assert_int_equal(a[2], 0x59 << 1);
    assert_int_equal(ask(fd, "\x05\x59\x00\x01\x01\x7B", 6, a), 3);
    assert_true(a[2] & 0x20);
    faults_clear(&faults, NULL);
    close(fd);
}

static void others_win_the_bus_and_protect_the_device(void **state)
{
    const struct faults_target segment = { .class = FAULT_SMBUS, .index = 1 };
    const struct faults_target one = { .class = FAULT_PSU_SMBUS, .index = 6 };
    uint8_t a[300];
    int fd = join();

    (void)state;
    faults_set(&faults, segment, FAULT_ARBITRATION, 2, 0.0, NAN);
    assert_int_equal(ask(fd, "\x05\x58\x00\x01\x01\x20", 6, a), 3);
    assert_int_equal(ask(fd, "\x05\x58\x00\x01\x01\x20", 6, a), 2);
    assert_int_equal(a[1], SERVE_SMBUS_LOST);
    faults_clear(&faults, NULL);
    faults_set(&faults, one, FAULT_PROTECT, 1, 0.0, NAN);
    for (int64_t until_us = clock_now_us() + RIG_GIVE_UP_US;;) {
        assert_int_equal(ask(fd, "\x05\x58\x00\x01\x01\x10", 6, a), 3);
        if (a[2] == 0x80)
            break;
        assert_true(clock_now_us() < until_us);
    }
    assert_int_equal(ask(fd, "\x07\x58\x00\x03\x00\x6B\xE8\x13", 8, a), 2);
    assert_int_equal(a[1], SERVE_SMBUS_NAK);
    faults_clear(&faults, NULL);
    close(fd);
}

static void a_long_block_is_clocked_out_whole(void **state)
{
    uint8_t a[300];
    int fd = join();

    (void)state;
    assert_int_equal(ask(fd, "\x05\x58\x01\x01\x98\xD5", 6, a), 2 + 152 + 1);
    assert_int_equal(a[2], 151);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear11_is_the_standards),
        cmocka_unit_test(the_pec_is_the_standards),
        cmocka_unit_test(readings_are_the_documented_words),
        cmocka_unit_test(blocks_carry_their_length),
        cmocka_unit_test(a_crossed_warning_limit_is_latched),
        cmocka_unit_test(lost_input_shows_in_every_status),
        cmocka_unit_test(what_it_does_not_know_it_refuses_and_says_so),
        cmocka_unit_test(a_wrong_pec_is_refused),
        cmocka_unit_test(write_protection_and_operation),
        cmocka_unit_test(energy_is_counted_sample_by_sample),
        cmocka_unit_test(it_says_what_it_knows_and_pages_plus),
        cmocka_unit_test(a_new_fault_pulls_the_line_until_it_is_asked),
        cmocka_unit_test_setup_teardown(a_read_travels_as_on_the_wire, serve, end),
        cmocka_unit_test_setup_teardown(writes_and_refusals, serve, end),
        cmocka_unit_test_setup_teardown(transactions_take_their_time_and_turns, serve, end),
        cmocka_unit_test_setup_teardown(faults_do_what_they_say, serve, end),
        cmocka_unit_test_setup_teardown(nonsense_ends_the_connection_and_nothing_else, serve, end),
        cmocka_unit_test_setup_teardown(the_hot_swap_controller_speaks_direct, serve, end),
        cmocka_unit_test_setup_teardown(a_group_acts_at_its_stop, serve, end),
        cmocka_unit_test_setup_teardown(who_pulls_the_line_answers_lowest_first, serve, end),
        cmocka_unit_test_setup_teardown(others_win_the_bus_and_protect_the_device, serve, end),
        cmocka_unit_test_setup_teardown(a_long_block_is_clocked_out_whole, serve, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
