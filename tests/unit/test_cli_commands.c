/* SPDX-License-Identifier: Apache-2.0 */
/* test_cli_commands.c: busbarctl against the real API of a daemon that is not there. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <json-c/json.h>
#include <pty.h>
#include <sys/stat.h>

#include "fake_daemon.h"

static void well(struct fake *fake)
{
    fake_device_view(fake, 2)->quality = CORE_DEVICE_GOOD;
}

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct fake_daemon));
    assert_non_null(*state);
    fake_daemon_start(*state, NULL);
    return 0;
}

static int setup_well(void **state)
{
    *state = calloc(1, sizeof(struct fake_daemon));
    assert_non_null(*state);
    fake_daemon_start(*state, well);
    return 0;
}

static int teardown(void **state)
{
    fake_daemon_stop(*state);
    free(*state);
    return 0;
}

static void again(struct fake_daemon *daemon, fake_change change)
{
    fake_daemon_stop(daemon);
    fake_daemon_start(daemon, change);
}

static void shows(const struct fake_daemon *daemon, const char *text)
{
    if (!strstr(daemon->out, text))
        fail_msg("'%s' is not in:\n%s", text, daemon->out);
}

/* ---- exit status ---- */

static void degraded(struct fake *fake)
{
    well(fake);
    fake->out->mode = CORE_MODE_DEGRADED;
}

static void stale(struct fake *fake)
{
    well(fake);
    fake_device_view(fake, 1)->quality = CORE_DEVICE_STALE;
}

static void exceeded(struct fake *fake)
{
    well(fake);
    fake_node(fake, 0)->limit[0].exceeded = true;
    fake_node(fake, 0)->limit[0].violations = 3;
}

static void infeasible(struct fake *fake)
{
    well(fake);
    fake->out->reasons = UINT32_C(1) << CORE_REASON_INFEASIBLE;
}

static void riding(struct fake *fake)
{
    well(fake);
    fake->out->ride.state = CORE_RIDE_OUTAGE;
    fake->out->ride.input_ratio = 0.0;
}

static void incapable(struct fake *fake)
{
    well(fake);
    fake->out->reasons = UINT32_C(1) << CORE_REASON_NOT_CAPABLE;
    fake->out->ride.capable = false;
}

static void protecting(struct fake *fake)
{
    well(fake);
    fake->out->reasons = UINT32_C(1) << CORE_REASON_PROTECTION;
}

static void observing(struct fake *fake)
{
    well(fake);
    fake->wanted = CORE_WANT_OBSERVE;
    fake->out->mode = CORE_MODE_OBSERVE;
}

static void status_is_0_when_all_holds_and_1_when_not(void **state)
{
    struct fake_daemon *daemon = *state;

    assert_int_equal(CTL(daemon, "status"), CLI_DONE);
    assert_int_equal(CTL(daemon, "status", "--json"), CLI_DONE);
    again(daemon, NULL); /* psu-1-2 was never read */
    assert_int_equal(CTL(daemon, "status"), CLI_NOT_HELD);
    assert_int_equal(CTL(daemon, "status", "--json"), CLI_NOT_HELD);
    again(daemon, degraded);
    assert_int_equal(CTL(daemon, "status"), CLI_NOT_HELD);
    again(daemon, stale);
    assert_int_equal(CTL(daemon, "status"), CLI_NOT_HELD);
    again(daemon, exceeded);
    assert_int_equal(CTL(daemon, "status"), CLI_NOT_HELD);
    shows(daemon, "1 exceeded now");
    again(daemon, infeasible);
    assert_int_equal(CTL(daemon, "status"), CLI_NOT_HELD);
    again(daemon, observing);
    assert_int_equal(CTL(daemon, "status"), CLI_DONE);
    again(daemon, riding);
    assert_int_equal(CTL(daemon, "status"), CLI_DONE); /* it holds: that is what riding through is for */
    shows(daemon, "outage for");
    again(daemon, incapable);
    assert_int_equal(CTL(daemon, "status"), CLI_NOT_HELD);
    shows(daemon, "would not carry a loss of input (up to 30 500 W");
    again(daemon, protecting);
    assert_int_equal(CTL(daemon, "status"), CLI_NOT_HELD);
    shows(daemon, "everything below is at its base");
}

