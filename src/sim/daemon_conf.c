/* SPDX-License-Identifier: Apache-2.0 */
/* daemon_conf.c: writes what busbard needs to know of a served rack: tree,
 * limits, buses, devices, BMCs. Main thread, at start; files only.
 *
 * The limits are the meter's own, so that daemon and judge hold the rack to the
 * same figures.
 */
#include "daemon_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "busbar/check.h"
#include "serve_modbus.h"
#include "serve_redfish.h"
#include "serve_registers.h"
#include "serve_smbus.h"

#define DAEMON_CONF_GPU_PATH   "/redfish/v1/Systems/HGX_Baseboard_0/Processors/GPU_{n}/EnvironmentMetrics"
#define DAEMON_CONF_CHARGE_A   5.7  /* the charger's own, without an override       */
#define DAEMON_CONF_CHARGE_V   44.0 /* the pack's highest: current to power          */
#define DAEMON_CONF_SHARE      1.05 /* a shelf may carry so much more than its part   */
/* Held a little off the default, so that control has a set-point to write; within
 * the range a supply takes, and the same for all supplies of the bus. */
#define DAEMON_CONF_HOLD_HPR_V  50.1
#define DAEMON_CONF_HOLD_ORV3_V 50.9
#define DAEMON_CONF_BASE_RATIO 1.5  /* of the lowest limit: what `emergency` leaves  */
/* The breaker before the rack: as many watts as all its supplies can draw, 25 %
 * spare (a continuous load takes 80 % of a breaker's rating), an electronic release. */
#define DAEMON_CONF_BREAKER_RATIO 1.25
#define DAEMON_CONF_BREAKER_LONG_S 8
#define DAEMON_CONF_BREAKER_INSTANT_RATIO 10

/* Slow lines carry fewer readings a second. */
struct daemon_conf_line {
    int timeout_ms, fast_ms, slow_ms, stale_ms;
};
static const struct daemon_conf_line daemon_conf_line_fast = {
    .timeout_ms = 150, .fast_ms = 500, .slow_ms = 10000, .stale_ms = 4000
};
static const struct daemon_conf_line daemon_conf_line_slow = {
    .timeout_ms = 300, .fast_ms = 1500, .slow_ms = 20000, .stale_ms = 8000
};

struct daemon_conf {
    const struct serve *serve;
    const struct daemon_conf_options *opt;
    FILE *to;
    bool hpr;
};

static int daemon_conf_count(double value)
{
    return (int)lround(value);
}

static void daemon_conf_head(const struct daemon_conf *c)
{
    const char *dir = c->serve->run_dir;

    (void)fprintf(c->to,
                  "# Written by busbarsim for the rack it serves; of no use without it.\n"
                  "rack:\n  name: %s\n"
                  "control:\n  period_ms: 10\n  mode: %s\n  rt_priority: %d\n"
                  "state_dir: %s/state\nsocket: %s/busbar.sock\n\n",
                  c->serve->rack.name, c->opt->mode ? c->opt->mode : "observe", c->opt->rt_priority, dir,
                  dir);
}

/* AC input of all supplies at their rating. */
static double daemon_conf_supplies_w(const struct rack *rack)
{
    return rack->shelf_count * rack->shelf_psus * rack->psu_rated_w / rack->psu_efficiency_ratio;
}

/* What holds the busbar up, by the specification of this kind of hardware: what the
 * plant draws for its parts is not the daemon's to know. */
static void daemon_conf_sources(const struct daemon_conf *c)
{
    const struct plant *plant = &c->serve->plant;
    const char *kind = c->serve->rack.kind;
    int32_t bbus = 0;

    (void)fprintf(c->to, "\nbusbar: {node: busbar, nominal_input_v: %g}\nsources:\n", c->serve->rack.nominal_v);
    for (int32_t s = 0; s < plant->shelf_count; s++) {
        (void)fprintf(c->to, "  - {name: psus-%d, kind: psu, hardware: %s, node: shelf-%d, modules: %d, rated_w: %.0f}\n",
                      s + 1, kind, s + 1, plant->shelves[s].psu_count, c->serve->rack.psu_rated_w);
        bbus += plant->shelves[s].bbu_count;
    }
    if (bbus > 0)
        (void)fprintf(c->to, "  - {name: bbus, kind: bbu, hardware: %s, node: busbar, modules: %d}\n", kind, bbus);
    (void)fprintf(c->to,
                  "ride_through: {enabled: true}\nprotection: {enabled: true}\n"
                  "tokens: {zones: [{node: rack, rated_w: %.0f}]}\n",
                  c->opt->envelope_w);
}

