/* SPDX-License-Identifier: Apache-2.0 */
/* test_redfish.c: the Redfish adapter reads and logs in, against a BMC that behaves as
 * real ones do.
 */
#include "busbar/clock.h"
#include "unit/redfish_bench.h"

/* ---- reading ---- */

static void power_limit_and_energy_of_each_gpu_are_polled(void **state)
{
    struct field_bus_stats stats;
    struct bench bench;

    (void)state;
    bench_init(&bench);
    bench_start(&bench, false);
    UNTIL(&bench, bench_reads(&bench, ST_OK) && bench_reading(&bench, 0, 0)->sequence >= 3);
    for (int g = 0; g < FAKE_GPUS; g++) {
        assert_true(fabs(bench_reading(&bench, g, 0)->value - (100.5 + g)) < 1e-9);
        assert_true(fabs(bench_reading(&bench, g, 1)->value - 1000.0) < 1e-9);
        assert_true(bench_reading(&bench, g, 0)->taken_us <= bench_reading(&bench, g, 0)->arrived_us);
    }
    assert_true(bench.state.reachable && bench.state.identified);
    assert_string_equal(bench.state.serial, "0badcafe000011112222333344445555");
    assert_string_equal(bench.state.model, "Fake");
    assert_int_equal(bench.bmc.logins, 1);
    assert_int_equal(bench.bmc.connections, 1);
    assert_int_equal(bench.bmc.patches + bench.bmc.unknown, 0);
    UNTIL(&bench, (redfish_stats(bench.redfish, &stats), stats.transactions >= 10));
    assert_true(stats.open);
    assert_int_equal(stats.latency.count, stats.transactions);
    bench_done(&bench);
}

static void a_bmc_that_stops_answering_is_told_apart_and_found_again(void **state)
{
    struct field_bus_stats stats;
    struct bench bench;

    (void)state;
    bench_init(&bench);
    bench.conf->buses[0].timeout_us = SHORT_US;
    bench_start(&bench, false);
    UNTIL(&bench, bench_reads(&bench, ST_OK));
    bench.bmc.hang = true;
    UNTIL(&bench, bench_reads(&bench, ST_TIMEOUT));
    assert_false(bench.state.reachable);
    assert_true(bench.state.timeouts >= 2);
    redfish_stats(bench.redfish, &stats);
    assert_false(stats.open);
    bench.bmc.hang = false;
    UNTIL(&bench, bench_reads(&bench, ST_OK));
    assert_true(bench.state.reachable);
    bench_done(&bench);
}

static void one_slow_bmc_does_not_delay_another(void **state)
{
    struct bench slow, quick;
    uint64_t asked;

    (void)state;
    bench_init_on(&slow, NULL);
    bench_init_on(&quick, &slow);
    slow.conf->buses[0].timeout_us = HELD_US;
    slow.bmc.slow_gpus = true;
    bench_start(&slow, false);
    UNTIL(&slow, slow.bmc.logins == 1 && !redfish_busy(slow.redfish)); /* its first GPU is asked, for long */
    asked = slow.state.transactions;
    bench_start(&quick, false);
    UNTIL(&quick, bench_reading(&quick, 3, 0)->sequence >= 10);
    assert_true(bench_reads(&quick, ST_OK));
    bench_look(&slow);
    assert_true(slow.state.transactions <= asked + 4); /* it was still at its first questions */
    bench_done(&quick);
    bench_done(&slow);
}

static void a_busy_bmc_is_left_alone_for_a_while(void **state)
{
    struct bench bench;
    int gets;

    (void)state;
    bench_init(&bench);
    bench.conf->buses[0].stale_us = 2000000; /* longer than a machine stalls */
    bench_start(&bench, false);
    UNTIL(&bench, bench_reads(&bench, ST_OK));
    bench.bmc.get_code = 503;
    bench.bmc.retry_after = "30"; /* more than we can afford: the stale time it is */
    UNTIL(&bench, bench.state.readings[0].status == ST_BUSY || bench.state.readings[3].status == ST_BUSY ||
                      bench.state.readings[6].status == ST_BUSY || bench.state.readings[9].status == ST_BUSY);
    gets = bench.bmc.gets;
    bench_run_ms(&bench, 200);
    assert_true(bench.bmc.gets <= gets + 1);
    bench.bmc.get_code = 0;
    UNTIL(&bench, bench_reads(&bench, ST_OK));
    bench_done(&bench);
}

/* ---- sessions ---- */

static void an_expired_session_is_renewed_once(void **state)
{
    struct bench bench;
    uint32_t sequence;

    (void)state;
    bench_init(&bench);
    bench_start(&bench, false);
    UNTIL(&bench, bench_reads(&bench, ST_OK));
    bench_run_ms(&bench, 1100); /* the pause between two logins */
    bench.bmc.token = 0;
    bench.bmc.sessions = 0;
    bench_look(&bench);
    sequence = bench_reading(&bench, 3, 0)->sequence;
    UNTIL(&bench, bench_reading(&bench, 3, 0)->sequence >= sequence + 3);
    assert_true(bench_reads(&bench, ST_OK));
    assert_int_equal(bench.bmc.logins, 2);
    assert_int_equal(bench.bmc.sessions, 1);
    assert_int_equal(bench.bmc.connections, 1);
    bench_done(&bench);
}