static void limits_is_1_once_one_was_violated(void **state)
{
    struct fake_daemon *daemon = *state;

    assert_int_equal(CTL(daemon, "limits"), CLI_DONE);
    shows(daemon, "30 000 W");
    shows(daemon, "group job-a");
    assert_int_equal(CTL(daemon, "limits", "--json"), CLI_DONE);
    again(daemon, exceeded);
    assert_int_equal(CTL(daemon, "limits"), CLI_NOT_HELD);
    shows(daemon, "exceeded");
    assert_int_equal(CTL(daemon, "limits", "--json"), CLI_NOT_HELD);
}

static void devices_is_1_when_one_that_is_shown_is_not_good(void **state)
{
    struct fake_daemon *daemon = *state;

    assert_int_equal(CTL(daemon, "devices"), CLI_NOT_HELD);
    shows(daemon, "unread");
    assert_int_equal(CTL(daemon, "devices", "bmc-1"), CLI_DONE);
    shows(daemon, "gpu_power_w");
    shows(daemon, "1.5e+09 J");
    assert_int_equal(CTL(daemon, "devices", "nobody"), CLI_FAILED);
    assert_string_equal(daemon->out, "");
    assert_string_equal(daemon->err, "busbarctl: there is no device 'nobody' (404)\n");
}

/* ---- --json: one document and nothing else ---- */

static void every_command_prints_one_json_document(void **state)
{
    static const char *const commands[][4] = {
        { "status" }, { "devices" }, { "devices", "psu-1-1" }, { "events" }, { "mode" }, { "mode", "observe" }, { "limits" },
        { "nodes" }, { "levers" }, { "levers", "bmc-1.gpu-0" }, { "why", "bmc-1.gpu-0" }, { "top" }, { "top", "--once" },
        { "stats" }, { "reload" },
    };
    struct fake_daemon *daemon = *state;

    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        struct json_tokener *tokener = json_tokener_new();
        struct json_object *json;
        int rc = CTL(daemon, commands[i][0], commands[i][1] ? commands[i][1] : "--json", "--json");

        assert_in_range(rc, CLI_DONE, CLI_NOT_HELD);
        assert_string_equal(daemon->err, "");
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
        json = json_tokener_parse_ex(tokener, daemon->out, (int)daemon->out_size + 1);
        if (!json || json_tokener_get_error(tokener) != json_tokener_success)
            fail_msg("%s: not one document: %s", commands[i][0], daemon->out);
        assert_true(json_object_is_type(json, json_type_object));
        assert_int_equal(daemon->out[daemon->out_size - 1], '\n');
        assert_ptr_equal(strchr(daemon->out, '\n'), daemon->out + daemon->out_size - 1);
        json_object_put(json);
        json_tokener_free(tokener);
    }
}

static void json_numbers_pass_through_unchanged(void **state)
{
    struct fake_daemon *daemon = *state;

    assert_int_equal(CTL(daemon, "--json", "devices", "psu-1-1"), CLI_DONE);
    shows(daemon, "\"value\":5490.25,");
    assert_int_equal(CTL(daemon, "stats", "--json"), CLI_DONE);
    shows(daemon, "\"buckets\":[[");
}

static void following_and_one_document_exclude_each_other(void **state)
{
    struct fake_daemon *daemon = *state;

    assert_int_equal(CTL(daemon, "events", "--follow", "--json"), CLI_FAILED);
    assert_string_equal(daemon->out, "");
}

/* ---- what people read ---- */

