/* SPDX-License-Identifier: Apache-2.0 */
/* test_conf.c: files that are good: what is read, what is made of it for the core.
 *
 * Every test writes its files into a folder of its own under the temporary one.
 */
#include "busbar/conf.h"

#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define TEXT_MAX (1 << 20)

static char folder[256];

static const char *in_folder(const char *name)
{
    static char path[512];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put_bytes(const char *name, const char *bytes, size_t size)
{
    FILE *file = fopen(in_folder(name), "we");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void put(const char *name, const char *text)
{
    put_bytes(name, text, strlen(text));
}

static int make_folder(void **state)
{
    const char *top = getenv("TMPDIR");

    (void)state;
    snprintf(folder, sizeof folder, "%.200s/test_conf.XXXXXX", top ? top : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info, (void)type, (void)at;
    return remove(path);
}

static int remove_folder(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct conf *load(const char *name)
{
    struct conf_errors errors = { .count = 0 };
    struct conf *conf = NULL;
    enum status st = conf_load(in_folder(name), &conf, &errors);

    conf_errors_print(&errors, stderr);
    assert_int_equal(errors.count, 0);
    conf_errors_done(&errors);
    assert_int_equal(st, ST_OK);
    assert_non_null(conf);
    return conf;
}

/* Loads what must be refused; the only error holds `text`. */
static void refuse(const char *name, enum status want, const char *text)
{
    struct conf_errors errors = { .count = 0 };
    struct conf *conf = (void *)folder;

    assert_int_equal(conf_load(in_folder(name), &conf, &errors), want);
    assert_ptr_equal(conf, folder); /* left alone */
    assert_int_equal(errors.count, 1);
    if (!strstr(errors.list[0].text, text))
        fail_msg("\"%s\" is not in \"%s\"", text, errors.list[0].text);
    conf_errors_done(&errors);
}

static int32_t node_of(const struct conf *conf, const char *name)
{
    for (int32_t n = 0; n < conf->node_count; n++)
        if (strcmp(conf->nodes[n].name, name) == 0)
            return n;
    fail_msg("no node %s", name);
    return CORE_NONE;
}

static const struct conf_lever *lever_of(const struct conf *conf, const char *name)
{
    for (int32_t d = 0; d < conf->device_count; d++)
        for (int32_t l = 0; l < conf->devices[d].lever_count; l++)
            if (strcmp(conf->devices[d].levers[l].name, name) == 0)
                return &conf->devices[d].levers[l];
    fail_msg("no lever %s", name);
    return NULL;
}

/* The core's own checks stop the process on what it cannot work with. */
static void core_takes(const struct conf *conf)
{
    struct core *core = aligned_alloc(16, core_size(&conf->core));
    struct core_outputs *out = aligned_alloc(16, core_outputs_size(&conf->core));
    struct core_inputs in = { .now_us = 1000000, .plan = conf->plan };

    assert_non_null(core);
    assert_non_null(out);
    core_init(core, &conf->core);
    core_outputs_init(out, &conf->core);
    core_step(core, &in, out);
    assert_int_equal(out->lever_count, conf->core.lever_count);
    free(core);
    free(out);
}

/* ---- the example ---- */

/* config/busbar.yaml with the files it names replaced by ones that are here. */
static void put_example(void)
{
    static char text[TEXT_MAX], made[TEXT_MAX];
    FILE *file = fopen(BUSBAR_SOURCE_DIR "/config/busbar.yaml", "re");
    size_t used = 0, size;

    assert_non_null(file);
    size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = '\0';
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        const char *out = line;

        if (strstr(line, "password_file:"))
            out = "    password_file: password";
        if (strstr(line, "ca_file:"))
            out = "    ca_file: ca.pem";
        used += (size_t)snprintf(made + used, sizeof made - used, "%s\n", out);
    }
    put("busbar.yaml", made);
    put("password", "swordfish\nnot this\n");
    put("ca.pem", "");
}

static void the_example_loads(void **state)
{
    (void)state;
    put_example();

    struct conf *conf = load("busbar.yaml");
    const struct conf_device *bmc = &conf->devices[conf->device_count - 1];

    assert_string_equal(conf->rack_name, "r17");
    assert_int_equal(conf->period_us, 10000);
    assert_int_equal(conf->mode_first, CORE_WANT_OBSERVE);
    assert_int_equal(conf->rt_priority, 50);
    assert_int_equal(conf->cpu, -1);
    assert_true(conf->band.release_gain_per_s == 0.05 && conf->forecast_margin_w == 50.0);
    assert_int_equal(conf->record_ring_bytes, 32 << 20);
    assert_string_equal(conf->state_dir, "/var/lib/busbar");
    assert_string_equal(conf->socket, "/run/busbar/busbar.sock");
    assert_int_equal(conf->bus_count, 3);
    assert_int_equal(conf->buses[2].kind, CONF_BUS_REDFISH);
    assert_string_equal(conf->buses[2].name, "bmc-1");
    assert_int_equal(conf->buses[2].timeout_us, 5000000);
    assert_int_equal(conf->profile_count, 3);
    assert_string_equal(bmc->password, "swordfish");
    assert_string_equal(bmc->username, "busbar");
    assert_string_equal(bmc->ca_file, in_folder("ca.pem"));
    assert_int_equal(bmc->gpu_count, 4);
    assert_string_equal(bmc->gpus[3].path,
                        "/redfish/v1/Systems/HGX_Baseboard_0/Processors/GPU_3/EnvironmentMetrics");
    core_takes(conf);
    conf_free(conf);
}

static void the_example_makes_points_and_levers(void **state)
{
    (void)state;
    put_example();

    struct conf *conf = load("busbar.yaml");
    const struct core_config *core = &conf->core;
    const struct conf_device *bmc = &conf->devices[3];

    assert_int_equal(core->node_count, 9); /* 4 of the tree, 4 GPUs, 1 charger */
    assert_int_equal(core->lever_count, 7);
    /* a GPU: three readings of one answer, two of them points, and a limit */
    assert_int_equal(bmc->reading_count, 12);
    for (int32_t g = 0; g < 4; g++) {
        const struct conf_reading *power = &bmc->readings[3 * g];
        const struct core_config_lever *lever = &core->levers[bmc->levers[g].lever];

        assert_int_equal(power[0].signal, SIGNAL_GPU_POWER_W);
        assert_int_equal(power[1].signal, SIGNAL_GPU_POWER_LIMIT_W);
        assert_int_equal(power[2].signal, SIGNAL_GPU_ENERGY_J);
        assert_int_equal(power[2].point, CORE_NONE);
        assert_int_equal(power[0].row, g);
        assert_int_equal(lever->use, CORE_LEVER_LIMIT);
        assert_int_equal(lever->demand_point, power[0].point);
        assert_int_equal(lever->readback_point, power[1].point);
        assert_int_equal(lever->node, bmc->gpus[g].node);
        assert_int_equal(core->points[power[0].point].node, bmc->gpus[g].node);
        assert_int_equal(core->points[power[1].point].node, CORE_NONE);
        assert_int_equal(core->points[power[0].point].stale_after_us, 8000000);
        assert_true(lever->min == 200 && lever->max == 1200 && lever->base == 300 && lever->step == 1);
        assert_true(lever->overshoot_ratio == 0.12 && lever->timeout_us == 0 && lever->deadband == 15);
        assert_int_equal(lever->delay_worst_us, 6000000);
        assert_int_equal(core->nodes[lever->node].parent[0], node_of(conf, "node-1"));
    }
    conf_free(conf);
}

static void levers_of_each_use(void **state)
{
    (void)state;
    put_example();

    struct conf *conf = load("busbar.yaml");
    const struct core_config *core = &conf->core;
    const struct conf_lever *hold = lever_of(conf, "psu-1-1.psu_output_setpoint_v");
    const struct core_config_lever *lever = &core->levers[hold->lever];
    struct core_plan_lever *plan = core_plan_levers(conf->plan);

    assert_int_equal(lever->use, CORE_LEVER_HOLD);
    assert_true(hold->hold_value == 50.0 && plan[hold->lever].target == 50.0);
    assert_int_equal(lever->node, node_of(conf, "shelf-1"));
    assert_int_equal(core->points[lever->readback_point].signal, SIGNAL_PSU_OUTPUT_SETPOINT_V);
    assert_int_equal(core->points[lever->readback_point].stale_after_us, 7000000); /* a slow row */

    hold = lever_of(conf, "bbu-1-1.bbu_charge_limit_a");
    lever = &core->levers[hold->lever];
    assert_int_equal(lever->use, CORE_LEVER_CHARGE);
    assert_int_equal(lever->node, node_of(conf, "bbu-1-1.charge"));
    assert_int_equal(core->nodes[lever->node].parent[0], node_of(conf, "busbar"));
    assert_true(lever->watts_per_unit == 44 && lever->fallback == 5.7 && lever->min == 0.1);
    assert_int_equal(lever->timeout_us, 60000000);
    assert_int_equal(lever->demand_point, CORE_NONE);
    assert_int_equal(plan[hold->lever].priority, 0);

    hold = lever_of(conf, "psu-1-1-smbus.psu_input_warn_w");
    lever = &core->levers[hold->lever];
    assert_int_equal(lever->use, CORE_LEVER_WARN);
    assert_true(lever->share == 0.25 && lever->step == 32);
    assert_int_equal(lever->node, node_of(conf, "shelf-1"));

    hold = lever_of(conf, "bmc-1.gpu-3");
    assert_int_equal(plan[hold->lever].priority, 4);
    assert_true(plan[hold->lever].weight == 1.0);
    conf_free(conf);
}

/* A second value of a lever and of each GPU's setting; the rest has none. */
static void what_a_peak_arms_reaches_the_plan(void **state)
{
    (void)state;
    put("password", "swordfish\n");
    put("busbar.yaml",
        "rack: {name: r}\n"
        "control: {forecast: {learn: true, arm_ratio: 0.9, arm_hold_s: 45}}\n"
        "tree: [{name: rack, kind: rack}]\n"
        "buses: [{name: line, kind: modbus-rtu, path: /dev/ttyS0}]\n"
        "devices:\n"
        "  - {name: psu-1, bus: line, address: 0x90, profile: hpr-psu, node: rack,\n"
        "     levers: [{signal: psu_output_setpoint_v, use: hold, value: 50, armed: 51}]}\n"
        "  - {name: psu-2, bus: line, address: 0x91, profile: hpr-psu, node: rack,\n"
        "     levers: [{signal: psu_output_setpoint_v, use: hold, value: 50}]}\n"
        "bmcs:\n"
        "  - {name: bmc, url: 'https://192.0.2.1', username: u, password_file: password, node: rack,\n"
        "     settings: [{signal: gpu_smoothing, value: 0, armed: 1}],\n"
        "     gpus: {count: 2, path: '/gpu{n}', min_w: 200, max_w: 1200}}\n");

    struct conf *conf = load("busbar.yaml");
    const struct core_plan_lever *plan = core_plan_levers(conf->plan);

    assert_int_equal(conf->core.forecast, CORE_FORECAST_LEARN);
    assert_true(conf->plan->arm_ratio == 0.9);
    assert_int_equal(conf->plan->arm_hold_us, 45000000);
    assert_true(plan[lever_of(conf, "psu-1.psu_output_setpoint_v")->lever].armed == 51.0);
    assert_true(isnan(plan[lever_of(conf, "psu-2.psu_output_setpoint_v")->lever].armed));
    assert_true(isnan(plan[lever_of(conf, "bmc.gpu-0")->lever].armed));
    for (int32_t g = 0; g < 2; g++) {
        char name[48];

        snprintf(name, sizeof name, "bmc.gpu_smoothing.%d", (int)g);
        assert_true(plan[lever_of(conf, name)->lever].target == 0.0);
        assert_true(plan[lever_of(conf, name)->lever].armed == 1.0);
    }
    core_takes(conf);
    conf_free(conf);
}

static void one_reading_a_device_shows_that_it_lives(void **state)
{
    (void)state;
    put_example();

    struct conf *conf = load("busbar.yaml");

    for (int32_t d = 0; d < conf->device_count; d++) {
        const struct conf_device *device = &conf->devices[d];
        int32_t fast = 0, all = 0;

        for (int32_t r = 0; r < device->reading_count; r++) {
            all += device->readings[r].point != CORE_NONE;
            fast += device->readings[r].point != CORE_NONE && device->readings[r].poll == POLL_FAST;
            if (device->readings[r].point != CORE_NONE)
                assert_int_equal(conf->core.points[device->readings[r].point].device, d);
        }
        assert_true(fast >= 1);
        assert_true(all <= 2 * (device->gpu_count ? device->gpu_count : 1));
    }
    /* psu-1-1 measures the rack with its input power, and that is its sign of life too */
    assert_int_equal(conf->core.points[0].signal, SIGNAL_PSU_INPUT_W);
    assert_int_equal(conf->core.points[0].node, node_of(conf, "rack"));
    conf_free(conf);
}

/* ---- the tree ---- */

static void parents_come_first_whatever_the_order(void **state)
{
    (void)state;
    put("busbar.yaml",
        "rack: {name: r}\n"
        "tree:\n"
        "  - {name: leaf, kind: tray, parent: busbar, static_w: 10}\n"
        "  - {name: busbar, kind: busbar, parents: [{name: b}, {name: a, share: 0.5}]}\n"
        "  - {name: a, kind: feed, loss_ratio: 0.5, loss_w: 3, bears: [{window_ms: 2.5, limit_w: 90}]}\n"
        "  - {name: b, kind: feed, limits: [{window_ms: 1000, limit_w: 70, standing_w: 60}]}\n");

    struct conf *conf = load("busbar.yaml");
    const struct core_config_node *nodes = conf->core.nodes;
    const struct core_plan_node *plan = core_plan_nodes(conf->plan);
    int32_t busbar = node_of(conf, "busbar"), a = node_of(conf, "a"), b = node_of(conf, "b");

    for (int32_t n = 0; n < conf->node_count; n++)
        for (int32_t p = 0; p < nodes[n].parent_count; p++)
            assert_true(nodes[n].parent[p] < n);
    assert_int_equal(nodes[busbar].parent_count, 2);
    assert_int_equal(nodes[busbar].parent[0], b);
    assert_int_equal(nodes[busbar].parent[1], a);
    assert_true(nodes[busbar].share[0] == 1.0 && nodes[busbar].share[1] == 0.5);
    assert_true(nodes[a].loss_ratio == 0.5 && nodes[a].loss_w == 3 && nodes[a].limit_count == 1);
    assert_int_equal(nodes[a].limit[0].window_us, 2500);
    assert_int_equal(plan[a].limit_count, 0);
    assert_int_equal(plan[b].limit_count, 1);
    assert_true(plan[b].limit[0].limit_w == 70 && plan[b].limit[0].limit_standing_w == 60);
    assert_true(plan[b].limit[0].expires_us == CORE_FOREVER);
    assert_true(nodes[node_of(conf, "leaf")].static_w == 10);
    core_takes(conf);
    conf_free(conf);
}

static void a_tree_of_33_levels_is_refused(void **state)
{
    static char text[TEXT_MAX];
    size_t used =
        (size_t)snprintf(text, sizeof text, "rack: {name: r}\ntree:\n  - {name: n32, kind: feed}\n");

    (void)state;
    for (int i = 31; i >= 0; i--)
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "  - {name: n%d, kind: tray, parent: n%d}\n", i, i + 1);
    put("busbar.yaml", text);
    refuse("busbar.yaml", ST_REFUSED,
           "busbar.yaml:35:12: tree[n0].name: is on level 33 of the tree, allowed 32");
}

static void a_group_takes_nodes_for_their_leaves(void **state)
{
    (void)state;
    put("busbar.yaml",
        "rack: {name: r}\n"
        "tree: [{name: rack, kind: rack}, {name: n1, kind: tray, parent: rack}, {name: n2, kind: tray, "
        "parent: rack}]\n"
        "bmcs:\n"
        "  - {name: b1, url: 'http://[::1]:8000', node: n1,\n"
        "     gpus: {count: 2, path: '/x{n}/y', first: 7, min_w: 100, max_w: 700, weight: 3, priority: 1}}\n"
        "groups:\n"
        "  - {name: all, members: [rack, b1.gpu-0], limits: [{window_ms: 1000, limit_w: 500}]}\n"
        "  - {name: one, members: [b1.gpu-1], limits: [{window_ms: 1000, limit_w: 500, standing_w: 400}]}\n");

    struct conf *conf = load("busbar.yaml");
    const struct core_plan_group *groups = core_plan_groups(conf->plan);
    const int32_t *members = core_plan_members(conf->plan);

    assert_int_equal(conf->groups[0].member_count, 3); /* n2 and both GPUs, each once */
    assert_int_equal(conf->groups[1].member_count, 1);
    assert_int_equal(conf->plan->group_count, 2);
    assert_int_equal(conf->plan->member_count, 4);
    assert_int_equal(members[groups[1].member_first], node_of(conf, "b1.gpu-1"));
    assert_true(groups[1].limit[0].limit_standing_w == 400);
    assert_true(conf->core.group_max > 2 && conf->core.group_member_max > 4);
    assert_string_equal(conf->devices[0].gpus[1].path, "/x8/y");
    assert_true(core_plan_levers(conf->plan)[1].weight == 3.0);
    assert_int_equal(core_plan_levers(conf->plan)[1].priority, 1);
    assert_true(conf->core.levers[0].base == 100); /* min_w, where base_w is not given */
    core_takes(conf);
    conf_free(conf);
}

/* ---- files ---- */

static const char small[] = "rack: {name: r}\ntree: [{name: rack, kind: rack}]\n";

static void absent_keys_have_their_presets(void **state)
{
    (void)state;
    put("busbar.yaml", "rack: {name: r}\n"
                       "tree: [{name: rack, kind: rack}]\n"
                       "buses:\n"
                       "  - {name: a, kind: modbus-rtu, path: /dev/ttyS0}\n"
                       "  - {name: b, kind: modbus-tcp, host: gateway}\n"
                       "  - {name: c, kind: smbus-linux, path: /dev/i2c-1}\n"
                       "  - {name: d, kind: smbus-socket, path: s.sock}\n"
                       "  - {name: e, kind: modbus-rtu, path: /dev/ttyS1}\n"
                       "devices:\n"
                       "  - {name: psu, bus: a, address: 0xE8, profile: orv3-psu, node: rack}\n");

    struct conf *conf = load("busbar.yaml");

    assert_int_equal(conf->period_us, 10000);
    assert_int_equal(conf->rt_priority, 0);
    assert_true(conf->band.cap_ratio == 0.99 && conf->recharge_ratio == 0.95);
    assert_true(conf->plan->arm_ratio == 0.95 && conf->plan->arm_hold_us == 30000000);
    assert_int_equal(conf->buses[0].timeout_us, 100000);
    assert_int_equal(conf->buses[0].baud, 19200); /* the book's */
    assert_int_equal(conf->buses[0].parity, 'E');
    assert_int_equal(conf->buses[0].stop_bits, 1);
    assert_int_equal(conf->buses[0].retry_max, 1);
    assert_int_equal(conf->buses[1].timeout_us, 300000);
    assert_int_equal(conf->buses[1].port, 502);
    assert_int_equal(conf->buses[2].timeout_us, 50000);
    assert_int_equal(conf->buses[2].fast_us, 200000);
    assert_int_equal(conf->buses[2].slow_us, 5000000);
    assert_int_equal(conf->buses[2].stale_us, 2000000);
    assert_string_equal(conf->buses[3].path, in_folder("s.sock"));
    assert_int_equal(conf->buses[4].baud, 115200);
    conf_free(conf);
}

static void drop_ins_add_items_and_override_scalars(void **state)
{
    (void)state;
    put("busbar.yaml", small);
    assert_int_equal(mkdir(in_folder("conf.d"), 0700), 0);
    put("conf.d/20-more.yaml",
        "tree: [{name: node-2, kind: tray, parent: rack}]\ncontrol: {mode: emergency}\n"
        "state_dir: state\n");
    put("conf.d/10-some.yaml",
        "tree:\n  - {name: node-1, kind: tray, parent: node-2}\ncontrol:\n  mode: control\n"
        "  period_ms: 20\n");
    put("conf.d/30-empty.yaml", "# nothing yet\n");
    put("conf.d/not-this.yml", "nonsense: [\n");
    put("conf.d/.hidden.yaml", "nonsense: [\n");

    struct conf *conf = load("busbar.yaml");

    assert_int_equal(conf->node_count, 3);
    assert_int_equal(conf->mode_first, CORE_WANT_EMERGENCY); /* 20 after 10 */
    assert_int_equal(conf->plan->mode_wanted, CORE_WANT_EMERGENCY);
    assert_int_equal(conf->period_us, 20000);
    assert_true(node_of(conf, "node-1") > node_of(conf, "node-2"));
    assert_string_equal(conf->state_dir, in_folder("conf.d/state"));
    conf_free(conf);

    put("conf.d/20-more.yaml",
        "tree: [{name: node-2, kind: tray, parent: rack}, {name: rack, kind: tray}]\n");
    refuse("busbar.yaml", ST_REFUSED, "also in ");
    put("conf.d/20-more.yaml", "tree:\n  - {name: node-2, kind: trey, parent: rack}\n");
    refuse("busbar.yaml", ST_REFUSED, "20-more.yaml:2:26: tree[node-2].kind: \"trey\" is not known");
}

static void what_cannot_be_read_is_said(void **state)
{
    (void)state;
    refuse("absent.yaml", ST_SYS, "absent.yaml: cannot be read: No such file or directory");
    refuse("", ST_SYS, ": cannot be read: Is a directory");
}

static void over_16_mib_is_refused(void **state)
{
    size_t size = 16 * 1024 * 1024 + 1;
    char *text = malloc(size);

    (void)state;
    assert_non_null(text);
    memset(text, '\n', size);
    memcpy(text, small, strlen(small));
    put_bytes("busbar.yaml", text, size);
    refuse("busbar.yaml", ST_REFUSED, "is over 16 MiB");
    put_bytes("busbar.yaml", text, size - 1);
    conf_free(load("busbar.yaml"));
    free(text);
}

static void a_byte_order_mark_and_windows_lines_are_taken(void **state)
{
    (void)state;
    put("busbar.yaml", "\xef\xbb\xbfrack: {name: r}\r\ntree: [{name: rack, kind: rack}]\r\n");
    conf_free(load("busbar.yaml"));
}

static void a_thousand_errors_are_enough(void **state)
{
    static char text[TEXT_MAX];
    struct conf_errors errors = { .count = 0 };
    struct conf *conf = NULL;
    size_t used = 0;

    (void)state;
    used += (size_t)snprintf(text, sizeof text, "rack: {name: r}\ntree:\n");
    for (int i = 0; i < 1500; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "  - {name: n%d, kind: x}\n", i);
    put("busbar.yaml", text);
    assert_int_equal(conf_load(in_folder("busbar.yaml"), &conf, &errors), ST_REFUSED);
    assert_int_equal(errors.count, 1001);
    assert_non_null(strstr(errors.list[0].text, ":3:22: tree[n0].kind: \"x\" is not known"));
    assert_non_null(strstr(errors.list[1000].text, "too many errors"));
    conf_errors_done(&errors);
    conf_errors_done(&errors); /* twice does no harm */
    assert_null(conf_free(NULL));
}

static void own_profiles_come_first(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_folder("mine"), 0700), 0);
    put("mine/hpr-psu.yaml",
        "model: Mine\nmatch: {register: 1, text: A}\nrows:\n"
        "  - {address: 1, type: text, length: 2, signal: device_model, poll: once, source: s}\n"
        "  - {address: 2, type: u16, signal: psu_input_v, poll: slow, source: s}\n");
    put("busbar.yaml", "rack: {name: r}\ntree: [{name: rack, kind: rack}]\nprofiles: [mine]\n"
                       "buses: [{name: a, kind: modbus-rtu, path: /dev/ttyS0, stuck_after_s: 3}]\n"
                       "devices: [{name: p, bus: a, address: 1, profile: hpr-psu, node: rack}]\n");

    struct conf *conf = load("busbar.yaml");

    assert_string_equal(conf->profiles[0].model, "Mine");
    assert_int_equal(conf->core.point_count, 1); /* no fast row: the slow one shows life */
    assert_int_equal(conf->core.points[0].stale_after_us, 7000000);
    assert_int_equal(conf->core.points[0].stuck_after_us, 0);
    conf_free(conf);
}

