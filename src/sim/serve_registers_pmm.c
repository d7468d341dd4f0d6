/* SPDX-License-Identifier: Apache-2.0 */
/* serve_registers_pmm.c: owns the register table of an HPR shelf controller
 * (PMM) and its mirror of the modules behind it. Pure; runs on the caller's
 * thread.
 *
 * The mirror has a pitch of 16 registers from 0x100. It is as old as the
 * controller's last round, and stands still while polling is paused (0x7B).
 */
#include "serve_registers_table.h"

#define PMM_ROUND_US 500000 /* ASSUMED: a mirror is at most a second old */
#define PMM_MIRROR   0x100
#define PMM_PITCH    0x10

enum pmm_kept {
    PMM_KEPT_PLANNED,
    PMM_KEPT_OFF_AT,
    PMM_KEPT_BAUD,
    PMM_KEPT_MODE,
    PMM_KEPT_PAUSE,
    PMM_KEPT_TEST
};

static bool serve_registers_pmm_is_psu(const struct serve_registers_unit *unit)
{
    return unit->kind == SERVE_REGISTERS_PMM_PSU;
}

static const char *serve_registers_pmm_part(const struct serve_registers_unit *unit)
{
    return serve_registers_pmm_is_psu(unit) ? "90-000201" : "90-000202";
}

static const char *serve_registers_pmm_maker(const struct serve_registers_unit *unit)
{
    (void)unit;
    return "Busbar Sim";
}

static const char *serve_registers_pmm_model(const struct serve_registers_unit *unit)
{
    return serve_registers_pmm_is_psu(unit) ? "HPR-PMM-PSU" : "HPR-PMM-BBU";
}

static const char *serve_registers_pmm_date(const struct serve_registers_unit *unit)
{
    (void)unit;
    return "2026-01-20";
}

static const char *serve_registers_pmm_serial(const struct serve_registers_unit *unit)
{
    static const char *const psu[] = {"PMMP00000001", "PMMP00000002", "PMMP00000003", "PMMP00000004",
                                      "PMMP00000005", "PMMP00000006", "PMMP00000007", "PMMP00000008",
                                      "PMMP00000009", "PMMP00000010", "PMMP00000011"};
    static const char *const bbu[] = {"PMMB00000001", "PMMB00000002", "PMMB00000003", "PMMB00000004",
                                      "PMMB00000005", "PMMB00000006", "PMMB00000007", "PMMB00000008",
                                      "PMMB00000009", "PMMB00000010", "PMMB00000011"};

    return serve_registers_pmm_is_psu(unit) ? psu[unit->shelf] : bbu[unit->shelf];
}

static const char *serve_registers_pmm_workorder(const struct serve_registers_unit *unit)
{
    (void)unit;
    return "WO005600";
}

static const char *serve_registers_pmm_hardware(const struct serve_registers_unit *unit)
{
    (void)unit;
    return "A3";
}

static const char *serve_registers_pmm_firmware(const struct serve_registers_unit *unit)
{
    (void)unit;
    return "1.1.7";
}

static uint32_t serve_registers_pmm_shelf(const struct serve_registers_unit *unit, int64_t now_us)
{
    (void)now_us;
    return (uint32_t)unit->shelf;
}

static uint32_t serve_registers_pmm_address(const struct serve_registers_unit *unit, int64_t now_us)
{
    (void)now_us;
    return unit->address;
}

static uint32_t serve_registers_pmm_present(const struct serve_registers_unit *unit, int64_t now_us)
{
    uint32_t bits = 0;

    (void)now_us;
    for (int32_t i = 0; i < SERVE_REGISTERS_SLOTS; i++) {
        if (unit->mirrored[i] && serve_registers_present(unit->mirrored[i]))
            bits |= 1u << i;
    }
    return bits;
}

static uint32_t serve_registers_pmm_alerts(const struct serve_registers_unit *unit, int64_t now_us)
{
    uint32_t bits = 0;

    (void)now_us;
    for (int32_t i = 0; i < SERVE_REGISTERS_SLOTS; i++) {
        if (unit->mirror_psu[i].general > 0.0 || unit->mirror_bbu[i].status > 0.0)
            bits |= 1u << i;
    }
    return bits;
}

