/* SPDX-License-Identifier: Apache-2.0 */
/* serve_registers_psu.c: owns the register tables of the power supplies, ORv3
 * (3 kW) and HPR (5.5 kW). Pure; runs on the caller's thread.
 *
 * Addresses and encodings follow the public maps of those supplies; names of
 * maker and models are made up. Qn: raw = value * 2^n.
 */
#include "serve_registers_table.h"

#include <math.h>

#define PSU_Q3  8.0
#define PSU_Q6  64.0
#define PSU_Q7  128.0
#define PSU_Q9  512.0
#define PSU_Q10 1024.0

/* Bits of the setting word 0x5E. */
#define PSU_WRITE_ENABLE   0x0001u
#define PSU_FORCE_AC_LOSS  0x0080u
#define PSU_SELECT_HIGH    0x0200u /* ORv3: set-point H (51 V) rather than L (48 V)  */
#define PSU_AT_LOW_VOLTAGE 0x0400u /* ORv3: a status among the settings              */
#define PSU_CLEAR_FAULTS   0x4000u
#define PSU_POWER_CYCLE    0x8000u
#define PSU_SETTINGS_ORV3  0x3B00u /* kept when written                              */
#define PSU_SETTINGS_HPR   0x38C2u

#define PSU_ALARM_SETTLE_V 46.0 /* busbar under this while on: output under-voltage */

enum psu_kept {
    PSU_KEPT_BAUD,
    PSU_KEPT_FAN,
    PSU_KEPT_LED,
    PSU_KEPT_PLS,
    PSU_KEPT_CHANGE_TIMER,
    PSU_KEPT_CYCLE_AT,
    PSU_KEPT_OFF_TIME,
    PSU_KEPT_OFF_AT,
    PSU_KEPT_PLANNED,
    PSU_KEPT_REGION
};

static const char *serve_registers_psu_part(const struct serve_registers_unit *unit)
{
    return unit->kind == SERVE_REGISTERS_PSU_HPR ? "90-000055" : "90-000030";
}

static const char *serve_registers_psu_model(const struct serve_registers_unit *unit)
{
    const char *model = unit->plant->psus[unit->module].model;

    if (model[0] != '\0')
        return model;
    return unit->kind == SERVE_REGISTERS_PSU_HPR ? "HPR-PSU-5500" : "ORV3-PSU-3000";
}

static const char *serve_registers_psu_date(const struct serve_registers_unit *unit)
{
    (void)unit;
    return "2026-03-02";
}

static const char *serve_registers_psu_serial(const struct serve_registers_unit *unit)
{
    return unit->plant->psus[unit->module].serial;
}

static const char *serve_registers_psu_workorder(const struct serve_registers_unit *unit)
{
    (void)unit;
    return "WO001200";
}

static const char *serve_registers_psu_hardware(const struct serve_registers_unit *unit)
{
    (void)unit;
    return "B2";
}

static const char *serve_registers_psu_firmware(const struct serve_registers_unit *unit)
{
    (void)unit;
    return "1.4.0";
}

static const char *serve_registers_psu_bootloader(const struct serve_registers_unit *unit)
{
    (void)unit;
    return "0.9.1";
}

/* Alarms from what was measured: detail words first, then the roll-up whose low
 * byte says "some detail is set" and whose high byte has the hard failures. */
