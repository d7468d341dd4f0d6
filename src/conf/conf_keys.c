/* SPDX-License-Identifier: Apache-2.0 */
/* conf_keys.c: every key of a configuration, one row each.
 *
 * Owns names, types, units, ranges, presets and help. The parser, the defaults
 * and the manual page's table come from these rows; a key that is not here does
 * not exist. Constant data.
 */
#include <string.h>

#include "conf_raw.h"

#define KEYS(array)           .keys = (array), .key_count = (int32_t)(sizeof(array) / sizeof *(array))
#define AT(type, member)      .offset = offsetof(struct type, member)
#define NAME_MAX_CHARACTERS   (CONF_NAME_MAX - 1)
#define PATH_MAX_CHARACTERS   (CONF_PATH_MAX - 1)
#define SOCKET_MAX_CHARACTERS 107
#define GPUS_MAX              16

/* Positions are values of core_mode_wanted, core_node_kind, conf_bus_kind, raw_lever_use. */
static const char *const conf_keys_modes[] = { "observe", "control", "emergency", NULL };
static const char *const conf_keys_kinds[] = { "feed", "rack", "shelf", "busbar", "tray", "load", NULL };
static const char *const conf_keys_bus_kinds[] = { "modbus-rtu", "modbus-tcp", "smbus-linux", "smbus-socket",
                                                   NULL };
static const char *const conf_keys_framings[] = { "tcp", "rtu", NULL };
static const char *const conf_keys_reports[] = { "auto", "always", "never", NULL };
static const char *const conf_keys_parities[] = { "even", "none", "odd", NULL };
static const char *const conf_keys_uses[] = { "hold", "charge", "warn", NULL };
/* One below core_curve_kind and core_lever_ride, which begin with none. */
static const char *const conf_keys_curves[] = { "thermal", "lsi", "lsig", NULL };
static const char *const conf_keys_rides[] = { "output", "start", NULL };

/* clang-format off */
static const struct conf_key conf_keys_limit[] = {
    { .path = "window_ms", .type = CONF_MS_AS_US, AT(raw_limit, window_us), .min = 1, .max = 86400000,
      .preset = CONF_REQUIRED,
      .help = "Length of the window: the mean over every such window stays at or under limit_w." },
    { .path = "limit_w", .type = CONF_NUMBER, AT(raw_limit, limit_w), .min = 1, .max = 1e8,
      .preset = CONF_REQUIRED, .help = "Highest mean power at the node's input." },
    { .path = "standing_w", .type = CONF_NUMBER, AT(raw_limit, standing_w), .min = 1, .max = 1e8,
      .preset = CONF_UNSET, .preset_text = "limit_w",
      .help = "What may stand when nobody is there to change it; at most limit_w." },
};
/* clang-format on */

/* clang-format off */
static const struct conf_key conf_keys_parent[] = {
    { .path = "name", .type = CONF_NAME, AT(raw_parent, name), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_REQUIRED, .help = "A node of the tree." },
    { .path = "share", .type = CONF_NUMBER, AT(raw_parent, share), .min = 0.001, .max = 1, .preset = 1,
      .help = "Largest part of the input that this parent may have to carry, one lost feed included." },
};
/* clang-format on */

/* What equipment bears has no standing_w, which comes last. */
static const struct conf_section conf_keys_bears = {
    .path = "bears", .keys = conf_keys_limit, .key_count = 2, .size = sizeof(struct raw_limit)
};
static const struct conf_section conf_keys_limits = { .path = "limits",
                                                      KEYS(conf_keys_limit),
                                                      .size = sizeof(struct raw_limit) };
static const struct conf_section conf_keys_parents = {
    .path = "parents", .identity = "name", KEYS(conf_keys_parent), .size = sizeof(struct raw_parent)
};

/* clang-format off */
static const struct conf_key conf_keys_node[] = {
    { .path = "name", .type = CONF_NAME, AT(raw_node, name), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_REQUIRED, .help = "Unique among nodes." },
    { .path = "kind", .type = CONF_WORD, AT(raw_node, kind), .words = conf_keys_kinds,
      .preset = CONF_REQUIRED, .help = "What it is." },
    { .path = "parent", .type = CONF_NAME, AT(raw_node, parent), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_UNSET, .preset_text = "none: a root", .help = "The one node that feeds it." },
    { .path = "parents", .type = CONF_LIST, AT(raw_node, parents), .max = CORE_PARENTS_MAX,
      .preset = CONF_UNSET, .section = &conf_keys_parents,
      .help = "Several nodes that feed it, instead of parent." },
    { .path = "static_w", .type = CONF_NUMBER, AT(raw_node, static_w), .min = 0, .max = 1e7,
      .help = "Power at its output that is always drawn and that nobody controls." },
    { .path = "loss_ratio", .type = CONF_NUMBER, AT(raw_node, loss_ratio), .min = 0, .max = 1,
      .help = "Losses as a share of the output: input = output * (1 + loss_ratio) + loss_w." },
    { .path = "loss_w", .type = CONF_NUMBER, AT(raw_node, loss_w), .min = 0, .max = 1e6,
      .help = "Losses that do not depend on the load." },
    { .path = "bears", .type = CONF_LIST, AT(raw_node, bears), .max = CORE_LIMITS_MAX, .preset = CONF_UNSET,
      .section = &conf_keys_bears, .help = "What the equipment itself can stand." },
    { .path = "limits", .type = CONF_LIST, AT(raw_node, limits), .max = CORE_LIMITS_MAX, .preset = CONF_UNSET,
      .section = &conf_keys_limits, .help = "The operator's limits: the first plan." },
    { .path = "breaker", .type = CONF_MAP, .preset = CONF_UNSET,
      .help = "The protective device at its input, as the fast edge of its maker's curve says." },
    { .path = "breaker.kind", .type = CONF_WORD, AT(raw_node, breaker_kind), .words = conf_keys_curves,
      .preset = CONF_REQUIRED,
      .help = "thermal: IEC 60255-149 with memory; lsi, lsig: an electronic release, without and with ground fault." },
    { .path = "breaker.rated_w", .type = CONF_NUMBER, AT(raw_node, breaker.rated_w), .min = 1, .max = 1e8,
      .preset = CONF_REQUIRED, .help = "Its current setting times nominal voltage and phases." },
    { .path = "breaker.trip_ratio", .type = CONF_NUMBER, AT(raw_node, breaker.trip_ratio), .min = 1, .max = 2,
      .preset = 1.05, .help = "It carries this part of rated_w for ever." },
    { .path = "breaker.heat_s", .type = CONF_NUMBER, AT(raw_node, breaker.heat_s), .min = 0.1, .max = 86400,
      .preset = CONF_UNSET, .preset_text = "600; thermal needs it", .help = "Time constant of its heating." },
    { .path = "breaker.cool_s", .type = CONF_NUMBER, AT(raw_node, breaker.cool_s), .min = 0.1, .max = 86400,
      .preset = CONF_UNSET, .preset_text = "heat_s", .help = "Time constant of its cooling." },
    { .path = "breaker.long_s", .type = CONF_NUMBER, AT(raw_node, breaker.long_s), .min = 0.1, .max = 1000,
      .preset = CONF_UNSET, .preset_text = "lsi, lsig need it",
      .help = "lsi, lsig: long-time delay at 6 times rated_w; the delay is 36 long_s / i^2." },
    { .path = "breaker.short_ratio", .type = CONF_NUMBER, AT(raw_node, breaker.short_ratio), .min = 1.1, .max = 30,
      .preset_text = "none", .help = "lsi, lsig: short-time pick-up..." },
    { .path = "breaker.short_s", .type = CONF_NUMBER, AT(raw_node, breaker.short_s), .min = 0.01, .max = 10,
      .preset_text = "none", .help = "lsi, lsig: ...and its delay." },
    { .path = "breaker.short_i2t", .type = CONF_BOOL, AT(raw_node, breaker.short_i2t), .preset_text = "false",
      .help = "lsi, lsig: that delay is short_s (10 / i)^2." },
    { .path = "breaker.instant_ratio", .type = CONF_NUMBER, AT(raw_node, breaker.instant_ratio), .min = 1.1,
      .max = 50, .preset_text = "none", .help = "It trips at once above this part of rated_w." },
    { .path = "breaker.instant_margin_ratio", .type = CONF_NUMBER, AT(raw_node, breaker.instant_margin_ratio),
      .min = 0.1, .max = 1, .preset = 0.85, .help = "Load is thrown off at this part of that." },
};
/* clang-format on */