static uint32_t serve_registers_pmm_alarms(const struct serve_registers_unit *unit, int64_t now_us)
{
    uint32_t missing = unit->kept[PMM_KEPT_PLANNED] & ~serve_registers_pmm_present(unit, now_us);

    return (missing ? 1u : 0) | (serve_registers_pmm_alerts(unit, now_us) ? 1u << 8 : 0);
}

static uint32_t serve_registers_pmm_link_alarms(const struct serve_registers_unit *unit, int64_t now_us)
{
    return (unit->kept[PMM_KEPT_PLANNED] & ~serve_registers_pmm_present(unit, now_us)) << 1;
}

static uint32_t serve_registers_pmm_crc_errors(const struct serve_registers_unit *unit, int64_t now_us)
{
    (void)now_us;
    return unit->crc_errors;
}

void serve_registers_pmm_refresh(struct serve_registers_unit *unit, int64_t now_us)
{
    if (unit->refreshed && (unit->kept[PMM_KEPT_PAUSE] || now_us - unit->mirror_us < PMM_ROUND_US))
        return;
    unit->mirror_us = now_us;
    for (int32_t i = 0; i < SERVE_REGISTERS_SLOTS; i++) {
        bool there = unit->mirrored[i] && serve_registers_present(unit->mirrored[i]);

        unit->mirror_psu[i] = there ? unit->mirrored[i]->psu : (struct serve_registers_psu){.bus_max_v = 0.0};
        unit->mirror_bbu[i] = there ? unit->mirrored[i]->bbu : (struct serve_registers_bbu){.bus_max_v = 0.0};
    }
}

static bool serve_registers_pmm_mirror_psu(const struct serve_registers_psu *v, int32_t at, uint16_t *ret)
{
    if (at == 1)
        *ret = serve_registers_scaled(v->input_v, 0.0, 64.0);
    else if (at == 2)
        *ret = serve_registers_scaled(v->input_a, 0.0, 1024.0);
    return at == 1 || at == 2;
}

static bool serve_registers_pmm_mirror_bbu(const struct serve_registers_bbu *v, int32_t at, uint16_t *ret)
{
    switch (at) {
    case 1:
    case 2:
    case 3:
    case 4:
        *ret = serve_registers_scaled(v->temp_c, 273.15, 10.0);
        return true;
    case 5:
    case 6:
        *ret = serve_registers_scaled(v->soc_ratio, 0.0, 100.0);
        return true;
    case 7:
        *ret = serve_registers_scaled(v->pack_v, 0.0, 1000.0);
        return true;
    case 8:
        *ret = serve_registers_signed(v->pack_a, 0.0, 100.0);
        return true;
    case 9:
        *ret = serve_registers_signed(v->average_a, 0.0, 100.0);
        return true;
    case 10:
        *ret = serve_registers_scaled(v->remaining_ah, 0.0, 1000.0);
        return true;
    case 11:
        *ret = serve_registers_scaled(v->full_ah, 0.0, 1000.0);
        return true;
    default:
        return false;
    }
}

bool serve_registers_pmm_mirror(const struct serve_registers_unit *unit, int32_t address, uint16_t *ret)
{
    int32_t slot = (address - PMM_MIRROR) / PMM_PITCH;
    int32_t at = (address - PMM_MIRROR) % PMM_PITCH;

    if (address < PMM_MIRROR || slot >= SERVE_REGISTERS_SLOTS)
        return false;
    *ret = 0;
    if (serve_registers_pmm_is_psu(unit))
        return serve_registers_pmm_mirror_psu(&unit->mirror_psu[slot], at, ret) || unit->one_block;
    return unit->kind == SERVE_REGISTERS_PMM_BBU &&
           (serve_registers_pmm_mirror_bbu(&unit->mirror_bbu[slot], at, ret) || unit->one_block);
}

