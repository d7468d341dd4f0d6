/* SPDX-License-Identifier: Apache-2.0 */
/* serve_registers_table.h: what a row of a register table holds. Private to
 * serve_registers*.c.
 */
#ifndef BUSBAR_SIM_SERVE_REGISTERS_TABLE_H
#define BUSBAR_SIM_SERVE_REGISTERS_TABLE_H

#include <stddef.h>

#include "serve_registers.h"

enum serve_registers_form {
    SERVE_REGISTERS_TEXT,     /* `text`, two characters a register                      */
    SERVE_REGISTERS_SCALED,   /* raw = (double at `offset` of the unit + shift) * scale */
    SERVE_REGISTERS_SIGNED,   /* the same, two's complement                             */
    SERVE_REGISTERS_LIVE,     /* whatever `get` says now                                */
    SERVE_REGISTERS_KEPT_ROW, /* kept[slot]; starts as `preset`                         */
    SERVE_REGISTERS_FIXED     /* always `preset`                                        */
};

struct serve_registers_row {
    uint16_t at;
    uint8_t words;
    enum serve_registers_form form;
    const char *(*text)(const struct serve_registers_unit *unit);
    size_t offset;
    double scale, shift;
    uint32_t (*get)(const struct serve_registers_unit *unit, int64_t now_us);
    uint8_t slot;
    uint32_t preset;
    /* writing: without `writable` it is refused */
    bool writable, gated;
    uint32_t min, max; /* raw, inclusive                                         */
    void (*set)(struct serve_registers_unit *unit, uint32_t raw, int64_t now_us);
};

struct serve_registers_table {
    const struct serve_registers_row *rows; /* by rising address */
    size_t count;
};

extern const struct serve_registers_table serve_registers_psu_orv3, serve_registers_psu_hpr;
extern const struct serve_registers_table serve_registers_bbu_orv3, serve_registers_bbu_hpr;
extern const struct serve_registers_table serve_registers_pmm;

void serve_registers_psu_refresh(struct serve_registers_unit *unit, int64_t now_us);
void serve_registers_bbu_refresh(struct serve_registers_unit *unit, int64_t now_us);

/* One word of a PMM's mirror of its modules; false: nothing is there. */
bool serve_registers_pmm_mirror(const struct serve_registers_unit *unit, int32_t address, uint16_t *ret);
/* After a refresh: notes that the module `started`, and alarms that came up. */
void serve_registers_box_note(struct serve_registers_unit *unit, bool started, int64_t now_us);

void serve_registers_pmm_refresh(struct serve_registers_unit *unit, int64_t now_us);

/* round((value + shift) * scale), held inside the register's range. */
uint16_t serve_registers_scaled(double value, double shift, double scale);
uint16_t serve_registers_signed(double value, double shift, double scale);

/* The unit's clock as last set, in seconds since 1970. */
uint32_t serve_registers_clock(const struct serve_registers_unit *unit, int64_t now_us);
void serve_registers_clock_set(struct serve_registers_unit *unit, uint32_t raw, int64_t now_us);
uint32_t serve_registers_uptime(const struct serve_registers_unit *unit, int64_t now_us);

/* Short forms for the tables. */
#define ROW_TEXT(at_, words_, text_)                                                                         \
    {                                                                                                        \
        .at = (at_), .words = (words_), .form = SERVE_REGISTERS_TEXT, .text = (text_)                        \
    }
#define ROW_SCALED(at_, member_, scale_)                                                                     \
    {                                                                                                        \
        .at = (at_), .words = 1, .form = SERVE_REGISTERS_SCALED,                                             \
        .offset = offsetof(struct serve_registers_unit, member_), .scale = (scale_)                          \
    }
#define ROW_SIGNED(at_, member_, scale_)                                                                     \
    {                                                                                                        \
        .at = (at_), .words = 1, .form = SERVE_REGISTERS_SIGNED,                                             \
        .offset = offsetof(struct serve_registers_unit, member_), .scale = (scale_)                          \
    }
#define ROW_KELVIN(at_, member_)                                                                             \
    {                                                                                                        \
        .at = (at_), .words = 1, .form = SERVE_REGISTERS_SCALED,                                             \
        .offset = offsetof(struct serve_registers_unit, member_), .scale = 10.0, .shift = 273.15             \
    }
#define ROW_LIVE(at_, words_, get_)                                                                          \
    {                                                                                                        \
        .at = (at_), .words = (words_), .form = SERVE_REGISTERS_LIVE, .get = (get_)                          \
    }
#define ROW_FIXED(at_, words_, preset_)                                                                      \
    {                                                                                                        \
        .at = (at_), .words = (words_), .form = SERVE_REGISTERS_FIXED, .preset = (preset_)                   \
    }
#define ROW_CLOCK(at_, gated_)                                                                               \
    {                                                                                                        \
        .at = (at_), .words = 2, .form = SERVE_REGISTERS_LIVE, .get = serve_registers_clock,                 \
        .writable = true, .gated = (gated_), .max = UINT32_MAX, .set = serve_registers_clock_set             \
    }
/* A setting that is kept and has no physics. */
#define ROW_KEPT(at_, words_, slot_, preset_, min_, max_, gated_)                                            \
    {                                                                                                        \
        .at = (at_), .words = (words_), .form = SERVE_REGISTERS_KEPT_ROW, .slot = (slot_),                   \
        .preset = (preset_), .writable = true, .gated = (gated_), .min = (min_), .max = (max_)               \
    }

#endif
