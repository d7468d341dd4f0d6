/* SPDX-License-Identifier: Apache-2.0 */
/* test_cli_health.c: latencies as percentiles, and the gates they are held against. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli_health_gate.h"

static void percentiles_are_samples_by_nearest_rank(void **state)
{
    struct cli_health_samples samples = { .count = 0 };
    struct cli_health_percentiles p = cli_health_percentiles(&samples);

    (void)state;
    assert_true(p.p50_ms != p.p50_ms);
    for (int i = 100; i > 0; i--)
        assert_true(cli_health_add(&samples, i * 1000));
    p = cli_health_percentiles(&samples);
    assert_float_equal(p.p50_ms, 50, 1e-9);
    assert_float_equal(p.p95_ms, 95, 1e-9);
    assert_float_equal(p.p99_ms, 99, 1e-9);
    assert_float_equal(p.max_ms, 100, 1e-9);
    cli_health_samples_done(&samples);
    assert_true(cli_health_add(&samples, 7000));
    p = cli_health_percentiles(&samples);
    assert_float_equal(p.p50_ms, 7, 1e-9);
    assert_float_equal(p.p99_ms, 7, 1e-9);
    cli_health_samples_done(&samples);
}

static void a_fast_bmc_passes_every_gate(void **state)
{
    struct cli_health_percentiles p = { 500, 700, 800, 1000 }, none = { NAN, NAN, NAN, NAN };
    struct cli_health_gate gates[5];

    (void)state;
    assert_int_equal(cli_health_gates(&p, gates), 0);
    assert_int_equal(cli_health_gates(&none, gates), 0);
}

static void a_slow_one_is_told_where_and_by_how_much(void **state)
{
    struct cli_health_percentiles p = { 501, 650, 1200, 4000 };
    struct cli_health_gate gates[5];

    (void)state;
    assert_int_equal(cli_health_gates(&p, gates), 4);
    assert_string_equal(gates[0].code, "LATENCY_P50");
    assert_float_equal(gates[0].observed, 501, 1e-9);
    assert_float_equal(gates[0].threshold, 500, 1e-9);
    assert_false(gates[0].error);
    assert_string_equal(gates[3].code, "CONNECTION_PRESSURE");
    assert_true(gates[3].error);
}

static void versions_are_compared_number_by_number(void **state)
{
    static const struct {
        const char *have, *floor;
        bool at_least;
    } cases[] = {
        { "25.2.0", "25.0.0", true },
        { "25.0.0", "25.2.0", false },
        { "1.17.0", "1.9.1", true },
        { "1.9", "1.9.0", false },
        { "1.9.0", "1.9", true },
        { "GH200-24.05-2", "24.05", true },
        { "GH200-24.05-2", "25.0", false },
        { "BF-23.10-4", "23.10-4", true },
        { "", "1", false },
        { "v2.15.0-dev-686-gabc", "2.14", true },
        { "anything", "", true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (cli_health_version_at_least(cases[i].have, cases[i].floor) != cases[i].at_least)
            fail_msg("%s against %s", cases[i].have, cases[i].floor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_are_samples_by_nearest_rank),
        cmocka_unit_test(a_fast_bmc_passes_every_gate),
        cmocka_unit_test(a_slow_one_is_told_where_and_by_how_much),
        cmocka_unit_test(versions_are_compared_number_by_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