static void a_reading_may_be_called_stuck_but_a_setting_not(void **state)
{
    (void)state;
    put_example();
    put("more.yaml", "");
    assert_int_equal(mkdir(in_folder("conf.d"), 0700), 0);
    put("conf.d/a.yaml", "bmcs:\n"
                         "  - {name: b, url: 'http://127.0.0.1', node: node-1, stuck_after_s: 30,\n"
                         "     gpus: {count: 1, path: /x, min_w: 200, max_w: 700}}\n");

    struct conf *conf = load("busbar.yaml");
    const struct conf_device *device = &conf->devices[conf->device_count - 1];

    assert_int_equal(conf->core.points[device->readings[0].point].stuck_after_us, 30000000);
    assert_int_equal(conf->core.points[device->readings[1].point].stuck_after_us, 0);
    assert_int_equal(conf->core.points[0].stuck_after_us, 0);
    conf_free(conf);
}

/* ---- reload ---- */

static void a_map_finds_things_by_name(void **state)
{
    struct core_map map;
    void *block = NULL;

    (void)state;
    put_example();

    struct conf *old = load("busbar.yaml");

    assert_int_equal(mkdir(in_folder("conf.d"), 0700), 0);
    put("conf.d/a.yaml",
        "tree: [{name: feed, kind: feed}]\n"
        "devices:\n"
        "  - {name: psu-1-2, bus: line-1, address: 0x91, profile: hpr-psu, node: shelf-1}\n");

    struct conf *now = load("busbar.yaml");

    assert_int_equal(conf_map(now, old, &map, &block), ST_OK);
    assert_int_equal(map.node[node_of(now, "feed")], CORE_NONE);
    assert_int_equal(map.node[node_of(now, "bmc-1.gpu-2")], node_of(old, "bmc-1.gpu-2"));
    assert_int_equal(map.node[node_of(now, "rack")], node_of(old, "rack"));
    assert_int_equal(map.lever[lever_of(now, "bmc-1.gpu-2")->lever], lever_of(old, "bmc-1.gpu-2")->lever);
    assert_int_equal(map.lever[lever_of(now, "bbu-1-1.bbu_charge_limit_a")->lever],
                     lever_of(old, "bbu-1-1.bbu_charge_limit_a")->lever);
    assert_int_equal(map.device[3], CORE_NONE);
    assert_int_equal(map.device[4], 3);
    for (int32_t p = 0; p < now->core.point_count; p++) {
        const struct core_config_point *point = &now->core.points[p];

        if (point->device == 3)
            assert_int_equal(map.point[p], CORE_NONE);
        else
            assert_int_equal(old->core.points[map.point[p]].signal, point->signal);
    }
    free(block);
    conf_free(now);
    conf_free(old);
}

