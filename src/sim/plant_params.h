/* SPDX-License-Identifier: Apache-2.0 */
/* plant_params.h: every number of the power path's physics, by its one name.
 *
 * One row a parameter: it can be set by `--set KEY=VALUE`, swept, and drawn by the
 * campaign. `basis` says where the preset comes from: a source's word, or INFERRED
 * or ASSUMED where none was found. A preset that depends on the kind of hardware
 * has one value a kind. The simulator's own: src/core never sees it.
 */
#ifndef BUSBAR_SIM_PLANT_PARAMS_H
#define BUSBAR_SIM_PLANT_PARAMS_H

#include <stdbool.h>
#include <stddef.h>

/* Kinds of power shelf. */
enum plant_kind { PLANT_ORV3, PLANT_HPR, PLANT_HPR_V2, PLANT_KIND_COUNT };

/* How a supply comes back: stock hardware, or hypothetical hardware that boots
 * faster, or whose controller stays alive on the busbar. */
enum plant_start_kind { PLANT_START_STOCK, PLANT_START_SHORT_BOOT, PLANT_START_KEPT_ALIVE, PLANT_START_COUNT };

/* member, key, unit, preset of orv3, hpr, hpr-v2, least, most, basis, what it is */
#define PLANT_PARAM_LIST(X)                                                                                  \
    X(nominal_v, "nominal_v", "V", 240, 240, 240, 180, 305, "rack", "AC RMS voltage at the supplies")        \
    X(frequency_hz, "frequency_hz", "Hz", 60, 60, 60, 45, 65, "rack", "AC frequency")                        \
    X(psu_output_v, "psu_output_v", "V", 51, 50, 50.5, 49, 52, "spec", "supply output at no load")           \
    X(psu_droop_v, "psu_droop_v", "V", 0.5, 1, 1, 0.1, 2, "spec", "fall of it to full load")                 \
    X(psu_low_v, "psu_low_v", "V", 48, 48, 48.5, 46, 49, "spec", "output in the low mode, no load")          \
    X(psu_tolerance_ratio, "psu_tolerance_ratio", "", 0.0025, 0.0025, 0.0025, 0, 0.01, "spec", "of the output voltage, each supply its own") \
    X(psu_share_ratio, "psu_share_ratio", "", 0.05, 0.05, 0.05, 0, 0.2, "data sheet", "of current sharing, each supply its own") \
    X(psu_loop_s, "psu_loop_s", "s", 0.0003, 0.0003, 0.0003, 0.0001, 0.002, "INFERRED", "time constant of the current loop") \
    X(psu_efficiency_ratio, "psu_efficiency_ratio", "", 0.965, 0.965, 0.97, 0.9, 0.99, "ASSUMED", "DC out over AC in") \
    X(psu_derate_v, "psu_derate_v", "V", 198, 198, 218, 180, 230, "spec", "under it power falls with the voltage") \
    X(psu_off_v, "psu_off_v", "V", 175, 175, 175, 160, 182, "sibling data sheet", "PFC off under it...")      \
    X(psu_off_s, "psu_off_s", "s", 0.020, 0.020, 0.020, 0.005, 0.05, "spec", "...lasting so long")           \
    X(psu_on_v, "psu_on_v", "V", 186, 186, 186, 170, 198, "sibling data sheet", "starts above it")           \
    X(psu_over_v, "psu_over_v", "V", 309, 309, 309, 300, 350, "data sheet", "AC over-voltage: off above it...") \
    X(psu_over_s, "psu_over_s", "s", 0.050, 0.050, 0.050, 0.01, 1, "data sheet", "...lasting so long")       \
    X(psu_over_fast_v, "psu_over_fast_v", "V", 345, 345, 345, 320, 400, "data sheet", "the same, fast...")   \
    X(psu_over_fast_s, "psu_over_fast_s", "s", 0.020, 0.020, 0.020, 0.005, 0.1, "data sheet", "...lasting so long") \
    X(psu_hz_low, "psu_hz_low", "Hz", 47, 47, 47, 40, 58, "data sheet", "PFC off under it after 1 s")                       \
    X(psu_hz_high, "psu_hz_high", "Hz", 63, 63, 63, 61, 70, "data sheet", "PFC off above it after 1 s")                     \
    X(psu_holdup_j, "psu_holdup_j", "J", 60, 110, 240, 20, 400, "spec (orv3); INFERRED: 20 ms at rated load (hpr)", "hold-up energy of one supply") \
    X(psu_handover_ratio, "psu_handover_ratio", "", 0.5, 0.5, 0.5, 0.1, 0.9, "spec", "part of it spent when batteries are called") \
    X(psu_handover_step_v, "psu_handover_step_v", "V", 3, 0, 0, 0, 4, "spec", "called by this step down; 0: by AC_LOSS_L") \
    X(psu_handover_v_per_s, "psu_handover_v_per_s", "V/s", 3000, 3000, 3000, 500, 10000, "spec", "slope of that step") \
    X(psu_line_s, "psu_line_s", "s", 0, 0.0001, 0.0001, 0, 0.005, "ASSUMED", "delay of AC_LOSS_L from shelf to shelf") \
    X(psu_pulse_1_ratio, "psu_pulse_1_ratio", "", 1.55, 1.6, 1.6, 1, 2, "spec", "constant current above it")   \
    X(psu_pulse_1_s, "psu_pulse_1_s", "s", 0.010, 0.010, 0.0004, 0.0001, 0.1, "spec", "...for so long, then over-current mode") \
    X(psu_pulse_2_ratio, "psu_pulse_2_ratio", "", 1.2, 1.2, 1.4, 1, 2, "spec", "soft shut-down above it...")  \
    X(psu_pulse_2_s, "psu_pulse_2_s", "s", 0.1, 0.1, 0.05, 0.01, 1, "spec", "...in the mean of so long")     \
    X(psu_pulse_3_ratio, "psu_pulse_3_ratio", "", 1.15, 1.15, 1.0, 1, 2, "spec", "soft shut-down above it...") \
    X(psu_pulse_3_s, "psu_pulse_3_s", "s", 10, 10, 1, 0.1, 60, "spec", "...in the mean of so long")          \
    X(psu_overload_ratio, "psu_overload_ratio", "", 0, 0, 0.1, 0, 0.2, "ASSUMED", "those two means are exceeded by so much before it shuts down") \
    X(psu_refill_ratio, "psu_refill_ratio", "", 0.05, 0.05, 0.05, 0.01, 0.3, "ASSUMED", "of rated power, refills the hold-up energy") \
    X(psu_retry_s, "psu_retry_s", "s", 5, 5, 5, 1, 20, "data sheet", "over-current mode: tries its own voltage again") \
    X(psu_ovp_v, "psu_ovp_v", "V", 52.5, 52.5, 53.1, 52, 56, "data sheet", "output over-voltage: latches off after 0.2 s") \
    X(psu_boot_low_s, "psu_boot_low_s", "s", 1.0, 1.0, 1.0, 0.02, 5, "data sheet", "good input to ready, at least (by start profile)") \
    X(psu_boot_high_s, "psu_boot_high_s", "s", 2.5, 2.5, 2.5, 0.02, 6, "data sheet", "...at most")           \
    X(psu_random_dead_s, "psu_random_dead_s", "s", 2, 2, 2, 0, 15, "data sheet", "slot 1 draws a start delay up to it, busbar dead") \
    X(psu_random_alive_s, "psu_random_alive_s", "s", 5.5, 5.5, 5.5, 0, 15, "data sheet", "...busbar above 44 V for 0.1 s") \
    X(psu_sync_s, "psu_sync_s", "s", 6.75, 6.75, 6.75, 1, 12, "data sheet", "others start by themselves if slot 1 is missing; busbar dead") \
    X(psu_sync_alive_s, "psu_sync_alive_s", "s", 10.25, 10.25, 10.25, 1, 15, "data sheet", "...busbar alive") \
    X(psu_walk_in_s, "psu_walk_in_s", "s", 0.06, 0.06, 0.06, 0.01, 2, "data sheet (rise time)", "from no output to all of it (by start profile)") \
    X(bbu_output_v, "bbu_output_v", "V", 48, 48, 48, 46.5, 49.5, "spec", "battery output at no load")        \
    X(bbu_droop_v, "bbu_droop_v", "V", 0.5, 0.5, 0.5, 0.1, 1.5, "spec", "fall of it to full load")           \
    X(bbu_rated_w, "bbu_rated_w", "W", 3000, 5500, 12000, 500, 20000, "spec; ASSUMED (hpr, v2)", "of one module") \
    X(bbu_peak_ratio, "bbu_peak_ratio", "", 1.5, 1.6, 1.6, 1, 2.5, "spec (568.8/379.2 A; 1077/674 A)", "current limit over rated") \
    X(bbu_trigger_v, "bbu_trigger_v", "V", 48.5, 48.5, 48.5, 47, 49.5, "spec", "discharges under it...")     \
    X(bbu_trigger_s, "bbu_trigger_s", "s", 0.002, 0.002, 0.002, 0.0005, 0.02, "spec", "...lasting so long")  \
    X(bbu_start_s, "bbu_start_s", "s", 0.002, 0.002, 0.002, 0.0005, 0.02, "spec", "at full output so much later") \
    X(bbu_release_a, "bbu_release_a", "A", 0.1, 0.1, 0.1, 0.01, 5, "spec", "stands by again under this current...") \
    X(bbu_release_s, "bbu_release_s", "s", 0.2, 0.2, 0.2, 0.01, 2, "spec", "...and above trigger_v for so long") \
    X(bbu_energy_j, "bbu_energy_j", "J", 720000, 960000, 1500000, 1000, 5e6, "spec; ASSUMED (hpr, v2)", "usable of one full module") \
    X(bbu_health_ratio, "bbu_health_ratio", "", 1, 1, 1, 0.2, 1, "rack", "of it that age has left (end of life 0.375 orv3, 0.516 hpr)") \
    X(bbu_resistance_ohm, "bbu_resistance_ohm", "ohm", 0.045, 0.025, 0.011, 0.005, 0.2, "INFERRED (11S6P; as rated power rises)", "of the pack") \
    X(bbu_efficiency_ratio, "bbu_efficiency_ratio", "", 0.97, 0.97, 0.97, 0.85, 1, "INFERRED", "of its converter") \
    X(bbu_charge_w, "bbu_charge_w", "W", 250, 250, 250, 0, 1000, "reference design", "one module charges with") \
    X(bbu_charge_delay_s, "bbu_charge_delay_s", "s", 60, 60, 60, 0, 600, "spec", "after a discharge")        \
    X(bus_capacitance_f, "bus_capacitance_f", "F", 0.10, 0.50, 1.0, 0.02, 2.5, "INFERRED", "bulk on the busbar, tray inputs included") \
    X(bus_resistance_ohm, "bus_resistance_ohm", "ohm", 0.0003, 0.0001, 0.0001, 0.00005, 0.0006, "INFERRED", "busbar and cable to the farthest tray") \
    X(cap_energy_j, "cap_energy_j", "J", 0, 0, 0, 0, 1e6, "rack", "capacitor shelf: usable energy; 0: none") \
    X(cap_power_w, "cap_power_w", "W", 0, 0, 0, 0, 2e5, "rack", "its power")                                 \
    X(gpu_storage_j, "gpu_storage_j", "J", 0, 65, 65, 0, 500, "maker's blog", "in the power shelf, an accelerator") \
    X(gpu_storage_on, "gpu_storage_on", "", 0, 0, 0, 0, 1, "rack", "that storage smooths what the grid sees") \
    X(it_low_v, "it_low_v", "V", 46, 46, 46, 40, 48, "spec", "IT gear resets under it...")                   \
    X(it_high_v, "it_high_v", "V", 52, 52, 52.5, 50, 56, "spec", "...and above it...")                       \
    X(it_low_s, "it_low_s", "s", 0.0005, 0.0005, 0.0005, 0, 0.02, "ASSUMED", "...lasting so long")