static void every_command_has_words_for_people(void **state)
{
    struct fake_daemon *daemon = *state;

    (void)CTL(daemon, "status");
    shows(daemon, "normal (control wanted), armed");
    shows(daemon, "rack draws 23 700 W, 82 % of its limit of 29 000 W over 10 s");
    shows(daemon, "42 written, 1 refused, 2 failed");
    shows(daemon, "grid      ready for 7 s, input at 98 %, would carry a loss of input (up to 30 500 W, 5.3 ms to spare)");
    shows(daemon, "battery   2500 kJ, 2100 kJ kept for an outage, 0.75 cycles of support left");
    shows(daemon, "breaker   rack is 62 % gone and would trip in 14 min");
    assert_int_equal(CTL(daemon, "nodes"), CLI_DONE);
    shows(daemon, "sensor");
    shows(daemon, "22 340 W");
    assert_int_equal(CTL(daemon, "levers"), CLI_DONE);
    shows(daemon, "limit at rack");
    assert_int_equal(CTL(daemon, "levers", "psu-1-1.psu_output_setpoint_v"), CLI_DONE);
    shows(daemon, "50.25 V");
    assert_null(strstr(daemon->out, "gpu-0"));
    assert_int_equal(CTL(daemon, "why", "bmc-1.gpu-0"), CLI_DONE);
    shows(daemon, "because rack's 1 s limit of 30 000 W is shared out fairly");
    assert_int_equal(CTL(daemon, "events"), CLI_DONE);
    shows(daemon, "psu-1-2: no answer for 2.0 s [device_stale] Check the device");
    assert_int_equal(CTL(daemon, "stats"), CLI_DONE);
    shows(daemon, "modbus transaction");
    shows(daemon, "50.0 MiB");
    assert_null(strchr(daemon->out, '\033')); /* no colours but on a terminal */
}

static void columns_are_aligned(void **state)
{
    struct fake_daemon *daemon = *state;
    const char *head, *row;

    assert_int_equal(CTL(daemon, "limits"), CLI_DONE);
    head = strstr(daemon->out, "WINDOW");
    row = strstr(daemon->out, "100 ms");
    assert_non_null(head);
    assert_non_null(row);
    while (row > daemon->out && row[-1] != '\n')
        row--;
    assert_int_equal(head - daemon->out, strstr(row, "100 ms") - row); /* both six wide, to the right */
}

static void top_once_is_a_view_as_text(void **state)
{
    struct fake_daemon *daemon = *state;

    assert_int_equal(CTL(daemon, "top", "--once"), CLI_DONE);
    shows(daemon, "r17  normal (control wanted)  armed  2 good 0 stale 1 unread");
    shows(daemon, "envelope");
    shows(daemon, "node-1");
    shows(daemon, "790/812");
    shows(daemon, "640/-");
    shows(daemon, "psu-1-2");
    shows(daemon, "no answer for 2.0 s");
    assert_int_equal(CTL(daemon, "top"), CLI_FAILED);
    assert_non_null(strstr(daemon->err, "top needs a terminal"));
}

/* In a child, on a pseudo-terminal: all it shows before and after q. */
static void top_runs_on_a_terminal_until_q(void **state)
{
    struct fake_daemon *daemon = *state;
    char *argv[] = { strdup("busbarctl"), strdup("top"), strdup("--socket"), strdup(daemon->socket), NULL };
    char got[65536];
    size_t used = 0;
    ssize_t size;
    bool asked = false;
    int terminal, rc;
    pid_t pid;

    pid = forkpty(&terminal, NULL, NULL, NULL);
    if (pid == 0) {
        (void)setenv("TERM", "xterm", 1);
        rc = cli_main(4, argv, stdout, stderr);
        (void)fflush(stdout);
        _exit(rc);
    }
    assert_true(pid > 0);
    while ((size = read(terminal, got + used, sizeof got - 1 - used)) > 0) {
        used += (size_t)size;
        got[used] = '\0';
        if (!asked && strstr(got, "790/812")) {
            asked = true;
            assert_int_equal(write(terminal, "q", 1), 1);
        }
    }
    assert_int_equal(waitpid(pid, &rc, 0), pid);
    (void)close(terminal);
    assert_true(asked);
    assert_non_null(strstr(got, "normal"));
    assert_true(WIFEXITED(rc));
    assert_int_equal(WEXITSTATUS(rc), CLI_DONE);
    for (int i = 0; i < 4; i++)
        free(argv[i]);
}

