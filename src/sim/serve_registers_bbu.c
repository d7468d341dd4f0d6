/* SPDX-License-Identifier: Apache-2.0 */
/* serve_registers_bbu.c: owns the register tables of the batteries, ORv3 (11
 * cells) and HPR (12 cells). Pure; runs on the caller's thread.
 *
 * Temperatures are in 0.1 K, currents in 10 mA (charging is positive), voltages
 * in mV, capacities in mAh, unless a row says otherwise.
 */
#include "serve_registers_table.h"

#include <math.h>

#define BBU_MILLI         1000.0
#define BBU_10_MA         100.0
#define BBU_CELL_DESIGN_V 3.6
#define BBU_CELL_FULL_V   4.1
#define BBU_AVERAGE_SHARE 0.001 /* of a 20 ms refresh: settles in some 20 s */

/* Bits of the mode word 0x6B. */
#define BBU_CHARGING        0x0001u
#define BBU_DISCHARGING     0x0002u
#define BBU_CHARGE_OVERRIDE 0x0400u
#define BBU_MODE_SETTINGS   0xFB80u /* b7 to b15 without the charger override, which the plant times */

enum bbu_kept {
    BBU_KEPT_ACCESS,
    BBU_KEPT_BAUD,
    BBU_KEPT_PLS,
    BBU_KEPT_LED,
    BBU_KEPT_FAN,
    BBU_KEPT_SOH_RANDOM,
    BBU_KEPT_SOH_DAYS,
    BBU_KEPT_SOH_AT,
    BBU_KEPT_EOL,
    BBU_KEPT_FORCED,
    BBU_KEPT_CONTROL,
    BBU_KEPT_SHELF,
    BBU_KEPT_DETACHED,
    BBU_KEPT_SHELF_W,
    BBU_KEPT_AC_OK,
    BBU_KEPT_PULSE,
    BBU_KEPT_OFF_AT,
    BBU_KEPT_RATE
};

static const struct plant_bbu *serve_registers_bbu_plant(const struct serve_registers_unit *unit)
{
    return &unit->plant->bbus[unit->module];
}

static bool serve_registers_bbu_is_hpr(const struct serve_registers_unit *unit)
{
    return unit->kind == SERVE_REGISTERS_BBU_HPR;
}

static int32_t serve_registers_bbu_cells(const struct serve_registers_unit *unit)
{
    return serve_registers_bbu_is_hpr(unit) ? 12 : 11;
}

static const char *serve_registers_bbu_maker(const struct serve_registers_unit *unit)
{
    (void)unit;
    return "Busbar Sim";
}

static const char *serve_registers_bbu_model(const struct serve_registers_unit *unit)
{
    const char *model = unit->plant->bbus[unit->module].model;

    if (model[0] != '\0')
        return model;
    return serve_registers_bbu_is_hpr(unit) ? "HPR-BBU-5500" : "ORV3-BBU-3000";
}

static const char *serve_registers_bbu_date(const struct serve_registers_unit *unit)
{
    (void)unit;
    return "2026-02-17";
}

static const char *serve_registers_bbu_part(const struct serve_registers_unit *unit)
{
    return serve_registers_bbu_is_hpr(unit) ? "90-000155" : "90-000130";
}

static const char *serve_registers_bbu_build(const struct serve_registers_unit *unit)
{
    (void)unit;
    return "A01";
}

static const char *serve_registers_bbu_hardware(const struct serve_registers_unit *unit)
{
    (void)unit;
    return "C1";
}

static const char *serve_registers_bbu_firmware(const struct serve_registers_unit *unit)
{
    (void)unit;
    return "2.0.3";
}

static const char *serve_registers_bbu_workorder(const struct serve_registers_unit *unit)
{
    (void)unit;
    return "WO003400";
}

static const char *serve_registers_bbu_serial(const struct serve_registers_unit *unit)
{
    return serve_registers_bbu_plant(unit)->serial;
}

static const char *serve_registers_bbu_chemistry(const struct serve_registers_unit *unit)
{
    (void)unit;
    return "LION";
}

static const char *serve_registers_bbu_data(const struct serve_registers_unit *unit)
{
    (void)unit;
    return "SIM";
}

static const char *serve_registers_bbu_device(const struct serve_registers_unit *unit)
{
    return serve_registers_bbu_is_hpr(unit) ? "12S PACK" : "11S PACK";
}

