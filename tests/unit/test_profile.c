/* SPDX-License-Identifier: Apache-2.0 */
/* test_profile.c: the profiles that are delivered, and what a profile's keys become. */
#include "busbar/conf.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "field/regmap.h"

#define FOLDER BUSBAR_SOURCE_DIR "/config/profiles"

static void load(const char *name, struct profile *ret)
{
    struct conf_errors errors = { .count = 0 };
    char path[4096];

    snprintf(path, sizeof path, "%s/%.60s.yaml", FOLDER, name);
    enum status st = profile_load(path, ret, &errors);

    conf_errors_print(&errors, stderr);
    assert_int_equal(errors.count, 0);
    assert_int_equal(st, ST_OK);
    assert_string_equal(ret->name, name);
    conf_errors_done(&errors);
}

static const struct profile_row *row_of(const struct profile *profile, enum signal signal, int32_t index)
{
    for (int32_t r = 0; r < profile->row_count; r++)
        if (profile->rows[r].signal == signal && profile->rows[r].index == index)
            return &profile->rows[r];
    fail_msg("no row %s", signal_name(signal));
    return NULL;
}

static int is_profile(const struct dirent *entry)
{
    return strstr(entry->d_name, ".yaml") != NULL;
}

/* All of them load; what they write is bounded, and its helpers are writable bits. */
static void every_delivered_profile_is_good(void **state)
{
    struct dirent **entries = NULL;
    int count = scandir(FOLDER, &entries, is_profile, alphasort);

    (void)state;
    assert_true(count >= 7);
    for (int i = 0; i < count; i++) {
        struct profile profile;
        bool identity = false, fast = false, written = false;

        *strstr(entries[i]->d_name, ".yaml") = '\0';
        load(entries[i]->d_name, &profile);
        for (int32_t r = 0; r < profile.row_count; r++) {
            const struct profile_row *row = &profile.rows[r];

            identity = identity || row->signal == SIGNAL_DEVICE_SERIAL;
            fast = fast || row->poll == POLL_FAST;
            assert_true(row->line > 0 && strlen(row->source) > 3);
            if (!row->writable)
                continue;
            written = true;
            assert_true(row->write.min <= row->write.max);
            assert_true(row->write.max <= signal_max(row->signal));
            assert_in_range(row->write.readback, 0, profile.row_count - 1);
            assert_true(profile.rows[row->write.readback].poll <= POLL_SLOW);
            if (row->write.enable != ROW_NONE)
                assert_int_equal(profile.rows[row->write.enable].bit_count, 1);
        }
        assert_true(fast && (identity || !written)); /* a chip without a serial number is read only */
        profile_done(&profile);
        free(entries[i]);
    }
    free(entries);
}

static void the_hpr_supply_is_as_in_its_book(void **state)
{
    struct profile profile;
    const struct profile_row *row;

    (void)state;
    load("hpr-psu", &profile);
    assert_int_equal(profile.match_address, 0x08);
    assert_int_equal(profile.match_command, ROW_NONE);
    assert_int_equal(profile.baud, 115200);
    assert_int_equal(profile.parity, 'E');
    assert_int_equal(profile.gap_us, 3000);
    row = row_of(&profile, SIGNAL_PSU_OUTPUT_V, 0);
    assert_int_equal(row->address, 0x4F);
    assert_true(row->scale * 1024.0 == 1.0); /* Q10 */
    assert_true(row_of(&profile, SIGNAL_PSU_INPUT_W, 0)->scale == 0.125);
    assert_int_equal(row_of(&profile, SIGNAL_DEVICE_CLOCK_S, 0)->address, 0x5A);
    row = row_of(&profile, SIGNAL_PSU_OUTPUT_SETPOINT_V, 0);
    assert_int_equal(row->address, 0x67);
    assert_true(row->write.min >= 48.5); /* under that the batteries take the load */
    assert_int_equal(profile.rows[row->write.gate].signal, SIGNAL_PSU_WRITE_ENABLE);
    row = row_of(&profile, SIGNAL_PSU_WRITE_ENABLE, 0);
    assert_int_equal(row->address, 0x5E);
    assert_int_equal(row->bit_first, 0);
    assert_int_equal(row->bit_count, 1);
    assert_int_equal(row->self_clearing, 0xC000);
    profile_done(&profile);
}