/* clang-format off */
static const struct conf_key conf_keys_bus[] = {
    { .path = "name", .type = CONF_NAME, AT(raw_bus, name), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_REQUIRED, .help = "Unique among buses and BMCs." },
    { .path = "kind", .type = CONF_WORD, AT(raw_bus, kind), .words = conf_keys_bus_kinds,
      .preset = CONF_REQUIRED, .help = "Protocol and transport." },
    { .path = "path", .type = CONF_PATH, AT(raw_bus, path), .min = 1, .max = PATH_MAX_CHARACTERS,
      .preset = CONF_UNSET, .help = "The tty, the /dev/i2c-N or the socket; not for modbus-tcp." },
    { .path = "host", .type = CONF_TEXT, AT(raw_bus, host), .min = 1, .max = PATH_MAX_CHARACTERS,
      .preset = CONF_UNSET, .help = "Name or address of the gateway; modbus-tcp only." },
    { .path = "port", .type = CONF_INT, AT(raw_bus, port), .min = 1, .max = 65535, .preset = 502,
      .help = "TCP port of the gateway; modbus-tcp only." },
    { .path = "framing", .type = CONF_WORD, AT(raw_bus, framing), .words = conf_keys_framings,
      .preset_text = "tcp", .help = "rtu: serial frames over TCP, to a gateway that only passes bytes on." },
    { .path = "baud", .type = CONF_INT, AT(raw_bus, baud), .min = 1200, .max = 4000000, .preset = CONF_UNSET,
      .preset_text = "its devices' profile", .help = "Serial speed; modbus-rtu only." },
    { .path = "parity", .type = CONF_WORD, AT(raw_bus, parity), .words = conf_keys_parities,
      .preset = CONF_UNSET, .preset_text = "its devices' profile",
      .help = "Serial parity; modbus-rtu only." },
    { .path = "stop_bits", .type = CONF_INT, AT(raw_bus, stop_bits), .min = 1, .max = 2, .preset = 1,
      .help = "Serial stop bits; modbus-rtu only." },
    { .path = "timeout_ms", .type = CONF_MS_AS_US, AT(raw_bus, timeout_us), .min = 1, .max = 60000,
      .preset = CONF_UNSET, .preset_text = "100 RTU, 300 TCP, 50 SMBus",
      .help = "Longest wait for one answer." },
    { .path = "timeout_min_ms", .type = CONF_MS_AS_US, AT(raw_bus, timeout_min_us), .min = 1, .max = 60000,
      .preset = 70, .help = "Shortest wait for one answer of a device that is known to be fast; Modbus only." },
    { .path = "clock_max_s", .type = CONF_S_AS_US, AT(raw_bus, clock_max_us), .min = 0, .max = 86400,
      .help = "A device's clock that is further off is set, but not in observe; 0: never. Modbus only." },
    { .path = "retry_max", .type = CONF_INT, AT(raw_bus, retry_max), .min = 0, .max = 5, .preset = 1,
      .help = "Tries after the first." },
    { .path = "fast_ms", .type = CONF_MS_AS_US, AT(raw_bus, fast_us), .min = 1, .max = 60000, .preset = 200,
      .help = "Period of readings that change fast: voltage, current, power." },
    { .path = "slow_ms", .type = CONF_MS_AS_US, AT(raw_bus, slow_us), .min = 1, .max = 3600000,
      .preset = 5000, .help = "Period of the others: temperatures, alarms, settings." },
    { .path = "alert", .type = CONF_BOOL, AT(raw_bus, alert),
      .help = "SMBus: every fast_ms ask who pulls SMBALERT#, and read the status of who answers." },
    { .path = "stale_ms", .type = CONF_MS_AS_US, AT(raw_bus, stale_us), .min = 1, .max = 3600000,
      .preset = 2000,
      .help = "A fast reading older than this is stale, a slow one older than slow_ms + stale_ms." },
    { .path = "stuck_after_s", .type = CONF_S_AS_US, AT(raw_bus, stuck_after_us), .min = 0, .max = 86400,
      .help = "A fast reading that never moves for so long is stuck; 0: never." },
};
/* clang-format on */

/* clang-format off */
static const struct conf_key conf_keys_measure[] = {
    { .path = "signal", .type = CONF_NAME, AT(raw_measure, signal), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_REQUIRED, .help = "A power that the profile reads." },
    { .path = "index", .type = CONF_INT, AT(raw_measure, index), .min = 0, .max = 255,
      .help = "Which of several alike, as in the profile." },
    { .path = "node", .type = CONF_NAME, AT(raw_measure, node), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_REQUIRED, .help = "The reading adds to the measured input of this node." },
    { .path = "scale", .type = CONF_NUMBER, AT(raw_measure, scale), .min = 0.001, .max = 1000, .preset = 1,
      .help = "The reading counts times this." },
};
/* clang-format on */

