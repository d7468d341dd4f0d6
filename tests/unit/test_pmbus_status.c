/* SPDX-License-Identifier: Apache-2.0 */
/* test_pmbus_status.c: the bits of PMBus's status by name, and what its commands are. */
#include "field/pmbus_status.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "busbar/conf.h"
#include "field/pmbus_command.h"

static void a_fault_has_the_name_of_its_bit(void **state)
{
    char text[256];

    (void)state;
    pmbus_status_text(SIGNAL_PSU_STATUS_VOUT, 0x90, text, sizeof text);
    assert_string_equal(text, "vout_ov_fault, vout_uv_fault");
    pmbus_status_text(SIGNAL_PSU_STATUS_IOUT, 0x21, text, sizeof text);
    assert_string_equal(text, "iout_oc_warning, pout_op_warning");
    pmbus_status_text(SIGNAL_PSU_STATUS_INPUT, 0x18, text, sizeof text);
    assert_string_equal(text, "vin_uv_fault, off_for_low_input");
    pmbus_status_text(SIGNAL_HOTSWAP_STATUS_TEMPERATURE, 0x4F, text, sizeof text);
    assert_string_equal(text, "ot_warning"); /* the low half means nothing */
    pmbus_status_text(SIGNAL_PSU_STATUS_FANS, 0x82, text, sizeof text);
    assert_string_equal(text, "fan_1_fault, airflow_fault");
    pmbus_status_text(SIGNAL_PSU_STATUS_OTHER, 0x0A, text, sizeof text);
    assert_string_equal(text, "input_a_oring_fault, output_oring_fault");
    pmbus_status_text(SIGNAL_MONITOR_STATUS_MFR, 0x10, text, sizeof text);
    assert_string_equal(text, "mfr_bit_4");
    pmbus_status_text(SIGNAL_PSU_STATUS_CML, 0xA0, text, sizeof text);
    assert_string_equal(text, "invalid_command, pec_failed");
    pmbus_status_text(SIGNAL_PSU_OUTPUT_V, 0xFF, text, sizeof text);
    assert_string_equal(text, "");
}

static void the_word_points_to_what_tells_more(void **state)
{
    const struct pmbus_status_bit *bits[PMBUS_STATUS_NAMES_MAX];
    char text[256];

    (void)state;
    assert_int_equal(pmbus_status_bits(PMBUS_STATUS_WORD, 0x2848, bits), 4);
    assert_string_equal(bits[0]->name, "input");
    assert_int_equal(pmbus_status_detail(bits[0]), PMBUS_STATUS_INPUT);
    assert_string_equal(bits[1]->name, "power_not_good");
    assert_int_equal(pmbus_status_detail(bits[1]), -1);
    assert_string_equal(bits[2]->name, "off");
    assert_int_equal(bits[2]->class, PMBUS_STATUS_STATE);
    assert_string_equal(bits[3]->name, "vin_uv_fault");
    pmbus_status_text(SIGNAL_PSU_STATUS_WORD, 0x2848, text, sizeof text);
    assert_string_equal(text, "power_not_good, off, vin_uv_fault");
    assert_int_equal(pmbus_status_bits(PMBUS_STATUS_BYTE, 0x2848, bits), 2); /* its low half */
    assert_int_equal(pmbus_status_bits(PMBUS_STATUS_WORD, 0xFFFF, bits), 16);
    assert_int_equal(pmbus_status_bits(0x88, 0xFFFF, bits), 0);
}

static void what_is_a_state_or_a_summary_is_no_fault(void **state)
{
    (void)state;
    assert_int_equal(pmbus_status_faults(PMBUS_STATUS_WORD, 0xFFFF), 0x0938);
    assert_int_equal(pmbus_status_faults(PMBUS_STATUS_IOUT, 0xFF), 0xFB); /* power limiting is a state */
    assert_int_equal(pmbus_status_faults(PMBUS_STATUS_TEMPERATURE, 0x0F), 0);
}

static void a_text_that_does_not_fit_is_cut(void **state)
{
    char text[16];

    (void)state;
    pmbus_status_text(SIGNAL_PSU_STATUS_VOUT, 0xFF, text, sizeof text);
    assert_string_equal(text, "vout_ov_fault, ");
}