static void serve_registers_bbu_energy(struct serve_registers_unit *unit, const struct plant_bbu *bbu)
{
    struct serve_registers_bbu *v = &unit->bbu;
    double design_v = serve_registers_bbu_cells(unit) * BBU_CELL_DESIGN_V;

    v->soc_ratio = bbu->energy_full_j > 0.0 ? fmin(fmax(bbu->energy_j / bbu->energy_full_j, 0.0), 1.0) : 0.0;
    v->full_ah = bbu->energy_full_j / 3600.0 / design_v;
    v->remaining_ah = v->soc_ratio * v->full_ah;
    /* 65535 minutes: as smart batteries say "not discharging". */
    v->minutes_left = v->average_a < -0.1 ? fmin(v->remaining_ah * 60.0 / -v->average_a, 65534.0) : 65535.0;
}

static void serve_registers_bbu_flags(struct serve_registers_unit *unit, const struct plant_bbu *bbu)
{
    struct serve_registers_bbu *v = &unit->bbu;
    unsigned battery = 1u << 7; /* initialised */
    unsigned status = 0;

    if (v->temp_c > 60.0) {
        status |= 1u << 13;
        battery |= 1u << 12;
    }
    if (v->soc_ratio < 0.02)
        status |= 1u << 15; /* discharge not allowed */
    if (bbu->discharging)
        battery |= 1u << 6;
    if (v->soc_ratio > 0.995)
        battery |= 1u << 5;
    if (v->soc_ratio < 0.005)
        battery |= 1u << 4;
    v->status = status;
    v->battery_status = battery;
    v->word = v->temp_c > 60.0 ? 1.0 : 0.0;
}

void serve_registers_bbu_refresh(struct serve_registers_unit *unit, int64_t now_us)
{
    const struct plant_bbu *bbu = serve_registers_bbu_plant(unit);
    struct serve_registers_bbu *v = &unit->bbu;
    bool first = !unit->refreshed;
    int32_t cells = serve_registers_bbu_cells(unit);

    (void)now_us;
    v->temp_c = bbu->temp_c;
    v->pack_v = bbu->pack_v;
    v->pack_a = bbu->pack_a;
    v->average_a = first ? bbu->pack_a : v->average_a + BBU_AVERAGE_SHARE * (bbu->pack_a - v->average_a);
    v->discharge_a = fmax(-bbu->pack_a, 0.0);
    v->bus_v = bbu->bus_v;
    v->bus_max_v = first ? bbu->bus_v : fmax(v->bus_max_v, bbu->bus_v);
    v->bus_min_v = first ? bbu->bus_v : fmin(v->bus_min_v, bbu->bus_v);
    v->charge_limit_a = bbu->override_on ? bbu->override_a : bbu->charge_default_a;
    v->charge_v = cells * BBU_CELL_FULL_V;
    v->fan_rpm = bbu->discharging || bbu->charging ? 9000.0 : 3000.0;
    for (int32_t i = 0; i < cells; i++)
        v->cell_v[i] = bbu->pack_v / cells;
    if (bbu->discharging && !v->was_discharging && !first)
        v->discharges += 1.0;
    v->was_discharging = bbu->discharging;
    serve_registers_bbu_energy(unit, bbu);
    serve_registers_bbu_flags(unit, bbu);
}

static uint32_t serve_registers_bbu_mode(const struct serve_registers_unit *unit, int64_t now_us)
{
    const struct plant_bbu *bbu = serve_registers_bbu_plant(unit);
    uint32_t word = bbu->mode & BBU_MODE_SETTINGS;

    (void)now_us;
    word |= bbu->override_on ? BBU_CHARGE_OVERRIDE : 0;
    word |= bbu->discharging ? BBU_DISCHARGING : 0;
    word |= bbu->charging ? BBU_CHARGING : 0;
    return word;
}

/* The override lasts as long as its time-out says, from now: with none it falls
 * back at once. Writing the bit or the time-out again starts the time anew. */
static void serve_registers_bbu_override(struct serve_registers_unit *unit, bool wanted)
{
    bool timed = unit->plant->bbus[unit->module].override_timeout_s > 0.0;

    plant_bbu_override(unit->plant, unit->module, wanted && timed);
}