/* clang-format off */
static const struct conf_key conf_keys_lever[] = {
    { .path = "signal", .type = CONF_NAME, AT(raw_lever, signal), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_REQUIRED, .help = "A signal that the profile can write." },
    { .path = "index", .type = CONF_INT, AT(raw_lever, index), .min = 0, .max = 255,
      .help = "Which of several alike, as in the profile." },
    { .path = "use", .type = CONF_WORD, AT(raw_lever, use), .words = conf_keys_uses, .preset = CONF_REQUIRED,
      .help = "hold: keep a value; charge: recharge only while there is room; warn: follow the node's limit." },
    { .path = "value", .type = CONF_NUMBER, AT(raw_lever, value), .min = -1e9, .max = 1e9,
      .preset = CONF_UNSET, .help = "hold: the value, in the signal's unit." },
    { .path = "armed", .type = CONF_NUMBER, AT(raw_lever, armed), .min = -1e9, .max = 1e9,
      .preset = CONF_UNSET, .preset_text = "none",
      .help = "hold: what is held instead while a peak is foreseen; it may be left standing." },
    { .path = "slew", .type = CONF_NUMBER, AT(raw_lever, slew), .min = 0, .max = 1e9,
      .help = "hold: most it may move in one order, in the signal's unit; 0: any." },
    { .path = "timeout_s", .type = CONF_S_AS_US, AT(raw_lever, timeout_us), .min = 1, .max = 86400,
      .preset = CONF_UNSET, .help = "charge: the device's own time-out, written with each order." },
    { .path = "volts", .type = CONF_NUMBER, AT(raw_lever, volts), .min = 1, .max = 1000, .preset = CONF_UNSET,
      .help = "charge: what turns the charging current into power." },
    { .path = "fallback", .type = CONF_NUMBER, AT(raw_lever, fallback), .min = 0, .max = 1e9,
      .preset = CONF_UNSET,
      .help = "charge: what the device returns to when orders stop, in the signal's unit." },
    { .path = "share", .type = CONF_NUMBER, AT(raw_lever, share), .min = 0.001, .max = 1,
      .preset = CONF_UNSET, .help = "warn: this device's part of its node's limit." },
    { .path = "delay_worst_ms", .type = CONF_MS_AS_US, AT(raw_lever, delay_worst_us), .min = 1, .max = 600000,
      .preset = 2000, .help = "From an order until it is in force, at worst." },
    { .path = "interval_min_ms", .type = CONF_MS_AS_US, AT(raw_lever, interval_min_us), .min = 1,
      .max = 600000, .preset = 1000, .help = "Shortest time between two orders." },
    { .path = "deadband", .type = CONF_NUMBER, AT(raw_lever, deadband), .min = 0, .max = 1e9,
      .preset = CONF_UNSET, .preset_text = "one step; warn: 1 %",
      .help = "Smaller changes are not ordered, in the signal's unit." },
    { .path = "ride", .type = CONF_WORD, AT(raw_lever, ride), .words = conf_keys_rides, .preset = CONF_UNSET,
      .preset_text = "none",
      .help = "hold: what riding through does with it: the output voltage or the start delay of its supply." },
};
/* clang-format on */

static const struct conf_section conf_keys_measures = {
    .path = "measures", .identity = "signal", KEYS(conf_keys_measure), .size = sizeof(struct raw_measure)
};
static const struct conf_section conf_keys_levers = {
    .path = "levers", .identity = "signal", KEYS(conf_keys_lever), .size = sizeof(struct raw_lever)
};

/* clang-format off */
static const struct conf_key conf_keys_device[] = {
    { .path = "name", .type = CONF_NAME, AT(raw_device, name), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_REQUIRED, .help = "Unique among devices and BMCs." },
    { .path = "bus", .type = CONF_NAME, AT(raw_device, bus), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_REQUIRED, .help = "The bus it is on." },
    { .path = "address", .type = CONF_INT, AT(raw_device, address), .min = 1, .max = 255,
      .preset = CONF_REQUIRED, .help = "Modbus unit, 1 to 255, or 7-bit SMBus address, 0x08 to 0x77." },
    { .path = "profile", .type = CONF_NAME, AT(raw_device, profile), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_REQUIRED, .help = "Its registers: a profile's file name without .yaml." },
    { .path = "node", .type = CONF_NAME, AT(raw_device, node), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_REQUIRED, .help = "The tree node it belongs to." },
    { .path = "source", .type = CONF_NAME, AT(raw_device, source), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_UNSET, .help = "The source that its readings tell of." },
    { .path = "mirror", .type = CONF_NAME, AT(raw_device, mirror), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_UNSET, .help = "The shelf controller on its bus whose mirror is read instead of it." },
    { .path = "slot", .type = CONF_INT, AT(raw_device, slot), .min = 1, .max = 16, .preset = CONF_UNSET,
      .help = "Which module of that mirror it is." },
    { .path = "measures", .type = CONF_LIST, AT(raw_device, measures), .max = 16, .preset = CONF_UNSET,
      .section = &conf_keys_measures, .help = "Its readings that measure a node." },
    { .path = "levers", .type = CONF_LIST, AT(raw_device, levers), .max = DEVICE_LEVERS_MAX,
      .preset = CONF_UNSET, .section = &conf_keys_levers, .help = "What is written to it in control." },
};
/* clang-format on */

