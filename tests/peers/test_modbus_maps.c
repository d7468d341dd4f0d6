/* SPDX-License-Identifier: Apache-2.0 */
/* test_modbus_maps.c: every delivered Modbus profile against the whole map of its device.
 *
 * modbus_peer.py --maps serves them with pymodbus over TCP, once with Modbus TCP frames and once
 * with serial frames as behind a plain gateway. What is expected stands here, the maps stand in
 * modbus_maps.py, the profiles in config/profiles: three hands, one truth. Skipped where
 * python3-pymodbus is missing.
 */
#include "busbar/probe.h"

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
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "busbar/conf.h"
#include "busbar/mbtool.h"

#define PYTHON      "/usr/bin/python3"
#define SKIP_STATUS 77
#define PATIENCE_MS 30000

extern char **environ;

static struct {
    pid_t peer;
    int input, output;
    int32_t tcp, plain;
} rig;

static struct conf_bus bus;

/* ---- the peer ---- */

static pid_t rig_spawn(char *const argv[], int in, int out)
{
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;

    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, in, 0), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, out, 1), 0);
    if (posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ) != 0)
        pid = -1;
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

static int rig_make(void **state)
{
    char script[256], ready[64] = "";
    char *argv[] = { (char *)PYTHON, script, (char *)"--maps", NULL };
    const char *source = getenv("BUSBAR_SOURCE");
    int in[2], out[2];
    size_t used = 0;

    (void)state;
    (void)snprintf(script, sizeof script, "%s/tests/peers/modbus_peer.py", source ? source : ".");
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
        return -1;
    rig.peer = rig_spawn(argv, in[0], out[1]);
    close(in[0]);
    close(out[1]);
    rig.input = in[1];
    rig.output = out[0];
    do {
        struct pollfd fd = { .fd = rig.output, .events = POLLIN };

        if (poll(&fd, 1, PATIENCE_MS) != 1 || read(rig.output, ready + used, 1) != 1)
            return -1;
    } while (ready[used++] != '\n' && used < sizeof ready - 1);
    return sscanf(ready, "ready %d %d", &rig.tcp, &rig.plain) == 2 ? 0 : -1;
}

static int rig_end(void **state)
{
    (void)state;
    close(rig.input);
    (void)kill(rig.peer, SIGTERM);
    (void)waitpid(rig.peer, NULL, 0);
    close(rig.output);
    return 0;
}

static void bus_make(bool plain)
{
    bus = (struct conf_bus){
        .name = "tcp",
        .kind = CONF_BUS_MODBUS_TCP,
        .host = "127.0.0.1",
        .port = plain ? rig.plain : rig.tcp,
        .rtu_framing = plain,
        .timeout_us = 5000000,
        .timeout_min_us = 5000000,
        .retry_max = 1,
        .fast_us = 100000,
        .slow_us = 1000000,
    };
}

/* ---- what must be read ---- */

struct want {
    const char *signal;
    int32_t index;
    double value;
    const char *text;
};

#define NUMBER(signal_, index_, value_)                                                                      \
    {                                                                                                        \
        .signal = (signal_), .index = (index_), .value = (value_)                                            \
    }
#define TEXT(signal_, text_)                                                                                 \
    {                                                                                                        \
        .signal = (signal_), .text = (text_)                                                                 \
    }

