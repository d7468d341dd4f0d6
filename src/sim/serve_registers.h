/* SPDX-License-Identifier: Apache-2.0 */
/* serve_registers.h: the register map of one simulated module. Pure.
 *
 * A unit is what answers at one Modbus address: a power supply, a battery or a
 * shelf controller (PMM) of either generation. Readings are those of the last
 * refresh, as in a real module; settings are the plant's own, now.
 */
#ifndef BUSBAR_SIM_SERVE_REGISTERS_H
#define BUSBAR_SIM_SERVE_REGISTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "plant.h"

#define SERVE_REGISTERS_KEPT      40
#define SERVE_REGISTERS_READ_MAX  125
#define SERVE_REGISTERS_WRITE_MAX 123
#define SERVE_REGISTERS_CELLS     12
#define SERVE_REGISTERS_SLOTS     6
#define SERVE_REGISTERS_BOX       10 /* records of a black box                     */
#define SERVE_REGISTERS_BOX_WORDS 12 /* registers of one                           */
#define SERVE_REGISTERS_SHELVES   11 /* for which HPR has addresses                */

/* The setting word 0x5E as a supply wakes up with it, the write gate (bit 0)
 * closed: active current share, and 51 V (ORv3) or pulse management (HPR). */
#define SERVE_REGISTERS_SETTING_ORV3 0x0A00u
#define SERVE_REGISTERS_SETTING_HPR  0x0802u

enum serve_registers_kind {
    SERVE_REGISTERS_PSU_ORV3,
    SERVE_REGISTERS_PSU_HPR,
    SERVE_REGISTERS_BBU_ORV3,
    SERVE_REGISTERS_BBU_HPR,
    SERVE_REGISTERS_PMM_PSU,
    SERVE_REGISTERS_PMM_BBU,
    SERVE_REGISTERS_KIND_COUNT
};

/* How a request ended: 0, or a Modbus exception code. */
enum serve_registers_result {
    SERVE_REGISTERS_OK = 0,
    SERVE_REGISTERS_FUNCTION = 1,
    SERVE_REGISTERS_ADDRESS = 2,
    SERVE_REGISTERS_VALUE = 3,
    SERVE_REGISTERS_FAILURE = 4,
    SERVE_REGISTERS_BUSY = 6
};

/* What a power supply last measured, in SI units; flags as their bits. */
struct serve_registers_psu {
    double output_v, output_a, output_w, share_a;
    double input_v, input_a, input_w, input_hz, bulk_v;
    double harmonics_pct, power_factor;
    double inlet_c, outlet_c, inlet_max_c, inlet_min_c, clip_c;
    double fan_rpm;
    double input_max_v, input_min_v;
    double bus_max_v, bus_min_v;
    double general, pfc, dcdc, temperature, communication;
};

/* What a battery last measured. */
struct serve_registers_bbu {
    double temp_c, soc_ratio, pack_v, pack_a, average_a, discharge_a, bus_v;
    double remaining_ah, full_ah, minutes_left;
    double cell_v[SERVE_REGISTERS_CELLS];
    double bus_max_v, bus_min_v, charge_limit_a, charge_v, fan_rpm;
    double status, battery_status, word;
    double discharges;
    bool was_discharging;
};

/* What a module noted when it started and when an alarm came up, the oldest first. */
struct serve_registers_box {
    int32_t count;
    uint32_t alarms; /* of the last refresh: what comes up is noted */
    uint16_t words[SERVE_REGISTERS_BOX][SERVE_REGISTERS_BOX_WORDS];
};

/* One answering address. Plain data: zeroed and filled by serve_registers_init(). */
struct serve_registers_unit {
    enum serve_registers_kind kind;
    uint8_t address;
    int32_t shelf, module, slot; /* module: of plant->psus or ->bbus; PMM: -1  */
    struct plant *plant;         /* borrowed                                   */
    struct serve_registers_psu psu;
    struct serve_registers_bbu bbu;
    bool refreshed; /* at least once                              */
    int64_t started_us, refreshed_us;
    int64_t clock_set_us;                /* when its clock was set ...                 */
    uint32_t clock_s;                    /* ... to this                                */
    int64_t off_until_us;                /* a power cycle is running; 0: none          */
    uint32_t resets_seen;                /* of the plant's module                      */
    uint32_t crc_errors;                 /* frames it refused                          */
    uint32_t kept[SERVE_REGISTERS_KEPT]; /* settings without physics                   */
    const struct serve_registers_unit *mirrored[SERVE_REGISTERS_SLOTS]; /* PMM: its modules   */
    struct serve_registers_psu mirror_psu[SERVE_REGISTERS_SLOTS];       /* as last polled     */
    struct serve_registers_bbu mirror_bbu[SERVE_REGISTERS_SLOTS];
    int64_t mirror_us;
    bool one_block; /* PMM: registers between its modules read as 0 */
    struct serve_registers_box box;
};

/* The address of a module (slot 0 to 5) or of a PMM of shelf `shelf`; 0: there is none. */
uint8_t serve_registers_address(enum serve_registers_kind kind, int32_t shelf, int32_t slot);

/* `plant` is borrowed for the unit's life. `module` is -1 for a PMM. */
void serve_registers_init(struct serve_registers_unit *unit, enum serve_registers_kind kind,
                          struct plant *plant, int32_t shelf, int32_t slot, int32_t module, int64_t now_us);

/* Takes over the plant's readings; every 20 ms. `frozen`: sensors are stuck. */
void serve_registers_refresh(struct serve_registers_unit *unit, int64_t now_us, bool frozen);

/* Is the module plugged in? */
bool serve_registers_present(const struct serve_registers_unit *unit);

/* Reads `count` registers from `first`. `ret` has room for 125; set on OK only. */
enum serve_registers_result serve_registers_read(const struct serve_registers_unit *unit, int64_t now_us,
                                                 int32_t first, int32_t count, uint16_t *ret);

/* Reads `count` registers of a record of file 1, the black box; a PMM has none. `ret` is set on
 * OK only. */
enum serve_registers_result serve_registers_file(const struct serve_registers_unit *unit, int32_t file,
                                                 int32_t record, int32_t count, uint16_t *ret);

/* Writes them all or none. */
enum serve_registers_result serve_registers_write(struct serve_registers_unit *unit, int64_t now_us,
                                                  int32_t first, int32_t count, const uint16_t *words);

#endif
