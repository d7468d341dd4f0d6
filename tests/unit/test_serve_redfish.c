/* SPDX-License-Identifier: Apache-2.0 */
/* The BMCs over plain sockets: requests are written out, answers taken as text.
 *
 * With `--serve` this is no test but a server for tests/peers: it prints where
 * it listens as JSON and ends with its standard input.
 */
#include "serve_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "sim/serve_redfish.h"

#define METRICS  "/redfish/v1/Systems/HGX_Baseboard_0/Processors/GPU_1/EnvironmentMetrics"
#define SESSIONS "/redfish/v1/SessionService/Sessions"
#define BASIC    "Authorization: Basic YnVzYmFyOnJhY2s=\r\n" /* busbar:rack */
#define LOGIN    "{\"UserName\":\"busbar\",\"Password\":\"rack\"}"

static struct plant plant;
static struct faults faults;
static struct event_base *base;
static struct serve_redfish *redfish;
static const struct faults_target bmc = {.class = FAULT_BMC, .index = 0};

struct answer {
    int status;
    char text[16384]; /* head and body */
    const char *body;
};

static int serve(void **state)
{
    struct serve_redfish_options opt = {.plant = &plant, .faults = &faults, .seed = 3};

    (void)state;
    rig_plant(&plant, PLANT_HPR, 1);
    faults_init(&faults);
    opt.base = base = event_base_new();
    assert_int_equal(serve_redfish_new(&opt, &redfish), ST_OK);
    return 0;
}

static int end(void **state)
{
    (void)state;
    redfish = serve_redfish_free(redfish);
    event_base_free(base);
    return 0;
}

static int join(int32_t node)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_port = htons((uint16_t)serve_redfish_port(redfish, node));
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static void say(int fd, const char *method, const char *path, const char *headers, const char *body)
{
    char request[4096];
    int size =
        snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: bmc\r\n%sContent-Length: %zu\r\n\r\n%s",
                 method, path, headers, strlen(body), body);

    assert_in_range(size, 1, (int)sizeof request - 1);
    assert_int_equal(send(fd, request, (size_t)size, MSG_NOSIGNAL), size);
}

