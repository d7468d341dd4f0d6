/* SPDX-License-Identifier: Apache-2.0 */
/* serve_modbus_unit.c: owns which units answer on a line, how long they take and
 * what is broken about them. Runs on the server's base; no I/O.
 */
#include "serve_modbus_parts.h"

#include <math.h>

static enum fault_class serve_modbus_unit_class(const struct serve_registers_unit *unit)
{
    switch (unit->kind) {
    case SERVE_REGISTERS_PSU_ORV3:
    case SERVE_REGISTERS_PSU_HPR:
        return FAULT_PSU;
    case SERVE_REGISTERS_BBU_ORV3:
    case SERVE_REGISTERS_BBU_HPR:
        return FAULT_BBU;
    case SERVE_REGISTERS_PMM_PSU:
        return FAULT_PMM_PSU;
    case SERVE_REGISTERS_PMM_BBU:
    case SERVE_REGISTERS_KIND_COUNT:
        break;
    }
    return FAULT_PMM_BBU;
}

static int32_t serve_modbus_unit_index(const struct serve_registers_unit *unit)
{
    return unit->module >= 0 ? unit->module : unit->shelf;
}

struct fault *serve_modbus_fault(const struct serve_modbus_line *line,
                                 const struct serve_registers_unit *unit, enum fault_kind kind)
{
    struct faults *faults = line->modbus->opt.faults;
    struct fault *of_line, *of_unit;

    if (!faults)
        return NULL;
    /* Both are asked, so that both count their every n-th question. */
    of_line = faults_hit(faults, FAULT_LINE, line->shelf, kind);
    of_unit = faults_hit(faults, serve_modbus_unit_class(unit), serve_modbus_unit_index(unit), kind);
    return of_unit ? of_unit : of_line;
}

bool serve_modbus_stuck(const struct serve_modbus_line *line, const struct serve_registers_unit *unit)
{
    struct faults *faults = line->modbus->opt.faults;

    return faults &&
           (faults_get(faults, FAULT_LINE, line->shelf, FAULT_STUCK) ||
            faults_get(faults, serve_modbus_unit_class(unit), serve_modbus_unit_index(unit), FAULT_STUCK));
}

struct serve_registers_unit *serve_modbus_unit(struct serve_modbus_line *line, uint8_t address)
{
    for (int32_t i = 0; i < line->unit_count; i++) {
        if (line->units[i].address == address)
            return &line->units[i];
    }
    return NULL;
}

static void serve_modbus_unit_add(struct serve_modbus_line *line, enum serve_registers_kind kind,
                                  int32_t slot, int32_t module, int64_t now_us)
{
    serve_registers_init(&line->units[line->unit_count++], kind, line->modbus->opt.plant, line->shelf, slot,
                         module, now_us);
}

/* Modules come before the shelf controllers that mirror them. */
void serve_modbus_units(struct serve_modbus_line *line, int64_t now_us)
{
    const struct plant_shelf *shelf = &line->modbus->opt.plant->shelves[line->shelf];
    bool hpr = shelf->kind != PLANT_ORV3;
    int32_t psus = shelf->psu_count < SERVE_REGISTERS_SLOTS ? shelf->psu_count : SERVE_REGISTERS_SLOTS;
    int32_t bbus = shelf->bbu_count < SERVE_REGISTERS_SLOTS ? shelf->bbu_count : SERVE_REGISTERS_SLOTS;

    line->unit_count = 0;
    for (int32_t i = 0; i < psus; i++)
        serve_modbus_unit_add(line, hpr ? SERVE_REGISTERS_PSU_HPR : SERVE_REGISTERS_PSU_ORV3, i,
                              shelf->psu_first + i, now_us);
    for (int32_t i = 0; i < bbus; i++)
        serve_modbus_unit_add(line, hpr ? SERVE_REGISTERS_BBU_HPR : SERVE_REGISTERS_BBU_ORV3, i,
                              shelf->bbu_first + i, now_us);
    if (!hpr)
        return;
    if (psus > 0)
        serve_modbus_unit_add(line, SERVE_REGISTERS_PMM_PSU, 0, -1, now_us);
    for (int32_t i = 0; i < psus; i++)
        line->units[psus + bbus].mirrored[i] = &line->units[i];
    if (bbus > 0) {
        serve_modbus_unit_add(line, SERVE_REGISTERS_PMM_BBU, 0, -1, now_us);
        for (int32_t i = 0; i < bbus; i++)
            line->units[line->unit_count - 1].mirrored[i] = &line->units[psus + i];
    }
    for (int32_t i = psus + bbus; i < line->unit_count; i++)
        line->units[i].one_block = line->modbus->opt.one_block;
}

int64_t serve_modbus_wire_us(const struct serve_modbus *modbus, size_t characters)
{
    return (int64_t)((double)characters * SERVE_MODBUS_CHAR_BITS * 1e6 / modbus->opt.baud);
}

int64_t serve_modbus_turnaround_us(struct serve_modbus_line *line, const struct serve_registers_unit *unit)
{
    const struct serve_modbus_options *opt = &line->modbus->opt;
    double ms = opt->turnaround_min_ms;
    struct fault *slow = serve_modbus_fault(line, unit, FAULT_SLOW);

    if (opt->turnaround_max_ms > opt->turnaround_min_ms)
        ms = rng_uniform(&line->modbus->rng, opt->turnaround_min_ms, opt->turnaround_max_ms);
    if (slow)
        ms += faults_value(slow, FAULT_SLOW);
    return (int64_t)(ms * 1000.0);
}

size_t serve_modbus_answer(struct serve_modbus_line *line, struct serve_registers_unit *unit, int64_t now_us,
                           const uint8_t *pdu, size_t size, uint8_t *answer, bool *ret_corrupt)
{
    struct fault *fault;

    *ret_corrupt = false;
    if (!serve_registers_present(unit) || serve_modbus_fault(line, unit, FAULT_SILENT))
        return 0;
    *ret_corrupt = serve_modbus_fault(line, unit, FAULT_BAD_CRC) != NULL;
    fault = serve_modbus_fault(line, unit, FAULT_EXCEPTION);
    if (fault) {
        double code = faults_value(fault, FAULT_EXCEPTION);

        return serve_modbus_exception(
            pdu[0], code >= 1.0 && code <= 255.0 ? (uint8_t)code : SERVE_REGISTERS_BUSY, answer);
    }
    return serve_modbus_execute(unit, now_us, pdu, size,
                                serve_modbus_fault(line, unit, FAULT_IGNORE_WRITE) != NULL, answer);
}