static void serve_registers_psu_alarms(struct serve_registers_unit *unit, bool on)
{
    struct serve_registers_psu *v = &unit->psu;
    double rated_w = unit->plant->shelves[unit->shelf].psu_rated_w;
    unsigned pfc = 0, dcdc = 0, heat = 0, general = 0;

    if (v->input_v < 172.0)
        pfc |= 1u << 8 | 1u << 0;
    if (v->input_v > 305.0)
        pfc |= 1u << 8 | 1u << 1;
    if (v->input_hz < 47.0 && v->input_v >= 172.0)
        pfc |= 1u << 4;
    if (v->input_hz > 63.0)
        pfc |= 1u << 5;
    if (on && v->output_v < PSU_ALARM_SETTLE_V)
        dcdc |= 1u << 0;
    if (v->output_v > 52.5)
        dcdc |= 1u << 1;
    if (v->output_w > 1.2 * rated_w)
        dcdc |= 1u << 2;
    if (v->inlet_c > 55.0)
        heat |= 1u << 1;
    if (v->outlet_c > 85.0)
        heat |= 1u << 0;
    general |= pfc ? 1u << 0 : 0;
    general |= dcdc ? 1u << 1 : 0;
    general |= heat ? 1u << 2 | 1u << 10 : 0;
    general |= !on && unit->off_until_us == 0 ? 1u << 9 : 0; /* off although nobody asked for it */
    v->pfc = pfc;
    v->dcdc = dcdc;
    v->temperature = heat;
    v->general = general;
    /* ORv3 says here which bus is in use (b8: Modbus); HPR has faults only. */
    v->communication = unit->kind == SERVE_REGISTERS_PSU_ORV3 ? 0x0100 : 0;
}

/* The mean current of the shelf's running supplies: what the share bus carries. */
static double serve_registers_psu_share_a(const struct serve_registers_unit *unit)
{
    const struct plant_shelf *shelf = &unit->plant->shelves[unit->shelf];
    double sum_a = 0.0;
    int32_t running = 0;

    for (int32_t i = 0; i < shelf->psu_count; i++) {
        const struct plant_psu *psu = &unit->plant->psus[shelf->psu_first + i];

        if (psu->present && psu->on) {
            sum_a += psu->output_a;
            running++;
        }
    }
    return running > 0 ? sum_a / running : 0.0;
}

static void serve_registers_psu_extremes(struct serve_registers_unit *unit)
{
    struct serve_registers_psu *v = &unit->psu;
    bool first = !unit->refreshed;

    v->inlet_max_c = first ? v->inlet_c : fmax(v->inlet_max_c, v->inlet_c);
    v->inlet_min_c = first ? v->inlet_c : fmin(v->inlet_min_c, v->inlet_c);
    v->input_max_v = first ? v->input_v : fmax(v->input_max_v, v->input_v);
    v->input_min_v = first ? v->input_v : fmin(v->input_min_v, v->input_v);
    v->bus_max_v = first ? v->output_v : fmax(v->bus_max_v, v->output_v);
    v->bus_min_v = first ? v->output_v : fmin(v->bus_min_v, v->output_v);
}

void serve_registers_psu_refresh(struct serve_registers_unit *unit, int64_t now_us)
{
    const struct plant_psu *psu = &unit->plant->psus[unit->module];
    struct serve_registers_psu *v = &unit->psu;
    uint32_t duty_pct = unit->kept[PSU_KEPT_FAN];

    (void)now_us;
    v->output_v = psu->output_v;
    v->output_a = psu->output_a;
    v->output_w = psu->output_w;
    v->share_a = serve_registers_psu_share_a(unit);
    v->input_v = psu->input_v;
    v->input_a = psu->input_a;
    v->input_w = psu->input_w;
    v->input_hz = psu->input_hz;
    v->bulk_v = psu->input_v > 170.0 ? 420.0 : 0.0;
    v->harmonics_pct = psu->input_w > 0.0 ? 4.5 : 0.0;
    v->power_factor =
        psu->input_v * psu->input_a > 1.0 ? fmin(psu->input_w / (psu->input_v * psu->input_a), 1.0) : 0.0;
    v->inlet_c = psu->inlet_c;
    v->outlet_c = psu->outlet_c;
    v->clip_c = 0.5 * (psu->inlet_c + psu->outlet_c);
    v->fan_rpm = duty_pct > 0 ? 250.0 * duty_pct
                              : fmin(fmax(4000.0 + 250.0 * (psu->outlet_c - 30.0), 3000.0), 25000.0);
    if (!psu->on && psu->input_v < 172.0)
        v->fan_rpm = 0.0;
    serve_registers_psu_extremes(unit);
    serve_registers_psu_alarms(unit, psu->on);
}

static uint32_t serve_registers_psu_position(const struct serve_registers_unit *unit, int64_t now_us)
{
    (void)now_us;
    return (uint32_t)unit->slot;
}