/* Takes one answer; false: the connection was closed instead. */
static bool take(int fd, struct answer *a)
{
    int64_t until_us = clock_now_us() + RIG_GIVE_UP_US;
    size_t size = 0, wanted = SIZE_MAX;

    a->body = NULL;
    while (clock_now_us() < until_us && size < wanted) {
        ssize_t got;
        char *head;

        rig_turn(base);
        got = recv(fd, a->text + size, sizeof a->text - 1 - size, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            return false;
        if (got < 0)
            continue;
        size += (size_t)got;
        a->text[size] = '\0';
        head = strstr(a->text, "\r\n\r\n");
        if (head) {
            const char *length = strcasestr(a->text, "content-length: ");

            a->body = head + 4;
            wanted = (size_t)(a->body - a->text) + (length && length < head ? (size_t)atoi(length + 16) : 0);
        }
    }
    assert_non_null(a->body);
    a->status = atoi(a->text + strlen("HTTP/1.1 "));
    return true;
}

/* On a connection of its own. */
static struct answer ask(const char *method, const char *path, const char *headers, const char *body)
{
    struct answer a;
    int fd = join(0);

    say(fd, method, path, headers, body);
    assert_true(take(fd, &a));
    close(fd);
    rig_run(base, 2000);
    return a;
}

static void header(const struct answer *a, const char *name, char *value, size_t room)
{
    const char *at = strcasestr(a->text, name);

    assert_non_null(at);
    at += strlen(name) + 2;
    (void)snprintf(value, room, "%.*s", (int)strcspn(at, "\r"), at);
}

static void assert_has(const struct answer *a, const char *text)
{
    if (!strstr(a->text, text))
        print_message("looking for %s in:\n%s\n", text, a->text);
    assert_non_null(strstr(a->text, text));
}

static void the_tree_can_be_walked(void **state)
{
    static const char *const paths[] = {
        "/redfish",
        "/redfish/v1",
        "/redfish/v1/",
        "/redfish/v1/SessionService",
        SESSIONS,
        "/redfish/v1/Systems",
        "/redfish/v1/Systems/HGX_Baseboard_0",
        "/redfish/v1/Systems/HGX_Baseboard_0/Processors",
        "/redfish/v1/Systems/HGX_Baseboard_0/Processors/GPU_3",
        METRICS,
        METRICS "?$select=PowerWatts",
        "/redfish/v1/Chassis",
        "/redfish/v1/Chassis/Chassis_0",
        "/redfish/v1/Chassis/Chassis_0/EnvironmentMetrics",
        "/redfish/v1/Chassis/HGX_Chassis_0/EnvironmentMetrics",
        "/redfish/v1/Chassis/HGX_GPU_0",
        "/redfish/v1/Chassis/HGX_GPU_0/Sensors",
        "/redfish/v1/Chassis/HGX_GPU_0/Sensors/Power_0",
        "/redfish/v1/Managers",
        "/redfish/v1/Managers/HGX_BMC_0",
    };
    static const char *const absent[] = {
        "/redfish/v2",
        "/redfish/v1/Systems/1",
        "/redfish/v1/Systems/HGX_Baseboard_0/Processors/GPU_4",
        "/redfish/v1/Systems/HGX_Baseboard_0/Processors/GPU_01",
        "/redfish/v1/Systems/HGX_Baseboard_0/Processors/GPU_",
        METRICS "/x",
        SESSIONS "/1",
        "/",
    };
    struct answer a;

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        a = ask("GET", paths[i], BASIC, "");
        if (a.status != 200)
            print_message("%s: %d\n", paths[i], a.status);
        assert_int_equal(a.status, 200);
        assert_has(&a, "OData-Version: 4.0");
    }
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++) {
        a = ask("GET", absent[i], BASIC, "");
        assert_int_equal(a.status, 404);
        assert_has(&a, "\"MessageId\":\"Base.1.18.ResourceMissingAtURI\"");
    }
}

static void metrics_say_what_the_plant_is(void **state)
{
    struct answer a = ask("GET", METRICS, BASIC, "");

    (void)state;
    assert_string_equal(
        a.body,
        "{\"@odata.id\":\"" METRICS "\",\"@odata.type\":\"#EnvironmentMetrics.v1_3_0.EnvironmentMetrics\","
        "\"Id\":\"EnvironmentMetrics\",\"Name\":\"Processor Environment Metrics\","
        "\"PowerWatts\":{\"DataSourceUri\":\"/redfish/v1/Chassis/HGX_GPU_1/Sensors/"
        "Power_0\",\"Reading\":501.000},"
        "\"PowerLimitWatts\":{\"AllowableMax\":1200,\"AllowableMin\":200,\"ControlMode\":\"Automatic\","
        "\"DefaultSetPoint\":1200,\"Reading\":501.000,\"SetPoint\":1200},"
        "\"EnergyJoules\":{\"DataSourceUri\":\"/redfish/v1/Chassis/HGX_GPU_1/Sensors/"
        "Energy_0\",\"Reading\":1000.500},"
        "\"EnergykWh\":{\"Reading\":0.000},"
        "\"TemperatureCelsius\":{\"DataSourceUri\":\"/redfish/v1/Chassis/HGX_GPU_1/Sensors/"
        "Temp_0\",\"Reading\":41.250}}");
    a = ask("GET", "/redfish/v1/Chassis/Chassis_0/EnvironmentMetrics", BASIC, "");
    assert_has(&a, "\"PowerWatts\":{\"Reading\":3300.000}");
    a = ask("GET", "/redfish/v1/Chassis/HGX_Chassis_0/EnvironmentMetrics", BASIC, "");
    assert_has(&a, "\"PowerWatts\":{\"Reading\":2006.000}");
}