/* clang-format off */
static const struct conf_key conf_keys_setting[] = {
    { .path = "signal", .type = CONF_NAME, AT(raw_setting, signal), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_REQUIRED,
      .help = "gpu_edpp_ratio, gpu_workload_profiles, gpu_smoothing, gpu_smoothing_profile, gpu_smoothing_floor_ratio, "
              "gpu_ramp_up_w_per_s, gpu_ramp_down_w_per_s, gpu_ramp_hysteresis_s; with path: node_power_limit_w, "
              "psu_output_setpoint_v." },
    { .path = "index", .type = CONF_INT, AT(raw_setting, index), .min = 0, .max = 1000, .preset = CONF_UNSET,
      .preset_text = "every GPU", .help = "Of one GPU, from 0." },
    { .path = "path", .type = CONF_TEXT, AT(raw_setting, path), .min = 1, .max = PATH_MAX_CHARACTERS,
      .preset = CONF_UNSET, .help = "The EnvironmentMetrics, Control or Power resource; RESOURCE#/PowerControl/0." },
    { .path = "value", .type = CONF_NUMBER, AT(raw_setting, value), .min = 0, .max = 1e15,
      .preset = CONF_REQUIRED, .help = "What is held in control, in the signal's unit." },
    { .path = "armed", .type = CONF_NUMBER, AT(raw_setting, armed), .min = 0, .max = 1e15,
      .preset = CONF_UNSET, .preset_text = "none",
      .help = "What is held instead while a peak is foreseen; it may be left standing." },
    { .path = "delay_worst_ms", .type = CONF_MS_AS_US, AT(raw_setting, delay_worst_us), .min = 1, .max = 600000,
      .preset = 6000, .help = "From an order until it is in force, at worst." },
    { .path = "interval_min_ms", .type = CONF_MS_AS_US, AT(raw_setting, interval_min_us), .min = 1, .max = 600000,
      .preset = 10000, .help = "Shortest time between two orders." },
};
/* clang-format on */

/* clang-format off */
static const struct conf_key conf_keys_bmc_measure[] = {
    { .path = "signal", .type = CONF_NAME, AT(raw_bmc_measure, signal), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_REQUIRED, .help = "What it is: a power, such as psu_input_w or node_power_w." },
    { .path = "path", .type = CONF_TEXT, AT(raw_bmc_measure, path), .min = 1, .max = PATH_MAX_CHARACTERS,
      .preset = CONF_REQUIRED, .help = "A Sensor, or RESOURCE#/Property, as `busbarctl device read` lists them." },
    { .path = "node", .type = CONF_NAME, AT(raw_bmc_measure, node), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_REQUIRED, .help = "The reading adds to the measured input of this node." },
    { .path = "scale", .type = CONF_NUMBER, AT(raw_bmc_measure, scale), .min = 0.001, .max = 1000, .preset = 1,
      .help = "The reading counts times this." },
};
/* clang-format on */

static const struct conf_section conf_keys_settings = {
    .path = "settings", .identity = "signal", KEYS(conf_keys_setting), .size = sizeof(struct raw_setting)
};
static const struct conf_section conf_keys_bmc_measures = { .path = "measures",
                                                            .identity = "path",
                                                            KEYS(conf_keys_bmc_measure),
                                                            .size = sizeof(struct raw_bmc_measure) };

/* clang-format off */
static const struct conf_key conf_keys_bmc[] = {
    { .path = "name", .type = CONF_NAME, AT(raw_bmc, name), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_REQUIRED, .help = "Unique among devices and BMCs." },
    { .path = "url", .type = CONF_TEXT, AT(raw_bmc, url), .min = 8, .max = PATH_MAX_CHARACTERS,
      .preset = CONF_REQUIRED, .help = "Where its Redfish service is: https://HOST[:PORT]." },
    { .path = "username", .type = CONF_TEXT, AT(raw_bmc, username), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_UNSET, .preset_text = "no login", .help = "Who logs in; without one it is only read." },
    { .path = "password_file", .type = CONF_PATH, AT(raw_bmc, password_file), .min = 1,
      .max = PATH_MAX_CHARACTERS, .preset = CONF_UNSET,
      .help = "A file whose first line is the password; this or credential is needed with username." },
    { .path = "credential", .type = CONF_NAME, AT(raw_bmc, credential), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_UNSET, .help = "The same, of a systemd credential (LoadCredential=) of this name." },
    { .path = "ca_file", .type = CONF_PATH, AT(raw_bmc, ca_file), .min = 1, .max = PATH_MAX_CHARACTERS,
      .preset = CONF_UNSET, .preset_text = "the system's", .help = "Certificates that may vouch for it." },
    { .path = "pin", .type = CONF_TEXT, AT(raw_bmc, pin), .min = 1, .max = PATH_MAX_CHARACTERS,
      .preset = CONF_UNSET,
      .help = "sha256//BASE64 of its public key, several parted by ';': what has another key is not talked to. "
              "Without ca_file the pin alone vouches." },
    { .path = "node", .type = CONF_NAME, AT(raw_bmc, node), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_REQUIRED, .help = "The tree node its GPUs are fed from." },
    { .path = "timeout_ms", .type = CONF_MS_AS_US, AT(raw_bmc, timeout_us), .min = 1, .max = 60000,
      .preset = 5000, .help = "Longest wait for one answer." },
    { .path = "retry_max", .type = CONF_INT, AT(raw_bmc, retry_max), .min = 0, .max = 5, .preset = 1,
      .help = "Tries after the first, of reads only." },
    { .path = "fast_ms", .type = CONF_MS_AS_US, AT(raw_bmc, fast_us), .min = 10, .max = 60000, .preset = 500,
      .help = "Period of GPU readings." },
    { .path = "slow_ms", .type = CONF_MS_AS_US, AT(raw_bmc, slow_us), .min = 10, .max = 3600000,
      .preset = 10000, .help = "Period of everything else." },
    { .path = "stale_ms", .type = CONF_MS_AS_US, AT(raw_bmc, stale_us), .min = 10, .max = 3600000,
      .preset = 8000, .help = "A GPU reading older than this is stale." },
    { .path = "stuck_after_s", .type = CONF_S_AS_US, AT(raw_bmc, stuck_after_us), .min = 0, .max = 86400,
      .help = "A GPU's power that never moves for so long is stuck; 0: never." },
    { .path = "reports", .type = CONF_WORD, AT(raw_bmc, reports), .words = conf_keys_reports,
      .preset_text = "auto",
      .help = "One MetricReport is read instead of each GPU: where that is fresher, always, or never." },
    { .path = "events", .type = CONF_BOOL, AT(raw_bmc, use_events), .preset_text = "false",
      .help = "Keeps an event stream open; polls and writes then share one connection." },
    { .path = "hard_power_off_ok", .type = CONF_BOOL, AT(raw_bmc, hard_power_off_ok), .preset_text = "false",
      .help = "Also lower limits whose LimitException is HardPowerOff." },
    { .path = "writes_per_min", .type = CONF_INT, AT(raw_bmc, writes_per_min), .min = 1, .max = 6000, .preset = 240,
      .help = "Most writes to it a minute, once a burst of one a lever is used up." },
    { .path = "settings", .type = CONF_LIST, AT(raw_bmc, settings), .max = DEVICE_LEVERS_MAX, .preset = CONF_UNSET,
      .section = &conf_keys_settings, .help = "What else is held in control, and restored." },
    { .path = "measures", .type = CONF_LIST, AT(raw_bmc, measures), .max = 16, .preset = CONF_UNSET,
      .section = &conf_keys_bmc_measures, .help = "Sensors of it that measure a node." },
    { .path = "gpus", .type = CONF_MAP, .preset = CONF_UNSET,
      .help = "Its GPUs: each becomes a leaf NAME.gpu-0 and so on under node. A power shelf has none." },
    { .path = "gpus.count", .type = CONF_INT, AT(raw_bmc, count), .min = 1, .max = GPUS_MAX,
      .preset = CONF_REQUIRED, .help = "How many." },
    { .path = "gpus.path", .type = CONF_TEXT, AT(raw_bmc, path), .min = 1, .max = PATH_MAX_CHARACTERS,
      .preset = CONF_UNSET, .preset_text = "found from the service root",
      .help = "Of each one's EnvironmentMetrics; {n} becomes its number." },
    { .path = "gpus.first", .type = CONF_INT, AT(raw_bmc, first), .min = 0, .max = 1000,
      .help = "The first one's number in path." },
    { .path = "gpus.min_w", .type = CONF_NUMBER, AT(raw_bmc, min_w), .min = 1, .max = 5000,
      .preset = CONF_REQUIRED, .help = "Lowest limit the GPU takes." },
    { .path = "gpus.max_w", .type = CONF_NUMBER, AT(raw_bmc, max_w), .min = 1, .max = 5000,
      .preset = CONF_REQUIRED, .help = "Highest limit the GPU takes." },
    { .path = "gpus.base_w", .type = CONF_NUMBER, AT(raw_bmc, base_w), .min = 1, .max = 5000,
      .preset = CONF_UNSET, .preset_text = "min_w", .help = "What each gets in emergency." },
    { .path = "gpus.step_w", .type = CONF_NUMBER, AT(raw_bmc, step_w), .min = 0, .max = 1000, .preset = 1,
      .help = "Limits are multiples of it; 0: any." },
    { .path = "gpus.overshoot_ratio", .type = CONF_NUMBER, AT(raw_bmc, overshoot_ratio), .min = 0, .max = 1,
      .preset = 0.12, .help = "A GPU may draw so much above its limit." },
    { .path = "gpus.weight", .type = CONF_NUMBER, AT(raw_bmc, weight), .min = 0.001, .max = 1000, .preset = 1,
      .help = "Its part where power is short." },
    { .path = "gpus.priority", .type = CONF_INT, AT(raw_bmc, priority), .min = 0, .max = CORE_PRIORITIES - 1,
      .preset = 4, .help = "0 is the first to lose, 7 the last." },
    { .path = "gpus.delay_worst_ms", .type = CONF_MS_AS_US, AT(raw_bmc, delay_worst_us), .min = 1,
      .max = 600000, .preset = 6000, .help = "From an order until it is in force, at worst." },
    { .path = "gpus.interval_min_ms", .type = CONF_MS_AS_US, AT(raw_bmc, interval_min_us), .min = 1,
      .max = 600000, .preset = 1000, .help = "Shortest time between two orders." },
    { .path = "gpus.deadband_w", .type = CONF_NUMBER, AT(raw_bmc, deadband_w), .min = 0, .max = 1000,
      .preset = 15, .help = "Smaller changes are not ordered." },
};
/* clang-format on */