static uint32_t serve_registers_psu_crc_errors(const struct serve_registers_unit *unit, int64_t now_us)
{
    (void)now_us;
    return unit->crc_errors;
}

static uint32_t serve_registers_psu_settings(const struct serve_registers_unit *unit, int64_t now_us)
{
    const struct plant_psu *psu = &unit->plant->psus[unit->module];
    uint32_t word = psu->write_enable ? PSU_WRITE_ENABLE : 0;

    (void)now_us;
    if (unit->kind == SERVE_REGISTERS_PSU_HPR)
        return word | (psu->setting & PSU_SETTINGS_HPR);
    word |= psu->setting & PSU_SETTINGS_ORV3;
    return psu->setting & PSU_SELECT_HIGH ? word : word | PSU_AT_LOW_VOLTAGE;
}

/* Clearing faults and power cycling are commands: their bits read back as 0. A
 * power cycle wants the gate; clearing faults is the one write that never does. */
static void serve_registers_psu_settings_set(struct serve_registers_unit *unit, uint32_t raw, int64_t now_us)
{
    struct plant_psu *psu = &unit->plant->psus[unit->module];
    bool hpr = unit->kind == SERVE_REGISTERS_PSU_HPR;

    psu->write_enable = (raw & PSU_WRITE_ENABLE) != 0;
    psu->setting = (uint16_t)(raw & (hpr ? PSU_SETTINGS_HPR : PSU_SETTINGS_ORV3));
    if (raw & PSU_CLEAR_FAULTS) {
        unit->psu.general = unit->psu.pfc = unit->psu.dcdc = unit->psu.temperature = 0;
    }
    if (raw & PSU_POWER_CYCLE && psu->write_enable && unit->off_until_us == 0) {
        int64_t off_s = hpr ? (int64_t)unit->kept[PSU_KEPT_OFF_TIME] : 5;

        psu->on = false;
        unit->off_until_us = now_us + off_s * 1000000;
    }
}

static uint32_t serve_registers_psu_setpoint(const struct serve_registers_unit *unit, int64_t now_us)
{
    (void)now_us;
    return serve_registers_scaled(unit->plant->psus[unit->module].setpoint_v, 0.0, PSU_Q10);
}

static void serve_registers_psu_setpoint_set(struct serve_registers_unit *unit, uint32_t raw, int64_t now_us)
{
    (void)now_us;
    unit->plant->psus[unit->module].setpoint_v = raw / PSU_Q10;
}

static uint32_t serve_registers_psu_setpoint_low(const struct serve_registers_unit *unit, int64_t now_us)
{
    (void)now_us;
    return serve_registers_scaled(unit->plant->psus[unit->module].setpoint_low_v, 0.0, PSU_Q10);
}

static void serve_registers_psu_setpoint_low_set(struct serve_registers_unit *unit, uint32_t raw,
                                                 int64_t now_us)
{
    (void)now_us;
    unit->plant->psus[unit->module].setpoint_low_v = raw / PSU_Q10;
}

/* The side-band lines; names that end in L are low when asserted. */
static uint32_t serve_registers_psu_signals(const struct serve_registers_unit *unit, int64_t now_us)
{
    const struct plant_psu *psu = &unit->plant->psus[unit->module];
    bool ac_lost = unit->psu.input_v < 172.0 || psu->setting & PSU_FORCE_AC_LOSS;
    uint32_t word = (uint32_t)unit->slot | (uint32_t)(unit->shelf & 7) << 3 | 1u << 7;

    (void)now_us;
    return ac_lost ? word : word | 1u << 6;
}

static uint32_t serve_registers_psu_shelf(const struct serve_registers_unit *unit, int64_t now_us)
{
    (void)now_us;
    return (uint32_t)unit->shelf;
}

#define PSU_SETPOINT(at_, get_, set_, min_v, max_v)                                                          \
    {                                                                                                        \
        .at = (at_), .words = 1, .form = SERVE_REGISTERS_LIVE, .get = (get_), .set = (set_),                 \
        .writable = true, .gated = true, .min = (uint32_t)((min_v)*1024.0),                                  \
        .max = (uint32_t)((max_v)*1024.0)                                                                    \
    }
