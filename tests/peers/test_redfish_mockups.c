/* SPDX-License-Identifier: Apache-2.0 */
/* test_redfish_mockups.c: the Redfish adapter against captured trees of real machines.
 *
 * A Python server of another language's HTTP stack answers with what those
 * machines said. The trees are found under BUSBAR_DATA; without them: skipped.
 */
#include "field/redfish.h"

#include <event2/event.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "busbar/conf.h"
#include "busbar/http.h"
#include "field/adapter.h"

#define LONG_S      60
#define SKIP_STATUS 77

struct rig {
    pid_t pid;
    int input; /* of the server: closing it ends it               */
    struct event_base *base;
    struct event *alarm;
    bool late;
    struct http_client *client;
    struct conf *conf;
    struct adapter adapter;
    struct device_orders orders;
    struct device_state state;
    struct redfish *redfish;
};

static const char *rig_source(void)
{
    const char *source = getenv("BUSBAR_SOURCE");

    return source ? source : ".";
}

static void rig_data(const char *mockup, char *path, size_t room)
{
    const char *data = getenv("BUSBAR_DATA");

    if (data)
        (void)snprintf(path, room, "%s/redfish/%s", data, mockup);
    else
        (void)snprintf(path, room, "%s/../shared/data/redfish/%s", rig_source(), mockup);
}

static int rig_serve(struct rig *rig, const char *mockup, const char *option, const char *value)
{
    int in[2], out[2], port = 0;
    char script[512], root[512];
    FILE *said;

    (void)snprintf(script, sizeof script, "%s/tests/peers/mockup_server.py", rig_source());
    rig_data(mockup, root, sizeof root);
    assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
    rig->pid = fork();
    assert_true(rig->pid >= 0);
    if (rig->pid == 0) {
        (void)dup2(in[0], STDIN_FILENO);
        (void)dup2(out[1], STDOUT_FILENO);
        (void)execl("/usr/bin/python3", "python3", script, root, option, value, (char *)NULL);
        _exit(127);
    }
    (void)close(in[0]);
    (void)close(out[1]);
    rig->input = in[1];
    said = fdopen(out[0], "r");
    assert_non_null(said);
    assert_int_equal(fscanf(said, "%d", &port), 1);
    (void)fclose(said);
    return port;
}

static void rig_on_alarm(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    ((struct rig *)arg)->late = true;
}

static void rig_device(struct rig *rig, const char *scheme, int port, const char *const *paths, int count)
{
    static const enum signal signals[] = {SIGNAL_GPU_POWER_W, SIGNAL_GPU_POWER_LIMIT_W};
    struct conf_device *device = &rig->conf->devices[0];

    (void)snprintf(device->name, sizeof device->name, "bmc-1");
    (void)snprintf(device->url, sizeof device->url, "%s://127.0.0.1:%d", scheme, port);
    (void)snprintf(device->username, sizeof device->username, "root");
    (void)snprintf(device->password, sizeof device->password, "secret");
    device->gpu_count = device->lever_count = count;
    device->reading_count = 2 * count;
    device->gpus = calloc((size_t)count, sizeof *device->gpus);
    for (int g = 0; g < count; g++) {
        (void)snprintf(device->gpus[g].path, sizeof device->gpus[g].path, "%s/EnvironmentMetrics", paths[g]);
        (void)snprintf(device->levers[g].name, sizeof device->levers[g].name, "bmc-1.gpu-%d", g);
        device->levers[g].row = g;
        device->levers[g].signal = SIGNAL_GPU_POWER_LIMIT_W;
        for (int r = 0; r < 2; r++) {
            device->readings[2 * g + r] = (struct conf_reading){.row = g, .signal = signals[r]};
            rig->adapter.state.readings[2 * g + r].status = ST_NONE;
        }
    }
    rig->adapter.state.reading_count = device->reading_count;
    rig->adapter.state.lever_count = device->lever_count;
}

/* `option` and `value` are for the server; `ca_file` (or NULL) is for us. */
struct rig_how {
    const char *option, *value, *ca_file;
};

