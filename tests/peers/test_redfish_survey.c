/* SPDX-License-Identifier: Apache-2.0 */
/* test_redfish_survey.c: captured trees of real machines, found and read with nothing but
 * a URL. What must be there is taken from the files themselves, by a walk of the folder
 * that knows nothing of links. Without the data: skipped.
 */
#include "busbar/redfish_survey.h"

#include <ftw.h>
#include <json-c/json.h>
#include <math.h>

#include "peers/survey_peer.h"

#define SKIP_STATUS 77

static void peer_root(const char *mockup, char *path, size_t room)
{
    const char *data = getenv("BUSBAR_DATA");

    if (data)
        (void)snprintf(path, room, "%s/redfish/%s", data, mockup);
    else
        (void)snprintf(path, room, "%s/../shared/data/redfish/%s", peer_source(), mockup);
}

/* Serves a captured tree; `pem` for HTTPS, or NULL. */
static void serve(struct peer *peer, const char *mockup, const char *pem)
{
    char root[512];
    const char *arguments[6] = { root, "--log", "LOG", pem ? "--tls" : NULL, pem };

    peer_root(mockup, root, sizeof root);
    peer_start(peer, "mockup_server.py", pem ? "https" : "http", arguments);
}

/* How many of the requests were of another method than GET. */
static int stop(struct peer *peer)
{
    int others;

    peer_end(peer);
    others = peer_count(peer, "") - peer_count(peer, "GET ");
    peer_forget(peer);
    return others;
}

/* ---- what the files say ---- */

static const struct redfish_survey *expected_in; /* nftw() passes nothing on */
static int expected_missing, expected_sensors, expected_limits, expected_supplies, expected_batteries;

static const char *text(struct json_object *object, const char *name)
{
    struct json_object *member = NULL;

    if (!json_object_is_type(object, json_type_object) || !json_object_object_get_ex(object, name, &member) ||
        !json_object_is_type(member, json_type_string))
        return "";
    return json_object_get_string(member);
}

static double number(struct json_object *object, const char *name)
{
    struct json_object *member = NULL;

    if (!json_object_is_type(object, json_type_object) || !json_object_object_get_ex(object, name, &member) ||
        !member || json_object_is_type(member, json_type_string))
        return NAN;
    return json_object_get_double(member);
}

/* One collection of sensors that nothing in its tree links to (the chassis of the same
 * switch has them all): who follows links cannot know it. */
static const char *const orphans = "/redfish/v1/PowerEquipment/TransferSwitches/1/Sensors/";

static void missing(const char *what, const char *path)
{
    if (strncmp(path, orphans, strlen(orphans)) == 0)
        return;
    print_error("missing: %s of %s\n", what, path);
    expected_missing++;
}

static void expect_sensor(struct json_object *object, const char *path)
{
    const char *unit = text(object, "ReadingUnits");
    double value = number(object, "Reading");

    if (isnan(value) || (strcmp(text(object, "ReadingType"), "Power") != 0 && strncmp(unit, "W", 1) != 0))
        return;
    expected_sensors++;
    for (int32_t i = 0; i < expected_in->reading_count; i++)
        if (strcmp(expected_in->readings[i].path, path) == 0 &&
            strcmp(expected_in->readings[i].unit, "W") == 0)
            return;
    missing("power sensor", path);
}

static void expect_limit(const char *path, double value, double min, double max)
{
    expected_limits++;
    for (int32_t i = 0; i < expected_in->limit_count; i++) {
        const struct redfish_survey_limit *limit = &expected_in->limits[i];

        if (strcmp(limit->path, path) != 0)
            continue;
        assert_true(isnan(value) ? isnan(limit->value) : fabs(limit->value - value) < 1e-6);
        assert_true(isnan(min) ? isnan(limit->min) : fabs(limit->min - min) < 1e-6);
        assert_true(isnan(max) ? isnan(limit->max) : fabs(limit->max - max) < 1e-6);
        return;
    }
    missing("limit", path);
}

static void expect_control(struct json_object *object, const char *path)
{
    double min = number(object, "AllowableMin"), max = number(object, "AllowableMax");

    expect_limit(path, number(object, "SetPoint"), isnan(min) ? number(object, "SettingRangeMin") : min,
                 isnan(max) ? number(object, "SettingRangeMax") : max);
}

