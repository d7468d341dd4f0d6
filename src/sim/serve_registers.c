/* SPDX-License-Identifier: Apache-2.0 */
/* serve_registers.c: owns how a request meets a register table: which rows it
 * touches, what may be written, how a value becomes words. Pure: runs on the
 * caller's thread, reads no clock, does no I/O.
 *
 * The tables are in serve_registers_psu.c, _bbu.c and _pmm.c. This is the
 * simulator's own encoder; it shares nothing with the daemon's.
 */
#include "serve_registers_table.h"

#include <math.h>
#include <string.h>

#include "busbar/check.h"
#include "serve_wire.h"

/* Where shelf i's modules answer on an HPR line: the pairs PMM 0x20 + i and
 * 0x10 + i with the modules behind them (facts: the map of shelf controllers). */
static const uint8_t registers_hpr_psu[SERVE_REGISTERS_SHELVES][SERVE_REGISTERS_SLOTS] = {
    {0x90, 0x91, 0x92, 0x93, 0x94, 0x95}, {0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F},
    {0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF}, {0xBA, 0xBB, 0xBC, 0xBD, 0xBE, 0xBF},
    {0xD0, 0xD1, 0xD2, 0xD3, 0xD4, 0xD5}, {0xDA, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF},
    {0xE0, 0xE1, 0xE2, 0xE3, 0xE4, 0xE5}, {0x96, 0x97, 0x98, 0xA7, 0xA8, 0xA9},
    {0xB0, 0xB1, 0xB2, 0xB3, 0xB7, 0xB8}, {0xE6, 0xE7, 0xF6, 0xF7, 0xF8, 0xF9},
    {0xFA, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF},
};
static const uint8_t registers_hpr_bbu[SERVE_REGISTERS_SHELVES][SERVE_REGISTERS_SLOTS] = {
    {0x30, 0x31, 0x32, 0x33, 0x34, 0x35}, {0x3A, 0x3B, 0x3C, 0x3D, 0x3E, 0x3F},
    {0x5A, 0x5B, 0x5C, 0x5D, 0x5E, 0x5F}, {0x6A, 0x6B, 0x6C, 0x6D, 0x6E, 0x6F},
    {0x70, 0x71, 0x72, 0x73, 0x74, 0x75}, {0x7A, 0x7B, 0x7C, 0x7D, 0x7E, 0x7F},
    {0x80, 0x81, 0x82, 0x83, 0x84, 0x85}, {0x36, 0x37, 0x38, 0x39, 0x46, 0x47},
    {0x56, 0x57, 0x58, 0x66, 0x67, 0x68}, {0x76, 0x77, 0x78, 0x86, 0x87, 0x88},
    {0x8A, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F},
};

static const struct serve_registers_table *serve_registers_table(enum serve_registers_kind kind)
{
    static const struct serve_registers_table *const tables[SERVE_REGISTERS_KIND_COUNT] = {
        [SERVE_REGISTERS_PSU_ORV3] = &serve_registers_psu_orv3,
        [SERVE_REGISTERS_PSU_HPR] = &serve_registers_psu_hpr,
        [SERVE_REGISTERS_BBU_ORV3] = &serve_registers_bbu_orv3,
        [SERVE_REGISTERS_BBU_HPR] = &serve_registers_bbu_hpr,
        [SERVE_REGISTERS_PMM_PSU] = &serve_registers_pmm,
        [SERVE_REGISTERS_PMM_BBU] = &serve_registers_pmm,
    };

    return tables[kind];
}

static bool serve_registers_is_psu(const struct serve_registers_unit *unit)
{
    return unit->kind == SERVE_REGISTERS_PSU_ORV3 || unit->kind == SERVE_REGISTERS_PSU_HPR;
}

static bool serve_registers_is_bbu(const struct serve_registers_unit *unit)
{
    return unit->kind == SERVE_REGISTERS_BBU_ORV3 || unit->kind == SERVE_REGISTERS_BBU_HPR;
}

uint8_t serve_registers_address(enum serve_registers_kind kind, int32_t shelf, int32_t slot)
{
    if (shelf < 0 || shelf >= SERVE_REGISTERS_SHELVES || slot < 0 || slot >= SERVE_REGISTERS_SLOTS)
        return 0;
    switch (kind) {
    case SERVE_REGISTERS_PSU_ORV3:
        return (uint8_t)(0xE8 + slot);
    case SERVE_REGISTERS_BBU_ORV3:
        return (uint8_t)(0x40 + slot);
    case SERVE_REGISTERS_PSU_HPR:
        return registers_hpr_psu[shelf][slot];
    case SERVE_REGISTERS_BBU_HPR:
        return registers_hpr_bbu[shelf][slot];
    case SERVE_REGISTERS_PMM_PSU:
        return (uint8_t)(0x20 + shelf);
    case SERVE_REGISTERS_PMM_BBU:
        return (uint8_t)(0x10 + shelf);
    case SERVE_REGISTERS_KIND_COUNT:
        break;
    }
    return 0;
}

