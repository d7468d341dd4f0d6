/* SPDX-License-Identifier: Apache-2.0 */
/* What so many runs say of the next one. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/campaign_parts.h"

#define NEAR(a, b, e) assert_true(fabs((a) - (b)) <= (e))

static void without_a_failure_it_is_three_in_so_many(void **state)
{
    (void)state;
    NEAR(campaign_bound(0, 1), 0.95, 1e-12);
    NEAR(campaign_bound(0, 2000), 0.0014967, 1e-7);
    NEAR(campaign_bound(0, 100000), 2.99569e-5, 1e-9);
    NEAR(campaign_bound(0, 0), 1.0, 0.0);
}

/* Tables of Clopper and Pearson, one-sided, 95 %. */
static void with_failures_it_is_that_of_the_tables(void **state)
{
    (void)state;
    NEAR(campaign_bound(1, 10), 0.39416, 1e-5);
    NEAR(campaign_bound(3, 100), 0.07571, 1e-5);
    NEAR(campaign_bound(1, 100000), 4.7438e-5, 2e-9);
    NEAR(campaign_bound(5, 5), 1.0, 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_failure_it_is_three_in_so_many),
        cmocka_unit_test(with_failures_it_is_that_of_the_tables),
    };

    return cmocka_run_group_tests_name("campaign_bound", tests, NULL, NULL);
}