static const struct want want_psu[] = {
    /* what both generations have alike */
    TEXT("device_date", "2025-11-03"),       TEXT("device_workorder", "WO42"),
    TEXT("device_hardware", "A7"),           TEXT("device_firmware", "02.10"),
    NUMBER("psu_total_time_s", 0, 7200000),  NUMBER("psu_uptime_s", 0, 3600),
    NUMBER("psu_input_cycles", 0, 12),       NUMBER("psu_input_outages", 0, 3),
    NUMBER("psu_output_v", 0, 50.75),        NUMBER("psu_output_a", 0, 41.5),
    NUMBER("psu_share_a", 0, 41.25),         NUMBER("psu_output_w", 0, 2106),
    NUMBER("psu_bulk_v", 0, 401.5),          NUMBER("psu_input_hz", 0, 60),
    NUMBER("psu_input_thd_ratio", 0, 0.045), NUMBER("psu_power_factor_ratio", 0, 0.984375),
    NUMBER("psu_input_w", 0, 2192.5),        NUMBER("psu_input_v", 0, 239.5),
    NUMBER("psu_input_a", 0, 9.25),          NUMBER("psu_share_enable", 0, 1),
    NUMBER("psu_write_enable", 0, 0),        { .signal = NULL },
};
static const struct want want_orv3_psu[] = {
    TEXT("device_model", "PEER-3000"),
    TEXT("device_serial", "ORV3-PSU-7"),
    TEXT("device_bootloader", "BL3"),
    NUMBER("psu_alarms", 0, 0x0100),
    NUMBER("psu_pfc_alarms", 0, 0x0200),
    NUMBER("psu_temp_alarms", 0, 0x0020),
    NUMBER("psu_comm_alarms", 0, 0x0100),
    NUMBER("psu_modbus_active", 0, 1),
    NUMBER("psu_pmbus_active", 0, 0), /* quirk 14 */
    NUMBER("psu_fan_rpm", 2, 9200),
    NUMBER("psu_inlet_c", 0, 24.5),
    NUMBER("psu_temp_min_c", 0, -5.5),
    NUMBER("psu_crc_errors", 0, 70000),
    NUMBER("psu_faults", 0, 9),
    NUMBER("device_clock_s", 0, 1780000000),
    NUMBER("psu_settings", 0, 0x0A00),
    NUMBER("psu_output_high", 0, 1),
    NUMBER("psu_fan_override_ratio", 0, 0.55),
    NUMBER("psu_siren_s", 0, 120),
    NUMBER("psu_input_min_v", 0, 180),
    NUMBER("psu_input_max_v", 0, 305),
    NUMBER("psu_output_setpoint_v", 0, 51),
    NUMBER("psu_output_low_setpoint_v", 0, 48),
    { .signal = NULL },
};
/* Quirk 2: the same addresses, other things. */
static const struct want want_hpr_psu[] = {
    TEXT("device_model", "PEER-5500"),
    TEXT("device_serial", "HPR-PSU-7"),
    TEXT("device_bootloader", "BL4"),
    NUMBER("psu_pfc_alarms", 0, 0x1000),
    NUMBER("psu_temp_alarms", 0, 0x00C0),
    NUMBER("psu_input_now_w", 0, 2500.5),
    NUMBER("psu_input_now_a", 0, 10.5),
    NUMBER("device_clock_s", 0, 1780000001),
    NUMBER("psu_faults", 0, 11),
    NUMBER("psu_cycle_off_s", 0, 30),
    NUMBER("psu_pulse_enable", 0, 1),
    NUMBER("psu_output_setpoint_v", 0, 50),
    NUMBER("psu_clip_c", 1, 55.5),
    NUMBER("psu_clip_c", 2, 56.5),
    NUMBER("psu_bus_max_v", 0, 50.25),
    NUMBER("psu_bus_min_v", 0, 46.5),
    NUMBER("psu_oring_v", 0, 50.875),
    NUMBER("psu_hardware_signals", 0, 0x00C5),
    NUMBER("psu_ac_loss_requests", 0, 17),
    NUMBER("psu_pulse_requests", 0, 18),
    NUMBER("psu_location", 0, 3),
    NUMBER("device_map_size", 0, 0x7D),
    { .signal = NULL },
};
/* Quirks 8 and 17: 0.1 K here, Q7 there; nothing is matched by the name of a bit. */
static const struct want want_bbu[] = {
    TEXT("device_maker", "PEER"),
    TEXT("device_part", "03-000123"),
    TEXT("device_build", "B1"),
    NUMBER("bbu_temp_c", 1, 25.05),
    NUMBER("bbu_temp_c", 4, 28.05),
    NUMBER("bbu_soc_ratio", 0, 0.97),
    NUMBER("bbu_soc_absolute_ratio", 0, 0.96),
    NUMBER("bbu_pack_v", 0, 43.85),
    NUMBER("bbu_remaining_ah", 0, 4.5),
    NUMBER("bbu_full_ah", 0, 5),
    NUMBER("bbu_status", 0, 0x80),
    NUMBER("bbu_mode", 0, 0x8401),
    NUMBER("bbu_charging", 0, 1),
    NUMBER("bbu_charge_override", 0, 1),
    NUMBER("bbu_cell_v", 1, 3.98),
    NUMBER("bbu_cell_v", 11, 3.99),
    NUMBER("bbu_time_left_s", 0, 720),
    NUMBER("bbu_cycles", 0, 41),
    NUMBER("bbu_design_ah", 0, 5.2),
    NUMBER("bbu_at_rate", 0, -2),
    NUMBER("bbu_soh_ratio", 0, 0.98),
    NUMBER("bbu_charge_a", 0, 2.5),
    NUMBER("bbu_discharge_a", 0, 12.5),
    NUMBER("bbu_bus_v", 0, 50.75),
    NUMBER("bbu_inlet_c", 0, 24.05),
    NUMBER("bbu_converter_c", 0, 36.05),
    NUMBER("bbu_status_word", 0, 0x10),
    NUMBER("bbu_eol_status", 0, 1),
    NUMBER("bbu_oring_v", 0, 48.1),
    NUMBER("bbu_soh_failure", 0, 0x8000),
    NUMBER("bbu_discharges", 0, 21),
    NUMBER("bbu_soh_refusal", 0, 0x0400),
    TEXT("bbu_chemistry", "LION"),
    TEXT("bbu_pack_name", "PACK-11S6P"),
    NUMBER("bbu_charge_limit_a", 0, 5.7),
    NUMBER("bbu_recharge_threshold_ratio", 0, 0.95),
    NUMBER("bbu_soh_interval_s", 0, 2592000),
    NUMBER("bbu_soh_at_s", 0, 1770000000),
    NUMBER("bbu_charge_timeout_s", 0, 0),
    NUMBER("bbu_eol_threshold_s", 0, 90),
    NUMBER("bbu_detached_timeout_s", 0, 30),
    NUMBER("bbu_charge_delay_s", 0, 15),
    { .signal = NULL },
};
static const struct want want_orv3_bbu[] = {
    TEXT("device_serial", "ORV3-BBU-9"),    NUMBER("device_clock_s", 0, 1780000002),
    NUMBER("bbu_pack_a", 0, -12.5),         NUMBER("bbu_service_time", 0, 900),
    NUMBER("bbu_discharge_time_s", 0, 240), { .signal = NULL },
};
/* Quirks 9 and 20: other scales in the newer generation. */
static const struct want want_hpr_bbu[] = {
    TEXT("device_serial", "HPR-BBU-9"),       NUMBER("device_clock_s", 0, 1780000003),
    NUMBER("bbu_pack_a", 0, -123.25),         NUMBER("bbu_average_a", 0, -123.75),
    NUMBER("bbu_service_time", 0, 1800),      NUMBER("bbu_cell_v", 12, 3.991),
    NUMBER("bbu_discharge_time_s", 0, 90),    NUMBER("bbu_bus_max_v", 0, 50.5),
    NUMBER("bbu_bus_period_min_v", 0, 49.8),  NUMBER("bbu_ac_loss_requests", 2, 32),
    NUMBER("bbu_pulse_threshold", 0, 1500),   NUMBER("bbu_temp_max_c", 0, 29.05),
    NUMBER("bbu_throughput_ah", 0, 1234),     NUMBER("bbu_throughput_j", 0, 5678 * 3600.0),
    NUMBER("bbu_extreme_charge_s", 0, 14400), { .signal = NULL },
};
static const struct want want_pmm[] = {
    TEXT("device_maker", "PEER"),
    TEXT("device_firmware", "1.0.9"),
    TEXT("shelf_maker", "Delta"),
    TEXT("shelf_serial", "SHELF-77"),
    NUMBER("shelf_uptime_s", 0, 8000),
    NUMBER("device_clock_s", 0, 1780000004),
    NUMBER("shelf_modules_present", 0, 0x3F),
    NUMBER("shelf_module_alerts", 0, 4),
    NUMBER("shelf_alarms", 0, 0x0100),
    NUMBER("shelf_module_crc_errors", 6, 106),
    NUMBER("shelf_module_timeouts", 1, 201),
    NUMBER("shelf_address", 0, 0x20),
    NUMBER("shelf_polling_pause", 0, 0),
    { .signal = NULL },
};
static const struct want want_pmm_psu[] = {
    TEXT("device_serial", "PMM-PSU-3"),
    NUMBER("psu_input_v", 1, 231.5),
    NUMBER("psu_input_v", 6, 236.5),
    NUMBER("psu_input_a", 6, 10.5),
    { .signal = NULL },
};
static const struct want want_pmm_bbu[] = {
    TEXT("device_serial", "PMM-BBU-3"), NUMBER("bbu_temp_c", 1, 25.05),
    NUMBER("bbu_soc_ratio", 6, 0.97),   NUMBER("bbu_pack_v", 3, 43.85),
    NUMBER("bbu_pack_a", 1, -1.25),     NUMBER("bbu_pack_a", 6, -6.25),
    NUMBER("bbu_average_a", 6, -6.75),  { .signal = NULL },
};
static const struct want want_cbu[] = {
    TEXT("device_maker", "Delta"),
    TEXT("device_model", "ECD27010006"),
    TEXT("device_serial", "CBU-5"),
    NUMBER("device_clock_s", 0, 1780000005),
    NUMBER("bbu_status", 0, 0x8000),
    NUMBER("bbu_boost_status", 0, 2),
    NUMBER("bbu_charger_status", 0, 1),
    NUMBER("bbu_hardware_signals", 0, 0x0400),
    { .signal = NULL },
};
static const struct want want_tether[] = {
    TEXT("device_model", "PEER-TETHER"),
    NUMBER("psu_pfc_alarms", 0, 0x0400),
    NUMBER("psu_bus_v", 0, 50.625),
    NUMBER("psu_input_w", 0, 1050.125),
    NUMBER("psu_input_v", 0, 51.5),
    NUMBER("psu_input_a", 0, 21.5),
    NUMBER("psu_faults", 0, 70001),
    NUMBER("psu_remote_off", 0, 0),
    NUMBER("psu_write_enable", 0, 1),
    NUMBER("device_clock_s", 0, 1780000006),
    { .signal = NULL },
};
/* Quirk 19: this one stands on a line without parity; its profile says so. */
static const struct want want_rpu[] = {
    NUMBER("rpu_flow_lpm", 0, 25.5),
    NUMBER("rpu_outlet_c", 0, 32.1),
    NUMBER("rpu_outlet_pa", 0, 152000),
    NUMBER("rpu_inlet_pa", 0, -1000),
    NUMBER("rpu_power_w", 0, 900),
    NUMBER("rpu_pump_duty_ratio", 0, 0.63),
    NUMBER("rpu_pump_rpm", 4, 3400),
    NUMBER("rpu_fan_rpm", 2, 2200),
    NUMBER("rpu_cooling_w", 0, 6500),
    NUMBER("rpu_flow_target_lpm", 0, 30),
    NUMBER("rpu_control", 0, 9),
    NUMBER("rpu_one_pump_duty_set_ratio", 3, 0.53),
    { .signal = NULL },
};
static const struct want want_meter[] = {
    TEXT("device_maker", "Fronius"),      TEXT("device_model", "Smart Meter"),
    TEXT("device_serial", "METER-1"),     NUMBER("meter_total_a", 0, 30.5),
    NUMBER("meter_a", 3, 9.75),           NUMBER("meter_v", 1, 229),
    NUMBER("meter_line_v", 3, 398.5),     NUMBER("meter_power_w", 0, 6900),
    NUMBER("meter_phase_w", 2, 2350),     NUMBER("meter_apparent_va", 0, 7000),
    NUMBER("meter_phase_var", 2, -300),   NUMBER("meter_export_j", 0, 3600000),
    NUMBER("meter_import_j", 0, 7200000), NUMBER("meter_phase_import_j", 3, 2520000),
    NUMBER("meter_events", 0, 12),        { .signal = NULL },
};