static void a_limit_is_set_in_whole_watts_within_its_range(void **state)
{
    static const struct {
        const char *body, *message;
    } refused[] = {
        {"{\"PowerLimitWatts\":{\"SetPoint\":700.5}}", "PropertyValueTypeError"},
        {"{\"PowerLimitWatts\":{\"SetPoint\":\"700\"}}", "PropertyValueTypeError"},
        {"{\"PowerLimitWatts\":{\"SetPoint\":null}}", "PropertyValueTypeError"},
        {"{\"PowerLimitWatts\":700}", "PropertyValueTypeError"},
        {"{\"PowerLimitWatts\":{\"SetPoint\":199}}", "PropertyValueOutOfRange"},
        {"{\"PowerLimitWatts\":{\"SetPoint\":1201}}", "PropertyValueOutOfRange"},
        {"{\"PowerLimitWatts\":{\"SetPoint\":-700}}", "PropertyValueOutOfRange"},
        {"{\"PowerLimitWatts\":{\"SetPoint\":700,\"ControlMode\":\"Manual\"}}", "PropertyValueNotInList"},
        {"{\"PowerLimitWatts\":{\"AllowableMax\":700}}", "PropertyUnknown"},
        {"{\"PowerLimit\":{\"SetPoint\":700}}", "PropertyUnknown"},
        {"{\"Oem\":{\"Nvidia\":{\"PowerLimitPersistency\":1}}}", "PropertyValueTypeError"},
        {"{\"Oem\":{\"Other\":{}}}", "PropertyUnknown"},
        {"[700]", "MalformedJSON"},
        {"{\"PowerLimitWatts\":{\"SetPoint\":7", "MalformedJSON"},
        {"", "MalformedJSON"},
    };
    struct answer a;

    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        a = ask("PATCH", METRICS, BASIC, refused[i].body);
        assert_int_equal(a.status, 400);
        assert_has(&a, refused[i].message);
    }
    assert_float_equal(plant.gpus[1].limit_w, 1200.0, 0.0);
    a = ask("PATCH", METRICS, BASIC,
            "{\"PowerLimitWatts\":{\"SetPoint\":700,\"ControlMode\":\"Automatic\"}}");
    assert_int_equal(a.status, 204);
    assert_string_equal(a.body, "");
    assert_float_equal(plant.gpus[1].limit_w, 700.0, 0.0);
    assert_float_equal(plant.gpus[0].limit_w, 1200.0, 0.0);
    a = ask("GET", METRICS, BASIC, "");
    assert_has(&a, "\"SetPoint\":700}");
    a = ask(
        "PATCH", METRICS, BASIC,
        "{\"PowerLimitWatts\":{\"SetPoint\":200},\"Oem\":{\"Nvidia\":{\"PowerLimitPersistency\":false}}}");
    assert_int_equal(a.status, 204);
    assert_float_equal(plant.gpus[1].limit_w, 200.0, 0.0);
    a = ask("PATCH", "/redfish/v1/Systems/HGX_Baseboard_0", BASIC, "{}");
    assert_int_equal(a.status, 405);
    assert_has(&a, "Allow: GET");
    assert_int_equal(serve_redfish_counts(redfish, 0).limits_set, 2);
    assert_int_equal(serve_redfish_counts(redfish, 0).patches, 18);
    assert_int_equal(serve_redfish_counts(redfish, 1).patches, 0);
}