static void four_intermittent_refusals_are_not_believed(void **state)
{
    struct bench bench;
    uint32_t sequence;

    (void)state;
    bench_init(&bench);
    bench_start(&bench, false);
    UNTIL(&bench, bench_reads(&bench, ST_OK));
    bench.bmc.refuse = 4;
    bench_look(&bench);
    sequence = bench_reading(&bench, 3, 0)->sequence;
    UNTIL(&bench, bench_reading(&bench, 3, 0)->sequence >= sequence + 2);
    assert_true(bench_reads(&bench, ST_OK));
    assert_int_equal(bench.bmc.refuse, 0);
    assert_true(bench.bmc.logins <= 2);
    assert_int_equal(bench.bmc.sessions_most, 1); /* an old session goes before a new one comes */
    bench_done(&bench);
}

static void five_are_believed_and_bring_no_login_loop(void **state)
{
    struct bench bench;
    int logins;

    (void)state;
    bench_init(&bench);
    bench_start(&bench, false);
    UNTIL(&bench, bench_reads(&bench, ST_OK));
    bench.bmc.refuse = 1000;
    UNTIL(&bench, bench_reads(&bench, ST_REFUSED));
    logins = bench.bmc.logins;
    assert_true(logins <= 2);
    bench_run_ms(&bench, 600);
    assert_int_equal(bench.bmc.logins, logins);
    assert_true(bench.bmc.refuse >= 980);
    bench_done(&bench);
}

static void a_wrong_password_is_tried_once_and_then_waited_over(void **state)
{
    struct bench bench;
    int64_t began_us;

    (void)state;
    bench_init(&bench);
    (void)snprintf(bench.conf->devices[0].password, sizeof bench.conf->devices[0].password, "guess");
    began_us = clock_now_us();
    bench_start(&bench, false);
    UNTIL(&bench, bench_reads(&bench, ST_REFUSED));
    bench_run_ms(&bench, 600);
    assert_int_equal(bench.bmc.logins, 1);
    assert_int_equal(bench.bmc.gets, 0);
    bench_ordered(&bench, 0, DEVICE_OP_SET, 700.0, ST_REFUSED);
    /* an order that comes while the BMC is asked anew waits with it, and then one more is due: 5 s later, give or take a fifth */
    assert_true(bench.bmc.logins <= 1 + (clock_now_us() - began_us) / 4000000);
    bench_done(&bench);
}

static void a_full_session_table_means_basic_not_an_outage(void **state)
{
    static const struct {
        int code;
        const char *body, *retry_after;
    } cases[] = {
        {.code = 503,
         .body = "{\"error\":{\"@Message.ExtendedInfo\":[{\"MessageId\":\"IDRAC.2.8.RAC0218\","
                 "\"Message\":\"The maximum number of user sessions is reached.\"}]}}"},
        {.code = 503, .retry_after = "30"},
        {.code = 400, .body = "{\"error\":{\"code\":\"Base.1.8.SessionLimitExceeded\"}}"},
        {.code = 404, .body = ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench bench;

        bench_init(&bench);
        bench.bmc.login_code = cases[i].code;
        bench.bmc.body = cases[i].body;
        bench.bmc.retry_after = cases[i].retry_after;
        bench_start(&bench, false);
        UNTIL(&bench, bench_reads(&bench, ST_OK));
        assert_int_equal(bench.bmc.logins, 1);
        assert_true(bench.bmc.basics >= FAKE_GPUS);
        bench_ordered(&bench, 1, DEVICE_OP_SET, 700.0, ST_OK);
        bench_done(&bench);
    }
}

static void the_session_is_given_back_at_the_end(void **state)
{
    (void)state;
    for (int without_location = 0; without_location < 2; without_location++) {
        struct bench bench;

        bench_init(&bench);
        bench.bmc.no_location = without_location == 1;
        bench_start(&bench, false);
        UNTIL(&bench, bench_reads(&bench, ST_OK));
        assert_int_equal(bench.bmc.sessions, 1);
        redfish_logout(bench.redfish);
        assert_true(redfish_busy(bench.redfish));
        UNTIL(&bench, !redfish_busy(bench.redfish));
        assert_int_equal(bench.bmc.logouts, 1);
        assert_int_equal(bench.bmc.sessions, 0);
        bench_run_ms(&bench, 100);
        assert_int_equal(bench.bmc.logins, 1);
        bench_done(&bench);
    }
}

/* A token that is a signed document, and a session that is named after it. */
static void a_session_may_have_a_long_token_and_a_long_name(void **state)
{
    (void)state;
    for (int without_location = 0; without_location < 2; without_location++) {
        struct bench bench;

        bench_init(&bench);
        bench.bmc.padding = 4000;
        bench.bmc.no_location = without_location == 1;
        bench_start(&bench, false);
        UNTIL(&bench, bench_reads(&bench, ST_OK));
        redfish_free(bench.redfish); /* it is kept, and the next one goes on with it */
        for (int i = 0; i < FAKE_GPUS * READINGS; i++)
            bench.adapter.state.readings[i].status = bench.state.readings[i].status = ST_NONE;
        bench_start(&bench, false);
        UNTIL(&bench, bench_reads(&bench, ST_OK));
        assert_int_equal(bench.bmc.basics, 0);
        assert_int_equal(bench.bmc.logins, 1);
        redfish_logout(bench.redfish);
        UNTIL(&bench, !redfish_busy(bench.redfish));
        assert_int_equal(bench.bmc.logouts, 1);
        assert_int_equal(bench.bmc.sessions, 0);
        bench_done(&bench);
    }
}

static void a_login_under_way_at_the_end_is_given_back_too(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench);
    bench_start(&bench, false);
    UNTIL(&bench, redfish_busy(bench.redfish)); /* the login is out */
    redfish_logout(bench.redfish);
    UNTIL(&bench, !redfish_busy(bench.redfish));
    assert_int_equal(bench.bmc.sessions, 0);
    assert_int_equal(bench.bmc.logouts, bench.bmc.logins);
    bench_done(&bench);
}