static const struct {
    const char *profile;
    int32_t unit;
    const struct want *wanted[2];
    int32_t absent; /* rows the device has not                          */
} devices[] = {
    { .profile = "orv3-psu", .unit = 0xC8, .wanted = { want_psu, want_orv3_psu } },
    { .profile = "hpr-psu", .unit = 0x90, .wanted = { want_psu, want_hpr_psu } },
    { .profile = "hpr-psu", .unit = 0xFF, .wanted = { want_psu, want_hpr_psu } },
    { .profile = "orv3-bbu", .unit = 0x40, .wanted = { want_bbu, want_orv3_bbu } },
    { .profile = "hpr-bbu", .unit = 0x30, .wanted = { want_bbu, want_hpr_bbu } },
    { .profile = "hpr-pmm", .unit = 0x20, .wanted = { want_pmm, want_pmm_psu } },
    { .profile = "hpr-pmm", .unit = 0x21, .wanted = { want_pmm, want_pmm_psu } },
    { .profile = "hpr-pmm-bbu", .unit = 0x10, .wanted = { want_pmm, want_pmm_bbu } },
    { .profile = "hpr-cbu", .unit = 0x36, .wanted = { want_cbu, NULL } },
    { .profile = "power-tether", .unit = 0x08, .wanted = { want_tether, NULL } },
    { .profile = "orv3-rpu", .unit = 0x0C, .wanted = { want_rpu, NULL } },
    { .profile = "meter-sunspec",
      .unit = 0x01,
      .wanted = { want_meter, NULL },
      .absent = 1 }, /* one phase's power factor is no number */
};