/* On the ORv3 supply 0x5A counts faults, and there is a second set-point. */
static void the_orv3_supply_differs(void **state)
{
    struct profile profile;

    (void)state;
    load("orv3-psu", &profile);
    assert_int_equal(profile.baud, 19200);
    assert_int_equal(row_of(&profile, SIGNAL_DEVICE_CLOCK_S, 0)->address, 0x62);
    assert_int_equal(row_of(&profile, SIGNAL_PSU_OUTPUT_LOW_SETPOINT_V, 0)->address, 0x68);
    profile_done(&profile);
}

static void the_charger_override_has_its_time_out(void **state)
{
    static const char *const names[] = { "hpr-bbu", "orv3-bbu" };
    static const int32_t first[] = { 0x5A, 0x7A };

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct profile profile;
        const struct profile_row *row;

        load(names[i], &profile);
        row = row_of(&profile, SIGNAL_BBU_CHARGE_LIMIT_A, 0);
        assert_int_equal(row->address, 0x123);
        assert_int_equal(profile.rows[row->write.enable].address, 0x6B);
        assert_int_equal(profile.rows[row->write.enable].bit_first, 10);
        assert_int_equal(profile.rows[row->write.timeout].address, 0x12C);
        assert_int_equal(profile.rows[row->write.timeout].type, ROW_U32);
        row = row_of(&profile, SIGNAL_BBU_TEMP_C, 1);
        assert_int_equal(row->address, first[i]);
        assert_true(row->scale == 0.1 && row->offset == -273.15);
        assert_int_equal(row_of(&profile, SIGNAL_BBU_PACK_A, 0)->type, ROW_S16);
        profile_done(&profile);
    }
}

static void a_shelf_mirrors_six_modules_16_registers_apart(void **state)
{
    struct profile profile;

    (void)state;
    load("hpr-pmm-bbu", &profile);
    for (int32_t n = 1; n <= 6; n++)
        assert_int_equal(row_of(&profile, SIGNAL_BBU_PACK_A, n)->address, 0x108 + 16 * (n - 1));
    profile_done(&profile);
    load("hpr-pmm", &profile);
    for (int32_t n = 1; n <= 6; n++)
        assert_int_equal(row_of(&profile, SIGNAL_PSU_INPUT_V, n)->address, 0x101 + 16 * (n - 1));
    profile_done(&profile);
}

/* Quirk 16: registers in which a host would tell the battery of the supplies; a host that fell
 * silent would leave them standing. And no speed is ever written: quirk 6. */
static void what_a_host_would_tell_a_battery_is_never_written(void **state)
{
    static const enum signal never[] = { SIGNAL_BBU_HOST_SHELF_W, SIGNAL_BBU_HOST_AC_OK, SIGNAL_BBU_CONTROL_MODE,
                                         SIGNAL_BBU_BAUD_CODE };

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct profile profile;

        load(i ? "orv3-bbu" : "hpr-bbu", &profile);
        for (size_t n = 0; n < sizeof never / sizeof *never; n++)
            assert_false(row_of(&profile, never[n], 0)->writable);
        profile_done(&profile);
        load(i ? "orv3-psu" : "hpr-psu", &profile);
        assert_false(row_of(&profile, SIGNAL_PSU_BAUD_CODE, 0)->writable);
        profile_done(&profile);
    }
}

/* An idle supply may read as a little less than nothing; taken without a sign that is a thousand
 * amperes and eight kilowatts, and plausible. */
static void a_supply_that_gives_nothing_gives_about_nothing(void **state)
{
    static const struct {
        const char *profile;
        enum signal signal;
    } rows[] = {
        { "orv3-psu", SIGNAL_PSU_OUTPUT_A },     { "orv3-psu", SIGNAL_PSU_SHARE_A },
        { "orv3-psu", SIGNAL_PSU_OUTPUT_W },     { "orv3-psu", SIGNAL_PSU_INPUT_W },
        { "hpr-psu", SIGNAL_PSU_OUTPUT_A },      { "hpr-psu", SIGNAL_PSU_SHARE_A },
        { "power-tether", SIGNAL_PSU_OUTPUT_A },
    };
    static const uint16_t below = 0xFFFF;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct profile profile;
        double value = NAN;

        load(rows[i].profile, &profile);
        assert_int_equal(regmap_decode(row_of(&profile, rows[i].signal, 0), &below, REGMAP_NO_EXPONENT, &value), ST_OK);
        assert_true(value < 0 && value >= -0.125);
        profile_done(&profile);
    }
}

