/* SPDX-License-Identifier: Apache-2.0 */
/* test_redfish_odd.c: one small BMC, met over every oddity of HTTP that real ones have
 * shown: what is there is read all the same, and what is not is said.
 */
#include "busbar/redfish_survey.h"

#include <math.h>
#include <signal.h>

#include "peers/survey_peer.h"

#define SENSOR "/redfish/v1/Chassis/1/Sensors/P"

struct met {
    enum status status;
    double power_w;      /* of its sensor; NAN: not read                    */
    enum status trouble; /* of that sensor; ST_OK: none                     */
    int logins, logouts, limits;
    bool writable;
    char why[REDFISH_SURVEY_WHY_MAX];
};

static struct met meet_as(const char *mode, struct redfish_survey_options options)
{
    const char *const arguments[] = { mode, "LOG", NULL };
    struct met met = { .power_w = NAN, .why = "" };
    struct redfish_survey found;
    struct peer peer;

    peer_start(&peer, "odd_bmc.py", "http", arguments);
    options.url = peer.url;
    met.status = redfish_survey(&options, &found, met.why);
    met.logins = peer_count(&peer, "POST");
    met.logouts = peer_count(&peer, "DELETE");
    peer_end(&peer);
    peer_forget(&peer);
    if (met.status != ST_OK)
        return met;
    for (int32_t i = 0; i < found.reading_count; i++)
        if (strcmp(found.readings[i].path, SENSOR) == 0)
            met.power_w = found.readings[i].value;
    for (int32_t i = 0; i < found.error_count; i++)
        if (strcmp(found.errors[i].path, SENSOR) == 0)
            met.trouble = found.errors[i].status;
        else
            print_error("%s: %s: %s\n", mode, found.errors[i].path, found.errors[i].text);
    met.limits = found.limit_count;
    met.writable = found.limit_count > 0 && found.limits[0].writable;
    redfish_survey_done(&found);
    return met;
}

static struct met meet(const char *mode, const char *username, int64_t timeout_us)
{
    return meet_as(mode, (struct redfish_survey_options){
                             .username = username, .password = "secret", .timeout_us = timeout_us });
}

/* Read in full, whatever the wire looks like. */
static void expect_read(const char *mode)
{
    struct met met = meet(mode, NULL, 0);

    if (met.status != ST_OK || !(met.power_w > 512.0))
        print_error("%s: %s %s\n", mode, status_label(met.status), met.why);
    assert_int_equal(met.status, ST_OK);
    assert_float_equal(met.power_w, 512.5, 1e-9);
    assert_int_equal(met.limits, 1);
    assert_int_equal(met.logins, 0);
}

static void connections_that_close_and_bodies_without_a_length_are_read(void **state)
{
    (void)state;
    expect_read("http10");
    expect_read("no-length");
}

static void errors_that_are_no_redfish_errors_are_only_errors(void **state)
{
    (void)state;
    expect_read("html");
    expect_read("empty-404");
    expect_read("string-404");
}

static void a_slash_that_is_wanted_at_a_paths_end_is_given(void **state)
{
    (void)state;
    expect_read("slash");
}

static void a_reset_connection_is_made_again(void **state)
{
    (void)state;
    expect_read("reset");
}

static void a_busy_bmc_is_asked_again_when_it_says_so_or_soon(void **state)
{
    (void)state;
    expect_read("busy-header");
    expect_read("busy-args");
    expect_read("busy-none");
    expect_read("busy-url");
    expect_read("busy-429");
}

static void a_body_that_is_cut_short_is_asked_for_again_and_never_believed(void **state)
{
    struct met met;

    (void)state;
    expect_read("chunked-cut-once");
    met = meet("chunked-cut", NULL, 0);
    assert_int_equal(met.status, ST_OK);
    assert_true(isnan(met.power_w));
    assert_true(met.trouble == ST_CORRUPT || met.trouble == ST_TIMEOUT);
}

static void bodies_that_are_bombs_endless_or_elsewhere_cost_one_reading(void **state)
{
    static const char *const modes[] = { "gzip", "endless", "redirect" };
    struct met met;

    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        met = meet(modes[i], NULL, 0);
        assert_int_equal(met.status, ST_OK);
        assert_true(isnan(met.power_w));
        assert_int_equal(met.trouble, ST_CORRUPT);
        assert_int_equal(met.limits, 1);
    }
    met = meet("drip", NULL, 500000);
    assert_int_equal(met.trouble, ST_TIMEOUT);
    assert_int_equal(met.limits, 1);
}