static void sessions_come_and_go(void **state)
{
    char token[64], location[128], headers[128];
    struct answer a;

    (void)state;
    a = ask("GET", METRICS, "", "");
    assert_int_equal(a.status, 401);
    assert_has(&a, "WWW-Authenticate: Basic");
    a = ask("GET", METRICS, "Authorization: Basic YnVzYmFyOndyb25n\r\n", "");
    assert_int_equal(a.status, 401);
    a = ask("GET", METRICS, "X-Auth-Token: 0123\r\n" BASIC, ""); /* a token, right or wrong, decides */
    assert_int_equal(a.status, 401);
    a = ask("POST", SESSIONS, "", "{\"UserName\":\"busbar\",\"Password\":\"wrong\"}");
    assert_int_equal(a.status, 401);
    a = ask("POST", SESSIONS, "", "{\"UserName\":\"busbar\"}");
    assert_int_equal(a.status, 400);
    a = ask("POST", SESSIONS, "", LOGIN);
    assert_int_equal(a.status, 201);
    header(&a, "X-Auth-Token", token, sizeof token);
    header(&a, "Location", location, sizeof location);
    assert_int_equal(strlen(token), 32);
    assert_string_equal(location, SESSIONS "/1");
    (void)snprintf(headers, sizeof headers, "X-Auth-Token: %s\r\n", token);
    assert_int_equal(ask("GET", METRICS, headers, "").status, 200);
    assert_int_equal(ask("GET", location, headers, "").status, 200);
    assert_int_equal(serve_redfish_counts(redfish, 0).sessions, 1);
    assert_int_equal(ask("DELETE", SESSIONS "/2", headers, "").status, 404);
    assert_int_equal(ask("DELETE", location, headers, "").status, 204);
    assert_int_equal(ask("GET", METRICS, headers, "").status, 401);
    assert_int_equal(serve_redfish_counts(redfish, 0).sessions, 0);
    assert_int_equal(serve_redfish_counts(redfish, 0).sessions_opened, 1);
    assert_int_equal(serve_redfish_counts(redfish, 0).unauthorised, 5);
}

static void session_slots_run_out_and_come_back(void **state)
{
    char token[64], headers[128];
    struct answer a;

    (void)state;
    for (int i = 0; i < SERVE_REDFISH_SESSIONS; i++) {
        a = ask("POST", SESSIONS, "", LOGIN);
        assert_int_equal(a.status, 201);
    }
    header(&a, "X-Auth-Token", token, sizeof token);
    (void)snprintf(headers, sizeof headers, "X-Auth-Token: %s\r\n", token);
    a = ask("POST", SESSIONS, "", LOGIN);
    assert_int_equal(a.status, 503);
    assert_has(&a, "RAC0218");
    assert_int_equal(ask("GET", METRICS, headers, "").status, 200);
    assert_int_equal(ask("GET", METRICS, BASIC, "").status, 200); /* Basic needs no slot */
    serve_redfish_session_timeout(redfish, 0.02);
    rig_run(base, 30000);
    assert_int_equal(ask("GET", METRICS, headers, "").status, 401);
    assert_int_equal(ask("POST", SESSIONS, "", LOGIN).status, 201);
    serve_redfish_session_timeout(redfish, 1800.0);
    plant_bmc_reset(&plant, 0); /* a BMC that starts anew knows nobody */
    (void)ask("GET", "/redfish/v1", "", "");
    assert_int_equal(serve_redfish_counts(redfish, 0).sessions, 0);
}

static void etags_follow_the_resource(void **state)
{
    char etag[64], headers[256];
    struct answer a = ask("GET", METRICS, BASIC, "");

    (void)state;
    header(&a, "ETag", etag, sizeof etag);
    (void)snprintf(headers, sizeof headers, BASIC "If-None-Match: %s\r\n", etag);
    a = ask("GET", METRICS, headers, "");
    assert_int_equal(a.status, 304);
    assert_string_equal(a.body, "");
    (void)snprintf(headers, sizeof headers, BASIC "If-Match: %s\r\n", etag);
    assert_int_equal(ask("PATCH", METRICS, headers, "{\"PowerLimitWatts\":{\"SetPoint\":800}}").status, 204);
    a = ask("PATCH", METRICS, headers, "{\"PowerLimitWatts\":{\"SetPoint\":900}}");
    assert_int_equal(a.status, 412);
    assert_has(&a, "PreconditionFailed");
    assert_float_equal(plant.gpus[1].limit_w, 800.0, 0.0);
    assert_int_equal(
        ask("PATCH", METRICS, BASIC "If-Match: *\r\n", "{\"PowerLimitWatts\":{\"SetPoint\":900}}").status,
        204);
    assert_float_equal(plant.gpus[1].limit_w, 900.0, 0.0);
}