/* Quirk 19: the pump unit has no parity where the others have. */
static void the_pump_unit_has_no_parity(void **state)
{
    struct profile profile;

    (void)state;
    load("orv3-rpu", &profile);
    assert_int_equal(profile.parity, 'N');
    assert_int_equal(profile.baud, 19200);
    assert_int_equal(profile.match_address, ROW_NONE);
    profile_done(&profile);
    load("power-tether", &profile);
    assert_int_equal(profile.parity, 'E');
    profile_done(&profile);
}

/* LINEAR11 keeps ten bits and a sign of the number; a step that it cannot hold would
 * read back as something else. */
static void warning_limits_survive_linear11(void **state)
{
    struct profile profile;

    (void)state;
    load("pmbus-generic", &profile);
    assert_int_equal(profile.match_command, 0x9A);
    for (int i = 0; i < 2; i++) {
        const struct profile_row *row =
            row_of(&profile, i ? SIGNAL_PSU_INPUT_WARN_W : SIGNAL_PSU_OUTPUT_WARN_W, 0);

        assert_int_equal(row->type, ROW_LINEAR11);
        assert_int_equal(row->command, i ? 0x6B : 0x6A);
        for (double value = row->write.min; value <= row->write.max; value += row->write.step) {
            double mantissa = value;

            while (mantissa > 1023.0)
                mantissa /= 2.0;
            assert_true(mantissa == floor(mantissa));
        }
    }
    profile_done(&profile);
}

static void a_profile_that_is_not_there_is_a_system_error(void **state)
{
    struct conf_errors errors = { .count = 0 };
    struct profile profile;

    (void)state;
    assert_int_equal(profile_load("/nonexistent/x.yaml", &profile, &errors), ST_SYS);
    assert_int_equal(errors.count, 1);
    assert_string_equal(errors.list[0].text,
                        "/nonexistent/x.yaml: cannot be read: No such file or directory");
    conf_errors_done(&errors);
}

static void words_of_a_row(void **state)
{
    struct conf_errors errors = { .count = 0 };
    struct profile profile;
    char path[] = "/tmp/test_profile.XXXXXX";
    int fd = mkstemp(path);
    const char text[] =
        "model: M\nmatch: {register: 0x10, text: 'M*'}\nspan_holes: true\nparity: odd\nrows:\n"
        "  - {address: 0x10, type: text, length: 7, signal: device_model, poll: once, source: s}\n"
        "  - {address: 0x20, type: s32, order: low_word_first, table: input, signal: psu_input_w, scale: "
        "-0.5,\n"
        "     offset: 2, poll: never, source: s}\n"
        "  - {address: 0x30, type: u32, bits: [4, 20], signal: psu_alarms, poll: slow, source: s}\n";

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    assert_int_equal(profile_load(path, &profile, &errors), ST_OK);
    unlink(path);
    assert_string_equal(profile.name, strrchr(path, '/') + 1);
    assert_true(profile.span_holes && profile.span_max == 16 && profile.parity == 'O' && !profile.pec);
    assert_int_equal(profile.rows[0].text_bytes, 7);
    assert_int_equal(profile.rows[1].order, ROW_LOW_WORD_FIRST);
    assert_int_equal(profile.rows[1].table, ROW_INPUT);
    assert_true(profile.rows[1].scale == -0.5 && profile.rows[1].offset == 2.0);
    assert_int_equal(profile.rows[1].poll, POLL_NEVER);
    assert_int_equal(profile.rows[2].bit_first, 4);
    assert_int_equal(profile.rows[2].bit_count, 20);
    assert_int_equal(profile.rows[2].line, 9);
    profile_done(&profile);
    profile_done(&profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_delivered_profile_is_good),
        cmocka_unit_test(the_hpr_supply_is_as_in_its_book),
        cmocka_unit_test(the_orv3_supply_differs),
        cmocka_unit_test(the_charger_override_has_its_time_out),
        cmocka_unit_test(a_shelf_mirrors_six_modules_16_registers_apart),
        cmocka_unit_test(what_a_host_would_tell_a_battery_is_never_written),
        cmocka_unit_test(a_supply_that_gives_nothing_gives_about_nothing),
        cmocka_unit_test(the_pump_unit_has_no_parity),
        cmocka_unit_test(warning_limits_survive_linear11),
        cmocka_unit_test(a_profile_that_is_not_there_is_a_system_error),
        cmocka_unit_test(words_of_a_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