static void daemon_conf_tree(const struct daemon_conf *c)
{
    const struct rack *rack = &c->serve->rack;
    struct rack_limit bears[RACK_SHELF_LIMITS_MAX];
    int32_t bears_count = rack_shelf_limits(rack, bears);
    int shelves = daemon_conf_count(rack->shelf_count);

    (void)fprintf(c->to,
                  "tree:\n  - name: rack\n    kind: rack\n    loss_ratio: %.3f\n"
                  "    breaker: {kind: lsi, rated_w: %.0f, long_s: %d, instant_ratio: %d}\n    limits:\n",
                  rack_tree_loss_ratio(rack), DAEMON_CONF_BREAKER_RATIO * daemon_conf_supplies_w(rack),
                  DAEMON_CONF_BREAKER_LONG_S, DAEMON_CONF_BREAKER_INSTANT_RATIO);
    for (int32_t i = 0; i < rack->windows_ms.count; i++)
        (void)fprintf(c->to, "      - {window_ms: %g, limit_w: %.1f}\n", rack->windows_ms.value[i],
                      c->opt->envelope_w);
    for (int s = 0; s < shelves; s++) {
        (void)fprintf(c->to, "  - name: shelf-%d\n    kind: shelf\n    parent: rack\n    bears:\n", s + 1);
        for (int32_t i = 0; i < bears_count; i++)
            (void)fprintf(c->to, "      - {window_ms: %d, limit_w: %.1f}\n", bears[i].window_ms,
                          bears[i].limit_w);
    }
    (void)fprintf(c->to, "  - name: busbar\n    kind: busbar\n    static_w: %.1f\n    parents:\n",
                  rack->switches_w);
    /* Each shelf has a spare supply of its own (N+1), so none is counted as lost; but
     * supplies share the current to within 5 % only. */
    for (int s = 0; s < shelves; s++)
        (void)fprintf(c->to, "      - {name: shelf-%d, share: %.6f}\n", s + 1,
                      shelves > 1 ? ceil(DAEMON_CONF_SHARE * 1e6 / shelves) / 1e6 : 1.0);
    for (int n = 0; n < daemon_conf_count(rack->node_count); n++)
        (void)fprintf(c->to, "  - {name: node-%d, kind: tray, parent: busbar, static_w: %.1f}\n", n + 1,
                      rack->node_static_w);
}

static void daemon_conf_buses(const struct daemon_conf *c)
{
    const struct daemon_conf_line *line =
        c->serve->rack.modbus_baud > 38400 ? &daemon_conf_line_fast : &daemon_conf_line_slow;

    (void)fprintf(c->to, "\nbuses:\n");
    for (int32_t i = 0; i < c->serve->plant.shelf_count; i++)
        (void)fprintf(
            c->to,
            "  - name: line-%d\n    kind: modbus-rtu\n    path: %s\n    baud: %d\n"
            "    parity: none           # a pty has no other\n"
            "    timeout_ms: %d\n    retry_max: 1\n    fast_ms: %d\n    slow_ms: %d\n    stale_ms: %d\n",
            i + 1, serve_modbus_path(c->serve->modbus, i), daemon_conf_count(c->serve->rack.modbus_baud),
            line->timeout_ms, line->fast_ms, line->slow_ms, line->stale_ms);
    if (c->serve->smbus)
        (void)fprintf(c->to,
                      "  - name: smbus-1\n    kind: smbus-socket\n    path: %s\n    timeout_ms: 200\n"
                      "    fast_ms: 200\n    slow_ms: 5000\n    stale_ms: 3000\n",
                      serve_smbus_path(c->serve->smbus));
}