struct plant_params {
    enum plant_kind kind;
    enum plant_start_kind start;
#define PLANT_PARAM_MEMBER(member, key, unit, orv3, hpr, hpr_v2, low, high, basis, text) double member;
    PLANT_PARAM_LIST(PLANT_PARAM_MEMBER)
#undef PLANT_PARAM_MEMBER
};

/* Presets of a kind with a start profile; the profile sets boot, random delay and
 * walk-in: stock as the rows say; short-boot 0.3 s and 0.5 s; kept-alive 50 ms and
 * 0.2 s, settings kept. */
void plant_params_preset(struct plant_params *ret, enum plant_kind kind, enum plant_start_kind start);

struct plant_param {
    const char *key, *unit, *basis, *text;
    double low, high;
    size_t offset;             /* in struct plant_params                       */
};

/* Row of a key, or NULL; rows 0 to plant_param_count() - 1. */
const struct plant_param *plant_param_find(const char *key);
const struct plant_param *plant_param_at(int row);
int plant_param_count(void);
double plant_param_get(const struct plant_params *params, const struct plant_param *row);
void plant_param_set(struct plant_params *params, const struct plant_param *row, double value);

/* "stock", "short-boot", "kept-alive"; "orv3", "hpr", "hpr-v2". _COUNT: no such word. */
enum plant_start_kind plant_start_find(const char *word);
const char *plant_start_word(enum plant_start_kind start);
enum plant_kind plant_kind_find(const char *word);
const char *plant_kind_word(enum plant_kind kind);

#endif