/* How often the plant reset the module behind a unit. */
static uint32_t serve_registers_resets(const struct serve_registers_unit *unit)
{
    if (serve_registers_is_psu(unit))
        return unit->plant->psus[unit->module].resets;
    return serve_registers_is_bbu(unit) ? unit->plant->bbus[unit->module].resets : 0;
}

/* Settings as a module wakes up with them. The plant knows the volts and watts
 * of a supply; what the other bits of its setting word mean is known here. A
 * battery never shows an override current that it would refuse. */
static void serve_registers_presets(struct serve_registers_unit *unit)
{
    const struct serve_registers_table *table = serve_registers_table(unit->kind);

    if (serve_registers_is_psu(unit))
        unit->plant->psus[unit->module].setting = unit->kind == SERVE_REGISTERS_PSU_HPR
                                                      ? SERVE_REGISTERS_SETTING_HPR
                                                      : SERVE_REGISTERS_SETTING_ORV3;
    if (serve_registers_is_bbu(unit) && unit->plant->bbus[unit->module].override_a <= 0.0)
        unit->plant->bbus[unit->module].override_a = unit->plant->bbus[unit->module].charge_default_a;
    for (size_t i = 0; i < table->count; i++) {
        if (table->rows[i].form == SERVE_REGISTERS_KEPT_ROW)
            unit->kept[table->rows[i].slot] = table->rows[i].preset;
    }
}

void serve_registers_init(struct serve_registers_unit *unit, enum serve_registers_kind kind,
                          struct plant *plant, int32_t shelf, int32_t slot, int32_t module, int64_t now_us)
{
    *unit = (struct serve_registers_unit){
        .kind = kind,
        .address = serve_registers_address(kind, shelf, slot),
        .shelf = shelf,
        .module = module,
        .slot = slot,
        .plant = plant,
        .started_us = now_us,
        .clock_set_us = now_us,
    };
    unit->resets_seen = serve_registers_resets(unit);
    serve_registers_presets(unit);
}

void serve_registers_refresh(struct serve_registers_unit *unit, int64_t now_us, bool frozen)
{
    bool started = !unit->refreshed || serve_registers_resets(unit) != unit->resets_seen;

    /* A reset module forgot what it was told; the plant cleared what it owns. */
    if (serve_registers_resets(unit) != unit->resets_seen) {
        unit->resets_seen = serve_registers_resets(unit);
        serve_registers_presets(unit);
    }
    if (unit->off_until_us != 0 && now_us >= unit->off_until_us) {
        unit->off_until_us = 0;
        unit->plant->psus[unit->module].on = true;
    }
    if (frozen && unit->refreshed)
        return;
    if (serve_registers_is_psu(unit))
        serve_registers_psu_refresh(unit, now_us);
    else if (serve_registers_is_bbu(unit))
        serve_registers_bbu_refresh(unit, now_us);
    else
        serve_registers_pmm_refresh(unit, now_us);
    serve_registers_box_note(unit, started, now_us);
    unit->refreshed = true;
    unit->refreshed_us = now_us;
}

bool serve_registers_present(const struct serve_registers_unit *unit)
{
    if (serve_registers_is_psu(unit))
        return unit->plant->psus[unit->module].present;
    if (serve_registers_is_bbu(unit))
        return unit->plant->bbus[unit->module].present;
    return true;
}

uint16_t serve_registers_scaled(double value, double shift, double scale)
{
    double raw = (value + shift) * scale;

    if (!(raw > 0.0)) /* a NAN too */
        return 0;
    return raw >= 65535.0 ? 65535 : (uint16_t)llround(raw);
}

uint16_t serve_registers_signed(double value, double shift, double scale)
{
    double raw = (value + shift) * scale;

    if (isnan(raw))
        return 0;
    raw = fmin(fmax(raw, -32768.0), 32767.0);
    return (uint16_t)(int16_t)llround(raw);
}

uint32_t serve_registers_clock(const struct serve_registers_unit *unit, int64_t now_us)
{
    return unit->clock_s + (uint32_t)((now_us - unit->clock_set_us) / 1000000);
}

void serve_registers_clock_set(struct serve_registers_unit *unit, uint32_t raw, int64_t now_us)
{
    unit->clock_s = raw;
    unit->clock_set_us = now_us;
}

uint32_t serve_registers_uptime(const struct serve_registers_unit *unit, int64_t now_us)
{
    return (uint32_t)((now_us - unit->started_us) / 1000000);
}