#define PSU_SETTING_WORD(at_)                                                                                \
    {                                                                                                        \
        .at = (at_), .words = 1, .form = SERVE_REGISTERS_LIVE, .get = serve_registers_psu_settings,          \
        .set = serve_registers_psu_settings_set, .writable = true, .max = 0xFFFF                             \
    }

/* 0x00 to 0x40 and 0x43 to 0x59 are the same in both generations. */
#define PSU_IDENTITY                                                                                         \
    ROW_TEXT(0x00, 8, serve_registers_psu_part), ROW_TEXT(0x08, 8, serve_registers_psu_model),               \
        ROW_TEXT(0x10, 8, serve_registers_psu_date), ROW_TEXT(0x18, 16, serve_registers_psu_serial),         \
        ROW_TEXT(0x28, 4, serve_registers_psu_workorder), ROW_TEXT(0x2C, 4, serve_registers_psu_hardware),   \
        ROW_TEXT(0x30, 4, serve_registers_psu_firmware), ROW_LIVE(0x34, 2, serve_registers_uptime),          \
        ROW_LIVE(0x36, 2, serve_registers_uptime), ROW_FIXED(0x38, 1, 3), ROW_FIXED(0x39, 1, 0)
#define PSU_ALARMS                                                                                           \
    ROW_SCALED(0x3C, psu.general, 1.0), ROW_SCALED(0x3D, psu.pfc, 1.0), ROW_SCALED(0x3E, psu.dcdc, 1.0),     \
        ROW_SCALED(0x3F, psu.temperature, 1.0), ROW_SCALED(0x40, psu.communication, 1.0)
#define PSU_READINGS                                                                                         \
    ROW_SCALED(0x43, psu.fan_rpm, 1.0), ROW_SCALED(0x44, psu.fan_rpm, 1.0),                                  \
        ROW_SIGNED(0x45, psu.inlet_c, PSU_Q7), ROW_SIGNED(0x46, psu.outlet_c, PSU_Q7),                       \
        ROW_SIGNED(0x47, psu.inlet_max_c, PSU_Q7), ROW_SIGNED(0x48, psu.inlet_min_c, PSU_Q7),                \
        ROW_LIVE(0x49, 2, serve_registers_psu_position), ROW_LIVE(0x4B, 2, serve_registers_psu_crc_errors),  \
        ROW_FIXED(0x4D, 2, 0), ROW_SCALED(0x4F, psu.output_v, PSU_Q10),                                      \
        ROW_SCALED(0x50, psu.output_a, PSU_Q6), ROW_SCALED(0x51, psu.share_a, PSU_Q6),                       \
        ROW_SCALED(0x52, psu.output_w, PSU_Q3), ROW_SCALED(0x53, psu.bulk_v, PSU_Q6),                        \
        ROW_SCALED(0x54, psu.input_hz, 1.0), ROW_SCALED(0x55, psu.harmonics_pct, PSU_Q9),                    \
        ROW_SCALED(0x56, psu.power_factor, PSU_Q9), ROW_SCALED(0x57, psu.input_w, PSU_Q3),                   \
        ROW_SCALED(0x58, psu.input_v, PSU_Q6), ROW_SCALED(0x59, psu.input_a, PSU_Q10)
#define PSU_BAUD(preset_) ROW_KEPT(0x5F, 1, PSU_KEPT_BAUD, (preset_), (preset_), (preset_), true)

/* The baud rate can be written only to what it is: a module that changed it
 * would never be heard again on its line. */