static void a_fifth_connection_is_dropped(void **state)
{
    struct answer a;
    int fds[SERVE_REDFISH_CONNECTIONS], fifth, other;

    (void)state;
    for (int i = 0; i < SERVE_REDFISH_CONNECTIONS; i++) {
        fds[i] = join(0);
        say(fds[i], "GET", "/redfish/v1", "", "");
        assert_true(take(fds[i], &a));
        assert_int_equal(a.status, 200);
    }
    fifth = join(0);
    say(fifth, "GET", "/redfish/v1", "", "");
    assert_false(take(fifth, &a));
    close(fifth);
    other = join(1); /* another BMC has room */
    say(other, "GET", "/redfish/v1", "", "");
    assert_true(take(other, &a));
    close(other);
    say(fds[0], "GET", "/redfish/v1", "", ""); /* the open ones go on */
    assert_true(take(fds[0], &a));
    assert_int_equal(serve_redfish_counts(redfish, 0).connections, 4);
    assert_int_equal(serve_redfish_counts(redfish, 0).connections_max, 4);
    assert_int_equal(serve_redfish_counts(redfish, 0).connections_refused, 1);
    for (int i = 0; i < SERVE_REDFISH_CONNECTIONS; i++)
        close(fds[i]);
    rig_run(base, 20000);
    assert_int_equal(serve_redfish_counts(redfish, 0).connections, 0);
    assert_int_equal(ask("GET", "/redfish/v1", "", "").status, 200);
}

static void answers_take_their_time_each_on_its_own(void **state)
{
    struct serve_redfish_options opt = {
        .plant = &plant, .faults = &faults, .seed = 3, .p50_ms = 60.0, .p95_ms = 90.0, .p99_ms = 105.0};
    struct answer a;
    int64_t asked_us, sum_us = 0;
    int fds[2];

    (void)state;
    rig_plant(&plant, PLANT_HPR, 1);
    faults_init(&faults);
    opt.base = base = event_base_new();
    assert_int_equal(serve_redfish_new(&opt, &redfish), ST_OK);
    for (int i = 0; i < 20; i++) {
        asked_us = clock_now_us();
        assert_int_equal(ask("GET", "/redfish/v1", "", "").status, 200);
        assert_true(clock_now_us() - asked_us >= 15000); /* six sigma under the median */
        sum_us += clock_now_us() - asked_us;
    }
    assert_true(sum_us >= 20 * 50000); /* the mean is 62 ms, give or take 3.4 */
    faults_set(&faults, bmc, FAULT_SLOW, 1, 0.0, 1500.0); /* longer than a machine stalls */
    fds[0] = join(0);
    say(fds[0], "GET", "/redfish/v1", "", "");
    rig_run(base, 5000);
    faults_clear(&faults, NULL);
    fds[1] = join(0);
    say(fds[1], "GET", "/redfish/v1", "", "");
    assert_true(take(fds[1], &a)); /* is not held up by the first */
    assert_int_equal(recv(fds[0], a.text, 1, MSG_PEEK), -1);
    assert_true(take(fds[0], &a));
    close(fds[0]);
    close(fds[1]);
}