/* ---- wishes ---- */

static void refusing(struct fake *fake)
{
    fake->refuse = true;
}

static void a_mode_is_asked_for_and_shown(void **state)
{
    struct fake_daemon *daemon = *state;

    assert_int_equal(CTL(daemon, "mode"), CLI_DONE);
    shows(daemon, "normal (control wanted)");
    assert_int_equal(CTL(daemon, "mode", "emergency"), CLI_DONE);
    shows(daemon, "emergency is wanted now");
    assert_int_equal(CTL(daemon, "mode"), CLI_NOT_HELD); /* the core did not step */
    assert_int_equal(CTL(daemon, "mode", "--json"), CLI_NOT_HELD);
    shows(daemon, "\"mode_wanted\":\"emergency\"");
    assert_int_equal(CTL(daemon, "mode", "Control"), CLI_FAILED);
    assert_int_equal(CTL(daemon, "mode", "restore"), CLI_FAILED);
    again(daemon, refusing);
    assert_int_equal(CTL(daemon, "mode", "control"), CLI_FAILED);
    assert_non_null(strstr(daemon->err, "(409)"));
    assert_int_equal(CTL(daemon, "reload", "--json"), CLI_FAILED);
    assert_string_equal(daemon->out, "");
}

static void a_token_is_asked_for_listed_and_given_back(void **state)
{
    struct fake_daemon *daemon = *state;

    assert_int_equal(CTL(daemon, "token", "list"), CLI_DONE);
    shows(daemon, "CLIENT");
    assert_int_equal(CTL(daemon, "token", "return", "--client", "job-7"), CLI_FAILED);
    assert_non_null(strstr(daemon->err, "'job-7' holds nothing"));
    assert_int_equal(CTL(daemon, "token", "request", "node-1", "4000", "--for", "90000", "--client", "job-7"), CLI_DONE);
    shows(daemon, "granted: job-7 holds 4 000 W at node-1 for 1 min 30 s");
    assert_int_equal(CTL(daemon, "token", "list"), CLI_DONE);
    shows(daemon, "job-7");
    assert_int_equal(CTL(daemon, "status"), CLI_NOT_HELD); /* psu-1-2 was never read */
    shows(daemon, "tokens    4 000 W held by 1 of 1 clients");
    assert_int_equal(CTL(daemon, "token", "request", "rack", "9000", "--client", "job-7"), CLI_NOT_HELD);
    shows(daemon, "refused: job-7, the pool is leased out; 5 000 W would be granted now; ask again in 250 ms");
    assert_int_equal(CTL(daemon, "token", "request", "rack", "1", "--client", "job-7", "--json", "--priority", "0"), CLI_DONE);
    shows(daemon, "\"state\":\"granted\"");
    assert_int_equal(CTL(daemon, "token", "return", "--client", "job-7"), CLI_DONE);
    shows(daemon, "returned: job-7");
    assert_int_equal(CTL(daemon, "token", "request", "nowhere", "1"), CLI_FAILED);
    assert_non_null(strstr(daemon->err, "node: must name a node"));
    assert_int_equal(CTL(daemon, "token", "request", "rack", "1"), CLI_DONE); /* the user's own */
    shows(daemon, "granted: user-");
    assert_int_equal(CTL(daemon, "token", "list", "--json"), CLI_DONE);
    shows(daemon, "\"tokens\":[");
    assert_int_equal(CTL(daemon, "token", "request", "rack", "1", "--client", "a b"), CLI_FAILED);
    assert_non_null(strstr(daemon->err, "the client must be a name"));
}