static void check_wanted(const char *profile, const struct want *want, const struct probe_reading *list,
                         int32_t count)
{
    for (; want && want->signal; want++) {
        enum signal signal = signal_find(want->signal);
        const struct probe_reading *found = NULL;

        for (int32_t r = 0; r < count; r++)
            if (list[r].row->signal == signal && list[r].row->index == want->index)
                found = &list[r];
        if (!found)
            fail_msg("%s: no row of %s %d", profile, want->signal, (int)want->index);
        if (found->status != ST_OK)
            fail_msg("%s: %s %d is %s", profile, want->signal, (int)want->index, status_label(found->status));
        if (want->text && strcmp(found->text, want->text) != 0)
            fail_msg("%s: %s is \"%s\", not \"%s\"", profile, want->signal, found->text, want->text);
        if (!want->text && fabs(found->value - want->value) > 1e-9 * (1 + fabs(want->value)))
            fail_msg("%s: %s %d is %.12g, not %.12g", profile, want->signal, (int)want->index, found->value,
                     want->value);
    }
}

static void check_device(struct probe *probe, size_t d)
{
    char path[256];
    const char *source = getenv("BUSBAR_SOURCE");
    struct conf_errors errors = { 0 };
    struct profile profile;
    struct probe_reading *list;
    struct probe_device who;
    int32_t absent = 0;

    (void)snprintf(path, sizeof path, "%s/config/profiles/%s.yaml", source ? source : ".",
                   devices[d].profile);
    if (profile_load(path, &profile, &errors) != ST_OK) {
        conf_errors_print(&errors, stderr);
        fail();
    }
    list = calloc((size_t)profile.row_count, sizeof *list);
    assert_non_null(list);
    assert_int_equal(probe_read(probe, devices[d].unit, &profile, NULL, list, &who), ST_OK);
    for (int32_t r = 0; r < profile.row_count; r++) {
        absent += list[r].status == ST_ABSENT;
        if (list[r].status != ST_OK && list[r].status != ST_ABSENT)
            fail_msg("%s: the row on line %d is %s", devices[d].profile, (int)profile.rows[r].line,
                     status_label(list[r].status));
    }
    assert_int_equal(absent, devices[d].absent);
    for (int32_t w = 0; w < 2; w++)
        check_wanted(devices[d].profile, devices[d].wanted[w], list, profile.row_count);
    free(list);
    profile_done(&profile);
    conf_errors_done(&errors);
}

