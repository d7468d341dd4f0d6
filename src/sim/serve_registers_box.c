/* SPDX-License-Identifier: Apache-2.0 */
/* serve_registers_box.c: owns a module's black box: what it notes, and its records as file 1.
 * Pure. How makers lay out their records is not public: this layout is the simulator's own.
 *
 * A record: clock (2 words), why (1: start, 2: alarm), alarms, three words of detail, input or pack,
 * busbar, current, temperature, and how many were noted before.
 */
#include "serve_registers_table.h"

#include <string.h>

#define BOX_FILE  1
#define BOX_START 1
#define BOX_ALARM 2

static uint16_t serve_registers_box_bits(double flags)
{
    return (uint16_t)(uint32_t)flags;
}

static void serve_registers_box_psu(const struct serve_registers_psu *v, uint16_t *words)
{
    words[3] = serve_registers_box_bits(v->general);
    words[4] = serve_registers_box_bits(v->pfc);
    words[5] = serve_registers_box_bits(v->dcdc);
    words[6] = serve_registers_box_bits(v->temperature);
    words[7] = serve_registers_scaled(v->input_v, 0.0, 64.0);
    words[8] = serve_registers_scaled(v->output_v, 0.0, 1024.0);
    words[9] = serve_registers_scaled(v->output_a, 0.0, 64.0);
    words[10] = serve_registers_signed(v->inlet_c, 0.0, 10.0);
}

static void serve_registers_box_bbu(const struct serve_registers_bbu *v, uint16_t *words)
{
    words[3] = serve_registers_box_bits(v->status);
    words[4] = serve_registers_box_bits(v->battery_status);
    words[5] = serve_registers_box_bits(v->word);
    words[7] = serve_registers_scaled(v->pack_v, 0.0, 1000.0);
    words[8] = serve_registers_scaled(v->bus_v, 0.0, 1024.0);
    words[9] = serve_registers_signed(v->pack_a, 0.0, 100.0);
    words[10] = serve_registers_signed(v->temp_c, 0.0, 10.0);
}

void serve_registers_box_note(struct serve_registers_unit *unit, bool started, int64_t now_us)
{
    struct serve_registers_box *box = &unit->box;
    bool psu = unit->kind == SERVE_REGISTERS_PSU_ORV3 || unit->kind == SERVE_REGISTERS_PSU_HPR;
    uint32_t alarms = (uint32_t)(psu ? unit->psu.general : unit->bbu.status), fresh = alarms & ~box->alarms;
    uint16_t *words;

    if (unit->module < 0)
        return; /* a PMM */
    box->alarms = alarms;
    if (!started && !fresh)
        return;
    if (box->count == SERVE_REGISTERS_BOX)
        memmove(box->words[0], box->words[1], (SERVE_REGISTERS_BOX - 1) * sizeof box->words[0]);
    else
        box->count++;
    words = box->words[box->count - 1];
    memset(words, 0, sizeof box->words[0]);
    words[0] = (uint16_t)(serve_registers_clock(unit, now_us) >> 16);
    words[1] = (uint16_t)serve_registers_clock(unit, now_us);
    words[2] = started ? BOX_START : BOX_ALARM;
    if (psu)
        serve_registers_box_psu(&unit->psu, words);
    else
        serve_registers_box_bbu(&unit->bbu, words);
    words[11] = box->count > 1 ? (uint16_t)(box->words[box->count - 2][11] + 1) : 0;
}

enum serve_registers_result serve_registers_file(const struct serve_registers_unit *unit, int32_t file,
                                                 int32_t record, int32_t count, uint16_t *ret)
{
    if (unit->module < 0)
        return SERVE_REGISTERS_FUNCTION;
    if (file != BOX_FILE || record < 0 || record >= unit->box.count)
        return SERVE_REGISTERS_ADDRESS;
    if (count < 1 || count > SERVE_REGISTERS_BOX_WORDS)
        return SERVE_REGISTERS_VALUE;
    memcpy(ret, unit->box.words[record], (size_t)count * sizeof *ret);
    return SERVE_REGISTERS_OK;
}