static void serve_registers_bbu_mode_set(struct serve_registers_unit *unit, uint32_t raw, int64_t now_us)
{
    struct plant_bbu *bbu = &unit->plant->bbus[unit->module];

    (void)now_us;
    bbu->mode = (uint16_t)(raw & BBU_MODE_SETTINGS);
    serve_registers_bbu_override(unit, (raw & BBU_CHARGE_OVERRIDE) != 0);
}

static uint32_t serve_registers_bbu_override_ma(const struct serve_registers_unit *unit, int64_t now_us)
{
    (void)now_us;
    return serve_registers_scaled(serve_registers_bbu_plant(unit)->override_a, 0.0, BBU_MILLI);
}

static void serve_registers_bbu_override_ma_set(struct serve_registers_unit *unit, uint32_t raw,
                                                int64_t now_us)
{
    (void)now_us;
    unit->plant->bbus[unit->module].override_a = raw / BBU_MILLI;
}

static uint32_t serve_registers_bbu_timeout(const struct serve_registers_unit *unit, int64_t now_us)
{
    (void)now_us;
    return (uint32_t)serve_registers_bbu_plant(unit)->override_timeout_s;
}

static void serve_registers_bbu_timeout_set(struct serve_registers_unit *unit, uint32_t raw, int64_t now_us)
{
    struct plant_bbu *bbu = &unit->plant->bbus[unit->module];

    (void)now_us;
    bbu->override_timeout_s = raw;
    serve_registers_bbu_override(unit, bbu->override_on);
}

static uint32_t serve_registers_bbu_discharge_time(const struct serve_registers_unit *unit, int64_t now_us)
{
    (void)now_us;
    return serve_registers_bbu_plant(unit)->discharge_time_s;
}

static void serve_registers_bbu_discharge_time_set(struct serve_registers_unit *unit, uint32_t raw,
                                                   int64_t now_us)
{
    (void)now_us;
    unit->plant->bbus[unit->module].discharge_time_s = (uint16_t)raw;
}

static uint32_t serve_registers_bbu_threshold(const struct serve_registers_unit *unit, int64_t now_us)
{
    (void)now_us;
    return serve_registers_bbu_plant(unit)->recharge_threshold_pct;
}

static void serve_registers_bbu_threshold_set(struct serve_registers_unit *unit, uint32_t raw, int64_t now_us)
{
    (void)now_us;
    unit->plant->bbus[unit->module].recharge_threshold_pct = (uint16_t)raw;
}

static uint32_t serve_registers_bbu_delay(const struct serve_registers_unit *unit, int64_t now_us)
{
    (void)now_us;
    return serve_registers_bbu_plant(unit)->charge_delay_s;
}

static void serve_registers_bbu_delay_set(struct serve_registers_unit *unit, uint32_t raw, int64_t now_us)
{
    (void)now_us;
    unit->plant->bbus[unit->module].charge_delay_s = (uint16_t)raw;
}

static uint32_t serve_registers_bbu_installed(const struct serve_registers_unit *unit, int64_t now_us)
{
    const struct plant_shelf *shelf = &unit->plant->shelves[unit->shelf];
    uint32_t count = 0;

    (void)now_us;
    for (int32_t i = 0; i < shelf->bbu_count; i++)
        count += unit->plant->bbus[shelf->bbu_first + i].present ? 1 : 0;
    return count;
}

/* The lines: alert, losses and pulse management are low when asserted. */
static uint32_t serve_registers_bbu_signals(const struct serve_registers_unit *unit, int64_t now_us)
{
    uint32_t word = (uint32_t)unit->slot << 4 | (uint32_t)(unit->shelf & 7) << 1 | 1u << 13;

    (void)now_us;
    return word |
           (serve_registers_bbu_is_hpr(unit) ? 1u << 10 | 1u << 9 | 1u << 0 : 1u << 10 | 1u << 9 | 1u << 8);
}

static uint32_t serve_registers_bbu_shelf(const struct serve_registers_unit *unit, int64_t now_us)
{
    (void)now_us;
    return (uint32_t)unit->shelf;
}

static uint32_t serve_registers_bbu_address(const struct serve_registers_unit *unit, int64_t now_us)
{
    (void)now_us;
    return unit->address;
}

/* Clearing faults is a command: it reads back as 0 and the next refresh says
 * what is still wrong. */