static void expect_supply(const char *path)
{
    expected_supplies++;
    for (int32_t i = 0; i < expected_in->supply_count; i++)
        if (strcmp(expected_in->supplies[i].path, path) == 0)
            return;
    missing("supply", path);
}

static void expect_battery(const char *path)
{
    expected_batteries++;
    for (int32_t i = 0; i < expected_in->battery_count; i++)
        if (strcmp(expected_in->batteries[i].path, path) == 0)
            return;
    missing("battery", path);
}

static int expect_file(const char *name, const struct stat *stat, int flag, struct FTW *ftw)
{
    struct json_object *object, *limit = NULL;
    const char *type, *path;

    (void)stat;
    (void)ftw;
    if (flag != FTW_F || !strstr(name, "index.json"))
        return 0;
    object = json_object_from_file(name);
    if (!object)
        return 0;
    type = text(object, "@odata.type");
    path = text(object, "@odata.id");
    if (strncmp(type, "#Sensor.", 8) == 0)
        expect_sensor(object, path);
    else if (strncmp(type, "#Control.", 9) == 0)
        expect_control(object, path);
    else if (strncmp(type, "#PowerSupply.", 13) == 0)
        expect_supply(path);
    else if (strncmp(type, "#Battery.", 9) == 0)
        expect_battery(path);
    else if (strncmp(type, "#EnvironmentMetrics.", 20) == 0 &&
             json_object_object_get_ex(object, "PowerLimitWatts", &limit) &&
             json_object_is_type(limit, json_type_object))
        expect_limit(path, number(limit, "SetPoint"), number(limit, "AllowableMin"),
                     number(limit, "AllowableMax"));
    json_object_put(object);
    return 0;
}

/* ---- the machines ---- */

static const struct machine {
    const char *mockup, *kind;
    int sensors, limits, supplies, batteries, gpus; /* at least so many in its files */
    int64_t properties;
} machines[] = {
    { "nvidia-gh200", "nvidia-openbmc", 10, 14, 0, 0, 2, 1500 },
    { "nvidia-bluefield3", "nvidia-openbmc", 0, 2, 0, 0, 0, 100 },
    { "dmtf-rackmount1", "generic", 2, 3, 2, 1, 0, 250 },
    { "dmtf-power-shelf", "generic", 7, 0, 6, 0, 0, 200 },
    { "dmtf-pdu", "generic", 30, 0, 0, 0, 0, 700 },
    { "dmtf-telemetry", "generic", 0, 0, 0, 0, 0, 150 },
    { "hpe-dl380a-gen12", "ilo", 0, 0, 0, 0, 4, 500 },
    { "hpe-cray-ex235a", "cray", 30, 5, 0, 0, 8, 700 },
    { "lenovo-sr670", "xcc", 10, 0, 0, 0, 2, 2000 },
    { "openbmc-stock", "openbmc", 0, 0, 0, 0, 0, 20 },
};

static void survey(const struct machine *machine, const char *username)
{
    struct peer peer;
    struct redfish_survey_options options = { .username = username, .password = "secret" };
    struct redfish_survey found;
    char root[512], why[REDFISH_SURVEY_WHY_MAX] = "";
    enum status st;
    int others;

    serve(&peer, machine->mockup, NULL);
    options.url = peer.url;
    st = redfish_survey(&options, &found, why);
    others = stop(&peer);
    if (st != ST_OK)
        print_error("%s: %s\n", machine->mockup, why);
    assert_int_equal(st, ST_OK);
    assert_int_equal(others, username ? 2 : 0); /* a login and a logout, or GETs alone */
    assert_string_equal(found.bmc_kind, machine->kind);
    assert_true(found.complete);
    for (int32_t i = 0; i < found.error_count; i++)
        print_error("%s: %s: %s\n", machine->mockup, found.errors[i].path, found.errors[i].text);
    assert_int_equal(found.error_count, 0);
    assert_int_equal(found.gpus, machine->gpus);
    assert_true(found.properties_understood >= machine->properties);
    peer_root(machine->mockup, root, sizeof root);
    expected_in = &found;
    expected_missing = expected_sensors = expected_limits = expected_supplies = expected_batteries = 0;
    assert_int_equal(nftw(root, expect_file, 16, FTW_PHYS), 0);
    assert_int_equal(expected_missing, 0);
    assert_true(expected_sensors >= machine->sensors);
    assert_true(expected_limits >= machine->limits);
    assert_int_equal(expected_supplies, machine->supplies);
    assert_int_equal(expected_batteries, machine->batteries);
    redfish_survey_done(&found);
}