/* The row that holds an address, or NULL. */
static const struct serve_registers_row *serve_registers_row(const struct serve_registers_unit *unit,
                                                             int32_t address)
{
    const struct serve_registers_table *table = serve_registers_table(unit->kind);
    size_t low = 0, high = table->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct serve_registers_row *row = &table->rows[middle];

        if (address < row->at)
            high = middle;
        else if (address >= row->at + row->words)
            low = middle + 1;
        else
            return row;
    }
    return NULL;
}

static double serve_registers_member(const struct serve_registers_unit *unit, size_t offset)
{
    double value;

    memcpy(&value, (const char *)unit + offset, sizeof value);
    return value;
}

/* All words of a row. */
static void serve_registers_encode(const struct serve_registers_unit *unit,
                                   const struct serve_registers_row *row, int64_t now_us, uint16_t *words)
{
    uint32_t raw = 0;

    switch (row->form) {
    case SERVE_REGISTERS_TEXT:
        serve_wire_text(row->text(unit), words, row->words);
        return;
    case SERVE_REGISTERS_SCALED:
        raw = serve_registers_scaled(serve_registers_member(unit, row->offset), row->shift, row->scale);
        break;
    case SERVE_REGISTERS_SIGNED:
        raw = serve_registers_signed(serve_registers_member(unit, row->offset), row->shift, row->scale);
        break;
    case SERVE_REGISTERS_LIVE:
        raw = row->get(unit, now_us);
        break;
    case SERVE_REGISTERS_KEPT_ROW:
        raw = unit->kept[row->slot];
        break;
    case SERVE_REGISTERS_FIXED:
        raw = row->preset;
        break;
    }
    if (row->words == 2)
        *words++ = (uint16_t)(raw >> 16);
    *words = (uint16_t)raw;
}

enum serve_registers_result serve_registers_read(const struct serve_registers_unit *unit, int64_t now_us,
                                                 int32_t first, int32_t count, uint16_t *ret)
{
    uint16_t words[SERVE_REGISTERS_READ_MAX + 16], whole[16];

    if (count < 1 || count > SERVE_REGISTERS_READ_MAX)
        return SERVE_REGISTERS_VALUE;
    for (int32_t i = 0; i < count;) {
        const struct serve_registers_row *row = serve_registers_row(unit, first + i);

        if (!row) {
            if (!serve_registers_pmm_mirror(unit, first + i, &words[i]))
                return SERVE_REGISTERS_ADDRESS;
            i++;
            continue;
        }
        serve_registers_encode(unit, row, now_us, whole);
        /* A request may begin or end in the middle of a row. */
        for (int32_t at = first + i - row->at; at < row->words && i < count; at++)
            words[i++] = whole[at];
    }
    memcpy(ret, words, (size_t)count * sizeof *ret);
    return SERVE_REGISTERS_OK;
}

static bool serve_registers_gate_open(const struct serve_registers_unit *unit)
{
    return !serve_registers_is_psu(unit) || unit->plant->psus[unit->module].write_enable;
}

static uint32_t serve_registers_raw(const struct serve_registers_row *row, const uint16_t *words)
{
    return row->words == 2 ? (uint32_t)words[0] << 16 | words[1] : words[0];
}

/* May the words at `first + at` be written to this row? */
static enum serve_registers_result serve_registers_may_write(const struct serve_registers_unit *unit,
                                                             const struct serve_registers_row *row,
                                                             int32_t address, int32_t left,
                                                             const uint16_t *words)
{
    if (!row || !row->writable)
        return SERVE_REGISTERS_ADDRESS;
    if (address != row->at || left < row->words)
        return SERVE_REGISTERS_VALUE; /* half a value */
    if (row->gated && !serve_registers_gate_open(unit))
        return SERVE_REGISTERS_FAILURE;
    if (serve_registers_raw(row, words) < row->min || serve_registers_raw(row, words) > row->max)
        return SERVE_REGISTERS_VALUE;
    return SERVE_REGISTERS_OK;
}

enum serve_registers_result serve_registers_write(struct serve_registers_unit *unit, int64_t now_us,
                                                  int32_t first, int32_t count, const uint16_t *words)
{
    if (count < 1 || count > SERVE_REGISTERS_WRITE_MAX)
        return SERVE_REGISTERS_VALUE;
    for (int32_t i = 0; i < count;) {
        const struct serve_registers_row *row = serve_registers_row(unit, first + i);
        enum serve_registers_result result =
            serve_registers_may_write(unit, row, first + i, count - i, words + i);

        if (result != SERVE_REGISTERS_OK)
            return result;
        i += row->words;
    }
    for (int32_t i = 0; i < count;) {
        const struct serve_registers_row *row = serve_registers_row(unit, first + i);
        uint32_t raw = serve_registers_raw(row, words + i);

        CHECK(row->set || row->form == SERVE_REGISTERS_KEPT_ROW);
        if (row->set)
            row->set(unit, raw, now_us);
        else
            unit->kept[row->slot] = raw;
        i += row->words;
    }
    return SERVE_REGISTERS_OK;
}
