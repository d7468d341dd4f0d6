/* SPDX-License-Identifier: Apache-2.0 */
/* test_signals.c: the lists of signals, events and statuses look themselves up. */
#include "busbar/signals.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "busbar/events.h"
#include "busbar/status.h"

static void every_signal_is_found_by_its_own_name(void **state)
{
    (void)state;
    for (int i = 0; i < SIGNAL_COUNT; i++)
        assert_int_equal(signal_find(signal_name((enum signal)i)), i);
    assert_int_equal(signal_find("gpu_power_w"), SIGNAL_GPU_POWER_W);
    assert_int_equal(signal_find("gpu_power"), SIGNAL_COUNT);
    assert_int_equal(signal_find(""), SIGNAL_COUNT);
}

/* "W/s" as it stands in a name: "w_per_s". */
static void unit_in_a_name(const char *unit, char *to, size_t room)
{
    size_t size = 0;

    for (; *unit && size + 6 < room; unit++)
        size += (size_t)snprintf(to + size, room - size, *unit == '/' ? "_per_" : "%c", tolower((unsigned char)*unit));
    to[size] = '\0';
}

/* A name ends in its unit, lower case: psu_output_v is in V. */
static void a_name_ends_in_its_unit(void **state)
{
    (void)state;
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        const char *name = signal_name((enum signal)i), *unit = signal_unit((enum signal)i);
        char ending[32];
        size_t at;

        unit_in_a_name(unit, ending, sizeof ending);
        at = strlen(name) - strlen(ending);

        if (strcmp(unit, "bits") == 0 || strcmp(unit, "text") == 0 || strcmp(unit, "1") == 0)
            continue;
        if (unit[0] == '\0') {
            assert_non_null(strstr(name, "_ratio"));
            continue;
        }
        assert_true(strlen(name) > strlen(ending) && name[at - 1] == '_');
        assert_string_equal(name + at, ending);
    }
}

static void plausible_ranges_are_in_order(void **state)
{
    (void)state;
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        assert_true(signal_min((enum signal)i) <= signal_max((enum signal)i));
        assert_true(signal_help((enum signal)i)[0] != '\0');
    }
    assert_true(signal_max(SIGNAL_GPU_POWER_W) >= 5000.0);
    assert_true(signal_min(SIGNAL_BBU_PACK_A) < 0.0);
}

static void a_number_that_is_no_signal_is_unknown(void **state)
{
    (void)state;
    assert_string_equal(signal_name(SIGNAL_COUNT), "unknown");
    assert_string_equal(signal_unit((enum signal) - 1), "");
}

static void every_event_has_its_own_identifier_a_severity_and_advice(void **state)
{
    (void)state;
    for (int i = 0; i < EV_COUNT; i++) {
        assert_true(ev_severity((enum ev)i) >= 3 && ev_severity((enum ev)i) <= 6);
        assert_true(strlen(ev_advice((enum ev)i)) > 4);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(ev_id((enum ev)i), ev_id((enum ev)k));
    }
    assert_string_equal(ev_id(EV_MODE_CHANGED), "mode_changed");
    assert_string_equal(ev_id(EV_COUNT), "unknown");
}

static void every_status_has_its_own_label(void **state)
{
    (void)state;
    assert_int_equal(ST_OK, 0);
    for (int i = 0; i < ST_COUNT; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(status_label((enum status)i), status_label((enum status)k));
    assert_string_equal(status_label(ST_OK), "ok");
    assert_string_equal(status_label(ST_COUNT), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_signal_is_found_by_its_own_name),
        cmocka_unit_test(a_name_ends_in_its_unit),
        cmocka_unit_test(plausible_ranges_are_in_order),
        cmocka_unit_test(a_number_that_is_no_signal_is_unknown),
        cmocka_unit_test(every_event_has_its_own_identifier_a_severity_and_advice),
        cmocka_unit_test(every_status_has_its_own_label),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