static uint32_t serve_registers_bbu_zero(const struct serve_registers_unit *unit, int64_t now_us)
{
    (void)unit;
    (void)now_us;
    return 0;
}

static void serve_registers_bbu_clear_set(struct serve_registers_unit *unit, uint32_t raw, int64_t now_us)
{
    (void)now_us;
    if (raw & 1)
        unit->bbu.status = unit->bbu.word = 0.0;
}

#define BBU_SETTING(at_, words_, get_, set_, min_, max_)                                                     \
    {                                                                                                        \
        .at = (at_), .words = (words_), .form = SERVE_REGISTERS_LIVE, .get = (get_), .set = (set_),          \
        .writable = true, .min = (min_), .max = (max_)                                                       \
    }
#define BBU_CELL(n) ROW_SCALED(0x6C + (n), bbu.cell_v[(n)-1], BBU_MILLI)

#define BBU_IDENTITY                                                                                         \
    ROW_TEXT(0x00, 8, serve_registers_bbu_maker), ROW_TEXT(0x08, 8, serve_registers_bbu_model),              \
        ROW_TEXT(0x10, 8, serve_registers_bbu_date), ROW_TEXT(0x18, 8, serve_registers_bbu_part),            \
        ROW_TEXT(0x30, 2, serve_registers_bbu_build), ROW_TEXT(0x34, 4, serve_registers_bbu_hardware),       \
        ROW_TEXT(0x38, 4, serve_registers_bbu_firmware), ROW_TEXT(0x3C, 4, serve_registers_bbu_workorder),   \
        ROW_TEXT(0x40, 16, serve_registers_bbu_serial), ROW_FIXED(0x50, 1, 37)
#define BBU_STATUS                                                                                           \
    ROW_SCALED(0x68, bbu.status, 1.0), ROW_FIXED(0x69, 1, 0),                                                \
        ROW_KEPT(0x6A, 1, BBU_KEPT_ACCESS, 0, 0, 0xFFFF, false),                                             \
        BBU_SETTING(0x6B, 1, serve_registers_bbu_mode, serve_registers_bbu_mode_set, 0, 0xFFFF),             \
        ROW_SCALED(0x6C, bbu.battery_status, 1.0), BBU_CELL(1), BBU_CELL(2), BBU_CELL(3), BBU_CELL(4),       \
        BBU_CELL(5), BBU_CELL(6), BBU_CELL(7), BBU_CELL(8), BBU_CELL(9), BBU_CELL(10), BBU_CELL(11)
/* Relative and absolute charge, V, I, mean I, charge left and when full: from
 * `at` on, in this order in both generations, four temperatures before them. */
#define BBU_PACK(at)                                                                                         \
    ROW_SCALED((at), bbu.soc_ratio, 100.0), ROW_SCALED((at) + 1, bbu.soc_ratio, 100.0),                      \
        ROW_SCALED((at) + 2, bbu.pack_v, BBU_MILLI), ROW_SIGNED((at) + 3, bbu.pack_a, BBU_10_MA),            \
        ROW_SIGNED((at) + 4, bbu.average_a, BBU_10_MA), ROW_SCALED((at) + 5, bbu.remaining_ah, BBU_MILLI),   \
        ROW_SCALED((at) + 6, bbu.full_ah, BBU_MILLI)