/* ---- the table of keys ---- */

static void every_key_is_printed_with_seven_columns(void **state)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    int lines = 0;

    (void)state;
    assert_non_null(file);
    conf_print_keys(file);
    fclose(file);
    assert_non_null(
        strstr(text, "\ncontrol.period_ms\tnumber\tms\t1\t1000\t10\tTime between two control steps.\n"));
    assert_non_null(strstr(text, "\ntree[].limits[].limit_w\tnumber\tW\t1\t100000000\trequired\t"));
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++) {
        int tabs = 0;

        for (const char *at = line; *at; at++)
            tabs += *at == '\t';
        assert_int_equal(tabs, 6);
    }
    assert_true(lines > 100);
    free(text);
}

/* ---- size ---- */

static void put_rack(int32_t bmcs, int32_t shelves)
{
    static char text[TEXT_MAX];
    size_t used =
        (size_t)snprintf(text, sizeof text, "rack: {name: big}\ntree:\n  - {name: rack, kind: rack}\n");

    for (int32_t i = 0; i < bmcs; i++)
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "  - {name: node-%d, kind: tray, parent: rack}\n", i);
    used += (size_t)snprintf(text + used, sizeof text - used, "buses:\n");
    for (int32_t i = 0; i < shelves; i++)
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "  - {name: line-%d, kind: modbus-rtu, path: /dev/ttyS%d}\n", i, i);
    used += (size_t)snprintf(text + used, sizeof text - used, "devices:\n");
    for (int32_t i = 0; i < 6 * shelves; i++)
        used +=
            (size_t)snprintf(text + used, sizeof text - used,
                             "  - {name: psu-%d, bus: line-%d, address: %d, profile: hpr-psu, node: rack,\n"
                             "     measures: [{signal: psu_input_w, node: rack}],\n"
                             "     levers: [{signal: psu_output_setpoint_v, use: hold, value: 50}]}\n"
                             "  - {name: bbu-%d, bus: line-%d, address: %d, profile: hpr-bbu, node: rack,\n"
                             "     levers: [{signal: bbu_charge_limit_a, use: charge, timeout_s: 60, volts: "
                             "44, fallback: 5.7}]}\n",
                             i, i / 6, 0x90 + i % 6, i, i / 6, 0x30 + i % 6);
    used += (size_t)snprintf(text + used, sizeof text - used, "bmcs:\n");
    for (int32_t i = 0; i < bmcs; i++)
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "  - {name: bmc-%d, url: 'https://192.0.2.%d', node: node-%d,\n"
                                 "     gpus: {count: 4, path: '/gpu{n}', min_w: 200, max_w: 1200}}\n",
                                 i, i, i);
    put("busbar.yaml", text);
}