static void session_file(const struct bench *bench, char *path, size_t room)
{
    (void)snprintf(path, room, "%s/sessions/bmc-1", bench->conf->state_dir);
}

static void a_session_outlives_a_daemon_that_dies_and_is_given_back_by_the_next(void **state)
{
    char path[CONF_PATH_MAX + 32];
    struct bench bench;
    struct stat info;

    (void)state;
    bench_init(&bench);
    bench_start(&bench, false);
    UNTIL(&bench, bench_reads(&bench, ST_OK));
    session_file(&bench, path, sizeof path);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 077, 0); /* nobody else's to read */
    redfish_free(bench.redfish);             /* without a farewell */
    for (int i = 0; i < FAKE_GPUS * READINGS; i++)
        bench.adapter.state.readings[i].status = bench.state.readings[i].status = ST_NONE;
    bench_start(&bench, false);
    UNTIL(&bench, bench_reads(&bench, ST_OK));
    assert_int_equal(bench.bmc.logins, 1);
    redfish_logout(bench.redfish);
    UNTIL(&bench, !redfish_busy(bench.redfish));
    assert_int_equal(bench.bmc.logouts, 1);
    assert_int_equal(bench.bmc.sessions, 0);
    assert_int_not_equal(stat(path, &info), 0);
    bench_done(&bench);
}

static void a_kept_session_that_is_not_good_any_more_or_of_another_bmc_is_replaced(void **state)
{
    static const char *const urls[] = {"", "http://192.0.2.1"};

    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        char path[CONF_PATH_MAX + 32];
        struct bench bench;
        FILE *file;

        bench_init(&bench);
        session_file(&bench, path, sizeof path);
        *strrchr(path, '/') = '\0';
        assert_int_equal(mkdir(path, 0700), 0);
        session_file(&bench, path, sizeof path);
        file = fopen(path, "w");
        assert_non_null(file);
        (void)fprintf(file, "busbar session 1\n%s\n/redfish/v1/SessionService/Sessions/9\nold\n",
                      urls[i][0] ? urls[i] : bench.bmc.url);
        (void)fclose(file);
        bench_start(&bench, false);
        UNTIL(&bench, bench_reads(&bench, ST_OK));
        assert_int_equal(bench.bmc.logins, 1);
        assert_int_equal(bench.bmc.sessions_most, 1);
        bench_done(&bench);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(power_limit_and_energy_of_each_gpu_are_polled),
        cmocka_unit_test(a_bmc_that_stops_answering_is_told_apart_and_found_again),
        cmocka_unit_test(one_slow_bmc_does_not_delay_another),
        cmocka_unit_test(a_busy_bmc_is_left_alone_for_a_while),
        cmocka_unit_test(an_expired_session_is_renewed_once),
        cmocka_unit_test(four_intermittent_refusals_are_not_believed),
        cmocka_unit_test(five_are_believed_and_bring_no_login_loop),
        cmocka_unit_test(a_wrong_password_is_tried_once_and_then_waited_over),
        cmocka_unit_test(a_full_session_table_means_basic_not_an_outage),
        cmocka_unit_test(the_session_is_given_back_at_the_end),
        cmocka_unit_test(a_session_may_have_a_long_token_and_a_long_name),
        cmocka_unit_test(a_login_under_way_at_the_end_is_given_back_too),
        cmocka_unit_test(a_session_outlives_a_daemon_that_dies_and_is_given_back_by_the_next),
        cmocka_unit_test(a_kept_session_that_is_not_good_any_more_or_of_another_bmc_is_replaced),
    };

    (void)signal(SIGPIPE, SIG_IGN); /* as every program of ours: libevent writes to closed sockets */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
