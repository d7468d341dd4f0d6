/* SPDX-License-Identifier: Apache-2.0 */
/* conf_keys_power.c: the keys of what rides through grid events and of tokens:
 * sources, start windows, token zones. Constant data, as conf_keys.c.
 */
#include "conf_raw.h"

#define KEYS(array)         .keys = (array), .key_count = (int32_t)(sizeof(array) / sizeof *(array))
#define AT(type, member)    .offset = offsetof(struct type, member)
#define NAME_MAX_CHARACTERS (CONF_NAME_MAX - 1)
#define BY_HARDWARE         .preset = CONF_UNSET, .preset_text = "by hardware"

/* Positions are values of core_source_kind and raw_hardware. */
static const char *const conf_keys_source_kinds[] = { "psu", "bbu", "capacitor", NULL };
static const char *const conf_keys_hardware[] = { "orv3", "hpr", "hpr-v2", NULL };

/* clang-format off */
static const struct conf_key conf_keys_source[] = {
    { .path = "name", .type = CONF_NAME, AT(raw_source, name), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_REQUIRED, .help = "Unique among sources." },
    { .path = "kind", .type = CONF_WORD, AT(raw_source, kind), .words = conf_keys_source_kinds,
      .preset = CONF_REQUIRED, .help = "A shelf of supplies, a shelf of batteries, or a bank of capacitors." },
    { .path = "hardware", .type = CONF_WORD, AT(raw_source, hardware), .words = conf_keys_hardware,
      .preset = CONF_UNSET, .preset_text = "none",
      .help = "Fills in what its specification says and the file does not: see HARDWARE." },
    { .path = "node", .type = CONF_NAME, AT(raw_source, node), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_REQUIRED, .help = "psu: its shelf; else the busbar it backs." },
    { .path = "modules", .type = CONF_INT, AT(raw_source, core.module_count), .min = 1, .max = 1000,
      .preset = CONF_REQUIRED, .help = "How many modules it has." },
    { .path = "rated_w", .type = CONF_NUMBER, AT(raw_source, core.rated_w), .min = 1, .max = 1e6, BY_HARDWARE,
      .help = "DC output of one module." },
    { .path = "output_v", .type = CONF_NUMBER, AT(raw_source, core.output_v), .min = 1, .max = 1000, BY_HARDWARE,
      .help = "Its output at no load." },
    { .path = "droop_v", .type = CONF_NUMBER, AT(raw_source, core.droop_v), .min = 0, .max = 100, BY_HARDWARE,
      .help = "What that falls by to full load." },
    { .path = "input_min_v", .type = CONF_NUMBER, AT(raw_source, core.input_min_v), .min = 1, .max = 1000,
      BY_HARDWARE, .help = "psu: below this AC voltage its PFC goes off..." },
    { .path = "input_off_ms", .type = CONF_MS_AS_US, AT(raw_source, core.input_off_us), .min = 0, .max = 10000,
      BY_HARDWARE, .help = "psu: ...after so long." },
    { .path = "input_derate_v", .type = CONF_NUMBER, AT(raw_source, core.input_derate_v), .min = 0, .max = 1000,
      BY_HARDWARE, .help = "psu: below this AC voltage its power falls with the voltage." },
    { .path = "holdup_j", .type = CONF_NUMBER, AT(raw_source, core.holdup_j), .min = 0, .max = 1e6, BY_HARDWARE,
      .help = "psu: energy with which one module holds its output up without input." },
    { .path = "handover_ratio", .type = CONF_NUMBER, AT(raw_source, core.handover_ratio), .min = 0, .max = 1,
      BY_HARDWARE, .help = "psu: the part of it that is spent when batteries are called." },
    { .path = "handover_step_v", .type = CONF_NUMBER, AT(raw_source, core.handover_step_v), .min = 0, .max = 10,
      BY_HARDWARE, .help = "psu: they are called by a fall of the output by this; 0: by the AC_LOSS_L line." },
    { .path = "handover_v_per_s", .type = CONF_NUMBER, AT(raw_source, core.handover_v_per_s), .min = 0,
      .max = 1e6, BY_HARDWARE, .help = "psu: slope of that fall." },
    { .path = "ready_ms", .type = CONF_MS_AS_US, AT(raw_source, core.ready_us), .min = 0, .max = 600000,
      BY_HARDWARE, .help = "psu: from good input until it is ready, at worst, without the delay of its start." },
    { .path = "walk_in_ms", .type = CONF_MS_AS_US, AT(raw_source, core.walk_in_us), .min = 0, .max = 600000,
      BY_HARDWARE, .help = "psu: from no output to all of it." },
    { .path = "keeps_settings", .type = CONF_BOOL, AT(raw_source, core.keeps_settings), .preset_text = "false",
      .help = "psu: what was written to it survives an outage." },
    { .path = "trigger_v", .type = CONF_NUMBER, AT(raw_source, core.trigger_v), .min = 1, .max = 1000, BY_HARDWARE,
      .help = "bbu, capacitor: it discharges while the busbar is below this..." },
    { .path = "trigger_ms", .type = CONF_MS_AS_US, AT(raw_source, core.trigger_us), .min = 0, .max = 1000,
      BY_HARDWARE, .help = "bbu, capacitor: ...for so long..." },
    { .path = "start_ms", .type = CONF_MS_AS_US, AT(raw_source, core.start_us), .min = 0, .max = 1000, BY_HARDWARE,
      .help = "bbu, capacitor: ...and is there in full so much later." },
    { .path = "energy_j", .type = CONF_NUMBER, AT(raw_source, core.energy_j), .min = 1, .max = 1e9, BY_HARDWARE,
      .help = "bbu, capacitor: usable energy of one full module at the end of its life." },
};
static const struct conf_key conf_keys_start[] = {
    { .path = "outage_ms", .type = CONF_MS_AS_US, AT(raw_start, core.outage_us), .min = 1, .max = 86400000,
      .preset = CONF_REQUIRED, .help = "Outages up to this length..." },
    { .path = "window_ms", .type = CONF_MS_AS_US, AT(raw_start, core.window_us), .min = 0, .max = 600000,
      .preset = CONF_REQUIRED, .help = "...are followed by starts that are spread over this window." },
};
static const struct conf_key conf_keys_zone[] = {
    { .path = "node", .type = CONF_NAME, AT(raw_zone, node), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_REQUIRED, .help = "The node whose power is leased." },
    { .path = "rated_w", .type = CONF_NUMBER, AT(raw_zone, core.rated_w), .min = 1, .max = 1e8,
      .preset = CONF_REQUIRED, .help = "Continuous rating of what protects it." },
    { .path = "pool_ratio", .type = CONF_NUMBER, AT(raw_zone, core.pool_ratio), .min = 0.01, .max = 1,
      .preset = 0.80, .help = "Part of the rating that may be leased for good." },
    { .path = "burst_ratio", .type = CONF_NUMBER, AT(raw_zone, core.burst_ratio), .min = 0.01, .max = 1,
      .preset = 0.85, .help = "Part of it that may be leased at all." },
    { .path = "refill_w_per_s", .type = CONF_NUMBER, AT(raw_zone, core.refill_w_per_s), .min = 0, .max = 1e9,
      .preset = CONF_UNSET, .preset_text = "1 % of rated_w",
      .help = "How fast what was leased above the pool becomes free again." },
    { .path = "unit_w", .type = CONF_NUMBER, AT(raw_zone, core.unit_w), .min = 0.1, .max = 1e7, .preset = 100,
      .help = "Leases are multiples of it." },
    { .path = "lease_min_ms", .type = CONF_MS_AS_US, AT(raw_zone, core.lease_min_us), .min = 1, .max = 86400000,
      .preset = 1000, .help = "Shortest lease." },
    { .path = "lease_max_ms", .type = CONF_MS_AS_US, AT(raw_zone, core.lease_max_us), .min = 1, .max = 86400000,
      .preset = 3600000, .help = "Longest lease." },
    { .path = "coordination_ms", .type = CONF_MS_AS_US, AT(raw_zone, core.coordination_us), .min = 0,
      .max = 60000, .preset = 10,
      .help = "From a lease here until the zone above gives one." },
};
/* clang-format on */

const struct conf_section conf_keys_sources = {
    .path = "sources", .identity = "name", KEYS(conf_keys_source), .size = sizeof(struct raw_source)
};
const struct conf_section conf_keys_starts = { .path = "start",
                                               KEYS(conf_keys_start),
                                               .size = sizeof(struct raw_start) };
const struct conf_section conf_keys_zones = {
    .path = "zones", .identity = "node", KEYS(conf_keys_zone), .size = sizeof(struct raw_zone)
};