static void a_rack_of_72_gpus_loads(void **state)
{
    struct timespec from, to;

    (void)state;
    put_rack(18, 4);
    clock_gettime(CLOCK_MONOTONIC, &from);

    struct conf *conf = load("busbar.yaml");

    clock_gettime(CLOCK_MONOTONIC, &to);
    print_message("72 GPUs, 24 PSUs, 24 BBUs: %.1f ms\n",
                  (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6);
    assert_int_equal(conf->device_count, 24 + 24 + 18);
    assert_int_equal(conf->node_count, 1 + 18 + 72 + 24);
    assert_int_equal(conf->core.lever_count, 24 + 24 + 72);
    assert_int_equal(conf->core.point_count, 2 * 24 + 2 * 24 + 2 * 72);
    assert_int_equal(conf->profile_count, 2);
    core_takes(conf);
    conf_free(conf);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        TEST(the_example_loads),
        TEST(the_example_makes_points_and_levers),
        TEST(levers_of_each_use),
        TEST(what_a_peak_arms_reaches_the_plan),
        TEST(one_reading_a_device_shows_that_it_lives),
        TEST(parents_come_first_whatever_the_order),
        TEST(a_tree_of_33_levels_is_refused),
        TEST(a_group_takes_nodes_for_their_leaves),
        TEST(absent_keys_have_their_presets),
        TEST(drop_ins_add_items_and_override_scalars),
        TEST(what_cannot_be_read_is_said),
        TEST(over_16_mib_is_refused),
        TEST(a_byte_order_mark_and_windows_lines_are_taken),
        TEST(a_thousand_errors_are_enough),
        TEST(own_profiles_come_first),
        TEST(a_reading_may_be_called_stuck_but_a_setting_not),
        TEST(a_map_finds_things_by_name),
        TEST(every_key_is_printed_with_seven_columns),
        TEST(a_rack_of_72_gpus_loads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