static void faults_do_what_they_say(void **state)
{
    char token[64], headers[128];
    struct answer a;
    int fd;

    (void)state;
    faults_set(&faults, bmc, FAULT_HTTP_503, 1, 0.0, 7.0);
    a = ask("GET", METRICS, BASIC, "");
    assert_int_equal(a.status, 503);
    assert_has(&a, "Retry-After: 7");
    faults_clear(&faults, NULL);

    a = ask("POST", SESSIONS, "", LOGIN);
    header(&a, "X-Auth-Token", token, sizeof token);
    (void)snprintf(headers, sizeof headers, "X-Auth-Token: %s\r\n", token);
    faults_set(&faults, bmc, FAULT_HTTP_401, 2, 0.0, (double)NAN);
    assert_int_equal(ask("GET", METRICS, headers, "").status, 200);
    assert_int_equal(ask("GET", METRICS, headers, "").status, 401);
    assert_int_equal(ask("GET", METRICS, headers, "").status, 401); /* the session is forgotten */
    faults_clear(&faults, NULL);

    faults_set(&faults, bmc, FAULT_IGNORE_WRITE, 1, 0.0, (double)NAN);
    assert_int_equal(ask("PATCH", METRICS, BASIC, "{\"PowerLimitWatts\":{\"SetPoint\":700}}").status, 204);
    assert_float_equal(plant.gpus[1].limit_w, 1200.0, 0.0);
    assert_int_equal(ask("PATCH", METRICS, BASIC, "{\"PowerLimitWatts\":{\"SetPoint\":1}}").status, 400);
    faults_clear(&faults, NULL);

    faults_set(&faults, bmc, FAULT_DROP, 1, 0.0, (double)NAN);
    fd = join(0);
    say(fd, "PATCH", METRICS, BASIC, "{\"PowerLimitWatts\":{\"SetPoint\":650}}");
    assert_false(take(fd, &a));
    close(fd);
    assert_float_equal(plant.gpus[1].limit_w, 650.0, 0.0); /* it was executed */
    faults_clear(&faults, NULL);

    faults_set(&faults, bmc, FAULT_STUCK, 1, 0.0, (double)NAN);
    a = ask("GET", METRICS, BASIC, "");
    plant.gpus[1].reading_w = 900.0;
    plant.node_w[0] = 4000.0;
    a = ask("GET", METRICS, BASIC, "");
    assert_has(&a, "\"Reading\":501.000");
    a = ask("GET", "/redfish/v1/Chassis/Chassis_0/EnvironmentMetrics", BASIC, "");
    assert_has(&a, "\"Reading\":3300.000");
    assert_int_equal(ask("PATCH", METRICS, BASIC, "{\"PowerLimitWatts\":{\"SetPoint\":800}}").status, 204);
    assert_float_equal(plant.gpus[1].limit_w, 800.0, 0.0);
    faults_clear(&faults, NULL);
    a = ask("GET", METRICS, BASIC, "");
    assert_has(&a, "\"Reading\":900.000");
}

/* A silent BMC holds its connections until the clients go away. */
static void silence_ends_when_the_client_leaves(void **state)
{
    char byte;
    int fds[SERVE_REDFISH_CONNECTIONS];

    (void)state;
    faults_set(&faults, bmc, FAULT_SILENT, 1, 0.0, (double)NAN);
    for (int i = 0; i < SERVE_REDFISH_CONNECTIONS; i++) {
        fds[i] = join(0);
        say(fds[i], i % 2 ? "PATCH" : "GET", METRICS, BASIC, "{\"PowerLimitWatts\":{\"SetPoint\":300}}");
    }
    rig_run(base, 100000);
    for (int i = 0; i < SERVE_REDFISH_CONNECTIONS; i++) {
        assert_int_equal(recv(fds[i], &byte, 1, MSG_DONTWAIT), -1);
        close(fds[i]);
    }
    assert_int_equal(serve_redfish_counts(redfish, 0).connections, 4);
    for (int i = 0; i < 100 && serve_redfish_counts(redfish, 0).connections > 0; i++)
        rig_run(base, 50000);
    assert_int_equal(serve_redfish_counts(redfish, 0).connections, 0);
    assert_float_equal(plant.gpus[1].limit_w, 1200.0, 0.0);
    faults_clear(&faults, NULL);
    assert_int_equal(ask("GET", METRICS, BASIC, "").status, 200);
}