static void record_save_writes_the_file_whole_or_not_at_all(void **state)
{
    struct fake_daemon *daemon = *state;
    char path[160], got[64];
    struct stat st;
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/recording", daemon->dir);
    assert_int_equal(CTL(daemon, "record", "save", path, "--seconds", "30"), CLI_DONE);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fread(got, 1, sizeof got, file), sizeof FAKE_RECORD);
    assert_memory_equal(got, FAKE_RECORD, sizeof FAKE_RECORD);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(CTL(daemon, "record", "save", path, "--json"), CLI_DONE);
    shows(daemon, "\"bytes\":35");
    shows(daemon, "\"seconds\":null"); /* it is no recording */
    assert_int_equal(CTL(daemon, "record", "drop", path), CLI_FAILED);
    assert_int_equal(CTL(daemon, "record", "save", "/nonexistent/folder/file"), CLI_FAILED);
    assert_non_null(strstr(daemon->err, "/nonexistent/folder/file: cannot be written"));
    assert_int_equal(unlink(path), 0);
    again(daemon, refusing);
    (void)snprintf(path, sizeof path, "%s/recording", daemon->dir);
    assert_int_equal(CTL(daemon, "record", "save", path), CLI_FAILED);
    assert_int_not_equal(stat(path, &st), 0); /* and rmdir() in the end finds nothing else */
}

/* ---- what can go wrong ---- */

static void starting(struct fake *fake)
{
    fake->before_first_step = true;
}

static void without_a_daemon_one_line_says_where_and_what_to_do(void **state)
{
    static const char *const commands[] = { "status", "devices", "events", "limits", "nodes", "levers", "stats", "reload" };
    struct fake_daemon *daemon = *state;

    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        assert_int_equal(CTL(daemon, commands[i], "--socket", "/nonexistent/busbar.sock"), CLI_FAILED);
        assert_string_equal(daemon->out, "");
        assert_non_null(strstr(daemon->err, "/nonexistent/busbar.sock: no daemon there"));
        assert_non_null(strstr(daemon->err, "systemctl start busbard"));
        assert_ptr_equal(strchr(daemon->err, '\n'), daemon->err + daemon->err_size - 1);
    }
    assert_int_equal(CTL(daemon, "top", "--once", "--socket", "/nonexistent/busbar.sock"), CLI_FAILED);
    assert_int_equal(kill(daemon->child, SIGKILL), 0);
    assert_int_equal(waitpid(daemon->child, NULL, 0), daemon->child);
    daemon->child = -1;
    assert_int_equal(CTL(daemon, "status"), CLI_FAILED); /* the file is there, nobody listens */
    assert_non_null(strstr(daemon->err, "no daemon there (Connection refused)"));
}

static void a_daemon_that_starts_is_no_success(void **state)
{
    struct fake_daemon *daemon = *state;

    again(daemon, starting);
    assert_int_equal(CTL(daemon, "status", "--json"), CLI_FAILED);
    assert_string_equal(daemon->out, "");
    assert_non_null(strstr(daemon->err, "has not stepped yet"));
}

static void names_with_odd_characters_reach_the_daemon(void **state)
{
    struct fake_daemon *daemon = *state;

    assert_int_equal(CTL(daemon, "why", "a b&c=d%20/\xc3\xa4?"), CLI_FAILED);
    assert_string_equal(daemon->err, "busbarctl: there is no lever 'a b&c=d%20/\xc3\xa4?' (404)\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_WELL(name) cmocka_unit_test_setup_teardown(name, setup_well, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_WELL(status_is_0_when_all_holds_and_1_when_not),
        TEST_WELL(limits_is_1_once_one_was_violated),
        TEST(devices_is_1_when_one_that_is_shown_is_not_good),
        TEST(every_command_prints_one_json_document),
        TEST(json_numbers_pass_through_unchanged),
        TEST(following_and_one_document_exclude_each_other),
        TEST(every_command_has_words_for_people),
        TEST(columns_are_aligned),
        TEST(top_once_is_a_view_as_text),
        TEST(top_runs_on_a_terminal_until_q),
        TEST(a_mode_is_asked_for_and_shown),
        TEST(a_token_is_asked_for_listed_and_given_back),
        TEST(record_save_writes_the_file_whole_or_not_at_all),
        TEST(without_a_daemon_one_line_says_where_and_what_to_do),
        TEST(a_daemon_that_starts_is_no_success),
        TEST(names_with_odd_characters_reach_the_daemon),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