/* clang-format off */
static const struct conf_key conf_keys_group[] = {
    { .path = "name", .type = CONF_NAME, AT(raw_group, name), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_REQUIRED, .help = "Unique among groups." },
    { .path = "members", .type = CONF_TEXTS, AT(raw_group, members), .max = 4096, .preset = CONF_REQUIRED,
      .help = "Nodes, or leaves such as bmc-1.gpu-0; a node stands for all leaves under it." },
    { .path = "limits", .type = CONF_LIST, AT(raw_group, limits), .max = CORE_LIMITS_MAX,
      .preset = CONF_REQUIRED, .section = &conf_keys_limits, .help = "Limits of the members' sum." },
};
/* clang-format on */

#define SECTION(variable, name, table, type)                                                                 \
    static const struct conf_section variable = {                                                            \
        .path = name, .identity = "name", KEYS(table), .size = sizeof(struct type)                           \
    }
SECTION(conf_keys_tree, "tree", conf_keys_node, raw_node);
SECTION(conf_keys_buses, "buses", conf_keys_bus, raw_bus);
SECTION(conf_keys_devices, "devices", conf_keys_device, raw_device);
SECTION(conf_keys_bmcs, "bmcs", conf_keys_bmc, raw_bmc);
SECTION(conf_keys_groups, "groups", conf_keys_group, raw_group);