/* A client that gave up waiting: the PATCH is executed all the same. */
static void a_patch_that_timed_out_is_executed(void **state)
{
    int fd = join(0);

    (void)state;
    faults_set(&faults, bmc, FAULT_SLOW, 1, 0.0, 1500.0);
    say(fd, "PATCH", METRICS, BASIC, "{\"PowerLimitWatts\":{\"SetPoint\":555}}");
    rig_run(base, 20000);
    close(fd);
    assert_float_equal(plant.gpus[1].limit_w, 1200.0, 0.0);
    for (int i = 0; i < 2000 && plant.gpus[1].limit_w > 1000.0; i++)
        rig_run(base, 10000);
    assert_float_equal(plant.gpus[1].limit_w, 555.0, 0.0);
}

static void nonsense_is_survived(void **state)
{
    static const char *const lines[] = {"GARBAGE\r\n\r\n",
                                        "GET\r\n\r\n",
                                        "PUT " METRICS " HTTP/1.1\r\nHost: b\r\n\r\n",
                                        "GET http://[::1 HTTP/1.1\r\n\r\n",
                                        "GET " METRICS " HTTP/1.1\r\n" BASIC "X: ",
                                        "PATCH " METRICS " HTTP/1.1\r\n" BASIC
                                        "Content-Length: 99999999\r\n\r\n",
                                        "GET /redfish/v1/%00%ff/../x HTTP/1.1\r\n" BASIC "\r\n"};
    char bytes[128];
    struct rng rng;
    int fd;

    (void)state;
    rng_init(&rng, 2, 1);
    for (int round = 0; round < 200; round++) {
        const char *line = lines[round % 7];

        fd = join(0);
        if (round % 14 < 7)
            (void)!send(fd, line, strlen(line), MSG_NOSIGNAL);
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (char)rng_u64(&rng);
        (void)!send(fd, bytes, sizeof bytes, MSG_NOSIGNAL);
        rig_run(base, 2000);
        close(fd);
        rig_run(base, 1000);
    }
    assert_int_equal(ask("GET", METRICS, BASIC, "").status, 200);
    assert_int_equal(serve_redfish_counts(redfish, 0).connections, 0);
}

static int serve_for_peers(void)
{
    void *none = NULL;

    if (serve(&none) != 0)
        return 2;
    printf("{\"ports\": [%d, %d]}\n", serve_redfish_port(redfish, 0), serve_redfish_port(redfish, 1));
    rig_serve(base);
    return end(&none);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_tree_can_be_walked, serve, end),
        cmocka_unit_test_setup_teardown(metrics_say_what_the_plant_is, serve, end),
        cmocka_unit_test_setup_teardown(a_limit_is_set_in_whole_watts_within_its_range, serve, end),
        cmocka_unit_test_setup_teardown(sessions_come_and_go, serve, end),
        cmocka_unit_test_setup_teardown(session_slots_run_out_and_come_back, serve, end),
        cmocka_unit_test_setup_teardown(etags_follow_the_resource, serve, end),
        cmocka_unit_test_setup_teardown(a_fifth_connection_is_dropped, serve, end),
        cmocka_unit_test_teardown(answers_take_their_time_each_on_its_own, end),
        cmocka_unit_test_setup_teardown(faults_do_what_they_say, serve, end),
        cmocka_unit_test_setup_teardown(silence_ends_when_the_client_leaves, serve, end),
        cmocka_unit_test_setup_teardown(a_patch_that_timed_out_is_executed, serve, end),
        cmocka_unit_test_setup_teardown(nonsense_is_survived, serve, end),
    };

    if (argc == 2 && strcmp(argv[1], "--serve") == 0)
        return serve_for_peers();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