/* Through the shelf's controller, where the rack file says so. */
static void daemon_conf_mirror(const struct daemon_conf *c, const char *kind, int32_t shelf, int32_t slot)
{
    if (c->hpr && c->serve->rack.mirror > 0.0 && slot < SERVE_REGISTERS_SLOTS)
        (void)fprintf(c->to, "    mirror: pmm-%s-%d\n    slot: %d\n", kind, shelf + 1, slot + 1);
}

static void daemon_conf_psu(const struct daemon_conf *c, int32_t shelf, int32_t slot)
{
    enum serve_registers_kind kind = c->hpr ? SERVE_REGISTERS_PSU_HPR : SERVE_REGISTERS_PSU_ORV3;

    (void)fprintf(
        c->to,
        "  - name: psu-%d-%d\n    bus: line-%d\n    address: 0x%02x\n    profile: %s\n    node: shelf-%d\n"
        "    source: psus-%d\n    measures: [{signal: psu_input_w, node: rack}]\n"
        "    levers:\n      - {signal: psu_output_setpoint_v, use: hold, value: %.1f, ride: output}\n",
        shelf + 1, slot + 1, shelf + 1, serve_registers_address(kind, shelf, slot),
        c->hpr ? "hpr-psu" : "orv3-psu", shelf + 1, shelf + 1, c->hpr ? DAEMON_CONF_HOLD_HPR_V : DAEMON_CONF_HOLD_ORV3_V);
    daemon_conf_mirror(c, "psu", shelf, slot);
}

static void daemon_conf_bbu(const struct daemon_conf *c, int32_t shelf, int32_t slot)
{
    enum serve_registers_kind kind = c->hpr ? SERVE_REGISTERS_BBU_HPR : SERVE_REGISTERS_BBU_ORV3;

    (void)fprintf(
        c->to,
        "  - name: bbu-%d-%d\n    bus: line-%d\n    address: 0x%02x\n    profile: %s\n    node: busbar\n"
        "    source: bbus\n    levers:\n      - {signal: bbu_charge_limit_a, use: charge, timeout_s: %.0f, volts: %g, "
        "fallback: %g, delay_worst_ms: 4000}\n",
        shelf + 1, slot + 1, shelf + 1, serve_registers_address(kind, shelf, slot),
        c->hpr ? "hpr-bbu" : "orv3-bbu", c->opt->charge_timeout_s, DAEMON_CONF_CHARGE_V,
        DAEMON_CONF_CHARGE_A);
    daemon_conf_mirror(c, "bbu", shelf, slot);
}

static void daemon_conf_devices(const struct daemon_conf *c)
{
    const struct plant *plant = &c->serve->plant;
    int32_t smbus_shelf = (int32_t)c->serve->rack.smbus_shelf - 1;

    (void)fprintf(c->to, "\ndevices:\n");
    for (int32_t s = 0; s < plant->shelf_count; s++) {
        for (int32_t i = 0; i < plant->shelves[s].psu_count; i++)
            daemon_conf_psu(c, s, i);
        for (int32_t i = 0; i < plant->shelves[s].bbu_count; i++)
            daemon_conf_bbu(c, s, i);
        if (!c->hpr)
            continue;
        (void)fprintf(
            c->to,
            "  - {name: pmm-psu-%d, bus: line-%d, address: 0x%02x, profile: hpr-pmm, node: shelf-%d}\n",
            s + 1, s + 1, serve_registers_address(SERVE_REGISTERS_PMM_PSU, s, 0), s + 1);
        (void)fprintf(
            c->to,
            "  - {name: pmm-bbu-%d, bus: line-%d, address: 0x%02x, profile: hpr-pmm-bbu, node: busbar}\n",
            s + 1, s + 1, serve_registers_address(SERVE_REGISTERS_PMM_BBU, s, 0));
    }
    for (int32_t i = 0; c->serve->smbus && i < plant->shelves[smbus_shelf].psu_count; i++)
        (void)fprintf(
            c->to,
            "  - name: psu-%d-%d-smbus\n    bus: smbus-1\n    address: 0x%02x\n    profile: pmbus-generic\n"
            "    node: rack             # the warning follows its part of the rack's limit\n    levers:\n"
            "      - {signal: psu_input_warn_w, use: warn, share: %.6f}\n",
            smbus_shelf + 1, i + 1, SERVE_SMBUS_ADDRESS + i, 1.0 / plant->psu_count);
}