/* clang-format off */
static const struct conf_key conf_keys_main[] = {
    { .path = "rack", .type = CONF_MAP, .preset = CONF_REQUIRED, .help = "What this daemon looks after." },
    { .path = "rack.name", .type = CONF_NAME, AT(raw_conf, rack_name), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_REQUIRED, .help = "As in logs, metrics and the fleet." },
    { .path = "control", .type = CONF_MAP, .preset = CONF_UNSET, .help = "The control loop." },
    { .path = "control.period_ms", .type = CONF_MS_AS_US, AT(raw_conf, period_us), .min = 1, .max = 1000,
      .preset = 10, .help = "Time between two control steps." },
    { .path = "control.mode", .type = CONF_WORD, AT(raw_conf, mode), .words = conf_keys_modes,
      .preset_text = "observe",
      .help = "First mode of a new installation; later the state directory knows." },
    { .path = "control.rt_priority", .type = CONF_INT, AT(raw_conf, rt_priority), .min = 0, .max = 99,
      .help = "SCHED_FIFO priority of the control thread; 0: do not ask." },
    { .path = "control.cpu", .type = CONF_INT, AT(raw_conf, cpu), .min = -1, .max = 1023, .preset = -1,
      .help = "The control thread stays on this CPU; -1: any." },
    { .path = "control.band", .type = CONF_MAP, .preset = CONF_UNSET,
      .help = "Cut budgets near a limit, give them back slowly." },
    { .path = "control.band.cap_ratio", .type = CONF_NUMBER, AT(raw_conf, band.cap_ratio), .min = 0.1,
      .max = 1, .preset = 0.99, .help = "Above this share of a limit, cut." },
    { .path = "control.band.target_ratio", .type = CONF_NUMBER, AT(raw_conf, band.target_ratio), .min = 0.1,
      .max = 1, .preset = 0.95, .help = "To this share of the limit." },
    { .path = "control.band.release_ratio", .type = CONF_NUMBER, AT(raw_conf, band.release_ratio), .min = 0.1,
      .max = 1, .preset = 0.90, .help = "Below this share, give back." },
    { .path = "control.band.release_gain_per_s", .type = CONF_NUMBER, AT(raw_conf, band.release_gain_per_s),
      .min = 0.001, .max = 10, .preset = 0.05, .help = "Share of the cut given back a second." },
    { .path = "control.band.release_jitter_ratio", .type = CONF_NUMBER,
      AT(raw_conf, band.release_jitter_ratio), .min = 0, .max = 1, .preset = 0.5,
      .help = "Each step of giving back varies by this share." },
    { .path = "control.forecast", .type = CONF_MAP, .preset = CONF_UNSET,
      .help = "What each leaf is expected to want: persistence plus a margin, or forecasters." },
    { .path = "control.forecast.learn", .type = CONF_BOOL, AT(raw_conf, forecast_learn), .preset_text = "false",
      .help = "Forecasters of the rack and of every measured lever divide what room there is, while their bounds hold." },
    { .path = "control.forecast.arm_ratio", .type = CONF_NUMBER, AT(raw_conf, arm_ratio), .min = 0.1, .max = 2,
      .preset = 0.95,
      .help = "Levers and settings with an armed value get it when a peak of this share of the rack's limit is foreseen..." },
    { .path = "control.forecast.arm_hold_s", .type = CONF_S_AS_US, AT(raw_conf, arm_hold_us), .min = 1,
      .max = 86400, .preset = 30, .help = "...and keep it so long after the last such forecast." },
    { .path = "control.forecast.margin_ratio", .type = CONF_NUMBER, AT(raw_conf, margin_ratio), .min = 0,
      .max = 10, .preset = 0.10, .help = "Margin as a share of the load." },
    { .path = "control.forecast.margin_w", .type = CONF_NUMBER, AT(raw_conf, margin_w), .min = 0, .max = 1e6,
      .preset = 50, .help = "Margin beside that." },
    { .path = "control.recharge_ratio", .type = CONF_NUMBER, AT(raw_conf, recharge_ratio), .min = 0, .max = 1,
      .preset = 0.95,
      .help = "Batteries recharge while load and charge stay under this share of the limit." },
    { .path = "state_dir", .type = CONF_PATH, AT(raw_conf, state_dir), .min = 1, .max = PATH_MAX_CHARACTERS,
      .preset_text = "/var/lib/busbar",
      .help = "What outlives the daemon: originals, wanted mode, recordings." },
    { .path = "socket", .type = CONF_PATH, AT(raw_conf, socket), .min = 1, .max = SOCKET_MAX_CHARACTERS,
      .preset_text = "/run/busbar/busbar.sock", .help = "Where busbarctl finds the daemon." },
    { .path = "record", .type = CONF_MAP, .preset = CONF_UNSET, .help = "The ring of recorded inputs." },
    { .path = "record.ring_mib", .type = CONF_MIB_AS_BYTES, AT(raw_conf, record_ring_bytes), .min = 1,
      .max = 4096, .preset = 32, .help = "Its size." },
    { .path = "profiles", .type = CONF_PATHS, AT(raw_conf, profiles), .max = 16, .preset = CONF_UNSET,
      .help = "Folders searched for profiles before the installed ones." },
    { .path = "tree", .type = CONF_LIST, AT(raw_conf, tree), .max = 2048, .preset = CONF_REQUIRED,
      .section = &conf_keys_tree, .help = "The power tree, in any order." },
    { .path = "buses", .type = CONF_LIST, AT(raw_conf, buses), .max = 256, .preset = CONF_UNSET,
      .section = &conf_keys_buses, .help = "Lines that devices hang on." },
    { .path = "devices", .type = CONF_LIST, AT(raw_conf, devices), .max = 1024, .preset = CONF_UNSET,
      .section = &conf_keys_devices, .help = "Power supplies, batteries, shelf controllers." },
    { .path = "bmcs", .type = CONF_LIST, AT(raw_conf, bmcs), .max = 512, .preset = CONF_UNSET,
      .section = &conf_keys_bmcs, .help = "Compute nodes, over Redfish." },
    { .path = "groups", .type = CONF_LIST, AT(raw_conf, groups), .max = 256, .preset = CONF_UNSET,
      .section = &conf_keys_groups, .help = "Leaves with limits of their own, across the tree." },
    { .path = "busbar", .type = CONF_MAP, .preset = CONF_UNSET, .help = "The busbar that the sources share." },
    { .path = "busbar.node", .type = CONF_NAME, AT(raw_conf, busbar_node), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_REQUIRED, .help = "Its node." },
    { .path = "busbar.nominal_input_v", .type = CONF_NUMBER, AT(raw_conf, busbar.nominal_input_v), .min = 100,
      .max = 600, .preset = CONF_REQUIRED, .help = "AC voltage at the supplies, RMS." },
    { .path = "busbar.capacitance_f", .type = CONF_NUMBER, AT(raw_conf, busbar.capacitance_f), .min = 0, .max = 100,
      .preset = 0.02, .help = "Bulk capacitance on it, inputs of the trays included." },
    { .path = "busbar.resistance_ohm", .type = CONF_NUMBER, AT(raw_conf, busbar.resistance_ohm), .min = 0,
      .max = 0.01, .preset = 0.0005, .help = "From the sources to the farthest tray." },
    { .path = "busbar.low_v", .type = CONF_NUMBER, AT(raw_conf, busbar.low_v), .min = 1, .max = 1000, .preset = 46,
      .help = "Lowest voltage that IT gear stands..." },
    { .path = "busbar.high_v", .type = CONF_NUMBER, AT(raw_conf, busbar.high_v), .min = 1, .max = 1000,
      .preset = 52, .help = "...and highest." },
    { .path = "busbar.dip_v", .type = CONF_NUMBER, AT(raw_conf, busbar.dip_v), .min = 0, .max = 10, .preset = 0.5,
      .help = "It falls so far under the batteries' own voltage while they take a load over; counts against low_v." },
    { .path = "sources", .type = CONF_LIST, AT(raw_conf, sources), .max = 64, .preset = CONF_UNSET,
      .section = &conf_keys_sources, .help = "What holds the busbar up." },
    { .path = "ride_through", .type = CONF_MAP, .preset = CONF_UNSET, .help = "Riding through grid events." },
    { .path = "ride_through.enabled", .type = CONF_BOOL, AT(raw_conf, ride.enabled), .preset_text = "false",
      .help = "Watch the AC input, arm what must be armed, support and return; needs busbar and sources." },
    { .path = "ride_through.sag_ratio", .type = CONF_NUMBER, AT(raw_conf, ride.sag_ratio), .min = 0.5, .max = 1,
      .preset = 0.90, .help = "Below this part of the nominal input is a sag." },
    { .path = "ride_through.support_ratio", .type = CONF_NUMBER, AT(raw_conf, ride.support_ratio), .min = 0.1,
      .max = 1, .preset = 0.75, .help = "Sags down to this part get support from batteries..." },
    { .path = "ride_through.support_after_ms", .type = CONF_MS_AS_US, AT(raw_conf, ride.support_after_us), .min = 1,
      .max = 60000, .preset = 100, .help = "...once they last so long." },
    { .path = "ride_through.reserve_s", .type = CONF_NUMBER, AT(raw_conf, ride.reserve_s), .min = 0, .max = 3600,
      .preset = 90, .help = "Battery time at full load that is kept for an outage and spent on nothing else." },
    { .path = "ride_through.wear_cycles_per_day", .type = CONF_NUMBER, AT(raw_conf, ride.wear_cycles_per_day),
      .min = 0, .max = 100, .preset = 1, .help = "Equivalent full battery cycles that support may spend a day." },
    { .path = "ride_through.phase_ratio", .type = CONF_NUMBER, AT(raw_conf, ride.phase_ratio), .min = 0, .max = 1,
      .preset = CONF_UNSET, .preset_text = "from the rack's name",
      .help = "This rack's place in a start window; racks of one row want different ones." },
    { .path = "ride_through.start", .type = CONF_LIST, AT(raw_conf, starts), .max = CORE_STARTS_MAX,
      .preset = CONF_UNSET, .section = &conf_keys_starts,
      .help = "Start windows by length of the outage, rising; by default 500: 250, 10000: 1200, 60000: 15000." },
    { .path = "protection", .type = CONF_MAP, .preset = CONF_UNSET, .help = "Protective devices come first." },
    { .path = "protection.enabled", .type = CONF_BOOL, AT(raw_conf, protection.enabled),
      .preset_text = "true with a breaker", .help = "Throttle everything below one that would trip." },
    { .path = "protection.deadline_ratio", .type = CONF_NUMBER, AT(raw_conf, protection.deadline_ratio),
      .min = 0.05, .max = 1, .preset = 0.7, .help = "Orders must be in force within this part of the time to trip." },
    { .path = "protection.release_ms", .type = CONF_MS_AS_US, AT(raw_conf, protection.release_us), .min = 1,
      .max = 3600000, .preset = 10000, .help = "It lets go after it was quiet for so long." },
    { .path = "damping", .type = CONF_MAP, .preset = CONF_UNSET, .help = "Against swings by our own orders." },
    { .path = "damping.turns_max", .type = CONF_INT, AT(raw_conf, damping.turns_max), .min = 0, .max = 1000,
      .preset = 3, .help = "More changes of direction than this, 0: they are not counted..." },
    { .path = "damping.window_ms", .type = CONF_MS_AS_US, AT(raw_conf, damping.window_us), .min = 100,
      .max = 3600000, .preset = 10000, .help = "...in this time halve the gain with which power is given back." },
    { .path = "damping.band_low_hz", .type = CONF_NUMBER, AT(raw_conf, damping.band_low_hz), .min = 0.001,
      .max = 100, .preset = 0.1, .help = "Of the band that is watched, the lower end." },
    { .path = "damping.band_high_hz", .type = CONF_NUMBER, AT(raw_conf, damping.band_high_hz), .min = 0.001,
      .max = 100, .preset = 5, .help = "And the upper end." },
    { .path = "damping.band_ratio", .type = CONF_NUMBER, AT(raw_conf, damping.band_ratio), .min = 0.0001, .max = 1,
      .preset = 0.02, .help = "More energy there than this, RMS over the budget, halves it too." },
    { .path = "tokens", .type = CONF_MAP, .preset = CONF_UNSET, .help = "Power that clients lease for a time." },
    { .path = "tokens.risk_ratio", .type = CONF_NUMBER, AT(raw_conf, risk_ratio), .min = 0.01, .max = 1,
      .preset = 0.7, .help = "Refused when a protective device would be this far gone." },
    { .path = "tokens.clients_max", .type = CONF_INT, AT(raw_conf, clients_max), .min = 0, .max = 1024,
      .preset = 64, .help = "So many clients may ask." },
    { .path = "tokens.zones", .type = CONF_LIST, AT(raw_conf, zones), .max = CORE_TOKEN_ZONES_MAX,
      .preset = CONF_UNSET, .section = &conf_keys_zones, .help = "Nodes whose power is leased; without one every request is refused." },
    { .path = "pmi", .type = CONF_MAP, .preset = CONF_UNSET,
      .help = "Serves the rack upstream as a Modbus server: docs/pmi.md." },
    { .path = "pmi.enabled", .type = CONF_BOOL, AT(raw_conf, pmi.enabled), .preset_text = "false",
      .help = "Listen at all." },
    { .path = "pmi.host", .type = CONF_TEXT, AT(raw_conf, pmi.host), .min = 1, .max = NAME_MAX_CHARACTERS,
      .preset = CONF_UNSET, .preset_text = "no TCP", .help = "Address to listen on: a number, not a name." },
    { .path = "pmi.port", .type = CONF_INT, AT(raw_conf, pmi.port), .min = 1, .max = 65535, .preset = 1502,
      .help = "TCP port; 502 needs a right that the service does not have." },
    { .path = "pmi.connections_max", .type = CONF_INT, AT(raw_conf, pmi.connections_max), .min = 1, .max = 64,
      .preset = 8, .help = "More connections at once are closed." },
    { .path = "pmi.serial_path", .type = CONF_PATH, AT(raw_conf, pmi.serial_path), .min = 1,
      .max = PATH_MAX_CHARACTERS, .preset = CONF_UNSET, .preset_text = "no serial line",
      .help = "A serial port to answer on, as RTU; it must not hear what it sends." },
    { .path = "pmi.baud", .type = CONF_INT, AT(raw_conf, pmi.baud), .min = 9600, .max = 115200, .preset = 115200,
      .help = "Its speed: 9600, 19200, 38400, 57600 or 115200." },
    { .path = "pmi.parity", .type = CONF_WORD, AT(raw_conf, pmi.parity), .words = conf_keys_parities,
      .preset_text = "even", .help = "Its parity." },
    { .path = "pmi.stop_bits", .type = CONF_INT, AT(raw_conf, pmi.stop_bits), .min = 1, .max = 2, .preset = 1,
      .help = "Its stop bits." },
    { .path = "pmi.readers", .type = CONF_TEXTS, AT(raw_conf, pmi.readers), .max = PMI_READERS_MAX,
      .preset = CONF_UNSET, .preset_text = "all",
      .help = "Addresses, or prefixes as 10.0.0.0/8, that may connect." },
    { .path = "pmi.writers", .type = CONF_LIST, AT(raw_conf, pmi.writers), .max = PMI_WRITERS_MAX,
      .preset = CONF_UNSET, .section = &conf_keys_writers, .help = "Who may write to the rack's window." },
    { .path = "pmi.may_budget", .type = CONF_BOOL, AT(raw_conf, pmi.may_budget), .preset_text = "false",
      .help = "A writer may lease a budget of budget_node; while none does, its standing budget applies." },
    { .path = "pmi.may_mode", .type = CONF_BOOL, AT(raw_conf, pmi.may_mode), .preset_text = "false",
      .help = "A writer may ask for a mode." },
    { .path = "pmi.may_ride", .type = CONF_BOOL, AT(raw_conf, pmi.may_ride), .preset_text = "false",
      .help = "A writer may set the ride-through policy, on the safe side of this file's." },
    { .path = "pmi.may_tokens", .type = CONF_BOOL, AT(raw_conf, pmi.may_tokens), .preset_text = "false",
      .help = "A writer may ask for tokens." },
    { .path = "pmi.lease_max_s", .type = CONF_S_AS_US, AT(raw_conf, pmi.lease_max_us), .min = 1, .max = 3600,
      .preset = 300, .help = "Longest time that a writer may be silent." },
    { .path = "pmi.budget_node", .type = CONF_NAME, AT(raw_conf, pmi.budget_node), .min = 1,
      .max = NAME_MAX_CHARACTERS, .preset = CONF_UNSET, .preset_text = "the first root",
      .help = "Whose budget is shown, and leased." },
    { .path = "pmi.budget_min_w", .type = CONF_NUMBER, AT(raw_conf, pmi.budget_min_w), .min = 1, .max = 1e8,
      .preset = CONF_UNSET, .preset_text = "may_budget needs it", .help = "A smaller budget is refused." },
    { .path = "pmi.token_nodes", .type = CONF_TEXTS, AT(raw_conf, pmi.nodes), .max = PMI_NODES_MAX,
      .preset = CONF_UNSET, .help = "Nodes that tokens may be asked for at: number 1 is the first." },
    { .path = "pmi.shelves", .type = CONF_LIST, AT(raw_conf, pmi.shelves), .max = PMI_SHELVES_MAX,
      .preset = CONF_UNSET, .section = &conf_keys_shelves, .help = "One Modbus unit each." },
};
/* clang-format on */