static void check_all(bool plain)
{
    struct probe *probe = NULL;

    bus_make(plain);
    assert_int_equal(probe_new(&bus, &probe), ST_OK);
    for (size_t d = 0; d < sizeof devices / sizeof *devices; d++)
        check_device(probe, d);
    probe_free(probe);
}

static void every_map_is_read_over_tcp(void **state)
{
    (void)state;
    check_all(false);
}

static void every_map_is_read_over_a_plain_gateway(void **state)
{
    (void)state;
    check_all(true);
}

/* Unit 255 is written to with frames of our own, as any other; and put back. */
static void a_unit_above_247_is_written_to(void **state)
{
    char path[256], folder[] = "/tmp/busbar-maps-XXXXXX", command[64];
    const char *source = getenv("BUSBAR_SOURCE");
    struct conf_errors errors = { 0 };
    struct profile profile;
    struct probe *probe = NULL;
    struct probe_write write = { .device = "psu-255", .value = 50.5 };
    struct probe_outcome outcome;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/config/profiles/hpr-psu.yaml", source ? source : ".");
    assert_int_equal(profile_load(path, &profile, &errors), ST_OK);
    for (int32_t r = 0; r < profile.row_count; r++)
        if (profile.rows[r].signal == SIGNAL_PSU_OUTPUT_SETPOINT_V)
            write.row = r;
    write.state_dir = folder;
    bus_make(true);
    assert_int_equal(probe_new(&bus, &probe), ST_OK);
    probe_write(probe, 0xFF, &profile, &write, &outcome);
    assert_int_equal(outcome.status, ST_OK);
    assert_true(outcome.before == 50.0 && outcome.readback == 50.5);
    write.release = true;
    probe_write(probe, 0xFF, &profile, &write, &outcome);
    assert_int_equal(outcome.status, ST_OK);
    assert_true(outcome.readback == 50.0);
    probe_free(probe);
    profile_done(&profile);
    conf_errors_done(&errors);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
}