static void every_kind_of_login_opens_one_session_and_gives_it_back(void **state)
{
    static const struct {
        const char *mode;
        int logins, logouts;
    } rows[] = {
        { "login-201", 1, 1 }, { "login-204", 1, 1 },   { "login-200", 1, 1 },       { "login-none", 1, 0 },
        { "once-401", 1, 1 },  { "login-basic", 2, 1 }, { "login-elsewhere", 1, 1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct met met = meet(rows[i].mode, "root", 0);

        assert_int_equal(met.status, ST_OK);
        assert_float_equal(met.power_w, 512.5, 1e-9);
        assert_int_equal(met.logins, rows[i].logins);
        assert_int_equal(met.logouts, rows[i].logouts);
    }
}

/* Where the daemon has the one session: none more, even where Basic authentication is refused. */
static void a_guest_opens_no_session(void **state)
{
    struct redfish_survey_options guest = { .username = "root", .password = "secret", .guest = true };
    struct met met = meet_as("login-201", guest);

    (void)state;
    assert_int_equal(met.status, ST_OK);
    assert_float_equal(met.power_w, 512.5, 1e-9);
    assert_int_equal(met.logins, 0);
    assert_int_equal(met.logouts, 0);
    met = meet_as("login-elsewhere", guest);
    assert_int_equal(met.status, ST_REFUSED);
    assert_int_equal(met.logins, 0);
}

static void a_login_that_is_not_taken_is_said_and_not_tried_again(void **state)
{
    struct met met = meet("login-refused", "root", 0);

    (void)state;
    assert_int_equal(met.status, ST_REFUSED);
    assert_string_equal(met.why,
                        "it does not take our login: Base.1.8.GeneralError: Invalid user name or password");
    assert_int_equal(met.logins, 1);
    met = meet("login-refused", NULL, 0); /* nobody: what is not for everybody is an error each */
    assert_int_equal(met.status, ST_OK);
    assert_int_equal(met.logins, 0);
}

static void a_limit_that_takes_no_patch_is_not_called_writable(void **state)
{
    struct met met = meet("read-only", NULL, 0);

    (void)state;
    assert_int_equal(met.limits, 1);
    assert_false(met.writable);
    met = meet("plain", NULL, 0);
    assert_true(met.writable);
}

static void a_write_is_believed_when_it_reads_back_and_tells_the_etag_that_is_wanted(void **state)
{
    static const struct {
        const char *mode;
        enum status status;
    } rows[] = { { "plain", ST_OK },      { "control-lags", ST_MISMATCH }, { "read-only", ST_REFUSED },
                 { "etag-weak", ST_OK },  { "etag-strong", ST_OK },        { "slash", ST_OK },
                 { "slash-login", ST_OK } };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *const arguments[] = { rows[i].mode, "LOG", NULL };
        struct redfish_survey_options options = { .username = "root", .password = "secret" };
        char why[REDFISH_SURVEY_WHY_MAX];
        struct redfish_survey found;
        struct redfish_probe_write write;
        struct redfish_probe *probe;
        struct peer peer;

        peer_start(&peer, "odd_bmc.py", "http", arguments);
        options.url = peer.url;
        assert_int_equal(redfish_probe_new(&options, &probe, why), ST_OK);
        assert_int_equal(redfish_probe_survey(probe, &found, why), ST_OK);
        assert_int_equal(found.limit_count, 1);
        redfish_probe_write(probe, &found.limits[0], 600.0, 300000, &write);
        assert_int_equal(write.status, rows[i].status);
        redfish_survey_done(&found);
        redfish_probe_free(probe);
        peer_end(&peer);
        peer_forget(&peer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_that_close_and_bodies_without_a_length_are_read),
        cmocka_unit_test(errors_that_are_no_redfish_errors_are_only_errors),
        cmocka_unit_test(a_slash_that_is_wanted_at_a_paths_end_is_given),
        cmocka_unit_test(a_reset_connection_is_made_again),
        cmocka_unit_test(a_busy_bmc_is_asked_again_when_it_says_so_or_soon),
        cmocka_unit_test(a_body_that_is_cut_short_is_asked_for_again_and_never_believed),
        cmocka_unit_test(bodies_that_are_bombs_endless_or_elsewhere_cost_one_reading),
        cmocka_unit_test(every_kind_of_login_opens_one_session_and_gives_it_back),
        cmocka_unit_test(a_guest_opens_no_session),
        cmocka_unit_test(a_login_that_is_not_taken_is_said_and_not_tried_again),
        cmocka_unit_test(a_limit_that_takes_no_patch_is_not_called_writable),
        cmocka_unit_test(a_write_is_believed_when_it_reads_back_and_tells_the_etag_that_is_wanted),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