#define BBU_BATTERY                                                                                          \
    ROW_SCALED(0x85, bbu.minutes_left, 1.0), ROW_SCALED(0x86, bbu.minutes_left, 1.0),                        \
        ROW_FIXED(0x87, 1, 12), ROW_SCALED(0x88, bbu.full_ah, BBU_MILLI),                                    \
        ROW_SCALED(0x89, bbu.charge_v, 3.6 / 4.1 * BBU_MILLI),                                               \
        ROW_KEPT(0x8A, 1, BBU_KEPT_RATE, 0, 0, 0xFFFF, false), ROW_FIXED(0x8B, 1, 65535),                    \
        ROW_FIXED(0x8C, 1, 65535), ROW_FIXED(0x8D, 1, 1), ROW_FIXED(0x8E, 1, 100), ROW_FIXED(0x8F, 1, 1),    \
        ROW_SCALED(0x90, bbu.charge_limit_a, BBU_MILLI), ROW_SCALED(0x91, bbu.charge_v, BBU_MILLI),          \
        ROW_SCALED(0x92, bbu.discharge_a, BBU_10_MA), ROW_SCALED(0x93, bbu.bus_v, BBU_MILLI),                \
        ROW_KELVIN(0x94, bbu.temp_c), ROW_KELVIN(0x95, bbu.temp_c), ROW_KELVIN(0x96, bbu.temp_c),            \
        ROW_KELVIN(0x97, bbu.temp_c), ROW_SCALED(0x98, bbu.fan_rpm, 1.0), ROW_SCALED(0x99, bbu.word, 1.0),   \
        ROW_FIXED(0x9A, 1, 0), ROW_FIXED(0x9B, 1, 0), ROW_FIXED(0x9C, 1, 0), ROW_FIXED(0x9D, 1, 0),          \
        ROW_FIXED(0x9E, 1, 0), ROW_SCALED(0x9F, bbu.bus_v, BBU_MILLI),                                       \
        ROW_SCALED(0xA0, bbu.charge_limit_a, BBU_MILLI), ROW_FIXED(0xA1, 1, 100), ROW_FIXED(0xA2, 1, 0),     \
        ROW_LIVE(0xA3, 1, serve_registers_bbu_installed), ROW_LIVE(0xA4, 1, serve_registers_bbu_signals),    \
        ROW_FIXED(0xA5, 1, 0x8002), ROW_FIXED(0xA6, 1, 1), ROW_SCALED(0xA7, bbu.discharges, 1.0),            \
        ROW_FIXED(0xA8, 1, 0)
#define BBU_PACK_IDENTITY                                                                                    \
    ROW_FIXED(0xB3, 1, 0), ROW_FIXED(0xB4, 1, 0), ROW_FIXED(0xB5, 1, 0), ROW_FIXED(0xB6, 1, 0x0203),         \
        ROW_FIXED(0xB7, 1, 0x0031), ROW_FIXED(0xB8, 1, 0x5C51), ROW_FIXED(0xB9, 1, 1),                       \
        ROW_TEXT(0xBA, 2, serve_registers_bbu_chemistry), ROW_TEXT(0xBC, 4, serve_registers_bbu_data),       \
        ROW_TEXT(0xC0, 16, serve_registers_bbu_maker), ROW_TEXT(0xD0, 16, serve_registers_bbu_device)
/* The charger's override current is in mA; time-outs and times are in s. */
#define BBU_SETTINGS_LOW(baud_)                                                                              \
    ROW_KEPT(0x120, 1, BBU_KEPT_BAUD, (baud_), (baud_), (baud_), false),                                     \
        BBU_SETTING(0x121, 1, serve_registers_bbu_discharge_time, serve_registers_bbu_discharge_time_set,    \
                    90, 1200),                                                                               \
        ROW_KEPT(0x122, 1, BBU_KEPT_PLS, 60, 1, 300, false),                                                 \
        BBU_SETTING(0x123, 1, serve_registers_bbu_override_ma, serve_registers_bbu_override_ma_set, 100,     \
                    6000)
#define BBU_SETTINGS_MIDDLE                                                                                  \
    ROW_KEPT(0x125, 1, BBU_KEPT_FAN, 0, 0, 100, false),                                                      \
        BBU_SETTING(0x126, 1, serve_registers_bbu_threshold, serve_registers_bbu_threshold_set, 0, 100),     \
        ROW_KEPT(0x127, 1, BBU_KEPT_SOH_RANDOM, 37, 0, 0xFFFF, false),                                       \
        ROW_KEPT(0x128, 1, BBU_KEPT_SOH_DAYS, 90, 0, 0xFFFF, false),                                         \
        ROW_KEPT(0x12A, 2, BBU_KEPT_SOH_AT, 0, 0, UINT32_MAX, false),                                        \
        BBU_SETTING(0x12C, 2, serve_registers_bbu_timeout, serve_registers_bbu_timeout_set, 0, UINT32_MAX)