/* ---- tools ---- */

static struct {
    int32_t count;
    struct mbtool_found list[32];
} found;

static void found_one(void *arg, const struct mbtool_found *one)
{
    (void)arg;
    assert_true(found.count < 32);
    found.list[found.count++] = *one;
}

static void a_scan_finds_who_is_there(void **state)
{
    static const struct mbtool_speed speed = { .baud = 115200, .parity = 'N' };
    static const int32_t texts[] = { 0x00, 0x08, 0x10 };
    struct mbtool_scan scan = { .unit_first = 1,
                                .unit_last = 255,
                                .speeds = &speed,
                                .speed_count = 1,
                                .texts = texts,
                                .text_count = 3,
                                .timeout_us = 5000000 };
    struct mbtool_watch watch = { .found = found_one };
    struct mbtool *tool = NULL;
    int32_t refused;

    (void)state;
    bus_make(false); /* this gateway says at once that a unit is not there */
    found.count = 0;
    assert_int_equal(mbtool_new(&bus, NULL, &tool), ST_OK);
    assert_int_equal(mbtool_scan(tool, &scan, &watch, &refused), ST_OK);
    mbtool_free(tool);
    assert_int_equal(refused, 0);
    assert_int_equal(found.count, 12);
    for (int32_t i = 0; i < found.count; i++) {
        const struct mbtool_found *one = &found.list[i];

        if (one->unit == 0xFF)
            assert_string_equal(one->texts[1], "PEER-5500");
        if (one->unit == 0x20)
            assert_string_equal(one->texts[2], "PEER-PMM-PSU");
        if (one->unit == 0x01)
            assert_int_equal(one->status, ST_ABSENT); /* an exception is an answer too */
    }
}

static void a_black_box_is_read_and_written_as_json(void **state)
{
    struct mbtool_file file = { .unit = 0x90, .file = 1, .most = 10, .words = 4, .step = 1 };
    struct mbtool_records records;
    struct mbtool *tool = NULL;
    char text[2048] = "";
    FILE *to = fmemopen(text, sizeof text, "w");

    (void)state;
    for (int plain = 0; plain < 2; plain++) {
        bus_make(plain != 0);
        assert_int_equal(mbtool_new(&bus, NULL, &tool), ST_OK);
        assert_int_equal(mbtool_read_file(tool, &file, &records), ST_OK);
        mbtool_free(tool);
        assert_int_equal(records.count, 2);
        assert_int_equal(records.end, ST_ABSENT);
        assert_int_equal(records.exception, 2);
        assert_int_equal(records.list[1].record, 1);
        assert_int_equal(records.list[1].words[1], 0x6A20);
        if (!plain)
            assert_int_equal(mbtool_records_json(&file, &records, to), ST_OK);
        mbtool_records_done(&records);
    }
    fclose(to);
    assert_non_null(strstr(text, "ABCD"));
    assert_non_null(strstr(text, "\"exception\":2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_map_is_read_over_tcp),
        cmocka_unit_test(every_map_is_read_over_a_plain_gateway),
        cmocka_unit_test(a_unit_above_247_is_written_to),
        cmocka_unit_test(a_scan_finds_who_is_there),
        cmocka_unit_test(a_black_box_is_read_and_written_as_json),
    };
    char *pymodbus[] = { (char *)PYTHON, (char *)"-c",
                         (char *)"import pymodbus.server.async_io, serial_asyncio", NULL };
    int status = -1, null = open("/dev/null", O_RDWR | O_CLOEXEC);
    pid_t pid = rig_spawn(pymodbus, null, null);

    close(null);
    if (pid <= 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        print_message("skip: no python3-pymodbus or python3-serial-asyncio\n");
        return SKIP_STATUS;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, rig_make, rig_end);
}