static void rig_init(struct rig *rig, const char *mockup, const struct rig_how *how, const char *const *paths,
                     int count)
{
    struct http_client_options client = {.host_connections_max = 2, .body_max = 4 << 20}; /* as busbard */
    struct redfish_options options;

    memset(rig, 0, sizeof *rig);
    rig->base = client.base = event_base_new();
    rig->alarm = evtimer_new(rig->base, rig_on_alarm, rig);
    assert_int_equal(http_client_new(&client, &rig->client), ST_OK);
    rig->conf = calloc(1, sizeof *rig->conf);
    rig->conf->buses = calloc(1, sizeof *rig->conf->buses);
    rig->conf->devices = calloc(1, sizeof *rig->conf->devices);
    rig->conf->buses[0] = (struct conf_bus){
        .kind = CONF_BUS_REDFISH, .timeout_us = 5000000, .fast_us = 50000, .stale_us = 2000000};
    (void)snprintf(rig->conf->state_dir, sizeof rig->conf->state_dir, "/tmp/busbar-mockup-XXXXXX");
    assert_non_null(mkdtemp(rig->conf->state_dir));
    rig->adapter.conf = rig->conf;
    rig->adapter.device = &rig->conf->devices[0];
    rig_device(rig, how->value ? "https" : "http", rig_serve(rig, mockup, how->option, how->value), paths,
               count);
    if (how->ca_file)
        (void)snprintf(rig->conf->devices[0].ca_file, sizeof rig->conf->devices[0].ca_file, "%s",
                       how->ca_file);
    rig->state = rig->adapter.state;
    assert_int_equal(mailbox_new(sizeof(struct device_state), &rig->adapter.to_tick), ST_OK);
    assert_int_equal(mailbox_new(sizeof(struct device_state), &rig->adapter.to_main), ST_OK);
    assert_int_equal(mailbox_new(sizeof(struct device_orders), &rig->adapter.from_tick), ST_OK);
    options = (struct redfish_options){
        .base = rig->base, .client = rig->client, .conf = rig->conf, .adapter = &rig->adapter};
    assert_int_equal(redfish_new(&options, &rig->redfish), ST_OK);
}

#define UNTIL(rig, done)                                                                                     \
    do {                                                                                                     \
        struct timeval limit = {.tv_sec = LONG_S};                                                           \
                                                                                                             \
        assert_int_equal(event_add((rig)->alarm, &limit), 0);                                                \
        while (!(rig)->late && (rig_look(rig), !(done)))                                                     \
            event_base_loop((rig)->base, EVLOOP_ONCE);                                                       \
        assert_true(done);                                                                                   \
    } while (0)

static void rig_look(struct rig *rig)
{
    (void)mailbox_get(rig->adapter.to_main, &rig->state);
}

static void rig_done(struct rig *rig)
{
    char path[CONF_PATH_MAX + 32];

    redfish_logout(rig->redfish);
    UNTIL(rig, !redfish_busy(rig->redfish));
    redfish_free(rig->redfish);
    http_client_free(rig->client);
    (void)close(rig->input);
    assert_int_equal(waitpid(rig->pid, NULL, 0), rig->pid);
    mailbox_free(rig->adapter.to_tick);
    mailbox_free(rig->adapter.to_main);
    mailbox_free(rig->adapter.from_tick);
    (void)snprintf(path, sizeof path, "%s/originals/bmc-1", rig->conf->state_dir);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/originals", rig->conf->state_dir);
    (void)rmdir(path);
    (void)snprintf(path, sizeof path, "%s/sessions", rig->conf->state_dir);
    (void)rmdir(path);
    (void)rmdir(rig->conf->state_dir);
    free(rig->conf->devices[0].gpus);
    free(rig->conf->devices);
    free(rig->conf->buses);
    free(rig->conf);
    event_free(rig->alarm);
    event_base_free(rig->base);
}

static void rig_ordered(struct rig *rig, int lever, enum device_op op, double value, enum status status)
{
    struct device_order *order = &rig->orders.levers[lever];

    *order = (struct device_order){
        .number = order->number + 1, .op = op, .value = value, .lease_end_us = INT64_MAX};
    mailbox_put(rig->adapter.from_tick, &rig->orders);
    redfish_orders(rig->redfish);
    UNTIL(rig, rig->state.acks[lever].number == order->number);
    assert_int_equal(rig->state.acks[lever].status, status);
}

static bool rig_reads(const struct rig *rig, int gpu, double power_w, double limit_w)
{
    const struct device_reading *power = &rig->state.readings[2 * gpu], *limit = power + 1;

    return power->status == ST_OK && limit->status == ST_OK && fabs(power->value - power_w) < 1e-6 &&
           fabs(limit->value - limit_w) < 1e-6;
}

/* ---- the machines ---- */

static const struct rig_how plain = {.option = NULL};

static const char *const gh200[] = {
    "/redfish/v1/Systems/HGX_Baseboard_0/Processors/GPU_0",
    "/redfish/v1/Systems/HGX_Baseboard_0/Processors/GPU_1",
    "/redfish/v1/Chassis/HGX_ProcessorModule_0",
};