static const struct serve_registers_row psu_rows_orv3[] = {
    PSU_IDENTITY,
    PSU_ALARMS,
    PSU_READINGS,
    ROW_FIXED(0x5A, 1, 0),
    ROW_KEPT(0x5C, 2, PSU_KEPT_CYCLE_AT, 0, 0, UINT32_MAX, false),
    PSU_SETTING_WORD(0x5E),
    PSU_BAUD(1),
    ROW_KEPT(0x60, 1, PSU_KEPT_FAN, 0, 0, 100, true),
    ROW_KEPT(0x61, 1, PSU_KEPT_LED, 0, 0, 0x61, true),
    ROW_CLOCK(0x62, true),
    ROW_KEPT(0x64, 1, PSU_KEPT_PLS, 60, 1, 300, true),
    ROW_SCALED(0x65, psu.input_min_v, PSU_Q6),
    ROW_SCALED(0x66, psu.input_max_v, PSU_Q6),
    PSU_SETPOINT(0x67, serve_registers_psu_setpoint, serve_registers_psu_setpoint_set, 50.0, 51.5),
    PSU_SETPOINT(0x68, serve_registers_psu_setpoint_low, serve_registers_psu_setpoint_low_set, 47.5, 48.5),
    ROW_KEPT(0x69, 1, PSU_KEPT_CHANGE_TIMER, 0, 0, 0xFFFF, true),
    ROW_TEXT(0x6A, 4, serve_registers_psu_bootloader),
};

static const struct serve_registers_row psu_rows_hpr[] = {
    PSU_IDENTITY,
    PSU_ALARMS,
    ROW_SCALED(0x41, psu.input_w, PSU_Q3),
    ROW_SCALED(0x42, psu.input_a, PSU_Q10),
    PSU_READINGS,
    ROW_CLOCK(0x5A, false),
    ROW_KEPT(0x5C, 2, PSU_KEPT_CYCLE_AT, 0, 0, UINT32_MAX, false),
    PSU_SETTING_WORD(0x5E),
    PSU_BAUD(4),
    ROW_KEPT(0x60, 1, PSU_KEPT_FAN, 0, 0, 100, true),
    ROW_KEPT(0x61, 1, PSU_KEPT_LED, 0, 0, 0x0F61, true),
    ROW_FIXED(0x62, 1, 0),
    ROW_KEPT(0x63, 1, PSU_KEPT_OFF_TIME, 5, 1, 3600, true),
    ROW_SCALED(0x65, psu.input_min_v, PSU_Q6),
    ROW_SCALED(0x66, psu.input_max_v, PSU_Q6),
    PSU_SETPOINT(0x67, serve_registers_psu_setpoint, serve_registers_psu_setpoint_set, 49.0, 51.5),
    ROW_TEXT(0x69, 4, serve_registers_psu_bootloader),
    ROW_KEPT(0x6D, 2, PSU_KEPT_OFF_AT, 0, 0, UINT32_MAX, true),
    ROW_SIGNED(0x6F, psu.clip_c, PSU_Q7),
    ROW_SIGNED(0x70, psu.clip_c, PSU_Q7),
    ROW_SCALED(0x71, psu.bus_max_v, PSU_Q10),
    ROW_SCALED(0x72, psu.bus_min_v, PSU_Q10),
    ROW_SCALED(0x73, psu.bus_max_v, PSU_Q10),
    ROW_SCALED(0x74, psu.bus_min_v, PSU_Q10),
    ROW_KEPT(0x75, 1, PSU_KEPT_PLANNED, 1, 0, 1, true),
    ROW_SCALED(0x76, psu.output_v, PSU_Q10),
    ROW_KEPT(0x77, 1, PSU_KEPT_REGION, 0, 0, 0xFFFF, true),
    ROW_LIVE(0x78, 1, serve_registers_psu_signals),
    ROW_FIXED(0x79, 1, 0),
    ROW_FIXED(0x7A, 1, 0),
    ROW_LIVE(0x7C, 1, serve_registers_psu_shelf),
    ROW_FIXED(0x7D, 1, 0x7E),
};

const struct serve_registers_table serve_registers_psu_orv3 = {
    .rows = psu_rows_orv3, .count = sizeof psu_rows_orv3 / sizeof psu_rows_orv3[0]};
const struct serve_registers_table serve_registers_psu_hpr = {
    .rows = psu_rows_hpr, .count = sizeof psu_rows_hpr / sizeof psu_rows_hpr[0]};