static void protection_lets_through_what_the_specification_says(void **state)
{
    static const struct {
        uint8_t protect, command;
        bool allowed;
    } cases[] = {
        { 0x00, 0x21, true },  { 0x00, 0x6A, true },  { 0x80, 0x10, true }, { 0x80, 0x01, false },
        { 0x80, 0x00, false }, { 0x40, 0x01, true },  { 0x40, 0x00, true }, { 0x40, 0x02, false },
        { 0x40, 0x21, false }, { 0x20, 0x21, true },  { 0x20, 0x02, true }, { 0x20, 0x01, true },
        { 0x20, 0x6A, false }, { 0x03, 0x01, false }, { 0x03, 0x10, true }, { 0xC0, 0x01, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(pmbus_command_allowed(cases[i].protect, cases[i].command), cases[i].allowed);
}

static void commands_have_their_names_and_sizes(void **state)
{
    (void)state;
    assert_string_equal(pmbus_command_name(0x21), "VOUT_COMMAND");
    assert_string_equal(pmbus_command_name(0x6B), "PIN_OP_WARN_LIMIT");
    assert_string_equal(pmbus_command_name(0xD4), "MFR_SPECIFIC");
    assert_string_equal(pmbus_command_name(0x6F), "RESERVED");
    assert_int_equal(pmbus_command_kind(0x03), PMBUS_KIND_SEND);
    assert_int_equal(pmbus_command_kind(0x20), PMBUS_KIND_BYTE);
    assert_int_equal(pmbus_command_kind(0x79), PMBUS_KIND_WORD);
    assert_int_equal(pmbus_command_kind(0x84), PMBUS_KIND_LONG);
    assert_int_equal(pmbus_command_kind(0x86), PMBUS_KIND_BLOCK);
    assert_int_equal(pmbus_command_kind(0x30), PMBUS_KIND_PROCESS);
}

static enum pmbus_command_kind kind_of(const struct profile_row *row)
{
    switch (row->type) {
    case ROW_U8:
        return PMBUS_KIND_BYTE;
    case ROW_U32:
    case ROW_S32:
        return PMBUS_KIND_LONG;
    case ROW_U64:
    case ROW_F32:
    case ROW_TEXT:
    case ROW_ENERGY:
    case ROW_BLOCK:
        return PMBUS_KIND_BLOCK;
    default:
        return PMBUS_KIND_WORD;
    }
}

/* A row of another size than its command would be refused by every device. */
static void rows_of_the_shipped_profiles_have_the_size_of_their_commands(void **state)
{
    glob_t files;
    int rows = 0;

    (void)state;
    assert_int_equal(glob(BUSBAR_SOURCE_DIR "/config/profiles/*.yaml", 0, NULL, &files), 0);
    for (size_t f = 0; f < files.gl_pathc; f++) {
        struct conf_errors errors = { 0 };
        struct profile profile;

        if (profile_load(files.gl_pathv[f], &profile, &errors) != ST_OK) {
            conf_errors_print(&errors, stderr);
            fail_msg("%s", files.gl_pathv[f]);
        }
        for (int32_t r = 0; r < profile.row_count; r++) {
            const struct profile_row *row = &profile.rows[r];
            enum pmbus_command_kind kind =
                row->command == ROW_NONE ? PMBUS_KIND_NONE : pmbus_command_kind((uint8_t)row->command);

            if (kind == PMBUS_KIND_NONE)
                continue;
            rows++;
            if (kind != kind_of(row))
                fail_msg("%s:%d: %s", files.gl_pathv[f], (int)row->line,
                         pmbus_command_name((uint8_t)row->command));
        }
        profile_done(&profile);
        conf_errors_done(&errors);
    }
    assert_true(rows > 20);
    globfree(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fault_has_the_name_of_its_bit),
        cmocka_unit_test(the_word_points_to_what_tells_more),
        cmocka_unit_test(what_is_a_state_or_a_summary_is_no_fault),
        cmocka_unit_test(a_text_that_does_not_fit_is_cut),
        cmocka_unit_test(protection_lets_through_what_the_specification_says),
        cmocka_unit_test(commands_have_their_names_and_sizes),
        cmocka_unit_test(rows_of_the_shipped_profiles_have_the_size_of_their_commands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