static const struct serve_registers_row pmm_rows[] = {
    ROW_TEXT(0x00, 8, serve_registers_pmm_part),
    ROW_TEXT(0x08, 8, serve_registers_pmm_maker),
    ROW_TEXT(0x10, 8, serve_registers_pmm_model),
    ROW_TEXT(0x18, 8, serve_registers_pmm_date),
    ROW_TEXT(0x20, 16, serve_registers_pmm_serial),
    ROW_TEXT(0x30, 4, serve_registers_pmm_workorder),
    ROW_TEXT(0x34, 4, serve_registers_pmm_hardware),
    ROW_TEXT(0x38, 4, serve_registers_pmm_firmware),
    ROW_LIVE(0x4C, 2, serve_registers_uptime),
    ROW_LIVE(0x4E, 2, serve_registers_uptime),
    ROW_CLOCK(0x50, false),
    ROW_FIXED(0x52, 1, 0x7D),
    ROW_FIXED(0x53, 1, 1),
    ROW_FIXED(0x54, 1, 0),
    ROW_LIVE(0x55, 1, serve_registers_pmm_shelf),
    ROW_FIXED(0x56, 1, 1),
    ROW_LIVE(0x57, 1, serve_registers_pmm_present),
    ROW_LIVE(0x58, 1, serve_registers_pmm_alerts),
    ROW_LIVE(0x59, 1, serve_registers_pmm_alarms),
    ROW_KEPT(0x5A, 1, PMM_KEPT_PLANNED, 0x3F, 0, 0x3F, false),
    ROW_FIXED(0x5C, 1, 1),
    ROW_LIVE(0x5D, 1, serve_registers_pmm_link_alarms),
    ROW_FIXED(0x5E, 1, 0),
    ROW_LIVE(0x5F, 1, serve_registers_pmm_crc_errors),
    ROW_FIXED(0x60, 1, 0),
    ROW_FIXED(0x61, 1, 0),
    ROW_FIXED(0x62, 1, 0),
    ROW_FIXED(0x63, 1, 0),
    ROW_FIXED(0x64, 1, 0),
    ROW_FIXED(0x65, 1, 0),
    ROW_FIXED(0x66, 1, 0),
    ROW_FIXED(0x67, 1, 0),
    ROW_FIXED(0x68, 1, 0),
    ROW_FIXED(0x69, 1, 0),
    ROW_FIXED(0x6A, 1, 0),
    ROW_FIXED(0x6B, 1, 0),
    ROW_LIVE(0x70, 1, serve_registers_pmm_shelf),
    ROW_LIVE(0x71, 1, serve_registers_pmm_address),
    ROW_FIXED(0x72, 1, 1),
    ROW_FIXED(0x73, 1, 0),
    ROW_FIXED(0x74, 1, 0),
    ROW_FIXED(0x75, 1, 0),
    ROW_FIXED(0x76, 1, 0),
    ROW_KEPT(0x77, 2, PMM_KEPT_OFF_AT, 0, 0, UINT32_MAX, false),
    ROW_KEPT(0x79, 1, PMM_KEPT_BAUD, 4, 4, 4, false),
    ROW_KEPT(0x7A, 1, PMM_KEPT_MODE, 0, 0, 0xFFFF, false),
    ROW_KEPT(0x7B, 1, PMM_KEPT_PAUSE, 0, 0, 1, false),
    ROW_KEPT(0x7C, 1, PMM_KEPT_TEST, 0, 0, 0xFFFF, false),
    ROW_TEXT(0x188, 8, serve_registers_pmm_maker),
    ROW_TEXT(0x190, 8, serve_registers_pmm_part),
    ROW_TEXT(0x198, 8, serve_registers_pmm_model),
    ROW_TEXT(0x1A8, 16, serve_registers_pmm_serial),
    ROW_TEXT(0x1B8, 8, serve_registers_pmm_date),
};

const struct serve_registers_table serve_registers_pmm = {.rows = pmm_rows,
                                                          .count = sizeof pmm_rows / sizeof pmm_rows[0]};