#define BBU_SETTINGS_HIGH                                                                                    \
    ROW_KEPT(0x130, 1, BBU_KEPT_EOL, 90, 0, 0xFFFF, false),                                                  \
        ROW_KEPT(0x131, 1, BBU_KEPT_FORCED, 0, 0, 0xFFFF, false),                                            \
        ROW_KEPT(0x132, 1, BBU_KEPT_CONTROL, 0, 0, 3, false),                                                \
        ROW_KEPT(0x133, 1, BBU_KEPT_SHELF, 0, 0, 0xFFFF, false),                                             \
        ROW_KEPT(0x134, 1, BBU_KEPT_DETACHED, 0, 0, 0xFFFF, false),                                          \
        ROW_KEPT(0x136, 1, BBU_KEPT_SHELF_W, 0, 0, 0xFFFF, false),                                           \
        ROW_KEPT(0x137, 1, BBU_KEPT_AC_OK, 1, 0, 1, false),                                                  \
        BBU_SETTING(0x138, 1, serve_registers_bbu_delay, serve_registers_bbu_delay_set, 0, 3600),            \
        BBU_SETTING(0x139, 1, serve_registers_bbu_zero, serve_registers_bbu_clear_set, 0, 1)

static const struct serve_registers_row bbu_rows_orv3[] = {
    BBU_IDENTITY,
    BBU_STATUS,
    ROW_FIXED(0x79, 1, 4),
    ROW_KELVIN(0x7A, bbu.temp_c),
    ROW_KELVIN(0x7B, bbu.temp_c),
    ROW_KELVIN(0x7C, bbu.temp_c),
    ROW_KELVIN(0x7D, bbu.temp_c),
    BBU_PACK(0x7E),
    BBU_BATTERY,
    BBU_PACK_IDENTITY,
    BBU_SETTINGS_LOW(1),
    ROW_KEPT(0x124, 1, BBU_KEPT_LED, 0, 0, 1, false),
    BBU_SETTINGS_MIDDLE,
    ROW_CLOCK(0x12E, false),
    BBU_SETTINGS_HIGH,
};

static const struct serve_registers_row bbu_rows_hpr[] = {
    BBU_IDENTITY,
    ROW_KELVIN(0x5A, bbu.temp_c),
    ROW_KELVIN(0x5B, bbu.temp_c),
    ROW_KELVIN(0x5C, bbu.temp_c),
    ROW_KELVIN(0x5D, bbu.temp_c),
    BBU_PACK(0x5E),
    ROW_CLOCK(0x65, false),
    BBU_STATUS,
    BBU_CELL(12),
    ROW_FIXED(0x79, 1, 4),
    ROW_FIXED(0x7B, 1, 0x13A),
    BBU_BATTERY,
    ROW_FIXED(0xA9, 1, 1),
    ROW_FIXED(0xAA, 1, 1),
    BBU_PACK_IDENTITY,
    ROW_SCALED(0xE0, bbu.bus_max_v, BBU_MILLI),
    ROW_SCALED(0xE1, bbu.bus_min_v, BBU_MILLI),
    ROW_SCALED(0xE2, bbu.bus_max_v, BBU_MILLI),
    ROW_SCALED(0xE3, bbu.bus_min_v, BBU_MILLI),
    ROW_FIXED(0xE4, 1, 0),
    ROW_FIXED(0xE5, 1, 0),
    ROW_FIXED(0xE6, 1, 0),
    ROW_KEPT(0xE7, 1, BBU_KEPT_PULSE, 550, 0, 0xFFFF, false),
    ROW_FIXED(0xE8, 1, 0),
    ROW_LIVE(0xEA, 1, serve_registers_bbu_shelf),
    ROW_KELVIN(0xEB, bbu.temp_c),
    ROW_LIVE(0xEC, 1, serve_registers_bbu_address),
    ROW_KEPT(0xED, 2, BBU_KEPT_OFF_AT, 0, 0, UINT32_MAX, false),
    ROW_FIXED(0x100, 2, 310),
    ROW_FIXED(0x102, 2, 13600),
    ROW_FIXED(0x104, 1, 0),
    ROW_FIXED(0x105, 1, 0),
    ROW_FIXED(0x106, 1, 0),
    BBU_SETTINGS_LOW(4),
    BBU_SETTINGS_MIDDLE,
    BBU_SETTINGS_HIGH,
};

const struct serve_registers_table serve_registers_bbu_orv3 = {
    .rows = bbu_rows_orv3, .count = sizeof bbu_rows_orv3 / sizeof bbu_rows_orv3[0]};
const struct serve_registers_table serve_registers_bbu_hpr = {
    .rows = bbu_rows_hpr, .count = sizeof bbu_rows_hpr / sizeof bbu_rows_hpr[0]};
