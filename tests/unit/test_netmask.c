/* SPDX-License-Identifier: Apache-2.0 */
/* test_netmask.c: which addresses a prefix means. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

#include "busbar/netmask.h"

static bool holds(const char *mask, const char *address)
{
    struct sockaddr_in four = { .sin_family = AF_INET };
    struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
    struct netmask m;

    assert_true(netmask_read(mask, &m));
    if (inet_pton(AF_INET, address, &four.sin_addr) == 1)
        return netmask_holds(&m, (const struct sockaddr *)&four);
    assert_int_equal(inet_pton(AF_INET6, address, &six.sin6_addr), 1);
    return netmask_holds(&m, (const struct sockaddr *)&six);
}

static void a_prefix_holds_what_begins_with_it(void **state)
{
    (void)state;
    assert_true(holds("10.1.0.0/16", "10.1.255.3"));
    assert_false(holds("10.1.0.0/16", "10.2.0.1"));
    assert_true(holds("10.1.2.3", "10.1.2.3"));
    assert_false(holds("10.1.2.3", "10.1.2.4"));
    assert_true(holds("0.0.0.0/0", "192.0.2.1"));
    assert_true(holds("192.0.2.128/25", "192.0.2.129"));
    assert_false(holds("192.0.2.128/25", "192.0.2.127"));
    assert_true(holds("fd00::/8", "fd12::1"));
    assert_false(holds("fd00::/8", "fe80::1"));
    assert_true(holds("::1", "::1"));
}

static void families_are_kept_apart_but_for_mapped_ones(void **state)
{
    (void)state;
    assert_true(holds("10.0.0.0/8", "::ffff:10.1.2.3"));
    assert_false(holds("10.0.0.0/8", "::ffff:11.1.2.3"));
    assert_false(holds("::/0", "10.1.2.3"));
    assert_false(holds("::/0", "::ffff:10.1.2.3"));
    assert_false(holds("0.0.0.0/0", "fd00::1"));
}

static void what_has_no_address_is_in_no_prefix(void **state)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct netmask m;

    (void)state;
    assert_true(netmask_read("0.0.0.0/0", &m));
    assert_false(netmask_holds(&m, (const struct sockaddr *)&address));
}

static void what_is_no_prefix_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "/8",
        "10.0.0.0/33",
        "10.0.0.0/",
        "10.0.0.0/-1",
        "10.0.0.0/8x",
        "10.0.0.1/8",
        "10.0.0",
        "host",
        "fd00::/129",
        "fd00::1/8",
        "10.0.0.0/8/8",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    };
    struct netmask m;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (netmask_read(wrong[i], &m))
            fail_msg("'%s' was taken", wrong[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prefix_holds_what_begins_with_it),
        cmocka_unit_test(families_are_kept_apart_but_for_mapped_ones),
        cmocka_unit_test(what_has_no_address_is_in_no_prefix),
        cmocka_unit_test(what_is_no_prefix_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