static void every_machine_is_found_and_read_with_nothing_but_its_url(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++)
        survey(&machines[i], NULL);
}

static void with_a_login_one_session_is_opened_and_given_back(void **state)
{
    (void)state;
    survey(&machines[0], "root");
}

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* All that decides whether a limit may be written, and how. */
static bool is_in(const struct redfish_survey_limit *limit, const struct redfish_survey *in)
{
    for (int32_t i = 0; i < in->limit_count; i++) {
        const struct redfish_survey_limit *other = &in->limits[i];

        if (strcmp(limit->path, other->path) == 0 && limit->kind == other->kind)
            return limit->index == other->index && strcmp(limit->source, other->source) == 0 &&
                   strcmp(limit->unit, other->unit) == 0 && strcmp(limit->mode, other->mode) == 0 &&
                   strcmp(limit->exception, other->exception) == 0 && same(limit->min, other->min) &&
                   same(limit->max, other->max) && same(limit->value, other->value) &&
                   limit->nonvolatile == other->nonvolatile && limit->writable == other->writable &&
                   limit->why == other->why;
    }
    print_error("not among the limits: %s\n", limit->path);
    return false;
}

/* What was asked for, of how many. */
static void survey_limits(const struct machine *machine, int32_t *asked, int32_t *of)
{
    struct peer peer;
    struct redfish_survey_options options = { .url = peer.url };
    struct redfish_survey whole, limits;
    struct redfish_probe *probe;
    char why[REDFISH_SURVEY_WHY_MAX] = "";

    serve(&peer, machine->mockup, NULL);
    assert_int_equal(redfish_probe_new(&options, &probe, why), ST_OK);
    assert_int_equal(redfish_probe_survey(probe, &whole, why), ST_OK);
    assert_int_equal(redfish_probe_survey_limits(probe, &limits, why), ST_OK);
    redfish_probe_free(probe);
    assert_int_equal(stop(&peer), 0);
    assert_true(limits.complete);
    assert_string_equal(limits.uuid, whole.uuid); /* an original is kept under it */
    assert_int_equal(limits.limit_count, whole.limit_count);
    for (int32_t i = 0; i < whole.limit_count; i++)
        assert_true(is_in(&whole.limits[i], &limits));
    print_message("%s: %d of %d asked for\n", machine->mockup, (int)limits.answer_count, (int)whole.answer_count);
    assert_true(limits.answer_count <= whole.answer_count);
    *asked += limits.answer_count;
    *of += whole.answer_count;
    redfish_survey_done(&whole);
    redfish_survey_done(&limits);
}

static void a_survey_of_limits_finds_all_of_them_and_asks_for_less(void **state)
{
    int32_t asked = 0, of = 0;

    (void)state;
    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++)
        survey_limits(&machines[i], &asked, &of);
    assert_true(asked * 4 < of * 3);
}

static void nobody_there_is_told_in_words(void **state)
{
    struct redfish_survey_options options = { .url = "http://127.0.0.1:1" };
    struct redfish_survey found;
    char why[REDFISH_SURVEY_WHY_MAX] = "";

    (void)state;
    assert_int_equal(redfish_survey(&options, &found, why), ST_NACK);
    assert_non_null(strstr(why, "127.0.0.1"));
    options.url = "ftp://127.0.0.1";
    assert_int_equal(redfish_survey(&options, &found, why), ST_RANGE);
    assert_non_null(strstr(why, "http://"));
}