const struct conf_section conf_keys_root = { .path = "",
                                             KEYS(conf_keys_main),
                                             .size = sizeof(struct raw_conf) };

/* ---- for the manual page ---- */

static const char *conf_keys_type(const struct conf_key *key)
{
    static const char *const words[] = {
        [CONF_MAP] = "mapping",         [CONF_LIST] = "list",       [CONF_TEXTS] = "texts",
        [CONF_PATHS] = "paths",         [CONF_TEXT] = "text",       [CONF_NAME] = "name",
        [CONF_PATH] = "path",           [CONF_BOOL] = "bool",       [CONF_INT] = "integer",
        [CONF_NUMBER] = "number",       [CONF_MS_AS_US] = "number", [CONF_S_AS_US] = "number",
        [CONF_MIB_AS_BYTES] = "number", [CONF_WORD] = "word",       [CONF_BITS] = "integers",
        [CONF_PAIR] = "integers",
    };

    return words[key->type];
}

/* The unit is the end of the name, where that is one; what has two comes first. */
static const char *conf_keys_unit(const struct conf_key *key)
{
    static const char *const units[][2] = {
        { "_w_per_s", "W/s" }, { "_v_per_s", "V/s" }, { "_per_s", "1/s" }, { "_ms", "ms" },       { "_s", "s" },
        { "_w", "W" },         { "_mib", "MiB" },     { "_ratio", "ratio" }, { "_v", "V" },       { "_f", "F" },
        { "_j", "J" },         { "_hz", "Hz" },       { "_ohm", "ohm" },
    };
    size_t length = strlen(key->path);

    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t end = strlen(units[i][0]);

        if (length > end && strcmp(key->path + length - end, units[i][0]) == 0)
            return units[i][1];
    }
    return "-";
}