static void daemon_conf_bmcs(const struct daemon_conf *c)
{
    const struct rack *rack = &c->serve->rack;
    double base_w = fmin(DAEMON_CONF_BASE_RATIO * rack->gpu_limit_min_w, rack->gpu_limit_max_w);

    (void)fprintf(c->to, "\nbmcs:\n");
    for (int32_t n = 0; n < c->serve->plant.node_count; n++)
        (void)fprintf(
            c->to,
            "  - name: bmc-%d\n    url: http://127.0.0.1:%d\n    username: %s\n"
            "    password_file: %s/bmc-password\n    node: node-%d\n"
            "    gpus: {count: %d, first: 0, min_w: %g, max_w: %g, base_w: %g, overshoot_ratio: %g,\n"
            "           path: \"%s\"}\n",
            n + 1, serve_redfish_port(c->serve->redfish, n), SERVE_REDFISH_USERNAME, c->serve->run_dir, n + 1,
            daemon_conf_count(rack->node_gpus), rack->gpu_limit_min_w, rack->gpu_limit_max_w, base_w,
            rack->gpu_overshoot_ratio, DAEMON_CONF_GPU_PATH);
}

/* ---- files ---- */

static void daemon_conf_place(const struct serve *serve, const char *name, char ret[PATH_MAX])
{
    /* run_dir comes from realpath(), sockets of 108 bytes live there as well */
    CHECK(snprintf(ret, PATH_MAX, "%.*s/%s", PATH_MAX - 64, serve->run_dir, name) < PATH_MAX);
}

void daemon_conf_socket(const struct serve *serve, char *ret, size_t room)
{
    char path[PATH_MAX];

    daemon_conf_place(serve, "busbar.sock", path);
    (void)snprintf(ret, room, "%s", path);
}

static enum status daemon_conf_failed(const char *path)
{
    (void)fprintf(stderr, "busbarsim: %s: %s\n", path, strerror(errno));
    return ST_SYS;
}

static enum status daemon_conf_surroundings(const struct serve *serve)
{
    char path[PATH_MAX];
    int fd;
    bool written;

    daemon_conf_place(serve, "state", path);
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return daemon_conf_failed(path);
    daemon_conf_place(serve, "bmc-password", path);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return daemon_conf_failed(path);
    written = fchmod(fd, 0600) == 0 && dprintf(fd, "%s\n", SERVE_REDFISH_PASSWORD) > 0;
    if (close(fd) != 0 || !written)
        return daemon_conf_failed(path);
    return ST_OK;
}

enum status daemon_conf_write(const struct serve *serve, const struct daemon_conf_options *opt)
{
    struct daemon_conf c = {
        .serve = serve,
        .opt = opt,
        .hpr = strcmp(serve->rack.kind, "hpr") == 0,
    };
    enum status st = daemon_conf_surroundings(serve);
    bool failed;

    if (st != ST_OK)
        return st;
    c.to = fopen(opt->path, "we");
    if (!c.to)
        return daemon_conf_failed(opt->path);
    daemon_conf_head(&c);
    daemon_conf_tree(&c);
    daemon_conf_sources(&c);
    daemon_conf_buses(&c);
    daemon_conf_devices(&c);
    daemon_conf_bmcs(&c);
    failed = ferror(c.to) != 0;
    if (fclose(c.to) != 0 || failed)
        return daemon_conf_failed(opt->path);
    return ST_OK;
}

static int daemon_conf_remove(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void daemon_conf_clean(const struct serve *serve, bool with_state)
{
    char path[PATH_MAX];

    daemon_conf_place(serve, "bmc-password", path);
    (void)unlink(path);
    daemon_conf_place(serve, "state", path);
    if (with_state)
        (void)nftw(path, daemon_conf_remove, 8, FTW_DEPTH | FTW_PHYS);
    else
        (void)rmdir(path);
}