static void a_limit_is_written_and_read_back_by_a_probe(void **state)
{
    static const char path[] = "/redfish/v1/Systems/HGX_Baseboard_0/Processors/GPU_0/EnvironmentMetrics";
    struct peer peer;
    struct redfish_survey_options options = { .username = "root", .password = "secret" };
    struct redfish_survey found;
    struct redfish_survey_limit gpu = { .path = "" }, module = { .path = "" };
    struct redfish_probe *probe;
    struct redfish_probe_write write;
    struct redfish_probe_answer answer;
    char why[REDFISH_SURVEY_WHY_MAX] = "";

    (void)state;
    serve(&peer, "nvidia-gh200", NULL);
    options.url = peer.url;
    assert_int_equal(redfish_probe_new(&options, &probe, why), ST_OK);
    assert_int_equal(redfish_probe_survey(probe, &found, why), ST_OK);
    for (int32_t i = 0; i < found.limit_count; i++) {
        if (strcmp(found.limits[i].path, path) == 0)
            gpu = found.limits[i];
        if (strcmp(found.limits[i].path, "/redfish/v1/Chassis/HGX_ProcessorModule_0/EnvironmentMetrics") == 0)
            module = found.limits[i];
    }
    redfish_survey_done(&found);
    redfish_probe_write(probe, &gpu, 500.0, 1000000, &write);
    assert_int_equal(write.status, ST_OK);
    assert_float_equal(write.readback, 500.0, 1e-9);
    assert_int_equal(redfish_probe_limit(probe, &gpu), ST_OK);
    assert_float_equal(gpu.value, 500.0, 1e-9);
    redfish_probe_write(probe, &gpu, 901.0, 1000000, &write);
    assert_int_equal(write.status, ST_REFUSED);
    redfish_probe_write(probe, &gpu, 500.5, 1000000, &write);
    assert_int_equal(write.status, ST_REFUSED);
    redfish_probe_write(probe, &module, 300.0, 1000000, &write);
    assert_int_equal(write.status, ST_REFUSED);
    assert_non_null(strstr(write.why, "non-volatile"));
    redfish_probe_get(probe, "/redfish/v1/Nothing", &answer);
    assert_int_equal(answer.code, 404);
    redfish_probe_free(probe);
    assert_int_equal(stop(&peer), 3); /* login, one PATCH, logout */
}

/* A certificate that nobody vouches for, and the hash of its key. */
static bool make_certificate(char *pem, size_t room, char *pin, size_t pin_room)
{
    char command[768], line[96] = "";
    FILE *pipe;

    (void)snprintf(pem, room, "/tmp/busbar-pin-%d.pem", (int)getpid());
    (void)snprintf(
        command, sizeof command,
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=bmc "
        "-keyout %s -out %s.crt 2>/dev/null && cat %s.crt >>%s && rm %s.crt && openssl x509 -in %s -pubkey "
        "-noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64",
        pem, pem, pem, pem, pem, pem);
    pipe = popen(command, "r");
    if (pipe && !fgets(line, sizeof line, pipe))
        line[0] = '\0';
    if (pipe)
        (void)pclose(pipe);
    line[strcspn(line, "\n")] = '\0';
    (void)snprintf(pin, pin_room, "sha256//%.44s", line);
    return strlen(line) == 44;
}

static void a_pinned_key_vouches_for_itself_and_for_nothing_else(void **state)
{
    static const char other[] = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    struct redfish_survey_options options = { .timeout_us = 5000000 };
    struct redfish_survey found;
    struct peer peer;
    char pem[64], pin[64], both[160], why[REDFISH_SURVEY_WHY_MAX] = "";

    (void)state;
    if (!make_certificate(pem, sizeof pem, pin, sizeof pin)) {
        print_message("skip: no openssl to make a certificate\n");
        (void)unlink(pem);
        skip();
    }
    serve(&peer, "openbmc-stock", pem);
    options.url = peer.url;
    assert_int_equal(redfish_survey(&options, &found, why), ST_REFUSED); /* the system's CAs do not know it */
    options.pin = other;
    assert_int_equal(redfish_survey(&options, &found, why), ST_REFUSED);
    options.pin = pin;
    assert_int_equal(redfish_survey(&options, &found, why), ST_OK);
    redfish_survey_done(&found);
    (void)snprintf(both, sizeof both, "%s;%s", other, pin); /* before and after a change of keys */
    options.pin = both;
    assert_int_equal(redfish_survey(&options, &found, why), ST_OK);
    redfish_survey_done(&found);
    assert_int_equal(stop(&peer), 0);
    (void)unlink(pem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_machine_is_found_and_read_with_nothing_but_its_url),
        cmocka_unit_test(with_a_login_one_session_is_opened_and_given_back),
        cmocka_unit_test(a_survey_of_limits_finds_all_of_them_and_asks_for_less),
        cmocka_unit_test(nobody_there_is_told_in_words),
        cmocka_unit_test(a_limit_is_written_and_read_back_by_a_probe),
        cmocka_unit_test(a_pinned_key_vouches_for_itself_and_for_nothing_else),
    };
    char root[512];

    peer_root("nvidia-gh200/redfish/v1", root, sizeof root);
    if (access(root, R_OK) != 0) {
        print_message("skip: no captured trees at %s\n", root);
        return SKIP_STATUS;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