static void a_gh200s_gpus_are_read_and_written_but_not_its_non_volatile_module(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig, "nvidia-gh200", &plain, gh200, 3);
    UNTIL(&rig, rig.state.readings[5].status == ST_OK && rig_reads(&rig, 0, 84.821, 900.0));
    assert_string_equal(rig.state.serial, "21ec4218bd704a73a476990523953642");
    assert_true(fabs(rig.state.readings[5].value - 420.0) < 1e-6); /* the module's limit is read */
    assert_int_equal(rig.state.readings[4].status, ST_ABSENT);     /* it shows no power */
    rig_ordered(&rig, 0, DEVICE_OP_SET, 500.0, ST_OK);
    UNTIL(&rig, rig_reads(&rig, 0, 84.821, 500.0));
    rig_ordered(&rig, 1, DEVICE_OP_SET, 901.0, ST_RANGE);
    rig_ordered(&rig, 2, DEVICE_OP_SET, 300.0, ST_REFUSED);
    rig_ordered(&rig, 0, DEVICE_OP_RELEASE, 0.0, ST_OK);
    UNTIL(&rig, rig_reads(&rig, 0, 84.821, 900.0));
    rig_done(&rig);
}

static void a_dmtf_rack_server_is_read_and_written(void **state)
{
    static const char *const paths[] = {"/redfish/v1/Chassis/1U"};
    struct rig rig;

    (void)state;
    rig_init(&rig, "dmtf-rackmount1", &plain, paths, 1);
    UNTIL(&rig, rig_reads(&rig, 0, 374.0, 500.0));
    rig_ordered(&rig, 0, DEVICE_OP_SET, 433.0, ST_OK);
    UNTIL(&rig, rig_reads(&rig, 0, 374.0, 433.0));
    rig_ordered(&rig, 0, DEVICE_OP_SET, 149.0, ST_RANGE);
    rig_done(&rig);
}

static void a_lenovo_without_the_resource_says_so_and_gets_no_orders(void **state)
{
    static const char *const paths[] = {"/redfish/v1/Chassis/1"};
    struct rig rig;

    (void)state;
    rig_init(&rig, "lenovo-sr670", &plain, paths, 1);
    UNTIL(&rig, rig.state.readings[0].status == ST_ABSENT);
    assert_true(rig.state.reachable && rig.state.identified);
    rig_ordered(&rig, 0, DEVICE_OP_SET, 433.0, ST_ABSENT);
    rig_done(&rig);
}

static void a_gh200_that_lies_is_seen_through(void **state)
{
    static const struct rig_how liar = {.option = "--liar"};
    struct rig rig;

    (void)state;
    rig_init(&rig, "nvidia-gh200", &liar, gh200, 1);
    UNTIL(&rig, rig_reads(&rig, 0, 84.821, 900.0));
    rig_ordered(&rig, 0, DEVICE_OP_SET, 500.0, ST_MISMATCH);
    assert_true(fabs(rig.state.acks[0].readback - 900.0) < 1e-6);
    rig_done(&rig);
}

/* Over TLS: with its certificate it is read, without it is not spoken to. */
static void a_bmcs_certificate_is_checked(void **state)
{
    char folder[] = "/tmp/busbar-tls-XXXXXX", pem[64], command[768];
    struct rig_how known = {.option = "--tls", .value = pem, .ca_file = pem}, unknown = known;
    struct rig rig;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(pem, sizeof pem, "%s/bmc.pem", folder);
    (void)snprintf(
        command, sizeof command,
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=bmc "
        "-addext subjectAltName=IP:127.0.0.1 -keyout %s -out %s.c 2>/dev/null && cat %s.c >>%s && rm %s.c",
        pem, pem, pem, pem, pem);
    if (system(command) != 0) {
        print_message("skip: no openssl to make a certificate\n");
        (void)rmdir(folder);
        skip();
        return;
    }
    rig_init(&rig, "nvidia-gh200", &known, gh200, 1);
    UNTIL(&rig, rig_reads(&rig, 0, 84.821, 900.0));
    rig_ordered(&rig, 0, DEVICE_OP_SET, 500.0, ST_OK);
    rig_done(&rig);

    unknown.ca_file = NULL;
    rig_init(&rig, "nvidia-gh200", &unknown, gh200, 1);
    UNTIL(&rig, rig.state.readings[0].status != ST_NONE);
    assert_int_equal(rig.state.readings[0].status, ST_REFUSED);
    assert_false(rig.state.reachable || rig.state.identified);
    rig_done(&rig);
    (void)unlink(pem);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gh200s_gpus_are_read_and_written_but_not_its_non_volatile_module),
        cmocka_unit_test(a_dmtf_rack_server_is_read_and_written),
        cmocka_unit_test(a_lenovo_without_the_resource_says_so_and_gets_no_orders),
        cmocka_unit_test(a_gh200_that_lies_is_seen_through),
        cmocka_unit_test(a_bmcs_certificate_is_checked),
    };
    char root[512];

    rig_data("nvidia-gh200", root, sizeof root);
    if (access(root, R_OK) != 0) {
        print_message("skip: no Redfish mock-ups at %s\n", root);
        return SKIP_STATUS;
    }
    (void)signal(SIGPIPE, SIG_IGN); /* as every program of ours: libevent writes to closed sockets */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