static void conf_keys_print_preset(const struct conf_key *key, FILE *to)
{
    if (key->preset == CONF_REQUIRED)
        fputs("required", to);
    else if (key->preset_text)
        fputs(key->preset_text, to);
    else if (isnan(key->preset))
        fputs("-", to);
    else
        fprintf(to, "%.12g", key->preset);
}

static void conf_keys_print_range(const struct conf_key *key, FILE *to)
{
    if (key->type == CONF_WORD) {
        for (int32_t w = 0; key->words[w]; w++)
            fprintf(to, "%s%s", w ? "|" : "", key->words[w]);
        fputs("\t-", to);
    } else if (key->type == CONF_MAP || key->type == CONF_BOOL) {
        fputs("-\t-", to);
    } else {
        fprintf(to, "%.12g\t%.12g", key->min, key->max);
    }
}

static void conf_keys_print(const struct conf_section *section, const char *prefix, FILE *to)
{
    for (int32_t k = 0; k < section->key_count; k++) {
        const struct conf_key *key = &section->keys[k];
        char inner[CONF_LABEL_MAX];

        fprintf(to, "%s%s%s\t%s\t%s\t", prefix, key->path, key->type == CONF_LIST ? "[]" : "",
                conf_keys_type(key), conf_keys_unit(key));
        conf_keys_print_range(key, to);
        fputc('\t', to);
        conf_keys_print_preset(key, to);
        fprintf(to, "\t%s\n", key->help);
        if (key->type == CONF_LIST) {
            snprintf(inner, sizeof inner, "%.100s%s[].", prefix, key->path);
            conf_keys_print(key->section, inner, to);
        }
    }
}

void conf_print_keys(FILE *to)
{
    fputs("key\ttype\tunit\tmin\tmax\tpreset\thelp\n", to);
    conf_keys_print(&conf_keys_root, "", to);
}
